// SPDX-License-Identifier: GPL-2.0-or-later
/* Any datagram: what is accepted says exactly its own bytes. */
#include "fuzz.h"

#include <string.h>

#include "wire/mmp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[MMP_MAX_LEN];
	struct mmp_msg msg;
	size_t covered;
	unsigned int i;

	if (mmp_decode(data, size, &msg, &covered) != MMP_DROP_NONE)
		return 0;
	check(covered + MMP_AUTH_LEN == size);
	check(size <= MMP_MAX_LEN);
	check(mmp_encode(&msg, again) == covered);
	check(!memcmp(again, data, covered));
	check(msg.n_path <= MMP_PATH_MAX);
	check(msg.n_subnets <= MMP_SUBNETS_MAX);
	check(msg.n_trace <= MMP_PATH_MAX);
	for (i = 0; i < msg.n_path; i++)
		check(!mmp_name_is_none(&msg.path[i]));
	return 0;
}
