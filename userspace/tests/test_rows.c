// SPDX-License-Identifier: GPL-2.0-or-later
/* Elements of nft sets, DHCP leases and GTP contexts as entries of the sync engine. */
#include "core_test.h"

#include "core/rows.h"

static uint8_t key[64], value[LEASE_VALUE_MAX];

static void sets(void **state)
{
	struct set_row row = {
		.key = { 192, 0, 2, 7 }, .key_len = 4, .timeout = 60000,
		.left = 59000,
	}, back;
	size_t len;

	(void)state;
	set_row_id("ip filter seen", row.set);
	len = set_row_encode(&row, key, value);
	assert_int_equal(len, 12);
	/* sha256sum of the three words, by another program */
	assert_memory_equal(key, "\xd7\x74\x5a\x74\x41\xc1\x56\x2b", 8);
	assert_true(set_row_decode(key, len, value, SET_VALUE_LEN, &back));
	assert_int_equal(back.key_len, 4);
	assert_memory_equal(back.key, row.key, 4);
	assert_int_equal(back.timeout, 60000);
	assert_int_equal(back.left, 59000);
	assert_false(set_row_decode(key, 8, value, SET_VALUE_LEN, &back));
	assert_false(set_row_decode(key, 65, value, SET_VALUE_LEN, &back));
	assert_false(set_row_decode(key, len, value, SET_VALUE_LEN - 1, &back));
	assert_false(set_row_decode(key, len, value, SET_VALUE_LEN + 1, &back));
	value[8] = 1;
	assert_false(set_row_decode(key, len, value, SET_VALUE_LEN, &back));
	value[8] = 0;
	value[0] = 1;
	assert_false(set_row_decode(key, len, value, SET_VALUE_LEN, &back));
}

static void leases(void **state)
{
	static const char line[] = "1700000100 02:00:00:00:00:05 192.0.2.50 phone 01:02:00:00:00:00:05";
	struct lease_row row, back;
	size_t len;

	(void)state;
	assert_true(lease_row_parse(line, 1700000000, &row));
	assert_addr(row.addr, "192.0.2.50");
	assert_int_equal(row.left, 100);
	assert_string_equal(row.text, "02:00:00:00:00:05 phone 01:02:00:00:00:00:05");
	len = lease_row_encode(&row, key, value);
	assert_true(lease_row_decode(key, LEASE_KEY_LEN, value, len, &back));
	assert_string_equal(back.text, row.text);
	assert_int_equal(back.expiry, 1700000100);
	assert_int_equal(back.left, 100);
	assert_true(lease_row_parse("0 02:00:00:00:00:05 192.0.2.50 * *", 5, &row));
	assert_int_equal(row.left, LEASE_INFINITE);
	assert_true(lease_row_parse("3 02:00:00:00:00:05 192.0.2.50 * *", 5, &row));
	assert_int_equal(row.left, 0);
}

static void wrong_leases(void **state)
{
	static const char *const lines[] = {
		"", "duid 00:01", "1 2", "x 02:00:00:00:00:05 192.0.2.50 * *",
		"1 02:00:00:00:00:05 192.0.2 * *", "1 02:00:00:00:00:05 2001:db8::1 * *",
		"1 02:00:00:00:00:05 192.0.2.50 *", "1 02:00:00:00:00:05 192.0.2.50 * * *",
		"1 02:00:00:00:00:05 192.0.2.50 * ", "1 02:00:00:00:00:05 192.0.2.50 a\tb *",
		"99999999999 02:00:00:00:00:05 192.0.2.50 * *",
	};
	struct lease_row row, back;
	char longer[2048];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (lease_row_parse(lines[i], 0, &row))
			fail_msg("taken: %s", lines[i]);
	memset(longer, 'a', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = 0;
	memcpy(longer, lines[7], 34);
	assert_false(lease_row_parse(longer, 0, &row));
	assert_true(lease_row_parse("9 02:00:00:00:00:05 192.0.2.50 * *", 5, &row));
	len = lease_row_encode(&row, key, value);
	assert_false(lease_row_decode(key, 15, value, len, &back));
	assert_false(lease_row_decode(key, LEASE_KEY_LEN, value, 7, &back));
	/* A second line, an end of the text, a word too few. */
	for (const char *p = "\n\0 "; p < "\n\0 " + 3; p++) {
		value[10] = (uint8_t)*p;
		assert_false(lease_row_decode(key, LEASE_KEY_LEN, value, len, &back));
	}
	value[10] = ':';
	assert_false(lease_row_decode(key, LEASE_KEY_LEN, value, len - 1, &back));
	/* Never and soon. */
	memset(value, 0, 4);
	assert_false(lease_row_decode(key, LEASE_KEY_LEN, value, len, &back));
	lease_row_encode(&row, key, value);
	key[12] = 224;
	assert_false(lease_row_decode(key, LEASE_KEY_LEN, value, len, &back));
}

static void contexts(void **state)
{
	struct gtp_row row = { .version = 1, .tunnel = 0x11223344, .out = 5 }, back;

	(void)state;
	set_row_id("gtp0", row.device);
	row.station = addr("10.60.0.1");
	row.peer = addr("198.51.100.70");
	gtp_row_encode(&row, key, value);
	/* sha256sum of the word, by another program */
	assert_memory_equal(key, "\xcd\x6a\x9c\x37\x11\xd8\xef\x12", 8);
	assert_memory_equal(key + 8, "\x01\x00\x00\x00\x00\x11\x22\x33\x44", 9);
	assert_memory_equal(value + 12, "\x0a\x3c\x00\x01", 4);
	assert_memory_equal(value + 28, "\xc6\x33\x64\x46\x00\x00\x00\x05", 8);
	assert_true(gtp_row_decode(key, GTP_KEY_LEN, value, GTP_VALUE_LEN, &back));
	assert_int_equal(back.tunnel, row.tunnel);
	assert_int_equal(back.out, 5);
	assert_addr(back.station, "10.60.0.1");
	assert_addr(back.peer, "198.51.100.70");
	for (int less = 0; less < 2; less++)
		assert_false(gtp_row_decode(key, GTP_KEY_LEN - !less, value,
					    GTP_VALUE_LEN - less, &back));
	/* A version that is none, a TEI of more than 32 bits, none at all, a group. */
	key[8] = 2;
	assert_false(gtp_row_decode(key, GTP_KEY_LEN, value, GTP_VALUE_LEN, &back));
	key[8] = 1;
	key[12] = 1;
	assert_false(gtp_row_decode(key, GTP_KEY_LEN, value, GTP_VALUE_LEN, &back));
	key[8] = 0;
	assert_true(gtp_row_decode(key, GTP_KEY_LEN, value, GTP_VALUE_LEN, &back));
	value[33] = 1;
	assert_false(gtp_row_decode(key, GTP_KEY_LEN, value, GTP_VALUE_LEN, &back));
	row.out = 0;
	gtp_row_encode(&row, key, value);
	assert_false(gtp_row_decode(key, GTP_KEY_LEN, value, GTP_VALUE_LEN, &back));
	row.out = 5;
	gtp_row_encode(&row, key, value);
	value[12] = 224;
	assert_false(gtp_row_decode(key, GTP_KEY_LEN, value, GTP_VALUE_LEN, &back));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name, function) { name, function, NULL, NULL, NULL }
		TEST("GSYN-06: an element of a set is an entry", sets),
		TEST("GSYN-05: a lease is an entry", leases),
		TEST("GSYN-07 STBY-81: a GTP context is an entry, and nothing else is", contexts),
		TEST("GSYN-05 STBY-81: what is no lease is refused", wrong_leases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
