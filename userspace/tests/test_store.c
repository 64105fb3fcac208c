// SPDX-License-Identifier: GPL-2.0-or-later
/* The register's store; its source belongs to the daemon, not to the library. */
#include "core_test.h"

#include "hlrd/store.c"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct hlr_config limits = {
	.lifetime_max = 300,
	.tombstone = 300,
	.mappings_max = 100,
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

static void commit(struct store *store, struct hlr_change *items, size_t n,
		   const struct store_clock *clock)
{
	struct hlr_changes changes = { items, n, n };

	assert_null(store_commit(store, &changes, clock));
}

static struct hlr *load(struct store *store, const struct store_clock *clock)
{
	struct hlr *hlr = hlr_new(&limits);

	assert_non_null(hlr);
	assert_null(store_load(store, hlr, clock, 300));
	return hlr;
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
	struct roam_addr perm;
	struct hlr *hlr;

	(void)state;
	commit(store, changes, 3, &before);
	store_close(store);

	store = open_store();
	hlr = load(store, &after);
	assert_int_equal(hlr_count(hlr), 2);
	perm = addr("10.77.0.5");
	m = hlr_find(hlr, after.now, &perm);
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
	struct roam_addr perm = addr("10.77.0.5");
	struct store *store = open_store();
	const struct hlr_mapping *m;
	struct hlr *hlr;

	(void)state;
	commit(store, &change, 1, &before);
	hlr = load(store, &after);
	m = hlr_find(hlr, after.now, &perm);
	assert_non_null(m);
	assert_int_equal(m->expires, after.now + 300000);
	hlr_free(hlr);
	store_close(store);
}

static void what_ended_meanwhile_is_gone(void **state)
{
	const struct store_clock before = { 1000, 1000 };
	const struct store_clock after = { 50, 400000 };
	struct hlr_change change = mapping("10.77.0.5", "192.0.2.9", 5, 301000);
	struct store *store = open_store();
	struct hlr *hlr;
	int code;

	(void)state;
	commit(store, &change, 1, &before);
	hlr = load(store, &after);
	assert_int_equal(hlr_count(hlr), 0);
	assert_int_equal(ask(store, "SELECT count(*) FROM mapping", &code), 0);
	hlr_free(hlr);
	store_close(store);
}

static void a_replaced_mapping_is_not_removed(void **state)
{
	const struct store_clock clock = { 1000, 1000 };
	struct hlr_change old = mapping("10.77.0.5", "192.0.2.9", 5, 301000);
	struct hlr_change new = mapping("10.77.0.5", "192.0.2.10", 6, 301000);
	struct store *store = open_store();
	int code;

	(void)state;
	commit(store, &old, 1, &clock);
	commit(store, &new, 1, &clock);
	assert_null(store_remove(store, &old.after, 1));
	assert_int_equal(ask(store, "SELECT count(*) FROM mapping", &code), 1);
	assert_null(store_remove(store, &new.after, 1));
	assert_int_equal(ask(store, "SELECT count(*) FROM mapping", &code), 0);
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
	assert_int_equal(sqlite3_exec(store->db, "PRAGMA user_version = 2", NULL,
				      NULL, NULL), SQLITE_OK);
	store_close(store);
	assert_null(store_open(path, &error));
	assert_non_null(strstr(error, "has format 2"));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_committed_comes_back,
						make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(a_clock_gone_back_makes_nothing_immortal,
						make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(what_ended_meanwhile_is_gone,
						make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(a_replaced_mapping_is_not_removed,
						make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(a_second_user_is_refused,
						make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(a_foreign_database_is_left_alone,
						make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(a_newer_format_is_refused,
						make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(damage_is_told_with_what_to_try,
						make_folder, remove_folder),
		cmocka_unit_test(a_missing_folder_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
