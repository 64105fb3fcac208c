// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kernel/core/encap.h on arbitrary packets. Input: one byte that chooses the
 * encapsulation, then the packet: it is taken for one that came through a tunnel, and
 * put into one if it is a packet. What was put in must come out as it was.
 */
#include <stdbool.h>
#include <stdlib.h>

#include "../tests/shim/encap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void fuzz_read(const u8 *data, size_t size)
{
	u8 *p = malloc(size);
	const struct iphdr *iph = (const void *)p;
	struct roam_decap decap;

	memcpy(p, data, size);
	if (roam_decap_read(iph, size, &decap) == ROAM_DECAP_OK) {
		require(decap.len <= size);
		if (decap.encap == ROAM_TUNNEL_ENCAP_MINIMAL)
			roam_decap_minimal_restore(p, &decap);
		require(!memcmp(p + decap.len + 12, &decap.saddr, 4));
		require(!memcmp(p + decap.len + 16, &decap.daddr, 4));
	}
	free(p);
}

static void fuzz_there_and_back(u8 kind, const u8 *data, size_t size)
{
	struct roam_encap tunnel = {
		.saddr = 0x01020304, .daddr = 0x05060708, .sport = 1, .dport = 2,
		.encap = kind % 4, .ttl = 64,
	};
	const struct iphdr *inner = (const void *)data;
	u8 encap = roam_encap_choose(tunnel.encap, inner);
	unsigned int len = roam_encap_len(&tunnel, encap, inner);
	struct roam_decap decap;
	u8 *p = malloc(len + size), *before = malloc(size);

	memcpy(p + len, data, size);
	memcpy(before, data, size);
	roam_encap_write(p, &tunnel, encap, len, len + size, 7);
	require(roam_decap_read((void *)p, len + size, &decap) ==
		ROAM_DECAP_OK);
	if (encap == ROAM_TUNNEL_ENCAP_MINIMAL) {
		roam_decap_minimal_restore(p, &decap);
		/* Its sum is made anew. */
		memcpy(before + 10, p + len + 10, 2);
	}
	require(decap.len == len && !memcmp(p + len, before, size));
	free(before);
	free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iphdr *iph;
	u8 *packet;

	if (size < 1 + sizeof(*iph) || size > 4096)
		return 0;
	/* Where headers are aligned, as in the kernel. */
	size--;
	packet = malloc(size);
	memcpy(packet, data + 1, size);
	iph = (void *)packet;
	if (iph->version == 4 && iph->ihl >= 5 && iph->ihl * 4U <= size) {
		fuzz_read(packet, size);
		if (ntohs(iph->tot_len) == size)
			fuzz_there_and_back(data[0], packet, size);
	}
	free(packet);
	return 0;
}
