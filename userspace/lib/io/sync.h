/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The outside of the sync engine (core/sync.h), the same for every daemon that has one:
 * a socket whose messages are signed, checked and counted, and what the tool shows.
 */
#ifndef ROAM_IO_SYNC_H
#define ROAM_IO_SYNC_H

#include <jansson.h>
#include <uv.h>

#include "auth/auth.h"
#include "conf/sync.h"
#include "core/sync.h"
#include "io/role.h"
#include "io/udp.h"

/**
 * struct sync_link - messages of one engine
 * @udp: the socket, NULL while there is none
 * @config: in force; set anew at a reload
 * @keys: likewise
 * @engine: whom messages are for, NULL: for nobody yet
 * @own: this member's address
 * @dropped: told of a message that was not accepted, may be NULL
 * @end: told behind all that came at once
 * @ctx: for both
 * @told: when roam-standbyd was told of the tables last; 0: it shall be soon
 * @drop: messages that did not get as far as the engine
 */
struct sync_link {
	struct udp *udp;
	const struct conf_sync *config;
	const struct auth_keys *keys;
	struct sync *engine;
	struct roam_addr own;
	void (*dropped)(void *ctx, const struct roam_addr *from,
			enum sync_drop reason);
	udp_burst_fn end;
	void *ctx;
	msec_t told;
	uint64_t drop[SYNC_DROP_MAX];
};

/* Opens the port of a link whose other members are set. NULL or a sentence. */
char *sync_link_open(struct sync_link *link, uv_loop_t *loop);
void sync_link_close(struct sync_link *link);
/* From now on messages are for @engine, and from @own; joins the group of that link. */
void sync_link_use(struct sync_link *link, struct sync *engine,
		   const struct roam_addr *own);
/* Follows the elector that the configuration names, if it is no group of roam-standbyd. */
struct role_client *sync_link_elector(uv_loop_t *loop, const struct conf_sync *config,
				      role_fn fn, void *ctx, char **error);
/* Signs and sends; @to as for send() of struct sync_ops. */
void sync_link_send(struct sync_link *link, const struct roam_addr *to,
		    const struct sync_msg *msg);

/*
 * What the election says, in the engine's words. On the way between two roles the table
 * stays: an active router that yields after a partition has to hand on what it accepted.
 * It goes when two others have the roles (STBY-86).
 */
enum sync_role sync_role_of(const struct role *role, const struct roam_addr *own);

/*
 * Tells roam-standbyd how far the tables are in step with those of @other, the standby
 * router or the active one; once a second at most. @role may be NULL.
 */
void sync_link_tell(struct sync_link *link, struct role_client *role,
		    const struct roam_addr *other, bool active, msec_t now);

/* Rows of members, for "roam sync show"; @role is NULL where nobody is elected. */
json_t *sync_link_members(const struct sync_link *link, const struct role *role,
			  msec_t now);
/* Adds the engine's counters and those of the link. */
void sync_link_counters(const struct sync_link *link, json_t *object);

#endif
