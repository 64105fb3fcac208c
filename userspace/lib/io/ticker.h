/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one timer of a daemon's cores: it runs when the first of them has something to do. */
#ifndef ROAM_IO_TICKER_H
#define ROAM_IO_TICKER_H

#include <stdbool.h>
#include <uv.h>

#include "base/time.h"

/**
 * struct ticker - a timer that asks when it is to run next
 * @timer: of the loop
 * @due: when it was to run; MSEC_NEVER: it runs however late it is
 * @tick: does what is due; returns when there is more, MSEC_NEVER: only after a kick
 * @ctx: for @tick
 * @stopped: it runs no more
 *
 * A process that did not run for a while must not believe its timers before it has
 * read what came meanwhile, and timers come before sockets on the loop: a ticker that
 * is late lets the loop read first.
 */
struct ticker {
	uv_timer_t timer;
	msec_t due;
	msec_t (*tick)(void *ctx, msec_t now);
	void *ctx;
	bool stopped;
};

void ticker_init(struct ticker *t, uv_loop_t *loop,
		 msec_t (*tick)(void *ctx, msec_t now), void *ctx);
/* What it does changed: it runs at once, from the loop. Nothing once it is stopped. */
void ticker_kick(struct ticker *t);
void ticker_stop(struct ticker *t);

#endif
