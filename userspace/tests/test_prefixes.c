// SPDX-License-Identifier: GPL-2.0-or-later
#include "core_test.h"

#include <stdio.h>

#include "base/prefixes.h"

#define N 300

static uint64_t dice(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed * 0x2545f4914f6cdd1d >> 32;
}

/* Few bits of an address differ, so that prefixes hold each other. */
static struct roam_addr some_addr(uint64_t *seed)
{
	struct roam_addr a = { .b = { 0x20, 1 } };

	for (size_t i = 13; i < 16; i++)
		a.b[i] = (uint8_t)(dice(seed) % 7);
	return a;
}

static struct roam_prefix some_prefix(uint64_t *seed)
{
	struct roam_prefix p = { some_addr(seed),
				 (uint8_t)(108 + dice(seed) % 21) };

	for (unsigned int bit = p.len; bit < 128; bit++)
		p.addr.b[bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
	return p;
}

static bool any(const struct roam_prefix *prefixes, size_t n,
		const struct roam_addr *a)
{
	for (size_t i = 0; i < n; i++)
		if (roam_prefix_contains(&prefixes[i], a))
			return true;
	return false;
}

static void a_set_is_what_its_prefixes_are(void **state)
{
	struct roam_prefix prefixes[N];
	struct prefix_set *set;
	struct roam_addr a;
	uint64_t seed = 1;

	(void)state;
	for (size_t n = 0; n < N; n += 1 + n / 4) {
		for (size_t i = 0; i < n; i++)
			prefixes[i] = some_prefix(&seed);
		set = prefix_set_new(prefixes, n);
		assert_non_null(set);
		for (size_t i = 0; i < 2000; i++) {
			a = some_addr(&seed);
			assert_int_equal(prefix_set_contains(set, &a),
					 any(prefixes, n, &a));
		}
		prefix_set_free(set);
	}
}

static void both_families_and_the_ends(void **state)
{
	struct roam_prefix prefixes[] = {
		prefix("10.0.0.0/8"), prefix("10.1.0.0/16"), prefix("::/0"),
	};
	struct prefix_set *set = prefix_set_new(prefixes, 2);
	struct roam_addr in[] = { addr("10.0.0.0"), addr("10.255.255.255"),
				  addr("10.1.2.3") };
	struct roam_addr out[] = { addr("9.255.255.255"), addr("11.0.0.0"),
				   addr("::"), addr("fc00::1") };

	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_true(prefix_set_contains(set, &in[i]));
	for (size_t i = 0; i < 4; i++)
		assert_false(prefix_set_contains(set, &out[i]));
	assert_false(prefix_set_contains(NULL, &in[0]));
	prefix_set_free(set);
	set = prefix_set_new(prefixes, 3);
	for (size_t i = 0; i < 4; i++)
		assert_true(prefix_set_contains(set, &out[i]));
	prefix_set_free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ .name = "SEC-02: a set of prefixes holds what one of them holds",
		  .test_func = a_set_is_what_its_prefixes_are },
		{ .name = "SEC-02: a set of prefixes knows its ends, in both families",
		  .test_func = both_families_and_the_ends },
	};

	return cmocka_run_group_tests_name("prefixes", tests, NULL, NULL);
}
