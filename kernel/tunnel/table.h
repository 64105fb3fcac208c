/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bindings, visitors, and the tunnels they use.
 *
 * A binding says where a mobile node of this home agent is, a visitor whose home
 * agent may send to a mobile node that is here. What moves is one pointer: both
 * point to an endpoint, which is one end of a tunnel and never changes; nodes
 * behind one care-of address share one.
 *
 * Contract
 *
 * - Readers (the hooks, the device, dumps) hold rcu_read_lock() and use what a
 *   look-up returned until they release it. No reference is taken.
 * - Every change is made under tunnel_net.lock. What is taken out of a table is
 *   freed by RCU, an endpoint with the last entry that points to it.
 * - The home address and all of an endpoint but its route never change.
 * - An entry that needs several endpoints has its own ones, one after the other
 *   in @also; a single one is shared by all who want the same.
 * - Endpoints point to devices. When a device or link goes, what needs it goes
 *   first, while the device still exists.
 * - The tables call other parts of the module by struct tunnel_table_ops only.
 */
#ifndef ROAM_TUNNEL_TABLE_H
#define ROAM_TUNNEL_TABLE_H

#include <linux/etherdevice.h>

#include "../core/encap.h"
#include "../core/ends.h"
#include "../core/lookup.h"
#include "tunnel.h"

struct rtable;

/**
 * struct tunnel_link - a link with visitors
 * @list: in tunnel_net.links; tunnel_net.lock
 * @refs: visitors on it; tunnel_net.lock
 * @dev: its device
 * @out: route of packets to visitors on it
 * @rcu: frees it
 */
struct tunnel_link {
	struct list_head list;
	u32 refs;
	struct net_device *dev;
	struct rtable *out;
	struct rcu_head rcu;
};

/**
 * struct tunnel_pair - the addresses of a tunnel
 * @node: in tunnel_net.pairs
 * @addr: of the other end and of this one, the key
 * @refs: endpoints between the two; tunnel_net.lock
 * @own: how many of them are ends of this host as a mobile node; written under
 *	tunnel_net.lock
 * @ifindex: index of the device of the latest of those
 * @rcu: frees it
 */
struct tunnel_pair {
	struct rhash_head node;
	struct in6_addr addr[2];
	u32 refs;
	u32 own;
	int ifindex;
	struct rcu_head rcu;
};

/**
 * struct tunnel_route - how packets get to the other end
 * @dst: the route, with a reference
 * @mark: of the packet that it was chosen for
 * @tos: type of service of that, without the bits of ECN
 * @rcu: frees it, and gives back @dst
 *
 * Immutable; replaced with xchg() by whoever finds that it does not serve.
 */
struct tunnel_route {
	struct dst_entry *dst;
	u32 mark;
	u8 tos;
	struct rcu_head rcu;
};

/**
 * struct tunnel_endpoint - one end of a tunnel
 * @node: in tunnel_net.endpoints, if it is @shared
 * @key: what it is, see tunnel_endpoint_key()
 * @tunnel: the same, as packets want it
 * @shared: it stands in the table
 * @dev: device of kind roam that its packets pass
 * @route: the last one that was needed, or NULL; see send.c
 * @also: another one that gets a copy, or that may send as well; or NULL
 * @refs: entries that point to it; tunnel_net.lock
 * @pair: its addresses
 * @rcu: frees it
 */
struct tunnel_endpoint {
	struct rhash_head node;
	struct in6_addr key[2];
	struct roam_encap tunnel;
	bool shared;
	struct net_device *dev;
	struct tunnel_route __rcu *route;
	struct tunnel_endpoint *also;
	u32 refs;
	struct tunnel_pair *pair;
	struct rcu_head rcu;
};

/**
 * struct tunnel_binding - a mobile node that is away
 * @node: in tunnel_net.bindings
 * @home: its home address, the key
 * @to: where its packets go; RCU, tunnel_net.lock
 * @used: jiffies of the last packet; written by those, only if changed
 * @flags: ROAM_TUNNEL_BINDING_FLAG_*; written under tunnel_net.lock
 * @home_link: index of its home link, 0 for a virtual one; likewise
 * @expires: jiffies when it ends, if @mortal; likewise
 * @left: care-of address it left
 * @left_until: jiffies until when packets from there are accepted
 * @left_encap: enum roam_tunnel_encap of those
 * @end: in tunnel_net.binding_ends, if @mortal; tunnel_net.lock
 * @broadcast: in tunnel_net.broadcasts, if it has that flag; RCU, tunnel_net.lock
 * @mortal: it has a lifetime; tunnel_net.lock
 * @dead: it was removed
 * @rcu: frees it
 */
struct tunnel_binding {
	struct rhash_head node;
	struct in6_addr home;
	struct tunnel_endpoint __rcu *to;
	u32 used;
	u32 flags;
	u32 home_link;
	u32 expires;
	__be32 left;
	u32 left_until;
	struct roam_end end;
	struct hlist_node broadcast;
	u8 left_encap;
	bool mortal;
	bool dead;
	struct rcu_head rcu;
};

/**
 * struct tunnel_visitor - the far end of a home agent's tunnel
 * @node: in tunnel_net.visitors
 * @home: home address of the mobile node, the key
 * @to: its home agents, the first gets what goes back; NULL: none yet; RCU,
 *	tunnel_net.lock
 * @link: where it is; NULL: this host is the mobile node; RCU, tunnel_net.lock
 * @used: jiffies of the last packet; written by those, only if changed
 * @expires: jiffies when it ends, if @mortal; written under tunnel_net.lock
 * @mac: its link-layer address; likewise
 * @reverse: enum roam_tunnel_reverse; likewise
 * @role: enum roam_tunnel_role
 * @mortal: it has a lifetime; tunnel_net.lock
 * @dead: it was removed
 * @left: care-of address that its own host left
 * @left_until: jiffies until when packets to there are accepted
 * @end: in tunnel_net.visitor_ends, if @mortal; tunnel_net.lock
 * @dev: device of kind roam; written under tunnel_net.lock
 * @rcu: frees it
 */
struct tunnel_visitor {
	struct rhash_head node;
	struct in6_addr home;
	struct tunnel_endpoint __rcu *to;
	struct tunnel_link __rcu *link;
	u32 used;
	u32 expires;
	u8 mac[ETH_ALEN];
	u8 reverse;
	u8 role;
	bool mortal;
	bool dead;
	__be32 left;
	u32 left_until;
	struct roam_end end;
	struct net_device *dev;
	struct rcu_head rcu;
};

#define TUNNEL_BINDING_PARAMS \
	ROAM_TABLE_PARAMS(struct tunnel_binding, node, home)
#define TUNNEL_VISITOR_PARAMS \
	ROAM_TABLE_PARAMS(struct tunnel_visitor, node, home)
#define TUNNEL_ENDPOINT_PARAMS \
	ROAM_TABLE_PARAMS(struct tunnel_endpoint, node, key)
#define TUNNEL_PAIR_PARAMS \
	ROAM_TABLE_PARAMS(struct tunnel_pair, node, addr)

/* The binding of a home address or NULL; under rcu_read_lock(). */
static __always_inline struct tunnel_binding *
tunnel_binding_find(struct tunnel_net *tn, __be32 home)
{
	const struct in6_addr key = roam_addr4(home);

	return roam_table_entry(roam_table_find(&tn->bindings, &key, 1),
				struct tunnel_binding, node);
}

/* The visitor with a home address or NULL; under rcu_read_lock(). */
static __always_inline struct tunnel_visitor *
tunnel_visitor_find(struct tunnel_net *tn, __be32 home)
{
	const struct in6_addr key = roam_addr4(home);

	return roam_table_entry(roam_table_find(&tn->visitors, &key, 1),
				struct tunnel_visitor, node);
}

/* The tunnel from @remote to @local or NULL; under rcu_read_lock(). */
static inline struct tunnel_pair *tunnel_pair_find(struct tunnel_net *tn,
					       __be32 remote, __be32 local)
{
	const struct in6_addr key[2] = { roam_addr4(remote), roam_addr4(local) };

	return roam_table_entry(roam_table_find(&tn->pairs, key, 2),
				struct tunnel_pair, node);
}

/* Frees it by RCU; NULL is allowed. */
void tunnel_route_forget(struct tunnel_route *route);

/* A packet used it. Written only if the time changed: the line stays shared. */
static inline void tunnel_touch(u32 *used)
{
	u32 now = (u32)jiffies;

	if (READ_ONCE(*used) != now)
		WRITE_ONCE(*used, now);
}

/**
 * struct tunnel_table_ops - what the tables ask of the other parts, under the lock
 * @binding: a binding came, changed or is about to go; enum roam_tunnel_reason
 * @visitor: the same of a visitor
 * @device: a device of kind roam by its index, 0: the only one; or NULL
 * @link_get: the link with an index, with a reference; or ERR_PTR
 * @link_put: gives the reference back
 */
struct tunnel_table_ops {
	void (*binding)(struct tunnel_net *tn,
			const struct tunnel_binding *binding, u8 reason);
	void (*visitor)(struct tunnel_net *tn,
			const struct tunnel_visitor *visitor, u8 reason);
	struct net_device *(*device)(struct tunnel_net *tn, u32 ifindex);
	struct tunnel_link *(*link_get)(struct tunnel_net *tn, u32 ifindex,
					struct netlink_ext_ack *extack);
	void (*link_put)(struct tunnel_link *link);
};

/**
 * struct tunnel_binding_request - a wanted binding, checked for itself
 * @home: home address
 * @device: index of its device, 0: the only one
 * @home_link: index of its home link or 0
 * @flags: ROAM_TUNNEL_BINDING_FLAG_*
 * @endpoint: where its packets go
 * @n: how many of them
 * @exclusive: refuse it if there is one already
 * @existing: refuse it if there is none yet
 * @lifetime: jiffies, 0 for ever
 */
struct tunnel_binding_request {
	struct in6_addr home;
	u32 device;
	u32 home_link;
	u32 flags;
	struct roam_encap endpoint[TUNNEL_ENDPOINTS_MAX];
	unsigned int n;
	bool exclusive;
	bool existing;
	unsigned long lifetime;
};

/**
 * struct tunnel_visitor_request - a wanted visitor, checked for itself
 * @home: home address
 * @device: index of its device, 0: the only one
 * @link: index of the link where it is, 0 for an own one
 * @mac: link-layer address
 * @role: enum roam_tunnel_role
 * @reverse: enum roam_tunnel_reverse
 * @endpoint: its home agents
 * @n: how many of them
 * @exclusive: refuse it if there is one already
 * @existing: refuse it if there is none yet
 * @lifetime: jiffies, 0 for ever
 */
struct tunnel_visitor_request {
	struct in6_addr home;
	u32 device;
	u32 link;
	u8 mac[ETH_ALEN];
	u8 role;
	u8 reverse;
	struct roam_encap endpoint[TUNNEL_AGENTS_MAX];
	unsigned int n;
	bool exclusive;
	bool existing;
	unsigned long lifetime;
};

/**
 * tunnel_binding_set - add or replace a binding
 * @tn: namespace; lock held
 * @req: what it shall be
 * @reason: set to what happened, enum roam_tunnel_reason
 * @extack: gets the cause of a refusal
 *
 * Return: the binding, or ERR_PTR: -EEXIST, -ENOENT, -ENODEV, -ENOSPC (limit),
 * -ENOMEM. On error nothing changed.
 */
struct tunnel_binding *tunnel_binding_set(struct tunnel_net *tn,
				      const struct tunnel_binding_request *req,
				      u8 *reason,
				      struct netlink_ext_ack *extack);
/* Takes a binding out; lock held. Freed by RCU. */
void tunnel_binding_remove(struct tunnel_net *tn, struct tunnel_binding *binding);

/* The same for visitors. */
struct tunnel_visitor *tunnel_visitor_set(struct tunnel_net *tn,
				      const struct tunnel_visitor_request *req,
				      u8 *reason,
				      struct netlink_ext_ack *extack);
void tunnel_visitor_remove(struct tunnel_net *tn, struct tunnel_visitor *visitor);

/*
 * Removes all entries that use a device, of kind roam or the link of visitors;
 * NULL: all there are. Lock held.
 */
void tunnel_bindings_flush(struct tunnel_net *tn, const struct net_device *dev);
void tunnel_visitors_flush(struct tunnel_net *tn, const struct net_device *dev);

/**
 * tunnel_table_expire - remove what has ended
 * @tn: namespace; lock held
 * @budget: most of each kind
 *
 * Return: true if there may be more.
 */
bool tunnel_table_expire(struct tunnel_net *tn, unsigned int budget);
/* Jiffies until something ends. Lock held. */
unsigned long tunnel_table_next(const struct tunnel_net *tn);

/**
 * tunnel_table_init - empty tables
 * @tn: namespace
 * @ops: what to call
 *
 * Return: 0 or -ENOMEM.
 */
int tunnel_table_init(struct tunnel_net *tn, const struct tunnel_table_ops *ops);
void tunnel_table_exit(struct tunnel_net *tn);

/* The memory of all namespaces' tables; exit after the last of them is gone. */
int tunnel_table_caches_init(void);
void tunnel_table_caches_exit(void);

#endif
