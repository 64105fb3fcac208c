// SPDX-License-Identifier: GPL-2.0-or-later
#include "core_test.h"

#include <stdio.h>

#include "auth/auth.h"
#include "wire/mip.h"

/* Made and decoded by two programs that are not ours, see the comment of each. */
static const char request_hex[] =
	"0122012c0a000005c0000201c6336407e800000012345678"
	"831075736572406578616d706c652e6e6574"
	"201400000100e1040a1734d61f66667a3b576d8aab95";

static size_t from_hex(const char *hex, uint8_t *buf)
{
	size_t n = strlen(hex) / 2, i;
	unsigned int byte;

	for (i = 0; i < n; i++) {
		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		buf[i] = (uint8_t)byte;
	}
	return n;
}

static const struct auth_key *key_of_vector(struct auth_keys *keys)
{
	uint8_t secret[16];
	unsigned int i;

	for (i = 0; i < sizeof(secret); i++)
		secret[i] = (uint8_t)i;
	auth_keys_keep_secrets(keys);
	assert_true(auth_keys_add(keys, 1, secret, sizeof(secret)));
	return auth_keys_find(keys, 1);
}

static struct mip_msg request(void)
{
	return (struct mip_msg){
		.type = MIP_REQUEST,
		.flags = MIP_DECAPSULATES | MIP_REVERSE,
		.lifetime = 300,
		.home = addr("10.0.0.5"),
		.agent = addr("192.0.2.1"),
		.coa = addr("198.51.100.7"),
		.id = 0xe800000012345678,
	};
}

static void golden_request(void **state)
{
	struct auth_keys *keys = auth_keys_new();
	const struct auth_key *key = key_of_vector(keys);
	struct mip_writer w = { .len = 0 };
	struct mip_msg msg, in = request();
	const struct mip_extension *e;
	size_t len, mac_len, covered;
	uint8_t buf[256], out[AUTH_MAC_MAX], *at;
	const uint8_t *mac;
	uint32_t spi;

	(void)state;
	len = from_hex(request_hex, buf);
	assert_int_equal(mip_decode(buf, len, &msg), MIP_OK);
	assert_int_equal(msg.flags, MIP_DECAPSULATES | MIP_REVERSE);
	assert_int_equal(msg.lifetime, 300);
	assert_addr(msg.home, "10.0.0.5");
	assert_addr(msg.agent, "192.0.2.1");
	assert_addr(msg.coa, "198.51.100.7");
	assert_true(msg.id == 0xe800000012345678);
	assert_int_equal(msg.n, 2);
	e = mip_find(&msg, MIP_NAI, NULL);
	assert_non_null(e);
	assert_int_equal(e->len, 16);
	assert_memory_equal(e->data, "user@example.net", 16);
	e = mip_find(&msg, MIP_MOBILE_HOME, NULL);
	assert_non_null(e);
	assert_true(mip_get_auth(e, &spi, &mac, &mac_len, &covered));
	assert_int_equal(spi, 256);
	assert_int_equal(covered, len - 16);
	assert_true(auth_mac_verify(key, AUTH_HMAC_MD5, buf, covered, mac,
				    mac_len));
	assert_null(mip_find(&msg, MIP_MOBILE_HOME, e));

	mip_put_message(&w, &in);
	mip_put_extension(&w, MIP_NAI, "user@example.net", 16);
	at = mip_put_auth(&w, MIP_MOBILE_HOME, 256, 16);
	assert_non_null(at);
	assert_true(auth_mac(key, AUTH_HMAC_MD5, w.buf, w.len - 16, out));
	memcpy(at, out, 16);
	assert_int_equal(w.len, len);
	assert_memory_equal(w.buf, buf, len);
	auth_keys_free(keys);
}

static void golden_reply(void **state)
{
	/* code 0, 3600 s; field by field as in RFC 5944 3.4 */
	static const char hex[] = "03000e100a000005c0000201e800000012345678"
				  "2c0600008000006e";
	struct mip_udp_reply udp = { .force = true, .keepalive = 110 };
	struct mip_writer w = { .len = 0 };
	struct mip_udp_reply back;
	struct mip_msg msg;
	uint8_t buf[64];
	size_t len;

	(void)state;
	len = from_hex(hex, buf);
	assert_int_equal(mip_decode(buf, len, &msg), MIP_OK);
	assert_int_equal(msg.type, MIP_REPLY);
	assert_int_equal(msg.code, 0);
	assert_int_equal(msg.lifetime, 3600);
	assert_addr(msg.home, "10.0.0.5");
	assert_addr(msg.agent, "192.0.2.1");
	assert_true(msg.id == 0xe800000012345678);
	assert_int_equal(msg.n, 1);
	assert_true(mip_get_udp_reply(&msg.extensions[0], &back));
	assert_int_equal(back.code, 0);
	assert_true(back.force);
	assert_int_equal(back.keepalive, 110);
	mip_put_message(&w, &msg);
	mip_put_udp_reply(&w, &udp);
	assert_int_equal(w.len, len);
	assert_memory_equal(w.buf, buf, len);
}

static void unknown_extensions(void **state)
{
	struct mip_writer w = { .len = 0 };
	struct mip_msg in = request(), msg;

	(void)state;
	mip_put_message(&w, &in);
	mip_put_extension(&w, 200, "skip me", 7);
	mip_put_extension(&w, MIP_NAI, "n@r", 3);
	assert_int_equal(mip_decode(w.buf, w.len, &msg), MIP_OK);
	assert_int_equal(msg.n, 1);
	assert_int_equal(msg.extensions[0].at, MIP_REQUEST_LEN + 9);
	mip_put_extension(&w, 99, "mind me", 7);
	assert_int_equal(mip_decode(w.buf, w.len, &msg), MIP_UNKNOWN);
	assert_addr(msg.home, "10.0.0.5");
	/* padding is a byte without length */
	w.len = MIP_REQUEST_LEN;
	w.buf[w.len++] = 0;
	w.buf[w.len++] = 0;
	mip_put_extension(&w, MIP_NAI, "n", 1);
	assert_int_equal(mip_decode(w.buf, w.len, &msg), MIP_OK);
	assert_int_equal(msg.n, 1);
}

static void every_cut_is_noticed(void **state)
{
	uint8_t buf[256], *exact;
	struct mip_msg msg;
	size_t len, n;
	enum mip_error error;

	(void)state;
	len = from_hex(request_hex, buf);
	for (n = 0; n <= len; n++) {
		/* of exactly that size, so that a byte too many is noticed */
		exact = malloc(n ? n : 1);
		memcpy(exact, buf, n);
		error = mip_decode(exact, n, &msg);
		if (n < MIP_REQUEST_LEN)
			assert_int_equal(error, MIP_SHORT);
		else if (n == MIP_REQUEST_LEN || n == 42 || n == len)
			assert_int_equal(error, MIP_OK);
		else
			assert_int_equal(error, MIP_MALFORMED);
		free(exact);
	}
	buf[0] = 2;
	assert_int_equal(mip_decode(buf, len, &msg), MIP_TYPE);
	buf[0] = 4;
	assert_int_equal(mip_decode(buf, len, &msg), MIP_TYPE);
}

static void each_malformed_extension(void **state)
{
	static const struct {
		const char *hex;
		enum mip_error error;
	} cases[] = {
		{ "200400000100", MIP_MALFORMED },	/* no authenticator */
		{ "2003000001", MIP_MALFORMED },	/* half an SPI */
		{ "20050000010000", MIP_OK },
		{ "21ff00000100", MIP_MALFORMED },	/* goes beyond the end */
		{ "8300", MIP_MALFORMED },		/* NAI of no byte */
		{ "820100", MIP_MALFORMED },		/* delivery style with data */
		{ "8200", MIP_OK },
		{ "26000005000000000a", MIP_MALFORMED },	/* half a head */
		{ "26000006000000090001", MIP_OK },
		{ "2600ffff000000090001", MIP_MALFORMED },
		{ "2600", MIP_MALFORMED },
		{ "90", MIP_MALFORMED },
		{ "2d020040", MIP_UNKNOWN },
		{ "c8", MIP_MALFORMED },		/* skippable, but cut */
	};
	struct mip_msg in = request(), msg;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mip_writer w = { .len = 0 };
		uint8_t buf[64];

		mip_put_message(&w, &in);
		mip_put_bytes(&w, buf, from_hex(cases[i].hex, buf));
		if (mip_decode(w.buf, w.len, &msg) != cases[i].error)
			fail_msg("extension %s", cases[i].hex);
	}
}

static void limits(void **state)
{
	struct mip_writer w = { .len = 0 };
	struct mip_msg in = request(), msg;
	uint8_t big[MIP_MAX_LEN + 1] = { MIP_REQUEST };
	unsigned int i;

	(void)state;
	assert_int_equal(mip_decode(big, sizeof(big), &msg), MIP_LONG);
	assert_int_equal(mip_decode(big, MIP_MAX_LEN, &msg), MIP_OK);
	mip_put_message(&w, &in);
	for (i = 0; i < MIP_EXTENSIONS_MAX; i++)
		mip_put_extension(&w, MIP_NAI, "n", 1);
	assert_int_equal(mip_decode(w.buf, w.len, &msg), MIP_OK);
	assert_int_equal(msg.n, MIP_EXTENSIONS_MAX);
	mip_put_extension(&w, MIP_NAI, "n", 1);
	assert_int_equal(mip_decode(w.buf, w.len, &msg), MIP_MALFORMED);
	assert_false(w.full);
	for (i = 0; i < 8; i++)
		mip_put_extension(&w, 200, big, 255);
	assert_true(w.full);
	assert_true(w.len <= MIP_MAX_LEN);
	w.full = false;
	mip_put_extension(&w, 200, big, 256);
	assert_true(w.full);
}

static void vendor_extensions(void **state)
{
	static const uint8_t types[] = { MIP_VENDOR, MIP_CRITICAL_VENDOR };
	struct mip_vendor out = { .vendor = 9, .type = 7,
				  .data = (const uint8_t *)"abc", .len = 3 };
	struct mip_msg in = request(), msg;
	struct mip_vendor vendor;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct mip_writer w = { .len = 0 };

		mip_put_message(&w, &in);
		mip_put_vendor(&w, types[i], &out);
		assert_int_equal(mip_decode(w.buf, w.len, &msg), MIP_OK);
		assert_int_equal(msg.n, 1);
		assert_true(mip_get_vendor(&msg.extensions[0], &vendor));
		assert_int_equal(vendor.vendor, 9);
		assert_int_equal(vendor.type, 7);
		assert_int_equal(vendor.len, 3);
		assert_memory_equal(vendor.data, "abc", 3);
	}
}

static void udp_tunnel_request(void **state)
{
	struct mip_udp_request out = { .flags = MIP_UDP_FORCE,
				       .encapsulation = 47 }, udp;
	struct mip_writer w = { .len = 0 };
	struct mip_msg in = request(), msg;
	size_t at;

	(void)state;
	mip_put_message(&w, &in);
	at = w.len;
	mip_put_udp_request(&w, &out);
	assert_memory_equal(w.buf + at, "\x90\x06\0\0\x80\x2f\0\0", 8);
	assert_int_equal(mip_decode(w.buf, w.len, &msg), MIP_OK);
	assert_true(mip_get_udp_request(&msg.extensions[0], &udp));
	assert_int_equal(udp.flags, MIP_UDP_FORCE);
	assert_int_equal(udp.encapsulation, 47);
	/* what is reserved makes it unknown */
	w.buf[w.len - 1] = 1;
	assert_false(mip_get_udp_request(&msg.extensions[0], &udp));
	w.buf[w.len - 1] = 0;
	w.buf[at + 2] = 1;
	assert_false(mip_get_udp_request(&msg.extensions[0], &udp));
}

/* RFC 1256 3, RFC 5944 2.1.1; the check sum was made by another program */
static const char advert_hex[] =
	"090005d0010200090a01000100000000"
	"100a00050e1093000a0100011301" "18";

static struct mip_advert advert(void)
{
	return (struct mip_advert){
		.lifetime = 9, .n_routers = 1,
		.routers = { addr("10.1.0.1") },
		.is_agent = true, .sequence = 5, .registration = 3600,
		.flags = MIP_ADVERT_REGISTRATION | MIP_ADVERT_FOREIGN |
			 0x0200 | MIP_ADVERT_REVERSE,
		.n_coas = 1, .coas = { addr("10.1.0.1") },
		.n_prefixes = 1, .prefixes = { 24 },
	};
}

static void golden_advertisement(void **state)
{
	struct mip_advert out = advert(), in;
	uint8_t buf[MIP_ADVERT_MAX], page[64];
	size_t len;

	(void)state;
	len = mip_advert_encode(&out, buf);
	assert_int_equal(len, from_hex(advert_hex, page));
	assert_memory_equal(buf, page, len);
	assert_int_equal(mip_advert_decode(buf, len, &in), MIP_OK);
	assert_true(in.is_agent);
	assert_int_equal(in.sequence, 5);
	assert_int_equal(in.registration, 3600);
	assert_int_equal(in.flags, out.flags);
	assert_int_equal(in.lifetime, 9);
	assert_int_equal(in.n_coas, 1);
	assert_addr(in.coas[0], "10.1.0.1");
	assert_addr(in.routers[0], "10.1.0.1");
	assert_int_equal(in.n_prefixes, 1);
	assert_int_equal(in.prefixes[0], 24);
}

static void bad_advertisements(void **state)
{
	struct mip_advert out = advert(), in;
	uint8_t buf[MIP_ADVERT_MAX], *exact;
	size_t len, n;

	(void)state;
	len = mip_advert_encode(&out, buf);
	for (n = 0; n < len; n++) {
		exact = malloc(n ? n : 1);
		memcpy(exact, buf, n);
		assert_int_not_equal(mip_advert_decode(exact, n, &in), MIP_OK);
		free(exact);
	}
	buf[len - 1] ^= 1;
	assert_int_equal(mip_advert_decode(buf, len, &in), MIP_MALFORMED);
	out.n_prefixes = 2;
	len = mip_advert_encode(&out, buf);
	assert_int_equal(mip_advert_decode(buf, len, &in), MIP_MALFORMED);
	out.n_prefixes = 1;
	out.prefixes[0] = 33;
	len = mip_advert_encode(&out, buf);
	assert_int_equal(mip_advert_decode(buf, len, &in), MIP_MALFORMED);
	out.n_prefixes = 0;
	out.is_agent = false;
	len = mip_advert_encode(&out, buf);
	assert_int_equal(mip_advert_decode(buf, len, &in), MIP_OK);
	assert_false(in.is_agent);
	out.code = 7;
	len = mip_advert_encode(&out, buf);
	assert_int_equal(mip_advert_decode(buf, len, &in), MIP_MALFORMED);
}

static void solicitation(void **state)
{
	uint8_t buf[MIP_SOLICITATION_LEN];

	(void)state;
	mip_solicitation_encode(buf);
	assert_memory_equal(buf, "\x0a\0\xf5\xff\0\0\0\0", 8);
	assert_true(mip_solicitation_is_valid(buf, sizeof(buf)));
	assert_false(mip_solicitation_is_valid(buf, 7));
	buf[1] = 1;
	assert_false(mip_solicitation_is_valid(buf, sizeof(buf)));
}

static void sequence_numbers(void **state)
{
	(void)state;
	assert_int_equal(mip_sequence_next(0), 1);
	assert_int_equal(mip_sequence_next(0xfffe), 0xffff);
	assert_int_equal(mip_sequence_next(0xffff), 256);
}

static void names(void **state)
{
	char buf[9];
	int i;

	(void)state;
	for (i = 0; i < MIP_ERROR_MAX; i++)
		assert_string_not_equal(mip_error_name(i), "unknown");
	assert_string_equal(mip_code_name(136),
			    "home agent: unknown home agent address");
	assert_string_equal(mip_code_name(200), "unknown code");
	assert_string_equal(mip_flags_format(0xff, buf), "SBDMGVTx");
	assert_string_equal(mip_flags_format(0, buf), "-");
	assert_string_equal(mip_flags_format(MIP_SIMULTANEOUS | MIP_GRE, buf),
			    "SG");
}

static void algorithms(void **state)
{
	static const uint8_t hi[16] = { 0x92, 0x94, 0x72, 0x7a, 0x36, 0x38,
					0xbb, 0x1c, 0x13, 0xf4, 0x8e, 0xf8,
					0x15, 0x8b, 0xfc, 0x9d };
	static const uint8_t both[16] = {
		0x8d, 0x3e, 0xc1, 0x07, 0xae, 0x77, 0x8b, 0x5e,
		0x80, 0x67, 0x56, 0x75, 0xc0, 0xce, 0x48, 0x92 };
	struct auth_keys *keys = auth_keys_new();
	const struct auth_key *key = key_of_vector(keys);
	uint8_t mac[AUTH_MAC_MAX], secret[16];
	enum auth_algorithm algorithm;
	int i;

	(void)state;
	memset(secret, 0x0b, sizeof(secret));
	assert_true(auth_keys_add(keys, 2, secret, sizeof(secret)));
	/* RFC 2202 2, first case */
	assert_true(auth_mac(auth_keys_find(keys, 2), AUTH_HMAC_MD5,
			     "Hi There", 8, mac));
	assert_memory_equal(mac, hi, 16);
	/* md5sum over key, text and key */
	assert_true(auth_mac(key, AUTH_KEYED_MD5, "what is signed", 14, mac));
	assert_memory_equal(mac, both, 16);
	assert_true(auth_mac_verify(key, AUTH_KEYED_MD5, "what is signed", 14,
				    mac, 16));
	for (i = 0; i <= 16; i++) {
		if (i < 16)
			mac[i] ^= 0x40;
		assert_int_equal(auth_mac_verify(key, AUTH_KEYED_MD5,
						 "what is signed", 14, mac,
						 i < 16 ? 16 : 15), false);
		if (i < 16)
			mac[i] ^= 0x40;
	}
	for (i = 0; i < AUTH_ALGORITHM_MAX; i++) {
		assert_true(auth_algorithm_parse(auth_algorithm_name(i),
						 &algorithm));
		assert_int_equal(algorithm, i);
	}
	assert_false(auth_algorithm_parse("md5", &algorithm));
	auth_keys_free(keys);
	/* without secrets MD5 is impossible, HMAC-SHA-256 is not */
	keys = auth_keys_new();
	assert_true(auth_keys_add(keys, 1, secret, sizeof(secret)));
	key = auth_keys_find(keys, 1);
	assert_false(auth_mac(key, AUTH_HMAC_MD5, "x", 1, mac));
	assert_true(auth_mac(key, AUTH_HMAC_SHA256, "x", 1, mac));
	auth_keys_free(keys);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ .name = "MIP-07 MIP-19 MIP-24: a request that others made, both ways, and its authenticator",
		  .test_func = golden_request },
		{ .name = "MIP-08: a reply, both ways", .test_func = golden_reply },
		{ .name = "MIP-24 OPEN-27: HMAC-MD5, keyed MD5 and HMAC-SHA-256, vectors",
		  .test_func = algorithms },
		{ .name = "wire: unknown extensions spoil a message or are skipped, by their number",
		  .test_func = unknown_extensions },
		{ .name = "wire: a message that was cut anywhere is noticed",
		  .test_func = every_cut_is_noticed },
		{ .name = "wire: each malformed extension is noticed",
		  .test_func = each_malformed_extension },
		{ .name = "wire: limits of length and number",
		  .test_func = limits },
		{ .name = "wire: vendor extensions of both shapes",
		  .test_func = vendor_extensions },
		{ .name = "OPEN-17: UDP tunnel request, and its reserved fields",
		  .test_func = udp_tunnel_request },
		{ .name = "MIP-63: an advertisement with mobility and prefix lengths, both ways",
		  .test_func = golden_advertisement },
		{ .name = "wire: a bad advertisement is noticed",
		  .test_func = bad_advertisements },
		{ .name = "MIP-64: a solicitation", .test_func = solicitation },
		{ .name = "MIP-63: sequence numbers go on at 256, 0 means a restart",
		  .test_func = sequence_numbers },
		{ .name = "wire: codes, flags and errors have names",
		  .test_func = names },
	};

	return cmocka_run_group_tests_name("wire_mip", tests, NULL, NULL);
}
