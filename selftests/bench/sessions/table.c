// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What sessions cost in a home agent's tables: table SESSIONS NAIS says bytes of each,
 * counted by malloc, which the daemon's size would not show beside what its
 * configuration left; and nanoseconds of a look-up by name, among a hundredth of them
 * and among all.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/home_agent.h"

#define LOOKS 1000000

static uint32_t no_random(void *ctx)
{
	(void)ctx;
	return 4;
}

static struct ha_group group;

static size_t used(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static void name_of(size_t n, size_t nais, struct lease *lease)
{
	char nai[64], sub[64];
	struct mip_names names = { .nai = (uint8_t *)nai, .sub = (uint8_t *)sub };

	names.nai_len = (size_t)snprintf(nai, sizeof(nai), "user%zu@example.com",
					 n % nais);
	names.sub_len = (size_t)snprintf(sub, sizeof(sub), "02:00:00:00:00:%02zx",
					 n / nais);
	lease_set_names(lease, &names);
}

/* A session as it is registered: a lease, and a binding of its address. */
static void add(struct ha *ha, size_t n, size_t nais)
{
	struct in_addr in = { htobe32(0x0a500001 + (uint32_t)n) };
	struct lease lease = {
		.addr = roam_addr_from_in(in), .agent = group.agent,
		.until = MSEC_NEVER,
	};
	struct ha_state state = {
		.home = lease.addr, .agent = group.agent, .last = n + 1, .n = 1,
		.bindings[0] = {
			.coa = group.agent, .source = group.agent, .id = n + 1,
			.expires = 3600000, .lifetime = 3600,
		},
	};

	name_of(n, nais, &lease);
	if (!leases_apply(ha_leases(ha), &lease) || !ha_apply(ha, &state))
		abort();
}

static double look(struct ha *ha, size_t among, size_t nais)
{
	struct timespec from, to;
	struct lease name = { 0 }, found;
	struct ha_state state;
	uint64_t at = 1;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	for (int i = 0; i < LOOKS; i++) {
		struct mip_names names;

		at = at * 6364136223846793005 + 1442695040888963407;
		name_of((at >> 33) % among, nais, &name);
		names = lease_names(&name);
		if (!leases_find(ha_leases(ha), &names, &found) ||
		    !ha_get(ha, &found.addr, &state))
			abort();
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	return ((double)(to.tv_sec - from.tv_sec) * 1e9 +
		(double)(to.tv_nsec - from.tv_nsec)) / LOOKS;
}

int main(int argc, char **argv)
{
	size_t all = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
	size_t nais = argc > 2 ? strtoul(argv[2], NULL, 10) : 20000;
	struct ha_config config = {
		.groups = &group, .n_groups = 1, .nodes_max = all,
		.random = no_random,
	};
	struct ha *ha;
	size_t before, n;
	double few;

	roam_addr_parse("10.77.0.1", &group.agent);
	roam_prefix_parse("10.64.0.0/10", &group.network);
	ha = ha_new(&config);
	if (!ha || !all || !nais)
		return 1;
	before = used();
	for (n = 0; n < all / 100; n++)
		add(ha, n, nais);
	few = look(ha, n ? n : 1, nais);
	for (; n < all; n++)
		add(ha, n, nais);
	printf("%.0f %.0f %.0f\n", (double)(used() - before) / (double)all, few,
	       look(ha, all, nais));
	ha_free(ha);
	return 0;
}
