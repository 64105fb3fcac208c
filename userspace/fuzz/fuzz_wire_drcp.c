// SPDX-License-Identifier: GPL-2.0-or-later
/* Any datagram: what is accepted says exactly its own bytes. */
#include "fuzz.h"

#include <string.h>

#include "wire/drcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[DRCP_MAX_LEN];
	struct drcp_msg msg;
	size_t covered;

	if (drcp_decode(data, size, &msg, &covered) != DRCP_DROP_NONE)
		return 0;
	check(covered + DRCP_AUTH_LEN == size);
	check(size <= DRCP_MAX_LEN);
	check(drcp_encode(&msg, again) == covered);
	check(!memcmp(again, data, covered));
	check(msg.n_subnets <= DRCP_SUBNETS_MAX);
	return 0;
}
