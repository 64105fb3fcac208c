/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration of roam-standbyd: what stands in standbyd.conf. */
#ifndef ROAM_STANDBYD_CONFIG_H
#define ROAM_STANDBYD_CONFIG_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/auth.h"
#include "core/election.h"

#define GROUPS_MAX 1024		/* on all links together */

/** enum mac_mode - how the virtual MAC address is held (STBY-91, STBY-92) */
enum mac_mode {
	MAC_MACVLAN,	/* a device above the link, which adds it to the filter */
	MAC_SWAP,	/* in place of the link's own one */
	MAC_NONE,	/* there is none, hosts get the link's own one */
};

/** enum query_mode - whose questions for a name are answered (STBY-18) */
enum query_mode {
	QUERY_ANY,
	QUERY_KEY,
	QUERY_OFF,
};

/** enum track_kind - what lowers the priority while it is missing (STBY-40) */
enum track_kind {
	TRACK_LINK,
	TRACK_ROUTE,
	TRACK_DAEMON,
};

/**
 * struct config_track - something tracked
 * @kind: enum track_kind
 * @name: as in the configuration
 * @prefix: of a route
 * @decrement: of the priority while it is missing
 */
struct config_track {
	uint8_t kind;
	char *name;
	struct roam_prefix prefix;
	uint8_t decrement;
};

/**
 * struct config_group - one group
 * @name: STBY-16
 * @link: interface
 * @number: 0..255, up to 4095 with HSRP version 2
 * @form: enum hsrp_form
 * @elect: for the core; its primary address all zero: that of the link
 * @key_id: of our form's authenticator
 * @auth: enum hsrp_auth of the HSRP forms
 * @text: with HSRP_AUTH_TEXT
 * @md5_key: with HSRP_AUTH_MD5
 * @md5_len: its length in bytes
 * @md5_id: key id on the wire
 * @mac: enum mac_mode
 * @query: enum query_mode
 * @tracks: what is tracked
 * @n_tracks: number of @tracks
 */
struct config_group {
	char *name;
	char link[IFNAMSIZ];
	uint16_t number;
	uint8_t form;
	struct elect_config elect;
	uint32_t key_id;
	uint8_t auth;
	char text[HSRP_TEXT_LEN];
	uint8_t md5_key[HSRP_MD5_KEY_MAX];
	size_t md5_len;
	uint32_t md5_id;
	uint8_t mac;
	uint8_t query;
	struct config_track *tracks;
	size_t n_tracks;
};

/**
 * struct config - the whole, immutable after config_load()
 * @groups: as they stand in the file
 * @n_groups: number of @groups
 * @keys: the key set
 * @state: file that keeps the counter over a restart
 * @realtime: priority of SCHED_FIFO, 0 for none
 * @watch: a second process resigns when this one crashes
 * @announce: ms between repeated gratuitous ARP, 0 for none
 * @warnings: sentences about what works but is doubtful
 * @n_warnings: number of @warnings
 */
struct config {
	struct config_group *groups;
	size_t n_groups;
	struct auth_keys *keys;
	char *state;
	int realtime;
	bool watch;
	msec_t announce;
	char **warnings;
	size_t n_warnings;
};

/* NULL on failure, with *error set; caller frees both. */
struct config *config_load(const char *path, char **error);
void config_free(struct config *config);

#endif
