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
 * @is_server: serves
 * @is_relay: stands between servers and hosts; else it is a client
 * @links: names of interfaces; a client has one, or with @mmp several
 * @n_links: their number
 * @n_air: how many of them, the last ones, have only hosts; of a relay
 * @relays: server: others than the client bring its requests
 * @keys: keys of the domain, NULL with @guests
 * @key_id: the one that is used
 * @host_key: client: id of its own key in @keys
 * @guests: nobody shows a key, by explicit choice
 * @store: where leases are kept
 * @mmp: client: roam-mmpd says where the host is, and where its packets go
 * @mmp_path: client: where the key of the address is left for it
 * @mmp_keys: server: domain keys of MMP, or NULL
 * @mmp_key: server: id of the one that is used
 * @device: client: name of the interface that gets the address, or ""
 * @period: ms between advertisements
 * @hold: ms that an address is left alone after a conflict
 * @pools: what is served
 * @n_pools: their number
 * @client: settings of the client
 */
struct config {
	bool is_server;
	bool is_relay;
	char links[DRCPD_LINKS_MAX][IF_NAMESIZE];
	size_t n_links;
	size_t n_air;
	bool relays;
	struct auth_keys *keys;
	uint32_t key_id;
	uint32_t host_key;
	bool guests;
	char *store;
	bool mmp;
	char *mmp_path;
	struct auth_keys *mmp_keys;
	uint32_t mmp_key;
	char device[IF_NAMESIZE];
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
