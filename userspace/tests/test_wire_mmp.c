// SPDX-License-Identifier: GPL-2.0-or-later
#include "core_test.h"

#include <ctype.h>
#include <stdio.h>

#include "auth/auth.h"
#include "wire/mmp.h"

#define PAGE "Documentation/protocols/mmp.md"
#define KEY 1

/**
 * struct vector - a message of the protocol page, as this test understands it
 * @title: of its block
 * @purpose: of the key that signs it
 * @msg: what it says
 */
struct vector {
	const char *title;
	const char *purpose;
	struct mmp_msg msg;
};

static struct mmp_name name(const char *s)
{
	struct mmp_name n;

	assert_true(mmp_name_parse(s, &n));
	return n;
}

static struct mmp_msg header(uint8_t type)
{
	return (struct mmp_msg){
		.type = type, .flags = MMP_FLAG_DOMAIN, .key_id = KEY,
		.domain = 7, .gateway = addr("10.7.0.1"), .epoch = 3,
		.seq = 1000,
	};
}

static struct mmp_msg gateway_beacon(void)
{
	struct mmp_msg msg = header(MMP_GATEWAY_BEACON);

	msg.flags |= MMP_FLAG_PAGING;
	msg.paging = 9;
	msg.gateway6 = addr("2001:db8:7::1");
	msg.timestamp = 1000000000;
	msg.period = 1000;
	msg.delay = 250;
	msg.n_path = 2;
	msg.path[0] = name("gw1");
	msg.path[1] = name("node-a");
	return msg;
}

static struct mmp_msg bs_beacon(void)
{
	struct mmp_msg msg = header(MMP_BS_BEACON);

	msg.name = name("bs1");
	msg.period = 500;
	msg.gateway6 = addr("2001:db8:7::1");
	msg.router = addr("10.7.1.1");
	msg.l2.kind = MMP_L2_WIFI;
	msg.l2.channel = 36;
	memcpy(msg.l2.bssid, "\x02\x00\x00\x00\x01\x00", 6);
	msg.n_subnets = 2;
	msg.subnets[0] = prefix("10.7.0.0/16");
	msg.subnets[1] = prefix("2001:db8:7::/64");
	return msg;
}

static struct mmp_msg host_message(uint8_t type, uint16_t flags, uint64_t seq)
{
	struct mmp_msg msg = header(type);

	msg.flags |= flags;
	msg.coa = addr("10.7.0.99");
	msg.host_seq = seq;
	msg.name = name("bs1");
	return msg;
}

static struct mmp_msg ack(uint64_t seq, uint8_t status, const char *who)
{
	struct mmp_msg msg = host_message(MMP_ACK, 0, seq);

	msg.status = status;
	msg.name = name(who);
	return msg;
}

static struct mmp_msg probe(uint8_t type)
{
	return (struct mmp_msg){
		.type = type, .flags = MMP_FLAG_DOMAIN, .key_id = KEY,
		.domain = 7, .timestamp = 5000, .nonce = 0x1122334455667788,
		.name = name(type == MMP_PROBE ? "bs1" : "node-a"),
	};
}

static struct mmp_msg trace(uint8_t type)
{
	struct mmp_msg msg = {
		.type = type, .flags = MMP_FLAG_DOMAIN, .key_id = KEY,
		.domain = 7, .coa = addr("10.7.0.99"),
		.nonce = 0x1122334455667788, .n_trace = 1,
	};

	msg.trace[0] = (struct mmp_hop_state){
		.name = name("gw1"), .role = MMP_TRACE_GATEWAY, .downlinks = 1,
		.left = 29500, .seq = 0x17979cfe362a0004,
	};
	if (type == MMP_TRACE_REPLY)
		msg.trace[msg.n_trace++] = (struct mmp_hop_state){
			.name = name("bs1"), .role = MMP_TRACE_BASE_STATION,
			.downlinks = 1, .left = 29000,
			.seq = 0x17979cfe362a0004,
		};
	return msg;
}

static struct mmp_msg host_route(uint8_t type)
{
	struct mmp_msg msg = {
		.type = type, .key_id = KEY, .gateway = addr("192.0.2.18"),
		.epoch = 3, .seq = 16, .coa = addr("10.7.0.99"),
		.host_seq = 0x17979cfe362a0001, .status = 1,
	};

	msg.name = name(type == MMP_HOST_ROUTE ? "gw1" : "br");
	return msg;
}

/* Reads the block "```hex TITLE" of the page; returns its length. */
static size_t read_vector(const char *title, uint8_t *buf, size_t room)
{
	char line[512], fence[64];
	unsigned int byte;
	bool inside = false;
	size_t len = 0;
	const char *p;
	FILE *page;

	page = fopen(PAGE, "r");
	assert_non_null(page);
	snprintf(fence, sizeof(fence), "```hex %s\n", title);
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
		fail_msg("no vector %s in %s", title, PAGE);
	return len;
}

static struct auth_keys *domain_keys(void)
{
	struct auth_keys *keys = auth_keys_new();
	uint8_t secret[32];
	unsigned int i;

	for (i = 0; i < sizeof(secret); i++)
		secret[i] = (uint8_t)i;
	assert_true(auth_keys_add(keys, KEY, secret, sizeof(secret)));
	return keys;
}

static struct auth_key *key_for(const struct auth_keys *keys,
				const char *purpose, const struct mmp_msg *msg)
{
	bool host = !strcmp(purpose, "roam mmp host");

	return auth_derive(auth_keys_find(keys, KEY), KEY, purpose, msg->coa.b,
			   host ? sizeof(msg->coa.b) : 0);
}

static void check_vector(const struct vector *v, const struct auth_keys *keys)
{
	struct auth_key *key = key_for(keys, v->purpose, &v->msg);
	uint8_t page[MMP_MAX_LEN], made[MMP_MAX_LEN] = { 0 };
	size_t len, covered = 0;
	struct mmp_msg msg;

	len = mmp_encode(&v->msg, made);
	auth_sign(key, made, len, made + len, MMP_AUTH_LEN);
	len += MMP_AUTH_LEN;
	if (getenv("PRINT_VECTORS")) {
		printf("%s ", v->title);
		for (size_t i = 0; i < len; i++)
			printf("%02x", made[i]);
		printf("\n");
	}
	assert_int_equal(read_vector(v->title, page, sizeof(page)), len);
	assert_memory_equal(made, page, len);
	assert_int_equal(mmp_decode(page, len, &msg, &covered), MMP_DROP_NONE);
	assert_int_equal(covered + MMP_AUTH_LEN, len);
	assert_true(auth_verify(key, page, covered, page + covered,
				MMP_AUTH_LEN));
	assert_memory_equal(&msg, &v->msg, sizeof(msg));
	auth_key_free(key);
}

static struct mmp_msg kept(struct mmp_msg msg, uint32_t unheard)
{
	msg.unheard = unheard;
	return msg;
}

static void vectors_of_the_page(void **state)
{
	const struct vector vectors[] = {
		{ "gateway_beacon", "roam mmp node", gateway_beacon() },
		{ "base_station_beacon", "roam mmp air", bs_beacon() },
		{ "registration", "roam mmp host",
		  host_message(MMP_REGISTRATION, 0, 0x17979cfe362a0001) },
		{ "cache_update_semisoft", "roam mmp host",
		  host_message(MMP_CACHE_UPDATE, MMP_FLAG_SEMISOFT,
			       0x17979cfe362a0002) },
		{ "cache_update_hard", "roam mmp host",
		  host_message(MMP_CACHE_UPDATE, 0, 0x17979cfe362a0003) },
		{ "cache_update_kept", "roam mmp host",
		  kept(host_message(MMP_CACHE_UPDATE, MMP_FLAG_KEEP,
				    0x17979cfe362a0005), 250) },
		{ "route_update", "roam mmp host",
		  host_message(MMP_ROUTE_UPDATE, 0, 0x17979cfe362a0004) },
		{ "acknowledgement", "roam mmp host",
		  ack(0x17979cfe362a0001, MMP_OK, "gw1") },
		{ "probe", "roam mmp node", probe(MMP_PROBE) },
		{ "probe_reply", "roam mmp node", probe(MMP_PROBE_REPLY) },
		{ "trace", "roam mmp node", trace(MMP_TRACE) },
		{ "trace_reply", "roam mmp node", trace(MMP_TRACE_REPLY) },
		{ "host_route", "roam mmp border", host_route(MMP_HOST_ROUTE) },
		{ "host_route_ack", "roam mmp border",
		  host_route(MMP_HOST_ROUTE_ACK) },
	};
	struct auth_keys *keys = domain_keys();

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++)
		check_vector(&vectors[i], keys);
	auth_keys_free(keys);
}

/* A message in a block of exactly its length, so that reading behind it shows. */
static enum mmp_drop decode_exactly(const uint8_t *bytes, size_t len)
{
	uint8_t *block = malloc(len ? len : 1);
	struct mmp_msg msg;
	enum mmp_drop drop;
	size_t covered;

	memcpy(block, bytes, len);
	drop = mmp_decode(block, len, &msg, &covered);
	free(block);
	return drop;
}

static struct mmp_msg any(uint8_t type)
{
	switch (type) {
	case MMP_GATEWAY_BEACON:
		return gateway_beacon();
	case MMP_BS_BEACON:
		return bs_beacon();
	case MMP_ACK:
		return ack(1, MMP_OK, "gw1");
	case MMP_PROBE:
	case MMP_PROBE_REPLY:
		return probe(type);
	case MMP_TRACE:
	case MMP_TRACE_REPLY:
		return trace(type);
	case MMP_HOST_ROUTE:
	case MMP_HOST_ROUTE_ACK:
		return host_route(type);
	default:
		return host_message(type, 0, 1);
	}
}

static void only_the_exact_length_is_accepted(void **state)
{
	(void)state;
	for (uint8_t type = MMP_GATEWAY_BEACON; type <= MMP_TYPE_MAX;
	     type++) {
		uint8_t buf[2 * MMP_MAX_LEN] = { 0 };
		struct mmp_msg msg = any(type);
		size_t exact = mmp_encode(&msg, buf) + MMP_AUTH_LEN;

		for (size_t len = 0; len < exact + 40; len++)
			assert_int_equal(decode_exactly(buf, len),
					 len == exact ? MMP_DROP_NONE :
							MMP_DROP_LENGTH);
	}
}

/* What becomes of a message with @value at @offset. */
static enum mmp_drop judge(uint8_t type, size_t offset, uint8_t value)
{
	uint8_t buf[MMP_MAX_LEN] = { 0 };
	struct mmp_msg msg = any(type);
	size_t len = mmp_encode(&msg, buf) + MMP_AUTH_LEN;

	buf[offset] = value;
	return decode_exactly(buf, len);
}

static void each_malformed_field_has_its_reason(void **state)
{
	(void)state;
	assert_int_equal(judge(MMP_PROBE, 0, 2), MMP_DROP_VERSION);
	assert_int_equal(judge(MMP_PROBE, 1, 0), MMP_DROP_TYPE);
	assert_int_equal(judge(MMP_PROBE, 1, 13), MMP_DROP_TYPE);
	assert_int_equal(judge(MMP_HOST_ROUTE, 64, 2), MMP_DROP_RESERVED);
	assert_int_equal(judge(MMP_HOST_ROUTE_ACK, 68, 0), MMP_DROP_NAME);
	assert_int_equal(judge(MMP_HOST_ROUTE, 52, 127), MMP_DROP_ADDRESS);
	assert_int_equal(judge(MMP_PROBE, 2, 1), MMP_DROP_RESERVED);
	assert_int_equal(judge(MMP_REGISTRATION, 3, 4 | 1), MMP_DROP_RESERVED);
	/* a domain id that the flags deny, and the other way round */
	assert_int_equal(judge(MMP_REGISTRATION, 3, 0), MMP_DROP_RESERVED);
	assert_int_equal(judge(MMP_REGISTRATION, 11, 0), MMP_DROP_RESERVED);
	assert_int_equal(judge(MMP_REGISTRATION, 15, 1), MMP_DROP_RESERVED);
	/* 10.7.0.1 becomes 127.7.0.1, 10.7.0.99 becomes 224.7.0.99 */
	assert_int_equal(judge(MMP_REGISTRATION, 28, 127), MMP_DROP_ADDRESS);
	assert_int_equal(judge(MMP_REGISTRATION, 52, 224), MMP_DROP_ADDRESS);
	/* a time without the flag; the flag where it says nothing */
	assert_int_equal(judge(MMP_REGISTRATION, 79, 1), MMP_DROP_RESERVED);
	assert_int_equal(judge(MMP_REGISTRATION, 3, 16 | 1), MMP_DROP_NONE);
	assert_int_equal(judge(MMP_ROUTE_UPDATE, 3, 16 | 1), MMP_DROP_NONE);
	assert_int_equal(judge(MMP_BS_BEACON, 3, 16 | 1), MMP_DROP_RESERVED);
	assert_int_equal(judge(MMP_ACK, 3, 16 | 1), MMP_DROP_RESERVED);
	assert_int_equal(judge(MMP_REGISTRATION, 64, 0), MMP_DROP_NAME);
	assert_int_equal(judge(MMP_REGISTRATION, 64, '/'), MMP_DROP_NAME);
	assert_int_equal(judge(MMP_REGISTRATION, 70, 'x'), MMP_DROP_NAME);
	assert_int_equal(judge(MMP_GATEWAY_BEACON, 75, 1), MMP_DROP_RESERVED);
	assert_int_equal(judge(MMP_GATEWAY_BEACON, 72, 0), MMP_DROP_LENGTH);
	assert_int_equal(judge(MMP_GATEWAY_BEACON, 72, 17), MMP_DROP_LENGTH);
	assert_int_equal(judge(MMP_GATEWAY_BEACON, 76, ' '), MMP_DROP_NAME);
	assert_int_equal(judge(MMP_GATEWAY_BEACON, 56, 0xff),
			 MMP_DROP_ADDRESS);
	assert_int_equal(judge(MMP_BS_BEACON, 98, 5), MMP_DROP_LENGTH);
	assert_int_equal(judge(MMP_BS_BEACON, 88, 3), MMP_DROP_RESERVED);
	assert_int_equal(judge(MMP_BS_BEACON, 89, 1), MMP_DROP_RESERVED);
	/* host bits in a subnet, a length beyond the address */
	assert_int_equal(judge(MMP_BS_BEACON, 115, 1), MMP_DROP_ADDRESS);
	assert_int_equal(judge(MMP_BS_BEACON, 116, 129), MMP_DROP_ADDRESS);
	assert_int_equal(judge(MMP_BS_BEACON, 116, 95), MMP_DROP_ADDRESS);
	assert_int_equal(judge(MMP_ACK, 64, 4), MMP_DROP_RESERVED);
	assert_int_equal(judge(MMP_ACK, 67, 1), MMP_DROP_RESERVED);
	assert_int_equal(judge(MMP_PROBE, 39, 1), MMP_DROP_RESERVED);
	assert_int_equal(judge(MMP_PROBE, 71, 1), MMP_DROP_RESERVED);
	assert_int_equal(judge(MMP_TRACE, 64, 0), MMP_DROP_LENGTH);
	assert_int_equal(judge(MMP_TRACE, 64, 17), MMP_DROP_LENGTH);
	assert_int_equal(judge(MMP_TRACE, 39, 1), MMP_DROP_RESERVED);
	assert_int_equal(judge(MMP_TRACE, 31, 1), MMP_DROP_ADDRESS);
	assert_int_equal(judge(MMP_TRACE, 67, 1), MMP_DROP_RESERVED);
	assert_int_equal(judge(MMP_TRACE, 52, 224), MMP_DROP_ADDRESS);
	assert_int_equal(judge(MMP_TRACE, 68, ' '), MMP_DROP_NAME);
	assert_int_equal(judge(MMP_TRACE, 80, 3), MMP_DROP_RESERVED);
	assert_int_equal(judge(MMP_TRACE, 81, 3), MMP_DROP_RESERVED);
	assert_int_equal(judge(MMP_TRACE, 83, 1), MMP_DROP_RESERVED);
}

/* An IPv6 gateway needs no second address, and has none. */
static void one_ipv6_gateway_address(void **state)
{
	struct mmp_msg msg = gateway_beacon(), back;
	uint8_t buf[MMP_MAX_LEN] = { 0 };
	size_t len, covered;

	(void)state;
	msg.gateway = msg.gateway6;
	len = mmp_encode(&msg, buf) + MMP_AUTH_LEN;
	assert_int_equal(mmp_decode(buf, len, &back, &covered),
			 MMP_DROP_ADDRESS);
	memset(&msg.gateway6, 0, sizeof(msg.gateway6));
	len = mmp_encode(&msg, buf) + MMP_AUTH_LEN;
	assert_int_equal(mmp_decode(buf, len, &back, &covered), MMP_DROP_NONE);
}

static void the_longest_path_fits(void **state)
{
	struct mmp_msg msg = gateway_beacon(), back;
	uint8_t buf[MMP_MAX_LEN] = { 0 };
	size_t covered, len;

	(void)state;
	for (msg.n_path = 0; msg.n_path < MMP_PATH_MAX; msg.n_path++)
		msg.path[msg.n_path] = name("twelve-chars");
	len = mmp_encode(&msg, buf) + MMP_AUTH_LEN;
	assert_true(len <= MMP_MAX_LEN);
	assert_int_equal(mmp_decode(buf, len, &back, &covered), MMP_DROP_NONE);
	assert_memory_equal(&back, &msg, sizeof(msg));
	msg = trace(MMP_TRACE);
	for (; msg.n_trace < MMP_PATH_MAX; msg.n_trace++)
		msg.trace[msg.n_trace] = msg.trace[0];
	assert_int_equal(mmp_encode(&msg, buf) + MMP_AUTH_LEN, MMP_MAX_LEN);
	assert_true(MMP_MAX_LEN < 1200);
	assert_int_equal(mmp_decode(buf, MMP_MAX_LEN, &back, &covered),
			 MMP_DROP_NONE);
	assert_memory_equal(&back, &msg, sizeof(msg));
}

static void names(void **state)
{
	struct mmp_name n;
	char text[MMP_NAME_LEN + 1];

	(void)state;
	assert_false(mmp_name_parse("", &n));
	assert_false(mmp_name_parse("thirteen-char", &n));
	assert_false(mmp_name_parse("a b", &n));
	assert_false(mmp_name_parse("\xc3\xa4", &n));
	assert_true(mmp_name_parse("0200000000ff", &n));
	assert_string_equal(mmp_name_format(&n, text), "0200000000ff");
}

static void numbers_wrap(void **state)
{
	(void)state;
	assert_true(mmp_seq_after(1, 0));
	assert_false(mmp_seq_after(0, 0));
	assert_true(mmp_seq_after(0, UINT32_MAX));
	assert_true(mmp_seq_after(5, UINT32_MAX - 5));
	assert_false(mmp_seq_after(UINT32_MAX, 0));
}

static void every_value_has_a_name(void **state)
{
	(void)state;
	for (int i = 0; i < MMP_DROP_MAX; i++)
		assert_string_not_equal(mmp_drop_name((enum mmp_drop)i),
					"unknown");
	for (int i = MMP_GATEWAY_BEACON; i <= MMP_TYPE_MAX; i++)
		assert_string_not_equal(mmp_type_name((uint8_t)i), "unknown");
	for (int i = MMP_OK; i <= MMP_FULL; i++)
		assert_string_not_equal(mmp_status_name((uint8_t)i),
					"unknown");
	assert_string_equal(mmp_type_name(0), "unknown");
	assert_string_equal(mmp_status_name(4), "unknown");
}

static void derived_keys_differ(void **state)
{
	struct auth_keys *keys = domain_keys(), *file = auth_keys_new();
	const struct auth_key *from = auth_keys_find(keys, KEY);
	struct roam_addr one = addr("10.7.0.1"), two = addr("10.7.0.2");
	char line[AUTH_LINE_LEN], *error, fingerprints[3][17];
	struct auth_key *key;
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		key = auth_derive(from, KEY, i == 2 ? "roam mmp air" :
						      "roam mmp host",
				  i ? two.b : one.b, 16);
		auth_key_fingerprint(key, fingerprints[i]);
		auth_key_free(key);
	}
	assert_string_not_equal(fingerprints[0], fingerprints[1]);
	assert_string_not_equal(fingerprints[1], fingerprints[2]);
	/* As a line of a file it is the same key. */
	auth_derive_line(from, 5, "roam mmp host", one.b, 16, line);
	assert_true(auth_keys_parse(file, "file", line, strlen(line), &error));
	auth_key_fingerprint(auth_keys_find(file, 5), fingerprints[1]);
	assert_string_equal(fingerprints[0], fingerprints[1]);
	auth_keys_free(file);
	auth_keys_free(keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ .name = "MMP-15 MMP-16 MMP-17 MMP-18 MMP-19 MMP-72 MMP-73 MMP-74 MMP-75 MMP-76 OPEN-26: vectors of the protocol page, both ways",
		  .test_func = vectors_of_the_page },
		{ .name = "wire: only the exact length is accepted, and nothing behind it is read",
		  .test_func = only_the_exact_length_is_accepted },
		{ .name = "wire: each malformed field is dropped with its reason",
		  .test_func = each_malformed_field_has_its_reason },
		{ .name = "OPEN-01: a gateway has an IPv4 and an IPv6 address, or the latter alone",
		  .test_func = one_ipv6_gateway_address },
		{ .name = "wire: a path of 16 nodes fits",
		  .test_func = the_longest_path_fits },
		{ .name = "wire: what a name may be", .test_func = names },
		{ .name = "OPEN-42: numbers of beacons wrap",
		  .test_func = numbers_wrap },
		{ .name = "wire: every value has a name",
		  .test_func = every_value_has_a_name },
		{ .name = "OPEN-30: each host has a key that no other host can make",
		  .test_func = derived_keys_differ },
	};

	return cmocka_run_group_tests_name("wire_mmp", tests, NULL, NULL);
}
