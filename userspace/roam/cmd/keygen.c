// SPDX-License-Identifier: GPL-2.0-or-later
#include "roam/cmd/keygen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "roam/output.h"
#include "roam/roam.h"

unsigned long keygen_id(const char *word)
{
	unsigned long id;
	char *end;

	errno = 0;
	id = strtoul(word, &end, 10);
	return word[0] < '0' || word[0] > '9' || *end || errno ||
	       id > AUTH_ID_MAX ? 0 : id;
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
