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
 * struct config_session - a session that is there from the start, or the name of a
 *	device
 * @name: its name
 * @nai: its own NAI, without a sub-NAI; empty: the node's
 * @associations: with the home agent, for @nai
 * @mac: the device has this link-layer address
 * @has_mac: @mac is set
 * @device: its fixed address behind the node, none: it has the session's own
 * @link: where that is; empty: on this host
 */
struct config_session {
	char *name;
	char *nai;
	struct sa_set associations;
	uint8_t mac[MN_MAC_LEN];
	bool has_mac;
	struct roam_addr device;
	char *link;
};

#define CONFIG_HOSTS_MAX 200	/* bytes of that path */

/**
 * struct config_devices - a link with devices behind the node
 * @link: its name
 * @network: addresses of devices there
 * @linger: ms after which a device that is silent is gone
 * @leases: file of leases of dnsmasq; empty: none
 * @hosts: folder that dnsmasq reads addresses of devices from, which it then gives to
 *	them; empty: none
 */
struct config_devices {
	char *link;
	struct roam_prefix network;
	msec_t linger;
	char *leases;
	char *hosts;
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
 * @naming: how names of sessions are written
 * @sessions: those that are configured
 * @n_sessions: their number
 * @devices: links with devices
 * @n_devices: their number
 * @sessions_max: sessions at a time
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
	struct mip_naming naming;
	struct config_session *sessions;
	size_t n_sessions;
	struct config_devices *devices;
	size_t n_devices;
	long sessions_max;
};

/* NULL on failure, with *error set; caller frees both. */
struct config *config_load(const char *path, char **error);
void config_free(struct config *config);
const struct sa_set *config_find_agent(const struct config *config,
				       const struct roam_addr *addr);
/* The section of that name, or NULL. */
const struct config_session *config_find_session(const struct config *config,
						 const char *name);
/* "02:00:00:00:00:01" */
bool config_parse_mac(const char *word, uint8_t mac[MN_MAC_LEN]);

#endif
