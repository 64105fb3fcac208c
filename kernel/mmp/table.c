// SPDX-License-Identifier: GPL-2.0-only
#include <linux/slab.h>

#include "keep.h"
#include "table.h"
#include "../core/nl.h"

static struct kmem_cache *mmp_host_cache __read_mostly;

static struct mmp_hop *mmp_host_hop(struct mmp_net *mn, struct mmp_host *host,
				    int i)
{
	return rcu_dereference_protected(host->hop[i],
					 lockdep_is_held(&mn->lock));
}

static void mmp_host_free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(mmp_host_cache,
			container_of(rcu, struct mmp_host, rcu));
}

/* Lock held. */
static void mmp_host_remove(struct mmp_net *mn, struct mmp_host *host,
			    u8 reason)
{
	int i;

	rhashtable_remove_fast(&mn->hosts, &host->node, MMP_HOST_PARAMS);
	roam_ends_del(&mn->ends, &host->end);
	mmp_keep_del(mn, &host->addr);
	atomic_inc(&mn->generation);
	mn->event(mn, host, reason);
	/* Readers may hold it: the hops go by RCU, too, so not before. */
	for (i = 0; i < MMP_HOPS; i++)
		mmp_hop_put(mn, mmp_host_hop(mn, host, i));
	mmp_hop_put(mn, host->left);
	call_rcu(&host->rcu, mmp_host_free_rcu);
}

/* When does it end, as far as is known now? Lock held. */
static u32 mmp_host_ends(struct mmp_net *mn, struct mmp_host *host)
{
	u32 at = READ_ONCE(host->used[0]) + READ_ONCE(mn->config.timeout);

	/* Whichever of its downlinks goes first has to be looked at. */
	if (rcu_access_pointer(host->hop[1]) &&
	    (s32)(host->second_until - at) < 0)
		at = host->second_until;
	return at;
}

static void mmp_host_queue(struct mmp_net *mn, struct mmp_host *host)
{
	u32 now = jiffies, at = mmp_host_ends(mn, host);

	roam_ends_add(&mn->ends, &host->end, now, at);
	roam_sweep_within(&mn->sweep, max_t(s32, at - now, 0));
}

/* Lock held. @hop's reference is taken over. */
static void mmp_host_point(struct mmp_net *mn, struct mmp_host *host, int i,
			   struct mmp_hop *hop)
{
	struct mmp_hop *old = mmp_host_hop(mn, host, i);

	rcu_assign_pointer(host->hop[i], hop);
	WRITE_ONCE(host->used[i], (u32)jiffies);
	mmp_hop_put(mn, old);
}

static void mmp_host_leave(struct mmp_net *mn, struct mmp_host *host,
			   struct mmp_hop *old)
{
	mmp_hop_hold(old);
	mmp_hop_put(mn, host->left);
	host->left = old;
	host->left_at = jiffies;
}

static struct mmp_host *mmp_host_alloc(const struct in6_addr *addr,
				       struct mmp_hop *hop, gfp_t gfp)
{
	struct mmp_host *host = kmem_cache_zalloc(mmp_host_cache, gfp);

	if (!host)
		return NULL;
	host->addr = *addr;
	host->used[0] = jiffies;
	RCU_INIT_POINTER(host->hop[0], hop);
	return host;
}

static bool mmp_table_is_full(const struct mmp_net *mn)
{
	return atomic_read(&mn->hosts.nelems) >=
	       READ_ONCE(mn->config.max_hosts);
}

/* Lock held; the entry is there. */
static u8 mmp_host_change(struct mmp_net *mn, struct mmp_host *host,
			  const struct mmp_host_request *req)
{
	struct mmp_hop *old = mmp_host_hop(mn, host, 0);
	bool second = mmp_host_hop(mn, host, 1);
	u8 reason = ROAM_MMP_REASON_NEW;

	host->seq = req->seq;
	if (old != req->hop[0]) {
		mmp_host_leave(mn, host, old);
		reason = ROAM_MMP_REASON_MOVED;
	}
	if (req->hop[1] && !second)
		reason = ROAM_MMP_REASON_SECOND;
	mmp_host_point(mn, host, 0, req->hop[0]);
	mmp_host_point(mn, host, 1, req->hop[1]);
	if (req->hop[1])
		host->second_until = (u32)jiffies +
				     READ_ONCE(mn->config.second_time);
	mmp_host_queue(mn, host);
	return reason;
}

static int mmp_host_add(struct mmp_net *mn, const struct mmp_host_request *req,
			struct netlink_ext_ack *extack)
{
	struct mmp_host *host;
	int err;

	if (mmp_table_is_full(mn)) {
		NL_SET_ERR_MSG(extack,
			       "the table of hosts is full; raise max-hosts");
		return -ENOSPC;
	}
	host = mmp_host_alloc(&req->addr, req->hop[0], mmp_gfp(mn));
	if (!host)
		return -ENOMEM;
	host->seq = req->seq;
	RCU_INIT_POINTER(host->hop[1], req->hop[1]);
	host->used[1] = host->used[0];
	host->second_until = host->used[1] + READ_ONCE(mn->config.second_time);
	err = roam_table_insert(&mn->hosts, &host->node, MMP_HOST_PARAMS);
	if (err) {
		kmem_cache_free(mmp_host_cache, host);
		return err == -EEXIST ? err : roam_nl_insert_error(err, extack);
	}
	spin_lock_bh(&mn->lock);
	mmp_host_queue(mn, host);
	atomic_inc(&mn->generation);
	mn->event(mn, host, ROAM_MMP_REASON_NEW);
	spin_unlock_bh(&mn->lock);
	return 0;
}

/* 0, -ENOENT or -ESTALE. */
static int mmp_host_replace(struct mmp_net *mn,
			    const struct mmp_host_request *req,
			    struct netlink_ext_ack *extack)
{
	struct mmp_keep *keep = NULL;
	struct mmp_host *host;
	int err = 0;
	u8 reason;

	rcu_read_lock();
	spin_lock_bh(&mn->lock);
	host = mmp_host_find(mn, &req->addr);
	if (!host) {
		err = -ENOENT;
	} else if (req->seq < host->seq) {
		NL_SET_ERR_MSG(extack,
			       "an entry with a higher sequence is there already");
		err = -ESTALE;
	} else {
		if (req->play)
			keep = mmp_keep_begin(mn, &req->addr, req->play,
					      mmp_host_hop(mn, host, 0) !=
					      req->hop[0]);
		reason = mmp_host_change(mn, host, req);
		if (reason != ROAM_MMP_REASON_NEW)
			mn->event(mn, host, reason);
	}
	spin_unlock_bh(&mn->lock);
	/* The caller's reference may be gone with the entry; RCU holds it. */
	if (keep)
		mmp_keep_play(mn, keep, req->hop[0]);
	rcu_read_unlock();
	return err;
}

int mmp_host_set(struct mmp_net *mn, const struct mmp_host_request *req,
		 struct netlink_ext_ack *extack)
{
	int i, err, tries = 3;

	/* Data may make it between the two, and time may end it. */
	do {
		err = mmp_host_replace(mn, req, extack);
		if (err == -ENOENT)
			err = mmp_host_add(mn, req, extack);
	} while (err == -EEXIST && --tries);
	if (!err) {
		mmp_keep_set(mn, &req->addr, req->keep);
		return 0;
	}
	spin_lock_bh(&mn->lock);
	for (i = 0; i < MMP_HOPS; i++)
		mmp_hop_put(mn, req->hop[i]);
	spin_unlock_bh(&mn->lock);
	return err;
}

bool mmp_host_del(struct mmp_net *mn, const struct in6_addr *addr)
{
	struct mmp_host *host;

	spin_lock_bh(&mn->lock);
	rcu_read_lock();
	host = mmp_host_find(mn, addr);
	if (host)
		mmp_host_remove(mn, host, ROAM_MMP_REASON_DELETED);
	rcu_read_unlock();
	spin_unlock_bh(&mn->lock);
	return host;
}

/**
 * struct mmp_flush - a flush under way
 * @mn: namespace
 * @n: entries removed
 */
struct mmp_flush {
	struct mmp_net *mn;
	u32 n;
};

static bool mmp_host_flush_one(void *entry, void *ctx)
{
	struct mmp_flush *flush = ctx;
	struct mmp_host *host = entry;

	spin_lock_bh(&flush->mn->lock);
	/* Unless it ended under our eyes. */
	if (mmp_host_find(flush->mn, &host->addr) == host) {
		mmp_host_remove(flush->mn, host, ROAM_MMP_REASON_DELETED);
		flush->n++;
	}
	spin_unlock_bh(&flush->mn->lock);
	return true;
}

u32 mmp_host_flush(struct mmp_net *mn)
{
	struct mmp_flush flush = { .mn = mn };

	roam_table_walk(&mn->hosts, mmp_host_flush_one, &flush);
	return flush.n;
}

/* Lock held. May data from @hop take over? */
static bool mmp_host_may_heal(struct mmp_net *mn, struct mmp_host *host,
			      const struct mmp_hop *hop)
{
	/* Two of them: each by its own branch only. */
	if (mmp_host_hop(mn, host, 1))
		return false;
	/* What is on its way from where the host was does not move it back. */
	return host->left != hop ||
	       roam_age(&host->left_at) >= READ_ONCE(mn->config.left_time);
}

void mmp_host_heal(struct mmp_net *mn, const struct in6_addr *addr,
		   struct mmp_hop *hop)
{
	struct mmp_host *host, *old;

	spin_lock_bh(&mn->lock);
	/* Taken out of the table of hops under our eyes? */
	if (!hop->refs)
		goto out;
	host = mmp_host_find(mn, addr);
	if (host) {
		if (!mmp_host_may_heal(mn, host, hop))
			goto out;
		mmp_hop_hold(hop);
		mmp_host_point(mn, host, 0, hop);
		mmp_keep_moved(mn, addr);
	} else {
		if (mmp_table_is_full(mn)) {
			mmp_count(mn, hosts_full);
			goto out;
		}
		host = mmp_host_alloc(addr, hop, GFP_ATOMIC | __GFP_NOWARN);
		if (!host)
			goto out;
		old = rhashtable_lookup_get_insert_fast(&mn->hosts, &host->node,
							MMP_HOST_PARAMS);
		/* The next packet tries again. */
		if (old) {
			kmem_cache_free(mmp_host_cache, host);
			goto out;
		}
		mmp_hop_hold(hop);
		atomic_inc(&mn->generation);
	}
	mmp_host_queue(mn, host);
	mmp_count(mn, healed);
	mn->event(mn, host, ROAM_MMP_REASON_HEALED);
out:
	spin_unlock_bh(&mn->lock);
}

/* ---- ends ---- */

/* Lock held. */
static bool mmp_host_due(struct roam_end *end, u32 now, u32 *again, void *ctx)
{
	struct mmp_host *host = container_of(end, struct mmp_host, end);
	struct mmp_net *mn = ctx;
	u32 timeout = READ_ONCE(mn->config.timeout);
	struct mmp_hop *second = mmp_host_hop(mn, host, 1);

	if (second && roam_age(&host->used[0]) >= timeout) {
		/* The host is where it went. */
		mmp_hop_hold(second);
		mmp_host_point(mn, host, 0, second);
		WRITE_ONCE(host->used[0], READ_ONCE(host->used[1]));
		mmp_host_point(mn, host, 1, NULL);
		if (roam_age(&host->used[0]) < timeout)
			mn->event(mn, host, ROAM_MMP_REASON_MOVED);
	} else if (second && (s32)(now - host->second_until) >= 0) {
		mmp_host_point(mn, host, 1, NULL);
	}
	if (roam_age(&host->used[0]) >= timeout) {
		mmp_host_remove(mn, host, ROAM_MMP_REASON_EXPIRED);
		return false;
	}
	*again = mmp_host_ends(mn, host);
	return true;
}

unsigned long mmp_table_sweep(struct roam_sweep *sweep)
{
	struct mmp_net *mn = container_of(sweep, struct mmp_net, sweep);
	unsigned long next;
	bool more;

	do {
		spin_lock_bh(&mn->lock);
		more = roam_ends_run(&mn->ends, (u32)jiffies, 256,
				     mmp_host_due, mn);
		next = roam_ends_next(&mn->ends, (u32)jiffies);
		spin_unlock_bh(&mn->lock);
		cond_resched();
	} while (more);
	return next;
}

/* ---- making and unmaking ---- */

int mmp_table_init(struct mmp_net *mn,
		   void (*event)(struct mmp_net *mn, const struct mmp_host *host,
				 u8 reason))
{
	mn->event = event;
	roam_ends_init(&mn->ends, (u32)jiffies);
	return rhashtable_init(&mn->hosts, &MMP_HOST_PARAMS);
}

void mmp_table_exit(struct mmp_net *mn)
{
	mmp_host_flush(mn);
	rhashtable_destroy(&mn->hosts);
}

int mmp_table_cache_init(void)
{
	mmp_host_cache = kmem_cache_create("roam_mmp_host",
					   sizeof(struct mmp_host), 0, 0, NULL);
	return mmp_host_cache ? 0 : -ENOMEM;
}

void mmp_table_cache_exit(void)
{
	/* Entries of namespaces that went are on their way by RCU. */
	rcu_barrier();
	kmem_cache_destroy(mmp_host_cache);
}
