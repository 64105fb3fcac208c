// SPDX-License-Identifier: GPL-2.0-only
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
#define MANGLE_FOLLOW_TIME HZ
/*
 * A reset may take this much longer than the confirm that was sent after it. What
 * is lost by that is little: a segment to a connection that is really gone is
 * answered by another one.
 */
#define MANGLE_RESET_LATE (HZ / 10)

/*
 * Connections that are silent keep their correspondents, but that takes a walk over all
 * of them: at most one in this part of mangle_config.peer_time.
 */
#define MANGLE_KEEP_PART 8

static const struct rhashtable_params mangle_peer_params =
	ROAM_TABLE_PARAMS(struct mangle_peer, node, key);

struct mangle_peer *mangle_peer_find(struct mangle_net *mn,
				     const struct mangle_peer_key *key)
{
	BUILD_BUG_ON(sizeof(*key) != 2 * sizeof(key->own));
	return roam_table_entry(roam_table_find(&mn->peers, &key->own, 2),
				struct mangle_peer, node);
}

/* Adds an entry, or returns the one that somebody else added meanwhile. */
static struct mangle_peer *mangle_peer_add(struct mangle_net *mn,
				       const struct mangle_peer_key *key,
				       u8 mode, u32 epoch, bool *added)
{
	struct mangle_peer *peer, *other;

	*added = false;
	if (atomic_read(&mn->peers.nelems) >= mn->config.max_peers) {
		mangle_count(mn, peers_full);
		return ERR_PTR(-ENOSPC);
	}
	peer = kzalloc(sizeof(*peer), GFP_ATOMIC);
	if (!peer)
		return ERR_PTR(-ENOMEM);
	peer->key = *key;
	peer->used = (u32)jiffies;
	peer->mode = mode;
	peer->epoch = epoch;

	other = rhashtable_lookup_get_insert_fast(&mn->peers, &peer->node,
						  mangle_peer_params);
	if (other) {
		kfree(peer);
		return other;
	}
	*added = true;
	atomic_inc(&mn->generation);
	roam_sweep_within(&mn->sweep, mn->config.peer_time);
	return peer;
}

void __roam_peer_see(struct mangle_net *mn, const struct mangle_mapping *own,
		     struct in6_addr addr, bool current_address)
{
	const struct mangle_peer_key key = { own->perm, addr };
	struct mangle_peer *peer;
	bool added;

	peer = mangle_peer_find(mn, &key);
	if (likely(peer)) {
		mangle_peer_touch(peer);
		*this_cpu_ptr(mn->seen) = (struct mangle_seen){
			own, addr, (u32)jiffies };
		return;
	}
	peer = mangle_peer_add(mn, &key, ROAM_MANGLE_PEER_MODE_SEEN,
			     current_address ? READ_ONCE(own->epoch) : 0,
			     &added);
	if (!IS_ERR(peer) && added)
		mangle_nl_peer_event(mn, peer, ROAM_MANGLE_REASON_NEW);
}

bool mangle_peer_resets_early(struct mangle_net *mn,
			    const struct mangle_mapping *own,
			    struct in6_addr addr)
{
	const struct mangle_peer_key key = { own->perm, addr };
	struct mangle_peer *peer = mangle_peer_find(mn, &key);
	u8 mode;

	if (!peer)
		return false;
	mode = READ_ONCE(peer->mode);
	if (mangle_peer_is_told(peer, READ_ONCE(own->epoch)) &&
	    (mode == ROAM_MANGLE_PEER_MODE_PLAIN ||
	     get_jiffies_64() >= READ_ONCE(peer->until)))
		return false;
	WRITE_ONCE(peer->refused, true);
	return true;
}

static void mangle_peer_change(struct mangle_net *mn, struct mangle_peer *peer,
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
		WRITE_ONCE(peer->until, now + MANGLE_FOLLOW_TIME);
	else if (was_announced)
		WRITE_ONCE(peer->until, now + MANGLE_RESET_LATE);
	WRITE_ONCE(peer->refused, false);
	WRITE_ONCE(peer->epoch, epoch);
	WRITE_ONCE(peer->mode, mode);
	atomic_inc(&mn->generation);
	if (again) {
		WRITE_ONCE(peer->moved, atomic_inc_return(&mn->epoch));
		mangle_resume(mn);
	}
	mangle_nl_peer_event(mn, peer, ROAM_MANGLE_REASON_REFRESHED);
}

int mangle_peer_set(struct mangle_net *mn, const struct mangle_peer_key *key,
		  u8 mode, struct netlink_ext_ack *extack)
{
	struct mangle_mapping *own;
	struct mangle_peer *peer;
	u32 epoch = 0;
	bool added;

	lockdep_assert_held(&mn->lock);
	rcu_read_lock();
	own = mangle_mapping_find(mn, &key->own);
	if (own)
		epoch = READ_ONCE(own->epoch);
	peer = mangle_peer_add(mn, key, mode, epoch, &added);
	if (IS_ERR(peer)) {
		int err = PTR_ERR(peer);

		/* A full table still lets the known ones change. */
		peer = mangle_peer_find(mn, key);
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
		mangle_nl_peer_event(mn, peer, ROAM_MANGLE_REASON_NEW);
	else
		mangle_peer_change(mn, peer, mode, epoch);
	rcu_read_unlock();
	return 0;
}

/* True if it was us who took it out; under rcu_read_lock(). */
static bool mangle_peer_remove(struct mangle_net *mn, struct mangle_peer *peer,
			     u8 reason)
{
	if (rhashtable_remove_fast(&mn->peers, &peer->node, mangle_peer_params))
		return false;
	atomic_inc(&mn->generation);
	mangle_nl_peer_event(mn, peer, reason);
	kfree_rcu(peer, rcu);
	return true;
}

int mangle_peer_del(struct mangle_net *mn, const struct mangle_peer_key *key)
{
	struct mangle_peer *peer;
	int err = -ENOENT;

	rcu_read_lock();
	peer = mangle_peer_find(mn, key);
	if (peer && mangle_peer_remove(mn, peer, ROAM_MANGLE_REASON_DELETED))
		err = 0;
	rcu_read_unlock();
	return err;
}

/*
 * In how many jiffies the next entry will have been idle for @idle, 0: there are such
 * entries. @remove: there were, they are gone.
 */
static unsigned long mangle_peer_idle_walk(struct mangle_net *mn, u32 idle,
					 bool remove, u8 reason)
{
	unsigned long next = MAX_SCHEDULE_TIMEOUT;
	struct rhashtable_iter iter;
	struct mangle_peer *peer;
	u32 age;

	rhashtable_walk_enter(&mn->peers, &iter);
	rhashtable_walk_start(&iter);
	while ((peer = rhashtable_walk_next(&iter))) {
		if (IS_ERR(peer))
			continue;
		age = (u32)jiffies - READ_ONCE(peer->used);
		if (age < idle)
			next = min_t(unsigned long, next, idle - age);
		else if (remove)
			mangle_peer_remove(mn, peer, reason);
		else
			next = 0;
	}
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);
	return next;
}

void mangle_peer_flush(struct mangle_net *mn)
{
	mangle_peer_idle_walk(mn, 0, true, ROAM_MANGLE_REASON_DELETED);
}

/* One that cannot be told is forgotten all the same, as with packets to it. */
static bool mangle_peer_has_socket(struct mangle_net *mn, struct sock *sk,
				 void *ctx)
{
	const struct mangle_peer_key key = mangle_peer_key_of(sk);
	struct mangle_mapping *own = mangle_mapping_find(mn, &key.own);
	struct mangle_peer *peer = mangle_peer_find(mn, &key);

	if (peer && own && mangle_peer_is_told(peer, READ_ONCE(own->epoch)))
		mangle_peer_touch(peer);
	return true;
}

unsigned long mangle_peer_sweep(struct mangle_net *mn)
{
	const u32 time = mn->config.peer_time;
	const unsigned long pause = time / MANGLE_KEEP_PART;
	unsigned long next, since = jiffies - mn->peers_kept;
	unsigned int chain;

	next = mangle_peer_idle_walk(mn, time, false, 0);
	if (next)
		return next;
	/* Where they come and go, not for each that goes. */
	if (since < pause)
		return pause - since;
	for (chain = 0; mangle_chain_next(mn, &chain); chain++) {
		mangle_chain_walk(mn, chain, mangle_peer_has_socket, NULL);
		cond_resched();
	}
	mn->peers_kept = jiffies;
	return mangle_peer_idle_walk(mn, time, true, ROAM_MANGLE_REASON_EXPIRED);
}

int mangle_peer_init(struct mangle_net *mn)
{
	int err;

	mn->peers_kept = jiffies - MAX_JIFFY_OFFSET;
	mn->seen = alloc_percpu(struct mangle_seen);
	if (!mn->seen)
		return -ENOMEM;
	err = rhashtable_init(&mn->peers, &mangle_peer_params);
	if (err)
		free_percpu(mn->seen);
	return err;
}

static void mangle_peer_free(void *entry, void *ctx)
{
	kfree(entry);
}

void mangle_peer_exit(struct mangle_net *mn)
{
	/* Without events: the family may be gone. */
	rhashtable_free_and_destroy(&mn->peers, mangle_peer_free, NULL);
	free_percpu(mn->seen);
}
