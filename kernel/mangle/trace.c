// SPDX-License-Identifier: GPL-2.0-only
#include <linux/netfilter.h>
#include <net/ipv6.h>

#define CREATE_TRACE_POINTS
#include "trace.h"

unsigned int __mangle_drop(const struct net *net,
			   struct mangle_stats __percpu *stats,
			   const struct sk_buff *skb, enum mangle_drop reason)
{
	this_cpu_inc(stats->drop[reason]);
	trace_drop(net, skb, reason);
	return NF_DROP;
}
