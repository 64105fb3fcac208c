/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A queue of ends: which entry ends next. A wheel of times: what is added, taken
 * out or due costs the same among a thousand and among a million.
 *
 *	level 0: 64 buckets of 1 jiffy		level 1: 64 buckets of 64 jiffies
 *	level 2: 64 buckets of 64 * 64		... up to 2^31 jiffies
 *
 * An entry stands at the level of the highest digit, to the base of 64, in which its
 * time differs from that of the queue. When the queue's time reaches its bucket, the
 * user is asked when it ends: it has ended, or it goes to a finer bucket, or, if it
 * was used meanwhile, to a later one. So an entry that is used again and again
 * needs not be moved each time, and what is asked for one end is five times at most.
 *
 * Contract
 *
 * - The user's lock protects the queue and the struct roam_end of every entry. It is
 *   a mutex or a spinlock, as the user's contexts want.
 * - An entry is in one queue at most, and is taken out before it is freed.
 * - Times are jiffies of 32 bits, at most 2^31 - 1 ahead. One in the past is due at
 *   the next run.
 * - Nothing wakes by itself: who adds an entry tells the sweeper (sweep.h).
 */
#ifndef ROAM_CORE_ENDS_H
#define ROAM_CORE_ENDS_H

#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/types.h>

#define ROAM_ENDS_BITS 6
#define ROAM_ENDS_BUCKETS (1 << ROAM_ENDS_BITS)
#define ROAM_ENDS_LEVELS DIV_ROUND_UP(32, ROAM_ENDS_BITS)

/**
 * struct roam_end - the place of an entry in the queue: a member of it
 * @node: in a bucket; zero, as of kzalloc(): in none
 */
struct roam_end {
	struct hlist_node node;
};

/**
 * struct roam_ends - the queue
 * @now: up to where it has been run
 * @filled: a bit for each bucket that is not empty
 * @bucket: the entries
 */
struct roam_ends {
	u32 now;
	u64 filled[ROAM_ENDS_LEVELS];
	struct hlist_head bucket[ROAM_ENDS_LEVELS][ROAM_ENDS_BUCKETS];
};

/**
 * roam_ends_fn - has this entry ended?
 * @end: the entry, which is in the queue no more
 * @now: what time it is
 * @again: to be set to when it ends, if that is later than @now
 * @ctx: as it was given
 *
 * Return: false: it has ended, and is the callee's to remove; true: it is put into
 * the queue again, to end at @again.
 */
typedef bool roam_ends_fn(struct roam_end *end, u32 now, u32 *again, void *ctx);

void roam_ends_init(struct roam_ends *ends, u32 now);

static inline bool roam_end_is_queued(const struct roam_end *end)
{
	return !hlist_unhashed(&end->node);
}

/**
 * roam_ends_add - queue an entry, or move one that is queued
 * @ends: the queue
 * @end: the entry
 * @now: jiffies
 * @at: when it ends, in jiffies
 */
void roam_ends_add(struct roam_ends *ends, struct roam_end *end, u32 now,
		   u32 at);

/* Takes an entry out, if it is queued. */
void roam_ends_del(struct roam_ends *ends, struct roam_end *end);

/**
 * roam_ends_run - let the time of the queue go on
 * @ends: the queue
 * @now: up to when, which is included
 * @budget: how many entries may be asked for before the lock has to be given back
 * @fn: what is asked
 * @ctx: for @fn
 *
 * Return: true if there is more to do up to @now: give others the lock and call it
 * again.
 */
bool roam_ends_run(struct roam_ends *ends, u32 now, unsigned int budget,
		   roam_ends_fn *fn, void *ctx);

/**
 * roam_ends_next - when does the queue want to be run?
 * @ends: the queue
 * @now: jiffies
 *
 * Return: jiffies until then, 0 if that is now; MAX_SCHEDULE_TIMEOUT: it is empty.
 * Not later than the first end, and earlier where that is still far away.
 */
unsigned long roam_ends_next(const struct roam_ends *ends, u32 now);

/**
 * roam_age - for how long something was not used
 * @used: jiffies of the last use, which another CPU may write at any time
 *
 * The time is read behind @used: a use after the reading of the time would look like one
 * half of for ever ago.
 *
 * Return: jiffies
 */
static inline u32 roam_age(const u32 *used)
{
	u32 last = READ_ONCE(*used);

	/* Who wrote it has read the time before. */
	smp_rmb();
	return (u32)jiffies - last;
}

#endif
