// SPDX-License-Identifier: GPL-2.0-only
/*
 * Netlink: requests are checked here and carried out by table.c, hop.c and
 * shape.c. Each refusal names the attribute and says why in a sentence.
 */
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <net/genetlink.h>

/*
 * Included, not linked: its table of multicast groups is static, because the
 * generator leaves the family itself to us.
 */
#include "netlink-gen.c"

#include "../core/nl.h"
#include "hop.h"
#include "netlink.h"
#include "shape.h"
#include "table.h"

static struct genl_family mmp_nl_family;

static struct mmp_net *mmp_nl_net(struct genl_info *info)
{
	return mmp_net(genl_info_net(info));
}

static struct sk_buff *mmp_nl_reply_new(struct genl_info *info, void **hdr)
{
	return roam_nl_reply_new(info, &mmp_nl_family, NLMSG_DEFAULT_SIZE, hdr);
}

static void mmp_nl_set_ms(const struct nlattr *attr, u32 *setting)
{
	if (attr)
		WRITE_ONCE(*setting, min_t(unsigned long, S32_MAX,
				msecs_to_jiffies(nla_get_u32(attr))));
}

/* ---- neighbours ---- */

/* The hop that a nest names, with a reference; mutex held. */
static struct mmp_hop *mmp_nl_get_hop(struct mmp_net *mn,
				      const struct nlattr *nest,
				      struct netlink_ext_ack *extack)
{
	struct nlattr *tb[ROAM_MMP_A_HOP_MAX + 1];
	int err;

	err = nla_parse_nested(tb, ROAM_MMP_A_HOP_MAX, nest,
			       roam_mmp_hop_nl_policy, extack);
	if (err)
		return ERR_PTR(err);
	NL_SET_BAD_ATTR(extack, nest);
	if (!tb[ROAM_MMP_A_HOP_IFINDEX] || !tb[ROAM_MMP_A_HOP_LLADDR]) {
		NL_SET_ERR_MSG(extack,
			       "a neighbour needs interface and link-layer address");
		return ERR_PTR(-EINVAL);
	}
	return mmp_hop_get(mn, nla_get_u32(tb[ROAM_MMP_A_HOP_IFINDEX]),
			   nla_data(tb[ROAM_MMP_A_HOP_LLADDR]), extack);
}

static void mmp_nl_put_hops_back(struct mmp_net *mn, struct mmp_hop **hops,
				 unsigned int n)
{
	unsigned int i;

	spin_lock_bh(&mn->lock);
	for (i = 0; i < n; i++)
		mmp_hop_put(mn, hops[i]);
	spin_unlock_bh(&mn->lock);
}

/* All hops of a request, each with a reference: their number, or an error. */
static int mmp_nl_get_hops(struct mmp_net *mn, struct genl_info *info,
			   struct mmp_hop **hops, unsigned int max)
{
	const struct nlattr *attr;
	unsigned int n = 0;
	int rem;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem) {
		struct mmp_hop *hop;

		if (nla_type(attr) != ROAM_MMP_A_MAIN_HOP)
			continue;
		if (n == max) {
			NL_SET_ERR_MSG_ATTR(info->extack, attr,
					    "too many neighbours; at most 8 uplinks, and 256 nodes below");
			hop = ERR_PTR(-E2BIG);
		} else {
			hop = mmp_nl_get_hop(mn, attr, info->extack);
		}
		if (IS_ERR(hop)) {
			mmp_nl_put_hops_back(mn, hops, n);
			return PTR_ERR(hop);
		}
		hops[n++] = hop;
	}
	return n;
}

static int mmp_nl_put_hop(struct sk_buff *msg, u16 type,
			  const struct mmp_hop *hop)
{
	struct nlattr *nest = nla_nest_start(msg, type);

	if (!nest)
		return -EMSGSIZE;
	if (nla_put_u32(msg, ROAM_MMP_A_HOP_IFINDEX, hop->ifindex) ||
	    nla_put(msg, ROAM_MMP_A_HOP_LLADDR, ETH_ALEN, hop->mac)) {
		nla_nest_cancel(msg, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(msg, nest);
	return 0;
}

static int mmp_nl_reply_hops(struct genl_info *info, struct mmp_hop *const *hops,
			     unsigned int n)
{
	struct sk_buff *msg;
	unsigned int i;
	int err = 0;
	void *hdr;

	msg = roam_nl_reply_new(info, &mmp_nl_family,
				NLMSG_DEFAULT_SIZE + n * 32, &hdr);
	if (!msg)
		return -ENOMEM;
	for (i = 0; i < n && !err; i++)
		err = mmp_nl_put_hop(msg, ROAM_MMP_A_MAIN_HOP, hops[i]);
	return roam_nl_reply_end(info, msg, hdr, err);
}

int roam_mmp_nl_uplink_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct mmp_net *mn = mmp_nl_net(info);
	struct mmp_hop *old[MMP_UPLINKS_MAX], *hops[MMP_UPLINKS_MAX];
	struct mmp_shape *shape;
	unsigned int n_old;
	int n;

	mutex_lock(&mn->mutex);
	n = mmp_nl_get_hops(mn, info, hops, MMP_UPLINKS_MAX);
	if (n < 0)
		goto out;
	shape = mmp_shape_copy(mn);
	if (!shape) {
		mmp_nl_put_hops_back(mn, hops, n);
		n = -ENOMEM;
		goto out;
	}
	n_old = shape->n_uplinks;
	memcpy(old, shape->uplinks, sizeof(old));
	memcpy(shape->uplinks, hops, n * sizeof(hops[0]));
	shape->n_uplinks = n;
	mmp_shape_replace(mn, shape);
	mmp_nl_put_hops_back(mn, old, n_old);
out:
	mutex_unlock(&mn->mutex);
	return min(n, 0);
}

int roam_mmp_nl_uplink_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct mmp_net *mn = mmp_nl_net(info);
	const struct mmp_shape *shape;
	int err;

	mutex_lock(&mn->mutex);
	shape = rcu_dereference_protected(mn->shape,
					  lockdep_is_held(&mn->mutex));
	err = mmp_nl_reply_hops(info, shape ? shape->uplinks : NULL,
				shape ? shape->n_uplinks : 0);
	mutex_unlock(&mn->mutex);
	return err;
}

int roam_mmp_nl_below_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct mmp_net *mn = mmp_nl_net(info);
	struct mmp_hop **hops;
	unsigned int i;
	int n;

	hops = kcalloc(MMP_BELOW_MAX, sizeof(*hops), GFP_KERNEL);
	if (!hops)
		return -ENOMEM;
	mutex_lock(&mn->mutex);
	n = mmp_nl_get_hops(mn, info, hops, MMP_BELOW_MAX);
	if (n >= 0) {
		for (i = 0; i < mn->n_below; i++)
			WRITE_ONCE(mn->below[i]->below, false);
		for (i = 0; i < n; i++)
			WRITE_ONCE(hops[i]->below, true);
		mmp_nl_put_hops_back(mn, mn->below, mn->n_below);
		memcpy(mn->below, hops, n * sizeof(*hops));
		mn->n_below = n;
	}
	mutex_unlock(&mn->mutex);
	kfree(hops);
	return min(n, 0);
}

int roam_mmp_nl_below_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct mmp_net *mn = mmp_nl_net(info);
	int err;

	mutex_lock(&mn->mutex);
	err = mmp_nl_reply_hops(info, mn->below, mn->n_below);
	mutex_unlock(&mn->mutex);
	return err;
}

/* ---- entries ---- */

static int mmp_nl_parse_host(const struct nlattr *nest, struct nlattr **tb,
			     struct in6_addr *addr,
			     struct netlink_ext_ack *extack)
{
	int err;

	err = nla_parse_nested(tb, ROAM_MMP_A_HOST_MAX, nest,
			       roam_mmp_host_nl_policy, extack);
	if (err)
		return err;
	return roam_nl_host(nest, tb, ROAM_MMP_A_HOST_ADDR4, addr, extack);
}

static int mmp_nl_host_set(struct genl_info *info, const struct nlattr *nest)
{
	struct nlattr *tb[ROAM_MMP_A_HOST_MAX + 1];
	struct mmp_net *mn = mmp_nl_net(info);
	struct mmp_host_request req = { 0 };
	const struct nlattr *attr;
	const struct mmp_shape *shape;
	struct mmp_hop *hop;
	int err, rem, n = 0;

	err = mmp_nl_parse_host(nest, tb, &req.addr, info->extack);
	if (err)
		return err;
	shape = rcu_dereference_protected(mn->shape,
					  lockdep_is_held(&mn->mutex));
	if (!shape || !mmp_in_ranges(shape, &req.addr)) {
		NL_SET_ERR_MSG_ATTR(info->extack, nest,
				    "address is in no subnet of the domain");
		return -EINVAL;
	}
	if (tb[ROAM_MMP_A_HOST_SEQ])
		req.seq = nla_get_u64(tb[ROAM_MMP_A_HOST_SEQ]);
	req.keep = tb[ROAM_MMP_A_HOST_KEEP];
	mmp_nl_set_ms(tb[ROAM_MMP_A_HOST_PLAY], &req.play);
	nla_for_each_nested(attr, nest, rem) {
		if (nla_type(attr) != ROAM_MMP_A_HOST_HOP)
			continue;
		if (n == MMP_HOPS) {
			NL_SET_ERR_MSG_ATTR(info->extack, attr,
					    "an entry has at most two downlinks");
			hop = ERR_PTR(-E2BIG);
		} else {
			hop = mmp_nl_get_hop(mn, attr, info->extack);
		}
		if (IS_ERR(hop)) {
			mmp_nl_put_hops_back(mn, req.hop, n);
			return PTR_ERR(hop);
		}
		req.hop[n++] = hop;
	}
	if (!n) {
		NL_SET_ERR_MSG_ATTR(info->extack, nest,
				    "an entry needs a downlink");
		return -EINVAL;
	}
	if (req.hop[0] == req.hop[1]) {
		NL_SET_ERR_MSG_ATTR(info->extack, nest,
				    "the two downlinks are the same");
		mmp_nl_put_hops_back(mn, req.hop, n);
		return -EINVAL;
	}
	NL_SET_BAD_ATTR(info->extack, nest);
	return mmp_host_set(mn, &req, info->extack);
}

int roam_mmp_nl_host_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct mmp_net *mn = mmp_nl_net(info);
	int err = roam_nl_require(info, ROAM_MMP_A_MAIN_HOST);

	if (err)
		return err;
	mutex_lock(&mn->mutex);
	err = roam_nl_bulk(info, &mmp_nl_family, ROAM_MMP_A_MAIN_HOST,
			   ROAM_MMP_A_MAIN_APPLIED, 0, mmp_nl_host_set);
	mutex_unlock(&mn->mutex);
	return err;
}

static int mmp_nl_host_del(struct genl_info *info, const struct nlattr *nest)
{
	struct nlattr *tb[ROAM_MMP_A_HOST_MAX + 1];
	struct in6_addr addr;
	int err;

	err = mmp_nl_parse_host(nest, tb, &addr, info->extack);
	if (err)
		return err;
	if (mmp_host_del(mmp_nl_net(info), &addr))
		return 0;
	NL_SET_ERR_MSG_ATTR(info->extack, nest, "there is no entry for it");
	return -ENOENT;
}

int roam_mmp_nl_host_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct mmp_net *mn = mmp_nl_net(info);
	u32 applied = 0;
	int err;

	if (!info->attrs[ROAM_MMP_A_MAIN_ALL]) {
		err = roam_nl_require(info, ROAM_MMP_A_MAIN_HOST);
		if (err)
			return err;
	}
	mutex_lock(&mn->mutex);
	if (info->attrs[ROAM_MMP_A_MAIN_ALL])
		applied = mmp_host_flush(mn);
	err = roam_nl_bulk(info, &mmp_nl_family, ROAM_MMP_A_MAIN_HOST,
			   ROAM_MMP_A_MAIN_APPLIED, applied, mmp_nl_host_del);
	mutex_unlock(&mn->mutex);
	return err;
}

/* Under rcu_read_lock(), or the lock. */
static int mmp_nl_put_host(struct sk_buff *msg, const struct mmp_host *host,
			   const struct mmp_net *mn)
{
	u32 now = jiffies, timeout = READ_ONCE(mn->config.timeout);
	const struct mmp_hop *second = rcu_dereference_raw(host->hop[1]);
	struct nlattr *nest;

	nest = nla_nest_start(msg, ROAM_MMP_A_MAIN_HOST);
	if (!nest)
		return -EMSGSIZE;
	if (roam_nl_put_addr(msg, ROAM_MMP_A_HOST_ADDR4, &host->addr) ||
	    mmp_nl_put_hop(msg, ROAM_MMP_A_HOST_HOP,
			   rcu_dereference_raw(host->hop[0])) ||
	    (second && mmp_nl_put_hop(msg, ROAM_MMP_A_HOST_HOP, second)) ||
	    nla_put_u64_64bit(msg, ROAM_MMP_A_HOST_SEQ, READ_ONCE(host->seq),
			      ROAM_MMP_A_HOST_PAD) ||
	    nla_put_u32(msg, ROAM_MMP_A_HOST_LEFT,
			jiffies_to_msecs(max_t(s32, 0, timeout -
				(now - READ_ONCE(host->used[0]))))) ||
	    (second && nla_put_u32(msg, ROAM_MMP_A_HOST_SECOND_LEFT,
			jiffies_to_msecs(max_t(s32, 0,
				READ_ONCE(host->second_until) - now))))) {
		nla_nest_cancel(msg, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(msg, nest);
	return 0;
}

int roam_mmp_nl_host_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[ROAM_MMP_A_HOST_MAX + 1];
	struct mmp_net *mn = mmp_nl_net(info);
	struct mmp_host *host;
	struct in6_addr addr;
	struct sk_buff *msg;
	void *hdr;
	int err;

	err = roam_nl_require(info, ROAM_MMP_A_MAIN_HOST);
	if (err)
		return err;
	err = mmp_nl_parse_host(info->attrs[ROAM_MMP_A_MAIN_HOST], tb, &addr,
				info->extack);
	if (err)
		return err;
	msg = mmp_nl_reply_new(info, &hdr);
	if (!msg)
		return -ENOMEM;
	rcu_read_lock();
	host = mmp_host_find(mn, &addr);
	if (host) {
		err = mmp_nl_put_host(msg, host, mn);
	} else {
		NL_SET_ERR_MSG_ATTR(info->extack,
				    info->attrs[ROAM_MMP_A_MAIN_HOST],
				    "there is no entry for it");
		err = -ENOENT;
	}
	rcu_read_unlock();
	return roam_nl_reply_end(info, msg, hdr, err);
}

static int mmp_nl_dump_start(struct netlink_callback *cb)
{
	return roam_nl_dump_start(cb, &mmp_net(sock_net(cb->skb->sk))->hosts);
}

static int mmp_nl_dump_host(struct sk_buff *msg, const void *entry, void *ctx)
{
	return mmp_nl_put_host(msg, entry, ctx);
}

int roam_mmp_nl_host_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct mmp_net *mn = mmp_net(sock_net(skb->sk));

	return roam_nl_dump(skb, cb, &mmp_nl_family, ROAM_MMP_CMD_HOST_GET,
			    &mn->generation, mmp_nl_dump_host, mn);
}

void mmp_nl_event(struct mmp_net *mn, const struct mmp_host *host, u8 reason)
{
	struct sk_buff *msg;
	void *hdr;

	msg = roam_nl_event_new(&mmp_nl_family, mn->net, ROAM_MMP_NLGRP_EVENTS,
				ROAM_MMP_CMD_HOST_NTF, &hdr);
	if (!msg)
		return;
	if (mmp_nl_put_host(msg, host, mn) ||
	    nla_put_u8(msg, ROAM_MMP_A_MAIN_REASON, reason)) {
		nlmsg_free(msg);
		return;
	}
	roam_nl_event_send(&mmp_nl_family, mn->net, ROAM_MMP_NLGRP_EVENTS, msg,
			   hdr);
}

/* ---- subnets and interfaces ---- */

static int mmp_nl_parse_range(const struct nlattr *nest, struct mmp_range *range,
			      struct netlink_ext_ack *extack)
{
	struct nlattr *tb[ROAM_MMP_A_RANGE_MAX + 1];
	const struct nlattr *attr;
	struct in6_addr first;
	unsigned int len;
	int err;

	err = nla_parse_nested(tb, ROAM_MMP_A_RANGE_MAX, nest,
			       roam_mmp_range_nl_policy, extack);
	if (err)
		return err;
	attr = roam_nl_addr(nest, tb, ROAM_MMP_A_RANGE_ADDR4, &range->addr,
			    extack);
	if (IS_ERR(attr))
		return PTR_ERR(attr);
	if (!tb[ROAM_MMP_A_RANGE_PREFIX_LEN]) {
		NL_SET_ERR_MSG_ATTR(extack, nest,
				    "a subnet needs address and length");
		return -EINVAL;
	}
	len = nla_get_u8(tb[ROAM_MMP_A_RANGE_PREFIX_LEN]);
	if (roam_addr_is4(&range->addr))
		len += 96;
	if (len > 128 || len < 8) {
		NL_SET_ERR_MSG_ATTR(extack, tb[ROAM_MMP_A_RANGE_PREFIX_LEN],
				    "a subnet has 8 bits at least, and no more than its address");
		return -EINVAL;
	}
	ipv6_addr_prefix(&first, &range->addr, len);
	if (!ipv6_addr_equal(&first, &range->addr)) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "address has bits beyond the prefix length");
		return -EINVAL;
	}
	range->len = len;
	return 0;
}

static int mmp_nl_fill_ranges(struct genl_info *info, struct mmp_shape *shape)
{
	const struct nlattr *attr;
	int err, rem;

	shape->n_ranges = 0;
	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem) {
		if (nla_type(attr) != ROAM_MMP_A_MAIN_RANGE)
			continue;
		if (shape->n_ranges == MMP_RANGES_MAX) {
			NL_SET_ERR_MSG_ATTR(info->extack, attr,
					    "a domain has at most 8 subnets");
			return -E2BIG;
		}
		err = mmp_nl_parse_range(attr,
					 &shape->ranges[shape->n_ranges++],
					 info->extack);
		if (err)
			return err;
	}
	return 0;
}

static int mmp_nl_fill_interfaces(struct genl_info *info,
				  struct mmp_shape *shape)
{
	struct nlattr *tb[ROAM_MMP_A_INTERFACE_MAX + 1];
	const struct nlattr *attr;
	struct mmp_interface *i;
	int err, rem;

	shape->n_interfaces = 0;
	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem) {
		if (nla_type(attr) != ROAM_MMP_A_MAIN_INTERFACE)
			continue;
		if (shape->n_interfaces == MMP_INTERFACES_MAX) {
			NL_SET_ERR_MSG_ATTR(info->extack, attr,
					    "a node has at most 64 interfaces");
			return -E2BIG;
		}
		err = nla_parse_nested(tb, ROAM_MMP_A_INTERFACE_MAX, attr,
				       roam_mmp_interface_nl_policy,
				       info->extack);
		if (err)
			return err;
		if (!tb[ROAM_MMP_A_INTERFACE_IFINDEX]) {
			NL_SET_ERR_MSG_ATTR(info->extack, attr,
					    "an interface needs its index");
			return -EINVAL;
		}
		i = &shape->interfaces[shape->n_interfaces++];
		i->ifindex = nla_get_u32(tb[ROAM_MMP_A_INTERFACE_IFINDEX]);
		i->side = MMP_SIDE_NODES;
		if (tb[ROAM_MMP_A_INTERFACE_KIND] &&
		    nla_get_u8(tb[ROAM_MMP_A_INTERFACE_KIND]) ==
		    ROAM_MMP_KIND_AIR)
			i->side = MMP_SIDE_AIR;
	}
	return 0;
}

static int mmp_nl_set_shape(struct genl_info *info,
			    int (*fill)(struct genl_info *info,
					struct mmp_shape *shape))
{
	struct mmp_net *mn = mmp_nl_net(info);
	struct mmp_shape *shape;
	int err;

	mutex_lock(&mn->mutex);
	shape = mmp_shape_copy(mn);
	err = shape ? fill(info, shape) : -ENOMEM;
	if (err) {
		kfree(shape);
	} else {
		mmp_shape_replace(mn, shape);
		err = mmp_hooks_update(mn);
	}
	mutex_unlock(&mn->mutex);
	return err;
}

int roam_mmp_nl_range_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	return mmp_nl_set_shape(info, mmp_nl_fill_ranges);
}

int roam_mmp_nl_interface_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	return mmp_nl_set_shape(info, mmp_nl_fill_interfaces);
}

static int mmp_nl_put_range(struct sk_buff *msg, const struct mmp_range *range)
{
	struct nlattr *nest = nla_nest_start(msg, ROAM_MMP_A_MAIN_RANGE);

	if (!nest)
		return -EMSGSIZE;
	if (roam_nl_put_addr(msg, ROAM_MMP_A_RANGE_ADDR4, &range->addr) ||
	    nla_put_u8(msg, ROAM_MMP_A_RANGE_PREFIX_LEN, range->len -
		       (roam_addr_is4(&range->addr) ? 96 : 0)))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

static int mmp_nl_put_interface(struct sk_buff *msg,
				const struct mmp_interface *i)
{
	struct nlattr *nest = nla_nest_start(msg, ROAM_MMP_A_MAIN_INTERFACE);

	if (!nest)
		return -EMSGSIZE;
	if (nla_put_u32(msg, ROAM_MMP_A_INTERFACE_IFINDEX, i->ifindex) ||
	    nla_put_u8(msg, ROAM_MMP_A_INTERFACE_KIND,
		       i->side == MMP_SIDE_AIR ? ROAM_MMP_KIND_AIR :
						 ROAM_MMP_KIND_NODES))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

static int mmp_nl_get_shape(struct genl_info *info, bool ranges)
{
	const struct mmp_shape *shape;
	struct sk_buff *msg;
	unsigned int i;
	int err = 0;
	void *hdr;

	msg = mmp_nl_reply_new(info, &hdr);
	if (!msg)
		return -ENOMEM;
	rcu_read_lock();
	shape = rcu_dereference(mmp_nl_net(info)->shape);
	for (i = 0; shape && ranges && i < shape->n_ranges && !err; i++)
		err = mmp_nl_put_range(msg, &shape->ranges[i]);
	for (i = 0; shape && !ranges && i < shape->n_interfaces && !err; i++)
		err = mmp_nl_put_interface(msg, &shape->interfaces[i]);
	rcu_read_unlock();
	return roam_nl_reply_end(info, msg, hdr, err);
}

int roam_mmp_nl_range_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	return mmp_nl_get_shape(info, true);
}

int roam_mmp_nl_interface_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	return mmp_nl_get_shape(info, false);
}

/* ---- settings and counters ---- */

int roam_mmp_nl_config_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[ROAM_MMP_A_CONFIG_MAX + 1];
	struct mmp_net *mn = mmp_nl_net(info);
	struct mmp_config *config = &mn->config;
	int err = roam_nl_require(info, ROAM_MMP_A_MAIN_CONFIG);

	if (err)
		return err;
	err = nla_parse_nested(tb, ROAM_MMP_A_CONFIG_MAX,
			       info->attrs[ROAM_MMP_A_MAIN_CONFIG],
			       roam_mmp_config_nl_policy, info->extack);
	if (err)
		return err;
	err = roam_nl_limit(tb[ROAM_MMP_A_CONFIG_MAX_HOSTS], MMP_HOSTS_DEFAULT,
			    info->extack);
	if (err)
		return err;
	mutex_lock(&mn->mutex);
	if (tb[ROAM_MMP_A_CONFIG_ROLE])
		WRITE_ONCE(config->role,
			   nla_get_u8(tb[ROAM_MMP_A_CONFIG_ROLE]));
	mmp_nl_set_ms(tb[ROAM_MMP_A_CONFIG_TIMEOUT], &config->timeout);
	mmp_nl_set_ms(tb[ROAM_MMP_A_CONFIG_SECOND_TIME], &config->second_time);
	mmp_nl_set_ms(tb[ROAM_MMP_A_CONFIG_LEFT_TIME], &config->left_time);
	mmp_nl_set_ms(tb[ROAM_MMP_A_CONFIG_KEEP_TIME], &config->keep_time);
	if (tb[ROAM_MMP_A_CONFIG_KEEP_BYTES])
		WRITE_ONCE(config->keep_bytes,
			   nla_get_u32(tb[ROAM_MMP_A_CONFIG_KEEP_BYTES]));
	if (tb[ROAM_MMP_A_CONFIG_MAX_HOSTS])
		WRITE_ONCE(config->max_hosts,
			   nla_get_u32(tb[ROAM_MMP_A_CONFIG_MAX_HOSTS]));
	if (tb[ROAM_MMP_A_CONFIG_TURN])
		WRITE_ONCE(config->turn,
			   nla_get_u8(tb[ROAM_MMP_A_CONFIG_TURN]));
	if (tb[ROAM_MMP_A_CONFIG_PORT])
		WRITE_ONCE(config->port,
			   htons(nla_get_u16(tb[ROAM_MMP_A_CONFIG_PORT])));
	mutex_unlock(&mn->mutex);
	return 0;
}

int roam_mmp_nl_config_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	const struct mmp_config *config = &mmp_nl_net(info)->config;
	struct nlattr *nest;
	struct sk_buff *msg;
	int err = 0;
	void *hdr;

	msg = mmp_nl_reply_new(info, &hdr);
	if (!msg)
		return -ENOMEM;
	nest = nla_nest_start(msg, ROAM_MMP_A_MAIN_CONFIG);
	if (!nest ||
	    nla_put_u8(msg, ROAM_MMP_A_CONFIG_ROLE, config->role) ||
	    nla_put_u32(msg, ROAM_MMP_A_CONFIG_TIMEOUT,
			jiffies_to_msecs(config->timeout)) ||
	    nla_put_u32(msg, ROAM_MMP_A_CONFIG_SECOND_TIME,
			jiffies_to_msecs(config->second_time)) ||
	    nla_put_u32(msg, ROAM_MMP_A_CONFIG_LEFT_TIME,
			jiffies_to_msecs(config->left_time)) ||
	    nla_put_u32(msg, ROAM_MMP_A_CONFIG_MAX_HOSTS, config->max_hosts) ||
	    nla_put_u8(msg, ROAM_MMP_A_CONFIG_TURN, config->turn) ||
	    nla_put_u16(msg, ROAM_MMP_A_CONFIG_PORT, ntohs(config->port)) ||
	    nla_put_u32(msg, ROAM_MMP_A_CONFIG_KEEP_TIME,
			jiffies_to_msecs(config->keep_time)) ||
	    nla_put_u32(msg, ROAM_MMP_A_CONFIG_KEEP_BYTES, config->keep_bytes))
		err = -EMSGSIZE;
	else
		nla_nest_end(msg, nest);
	return roam_nl_reply_end(info, msg, hdr, err);
}

/* Which attribute carries which counter. */
static const struct roam_nl_counter mmp_nl_counters[] = {
#define COUNTER(attr, field) \
	{ ROAM_MMP_A_STATS_##attr, offsetof(struct mmp_stats, field) }
	COUNTER(DOWN, down),
	COUNTER(COPIED, copied),
	COUNTER(UP, up),
	COUNTER(UP_SECONDARY, up_secondary),
	COUNTER(TURNED, turned),
	COUNTER(HEALED, healed),
	COUNTER(MESSAGES, messages),
	COUNTER(DROP_UNREGISTERED, drop[MMP_DROP_UNREGISTERED]),
	COUNTER(DROP_NO_UPLINK, drop[MMP_DROP_NO_UPLINK]),
	COUNTER(DROP_NO_DOWNLINK, drop[MMP_DROP_NO_DOWNLINK]),
	COUNTER(DROP_TTL, drop[MMP_DROP_TTL]),
	COUNTER(DROP_TOO_BIG, drop[MMP_DROP_TOO_BIG]),
	COUNTER(DROP_MEMORY, drop[MMP_DROP_MEMORY]),
	COUNTER(HOSTS_FULL, hosts_full),
	COUNTER(KEPT, kept),
	COUNTER(PLAYED, played),
	COUNTER(KEEP_FULL, keep_full),
#undef COUNTER
};

int roam_mmp_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct mmp_net *mn = mmp_nl_net(info);
	struct nlattr *nest;
	struct sk_buff *msg;
	int err = 0;
	void *hdr;

	msg = mmp_nl_reply_new(info, &hdr);
	if (!msg)
		return -ENOMEM;
	nest = nla_nest_start(msg, ROAM_MMP_A_MAIN_STATS);
	if (!nest ||
	    roam_nl_put_counters(msg, mmp_nl_counters,
				 ARRAY_SIZE(mmp_nl_counters),
				 ROAM_MMP_A_STATS_PAD, mn->stats) ||
	    nla_put_u32(msg, ROAM_MMP_A_STATS_HOSTS,
			atomic_read(&mn->hosts.nelems)))
		err = -EMSGSIZE;
	else
		nla_nest_end(msg, nest);
	return roam_nl_reply_end(info, msg, hdr, err);
}

/* ---- family ---- */

/* The generated operations, with what the specification cannot say. */
static struct genl_ops mmp_nl_ops[ARRAY_SIZE(roam_mmp_nl_ops)] __ro_after_init;

static struct genl_multicast_group
mmp_nl_mcgrps[ARRAY_SIZE(roam_mmp_nl_mcgrps)] __ro_after_init;

static struct genl_family mmp_nl_family __ro_after_init = {
	.name		= ROAM_MMP_GENL_NAME,
	.version	= ROAM_MMP_GENL_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.ops		= mmp_nl_ops,
	.n_ops		= ARRAY_SIZE(mmp_nl_ops),
	.resv_start_op	= ROAM_MMP_CMD_HOST_SET,
	.mcgrps		= mmp_nl_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(mmp_nl_mcgrps),
};

int __init mmp_nl_init(void)
{
	unsigned int i;

	/* Who is where is nobody else's business. */
	for (i = 0; i < ARRAY_SIZE(mmp_nl_mcgrps); i++) {
		mmp_nl_mcgrps[i] = roam_mmp_nl_mcgrps[i];
		mmp_nl_mcgrps[i].flags = GENL_MCAST_CAP_NET_ADMIN;
	}
	memcpy(mmp_nl_ops, roam_mmp_nl_ops, sizeof(mmp_nl_ops));
	for (i = 0; i < ARRAY_SIZE(mmp_nl_ops); i++) {
		if (mmp_nl_ops[i].cmd != ROAM_MMP_CMD_HOST_GET)
			continue;
		mmp_nl_ops[i].start = mmp_nl_dump_start;
		mmp_nl_ops[i].done = roam_nl_dump_done;
	}
	return genl_register_family(&mmp_nl_family);
}

void mmp_nl_exit(void)
{
	genl_unregister_family(&mmp_nl_family);
}
