// SPDX-License-Identifier: GPL-2.0-only
/* Requests, events and dumps of bindings. */
#include <linux/etherdevice.h>
#include <net/genetlink.h>

#include "../core/nl.h"
#include "arp.h"
#include "netlink-gen.h"
#include "netlink.h"
#include "table.h"
#include "trace.h"

/* ---- reading requests ---- */

static int tunnel_nl_parse_endpoint(const struct nlattr *nest,
				    struct roam_encap *tunnel,
				    struct netlink_ext_ack *extack)
{
	struct nlattr *tb[ROAM_TUNNEL_A_ENDPOINT_MAX + 1];
	int err;

	err = nla_parse_nested(tb, ROAM_TUNNEL_A_ENDPOINT_MAX, nest,
			       roam_tunnel_endpoint_nl_policy, extack);
	if (err)
		return err;
	memset(tunnel, 0, sizeof(*tunnel));
	err = tunnel_nl_host(nest, tb[ROAM_TUNNEL_A_ENDPOINT_COA4],
			     ROAM_TUNNEL_A_ENDPOINT_COA4, &tunnel->daddr,
			     extack) ?:
	      tunnel_nl_host(nest, tb[ROAM_TUNNEL_A_ENDPOINT_LOCAL4],
			     ROAM_TUNNEL_A_ENDPOINT_LOCAL4, &tunnel->saddr,
			     extack) ?:
	      tunnel_nl_parse_encap(nest, tb[ROAM_TUNNEL_A_ENDPOINT_ENCAP],
				    tb[ROAM_TUNNEL_A_ENDPOINT_SPORT],
				    tb[ROAM_TUNNEL_A_ENDPOINT_DPORT], tunnel,
				    extack);
	return err ?: tunnel_nl_check_ends(nest, tunnel, extack);
}

static int tunnel_nl_parse_endpoints(const struct nlattr *nest,
				     struct tunnel_binding_request *req,
				     struct netlink_ext_ack *extack)
{
	const struct nlattr *attr;
	unsigned int i;
	int err, rem;

	nla_for_each_nested(attr, nest, rem) {
		struct roam_encap *tunnel = &req->endpoint[req->n];

		if (nla_type(attr) != ROAM_TUNNEL_A_BINDING_ENDPOINT)
			continue;
		if (req->n == TUNNEL_ENDPOINTS_MAX) {
			NL_SET_ERR_MSG_ATTR(extack, attr,
					    "too many care-of addresses; a binding has at most 8");
			return -E2BIG;
		}
		err = tunnel_nl_parse_endpoint(attr, tunnel, extack);
		if (err)
			return err;
		if (roam_addr_to4(&req->home) == tunnel->daddr) {
			NL_SET_ERR_MSG_ATTR(extack, attr,
					    "care-of and home address are the same; a node at home has no binding");
			return -EINVAL;
		}
		for (i = 0; i < req->n; i++) {
			if (memcmp(&req->endpoint[i], tunnel, sizeof(*tunnel)))
				continue;
			NL_SET_ERR_MSG_ATTR(extack, attr,
					    "the same care-of address twice");
			return -EINVAL;
		}
		req->n++;
	}
	if (req->n)
		return 0;
	NL_SET_ERR_ATTR_MISS(extack, (struct nlattr *)nest,
			     ROAM_TUNNEL_A_BINDING_ENDPOINT);
	NL_SET_ERR_MSG(extack, "a binding needs a care-of address");
	return -EINVAL;
}

static int tunnel_nl_parse_binding(const struct nlattr *nest,
				   struct tunnel_binding_request *req,
				   struct netlink_ext_ack *extack)
{
	struct nlattr *tb[ROAM_TUNNEL_A_BINDING_MAX + 1];
	__be32 home;
	int err;

	err = nla_parse_nested(tb, ROAM_TUNNEL_A_BINDING_MAX, nest,
			       roam_tunnel_binding_nl_policy, extack);
	if (err)
		return err;
	memset(req, 0, sizeof(*req));
	err = tunnel_nl_host(nest, tb[ROAM_TUNNEL_A_BINDING_HOME4],
			     ROAM_TUNNEL_A_BINDING_HOME4, &home, extack);
	if (err)
		return err;
	req->home = roam_addr4(home);
	if (tb[ROAM_TUNNEL_A_BINDING_MAC]) {
		NL_SET_ERR_MSG_ATTR(extack, tb[ROAM_TUNNEL_A_BINDING_MAC],
				    "a node that is away has no link-layer address; give it where the binding is deleted");
		return -EINVAL;
	}
	if (tb[ROAM_TUNNEL_A_BINDING_DEVICE])
		req->device = nla_get_u32(tb[ROAM_TUNNEL_A_BINDING_DEVICE]);
	if (tb[ROAM_TUNNEL_A_BINDING_HOME_LINK])
		req->home_link =
			nla_get_u32(tb[ROAM_TUNNEL_A_BINDING_HOME_LINK]);
	if (req->home_link && !IS_ENABLED(CONFIG_NETFILTER_FAMILY_ARP)) {
		NL_SET_ERR_MSG_ATTR(extack, tb[ROAM_TUNNEL_A_BINDING_HOME_LINK],
				    "this kernel has no hooks for ARP (CONFIG_NF_TABLES_ARP), so nobody would answer for the node; leave the home link out");
		return -EOPNOTSUPP;
	}
	if (tb[ROAM_TUNNEL_A_BINDING_FLAGS])
		req->flags = nla_get_u32(tb[ROAM_TUNNEL_A_BINDING_FLAGS]);
	req->lifetime = tunnel_nl_lifetime(tb[ROAM_TUNNEL_A_BINDING_LIFETIME]);
	return tunnel_nl_parse_endpoints(nest, req, extack);
}

/* The home address that a binding nest names, and where the node is at home. */
static int tunnel_nl_parse_home(const struct nlattr *nest,
				struct in6_addr *home, const u8 **mac,
				struct netlink_ext_ack *extack)
{
	struct nlattr *tb[ROAM_TUNNEL_A_BINDING_MAX + 1];
	__be32 addr;
	int err;

	err = nla_parse_nested(tb, ROAM_TUNNEL_A_BINDING_MAX, nest,
			       roam_tunnel_binding_nl_policy, extack);
	if (err)
		return err;
	*mac = tb[ROAM_TUNNEL_A_BINDING_MAC] ?
	       nla_data(tb[ROAM_TUNNEL_A_BINDING_MAC]) : NULL;
	err = tunnel_nl_host(nest, tb[ROAM_TUNNEL_A_BINDING_HOME4],
			     ROAM_TUNNEL_A_BINDING_HOME4, &addr, extack);
	if (err)
		return err;
	*home = roam_addr4(addr);
	if (!*mac || is_valid_ether_addr(*mac))
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, tb[ROAM_TUNNEL_A_BINDING_MAC],
			    "not the link-layer address of a host");
	return -EINVAL;
}

/* ---- writing messages ---- */

static int tunnel_nl_put_endpoint(struct sk_buff *msg,
				  const struct roam_encap *tunnel)
{
	struct nlattr *nest = nla_nest_start(msg, ROAM_TUNNEL_A_BINDING_ENDPOINT);

	if (!nest ||
	    nla_put_in_addr(msg, ROAM_TUNNEL_A_ENDPOINT_COA4, tunnel->daddr) ||
	    nla_put_in_addr(msg, ROAM_TUNNEL_A_ENDPOINT_LOCAL4,
			    tunnel->saddr) ||
	    nla_put_u8(msg, ROAM_TUNNEL_A_ENDPOINT_ENCAP, tunnel->encap) ||
	    tunnel_nl_put_ports(msg, tunnel, ROAM_TUNNEL_A_ENDPOINT_SPORT,
				ROAM_TUNNEL_A_ENDPOINT_DPORT))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

/* Under RCU or the lock. -ENOENT if it was removed meanwhile. */
static int tunnel_nl_put_binding(struct sk_buff *msg,
				 const struct tunnel_binding *binding)
{
	const struct tunnel_endpoint *to = rcu_dereference_raw(binding->to);
	u32 home_link = READ_ONCE(binding->home_link);
	struct nlattr *nest;

	if (READ_ONCE(binding->dead))
		return -ENOENT;
	nest = nla_nest_start(msg, ROAM_TUNNEL_A_MAIN_BINDING);
	if (!nest)
		return -EMSGSIZE;
	if (nla_put_in_addr(msg, ROAM_TUNNEL_A_BINDING_HOME4,
			    roam_addr_to4(&binding->home)) ||
	    nla_put_u32(msg, ROAM_TUNNEL_A_BINDING_DEVICE, to->dev->ifindex) ||
	    (home_link && nla_put_u32(msg, ROAM_TUNNEL_A_BINDING_HOME_LINK,
				      home_link)) ||
	    nla_put_u32(msg, ROAM_TUNNEL_A_BINDING_FLAGS,
			READ_ONCE(binding->flags)) ||
	    tunnel_nl_put_lifetime(msg, ROAM_TUNNEL_A_BINDING_LIFETIME,
				   READ_ONCE(binding->mortal),
				   READ_ONCE(binding->expires)) ||
	    nla_put_u32(msg, ROAM_TUNNEL_A_BINDING_IDLE,
			jiffies_to_msecs(roam_age(&binding->used))))
		goto full;
	for (; to; to = to->also)
		if (tunnel_nl_put_endpoint(msg, &to->tunnel))
			goto full;
	nla_nest_end(msg, nest);
	return 0;

full:
	nla_nest_cancel(msg, nest);
	return -EMSGSIZE;
}

void tunnel_nl_binding_event(struct tunnel_net *tn,
			     const struct tunnel_binding *binding, u8 reason)
{
	struct sk_buff *msg;
	void *hdr;

	trace_binding(tn->net, &binding->home,
		      rcu_dereference_raw(binding->to)->key, reason);
	msg = roam_nl_event_new(&tunnel_nl_family, tn->net,
				ROAM_TUNNEL_NLGRP_EVENTS,
				ROAM_TUNNEL_CMD_BINDING_NTF, &hdr);
	if (msg)
		tunnel_nl_event_end(tn, msg, hdr,
				    tunnel_nl_put_binding(msg, binding), reason);
}

/* ---- requests ---- */

static int tunnel_nl_binding_set_one(struct genl_info *info,
				     const struct nlattr *attr)
{
	struct tunnel_net *tn = tunnel_nl_net(info);
	struct tunnel_binding_request req;
	struct tunnel_binding *binding;
	u8 reason;
	int err;

	err = tunnel_nl_parse_binding(attr, &req, info->extack);
	if (err)
		return err;
	req.exclusive = info->attrs[ROAM_TUNNEL_A_MAIN_EXCLUSIVE];
	req.existing = info->attrs[ROAM_TUNNEL_A_MAIN_EXISTING];

	mutex_lock(&tn->lock);
	binding = tunnel_binding_set(tn, &req, &reason, info->extack);
	if (IS_ERR(binding)) {
		NL_SET_BAD_ATTR(info->extack, attr);
		err = PTR_ERR(binding);
		goto out;
	}
	err = tunnel_hooks_update(tn);
	if (err) {
		tunnel_binding_remove(tn, binding);
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "cannot register the hooks");
		goto out;
	}
	tunnel_nl_binding_event(tn, binding, reason);
	if (reason == ROAM_TUNNEL_REASON_NEW)
		tunnel_announce(tn, binding, NULL);
out:
	mutex_unlock(&tn->lock);
	return err;
}

int roam_tunnel_nl_binding_set_doit(struct sk_buff *skb,
				    struct genl_info *info)
{
	int err = roam_nl_require(info, ROAM_TUNNEL_A_MAIN_BINDING);

	return err ?: tunnel_nl_bulk(info, ROAM_TUNNEL_A_MAIN_BINDING, 0,
				     tunnel_nl_binding_set_one);
}

/* Of the request's, or NULL with -ENOENT said; lock held. */
static struct tunnel_binding *tunnel_nl_binding(struct tunnel_net *tn,
						const struct in6_addr *home,
						const struct nlattr *attr,
						struct netlink_ext_ack *extack)
{
	struct tunnel_binding *binding;

	rcu_read_lock();
	binding = tunnel_binding_find(tn, roam_addr_to4(home));
	rcu_read_unlock();
	if (!binding)
		NL_SET_ERR_MSG_ATTR(extack, attr, "no such binding");
	return binding;
}

static int tunnel_nl_binding_del_one(struct genl_info *info,
				     const struct nlattr *attr)
{
	struct tunnel_net *tn = tunnel_nl_net(info);
	struct tunnel_binding *binding;
	struct in6_addr home;
	const u8 *mac;
	int err;

	err = tunnel_nl_parse_home(attr, &home, &mac, info->extack);
	if (err)
		return err;
	mutex_lock(&tn->lock);
	binding = tunnel_nl_binding(tn, &home, attr, info->extack);
	if (binding) {
		tunnel_nl_binding_event(tn, binding,
					ROAM_TUNNEL_REASON_DELETED);
		if (mac)
			tunnel_announce(tn, binding, mac);
		tunnel_binding_remove(tn, binding);
	}
	mutex_unlock(&tn->lock);
	return binding ? 0 : -ENOENT;
}

int roam_tunnel_nl_binding_del_doit(struct sk_buff *skb,
				    struct genl_info *info)
{
	struct tunnel_net *tn = tunnel_nl_net(info);
	u32 applied = 0;
	int err;

	if (info->attrs[ROAM_TUNNEL_A_MAIN_ALL]) {
		mutex_lock(&tn->lock);
		applied = tn->n_bindings;
		tunnel_bindings_flush(tn, NULL);
		mutex_unlock(&tn->lock);
	} else {
		err = roam_nl_require(info, ROAM_TUNNEL_A_MAIN_BINDING);
		if (err)
			return err;
	}
	err = tunnel_nl_bulk(info, ROAM_TUNNEL_A_MAIN_BINDING, applied,
			     tunnel_nl_binding_del_one);
	mutex_lock(&tn->lock);
	tunnel_hooks_update(tn);
	mutex_unlock(&tn->lock);
	return err;
}

int roam_tunnel_nl_binding_get_doit(struct sk_buff *skb,
				    struct genl_info *info)
{
	struct tunnel_net *tn = tunnel_nl_net(info);
	struct tunnel_binding *binding;
	struct in6_addr home;
	struct nlattr *nest;
	struct sk_buff *msg;
	const u8 *mac;
	void *hdr;
	int err;

	err = roam_nl_require(info, ROAM_TUNNEL_A_MAIN_BINDING);
	if (err)
		return err;
	nest = info->attrs[ROAM_TUNNEL_A_MAIN_BINDING];
	err = tunnel_nl_parse_home(nest, &home, &mac, info->extack);
	if (err)
		return err;
	msg = tunnel_nl_reply_new(info, &hdr);
	if (!msg)
		return -ENOMEM;
	rcu_read_lock();
	binding = tunnel_binding_find(tn, roam_addr_to4(&home));
	err = binding ? tunnel_nl_put_binding(msg, binding) : -ENOENT;
	rcu_read_unlock();
	if (err == -ENOENT)
		NL_SET_ERR_MSG_ATTR(info->extack, nest, "no such binding");
	return roam_nl_reply_end(info, msg, hdr, err);
}

static int tunnel_nl_announce_one(struct genl_info *info,
				  const struct nlattr *attr)
{
	struct tunnel_net *tn = tunnel_nl_net(info);
	struct tunnel_binding *binding;
	struct in6_addr home;
	const u8 *mac;
	int err;

	err = tunnel_nl_parse_home(attr, &home, &mac, info->extack);
	if (err)
		return err;
	mutex_lock(&tn->lock);
	binding = tunnel_nl_binding(tn, &home, attr, info->extack);
	if (binding)
		tunnel_announce(tn, binding, NULL);
	mutex_unlock(&tn->lock);
	return binding ? 0 : -ENOENT;
}

int roam_tunnel_nl_announce_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct tunnel_net *tn = tunnel_nl_net(info);
	u32 applied = 0;
	int err;

	if (info->attrs[ROAM_TUNNEL_A_MAIN_ALL]) {
		mutex_lock(&tn->lock);
		applied = tunnel_announce_all(tn);
		mutex_unlock(&tn->lock);
	} else {
		err = roam_nl_require(info, ROAM_TUNNEL_A_MAIN_BINDING);
		if (err)
			return err;
	}
	return tunnel_nl_bulk(info, ROAM_TUNNEL_A_MAIN_BINDING, applied,
			      tunnel_nl_announce_one);
}

/* ---- dumps ---- */

int tunnel_nl_binding_dump_start(struct netlink_callback *cb)
{
	return roam_nl_dump_start(cb,
				  &tunnel_net(sock_net(cb->skb->sk))->bindings);
}

static int tunnel_nl_dump_binding(struct sk_buff *msg, const void *entry,
				  void *ctx)
{
	return tunnel_nl_put_binding(msg, entry);
}

int roam_tunnel_nl_binding_get_dumpit(struct sk_buff *skb,
				      struct netlink_callback *cb)
{
	struct tunnel_net *tn = tunnel_net(sock_net(skb->sk));

	return roam_nl_dump(skb, cb, &tunnel_nl_family,
			    ROAM_TUNNEL_CMD_BINDING_GET, &tn->generation,
			    tunnel_nl_dump_binding, NULL);
}
