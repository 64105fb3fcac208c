/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What another daemon of this host says on its control socket, for as long as both
 * run: two connections, one for its events and one for questions, which are made
 * again when they end.
 */
#ifndef ROAM_IO_TALK_H
#define ROAM_IO_TALK_H

#include <jansson.h>
#include <stdbool.h>
#include <uv.h>

/**
 * struct talk_ops - the user's
 * @connected: the daemon is there, maybe again; events from now on are heard
 * @event: one of its events
 * @answer: the result of a question
 */
struct talk_ops {
	void (*connected)(void *ctx);
	void (*event)(void *ctx, const json_t *event);
	void (*answer)(void *ctx, const json_t *result);
};

struct talk;

/* Tries at once and then again and again; @path is the control socket. */
struct talk *talk_open(uv_loop_t *loop, const char *path,
		       const struct talk_ops *ops, void *ctx);
/* @args (stolen) of a question; it is lost where nobody is there. */
void talk_ask(struct talk *talk, const char *command, json_t *args);
bool talk_is_connected(const struct talk *talk);
/* NULL is ignored. No callback comes from now on. */
void talk_close(struct talk *talk);

#endif
