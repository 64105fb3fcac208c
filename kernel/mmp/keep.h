/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What went down to a host with one receiver lately. Such a host hears nobody between
 * the base station that it leaves and the one that it comes to, and cannot say so
 * before. So copies of the last packets are kept where its ways may part, and when it
 * says by the new way for how long it heard nothing, those of that time go there,
 * before anything newer.
 *
 * Contract
 *
 * - Who keeps is in mmp_net.keeps, found under RCU by its address; put in under
 *   mmp_net.mutex and mmp_net.lock, taken out under mmp_net.lock. It goes with the
 *   host's entry.
 * - Copies are protected by the lock of their queue, within mmp_net.lock. A packet is
 *   sent at most twice: what was played is kept no more.
 * - While they are played nothing overtakes them: packets wait in the same queue. After
 *   as much as that may hold was sent beside what was there, packets wait no more.
 * - Bounded by time and bytes for each host, by bytes and hosts for a namespace. No
 *   copy outlives the interface that it came by.
 */
#ifndef ROAM_MMP_KEEP_H
#define ROAM_MMP_KEEP_H

#include <linux/skbuff.h>

#include "hop.h"
#include "mmp.h"

#define MMP_KEEPS_MAX 4096
#define MMP_KEEP_TOTAL (64U << 20)

/**
 * struct mmp_keep - copies for a host
 * @node: in mmp_net.keeps
 * @addr: care-of address, the key
 * @queue: the copies, the oldest first
 * @bytes: of memory that they hold; lock of @queue
 * @moved: the host sent data by another downlink than before, and has not said yet for
 *	how long it heard nothing; lock of @queue
 * @plays: they are sent; packets go behind them; lock of @queue
 * @gone: it was taken out, nothing is added any more; lock of @queue
 * @rcu: frees it
 */
struct mmp_keep {
	struct hlist_node node;
	struct in6_addr addr;
	struct sk_buff_head queue;
	u32 bytes;
	bool moved;
	bool plays;
	bool gone;
	struct rcu_head rcu;
};

void mmp_keep_init(struct mmp_net *mn);
void mmp_keep_exit(struct mmp_net *mn);

/**
 * mmp_keep_set - begin or stop to keep what goes to a host
 * @mn: namespace; mutex held
 * @addr: the host, which has an entry
 * @wanted: begin, unless it is kept already; without memory or room nothing is
 */
void mmp_keep_set(struct mmp_net *mn, const struct in6_addr *addr, bool wanted);
/* Its entry ends; mmp_net.lock held. */
void mmp_keep_del(struct mmp_net *mn, const struct in6_addr *addr);
/* What is kept for anybody may be about an interface that goes. */
void mmp_keep_purge(struct mmp_net *mn);

bool __mmp_keep_packet(struct mmp_net *mn, const struct in6_addr *addr,
		       struct sk_buff *skb);

/*
 * A packet goes down: a copy is kept where that is wanted. True: it waits behind
 * what is played, and is the caller's no more. Under RCU.
 */
static inline bool mmp_keep_packet(struct mmp_net *mn,
				   const struct in6_addr *addr,
				   struct sk_buff *skb)
{
	return unlikely(READ_ONCE(mn->n_keeps)) &&
	       __mmp_keep_packet(mn, addr, skb);
}

/* Data that climbed gave its entry another downlink; mmp_net.lock held. */
void mmp_keep_moved(struct mmp_net *mn, const struct in6_addr *addr);

/**
 * mmp_keep_begin - a host says for how long it heard nothing
 * @mn: namespace; its mutex and lock held, under RCU
 * @addr: the host
 * @age: the time in jiffies
 * @moved: by another downlink than before; or else data came by it already
 *
 * Before the entry changes: from now on packets wait.
 *
 * Return: what is to be given to mmp_keep_play(), or NULL.
 */
struct mmp_keep *mmp_keep_begin(struct mmp_net *mn, const struct in6_addr *addr,
				u32 age, bool moved);
/* Sends it by @hop, with what waited behind it. Under RCU, without the lock. */
void mmp_keep_play(struct mmp_net *mn, struct mmp_keep *keep,
		   const struct mmp_hop *hop);

#endif
