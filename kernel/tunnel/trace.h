/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: /sys/kernel/tracing/events/roam_tunnel (OPEN-50). None is on the way
 * of a packet that only passes a tunnel. Addresses are shown as the tables have them,
 * IPv4 in the mapped form.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM roam_tunnel

#if !defined(ROAM_TUNNEL_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define ROAM_TUNNEL_TRACE_H

#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/skbuff.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>

#include "tunnel.h"

TRACE_DEFINE_ENUM(TUNNEL_DROP_NO_BINDING);
TRACE_DEFINE_ENUM(TUNNEL_DROP_NO_ROUTE);
TRACE_DEFINE_ENUM(TUNNEL_DROP_LOOP);
TRACE_DEFINE_ENUM(TUNNEL_DROP_TOO_BIG);
TRACE_DEFINE_ENUM(TUNNEL_DROP_MALFORMED);
TRACE_DEFINE_ENUM(TUNNEL_DROP_SPOOFED);
TRACE_DEFINE_ENUM(TUNNEL_DROP_NOT_VISITOR);
TRACE_DEFINE_ENUM(TUNNEL_DROP_ECN);
TRACE_DEFINE_ENUM(ROAM_TUNNEL_REASON_NEW);
TRACE_DEFINE_ENUM(ROAM_TUNNEL_REASON_MOVED);
TRACE_DEFINE_ENUM(ROAM_TUNNEL_REASON_DELETED);
TRACE_DEFINE_ENUM(ROAM_TUNNEL_REASON_EXPIRED);
TRACE_DEFINE_ENUM(ROAM_TUNNEL_REASON_REFRESHED);
TRACE_DEFINE_ENUM(ROAM_TUNNEL_ROLE_VISITOR);
TRACE_DEFINE_ENUM(ROAM_TUNNEL_ROLE_OWN);

/* As the counters are called. */
#define tunnel_show_drop(reason)					\
	__print_symbolic(reason,					\
			 { TUNNEL_DROP_NO_BINDING, "no_binding" },	\
			 { TUNNEL_DROP_NO_ROUTE, "no_route" },		\
			 { TUNNEL_DROP_LOOP, "loop" },			\
			 { TUNNEL_DROP_TOO_BIG, "too_big" },		\
			 { TUNNEL_DROP_MALFORMED, "malformed" },	\
			 { TUNNEL_DROP_SPOOFED, "spoofed" },		\
			 { TUNNEL_DROP_NOT_VISITOR, "not_visitor" },	\
			 { TUNNEL_DROP_ECN, "ecn" })

#define tunnel_show_role(role)						\
	__print_symbolic(role,						\
			 { ROAM_TUNNEL_ROLE_VISITOR, "visitor" },	\
			 { ROAM_TUNNEL_ROLE_OWN, "own" })

#define tunnel_show_reason(reason)					\
	__print_symbolic(reason,					\
			 { ROAM_TUNNEL_REASON_NEW, "new" },		\
			 { ROAM_TUNNEL_REASON_MOVED, "moved" },		\
			 { ROAM_TUNNEL_REASON_DELETED, "deleted" },	\
			 { ROAM_TUNNEL_REASON_EXPIRED, "expired" },	\
			 { ROAM_TUNNEL_REASON_REFRESHED, "refreshed" })

/* A packet is dropped: for each, one of the counters drop_* is raised. */
TRACE_EVENT(drop,
	TP_PROTO(const struct net *net, const struct sk_buff *skb, u8 reason),
	TP_ARGS(net, skb, reason),
	TP_STRUCT__entry(
		__field(unsigned int, netns)
		__field(u8, reason)
		__array(u8, saddr, sizeof(struct in6_addr))
		__array(u8, daddr, sizeof(struct in6_addr))
	),
	TP_fast_assign(
		__entry->netns = net->ns.inum;
		__entry->reason = reason;
		ipv6_addr_set_v4mapped(ip_hdr(skb)->saddr,
				       (struct in6_addr *)__entry->saddr);
		ipv6_addr_set_v4mapped(ip_hdr(skb)->daddr,
				       (struct in6_addr *)__entry->daddr);
	),
	TP_printk("netns=%u saddr=%pI6c daddr=%pI6c reason=%s", __entry->netns,
		  __entry->saddr, __entry->daddr,
		  tunnel_show_drop(__entry->reason))
);

/* A binding came, moved or went; the care-of address is the first, if several. */
TRACE_EVENT(binding,
	TP_PROTO(const struct net *net, const struct in6_addr *home,
		 const struct in6_addr *care_of, u8 reason),
	TP_ARGS(net, home, care_of, reason),
	TP_STRUCT__entry(
		__field(unsigned int, netns)
		__field(u8, reason)
		__array(u8, home, sizeof(struct in6_addr))
		__array(u8, care_of, sizeof(struct in6_addr))
	),
	TP_fast_assign(
		__entry->netns = net->ns.inum;
		__entry->reason = reason;
		*(struct in6_addr *)__entry->home = *home;
		*(struct in6_addr *)__entry->care_of = *care_of;
	),
	TP_printk("netns=%u home=%pI6c care_of=%pI6c reason=%s",
		  __entry->netns, __entry->home, __entry->care_of,
		  tunnel_show_reason(__entry->reason))
);

/* A visitor came, changed or went. */
TRACE_EVENT(visitor,
	TP_PROTO(const struct net *net, const struct in6_addr *home, u8 role,
		 u8 reason),
	TP_ARGS(net, home, role, reason),
	TP_STRUCT__entry(
		__field(unsigned int, netns)
		__field(u8, role)
		__field(u8, reason)
		__array(u8, home, sizeof(struct in6_addr))
	),
	TP_fast_assign(
		__entry->netns = net->ns.inum;
		__entry->role = role;
		__entry->reason = reason;
		*(struct in6_addr *)__entry->home = *home;
	),
	TP_printk("netns=%u home=%pI6c role=%s reason=%s", __entry->netns,
		  __entry->home, tunnel_show_role(__entry->role),
		  tunnel_show_reason(__entry->reason))
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
