/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Elements of maps from IPv4 address to IPv4 address in a table of nftables (family ip),
 * which is there already: changed one by one without a program being started.
 * Blocking requests, answered by the kernel at once.
 */
#ifndef ROAM_RTNL_NFT_H
#define ROAM_RTNL_NFT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"

/**
 * struct nft_element - an element of a map
 * @map: name of the map
 * @key: looked up
 * @value: found
 */
struct nft_element {
	const char *map;
	struct roam_addr key;
	struct roam_addr value;
};

/* The socket, or negative errno. */
int nft_open(void);
/*
 * Adds or removes elements, all in one transaction or none. One that is there already
 * with that value is fine. 0 or negative errno.
 */
int nft_change(int fd, bool add, const char *table,
	       const struct nft_element *elements, size_t n);

#endif
