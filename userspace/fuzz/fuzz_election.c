// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any sequence of messages, times and requests: the election keeps its promises
 * about who serves, what it says and when it wants to run.
 */
#include "fuzz.h"

#include <string.h>

#include "core/election.h"

static struct elect_effects out;
static bool serves;

/* Addresses are adopted and released in turn, and released before a Resign. */
static void check_effects(const struct election *e)
{
	check(out.n < ELECT_EFFECTS);
	for (size_t i = 0; i < out.n; i++) {
		const struct elect_effect *x = &out.effect[i];

		if (x->what == ELECT_ADOPT) {
			check(!serves);
			serves = true;
		} else if (x->what == ELECT_RELEASE) {
			check(serves);
			serves = false;
		} else if (x->what == ELECT_SEND && x->op == HSRP_RESIGN) {
			check(!serves && x->state == HSRP_ACTIVE);
		} else if (x->what == ELECT_SEND && x->op == HSRP_HELLO) {
			check(x->state >= HSRP_SPEAK);
			check(x->state != HSRP_ACTIVE || serves);
		} else if (x->what == ELECT_CHANGED) {
			check(x->change.reason);
			check(x->change.to != HSRP_ACTIVE ||
			      x->change.from >= HSRP_STANDBY ||
			      x->change.event == ELECT_ACTIVE_LOWER);
		}
	}
	check(serves == elect_serves(e));
	check(!serves || e->state == HSRP_ACTIVE);
	check(e->state < HSRP_STATES);
	check(e->state < HSRP_LISTEN || (e->hold > e->hello && e->hello > 0));
	check(!serves || e->hello_timer != MSEC_NEVER);
	out.n = 0;
}

static struct hsrp_msg take_message(struct input *in)
{
	struct hsrp_msg msg = {
		.op = take(in) % 4, .state = take(in) % HSRP_STATES,
		.priority = take(in), .sender = take_addr(in, 1),
		.vip = take_addr(in, 2), .hello = take(in) * 20u,
	};

	msg.hold = msg.hello + take(in) * 20u;
	return msg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	uint8_t flags = take(&in);
	struct elect_config config = {
		.addr = { { [10] = 0xff, [11] = 0xff, 10, 1, 0, 3 } },
		.hello = flags & 1 ? 1000 : 0, .hold = flags & 1 ? 3000 : 0,
		.vip = take_addr(&in, 2), .priority = take(&in),
		.preempt = flags & 2, .tables = flags & 4,
		.keep_standby = flags & 8, .directed_coup = flags & 16,
	};
	struct election e;
	msec_t now = 100000;

	serves = false;
	out.n = 0;
	elect_init(&e, &config);
	while (in.left) {
		struct roam_addr addr;
		struct hsrp_msg msg;

		switch (take(&in) % 12) {
		case 0:
			elect_start(&e, now, &out);
			break;
		case 1:
			elect_stop(&e, now, "fuzz", &out);
			break;
		case 2:
			elect_resign(&e, now, take(&in) * 100, "fuzz", &out);
			break;
		case 3:
			elect_reconfigure(&e, now, &config, &out);
			break;
		case 4:
			elect_set_priority(&e, take(&in));
			break;
		case 5:
			addr = take_addr(&in, 1);
			elect_table(&e, &addr, take(&in) & 1);
			break;
		case 6:
			elect_clearance(&e, now, take(&in) & 1);
			break;
		case 7:
			now += take(&in) * 50;
			elect_run(&e, now, &out);
			break;
		case 8:
			/* In time: nothing is due any more. */
			if (elect_next(&e) != MSEC_NEVER)
				now = max_time(now, elect_next(&e));
			elect_run(&e, now, &out);
			check(elect_next(&e) > now);
			break;
		default:
			msg = take_message(&in);
			elect_input(&e, now, now - take(&in) * 20, &msg, &out);
			break;
		}
		check_effects(&e);
	}
	return 0;
}
