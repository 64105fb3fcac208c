// SPDX-License-Identifier: GPL-2.0-only
/*
 * Netlink: requests are checked here and carried out by table.c, peer.c and
 * range.c. Each refusal names the attribute and says why in a sentence.
 */
#include <linux/inet.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <net/genetlink.h>
#include <net/sock.h>

/*
 * Included, not linked: its table of multicast groups is static, because the
 * generator leaves the family itself to us.
 */
#include "netlink-gen.c"

#include "../core/nl.h"
#include "exempt.h"
#include "hold.h"
#include "netlink.h"
#include "peer.h"
#include "range.h"
#include "table.h"
#include "trace.h"

static struct genl_family mangle_nl_family;

static struct mangle_net *mangle_nl_net(struct genl_info *info)
{
	return mangle_net(genl_info_net(info));
}

/* ---- reading requests ---- */

static int mangle_nl_parse_mapping(const struct nlattr *nest,
				 struct mangle_mapping_request *req,
				 struct netlink_ext_ack *extack)
{
	struct nlattr *tb[ROAM_MANGLE_A_MAPPING_MAX + 1];
	int err;

	err = nla_parse_nested(tb, ROAM_MANGLE_A_MAPPING_MAX, nest,
			       roam_mangle_mapping_nl_policy, extack);
	if (err)
		return err;

	memset(req, 0, sizeof(*req));
	err = roam_nl_host(nest, tb, ROAM_MANGLE_A_MAPPING_PERM4, &req->perm,
			   extack);
	if (err)
		return err;
	if (tb[ROAM_MANGLE_A_MAPPING_ROLE])
		req->role = nla_get_u8(tb[ROAM_MANGLE_A_MAPPING_ROLE]);
	if (tb[ROAM_MANGLE_A_MAPPING_MODE])
		req->mode = nla_get_u8(tb[ROAM_MANGLE_A_MAPPING_MODE]);
	if (tb[ROAM_MANGLE_A_MAPPING_SEQ])
		req->seq = nla_get_u64(tb[ROAM_MANGLE_A_MAPPING_SEQ]);
	if (tb[ROAM_MANGLE_A_MAPPING_LIFETIME])
		req->lifetime = min_t(unsigned long, S32_MAX,
				      msecs_to_jiffies(nla_get_u32(
				      tb[ROAM_MANGLE_A_MAPPING_LIFETIME])));

	req->valid = !tb[ROAM_MANGLE_A_MAPPING_STATE] ||
		     nla_get_u8(tb[ROAM_MANGLE_A_MAPPING_STATE]) ==
		     ROAM_MANGLE_STATE_VALID;
	if (!req->valid) {
		if (!tb[ROAM_MANGLE_A_MAPPING_COA4] &&
		    !tb[ROAM_MANGLE_A_MAPPING_COA6])
			return 0;
		NL_SET_ERR_MSG_ATTR(extack, nest,
				    "a null mapping has no care-of address");
		return -EINVAL;
	}
	err = roam_nl_host(nest, tb, ROAM_MANGLE_A_MAPPING_COA4, &req->coa,
			   extack);
	if (err)
		return err;
	if (ipv6_addr_equal(&req->perm, &req->coa)) {
		NL_SET_ERR_MSG_ATTR(extack, nest,
				    "care-of and permanent address are the same; a host at home has a null mapping");
		return -EINVAL;
	}
	return roam_nl_same_family(&req->perm, &req->coa, nest, extack);
}

/* The permanent address that a mapping nest names. */
static int mangle_nl_parse_perm(const struct nlattr *nest, struct in6_addr *perm,
			      struct netlink_ext_ack *extack)
{
	struct nlattr *tb[ROAM_MANGLE_A_MAPPING_MAX + 1];
	int err;

	err = nla_parse_nested(tb, ROAM_MANGLE_A_MAPPING_MAX, nest,
			       roam_mangle_mapping_nl_policy, extack);
	if (err)
		return err;
	return roam_nl_host(nest, tb, ROAM_MANGLE_A_MAPPING_PERM4, perm,
			    extack);
}

static int mangle_nl_parse_peer(const struct nlattr *nest,
			      struct mangle_peer_key *key, u8 *mode,
			      struct netlink_ext_ack *extack)
{
	struct nlattr *tb[ROAM_MANGLE_A_PEER_MAX + 1];
	int err;

	err = nla_parse_nested(tb, ROAM_MANGLE_A_PEER_MAX, nest,
			       roam_mangle_peer_nl_policy, extack);
	if (err)
		return err;
	err = roam_nl_host(nest, tb, ROAM_MANGLE_A_PEER_OWN4, &key->own,
			   extack);
	if (err)
		return err;
	err = roam_nl_host(nest, tb, ROAM_MANGLE_A_PEER_ADDR4, &key->addr,
			   extack);
	if (err)
		return err;
	*mode = ROAM_MANGLE_PEER_MODE_SEEN;
	if (tb[ROAM_MANGLE_A_PEER_MODE])
		*mode = nla_get_u8(tb[ROAM_MANGLE_A_PEER_MODE]);
	return roam_nl_same_family(&key->own, &key->addr, nest, extack);
}

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
				    "prefix needs address and length");
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
				    "prefix would hold every IPv4 address too; give a longer one, as 2000::/3");
		return -EINVAL;
	}
	if (!mangle_range_fill(range, &addr, len)) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "address has bits beyond the prefix length");
		return -EINVAL;
	}
	return 0;
}

/*
 * Reads @n prefixes, attributes of @type between @head and @len bytes further:
 * NULL for none, or ERR_PTR.
 */
static struct mangle_ranges *mangle_nl_parse_ranges(const struct nlattr *head,
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

static int mangle_nl_parse_exempt(const struct nlattr *nest,
				struct mangle_exempt *exempt,
				struct netlink_ext_ack *extack)
{
	struct nlattr *tb[ROAM_MANGLE_A_EXEMPT_MAX + 1];
	const struct nlattr *attr;
	int err, rem;

	err = nla_parse_nested(tb, ROAM_MANGLE_A_EXEMPT_MAX, nest,
			       roam_mangle_exempt_nl_policy, extack);
	if (err)
		return err;
	if (tb[ROAM_MANGLE_A_EXEMPT_MARK])
		exempt->mark = nla_get_u32(tb[ROAM_MANGLE_A_EXEMPT_MARK]);
	if (tb[ROAM_MANGLE_A_EXEMPT_MASK])
		exempt->mask = nla_get_u32(tb[ROAM_MANGLE_A_EXEMPT_MASK]);
	if (exempt->mark & ~exempt->mask) {
		NL_SET_ERR_MSG_ATTR(extack, tb[ROAM_MANGLE_A_EXEMPT_MARK],
				    "mark has bits that the mask leaves out");
		return -EINVAL;
	}
	nla_for_each_nested(attr, nest, rem) {
		switch (nla_type(attr)) {
		case ROAM_MANGLE_A_EXEMPT_PORT:
			if (!mangle_exempt_add_port(exempt, nla_get_u16(attr)))
				goto too_many;
			break;
		case ROAM_MANGLE_A_EXEMPT_CGROUP:
			if (exempt->n_cgroups == MANGLE_EXEMPT_CGROUPS)
				goto too_many;
			exempt->cgroups[exempt->n_cgroups++] =
				nla_get_u64(attr);
			break;
		}
	}
	exempt->ranges = mangle_nl_parse_ranges(nla_data(nest), nla_len(nest),
					      ROAM_MANGLE_A_EXEMPT_RANGE,
					      MANGLE_EXEMPT_RANGES, extack);
	if (IS_ERR(exempt->ranges)) {
		err = PTR_ERR(exempt->ranges);
		exempt->ranges = NULL;
		return err;
	}
	return 0;

too_many:
	NL_SET_ERR_MSG_ATTR(extack, attr,
			    "too many of this kind; at most 32 ports and 16 control groups are exempt");
	return -E2BIG;
}

/* ---- writing messages ---- */

/* -ENOENT if it was removed meanwhile. */
static int mangle_nl_put_mapping(struct sk_buff *msg,
			       const struct mangle_mapping *mapping)
{
	struct mangle_mapping_view view;
	struct nlattr *nest;

	if (!mangle_mapping_view(mapping, &view))
		return -ENOENT;
	nest = nla_nest_start(msg, ROAM_MANGLE_A_MAIN_MAPPING);
	if (!nest)
		return -EMSGSIZE;
	if (roam_nl_put_addr(msg, ROAM_MANGLE_A_MAPPING_PERM4,
			     &mapping->perm) ||
	    (view.endpoint && roam_nl_put_addr(msg, ROAM_MANGLE_A_MAPPING_COA4,
					       &view.endpoint->coa)) ||
	    nla_put_u8(msg, ROAM_MANGLE_A_MAPPING_ROLE, mapping->role) ||
	    nla_put_u8(msg, ROAM_MANGLE_A_MAPPING_STATE,
		       view.endpoint ? ROAM_MANGLE_STATE_VALID :
				       ROAM_MANGLE_STATE_NULL) ||
	    nla_put_u8(msg, ROAM_MANGLE_A_MAPPING_MODE,
		       READ_ONCE(mapping->mode)) ||
	    nla_put_u32(msg, ROAM_MANGLE_A_MAPPING_LIFETIME,
			jiffies_to_msecs(view.left)) ||
	    nla_put_u64_64bit(msg, ROAM_MANGLE_A_MAPPING_SEQ, view.seq,
			      ROAM_MANGLE_A_MAPPING_PAD) ||
	    nla_put_u32(msg, ROAM_MANGLE_A_MAPPING_IDLE,
			jiffies_to_msecs((u32)jiffies -
					 READ_ONCE(mapping->used)))) {
		nla_nest_cancel(msg, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(msg, nest);
	return 0;
}

/* A mapping that was asked for; @left jiffies are left for the answer. */
static int mangle_nl_put_pending(struct sk_buff *msg, const struct in6_addr *perm,
			       unsigned long left)
{
	struct nlattr *nest;

	nest = nla_nest_start(msg, ROAM_MANGLE_A_MAIN_MAPPING);
	if (!nest)
		return -EMSGSIZE;
	if (roam_nl_put_addr(msg, ROAM_MANGLE_A_MAPPING_PERM4, perm) ||
	    nla_put_u8(msg, ROAM_MANGLE_A_MAPPING_ROLE,
		       ROAM_MANGLE_ROLE_REMOTE) ||
	    nla_put_u8(msg, ROAM_MANGLE_A_MAPPING_STATE,
		       ROAM_MANGLE_STATE_PENDING) ||
	    nla_put_u32(msg, ROAM_MANGLE_A_MAPPING_LIFETIME,
			jiffies_to_msecs(left))) {
		nla_nest_cancel(msg, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(msg, nest);
	return 0;
}

/* @own may be NULL. */
static int mangle_nl_put_peer(struct sk_buff *msg, const struct in6_addr *own,
			    const struct in6_addr *addr, u8 mode, bool told,
			    u32 idle)
{
	struct nlattr *nest;

	nest = nla_nest_start(msg, ROAM_MANGLE_A_MAIN_PEER);
	if (!nest)
		return -EMSGSIZE;
	if ((own && roam_nl_put_addr(msg, ROAM_MANGLE_A_PEER_OWN4, own)) ||
	    roam_nl_put_addr(msg, ROAM_MANGLE_A_PEER_ADDR4, addr) ||
	    nla_put_u8(msg, ROAM_MANGLE_A_PEER_MODE, mode) ||
	    nla_put_u8(msg, ROAM_MANGLE_A_PEER_TOLD, told) ||
	    nla_put_u32(msg, ROAM_MANGLE_A_PEER_IDLE, jiffies_to_msecs(idle))) {
		nla_nest_cancel(msg, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(msg, nest);
	return 0;
}

/* Under rcu_read_lock(). */
static int mangle_nl_put_peer_entry(struct mangle_net *mn, struct sk_buff *msg,
				  const struct mangle_peer *peer)
{
	struct mangle_mapping *own = mangle_mapping_find(mn, &peer->key.own);

	return mangle_nl_put_peer(msg, &peer->key.own, &peer->key.addr,
				READ_ONCE(peer->mode), own &&
				mangle_peer_knows(peer, READ_ONCE(own->epoch)),
				(u32)jiffies - READ_ONCE(peer->used));
}

/* A reply with its header; *hdr for roam_nl_reply_end(). */
static struct sk_buff *mangle_nl_reply_new(struct genl_info *info, void **hdr)
{
	/* The longest reply: 256 prefixes of IPv6. */
	return roam_nl_reply_new(info, &mangle_nl_family, 3 * 4096, hdr);
}

static int mangle_nl_bulk(struct genl_info *info, u16 type, u32 applied,
			  int (*fn)(struct genl_info *info,
				    const struct nlattr *attr))
{
	return roam_nl_bulk(info, &mangle_nl_family, type,
			    ROAM_MANGLE_A_MAIN_APPLIED, applied, fn);
}

/* ---- events ---- */

static void mangle_nl_trace_mapping(struct mangle_net *mn,
				  const struct mangle_mapping *mapping, u8 reason)
{
	struct mangle_mapping_view view;

	if (mangle_mapping_view(mapping, &view))
		trace_mapping(mn->net, &mapping->perm,
			      view.endpoint ? &view.endpoint->coa : NULL,
			      mapping->role, reason);
}

void mangle_nl_mapping_event(struct mangle_net *mn,
			   const struct mangle_mapping *mapping, u8 reason)
{
	struct sk_buff *msg;
	void *hdr;

	if (trace_mapping_enabled())
		mangle_nl_trace_mapping(mn, mapping, reason);
	msg = roam_nl_event_new(&mangle_nl_family, mn->net,
				ROAM_MANGLE_NLGRP_EVENTS,
				ROAM_MANGLE_CMD_MAPPING_NTF, &hdr);
	if (!msg)
		return;
	if (mangle_nl_put_mapping(msg, mapping) ||
	    nla_put_u8(msg, ROAM_MANGLE_A_MAIN_REASON, reason))
		nlmsg_free(msg);
	else
		roam_nl_event_send(&mangle_nl_family, mn->net,
				   ROAM_MANGLE_NLGRP_EVENTS, msg, hdr);
}

void mangle_nl_peer_event(struct mangle_net *mn, const struct mangle_peer *peer,
			u8 reason)
{
	struct sk_buff *msg;
	void *hdr;

	trace_peer(mn->net, &peer->key.own, &peer->key.addr,
		   READ_ONCE(peer->mode), reason);
	msg = roam_nl_event_new(&mangle_nl_family, mn->net,
				ROAM_MANGLE_NLGRP_EVENTS,
				ROAM_MANGLE_CMD_PEER_NTF, &hdr);
	if (!msg)
		return;
	if (mangle_nl_put_peer_entry(mn, msg, peer) ||
	    nla_put_u8(msg, ROAM_MANGLE_A_MAIN_REASON, reason))
		nlmsg_free(msg);
	else
		roam_nl_event_send(&mangle_nl_family, mn->net,
				   ROAM_MANGLE_NLGRP_EVENTS, msg, hdr);
}

bool mangle_nl_miss_heard(struct mangle_net *mn)
{
	return genl_has_listeners(&mangle_nl_family, mn->net,
				  ROAM_MANGLE_NLGRP_MISS);
}

bool mangle_nl_miss_event(struct mangle_net *mn, const struct in6_addr *own,
			const struct in6_addr *peer, u32 need)
{
	struct sk_buff *msg;
	void *hdr;

	trace_miss(mn->net, own, peer, need);
	msg = roam_nl_event_new(&mangle_nl_family, mn->net,
				ROAM_MANGLE_NLGRP_MISS,
				ROAM_MANGLE_CMD_MISS_NTF, &hdr);
	if (!msg)
		return true;
	if (mangle_nl_put_peer(msg, own, peer, ROAM_MANGLE_PEER_MODE_SEEN, false,
			     0) ||
	    nla_put_u32(msg, ROAM_MANGLE_A_MAIN_NEED, need)) {
		nlmsg_free(msg);
		return true;
	}
	return roam_nl_event_send(&mangle_nl_family, mn->net,
				  ROAM_MANGLE_NLGRP_MISS, msg, hdr) !=
	       -ESRCH;
}

/* ---- mappings ---- */

static int mangle_nl_mapping_set_one(struct genl_info *info,
				     const struct nlattr *attr)
{
	struct mangle_net *mn = mangle_nl_net(info);
	struct mangle_mapping_request req;
	struct mangle_mapping *mapping;
	u8 reason;
	int err;

	err = mangle_nl_parse_mapping(attr, &req, info->extack);
	if (err)
		return err;
	req.exclusive = info->attrs[ROAM_MANGLE_A_MAIN_EXCLUSIVE];
	req.existing = info->attrs[ROAM_MANGLE_A_MAIN_EXISTING];

	mutex_lock(&mn->lock);
	mapping = mangle_mapping_set(mn, &req, &reason, info->extack);
	if (IS_ERR(mapping)) {
		mutex_unlock(&mn->lock);
		NL_SET_BAD_ATTR(info->extack, attr);
		return PTR_ERR(mapping);
	}
	err = mangle_hooks_update(mn);
	if (err) {
		mangle_mapping_remove(mn, mapping);
		mutex_unlock(&mn->lock);
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "cannot register the hooks");
		return err;
	}
	mangle_nl_mapping_event(mn, mapping, reason);
	mutex_unlock(&mn->lock);

	if (req.role == ROAM_MANGLE_ROLE_REMOTE)
		mangle_hold_release(mn, &req.perm);
	return 0;
}

int roam_mangle_nl_mapping_set_doit(struct sk_buff *skb,
				    struct genl_info *info)
{
	if (roam_nl_require(info, ROAM_MANGLE_A_MAIN_MAPPING))
		return -EINVAL;
	return mangle_nl_bulk(info, ROAM_MANGLE_A_MAIN_MAPPING, 0,
			      mangle_nl_mapping_set_one);
}

static int mangle_nl_mapping_del_one(struct genl_info *info,
				     const struct nlattr *attr)
{
	struct mangle_net *mn = mangle_nl_net(info);
	struct mangle_mapping *mapping;
	struct in6_addr perm;
	int err;

	err = mangle_nl_parse_perm(attr, &perm, info->extack);
	if (err)
		return err;

	mutex_lock(&mn->lock);
	rcu_read_lock();
	mapping = mangle_mapping_find(mn, &perm);
	rcu_read_unlock();
	if (mapping) {
		mangle_nl_mapping_event(mn, mapping, ROAM_MANGLE_REASON_DELETED);
		mangle_mapping_remove(mn, mapping);
	} else {
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "no such mapping");
		err = -ENOENT;
	}
	mutex_unlock(&mn->lock);
	return err;
}

int roam_mangle_nl_mapping_del_doit(struct sk_buff *skb,
				    struct genl_info *info)
{
	struct mangle_net *mn = mangle_nl_net(info);
	u32 applied = 0;
	int err;

	if (info->attrs[ROAM_MANGLE_A_MAIN_ALL]) {
		mutex_lock(&mn->lock);
		applied = mangle_mappings(mn);
		mangle_mapping_flush(mn);
		mutex_unlock(&mn->lock);
	} else if (roam_nl_require(info, ROAM_MANGLE_A_MAIN_MAPPING)) {
		return -EINVAL;
	}
	err = mangle_nl_bulk(info, ROAM_MANGLE_A_MAIN_MAPPING, applied,
			     mangle_nl_mapping_del_one);
	mutex_lock(&mn->lock);
	mangle_hooks_update(mn);
	mutex_unlock(&mn->lock);
	return err;
}

int roam_mangle_nl_mapping_get_doit(struct sk_buff *skb,
				    struct genl_info *info)
{
	struct mangle_net *mn = mangle_nl_net(info);
	struct mangle_mapping *mapping;
	struct nlattr *nest;
	struct in6_addr perm;
	struct sk_buff *msg;
	unsigned long left;
	void *hdr;
	int err;

	if (roam_nl_require(info, ROAM_MANGLE_A_MAIN_MAPPING))
		return -EINVAL;
	nest = info->attrs[ROAM_MANGLE_A_MAIN_MAPPING];
	err = mangle_nl_parse_perm(nest, &perm, info->extack);
	if (err)
		return err;

	msg = mangle_nl_reply_new(info, &hdr);
	if (!msg)
		return -ENOMEM;
	rcu_read_lock();
	mapping = mangle_mapping_find(mn, &perm);
	if (mapping) {
		err = mangle_nl_put_mapping(msg, mapping);
	} else if (mangle_hold_waits(mn, &perm, &left)) {
		err = mangle_nl_put_pending(msg, &perm, left);
	} else {
		NL_SET_ERR_MSG_ATTR(info->extack, nest, "no such mapping");
		err = -ENOENT;
	}
	rcu_read_unlock();
	return roam_nl_reply_end(info, msg, hdr, err);
}

/* ---- dumps ---- */

static int mangle_nl_mapping_dump_start(struct netlink_callback *cb)
{
	return roam_nl_dump_start(cb, &mangle_net(sock_net(cb->skb->sk))->by_perm);
}

static int mangle_nl_peer_dump_start(struct netlink_callback *cb)
{
	return roam_nl_dump_start(cb, &mangle_net(sock_net(cb->skb->sk))->peers);
}

/* What is asked for, behind all that is known. */
static void mangle_nl_dump_pending(struct sk_buff *skb,
				 struct netlink_callback *cb)
{
	struct mangle_net *mn = mangle_net(sock_net(skb->sk));
	struct roam_nl_dump *dump = roam_nl_dump_of(cb);
	u64 question = dump->cursor;
	struct in6_addr perm;
	unsigned long left;
	bool known;
	void *hdr;

	while (mangle_hold_next(mn, &question, &perm, &left)) {
		/* The answer is there, its packets are about to leave. */
		rcu_read_lock();
		known = mangle_mapping_find(mn, &perm);
		rcu_read_unlock();
		if (known)
			continue;
		hdr = roam_nl_dump_put(skb, cb, &mangle_nl_family,
				       ROAM_MANGLE_CMD_MAPPING_GET);
		if (!hdr)
			return;
		if (mangle_nl_put_pending(skb, &perm, left)) {
			genlmsg_cancel(skb, hdr);
			return;
		}
		genlmsg_end(skb, hdr);
		dump->cursor = question;
	}
}

static int mangle_nl_dump_put_mapping(struct sk_buff *msg, const void *entry,
				      void *ctx)
{
	return mangle_nl_put_mapping(msg, entry);
}

static int mangle_nl_dump_put_peer(struct sk_buff *msg, const void *entry,
				   void *ctx)
{
	return mangle_nl_put_peer_entry(ctx, msg, entry);
}

int roam_mangle_nl_mapping_get_dumpit(struct sk_buff *skb,
				      struct netlink_callback *cb)
{
	struct mangle_net *mn = mangle_net(sock_net(skb->sk));

	roam_nl_dump(skb, cb, &mangle_nl_family, ROAM_MANGLE_CMD_MAPPING_GET,
		     &mn->generation, mangle_nl_dump_put_mapping, NULL);
	if (roam_nl_dump_of(cb)->end)
		mangle_nl_dump_pending(skb, cb);
	return skb->len;
}

int roam_mangle_nl_peer_get_dumpit(struct sk_buff *skb,
				   struct netlink_callback *cb)
{
	struct mangle_net *mn = mangle_net(sock_net(skb->sk));

	return roam_nl_dump(skb, cb, &mangle_nl_family,
			    ROAM_MANGLE_CMD_PEER_GET, &mn->generation,
			    mangle_nl_dump_put_peer, mn);
}

/* ---- correspondents ---- */

static int mangle_nl_peer_set_one(struct genl_info *info,
				  const struct nlattr *attr)
{
	struct mangle_net *mn = mangle_nl_net(info);
	struct mangle_peer_key key;
	int err;
	u8 mode;

	err = mangle_nl_parse_peer(attr, &key, &mode, info->extack);
	if (err)
		return err;
	mutex_lock(&mn->lock);
	err = mangle_peer_set(mn, &key, mode, info->extack);
	mutex_unlock(&mn->lock);
	if (err) {
		NL_SET_BAD_ATTR(info->extack, attr);
		return err;
	}
	mangle_hold_release(mn, &key.addr);
	return 0;
}

int roam_mangle_nl_peer_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	if (roam_nl_require(info, ROAM_MANGLE_A_MAIN_PEER))
		return -EINVAL;
	return mangle_nl_bulk(info, ROAM_MANGLE_A_MAIN_PEER, 0,
			      mangle_nl_peer_set_one);
}

static int mangle_nl_peer_del_one(struct genl_info *info,
				  const struct nlattr *attr)
{
	struct mangle_peer_key key;
	int err;
	u8 mode;

	err = mangle_nl_parse_peer(attr, &key, &mode, info->extack);
	if (!err)
		err = mangle_peer_del(mangle_nl_net(info), &key);
	if (err == -ENOENT)
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "no such correspondent");
	return err;
}

int roam_mangle_nl_peer_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct mangle_net *mn = mangle_nl_net(info);
	u32 applied = 0;

	if (info->attrs[ROAM_MANGLE_A_MAIN_ALL]) {
		applied = atomic_read(&mn->peers.nelems);
		mangle_peer_flush(mn);
	} else if (roam_nl_require(info, ROAM_MANGLE_A_MAIN_PEER)) {
		return -EINVAL;
	}
	return mangle_nl_bulk(info, ROAM_MANGLE_A_MAIN_PEER, applied,
			      mangle_nl_peer_del_one);
}

int roam_mangle_nl_peer_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct mangle_net *mn = mangle_nl_net(info);
	struct mangle_peer_key key;
	struct mangle_peer *peer;
	struct sk_buff *msg;
	struct nlattr *nest;
	void *hdr;
	u8 mode;
	int err;

	if (roam_nl_require(info, ROAM_MANGLE_A_MAIN_PEER))
		return -EINVAL;
	nest = info->attrs[ROAM_MANGLE_A_MAIN_PEER];
	err = mangle_nl_parse_peer(nest, &key, &mode, info->extack);
	if (err)
		return err;

	msg = mangle_nl_reply_new(info, &hdr);
	if (!msg)
		return -ENOMEM;
	rcu_read_lock();
	peer = mangle_peer_find(mn, &key);
	if (peer) {
		err = mangle_nl_put_peer_entry(mn, msg, peer);
	} else {
		NL_SET_ERR_MSG_ATTR(info->extack, nest,
				    "no such correspondent");
		err = -ENOENT;
	}
	rcu_read_unlock();
	return roam_nl_reply_end(info, msg, hdr, err);
}

/* ---- prefixes ---- */

int roam_mangle_nl_range_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct mangle_net *mn = mangle_nl_net(info);
	struct mangle_ranges *ranges;
	int err;

	ranges = mangle_nl_parse_ranges(nlmsg_attrdata(info->nlhdr, GENL_HDRLEN),
				      nlmsg_attrlen(info->nlhdr, GENL_HDRLEN),
				      ROAM_MANGLE_A_MAIN_RANGE, MANGLE_RANGES_MAX,
				      info->extack);
	if (IS_ERR(ranges))
		return PTR_ERR(ranges);
	mutex_lock(&mn->lock);
	mangle_ranges_set(mn, ranges);
	err = mangle_hooks_update(mn);
	mutex_unlock(&mn->lock);
	return err;
}

/* Each as an attribute of @type; @ranges may be NULL. */
static int mangle_nl_put_ranges(struct sk_buff *msg, u16 type,
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
				 rcu_dereference(mn->ranges));
	rcu_read_unlock();
	return roam_nl_reply_end(info, msg, hdr, err);
}

/* ---- settings and counters ---- */

static void mangle_nl_config_u32(struct nlattr *attr, u32 *setting)
{
	if (attr)
		WRITE_ONCE(*setting, nla_get_u32(attr));
}

static void mangle_nl_config_ms(struct nlattr *attr, u32 *setting)
{
	if (attr)
		WRITE_ONCE(*setting, msecs_to_jiffies(nla_get_u32(attr)));
}

int roam_mangle_nl_config_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[ROAM_MANGLE_A_CONFIG_MAX + 1];
	struct mangle_net *mn = mangle_nl_net(info);
	DECLARE_BITMAP(protocols, 256) = {};
	struct mangle_config *config = &mn->config;
	struct mangle_exempt *exempt = NULL;
	struct nlattr *nest, *attr;
	int err, rem;

	if (roam_nl_require(info, ROAM_MANGLE_A_MAIN_CONFIG))
		return -EINVAL;
	nest = info->attrs[ROAM_MANGLE_A_MAIN_CONFIG];
	err = nla_parse_nested(tb, ROAM_MANGLE_A_CONFIG_MAX, nest,
			       roam_mangle_config_nl_policy, info->extack);
	if (err)
		return err;
	nla_for_each_nested(attr, nest, rem) {
		if (nla_type(attr) != ROAM_MANGLE_A_CONFIG_PROTOCOL)
			continue;
		if (nla_get_u8(attr) == IPPROTO_ICMP ||
		    nla_get_u8(attr) == IPPROTO_ICMPV6) {
			NL_SET_ERR_MSG_ATTR(info->extack, attr,
					    "ICMP follows the protocol it reports about");
			return -EINVAL;
		}
		__set_bit(nla_get_u8(attr), protocols);
	}
	if (tb[ROAM_MANGLE_A_CONFIG_EXEMPT]) {
		exempt = kzalloc(sizeof(*exempt), GFP_KERNEL);
		if (!exempt)
			return -ENOMEM;
		err = mangle_nl_parse_exempt(tb[ROAM_MANGLE_A_CONFIG_EXEMPT],
					   exempt, info->extack);
		if (err) {
			mangle_exempt_free(exempt);
			return err;
		}
	}

	err = roam_nl_limit(tb[ROAM_MANGLE_A_CONFIG_MAX_MAPPINGS],
				  MANGLE_MAPPINGS_DEFAULT, info->extack) ?:
	      roam_nl_limit(tb[ROAM_MANGLE_A_CONFIG_MAX_PEERS],
				  MANGLE_PEERS_DEFAULT, info->extack);
	if (err) {
		mangle_exempt_free(exempt);
		return err;
	}

	mutex_lock(&mn->lock);
	if (exempt)
		mangle_exempt_set(mn, exempt);
	if (tb[ROAM_MANGLE_A_CONFIG_PROTOCOL])
		bitmap_copy(config->protocols, protocols, 256);
	mangle_nl_config_u32(tb[ROAM_MANGLE_A_CONFIG_HOLD_PACKETS],
			   &config->hold_packets);
	mangle_nl_config_u32(tb[ROAM_MANGLE_A_CONFIG_HOLD_TOTAL],
			   &config->hold_total);
	mangle_nl_config_ms(tb[ROAM_MANGLE_A_CONFIG_HOLD_TIME],
			  &config->hold_time);
	if (tb[ROAM_MANGLE_A_CONFIG_HOLD_POLICY])
		WRITE_ONCE(config->hold_policy,
			   nla_get_u8(tb[ROAM_MANGLE_A_CONFIG_HOLD_POLICY]));
	mangle_nl_config_ms(tb[ROAM_MANGLE_A_CONFIG_GRACE], &config->grace);
	mangle_nl_config_u32(tb[ROAM_MANGLE_A_CONFIG_MAX_MAPPINGS],
			   &config->max_mappings);
	mangle_nl_config_u32(tb[ROAM_MANGLE_A_CONFIG_MAX_PEERS],
			   &config->max_peers);
	mangle_nl_config_ms(tb[ROAM_MANGLE_A_CONFIG_PEER_TIME],
			  &config->peer_time);
	mutex_unlock(&mn->lock);
	/* A shorter time is one for what is there, too. */
	roam_sweep_within(&mn->sweep, 0);
	return 0;
}

static int mangle_nl_put_exempt(struct sk_buff *msg,
			      const struct mangle_exempt *exempt)
{
	struct nlattr *nest;
	unsigned int i;

	nest = nla_nest_start(msg, ROAM_MANGLE_A_CONFIG_EXEMPT);
	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < exempt->n_ports; i++)
		if (nla_put_u16(msg, ROAM_MANGLE_A_EXEMPT_PORT,
				ntohs(exempt->ports[i])))
			return -EMSGSIZE;
	for (i = 0; i < exempt->n_cgroups; i++)
		if (nla_put_u64_64bit(msg, ROAM_MANGLE_A_EXEMPT_CGROUP,
				      exempt->cgroups[i],
				      ROAM_MANGLE_A_EXEMPT_PAD))
			return -EMSGSIZE;
	if (nla_put_u32(msg, ROAM_MANGLE_A_EXEMPT_MARK, exempt->mark) ||
	    nla_put_u32(msg, ROAM_MANGLE_A_EXEMPT_MASK, exempt->mask) ||
	    mangle_nl_put_ranges(msg, ROAM_MANGLE_A_EXEMPT_RANGE, exempt->ranges))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

/* Under rcu_read_lock(). */
static int mangle_nl_put_config(struct sk_buff *msg, const struct mangle_net *mn)
{
	const struct mangle_config *config = &mn->config;
	struct nlattr *nest;
	unsigned int protocol;

	nest = nla_nest_start(msg, ROAM_MANGLE_A_MAIN_CONFIG);
	if (!nest)
		return -EMSGSIZE;
	for_each_set_bit(protocol, config->protocols, 256)
		if (nla_put_u8(msg, ROAM_MANGLE_A_CONFIG_PROTOCOL, protocol))
			return -EMSGSIZE;
	if (nla_put_u32(msg, ROAM_MANGLE_A_CONFIG_HOLD_PACKETS,
			config->hold_packets) ||
	    nla_put_u32(msg, ROAM_MANGLE_A_CONFIG_HOLD_TOTAL,
			config->hold_total) ||
	    nla_put_u32(msg, ROAM_MANGLE_A_CONFIG_HOLD_TIME,
			jiffies_to_msecs(config->hold_time)) ||
	    nla_put_u8(msg, ROAM_MANGLE_A_CONFIG_HOLD_POLICY,
		       config->hold_policy) ||
	    nla_put_u32(msg, ROAM_MANGLE_A_CONFIG_GRACE,
			jiffies_to_msecs(config->grace)) ||
	    nla_put_u32(msg, ROAM_MANGLE_A_CONFIG_MAX_MAPPINGS,
			config->max_mappings) ||
	    nla_put_u32(msg, ROAM_MANGLE_A_CONFIG_MAX_PEERS,
			config->max_peers) ||
	    nla_put_u32(msg, ROAM_MANGLE_A_CONFIG_PEER_TIME,
			jiffies_to_msecs(config->peer_time)) ||
	    mangle_nl_put_exempt(msg, rcu_dereference(mn->exempt)))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

int roam_mangle_nl_config_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *msg;
	void *hdr;
	int err;

	msg = mangle_nl_reply_new(info, &hdr);
	if (!msg)
		return -ENOMEM;
	rcu_read_lock();
	err = mangle_nl_put_config(msg, mangle_nl_net(info));
	rcu_read_unlock();
	return roam_nl_reply_end(info, msg, hdr, err);
}

/* Which attribute carries which counter. */
static const struct roam_nl_counter mangle_nl_counters[] = {
#define COUNTER(attr, field) \
	{ ROAM_MANGLE_A_STATS_##attr, offsetof(struct mangle_stats, field) }
	COUNTER(IN_REWRITTEN, in_rewritten),
	COUNTER(OUT_REWRITTEN, out_rewritten),
	COUNTER(IN_ICMP, in_icmp),
	COUNTER(OUT_ICMP, out_icmp),
	COUNTER(IN_KEPT, in_kept),
	COUNTER(HELD, held),
	COUNTER(RELEASED, released),
	COUNTER(UNASKED, unasked),
	COUNTER(DROP_HOLD_FULL, drop[MANGLE_DROP_HOLD_FULL]),
	COUNTER(DROP_HOLD_TIMEOUT, drop[MANGLE_DROP_HOLD_TIMEOUT]),
	COUNTER(PASS_HOLD_FULL, pass_hold_full),
	COUNTER(PASS_HOLD_TIMEOUT, pass_hold_timeout),
	COUNTER(DROP_MALFORMED, drop[MANGLE_DROP_MALFORMED]),
	COUNTER(DROP_UNTOLD, drop[MANGLE_DROP_UNTOLD]),
	COUNTER(DROP_NO_ROUTE, drop[MANGLE_DROP_NO_ROUTE]),
	COUNTER(DROP_EARLY_RESET, drop[MANGLE_DROP_EARLY_RESET]),
	COUNTER(PEERS_FULL, peers_full),
	COUNTER(EXEMPTED, exempted),
	COUNTER(RESUMED, resumed),
#undef COUNTER
};

static int mangle_nl_put_stats(struct sk_buff *msg, struct mangle_net *mn)
{
	struct nlattr *nest;

	nest = nla_nest_start(msg, ROAM_MANGLE_A_MAIN_STATS);
	if (!nest)
		return -EMSGSIZE;
	if (roam_nl_put_counters(msg, mangle_nl_counters,
				 ARRAY_SIZE(mangle_nl_counters),
				 ROAM_MANGLE_A_STATS_PAD, mn->stats) ||
	    nla_put_u32(msg, ROAM_MANGLE_A_STATS_MAPPINGS,
			mangle_mappings(mn)) ||
	    nla_put_u32(msg, ROAM_MANGLE_A_STATS_PEERS,
			atomic_read(&mn->peers.nelems)) ||
	    nla_put_u32(msg, ROAM_MANGLE_A_STATS_HOLDING,
			READ_ONCE(mn->hold.packets)))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

int roam_mangle_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *msg;
	void *hdr;

	msg = mangle_nl_reply_new(info, &hdr);
	if (!msg)
		return -ENOMEM;
	return roam_nl_reply_end(info, msg, hdr,
				 mangle_nl_put_stats(msg, mangle_nl_net(info)));
}

/* ---- family ---- */

/* The generated operations, with what the specification cannot say. */
static struct genl_ops mangle_nl_ops[ARRAY_SIZE(roam_mangle_nl_ops)] __ro_after_init;

static struct genl_multicast_group
mangle_nl_mcgrps[ARRAY_SIZE(roam_mangle_nl_mcgrps)] __ro_after_init;

static struct genl_family mangle_nl_family __ro_after_init = {
	.name		= ROAM_MANGLE_GENL_NAME,
	.version	= ROAM_MANGLE_GENL_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.ops		= mangle_nl_ops,
	.n_ops		= ARRAY_SIZE(mangle_nl_ops),
	.resv_start_op	= ROAM_MANGLE_CMD_MAPPING_SET,
	.mcgrps		= mangle_nl_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(mangle_nl_mcgrps),
};

int __init mangle_nl_init(void)
{
	unsigned int i;

	/* Who talks to whom, and where, is nobody else's business. */
	for (i = 0; i < ARRAY_SIZE(mangle_nl_mcgrps); i++) {
		mangle_nl_mcgrps[i] = roam_mangle_nl_mcgrps[i];
		mangle_nl_mcgrps[i].flags = GENL_MCAST_CAP_NET_ADMIN;
	}
	memcpy(mangle_nl_ops, roam_mangle_nl_ops, sizeof(mangle_nl_ops));
	for (i = 0; i < ARRAY_SIZE(mangle_nl_ops); i++) {
		struct genl_ops *op = &mangle_nl_ops[i];

		if (op->cmd == ROAM_MANGLE_CMD_MAPPING_GET)
			op->start = mangle_nl_mapping_dump_start;
		else if (op->cmd == ROAM_MANGLE_CMD_PEER_GET)
			op->start = mangle_nl_peer_dump_start;
		else
			continue;
		op->done = roam_nl_dump_done;
	}
	return genl_register_family(&mangle_nl_family);
}

void mangle_nl_exit(void)
{
	genl_unregister_family(&mangle_nl_family);
}
