// SPDX-License-Identifier: GPL-2.0-only
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netlink.h>
#include <linux/slab.h>
#include <net/ip.h>
#include <net/route.h>

#include "deliver.h"
#include "gso.h"
#include "route.h"
#include "table.h"

/* One packet that fits the link, with the visitor's address in front. */
static int tunnel_deliver_one(struct net *net, struct sock *sk,
			    struct sk_buff *skb)
{
	struct tunnel_net *tn = tunnel_net(net);
	struct net_device *dev = skb_dst(skb)->dev;
	struct tunnel_visitor *visitor;
	struct tunnel_link *link;
	int err = -EHOSTUNREACH;

	rcu_read_lock();
	visitor = tunnel_visitor_find(tn, ip_hdr(skb)->daddr);
	link = visitor ? rcu_dereference(visitor->link) : NULL;
	/* It has gone, or moved to another link, since the route was given. */
	if (!link || link->dev != dev) {
		tunnel_drop(tn, skb, TUNNEL_DROP_NOT_VISITOR);
		goto drop;
	}
	if (skb_cow_head(skb, LL_RESERVED_SPACE(dev)) ||
	    dev_hard_header(skb, dev, ETH_P_IP, visitor->mac, NULL, skb->len) <
		    0) {
		tunnel_drop(tn, skb, TUNNEL_DROP_MALFORMED);
		goto drop;
	}
	tunnel_touch(&visitor->used);
	tunnel_count(tn, delivered);
	err = dev_queue_xmit(skb);
	rcu_read_unlock();
	return err;

drop:
	rcu_read_unlock();
	kfree_skb(skb);
	return err;
}

/* A super-packet whose segments do not fit the link, and may be split. */
static noinline int tunnel_deliver_segments(struct net *net, struct sock *sk,
					    struct sk_buff *skb, unsigned int mtu)
{
	struct sk_buff *segs, *next;
	int err = 0, one;

	segs = skb_gso_segment(skb, NETIF_F_SG | NETIF_F_HIGHDMA);
	if (IS_ERR_OR_NULL(segs)) {
		tunnel_drop(tunnel_net(net), skb, TUNNEL_DROP_MALFORMED);
		kfree_skb(skb);
		return -EINVAL;
	}
	consume_skb(skb);
	skb_list_walk_safe(segs, skb, next) {
		skb_mark_not_on_list(skb);
		one = skb->len > mtu ?
		      ip_do_fragment(net, sk, skb, tunnel_deliver_one) :
		      tunnel_deliver_one(net, sk, skb);
		err = err ?: one;
	}
	return err;
}

static int tunnel_deliver_finish(struct net *net, struct sock *sk,
			       struct sk_buff *skb)
{
	unsigned int mtu = ip_skb_dst_mtu(sk, skb);

	if (skb_is_gso(skb)) {
		if (unlikely(!skb_gso_validate_network_len(skb, mtu)))
			return tunnel_deliver_segments(net, sk, skb, mtu);
	} else if (skb->len > mtu || IPCB(skb)->frag_max_size) {
		return ip_do_fragment(net, sk, skb, tunnel_deliver_one);
	}
	return tunnel_deliver_one(net, sk, skb);
}

static int tunnel_deliver(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	struct net_device *indev = skb->dev, *dev = skb_dst(skb)->dev;

	skb->dev = dev;
	skb->protocol = htons(ETH_P_IP);
	return NF_HOOK_COND(NFPROTO_IPV4, NF_INET_POST_ROUTING, net, sk, skb,
			    indev, dev, tunnel_deliver_finish,
			    !(IPCB(skb)->flags & IPSKB_REROUTED));
}

static struct tunnel_link *tunnel_link_new(struct tunnel_net *tn, u32 ifindex,
				       struct netlink_ext_ack *extack)
{
	struct tunnel_link *link;
	struct net_device *dev;
	int err = -EINVAL;

	dev = dev_get_by_index(tn->net, ifindex);
	if (!dev) {
		NL_SET_ERR_MSG_MOD(extack, "there is no such link");
		return ERR_PTR(-ENODEV);
	}
	if (dev->addr_len != ETH_ALEN || dev->flags & IFF_LOOPBACK) {
		NL_SET_ERR_MSG_MOD(extack,
				   "visitors are on links with Ethernet addresses; this is none");
		goto err;
	}
	err = -ENOMEM;
	link = kzalloc(sizeof(*link), GFP_KERNEL);
	if (!link)
		goto err;
	link->dev = dev;
	link->out = tunnel_route_new(dev, tunnel_deliver);
	if (!link->out) {
		kfree(link);
		goto err;
	}
	link->refs = 1;
	list_add(&link->list, &tn->links);
	/* The route holds the device. */
	dev_put(dev);
	return link;

err:
	dev_put(dev);
	return ERR_PTR(err);
}

struct tunnel_link *tunnel_link_get(struct tunnel_net *tn, u32 ifindex,
				struct netlink_ext_ack *extack)
{
	struct tunnel_link *link;

	list_for_each_entry(link, &tn->links, list) {
		if (link->dev->ifindex != ifindex)
			continue;
		link->refs++;
		return link;
	}
	return tunnel_link_new(tn, ifindex, extack);
}

void tunnel_link_put(struct tunnel_link *link)
{
	if (--link->refs)
		return;
	list_del(&link->list);
	tunnel_route_put(link->out);
	kfree_rcu(link, rcu);
}

bool tunnel_link_has(struct tunnel_net *tn, const struct net_device *dev)
{
	struct tunnel_link *link;

	lockdep_assert_held(&tn->lock);
	list_for_each_entry(link, &tn->links, list)
		if (link->dev == dev)
			return true;
	return false;
}
