/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A set of prefixes that answers fast whether an address is in one of them,
 * however many there are and whichever lie in others.
 */
#ifndef ROAM_BASE_PREFIXES_H
#define ROAM_BASE_PREFIXES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"

struct prefix_set;

/* A set of copies, without a change ever after; NULL when out of memory. */
struct prefix_set *prefix_set_new(const struct roam_prefix *prefixes, size_t n);
void prefix_set_free(struct prefix_set *set);
/* A NULL @set contains nothing. */
bool prefix_set_contains(const struct prefix_set *set,
			 const struct roam_addr *addr);

#endif
