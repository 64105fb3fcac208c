/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys and authenticators: HMAC-SHA-256 by key id (OPEN-26, OPEN-27), and pair
 * keys (OPEN-28) as in Documentation/protocols/location-register.md.
 *
 * A key never leaves this library but for auth_derive_line(): no function prints
 * one, a pair key goes out sealed only, and the memory is wiped when a key or a key set is freed. What
 * may be shown is the id and fingerprint.
 */
#ifndef ROAM_AUTH_AUTH_H
#define ROAM_AUTH_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AUTH_KEY_MIN 16		/* bytes; shorter secrets are refused */
#define AUTH_KEY_MAX 64
#define AUTH_ID_MAX 2147483647	/* the bit above names pair keys */
#define AUTH_PAIR_LEN 16
#define AUTH_DERIVED_LEN 32
#define AUTH_DERIVE_MAX 16
#define AUTH_LINE_LEN 80	/* id, space, secret, end of line, zero */

struct auth_key;
struct auth_keys;

/**
 * auth_keys_load() - read key files
 * @path: a file, or a directory whose *.key files are all read
 * @error: on failure a sentence with file, line, cause and mend; caller frees
 *
 * A key file holds lines "ID HEX": a key id from 1 to 2147483647 and 16 to 64
 * bytes in hexadecimal; '#' starts a comment. A file that group or others may
 * read is refused. The same id twice is an error.
 *
 * Return: the key set, owned by the caller, or NULL.
 */
struct auth_keys *auth_keys_load(const char *path, char **error);
/**
 * auth_keys_parse() - add the keys of one file's text
 * @keys: gets them
 * @name: of the file, for the sentence
 * @text: need not end with a zero
 * @len: its length in bytes
 * @error: as in auth_keys_load()
 *
 * Return: false at the first mistake; keys of the lines before it stay added.
 */
bool auth_keys_parse(struct auth_keys *keys, const char *name,
		     const char *text, size_t len, char **error);
/* Adds what auth_keys_load() would read from @path; false with *error. */
bool auth_keys_read(struct auth_keys *keys, const char *path, char **error);
/* A set without keys, for tests and for auth_keys_add(). */
struct auth_keys *auth_keys_new(void);
/*
 * Keys that are added from now on can be used with the older algorithms, which
 * need the secret itself: it stays in memory.
 */
void auth_keys_keep_secrets(struct auth_keys *keys);
/* False if the id is taken, or id or length are out of bounds. */
bool auth_keys_add(struct auth_keys *keys, uint32_t id, const uint8_t *secret,
		   size_t len);
void auth_keys_free(struct auth_keys *keys);
/* The key with this id, or NULL; valid until the set is freed. */
const struct auth_key *auth_keys_find(const struct auth_keys *keys,
				      uint32_t id);
/* Wipes a key that belongs to no set; NULL is ignored. */
void auth_key_free(struct auth_key *key);
uint32_t auth_key_id(const struct auth_key *key);
/* First 8 bytes of SHA-256 of the secret in hex: 16 characters and a zero. */
void auth_key_fingerprint(const struct auth_key *key, char out[17]);

/* Writes @mac_len (at most 32) bytes of HMAC-SHA-256 over @data to @mac. */
void auth_sign(const struct auth_key *key, const void *data, size_t len,
	       uint8_t *mac, size_t mac_len);
/* Compares in constant time. */
bool auth_verify(const struct auth_key *key, const void *data, size_t len,
		 const uint8_t *mac, size_t mac_len);

/** enum auth_algorithm - for messages of standards; our own use the first */
enum auth_algorithm {
	AUTH_HMAC_SHA256,
	AUTH_HMAC_MD5,		/* RFC 2104, RFC 5944 5.1 */
	AUTH_KEYED_MD5,		/* prefix and suffix, RFC 2002 5.1 */
	AUTH_ALGORITHM_MAX
};

#define AUTH_MAC_MAX 32

/* "hmac-sha256", "hmac-md5", "keyed-md5" */
const char *auth_algorithm_name(enum auth_algorithm algorithm);
bool auth_algorithm_parse(const char *name, enum auth_algorithm *algorithm);
/* Bytes of an authenticator. */
size_t auth_algorithm_len(enum auth_algorithm algorithm);
/* False if the algorithm needs a secret that was not kept. */
bool auth_mac(const struct auth_key *key, enum auth_algorithm algorithm,
	      const void *data, size_t len, uint8_t mac[AUTH_MAC_MAX]);
/* Compares all of it in constant time; another length does not match. */
bool auth_mac_verify(const struct auth_key *key, enum auth_algorithm algorithm,
		     const void *data, size_t len, const uint8_t *mac,
		     size_t mac_len);

/**
 * auth_derive() - a key for one purpose, made of another key
 * @from: the other key; it cannot be computed from the new one
 * @id: what auth_key_id() of the new key will be
 * @purpose: text that names it; begins with no byte that a signed message does
 * @data: whom or what the key is for
 * @len: its length in bytes, up to AUTH_DERIVE_MAX
 *
 * Return: the key, for auth_key_free(), or NULL when out of memory.
 */
struct auth_key *auth_derive(const struct auth_key *from, uint32_t id,
			     const char *purpose, const void *data, size_t len);
/*
 * The same as "ID HEX\n" for a key file of whom the key is for: the one way out
 * of here. @text has AUTH_LINE_LEN bytes, which the caller wipes.
 */
void auth_derive_line(const struct auth_key *from, uint32_t id,
		      const char *purpose, const void *data, size_t len,
		      char *text);

/**
 * auth_derive_seal() - the same, for who does not hold @from
 * @from: as in auth_derive()
 * @purpose: likewise
 * @data: likewise
 * @len: likewise
 * @with: key that both ends hold and nobody else
 * @nonce: never used twice with @with
 * @sealed: gets what only the holder of @with can open
 */
void auth_derive_seal(const struct auth_key *from, const char *purpose,
		      const void *data, size_t len,
		      const struct auth_key *with, const uint8_t nonce[16],
		      uint8_t sealed[AUTH_DERIVED_LEN]);
/*
 * The derived key as "ID HEX\n", as auth_derive_line() writes it. Nothing but the
 * authenticator of the message that brought @sealed tells that it is right.
 */
void auth_derive_open_line(const struct auth_key *with, uint32_t id,
			   const uint8_t nonce[16],
			   const uint8_t sealed[AUTH_DERIVED_LEN], char *text);

/**
 * auth_pair() - the key of a mobile host and a correspondent, for the former
 * @mobile: its key with the register
 * @id: what auth_key_id() of the pair key will be
 * @correspondent: id of the correspondent's key with the register
 * @perm: permanent address, as on the wire
 *
 * Return: the key, for auth_key_free(), or NULL when out of memory.
 */
struct auth_key *auth_pair(const struct auth_key *mobile, uint32_t id,
			   uint32_t correspondent, const uint8_t perm[16]);
/**
 * auth_pair_seal() - the same key, for the register to send it
 * @mobile: as in auth_pair()
 * @correspondent: the correspondent's key with the register
 * @nonce: of its query
 * @perm: permanent address, as on the wire
 * @sealed: gets what only the holder of @correspondent can open
 */
void auth_pair_seal(const struct auth_key *mobile,
		    const struct auth_key *correspondent, uint64_t nonce,
		    const uint8_t perm[16], uint8_t sealed[AUTH_PAIR_LEN]);
/**
 * auth_pair_open() - the same key, for the correspondent
 * @correspondent: its key with the register
 * @mobile: id of the mobile host's key with the register
 * @nonce: of the query
 * @perm: permanent address, as on the wire
 * @sealed: what the register sent; nothing but the authenticator of its answer
 *	tells that it is right
 * @id: what auth_key_id() of the pair key will be
 *
 * Return: the key, for auth_key_free(), or NULL when out of memory.
 */
struct auth_key *auth_pair_open(const struct auth_key *correspondent,
				uint32_t mobile, uint64_t nonce,
				const uint8_t perm[16],
				const uint8_t sealed[AUTH_PAIR_LEN],
				uint32_t id);

#endif
