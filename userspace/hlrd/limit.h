/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rate limit of log lines by the address that causes them. What is not logged
 * is counted and named with the next line of that source.
 */
#ifndef ROAM_HLRD_LIMIT_H
#define ROAM_HLRD_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/addr.h"
#include "core/time.h"

#define LIMIT_SLOTS 256		/* sources told apart; others share a slot */
#define LIMIT_INTERVAL 10000	/* ms between two lines of one source */
#define LIMIT_TOTAL 20		/* lines of all sources in one second */

/**
 * struct limit - all zero to begin with
 * @slots: by a hash of the address
 * @slots.source: who
 * @slots.next: the next line is allowed at this time
 * @slots.suppressed: lines not written since the last one
 * @second: the second that @lines counts
 * @lines: lines allowed in it
 */
struct limit {
	struct {
		struct roam_addr source;
		msec_t next;
		uint32_t suppressed;
	} slots[LIMIT_SLOTS];
	msec_t second;
	unsigned int lines;
};

/* True if a line may be written; then *suppressed tells what was left out. */
bool limit_allow(struct limit *limit, msec_t now,
		 const struct roam_addr *source, uint32_t *suppressed);

#endif
