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

struct roam_exempt;
struct roam_ranges;

/* Roles of a mapping: enum roam_mangle_role */
#define ROAM_ROLES (ROAM_MANGLE_ROLE_OWN + 1)

/* Limits as they are at first. */
#define ROAM_MAPPINGS_DEFAULT (1U << 21)
#define ROAM_PEERS_DEFAULT (1U << 16)

/* Hooks of one namespace: PRE_ROUTING and LOCAL_OUT of both families. */
#define ROAM_HOOKS 4

/**
 * enum roam_drop - why a packet is dropped
 * @ROAM_DROP_HOLD_FULL: no room to hold
 * @ROAM_DROP_HOLD_TIMEOUT: held too long, policy drop
 * @ROAM_DROP_MALFORMED: header does not fit, or no memory to make it writable
 * @ROAM_DROP_UNTOLD: the correspondent does not know where we are
 * @ROAM_DROP_NO_ROUTE: no route to the care-of address
 * @ROAM_DROP_EARLY_RESET: a reset of who does not know the care-of address yet
 * @ROAM_DROPS: how many there are
 */
enum roam_drop {
	ROAM_DROP_HOLD_FULL,
	ROAM_DROP_HOLD_TIMEOUT,
	ROAM_DROP_MALFORMED,
	ROAM_DROP_UNTOLD,
	ROAM_DROP_NO_ROUTE,
	ROAM_DROP_EARLY_RESET,
	ROAM_DROPS,
};

/**
 * struct roam_stats - counters of one CPU; the YAML says what each counts
 * @in_rewritten: received packets with an address restored
 * @out_rewritten: sent packets with an address replaced
 * @in_icmp: ICMP errors received, with a translated quotation
 * @out_icmp: ICMP errors sent, with a translated quotation
 * @in_kept: received packets whose care-of connection has its own socket
 * @held: packets put on hold
 * @released: held packets sent after an answer
 * @unasked: packets that raised a question nobody listens to
 * @drop: dropped packets, by enum roam_drop
 * @pass_hold_full: no room to hold, policy pass
 * @pass_hold_timeout: held too long, policy pass
 * @peers_full: correspondents not recorded
 * @exempted: packets left alone because they are exempt
 * @resumed: connections asked to send again after a move
 */
struct roam_stats {
	u64 in_rewritten;
	u64 out_rewritten;
	u64 in_icmp;
	u64 out_icmp;
	u64 in_kept;
	u64 held;
	u64 released;
	u64 unasked;
	u64 drop[ROAM_DROPS];
	u64 pass_hold_full;
	u64 pass_hold_timeout;
	u64 peers_full;
	u64 exempted;
	u64 resumed;
};

/**
 * struct roam_config - settings; times in jiffies
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
 * Written under roam_net.lock, read without: each is one word on its own.
 */
struct roam_config {
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
 * struct roam_hold_table - packets that wait for an answer
 * @lock: protects all below; taken in softirq
 * @pending: struct roam_pending, one per question, oldest first
 * @questions: their number
 * @asked: questions until now, numbers them
 * @packets: packets held altogether
 */
struct roam_hold_table {
	spinlock_t lock;
	struct list_head pending;
	u32 questions;
	u64 asked;
	u32 packets;
};

/**
 * struct roam_net - one network namespace
 * @net: the namespace
 * @config: settings
 * @by_perm: struct roam_mapping by permanent address
 * @by_coa: struct roam_endpoint by care-of address
 * @peers: struct roam_peer by own permanent address and peer
 * @peers_kept: jiffies when those with a connection were looked for; @sweep only
 * @seen: the correspondent seen last on each CPU; see peer.h
 * @ranges: prefixes that hold permanent addresses, NULL for none; RCU, @lock
 * @exempt: what is never rewritten; RCU, @lock
 * @mappings: number of mappings by role; written under @lock, read without, so
 *	that a host of one role does not look for the other
 * @stats: counters
 * @lock: serialises every change of mappings, ranges, settings and hooks
 * @left: struct roam_left, endpoints in grace, the next to go first; @lock
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
 * @sweep_lock: of two that arm @sweep the earlier one counts
 * @sweep: removes what has ended; runs while there is anything that can end
 * @resume: asks connections to go on after a move
 */
struct roam_net {
	struct net *net;
	struct roam_config config;
	struct rhashtable by_perm;
	struct rhashtable by_coa;
	struct rhashtable peers;
	unsigned long peers_kept;
	struct roam_seen __percpu *seen;
	struct roam_ranges __rcu *ranges;
	struct roam_exempt __rcu *exempt;
	u32 mappings[ROAM_ROLES];
	struct roam_stats __percpu *stats;

	struct mutex lock;
	struct list_head left;
	atomic_t epoch;
	u32 resumed;
	atomic_t generation;
	struct nf_hook_ops ops[ROAM_HOOKS];
	bool hooked;
	bool used;
	bool gone;
	struct roam_hold_table hold;
	unsigned long ends;
	spinlock_t sweep_lock;
	struct delayed_work sweep;
	struct work_struct resume;
};

/* Adds one to a counter of this CPU. */
#define roam_count(rn, field) this_cpu_inc((rn)->stats->field)

struct roam_net *roam_net(const struct net *net);

/* Is there any mapping of this role? */
static inline bool roam_has(const struct roam_net *rn, u8 role)
{
	return READ_ONCE(rn->mappings[role]);
}

static inline u32 roam_mappings(const struct roam_net *rn)
{
	return READ_ONCE(rn->mappings[ROAM_MANGLE_ROLE_REMOTE]) +
	       READ_ONCE(rn->mappings[ROAM_MANGLE_ROLE_OWN]);
}

/* hooks.c */

/**
 * roam_hooks_update - have the hooks exactly while there is work for them
 * @rn: namespace; its lock is held
 *
 * Return: 0 or negative errno of the registration.
 */
int roam_hooks_update(struct roam_net *rn);

/**
 * roam_output - decide about one packet that leaves this host
 * @rn: namespace
 * @skb: the packet, with a route
 * @sk: socket it came from or NULL
 *
 * Return: NF_ACCEPT with the addresses replaced where that was due, NF_DROP,
 * or NF_STOLEN: it is on hold and belongs to hold.c.
 */
unsigned int roam_output(struct roam_net *rn, struct sk_buff *skb,
			 struct sock *sk);

/* trace.c */

/* Counts and traces a dropped packet, and is NF_DROP. Who drops it frees it. */
unsigned int __cold roam_drop(struct roam_net *rn, const struct sk_buff *skb,
			      enum roam_drop reason);

/* sweep.c */

/* Something that can end was added: look again at the latest in @delay jiffies. */
void roam_sweep_within(struct roam_net *rn, unsigned long delay);
void roam_sweep_init(struct roam_net *rn);

#endif
