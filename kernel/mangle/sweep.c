// SPDX-License-Identifier: GPL-2.0-only
/*
 * One sweeper for all tables of a namespace. It sleeps until the first thing
 * ends; there is no timer per entry, and no work while nothing can end.
 */
#include <linux/jiffies.h>
#include <linux/workqueue.h>

#include "hold.h"
#include "mangle.h"
#include "peer.h"
#include "table.h"

/* Between two runs, so that many ends close together cost one walk. */
#define ROAM_SWEEP_GAP msecs_to_jiffies(50)

void roam_sweep_within(struct roam_net *rn, unsigned long delay)
{
	unsigned long now = jiffies;
	unsigned long at = now + max(delay, ROAM_SWEEP_GAP);

	/*
	 * mod_delayed_work() would also put it off. A run that comes too late
	 * for a new entry is prevented by looking at the pending time; a run
	 * under way reads the tables again at its end.
	 */
	spin_lock_bh(&rn->sweep_lock);
	if (!delayed_work_pending(&rn->sweep) ||
	    time_before(at, READ_ONCE(rn->sweep.timer.expires)))
		mod_delayed_work(system_power_efficient_wq, &rn->sweep,
				 at - now);
	spin_unlock_bh(&rn->sweep_lock);
}

static void roam_sweep_run(struct work_struct *work)
{
	struct roam_net *rn = container_of(to_delayed_work(work),
					   struct roam_net, sweep);
	unsigned long next;

	mutex_lock(&rn->lock);
	next = roam_table_sweep(rn);
	roam_hooks_update(rn);
	mutex_unlock(&rn->lock);
	next = min(next, roam_peer_sweep(rn));
	next = min(next, roam_hold_sweep(rn));
	if (next != MAX_SCHEDULE_TIMEOUT)
		roam_sweep_within(rn, next);
}

void roam_sweep_init(struct roam_net *rn)
{
	spin_lock_init(&rn->sweep_lock);
	INIT_DELAYED_WORK(&rn->sweep, roam_sweep_run);
}
