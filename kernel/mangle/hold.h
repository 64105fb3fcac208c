/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets that wait for an answer of the daemon: is the destination a mobile
 * host, does the correspondent take part (MLR-21, OPEN-37).
 *
 * Contract
 *
 * - One struct mangle_pending per destination that was asked for. Packets wait
 *   on it in order. Everything is under mangle_hold.lock, taken in softirq.
 * - A pending entry lives until it is answered, or for hold_time, and then as
 *   long again without holding anything: so an unanswered question delays the
 *   first packets to a destination and not each one. What comes then passes or
 *   is dropped, by the policy.
 * - An answered packet is decided about again, may be held for the
 *   next reason, and leaves by dst_output(): the hook is the last one of
 *   LOCAL_OUT, no other hook is skipped or run twice.
 * - A packet on hold owns its route and, through skb->sk, its socket. None
 *   outlives the namespace: mangle_hold_exit() frees what there is and lets nothing in.
 * - A packet on hold may own an entry of conntrack, and conntrack waits for its
 *   entries when the namespace ends: so mangle_hold_exit() comes before that.
 */
#ifndef ROAM_MANGLE_HOLD_H
#define ROAM_MANGLE_HOLD_H

#include <linux/spinlock.h>
#include <linux/types.h>

#include "../core/sweep.h"
#include "config.h"
#include "stats.h"

struct in6_addr;
struct mangle_hold;
struct net;
struct sk_buff;
struct sock;

/**
 * struct mangle_hold_ops - what is done with packets and questions
 * @output: decides about a packet again, as mangle_output(); under rcu_read_lock(),
 *	softirqs off
 * @heard: does anybody listen to questions, in whatever namespace?
 * @ask: sends a question; false if nobody in this namespace listens
 */
struct mangle_hold_ops {
	unsigned int (*output)(struct mangle_hold *hold, struct sk_buff *skb,
			       struct sock *sk);
	bool (*heard)(struct mangle_hold *hold);
	bool (*ask)(struct mangle_hold *hold, const struct in6_addr *own,
		    const struct in6_addr *peer, u32 need);
};

/**
 * struct mangle_hold - packets that wait for an answer in a namespace
 * @lock: protects all up to @gone; taken in softirq
 * @pending: struct mangle_pending, one per question, oldest first
 * @questions: their number
 * @asked: questions until now, numbers them
 * @packets: packets held altogether
 * @gone: the namespace goes: nothing is put on hold any more
 * @net: the namespace
 * @config: settings
 * @stats: counters
 * @sweep: has mangle_hold_sweep() called
 * @ops: of the user
 */
struct mangle_hold {
	spinlock_t lock;
	struct list_head pending;
	u32 questions;
	u64 asked;
	u32 packets;
	bool gone;
	struct net *net;
	const struct mangle_config *config;
	struct mangle_stats __percpu *stats;
	struct roam_sweep *sweep;
	const struct mangle_hold_ops *ops;
};

/**
 * mangle_hold_packet - put a packet on hold and ask, if that was not asked yet
 * @hold: of the namespace; softirq or process, BH off or on
 * @skb: the packet; belongs to hold.c if NF_STOLEN is returned
 * @own: its source if that is an own permanent address, else NULL
 * @peer: its destination
 * @need: ROAM_MANGLE_NEED_*, what is missing
 *
 * Return: NF_STOLEN, or NF_ACCEPT: nobody listens, the question was not answered
 * before, the packet belongs to no connection, or there is no room; go on
 * without the answer. NF_DROP: no answer or no room, and the policy is to drop.
 */
unsigned int mangle_hold_packet(struct mangle_hold *hold, struct sk_buff *skb,
				const struct in6_addr *own, const struct in6_addr *peer,
				u32 need);

/* An answer about this destination came: try its packets again. Process context. */
void mangle_hold_release(struct mangle_hold *hold, const struct in6_addr *peer);

/**
 * mangle_hold_next - find a question about a mapping that packets wait for
 * @hold: of the namespace
 * @number: of the question behind which to look, 0 at first; set to its own
 * @peer: set to the destination
 * @left: set to the jiffies it has left, at least 1
 *
 * They are numbered in the order in which they came up, so that who goes by the
 * numbers sees each one once, whatever comes and goes meanwhile.
 *
 * Return: false if there is none.
 */
bool mangle_hold_next(struct mangle_hold *hold, u64 *number, struct in6_addr *peer,
		      unsigned long *left);

/* Is there one about this destination? The same @left. */
bool mangle_hold_waits(struct mangle_hold *hold, const struct in6_addr *peer,
		       unsigned long *left);

/* Ends what waits too long; jiffies until the next, or MAX_SCHEDULE_TIMEOUT. */
unsigned long mangle_hold_sweep(struct mangle_hold *hold);

/* .net, .config, .stats, .sweep and .ops are set. */
void mangle_hold_init(struct mangle_hold *hold);
/* Frees all, and from now on nothing is added. */
void mangle_hold_exit(struct mangle_hold *hold);

#endif
