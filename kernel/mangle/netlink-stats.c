// SPDX-License-Identifier: GPL-2.0-only
/* Netlink: counters. */
#include "../core/nl.h"
#include "mangle.h"
#include "netlink.h"
#include "netlink-gen.h"

/* Which attribute carries which counter. */
static const struct roam_nl_counter mangle_nl_counters[] = {
#define COUNTER(attr, field) \
	{ ROAM_MANGLE_A_STATS_##attr, offsetof(struct mangle_stats, field) }
	COUNTER(IN_REWRITTEN, in_rewritten),
	COUNTER(OUT_REWRITTEN, out_rewritten),
	COUNTER(IN_ICMP, in_icmp),
	COUNTER(OUT_ICMP, out_icmp),
	COUNTER(IN_KEPT, in_kept),
	COUNTER(HELD, held),
	COUNTER(RELEASED, released),
	COUNTER(UNASKED, unasked),
	COUNTER(DROP_HOLD_FULL, drop[MANGLE_DROP_HOLD_FULL]),
	COUNTER(DROP_HOLD_TIMEOUT, drop[MANGLE_DROP_HOLD_TIMEOUT]),
	COUNTER(PASS_HOLD_FULL, pass_hold_full),
	COUNTER(PASS_HOLD_TIMEOUT, pass_hold_timeout),
	COUNTER(DROP_MALFORMED, drop[MANGLE_DROP_MALFORMED]),
	COUNTER(DROP_UNTOLD, drop[MANGLE_DROP_UNTOLD]),
	COUNTER(DROP_NO_ROUTE, drop[MANGLE_DROP_NO_ROUTE]),
	COUNTER(DROP_EARLY_RESET, drop[MANGLE_DROP_EARLY_RESET]),
	COUNTER(PEERS_FULL, peers_full),
	COUNTER(EXEMPTED, exempted),
	COUNTER(RESUMED, resumed),
#undef COUNTER
};

static int mangle_nl_put_stats(struct sk_buff *msg, struct mangle_net *mn)
{
	struct nlattr *nest;

	nest = nla_nest_start(msg, ROAM_MANGLE_A_MAIN_STATS);
	if (!nest)
		return -EMSGSIZE;
	if (roam_nl_put_counters(msg, mangle_nl_counters,
				 ARRAY_SIZE(mangle_nl_counters),
				 ROAM_MANGLE_A_STATS_PAD, mn->stats) ||
	    nla_put_u32(msg, ROAM_MANGLE_A_STATS_MAPPINGS,
			mangle_mappings(&mn->table)) ||
	    nla_put_u32(msg, ROAM_MANGLE_A_STATS_PEERS,
			atomic_read(&mn->peers.by_key.nelems)) ||
	    nla_put_u32(msg, ROAM_MANGLE_A_STATS_HOLDING,
			READ_ONCE(mn->hold.packets)))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

int roam_mangle_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sk_buff *msg;
	void *hdr;

	msg = mangle_nl_reply_new(info, &hdr);
	if (!msg)
		return -ENOMEM;
	return roam_nl_reply_end(info, msg, hdr,
				 mangle_nl_put_stats(msg, mangle_nl_net(info)));
}
