// SPDX-License-Identifier: GPL-2.0-only
/* Netlink: settings, and what is exempt. */
#include <linux/jiffies.h>
#include <linux/slab.h>

#include "../core/nl.h"
#include "mangle.h"
#include "netlink.h"
#include "netlink-gen.h"

static int mangle_nl_parse_exempt(const struct nlattr *nest,
				  struct mangle_exempt *exempt,
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
				    "the mark has bits that the mask leaves out");
		return -EINVAL;
	}
	nla_for_each_nested(attr, nest, rem) {
		switch (nla_type(attr)) {
		case ROAM_MANGLE_A_EXEMPT_PORT:
		case ROAM_MANGLE_A_EXEMPT_UDP_PORT:
			if (!mangle_exempt_add_port(exempt, nla_get_u16(attr),
						    nla_type(attr) ==
						    ROAM_MANGLE_A_EXEMPT_UDP_PORT))
				goto too_many;
			break;
		case ROAM_MANGLE_A_EXEMPT_CGROUP:
			if (exempt->n_cgroups == MANGLE_EXEMPT_CGROUPS)
				goto too_many;
			exempt->cgroups[exempt->n_cgroups++] =
				nla_get_u64(attr);
			break;
		}
	}
	exempt->ranges = mangle_nl_parse_ranges(nla_data(nest), nla_len(nest),
						ROAM_MANGLE_A_EXEMPT_RANGE,
						MANGLE_EXEMPT_RANGES, extack);
	if (IS_ERR(exempt->ranges)) {
		err = PTR_ERR(exempt->ranges);
		exempt->ranges = NULL;
		return err;
	}
	return 0;

too_many:
	NL_SET_ERR_MSG_ATTR(extack, attr,
			    "too many of this kind; at most 32 ports, 32 of UDP and 16 control groups are exempt");
	return -E2BIG;
}

static void mangle_nl_config_u32(struct nlattr *attr, u32 *setting)
{
	if (attr)
		WRITE_ONCE(*setting, nla_get_u32(attr));
}

static void mangle_nl_config_ms(struct nlattr *attr, u32 *setting)
{
	if (attr)
		WRITE_ONCE(*setting, msecs_to_jiffies(nla_get_u32(attr)));
}

int roam_mangle_nl_config_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *tb[ROAM_MANGLE_A_CONFIG_MAX + 1];
	struct mangle_net *mn = mangle_nl_net(info);
	DECLARE_BITMAP(protocols, 256) = {};
	struct mangle_config *config = &mn->config;
	struct mangle_ranges *internal = NULL;
	struct mangle_exempt *exempt = NULL;
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
		err = mangle_nl_parse_exempt(tb[ROAM_MANGLE_A_CONFIG_EXEMPT],
					     exempt, info->extack);
		if (err) {
			mangle_exempt_free(exempt);
			return err;
		}
	}

	err = roam_nl_limit(tb[ROAM_MANGLE_A_CONFIG_MAX_MAPPINGS],
			    MANGLE_MAPPINGS_DEFAULT, info->extack) ?:
	      roam_nl_limit(tb[ROAM_MANGLE_A_CONFIG_MAX_PEERS],
			    MANGLE_PEERS_DEFAULT, info->extack);
	if (!err)
		internal = mangle_nl_parse_ranges(nla_data(nest), nla_len(nest),
						  ROAM_MANGLE_A_CONFIG_INTERNAL,
						  MANGLE_INTERNAL_MAX, info->extack);
	if (IS_ERR(internal))
		err = PTR_ERR(internal);
	if (err) {
		mangle_exempt_free(exempt);
		return err;
	}

	mutex_lock(&mn->table.lock);
	if (exempt) {
		mangle_exempt_finish(exempt);
		exempt = rcu_replace_pointer(mn->exempt, exempt,
					     lockdep_is_held(&mn->table.lock));
	}
	if (internal)
		internal = rcu_replace_pointer(mn->table.internal, internal,
					       lockdep_is_held(&mn->table.lock));
	if (tb[ROAM_MANGLE_A_CONFIG_PROTOCOL])
		bitmap_copy(config->protocols, protocols, 256);
	mangle_nl_config_u32(tb[ROAM_MANGLE_A_CONFIG_HOLD_PACKETS],
			     &config->hold_packets);
	mangle_nl_config_u32(tb[ROAM_MANGLE_A_CONFIG_HOLD_TOTAL],
			     &config->hold_total);
	mangle_nl_config_ms(tb[ROAM_MANGLE_A_CONFIG_HOLD_TIME],
			    &config->hold_time);
	if (tb[ROAM_MANGLE_A_CONFIG_HOLD_POLICY])
		WRITE_ONCE(config->hold_policy,
			   nla_get_u8(tb[ROAM_MANGLE_A_CONFIG_HOLD_POLICY]));
	mangle_nl_config_ms(tb[ROAM_MANGLE_A_CONFIG_GRACE], &config->grace);
	mangle_nl_config_u32(tb[ROAM_MANGLE_A_CONFIG_MAX_MAPPINGS],
			     &config->max_mappings);
	mangle_nl_config_u32(tb[ROAM_MANGLE_A_CONFIG_MAX_PEERS],
			     &config->max_peers);
	mangle_nl_config_ms(tb[ROAM_MANGLE_A_CONFIG_PEER_TIME],
			    &config->peer_time);
	mutex_unlock(&mn->table.lock);
	mangle_exempt_free_later(exempt);
	if (internal)
		kfree_rcu(internal, rcu);
	/* A shorter time counts for the correspondents that are there already. */
	mangle_peer_retime(&mn->peers);
	return 0;
}

static int mangle_nl_put_exempt(struct sk_buff *msg,
				const struct mangle_exempt *exempt)
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
	for (i = 0; i < exempt->n_udp_ports; i++)
		if (nla_put_u16(msg, ROAM_MANGLE_A_EXEMPT_UDP_PORT,
				ntohs(exempt->udp_ports[i])))
			return -EMSGSIZE;
	for (i = 0; i < exempt->n_cgroups; i++)
		if (nla_put_u64_64bit(msg, ROAM_MANGLE_A_EXEMPT_CGROUP,
				      exempt->cgroups[i],
				      ROAM_MANGLE_A_EXEMPT_PAD))
			return -EMSGSIZE;
	if (nla_put_u32(msg, ROAM_MANGLE_A_EXEMPT_MARK, exempt->mark) ||
	    nla_put_u32(msg, ROAM_MANGLE_A_EXEMPT_MASK, exempt->mask) ||
	    mangle_nl_put_ranges(msg, ROAM_MANGLE_A_EXEMPT_RANGE, exempt->ranges))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

/* Under rcu_read_lock(). */
static int mangle_nl_put_config(struct sk_buff *msg, const struct mangle_net *mn)
{
	const struct mangle_config *config = &mn->config;
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
	    mangle_nl_put_exempt(msg, rcu_dereference(mn->exempt)) ||
	    mangle_nl_put_ranges(msg, ROAM_MANGLE_A_CONFIG_INTERNAL,
				 rcu_dereference(mn->table.internal)))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

int roam_mangle_nl_config_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *msg;
	void *hdr;
	int err;

	msg = mangle_nl_reply_new(info, &hdr);
	if (!msg)
		return -ENOMEM;
	rcu_read_lock();
	err = mangle_nl_put_config(msg, mangle_nl_net(info));
	rcu_read_unlock();
	return roam_nl_reply_end(info, msg, hdr, err);
}
