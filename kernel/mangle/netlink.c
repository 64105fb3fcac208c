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

#include "exempt.h"
#include "hold.h"
#include "netlink.h"
#include "peer.h"
#include "range.h"
#include "table.h"
#include "trace.h"

static struct genl_family roam_nl_family;

static struct roam_net *roam_nl_net(struct genl_info *info)
{
	return roam_net(genl_info_net(info));
}

/* ---- reading requests ---- */

/* A top-level attribute that must be there; -EINVAL with the cause else. */
static int roam_nl_require(struct genl_info *info, u16 type)
{
	if (!GENL_REQ_ATTR_CHECK(info, type))
		return 0;
	NL_SET_ERR_MSG(info->extack, "the request says nothing to do it to");
	return -EINVAL;
}

static bool roam_nl_is_host(const struct in6_addr *addr)
{
	__be32 a = roam_addr_to4(addr);
	int type = ipv6_addr_type(addr);

	if (roam_addr_is4(addr))
		return !ipv4_is_zeronet(a) && !ipv4_is_loopback(a) &&
		       !ipv4_is_multicast(a) && !ipv4_is_lbcast(a);
	/* Link-local ones mean nothing on another link. */
	return (type & IPV6_ADDR_UNICAST) &&
	       !(type & (IPV6_ADDR_LOOPBACK | IPV6_ADDR_LINKLOCAL |
			 IPV6_ADDR_MAPPED | IPV6_ADDR_COMPATv4));
}

/**
 * roam_nl_addr - read an address of either family
 * @nest: where the attributes are, to name in an error
 * @tb: attributes of the nest
 * @type: the one for IPv4; the one for IPv6 is the next
 * @addr: set to the address, IPv4 in the mapped form
 * @extack: gets the cause of a refusal
 *
 * Return: the attribute, or ERR_PTR(-EINVAL) if there is not exactly one of
 * the two.
 */
static const struct nlattr *roam_nl_addr(const struct nlattr *nest,
					 struct nlattr **tb, u16 type,
					 struct in6_addr *addr,
					 struct netlink_ext_ack *extack)
{
	const struct nlattr *v4 = tb[type], *v6 = tb[type + 1];

	if (v4 && v6) {
		NL_SET_ERR_MSG_ATTR(extack, v6,
				    "an address is IPv4 or IPv6, not both");
		return ERR_PTR(-EINVAL);
	}
	if (v4) {
		*addr = roam_addr4(nla_get_be32(v4));
		return v4;
	}
	if (v6) {
		*addr = nla_get_in6_addr(v6);
		if (!roam_addr_is4(addr))
			return v6;
		NL_SET_ERR_MSG_ATTR(extack, v6,
				    "an IPv4 address in its mapped form; give it as IPv4");
		return ERR_PTR(-EINVAL);
	}
	NL_SET_ERR_ATTR_MISS(extack, (struct nlattr *)nest, type);
	NL_SET_ERR_MSG(extack, "address is missing");
	return ERR_PTR(-EINVAL);
}

/* The same for the address of a host; 0 or -EINVAL. */
static int roam_nl_host(const struct nlattr *nest, struct nlattr **tb, u16 type,
			struct in6_addr *addr, struct netlink_ext_ack *extack)
{
	const struct nlattr *attr = roam_nl_addr(nest, tb, type, addr, extack);

	if (IS_ERR(attr))
		return PTR_ERR(attr);
	if (roam_nl_is_host(addr))
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr, "not the unicast address of a host");
	return -EINVAL;
}

/* Two addresses that stand for each other; @attr is named if they cannot. */
static int roam_nl_same_family(const struct in6_addr *a,
			       const struct in6_addr *b,
			       const struct nlattr *attr,
			       struct netlink_ext_ack *extack)
{
	if (roam_addr_is4(a) == roam_addr_is4(b))
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr,
			    "one address is IPv4 and the other IPv6; headers are not converted");
	return -EINVAL;
}

static int roam_nl_parse_mapping(const struct nlattr *nest,
				 struct roam_mapping_request *req,
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
static int roam_nl_parse_perm(const struct nlattr *nest, struct in6_addr *perm,
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

static int roam_nl_parse_peer(const struct nlattr *nest,
			      struct roam_peer_key *key, u8 *mode,
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

static int roam_nl_parse_range(const struct nlattr *nest,
			       struct roam_range *range,
			       struct netlink_ext_ack *extack)
{
	struct nlattr *tb[ROAM_MANGLE_A_RANGE_MAX + 1];
	const struct nlattr *attr;
	/* Where IPv4 addresses are in the tables. */
	const struct in6_addr roam_mapped = roam_addr4(0);
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
	if (len < 96 && !attr_is4 && ipv6_prefix_equal(&addr, &roam_mapped, len)) {
		NL_SET_ERR_MSG_ATTR(extack, attr,
				    "prefix would hold every IPv4 address too; give a longer one, as 2000::/3");
		return -EINVAL;
	}
	if (!roam_range_fill(range, &addr, len)) {
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
static struct roam_ranges *roam_nl_parse_ranges(const struct nlattr *head,
						int len, u16 type,
						unsigned int max,
						struct netlink_ext_ack *extack)
{
	struct roam_ranges *ranges;
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
	ranges = roam_ranges_alloc(n);
	if (!ranges)
		return ERR_PTR(-ENOMEM);
	n = 0;
	nla_for_each_attr(attr, head, len, rem) {
		if (nla_type(attr) != type)
			continue;
		err = roam_nl_parse_range(attr, &ranges->item[n++], extack);
		if (err)
			break;
	}
	if (!err) {
		NL_SET_BAD_ATTR(extack, head);
		err = roam_ranges_sort(ranges, extack);
	}
	if (!err)
		return ranges;
	kfree(ranges);
	return ERR_PTR(err);
}

static int roam_nl_parse_exempt(const struct nlattr *nest,
				struct roam_exempt *exempt,
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
			if (!roam_exempt_add_port(exempt, nla_get_u16(attr)))
				goto too_many;
			break;
		case ROAM_MANGLE_A_EXEMPT_CGROUP:
			if (exempt->n_cgroups == ROAM_EXEMPT_CGROUPS)
				goto too_many;
			exempt->cgroups[exempt->n_cgroups++] =
				nla_get_u64(attr);
			break;
		}
	}
	exempt->ranges = roam_nl_parse_ranges(nla_data(nest), nla_len(nest),
					      ROAM_MANGLE_A_EXEMPT_RANGE,
					      ROAM_EXEMPT_RANGES, extack);
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

/* @type is the attribute for IPv4, the one for IPv6 is the next. */
static int roam_nl_put_addr(struct sk_buff *msg, u16 type,
			    const struct in6_addr *addr)
{
	if (roam_addr_is4(addr))
		return nla_put_in_addr(msg, type, roam_addr_to4(addr));
	return nla_put_in6_addr(msg, type + 1, addr);
}

/* -ENOENT if it was removed meanwhile. */
static int roam_nl_put_mapping(struct sk_buff *msg,
			       const struct roam_mapping *mapping)
{
	struct roam_mapping_view view;
	struct nlattr *nest;

	if (!roam_mapping_view(mapping, &view))
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
static int roam_nl_put_pending(struct sk_buff *msg, const struct in6_addr *perm,
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
static int roam_nl_put_peer(struct sk_buff *msg, const struct in6_addr *own,
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
static int roam_nl_put_peer_entry(struct roam_net *rn, struct sk_buff *msg,
				  const struct roam_peer *peer)
{
	struct roam_mapping *own = roam_mapping_find(rn, &peer->key.own);

	return roam_nl_put_peer(msg, &peer->key.own, &peer->key.addr,
				READ_ONCE(peer->mode), own &&
				roam_peer_knows(peer, READ_ONCE(own->epoch)),
				(u32)jiffies - READ_ONCE(peer->used));
}

/* A reply with its header; *hdr for genlmsg_end(). */
static struct sk_buff *roam_nl_reply_new(struct genl_info *info, void **hdr)
{
	/* The longest reply: 256 prefixes of IPv6. */
	struct sk_buff *msg = genlmsg_new(3 * 4096, GFP_KERNEL);

	if (!msg)
		return NULL;
	*hdr = genlmsg_put_reply(msg, info, &roam_nl_family, 0,
				 info->genlhdr->cmd);
	if (!*hdr) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

/* Ends a reply that was filled with @err: sent, or given up. */
static int roam_nl_reply_end(struct genl_info *info, struct sk_buff *msg,
			     void *hdr, int err)
{
	if (err) {
		nlmsg_free(msg);
		return err;
	}
	genlmsg_end(msg, hdr);
	return genlmsg_reply(msg, info);
}

/*
 * Ends a bulk request: says how many entries took effect, and hands back the
 * error that ended it, for the acknowledgement.
 */
static int roam_nl_applied(struct genl_info *info, u32 applied, int err)
{
	struct sk_buff *msg;
	void *hdr;
	int ret;

	msg = roam_nl_reply_new(info, &hdr);
	if (!msg)
		return err ?: -ENOMEM;
	ret = roam_nl_reply_end(info, msg, hdr,
				nla_put_u32(msg, ROAM_MANGLE_A_MAIN_APPLIED,
					    applied));
	return err ?: ret;
}

/* Every attribute of @type at the top level of a request. */
#define roam_nl_for_each(attr, type, info, rem)				\
	nlmsg_for_each_attr(attr, (info)->nlhdr, GENL_HDRLEN, rem)	\
		if (nla_type(attr) == (type))

/* ---- events ---- */

static struct sk_buff *roam_nl_event_new(struct roam_net *rn,
					 unsigned int group, u8 cmd, void **hdr)
{
	struct sk_buff *msg;

	if (!genl_has_listeners(&roam_nl_family, rn->net, group))
		return NULL;
	msg = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_ATOMIC);
	if (!msg)
		return NULL;
	*hdr = genlmsg_put(msg, 0, 0, &roam_nl_family, 0, cmd);
	if (!*hdr) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static int roam_nl_event_send(struct roam_net *rn, unsigned int group,
			      struct sk_buff *msg, void *hdr)
{
	genlmsg_end(msg, hdr);
	return genlmsg_multicast_netns(&roam_nl_family, rn->net, msg, 0, group,
				       GFP_ATOMIC);
}

static void roam_nl_trace_mapping(struct roam_net *rn,
				  const struct roam_mapping *mapping, u8 reason)
{
	struct roam_mapping_view view;

	if (roam_mapping_view(mapping, &view))
		trace_mapping(rn->net, &mapping->perm,
			      view.endpoint ? &view.endpoint->coa : NULL,
			      mapping->role, reason);
}

void roam_nl_mapping_event(struct roam_net *rn,
			   const struct roam_mapping *mapping, u8 reason)
{
	struct sk_buff *msg;
	void *hdr;

	if (trace_mapping_enabled())
		roam_nl_trace_mapping(rn, mapping, reason);
	msg = roam_nl_event_new(rn, ROAM_MANGLE_NLGRP_EVENTS,
				ROAM_MANGLE_CMD_MAPPING_NTF, &hdr);
	if (!msg)
		return;
	if (roam_nl_put_mapping(msg, mapping) ||
	    nla_put_u8(msg, ROAM_MANGLE_A_MAIN_REASON, reason))
		nlmsg_free(msg);
	else
		roam_nl_event_send(rn, ROAM_MANGLE_NLGRP_EVENTS, msg, hdr);
}

void roam_nl_peer_event(struct roam_net *rn, const struct roam_peer *peer,
			u8 reason)
{
	struct sk_buff *msg;
	void *hdr;

	trace_peer(rn->net, &peer->key.own, &peer->key.addr,
		   READ_ONCE(peer->mode), reason);
	msg = roam_nl_event_new(rn, ROAM_MANGLE_NLGRP_EVENTS,
				ROAM_MANGLE_CMD_PEER_NTF, &hdr);
	if (!msg)
		return;
	if (roam_nl_put_peer_entry(rn, msg, peer) ||
	    nla_put_u8(msg, ROAM_MANGLE_A_MAIN_REASON, reason))
		nlmsg_free(msg);
	else
		roam_nl_event_send(rn, ROAM_MANGLE_NLGRP_EVENTS, msg, hdr);
}

bool roam_nl_miss_heard(struct roam_net *rn)
{
	return genl_has_listeners(&roam_nl_family, rn->net,
				  ROAM_MANGLE_NLGRP_MISS);
}

bool roam_nl_miss_event(struct roam_net *rn, const struct in6_addr *own,
			const struct in6_addr *peer, u32 need)
{
	struct sk_buff *msg;
	void *hdr;

	trace_miss(rn->net, own, peer, need);
	msg = roam_nl_event_new(rn, ROAM_MANGLE_NLGRP_MISS,
				ROAM_MANGLE_CMD_MISS_NTF, &hdr);
	if (!msg)
		return true;
	if (roam_nl_put_peer(msg, own, peer, ROAM_MANGLE_PEER_MODE_SEEN, false,
			     0) ||
	    nla_put_u32(msg, ROAM_MANGLE_A_MAIN_NEED, need)) {
		nlmsg_free(msg);
		return true;
	}
	return roam_nl_event_send(rn, ROAM_MANGLE_NLGRP_MISS, msg, hdr) !=
	       -ESRCH;
}

/* ---- mappings ---- */

static int roam_nl_mapping_set_one(struct roam_net *rn,
				   struct genl_info *info,
				   const struct nlattr *attr)
{
	struct roam_mapping_request req;
	struct roam_mapping *mapping;
	u8 reason;
	int err;

	err = roam_nl_parse_mapping(attr, &req, info->extack);
	if (err)
		return err;
	req.exclusive = info->attrs[ROAM_MANGLE_A_MAIN_EXCLUSIVE];
	req.existing = info->attrs[ROAM_MANGLE_A_MAIN_EXISTING];

	mutex_lock(&rn->lock);
	mapping = roam_mapping_set(rn, &req, &reason, info->extack);
	if (IS_ERR(mapping)) {
		mutex_unlock(&rn->lock);
		NL_SET_BAD_ATTR(info->extack, attr);
		return PTR_ERR(mapping);
	}
	err = roam_hooks_update(rn);
	if (err) {
		roam_mapping_remove(rn, mapping);
		mutex_unlock(&rn->lock);
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "cannot register the hooks");
		return err;
	}
	roam_nl_mapping_event(rn, mapping, reason);
	mutex_unlock(&rn->lock);

	if (req.role == ROAM_MANGLE_ROLE_REMOTE)
		roam_hold_release(rn, &req.perm);
	return 0;
}

int roam_mangle_nl_mapping_set_doit(struct sk_buff *skb,
				    struct genl_info *info)
{
	struct roam_net *rn = roam_nl_net(info);
	const struct nlattr *attr;
	u32 applied = 0;
	int err = 0, rem;

	if (roam_nl_require(info, ROAM_MANGLE_A_MAIN_MAPPING))
		return -EINVAL;
	roam_nl_for_each(attr, ROAM_MANGLE_A_MAIN_MAPPING, info, rem) {
		err = roam_nl_mapping_set_one(rn, info, attr);
		if (err)
			break;
		applied++;
	}
	return roam_nl_applied(info, applied, err);
}

static int roam_nl_mapping_del_one(struct roam_net *rn,
				   struct genl_info *info,
				   const struct nlattr *attr)
{
	struct roam_mapping *mapping;
	struct in6_addr perm;
	int err;

	err = roam_nl_parse_perm(attr, &perm, info->extack);
	if (err)
		return err;

	mutex_lock(&rn->lock);
	rcu_read_lock();
	mapping = roam_mapping_find(rn, &perm);
	rcu_read_unlock();
	if (mapping) {
		roam_nl_mapping_event(rn, mapping, ROAM_MANGLE_REASON_DELETED);
		roam_mapping_remove(rn, mapping);
	} else {
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "no such mapping");
		err = -ENOENT;
	}
	mutex_unlock(&rn->lock);
	return err;
}

int roam_mangle_nl_mapping_del_doit(struct sk_buff *skb,
				    struct genl_info *info)
{
	struct roam_net *rn = roam_nl_net(info);
	const struct nlattr *attr;
	u32 applied = 0;
	int err = 0, rem;

	if (info->attrs[ROAM_MANGLE_A_MAIN_ALL]) {
		mutex_lock(&rn->lock);
		applied = roam_mappings(rn);
		roam_mapping_flush(rn);
		mutex_unlock(&rn->lock);
	} else if (roam_nl_require(info, ROAM_MANGLE_A_MAIN_MAPPING)) {
		return -EINVAL;
	}
	roam_nl_for_each(attr, ROAM_MANGLE_A_MAIN_MAPPING, info, rem) {
		err = roam_nl_mapping_del_one(rn, info, attr);
		if (err)
			break;
		applied++;
	}
	mutex_lock(&rn->lock);
	roam_hooks_update(rn);
	mutex_unlock(&rn->lock);
	return roam_nl_applied(info, applied, err);
}

int roam_mangle_nl_mapping_get_doit(struct sk_buff *skb,
				    struct genl_info *info)
{
	struct roam_net *rn = roam_nl_net(info);
	struct roam_mapping *mapping;
	struct nlattr *nest;
	struct in6_addr perm;
	struct sk_buff *msg;
	unsigned long left;
	void *hdr;
	int err;

	if (roam_nl_require(info, ROAM_MANGLE_A_MAIN_MAPPING))
		return -EINVAL;
	nest = info->attrs[ROAM_MANGLE_A_MAIN_MAPPING];
	err = roam_nl_parse_perm(nest, &perm, info->extack);
	if (err)
		return err;

	msg = roam_nl_reply_new(info, &hdr);
	if (!msg)
		return -ENOMEM;
	rcu_read_lock();
	mapping = roam_mapping_find(rn, &perm);
	if (mapping) {
		err = roam_nl_put_mapping(msg, mapping);
	} else if (roam_hold_waits(rn, &perm, &left)) {
		err = roam_nl_put_pending(msg, &perm, left);
	} else {
		NL_SET_ERR_MSG_ATTR(info->extack, nest, "no such mapping");
		err = -ENOENT;
	}
	rcu_read_unlock();
	return roam_nl_reply_end(info, msg, hdr, err);
}

/* ---- dumps ---- */

/**
 * struct roam_nl_dump - a dump of a table under way, in netlink_callback.args
 * @iter: where it is
 * @end: the end of the table was reached
 * @question: number of the last question that was told
 */
struct roam_nl_dump {
	struct rhashtable_iter iter;
	bool end;
	u64 question;
};

static struct roam_nl_dump *roam_nl_dump_of(struct netlink_callback *cb)
{
	return (struct roam_nl_dump *)cb->args[0];
}

static int roam_nl_dump_start(struct netlink_callback *cb,
			      struct rhashtable *table)
{
	struct roam_nl_dump *dump = kzalloc(sizeof(*dump), GFP_KERNEL);

	if (!dump)
		return -ENOMEM;
	rhashtable_walk_enter(table, &dump->iter);
	cb->args[0] = (long)dump;
	return 0;
}

static int roam_nl_dump_done(struct netlink_callback *cb)
{
	struct roam_nl_dump *dump = roam_nl_dump_of(cb);

	rhashtable_walk_exit(&dump->iter);
	kfree(dump);
	return 0;
}

static int roam_nl_mapping_dump_start(struct netlink_callback *cb)
{
	return roam_nl_dump_start(cb, &roam_net(sock_net(cb->skb->sk))->by_perm);
}

static int roam_nl_peer_dump_start(struct netlink_callback *cb)
{
	return roam_nl_dump_start(cb, &roam_net(sock_net(cb->skb->sk))->peers);
}

/*
 * Puts as many entries as fit, one message each, by @put. A change of the
 * table between two calls, or a resize, marks the dump as interrupted.
 */
static int roam_nl_dump(struct sk_buff *skb, struct netlink_callback *cb,
			u8 cmd, int (*put)(struct roam_net *rn,
					   struct sk_buff *msg,
					   const void *entry))
{
	struct roam_net *rn = roam_net(sock_net(skb->sk));
	struct roam_nl_dump *dump = roam_nl_dump_of(cb);
	void *entry, *hdr;
	int err;

	cb->seq = (u32)atomic_read(&rn->generation) << 1 | 1;
	rhashtable_walk_start(&dump->iter);
	for (entry = rhashtable_walk_peek(&dump->iter); entry;
	     entry = rhashtable_walk_next(&dump->iter)) {
		if (IS_ERR(entry)) {
			/* Entries may come twice: as good as a change. */
			atomic_inc(&rn->generation);
			continue;
		}
		hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				  cb->nlh->nlmsg_seq, &roam_nl_family,
				  NLM_F_MULTI, cmd);
		if (!hdr)
			break;
		genl_dump_check_consistent(cb, hdr);
		err = put(rn, skb, entry);
		if (!err) {
			genlmsg_end(skb, hdr);
			continue;
		}
		genlmsg_cancel(skb, hdr);
		/* One that just went is no reason to stop. */
		if (err != -ENOENT)
			break;
	}
	rhashtable_walk_stop(&dump->iter);
	dump->end = !entry;
	return skb->len;
}

/* What is asked for, behind all that is known. */
static void roam_nl_dump_pending(struct sk_buff *skb,
				 struct netlink_callback *cb)
{
	struct roam_net *rn = roam_net(sock_net(skb->sk));
	struct roam_nl_dump *dump = roam_nl_dump_of(cb);
	u64 question = dump->question;
	struct in6_addr perm;
	unsigned long left;
	bool known;
	void *hdr;

	while (roam_hold_next(rn, &question, &perm, &left)) {
		/* The answer is there, its packets are about to leave. */
		rcu_read_lock();
		known = roam_mapping_find(rn, &perm);
		rcu_read_unlock();
		if (known)
			continue;
		hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				  cb->nlh->nlmsg_seq, &roam_nl_family,
				  NLM_F_MULTI, ROAM_MANGLE_CMD_MAPPING_GET);
		if (!hdr)
			return;
		genl_dump_check_consistent(cb, hdr);
		if (roam_nl_put_pending(skb, &perm, left)) {
			genlmsg_cancel(skb, hdr);
			return;
		}
		genlmsg_end(skb, hdr);
		dump->question = question;
	}
}

static int roam_nl_dump_put_mapping(struct roam_net *rn, struct sk_buff *msg,
				    const void *entry)
{
	return roam_nl_put_mapping(msg, entry);
}

static int roam_nl_dump_put_peer(struct roam_net *rn, struct sk_buff *msg,
				 const void *entry)
{
	return roam_nl_put_peer_entry(rn, msg, entry);
}

int roam_mangle_nl_mapping_get_dumpit(struct sk_buff *skb,
				      struct netlink_callback *cb)
{
	roam_nl_dump(skb, cb, ROAM_MANGLE_CMD_MAPPING_GET,
		     roam_nl_dump_put_mapping);
	if (roam_nl_dump_of(cb)->end)
		roam_nl_dump_pending(skb, cb);
	return skb->len;
}

int roam_mangle_nl_peer_get_dumpit(struct sk_buff *skb,
				   struct netlink_callback *cb)
{
	return roam_nl_dump(skb, cb, ROAM_MANGLE_CMD_PEER_GET,
			    roam_nl_dump_put_peer);
}

/* ---- correspondents ---- */

int roam_mangle_nl_peer_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct roam_net *rn = roam_nl_net(info);
	const struct nlattr *attr;
	struct roam_peer_key key;
	u32 applied = 0;
	int err = 0, rem;
	u8 mode;

	if (roam_nl_require(info, ROAM_MANGLE_A_MAIN_PEER))
		return -EINVAL;
	roam_nl_for_each(attr, ROAM_MANGLE_A_MAIN_PEER, info, rem) {
		err = roam_nl_parse_peer(attr, &key, &mode, info->extack);
		if (err)
			break;
		mutex_lock(&rn->lock);
		err = roam_peer_set(rn, &key, mode, info->extack);
		mutex_unlock(&rn->lock);
		if (err) {
			NL_SET_BAD_ATTR(info->extack, attr);
			break;
		}
		roam_hold_release(rn, &key.addr);
		applied++;
	}
	return roam_nl_applied(info, applied, err);
}

int roam_mangle_nl_peer_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct roam_net *rn = roam_nl_net(info);
	const struct nlattr *attr;
	struct roam_peer_key key;
	u32 applied = 0;
	int err = 0, rem;
	u8 mode;

	if (info->attrs[ROAM_MANGLE_A_MAIN_ALL]) {
		applied = atomic_read(&rn->peers.nelems);
		roam_peer_flush(rn);
	} else if (roam_nl_require(info, ROAM_MANGLE_A_MAIN_PEER)) {
		return -EINVAL;
	}
	roam_nl_for_each(attr, ROAM_MANGLE_A_MAIN_PEER, info, rem) {
		err = roam_nl_parse_peer(attr, &key, &mode, info->extack);
		if (!err)
			err = roam_peer_del(rn, &key);
		if (err == -ENOENT)
			NL_SET_ERR_MSG_ATTR(info->extack, attr,
					    "no such correspondent");
		if (err)
			break;
		applied++;
	}
	return roam_nl_applied(info, applied, err);
}

int roam_mangle_nl_peer_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct roam_net *rn = roam_nl_net(info);
	struct roam_peer_key key;
	struct roam_peer *peer;
	struct sk_buff *msg;
	struct nlattr *nest;
	void *hdr;
	u8 mode;
	int err;

	if (roam_nl_require(info, ROAM_MANGLE_A_MAIN_PEER))
		return -EINVAL;
	nest = info->attrs[ROAM_MANGLE_A_MAIN_PEER];
	err = roam_nl_parse_peer(nest, &key, &mode, info->extack);
	if (err)
		return err;

	msg = roam_nl_reply_new(info, &hdr);
	if (!msg)
		return -ENOMEM;
	rcu_read_lock();
	peer = roam_peer_find(rn, &key);
	if (peer) {
		err = roam_nl_put_peer_entry(rn, msg, peer);
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
	struct roam_net *rn = roam_nl_net(info);
	struct roam_ranges *ranges;
	int err;

	ranges = roam_nl_parse_ranges(nlmsg_attrdata(info->nlhdr, GENL_HDRLEN),
				      nlmsg_attrlen(info->nlhdr, GENL_HDRLEN),
				      ROAM_MANGLE_A_MAIN_RANGE, ROAM_RANGES_MAX,
				      info->extack);
	if (IS_ERR(ranges))
		return PTR_ERR(ranges);
	mutex_lock(&rn->lock);
	roam_ranges_set(rn, ranges);
	err = roam_hooks_update(rn);
	mutex_unlock(&rn->lock);
	return err;
}

/* Each as an attribute of @type; @ranges may be NULL. */
static int roam_nl_put_ranges(struct sk_buff *msg, u16 type,
			      const struct roam_ranges *ranges)
{
	struct nlattr *nest;
	unsigned int i;

	for (i = 0; ranges && i < ranges->n; i++) {
		const struct roam_range *range = &ranges->item[i];
		struct in6_addr addr = roam_range_addr(range);

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
	struct roam_net *rn = roam_nl_net(info);
	struct sk_buff *msg;
	void *hdr;
	int err;

	msg = roam_nl_reply_new(info, &hdr);
	if (!msg)
		return -ENOMEM;
	rcu_read_lock();
	err = roam_nl_put_ranges(msg, ROAM_MANGLE_A_MAIN_RANGE,
				 rcu_dereference(rn->ranges));
	rcu_read_unlock();
	return roam_nl_reply_end(info, msg, hdr, err);
}

/* ---- settings and counters ---- */

static void roam_nl_config_u32(struct nlattr *attr, u32 *setting)
{
	if (attr)
		WRITE_ONCE(*setting, nla_get_u32(attr));
}

static void roam_nl_config_ms(struct nlattr *attr, u32 *setting)
{
	if (attr)
		WRITE_ONCE(*setting, msecs_to_jiffies(nla_get_u32(attr)));
}

/* The memory is the machine's: more of it is for its administrator to give. */
static int roam_nl_check_limit(const struct nlattr *attr, u32 most,
			       struct netlink_ext_ack *extack)
{
	if (!attr || nla_get_u32(attr) <= most || capable(CAP_NET_ADMIN))
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr,
			    "only the machine's own administrator may raise this limit above its default");
	return -EPERM;
}

int roam_mangle_nl_config_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[ROAM_MANGLE_A_CONFIG_MAX + 1];
	struct roam_net *rn = roam_nl_net(info);
	DECLARE_BITMAP(protocols, 256) = {};
	struct roam_config *config = &rn->config;
	struct roam_exempt *exempt = NULL;
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
		err = roam_nl_parse_exempt(tb[ROAM_MANGLE_A_CONFIG_EXEMPT],
					   exempt, info->extack);
		if (err) {
			roam_exempt_free(exempt);
			return err;
		}
	}

	err = roam_nl_check_limit(tb[ROAM_MANGLE_A_CONFIG_MAX_MAPPINGS],
				  ROAM_MAPPINGS_DEFAULT, info->extack) ?:
	      roam_nl_check_limit(tb[ROAM_MANGLE_A_CONFIG_MAX_PEERS],
				  ROAM_PEERS_DEFAULT, info->extack);
	if (err) {
		roam_exempt_free(exempt);
		return err;
	}

	mutex_lock(&rn->lock);
	if (exempt)
		roam_exempt_set(rn, exempt);
	if (tb[ROAM_MANGLE_A_CONFIG_PROTOCOL])
		bitmap_copy(config->protocols, protocols, 256);
	roam_nl_config_u32(tb[ROAM_MANGLE_A_CONFIG_HOLD_PACKETS],
			   &config->hold_packets);
	roam_nl_config_u32(tb[ROAM_MANGLE_A_CONFIG_HOLD_TOTAL],
			   &config->hold_total);
	roam_nl_config_ms(tb[ROAM_MANGLE_A_CONFIG_HOLD_TIME],
			  &config->hold_time);
	if (tb[ROAM_MANGLE_A_CONFIG_HOLD_POLICY])
		WRITE_ONCE(config->hold_policy,
			   nla_get_u8(tb[ROAM_MANGLE_A_CONFIG_HOLD_POLICY]));
	roam_nl_config_ms(tb[ROAM_MANGLE_A_CONFIG_GRACE], &config->grace);
	roam_nl_config_u32(tb[ROAM_MANGLE_A_CONFIG_MAX_MAPPINGS],
			   &config->max_mappings);
	roam_nl_config_u32(tb[ROAM_MANGLE_A_CONFIG_MAX_PEERS],
			   &config->max_peers);
	roam_nl_config_ms(tb[ROAM_MANGLE_A_CONFIG_PEER_TIME],
			  &config->peer_time);
	mutex_unlock(&rn->lock);
	/* A shorter time is one for what is there, too. */
	roam_sweep_within(rn, 0);
	return 0;
}

static int roam_nl_put_exempt(struct sk_buff *msg,
			      const struct roam_exempt *exempt)
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
	    roam_nl_put_ranges(msg, ROAM_MANGLE_A_EXEMPT_RANGE, exempt->ranges))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

/* Under rcu_read_lock(). */
static int roam_nl_put_config(struct sk_buff *msg, const struct roam_net *rn)
{
	const struct roam_config *config = &rn->config;
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
	    roam_nl_put_exempt(msg, rcu_dereference(rn->exempt)))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

int roam_mangle_nl_config_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *msg;
	void *hdr;
	int err;

	msg = roam_nl_reply_new(info, &hdr);
	if (!msg)
		return -ENOMEM;
	rcu_read_lock();
	err = roam_nl_put_config(msg, roam_nl_net(info));
	rcu_read_unlock();
	return roam_nl_reply_end(info, msg, hdr, err);
}

/* Which attribute carries which counter. */
static const struct {
	u16 attr;
	u16 offset;
} roam_nl_counters[] = {
#define COUNTER(attr, field) \
	{ ROAM_MANGLE_A_STATS_##attr, offsetof(struct roam_stats, field) }
	COUNTER(IN_REWRITTEN, in_rewritten),
	COUNTER(OUT_REWRITTEN, out_rewritten),
	COUNTER(IN_ICMP, in_icmp),
	COUNTER(OUT_ICMP, out_icmp),
	COUNTER(IN_KEPT, in_kept),
	COUNTER(HELD, held),
	COUNTER(RELEASED, released),
	COUNTER(UNASKED, unasked),
	COUNTER(DROP_HOLD_FULL, drop[ROAM_DROP_HOLD_FULL]),
	COUNTER(DROP_HOLD_TIMEOUT, drop[ROAM_DROP_HOLD_TIMEOUT]),
	COUNTER(PASS_HOLD_FULL, pass_hold_full),
	COUNTER(PASS_HOLD_TIMEOUT, pass_hold_timeout),
	COUNTER(DROP_MALFORMED, drop[ROAM_DROP_MALFORMED]),
	COUNTER(DROP_UNTOLD, drop[ROAM_DROP_UNTOLD]),
	COUNTER(DROP_NO_ROUTE, drop[ROAM_DROP_NO_ROUTE]),
	COUNTER(DROP_EARLY_RESET, drop[ROAM_DROP_EARLY_RESET]),
	COUNTER(PEERS_FULL, peers_full),
	COUNTER(EXEMPTED, exempted),
	COUNTER(RESUMED, resumed),
#undef COUNTER
};

static u64 roam_nl_counter_sum(const struct roam_net *rn, u16 offset)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += *(u64 *)((void *)per_cpu_ptr(rn->stats, cpu) + offset);
	return sum;
}

static int roam_nl_put_stats(struct sk_buff *msg, struct roam_net *rn)
{
	struct nlattr *nest;
	unsigned int i;

	nest = nla_nest_start(msg, ROAM_MANGLE_A_MAIN_STATS);
	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < ARRAY_SIZE(roam_nl_counters); i++)
		if (nla_put_u64_64bit(msg, roam_nl_counters[i].attr,
				      roam_nl_counter_sum(rn, roam_nl_counters[i].offset),
				      ROAM_MANGLE_A_STATS_PAD))
			return -EMSGSIZE;
	if (nla_put_u32(msg, ROAM_MANGLE_A_STATS_MAPPINGS,
			roam_mappings(rn)) ||
	    nla_put_u32(msg, ROAM_MANGLE_A_STATS_PEERS,
			atomic_read(&rn->peers.nelems)) ||
	    nla_put_u32(msg, ROAM_MANGLE_A_STATS_HOLDING,
			READ_ONCE(rn->hold.packets)))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

int roam_mangle_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *msg;
	void *hdr;

	msg = roam_nl_reply_new(info, &hdr);
	if (!msg)
		return -ENOMEM;
	return roam_nl_reply_end(info, msg, hdr,
				 roam_nl_put_stats(msg, roam_nl_net(info)));
}

/* ---- family ---- */

/* The generated operations, with what the specification cannot say. */
static struct genl_ops roam_nl_ops[ARRAY_SIZE(roam_mangle_nl_ops)] __ro_after_init;

static struct genl_multicast_group
roam_nl_mcgrps[ARRAY_SIZE(roam_mangle_nl_mcgrps)] __ro_after_init;

static struct genl_family roam_nl_family __ro_after_init = {
	.name		= ROAM_MANGLE_GENL_NAME,
	.version	= ROAM_MANGLE_GENL_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.ops		= roam_nl_ops,
	.n_ops		= ARRAY_SIZE(roam_nl_ops),
	.resv_start_op	= ROAM_MANGLE_CMD_MAPPING_SET,
	.mcgrps		= roam_nl_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(roam_nl_mcgrps),
};

int __init roam_nl_init(void)
{
	unsigned int i;

	/* Who talks to whom, and where, is nobody else's business. */
	for (i = 0; i < ARRAY_SIZE(roam_nl_mcgrps); i++) {
		roam_nl_mcgrps[i] = roam_mangle_nl_mcgrps[i];
		roam_nl_mcgrps[i].flags = GENL_MCAST_CAP_NET_ADMIN;
	}
	memcpy(roam_nl_ops, roam_mangle_nl_ops, sizeof(roam_nl_ops));
	for (i = 0; i < ARRAY_SIZE(roam_nl_ops); i++) {
		struct genl_ops *op = &roam_nl_ops[i];

		if (op->cmd == ROAM_MANGLE_CMD_MAPPING_GET)
			op->start = roam_nl_mapping_dump_start;
		else if (op->cmd == ROAM_MANGLE_CMD_PEER_GET)
			op->start = roam_nl_peer_dump_start;
		else
			continue;
		op->done = roam_nl_dump_done;
	}
	return genl_register_family(&roam_nl_family);
}

void roam_nl_exit(void)
{
	genl_unregister_family(&roam_nl_family);
}
