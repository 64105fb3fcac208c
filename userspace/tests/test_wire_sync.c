// SPDX-License-Identifier: GPL-2.0-or-later
#include "core_test.h"

#include <ctype.h>
#include <stdio.h>

#include "auth/auth.h"
#include "wire/sync.h"

#define PAGE "Documentation/protocols/sync.md"

/* A block "```hex NAME" of the protocol page. */
static size_t vector(const char *name, uint8_t *buf)
{
	char line[256], head[64];
	FILE *f = fopen(PAGE, "r");
	bool inside = false;
	size_t n = 0;

	if (!f)
		fail_msg("cannot open %s from here", PAGE);
	snprintf(head, sizeof(head), "```hex %s\n", name);
	while (fgets(line, sizeof(line), f)) {
		unsigned int byte;

		if (inside && !strncmp(line, "```", 3))
			break;
		for (char *p = line; inside && *p; p++)
			if (sscanf(p, "%2x", &byte) == 1 &&
			    isxdigit((unsigned char)*p)) {
				buf[n++] = byte;
				p++;
			}
		if (!strcmp(line, head))
			inside = true;
	}
	fclose(f);
	assert_true(n > 0);
	return n;
}

/* Messages around a download, and acknowledgements. */
static void check_download(const char *name, const struct sync_msg *msg)
{
	struct roam_addr agent = addr("198.18.0.10");
	struct roam_addr other = addr("10.0.0.3");

	assert_true(msg->id == (msg->type == SYNC_ACK ? 4 : 0x1234));
	if (msg->type == SYNC_ACK) {
		assert_int_equal(msg->code, SYNC_RESOURCES);
		assert_int_equal(msg->count, 1);
		assert_int_equal(msg->body[7], 5);
	} else if (msg->type == SYNC_REQUEST) {
		assert_int_equal(msg->count, 1);
		assert_int_equal(msg->sent, 1);
		assert_memory_equal(msg->body, agent.b, 16);
	} else if (!strcmp(name, "members")) {
		assert_true(msg->flags & SYNC_FLAG_MEMBERS);
		assert_int_equal(msg->count, 2);
		assert_memory_equal(msg->body + 16, other.b, 16);
	} else {
		assert_int_equal(msg->sent, 3);
		assert_true(msg->flags & SYNC_FLAG_LAST);
		assert_int_equal(msg->total, msg->type == SYNC_TABLE ? 3 : 0);
		assert_int_equal(msg->count, msg->type == SYNC_TABLE);
	}
}

static void vectors(void **state)
{
	static const char *const names[] = { "hello", "update", "relay", "ack",
					     "request", "members", "table",
					     "table-ack" };
	static const uint8_t secret[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
					  12, 13, 14, 15 };
	struct auth_keys *keys = auth_keys_new();

	(void)state;
	assert_true(auth_keys_add(keys, 7, secret, sizeof(secret)));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		uint8_t buf[SYNC_MAX_LEN], again[SYNC_MAX_LEN];
		size_t len = vector(names[i], buf), covered;
		struct sync_msg msg;

		assert_int_equal(sync_decode(buf, len, &msg, &covered),
				 SYNC_DROP_NONE);
		assert_true(auth_verify(auth_keys_find(keys, 7), buf, covered,
					buf + covered, SYNC_AUTH_LEN));
		assert_addr(msg.sender, "10.0.0.2");
		assert_int_equal(sync_encode(&msg, again), covered);
		assert_memory_equal(buf, again, covered);
		if (msg.type == SYNC_UPDATE) {
			const uint8_t *p = msg.body;
			struct sync_entry e;

			assert_int_equal(msg.count, 2);
			assert_true(sync_entry_read(&p, p + msg.len, &e));
			assert_int_equal(e.order, 9);
			assert_memory_equal(e.value, "value", 5);
			assert_true(sync_entry_read(&p, msg.body + msg.len, &e));
			assert_true(e.deleted);
		} else if (msg.type == SYNC_RELAY) {
			struct sync_relay relay;
			uint8_t body[SYNC_BODY_MAX];

			assert_true(sync_relay_read(msg.body, msg.len, &relay));
			assert_addr(relay.from, "192.0.2.1");
			assert_addr(relay.to, "198.18.0.10");
			assert_int_equal(relay.port, 434);
			assert_int_equal(relay.len, 4);
			assert_int_equal(sync_relay_write(&relay, body), msg.len);
			assert_memory_equal(body, msg.body, msg.len);
			/* Nothing to relay, no port, and a source that is none. */
			assert_false(sync_relay_read(body, SYNC_RELAY_HEAD, &relay));
			body[33] = body[32] = 0;
			assert_false(sync_relay_read(body, msg.len, &relay));
			body[33] = 1;
			body[12] = 224;
			assert_false(sync_relay_read(body, msg.len, &relay));
		} else if (msg.type == SYNC_HELLO) {
			assert_true(msg.digest == 0x1122334455667788);
		} else {
			check_download(names[i], &msg);
		}
	}
	auth_keys_free(keys);
}

/* Every length but the right one, each field out of its bounds. */
static void bounds(void **state)
{
	static const struct {
		size_t offset;
		uint8_t value;
		enum sync_drop drop;
	} wrong[] = {
		{ 0, 2, SYNC_DROP_VERSION }, { 1, 0, SYNC_DROP_TYPE },
		{ 1, 11, SYNC_DROP_TYPE }, { 2, 5, SYNC_DROP_CODE },
		{ 3, 0x40, SYNC_DROP_RESERVED }, { 71, 1, SYNC_DROP_RESERVED },
		{ 60, 224, SYNC_DROP_ADDRESS }, { 23, 0, SYNC_DROP_ADDRESS },
		{ 7, 3, SYNC_DROP_ENTRY }, { 72, 0, SYNC_DROP_ENTRY },
		{ 73, 1, SYNC_DROP_ENTRY }, { 73, 2, SYNC_DROP_ENTRY },
		{ 74, 0, SYNC_DROP_ENTRY }, { 74, 65, SYNC_DROP_ENTRY },
		{ 75, 6, SYNC_DROP_ENTRY }, { 77, 6, SYNC_DROP_ENTRY },
		{ 85, 0, SYNC_DROP_ENTRY },
	};
	uint8_t buf[SYNC_MAX_LEN], bad[SYNC_MAX_LEN];
	size_t len = vector("update", buf), covered;
	struct sync_msg msg;

	(void)state;
	for (size_t n = 0; n < len + 2; n++) {
		uint8_t *copy = calloc(1, n ? n : 1);

		memcpy(copy, buf, n < len ? n : len);
		if (n == len)
			assert_int_equal(sync_decode(copy, n, &msg, &covered),
					 SYNC_DROP_NONE);
		else
			assert_int_not_equal(sync_decode(copy, n, &msg,
							 &covered),
					     SYNC_DROP_NONE);
		free(copy);
	}
	/* Lists that are longer or shorter than they say. */
	for (size_t i = 0; i < 3; i++) {
		static const char *const lists[] = { "ack", "request", "members" };
		size_t n = vector(lists[i], bad);

		for (int by = -1; by <= 1; by += 2) {
			bad[7] += (uint8_t)by;
			assert_int_equal(sync_decode(bad, n, &msg, &covered),
					 SYNC_DROP_LENGTH);
			bad[7] -= (uint8_t)by;
		}
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		memcpy(bad, buf, len);
		bad[wrong[i].offset] = wrong[i].value;
		assert_int_equal(sync_decode(bad, len, &msg, &covered),
				 wrong[i].drop);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		{ "STBY-81 STBY-82 SYNC-36 SYNC-44 SYNC-48 SYNC-53 SYNC-59 SYNC-60: vectors of the page", vectors, NULL, NULL, NULL },
		{ "STBY-81 OPEN-31: what does not fit is dropped", bounds, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
