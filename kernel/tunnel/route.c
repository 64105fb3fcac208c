// SPDX-License-Identifier: GPL-2.0-only
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <net/icmp.h>
#include <net/ip.h>
#include <net/route.h>
#include <net/xfrm.h>

#include "gso.h"
#include "route.h"

static int tunnel_forward_finish(struct net *net, struct sock *sk,
			       struct sk_buff *skb)
{
	skb_clear_tstamp(skb);
	return dst_output(net, sk, skb);
}

static bool tunnel_forward_fits(const struct sk_buff *skb, unsigned int mtu)
{
	return skb->len <= mtu || !(ip_hdr(skb)->frag_off & htons(IP_DF)) ||
	       skb->ignore_df ||
	       (skb_is_gso(skb) && skb_gso_validate_network_len(skb, mtu));
}

/*
 * As ip_forward(), which the kernel does not export, without redirects, which
 * would send a neighbour past us, and without the options that want an own
 * address.
 */
static int tunnel_forward(struct sk_buff *skb)
{
	struct rtable *rt = skb_rtable(skb);
	struct net *net = dev_net(skb->dev);
	unsigned int mtu;

	if (skb->pkt_type != PACKET_HOST || skb->sk ||
	    skb_warn_if_lro(skb) ||
	    !xfrm4_policy_check(NULL, XFRM_POLICY_FWD, skb))
		goto drop;
	skb_forward_csum(skb);
	if (ip_hdr(skb)->ttl <= 1) {
		IP_INC_STATS(net, IPSTATS_MIB_INHDRERRORS);
		icmp_send(skb, ICMP_TIME_EXCEEDED, ICMP_EXC_TTL, 0);
		goto drop;
	}
	IP_INC_STATS(net, IPSTATS_MIB_OUTFORWDATAGRAMS);
	IPCB(skb)->flags |= IPSKB_FORWARDED;
	mtu = ip_dst_mtu_maybe_forward(&rt->dst, true);
	if (!tunnel_forward_fits(skb, mtu)) {
		IP_INC_STATS(net, IPSTATS_MIB_FRAGFAILS);
		icmp_send(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, htonl(mtu));
		goto drop;
	}
	if (skb_cow(skb, LL_RESERVED_SPACE(rt->dst.dev)))
		goto drop;
	ip_decrease_ttl(ip_hdr(skb));
	return NF_HOOK(NFPROTO_IPV4, NF_INET_FORWARD, net, NULL, skb, skb->dev,
		       rt->dst.dev, tunnel_forward_finish);

drop:
	kfree_skb(skb);
	return NET_RX_DROP;
}

struct rtable *tunnel_route_new(struct net_device *dev,
			      int (*output)(struct net *net, struct sock *sk,
					    struct sk_buff *skb))
{
	/* IPsec is for the inner packet's ends, or for the tunnel's. */
	struct rtable *rt = rt_dst_alloc(dev, 0, RTN_UNICAST, true);

	if (!rt)
		return NULL;
	rt->dst.input = tunnel_forward;
	if (output)
		rt->dst.output = output;
	return rt;
}

void tunnel_route_put(struct rtable *rt)
{
	/* Freed after a grace period, the device is let go at once. */
	if (!rt)
		return;
	dst_dev_put(&rt->dst);
	dst_release(&rt->dst);
}
