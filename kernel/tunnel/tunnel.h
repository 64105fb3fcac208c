/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * roam_tunnel: what the files of the module share about one network namespace.
 */
#ifndef ROAM_TUNNEL_TUNNEL_H
#define ROAM_TUNNEL_TUNNEL_H

#include <linux/netfilter.h>
#include <linux/percpu.h>
#include <linux/rhashtable.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>

#include <uapi/linux/roam_tunnel.h>

#include "../core/ends.h"
#include "../core/sweep.h"

/* Limits as they are at first. */
#define TUNNEL_BINDINGS_DEFAULT (1U << 21)
#define TUNNEL_VISITORS_DEFAULT (1U << 20)

/* Care-of addresses of one binding, home agents of one visitor. */
#define TUNNEL_ENDPOINTS_MAX 8
#define TUNNEL_AGENTS_MAX 4

/*
 * Hooks of one namespace: PRE_ROUTING, LOCAL_IN, LOCAL_OUT, and ARP, which a kernel may
 * be without. Such a kernel is none for home links.
 */
#define TUNNEL_HOOKS (3 + IS_ENABLED(CONFIG_NETFILTER_FAMILY_ARP))

/**
 * enum tunnel_drop_reason - why a packet is dropped; the YAML says what each counts
 * @TUNNEL_DROP_NO_BINDING: no tunnel for it
 * @TUNNEL_DROP_NO_ROUTE: no route to the other end
 * @TUNNEL_DROP_LOOP: the tunnel leads into itself, or is nested too deep
 * @TUNNEL_DROP_TOO_BIG: does not fit and must not be split
 * @TUNNEL_DROP_MALFORMED: a header does not fit, or no memory
 * @TUNNEL_DROP_SPOOFED: the source does not belong to where it came from
 * @TUNNEL_DROP_NOT_VISITOR: out of a tunnel, for nobody here
 * @TUNNEL_DROP_ECN: met congestion, and cannot say so
 * @TUNNEL_DROPS: how many there are
 */
enum tunnel_drop_reason {
	TUNNEL_DROP_NO_BINDING,
	TUNNEL_DROP_NO_ROUTE,
	TUNNEL_DROP_LOOP,
	TUNNEL_DROP_TOO_BIG,
	TUNNEL_DROP_MALFORMED,
	TUNNEL_DROP_SPOOFED,
	TUNNEL_DROP_NOT_VISITOR,
	TUNNEL_DROP_ECN,
	TUNNEL_DROPS,
};

/**
 * struct tunnel_stats - counters of one CPU; the YAML says what each counts
 * @encapsulated: packets to a care-of address
 * @reversed: packets back to a home agent
 * @decapsulated: packets out of a tunnel
 * @delivered: packets to a visitor's link-layer address
 * @broadcasts: broadcasts of a home link
 * @relayed: errors within a tunnel passed on
 * @keepalives: keepalives of UDP tunnels
 * @arp_replies: ARP requests answered
 * @announcements: gratuitous ARP sent
 * @drop: dropped packets, by enum tunnel_drop_reason
 */
struct tunnel_stats {
	u64 encapsulated;
	u64 reversed;
	u64 decapsulated;
	u64 delivered;
	u64 broadcasts;
	u64 relayed;
	u64 keepalives;
	u64 arp_replies;
	u64 announcements;
	u64 drop[TUNNEL_DROPS];
};

/**
 * struct tunnel_config - settings; times in jiffies
 * @ttl: time to live of outer headers
 * @grace: how long packets from a left care-of address are accepted
 * @announce_count: how many times a home link is told
 * @announce_interval: between two of them
 * @max_bindings: most bindings
 * @max_visitors: most visitors
 * @silent: another router stands for the nodes on their home links
 *
 * Written under tunnel_net.lock, read without: each is one word on its own.
 */
struct tunnel_config {
	u8 ttl;
	bool silent;
	u32 grace;
	u32 announce_count;
	u32 announce_interval;
	u32 max_bindings;
	u32 max_visitors;
};

struct tunnel_table_ops;

/**
 * struct tunnel_net - one network namespace
 * @net: the namespace
 * @config: settings
 * @table_ops: what the tables ask of the other parts
 * @bindings: struct tunnel_binding by home address
 * @visitors: struct tunnel_visitor by home address
 * @endpoints: struct tunnel_endpoint by both ends and all that it is
 * @pairs: struct tunnel_pair by the addresses of both ends
 * @n_bindings: their number; written under @lock, read without
 * @n_visitors: their number, likewise
 * @n_endpoints: their number; @lock
 * @n_ports: endpoints whose own UDP port is another than 434; @lock, read without
 * @stats: counters
 * @lock: serialises every change
 * @devices: struct tunnel_device, of kind roam; changed under RTNL and @lock
 * @links: struct tunnel_link, where visitors are; @lock
 * @broadcasts: struct tunnel_binding that get broadcasts; RCU, @lock
 * @binding_ends: which binding ends next; @lock
 * @visitor_ends: which visitor ends next; @lock
 * @announcements: what is said on home links, see arp.c
 * @announcement_ends: what is said next; @lock
 * @sweep: removes what has ended
 * @generation: raised by each change, marks dumps
 * @ops: the hooks, registered while @hooked
 * @hooked: hooks are registered; @lock
 * @gone: the namespace or the module goes; @lock
 */
struct tunnel_net {
	struct net *net;
	struct tunnel_config config;
	const struct tunnel_table_ops *table_ops;
	struct rhashtable bindings;
	struct rhashtable visitors;
	struct rhashtable endpoints;
	struct rhashtable pairs;
	u32 n_bindings;
	u32 n_visitors;
	u32 n_endpoints;
	u32 n_ports;
	struct tunnel_stats __percpu *stats;

	struct mutex lock;
	struct list_head devices;
	struct list_head links;
	struct hlist_head broadcasts;
	struct roam_ends binding_ends;
	struct roam_ends visitor_ends;
	struct rhashtable announcements;
	struct roam_ends announcement_ends;
	struct roam_sweep sweep;
	atomic_t generation;
	struct nf_hook_ops ops[TUNNEL_HOOKS];
	bool hooked;
	bool gone;
};

/* Adds to a counter of this CPU. */
#define tunnel_count(tn, field) this_cpu_inc((tn)->stats->field)

struct tunnel_net *tunnel_net(const struct net *net);

static inline bool tunnel_has_bindings(const struct tunnel_net *tn)
{
	return READ_ONCE(tn->n_bindings);
}

static inline bool tunnel_has_visitors(const struct tunnel_net *tn)
{
	return READ_ONCE(tn->n_visitors);
}

/* hooks.c */

/**
 * tunnel_hooks_update - have the hooks exactly while there is work for them
 * @tn: namespace; its lock is held
 *
 * Return: 0 or negative errno of the registration.
 */
int tunnel_hooks_update(struct tunnel_net *tn);

/* The hook of LOCAL_OUT. */
unsigned int tunnel_hook_out(void *priv, struct sk_buff *skb,
			     const struct nf_hook_state *state);

/* trace.c */

/* Counts and traces a dropped packet, and is NF_DROP. Who drops it frees it. */
unsigned int __cold tunnel_drop(struct tunnel_net *tn, const struct sk_buff *skb,
			      enum tunnel_drop_reason reason);

#endif
