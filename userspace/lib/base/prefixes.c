// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/prefixes.h"

#include <stdint.h>
#include <stdlib.h>

/**
 * struct range - addresses from @first to @last
 * @first: lowest one
 * @last: highest one
 */
struct range {
	struct roam_addr first;
	struct roam_addr last;
};

/**
 * struct prefix_set - see prefix_set_new()
 * @n: number of @ranges
 * @ranges: in order, no address is in two of them
 */
struct prefix_set {
	size_t n;
	struct range ranges[];
};

static struct range range_of(const struct roam_prefix *prefix)
{
	struct range range = { prefix->addr, prefix->addr };
	unsigned int bit;

	for (bit = prefix->len; bit < 128; bit++)
		range.last.b[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	return range;
}

static int compare(const void *a, const void *b)
{
	const struct range *ra = a, *rb = b;

	return roam_addr_cmp(&ra->first, &rb->first);
}

struct prefix_set *prefix_set_new(const struct roam_prefix *prefixes, size_t n)
{
	struct prefix_set *set = malloc(sizeof(*set) +
					n * sizeof(set->ranges[0]));
	struct range *top;
	size_t i;

	if (!set)
		return NULL;
	for (i = 0; i < n; i++)
		set->ranges[i] = range_of(&prefixes[i]);
	qsort(set->ranges, n, sizeof(set->ranges[0]), compare);
	set->n = 0;
	for (i = 0; i < n; i++) {
		top = set->n ? &set->ranges[set->n - 1] : NULL;
		/* Of two prefixes that overlap one lies in the other. */
		if (!top || roam_addr_cmp(&set->ranges[i].first, &top->last) > 0)
			set->ranges[set->n++] = set->ranges[i];
		else if (roam_addr_cmp(&set->ranges[i].last, &top->last) > 0)
			top->last = set->ranges[i].last;
	}
	return set;
}

void prefix_set_free(struct prefix_set *set)
{
	free(set);
}

bool prefix_set_contains(const struct prefix_set *set,
			 const struct roam_addr *addr)
{
	size_t low = 0, high = set ? set->n : 0, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (roam_addr_cmp(addr, &set->ranges[middle].first) < 0)
			high = middle;
		else if (roam_addr_cmp(addr, &set->ranges[middle].last) > 0)
			low = middle + 1;
		else
			return true;
	}
	return false;
}
