/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The generic netlink family roam_mangle; its contract is
 * Documentation/netlink/specs/roam_mangle.yaml.
 */
#ifndef ROAM_MANGLE_NETLINK_H
#define ROAM_MANGLE_NETLINK_H

#include "mangle.h"

struct roam_mapping;
struct roam_peer;

/*
 * Events, to whoever listens in the namespace. Atomic context; under
 * rcu_read_lock() or roam_net.lock. One that cannot be built is lost, and the
 * listener learns that from its socket (ENOBUFS).
 */
void roam_nl_mapping_event(struct roam_net *rn,
			   const struct roam_mapping *mapping, u8 reason);
void roam_nl_peer_event(struct roam_net *rn, const struct roam_peer *peer,
			u8 reason);
/* False if nobody in this namespace listens. */
bool roam_nl_miss_event(struct roam_net *rn, const struct in6_addr *own,
			const struct in6_addr *peer, u32 need);
/* Does anybody listen to misses, in whatever namespace? */
bool roam_nl_miss_heard(struct roam_net *rn);

int roam_nl_init(void);
void roam_nl_exit(void);

#endif
