// SPDX-License-Identifier: GPL-2.0-or-later
/* A process that was stopped reads what came meanwhile before its timer has a turn. */
#include "core_test.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/daemon.h"
#include "io/ticker.h"

/**
 * struct process - what the stopped one does
 * @idle: keeps the loop turning until it is stopped
 * @check: the place in a turn of the loop behind sockets, and before timers
 * @log: 'r' for what it read, 'w' where its timer waits all the same, 't' when that had a turn
 * @due: when the timer was to run
 */
struct process {
	uv_loop_t loop;
	uv_poll_t poll;
	uv_idle_t idle;
	uv_check_t check;
	struct ticker ticker;
	int fd;
	char log[16];
	msec_t due;
};

static void note(struct process *p, char c)
{
	size_t n = strlen(p->log);

	if (n + 1 < sizeof(p->log))
		p->log[n] = c;
}

static msec_t tick(void *ctx, msec_t now)
{
	struct process *p = ctx;

	if (!p->due) {
		p->due = now + 50;
		return p->due;
	}
	note(p, 't');
	uv_stop(&p->loop);
	return MSEC_NEVER;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct process *p = poll->data;
	char c;

	(void)status;
	(void)events;
	while (recv(p->fd, &c, 1, MSG_DONTWAIT) == 1)
		note(p, 'r');
	ticker_kick(&p->ticker);
	if (p->ticker.due == MSEC_NEVER)
		note(p, 'w');
}

static void stand_still(struct process *p)
{
	if (!p->due || !uv_is_active((uv_handle_t *)&p->idle))
		return;
	uv_idle_stop(&p->idle);
	raise(SIGSTOP);
}

/* Before sockets are looked at, */
static void on_idle(uv_idle_t *idle)
{
	stand_still(idle->data);
}

/* or behind them, so that timers come first. */
static void on_check(uv_check_t *check)
{
	stand_still(check->data);
}

static void nothing(uv_idle_t *idle)
{
	(void)idle;
}

static int run(int fd, bool behind)
{
	struct process p = { .fd = fd };

	uv_loop_init(&p.loop);
	uv_poll_init(&p.loop, &p.poll, fd);
	uv_idle_init(&p.loop, &p.idle);
	uv_check_init(&p.loop, &p.check);
	p.poll.data = p.idle.data = p.check.data = &p;
	ticker_init(&p.ticker, &p.loop, tick, &p);
	ticker_kick(&p.ticker);
	uv_poll_start(&p.poll, UV_READABLE, on_readable);
	uv_idle_start(&p.idle, behind ? nothing : on_idle);
	if (behind)
		uv_check_start(&p.check, on_check);
	uv_run(&p.loop, UV_RUN_DEFAULT);
	return strcmp(p.log, "rrrwt") ? 1 : 0;
}

static void stopped(bool behind)
{
	int ends[2], status;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
	pid = fork();
	if (!pid)
		_exit(run(ends[0], behind));
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
	for (int i = 0; i < 3; i++)
		assert_int_equal(write(ends[1], "x", 1), 1);
	/* Longer than a timer may be late and is believed. */
	usleep(400000);
	kill(pid, SIGCONT);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(ends[0]);
	close(ends[1]);
}

static void who_was_stopped_reads_first(void **state)
{
	(void)state;
	stopped(false);
	stopped(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{
			.name = "OPEN-43 OPEN-45: who was stopped reads what came meanwhile before its timer has a turn",
			.test_func = who_was_stopped_reads_first,
		},
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
