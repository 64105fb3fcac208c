/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Entries: care-of address -> downlink, two of them during a semi-soft handoff.
 *
 * Contract
 *
 * - Readers hold rcu_read_lock(). The hooks write nothing but .used, one word.
 * - Every other change is made under mmp_net.lock, in softirq as well: data heals.
 *   What is taken out is freed by RCU.
 * - An entry lives by what climbs from the host by one of its downlinks (TEN-14): .used
 *   of that downlink is the time. Nobody is woken by that; when its end is due the
 *   entry is asked, and queued again.
 * - .hop[0] is never NULL. .hop[1] is there until .second_until. An end of .hop[0]
 *   before that of .hop[1] lets the second one take its place.
 */
#ifndef ROAM_MMP_TABLE_H
#define ROAM_MMP_TABLE_H

#include "../core/lookup.h"
#include "hop.h"
#include "mmp.h"

#define MMP_HOPS 2

/**
 * struct mmp_host - an entry
 * @node: in mmp_net.hosts
 * @addr: care-of address, the key
 * @hop: the downlinks, counted; RCU
 * @left: the downlink that a request replaced, counted, or NULL; mmp_net.lock
 * @seq: sequence of the last message; mmp_net.lock
 * @used: jiffies when something climbed last by each downlink
 * @second_until: jiffies when the second downlink goes; mmp_net.lock
 * @left_at: jiffies when @left was left; mmp_net.lock
 * @end: in mmp_net.ends
 * @rcu: frees it
 *
 * There may be a million: at most 128 bytes with its share of the table.
 */
struct mmp_host {
	struct rhash_head node;
	struct in6_addr addr;
	struct mmp_hop __rcu *hop[MMP_HOPS];
	struct mmp_hop *left;
	u64 seq;
	u32 used[MMP_HOPS];
	u32 second_until;
	u32 left_at;
	struct roam_end end;
	struct rcu_head rcu;
};

#define MMP_HOST_PARAMS ROAM_TABLE_PARAMS(struct mmp_host, node, addr)

/* The entry of an address or NULL; under rcu_read_lock(). */
static __always_inline struct mmp_host *
mmp_host_find(struct mmp_net *mn, const struct in6_addr *addr)
{
	return roam_table_entry(roam_table_find(&mn->hosts, addr, 1),
				struct mmp_host, node);
}

/*
 * Something climbed by this downlink: true if it is one of the entry's, which is
 * refreshed. The word is written when it changes only.
 */
static __always_inline bool mmp_host_climbs(struct mmp_host *host, u32 ifindex,
					    const u8 *mac)
{
	const struct mmp_hop *hop;
	u32 now = jiffies;
	int i;

	for (i = 0; i < MMP_HOPS; i++) {
		hop = rcu_dereference(host->hop[i]);
		if (!hop)
			break;
		if (!mmp_hop_is(hop, ifindex, mac))
			continue;
		if (READ_ONCE(host->used[i]) != now)
			WRITE_ONCE(host->used[i], now);
		return true;
	}
	return false;
}

/**
 * struct mmp_host_request - an entry that is to be set
 * @addr: care-of address
 * @hop: its downlinks, each with a reference that is taken over; the second may
 *	be NULL
 * @seq: sequence
 * @keep: copies of what goes down to it are kept
 * @play: those of so many jiffies go to the downlink, if that is another one
 */
struct mmp_host_request {
	struct in6_addr addr;
	struct mmp_hop *hop[MMP_HOPS];
	u64 seq;
	bool keep;
	u32 play;
};

/**
 * mmp_host_set - add or replace an entry
 * @mn: namespace; mutex held
 * @req: what is wanted
 * @extack: gets the cause of a refusal
 *
 * Return: 0, -ESTALE, -ENOSPC, -ENOMEM or what the table says.
 */
int mmp_host_set(struct mmp_net *mn, const struct mmp_host_request *req,
		 struct netlink_ext_ack *extack);
/* False if there is none. */
bool mmp_host_del(struct mmp_net *mn, const struct in6_addr *addr);
/* Removes all; returns their number. Mutex held. */
u32 mmp_host_flush(struct mmp_net *mn);

/**
 * mmp_host_heal - data of a host climbs by a node below that is no downlink of it
 * @mn: namespace; under rcu_read_lock(), in softirq or behind NFQUEUE in a program
 * @addr: its source, in a subnet
 * @hop: where it came from
 *
 * Makes the entry, or replaces its one downlink (MMP-59, TEN-15).
 */
void mmp_host_heal(struct mmp_net *mn, const struct in6_addr *addr,
		   struct mmp_hop *hop);

/* Ends what is due. Returns jiffies until the next end. */
unsigned long mmp_table_sweep(struct roam_sweep *sweep);

/* An empty table, which tells @event what happens. 0 or -ENOMEM. */
int mmp_table_init(struct mmp_net *mn,
		   void (*event)(struct mmp_net *mn, const struct mmp_host *host,
				 u8 reason));
void mmp_table_exit(struct mmp_net *mn);
int mmp_table_cache_init(void);
void mmp_table_cache_exit(void);

#endif
