/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The register on disk: SQLite in WAL mode with synchronous=FULL, so what
 * store_commit() accepted survives a kill and a power cut (decision 10).
 *
 * Contract: the file belongs to one daemon at a time (exclusive lock). Times
 * on disk are wall clock, because the boot clock starts anew; in memory they
 * are the boot clock. Every failure comes back as a sentence with the cause
 * and what to do; nothing is ever recreated behind the user's back.
 */
#ifndef ROAM_HLRD_STORE_H
#define ROAM_HLRD_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/hlr.h"
#include "core/time.h"

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

/* Opens, creates if it is missing, checks. NULL with *error, caller frees. */
struct store *store_open(const char *path, char **error);
void store_close(struct store *store);

/**
 * store_load() - put everything back into a register
 * @store: the store
 * @hlr: an empty register
 * @clock: the time now
 * @longest: seconds no mapping can have left; a clock that went back would
 *	make them immortal otherwise
 *
 * What ended meanwhile is removed from the store.
 *
 * Return: NULL on success, else a sentence, caller frees.
 */
char *store_load(struct store *store, struct hlr *hlr,
		 const struct store_clock *clock, uint32_t longest);

/**
 * store_commit() - make changes durable, all or none
 * @store: the store
 * @changes: what changed
 * @clock: the time now
 *
 * Return: NULL when they are on disk; else a sentence, caller frees. The next
 * call tries again from the start, with a reopened file where that may help.
 */
char *store_commit(struct store *store, const struct hlr_changes *changes,
		   const struct store_clock *clock);

/**
 * store_remove() - remove ended mappings in one transaction
 * @store: the store
 * @gone: they; one that was replaced meanwhile (other sequence) stays
 * @n: their number
 *
 * Return: as store_commit().
 */
char *store_remove(struct store *store, const struct hlr_mapping *gone,
		   size_t n);

#endif
