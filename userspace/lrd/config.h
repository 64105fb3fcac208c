/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration of roam-lrd, as it is in force. */
#ifndef ROAM_LRD_CONFIG_H
#define ROAM_LRD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/auth.h"
#include "core/addr.h"
#include "core/correspondent.h"
#include "core/mobile.h"

/**
 * struct config - roam-lrd.conf
 * @keys: keys shared with the registers
 * @listen: local address, all zero for any
 * @port: port of all messages, ours and the correspondents'
 * @registers: the registers in order of preference, as the mobile role sees them
 * @corr_registers: the same, as the correspondent role sees them
 * @n_registers: their number
 * @permanent: prefixes that hold permanent addresses
 * @n_permanent: their number
 * @own: own permanent addresses; none: this host does not move
 * @n_own: their number
 * @device: dummy link that holds them
 * @table: route table whose routes prefer them as source
 * @priority: of the rule that sends TCP there
 * @mobile: settings of the mobile role
 * @corr: settings of the correspondent role
 */
struct config {
	struct auth_keys *keys;
	struct roam_addr listen;
	uint16_t port;
	struct mobile_register *registers;
	struct corr_register *corr_registers;
	size_t n_registers;
	struct roam_prefix *permanent;
	size_t n_permanent;
	struct roam_addr *own;
	size_t n_own;
	char *device;
	uint32_t table;
	uint32_t priority;
	struct mobile_config mobile;
	struct corr_config corr;
};

/* The configuration, or NULL with the first mistake in *error (caller frees). */
struct config *config_load(const char *path, char **error);
void config_free(struct config *config);

#endif
