/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control socket of a daemon: one JSON object per line over a stream socket, the same for
 * every daemon. Each has a folder of its own below /run/roam: in a shared one a daemon that
 * was taken over could answer for those that do not run.
 *
 *   -> {"command": "show", "args": {...}}
 *   <- {"result": ...}  or  {"error": {"code": "...", "message": "...", "hint": "..."}}
 *
 * "monitor" answers {"result": []} and turns the connection into a stream of
 * events, one object per line; "help" lists the commands. Whoever may open the socket may read. Commands
 * that change something need root, the daemon's user, or membership in the group that has
 * this user's name (SO_PEERCRED, SO_PEERGROUPS): so one daemon may be trusted by another.
 */
#ifndef ROAM_IO_CONTROL_H
#define ROAM_IO_CONTROL_H

#include <jansson.h>
#include <stdbool.h>
#include <uv.h>

/**
 * struct control_parts - an answer too long to be made at once, an array
 * @next: appends some of it to @list, false behind the last; the daemon does
 *	other things between two calls
 * @state: for @next, freed with free() at the end
 */
struct control_parts {
	bool (*next)(void *ctx, void *state, json_t *list);
	void *state;
};

/**
 * struct control_error - filled by a handler that refuses, or answers in parts
 * @code: short name: "usage", "refused", "missing", "unavailable"
 * @message: one sentence with the cause
 * @hint: the next thing to try, or ""
 * @parts: with a next(): no refusal, this is the answer
 */
struct control_error {
	char code[32];
	char message[256];
	char hint[256];
	struct control_parts parts;
};

/* A new reference to the result, or NULL with @error filled. */
typedef json_t *(*control_fn)(void *ctx, const json_t *args,
			      struct control_error *error);

/**
 * struct control_command - one command of a daemon
 * @name: the word
 * @fn: carries it out
 * @changes: needs a privileged caller
 * @help: one line
 */
struct control_command {
	const char *name;
	control_fn fn;
	bool changes;
	const char *help;
};

struct control;

#define CONTROL_RUN_DIR "/run/roam"
/* Where the socket of a daemon is, as a literal: CONTROL_USUAL("lrd"). */
#define CONTROL_USUAL(daemon) CONTROL_RUN_DIR "/" daemon "/" daemon ".sock"

/**
 * control_path() - where a daemon's socket is
 * @daemon: "lrd"
 * @buf: becomes CONTROL_USUAL(), or ROAM_RUN_DIR/DAEMON.sock: so daemons and tool of one
 *	test host find each other
 * @len: room there
 */
void control_path(const char *daemon, char *buf, size_t len);

/*
 * A request line may be CONTROL_LINE_MAX bytes long. An event is not queued
 * behind more than CONTROL_QUEUE_MAX bytes: that reader is disconnected.
 */
#define CONTROL_LINE_MAX 65536
#define CONTROL_QUEUE_MAX (1 << 20)
#define CONTROL_CLIENTS_MAX 64

/**
 * control_open() - listen
 * @loop: the loop
 * @path: socket path; a stale one is replaced, one in use is an error; the
 *	folders above it are made if they are missing
 * @commands: ends with a NULL name; must outlive the socket
 * @ctx: for the handlers
 * @error: on failure a sentence, caller frees
 */
struct control *control_open(uv_loop_t *loop, const char *path,
			     const struct control_command *commands, void *ctx,
			     char **error);
/* Sends @event (reference stolen) to everyone who monitors. A reader that
 * does not keep up loses the connection, never the daemon its memory. */
void control_event(struct control *control, json_t *event);
/* Whether anyone monitors: an event that nobody hears need not be made. */
bool control_is_monitored(const struct control *control);
void control_close(struct control *control);

void control_refuse(struct control_error *error, const char *code,
		    const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
