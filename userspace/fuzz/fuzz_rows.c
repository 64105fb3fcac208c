// SPDX-License-Identifier: GPL-2.0-or-later
/* Any row of another router, or line of a file: what is accepted says itself again. */
#include "fuzz.h"

#include <string.h>

#include "core/rows.h"

static void check_lease(const struct lease_row *row)
{
	uint8_t key[LEASE_KEY_LEN], value[LEASE_VALUE_MAX];
	struct lease_row back;
	size_t len = lease_row_encode(row, key, value);

	check(len <= LEASE_VALUE_MAX && !strpbrk(row->text, "\n\r\t"));
	check(lease_row_decode(key, sizeof(key), value, len, &back));
	check(!strcmp(back.text, row->text) && back.left == row->left);
}

static void check_context(const uint8_t *key, const uint8_t *value,
			  const struct gtp_row *row)
{
	uint8_t key_back[GTP_KEY_LEN], value_back[GTP_VALUE_LEN];

	gtp_row_encode(row, key_back, value_back);
	check(!memcmp(key, key_back, sizeof(key_back)));
	check(!memcmp(value, value_back, sizeof(value_back)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t key[SET_ID_LEN + SET_KEY_MAX], value[SET_VALUE_LEN];
	struct gtp_row context;
	struct lease_row lease;
	struct set_row row;
	char line[4096];
	size_t key_len;

	if (!size || size >= sizeof(line))
		return 0;
	memcpy(line, data, size);
	line[size] = 0;
	if (lease_row_parse(line, 1000, &lease))
		check_lease(&lease);
	key_len = data[0] < size - 1 ? data[0] : size - 1;
	if (lease_row_decode(data + 1, key_len, data + 1 + key_len,
			     size - 1 - key_len, &lease))
		check_lease(&lease);
	if (gtp_row_decode(data + 1, key_len, data + 1 + key_len,
			   size - 1 - key_len, &context))
		check_context(data + 1, data + 1 + key_len, &context);
	if (!set_row_decode(data + 1, key_len, data + 1 + key_len,
			    size - 1 - key_len, &row))
		return 0;
	check(set_row_encode(&row, key, value) == key_len);
	check(!memcmp(key, data + 1, key_len));
	check(!memcmp(value, data + 1 + key_len, sizeof(value)));
	return 0;
}
