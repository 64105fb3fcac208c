// SPDX-License-Identifier: GPL-2.0-only
#include <net/dst.h>
#include <net/route.h>

#include "../core/forward.h"
#include "route.h"

static int tunnel_route_input(struct sk_buff *skb)
{
	return roam_forward4(skb, NULL);
}

struct rtable *tunnel_route_new(struct net_device *dev,
			      int (*output)(struct net *net, struct sock *sk,
					    struct sk_buff *skb))
{
	/* IPsec is for the inner packet's ends, or for the tunnel's. */
	struct rtable *rt = rt_dst_alloc(dev, 0, RTN_UNICAST, true);

	if (!rt)
		return NULL;
	rt->dst.input = tunnel_route_input;
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
