/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The loop of libre with ours inside it: libre has no call for a single step, so its
 * loop is the outer one, and the descriptor of ours is one of those that it
 * watches.
 */
#ifndef ROAM_SIPD_LOOP_H
#define ROAM_SIPD_LOOP_H

#include <stdbool.h>
#include <uv.h>

#include "base/time.h"

typedef void (*loop_fn)(void *arg);

/* Before anything else of libre is used. NULL, or a sentence, caller frees. */
char *loop_open(uv_loop_t *loop);
/* Runs until nothing is left on our loop; a struct daemon's run. */
void loop_run(uv_loop_t *loop);
void loop_close(void);
/* Something was put on our loop from outside of its own callbacks. */
void loop_kick(void);

/* Calls @fn whenever @fd is readable. False: too many descriptors. */
bool loop_listen(int fd, loop_fn fn, void *arg);
void loop_unlisten(int fd);

/* One timer for the cores: calls @fn at @when or soon after. */
void loop_at(msec_t when, loop_fn fn, void *arg);

#endif
