/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A relay of DRCP: between hosts and a server that is some links away (MMP-78). What is for
 * everybody goes on from link to link, each advertisement once; what is for one goes back
 * the way that his question came.
 *
 * Contract: pure. Messages that come in were proved, and are sent on as they are. It keeps
 * where questions came from in a table of fixed size: a later client may take the place of
 * one that waits, which asks again.
 */
#ifndef ROAM_CORE_DRCP_RELAY_H
#define ROAM_CORE_DRCP_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "wire/drcp.h"

#define DRCP_RELAY_SERVERS 8

/**
 * struct drcp_hop - a neighbour
 * @link: index of the interface
 * @mac: its link-layer address
 */
struct drcp_hop {
	uint32_t link;
	uint8_t mac[6];
};

/**
 * struct drcp_relay_out - where a message goes on
 * @everybody: by all links but the one that it came by
 * @to: else these neighbours
 * @n: their number
 */
struct drcp_relay_out {
	bool everybody;
	struct drcp_hop to[DRCP_RELAY_SERVERS];
	size_t n;
};

struct drcp_relay;

/* NULL: out of memory. */
struct drcp_relay *drcp_relay_new(void);
void drcp_relay_free(struct drcp_relay *relay);
/*
 * @air: it came from where only hosts are, who do not speak for servers. DRCP_DROP_NONE, or
 * why it is dropped.
 */
enum drcp_drop drcp_relay_input(struct drcp_relay *relay, msec_t now,
				const struct drcp_hop *from, bool air,
				const struct drcp_msg *msg,
				struct drcp_relay_out *out);

#endif
