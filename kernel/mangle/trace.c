// SPDX-License-Identifier: GPL-2.0-only
#include <linux/netfilter.h>
#include <net/ipv6.h>

#define CREATE_TRACE_POINTS
#include "trace.h"

unsigned int mangle_drop(struct mangle_net *mn, const struct sk_buff *skb,
		       enum mangle_drop reason)
{
	mangle_count(mn, drop[reason]);
	trace_drop(mn->net, skb, reason);
	return NF_DROP;
}
