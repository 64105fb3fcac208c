/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ROAM_BASE_TIME_H
#define ROAM_BASE_TIME_H

#include <stdint.h>

/*
 * Milliseconds of a clock that never goes back and runs through suspend
 * (CLOCK_BOOTTIME in the daemons, a variable in tests). Cores are told the
 * time with every input; none of them reads a clock.
 */
typedef int64_t msec_t;

#define MSEC_NEVER INT64_MAX

static inline msec_t min_time(msec_t a, msec_t b)
{
	return a < b ? a : b;
}

static inline msec_t max_time(msec_t a, msec_t b)
{
	return a > b ? a : b;
}

#endif
