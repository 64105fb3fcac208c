// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way of a packet through the module.
 *
 *   receive: PRE_ROUTING, before conntrack. A destination that is a care-of
 *	address of ours becomes our permanent address; a source that is a
 *	mobile host's care-of address becomes its permanent address.
 *   send:    LOCAL_OUT, last of all. The same the other way round, and the
 *	question to the daemon where something is not known.
 *
 * So routing, conntrack, firewall and sockets see permanent addresses only,
 * and the wire carries care-of addresses in both directions (design decisions
 * 7 and 8). A mapping in literal mode leaves the source of the mobile host's
 * packets as it is, at both ends (OPEN-18).
 *
 * Whether a connection uses permanent or care-of addresses is the socket's
 * matter, and the socket table already knows it: a received segment whose
 * care-of connection has a socket is left alone. So a connection made to a
 * care-of address on purpose, or before the mapping was known, goes on
 * undisturbed, and no mode has to be remembered for any connection.
 */
#include <linux/inetdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/addrconf.h>
#include <net/ip.h>
#include <net/ipv6_frag.h>
#include <net/l3mdev.h>
#include <net/netfilter/ipv6/nf_defrag_ipv6.h>

#include "inet_lookup.h"
#include "../core/rewrite.h"
#include "exempt.h"
#include "hold.h"
#include "mangle.h"
#include "peer.h"
#include "range.h"
#include "route.h"
#include "table.h"

/* Room for the quoted IP header with options and the TCP header behind it. */
#define ROAM_ICMP_QUOTE (sizeof(struct icmphdr) + 60 + sizeof(struct tcphdr))

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

/* Behind extension headers that cannot be read there is no protocol of ours. */
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
	/* Of a later fragment all that is written is the first header. */
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
static struct roam_pair6 roam_packet_pair(const struct sk_buff *skb, bool v6)
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

	return !skb_ensure_writable(skb, pkt->l4 + l4_len);
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

		roam_ip4_rewrite(iph, &new, l4, partial, &diff);
	}
	if (skb->ip_summed == CHECKSUM_COMPLETE)
		skb->csum = ~csum_add(diff, ~skb->csum);
}

/**
 * struct roam_ends - whose care-of addresses a packet on the wire carries
 * @to: endpoint at its destination, or NULL
 * @from: endpoint at its source, or NULL
 */
struct roam_ends {
	struct roam_endpoint *to;
	struct roam_endpoint *from;
};

/*
 * The destination can stand for an own address, the source for a remote one: a
 * host without such mappings does not look. False if there is neither.
 */
static bool roam_ends_find(struct roam_net *rn,
					   const struct in6_addr *saddr,
					   const struct in6_addr *daddr,
					   struct roam_ends *ends)
{
	ends->to = roam_has(rn, ROAM_MANGLE_ROLE_OWN) ?
		   roam_endpoint_find(rn, daddr) : NULL;
	ends->from = roam_has(rn, ROAM_MANGLE_ROLE_REMOTE) ?
		     roam_endpoint_find(rn, saddr) : NULL;
	return ends->to || ends->from;
}

static noinline bool roam_addr_is_local(struct net *net,
					const struct in6_addr *addr)
{
	if (roam_addr_is4(addr))
		return __ip_dev_find(net, roam_addr_to4(addr), false);
	return ipv6_chk_addr(net, addr, NULL, 0);
}

/**
 * struct roam_whom - whom the addresses of a received packet stand for
 * @own: mapping of its destination, a care-of address of ours; or NULL
 * @peer: mapping of its source, a mobile host's care-of address; or NULL
 */
struct roam_whom {
	struct roam_mapping *own;
	struct roam_mapping *peer;
};

/*
 * @daddr is the destination as it is on the wire. Only what is for this host
 * counts: others' packets pass unchanged. A mobile host in literal mode does not
 * use its care-of address as source, but what we sent it had it as destination:
 * @quoted. False if there is nothing to do.
 */
static __always_inline bool roam_whom_find(struct roam_net *rn,
					   const struct roam_ends *ends,
					   const struct in6_addr *daddr,
					   bool quoted, struct roam_whom *whom)
{
	struct roam_mapping *mapping;

	whom->own = NULL;
	whom->peer = NULL;
	mapping = ends->to ? ends->to->mapping : NULL;
	if (mapping && mapping->role == ROAM_MANGLE_ROLE_OWN) {
		whom->own = mapping;
		roam_mapping_touch(mapping);
	}
	mapping = ends->from ? ends->from->mapping : NULL;
	if (mapping && mapping->role == ROAM_MANGLE_ROLE_REMOTE &&
	    (quoted || READ_ONCE(mapping->mode) == ROAM_MANGLE_MODE_SYMMETRIC) &&
	    (whom->own || roam_addr_is_local(rn->net, daddr))) {
		whom->peer = mapping;
		roam_mapping_touch(mapping);
	}
	return whom->own || whom->peer;
}

/* The addresses that the sockets of a received packet know. */
static struct roam_pair6 roam_whom_pair(const struct roam_whom *whom,
					const struct roam_pair6 *wire)
{
	return (struct roam_pair6){
		.saddr = whom->peer ? whom->peer->perm : wire->saddr,
		.daddr = whom->own ? whom->own->perm : wire->daddr,
	};
}

/**
 * struct roam_links - the links that a socket for a received packet may be
 * bound to
 * @dif: the VRF if there is one, else the link
 * @sdif: the link in a VRF, else 0
 */
struct roam_links {
	int dif;
	int sdif;
};

static struct roam_links roam_packet_links(const struct sk_buff *skb)
{
	struct roam_links links = { l3mdev_master_ifindex_rcu(skb->dev), 0 };

	if (links.dif)
		links.sdif = skb->dev->ifindex;
	else
		links.dif = skb->dev->ifindex;
	return links;
}

/* State of the TCP socket for these, 0 if there is none. */
static int roam_socket_state(struct roam_net *rn, const struct sk_buff *skb,
			       const struct roam_pair6 *pair, __be16 sport,
			       __be16 dport)
{
	const struct roam_links links = roam_packet_links(skb);
	struct sock *sk;
	int state;

	sk = roam_inet_lookup_established(rn->net, pair, sport, ntohs(dport),
					  links.dif, links.sdif);
	if (!sk)
		return 0;
	state = READ_ONCE(sk->sk_state);
	sock_gen_put(sk);
	return state;
}

/* Does a socket listen at just this address, not at any (OPEN-40, TEN-13)? */
static bool roam_listener_exists(struct roam_net *rn, struct sk_buff *skb,
				 const struct roam_packet *pkt,
				 const struct roam_pair6 *wire,
				 const __be16 *ports)
{
	const struct roam_links links = roam_packet_links(skb);
	struct tcphdr *th, buf;
	struct sock *sk;

	th = skb_header_pointer(skb, pkt->l4, sizeof(buf), &buf);
	if (!th || !th->syn || th->ack)
		return false;
	sk = roam_inet_lookup_listener(rn->net, skb, pkt->l4 + __tcp_hdrlen(th),
				       wire, ports[0], ntohs(ports[1]),
				       links.dif, links.sdif);
	if (!sk)
		return false;
	return pkt->v6 ? ipv6_addr_equal(&sk->sk_v6_rcv_saddr, &wire->daddr) :
			 sk->sk_rcv_saddr == roam_addr_to4(&wire->daddr);
}

/* enum roam_whose - which addresses a TCP segment's socket knows */
enum roam_whose {
	ROAM_ESTABLISHED,	/* the permanent ones */
	ROAM_CARE_OF,		/* the care-of ones */
	ROAM_NOBODY,		/* no connection yet, the SYN may be forged */
};

static noinline enum roam_whose
roam_socket_of(struct roam_net *rn, struct sk_buff *skb,
	       const struct roam_packet *pkt, const struct roam_whom *whom,
	       const __be16 *ports)
{
	const struct roam_pair6 wire = roam_packet_pair(skb, pkt->v6);
	const struct roam_pair6 new = roam_whom_pair(whom, &wire);

	int state;

	state = roam_socket_state(rn, skb, &new, ports[0], ports[1]);
	if (state)
		return state == TCP_NEW_SYN_RECV ? ROAM_NOBODY :
						   ROAM_ESTABLISHED;
	if (roam_socket_state(rn, skb, &wire, ports[0], ports[1]))
		return ROAM_CARE_OF;
	/* A server bound to an address that stays as it is says nothing. */
	if (!ipv6_addr_equal(&new.daddr, &wire.daddr) &&
	    roam_listener_exists(rn, skb, pkt, &wire, ports))
		return ROAM_CARE_OF;
	return ROAM_NOBODY;
}

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
	    !roam_whom_find(rn, &ends, &reply.daddr, true, &whom))
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

/* Gives a quoted packet back the addresses its socket knows (OPEN-08). */
static noinline unsigned int roam_icmp_in4(struct roam_net *rn,
					   struct sk_buff *skb)
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

static noinline unsigned int roam_icmp_in6(struct roam_net *rn,
					   struct sk_buff *skb)
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

/*
 * Makes a packet of its pieces, so that all go one way, in whatever order they
 * come (OPEN-05). NF_ACCEPT: here it is.
 */
static noinline unsigned int roam_defrag(struct roam_net *rn,
					 struct sk_buff *skb, bool v6)
{
	int err;

	/* Takes it in any case: kept, or freed. */
	if (!v6)
		return ip_defrag(rn->net, skb, IP_DEFRAG_LOCAL_DELIVER) ?
		       NF_STOLEN : NF_ACCEPT;
	err = nf_ct_frag6_gather(rn->net, skb, IP6_DEFRAG_LOCAL_DELIVER);
	if (err == -EINPROGRESS)
		return NF_STOLEN;
	return err ? roam_drop(rn, skb, ROAM_DROP_MALFORMED) : NF_ACCEPT;
}

/*
 * The rarer part of the receiving hooks, one for each family, so that packets
 * of nobody do not pay for it.
 */
static __always_inline unsigned int roam_restore(struct roam_net *rn,
						 struct sk_buff *skb, bool v6,
						 const struct roam_ends *ends)
{
	enum roam_whose whose = ROAM_NOBODY;
	struct roam_whom whom;
	struct roam_packet pkt;
	struct in6_addr mapped;
	const __be16 *ports;
	__be16 buf[2];

	roam_packet_read(skb, v6, &pkt);
	if (!v6)
		mapped = roam_addr4(ip_hdr(skb)->daddr);
	if ((v6 && !test_bit(pkt.protocol, rn->config.protocols)) ||
	    !roam_whom_find(rn, ends, v6 ? &ipv6_hdr(skb)->daddr : &mapped,
			    false, &whom))
		return NF_ACCEPT;
	if (unlikely(pkt.fragment)) {
		unsigned int verdict = roam_defrag(rn, skb, v6);

		if (verdict != NF_ACCEPT)
			return verdict;
		roam_packet_read(skb, v6, &pkt);
	}

	if (unlikely(!roam_packet_open(skb, &pkt)))
		return roam_drop(rn, skb, ROAM_DROP_MALFORMED);
	ports = roam_packet_ports(skb, &pkt, buf);
	if (!v6)
		mapped = roam_addr4(ip_hdr(skb)->saddr);
	if (roam_is_exempt(rn, skb, ports, v6 ? &ipv6_hdr(skb)->saddr : &mapped,
			   NULL))
		return NF_ACCEPT;
	if (ports && pkt.protocol == IPPROTO_TCP)
		whose = roam_socket_of(rn, skb, &pkt, &whom, ports);
	if (whose == ROAM_CARE_OF) {
		roam_count(rn, in_kept);
		return NF_ACCEPT;
	}
	roam_packet_rewrite(skb, &pkt, whom.peer ? &whom.peer->perm : NULL,
			    whom.own ? &whom.own->perm : NULL);
	if (whom.own) {
		if (whose == ROAM_ESTABLISHED)
			roam_peer_see(rn, whom.own, whom.peer ?
				      &whom.peer->perm :
				      v6 ? &ipv6_hdr(skb)->saddr : &mapped,
				      rcu_access_pointer(whom.own->endpoint) ==
				      ends->to);
		/* A route found for the old destination leads nowhere now. */
		skb_dst_drop(skb);
	}
	roam_count(rn, in_rewritten);
	return NF_ACCEPT;
}

static noinline unsigned int roam_restore4(struct roam_net *rn,
					   struct sk_buff *skb,
					   struct roam_endpoint *to,
					   struct roam_endpoint *from)
{
	const struct roam_ends ends = { to, from };

	return roam_restore(rn, skb, false, &ends);
}

/* On a host that is mobile and talks to mobile hosts, or as a table grows. */
static noinline unsigned int roam_receive4(struct roam_net *rn,
					   struct sk_buff *skb)
{
	const struct roam_pair6 wire = roam_packet_pair(skb, false);
	struct roam_ends ends;

	if (!roam_ends_find(rn, &wire.saddr, &wire.daddr, &ends))
		return NF_ACCEPT;
	return roam_restore4(rn, skb, ends.to, ends.from);
}

/*
 * One look-up in sight and no call but the last: the compiler needs neither
 * registers to save nor a frame, which is a tenth of what a packet of nobody
 * costs.
 */
static unsigned int roam_hook_in4(void *priv, struct sk_buff *skb,
				  const struct nf_hook_state *state)
{
	const struct iphdr *iph = ip_hdr(skb);
	struct roam_endpoint *endpoint;
	struct roam_net *rn = priv;
	struct in6_addr key;
	bool own;

	if (iph->protocol == IPPROTO_ICMP)
		return roam_icmp_in4(rn, skb);
	if (!test_bit(iph->protocol, rn->config.protocols))
		return NF_ACCEPT;
	own = roam_has(rn, ROAM_MANGLE_ROLE_OWN);
	if (own && roam_has(rn, ROAM_MANGLE_ROLE_REMOTE))
		return roam_receive4(rn, skb);
	key = roam_addr4(own ? iph->daddr : iph->saddr);
	if (unlikely(!roam_endpoint_look(rn, &key, &endpoint)))
		return roam_receive4(rn, skb);
	if (likely(!endpoint))
		return NF_ACCEPT;
	if (own)
		return roam_restore4(rn, skb, endpoint, NULL);
	return roam_restore4(rn, skb, NULL, endpoint);
}

static noinline unsigned int roam_restore6(struct roam_net *rn,
					   struct sk_buff *skb,
					   struct roam_endpoint *to,
					   struct roam_endpoint *from)
{
	const struct roam_ends ends = { to, from };

	return roam_restore(rn, skb, true, &ends);
}

static noinline unsigned int roam_receive6(struct roam_net *rn,
					   struct sk_buff *skb)
{
	const struct ipv6hdr *iph = ipv6_hdr(skb);
	struct roam_ends ends;

	if (!roam_ends_find(rn, &iph->saddr, &iph->daddr, &ends))
		return NF_ACCEPT;
	return roam_restore6(rn, skb, ends.to, ends.from);
}

static unsigned int roam_hook_in6(void *priv, struct sk_buff *skb,
				  const struct nf_hook_state *state)
{
	const struct ipv6hdr *iph = ipv6_hdr(skb);
	struct roam_endpoint *endpoint;
	struct roam_net *rn = priv;
	bool own;

	if (iph->nexthdr == IPPROTO_ICMPV6)
		return roam_icmp_in6(rn, skb);
	own = roam_has(rn, ROAM_MANGLE_ROLE_OWN);
	if ((own && roam_has(rn, ROAM_MANGLE_ROLE_REMOTE)) ||
	    unlikely(!roam_endpoint_look(rn, own ? &iph->daddr : &iph->saddr,
					 &endpoint)))
		return roam_receive6(rn, skb);
	if (likely(!endpoint))
		return NF_ACCEPT;
	if (own)
		return roam_restore6(rn, skb, endpoint, NULL);
	return roam_restore6(rn, skb, NULL, endpoint);
}

/**
 * struct roam_sending - what is found out about a packet that leaves
 * @saddr: the source it shall have on the wire, NULL: it stays
 * @own: mapping of its source, an own permanent address that is away; or NULL
 * @to: endpoint of its destination, or NULL
 * @need: ROAM_MANGLE_NEED_*, what is not known
 * @told: the other end knows where we are, as far as it has to
 */
struct roam_sending {
	const struct in6_addr *saddr;
	struct roam_mapping *own;
	struct roam_endpoint *to;
	u32 need;
	bool told;
};

static void roam_translate_source(struct roam_net *rn,
				  const struct roam_pair6 *old,
				  struct roam_sending *out)
{
	const struct roam_peer_key key = { old->saddr, old->daddr };
	struct roam_endpoint *endpoint;
	struct roam_mapping *mapping;
	struct roam_peer *peer;
	u32 epoch;

	mapping = roam_mapping_find(rn, &old->saddr);
	if (!mapping || mapping->role != ROAM_MANGLE_ROLE_OWN)
		return;
	endpoint = rcu_dereference(mapping->endpoint);
	/* A null mapping: at home, nothing to hide or tell. */
	if (!endpoint)
		return;
	/* with rcu_assign_pointer() of a move */
	smp_rmb();
	epoch = READ_ONCE(mapping->epoch);
	out->own = mapping;
	if (READ_ONCE(mapping->mode) == ROAM_MANGLE_MODE_SYMMETRIC)
		out->saddr = &endpoint->coa;
	roam_mapping_touch(mapping);

	peer = roam_peer_find(rn, &key);
	if (peer)
		out->told = roam_peer_is_told(peer, epoch);
	/* One that cannot be told is forgotten in the end. */
	if (peer && out->told)
		roam_peer_touch(peer);
	else
		out->need |= ROAM_MANGLE_NEED_PEER;
}

static void roam_translate_destination(struct roam_net *rn,
				       const struct roam_pair6 *old,
				       struct roam_sending *out)
{
	struct roam_mapping *mapping = roam_mapping_find(rn, &old->daddr);

	if (!mapping) {
		out->need |= ROAM_MANGLE_NEED_MAPPING;
		return;
	}
	if (mapping->role != ROAM_MANGLE_ROLE_REMOTE)
		return;
	roam_mapping_touch(mapping);
	out->to = rcu_dereference(mapping->endpoint);
}

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

/*
 * An ICMP error that this host sends quotes what it received, with addresses
 * restored. Who sent that knows the care-of addresses that were on the wire, and
 * is where they lead (OPEN-08). It is never held: an error is no reason to ask.
 */
static noinline unsigned int roam_icmp_out(struct roam_net *rn,
					   struct sk_buff *skb,
					   struct sock *sk,
					   const struct roam_packet *pkt)
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

unsigned int roam_output(struct roam_net *rn, struct sk_buff *skb,
			 struct sock *sk)
{
	bool v6 = skb->protocol == htons(ETH_P_IPV6);
	struct roam_sending out = { .told = true };
	struct roam_packet pkt;
	struct roam_pair6 old;
	const __be16 *ports;
	__be16 buf[2];

	roam_packet_read(skb, v6, &pkt);
	if (!test_bit(pkt.protocol, rn->config.protocols)) {
		if (pkt.protocol == (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP))
			return roam_icmp_out(rn, skb, sk, &pkt);
		return NF_ACCEPT;
	}
	old = roam_packet_pair(skb, v6);
	if (roam_has(rn, ROAM_MANGLE_ROLE_OWN))
		roam_translate_source(rn, &old, &out);
	if (roam_ranges_contain(rcu_dereference(rn->ranges), &old.daddr))
		roam_translate_destination(rn, &old, &out);
	if (!out.need && !out.own && !out.to)
		return NF_ACCEPT;

	if (unlikely(!roam_packet_open(skb, &pkt)))
		return roam_drop(rn, skb, ROAM_DROP_MALFORMED);
	ports = roam_packet_ports(skb, &pkt, buf);
	if (roam_is_exempt(rn, skb, ports, &old.daddr, sk))
		return NF_ACCEPT;
	if (unlikely(out.need)) {
		unsigned int verdict = roam_hold(rn, skb,
						 out.own ? &old.saddr : NULL,
						 &old.daddr, out.need);

		if (verdict != NF_ACCEPT)
			return verdict;
		if (!out.told)
			return roam_drop(rn, skb, ROAM_DROP_UNTOLD);
	}
	if (!out.to && !out.saddr)
		return NF_ACCEPT;

	roam_packet_rewrite(skb, &pkt, out.saddr,
			    out.to ? &out.to->coa : NULL);
	if (out.to && roam_route_packet(rn->net, out.to, skb, sk))
		return roam_drop(rn, skb, ROAM_DROP_NO_ROUTE);
	roam_count(rn, out_rewritten);
	return NF_ACCEPT;
}

static unsigned int roam_hook_out(void *priv, struct sk_buff *skb,
				  const struct nf_hook_state *state)
{
	if (state->out->flags & IFF_LOOPBACK)
		return NF_ACCEPT;
	return roam_output(priv, skb, state->sk);
}

static const struct nf_hook_ops roam_hook_ops[ROAM_HOOKS] = {
	/* conntrack shall see permanent addresses (OPEN-10) */
	{
		.hook = roam_hook_in4,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = NF_IP_PRI_CONNTRACK - 10,
	},
	{
		.hook = roam_hook_in6,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = NF_IP6_PRI_CONNTRACK - 10,
	},
	/* behind everybody, see hold.h */
	{
		.hook = roam_hook_out,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_LOCAL_OUT,
		.priority = NF_IP_PRI_LAST,
	},
	{
		.hook = roam_hook_out,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_LOCAL_OUT,
		.priority = NF_IP6_PRI_LAST,
	},
};

int roam_hooks_update(struct roam_net *rn)
{
	bool wanted = roam_mappings(rn) || rcu_access_pointer(rn->ranges);
	unsigned int i;
	int err;

	lockdep_assert_held(&rn->lock);
	if (rn->gone || wanted == rn->hooked)
		return 0;
	if (!wanted) {
		nf_unregister_net_hooks(rn->net, rn->ops, ROAM_HOOKS);
		rn->hooked = false;
		return 0;
	}
	memcpy(rn->ops, roam_hook_ops, sizeof(rn->ops));
	for (i = 0; i < ROAM_HOOKS; i++)
		rn->ops[i].priv = rn;
	err = nf_register_net_hooks(rn->net, rn->ops, ROAM_HOOKS);
	rn->hooked = !err;
	return err;
}
