// SPDX-License-Identifier: GPL-2.0-only
#include <linux/icmp.h>
#include <linux/ip.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/skbuff.h>
#include <net/icmp.h>
#include <net/ip.h>
#include <net/route.h>
#include <net/xfrm.h>

#include "../core/rewrite.h"
#include "device.h"
#include "icmp.h"
#include "table.h"

/* Bytes that a relayed error has to quote behind the IP header (RFC 792). */
#define TUNNEL_QUOTE 8

/**
 * struct tunnel_error - an error and what it is about
 * @icmp: its header, a copy
 * @at: where the quoted packet begins, from the IP header of the message
 * @outer: header of the quoted packet, a copy
 * @decap: what was inside
 */
struct tunnel_error {
	struct icmphdr icmp;
	unsigned int at;
	struct iphdr outer;
	struct roam_decap decap;
};

/*
 * Reads the quotation. Routers may quote as little as eight bytes of what follows the
 * outer header: then it is not known what was inside, and the verdict is "none".
 */
static enum roam_decap_verdict tunnel_error_read(struct sk_buff *skb,
						 struct tunnel_error *error)
{
	unsigned int len = skb_headlen(skb) - error->at;
	struct iphdr *iph = (void *)skb->data + error->at;

	/* The length is of the packet as it was, not of what is quoted. */
	if (iph->ihl * 4 > len)
		return ROAM_DECAP_NONE;
	return roam_decap_read(iph, len, &error->decap);
}

/* The tunnel that the packet was in, or NULL. */
static struct tunnel_endpoint *tunnel_error_way(struct tunnel_net *tn,
						const struct tunnel_error *error)
{
	struct tunnel_binding *binding;
	struct tunnel_visitor *visitor;
	struct tunnel_endpoint *to = NULL;

	binding = tunnel_binding_find(tn, error->decap.daddr);
	if (binding)
		to = rcu_dereference(binding->to);
	if (!to) {
		visitor = tunnel_visitor_find(tn, error->decap.saddr);
		to = visitor ? rcu_dereference(visitor->to) : NULL;
	}
	for (; to; to = to->also)
		if (to->tunnel.daddr == error->outer.daddr &&
		    to->tunnel.saddr == error->outer.saddr)
			return to;
	return NULL;
}

/*
 * What the sender is told, RFC 2003 4: of what happens within a tunnel it knows
 * nothing, so that the node it sends to is unreachable. False: nothing.
 */
static bool tunnel_error_translate(const struct tunnel_error *error, u8 *code,
				   u32 *info)
{
	unsigned int mtu = ntohs(error->icmp.un.frag.mtu);
	unsigned int grown = error->decap.len;

	*code = ICMP_HOST_UNREACH;
	*info = 0;
	if (error->icmp.type == ICMP_TIME_EXCEEDED)
		return error->icmp.code == ICMP_EXC_TTL;
	if (error->icmp.type != ICMP_DEST_UNREACH)
		return false;
	switch (error->icmp.code) {
	case ICMP_FRAG_NEEDED:
		*code = ICMP_FRAG_NEEDED;
		if (mtu < IPV4_MIN_MTU + grown)
			return false;
		*info = mtu - grown;
		return true;
	case ICMP_PORT_UNREACH:
	case ICMP_SR_FAILED:
		return false;
	default:
		return true;
	}
}

/* Passes it on; @skb is a copy of the message, and the caller's. */
static void tunnel_error_relay(struct tunnel_net *tn, struct sk_buff *skb,
			       struct tunnel_error *error,
			       struct tunnel_endpoint *to)
{
	const struct tunnel_device *device = netdev_priv(to->dev);
	struct rtable *rt = READ_ONCE(device->enter);
	u32 info;
	u8 code;

	if (!rt || !tunnel_error_translate(error, &code, &info))
		return;
	__skb_pull(skb, error->at);
	if (error->decap.encap == ROAM_TUNNEL_ENCAP_MINIMAL)
		roam_decap_minimal_restore(skb->data, &error->decap);
	if (!pskb_may_pull(skb, error->decap.len + sizeof(struct iphdr)))
		return;
	__skb_pull(skb, error->decap.len);
	skb_reset_network_header(skb);
	if (!pskb_may_pull(skb, ip_hdr(skb)->ihl * 4 + TUNNEL_QUOTE))
		return;
	memset(IPCB(skb), 0, sizeof(*IPCB(skb)));
	/* As if it had come, and could not go on into the device. RCU keeps the route. */
	skb_dst_drop(skb);
	skb_dst_set_noref(skb, &rt->dst);
	skb->dev = to->dev;
	skb->pkt_type = PACKET_HOST;
	icmp_send(skb, ICMP_DEST_UNREACH, code, htonl(info));
	tunnel_count(tn, relayed);
}

static noinline void tunnel_error_in(struct tunnel_net *tn,
				     struct sk_buff *skb,
				     struct tunnel_error *error)
{
	struct tunnel_endpoint *to;
	struct sk_buff *copy;

	if (nf_ip_checksum(skb, NF_INET_LOCAL_IN, ip_hdrlen(skb), IPPROTO_ICMP))
		return;
	/* Written to, and shorter in the end. */
	copy = skb_copy(skb, GFP_ATOMIC);
	if (!copy)
		return;
	if (error->icmp.type == ICMP_DEST_UNREACH &&
	    error->icmp.code == ICMP_FRAG_NEEDED) {
		__skb_pull(copy, error->at);
		ipv4_update_pmtu(copy, tn->net,
				 ntohs(error->icmp.un.frag.mtu), 0,
				 error->outer.protocol);
		__skb_push(copy, error->at);
	}
	if (tunnel_error_read(copy, error) == ROAM_DECAP_OK) {
		to = tunnel_error_way(tn, error);
		if (to)
			tunnel_error_relay(tn, copy, error, to);
	}
	kfree_skb(copy);
}

unsigned int tunnel_icmp_in(struct tunnel_net *tn, struct sk_buff *skb)
{
	struct tunnel_error error;
	const struct icmphdr *icmp;
	const struct iphdr *outer;

	error.at = ip_hdrlen(skb) + sizeof(error.icmp);
	icmp = skb_header_pointer(skb, ip_hdrlen(skb), sizeof(error.icmp),
				  &error.icmp);
	if (!icmp || !roam_icmp_is_error(icmp->type))
		return NF_ACCEPT;
	error.icmp = *icmp;
	outer = skb_header_pointer(skb, error.at, sizeof(error.outer),
				   &error.outer);
	if (!outer || outer->version != 4 || outer->ihl < 5 ||
	    outer->frag_off & htons(IP_OFFSET))
		return NF_ACCEPT;
	error.outer = *outer;
	/* What an IPsec policy forbids is left to the stack, which knows the exceptions. */
	if (tunnel_pair_find(tn, error.outer.daddr, error.outer.saddr) &&
	    xfrm4_policy_check(NULL, XFRM_POLICY_IN, skb))
		tunnel_error_in(tn, skb, &error);
	return NF_ACCEPT;
}
