// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attach rewrite.bpf.o to the ingress of a device and fill its map:
 *
 *	load-bpf OBJECT DEVICE FROM TO N
 *
 * FROM + i becomes TO + i, for i below N. Prints how many nanoseconds one entry
 * took. The filter holds program and map when this process is gone.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <err.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "load.h"

static void attach(const struct bpf_program *program, const char *device)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .attach_point = BPF_TC_INGRESS,
		    .ifindex = (int)if_nametoindex(device));
	LIBBPF_OPTS(bpf_tc_opts, opts,
		    .prog_fd = bpf_program__fd(program));

	if (!hook.ifindex)
		err(1, "%s", device);
	if (bpf_tc_hook_create(&hook) || bpf_tc_attach(&hook, &opts))
		errx(1, "cannot attach to %s", device);
}

int main(int argc, char **argv)
{
	uint32_t from, to, n, done;
	struct bpf_object *object;
	struct bpf_map *map;
	uint32_t *keys, *values;
	uint64_t start;

	if (argc != 6)
		errx(2, "usage: load-bpf OBJECT DEVICE FROM TO N");
	from = load_address(argv[3]);
	to = load_address(argv[4]);
	n = load_number(argv[5]);

	object = bpf_object__open_file(argv[1], NULL);
	if (!object)
		err(1, "%s", argv[1]);
	map = bpf_object__find_map_by_name(object, "mappings");
	if (!map || bpf_map__set_max_entries(map, n) ||
	    bpf_object__load(object))
		errx(1, "%s does not load", argv[1]);
	attach(bpf_object__find_program_by_name(object, "rewrite"), argv[2]);

	keys = calloc(n, sizeof(*keys));
	values = calloc(n, sizeof(*values));
	if (!keys || !values)
		err(1, NULL);
	for (uint32_t i = 0; i < n; i++) {
		keys[i] = htonl(from + i);
		values[i] = htonl(to + i);
	}
	start = load_now();
	done = n;
	if (bpf_map_update_batch(bpf_map__fd(map), keys, values, &done, NULL) ||
	    done != n)
		err(1, "entry %u", done);
	printf("%.1f\n", (double)(load_now() - start) / n);
	return 0;
}
