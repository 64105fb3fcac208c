/* SPDX-License-Identifier: GPL-2.0-only */
/* Broadcasts of a home link for nodes that asked for them (B, RFC 5944 4.3). */
#ifndef ROAM_TUNNEL_BROADCAST_H
#define ROAM_TUNNEL_BROADCAST_H

#include "tunnel.h"

struct sk_buff;

/* Tunnels copies of a broadcast that was received; the packet goes its way. */
void tunnel_broadcast(struct tunnel_net *tn, struct sk_buff *skb);

#endif
