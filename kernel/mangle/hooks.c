// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way of a packet through the module.
 *
 *   receive: PRE_ROUTING, before conntrack. A destination that is a care-of
 *	address of ours becomes our permanent address; a source that is a
 *	mobile host's care-of address becomes its permanent address.
 *   send:    LOCAL_OUT, last of all. The same the other way round, and the
 *	question to the daemon where something is not known.
 *
 * So routing, conntrack, firewall and sockets see permanent addresses only,
 * and the wire carries care-of addresses in both directions. A mapping in literal
 * mode leaves the source of the mobile host's packets as it is, at both ends
 * (OPEN-18).
 *
 * Whether a connection uses permanent or care-of addresses is the socket's
 * matter, and the socket table already knows it: a received segment whose
 * care-of connection has a socket is left alone. So a connection made to a
 * care-of address on purpose, or before the mapping was known, goes on
 * undisturbed, and no mode has to be remembered for any connection.
 */
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <net/ip.h>
#include <net/ipv6_frag.h>
#include <net/netfilter/ipv6/nf_defrag_ipv6.h>

#include "../core/packet.h"
#include "../core/route.h"
#include "icmp.h"
#include "mangle.h"
#include "nat.h"
#include "socket.h"
#include "whom.h"

/*
 * Puts a packet together from its fragments, so that all of them go one way, in
 * whatever order they come (OPEN-05). NF_ACCEPT: the packet is complete.
 */
static noinline unsigned int mangle_defrag(struct mangle_net *mn,
					   struct sk_buff *skb, bool v6)
{
	int err;

	/* ip_defrag() takes the fragment in any case: it keeps or frees it. */
	if (!v6)
		return ip_defrag(mn->net, skb, IP_DEFRAG_LOCAL_DELIVER) ?
		       NF_STOLEN : NF_ACCEPT;
	err = nf_ct_frag6_gather(mn->net, skb, IP6_DEFRAG_LOCAL_DELIVER);
	if (err == -EINPROGRESS)
		return NF_STOLEN;
	return err ? mangle_drop(mn, skb, MANGLE_DROP_MALFORMED) : NF_ACCEPT;
}

static noinline bool mangle_is_delivered(struct mangle_net *mn,
					 const struct sk_buff *skb, bool v6)
{
	const struct roam_pair6 pair = roam_packet_pair(skb, v6);

	return roam_addr_is_local(mn->net, &pair.daddr);
}

/*
 * Packets for other hosts pass unchanged. This is asked late, because a packet
 * whose socket was found is for this host.
 */
static __always_inline bool mangle_is_for_us(struct mangle_net *mn,
					     const struct sk_buff *skb, bool v6,
					     const struct mangle_whom *whom)
{
	/* Who talks to a care-of address on this host means just that address. */
	return !(skb->dev->flags & IFF_LOOPBACK) &&
	       (whom->own || mangle_is_delivered(mn, skb, v6));
}

/*
 * Is it a translator's? If not, it may be for a published port, whose replies are
 * forwarded: then their hook is wanted.
 */
static bool mangle_translated(struct mangle_net *mn, const struct sk_buff *skb, bool v6)
{
	if (mangle_nat_knows_wire(mn->net, skb, v6))
		return true;
	if (!READ_ONCE(mn->forwards) && mangle_nat_may_forward(mn->net, skb->dev, v6)) {
		WRITE_ONCE(mn->forwards, true);
		roam_sweep_within(&mn->sweep, 0);
	}
	return false;
}

/* Did it come to another address than the one at which we are now? */
static bool mangle_is_late(const struct sk_buff *skb, bool v6,
			   const struct mangle_endpoint *now)
{
	const struct roam_pair6 pair = roam_packet_pair(skb, v6);

	return !now || roam_addr_differ(&now->coa, &pair.daddr);
}

/*
 * A packet that no socket knows by permanent addresses: is it for us, and for nobody
 * who knows it as it is on the wire? @own and @peer are as in struct mangle_whom. All by
 * value, so that nothing of a packet with a socket has to be in memory.
 */
static noinline bool mangle_begins(struct mangle_net *mn, struct sk_buff *skb,
				   struct roam_packet pkt, const __be16 *ports,
				   struct mangle_mapping *own, struct mangle_mapping *peer)
{
	bool tcp = ports && pkt.protocol == IPPROTO_TCP;
	const struct mangle_whom whom = { .own = own, .peer = peer };

	if (!mangle_is_for_us(mn, skb, pkt.v6, &whom))
		return false;
	if ((tcp && mangle_socket_knows_wire(mn->net, skb, pkt, ports, own)) ||
	    (ports && mangle_nat_is_used(mn->net, pkt.v6) && mangle_translated(mn, skb, pkt.v6))) {
		mangle_count(mn, in_kept);
		return false;
	}
	if (!tcp)
		return true;
	/*
	 * Who has gone home, or has left, does not begin anything from where he was: it is
	 * somebody else, or he means that address.
	 */
	if (peer && !rcu_access_pointer(peer->endpoint) &&
	    mangle_packet_begins((const void *)ports))
		return false;
	if (own && mangle_is_late(skb, pkt.v6, rcu_dereference(own->endpoint)))
		WRITE_ONCE(mn->peers.late, jiffies);
	return true;
}

/*
 * The rarer part of the receiving hooks, a function for each family, so that packets
 * that concern no mapping do not pay for it. @whole_tcp: the packet is known to be a
 * TCP segment in one piece, for which the compiler makes a shorter function.
 */
static __always_inline unsigned int mangle_restore(struct mangle_net *mn,
						   struct sk_buff *skb, bool v6,
						   bool whole_tcp,
						   const struct mangle_wire *wire)
{
	struct mangle_whom whom;
	struct roam_packet pkt;
	struct in6_addr mapped;
	struct sock *sk = NULL;
	bool established = false;
	const __be16 *ports;
	__be16 buf[2];
	bool tcp;

	roam_packet_read(skb, v6, &pkt);
	if (whole_tcp) {
		pkt.protocol = IPPROTO_TCP;
		pkt.fragment = false;
		pkt.later = false;
	}
	if ((v6 && !test_bit(pkt.protocol, mn->config.protocols)) ||
	    !mangle_whom_find(wire, false, &whom))
		return NF_ACCEPT;
	if (unlikely(pkt.fragment)) {
		unsigned int verdict;

		if (!mangle_is_for_us(mn, skb, v6, &whom))
			return NF_ACCEPT;
		verdict = mangle_defrag(mn, skb, v6);
		if (verdict != NF_ACCEPT)
			return verdict;
		roam_packet_read(skb, v6, &pkt);
	}

	if (unlikely(!roam_packet_open(skb, &pkt))) {
		if (!mangle_is_for_us(mn, skb, v6, &whom))
			return NF_ACCEPT;
		return mangle_drop(mn, skb, MANGLE_DROP_MALFORMED);
	}
	ports = roam_packet_ports(skb, &pkt, buf);
	if (!v6)
		mapped = roam_addr4(ip_hdr(skb)->saddr);
	if (mangle_is_exempt(mn, skb, pkt.protocol, ports,
			     v6 ? &ipv6_hdr(skb)->saddr : &mapped, NULL))
		return NF_ACCEPT;
	tcp = ports && pkt.protocol == IPPROTO_TCP;
	if (tcp)
		sk = mangle_socket_find(mn->net, skb, v6,
					whom.peer ? &whom.peer->perm : NULL,
					whom.own ? &whom.own->perm : NULL, ports);
	if (!sk) {
		/* Where nobody translates, only TCP has more to ask. */
		if (tcp || mangle_nat_is_used(mn->net, v6) ?
		    !mangle_begins(mn, skb, pkt, ports, whom.own, whom.peer) :
		    !mangle_is_for_us(mn, skb, v6, &whom))
			return NF_ACCEPT;
	}
	roam_packet_rewrite(skb, &pkt, whom.peer ? &whom.peer->perm : NULL,
			    whom.own ? &whom.own->perm : NULL);
	/* A route found for the addresses on the wire leads nowhere now. */
	skb_dst_drop(skb);
	if (sk) {
		established = mangle_socket_is_open(sk, (const void *)ports);
		mangle_socket_hand_on(mn->net, skb, sk);
	}
	if (whom.own && established) {
		const struct in6_addr from = whom.peer ? whom.peer->perm :
					     v6 ? ipv6_hdr(skb)->saddr : mapped;

		if (unlikely(mangle_packet_refuses((const void *)ports)) &&
		    mangle_peer_resets_early(&mn->peers, whom.own, from))
			return mangle_drop(mn, skb, MANGLE_DROP_EARLY_RESET);
		mangle_peer_see(&mn->peers, whom.own, &from,
				rcu_access_pointer(whom.own->endpoint) == wire->to);
	}
	mangle_count(mn, in_rewritten);
	return NF_ACCEPT;
}

static noinline unsigned int mangle_restore_tcp4(struct mangle_net *mn,
						 struct sk_buff *skb,
						 struct mangle_endpoint *to,
						 struct mangle_endpoint *from)
{
	const struct mangle_wire wire = { to, from };

	return mangle_restore(mn, skb, false, true, &wire);
}

static noinline unsigned int mangle_restore_any4(struct mangle_net *mn,
						 struct sk_buff *skb,
						 struct mangle_endpoint *to,
						 struct mangle_endpoint *from)
{
	const struct mangle_wire wire = { to, from };

	return mangle_restore(mn, skb, false, false, &wire);
}

static inline unsigned int mangle_restore4(struct mangle_net *mn, struct sk_buff *skb,
					   struct mangle_endpoint *to,
					   struct mangle_endpoint *from)
{
	const struct iphdr *iph = ip_hdr(skb);

	if (iph->protocol == IPPROTO_TCP && !ip_is_fragment(iph))
		return mangle_restore_tcp4(mn, skb, to, from);
	return mangle_restore_any4(mn, skb, to, from);
}

/*
 * The slower way: a host that is mobile and talks to mobile hosts looks for both
 * addresses, and a table that grows has to be asked by a call.
 */
static noinline unsigned int mangle_receive4(struct mangle_net *mn,
					     struct sk_buff *skb)
{
	const struct roam_pair6 wire = roam_packet_pair(skb, false);
	struct mangle_wire carried;

	if (!mangle_wire_find(&mn->table, &wire.saddr, &wire.daddr, &carried))
		return NF_ACCEPT;
	return mangle_restore4(mn, skb, carried.to, carried.from);
}

/*
 * One look-up in sight and no call but the last: the compiler needs neither
 * registers to save nor a frame, which is a tenth of what a packet costs that
 * concerns no mapping.
 */
static unsigned int mangle_hook_in4(void *priv, struct sk_buff *skb,
				    const struct nf_hook_state *state)
{
	const struct iphdr *iph = ip_hdr(skb);
	struct mangle_endpoint *endpoint;
	struct mangle_net *mn = priv;
	struct in6_addr key;
	bool own;

	if (iph->protocol == IPPROTO_ICMP)
		return mangle_icmp_in4(mn, skb);
	if (!test_bit(iph->protocol, mn->config.protocols))
		return NF_ACCEPT;
	own = mangle_has(&mn->table, ROAM_MANGLE_ROLE_OWN);
	if (own && mangle_has(&mn->table, ROAM_MANGLE_ROLE_REMOTE))
		return mangle_receive4(mn, skb);
	key = roam_addr4(own ? iph->daddr : iph->saddr);
	if (unlikely(!mangle_endpoint_look(&mn->table, &key, &endpoint)))
		return mangle_receive4(mn, skb);
	if (likely(!endpoint))
		return NF_ACCEPT;
	if (own)
		return mangle_restore4(mn, skb, endpoint, NULL);
	return mangle_restore4(mn, skb, NULL, endpoint);
}

static noinline unsigned int mangle_restore6(struct mangle_net *mn,
					     struct sk_buff *skb,
					     struct mangle_endpoint *to,
					     struct mangle_endpoint *from)
{
	const struct mangle_wire wire = { to, from };

	return mangle_restore(mn, skb, true, false, &wire);
}

static noinline unsigned int mangle_receive6(struct mangle_net *mn,
					     struct sk_buff *skb)
{
	const struct ipv6hdr *iph = ipv6_hdr(skb);
	struct mangle_wire carried;

	if (!mangle_wire_find(&mn->table, &iph->saddr, &iph->daddr, &carried))
		return NF_ACCEPT;
	return mangle_restore6(mn, skb, carried.to, carried.from);
}

static unsigned int mangle_hook_in6(void *priv, struct sk_buff *skb,
				    const struct nf_hook_state *state)
{
	const struct ipv6hdr *iph = ipv6_hdr(skb);
	struct mangle_endpoint *endpoint;
	struct mangle_net *mn = priv;
	bool own;

	if (iph->nexthdr == IPPROTO_ICMPV6)
		return mangle_icmp_in6(mn, skb);
	own = mangle_has(&mn->table, ROAM_MANGLE_ROLE_OWN);
	if ((own && mangle_has(&mn->table, ROAM_MANGLE_ROLE_REMOTE)) ||
	    unlikely(!mangle_endpoint_look(&mn->table, own ? &iph->daddr : &iph->saddr,
					   &endpoint)))
		return mangle_receive6(mn, skb);
	if (likely(!endpoint))
		return NF_ACCEPT;
	if (own)
		return mangle_restore6(mn, skb, endpoint, NULL);
	return mangle_restore6(mn, skb, NULL, endpoint);
}

/**
 * struct mangle_sending - what is found out about a packet that leaves
 * @saddr: the source it shall have on the wire, NULL: it stays
 * @own: mapping of its source, an own permanent address that is away; or NULL
 * @to: endpoint of its destination, or NULL
 * @need: ROAM_MANGLE_NEED_*, what is not known
 * @told: the other end knows where we are, as far as it has to
 */
struct mangle_sending {
	const struct in6_addr *saddr;
	struct mangle_mapping *own;
	struct mangle_endpoint *to;
	u32 need;
	bool told;
};

/*
 * The answer to who begins a connection, whom nobody knows: a SYN that came to the
 * care-of address came from somebody who knows that, or means it; and it may be
 * forged. So nobody is asked about, and nothing is remembered, before the handshake is
 * complete. Only who came to an address just left has to be told first.
 */
static bool mangle_answers_syn(const struct mangle_net *mn, const struct sk_buff *skb,
			       const struct roam_packet *pkt)
{
	return mangle_packet_answers_syn(skb, pkt) &&
	       time_after(jiffies, READ_ONCE(mn->peers.late) + MANGLE_LATE_TIME);
}

static void mangle_translate_source(struct mangle_net *mn,
				    const struct sk_buff *skb,
				    const struct roam_packet *pkt,
				    const struct roam_pair6 *old,
				    struct mangle_sending *out)
{
	const struct mangle_peer_key key = { old->saddr, old->daddr };
	struct mangle_endpoint *endpoint;
	struct mangle_mapping *mapping;
	struct mangle_peer *peer;
	u32 epoch;

	mapping = mangle_mapping_find(&mn->table, &old->saddr);
	if (!mapping || mapping->role != ROAM_MANGLE_ROLE_OWN)
		return;
	endpoint = rcu_dereference(mapping->endpoint);
	/* A null mapping: the host is at home and has nothing to hide or tell. */
	if (!endpoint)
		return;
	/* with rcu_assign_pointer() of a move */
	smp_rmb();
	epoch = READ_ONCE(mapping->epoch);
	out->own = mapping;
	if (READ_ONCE(mapping->mode) == ROAM_MANGLE_MODE_SYMMETRIC)
		out->saddr = &endpoint->coa;
	mangle_mapping_touch(mapping);

	peer = mangle_peer_find(&mn->peers, &key);
	if (peer)
		out->told = mangle_peer_is_told(peer, epoch) ||
			    (mangle_peer_may_know(peer, epoch) &&
			     mangle_packet_continues(skb, pkt));
	/* A correspondent that cannot be told is forgotten in the end. */
	if (peer && out->told)
		mangle_peer_touch(peer);
	else if (peer || !mangle_answers_syn(mn, skb, pkt))
		out->need |= ROAM_MANGLE_NEED_PEER;
}

static void mangle_translate_destination(struct mangle_net *mn,
					 const struct roam_pair6 *old,
					 struct mangle_sending *out)
{
	struct mangle_mapping *mapping = mangle_mapping_find(&mn->table, &old->daddr);

	if (!mapping) {
		out->need |= ROAM_MANGLE_NEED_MAPPING;
		return;
	}
	if (mapping->role != ROAM_MANGLE_ROLE_REMOTE)
		return;
	mangle_mapping_touch(mapping);
	out->to = rcu_dereference(mapping->endpoint);
}

unsigned int mangle_output(struct mangle_net *mn, struct sk_buff *skb,
			   struct sock *sk)
{
	bool v6 = skb->protocol == htons(ETH_P_IPV6);
	struct mangle_sending out = { .told = true };
	struct roam_packet pkt;
	struct roam_pair6 old;
	const __be16 *ports;
	__be16 buf[2];

	roam_packet_read(skb, v6, &pkt);
	if (!test_bit(pkt.protocol, mn->config.protocols)) {
		if (pkt.protocol == (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
			return mangle_icmp_out(mn, skb, sk, &pkt);
		return NF_ACCEPT;
	}
	/* IPsec comes first, so that policies and signatures are about permanent
	 * addresses; what it makes of the packet passes here again (OPEN-12). */
	if (unlikely(dst_xfrm(skb_dst(skb))))
		return NF_ACCEPT;
	old = roam_packet_pair(skb, v6);
	if (mangle_has(&mn->table, ROAM_MANGLE_ROLE_OWN))
		mangle_translate_source(mn, skb, &pkt, &old, &out);
	if (mangle_ranges_contain(rcu_dereference(mn->table.ranges), &old.daddr))
		mangle_translate_destination(mn, &old, &out);
	if (!out.need && !out.own && !out.to)
		return NF_ACCEPT;

	if (unlikely(!roam_packet_open(skb, &pkt)))
		return mangle_drop(mn, skb, MANGLE_DROP_MALFORMED);
	ports = roam_packet_ports(skb, &pkt, buf);
	if (mangle_is_exempt(mn, skb, pkt.protocol, ports, &old.daddr, sk))
		return NF_ACCEPT;
	if (unlikely(out.need)) {
		unsigned int verdict = mangle_hold_packet(&mn->hold, skb,
							  out.own ? &old.saddr : NULL,
							  &old.daddr, out.need);

		if (verdict != NF_ACCEPT)
			return verdict;
		if (!out.told)
			return mangle_drop(mn, skb, MANGLE_DROP_UNTOLD);
	}
	if (!out.to && !out.saddr)
		return NF_ACCEPT;

	roam_packet_rewrite(skb, &pkt, out.saddr,
			    out.to ? &out.to->coa : NULL);
	if (out.to && roam_route_packet(mn->net, &out.to->route, skb, sk))
		return mangle_drop(mn, skb, MANGLE_DROP_NO_ROUTE);
	mangle_count(mn, out_rewritten);
	return NF_ACCEPT;
}

static unsigned int mangle_hook_out(void *priv, struct sk_buff *skb,
				    const struct nf_hook_state *state)
{
	/* Where it goes now: a proxy of this host may have turned it to itself. */
	if (skb_dst(skb)->dev->flags & IFF_LOOPBACK)
		return NF_ACCEPT;
	return mangle_output(priv, skb, state->sk);
}

static const struct nf_hook_ops mangle_hook_ops[MANGLE_HOOKS + MANGLE_HOOKS_FORWARD] = {
	/* conntrack shall see permanent addresses (OPEN-10) */
	{
		.hook = mangle_hook_in4,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = NF_IP_PRI_CONNTRACK - 10,
	},
	{
		.hook = mangle_hook_in6,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = NF_IP6_PRI_CONNTRACK - 10,
	},
	/* behind everybody, see hold.h */
	{
		.hook = mangle_hook_out,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_LOCAL_OUT,
		.priority = NF_IP_PRI_LAST,
	},
	{
		.hook = mangle_hook_out,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_LOCAL_OUT,
		.priority = NF_IP6_PRI_LAST,
	},
	/* MANGLE_HOOKS_FORWARD: behind source NAT, see nat.h */
	{
		.hook = mangle_nat_forwarded,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_POST_ROUTING,
		.priority = NF_IP_PRI_NAT_SRC + 10,
	},
	{
		.hook = mangle_nat_forwarded,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_POST_ROUTING,
		.priority = NF_IP6_PRI_NAT_SRC + 10,
	},
};

/* Those for forwarded packets: only where there may be any, as each packet pays. */
static int mangle_hooks_forward(struct mangle_net *mn, bool wanted)
{
	struct nf_hook_ops *ops = mn->ops + MANGLE_HOOKS;
	int err;

	if (wanted == mn->forward_hooked)
		return 0;
	if (!wanted) {
		nf_unregister_net_hooks(mn->net, ops, MANGLE_HOOKS_FORWARD);
		mn->forward_hooked = false;
		return 0;
	}
	err = nf_register_net_hooks(mn->net, ops, MANGLE_HOOKS_FORWARD);
	mn->forward_hooked = !err;
	return err;
}

int mangle_hooks_update(struct mangle_net *mn)
{
	bool wanted = mangle_mappings(&mn->table) || rcu_access_pointer(mn->table.ranges);
	unsigned int i;
	int err;

	lockdep_assert_held(&mn->table.lock);
	if (mn->gone)
		return 0;
	if (wanted == mn->hooked)
		return wanted && READ_ONCE(mn->forwards) ? mangle_hooks_forward(mn, true) : 0;
	if (!wanted) {
		mangle_hooks_forward(mn, false);
		nf_unregister_net_hooks(mn->net, mn->ops, MANGLE_HOOKS);
		mn->hooked = false;
		return 0;
	}
	memcpy(mn->ops, mangle_hook_ops, sizeof(mn->ops));
	for (i = 0; i < ARRAY_SIZE(mn->ops); i++)
		mn->ops[i].priv = mn;
	err = nf_register_net_hooks(mn->net, mn->ops, MANGLE_HOOKS);
	if (err)
		return err;
	mn->hooked = true;
	if (nf_conntrack_count(mn->net) &&
	    (mangle_nat_may_forward(mn->net, NULL, false) ||
	     mangle_nat_may_forward(mn->net, NULL, true)))
		WRITE_ONCE(mn->forwards, true);
	if (mn->forwards)
		err = mangle_hooks_forward(mn, true);
	if (!err)
		return 0;
	nf_unregister_net_hooks(mn->net, mn->ops, MANGLE_HOOKS);
	mn->hooked = false;
	return err;
}
