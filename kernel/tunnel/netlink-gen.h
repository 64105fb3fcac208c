/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/roam_tunnel.yaml */
/* YNL-GEN kernel header */
/* To regenerate run: scripts/netlink-gen */

#ifndef _LINUX_ROAM_TUNNEL_GEN_H
#define _LINUX_ROAM_TUNNEL_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/roam_tunnel.h>

/* Common nested types */
extern const struct nla_policy roam_tunnel_binding_nl_policy[ROAM_TUNNEL_A_BINDING_MAC + 1];
extern const struct nla_policy roam_tunnel_config_nl_policy[ROAM_TUNNEL_A_CONFIG_SILENT + 1];
extern const struct nla_policy roam_tunnel_endpoint_nl_policy[ROAM_TUNNEL_A_ENDPOINT_DPORT + 1];
extern const struct nla_policy roam_tunnel_visitor_nl_policy[ROAM_TUNNEL_A_VISITOR_IDLE + 1];

extern const struct nla_policy roam_tunnel_binding_set_nl_policy[ROAM_TUNNEL_A_MAIN_EXISTING + 1];

extern const struct nla_policy roam_tunnel_binding_del_nl_policy[ROAM_TUNNEL_A_MAIN_ALL + 1];

extern const struct nla_policy roam_tunnel_binding_get_nl_policy[ROAM_TUNNEL_A_MAIN_BINDING + 1];

extern const struct nla_policy roam_tunnel_announce_nl_policy[ROAM_TUNNEL_A_MAIN_ALL + 1];

extern const struct nla_policy roam_tunnel_visitor_set_nl_policy[ROAM_TUNNEL_A_MAIN_EXISTING + 1];

extern const struct nla_policy roam_tunnel_visitor_del_nl_policy[ROAM_TUNNEL_A_MAIN_ALL + 1];

extern const struct nla_policy roam_tunnel_visitor_get_nl_policy[ROAM_TUNNEL_A_MAIN_VISITOR + 1];

extern const struct nla_policy roam_tunnel_config_set_nl_policy[ROAM_TUNNEL_A_MAIN_CONFIG + 1];

extern const struct nla_policy roam_tunnel_config_get_nl_policy[ROAM_TUNNEL_A_MAIN_ALL + 1];

extern const struct nla_policy roam_tunnel_stats_get_nl_policy[ROAM_TUNNEL_A_MAIN_ALL + 1];

/* Ops table for roam_tunnel */
extern const struct genl_ops roam_tunnel_nl_ops[10];

int roam_tunnel_nl_binding_set_doit(struct sk_buff *skb,
				    struct genl_info *info);
int roam_tunnel_nl_binding_del_doit(struct sk_buff *skb,
				    struct genl_info *info);
int roam_tunnel_nl_binding_get_doit(struct sk_buff *skb,
				    struct genl_info *info);
int roam_tunnel_nl_binding_get_dumpit(struct sk_buff *skb,
				      struct netlink_callback *cb);
int roam_tunnel_nl_announce_doit(struct sk_buff *skb, struct genl_info *info);
int roam_tunnel_nl_visitor_set_doit(struct sk_buff *skb,
				    struct genl_info *info);
int roam_tunnel_nl_visitor_del_doit(struct sk_buff *skb,
				    struct genl_info *info);
int roam_tunnel_nl_visitor_get_doit(struct sk_buff *skb,
				    struct genl_info *info);
int roam_tunnel_nl_visitor_get_dumpit(struct sk_buff *skb,
				      struct netlink_callback *cb);
int roam_tunnel_nl_config_set_doit(struct sk_buff *skb, struct genl_info *info);
int roam_tunnel_nl_config_get_doit(struct sk_buff *skb, struct genl_info *info);
int roam_tunnel_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info);

enum {
	ROAM_TUNNEL_NLGRP_EVENTS,
};

#endif /* _LINUX_ROAM_TUNNEL_GEN_H */
