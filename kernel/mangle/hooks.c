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
 * and the wire carries care-of addresses in both directions (design decisions
 * 7 and 8).
 *
 * Whether a connection uses permanent or care-of addresses is the socket's
 * matter, and the socket table already knows it: a received segment whose
 * care-of connection has a socket is left alone. So a connection made to a
 * care-of address on purpose, or before the mapping was known, goes on
 * undisturbed, and no mode has to be remembered for any connection.
 */
#include <linux/inetdevice.h>
#include <linux/ip.h>
#include <linux/netfilter_ipv4.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/ip.h>
#include <net/route.h>

#include "inet_lookup.h"
#include "../core/rewrite.h"
#include "hold.h"
#include "mangle.h"
#include "peer.h"
#include "range.h"
#include "table.h"

/* Room for the quoted IP header with options and the TCP header behind it. */
#define ROAM_ICMP_QUOTE (sizeof(struct icmphdr) + 60 + sizeof(struct tcphdr))

static bool roam_is_later_fragment(const struct iphdr *iph)
{
	return iph->frag_off & htons(IP_OFFSET);
}

/*
 * Writes the new addresses. Returns false if the packet cannot be made
 * writable or ends within its transport header; it is unchanged then.
 */
static __always_inline bool roam_skb_rewrite(struct sk_buff *skb,
					     const struct roam_pair4 *new)
{
	unsigned int nhoff = skb_network_offset(skb);
	struct iphdr *iph = ip_hdr(skb);
	unsigned int len = iph->ihl * 4;
	unsigned int l4_len = 0;
	__wsum diff;

	if (!roam_is_later_fragment(iph))
		l4_len = roam_l4_len(iph->protocol);
	if (skb_ensure_writable(skb, nhoff + len + l4_len))
		return false;

	iph = ip_hdr(skb);
	roam_ip4_rewrite(iph, new, l4_len ? (void *)iph + len : NULL,
			 skb->ip_summed == CHECKSUM_PARTIAL, &diff);
	if (skb->ip_summed == CHECKSUM_COMPLETE)
		skb->csum = ~csum_add(diff, ~skb->csum);
	return true;
}

/**
 * struct roam_ends - whose care-of addresses a packet on the wire carries
 * @to: endpoint at its destination, or NULL
 * @from: endpoint at its source, or NULL
 */
struct roam_ends {
	struct roam_endpoint *to;
	struct roam_endpoint *from;
};

/*
 * The destination can stand for an own address, the source for a remote one: a
 * host without such mappings does not look. False if there is neither.
 */
static __always_inline bool roam_ends_find(struct roam_net *rn, __be32 saddr,
					   __be32 daddr, struct roam_ends *ends)
{
	ends->to = roam_has(rn, ROAM_MANGLE_ROLE_OWN) ?
		   roam_endpoint_find(rn, daddr) : NULL;
	ends->from = roam_has(rn, ROAM_MANGLE_ROLE_REMOTE) ?
		     roam_endpoint_find(rn, saddr) : NULL;
	return ends->to || ends->from;
}

/*
 * What the addresses of a packet on the wire stand for here. @own is set to
 * the mapping of the destination if that is a care-of address of ours.
 * Returns false if there is nothing to translate.
 */
static __always_inline bool roam_translate_in(struct roam_net *rn,
					      const struct roam_ends *ends,
					      const struct roam_pair4 *old,
					      struct roam_pair4 *new,
					      struct roam_mapping **own)
{
	struct roam_mapping *mapping;

	*new = *old;
	*own = NULL;

	mapping = ends->to ? ends->to->mapping : NULL;
	if (mapping && mapping->role == ROAM_MANGLE_ROLE_OWN) {
		*own = mapping;
		new->daddr = roam_addr_to4(&mapping->perm);
		roam_mapping_touch(mapping);
	}

	mapping = ends->from ? ends->from->mapping : NULL;
	/* Only what is for this host: others' packets pass unchanged. */
	if (mapping && mapping->role == ROAM_MANGLE_ROLE_REMOTE &&
	    (*own || __ip_dev_find(rn->net, old->daddr, false))) {
		new->saddr = roam_addr_to4(&mapping->perm);
		roam_mapping_touch(mapping);
	}
	return new->saddr != old->saddr || new->daddr != old->daddr;
}

/* Is there a connection, or one being set up, between these? */
static bool roam_socket_exists(struct roam_net *rn, const struct sk_buff *skb,
			       const struct roam_pair4 *pair, __be16 sport,
			       __be16 dport)
{
	struct sock *sk;

	sk = roam_inet_lookup_established(rn->net, pair->saddr, sport,
					  pair->daddr, ntohs(dport),
					  skb->dev->ifindex, inet_sdif(skb));
	if (!sk)
		return false;
	sock_gen_put(sk);
	return true;
}

/* enum roam_whose - which addresses a TCP segment's socket knows */
enum roam_whose {
	ROAM_ESTABLISHED,	/* the permanent ones */
	ROAM_CARE_OF,		/* the care-of ones */
	ROAM_NOBODY,		/* no connection yet, or a fragment */
};

static enum roam_whose roam_socket_of(struct roam_net *rn, struct sk_buff *skb,
				      const struct roam_pair4 *old,
				      const struct roam_pair4 *new)
{
	const struct iphdr *iph = ip_hdr(skb);
	const __be16 *port;
	__be16 ports[2];

	if (iph->protocol != IPPROTO_TCP || roam_is_later_fragment(iph))
		return ROAM_NOBODY;
	port = skb_header_pointer(skb, skb_network_offset(skb) + iph->ihl * 4,
				  sizeof(ports), ports);
	if (!port)
		return ROAM_NOBODY;
	if (roam_socket_exists(rn, skb, new, port[0], port[1]))
		return ROAM_ESTABLISHED;
	if (roam_socket_exists(rn, skb, old, port[0], port[1]))
		return ROAM_CARE_OF;
	return ROAM_NOBODY;
}

/*
 * An ICMP error quotes a packet as it was on the wire: give it back the
 * addresses its socket knows, if there is such a socket (OPEN-08).
 */
static noinline unsigned int roam_icmp_in(struct roam_net *rn,
					  struct sk_buff *skb)
{
	unsigned int offset = skb_network_offset(skb) + ip_hdr(skb)->ihl * 4;
	struct roam_pair4 new, reply, old_reply;
	struct roam_mapping *own;
	struct roam_ends ends;
	struct iphdr *quoted;
	unsigned int len;
	__be16 *port;

	if (roam_is_later_fragment(ip_hdr(skb)))
		return NF_ACCEPT;
	len = min_t(unsigned int, skb->len - offset, ROAM_ICMP_QUOTE);
	if (!pskb_may_pull(skb, offset + len))
		return NF_ACCEPT;
	quoted = roam_icmp4_quoted(skb->data + offset, len);
	if (!quoted || quoted->protocol != IPPROTO_TCP ||
	    roam_is_later_fragment(quoted))
		return NF_ACCEPT;

	/* We sent it: its destination is what a reply would come from. */
	old_reply.saddr = quoted->daddr;
	old_reply.daddr = quoted->saddr;
	if (!roam_ends_find(rn, old_reply.saddr, old_reply.daddr, &ends) ||
	    !roam_translate_in(rn, &ends, &old_reply, &reply, &own))
		return NF_ACCEPT;
	new.saddr = reply.daddr;
	new.daddr = reply.saddr;
	port = (void *)quoted + quoted->ihl * 4;
	if (!roam_socket_exists(rn, skb, &reply, port[1], port[0]) ||
	    roam_socket_exists(rn, skb, &old_reply, port[1], port[0]))
		return NF_ACCEPT;

	if (skb_ensure_writable(skb, offset + len)) {
		roam_count(rn, drop_malformed);
		return NF_DROP;
	}
	quoted = roam_icmp4_quoted(skb->data + offset, len);
	roam_icmp4_rewrite(skb->data + offset, len, quoted, &new);
	roam_count(rn, in_icmp);
	return NF_ACCEPT;
}

/* The rare part of roam_hook_in(), so that the others do not pay for it. */
static noinline unsigned int roam_restore(struct roam_net *rn,
					  struct sk_buff *skb,
					  struct roam_endpoint *to,
					  struct roam_endpoint *from)
{
	const struct roam_ends ends = { to, from };
	const struct iphdr *iph = ip_hdr(skb);
	struct roam_pair4 old = { iph->saddr, iph->daddr };
	struct roam_pair4 new;
	struct roam_mapping *own;
	enum roam_whose whose;

	if (!roam_translate_in(rn, &ends, &old, &new, &own))
		return NF_ACCEPT;

	whose = roam_socket_of(rn, skb, &old, &new);
	if (whose == ROAM_CARE_OF) {
		roam_count(rn, in_kept);
		return NF_ACCEPT;
	}
	if (unlikely(!roam_skb_rewrite(skb, &new))) {
		roam_count(rn, drop_malformed);
		return NF_DROP;
	}
	if (own && whose == ROAM_ESTABLISHED)
		roam_peer_see(rn, own, new.saddr);
	/* A route found for the old destination leads nowhere now. */
	if (new.daddr != old.daddr)
		skb_dst_drop(skb);
	roam_count(rn, in_rewritten);
	return NF_ACCEPT;
}

static unsigned int roam_hook_in(void *priv, struct sk_buff *skb,
				 const struct nf_hook_state *state)
{
	struct roam_net *rn = priv;
	const struct iphdr *iph = ip_hdr(skb);
	struct roam_ends ends;

	if (iph->protocol == IPPROTO_ICMP)
		return roam_icmp_in(rn, skb);
	if (!test_bit(iph->protocol, rn->config.protocols) ||
	    !roam_ends_find(rn, iph->saddr, iph->daddr, &ends))
		return NF_ACCEPT;
	return roam_restore(rn, skb, ends.to, ends.from);
}

unsigned int roam_output(struct roam_net *rn, struct sk_buff *skb,
			 struct sock *sk)
{
	const struct iphdr *iph = ip_hdr(skb);
	struct roam_pair4 old = { iph->saddr, iph->daddr };
	struct roam_pair4 new = old;
	struct roam_endpoint *endpoint;
	struct roam_mapping *mapping;
	bool own = false, told = true;
	u32 need = 0, epoch = 0;

	if (roam_has(rn, ROAM_MANGLE_ROLE_OWN)) {
		mapping = roam_mapping_find(rn, old.saddr);
		if (mapping && mapping->role == ROAM_MANGLE_ROLE_OWN) {
			endpoint = rcu_dereference(mapping->endpoint);
			/* A null mapping: at home, nothing to hide or tell. */
			if (endpoint) {
				own = true;
				/* with rcu_assign_pointer() of a move */
				smp_rmb();
				epoch = READ_ONCE(mapping->epoch);
				new.saddr = roam_addr_to4(&endpoint->coa);
				roam_mapping_touch(mapping);
			}
		}
	}
	if (roam_ranges_contain(rcu_dereference(rn->ranges), old.daddr)) {
		mapping = roam_mapping_find(rn, old.daddr);
		if (!mapping) {
			need |= ROAM_MANGLE_NEED_MAPPING;
		} else if (mapping->role == ROAM_MANGLE_ROLE_REMOTE) {
			roam_mapping_touch(mapping);
			endpoint = rcu_dereference(mapping->endpoint);
			if (endpoint)
				new.daddr = roam_addr_to4(&endpoint->coa);
		}
	}
	if (own) {
		const struct roam_peer_key key = { roam_addr4(old.saddr),
						   roam_addr4(old.daddr) };
		struct roam_peer *peer = roam_peer_find(rn, &key);

		if (peer)
			told = roam_peer_is_told(peer, epoch);
		/* One that cannot be told is forgotten in the end. */
		if (peer && told)
			roam_peer_touch(peer);
		else
			need |= ROAM_MANGLE_NEED_PEER;
	}
	if (unlikely(need)) {
		unsigned int verdict = roam_hold(rn, skb, own ? old.saddr : 0,
						 old.daddr, need);

		if (verdict != NF_ACCEPT)
			return verdict;
		if (!told) {
			roam_count(rn, drop_untold);
			return NF_DROP;
		}
	}
	if (new.saddr == old.saddr && new.daddr == old.daddr)
		return NF_ACCEPT;

	if (unlikely(!roam_skb_rewrite(skb, &new))) {
		roam_count(rn, drop_malformed);
		return NF_DROP;
	}
	if (new.daddr != old.daddr &&
	    ip_route_me_harder(rn->net, sk, skb, RTN_UNSPEC)) {
		roam_count(rn, drop_no_route);
		return NF_DROP;
	}
	roam_count(rn, out_rewritten);
	return NF_ACCEPT;
}

static unsigned int roam_hook_out(void *priv, struct sk_buff *skb,
				  const struct nf_hook_state *state)
{
	struct roam_net *rn = priv;

	if (!test_bit(ip_hdr(skb)->protocol, rn->config.protocols) ||
	    (state->out->flags & IFF_LOOPBACK))
		return NF_ACCEPT;
	return roam_output(rn, skb, state->sk);
}

static const struct nf_hook_ops roam_hook_ops[ROAM_HOOKS] = {
	{
		.hook = roam_hook_in,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_PRE_ROUTING,
		/* conntrack shall see permanent addresses (OPEN-10) */
		.priority = NF_IP_PRI_CONNTRACK - 10,
	},
	{
		.hook = roam_hook_out,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_LOCAL_OUT,
		/* behind everybody, see hold.h */
		.priority = NF_IP_PRI_LAST,
	},
};

int roam_hooks_update(struct roam_net *rn)
{
	bool wanted = roam_mappings(rn) || rcu_access_pointer(rn->ranges);
	int err;

	lockdep_assert_held(&rn->lock);
	if (wanted == rn->hooked)
		return 0;
	if (!wanted) {
		nf_unregister_net_hooks(rn->net, rn->ops, ROAM_HOOKS);
		rn->hooked = false;
		return 0;
	}
	memcpy(rn->ops, roam_hook_ops, sizeof(rn->ops));
	rn->ops[0].priv = rn;
	rn->ops[1].priv = rn;
	err = nf_register_net_hooks(rn->net, rn->ops, ROAM_HOOKS);
	rn->hooked = !err;
	return err;
}
