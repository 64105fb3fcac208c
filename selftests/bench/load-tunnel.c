// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Give roam_tunnel entries:
 *
 *	load-tunnel bindings HOME N COA K AGENT
 *	load-tunnel reverse HOME N COA K AGENT
 *	load-tunnel visitors HOME N AGENT COA LINK MAC
 *	load-tunnel expiry HOME N COA K AGENT
 *	load-tunnel flush
 *	load-tunnel counter NAME
 *
 * The node HOME + i, for i below N, is behind the care-of address COA + i % K of the home
 * agent AGENT; with "reverse" it may send through the tunnel. A visitor is on LINK at MAC.
 * Prints how many nanoseconds one took, user space included.
 *
 * With "expiry" the bindings end, one after the other within a moment, and what is printed
 * is how many nanoseconds of the processor one end took, counted by a loop as load-roam
 * does.
 */
#include <err.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "genl/tunnel.h"
#include "load.h"

/* Bindings end from FIRST on within SPREAD; the loop runs for WINDOW. All in ms. */
#define FIRST 100
#define SPREAD 300
#define WINDOW 600

static struct roam_addr address(uint32_t addr)
{
	return roam_addr_from_in((struct in_addr){ htonl(addr) });
}

struct wanted_counter {
	const char *name;
	uint64_t value;
};

static void count(void *ctx, const char *name, uint64_t value)
{
	struct wanted_counter *wanted = ctx;

	if (!strcmp(wanted->name, name))
		wanted->value = value;
}

static uint64_t counter(struct genl *genl, const char *name)
{
	struct wanted_counter wanted = { .name = name };

	if (tunnel_stats_get(genl, count, &wanted))
		errx(1, "%s", genl_error(genl));
	return wanted.value;
}

/* What the command line says: HOME N COA K AGENT, or HOME N AGENT COA LINK MAC. */
static char **arg;

/* The node @i; reading the command line again would cost as much as the module. */
static void fill_binding(struct tunnel_binding *binding, uint32_t i)
{
	static uint32_t home, coa, n_coa, agent;

	if (!n_coa) {
		home = load_address(arg[0]);
		coa = load_address(arg[2]);
		n_coa = load_number(arg[3]);
		agent = load_address(arg[4]);
	}
	*binding = (struct tunnel_binding){ .n_endpoints = 1 };
	binding->home = address(home + i);
	binding->endpoints[0].coa = address(coa + i % n_coa);
	binding->endpoints[0].local = address(agent);
	binding->endpoints[0].encap = ROAM_TUNNEL_ENCAP_IPIP;
}

/* In pieces, so that a million of them fit beside the module's. */
#define PIECE 10000

static void load_bindings(struct genl *genl, uint32_t n, uint32_t flags)
{
	struct tunnel_binding *bindings = calloc(PIECE, sizeof(*bindings));
	uint64_t start = load_now();
	uint32_t part;

	if (!bindings)
		err(1, NULL);
	for (uint32_t at = 0; at < n; at += part) {
		part = n - at < PIECE ? n - at : PIECE;
		for (uint32_t i = 0; i < part; i++) {
			fill_binding(&bindings[i], at + i);
			bindings[i].flags = flags;
		}
		if (tunnel_binding_set(genl, bindings, part, TUNNEL_SET_NEW,
				       NULL))
			errx(1, "%s", genl_error(genl));
	}
	printf("%.1f\n", (double)(load_now() - start) / n);
	free(bindings);
}

static void load_visitors(struct genl *genl, uint32_t n)
{
	struct tunnel_visitor *visitors = calloc(PIECE, sizeof(*visitors));
	const struct ether_addr *mac = ether_aton(arg[5]);
	unsigned int link = if_nametoindex(arg[4]);
	uint64_t start = load_now();
	uint32_t part;

	if (!visitors || !mac || !link)
		errx(1, "visitors: no link or address");
	for (uint32_t at = 0; at < n; at += part) {
		part = n - at < PIECE ? n - at : PIECE;
		for (uint32_t i = 0; i < part; i++) {
			visitors[i] = (struct tunnel_visitor){
				.home = address(load_address(arg[0]) + at + i),
				.role = ROAM_TUNNEL_ROLE_VISITOR,
				.link = link,
				.agents[0] = address(load_address(arg[2])),
				.n_agents = 1,
				.coa = address(load_address(arg[3])),
				.encap = ROAM_TUNNEL_ENCAP_IPIP,
			};
			memcpy(visitors[i].mac, mac, sizeof(visitors[i].mac));
		}
		if (tunnel_visitor_set(genl, visitors, part, TUNNEL_SET_NEW,
				       NULL))
			errx(1, "%s", genl_error(genl));
	}
	printf("%.1f\n", (double)(load_now() - start) / n);
	free(visitors);
}

static void expire(struct genl *genl, uint32_t n)
{
	struct tunnel_binding *bindings = calloc(n, sizeof(*bindings));
	uint64_t before, after, others = counter(genl, "bindings");

	if (!bindings)
		err(1, NULL);
	for (uint32_t i = 0; i < n; i++) {
		fill_binding(&bindings[i], i);
		bindings[i].lifetime =
			FIRST + (uint32_t)((uint64_t)i * SPREAD / n);
	}
	before = load_spin(WINDOW);
	if (tunnel_binding_set(genl, bindings, n, TUNNEL_SET_NEW, NULL))
		errx(1, "%s", genl_error(genl));
	if (counter(genl, "bindings") != others + n)
		errx(1, "some have ended too soon");
	after = load_spin(WINDOW);
	if (counter(genl, "bindings") != others)
		errx(1, "not all have ended");
	printf("%.1f\n", WINDOW * 1e6 * (1 - (double)after / (double)before) / n);
	free(bindings);
}

int main(int argc, char **argv)
{
	struct genl *genl;
	char *error;

	genl = tunnel_open(&error);
	if (!genl)
		errx(1, "%s", error);
	arg = argv + 2;
	if (argc == 2 && !strcmp(argv[1], "flush")) {
		if (tunnel_binding_flush(genl, NULL) ||
		    tunnel_visitor_flush(genl, NULL))
			errx(1, "%s", genl_error(genl));
	} else if (argc == 3 && !strcmp(argv[1], "counter")) {
		printf("%llu\n", (unsigned long long)counter(genl, argv[2]));
	} else if (argc == 8 && !strcmp(argv[1], "visitors")) {
		load_visitors(genl, load_number(argv[3]));
	} else if (argc == 7 && !strcmp(argv[1], "bindings")) {
		load_bindings(genl, load_number(argv[3]), 0);
	} else if (argc == 7 && !strcmp(argv[1], "reverse")) {
		load_bindings(genl, load_number(argv[3]),
			      ROAM_TUNNEL_BINDING_FLAG_REVERSE);
	} else if (argc == 7 && !strcmp(argv[1], "expiry")) {
		expire(genl, load_number(argv[3]));
	} else {
		errx(2, "usage: load-tunnel bindings|reverse|expiry HOME N COA K AGENT | visitors HOME N AGENT COA LINK MAC | flush | counter NAME");
	}
	genl_close(genl);
	return 0;
}
