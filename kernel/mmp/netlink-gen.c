// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/roam_mmp.yaml */
/* YNL-GEN kernel source */
/* To regenerate run: scripts/netlink-gen */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink-gen.h"

#include <uapi/linux/roam_mmp.h>

/* Common nested types */
const struct nla_policy roam_mmp_config_nl_policy[ROAM_MMP_A_CONFIG_KEEP_BYTES + 1] = {
	[ROAM_MMP_A_CONFIG_ROLE] = NLA_POLICY_MAX(NLA_U8, 2),
	[ROAM_MMP_A_CONFIG_TIMEOUT] = NLA_POLICY_MIN(NLA_U32, 100),
	[ROAM_MMP_A_CONFIG_SECOND_TIME] = NLA_POLICY_RANGE(NLA_U32, 10, 30000),
	[ROAM_MMP_A_CONFIG_LEFT_TIME] = NLA_POLICY_MAX(NLA_U32, 30000),
	[ROAM_MMP_A_CONFIG_MAX_HOSTS] = { .type = NLA_U32, },
	[ROAM_MMP_A_CONFIG_TURN] = NLA_POLICY_MAX(NLA_U8, 1),
	[ROAM_MMP_A_CONFIG_PORT] = { .type = NLA_U16, },
	[ROAM_MMP_A_CONFIG_KEEP_TIME] = NLA_POLICY_MAX(NLA_U32, 30000),
	[ROAM_MMP_A_CONFIG_KEEP_BYTES] = { .type = NLA_U32, },
};

const struct nla_policy roam_mmp_hop_nl_policy[ROAM_MMP_A_HOP_LLADDR + 1] = {
	[ROAM_MMP_A_HOP_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[ROAM_MMP_A_HOP_LLADDR] = NLA_POLICY_EXACT_LEN(6),
};

const struct nla_policy roam_mmp_host_nl_policy[ROAM_MMP_A_HOST_PLAY + 1] = {
	[ROAM_MMP_A_HOST_ADDR4] = { .type = NLA_BE32, },
	[ROAM_MMP_A_HOST_ADDR6] = NLA_POLICY_EXACT_LEN(16),
	[ROAM_MMP_A_HOST_HOP] = NLA_POLICY_NESTED(roam_mmp_hop_nl_policy),
	[ROAM_MMP_A_HOST_SEQ] = { .type = NLA_U64, },
	[ROAM_MMP_A_HOST_LEFT] = { .type = NLA_U32, },
	[ROAM_MMP_A_HOST_SECOND_LEFT] = { .type = NLA_U32, },
	[ROAM_MMP_A_HOST_KEEP] = { .type = NLA_FLAG, },
	[ROAM_MMP_A_HOST_PLAY] = { .type = NLA_U32, },
};

const struct nla_policy roam_mmp_interface_nl_policy[ROAM_MMP_A_INTERFACE_KIND + 1] = {
	[ROAM_MMP_A_INTERFACE_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[ROAM_MMP_A_INTERFACE_KIND] = NLA_POLICY_MAX(NLA_U8, 1),
};

const struct nla_policy roam_mmp_range_nl_policy[ROAM_MMP_A_RANGE_PREFIX_LEN + 1] = {
	[ROAM_MMP_A_RANGE_ADDR4] = { .type = NLA_BE32, },
	[ROAM_MMP_A_RANGE_ADDR6] = NLA_POLICY_EXACT_LEN(16),
	[ROAM_MMP_A_RANGE_PREFIX_LEN] = NLA_POLICY_MAX(NLA_U8, 128),
};

/* ROAM_MMP_CMD_HOST_SET - do */
const struct nla_policy roam_mmp_host_set_nl_policy[ROAM_MMP_A_MAIN_HOST + 1] = {
	[ROAM_MMP_A_MAIN_HOST] = NLA_POLICY_NESTED(roam_mmp_host_nl_policy),
};

/* ROAM_MMP_CMD_HOST_DEL - do */
const struct nla_policy roam_mmp_host_del_nl_policy[ROAM_MMP_A_MAIN_ALL + 1] = {
	[ROAM_MMP_A_MAIN_HOST] = NLA_POLICY_NESTED(roam_mmp_host_nl_policy),
	[ROAM_MMP_A_MAIN_ALL] = { .type = NLA_FLAG, },
};

/* ROAM_MMP_CMD_HOST_GET - do */
const struct nla_policy roam_mmp_host_get_nl_policy[ROAM_MMP_A_MAIN_HOST + 1] = {
	[ROAM_MMP_A_MAIN_HOST] = NLA_POLICY_NESTED(roam_mmp_host_nl_policy),
};

/* ROAM_MMP_CMD_UPLINK_SET - do */
const struct nla_policy roam_mmp_uplink_set_nl_policy[ROAM_MMP_A_MAIN_HOP + 1] = {
	[ROAM_MMP_A_MAIN_HOP] = NLA_POLICY_NESTED(roam_mmp_hop_nl_policy),
};

/* ROAM_MMP_CMD_UPLINK_GET - do */
const struct nla_policy roam_mmp_uplink_get_nl_policy[ROAM_MMP_A_MAIN_ALL + 1] = {
	[ROAM_MMP_A_MAIN_ALL] = { .type = NLA_FLAG, },
};

/* ROAM_MMP_CMD_BELOW_SET - do */
const struct nla_policy roam_mmp_below_set_nl_policy[ROAM_MMP_A_MAIN_HOP + 1] = {
	[ROAM_MMP_A_MAIN_HOP] = NLA_POLICY_NESTED(roam_mmp_hop_nl_policy),
};

/* ROAM_MMP_CMD_BELOW_GET - do */
const struct nla_policy roam_mmp_below_get_nl_policy[ROAM_MMP_A_MAIN_ALL + 1] = {
	[ROAM_MMP_A_MAIN_ALL] = { .type = NLA_FLAG, },
};

/* ROAM_MMP_CMD_RANGE_SET - do */
const struct nla_policy roam_mmp_range_set_nl_policy[ROAM_MMP_A_MAIN_RANGE + 1] = {
	[ROAM_MMP_A_MAIN_RANGE] = NLA_POLICY_NESTED(roam_mmp_range_nl_policy),
};

/* ROAM_MMP_CMD_RANGE_GET - do */
const struct nla_policy roam_mmp_range_get_nl_policy[ROAM_MMP_A_MAIN_ALL + 1] = {
	[ROAM_MMP_A_MAIN_ALL] = { .type = NLA_FLAG, },
};

/* ROAM_MMP_CMD_INTERFACE_SET - do */
const struct nla_policy roam_mmp_interface_set_nl_policy[ROAM_MMP_A_MAIN_INTERFACE + 1] = {
	[ROAM_MMP_A_MAIN_INTERFACE] = NLA_POLICY_NESTED(roam_mmp_interface_nl_policy),
};

/* ROAM_MMP_CMD_INTERFACE_GET - do */
const struct nla_policy roam_mmp_interface_get_nl_policy[ROAM_MMP_A_MAIN_ALL + 1] = {
	[ROAM_MMP_A_MAIN_ALL] = { .type = NLA_FLAG, },
};

/* ROAM_MMP_CMD_CONFIG_SET - do */
const struct nla_policy roam_mmp_config_set_nl_policy[ROAM_MMP_A_MAIN_CONFIG + 1] = {
	[ROAM_MMP_A_MAIN_CONFIG] = NLA_POLICY_NESTED(roam_mmp_config_nl_policy),
};

/* ROAM_MMP_CMD_CONFIG_GET - do */
const struct nla_policy roam_mmp_config_get_nl_policy[ROAM_MMP_A_MAIN_ALL + 1] = {
	[ROAM_MMP_A_MAIN_ALL] = { .type = NLA_FLAG, },
};

/* ROAM_MMP_CMD_STATS_GET - do */
const struct nla_policy roam_mmp_stats_get_nl_policy[ROAM_MMP_A_MAIN_ALL + 1] = {
	[ROAM_MMP_A_MAIN_ALL] = { .type = NLA_FLAG, },
};

/* Ops table for roam_mmp */
const struct genl_ops roam_mmp_nl_ops[14] = {
	{
		.cmd		= ROAM_MMP_CMD_HOST_SET,
		.doit		= roam_mmp_nl_host_set_doit,
		.policy		= roam_mmp_host_set_nl_policy,
		.maxattr	= ROAM_MMP_A_MAIN_HOST,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_MMP_CMD_HOST_DEL,
		.doit		= roam_mmp_nl_host_del_doit,
		.policy		= roam_mmp_host_del_nl_policy,
		.maxattr	= ROAM_MMP_A_MAIN_ALL,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_MMP_CMD_HOST_GET,
		.doit		= roam_mmp_nl_host_get_doit,
		.dumpit		= roam_mmp_nl_host_get_dumpit,
		.policy		= roam_mmp_host_get_nl_policy,
		.maxattr	= ROAM_MMP_A_MAIN_HOST,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_MMP_CMD_UPLINK_SET,
		.doit		= roam_mmp_nl_uplink_set_doit,
		.policy		= roam_mmp_uplink_set_nl_policy,
		.maxattr	= ROAM_MMP_A_MAIN_HOP,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_MMP_CMD_UPLINK_GET,
		.doit		= roam_mmp_nl_uplink_get_doit,
		.policy		= roam_mmp_uplink_get_nl_policy,
		.maxattr	= ROAM_MMP_A_MAIN_ALL,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_MMP_CMD_BELOW_SET,
		.doit		= roam_mmp_nl_below_set_doit,
		.policy		= roam_mmp_below_set_nl_policy,
		.maxattr	= ROAM_MMP_A_MAIN_HOP,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_MMP_CMD_BELOW_GET,
		.doit		= roam_mmp_nl_below_get_doit,
		.policy		= roam_mmp_below_get_nl_policy,
		.maxattr	= ROAM_MMP_A_MAIN_ALL,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_MMP_CMD_RANGE_SET,
		.doit		= roam_mmp_nl_range_set_doit,
		.policy		= roam_mmp_range_set_nl_policy,
		.maxattr	= ROAM_MMP_A_MAIN_RANGE,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_MMP_CMD_RANGE_GET,
		.doit		= roam_mmp_nl_range_get_doit,
		.policy		= roam_mmp_range_get_nl_policy,
		.maxattr	= ROAM_MMP_A_MAIN_ALL,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_MMP_CMD_INTERFACE_SET,
		.doit		= roam_mmp_nl_interface_set_doit,
		.policy		= roam_mmp_interface_set_nl_policy,
		.maxattr	= ROAM_MMP_A_MAIN_INTERFACE,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_MMP_CMD_INTERFACE_GET,
		.doit		= roam_mmp_nl_interface_get_doit,
		.policy		= roam_mmp_interface_get_nl_policy,
		.maxattr	= ROAM_MMP_A_MAIN_ALL,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_MMP_CMD_CONFIG_SET,
		.doit		= roam_mmp_nl_config_set_doit,
		.policy		= roam_mmp_config_set_nl_policy,
		.maxattr	= ROAM_MMP_A_MAIN_CONFIG,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_MMP_CMD_CONFIG_GET,
		.doit		= roam_mmp_nl_config_get_doit,
		.policy		= roam_mmp_config_get_nl_policy,
		.maxattr	= ROAM_MMP_A_MAIN_ALL,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_MMP_CMD_STATS_GET,
		.doit		= roam_mmp_nl_stats_get_doit,
		.policy		= roam_mmp_stats_get_nl_policy,
		.maxattr	= ROAM_MMP_A_MAIN_ALL,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
};

static const struct genl_multicast_group roam_mmp_nl_mcgrps[] = {
	[ROAM_MMP_NLGRP_EVENTS] = { "events", },
};
