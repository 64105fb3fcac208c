/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The section "sync" of a daemon whose tables other hosts have as well. */
#ifndef ROAM_CONF_SYNC_H
#define ROAM_CONF_SYNC_H

#include "base/addr.h"
#include "base/time.h"
#include "conf/conf.h"

/**
 * struct conf_sync - other members that have the same tables (TEN-01)
 * @mode: enum sync_mode
 * @number: of the group, in messages
 * @standby: name of the group of roam-standbyd that says who is active; empty: none
 * @virtual: instead of @standby, the address whose owner is active
 * @notify: FIFO of keepalived, empty: none
 * @instance: its instance or group that counts, empty: any
 * @socket: its control socket, empty: the usual one
 * @key: signs messages
 * @port: UDP port of all members
 * @own: this member's address; none: as roam-standbyd says
 * @members: others
 * @n_members: their number
 * @multicast: updates go there, none: to each by unicast
 * @ttl: routers that they may pass, and one (TEN-04)
 * @acks: acknowledgements that a reply waits for, a number or SYNC_ACKS_*
 * @wait: ms that it waits for them at most
 * @hello: ms between two digests
 * @retry: ms after which a message is repeated
 * @dead: ms of silence after which nobody waits for a member, 0: five hellos
 * @tombstone: ms that a deleted entry is remembered
 * @any: every member registers nodes, the active one shares them out (TEN-02)
 * @share: enum share_policy
 * @weight: this member's part of them
 */
struct conf_sync {
	uint8_t mode;
	uint16_t number;
	char *standby;
	struct roam_addr virtual;
	char *notify;
	char *instance;
	char *socket;
	uint32_t key;
	uint16_t port;
	struct roam_addr own;
	struct roam_addr *members;
	size_t n_members;
	struct roam_addr multicast;
	unsigned int ttl;
	uint8_t acks;
	msec_t wait;
	msec_t hello;
	msec_t retry;
	msec_t dead;
	msec_t tombstone;
	bool any;
	uint8_t share;
	uint32_t weight;
};

/* For CFG_SEC("sync", conf_sync_opts, CFGF_MULTI) */
extern cfg_opt_t conf_sync_opts[];

/*
 * Reads the section into *sync, which the caller frees, also where a mistake, which is a
 * sentence on the heap, is returned. The key is one of @keys, which were read from @path; @port is
 * that of the daemon where the section names none.
 */
char *conf_get_sync(cfg_t *cfg, const struct auth_keys *keys, const char *path,
		    uint16_t port, struct conf_sync **sync);
void conf_sync_free(struct conf_sync *sync);

#endif
