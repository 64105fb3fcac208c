/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What this host says on home links for nodes that are away (RFC 5944 4.6): it answers
 * ARP requests for them, and tells by gratuitous ARP that they left or came back.
 */
#ifndef ROAM_TUNNEL_ARP_H
#define ROAM_TUNNEL_ARP_H

#include "tunnel.h"

struct nf_hook_state;
struct sk_buff;
struct tunnel_binding;

/* Hook of ARP requests: one look-up, however many are away. */
unsigned int tunnel_hook_arp(void *priv, struct sk_buff *skb,
			     const struct nf_hook_state *state);

/**
 * tunnel_announce - tell a home link where a node is
 * @tn: namespace; lock held
 * @binding: whose; without a home link nothing is said
 * @mac: link-layer address of the node, which is there again; NULL: it is away
 *
 * At once and, as the settings say, a few times more. What was being said of that
 * node before is not said any more. Without memory it is said once.
 */
void tunnel_announce(struct tunnel_net *tn,
		     const struct tunnel_binding *binding, const u8 *mac);

/*
 * Says of all nodes that they are away, spread over a while; returns how many. Lock
 * held.
 */
u32 tunnel_announce_all(struct tunnel_net *tn);

/* Says what is due; true: there is more. Lock held. */
bool tunnel_announce_run(struct tunnel_net *tn, unsigned int budget);

int tunnel_announce_init(struct tunnel_net *tn);
void tunnel_announce_exit(struct tunnel_net *tn);

#endif
