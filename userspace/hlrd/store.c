// SPDX-License-Identifier: GPL-2.0-or-later
#include "hlrd/store.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "io/daemon.h"
#include "io/log.h"

#define STORE_APPLICATION 0x726f616d	/* "roam" */
#define STORE_VERSION 1

enum statement { BEGIN, COMMIT, PUT_MAPPING, PUT_KEY, REMOVE, N_STATEMENTS };

static const char *const statements[N_STATEMENTS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[PUT_MAPPING] =
		"INSERT OR REPLACE INTO mapping VALUES (?, ?, ?, ?, ?, ?)",
	[PUT_KEY] = "INSERT OR REPLACE INTO sender VALUES (?, ?)",
	[REMOVE] = "DELETE FROM mapping WHERE permanent = ? AND sequence = ?",
};

static const char schema[] =
	"BEGIN;"
	"CREATE TABLE mapping ("
	" permanent BLOB PRIMARY KEY,"
	" care_of BLOB NOT NULL,"
	" sequence INTEGER NOT NULL,"
	" expires INTEGER NOT NULL,"
	" key INTEGER NOT NULL,"
	" flags INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE sender ("
	" key INTEGER PRIMARY KEY,"
	" last_id INTEGER NOT NULL);"
	"PRAGMA application_id = 0x726f616d;"
	"PRAGMA user_version = 1;"
	"COMMIT;";

/**
 * struct store - see store_open()
 * @path: of the file
 * @db: the connection, NULL after a failure that reopening may mend
 * @statements: prepared on @db
 */
struct store {
	char *path;
	sqlite3 *db;
	sqlite3_stmt *statements[N_STATEMENTS];
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

/* Finds damage now, while a person looks, and not with the first update. */
static char *check_integrity(struct store *store)
{
	sqlite3_stmt *stmt;
	char *error = NULL;
	int code = sqlite3_prepare_v2(store->db, "PRAGMA quick_check(1)", -1,
				      &stmt, NULL);

	const char *text;

	if (code != SQLITE_OK)
		return explain(store, "cannot check the store", code);
	code = sqlite3_step(stmt);
	text = code == SQLITE_ROW ?
		(const char *)sqlite3_column_text(stmt, 0) : NULL;
	if (!text)
		error = explain(store, "cannot check the store", code);
	else if (strcmp(text, "ok"))
		error = daemon_error("the store %s is damaged (%s); %s",
				     store->path, text,
				     what_to_do(SQLITE_CORRUPT));
	sqlite3_finalize(stmt);
	return error;
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
	if (!tables && !application) {
		code = sqlite3_exec(store->db, schema, NULL, NULL, NULL);
		return code == SQLITE_OK ?
			NULL : explain(store, "cannot create the store", code);
	}
	if (application != STORE_APPLICATION)
		return daemon_error("%s is no store of roam-hlrd; choose another file with 'store'",
				    store->path);
	if (version != STORE_VERSION)
		return daemon_error("the store %s has format %lld, this roam-hlrd knows %d; use the version that made it",
				    store->path, (long long)version,
				    STORE_VERSION);
	return check_integrity(store);
}

static char *connect_store(struct store *store)
{
	static const char pragmas[] =
		"PRAGMA locking_mode = EXCLUSIVE;"
		"PRAGMA journal_mode = WAL;"
		"PRAGMA synchronous = FULL;";
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
	free(store->path);
	free(store);
}

static int run(struct store *store, enum statement which)
{
	sqlite3_stmt *stmt = store->statements[which];
	int code = sqlite3_step(stmt);

	sqlite3_reset(stmt);
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int put_mapping(struct store *store, const struct hlr_mapping *m,
		       const struct store_clock *clock)
{
	sqlite3_stmt *stmt = store->statements[PUT_MAPPING];

	sqlite3_bind_blob(stmt, 1, m->perm.b, sizeof(m->perm.b), SQLITE_STATIC);
	sqlite3_bind_blob(stmt, 2, m->coa.b, sizeof(m->coa.b), SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 3, (int64_t)m->seq);
	sqlite3_bind_int64(stmt, 4, m->expires - clock->now + clock->wall);
	sqlite3_bind_int64(stmt, 5, m->key_id);
	sqlite3_bind_int(stmt, 6, m->flags);
	return run(store, PUT_MAPPING);
}

static int put_key(struct store *store, uint32_t key_id, uint64_t last_id)
{
	sqlite3_stmt *stmt = store->statements[PUT_KEY];

	sqlite3_bind_int64(stmt, 1, key_id);
	sqlite3_bind_int64(stmt, 2, (int64_t)last_id);
	return run(store, PUT_KEY);
}

static int remove_mapping(struct store *store, const struct hlr_mapping *m)
{
	sqlite3_stmt *stmt = store->statements[REMOVE];

	sqlite3_bind_blob(stmt, 1, m->perm.b, sizeof(m->perm.b), SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, (int64_t)m->seq);
	return run(store, REMOVE);
}

static char *begin(struct store *store)
{
	char *error = store->db ? NULL : connect_store(store);
	int code;

	if (error)
		return error;
	code = run(store, BEGIN);
	return code == SQLITE_OK ?
		NULL : explain(store, "cannot write to the store", code);
}

/*
 * Ends the transaction: commits if @code is good, takes all back else. The
 * connection is given up where its file may not be the one on disk any more.
 */
static char *end(struct store *store, int code)
{
	char *error;

	if (code == SQLITE_OK)
		code = run(store, COMMIT);
	if (code == SQLITE_OK)
		return NULL;
	error = explain(store, "cannot write to the store", code);
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

char *store_commit(struct store *store, const struct hlr_changes *changes,
		   const struct store_clock *clock)
{
	char *error = begin(store);
	int code = SQLITE_OK;

	if (error)
		return error;
	for (size_t i = 0; code == SQLITE_OK && i < changes->n; i++) {
		const struct hlr_change *c = &changes->items[i];

		code = c->kind == HLR_CHANGE_MAPPING ?
			put_mapping(store, &c->after, clock) :
			put_key(store, c->key_id, c->id_after);
	}
	return end(store, code);
}

char *store_remove(struct store *store, const struct hlr_mapping *gone,
		   size_t n)
{
	char *error = begin(store);
	int code = SQLITE_OK;

	if (error)
		return error;
	for (size_t i = 0; code == SQLITE_OK && i < n; i++)
		code = remove_mapping(store, &gone[i]);
	return end(store, code);
}

static bool read_addr(sqlite3_stmt *stmt, int column, struct roam_addr *addr)
{
	if (sqlite3_column_bytes(stmt, column) != sizeof(addr->b))
		return false;
	memcpy(addr->b, sqlite3_column_blob(stmt, column), sizeof(addr->b));
	return true;
}

static char *load_mappings(struct store *store, struct hlr *hlr,
			   const struct store_clock *clock, uint32_t longest)
{
	sqlite3_stmt *stmt;
	char *error = NULL;
	int code = sqlite3_prepare_v2(store->db,
		"SELECT permanent, care_of, sequence, expires, key, flags FROM mapping WHERE expires > ?",
		-1, &stmt, NULL);

	if (code != SQLITE_OK)
		return explain(store, "cannot read the store", code);
	sqlite3_bind_int64(stmt, 1, clock->wall);
	while (!error && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
		int64_t left = sqlite3_column_int64(stmt, 3) - clock->wall;
		struct hlr_mapping m;

		if (left > (int64_t)longest * 1000)
			left = (int64_t)longest * 1000;
		if (!read_addr(stmt, 0, &m.perm) || !read_addr(stmt, 1, &m.coa)) {
			error = daemon_error("the store %s is damaged (an address has a wrong length); %s",
					     store->path,
					     what_to_do(SQLITE_CORRUPT));
			break;
		}
		m.seq = (uint64_t)sqlite3_column_int64(stmt, 2);
		m.expires = clock->now + left;
		m.key_id = sqlite3_column_int64(stmt, 4);
		m.flags = sqlite3_column_int(stmt, 5);
		if (!hlr_restore_mapping(hlr, &m))
			error = daemon_error("out of memory while reading %s",
					     store->path);
	}
	if (!error && code != SQLITE_DONE)
		error = explain(store, "cannot read the store", code);
	sqlite3_finalize(stmt);
	return error;
}

static char *load_keys(struct store *store, struct hlr *hlr)
{
	sqlite3_stmt *stmt;
	char *error = NULL;
	int code = sqlite3_prepare_v2(store->db,
				      "SELECT key, last_id FROM sender", -1,
				      &stmt, NULL);

	if (code != SQLITE_OK)
		return explain(store, "cannot read the store", code);
	while (!error && (code = sqlite3_step(stmt)) == SQLITE_ROW)
		if (!hlr_restore_key(hlr, sqlite3_column_int64(stmt, 0),
				     (uint64_t)sqlite3_column_int64(stmt, 1)))
			error = daemon_error("out of memory while reading %s",
					     store->path);
	if (!error && code != SQLITE_DONE)
		error = explain(store, "cannot read the store", code);
	sqlite3_finalize(stmt);
	return error;
}

/*
 * What ended while nobody was there. A full disk does not keep the register
 * from answering queries, so this may fail: those rows are not loaded anyway.
 */
static void remove_ended(struct store *store, const struct store_clock *clock)
{
	sqlite3_stmt *stmt;

	if (sqlite3_prepare_v2(store->db,
			       "DELETE FROM mapping WHERE expires <= ?", -1,
			       &stmt, NULL) != SQLITE_OK)
		return;
	sqlite3_bind_int64(stmt, 1, clock->wall);
	if (sqlite3_step(stmt) != SQLITE_DONE)
		log_warning("cannot remove ended mappings from %s: %s",
			    store->path, sqlite3_errmsg(store->db));
	sqlite3_finalize(stmt);
}

char *store_load(struct store *store, struct hlr *hlr,
		 const struct store_clock *clock, uint32_t longest)
{
	char *error;

	remove_ended(store, clock);
	error = load_mappings(store, hlr, clock, longest);
	if (!error)
		error = load_keys(store, hlr);
	return error;
}
