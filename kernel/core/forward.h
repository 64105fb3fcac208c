/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Forwarding of packets that a module gave a route of its own. The kernel's
 * ip_forward() and ip6_forward() are not for modules to call, so what they do is
 * done here in the same order: policies of IPsec, time to live, size, the hooks of
 * FORWARD. Left out are redirects, which would send a neighbour past this host,
 * options that want an address of this host, and proxies of neighbour discovery.
 */
#ifndef ROAM_CORE_FORWARD_H
#define ROAM_CORE_FORWARD_H

struct net;
struct sk_buff;

/**
 * enum roam_forward_drop - why a packet is not forwarded
 * @ROAM_FORWARD_TTL: its time to live is over; its sender was told
 * @ROAM_FORWARD_TOO_BIG: it does not fit and must not be cut; its sender was told
 * @ROAM_FORWARD_MEMORY: no memory
 *
 * Packets that no router forwards (of another host, with a socket, refused by a policy)
 * have no reason here: they are dropped in silence, as the kernel does.
 */
enum roam_forward_drop {
	ROAM_FORWARD_TTL,
	ROAM_FORWARD_TOO_BIG,
	ROAM_FORWARD_MEMORY,
};

/* Told of a packet before it is freed, so that the module can count it. */
typedef void roam_forward_dropped_t(struct net *net, const struct sk_buff *skb,
				    enum roam_forward_drop why);

/**
 * roam_forward4 - forward an IPv4 packet by the route it has
 * @skb: received, with a route to where it goes on; consumed
 * @dropped: see there; NULL: the kernel's own counters suffice
 *
 * For struct dst_entry.input of such a route.
 *
 * Return: as ip_forward().
 */
int roam_forward4(struct sk_buff *skb, roam_forward_dropped_t *dropped);

/* The same for an IPv6 packet. */
int roam_forward6(struct sk_buff *skb, roam_forward_dropped_t *dropped);

#endif
