// SPDX-License-Identifier: GPL-2.0-only
#include <linux/jhash.h>
#include <linux/jiffies.h>
#include <linux/netlink.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>

#include "netlink.h"
#include "peer.h"
#include "resume.h"
#include "table.h"
#include "whom.h"

/* Longer than this packets follow no announce that is not confirmed. */
#define ROAM_FOLLOW_TIME HZ
/*
 * A reset may take this much longer than the confirm that was sent after it. What
 * is lost by that is little: a segment to a connection that is really gone is
 * answered by another one.
 */
#define ROAM_RESET_LATE (HZ / 10)

/*
 * Connections that are silent keep their correspondents, but that takes a walk over all
 * of them: at most one in this part of roam_config.peer_time.
 */
#define ROAM_KEEP_PART 8

/* Keys come from the network here, so the hash is one that nobody foresees. */
static __always_inline u32 roam_peer_hash(const void *key, u32 len, u32 seed)
{
	return jhash2(key, len / sizeof(u32), seed);
}

static int roam_peer_cmp(struct rhashtable_compare_arg *arg, const void *peer)
{
	return roam_addrs_differ(arg->key,
				 &((const struct roam_peer *)peer)->key.own, 2);
}

static const struct rhashtable_params roam_peer_params = {
	.head_offset = offsetof(struct roam_peer, node),
	.key_offset = offsetof(struct roam_peer, key),
	.key_len = sizeof(struct roam_peer_key),
	.hashfn = roam_peer_hash,
	.obj_cmpfn = roam_peer_cmp,
	.automatic_shrinking = true,
};

struct roam_peer *roam_peer_find(struct roam_net *rn,
				 const struct roam_peer_key *key)
{
	struct rhash_head *node;

	BUILD_BUG_ON(offsetof(struct roam_peer, key) != sizeof(*node));
	BUILD_BUG_ON(sizeof(*key) != 2 * sizeof(key->own));
	if (unlikely(!roam_table_look(&rn->peers, &key->own, 2, roam_peer_hash,
				      &node)))
		return rhashtable_lookup(&rn->peers, key, roam_peer_params);
	return node ? container_of(node, struct roam_peer, node) : NULL;
}

/* Adds an entry, or returns the one that somebody else added meanwhile. */
static struct roam_peer *roam_peer_add(struct roam_net *rn,
				       const struct roam_peer_key *key,
				       u8 mode, u32 epoch, bool *added)
{
	struct roam_peer *peer, *other;

	*added = false;
	if (atomic_read(&rn->peers.nelems) >= rn->config.max_peers) {
		roam_count(rn, peers_full);
		return ERR_PTR(-ENOSPC);
	}
	peer = kzalloc(sizeof(*peer), GFP_ATOMIC);
	if (!peer)
		return ERR_PTR(-ENOMEM);
	peer->key = *key;
	peer->used = (u32)jiffies;
	peer->mode = mode;
	peer->epoch = epoch;

	other = rhashtable_lookup_get_insert_fast(&rn->peers, &peer->node,
						  roam_peer_params);
	if (other) {
		kfree(peer);
		return other;
	}
	*added = true;
	atomic_inc(&rn->generation);
	roam_sweep_within(rn, rn->config.peer_time);
	return peer;
}

void __roam_peer_see(struct roam_net *rn, const struct roam_mapping *own,
		     struct in6_addr addr, bool current_address)
{
	const struct roam_peer_key key = { own->perm, addr };
	struct roam_peer *peer;
	bool added;

	peer = roam_peer_find(rn, &key);
	if (likely(peer)) {
		roam_peer_touch(peer);
		*this_cpu_ptr(rn->seen) = (struct roam_seen){
			own, addr, (u32)jiffies };
		return;
	}
	peer = roam_peer_add(rn, &key, ROAM_MANGLE_PEER_MODE_SEEN,
			     current_address ? READ_ONCE(own->epoch) : 0,
			     &added);
	if (!IS_ERR(peer) && added)
		roam_nl_peer_event(rn, peer, ROAM_MANGLE_REASON_NEW);
}

bool roam_peer_resets_early(struct roam_net *rn,
			    const struct roam_mapping *own,
			    struct in6_addr addr)
{
	const struct roam_peer_key key = { own->perm, addr };
	struct roam_peer *peer = roam_peer_find(rn, &key);
	u8 mode;

	if (!peer)
		return false;
	mode = READ_ONCE(peer->mode);
	if (roam_peer_is_told(peer, READ_ONCE(own->epoch)) &&
	    (mode == ROAM_MANGLE_PEER_MODE_PLAIN ||
	     get_jiffies_64() >= READ_ONCE(peer->until)))
		return false;
	WRITE_ONCE(peer->refused, true);
	return true;
}

static void roam_peer_change(struct roam_net *rn, struct roam_peer *peer,
			     u8 mode, u32 epoch)
{
	bool was_announced = READ_ONCE(peer->mode) ==
			     ROAM_MANGLE_PEER_MODE_ANNOUNCED;
	bool announced = mode == ROAM_MANGLE_PEER_MODE_ANNOUNCED;
	u64 now = get_jiffies_64();
	bool again = READ_ONCE(peer->epoch) != epoch || announced ||
		     READ_ONCE(peer->refused) ||
		     (was_announced && now >= READ_ONCE(peer->until));

	if (!again && READ_ONCE(peer->mode) == mode)
		return;
	if (announced)
		WRITE_ONCE(peer->until, now + ROAM_FOLLOW_TIME);
	else if (was_announced)
		WRITE_ONCE(peer->until, now + ROAM_RESET_LATE);
	WRITE_ONCE(peer->refused, false);
	WRITE_ONCE(peer->epoch, epoch);
	WRITE_ONCE(peer->mode, mode);
	atomic_inc(&rn->generation);
	if (again) {
		WRITE_ONCE(peer->moved, atomic_inc_return(&rn->epoch));
		roam_resume(rn);
	}
	roam_nl_peer_event(rn, peer, ROAM_MANGLE_REASON_REFRESHED);
}

int roam_peer_set(struct roam_net *rn, const struct roam_peer_key *key,
		  u8 mode, struct netlink_ext_ack *extack)
{
	struct roam_mapping *own;
	struct roam_peer *peer;
	u32 epoch = 0;
	bool added;

	lockdep_assert_held(&rn->lock);
	rcu_read_lock();
	own = roam_mapping_find(rn, &key->own);
	if (own)
		epoch = READ_ONCE(own->epoch);
	peer = roam_peer_add(rn, key, mode, epoch, &added);
	if (IS_ERR(peer)) {
		int err = PTR_ERR(peer);

		/* A full table still lets the known ones change. */
		peer = roam_peer_find(rn, key);
		if (!peer) {
			rcu_read_unlock();
			if (err == -ENOSPC)
				NL_SET_ERR_MSG_MOD(extack,
						   "limit of correspondents reached; raise max-peers");
			else
				NL_SET_ERR_MSG_MOD(extack,
						   "no memory for the correspondent");
			return err;
		}
	}
	if (added)
		roam_nl_peer_event(rn, peer, ROAM_MANGLE_REASON_NEW);
	else
		roam_peer_change(rn, peer, mode, epoch);
	rcu_read_unlock();
	return 0;
}

/* True if it was us who took it out; under rcu_read_lock(). */
static bool roam_peer_remove(struct roam_net *rn, struct roam_peer *peer,
			     u8 reason)
{
	if (rhashtable_remove_fast(&rn->peers, &peer->node, roam_peer_params))
		return false;
	atomic_inc(&rn->generation);
	roam_nl_peer_event(rn, peer, reason);
	kfree_rcu(peer, rcu);
	return true;
}

int roam_peer_del(struct roam_net *rn, const struct roam_peer_key *key)
{
	struct roam_peer *peer;
	int err = -ENOENT;

	rcu_read_lock();
	peer = roam_peer_find(rn, key);
	if (peer && roam_peer_remove(rn, peer, ROAM_MANGLE_REASON_DELETED))
		err = 0;
	rcu_read_unlock();
	return err;
}

/*
 * In how many jiffies the next entry will have been idle for @idle, 0: there are such
 * entries. @remove: there were, they are gone.
 */
static unsigned long roam_peer_idle_walk(struct roam_net *rn, u32 idle,
					 bool remove, u8 reason)
{
	unsigned long next = MAX_SCHEDULE_TIMEOUT;
	struct rhashtable_iter iter;
	struct roam_peer *peer;
	u32 age;

	rhashtable_walk_enter(&rn->peers, &iter);
	rhashtable_walk_start(&iter);
	while ((peer = rhashtable_walk_next(&iter))) {
		if (IS_ERR(peer))
			continue;
		age = (u32)jiffies - READ_ONCE(peer->used);
		if (age < idle)
			next = min_t(unsigned long, next, idle - age);
		else if (remove)
			roam_peer_remove(rn, peer, reason);
		else
			next = 0;
	}
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);
	return next;
}

void roam_peer_flush(struct roam_net *rn)
{
	roam_peer_idle_walk(rn, 0, true, ROAM_MANGLE_REASON_DELETED);
}

/* One that cannot be told is forgotten all the same, as with packets to it. */
static bool roam_peer_has_socket(struct roam_net *rn, struct sock *sk,
				 void *ctx)
{
	const struct roam_peer_key key = roam_peer_key_of(sk);
	struct roam_mapping *own = roam_mapping_find(rn, &key.own);
	struct roam_peer *peer = roam_peer_find(rn, &key);

	if (peer && own && roam_peer_is_told(peer, READ_ONCE(own->epoch)))
		roam_peer_touch(peer);
	return true;
}

unsigned long roam_peer_sweep(struct roam_net *rn)
{
	const u32 time = rn->config.peer_time;
	const unsigned long pause = time / ROAM_KEEP_PART;
	unsigned long next, since = jiffies - rn->peers_kept;
	unsigned int chain;

	next = roam_peer_idle_walk(rn, time, false, 0);
	if (next)
		return next;
	/* Where they come and go, not for each that goes. */
	if (since < pause)
		return pause - since;
	for (chain = 0; roam_chain_next(rn, &chain); chain++) {
		roam_chain_walk(rn, chain, roam_peer_has_socket, NULL);
		cond_resched();
	}
	rn->peers_kept = jiffies;
	return roam_peer_idle_walk(rn, time, true, ROAM_MANGLE_REASON_EXPIRED);
}

int roam_peer_init(struct roam_net *rn)
{
	int err;

	rn->peers_kept = jiffies - MAX_JIFFY_OFFSET;
	rn->seen = alloc_percpu(struct roam_seen);
	if (!rn->seen)
		return -ENOMEM;
	err = rhashtable_init(&rn->peers, &roam_peer_params);
	if (err)
		free_percpu(rn->seen);
	return err;
}

static void roam_peer_free(void *entry, void *ctx)
{
	kfree(entry);
}

void roam_peer_exit(struct roam_net *rn)
{
	/* Without events: the family may be gone. */
	rhashtable_free_and_destroy(&rn->peers, roam_peer_free, NULL);
	free_percpu(rn->seen);
}
