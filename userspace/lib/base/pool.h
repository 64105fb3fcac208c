/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Objects of one size from large chunks, without a header per object: a
 * register holds millions of them. Chunks go back only with the pool. A pool that
 * has got large takes huge pages: what is looked up at random in a gigabyte of
 * small ones waits for the processor's page tables as well as for the memory.
 */
#ifndef ROAM_BASE_POOL_H
#define ROAM_BASE_POOL_H

#include <stddef.h>

/**
 * struct pool - the pool
 * @size: bytes per object, at least that of a pointer
 * @free: list of objects given back, linked through their first word
 * @chunks: list of chunks, linked through their first word
 * @n_chunks: their number
 * @fresh: the part of the newest chunk that was never used
 * @end: of that chunk
 */
struct pool {
	size_t size;
	void *free;
	void *chunks;
	size_t n_chunks;
	char *fresh;
	char *end;
};

void pool_init(struct pool *pool, size_t size);
/* Every object is gone after it. */
void pool_fini(struct pool *pool);
/* A zeroed object, or NULL when out of memory. */
void *pool_alloc(struct pool *pool);
void pool_free(struct pool *pool, void *object);

#endif
