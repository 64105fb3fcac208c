/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * roam_mmp: what the files of the module share about one network namespace.
 */
#ifndef ROAM_MMP_MMP_H
#define ROAM_MMP_MMP_H

#include <linux/hashtable.h>
#include <linux/mutex.h>
#include <linux/netfilter.h>
#include <linux/percpu.h>
#include <linux/ratelimit.h>
#include <linux/rhashtable.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <net/net_namespace.h>

#include <uapi/linux/roam_mmp.h>

#include "../core/ends.h"
#include "../core/sweep.h"

struct mmp_shape;

#define MMP_HOSTS_DEFAULT (1U << 20)
#define MMP_BELOW_MAX 256
#define MMP_HOP_BITS 8
#define MMP_KEEP_BITS 8

/* PRE_ROUTING and LOCAL_OUT of both families. */
#define MMP_HOOKS 4

/**
 * enum mmp_drop - why a packet is dropped
 * @MMP_DROP_UNREGISTERED: its source is not registered by the way it came
 * @MMP_DROP_NO_UPLINK: no uplink works
 * @MMP_DROP_NO_DOWNLINK: the interface of the downlink is gone
 * @MMP_DROP_TTL: it went as far as it may
 * @MMP_DROP_TOO_BIG: it does not fit, and must not be cut
 * @MMP_DROP_MEMORY: no memory
 * @MMP_DROPS: how many there are
 */
enum mmp_drop {
	MMP_DROP_UNREGISTERED,
	MMP_DROP_NO_UPLINK,
	MMP_DROP_NO_DOWNLINK,
	MMP_DROP_TTL,
	MMP_DROP_TOO_BIG,
	MMP_DROP_MEMORY,
	MMP_DROPS,
};

/**
 * struct mmp_stats - counters of one CPU; the YAML says what each counts
 * @down: to a downlink
 * @copied: to a second one
 * @up: to an uplink
 * @up_secondary: not to the first one
 * @turned: from one host to another
 * @healed: entries made or changed by data
 * @messages: left to the daemon
 * @drop: by enum mmp_drop
 * @hosts_full: entries not made
 * @kept: copies for hosts with one receiver
 * @played: those that went to where the host came to, and what waited for them
 * @keep_full: copies that made room for newer ones
 */
struct mmp_stats {
	u64 down;
	u64 copied;
	u64 up;
	u64 up_secondary;
	u64 turned;
	u64 healed;
	u64 messages;
	u64 drop[MMP_DROPS];
	u64 hosts_full;
	u64 kept;
	u64 played;
	u64 keep_full;
};

/**
 * struct mmp_config - settings; times in jiffies
 * @timeout: an entry ends after this without anything that climbs
 * @second_time: how long a second downlink lasts
 * @left_time: for how long data from a replaced downlink heals nothing
 * @max_hosts: most entries
 * @keep_time: for how long copies for hosts with one receiver are kept; 0: none
 * @keep_bytes: of memory that those of one host may hold
 * @port: of the daemon's messages
 * @role: enum roam_mmp_role
 * @turn: packets between hosts turn here
 *
 * Written under mmp_net.mutex, read without: each is one word on its own.
 */
struct mmp_config {
	u32 timeout;
	u32 second_time;
	u32 left_time;
	u32 max_hosts;
	u32 keep_time;
	u32 keep_bytes;
	__be16 port;
	u8 role;
	bool turn;
};

struct mmp_host;
struct mmp_net;

/**
 * struct mmp_net - one network namespace
 * @net: the namespace
 * @config: settings
 * @hosts: struct mmp_host by care-of address
 * @event: an entry came, changed or went; enum roam_mmp_reason; @lock held
 * @shape: uplinks, interfaces, subnets, or NULL; RCU, @mutex
 * @stats: counters
 * @mutex: serialises requests, changes of interfaces, and hooks
 * @lock: protects every change of entries and of the counts of hops; taken in
 *	softirq, within @mutex
 * @hops: struct mmp_hop by interface and link-layer address; RCU, changed under
 *	@mutex and @lock
 * @below: nodes below; @mutex
 * @n_below: their number; @mutex
 * @generation: raised by each change of the set of entries, marks dumps
 * @ends: which entry ends next; @lock
 * @sweep: removes what has ended
 * @keeps: struct mmp_keep by address; RCU, see keep.h
 * @n_keeps: their number; @lock
 * @keep_seed: of their hash
 * @keep_bytes: of memory that all copies hold
 * @keep_sweep: removes copies that are too old
 * @errors: limits ICMP errors
 * @ops: the hooks, registered while @hooked
 * @hooked: hooks are registered; @mutex
 * @gone: the namespace or the module goes; @mutex
 */
struct mmp_net {
	struct net *net;
	struct mmp_config config;
	struct rhashtable hosts;
	void (*event)(struct mmp_net *mn, const struct mmp_host *host,
		      u8 reason);
	struct mmp_shape __rcu *shape;
	struct mmp_stats __percpu *stats;

	struct mutex mutex;
	spinlock_t lock;
	DECLARE_HASHTABLE(hops, MMP_HOP_BITS);
	struct mmp_hop *below[MMP_BELOW_MAX];
	unsigned int n_below;
	atomic_t generation;
	struct roam_ends ends;
	struct roam_sweep sweep;
	DECLARE_HASHTABLE(keeps, MMP_KEEP_BITS);
	u32 n_keeps;
	u32 keep_seed;
	atomic_t keep_bytes;
	struct roam_sweep keep_sweep;
	struct ratelimit_state errors;
	struct nf_hook_ops ops[MMP_HOOKS];
	bool hooked;
	bool gone;
};

/* What the owner of a namespace asks for is on the account of who asks. */
static inline gfp_t mmp_gfp(const struct mmp_net *mn)
{
	return net_eq(mn->net, &init_net) ? GFP_KERNEL : GFP_KERNEL_ACCOUNT;
}

/* Adds one to a counter of this CPU. */
#define mmp_count(mn, field) this_cpu_inc((mn)->stats->field)

struct mmp_net *mmp_net(const struct net *net);

/* hooks.c */

/* Has the hooks exactly while there are interfaces; @mutex held. 0 or errno. */
int mmp_hooks_update(struct mmp_net *mn);

/* error.c */

/* Is it an ICMP error? */
bool mmp_is_error(const struct sk_buff *skb, bool v6);
/* Tells the sender of a packet that was not forwarded why, if the kernel cannot. */
void __cold mmp_error(struct mmp_net *mn, const struct sk_buff *skb,
		      enum mmp_drop why);

/* trace.c */

/* Counts and traces a dropped packet, and is NF_DROP. Who drops it frees it. */
unsigned int __cold mmp_drop(struct mmp_net *mn, const struct sk_buff *skb,
			     enum mmp_drop reason);

#endif
