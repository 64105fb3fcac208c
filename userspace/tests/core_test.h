/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small helpers of the tests of codecs and cores. */
#ifndef ROAM_TESTS_CORE_TEST_H
#define ROAM_TESTS_CORE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/addr.h"
#include "base/time.h"
#include "wire/lr.h"

static inline struct roam_addr addr(const char *s)
{
	struct roam_addr a = { 0 };

	if (*s && !roam_addr_parse(s, &a))
		fail_msg("no address: %s", s);
	return a;
}

static inline struct roam_prefix prefix(const char *s)
{
	struct roam_prefix p;

	if (!roam_prefix_parse(s, &p))
		fail_msg("no prefix: %s", s);
	return p;
}

#define assert_addr(a, s)						\
	do {								\
		char buf_[ROAM_ADDR_STRLEN];				\
		struct roam_addr copy_ = (a);				\
									\
		assert_string_equal(roam_addr_format(&copy_, buf_),	\
				    *(s) ? (s) : "::");			\
	} while (0)

#endif
