/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where packets of sessions go (SES-21): for each a rule by its source, a route table,
 * and where a device has a fixed address a translation one to one by nftables. The
 * only file beside kernel.c that talks to the kernel.
 *
 * A session that is not registered has a table that says "unreachable": its packets
 * never leave by another's address.
 */
#ifndef ROAM_MND_STEER_H
#define ROAM_MND_STEER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/mobile_session.h"

struct mnd;

/**
 * struct steering - what is set for a session
 * @slot: its place among the tables, from 1 on
 * @home: the session's address, none: nothing is set
 * @device: fixed address of its device, or none
 * @link: index of the link where it has @home itself; 0: it does not
 * @local: @home is this host's own
 */
struct steering {
	unsigned int slot;
	struct roam_addr home;
	struct roam_addr device;
	unsigned int link;
	bool local;
};

/* NULL or a sentence, caller frees. @fresh: what a former run left is removed. */
char *steer_start(struct mnd *m, bool fresh);
void steer_stop(struct mnd *m);
/* Neighbours that are there already are seen. */
void steer_look(struct mnd *m);
/* The kernel follows @s; @r NULL: it is not registered. */
void steer_set(struct mnd *m, const struct steering *s,
	       const struct mn_registration *r);
void steer_clear(struct mnd *m, const struct steering *s);
/* There is no session any more: what was set in /proc/sys is as it was. */
void steer_rest(struct mnd *m);
/* All translations at once, as they are at the start. */
void steer_begin(struct mnd *m, const struct steering *list, size_t n);
/* A device is asked for by ARP: if it is there, it is seen. */
void steer_probe(struct mnd *m, unsigned int link, const struct roam_addr *addr);

/**
 * struct steer_neighbour - a device that was seen
 * @link: index of its link
 * @addr: its address
 * @mac: its link-layer address
 * @fresh: it answered just now
 */
struct steer_neighbour {
	unsigned int link;
	struct roam_addr addr;
	uint8_t mac[MN_MAC_LEN];
	bool fresh;
};

/* session.c: a neighbour was seen on any link. */
void session_seen(struct mnd *m, const struct steer_neighbour *neighbour);

#endif
