// SPDX-License-Identifier: GPL-2.0-only
#include <linux/jiffies.h>
#include <linux/netlink.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>

#include "netlink.h"
#include "resume.h"
#include "../core/route.h"
#include "table.h"

static struct mangle_mapping *mangle_mapping_of(struct mangle_net *mn,
					    const struct in6_addr *perm)
{
	return rhashtable_lookup_fast(&mn->by_perm, perm, MANGLE_MAPPING_PARAMS);
}

static struct mangle_endpoint *mangle_endpoint_of(struct mangle_net *mn,
					      const struct in6_addr *coa)
{
	return rhashtable_lookup_fast(&mn->by_coa, coa, MANGLE_ENDPOINT_PARAMS);
}

static struct mangle_endpoint *mangle_endpoint_current(struct mangle_net *mn,
						   struct mangle_mapping *mapping)
{
	return rcu_dereference_protected(mapping->endpoint,
					 lockdep_is_held(&mn->lock));
}

/* Later than anything that ends. */
#define MANGLE_NEVER (jiffies + MAX_JIFFY_OFFSET)

static struct kmem_cache *mangle_mapping_cache __read_mostly;
static struct kmem_cache *mangle_endpoint_cache __read_mostly;

/* What the owner of a namespace asks for is on the account of who asks. */
static gfp_t mangle_table_gfp(const struct mangle_net *mn)
{
	return net_eq(mn->net, &init_net) ? GFP_KERNEL : GFP_KERNEL_ACCOUNT;
}

static void mangle_table_ends_within(struct mangle_net *mn, unsigned long delay)
{
	unsigned long at = jiffies + delay;

	if (time_before(at, mn->ends))
		mn->ends = at;
	roam_sweep_within(&mn->sweep, delay);
}

static void mangle_mapping_free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(mangle_mapping_cache,
			container_of(rcu, struct mangle_mapping, rcu));
}

static void mangle_endpoint_free_rcu(struct rcu_head *rcu)
{
	struct mangle_endpoint *endpoint = container_of(rcu, struct mangle_endpoint,
						      rcu);

	/* No packet can remember another one now. */
	roam_route_free(rcu_dereference_protected(endpoint->route, true));
	kmem_cache_free(mangle_endpoint_cache, endpoint);
}

/* Takes an endpoint out of its table. */
static void mangle_endpoint_remove(struct mangle_net *mn,
				 struct mangle_endpoint *endpoint)
{
	rhashtable_remove_fast(&mn->by_coa, &endpoint->node,
			       MANGLE_ENDPOINT_PARAMS);
	call_rcu(&endpoint->rcu, mangle_endpoint_free_rcu);
}

/* Its mapping left it before: the entry in mangle_net.left, or NULL. */
static struct mangle_left *mangle_left_of(struct mangle_net *mn,
				      const struct mangle_endpoint *endpoint)
{
	struct mangle_left *left;

	list_for_each_entry(left, &mn->left, list)
		if (left->endpoint == endpoint)
			return left;
	return NULL;
}

static void mangle_left_forget(struct mangle_left *left)
{
	list_del(&left->list);
	kfree(left);
}

/* The grace is over. */
static void mangle_left_end(struct mangle_net *mn, struct mangle_left *left)
{
	mangle_endpoint_remove(mn, left->endpoint);
	mangle_left_forget(left);
}

/* The mapping has left this address: translate what is in flight for a while. */
static void mangle_endpoint_leave(struct mangle_net *mn,
				struct mangle_endpoint *endpoint)
{
	unsigned long grace = mn->config.grace;
	struct mangle_left *left = NULL;

	if (grace)
		left = kmalloc(sizeof(*left), mangle_table_gfp(mn));
	/* Without memory there is no grace: TCP sends again. */
	if (!left) {
		mangle_endpoint_remove(mn, endpoint);
		return;
	}
	left->endpoint = endpoint;
	left->until = jiffies + grace;
	list_add_tail(&left->list, &mn->left);
	mangle_table_ends_within(mn, grace);
}

/**
 * mangle_endpoint_claim - get an endpoint at @coa that @mapping can be given
 * @mn: namespace; lock held
 * @mapping: who asks
 * @coa: the care-of address
 * @extack: gets the cause of a refusal
 *
 * Return: one that stands in the table and points to @mapping, its own one at
 * that address if it has one; or ERR_PTR.
 */
static struct mangle_endpoint *
mangle_endpoint_claim(struct mangle_net *mn, struct mangle_mapping *mapping,
		    const struct in6_addr *coa, struct netlink_ext_ack *extack)
{
	struct mangle_endpoint *endpoint, *old;
	struct mangle_left *left = NULL;
	int err;

	old = mangle_endpoint_of(mn, coa);
	if (old && mangle_endpoint_current(mn, old->mapping) != old)
		left = mangle_left_of(mn, old);
	if (old && old->mapping == mapping) {
		if (left)
			mangle_left_forget(left);
		return old;
	}
	if (old && !left) {
		NL_SET_ERR_MSG_MOD(extack,
				   "care-of address already carries another permanent address; two hosts behind one address need the tunnel");
		return ERR_PTR(-EADDRINUSE);
	}

	endpoint = kmem_cache_zalloc(mangle_endpoint_cache,
				     mangle_table_gfp(mn));
	if (!endpoint)
		return ERR_PTR(-ENOMEM);
	endpoint->coa = *coa;
	endpoint->mapping = mapping;

	if (old)
		err = rhashtable_replace_fast(&mn->by_coa, &old->node,
					      &endpoint->node,
					      MANGLE_ENDPOINT_PARAMS);
	else
		err = rhashtable_insert_fast(&mn->by_coa, &endpoint->node,
					     MANGLE_ENDPOINT_PARAMS);
	if (err) {
		kmem_cache_free(mangle_endpoint_cache, endpoint);
		NL_SET_ERR_MSG_MOD(extack, "no memory for the care-of address");
		return ERR_PTR(err);
	}
	if (old) {
		mangle_left_forget(left);
		call_rcu(&old->rcu, mangle_endpoint_free_rcu);
	}
	return endpoint;
}

static void mangle_mappings_add(struct mangle_net *mn, u8 role, int n)
{
	WRITE_ONCE(mn->mappings[role], mn->mappings[role] + n);
}

static int mangle_mapping_check(struct mangle_net *mn,
			      const struct mangle_mapping *mapping,
			      const struct mangle_mapping_request *req,
			      struct netlink_ext_ack *extack)
{
	if (!mapping) {
		if (req->existing) {
			NL_SET_ERR_MSG_MOD(extack, "no such mapping");
			return -ENOENT;
		}
		if (mangle_mappings(mn) >= mn->config.max_mappings) {
			NL_SET_ERR_MSG_MOD(extack,
					   "limit of mappings reached; raise max-mappings");
			return -ENOSPC;
		}
		return 0;
	}
	if (req->exclusive) {
		NL_SET_ERR_MSG_MOD(extack, "mapping exists");
		return -EEXIST;
	}
	if (mapping->role != req->role) {
		NL_SET_ERR_MSG_MOD(extack,
				   "the address is mapped in the other role; delete that mapping first");
		return -EBUSY;
	}
	if (req->seq < mapping->seq) {
		NL_SET_ERR_MSG_MOD(extack, "sequence is older than the stored one");
		return -ESTALE;
	}
	return 0;
}

static void mangle_mapping_set_lifetime(struct mangle_net *mn,
				      struct mangle_mapping *mapping,
				      const struct mangle_mapping_request *req)
{
	mapping->seq = req->seq;
	mapping->mortal = req->lifetime != 0;
	mapping->expires = (u32)(jiffies + req->lifetime);
	if (mapping->mortal)
		mangle_table_ends_within(mn, req->lifetime);
}

static struct mangle_mapping *
mangle_mapping_create(struct mangle_net *mn, const struct mangle_mapping_request *req,
		    struct netlink_ext_ack *extack)
{
	struct mangle_endpoint *endpoint = NULL;
	struct mangle_mapping *mapping;
	int err;

	mapping = kmem_cache_zalloc(mangle_mapping_cache, mangle_table_gfp(mn));
	if (!mapping)
		return ERR_PTR(-ENOMEM);
	mapping->perm = req->perm;
	mapping->role = req->role;
	mapping->mode = req->mode;
	mapping->used = (u32)jiffies;
	/* What is new has not moved, but an own one is told apart by it. */
	if (req->role == ROAM_MANGLE_ROLE_OWN)
		mapping->epoch = atomic_inc_return(&mn->epoch);

	if (req->valid) {
		endpoint = mangle_endpoint_claim(mn, mapping, &req->coa, extack);
		if (IS_ERR(endpoint)) {
			kmem_cache_free(mangle_mapping_cache, mapping);
			return ERR_CAST(endpoint);
		}
		RCU_INIT_POINTER(mapping->endpoint, endpoint);
	}
	mangle_mapping_set_lifetime(mn, mapping, req);

	err = rhashtable_insert_fast(&mn->by_perm, &mapping->node,
				     MANGLE_MAPPING_PARAMS);
	if (err) {
		NL_SET_ERR_MSG_MOD(extack, "no memory for the mapping");
		if (endpoint)
			mangle_endpoint_remove(mn, endpoint);
		/* A reader may have come by the endpoint. */
		call_rcu(&mapping->rcu, mangle_mapping_free_rcu);
		return ERR_PTR(err);
	}
	mangle_mappings_add(mn, req->role, 1);
	mn->used = true;
	return mapping;
}

static int mangle_mapping_move(struct mangle_net *mn, struct mangle_mapping *mapping,
			     const struct mangle_mapping_request *req, u8 *reason,
			     struct netlink_ext_ack *extack)
{
	struct mangle_endpoint *old = mangle_endpoint_current(mn, mapping);
	struct mangle_endpoint *new = NULL;

	if (req->valid) {
		new = mangle_endpoint_claim(mn, mapping, &req->coa, extack);
		if (IS_ERR(new))
			return PTR_ERR(new);
	}
	*reason = new == old ? ROAM_MANGLE_REASON_REFRESHED :
			       ROAM_MANGLE_REASON_MOVED;
	WRITE_ONCE(mapping->mode, req->mode);
	if (new != old) {
		/* First: who sees the new place must see the new epoch. */
		WRITE_ONCE(mapping->epoch, atomic_inc_return(&mn->epoch));
		rcu_assign_pointer(mapping->endpoint, new);
		if (old)
			mangle_endpoint_leave(mn, old);
		/* An own one resumes when its correspondents know. */
		if (mapping->role == ROAM_MANGLE_ROLE_REMOTE)
			mangle_resume(mn);
	}
	mangle_mapping_set_lifetime(mn, mapping, req);
	return 0;
}

struct mangle_mapping *mangle_mapping_set(struct mangle_net *mn,
				      const struct mangle_mapping_request *req,
				      u8 *reason,
				      struct netlink_ext_ack *extack)
{
	struct mangle_mapping *mapping;
	int err;

	lockdep_assert_held(&mn->lock);
	mapping = mangle_mapping_of(mn, &req->perm);
	err = mangle_mapping_check(mn, mapping, req, extack);
	if (err)
		return ERR_PTR(err);

	if (mapping) {
		err = mangle_mapping_move(mn, mapping, req, reason, extack);
		if (err)
			return ERR_PTR(err);
	} else {
		mapping = mangle_mapping_create(mn, req, extack);
		*reason = ROAM_MANGLE_REASON_NEW;
	}
	if (!IS_ERR(mapping))
		atomic_inc(&mn->generation);
	return mapping;
}

void mangle_mapping_remove(struct mangle_net *mn, struct mangle_mapping *mapping)
{
	struct mangle_endpoint *endpoint = mangle_endpoint_current(mn, mapping);
	struct mangle_left *left, *next;

	lockdep_assert_held(&mn->lock);
	rhashtable_remove_fast(&mn->by_perm, &mapping->node,
			       MANGLE_MAPPING_PARAMS);
	if (endpoint)
		mangle_endpoint_remove(mn, endpoint);
	list_for_each_entry_safe(left, next, &mn->left, list)
		if (left->endpoint->mapping == mapping)
			mangle_left_end(mn, left);

	mangle_mappings_add(mn, mapping->role, -1);
	atomic_inc(&mn->generation);
	WRITE_ONCE(mapping->dead, true);
	/* with smp_rmb() in mangle_mapping_view() */
	smp_wmb();
	call_rcu(&mapping->rcu, mangle_mapping_free_rcu);
}

static bool mangle_mapping_flush_one(void *entry, void *ctx)
{
	struct mangle_mapping *mapping = entry;
	struct mangle_net *mn = ctx;

	/* At the end of all there is no family to tell it. */
	if (!mn->gone)
		mangle_nl_mapping_event(mn, mapping, ROAM_MANGLE_REASON_DELETED);
	mangle_mapping_remove(mn, mapping);
	return true;
}

void mangle_mapping_flush(struct mangle_net *mn)
{
	struct mangle_left *left, *next;

	lockdep_assert_held(&mn->lock);
	/* First, so that no mapping has to look for its own among them. */
	list_for_each_entry_safe(left, next, &mn->left, list)
		mangle_left_end(mn, left);
	while (mangle_mappings(mn))
		roam_table_walk(&mn->by_perm, mangle_mapping_flush_one, mn);
}

struct mangle_expiry {
	struct mangle_net *mn;
	unsigned long next;
};

static bool mangle_mapping_expire_one(void *entry, void *ctx)
{
	struct mangle_mapping *mapping = entry;
	struct mangle_expiry *expiry = ctx;
	s32 left;

	if (!mapping->mortal)
		return true;
	left = (s32)(mapping->expires - (u32)jiffies);
	if (left > 0) {
		expiry->next = min_t(unsigned long, expiry->next, left);
		return true;
	}
	mangle_nl_mapping_event(expiry->mn, mapping, ROAM_MANGLE_REASON_EXPIRED);
	mangle_mapping_remove(expiry->mn, mapping);
	return true;
}

unsigned long mangle_table_sweep(struct mangle_net *mn)
{
	struct mangle_expiry expiry = { mn, MAX_SCHEDULE_TIMEOUT };
	unsigned long next, now = jiffies;
	struct mangle_left *left;

	lockdep_assert_held(&mn->lock);
	/* Most runs are due to something else, and there may be millions. */
	if (time_before(now, mn->ends)) {
		next = mn->ends - now;
		return next < MAX_JIFFY_OFFSET / 2 ? next : MAX_SCHEDULE_TIMEOUT;
	}
	roam_table_walk(&mn->by_perm, mangle_mapping_expire_one, &expiry);
	next = expiry.next;
	while ((left = list_first_entry_or_null(&mn->left, struct mangle_left,
						list))) {
		if (time_before(now, left->until)) {
			next = min(next, left->until - now);
			break;
		}
		mangle_left_end(mn, left);
	}
	mn->ends = next == MAX_SCHEDULE_TIMEOUT ? MANGLE_NEVER : now + next;
	return next;
}

int mangle_table_init(struct mangle_net *mn)
{
	int err;

	INIT_LIST_HEAD(&mn->left);
	mn->ends = MANGLE_NEVER;
	err = rhashtable_init(&mn->by_perm, &MANGLE_MAPPING_PARAMS);
	if (err)
		return err;
	err = rhashtable_init(&mn->by_coa, &MANGLE_ENDPOINT_PARAMS);
	if (err)
		rhashtable_destroy(&mn->by_perm);
	return err;
}

void mangle_table_exit(struct mangle_net *mn)
{
	mutex_lock(&mn->lock);
	mangle_mapping_flush(mn);
	mutex_unlock(&mn->lock);
	rhashtable_destroy(&mn->by_coa);
	rhashtable_destroy(&mn->by_perm);
}

int mangle_table_caches_init(void)
{
	mangle_mapping_cache = KMEM_CACHE(mangle_mapping, SLAB_HWCACHE_ALIGN);
	mangle_endpoint_cache = KMEM_CACHE(mangle_endpoint, 0);
	if (mangle_mapping_cache && mangle_endpoint_cache)
		return 0;
	mangle_table_caches_exit();
	return -ENOMEM;
}

void mangle_table_caches_exit(void)
{
	/* Two: what frees an endpoint leaves its route to another one. */
	rcu_barrier();
	rcu_barrier();
	kmem_cache_destroy(mangle_mapping_cache);
	kmem_cache_destroy(mangle_endpoint_cache);
}
