/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/roam_mangle.yaml */
/* YNL-GEN kernel header */
/* To regenerate run: scripts/netlink-gen */

#ifndef _LINUX_ROAM_MANGLE_GEN_H
#define _LINUX_ROAM_MANGLE_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/roam_mangle.h>

/* Common nested types */
extern const struct nla_policy roam_mangle_config_nl_policy[ROAM_MANGLE_A_CONFIG_INTERNAL + 1];
extern const struct nla_policy roam_mangle_exempt_nl_policy[ROAM_MANGLE_A_EXEMPT_UDP_PORT + 1];
extern const struct nla_policy roam_mangle_mapping_nl_policy[ROAM_MANGLE_A_MAPPING_PAD + 1];
extern const struct nla_policy roam_mangle_peer_nl_policy[ROAM_MANGLE_A_PEER_TOLD + 1];
extern const struct nla_policy roam_mangle_range_nl_policy[ROAM_MANGLE_A_RANGE_PREFIX_LEN + 1];

extern const struct nla_policy roam_mangle_mapping_set_nl_policy[ROAM_MANGLE_A_MAIN_EXISTING + 1];

extern const struct nla_policy roam_mangle_mapping_del_nl_policy[ROAM_MANGLE_A_MAIN_ALL + 1];

extern const struct nla_policy roam_mangle_mapping_get_nl_policy[ROAM_MANGLE_A_MAIN_MAPPING + 1];

extern const struct nla_policy roam_mangle_peer_set_nl_policy[ROAM_MANGLE_A_MAIN_PEER + 1];

extern const struct nla_policy roam_mangle_peer_del_nl_policy[ROAM_MANGLE_A_MAIN_ALL + 1];

extern const struct nla_policy roam_mangle_peer_get_nl_policy[ROAM_MANGLE_A_MAIN_PEER + 1];

extern const struct nla_policy roam_mangle_range_set_nl_policy[ROAM_MANGLE_A_MAIN_RANGE + 1];

extern const struct nla_policy roam_mangle_range_get_nl_policy[ROAM_MANGLE_A_MAIN_ALL + 1];

extern const struct nla_policy roam_mangle_config_set_nl_policy[ROAM_MANGLE_A_MAIN_CONFIG + 1];

extern const struct nla_policy roam_mangle_config_get_nl_policy[ROAM_MANGLE_A_MAIN_ALL + 1];

extern const struct nla_policy roam_mangle_stats_get_nl_policy[ROAM_MANGLE_A_MAIN_ALL + 1];

/* Ops table for roam_mangle */
extern const struct genl_ops roam_mangle_nl_ops[11];

int roam_mangle_nl_mapping_set_doit(struct sk_buff *skb,
				    struct genl_info *info);
int roam_mangle_nl_mapping_del_doit(struct sk_buff *skb,
				    struct genl_info *info);
int roam_mangle_nl_mapping_get_doit(struct sk_buff *skb,
				    struct genl_info *info);
int roam_mangle_nl_mapping_get_dumpit(struct sk_buff *skb,
				      struct netlink_callback *cb);
int roam_mangle_nl_peer_set_doit(struct sk_buff *skb, struct genl_info *info);
int roam_mangle_nl_peer_del_doit(struct sk_buff *skb, struct genl_info *info);
int roam_mangle_nl_peer_get_doit(struct sk_buff *skb, struct genl_info *info);
int roam_mangle_nl_peer_get_dumpit(struct sk_buff *skb,
				   struct netlink_callback *cb);
int roam_mangle_nl_range_set_doit(struct sk_buff *skb, struct genl_info *info);
int roam_mangle_nl_range_get_doit(struct sk_buff *skb, struct genl_info *info);
int roam_mangle_nl_config_set_doit(struct sk_buff *skb, struct genl_info *info);
int roam_mangle_nl_config_get_doit(struct sk_buff *skb, struct genl_info *info);
int roam_mangle_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info);

enum {
	ROAM_MANGLE_NLGRP_EVENTS,
	ROAM_MANGLE_NLGRP_MISS,
};

#endif /* _LINUX_ROAM_MANGLE_GEN_H */
