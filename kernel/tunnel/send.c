// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way of a packet into a tunnel: loop guard, route, size, offloads, headers.
 *
 * The route to the other end is remembered at the endpoint, which many bindings
 * share. It depends on the two addresses alone: marks and types of service are
 * the inner packet's matter, as in the kernel's own tunnels with a fixed one.
 */
#include <linux/ip.h>
#include <linux/netfilter_ipv4.h>
#include <linux/skbuff.h>
#include <net/dst.h>
#include <net/icmp.h>
#include <net/ip.h>
#include <net/ip_tunnels.h>
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
					 struct tunnel_endpoint *endpoint)
{
	struct dst_entry *dst = rcu_dereference(endpoint->route);
	struct flowi4 fl4 = {};
	struct dst_entry *old;
	struct rtable *rt;

	if (likely(dst && dst_check(dst, 0)))
		return dst;
	fl4.daddr = endpoint->tunnel.daddr;
	fl4.saddr = endpoint->tunnel.saddr;
	fl4.flowi4_proto = roam_encap_protocol(endpoint->tunnel.encap);
	fl4.fl4_sport = endpoint->tunnel.sport;
	fl4.fl4_dport = endpoint->tunnel.dport;
	rt = ip_route_output_key(tn->net, &fl4);
	if (IS_ERR(rt))
		return NULL;
	/* Given back after a grace period: others may use the old one still. */
	old = unrcu_pointer(xchg(&endpoint->route, RCU_INITIALIZER(&rt->dst)));
	dst_release(old);
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
	if (likely(skb->len <= mtu))
		return true;
	return skb_is_gso(skb) && skb_gso_validate_network_len(skb, mtu);
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

/* One packet that fits, on @dst; consumed. */
static int tunnel_send_out(struct tunnel_net *tn,
			 const struct tunnel_endpoint *endpoint,
			 struct sk_buff *skb, struct dst_entry *dst, u8 encap,
			 unsigned int len)
{
	struct roam_encap tunnel = endpoint->tunnel;
	bool df = ip_hdr(skb)->frag_off & htons(IP_DF);
	__be16 id = 0;
	int err;

	tunnel.ttl = READ_ONCE(tn->config.ttl);
	if (skb_cow_head(skb, LL_RESERVED_SPACE(dst->dev) + dst->header_len +
			      len) ||
	    tunnel_send_offloads(skb, encap))
		goto malformed;
	skb_clear_hash_if_not_l4(skb);
	skb_scrub_packet(skb, false);
	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));

	__skb_push(skb, len);
	skb_reset_network_header(skb);
	/* What is never split needs no number (RFC 6864). */
	if (!df && encap != ROAM_TUNNEL_ENCAP_MINIMAL) {
		struct iphdr key = { .saddr = tunnel.saddr,
				     .daddr = tunnel.daddr,
				     .protocol = roam_encap_protocol(encap) };

		__ip_select_ident(tn->net, &key,
				  skb_shinfo(skb)->gso_segs ?: 1);
		id = key.id;
	}
	roam_encap_write(skb->data, &tunnel, encap, len, skb->len, id);
	tunnel_send_inner(skb, encap, &tunnel);
	skb->protocol = htons(ETH_P_IP);
	skb_dst_set(skb, dst_clone(dst));
	err = ip_local_out(tn->net, NULL, skb);
	return net_xmit_eval(err);

malformed:
	tunnel_drop(tn, skb, TUNNEL_DROP_MALFORMED);
	kfree_skb(skb);
	return -ENOMEM;
}

/* ---- what does not fit and may be split: before it enters a UDP tunnel ---- */

/**
 * struct tunnel_split - where the pieces go, while a packet is split on this CPU
 * @endpoint: the tunnel
 * @dst: route to its other end
 */
struct tunnel_split {
	struct tunnel_endpoint *endpoint;
	struct dst_entry *dst;
};

static DEFINE_PER_CPU(struct tunnel_split, tunnel_split);

static int tunnel_send_piece(struct net *net, struct sock *sk,
			   struct sk_buff *skb)
{
	const struct tunnel_split *split = this_cpu_ptr(&tunnel_split);
	const struct roam_encap *tunnel = &split->endpoint->tunnel;

	return tunnel_send_out(tunnel_net(net), split->endpoint, skb, split->dst,
			     tunnel->encap,
			     roam_encap_len(tunnel, tunnel->encap, ip_hdr(skb)));
}

/* A NAT could not forward the pieces of a split outer packet (RFC 3519 4.8). */
static int tunnel_send_split(struct tunnel_net *tn, struct tunnel_endpoint *endpoint,
			   struct sk_buff *skb, struct dst_entry *dst,
			   unsigned int mtu)
{
	struct tunnel_split *split = this_cpu_ptr(&tunnel_split);
	struct tunnel_split before = *split;
	int err;

	split->endpoint = endpoint;
	split->dst = dst;
	if (!skb_dst(skb))
		skb_dst_set(skb, dst_clone(dst));
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
	const struct iphdr *iph = ip_hdr(skb);
	struct dst_entry *dst;
	unsigned int len, mtu;
	u8 encap;

	if (unlikely(tunnel_send_loops(skb, tunnel)))
		goto drop;
	dst = tunnel_send_route(tn, endpoint);
	if (unlikely(!dst)) {
		icmp_ndo_send(skb, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0);
		reason = TUNNEL_DROP_NO_ROUTE;
		goto drop;
	}
	if (unlikely(dst->dev == endpoint->dev))
		goto drop;
	encap = roam_encap_choose(tunnel->encap, iph);
	len = roam_encap_len(tunnel, encap, iph);
	mtu = dst_mtu(dst) - len;
	if (unlikely(!tunnel_send_fits(skb, mtu))) {
		if (iph->frag_off & htons(IP_DF) && !skb->ignore_df) {
			icmp_ndo_send(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED,
				      htonl(mtu));
			reason = TUNNEL_DROP_TOO_BIG;
			goto drop;
		}
		if (skb_is_gso(skb))
			return tunnel_send_segments(tn, endpoint, skb);
		if (encap == ROAM_TUNNEL_ENCAP_UDP)
			return tunnel_send_split(tn, endpoint, skb, dst, mtu);
	}
	if (unlikely(encap == ROAM_TUNNEL_ENCAP_MINIMAL && skb_is_gso(skb)))
		return tunnel_send_segments(tn, endpoint, skb);
	return tunnel_send_out(tn, endpoint, skb, dst, encap, len);

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
