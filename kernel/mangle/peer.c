// SPDX-License-Identifier: GPL-2.0-only
#include <linux/jiffies.h>
#include <linux/netlink.h>
#include <linux/slab.h>

#include "peer.h"
#include "socket.h"

/* For so long packets follow an announce that is not confirmed yet. */
#define MANGLE_FOLLOW_TIME HZ
/*
 * A reset may take this much longer than the confirm that was sent after it. Dropping a
 * true reset meanwhile costs little: the next segment to a connection that is gone is
 * refused again.
 */
#define MANGLE_RESET_LATE (HZ / 10)

/*
 * Connections that are silent keep their correspondents, but that takes a walk over all
 * of them: at most one in this part of mangle_config.peer_time.
 */
#define MANGLE_KEEP_PART 8

static const struct rhashtable_params mangle_peer_params =
	ROAM_TABLE_PARAMS(struct mangle_peer, node, key);

struct mangle_peer *mangle_peer_find(struct mangle_peers *peers,
				     const struct mangle_peer_key *key)
{
	BUILD_BUG_ON(sizeof(*key) != 2 * sizeof(key->own));
	return roam_table_entry(roam_table_find(&peers->by_key, &key->own, 2),
				struct mangle_peer, node);
}

/* One that has confirmed stays when the table is full. */
static void mangle_peer_mark(struct mangle_peers *peers, struct mangle_peer *peer,
			     bool proven)
{
	spin_lock_bh(&peers->lock);
	if (proven)
		list_del_init(&peer->unproven);
	else
		list_add_tail(&peer->unproven, &peers->unproven);
	spin_unlock_bh(&peers->lock);
}

/* True if it was us who took it out; under rcu_read_lock(). */
static bool mangle_peer_remove(struct mangle_peers *peers, struct mangle_peer *peer,
			       u8 reason)
{
	if (rhashtable_remove_fast(&peers->by_key, &peer->node, mangle_peer_params))
		return false;
	mangle_peer_mark(peers, peer, true);
	atomic_inc(&peers->table->generation);
	peers->ops->event(peers, peer, reason);
	kfree_rcu(peer, rcu);
	return true;
}

/* Is there room, or can the oldest one that never confirmed anything make some? */
static bool mangle_peer_has_room(struct mangle_peers *peers)
{
	struct mangle_peer *oldest;

	if (atomic_read(&peers->by_key.nelems) < peers->config->max_peers)
		return true;
	mangle_count(peers, peers_full);
	spin_lock_bh(&peers->lock);
	/* Under RCU: whoever removes it meanwhile frees it later. */
	oldest = list_first_entry_or_null(&peers->unproven, struct mangle_peer, unproven);
	spin_unlock_bh(&peers->lock);
	return oldest && mangle_peer_remove(peers, oldest, ROAM_MANGLE_REASON_EXPIRED);
}

/*
 * Adds an entry, or returns the one that somebody else added meanwhile; under
 * rcu_read_lock(). What netlink asks for is on the account of who asks.
 */
static struct mangle_peer *mangle_peer_add(struct mangle_peers *peers,
					   const struct mangle_peer_key *key,
					   u8 mode, u32 epoch, gfp_t account, bool *added)
{
	struct mangle_peer *peer, *other;

	*added = false;
	if (!mangle_peer_has_room(peers))
		return ERR_PTR(-ENOSPC);
	peer = kzalloc(sizeof(*peer), GFP_ATOMIC | account);
	if (!peer)
		return ERR_PTR(-ENOMEM);
	peer->key = *key;
	peer->used = (u32)jiffies;
	peer->mode = mode;
	peer->epoch = epoch;
	INIT_LIST_HEAD(&peer->unproven);
	/* Before anybody can find it, and remove it. */
	if (mode != ROAM_MANGLE_PEER_MODE_ROAM)
		mangle_peer_mark(peers, peer, false);

	other = rhashtable_lookup_get_insert_fast(&peers->by_key, &peer->node,
						  mangle_peer_params);
	if (other) {
		mangle_peer_mark(peers, peer, true);
		kfree_rcu(peer, rcu);
		return other;
	}
	*added = true;
	atomic_inc(&peers->table->generation);
	roam_sweep_within(peers->sweep, peers->config->peer_time);
	return peer;
}

void __mangle_peer_see(struct mangle_peers *peers, const struct mangle_mapping *own,
		       struct in6_addr addr, bool current_address)
{
	const struct mangle_peer_key key = { own->perm, addr };
	struct mangle_peer *peer;
	bool added;

	peer = mangle_peer_find(peers, &key);
	if (likely(peer)) {
		mangle_peer_touch(peer);
		*raw_cpu_ptr(peers->seen) = (struct mangle_seen){
			own, addr, (u32)jiffies };
		return;
	}
	peer = mangle_peer_add(peers, &key, ROAM_MANGLE_PEER_MODE_SEEN,
			       current_address ? READ_ONCE(own->epoch) : 0,
			       0, &added);
	if (!IS_ERR(peer) && added)
		peers->ops->event(peers, peer, ROAM_MANGLE_REASON_NEW);
}

bool mangle_peer_resets_early(struct mangle_peers *peers,
			      const struct mangle_mapping *own,
			      struct in6_addr addr)
{
	const struct mangle_peer_key key = { own->perm, addr };
	struct mangle_peer *peer = mangle_peer_find(peers, &key);
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

static void mangle_peer_change(struct mangle_peers *peers, struct mangle_peer *peer,
			       u8 mode, u32 epoch)
{
	bool was_announced = READ_ONCE(peer->mode) ==
			     ROAM_MANGLE_PEER_MODE_ANNOUNCED;
	bool announced = mode == ROAM_MANGLE_PEER_MODE_ANNOUNCED;
	u64 now = get_jiffies_64();
	bool again = READ_ONCE(peer->epoch) != epoch || announced ||
		     READ_ONCE(peer->refused) ||
		     (was_announced && now >= READ_ONCE(peer->until));

	if (mode == ROAM_MANGLE_PEER_MODE_ROAM && !list_empty_careful(&peer->unproven))
		mangle_peer_mark(peers, peer, true);
	if (!again && READ_ONCE(peer->mode) == mode)
		return;
	if (announced)
		WRITE_ONCE(peer->until, now + MANGLE_FOLLOW_TIME);
	else if (was_announced)
		WRITE_ONCE(peer->until, now + MANGLE_RESET_LATE);
	WRITE_ONCE(peer->refused, false);
	WRITE_ONCE(peer->epoch, epoch);
	WRITE_ONCE(peer->mode, mode);
	atomic_inc(&peers->table->generation);
	if (again) {
		WRITE_ONCE(peer->moved, atomic_inc_return(&peers->table->epoch));
		peers->ops->told(peers);
	}
	peers->ops->event(peers, peer, ROAM_MANGLE_REASON_REFRESHED);
}

int mangle_peer_set(struct mangle_peers *peers, const struct mangle_peer_key *key,
		    u8 mode, struct netlink_ext_ack *extack)
{
	struct mangle_mapping *own;
	struct mangle_peer *peer;
	u32 epoch = 0;
	bool added;

	lockdep_assert_held(&peers->table->lock);
	rcu_read_lock();
	own = mangle_mapping_find(peers->table, &key->own);
	if (own)
		epoch = READ_ONCE(own->epoch);
	peer = mangle_peer_find(peers, key);
	added = false;
	if (!peer)
		peer = mangle_peer_add(peers, key, mode, epoch,
				       net_eq(peers->net, &init_net) ? 0 : __GFP_ACCOUNT,
				       &added);
	if (IS_ERR(peer)) {
		int err = PTR_ERR(peer);

		rcu_read_unlock();
		if (err == -ENOSPC)
			NL_SET_ERR_MSG_MOD(extack,
					   "the limit of correspondents is reached; raise max-peers");
		else
			NL_SET_ERR_MSG_MOD(extack,
					   "there is no memory for the correspondent");
		return err;
	}
	if (added)
		peers->ops->event(peers, peer, ROAM_MANGLE_REASON_NEW);
	else
		mangle_peer_change(peers, peer, mode, epoch);
	rcu_read_unlock();
	return 0;
}

int mangle_peer_del(struct mangle_peers *peers, const struct mangle_peer_key *key)
{
	struct mangle_peer *peer;
	int err = -ENOENT;

	rcu_read_lock();
	peer = mangle_peer_find(peers, key);
	if (peer && mangle_peer_remove(peers, peer, ROAM_MANGLE_REASON_DELETED))
		err = 0;
	rcu_read_unlock();
	return err;
}

/**
 * struct mangle_idle - a walk for those that are idle
 * @peers: the table
 * @time: idle for so long
 * @remove: remove them, else only look
 * @reason: why they go
 * @next: jiffies until the next one is; 0: there are some, and they stay
 */
struct mangle_idle {
	struct mangle_peers *peers;
	u32 time;
	bool remove;
	u8 reason;
	unsigned long next;
};

static bool mangle_peer_idle(void *entry, void *ctx)
{
	struct mangle_idle *idle = ctx;
	struct mangle_peer *peer = entry;
	u32 age = roam_age(&peer->used);

	if (age < idle->time)
		idle->next = min_t(unsigned long, idle->next, idle->time - age);
	else if (idle->remove)
		mangle_peer_remove(idle->peers, peer, idle->reason);
	else
		idle->next = 0;
	return true;
}

static unsigned long mangle_peers_idle(struct mangle_peers *peers, u32 time,
				       bool remove, u8 reason)
{
	struct mangle_idle idle = {
		.peers = peers,
		.time = time,
		.remove = remove,
		.reason = reason,
		.next = MAX_SCHEDULE_TIMEOUT,
	};

	roam_table_walk(&peers->by_key, mangle_peer_idle, &idle);
	return idle.next;
}

void mangle_peer_flush(struct mangle_peers *peers)
{
	mangle_peers_idle(peers, 0, true, ROAM_MANGLE_REASON_DELETED);
}

/*
 * A correspondent that cannot be told is forgotten all the same, as it is when only
 * packets are sent to it.
 */
static bool mangle_peer_has_socket(struct sock *sk, void *ctx)
{
	const struct mangle_peer_key key = mangle_peer_key_of(sk);
	struct mangle_peers *peers = ctx;
	struct mangle_mapping *own = mangle_mapping_find(peers->table, &key.own);
	struct mangle_peer *peer = mangle_peer_find(peers, &key);

	if (peer && own && mangle_peer_is_told(peer, READ_ONCE(own->epoch)))
		mangle_peer_touch(peer);
	return true;
}

static unsigned long mangle_peers_end(struct mangle_peers *peers)
{
	const u32 time = peers->config->peer_time;
	const unsigned long pause = time / MANGLE_KEEP_PART;
	unsigned long next, wait, since = jiffies - peers->kept;
	unsigned int chain;
	u64 begin;

	next = mangle_peers_idle(peers, time, false, 0);
	if (next)
		return next;
	/* Not for each that goes, where many come and go. */
	if (since < pause)
		return pause - since;
	wait = mangle_walk_pause(peers->net);
	if (wait)
		return wait;
	begin = ktime_get_ns();
	for (chain = 0; mangle_chain_next(peers->net, &chain); chain++) {
		mangle_chain_walk(peers->net, chain, mangle_peer_has_socket,
				  peers);
		cond_resched();
	}
	mangle_walk_done(peers->net, begin);
	peers->kept = jiffies;
	return mangle_peers_idle(peers, time, true, ROAM_MANGLE_REASON_EXPIRED);
}

unsigned long mangle_peer_sweep(struct mangle_peers *peers)
{
	unsigned long now = jiffies, next;

	if (!atomic_read(&peers->by_key.nelems))
		return MAX_SCHEDULE_TIMEOUT;
	/* Most runs are due to something else, and there may be many. */
	if (!READ_ONCE(peers->retimed) && time_before(now, peers->look))
		return peers->look - now;
	/* Before the time is read: a change after this has us called again. */
	WRITE_ONCE(peers->retimed, false);
	next = mangle_peers_end(peers);
	/* A correspondent that is added behind this walk has not been idle so long. */
	peers->look = now + min_t(unsigned long, next, peers->config->peer_time);
	return next;
}

void mangle_peer_retime(struct mangle_peers *peers)
{
	WRITE_ONCE(peers->retimed, true);
	roam_sweep_within(peers->sweep, 0);
}

int mangle_peer_init(struct mangle_peers *peers)
{
	int err;

	spin_lock_init(&peers->lock);
	INIT_LIST_HEAD(&peers->unproven);
	peers->late = jiffies - MAX_JIFFY_OFFSET;
	peers->kept = jiffies - MAX_JIFFY_OFFSET;
	peers->look = jiffies;
	peers->seen = alloc_percpu(struct mangle_seen);
	if (!peers->seen)
		return -ENOMEM;
	err = rhashtable_init(&peers->by_key, &mangle_peer_params);
	if (err)
		free_percpu(peers->seen);
	return err;
}

static void mangle_peer_free(void *entry, void *ctx)
{
	kfree(entry);
}

void mangle_peer_exit(struct mangle_peers *peers)
{
	/* Without events: the family may be gone. */
	rhashtable_free_and_destroy(&peers->by_key, mangle_peer_free, NULL);
	free_percpu(peers->seen);
}
