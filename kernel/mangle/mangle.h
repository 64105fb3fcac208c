/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * roam_mangle: what the files of the module share about one network namespace.
 */
#ifndef ROAM_MANGLE_MANGLE_H
#define ROAM_MANGLE_MANGLE_H

#include <linux/netfilter.h>
#include <linux/percpu.h>
#include <linux/rhashtable.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>

#include <uapi/linux/roam_mangle.h>

#include "../core/sweep.h"

struct mangle_exempt;
struct mangle_ranges;

/* Roles of a mapping: enum roam_mangle_role */
#define MANGLE_ROLES (ROAM_MANGLE_ROLE_OWN + 1)

/* Limits as they are at first. */
#define MANGLE_MAPPINGS_DEFAULT (1U << 21)
#define MANGLE_PEERS_DEFAULT (1U << 16)

/* Hooks of one namespace: PRE_ROUTING and LOCAL_OUT of both families. */
#define MANGLE_HOOKS 4

/**
 * enum mangle_drop - why a packet is dropped
 * @MANGLE_DROP_HOLD_FULL: no room to hold
 * @MANGLE_DROP_HOLD_TIMEOUT: held too long, policy drop
 * @MANGLE_DROP_MALFORMED: header does not fit, or no memory to make it writable
 * @MANGLE_DROP_UNTOLD: the correspondent does not know where we are
 * @MANGLE_DROP_NO_ROUTE: no route to the care-of address
 * @MANGLE_DROP_EARLY_RESET: a reset of who does not know the care-of address yet
 * @MANGLE_DROPS: how many there are
 */
enum mangle_drop {
	MANGLE_DROP_HOLD_FULL,
	MANGLE_DROP_HOLD_TIMEOUT,
	MANGLE_DROP_MALFORMED,
	MANGLE_DROP_UNTOLD,
	MANGLE_DROP_NO_ROUTE,
	MANGLE_DROP_EARLY_RESET,
	MANGLE_DROPS,
};

/**
 * struct mangle_stats - counters of one CPU; the YAML says what each counts
 * @in_rewritten: received packets with an address restored
 * @out_rewritten: sent packets with an address replaced
 * @in_icmp: ICMP errors received, with a translated quotation
 * @out_icmp: ICMP errors sent, with a translated quotation
 * @in_kept: received packets whose care-of connection has its own socket
 * @held: packets put on hold
 * @released: held packets sent after an answer
 * @unasked: packets that raised a question nobody listens to
 * @drop: dropped packets, by enum mangle_drop
 * @pass_hold_full: no room to hold, policy pass
 * @pass_hold_timeout: held too long, policy pass
 * @peers_full: correspondents not recorded
 * @exempted: packets left alone because they are exempt
 * @resumed: connections asked to send again after a move
 */
struct mangle_stats {
	u64 in_rewritten;
	u64 out_rewritten;
	u64 in_icmp;
	u64 out_icmp;
	u64 in_kept;
	u64 held;
	u64 released;
	u64 unasked;
	u64 drop[MANGLE_DROPS];
	u64 pass_hold_full;
	u64 pass_hold_timeout;
	u64 peers_full;
	u64 exempted;
	u64 resumed;
};

/**
 * struct mangle_config - settings; times in jiffies
 * @protocols: bit per IP protocol that is rewritten
 * @hold_packets: most packets held for one destination
 * @hold_total: most packets held altogether
 * @hold_time: longest a packet is held
 * @hold_policy: enum roam_mangle_hold_policy
 * @grace: how long a left care-of address is still translated
 * @max_mappings: most mappings
 * @max_peers: most correspondents seen
 * @peer_time: a correspondent is forgotten after this without a packet or connection
 *
 * Written under mangle_net.lock, read without: each is one word on its own.
 */
struct mangle_config {
	DECLARE_BITMAP(protocols, 256);
	u32 hold_packets;
	u32 hold_total;
	u32 hold_time;
	u8 hold_policy;
	u32 grace;
	u32 max_mappings;
	u32 max_peers;
	u32 peer_time;
};

/**
 * struct mangle_hold_table - packets that wait for an answer
 * @lock: protects all below; taken in softirq
 * @pending: struct mangle_pending, one per question, oldest first
 * @questions: their number
 * @asked: questions until now, numbers them
 * @packets: packets held altogether
 */
struct mangle_hold_table {
	spinlock_t lock;
	struct list_head pending;
	u32 questions;
	u64 asked;
	u32 packets;
};

/**
 * struct mangle_net - one network namespace
 * @net: the namespace
 * @config: settings
 * @by_perm: struct mangle_mapping by permanent address
 * @by_coa: struct mangle_endpoint by care-of address
 * @peers: struct mangle_peer by own permanent address and peer
 * @peers_kept: jiffies when those with a connection were looked for; @sweep only
 * @seen: the correspondent seen last on each CPU; see peer.h
 * @ranges: prefixes that hold permanent addresses, NULL for none; RCU, @lock
 * @exempt: what is never rewritten; RCU, @lock
 * @mappings: number of mappings by role; written under @lock, read without, so
 *	that a host of one role does not look for the other
 * @stats: counters
 * @lock: serialises every change of mappings, ranges, settings and hooks
 * @left: struct mangle_left, endpoints in grace, the next to go first; @lock
 * @epoch: raised by each move of a mapping, and by each correspondent that
 *	learns of one; @lock
 * @resumed: up to which @epoch connections were resumed; @resume only
 * @generation: raised by each change of mappings or peers, marks dumps
 * @ops: the hooks, registered while @hooked
 * @hooked: hooks are registered; @lock
 * @used: there was a mapping once; @lock
 * @gone: the namespace or the module goes: no hook and no event any more; @lock
 * @hold: packets on hold
 * @ends: jiffies when the next mapping or left address ends; @lock
 * @sweep: removes what has ended; runs while there is anything that can end
 * @resume: asks connections to go on after a move
 */
struct mangle_net {
	struct net *net;
	struct mangle_config config;
	struct rhashtable by_perm;
	struct rhashtable by_coa;
	struct rhashtable peers;
	unsigned long peers_kept;
	struct mangle_seen __percpu *seen;
	struct mangle_ranges __rcu *ranges;
	struct mangle_exempt __rcu *exempt;
	u32 mappings[MANGLE_ROLES];
	struct mangle_stats __percpu *stats;

	struct mutex lock;
	struct list_head left;
	atomic_t epoch;
	u32 resumed;
	atomic_t generation;
	struct nf_hook_ops ops[MANGLE_HOOKS];
	bool hooked;
	bool used;
	bool gone;
	struct mangle_hold_table hold;
	unsigned long ends;
	struct roam_sweep sweep;
	struct work_struct resume;
};

/* Adds one to a counter of this CPU. */
#define mangle_count(mn, field) this_cpu_inc((mn)->stats->field)

struct mangle_net *mangle_net(const struct net *net);

/* Is there any mapping of this role? */
static inline bool mangle_has(const struct mangle_net *mn, u8 role)
{
	return READ_ONCE(mn->mappings[role]);
}

static inline u32 mangle_mappings(const struct mangle_net *mn)
{
	return READ_ONCE(mn->mappings[ROAM_MANGLE_ROLE_REMOTE]) +
	       READ_ONCE(mn->mappings[ROAM_MANGLE_ROLE_OWN]);
}

/* hooks.c */

/**
 * mangle_hooks_update - have the hooks exactly while there is work for them
 * @mn: namespace; its lock is held
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

/* trace.c */

/* Counts and traces a dropped packet, and is NF_DROP. Who drops it frees it. */
unsigned int __cold mangle_drop(struct mangle_net *mn, const struct sk_buff *skb,
			      enum mangle_drop reason);

#endif
