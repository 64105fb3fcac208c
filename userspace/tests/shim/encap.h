/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The module's encapsulation, in user space. */
#ifndef ROAM_SHIM_ENCAP_H
#define ROAM_SHIM_ENCAP_H

#include <string.h>

/* First, in place of the kernel's own header of that name. */
#include "net/checksum.h"

#ifndef ntohs
#define ntohs(x) be16toh(x)
#endif

/* The sum over @ihl words, as the kernel's of that name. */
static inline __sum16 ip_fast_csum(const void *iph, unsigned int ihl)
{
	const u8 *p = iph;
	uint64_t sum = 0;

	for (unsigned int i = 0; i < ihl * 4; i += 2) {
		u16 word;

		memcpy(&word, p + i, sizeof(word));
		sum += word;
	}
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (__sum16)~sum;
}

#include "../../../kernel/core/encap.h"

#endif
