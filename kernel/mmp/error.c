// SPDX-License-Identifier: GPL-2.0-only
/*
 * ICMP errors of a node without addresses. The kernel asks its routing table for the
 * way to the sender and for an address to speak from; an inner node needs neither to
 * do its work, and then its errors would be lost, and with them path MTU discovery.
 * So the error goes back by the neighbour that the packet came from: down to a host,
 * or up to the gateway, which has a route.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/inetdevice.h>
#include <net/addrconf.h>
#include <net/icmp.h>
#include <net/ip6_checksum.h>
#include <net/ip6_route.h>
#include <net/route.h>

#include "../core/packet.h"
#include "hop.h"
#include "mmp.h"
#include "shape.h"

/* What a router quotes: RFC 1812 4.3.2.3, RFC 4443 2.4 (c). */
#define MMP_ERROR4_MAX 576
#define MMP_ERROR6_MAX IPV6_MIN_MTU
#define MMP_ERROR_TTL 64

bool mmp_is_error(const struct sk_buff *skb, bool v6)
{
	struct roam_packet pkt;
	u8 buf;
	const u8 *type;

	roam_packet_read(skb, v6, &pkt);
	if (pkt.later || pkt.protocol != (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
		return false;
	type = skb_header_pointer(skb, pkt.l4, sizeof(buf), &buf);
	if (!type)
		return false;
	if (v6)
		return !(*type & ICMPV6_INFOMSG_MASK);
	return *type == ICMP_DEST_UNREACH || *type == ICMP_SOURCE_QUENCH ||
	       *type == ICMP_REDIRECT || *type == ICMP_TIME_EXCEEDED ||
	       *type == ICMP_PARAMETERPROB;
}

/* Nobody is told of an error about an error, nor of a piece, nor is a group. */
static bool mmp_may_answer(const struct sk_buff *skb, bool v6)
{
	if (mmp_is_error(skb, v6))
		return false;
	if (v6)
		return ipv6_addr_type(&ipv6_hdr(skb)->saddr) &
			       IPV6_ADDR_UNICAST &&
		       !(ipv6_addr_type(&ipv6_hdr(skb)->saddr) &
			 (IPV6_ADDR_LINKLOCAL | IPV6_ADDR_LOOPBACK));
	return !(ip_hdr(skb)->frag_off & htons(IP_OFFSET)) &&
	       !ipv4_is_multicast(ip_hdr(skb)->saddr) &&
	       !ipv4_is_lbcast(ip_hdr(skb)->saddr) &&
	       !ipv4_is_zeronet(ip_hdr(skb)->saddr) &&
	       !ipv4_is_loopback(ip_hdr(skb)->saddr);
}

/* The kernel knew the way, so it told the sender. */
static bool mmp_kernel_told4(struct net *net, __be32 to)
{
	struct flowi4 fl4 = { .daddr = to };
	struct rtable *rt = ip_route_output_key(net, &fl4);

	if (IS_ERR(rt))
		return false;
	ip_rt_put(rt);
	return true;
}

/* An address of a larger scope than the link, or of the domain. */
static bool mmp_own_address6(struct mmp_net *mn, const struct net_device *dev,
			     const struct in6_addr *to, struct in6_addr *own)
{
	const struct mmp_shape *shape = rcu_dereference(mn->shape);
	unsigned int i;

	if (!ipv6_dev_get_saddr(mn->net, dev, to, 0, own) &&
	    !(ipv6_addr_type(own) & IPV6_ADDR_LINKLOCAL))
		return true;
	/*
	 * Unique as the link-layer address is, as if the node had made it by
	 * itself (RFC 4862): it climbs like that of any host.
	 */
	for (i = 0; shape && i < shape->n_ranges; i++) {
		if (ipv6_addr_v4mapped(&shape->ranges[i].addr) ||
		    shape->ranges[i].len > 64)
			continue;
		*own = shape->ranges[i].addr;
		addrconf_addr_eui48(own->s6_addr + 8, dev->dev_addr);
		return true;
	}
	return false;
}

static bool mmp_kernel_told6(struct net *net, const struct net_device *dev,
			     const struct in6_addr *to)
{
	struct flowi6 fl6 = { .daddr = *to };
	struct dst_entry *dst = ip6_route_output(net, NULL, &fl6);
	struct in6_addr own;
	bool told;

	told = !dst->error && !ipv6_dev_get_saddr(net, dev, to, 0, &own) &&
	       !(ipv6_addr_type(&own) & IPV6_ADDR_LINKLOCAL);
	dst_release(dst);
	return told;
}

/* The error's packet with room in front, and the quoted one in it. */
static struct sk_buff *mmp_quote(const struct sk_buff *skb, unsigned int headers,
				 unsigned int most)
{
	unsigned int len = min_t(unsigned int, skb->len, most - headers);
	struct sk_buff *error = alloc_skb(LL_MAX_HEADER + headers + len,
					  GFP_ATOMIC);

	if (!error)
		return NULL;
	skb_reserve(error, LL_MAX_HEADER + headers);
	if (skb_copy_bits(skb, 0, skb_put(error, len), len)) {
		kfree_skb(error);
		return NULL;
	}
	return error;
}

static void mmp_error_send(struct mmp_net *mn, struct sk_buff *error,
			   struct dst_entry *dst)
{
	/* The interface may just go. */
	if (!dst_hold_safe(dst)) {
		kfree_skb(error);
		return;
	}
	skb_dst_set(error, dst);
	if (error->protocol == htons(ETH_P_IPV6))
		ip6_local_out(mn->net, NULL, error);
	else
		ip_local_out(mn->net, NULL, error);
}

static void mmp_error4(struct mmp_net *mn, const struct sk_buff *skb,
		       const struct mmp_hop *hop, struct rtable *rt, u8 type,
		       u8 code, u32 info)
{
	const struct iphdr *about = ip_hdr(skb);
	struct icmphdr *icmp;
	struct sk_buff *error;
	struct iphdr *iph;

	error = mmp_quote(skb, sizeof(*iph) + sizeof(*icmp), MMP_ERROR4_MAX);
	if (!error)
		return;
	icmp = skb_push(error, sizeof(*icmp));
	*icmp = (struct icmphdr){ .type = type, .code = code };
	icmp->un.frag.mtu = htons(info);
	icmp->checksum = csum_fold(skb_checksum(error, 0, error->len, 0));
	iph = skb_push(error, sizeof(*iph));
	*iph = (struct iphdr){
		.version = 4,
		.ihl = sizeof(*iph) / 4,
		.tos = (about->tos & IPTOS_TOS_MASK) |
		       IPTOS_PREC_INTERNETCONTROL,
		.tot_len = htons(error->len),
		.ttl = MMP_ERROR_TTL,
		.protocol = IPPROTO_ICMP,
		.daddr = about->saddr,
	};
	iph->saddr = inet_select_addr(hop->dev, 0, RT_SCOPE_UNIVERSE);
	/* RFC 7600: the address of routers without one. */
	if (!iph->saddr)
		iph->saddr = htonl(INADDR_DUMMY);
	ip_send_check(iph);
	skb_reset_network_header(error);
	error->protocol = htons(ETH_P_IP);
	mmp_error_send(mn, error, &rt->dst);
}

static void mmp_error6(struct mmp_net *mn, const struct sk_buff *skb,
		       const struct mmp_hop *hop, struct rt6_info *rt, u8 type,
		       u8 code, u32 info)
{
	const struct ipv6hdr *about = ipv6_hdr(skb);
	struct icmp6hdr *icmp;
	struct sk_buff *error;
	struct ipv6hdr *iph;
	struct in6_addr own;
	unsigned int len;

	if (!mmp_own_address6(mn, hop->dev, &about->saddr, &own))
		return;
	error = mmp_quote(skb, sizeof(*iph) + sizeof(*icmp), MMP_ERROR6_MAX);
	if (!error)
		return;
	icmp = skb_push(error, sizeof(*icmp));
	*icmp = (struct icmp6hdr){ .icmp6_type = type, .icmp6_code = code };
	icmp->icmp6_mtu = htonl(info);
	len = error->len;
	icmp->icmp6_cksum = csum_ipv6_magic(&own, &about->saddr, len,
					    IPPROTO_ICMPV6,
					    skb_checksum(error, 0, len, 0));
	iph = skb_push(error, sizeof(*iph));
	*iph = (struct ipv6hdr){
		.version = 6,
		.payload_len = htons(len),
		.nexthdr = IPPROTO_ICMPV6,
		.hop_limit = MMP_ERROR_TTL,
		.saddr = own,
		.daddr = about->saddr,
	};
	skb_reset_network_header(error);
	error->protocol = htons(ETH_P_IPV6);
	mmp_error_send(mn, error, &rt->dst);
}

void mmp_error(struct mmp_net *mn, const struct sk_buff *skb,
	       enum mmp_drop why)
{
	const struct dst_entry *dst = skb_dst(skb);
	bool v6 = skb->protocol == htons(ETH_P_IPV6);
	bool ttl = why == MMP_DROP_TTL;
	const struct mmp_hop *hop;
	struct rt6_info *rt6;
	struct rtable *rt;

	hop = mmp_hop_find(mn, skb->skb_iif, eth_hdr(skb)->h_source);
	if (!hop || !mmp_hop_works(hop) || !mmp_may_answer(skb, v6))
		return;
	rt = rcu_dereference(hop->rt);
	rt6 = rcu_dereference(hop->rt6);
	if (v6 ? !rt6 || mmp_kernel_told6(mn->net, hop->dev,
					  &ipv6_hdr(skb)->saddr) :
		 !rt || mmp_kernel_told4(mn->net, ip_hdr(skb)->saddr))
		return;
	if (!__ratelimit(&mn->errors))
		return;
	if (v6)
		mmp_error6(mn, skb, hop, rt6,
			   ttl ? ICMPV6_TIME_EXCEED : ICMPV6_PKT_TOOBIG,
			   ttl ? ICMPV6_EXC_HOPLIMIT : 0,
			   ttl ? 0 : ip6_dst_mtu_maybe_forward(dst, true));
	else
		mmp_error4(mn, skb, hop, rt,
			   ttl ? ICMP_TIME_EXCEEDED : ICMP_DEST_UNREACH,
			   ttl ? ICMP_EXC_TTL : ICMP_FRAG_NEEDED,
			   ttl ? 0 : ip_dst_mtu_maybe_forward(dst, true));
}
