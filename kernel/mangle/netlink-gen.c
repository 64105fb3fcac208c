// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/roam_mangle.yaml */
/* YNL-GEN kernel source */
/* To regenerate run: scripts/netlink-gen */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink-gen.h"

#include <uapi/linux/roam_mangle.h>

/* Common nested types */
const struct nla_policy roam_mangle_config_nl_policy[ROAM_MANGLE_A_CONFIG_INTERNAL + 1] = {
	[ROAM_MANGLE_A_CONFIG_PROTOCOL] = { .type = NLA_U8, },
	[ROAM_MANGLE_A_CONFIG_HOLD_PACKETS] = NLA_POLICY_MAX(NLA_U32, 4096),
	[ROAM_MANGLE_A_CONFIG_HOLD_TOTAL] = NLA_POLICY_MAX(NLA_U32, 32767),
	[ROAM_MANGLE_A_CONFIG_HOLD_TIME] = NLA_POLICY_RANGE(NLA_U32, 1, 30000),
	[ROAM_MANGLE_A_CONFIG_HOLD_POLICY] = NLA_POLICY_MAX(NLA_U8, 1),
	[ROAM_MANGLE_A_CONFIG_GRACE] = NLA_POLICY_MAX(NLA_U32, 30000),
	[ROAM_MANGLE_A_CONFIG_MAX_MAPPINGS] = { .type = NLA_U32, },
	[ROAM_MANGLE_A_CONFIG_MAX_PEERS] = { .type = NLA_U32, },
	[ROAM_MANGLE_A_CONFIG_PEER_TIME] = NLA_POLICY_MIN(NLA_U32, 1000),
	[ROAM_MANGLE_A_CONFIG_EXEMPT] = NLA_POLICY_NESTED(roam_mangle_exempt_nl_policy),
	[ROAM_MANGLE_A_CONFIG_INTERNAL] = NLA_POLICY_NESTED(roam_mangle_range_nl_policy),
};

const struct nla_policy roam_mangle_exempt_nl_policy[ROAM_MANGLE_A_EXEMPT_UDP_PORT + 1] = {
	[ROAM_MANGLE_A_EXEMPT_PORT] = { .type = NLA_U16, },
	[ROAM_MANGLE_A_EXEMPT_MARK] = { .type = NLA_U32, },
	[ROAM_MANGLE_A_EXEMPT_MASK] = { .type = NLA_U32, },
	[ROAM_MANGLE_A_EXEMPT_RANGE] = NLA_POLICY_NESTED(roam_mangle_range_nl_policy),
	[ROAM_MANGLE_A_EXEMPT_CGROUP] = { .type = NLA_U64, },
	[ROAM_MANGLE_A_EXEMPT_UDP_PORT] = { .type = NLA_U16, },
};

const struct nla_policy roam_mangle_mapping_nl_policy[ROAM_MANGLE_A_MAPPING_PAD + 1] = {
	[ROAM_MANGLE_A_MAPPING_PERM4] = { .type = NLA_BE32, },
	[ROAM_MANGLE_A_MAPPING_PERM6] = NLA_POLICY_EXACT_LEN(16),
	[ROAM_MANGLE_A_MAPPING_COA4] = { .type = NLA_BE32, },
	[ROAM_MANGLE_A_MAPPING_COA6] = NLA_POLICY_EXACT_LEN(16),
	[ROAM_MANGLE_A_MAPPING_ROLE] = NLA_POLICY_MAX(NLA_U8, 1),
	[ROAM_MANGLE_A_MAPPING_STATE] = NLA_POLICY_MAX(NLA_U8, 1),
	[ROAM_MANGLE_A_MAPPING_LIFETIME] = { .type = NLA_U32, },
	[ROAM_MANGLE_A_MAPPING_SEQ] = { .type = NLA_U64, },
	[ROAM_MANGLE_A_MAPPING_IDLE] = { .type = NLA_U32, },
	[ROAM_MANGLE_A_MAPPING_MODE] = NLA_POLICY_MAX(NLA_U8, 1),
};

const struct nla_policy roam_mangle_peer_nl_policy[ROAM_MANGLE_A_PEER_TOLD + 1] = {
	[ROAM_MANGLE_A_PEER_OWN4] = { .type = NLA_BE32, },
	[ROAM_MANGLE_A_PEER_OWN6] = NLA_POLICY_EXACT_LEN(16),
	[ROAM_MANGLE_A_PEER_ADDR4] = { .type = NLA_BE32, },
	[ROAM_MANGLE_A_PEER_ADDR6] = NLA_POLICY_EXACT_LEN(16),
	[ROAM_MANGLE_A_PEER_MODE] = NLA_POLICY_MAX(NLA_U8, 3),
	[ROAM_MANGLE_A_PEER_IDLE] = { .type = NLA_U32, },
	[ROAM_MANGLE_A_PEER_TOLD] = { .type = NLA_U8, },
};

const struct nla_policy roam_mangle_range_nl_policy[ROAM_MANGLE_A_RANGE_PREFIX_LEN + 1] = {
	[ROAM_MANGLE_A_RANGE_ADDR4] = { .type = NLA_BE32, },
	[ROAM_MANGLE_A_RANGE_ADDR6] = NLA_POLICY_EXACT_LEN(16),
	[ROAM_MANGLE_A_RANGE_PREFIX_LEN] = NLA_POLICY_MAX(NLA_U8, 128),
};

/* ROAM_MANGLE_CMD_MAPPING_SET - do */
const struct nla_policy roam_mangle_mapping_set_nl_policy[ROAM_MANGLE_A_MAIN_EXISTING + 1] = {
	[ROAM_MANGLE_A_MAIN_MAPPING] = NLA_POLICY_NESTED(roam_mangle_mapping_nl_policy),
	[ROAM_MANGLE_A_MAIN_EXCLUSIVE] = { .type = NLA_FLAG, },
	[ROAM_MANGLE_A_MAIN_EXISTING] = { .type = NLA_FLAG, },
};

/* ROAM_MANGLE_CMD_MAPPING_DEL - do */
const struct nla_policy roam_mangle_mapping_del_nl_policy[ROAM_MANGLE_A_MAIN_ALL + 1] = {
	[ROAM_MANGLE_A_MAIN_MAPPING] = NLA_POLICY_NESTED(roam_mangle_mapping_nl_policy),
	[ROAM_MANGLE_A_MAIN_ALL] = { .type = NLA_FLAG, },
};

/* ROAM_MANGLE_CMD_MAPPING_GET - do */
const struct nla_policy roam_mangle_mapping_get_nl_policy[ROAM_MANGLE_A_MAIN_MAPPING + 1] = {
	[ROAM_MANGLE_A_MAIN_MAPPING] = NLA_POLICY_NESTED(roam_mangle_mapping_nl_policy),
};

/* ROAM_MANGLE_CMD_PEER_SET - do */
const struct nla_policy roam_mangle_peer_set_nl_policy[ROAM_MANGLE_A_MAIN_PEER + 1] = {
	[ROAM_MANGLE_A_MAIN_PEER] = NLA_POLICY_NESTED(roam_mangle_peer_nl_policy),
};

/* ROAM_MANGLE_CMD_PEER_DEL - do */
const struct nla_policy roam_mangle_peer_del_nl_policy[ROAM_MANGLE_A_MAIN_ALL + 1] = {
	[ROAM_MANGLE_A_MAIN_PEER] = NLA_POLICY_NESTED(roam_mangle_peer_nl_policy),
	[ROAM_MANGLE_A_MAIN_ALL] = { .type = NLA_FLAG, },
};

/* ROAM_MANGLE_CMD_PEER_GET - do */
const struct nla_policy roam_mangle_peer_get_nl_policy[ROAM_MANGLE_A_MAIN_PEER + 1] = {
	[ROAM_MANGLE_A_MAIN_PEER] = NLA_POLICY_NESTED(roam_mangle_peer_nl_policy),
};

/* ROAM_MANGLE_CMD_RANGE_SET - do */
const struct nla_policy roam_mangle_range_set_nl_policy[ROAM_MANGLE_A_MAIN_RANGE + 1] = {
	[ROAM_MANGLE_A_MAIN_RANGE] = NLA_POLICY_NESTED(roam_mangle_range_nl_policy),
};

/* ROAM_MANGLE_CMD_RANGE_GET - do */
const struct nla_policy roam_mangle_range_get_nl_policy[ROAM_MANGLE_A_MAIN_ALL + 1] = {
	[ROAM_MANGLE_A_MAIN_ALL] = { .type = NLA_FLAG, },
};

/* ROAM_MANGLE_CMD_CONFIG_SET - do */
const struct nla_policy roam_mangle_config_set_nl_policy[ROAM_MANGLE_A_MAIN_CONFIG + 1] = {
	[ROAM_MANGLE_A_MAIN_CONFIG] = NLA_POLICY_NESTED(roam_mangle_config_nl_policy),
};

/* ROAM_MANGLE_CMD_CONFIG_GET - do */
const struct nla_policy roam_mangle_config_get_nl_policy[ROAM_MANGLE_A_MAIN_ALL + 1] = {
	[ROAM_MANGLE_A_MAIN_ALL] = { .type = NLA_FLAG, },
};

/* ROAM_MANGLE_CMD_STATS_GET - do */
const struct nla_policy roam_mangle_stats_get_nl_policy[ROAM_MANGLE_A_MAIN_ALL + 1] = {
	[ROAM_MANGLE_A_MAIN_ALL] = { .type = NLA_FLAG, },
};

/* Ops table for roam_mangle */
const struct genl_ops roam_mangle_nl_ops[11] = {
	{
		.cmd		= ROAM_MANGLE_CMD_MAPPING_SET,
		.doit		= roam_mangle_nl_mapping_set_doit,
		.policy		= roam_mangle_mapping_set_nl_policy,
		.maxattr	= ROAM_MANGLE_A_MAIN_EXISTING,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_MANGLE_CMD_MAPPING_DEL,
		.doit		= roam_mangle_nl_mapping_del_doit,
		.policy		= roam_mangle_mapping_del_nl_policy,
		.maxattr	= ROAM_MANGLE_A_MAIN_ALL,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_MANGLE_CMD_MAPPING_GET,
		.doit		= roam_mangle_nl_mapping_get_doit,
		.dumpit		= roam_mangle_nl_mapping_get_dumpit,
		.policy		= roam_mangle_mapping_get_nl_policy,
		.maxattr	= ROAM_MANGLE_A_MAIN_MAPPING,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_MANGLE_CMD_PEER_SET,
		.doit		= roam_mangle_nl_peer_set_doit,
		.policy		= roam_mangle_peer_set_nl_policy,
		.maxattr	= ROAM_MANGLE_A_MAIN_PEER,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_MANGLE_CMD_PEER_DEL,
		.doit		= roam_mangle_nl_peer_del_doit,
		.policy		= roam_mangle_peer_del_nl_policy,
		.maxattr	= ROAM_MANGLE_A_MAIN_ALL,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_MANGLE_CMD_PEER_GET,
		.doit		= roam_mangle_nl_peer_get_doit,
		.dumpit		= roam_mangle_nl_peer_get_dumpit,
		.policy		= roam_mangle_peer_get_nl_policy,
		.maxattr	= ROAM_MANGLE_A_MAIN_PEER,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_MANGLE_CMD_RANGE_SET,
		.doit		= roam_mangle_nl_range_set_doit,
		.policy		= roam_mangle_range_set_nl_policy,
		.maxattr	= ROAM_MANGLE_A_MAIN_RANGE,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_MANGLE_CMD_RANGE_GET,
		.doit		= roam_mangle_nl_range_get_doit,
		.policy		= roam_mangle_range_get_nl_policy,
		.maxattr	= ROAM_MANGLE_A_MAIN_ALL,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_MANGLE_CMD_CONFIG_SET,
		.doit		= roam_mangle_nl_config_set_doit,
		.policy		= roam_mangle_config_set_nl_policy,
		.maxattr	= ROAM_MANGLE_A_MAIN_CONFIG,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_MANGLE_CMD_CONFIG_GET,
		.doit		= roam_mangle_nl_config_get_doit,
		.policy		= roam_mangle_config_get_nl_policy,
		.maxattr	= ROAM_MANGLE_A_MAIN_ALL,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
	{
		.cmd		= ROAM_MANGLE_CMD_STATS_GET,
		.doit		= roam_mangle_nl_stats_get_doit,
		.policy		= roam_mangle_stats_get_nl_policy,
		.maxattr	= ROAM_MANGLE_A_MAIN_ALL,
		.flags		= GENL_UNS_ADMIN_PERM,
	},
};

static const struct genl_multicast_group roam_mangle_nl_mcgrps[] = {
	[ROAM_MANGLE_NLGRP_EVENTS] = { "events", },
	[ROAM_MANGLE_NLGRP_MISS] = { "miss", },
};
