/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Putting a packet into a tunnel and taking it out: pure header work.
 *
 * IP in IP (RFC 2003), GRE (RFC 2784), minimal encapsulation (RFC 2004) and IP
 * in a Mobile IP tunnel data message (RFC 3519), all IPv4. No sk_buff, no table,
 * no lock, so that the same lines run in the module, in KUnit and in a userspace
 * fuzz target. The caller has made the bytes writable and says how many it has.
 *
 * Rules: the outer header copies DSCP and ECN (RFC 6040, normal mode) and DF
 * (RFC 2003 3.1); time to live, identification and options are its own, except
 * for minimal encapsulation, which has no outer header but changes the one
 * there is. On the way out DSCP is the inner header's, ECN by RFC 6040 4.2.
 */
#ifndef ROAM_CORE_ENCAP_H
#define ROAM_CORE_ENCAP_H

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/types.h>
#include <linux/udp.h>
#include <net/checksum.h>

#include "../include/uapi/linux/roam_tunnel.h"

/* Minimal encapsulation has no name in the kernel. */
#define ROAM_IPPROTO_MINIMAL 55
/* Registration and tunnelled data of Mobile IP. */
#define ROAM_MIP_PORT 434
/* The type of a tunnel data message among messages of Mobile IP. */
#define ROAM_MIP_DATA 4

#define ROAM_IP_DF 0x4000
#define ROAM_IP_FRAGMENT 0x3fff
#define ROAM_ECN_MASK 3
#define ROAM_ECN_ECT1 1
#define ROAM_ECN_CE 3

/**
 * struct roam_gre - what of a GRE header is always there
 * @flags: which options follow, and the version
 * @protocol: EtherType of what is inside
 */
struct roam_gre {
	__be16 flags;
	__be16 protocol;
};

#define ROAM_GRE_CHECKSUM 0x8000
#define ROAM_GRE_IP 0x0800

/**
 * struct roam_mip_data - header of a tunnel data message, behind the UDP header
 * @type: ROAM_MIP_DATA
 * @next: IP protocol of what follows
 * @reserved: sent as zero
 */
struct roam_mip_data {
	__u8 type;
	__u8 next;
	__be16 reserved;
};

/**
 * struct roam_minimal - minimal forwarding header
 * @protocol: of the original header
 * @flags: ROAM_MINIMAL_SOURCE: @saddr is there
 * @check: sum over this header
 * @daddr: original destination
 * @saddr: original source, only with the flag
 */
struct roam_minimal {
	__u8 protocol;
	__u8 flags;
	__sum16 check;
	__be32 daddr;
	__be32 saddr;
};

#define ROAM_MINIMAL_SOURCE 0x80
#define ROAM_MINIMAL_SHORT 8

/**
 * struct roam_encap - how a tunnel carries packets
 * @saddr: own end
 * @daddr: other end
 * @sport: own UDP port
 * @dport: UDP port of the other end
 * @encap: enum roam_tunnel_encap
 * @ttl: time to live of outer headers
 */
struct roam_encap {
	__be32 saddr;
	__be32 daddr;
	__be16 sport;
	__be16 dport;
	u8 encap;
	u8 ttl;
};

/* How this packet goes: fragments do not fit into minimal encapsulation. */
static inline u8 roam_encap_choose(u8 encap, const struct iphdr *inner)
{
	if (encap == ROAM_TUNNEL_ENCAP_MINIMAL &&
	    (inner->frag_off & htons(ROAM_IP_FRAGMENT)))
		return ROAM_TUNNEL_ENCAP_IPIP;
	return encap;
}

/**
 * roam_encap_len - by how much a packet grows
 * @tunnel: the tunnel
 * @encap: from roam_encap_choose()
 * @inner: header of the packet
 */
static inline unsigned int roam_encap_len(const struct roam_encap *tunnel,
					  u8 encap, const struct iphdr *inner)
{
	switch (encap) {
	case ROAM_TUNNEL_ENCAP_GRE:
		return sizeof(struct iphdr) + sizeof(struct roam_gre);
	case ROAM_TUNNEL_ENCAP_MINIMAL:
		return inner->saddr == tunnel->saddr ?
		       ROAM_MINIMAL_SHORT : sizeof(struct roam_minimal);
	case ROAM_TUNNEL_ENCAP_UDP:
		return sizeof(struct iphdr) + sizeof(struct udphdr) +
		       sizeof(struct roam_mip_data);
	default:
		return sizeof(struct iphdr);
	}
}

/* IP protocol of the outer header. */
static inline u8 roam_encap_protocol(u8 encap)
{
	switch (encap) {
	case ROAM_TUNNEL_ENCAP_GRE:
		return IPPROTO_GRE;
	case ROAM_TUNNEL_ENCAP_MINIMAL:
		return ROAM_IPPROTO_MINIMAL;
	case ROAM_TUNNEL_ENCAP_UDP:
		return IPPROTO_UDP;
	default:
		return IPPROTO_IPIP;
	}
}

/* Sum over a minimal forwarding header of @len bytes, its own field included. */
static inline __sum16 roam_minimal_sum(const struct roam_minimal *min,
				       unsigned int len)
{
	__wsum sum = csum_add((__force __wsum)*(const __be32 *)min,
			      (__force __wsum)min->daddr);

	if (len > ROAM_MINIMAL_SHORT)
		sum = csum_add(sum, (__force __wsum)min->saddr);
	return csum_fold(sum);
}

static inline void roam_encap_minimal(void *head,
				      const struct roam_encap *tunnel,
				      unsigned int len)
{
	struct iphdr *iph = head;
	struct roam_minimal *min;

	memmove(head, head + len, ((struct iphdr *)(head + len))->ihl * 4);
	min = head + iph->ihl * 4;
	min->protocol = iph->protocol;
	min->flags = 0;
	min->check = 0;
	min->daddr = iph->daddr;
	if (len > ROAM_MINIMAL_SHORT) {
		min->flags = ROAM_MINIMAL_SOURCE;
		min->saddr = iph->saddr;
	}
	min->check = roam_minimal_sum(min, len);

	iph->protocol = ROAM_IPPROTO_MINIMAL;
	iph->saddr = tunnel->saddr;
	iph->daddr = tunnel->daddr;
	iph->tot_len = htons(ntohs(iph->tot_len) + len);
	iph->check = 0;
	iph->check = ip_fast_csum(iph, iph->ihl);
}

/**
 * roam_encap_write - write the headers of a tunnel
 * @head: where the packet begins now; the inner one follows @len bytes behind
 * @tunnel: the tunnel
 * @encap: from roam_encap_choose()
 * @len: from roam_encap_len()
 * @total: bytes from @head to the end of the packet
 * @id: identification of the outer header, not used by minimal encapsulation
 *
 * A UDP checksum is left zero for the caller, who knows what of the sum the
 * device does.
 */
static inline void roam_encap_write(void *head, const struct roam_encap *tunnel,
				    u8 encap, unsigned int len,
				    unsigned int total, __be16 id)
{
	const struct iphdr *inner = head + len;
	struct roam_mip_data *data;
	struct iphdr *iph = head;
	struct roam_gre *gre;
	struct udphdr *udp;

	if (encap == ROAM_TUNNEL_ENCAP_MINIMAL) {
		roam_encap_minimal(head, tunnel, len);
		return;
	}
	iph->version = 4;
	iph->ihl = sizeof(*iph) / 4;
	iph->tos = inner->tos;
	iph->tot_len = htons(total);
	iph->id = id;
	iph->frag_off = inner->frag_off & htons(ROAM_IP_DF);
	iph->ttl = tunnel->ttl;
	iph->protocol = roam_encap_protocol(encap);
	iph->saddr = tunnel->saddr;
	iph->daddr = tunnel->daddr;
	iph->check = 0;
	iph->check = ip_fast_csum(iph, sizeof(*iph) / 4);

	if (encap == ROAM_TUNNEL_ENCAP_GRE) {
		gre = (void *)(iph + 1);
		gre->flags = 0;
		gre->protocol = htons(ROAM_GRE_IP);
	} else if (encap == ROAM_TUNNEL_ENCAP_UDP) {
		udp = (void *)(iph + 1);
		udp->source = tunnel->sport;
		udp->dest = tunnel->dport;
		udp->len = htons(total - sizeof(*iph));
		udp->check = 0;
		data = (void *)(udp + 1);
		data->type = ROAM_MIP_DATA;
		data->next = IPPROTO_IPIP;
		data->reserved = 0;
	}
}

/**
 * enum roam_decap_verdict - what a received packet is
 * @ROAM_DECAP_NONE: nothing that comes out of a tunnel of ours
 * @ROAM_DECAP_BAD: it says it does, and is malformed
 * @ROAM_DECAP_OK: there is a packet inside
 */
enum roam_decap_verdict {
	ROAM_DECAP_NONE,
	ROAM_DECAP_BAD,
	ROAM_DECAP_OK,
};

/* No header in front of an inner packet is longer, with options. */
#define ROAM_DECAP_HEAD (60 + 12 + sizeof(struct iphdr))

/**
 * struct roam_decap - a packet that came through a tunnel
 * @encap: enum roam_tunnel_encap
 * @len: bytes before the inner packet; for minimal encapsulation those that go
 * @gre_check: the GRE header has a checksum, over itself and what follows
 * @sport: UDP port of the other end
 * @dport: own UDP port
 * @saddr: source of the inner packet
 * @daddr: its destination
 */
struct roam_decap {
	u8 encap;
	unsigned int len;
	bool gre_check;
	__be16 sport;
	__be16 dport;
	__be32 saddr;
	__be32 daddr;
};

static inline enum roam_decap_verdict
roam_decap_gre(const void *p, unsigned int len, struct roam_decap *decap)
{
	const struct roam_gre *gre = p;

	/* What has a key, a number or another version is a device of ip_gre's. */
	if (len < sizeof(*gre) || (gre->flags & htons(0xffff ^ ROAM_GRE_CHECKSUM)) ||
	    gre->protocol != htons(ROAM_GRE_IP))
		return ROAM_DECAP_NONE;
	decap->encap = ROAM_TUNNEL_ENCAP_GRE;
	decap->gre_check = gre->flags & htons(ROAM_GRE_CHECKSUM);
	decap->len += sizeof(*gre) + (decap->gre_check ? 4 : 0);
	return ROAM_DECAP_OK;
}

static inline enum roam_decap_verdict
roam_decap_udp(const void *p, unsigned int len, struct roam_decap *decap)
{
	const struct roam_mip_data *data;
	const struct udphdr *udp = p;

	if (len < sizeof(*udp) + sizeof(*data))
		return ROAM_DECAP_NONE;
	data = (const void *)(udp + 1);
	if (data->type != ROAM_MIP_DATA)
		return ROAM_DECAP_NONE;
	decap->sport = udp->source;
	decap->dport = udp->dest;
	decap->encap = ROAM_TUNNEL_ENCAP_UDP;
	decap->len += sizeof(*udp) + sizeof(*data);
	return data->next == IPPROTO_IPIP ? ROAM_DECAP_OK : ROAM_DECAP_BAD;
}

static inline enum roam_decap_verdict
roam_decap_minimal(const struct iphdr *iph, const void *p, unsigned int len,
		   struct roam_decap *decap)
{
	const struct roam_minimal *min = p;

	decap->encap = ROAM_TUNNEL_ENCAP_MINIMAL;
	if (len < ROAM_MINIMAL_SHORT)
		return ROAM_DECAP_BAD;
	decap->len = min->flags & ROAM_MINIMAL_SOURCE ?
		     sizeof(*min) : ROAM_MINIMAL_SHORT;
	if (len < decap->len || roam_minimal_sum(min, decap->len))
		return ROAM_DECAP_BAD;
	decap->daddr = min->daddr;
	decap->saddr = decap->len > ROAM_MINIMAL_SHORT ? min->saddr : iph->saddr;
	return ROAM_DECAP_OK;
}

/**
 * roam_decap_read - what is inside a received packet
 * @iph: its header, which is whole and checked; no fragment
 * @len: bytes from there that can be read, at most those of the packet
 * @decap: filled if something is inside
 *
 * The inner packet is known to be IPv4 with a whole header and not to be longer
 * than what carries it.
 */
static inline enum roam_decap_verdict roam_decap_read(const struct iphdr *iph,
						      unsigned int len,
						      struct roam_decap *decap)
{
	unsigned int ihl = iph->ihl * 4, total = ntohs(iph->tot_len);
	enum roam_decap_verdict verdict;
	const struct iphdr *inner;

	decap->len = ihl;
	decap->gre_check = false;
	decap->sport = 0;
	decap->dport = 0;
	switch (iph->protocol) {
	case IPPROTO_IPIP:
		decap->encap = ROAM_TUNNEL_ENCAP_IPIP;
		verdict = ROAM_DECAP_OK;
		break;
	case IPPROTO_GRE:
		verdict = roam_decap_gre((const void *)iph + ihl, len - ihl,
					 decap);
		break;
	case IPPROTO_UDP:
		verdict = roam_decap_udp((const void *)iph + ihl, len - ihl,
					 decap);
		break;
	case ROAM_IPPROTO_MINIMAL:
		return roam_decap_minimal(iph, (const void *)iph + ihl,
					  len - ihl, decap);
	default:
		return ROAM_DECAP_NONE;
	}
	if (verdict != ROAM_DECAP_OK)
		return verdict;

	inner = (const void *)iph + decap->len;
	if (len < decap->len + sizeof(*inner) || inner->version != 4 ||
	    inner->ihl < 5)
		return ROAM_DECAP_BAD;
	/* A super-packet may be too long for its own field, which is 0 then. */
	if (total && (ntohs(inner->tot_len) < inner->ihl * 4 ||
		      decap->len + ntohs(inner->tot_len) > total))
		return ROAM_DECAP_BAD;
	decap->saddr = inner->saddr;
	decap->daddr = inner->daddr;
	return ROAM_DECAP_OK;
}

/**
 * roam_decap_minimal_restore - give a packet back the header it had
 * @head: its header, from roam_decap_read(); moves by decap->len
 * @decap: from roam_decap_read()
 */
static inline void roam_decap_minimal_restore(void *head,
					      const struct roam_decap *decap)
{
	struct iphdr *iph = head;
	const struct roam_minimal *min = head + iph->ihl * 4;

	iph->protocol = min->protocol;
	iph->saddr = decap->saddr;
	iph->daddr = decap->daddr;
	iph->tot_len = htons(ntohs(iph->tot_len) - decap->len);
	iph->check = 0;
	iph->check = ip_fast_csum(iph, iph->ihl);
	memmove(head + decap->len, head, iph->ihl * 4);
}

/**
 * roam_decap_ecn - what becomes of congestion marks (RFC 6040 4.2)
 * @outer: type of service of the header that goes
 * @inner: type of service of the one that stays
 * @tos: set to what it shall be
 *
 * Return: false if the packet must be dropped: it met congestion, and its ends
 * would not understand a mark.
 */
static inline bool roam_decap_ecn(u8 outer, u8 inner, u8 *tos)
{
	u8 ecn = outer & ROAM_ECN_MASK;

	*tos = inner;
	if (!(inner & ROAM_ECN_MASK))
		return ecn != ROAM_ECN_CE;
	if (ecn == ROAM_ECN_CE)
		*tos |= ROAM_ECN_CE;
	else if (ecn == ROAM_ECN_ECT1 && (inner & ROAM_ECN_MASK) != ROAM_ECN_CE)
		*tos = (inner & ~ROAM_ECN_MASK) | ROAM_ECN_ECT1;
	return true;
}

#endif
