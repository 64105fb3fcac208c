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
	roam_ip4_rewrite(iph, &new, iph->protocol, l4, partial, &diff);
}

/*
 * The same for IPv6; without transport header @l4 is NULL. NULL addresses stay.
 * Returns what a sum over the whole packet must be corrected by.
 */
static inline __wsum shim_rewrite6(u8 *p, const u8 *saddr, const u8 *daddr,
				   u8 protocol, u8 *l4, bool partial)
{
	struct in6_addr source, destination;
	__wsum diff;

	if (saddr)
		memcpy(&source, saddr, sizeof(source));
	if (daddr)
		memcpy(&destination, daddr, sizeof(destination));
	roam_ip6_rewrite((struct ipv6hdr *)p, saddr ? &source : NULL,
			 daddr ? &destination : NULL, protocol, l4, partial,
			 &diff);
	return diff;
}

#endif
