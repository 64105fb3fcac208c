/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which socket knows which addresses of a packet: whether a segment stays as it is
 * because of its socket is decided by mangle_socket_knows_wire().
 */
#ifndef ROAM_MANGLE_SOCKET_H
#define ROAM_MANGLE_SOCKET_H

#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/l3mdev.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "../core/packet.h"
#include "inet_lookup.h"

/* Is the segment a reset that refuses another one, which belonged to no connection? */
static inline bool mangle_packet_refuses(const struct tcphdr *th)
{
	return th->rst && !th->ack;
}

/* Does a segment begin a connection? */
static inline bool mangle_packet_begins(const struct tcphdr *th)
{
	return th->syn && !th->ack;
}

/*
 * Is it the answer to a SYN of a connection that is not open, with a cookie or without?
 * The source of that SYN may be forged.
 */
static inline bool mangle_packet_answers_syn(const struct sk_buff *skb,
					     const struct roam_packet *pkt)
{
	const struct tcphdr *th;
	struct tcphdr buf;

	if (pkt->protocol != IPPROTO_TCP || pkt->later ||
	    (skb->sk && READ_ONCE(skb->sk->sk_state) != TCP_NEW_SYN_RECV))
		return false;
	th = skb_header_pointer(skb, pkt->l4, sizeof(buf), &buf);
	return th && th->syn && th->ack;
}

/*
 * Is the connection of a received segment open? While the other end sets it up, the
 * segment opens it that has our number: nobody has that who forges his address.
 */
static inline bool mangle_socket_is_open(const struct sock *sk, const struct tcphdr *th)
{
	if (likely(READ_ONCE(sk->sk_state) != TCP_NEW_SYN_RECV))
		return true;
	return th->ack && !th->syn && !th->rst &&
	       ntohl(th->ack_seq) == tcp_rsk((struct request_sock *)sk)->snt_isn + 1;
}

/* Is it a segment of a connection that is open? */
static inline bool mangle_packet_continues(const struct sk_buff *skb,
					   const struct roam_packet *pkt)
{
	const struct tcphdr *th;
	struct tcphdr buf;

	if (pkt->protocol != IPPROTO_TCP || pkt->later)
		return false;
	th = skb_header_pointer(skb, pkt->l4, sizeof(buf), &buf);
	return th && !th->syn;
}

/**
 * struct mangle_links - the links that a socket for a received packet may be
 * bound to
 * @dif: the VRF if there is one, else the link
 * @sdif: the link in a VRF, else 0
 */
struct mangle_links {
	int dif;
	int sdif;
};

static __always_inline struct mangle_links
mangle_packet_links(const struct sk_buff *skb)
{
	struct mangle_links links = { skb->dev->ifindex, 0 };

	if (unlikely(netif_is_l3_slave(skb->dev) ||
		     netif_is_l3_master(skb->dev))) {
		links.sdif = links.dif;
		links.dif = l3mdev_master_ifindex_rcu(skb->dev);
	}
	return links;
}

/**
 * mangle_socket_state() - state of the TCP socket of a received packet
 * @net: the namespace
 * @skb: the packet, for the link it came by
 * @pair: addresses that the socket would know
 * @sport: source port of the packet
 * @dport: its destination port
 *
 * Return: TCP_*, 0 if there is no such socket.
 */
int mangle_socket_state(struct net *net, const struct sk_buff *skb,
			const struct roam_pair6 *pair, __be16 sport,
			__be16 dport);

/**
 * mangle_socket_find() - the socket that knows a received segment's permanent
 * addresses
 * @net: the namespace
 * @skb: the segment, opened
 * @v6: it is an IPv6 packet
 * @peer: permanent address of its source, NULL: the one that it carries
 * @own: permanent address of its destination, the same
 * @ports: its ports
 *
 * Return: the socket with a reference for mangle_socket_hand_on(), or NULL.
 */
static __always_inline struct sock *
mangle_socket_find(struct net *net, const struct sk_buff *skb, bool v6,
		   const struct in6_addr *peer, const struct in6_addr *own,
		   const __be16 *ports)
{
	const struct mangle_links links = mangle_packet_links(skb);
	const u16 hnum = ntohs(ports[1]);

	if (v6)
		return __inet6_lookup_established(
			ROAM_LOOKUP_IN(net),
			peer ? peer : &ipv6_hdr(skb)->saddr,
			ports[0],
			own ? own : &ipv6_hdr(skb)->daddr,
			hnum, links.dif, links.sdif);
	return __inet_lookup_established(
		ROAM_LOOKUP_IN(net),
		peer ? roam_addr_to4(peer) : ip_hdr(skb)->saddr,
		ports[0],
		own ? roam_addr_to4(own) : ip_hdr(skb)->daddr,
		hnum, links.dif, links.sdif);
}

/**
 * mangle_socket_hand_on() - give a segment its socket, and the socket's route
 * @net: the namespace; under rcu_read_lock()
 * @skb: the segment, rewritten, without a route
 * @sk: from mangle_socket_find(); takes the reference
 *
 * As early demultiplexing does, which does not look for the socket again then,
 * and only where that is on.
 */
static __always_inline void mangle_socket_hand_on(const struct net *net,
						  struct sk_buff *skb,
						  struct sock *sk)
{
	struct dst_entry *dst;

	if (unlikely(skb->sk ||
		     !READ_ONCE(net->ipv4.sysctl_ip_early_demux) ||
		     !READ_ONCE(net->ipv4.sysctl_tcp_early_demux))) {
		sock_gen_put(sk);
		return;
	}
	skb->sk = sk;
	skb->destructor = sock_edemux;
	if (!sk_fullsock(sk))
		return;
	dst = rcu_dereference(sk->sk_rx_dst);
	if (dst)
		dst = dst_check(dst, sk->sk_rx_dst_cookie);
	if (dst && sk->sk_rx_dst_ifindex == skb->skb_iif)
		skb_dst_set_noref(skb, dst);
}

/**
 * mangle_walk_pause() - how long a walk over the table of connections has to wait
 * @net: the namespace that wants it
 *
 * The table is that of the whole machine. Who owns a namespace without being the machine's
 * administrator can have as many moves in it as he likes: all such namespaces together
 * get a sixteenth of a processor for walks.
 *
 * Return: jiffies; always 0 for a namespace of the administrator.
 */
unsigned long mangle_walk_pause(const struct net *net);
/* A walk is done that began at @begin, in nanoseconds of ktime_get_ns(). */
void mangle_walk_done(const struct net *net, u64 begin);

/**
 * mangle_chain_next() - find connections
 * @net: the namespace; others share the table
 * @chain: number of a chain of the table of connections, from 0. Becomes that of the
 *	next one, or of this one, that is not empty; most of hundreds of thousands are
 *
 * May sleep.
 *
 * Return: false if there is none any more.
 */
bool mangle_chain_next(const struct net *net, unsigned int *chain);

/**
 * mangle_chain_walk() - the TCP connections of one chain
 * @net: the namespace; those of others are left out
 * @chain: number of the chain
 * @fn: gets each, neither those being set up by the other end nor those in time-wait,
 *	under rcu_read_lock() and the lock of the chain; false ends the walk
 * @ctx: for @fn
 */
void mangle_chain_walk(struct net *net, unsigned int chain,
		       bool (*fn)(struct sock *sk, void *ctx), void *ctx);

/**
 * mangle_socket_knows_wire() - does a socket know the addresses on the wire?
 * @net: the namespace
 * @skb: a TCP segment, opened
 * @pkt: what was read of it
 * @ports: its ports
 * @to_own: it is for a care-of address of ours
 *
 * A connection made to a care-of address on purpose, or a server that listens at
 * just that address.
 */
bool mangle_socket_knows_wire(struct net *net, struct sk_buff *skb,
			      struct roam_packet pkt, const __be16 *ports,
			      bool to_own);

#endif
