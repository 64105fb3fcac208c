// SPDX-License-Identifier: GPL-2.0-or-later
#include "core_test.h"

#include <ctype.h>
#include <stdio.h>

#include "auth/auth.h"
#include "wire/hsrp.h"

#define TEST(name, function) { name, function, NULL, NULL, NULL }

#ifndef PAGE
#define PAGE "Documentation/protocols/standby.md"
#endif

static size_t hex(const char *s, uint8_t *buf)
{
	size_t n = 0;
	unsigned int byte;

	for (; *s; s++) {
		if (isspace((unsigned char)*s))
			continue;
		assert_int_equal(sscanf(s, "%2x", &byte), 1);
		buf[n++] = byte;
		s++;
	}
	return n;
}

/* A block "```hex NAME" of the protocol page; ';' starts a comment. */
static size_t vector(const char *name, uint8_t *buf)
{
	char line[256], text[4096] = "", head[64];
	FILE *f = fopen(PAGE, "r");
	bool inside = false;

	if (!f)
		fail_msg("cannot open %s from here", PAGE);
	snprintf(head, sizeof(head), "```hex %s\n", name);
	while (fgets(line, sizeof(line), f)) {
		if (inside && !strncmp(line, "```", 3))
			break;
		if (inside) {
			line[strcspn(line, ";\n")] = 0;
			strncat(text, line, sizeof(text) - strlen(text) - 1);
		}
		if (!strcmp(line, head))
			inside = true;
	}
	fclose(f);
	if (!inside)
		fail_msg("no vector '%s' on the page", name);
	return hex(text, buf);
}

static const uint8_t secret[] = {
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
};

static struct hsrp_msg hello(void)
{
	return (struct hsrp_msg){
		.op = HSRP_HELLO, .state = HSRP_ACTIVE, .group = 10,
		.priority = 110, .hello = 200, .hold = 750, .key_id = 7,
		.counter = 0x0102030405060708, .vip = addr("10.0.0.100"),
		.sender = addr("10.0.0.1"),
	};
}

/* Encodes, signs and compares with the page. */
static void expect_vector(const char *name, const struct hsrp_msg *msg)
{
	uint8_t want[HSRP_MAX_LEN], buf[HSRP_MAX_LEN];
	struct auth_keys *keys = auth_keys_new();
	struct hsrp_msg back;
	size_t len, covered;

	assert_true(auth_keys_add(keys, 7, secret, sizeof(secret)));
	len = hsrp_encode(HSRP_OWN, msg, buf);
	if (msg->key_id) {
		auth_sign(auth_keys_find(keys, 7), buf, len, buf + len,
			  STANDBY_AUTH_LEN);
		len += STANDBY_AUTH_LEN;
	}
	assert_int_equal(vector(name, want), len);
	assert_memory_equal(buf, want, len);
	assert_int_equal(hsrp_decode(HSRP_OWN, buf, len, &back, &covered),
			 HSRP_DROP_NONE);
	assert_memory_equal(&back, msg, sizeof(back));
	assert_int_equal(covered + (msg->key_id ? STANDBY_AUTH_LEN : 0), len);
	auth_keys_free(keys);
}

static void own_vectors(void **state)
{
	struct hsrp_msg msg = hello();

	(void)state;
	expect_vector("hello", &msg);
	msg.op = HSRP_COUP;
	msg.state = HSRP_LISTEN;
	msg.counter++;
	expect_vector("coup", &msg);
	msg.op = HSRP_RESIGN;
	msg.state = HSRP_ACTIVE;
	msg.counter++;
	expect_vector("resign", &msg);
	msg.op = HSRP_PROBE;
	msg.nonce = 0x1122334455667788;
	expect_vector("probe", &msg);
	msg.op = HSRP_PROOF;
	expect_vector("proof", &msg);
	msg = (struct hsrp_msg){ .op = HSRP_QUERY, .nonce = 5, .padding = 60 };
	strcpy(msg.name, "office");
	expect_vector("query", &msg);
	msg = hello();
	msg.op = HSRP_ANSWER;
	msg.key_id = 0;
	msg.counter = 0;
	msg.nonce = 5;
	strcpy(msg.name, "office");
	msg.active = addr("10.0.0.1");
	msg.standby = addr("10.0.0.2");
	expect_vector("answer", &msg);
}

/* Captures of others, whose digests were recomputed. */
static void md5_vectors(void **state)
{
	static const struct {
		const char *bytes, *key, *sender;
		uint8_t state, priority;
	} v[] = {
		{ "000004030a64010000000000000000000a000064 041c010000000a00001400000000 52e1db09d18d695b8fefb3730ff8d9d6",
		  "password12345", "10.0.0.20", HSRP_SPEAK, 100 },
		{ "000004030a5a01000000000000000000ac102801 041c01000000ac10281400000000 f15dfa631a0679e0801f8e6b0c0c17ac",
		  "openwall", "172.16.40.20", HSRP_SPEAK, 90 },
		{ "000010030a64010000000000000000000a000064 041c010000000a00001400000000 f02fc41b1b516e2d1261d8800d39ccea",
		  "openwall12345", "10.0.0.20", HSRP_ACTIVE, 100 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		const uint8_t *key = (const uint8_t *)v[i].key;
		uint8_t buf[128], again[HSRP_MAX_LEN];
		size_t len = hex(v[i].bytes, buf), covered;
		struct hsrp_msg msg;

		assert_int_equal(len, 50);
		assert_int_equal(hsrp_decode(HSRP_V0, buf, len, &msg, &covered),
				 HSRP_DROP_NONE);
		assert_int_equal(msg.auth, HSRP_AUTH_MD5);
		assert_int_equal(msg.state, v[i].state);
		assert_int_equal(msg.priority, v[i].priority);
		assert_int_equal(msg.hello, 3000);
		assert_int_equal(msg.hold, 10000);
		assert_int_equal(msg.group, 1);
		assert_addr(msg.sender, v[i].sender);
		assert_true(hsrp_md5_verify(buf, len, key, strlen(v[i].key)));
		assert_false(hsrp_md5_verify(buf, len, key,
					     strlen(v[i].key) - 1));
		assert_int_equal(hsrp_encode(HSRP_V0, &msg, again), len);
		hsrp_md5_sign(again, len, key, strlen(v[i].key));
		assert_memory_equal(buf, again, len);
		for (size_t bit = 0; bit < len * 8; bit += 5) {
			buf[bit / 8] ^= 1 << bit % 8;
			assert_false(hsrp_md5_verify(buf, len, key,
						     strlen(v[i].key)));
			buf[bit / 8] ^= 1 << bit % 8;
		}
	}
}

static void version2_vector(void **state)
{
	uint8_t buf[128], again[HSRP_MAX_LEN];
	size_t len = hex("0128 02000604000a 020000000001 0000006e 000000c8 000002ee"
			 "0a000064000000000000000000000000 0308 636973636f000000",
			 buf), covered;
	struct hsrp_msg msg;

	(void)state;
	assert_int_equal(len, 52);
	assert_int_equal(hsrp_decode(HSRP_V2, buf, len, &msg, &covered),
			 HSRP_DROP_NONE);
	assert_int_equal(msg.state, HSRP_ACTIVE);
	assert_int_equal(msg.group, 10);
	assert_int_equal(msg.priority, 110);
	assert_int_equal(msg.hello, 200);
	assert_int_equal(msg.hold, 750);
	assert_addr(msg.vip, "10.0.0.100");
	assert_int_equal(msg.auth, HSRP_AUTH_TEXT);
	assert_memory_equal(msg.text, "cisco\0\0\0", 8);
	/* The identifier is the sender's choice. */
	assert_int_equal(hsrp_encode(HSRP_V2, &msg, again), len);
	memcpy(again + 8, buf + 8, 6);
	assert_memory_equal(buf, again, len);

	/* Unknown TLVs are skipped; nothing follows the digest. */
	memcpy(buf + 52, "\x63\x02xx", 4);
	assert_int_equal(hsrp_decode(HSRP_V2, buf, 56, &msg, &covered),
			 HSRP_DROP_NONE);
	msg.auth = HSRP_AUTH_MD5;
	len = hsrp_encode(HSRP_V2, &msg, again);
	assert_int_equal(len, 72);
	hsrp_md5_sign(again, len, (const uint8_t *)"k", 1);
	assert_true(hsrp_md5_verify(again, len, (const uint8_t *)"k", 1));
	assert_int_equal(hsrp_decode(HSRP_V2, again, len, &msg, &covered),
			 HSRP_DROP_NONE);
	memcpy(again + len, "\x63\x02xx", 4);
	assert_int_equal(hsrp_decode(HSRP_V2, again, len + 4, &msg, &covered),
			 HSRP_DROP_EXTENSION);
	/* Interface state alone is understood. */
	len = hex("0204 00010002", buf);
	assert_int_equal(hsrp_decode(HSRP_V2, buf, len, &msg, &covered),
			 HSRP_DROP_NONE);
	assert_int_equal(msg.op, HSRP_ADVERTISE);
	len = hex("0001 0001 000a 0000 00010002 00000000", buf);
	buf[1] = 3;
	assert_int_equal(hsrp_decode(HSRP_V0, buf, 16, &msg, &covered),
			 HSRP_DROP_NONE);
	assert_int_equal(msg.op, HSRP_ADVERTISE);
}

/* Every length but the right one, each field out of its bounds. */
static void bounds(void **state)
{
	static const struct {
		size_t offset;
		uint8_t value;
		enum hsrp_drop drop;
	} wrong[] = {
		{ 0, 2, HSRP_DROP_VERSION }, { 1, 3, HSRP_DROP_TYPE },
		{ 1, 8, HSRP_DROP_TYPE }, { 2, 6, HSRP_DROP_STATE },
		{ 6, 1, HSRP_DROP_LENGTH }, { 11, 0, HSRP_DROP_LENGTH },
		{ 20, 1, HSRP_DROP_RESERVED }, { 23, 1, HSRP_DROP_RESERVED },
		{ 14, 0xff, HSRP_DROP_TIMERS },
		{ 40, 0xff, HSRP_DROP_ADDRESS }, { 52, 224, HSRP_DROP_ADDRESS },
		{ 68, 127, HSRP_DROP_ADDRESS },
	};
	struct hsrp_msg msg = hello(), back;
	uint8_t buf[HSRP_MAX_LEN], bad[HSRP_MAX_LEN];
	size_t len = hsrp_encode(HSRP_OWN, &msg, buf) + STANDBY_AUTH_LEN;
	size_t covered;

	(void)state;
	for (size_t n = 0; n < len + 2; n++) {
		/* Exactly as long: the sanitizer sees a byte too far. */
		uint8_t *copy = malloc(n ? n : 1);

		memset(copy, 0, n);
		memcpy(copy, buf, n < len ? n : len);
		assert_int_equal(hsrp_decode(HSRP_OWN, copy, n, &back,
					     &covered),
				 n == len ? HSRP_DROP_NONE : HSRP_DROP_LENGTH);
		hsrp_decode(HSRP_V0, copy, n, &back, &covered);
		hsrp_decode(HSRP_V2, copy, n, &back, &covered);
		free(copy);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		memcpy(bad, buf, len);
		bad[wrong[i].offset] = wrong[i].value;
		assert_int_equal(hsrp_decode(HSRP_OWN, bad, len, &back,
					     &covered), wrong[i].drop);
	}
}

static void extensions(void **state)
{
	struct hsrp_msg msg = { .op = HSRP_QUERY }, back;
	uint8_t buf[HSRP_MAX_LEN];
	size_t len, covered;

	(void)state;
	memset(msg.name, 'n', STANDBY_NAME_MAX);
	msg.padding = 200;
	len = hsrp_encode(HSRP_OWN, &msg, buf);
	assert_true(len <= HSRP_MAX_LEN);
	assert_int_equal(hsrp_decode(HSRP_OWN, buf, len, &back, &covered),
			 HSRP_DROP_NONE);
	assert_string_equal(back.name, msg.name);
	assert_int_equal(back.padding, 200);
	/* One that nobody knows is skipped, one that runs over is not. */
	buf[STANDBY_HEADER_LEN + 34] = 99;
	assert_int_equal(hsrp_decode(HSRP_OWN, buf, len, &back, &covered),
			 HSRP_DROP_NONE);
	buf[STANDBY_HEADER_LEN + 35] = 201;
	assert_int_equal(hsrp_decode(HSRP_OWN, buf, len, &back, &covered),
			 HSRP_DROP_EXTENSION);
	buf[STANDBY_HEADER_LEN + 35] = 200;
	buf[STANDBY_HEADER_LEN + 5] = ' ';
	assert_int_equal(hsrp_decode(HSRP_OWN, buf, len, &back, &covered),
			 HSRP_DROP_EXTENSION);
	buf[STANDBY_HEADER_LEN + 5] = 'n';
	buf[STANDBY_HEADER_LEN + 1] = 33;
	assert_int_equal(hsrp_decode(HSRP_OWN, buf, len, &back, &covered),
			 HSRP_DROP_EXTENSION);
}

/* Whole seconds or nothing: 200 ms are not a second. */
static void version0_times(void **state)
{
	struct hsrp_msg msg = hello(), back;
	uint8_t buf[HSRP_MAX_LEN];
	size_t covered;

	(void)state;
	msg.auth = HSRP_AUTH_TEXT;
	hsrp_encode(HSRP_V0, &msg, buf);
	assert_int_equal(hsrp_decode(HSRP_V0, buf, 20, &back, &covered),
			 HSRP_DROP_NONE);
	assert_int_equal(back.hello + back.hold, 0);
	buf[3] = 10;
	buf[4] = 10;
	assert_int_equal(hsrp_decode(HSRP_V0, buf, 20, &back, &covered),
			 HSRP_DROP_TIMERS);
}

static void virtual_macs(void **state)
{
	uint8_t mac[6];

	(void)state;
	hsrp_virtual_mac(HSRP_OWN, 10, mac);
	assert_memory_equal(mac, "\x00\x00\x0c\x07\xac\x0a", 6);
	hsrp_virtual_mac(HSRP_V0, 255, mac);
	assert_memory_equal(mac, "\x00\x00\x0c\x07\xac\xff", 6);
	hsrp_virtual_mac(HSRP_V2, 0xabc, mac);
	assert_memory_equal(mac, "\x00\x00\x0c\x9f\xfa\xbc", 6);
}

static void names(void **state)
{
	(void)state;
	for (int i = 0; i < HSRP_DROP_MAX; i++)
		assert_string_not_equal(hsrp_drop_name(i), "unknown");
	assert_string_equal(hsrp_drop_name(HSRP_DROP_MAX), "unknown");
	for (int i = 0; i <= HSRP_ANSWER; i++)
		assert_string_not_equal(hsrp_op_name(i), "unknown");
	assert_string_equal(hsrp_op_name(200), "unknown");
	for (int i = 0; i < HSRP_STATES; i++)
		assert_string_not_equal(hsrp_state_name(i), "unknown");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("STBY-20 STBY-24 STBY-25 STBY-26 STBY-27 STBY-28 STBY-29 STBY-31: vectors of the page", own_vectors),
		TEST("STBY-29 OPEN-54: HSRP with MD5 as others send it", md5_vectors),
		TEST("OPEN-54: HSRP version 2 as others send it", version2_vector),
		TEST("STBY-30 OPEN-31: what is too short, too long or out of bounds is dropped", bounds),
		TEST("STBY-16 OPEN-31: extensions", extensions),
		TEST("STBY-25 STBY-26: version 0 tells whole seconds or nothing", version0_times),
		TEST("STBY-89: virtual MAC addresses", virtual_macs),
		TEST("STBY-42: names", names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
