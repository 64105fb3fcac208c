// SPDX-License-Identifier: GPL-2.0-or-later
/* roam-standbyd: who of several routers serves a virtual address. */
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "io/daemon.h"
#include "io/log.h"
#include "standbyd/standby.h"

#define RUN_AT_MOST 1000000	/* us without a pause, then it steps back */
#define STAND_BACK 5000		/* ms that it then runs beside others */

static struct standbyd standbyd = { .timer_fd = -1, .watch_fd = -1,
				    .packet_fd = -1,
				    .redirects_all = -1 };

static void *load(const char *path, char **error)
{
	struct config *config = config_load(path, error);

	for (size_t i = 0; config && i < config->n_warnings; i++)
		log_warning("%s", config->warnings[i]);
	return config;
}

static void unload(void *config)
{
	config_free(config);
}

/*
 * It ran for too long without a pause: a loop, or a processor that was taken away
 * meanwhile. Others shall not stand still for that.
 */
static void on_spell(int signum)
{
	struct sched_param param = { 0 };
	int err = errno;

	(void)signum;
	sched_setscheduler(0, SCHED_OTHER, &param);
	errno = err;
}

void realtime_keep(struct standbyd *d)
{
	msec_t now = daemon_now();

	if (!d->realtime || now - d->realtime_looked < STAND_BACK)
		return;
	d->realtime_looked = now;
	if ((sched_getscheduler(0) & ~SCHED_RESET_ON_FORK) == SCHED_FIFO)
		return;
	d->realtime = realtime_begin(d->config);
	log_warning("it ran for a second without a pause and stood back; is the machine overloaded?");
}

bool realtime_begin(const struct config *config)
{
	struct sched_param param = { .sched_priority = config->realtime };
	struct rlimit spell = { RUN_AT_MOST, 10 * RUN_AT_MOST };
	struct rlimit priority = { config->realtime, config->realtime };

	/* A loop in here must not take the router with it. */
	signal(SIGXCPU, on_spell);
	setrlimit(RLIMIT_RTTIME, &spell);
	setrlimit(RLIMIT_RTPRIO, &priority);
	/* Threads and children that are started later have a right of their own to it. */
	return !sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param);
}

/*
 * In front of whatever else runs, and never waiting for its own pages: what an
 * election needs is little and must be in time. Where that is not permitted it
 * works as well, and measures how late it is.
 */
static bool be_in_time(const struct config *config)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	bool realtime;

	if (!config->realtime)
		return false;
	if (!log_detach())
		log_notice("log lines are written by the thread that elects: a disk that is slow may make it late");
	realtime = realtime_begin(config);
	if (!realtime)
		log_notice("no realtime priority: %s; under load it may be late, then it listens again before it acts",
			   strerror(errno));
	/* With a limit memory would be refused once it is locked. */
	if (setrlimit(RLIMIT_MEMLOCK, &unlimited) ||
	    mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT))
		log_debug("memory is not locked: %s", strerror(errno));
	return realtime;
}

static void on_timer(uv_poll_t *poll, int status, int events)
{
	struct standbyd *d = poll->data;
	uint64_t expirations;

	(void)status;
	(void)events;
	if (read(d->timer_fd, &expirations, sizeof(expirations)) > 0)
		d->armed = 0;
	groups_run(d);
}

static char *open_timer(struct standbyd *d)
{
	d->timer_fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (d->timer_fd < 0)
		return daemon_error("no timer: %s", strerror(errno));
	uv_poll_init(d->loop, &d->timer, d->timer_fd);
	d->timer.data = d;
	uv_poll_start(&d->timer, UV_READABLE, on_timer);
	return NULL;
}

static void close_all(struct standbyd *d)
{
	links_unwatch(d);
	groups_close(d, "the daemon stops");
	worker_stop();
	watch_stop(d);
	if (d->timer_fd >= 0) {
		uv_close((uv_handle_t *)&d->timer, NULL);
		close(d->timer_fd);
		d->timer_fd = -1;
	}
	if (d->packet_fd >= 0)
		close(d->packet_fd);
	d->packet_fd = -1;
	rtnl_close(d->rtnl);
	d->rtnl = NULL;
	control_close(d->control);
	d->control = NULL;
}

/* Groups of d->config: the watcher has to know links and sockets. */
static char *open_groups(struct standbyd *d)
{
	char *error = groups_open(d);

	if (!error)
		error = links_watch(d);
	if (!error)
		error = watch_start(d);
	if (!error)
		groups_run(d);
	return error;
}

static char *start(uv_loop_t *loop, void *config, const char *socket_path)
{
	struct standbyd *d = &standbyd;
	char *error;

	d->loop = loop;
	d->started = daemon_now();
	d->config = config;
	d->rtnl = rtnl_open(&error);
	if (d->rtnl)
		error = counter_open(d);
	if (!error)
		error = net_open_announcer(d);
	if (!error)
		error = open_timer(d);
	if (!error)
		error = worker_start(loop);
	if (!error)
		d->control = control_open(loop, socket_path, show_commands, d,
					  &error);
	if (!error)
		error = open_groups(d);
	/* What is done once at the start need not be done in front of others. */
	if (!error)
		d->realtime = be_in_time(d->config);
	else
		close_all(d);
	return error;
}

/* Event 2 for every group, then event 1 (STBY-N13). */
static char *put_in_force(struct standbyd *d, struct config *config)
{
	links_obsolete(d);
	groups_close(d, "the configuration changed");
	watch_stop(d);
	d->config = config;
	return open_groups(d);
}

static char *reload(void *config)
{
	struct config *old = standbyd.config;
	char *error = put_in_force(&standbyd, config);

	if (error)
		free(put_in_force(&standbyd, old));
	return error;
}

static void stop(void)
{
	close_all(&standbyd);
	log_attach();
}

static void status(char *buf, size_t len)
{
	size_t active = 0, standby = 0;

	for (size_t i = 0; i < standbyd.n_groups; i++) {
		active += standbyd.groups[i]->e.state == HSRP_ACTIVE;
		standby += standbyd.groups[i]->e.state == HSRP_STANDBY;
	}
	snprintf(buf, len, "%zu groups: active in %zu, standby in %zu",
		 standbyd.n_groups, active, standby);
}

int main(int argc, char **argv)
{
	static const struct daemon daemon = {
		.name = "roam-standbyd",
		.summary = "Standby protocol of roam: several routers, one address.",
		.config_path = "/etc/roam/standbyd.conf",
		.socket_path = CONTROL_USUAL("standbyd"),
		.caps = UINT64_C(1) << CAP_NET_ADMIN | UINT64_C(1) << CAP_NET_RAW,
		.load = load,
		.unload = unload,
		.start = start,
		.reload = reload,
		.stop = stop,
		.status = status,
	};

	return daemon_main(&daemon, argc, argv);
}
