// SPDX-License-Identifier: GPL-2.0-only
/*
 * The family, and what its objects share. Requests are checked in netlink-OBJECT.c and
 * carried out by table.c and arp.c. Each refusal names the attribute and says why in a
 * sentence.
 */
#include <linux/inet.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <net/genetlink.h>

/*
 * Included, not linked: its table of multicast groups is static, because the
 * generator leaves the family itself to us.
 */
#include "netlink-gen.c"

#include "../core/nl.h"
#include "netlink.h"
#include "table.h"

struct tunnel_net *tunnel_nl_net(struct genl_info *info)
{
	return tunnel_net(genl_info_net(info));
}

/* ---- reading requests ---- */

int tunnel_nl_host(const struct nlattr *nest, const struct nlattr *attr,
		   u16 type, __be32 *addr, struct netlink_ext_ack *extack)
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

unsigned long tunnel_nl_lifetime(const struct nlattr *attr)
{
	return attr ? min_t(unsigned long, S32_MAX,
			    msecs_to_jiffies(nla_get_u32(attr))) : 0;
}

int tunnel_nl_parse_encap(const struct nlattr *nest,
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

int tunnel_nl_check_ends(const struct nlattr *nest,
			 const struct roam_encap *tunnel,
			 struct netlink_ext_ack *extack)
{
	if (tunnel->saddr != tunnel->daddr)
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, nest,
			    "home agent and care-of address are the same; a tunnel has two ends");
	return -EINVAL;
}

/* ---- writing messages ---- */

int tunnel_nl_put_ports(struct sk_buff *msg, const struct roam_encap *tunnel,
			u16 sport, u16 dport)
{
	if (tunnel->encap != ROAM_TUNNEL_ENCAP_UDP)
		return 0;
	return nla_put_u16(msg, sport, ntohs(tunnel->sport)) ?:
	       nla_put_u16(msg, dport, ntohs(tunnel->dport));
}

int tunnel_nl_put_lifetime(struct sk_buff *msg, u16 type, bool mortal,
			   u32 expires)
{
	s32 left = expires - (u32)jiffies;

	return mortal ? nla_put_u32(msg, type,
				    jiffies_to_msecs(max(1, left))) : 0;
}

struct sk_buff *tunnel_nl_reply_new(struct genl_info *info, void **hdr)
{
	return roam_nl_reply_new(info, &tunnel_nl_family, NLMSG_DEFAULT_SIZE,
				 hdr);
}

int tunnel_nl_bulk(struct genl_info *info, u16 type, u32 applied,
		   int (*fn)(struct genl_info *info, const struct nlattr *attr))
{
	return roam_nl_bulk(info, &tunnel_nl_family, type,
			    ROAM_TUNNEL_A_MAIN_APPLIED, applied, fn);
}

void tunnel_nl_event_end(struct tunnel_net *tn, struct sk_buff *msg, void *hdr,
			 int err, u8 reason)
{
	if (err || nla_put_u8(msg, ROAM_TUNNEL_A_MAIN_REASON, reason))
		nlmsg_free(msg);
	else
		roam_nl_event_send(&tunnel_nl_family, tn->net,
				   ROAM_TUNNEL_NLGRP_EVENTS, msg, hdr);
}

/* ---- family ---- */

/* The generated operations, with what the specification cannot say. */
static struct genl_ops tunnel_nl_ops[ARRAY_SIZE(roam_tunnel_nl_ops)] __ro_after_init;

static struct genl_multicast_group
tunnel_nl_mcgrps[ARRAY_SIZE(roam_tunnel_nl_mcgrps)] __ro_after_init;

struct genl_family tunnel_nl_family __ro_after_init = {
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
