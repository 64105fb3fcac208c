// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/ticker.h"

#include "io/daemon.h"

#define LATE 100		/* ms that a ticker may be late */
#define READ_FIRST 10		/* ms for what came meanwhile */

static void on_tick(uv_timer_t *timer);

static void run_at(struct ticker *t, msec_t now, msec_t when)
{
	t->due = when;
	uv_timer_start(&t->timer, on_tick,
		       when > now ? (uint64_t)(when - now) : 0, 0);
}

static void on_tick(uv_timer_t *timer)
{
	struct ticker *t = timer->data;
	msec_t now = daemon_now(), next;

	if (t->due != MSEC_NEVER && now > t->due + LATE) {
		t->due = MSEC_NEVER;
		uv_update_time(timer->loop);
		uv_timer_start(timer, on_tick, READ_FIRST, 0);
		return;
	}
	next = t->tick(t->ctx, now);
	if (next != MSEC_NEVER)
		run_at(t, now, next);
}

void ticker_init(struct ticker *t, uv_loop_t *loop,
		 msec_t (*tick)(void *ctx, msec_t now), void *ctx)
{
	*t = (struct ticker){ .tick = tick, .ctx = ctx };
	uv_timer_init(loop, &t->timer);
	t->timer.data = t;
}

void ticker_kick(struct ticker *t)
{
	msec_t now = daemon_now();

	/* One that is late has its turn behind what came, which may be what kicks it. */
	if (t->stopped || t->due == MSEC_NEVER)
		return;
	/* The loop's clock stands still since the callback began. */
	uv_update_time(t->timer.loop);
	run_at(t, now, now);
}

void ticker_stop(struct ticker *t)
{
	t->stopped = true;
	uv_close((uv_handle_t *)&t->timer, NULL);
}
