/* SPDX-License-Identifier: GPL-2.0-only */
/* Sending a packet through a tunnel. */
#ifndef ROAM_TUNNEL_SEND_H
#define ROAM_TUNNEL_SEND_H

#include "tunnel.h"

struct tunnel_endpoint;
struct sk_buff;

/**
 * tunnel_send - put a packet into a tunnel and send it
 * @tn: namespace; under rcu_read_lock(), bottom halves disabled
 * @endpoint: the tunnel
 * @most: how many may get a copy, of those behind it
 * @skb: the packet, an IPv4 header in its linear part; consumed in any case
 *
 * Return: packets sent; what was dropped is counted, and the sender told where
 * it may be told.
 */
unsigned int tunnel_send(struct tunnel_net *tn, struct tunnel_endpoint *endpoint,
		       unsigned int most, struct sk_buff *skb);

#endif
