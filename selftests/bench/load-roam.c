// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Give roam_mangle mappings and let it rewrite UDP:
 *
 *	load-roam own FROM TO N
 *	load-roam expiry FROM TO N
 *	load-roam remote FROM TO N
 *	load-roam flush
 *	load-roam counter NAME
 *
 * The packet to the address FROM + i becomes one to TO + i, for i below N: own
 * ones when they are received, remote ones when they are sent. An IPv6 address counts
 * where it has a "*", or there is one. Prints how many nanoseconds one mapping took,
 * user space included.
 *
 * With "expiry" the mappings end, one after the other within a moment, and what is
 * printed is how many nanoseconds of the processor one end took. It is counted by a
 * loop, which gets as much less done meanwhile than it did before: so all counts,
 * whoever does it and when, and no idle time has to be told apart.
 *
 * "counter" prints one.
 */
#include <err.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "genl/mangle.h"
#include "load.h"

/* Mappings end from FIRST on within SPREAD; the loop runs for WINDOW. All in ms. */
#define FIRST 100
#define SPREAD 300
#define WINDOW 600

/* The address @i after the one that was named. */
static struct roam_addr address(const char *text, uint32_t i)
{
	char written[64];
	struct roam_addr addr;
	const char *star = strchr(text, '*');

	if (star)
		snprintf(written, sizeof(written), "%.*s%x%s", (int)(star - text), text,
			 i, star + 1);
	if (!roam_addr_parse(star ? written : text, &addr))
		errx(2, "not an address: %s", text);
	if (!roam_addr_is_v4(&addr))
		return addr;
	return roam_addr_from_in((struct in_addr){
		htonl(ntohl(roam_addr_to_in(&addr).s_addr) + i) });
}

/* The value of the counter of mappings, for mangle_stats_get(). */
static void count_mappings(void *ctx, const char *name, uint64_t value)
{
	if (!strcmp(name, "mappings"))
		*(uint64_t *)ctx = value;
}

static uint64_t mappings_now(struct genl *genl)
{
	uint64_t n = 0;

	if (mangle_stats_get(genl, count_mappings, &n))
		errx(1, "%s", genl_error(genl));
	return n;
}

static void print_counter(void *ctx, const char *name, uint64_t value)
{
	if (!strcmp(ctx, name))
		printf("%llu\n", (unsigned long long)value);
}

int main(int argc, char **argv)
{
	const struct mangle_config config = {
		.set = 1U << ROAM_MANGLE_A_CONFIG_PROTOCOL,
		.protocols = { IPPROTO_TCP, IPPROTO_UDP },
		.n_protocols = 2,
	};
	struct mangle_mapping *mappings;
	struct roam_prefix range;
	struct genl *genl;
	uint64_t start, others = 0, before = 0, after;
	bool own, expiry;
	char *error;
	uint32_t n;

	genl = mangle_open(&error);
	if (!genl)
		errx(1, "%s", error);
	if (argc == 2 && !strcmp(argv[1], "flush")) {
		if (mangle_mapping_flush(genl, NULL) ||
		    mangle_range_set(genl, NULL, 0))
			errx(1, "%s", genl_error(genl));
		genl_close(genl);
		return 0;
	}
	if (argc == 3 && !strcmp(argv[1], "counter")) {
		if (mangle_stats_get(genl, print_counter, argv[2]))
			errx(1, "%s", genl_error(genl));
		genl_close(genl);
		return 0;
	}
	if (argc != 5)
		errx(2, "usage: load-roam own|remote|expiry FROM TO N | flush | counter NAME");
	expiry = !strcmp(argv[1], "expiry");
	own = expiry || !strcmp(argv[1], "own");
	n = load_number(argv[4]);

	mappings = calloc(n, sizeof(*mappings));
	if (!mappings)
		err(1, NULL);
	for (uint32_t i = 0; i < n; i++) {
		mappings[i].perm = address(argv[own ? 3 : 2], i);
		mappings[i].coa = address(argv[own ? 2 : 3], i);
		mappings[i].role = own ? ROAM_MANGLE_ROLE_OWN :
					 ROAM_MANGLE_ROLE_REMOTE;
		mappings[i].state = ROAM_MANGLE_STATE_VALID;
		if (expiry)
			mappings[i].lifetime = FIRST +
				(uint32_t)((uint64_t)i * SPREAD / n);
	}
	range.addr = address(argv[2], 0);
	range.len = 128;
	if (mangle_config_set(genl, &config) ||
	    (!own && mangle_range_set(genl, &range, 1)))
		errx(1, "%s", genl_error(genl));
	if (expiry) {
		before = load_spin(WINDOW);
		others = mappings_now(genl);
	}
	start = load_now();
	if (mangle_mapping_set(genl, mappings, n, MANGLE_SET_ANY, NULL))
		errx(1, "%s", genl_error(genl));
	if (!expiry) {
		printf("%.1f\n", (double)(load_now() - start) / n);
	} else {
		if (mappings_now(genl) != others + n)
			errx(1, "some have ended too soon");
		after = load_spin(WINDOW);
		if (mappings_now(genl) != others)
			errx(1, "not all have ended");
		printf("%.1f\n", WINDOW * 1e6 *
		       (1 - (double)after / (double)before) / n);
	}
	free(mappings);
	genl_close(genl);
	return 0;
}
