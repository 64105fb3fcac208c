/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A list that grows, for what dumps of the kernel hand out one by one. */
#ifndef ROAM_LIST_H
#define ROAM_LIST_H

#include <stddef.h>

/**
 * struct list - items of one type, one behind the other
 * @items: the items, NULL while there is none
 * @n: their number
 * @room: for how many there is memory
 * @size: of one item
 */
struct list {
	void *items;
	size_t n;
	size_t room;
	size_t size;
};

/* An empty list of items of @type. */
#define LIST_OF(type) ((struct list){ .size = sizeof(type) })

void list_append(struct list *list, const void *item);
void list_sort(struct list *list, int (*compare)(const void *, const void *));
void *list_at(const struct list *list, size_t i);
void list_free(struct list *list);

#endif
