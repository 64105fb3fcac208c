/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The route that packets with a new destination take, remembered where that
 * destination is: another destination wants another route (OPEN-15), and looking it
 * up for each packet costs more than all the rest.
 *
 * Contract: an immutable struct roam_route behind a slot, a pointer that the owner of
 * the destination has; replaced with xchg() by whoever finds it does not serve. Readers
 * are under RCU, so the route they found keeps its destination until they are
 * done. Whether it still holds is the routing code's own knowledge
 * (dst_check()); what the choice of a route depends on is compared. Whoever frees the
 * owner calls roam_route_free() when no packet can come by the slot any more, from
 * an RCU callback; before the routing code of a namespace goes it waits for both with
 * rcu_barrier(), twice.
 */
#ifndef ROAM_CORE_ROUTE_H
#define ROAM_CORE_ROUTE_H

#include <linux/compiler_types.h>

struct net;
struct roam_route;
struct sk_buff;
struct sock;

/**
 * roam_route_packet - give a packet with a new destination its route
 * @net: namespace
 * @slot: where it is remembered; NULL: it is not
 * @skb: the packet, with its final addresses and a route to replace
 * @sk: its socket or NULL
 *
 * Return: 0 or negative errno, the packet is to be dropped then.
 */
int roam_route_packet(struct net *net, struct roam_route __rcu **slot,
		      struct sk_buff *skb, struct sock *sk);

/* Forgets a remembered route; NULL is allowed. After a grace period. */
void roam_route_free(struct roam_route *route);

#endif
