/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The prefixes that hold permanent addresses (MLR-16), replaced as a whole.
 *
 * Contract: an immutable sorted array of disjoint intervals behind one RCU
 * pointer. Readers hold rcu_read_lock(); the writer holds roam_net.lock.
 */
#ifndef ROAM_MANGLE_RANGE_H
#define ROAM_MANGLE_RANGE_H

#include <linux/in6.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

struct netlink_ext_ack;
struct roam_net;

/* More would want another structure than a binary search. */
#define ROAM_RANGES_MAX 256

/**
 * struct roam_number - an address as a number, to compare by order
 * @high: first eight bytes
 * @low: last eight bytes
 */
struct roam_number {
	u64 high;
	u64 low;
};

static inline struct roam_number roam_number(const struct in6_addr *addr)
{
	return (struct roam_number){
		.high = (u64)ntohl(addr->s6_addr32[0]) << 32 |
			ntohl(addr->s6_addr32[1]),
		.low = (u64)ntohl(addr->s6_addr32[2]) << 32 |
		       ntohl(addr->s6_addr32[3]),
	};
}

static inline bool roam_number_less(const struct roam_number *a,
				    const struct roam_number *b)
{
	return a->high < b->high || (a->high == b->high && a->low < b->low);
}

/**
 * struct roam_range - one prefix
 * @first: first address
 * @last: last address
 * @len: prefix length of the 16-byte form: of IPv4, 96 more than it has
 */
struct roam_range {
	struct roam_number first;
	struct roam_number last;
	u8 len;
};

/**
 * struct roam_ranges - the list
 * @rcu: frees it after a grace period
 * @n: how many, at least 1
 * @item: by first address, disjoint
 */
struct roam_ranges {
	struct rcu_head rcu;
	unsigned int n;
	struct roam_range item[] __counted_by(n);
};

/* Is @addr in one of the prefixes? @ranges may be NULL: then it is not. */
static inline bool roam_ranges_contain(const struct roam_ranges *ranges,
				       const struct in6_addr *addr)
{
	unsigned int low = 0, high;
	struct roam_number a;

	if (!ranges)
		return false;
	a = roam_number(addr);
	high = ranges->n;
	while (low < high) {
		unsigned int mid = (low + high) / 2;

		if (roam_number_less(&a, &ranges->item[mid].first))
			high = mid;
		else if (roam_number_less(&ranges->item[mid].last, &a))
			low = mid + 1;
		else
			return true;
	}
	return false;
}

/**
 * roam_range_fill - make a prefix
 * @range: what to fill
 * @addr: its first address
 * @len: its length, of the 16-byte form
 *
 * Return: false if @addr has bits beyond @len.
 */
bool roam_range_fill(struct roam_range *range, const struct in6_addr *addr,
		     u8 len);

/* The first address of a prefix. */
struct in6_addr roam_range_addr(const struct roam_range *range);

/* Room for @n prefixes, all zero; freed by kfree(). */
struct roam_ranges *roam_ranges_alloc(unsigned int n);

/**
 * roam_ranges_sort - bring filled prefixes into the order that a search needs
 * @ranges: from roam_ranges_alloc(), filled in any order; NULL for none
 * @extack: gets the cause of a refusal
 *
 * Return: 0, or -EINVAL if two prefixes overlap.
 */
int roam_ranges_sort(struct roam_ranges *ranges, struct netlink_ext_ack *extack);

/* Puts a sorted list in force; roam_net.lock held. Takes it over. */
void roam_ranges_set(struct roam_net *rn, struct roam_ranges *ranges);

#endif
