/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ICMP errors quote the packet they are about. An error that a host receives shall
 * quote what its socket sent; an error that it sends shall quote what was on the wire
 * (OPEN-08).
 *
 * Each returns a verdict of netfilter: NF_ACCEPT, translated or not, or NF_DROP.
 */
#ifndef ROAM_MANGLE_ICMP_H
#define ROAM_MANGLE_ICMP_H

#include "../core/packet.h"
#include "mangle.h"

/* Gives a quoted packet back the addresses its socket knows. */
unsigned int mangle_icmp_in4(struct mangle_net *mn, struct sk_buff *skb);
unsigned int mangle_icmp_in6(struct mangle_net *mn, struct sk_buff *skb);
/*
 * An error that this host sends quotes a received packet, whose addresses were
 * restored. The sender of that packet knows the care-of addresses that were on the
 * wire, and is reached by them. An error is never held: it is no reason to ask.
 */
unsigned int mangle_icmp_out(struct mangle_net *mn, struct sk_buff *skb,
			     struct sock *sk, const struct roam_packet *pkt);

#endif
