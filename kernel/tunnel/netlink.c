// SPDX-License-Identifier: GPL-2.0-only
/*
 * Netlink: requests are checked here and carried out by table.c and arp.c. Each
 * refusal names the attribute and says why in a sentence.
 */
#include <linux/etherdevice.h>
#include <linux/inet.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <net/genetlink.h>
#include <net/sock.h>

/*
 * Included, not linked: its table of multicast groups is static, because the
 * generator leaves the family itself to us.
 */
#include "netlink-gen.c"

#include "../core/nl.h"
#include "arp.h"
#include "deliver.h"
#include "device.h"
#include "netlink.h"
#include "table.h"
#include "trace.h"

static struct genl_family tunnel_nl_family;

static struct tunnel_net *tunnel_nl_net(struct genl_info *info)
{
	return tunnel_net(genl_info_net(info));
}

/* ---- reading requests ---- */

/* The address of a host; 0 or -EINVAL. */
static int tunnel_nl_host(const struct nlattr *nest, const struct nlattr *attr,
			  u16 type, __be32 *addr,
			  struct netlink_ext_ack *extack)
{
	struct in6_addr key;

	if (!attr) {
		NL_SET_ERR_ATTR_MISS(extack, (struct nlattr *)nest, type);
		NL_SET_ERR_MSG(extack, "address is missing");
		return -EINVAL;
	}
	*addr = nla_get_be32(attr);
	key = roam_addr4(*addr);
	if (roam_addr_is_host(&key))
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr, "not the unicast address of a host");
	return -EINVAL;
}

static unsigned long tunnel_nl_lifetime(const struct nlattr *attr)
{
	return attr ? min_t(unsigned long, S32_MAX,
			    msecs_to_jiffies(nla_get_u32(attr))) : 0;
}

/* How packets are carried; the ports are those of UDP. */
static int tunnel_nl_parse_encap(const struct nlattr *nest,
				 const struct nlattr *encap,
				 const struct nlattr *sport,
				 const struct nlattr *dport,
				 struct roam_encap *tunnel,
				 struct netlink_ext_ack *extack)
{
	tunnel->encap = encap ? nla_get_u8(encap) : ROAM_TUNNEL_ENCAP_IPIP;
	if (tunnel->encap != ROAM_TUNNEL_ENCAP_UDP) {
		if (!sport && !dport)
			return 0;
		NL_SET_ERR_MSG_ATTR(extack, sport ?: dport,
				    "only UDP tunnels have ports");
		return -EINVAL;
	}
	tunnel->sport = htons(sport ? nla_get_u16(sport) : ROAM_MIP_PORT);
	tunnel->dport = htons(dport ? nla_get_u16(dport) : ROAM_MIP_PORT);
	if (tunnel->sport && tunnel->dport)
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, nest, "port 0 is none");
	return -EINVAL;
}

/* Both ends, which cannot be the same, nor the node itself be the tunnel's exit. */
static int tunnel_nl_check_ends(const struct nlattr *nest,
				const struct roam_encap *tunnel,
				struct netlink_ext_ack *extack)
{
	if (tunnel->saddr != tunnel->daddr)
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, nest,
			    "home agent and care-of address are the same; a tunnel has two ends");
	return -EINVAL;
}

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

static int tunnel_nl_put_ports(struct sk_buff *msg,
			       const struct roam_encap *tunnel, u16 sport,
			       u16 dport)
{
	if (tunnel->encap != ROAM_TUNNEL_ENCAP_UDP)
		return 0;
	return nla_put_u16(msg, sport, ntohs(tunnel->sport)) ?:
	       nla_put_u16(msg, dport, ntohs(tunnel->dport));
}

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

/* What is left of a lifetime, at least 1, or nothing of one that has no end. */
static int tunnel_nl_put_lifetime(struct sk_buff *msg, u16 type, bool mortal,
				  u32 expires)
{
	s32 left = expires - (u32)jiffies;

	return mortal ? nla_put_u32(msg, type,
				    jiffies_to_msecs(max(1, left))) : 0;
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
			jiffies_to_msecs((u32)jiffies -
					 READ_ONCE(binding->used))))
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
			jiffies_to_msecs((u32)jiffies -
					 READ_ONCE(visitor->used))) ||
	    tunnel_nl_put_agents(msg, rcu_dereference_raw(visitor->to))) {
		nla_nest_cancel(msg, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(msg, nest);
	return 0;
}

static struct sk_buff *tunnel_nl_reply_new(struct genl_info *info, void **hdr)
{
	return roam_nl_reply_new(info, &tunnel_nl_family, NLMSG_DEFAULT_SIZE,
				 hdr);
}

static int tunnel_nl_bulk(struct genl_info *info, u16 type, u32 applied,
			  int (*fn)(struct genl_info *info,
				    const struct nlattr *attr))
{
	return roam_nl_bulk(info, &tunnel_nl_family, type,
			    ROAM_TUNNEL_A_MAIN_APPLIED, applied, fn);
}

/* ---- events ---- */

/* Ends an event that was filled with @err. */
static void tunnel_nl_event(struct tunnel_net *tn, struct sk_buff *msg,
			    void *hdr, int err, u8 reason)
{
	if (err || nla_put_u8(msg, ROAM_TUNNEL_A_MAIN_REASON, reason))
		nlmsg_free(msg);
	else
		roam_nl_event_send(&tunnel_nl_family, tn->net,
				   ROAM_TUNNEL_NLGRP_EVENTS, msg, hdr);
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
		tunnel_nl_event(tn, msg, hdr,
				tunnel_nl_put_binding(msg, binding), reason);
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
		tunnel_nl_event(tn, msg, hdr,
				tunnel_nl_put_visitor(msg, visitor), reason);
}

/* ---- bindings ---- */

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

/* ---- visitors ---- */

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

static int tunnel_nl_binding_dump_start(struct netlink_callback *cb)
{
	return roam_nl_dump_start(cb,
				  &tunnel_net(sock_net(cb->skb->sk))->bindings);
}

static int tunnel_nl_visitor_dump_start(struct netlink_callback *cb)
{
	return roam_nl_dump_start(cb,
				  &tunnel_net(sock_net(cb->skb->sk))->visitors);
}

static int tunnel_nl_dump_binding(struct sk_buff *msg, const void *entry,
				  void *ctx)
{
	return tunnel_nl_put_binding(msg, entry);
}

static int tunnel_nl_dump_visitor(struct sk_buff *msg, const void *entry,
				  void *ctx)
{
	return tunnel_nl_put_visitor(msg, entry);
}

int roam_tunnel_nl_binding_get_dumpit(struct sk_buff *skb,
				      struct netlink_callback *cb)
{
	struct tunnel_net *tn = tunnel_net(sock_net(skb->sk));

	return roam_nl_dump(skb, cb, &tunnel_nl_family,
			    ROAM_TUNNEL_CMD_BINDING_GET, &tn->generation,
			    tunnel_nl_dump_binding, NULL);
}

int roam_tunnel_nl_visitor_get_dumpit(struct sk_buff *skb,
				      struct netlink_callback *cb)
{
	struct tunnel_net *tn = tunnel_net(sock_net(skb->sk));

	return roam_nl_dump(skb, cb, &tunnel_nl_family,
			    ROAM_TUNNEL_CMD_VISITOR_GET, &tn->generation,
			    tunnel_nl_dump_visitor, NULL);
}

/* ---- settings and counters ---- */

static void tunnel_nl_config_u32(struct nlattr *attr, u32 *setting)
{
	if (attr)
		WRITE_ONCE(*setting, nla_get_u32(attr));
}

static void tunnel_nl_config_ms(struct nlattr *attr, u32 *setting)
{
	if (attr)
		WRITE_ONCE(*setting, msecs_to_jiffies(nla_get_u32(attr)));
}

/* Who begins to stand for nodes tells their neighbours, who know another router. */
static void tunnel_nl_config_silent(struct tunnel_net *tn, const struct nlattr *attr)
{
	bool was = tn->config.silent;

	if (!attr)
		return;
	WRITE_ONCE(tn->config.silent, nla_get_u8(attr));
	if (was && !tn->config.silent)
		tunnel_announce_all(tn);
}

int roam_tunnel_nl_config_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[ROAM_TUNNEL_A_CONFIG_MAX + 1];
	struct tunnel_net *tn = tunnel_nl_net(info);
	struct tunnel_config *config = &tn->config;
	int err;

	err = roam_nl_require(info, ROAM_TUNNEL_A_MAIN_CONFIG);
	if (err)
		return err;
	err = nla_parse_nested(tb, ROAM_TUNNEL_A_CONFIG_MAX,
			       info->attrs[ROAM_TUNNEL_A_MAIN_CONFIG],
			       roam_tunnel_config_nl_policy, info->extack);
	if (err)
		return err;
	err = roam_nl_limit(tb[ROAM_TUNNEL_A_CONFIG_MAX_BINDINGS],
			    TUNNEL_BINDINGS_DEFAULT, info->extack) ?:
	      roam_nl_limit(tb[ROAM_TUNNEL_A_CONFIG_MAX_VISITORS],
			    TUNNEL_VISITORS_DEFAULT, info->extack);
	if (err)
		return err;
	mutex_lock(&tn->lock);
	if (tb[ROAM_TUNNEL_A_CONFIG_TTL])
		WRITE_ONCE(config->ttl,
			   nla_get_u8(tb[ROAM_TUNNEL_A_CONFIG_TTL]));
	tunnel_nl_config_ms(tb[ROAM_TUNNEL_A_CONFIG_GRACE], &config->grace);
	tunnel_nl_config_u32(tb[ROAM_TUNNEL_A_CONFIG_ANNOUNCE_COUNT],
			     &config->announce_count);
	tunnel_nl_config_ms(tb[ROAM_TUNNEL_A_CONFIG_ANNOUNCE_INTERVAL],
			    &config->announce_interval);
	tunnel_nl_config_u32(tb[ROAM_TUNNEL_A_CONFIG_MAX_BINDINGS],
			     &config->max_bindings);
	tunnel_nl_config_u32(tb[ROAM_TUNNEL_A_CONFIG_MAX_VISITORS],
			     &config->max_visitors);
	tunnel_nl_config_silent(tn, tb[ROAM_TUNNEL_A_CONFIG_SILENT]);
	mutex_unlock(&tn->lock);
	return 0;
}

int roam_tunnel_nl_config_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	const struct tunnel_config *config = &tunnel_nl_net(info)->config;
	struct nlattr *nest;
	struct sk_buff *msg;
	int err = -EMSGSIZE;
	void *hdr;

	msg = tunnel_nl_reply_new(info, &hdr);
	if (!msg)
		return -ENOMEM;
	nest = nla_nest_start(msg, ROAM_TUNNEL_A_MAIN_CONFIG);
	if (nest && !nla_put_u8(msg, ROAM_TUNNEL_A_CONFIG_TTL, config->ttl) &&
	    !nla_put_u32(msg, ROAM_TUNNEL_A_CONFIG_GRACE,
			 jiffies_to_msecs(config->grace)) &&
	    !nla_put_u32(msg, ROAM_TUNNEL_A_CONFIG_ANNOUNCE_COUNT,
			 config->announce_count) &&
	    !nla_put_u32(msg, ROAM_TUNNEL_A_CONFIG_ANNOUNCE_INTERVAL,
			 jiffies_to_msecs(config->announce_interval)) &&
	    !nla_put_u32(msg, ROAM_TUNNEL_A_CONFIG_MAX_BINDINGS,
			 config->max_bindings) &&
	    !nla_put_u32(msg, ROAM_TUNNEL_A_CONFIG_MAX_VISITORS,
			 config->max_visitors) &&
	    !nla_put_u8(msg, ROAM_TUNNEL_A_CONFIG_SILENT, config->silent)) {
		nla_nest_end(msg, nest);
		err = 0;
	}
	return roam_nl_reply_end(info, msg, hdr, err);
}

/* Which attribute carries which counter. */
static const struct roam_nl_counter tunnel_nl_counters[] = {
#define COUNTER(attr, field) \
	{ ROAM_TUNNEL_A_STATS_##attr, offsetof(struct tunnel_stats, field) }
	COUNTER(ENCAPSULATED, encapsulated),
	COUNTER(REVERSED, reversed),
	COUNTER(DECAPSULATED, decapsulated),
	COUNTER(DELIVERED, delivered),
	COUNTER(BROADCASTS, broadcasts),
	COUNTER(RELAYED, relayed),
	COUNTER(KEEPALIVES, keepalives),
	COUNTER(ARP_REPLIES, arp_replies),
	COUNTER(ANNOUNCEMENTS, announcements),
	COUNTER(DROP_NO_BINDING, drop[TUNNEL_DROP_NO_BINDING]),
	COUNTER(DROP_NO_ROUTE, drop[TUNNEL_DROP_NO_ROUTE]),
	COUNTER(DROP_LOOP, drop[TUNNEL_DROP_LOOP]),
	COUNTER(DROP_TOO_BIG, drop[TUNNEL_DROP_TOO_BIG]),
	COUNTER(DROP_MALFORMED, drop[TUNNEL_DROP_MALFORMED]),
	COUNTER(DROP_SPOOFED, drop[TUNNEL_DROP_SPOOFED]),
	COUNTER(DROP_NOT_VISITOR, drop[TUNNEL_DROP_NOT_VISITOR]),
	COUNTER(DROP_ECN, drop[TUNNEL_DROP_ECN]),
#undef COUNTER
};

int roam_tunnel_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct tunnel_net *tn = tunnel_nl_net(info);
	struct nlattr *nest;
	struct sk_buff *msg;
	int err = -EMSGSIZE;
	void *hdr;

	msg = tunnel_nl_reply_new(info, &hdr);
	if (!msg)
		return -ENOMEM;
	nest = nla_nest_start(msg, ROAM_TUNNEL_A_MAIN_STATS);
	if (nest &&
	    !roam_nl_put_counters(msg, tunnel_nl_counters,
				  ARRAY_SIZE(tunnel_nl_counters),
				  ROAM_TUNNEL_A_STATS_PAD, tn->stats) &&
	    !nla_put_u32(msg, ROAM_TUNNEL_A_STATS_BINDINGS,
			 READ_ONCE(tn->n_bindings)) &&
	    !nla_put_u32(msg, ROAM_TUNNEL_A_STATS_VISITORS,
			 READ_ONCE(tn->n_visitors)) &&
	    !nla_put_u32(msg, ROAM_TUNNEL_A_STATS_ENDPOINTS,
			 READ_ONCE(tn->n_endpoints))) {
		nla_nest_end(msg, nest);
		err = 0;
	}
	return roam_nl_reply_end(info, msg, hdr, err);
}

/* ---- family ---- */

/* The generated operations, with what the specification cannot say. */
static struct genl_ops tunnel_nl_ops[ARRAY_SIZE(roam_tunnel_nl_ops)] __ro_after_init;

static struct genl_multicast_group
tunnel_nl_mcgrps[ARRAY_SIZE(roam_tunnel_nl_mcgrps)] __ro_after_init;

static struct genl_family tunnel_nl_family __ro_after_init = {
	.name		= ROAM_TUNNEL_GENL_NAME,
	.version	= ROAM_TUNNEL_GENL_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.ops		= tunnel_nl_ops,
	.n_ops		= ARRAY_SIZE(tunnel_nl_ops),
	.resv_start_op	= ROAM_TUNNEL_CMD_BINDING_SET,
	.mcgrps		= tunnel_nl_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(tunnel_nl_mcgrps),
};

int __init tunnel_nl_init(void)
{
	unsigned int i;

	/* Who is where is nobody else's business. */
	for (i = 0; i < ARRAY_SIZE(tunnel_nl_mcgrps); i++) {
		tunnel_nl_mcgrps[i] = roam_tunnel_nl_mcgrps[i];
		tunnel_nl_mcgrps[i].flags = GENL_MCAST_CAP_NET_ADMIN;
	}
	memcpy(tunnel_nl_ops, roam_tunnel_nl_ops, sizeof(tunnel_nl_ops));
	for (i = 0; i < ARRAY_SIZE(tunnel_nl_ops); i++) {
		struct genl_ops *op = &tunnel_nl_ops[i];

		if (op->cmd == ROAM_TUNNEL_CMD_BINDING_GET)
			op->start = tunnel_nl_binding_dump_start;
		else if (op->cmd == ROAM_TUNNEL_CMD_VISITOR_GET)
			op->start = tunnel_nl_visitor_dump_start;
		else
			continue;
		op->done = roam_nl_dump_done;
	}
	return genl_register_family(&tunnel_nl_family);
}

void tunnel_nl_exit(void)
{
	genl_unregister_family(&tunnel_nl_family);
}
