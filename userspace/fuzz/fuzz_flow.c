// SPDX-License-Identifier: GPL-2.0-or-later
/* Any connection of another router: what is accepted is one, and says itself again. */
#include "fuzz.h"

#include <string.h>

#include "core/flow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t key[FLOW_KEY_LEN], value[FLOW_VALUE_LEN];
	struct flow f;
	size_t key_len;

	if (!size)
		return 0;
	key_len = data[0] < size - 1 ? data[0] : size - 1;
	if (!flow_decode(data + 1, key_len, data + 1 + key_len,
			 size - 1 - key_len, &f))
		return 0;
	check(flow_is_valid(&f));
	flow_key_encode(&f, key);
	flow_value_encode(&f, value);
	check(!memcmp(key, data + 1, sizeof(key)));
	check(!memcmp(value, data + 1 + sizeof(key), sizeof(value)));
	return 0;
}
