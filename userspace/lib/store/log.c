// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/log.h"

#include <nettle/sha2.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "io/daemon.h"
#include "wire/bytes.h"

/*
 * A row of the log holds records, one behind the other, and a check sum. A full
 * row fills a page, so the changes of a usual burst are one new page and the one
 * that leads to it.
 */
#define SUM_LEN 8
#define ROW_MAX STORE_RECORD_MAX

#define LOG_SMALL (1 << 20)	/* bytes of log that are not worth a pass */
#define COPY_MIN 64		/* records copied in each commit of a pass ... */
#define COPY_RATIO 4		/* ... and for each change in it */
#define REMOVE_ROWS 16		/* rows removed in each commit after it */

enum statement { BEGIN, COMMIT, APPEND, REMOVE, READ, N_STATEMENTS };

static const char *const statements[N_STATEMENTS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[APPEND] = "INSERT INTO log VALUES (?, ?)",
	[REMOVE] = "DELETE FROM log WHERE id <= ?",
	[READ] = "SELECT id, records FROM log WHERE id < ? ORDER BY id DESC",
};

/* The steps of a pass over the table, in this order. */
enum pass { REST, COPYING, REMOVING };

/**
 * struct progress - all that a commit changes beside the file
 * @pass: the part of the pass at hand
 * @cursor: while copying: where in the table, by the user's own measure
 * @copied: all of the table is
 * @last: highest row id in the log
 * @bytes: of records in the log
 * @old_last: highest row id when the pass began; all up to it goes
 * @old_bytes: bytes of them
 * @removed: they are gone up to this row id
 */
struct progress {
	enum pass pass;
	_Alignas(max_align_t) uint8_t cursor[STORE_CURSOR_LEN];
	bool copied;
	int64_t last;
	uint64_t bytes;
	int64_t old_last;
	uint64_t old_bytes;
	int64_t removed;
};

/**
 * struct batch - records added and not committed yet, each behind its length
 * @data: two bytes of length, then the record
 * @len: bytes of them
 * @room: allocated
 * @n: number of records
 * @failed: no memory for one of them
 */
struct batch {
	uint8_t *data;
	size_t len;
	size_t room;
	size_t n;
	bool failed;
};

/**
 * struct store_log - see store_log_open()
 * @path: of the file
 * @format: of the records
 * @db: the connection, NULL after a failure that reopening may mend
 * @statements: prepared on @db
 * @created: when the store was made
 * @progress: as of the last commit
 * @unread: rows below this id are not loaded yet
 * @loaded: none is left
 * @damage: what was found, NULL if nothing; ends all writing
 * @batch: what the next commit makes durable
 * @copying: records come from the table and go into a row at once
 * @row: records on their way into a row
 * @row_len: bytes of them
 * @code: of the first append that failed in the commit at hand
 */
struct store_log {
	char *path;
	const struct store_format *format;
	sqlite3 *db;
	sqlite3_stmt *statements[N_STATEMENTS];
	int64_t created;
	struct progress progress;
	int64_t unread;
	bool loaded;
	char *damage;
	struct batch batch;
	bool copying;
	uint8_t row[ROW_MAX + SUM_LEN];
	size_t row_len;
	int code;
};

/* A failure and what to do about it, in three parts. */
struct advice {
	const char *text;
	const char *more;
	const char *end;
};

static struct advice what_to_do(const struct store_log *log, int code)
{
	switch (code & 0xff) {
	case SQLITE_FULL:
		return (struct advice){ "free space on that file system", "", "" };
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_CANTOPEN:
	case SQLITE_AUTH:
		return (struct advice){ "the folder must exist and be writable for the user of this daemon", "", "" };
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return (struct advice){ "another process uses it; stop that first", "", "" };
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return (struct advice){ "stop the daemon, keep a copy, and try: sqlite3 FILE .recover | sqlite3 NEW; or move it away to start empty",
					", ", log->format->empty };
	default:
		return (struct advice){ "look for a quota, a file size limit or errors of the disk (dmesg)", "", "" };
	}
}

static char *explain(const struct store_log *log, const char *doing, int code)
{
	const char *detail = log->db ? sqlite3_errmsg(log->db) :
				       sqlite3_errstr(code);
	struct advice advice = what_to_do(log, code);

	return daemon_error("%s %s: %s; %s%s%s", doing, log->path, detail,
			    advice.text, advice.more, advice.end);
}

static char *damaged(struct store_log *log, const char *what)
{
	struct advice advice = what_to_do(log, SQLITE_CORRUPT);

	free(log->damage);
	log->damage = daemon_error("the store %s is damaged (%s); %s%s%s",
				   log->path, what, advice.text, advice.more,
				   advice.end);
	return daemon_error("%s", log->damage);
}

static void disconnect(struct store_log *log)
{
	for (size_t i = 0; i < N_STATEMENTS; i++) {
		sqlite3_finalize(log->statements[i]);
		log->statements[i] = NULL;
	}
	sqlite3_close(log->db);
	log->db = NULL;
}

/* The first column of the first row, as a number; -1 if there is none. */
static int64_t ask(struct store_log *log, const char *sql, int *code)
{
	sqlite3_stmt *stmt;
	int64_t value = -1;

	*code = sqlite3_prepare_v2(log->db, sql, -1, &stmt, NULL);
	if (*code != SQLITE_OK)
		return -1;
	*code = sqlite3_step(stmt);
	if (*code == SQLITE_ROW)
		value = sqlite3_column_int64(stmt, 0);
	if (*code == SQLITE_ROW || *code == SQLITE_DONE)
		*code = SQLITE_OK;
	sqlite3_finalize(stmt);
	return value;
}

static char *make_schema(struct store_log *log)
{
	char *sql = sqlite3_mprintf(
		"BEGIN;"
		"CREATE TABLE log (id INTEGER PRIMARY KEY, records BLOB NOT NULL);"
		"CREATE TABLE made (wall INTEGER NOT NULL);"
		"PRAGMA application_id = %u;"
		"PRAGMA user_version = %u;"
		"INSERT INTO made VALUES (%lld);"
		"COMMIT;",
		log->format->application, log->format->version,
		(long long)(daemon_wallclock() / 1000000));
	int code = sql ? sqlite3_exec(log->db, sql, NULL, NULL, NULL) :
			 SQLITE_NOMEM;

	sqlite3_free(sql);
	return code == SQLITE_OK ?
		NULL : explain(log, "cannot create the store", code);
}

static char *prepare_schema(struct store_log *log)
{
	int64_t application, version, tables;
	int code;

	application = ask(log, "PRAGMA application_id", &code);
	if (code != SQLITE_OK)
		return explain(log, "cannot read the store", code);
	version = ask(log, "PRAGMA user_version", &code);
	tables = ask(log, "SELECT count(*) FROM sqlite_master", &code);
	if (code != SQLITE_OK)
		return explain(log, "cannot read the store", code);
	if (!tables && !application)
		return make_schema(log);
	if (application != log->format->application)
		return daemon_error("%s is no store of %s; choose another file with '%s'",
				    log->path, log->format->daemon,
				    log->format->option);
	if (version != log->format->version)
		return daemon_error("the store %s has format %lld, this %s knows %u; use the version that made it, or move it away to start empty",
				    log->path, (long long)version,
				    log->format->daemon,
				    log->format->version);
	return NULL;
}

static char *read_positions(struct store_log *log)
{
	int64_t last;
	int code;

	log->created = ask(log, "SELECT wall FROM made", &code);
	if (code == SQLITE_OK)
		last = ask(log, "SELECT max(id) FROM log", &code);
	if (code != SQLITE_OK)
		return explain(log, "cannot read the store", code);
	/* A commit that failed may have reached the file after all. */
	log->progress.last = last > 0 ? last : 0;
	/* A connection made again goes on loading where the last one was. */
	if (!log->unread)
		log->unread = log->progress.last + 1;
	return NULL;
}

static char *connect_store(struct store_log *log)
{
	/*
	 * 16 MiB of WAL: written over and over, so that a commit changes no
	 * metadata of the file, and checkpoints are rare.
	 */
	static const char pragmas[] =
		"PRAGMA locking_mode = EXCLUSIVE;"
		"PRAGMA page_size = 4096;"
		"PRAGMA journal_mode = WAL;"
		"PRAGMA synchronous = FULL;"
		"PRAGMA wal_autocheckpoint = 4000;";
	char *error;
	int code;

	code = sqlite3_open_v2(log->path, &log->db,
			       SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
			       SQLITE_OPEN_NOMUTEX, NULL);
	if (code == SQLITE_OK) {
		sqlite3_extended_result_codes(log->db, 1);
		code = sqlite3_exec(log->db, pragmas, NULL, NULL, NULL);
	}
	if (code != SQLITE_OK) {
		error = explain(log, "cannot open the store", code);
		disconnect(log);
		return error;
	}
	error = prepare_schema(log);
	for (size_t i = 0; !error && i < N_STATEMENTS; i++) {
		code = sqlite3_prepare_v3(log->db, statements[i], -1,
					  SQLITE_PREPARE_PERSISTENT,
					  &log->statements[i], NULL);
		if (code != SQLITE_OK)
			error = explain(log, "cannot use the store", code);
	}
	if (!error)
		error = read_positions(log);
	if (error)
		disconnect(log);
	return error;
}

struct store_log *store_log_open(const char *path, const struct store_format *format,
			       char **error)
{
	struct store_log *log = calloc(1, sizeof(*log));

	if (!log) {
		*error = daemon_error("out of memory");
		return NULL;
	}
	log->path = strdup(path);
	log->format = format;
	*error = connect_store(log);
	if (!*error)
		return log;
	store_log_close(log);
	return NULL;
}

void store_log_close(struct store_log *log)
{
	if (!log)
		return;
	disconnect(log);
	free(log->damage);
	free(log->batch.data);
	free(log->path);
	free(log);
}

int64_t store_log_created(const struct store_log *log)
{
	return log->created;
}

size_t store_log_records(struct store_log *log, size_t len)
{
	int64_t first, last = log->progress.last;
	int code;

	if (!log->db || !last)
		return 0;
	first = ask(log, "SELECT min(id) FROM log", &code);
	if (code != SQLITE_OK || first < 1 || first > last)
		return 0;
	return (size_t)(last - first + 1) * (ROW_MAX / len);
}

static int run(struct store_log *log, enum statement which)
{
	sqlite3_stmt *stmt = log->statements[which];
	int code = sqlite3_step(stmt);

	sqlite3_reset(stmt);
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

/*
 * Of row number and records. SQLite guards its own structure only, and an
 * address that a disk changed would send somebody's traffic elsewhere.
 */
static void check_sum(int64_t id, const uint8_t *records, size_t len,
		      uint8_t sum[SUM_LEN])
{
	struct sha256_ctx ctx;
	uint8_t number[8];

	bytes_put(number, (uint64_t)id, sizeof(number));
	sha256_init(&ctx);
	sha256_update(&ctx, sizeof(number), number);
	sha256_update(&ctx, len, records);
	sha256_digest(&ctx, SUM_LEN, sum);
}

static void flush_row(struct store_log *log)
{
	sqlite3_stmt *stmt = log->statements[APPEND];
	struct progress *p = &log->progress;

	if (!log->row_len || log->code != SQLITE_OK)
		return;
	p->last++;
	p->bytes += log->row_len;
	check_sum(p->last, log->row, log->row_len,
		  log->row + log->row_len);
	sqlite3_bind_int64(stmt, 1, p->last);
	sqlite3_bind_blob(stmt, 2, log->row, log->row_len + SUM_LEN,
			  SQLITE_STATIC);
	log->code = run(log, APPEND);
	log->row_len = 0;
}

static void add_to_batch(struct batch *batch, const void *record, size_t len)
{
	if (batch->len + 2 + len > batch->room) {
		size_t room = 2 * batch->room + 2 * ROW_MAX;
		uint8_t *data = realloc(batch->data, room);

		if (!data) {
			batch->failed = true;
			return;
		}
		batch->data = data;
		batch->room = room;
	}
	bytes_put(batch->data + batch->len, len, 2);
	memcpy(batch->data + batch->len + 2, record, len);
	batch->len += 2 + len;
	batch->n++;
}

static void add_to_row(struct store_log *log, const void *record, size_t len)
{
	if (log->row_len + len > ROW_MAX)
		flush_row(log);
	/* The row is still full if that failed; nothing of it counts then. */
	if (log->code != SQLITE_OK)
		return;
	memcpy(log->row + log->row_len, record, len);
	log->row_len += len;
}

void store_log_add(struct store_log *log, const void *record, size_t len)
{
	bool fits = len && len <= STORE_RECORD_MAX;

	if (!fits && log->copying)
		log->code = SQLITE_TOOBIG;
	else if (!fits)
		log->batch.failed = true;
	else if (log->copying)
		add_to_row(log, record, len);
	else
		add_to_batch(&log->batch, record, len);
}

static void write_batch(struct store_log *log)
{
	const struct batch *batch = &log->batch;
	size_t len;

	for (size_t at = 0; at < batch->len; at += 2 + len) {
		len = bytes_get(batch->data + at, 2);
		add_to_row(log, batch->data + at + 2, len);
	}
	flush_row(log);
}

static void remove_rows(struct store_log *log)
{
	sqlite3_stmt *stmt = log->statements[REMOVE];
	struct progress *p = &log->progress;

	p->removed += REMOVE_ROWS;
	if (p->removed > p->old_last)
		p->removed = p->old_last;
	sqlite3_bind_int64(stmt, 1, p->removed);
	log->code = run(log, REMOVE);
	if (p->removed < p->old_last)
		return;
	p->bytes -= p->old_bytes;
	p->pass = REST;
}

/* A part of the pass, or the beginning of one if the log got long. */
static void tidy(struct store_log *log, void *ctx)
{
	struct progress *p = &log->progress;

	switch (p->pass) {
	case REST:
		if (!log->loaded || p->bytes <
		    2 * log->format->needed(ctx) + LOG_SMALL)
			break;
		memset(p->cursor, 0, sizeof(p->cursor));
		p->copied = false;
		p->old_last = p->last;
		p->old_bytes = p->bytes;
		p->pass = COPYING;
		break;
	case COPYING:
		log->copying = true;
		p->copied = log->format->walk(ctx, p->cursor, COPY_MIN +
				COPY_RATIO * log->batch.n, log);
		log->copying = false;
		flush_row(log);
		if (!p->copied || log->code != SQLITE_OK)
			break;
		p->removed = ask(log, "SELECT min(id) FROM log",
				 &log->code) - 1;
		p->pass = REMOVING;
		break;
	case REMOVING:
		remove_rows(log);
	}
}

static char *begin(struct store_log *log)
{
	char *error = NULL;
	int code;

	if (log->damage)
		return daemon_error("%s", log->damage);
	if (!log->db)
		error = connect_store(log);
	if (error)
		return error;
	code = run(log, BEGIN);
	return code == SQLITE_OK ?
		NULL : explain(log, "cannot write to the store", code);
}

/*
 * Ends the transaction: commits if all went well, takes all back else. The
 * connection is given up where its file may not be the one on disk any more.
 */
static char *end(struct store_log *log, const struct progress *before)
{
	int code = log->code;
	char *error;

	if (code == SQLITE_OK)
		code = run(log, COMMIT);
	if (code == SQLITE_OK)
		return NULL;
	error = explain(log, "cannot write to the store", code);
	log->progress = *before;
	if (!sqlite3_get_autocommit(log->db))
		sqlite3_exec(log->db, "ROLLBACK", NULL, NULL, NULL);
	switch (code & 0xff) {
	case SQLITE_IOERR:
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
		disconnect(log);
	}
	return error;
}

static char *transact(struct store_log *log, void *ctx, bool tidying)
{
	char *error = begin(log);
	struct progress before;

	if (error)
		return error;
	before = log->progress;
	log->code = SQLITE_OK;
	log->row_len = 0;
	write_batch(log);
	if (tidying && log->code == SQLITE_OK)
		tidy(log, ctx);
	return end(log, &before);
}

char *store_log_commit(struct store_log *log, void *ctx)
{
	struct batch *batch = &log->batch;
	char *error;

	if (batch->failed)
		error = daemon_error("cannot write to the store %s: out of memory, or a record is too long",
				     log->path);
	else
		error = transact(log, ctx, true);
	/* The last free pages are for changes, not for order. */
	if (error && log->progress.pass == COPYING && !batch->failed) {
		free(error);
		error = transact(log, ctx, false);
	}
	batch->len = batch->n = 0;
	batch->failed = false;
	return error;
}

/* A row from its end to its beginning, as the newest record stands last. */
static char *load_row(struct store_log *log, void *ctx, int64_t id,
		      const uint8_t *row, size_t len, size_t *n)
{
	uint16_t starts[ROW_MAX + 1];
	uint8_t sum[SUM_LEN];
	size_t at = 0, size;
	bool ok = true;

	*n = 0;
	if (len <= SUM_LEN || len > ROW_MAX + SUM_LEN)
		return damaged(log, "a row has a wrong length");
	len -= SUM_LEN;
	check_sum(id, row, len, sum);
	if (memcmp(sum, row + len, SUM_LEN))
		return damaged(log, "a check sum is wrong");
	for (; at < len; at += size) {
		size = log->format->length(row + at, len - at);
		if (!size || at + size > len)
			return damaged(log, "a row holds something that is no record");
		starts[(*n)++] = (uint16_t)at;
	}
	starts[*n] = (uint16_t)len;
	for (int first = 1; log->format->expect && first >= 0; first--)
		for (size_t i = 0; i < *n; i++)
			log->format->expect(ctx, row + starts[i],
					    starts[i + 1] - starts[i], first);
	for (size_t i = *n; ok && i--;)
		ok = log->format->load(ctx, row + starts[i],
				       starts[i + 1] - starts[i]);
	log->progress.bytes += len;
	return ok ? NULL : daemon_error("out of memory while reading %s",
					log->path);
}

char *store_log_load(struct store_log *log, void *ctx, size_t n, bool *done)
{
	sqlite3_stmt *stmt;
	char *error = NULL;
	int code = SQLITE_ROW;

	*done = log->loaded;
	if (log->damage)
		return daemon_error("%s", log->damage);
	if (!log->db)
		error = connect_store(log);
	stmt = log->statements[READ];
	if (!error && !*done)
		sqlite3_bind_int64(stmt, 1, log->unread);
	for (size_t seen = 0, more; !error && !*done && seen < n; seen += more) {
		code = sqlite3_step(stmt);
		if (code != SQLITE_ROW)
			break;
		log->unread = sqlite3_column_int64(stmt, 0);
		error = load_row(log, ctx, log->unread,
				 sqlite3_column_blob(stmt, 1),
				 sqlite3_column_bytes(stmt, 1), &more);
	}
	if (code == SQLITE_DONE)
		*done = log->loaded = true;
	else if (!error && code != SQLITE_ROW)
		error = damaged(log, sqlite3_errmsg(log->db));
	sqlite3_reset(stmt);
	return error;
}
