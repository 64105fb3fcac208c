/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A table in memory whose changes survive a kill and a power cut.
 *
 * The table is the user's: a register's mappings, a home agent's bindings. The
 * log keeps records of it on disk, each the newest state of one entry, and
 * knows nothing of them but their length (struct store_format).
 *
 * It is SQLite in WAL mode with synchronous=FULL, used as a log: a commit
 * appends the records of its batch to the end of one table, some fifty to a
 * page, instead of writing one page of an index for each (the table is read as
 * a whole and only at start, so it needs no index). While it appends, it also
 * copies what is still valid from memory to the end, a few records per change,
 * and then removes what lies before: the log stays below four times what it
 * has to hold, and nothing ever stops to compact it.
 *
 * Contract:
 *
 * - The user changes his table, calls store_log_add() for each entry that
 *   changed, and store_log_commit() once for the batch. When it returns NULL,
 *   all of the batch is on disk, and only then what was promised may be
 *   acknowledged. When it returns a sentence, none of the batch will be there
 *   after a restart: the user takes it back from his table or refuses it, and
 *   nothing of it is added again by itself. The next batch tries anew, with a
 *   reopened file where that may help.
 * - The end of an entry is a record as well (a tombstone), or is told by a time
 *   in the record. An entry that is neither walked by @walk nor added is gone
 *   after the next pass.
 * - At start store_log_load() hands out the records newest first. The first
 *   record of an entry counts, later ones of the same entry are older and must
 *   not replace it. So the user can answer for what he has, and add and commit,
 *   before all is loaded. A tombstone has to stay in his table, or be
 *   remembered, until all is loaded: else an older record of the entry would
 *   bring it back.
 * - The file belongs to one process at a time (exclusive lock). Every failure
 *   comes back as a sentence with the cause and what to do. Nothing is ever
 *   recreated behind the user's back; a log found damaged (a check sum over row
 *   number and records is wrong) is not written to any more.
 * - Times that are stored are wall clock, because the boot clock starts anew;
 *   converting them, and bounding what a clock that went back makes of them, is
 *   the user's business.
 * - One thread. A commit blocks for one write to the disk (fdatasync).
 */
#ifndef ROAM_STORE_LOG_H
#define ROAM_STORE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No record is longer. */
#define STORE_RECORD_MAX 4032
/* Room for the user's own cursor. */
#define STORE_CURSOR_LEN 96

struct store_log;

/**
 * struct store_format - the records of one kind of store; static and constant
 * @daemon: whose store it is, for messages: "roam-hlrd"
 * @option: the word of its configuration that names the file, for messages
 * @empty: what it means to start empty, for messages: "mobile hosts register
 *	again by themselves"
 * @application: marks a file of this kind (SQLite's application_id); each kind
 *	has a number of its own
 * @version: of the record format; another one is refused
 * @length: length of the record that begins at @p, with @len bytes up to the
 *	end of the row; 0 or more than @len: it is no record, and the store is
 *	damaged. Reads no byte behind @len.
 * @load: takes one record, of the length that @length said. False: out of
 *	memory
 * @expect: may be NULL. This record is among the next to be loaded: what @load will
 *	read of memory can be fetched. Called for all of a row with @first, then
 *	again for all without
 * @walk: calls store_log_add() for about @n entries of the table from @cursor
 *	on (STORE_CURSOR_LEN bytes, all zero at first) and moves that. Entries
 *	that ended may be left out. True: that was the end of the table. What is
 *	in the table from the first call to the last is walked at least once;
 *	what came or changed meanwhile is in a batch anyway.
 * @needed: bytes of records that the whole table needs, about
 */
struct store_format {
	const char *daemon;
	const char *option;
	const char *empty;
	uint32_t application;
	uint32_t version;
	size_t (*length)(const uint8_t *p, size_t len);
	bool (*load)(void *ctx, const uint8_t *p, size_t len);
	void (*expect)(void *ctx, const uint8_t *p, size_t len, bool first);
	bool (*walk)(void *ctx, void *cursor, size_t n, struct store_log *log);
	uint64_t (*needed)(void *ctx);
};

/* Opens, creates if it is missing. NULL with *error, caller frees. */
struct store_log *store_log_open(const char *path,
				 const struct store_format *format,
				 char **error);
/* Records that were added and not committed are lost. */
void store_log_close(struct store_log *log);
/* When the store was made, ms since 1970. */
int64_t store_log_created(const struct store_log *log);

/*
 * How many records of @len bytes there can be in the log, older ones of the same entry
 * included; 0 when that cannot be told.
 */
size_t store_log_records(struct store_log *log, size_t len);

/**
 * store_log_load() - hand out a part of the records, newest first
 * @log: the log
 * @ctx: for the format's load()
 * @n: stop soon after that many records
 * @done: becomes true when all is loaded
 *
 * A row of records is taken as a whole or not at all.
 *
 * Return: NULL on success, else a sentence, caller frees.
 */
char *store_log_load(struct store_log *log, void *ctx, size_t n, bool *done);

/* Adds a record of 1 to STORE_RECORD_MAX bytes to the batch. */
void store_log_add(struct store_log *log, const void *record, size_t len);

/**
 * store_log_commit() - make the batch durable, all or none
 * @log: the log
 * @ctx: for the format's walk() and needed()
 *
 * The batch is empty afterwards, on failure too.
 *
 * Return: NULL when it is on disk; else a sentence, caller frees.
 */
char *store_log_commit(struct store_log *log, void *ctx);

#endif
