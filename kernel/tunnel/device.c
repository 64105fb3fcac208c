// SPDX-License-Identifier: GPL-2.0-only
#include <linux/etherdevice.h>
#include <linux/if_arp.h>
#include <linux/inetdevice.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/netfilter_ipv4.h>
#include <linux/rtnetlink.h>
#include <net/icmp.h>
#include <net/ip.h>
#include <net/ip_tunnels.h>
#include <net/route.h>
#include <net/rtnetlink.h>
#include <net/sch_generic.h>

#include "deliver.h"
#include "device.h"
#include "lltx.h"
#include "newlink.h"
#include "route.h"
#include "send.h"
#include "table.h"

#define TUNNEL_DEVICE_FEATURES (NETIF_F_SG | NETIF_F_FRAGLIST | NETIF_F_HIGHDMA | \
			      NETIF_F_GSO_SOFTWARE | NETIF_F_HW_CSUM)

static struct rtnl_link_ops tunnel_link_ops;

bool tunnel_device_is(const struct net_device *dev)
{
	return dev->rtnl_link_ops == &tunnel_link_ops;
}

struct net_device *tunnel_device_get(struct tunnel_net *tn, u32 ifindex)
{
	struct tunnel_device *device;

	lockdep_assert_held(&tn->lock);
	if (!ifindex)
		return list_is_singular(&tn->devices) ?
		       list_first_entry(&tn->devices, struct tunnel_device,
					list)->dev : NULL;
	list_for_each_entry(device, &tn->devices, list)
		if (device->dev->ifindex == (int)ifindex)
			return device->dev;
	return NULL;
}

/*
 * The tunnel of a packet. What comes from a mobile node that is here goes back to
 * its home agent; everything else to whom it is for.
 */
static struct tunnel_endpoint *tunnel_device_way(struct tunnel_net *tn,
					     const struct net_device *dev,
					     const struct iphdr *iph,
					     bool *back)
{
	struct tunnel_endpoint *to;
	struct tunnel_binding *binding;
	struct tunnel_visitor *visitor;

	*back = false;
	if (tunnel_has_visitors(tn)) {
		visitor = tunnel_visitor_find(tn, iph->saddr);
		to = visitor ? rcu_dereference(visitor->to) : NULL;
		if (to && to->dev == dev &&
		    READ_ONCE(visitor->reverse) != ROAM_TUNNEL_REVERSE_NONE) {
			*back = true;
			return to;
		}
	}
	binding = tunnel_binding_find(tn, iph->daddr);
	if (!binding)
		return NULL;
	to = rcu_dereference(binding->to);
	if (to->dev != dev)
		return NULL;
	tunnel_touch(&binding->used);
	return to;
}

/* Not every sender is the stack: a program writes what it likes to the device. */
static bool tunnel_device_is_packet(struct sk_buff *skb)
{
	const struct iphdr *iph;
	unsigned int len;

	if (!pskb_inet_may_pull(skb))
		return false;
	iph = ip_hdr(skb);
	if (iph->version != 4 || iph->ihl < 5)
		return false;
	len = iph->ihl * 4;
	if (!pskb_may_pull(skb, skb_network_offset(skb) + len))
		return false;
	/* A super-packet may be too long for its own field. */
	iph = ip_hdr(skb);
	return skb_is_gso(skb) || (ntohs(iph->tot_len) >= len &&
				   ntohs(iph->tot_len) <= skb->len);
}

/* What is an IPv4 packet with a whole header. */
static netdev_tx_t tunnel_device_send(struct sk_buff *skb, struct net_device *dev)
{
	struct tunnel_device *device = netdev_priv(dev);
	struct tunnel_net *tn = device->tn;
	struct tunnel_endpoint *to;
	unsigned int len, sent;
	bool back;

	rcu_read_lock();
	/* Of the packet when it came, or of who sent it. */
	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
	to = tunnel_device_way(tn, dev, ip_hdr(skb), &back);
	if (unlikely(!to)) {
		icmp_ndo_send(skb, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0);
		tunnel_drop(tn, skb, TUNNEL_DROP_NO_BINDING);
		DEV_STATS_INC(dev, tx_dropped);
		kfree_skb(skb);
		goto out;
	}
	len = skb->len;
	sent = tunnel_send(tn, to, back ? 1 : TUNNEL_ENDPOINTS_MAX, skb);
	if (likely(sent)) {
		dev_sw_netstats_tx_add(dev, 1, len);
		if (back)
			tunnel_count(tn, reversed);
		else
			this_cpu_add(tn->stats->encapsulated, sent);
	} else {
		DEV_STATS_INC(dev, tx_dropped);
	}
out:
	rcu_read_unlock();
	return NETDEV_TX_OK;
}

static netdev_tx_t tunnel_device_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct tunnel_device *device = netdev_priv(dev);

	if (likely(skb->protocol == htons(ETH_P_IP))) {
		if (likely(tunnel_device_is_packet(skb)))
			return tunnel_device_send(skb, dev);
		tunnel_drop(device->tn, skb, TUNNEL_DROP_MALFORMED);
	}
	DEV_STATS_INC(dev, tx_dropped);
	kfree_skb(skb);
	return NETDEV_TX_OK;
}

/* ---- the short way into the device ---- */

/* Is there anything between a packet and the device, that has to see it or hold it? */
static bool tunnel_device_is_bare(struct net_device *dev)
{
	const struct Qdisc *qdisc;

	qdisc = rcu_dereference_bh(netdev_get_tx_queue(dev, 0)->qdisc);
	/* A device that is down has one that takes what comes. */
	if (qdisc->enqueue || dev_nit_active(dev))
		return false;
#ifdef CONFIG_NETFILTER_EGRESS
	if (rcu_access_pointer(dev->nf_hooks_egress))
		return false;
#endif
#if defined(CONFIG_NET_XGRESS)
	if (rcu_access_pointer(dev->tcx_egress))
		return false;
#elif defined(CONFIG_NET_CLS_ACT)
	if (rcu_access_pointer(dev->miniq_egress))
		return false;
#endif
	return true;
}

static int tunnel_device_finish(struct net *net, struct sock *sk,
				struct sk_buff *skb)
{
	struct net_device *dev = skb->dev;
	int ret;

	local_bh_disable();
	if (likely(skb->len <= dev->mtu && !skb_is_gso(skb) &&
		   !IPCB(skb)->frag_max_size && !dst_xfrm(skb_dst(skb)) &&
		   tunnel_device_is_bare(dev))) {
		IP_UPD_PO_STATS(net, IPSTATS_MIB_OUT, skb->len);
		skb_reset_mac_header(skb);
		ret = tunnel_device_send(skb, dev);
	} else {
		/* The hooks have seen it. */
		IPCB(skb)->flags |= IPSKB_REROUTED;
		ret = ip_output(net, sk, skb);
	}
	local_bh_enable();
	return ret;
}

/*
 * Sends what has the route into the device: as ip_output(), but a forwarded packet
 * that fits goes without neighbour and queue, since the device has neither.
 */
static int tunnel_device_enter(struct net *net, struct sock *sk,
			       struct sk_buff *skb)
{
	struct net_device *indev = skb->dev, *dev = skb_dst(skb)->dev;

	if (sk || !(IPCB(skb)->flags & IPSKB_FORWARDED))
		return ip_output(net, sk, skb);
	skb->dev = dev;
	skb->protocol = htons(ETH_P_IP);
	return NF_HOOK_COND(NFPROTO_IPV4, NF_INET_POST_ROUTING, net, sk, skb,
			    indev, dev, tunnel_device_finish,
			    !(IPCB(skb)->flags & IPSKB_REROUTED));
}

static int tunnel_device_open(struct net_device *dev)
{
	struct in_device *in_dev = __in_dev_get_rtnl(dev);

	/*
	 * What comes out of a tunnel has a source that is routed elsewhere. That
	 * it may come from there is checked against the tables, see receive.c.
	 */
	if (in_dev)
		IN_DEV_CONF_SET(in_dev, RP_FILTER, 0);
	return 0;
}

static int tunnel_device_ndo_init(struct net_device *dev)
{
	struct tunnel_device *device = netdev_priv(dev);

	device->dev = dev;
	device->tn = tunnel_net(dev_net(dev));
	dev->tstats = netdev_alloc_pcpu_stats(struct pcpu_sw_netstats);
	return dev->tstats ? 0 : -ENOMEM;
}

static void tunnel_device_free(struct net_device *dev)
{
	free_percpu(dev->tstats);
}

static const struct net_device_ops tunnel_device_ops = {
	.ndo_init		= tunnel_device_ndo_init,
	.ndo_open		= tunnel_device_open,
	.ndo_start_xmit		= tunnel_device_xmit,
	.ndo_get_stats64	= dev_get_tstats64,
};

static const struct device_type tunnel_device_type = {
	.name = "roam",
};

static void tunnel_device_setup(struct net_device *dev)
{
	dev->netdev_ops = &tunnel_device_ops;
	dev->header_ops = &ip_tunnel_header_ops;
	dev->type = ARPHRD_TUNNEL;
	/* One neighbour for all: who is behind it is not its matter. */
	dev->flags = IFF_NOARP | IFF_POINTOPOINT;
	dev->addr_len = 0;
	dev->hard_header_len = 0;
	/* A UDP tunnel's headers; those of others are shorter. */
	dev->needed_headroom = LL_MAX_HEADER + sizeof(struct iphdr) +
			       sizeof(struct udphdr) +
			       sizeof(struct roam_mip_data);
	dev->mtu = ETH_DATA_LEN - sizeof(struct iphdr);
	dev->min_mtu = IPV4_MIN_MTU;
	dev->max_mtu = IP_MAX_MTU - sizeof(struct iphdr);
	dev->priv_flags |= IFF_NO_QUEUE;
	dev->features |= TUNNEL_DEVICE_FEATURES;
	dev->hw_features |= TUNNEL_DEVICE_FEATURES;
	roam_device_lltx(dev);
	netif_keep_dst(dev);
	dev->needs_free_netdev = true;
	dev->priv_destructor = tunnel_device_free;
	SET_NETDEV_DEVTYPE(dev, &tunnel_device_type);
}

ROAM_NEWLINK(tunnel_device_newlink)
{
	struct tunnel_device *device = netdev_priv(dev);
	struct tunnel_net *tn = tunnel_net(dev_net(dev));
	int err;

	err = register_netdevice(dev);
	if (err)
		return err;
	device->enter = tunnel_route_new(dev, tunnel_device_enter);
	if (!device->enter) {
		unregister_netdevice(dev);
		return -ENOMEM;
	}
	mutex_lock(&tn->lock);
	list_add_tail(&device->list, &tn->devices);
	mutex_unlock(&tn->lock);
	return 0;
}

static void tunnel_device_dellink(struct net_device *dev, struct list_head *head)
{
	unregister_netdevice_queue(dev, head);
}

static struct rtnl_link_ops tunnel_link_ops __read_mostly = {
	.kind		= "roam",
	.priv_size	= sizeof(struct tunnel_device),
	.setup		= tunnel_device_setup,
	.newlink	= tunnel_device_newlink,
	.dellink	= tunnel_device_dellink,
};

/* What uses a device goes first. */
static void tunnel_device_gone(struct net_device *dev)
{
	struct tunnel_net *tn = tunnel_net(dev_net(dev));
	struct tunnel_device *device = netdev_priv(dev);

	mutex_lock(&tn->lock);
	if (tunnel_device_is(dev)) {
		tunnel_bindings_flush(tn, dev);
		if (device->enter)
			list_del_init(&device->list);
	}
	if (tunnel_device_is(dev) || tunnel_link_has(tn, dev))
		tunnel_visitors_flush(tn, dev);
	if (tunnel_device_is(dev)) {
		tunnel_route_put(device->enter);
		device->enter = NULL;
	}
	tunnel_hooks_update(tn);
	mutex_unlock(&tn->lock);
}

static int tunnel_device_event(struct notifier_block *nb, unsigned long event,
			     void *ptr)
{
	if (event == NETDEV_UNREGISTER)
		tunnel_device_gone(netdev_notifier_info_to_dev(ptr));
	return NOTIFY_DONE;
}

static struct notifier_block tunnel_device_notifier = {
	.notifier_call = tunnel_device_event,
};

int __init tunnel_device_init(void)
{
	int err = register_netdevice_notifier(&tunnel_device_notifier);

	if (err)
		return err;
	err = rtnl_link_register(&tunnel_link_ops);
	if (err)
		unregister_netdevice_notifier(&tunnel_device_notifier);
	return err;
}

void tunnel_device_exit(void)
{
	rtnl_link_unregister(&tunnel_link_ops);
	unregister_netdevice_notifier(&tunnel_device_notifier);
}

MODULE_ALIAS_RTNL_LINK("roam");
