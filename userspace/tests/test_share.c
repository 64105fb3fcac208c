// SPDX-License-Identifier: GPL-2.0-or-later
#include "core_test.h"

#include <stdio.h>

#include "core/share.h"

#define NODES 4000

static const struct share_member four[] = {
	{ { { [10] = 0xff, [11] = 0xff, 198, 18, 0, 1 } }, 1, true },
	{ { { [10] = 0xff, [11] = 0xff, 198, 18, 0, 2 } }, 1, true },
	{ { { [10] = 0xff, [11] = 0xff, 198, 18, 0, 3 } }, 1, true },
	{ { { [10] = 0xff, [11] = 0xff, 198, 18, 0, 4 } }, 1, true },
};

static struct roam_addr home(unsigned int n)
{
	struct roam_addr a = { { [10] = 0xff, [11] = 0xff, 10, 77,
				 (uint8_t)(n >> 8), (uint8_t)n } };

	return a;
}

/* The order of the page's example, computed by other means. */
static void orders(void **state)
{
	static const size_t expected[2][4] = { { 1, 2, 3, 0 }, { 1, 0, 3, 2 } };
	size_t order[SHARE_MAX];

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct roam_addr node = home(256 + i);

		share_order(four, 4, &node, order);
		for (size_t k = 0; k < 4; k++)
			assert_int_equal(order[k], expected[i][k]);
	}
}

static void serve_all(struct share *s, msec_t now, enum share_policy policy,
		      const struct share_member *members, size_t where[NODES],
		      size_t count[4])
{
	memset(count, 0, 4 * sizeof(count[0]));
	for (unsigned int i = 0; i < NODES; i++) {
		struct roam_addr node = home(i);
		uint32_t origin = where[i] < 4 ? 0xc6120001 + (uint32_t)where[i] : 0;

		where[i] = share_choose(s, now, policy, members, 4, &node, origin);
		assert_true(where[i] < 4);
		count[where[i]]++;
	}
}

static void nobody(size_t where[NODES])
{
	for (size_t i = 0; i < NODES; i++)
		where[i] = 4;
}

static void by_hash(void **state)
{
	struct share_member members[4];
	struct share *s = share_new();
	size_t before[NODES], after[NODES], count[4];

	(void)state;
	memcpy(members, four, sizeof(members));
	members[0].weight = 3;
	nobody(before);
	serve_all(s, 1000, SHARE_HASH, members, before, count);
	/* 3 of 6, and 1 of 6 each */
	assert_in_range(count[0], NODES * 45 / 100, NODES * 55 / 100);
	for (size_t i = 1; i < 4; i++)
		assert_in_range(count[i], NODES * 13 / 100, NODES * 20 / 100);
	/* One is gone: its nodes go to their next ones, and no other node moves. */
	members[2].usable = false;
	memcpy(after, before, sizeof(after));
	serve_all(s, 60000, SHARE_HASH, members, after, count);
	assert_int_equal(count[2], 0);
	for (unsigned int i = 0; i < NODES; i++) {
		struct roam_addr node = home(i);
		size_t order[SHARE_MAX];

		share_order(members, 4, &node, order);
		assert_int_equal(after[i], order[before[i] == 2]);
	}
	assert_true(count[0] && count[1] && count[3]);
	/* It is back, and so are they. */
	members[2].usable = true;
	serve_all(s, 120000, SHARE_HASH, members, after, count);
	assert_memory_equal(after, before, sizeof(after));
	/* Weight 0 gets nothing. */
	members[3].weight = 0;
	serve_all(s, 180000, SHARE_HASH, members, after, count);
	assert_int_equal(count[3], 0);
	share_free(s);
}

static void by_turn(void **state)
{
	struct share_member members[4];
	struct share *s = share_new();
	size_t before[NODES], after[NODES], count[4];

	(void)state;
	memcpy(members, four, sizeof(members));
	members[1].weight = 5;
	nobody(before);
	serve_all(s, 1000, SHARE_ROUND_ROBIN, members, before, count);
	assert_int_equal(count[0], NODES / 8);
	assert_int_equal(count[1], NODES * 5 / 8);
	assert_int_equal(count[3], NODES / 8);
	/* Who has a member stays with it, whoever is asked: a new one of the group, too. */
	share_free(s);
	s = share_new();
	memcpy(after, before, sizeof(after));
	serve_all(s, 60000, SHARE_ROUND_ROBIN, members, after, count);
	assert_memory_equal(after, before, sizeof(after));
	/* One is gone: each of its nodes goes to the first one of its order. */
	members[1].usable = false;
	serve_all(s, 120000, SHARE_ROUND_ROBIN, members, after, count);
	for (unsigned int i = 0; i < NODES; i++) {
		struct roam_addr node = home(i);
		size_t order[SHARE_MAX], first = 0;

		share_order(members, 4, &node, order);
		while (order[first] == 1)
			first++;
		if (before[i] == 1)
			assert_int_equal(after[i], order[first]);
	}
	/* It is back, and gets its part again, though nobody is there who was with it. */
	members[1].usable = true;
	for (int i = 1; i <= 3; i++)
		serve_all(s, 120000 + 60000 * i, SHARE_ROUND_ROBIN, members, after, count);
	assert_in_range(count[1], NODES * 60 / 100, NODES * 65 / 100);
	share_free(s);
}

/* What is under way stays where it is, before a table shows it. */
static void under_way(void **state)
{
	struct share *s = share_new();
	struct roam_addr node = home(7);
	size_t first;

	(void)state;
	first = share_choose(s, 1000, SHARE_ROUND_ROBIN, four, 4, &node, 0);
	for (msec_t now = 1001; now < 1010; now++)
		assert_int_equal(share_choose(s, now, SHARE_ROUND_ROBIN, four, 4,
					      &node, 0), first);
	share_free(s);
}

static void silent(void **state)
{
	struct share_member members[4];
	struct share *s = share_new();
	struct roam_addr node = home(256);
	size_t order[SHARE_MAX];
	msec_t now = 1000;

	(void)state;
	memcpy(members, four, sizeof(members));
	share_order(members, 4, &node, order);
	assert_int_equal(share_choose(s, now, SHARE_HASH, members, 4, &node, 0),
			 order[0]);
	share_asked(s, now, order[0]);
	/* It answers nothing for more than a second: the next one has its nodes, */
	share_asked(s, now + 1100, order[0]);
	assert_int_equal(share_choose(s, now + 1100, SHARE_HASH, members, 4,
				      &node, 0), order[1]);
	/* until it answers, or some time has passed. */
	share_answered(s, now + 1200, order[0], true);
	now += 60000;
	assert_int_equal(share_choose(s, now, SHARE_HASH, members, 4, &node, 0),
			 order[0]);
	share_answered(s, now, order[0], false);
	assert_int_equal(share_choose(s, now + 1, SHARE_HASH, members, 4, &node, 0),
			 order[1]);
	assert_int_equal(share_choose(s, now + 60000, SHARE_HASH, members, 4,
				      &node, 0), order[0]);
	/* Nobody can be had: this host itself. */
	for (size_t i = 0; i < 4; i++)
		members[i].usable = false;
	assert_int_equal(share_choose(s, now + 90000, SHARE_HASH, members, 4,
				      &node, 0), 0);
	share_free(s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name, function) { name, function, NULL, NULL, NULL }
		TEST("SYNC-66: each node has an order of members", orders),
		TEST("SYNC-66 SYNC-67: shared by hash and weight, with successors", by_hash),
		TEST("SYNC-66 SYNC-67: shared by turn and weight, with successors", by_turn),
		TEST("SYNC-66 SYNC-35: what one node asks goes to one member", under_way),
		TEST("SYNC-66: a member that does not answer or is not willing is left out", silent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
