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
 *   roam_config.peer_time without a packet or a connection. All of these may
 *   run at once: the table's own bucket locks serialise them, and whoever takes
 *   an entry out of the table frees it.
 * - An unauthenticated sender cannot fill the table: it takes a connection
 *   that a local socket has completed, or a packet this host sends; and
 *   roam_config.max_peers bounds it.
 */
#ifndef ROAM_MANGLE_PEER_H
#define ROAM_MANGLE_PEER_H

#include <linux/rhashtable.h>
#include <net/sock.h>

#include "addr.h"
#include "mangle.h"

/**
 * struct roam_peer_key - who talks to whom
 * @own: own permanent address
 * @addr: the correspondent
 */
struct roam_peer_key {
	struct in6_addr own;
	struct in6_addr addr;
};

/**
 * struct roam_peer - a correspondent
 * @node: in roam_net.peers
 * @key: the key
 * @used: jiffies of the last packet, or when a connection was found that sent none
 *	for long; written only if changed
 * @mode: enum roam_mangle_peer_mode, one byte written at once
 * @epoch: roam_mapping.epoch of the own address when this correspondent was last
 *	known to know where it is. While the two differ, and it is not plain,
 *	nothing is sent to it: a host that gets a segment from an address it does
 *	not know has no socket for it and would reset the connection.
 * @moved: roam_net.epoch when it was told of a move, 0 before; see resume.h
 * @refused: it reset what came from the present care-of address, before it knew
 *	whose that is; to be sent again
 * @until: jiffies64. While it is announced: until then packets follow; unconfirmed
 *	so long, they wait. Afterwards: until then a reset may be one that it sent
 *	before it knew
 * @rcu: frees it
 */
struct roam_peer {
	struct rhash_head node;
	struct roam_peer_key key;
	u32 used;
	u32 epoch;
	u32 moved;
	u8 mode;
	bool refused;
	u64 until;
	struct rcu_head rcu;
};

struct roam_mapping;

/* Whom a connection is with. */
static inline struct roam_peer_key roam_peer_key_of(const struct sock *sk)
{
	if (sk->sk_family == AF_INET6)
		return (struct roam_peer_key){ sk->sk_v6_rcv_saddr,
					       sk->sk_v6_daddr };
	return (struct roam_peer_key){ roam_addr4(sk->sk_rcv_saddr),
				       roam_addr4(sk->sk_daddr) };
}

/* The correspondent or NULL; under rcu_read_lock(). */
struct roam_peer *roam_peer_find(struct roam_net *rn,
				 const struct roam_peer_key *key);

static inline void roam_peer_touch(struct roam_peer *peer)
{
	u32 now = (u32)jiffies;

	if (READ_ONCE(peer->used) != now)
		WRITE_ONCE(peer->used, now);
}

/* Does it know where the own address with this epoch is? */
static inline bool roam_peer_knows(const struct roam_peer *peer, u32 epoch)
{
	return READ_ONCE(peer->epoch) == epoch &&
	       READ_ONCE(peer->mode) != ROAM_MANGLE_PEER_MODE_ANNOUNCED;
}

/* As far as it has to? */
static inline bool roam_peer_is_told(const struct roam_peer *peer, u32 epoch)
{
	return roam_peer_knows(peer, epoch) ||
	       READ_ONCE(peer->mode) == ROAM_MANGLE_PEER_MODE_PLAIN;
}

/*
 * Will it know when a packet gets there? If not, a segment of an open connection
 * does no harm (see roam_peer_resets_early()); anything else would.
 */
static inline bool roam_peer_may_know(const struct roam_peer *peer, u32 epoch)
{
	return READ_ONCE(peer->mode) == ROAM_MANGLE_PEER_MODE_ANNOUNCED &&
	       READ_ONCE(peer->epoch) == epoch &&
	       get_jiffies_64() < READ_ONCE(peer->until);
}

/**
 * struct roam_seen - the correspondent seen last on a CPU
 * @own: mapping of the own permanent address; only compared
 * @addr: the correspondent
 * @when: jiffies
 *
 * Within a tick there is nothing to touch again: a stream does not look its
 * correspondent up for each segment.
 */
struct roam_seen {
	const struct roam_mapping *own;
	struct in6_addr addr;
	u32 when;
};

/* By value: a packet's address need not be in memory for this. */
void __roam_peer_see(struct roam_net *rn, const struct roam_mapping *own,
		     struct in6_addr addr, bool current_address);

/**
 * roam_peer_see - a packet of an established connection came from it
 * @rn: namespace; under rcu_read_lock(), in softirq
 * @own: mapping of the own permanent address
 * @addr: the correspondent
 * @current_address: it came to the present care-of address, not to one just left
 *
 * Touches the entry, or makes one in mode "seen" and tells the daemon.
 */
static inline void roam_peer_see(struct roam_net *rn,
				 const struct roam_mapping *own,
				 const struct in6_addr *addr,
				 bool current_address)
{
	const struct roam_seen *seen = this_cpu_ptr(rn->seen);

	if (seen->own != own || seen->when != (u32)jiffies ||
	    roam_addr_differ(&seen->addr, addr))
		__roam_peer_see(rn, own, *addr, current_address);
}

/**
 * roam_peer_resets_early - a reset came from it that refuses a segment
 * @rn: namespace; under rcu_read_lock(), in softirq
 * @own: mapping of the own permanent address
 * @addr: the correspondent
 *
 * Such a reset has no ACK; one that ends a connection on purpose has (RFC 9293,
 * 3.10.7.1 and 3.5.2).
 *
 * Return: true if it may have been sent when the correspondent did not know whose
 * our address is: it is no word about the connection, and goes no further. What
 * it was an answer to is sent again once it confirms.
 */
bool roam_peer_resets_early(struct roam_net *rn,
			    const struct roam_mapping *own,
			    struct in6_addr addr);

/**
 * roam_peer_set - add or change a correspondent that knows where we are
 * @rn: namespace; its lock is held
 * @key: who
 * @mode: enum roam_mangle_peer_mode; "announced" again sends again what it may
 *	not have taken
 * @extack: gets the cause of a refusal
 *
 * Return: 0, -ENOSPC or -ENOMEM.
 */
int roam_peer_set(struct roam_net *rn, const struct roam_peer_key *key,
		  u8 mode, struct netlink_ext_ack *extack);
/* 0 or -ENOENT. */
int roam_peer_del(struct roam_net *rn, const struct roam_peer_key *key);
void roam_peer_flush(struct roam_net *rn);
/*
 * Forgets the idle, but nobody with a connection; jiffies until the next may go, or
 * MAX_SCHEDULE_TIMEOUT.
 */
unsigned long roam_peer_sweep(struct roam_net *rn);

int roam_peer_init(struct roam_net *rn);
void roam_peer_exit(struct roam_net *rn);

#endif
