/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of key files: new random keys, and a host's made from a domain's key. */
#ifndef ROAM_ROAM_CMD_KEYGEN_H
#define ROAM_ROAM_CMD_KEYGEN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/auth.h"

#define KEYGEN_HOST 1000	/* ids of a host's own keys begin there */

/**
 * struct keygen - a domain's key, and what was made from it
 * @keys: of the domain
 * @key: the one that is used
 * @rows: with -j, what to print
 */
struct keygen {
	struct auth_keys *keys;
	const struct auth_key *key;
	json_t *rows;
};

/* A key id, or 0. */
unsigned long keygen_id(const char *word);
/* Prints a line with a new random key. */
int keygen_random(uint32_t id);
/* False, and said why. */
bool keygen_open(struct keygen *k, const char *path, uint32_t id);
void keygen_print(struct keygen *k, uint32_t id, const char *purpose,
		  const void *data, size_t len);
/* ROAM_OK */
int keygen_close(struct keygen *k);

#endif
