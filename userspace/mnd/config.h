/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration of roam-mnd: what stands in mnd.conf, and the keys it names. */
#ifndef ROAM_MND_CONFIG_H
#define ROAM_MND_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/auth.h"
#include "base/addr.h"
#include "core/mobile_node.h"

/**
 * struct config_agent - a foreign agent that we share an association with
 * @addr: its address
 * @associations: with it
 */
struct config_agent {
	struct roam_addr addr;
	struct sa_set associations;
};

/**
 * struct config - the whole, immutable after config_load()
 * @mn: for the core
 * @keys: the key set
 * @nai: what @mn.nai points to
 * @links: names of links to be used in the order of preference; none: all
 * @n_links: their number
 * @agents: foreign agents with an association
 * @n_agents: their number
 * @device: tunnel device; empty: no address of the host's own is used as care-of
 *	address
 * @home_device: where the home address is
 * @table: route table for what leaves with the home address
 * @priority: of the first rule
 */
struct config {
	struct mn_config mn;
	struct auth_keys *keys;
	char *nai;
	char **links;
	size_t n_links;
	struct config_agent *agents;
	size_t n_agents;
	char *device;
	char *home_device;
	long table;
	long priority;
};

/* NULL on failure, with *error set; caller frees both. */
struct config *config_load(const char *path, char **error);
void config_free(struct config *config);
const struct sa_set *config_find_agent(const struct config *config,
				       const struct roam_addr *addr);

#endif
