/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which member of a group serves a registration (SYNC-66..68). No I/O, no clock: the
 * caller says who the members are and what was relayed and answered.
 *
 * Each node has an order of members, the same wherever it is asked for: highest first
 * of weight / -ln(u), where u is ((SHA-256(home address, member's address) as a number
 * >> 203) + 1/2) / 2^53. So each member is first for as many nodes as its weight says,
 * and what a member leaves behind is spread likewise. "hash" takes the first one of the
 * order that can be had. "round-robin" gives a new node to the next member in turn, and
 * leaves a node where it is as long as that member can be had, so that what one node
 * asks is judged in the order in which it came; after that the order counts, too.
 */
#ifndef ROAM_CORE_SHARE_H
#define ROAM_CORE_SHARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"
#include "core/sync.h"

#define SHARE_MAX (SYNC_MEMBERS_MAX + 1)

/** enum share_policy - how the first one is chosen */
enum share_policy {
	SHARE_HASH,
	SHARE_ROUND_ROBIN,
};

/**
 * struct share_member - who may serve
 * @addr: its address
 * @weight: its part; 0: nothing is relayed to it
 * @usable: it is there, and its table is complete
 */
struct share_member {
	struct roam_addr addr;
	uint32_t weight;
	bool usable;
};

struct share;

/* NULL when out of memory. */
struct share *share_new(void);
void share_free(struct share *s);

/**
 * share_choose() - who serves this one
 * @s: what was relayed before
 * @now: time
 * @policy: see above
 * @members: all, at most SHARE_MAX; the first one is this host, the others keep
 *	their places
 * @n: their number
 * @home: the node's home address
 * @origin: last four bytes of the address of who served it last, 0: nobody
 *
 * Return: its place in @members; 0 where nobody else can be had.
 */
size_t share_choose(struct share *s, msec_t now, enum share_policy policy,
		    const struct share_member *members, size_t n,
		    const struct roam_addr *home, uint32_t origin);
/* Something was relayed to @member; it answers, or is left out for a while. */
void share_asked(struct share *s, msec_t now, size_t member);
/* @willing: it serves what is relayed. */
void share_answered(struct share *s, msec_t now, size_t member, bool willing);
/* Places in @members in the node's order, whether they can be had or not. */
void share_order(const struct share_member *members, size_t n,
		 const struct roam_addr *home, size_t order[SHARE_MAX]);

#endif
