// SPDX-License-Identifier: GPL-2.0-only
#include <linux/export.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/inetdevice.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <net/dst.h>
#include <net/icmp.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/route.h>
#include <net/xfrm.h>

#include "forward.h"
#include "gso.h"

static int roam_forward_lose(struct net *net, struct sk_buff *skb,
			     roam_forward_dropped_t *dropped,
			     enum roam_forward_drop why)
{
	if (dropped)
		dropped(net, skb, why);
	kfree_skb(skb);
	return NET_RX_DROP;
}

/* Is it a packet that a router forwards at all? */
static bool roam_forward_may(const struct sk_buff *skb)
{
	return skb->pkt_type == PACKET_HOST && !skb->sk &&
	       !skb_warn_if_lro(skb);
}

/*
 * Does a packet fit that must not be cut? One that was put together here fits if its
 * pieces did; one that a card will cut fits if what the card makes of it does.
 */
static bool roam_forward_fits(const struct sk_buff *skb, unsigned int largest,
			      unsigned int mtu)
{
	if (skb->len <= mtu)
		return true;
	if (largest > mtu)
		return false;
	return skb->ignore_df ||
	       (skb_is_gso(skb) && skb_gso_validate_network_len(skb, mtu));
}

static int roam_forward_finish(struct net *net, struct sock *sk,
			       struct sk_buff *skb)
{
	/* The time of arrival would be taken for a time to leave. */
	skb_clear_tstamp(skb);
	return dst_output(net, sk, skb);
}

/*
 * The address of the interface that a packet leaves by goes into the options that want
 * it, as ip_forward_options() does, which modules cannot call. A node without one says
 * what RFC 7600 gives to such nodes.
 */
static noinline void roam_forward_options(struct sk_buff *skb)
{
	struct ip_options *opt = &IPCB(skb)->opt;
	u8 *raw = skb_network_header(skb), *at;
	__be32 own;

	if (opt->rr_needaddr || opt->ts_needaddr) {
		own = inet_select_addr(skb_dst(skb)->dev, 0, RT_SCOPE_UNIVERSE);
		if (!own)
			own = htonl(INADDR_DUMMY);
		/* Whoever read the options has moved their pointers on. */
		if (opt->rr_needaddr) {
			at = raw + opt->rr;
			memcpy(&at[at[2] - 5], &own, sizeof(own));
		}
		if (opt->ts_needaddr) {
			at = raw + opt->ts;
			memcpy(&at[at[2] - 9], &own, sizeof(own));
		}
		opt->is_changed = 1;
	}
	if (opt->is_changed) {
		opt->is_changed = 0;
		ip_send_check(ip_hdr(skb));
	}
}

int roam_forward4(struct sk_buff *skb, roam_forward_dropped_t *dropped)
{
	struct dst_entry *dst = skb_dst(skb);
	struct net *net = dev_net(skb->dev);
	unsigned int mtu;

	if (!roam_forward_may(skb) ||
	    !xfrm4_policy_check(NULL, XFRM_POLICY_FWD, skb)) {
		kfree_skb(skb);
		return NET_RX_DROP;
	}
	skb_forward_csum(skb);
	if (ip_hdr(skb)->ttl <= 1) {
		IP_INC_STATS(net, IPSTATS_MIB_INHDRERRORS);
		icmp_send(skb, ICMP_TIME_EXCEEDED, ICMP_EXC_TTL, 0);
		return roam_forward_lose(net, skb, dropped, ROAM_FORWARD_TTL);
	}
	IPCB(skb)->flags |= IPSKB_FORWARDED;
	mtu = ip_dst_mtu_maybe_forward(dst, true);
	if (ip_hdr(skb)->frag_off & htons(IP_DF) &&
	    !roam_forward_fits(skb, IPCB(skb)->frag_max_size, mtu)) {
		IP_INC_STATS(net, IPSTATS_MIB_FRAGFAILS);
		icmp_send(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, htonl(mtu));
		return roam_forward_lose(net, skb, dropped,
					 ROAM_FORWARD_TOO_BIG);
	}
	if (skb_cow(skb, LL_RESERVED_SPACE(dst->dev)))
		return roam_forward_lose(net, skb, dropped,
					 ROAM_FORWARD_MEMORY);
	ip_decrease_ttl(ip_hdr(skb));
	if (unlikely(IPCB(skb)->opt.optlen))
		roam_forward_options(skb);
	IP_INC_STATS(net, IPSTATS_MIB_OUTFORWDATAGRAMS);
	return NF_HOOK(NFPROTO_IPV4, NF_INET_FORWARD, net, NULL, skb, skb->dev,
		       dst->dev, roam_forward_finish);
}
EXPORT_SYMBOL_GPL(roam_forward4);

int roam_forward6(struct sk_buff *skb, roam_forward_dropped_t *dropped)
{
	struct dst_entry *dst = skb_dst(skb);
	struct net *net = dev_net(skb->dev);
	struct inet6_dev *idev;
	unsigned int mtu;

	if (!roam_forward_may(skb) ||
	    !xfrm6_policy_check(NULL, XFRM_POLICY_FWD, skb)) {
		kfree_skb(skb);
		return NET_RX_DROP;
	}
	skb_forward_csum(skb);
	idev = __in6_dev_get_safely(skb->dev);
	if (ipv6_hdr(skb)->hop_limit <= 1) {
		__IP6_INC_STATS(net, idev, IPSTATS_MIB_INHDRERRORS);
		icmpv6_send(skb, ICMPV6_TIME_EXCEED, ICMPV6_EXC_HOPLIMIT, 0);
		return roam_forward_lose(net, skb, dropped, ROAM_FORWARD_TTL);
	}
	mtu = ip6_dst_mtu_maybe_forward(dst, true);
	if (!roam_forward_fits(skb, IP6CB(skb)->frag_max_size, mtu)) {
		/* The error comes from the interface that the packet is too big for. */
		skb->dev = dst->dev;
		__IP6_INC_STATS(net, idev, IPSTATS_MIB_INTOOBIGERRORS);
		icmpv6_send(skb, ICMPV6_PKT_TOOBIG, 0, mtu);
		return roam_forward_lose(net, skb, dropped,
					 ROAM_FORWARD_TOO_BIG);
	}
	if (skb_cow(skb, LL_RESERVED_SPACE(dst->dev)))
		return roam_forward_lose(net, skb, dropped,
					 ROAM_FORWARD_MEMORY);
	ipv6_hdr(skb)->hop_limit--;
	__IP6_INC_STATS(net, ip6_dst_idev(dst), IPSTATS_MIB_OUTFORWDATAGRAMS);
	return NF_HOOK(NFPROTO_IPV6, NF_INET_FORWARD, net, NULL, skb, skb->dev,
		       dst->dev, roam_forward_finish);
}
EXPORT_SYMBOL_GPL(roam_forward6);
