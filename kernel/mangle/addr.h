/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Table keys: every address is an IPv6 address, IPv4 in its mapped form, so
 * that one table serves both families (OPEN-01).
 */
#ifndef ROAM_MANGLE_ADDR_H
#define ROAM_MANGLE_ADDR_H

#include <linux/bitops.h>
#include <linux/in6.h>
#include <net/ipv6.h>

static inline struct in6_addr roam_addr4(__be32 addr)
{
	struct in6_addr key;

	ipv6_addr_set_v4mapped(addr, &key);
	return key;
}

static inline bool roam_addr_is4(const struct in6_addr *key)
{
	return ipv6_addr_v4mapped(key);
}

static inline __be32 roam_addr_to4(const struct in6_addr *key)
{
	return key->s6_addr32[3];
}

/**
 * roam_addr_hash - hash of a table key, for rhashtable_params.hashfn
 * @data: struct in6_addr
 * @len: its size, unused
 * @seed: random for each table
 *
 * A keyed multiplicative hash: four instructions where jhash takes thirty.
 * Keys enter the tables only by an administrator's request, and the daemons
 * make those only for authenticated registrations, so nobody can choose keys
 * to collide. The rotation puts the changing half of a mapped IPv4 address
 * where the multiplication spreads it over all bits of the result.
 */
static __always_inline u32 roam_addr_hash(const void *data, u32 len, u32 seed)
{
	const u64 *word = data;
	u64 key = ror64(word[1], 32) ^ (word[0] * 0xff51afd7ed558ccdULL);

	return ((key ^ seed) * 0x9e3779b97f4a7c15ULL) >> 32;
}

/**
 * roam_addr_differ - comparison of two keys, inlined
 *
 * rhashtable's own comparison calls memcmp(), which costs more than the rest
 * of a lookup.
 */
static inline bool roam_addr_differ(const struct in6_addr *a,
				    const struct in6_addr *b)
{
	return !ipv6_addr_equal(a, b);
}

static __always_inline bool roam_addrs_differ(const struct in6_addr *a,
					      const struct in6_addr *b,
					      unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (roam_addr_differ(&a[i], &b[i]))
			return true;
	return false;
}

#endif
