/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Neighbours. A packet is sent to one by a route of its own, which no routing
 * table holds: the packet goes on as any other that was routed, through
 * FORWARD and POST_ROUTING, and what the kernel does there it does here.
 *
 * The route's gateway is the link-local address that the neighbour's link-layer
 * address makes, for IPv4 packets as well (as RFC 8950 has it), and a permanent
 * entry in the neighbour table gives that address back: so nobody is asked where
 * a neighbour is, and no answer can steal its packets.
 *
 * Contract
 *
 * - A hop is made under mmp_net.mutex, and found under RCU.
 * - It is counted by who points to it, under mmp_net.lock; with the last one it
 *   goes, after a grace period, and its entry in the neighbour table is one that the
 *   kernel may forget.
 * - When its interface goes so do its routes, and it leads nowhere any more.
 */
#ifndef ROAM_MMP_HOP_H
#define ROAM_MMP_HOP_H

#include <linux/etherdevice.h>
#include <linux/netdevice.h>
#include <net/ip6_fib.h>
#include <net/route.h>

#include "mmp.h"

/**
 * struct mmp_hop - a neighbour
 * @rt: route for IPv4 packets; NULL: the interface is gone; RCU
 * @rt6: the same for IPv6 packets
 * @dev: the interface; valid while @rt is
 * @ifindex: its index
 * @mac: link-layer address
 * @below: a node below: its data heals entries; written under mmp_net.mutex
 * @refs: who points to it; mmp_net.lock
 * @node: in mmp_net.hops
 * @rcu: frees it
 */
struct mmp_hop {
	struct rtable __rcu *rt;
	struct rt6_info __rcu *rt6;
	struct net_device *dev;
	u32 ifindex;
	u8 mac[ETH_ALEN];
	bool below;
	u32 refs;
	struct hlist_node node;
	struct rcu_head rcu;
};

static inline bool mmp_hop_is(const struct mmp_hop *hop, u32 ifindex,
			      const u8 *mac)
{
	return hop->ifindex == ifindex && ether_addr_equal(hop->mac, mac);
}

/* Can it be sent to? Under RCU. */
static inline bool mmp_hop_works(const struct mmp_hop *hop)
{
	return rcu_access_pointer(hop->rt) && netif_running(hop->dev) &&
	       netif_carrier_ok(hop->dev);
}

/* The route to a neighbour for this family, or NULL; under RCU. */
static inline struct dst_entry *mmp_hop_dst(const struct mmp_hop *hop,
					    bool v6)
{
	struct rt6_info *rt6;
	struct rtable *rt;

	if (v6) {
		rt6 = rcu_dereference(hop->rt6);
		return rt6 ? &rt6->dst : NULL;
	}
	rt = rcu_dereference(hop->rt);
	return rt ? &rt->dst : NULL;
}

/* The hop or NULL; under RCU or mmp_net.lock. */
struct mmp_hop *mmp_hop_find(struct mmp_net *mn, u32 ifindex, const u8 *mac);

/**
 * mmp_hop_get - the hop, made if there is none
 * @mn: namespace; its mutex held
 * @ifindex: interface
 * @mac: link-layer address
 * @extack: gets the cause of a refusal
 *
 * Return: the hop with one more reference, for mmp_hop_put(), or ERR_PTR.
 */
struct mmp_hop *mmp_hop_get(struct mmp_net *mn, u32 ifindex, const u8 *mac,
			    struct netlink_ext_ack *extack);
/* One more pointer to it; mmp_net.lock held. */
static inline void mmp_hop_hold(struct mmp_hop *hop)
{
	hop->refs++;
}
/* One less; mmp_net.lock held. NULL is ignored. */
void mmp_hop_put(struct mmp_net *mn, struct mmp_hop *hop);

/* The kernel has forgotten an interface's neighbours, or the interface goes; mutex held. */
void mmp_hops_up(struct mmp_net *mn, struct net_device *dev);
void mmp_hops_gone(struct mmp_net *mn, const struct net_device *dev);

#endif
