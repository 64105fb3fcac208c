// SPDX-License-Identifier: GPL-2.0-only
/* Netlink: mappings, and those that packets wait for. */
#include <linux/jiffies.h>

#include "../core/nl.h"
#include "mangle.h"
#include "netlink.h"
#include "netlink-gen.h"
#include "trace.h"

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
			jiffies_to_msecs(roam_age(&mapping->used)))) {
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

	mutex_lock(&mn->table.lock);
	mapping = mangle_mapping_set(&mn->table, &req, &reason, info->extack);
	if (IS_ERR(mapping)) {
		mutex_unlock(&mn->table.lock);
		NL_SET_BAD_ATTR(info->extack, attr);
		return PTR_ERR(mapping);
	}
	err = mangle_hooks_update(mn);
	if (err) {
		mangle_mapping_remove(&mn->table, mapping);
		mutex_unlock(&mn->table.lock);
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "the hooks cannot be registered");
		return err;
	}
	mangle_nl_mapping_event(mn, mapping, reason);
	mutex_unlock(&mn->table.lock);

	if (req.role == ROAM_MANGLE_ROLE_REMOTE)
		mangle_hold_release(&mn->hold, &req.perm);
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

	mutex_lock(&mn->table.lock);
	rcu_read_lock();
	mapping = mangle_mapping_find(&mn->table, &perm);
	rcu_read_unlock();
	if (mapping) {
		mangle_nl_mapping_event(mn, mapping, ROAM_MANGLE_REASON_DELETED);
		mangle_mapping_remove(&mn->table, mapping);
	} else {
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "there is no such mapping");
		err = -ENOENT;
	}
	mutex_unlock(&mn->table.lock);
	return err;
}

int roam_mangle_nl_mapping_del_doit(struct sk_buff *skb,
				    struct genl_info *info)
{
	struct mangle_net *mn = mangle_nl_net(info);
	u32 applied = 0;
	int err;

	if (info->attrs[ROAM_MANGLE_A_MAIN_ALL]) {
		mutex_lock(&mn->table.lock);
		applied = mangle_mappings(&mn->table);
		mangle_mapping_flush(&mn->table);
		mutex_unlock(&mn->table.lock);
	} else if (roam_nl_require(info, ROAM_MANGLE_A_MAIN_MAPPING)) {
		return -EINVAL;
	}
	err = mangle_nl_bulk(info, ROAM_MANGLE_A_MAIN_MAPPING, applied,
			     mangle_nl_mapping_del_one);
	mutex_lock(&mn->table.lock);
	mangle_hooks_update(mn);
	mutex_unlock(&mn->table.lock);
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
	mapping = mangle_mapping_find(&mn->table, &perm);
	if (mapping) {
		err = mangle_nl_put_mapping(msg, mapping);
	} else if (mangle_hold_waits(&mn->hold, &perm, &left)) {
		err = mangle_nl_put_pending(msg, &perm, left);
	} else {
		NL_SET_ERR_MSG_ATTR(info->extack, nest, "there is no such mapping");
		err = -ENOENT;
	}
	rcu_read_unlock();
	return roam_nl_reply_end(info, msg, hdr, err);
}

int mangle_nl_mapping_dump_start(struct netlink_callback *cb)
{
	return roam_nl_dump_start(cb, &mangle_net(sock_net(cb->skb->sk))->table.by_perm);
}

/* Behind the mappings that are known come those that packets wait for. */
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

	while (mangle_hold_next(&mn->hold, &question, &perm, &left)) {
		/* The answer is there, its packets are about to leave. */
		rcu_read_lock();
		known = mangle_mapping_find(&mn->table, &perm);
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

int roam_mangle_nl_mapping_get_dumpit(struct sk_buff *skb,
				      struct netlink_callback *cb)
{
	struct mangle_net *mn = mangle_net(sock_net(skb->sk));

	roam_nl_dump(skb, cb, &mangle_nl_family, ROAM_MANGLE_CMD_MAPPING_GET,
		     &mn->table.generation, mangle_nl_dump_put_mapping, NULL);
	if (roam_nl_dump_of(cb)->end)
		mangle_nl_dump_pending(skb, cb);
	return skb->len;
}
