// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way out of this node. A packet that the hooks gave a route to a neighbour
 * comes here where another one enters ip_forward() or ip6_forward(), which modules
 * cannot call; what they do is done here in the same order.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <net/dst.h>
#include <net/icmp.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>

#include "gso.h"
#include "mmp.h"

static int mmp_lose(struct net *net, struct sk_buff *skb, enum mmp_drop reason)
{
	mmp_drop(mmp_net(net), skb, reason);
	kfree_skb(skb);
	return NET_RX_DROP;
}

/* Of packets in one piece that a card will cut, each piece counts. */
static bool mmp_fits(const struct sk_buff *skb, unsigned int mtu)
{
	return skb->len <= mtu ||
	       (skb_is_gso(skb) && skb_gso_validate_network_len(skb, mtu));
}

static int mmp_forward_finish(struct net *net, struct sock *sk,
			      struct sk_buff *skb)
{
	/* Time of arrival, or a time to leave that only this node's clock knows. */
	skb_clear_tstamp(skb);
	return dst_output(net, sk, skb);
}

/* May be cut, or was put together of pieces no larger than that. */
static bool mmp_must_not_cut4(const struct sk_buff *skb, unsigned int mtu)
{
	return (ip_hdr(skb)->frag_off & htons(IP_DF) && !skb->ignore_df) ||
	       IPCB(skb)->frag_max_size > mtu;
}

int mmp_forward4(struct sk_buff *skb)
{
	struct dst_entry *dst = skb_dst(skb);
	struct net *net = dev_net(skb->dev);
	unsigned int mtu = READ_ONCE(dst->dev->mtu);

	if (skb->pkt_type != PACKET_HOST || skb->sk || skb_warn_if_lro(skb)) {
		kfree_skb(skb);
		return NET_RX_DROP;
	}
	skb_forward_csum(skb);
	if (ip_hdr(skb)->ttl <= 1) {
		icmp_send(skb, ICMP_TIME_EXCEEDED, ICMP_EXC_TTL, 0);
		return mmp_lose(net, skb, MMP_DROP_TTL);
	}
	IPCB(skb)->flags |= IPSKB_FORWARDED;
	if (unlikely(!mmp_fits(skb, mtu)) && mmp_must_not_cut4(skb, mtu)) {
		icmp_send(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, htonl(mtu));
		return mmp_lose(net, skb, MMP_DROP_TOO_BIG);
	}
	if (skb_cow(skb, LL_RESERVED_SPACE(dst->dev)))
		return mmp_lose(net, skb, MMP_DROP_MEMORY);
	ip_decrease_ttl(ip_hdr(skb));
	return NF_HOOK(NFPROTO_IPV4, NF_INET_FORWARD, net, NULL, skb, skb->dev,
		       dst->dev, mmp_forward_finish);
}

int mmp_forward6(struct sk_buff *skb)
{
	struct dst_entry *dst = skb_dst(skb);
	struct net *net = dev_net(skb->dev);
	unsigned int mtu = max_t(unsigned int, IPV6_MIN_MTU,
				 READ_ONCE(dst->dev->mtu));

	if (skb->pkt_type != PACKET_HOST || skb->sk || skb_warn_if_lro(skb)) {
		kfree_skb(skb);
		return NET_RX_DROP;
	}
	skb_forward_csum(skb);
	if (ipv6_hdr(skb)->hop_limit <= 1) {
		icmpv6_send(skb, ICMPV6_TIME_EXCEED, ICMPV6_EXC_HOPLIMIT, 0);
		return mmp_lose(net, skb, MMP_DROP_TTL);
	}
	if (unlikely(!mmp_fits(skb, mtu) || IP6CB(skb)->frag_max_size > mtu)) {
		/* The interface whose address it will have. */
		skb->dev = dst->dev;
		icmpv6_send(skb, ICMPV6_PKT_TOOBIG, 0, mtu);
		return mmp_lose(net, skb, MMP_DROP_TOO_BIG);
	}
	if (skb_cow(skb, LL_RESERVED_SPACE(dst->dev)))
		return mmp_lose(net, skb, MMP_DROP_MEMORY);
	ipv6_hdr(skb)->hop_limit--;
	return NF_HOOK(NFPROTO_IPV6, NF_INET_FORWARD, net, NULL, skb, skb->dev,
		       dst->dev, mmp_forward_finish);
}
