/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/roam_mmp.yaml */
/* YNL-GEN kernel header */
/* To regenerate run: scripts/netlink-gen */

#ifndef _LINUX_ROAM_MMP_GEN_H
#define _LINUX_ROAM_MMP_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/roam_mmp.h>

/* Common nested types */
extern const struct nla_policy roam_mmp_config_nl_policy[ROAM_MMP_A_CONFIG_KEEP_BYTES + 1];
extern const struct nla_policy roam_mmp_hop_nl_policy[ROAM_MMP_A_HOP_LLADDR + 1];
extern const struct nla_policy roam_mmp_host_nl_policy[ROAM_MMP_A_HOST_PLAY + 1];
extern const struct nla_policy roam_mmp_interface_nl_policy[ROAM_MMP_A_INTERFACE_KIND + 1];
extern const struct nla_policy roam_mmp_range_nl_policy[ROAM_MMP_A_RANGE_PREFIX_LEN + 1];

extern const struct nla_policy roam_mmp_host_set_nl_policy[ROAM_MMP_A_MAIN_HOST + 1];

extern const struct nla_policy roam_mmp_host_del_nl_policy[ROAM_MMP_A_MAIN_ALL + 1];

extern const struct nla_policy roam_mmp_host_get_nl_policy[ROAM_MMP_A_MAIN_HOST + 1];

extern const struct nla_policy roam_mmp_uplink_set_nl_policy[ROAM_MMP_A_MAIN_HOP + 1];

extern const struct nla_policy roam_mmp_uplink_get_nl_policy[ROAM_MMP_A_MAIN_ALL + 1];

extern const struct nla_policy roam_mmp_below_set_nl_policy[ROAM_MMP_A_MAIN_HOP + 1];

extern const struct nla_policy roam_mmp_below_get_nl_policy[ROAM_MMP_A_MAIN_ALL + 1];

extern const struct nla_policy roam_mmp_range_set_nl_policy[ROAM_MMP_A_MAIN_RANGE + 1];

extern const struct nla_policy roam_mmp_range_get_nl_policy[ROAM_MMP_A_MAIN_ALL + 1];

extern const struct nla_policy roam_mmp_interface_set_nl_policy[ROAM_MMP_A_MAIN_INTERFACE + 1];

extern const struct nla_policy roam_mmp_interface_get_nl_policy[ROAM_MMP_A_MAIN_ALL + 1];

extern const struct nla_policy roam_mmp_config_set_nl_policy[ROAM_MMP_A_MAIN_CONFIG + 1];

extern const struct nla_policy roam_mmp_config_get_nl_policy[ROAM_MMP_A_MAIN_ALL + 1];

extern const struct nla_policy roam_mmp_stats_get_nl_policy[ROAM_MMP_A_MAIN_ALL + 1];

/* Ops table for roam_mmp */
extern const struct genl_ops roam_mmp_nl_ops[14];

int roam_mmp_nl_host_set_doit(struct sk_buff *skb, struct genl_info *info);
int roam_mmp_nl_host_del_doit(struct sk_buff *skb, struct genl_info *info);
int roam_mmp_nl_host_get_doit(struct sk_buff *skb, struct genl_info *info);
int roam_mmp_nl_host_get_dumpit(struct sk_buff *skb,
				struct netlink_callback *cb);
int roam_mmp_nl_uplink_set_doit(struct sk_buff *skb, struct genl_info *info);
int roam_mmp_nl_uplink_get_doit(struct sk_buff *skb, struct genl_info *info);
int roam_mmp_nl_below_set_doit(struct sk_buff *skb, struct genl_info *info);
int roam_mmp_nl_below_get_doit(struct sk_buff *skb, struct genl_info *info);
int roam_mmp_nl_range_set_doit(struct sk_buff *skb, struct genl_info *info);
int roam_mmp_nl_range_get_doit(struct sk_buff *skb, struct genl_info *info);
int roam_mmp_nl_interface_set_doit(struct sk_buff *skb, struct genl_info *info);
int roam_mmp_nl_interface_get_doit(struct sk_buff *skb, struct genl_info *info);
int roam_mmp_nl_config_set_doit(struct sk_buff *skb, struct genl_info *info);
int roam_mmp_nl_config_get_doit(struct sk_buff *skb, struct genl_info *info);
int roam_mmp_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info);

enum {
	ROAM_MMP_NLGRP_EVENTS,
};

#endif /* _LINUX_ROAM_MMP_GEN_H */
