// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/roam_tunnel.yaml */
/* YNL-GEN kernel source */
/* To regenerate run: scripts/netlink-gen */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink-gen.h"

#include <uapi/linux/roam_tunnel.h>

/* Common nested types */
const struct nla_policy roam_tunnel_binding_nl_policy[ROAM_TUNNEL_A_BINDING_MAC + 1] = {
	[ROAM_TUNNEL_A_BINDING_HOME4] = { .type = NLA_BE32, },
	[ROAM_TUNNEL_A_BINDING_DEVICE] = { .type = NLA_U32, },
	[ROAM_TUNNEL_A_BINDING_ENDPOINT] = NLA_POLICY_NESTED(roam_tunnel_endpoint_nl_policy),
	[ROAM_TUNNEL_A_BINDING_HOME_LINK] = { .type = NLA_U32, },
	[ROAM_TUNNEL_A_BINDING_FLAGS] = NLA_POLICY_MASK(NLA_U32, 0x7),
	[ROAM_TUNNEL_A_BINDING_LIFETIME] = { .type = NLA_U32, },
	[ROAM_TUNNEL_A_BINDING_IDLE] = { .type = NLA_U32, },
	[ROAM_TUNNEL_A_BINDING_MAC] = NLA_POLICY_EXACT_LEN(6),
};

const struct nla_policy roam_tunnel_config_nl_policy[ROAM_TUNNEL_A_CONFIG_SILENT + 1] = {
	[ROAM_TUNNEL_A_CONFIG_TTL] = NLA_POLICY_MIN(NLA_U8, 1),
	[ROAM_TUNNEL_A_CONFIG_GRACE] = NLA_POLICY_MAX(NLA_U32, 30000),
	[ROAM_TUNNEL_A_CONFIG_ANNOUNCE_COUNT] = NLA_POLICY_MAX(NLA_U32, 16),
	[ROAM_TUNNEL_A_CONFIG_ANNOUNCE_INTERVAL] = NLA_POLICY_RANGE(NLA_U32, 10, 30000),
	[ROAM_TUNNEL_A_CONFIG_MAX_BINDINGS] = { .type = NLA_U32, },
	[ROAM_TUNNEL_A_CONFIG_MAX_VISITORS] = { .type = NLA_U32, },
	[ROAM_TUNNEL_A_CONFIG_SILENT] = NLA_POLICY_MAX(NLA_U8, 1),
};

const struct nla_policy roam_tunnel_endpoint_nl_policy[ROAM_TUNNEL_A_ENDPOINT_DPORT + 1] = {
	[ROAM_TUNNEL_A_ENDPOINT_COA4] = { .type = NLA_BE32, },
	[ROAM_TUNNEL_A_ENDPOINT_LOCAL4] = { .type = NLA_BE32, },
	[ROAM_TUNNEL_A_ENDPOINT_ENCAP] = NLA_POLICY_MAX(NLA_U8, 3),
	[ROAM_TUNNEL_A_ENDPOINT_SPORT] = { .type = NLA_U16, },
	[ROAM_TUNNEL_A_ENDPOINT_DPORT] = { .type = NLA_U16, },
};

const struct nla_policy roam_tunnel_visitor_nl_policy[ROAM_TUNNEL_A_VISITOR_IDLE + 1] = {
	[ROAM_TUNNEL_A_VISITOR_HOME4] = { .type = NLA_BE32, },
	[ROAM_TUNNEL_A_VISITOR_ROLE] = NLA_POLICY_MAX(NLA_U8, 1),
	[ROAM_TUNNEL_A_VISITOR_DEVICE] = { .type = NLA_U32, },
	[ROAM_TUNNEL_A_VISITOR_LINK] = { .type = NLA_U32, },
	[ROAM_TUNNEL_A_VISITOR_MAC] = NLA_POLICY_EXACT_LEN(6),
	[ROAM_TUNNEL_A_VISITOR_AGENT4] = { .type = NLA_BE32, },
	[ROAM_TUNNEL_A_VISITOR_COA4] = { .type = NLA_BE32, },
	[ROAM_TUNNEL_A_VISITOR_ENCAP] = NLA_POLICY_MAX(NLA_U8, 3),
	[ROAM_TUNNEL_A_VISITOR_SPORT] = { .type = NLA_U16, },
	[ROAM_TUNNEL_A_VISITOR_DPORT] = { .type = NLA_U16, },
	[ROAM_TUNNEL_A_VISITOR_REVERSE] = NLA_POLICY_MAX(NLA_U8, 2),
	[ROAM_TUNNEL_A_VISITOR_LIFETIME] = { .type = NLA_U32, },
	[ROAM_TUNNEL_A_VISITOR_IDLE] = { .type = NLA_U32, },
};

/* ROAM_TUNNEL_CMD_BINDING_SET - do */
const struct nla_policy roam_tunnel_binding_set_nl_policy[ROAM_TUNNEL_A_MAIN_EXISTING + 1] = {
	[ROAM_TUNNEL_A_MAIN_BINDING] = NLA_POLICY_NESTED(roam_tunnel_binding_nl_policy),
	[ROAM_TUNNEL_A_MAIN_EXCLUSIVE] = { .type = NLA_FLAG, },
	[ROAM_TUNNEL_A_MAIN_EXISTING] = { .type = NLA_FLAG, },
};

/* ROAM_TUNNEL_CMD_BINDING_DEL - do */
const struct nla_policy roam_tunnel_binding_del_nl_policy[ROAM_TUNNEL_A_MAIN_ALL + 1] = {
	[ROAM_TUNNEL_A_MAIN_BINDING] = NLA_POLICY_NESTED(roam_tunnel_binding_nl_policy),
	[ROAM_TUNNEL_A_MAIN_ALL] = { .type = NLA_FLAG, },
};

/* ROAM_TUNNEL_CMD_BINDING_GET - do */
const struct nla_policy roam_tunnel_binding_get_nl_policy[ROAM_TUNNEL_A_MAIN_BINDING + 1] = {
	[ROAM_TUNNEL_A_MAIN_BINDING] = NLA_POLICY_NESTED(roam_tunnel_binding_nl_policy),
};

/* ROAM_TUNNEL_CMD_ANNOUNCE - do */
const struct nla_policy roam_tunnel_announce_nl_policy[ROAM_TUNNEL_A_MAIN_ALL + 1] = {
	[ROAM_TUNNEL_A_MAIN_BINDING] = NLA_POLICY_NESTED(roam_tunnel_binding_nl_policy),
	[ROAM_TUNNEL_A_MAIN_ALL] = { .type = NLA_FLAG, },
};

/* ROAM_TUNNEL_CMD_VISITOR_SET - do */
const struct nla_policy roam_tunnel_visitor_set_nl_policy[ROAM_TUNNEL_A_MAIN_EXISTING + 1] = {
	[ROAM_TUNNEL_A_MAIN_VISITOR] = NLA_POLICY_NESTED(roam_tunnel_visitor_nl_policy),
	[ROAM_TUNNEL_A_MAIN_EXCLUSIVE] = { .type = NLA_FLAG, },
	[ROAM_TUNNEL_A_MAIN_EXISTING] = { .type = NLA_FLAG, },
};

/* ROAM_TUNNEL_CMD_VISITOR_DEL - do */
const struct nla_policy roam_tunnel_visitor_del_nl_policy[ROAM_TUNNEL_A_MAIN_ALL + 1] = {
	[ROAM_TUNNEL_A_MAIN_VISITOR] = NLA_POLICY_NESTED(roam_tunnel_visitor_nl_policy),
	[ROAM_TUNNEL_A_MAIN_ALL] = { .type = NLA_FLAG, },
};

/* ROAM_TUNNEL_CMD_VISITOR_GET - do */
const struct nla_policy roam_tunnel_visitor_get_nl_policy[ROAM_TUNNEL_A_MAIN_VISITOR + 1] = {
	[ROAM_TUNNEL_A_MAIN_VISITOR] = NLA_POLICY_NESTED(roam_tunnel_visitor_nl_policy),
};

/* ROAM_TUNNEL_CMD_CONFIG_SET - do */
const struct nla_policy roam_tunnel_config_set_nl_policy[ROAM_TUNNEL_A_MAIN_CONFIG + 1] = {
	[ROAM_TUNNEL_A_MAIN_CONFIG] = NLA_POLICY_NESTED(roam_tunnel_config_nl_policy),
};

/* ROAM_TUNNEL_CMD_CONFIG_GET - do */
const struct nla_policy roam_tunnel_config_get_nl_policy[ROAM_TUNNEL_A_MAIN_ALL + 1] = {
	[ROAM_TUNNEL_A_MAIN_ALL] = { .type = NLA_FLAG, },
};

/* ROAM_TUNNEL_CMD_STATS_GET - do */
const struct nla_policy roam_tunnel_stats_get_nl_policy[ROAM_TUNNEL_A_MAIN_ALL + 1] = {
	[ROAM_TUNNEL_A_MAIN_ALL] = { .type = NLA_FLAG, },
};

/* Ops table for roam_tunnel */
const struct genl_ops roam_tunnel_nl_ops[10] = {
	{
		.cmd		= ROAM_TUNNEL_CMD_BINDING_SET,
		.doit		= roam_tunnel_nl_binding_set_doit,
		.policy		= roam_tunnel_binding_set_nl_policy,
		.maxattr	= ROAM_TUNNEL_A_MAIN_EXISTING,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_TUNNEL_CMD_BINDING_DEL,
		.doit		= roam_tunnel_nl_binding_del_doit,
		.policy		= roam_tunnel_binding_del_nl_policy,
		.maxattr	= ROAM_TUNNEL_A_MAIN_ALL,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_TUNNEL_CMD_BINDING_GET,
		.doit		= roam_tunnel_nl_binding_get_doit,
		.dumpit		= roam_tunnel_nl_binding_get_dumpit,
		.policy		= roam_tunnel_binding_get_nl_policy,
		.maxattr	= ROAM_TUNNEL_A_MAIN_BINDING,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_TUNNEL_CMD_ANNOUNCE,
		.doit		= roam_tunnel_nl_announce_doit,
		.policy		= roam_tunnel_announce_nl_policy,
		.maxattr	= ROAM_TUNNEL_A_MAIN_ALL,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_TUNNEL_CMD_VISITOR_SET,
		.doit		= roam_tunnel_nl_visitor_set_doit,
		.policy		= roam_tunnel_visitor_set_nl_policy,
		.maxattr	= ROAM_TUNNEL_A_MAIN_EXISTING,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_TUNNEL_CMD_VISITOR_DEL,
		.doit		= roam_tunnel_nl_visitor_del_doit,
		.policy		= roam_tunnel_visitor_del_nl_policy,
		.maxattr	= ROAM_TUNNEL_A_MAIN_ALL,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_TUNNEL_CMD_VISITOR_GET,
		.doit		= roam_tunnel_nl_visitor_get_doit,
		.dumpit		= roam_tunnel_nl_visitor_get_dumpit,
		.policy		= roam_tunnel_visitor_get_nl_policy,
		.maxattr	= ROAM_TUNNEL_A_MAIN_VISITOR,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_TUNNEL_CMD_CONFIG_SET,
		.doit		= roam_tunnel_nl_config_set_doit,
		.policy		= roam_tunnel_config_set_nl_policy,
		.maxattr	= ROAM_TUNNEL_A_MAIN_CONFIG,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_TUNNEL_CMD_CONFIG_GET,
		.doit		= roam_tunnel_nl_config_get_doit,
		.policy		= roam_tunnel_config_get_nl_policy,
		.maxattr	= ROAM_TUNNEL_A_MAIN_ALL,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_TUNNEL_CMD_STATS_GET,
		.doit		= roam_tunnel_nl_stats_get_doit,
		.policy		= roam_tunnel_stats_get_nl_policy,
		.maxattr	= ROAM_TUNNEL_A_MAIN_ALL,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
};

static const struct genl_multicast_group roam_tunnel_nl_mcgrps[] = {
	[ROAM_TUNNEL_NLGRP_EVENTS] = { "events", },
};
