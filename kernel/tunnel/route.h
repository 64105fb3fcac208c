/* SPDX-License-Identifier: GPL-2.0-only */
/* Routes that the module makes itself. Packets go on by core/forward.h. */
#ifndef ROAM_TUNNEL_ROUTE_H
#define ROAM_TUNNEL_ROUTE_H

struct net;
struct net_device;
struct rtable;
struct sk_buff;
struct sock;

/**
 * tunnel_route_new - a route to a device, for packets the hooks have taken
 * @dev: the device
 * @output: what sends them, NULL: as to any neighbour
 *
 * A packet with it that was received is forwarded as others are: the time to live,
 * the size, the hooks of FORWARD.
 *
 * Return: the route with a reference, or NULL without memory.
 */
struct rtable *tunnel_route_new(struct net_device *dev,
			      int (*output)(struct net *net, struct sock *sk,
					    struct sk_buff *skb));
/* Gives it back; a packet under RCU may still use it. */
void tunnel_route_put(struct rtable *rt);

#endif
