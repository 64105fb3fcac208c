/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configuration of roam-hlrd: what stands in hlrd.conf, and the keys it names.
 */
#ifndef ROAM_HLRD_CONFIG_H
#define ROAM_HLRD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/auth.h"
#include "base/addr.h"
#include "conf/conf.h"
#include "core/hlr.h"

/**
 * struct config_host - one host and the rights of its keys
 * @name: name in the configuration, for people
 * @rights: what each of its keys may do, key_id left open; owns the lists
 */
struct config_host {
	char *name;
	struct hlr_rights rights;
};

/**
 * struct config_key - whose key it is
 * @id: key id
 * @host: number of the host
 */
struct config_key {
	uint32_t id;
	uint32_t host;
};

/**
 * struct config - the whole, immutable after config_load()
 * @listen: where to listen
 * @n_listen: number of @listen
 * @store: path of the database
 * @limits: for the core
 * @rate: authenticated requests per second of one key (OPEN-32); 0 for no limit
 * @others: other registers serve the same hosts (OPEN-38)
 * @hosts: as they stand in the file
 * @n_hosts: number of @hosts
 * @host_keys: of all hosts, ordered by id
 * @n_host_keys: number of @host_keys
 * @keys: the key set
 * @permanent: of all hosts, and those that 'permanent' lists
 * @internal: addresses that are for nobody from outside
 * @n_see_all: hosts that may ask for every address
 */
struct config {
	struct conf_endpoint *listen;
	size_t n_listen;
	char *store;
	struct hlr_config limits;
	uint32_t rate;
	bool others;
	struct config_host *hosts;
	size_t n_hosts;
	struct config_key *host_keys;
	size_t n_host_keys;
	struct auth_keys *keys;
	struct prefix_set *permanent;
	struct prefix_set *internal;
	size_t n_see_all;
};

/* NULL on failure, with *error set; caller frees both. */
struct config *config_load(const char *path, char **error);
void config_free(struct config *config);
/* The host with this key, or NULL. */
const struct config_host *config_find_host(const struct config *config,
					   uint32_t key_id);

#endif
