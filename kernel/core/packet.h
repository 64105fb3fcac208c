/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A packet as a hook sees it: where its headers are, and how its addresses are
 * written. All inline, since every packet pays for it.
 */
#ifndef ROAM_CORE_PACKET_H
#define ROAM_CORE_PACKET_H

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "addr.h"
#include "rewrite.h"

/**
 * struct roam_packet - what counts of a packet
 * @l4: where the transport header begins, from skb->data
 * @protocol: transport protocol
 * @v6: it is an IPv6 packet
 * @fragment: a piece of a packet
 * @later: a piece without the transport header
 */
struct roam_packet {
	unsigned int l4;
	u8 protocol;
	bool v6;
	bool fragment;
	bool later;
};

static __always_inline void roam_packet_read4(const struct sk_buff *skb,
					      struct roam_packet *pkt)
{
	const struct iphdr *iph = ip_hdr(skb);

	pkt->l4 = skb_network_offset(skb) + iph->ihl * 4;
	pkt->protocol = iph->protocol;
	pkt->v6 = false;
	pkt->fragment = ip_is_fragment(iph);
	pkt->later = iph->frag_off & htons(IP_OFFSET);
}

/* A packet whose extension headers cannot be read has no protocol of ours. */
static __always_inline void roam_packet_read6(const struct sk_buff *skb,
					      struct roam_packet *pkt)
{
	/* An authentication header covers the addresses: it ends the search. */
	int protocol, flags = IP6_FH_F_AUTH;
	unsigned short frag_off = 0;
	unsigned int l4 = 0;

	pkt->protocol = ipv6_hdr(skb)->nexthdr;
	pkt->v6 = true;
	pkt->l4 = skb_network_offset(skb) + sizeof(struct ipv6hdr);
	pkt->fragment = false;
	pkt->later = false;
	if (likely(!ipv6_ext_hdr(pkt->protocol)))
		return;
	protocol = ipv6_find_hdr(skb, &l4, -1, &frag_off, &flags);
	pkt->protocol = protocol < 0 ? NEXTHDR_NONE : protocol;
	pkt->fragment = flags & IP6_FH_F_FRAG;
	pkt->later = frag_off;
	/* In a later fragment nothing behind the first header is written. */
	if (!pkt->later)
		pkt->l4 = l4;
}

static __always_inline void roam_packet_read(const struct sk_buff *skb, bool v6,
					     struct roam_packet *pkt)
{
	if (v6)
		roam_packet_read6(skb, pkt);
	else
		roam_packet_read4(skb, pkt);
}

/* Its addresses, IPv4 in the mapped form. */
static inline struct roam_pair6 roam_packet_pair(const struct sk_buff *skb, bool v6)
{
	if (v6)
		return (struct roam_pair6){ ipv6_hdr(skb)->saddr,
					    ipv6_hdr(skb)->daddr };
	return (struct roam_pair6){ roam_addr4(ip_hdr(skb)->saddr),
				    roam_addr4(ip_hdr(skb)->daddr) };
}

/* The two ports of an opened packet, or NULL if there are none in it. */
static __always_inline const __be16 *
roam_packet_ports(const struct sk_buff *skb, const struct roam_packet *pkt,
		  __be16 ports[2])
{
	if (pkt->later)
		return NULL;
	if (likely(roam_l4_len(pkt->protocol)))
		return (const __be16 *)(skb->data + pkt->l4);
	if (pkt->protocol != IPPROTO_SCTP)
		return NULL;
	return skb_header_pointer(skb, pkt->l4, 2 * sizeof(*ports), ports);
}

/*
 * Makes all that a rewrite touches writable. False if the packet ends within
 * its transport header, or without memory.
 */
static __always_inline bool roam_packet_open(struct sk_buff *skb,
					     const struct roam_packet *pkt)
{
	unsigned int l4_len = pkt->later ? 0 : roam_l4_len(pkt->protocol);
	unsigned int len = pkt->l4 + l4_len;

	/* Nearly always, and then without a call. */
	if (likely(len <= skb_headlen(skb) && !skb_cloned(skb)))
		return true;
	return !skb_ensure_writable(skb, len);
}

/* Writes the new addresses into an opened packet; NULL: it stays. */
static __always_inline void roam_packet_rewrite(struct sk_buff *skb,
						const struct roam_packet *pkt,
						const struct in6_addr *saddr,
						const struct in6_addr *daddr)
{
	bool partial = skb->ip_summed == CHECKSUM_PARTIAL;
	void *l4 = NULL;
	__wsum diff;

	if (!pkt->later && roam_l4_len(pkt->protocol))
		l4 = skb->data + pkt->l4;
	if (pkt->v6) {
		roam_ip6_rewrite(ipv6_hdr(skb), saddr, daddr, pkt->protocol, l4,
				 partial, &diff);
	} else {
		struct iphdr *iph = ip_hdr(skb);
		const struct roam_pair4 new = {
			.saddr = saddr ? roam_addr_to4(saddr) : iph->saddr,
			.daddr = daddr ? roam_addr_to4(daddr) : iph->daddr,
		};

		roam_ip4_rewrite(iph, &new, pkt->protocol, l4, partial, &diff);
	}
	if (skb->ip_summed == CHECKSUM_COMPLETE)
		skb->csum = ~csum_add(diff, ~skb->csum);
}

#endif
