// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which packets the module takes, out of all that pass a host.
 *
 *   PRE_ROUTING, last: for a node that is away: its route becomes the one into
 *	the device (MIP-53). Out of a tunnel, for a visitor: the one to its
 *	link-layer address. From a visitor that tunnels back: into the device.
 *   LOCAL_OUT, last: the same for what this host sends itself.
 *   LOCAL_IN, last: what came through a tunnel; see receive.c.
 *   ARP, on the home link: requests for nodes that are away; see arp.c.
 *
 * So a node that is away needs no route, filters and connection tracking see its
 * packets go to the device, and what is for a node at home is not touched.
 */
#include <linux/etherdevice.h>
#include <linux/inetdevice.h>
#include <linux/netfilter_arp.h>
#include <linux/netfilter_ipv4.h>
#include <net/ip.h>
#include <net/route.h>

#include "arp.h"
#include "broadcast.h"
#include "deliver.h"
#include "device.h"
#include "receive.h"
#include "route_input.h"
#include "table.h"

/* The route into the device of an endpoint; NULL while that one goes. */
static struct rtable *tunnel_enter(const struct tunnel_endpoint *to)
{
	const struct tunnel_device *device = netdev_priv(to->dev);

	return READ_ONCE(device->enter);
}

/* Hooks of received packets run under RCU, which keeps the route. */
static unsigned int tunnel_take(struct sk_buff *skb, struct rtable *rt)
{
	if (!rt)
		return NF_ACCEPT;
	skb_dst_drop(skb);
	skb_dst_set_noref(skb, &rt->dst);
	/* A neighbour shall go on sending here. */
	IPCB(skb)->flags &= ~IPSKB_DOREDIRECT;
	return NF_ACCEPT;
}

/*
 * Out of the tunnel of a node that is away: routed as if it had come on its home link,
 * where its address belongs. On the device it would be a source from elsewhere, which
 * rp_filter drops, even a loose one where the device has no address (OPEN-11).
 */
static noinline void tunnel_route_home(struct tunnel_net *tn,
				       struct sk_buff *skb)
{
	struct tunnel_binding *binding;
	struct net_device *dev;
	u32 home_link;

	binding = tunnel_binding_find(tn, ip_hdr(skb)->saddr);
	home_link = binding ? READ_ONCE(binding->home_link) : 0;
	dev = home_link ? dev_get_by_index_rcu(tn->net, home_link) : NULL;
	if (!dev)
		return;
	if (roam_route_input(skb, dev))
		IPCB(skb)->flags &= ~IPSKB_DOREDIRECT;
	else
		skb_dst_drop(skb);
}

/*
 * For a node that is away. Its source is checked as ever, and whether this host
 * forwards at all; a home address that is one of this host's own is the host's.
 */
static noinline unsigned int tunnel_take_away(struct tunnel_net *tn,
					      struct sk_buff *skb,
					    struct tunnel_binding *binding)
{
	if (skb->pkt_type != PACKET_HOST)
		return NF_ACCEPT;
	if (tunnel_device_is(skb->dev) && !skb_dst(skb))
		tunnel_route_home(tn, skb);
	if (!skb_dst(skb) && !roam_route_input(skb, skb->dev))
		return NF_ACCEPT;
	if (skb_rtable(skb)->rt_type != RTN_UNICAST)
		return NF_ACCEPT;
	return tunnel_take(skb, tunnel_enter(rcu_dereference(binding->to)));
}

static bool tunnel_is_from(const struct sk_buff *skb,
			 const struct tunnel_visitor *visitor)
{
	return skb_mac_header_was_set(skb) &&
	       skb->mac_len >= ETH_HLEN &&
	       ether_addr_equal(eth_hdr(skb)->h_source, visitor->mac);
}

/* Does a packet stay here, or on its link, instead of being forwarded? */
static bool tunnel_stays(struct tunnel_net *tn, const struct sk_buff *skb)
{
	switch (inet_addr_type_dev_table(tn->net, skb->dev,
					 ip_hdr(skb)->daddr)) {
	case RTN_LOCAL:
	case RTN_BROADCAST:
	case RTN_MULTICAST:
		return true;
	default:
		return false;
	}
}

static noinline unsigned int tunnel_take_visitor(struct tunnel_net *tn,
					       struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);
	struct tunnel_visitor *visitor;
	struct tunnel_endpoint *to;
	struct tunnel_link *link;

	if (skb->pkt_type != PACKET_HOST)
		return NF_ACCEPT;
	/* Out of its tunnel: receive.c has checked that. */
	if (tunnel_device_is(skb->dev)) {
		visitor = tunnel_visitor_find(tn, iph->daddr);
		link = visitor ? rcu_dereference(visitor->link) : NULL;
		if (!link || READ_ONCE(visitor->dev) != skb->dev)
			return NF_ACCEPT;
		return tunnel_take(skb, link->out);
	}
	visitor = tunnel_visitor_find(tn, iph->saddr);
	if (!visitor || READ_ONCE(visitor->reverse) !=
			ROAM_TUNNEL_REVERSE_DIRECT)
		return NF_ACCEPT;
	to = rcu_dereference(visitor->to);
	link = rcu_dereference(visitor->link);
	if (!to || !link || !tunnel_link_is(link, skb->dev) ||
	    tunnel_stays(tn, skb))
		return NF_ACCEPT;
	if (unlikely(!tunnel_is_from(skb, visitor)))
		return tunnel_drop(tn, skb, TUNNEL_DROP_SPOOFED);
	return tunnel_take(skb, tunnel_enter(to));
}

static unsigned int tunnel_hook_in(void *priv, struct sk_buff *skb,
				 const struct nf_hook_state *state)
{
	struct tunnel_net *tn = priv;
	struct tunnel_binding *binding;

	if (tunnel_has_bindings(tn)) {
		if (unlikely(skb->pkt_type == PACKET_BROADCAST)) {
			/* Behind NFQUEUE a program is the context. */
			local_bh_disable();
			tunnel_broadcast(tn, skb);
			local_bh_enable();
		}
		binding = tunnel_binding_find(tn, ip_hdr(skb)->daddr);
		if (binding)
			return tunnel_take_away(tn, skb, binding);
		if (unlikely(tunnel_device_is(skb->dev)) && !skb_dst(skb))
			tunnel_route_home(tn, skb);
	}
	if (tunnel_has_visitors(tn))
		return tunnel_take_visitor(tn, skb);
	return NF_ACCEPT;
}

unsigned int tunnel_hook_out(void *priv, struct sk_buff *skb,
			     const struct nf_hook_state *state)
{
	__be32 daddr = ip_hdr(skb)->daddr;
	struct tunnel_binding *binding;
	struct tunnel_visitor *visitor;
	struct tunnel_net *tn = priv;
	struct rtable *rt = NULL;
	struct tunnel_link *link;

	if (tunnel_has_bindings(tn)) {
		binding = tunnel_binding_find(tn, daddr);
		if (binding)
			rt = tunnel_enter(rcu_dereference(binding->to));
	}
	if (!rt && tunnel_has_visitors(tn)) {
		visitor = tunnel_visitor_find(tn, daddr);
		link = visitor ? rcu_dereference(visitor->link) : NULL;
		if (link)
			rt = link->out;
	}
	if (likely(!rt) || skb_dst(skb) == &rt->dst ||
	    skb_rtable(skb)->rt_type != RTN_UNICAST)
		return NF_ACCEPT;
	/* Not every sender stays under RCU behind the hook; the device may just go. */
	if (unlikely(!dst_hold_safe(&rt->dst)))
		return NF_ACCEPT;
	skb_dst_drop(skb);
	skb_dst_set(skb, &rt->dst);
	return NF_ACCEPT;
}

static const struct nf_hook_ops tunnel_hook_ops[TUNNEL_HOOKS] = {
	{
		.hook = tunnel_hook_in,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = NF_IP_PRI_LAST,
	},
	{
		.hook = tunnel_hook_out,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_LOCAL_OUT,
		.priority = NF_IP_PRI_LAST,
	},
	/* Behind the filter; who confirms connections may be behind this, see receive.c. */
	{
		.hook = tunnel_hook_local_in,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_LOCAL_IN,
		.priority = NF_IP_PRI_LAST,
	},
#if IS_ENABLED(CONFIG_NETFILTER_FAMILY_ARP)
	{
		.hook = tunnel_hook_arp,
		.pf = NFPROTO_ARP,
		.hooknum = NF_ARP_IN,
		.priority = NF_IP_PRI_LAST,
	},
#endif
};

int tunnel_hooks_update(struct tunnel_net *tn)
{
	bool wanted = tn->n_bindings || tn->n_visitors;
	unsigned int i;
	int err;

	lockdep_assert_held(&tn->lock);
	if (tn->gone || wanted == tn->hooked)
		return 0;
	if (!wanted) {
		nf_unregister_net_hooks(tn->net, tn->ops, TUNNEL_HOOKS);
		tn->hooked = false;
		return 0;
	}
	memcpy(tn->ops, tunnel_hook_ops, sizeof(tn->ops));
	for (i = 0; i < TUNNEL_HOOKS; i++)
		tn->ops[i].priv = tn;
	err = nf_register_net_hooks(tn->net, tn->ops, TUNNEL_HOOKS);
	tn->hooked = !err;
	return err;
}
