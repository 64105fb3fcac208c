/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the fuzz targets share: taking values from the input, and checks. */
#ifndef ROAM_FUZZ_FUZZ_H
#define ROAM_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/addr.h"
#include "wire/lr.h"

/**
 * struct input - what is left of the input
 * @p: next byte
 * @left: bytes from there
 */
struct input {
	const uint8_t *p;
	size_t left;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void check(bool holds)
{
	if (!holds)
		abort();
}

/* The next byte, 0 at the end. */
static inline uint8_t take(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->p++;
}

/* One of a few addresses: collisions are what matters. 0 is none. */
static inline struct roam_addr take_addr(struct input *in, uint8_t net)
{
	uint8_t n = take(in) % 6;
	struct roam_addr addr = {
		.b = { [10] = 0xff, [11] = 0xff, 10, net, 0, n },
	};

	return n ? addr : (struct roam_addr){ 0 };
}

/* A message that the decoder lets through is one that could arrive. */
static inline bool could_arrive(const struct lr_msg *msg)
{
	uint8_t buf[LR_MAX_LEN] = { 0 };
	size_t len = lr_encode(msg, buf), covered;
	struct lr_msg back;

	return lr_decode(buf, len + LR_AUTH_LEN, &back,
			 &covered) == LR_DROP_NONE;
}

#endif
