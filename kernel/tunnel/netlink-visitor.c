// SPDX-License-Identifier: GPL-2.0-only
/* Requests, events and dumps of visitors. */
#include <linux/etherdevice.h>
#include <net/genetlink.h>

#include "../core/nl.h"
#include "netlink-gen.h"
#include "netlink.h"
#include "table.h"
#include "trace.h"

/* ---- reading requests ---- */

static int tunnel_nl_parse_agents(const struct nlattr *nest, struct nlattr **tb,
				  struct tunnel_visitor_request *req,
				  struct netlink_ext_ack *extack)
{
	struct roam_encap tunnel = {};
	const struct nlattr *attr;
	int err, rem;

	err = tunnel_nl_host(nest, tb[ROAM_TUNNEL_A_VISITOR_COA4],
			     ROAM_TUNNEL_A_VISITOR_COA4, &tunnel.saddr,
			     extack) ?:
	      tunnel_nl_parse_encap(nest, tb[ROAM_TUNNEL_A_VISITOR_ENCAP],
				    tb[ROAM_TUNNEL_A_VISITOR_SPORT],
				    tb[ROAM_TUNNEL_A_VISITOR_DPORT], &tunnel,
				    extack);
	if (err)
		return err;
	nla_for_each_nested(attr, nest, rem) {
		if (nla_type(attr) != ROAM_TUNNEL_A_VISITOR_AGENT4)
			continue;
		if (req->n == TUNNEL_AGENTS_MAX) {
			NL_SET_ERR_MSG_ATTR(extack, attr,
					    "too many home agents; a visitor has at most 4");
			return -E2BIG;
		}
		err = tunnel_nl_host(nest, attr, ROAM_TUNNEL_A_VISITOR_AGENT4,
				     &tunnel.daddr, extack) ?:
		      tunnel_nl_check_ends(attr, &tunnel, extack);
		if (err)
			return err;
		req->endpoint[req->n++] = tunnel;
	}
	return 0;
}

/* What a visitor on a link must have, and a mobile node itself must not. */
static int tunnel_nl_check_role(const struct nlattr *nest, struct nlattr **tb,
				const struct tunnel_visitor_request *req,
				struct netlink_ext_ack *extack)
{
	const struct nlattr *link = tb[ROAM_TUNNEL_A_VISITOR_LINK];
	const struct nlattr *mac = tb[ROAM_TUNNEL_A_VISITOR_MAC];

	if (req->role == ROAM_TUNNEL_ROLE_OWN) {
		if (link || mac) {
			NL_SET_ERR_MSG_ATTR(extack, link ?: mac,
					    "the home address is this host's own; it is on no link");
			return -EINVAL;
		}
		if (!req->n) {
			NL_SET_ERR_MSG_ATTR(extack, nest,
					    "home agent is missing");
			return -EINVAL;
		}
		if (req->reverse == ROAM_TUNNEL_REVERSE_ENCAPSULATING) {
			NL_SET_ERR_MSG_ATTR(extack,
					    tb[ROAM_TUNNEL_A_VISITOR_REVERSE],
					    "the encapsulating style is between a visitor and a foreign agent");
			return -EINVAL;
		}
		return 0;
	}
	if (!link || !mac) {
		NL_SET_ERR_MSG_ATTR(extack, nest,
				    "a visitor needs link and link-layer address");
		return -EINVAL;
	}
	if (!is_valid_ether_addr(req->mac)) {
		NL_SET_ERR_MSG_ATTR(extack, mac,
				    "not the link-layer address of a host");
		return -EINVAL;
	}
	if (req->reverse != ROAM_TUNNEL_REVERSE_NONE && !req->n) {
		NL_SET_ERR_MSG_ATTR(extack, tb[ROAM_TUNNEL_A_VISITOR_REVERSE],
				    "a reverse tunnel needs a home agent");
		return -EINVAL;
	}
	return 0;
}

static int tunnel_nl_parse_visitor(const struct nlattr *nest,
				   struct tunnel_visitor_request *req,
				   struct netlink_ext_ack *extack)
{
	struct nlattr *tb[ROAM_TUNNEL_A_VISITOR_MAX + 1];
	__be32 home;
	int err;

	err = nla_parse_nested(tb, ROAM_TUNNEL_A_VISITOR_MAX, nest,
			       roam_tunnel_visitor_nl_policy, extack);
	if (err)
		return err;
	memset(req, 0, sizeof(*req));
	err = tunnel_nl_host(nest, tb[ROAM_TUNNEL_A_VISITOR_HOME4],
			     ROAM_TUNNEL_A_VISITOR_HOME4, &home, extack);
	if (err)
		return err;
	req->home = roam_addr4(home);
	if (tb[ROAM_TUNNEL_A_VISITOR_ROLE])
		req->role = nla_get_u8(tb[ROAM_TUNNEL_A_VISITOR_ROLE]);
	if (tb[ROAM_TUNNEL_A_VISITOR_REVERSE])
		req->reverse = nla_get_u8(tb[ROAM_TUNNEL_A_VISITOR_REVERSE]);
	if (tb[ROAM_TUNNEL_A_VISITOR_DEVICE])
		req->device = nla_get_u32(tb[ROAM_TUNNEL_A_VISITOR_DEVICE]);
	if (tb[ROAM_TUNNEL_A_VISITOR_LINK])
		req->link = nla_get_u32(tb[ROAM_TUNNEL_A_VISITOR_LINK]);
	if (tb[ROAM_TUNNEL_A_VISITOR_MAC])
		memcpy(req->mac, nla_data(tb[ROAM_TUNNEL_A_VISITOR_MAC]),
		       ETH_ALEN);
	req->lifetime = tunnel_nl_lifetime(tb[ROAM_TUNNEL_A_VISITOR_LIFETIME]);
	if (tb[ROAM_TUNNEL_A_VISITOR_AGENT4]) {
		err = tunnel_nl_parse_agents(nest, tb, req, extack);
		if (err)
			return err;
	}
	return tunnel_nl_check_role(nest, tb, req, extack);
}

/* The home address that a visitor nest names. */
static int tunnel_nl_parse_visitor_home(const struct nlattr *nest,
					struct in6_addr *home,
					struct netlink_ext_ack *extack)
{
	struct nlattr *tb[ROAM_TUNNEL_A_VISITOR_MAX + 1];
	__be32 addr;
	int err;

	err = nla_parse_nested(tb, ROAM_TUNNEL_A_VISITOR_MAX, nest,
			       roam_tunnel_visitor_nl_policy, extack);
	if (err)
		return err;
	err = tunnel_nl_host(nest, tb[ROAM_TUNNEL_A_VISITOR_HOME4],
			     ROAM_TUNNEL_A_VISITOR_HOME4, &addr, extack);
	if (!err)
		*home = roam_addr4(addr);
	return err;
}

/* ---- writing messages ---- */

static int tunnel_nl_put_agents(struct sk_buff *msg,
				const struct tunnel_endpoint *to)
{
	if (!to)
		return 0;
	if (nla_put_in_addr(msg, ROAM_TUNNEL_A_VISITOR_COA4,
			    to->tunnel.saddr) ||
	    nla_put_u8(msg, ROAM_TUNNEL_A_VISITOR_ENCAP, to->tunnel.encap) ||
	    tunnel_nl_put_ports(msg, &to->tunnel, ROAM_TUNNEL_A_VISITOR_SPORT,
				ROAM_TUNNEL_A_VISITOR_DPORT))
		return -EMSGSIZE;
	for (; to; to = to->also)
		if (nla_put_in_addr(msg, ROAM_TUNNEL_A_VISITOR_AGENT4,
				    to->tunnel.daddr))
			return -EMSGSIZE;
	return 0;
}

/* Under RCU or the lock. -ENOENT if it was removed meanwhile. */
static int tunnel_nl_put_visitor(struct sk_buff *msg,
				 const struct tunnel_visitor *visitor)
{
	const struct tunnel_link *link = rcu_dereference_raw(visitor->link);
	struct nlattr *nest;

	if (READ_ONCE(visitor->dead))
		return -ENOENT;
	nest = nla_nest_start(msg, ROAM_TUNNEL_A_MAIN_VISITOR);
	if (!nest)
		return -EMSGSIZE;
	if (nla_put_in_addr(msg, ROAM_TUNNEL_A_VISITOR_HOME4,
			    roam_addr_to4(&visitor->home)) ||
	    nla_put_u8(msg, ROAM_TUNNEL_A_VISITOR_ROLE, visitor->role) ||
	    nla_put_u32(msg, ROAM_TUNNEL_A_VISITOR_DEVICE,
			READ_ONCE(visitor->dev)->ifindex) ||
	    (link && (nla_put_u32(msg, ROAM_TUNNEL_A_VISITOR_LINK,
				  link->dev->ifindex) ||
		      nla_put(msg, ROAM_TUNNEL_A_VISITOR_MAC, ETH_ALEN,
			      visitor->mac))) ||
	    nla_put_u8(msg, ROAM_TUNNEL_A_VISITOR_REVERSE,
		       READ_ONCE(visitor->reverse)) ||
	    tunnel_nl_put_lifetime(msg, ROAM_TUNNEL_A_VISITOR_LIFETIME,
				   READ_ONCE(visitor->mortal),
				   READ_ONCE(visitor->expires)) ||
	    nla_put_u32(msg, ROAM_TUNNEL_A_VISITOR_IDLE,
			jiffies_to_msecs(roam_age(&visitor->used))) ||
	    tunnel_nl_put_agents(msg, rcu_dereference_raw(visitor->to))) {
		nla_nest_cancel(msg, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(msg, nest);
	return 0;
}

void tunnel_nl_visitor_event(struct tunnel_net *tn,
			     const struct tunnel_visitor *visitor, u8 reason)
{
	struct sk_buff *msg;
	void *hdr;

	trace_visitor(tn->net, &visitor->home, visitor->role, reason);
	msg = roam_nl_event_new(&tunnel_nl_family, tn->net,
				ROAM_TUNNEL_NLGRP_EVENTS,
				ROAM_TUNNEL_CMD_VISITOR_NTF, &hdr);
	if (msg)
		tunnel_nl_event_end(tn, msg, hdr,
				    tunnel_nl_put_visitor(msg, visitor), reason);
}

/* ---- requests ---- */

static int tunnel_nl_visitor_set_one(struct genl_info *info,
				     const struct nlattr *attr)
{
	struct tunnel_net *tn = tunnel_nl_net(info);
	struct tunnel_visitor_request req;
	struct tunnel_visitor *visitor;
	u8 reason;
	int err;

	err = tunnel_nl_parse_visitor(attr, &req, info->extack);
	if (err)
		return err;
	req.exclusive = info->attrs[ROAM_TUNNEL_A_MAIN_EXCLUSIVE];
	req.existing = info->attrs[ROAM_TUNNEL_A_MAIN_EXISTING];

	mutex_lock(&tn->lock);
	visitor = tunnel_visitor_set(tn, &req, &reason, info->extack);
	if (IS_ERR(visitor)) {
		NL_SET_BAD_ATTR(info->extack, attr);
		err = PTR_ERR(visitor);
		goto out;
	}
	err = tunnel_hooks_update(tn);
	if (err) {
		tunnel_visitor_remove(tn, visitor);
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "cannot register the hooks");
		goto out;
	}
	tunnel_nl_visitor_event(tn, visitor, reason);
out:
	mutex_unlock(&tn->lock);
	return err;
}

int roam_tunnel_nl_visitor_set_doit(struct sk_buff *skb,
				    struct genl_info *info)
{
	int err = roam_nl_require(info, ROAM_TUNNEL_A_MAIN_VISITOR);

	return err ?: tunnel_nl_bulk(info, ROAM_TUNNEL_A_MAIN_VISITOR, 0,
				     tunnel_nl_visitor_set_one);
}

static int tunnel_nl_visitor_del_one(struct genl_info *info,
				     const struct nlattr *attr)
{
	struct tunnel_net *tn = tunnel_nl_net(info);
	struct tunnel_visitor *visitor;
	struct in6_addr home;
	int err;

	err = tunnel_nl_parse_visitor_home(attr, &home, info->extack);
	if (err)
		return err;
	mutex_lock(&tn->lock);
	rcu_read_lock();
	visitor = tunnel_visitor_find(tn, roam_addr_to4(&home));
	rcu_read_unlock();
	if (visitor) {
		tunnel_nl_visitor_event(tn, visitor,
					ROAM_TUNNEL_REASON_DELETED);
		tunnel_visitor_remove(tn, visitor);
	} else {
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "no such visitor");
		err = -ENOENT;
	}
	mutex_unlock(&tn->lock);
	return err;
}

int roam_tunnel_nl_visitor_del_doit(struct sk_buff *skb,
				    struct genl_info *info)
{
	struct tunnel_net *tn = tunnel_nl_net(info);
	u32 applied = 0;
	int err;

	if (info->attrs[ROAM_TUNNEL_A_MAIN_ALL]) {
		mutex_lock(&tn->lock);
		applied = tn->n_visitors;
		tunnel_visitors_flush(tn, NULL);
		mutex_unlock(&tn->lock);
	} else {
		err = roam_nl_require(info, ROAM_TUNNEL_A_MAIN_VISITOR);
		if (err)
			return err;
	}
	err = tunnel_nl_bulk(info, ROAM_TUNNEL_A_MAIN_VISITOR, applied,
			     tunnel_nl_visitor_del_one);
	mutex_lock(&tn->lock);
	tunnel_hooks_update(tn);
	mutex_unlock(&tn->lock);
	return err;
}

int roam_tunnel_nl_visitor_get_doit(struct sk_buff *skb,
				    struct genl_info *info)
{
	struct tunnel_net *tn = tunnel_nl_net(info);
	struct tunnel_visitor *visitor;
	struct in6_addr home;
	struct nlattr *nest;
	struct sk_buff *msg;
	void *hdr;
	int err;

	err = roam_nl_require(info, ROAM_TUNNEL_A_MAIN_VISITOR);
	if (err)
		return err;
	nest = info->attrs[ROAM_TUNNEL_A_MAIN_VISITOR];
	err = tunnel_nl_parse_visitor_home(nest, &home, info->extack);
	if (err)
		return err;
	msg = tunnel_nl_reply_new(info, &hdr);
	if (!msg)
		return -ENOMEM;
	rcu_read_lock();
	visitor = tunnel_visitor_find(tn, roam_addr_to4(&home));
	err = visitor ? tunnel_nl_put_visitor(msg, visitor) : -ENOENT;
	rcu_read_unlock();
	if (err == -ENOENT)
		NL_SET_ERR_MSG_ATTR(info->extack, nest, "no such visitor");
	return roam_nl_reply_end(info, msg, hdr, err);
}

/* ---- dumps ---- */

int tunnel_nl_visitor_dump_start(struct netlink_callback *cb)
{
	return roam_nl_dump_start(cb,
				  &tunnel_net(sock_net(cb->skb->sk))->visitors);
}

static int tunnel_nl_dump_visitor(struct sk_buff *msg, const void *entry,
				  void *ctx)
{
	return tunnel_nl_put_visitor(msg, entry);
}

int roam_tunnel_nl_visitor_get_dumpit(struct sk_buff *skb,
				      struct netlink_callback *cb)
{
	struct tunnel_net *tn = tunnel_net(sock_net(skb->sk));

	return roam_nl_dump(skb, cb, &tunnel_nl_family,
			    ROAM_TUNNEL_CMD_VISITOR_GET, &tn->generation,
			    tunnel_nl_dump_visitor, NULL);
}
