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
 * - Every change is made under mangle_table.lock. What is taken out of a table is
 *   freed by RCU.
 * - mangle_mapping.perm, .role and mangle_endpoint.coa never change.
 * - A valid mapping has exactly one current endpoint, and that endpoint points
 *   back to it: on the wire a care-of address stands for one permanent
 *   address (symmetric mode), which is how a received packet finds its way
 *   back. Two permanent addresses behind one care-of address are refused.
 * - After a move the old endpoint stays in by_coa for the time of grace, named
 *   in mangle_table.graces and in its mapping's, still pointing to the mapping:
 *   packets in flight are translated. A new mapping at that address ends the
 *   grace at once, and so does the ninth move within that time.
 * - A mapping that goes takes all its endpoints out first.
 * - A mapping that has ended is removed by mangle_table_sweep().
 * - The table tells its user by struct mangle_table_ops what happened, and calls
 *   nothing else but the core.
 */
#ifndef ROAM_MANGLE_TABLE_H
#define ROAM_MANGLE_TABLE_H

#include <linux/mutex.h>
#include <net/net_namespace.h>

#include <uapi/linux/roam_mangle.h>

#include "../core/ends.h"
#include "../core/lookup.h"
#include "../core/route.h"
#include "../core/sweep.h"
#include "config.h"
#include "range.h"

/* Prefixes that no mobile host can be in. */
#define MANGLE_INTERNAL_MAX 64

/* Roles of a mapping: enum roam_mangle_role */
#define MANGLE_ROLES (ROAM_MANGLE_ROLE_OWN + 1)

struct mangle_mapping;
struct mangle_table;

/**
 * struct mangle_endpoint - a care-of address
 * @node: in mangle_table.by_coa
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
 * struct mangle_grace - an endpoint in grace; few are, so it is not part of them
 * @list: in mangle_table.graces, the next to end first
 * @node: in mangle_ending.graces
 * @endpoint: the endpoint; its mapping points to another one, or to none
 * @until: end of the grace in jiffies
 *
 * All under mangle_table.lock.
 */
struct mangle_grace {
	struct list_head list;
	struct hlist_node node;
	struct mangle_endpoint *endpoint;
	unsigned long until;
};

/**
 * struct mangle_ending - what a mapping has that ends, or that has moved
 * @end: in mangle_table.ends while the mapping has a lifetime
 * @mapping: whose it is
 * @graces: its endpoints in grace, the latest first; few
 *
 * All under mangle_table.lock.
 */
struct mangle_ending {
	struct roam_end end;
	struct mangle_mapping *mapping;
	struct hlist_head graces;
};

/**
 * struct mangle_mapping - a permanent address
 * @node: in mangle_table.by_perm
 * @perm: the permanent address, the key
 * @endpoint: where it is; NULL in a null mapping; RCU, the lock
 * @seq: sequence of the registration; the lock
 * @ending: its lifetime and what it left behind, or NULL; the lock
 * @rcu: frees it; lies over what only netlink reads, which looks at @dead, and
 *	what goes before
 * @expires: jiffies when it ends, if @mortal; written under the lock
 * @used: jiffies of the last packet; written by the hooks, only if changed
 * @epoch: mangle_table.epoch when @endpoint was set, tells who knows about it (see
 *	mangle_peer.epoch); written under the lock
 * @role: enum roam_mangle_role
 * @mode: enum roam_mangle_mode; written under the lock
 * @mortal: it has a lifetime; the lock
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
			struct mangle_ending *ending;
		};
		struct rcu_head rcu;
	};
	u32 expires;
	u32 used;
	u32 epoch;
	u8 role;
	u8 mode;
	bool mortal;
	bool dead;
};

/**
 * struct mangle_table_ops - what the table tells its user, under the lock
 * @event: a mapping came, changed or is about to go; enum roam_mangle_reason
 * @moved: a remote mapping moved and has got a number of mangle_table.epoch
 */
struct mangle_table_ops {
	void (*event)(struct mangle_table *table,
		      const struct mangle_mapping *mapping, u8 reason);
	void (*moved)(struct mangle_table *table);
};

/**
 * struct mangle_table - the mappings of a namespace
 * @by_perm: struct mangle_mapping by permanent address
 * @by_coa: struct mangle_endpoint by care-of address
 * @mappings: number of mappings by role; written under @lock, read without, so
 *	that a host of one role does not look for the other
 * @lock: serialises every change
 * @ends: struct mangle_ending, what ends next; @lock
 * @graces: struct mangle_grace, the next to go first; @lock
 * @epoch: raised by each move of a mapping, and by each correspondent that
 *	learns of one; @lock
 * @generation: raised by each change of mappings or correspondents, marks dumps
 * @used: there was a mapping once; @lock
 * @net: the namespace, for the account of its memory
 * @config: settings
 * @ranges: prefixes that hold permanent addresses, NULL for none; RCU, @lock
 * @internal: prefixes that no mobile host can be in, NULL for none; RCU, @lock
 * @sweep: has mangle_table_sweep() called
 * @ops: of the user
 */
struct mangle_table {
	struct rhashtable by_perm;
	struct rhashtable by_coa;
	u32 mappings[MANGLE_ROLES];

	struct mutex lock;
	struct roam_ends ends;
	struct list_head graces;
	atomic_t epoch;
	atomic_t generation;
	bool used;
	struct net *net;
	const struct mangle_config *config;
	struct mangle_ranges __rcu *ranges;
	struct mangle_ranges __rcu *internal;
	struct roam_sweep *sweep;
	const struct mangle_table_ops *ops;
};

/* Is there any mapping of this role? */
static inline bool mangle_has(const struct mangle_table *table, u8 role)
{
	return READ_ONCE(table->mappings[role]);
}

static inline u32 mangle_mappings(const struct mangle_table *table)
{
	return READ_ONCE(table->mappings[ROAM_MANGLE_ROLE_REMOTE]) +
	       READ_ONCE(table->mappings[ROAM_MANGLE_ROLE_OWN]);
}

/* The mapping of a permanent address or NULL; under rcu_read_lock(). */
static inline struct mangle_mapping *
mangle_mapping_find(struct mangle_table *table, const struct in6_addr *perm)
{
	return roam_table_entry(roam_table_find(&table->by_perm, perm, 1),
				struct mangle_mapping, node);
}

/**
 * mangle_endpoint_look - find the endpoint at a care-of address
 * @table: the table; under rcu_read_lock()
 * @coa: the address
 * @found: set to the endpoint, or to NULL
 *
 * Return: false if mangle_endpoint_find() has to be asked.
 */
static __always_inline bool mangle_endpoint_look(struct mangle_table *table,
						 const struct in6_addr *coa,
						 struct mangle_endpoint **found)
{
	struct rhash_head *node;

	if (unlikely(!roam_table_look(&table->by_coa, coa, 1, &node)))
		return false;
	*found = roam_table_entry(node, struct mangle_endpoint, node);
	return true;
}

/* The endpoint at a care-of address or NULL; under rcu_read_lock(). */
static inline struct mangle_endpoint *
mangle_endpoint_find(struct mangle_table *table, const struct in6_addr *coa)
{
	return roam_table_entry(roam_table_find(&table->by_coa, coa, 1),
				struct mangle_endpoint, node);
}

/*
 * A packet used the mapping. The time is written only if it changed, so that the cache
 * line stays shared.
 */
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
 * @table: the table; lock held
 * @req: what it shall be
 * @reason: set to what happened, enum roam_mangle_reason
 * @extack: gets the cause of a refusal
 *
 * The caller sends the event, since it may have to remove the mapping again.
 *
 * Return: the mapping, or ERR_PTR: -EEXIST, -ENOENT, -ESTALE (older sequence),
 * -EADDRINUSE (care-of address carries another permanent address),
 * -EADDRNOTAVAIL (nobody else can be there: see mangle_coa_check()),
 * -EBUSY (role cannot change, or the table is being rebuilt), -ENOSPC (limit),
 * -ENOMEM. On error nothing changed.
 */
struct mangle_mapping *
mangle_mapping_set(struct mangle_table *table,
		   const struct mangle_mapping_request *req, u8 *reason,
		   struct netlink_ext_ack *extack);
/* Takes a mapping out, with its endpoints; lock held. Freed by RCU. */
void mangle_mapping_remove(struct mangle_table *table,
			   struct mangle_mapping *mapping);
/* The same for all, with an event for each. */
void mangle_mapping_flush(struct mangle_table *table);

/**
 * mangle_table_sweep - remove the mappings that have ended, and the endpoints whose
 * grace is over
 * @table: the table; takes the lock, and gives it to others now and then
 *
 * What it costs depends on how many have ended, not on how many there are.
 *
 * Return: jiffies until it is to be called again, MAX_SCHEDULE_TIMEOUT: nothing can
 * end.
 */
unsigned long mangle_table_sweep(struct mangle_table *table);

/**
 * struct mangle_mapping_view - what netlink tells about a mapping
 * @endpoint: where it is, or NULL; under rcu_read_lock() or the lock
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
	/* Under RCU, or under the lock for the event of a removal. */
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

/**
 * mangle_table_init - make the table of a namespace
 * @table: the table, all zero
 * @net: the namespace
 * @config: its settings
 * @sweep: its sweeper
 * @ops: what to call
 *
 * Return: 0 or -ENOMEM.
 */
int mangle_table_init(struct mangle_table *table, struct net *net,
		      const struct mangle_config *config,
		      struct roam_sweep *sweep,
		      const struct mangle_table_ops *ops);
void mangle_table_exit(struct mangle_table *table);

/* The memory of all namespaces' tables; exit after the last of them is gone. */
int mangle_table_caches_init(void);
void mangle_table_caches_exit(void);

#endif
