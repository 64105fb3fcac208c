/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The route to a care-of address, remembered at its endpoint: another
 * destination wants another route (OPEN-15), and looking it up for each packet
 * costs more than all the rest.
 *
 * Contract: an immutable struct roam_route behind endpoint->route, replaced
 * with xchg() by whoever finds it does not serve. Readers are under RCU, so
 * the route they found keeps its destination until they are done. Whether it
 * still holds is the routing code's own knowledge (dst_check()); what the
 * choice of a route depends on is compared.
 */
#ifndef ROAM_MANGLE_ROUTE_H
#define ROAM_MANGLE_ROUTE_H

#include <linux/types.h>

struct net;
struct roam_endpoint;
struct roam_route;
struct sk_buff;
struct sock;

/**
 * roam_route_packet - give a packet with a new destination its route
 * @net: namespace
 * @endpoint: where it goes; NULL: the route is not remembered
 * @skb: the packet, with its final addresses and a route to replace
 * @sk: its socket or NULL
 *
 * Return: 0 or negative errno, the packet is to be dropped then.
 */
int roam_route_packet(struct net *net, struct roam_endpoint *endpoint,
		      struct sk_buff *skb, struct sock *sk);

/* Forgets a remembered route; NULL is allowed. After a grace period. */
void roam_route_free(struct roam_route *route);

#endif
