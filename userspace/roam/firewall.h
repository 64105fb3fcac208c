/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The packet filter of this host, as nft tells it. */
#ifndef ROAM_FIREWALL_H
#define ROAM_FIREWALL_H

#include <jansson.h>
#include <stdbool.h>

#include "base/addr.h"

/* All objects of all tables; NULL where nft is missing or may not be asked. */
json_t *firewall_read(void);

/* The next flowtable behind the *at-th object, or NULL. *at starts with 0. */
const json_t *firewall_flowtable(const json_t *rules, size_t *at);
/* Some chain drops what comes in by default. */
bool firewall_drops_input(const json_t *rules);
/* Some rule asks whether the source of a packet is reached by the link it came by. */
bool firewall_checks_source(const json_t *rules);
/* Some rule or set names this port. */
bool firewall_names_port(const json_t *rules, unsigned int port);

/**
 * firewall_masquerades() - is there a rule that changes the source of a packet
 * @rules: from firewall_read()
 * @source: source address of the packet when it leaves
 * @device: link it leaves by
 *
 * Conditions of a rule other than source address and link are taken to be met.
 *
 * Return: the rule ({family, table, chain, handle, ...}), or NULL.
 */
const json_t *firewall_masquerades(const json_t *rules,
				   const struct roam_addr *source,
				   const char *device);

#endif
