// SPDX-License-Identifier: GPL-2.0-or-later
#include "sipd/loop.h"

#include <stdint.h>
#include <re.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "io/daemon.h"

/* Descriptors that libre's loop has room for: its table is of fixed size. */
#define FDS_MAX 65536

/**
 * struct listener - what to call for a descriptor
 * @fn: the function
 * @arg: for it
 */
struct listener {
	loop_fn fn;
	void *arg;
};

static uv_loop_t *inner;
static struct tmr inner_timer;
static struct tmr core_timer;
static struct listener core;
static struct listener listeners[FDS_MAX];
static int fds_max;

/* Until nothing is left to do: only then are the timers of our loop known. */
static void pump(void *arg)
{
	int timeout;

	(void)arg;
	do
		uv_run(inner, UV_RUN_NOWAIT);
	while (uv_loop_alive(inner) && !uv_backend_timeout(inner));
	if (!uv_loop_alive(inner)) {
		re_cancel();
		return;
	}
	timeout = uv_backend_timeout(inner);
	if (timeout < 0)
		tmr_cancel(&inner_timer);
	else
		tmr_start(&inner_timer, timeout, pump, NULL);
}

static void on_inner(int flags, void *arg)
{
	(void)flags;
	pump(arg);
}

void loop_kick(void)
{
	if (inner)
		tmr_start(&inner_timer, 0, pump, NULL);
}

char *loop_open(uv_loop_t *loop)
{
	struct rlimit limit = { 0 };
	int err = libre_init();

	if (err)
		return daemon_error("cannot start libre: %s", strerror(err));
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	getrlimit(RLIMIT_NOFILE, &limit);
	fds_max = limit.rlim_cur < FDS_MAX ? (int)limit.rlim_cur : FDS_MAX;
	err = fd_setsize(fds_max);
	if (!err)
		err = poll_method_set(METHOD_EPOLL);
	if (!err)
		err = fd_listen(uv_backend_fd(loop), FD_READ, on_inner, NULL);
	if (err)
		return daemon_error("cannot run one loop in the other: %s",
				    strerror(err));
	inner = loop;
	tmr_init(&inner_timer);
	tmr_init(&core_timer);
	loop_kick();
	return NULL;
}

void loop_run(uv_loop_t *loop)
{
	(void)loop;
	re_main(NULL);
}

void loop_close(void)
{
	if (!inner)
		return;
	tmr_cancel(&inner_timer);
	tmr_cancel(&core_timer);
	fd_close(uv_backend_fd(inner));
	inner = NULL;
	libre_close();
}

static void on_fd(int flags, void *arg)
{
	struct listener *l = arg;

	(void)flags;
	l->fn(l->arg);
}

bool loop_listen(int fd, loop_fn fn, void *arg)
{
	if (fd >= fds_max)
		return false;
	listeners[fd] = (struct listener){ fn, arg };
	return !fd_listen(fd, FD_READ, on_fd, &listeners[fd]);
}

void loop_unlisten(int fd)
{
	fd_close(fd);
}

static void on_core(void *arg)
{
	(void)arg;
	core.fn(core.arg);
}

void loop_at(msec_t when, loop_fn fn, void *arg)
{
	msec_t now = daemon_now();

	core = (struct listener){ fn, arg };
	if (when == MSEC_NEVER)
		tmr_cancel(&core_timer);
	else
		tmr_start(&core_timer, when > now ? when - now : 0, on_core,
			  NULL);
}
