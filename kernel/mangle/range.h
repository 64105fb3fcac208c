/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The prefixes that hold permanent addresses (MLR-16), replaced as a whole.
 *
 * Contract: an immutable sorted array of disjoint intervals behind one RCU
 * pointer. Readers hold rcu_read_lock(); the writer holds roam_net.lock.
 */
#ifndef ROAM_MANGLE_RANGE_H
#define ROAM_MANGLE_RANGE_H

#include <linux/rcupdate.h>
#include <linux/types.h>

struct netlink_ext_ack;
struct roam_net;

/* More would want another structure than a binary search. */
#define ROAM_RANGES_MAX 256

/**
 * struct roam_range - one prefix
 * @first: first address, host order
 * @last: last address, host order
 * @len: prefix length, as it was set
 */
struct roam_range {
	u32 first;
	u32 last;
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
				       __be32 addr)
{
	u32 a = ntohl(addr);
	unsigned int low = 0, high;

	if (!ranges)
		return false;
	high = ranges->n;
	while (low < high) {
		unsigned int mid = (low + high) / 2;

		if (a < ranges->item[mid].first)
			high = mid;
		else if (a > ranges->item[mid].last)
			low = mid + 1;
		else
			return true;
	}
	return false;
}

/* Room for @n prefixes, all zero; freed by kfree() until it is set. */
struct roam_ranges *roam_ranges_alloc(unsigned int n);

/**
 * roam_ranges_set - replace the list
 * @rn: namespace; lock held
 * @ranges: from roam_ranges_alloc(), filled in any order; NULL for none.
 *	Taken over on success, left to the caller on error.
 * @extack: gets the cause of a refusal
 *
 * Return: 0, or -EINVAL if two prefixes overlap.
 */
int roam_ranges_set(struct roam_net *rn, struct roam_ranges *ranges,
		    struct netlink_ext_ack *extack);

#endif
