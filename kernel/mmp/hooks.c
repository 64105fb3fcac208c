// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way of a packet, before the routing table is asked.
 *
 *   it comes from an uplink, from the backbone, or (gateway, or hosts talk to each
 *   other and that turns here) from below: has its destination an entry? It goes to
 *   the downlink, or to both.
 *
 *   or it comes by a node that is no uplink at this moment, of nobody in the domain: a
 *   node above that has not noticed yet. It goes down as well.
 *
 *   it comes from below: its source must be registered by the way that it came, which
 *   it refreshes; or a node below brings it, and it heals the entry. At a gateway the
 *   routing table has it then; elsewhere it goes to the first uplink that works, but
 *   for the neighbour that it came from.
 *
 * Everything else is none of our business: other addresses, multicast, what is on
 * the link itself.
 */
#include <linux/if_ether.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/udp.h>
#include <net/dst.h>

#include "../core/addr.h"
#include "../core/packet.h"
#include "keep.h"
#include "mmp.h"
#include "shape.h"
#include "table.h"

/**
 * struct mmp_packet - a packet and where it came from
 * @pair: its addresses, IPv4 mapped
 * @mac: link-layer address of the neighbour
 * @ifindex: interface
 * @v6: it is an IPv6 packet
 * @above: it came from an uplink
 */
struct mmp_packet {
	struct roam_pair6 pair;
	const u8 *mac;
	u32 ifindex;
	bool v6;
	bool above;
};

/* Gives the packet the route; it goes there once the hooks are through. */
static unsigned int mmp_send(struct mmp_net *mn, struct sk_buff *skb,
			     const struct mmp_hop *hop, bool v6,
			     enum mmp_drop otherwise)
{
	struct dst_entry *dst = mmp_hop_dst(hop, v6);

	if (unlikely(!dst))
		return mmp_drop(mn, skb, otherwise);
	skb_dst_drop(skb);
	skb_dst_set_noref(skb, dst);
	return NF_ACCEPT;
}

/*
 * The copy for the second downlink. A clone with header and route of its own:
 * whoever writes to it, as forwarding does, gets a copy of the header first; sums to
 * be completed and pieces to be cut are described in it as in the first.
 */
static void mmp_send_copy(struct mmp_net *mn, const struct sk_buff *skb,
			  const struct mmp_hop *hop, bool v6)
{
	struct dst_entry *dst = mmp_hop_dst(hop, v6);
	struct sk_buff *copy;

	if (!dst)
		return;
	copy = skb_clone((struct sk_buff *)skb, GFP_ATOMIC);
	if (!copy) {
		mmp_drop(mn, skb, MMP_DROP_MEMORY);
		return;
	}
	skb_dst_drop(copy);
	skb_dst_set_noref(copy, dst);
	mmp_count(mn, copied);
	/* Behind NFQUEUE a program is the context. */
	local_bh_disable();
	dst_input(copy);
	local_bh_enable();
}

static unsigned int mmp_down(struct mmp_net *mn, struct sk_buff *skb,
			     struct mmp_host *host, bool v6)
{
	const struct mmp_hop *first = rcu_dereference(host->hop[0]);
	const struct mmp_hop *second = rcu_dereference(host->hop[1]);

	mmp_count(mn, down);
	if (mmp_keep_packet(mn, &host->addr, skb))
		return NF_STOLEN;
	if (unlikely(second))
		mmp_send_copy(mn, skb, second, v6);
	return mmp_send(mn, skb, first, v6, MMP_DROP_NO_DOWNLINK);
}

static unsigned int mmp_up(struct mmp_net *mn, struct sk_buff *skb,
			   const struct mmp_shape *shape,
			   const struct mmp_packet *pkt)
{
	unsigned int i;

	for (i = 0; i < shape->n_uplinks; i++) {
		const struct mmp_hop *hop = shape->uplinks[i];

		if (!mmp_hop_works(hop) ||
		    mmp_hop_is(hop, pkt->ifindex, pkt->mac))
			continue;
		mmp_count(mn, up);
		if (unlikely(i))
			mmp_count(mn, up_secondary);
		return mmp_send(mn, skb, hop, pkt->v6, MMP_DROP_NO_UPLINK);
	}
	return mmp_drop(mn, skb, MMP_DROP_NO_UPLINK);
}

/* On the link itself, or for groups of hosts there. */
static bool mmp_stays_on_link(const struct in6_addr *addr)
{
	if (roam_addr_is4(addr)) {
		__be32 a = roam_addr_to4(addr);

		return ipv4_is_multicast(a) || ipv4_is_lbcast(a) ||
		       ipv4_is_zeronet(a) || ipv4_is_linklocal_169(a);
	}
	return ipv6_addr_is_multicast(addr) || ipv6_addr_any(addr) ||
	       ipv6_addr_type(addr) & IPV6_ADDR_LINKLOCAL;
}

/* The daemon took it off the wire already. */
static bool mmp_is_message(const struct mmp_net *mn, const struct sk_buff *skb,
			   bool v6)
{
	struct roam_packet packet;
	const struct udphdr *uh;
	struct udphdr buf;

	if (v6 ? ipv6_hdr(skb)->nexthdr != IPPROTO_UDP :
		 ip_hdr(skb)->protocol != IPPROTO_UDP)
		return false;
	roam_packet_read(skb, v6, &packet);
	if (packet.fragment)
		return false;
	uh = skb_header_pointer(skb, packet.l4, sizeof(buf), &buf);
	return uh && uh->dest == READ_ONCE(mn->config.port);
}

/* The node below that a packet comes by, or NULL. */
static struct mmp_hop *mmp_node_below(struct mmp_net *mn,
				      const struct mmp_packet *pkt)
{
	struct mmp_hop *hop = mmp_hop_find(mn, pkt->ifindex, pkt->mac);

	return hop && READ_ONCE(hop->below) ? hop : NULL;
}

/* An entry does not know this way: is it a node's, which may heal it? */
static noinline bool mmp_comes_by_node(struct mmp_net *mn,
				       const struct mmp_packet *pkt)
{
	struct mmp_hop *hop = mmp_node_below(mn, pkt);

	if (!hop)
		return false;
	mmp_host_heal(mn, &pkt->pair.saddr, hop);
	return true;
}

/* What a node has to say about a packet climbs though no host says it. */
static noinline bool mmp_is_nodes_error(struct mmp_net *mn,
					const struct sk_buff *skb,
					const struct mmp_packet *pkt)
{
	return mmp_is_error(skb, pkt->v6) && mmp_node_below(mn, pkt);
}

/*
 * Which uplinks there are changes when a node restarts or a beacon is late, and the
 * nodes above learn of it by what climbs. What they sent before that must not be lost;
 * nor go back to where it came from.
 */
static noinline struct mmp_host *mmp_comes_down(struct mmp_net *mn,
						const struct mmp_packet *pkt)
{
	struct mmp_host *host = mmp_host_find(mn, &pkt->pair.daddr);
	const struct mmp_hop *hop;
	unsigned int i;

	for (i = 0; host && i < MMP_HOPS; i++) {
		hop = rcu_dereference(host->hop[i]);
		if (hop && mmp_hop_is(hop, pkt->ifindex, pkt->mac))
			return NULL;
	}
	return host;
}

/* From below. NF_ACCEPT: the routing table has it. */
static unsigned int mmp_climb(struct mmp_net *mn, struct sk_buff *skb,
			      const struct mmp_shape *shape,
			      const struct mmp_packet *pkt, enum mmp_side side)
{
	bool gateway = READ_ONCE(mn->config.role) == ROAM_MMP_ROLE_GATEWAY;
	struct mmp_host *host = mmp_host_find(mn, &pkt->pair.saddr);

	if (!host && !mmp_in_ranges(shape, &pkt->pair.saddr)) {
		/* Of nobody that this domain routes for. */
		if (side != MMP_SIDE_NODES)
			return NF_ACCEPT;
		host = gateway ? NULL : mmp_comes_down(mn, pkt);
		if (host)
			return mmp_down(mn, skb, host, pkt->v6);
		if (!mmp_is_nodes_error(mn, skb, pkt))
			return NF_ACCEPT;
	} else if (!host || !mmp_host_climbs(host, pkt->ifindex, pkt->mac)) {
		if (mmp_in_ranges(shape, &pkt->pair.daddr) &&
		    roam_addr_is_local(mn->net, &pkt->pair.daddr))
			return NF_ACCEPT;
		if (side != MMP_SIDE_NODES || !mmp_comes_by_node(mn, pkt))
			return mmp_drop(mn, skb, MMP_DROP_UNREGISTERED);
	}
	if (gateway || READ_ONCE(mn->config.turn)) {
		host = mmp_host_find(mn, &pkt->pair.daddr);
		if (host) {
			mmp_count(mn, turned);
			return mmp_down(mn, skb, host, pkt->v6);
		}
	}
	if (gateway) {
		mmp_count(mn, up);
		return NF_ACCEPT;
	}
	/* This node's own addresses are in the domain's subnets, if anywhere. */
	if (mmp_in_ranges(shape, &pkt->pair.daddr) &&
	    roam_addr_is_local(mn->net, &pkt->pair.daddr))
		return NF_ACCEPT;
	return mmp_up(mn, skb, shape, pkt);
}

/* From a neighbour that says so of its link only: no router forwards it (RFC 4291 2.5.6). */
static __always_inline bool mmp_is_link_local6(const struct mmp_packet *pkt)
{
	return pkt->v6 && (pkt->pair.saddr.s6_addr32[0] & htonl(0xffc00000)) ==
				  htonl(0xfe800000);
}

static __always_inline unsigned int
mmp_hook_in(struct sk_buff *skb, const struct nf_hook_state *state, bool v6)
{
	struct mmp_net *mn = mmp_net(state->net);
	const struct mmp_shape *shape = rcu_dereference(mn->shape);
	struct mmp_packet pkt = { .v6 = v6, .ifindex = state->in->ifindex };
	enum mmp_side side;
	struct mmp_host *host;

	if (!shape || skb->pkt_type != PACKET_HOST)
		return NF_ACCEPT;
	pkt.pair = roam_packet_pair(skb, v6);
	side = mmp_side(shape, pkt.ifindex);
	/* The backbone may be a link without Ethernet headers. */
	if (side != MMP_SIDE_OTHER) {
		if (unlikely(skb_mac_header_len(skb) != ETH_HLEN))
			return NF_ACCEPT;
		pkt.mac = eth_hdr(skb)->h_source;
		pkt.above = side == MMP_SIDE_NODES &&
			    mmp_is_uplink(shape, pkt.ifindex, pkt.mac);
	}
	if (side == MMP_SIDE_OTHER || pkt.above) {
		host = mmp_host_find(mn, &pkt.pair.daddr);
		if (host && likely(!mmp_is_link_local6(&pkt)))
			return mmp_down(mn, skb, host, v6);
		if (side == MMP_SIDE_OTHER)
			return NF_ACCEPT;
	}
	if (mmp_stays_on_link(&pkt.pair.daddr) ||
	    mmp_stays_on_link(&pkt.pair.saddr))
		return NF_ACCEPT;
	if (mmp_is_message(mn, skb, v6)) {
		mmp_count(mn, messages);
		return NF_DROP;
	}
	return mmp_climb(mn, skb, shape, &pkt, side);
}

static unsigned int mmp_hook_in4(void *priv, struct sk_buff *skb,
				 const struct nf_hook_state *state)
{
	return mmp_hook_in(skb, state, false);
}

static unsigned int mmp_hook_in6(void *priv, struct sk_buff *skb,
				 const struct nf_hook_state *state)
{
	return mmp_hook_in(skb, state, true);
}

/*
 * What this node says itself to a host: an error about its packet, a reply. The
 * route that it has led to wherever the routing table thinks that the host is.
 */
static __always_inline unsigned int
mmp_hook_out(struct sk_buff *skb, const struct nf_hook_state *state, bool v6)
{
	struct mmp_net *mn = mmp_net(state->net);
	const struct roam_pair6 pair = roam_packet_pair(skb, v6);
	struct mmp_host *host = mmp_host_find(mn, &pair.daddr);
	struct dst_entry *dst;

	if (likely(!host))
		return NF_ACCEPT;
	dst = mmp_hop_dst(rcu_dereference(host->hop[0]), v6);
	/* Not every sender stays under RCU behind the hook; the interface may just go. */
	if (!dst || unlikely(!dst_hold_safe(dst)))
		return mmp_drop(mn, skb, MMP_DROP_NO_DOWNLINK);
	skb_dst_drop(skb);
	skb_dst_set(skb, dst);
	return NF_ACCEPT;
}

static unsigned int mmp_hook_out4(void *priv, struct sk_buff *skb,
				  const struct nf_hook_state *state)
{
	return mmp_hook_out(skb, state, false);
}

static unsigned int mmp_hook_out6(void *priv, struct sk_buff *skb,
				  const struct nf_hook_state *state)
{
	return mmp_hook_out(skb, state, true);
}

/* Behind destination NAT: what counts is where a packet really goes. */
static const struct nf_hook_ops mmp_hook_ops[MMP_HOOKS] = {
	{
		.hook = mmp_hook_in4,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = NF_IP_PRI_LAST,
	}, {
		.hook = mmp_hook_in6,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = NF_IP6_PRI_LAST,
	}, {
		.hook = mmp_hook_out4,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_LOCAL_OUT,
		.priority = NF_IP_PRI_LAST,
	}, {
		.hook = mmp_hook_out6,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_LOCAL_OUT,
		.priority = NF_IP6_PRI_LAST,
	},
};

int mmp_hooks_update(struct mmp_net *mn)
{
	const struct mmp_shape *shape =
		rcu_dereference_protected(mn->shape,
					  lockdep_is_held(&mn->mutex));
	bool wanted = shape && shape->n_interfaces && !mn->gone;
	int err;

	if (wanted == mn->hooked)
		return 0;
	if (!wanted) {
		nf_unregister_net_hooks(mn->net, mn->ops, MMP_HOOKS);
		mn->hooked = false;
		return 0;
	}
	memcpy(mn->ops, mmp_hook_ops, sizeof(mn->ops));
	err = nf_register_net_hooks(mn->net, mn->ops, MMP_HOOKS);
	mn->hooked = !err;
	return err;
}
