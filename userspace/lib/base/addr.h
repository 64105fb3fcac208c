/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses and prefixes, one type for both families.
 *
 * An address is always held as 16 bytes in network order; an IPv4 address is
 * its IPv4-mapped form (::ffff:a.b.c.d). So one table, one comparison and one
 * wire format serve IPv4 and IPv6 (OPEN-01).
 */
#ifndef ROAM_BASE_ADDR_H
#define ROAM_BASE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/**
 * struct roam_addr - an IPv4 or IPv6 address
 * @b: 16 bytes, network order; IPv4 in IPv4-mapped form; all zero = none
 */
struct roam_addr {
	uint8_t b[16];
};

/**
 * struct roam_prefix - an address prefix
 * @addr: first address, bits beyond @len are zero
 * @len: length in bits, counted in the 16-byte form (IPv4 /24 is 120)
 */
struct roam_prefix {
	struct roam_addr addr;
	uint8_t len;
};

/**
 * struct roam_place - where a host is: a care-of address of each family
 * @v4: IPv4, all zero for none
 * @v6: IPv6, all zero for none
 */
struct roam_place {
	struct roam_addr v4;
	struct roam_addr v6;
};

/** Room for any printed address and its terminating zero. */
#define ROAM_ADDR_STRLEN INET6_ADDRSTRLEN
/** Room for any printed prefix and its terminating zero. */
#define ROAM_PREFIX_STRLEN (INET6_ADDRSTRLEN + 4)

struct roam_addr roam_addr_from_in(struct in_addr in);
struct roam_addr roam_addr_from_sockaddr(const struct sockaddr *sa);
bool roam_addr_is_v4(const struct roam_addr *addr);
bool roam_addr_is_none(const struct roam_addr *addr);
/* Unicast, not unspecified, not loopback, not multicast, no odd form. */
bool roam_addr_is_usable(const struct roam_addr *addr);
/* 169.254/16 or fe80::/10 */
bool roam_addr_is_link_local(const struct roam_addr *addr);
bool roam_addr_eq(const struct roam_addr *a, const struct roam_addr *b);
/* Order for stable listings: <0, 0, >0. */
int roam_addr_cmp(const struct roam_addr *a, const struct roam_addr *b);
/* The care-of address of the family of @perm. */
const struct roam_addr *roam_place_for(const struct roam_place *place,
				       const struct roam_addr *perm);
/* The last four bytes in network order; only for an IPv4 address. */
struct in_addr roam_addr_to_in(const struct roam_addr *addr);
socklen_t roam_addr_to_sockaddr(const struct roam_addr *addr, uint16_t port,
				struct sockaddr_storage *ss);
/* "192.0.2.1" or "2001:db8::1"; false if @s is neither, @addr untouched. */
bool roam_addr_parse(const char *s, struct roam_addr *addr);
/* Prints into @buf (ROAM_ADDR_STRLEN bytes) and returns it. */
const char *roam_addr_format(const struct roam_addr *addr, char *buf);

/* "192.0.2.0/24", or a bare address for a single host. Host bits set: false. */
bool roam_prefix_parse(const char *s, struct roam_prefix *prefix);
bool roam_prefix_contains(const struct roam_prefix *prefix,
			  const struct roam_addr *addr);
const char *roam_prefix_format(const struct roam_prefix *prefix, char *buf);

#endif
