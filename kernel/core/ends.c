// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bitops.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/sched.h>

#include "ends.h"

#define ROAM_ENDS_TOP (ROAM_ENDS_LEVELS - 1)

static unsigned int roam_ends_digit(u32 time, unsigned int level)
{
	return (time >> (level * ROAM_ENDS_BITS)) % ROAM_ENDS_BUCKETS;
}

void roam_ends_init(struct roam_ends *ends, u32 now)
{
	memset(ends, 0, sizeof(*ends));
	ends->now = now;
}
EXPORT_SYMBOL_GPL(roam_ends_init);

static void roam_ends_put(struct roam_ends *ends, struct roam_end *end, u32 now,
			  u32 at)
{
	unsigned int level = 0, digit;

	/*
	 * The time of the queue may lag behind. An end in the past is due now; one that is
	 * too far ahead of the queue, though not of @now, is asked for earlier, or it would
	 * be taken for one in the past and be asked for without end.
	 */
	if ((s32)(at - ends->now) < 0)
		at = (s32)(at - now) > 0 ? ends->now + S32_MAX : ends->now;
	if (at != ends->now)
		level = __fls(at ^ ends->now) / ROAM_ENDS_BITS;
	digit = roam_ends_digit(at, level);
	hlist_add_head(&end->node, &ends->bucket[level][digit]);
	ends->filled[level] |= BIT_ULL(digit);
}

static bool roam_ends_are_empty(const struct roam_ends *ends)
{
	u64 filled = 0;
	unsigned int l;

	for (l = 0; l < ROAM_ENDS_LEVELS; l++)
		filled |= ends->filled[l];
	return !filled;
}

void roam_ends_add(struct roam_ends *ends, struct roam_end *end, u32 now,
		   u32 at)
{
	roam_ends_del(ends, end);
	/* The queue was not run while it was empty: its time may be far behind. */
	if (roam_ends_are_empty(ends))
		ends->now = now;
	roam_ends_put(ends, end, now, at);
}
EXPORT_SYMBOL_GPL(roam_ends_add);

void roam_ends_del(struct roam_ends *ends, struct roam_end *end)
{
	struct hlist_head *first = &ends->bucket[0][0], *head;
	struct hlist_node **pprev = end->node.pprev;
	unsigned int i;

	if (!pprev)
		return;
	hlist_del_init(&end->node);
	/*
	 * If the entry was the only one of its bucket, @pprev is the head of that
	 * bucket, which is empty now.
	 */
	head = container_of(pprev, struct hlist_head, first);
	if (*pprev || head < first ||
	    head >= first + ROAM_ENDS_LEVELS * ROAM_ENDS_BUCKETS)
		return;
	i = head - first;
	ends->filled[i / ROAM_ENDS_BUCKETS] &=
		~BIT_ULL(i % ROAM_ENDS_BUCKETS);
}
EXPORT_SYMBOL_GPL(roam_ends_del);

/*
 * The level and time of the first bucket that is not empty; false: there is none.
 *
 * An entry at a level has the same higher digits as the queue's time and a larger
 * digit at that level. So every entry of a lower level ends before every entry of a
 * higher one. Only the highest digit goes round, and no entry is half a round ahead.
 */
static bool roam_ends_first(const struct roam_ends *ends, unsigned int *level,
			    u32 *time)
{
	unsigned int digit, shift, l;
	u64 filled;

	/* A run whose budget was too small has left entries in the present bucket. */
	for (l = ROAM_ENDS_TOP; l; l--)
		if (ends->filled[l] & BIT_ULL(roam_ends_digit(ends->now, l))) {
			*level = l;
			*time = ends->now;
			return true;
		}
	while (l < ROAM_ENDS_LEVELS && !ends->filled[l])
		l++;
	if (l == ROAM_ENDS_LEVELS)
		return false;
	filled = ends->filled[l];
	shift = l * ROAM_ENDS_BITS;
	*level = l;
	if (l == ROAM_ENDS_TOP) {
		/* Digits from the present one on come before those that went round. */
		digit = roam_ends_digit(ends->now, l);
		filled = filled >> digit << digit ?: filled;
		*time = (u32)__ffs64(filled) << shift;
		return true;
	}
	*time = ends->now >> (shift + ROAM_ENDS_BITS) << (shift + ROAM_ENDS_BITS) |
		(u32)__ffs64(filled) << shift;
	return true;
}

bool roam_ends_run(struct roam_ends *ends, u32 now, unsigned int budget,
		   roam_ends_fn *fn, void *ctx)
{
	struct hlist_head *bucket;
	struct roam_end *end;
	unsigned int level;
	u32 time, again;

	while (roam_ends_first(ends, &level, &time) &&
	       (s32)(now - time) >= 0) {
		ends->now = time;
		bucket = &ends->bucket[level][roam_ends_digit(time, level)];
		while (!hlist_empty(bucket)) {
			if (!budget--)
				return true;
			end = hlist_entry(bucket->first, struct roam_end, node);
			roam_ends_del(ends, end);
			if (fn(end, now, &again, ctx))
				roam_ends_put(ends, end, now, again);
		}
	}
	if ((s32)(now - ends->now) > 0)
		ends->now = now;
	return false;
}
EXPORT_SYMBOL_GPL(roam_ends_run);

unsigned long roam_ends_next(const struct roam_ends *ends, u32 now)
{
	unsigned int level;
	u32 time;

	if (!roam_ends_first(ends, &level, &time))
		return MAX_SCHEDULE_TIMEOUT;
	return max_t(s32, time - now, 0);
}
EXPORT_SYMBOL_GPL(roam_ends_next);
