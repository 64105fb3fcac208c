// SPDX-License-Identifier: GPL-2.0-only
#include <linux/netfilter.h>
#include <net/ipv6.h>

#define CREATE_TRACE_POINTS
#include "trace.h"

unsigned int roam_drop(struct roam_net *rn, const struct sk_buff *skb,
		       enum roam_drop reason)
{
	roam_count(rn, drop[reason]);
	trace_drop(rn->net, skb, reason);
	return NF_DROP;
}
