// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Give roam_mangle own mappings and let it rewrite UDP:
 *
 *	load-roam FROM TO N
 *	load-roam flush
 *
 * What comes to the care-of address FROM + i becomes TO + i, for i below N.
 * Prints how many nanoseconds one mapping took, user space included.
 */
#include <err.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/addr.h"
#include "genl/mangle.h"
#include "load.h"

static struct roam_addr address(uint32_t host)
{
	return roam_addr_from_in((struct in_addr){ htonl(host) });
}

int main(int argc, char **argv)
{
	const struct mangle_config config = {
		.set = 1U << ROAM_MANGLE_A_CONFIG_PROTOCOL,
		.protocols = { IPPROTO_TCP, IPPROTO_UDP },
		.n_protocols = 2,
	};
	struct mangle_mapping *mappings;
	uint32_t from, to, n;
	struct genl *genl;
	uint64_t start;
	char *error;

	genl = mangle_open(&error);
	if (!genl)
		errx(1, "%s", error);
	if (argc == 2 && !strcmp(argv[1], "flush")) {
		if (mangle_mapping_flush(genl, NULL))
			errx(1, "%s", genl_error(genl));
		genl_close(genl);
		return 0;
	}
	if (argc != 4)
		errx(2, "usage: load-roam FROM TO N | flush");
	from = load_address(argv[1]);
	to = load_address(argv[2]);
	n = load_number(argv[3]);

	mappings = calloc(n, sizeof(*mappings));
	if (!mappings)
		err(1, NULL);
	for (uint32_t i = 0; i < n; i++) {
		mappings[i].perm = address(to + i);
		mappings[i].coa = address(from + i);
		mappings[i].role = ROAM_MANGLE_ROLE_OWN;
		mappings[i].state = ROAM_MANGLE_STATE_VALID;
	}
	if (mangle_config_set(genl, &config))
		errx(1, "%s", genl_error(genl));
	start = load_now();
	if (mangle_mapping_set(genl, mappings, n, MANGLE_SET_ANY, NULL))
		errx(1, "%s", genl_error(genl));
	printf("%.1f\n", (double)(load_now() - start) / n);
	free(mappings);
	genl_close(genl);
	return 0;
}
