// SPDX-License-Identifier: GPL-2.0-or-later
/* flows N: puts N established connections into the kernel of this namespace. */
#include <errno.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack_tcp.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int add(struct nfct_handle *handle, uint32_t i)
{
	struct nf_conntrack *ct = nfct_new();
	int ret;

	if (!ct)
		return -1;
	nfct_set_attr_u8(ct, ATTR_L3PROTO, AF_INET);
	nfct_set_attr_u8(ct, ATTR_L4PROTO, IPPROTO_TCP);
	nfct_set_attr_u32(ct, ATTR_IPV4_SRC, htonl(0x0a000000 + i / 30000));
	nfct_set_attr_u32(ct, ATTR_IPV4_DST, htonl(0xc6336432));
	nfct_set_attr_u16(ct, ATTR_PORT_SRC, htons((uint16_t)(1024 + i % 30000)));
	nfct_set_attr_u16(ct, ATTR_PORT_DST, htons(80));
	nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY);
	nfct_set_attr_u32(ct, ATTR_TIMEOUT, 3600);
	nfct_set_attr_u32(ct, ATTR_STATUS, IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED);
	nfct_set_attr_u8(ct, ATTR_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
	ret = nfct_query(handle, NFCT_Q_CREATE, ct);
	nfct_destroy(ct);
	return ret;
}

int main(int argc, char **argv)
{
	unsigned long n = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	struct nfct_handle *handle = nfct_open(CONNTRACK, 0);

	if (!n || !handle) {
		fprintf(stderr, "flows: %s\n", n ? strerror(errno) : "flows N");
		return 2;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (!add(handle, i))
			continue;
		fprintf(stderr, "flows: connection %u: %s\n", i, strerror(errno));
		return 1;
	}
	nfct_close(handle);
	return 0;
}
