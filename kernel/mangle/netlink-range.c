// SPDX-License-Identifier: GPL-2.0-only
/* Netlink: prefixes. */
#include <linux/slab.h>

#include "../core/nl.h"
#include "mangle.h"
#include "netlink.h"
#include "netlink-gen.h"

static int mangle_nl_parse_range(const struct nlattr *nest,
				 struct mangle_range *range,
				 struct netlink_ext_ack *extack)
{
	struct nlattr *tb[ROAM_MANGLE_A_RANGE_MAX + 1];
	const struct nlattr *attr;
	/* Where IPv4 addresses are in the tables. */
	const struct in6_addr mangle_mapped = roam_addr4(0);
	struct in6_addr addr;
	unsigned int len;
	bool attr_is4;
	int err;

	err = nla_parse_nested(tb, ROAM_MANGLE_A_RANGE_MAX, nest,
			       roam_mangle_range_nl_policy, extack);
	if (err)
		return err;
	if (!tb[ROAM_MANGLE_A_RANGE_PREFIX_LEN]) {
		NL_SET_ERR_MSG_ATTR(extack, nest,
				    "a prefix has an address and a length; give both");
		return -EINVAL;
	}
	attr = roam_nl_addr(nest, tb, ROAM_MANGLE_A_RANGE_ADDR4, &addr, extack);
	if (IS_ERR(attr))
		return PTR_ERR(attr);
	len = nla_get_u8(tb[ROAM_MANGLE_A_RANGE_PREFIX_LEN]);
	attr_is4 = roam_addr_is4(&addr);
	if (attr_is4) {
		len += 96;
		if (len > 128) {
			NL_SET_ERR_MSG_ATTR(extack,
					    tb[ROAM_MANGLE_A_RANGE_PREFIX_LEN],
					    "an IPv4 prefix has at most 32 bits");
			return -EINVAL;
		}
	}
	if (len < 96 && !attr_is4 && ipv6_prefix_equal(&addr, &mangle_mapped, len)) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "the prefix would hold every IPv4 address too; give a longer one, as 2000::/3");
		return -EINVAL;
	}
	if (!mangle_range_fill(range, &addr, len)) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "the address has bits beyond the prefix length; clear them");
		return -EINVAL;
	}
	return 0;
}

/*
 * Reads @n prefixes, attributes of @type between @head and @len bytes further:
 * NULL for none, or ERR_PTR.
 */
struct mangle_ranges *mangle_nl_parse_ranges(const struct nlattr *head,
					     int len, u16 type,
					     unsigned int max,
					     struct netlink_ext_ack *extack)
{
	struct mangle_ranges *ranges;
	const struct nlattr *attr;
	unsigned int n = 0;
	int err = 0, rem;

	nla_for_each_attr(attr, head, len, rem) {
		if (nla_type(attr) != type || ++n <= max)
			continue;
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "too many prefixes; at most 256, and 64 that are exempt");
		return ERR_PTR(-E2BIG);
	}
	if (!n)
		return NULL;
	ranges = mangle_ranges_alloc(n);
	if (!ranges)
		return ERR_PTR(-ENOMEM);
	n = 0;
	nla_for_each_attr(attr, head, len, rem) {
		if (nla_type(attr) != type)
			continue;
		err = mangle_nl_parse_range(attr, &ranges->item[n++], extack);
		if (err)
			break;
	}
	if (!err) {
		NL_SET_BAD_ATTR(extack, head);
		err = mangle_ranges_sort(ranges, extack);
	}
	if (!err)
		return ranges;
	kfree(ranges);
	return ERR_PTR(err);
}

int roam_mangle_nl_range_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct mangle_net *mn = mangle_nl_net(info);
	struct mangle_ranges *ranges, *old;
	int err;

	ranges = mangle_nl_parse_ranges(nlmsg_attrdata(info->nlhdr, GENL_HDRLEN),
					nlmsg_attrlen(info->nlhdr, GENL_HDRLEN),
					ROAM_MANGLE_A_MAIN_RANGE, MANGLE_RANGES_MAX,
					info->extack);
	if (IS_ERR(ranges))
		return PTR_ERR(ranges);
	mutex_lock(&mn->table.lock);
	old = rcu_replace_pointer(mn->table.ranges, ranges,
				  lockdep_is_held(&mn->table.lock));
	err = mangle_hooks_update(mn);
	mutex_unlock(&mn->table.lock);
	if (old)
		kfree_rcu(old, rcu);
	return err;
}

/* Each as an attribute of @type; @ranges may be NULL. */
int mangle_nl_put_ranges(struct sk_buff *msg, u16 type,
			 const struct mangle_ranges *ranges)
{
	struct nlattr *nest;
	unsigned int i;

	for (i = 0; ranges && i < ranges->n; i++) {
		const struct mangle_range *range = &ranges->item[i];
		struct in6_addr addr = mangle_range_addr(range);

		nest = nla_nest_start(msg, type);
		if (!nest ||
		    roam_nl_put_addr(msg, ROAM_MANGLE_A_RANGE_ADDR4, &addr) ||
		    nla_put_u8(msg, ROAM_MANGLE_A_RANGE_PREFIX_LEN,
			       roam_addr_is4(&addr) ? range->len - 96 :
						      range->len))
			return -EMSGSIZE;
		nla_nest_end(msg, nest);
	}
	return 0;
}

int roam_mangle_nl_range_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct mangle_net *mn = mangle_nl_net(info);
	struct sk_buff *msg;
	void *hdr;
	int err;

	msg = mangle_nl_reply_new(info, &hdr);
	if (!msg)
		return -ENOMEM;
	rcu_read_lock();
	err = mangle_nl_put_ranges(msg, ROAM_MANGLE_A_MAIN_RANGE,
				   rcu_dereference(mn->table.ranges));
	rcu_read_unlock();
	return roam_nl_reply_end(info, msg, hdr, err);
}
