/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration of roam-agentd: what stands in agentd.conf, and the keys it names. */
#ifndef ROAM_AGENTD_CONFIG_H
#define ROAM_AGENTD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/auth.h"
#include "base/addr.h"
#include "conf/sync.h"
#include "core/foreign_agent.h"
#include "core/home_agent.h"

/**
 * struct config_home - what belongs to a home agent address beside its group
 * @link: name of the home link, NULL: the home network is virtual
 * @interval: between advertisements on it, ms; 0: when asked only
 */
struct config_home {
	char *link;
	msec_t interval;
};

/**
 * struct config_node - a mobile node of ours
 * @node: for the core; first, so that it is found by its home address
 * @name: for people
 */
struct config_node {
	struct ha_node node;
	char *name;
};

/**
 * struct config_peer - somebody we share an association with
 * @addr: address of another agent, or home address of a node that visits
 * @associations: with it
 */
struct config_peer {
	struct roam_addr addr;
	struct sa_set associations;
};

/**
 * struct config_foreign - a link for visitors
 * @name: of the link
 * @link: for the core; addresses that are not configured are none, and are taken
 *	from the link
 * @interval: between advertisements, ms; 0: when asked only
 * @advertise_only: only mobile nodes shall use us as their router (ICMP code 16)
 * @registration: nodes with an address of their own shall register here, too (R)
 */
struct config_foreign {
	char *name;
	struct fa_link link;
	msec_t interval;
	bool registration;
};

/**
 * struct config - the whole, immutable after config_load()
 * @keys: the key set
 * @store: path of the store
 * @device: name of the tunnel device; empty: packets are not carried
 * @groups: home agents, for the core
 * @homes: the rest of each
 * @n_homes: number of @groups and @homes
 * @nodes: mobile nodes, ordered by home address; those with a NAI first
 * @n_nodes: their number
 * @peers: other agents, ordered by address
 * @n_peers: their number
 * @visitors: nodes that share an association with us as foreign agent, ordered
 * @n_visitors: their number
 * @foreign: links for visitors
 * @n_foreign: their number
 * @allowed: home agents whose nodes are served as visitors; none: all
 * @n_allowed: their number
 * @nodes_max: nodes away at a time
 * @visitors_max: visitors at a time
 * @pending_max: requests pending at a time
 * @pending_timeout: ms
 * @rate: requests a second from one source, 0: no limit
 * @sync: other agents with the same tables, NULL: none
 * @sessions_max: visitors of one NAI at a time, 0: no limit
 * @session_requests: requests a minute of one NAI at a visiting node, 0: no limit
 * @session_burst: so many of these at once
 * @naming: how names of sessions are written
 */
struct config {
	struct auth_keys *keys;
	char *store;
	char *device;
	struct ha_group *groups;
	struct config_home *homes;
	size_t n_homes;
	struct config_node *nodes;
	size_t n_nodes;
	struct config_peer *peers;
	size_t n_peers;
	struct config_peer *visitors;
	size_t n_visitors;
	struct config_foreign *foreign;
	size_t n_foreign;
	struct roam_prefix *allowed;
	size_t n_allowed;
	long nodes_max;
	long visitors_max;
	long pending_max;
	msec_t pending_timeout;
	long rate;
	struct conf_sync *sync;
	long sessions_max;
	long session_requests;
	long session_burst;
	struct mip_naming naming;
};

/* NULL on failure, with *error set; caller frees both. */
struct config *config_load(const char *path, char **error);
void config_free(struct config *config);
const struct config_node *config_find_node(const struct config *config,
					   const struct roam_addr *home);
const struct config_node *config_find_name(const struct config *config,
					   const uint8_t *nai, size_t len);
const struct sa_set *config_find_peer(const struct config_peer *peers, size_t n,
				      const struct roam_addr *addr);

#endif
