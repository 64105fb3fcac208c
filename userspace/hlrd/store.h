/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The register on disk: what store_commit() accepted survives a kill and a
 * power cut. This is all that the daemon knows of storage;
 * another backend implements the same functions.
 *
 * Here it is SQLite in WAL mode with synchronous=FULL, used as a log: a commit
 * appends the changes of its batch to the end of one table, some fifty to a
 * page, instead of writing one page of an index for each (a register is read
 * as a whole and only at start, so it needs no index). While it appends, it
 * also copies what is still valid from memory to the end, a few records per
 * change, and then removes what lies before: the log stays below four times
 * what it has to hold, and nothing ever stops to compact it.
 *
 * Contract: the file belongs to one daemon at a time (exclusive lock). Times
 * on disk are wall clock, because the boot clock starts anew; in memory they
 * are the boot clock. Every failure comes back as a sentence with the cause
 * and what to do; nothing is ever recreated behind the user's back, and a
 * store found damaged is not written to any more.
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
