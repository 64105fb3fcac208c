/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration of roam-lrd, as it is in force. */
#ifndef ROAM_LRD_CONFIG_H
#define ROAM_LRD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/auth.h"
#include "base/addr.h"
#include "core/correspondent.h"
#include "core/mobile.h"
#include "dns/servers.h"
#include "genl/mangle.h"

/**
 * struct config - roam-lrd.conf
 * @keys: keys shared with the registers
 * @listen: local address, all zero for any
 * @port: port of all messages, ours and the correspondents'
 * @registers: the registers in order of preference; owns the domains
 * @keys_of: for each of them the key shared with it, or with all of the domain
 * @n_registers: their number
 * @resolve: ms until DNS is asked again for domains among them
 * @nameserver: name server to ask, NULL for those of the system
 * @nameserver_port: its port, or that of all name servers
 * @permanent: prefixes that hold permanent addresses
 * @n_permanent: their number
 * @internal: prefixes that no care-of address is in
 * @n_internal: their number
 * @permanent_set: @permanent, to look an address up in
 * @internal_set: @internal, likewise
 * @own: own permanent addresses, one of each family at most; none: this host does
 *	not move
 * @n_own: their number
 * @exempt: what is never rewritten, and keeps the care-of address as source;
 *	without the ports that DNS names and the control groups, which are found
 *	later
 * @cgroups: paths of the control groups
 * @n_cgroups: their number
 * @mobile_keys: keys shared with correspondents, as the mobile role sees them
 * @corr_keys: the same, as the correspondent role sees them
 * @device: dummy link that holds them
 * @table: route table whose routes prefer them as source
 * @priority: of the rule that sends TCP there
 * @lifetime: of a registration, ms
 * @mobile: settings of the mobile role, without registers
 * @corr: settings of the correspondent role, without registers
 */
struct config {
	struct auth_keys *keys;
	struct roam_addr listen;
	uint16_t port;
	struct servers_source *registers;
	uint32_t *keys_of;
	size_t n_registers;
	msec_t resolve;
	char *nameserver;
	uint16_t nameserver_port;
	struct roam_prefix *permanent;
	size_t n_permanent;
	struct roam_prefix *internal;
	size_t n_internal;
	struct prefix_set *permanent_set;
	struct prefix_set *internal_set;
	struct roam_addr *own;
	size_t n_own;
	struct mangle_exempt exempt;
	char **cgroups;
	size_t n_cgroups;
	struct mobile_key *mobile_keys;
	struct corr_key *corr_keys;
	char *device;
	uint32_t table;
	uint32_t priority;
	msec_t lifetime;
	struct mobile_config mobile;
	struct corr_config corr;
};

/* The configuration, or NULL with the first mistake in *error (caller frees). */
struct config *config_load(const char *path, char **error);
void config_free(struct config *config);

#endif
