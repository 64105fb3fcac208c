/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets that wait for an answer of the daemon: is the destination a mobile
 * host, does the correspondent take part (MLR-21, OPEN-37).
 *
 * Contract
 *
 * - One struct mangle_pending per destination that was asked for. Packets wait
 *   on it in order. Everything is under mangle_hold_table.lock, taken in softirq.
 * - A pending entry lives until it is answered, or for hold_time, and then as
 *   long again without holding anything: so an unanswered question delays the
 *   first packets to a destination and not each one. What comes then passes or
 *   is dropped, by the policy.
 * - An answered packet runs through mangle_output() again, may be held for the
 *   next reason, and leaves by dst_output(): the hook is the last one of
 *   LOCAL_OUT, no other hook is skipped or run twice.
 * - A packet on hold owns its route and, through skb->sk, its socket. None
 *   outlives the namespace: mangle_hold_exit() runs once mangle_net.gone is set.
 * - It may own an entry of conntrack, which waits for it at the end of the
 *   namespace: hence not later.
 */
#ifndef ROAM_MANGLE_HOLD_H
#define ROAM_MANGLE_HOLD_H

#include "mangle.h"

struct in6_addr;
struct sk_buff;

/**
 * mangle_hold - put a packet on hold and ask, if that was not asked yet
 * @mn: namespace; softirq or process, BH off or on
 * @skb: the packet; belongs to hold.c if NF_STOLEN is returned
 * @own: its source if that is an own permanent address, else NULL
 * @peer: its destination
 * @need: ROAM_MANGLE_NEED_*, what is missing
 *
 * Return: NF_STOLEN, or NF_ACCEPT: nobody listens, the question was not answered
 * before, the packet belongs to no connection, or there is no room; go on
 * without the answer. NF_DROP: no answer or no room, and the policy is to drop.
 */
unsigned int mangle_hold(struct mangle_net *mn, struct sk_buff *skb,
		       const struct in6_addr *own, const struct in6_addr *peer,
		       u32 need);

/* An answer about this destination came: try its packets again. Process context. */
void mangle_hold_release(struct mangle_net *mn, const struct in6_addr *peer);

/**
 * mangle_hold_next - find a question about a mapping that packets wait for
 * @mn: namespace
 * @number: of the question behind which to look, 0 at first; set to its own
 * @peer: set to the destination
 * @left: set to the jiffies it has left, at least 1
 *
 * They are numbered in the order in which they came up, so that who goes by the
 * numbers sees each one once, whatever comes and goes meanwhile.
 *
 * Return: false if there is none.
 */
bool mangle_hold_next(struct mangle_net *mn, u64 *number, struct in6_addr *peer,
		    unsigned long *left);

/* Is there one about this destination? The same @left. */
bool mangle_hold_waits(struct mangle_net *mn, const struct in6_addr *peer,
		     unsigned long *left);

/* Ends what waits too long; jiffies until the next, or MAX_SCHEDULE_TIMEOUT. */
unsigned long mangle_hold_sweep(struct mangle_net *mn);

void mangle_hold_init(struct mangle_net *mn);
/* Frees all; from mangle_net.gone on nothing is added. */
void mangle_hold_exit(struct mangle_net *mn);

#endif
