// SPDX-License-Identifier: GPL-2.0-only
#include <linux/netlink.h>
#include <linux/slab.h>
#include <linux/sort.h>

#include "range.h"

bool mangle_range_fill(struct mangle_range *range, const struct in6_addr *addr,
		       u8 len)
{
	/* The bits of a host: those that the prefix does not fix. */
	const struct mangle_number host = {
		.high = len < 64 ? ~0ULL >> len : 0,
		.low = len <= 64 ? ~0ULL : len < 128 ? ~0ULL >> (len - 64) : 0,
	};

	range->first = mangle_number(addr);
	range->last.high = range->first.high | host.high;
	range->last.low = range->first.low | host.low;
	range->len = len;
	return !(range->first.high & host.high) &&
	       !(range->first.low & host.low);
}

struct in6_addr mangle_range_addr(const struct mangle_range *range)
{
	struct in6_addr addr;

	addr.s6_addr32[0] = htonl(range->first.high >> 32);
	addr.s6_addr32[1] = htonl(range->first.high);
	addr.s6_addr32[2] = htonl(range->first.low >> 32);
	addr.s6_addr32[3] = htonl(range->first.low);
	return addr;
}

static int mangle_range_cmp(const void *a, const void *b)
{
	const struct mangle_range *x = a, *y = b;

	if (mangle_number_less(&x->first, &y->first))
		return -1;
	return mangle_number_less(&y->first, &x->first);
}

struct mangle_ranges *mangle_ranges_alloc(unsigned int n)
{
	struct mangle_ranges *ranges;

	ranges = kzalloc(struct_size(ranges, item, n), GFP_KERNEL);
	if (ranges)
		ranges->n = n;
	return ranges;
}

int mangle_ranges_sort(struct mangle_ranges *ranges, struct netlink_ext_ack *extack)
{
	unsigned int i;

	if (!ranges)
		return 0;
	sort(ranges->item, ranges->n, sizeof(ranges->item[0]), mangle_range_cmp,
	     NULL);
	for (i = 1; i < ranges->n; i++) {
		if (mangle_number_less(&ranges->item[i - 1].last,
				       &ranges->item[i].first))
			continue;
		NL_SET_ERR_MSG_MOD(extack, "two prefixes overlap");
		return -EINVAL;
	}
	return 0;
}
