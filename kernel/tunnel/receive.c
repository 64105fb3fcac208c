// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way of a packet out of a tunnel. A hook and no handler of the protocol: GRE
 * has only one, which is ip_gre's, and what is not ours belongs to other devices.
 * Fragments are one packet here, and filters have seen the outer header.
 *
 * Who may send through a tunnel (MIP-58, RFC 3024 5.1):
 *
 *   home agent -> visitor: outer source is one of its home agents, outer
 *	destination its care-of address.
 *   care-of address -> home agent: inner source has a binding that agreed on
 *	reverse tunnels, outer source is its care-of address, or the one that it
 *	left a moment ago, and the encapsulation is the one agreed on.
 *   visitor -> foreign agent: both sources are the visitor's home address, and it
 *	asked for the encapsulating style.
 */
#include <linux/ip.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/skbuff.h>
#include <net/ip.h>
#include <net/ip_tunnels.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/xfrm.h>

#include "deliver.h"
#include "device.h"
#include "icmp.h"
#include "receive.h"
#include "send.h"
#include "table.h"

/* Packets out of tunnels that this CPU handles one within the other. */
static DEFINE_PER_CPU(unsigned int, tunnel_receive_depth);

/* Fragments went by IP in IP even where minimal encapsulation was agreed on. */
static bool tunnel_decap_agrees(const struct roam_decap *decap,
			      const struct roam_encap *tunnel)
{
	if (decap->encap == ROAM_TUNNEL_ENCAP_UDP)
		return tunnel->encap == ROAM_TUNNEL_ENCAP_UDP &&
		       tunnel->dport == decap->sport &&
		       tunnel->sport == decap->dport;
	return decap->encap == tunnel->encap ||
	       (decap->encap == ROAM_TUNNEL_ENCAP_IPIP &&
		tunnel->encap == ROAM_TUNNEL_ENCAP_MINIMAL);
}

/* The endpoint a packet came from, of those of an entry; or NULL. */
static struct tunnel_endpoint *tunnel_came_from(struct tunnel_endpoint *endpoint,
					    const struct iphdr *outer)
{
	for (; endpoint; endpoint = endpoint->also)
		if (endpoint->tunnel.daddr == outer->saddr &&
		    endpoint->tunnel.saddr == outer->daddr)
			return endpoint;
	return NULL;
}

static bool tunnel_in_grace(u32 until)
{
	return (s32)(READ_ONCE(until) - (u32)jiffies) > 0;
}

/**
 * struct tunnel_arrival - a packet out of a tunnel
 * @decap: what is inside
 * @dev: device of kind roam on which it is received, NULL: none of ours
 * @used: when its entry was last used, or NULL
 * @back: entry of a visitor whose packet goes on to its home agent, or NULL
 * @broadcast: it is for all on the home link
 * @keepalive: it is for the home agent itself, out of a UDP tunnel
 */
struct tunnel_arrival {
	struct roam_decap decap;
	struct net_device *dev;
	u32 *used;
	struct tunnel_visitor *back;
	bool broadcast;
	bool keepalive;
};

/* From a home agent, for a node that is here? */
static bool tunnel_is_for_visitor(struct tunnel_net *tn, const struct iphdr *outer,
				struct tunnel_arrival *in)
{
	struct tunnel_visitor *visitor = tunnel_visitor_find(tn, in->decap.daddr);
	struct tunnel_endpoint *to, *from;

	to = visitor ? rcu_dereference(visitor->to) : NULL;
	if (!to)
		return false;
	from = tunnel_came_from(to, outer);
	if (!from && visitor->left == outer->daddr &&
	    tunnel_in_grace(visitor->left_until)) {
		for (from = to; from; from = from->also)
			if (from->tunnel.daddr == outer->saddr)
				break;
	}
	/* A home agent may use IP in IP for what another kind cannot carry. */
	if (!from || (in->decap.encap == ROAM_TUNNEL_ENCAP_UDP) !=
		     (from->tunnel.encap == ROAM_TUNNEL_ENCAP_UDP) ||
	    (in->decap.encap == ROAM_TUNNEL_ENCAP_UDP &&
	     !tunnel_decap_agrees(&in->decap, &from->tunnel)))
		return false;
	in->dev = READ_ONCE(visitor->dev);
	in->used = &visitor->used;
	return true;
}

/* From a mobile node that is away? */
static bool tunnel_is_from_away(struct tunnel_net *tn, const struct iphdr *outer,
			      struct tunnel_arrival *in)
{
	struct tunnel_binding *binding = tunnel_binding_find(tn, in->decap.saddr);
	struct tunnel_endpoint *to, *from;

	if (!binding)
		return false;
	/* Keepalives need no agreement (RFC 3519 4.9). */
	in->keepalive = in->decap.encap == ROAM_TUNNEL_ENCAP_UDP &&
			in->decap.daddr == outer->daddr;
	if (!(READ_ONCE(binding->flags) & ROAM_TUNNEL_BINDING_FLAG_REVERSE) &&
	    !in->keepalive)
		return false;
	to = rcu_dereference(binding->to);
	from = tunnel_came_from(to, outer);
	if (from && tunnel_decap_agrees(&in->decap, &from->tunnel)) {
		in->dev = from->dev;
		in->used = &binding->used;
		return true;
	}
	if (READ_ONCE(binding->left) == outer->saddr &&
	    READ_ONCE(binding->left_encap) == in->decap.encap &&
	    to->tunnel.saddr == outer->daddr &&
	    tunnel_in_grace(binding->left_until)) {
		in->dev = to->dev;
		in->used = &binding->used;
		return true;
	}
	return false;
}

/* From a visitor that has its packets tunnelled back by encapsulating them? */
static bool tunnel_is_from_visitor(struct tunnel_net *tn, const struct sk_buff *skb,
				 const struct iphdr *outer,
				 struct tunnel_arrival *in)
{
	struct tunnel_visitor *visitor;
	struct tunnel_link *link;

	if (in->decap.saddr != outer->saddr)
		return false;
	visitor = tunnel_visitor_find(tn, outer->saddr);
	if (!visitor || !rcu_access_pointer(visitor->to) ||
	    READ_ONCE(visitor->reverse) != ROAM_TUNNEL_REVERSE_ENCAPSULATING)
		return false;
	link = rcu_dereference(visitor->link);
	if (!link || !tunnel_link_is(link, skb->dev) ||
	    !ether_addr_equal(eth_hdr(skb)->h_source, visitor->mac))
		return false;
	in->back = visitor;
	in->dev = READ_ONCE(visitor->dev);
	in->used = &visitor->used;
	return true;
}

/*
 * For all, out of the tunnel of a mobile node that is this host? Which address is the
 * broadcast one of its home link it need not know. What is for another host is
 * dropped behind this, as any unicast packet in a broadcast frame.
 */
static bool tunnel_is_for_all(struct tunnel_net *tn, const struct iphdr *outer,
			      struct tunnel_arrival *in)
{
	struct tunnel_pair *pair;

	pair = tunnel_pair_find(tn, outer->saddr, outer->daddr);
	/* With tunnel_endpoint_own(). */
	if (!pair || !smp_load_acquire(&pair->own))
		return false;
	/* Another device of kind roam may have gone, and the tunnel be used on. */
	in->dev = dev_get_by_index_rcu(tn->net, READ_ONCE(pair->ifindex));
	in->broadcast = true;
	return in->dev;
}

/* The rest of an arrival: what stays of the packet. False: it was dropped. */
static bool tunnel_strip(struct tunnel_net *tn, struct sk_buff *skb,
		       const struct roam_decap *decap, u8 outer_tos)
{
	enum tunnel_drop_reason reason = TUNNEL_DROP_MALFORMED;
	u8 tos;

	if (decap->encap == ROAM_TUNNEL_ENCAP_MINIMAL) {
		if (skb_ensure_writable(skb, ip_hdr(skb)->ihl * 4 + decap->len))
			goto drop;
		/* A sum over all does not hold after this. */
		if (skb->ip_summed == CHECKSUM_COMPLETE)
			skb->ip_summed = CHECKSUM_NONE;
		roam_decap_minimal_restore(skb->data, decap);
	}
	if (iptunnel_pull_header(skb, decap->len, htons(ETH_P_IP), false))
		goto drop;
	skb_reset_network_header(skb);
	/* It may go on into the next tunnel without the stack's look at it. */
	if (!pskb_inet_may_pull(skb) || ip_hdr(skb)->version != 4 ||
	    ip_hdr(skb)->ihl < 5 ||
	    (unlikely(ip_hdr(skb)->ihl > 5) &&
	     !pskb_may_pull(skb, ip_hdr(skb)->ihl * 4)))
		goto drop;
	if (decap->encap == ROAM_TUNNEL_ENCAP_MINIMAL)
		return true;
	if (!roam_decap_ecn(outer_tos, ip_hdr(skb)->tos, &tos)) {
		reason = TUNNEL_DROP_ECN;
		goto drop;
	}
	if (unlikely(tos != ip_hdr(skb)->tos)) {
		if (skb_ensure_writable(skb, sizeof(struct iphdr)))
			goto drop;
		ipv4_change_dsfield(ip_hdr(skb), 0, tos);
	}
	return true;

drop:
	tunnel_drop(tn, skb, reason);
	kfree_skb(skb);
	return false;
}

/* Receives what stays of a packet on its device. */
static void tunnel_arrive(struct tunnel_net *tn, struct sk_buff *skb,
			const struct tunnel_arrival *in)
{
	struct tunnel_endpoint *to;

	tunnel_device_let_in(in->dev);
	skb->dev = in->dev;
	skb->pkt_type = in->broadcast ? PACKET_BROADCAST : PACKET_HOST;
	skb_reset_mac_header(skb);
	skb_reset_mac_len(skb);
	dev_sw_netstats_rx_add(in->dev, skb->len);
	if (in->used)
		tunnel_touch(in->used);
	tunnel_count(tn, decapsulated);
	if (in->keepalive)
		tunnel_count(tn, keepalives);
	if (in->back) {
		/* A queue would take the time of arrival for a time to leave. */
		skb_clear_tstamp(skb);
		to = rcu_dereference(in->back->to);
		if (to && tunnel_send(tn, to, 1, skb))
			tunnel_count(tn, reversed);
		return;
	}
	/*
	 * At once, which is what most of the way costs otherwise; but what is
	 * inside may be a tunnel of ours again, and the stack is not endless.
	 */
	if (this_cpu_inc_return(tunnel_receive_depth) == 1)
		netif_receive_skb(skb);
	else
		netif_rx(skb);
	this_cpu_dec(tunnel_receive_depth);
}

static bool tunnel_checksum_ok(struct sk_buff *skb, const struct iphdr *outer,
			       const struct roam_decap *decap)
{
	unsigned int at = outer->ihl * 4;
	const struct udphdr *udp;

	/* Those that were put together have been checked one by one. */
	if (decap->gre_check)
		return skb_is_gso(skb) ||
		       !csum_fold(skb_checksum(skb, at, skb->len - at, 0));
	if (decap->encap != ROAM_TUNNEL_ENCAP_UDP)
		return true;
	udp = (const void *)outer + at;
	return !udp->check ||
	       !nf_ip_checksum(skb, NF_INET_LOCAL_IN, at, IPPROTO_UDP);
}

/* Is it for another kind of tunnel, or for a program, that may be here as well? */
static bool tunnel_is_others(struct tunnel_net *tn, const struct iphdr *outer,
			     const struct roam_decap *decap)
{
	switch (outer->protocol) {
	case ROAM_IPPROTO_MINIMAL:
		return false;
	case IPPROTO_UDP:
		return decap->dport != htons(ROAM_MIP_PORT);
	default:
		return !tunnel_pair_find(tn, outer->saddr, outer->daddr);
	}
}

/*
 * Connection tracking puts a connection into its table when the first packet is through
 * LOCAL_IN, by a hook of the same priority as ours: the one that was registered later comes
 * first. So a packet that is taken may be one whose connection would be forgotten with it.
 * False: connection tracking wants it dropped.
 */
static bool tunnel_confirm(struct sk_buff *skb)
{
#if IS_ENABLED(CONFIG_NF_CONNTRACK) && defined(ROAM_CT_HOOK_HAS_CONFIRM)
	enum ip_conntrack_info info;
	const struct nf_conn *ct = nf_ct_get(skb, &info);
	const struct nf_ct_hook *hook;

	if (likely(!ct || nf_ct_is_confirmed(ct)))
		return true;
	/* By the hook, since a call would have the module of conntrack loaded. */
	hook = rcu_dereference(nf_ct_hook);
	return !hook || hook->confirm(skb) == NF_ACCEPT;
#else
	return true;
#endif
}

static noinline unsigned int tunnel_receive(struct tunnel_net *tn,
					  struct sk_buff *skb)
{
	struct tunnel_arrival in = {};
	enum roam_decap_verdict verdict;
	struct iphdr outer;

	if (!pskb_may_pull(skb, min_t(unsigned int, skb->len, ROAM_DECAP_HEAD)))
		return NF_ACCEPT;
	outer = *ip_hdr(skb);
	verdict = roam_decap_read(ip_hdr(skb), skb_headlen(skb), &in.decap);
	if (verdict == ROAM_DECAP_NONE)
		return NF_ACCEPT;
	if (verdict == ROAM_DECAP_OK &&
	    (tunnel_is_for_visitor(tn, &outer, &in) ||
	     tunnel_is_from_away(tn, &outer, &in) ||
	     tunnel_is_from_visitor(tn, skb, &outer, &in) ||
	     tunnel_is_for_all(tn, &outer, &in))) {
		if (unlikely(!tunnel_checksum_ok(skb, ip_hdr(skb), &in.decap)))
			return tunnel_drop(tn, skb, TUNNEL_DROP_MALFORMED);
		/* The host's IPsec policy may want proof of who sends. */
		if (unlikely(!xfrm4_policy_check(NULL, XFRM_POLICY_IN, skb)))
			return tunnel_drop(tn, skb, TUNNEL_DROP_SPOOFED);
		if (unlikely(!tunnel_confirm(skb)))
			return NF_DROP;
		/* The sum that was checked is the outer one's. */
		if (in.decap.encap == ROAM_TUNNEL_ENCAP_UDP ||
		    in.decap.gre_check)
			__skb_decr_checksum_unnecessary(skb);
		/* It may be a socket's, as all for its port. */
		skb_orphan(skb);
		if (tunnel_strip(tn, skb, &in.decap, outer.tos))
			tunnel_arrive(tn, skb, &in);
		return NF_STOLEN;
	}
	if (tunnel_is_others(tn, &outer, &in.decap))
		return NF_ACCEPT;
	if (verdict == ROAM_DECAP_BAD)
		return tunnel_drop(tn, skb, TUNNEL_DROP_MALFORMED);
	if (tunnel_has_bindings(tn) && tunnel_binding_find(tn, in.decap.saddr))
		return tunnel_drop(tn, skb, TUNNEL_DROP_SPOOFED);
	return tunnel_drop(tn, skb, tunnel_visitor_find(tn, in.decap.daddr) ?
			 TUNNEL_DROP_SPOOFED : TUNNEL_DROP_NOT_VISITOR);
}

/* Behind the verdict of a program (NFQUEUE), in whose context the rest of the hooks run. */
static noinline unsigned int tunnel_receive_late(struct tunnel_net *tn,
					       struct sk_buff *skb)
{
	unsigned int verdict;

	local_bh_disable();
	verdict = tunnel_receive(tn, skb);
	local_bh_enable();
	return verdict;
}

/* Is it to a UDP port of one of our tunnels? */
static bool tunnel_is_our_port(const struct tunnel_net *tn,
			     const struct sk_buff *skb)
{
	const struct udphdr *udp;
	struct udphdr buf;

	udp = skb_header_pointer(skb, ip_hdrlen(skb), sizeof(buf), &buf);
	return udp && (udp->dest == htons(ROAM_MIP_PORT) ||
		       READ_ONCE(tn->n_ports));
}

unsigned int tunnel_hook_local_in(void *priv, struct sk_buff *skb,
				const struct nf_hook_state *state)
{
	struct tunnel_net *tn = priv;

	switch (ip_hdr(skb)->protocol) {
	case IPPROTO_ICMP:
		return tunnel_icmp_in(tn, skb);
	case IPPROTO_UDP:
		if (!tunnel_is_our_port(tn, skb))
			return NF_ACCEPT;
		fallthrough;
	case IPPROTO_IPIP:
	case IPPROTO_GRE:
	case ROAM_IPPROTO_MINIMAL:
		if (unlikely(!softirq_count()))
			return tunnel_receive_late(tn, skb);
		return tunnel_receive(tn, skb);
	default:
		return NF_ACCEPT;
	}
}
