// SPDX-License-Identifier: GPL-2.0-or-later
#include "roam/cmd/keygen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "roam/output.h"
#include "roam/roam.h"
#include "roam/words.h"

#define KEY_LEN 32

unsigned long keygen_id(const char *word)
{
	uint64_t id;

	return word_number(word, AUTH_ID_MAX, &id) ? id : 0;
}

int keygen_random(uint32_t id)
{
	char hex[2 * KEY_LEN + 1];
	uint8_t key[KEY_LEN];

	if (getrandom(key, sizeof(key), 0) != sizeof(key))
		return fail(ROAM_REFUSED, "again", "no random numbers: %s",
			    strerror(errno));
	for (int i = 0; i < KEY_LEN; i++)
		snprintf(hex + 2 * i, 3, "%02x", key[i]);
	if (options.json)
		output_record(json_pack("[{sI ss}]", "key", (json_int_t)id,
					"secret", hex));
	else
		printf("%u %s\n", id, hex);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(hex, sizeof(hex));
	return ROAM_OK;
}

bool keygen_open(struct keygen *k, const char *path, uint32_t id)
{
	char *error = NULL;

	k->keys = auth_keys_load(path, &error);
	k->key = k->keys ? auth_keys_find(k->keys, id) : NULL;
	k->rows = options.json && k->key ? json_array() : NULL;
	if (k->key)
		return true;
	fail(ROAM_REFUSED, "roam mmp keygen ID >FILE", "%s", error ? error :
	     "there is no key with this id in the file");
	free(error);
	auth_keys_free(k->keys);
	return false;
}

void keygen_print(struct keygen *k, uint32_t id, const char *purpose,
		  const void *data, size_t len)
{
	char line[AUTH_LINE_LEN];

	auth_derive_line(k->key, id, purpose, data, len, line);
	if (k->rows) {
		line[strlen(line) - 1] = '\0';
		json_array_append_new(k->rows,
			json_pack("{sI ss}", "key", (json_int_t)id, "secret",
				  strchr(line, ' ') + 1));
	} else {
		fputs(line, stdout);
	}
	explicit_bzero(line, sizeof(line));
}

int keygen_close(struct keygen *k)
{
	if (k->rows)
		output_record(k->rows);
	auth_keys_free(k->keys);
	return ROAM_OK;
}
