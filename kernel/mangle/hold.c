// SPDX-License-Identifier: GPL-2.0-only
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <net/dst.h>
#include <net/inet_sock.h>
#include <net/ipv6.h>
#include <net/tcp.h>

#include <uapi/linux/roam_mangle.h>

#include "../core/route.h"
#include "hold.h"
#include "trace.h"

/*
 * Distinct destinations asked for at the same time. The answer to a SYN, whose
 * source may be forged, leaves half of them to others.
 */
#define MANGLE_QUESTIONS_MAX 1024
#define MANGLE_QUESTIONS_SYN (MANGLE_QUESTIONS_MAX / 2)

/**
 * struct mangle_pending - a question and the packets that wait for its answer
 * @list: in mangle_hold.pending, oldest first
 * @number: of the question, rising
 * @peer: the destination
 * @until: end of the hold, or of the time after it, in jiffies
 * @unanswered: the hold is over: packets follow the policy at once
 * @unheard: there was nobody to answer: packets pass
 * @mapping: whether it is a mobile host is the question, or part of it
 * @packets: the packets, in order
 */
struct mangle_pending {
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
static struct mangle_pending *mangle_pending_find(struct mangle_hold *hold,
						  const struct in6_addr *peer)
{
	struct mangle_pending *pending;

	list_for_each_entry(pending, &hold->pending, list)
		if (ipv6_addr_equal(&pending->peer, peer))
			return pending;
	return NULL;
}

/*
 * Replies without a connection: resets, and acknowledgements of connections that
 * have ended. Whoever provokes them by forged segments shall neither make this host
 * ask about everybody nor fill the kernel's own socket, by which they leave.
 */
static bool mangle_is_nobodys_reply(const struct sk_buff *skb)
{
	const struct sock *sk = skb->sk;

	if (sk) {
		/* In newer kernels such replies carry the socket that refused. */
		if ((1 << READ_ONCE(sk->sk_state)) & (TCPF_LISTEN | TCPF_TIME_WAIT))
			return true;
		return sk_fullsock(sk) && sk->sk_type == SOCK_RAW &&
		       !sk->sk_net_refcnt;
	}
	return skb->protocol == htons(ETH_P_IPV6) &&
	       ipv6_hdr(skb)->nexthdr == IPPROTO_TCP && tcp_hdr(skb)->rst;
}

static bool mangle_is_answer_to_syn(const struct sk_buff *skb)
{
	/* A SYN that is answered with a cookie has no socket. */
	return !skb->sk || skb->sk->sk_state == TCP_NEW_SYN_RECV;
}

static struct mangle_pending *mangle_pending_add(struct mangle_hold *hold,
						 const struct sk_buff *skb,
						 const struct in6_addr *peer,
						 u32 need)
{
	struct mangle_pending *pending;

	if (hold->questions >= (mangle_is_answer_to_syn(skb) ?
				     MANGLE_QUESTIONS_SYN : MANGLE_QUESTIONS_MAX))
		return NULL;
	pending = kzalloc(sizeof(*pending), GFP_ATOMIC);
	if (!pending)
		return NULL;
	pending->number = ++hold->asked;
	pending->peer = *peer;
	pending->mapping = need & ROAM_MANGLE_NEED_MAPPING;
	pending->until = jiffies + hold->config->hold_time;
	__skb_queue_head_init(&pending->packets);
	list_add_tail(&pending->list, &hold->pending);
	hold->questions++;
	roam_sweep_within(hold->sweep, hold->config->hold_time);
	return pending;
}

/* Moves the packets of a question over to @packets. */
static void mangle_pending_take(struct mangle_hold *hold, struct mangle_pending *pending,
				struct sk_buff_head *packets)
{
	hold->packets -= skb_queue_len(&pending->packets);
	skb_queue_splice_tail_init(&pending->packets, packets);
}

static void mangle_pending_remove(struct mangle_hold *hold,
				  struct mangle_pending *pending)
{
	list_del(&pending->list);
	hold->questions--;
	kfree(pending);
}

/*
 * A question was not answered in time. For as long again packets to this destination
 * are not held; the packets that were held go to @packets.
 */
static void mangle_pending_end(struct mangle_hold *hold, struct mangle_pending *pending,
			       struct sk_buff_head *packets)
{
	mangle_pending_take(hold, pending, packets);
	pending->unanswered = true;
	pending->until = jiffies + hold->config->hold_time;
}

static void mangle_hold_send(struct mangle_hold *hold, struct sk_buff *skb)
{
	struct sock *sk = skb->sk ? sk_to_full_sk(skb->sk) : NULL;

	/*
	 * The network may have changed while the packet waited. A route of IPv6 does
	 * not tell that there is a better one now, so it is looked up again.
	 */
	if ((skb->protocol == htons(ETH_P_IPV6) ||
	     !dst_check(skb_dst(skb), 0)) &&
	    roam_route_packet(hold->net, NULL, skb, sk)) {
		mangle_drop(hold, skb, MANGLE_DROP_NO_ROUTE);
		kfree_skb(skb);
		return;
	}
	switch (hold->ops->output(hold, skb, sk)) {
	case NF_ACCEPT:
		mangle_count(hold, released);
		dst_output(hold->net, sk, skb);
		break;
	case NF_DROP:
		kfree_skb(skb);
		break;
	}
}

static void mangle_hold_send_all(struct mangle_hold *hold,
				 struct sk_buff_head *packets)
{
	struct sk_buff *skb;

	/* The hook that they came from runs under RCU, with softirqs off. */
	local_bh_disable();
	rcu_read_lock();
	while ((skb = __skb_dequeue(packets)))
		mangle_hold_send(hold, skb);
	rcu_read_unlock();
	local_bh_enable();
}

/* The listener is in another namespace: for this one it is as if nobody listened. */
static void mangle_hold_unheard(struct mangle_hold *hold, const struct in6_addr *peer)
{
	struct mangle_pending *pending;
	struct sk_buff_head packets;

	__skb_queue_head_init(&packets);
	spin_lock_bh(&hold->lock);
	pending = mangle_pending_find(hold, peer);
	if (pending && !pending->unanswered) {
		mangle_pending_end(hold, pending, &packets);
		pending->unheard = true;
	}
	spin_unlock_bh(&hold->lock);
	this_cpu_add(hold->stats->unasked, skb_queue_len(&packets));
	mangle_hold_send_all(hold, &packets);
}

static unsigned int mangle_hold_full(struct mangle_hold *hold,
				     const struct sk_buff *skb)
{
	if (READ_ONCE(hold->config->hold_policy) == ROAM_MANGLE_HOLD_POLICY_DROP)
		return mangle_drop(hold, skb, MANGLE_DROP_HOLD_FULL);
	mangle_count(hold, pass_hold_full);
	return NF_ACCEPT;
}

unsigned int mangle_hold_packet(struct mangle_hold *hold, struct sk_buff *skb,
				const struct in6_addr *own, const struct in6_addr *peer,
				u32 need)
{
	struct mangle_pending *pending;
	bool ask = false, pass;

	if (mangle_is_nobodys_reply(skb))
		return NF_ACCEPT;
	if (!hold->ops->heard(hold)) {
		mangle_count(hold, unasked);
		return NF_ACCEPT;
	}

	spin_lock_bh(&hold->lock);
	if (hold->gone) {
		spin_unlock_bh(&hold->lock);
		return NF_ACCEPT;
	}
	pending = mangle_pending_find(hold, peer);
	if (pending && pending->unanswered) {
		pass = pending->unheard || READ_ONCE(hold->config->hold_policy) ==
					   ROAM_MANGLE_HOLD_POLICY_PASS;
		spin_unlock_bh(&hold->lock);
		return pass ? NF_ACCEPT :
			      mangle_drop(hold, skb, MANGLE_DROP_HOLD_TIMEOUT);
	}
	if (!pending) {
		pending = mangle_pending_add(hold, skb, peer, need);
		ask = true;
	}
	if (!pending ||
	    skb_queue_len(&pending->packets) >= hold->config->hold_packets ||
	    hold->packets >= hold->config->hold_total ||
	    !skb_dst_force(skb)) {
		/* The question counts as asked from now on, so it has to be sent here. */
		ask = ask && pending;
		spin_unlock_bh(&hold->lock);
		if (ask)
			hold->ops->ask(hold, own, peer, need);
		return mangle_hold_full(hold, skb);
	}
	/* The device may go while the packet waits; dst_output() sets it again. */
	skb->dev = NULL;
	__skb_queue_tail(&pending->packets, skb);
	hold->packets++;
	spin_unlock_bh(&hold->lock);

	mangle_count(hold, held);
	if (ask && !hold->ops->ask(hold, own, peer, need))
		mangle_hold_unheard(hold, peer);
	return NF_STOLEN;
}

void mangle_hold_release(struct mangle_hold *hold, const struct in6_addr *peer)
{
	struct mangle_pending *pending;
	struct sk_buff_head packets;

	/* Nearly always no packet waits for the answer any more. */
	if (!READ_ONCE(hold->questions))
		return;
	__skb_queue_head_init(&packets);
	spin_lock_bh(&hold->lock);
	pending = mangle_pending_find(hold, peer);
	if (pending) {
		trace_answer(hold->net, peer, skb_queue_len(&pending->packets),
			     true);
		mangle_pending_take(hold, pending, &packets);
		mangle_pending_remove(hold, pending);
	}
	spin_unlock_bh(&hold->lock);
	mangle_hold_send_all(hold, &packets);
}

/* Do packets wait for a mapping? If so, sets @left. */
static bool mangle_pending_waits(const struct mangle_pending *pending,
				 unsigned long *left)
{
	unsigned long now = jiffies;

	if (!pending->mapping || pending->unanswered)
		return false;
	*left = time_before(now, pending->until) ? pending->until - now : 1;
	return true;
}

bool mangle_hold_next(struct mangle_hold *hold, u64 *number, struct in6_addr *peer,
		      unsigned long *left)
{
	struct mangle_pending *pending;
	bool found = false;

	spin_lock_bh(&hold->lock);
	list_for_each_entry(pending, &hold->pending, list) {
		if (pending->number <= *number ||
		    !mangle_pending_waits(pending, left))
			continue;
		*number = pending->number;
		*peer = pending->peer;
		found = true;
		break;
	}
	spin_unlock_bh(&hold->lock);
	return found;
}

bool mangle_hold_waits(struct mangle_hold *hold, const struct in6_addr *peer,
		       unsigned long *left)
{
	struct mangle_pending *pending;
	bool waits;

	spin_lock_bh(&hold->lock);
	pending = mangle_pending_find(hold, peer);
	waits = pending && mangle_pending_waits(pending, left);
	spin_unlock_bh(&hold->lock);
	return waits;
}

unsigned long mangle_hold_sweep(struct mangle_hold *hold)
{
	unsigned long next = MAX_SCHEDULE_TIMEOUT;
	struct mangle_pending *pending, *tmp;
	struct sk_buff_head packets;
	unsigned long now = jiffies;
	struct sk_buff *skb;

	__skb_queue_head_init(&packets);
	spin_lock_bh(&hold->lock);
	list_for_each_entry_safe(pending, tmp, &hold->pending, list) {
		if (time_after_eq(now, pending->until)) {
			if (pending->unanswered) {
				mangle_pending_remove(hold, pending);
				continue;
			}
			trace_answer(hold->net, &pending->peer,
				     skb_queue_len(&pending->packets), false);
			mangle_pending_end(hold, pending, &packets);
		}
		next = min(next, pending->until - now);
	}
	spin_unlock_bh(&hold->lock);

	if (hold->config->hold_policy == ROAM_MANGLE_HOLD_POLICY_PASS) {
		this_cpu_add(hold->stats->pass_hold_timeout,
			     skb_queue_len(&packets));
		/* Their question is marked unanswered, so they are not held again. */
		mangle_hold_send_all(hold, &packets);
	}
	while ((skb = __skb_dequeue(&packets))) {
		mangle_drop(hold, skb, MANGLE_DROP_HOLD_TIMEOUT);
		kfree_skb(skb);
	}
	return next;
}

void mangle_hold_init(struct mangle_hold *hold)
{
	spin_lock_init(&hold->lock);
	INIT_LIST_HEAD(&hold->pending);
}

void mangle_hold_exit(struct mangle_hold *hold)
{
	struct mangle_pending *pending, *next;
	struct sk_buff_head packets;

	__skb_queue_head_init(&packets);
	spin_lock_bh(&hold->lock);
	hold->gone = true;
	list_for_each_entry_safe(pending, next, &hold->pending, list) {
		mangle_pending_take(hold, pending, &packets);
		mangle_pending_remove(hold, pending);
	}
	spin_unlock_bh(&hold->lock);
	__skb_queue_purge(&packets);
}
