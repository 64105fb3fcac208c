/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ROAM_COMPAT_INET_LOOKUP_H
#define ROAM_COMPAT_INET_LOOKUP_H

#include <net/inet6_hashtables.h>
#include <net/inet_hashtables.h>
#include <net/tcp.h>

#include "../core/rewrite.h"

/* Newer kernels find the table of sockets by the namespace themselves. */
#ifdef ROAM_LOOKUP_TAKES_HASHINFO
#define ROAM_LOOKUP_IN(net) (net), (net)->ipv4.tcp_death_row.hashinfo
#else
#define ROAM_LOOKUP_IN(net) (net)
#endif

/**
 * roam_inet_lookup_established - find a TCP socket by its connection
 * @net: namespace
 * @pair: addresses, IPv4 in the mapped form
 * @sport: port of the other end
 * @hnum: own port, host order
 * @dif: link a socket may be bound to: the VRF if there is one
 * @sdif: the link itself in a VRF, else 0
 *
 * Return: the socket (established, in set-up or in time-wait) with a
 * reference for sock_gen_put(), or NULL.
 */
static inline struct sock *
roam_inet_lookup_established(struct net *net, const struct roam_pair6 *pair,
			     __be16 sport, u16 hnum, int dif, int sdif)
{
	if (ipv6_addr_v4mapped(&pair->daddr))
		return __inet_lookup_established(ROAM_LOOKUP_IN(net),
						 pair->saddr.s6_addr32[3],
						 sport,
						 pair->daddr.s6_addr32[3],
						 hnum, dif, sdif);
	return __inet6_lookup_established(ROAM_LOOKUP_IN(net), &pair->saddr,
					  sport, &pair->daddr, hnum, dif, sdif);
}

/**
 * roam_inet_lookup_listener - find the socket that a connection would go to
 * @net: namespace; under rcu_read_lock()
 * @skb: the segment
 * @doff: where its payload begins
 * @pair: addresses, IPv4 in the mapped form
 * @sport: port of the other end
 * @hnum: own port, host order
 * @dif: see roam_inet_lookup_established()
 * @sdif: see roam_inet_lookup_established()
 *
 * Return: the socket without a reference, or NULL.
 */
static inline struct sock *
roam_inet_lookup_listener(struct net *net, struct sk_buff *skb, int doff,
			  const struct roam_pair6 *pair, __be16 sport, u16 hnum,
			  int dif, int sdif)
{
	if (ipv6_addr_v4mapped(&pair->daddr))
		return __inet_lookup_listener(ROAM_LOOKUP_IN(net), skb, doff,
					      pair->saddr.s6_addr32[3], sport,
					      pair->daddr.s6_addr32[3], hnum,
					      dif, sdif);
	return inet6_lookup_listener(ROAM_LOOKUP_IN(net), skb, doff,
				     &pair->saddr, sport, &pair->daddr, hnum,
				     dif, sdif);
}

#endif
