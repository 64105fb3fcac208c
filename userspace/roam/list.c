// SPDX-License-Identifier: GPL-2.0-or-later
#include "roam/list.h"

#include <stdlib.h>
#include <string.h>

void *list_at(const struct list *list, size_t i)
{
	return (char *)list->items + i * list->size;
}

void list_append(struct list *list, const void *item)
{
	if (list->n == list->room) {
		list->room = list->room * 2 + 256;
		list->items = realloc(list->items, list->room * list->size);
		/* A tool that has no memory has nothing to say either. */
		if (!list->items)
			abort();
	}
	memcpy(list_at(list, list->n++), item, list->size);
}

void list_sort(struct list *list, int (*compare)(const void *, const void *))
{
	if (list->n)
		qsort(list->items, list->n, list->size, compare);
}

void list_free(struct list *list)
{
	free(list->items);
	list->items = NULL;
	list->n = list->room = 0;
}
