// SPDX-License-Identifier: GPL-2.0-only
#include <linux/netfilter.h>
#include <net/ipv6.h>

#define CREATE_TRACE_POINTS
#include "trace.h"

unsigned int mmp_drop(struct mmp_net *mn, const struct sk_buff *skb,
		      enum mmp_drop reason)
{
	mmp_count(mn, drop[reason]);
	trace_mmp_drop(mn->net, skb, reason);
	return NF_DROP;
}
