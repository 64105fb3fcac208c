/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The register at work: datagrams in, core, store, datagrams out.
 *
 * Contract: replies to a batch leave after its changes are on disk. When the
 * store refuses them, the core takes them back and every update of the batch
 * is answered "later"; queries are answered from what is on disk. A large store
 * is loaded between requests, newest first; what is not known before it is read
 * is answered "later".
 */
#ifndef ROAM_HLRD_SERVER_H
#define ROAM_HLRD_SERVER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/limit.h"
#include "core/hlr.h"
#include "hlrd/config.h"
#include "hlrd/store.h"
#include "io/burst.h"
#include "io/channel.h"
#include "io/control.h"
#include "wire/lr.h"

/**
 * struct server_counters - since the start
 * @queries: authenticated queries
 * @updates: authenticated updates
 * @replies: datagrams handed to the kernel
 * @status: entries of replies but key entries, by enum lr_status
 * @challenges: messages to care-of addresses that were not shown
 * @commits: transactions written
 * @store_failures: transactions the store refused
 * @expired: mappings whose lifetime ended
 * @cloned: times that a mapping went back and forth between two hosts with one key
 */
struct server_counters {
	uint64_t queries;
	uint64_t updates;
	uint64_t replies;
	uint64_t challenges;
	uint64_t status[LR_STATUS_MAX];
	uint64_t commits;
	uint64_t store_failures;
	uint64_t expired;
	uint64_t cloned;
};

/**
 * struct server - the running register
 * @loop: the loop
 * @config: configuration in force
 * @hlr: the core
 * @store: its copy on disk
 * @control: for events, NULL until it is open
 * @channel: its sockets
 * @burst: requests that are not answered yet
 * @changes: what they changed, not durable yet
 * @expiry: runs when the next mapping ends
 * @loader: runs while the store is being loaded
 * @loading: it is, or it cannot be read to its end
 * @store_error: why the store refused the last transaction, NULL if it did not
 * @store_told: the failure in the log, NULL once its end was logged too
 * @store_failed: when it failed last
 * @counters: see above
 * @lines: of log lines about handoffs
 * @rate: what each key sent that was new
 * @copies: what else each key sent from each source
 * @cookies: makes the cookies of this run
 * @started: when it started
 */
struct server {
	uv_loop_t *loop;
	const struct config *config;
	struct hlr *hlr;
	struct store *store;
	struct control *control;
	struct channel *channel;
	struct burst *burst;
	struct hlr_changes changes;
	uv_timer_t expiry;
	uv_idle_t loader;
	bool loading;
	char *store_error;
	char *store_told;
	msec_t store_failed;
	struct server_counters counters;
	struct line_limit lines;
	struct rate_limit rate;
	struct rate_limit copies;
	struct auth_keys *cookies;
	msec_t started;
};

/*
 * NULL on success, else a sentence, caller frees. @config stays the caller's,
 * until another one is in force or the register has stopped.
 */
char *server_start(struct server *server, uv_loop_t *loop,
		   const struct config *config);
/* Puts @config in force as a whole or not at all. */
char *server_reload(struct server *server, const struct config *config);
void server_stop(struct server *server);

#endif
