// SPDX-License-Identifier: GPL-2.0-or-later
/* Any datagram: what is accepted says exactly its own bytes. */
#include "fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[LR_MAX_LEN];
	struct lr_msg msg;
	size_t covered;
	unsigned int i;

	if (lr_decode(data, size, &msg, &covered) != LR_DROP_NONE)
		return 0;
	check(covered + LR_AUTH_LEN == size);
	check(size <= LR_MAX_LEN);
	check(lr_encode(&msg, again) == covered);
	check(!memcmp(again, data, covered));
	check(msg.type < LR_ANNOUNCE || msg.count == 1);
	check(lr_is_reply(msg.type) ? !lr_has_cookie(&msg) :
				      roam_addr_is_none(&msg.source));
	for (i = 0; i < msg.count; i++) {
		check(roam_addr_is_usable(&msg.entries[i].perm));
		check(msg.type <= LR_ANSWER ||
		      !(msg.entries[i].flags & LR_FLAG_KEY));
	}
	return 0;
}
