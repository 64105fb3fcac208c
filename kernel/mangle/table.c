// SPDX-License-Identifier: GPL-2.0-only
#include <linux/jiffies.h>
#include <linux/netlink.h>
#include <linux/rhashtable.h>
#include <linux/slab.h>

#include "netlink.h"
#include "resume.h"
#include "route.h"
#include "table.h"

static struct roam_mapping *roam_mapping_of(struct roam_net *rn,
					    const struct in6_addr *perm)
{
	return rhashtable_lookup_fast(&rn->by_perm, perm, ROAM_MAPPING_PARAMS);
}

static struct roam_endpoint *roam_endpoint_of(struct roam_net *rn,
					      const struct in6_addr *coa)
{
	return rhashtable_lookup_fast(&rn->by_coa, coa, ROAM_ENDPOINT_PARAMS);
}

static struct roam_endpoint *roam_endpoint_current(struct roam_net *rn,
						   struct roam_mapping *mapping)
{
	return rcu_dereference_protected(mapping->endpoint,
					 lockdep_is_held(&rn->lock));
}

/* Mappings that a walk visits without a pause. */
#define ROAM_WALK_BATCH 1024

/* Later than anything that ends. */
#define ROAM_NEVER (jiffies + MAX_JIFFY_OFFSET)

static struct kmem_cache *roam_mapping_cache __read_mostly;
static struct kmem_cache *roam_endpoint_cache __read_mostly;

/* What the owner of a namespace asks for is on the account of who asks. */
static gfp_t roam_table_gfp(const struct roam_net *rn)
{
	return net_eq(rn->net, &init_net) ? GFP_KERNEL : GFP_KERNEL_ACCOUNT;
}

static void roam_table_ends_within(struct roam_net *rn, unsigned long delay)
{
	unsigned long at = jiffies + delay;

	if (time_before(at, rn->ends))
		rn->ends = at;
	roam_sweep_within(rn, delay);
}

static void roam_mapping_free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(roam_mapping_cache,
			container_of(rcu, struct roam_mapping, rcu));
}

static void roam_endpoint_free_rcu(struct rcu_head *rcu)
{
	struct roam_endpoint *endpoint = container_of(rcu, struct roam_endpoint,
						      rcu);

	/* No packet can remember another one now. */
	roam_route_free(rcu_dereference_protected(endpoint->route, true));
	kmem_cache_free(roam_endpoint_cache, endpoint);
}

/* Takes an endpoint out of its table. */
static void roam_endpoint_remove(struct roam_net *rn,
				 struct roam_endpoint *endpoint)
{
	rhashtable_remove_fast(&rn->by_coa, &endpoint->node,
			       ROAM_ENDPOINT_PARAMS);
	call_rcu(&endpoint->rcu, roam_endpoint_free_rcu);
}

/* Its mapping left it before: the entry in roam_net.left, or NULL. */
static struct roam_left *roam_left_of(struct roam_net *rn,
				      const struct roam_endpoint *endpoint)
{
	struct roam_left *left;

	list_for_each_entry(left, &rn->left, list)
		if (left->endpoint == endpoint)
			return left;
	return NULL;
}

static void roam_left_forget(struct roam_left *left)
{
	list_del(&left->list);
	kfree(left);
}

/* The grace is over. */
static void roam_left_end(struct roam_net *rn, struct roam_left *left)
{
	roam_endpoint_remove(rn, left->endpoint);
	roam_left_forget(left);
}

/* The mapping has left this address: translate what is in flight for a while. */
static void roam_endpoint_leave(struct roam_net *rn,
				struct roam_endpoint *endpoint)
{
	unsigned long grace = rn->config.grace;
	struct roam_left *left = NULL;

	if (grace)
		left = kmalloc(sizeof(*left), roam_table_gfp(rn));
	/* Without memory there is no grace: TCP sends again. */
	if (!left) {
		roam_endpoint_remove(rn, endpoint);
		return;
	}
	left->endpoint = endpoint;
	left->until = jiffies + grace;
	list_add_tail(&left->list, &rn->left);
	roam_table_ends_within(rn, grace);
}

/**
 * roam_endpoint_claim - get an endpoint at @coa that @mapping can be given
 * @rn: namespace; lock held
 * @mapping: who asks
 * @coa: the care-of address
 * @extack: gets the cause of a refusal
 *
 * Return: one that stands in the table and points to @mapping, its own one at
 * that address if it has one; or ERR_PTR.
 */
static struct roam_endpoint *
roam_endpoint_claim(struct roam_net *rn, struct roam_mapping *mapping,
		    const struct in6_addr *coa, struct netlink_ext_ack *extack)
{
	struct roam_endpoint *endpoint, *old;
	struct roam_left *left = NULL;
	int err;

	old = roam_endpoint_of(rn, coa);
	if (old && roam_endpoint_current(rn, old->mapping) != old)
		left = roam_left_of(rn, old);
	if (old && old->mapping == mapping) {
		if (left)
			roam_left_forget(left);
		return old;
	}
	if (old && !left) {
		NL_SET_ERR_MSG_MOD(extack,
				   "care-of address already carries another permanent address; two hosts behind one address need the tunnel");
		return ERR_PTR(-EADDRINUSE);
	}

	endpoint = kmem_cache_zalloc(roam_endpoint_cache,
				     roam_table_gfp(rn));
	if (!endpoint)
		return ERR_PTR(-ENOMEM);
	endpoint->coa = *coa;
	endpoint->mapping = mapping;

	if (old)
		err = rhashtable_replace_fast(&rn->by_coa, &old->node,
					      &endpoint->node,
					      ROAM_ENDPOINT_PARAMS);
	else
		err = rhashtable_insert_fast(&rn->by_coa, &endpoint->node,
					     ROAM_ENDPOINT_PARAMS);
	if (err) {
		kmem_cache_free(roam_endpoint_cache, endpoint);
		NL_SET_ERR_MSG_MOD(extack, "no memory for the care-of address");
		return ERR_PTR(err);
	}
	if (old) {
		roam_left_forget(left);
		call_rcu(&old->rcu, roam_endpoint_free_rcu);
	}
	return endpoint;
}

static void roam_mappings_add(struct roam_net *rn, u8 role, int n)
{
	WRITE_ONCE(rn->mappings[role], rn->mappings[role] + n);
}

static int roam_mapping_check(struct roam_net *rn,
			      const struct roam_mapping *mapping,
			      const struct roam_mapping_request *req,
			      struct netlink_ext_ack *extack)
{
	if (!mapping) {
		if (req->existing) {
			NL_SET_ERR_MSG_MOD(extack, "no such mapping");
			return -ENOENT;
		}
		if (roam_mappings(rn) >= rn->config.max_mappings) {
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

static void roam_mapping_set_lifetime(struct roam_net *rn,
				      struct roam_mapping *mapping,
				      const struct roam_mapping_request *req)
{
	mapping->seq = req->seq;
	mapping->mortal = req->lifetime != 0;
	mapping->expires = (u32)(jiffies + req->lifetime);
	if (mapping->mortal)
		roam_table_ends_within(rn, req->lifetime);
}

static struct roam_mapping *
roam_mapping_create(struct roam_net *rn, const struct roam_mapping_request *req,
		    struct netlink_ext_ack *extack)
{
	struct roam_endpoint *endpoint = NULL;
	struct roam_mapping *mapping;
	int err;

	mapping = kmem_cache_zalloc(roam_mapping_cache, roam_table_gfp(rn));
	if (!mapping)
		return ERR_PTR(-ENOMEM);
	mapping->perm = req->perm;
	mapping->role = req->role;
	mapping->mode = req->mode;
	mapping->used = (u32)jiffies;
	/* What is new has not moved, but an own one is told apart by it. */
	if (req->role == ROAM_MANGLE_ROLE_OWN)
		mapping->epoch = atomic_inc_return(&rn->epoch);

	if (req->valid) {
		endpoint = roam_endpoint_claim(rn, mapping, &req->coa, extack);
		if (IS_ERR(endpoint)) {
			kmem_cache_free(roam_mapping_cache, mapping);
			return ERR_CAST(endpoint);
		}
		RCU_INIT_POINTER(mapping->endpoint, endpoint);
	}
	roam_mapping_set_lifetime(rn, mapping, req);

	err = rhashtable_insert_fast(&rn->by_perm, &mapping->node,
				     ROAM_MAPPING_PARAMS);
	if (err) {
		NL_SET_ERR_MSG_MOD(extack, "no memory for the mapping");
		if (endpoint)
			roam_endpoint_remove(rn, endpoint);
		/* A reader may have come by the endpoint. */
		call_rcu(&mapping->rcu, roam_mapping_free_rcu);
		return ERR_PTR(err);
	}
	roam_mappings_add(rn, req->role, 1);
	rn->used = true;
	return mapping;
}

static int roam_mapping_move(struct roam_net *rn, struct roam_mapping *mapping,
			     const struct roam_mapping_request *req, u8 *reason,
			     struct netlink_ext_ack *extack)
{
	struct roam_endpoint *old = roam_endpoint_current(rn, mapping);
	struct roam_endpoint *new = NULL;

	if (req->valid) {
		new = roam_endpoint_claim(rn, mapping, &req->coa, extack);
		if (IS_ERR(new))
			return PTR_ERR(new);
	}
	*reason = new == old ? ROAM_MANGLE_REASON_REFRESHED :
			       ROAM_MANGLE_REASON_MOVED;
	WRITE_ONCE(mapping->mode, req->mode);
	if (new != old) {
		/* First: who sees the new place must see the new epoch. */
		WRITE_ONCE(mapping->epoch, atomic_inc_return(&rn->epoch));
		rcu_assign_pointer(mapping->endpoint, new);
		if (old)
			roam_endpoint_leave(rn, old);
		/* An own one resumes when its correspondents know. */
		if (mapping->role == ROAM_MANGLE_ROLE_REMOTE)
			roam_resume(rn);
	}
	roam_mapping_set_lifetime(rn, mapping, req);
	return 0;
}

struct roam_mapping *roam_mapping_set(struct roam_net *rn,
				      const struct roam_mapping_request *req,
				      u8 *reason,
				      struct netlink_ext_ack *extack)
{
	struct roam_mapping *mapping;
	int err;

	lockdep_assert_held(&rn->lock);
	mapping = roam_mapping_of(rn, &req->perm);
	err = roam_mapping_check(rn, mapping, req, extack);
	if (err)
		return ERR_PTR(err);

	if (mapping) {
		err = roam_mapping_move(rn, mapping, req, reason, extack);
		if (err)
			return ERR_PTR(err);
	} else {
		mapping = roam_mapping_create(rn, req, extack);
		*reason = ROAM_MANGLE_REASON_NEW;
	}
	if (!IS_ERR(mapping))
		atomic_inc(&rn->generation);
	return mapping;
}

void roam_mapping_remove(struct roam_net *rn, struct roam_mapping *mapping)
{
	struct roam_endpoint *endpoint = roam_endpoint_current(rn, mapping);
	struct roam_left *left, *next;

	lockdep_assert_held(&rn->lock);
	rhashtable_remove_fast(&rn->by_perm, &mapping->node,
			       ROAM_MAPPING_PARAMS);
	if (endpoint)
		roam_endpoint_remove(rn, endpoint);
	list_for_each_entry_safe(left, next, &rn->left, list)
		if (left->endpoint->mapping == mapping)
			roam_left_end(rn, left);

	roam_mappings_add(rn, mapping->role, -1);
	atomic_inc(&rn->generation);
	WRITE_ONCE(mapping->dead, true);
	/* with smp_rmb() in roam_mapping_view() */
	smp_wmb();
	call_rcu(&mapping->rcu, roam_mapping_free_rcu);
}

/*
 * Calls @fn for every mapping; @fn may remove the one it is given. A resize of
 * the table under the walk, or a pause, may show a mapping twice, never a
 * removed one.
 */
static void roam_mapping_walk(struct roam_net *rn,
			      void (*fn)(struct roam_net *rn,
					 struct roam_mapping *mapping,
					 void *ctx),
			      void *ctx)
{
	struct rhashtable_iter iter;
	struct roam_mapping *mapping;
	unsigned int n = 0;

	rhashtable_walk_enter(&rn->by_perm, &iter);
	rhashtable_walk_start(&iter);
	for (mapping = rhashtable_walk_peek(&iter); mapping;
	     mapping = rhashtable_walk_next(&iter)) {
		/*
		 * Let others run, and RCU free what was removed. Before @fn: the
		 * walk goes on behind the entry it stands at, and where that one
		 * is gone it would miss another.
		 */
		if (!(++n % ROAM_WALK_BATCH)) {
			rhashtable_walk_stop(&iter);
			cond_resched();
			rhashtable_walk_start(&iter);
			mapping = rhashtable_walk_peek(&iter);
			if (!mapping)
				break;
		}
		if (!IS_ERR(mapping))
			fn(rn, mapping, ctx);
	}
	rhashtable_walk_stop(&iter);
	rhashtable_walk_exit(&iter);
}

static void roam_mapping_flush_one(struct roam_net *rn,
				   struct roam_mapping *mapping, void *ctx)
{
	/* At the end of all there is no family to tell it. */
	if (!rn->gone)
		roam_nl_mapping_event(rn, mapping, ROAM_MANGLE_REASON_DELETED);
	roam_mapping_remove(rn, mapping);
}

void roam_mapping_flush(struct roam_net *rn)
{
	struct roam_left *left, *next;

	lockdep_assert_held(&rn->lock);
	/* First, so that no mapping has to look for its own among them. */
	list_for_each_entry_safe(left, next, &rn->left, list)
		roam_left_end(rn, left);
	while (roam_mappings(rn))
		roam_mapping_walk(rn, roam_mapping_flush_one, NULL);
}

static void roam_mapping_expire_one(struct roam_net *rn,
				    struct roam_mapping *mapping, void *ctx)
{
	unsigned long *next = ctx;
	s32 left;

	if (!mapping->mortal)
		return;
	left = (s32)(mapping->expires - (u32)jiffies);
	if (left > 0) {
		*next = min_t(unsigned long, *next, left);
		return;
	}
	roam_nl_mapping_event(rn, mapping, ROAM_MANGLE_REASON_EXPIRED);
	roam_mapping_remove(rn, mapping);
}

unsigned long roam_table_sweep(struct roam_net *rn)
{
	unsigned long next = MAX_SCHEDULE_TIMEOUT;
	unsigned long now = jiffies;
	struct roam_left *left;

	lockdep_assert_held(&rn->lock);
	/* Most runs are due to something else, and there may be millions. */
	if (time_before(now, rn->ends)) {
		next = rn->ends - now;
		return next < MAX_JIFFY_OFFSET / 2 ? next : MAX_SCHEDULE_TIMEOUT;
	}
	roam_mapping_walk(rn, roam_mapping_expire_one, &next);
	while ((left = list_first_entry_or_null(&rn->left, struct roam_left,
						list))) {
		if (time_before(now, left->until)) {
			next = min(next, left->until - now);
			break;
		}
		roam_left_end(rn, left);
	}
	rn->ends = next == MAX_SCHEDULE_TIMEOUT ? ROAM_NEVER : now + next;
	return next;
}

int roam_table_init(struct roam_net *rn)
{
	int err;

	INIT_LIST_HEAD(&rn->left);
	rn->ends = ROAM_NEVER;
	err = rhashtable_init(&rn->by_perm, &ROAM_MAPPING_PARAMS);
	if (err)
		return err;
	err = rhashtable_init(&rn->by_coa, &ROAM_ENDPOINT_PARAMS);
	if (err)
		rhashtable_destroy(&rn->by_perm);
	return err;
}

void roam_table_exit(struct roam_net *rn)
{
	mutex_lock(&rn->lock);
	roam_mapping_flush(rn);
	mutex_unlock(&rn->lock);
	rhashtable_destroy(&rn->by_coa);
	rhashtable_destroy(&rn->by_perm);
}

int roam_table_caches_init(void)
{
	roam_mapping_cache = KMEM_CACHE(roam_mapping, SLAB_HWCACHE_ALIGN);
	roam_endpoint_cache = KMEM_CACHE(roam_endpoint, 0);
	if (roam_mapping_cache && roam_endpoint_cache)
		return 0;
	roam_table_caches_exit();
	return -ENOMEM;
}

void roam_table_caches_exit(void)
{
	/* Two: what frees an endpoint leaves its route to another one. */
	rcu_barrier();
	rcu_barrier();
	kmem_cache_destroy(roam_mapping_cache);
	kmem_cache_destroy(roam_endpoint_cache);
}
