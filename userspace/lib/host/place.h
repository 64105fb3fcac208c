/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where this host is.
 *
 * The place of the host in a family is the source address that the kernel
 * chooses towards the first destination, of those that the user names, that
 * there is a way to; of several ways that are as good the one that it has, so that it
 * does not move for nothing. Whoever configures addresses and routes (any DHCP client,
 * an administrator, roam-drcpd) decides it by doing just that.
 *
 * The user is told as soon as an address or a route came, since what he told
 * others about the old place is wrong from then on. What vanished is believed a
 * moment later only: between networks a place is often missing for a moment.
 * And the host is looked at once in a while without any reason (D-21).
 */
#ifndef ROAM_HOST_PLACE_H
#define ROAM_HOST_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "base/addr.h"
#include "base/time.h"
#include "rtnl/socket.h"

struct host_place;

/**
 * struct host_place_ops - what the user tells, and is told; constant
 * @target: the @i-th destination of a family (AF_INET or AF_INET6), the first
 *	that decides first; false behind the last. None: no place is looked for.
 * @own: the host's own permanent address of a family, which is a place only
 *	where a link to a network has it as well (OPEN-22); false if there is
 *	none. May be NULL.
 * @restore: puts back what of ours others removed, before each look and after
 *	each move; may be NULL
 * @look: called after each look; @moved: the place is not what it was at the
 *	last call
 */
struct host_place_ops {
	bool (*target)(void *ctx, int family, size_t i, struct roam_addr *to);
	bool (*own)(void *ctx, int family, struct roam_addr *addr);
	void (*restore)(void *ctx);
	void (*look)(void *ctx, const struct roam_place *place, bool moved);
};

/**
 * struct host_places - what is known
 * @now: where the host is; no address: nowhere, in this family
 * @before: where it was before that, each the last that there was
 * @link4: the link of @now's address, or of the last one that there was; 0: never
 * @link6: the same, IPv6
 * @moved: when @now changed; 0: never
 * @moves: how often
 */
struct host_places {
	struct roam_place now;
	struct roam_place before;
	unsigned int link4;
	unsigned int link6;
	msec_t moved;
	uint64_t moves;
};

/**
 * host_place_open() - begin to watch; nothing is called before host_place_look()
 * @loop: the loop
 * @device: link that holds the own addresses and is no link to a network, or NULL
 * @ops: see there
 * @ctx: for @ops
 * @error: on failure a sentence, caller frees
 */
struct host_place *host_place_open(uv_loop_t *loop, const char *device,
				   const struct host_place_ops *ops, void *ctx,
				   char **error);
/* No call comes after this; what it holds goes at the next turn of the loop. */
void host_place_close(struct host_place *place);
/* Another device, with a new configuration. */
void host_place_set_device(struct host_place *place, const char *device);
/* Looks now: something that decides about the place changed. */
void host_place_look(struct host_place *place);
const struct host_places *host_place_get(const struct host_place *place);
/* The client for requests about routes, as the user has some as well. */
struct rtnl *host_place_rtnl(const struct host_place *place);

#endif
