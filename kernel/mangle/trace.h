/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: /sys/kernel/tracing/events/roam_mangle (OPEN-50). None is on the
 * way of a packet that only gets other addresses. Addresses are shown as the
 * tables have them, IPv4 in the mapped form; an address that is not known, or
 * that a null mapping does not have, is "::".
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM roam_mangle

#if !defined(ROAM_MANGLE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define ROAM_MANGLE_TRACE_H

#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <linux/string.h>
#include <linux/tracepoint.h>
#include <net/net_namespace.h>

#include <uapi/linux/roam_mangle.h>

#include "stats.h"

#ifndef MANGLE_TRACE_ADDR
#define MANGLE_TRACE_ADDR
static inline void mangle_trace_addr(struct in6_addr *to,
				   const struct in6_addr *addr)
{
	*to = addr ? *addr : in6addr_any;
}

static inline void mangle_trace_packet(struct in6_addr *saddr,
				     struct in6_addr *daddr,
				     const struct sk_buff *skb)
{
	if (skb->protocol == htons(ETH_P_IPV6)) {
		*saddr = ipv6_hdr(skb)->saddr;
		*daddr = ipv6_hdr(skb)->daddr;
	} else {
		ipv6_addr_set_v4mapped(ip_hdr(skb)->saddr, saddr);
		ipv6_addr_set_v4mapped(ip_hdr(skb)->daddr, daddr);
	}
}
#endif

TRACE_DEFINE_ENUM(MANGLE_DROP_HOLD_FULL);
TRACE_DEFINE_ENUM(MANGLE_DROP_HOLD_TIMEOUT);
TRACE_DEFINE_ENUM(MANGLE_DROP_MALFORMED);
TRACE_DEFINE_ENUM(MANGLE_DROP_UNTOLD);
TRACE_DEFINE_ENUM(MANGLE_DROP_NO_ROUTE);
TRACE_DEFINE_ENUM(MANGLE_DROP_EARLY_RESET);
TRACE_DEFINE_ENUM(ROAM_MANGLE_NEED_MAPPING);
TRACE_DEFINE_ENUM(ROAM_MANGLE_NEED_PEER);
TRACE_DEFINE_ENUM(ROAM_MANGLE_ROLE_REMOTE);
TRACE_DEFINE_ENUM(ROAM_MANGLE_ROLE_OWN);
TRACE_DEFINE_ENUM(ROAM_MANGLE_PEER_MODE_SEEN);
TRACE_DEFINE_ENUM(ROAM_MANGLE_PEER_MODE_ROAM);
TRACE_DEFINE_ENUM(ROAM_MANGLE_PEER_MODE_PLAIN);
TRACE_DEFINE_ENUM(ROAM_MANGLE_PEER_MODE_ANNOUNCED);
TRACE_DEFINE_ENUM(ROAM_MANGLE_REASON_NEW);
TRACE_DEFINE_ENUM(ROAM_MANGLE_REASON_MOVED);
TRACE_DEFINE_ENUM(ROAM_MANGLE_REASON_DELETED);
TRACE_DEFINE_ENUM(ROAM_MANGLE_REASON_EXPIRED);
TRACE_DEFINE_ENUM(ROAM_MANGLE_REASON_REFRESHED);

/* As the counters are called. */
#define mangle_show_drop(reason)						\
	__print_symbolic(reason,					\
			 { MANGLE_DROP_HOLD_FULL, "hold_full" },		\
			 { MANGLE_DROP_HOLD_TIMEOUT, "hold_timeout" },	\
			 { MANGLE_DROP_MALFORMED, "malformed" },		\
			 { MANGLE_DROP_UNTOLD, "untold" },		\
			 { MANGLE_DROP_NO_ROUTE, "no_route" },		\
			 { MANGLE_DROP_EARLY_RESET, "early_reset" })

#define mangle_show_need(need)						\
	__print_flags(need, "|",					\
		      { ROAM_MANGLE_NEED_MAPPING, "mapping" },		\
		      { ROAM_MANGLE_NEED_PEER, "peer" })

#define mangle_show_role(role)						\
	__print_symbolic(role,						\
			 { ROAM_MANGLE_ROLE_REMOTE, "remote" },		\
			 { ROAM_MANGLE_ROLE_OWN, "own" })

#define mangle_show_mode(mode)						\
	__print_symbolic(mode,						\
			 { ROAM_MANGLE_PEER_MODE_SEEN, "seen" },	\
			 { ROAM_MANGLE_PEER_MODE_ROAM, "roam" },	\
			 { ROAM_MANGLE_PEER_MODE_PLAIN, "plain" },	\
			 { ROAM_MANGLE_PEER_MODE_ANNOUNCED, "announced" })

#define mangle_show_reason(reason)					\
	__print_symbolic(reason,					\
			 { ROAM_MANGLE_REASON_NEW, "new" },		\
			 { ROAM_MANGLE_REASON_MOVED, "moved" },		\
			 { ROAM_MANGLE_REASON_DELETED, "deleted" },	\
			 { ROAM_MANGLE_REASON_EXPIRED, "expired" },	\
			 { ROAM_MANGLE_REASON_REFRESHED, "refreshed" })

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
		mangle_trace_packet((struct in6_addr *)__entry->saddr,
				  (struct in6_addr *)__entry->daddr, skb);
	),
	TP_printk("netns=%u saddr=%pI6c daddr=%pI6c reason=%s", __entry->netns,
		  __entry->saddr, __entry->daddr,
		  mangle_show_drop(__entry->reason))
);

/* A question to the daemon, which packets on hold wait for. */
TRACE_EVENT(miss,
	TP_PROTO(const struct net *net, const struct in6_addr *own,
		 const struct in6_addr *peer, u32 need),
	TP_ARGS(net, own, peer, need),
	TP_STRUCT__entry(
		__field(unsigned int, netns)
		__field(u32, need)
		__array(u8, own, sizeof(struct in6_addr))
		__array(u8, peer, sizeof(struct in6_addr))
	),
	TP_fast_assign(
		__entry->netns = net->ns.inum;
		__entry->need = need;
		mangle_trace_addr((struct in6_addr *)__entry->own, own);
		mangle_trace_addr((struct in6_addr *)__entry->peer, peer);
	),
	TP_printk("netns=%u own=%pI6c peer=%pI6c need=%s", __entry->netns,
		  __entry->own, __entry->peer, mangle_show_need(__entry->need))
);

/* The question is answered, or was not in time; its packets are let go. */
TRACE_EVENT(answer,
	TP_PROTO(const struct net *net, const struct in6_addr *peer,
		 u32 packets, bool in_time),
	TP_ARGS(net, peer, packets, in_time),
	TP_STRUCT__entry(
		__field(unsigned int, netns)
		__field(u32, packets)
		__field(bool, in_time)
		__array(u8, peer, sizeof(struct in6_addr))
	),
	TP_fast_assign(
		__entry->netns = net->ns.inum;
		__entry->packets = packets;
		__entry->in_time = in_time;
		mangle_trace_addr((struct in6_addr *)__entry->peer, peer);
	),
	TP_printk("netns=%u peer=%pI6c packets=%u in_time=%d", __entry->netns,
		  __entry->peer, __entry->packets, __entry->in_time)
);

/* A mapping came, changed or went. */
TRACE_EVENT(mapping,
	TP_PROTO(const struct net *net, const struct in6_addr *permanent,
		 const struct in6_addr *care_of, u8 role, u8 reason),
	TP_ARGS(net, permanent, care_of, role, reason),
	TP_STRUCT__entry(
		__field(unsigned int, netns)
		__field(u8, role)
		__field(u8, reason)
		__array(u8, permanent, sizeof(struct in6_addr))
		__array(u8, care_of, sizeof(struct in6_addr))
	),
	TP_fast_assign(
		__entry->netns = net->ns.inum;
		__entry->role = role;
		__entry->reason = reason;
		mangle_trace_addr((struct in6_addr *)__entry->permanent,
				permanent);
		mangle_trace_addr((struct in6_addr *)__entry->care_of, care_of);
	),
	TP_printk("netns=%u permanent=%pI6c care_of=%pI6c role=%s reason=%s",
		  __entry->netns, __entry->permanent, __entry->care_of,
		  mangle_show_role(__entry->role),
		  mangle_show_reason(__entry->reason))
);

/* A correspondent came, changed or went. */
TRACE_EVENT(peer,
	TP_PROTO(const struct net *net, const struct in6_addr *own,
		 const struct in6_addr *addr, u8 mode, u8 reason),
	TP_ARGS(net, own, addr, mode, reason),
	TP_STRUCT__entry(
		__field(unsigned int, netns)
		__field(u8, mode)
		__field(u8, reason)
		__array(u8, own, sizeof(struct in6_addr))
		__array(u8, addr, sizeof(struct in6_addr))
	),
	TP_fast_assign(
		__entry->netns = net->ns.inum;
		__entry->mode = mode;
		__entry->reason = reason;
		mangle_trace_addr((struct in6_addr *)__entry->own, own);
		mangle_trace_addr((struct in6_addr *)__entry->addr, addr);
	),
	TP_printk("netns=%u own=%pI6c addr=%pI6c mode=%s reason=%s",
		  __entry->netns, __entry->own, __entry->addr,
		  mangle_show_mode(__entry->mode),
		  mangle_show_reason(__entry->reason))
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
