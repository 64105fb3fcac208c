// SPDX-License-Identifier: GPL-2.0-or-later
#include "core_test.h"

#include <ctype.h>
#include <stdio.h>

#include "auth/auth.h"

#define PAGE "Documentation/protocols/location-register.md"
#define MOBILE "198.51.100.7"
#define COA "192.0.2.33"
#define ID 1700000000000000001
#define SEQ 1700000000000
#define NONCE 0x1122334455667788	/* of query and answer */

/**
 * struct vector - a message of the protocol page, as this test understands it
 * @name: of its block
 * @msg: what it says
 */
struct vector {
	const char *name;
	struct lr_msg msg;
};

static struct lr_entry entry(const char *perm, const char *coa, uint64_t seq,
			     uint32_t lifetime, uint8_t status, uint8_t flags)
{
	return (struct lr_entry){
		.perm = addr(perm), .coa = addr(coa), .seq = seq,
		.lifetime = lifetime, .status = status, .flags = flags,
	};
}

static struct lr_msg message(uint8_t type, uint32_t key_id, uint64_t id,
			     uint64_t nonce, struct lr_entry first)
{
	return (struct lr_msg){
		.type = type, .count = 1, .key_id = key_id, .id = id,
		.nonce = nonce, .entries[0] = first,
	};
}

/* The same as a reply to what came from @source. */
static struct lr_msg seen(const char *source, struct lr_msg msg)
{
	msg.source = addr(source);
	return msg;
}

/* The same with the cookie c0 c1 .. cf. */
static struct lr_msg cookie(struct lr_msg msg)
{
	for (unsigned int i = 0; i < sizeof(msg.cookie); i++)
		msg.cookie[i] = (uint8_t)(0xc0 + i);
	return msg;
}

static struct lr_msg with(struct lr_msg msg, struct lr_entry more)
{
	msg.entries[msg.count++] = more;
	return msg;
}

/* Reads the block "```hex NAME" of the page; returns its length. */
static size_t read_vector(const char *name, uint8_t *buf, size_t room)
{
	char line[512], fence[64];
	unsigned int byte;
	bool inside = false;
	size_t len = 0;
	const char *p;
	FILE *page;

	page = fopen(PAGE, "r");
	assert_non_null(page);
	snprintf(fence, sizeof(fence), "```hex %s\n", name);
	while (fgets(line, sizeof(line), page)) {
		if (!inside) {
			inside = !strcmp(line, fence);
			continue;
		}
		if (line[0] == '`')
			break;
		for (p = line; *p != ';' && *p != '\n'; p++) {
			if (isspace((unsigned char)*p))
				continue;
			assert_int_equal(sscanf(p++, "%2x", &byte), 1);
			assert_true(len < room);
			buf[len++] = (uint8_t)byte;
		}
	}
	fclose(page);
	if (!len)
		fail_msg("no vector %s in %s", name, PAGE);
	return len;
}

static struct auth_keys *vector_keys(void)
{
	struct auth_keys *keys = auth_keys_new();
	uint8_t secret[64];
	unsigned int i;

	for (i = 0; i < sizeof(secret); i++)
		secret[i] = (uint8_t)i;
	assert_true(auth_keys_add(keys, 7, secret, 32));
	assert_true(auth_keys_add(keys, 8, secret + 32, 32));
	return keys;
}

/* For a correspondent with key 7: MOBILE was registered with key 8. */
static struct lr_entry key_entry(const struct auth_keys *keys)
{
	struct lr_entry e = entry(MOBILE, "", 8, 240, LR_OK, LR_FLAG_KEY);

	auth_pair_seal(auth_keys_find(keys, 8), auth_keys_find(keys, 7), NONCE,
		       e.perm.b, e.coa.b);
	return e;
}

static void assert_same_message(const struct lr_msg *a, const struct lr_msg *b)
{
	unsigned int i;

	assert_int_equal(a->type, b->type);
	assert_int_equal(a->count, b->count);
	assert_int_equal(a->key_id, b->key_id);
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->nonce, b->nonce);
	assert_memory_equal(a->cookie, b->cookie, sizeof(a->cookie));
	assert_true(roam_addr_eq(&a->source, &b->source));
	for (i = 0; i < a->count; i++) {
		assert_true(roam_addr_eq(&a->entries[i].perm,
					 &b->entries[i].perm));
		assert_true(roam_addr_eq(&a->entries[i].coa,
					 &b->entries[i].coa));
		assert_int_equal(a->entries[i].seq, b->entries[i].seq);
		assert_int_equal(a->entries[i].lifetime,
				 b->entries[i].lifetime);
		assert_int_equal(a->entries[i].status, b->entries[i].status);
		assert_int_equal(a->entries[i].flags, b->entries[i].flags);
	}
}

static void check_vector(const struct vector *v, const struct auth_key *key)
{
	uint8_t page[LR_MAX_LEN], made[LR_MAX_LEN];
	size_t len, made_len, covered;
	struct lr_msg msg;

	len = read_vector(v->name, page, sizeof(page));
	assert_int_equal(lr_decode(page, len, &msg, &covered), LR_DROP_NONE);
	assert_same_message(&msg, &v->msg);
	if (msg.key_id)
		assert_true(auth_verify(key, page, covered, page + covered,
					LR_AUTH_LEN));

	made_len = lr_encode(&v->msg, made);
	assert_int_equal(made_len, covered);
	memset(made + made_len, 0, LR_AUTH_LEN);
	if (v->msg.key_id)
		auth_sign(key, made, made_len, made + made_len, LR_AUTH_LEN);
	made_len += LR_AUTH_LEN;
	assert_int_equal(made_len, len);
	assert_memory_equal(made, page, len);
}

static void vectors_of_the_page(void **state)
{
	struct auth_keys *keys = vector_keys();
	const struct auth_key *key = auth_keys_find(keys, 7);
	struct auth_key *pair = auth_pair(auth_keys_find(keys, 8),
					  LR_PAIR_KEY | 7, 7, addr(MOBILE).b);
	const struct vector vectors[] = {
		{ "query", message(LR_QUERY, 7, ID, NONCE,
				   entry(MOBILE, "", 0, 0, LR_OK, 0)) },
		{ "answer",
		  seen("198.51.100.2",
		       message(LR_ANSWER, 7, ID, NONCE,
			       entry(MOBILE, COA, SEQ, 240, LR_OK, 0))) },
		{ "update",
		  with(message(LR_UPDATE, 7, ID, 0xa1a2a3a4a5a6a7a8,
			       entry(MOBILE, COA, SEQ, 300, LR_OK, 0)),
		       entry("2001:db8::7", "2001:db8::7", SEQ + 1, 300, LR_OK,
			     LR_FLAG_AT_HOME)) },
		{ "acknowledgement",
		  seen(COA, with(message(LR_ACK, 7, ID, 0xa1a2a3a4a5a6a7a8,
					 entry(MOBILE, COA, SEQ, 300, LR_OK,
					       0)),
				 entry("2001:db8::7", "2001:db8:1::99",
				       SEQ + 5, 120, LR_STALE, 0))) },
		{ "announce", message(LR_ANNOUNCE, 0, ID + 1,
				      0xb1b2b3b4b5b6b7b8,
				      entry(MOBILE, COA, SEQ, 300, LR_OK, 0)) },
		{ "confirm",
		  seen(COA, message(LR_CONFIRM, 0, ID + 1, 0xb1b2b3b4b5b6b7b8,
				    entry(MOBILE, COA, SEQ, 240, LR_OK, 0))) },
		{ "removal", message(LR_UPDATE, 7, ID + 2, 0xc1c2c3c4c5c6c7c8,
				     entry(MOBILE, "", SEQ + 9, 0, LR_OK, 0)) },
		{ "replay",
		  seen(COA, message(LR_ACK, 7, ID + 2, 0xd1d2d3d4d5d6d7d8,
				    entry(MOBILE, "", 0, 0, LR_REPLAY, 0))) },
		{ "literal", message(LR_UPDATE, 7, ID + 3, 0xe1e2e3e4e5e6e7e8,
				     entry("2001:db8::7", "2001:db8:1::99",
					   SEQ + 10, 300, LR_OK,
					   LR_FLAG_LITERAL)) },
		{ "unproved",
		  seen(COA, message(LR_ACK, 7, ID + 3, 0xe1e2e3e4e5e6e7e8,
				    entry("2001:db8::7", "2001:db8:1::99",
					  SEQ + 10, 0, LR_UNPROVED, 0))) },
		{ "challenge",
		  cookie(message(LR_CHALLENGE, 7, ID + 3, 0xe1e2e3e4e5e6e7e8,
				 entry("2001:db8::7", "2001:db8:1::99",
				       SEQ + 10, 0, LR_UNPROVED, 0))) },
		{ "cookie",
		  cookie(message(LR_UPDATE, 7, ID + 4, 0xe2e3e4e5e6e7e8e9,
				 entry("2001:db8::7", "2001:db8:1::99",
				       SEQ + 10, 300, LR_OK,
				       LR_FLAG_LITERAL))) },
		{ "proof", message(LR_ANNOUNCE, 7, ID + 4, 0xf1f2f3f4f5f6f7f8,
				   entry(MOBILE, COA, SEQ, 300, LR_OK, 0)) },
		{ "query_key",
		  with(message(LR_QUERY, 7, ID, NONCE,
			       entry(MOBILE, "", 0, 0, LR_OK, 0)),
		       entry(MOBILE, "", 0, 0, LR_OK, LR_FLAG_KEY)) },
		{ "answer_key",
		  seen("198.51.100.2",
		       with(message(LR_ANSWER, 7, ID, NONCE,
				    entry(MOBILE, COA, SEQ, 240, LR_OK, 0)),
			    key_entry(keys))) },
		{ "announce_pair",
		  message(LR_ANNOUNCE, LR_PAIR_KEY | 7, ID + 5,
			  0x0102030405060708,
			  entry(MOBILE, "203.0.113.33", SEQ + 1, 300, LR_OK,
				0)) },
		{ "confirm_pair",
		  seen("203.0.113.33",
		       message(LR_CONFIRM, LR_PAIR_KEY | 7, ID + 5,
			       0x0102030405060708,
			       entry(MOBILE, "203.0.113.33", SEQ + 1, 240,
				     LR_OK, 0))) },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		check_vector(&vectors[i],
			     vectors[i].msg.key_id == 7 ? key : pair);
	auth_key_free(pair);
	auth_keys_free(keys);
}

/* A valid update with two entries and room behind it. */
static size_t valid(uint8_t buf[2 * LR_MAX_LEN])
{
	struct lr_msg msg =
		with(message(LR_UPDATE, 7, ID, 1,
			     entry(MOBILE, COA, SEQ, 300, LR_OK, 0)),
		     entry("2001:db8::7", "2001:db8:1::1", SEQ, 300, LR_OK, 0));

	memset(buf, 0, 2 * LR_MAX_LEN);
	return lr_encode(&msg, buf) + LR_AUTH_LEN;
}

/* What becomes of it with @value at @offset. */
static enum lr_drop judge(size_t offset, uint8_t value)
{
	uint8_t buf[2 * LR_MAX_LEN];
	size_t len = valid(buf), covered;
	struct lr_msg msg;

	buf[offset] = value;
	return lr_decode(buf, len, &msg, &covered);
}

static void each_malformed_field_has_its_reason(void **state)
{
	const size_t first = LR_HEADER_LEN, second = first + LR_ENTRY_LEN;

	(void)state;
	assert_int_equal(judge(0, LR_VERSION), LR_DROP_NONE);
	assert_int_equal(judge(0, 0), LR_DROP_VERSION);
	assert_int_equal(judge(0, 1), LR_DROP_VERSION);
	assert_int_equal(judge(0, 3), LR_DROP_VERSION);
	assert_int_equal(judge(1, 0), LR_DROP_TYPE);
	assert_int_equal(judge(1, 8), LR_DROP_TYPE);
	assert_int_equal(judge(3, 0), LR_DROP_COUNT);
	assert_int_equal(judge(3, 25), LR_DROP_COUNT);
	assert_int_equal(judge(2, 1), LR_DROP_COUNT);
	assert_int_equal(judge(3, 1), LR_DROP_LENGTH);
	/* an update with an authenticator, and no key to make it with */
	assert_int_equal(judge(7, 0), LR_DROP_NONE);
	assert_int_equal(judge(24, 1), LR_DROP_NONE);
	assert_int_equal(judge(first + 45, LR_FLAG_AT_HOME), LR_DROP_NONE);
	assert_int_equal(judge(first + 45, LR_FLAG_LITERAL), LR_DROP_NONE);
	assert_int_equal(judge(first + 45, 4), LR_DROP_RESERVED);
	assert_int_equal(judge(first + 45, 0x80), LR_DROP_RESERVED);
	assert_int_equal(judge(second + 46, 1), LR_DROP_RESERVED);
	assert_int_equal(judge(second + 47, 1), LR_DROP_RESERVED);
	/* 198.51.100.7 becomes 127.51.100.7 and 224.51.100.7 */
	assert_int_equal(judge(first + 12, 127), LR_DROP_ADDRESS);
	assert_int_equal(judge(first + 12, 224), LR_DROP_ADDRESS);
	assert_int_equal(judge(second, 0xff), LR_DROP_ADDRESS);
	assert_int_equal(judge(second + 16, 0xff), LR_DROP_ADDRESS);
}

/* What nobody signed says nothing where the signature would be. */
static void reserved_bytes_are_zero(void **state)
{
	uint8_t buf[2 * LR_MAX_LEN], type;
	size_t len, covered;
	struct lr_msg msg;

	(void)state;
	len = valid(buf);
	buf[7] = 0;
	for (size_t i = len - LR_AUTH_LEN; i < len; i++) {
		buf[i] = 1;
		assert_int_equal(lr_decode(buf, len, &msg, &covered),
				 LR_DROP_RESERVED);
		buf[i] = 0;
	}
	for (type = LR_QUERY; type <= LR_CHALLENGE; type++) {
		msg = message(type, 7, ID, 1,
			      entry(MOBILE, COA, SEQ, 300, LR_OK, 0));
		memset(buf, 0, sizeof(buf));
		len = lr_encode(&msg, buf) + LR_AUTH_LEN;
		for (size_t i = 24; i < LR_HEADER_LEN; i++) {
			buf[i] = 1;
			assert_int_equal(lr_decode(buf, len, &msg, &covered),
					 type == LR_QUERY ||
					 type == LR_ANNOUNCE ?
					 LR_DROP_RESERVED : LR_DROP_NONE);
			buf[i] = 0;
		}
	}
}

/* One datagram that anybody can send is answered by one, of its length. */
static void hosts_tell_each_other_one_address(void **state)
{
	uint8_t buf[2 * LR_MAX_LEN], type;
	size_t len, covered;
	struct lr_msg msg;

	(void)state;
	for (type = LR_QUERY; type <= LR_CHALLENGE; type++) {
		len = valid(buf);
		buf[1] = type;
		assert_int_equal(lr_decode(buf, len, &msg, &covered),
				 type < LR_ANNOUNCE ? LR_DROP_NONE :
						      LR_DROP_COUNT);
	}
}

/* What becomes of a message of that type with this entry. */
static enum lr_drop judge_entry(uint8_t type, struct lr_entry e)
{
	struct lr_msg msg = message(type, 7, ID, 1, e), back;
	uint8_t buf[LR_MAX_LEN] = { 0 };
	size_t len = lr_encode(&msg, buf), covered;

	return lr_decode(buf, len + LR_AUTH_LEN, &back, &covered);
}

static void the_flag_key_asks_or_answers(void **state)
{
	struct lr_entry e = entry(MOBILE, "", 8, 240, LR_OK, 0);
	uint8_t type, flags;
	bool fits;

	(void)state;
	for (type = LR_QUERY; type <= LR_CHALLENGE; type++) {
		for (flags = 0; flags < 16; flags++) {
			e.flags = flags;
			fits = flags < LR_FLAG_KEY ||
			       (flags == LR_FLAG_KEY && type <= LR_ANSWER);
			assert_int_equal(judge_entry(type, e),
					 fits ? LR_DROP_NONE :
						LR_DROP_RESERVED);
		}
	}
}

static void a_sealed_key_may_be_any_bytes(void **state)
{
	static const char *const none[] = { "127.0.0.1", "224.0.0.1", "::1",
					    "ff02::1" };
	struct lr_entry e, key;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		e = entry(MOBILE, none[i], 8, 240, LR_OK, 0);
		key = entry(MOBILE, none[i], 8, 240, LR_OK, LR_FLAG_KEY);
		assert_int_equal(judge_entry(LR_ANSWER, e), LR_DROP_ADDRESS);
		assert_int_equal(judge_entry(LR_ANSWER, key), LR_DROP_NONE);
		assert_int_equal(judge_entry(LR_QUERY, key), LR_DROP_ADDRESS);
		key.perm = key.coa;
		assert_int_equal(judge_entry(LR_ANSWER, key), LR_DROP_ADDRESS);
	}
}

static void only_the_exact_length_is_accepted(void **state)
{
	uint8_t buf[2 * LR_MAX_LEN];
	size_t len, exact, covered;
	struct lr_msg msg;

	(void)state;
	exact = valid(buf);
	for (len = 0; len < exact + 60; len++)
		assert_int_equal(lr_decode(buf, len, &msg, &covered),
				 len == exact ? LR_DROP_NONE : LR_DROP_LENGTH);
}

static void the_permanent_address_must_be_given(void **state)
{
	uint8_t buf[2 * LR_MAX_LEN];
	size_t len = valid(buf), covered;
	struct lr_msg msg;

	(void)state;
	memset(buf + LR_HEADER_LEN + 16, 0, 16);
	assert_int_equal(lr_decode(buf, len, &msg, &covered), LR_DROP_NONE);
	/* IPv4-compatible: only the last four bytes are set */
	memset(buf + LR_HEADER_LEN, 0, 12);
	assert_int_equal(lr_decode(buf, len, &msg, &covered), LR_DROP_ADDRESS);
	memset(buf + LR_HEADER_LEN, 0, 16);
	assert_int_equal(lr_decode(buf, len, &msg, &covered), LR_DROP_ADDRESS);
}

static void the_largest_message_fits(void **state)
{
	struct lr_msg msg = message(LR_ANSWER, 7, ID, 1,
				    entry(MOBILE, COA, SEQ, 1, LR_OK, 0));
	uint8_t buf[LR_MAX_LEN];
	size_t len, covered;
	struct lr_msg back;

	(void)state;
	while (msg.count < LR_MAX_ENTRIES)
		msg = with(msg, entry("2001:db8::9", "2001:db8::a", UINT64_MAX,
				      UINT32_MAX, LR_UNFIT,
				      LR_FLAG_AT_HOME));
	len = lr_encode(&msg, buf);
	assert_int_equal(len + LR_AUTH_LEN, LR_MAX_LEN);
	assert_true(LR_MAX_LEN <= 1280 - 40 - 8);
	assert_int_equal(lr_decode(buf, LR_MAX_LEN, &back, &covered),
			 LR_DROP_NONE);
	assert_int_equal(covered, len);
	assert_same_message(&msg, &back);
}

static void every_value_has_a_name(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < LR_DROP_MAX; i++)
		assert_string_not_equal(lr_drop_name((enum lr_drop)i),
					"unknown");
	for (i = LR_QUERY; i <= LR_CHALLENGE; i++)
		assert_string_not_equal(lr_type_name((uint8_t)i), "unknown");
	for (i = LR_OK; i < LR_STATUS_MAX; i++)
		assert_string_not_equal(lr_status_name((uint8_t)i), "unknown");
	assert_string_equal(lr_type_name(0), "unknown");
	assert_string_equal(lr_status_name(LR_STATUS_MAX), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ .name = "MLR-02 MLR-05 OPEN-26 OPEN-28: vectors of the protocol page, both ways",
		  .test_func = vectors_of_the_page },
		{ .name = "wire: each malformed field is dropped with its reason",
		  .test_func = each_malformed_field_has_its_reason },
		{ .name = "wire: reserved bytes are zero",
		  .test_func = reserved_bytes_are_zero },
		{ .name = "SEC-08: announce, confirm and challenge have one entry",
		  .test_func = hosts_tell_each_other_one_address },
		{ .name = "OPEN-28: the flag key stands alone, in query and answer only",
		  .test_func = the_flag_key_asks_or_answers },
		{ .name = "OPEN-28: a sealed key may be any bytes, its address may not",
		  .test_func = a_sealed_key_may_be_any_bytes },
		{ .name = "wire: only the exact length is accepted",
		  .test_func = only_the_exact_length_is_accepted },
		{ .name = "wire: a permanent address is needed, a care-of address is not",
		  .test_func = the_permanent_address_must_be_given },
		{ .name = "wire: 24 entries with all values at their limit",
		  .test_func = the_largest_message_fits },
		{ .name = "wire: every value has a name",
		  .test_func = every_value_has_a_name },
	};

	return cmocka_run_group_tests_name("wire_lr", tests, NULL, NULL);
}
