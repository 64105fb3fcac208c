// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way of a packet into a tunnel: loop guard, route, size, offloads, headers.
 *
 * The route to the other end is remembered at the endpoint, which many bindings
 * share, with the mark and the type of service it was chosen for: rules about these
 * hold for the outer packet as well, which has both (OPEN-15).
 *
 * Where no hook but ours would see the outer packet it goes to its neighbour at once.
 */
#include <linux/ip.h>
#include <linux/netfilter_ipv4.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <net/dst.h>
#include <net/icmp.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip_tunnels.h>
#include <net/neighbour.h>
#include <net/route.h>
#include <net/udp.h>

#include "gso.h"
#include "send.h"
#include "table.h"

/* Tunnels of ours that a packet may enter one within the other (RFC 2003 4.4). */
#define TUNNEL_NEST_MAX 3

static DEFINE_PER_CPU(unsigned int, tunnel_send_depth);

/* The route to the other end, valid as long as rcu_read_lock() is held. */
static struct dst_entry *tunnel_send_route(struct tunnel_net *tn,
					   struct tunnel_endpoint *endpoint,
					   const struct sk_buff *skb)
{
	const struct roam_encap *tunnel = &endpoint->tunnel;
	u8 tos = ip_hdr(skb)->tos & ~INET_ECN_MASK;
	struct tunnel_route *route;
	struct flowi4 fl4;
	struct rtable *rt;

	route = rcu_dereference(endpoint->route);
	if (likely(route && route->mark == skb->mark && route->tos == tos &&
		   dst_check(route->dst, 0)))
		return route->dst;
	flowi4_init_output(&fl4, 0, skb->mark, tos, RT_SCOPE_UNIVERSE,
			   roam_encap_protocol(tunnel->encap), 0,
			   tunnel->daddr, tunnel->saddr, tunnel->dport,
			   tunnel->sport, sock_net_uid(tn->net, NULL));
	rt = ip_route_output_key(tn->net, &fl4);
	if (IS_ERR(rt))
		return NULL;
	route = kmalloc(sizeof(*route), GFP_ATOMIC | __GFP_NOWARN);
	if (!route) {
		ip_rt_put(rt);
		return NULL;
	}
	*route = (struct tunnel_route){ .dst = &rt->dst, .mark = skb->mark,
					.tos = tos };
	/* Given back after a grace period: others may use the old one still. */
	tunnel_route_forget(unrcu_pointer(xchg(&endpoint->route,
					       RCU_INITIALIZER(route))));
	return &rt->dst;
}

/*
 * Would the packet come back to this tunnel, or is it in it already? One whose
 * source is the tunnel's exit comes from there (RFC 2003 4.4).
 */
static bool tunnel_send_loops(const struct sk_buff *skb,
			    const struct roam_encap *tunnel)
{
	const struct iphdr *iph = ip_hdr(skb);
	unsigned int at = skb_network_offset(skb), nest = 0;
	struct iphdr buf;

	if (iph->saddr == tunnel->daddr)
		return true;
	while (unlikely(iph && iph->protocol == IPPROTO_IPIP)) {
		if ((iph->saddr == tunnel->saddr &&
		     iph->daddr == tunnel->daddr) || ++nest > TUNNEL_NEST_MAX)
			return true;
		if (iph->frag_off & htons(ROAM_IP_FRAGMENT))
			return false;
		at += iph->ihl * 4;
		iph = skb_header_pointer(skb, at, sizeof(buf), &buf);
	}
	return false;
}

static bool tunnel_send_fits(const struct sk_buff *skb, unsigned int mtu)
{
	if (!skb_is_gso(skb))
		return skb->len <= mtu;
	return skb_gso_validate_network_len(skb, mtu);
}

static int tunnel_send_offloads(struct sk_buff *skb, u8 encap)
{
	int type = SKB_GSO_IPXIP4;

	switch (encap) {
	case ROAM_TUNNEL_ENCAP_MINIMAL:
		/* There is no offload for it: each packet came here as one. */
		return skb->ip_summed == CHECKSUM_PARTIAL ?
		       skb_checksum_help(skb) : 0;
	case ROAM_TUNNEL_ENCAP_GRE:
		type = SKB_GSO_GRE;
		break;
	case ROAM_TUNNEL_ENCAP_UDP:
		type = SKB_GSO_UDP_TUNNEL_CSUM;
		break;
	}
	return iptunnel_handle_offloads(skb, type);
}

/* What of the offloads is known only with the outer headers. */
static void tunnel_send_inner(struct sk_buff *skb, u8 encap,
			    const struct roam_encap *tunnel)
{
	switch (encap) {
	case ROAM_TUNNEL_ENCAP_MINIMAL:
		return;
	case ROAM_TUNNEL_ENCAP_UDP:
		skb_set_inner_protocol(skb, htons(ETH_P_IP));
		skb_set_transport_header(skb, sizeof(struct iphdr));
		udp_set_csum(false, skb, tunnel->saddr, tunnel->daddr,
			     skb->len - sizeof(struct iphdr));
		return;
	case ROAM_TUNNEL_ENCAP_GRE:
		skb_set_inner_protocol(skb, htons(ETH_P_IP));
		break;
	default:
		skb_set_inner_ipproto(skb, IPPROTO_IPIP);
		break;
	}
	skb_set_transport_header(skb, sizeof(struct iphdr));
}

/**
 * struct tunnel_way - how a packet gets to the other end
 * @endpoint: the tunnel
 * @dst: route to its other end
 * @encap: from roam_encap_choose()
 * @len: by how much it grows
 * @fits: it is one packet, and will not be split
 */
struct tunnel_way {
	struct tunnel_endpoint *endpoint;
	struct dst_entry *dst;
	u8 encap;
	unsigned int len;
	bool fits;
};

/* Does the outer packet meet nobody on its way out? */
static bool tunnel_send_is_straight(struct tunnel_net *tn,
				    const struct tunnel_way *way)
{
	const struct nf_hook_entries *hooks;
	__be32 daddr = way->endpoint->tunnel.daddr;

	if (!way->fits || way->dst->output != ip_output || dst_xfrm(way->dst) ||
	    netif_is_l3_slave(way->dst->dev) ||
	    rcu_access_pointer(tn->net->nf.hooks_ipv4[NF_INET_POST_ROUTING]))
		return false;
	hooks = rcu_dereference(tn->net->nf.hooks_ipv4[NF_INET_LOCAL_OUT]);
	if (hooks && (hooks->num_hook_entries > 1 ||
		      hooks->hooks[0].hook != tunnel_hook_out))
		return false;
	/* What our own one would find: a tunnel within a tunnel. */
	return !(tunnel_has_bindings(tn) && tunnel_binding_find(tn, daddr)) &&
	       !(tunnel_has_visitors(tn) && tunnel_visitor_find(tn, daddr));
}

/* As ip_local_out() does where there is nothing between. */
static int tunnel_send_straight(struct net *net, struct sk_buff *skb,
				struct dst_entry *dst)
{
	struct neighbour *neigh;
	bool is_v6gw = false;

#ifdef ROAM_COUNTS_OUTREQUESTS
	IP_INC_STATS(net, IPSTATS_MIB_OUTREQUESTS);
#endif
	IP_UPD_PO_STATS(net, IPSTATS_MIB_OUT, skb->len);
	/* A device that keeps the packet takes a reference. */
	skb_dst_set_noref(skb, dst);
	skb->dev = dst->dev;
	neigh = ip_neigh_for_gw(skb_rtable(skb), skb, &is_v6gw);
	if (unlikely(IS_ERR(neigh))) {
		kfree_skb(skb);
		return PTR_ERR(neigh);
	}
	return neigh_output(neigh, skb, is_v6gw);
}

/* One packet; consumed. */
static int tunnel_send_out(struct tunnel_net *tn, const struct tunnel_way *way,
			   struct sk_buff *skb)
{
	struct roam_encap tunnel = way->endpoint->tunnel;
	bool df = ip_hdr(skb)->frag_off & htons(IP_DF);
	__be16 id = 0;
	int err;

	tunnel.ttl = READ_ONCE(tn->config.ttl);
	if (skb_cow_head(skb, LL_RESERVED_SPACE(way->dst->dev) +
			      way->dst->header_len + way->len) ||
	    tunnel_send_offloads(skb, way->encap))
		goto malformed;
	skb_clear_hash_if_not_l4(skb);
	skb_scrub_packet(skb, false);
	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));

	__skb_push(skb, way->len);
	skb_reset_network_header(skb);
	/* What is never split needs no number (RFC 6864). */
	if (!df && way->encap != ROAM_TUNNEL_ENCAP_MINIMAL) {
		struct iphdr key = { .saddr = tunnel.saddr,
				     .daddr = tunnel.daddr,
				     .protocol = roam_encap_protocol(way->encap) };

		__ip_select_ident(tn->net, &key,
				  skb_shinfo(skb)->gso_segs ?: 1);
		id = key.id;
	}
	roam_encap_write(skb->data, &tunnel, way->encap, way->len, skb->len, id);
	tunnel_send_inner(skb, way->encap, &tunnel);
	skb->protocol = htons(ETH_P_IP);
	if (likely(tunnel_send_is_straight(tn, way))) {
		err = tunnel_send_straight(tn->net, skb, way->dst);
	} else {
		skb_dst_set(skb, dst_clone(way->dst));
		err = ip_local_out(tn->net, NULL, skb);
	}
	return net_xmit_eval(err);

malformed:
	tunnel_drop(tn, skb, TUNNEL_DROP_MALFORMED);
	kfree_skb(skb);
	return -ENOMEM;
}

/* ---- what does not fit and may be split: before it enters a UDP tunnel ---- */

/* Where the pieces go, while a packet is split on this CPU. */
static DEFINE_PER_CPU(struct tunnel_way, tunnel_split);

static int tunnel_send_piece(struct net *net, struct sock *sk,
			   struct sk_buff *skb)
{
	struct tunnel_way way = *this_cpu_ptr(&tunnel_split);

	return tunnel_send_out(tunnel_net(net), &way, skb);
}

/* A NAT could not forward the pieces of a split outer packet (RFC 3519 4.8). */
static int tunnel_send_split(struct tunnel_net *tn, const struct tunnel_way *way,
			     struct sk_buff *skb, unsigned int mtu)
{
	struct tunnel_way *split = this_cpu_ptr(&tunnel_split);
	struct tunnel_way before = *split;
	int err;

	*split = *way;
	split->fits = true;
	if (!skb_dst(skb))
		skb_dst_set(skb, dst_clone(way->dst));
	IPCB(skb)->frag_max_size = mtu;
	err = ip_do_fragment(tn->net, NULL, skb, tunnel_send_piece);
	*split = before;
	return err;
}

static int tunnel_send_one(struct tunnel_net *tn, struct tunnel_endpoint *endpoint,
			 struct sk_buff *skb);

/* A super-packet that the encapsulation cannot describe. */
static int tunnel_send_segments(struct tunnel_net *tn,
			      struct tunnel_endpoint *endpoint,
			      struct sk_buff *skb)
{
	struct sk_buff *segs, *next;
	int err = 0;

	segs = skb_gso_segment(skb, NETIF_F_SG | NETIF_F_HIGHDMA);
	if (IS_ERR_OR_NULL(segs)) {
		tunnel_drop(tn, skb, TUNNEL_DROP_MALFORMED);
		kfree_skb(skb);
		return -EINVAL;
	}
	consume_skb(skb);
	skb_list_walk_safe(segs, skb, next) {
		skb_mark_not_on_list(skb);
		err = tunnel_send_one(tn, endpoint, skb) ?: err;
	}
	return err;
}

static int tunnel_send_one(struct tunnel_net *tn, struct tunnel_endpoint *endpoint,
			 struct sk_buff *skb)
{
	const struct roam_encap *tunnel = &endpoint->tunnel;
	enum tunnel_drop_reason reason = TUNNEL_DROP_LOOP;
	struct tunnel_way way = { .endpoint = endpoint };
	const struct iphdr *iph = ip_hdr(skb);
	unsigned int mtu;

	if (unlikely(tunnel_send_loops(skb, tunnel)))
		goto drop;
	way.dst = tunnel_send_route(tn, endpoint, skb);
	if (unlikely(!way.dst)) {
		icmp_ndo_send(skb, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0);
		reason = TUNNEL_DROP_NO_ROUTE;
		goto drop;
	}
	if (unlikely(way.dst->dev == endpoint->dev))
		goto drop;
	way.encap = roam_encap_choose(tunnel->encap, iph);
	way.len = roam_encap_len(tunnel, way.encap, iph);
	mtu = dst_mtu(way.dst) - way.len;
	way.fits = skb->len <= mtu && !skb_is_gso(skb);
	if (unlikely(!way.fits && !tunnel_send_fits(skb, mtu))) {
		if (iph->frag_off & htons(IP_DF) && !skb->ignore_df) {
			icmp_ndo_send(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED,
				      htonl(mtu));
			reason = TUNNEL_DROP_TOO_BIG;
			goto drop;
		}
		if (skb_is_gso(skb))
			return tunnel_send_segments(tn, endpoint, skb);
		if (way.encap == ROAM_TUNNEL_ENCAP_UDP)
			return tunnel_send_split(tn, &way, skb, mtu);
	}
	if (unlikely(way.encap == ROAM_TUNNEL_ENCAP_MINIMAL && skb_is_gso(skb)))
		return tunnel_send_segments(tn, endpoint, skb);
	return tunnel_send_out(tn, &way, skb);

drop:
	tunnel_drop(tn, skb, reason);
	kfree_skb(skb);
	return -EHOSTUNREACH;
}

unsigned int tunnel_send(struct tunnel_net *tn, struct tunnel_endpoint *endpoint,
		       unsigned int most, struct sk_buff *skb)
{
	unsigned int sent = 0;

	if (unlikely(this_cpu_inc_return(tunnel_send_depth) > TUNNEL_NEST_MAX)) {
		tunnel_drop(tn, skb, TUNNEL_DROP_LOOP);
		kfree_skb(skb);
		goto out;
	}
	for (; unlikely(endpoint->also && most > 1);
	     endpoint = endpoint->also, most--) {
		struct sk_buff *copy = skb_clone(skb, GFP_ATOMIC);

		if (copy && !tunnel_send_one(tn, endpoint, copy))
			sent++;
	}
	if (!tunnel_send_one(tn, endpoint, skb))
		sent++;
out:
	this_cpu_dec(tunnel_send_depth);
	return sent;
}
