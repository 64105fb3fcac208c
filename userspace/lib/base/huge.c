// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/huge.h"

#include <stdlib.h>
#include <sys/mman.h>

void *huge_alloc(size_t size)
{
	void *memory;

	size = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	memory = aligned_alloc(HUGE_PAGE, size);
	/* A system without huge pages gives small ones, and nothing else differs. */
	if (memory)
		madvise(memory, size, MADV_HUGEPAGE);
	return memory;
}
