// SPDX-License-Identifier: GPL-2.0-or-later
/* The durable log with records of another kind: texts of any length by number. */
#include "core_test.h"

#include <stdio.h>
#include <unistd.h>

#include "store/log.h"
#include "wire/bytes.h"

#define ENTRIES 500
#define TEXT_MAX 200

/**
 * struct texts - the table
 * @len: of each text, 0 where there is none
 * @text: the texts
 * @known: while loading: the newest record of this entry was read
 * @walks: passes that came to the end of the table
 */
struct texts {
	uint8_t len[ENTRIES];
	uint8_t text[ENTRIES][TEXT_MAX];
	bool known[ENTRIES];
	unsigned int walks;
	size_t expected[2];
	size_t loaded;
};

static char folder[256], path[300];

static int make_folder(void **state)
{
	const char *where = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%s/roam-test-log.XXXXXX",
		 where ? where : "/tmp");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/texts.db", folder);
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

/* 2 number, 1 length, the text. */
static size_t length(const uint8_t *p, size_t len)
{
	return len < 3 || bytes_get(p, 2) >= ENTRIES ? 0 : 3u + p[2];
}

static void expect(void *ctx, const uint8_t *p, size_t len, bool first)
{
	struct texts *t = ctx;

	assert_int_equal(len, 3 + p[2]);
	t->expected[!first]++;
	/* All of a row once, then all of it again. */
	assert_true(t->expected[1] <= t->expected[0]);
}

static bool load(void *ctx, const uint8_t *p, size_t len)
{
	struct texts *t = ctx;
	size_t i = bytes_get(p, 2);

	assert_int_equal(len, 3 + p[2]);
	t->loaded++;
	assert_true(t->loaded <= t->expected[1]);
	if (t->known[i])
		return true;
	t->known[i] = true;
	t->len[i] = p[2];
	memcpy(t->text[i], p + 3, p[2]);
	return true;
}

static void add(struct store_log *log, const struct texts *t, size_t i)
{
	uint8_t record[3 + TEXT_MAX];

	bytes_put(record, i, 2);
	record[2] = t->len[i];
	memcpy(record + 3, t->text[i], t->len[i]);
	store_log_add(log, record, 3 + t->len[i]);
}

static bool walk(void *ctx, void *cursor, size_t n, struct store_log *log)
{
	struct texts *t = ctx;
	size_t *at = cursor;

	for (; n-- && *at < ENTRIES; ++*at)
		if (t->len[*at])
			add(log, t, *at);
	t->walks += *at == ENTRIES;
	return *at == ENTRIES;
}

static uint64_t needed(void *ctx)
{
	const struct texts *t = ctx;
	uint64_t sum = 0;

	for (size_t i = 0; i < ENTRIES; i++)
		sum += t->len[i] ? 3 + t->len[i] : 0;
	return sum;
}

static const struct store_format format = {
	.daemon = "roam-test",
	.option = "texts",
	.empty = "that does no harm",
	.application = 0x74657374,
	.version = 1,
	.length = length,
	.load = load,
	.expect = expect,
	.walk = walk,
	.needed = needed,
};

static struct store_log *open_log(void)
{
	struct store_log *log;
	char *error;

	log = store_log_open(path, &format, &error);
	if (!log)
		fail_msg("%s", error);
	return log;
}

static void commit(struct store_log *log, struct texts *t)
{
	char *error = store_log_commit(log, t);

	if (error)
		fail_msg("%s", error);
}

static struct texts *load_all(struct store_log *log)
{
	struct texts *t = calloc(1, sizeof(*t));
	bool done = false;

	while (!done)
		assert_null(store_log_load(log, t, 10, &done));
	return t;
}

static void set(struct texts *t, size_t i, const char *text)
{
	t->len[i] = strlen(text);
	memcpy(t->text[i], text, t->len[i]);
}

/* Texts of every length, removals as empty ones, across passes and restarts. */
static void all_comes_back_across_passes(void **state)
{
	struct store_log *log = open_log();
	struct texts *t = load_all(log), *again;
	uint32_t random = 1;

	(void)state;
	for (unsigned int n = 0; n < 60000; n++) {
		size_t i;

		random = random * 1103515245 + 12345;
		i = random >> 16 & 0xff;
		/* The upper half is written once and only copied from then on. */
		i = n < ENTRIES ? n : i;
		t->len[i] = random >> 8 & 7 ? n % TEXT_MAX : 0;
		memset(t->text[i], n & 0xff, t->len[i]);
		add(log, t, i);
		if (n % 40)
			continue;
		commit(log, t);
		if (n % 6000)
			continue;
		store_log_close(log);
		log = open_log();
		again = load_all(log);
		assert_int_equal(again->expected[1], again->loaded);
		assert_true(store_log_records(log, 3) >= again->loaded);
		for (i = 0; i < ENTRIES; i++) {
			assert_int_equal(again->len[i], t->len[i]);
			assert_memory_equal(again->text[i], t->text[i],
					    t->len[i]);
		}
		free(again);
	}
	assert_true(t->walks >= 2);
	free(t);
	store_log_close(log);
}

static void a_batch_is_taken_whole_or_not_at_all(void **state)
{
	static const uint8_t giant[STORE_RECORD_MAX + 1];
	struct store_log *log = open_log();
	struct texts *t = load_all(log);
	char *error;

	(void)state;
	set(t, 1, "stays");
	add(log, t, 1);
	commit(log, t);
	set(t, 1, "refused");
	add(log, t, 1);
	store_log_add(log, giant, sizeof(giant));
	error = store_log_commit(log, t);
	assert_non_null(error);
	free(error);
	set(t, 2, "later");
	add(log, t, 2);
	commit(log, t);
	/* What was not committed is lost. */
	set(t, 3, "never");
	add(log, t, 3);
	store_log_close(log);
	free(t);

	log = open_log();
	t = load_all(log);
	assert_int_equal(t->len[1], 5);
	assert_memory_equal(t->text[1], "stays", 5);
	assert_int_equal(t->len[2], 5);
	assert_int_equal(t->len[3], 0);
	free(t);
	store_log_close(log);
}

/* The length that a record claims leads behind its row. */
static void what_is_no_record_is_damage(void **state)
{
	static const uint8_t bad[] = { 0, 1, 200, 'x' };
	struct store_log *log = open_log();
	struct texts *t = load_all(log);
	char *error;
	bool done;

	(void)state;
	store_log_add(log, bad, sizeof(bad));
	commit(log, t);
	store_log_close(log);
	log = open_log();
	error = store_log_load(log, t, 10, &done);
	assert_non_null(error);
	assert_non_null(strstr(error, "no record"));
	assert_non_null(strstr(error, "that does no harm"));
	free(error);
	set(t, 1, "more");
	add(log, t, 1);
	error = store_log_commit(log, t);
	assert_non_null(error);
	assert_non_null(strstr(error, "damaged"));
	free(error);
	free(t);
	store_log_close(log);
}

static void another_kind_is_refused(void **state)
{
	struct store_format other = format;
	char *error;

	(void)state;
	store_log_close(open_log());
	other.application++;
	assert_null(store_log_open(path, &other, &error));
	assert_non_null(strstr(error, "is no store of roam-test"));
	assert_non_null(strstr(error, "'texts'"));
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
		test("OPEN-45: all comes back, whatever pass the log is in",
		     all_comes_back_across_passes),
		test("OPEN-45: a batch is durable as a whole or not at all",
		     a_batch_is_taken_whole_or_not_at_all),
		test("OPEN-45: what is no record is damage, and nothing written",
		     what_is_no_record_is_damage),
		test("store: a store of another kind is refused",
		     another_kind_is_refused),
	};

	return cmocka_run_group_tests_name("store_log", tests, NULL, NULL);
}
