// SPDX-License-Identifier: GPL-2.0-only
#include <linux/slab.h>
#include <linux/sort.h>

#include "mangle.h"
#include "range.h"

static int roam_range_cmp(const void *a, const void *b)
{
	const struct roam_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

struct roam_ranges *roam_ranges_alloc(unsigned int n)
{
	struct roam_ranges *ranges;

	ranges = kzalloc(struct_size(ranges, item, n), GFP_KERNEL);
	if (ranges)
		ranges->n = n;
	return ranges;
}

int roam_ranges_set(struct roam_net *rn, struct roam_ranges *ranges,
		    struct netlink_ext_ack *extack)
{
	struct roam_ranges *old;
	unsigned int i;

	lockdep_assert_held(&rn->lock);
	if (ranges) {
		sort(ranges->item, ranges->n, sizeof(ranges->item[0]),
		     roam_range_cmp, NULL);
		for (i = 1; i < ranges->n; i++) {
			if (ranges->item[i].first > ranges->item[i - 1].last)
				continue;
			NL_SET_ERR_MSG_MOD(extack, "two prefixes overlap");
			return -EINVAL;
		}
	}
	old = rcu_replace_pointer(rn->ranges, ranges,
				  lockdep_is_held(&rn->lock));
	if (old)
		kfree_rcu(old, rcu);
	return 0;
}
