// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/pool.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define POOL_CHUNK (64 * 1024)	/* bytes */
#define POOL_ALIGN 16		/* bytes before the first object */

static void push(void **list, void *item)
{
	*(void **)item = *list;
	*list = item;
}

static void *pop(void **list)
{
	void *item = *list;

	if (item)
		*list = *(void **)item;
	return item;
}

void pool_init(struct pool *pool, size_t size)
{
	*pool = (struct pool){ .size = size };
}

void pool_fini(struct pool *pool)
{
	void *chunk;

	while ((chunk = pop(&pool->chunks)))
		free(chunk);
	pool_init(pool, pool->size);
}

static bool more(struct pool *pool)
{
	char *chunk = malloc(POOL_CHUNK);
	size_t at;

	if (!chunk)
		return false;
	push(&pool->chunks, chunk);
	for (at = POOL_ALIGN; at + pool->size <= POOL_CHUNK; at += pool->size)
		push(&pool->free, chunk + at);
	return true;
}

void *pool_alloc(struct pool *pool)
{
	void *object;

	if (!pool->free && !more(pool))
		return NULL;
	object = pop(&pool->free);
	return memset(object, 0, pool->size);
}

void pool_free(struct pool *pool, void *object)
{
	push(&pool->free, object);
}
