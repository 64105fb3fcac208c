/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What roam-standbyd says about one of its groups, for a daemon whose tables follow
 * the role: a connection to its control socket that is made again when it ends. While
 * there is none, what was said last holds: a daemon that restarts changes no role.
 */
#ifndef ROAM_IO_ROLE_H
#define ROAM_IO_ROLE_H

#include <stdbool.h>
#include <uv.h>

#include "base/addr.h"
#include "base/time.h"

/**
 * struct role - of this router in the group
 * @state: "virgin", "learn", "listen", "speak", "standby" or "active"; "" unknown
 * @own: this router's address there
 * @active: the active router's, all zero if unknown
 * @standby: the standby router's, likewise
 * @link: index of the group's link
 */
struct role {
	char state[16];
	struct roam_addr own;
	struct roam_addr active;
	struct roam_addr standby;
	unsigned int link;
};

/**
 * struct role_tables - how far the tables are in step, for roam standby show
 * @router: whom they are compared with
 * @complete: the table of @router is complete here (STBY-65)
 * @equal: the last digests were equal
 * @since: ms that this has been so
 * @entries: entries here
 * @owed: messages that @router has not acknowledged
 */
struct role_tables {
	struct roam_addr router;
	bool complete;
	bool equal;
	msec_t since;
	size_t entries;
	uint32_t owed;
};

struct role_client;

/* @role changed, or is told for the first time. */
typedef void (*role_fn)(void *ctx, const struct role *role);
/* A coup waits for an answer (STBY-75). */
typedef bool (*role_clearance_fn)(void *ctx);

/**
 * role_open() - follow a group
 * @loop: the loop
 * @path: control socket of roam-standbyd, "" for the usual one, or for the one beside
 *	@beside where that is not in a usual place
 * @beside: the daemon's own control socket
 * @group: name of the group
 * @fn: told of roles
 * @clearance: asked before a coup
 * @ctx: for both
 */
struct role_client *role_open(uv_loop_t *loop, const char *path,
			      const char *beside, const char *group, role_fn fn,
			      role_clearance_fn clearance, void *ctx);
/**
 * struct role_elector - another elector than roam-standbyd (SYNC-05)
 * @virtual: the address which keepalived or the VRRP of FRR takes and gives up: whoever
 *	has it is active
 * @own: this router's address
 * @notify: FIFO to which keepalived says more than that, "" for none
 * @instance: name of the instance or group that counts there, "" for any
 */
struct role_elector {
	struct roam_addr virtual;
	struct roam_addr own;
	const char *notify;
	const char *instance;
};

/**
 * role_open_elector() - follow another elector
 * @loop: the loop
 * @elector: which one; copied
 * @fn: told of roles; those of others are not known
 * @ctx: for it
 * @error: on failure a sentence, caller frees
 *
 * What keepalived says counts more than the address, once it said something.
 * Return: NULL where the FIFO cannot be read.
 */
struct role_client *role_open_elector(uv_loop_t *loop,
				      const struct role_elector *elector,
				      role_fn fn, void *ctx, char **error);
/*
 * Reads a line that keepalived writes to its FIFO, INSTANCE "inside" MASTER 101, about
 * @instance. "active" or "standby", or NULL: about another one, or no such line.
 */
const char *role_read_notice(const char *line, const char *instance);
/* STBY-65: told again whenever it changes, or the connection was made anew. */
void role_tell_tables(struct role_client *client,
		      const struct role_tables *tables);
bool role_is_connected(const struct role_client *client);
void role_close(struct role_client *client);

#endif
