/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Receive until nothing waits, apply, commit, reply.
 *
 * Requests that come at once are applied to the table in memory one by one, and
 * one commit makes durable what all of them changed; then their replies leave,
 * in order. So the cost of a write to the disk is shared, and no reply says what
 * a power cut could take back. Requests that change nothing are answered at
 * once, but behind the first one that changed something everything waits: a
 * later reply may tell what is not durable yet.
 *
 * A daemon that answers from a channel (io/channel.h) calls, for each datagram,
 * burst_next(), and burst_add() when it is a request; burst_batch_end() and
 * burst_end() from the channel's calls of these names.
 */
#ifndef ROAM_IO_BURST_H
#define ROAM_IO_BURST_H

#include <stdbool.h>
#include <stddef.h>

struct burst;

/**
 * struct burst_ops - what a daemon does with its requests; constant
 * @size: bytes of a request
 * @max: requests that one commit makes durable at most
 * @commit: makes durable what the requests changed. False: nothing of it is on
 *	disk, and the table is again as it was before the first of them.
 * @refuse: after a failed commit, for each request in order: its answer becomes
 *	one that is true now. Every acknowledgement is taken back, also that of a
 *	copy of a request in the same burst.
 * @reply: the answer leaves; what the request changed may be reported
 * @done: all replies left; may be NULL
 */
struct burst_ops {
	size_t size;
	size_t max;
	bool (*commit)(void *ctx);
	void (*refuse)(void *ctx, void *request);
	void (*reply)(void *ctx, void *request);
	void (*done)(void *ctx);
};

/* NULL when out of memory. */
struct burst *burst_new(const struct burst_ops *ops, void *ctx);
void burst_free(struct burst *burst);

/*
 * Room for the next request, to be filled in. The burst ends first if it is
 * full. What was in the room before is undefined.
 */
void *burst_next(struct burst *burst);
/* The request in that room is one; @changed: the table is not as it was. */
void burst_add(struct burst *burst, bool changed);
/* Answers, if nothing changed since the last commit. */
void burst_batch_end(struct burst *burst);
/* Commits, if something changed, and answers. */
void burst_end(struct burst *burst);

#endif
