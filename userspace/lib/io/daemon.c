// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/daemon.h"

#include <errno.h>
#include <getopt.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "io/log.h"
#include "io/version.h"

#define STATUS_INTERVAL_MS 5000
#define STATUS_LEN 256
#define EXIT_CONFIG 78	/* EX_CONFIG of sysexits.h, as systemd names it */

/**
 * struct frame - the running daemon; there is one per process
 * @daemon: what the program gave
 * @config_path: where its configuration is
 * @config: the one in force, NULL before it is loaded
 * @loop: its loop
 * @signals: SIGHUP, SIGTERM, SIGINT
 * @notify_timer: status line and watchdog
 * @notify_fd: datagram socket to the service manager, -1 without one
 * @notify_addr: its address
 * @notify_len: length of @notify_addr
 * @watchdog: the service manager wants a sign of life
 * @status: last status line sent
 * @stopping: stop() was called
 * @misconfigured: it ends because of its configuration
 */
struct frame {
	const struct daemon *daemon;
	const char *config_path;
	void *config;
	uv_loop_t loop;
	uv_signal_t signals[3];
	uv_timer_t notify_timer;
	int notify_fd;
	struct sockaddr_un notify_addr;
	socklen_t notify_len;
	bool watchdog;
	char status[STATUS_LEN];
	bool stopping;
	bool misconfigured;
};

msec_t daemon_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (msec_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

uint64_t daemon_wallclock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

uint64_t daemon_random(void)
{
	uint64_t value;

	/* Up to 256 bytes come whole, or not at all before the pool is ready. */
	while (getrandom(&value, sizeof(value), 0) != sizeof(value))
		;
	return value;
}

char *daemon_error(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	/* NULL means success to the callers: never return it by accident. */
	if (!text) {
		log_error("out of memory");
		abort();
	}
	return text;
}

static void notify_open(struct frame *frame)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;

	frame->notify_fd = -1;
	if (!len || (path[0] != '/' && path[0] != '@') ||
	    len >= sizeof(frame->notify_addr.sun_path))
		return;
	frame->notify_addr.sun_family = AF_UNIX;
	memcpy(frame->notify_addr.sun_path, path, len);
	if (path[0] == '@')
		frame->notify_addr.sun_path[0] = 0;
	frame->notify_len = offsetof(struct sockaddr_un, sun_path) + len;
	frame->notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC |
				  SOCK_NONBLOCK, 0);
}

static void notify(struct frame *frame, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void notify(struct frame *frame, const char *fmt, ...)
{
	char text[STATUS_LEN + 64];
	va_list ap;
	int len;

	if (frame->notify_fd < 0)
		return;
	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (len >= (int)sizeof(text))
		len = sizeof(text) - 1;
	if (sendto(frame->notify_fd, text, len, MSG_NOSIGNAL,
		   (struct sockaddr *)&frame->notify_addr,
		   frame->notify_len) < 0)
		log_debug("cannot tell the service manager: %s",
			  strerror(errno));
}

static const char *status_line(struct frame *frame, char *buf)
{
	snprintf(buf, STATUS_LEN, "running");
	if (frame->daemon->status)
		frame->daemon->status(buf, STATUS_LEN);
	return buf;
}

static void on_notify_timer(uv_timer_t *timer)
{
	struct frame *frame = timer->data;
	char status[STATUS_LEN];

	if (frame->watchdog)
		notify(frame, "WATCHDOG=1");
	if (strcmp(status_line(frame, status), frame->status)) {
		memcpy(frame->status, status, sizeof(status));
		notify(frame, "STATUS=%s", status);
	}
}

/* A timer only under a service manager: without one nothing wakes us up. */
static void notify_start(struct frame *frame)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	uint64_t interval = STATUS_INTERVAL_MS;

	uv_timer_init(&frame->loop, &frame->notify_timer);
	frame->notify_timer.data = frame;
	if (frame->notify_fd < 0)
		return;

	notify(frame, "READY=1\nSTATUS=%s", status_line(frame, frame->status));
	if (usec && (!pid || strtol(pid, NULL, 10) == getpid())) {
		uint64_t half = strtoull(usec, NULL, 10) / 2000;

		frame->watchdog = half > 0;
		if (half && half < interval)
			interval = half;
	}
	uv_timer_start(&frame->notify_timer, on_notify_timer, interval,
		       interval);
}

/*
 * Gives up everything but @keep. Runs while the process has one thread: the
 * system call speaks for the calling thread only, and libuv starts its own
 * ones later, from here. Being unprivileged already is fine; failing to give
 * up what we hold is not.
 */
static char *drop_privileges(uint64_t keep)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return daemon_error("cannot renounce new privileges: %s",
				    strerror(errno));
	/* Ends with EINVAL after the last capability the kernel knows. */
	for (unsigned int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0;
	     cap++)
		if (cap >= 64 || !(keep & (UINT64_C(1) << cap)))
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);

	if (syscall(SYS_capget, &header, data))
		return daemon_error("cannot read own capabilities: %s",
				    strerror(errno));
	for (int i = 0; i < 2; i++) {
		data[i].permitted &= (uint32_t)(keep >> (32 * i));
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	if (syscall(SYS_capset, &header, data))
		return daemon_error("cannot drop capabilities: %s",
				    strerror(errno));
	return NULL;
}

/* Reads the configuration anew, and keeps the one that is in force afterwards. */
static char *put_in_force(struct frame *frame)
{
	const struct daemon *daemon = frame->daemon;
	void *config, *unused;
	char *error;

	config = daemon->load(frame->config_path, &error);
	if (!config)
		return error;
	error = daemon->reload(config);
	unused = error ? config : frame->config;
	if (!error)
		frame->config = config;
	daemon->unload(unused);
	return error;
}

static void reload(struct frame *frame)
{
	struct timespec ts;
	char *error;

	if (!frame->daemon->reload) {
		log_notice("SIGHUP: nothing to reload");
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &ts);
	notify(frame, "RELOADING=1\nMONOTONIC_USEC=%llu",
	       (unsigned long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
	error = put_in_force(frame);
	if (error)
		log_error("%s; the old configuration stays in force", error);
	else
		log_notice("configuration reloaded");
	free(error);
	notify(frame, "READY=1\nSTATUS=%s", status_line(frame, frame->status));
}

static void stop(struct frame *frame)
{
	if (frame->stopping)
		return;
	frame->stopping = true;
	notify(frame, "STOPPING=1\nSTATUS=stopping");
	for (size_t i = 0; i < 3; i++)
		uv_close((uv_handle_t *)&frame->signals[i], NULL);
	uv_close((uv_handle_t *)&frame->notify_timer, NULL);
	frame->daemon->stop();
}

static void on_signal(uv_signal_t *handle, int signum)
{
	struct frame *frame = handle->data;

	if (signum == SIGHUP) {
		reload(frame);
		return;
	}
	log_notice("%s %s stops on signal %d", frame->daemon->name,
		   ROAM_VERSION, signum);
	stop(frame);
}

static char *load(struct frame *frame)
{
	char *error = NULL;

	frame->config = frame->daemon->load(frame->config_path, &error);
	frame->misconfigured = !frame->config;
	return frame->config ? NULL : error;
}

/* Loop runs until stop(); what start() opened is closed by then. */
static char *run(struct frame *frame, const char *socket_path)
{
	static const int signums[3] = { SIGHUP, SIGTERM, SIGINT };
	char *error;

	if (uv_loop_init(&frame->loop))
		return daemon_error("cannot make an event loop: %s",
				    strerror(errno));
	signal(SIGPIPE, SIG_IGN);
	/* A file size limit shall look like a full disk, not end the daemon. */
	signal(SIGXFSZ, SIG_IGN);
	notify_open(frame);
	/* Before start(): a signal during it waits instead of killing. */
	for (size_t i = 0; i < 3; i++) {
		uv_signal_init(&frame->loop, &frame->signals[i]);
		frame->signals[i].data = frame;
		uv_signal_start(&frame->signals[i], on_signal, signums[i]);
	}

	error = load(frame);
	if (!error)
		error = frame->daemon->start(&frame->loop, frame->config,
					     socket_path);
	if (!error) {
		error = drop_privileges(frame->daemon->caps);
		notify_start(frame);
		if (error) {
			stop(frame);
		} else {
			log_notice("%s %s runs", frame->daemon->name,
				   ROAM_VERSION);
		}
		if (frame->daemon->run)
			frame->daemon->run(&frame->loop);
		uv_run(&frame->loop, UV_RUN_DEFAULT);
	} else {
		notify(frame, "STATUS=%s", error);
		for (size_t i = 0; i < 3; i++)
			uv_close((uv_handle_t *)&frame->signals[i], NULL);
		uv_run(&frame->loop, UV_RUN_DEFAULT);
	}
	if (frame->config)
		frame->daemon->unload(frame->config);
	uv_loop_close(&frame->loop);
	if (frame->notify_fd >= 0)
		close(frame->notify_fd);
	return error;
}

static void usage(const struct daemon *daemon, FILE *to)
{
	fprintf(to,
		"Usage: %s [OPTIONS]\n"
		"%s\n\n"
		"  -c, --config FILE    configuration (%s)\n"
		"  -s, --socket SOCKET  control socket (%s)\n"
		"  -n, --check          check the configuration and exit\n"
		"  -v, --verbose        log what is only of interest for debugging\n"
		"  -h, --help           this text\n"
		"  -V, --version        version\n\n"
		"It stays in the foreground and logs to standard error.\n"
		"SIGHUP reloads the configuration.\n",
		daemon->name, daemon->summary, daemon->config_path,
		daemon->socket_path);
}

/* As control_path() says. */
static char *default_socket(const struct daemon *daemon)
{
	const char *dir = getenv("ROAM_RUN_DIR");
	const char *slash = strrchr(daemon->socket_path, '/');

	if (!dir || !slash)
		return daemon_error("%s", daemon->socket_path);
	return daemon_error("%s%s", dir, slash);
}

/*
 * What a core file would hold is keys (SEC-09). The limit does not hold for a core that is
 * piped to a program; a process that is not dumpable has none, and nobody but root looks
 * into its memory.
 */
static void forbid_core(void)
{
	static const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

int daemon_main(const struct daemon *daemon, int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "socket", required_argument, NULL, 's' },
		{ "check", no_argument, NULL, 'n' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	char *socket_path = default_socket(daemon);
	struct frame frame = {
		.daemon = daemon,
		.config_path = daemon->config_path,
	};
	char *error = NULL;
	bool check = false;
	int status = 0;
	int opt;

	while ((opt = getopt_long(argc, argv, "c:s:nvhV", options, NULL)) >= 0) {
		switch (opt) {
		case 'c':
			frame.config_path = optarg;
			break;
		case 's':
			free(socket_path);
			socket_path = daemon_error("%s", optarg);
			break;
		case 'n':
			check = true;
			break;
		case 'v':
			log_set_level(LOG_LEVEL_DEBUG);
			break;
		case 'h':
			usage(daemon, stdout);
			goto out;
		case 'V':
			printf("%s %s\n", daemon->name, ROAM_VERSION);
			goto out;
		default:
			status = 1;
			fprintf(stderr, "%s -h shows the options\n",
				daemon->name);
			goto out;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "%s: unexpected argument '%s'; %s -h shows the options\n",
			daemon->name, argv[optind], daemon->name);
		status = 1;
		goto out;
	}

	if (check) {
		error = load(&frame);
		if (error) {
			fprintf(stderr, "%s\n", error);
		} else {
			printf("%s: ok\n", frame.config_path);
			daemon->unload(frame.config);
		}
	} else {
		forbid_core();
		error = run(&frame, socket_path);
		if (error)
			log_error("%s", error);
	}
	if (error)
		status = frame.misconfigured ? EXIT_CONFIG : 2;
out:
	free(error);
	free(socket_path);
	return status;
}
