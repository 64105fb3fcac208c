/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Errors from within a tunnel: they come to its entry, and are about packets of others
 * (RFC 2003 4, OPEN-08).
 */
#ifndef ROAM_TUNNEL_ICMP_H
#define ROAM_TUNNEL_ICMP_H

#include "tunnel.h"

struct sk_buff;

/*
 * An ICMP message for this host. An error about a packet of a tunnel's is passed on
 * to the sender of what was inside, and its packet size is remembered. NF_ACCEPT.
 */
unsigned int tunnel_icmp_in(struct tunnel_net *tn, struct sk_buff *skb);

#endif
