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
 * - Every change is made under roam_net.lock. What is taken out of a table is
 *   freed by RCU.
 * - roam_mapping.perm, .role and roam_endpoint.coa never change.
 * - A valid mapping has exactly one current endpoint, and that endpoint points
 *   back to it: on the wire a care-of address stands for one permanent
 *   address (symmetric mode), which is how a received packet finds its way
 *   back. Two permanent addresses behind one care-of address are refused.
 * - After a move the old endpoint stays in by_coa for the time of grace, named
 *   in roam_net.left, still pointing to the mapping: packets in flight are
 *   translated. A new mapping at that address ends the grace at once.
 * - A mapping that goes takes all its endpoints out first.
 */
#ifndef ROAM_MANGLE_TABLE_H
#define ROAM_MANGLE_TABLE_H

#include <linux/rhashtable.h>

#include "addr.h"
#include "mangle.h"

/**
 * struct roam_endpoint - a care-of address
 * @node: in roam_net.by_coa
 * @coa: the care-of address, the key
 * @mapping: whose it is, or was until the grace ends
 * @route: how packets get there, or NULL; see route.h
 * @rcu: frees it
 */
struct roam_endpoint {
	struct rhash_head node;
	struct in6_addr coa;
	struct roam_mapping *mapping;
	struct roam_route __rcu *route;
	struct rcu_head rcu;
};

/**
 * struct roam_left - an endpoint in grace; few are, so it is not part of them
 * @list: in roam_net.left, the next to end first; roam_net.lock
 * @endpoint: the endpoint; its mapping points to another one, or to none
 * @until: end of the grace in jiffies
 */
struct roam_left {
	struct list_head list;
	struct roam_endpoint *endpoint;
	unsigned long until;
};

/**
 * struct roam_mapping - a permanent address
 * @node: in roam_net.by_perm
 * @perm: the permanent address, the key
 * @endpoint: where it is; NULL in a null mapping; RCU, roam_net.lock
 * @seq: sequence of the registration; roam_net.lock
 * @expires: jiffies when it ends, if @mortal; written under roam_net.lock
 * @rcu: frees it; lies over what only netlink reads, which looks at @dead
 * @used: jiffies of the last packet; written by the hooks, only if changed
 * @epoch: roam_net.epoch when @endpoint was set, tells who knows about it (see
 *	roam_peer.epoch); written under roam_net.lock
 * @role: enum roam_mangle_role
 * @mode: enum roam_mangle_mode; written under roam_net.lock
 * @mortal: it has a lifetime; roam_net.lock
 * @dead: it was removed
 *
 * There may be millions: 64 bytes, so that it shares no line with others.
 */
struct roam_mapping {
	struct rhash_head node;
	struct in6_addr perm;
	struct roam_endpoint __rcu *endpoint;
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

static inline int roam_mapping_cmp(struct rhashtable_compare_arg *arg,
				   const void *mapping)
{
	return roam_addr_differ(arg->key,
				&((const struct roam_mapping *)mapping)->perm);
}

static inline int roam_endpoint_cmp(struct rhashtable_compare_arg *arg,
				    const void *endpoint)
{
	return roam_addr_differ(arg->key,
				&((const struct roam_endpoint *)endpoint)->coa);
}

/*
 * The parameters stand here as constants too: with them in sight the compiler
 * inlines hash and comparison into the lookup.
 */
#define ROAM_MAPPING_PARAMS ((const struct rhashtable_params) {		\
	.head_offset = offsetof(struct roam_mapping, node),		\
	.key_offset = offsetof(struct roam_mapping, perm),		\
	.key_len = sizeof(struct in6_addr),				\
	.hashfn = roam_addr_hash,					\
	.obj_cmpfn = roam_mapping_cmp,					\
	.automatic_shrinking = true,					\
})

#define ROAM_ENDPOINT_PARAMS ((const struct rhashtable_params) {	\
	.head_offset = offsetof(struct roam_endpoint, node),		\
	.key_offset = offsetof(struct roam_endpoint, coa),		\
	.key_len = sizeof(struct in6_addr),				\
	.hashfn = roam_addr_hash,					\
	.obj_cmpfn = roam_endpoint_cmp,					\
	.automatic_shrinking = true,					\
})

/**
 * roam_table_look - rhashtable_lookup() with hash and comparison in line
 * @ht: a table whose entries have the key right behind the node
 * @key: one address or more
 * @n: how many, a constant
 * @hash_of: hash function of the table, a constant
 * @found: set to the node, or to NULL
 *
 * Its own way to call them, by pointer from a structure, costs as much as all
 * the rest. Without a call in it, so that a hook that looks needs no frame.
 *
 * Return: false if the table is so large or so new, or is growing, that
 * rhashtable_lookup() has to be asked.
 */
static __always_inline bool roam_table_look(struct rhashtable *ht,
					    const struct in6_addr *key,
					    unsigned int n, rht_hashfn_t hash_of,
					    struct rhash_head **found)
{
	struct bucket_table *tbl = rht_dereference_rcu(ht->tbl, ht);
	struct rhash_lock_head __rcu *const *bucket;
	struct rhash_head *node;
	unsigned int hash;

	if (unlikely(tbl->nest))
		return false;
	hash = rht_bucket_index(tbl, hash_of(key, n * sizeof(*key),
					     tbl->hash_rnd));
	bucket = &tbl->buckets[hash];
	rht_for_each_rcu_from(node, rht_ptr_rcu(bucket), tbl, hash) {
		if (!roam_addrs_differ((void *)(node + 1), key, n)) {
			*found = node;
			return true;
		}
	}
	*found = NULL;
	/* An entry that moved under our eyes, to another chain or table? */
	smp_rmb();
	return likely(node == RHT_NULLS_MARKER(bucket) &&
		      !rcu_access_pointer(tbl->future_tbl));
}

/* The mapping of a permanent address or NULL; under rcu_read_lock(). */
static inline struct roam_mapping *
roam_mapping_find(struct roam_net *rn, const struct in6_addr *perm)
{
	struct rhash_head *node;

	BUILD_BUG_ON(offsetof(struct roam_mapping, perm) != sizeof(*node));
	if (unlikely(!roam_table_look(&rn->by_perm, perm, 1, roam_addr_hash,
				      &node)))
		return rhashtable_lookup(&rn->by_perm, perm,
					 ROAM_MAPPING_PARAMS);
	return node ? container_of(node, struct roam_mapping, node) : NULL;
}

/**
 * roam_endpoint_look - find the endpoint at a care-of address
 * @rn: namespace; under rcu_read_lock()
 * @coa: the address
 * @found: set to the endpoint, or to NULL
 *
 * Return: false if roam_endpoint_find() has to be asked.
 */
static __always_inline bool roam_endpoint_look(struct roam_net *rn,
					       const struct in6_addr *coa,
					       struct roam_endpoint **found)
{
	struct rhash_head *node;

	BUILD_BUG_ON(offsetof(struct roam_endpoint, coa) != sizeof(*node));
	if (unlikely(!roam_table_look(&rn->by_coa, coa, 1, roam_addr_hash,
				      &node)))
		return false;
	*found = node ? container_of(node, struct roam_endpoint, node) : NULL;
	return true;
}

/* The endpoint at a care-of address or NULL; under rcu_read_lock(). */
static inline struct roam_endpoint *
roam_endpoint_find(struct roam_net *rn, const struct in6_addr *coa)
{
	struct roam_endpoint *endpoint;

	if (likely(roam_endpoint_look(rn, coa, &endpoint)))
		return endpoint;
	return rhashtable_lookup(&rn->by_coa, coa, ROAM_ENDPOINT_PARAMS);
}

/* A packet used it. Written only if the time changed: the line stays shared. */
static inline void roam_mapping_touch(struct roam_mapping *mapping)
{
	u32 now = (u32)jiffies;

	if (READ_ONCE(mapping->used) != now)
		WRITE_ONCE(mapping->used, now);
}

/**
 * struct roam_mapping_request - a wanted mapping, checked for itself
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
struct roam_mapping_request {
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
 * roam_mapping_set - add or replace a mapping
 * @rn: namespace; lock held
 * @req: what it shall be
 * @reason: set to what happened, enum roam_mangle_reason
 * @extack: gets the cause of a refusal
 *
 * Return: the mapping, or ERR_PTR: -EEXIST, -ENOENT, -ESTALE (older sequence),
 * -EADDRINUSE (care-of address carries another permanent address),
 * -EBUSY (role cannot change), -ENOSPC (limit), -ENOMEM. On error nothing
 * changed.
 */
struct roam_mapping *roam_mapping_set(struct roam_net *rn,
				      const struct roam_mapping_request *req,
				      u8 *reason,
				      struct netlink_ext_ack *extack);
/* Takes a mapping out, with its endpoints; lock held. Freed by RCU. */
void roam_mapping_remove(struct roam_net *rn, struct roam_mapping *mapping);
void roam_mapping_flush(struct roam_net *rn);

/**
 * roam_table_sweep - remove mappings and left endpoints that have ended
 * @rn: namespace; lock held
 *
 * Return: jiffies until the next one ends, MAX_SCHEDULE_TIMEOUT for none.
 */
unsigned long roam_table_sweep(struct roam_net *rn);

/**
 * struct roam_mapping_view - what netlink tells about a mapping
 * @endpoint: where it is, or NULL; under rcu_read_lock() or roam_net.lock
 * @seq: sequence of the registration
 * @left: jiffies it has left, 0 for ever
 */
struct roam_mapping_view {
	const struct roam_endpoint *endpoint;
	u64 seq;
	u32 left;
};

/* Reads a mapping; false if it was removed meanwhile. */
static inline bool roam_mapping_view(const struct roam_mapping *mapping,
				     struct roam_mapping_view *view)
{
	/* Under RCU, or under roam_net.lock for the event of a removal. */
	view->endpoint = rcu_dereference_raw(mapping->endpoint);
	view->seq = READ_ONCE(mapping->seq);
	view->left = 0;
	if (mapping->mortal)
		view->left = max(1, (s32)(READ_ONCE(mapping->expires) -
					  (u32)jiffies));
	/* with smp_wmb() in roam_mapping_remove() */
	smp_rmb();
	return !READ_ONCE(mapping->dead);
}

int roam_table_init(struct roam_net *rn);
void roam_table_exit(struct roam_net *rn);

/* The memory of all namespaces' tables; exit after the last of them is gone. */
int roam_table_caches_init(void);
void roam_table_caches_exit(void);

#endif
