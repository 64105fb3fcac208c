// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The register's store, and the log below it: what the test changes by hand or
 * counts is inside of both.
 */
#include "core_test.h"

#include "store/log.c"
#include "hlrd/store.c"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct hlr_config limits = {
	.lifetime_max = 300,
	.tombstone = 300,
	.mappings_max = 100000,
};

static char folder[256], path[300];

static int make_folder(void **state)
{
	const char *where = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%s/roam-test-store.XXXXXX",
		 where ? where : "/tmp");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/hlr.db", folder);
	return 0;
}

static int remove_folder(void **state)
{
	char name[320];

	(void)state;
	unlink(path);
	snprintf(name, sizeof(name), "%s-wal", path);
	unlink(name);
	return rmdir(folder);
}

static struct store *open_store(void)
{
	struct store *store;
	char *error;

	store = store_open(path, &error);
	if (!store)
		fail_msg("%s", error);
	return store;
}

static struct hlr_change mapping(const char *perm, const char *coa,
				 uint64_t seq, msec_t expires)
{
	struct hlr_change change = {
		.kind = HLR_CHANGE_MAPPING,
		.after = {
			.perm = addr(perm),
			.coa = addr(coa),
			.seq = seq,
			.expires = expires,
			.key_id = 7,
		},
	};

	return change;
}

static struct hlr *new_hlr(void)
{
	struct hlr *hlr = hlr_new(&limits);

	assert_non_null(hlr);
	return hlr;
}

/* As a register does: into memory, then onto disk. */
static void commit(struct store *store, struct hlr *hlr,
		   struct hlr_change *items, size_t n,
		   const struct store_clock *clock)
{
	struct hlr_changes changes = { items, n, n };
	char *error = store_commit(store, hlr, &changes, clock);

	if (error)
		fail_msg("%s", error);
}

/* Records of one row each time, so that all of them are the last one once. */
static struct hlr *load(struct store *store, const struct store_clock *clock)
{
	struct hlr *hlr = new_hlr();
	bool done = false;
	char *error;

	hlr_set_loading(hlr, true);
	while (!done) {
		error = store_load(store, hlr, clock, 300, 1, &done);
		if (error)
			fail_msg("%s", error);
	}
	hlr_set_loading(hlr, false);
	hlr_expire(hlr, clock->now, NULL, NULL);
	return hlr;
}

static const struct hlr_mapping *find(const struct hlr *hlr, const char *perm,
				      const struct store_clock *clock)
{
	const struct roam_addr a = addr(perm);

	return hlr_find(hlr, clock->now, &a);
}

static void what_is_committed_comes_back(void **state)
{
	const struct store_clock before = { 1000, 5000000 };
	/* Another boot, 100 s of wall clock later. */
	const struct store_clock after = { 77, 5100000 };
	struct hlr_change changes[] = {
		mapping("10.77.0.5", "192.0.2.9", UINT64_MAX, 201000),
		mapping("2001:db8::5", "2001:db8:1::9", 6, 301000),
		{ .kind = HLR_CHANGE_KEY, .key_id = 7, .id_after = UINT64_MAX - 1 },
	};
	struct store *store = open_store();
	const struct hlr_mapping *m;
	struct hlr *hlr = new_hlr();

	(void)state;
	commit(store, hlr, changes, 3, &before);
	hlr_free(hlr);
	store_close(store);

	store = open_store();
	hlr = load(store, &after);
	assert_int_equal(hlr_count(hlr), 2);
	assert_int_equal(hlr_count_keys(hlr), 1);
	m = find(hlr, "10.77.0.5", &after);
	assert_non_null(m);
	assert_addr(m->coa, "192.0.2.9");
	assert_true(m->seq == UINT64_MAX);
	assert_int_equal(m->key_id, 7);
	/* 200 s were left, 100 s are. */
	assert_int_equal(m->expires, after.now + 100000);
	hlr_free(hlr);
	store_close(store);
}

static void a_clock_gone_back_makes_nothing_immortal(void **state)
{
	const struct store_clock before = { 1000, 900000000 };
	const struct store_clock after = { 50, 1000 };
	struct hlr_change change = mapping("10.77.0.5", "192.0.2.9", 5, 301000);
	struct store *store = open_store();
	const struct hlr_mapping *m;
	struct hlr *hlr = new_hlr();

	(void)state;
	commit(store, hlr, &change, 1, &before);
	hlr_free(hlr);
	store_close(store);
	store = open_store();
	hlr = load(store, &after);
	m = find(hlr, "10.77.0.5", &after);
	assert_non_null(m);
	assert_int_equal(m->expires, after.now + 300000);
	hlr_free(hlr);
	store_close(store);
}

/* A removal that ended must not make room for the mapping it removed. */
static void what_ended_meanwhile_is_gone(void **state)
{
	const struct store_clock before = { 1000, 1000 };
	const struct store_clock after = { 50, 200000 };
	struct hlr_change first = mapping("10.77.0.5", "192.0.2.9", 5, 301000);
	struct hlr_change removal = mapping("10.77.0.5", "", 6, 101000);
	struct store *store = open_store();
	struct hlr *hlr = new_hlr();

	(void)state;
	commit(store, hlr, &first, 1, &before);
	commit(store, hlr, &removal, 1, &before);
	hlr_free(hlr);
	store_close(store);
	store = open_store();
	hlr = load(store, &after);
	assert_int_equal(hlr_count(hlr), 0);
	hlr_free(hlr);
	store_close(store);
}

static void check_key(void *ctx, const struct hlr_change *c)
{
	assert_int_equal(c->kind, HLR_CHANGE_KEY);
	assert_int_equal(c->key_id, 7);
	assert_int_equal(c->id_after, *(uint64_t *)ctx);
}

static void the_newest_of_a_row_counts(void **state)
{
	const struct store_clock clock = { 1000, 1000 };
	struct hlr_change changes[] = {
		mapping("10.77.0.5", "192.0.2.9", 5, 301000),
		{ .kind = HLR_CHANGE_KEY, .key_id = 7, .id_after = 10 },
		mapping("10.77.0.5", "192.0.2.10", 6, 301000),
		{ .kind = HLR_CHANGE_KEY, .key_id = 7, .id_after = 11 },
	};
	struct store *store = open_store();
	struct hlr *hlr = new_hlr();
	struct hlr_cursor cursor = { .keys = true };

	(void)state;
	commit(store, hlr, changes, 4, &clock);
	hlr_free(hlr);
	store_close(store);
	store = open_store();
	hlr = load(store, &clock);
	assert_addr(find(hlr, "10.77.0.5", &clock)->coa, "192.0.2.10");
	hlr_walk(hlr, &cursor, 10, check_key, &(uint64_t){ 11 });
	assert_true(cursor.end);
	hlr_free(hlr);
	store_close(store);
}

/* Each known address answers while the rest is not read yet. */
static void newest_come_first_and_answer(void **state)
{
	const struct store_clock clock = { 1000, 1000 };
	struct hlr_change change;
	struct store *store = open_store();
	struct hlr *hlr = new_hlr();
	char perm[32];
	bool done;

	(void)state;
	for (int i = 1; i <= 100; i++) {
		snprintf(perm, sizeof(perm), "10.77.0.%d", i);
		change = mapping(perm, "192.0.2.9", i, 301000);
		commit(store, hlr, &change, 1, &clock);
	}
	hlr_free(hlr);
	store_close(store);
	store = open_store();
	hlr = new_hlr();
	hlr_set_loading(hlr, true);
	assert_null(store_load(store, hlr, &clock, 300, 10, &done));
	assert_false(done);
	assert_int_equal(hlr_count(hlr), 10);
	assert_non_null(find(hlr, "10.77.0.91", &clock));
	assert_null(find(hlr, "10.77.0.90", &clock));
	/* What is stored meanwhile is newer than what is still to come. */
	change = mapping("10.77.0.91", "192.0.2.10", 200, 301000);
	assert_true(hlr_restore_mapping(hlr, &change.after));
	commit(store, hlr, &change, 1, &clock);
	while (!done)
		assert_null(store_load(store, hlr, &clock, 300, 10, &done));
	assert_int_equal(hlr_count(hlr), 100);
	hlr_free(hlr);
	store_close(store);
	store = open_store();
	hlr = load(store, &clock);
	assert_int_equal(hlr_count(hlr), 100);
	assert_addr(find(hlr, "10.77.0.91", &clock)->coa, "192.0.2.10");
	hlr_free(hlr);
	store_close(store);
}

/**
 * struct world - a register that changes all the time, and how it should be
 * @store: its store
 * @hlr: the register
 * @rights: of its only key
 * @id: last identification
 * @changes: not committed yet
 */
struct world {
	struct store *store;
	struct hlr *hlr;
	struct hlr_rights rights;
	uint64_t id;
	struct hlr_changes changes;
};

static const struct roam_prefix everything;

static void update(struct world *w, unsigned int host,
		   const struct store_clock *clock)
{
	struct lr_msg msg = { .type = LR_UPDATE, .count = 1, .key_id = 7,
			      .id = ++w->id }, reply;
	unsigned int challenge;
	char text[32];

	snprintf(text, sizeof(text), "10.%u.%u.1", host / 250, host % 250);
	msg.entries[0].perm = addr(text);
	snprintf(text, sizeof(text), "192.0.2.%d", 1 + (int)(w->id % 200));
	msg.entries[0].coa = addr(text);
	msg.entries[0].seq = w->id;
	msg.entries[0].lifetime = 300;
	assert_int_equal(hlr_input(w->hlr, &(struct hlr_request){
		.now = clock->now, .source = msg.entries[0].coa,
		.rights = &w->rights, .msg = &msg,
	}, &reply, &w->changes, &challenge), LR_DROP_NONE);
	assert_int_equal(reply.entries[0].status, LR_OK);
}

static void add_up(void *ctx, const struct hlr_mapping *m)
{
	uint64_t *sum = ctx;

	*sum += m->seq * m->perm.b[14] + m->coa.b[15];
}

static void a_busy_store_stays_small_and_whole(void **state)
{
	const struct store_clock clock = { 1000, 1000 };
	struct world w = {
		.store = open_store(), .hlr = new_hlr(),
		.rights = { .key_id = 7, .permanent = &everything,
			    .n_permanent = 1 },
	};
	unsigned int passes = 0;
	uint64_t sum, again;
	struct hlr *hlr;
	enum pass last = REST;
	int code;

	(void)state;
	hlr_free(load(w.store, &clock));
	for (unsigned int i = 0; i < 60000; i++) {
		/* Some register once and are only copied from then on. */
		update(&w, i < 1000 ? i : i * 7919 % 700, &clock);
		if (i % 50)
			continue;
		commit(w.store, w.hlr, w.changes.items, w.changes.n, &clock);
		hlr_changes_reset(&w.changes);
		passes += last != REST && w.store->log->progress.pass == REST;
		last = w.store->log->progress.pass;
		if (i % 4000)
			continue;
		/* Whenever it stops, all is there. */
		sum = again = 0;
		hlr_foreach(w.hlr, clock.now, add_up, &sum);
		store_close(w.store);
		w.store = open_store();
		hlr = load(w.store, &clock);
		hlr_foreach(hlr, clock.now, add_up, &again);
		assert_int_equal(again, sum);
		assert_int_equal(hlr_count(hlr), hlr_count(w.hlr));
		hlr_free(hlr);
	}
	assert_true(passes >= 2);
	assert_true(ask(w.store->log, "SELECT sum(length(records)) FROM log",
			&code) < 4 * LOG_SMALL);
	hlr_changes_free(&w.changes);
	hlr_free(w.hlr);
	store_close(w.store);
}

/* One bit anywhere in the records, and it is noticed, and nothing written. */
static void a_changed_bit_is_noticed(void **state)
{
	const struct store_clock clock = { 1000, 1000 };
	struct hlr_change change = mapping("10.77.0.5", "192.0.2.9", 5, 301000);
	struct hlr_changes changes = { &change, 1, 1 };
	struct store *store = open_store();
	struct hlr *hlr = new_hlr();
	char *error;
	bool done;

	(void)state;
	commit(store, hlr, &change, 1, &clock);
	assert_int_equal(sqlite3_exec(store->log->db,
		"UPDATE log SET records = CAST(substr(records, 1, 53) || x'0a' || substr(records, 55) AS BLOB)",
		NULL, NULL, NULL), SQLITE_OK);
	store_close(store);
	store = open_store();
	error = store_load(store, hlr, &clock, 300, 10, &done);
	assert_non_null(error);
	assert_non_null(strstr(error, "check sum"));
	assert_non_null(strstr(error, ".recover"));
	free(error);
	assert_int_equal(hlr_count(hlr), 0);
	error = store_commit(store, hlr, &changes, &clock);
	assert_non_null(error);
	assert_non_null(strstr(error, "damaged"));
	free(error);
	hlr_free(hlr);
	store_close(store);
}

static void a_second_user_is_refused(void **state)
{
	struct store *store = open_store();
	char *error;

	(void)state;
	assert_null(store_open(path, &error));
	assert_non_null(strstr(error, path));
	assert_non_null(strstr(error, "another process uses it"));
	free(error);
	store_close(store);
}

static void a_foreign_database_is_left_alone(void **state)
{
	sqlite3 *db;
	char *error;

	(void)state;
	unlink(path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "CREATE TABLE t (x)", NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
	assert_null(store_open(path, &error));
	assert_non_null(strstr(error, "is no store of roam-hlrd"));
	free(error);
}

static void a_newer_format_is_refused(void **state)
{
	struct store *store;
	char *error;

	(void)state;
	unlink(path);
	store = open_store();
	assert_int_equal(sqlite3_exec(store->log->db, "PRAGMA user_version = 3", NULL,
				      NULL, NULL), SQLITE_OK);
	store_close(store);
	assert_null(store_open(path, &error));
	assert_non_null(strstr(error, "has format 3"));
	free(error);
}

static void damage_is_told_with_what_to_try(void **state)
{
	FILE *file = fopen(path, "w");
	char *error;

	(void)state;
	assert_non_null(file);
	for (int i = 0; i < 1000; i++)
		fputs("this is no database ", file);
	fclose(file);
	assert_null(store_open(path, &error));
	assert_non_null(strstr(error, ".recover"));
	free(error);
}

static void a_missing_folder_is_told(void **state)
{
	char *error;

	(void)state;
	assert_null(store_open("/nonexistent/hlr.db", &error));
	assert_non_null(strstr(error, "the folder must exist"));
	free(error);
}

static struct CMUnitTest test(const char *name, CMUnitTestFunction fn)
{
	return (struct CMUnitTest){ .name = name, .test_func = fn,
				    .setup_func = make_folder,
				    .teardown_func = remove_folder };
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test("OPEN-45: what is committed comes back",
		     what_is_committed_comes_back),
		test("OPEN-45: a clock that went back makes nothing immortal",
		     a_clock_gone_back_makes_nothing_immortal),
		test("MLR-04: what ended meanwhile is gone, nothing older takes its place",
		     what_ended_meanwhile_is_gone),
		test("OPEN-38: of several records of an address the newest counts",
		     the_newest_of_a_row_counts),
		test("OPEN-45: newest records come first and answer while the rest follows",
		     newest_come_first_and_answer),
		test("OPEN-32: a busy store stays small and whole",
		     a_busy_store_stays_small_and_whole),
		test("OPEN-45: a changed bit is noticed and nothing written any more",
		     a_changed_bit_is_noticed),
		test("store: a second user is refused", a_second_user_is_refused),
		test("store: a foreign database is left alone",
		     a_foreign_database_is_left_alone),
		test("store: another format is refused",
		     a_newer_format_is_refused),
		test("store: damage is told with what to try",
		     damage_is_told_with_what_to_try),
		cmocka_unit_test(a_missing_folder_is_told),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
