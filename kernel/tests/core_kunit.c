// SPDX-License-Identifier: GPL-2.0-only
/*
 * The core: the hash of addresses for every plan that people number networks by, and the
 * queue of ends against a list that is searched.
 */
#include <kunit/test.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "../core/addr.h"
#include "../core/ends.h"
#include "../core/lookup.h"

static u64 random_state;

static u64 random_next(void)
{
	u64 x = random_state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static u32 random_below(u32 n)
{
	return (random_next() >> 32) * n >> 32;
}

/* ---- the hash ---- */

/* Bytes of 2001:db8::1 that a plan counts in, the last one first; 0 ends them. */
static const struct plan {
	const char *name;
	u8 byte[4];
	bool v4;
} plans[] = {
	{ "IPv4, one after the other", { 15, 14, 13 }, true },
	{ "IPv4, the first of each /24", { 14, 13, 12 }, true },
	{ "hosts of one /64", { 15, 14, 13 } },
	{ "a /64 for each host", { 7, 6, 5 } },
	{ "a /48 for each host", { 5, 4, 3 } },
	{ "EUI-64 of one manufacturer", { 15, 14, 13 } },
	{ "bytes 10 and 11", { 11, 10, 9 } },
	{ "the last byte of both halves", { 7, 15 } },
	{ "the first byte of the host and the last of the network", { 8, 7 } },
};

static struct in6_addr plan_address(const struct plan *plan, u32 i)
{
	struct in6_addr addr = { .s6_addr = { 0x20, 0x01, 0x0d, 0xb8, } };
	unsigned int n;

	addr.s6_addr[15] = 1;
	if (plan->v4)
		addr = roam_addr4(htonl(0x0a000001));
	if (plan == &plans[5])
		memcpy(addr.s6_addr + 8, "\x02\x16\x3e\xff\xfe\x00\x00\x01", 8);
	for (n = 0; n < 4 && plan->byte[n]; n++, i >>= 8)
		addr.s6_addr[plan->byte[n]] = i;
	return addr;
}

#define HASHED 3000
#define BUCKETS 4096
#define SECRETS 48

/*
 * Of a function that spreads keys at random, the squares of the bucket's lengths
 * come to n + n * (n - 1) / m. Twice that is out of reach of chance.
 */
static void test_hash(struct kunit *test)
{
	u16 *length = kunit_kcalloc(test, BUCKETS, sizeof(*length), GFP_KERNEL);
	struct roam_hash_key secret;
	unsigned int p, round, i;

	KUNIT_ASSERT_NOT_NULL(test, length);
	random_state = 1;
	for (p = 0; p < ARRAY_SIZE(plans); p++) {
		for (round = 0; round < SECRETS; round++) {
			u32 longest = 0, squares = 0, seed = random_next();

			for (i = 0; i < ARRAY_SIZE(secret.in); i++)
				secret.in[i] = random_next();
			secret.out[0] = random_next();
			secret.out[1] = random_next() | 1;
			memset(length, 0, BUCKETS * sizeof(*length));
			for (i = 0; i < HASHED; i++) {
				struct in6_addr addr = plan_address(&plans[p], i);
				u16 *l = &length[roam_hash(&secret, (u64 *)&addr,
							   1, seed) % BUCKETS];

				squares += 2 * *l + 1;
				longest = max_t(u32, longest, ++*l);
			}
			KUNIT_ASSERT_LE_MSG(test, longest, 16,
					    "%s, secret %u", plans[p].name, round);
			KUNIT_ASSERT_LE_MSG(test, squares, 2 * (HASHED +
					    HASHED * (HASHED - 1) / BUCKETS),
					    "%s, secret %u", plans[p].name, round);
		}
		cond_resched();
	}
}

/* The secret counts, each half of the address, and the seed of the table. */
static void test_hash_inputs(struct kunit *test)
{
	static const u64 word[2] = { 0x20010db8, 1 };
	struct roam_hash_key secret = { { 3, 5, 7, 11 }, { 13, 17 } };
	unsigned int i, same = 0;

	random_state = 2;
	for (i = 0; i < 64; i++) {
		struct roam_hash_key other;
		u64 flipped[2] = { word[0] ^ BIT_ULL(i), word[1] };
		unsigned int k;
		u32 hash;

		for (k = 0; k < 4; k++)
			secret.in[k] = random_next();
		secret.out[0] = random_next();
		secret.out[1] = random_next() | 1;
		hash = roam_hash(&secret, word, 1, 0);
		same += hash == roam_hash(&secret, flipped, 1, 0);
		flipped[0] = word[0];
		flipped[1] ^= BIT_ULL(i);
		same += hash == roam_hash(&secret, flipped, 1, 0);
		same += hash == roam_hash(&secret, word, 1, 1 + i);
		other = secret;
		other.in[i % 2] += BIT_ULL(i);
		same += hash == roam_hash(&other, word, 1, 0);
	}
	KUNIT_EXPECT_EQ(test, same, 0);
}

/* The four partial products, as on machines without one of 128 bits. */
static void test_multiply(struct kunit *test)
{
	unsigned int i;

	random_state = 3;
	for (i = 0; i < 1000; i++) {
		u64 a = random_next(), b = random_next(), high, low;

		roam_multiply_parts(a, b, &high, &low);
		KUNIT_ASSERT_EQ(test, low, a * b);
		KUNIT_ASSERT_EQ(test, high, mul_u64_u64_shr(a, b, 64));
		roam_multiply(a, b, &high, &low);
		KUNIT_ASSERT_EQ(test, low, a * b);
		KUNIT_ASSERT_EQ(test, high, mul_u64_u64_shr(a, b, 64));
	}
}

/**
 * struct entry - one of a table
 * @node: in it
 * @addr: the key
 */
struct entry {
	struct rhash_head node;
	struct in6_addr addr;
};

#define ENTRY_PARAMS ROAM_TABLE_PARAMS(struct entry, node, addr)
#define ENTRIES 6000

static bool count_entry(void *entry, void *ctx)
{
	++*(unsigned int *)ctx;
	return true;
}

/*
 * A table of thousands, whatever the plan: all go in, are found, and nobody else
 * is. Where keys shared buckets this took minutes, and some were refused.
 */
static void test_table(struct kunit *test)
{
	struct entry *entries = kvcalloc(ENTRIES, sizeof(*entries), GFP_KERNEL);
	struct rhashtable *table = kunit_kzalloc(test, sizeof(*table), GFP_KERNEL);
	unsigned int p, i, n, refused, missed;

	KUNIT_ASSERT_NOT_NULL(test, table);
	KUNIT_ASSERT_NOT_NULL(test, entries);
	for (p = 0; p < ARRAY_SIZE(plans); p++) {
		KUNIT_EXPECT_EQ(test, rhashtable_init(table, &ENTRY_PARAMS), 0);
		refused = missed = n = 0;
		for (i = 0; i < ENTRIES; i++) {
			entries[i].addr = plan_address(&plans[p], i);
			refused += !!roam_table_insert(table, &entries[i].node,
						       ENTRY_PARAMS);
		}
		rcu_read_lock();
		for (i = 0; i < ENTRIES; i++) {
			struct in6_addr addr = plan_address(&plans[p], i);
			struct entry *found = roam_table_entry(
				roam_table_find(table, &addr, 1),
				struct entry, node);

			missed += found != &entries[i];
			addr.s6_addr[12] ^= 0x80;
			missed += !!roam_table_find(table, &addr, 1);
		}
		rcu_read_unlock();
		roam_table_walk(table, count_entry, &n);
		KUNIT_EXPECT_EQ_MSG(test, refused, 0, "%s", plans[p].name);
		KUNIT_EXPECT_EQ_MSG(test, missed, 0, "%s", plans[p].name);
		KUNIT_EXPECT_GE_MSG(test, n, ENTRIES, "%s", plans[p].name);
		rhashtable_destroy(table);
	}
	kvfree(entries);
}

/* ---- the queue of ends ---- */

#define ENDS 300
#define ROUNDS 6000

/**
 * struct mortal - what ends
 * @end: in the queue
 * @at: when, as the queue shall find it
 * @alive: it is in the queue
 */
struct mortal {
	struct roam_end end;
	u32 at;
	bool alive;
};

static unsigned int asked, ended, late;

static bool mortal_goes_on(struct roam_end *end, u32 now, u32 *again, void *ctx)
{
	struct mortal *m = container_of(end, struct mortal, end);

	asked++;
	if ((s32)(m->at - now) > 0) {
		*again = m->at;
		return true;
	}
	ended++;
	m->alive = false;
	return false;
}

static u32 random_span(void)
{
	/* As many short ones as long ones. */
	return random_next() >> (33 + random_below(31));
}

/* Begins shortly before the time goes round. */
static void test_ends(struct kunit *test)
{
	struct mortal *m = kunit_kcalloc(test, ENDS, sizeof(*m), GFP_KERNEL);
	struct roam_ends *ends = kunit_kzalloc(test, sizeof(*ends), GFP_KERNEL);
	u32 now = U32_MAX - 5000;
	unsigned int round, i;

	KUNIT_ASSERT_NOT_NULL(test, m);
	KUNIT_ASSERT_NOT_NULL(test, ends);
	random_state = 4;
	roam_ends_init(ends, now);
	for (round = 0; round < ROUNDS; round++) {
		unsigned long next = MAX_SCHEDULE_TIMEOUT, first;
		struct mortal *one = &m[random_below(ENDS)];

		switch (random_below(8)) {
		case 0:
			roam_ends_del(ends, &one->end);
			one->alive = false;
			break;
		case 1:
			/* It is used, and nobody tells the queue. */
			if (one->alive && (s32)(one->at - now) < (1 << 29))
				one->at += random_below(1000);
			break;
		case 2:
			now += random_below(8) ? random_below(100) :
			       random_below(8) ? random_span() % (1U << 24) :
						 random_span();
			while (roam_ends_run(ends, now, 1 + random_below(20),
					     mortal_goes_on, NULL))
				;
			break;
		default:
			one->at = now + random_span();
			one->alive = true;
			roam_ends_add(ends, &one->end, now, one->at);
		}
		for (i = 0; i < ENDS; i++) {
			KUNIT_ASSERT_EQ_MSG(test, m[i].alive,
					    roam_end_is_queued(&m[i].end),
					    "entry %u, round %u", i, round);
			if (m[i].alive)
				next = min_t(unsigned long, next,
					     max_t(s32, m[i].at - now, 0));
		}
		/* Never too late, and never asleep while something can end. */
		first = roam_ends_next(ends, now);
		KUNIT_ASSERT_LE_MSG(test, first, next, "round %u", round);
		KUNIT_ASSERT_EQ_MSG(test, first == MAX_SCHEDULE_TIMEOUT,
				    next == MAX_SCHEDULE_TIMEOUT,
				    "round %u", round);
		if (!(round % 1000))
			cond_resched();
	}
}

/* What was due at a time has ended at that time. */
static void test_ends_in_time(struct kunit *test)
{
	struct mortal *m = kunit_kcalloc(test, ENDS, sizeof(*m), GFP_KERNEL);
	struct roam_ends *ends = kunit_kzalloc(test, sizeof(*ends), GFP_KERNEL);
	u32 now = 12345;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, m);
	KUNIT_ASSERT_NOT_NULL(test, ends);
	random_state = 5;
	late = 0;
	roam_ends_init(ends, now);
	for (i = 0; i < ENDS; i++) {
		m[i].at = now + random_below(300000);
		m[i].alive = true;
		roam_ends_add(ends, &m[i].end, now, m[i].at);
	}
	/* As the sweeper does: it sleeps until it is told, no longer. */
	while (roam_ends_next(ends, now) != MAX_SCHEDULE_TIMEOUT) {
		now += roam_ends_next(ends, now);
		roam_ends_run(ends, now, UINT_MAX, mortal_goes_on, NULL);
		for (i = 0; i < ENDS; i++)
			late += m[i].alive && (s32)(m[i].at - now) <= 0;
	}
	KUNIT_EXPECT_EQ(test, late, 0);
	for (i = 0; i < ENDS; i++)
		KUNIT_EXPECT_FALSE(test, m[i].alive);
}

/* What ends as late as can be, in a queue whose time lags behind. */
static void test_ends_far(struct kunit *test)
{
	struct mortal *m = kunit_kcalloc(test, 2, sizeof(*m), GFP_KERNEL);
	struct roam_ends *ends = kunit_kzalloc(test, sizeof(*ends), GFP_KERNEL);
	u32 now = U32_MAX - 5000;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, m);
	KUNIT_ASSERT_NOT_NULL(test, ends);
	roam_ends_init(ends, now);
	/* The queue is not empty, so its time stays. */
	m[0].at = now + 100000;
	m[0].alive = true;
	roam_ends_add(ends, &m[0].end, now, m[0].at);
	now += 1000;
	m[1].at = now + S32_MAX;
	m[1].alive = true;
	roam_ends_add(ends, &m[1].end, now, m[1].at);
	asked = 0;
	for (i = 0; i < 100; i++, now += 10)
		KUNIT_ASSERT_FALSE(test, roam_ends_run(ends, now, 10,
						       mortal_goes_on, NULL));
	KUNIT_EXPECT_EQ(test, asked, 0);
	/* Both end in their time. */
	while (roam_ends_next(ends, now) != MAX_SCHEDULE_TIMEOUT) {
		now += roam_ends_next(ends, now);
		KUNIT_ASSERT_FALSE(test, roam_ends_run(ends, now, 10,
						       mortal_goes_on, NULL));
		KUNIT_ASSERT_LT(test, asked, 3 * ROAM_ENDS_LEVELS);
	}
	KUNIT_EXPECT_EQ(test, now, m[1].at);
	KUNIT_EXPECT_FALSE(test, m[0].alive);
}

/* Asks for each end: how often, with so many others in the queue? */
static unsigned int asked_for_each(struct kunit *test, unsigned int others)
{
	struct mortal *m = kvcalloc(others + 100, sizeof(*m), GFP_KERNEL);
	struct roam_ends *ends = kunit_kzalloc(test, sizeof(*ends), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, m);
	roam_ends_init(ends, 0);
	for (i = 0; i < others; i++) {
		m[i].at = 10000000 + i;
		roam_ends_add(ends, &m[i].end, 0, m[i].at);
	}
	for (; i < others + 100; i++) {
		m[i].at = 5000 + i % 100 * 50;
		roam_ends_add(ends, &m[i].end, 0, m[i].at);
	}
	asked = 0;
	ended = 0;
	for (i = 0; i <= 11000; i += 10)
		roam_ends_run(ends, i, UINT_MAX, mortal_goes_on, NULL);
	KUNIT_EXPECT_EQ(test, ended, 100);
	kvfree(m);
	return asked;
}

static void test_ends_cost(struct kunit *test)
{
	unsigned int few = asked_for_each(test, 1000);

	KUNIT_EXPECT_LE(test, few, 100 * ROAM_ENDS_LEVELS);
	KUNIT_EXPECT_EQ(test, asked_for_each(test, 200000), few);
}

static struct kunit_case core_cases[] = {
	{ .name = "CORE-01: every plan of addresses is spread as if at random",
	  .run_case = test_hash },
	{ .name = "CORE-01: secret, seed and each bit of an address count",
	  .run_case = test_hash_inputs },
	{ .name = "CORE-01: products of 128 bits", .run_case = test_multiply },
	{ .name = "CORE-01: a table takes every plan of addresses",
	  .run_case = test_table },
	{ .name = "CORE-02: random ends, compared with a list",
	  .run_case = test_ends },
	{ .name = "CORE-02: nothing ends late", .run_case = test_ends_in_time },
	{ .name = "CORE-02: an end as far away as can be is no end in the past",
	  .run_case = test_ends_far },
	{ .name = "CORE-02: an end costs the same among many",
	  .run_case = test_ends_cost },
	{}
};

static struct kunit_suite core_suite = {
	.name = "roam_core",
	.test_cases = core_cases,
};

kunit_test_suite(core_suite);

MODULE_DESCRIPTION("roam: tests of the core");
MODULE_LICENSE("GPL");
