/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mmpd.conf */
#ifndef ROAM_MMPD_CONFIG_H
#define ROAM_MMPD_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/auth.h"
#include "core/mmp_border.h"
#include "core/mmp_host.h"
#include "core/mmp_node.h"
#include "genl/mmp.h"

/**
 * struct config - the configuration
 * @is_host: a mobile host, else a node of @node.role
 * @node: of a node; its name is none where the first interface gives it
 * @host: of a host
 * @kernel: settings of the module
 * @port: UDP port
 * @keys: domain keys, or the keys of a host
 * @key_id: of the domain key in use
 * @drcp: host: control socket of roam-drcpd, which has the address, or NULL
 * @addrs: care-of addresses of a host
 * @addr_keys: ids of their keys in @keys
 * @n_addrs: their number
 * @links: names of interfaces towards nodes, with wildcards
 * @n_links: their number
 * @air: the same towards hosts; at a host towards base stations
 * @n_air: their number
 * @is_border: a border router: neither a host nor a node
 * @border: of host routes outside of the domain; @border.n_peers or @is_border: there are
 * @routes: gateway: the kernel's table gets a route to each host, for a routing daemon
 * @state: file that keeps what a restart must not forget
 */
struct config {
	bool is_host;
	struct mmp_node_config node;
	struct mmp_host_config host;
	struct mmp_kernel_config kernel;
	uint16_t port;
	struct auth_keys *keys;
	uint32_t key_id;
	char *drcp;
	struct roam_addr addrs[MMP_ADDRS_MAX];
	uint32_t addr_keys[MMP_ADDRS_MAX];
	size_t n_addrs;
	char **links;
	size_t n_links;
	char **air;
	size_t n_air;
	bool is_border;
	struct mmp_border_config border;
	bool routes;
	char *state;
};

/* NULL with a sentence in *error, caller frees. */
struct config *config_load(const char *path, char **error);
void config_free(struct config *config);

#endif
