// SPDX-License-Identifier: GPL-2.0-only
#include "icmp.h"

#include <linux/icmp.h>
#include <linux/tcp.h>

#include "../core/route.h"
#include "socket.h"
#include "whom.h"

/* Room for the quoted IP header with options and the TCP header behind it. */
#define MANGLE_ICMP_QUOTE (sizeof(struct icmphdr) + 60 + sizeof(struct tcphdr))

/* Is it the head of a packet that would be rewritten, with its ports? */
static bool mangle_is_quoted4(const struct mangle_net *mn,
			      const struct iphdr *quoted)
{
	return quoted && roam_l4_len(quoted->protocol) &&
	       test_bit(quoted->protocol, mn->config.protocols) &&
	       !(quoted->frag_off & htons(IP_OFFSET));
}

static bool mangle_is_quoted6(const struct mangle_net *mn,
			      const struct ipv6hdr *quoted)
{
	return quoted && roam_l4_len(quoted->nexthdr) &&
	       test_bit(quoted->nexthdr, mn->config.protocols);
}

/* ---- received ---- */

/*
 * An ICMP error quotes a packet as it was on the wire. @sent are its addresses,
 * @ports its ports: sets @sent to the addresses its socket knows, and returns
 * false if there is no such socket or nothing to translate.
 */
static bool mangle_translate_quoted(struct mangle_net *mn, struct sk_buff *skb,
				    u8 protocol, struct roam_pair6 *sent,
				    const __be16 *ports)
{
	/* This host sent the quoted packet: a reply would come from its destination. */
	const struct roam_pair6 reply = { sent->daddr, sent->saddr };
	struct mangle_whom whom;
	struct mangle_wire wire;
	struct roam_pair6 new;

	if (!mangle_wire_find(&mn->table, &reply.saddr, &reply.daddr, &wire) ||
	    !mangle_whom_find(&wire, true, &whom) ||
	    (!whom.own && !roam_addr_is_local(mn->net, &reply.daddr)))
		return false;
	new = mangle_whom_pair(&whom, &reply);
	if (protocol == IPPROTO_TCP) {
		if (!mangle_socket_state(mn->net, skb, &new, ports[1], ports[0]) ||
		    mangle_socket_state(mn->net, skb, &reply, ports[1], ports[0]))
			return false;
	} else if (mangle_is_exempt(mn, skb, protocol, ports, &reply.saddr, NULL)) {
		return false;
	}
	sent->saddr = new.daddr;
	sent->daddr = new.saddr;
	return true;
}

unsigned int mangle_icmp_in4(struct mangle_net *mn, struct sk_buff *skb)
{
	unsigned int offset = skb_network_offset(skb) + ip_hdr(skb)->ihl * 4;
	struct roam_pair6 pair;
	struct roam_pair4 new;
	struct iphdr *quoted;
	unsigned int len;

	if (ip_hdr(skb)->frag_off & htons(IP_OFFSET))
		return NF_ACCEPT;
	len = min_t(unsigned int, skb->len - offset, MANGLE_ICMP_QUOTE);
	if (!pskb_may_pull(skb, offset + len))
		return NF_ACCEPT;
	quoted = roam_icmp4_quoted(skb->data + offset, len);
	if (!mangle_is_quoted4(mn, quoted))
		return NF_ACCEPT;
	pair.saddr = roam_addr4(quoted->saddr);
	pair.daddr = roam_addr4(quoted->daddr);
	if (!mangle_translate_quoted(mn, skb, quoted->protocol, &pair,
				     (void *)quoted + quoted->ihl * 4))
		return NF_ACCEPT;

	if (skb_ensure_writable(skb, offset + len))
		return mangle_drop(mn, skb, MANGLE_DROP_MALFORMED);
	quoted = roam_icmp4_quoted(skb->data + offset, len);
	new.saddr = roam_addr_to4(&pair.saddr);
	new.daddr = roam_addr_to4(&pair.daddr);
	roam_icmp4_rewrite(skb->data + offset, len, quoted, &new);
	mangle_count(mn, in_icmp);
	return NF_ACCEPT;
}

unsigned int mangle_icmp_in6(struct mangle_net *mn, struct sk_buff *skb)
{
	unsigned int offset = skb_network_offset(skb) + sizeof(struct ipv6hdr);
	struct roam_pair6 pair;
	struct ipv6hdr *quoted;
	unsigned int len;

	len = min_t(unsigned int, skb->len - offset, MANGLE_ICMP_QUOTE);
	if (!pskb_may_pull(skb, offset + len))
		return NF_ACCEPT;
	quoted = roam_icmp6_quoted(skb->data + offset, len);
	if (!mangle_is_quoted6(mn, quoted))
		return NF_ACCEPT;
	pair.saddr = quoted->saddr;
	pair.daddr = quoted->daddr;
	if (!mangle_translate_quoted(mn, skb, quoted->nexthdr, &pair,
				     (void *)(quoted + 1)))
		return NF_ACCEPT;

	if (skb_ensure_writable(skb, offset + len))
		return mangle_drop(mn, skb, MANGLE_DROP_MALFORMED);
	quoted = roam_icmp6_quoted(skb->data + offset, len);
	roam_icmp6_rewrite(skb->data + offset, len, quoted, &pair);
	mangle_count(mn, in_icmp);
	return NF_ACCEPT;
}

/* ---- sent ---- */

/**
 * struct mangle_reporting - the way of an ICMP error that this host sends
 * @quoted: addresses of the quoted packet as they were on the wire
 * @saddr: source that the error shall have, NULL: it stays
 * @to: endpoint of the mobile host it goes to, or NULL
 */
struct mangle_reporting {
	struct roam_pair6 quoted;
	const struct in6_addr *saddr;
	struct mangle_endpoint *to;
};

/*
 * @got are the addresses of the quoted packet as this host got it, restored;
 * @error those of the error. False if none of them stands for a care-of
 * address: then the error passes as it is.
 */
static bool mangle_report_translate(struct mangle_net *mn,
				    const struct sk_buff *skb,
				    const struct sock *sk,
				    const struct roam_pair6 *got,
				    const struct roam_pair6 *error, u8 protocol,
				    const __be16 *ports,
				    struct mangle_reporting *out)
{
	struct mangle_endpoint *endpoint;
	struct mangle_mapping *mapping;

	*out = (struct mangle_reporting){ .quoted = *got };
	if (mangle_is_exempt(mn, skb, protocol, ports, &got->saddr, sk))
		return false;
	mapping = mangle_mapping_find(&mn->table, &got->saddr);
	endpoint = mapping && mapping->role == ROAM_MANGLE_ROLE_REMOTE ?
		   rcu_dereference(mapping->endpoint) : NULL;
	if (endpoint) {
		if (READ_ONCE(mapping->mode) == ROAM_MANGLE_MODE_SYMMETRIC)
			out->quoted.saddr = endpoint->coa;
		if (ipv6_addr_equal(&error->daddr, &got->saddr))
			out->to = endpoint;
	}
	mapping = mangle_mapping_find(&mn->table, &got->daddr);
	endpoint = mapping && mapping->role == ROAM_MANGLE_ROLE_OWN ?
		   rcu_dereference(mapping->endpoint) : NULL;
	if (endpoint) {
		out->quoted.daddr = endpoint->coa;
		if (ipv6_addr_equal(&error->saddr, &got->daddr) &&
		    READ_ONCE(mapping->mode) == ROAM_MANGLE_MODE_SYMMETRIC)
			out->saddr = &endpoint->coa;
	}
	return out->to || out->saddr ||
	       !ipv6_addr_equal(&out->quoted.saddr, &got->saddr) ||
	       !ipv6_addr_equal(&out->quoted.daddr, &got->daddr);
}

unsigned int mangle_icmp_out(struct mangle_net *mn, struct sk_buff *skb,
			     struct sock *sk, const struct roam_packet *pkt)
{
	const struct roam_pair6 error = roam_packet_pair(skb, pkt->v6);
	struct mangle_reporting out;
	struct iphdr *quoted4 = NULL;
	struct ipv6hdr *quoted6 = NULL;
	struct roam_pair6 got;
	const __be16 *ports;
	unsigned int len;

	len = min_t(unsigned int, skb->len - pkt->l4, MANGLE_ICMP_QUOTE);
	if (pkt->later || !pskb_may_pull(skb, pkt->l4 + len))
		return NF_ACCEPT;
	if (pkt->v6) {
		quoted6 = roam_icmp6_quoted(skb->data + pkt->l4, len);
		if (!mangle_is_quoted6(mn, quoted6))
			return NF_ACCEPT;
		got = (struct roam_pair6){ quoted6->saddr, quoted6->daddr };
		ports = (void *)(quoted6 + 1);
	} else {
		quoted4 = roam_icmp4_quoted(skb->data + pkt->l4, len);
		if (!mangle_is_quoted4(mn, quoted4))
			return NF_ACCEPT;
		got = (struct roam_pair6){ roam_addr4(quoted4->saddr),
					   roam_addr4(quoted4->daddr) };
		ports = (void *)quoted4 + quoted4->ihl * 4;
	}
	if (!mangle_report_translate(mn, skb, sk, &got, &error,
				     pkt->v6 ? quoted6->nexthdr : quoted4->protocol,
				     ports, &out))
		return NF_ACCEPT;

	if (skb_ensure_writable(skb, pkt->l4 + len))
		return mangle_drop(mn, skb, MANGLE_DROP_MALFORMED);
	if (pkt->v6) {
		quoted6 = roam_icmp6_quoted(skb->data + pkt->l4, len);
		roam_icmp6_rewrite(skb->data + pkt->l4, len, quoted6,
				   &out.quoted);
	} else {
		const struct roam_pair4 new = {
			.saddr = roam_addr_to4(&out.quoted.saddr),
			.daddr = roam_addr_to4(&out.quoted.daddr),
		};

		quoted4 = roam_icmp4_quoted(skb->data + pkt->l4, len);
		roam_icmp4_rewrite(skb->data + pkt->l4, len, quoted4, &new);
	}
	roam_packet_rewrite(skb, pkt, out.saddr, out.to ? &out.to->coa : NULL);
	if (out.to && roam_route_packet(mn->net, &out.to->route, skb, sk))
		return mangle_drop(mn, skb, MANGLE_DROP_NO_ROUTE);
	mangle_count(mn, out_icmp);
	return NF_ACCEPT;
}
