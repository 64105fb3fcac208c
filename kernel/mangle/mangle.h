/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * roam_mangle: one network namespace, made of its parts. The parts do not know
 * it: table.h, peer.h and hold.h call back by the pointers that main.c gives them.
 */
#ifndef ROAM_MANGLE_MANGLE_H
#define ROAM_MANGLE_MANGLE_H

#include <linux/netfilter.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>

#include "../core/sweep.h"
#include "config.h"
#include "exempt.h"
#include "hold.h"
#include "peer.h"
#include "range.h"
#include "stats.h"
#include "table.h"

/* Hooks of one namespace: PRE_ROUTING and LOCAL_OUT of both families. */
#define MANGLE_HOOKS 4
/* And POST_ROUTING, where a translator of this host may forward packets. */
#define MANGLE_HOOKS_FORWARD 2

/**
 * struct mangle_net - one network namespace
 * @net: the namespace
 * @config: settings
 * @table: mappings and endpoints. Its lock serialises every change of mappings,
 *	prefixes, exemptions, settings and hooks
 * @exempt: what is never rewritten; RCU, the lock
 * @stats: counters
 * @peers: correspondents seen
 * @hold: packets on hold
 * @ops: the hooks, registered while @hooked
 * @hooked: hooks are registered; the lock
 * @forward_hooked: those behind MANGLE_HOOKS as well; the lock
 * @forwards: a packet came whose address was restored and that may be forwarded
 * @gone: the namespace or the module goes: no hook and no event any more; the lock
 * @resumed: up to which number of mangle_table.epoch connections were resumed;
 *	@resume and @hole only
 * @checked: up to which number it was looked whether they got through; @hole only
 * @sweep: removes what has ended; runs while there is anything that can end
 * @resume: asks connections to go on after a move
 * @hole: looks whether they did, or their packets are too large for the new path
 */
struct mangle_net {
	struct net *net;
	struct mangle_config config;
	struct mangle_table table;
	struct mangle_exempt __rcu *exempt;
	struct mangle_stats __percpu *stats;
	struct mangle_peers peers;
	struct mangle_hold hold;

	struct nf_hook_ops ops[MANGLE_HOOKS + MANGLE_HOOKS_FORWARD];
	bool hooked;
	bool forward_hooked;
	bool forwards;
	bool gone;
	u32 resumed;
	u32 checked;
	struct roam_sweep sweep;
	struct delayed_work resume;
	struct delayed_work hole;
};

/* main.c */

struct mangle_net *mangle_net(const struct net *net);

/* hooks.c */

/**
 * mangle_hooks_update - have the hooks exactly while there is work for them
 * @mn: namespace; the lock of its table is held
 *
 * Return: 0 or negative errno of the registration.
 */
int mangle_hooks_update(struct mangle_net *mn);

/**
 * mangle_output - decide about one packet that leaves this host
 * @mn: namespace
 * @skb: the packet, with a route
 * @sk: socket it came from or NULL
 *
 * Return: NF_ACCEPT with the addresses replaced where that was due, NF_DROP,
 * or NF_STOLEN: it is on hold and belongs to hold.c.
 */
unsigned int mangle_output(struct mangle_net *mn, struct sk_buff *skb,
			   struct sock *sk);

/**
 * mangle_is_exempt - shall this packet stay as it is?
 * @mn: namespace; under rcu_read_lock()
 * @skb: the packet
 * @protocol: its transport protocol
 * @ports: its two ports, or NULL if it has none
 * @other: address of the other end, as it is in the packet
 * @sk: sender's socket, or NULL for a received packet
 */
static inline bool mangle_is_exempt(struct mangle_net *mn,
				    const struct sk_buff *skb, u8 protocol,
				    const __be16 *ports,
				    const struct in6_addr *other,
				    const struct sock *sk)
{
	const struct mangle_exempt *exempt = rcu_dereference(mn->exempt);

	if (likely(!mangle_exempt_may_hold(exempt, ports)) ||
	    !mangle_exempt_look(exempt, skb, protocol, ports, *other, sk))
		return false;
	mangle_count(mn, exempted);
	return true;
}

#endif
