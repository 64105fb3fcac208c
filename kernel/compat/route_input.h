/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ROAM_COMPAT_ROUTE_INPUT_H
#define ROAM_COMPAT_ROUTE_INPUT_H

#include <linux/ip.h>
#include <linux/skbuff.h>
#include <net/inet_dscp.h>
#include <net/route.h>

/*
 * Routes a received packet as the kernel would after PRE_ROUTING had it come on @dev.
 * False: it would be dropped. The route is without a reference: under
 * rcu_read_lock().
 */
static inline bool roam_route_input(struct sk_buff *skb, struct net_device *dev)
{
	const struct iphdr *iph = ip_hdr(skb);

#ifdef ROAM_ROUTE_INPUT_TAKES_DSCP
	return !ip_route_input_noref(skb, iph->daddr, iph->saddr,
				     inet_dsfield_to_dscp(iph->tos), dev);
#else
	return !ip_route_input_noref(skb, iph->daddr, iph->saddr, iph->tos,
				     dev);
#endif
}

#endif
