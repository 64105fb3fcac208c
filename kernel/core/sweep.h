/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One sweeper for what ends by itself in a namespace. It sleeps until the first
 * thing ends; there is no timer per entry, and no work while nothing can end.
 */
#ifndef ROAM_CORE_SWEEP_H
#define ROAM_CORE_SWEEP_H

#include <linux/spinlock.h>
#include <linux/workqueue.h>

/**
 * struct roam_sweep - the sweeper
 * @run: ends what is due, in process context; returns the jiffies until it is to be
 *	called again, MAX_SCHEDULE_TIMEOUT: nothing can end
 * @work: calls it
 * @lock: of two that arm @work the earlier one counts
 */
struct roam_sweep {
	unsigned long (*run)(struct roam_sweep *sweep);
	struct delayed_work work;
	spinlock_t lock;
};

void roam_sweep_init(struct roam_sweep *sweep,
		     unsigned long (*run)(struct roam_sweep *sweep));

/**
 * roam_sweep_within - something that can end was added
 * @sweep: the sweeper, which looks again at the latest in @delay jiffies, and not
 *	sooner than a moment after its last run
 * @delay: see there
 *
 * From any context but hard interrupts.
 */
void roam_sweep_within(struct roam_sweep *sweep, unsigned long delay);

/* Waits for the last run. Nothing calls roam_sweep_within() any more. */
void roam_sweep_exit(struct roam_sweep *sweep);

#endif
