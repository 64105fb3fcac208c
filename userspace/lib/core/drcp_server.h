/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server of DRCP: pools of addresses, and leases of them (MMP-77..82).
 *
 * Contract: pure. A request is applied and its answer made; what it changed has to be
 * durable before the answer leaves. Where it cannot be made so, drcp_server_undo() takes it
 * back. A client has one address in a subnet; what it asks again is answered alike, so that
 * neither a copy nor a lost answer costs an address. What is recorded and sent again prolongs
 * nothing, and makes nothing once the server has advertised enough (SEC-21).
 */
#ifndef ROAM_CORE_DRCP_SERVER_H
#define ROAM_CORE_DRCP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "wire/drcp.h"

#define DRCP_POOLS_MAX DRCP_SUBNETS_MAX
#define DRCP_POOL_MAX (1u << 20)	/* IPv4 addresses of one pool */

/**
 * struct drcp_pool - addresses of one subnet
 * @subnet: its prefix, and its default router
 * @first: first address to give; IPv6: not used, hosts have their link-layer address in it
 * @last: last one
 * @lease: seconds that one holds
 * @dns: a name server, or none
 */
struct drcp_pool {
	struct drcp_subnet subnet;
	struct roam_addr first;
	struct roam_addr last;
	uint32_t lease;
	struct roam_addr dns;
};

/**
 * struct drcp_lease - an address that is somebody's
 * @client: whose
 * @addr: the address
 * @expires: until when
 * @stamp: of the client's last message
 * @held: nobody's: somebody else has it already (conflict)
 */
struct drcp_lease {
	uint8_t client[6];
	struct roam_addr addr;
	msec_t expires;
	uint64_t stamp;
	bool held;
};

/**
 * struct drcp_change - what a request did to a lease
 * @changed: anything at all
 * @fresh: there was none before
 * @now: as it is now, to be made durable
 * @before: as it was
 */
struct drcp_change {
	bool changed;
	bool fresh;
	struct drcp_lease now;
	struct drcp_lease before;
};

/**
 * struct drcp_server_counters - since the start
 * @assigned: new leases
 * @renewed: leases that were asked for again
 * @released: given back
 * @declined: addresses that somebody else had
 * @exhausted: requests that no address was left for
 * @expired: leases that ended by themselves
 */
struct drcp_server_counters {
	uint64_t assigned;
	uint64_t renewed;
	uint64_t released;
	uint64_t declined;
	uint64_t exhausted;
	uint64_t expired;
};

struct drcp_server;

/* @hold: ms that an address is left alone after a conflict. NULL: out of memory. */
struct drcp_server *drcp_server_new(msec_t hold);
void drcp_server_free(struct drcp_server *server);
/*
 * A pool more, or one that grew: leases of its addresses stay. False: out of memory, or
 * it has more than DRCP_POOL_MAX addresses, or there are too many pools.
 */
bool drcp_server_add_pool(struct drcp_server *server,
			  const struct drcp_pool *pool);
/*
 * No address of it is given any more, and it is not said that there is one. Leases end when they
 * end; their addresses are nobody else's until then. Its number stays.
 */
void drcp_server_close_pool(struct drcp_server *server,
			    const struct roam_prefix *prefix);
/* Pools that are closed included; drcp_server_pool() then says NULL. */
size_t drcp_server_pools(const struct drcp_server *server);
const struct drcp_pool *drcp_server_pool(const struct drcp_server *server,
					 size_t i);
/* A lease from disk, newest first: older ones of the same address change nothing. */
bool drcp_server_restore(struct drcp_server *server,
			 const struct drcp_lease *lease);

/*
 * What was advertised: a request answers something of the last 60 periods, or of up to as
 * many before, or it is dropped as recorded.
 */
void drcp_server_advertised(struct drcp_server *server, msec_t now,
			    const struct drcp_msg *msg);

/**
 * drcp_server_input() - a request, release or decline
 * @server: the server
 * @now: the time
 * @msg: the message, proved to be the client's
 * @reply: filled where there is an answer: its type is then DRCP_ASSIGNMENT
 * @change: what is to be made durable before the answer leaves
 *
 * Return: DRCP_DROP_NONE, or why it is dropped.
 */
enum drcp_drop drcp_server_input(struct drcp_server *server, msec_t now,
				 const struct drcp_msg *msg,
				 struct drcp_msg *reply,
				 struct drcp_change *change);
/* Takes it back: what was promised by it was not. */
void drcp_server_undo(struct drcp_server *server,
		      const struct drcp_change *change);

/* Forgets what ended; returns when to call again. */
msec_t drcp_server_tick(struct drcp_server *server, msec_t now);
size_t drcp_server_leases(const struct drcp_server *server);
/* Calls @fn for each; it may change nothing. */
void drcp_server_each(const struct drcp_server *server,
		      void (*fn)(void *ctx, const struct drcp_lease *lease),
		      void *ctx);
const struct drcp_server_counters *
drcp_server_counters(const struct drcp_server *server);

#endif
