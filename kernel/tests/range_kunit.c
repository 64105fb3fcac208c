// SPDX-License-Identifier: GPL-2.0-only
/*
 * The prefixes of permanent addresses against a walk through all of them.
 */
#include <kunit/test.h>
#include <linux/module.h>
#include <linux/netlink.h>

/* Included: range.c is part of the module, and does not export anything. */
#include "../mangle/range.c"

#define ROUNDS 200

static u32 random_state;

static u32 random_below(u32 n)
{
	random_state = random_state * 1664525 + 1013904223;
	return ((u64)random_state * n) >> 32;
}

static int range_init(struct kunit *test)
{
	struct roam_net *rn = kunit_kzalloc(test, sizeof(*rn), GFP_KERNEL);

	if (!rn)
		return -ENOMEM;
	mutex_init(&rn->lock);
	test->priv = rn;
	random_state = 1;
	return 0;
}

static void range_exit(struct kunit *test)
{
	struct roam_net *rn = test->priv;

	kfree(rcu_dereference_protected(rn->ranges, true));
}

static int set(struct kunit *test, struct roam_ranges *ranges,
	       struct netlink_ext_ack *extack)
{
	struct roam_net *rn = test->priv;
	int err;

	mutex_lock(&rn->lock);
	err = roam_ranges_set(rn, ranges, extack);
	mutex_unlock(&rn->lock);
	return err;
}

static bool contain(struct kunit *test, u32 addr)
{
	struct roam_net *rn = test->priv;
	bool found;

	rcu_read_lock();
	found = roam_ranges_contain(rcu_dereference(rn->ranges), htonl(addr));
	rcu_read_unlock();
	return found;
}

static void fill(struct roam_range *range, u32 addr, u8 len)
{
	u32 host = len ? ~0U >> (len - 1) >> 1 : ~0U;

	range->first = addr & ~host;
	range->last = addr | host;
	range->len = len;
}

static bool overlap(const struct roam_range *a, const struct roam_range *b)
{
	return a->first <= b->last && b->first <= a->last;
}

/* @n prefixes without overlap, in the order they were drawn. */
static struct roam_ranges *draw(struct kunit *test, unsigned int n)
{
	struct roam_ranges *ranges = roam_ranges_alloc(n);
	unsigned int i = 0, j;

	KUNIT_ASSERT_NOT_NULL(test, ranges);
	while (i < n) {
		fill(&ranges->item[i], random_below(U32_MAX),
		     10 + random_below(23));
		for (j = 0; j < i; j++)
			if (overlap(&ranges->item[i], &ranges->item[j]))
				break;
		i += j == i;
	}
	return ranges;
}

static const unsigned int sizes[] = { 1, 2, 3, 8, 31, ROAM_RANGES_MAX };

static void size_name(const unsigned int *size, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u prefixes", *size);
}

KUNIT_ARRAY_PARAM(size, sizes, size_name);

static void test_lookup(struct kunit *test)
{
	unsigned int n = *(const unsigned int *)test->param_value;
	struct netlink_ext_ack extack = {};
	struct roam_ranges *ranges;
	struct roam_range *model;
	unsigned int round, i, j;

	model = kunit_kcalloc(test, n, sizeof(*model), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, model);
	ranges = draw(test, n);
	memcpy(model, ranges->item, n * sizeof(*model));
	KUNIT_ASSERT_EQ(test, set(test, ranges, &extack), 0);

	for (i = 0; i < n; i++) {
		KUNIT_EXPECT_TRUE(test, contain(test, model[i].first));
		KUNIT_EXPECT_TRUE(test, contain(test, model[i].last));
	}
	for (round = 0; round < ROUNDS * 4; round++) {
		/* At random, or just beside an end. */
		u32 addr = random_below(U32_MAX);
		bool want = false;

		i = random_below(n);
		if (round % 4 == 1)
			addr = model[i].first - 1;
		else if (round % 4 == 2)
			addr = model[i].last + 1;
		for (j = 0; j < n && !want; j++)
			want = addr >= model[j].first && addr <= model[j].last;
		KUNIT_ASSERT_EQ_MSG(test, contain(test, addr), want,
				    "address %08x", addr);
	}
}

static void test_none(struct kunit *test)
{
	struct netlink_ext_ack extack = {};

	KUNIT_EXPECT_FALSE(test, contain(test, 0));
	KUNIT_ASSERT_EQ(test, set(test, draw(test, 4), &extack), 0);
	KUNIT_ASSERT_EQ(test, set(test, NULL, &extack), 0);
	KUNIT_EXPECT_FALSE(test, contain(test, 0));
	KUNIT_EXPECT_FALSE(test, contain(test, U32_MAX));
}

static void test_all(struct kunit *test)
{
	struct roam_ranges *ranges = roam_ranges_alloc(1);
	struct netlink_ext_ack extack = {};

	KUNIT_ASSERT_NOT_NULL(test, ranges);
	fill(&ranges->item[0], 0, 0);
	KUNIT_ASSERT_EQ(test, set(test, ranges, &extack), 0);
	KUNIT_EXPECT_TRUE(test, contain(test, 0));
	KUNIT_EXPECT_TRUE(test, contain(test, 0x0a000001));
	KUNIT_EXPECT_TRUE(test, contain(test, U32_MAX));
}

/* Refused with a cause, and what was set before stays. */
static void test_overlap(struct kunit *test)
{
	struct netlink_ext_ack extack = {};
	struct roam_ranges *ranges;
	unsigned int round, i;

	ranges = roam_ranges_alloc(1);
	KUNIT_ASSERT_NOT_NULL(test, ranges);
	fill(&ranges->item[0], 0x0a000000, 8);
	KUNIT_ASSERT_EQ(test, set(test, ranges, &extack), 0);
	KUNIT_ASSERT_NULL(test, extack._msg);

	for (round = 0; round < ROUNDS; round++) {
		extack._msg = NULL;
		ranges = draw(test, 16);
		i = 1 + random_below(15);
		/* A longer or equal prefix within another one, wherever that is. */
		fill(&ranges->item[i], ranges->item[0].first,
		     ranges->item[0].len + random_below(33 - ranges->item[0].len));
		KUNIT_ASSERT_EQ(test, set(test, ranges, &extack), -EINVAL);
		KUNIT_ASSERT_NOT_NULL(test, extack._msg);
		kfree(ranges);
	}
	KUNIT_EXPECT_TRUE(test, contain(test, 0x0a123456));
	KUNIT_EXPECT_FALSE(test, contain(test, 0x0b000000));
}

static struct kunit_case range_cases[] = {
	{ .name = "MLR-16: lookup as by a walk through all",
	  .run_case = test_lookup, .generate_params = size_gen_params },
	{ .name = "MLR-16: no prefix contains nothing", .run_case = test_none },
	{ .name = "MLR-16: prefix of length zero contains all",
	  .run_case = test_all },
	{ .name = "MLR-16: overlap is refused and changes nothing",
	  .run_case = test_overlap },
	{}
};

static struct kunit_suite range_suite = {
	.name = "roam_range",
	.init = range_init,
	.exit = range_exit,
	.test_cases = range_cases,
};

kunit_test_suite(range_suite);

MODULE_DESCRIPTION("roam: tests of the prefixes of permanent addresses");
MODULE_LICENSE("GPL");
