// SPDX-License-Identifier: GPL-2.0-only
/*
 * The prefixes of permanent addresses against a walk through all of them.
 */
#include <kunit/test.h>
#include <linux/module.h>
#include <linux/netlink.h>

/* Included: range.c is part of the module, and does not export anything. */
#include "../mangle/range.c"
#include "../core/addr.h"

#define ROUNDS 200

static u32 random_state;

static u32 random_below(u32 n)
{
	random_state = random_state * 1664525 + 1013904223;
	return ((u64)random_state * n) >> 32;
}

/* Those that the test has made last. */
static struct mangle_ranges *current_ranges;

static int range_init(struct kunit *test)
{
	current_ranges = NULL;
	random_state = 1;
	return 0;
}

static void range_exit(struct kunit *test)
{
	kfree(current_ranges);
}

static int set(struct kunit *test, struct mangle_ranges *ranges,
	       struct netlink_ext_ack *extack)
{
	int err = mangle_ranges_sort(ranges, extack);

	if (err)
		return err;
	kfree(current_ranges);
	current_ranges = ranges;
	return 0;
}

static bool contain(struct kunit *test, const struct in6_addr *addr)
{
	return mangle_ranges_contain(current_ranges, addr);
}

/* A prefix as people think of it: bits, of IPv4 behind the mapped form's 96. */
struct prefix {
	struct in6_addr addr;
	u8 len;
};

static struct in6_addr random_address(bool v4)
{
	struct in6_addr addr;
	unsigned int i;

	for (i = 0; i < 4; i++)
		addr.s6_addr32[i] = htonl(random_below(U32_MAX));
	return v4 ? roam_addr4(addr.s6_addr32[3]) : addr;
}

static struct in6_addr v4(u32 addr)
{
	return roam_addr4(htonl(addr));
}

/* Sets what is behind the prefix to zeros or ones. */
static struct in6_addr end_of(const struct prefix *prefix, bool last)
{
	struct in6_addr addr = prefix->addr;
	unsigned int i;

	for (i = prefix->len; i < 128; i++) {
		addr.s6_addr[i / 8] &= ~(0x80 >> i % 8);
		if (last)
			addr.s6_addr[i / 8] |= 0x80 >> i % 8;
	}
	return addr;
}

static bool in_prefix(const struct in6_addr *addr, const struct prefix *prefix)
{
	return ipv6_prefix_equal(addr, &prefix->addr, prefix->len);
}

static bool overlap(const struct prefix *a, const struct prefix *b)
{
	return ipv6_prefix_equal(&a->addr, &b->addr, min(a->len, b->len));
}

/* @n prefixes of both families without overlap, in the order they were drawn. */
static struct mangle_ranges *draw(struct kunit *test, struct prefix *prefix,
				  unsigned int n)
{
	struct mangle_ranges *ranges = mangle_ranges_alloc(n);
	unsigned int i = 0, j;

	KUNIT_ASSERT_NOT_NULL(test, ranges);
	while (i < n) {
		bool is4 = random_below(2);

		prefix[i].addr = random_address(is4);
		prefix[i].len = is4 ? 106 + random_below(23) :
				      12 + random_below(117);
		prefix[i].addr = end_of(&prefix[i], false);
		for (j = 0; j < i; j++)
			if (overlap(&prefix[i], &prefix[j]))
				break;
		if (j < i)
			continue;
		KUNIT_ASSERT_TRUE(test, mangle_range_fill(&ranges->item[i],
							  &prefix[i].addr,
							  prefix[i].len));
		i++;
	}
	return ranges;
}

static const unsigned int sizes[] = { 1, 2, 3, 8, 31, MANGLE_RANGES_MAX };

static void size_name(const unsigned int *size, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%u prefixes", *size);
}

KUNIT_ARRAY_PARAM(size, sizes, size_name);

/* The address before or behind this one. */
static struct in6_addr step(struct in6_addr addr, int by)
{
	int i;

	for (i = 15; i >= 0; i--) {
		addr.s6_addr[i] += by;
		/* Without a carry the rest stays. */
		if (addr.s6_addr[i] != (by > 0 ? 0 : 0xff))
			break;
	}
	return addr;
}

static void test_lookup(struct kunit *test)
{
	unsigned int n = *(const unsigned int *)test->param_value;
	struct netlink_ext_ack extack = {};
	struct mangle_ranges *ranges;
	unsigned int round, i, j;
	struct prefix *model;
	struct in6_addr addr;

	model = kunit_kcalloc(test, n, sizeof(*model), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, model);
	ranges = draw(test, model, n);
	KUNIT_ASSERT_EQ(test, set(test, ranges, &extack), 0);

	for (i = 0; i < n; i++) {
		addr = end_of(&model[i], false);
		KUNIT_EXPECT_TRUE(test, contain(test, &addr));
		addr = end_of(&model[i], true);
		KUNIT_EXPECT_TRUE(test, contain(test, &addr));
	}
	for (round = 0; round < ROUNDS * 4; round++) {
		bool want = false;

		/* At random, or just beside an end. */
		i = random_below(n);
		addr = random_address(round % 8 < 4);
		if (round % 4 == 1)
			addr = step(end_of(&model[i], false), -1);
		else if (round % 4 == 2)
			addr = step(end_of(&model[i], true), 1);
		for (j = 0; j < n && !want; j++)
			want = in_prefix(&addr, &model[j]);
		KUNIT_ASSERT_EQ_MSG(test, contain(test, &addr), want,
				    "address %pI6c", &addr);
	}
}

static void test_none(struct kunit *test)
{
	const struct in6_addr low = v4(0), high = v4(U32_MAX);
	struct netlink_ext_ack extack = {};
	struct prefix model[4];

	KUNIT_EXPECT_FALSE(test, contain(test, &low));
	KUNIT_ASSERT_EQ(test, set(test, draw(test, model, 4), &extack), 0);
	KUNIT_ASSERT_EQ(test, set(test, NULL, &extack), 0);
	KUNIT_EXPECT_FALSE(test, contain(test, &low));
	KUNIT_EXPECT_FALSE(test, contain(test, &high));
	KUNIT_EXPECT_FALSE(test, contain(test, &model[0].addr));
}

static void test_all(struct kunit *test)
{
	const struct in6_addr any4[] = { v4(0), v4(0x0a000001), v4(U32_MAX) };
	struct mangle_ranges *ranges = mangle_ranges_alloc(1);
	struct netlink_ext_ack extack = {};
	struct in6_addr any6 = random_address(false);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, ranges);
	KUNIT_EXPECT_TRUE(test, mangle_range_fill(&ranges->item[0], &any4[0], 96));
	KUNIT_ASSERT_EQ(test, set(test, ranges, &extack), 0);
	for (i = 0; i < ARRAY_SIZE(any4); i++)
		KUNIT_EXPECT_TRUE(test, contain(test, &any4[i]));
	/* Of one family. */
	KUNIT_EXPECT_FALSE(test, contain(test, &any6));

	ranges = mangle_ranges_alloc(1);
	KUNIT_ASSERT_NOT_NULL(test, ranges);
	KUNIT_EXPECT_TRUE(test, mangle_range_fill(&ranges->item[0], &in6addr_any, 0));
	KUNIT_ASSERT_EQ(test, set(test, ranges, &extack), 0);
	KUNIT_EXPECT_TRUE(test, contain(test, &any6));
}

/* The bits behind a prefix are zero, and its first address is given back. */
static void test_fill(struct kunit *test)
{
	unsigned int round, i;

	for (round = 0; round < ROUNDS; round++) {
		struct prefix prefix = { random_address(round % 2), 0 };
		struct mangle_range range;
		struct in6_addr addr;

		prefix.len = random_below(129);
		addr = end_of(&prefix, false);
		KUNIT_EXPECT_TRUE(test, mangle_range_fill(&range, &addr,
							  prefix.len));
		prefix.addr = mangle_range_addr(&range);
		KUNIT_EXPECT_MEMEQ(test, &prefix.addr, &addr, sizeof(addr));
		if (prefix.len == 128)
			continue;
		i = prefix.len + random_below(128 - prefix.len);
		addr.s6_addr[i / 8] |= 0x80 >> i % 8;
		KUNIT_EXPECT_FALSE(test, mangle_range_fill(&range, &addr,
							   prefix.len));
	}
}

/* Refused with a cause, and what was set before stays. */
static void test_overlap(struct kunit *test)
{
	const struct in6_addr ten = v4(0x0a000000), in = v4(0x0a123456);
	const struct in6_addr out = v4(0x0b000000);
	struct netlink_ext_ack extack = {};
	struct mangle_ranges *ranges;
	struct prefix model[16];
	unsigned int round, i;

	ranges = mangle_ranges_alloc(1);
	KUNIT_ASSERT_NOT_NULL(test, ranges);
	mangle_range_fill(&ranges->item[0], &ten, 104);
	KUNIT_ASSERT_EQ(test, set(test, ranges, &extack), 0);
	KUNIT_ASSERT_NULL(test, extack._msg);

	for (round = 0; round < ROUNDS; round++) {
		extack._msg = NULL;
		ranges = draw(test, model, ARRAY_SIZE(model));
		i = 1 + random_below(15);
		/* A longer or equal prefix within another one, wherever that is. */
		mangle_range_fill(&ranges->item[i], &model[0].addr,
				  model[0].len +
				  random_below(129 - model[0].len));
		KUNIT_ASSERT_EQ(test, set(test, ranges, &extack), -EINVAL);
		KUNIT_ASSERT_NOT_NULL(test, extack._msg);
		kfree(ranges);
	}
	KUNIT_EXPECT_TRUE(test, contain(test, &in));
	KUNIT_EXPECT_FALSE(test, contain(test, &out));
}

static struct kunit_case range_cases[] = {
	{ .name = "MLR-16: lookup as by a walk through all",
	  .run_case = test_lookup, .generate_params = size_gen_params },
	{ .name = "MLR-16: no prefix contains nothing", .run_case = test_none },
	{ .name = "MLR-16: prefix of length zero contains all",
	  .run_case = test_all },
	{ .name = "MLR-16: a prefix has no bits beyond its length",
	  .run_case = test_fill },
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
