// SPDX-License-Identifier: GPL-2.0-only
#include <linux/netfilter.h>

#define CREATE_TRACE_POINTS
#include "trace.h"

unsigned int tunnel_drop(struct tunnel_net *tn, const struct sk_buff *skb,
			 enum tunnel_drop_reason reason)
{
	this_cpu_inc(tn->stats->drop[reason]);
	trace_drop(tn->net, skb, reason);
	return NF_DROP;
}
