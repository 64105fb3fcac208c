// SPDX-License-Identifier: GPL-2.0-or-later
#include "hlrd/store.h"

#include <nettle/sha2.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "io/daemon.h"
#include "io/log.h"
#include "wire/bytes.h"

#define STORE_APPLICATION 0x726f616d	/* "roam" */
#define STORE_VERSION 2

/*
 * A row of the log holds records, one behind the other, and a check sum. A full
 * row fills a page, so the changes of a usual burst are one new page and the one
 * that leads to it. All integers are big-endian.
 *
 *   mapping  1 kind, 1 flags, 4 key id, 8 sequence, 8 end (wall clock, ms),
 *            16 permanent, 16 care-of address
 *   key      1 kind, 4 key id, 8 last identification
 */
#define RECORD_MAPPING 'm'
#define RECORD_KEY 'k'
#define MAPPING_LEN 54
#define KEY_LEN 13
#define SUM_LEN 8
#define ROW_MAX 4032

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

static const char schema[] =
	"BEGIN;"
	"CREATE TABLE log (id INTEGER PRIMARY KEY, records BLOB NOT NULL);"
	"CREATE TABLE made (wall INTEGER NOT NULL);"
	"PRAGMA application_id = 0x726f616d;"
	"PRAGMA user_version = 2;";

/* What a pass over the register does, in this order. */
enum pass { REST, COPYING, REMOVING };

/**
 * struct progress - all that a commit changes beside the file
 * @pass: the part of the pass at hand
 * @cursor: while copying: where in the register
 * @last: highest row id in the log
 * @bytes: of records in the log
 * @old_last: highest row id when the pass began; all up to it goes
 * @old_bytes: bytes of them
 * @removed: they are gone up to this row id
 */
struct progress {
	enum pass pass;
	struct hlr_cursor cursor;
	int64_t last;
	uint64_t bytes;
	int64_t old_last;
	uint64_t old_bytes;
	int64_t removed;
};

/**
 * struct store - see store_open()
 * @path: of the file
 * @db: the connection, NULL after a failure that reopening may mend
 * @statements: prepared on @db
 * @created: when the store was made
 * @progress: as of the last commit
 * @unread: rows below this id are not loaded yet
 * @loaded: none is left
 * @damage: what was found, NULL if nothing; ends all writing
 * @row: records on their way into a row
 * @row_len: bytes of them
 * @wall: wall clock less boot clock, in the commit at hand
 * @now: boot clock, in the commit at hand
 * @code: of the first append that failed in it
 */
struct store {
	char *path;
	sqlite3 *db;
	sqlite3_stmt *statements[N_STATEMENTS];
	int64_t created;
	struct progress progress;
	int64_t unread;
	bool loaded;
	char *damage;
	uint8_t row[ROW_MAX + MAPPING_LEN + SUM_LEN];
	size_t row_len;
	int64_t wall;
	msec_t now;
	int code;
};

static const char *what_to_do(int code)
{
	switch (code & 0xff) {
	case SQLITE_FULL:
		return "free space on that file system";
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_CANTOPEN:
	case SQLITE_AUTH:
		return "the folder must exist and be writable for the user of this daemon";
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return "another process uses it; stop that first";
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return "stop the daemon, keep a copy, and try: sqlite3 FILE .recover | sqlite3 NEW; or move it away to start empty, mobile hosts register again by themselves";
	default:
		return "look for a quota, a file size limit or errors of the disk (dmesg)";
	}
}

static char *explain(const struct store *store, const char *doing, int code)
{
	const char *detail = store->db ? sqlite3_errmsg(store->db) :
					 sqlite3_errstr(code);

	return daemon_error("%s %s: %s; %s", doing, store->path, detail,
			    what_to_do(code));
}

static char *damaged(struct store *store, const char *what)
{
	free(store->damage);
	store->damage = daemon_error("the store %s is damaged (%s); %s",
				     store->path, what,
				     what_to_do(SQLITE_CORRUPT));
	return daemon_error("%s", store->damage);
}

static void disconnect(struct store *store)
{
	for (size_t i = 0; i < N_STATEMENTS; i++) {
		sqlite3_finalize(store->statements[i]);
		store->statements[i] = NULL;
	}
	sqlite3_close(store->db);
	store->db = NULL;
}

/* The first column of the first row, as a number; -1 if there is none. */
static int64_t ask(struct store *store, const char *sql, int *code)
{
	sqlite3_stmt *stmt;
	int64_t value = -1;

	*code = sqlite3_prepare_v2(store->db, sql, -1, &stmt, NULL);
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

static char *make_schema(struct store *store)
{
	char *sql = sqlite3_mprintf("%sINSERT INTO made VALUES (%lld);COMMIT;",
				    schema,
				    (long long)(daemon_wallclock() / 1000000));
	int code = sql ? sqlite3_exec(store->db, sql, NULL, NULL, NULL) :
			 SQLITE_NOMEM;

	sqlite3_free(sql);
	return code == SQLITE_OK ?
		NULL : explain(store, "cannot create the store", code);
}

static char *prepare_schema(struct store *store)
{
	int64_t application, version, tables;
	int code;

	application = ask(store, "PRAGMA application_id", &code);
	if (code != SQLITE_OK)
		return explain(store, "cannot read the store", code);
	version = ask(store, "PRAGMA user_version", &code);
	tables = ask(store, "SELECT count(*) FROM sqlite_master", &code);
	if (code != SQLITE_OK)
		return explain(store, "cannot read the store", code);
	if (!tables && !application)
		return make_schema(store);
	if (application != STORE_APPLICATION)
		return daemon_error("%s is no store of roam-hlrd; choose another file with 'store'",
				    store->path);
	if (version != STORE_VERSION)
		return daemon_error("the store %s has format %lld, this roam-hlrd knows %d; use the version that made it, or move it away to start empty",
				    store->path, (long long)version,
				    STORE_VERSION);
	return NULL;
}

static char *read_positions(struct store *store)
{
	int64_t last;
	int code;

	store->created = ask(store, "SELECT wall FROM made", &code);
	if (code == SQLITE_OK)
		last = ask(store, "SELECT max(id) FROM log", &code);
	if (code != SQLITE_OK)
		return explain(store, "cannot read the store", code);
	/* A commit that failed may have reached the file after all. */
	store->progress.last = last > 0 ? last : 0;
	/* A connection made again goes on loading where the last one was. */
	if (!store->unread)
		store->unread = store->progress.last + 1;
	return NULL;
}

static char *connect_store(struct store *store)
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

	code = sqlite3_open_v2(store->path, &store->db,
			       SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
			       SQLITE_OPEN_NOMUTEX, NULL);
	if (code == SQLITE_OK) {
		sqlite3_extended_result_codes(store->db, 1);
		code = sqlite3_exec(store->db, pragmas, NULL, NULL, NULL);
	}
	if (code != SQLITE_OK) {
		error = explain(store, "cannot open the store", code);
		disconnect(store);
		return error;
	}
	error = prepare_schema(store);
	for (size_t i = 0; !error && i < N_STATEMENTS; i++) {
		code = sqlite3_prepare_v3(store->db, statements[i], -1,
					  SQLITE_PREPARE_PERSISTENT,
					  &store->statements[i], NULL);
		if (code != SQLITE_OK)
			error = explain(store, "cannot use the store", code);
	}
	if (!error)
		error = read_positions(store);
	if (error)
		disconnect(store);
	return error;
}

struct store *store_open(const char *path, char **error)
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store) {
		*error = daemon_error("out of memory");
		return NULL;
	}
	store->path = strdup(path);
	*error = connect_store(store);
	if (!*error)
		return store;
	store_close(store);
	return NULL;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	disconnect(store);
	free(store->damage);
	free(store->path);
	free(store);
}

int64_t store_created(const struct store *store)
{
	return store->created;
}

static int run(struct store *store, enum statement which)
{
	sqlite3_stmt *stmt = store->statements[which];
	int code = sqlite3_step(stmt);

	sqlite3_reset(stmt);
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

/*
 * Of row number and records. SQLite guards its own structure only, and a care-of
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

static void flush_row(struct store *store)
{
	sqlite3_stmt *stmt = store->statements[APPEND];
	struct progress *p = &store->progress;

	if (!store->row_len || store->code != SQLITE_OK)
		return;
	p->last++;
	p->bytes += store->row_len;
	check_sum(p->last, store->row, store->row_len,
		  store->row + store->row_len);
	sqlite3_bind_int64(stmt, 1, p->last);
	sqlite3_bind_blob(stmt, 2, store->row, store->row_len + SUM_LEN,
			  SQLITE_STATIC);
	store->code = run(store, APPEND);
	store->row_len = 0;
}

static void append(void *ctx, const struct hlr_change *c)
{
	const struct hlr_mapping *m = &c->after;
	struct store *store = ctx;
	uint8_t *p = store->row + store->row_len;

	if (c->kind == HLR_CHANGE_MAPPING) {
		p = bytes_put(p, RECORD_MAPPING, 1);
		p = bytes_put(p, m->flags, 1);
		p = bytes_put(p, m->key_id, 4);
		p = bytes_put(p, m->seq, 8);
		p = bytes_put(p, (uint64_t)(m->expires + store->wall), 8);
		memcpy(p, m->perm.b, 16);
		memcpy(p + 16, m->coa.b, 16);
		store->row_len += MAPPING_LEN;
	} else {
		p = bytes_put(p, RECORD_KEY, 1);
		p = bytes_put(p, c->key_id, 4);
		bytes_put(p, c->id_after, 8);
		store->row_len += KEY_LEN;
	}
	if (store->row_len > ROW_MAX - MAPPING_LEN)
		flush_row(store);
}

/*
 * What ended is not copied. Nor can anything older of it come back: rows are
 * removed from the oldest on.
 */
static void copy(void *ctx, const struct hlr_change *c)
{
	struct store *store = ctx;

	if (c->kind != HLR_CHANGE_MAPPING || c->after.expires > store->now)
		append(store, c);
}

static void remove_rows(struct store *store)
{
	sqlite3_stmt *stmt = store->statements[REMOVE];
	struct progress *p = &store->progress;

	p->removed += REMOVE_ROWS;
	if (p->removed > p->old_last)
		p->removed = p->old_last;
	sqlite3_bind_int64(stmt, 1, p->removed);
	store->code = run(store, REMOVE);
	if (p->removed < p->old_last)
		return;
	p->bytes -= p->old_bytes;
	p->pass = REST;
}

/* A part of the pass, or the beginning of one if the log got long. */
static void tidy(struct store *store, const struct hlr *hlr, size_t n)
{
	struct progress *p = &store->progress;
	uint64_t needed = (uint64_t)hlr_count(hlr) * MAPPING_LEN +
			  (uint64_t)hlr_count_keys(hlr) * KEY_LEN;

	switch (p->pass) {
	case REST:
		if (!store->loaded || p->bytes < 2 * needed + LOG_SMALL)
			break;
		p->cursor = (struct hlr_cursor){ 0 };
		p->old_last = p->last;
		p->old_bytes = p->bytes;
		p->pass = COPYING;
		break;
	case COPYING:
		hlr_walk(hlr, &p->cursor, COPY_MIN + COPY_RATIO * n, copy,
			 store);
		flush_row(store);
		if (!p->cursor.end || store->code != SQLITE_OK)
			break;
		p->removed = ask(store, "SELECT min(id) FROM log",
				 &store->code) - 1;
		p->pass = REMOVING;
		break;
	case REMOVING:
		remove_rows(store);
	}
}

static char *begin(struct store *store)
{
	char *error = NULL;
	int code;

	if (store->damage)
		return daemon_error("%s", store->damage);
	if (!store->db)
		error = connect_store(store);
	if (error)
		return error;
	code = run(store, BEGIN);
	return code == SQLITE_OK ?
		NULL : explain(store, "cannot write to the store", code);
}

/*
 * Ends the transaction: commits if all went well, takes all back else. The
 * connection is given up where its file may not be the one on disk any more.
 */
static char *end(struct store *store, const struct progress *before)
{
	int code = store->code;
	char *error;

	if (code == SQLITE_OK)
		code = run(store, COMMIT);
	if (code == SQLITE_OK)
		return NULL;
	error = explain(store, "cannot write to the store", code);
	store->progress = *before;
	if (!sqlite3_get_autocommit(store->db))
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	switch (code & 0xff) {
	case SQLITE_IOERR:
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
		disconnect(store);
	}
	return error;
}

static char *transact(struct store *store, const struct hlr *hlr,
		      const struct hlr_changes *changes, bool tidying)
{
	char *error = begin(store);
	struct progress before;

	if (error)
		return error;
	before = store->progress;
	store->code = SQLITE_OK;
	store->row_len = 0;
	for (size_t i = 0; i < changes->n; i++)
		append(store, &changes->items[i]);
	flush_row(store);
	if (tidying && store->code == SQLITE_OK)
		tidy(store, hlr, changes->n);
	return end(store, &before);
}

char *store_commit(struct store *store, const struct hlr *hlr,
		   const struct hlr_changes *changes,
		   const struct store_clock *clock)
{
	char *error;

	store->now = clock->now;
	store->wall = clock->wall - clock->now;
	error = transact(store, hlr, changes, true);
	/* The last free pages are for changes, not for order. */
	if (error && store->progress.pass == COPYING) {
		free(error);
		error = transact(store, hlr, changes, false);
	}
	return error;
}

/**
 * struct loading - the call of store_load() at hand
 * @hlr: gets it
 * @clock: the time now
 * @longest: ms no mapping can have left
 */
struct loading {
	struct hlr *hlr;
	const struct store_clock *clock;
	int64_t longest;
};

static bool load_mapping(const struct loading *load, const uint8_t *p)
{
	struct hlr_mapping m = {
		.flags = p[1],
		.key_id = (uint32_t)bytes_get(p + 2, 4),
		.seq = bytes_get(p + 6, 8),
	};
	int64_t end = (int64_t)bytes_get(p + 14, 8), left = 0;

	/* What ended ended now: no difference of times overflows. */
	if (end > load->clock->wall)
		left = end - load->clock->wall;
	if (left > load->longest)
		left = load->longest;
	m.expires = load->clock->now + left;
	memcpy(m.perm.b, p + 22, 16);
	memcpy(m.coa.b, p + 38, 16);
	return hlr_restore_mapping(load->hlr, &m);
}

static size_t record_len(uint8_t kind)
{
	return kind == RECORD_MAPPING ? MAPPING_LEN :
	       kind == RECORD_KEY ? KEY_LEN : 0;
}

/* A row from its end to its beginning, as the newest record stands last. */
static char *load_row(struct store *store, const struct loading *load,
		      int64_t id, const uint8_t *row, size_t len, size_t *n)
{
	uint16_t starts[ROW_MAX / KEY_LEN + 1];
	uint8_t sum[SUM_LEN];
	size_t at = 0, size;
	bool ok = true;

	*n = 0;
	if (len <= SUM_LEN || len > ROW_MAX + SUM_LEN)
		return damaged(store, "a row has a wrong length");
	len -= SUM_LEN;
	check_sum(id, row, len, sum);
	if (memcmp(sum, row + len, SUM_LEN))
		return damaged(store, "a check sum is wrong");
	for (; at < len; at += size) {
		size = record_len(row[at]);
		if (!size || at + size > len)
			return damaged(store, "a record is none");
		starts[(*n)++] = (uint16_t)at;
	}
	for (size_t i = *n; ok && i--;) {
		const uint8_t *p = row + starts[i];

		ok = *p == RECORD_MAPPING ?
			load_mapping(load, p) :
			hlr_restore_key(load->hlr, (uint32_t)bytes_get(p + 1, 4),
					bytes_get(p + 5, 8));
	}
	store->progress.bytes += len;
	return ok ? NULL : daemon_error("out of memory while reading %s",
					store->path);
}

char *store_load(struct store *store, struct hlr *hlr,
		 const struct store_clock *clock, uint32_t longest, size_t n,
		 bool *done)
{
	const struct loading load = { hlr, clock, (int64_t)longest * 1000 };
	sqlite3_stmt *stmt;
	char *error = NULL;
	int code = SQLITE_ROW;

	*done = store->loaded;
	if (store->damage)
		return daemon_error("%s", store->damage);
	if (!store->db)
		error = connect_store(store);
	stmt = store->statements[READ];
	if (!error && !*done)
		sqlite3_bind_int64(stmt, 1, store->unread);
	for (size_t seen = 0, more; !error && !*done && seen < n; seen += more) {
		code = sqlite3_step(stmt);
		if (code != SQLITE_ROW)
			break;
		store->unread = sqlite3_column_int64(stmt, 0);
		error = load_row(store, &load, store->unread,
				 sqlite3_column_blob(stmt, 1),
				 sqlite3_column_bytes(stmt, 1), &more);
	}
	if (code == SQLITE_DONE)
		*done = store->loaded = true;
	else if (!error && code != SQLITE_ROW)
		error = damaged(store, sqlite3_errmsg(store->db));
	sqlite3_reset(stmt);
	return error;
}
