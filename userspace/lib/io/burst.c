// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/burst.h"

#include <stdlib.h>

/**
 * struct burst - see burst_new()
 * @ops: what the daemon does with its requests
 * @ctx: for its calls
 * @n: requests not answered yet
 * @changed: one of them changed something
 * @requests: all of them
 */
struct burst {
	const struct burst_ops *ops;
	void *ctx;
	size_t n;
	bool changed;
	char *requests;
};

struct burst *burst_new(const struct burst_ops *ops, void *ctx)
{
	struct burst *burst = calloc(1, sizeof(*burst));

	if (!burst)
		return NULL;
	burst->ops = ops;
	burst->ctx = ctx;
	burst->requests = calloc(ops->max, ops->size);
	if (burst->requests)
		return burst;
	free(burst);
	return NULL;
}

void burst_free(struct burst *burst)
{
	if (!burst)
		return;
	free(burst->requests);
	free(burst);
}

static void *request(struct burst *burst, size_t i)
{
	return burst->requests + i * burst->ops->size;
}

void *burst_next(struct burst *burst)
{
	if (burst->n == burst->ops->max)
		burst_end(burst);
	return request(burst, burst->n);
}

void burst_add(struct burst *burst, bool changed)
{
	burst->n++;
	burst->changed |= changed;
}

void burst_batch_end(struct burst *burst)
{
	if (!burst->changed)
		burst_end(burst);
}

/* The replies leave here, behind the commit. */
void burst_end(struct burst *burst)
{
	const struct burst_ops *ops = burst->ops;

	if (burst->changed && !ops->commit(burst->ctx))
		for (size_t i = 0; i < burst->n; i++)
			ops->refuse(burst->ctx, request(burst, i));
	for (size_t i = 0; i < burst->n; i++)
		ops->reply(burst->ctx, request(burst, i));
	burst->n = 0;
	burst->changed = false;
	if (ops->done)
		ops->done(burst->ctx);
}
