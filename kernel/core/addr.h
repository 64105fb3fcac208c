/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Addresses as the tables hold them: every address is an IPv6 address, IPv4 in
 * its mapped form, so that one table serves both families (OPEN-01).
 */
#ifndef ROAM_CORE_ADDR_H
#define ROAM_CORE_ADDR_H

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/types.h>
#include <net/ipv6.h>

struct net;

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

/* Is it the unicast address of a host, which means the same on every link? */
bool roam_addr_is_host(const struct in6_addr *addr);

/* Does it mean something on one link only? */
static inline bool roam_addr_is_link_local(const struct in6_addr *addr)
{
	return roam_addr_is4(addr) ?
	       ipv4_is_linklocal_169(roam_addr_to4(addr)) :
	       ipv6_addr_type(addr) & IPV6_ADDR_LINKLOCAL;
}

/* Is it an address of this namespace, on whatever link? */
bool roam_addr_is_local(struct net *net, const struct in6_addr *addr);

/* The longest key of a table, in addresses. */
#define ROAM_KEY_ADDRS 2

/**
 * struct roam_hash_key - the secret of the hash
 * @in: added to the halves of each address
 * @out: multiply what comes of that
 *
 * Random, one for the machine, made when the module is loaded.
 */
struct roam_hash_key {
	u64 in[2 * ROAM_KEY_ADDRS];
	u64 out[2];
};

extern struct roam_hash_key roam_hash_key;

/* The 128 bits of a product, of four smaller ones. */
static inline void roam_multiply_parts(u64 a, u64 b, u64 *high, u64 *low)
{
	u64 mid = (a >> 32) * (u32)b;
	u64 mid2 = (u32)a * (b >> 32);
	u64 first = (u64)(u32)a * (u32)b;
	u64 carry = (first >> 32) + (u32)mid + (u32)mid2;

	*high = (a >> 32) * (b >> 32) + (mid >> 32) + (mid2 >> 32) +
		(carry >> 32);
	*low = carry << 32 | (u32)first;
}

static __always_inline void roam_multiply(u64 a, u64 b, u64 *high, u64 *low)
{
#ifdef CONFIG_X86_64
	/*
	 * As the compiler would, but for the frame that it aligns to 16 bytes in
	 * each function with a number of 128 bits.
	 */
	asm("mulq %3" : "=a" (*low), "=d" (*high) : "0" (a), "rm" (b) : "cc");
#elif defined(__SIZEOF_INT128__)
	unsigned __int128 product = (unsigned __int128)a * b;

	*high = product >> 64;
	*low = product;
#else
	roam_multiply_parts(a, b, high, low);
#endif
}

/**
 * roam_hash - keyed hash of addresses
 * @secret: see there
 * @word: the halves of the addresses, two for each
 * @n: how many addresses, a constant where it shall be fast
 * @seed: of the table, another one each time it is rebuilt
 *
 * Whoever chooses addresses knows neither @secret nor @seed, and no two addresses
 * share a bucket but by chance, however they are alike:
 *
 * - The two halves of an address, each with a secret added, are multiplied to 128
 *   bits. This is NH of UMAC (RFC 4418, 5.2): two different keys have the same
 *   product with a probability of 2^-64, whatever they are.
 * - Its halves become one word by another secret. Where the upper halves differ by d,
 *   one secret of 2^64 makes the words equal, or as many as 2 divides d.
 * - That word is folded and multiplied by a last secret (multiply-shift, Dietzfelbinger
 *   1996), of which bits from the middle count. The fold is there for keys that count
 *   up: a product alone makes a lattice of them, which for one secret in a
 *   hundred fills a few buckets and leaves the others empty.
 *
 * It takes thirteen instructions where jhash takes thirty and siphash a hundred.
 */
static __always_inline u32 roam_hash(const struct roam_hash_key *secret,
				     const u64 *word, unsigned int n, u32 seed)
{
	u64 high = 0, low = 0, h, l, x;
	unsigned int i;

	for (i = 0; i < 2 * n; i += 2) {
		roam_multiply(word[i] + secret->in[i],
			      word[i + 1] + secret->in[i + 1] + seed, &h, &l);
		high += h;
		low += l;
	}
	x = high * secret->out[0] + low;
	x ^= x >> 32;
	return (x * secret->out[1]) >> 32;
}

/**
 * roam_addr_hash - hash of a table's key, for rhashtable_params.hashfn
 * @data: one address or more, at most ROAM_KEY_ADDRS
 * @len: their size
 * @seed: random for each table
 */
static __always_inline u32 roam_addr_hash(const void *data, u32 len, u32 seed)
{
	return roam_hash(&roam_hash_key, data, len / sizeof(struct in6_addr),
			 seed);
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
