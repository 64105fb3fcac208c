/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints: /sys/kernel/tracing/events/roam_mmp (OPEN-50). */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM roam_mmp

#if !defined(ROAM_MMP_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define ROAM_MMP_TRACE_H

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <linux/tracepoint.h>
#include <net/net_namespace.h>

#include "mmp.h"

TRACE_DEFINE_ENUM(MMP_DROP_UNREGISTERED);
TRACE_DEFINE_ENUM(MMP_DROP_NO_UPLINK);
TRACE_DEFINE_ENUM(MMP_DROP_NO_DOWNLINK);
TRACE_DEFINE_ENUM(MMP_DROP_TTL);
TRACE_DEFINE_ENUM(MMP_DROP_TOO_BIG);
TRACE_DEFINE_ENUM(MMP_DROP_MEMORY);

/* As the counters are called. */
#define mmp_show_drop(reason)						\
	__print_symbolic(reason,					\
			 { MMP_DROP_UNREGISTERED, "unregistered" },	\
			 { MMP_DROP_NO_UPLINK, "no_uplink" },		\
			 { MMP_DROP_NO_DOWNLINK, "no_downlink" },	\
			 { MMP_DROP_TTL, "ttl" },			\
			 { MMP_DROP_TOO_BIG, "too_big" },		\
			 { MMP_DROP_MEMORY, "memory" })

/* A packet is dropped: for each, one of the counters drop-* is raised. */
TRACE_EVENT(mmp_drop,
	TP_PROTO(const struct net *net, const struct sk_buff *skb, u8 reason),
	TP_ARGS(net, skb, reason),
	TP_STRUCT__entry(
		__field(unsigned int, netns)
		__field(int, ifindex)
		__field(u8, reason)
		__array(u8, saddr, sizeof(struct in6_addr))
		__array(u8, daddr, sizeof(struct in6_addr))
	),
	TP_fast_assign(
		__entry->netns = net->ns.inum;
		__entry->ifindex = skb->dev ? skb->dev->ifindex : 0;
		__entry->reason = reason;
		if (skb->protocol == htons(ETH_P_IPV6)) {
			memcpy(__entry->saddr, &ipv6_hdr(skb)->saddr, 16);
			memcpy(__entry->daddr, &ipv6_hdr(skb)->daddr, 16);
		} else {
			ipv6_addr_set_v4mapped(ip_hdr(skb)->saddr,
				(struct in6_addr *)__entry->saddr);
			ipv6_addr_set_v4mapped(ip_hdr(skb)->daddr,
				(struct in6_addr *)__entry->daddr);
		}
	),
	TP_printk("netns=%u ifindex=%d saddr=%pI6c daddr=%pI6c reason=%s",
		  __entry->netns, __entry->ifindex, __entry->saddr,
		  __entry->daddr, mmp_show_drop(__entry->reason))
);

#endif

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH .
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
