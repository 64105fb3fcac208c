/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the loaders of the bench share. */
#ifndef ROAM_BENCH_LOAD_H
#define ROAM_BENCH_LOAD_H

#include <arpa/inet.h>
#include <err.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

static inline uint64_t load_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static inline uint32_t load_address(const char *s)
{
	struct in_addr addr;

	if (inet_pton(AF_INET, s, &addr) != 1)
		errx(2, "%s is no address", s);
	return ntohl(addr.s_addr);
}

static inline uint32_t load_number(const char *s)
{
	char *end;
	unsigned long n = strtoul(s, &end, 10);

	if (*end || n < 1 || n > 10000000)
		errx(2, "%s is no number of entries", s);
	return (uint32_t)n;
}

/* How often a loop turns in @ms; what others do meanwhile makes it fewer. */
static inline uint64_t load_spin(uint32_t ms)
{
	uint64_t end = load_now() + ms * 1000000ULL;
	uint64_t rounds = 0;

	while (load_now() < end)
		rounds++;
	return rounds;
}

#endif
