// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kernel/core/rewrite.h in user space, where ASan and UBSan look: against a
 * model that computes every checksum from scratch. kernel/tests/rewrite_kunit.c
 * asks the same of the module's build of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "shim/rewrite.h"

#include <cmocka.h>

#define ROUNDS 500
#define SHAPES (sizeof(model_shapes) / sizeof(model_shapes[0]))

static void recompute(void **state)
{
	const struct model_shape *shape = *state;
	u8 before[MODEL_MAX], want[MODEL_MAX], p[MODEL_MAX], addresses[8];
	u32 random = 0x726f616d;
	unsigned int len;

	for (int i = 0; i < ROUNDS; i++) {
		len = model_build(before, shape, &random);
		model_random_bytes(&random, addresses, sizeof(addresses));
		memcpy(want, before, len);
		model_rewrite(want, len, addresses);

		memcpy(p, before, len);
		shim_rewrite(p, addresses, false);
		assert_memory_equal(p, want, len);
		shim_rewrite(p, before + 12, false);
		assert_memory_equal(p, before, len);
	}
}

/* In a buffer of just its size, so that ASan sees each byte too far. */
static void icmp(void **state)
{
	const struct model_shape *shape = *state;
	u8 before[MODEL_MAX], after[MODEL_MAX], addresses[8];
	u32 random = 0x69636d70;
	unsigned int len, l4;
	struct roam_pair4 new;

	len = model_build(before, shape, &random);
	model_random_bytes(&random, addresses, sizeof(addresses));
	memcpy(&new, addresses, sizeof(new));
	memcpy(after, before, len);
	model_rewrite(after, len, addresses);
	l4 = model_ihl(before);

	for (unsigned int quote = 0; quote <= len; quote++) {
		u8 *msg = malloc(8 + quote), *want = malloc(8 + quote);
		struct iphdr *quoted;

		assert_non_null(msg);
		assert_non_null(want);
		model_icmp(msg, before, quote);
		quoted = roam_icmp4_quoted(msg, 8 + quote);
		if (quote < l4 + 8) {
			assert_null(quoted);
		} else {
			assert_ptr_equal(quoted, msg + 8);
			/* A checksum that is not quoted whole stays. */
			memcpy(want + 8, after, quote);
			if (quote < l4 + model_check_at(shape->protocol) + 2)
				memcpy(want + 8 + l4, before + l4, quote - l4);
			model_icmp(want, want + 8, quote);
			roam_icmp4_rewrite(msg, 8 + quote, quoted, &new);
			assert_memory_equal(msg, want, 8 + quote);
		}
		free(msg);
		free(want);
	}
}

int main(void)
{
	struct CMUnitTest tests[2 * SHAPES];
	char names[2 * SHAPES][80];

	for (size_t i = 0; i < 2 * SHAPES; i++) {
		const struct model_shape *shape = &model_shapes[i / 2];

		snprintf(names[i], sizeof(names[i]), i % 2 ?
			 "OPEN-08: ICMP error that quotes %s" :
			 "OPEN-03: rewritten as computed from scratch: %s",
			 shape->name);
		tests[i] = (struct CMUnitTest){
			.name = names[i],
			.test_func = i % 2 ? icmp : recompute,
			.initial_state = (void *)shape,
		};
	}
	return cmocka_run_group_tests_name("rewrite", tests, NULL, NULL);
}
