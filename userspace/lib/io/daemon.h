/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frame of every daemon: command line, loop, signals, readiness and
 * watchdog notification (the sd_notify protocol, without libsystemd),
 * privilege drop. A daemon fills in a struct daemon and calls daemon_main().
 *
 * Every daemon understands: -c FILE (configuration), -s SOCKET (control
 * socket), -n / --check (check the configuration and exit), -v (debug log),
 * -h, -V. It stays in the foreground. SIGHUP reloads, SIGTERM and SIGINT end
 * it; kernel state stays in place (OPEN-45).
 */
#ifndef ROAM_IO_DAEMON_H
#define ROAM_IO_DAEMON_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/time.h"

/**
 * struct daemon - what a daemon gives to the frame
 * @name: "roam-lrd"
 * @summary: one line for -h
 * @config_path: default configuration file
 * @socket_path: default control socket
 * @caps: capabilities kept after start as a mask of 1 << CAP_*; all others are
 *	dropped before the first byte from the network is read
 * @load: reads the configuration and the keys that it names, and changes nothing;
 *	NULL with *error, caller frees
 * @unload: frees what @load returned
 * @start: opens everything; NULL on success, else a sentence, caller frees. The
 *	configuration belongs to the frame; it stays until another one is in
 *	force, or until the loop has ended
 * @reload: SIGHUP: puts a new configuration in force as a whole and returns
 *	NULL, then the frame frees the one before; or a sentence, and the one
 *	before stays in force as it was. NULL: this daemon reloads nothing
 * @stop: close everything; the loop ends when nothing is left on it
 * @status: one line for systemctl status, written into @buf
 * @run: runs the loop to its end where another library's loop is the outer one;
 *	NULL: uv_run() does
 */
struct daemon {
	const char *name;
	const char *summary;
	const char *config_path;
	const char *socket_path;
	uint64_t caps;
	void *(*load)(const char *path, char **error);
	void (*unload)(void *config);
	char *(*start)(uv_loop_t *loop, void *config, const char *socket_path);
	char *(*reload)(void *config);
	void (*stop)(void);
	void (*status)(char *buf, size_t len);
	void (*run)(uv_loop_t *loop);
};

/* Runs the daemon; returns its exit status (0 ok, 1 usage, 2 failed). */
int daemon_main(const struct daemon *daemon, int argc, char **argv);

/* CLOCK_BOOTTIME in milliseconds. */
msec_t daemon_now(void);
/* CLOCK_REALTIME in nanoseconds since 1970. */
uint64_t daemon_wallclock(void);
/* 64 random bits from the kernel. */
uint64_t daemon_random(void);
/* A formatted sentence on the heap, for the error returns. */
char *daemon_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
