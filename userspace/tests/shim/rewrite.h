/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The module's header rewriting and the model of it, in user space. */
#ifndef ROAM_SHIM_REWRITE_H
#define ROAM_SHIM_REWRITE_H

#include <string.h>

/* First, in place of the kernel's own header of that name. */
#include "net/checksum.h"

#include "../../../kernel/core/rewrite.h"
#include "../../../kernel/tests/rewrite_model.h"

/* Replaces the addresses of a packet as the module does on receive. */
static inline void shim_rewrite(u8 *p, const u8 *addresses, bool partial)
{
	struct iphdr *iph = (struct iphdr *)p;
	struct roam_pair4 new;
	void *l4 = NULL;
	__wsum diff;

	memcpy(&new, addresses, sizeof(new));
	if (!(iph->frag_off & htons(IP_OFFSET)) && roam_l4_len(iph->protocol))
		l4 = p + iph->ihl * 4;
	roam_ip4_rewrite(iph, &new, l4, partial, &diff);
}

#endif
