/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mappings and endpoints.
 *
 * A mapping says where a permanent address is. What moves is one pointer: a
 * mapping points to an endpoint, which is the care-of address and never
 * changes; a move makes a new endpoint and swaps the pointer.
 *
 * Contract
 *
 * - Readers (the hooks, dumps) hold rcu_read_lock() and use what a lookup
 *   returned until they release it. No reference is taken.
 * - Every change is made under mangle_net.lock. What is taken out of a table is
 *   freed by RCU.
 * - mangle_mapping.perm, .role and mangle_endpoint.coa never change.
 * - A valid mapping has exactly one current endpoint, and that endpoint points
 *   back to it: on the wire a care-of address stands for one permanent
 *   address (symmetric mode), which is how a received packet finds its way
 *   back. Two permanent addresses behind one care-of address are refused.
 * - After a move the old endpoint stays in by_coa for the time of grace, named
 *   in mangle_net.left, still pointing to the mapping: packets in flight are
 *   translated. A new mapping at that address ends the grace at once.
 * - A mapping that goes takes all its endpoints out first.
 */
#ifndef ROAM_MANGLE_TABLE_H
#define ROAM_MANGLE_TABLE_H

#include "../core/lookup.h"
#include "mangle.h"

/**
 * struct mangle_endpoint - a care-of address
 * @node: in mangle_net.by_coa
 * @coa: the care-of address, the key
 * @mapping: whose it is, or was until the grace ends
 * @route: how packets get there, or NULL; see route.h
 * @rcu: frees it
 */
struct mangle_endpoint {
	struct rhash_head node;
	struct in6_addr coa;
	struct mangle_mapping *mapping;
	struct roam_route __rcu *route;
	struct rcu_head rcu;
};

/**
 * struct mangle_left - an endpoint in grace; few are, so it is not part of them
 * @list: in mangle_net.left, the next to end first; mangle_net.lock
 * @endpoint: the endpoint; its mapping points to another one, or to none
 * @until: end of the grace in jiffies
 */
struct mangle_left {
	struct list_head list;
	struct mangle_endpoint *endpoint;
	unsigned long until;
};

/**
 * struct mangle_mapping - a permanent address
 * @node: in mangle_net.by_perm
 * @perm: the permanent address, the key
 * @endpoint: where it is; NULL in a null mapping; RCU, mangle_net.lock
 * @seq: sequence of the registration; mangle_net.lock
 * @expires: jiffies when it ends, if @mortal; written under mangle_net.lock
 * @rcu: frees it; lies over what only netlink reads, which looks at @dead
 * @used: jiffies of the last packet; written by the hooks, only if changed
 * @epoch: mangle_net.epoch when @endpoint was set, tells who knows about it (see
 *	mangle_peer.epoch); written under mangle_net.lock
 * @role: enum roam_mangle_role
 * @mode: enum roam_mangle_mode; written under mangle_net.lock
 * @mortal: it has a lifetime; mangle_net.lock
 * @dead: it was removed
 *
 * There may be millions: 64 bytes, so that it shares no line with others.
 */
struct mangle_mapping {
	struct rhash_head node;
	struct in6_addr perm;
	struct mangle_endpoint __rcu *endpoint;
	union {
		struct {
			u64 seq;
			u32 expires;
		};
		struct rcu_head rcu;
	};
	u32 used;
	u32 epoch;
	u8 role;
	u8 mode;
	bool mortal;
	bool dead;
};

#define MANGLE_MAPPING_PARAMS \
	ROAM_TABLE_PARAMS(struct mangle_mapping, node, perm)
#define MANGLE_ENDPOINT_PARAMS \
	ROAM_TABLE_PARAMS(struct mangle_endpoint, node, coa)

/* The mapping of a permanent address or NULL; under rcu_read_lock(). */
static inline struct mangle_mapping *
mangle_mapping_find(struct mangle_net *mn, const struct in6_addr *perm)
{
	return roam_table_entry(roam_table_find(&mn->by_perm, perm, 1),
				struct mangle_mapping, node);
}

/**
 * mangle_endpoint_look - find the endpoint at a care-of address
 * @mn: namespace; under rcu_read_lock()
 * @coa: the address
 * @found: set to the endpoint, or to NULL
 *
 * Return: false if mangle_endpoint_find() has to be asked.
 */
static __always_inline bool mangle_endpoint_look(struct mangle_net *mn,
						 const struct in6_addr *coa,
						 struct mangle_endpoint **found)
{
	struct rhash_head *node;

	if (unlikely(!roam_table_look(&mn->by_coa, coa, 1, &node)))
		return false;
	*found = roam_table_entry(node, struct mangle_endpoint, node);
	return true;
}

/* The endpoint at a care-of address or NULL; under rcu_read_lock(). */
static inline struct mangle_endpoint *
mangle_endpoint_find(struct mangle_net *mn, const struct in6_addr *coa)
{
	return roam_table_entry(roam_table_find(&mn->by_coa, coa, 1),
				struct mangle_endpoint, node);
}

/* A packet used it. Written only if the time changed: the line stays shared. */
static inline void mangle_mapping_touch(struct mangle_mapping *mapping)
{
	u32 now = (u32)jiffies;

	if (READ_ONCE(mapping->used) != now)
		WRITE_ONCE(mapping->used, now);
}

/**
 * struct mangle_mapping_request - a wanted mapping, checked for itself
 * @perm: permanent address
 * @coa: care-of address, if @valid
 * @valid: else a null mapping
 * @role: enum roam_mangle_role
 * @mode: enum roam_mangle_mode
 * @exclusive: refuse it if there is one already
 * @existing: refuse it if there is none yet
 * @seq: sequence of the registration
 * @lifetime: jiffies, 0 for ever
 */
struct mangle_mapping_request {
	struct in6_addr perm;
	struct in6_addr coa;
	bool valid;
	u8 role;
	u8 mode;
	bool exclusive;
	bool existing;
	u64 seq;
	unsigned long lifetime;
};

/**
 * mangle_mapping_set - add or replace a mapping
 * @mn: namespace; lock held
 * @req: what it shall be
 * @reason: set to what happened, enum roam_mangle_reason
 * @extack: gets the cause of a refusal
 *
 * Return: the mapping, or ERR_PTR: -EEXIST, -ENOENT, -ESTALE (older sequence),
 * -EADDRINUSE (care-of address carries another permanent address),
 * -EBUSY (role cannot change), -ENOSPC (limit), -ENOMEM. On error nothing
 * changed.
 */
struct mangle_mapping *mangle_mapping_set(struct mangle_net *mn,
				      const struct mangle_mapping_request *req,
				      u8 *reason,
				      struct netlink_ext_ack *extack);
/* Takes a mapping out, with its endpoints; lock held. Freed by RCU. */
void mangle_mapping_remove(struct mangle_net *mn, struct mangle_mapping *mapping);
void mangle_mapping_flush(struct mangle_net *mn);

/**
 * mangle_table_sweep - remove mappings and left endpoints that have ended
 * @mn: namespace; lock held
 *
 * Return: jiffies until the next one ends, MAX_SCHEDULE_TIMEOUT for none.
 */
unsigned long mangle_table_sweep(struct mangle_net *mn);

/**
 * struct mangle_mapping_view - what netlink tells about a mapping
 * @endpoint: where it is, or NULL; under rcu_read_lock() or mangle_net.lock
 * @seq: sequence of the registration
 * @left: jiffies it has left, 0 for ever
 */
struct mangle_mapping_view {
	const struct mangle_endpoint *endpoint;
	u64 seq;
	u32 left;
};

/* Reads a mapping; false if it was removed meanwhile. */
static inline bool mangle_mapping_view(const struct mangle_mapping *mapping,
				     struct mangle_mapping_view *view)
{
	/* Under RCU, or under mangle_net.lock for the event of a removal. */
	view->endpoint = rcu_dereference_raw(mapping->endpoint);
	view->seq = READ_ONCE(mapping->seq);
	view->left = 0;
	if (mapping->mortal)
		view->left = max(1, (s32)(READ_ONCE(mapping->expires) -
					  (u32)jiffies));
	/* with smp_wmb() in mangle_mapping_remove() */
	smp_rmb();
	return !READ_ONCE(mapping->dead);
}

int mangle_table_init(struct mangle_net *mn);
void mangle_table_exit(struct mangle_net *mn);

/* The memory of all namespaces' tables; exit after the last of them is gone. */
int mangle_table_caches_init(void);
void mangle_table_caches_exit(void);

#endif
