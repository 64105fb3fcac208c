/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The generic netlink family roam_mangle; its contract is
 * Documentation/netlink/specs/roam_mangle.yaml.
 */
#ifndef ROAM_MANGLE_NETLINK_H
#define ROAM_MANGLE_NETLINK_H

#include "mangle.h"

struct mangle_mapping;
struct mangle_peer;

/*
 * Events, to whoever listens in the namespace. Atomic context; under
 * rcu_read_lock() or mangle_net.lock. One that cannot be built is lost, and the
 * listener learns that from its socket (ENOBUFS).
 */
void mangle_nl_mapping_event(struct mangle_net *mn,
			   const struct mangle_mapping *mapping, u8 reason);
void mangle_nl_peer_event(struct mangle_net *mn, const struct mangle_peer *peer,
			u8 reason);
/* False if nobody in this namespace listens. */
bool mangle_nl_miss_event(struct mangle_net *mn, const struct in6_addr *own,
			const struct in6_addr *peer, u32 need);
/* Does anybody listen to misses, in whatever namespace? */
bool mangle_nl_miss_heard(struct mangle_net *mn);

int mangle_nl_init(void);
void mangle_nl_exit(void);

#endif
