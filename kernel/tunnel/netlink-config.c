// SPDX-License-Identifier: GPL-2.0-only
/* Settings of a namespace. */
#include <linux/jiffies.h>
#include <net/genetlink.h>

#include "../core/nl.h"
#include "arp.h"
#include "netlink-gen.h"
#include "netlink.h"
#include "tunnel.h"

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
