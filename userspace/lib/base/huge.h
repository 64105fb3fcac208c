/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory on huge pages, where the system has them, for what is large and read at random. */
#ifndef ROAM_BASE_HUGE_H
#define ROAM_BASE_HUGE_H

#include <stddef.h>

#define HUGE_PAGE ((size_t)2 << 20)	/* bytes, on most machines; elsewhere only a size */

/*
 * At least @size bytes, not zeroed, whose pages are made at the first touch; free() and
 * realloc() take them back. NULL when out of memory.
 */
void *huge_alloc(size_t size);

#endif
