// SPDX-License-Identifier: GPL-2.0-or-later
/* Messages of DRCP: the vectors of the protocol page, and every bound. */
#include "core_test.h"

#include <string.h>

#include "wire/drcp.h"

static struct drcp_msg example(uint8_t type)
{
	struct drcp_msg msg = {
		.type = type, .key_id = 7, .server = 0x1122334455667788,
		.epoch = 3, .seq = 9, .stamp = 1000001, .period = 1000,
		.n_subnets = 1, .client = { 2, 0, 0, 0, 0, 5 }, .lease = 600,
	};

	roam_prefix_parse("192.0.2.0/26", &msg.subnets[0].prefix);
	msg.subnets[0].router = addr("192.0.2.1");
	msg.subnet = msg.subnets[0].prefix;
	msg.addr = addr("192.0.2.5");
	msg.router = addr("192.0.2.1");
	msg.dns = addr("198.51.100.66");
	msg.mmp_key = 1;
	memset(msg.sealed, 0x5e, sizeof(msg.sealed));
	if (type == DRCP_ADVERTISEMENT || type == DRCP_SOLICITATION)
		msg.stamp = type == DRCP_SOLICITATION ? msg.stamp : 0;
	return msg;
}

static size_t bytes_of(const struct drcp_msg *msg, uint8_t *buf)
{
	size_t len = drcp_encode(msg, buf);

	memset(buf + len, msg->key_id ? 0xaa : 0, DRCP_AUTH_LEN);
	return len + DRCP_AUTH_LEN;
}

/* The request of the protocol page. */
static void request_is_the_page_s(void **state)
{
	static const uint8_t page[] = {
		1, 3, 0, 0, 0, 0, 0, 7,
		0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,
		0, 0, 0, 3, 0, 0, 0, 9,
		0, 0, 0, 0, 0, 0x0f, 0x42, 0x41,
		2, 0, 0, 0, 0, 5, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 0,
		122, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 5,
	};
	struct drcp_msg msg = example(DRCP_REQUEST);
	uint8_t buf[DRCP_MAX_LEN];

	(void)state;
	assert_int_equal(drcp_encode(&msg, buf), sizeof(page));
	assert_memory_equal(buf, page, sizeof(page));
}

static void every_type_comes_back(void **state)
{
	uint8_t buf[DRCP_MAX_LEN], again[DRCP_MAX_LEN];
	size_t len, covered;

	(void)state;
	for (uint8_t type = DRCP_ADVERTISEMENT; type <= DRCP_DECLINE; type++) {
		struct drcp_msg msg = example(type), back;

		len = bytes_of(&msg, buf);
		assert_int_equal(drcp_decode(buf, len, &back, &covered),
				 DRCP_DROP_NONE);
		assert_int_equal(covered, len - DRCP_AUTH_LEN);
		assert_int_equal(drcp_encode(&back, again), covered);
		assert_memory_equal(buf, again, covered);
	}
}

static void no_other_length_is_taken(void **state)
{
	uint8_t buf[DRCP_MAX_LEN + 64] = { 0 };
	struct drcp_msg back;
	size_t len, covered;

	(void)state;
	for (uint8_t type = DRCP_ADVERTISEMENT; type <= DRCP_DECLINE; type++) {
		struct drcp_msg msg = example(type);

		len = bytes_of(&msg, buf);
		for (size_t n = 0; n < sizeof(buf); n++) {
			uint8_t *copy = malloc(n ? n : 1);

			memcpy(copy, buf, n);
			assert_int_equal(drcp_decode(copy, n, &back, &covered),
					 n == len ? DRCP_DROP_NONE :
						    DRCP_DROP_LENGTH);
			free(copy);
		}
	}
}

static enum drcp_drop changed(uint8_t type, size_t at, uint8_t value)
{
	struct drcp_msg msg = example(type), back;
	uint8_t buf[DRCP_MAX_LEN];
	size_t len = bytes_of(&msg, buf), covered;

	buf[at] = value;
	return drcp_decode(buf, len, &back, &covered);
}

static void what_must_be_is_checked(void **state)
{
	(void)state;
	assert_int_equal(changed(DRCP_REQUEST, 0, 2), DRCP_DROP_VERSION);
	assert_int_equal(changed(DRCP_REQUEST, 1, 0), DRCP_DROP_TYPE);
	assert_int_equal(changed(DRCP_REQUEST, 1, 7), DRCP_DROP_TYPE);
	assert_int_equal(changed(DRCP_REQUEST, 2, 1), DRCP_DROP_RESERVED);
	assert_int_equal(changed(DRCP_ASSIGNMENT, 2, 6), DRCP_DROP_RESERVED);
	assert_int_equal(changed(DRCP_REQUEST, 3, 1), DRCP_DROP_RESERVED);
	/* A group is no client. */
	assert_int_equal(changed(DRCP_REQUEST, 32, 3), DRCP_DROP_ADDRESS);
	assert_int_equal(changed(DRCP_REQUEST, 38, 1), DRCP_DROP_RESERVED);
	/* Host bits, and lengths that a prefix cannot have. */
	assert_int_equal(changed(DRCP_REQUEST, 55, 1), DRCP_DROP_ADDRESS);
	assert_int_equal(changed(DRCP_REQUEST, 56, 129), DRCP_DROP_ADDRESS);
	assert_int_equal(changed(DRCP_REQUEST, 56, 96), DRCP_DROP_ADDRESS);
	/* Loopback and groups are nobody's address. */
	assert_int_equal(changed(DRCP_RELEASE, 52, 127), DRCP_DROP_ADDRESS);
	assert_int_equal(changed(DRCP_RELEASE, 52, 224), DRCP_DROP_ADDRESS);
	/* A lease that holds, of no time; a refusal with time. */
	assert_int_equal(changed(DRCP_ASSIGNMENT, 2, DRCP_EXHAUSTED),
			 DRCP_DROP_RESERVED);
	/* A key without a name. */
	assert_int_equal(changed(DRCP_ASSIGNMENT, 115, 0), DRCP_DROP_RESERVED);
	assert_int_equal(changed(DRCP_ASSIGNMENT, 119, 1), DRCP_DROP_RESERVED);
	/* More subnets than there is room for. */
	assert_int_equal(changed(DRCP_ADVERTISEMENT, 36, 9), DRCP_DROP_LENGTH);
	assert_int_equal(changed(DRCP_ADVERTISEMENT, 36, 0), DRCP_DROP_LENGTH);
}

static void without_a_key_there_is_no_authenticator(void **state)
{
	struct drcp_msg msg = example(DRCP_REQUEST), back;
	uint8_t buf[DRCP_MAX_LEN];
	size_t len, covered;

	(void)state;
	msg.key_id = 0;
	len = bytes_of(&msg, buf);
	assert_int_equal(drcp_decode(buf, len, &back, &covered),
			 DRCP_DROP_NONE);
	buf[len - 1] = 1;
	assert_int_equal(drcp_decode(buf, len, &back, &covered),
			 DRCP_DROP_RESERVED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "MMP-81: a request is that of the protocol page",
		  request_is_the_page_s, NULL, NULL, NULL },
		{ "MMP-80 MMP-81: every message comes back as it was",
		  every_type_comes_back, NULL, NULL, NULL },
		{ "OPEN-35: no message has another length than its own",
		  no_other_length_is_taken, NULL, NULL, NULL },
		{ "OPEN-35: what a field cannot hold is refused",
		  what_must_be_is_checked, NULL, NULL, NULL },
		{ "MMP-81: without a key there is no authenticator",
		  without_a_key_there_is_no_authenticator, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("wire_drcp", tests, NULL, NULL);
}
