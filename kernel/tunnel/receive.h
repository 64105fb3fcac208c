/* SPDX-License-Identifier: GPL-2.0-only */
/* Taking packets out of tunnels. */
#ifndef ROAM_TUNNEL_RECEIVE_H
#define ROAM_TUNNEL_RECEIVE_H

struct nf_hook_state;
struct sk_buff;

/*
 * Hook of LOCAL_IN. What is not ours goes on, to other tunnels (ip_gre, ipip)
 * or to whoever listens.
 */
unsigned int tunnel_hook_local_in(void *priv, struct sk_buff *skb,
				const struct nf_hook_state *state);

#endif
