// SPDX-License-Identifier: GPL-2.0-or-later
#include "core_test.h"

#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/auth.h"

#define SECRET_HEX "000102030405060708090a0b0c0d0e0f"

static char dir[] = "/tmp/roam-test-auth-XXXXXX";

static char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
	FILE *f = fopen(path_of(name), "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path_of(name), mode), 0);
}

static struct auth_keys *load(const char *name)
{
	struct auth_keys *keys;
	char *error;

	keys = auth_keys_load(path_of(name), &error);
	if (!keys)
		fail_msg("%s", error);
	assert_null(error);
	return keys;
}

/* Loading fails with a sentence that begins with the place and holds @cause. */
static void assert_refused(const char *name, const char *place,
			   const char *cause)
{
	char *error, *wanted = strdup(path_of(place));

	assert_null(auth_keys_load(path_of(name), &error));
	assert_non_null(error);
	if (strncmp(error, wanted, strlen(wanted)) || !strstr(error, cause))
		fail_msg("'%s' does not name '%s' and '%s'", error, wanted,
			 cause);
	assert_null(strstr(error, SECRET_HEX));
	free(error);
	free(wanted);
}

static int setup(void **state)
{
	(void)state;
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[160];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

/* RFC 4231, test cases 2 and 3 */
static void hmac_vectors(void **state)
{
	static const uint8_t mac3[32] = {
		0x77, 0x3e, 0xa9, 0x1e, 0x36, 0x80, 0x0e, 0x46,
		0x85, 0x4d, 0xb8, 0xeb, 0xd0, 0x91, 0x81, 0xa7,
		0x29, 0x59, 0x09, 0x8b, 0x3e, 0xf8, 0xc1, 0x22,
		0xd9, 0x63, 0x55, 0x14, 0xce, 0xd5, 0x65, 0xfe,
	};
	struct auth_keys *keys = auth_keys_new();
	uint8_t secret[20], data[50], mac[32];
	const struct auth_key *key;
	size_t len;

	(void)state;
	memset(secret, 0xaa, sizeof(secret));
	memset(data, 0xdd, sizeof(data));
	assert_true(auth_keys_add(keys, 1, secret, sizeof(secret)));
	key = auth_keys_find(keys, 1);
	for (len = 1; len <= sizeof(mac); len++) {
		memset(mac, 0, sizeof(mac));
		auth_sign(key, data, sizeof(data), mac, len);
		assert_memory_equal(mac, mac3, len);
		assert_true(auth_verify(key, data, sizeof(data), mac3, len));
	}
	auth_keys_free(keys);
}

static void a_changed_bit_is_noticed(void **state)
{
	struct auth_keys *keys = auth_keys_new();
	uint8_t secret[32] = { 1 }, other[32] = { 2 };
	uint8_t data[] = "update", mac[16];
	const struct auth_key *key;
	unsigned int bit;

	(void)state;
	assert_true(auth_keys_add(keys, 1, secret, sizeof(secret)));
	assert_true(auth_keys_add(keys, 2, other, sizeof(other)));
	key = auth_keys_find(keys, 1);
	auth_sign(key, data, sizeof(data), mac, sizeof(mac));
	for (bit = 0; bit < 128; bit++) {
		mac[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(auth_verify(key, data, sizeof(data), mac, 16));
		mac[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_true(auth_verify(key, data, sizeof(data), mac, 16));
	assert_false(auth_verify(auth_keys_find(keys, 2), data, sizeof(data),
				 mac, 16));
	data[0] ^= 1;
	assert_false(auth_verify(key, data, sizeof(data), mac, 16));
	data[0] ^= 1;
	assert_false(auth_verify(key, data, sizeof(data), mac, 0));
	auth_keys_free(keys);
}

static void bounds_of_keys(void **state)
{
	struct auth_keys *keys = auth_keys_new();
	uint8_t secret[65] = { 0 };

	(void)state;
	assert_false(auth_keys_add(keys, 0, secret, 32));
	assert_false(auth_keys_add(keys, 1, secret, AUTH_KEY_MIN - 1));
	assert_false(auth_keys_add(keys, 1, secret, AUTH_KEY_MAX + 1));
	assert_true(auth_keys_add(keys, 1, secret, AUTH_KEY_MIN));
	assert_false(auth_keys_add(keys, 1, secret, AUTH_KEY_MIN));
	assert_true(auth_keys_add(keys, AUTH_ID_MAX, secret, AUTH_KEY_MAX));
	assert_false(auth_keys_add(keys, AUTH_ID_MAX + 1U, secret, 32));
	assert_false(auth_keys_add(keys, UINT32_MAX, secret, 32));
	assert_non_null(auth_keys_find(keys, 1));
	assert_int_equal(auth_key_id(auth_keys_find(keys, AUTH_ID_MAX)),
			 AUTH_ID_MAX);
	assert_null(auth_keys_find(keys, 2));
	auth_keys_free(keys);
	auth_keys_free(NULL);
}

/**
 * struct pair - what a pair key is made of, and how it is sealed
 * @mobile: id of the mobile host's key
 * @correspondent: id of the correspondent's key
 * @perm: last byte of the permanent address
 * @nonce: of the query
 */
struct pair {
	uint32_t mobile;
	uint32_t correspondent;
	uint8_t perm;
	uint64_t nonce;
};

/* Of the protocol page's test vectors. */
static const struct pair of_page = { 8, 7, 7, 0x1122334455667788 };

static void perm_of(const struct pair *pair, uint8_t perm[16])
{
	struct roam_addr a = addr("198.51.100.0");

	a.b[15] = pair->perm;
	memcpy(perm, a.b, sizeof(a.b));
}

/* Keys 7 and 8 of the protocol page, and 9 with another secret. */
static struct auth_keys *host_keys(void)
{
	struct auth_keys *keys = auth_keys_new();
	uint8_t secret[96];
	unsigned int i;

	for (i = 0; i < sizeof(secret); i++)
		secret[i] = (uint8_t)i;
	for (i = 0; i < 3; i++)
		assert_true(auth_keys_add(keys, 7 + i, secret + 32 * i, 32));
	return keys;
}

/* The fingerprint of a pair key, which must have @id; frees it. */
static const char *print_of(struct auth_key *key, uint32_t id)
{
	static char print[17];

	assert_non_null(key);
	assert_int_equal(auth_key_id(key), id);
	auth_key_fingerprint(key, print);
	auth_key_free(key);
	return print;
}

/* As the mobile host makes it. */
static const char *made(const struct auth_keys *keys, const struct pair *pair)
{
	uint32_t id = LR_PAIR_KEY | pair->correspondent;
	uint8_t perm[16];

	perm_of(pair, perm);
	return print_of(auth_pair(auth_keys_find(keys, pair->mobile), id,
				  pair->correspondent, perm), id);
}

static void seal(const struct auth_keys *keys, const struct pair *pair,
		 uint8_t sealed[AUTH_PAIR_LEN])
{
	uint8_t perm[16];

	perm_of(pair, perm);
	auth_pair_seal(auth_keys_find(keys, pair->mobile),
		       auth_keys_find(keys, pair->correspondent), pair->nonce,
		       perm, sealed);
}

/* As the correspondent takes it out of what the register sealed for it. */
static const char *opened(const struct auth_keys *keys, const struct pair *pair,
			  const uint8_t sealed[AUTH_PAIR_LEN])
{
	const struct auth_key *key = auth_keys_find(keys, pair->correspondent);
	uint32_t id = LR_PAIR_KEY | pair->correspondent;
	uint8_t perm[16];

	perm_of(pair, perm);
	return print_of(auth_pair_open(key, pair->mobile, pair->nonce, perm,
				       sealed, id), id);
}

/*
 * Computed apart from the library, by Python:
 *   h = lambda key, *text: hmac.digest(key, b"".join(text), "sha256")[:16]
 *   perm = bytes(10) + b"\xff\xff" + bytes([198, 51, 100, 7])
 *   pair = h(bytes(range(32, 64)), b"roam pair key", (7).to_bytes(4), perm)
 *   hashlib.sha256(pair).hexdigest()[:16]
 *   seal = h(bytes(range(32)), b"roam pair seal",
 *            bytes.fromhex("1122334455667788"), (8).to_bytes(4), perm)
 *   bytes(a ^ b for a, b in zip(pair, seal))
 */
static void pair_key_vectors(void **state)
{
	static const uint8_t wanted[AUTH_PAIR_LEN] = {
		0x0e, 0xc6, 0xc9, 0x75, 0xc3, 0xe8, 0xbd, 0x00,
		0x87, 0x2e, 0x2b, 0xc6, 0xfb, 0xd7, 0x9a, 0x54,
	};
	struct auth_keys *keys = host_keys();
	uint8_t sealed[AUTH_PAIR_LEN];

	(void)state;
	assert_string_equal(made(keys, &of_page), "c8903b29f48d7e33");
	seal(keys, &of_page, sealed);
	assert_memory_equal(sealed, wanted, sizeof(wanted));
	assert_string_equal(opened(keys, &of_page, sealed), "c8903b29f48d7e33");
	auth_keys_free(keys);
	auth_key_free(NULL);
}

/* With one thing changed the correspondent opens, or the host makes, another. */
static void a_pair_key_is_of_one_pair(void **state)
{
	static const struct pair others[] = {
		{ 9, 7, 7, 0x1122334455667788 },
		{ 8, 9, 7, 0x1122334455667788 },
		{ 8, 7, 8, 0x1122334455667788 },
		{ 8, 7, 7, 0x1122334455667789 },
	};
	struct auth_keys *keys = host_keys();
	uint8_t sealed[AUTH_PAIR_LEN], again[AUTH_PAIR_LEN];
	char print[17];
	size_t i;

	(void)state;
	snprintf(print, sizeof(print), "%s", made(keys, &of_page));
	seal(keys, &of_page, sealed);
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_string_not_equal(opened(keys, &others[i], sealed),
					print);
		seal(keys, &others[i], again);
		assert_memory_not_equal(again, sealed, sizeof(sealed));
		assert_string_equal(opened(keys, &others[i], again),
				    made(keys, &others[i]));
		/* the nonce makes another seal, all else another key */
		if (others[i].nonce == of_page.nonce)
			assert_string_not_equal(made(keys, &others[i]), print);
	}
	auth_keys_free(keys);
}

static void reads_a_file(void **state)
{
	struct auth_keys *keys;
	char print[17];

	(void)state;
	write_file("a.key",
		   "# ours\n\n7 " SECRET_HEX "\n"
		   "\t8\t" SECRET_HEX "FF # two\r\n2147483647 " SECRET_HEX,
		   0600);
	keys = load("a.key");
	assert_non_null(auth_keys_find(keys, 8));
	assert_non_null(auth_keys_find(keys, 2147483647));
	auth_key_fingerprint(auth_keys_find(keys, 7), print);
	/* printf '\x00..\x0f' | sha256sum */
	assert_string_equal(print, "be45cb2605bf36be");
	auth_keys_free(keys);
}

static void reads_a_directory(void **state)
{
	struct auth_keys *keys;

	(void)state;
	write_file("a.key", "1 " SECRET_HEX "\n", 0600);
	write_file("b.key", "2 " SECRET_HEX "\n", 0400);
	write_file("b.key~", "nonsense\n", 0600);
	write_file(".key", "nonsense\n", 0600);
	keys = load("");
	assert_non_null(auth_keys_find(keys, 1));
	assert_non_null(auth_keys_find(keys, 2));
	auth_keys_free(keys);
	write_file("c.key", "3 " SECRET_HEX "\n1 " SECRET_HEX "\n", 0600);
	assert_refused("", "/c.key:2:", "key 1 is given twice");
}

static void mistakes_name_their_line(void **state)
{
	static const char *const ids[] = { "0", "2147483648", "4294967295",
					   "4294967303", "x", "-1",
					   "99999999999" };
	static const char *const secrets[] = {
		"", "00", "000102030405060708090a0b0c0d0e",
		SECRET_HEX "0", SECRET_HEX "0g", SECRET_HEX " more",
		SECRET_HEX SECRET_HEX SECRET_HEX SECRET_HEX "00",
	};
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		snprintf(text, sizeof(text), "#\n%s " SECRET_HEX "\n", ids[i]);
		write_file("a.key", text, 0600);
		assert_refused("a.key", "a.key:2:", "key id");
	}
	for (i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
		snprintf(text, sizeof(text), "\n\n5 %s\n", secrets[i]);
		write_file("a.key", text, 0600);
		assert_refused("a.key", "a.key:3:", "16 to 64 bytes");
	}
}

static void a_file_others_may_read_is_refused(void **state)
{
	static const mode_t modes[] = { 0604, 0620, 0610, 0660, 0666 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		write_file("a.key", "1 " SECRET_HEX "\n", modes[i]);
		assert_refused("a.key", "a.key", "chmod 600");
	}
	assert_refused("none.key", "none.key", "keygen");
	assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
	assert_refused("pipe", "pipe", "not a file");
}

/* Only the group that is named as the owner, and only for reading. */
static void the_owners_own_group_may_read(void **state)
{
	const struct passwd *user = getpwnam("daemon");
	static const mode_t modes[] = { 0650, 0660, 0644 };
	struct auth_keys *keys;

	(void)state;
	if (geteuid() || !user)
		skip();
	write_file("a.key", "1 " SECRET_HEX "\n", 0640);
	assert_refused("a.key", "a.key", "chmod 600");
	assert_int_equal(chown(path_of("a.key"), user->pw_uid, 0), 0);
	assert_refused("a.key", "a.key", "chmod 600");
	assert_int_equal(chown(path_of("a.key"), user->pw_uid, user->pw_gid), 0);
	keys = load("a.key");
	assert_non_null(auth_keys_find(keys, 1));
	auth_keys_free(keys);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(chmod(path_of("a.key"), modes[i]), 0);
		assert_refused("a.key", "a.key", "chmod 600");
	}
	assert_int_equal(unlink(path_of("a.key")), 0);
}

/* What a host opens is the line that the domain would have written for it. */
static void a_derived_key_is_sealed_for_one_host(void **state)
{
	static const uint8_t secret[32] = { 1, 2, 3 }, address[16] = { 9 };
	struct auth_keys *keys = auth_keys_new();
	uint8_t sealed[AUTH_DERIVED_LEN], again[AUTH_DERIVED_LEN];
	const struct auth_key *domain;
	struct auth_key *host, *other;
	char line[AUTH_LINE_LEN], opened[AUTH_LINE_LEN];
	uint8_t nonce[16] = { 5 };

	(void)state;
	assert_true(auth_keys_add(keys, 1, secret, sizeof(secret)));
	domain = auth_keys_find(keys, 1);
	host = auth_derive(domain, 1, "host", "one", 3);
	other = auth_derive(domain, 1, "host", "two", 3);
	auth_derive_line(domain, 7, "address", address, 16, line);
	auth_derive_seal(domain, "address", address, 16, host, nonce, sealed);
	auth_derive_open_line(host, 7, nonce, sealed, opened);
	assert_string_equal(opened, line);
	auth_derive_open_line(other, 7, nonce, sealed, opened);
	assert_string_not_equal(opened, line);
	nonce[0]++;
	auth_derive_seal(domain, "address", address, 16, host, nonce, again);
	assert_memory_not_equal(again, sealed, sizeof(sealed));
	auth_key_free(host);
	auth_key_free(other);
	auth_keys_free(keys);
}

static struct CMUnitTest in_dir(const char *name, CMUnitTestFunction fn)
{
	return (struct CMUnitTest){ .name = name, .test_func = fn,
				    .setup_func = setup,
				    .teardown_func = teardown };
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ .name = "OPEN-27: HMAC-SHA-256, vectors of RFC 4231",
		  .test_func = hmac_vectors },
		{ .name = "OPEN-26: a changed bit or another key is noticed",
		  .test_func = a_changed_bit_is_noticed },
		{ .name = "OPEN-27: bounds of key ids and lengths",
		  .test_func = bounds_of_keys },
		{ .name = "OPEN-28: a pair key, made, sealed and opened as in the protocol page",
		  .test_func = pair_key_vectors },
		{ .name = "OPEN-28: a pair key is of two hosts and one address, its seal of one query",
		  .test_func = a_pair_key_is_of_one_pair },
		{ .name = "MMP-81 OPEN-30: the key of an address is sealed for one host and one answer",
		  .test_func = a_derived_key_is_sealed_for_one_host },
		in_dir("OPEN-27: several keys from one file", reads_a_file),
		in_dir("OPEN-27: a directory of key files", reads_a_directory),
		in_dir("auth: mistakes name file, line, cause and mend",
		       mistakes_name_their_line),
		in_dir("auth: a key file open to others is refused",
		       a_file_others_may_read_is_refused),
		in_dir("SEC-16: the group that is named as a key file's owner may read it",
		       the_owners_own_group_may_read),
	};

	return cmocka_run_group_tests_name("auth", tests, NULL, NULL);
}
