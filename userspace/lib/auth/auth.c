// SPDX-License-Identifier: GPL-2.0-or-later
#include "auth/auth.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <nettle/hmac.h>
#include <nettle/md5.h>
#include <nettle/memops.h>
#include <nettle/memxor.h>
#include <nettle/sha2.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/table.h"
#include "base/user.h"
#include "wire/bytes.h"

#define KEY_FILE_MAX (1L << 30)	/* bytes; ten million keys are smaller */
#define PAIR_KEY "roam pair key"
#define PAIR_SEAL "roam pair seal"
#define PAIR_TEXT_MAX (sizeof(PAIR_SEAL) + 8 + 4 + 16)

/**
 * struct auth_key - one key; the secret itself is kept only where it was asked for
 * @node: in the table of its set
 * @id: never 0
 * @inner: SHA-256 after the block that begins the inner hash of HMAC
 * @outer: likewise, the outer hash: each message saves these two blocks
 * @fingerprint: first bytes of SHA-256 of the secret
 * @secret_len: bytes of @secret, 0 where it is not kept
 * @secret: for the algorithms that have no two blocks to begin with
 */
struct auth_key {
	struct table_node node;
	uint32_t id;
	uint32_t inner[_SHA256_DIGEST_LENGTH];
	uint32_t outer[_SHA256_DIGEST_LENGTH];
	uint8_t fingerprint[8];
	uint8_t secret_len;
	uint8_t secret[];
};

/**
 * struct auth_keys - a key set
 * @table: the keys by id
 * @keep: their secrets are kept
 */
struct auth_keys {
	struct table table;
	bool keep;
};

/**
 * struct place - where in a key file we are, for sentences
 * @name: of the file
 * @line: counted from 1
 * @error: gets the sentence
 */
struct place {
	const char *name;
	unsigned int line;
	char **error;
};

static void __attribute__((format(printf, 2, 3)))
sentence(char **error, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (vasprintf(error, fmt, args) < 0)
		*error = NULL;
	va_end(args);
}

static struct auth_key *key_of(struct table_node *node)
{
	return container_of(node, struct auth_key, node);
}

struct auth_keys *auth_keys_new(void)
{
	struct auth_keys *keys = calloc(1, sizeof(*keys));

	if (keys)
		table_init(&keys->table,
			   table_key_offset(struct auth_key, node, id),
			   sizeof(uint32_t));
	return keys;
}

void auth_key_free(struct auth_key *key)
{
	if (key)
		explicit_bzero(key, sizeof(*key) + key->secret_len);
	free(key);
}

void auth_keys_free(struct auth_keys *keys)
{
	struct table_iter iter = { 0 };
	struct table_node *node;

	if (!keys)
		return;
	while ((node = table_next(&keys->table, &iter)))
		auth_key_free(key_of(node));
	table_fini(&keys->table);
	free(keys);
}

static void prepare(struct auth_key *key, const uint8_t *secret, size_t len)
{
	struct hmac_sha256_ctx ctx;

	hmac_sha256_set_key(&ctx, len, secret);
	memcpy(key->inner, ctx.inner.state, sizeof(key->inner));
	memcpy(key->outer, ctx.outer.state, sizeof(key->outer));
	sha256_init(&ctx.state);
	sha256_update(&ctx.state, len, secret);
	sha256_digest(&ctx.state, sizeof(key->fingerprint), key->fingerprint);
	explicit_bzero(&ctx, sizeof(ctx));
}

static struct auth_key *key_new(uint32_t id, const uint8_t *secret, size_t len,
				bool keep)
{
	struct auth_key *key = malloc(sizeof(*key) + (keep ? len : 0));

	if (!key)
		return NULL;
	key->id = id;
	key->secret_len = keep ? (uint8_t)len : 0;
	memcpy(key->secret, secret, key->secret_len);
	prepare(key, secret, len);
	return key;
}

void auth_keys_keep_secrets(struct auth_keys *keys)
{
	keys->keep = true;
}

bool auth_keys_add(struct auth_keys *keys, uint32_t id, const uint8_t *secret,
		   size_t len)
{
	struct auth_key *key;

	if (!id || id > AUTH_ID_MAX || len < AUTH_KEY_MIN ||
	    len > AUTH_KEY_MAX || auth_keys_find(keys, id))
		return false;
	key = key_new(id, secret, len, keys->keep);
	if (!key)
		return false;
	if (!table_insert(&keys->table, &key->node)) {
		auth_key_free(key);
		return false;
	}
	return true;
}

const struct auth_key *auth_keys_find(const struct auth_keys *keys,
				      uint32_t id)
{
	struct table_node *node = table_find(&keys->table, &id);

	return node ? key_of(node) : NULL;
}

uint32_t auth_key_id(const struct auth_key *key)
{
	return key->id;
}

void auth_key_fingerprint(const struct auth_key *key, char out[17])
{
	size_t i;

	for (i = 0; i < sizeof(key->fingerprint); i++)
		snprintf(out + 2 * i, 3, "%02x", key->fingerprint[i]);
}

/* A SHA-256 that goes on behind one block, whose hashing led to @state. */
static void resume(struct sha256_ctx *ctx, const uint32_t *state)
{
	memcpy(ctx->state, state, sizeof(ctx->state));
	ctx->count = 1;
	ctx->index = 0;
}

void auth_sign(const struct auth_key *key, const void *data, size_t len,
	       uint8_t *mac, size_t mac_len)
{
	uint8_t digest[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;

	resume(&ctx, key->inner);
	sha256_update(&ctx, len, data);
	sha256_digest(&ctx, sizeof(digest), digest);
	resume(&ctx, key->outer);
	sha256_update(&ctx, sizeof(digest), digest);
	sha256_digest(&ctx, mac_len, mac);
}

bool auth_verify(const struct auth_key *key, const void *data, size_t len,
		 const uint8_t *mac, size_t mac_len)
{
	uint8_t expected[SHA256_DIGEST_SIZE];

	/* a shorter comparison would be a weaker proof, none at 0 */
	if (!mac_len || mac_len > sizeof(expected))
		return false;
	auth_sign(key, data, len, expected, mac_len);
	return memeql_sec(expected, mac, mac_len);
}

static const struct {
	const char *name;
	size_t len;
} algorithms[AUTH_ALGORITHM_MAX] = {
	[AUTH_HMAC_SHA256] = { "hmac-sha256", SHA256_DIGEST_SIZE },
	[AUTH_HMAC_MD5] = { "hmac-md5", MD5_DIGEST_SIZE },
	[AUTH_KEYED_MD5] = { "keyed-md5", MD5_DIGEST_SIZE },
};

const char *auth_algorithm_name(enum auth_algorithm algorithm)
{
	return algorithms[algorithm].name;
}

bool auth_algorithm_parse(const char *name, enum auth_algorithm *algorithm)
{
	unsigned int i;

	for (i = 0; i < AUTH_ALGORITHM_MAX; i++) {
		if (strcmp(name, algorithms[i].name))
			continue;
		*algorithm = i;
		return true;
	}
	return false;
}

size_t auth_algorithm_len(enum auth_algorithm algorithm)
{
	return algorithms[algorithm].len;
}

static void hmac_md5(const struct auth_key *key, const void *data, size_t len,
		     uint8_t mac[MD5_DIGEST_SIZE])
{
	struct hmac_md5_ctx ctx;

	hmac_md5_set_key(&ctx, key->secret_len, key->secret);
	hmac_md5_update(&ctx, len, data);
	hmac_md5_digest(&ctx, MD5_DIGEST_SIZE, mac);
	explicit_bzero(&ctx, sizeof(ctx));
}

/* "Prefix+suffix" of RFC 2002 5.1: the key stands in front and behind. */
static void keyed_md5(const struct auth_key *key, const void *data, size_t len,
		      uint8_t mac[MD5_DIGEST_SIZE])
{
	struct md5_ctx ctx;

	md5_init(&ctx);
	md5_update(&ctx, key->secret_len, key->secret);
	md5_update(&ctx, len, data);
	md5_update(&ctx, key->secret_len, key->secret);
	md5_digest(&ctx, MD5_DIGEST_SIZE, mac);
	explicit_bzero(&ctx, sizeof(ctx));
}

bool auth_mac(const struct auth_key *key, enum auth_algorithm algorithm,
	      const void *data, size_t len, uint8_t mac[AUTH_MAC_MAX])
{
	if (algorithm == AUTH_HMAC_SHA256) {
		auth_sign(key, data, len, mac, SHA256_DIGEST_SIZE);
		return true;
	}
	if (!key->secret_len)
		return false;
	if (algorithm == AUTH_HMAC_MD5)
		hmac_md5(key, data, len, mac);
	else
		keyed_md5(key, data, len, mac);
	return true;
}

bool auth_mac_verify(const struct auth_key *key, enum auth_algorithm algorithm,
		     const void *data, size_t len, const uint8_t *mac,
		     size_t mac_len)
{
	uint8_t expected[AUTH_MAC_MAX];

	return mac_len == auth_algorithm_len(algorithm) &&
	       auth_mac(key, algorithm, data, len, expected) &&
	       memeql_sec(expected, mac, mac_len);
}

static void pair_secret(const struct auth_key *mobile, uint32_t correspondent,
			const uint8_t perm[16], uint8_t secret[AUTH_PAIR_LEN])
{
	uint8_t text[PAIR_TEXT_MAX];
	uint8_t *p = mempcpy(text, PAIR_KEY, strlen(PAIR_KEY));

	p = bytes_put(p, correspondent, 4);
	p = mempcpy(p, perm, 16);
	auth_sign(mobile, text, (size_t)(p - text), secret, AUTH_PAIR_LEN);
}

/*
 * Seals @secret or opens it, as both are the same. The mobile host's key id is
 * in the seal so that a query that is replayed after a change of that key does
 * not seal two secrets alike: their difference would show.
 */
static void pair_cover(const struct auth_key *correspondent, uint32_t mobile,
		       uint64_t nonce, const uint8_t perm[16],
		       uint8_t secret[AUTH_PAIR_LEN])
{
	uint8_t text[PAIR_TEXT_MAX], cover[AUTH_PAIR_LEN];
	uint8_t *p = mempcpy(text, PAIR_SEAL, strlen(PAIR_SEAL));

	p = bytes_put(p, nonce, 8);
	p = bytes_put(p, mobile, 4);
	p = mempcpy(p, perm, 16);
	auth_sign(correspondent, text, (size_t)(p - text), cover,
		  sizeof(cover));
	memxor(secret, cover, sizeof(cover));
	explicit_bzero(cover, sizeof(cover));
}

/* Wipes @secret. */
static struct auth_key *pair_key(uint32_t id, uint8_t secret[AUTH_PAIR_LEN])
{
	struct auth_key *key = key_new(id, secret, AUTH_PAIR_LEN, false);

	explicit_bzero(secret, AUTH_PAIR_LEN);
	return key;
}

static void derive(const struct auth_key *from, const char *purpose,
		   const void *data, size_t len,
		   uint8_t secret[AUTH_DERIVED_LEN])
{
	uint8_t text[64];
	uint8_t *p = mempcpy(text, purpose, strlen(purpose));

	p = mempcpy(p, data, len);
	auth_sign(from, text, (size_t)(p - text), secret, AUTH_DERIVED_LEN);
}

struct auth_key *auth_derive(const struct auth_key *from, uint32_t id,
			     const char *purpose, const void *data, size_t len)
{
	uint8_t secret[AUTH_DERIVED_LEN];
	struct auth_key *key;

	derive(from, purpose, data, len, secret);
	key = key_new(id, secret, sizeof(secret), false);
	explicit_bzero(secret, sizeof(secret));
	return key;
}

/* Wipes @secret. */
static void write_line(uint32_t id, uint8_t secret[AUTH_DERIVED_LEN],
		       char *text)
{
	char *p = text + snprintf(text, AUTH_LINE_LEN, "%u ", id);

	for (size_t i = 0; i < AUTH_DERIVED_LEN; i++)
		p += snprintf(p, 3, "%02x", secret[i]);
	memcpy(p, "\n", 2);
	explicit_bzero(secret, AUTH_DERIVED_LEN);
}

void auth_derive_line(const struct auth_key *from, uint32_t id,
		      const char *purpose, const void *data, size_t len,
		      char *text)
{
	uint8_t secret[AUTH_DERIVED_LEN];

	derive(from, purpose, data, len, secret);
	write_line(id, secret, text);
}

/* Covers it, or takes the cover off. */
static void derived_cover(const struct auth_key *with, const uint8_t nonce[16],
			  uint8_t secret[AUTH_DERIVED_LEN])
{
	uint8_t cover[AUTH_DERIVED_LEN];

	derive(with, "roam seal", nonce, 16, cover);
	memxor(secret, cover, sizeof(cover));
	explicit_bzero(cover, sizeof(cover));
}

void auth_derive_seal(const struct auth_key *from, const char *purpose,
		      const void *data, size_t len,
		      const struct auth_key *with, const uint8_t nonce[16],
		      uint8_t sealed[AUTH_DERIVED_LEN])
{
	derive(from, purpose, data, len, sealed);
	derived_cover(with, nonce, sealed);
}

void auth_derive_open_line(const struct auth_key *with, uint32_t id,
			   const uint8_t nonce[16],
			   const uint8_t sealed[AUTH_DERIVED_LEN], char *text)
{
	uint8_t secret[AUTH_DERIVED_LEN];

	memcpy(secret, sealed, sizeof(secret));
	derived_cover(with, nonce, secret);
	write_line(id, secret, text);
}

struct auth_key *auth_pair(const struct auth_key *mobile, uint32_t id,
			   uint32_t correspondent, const uint8_t perm[16])
{
	uint8_t secret[AUTH_PAIR_LEN];

	pair_secret(mobile, correspondent, perm, secret);
	return pair_key(id, secret);
}

void auth_pair_seal(const struct auth_key *mobile,
		    const struct auth_key *correspondent, uint64_t nonce,
		    const uint8_t perm[16], uint8_t sealed[AUTH_PAIR_LEN])
{
	pair_secret(mobile, correspondent->id, perm, sealed);
	pair_cover(correspondent, mobile->id, nonce, perm, sealed);
}

struct auth_key *auth_pair_open(const struct auth_key *correspondent,
				uint32_t mobile, uint64_t nonce,
				const uint8_t perm[16],
				const uint8_t sealed[AUTH_PAIR_LEN],
				uint32_t id)
{
	uint8_t secret[AUTH_PAIR_LEN];

	memcpy(secret, sealed, sizeof(secret));
	pair_cover(correspondent, mobile, nonce, perm, secret);
	return pair_key(id, secret);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Bytes read, or -1: not hexadecimal, odd, or more than AUTH_KEY_MAX bytes. */
static int parse_secret(const char *s, size_t len,
			uint8_t secret[AUTH_KEY_MAX])
{
	int high, low;
	size_t i;

	if (len % 2 || len > 2 * AUTH_KEY_MAX)
		return -1;
	for (i = 0; i < len; i += 2) {
		high = hex_digit(s[i]);
		low = hex_digit(s[i + 1]);
		if (high < 0 || low < 0)
			return -1;
		secret[i / 2] = (uint8_t)(high << 4 | low);
	}
	return (int)(len / 2);
}

/* 0 if it is no number from 1 to AUTH_ID_MAX. */
static uint32_t parse_id(const char *s, size_t len)
{
	uint64_t id = 0;
	size_t i;

	if (len > 10)
		return 0;
	for (i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return 0;
		id = id * 10 + (uint64_t)(s[i] - '0');
	}
	return id <= AUTH_ID_MAX ? (uint32_t)id : 0;
}

/* The next word of the line up to @end; *s moves behind it. */
static const char *next_word(const char **s, const char *end, size_t *len)
{
	const char *word;

	while (*s < end && (**s == ' ' || **s == '\t' || **s == '\r'))
		(*s)++;
	word = *s;
	while (*s < end && **s != ' ' && **s != '\t' && **s != '\r')
		(*s)++;
	*len = (size_t)(*s - word);
	return word;
}

static bool add_line(struct auth_keys *keys, const char *s, const char *end,
		     const struct place *at)
{
	const char *id_word, *secret_word;
	size_t id_len, secret_len, more;
	uint8_t secret[AUTH_KEY_MAX];
	bool added;
	uint32_t id;
	int len;

	id_word = next_word(&s, end, &id_len);
	if (!id_len)
		return true;
	secret_word = next_word(&s, end, &secret_len);
	next_word(&s, end, &more);
	id = parse_id(id_word, id_len);
	if (!id) {
		sentence(at->error,
			 "%s:%u: a key id is a number from 1 to %d; write \"ID HEX\"",
			 at->name, at->line, AUTH_ID_MAX);
		return false;
	}
	len = parse_secret(secret_word, secret_len, secret);
	if (more || len < AUTH_KEY_MIN) {
		sentence(at->error,
			 "%s:%u: the secret of key %u is not %d to %d bytes in hexadecimal; make one with: openssl rand -hex 32",
			 at->name, at->line, id, AUTH_KEY_MIN, AUTH_KEY_MAX);
		explicit_bzero(secret, sizeof(secret));
		return false;
	}
	added = auth_keys_add(keys, id, secret, (size_t)len);
	explicit_bzero(secret, sizeof(secret));
	if (!added)
		sentence(at->error,
			 auth_keys_find(keys, id) ?
			 "%s:%u: key %u is given twice; remove one" :
			 "%s:%u: no memory left for key %u",
			 at->name, at->line, id);
	return added;
}

static const char *end_of(const char *s, const char *end, char c)
{
	const char *at = memchr(s, c, (size_t)(end - s));

	return at ? at : end;
}

bool auth_keys_parse(struct auth_keys *keys, const char *name,
		     const char *text, size_t len, char **error)
{
	struct place at = { .name = name, .error = error };
	const char *end = text + len;
	const char *eol;

	*error = NULL;
	for (; text < end; text = eol + 1) {
		at.line++;
		eol = end_of(text, end, '\n');
		if (!add_line(keys, text, end_of(text, eol, '#'), &at))
			return false;
	}
	return true;
}

static bool may_read(const struct stat *st, const char *path, char **error)
{
	mode_t others = S_IRWXG | S_IRWXO;

	if (!S_ISREG(st->st_mode)) {
		sentence(error, "%s: not a file; name a key file or a directory of *.key files",
			 path);
		return false;
	}
	/* So one daemon leaves a key for another one, which it trusts. */
	if (st->st_gid == user_group(st->st_uid))
		others &= ~S_IRGRP;
	if (st->st_mode & others) {
		sentence(error, "%s: others than its owner may use this key file; run: chmod 600 %s",
			 path, path);
		return false;
	}
	if (st->st_size > KEY_FILE_MAX) {
		sentence(error, "%s: too large for a key file; split it",
			 path);
		return false;
	}
	return true;
}

static bool read_all(int fd, char *buf, size_t len)
{
	ssize_t got;

	while (len) {
		got = read(fd, buf, len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		buf += got;
		len -= (size_t)got;
	}
	return true;
}

/* A file or folder cannot be opened: the cause is in errno. */
static void cannot_open(const char *path, char **error)
{
	if (errno == ENOENT)
		sentence(error, "%s: there is no such key file or folder; make a key: roam hlr keygen ID, and put its line into a file NAME.key there",
			 path);
	else
		sentence(error, "%s: %s", path, strerror(errno));
}

static bool load_open_file(struct auth_keys *keys, int fd, const char *path,
			   char **error)
{
	struct stat st;
	size_t len;
	char *text;
	bool ok;

	if (fstat(fd, &st)) {
		sentence(error, "%s: %s", path, strerror(errno));
		return false;
	}
	if (!may_read(&st, path, error))
		return false;
	len = (size_t)st.st_size;
	text = malloc(len + 1);
	if (!text || !read_all(fd, text, len)) {
		sentence(error, "%s: cannot be read whole; load it again",
			 path);
		ok = false;
	} else {
		ok = auth_keys_parse(keys, path, text, len, error);
	}
	if (text)
		explicit_bzero(text, len);
	free(text);
	return ok;
}

static bool load_file(struct auth_keys *keys, const char *path, char **error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool ok;

	if (fd < 0 && errno == EACCES) {
		const struct passwd *user = getpwuid(geteuid());

		sentence(error, "%s: the daemon's user may not read it; chown %s %s; chmod 600 %s",
			 path, user ? user->pw_name : "USER", path, path);
		return false;
	}
	if (fd < 0) {
		cannot_open(path, error);
		return false;
	}
	ok = load_open_file(keys, fd, path, error);
	close(fd);
	return ok;
}

static int is_key_file(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot && dot != entry->d_name && !strcmp(dot, ".key");
}

static bool load_dir(struct auth_keys *keys, const char *path, char **error)
{
	struct dirent **names;
	bool ok = true;
	char *file;
	int i, n;

	n = scandir(path, &names, is_key_file, alphasort);
	if (n < 0) {
		cannot_open(path, error);
		return false;
	}
	for (i = 0; i < n; i++) {
		file = NULL;
		if (ok)
			sentence(&file, "%s/%s", path, names[i]->d_name);
		ok = ok && file && load_file(keys, file, error);
		free(file);
		free(names[i]);
	}
	free(names);
	return ok;
}

bool auth_keys_read(struct auth_keys *keys, const char *path, char **error)
{
	struct stat st;

	*error = NULL;
	if (!stat(path, &st) && S_ISDIR(st.st_mode))
		return load_dir(keys, path, error);
	return load_file(keys, path, error);
}

struct auth_keys *auth_keys_load(const char *path, char **error)
{
	struct auth_keys *keys = auth_keys_new();

	*error = NULL;
	if (!keys || auth_keys_read(keys, path, error))
		return keys;
	auth_keys_free(keys);
	return NULL;
}
