// SPDX-License-Identifier: GPL-2.0-only
/* Counters of a namespace. */
#include <net/genetlink.h>

#include "../core/nl.h"
#include "netlink-gen.h"
#include "netlink.h"
#include "tunnel.h"

/* Which attribute carries which counter. */
static const struct roam_nl_counter tunnel_nl_counters[] = {
#define COUNTER(attr, field) \
	{ ROAM_TUNNEL_A_STATS_##attr, offsetof(struct tunnel_stats, field) }
	COUNTER(ENCAPSULATED, encapsulated),
	COUNTER(REVERSED, reversed),
	COUNTER(DECAPSULATED, decapsulated),
	COUNTER(DELIVERED, delivered),
	COUNTER(BROADCASTS, broadcasts),
	COUNTER(RELAYED, relayed),
	COUNTER(KEEPALIVES, keepalives),
	COUNTER(ARP_REPLIES, arp_replies),
	COUNTER(ANNOUNCEMENTS, announcements),
	COUNTER(DROP_NO_BINDING, drop[TUNNEL_DROP_NO_BINDING]),
	COUNTER(DROP_NO_ROUTE, drop[TUNNEL_DROP_NO_ROUTE]),
	COUNTER(DROP_LOOP, drop[TUNNEL_DROP_LOOP]),
	COUNTER(DROP_TOO_BIG, drop[TUNNEL_DROP_TOO_BIG]),
	COUNTER(DROP_MALFORMED, drop[TUNNEL_DROP_MALFORMED]),
	COUNTER(DROP_SPOOFED, drop[TUNNEL_DROP_SPOOFED]),
	COUNTER(DROP_NOT_VISITOR, drop[TUNNEL_DROP_NOT_VISITOR]),
	COUNTER(DROP_ECN, drop[TUNNEL_DROP_ECN]),
#undef COUNTER
};

int roam_tunnel_nl_stats_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct tunnel_net *tn = tunnel_nl_net(info);
	struct nlattr *nest;
	struct sk_buff *msg;
	int err = -EMSGSIZE;
	void *hdr;

	msg = tunnel_nl_reply_new(info, &hdr);
	if (!msg)
		return -ENOMEM;
	nest = nla_nest_start(msg, ROAM_TUNNEL_A_MAIN_STATS);
	if (nest &&
	    !roam_nl_put_counters(msg, tunnel_nl_counters,
				  ARRAY_SIZE(tunnel_nl_counters),
				  ROAM_TUNNEL_A_STATS_PAD, tn->stats) &&
	    !nla_put_u32(msg, ROAM_TUNNEL_A_STATS_BINDINGS,
			 READ_ONCE(tn->n_bindings)) &&
	    !nla_put_u32(msg, ROAM_TUNNEL_A_STATS_VISITORS,
			 READ_ONCE(tn->n_visitors)) &&
	    !nla_put_u32(msg, ROAM_TUNNEL_A_STATS_ENDPOINTS,
			 READ_ONCE(tn->n_endpoints))) {
		nla_nest_end(msg, nest);
		err = 0;
	}
	return roam_nl_reply_end(info, msg, hdr, err);
}
