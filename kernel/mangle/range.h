/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The prefixes that hold permanent addresses (MLR-16), replaced as a whole.
 *
 * Contract: an immutable sorted array of disjoint intervals behind one RCU
 * pointer. Readers hold rcu_read_lock(); the writer holds mangle_table.lock.
 */
#ifndef ROAM_MANGLE_RANGE_H
#define ROAM_MANGLE_RANGE_H

#include <linux/in6.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

struct netlink_ext_ack;

/* A binary search is fast enough for so many. */
#define MANGLE_RANGES_MAX 256

/**
 * struct mangle_number - an address as a number, to compare by order
 * @high: first eight bytes
 * @low: last eight bytes
 */
struct mangle_number {
	u64 high;
	u64 low;
};

static inline struct mangle_number mangle_number(const struct in6_addr *addr)
{
	return (struct mangle_number){
		.high = (u64)ntohl(addr->s6_addr32[0]) << 32 |
			ntohl(addr->s6_addr32[1]),
		.low = (u64)ntohl(addr->s6_addr32[2]) << 32 |
		       ntohl(addr->s6_addr32[3]),
	};
}

static inline bool mangle_number_less(const struct mangle_number *a,
				      const struct mangle_number *b)
{
	return a->high < b->high || (a->high == b->high && a->low < b->low);
}

/**
 * struct mangle_range - one prefix
 * @first: first address
 * @last: last address
 * @len: prefix length of the 16-byte form: of IPv4, 96 more than it has
 */
struct mangle_range {
	struct mangle_number first;
	struct mangle_number last;
	u8 len;
};

/**
 * struct mangle_ranges - the list
 * @rcu: frees it after a grace period
 * @n: how many, at least 1
 * @item: by first address, disjoint
 */
struct mangle_ranges {
	struct rcu_head rcu;
	unsigned int n;
	struct mangle_range item[] __counted_by(n);
};

/* Is @addr in one of the prefixes? @ranges may be NULL: then it is not. */
static inline bool mangle_ranges_contain(const struct mangle_ranges *ranges,
					 const struct in6_addr *addr)
{
	unsigned int low = 0, high;
	struct mangle_number a;

	if (!ranges)
		return false;
	a = mangle_number(addr);
	high = ranges->n;
	while (low < high) {
		unsigned int mid = (low + high) / 2;

		if (mangle_number_less(&a, &ranges->item[mid].first))
			high = mid;
		else if (mangle_number_less(&ranges->item[mid].last, &a))
			low = mid + 1;
		else
			return true;
	}
	return false;
}

/**
 * mangle_range_fill - make a prefix
 * @range: what to fill
 * @addr: its first address
 * @len: its length, of the 16-byte form
 *
 * Return: false if @addr has bits beyond @len.
 */
bool mangle_range_fill(struct mangle_range *range, const struct in6_addr *addr,
		       u8 len);

/* The first address of a prefix. */
struct in6_addr mangle_range_addr(const struct mangle_range *range);

/* Room for @n prefixes, all zero; freed by kfree(). */
struct mangle_ranges *mangle_ranges_alloc(unsigned int n);

/**
 * mangle_ranges_sort - bring filled prefixes into the order that a search needs
 * @ranges: from mangle_ranges_alloc(), filled in any order; NULL for none
 * @extack: gets the cause of a refusal
 *
 * Return: 0, or -EINVAL if two prefixes overlap.
 */
int mangle_ranges_sort(struct mangle_ranges *ranges, struct netlink_ext_ack *extack);

#endif
