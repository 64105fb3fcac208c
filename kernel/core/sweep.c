// SPDX-License-Identifier: GPL-2.0-only
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/sched.h>

#include "sweep.h"

/* Least time between two runs, so that many ends close together cost one run. */
#define ROAM_SWEEP_GAP msecs_to_jiffies(50)

void roam_sweep_within(struct roam_sweep *sweep, unsigned long delay)
{
	unsigned long now = jiffies;
	unsigned long at = now + max(delay, ROAM_SWEEP_GAP);

	/*
	 * mod_delayed_work() alone would also put a run off. So the pending time is
	 * looked at, and only an earlier one replaces it. A run under way arms the
	 * sweeper again at its end.
	 */
	spin_lock_bh(&sweep->lock);
	if (!delayed_work_pending(&sweep->work) ||
	    time_before(at, READ_ONCE(sweep->work.timer.expires)))
		mod_delayed_work(system_power_efficient_wq, &sweep->work,
				 at - now);
	spin_unlock_bh(&sweep->lock);
}
EXPORT_SYMBOL_GPL(roam_sweep_within);

static void roam_sweep_work(struct work_struct *work)
{
	struct roam_sweep *sweep = container_of(to_delayed_work(work),
						struct roam_sweep, work);
	unsigned long next = sweep->run(sweep);

	if (next != MAX_SCHEDULE_TIMEOUT)
		roam_sweep_within(sweep, next);
}

void roam_sweep_init(struct roam_sweep *sweep,
		     unsigned long (*run)(struct roam_sweep *sweep))
{
	sweep->run = run;
	spin_lock_init(&sweep->lock);
	INIT_DELAYED_WORK(&sweep->work, roam_sweep_work);
}
EXPORT_SYMBOL_GPL(roam_sweep_init);

void roam_sweep_exit(struct roam_sweep *sweep)
{
	cancel_delayed_work_sync(&sweep->work);
}
EXPORT_SYMBOL_GPL(roam_sweep_exit);
