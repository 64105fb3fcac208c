/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The generic netlink family roam_mangle; its contract is
 * Documentation/netlink/specs/roam_mangle.yaml.
 */
#ifndef ROAM_MANGLE_NETLINK_H
#define ROAM_MANGLE_NETLINK_H

#include <net/genetlink.h>

struct mangle_mapping;
struct mangle_net;
struct mangle_peer;
struct mangle_ranges;

/*
 * Events, to whoever listens in the namespace. Atomic context; under
 * rcu_read_lock() or mangle_table.lock. An event that cannot be built is lost, and
 * the listener learns of the loss from its socket (ENOBUFS).
 */
void mangle_nl_mapping_event(struct mangle_net *mn,
			     const struct mangle_mapping *mapping, u8 reason);
void mangle_nl_peer_event(struct mangle_net *mn, const struct mangle_peer *peer,
			  u8 reason);
/* False if nobody in this namespace listens. */
bool mangle_nl_miss_event(struct net *net, const struct in6_addr *own,
			  const struct in6_addr *peer, u32 need);
/* Does anybody listen to misses, in whatever namespace? */
bool mangle_nl_miss_heard(struct net *net);

int mangle_nl_init(void);
void mangle_nl_exit(void);

/* ---- what the files of the family share ---- */

extern struct genl_family mangle_nl_family;

struct mangle_net *mangle_nl_net(struct genl_info *info);

/* A reply with its header; *hdr for roam_nl_reply_end(). */
struct sk_buff *mangle_nl_reply_new(struct genl_info *info, void **hdr);

/* roam_nl_bulk() of this family. */
int mangle_nl_bulk(struct genl_info *info, u16 type, u32 applied,
		   int (*fn)(struct genl_info *info,
			     const struct nlattr *attr));

int mangle_nl_mapping_dump_start(struct netlink_callback *cb);
int mangle_nl_peer_dump_start(struct netlink_callback *cb);

/*
 * Reads @n prefixes, attributes of @type between @head and @len bytes further:
 * NULL for none, or ERR_PTR.
 */
struct mangle_ranges *mangle_nl_parse_ranges(const struct nlattr *head, int len,
					     u16 type, unsigned int max,
					     struct netlink_ext_ack *extack);
/* Puts each as an attribute of @type; @ranges may be NULL. */
int mangle_nl_put_ranges(struct sk_buff *msg, u16 type,
			 const struct mangle_ranges *ranges);

#endif
