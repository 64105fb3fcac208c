// SPDX-License-Identifier: GPL-2.0-or-later
/* Any key file: either keys that work, or a sentence that names the place. */
#include "fuzz.h"

#include <string.h>

#include "auth/auth.h"

static void check_key(const struct auth_keys *keys, uint32_t id)
{
	const struct auth_key *key = auth_keys_find(keys, id);
	char print[17];
	uint8_t mac[16];

	if (!key)
		return;
	check(auth_key_id(key) == id);
	auth_sign(key, "text", 4, mac, sizeof(mac));
	check(auth_verify(key, "text", 4, mac, sizeof(mac)));
	mac[15] ^= 1;
	check(!auth_verify(key, "text", 4, mac, sizeof(mac)));
	auth_key_fingerprint(key, print);
	check(strlen(print) == 16);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct auth_keys *keys = auth_keys_new();
	char *error;
	uint32_t id;
	bool ok;

	ok = auth_keys_parse(keys, "name", (const char *)data, size, &error);
	check(ok == !error);
	if (error)
		check(!strncmp(error, "name:", 5));
	check(!auth_keys_find(keys, 0));
	for (id = 1; id < 10; id++)
		check_key(keys, id);
	free(error);
	auth_keys_free(keys);
	return 0;
}
