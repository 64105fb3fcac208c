/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration of roam-syncd, documented in Documentation/man/roam-syncd.8.scd. */
#ifndef ROAM_SYNCD_CONFIG_H
#define ROAM_SYNCD_CONFIG_H

#include <stdbool.h>

#include "auth/auth.h"
#include "base/time.h"
#include "conf/sync.h"

/**
 * struct config - the whole, immutable after config_load()
 * @keys: the key set
 * @sync: who else has the tables
 * @entries_max: entries of all tables
 * @look: ms between two looks at whole tables, for what no event told
 * @connections: connection tracking is a table
 * @udp: its UDP as well
 * @sets: names of nft sets that are tables, "FAMILY TABLE NAME"
 * @n_sets: their number
 * @leases: lease file of dnsmasq, NULL: none
 * @gtp: names of gtp devices whose contexts are a table
 * @n_gtp: their number
 */
struct config {
	struct auth_keys *keys;
	struct conf_sync *sync;
	long entries_max;
	msec_t look;
	bool connections;
	bool udp;
	char **sets;
	size_t n_sets;
	char *leases;
	char **gtp;
	size_t n_gtp;
};

/* NULL on failure, with *error set; caller frees both. */
struct config *config_load(const char *path, char **error);
void config_free(struct config *config);

#endif
