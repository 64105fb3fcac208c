// SPDX-License-Identifier: GPL-2.0-or-later
/* Connections as entries of the sync engine. */
#include "core_test.h"

#include "core/flow.h"

static struct flow example(void)
{
	return (struct flow){
		.proto = 6, .zone = 3, .src = addr("192.0.2.50"),
		.dst = addr("198.51.100.50"), .sport = 40000, .dport = 80,
		.reply_src = addr("10.0.0.5"), .reply_dst = addr("198.51.100.100"),
		.reply_sport = 8080, .reply_dport = 23456, .mark = 0x12345678,
		.state = FLOW_ESTABLISHED, .scale = { 7, 14 }, .timeout = 432000,
	};
}

static uint8_t key[FLOW_KEY_LEN], value[FLOW_VALUE_LEN];

static bool passes(const struct flow *f)
{
	struct flow back;

	flow_key_encode(f, key);
	flow_value_encode(f, value);
	return flow_decode(key, sizeof(key), value, sizeof(value), &back);
}

static void test_same(void **state)
{
	struct flow f = example(), back;

	(void)state;
	assert_true(passes(&f));
	memset(&back, 0xff, sizeof(back));
	assert_true(flow_decode(key, sizeof(key), value, sizeof(value), &back));
	assert_int_equal(back.proto, f.proto);
	assert_int_equal(back.zone, f.zone);
	assert_addr(back.src, "192.0.2.50");
	assert_addr(back.dst, "198.51.100.50");
	assert_addr(back.reply_src, "10.0.0.5");
	assert_addr(back.reply_dst, "198.51.100.100");
	assert_int_equal(back.sport, 40000);
	assert_int_equal(back.dport, 80);
	assert_int_equal(back.reply_sport, 8080);
	assert_int_equal(back.reply_dport, 23456);
	assert_int_equal(back.mark, f.mark);
	assert_int_equal(back.state, FLOW_ESTABLISHED);
	assert_int_equal(back.scale[0], 7);
	assert_int_equal(back.scale[1], 14);
	assert_int_equal(back.timeout, 432000);
}

/* Byte by byte as in Documentation/protocols/sync.md. */
static void test_bytes(void **state)
{
	struct flow f = example();

	(void)state;
	assert_true(passes(&f));
	assert_memory_equal(key, "\6\0\0\3" "\0\0\0\0\0\0\0\0\0\0\xff\xff\300\0\2\62", 20);
	assert_memory_equal(key + 36, "\x9c\x40\0\x50", 4);
	assert_memory_equal(value + 32, "\x1f\x90\x5b\xa0\x12\x34\x56\x78\3\7\16\0\0\6\x97\x80",
			    16);
}

static void test_refused(void **state)
{
	struct flow f;

	(void)state;
#define REFUSED(change)			\
	do {				\
		f = example();		\
		change;			\
		assert_false(passes(&f)); \
	} while (0)
	REFUSED(f.proto = 1);
	REFUSED(f.proto = 17);		/* with a state */
	REFUSED(f.state = 0);
	REFUSED(f.state = 2);
	REFUSED(f.state = 7);
	REFUSED(f.src = addr(""));
	REFUSED(f.dst = addr("224.0.0.1"));
	REFUSED(f.reply_src = addr("255.255.255.255"));
	REFUSED(f.reply_dst = addr("127.0.0.1"));
	REFUSED(f.reply_dst = addr("2001:db8::1"));
	REFUSED(f.sport = 0);
	REFUSED(f.dport = 0);
	REFUSED(f.reply_sport = 0);
	REFUSED(f.reply_dport = 0);
	REFUSED(f.scale[1] = 15);
	REFUSED(f.timeout = 0);
	REFUSED(f.timeout = FLOW_TIMEOUT_MAX + 1);
#undef REFUSED
	f = example();
	f.proto = 17;
	f.state = FLOW_NO_STATE;
	assert_true(passes(&f));
}

static void test_lengths(void **state)
{
	struct flow f = example();

	(void)state;
	assert_true(passes(&f));
	for (size_t len = 0; len < 2 * FLOW_VALUE_LEN; len++) {
		uint8_t *exact = malloc(len + 1);
		struct flow back;

		memset(exact, 0, len + 1);
		memcpy(exact, value, len < sizeof(value) ? len : sizeof(value));
		assert_int_equal(flow_decode(key, sizeof(key), exact, len, &back),
				 len == sizeof(value));
		memcpy(exact, key, len < sizeof(key) ? len : sizeof(key));
		assert_int_equal(flow_decode(exact, len, value, sizeof(value), &back),
				 len == sizeof(key));
		free(exact);
	}
	/* What is reserved is 0. */
	key[1] = 1;
	assert_false(flow_decode(key, sizeof(key), value, sizeof(value), &f));
	key[1] = 0;
	value[43] = 1;
	assert_false(flow_decode(key, sizeof(key), value, sizeof(value), &f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "GSYN-04: a connection is the same after its way", test_same, NULL, NULL, NULL },
		{ "GSYN-04: a connection's bytes are those of the page", test_bytes, NULL, NULL, NULL },
		{ "GSYN-04 GEN-09: no connection that is none", test_refused, NULL, NULL, NULL },
		{ "GSYN-04 GEN-09: lengths of connections", test_lengths, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("flow", tests, NULL, NULL);
}
