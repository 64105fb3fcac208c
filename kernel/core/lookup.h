/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tables of entries by address: rhashtables whose look-up is in line, and one
 * walk over all entries.
 *
 * Contract
 *
 * - An entry has a struct rhash_head, and its key right behind that: one
 *   struct in6_addr or, a constant number of them, ROAM_KEY_ADDRS at most.
 * - Readers hold rcu_read_lock(). Who takes an entry out frees it by RCU.
 * - Who changes a table needs no lock for that: it has its own for each bucket.
 */
#ifndef ROAM_CORE_LOOKUP_H
#define ROAM_CORE_LOOKUP_H

#include <linux/rhashtable.h>

#include "addr.h"

/* Comparison of the key of an entry, for rhashtable_params.obj_cmpfn. */
static inline int roam_table_cmp(struct rhashtable_compare_arg *arg,
				 const void *entry)
{
	const struct rhashtable_params *p = &arg->ht->p;
	const struct rhash_head *node = entry + p->head_offset;

	return roam_addrs_differ(arg->key, (const void *)(node + 1),
				 p->key_len / sizeof(struct in6_addr));
}

/*
 * The parameters of a table of @type, whose members are @node_ and @key_. A
 * constant: with it in sight the compiler inlines the hash into what changes the
 * table.
 */
#define ROAM_TABLE_PARAMS(type, node_, key_)				\
	((const struct rhashtable_params) {				\
		.head_offset = offsetof(type, node_) +			\
			BUILD_BUG_ON_ZERO(offsetof(type, key_) !=	\
					  offsetofend(type, node_)),	\
		.key_offset = offsetof(type, key_),			\
		.key_len = sizeof_field(type, key_),			\
		.hashfn = roam_addr_hash,				\
		.obj_cmpfn = roam_table_cmp,				\
		.automatic_shrinking = true,				\
	})

/**
 * roam_table_look - rhashtable_lookup() with hash and comparison in line
 * @ht: the table
 * @key: one address or more
 * @n: how many, a constant
 * @found: set to the node, or to NULL
 *
 * Its own way to call them, by pointer from a structure, costs as much as all
 * the rest. Without a call in it, so that a hook that looks needs no frame.
 *
 * Return: false if the table is so large or so new, or is growing, that
 * roam_table_find() has to be asked.
 */
static __always_inline bool roam_table_look(struct rhashtable *ht,
					    const struct in6_addr *key,
					    unsigned int n,
					    struct rhash_head **found)
{
	struct bucket_table *tbl = rht_dereference_rcu(ht->tbl, ht);
	struct rhash_lock_head __rcu *const *bucket;
	struct rhash_head *node, *first;
	unsigned int hash;

	if (unlikely(tbl->nest))
		return false;
	hash = rht_bucket_index(tbl, roam_addr_hash(key, n * sizeof(*key),
						    tbl->hash_rnd));
	bucket = &tbl->buckets[hash];
	/* As rht_ptr_rcu(), which makes a marker of an empty bucket first. */
	first = (struct rhash_head *)((unsigned long)rcu_dereference(*bucket) &
				      ~BIT(0));
	*found = NULL;
	if (first) {
		rht_for_each_rcu_from(node, first, tbl, hash) {
			if (!roam_addrs_differ((void *)(node + 1), key, n)) {
				/* The caller's test for NULL goes with this. */
				if (!node)
					__builtin_unreachable();
				*found = node;
				return true;
			}
		}
		/* An entry that moved under our eyes to another chain? */
		if (unlikely(node != RHT_NULLS_MARKER(bucket)))
			return false;
	}
	/* Or to another table? */
	smp_rmb();
	return likely(!rcu_access_pointer(tbl->future_tbl));
}

struct rhash_head *__roam_table_find(struct rhashtable *ht,
				     const struct in6_addr *key);

/**
 * roam_table_find - find an entry
 * @ht: the table; under rcu_read_lock()
 * @key: one address or more
 * @n: how many, a constant
 *
 * Return: its node for container_of(), or NULL.
 */
static __always_inline struct rhash_head *
roam_table_find(struct rhashtable *ht, const struct in6_addr *key,
		unsigned int n)
{
	struct rhash_head *node;

	if (likely(roam_table_look(ht, key, n, &node)))
		return node;
	return __roam_table_find(ht, key);
}

/* The entry of a node that a look-up has found, or NULL. */
#define roam_table_entry(node, type, member)				\
	({								\
		struct rhash_head *__node = (node);			\
		__node ? container_of(__node, type, member) : NULL;	\
	})

int __roam_table_insert(struct rhashtable *ht, struct rhash_head *node);

/**
 * roam_table_insert - put an entry into a table that has none with its key
 * @ht: the table
 * @node: of the entry
 * @params: of the table, a constant
 *
 * A table that is being rebuilt and has a long chain refuses (-EBUSY): this one
 * waits for the new one. May sleep.
 *
 * Return: 0, -EEXIST, -ENOMEM, -E2BIG; -EBUSY if a new table does not help
 * either. See roam_nl_insert_error().
 */
static __always_inline int
roam_table_insert(struct rhashtable *ht, struct rhash_head *node,
		  const struct rhashtable_params params)
{
	int err = rhashtable_insert_fast(ht, node, params);

	return likely(err != -EBUSY) ? err : __roam_table_insert(ht, node);
}

/**
 * roam_table_walk - visit all entries
 * @ht: the table
 * @fn: gets each, under rcu_read_lock(); may take it out. False ends the walk
 * @ctx: for @fn
 *
 * May sleep, lets others run now and then. A resize of the table under the walk,
 * or a pause, may show an entry twice, never a removed one; what comes or goes
 * meanwhile may be missed.
 */
void roam_table_walk(struct rhashtable *ht, bool (*fn)(void *entry, void *ctx),
		     void *ctx);

#endif
