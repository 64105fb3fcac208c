// SPDX-License-Identifier: GPL-2.0-only
/*
 * kernel/core/rewrite.h against packets that another program made, and against
 * a model that computes every checksum from scratch.
 */
#include <kunit/test.h>
#include <linux/module.h>
#include <linux/string.h>
#include <net/ip.h>

#include "../core/rewrite.h"
#include "rewrite_model.h"

#define ROUNDS 500

/* As the module does it for a received packet. Returns the correction. */
static __wsum rewrite(u8 *p, const u8 *addresses, bool partial)
{
	struct iphdr *iph = (void *)p;
	struct roam_pair4 new;
	void *l4 = NULL;
	__wsum diff;

	memcpy(&new, addresses, sizeof(new));
	if (!(iph->frag_off & htons(IP_OFFSET)) && roam_l4_len(iph->protocol))
		l4 = p + iph->ihl * 4;
	roam_ip4_rewrite(iph, &new, iph->protocol, l4, partial, &diff);
	return diff;
}

/**
 * struct known - a packet and what it becomes
 * @name: of the test
 * @len: of both
 * @before: as it comes
 * @after: with its addresses replaced by those in here
 */
struct known {
	const char *name;
	unsigned int len;
	u8 before[64];
	u8 after[64];
};

/* Made by scapy. */
static const struct known known[] = {
	{
		.name = "TCP SYN",
		.len = 44,
		.before = {
			0x45, 0x00, 0x00, 0x2c, 0x1c, 0x46, 0x40, 0x00,
			0x40, 0x06, 0x32, 0x2a, 0xc6, 0x33, 0x64, 0x07,
			0xc0, 0x00, 0x02, 0x21, 0xa8, 0xca, 0x00, 0x16,
			0x01, 0x02, 0x03, 0x04, 0x00, 0x00, 0x00, 0x00,
			0x60, 0x02, 0xfa, 0xf0, 0x03, 0xf3, 0x00, 0x00,
			0x02, 0x04, 0x05, 0xb4,
		},
		.after = {
			0x45, 0x00, 0x00, 0x2c, 0x1c, 0x46, 0x40, 0x00,
			0x40, 0x06, 0xba, 0x40, 0xcb, 0x00, 0x71, 0x09,
			0x0a, 0x14, 0x1e, 0x28, 0xa8, 0xca, 0x00, 0x16,
			0x01, 0x02, 0x03, 0x04, 0x00, 0x00, 0x00, 0x00,
			0x60, 0x02, 0xfa, 0xf0, 0x8c, 0x09, 0x00, 0x00,
			0x02, 0x04, 0x05, 0xb4,
		},
	},
	{
		.name = "UDP",
		.len = 33,
		.before = {
			0x45, 0x00, 0x00, 0x21, 0x00, 0x07, 0x00, 0x00,
			0x3f, 0x11, 0x8f, 0x69, 0xc6, 0x33, 0x64, 0x07,
			0xc0, 0x00, 0x02, 0x21, 0x14, 0xe9, 0x00, 0x35,
			0x00, 0x0d, 0x09, 0x7d, 0x72, 0x6f, 0x61, 0x6d,
			0x21,
		},
		.after = {
			0x45, 0x00, 0x00, 0x21, 0x00, 0x07, 0x00, 0x00,
			0x3f, 0x11, 0x17, 0x80, 0xcb, 0x00, 0x71, 0x09,
			0x0a, 0x14, 0x1e, 0x28, 0x14, 0xe9, 0x00, 0x35,
			0x00, 0x0d, 0x91, 0x93, 0x72, 0x6f, 0x61, 0x6d,
			0x21,
		},
	},
	{
		.name = "UDP without checksum",
		.len = 32,
		.before = {
			0x45, 0x00, 0x00, 0x20, 0x00, 0x08, 0x00, 0x00,
			0x3f, 0x11, 0x8f, 0x69, 0xc6, 0x33, 0x64, 0x07,
			0xc0, 0x00, 0x02, 0x21, 0x14, 0xe9, 0x00, 0x35,
			0x00, 0x0c, 0x00, 0x00, 0x72, 0x6f, 0x61, 0x6d,
		},
		.after = {
			0x45, 0x00, 0x00, 0x20, 0x00, 0x08, 0x00, 0x00,
			0x3f, 0x11, 0x17, 0x80, 0xcb, 0x00, 0x71, 0x09,
			0x0a, 0x14, 0x1e, 0x28, 0x14, 0xe9, 0x00, 0x35,
			0x00, 0x0c, 0x00, 0x00, 0x72, 0x6f, 0x61, 0x6d,
		},
	},
	{
		.name = "later fragment",
		.len = 44,
		.before = {
			0x45, 0x00, 0x00, 0x2c, 0x00, 0x09, 0x00, 0xb9,
			0x3f, 0x06, 0x8e, 0xae, 0xc6, 0x33, 0x64, 0x07,
			0xc0, 0x00, 0x02, 0x21, 0x00, 0x01, 0x02, 0x03,
			0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b,
			0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13,
			0x14, 0x15, 0x16, 0x17,
		},
		.after = {
			0x45, 0x00, 0x00, 0x2c, 0x00, 0x09, 0x00, 0xb9,
			0x3f, 0x06, 0x16, 0xc5, 0xcb, 0x00, 0x71, 0x09,
			0x0a, 0x14, 0x1e, 0x28, 0x00, 0x01, 0x02, 0x03,
			0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b,
			0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13,
			0x14, 0x15, 0x16, 0x17,
		},
	},
};

static void known_name(const struct known *k, char *desc)
{
	strscpy(desc, k->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(known, known, known_name);

static void test_known(struct kunit *test)
{
	const struct known *k = test->param_value;
	u8 p[sizeof(k->before)];

	memcpy(p, k->before, k->len);
	rewrite(p, k->after + 12, false);
	KUNIT_EXPECT_MEMEQ(test, p, k->after, k->len);
	rewrite(p, k->before + 12, false);
	KUNIT_EXPECT_MEMEQ(test, p, k->before, k->len);
}

static void shape_name(const struct model_shape *shape, char *desc)
{
	strscpy(desc, shape->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(shape, model_shapes, shape_name);

/* 0 and 0xffff are the same in one's complement. */
static u16 normal(u16 sum)
{
	return sum == 0xffff ? 0 : sum;
}

static void test_recompute(struct kunit *test)
{
	const struct model_shape *shape = test->param_value;
	u8 before[MODEL_MAX], want[MODEL_MAX], p[MODEL_MAX], addresses[8];
	u32 random = 0x726f616d;
	unsigned int len, i;
	__wsum sum, diff;

	for (i = 0; i < ROUNDS; i++) {
		len = model_build(before, shape, &random);
		model_random_bytes(&random, addresses, sizeof(addresses));
		memcpy(want, before, len);
		model_rewrite(want, len, addresses);

		memcpy(p, before, len);
		sum = csum_partial(p, len, 0);
		diff = rewrite(p, addresses, false);
		KUNIT_ASSERT_MEMEQ_MSG(test, p, want, len, "round %u", i);

		/* The sum that a device made of the packet (CHECKSUM_COMPLETE). */
		KUNIT_ASSERT_EQ(test,
				normal((__force u16)csum_fold(csum_sub(sum, diff))),
				normal((__force u16)csum_fold(csum_partial(p, len, 0))));

		rewrite(p, before + 12, false);
		KUNIT_ASSERT_MEMEQ_MSG(test, p, before, len, "round %u", i);
	}
}

/* The field of a packet that a device will finish holds the pseudo-header. */
static void test_partial(struct kunit *test)
{
	const struct model_shape *shape = test->param_value;
	u32 random = 0x70617274;
	u8 p[MODEL_MAX], addresses[8];
	unsigned int len, i;
	u8 *check;

	if (!model_check_at(shape->protocol) || shape->frag_off & 0x1fff)
		kunit_skip(test, "has no transport checksum");
	for (i = 0; i < ROUNDS; i++) {
		len = model_build(p, shape, &random);
		check = p + model_ihl(p) + model_check_at(shape->protocol);
		model_put16(check, model_pseudo(p, len));
		model_random_bytes(&random, addresses, sizeof(addresses));
		rewrite(p, addresses, true);
		KUNIT_ASSERT_EQ(test, normal(model_get16(check)),
				normal(model_pseudo(p, len)));
	}
}

/* A UDP checksum that comes to zero is sent as 0xffff: zero means none. */
static void test_udp_zero(struct kunit *test)
{
	const struct model_shape shape = { "", MODEL_UDP, 5, 0, 8 };
	u8 p[MODEL_MAX], want[MODEL_MAX], addresses[8];
	u32 random = 0x7a65726f;
	unsigned int len;

	len = model_build(p, &shape, &random);
	model_random_bytes(&random, addresses, sizeof(addresses));
	/* The last word of an address takes up what is left of the sum. */
	memcpy(want, p, len);
	model_put16(addresses + 6, 0);
	model_rewrite(want, len, addresses);
	memcpy(addresses + 6, want + 26, 2);
	model_rewrite(want, len, addresses);
	KUNIT_ASSERT_EQ(test, model_get16(want + 26), 0xffff);

	rewrite(p, addresses, false);
	KUNIT_EXPECT_EQ(test, model_get16(p + 26), 0xffff);
	KUNIT_EXPECT_MEMEQ(test, p, want, len);
}

/* Quoted with every length from none to all of it. */
static void test_icmp(struct kunit *test)
{
	const struct model_shape *shape = test->param_value;
	u8 before[MODEL_MAX], after[MODEL_MAX], addresses[8];
	u8 icmp[8 + MODEL_MAX], want[8 + MODEL_MAX];
	unsigned int len, quote, whole, icmp_len;
	u32 random = 0x69636d70;
	struct roam_pair4 new;
	struct iphdr *quoted;

	len = model_build(before, shape, &random);
	model_random_bytes(&random, addresses, sizeof(addresses));
	memcpy(&new, addresses, sizeof(new));
	memcpy(after, before, len);
	model_rewrite(after, len, addresses);

	for (quote = 0; quote <= len; quote++) {
		icmp_len = model_icmp(icmp, before, quote);
		quoted = roam_icmp4_quoted(icmp, icmp_len);
		if (quote < model_ihl(before) + 8) {
			KUNIT_ASSERT_NULL_MSG(test, quoted, "quote of %u", quote);
			continue;
		}
		KUNIT_ASSERT_PTR_EQ(test, (u8 *)quoted, icmp + 8);

		/* A checksum that is not quoted whole stays as it is. */
		memcpy(want + 8, after, quote);
		whole = model_ihl(before) + model_check_at(shape->protocol) + 2;
		if (quote < whole)
			memcpy(want + 8 + model_ihl(before),
			       before + model_ihl(before),
			       quote - model_ihl(before));
		model_icmp(want, want + 8, quote);

		roam_icmp4_rewrite(icmp, icmp_len, quoted, &new);
		KUNIT_ASSERT_MEMEQ_MSG(test, icmp, want, icmp_len,
				       "quote of %u", quote);
	}
}

/**
 * struct bad_quote - an ICMP message that quotes no packet we can use
 * @name: of the test
 * @at: offset of the byte that is changed
 * @value: what it becomes
 */
struct bad_quote {
	const char *name;
	u8 at;
	u8 value;
};

static const struct bad_quote bad_quotes[] = {
	{ "echo request", 0, 8 },
	{ "redirect", 0, 5 },
	{ "IPv6 quoted", 8, 0x65 },
	{ "header shorter than a header", 8, 0x44 },
	{ "header longer than the message", 8, 0x4f },
};

static void bad_quote_name(const struct bad_quote *bad, char *desc)
{
	strscpy(desc, bad->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(bad_quote, bad_quotes, bad_quote_name);

static void test_bad_quote(struct kunit *test)
{
	const struct model_shape shape = { "", MODEL_TCP, 5, 0, 0 };
	const struct bad_quote *bad = test->param_value;
	u8 p[MODEL_MAX], icmp[8 + MODEL_MAX];
	u32 random = 0x62616421;
	unsigned int len;

	model_build(p, &shape, &random);
	len = model_icmp(icmp, p, 28);
	KUNIT_ASSERT_NOT_NULL(test, roam_icmp4_quoted(icmp, len));
	icmp[bad->at] = bad->value;
	KUNIT_EXPECT_NULL(test, roam_icmp4_quoted(icmp, len));
}

/* ---- IPv6 (OPEN-01): no sum of its own, the same transport sums ---- */

#define HEAD6 sizeof(struct ipv6hdr)

/* Sum over the pseudo-header of RFC 8200 8.1, folded. */
static u16 model6_pseudo(const u8 *p, u8 protocol, unsigned int len)
{
	return model_fold(model_sum(0, p + 8, 32) + protocol + len - HEAD6);
}

static void model6_l4_check(u8 *p, u8 protocol, unsigned int len)
{
	unsigned int at = HEAD6 + model_check_at(protocol);
	u16 check;

	model_put16(p + at, 0);
	check = ~model_fold(model_sum(model6_pseudo(p, protocol, len),
				      p + HEAD6, len - HEAD6));
	if (!check && protocol == MODEL_UDP)
		check = 0xffff;
	model_put16(p + at, check);
}

/* A packet of that shape, with the transport header right behind the first. */
static unsigned int model6_build(u8 *p, const struct model_shape *shape,
				 u32 *random)
{
	unsigned int len = HEAD6 + (shape->protocol == MODEL_UDP ? 8 : 20) +
			   shape->data;

	model_random_bytes(random, p, len);
	p[0] = 0x60;
	model_put16(p + 4, len - HEAD6);
	p[6] = shape->protocol;
	if (shape->protocol == MODEL_UDP)
		model_put16(p + HEAD6 + 4, len - HEAD6);
	if (shape->no_check)
		model_put16(p + HEAD6 + 6, 0);
	else if (model_check_at(shape->protocol))
		model6_l4_check(p, shape->protocol, len);
	return len;
}

/* As the module does it; @later: the transport header is in another fragment. */
static __wsum rewrite6(u8 *p, const u8 *addresses, bool later, bool partial)
{
	struct ipv6hdr *iph = (void *)p;
	struct roam_pair6 new;
	__wsum diff;

	memcpy(&new, addresses, sizeof(new));
	roam_ip6_rewrite(iph, &new.saddr, &new.daddr, iph->nexthdr,
			 later || !roam_l4_len(iph->nexthdr) ? NULL : p + HEAD6,
			 partial, &diff);
	return diff;
}

static void test6_recompute(struct kunit *test)
{
	const struct model_shape *shape = test->param_value;
	bool later = shape->frag_off & 0x1fff;
	u8 before[MODEL_MAX], want[MODEL_MAX], p[MODEL_MAX], addresses[32];
	u32 random = 0x36363636;
	unsigned int len, i;
	__wsum sum, diff;

	for (i = 0; i < ROUNDS; i++) {
		len = model6_build(before, shape, &random);
		model_random_bytes(&random, addresses, sizeof(addresses));
		memcpy(want, before, len);
		memcpy(want + 8, addresses, sizeof(addresses));
		if (!later && !shape->no_check &&
		    model_check_at(shape->protocol))
			model6_l4_check(want, shape->protocol, len);

		memcpy(p, before, len);
		sum = csum_partial(p, len, 0);
		diff = rewrite6(p, addresses, later, false);
		KUNIT_ASSERT_MEMEQ_MSG(test, p, want, len, "round %u", i);
		KUNIT_ASSERT_EQ(test,
				normal((__force u16)csum_fold(csum_sub(sum, diff))),
				normal((__force u16)csum_fold(csum_partial(p, len, 0))));

		rewrite6(p, before + 8, later, false);
		KUNIT_ASSERT_MEMEQ_MSG(test, p, before, len, "round %u", i);
	}
}

static void test6_partial(struct kunit *test)
{
	const struct model_shape shape = { "", MODEL_TCP, 5, 0, 31 };
	u8 p[MODEL_MAX], addresses[32];
	u32 random = 0x70617236;
	unsigned int len, i;
	u8 *check;

	for (i = 0; i < ROUNDS; i++) {
		len = model6_build(p, &shape, &random);
		check = p + HEAD6 + model_check_at(MODEL_TCP);
		model_put16(check, model6_pseudo(p, MODEL_TCP, len));
		model_random_bytes(&random, addresses, sizeof(addresses));
		rewrite6(p, addresses, false, true);
		KUNIT_ASSERT_EQ(test, normal(model_get16(check)),
				normal(model6_pseudo(p, MODEL_TCP, len)));
	}
}

/* The sum over the message stays what it was, whatever of it is quoted. */
static void test6_icmp(struct kunit *test)
{
	const struct model_shape *shape = test->param_value;
	u8 before[MODEL_MAX], after[MODEL_MAX], icmp[8 + MODEL_MAX];
	u32 random = 0x69363636;
	unsigned int len, quote, at;
	struct roam_pair6 new;
	struct ipv6hdr *quoted;
	u16 sum;

	len = model6_build(before, shape, &random);
	model_random_bytes(&random, (u8 *)&new, sizeof(new));
	at = HEAD6 + model_check_at(shape->protocol);
	memcpy(after, before, len);
	rewrite6(after, (u8 *)&new, false, false);

	for (quote = 0; quote <= len; quote++) {
		memset(icmp, 0, 8);
		icmp[0] = 2; /* packet too big (RFC 4443 3.2) */
		memcpy(icmp + 8, before, quote);
		model_put16(icmp + 2, ~model_fold(model_sum(0, icmp, 8 + quote)));
		quoted = roam_icmp6_quoted(icmp, 8 + quote);
		if (quote < HEAD6 + 8) {
			KUNIT_ASSERT_NULL_MSG(test, quoted, "quote of %u", quote);
			continue;
		}
		KUNIT_ASSERT_PTR_EQ(test, (u8 *)quoted, icmp + 8);
		roam_icmp6_rewrite(icmp, 8 + quote, quoted, &new);
		KUNIT_ASSERT_MEMEQ(test, icmp + 16, &new, sizeof(new));
		sum = model_fold(model_sum(0, icmp, 8 + quote));
		KUNIT_ASSERT_EQ_MSG(test, normal(sum), 0, "quote of %u", quote);
		/* A checksum that is quoted whole is right in itself. */
		if (model_check_at(shape->protocol) && quote >= at + 2)
			KUNIT_ASSERT_EQ(test, model_get16(icmp + 8 + at),
					model_get16(after + at));
	}
	icmp[0] = 128; /* an echo request quotes nothing */
	KUNIT_EXPECT_NULL(test, roam_icmp6_quoted(icmp, 8 + len));
	icmp[0] = 1;
	icmp[8] = 0x45;
	KUNIT_EXPECT_NULL(test, roam_icmp6_quoted(icmp, 8 + len));
}

static struct kunit_case rewrite_cases[] = {
	{ .name = "OPEN-03: known packets",
	  .run_case = test_known, .generate_params = known_gen_params },
	{ .name = "OPEN-03: as computed from scratch, and back",
	  .run_case = test_recompute, .generate_params = shape_gen_params },
	{ .name = "OPEN-03: checksum left to the device",
	  .run_case = test_partial, .generate_params = shape_gen_params },
	{ .name = "OPEN-03: UDP checksum that comes to zero",
	  .run_case = test_udp_zero },
	{ .name = "OPEN-08: ICMP error, quote of any length",
	  .run_case = test_icmp, .generate_params = shape_gen_params },
	{ .name = "OPEN-01 OPEN-03: IPv6, as computed from scratch, and back",
	  .run_case = test6_recompute, .generate_params = shape_gen_params },
	{ .name = "OPEN-01 OPEN-03: IPv6, checksum left to the device",
	  .run_case = test6_partial },
	{ .name = "OPEN-01 OPEN-08: ICMPv6 error, quote of any length",
	  .run_case = test6_icmp, .generate_params = shape_gen_params },
	{ .name = "OPEN-08: ICMP message without a usable quote",
	  .run_case = test_bad_quote, .generate_params = bad_quote_gen_params },
	{}
};

static struct kunit_suite rewrite_suite = {
	.name = "roam_rewrite",
	.test_cases = rewrite_cases,
};

kunit_test_suite(rewrite_suite);

MODULE_DESCRIPTION("roam: tests of header rewriting");
MODULE_LICENSE("GPL");
