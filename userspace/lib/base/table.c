// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/huge.h"

#define TABLE_ROOM_MIN 16	/* buckets of the first allocation */

/**
 * struct sip - state of SipHash
 * @v: the four words
 */
struct sip {
	uint64_t v[4];
};

static inline uint64_t rotl(uint64_t x, unsigned int n)
{
	return x << n | x >> (64 - n);
}

/*
 * In line, so that the four words stay in registers: the compiler by itself keeps them in
 * memory, at the cost of a third of the hash.
 */
static inline __attribute__((always_inline)) void sip_round(struct sip *s)
{
	uint64_t *v = s->v;

	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] = rotl(v[0], 32) + v[3];
	v[2] += v[1];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

static inline __attribute__((always_inline)) void sip_word(struct sip *s,
							   uint64_t word)
{
	s->v[3] ^= word;
	sip_round(s);
	s->v[0] ^= word;
}

static uint64_t hash_key[2];
static bool hash_key_set;

void table_set_key(uint64_t k0, uint64_t k1)
{
	hash_key[0] = k0;
	hash_key[1] = k1;
	hash_key_set = true;
}

/* A process without random numbers still works, only its order can be guessed. */
static void draw_key(void)
{
	uint64_t key[2];

	if (getrandom(key, sizeof(key), 0) != sizeof(key))
		memset(key, 0x5a, sizeof(key));
	table_set_key(key[0], key[1]);
}

uint64_t table_hash(const void *data, size_t len)
{
	uint64_t last = (uint64_t)len << 56;
	struct sip s;
	const uint8_t *p = data;
	uint64_t word;
	size_t left;
	int i;

	if (!hash_key_set)
		draw_key();
	s = (struct sip){ {
		hash_key[0] ^ 0x736f6d6570736575,
		hash_key[1] ^ 0x646f72616e646f6d,
		hash_key[0] ^ 0x6c7967656e657261,
		hash_key[1] ^ 0x7465646279746573,
	} };
	for (left = len; left >= sizeof(word); left -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sip_word(&s, word);
		p += sizeof(word);
	}
	while (left--)
		last |= (uint64_t)p[left] << (8 * left);
	sip_word(&s, last);
	s.v[2] ^= 0xff;
	for (i = 0; i < 3; i++)
		sip_round(&s);
	return s.v[0] ^ s.v[1] ^ s.v[2] ^ s.v[3];
}

static const void *node_key(const struct table *table,
			    const struct table_node *node)
{
	return (const char *)node + table->key_offset;
}

static size_t bucket_of(const struct table *table, const void *key)
{
	size_t i = table_hash(key, table->key_len) & (table->room - 1);

	return i < table->used ? i : i - table->room / 2;
}

void table_init(struct table *table, ptrdiff_t key_offset, size_t key_len)
{
	memset(table, 0, sizeof(*table));
	table->key_offset = key_offset;
	table->key_len = key_len;
}

void table_fini(struct table *table)
{
	free(table->buckets);
	table_init(table, table->key_offset, table->key_len);
}

struct table_node *table_find(const struct table *table, const void *key)
{
	struct table_node *node;

	if (!table->used)
		return NULL;
	node = table->buckets[bucket_of(table, key)];
	while (node && memcmp(node_key(table, node), key, table->key_len))
		node = node->next;
	return node;
}

void table_reserve(struct table *table, size_t n)
{
	struct table_node **buckets;
	size_t room = TABLE_ROOM_MIN;

	while (room < n)
		room *= 2;
	if (table->count || n <= table->used || room > SIZE_MAX / sizeof(*buckets))
		return;
	buckets = huge_alloc(room * sizeof(*buckets));
	if (!buckets)
		return;
	/* More than half of the room, as if it had grown to there. */
	table->used = n > room / 2 ? n : room / 2;
	table->room = room;
	memset(buckets, 0, table->used * sizeof(*buckets));
	free(table->buckets);
	table->buckets = buckets;
}

void table_expect(const struct table *table, const void *key, bool bucket)
{
	struct table_node *const *head;

	if (!table->used)
		return;
	head = &table->buckets[bucket_of(table, key)];
	if (bucket)
		__builtin_prefetch(head, 1);
	else if (*head)
		__builtin_prefetch(*head);
}

static bool more_room(struct table *table)
{
	size_t room = table->room ? table->room * 2 : TABLE_ROOM_MIN;
	struct table_node **buckets;

	buckets = realloc(table->buckets, room * sizeof(struct table_node *));
	if (!buckets)
		return false;
	table->buckets = buckets;
	if (!table->used) {
		table->used = room / 2;
		memset(buckets, 0, table->used * sizeof(struct table_node *));
	}
	table->room = room;
	return true;
}

/*
 * Adds bucket number @used. All its entries are in the one bucket that has
 * the same number without the top bit. Without memory the chains only get
 * longer.
 */
static void grow(struct table *table)
{
	struct table_node **at, *node;
	size_t new;

	if (table->used == table->room && !more_room(table))
		return;
	new = table->used++;
	table->buckets[new] = NULL;
	at = &table->buckets[new - table->room / 2];
	while ((node = *at)) {
		if (bucket_of(table, node_key(table, node)) != new) {
			at = &node->next;
			continue;
		}
		*at = node->next;
		node->next = table->buckets[new];
		table->buckets[new] = node;
	}
}

bool table_insert(struct table *table, struct table_node *node)
{
	struct table_node **head;

	if (!table->used && !more_room(table))
		return false;
	if (table->count >= table->used)
		grow(table);
	head = &table->buckets[bucket_of(table, node_key(table, node))];
	node->next = *head;
	*head = node;
	table->count++;
	return true;
}

void table_remove(struct table *table, struct table_node *node)
{
	struct table_node **at;

	at = &table->buckets[bucket_of(table, node_key(table, node))];
	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	table->count--;
}

struct table_node *table_next(const struct table *table,
			      struct table_iter *iter)
{
	struct table_node *node;

	while (!iter->next && iter->bucket < table->used)
		iter->next = table->buckets[iter->bucket++];
	node = iter->next;
	if (node)
		iter->next = node->next;
	return node;
}
