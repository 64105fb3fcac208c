// SPDX-License-Identifier: GPL-2.0-or-later
/* Receive, apply, commit, reply: what leaves, when, and what is taken back. */
#include "core_test.h"

#include <stdio.h>

#include "io/burst.h"

/**
 * struct world - a daemon that writes down what it is asked to do
 * @log: letters: 'c' commit, 'x' failed commit, digits replies, '-' refusals,
 *	'.' done
 * @fail: the disk is full
 */
struct world {
	char log[64];
	bool fail;
};

struct request {
	char name;
};

static void note(struct world *w, char c)
{
	size_t n = strlen(w->log);

	assert_true(n + 1 < sizeof(w->log));
	w->log[n] = c;
	w->log[n + 1] = 0;
}

static bool commit(void *ctx)
{
	struct world *w = ctx;

	note(w, w->fail ? 'x' : 'c');
	return !w->fail;
}

static void refuse(void *ctx, void *request)
{
	struct request *r = request;

	note(ctx, '-');
	r->name = 'r';
}

static void reply(void *ctx, void *request)
{
	const struct request *r = request;

	note(ctx, r->name);
}

static void done(void *ctx)
{
	note(ctx, '.');
}

static const struct burst_ops ops = {
	.size = sizeof(struct request), .max = 3, .commit = commit,
	.refuse = refuse, .reply = reply, .done = done,
};

static void add(struct burst *burst, char name, bool changed)
{
	struct request *r = burst_next(burst);

	r->name = name;
	burst_add(burst, changed);
}

static void expect(struct world *w, const char *log)
{
	assert_string_equal(w->log, log);
	w->log[0] = 0;
}

static void replies_leave_behind_the_commit(void **state)
{
	struct world w = { "", false };
	struct burst *burst = burst_new(&ops, &w);

	(void)state;
	/* Nothing changed: no commit, and no waiting for the end. */
	add(burst, '1', false);
	burst_batch_end(burst);
	expect(&w, "1.");
	/* Behind a change everything waits, in order. */
	add(burst, '1', false);
	add(burst, '2', true);
	burst_batch_end(burst);
	expect(&w, "");
	add(burst, '3', false);
	burst_batch_end(burst);
	expect(&w, "");
	burst_end(burst);
	expect(&w, "c123.");
	/* The next one begins anew. */
	add(burst, '4', false);
	burst_batch_end(burst);
	expect(&w, "4.");
	burst_free(burst);
}

static void a_full_burst_ends(void **state)
{
	struct world w = { "", false };
	struct burst *burst = burst_new(&ops, &w);

	(void)state;
	for (char name = '1'; name <= '4'; name++)
		add(burst, name, true);
	expect(&w, "c123.");
	burst_end(burst);
	expect(&w, "c4.");
	/* A room that was given out and not used holds no request. */
	burst_next(burst);
	burst_end(burst);
	expect(&w, ".");
	burst_free(burst);
}

static void a_failed_commit_refuses_all(void **state)
{
	struct world w = { "", true };
	struct burst *burst = burst_new(&ops, &w);

	(void)state;
	add(burst, '1', true);
	add(burst, '2', false);
	burst_end(burst);
	expect(&w, "x--rr.");
	w.fail = false;
	add(burst, '3', true);
	burst_end(burst);
	expect(&w, "c3.");
	burst_free(burst);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ .name = "OPEN-45: replies leave behind the commit, in order",
		  .test_func = replies_leave_behind_the_commit },
		{ .name = "MLR-01: a full burst is committed and answered",
		  .test_func = a_full_burst_ends },
		{ .name = "OPEN-45: a failed commit takes every answer back",
		  .test_func = a_failed_commit_refuses_all },
	};

	return cmocka_run_group_tests_name("burst", tests, NULL, NULL);
}
