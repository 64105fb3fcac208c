/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Queue of deadlines: a binary heap, so that the next one is known at once
 * and nothing is scanned.
 *
 * Contract: an object embeds a struct deadline, zeroed at first. Room is
 * reserved when the object is made, so that setting its deadline later cannot
 * fail.
 */
#ifndef ROAM_BASE_DEADLINE_H
#define ROAM_BASE_DEADLINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/time.h"

/**
 * struct deadline - embedded in each object that has a deadline
 * @pos: 1 + index in the heap; 0 while it has none
 */
struct deadline {
	size_t pos;
};

/**
 * struct deadline_slot - one place of the heap
 * @when: the deadline; beside the pointer so that sifting stays in the heap
 * @owner: whose deadline it is
 */
struct deadline_slot {
	msec_t when;
	struct deadline *owner;
};

/**
 * struct deadlines - the queue; zeroed = empty
 * @heap: earliest first
 * @n: deadlines in it
 * @room: how many fit
 */
struct deadlines {
	struct deadline_slot *heap;
	size_t n;
	size_t room;
};

/* Room for @n deadlines in all. False when out of memory. */
bool deadlines_reserve(struct deadlines *queue, size_t n);
void deadlines_fini(struct deadlines *queue);
/* Sets or moves a deadline; MSEC_NEVER clears it. */
void deadline_set(struct deadlines *queue, struct deadline *deadline,
		  msec_t when);
void deadline_clear(struct deadlines *queue, struct deadline *deadline);
/* The earliest deadline, MSEC_NEVER if there is none. */
msec_t deadlines_next(const struct deadlines *queue);
/* Takes out the earliest deadline that is not after @now, or returns NULL. */
struct deadline *deadlines_pop(struct deadlines *queue, msec_t now);

#endif
