/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replacing the addresses of a packet: pure header arithmetic.
 *
 * No sk_buff, no table, no lock, so that the same lines run in the module, in
 * KUnit and in a userspace fuzz target (which brings its own <linux/...>
 * shims). The caller has made the bytes writable and checked the lengths it
 * passes in.
 *
 * Rules (see also RFC 1624): addresses change by incremental checksum; the
 * transport checksum covers the pseudo-header, so it changes with them where
 * it is present; what is behind a fragment offset has no transport header;
 * a GSO super-packet is one packet here, its CHECKSUM_PARTIAL field holds the
 * pseudo-header sum and serves every segment.
 */
#ifndef ROAM_CORE_REWRITE_H
#define ROAM_CORE_REWRITE_H

#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/types.h>
#include <linux/udp.h>
#include <net/checksum.h>

/**
 * struct roam_pair4 - the two addresses of an IPv4 packet
 * @saddr: source, network order
 * @daddr: destination, network order
 */
struct roam_pair4 {
	__be32 saddr;
	__be32 daddr;
};

/**
 * struct roam_pair6 - the two addresses of an IPv6 packet
 * @saddr: source
 * @daddr: destination
 */
struct roam_pair6 {
	struct in6_addr saddr;
	struct in6_addr daddr;
};

/**
 * roam_l4_len - transport bytes that a rewrite of this protocol touches
 * @protocol: IP protocol
 *
 * Return: length up to the end of the checksum field, 0 if the protocol's
 * checksum does not cover addresses (SCTP, ICMP of IPv4) or is not known.
 */
static inline unsigned int roam_l4_len(u8 protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return offsetof(struct tcphdr, check) + sizeof(__sum16);
	case IPPROTO_UDP:
		return offsetof(struct udphdr, check) + sizeof(__sum16);
	case IPPROTO_ICMPV6:
		return offsetof(struct icmp6hdr, icmp6_cksum) + sizeof(__sum16);
	default:
		return 0;
	}
}

/**
 * roam_pair4_diff - what the change of both addresses adds to a checksum
 * @old: addresses before
 * @new: addresses after
 */
static inline __wsum roam_pair4_diff(const struct roam_pair4 *old,
				     const struct roam_pair4 *new)
{
	__wsum diff;

	diff = csum_add((__force __wsum)~(__force u32)old->saddr,
			(__force __wsum)new->saddr);
	diff = csum_add(diff, (__force __wsum)~(__force u32)old->daddr);
	return csum_add(diff, (__force __wsum)new->daddr);
}

/* Adds to @sum what the change of one IPv6 address adds to a checksum. */
static inline __wsum roam_addr6_diff(__wsum sum, const struct in6_addr *old,
				     const struct in6_addr *new)
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		sum = csum_add(sum, (__force __wsum)~(__force u32)
				    old->s6_addr32[i]);
		sum = csum_add(sum, (__force __wsum)new->s6_addr32[i]);
	}
	return sum;
}

/* Adds @diff to a finished (complemented) checksum. */
static inline void roam_csum_adjust(__sum16 *check, __wsum diff)
{
	*check = csum_fold(csum_add(diff, ~csum_unfold(*check)));
}

/**
 * roam_l4_adjust - correct the transport checksum for changed addresses
 * @protocol: IP protocol
 * @l4: transport header, at least roam_l4_len() bytes
 * @diff: from roam_pair4_diff()
 * @partial: the field holds the pseudo-header sum only (CHECKSUM_PARTIAL)
 *
 * Return: true if the checksum field covers the addresses, so that a
 * CHECKSUM_COMPLETE sum of the packet changed with them.
 */
static inline bool roam_l4_adjust(u8 protocol, void *l4, __wsum diff,
				  bool partial)
{
	__sum16 *check;

	if (protocol == IPPROTO_TCP) {
		check = &((struct tcphdr *)l4)->check;
	} else if (protocol == IPPROTO_ICMPV6) {
		check = &((struct icmp6hdr *)l4)->icmp6_cksum;
	} else {
		check = &((struct udphdr *)l4)->check;
		/* RFC 768: zero says there is none. */
		if (!*check && !partial)
			return false;
	}

	if (partial) {
		*check = ~csum_fold(csum_add(diff, csum_unfold(*check)));
	} else {
		roam_csum_adjust(check, diff);
		if (protocol == IPPROTO_UDP && !*check)
			*check = CSUM_MANGLED_0;
	}
	return true;
}

/**
 * roam_ip4_rewrite - replace the addresses of an IPv4 packet
 * @iph: its header
 * @new: the addresses it shall have
 * @protocol: the one in the header, which the caller has read
 * @l4: transport header if it is in this packet and its checksum covers the
 *	addresses (roam_l4_len() != 0 and the fragment offset is 0), else NULL
 * @partial: skb is CHECKSUM_PARTIAL
 * @diff: set to what a CHECKSUM_COMPLETE sum must be corrected by; 0 if it
 *	need not be (the IP header's own sum does not change)
 */
static inline void roam_ip4_rewrite(struct iphdr *iph,
				    const struct roam_pair4 *new, u8 protocol,
				    void *l4, bool partial, __wsum *diff)
{
	const struct roam_pair4 old = { iph->saddr, iph->daddr };
	__wsum change = roam_pair4_diff(&old, new);

	iph->saddr = new->saddr;
	iph->daddr = new->daddr;
	roam_csum_adjust(&iph->check, change);

	*diff = 0;
	if (l4 && roam_l4_adjust(protocol, l4, change, partial))
		*diff = change;
}

/**
 * roam_ip6_rewrite - replace addresses of an IPv6 packet
 * @iph: its header
 * @saddr: the source it shall have, NULL: as it is
 * @daddr: the destination it shall have, NULL: as it is
 * @protocol: transport protocol, behind the extension headers
 * @l4: transport header if it is in this packet and its checksum covers the
 *	addresses, else NULL
 * @partial: skb is CHECKSUM_PARTIAL
 * @diff: set to what a CHECKSUM_COMPLETE sum must be corrected by, as
 *	roam_ip4_rewrite() has it; 0 where the transport checksum makes up for
 *	the header, which has no sum of its own
 */
static inline void roam_ip6_rewrite(struct ipv6hdr *iph,
				    const struct in6_addr *saddr,
				    const struct in6_addr *daddr, u8 protocol,
				    void *l4, bool partial, __wsum *diff)
{
	__wsum change = 0;

	if (saddr) {
		change = roam_addr6_diff(change, &iph->saddr, saddr);
		iph->saddr = *saddr;
	}
	if (daddr) {
		change = roam_addr6_diff(change, &iph->daddr, daddr);
		iph->daddr = *daddr;
	}
	*diff = 0;
	if (!l4 || !roam_l4_adjust(protocol, l4, change, partial))
		*diff = (__force __wsum)~(__force u32)change;
}

/* Does this ICMP type quote a packet (RFC 792, RFC 1122 3.2.2)? */
static inline bool roam_icmp_is_error(u8 type)
{
	switch (type) {
	case ICMP_DEST_UNREACH:
	case ICMP_SOURCE_QUENCH:
	case ICMP_TIME_EXCEEDED:
	case ICMP_PARAMETERPROB:
		return true;
	default:
		return false;
	}
}

/**
 * roam_icmp4_quoted - the packet that an ICMP error quotes
 * @icmp: the ICMP message
 * @len: its bytes that can be read
 *
 * Return: the quoted IPv4 header, complete with its options and at least 8
 * transport bytes (RFC 792), or NULL if it is none or is not whole.
 */
static inline struct iphdr *roam_icmp4_quoted(void *icmp, unsigned int len)
{
	struct iphdr *iph = icmp + sizeof(struct icmphdr);

	if (len < sizeof(struct icmphdr) + sizeof(*iph) ||
	    !roam_icmp_is_error(((struct icmphdr *)icmp)->type) ||
	    iph->version != 4 || iph->ihl < 5 ||
	    len < sizeof(struct icmphdr) + iph->ihl * 4 + 8)
		return NULL;
	return iph;
}

/**
 * roam_icmp4_rewrite - replace the addresses of the quoted packet
 * @icmp: the ICMP message
 * @len: its bytes that can be written
 * @quoted: from roam_icmp4_quoted() with the same arguments
 * @new: the addresses the quoted packet shall have
 *
 * The quoted IP header keeps its sum, so the ICMP checksum changes only with
 * the quoted transport checksum, where that is quoted at all.
 */
static inline void roam_icmp4_rewrite(void *icmp, unsigned int len,
				      struct iphdr *quoted,
				      const struct roam_pair4 *new)
{
	struct icmphdr *hdr = icmp;
	void *l4 = (void *)quoted + quoted->ihl * 4;
	unsigned int l4_len = roam_l4_len(quoted->protocol);
	__sum16 *check = NULL;
	__sum16 before = 0;
	__wsum diff;

	if (!l4_len || (quoted->frag_off & htons(IP_OFFSET)) ||
	    l4 + l4_len > icmp + len)
		l4 = NULL;
	if (l4) {
		check = l4 + l4_len - sizeof(*check);
		before = *check;
	}
	roam_ip4_rewrite(quoted, new, quoted->protocol, l4, false, &diff);
	if (check)
		roam_csum_adjust(&hdr->checksum,
				 csum_add((__force __wsum)*check,
					  ~csum_unfold(before)));
}

/**
 * roam_icmp6_quoted - the packet that an ICMPv6 error quotes
 * @icmp: the ICMPv6 message
 * @len: its bytes that can be read
 *
 * Return: the quoted IPv6 header with at least 8 bytes behind it, or NULL if
 * the message is no error (RFC 4443 2.1) or the quotation is not whole.
 */
static inline struct ipv6hdr *roam_icmp6_quoted(void *icmp, unsigned int len)
{
	struct ipv6hdr *iph = icmp + sizeof(struct icmp6hdr);

	if (len < sizeof(struct icmp6hdr) + sizeof(*iph) + 8 ||
	    ((struct icmp6hdr *)icmp)->icmp6_type & ICMPV6_INFOMSG_MASK ||
	    iph->version != 6)
		return NULL;
	return iph;
}

/**
 * roam_icmp6_rewrite - replace the addresses of the quoted packet
 * @icmp: the ICMPv6 message
 * @len: its bytes that can be written
 * @quoted: from roam_icmp6_quoted() with the same arguments
 * @new: the addresses the quoted packet shall have
 *
 * The transport checksum is corrected where it directly follows the header and
 * is quoted; the ICMPv6 checksum covers both changes.
 */
static inline void roam_icmp6_rewrite(void *icmp, unsigned int len,
				      struct ipv6hdr *quoted,
				      const struct roam_pair6 *new)
{
	struct icmp6hdr *hdr = icmp;
	void *l4 = quoted + 1;
	unsigned int l4_len = roam_l4_len(quoted->nexthdr);
	__wsum diff;

	if (!l4_len || l4 + l4_len > icmp + len)
		l4 = NULL;
	/*
	 * What it leaves over is what its own sum did not make up for, and so
	 * what the sum over the message has changed by, negated.
	 */
	roam_ip6_rewrite(quoted, &new->saddr, &new->daddr, quoted->nexthdr, l4,
			 false, &diff);
	roam_csum_adjust(&hdr->icmp6_cksum,
			 (__force __wsum)~(__force u32)diff);
}

#endif
