// SPDX-License-Identifier: GPL-2.0-only
#include "socket.h"

#include <linux/ktime.h>
#include <linux/tcp.h>
#include <linux/user_namespace.h>

int mangle_socket_state(struct net *net, const struct sk_buff *skb,
			const struct roam_pair6 *pair, __be16 sport,
			__be16 dport)
{
	const struct mangle_links links = mangle_packet_links(skb);
	struct sock *sk;
	int state;

	sk = roam_inet_lookup_established(net, pair, sport, ntohs(dport),
					  links.dif, links.sdif);
	if (!sk)
		return 0;
	state = READ_ONCE(sk->sk_state);
	sock_gen_put(sk);
	return state;
}

/* Does a socket listen at just this address, not at any (OPEN-40, TEN-13)? */
static bool mangle_listener_exists(struct net *net, struct sk_buff *skb,
				   const struct roam_packet *pkt,
				   const struct roam_pair6 *wire,
				   const __be16 *ports)
{
	const struct mangle_links links = mangle_packet_links(skb);
	struct tcphdr *th, buf;
	struct sock *sk;

	th = skb_header_pointer(skb, pkt->l4, sizeof(buf), &buf);
	if (!th || !th->syn || th->ack)
		return false;
	sk = roam_inet_lookup_listener(net, skb, pkt->l4 + __tcp_hdrlen(th),
				       wire, ports[0], ntohs(ports[1]),
				       links.dif, links.sdif);
	if (!sk)
		return false;
	return pkt->v6 ? ipv6_addr_equal(&sk->sk_v6_rcv_saddr, &wire->daddr) :
			 sk->sk_rcv_saddr == roam_addr_to4(&wire->daddr);
}

/* The part of the time that is left to others, see mangle_walk_pause(). */
#define MANGLE_WALK_PART 16

/* When the next walk for a namespace of a user may begin, of ktime_get_ns(). */
static u64 mangle_walk_next;

static bool mangle_net_is_users(const struct net *net)
{
	return net->user_ns != &init_user_ns;
}

unsigned long mangle_walk_pause(const struct net *net)
{
	u64 now = ktime_get_ns(), next = READ_ONCE(mangle_walk_next);

	if (!mangle_net_is_users(net) || now >= next)
		return 0;
	return nsecs_to_jiffies(next - now) + 1;
}

void mangle_walk_done(const struct net *net, u64 begin)
{
	u64 now = ktime_get_ns();

	if (mangle_net_is_users(net))
		WRITE_ONCE(mangle_walk_next,
			   max(READ_ONCE(mangle_walk_next), now) +
			   MANGLE_WALK_PART * (now - begin));
}

bool mangle_chain_next(const struct net *net, unsigned int *chain)
{
	const struct inet_hashinfo *table =
		net->ipv4.tcp_death_row.hashinfo;
	unsigned int i;

	for (i = *chain; i <= table->ehash_mask; i++) {
		if (!hlist_nulls_empty(&table->ehash[i].chain)) {
			*chain = i;
			return true;
		}
		if (!(i % 1024))
			cond_resched();
	}
	return false;
}

void mangle_chain_walk(struct net *net, unsigned int chain,
		       bool (*fn)(struct sock *sk, void *ctx), void *ctx)
{
	struct inet_hashinfo *table = net->ipv4.tcp_death_row.hashinfo;
	spinlock_t *lock = inet_ehash_lockp(table, chain);
	const struct hlist_nulls_node *node;
	struct sock *sk;

	rcu_read_lock();
	spin_lock_bh(lock);
	sk_nulls_for_each(sk, node, &table->ehash[chain].chain)
		if (sk_fullsock(sk) && net_eq(sock_net(sk), net) &&
		    !fn(sk, ctx))
			break;
	spin_unlock_bh(lock);
	rcu_read_unlock();
}

bool mangle_socket_knows_wire(struct net *net, struct sk_buff *skb,
			      struct roam_packet pkt, const __be16 *ports,
			      bool to_own)
{
	const struct roam_pair6 wire = roam_packet_pair(skb, pkt.v6);

	/* A listener counts only if it is bound to a care-of address of ours. */
	return mangle_socket_state(net, skb, &wire, ports[0], ports[1]) ||
	       (to_own && mangle_listener_exists(net, skb, &pkt, &wire, ports));
}
