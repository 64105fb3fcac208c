// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ip.h>
#include <linux/rculist.h>
#include <linux/skbuff.h>
#include <net/ip.h>

#include "broadcast.h"
#include "send.h"
#include "table.h"

/*
 * A foreign agent could not know whom a broadcast is for, so that it travels within a
 * packet to the home address.
 */
static bool tunnel_broadcast_wrap(struct tunnel_net *tn, struct sk_buff *skb,
				  const struct tunnel_binding *binding,
				  const struct tunnel_endpoint *to)
{
	const struct roam_encap inner = {
		.saddr = to->tunnel.saddr,
		.daddr = roam_addr_to4(&binding->home),
		.encap = ROAM_TUNNEL_ENCAP_IPIP,
		.ttl = READ_ONCE(tn->config.ttl),
	};
	unsigned int len = sizeof(struct iphdr);
	struct iphdr key = { .saddr = inner.saddr, .daddr = inner.daddr,
			     .protocol = IPPROTO_IPIP };

	if (skb_cow_head(skb, LL_MAX_HEADER + 2 * len +
			      sizeof(struct udphdr) + 4))
		return false;
	__ip_select_ident(tn->net, &key, 1);
	__skb_push(skb, len);
	skb_reset_network_header(skb);
	roam_encap_write(skb->data, &inner, inner.encap, len, skb->len, key.id);
	return true;
}

static void tunnel_broadcast_one(struct tunnel_net *tn,
				 struct sk_buff *skb,
				 struct tunnel_binding *binding)
{
	struct tunnel_endpoint *to = rcu_dereference(binding->to);
	struct sk_buff *copy = skb_clone(skb, GFP_ATOMIC);

	if (!copy)
		return;
	skb_forward_csum(copy);
	/* A queue would take the time of arrival for a time to leave. */
	skb_clear_tstamp(copy);
	copy->ignore_df = 0;
	if (!(READ_ONCE(binding->flags) &
	      ROAM_TUNNEL_BINDING_FLAG_COLOCATED) &&
	    !tunnel_broadcast_wrap(tn, copy, binding, to)) {
		tunnel_drop(tn, copy, TUNNEL_DROP_MALFORMED);
		kfree_skb(copy);
		return;
	}
	this_cpu_add(tn->stats->broadcasts,
		     tunnel_send(tn, to, TUNNEL_ENDPOINTS_MAX, copy));
}

void tunnel_broadcast(struct tunnel_net *tn, struct sk_buff *skb)
{
	struct tunnel_binding *binding;

	/* What is for one host goes to one, whoever the frame was for. */
	if (inet_addr_type_dev_table(tn->net, skb->dev, ip_hdr(skb)->daddr) !=
	    RTN_BROADCAST)
		return;
	hlist_for_each_entry_rcu(binding, &tn->broadcasts, broadcast)
		if (READ_ONCE(binding->home_link) == skb->dev->ifindex)
			tunnel_broadcast_one(tn, skb, binding);
}
