// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/deadline.h"

#include <stdlib.h>

#define DEADLINES_ROOM_MIN 64

bool deadlines_reserve(struct deadlines *queue, size_t n)
{
	size_t room = queue->room ? queue->room : DEADLINES_ROOM_MIN;
	struct deadline_slot *heap;

	if (n <= queue->room)
		return true;
	while (room < n)
		room *= 2;
	heap = realloc(queue->heap, room * sizeof(*heap));
	if (!heap)
		return false;
	queue->heap = heap;
	queue->room = room;
	return true;
}

void deadlines_fini(struct deadlines *queue)
{
	free(queue->heap);
	*queue = (struct deadlines){ 0 };
}

static void put(struct deadlines *queue, size_t i, struct deadline_slot slot)
{
	queue->heap[i] = slot;
	slot.owner->pos = i + 1;
}

/* Finds the place for @slot from the hole at @i, and puts it there. */
static void sift(struct deadlines *queue, size_t i, struct deadline_slot slot)
{
	const struct deadline_slot *heap = queue->heap;
	size_t child;

	while (i && heap[(i - 1) / 2].when > slot.when) {
		put(queue, i, heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	while ((child = 2 * i + 1) < queue->n) {
		if (child + 1 < queue->n &&
		    heap[child + 1].when < heap[child].when)
			child++;
		if (heap[child].when >= slot.when)
			break;
		put(queue, i, heap[child]);
		i = child;
	}
	put(queue, i, slot);
}

void deadline_set(struct deadlines *queue, struct deadline *deadline,
		  msec_t when)
{
	struct deadline_slot slot = { when, deadline };

	if (when == MSEC_NEVER)
		deadline_clear(queue, deadline);
	else if (deadline->pos)
		sift(queue, deadline->pos - 1, slot);
	else
		sift(queue, queue->n++, slot);
}

void deadline_clear(struct deadlines *queue, struct deadline *deadline)
{
	size_t i = deadline->pos;

	if (!i--)
		return;
	deadline->pos = 0;
	queue->n--;
	if (i < queue->n)
		sift(queue, i, queue->heap[queue->n]);
}

msec_t deadlines_next(const struct deadlines *queue)
{
	return queue->n ? queue->heap[0].when : MSEC_NEVER;
}

struct deadline *deadlines_pop(struct deadlines *queue, msec_t now)
{
	struct deadline *first;

	if (!queue->n || queue->heap[0].when > now)
		return NULL;
	first = queue->heap[0].owner;
	deadline_clear(queue, first);
	return first;
}
