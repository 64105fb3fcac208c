// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lets the C core do what a run of selftests/model/election.pml did. Arguments are
 * files with one event a line; without any, a trace of its own shows that it reads
 * them. Words: R i starts, C i crashes, G i resigns, T a hellotime passes, D f t op
 * state delivers, X f t op state loses, S s0 s1 s2 the states are these.
 */
#include "core_test.h"

#include <stdio.h>

#include "core/election.h"

#define N 3
#define HELLO 1000
#define HOLD 3000
#define ROOM 64

struct wire {
	struct hsrp_msg msg[ROOM];
	size_t n;
};

static struct election routers[N];
static bool running[N];
static struct wire wires[N][N];
static msec_t now;
static bool preempt;

static void carry_out(int i, const struct elect_effects *out)
{
	for (size_t x = 0; x < out->n; x++) {
		const struct elect_effect *e = &out->effect[x];

		if (e->what != ELECT_SEND)
			continue;
		for (int to = 0; to < N; to++) {
			struct wire *w = &wires[i][to];

			if (to == i || !running[to] ||
			    (!roam_addr_is_none(&e->to) &&
			     !roam_addr_eq(&e->to, &routers[to].config.addr)))
				continue;
			assert_true(w->n < ROOM);
			elect_message(&routers[i], e, &w->msg[w->n++]);
		}
	}
}

static void start(int i)
{
	struct elect_config config = {
		.vip = addr("192.0.2.100"), .hello = HELLO, .hold = HOLD,
		.priority = 100, .preempt = preempt,
	};
	struct elect_effects out = { 0 };
	char name[32];

	snprintf(name, sizeof(name), "192.0.2.%d", i + 1);
	config.addr = addr(name);
	elect_init(&routers[i], &config);
	elect_start(&routers[i], now, &out);
	running[i] = true;
	carry_out(i, &out);
}

static void tick(void)
{
	now += HELLO;
	for (int i = 0; i < N; i++) {
		struct elect_effects out = { 0 };

		if (running[i] && elect_next(&routers[i]) <= now)
			elect_run(&routers[i], now, &out);
		carry_out(i, &out);
	}
}

static bool take(int from, int to, int op, int state, struct hsrp_msg *msg)
{
	struct wire *w = &wires[from][to];

	if (!w->n || w->msg[0].op != op || w->msg[0].state != state)
		return false;
	*msg = w->msg[0];
	memmove(&w->msg[0], &w->msg[1], --w->n * sizeof(w->msg[0]));
	return true;
}

/* False where the core does something else than the model. */
static bool event(const char *line)
{
	struct elect_effects out = { 0 };
	int a = 0, b = 0, c = 0, d = 0;
	struct hsrp_msg msg;

	sscanf(line + 1, "%d %d %d %d", &a, &b, &c, &d);
	switch (line[0]) {
	case 'R':
		start(a);
		return true;
	case 'C':
		running[a] = false;
		routers[a].state = HSRP_VIRGIN;
		return true;
	case 'G':
		if (!elect_resign(&routers[a], now, MSEC_NEVER, "trace",
				  &out))
			return false;
		carry_out(a, &out);
		return true;
	case 'T':
		tick();
		return true;
	case 'X':
		return take(a, b, c, d, &msg);
	case 'D':
		if (!take(a, b, c, d, &msg))
			return false;
		if (running[b])
			elect_input(&routers[b], now, now, &msg, &out);
		carry_out(b, &out);
		return true;
	case 'S':
		return routers[0].state == a && routers[1].state == b &&
		       routers[2].state == c;
	}
	return false;
}

static bool replay(FILE *f, const char *name)
{
	char line[128];
	int number = 0;

	memset(routers, 0, sizeof(routers));
	memset(running, 0, sizeof(running));
	memset(wires, 0, sizeof(wires));
	now = 100000;
	preempt = strstr(name, "preempt");
	while (fgets(line, sizeof(line), f)) {
		number++;
		if (event(line))
			continue;
		printf("%s:%d: the core differs at %sit is in %s %s %s\n", name,
		       number, line, hsrp_state_name(routers[0].state),
		       hsrp_state_name(routers[1].state),
		       hsrp_state_name(routers[2].state));
		return false;
	}
	return number > 1;
}

/* A trace, and the same with one word wrong. */
static void traces(void **state)
{
	char good[] = "R 0\nR 1\nR 2\nS 2 2 2\nT\nS 2 2 2\nT\nT\nS 3 3 3\n"
		      "D 2 0 0 3\nD 2 1 0 3\nS 2 2 3\n";
	char bad[sizeof(good)];
	FILE *f;

	(void)state;
	f = fmemopen(good, strlen(good), "r");
	assert_true(replay(f, "good"));
	fclose(f);
	memcpy(bad, good, sizeof(good));
	bad[strlen(bad) - 2] = '4';
	f = fmemopen(bad, strlen(bad), "r");
	assert_false(replay(f, "bad"));
	fclose(f);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		{ "STBY-60 STBY-61: a trace of the model", traces, NULL, NULL, NULL },
	};
	int failed = 0;

	if (argc == 1)
		return cmocka_run_group_tests(tests, NULL, NULL);
	for (int i = 1; i < argc; i++) {
		FILE *f = fopen(argv[i], "r");

		if (!f || !replay(f, argv[i]))
			failed++;
		if (f)
			fclose(f);
	}
	printf("%d traces, %d failed\n", argc - 1, failed);
	return failed != 0;
}
