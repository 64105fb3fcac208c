// SPDX-License-Identifier: GPL-2.0-only
#include <linux/jhash.h>
#include <linux/slab.h>
#include <net/addrconf.h>
#include <net/dst.h>
#include <net/ip6_route.h>
#include <net/ndisc.h>
#include <net/neighbour.h>

#include "../core/forward.h"
#include "hop.h"
#include "mmp.h"

static u32 mmp_hop_hash(u32 ifindex, const u8 *mac)
{
	return jhash(mac, ETH_ALEN, ifindex);
}

struct mmp_hop *mmp_hop_find(struct mmp_net *mn, u32 ifindex, const u8 *mac)
{
	struct mmp_hop *hop;

	hash_for_each_possible_rcu(mn->hops, hop, node,
				   mmp_hop_hash(ifindex, mac),
				   lockdep_is_held(&mn->lock))
		if (mmp_hop_is(hop, ifindex, mac))
			return hop;
	return NULL;
}

/* fe80::/64 and the modified EUI-64 of RFC 4291, appendix A */
static struct in6_addr mmp_hop_gateway(const u8 *mac)
{
	struct in6_addr addr = { .s6_addr = {
		0xfe, 0x80, 0, 0, 0, 0, 0, 0,
		mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5],
	} };

	return addr;
}

/* The kernel forgets it when the interface goes down, or gets another address. */
static int mmp_hop_announce(struct net_device *dev, const u8 *mac)
{
	const struct in6_addr gateway = mmp_hop_gateway(mac);
	struct neighbour *neigh;
	int err;

	neigh = __neigh_create(&nd_tbl, &gateway, dev, true);
	if (IS_ERR(neigh))
		return PTR_ERR(neigh);
	err = neigh_update(neigh, mac, NUD_PERMANENT,
			   NEIGH_UPDATE_F_OVERRIDE | NEIGH_UPDATE_F_ADMIN, 0);
	neigh_release(neigh);
	return err;
}

static void mmp_hop_dropped(struct net *net, const struct sk_buff *skb,
			    enum roam_forward_drop why)
{
	static const enum mmp_drop reasons[] = {
		[ROAM_FORWARD_TTL] = MMP_DROP_TTL,
		[ROAM_FORWARD_TOO_BIG] = MMP_DROP_TOO_BIG,
		[ROAM_FORWARD_MEMORY] = MMP_DROP_MEMORY,
	};

	mmp_drop(mmp_net(net), skb, reasons[why]);
	if (why != ROAM_FORWARD_MEMORY)
		mmp_error(mmp_net(net), skb, reasons[why]);
}

static int mmp_hop_input4(struct sk_buff *skb)
{
	return roam_forward4(skb, mmp_hop_dropped);
}

static int mmp_hop_input6(struct sk_buff *skb)
{
	return roam_forward6(skb, mmp_hop_dropped);
}

static struct rtable *mmp_hop_route4(struct net_device *dev, const u8 *mac)
{
	struct rtable *rt = rt_dst_alloc(dev, 0, RTN_UNICAST, false);

	if (!rt)
		return NULL;
	rt->dst.input = mmp_hop_input4;
	rt->rt_is_input = 1;
	rt->rt_uses_gateway = 1;
	rt->rt_gw_family = AF_INET6;
	rt->rt_gw6 = mmp_hop_gateway(mac);
	return rt;
}

static struct rt6_info *mmp_hop_route6(struct net *net, struct net_device *dev,
				       const u8 *mac)
{
	struct rt6_info *rt = ip6_dst_alloc(net, dev, 0);

	if (!rt)
		return NULL;
	rt->dst.input = mmp_hop_input6;
	rt->dst.output = ip6_output;
	rt->rt6i_flags = RTF_UP | RTF_GATEWAY;
	rt->rt6i_gateway = mmp_hop_gateway(mac);
	rt->rt6i_idev = in6_dev_get(dev);
	return rt;
}

/*
 * The kernel may forget the neighbour, unless a newer hop wants it to stay: that one is in
 * the table before its neighbour is announced. The interface is there while @hop's routes
 * are.
 */
static void mmp_hop_release(const struct mmp_hop *hop)
{
	const struct in6_addr gateway = mmp_hop_gateway(hop->mac);
	struct mmp_net *mn = mmp_net(dev_net(hop->dev));
	struct neighbour *neigh;

	spin_lock_bh(&mn->lock);
	neigh = mmp_hop_find(mn, hop->ifindex, hop->mac) ?
		NULL : neigh_lookup(&nd_tbl, &gateway, hop->dev);
	if (neigh) {
		/* As one that did not answer: those go first when the table is full. */
		neigh_update(neigh, NULL, NUD_FAILED,
			     NEIGH_UPDATE_F_OVERRIDE | NEIGH_UPDATE_F_ADMIN, 0);
		neigh_release(neigh);
	}
	spin_unlock_bh(&mn->lock);
}

static void mmp_hop_free_rcu(struct rcu_head *rcu)
{
	struct mmp_hop *hop = container_of(rcu, struct mmp_hop, rcu);
	struct rtable *rt = rcu_dereference_protected(hop->rt, true);
	struct rt6_info *rt6 = rcu_dereference_protected(hop->rt6, true);

	if (rt)
		mmp_hop_release(hop);
	if (rt)
		dst_release(&rt->dst);
	if (rt6)
		dst_release(&rt6->dst);
	kfree(hop);
}

static struct mmp_hop *mmp_hop_new(struct mmp_net *mn, struct net_device *dev,
				   const u8 *mac,
				   struct netlink_ext_ack *extack)
{
	struct mmp_hop *hop = kzalloc(sizeof(*hop), mmp_gfp(mn));
	struct rtable *rt = mmp_hop_route4(dev, mac);
	struct rt6_info *rt6 = mmp_hop_route6(mn->net, dev, mac);
	int err;

	if (!hop || !rt || !rt6) {
		if (rt)
			dst_release(&rt->dst);
		if (rt6)
			dst_release(&rt6->dst);
		kfree(hop);
		return ERR_PTR(-ENOMEM);
	}
	hop->dev = dev;
	hop->ifindex = dev->ifindex;
	ether_addr_copy(hop->mac, mac);
	hop->refs = 1;
	RCU_INIT_POINTER(hop->rt, rt);
	RCU_INIT_POINTER(hop->rt6, rt6);
	spin_lock_bh(&mn->lock);
	hash_add_rcu(mn->hops, &hop->node, mmp_hop_hash(hop->ifindex, mac));
	spin_unlock_bh(&mn->lock);
	/* Behind that, with mmp_hop_release(): nobody points to it yet. */
	err = mmp_hop_announce(dev, mac);
	if (!err)
		return hop;
	NL_SET_ERR_MSG(extack,
		       "neighbours of this interface cannot be named; has it IPv6? sysctl net.ipv6.conf.INTERFACE.disable_ipv6=0");
	spin_lock_bh(&mn->lock);
	mmp_hop_put(mn, hop);
	spin_unlock_bh(&mn->lock);
	return ERR_PTR(err);
}

struct mmp_hop *mmp_hop_get(struct mmp_net *mn, u32 ifindex, const u8 *mac,
			    struct netlink_ext_ack *extack)
{
	struct net_device *dev;
	struct mmp_hop *hop;

	/* Time, or data of a host, may take the last pointer from it at any moment. */
	spin_lock_bh(&mn->lock);
	hop = mmp_hop_find(mn, ifindex, mac);
	if (hop && rcu_access_pointer(hop->rt))
		mmp_hop_hold(hop);
	else
		hop = NULL;
	spin_unlock_bh(&mn->lock);
	if (hop)
		return hop;
	if (!is_valid_ether_addr(mac)) {
		NL_SET_ERR_MSG(extack,
			       "a neighbour has a unicast link-layer address");
		return ERR_PTR(-EINVAL);
	}
	dev = dev_get_by_index(mn->net, ifindex);
	if (!dev) {
		NL_SET_ERR_MSG(extack,
			       "there is no interface with this index; see: ip link");
		return ERR_PTR(-ENODEV);
	}
	if (dev->addr_len != ETH_ALEN || dev->flags & IFF_LOOPBACK) {
		NL_SET_ERR_MSG(extack,
			       "only interfaces with link-layer addresses of 6 bytes have neighbours here");
		hop = ERR_PTR(-EOPNOTSUPP);
	} else {
		hop = mmp_hop_new(mn, dev, mac, extack);
	}
	/* The routes hold it. */
	dev_put(dev);
	return hop;
}

void mmp_hop_put(struct mmp_net *mn, struct mmp_hop *hop)
{
	if (!hop || --hop->refs)
		return;
	hash_del_rcu(&hop->node);
	call_rcu(&hop->rcu, mmp_hop_free_rcu);
}

void mmp_hops_up(struct mmp_net *mn, struct net_device *dev)
{
	struct mmp_hop *hop;
	unsigned int i;

	for (i = 0; i < HASH_SIZE(mn->hops); i++) {
		if (hlist_empty(&mn->hops[i]))
			continue;
		spin_lock_bh(&mn->lock);
		hlist_for_each_entry(hop, &mn->hops[i], node)
			if (hop->ifindex == dev->ifindex &&
			    rcu_access_pointer(hop->rt))
				mmp_hop_announce(dev, hop->mac);
		spin_unlock_bh(&mn->lock);
	}
}

void mmp_hops_gone(struct mmp_net *mn, const struct net_device *dev)
{
	struct rtable *rt;
	struct rt6_info *rt6;
	struct mmp_hop *hop;
	int bucket;

	/* Nothing that sleeps, and few interfaces go. */
	spin_lock_bh(&mn->lock);
	hash_for_each(mn->hops, bucket, hop, node) {
		if (hop->ifindex != dev->ifindex)
			continue;
		rt = unrcu_pointer(xchg(&hop->rt, NULL));
		rt6 = unrcu_pointer(xchg(&hop->rt6, NULL));
		/*
		 * dst_release() leaves the freeing to RCU, so who just found one
		 * may use it; the interface waits for that.
		 */
		if (rt)
			dst_release(&rt->dst);
		if (rt6)
			dst_release(&rt6->dst);
	}
	spin_unlock_bh(&mn->lock);
}
