/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Generic netlink, as every module of roam speaks it: addresses of either family,
 * bulk requests with the number of what was applied, dumps with a generation mark,
 * events, counters. Each refusal names the attribute and says why in a sentence.
 *
 * Two attributes for an address stand side by side in every set: the one for IPv4,
 * big endian, and behind it the one for IPv6.
 */
#ifndef ROAM_CORE_NL_H
#define ROAM_CORE_NL_H

#include <linux/rhashtable.h>
#include <net/genetlink.h>

#include "addr.h"

/* ---- reading requests ---- */

/* A top-level attribute that must be there; -EINVAL with the cause else. */
int roam_nl_require(struct genl_info *info, u16 type);

/**
 * roam_nl_addr - read an address of either family
 * @nest: where the attributes are, to name in an error
 * @tb: attributes of the nest
 * @type: the one for IPv4; the one for IPv6 is the next
 * @addr: set to the address, IPv4 in the mapped form
 * @extack: gets the cause of a refusal
 *
 * Return: the attribute, or ERR_PTR(-EINVAL) if there is not exactly one of
 * the two.
 */
const struct nlattr *roam_nl_addr(const struct nlattr *nest, struct nlattr **tb,
				  u16 type, struct in6_addr *addr,
				  struct netlink_ext_ack *extack);

/* The same for the address of a host (roam_addr_is_host()); 0 or -EINVAL. */
int roam_nl_host(const struct nlattr *nest, struct nlattr **tb, u16 type,
		 struct in6_addr *addr, struct netlink_ext_ack *extack);

/* Two addresses that stand for each other; @attr is named if they cannot. */
int roam_nl_same_family(const struct in6_addr *a, const struct in6_addr *b,
			const struct nlattr *attr,
			struct netlink_ext_ack *extack);

/**
 * roam_nl_limit - check a setting that gives away the machine's memory
 * @attr: the setting, 32 bits, or NULL
 * @most: up to where the administrator of a namespace may raise it
 * @extack: gets the cause of a refusal
 *
 * Return: 0 or -EPERM.
 */
int roam_nl_limit(const struct nlattr *attr, u32 most,
		  struct netlink_ext_ack *extack);

/* Says why roam_table_insert() refused an entry; returns @err. */
int roam_nl_insert_error(int err, struct netlink_ext_ack *extack);

/* ---- writing messages ---- */

/* @type is the attribute for IPv4, the one for IPv6 is the next. 0 or -EMSGSIZE. */
int roam_nl_put_addr(struct sk_buff *msg, u16 type, const struct in6_addr *addr);

/**
 * roam_nl_reply_new - a reply with its header
 * @info: the request
 * @family: whose
 * @size: room for attributes
 * @hdr: set, for roam_nl_reply_end()
 *
 * Return: the message, or NULL without memory.
 */
struct sk_buff *roam_nl_reply_new(struct genl_info *info,
				  const struct genl_family *family, size_t size,
				  void **hdr);

/* Ends a reply that was filled with @err: sent, or given up. */
int roam_nl_reply_end(struct genl_info *info, struct sk_buff *msg, void *hdr,
		      int err);

/* ---- bulk requests ---- */

/**
 * roam_nl_bulk - carry out a request of many entries
 * @info: the request
 * @family: whose
 * @type: the top-level attribute of an entry; there may be none
 * @reply: the attribute that tells how many entries took effect, 32 bits
 * @applied: how many did before
 * @fn: carries out one; what it refuses ends the request. It has said why
 *
 * Each entry is read once, in order. The reply says how many took effect; the
 * error that ended the request is left for the acknowledgement.
 *
 * Return: 0 or the error.
 */
int roam_nl_bulk(struct genl_info *info, const struct genl_family *family,
		 u16 type, u16 reply, u32 applied,
		 int (*fn)(struct genl_info *info, const struct nlattr *attr));

/* ---- events ---- */

/**
 * roam_nl_event_new - begin an event
 * @family: whose
 * @net: the namespace
 * @group: multicast group, counted within the family
 * @cmd: its command
 * @hdr: set, for roam_nl_event_send()
 *
 * From any context. An event that cannot be built is lost, and the listener learns
 * of the loss from its socket (ENOBUFS).
 *
 * Return: the message; NULL if nobody listens, or without memory.
 */
struct sk_buff *roam_nl_event_new(const struct genl_family *family,
				  struct net *net, unsigned int group, u8 cmd,
				  void **hdr);

/* Sends a filled event. 0, or -ESRCH: nobody in this namespace listens. */
int roam_nl_event_send(const struct genl_family *family, struct net *net,
		       unsigned int group, struct sk_buff *msg, void *hdr);

/* ---- dumps ---- */

/**
 * struct roam_nl_dump - a dump of a table under way, in netlink_callback.args[0]
 * @iter: where it is
 * @end: the end of the table was reached
 * @cursor: the user's, 0 at first: where it is in what it tells behind the table
 */
struct roam_nl_dump {
	struct rhashtable_iter iter;
	bool end;
	u64 cursor;
};

static inline struct roam_nl_dump *roam_nl_dump_of(struct netlink_callback *cb)
{
	return (struct roam_nl_dump *)cb->args[0];
}

/* For genl_ops.start: a dump of @table. */
int roam_nl_dump_start(struct netlink_callback *cb, struct rhashtable *table);
/* For genl_ops.done. */
int roam_nl_dump_done(struct netlink_callback *cb);

/**
 * roam_nl_dump - put as many entries as fit, one message each
 * @skb: the message under way
 * @cb: of the dump
 * @family: whose
 * @cmd: command of the messages
 * @generation: raised by each change of the table. A change between two calls, or a
 *	resize of the table, marks the dump as interrupted
 * @put: puts one entry, under rcu_read_lock(): 0, -ENOENT if it just went,
 *	-EMSGSIZE
 * @ctx: for @put
 *
 * Return: for genl_ops.dumpit.
 */
int roam_nl_dump(struct sk_buff *skb, struct netlink_callback *cb,
		 const struct genl_family *family, u8 cmd, atomic_t *generation,
		 int (*put)(struct sk_buff *msg, const void *entry, void *ctx),
		 void *ctx);

/* Begins one message of a dump that the user fills himself. NULL: no room. */
void *roam_nl_dump_put(struct sk_buff *skb, struct netlink_callback *cb,
		       const struct genl_family *family, u8 cmd);

/* ---- counters ---- */

/**
 * struct roam_nl_counter - which attribute carries which counter
 * @attr: the attribute, 64 bits
 * @offset: of the u64 in the structure that each CPU has
 */
struct roam_nl_counter {
	u16 attr;
	u16 offset;
};

/* Puts the sums over all CPUs; @pad is the attribute to pad with. */
int roam_nl_put_counters(struct sk_buff *msg,
			 const struct roam_nl_counter *counters, unsigned int n,
			 u16 pad, const void __percpu *stats);

#endif
