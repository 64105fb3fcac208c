/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host routes outside of a domain (Documentation/protocols/mmp.md, "Host routes").
 * Where several gateways share a subnet, a prefix does not tell at which of them a
 * host is. Each gateway tells the others, and border routers, of each host that
 * came and went: the newest word of the host itself wins (TEN-18, OPEN-47). No I/O.
 *
 * The same core is in a gateway, which announces and gives up hosts that are
 * elsewhere, and in a border router, which has routes and announces nothing.
 */
#ifndef ROAM_CORE_MMP_BORDER_H
#define ROAM_CORE_MMP_BORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"
#include "wire/mmp.h"

#define MMP_PEERS_MAX 8		/* other gateways and border routers */
#define MMP_SPEAKERS_MAX 16	/* gateways heard */

/**
 * struct mmp_border_config - of a gateway or a border router
 * @name: its name
 * @key_id: domain key that the key of host routes is made from
 * @via: gateway: by which address others reach it, IPv4 and IPv6; or none
 * @peers: whom it tells
 * @n_peers: their number
 * @subnets: addresses of hosts
 * @n_subnets: their number
 * @max_hosts: most hosts known
 * @retry: ms until an unanswered word is said again; doubles
 * @retry_max: up to this
 * @refresh: ms after which everything is said again: a peer may have been restarted
 */
struct mmp_border_config {
	struct mmp_name name;
	uint32_t key_id;
	struct roam_addr via[2];
	struct roam_addr peers[MMP_PEERS_MAX];
	size_t n_peers;
	struct roam_prefix subnets[MMP_SUBNETS_MAX];
	size_t n_subnets;
	size_t max_hosts;
	msec_t retry;
	msec_t retry_max;
	msec_t refresh;
};

/**
 * struct mmp_border_route - where a host is
 * @coa: its care-of address
 * @via: gateway
 * @seq: the host's sequence when it came there
 * @own: this gateway itself
 */
struct mmp_border_route {
	struct roam_addr coa;
	struct roam_addr via;
	uint64_t seq;
	bool own;
};

/**
 * struct mmp_border_ops - what the core asks its caller for
 * @send: a message to a peer
 * @set_route: a host is at another gateway: the way there is @via
 * @del_route: and it left
 * @leave: a host of this gateway is at another one
 */
struct mmp_border_ops {
	void (*send)(void *ctx, const struct roam_addr *to,
		     const struct mmp_msg *msg);
	void (*set_route)(void *ctx, const struct roam_addr *coa,
			  const struct roam_addr *via);
	void (*del_route)(void *ctx, const struct roam_addr *coa,
			  const struct roam_addr *via);
	void (*leave)(void *ctx, const struct roam_addr *coa);
};

struct mmp_border;

/* NULL when out of memory. @epoch: higher after each start. */
struct mmp_border *mmp_border_new(const struct mmp_border_config *config,
				  uint32_t epoch,
				  const struct mmp_border_ops *ops, void *ctx);
void mmp_border_free(struct mmp_border *border);

/* A host registered here, or was heard here again; @seq: its sequence. */
void mmp_border_came(struct mmp_border *border, msec_t now,
		     const struct roam_addr *coa, uint64_t seq);
/* Its entry here ended. */
void mmp_border_went(struct mmp_border *border, msec_t now,
		     const struct roam_addr *coa);
/* An authenticated message from @src. MMP_DROP_NONE or why it had no effect. */
enum mmp_drop mmp_border_input(struct mmp_border *border, msec_t now,
			       const struct roam_addr *src,
			       const struct mmp_msg *msg);
/* Does what is due; returns when next. */
msec_t mmp_border_tick(struct mmp_border *border, msec_t now);
/* Calls @fn for each host known. */
void mmp_border_each(const struct mmp_border *border,
		     void (*fn)(void *ctx, const struct mmp_border_route *route),
		     void *ctx);

#endif
