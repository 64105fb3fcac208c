// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/pool.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/huge.h"

#define POOL_CHUNK (64 * 1024)	/* bytes */
#define POOL_SMALL 32		/* chunks of that size before those of a huge page */
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
	bool small = pool->n_chunks < POOL_SMALL;
	char *chunk = small ? malloc(POOL_CHUNK) : huge_alloc(HUGE_PAGE);

	if (!chunk)
		return false;
	push(&pool->chunks, chunk);
	pool->n_chunks++;
	pool->fresh = chunk + POOL_ALIGN;
	pool->end = chunk + (small ? POOL_CHUNK : HUGE_PAGE);
	return true;
}

void *pool_alloc(struct pool *pool)
{
	void *object = pop(&pool->free);

	if (!object) {
		if ((size_t)(pool->end - pool->fresh) < pool->size &&
		    !more(pool))
			return NULL;
		object = pool->fresh;
		pool->fresh += pool->size;
	}
	return memset(object, 0, pool->size);
}

void pool_free(struct pool *pool, void *object)
{
	push(&pool->free, object);
}
