/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets that wait for an answer of the daemon: is the destination a mobile
 * host, does the correspondent take part (MLR-21, OPEN-37).
 *
 * Contract
 *
 * - One struct roam_pending per destination that was asked for. Packets wait
 *   on it in order. Everything is under roam_hold_table.lock, taken in softirq.
 * - A pending entry lives until it is answered, or for hold_time, and then as
 *   long again without holding anything: so an unanswered question delays the
 *   first packets to a destination and not each one. What comes then passes or
 *   is dropped, by the policy.
 * - An answered packet runs through roam_output() again, may be held for the
 *   next reason, and leaves by dst_output(): the hook is the last one of
 *   LOCAL_OUT, no other hook is skipped or run twice.
 * - A packet on hold owns its route and, through skb->sk, its socket. None
 *   outlives the namespace: roam_hold_exit() runs once roam_net.gone is set.
 * - It may own an entry of conntrack, which waits for it at the end of the
 *   namespace: hence not later.
 */
#ifndef ROAM_MANGLE_HOLD_H
#define ROAM_MANGLE_HOLD_H

#include "mangle.h"

struct in6_addr;
struct sk_buff;

/**
 * roam_hold - put a packet on hold and ask, if that was not asked yet
 * @rn: namespace; softirq or process, BH off or on
 * @skb: the packet; belongs to hold.c if NF_STOLEN is returned
 * @own: its source if that is an own permanent address, else NULL
 * @peer: its destination
 * @need: ROAM_MANGLE_NEED_*, what is missing
 *
 * Return: NF_STOLEN, or NF_ACCEPT: nobody listens, the question was not answered
 * before, the packet belongs to no connection, or there is no room; go on
 * without the answer. NF_DROP: no answer or no room, and the policy is to drop.
 */
unsigned int roam_hold(struct roam_net *rn, struct sk_buff *skb,
		       const struct in6_addr *own, const struct in6_addr *peer,
		       u32 need);

/* An answer about this destination came: try its packets again. Process context. */
void roam_hold_release(struct roam_net *rn, const struct in6_addr *peer);

/**
 * roam_hold_next - find a question about a mapping that packets wait for
 * @rn: namespace
 * @number: of the question behind which to look, 0 at first; set to its own
 * @peer: set to the destination
 * @left: set to the jiffies it has left, at least 1
 *
 * They are numbered in the order in which they came up, so that who goes by the
 * numbers sees each one once, whatever comes and goes meanwhile.
 *
 * Return: false if there is none.
 */
bool roam_hold_next(struct roam_net *rn, u64 *number, struct in6_addr *peer,
		    unsigned long *left);

/* Is there one about this destination? The same @left. */
bool roam_hold_waits(struct roam_net *rn, const struct in6_addr *peer,
		     unsigned long *left);

/* Ends what waits too long; jiffies until the next, or MAX_SCHEDULE_TIMEOUT. */
unsigned long roam_hold_sweep(struct roam_net *rn);

void roam_hold_init(struct roam_net *rn);
/* Frees all; from roam_net.gone on nothing is added. */
void roam_hold_exit(struct roam_net *rn);

#endif
