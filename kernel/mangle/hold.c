// SPDX-License-Identifier: GPL-2.0-only
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <net/dst.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>
#include <net/tcp.h>

#include "hold.h"
#include "netlink.h"
#include "route.h"
#include "trace.h"

/*
 * Distinct destinations asked for at the same time. The answer to a SYN, whose
 * source may be forged, leaves half of them to others.
 */
#define ROAM_QUESTIONS_MAX 1024
#define ROAM_QUESTIONS_SYN (ROAM_QUESTIONS_MAX / 2)

/**
 * struct roam_pending - a question and the packets that wait for its answer
 * @list: in roam_hold_table.pending, oldest first
 * @number: of the question, rising
 * @peer: the destination
 * @until: end of the hold, or of the time after it, in jiffies
 * @unanswered: the hold is over: packets follow the policy at once
 * @unheard: there was nobody to answer: packets pass
 * @mapping: whether it is a mobile host is the question, or part of it
 * @packets: the packets, in order
 */
struct roam_pending {
	struct list_head list;
	u64 number;
	struct in6_addr peer;
	unsigned long until;
	bool unanswered;
	bool unheard;
	bool mapping;
	struct sk_buff_head packets;
};

/*
 * The list is short: it holds the destinations that this host has begun to
 * talk to within the last seconds.
 */
static struct roam_pending *roam_pending_find(struct roam_net *rn,
					      const struct in6_addr *peer)
{
	struct roam_pending *pending;

	list_for_each_entry(pending, &rn->hold.pending, list)
		if (ipv6_addr_equal(&pending->peer, peer))
			return pending;
	return NULL;
}

/*
 * Replies without a connection: resets, and acknowledgements of connections that
 * have ended. Whoever provokes them by forged segments shall not make this host
 * ask about everybody, nor fill up the kernel's own socket that they leave by.
 */
static bool roam_is_nobodys_reply(const struct sk_buff *skb)
{
	const struct sock *sk = skb->sk;

	if (sk)
		return sk_fullsock(sk) && sk->sk_type == SOCK_RAW &&
		       !sk->sk_net_refcnt;
	return skb->protocol == htons(ETH_P_IPV6) &&
	       ipv6_hdr(skb)->nexthdr == IPPROTO_TCP && tcp_hdr(skb)->rst;
}

static bool roam_is_answer_to_syn(const struct sk_buff *skb)
{
	/* One that is answered with a cookie has no socket. */
	return !skb->sk || skb->sk->sk_state == TCP_NEW_SYN_RECV;
}

static struct roam_pending *roam_pending_add(struct roam_net *rn,
					     const struct sk_buff *skb,
					     const struct in6_addr *peer,
					     u32 need)
{
	struct roam_pending *pending;

	if (rn->hold.questions >= (roam_is_answer_to_syn(skb) ?
				   ROAM_QUESTIONS_SYN : ROAM_QUESTIONS_MAX))
		return NULL;
	pending = kzalloc(sizeof(*pending), GFP_ATOMIC);
	if (!pending)
		return NULL;
	pending->number = ++rn->hold.asked;
	pending->peer = *peer;
	pending->mapping = need & ROAM_MANGLE_NEED_MAPPING;
	pending->until = jiffies + rn->config.hold_time;
	__skb_queue_head_init(&pending->packets);
	list_add_tail(&pending->list, &rn->hold.pending);
	rn->hold.questions++;
	roam_sweep_within(rn, rn->config.hold_time);
	return pending;
}

/* Takes its packets over to @packets. */
static void roam_pending_take(struct roam_net *rn, struct roam_pending *pending,
			      struct sk_buff_head *packets)
{
	rn->hold.packets -= skb_queue_len(&pending->packets);
	skb_queue_splice_tail_init(&pending->packets, packets);
}

static void roam_pending_remove(struct roam_net *rn,
				struct roam_pending *pending)
{
	list_del(&pending->list);
	rn->hold.questions--;
	kfree(pending);
}

/* Nobody answered: as long again its packets are not held. They go to @packets. */
static void roam_pending_end(struct roam_net *rn, struct roam_pending *pending,
			     struct sk_buff_head *packets)
{
	roam_pending_take(rn, pending, packets);
	pending->unanswered = true;
	pending->until = jiffies + rn->config.hold_time;
}

static void roam_hold_send(struct roam_net *rn, struct sk_buff *skb)
{
	struct sock *sk = skb->sk ? sk_to_full_sk(skb->sk) : NULL;

	/*
	 * The network may have changed while it waited. A route of IPv6 does not
	 * say of itself that there is a better one now.
	 */
	if ((skb->protocol == htons(ETH_P_IPV6) ||
	     !dst_check(skb_dst(skb), 0)) &&
	    roam_route_packet(rn->net, NULL, skb, sk)) {
		roam_drop(rn, skb, ROAM_DROP_NO_ROUTE);
		kfree_skb(skb);
		return;
	}
	switch (roam_output(rn, skb, sk)) {
	case NF_ACCEPT:
		roam_count(rn, released);
		dst_output(rn->net, sk, skb);
		break;
	case NF_DROP:
		kfree_skb(skb);
		break;
	}
}

static void roam_hold_send_all(struct roam_net *rn,
			       struct sk_buff_head *packets)
{
	struct sk_buff *skb;

	/* As where they came from: under RCU, softirqs off. */
	local_bh_disable();
	rcu_read_lock();
	while ((skb = __skb_dequeue(packets)))
		roam_hold_send(rn, skb);
	rcu_read_unlock();
	local_bh_enable();
}

/* Who listens does so in another namespace: here it is as if nobody did. */
static void roam_hold_unheard(struct roam_net *rn, const struct in6_addr *peer)
{
	struct roam_pending *pending;
	struct sk_buff_head packets;

	__skb_queue_head_init(&packets);
	spin_lock_bh(&rn->hold.lock);
	pending = roam_pending_find(rn, peer);
	if (pending && !pending->unanswered) {
		roam_pending_end(rn, pending, &packets);
		pending->unheard = true;
	}
	spin_unlock_bh(&rn->hold.lock);
	this_cpu_add(rn->stats->unasked, skb_queue_len(&packets));
	roam_hold_send_all(rn, &packets);
}

static unsigned int roam_hold_full(struct roam_net *rn,
				   const struct sk_buff *skb)
{
	if (READ_ONCE(rn->config.hold_policy) == ROAM_MANGLE_HOLD_POLICY_DROP)
		return roam_drop(rn, skb, ROAM_DROP_HOLD_FULL);
	roam_count(rn, pass_hold_full);
	return NF_ACCEPT;
}

unsigned int roam_hold(struct roam_net *rn, struct sk_buff *skb,
		       const struct in6_addr *own, const struct in6_addr *peer,
		       u32 need)
{
	struct roam_pending *pending;
	bool ask = false, pass;

	if (roam_is_nobodys_reply(skb))
		return NF_ACCEPT;
	if (!roam_nl_miss_heard(rn)) {
		roam_count(rn, unasked);
		return NF_ACCEPT;
	}

	spin_lock_bh(&rn->hold.lock);
	/* roam_hold_exit() takes the lock after that was set: nothing stays behind. */
	if (READ_ONCE(rn->gone)) {
		spin_unlock_bh(&rn->hold.lock);
		return NF_ACCEPT;
	}
	pending = roam_pending_find(rn, peer);
	if (pending && pending->unanswered) {
		pass = pending->unheard || READ_ONCE(rn->config.hold_policy) ==
					   ROAM_MANGLE_HOLD_POLICY_PASS;
		spin_unlock_bh(&rn->hold.lock);
		return pass ? NF_ACCEPT :
			      roam_drop(rn, skb, ROAM_DROP_HOLD_TIMEOUT);
	}
	if (!pending) {
		pending = roam_pending_add(rn, skb, peer, need);
		ask = true;
	}
	if (!pending ||
	    skb_queue_len(&pending->packets) >= rn->config.hold_packets ||
	    rn->hold.packets >= rn->config.hold_total ||
	    !skb_dst_force(skb)) {
		/* The question is open now: nobody else would ask it. */
		ask = ask && pending;
		spin_unlock_bh(&rn->hold.lock);
		if (ask)
			roam_nl_miss_event(rn, own, peer, need);
		return roam_hold_full(rn, skb);
	}
	/* The device may go while it waits; who sends it sets it again. */
	skb->dev = NULL;
	__skb_queue_tail(&pending->packets, skb);
	rn->hold.packets++;
	spin_unlock_bh(&rn->hold.lock);

	roam_count(rn, held);
	if (ask && !roam_nl_miss_event(rn, own, peer, need))
		roam_hold_unheard(rn, peer);
	return NF_STOLEN;
}

void roam_hold_release(struct roam_net *rn, const struct in6_addr *peer)
{
	struct roam_pending *pending;
	struct sk_buff_head packets;

	/* Nearly always: an answer nobody waits for any more. */
	if (!READ_ONCE(rn->hold.questions))
		return;
	__skb_queue_head_init(&packets);
	spin_lock_bh(&rn->hold.lock);
	pending = roam_pending_find(rn, peer);
	if (pending) {
		trace_answer(rn->net, peer, skb_queue_len(&pending->packets),
			     true);
		roam_pending_take(rn, pending, &packets);
		roam_pending_remove(rn, pending);
	}
	spin_unlock_bh(&rn->hold.lock);
	roam_hold_send_all(rn, &packets);
}

/* Do packets wait for a mapping? Then @left is set. */
static bool roam_pending_waits(const struct roam_pending *pending,
			       unsigned long *left)
{
	unsigned long now = jiffies;

	if (!pending->mapping || pending->unanswered)
		return false;
	*left = time_before(now, pending->until) ? pending->until - now : 1;
	return true;
}

bool roam_hold_next(struct roam_net *rn, u64 *number, struct in6_addr *peer,
		    unsigned long *left)
{
	struct roam_pending *pending;
	bool found = false;

	spin_lock_bh(&rn->hold.lock);
	list_for_each_entry(pending, &rn->hold.pending, list) {
		if (pending->number <= *number ||
		    !roam_pending_waits(pending, left))
			continue;
		*number = pending->number;
		*peer = pending->peer;
		found = true;
		break;
	}
	spin_unlock_bh(&rn->hold.lock);
	return found;
}

bool roam_hold_waits(struct roam_net *rn, const struct in6_addr *peer,
		     unsigned long *left)
{
	struct roam_pending *pending;
	bool waits;

	spin_lock_bh(&rn->hold.lock);
	pending = roam_pending_find(rn, peer);
	waits = pending && roam_pending_waits(pending, left);
	spin_unlock_bh(&rn->hold.lock);
	return waits;
}

unsigned long roam_hold_sweep(struct roam_net *rn)
{
	unsigned long next = MAX_SCHEDULE_TIMEOUT;
	struct roam_pending *pending, *tmp;
	struct sk_buff_head packets;
	unsigned long now = jiffies;
	struct sk_buff *skb;

	__skb_queue_head_init(&packets);
	spin_lock_bh(&rn->hold.lock);
	list_for_each_entry_safe(pending, tmp, &rn->hold.pending, list) {
		if (time_after_eq(now, pending->until)) {
			if (pending->unanswered) {
				roam_pending_remove(rn, pending);
				continue;
			}
			trace_answer(rn->net, &pending->peer,
				     skb_queue_len(&pending->packets), false);
			roam_pending_end(rn, pending, &packets);
		}
		next = min(next, pending->until - now);
	}
	spin_unlock_bh(&rn->hold.lock);

	if (rn->config.hold_policy == ROAM_MANGLE_HOLD_POLICY_PASS) {
		this_cpu_add(rn->stats->pass_hold_timeout,
			     skb_queue_len(&packets));
		/* Their question is marked unanswered, so they are not held again. */
		roam_hold_send_all(rn, &packets);
	}
	while ((skb = __skb_dequeue(&packets))) {
		roam_drop(rn, skb, ROAM_DROP_HOLD_TIMEOUT);
		kfree_skb(skb);
	}
	return next;
}

void roam_hold_init(struct roam_net *rn)
{
	spin_lock_init(&rn->hold.lock);
	INIT_LIST_HEAD(&rn->hold.pending);
}

void roam_hold_exit(struct roam_net *rn)
{
	struct roam_pending *pending, *next;
	struct sk_buff_head packets;

	__skb_queue_head_init(&packets);
	spin_lock_bh(&rn->hold.lock);
	list_for_each_entry_safe(pending, next, &rn->hold.pending, list) {
		roam_pending_take(rn, pending, &packets);
		roam_pending_remove(rn, pending);
	}
	spin_unlock_bh(&rn->hold.lock);
	__skb_queue_purge(&packets);
}
