/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits of what one source can cause (OPEN-32), in bounded memory: log lines
 * by the address that causes them, lines about handoffs, and requests.
 */
#ifndef ROAM_BASE_LIMIT_H
#define ROAM_BASE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"

#define LIMIT_SLOTS 256		/* sources told apart; others share a slot */
#define LIMIT_INTERVAL 10000	/* ms between two lines of one source */
#define LIMIT_TOTAL 20		/* lines of all sources in one second */

/**
 * struct limit - of lines about bad messages; what is not logged is named with
 * the next line of that source; all zero to begin with
 * @slots: by a hash of the address; of IPv6 its /64 counts
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

/**
 * struct line_limit - of lines about what is in order; all zero to begin with
 * @second: the second that @lines counts
 * @lines: lines in it, those not written included
 */
struct line_limit {
	msec_t second;
	uint32_t lines;
};

#define LINE_LIMIT 200		/* lines in one second */

/*
 * True if a line may be written; then *suppressed tells how many were left out
 * in the second that just ended.
 */
bool line_limit_allow(struct line_limit *limit, msec_t now,
		      uint32_t *suppressed);

#define RATE_SLOTS 65536

/**
 * struct rate_limit - requests of each source; all zero to begin with
 * @until: for each slot, when all that came so far would have been due at the
 *	allowed rate, us
 *
 * Sources that fall into one slot share its allowance. Which ones do is a
 * secret of the process (table_hash()), so a flood cannot pick its victim.
 */
struct rate_limit {
	int64_t until[RATE_SLOTS];
};

/*
 * True if @source stays below @rate requests a second, a second's worth of
 * them at once allowed. IPv6 sources count by /64: that much is one host.
 */
bool rate_limit_allow(struct rate_limit *limit, msec_t now, uint32_t rate,
		      const struct roam_addr *source);
/* The same for whoever these bytes name, a key for example. */
bool rate_limit_charge(struct rate_limit *limit, msec_t now, uint32_t rate,
		       const void *who, size_t len);

/* True if a line may be written; then *suppressed tells what was left out. */
bool limit_allow(struct limit *limit, msec_t now,
		 const struct roam_addr *source, uint32_t *suppressed);

#endif
