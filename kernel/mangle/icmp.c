// SPDX-License-Identifier: GPL-2.0-only
#include "icmp.h"

#include <linux/icmp.h>
#include <linux/tcp.h>

#include "exempt.h"
#include "route.h"
#include "whom.h"

/* Room for the quoted IP header with options and the TCP header behind it. */
#define ROAM_ICMP_QUOTE (sizeof(struct icmphdr) + 60 + sizeof(struct tcphdr))

/* Is it the head of a packet that would be rewritten, with its ports? */
static bool roam_is_quoted4(const struct roam_net *rn,
			    const struct iphdr *quoted)
{
	return quoted && roam_l4_len(quoted->protocol) &&
	       test_bit(quoted->protocol, rn->config.protocols) &&
	       !(quoted->frag_off & htons(IP_OFFSET));
}

static bool roam_is_quoted6(const struct roam_net *rn,
			    const struct ipv6hdr *quoted)
{
	return quoted && roam_l4_len(quoted->nexthdr) &&
	       test_bit(quoted->nexthdr, rn->config.protocols);
}

/* ---- received ---- */

/*
 * An ICMP error quotes a packet as it was on the wire. @sent are its addresses,
 * @ports its ports: sets @sent to the addresses its socket knows, and returns
 * false if there is no such socket or nothing to translate.
 */
static bool roam_translate_quoted(struct roam_net *rn, struct sk_buff *skb,
				  u8 protocol, struct roam_pair6 *sent,
				  const __be16 *ports)
{
	/* We sent it: its destination is what a reply would come from. */
	const struct roam_pair6 reply = { sent->daddr, sent->saddr };
	struct roam_whom whom;
	struct roam_ends ends;
	struct roam_pair6 new;

	if (!roam_ends_find(rn, &reply.saddr, &reply.daddr, &ends) ||
	    !roam_whom_find(&ends, true, &whom) ||
	    (!whom.own && !roam_addr_is_local(rn->net, &reply.daddr)))
		return false;
	new = roam_whom_pair(&whom, &reply);
	if (protocol == IPPROTO_TCP) {
		if (!roam_socket_state(rn, skb, &new, ports[1], ports[0]) ||
		    roam_socket_state(rn, skb, &reply, ports[1], ports[0]))
			return false;
	} else if (roam_is_exempt(rn, skb, ports, &reply.saddr, NULL)) {
		return false;
	}
	sent->saddr = new.daddr;
	sent->daddr = new.saddr;
	return true;
}

unsigned int roam_icmp_in4(struct roam_net *rn, struct sk_buff *skb)
{
	unsigned int offset = skb_network_offset(skb) + ip_hdr(skb)->ihl * 4;
	struct roam_pair6 pair;
	struct roam_pair4 new;
	struct iphdr *quoted;
	unsigned int len;

	if (ip_hdr(skb)->frag_off & htons(IP_OFFSET))
		return NF_ACCEPT;
	len = min_t(unsigned int, skb->len - offset, ROAM_ICMP_QUOTE);
	if (!pskb_may_pull(skb, offset + len))
		return NF_ACCEPT;
	quoted = roam_icmp4_quoted(skb->data + offset, len);
	if (!roam_is_quoted4(rn, quoted))
		return NF_ACCEPT;
	pair.saddr = roam_addr4(quoted->saddr);
	pair.daddr = roam_addr4(quoted->daddr);
	if (!roam_translate_quoted(rn, skb, quoted->protocol, &pair,
				   (void *)quoted + quoted->ihl * 4))
		return NF_ACCEPT;

	if (skb_ensure_writable(skb, offset + len))
		return roam_drop(rn, skb, ROAM_DROP_MALFORMED);
	quoted = roam_icmp4_quoted(skb->data + offset, len);
	new.saddr = roam_addr_to4(&pair.saddr);
	new.daddr = roam_addr_to4(&pair.daddr);
	roam_icmp4_rewrite(skb->data + offset, len, quoted, &new);
	roam_count(rn, in_icmp);
	return NF_ACCEPT;
}

unsigned int roam_icmp_in6(struct roam_net *rn, struct sk_buff *skb)
{
	unsigned int offset = skb_network_offset(skb) + sizeof(struct ipv6hdr);
	struct roam_pair6 pair;
	struct ipv6hdr *quoted;
	unsigned int len;

	len = min_t(unsigned int, skb->len - offset, ROAM_ICMP_QUOTE);
	if (!pskb_may_pull(skb, offset + len))
		return NF_ACCEPT;
	quoted = roam_icmp6_quoted(skb->data + offset, len);
	if (!roam_is_quoted6(rn, quoted))
		return NF_ACCEPT;
	pair.saddr = quoted->saddr;
	pair.daddr = quoted->daddr;
	if (!roam_translate_quoted(rn, skb, quoted->nexthdr, &pair,
				   (void *)(quoted + 1)))
		return NF_ACCEPT;

	if (skb_ensure_writable(skb, offset + len))
		return roam_drop(rn, skb, ROAM_DROP_MALFORMED);
	quoted = roam_icmp6_quoted(skb->data + offset, len);
	roam_icmp6_rewrite(skb->data + offset, len, quoted, &pair);
	roam_count(rn, in_icmp);
	return NF_ACCEPT;
}

/* ---- sent ---- */

/**
 * struct roam_reporting - the way of an ICMP error that this host sends
 * @quoted: addresses of the quoted packet as they were on the wire
 * @saddr: source that the error shall have, NULL: it stays
 * @to: endpoint of the mobile host it goes to, or NULL
 */
struct roam_reporting {
	struct roam_pair6 quoted;
	const struct in6_addr *saddr;
	struct roam_endpoint *to;
};

/*
 * @got are the addresses of the quoted packet as this host got it, restored;
 * @error those of the error. False if none of them stands for a care-of
 * address: then the error passes as it is.
 */
static bool roam_report_translate(struct roam_net *rn,
				  const struct sk_buff *skb,
				  const struct sock *sk,
				  const struct roam_pair6 *got,
				  const struct roam_pair6 *error,
				  const __be16 *ports,
				  struct roam_reporting *out)
{
	struct roam_endpoint *endpoint;
	struct roam_mapping *mapping;

	*out = (struct roam_reporting){ .quoted = *got };
	if (roam_is_exempt(rn, skb, ports, &got->saddr, sk))
		return false;
	mapping = roam_mapping_find(rn, &got->saddr);
	endpoint = mapping && mapping->role == ROAM_MANGLE_ROLE_REMOTE ?
		   rcu_dereference(mapping->endpoint) : NULL;
	if (endpoint) {
		if (READ_ONCE(mapping->mode) == ROAM_MANGLE_MODE_SYMMETRIC)
			out->quoted.saddr = endpoint->coa;
		if (ipv6_addr_equal(&error->daddr, &got->saddr))
			out->to = endpoint;
	}
	mapping = roam_mapping_find(rn, &got->daddr);
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

unsigned int roam_icmp_out(struct roam_net *rn, struct sk_buff *skb,
			   struct sock *sk, const struct roam_packet *pkt)
{
	const struct roam_pair6 error = roam_packet_pair(skb, pkt->v6);
	struct roam_reporting out;
	struct iphdr *quoted4 = NULL;
	struct ipv6hdr *quoted6 = NULL;
	struct roam_pair6 got;
	const __be16 *ports;
	unsigned int len;

	len = min_t(unsigned int, skb->len - pkt->l4, ROAM_ICMP_QUOTE);
	if (pkt->later || !pskb_may_pull(skb, pkt->l4 + len))
		return NF_ACCEPT;
	if (pkt->v6) {
		quoted6 = roam_icmp6_quoted(skb->data + pkt->l4, len);
		if (!roam_is_quoted6(rn, quoted6))
			return NF_ACCEPT;
		got = (struct roam_pair6){ quoted6->saddr, quoted6->daddr };
		ports = (void *)(quoted6 + 1);
	} else {
		quoted4 = roam_icmp4_quoted(skb->data + pkt->l4, len);
		if (!roam_is_quoted4(rn, quoted4))
			return NF_ACCEPT;
		got = (struct roam_pair6){ roam_addr4(quoted4->saddr),
					   roam_addr4(quoted4->daddr) };
		ports = (void *)quoted4 + quoted4->ihl * 4;
	}
	if (!roam_report_translate(rn, skb, sk, &got, &error, ports, &out))
		return NF_ACCEPT;

	if (skb_ensure_writable(skb, pkt->l4 + len))
		return roam_drop(rn, skb, ROAM_DROP_MALFORMED);
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
	if (out.to && roam_route_packet(rn->net, out.to, skb, sk))
		return roam_drop(rn, skb, ROAM_DROP_NO_ROUTE);
	roam_count(rn, out_icmp);
	return NF_ACCEPT;
}
