// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any datagram: what is accepted says exactly its own bytes, and the engine keeps
 * its promises whatever it is told by somebody whose session it believes.
 */
#include "fuzz.h"

#include <string.h>

#include "core/sync.h"

static uint64_t session;
static unsigned int sent;

static void on_send(void *ctx, const struct roam_addr *to,
		    const struct sync_msg *msg)
{
	uint8_t buf[SYNC_MAX_LEN];
	struct sync_msg back;
	size_t len, covered;

	(void)ctx;
	(void)to;
	session = msg->session;
	sent++;
	len = sync_encode(msg, buf);
	check(len <= SYNC_MAX_LEN - SYNC_AUTH_LEN);
	check(sync_decode(buf, len, &back, &covered) == SYNC_DROP_NONE);
}

static void on_released(void *ctx, uint64_t token, unsigned int acks, bool late)
{
	(void)ctx;
	(void)acks;
	(void)late;
	check(token);
}

static uint64_t on_random(void *ctx)
{
	(void)ctx;
	return 0x123456789abcdef;
}

static void on_synced(void *ctx, bool synced, const struct roam_addr *from)
{
	(void)ctx;
	(void)synced;
	(void)from;
}

static size_t serialise(void *ctx, const uint8_t *key, size_t key_len,
			uint8_t *value, size_t room, size_t *digested)
{
	(void)ctx;
	(void)room;
	memcpy(value, key, key_len);
	*digested = key_len;
	return key_len;
}

static enum sync_apply apply(void *ctx, const uint8_t *key, size_t key_len,
			     const uint8_t *value, size_t len, uint64_t order)
{
	(void)ctx;
	(void)value;
	check(key_len && key_len <= SYNC_KEY_MAX && len && order);
	return key[0] % 3;
}

static void remove_entry(void *ctx, const uint8_t *key, size_t key_len)
{
	(void)ctx;
	(void)key;
	check(key_len && key_len <= SYNC_KEY_MAX);
}

static const struct sync_ops ops = { on_send, on_released, on_random, on_synced };
static const struct sync_type type = { 1, "fuzz", serialise, apply, remove_entry, NULL };

static void check_codec(const struct sync_msg *msg, const uint8_t *data,
			size_t covered)
{
	uint8_t again[SYNC_MAX_LEN];

	check(sync_encode(msg, again) == covered);
	check(!memcmp(again, data, covered));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sync *s;
	static msec_t now = 100000;
	static uint64_t counter;
	struct roam_addr own = { { [10] = 0xff, [11] = 0xff, 10, 0, 0, 1 } };
	struct roam_addr other = { { [10] = 0xff, [11] = 0xff, 10, 0, 0, 2 } };
	struct sync_config config = {
		.own = own, .mode = SYNC_GROUP, .group = 1, .entries_max = 64,
	};
	struct sync_msg msg;
	size_t covered;

	/* One engine for all: its table of leaves is large. */
	if (!s) {
		s = sync_new(&config, &ops, NULL, now);
		check(s && sync_register(s, &type, NULL));
		sync_add_member(s, now, &other);
	}
	if (sync_decode(data, size, &msg, &covered) != SYNC_DROP_NONE)
		return 0;
	check_codec(&msg, data, covered);
	/* As if it came from the other member, in its present session. */
	msg.group = 1;
	msg.sender = other;
	msg.session = 77;
	msg.echo = session;
	msg.counter = ++counter;
	sent = 0;
	sync_input(s, now, &msg);
	/* An answer is bounded, however little the question was. */
	check(sent <= 300);
	now += 50;
	if (sync_next(s) <= now)
		sync_run(s, now);
	check(sync_count(s) <= 64);
	return 0;
}
