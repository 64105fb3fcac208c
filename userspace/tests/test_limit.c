// SPDX-License-Identifier: GPL-2.0-or-later
/* What one source can cause. */
#include "core_test.h"

#include "base/limit.h"
#include "base/table.h"

static struct rate_limit rates;
static struct line_limit lines;

static int setup(void **state)
{
	(void)state;
	table_set_key(1, 2);
	memset(&rates, 0, sizeof(rates));
	memset(&lines, 0, sizeof(lines));
	return 0;
}

static unsigned int allowed(msec_t now, const char *source, unsigned int n)
{
	struct roam_addr a = addr(source);
	unsigned int count = 0;

	while (n--)
		count += rate_limit_allow(&rates, now, 100, &a);
	return count;
}

static void a_second_s_worth_then_the_rate(void **state)
{
	unsigned int more = 0;
	msec_t now;

	(void)state;
	assert_int_equal(allowed(5000, "192.0.2.1", 1000), 100);
	for (now = 5001; now <= 15000; now++)
		more += allowed(now, "192.0.2.1", 3);
	assert_in_range(more, 999, 1001);
	/* Silence earns no more than a second's worth. */
	assert_int_equal(allowed(900000, "192.0.2.1", 1000), 100);
}

static void sources_have_their_own(void **state)
{
	(void)state;
	assert_int_equal(allowed(5000, "192.0.2.1", 1000), 100);
	assert_int_equal(allowed(5000, "192.0.2.2", 50), 50);
	assert_int_equal(allowed(5000, "2001:db8::1", 50), 50);
	/* A host owns a /64: it cannot take one address after the other. */
	assert_int_equal(allowed(5000, "2001:db8::2", 1000), 50);
	assert_int_equal(allowed(5000, "2001:db8:0:1::2", 1000), 100);
}

/* Lines that somebody's messages cause: his /64 is he, and nobody writes the log full. */
static void lines_are_counted_by_64(void **state)
{
	static struct limit limit;
	struct roam_addr a = addr("2001:db8::1");
	uint32_t suppressed = 0;
	unsigned int n = 0;

	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		a.b[15] = (uint8_t)i;
		a.b[14] = (uint8_t)(i >> 8);
		n += limit_allow(&limit, 5000, &a, &suppressed);
	}
	assert_int_equal(n, 1);
	/* all /64 together */
	for (unsigned int i = 0; i < 1000; i++) {
		a.b[7] = (uint8_t)i;
		a.b[6] = (uint8_t)(i >> 8);
		n += limit_allow(&limit, 5000, &a, &suppressed);
	}
	assert_int_equal(n, LIMIT_TOTAL);
	a = addr("2001:db8::ffff");
	assert_true(limit_allow(&limit, 5000 + LIMIT_INTERVAL, &a,
				&suppressed));
}

/* Keys are told apart by their number, and from sources. */
static void keys_have_their_own(void **state)
{
	struct roam_addr a = addr("192.0.2.1");
	uint32_t key;
	unsigned int n = 0;

	(void)state;
	for (key = 1; key <= 50; key++)
		for (unsigned int i = 0; i < 200; i++)
			n += rate_limit_charge(&rates, 5000, 100, &key,
					       sizeof(key));
	/* two may share a slot by chance */
	assert_in_range(n, 4900, 5000);
	assert_true(rate_limit_allow(&rates, 5000, 100, &a));
}

static void without_a_rate_all_pass(void **state)
{
	struct roam_addr a = addr("192.0.2.1");

	(void)state;
	for (int i = 0; i < 100000; i++)
		assert_true(rate_limit_allow(&rates, 5000, 0, &a));
}

static void lines_are_counted(void **state)
{
	uint32_t suppressed, written = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		written += line_limit_allow(&lines, 5000 + i, &suppressed);
		assert_int_equal(suppressed, 0);
	}
	assert_int_equal(written, LINE_LIMIT);
	assert_true(line_limit_allow(&lines, 6000, &suppressed));
	assert_int_equal(suppressed, 1000 - LINE_LIMIT);
	assert_true(line_limit_allow(&lines, 6001, &suppressed));
	assert_int_equal(suppressed, 0);
}

static struct CMUnitTest test(const char *name, CMUnitTestFunction fn)
{
	return (struct CMUnitTest){ .name = name, .test_func = fn,
				    .setup_func = setup };
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test("OPEN-32: a second's worth at once, then the rate",
		     a_second_s_worth_then_the_rate),
		test("OPEN-32: sources have their own allowance, IPv6 by /64",
		     sources_have_their_own),
		test("SEC-09 SEC-04: lines that messages cause are counted by /64, and all of them",
		     lines_are_counted_by_64),
		test("SEC-03: keys have their own allowance",
		     keys_have_their_own),
		test("OPEN-32: without a rate all pass",
		     without_a_rate_all_pass),
		test("OPEN-32: lines about handoffs are counted when too many",
		     lines_are_counted),
	};

	return cmocka_run_group_tests_name("hlr_limit", tests, NULL, NULL);
}
