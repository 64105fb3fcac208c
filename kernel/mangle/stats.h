/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters of a namespace, and packets that are dropped. */
#ifndef ROAM_MANGLE_STATS_H
#define ROAM_MANGLE_STATS_H

#include <linux/compiler.h>
#include <linux/percpu.h>
#include <linux/types.h>

struct net;
struct sk_buff;

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

/* Adds one to a counter of this CPU; @of has a member stats. */
#define mangle_count(of, field) this_cpu_inc((of)->stats->field)

/* trace.c */

unsigned int __cold __mangle_drop(const struct net *net,
				  struct mangle_stats __percpu *stats,
				  const struct sk_buff *skb,
				  enum mangle_drop reason);

/*
 * Counts and traces a dropped packet, and is NF_DROP. The caller frees it. @of has
 * members net and stats.
 */
#define mangle_drop(of, skb, reason) \
	__mangle_drop((of)->net, (of)->stats, skb, reason)

#endif
