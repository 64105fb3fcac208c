// SPDX-License-Identifier: GPL-2.0-only
#include <linux/jhash.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <net/dst.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "keep.h"

/**
 * struct mmp_kept_cb - what is known of a copy; behind what forwarding keeps there
 * @at: jiffies when it went down
 */
struct mmp_kept_cb {
	u32 at;
};

#define MMP_PLAY_AT_ONCE 64	/* packets */

#define MMP_KEPT_OFFSET \
	(sizeof_field(struct sk_buff, cb) - sizeof(struct mmp_kept_cb))

static struct mmp_kept_cb *mmp_kept_cb(struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct inet_skb_parm) > MMP_KEPT_OFFSET ||
		     sizeof(struct inet6_skb_parm) > MMP_KEPT_OFFSET);
	return (struct mmp_kept_cb *)(skb->cb + MMP_KEPT_OFFSET);
}

static u32 mmp_keep_hash(const struct mmp_net *mn, const struct in6_addr *addr)
{
	return jhash2((const u32 *)addr, sizeof(*addr) / sizeof(u32),
		      mn->keep_seed);
}

/* Under RCU or mmp_net.lock. */
static struct mmp_keep *mmp_keep_find(struct mmp_net *mn,
				      const struct in6_addr *addr)
{
	struct mmp_keep *keep;

	hash_for_each_possible_rcu(mn->keeps, keep, node,
				   mmp_keep_hash(mn, addr),
				   lockdep_is_held(&mn->lock))
		if (ipv6_addr_equal(&keep->addr, addr))
			return keep;
	return NULL;
}

/* ---- copies; lock of the queue held ---- */

static void mmp_keep_add(struct mmp_net *mn, struct mmp_keep *keep,
			 struct sk_buff *skb)
{
	mmp_kept_cb(skb)->at = jiffies;
	keep->bytes += skb->truesize;
	atomic_add(skb->truesize, &mn->keep_bytes);
	__skb_queue_tail(&keep->queue, skb);
}

static struct sk_buff *mmp_keep_take(struct mmp_net *mn, struct mmp_keep *keep)
{
	struct sk_buff *skb = __skb_dequeue(&keep->queue);

	if (skb) {
		keep->bytes -= skb->truesize;
		atomic_sub(skb->truesize, &mn->keep_bytes);
	}
	return skb;
}

/* Drops copies of before that time. */
static void mmp_keep_age(struct mmp_net *mn, struct mmp_keep *keep, u32 age)
{
	struct sk_buff *skb;

	while ((skb = skb_peek(&keep->queue)) &&
	       roam_age(&mmp_kept_cb(skb)->at) > age)
		consume_skb(mmp_keep_take(mn, keep));
}

static bool mmp_keep_has_room(const struct mmp_net *mn,
			      const struct mmp_keep *keep, u32 size)
{
	return keep->bytes + size <= READ_ONCE(mn->config.keep_bytes) &&
	       atomic_read(&mn->keep_bytes) + size <= MMP_KEEP_TOTAL;
}

/* The oldest ones make room, if they are not on their way. */
static bool mmp_keep_make_room(struct mmp_net *mn, struct mmp_keep *keep,
			       u32 size)
{
	mmp_keep_age(mn, keep, READ_ONCE(mn->config.keep_time));
	while (!mmp_keep_has_room(mn, keep, size)) {
		if (skb_queue_empty(&keep->queue))
			return false;
		consume_skb(mmp_keep_take(mn, keep));
		mmp_count(mn, keep_full);
	}
	return true;
}

static void mmp_keep_clear(struct mmp_net *mn, struct mmp_keep *keep,
			   bool gone)
{
	struct sk_buff *skb;

	spin_lock_bh(&keep->queue.lock);
	keep->gone = gone;
	while ((skb = mmp_keep_take(mn, keep)))
		consume_skb(skb);
	spin_unlock_bh(&keep->queue.lock);
}

bool __mmp_keep_packet(struct mmp_net *mn, const struct in6_addr *addr,
		       struct sk_buff *skb)
{
	struct mmp_keep *keep = mmp_keep_find(mn, addr);
	struct sk_buff *copy;
	bool waits, first;

	if (!keep)
		return false;
	/* No memory group is charged in softirq, with __GFP_ACCOUNT neither: MMP_KEEP_TOTAL bounds it. */
	copy = skb_clone(skb, GFP_ATOMIC | __GFP_NOWARN);
	spin_lock_bh(&keep->queue.lock);
	waits = keep->plays && !keep->gone &&
		mmp_keep_has_room(mn, keep, skb->truesize);
	first = skb_queue_empty(&keep->queue);
	if (waits) {
		mmp_keep_add(mn, keep, skb);
	} else if (copy && !keep->plays && !keep->gone &&
		   mmp_keep_make_room(mn, keep, copy->truesize)) {
		mmp_keep_add(mn, keep, copy);
		mmp_count(mn, kept);
		copy = NULL;
	}
	spin_unlock_bh(&keep->queue.lock);
	consume_skb(copy);
	if (first)
		roam_sweep_within(&mn->keep_sweep,
				  READ_ONCE(mn->config.keep_time));
	return waits;
}

/* ---- playing ---- */

void mmp_keep_moved(struct mmp_net *mn, const struct in6_addr *addr)
{
	struct mmp_keep *keep = mn->n_keeps ? mmp_keep_find(mn, addr) : NULL;

	if (!keep)
		return;
	spin_lock_bh(&keep->queue.lock);
	keep->moved = true;
	spin_unlock_bh(&keep->queue.lock);
}

struct mmp_keep *mmp_keep_begin(struct mmp_net *mn, const struct in6_addr *addr,
				u32 age, bool moved)
{
	struct mmp_keep *keep = mmp_keep_find(mn, addr);

	if (!keep)
		return NULL;
	spin_lock_bh(&keep->queue.lock);
	moved |= keep->moved;
	keep->moved = false;
	if (moved) {
		mmp_keep_age(mn, keep, age);
		keep->plays = !skb_queue_empty(&keep->queue);
		moved = keep->plays;
	}
	spin_unlock_bh(&keep->queue.lock);
	return moved ? keep : NULL;
}

/*
 * Of packets that come faster than they are sent there is no end: when @left bytes are
 * sent, what waits is for @rest, and what comes then waits no more.
 */
static struct sk_buff *mmp_keep_next(struct mmp_net *mn, struct mmp_keep *keep,
				     s64 *left, struct sk_buff_head *rest)
{
	struct sk_buff *skb;

	spin_lock_bh(&keep->queue.lock);
	skb = *left > 0 ? mmp_keep_take(mn, keep) : NULL;
	if (skb) {
		*left -= skb->truesize;
	} else {
		keep->plays = false;
		atomic_sub(keep->bytes, &mn->keep_bytes);
		keep->bytes = 0;
		skb_queue_splice_tail_init(&keep->queue, rest);
	}
	spin_unlock_bh(&keep->queue.lock);
	return skb;
}

static void mmp_keep_send(struct mmp_net *mn, struct sk_buff *skb,
			  const struct mmp_hop *hop)
{
	struct dst_entry *dst =
		mmp_hop_dst(hop, skb->protocol == htons(ETH_P_IPV6));

	if (!dst) {
		mmp_drop(mn, skb, MMP_DROP_NO_DOWNLINK);
		kfree_skb(skb);
		return;
	}
	skb_dst_drop(skb);
	skb_dst_set_noref(skb, dst);
	mmp_count(mn, played);
	dst_input(skb);
}

void mmp_keep_play(struct mmp_net *mn, struct mmp_keep *keep,
		   const struct mmp_hop *hop)
{
	/* What was there, and as much as may wait. */
	s64 left = 2 * (s64)READ_ONCE(mn->config.keep_bytes);
	struct sk_buff_head rest;
	struct sk_buff *skb;
	unsigned int n = 0;

	__skb_queue_head_init(&rest);
	/* As from the hooks, which run there. */
	local_bh_disable();
	while ((skb = mmp_keep_next(mn, keep, &left, &rest))) {
		mmp_keep_send(mn, skb, hop);
		/* Softirqs have their turn. */
		if (!(++n % MMP_PLAY_AT_ONCE)) {
			local_bh_enable();
			local_bh_disable();
		}
	}
	local_bh_enable();
	local_bh_disable();
	while ((skb = __skb_dequeue(&rest)))
		mmp_keep_send(mn, skb, hop);
	local_bh_enable();
}

/* ---- who keeps ---- */

void mmp_keep_set(struct mmp_net *mn, const struct in6_addr *addr, bool wanted)
{
	struct mmp_keep *keep;
	bool known;

	wanted &= READ_ONCE(mn->config.keep_time) > 0;
	spin_lock_bh(&mn->lock);
	known = mmp_keep_find(mn, addr);
	if (known && !wanted)
		mmp_keep_del(mn, addr);
	spin_unlock_bh(&mn->lock);
	if (known || !wanted || mn->n_keeps == MMP_KEEPS_MAX)
		return;
	keep = kzalloc(sizeof(*keep), mmp_gfp(mn));
	if (!keep)
		return;
	keep->addr = *addr;
	skb_queue_head_init(&keep->queue);
	spin_lock_bh(&mn->lock);
	hash_add_rcu(mn->keeps, &keep->node, mmp_keep_hash(mn, addr));
	WRITE_ONCE(mn->n_keeps, mn->n_keeps + 1);
	spin_unlock_bh(&mn->lock);
}

void mmp_keep_del(struct mmp_net *mn, const struct in6_addr *addr)
{
	struct mmp_keep *keep;

	if (!mn->n_keeps)
		return;
	keep = mmp_keep_find(mn, addr);
	if (!keep)
		return;
	hash_del_rcu(&keep->node);
	WRITE_ONCE(mn->n_keeps, mn->n_keeps - 1);
	mmp_keep_clear(mn, keep, true);
	kfree_rcu(keep, rcu);
}

void mmp_keep_purge(struct mmp_net *mn)
{
	struct mmp_keep *keep;
	int bucket;

	spin_lock_bh(&mn->lock);
	hash_for_each(mn->keeps, bucket, keep, node)
		mmp_keep_clear(mn, keep, false);
	spin_unlock_bh(&mn->lock);
}

/* At most MMP_KEEPS_MAX of them, once in the time that they keep, and none while idle. */
static unsigned long mmp_keep_sweep(struct roam_sweep *sweep)
{
	struct mmp_net *mn = container_of(sweep, struct mmp_net, keep_sweep);
	u32 time = READ_ONCE(mn->config.keep_time);
	struct mmp_keep *keep;
	bool more = false;
	int bucket;

	rcu_read_lock();
	hash_for_each_rcu(mn->keeps, bucket, keep, node) {
		spin_lock_bh(&keep->queue.lock);
		if (!keep->plays)
			mmp_keep_age(mn, keep, time);
		more |= !skb_queue_empty(&keep->queue);
		spin_unlock_bh(&keep->queue.lock);
	}
	rcu_read_unlock();
	return more ? max(time, 1U) : MAX_SCHEDULE_TIMEOUT;
}

void mmp_keep_init(struct mmp_net *mn)
{
	hash_init(mn->keeps);
	mn->keep_seed = get_random_u32();
	roam_sweep_init(&mn->keep_sweep, mmp_keep_sweep);
}

void mmp_keep_exit(struct mmp_net *mn)
{
	roam_sweep_exit(&mn->keep_sweep);
}
