/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ROAM_COMPAT_INET_LOOKUP_H
#define ROAM_COMPAT_INET_LOOKUP_H

#include <net/inet_hashtables.h>
#include <net/tcp.h>

/**
 * roam_inet_lookup_established - find a TCP socket by its connection
 *
 * __inet_lookup_established() of every kernel: newer ones find the table by
 * the namespace themselves.
 *
 * Return: the socket (established, in set-up or in time-wait) with a
 * reference for sock_gen_put(), or NULL.
 */
static inline struct sock *
roam_inet_lookup_established(struct net *net, __be32 saddr, __be16 sport,
			     __be32 daddr, u16 hnum, int dif, int sdif)
{
#ifdef ROAM_LOOKUP_TAKES_HASHINFO
	return __inet_lookup_established(net, net->ipv4.tcp_death_row.hashinfo,
					 saddr, sport, daddr, hnum, dif, sdif);
#else
	return __inet_lookup_established(net, saddr, sport, daddr, hnum, dif,
					 sdif);
#endif
}

#endif
