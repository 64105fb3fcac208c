/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Correspondents seen: who exchanges TCP with an own permanent address, open
 * or closed a while ago (MLR-35, MLR-37). The daemon announces each move to
 * them.
 *
 * Contract
 *
 * - Readers hold rcu_read_lock().
 * - Entries come from the hooks in softirq (an established connection was
 *   seen) and from netlink; they go by netlink or by the sweep, after
 *   mangle_config.peer_time without a packet or a connection. All of these may
 *   run at once: the table's own bucket locks serialise them, and whoever takes
 *   an entry out of the table frees it.
 * - Who forges his address gets no entry: it takes a connection that a local
 *   socket has completed, or a packet that this host sends of its own accord;
 *   mangle_config.max_peers bounds it. In a full table the oldest of those goes
 *   that never confirmed anything: its connection asks again, if it has one.
 * - The table tells its user by struct mangle_peer_ops what happened.
 */
#ifndef ROAM_MANGLE_PEER_H
#define ROAM_MANGLE_PEER_H

#include <net/sock.h>

#include "../core/lookup.h"
#include "../core/sweep.h"
#include "config.h"
#include "stats.h"
#include "table.h"

/* Jiffies after a packet to an address just left: who answers it is told first. */
#define MANGLE_LATE_TIME HZ

/**
 * struct mangle_peer_key - who talks to whom
 * @own: own permanent address
 * @addr: the correspondent
 */
struct mangle_peer_key {
	struct in6_addr own;
	struct in6_addr addr;
};

/**
 * struct mangle_peer - a correspondent
 * @node: in mangle_peers.by_key
 * @key: the key
 * @used: jiffies of the last packet, or when a connection was found that sent none
 *	for long; written only if changed
 * @mode: enum roam_mangle_peer_mode, one byte written at once
 * @epoch: mangle_mapping.epoch of the own address when this correspondent was last
 *	known to know where it is. While the two differ, and it is not plain,
 *	nothing is sent to it: a host that gets a segment from an address it does
 *	not know has no socket for it and would reset the connection.
 * @moved: mangle_table.epoch when it was told of a move, 0 before; see resume.h
 * @refused: it reset what came from the present care-of address, before it knew
 *	whose that is; to be sent again
 * @until: jiffies64. While it is announced: until then packets follow; unconfirmed
 *	so long, they wait. Afterwards: until then a reset may be one that it sent
 *	before it knew
 * @unproven: in mangle_peers.unproven while it has not confirmed anything
 * @rcu: frees it
 */
struct mangle_peer {
	struct rhash_head node;
	struct mangle_peer_key key;
	u32 used;
	u32 epoch;
	u32 moved;
	u8 mode;
	bool refused;
	u64 until;
	struct list_head unproven;
	struct rcu_head rcu;
};

struct mangle_peers;

/**
 * struct mangle_peer_ops - what the table of correspondents tells its user
 * @event: one came, changed or went; under rcu_read_lock(), in any context
 * @told: one learned of a move, and has got a number of mangle_table.epoch; the
 *	lock of that is held
 */
struct mangle_peer_ops {
	void (*event)(struct mangle_peers *peers,
		      const struct mangle_peer *peer, u8 reason);
	void (*told)(struct mangle_peers *peers);
};

/**
 * struct mangle_seen - the correspondent seen last on a CPU
 * @own: mapping of the own permanent address; only compared
 * @addr: the correspondent
 * @when: jiffies
 *
 * Within a tick there is nothing to touch again: a stream does not look its
 * correspondent up for each segment.
 */
struct mangle_seen {
	const struct mangle_mapping *own;
	struct in6_addr addr;
	u32 when;
};

/**
 * struct mangle_peers - the correspondents of a namespace
 * @by_key: struct mangle_peer by own permanent address and peer
 * @seen: the correspondent seen last on each CPU
 * @lock: protects @unproven; taken in softirq
 * @unproven: those that never confirmed anything, the oldest first
 * @late: jiffies when a packet came to an own care-of address just left
 * @kept: jiffies when those with a connection were looked for; the sweeper's
 * @look: jiffies before which none can be idle for long enough; the sweeper's
 * @retimed: the time for that has changed
 * @table: mappings of the own addresses, with the lock and the epoch
 * @net: the namespace, for its sockets
 * @config: settings
 * @stats: counters
 * @sweep: has mangle_peer_sweep() called
 * @ops: of the user
 */
struct mangle_peers {
	struct rhashtable by_key;
	struct mangle_seen __percpu *seen;
	spinlock_t lock;
	struct list_head unproven;
	unsigned long late;
	unsigned long kept;
	unsigned long look;
	bool retimed;
	struct mangle_table *table;
	struct net *net;
	const struct mangle_config *config;
	struct mangle_stats __percpu *stats;
	struct roam_sweep *sweep;
	const struct mangle_peer_ops *ops;
};

/* The correspondent or NULL; under rcu_read_lock(). */
struct mangle_peer *mangle_peer_find(struct mangle_peers *peers,
				     const struct mangle_peer_key *key);

/* Whom a connection is with. */
static inline struct mangle_peer_key mangle_peer_key_of(const struct sock *sk)
{
	if (sk->sk_family == AF_INET6)
		return (struct mangle_peer_key){ sk->sk_v6_rcv_saddr,
					       sk->sk_v6_daddr };
	return (struct mangle_peer_key){ roam_addr4(sk->sk_rcv_saddr),
				       roam_addr4(sk->sk_daddr) };
}

static inline void mangle_peer_touch(struct mangle_peer *peer)
{
	u32 now = (u32)jiffies;

	if (READ_ONCE(peer->used) != now)
		WRITE_ONCE(peer->used, now);
}

/* Does it know where the own address with this epoch is? */
static inline bool mangle_peer_knows(const struct mangle_peer *peer, u32 epoch)
{
	return READ_ONCE(peer->epoch) == epoch &&
	       READ_ONCE(peer->mode) != ROAM_MANGLE_PEER_MODE_ANNOUNCED;
}

/* Does it know as much as it has to? A plain one needs to know nothing. */
static inline bool mangle_peer_is_told(const struct mangle_peer *peer, u32 epoch)
{
	return mangle_peer_knows(peer, epoch) ||
	       READ_ONCE(peer->mode) == ROAM_MANGLE_PEER_MODE_PLAIN;
}

/*
 * Will it know when a packet gets there? If not, a segment of an open connection
 * does no harm (see mangle_peer_resets_early()); anything else would.
 */
static inline bool mangle_peer_may_know(const struct mangle_peer *peer, u32 epoch)
{
	return READ_ONCE(peer->mode) == ROAM_MANGLE_PEER_MODE_ANNOUNCED &&
	       READ_ONCE(peer->epoch) == epoch &&
	       get_jiffies_64() < READ_ONCE(peer->until);
}

/* The address comes by value, so that a packet's need not be in memory for this. */
void __mangle_peer_see(struct mangle_peers *peers, const struct mangle_mapping *own,
		       struct in6_addr addr, bool current_address);

/**
 * mangle_peer_see - a packet of an established connection came from it
 * @peers: the table; under rcu_read_lock(), in softirq
 * @own: mapping of the own permanent address
 * @addr: the correspondent
 * @current_address: it came to the present care-of address, not to one just left
 *
 * Touches the entry, or makes one in mode "seen" and tells the daemon.
 */
static inline void mangle_peer_see(struct mangle_peers *peers,
				   const struct mangle_mapping *own,
				   const struct in6_addr *addr,
				   bool current_address)
{
	/* No more than a hint, so that a program behind NFQUEUE may change its CPU. */
	const struct mangle_seen *seen = raw_cpu_ptr(peers->seen);

	if (seen->own != own || seen->when != (u32)jiffies ||
	    roam_addr_differ(&seen->addr, addr))
		__mangle_peer_see(peers, own, *addr, current_address);
}

/**
 * mangle_peer_resets_early - a reset came from it that refuses a segment
 * @peers: the table; under rcu_read_lock(), in softirq
 * @own: mapping of the own permanent address
 * @addr: the correspondent
 *
 * Such a reset has no ACK; one that ends a connection on purpose has (RFC 9293,
 * 3.10.7.1 and 3.5.2).
 *
 * Return: true if the reset may have been sent when the correspondent did not know
 * whose our address is. Such a reset says nothing about the connection, so it is to be
 * dropped; the segment that it refused is sent again when the correspondent confirms.
 */
bool mangle_peer_resets_early(struct mangle_peers *peers,
			      const struct mangle_mapping *own,
			      struct in6_addr addr);

/**
 * mangle_peer_set - add or change a correspondent that knows where we are
 * @peers: the table; the lock of the mappings is held
 * @key: who
 * @mode: enum roam_mangle_peer_mode; "announced" again sends again what it may
 *	not have taken
 * @extack: gets the cause of a refusal
 *
 * Return: 0, -ENOSPC or -ENOMEM.
 */
int mangle_peer_set(struct mangle_peers *peers, const struct mangle_peer_key *key,
		    u8 mode, struct netlink_ext_ack *extack);
/* 0 or -ENOENT. */
int mangle_peer_del(struct mangle_peers *peers, const struct mangle_peer_key *key);
void mangle_peer_flush(struct mangle_peers *peers);
/*
 * Forgets the idle, but nobody with a connection; jiffies until the next may go, or
 * MAX_SCHEDULE_TIMEOUT.
 */
unsigned long mangle_peer_sweep(struct mangle_peers *peers);
/* The time after which they are forgotten has changed: sweep soon. */
void mangle_peer_retime(struct mangle_peers *peers);

/**
 * mangle_peer_init - make the table of a namespace
 * @peers: the table; .table, .net, .config, .stats, .sweep and .ops are set
 *
 * Return: 0 or -ENOMEM.
 */
int mangle_peer_init(struct mangle_peers *peers);
void mangle_peer_exit(struct mangle_peers *peers);

#endif
