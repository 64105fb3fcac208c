/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The register on disk: what store_commit() accepted survives a kill and a
 * power cut. This is all that the daemon knows of storage;
 * another backend implements the same functions.
 *
 * Here it is a log (store/log.h), with a record for each mapping and for the
 * last identification of each key.
 *
 * Contract: the file belongs to one daemon at a time (exclusive lock). Times
 * on disk are wall clock, because the boot clock starts anew; in memory they
 * are the boot clock. Every failure comes back as a sentence with the cause
 * and what to do.
 */
#ifndef ROAM_HLRD_STORE_H
#define ROAM_HLRD_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/hlr.h"
#include "base/time.h"

struct store;

/**
 * struct store_clock - one instant on both clocks
 * @now: boot clock, ms
 * @wall: wall clock, ms since 1970
 */
struct store_clock {
	msec_t now;
	int64_t wall;
};

/* Opens, creates if it is missing. NULL with *error, caller frees. */
struct store *store_open(const char *path, char **error);
void store_close(struct store *store);
/* When the store was made, ms since 1970. */
int64_t store_created(const struct store *store);

/*
 * Room in an empty register for what store_load() will put there. An entry that the log
 * holds more than once is counted so: that costs 16 bytes for each time.
 */
void store_reserve(struct store *store, struct hlr *hlr);

/**
 * store_load() - put a part back into a register, newest first
 * @store: the store
 * @hlr: the register, told by hlr_set_loading()
 * @clock: the time now
 * @longest: seconds no mapping can have left; a clock that went back would
 *	make them immortal otherwise
 * @n: stop soon after that many records
 * @done: becomes true when all is loaded
 *
 * Whatever the register holds is the newest the store knows of it, so it can
 * answer for that, and store, between the calls.
 *
 * Return: NULL on success, else a sentence, caller frees.
 */
char *store_load(struct store *store, struct hlr *hlr,
		 const struct store_clock *clock, uint32_t longest, size_t n,
		 bool *done);

/**
 * store_commit() - make changes durable, all or none
 * @store: the store
 * @hlr: the register they were made in
 * @changes: what changed
 * @clock: the time now
 *
 * Return: NULL when they are on disk; else a sentence, caller frees. The next
 * call tries again from the start, with a reopened file where that may help.
 */
char *store_commit(struct store *store, const struct hlr *hlr,
		   const struct hlr_changes *changes,
		   const struct store_clock *clock);

#endif
