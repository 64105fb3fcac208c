/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ROAM_DRCPD_CONFIG_H
#define ROAM_DRCPD_CONFIG_H

#include <net/if.h>

#include "auth/auth.h"
#include "core/drcp_client.h"
#include "core/drcp_server.h"

#define DRCPD_LINKS_MAX 16

/**
 * struct config - drcpd.conf
 * @is_server: serves; else it is a client
 * @links: names of interfaces; a client has one
 * @n_links: their number
 * @keys: keys of the domain, NULL with @guests
 * @key_id: the one that is used
 * @guests: nobody shows a key, by explicit choice
 * @store: where leases are kept
 * @period: ms between advertisements
 * @hold: ms that an address is left alone after a conflict
 * @pools: what is served
 * @n_pools: their number
 * @client: settings of the client
 */
struct config {
	bool is_server;
	char links[DRCPD_LINKS_MAX][IF_NAMESIZE];
	size_t n_links;
	struct auth_keys *keys;
	uint32_t key_id;
	bool guests;
	char *store;
	msec_t period;
	msec_t hold;
	struct drcp_pool pools[DRCP_POOLS_MAX];
	size_t n_pools;
	struct drcp_client_config client;
};

/* The file, or NULL with a sentence in *error, caller frees. */
struct config *config_load(const char *path, char **error);
void config_free(struct config *config);

#endif
