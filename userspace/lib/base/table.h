/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intrusive hash table with fixed-size binary keys.
 *
 * Contract: the entry embeds a struct table_node and its key, at a fixed
 * distance from the node; the table never allocates per entry. It grows by
 * one bucket per insertion (linear hashing), so no insertion pauses to rehash
 * millions of entries. Buckets are chosen by SipHash-1-3 with a key drawn once
 * per process: whoever picks addresses cannot pick buckets (OPEN-32). This key
 * is the only randomness below core/, and only the order of a walk shows it.
 */
#ifndef ROAM_BASE_TABLE_H
#define ROAM_BASE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))

/**
 * struct table_node - embedded in each entry
 * @next: next in the same bucket
 */
struct table_node {
	struct table_node *next;
};

/**
 * struct table - the table
 * @buckets: heads of chains
 * @used: buckets in use; room / 2 <= used <= room
 * @room: buckets allocated, a power of two; 0 before the first insertion
 * @count: entries
 * @key_offset: distance of the key from the node in bytes
 * @key_len: its length in bytes
 */
struct table {
	struct table_node **buckets;
	size_t used;
	size_t room;
	size_t count;
	ptrdiff_t key_offset;
	size_t key_len;
};

/**
 * struct table_iter - position of a walk; starts zeroed
 * @bucket: next bucket to look at
 * @next: next node to hand out
 */
struct table_iter {
	size_t bucket;
	struct table_node *next;
};

/* Distance of member @key from member @node in @type, for table_init(). */
#define table_key_offset(type, node, key) \
	((ptrdiff_t)offsetof(type, key) - (ptrdiff_t)offsetof(type, node))

void table_init(struct table *table, ptrdiff_t key_offset, size_t key_len);
/* Frees the buckets; the entries are the caller's. */
void table_fini(struct table *table);
struct table_node *table_find(const struct table *table, const void *key);
/* The key must not be in the table yet. False when out of memory. */
bool table_insert(struct table *table, struct table_node *node);
void table_remove(struct table *table, struct table_node *node);
/*
 * Buckets for @n entries at once, for a table that is about to be filled. Without
 * memory, or when it has entries, the table grows as it is filled instead.
 */
void table_reserve(struct table *table, size_t n);
/*
 * For many keys that are looked for soon, so that their way from memory is gone side by
 * side: first each with @bucket, that fetches its bucket, then each without, that fetches
 * the first entry in it.
 */
void table_expect(const struct table *table, const void *key, bool bucket);
/* The next node or NULL; the one just handed out may be removed. */
struct table_node *table_next(const struct table *table,
			      struct table_iter *iter);

/* Keyed hash of any bytes; differs between processes. */
uint64_t table_hash(const void *data, size_t len);
/* A key of one's own, before the first table: so that a test can be repeated. */
void table_set_key(uint64_t k0, uint64_t k1);

#endif
