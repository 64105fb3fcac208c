// SPDX-License-Identifier: GPL-2.0-only
#include <linux/jiffies.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "../core/nl.h"
#include "table.h"

#define MANGLE_MAPPING_PARAMS \
	ROAM_TABLE_PARAMS(struct mangle_mapping, node, perm)
#define MANGLE_ENDPOINT_PARAMS \
	ROAM_TABLE_PARAMS(struct mangle_endpoint, node, coa)

/* How many entries end while the lock is held without a pause. */
#define MANGLE_SWEEP_BATCH 256

/* Endpoints of one mapping in grace: a ninth move ends the grace of the first. */
#define MANGLE_GRACES_MAX 8

static struct kmem_cache *mangle_mapping_cache __read_mostly;
static struct kmem_cache *mangle_endpoint_cache __read_mostly;
static struct kmem_cache *mangle_ending_cache __read_mostly;

static struct mangle_mapping *mangle_mapping_of(struct mangle_table *table,
						const struct in6_addr *perm)
{
	return rhashtable_lookup_fast(&table->by_perm, perm,
				      MANGLE_MAPPING_PARAMS);
}

static struct mangle_endpoint *mangle_endpoint_of(struct mangle_table *table,
						  const struct in6_addr *coa)
{
	return rhashtable_lookup_fast(&table->by_coa, coa,
				      MANGLE_ENDPOINT_PARAMS);
}

static struct mangle_endpoint *
mangle_endpoint_current(struct mangle_table *table,
			struct mangle_mapping *mapping)
{
	return rcu_dereference_protected(mapping->endpoint,
					 lockdep_is_held(&table->lock));
}

/* Memory that the owner of a namespace asks for is charged to his control group. */
static gfp_t mangle_table_gfp(const struct mangle_table *table)
{
	return net_eq(table->net, &init_net) ? GFP_KERNEL : GFP_KERNEL_ACCOUNT;
}

static void mangle_mapping_free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(mangle_mapping_cache,
			container_of(rcu, struct mangle_mapping, rcu));
}

static void mangle_endpoint_free_rcu(struct rcu_head *rcu)
{
	struct mangle_endpoint *endpoint =
		container_of(rcu, struct mangle_endpoint, rcu);

	/* No packet can put another route into the slot now. */
	roam_route_free(rcu_dereference_protected(endpoint->route, true));
	kmem_cache_free(mangle_endpoint_cache, endpoint);
}

/* Takes an endpoint out of its table. */
static void mangle_endpoint_remove(struct mangle_table *table,
				   struct mangle_endpoint *endpoint)
{
	rhashtable_remove_fast(&table->by_coa, &endpoint->node,
			       MANGLE_ENDPOINT_PARAMS);
	call_rcu(&endpoint->rcu, mangle_endpoint_free_rcu);
}

/* The mapping's place for what ends; NULL without memory. */
static struct mangle_ending *mangle_ending_get(struct mangle_table *table,
					       struct mangle_mapping *mapping)
{
	struct mangle_ending *ending = mapping->ending;

	if (ending)
		return ending;
	ending = kmem_cache_zalloc(mangle_ending_cache,
				   mangle_table_gfp(table));
	if (!ending)
		return NULL;
	ending->mapping = mapping;
	mapping->ending = ending;
	return ending;
}

/* ---- grace ---- */

/* The grace of an endpoint that its mapping has left, or NULL. */
static struct mangle_grace *
mangle_grace_of(const struct mangle_endpoint *endpoint)
{
	struct mangle_ending *ending = endpoint->mapping->ending;
	struct mangle_grace *grace;

	if (ending)
		hlist_for_each_entry(grace, &ending->graces, node)
			if (grace->endpoint == endpoint)
				return grace;
	return NULL;
}

static void mangle_grace_forget(struct mangle_grace *grace)
{
	list_del(&grace->list);
	hlist_del(&grace->node);
	kfree(grace);
}

/* Removes an endpoint whose grace is over. */
static void mangle_grace_end(struct mangle_table *table,
			     struct mangle_grace *grace)
{
	mangle_endpoint_remove(table, grace->endpoint);
	mangle_grace_forget(grace);
}

/* Ends all but the latest @n times of grace of a mapping. */
static void mangle_graces_end(struct mangle_table *table,
			      struct mangle_ending *ending, unsigned int n)
{
	struct mangle_grace *grace;
	struct hlist_node *next;

	hlist_for_each_entry_safe(grace, next, &ending->graces, node) {
		if (n)
			n--;
		else
			mangle_grace_end(table, grace);
	}
}

/* The mapping has left this address: packets in flight are translated for a while. */
static void mangle_endpoint_leave(struct mangle_table *table,
				  struct mangle_endpoint *endpoint)
{
	struct mangle_ending *ending = NULL;
	unsigned long time = table->config->grace;
	struct mangle_grace *grace = NULL;

	if (time)
		ending = mangle_ending_get(table, endpoint->mapping);
	if (ending)
		grace = kmalloc(sizeof(*grace), mangle_table_gfp(table));
	/* Without memory there is no grace: TCP sends again. */
	if (!grace) {
		mangle_endpoint_remove(table, endpoint);
		return;
	}
	mangle_graces_end(table, ending, MANGLE_GRACES_MAX - 1);
	grace->endpoint = endpoint;
	grace->until = jiffies + time;
	hlist_add_head(&grace->node, &ending->graces);
	list_add_tail(&grace->list, &table->graces);
	roam_sweep_within(table->sweep, time);
}

/* ---- changes ---- */

/**
 * mangle_endpoint_claim - get an endpoint at @coa that @mapping can be given
 * @table: the table; lock held
 * @mapping: who asks
 * @coa: the care-of address
 * @extack: gets the cause of a refusal
 *
 * Return: one that stands in the table and points to @mapping, its own one at
 * that address if it has one; or ERR_PTR.
 */
static struct mangle_endpoint *
mangle_endpoint_claim(struct mangle_table *table,
		      struct mangle_mapping *mapping,
		      const struct in6_addr *coa,
		      struct netlink_ext_ack *extack)
{
	struct mangle_endpoint *endpoint, *old;
	struct mangle_grace *grace = NULL;
	int err;

	old = mangle_endpoint_of(table, coa);
	if (old && mangle_endpoint_current(table, old->mapping) != old)
		grace = mangle_grace_of(old);
	if (old && old->mapping == mapping) {
		if (grace)
			mangle_grace_forget(grace);
		return old;
	}
	if (old && !grace) {
		NL_SET_ERR_MSG_MOD(extack,
				   "the care-of address already carries another permanent address; two hosts behind one address need the tunnel");
		return ERR_PTR(-EADDRINUSE);
	}

	endpoint = kmem_cache_zalloc(mangle_endpoint_cache,
				     mangle_table_gfp(table));
	if (!endpoint) {
		NL_SET_ERR_MSG_MOD(extack, "there is no memory for the care-of address");
		return ERR_PTR(-ENOMEM);
	}
	endpoint->coa = *coa;
	endpoint->mapping = mapping;

	if (old)
		err = rhashtable_replace_fast(&table->by_coa, &old->node,
					      &endpoint->node,
					      MANGLE_ENDPOINT_PARAMS);
	else
		err = roam_table_insert(&table->by_coa, &endpoint->node,
					MANGLE_ENDPOINT_PARAMS);
	if (err) {
		kmem_cache_free(mangle_endpoint_cache, endpoint);
		return ERR_PTR(roam_nl_insert_error(err, extack));
	}
	if (old) {
		mangle_grace_forget(grace);
		call_rcu(&old->rcu, mangle_endpoint_free_rcu);
	}
	return endpoint;
}

static void mangle_mappings_add(struct mangle_table *table, u8 role, int n)
{
	WRITE_ONCE(table->mappings[role], table->mappings[role] + n);
}

/*
 * Who may speak for a permanent address is a stranger for every other one. What this
 * host sends to the permanent address goes to the care-of address, past any rule about
 * that: so it can be neither an address of ours nor one where no mobile host can be
 * (OPEN-28). Where the own host is, its own daemon knows.
 */
static int mangle_coa_check(struct mangle_table *table,
			    const struct mangle_mapping_request *req,
			    struct netlink_ext_ack *extack)
{
	if (!req->valid)
		return 0;
	if (roam_addr_is_link_local(&req->coa)) {
		NL_SET_ERR_MSG_MOD(extack, "care-of address is link-local; a mobile host is nowhere by that");
		return -EADDRNOTAVAIL;
	}
	if (req->role != ROAM_MANGLE_ROLE_REMOTE)
		return 0;
	if (roam_addr_is_local(table->net, &req->coa)) {
		NL_SET_ERR_MSG_MOD(extack, "care-of address is an address of this host; another host cannot be there");
		return -EADDRNOTAVAIL;
	}
	if (mangle_ranges_contain(rcu_dereference_protected(table->ranges,
							    lockdep_is_held(&table->lock)),
				  &req->coa)) {
		NL_SET_ERR_MSG_MOD(extack, "care-of address is in a prefix of permanent addresses; it belongs to another mobile host");
		return -EADDRNOTAVAIL;
	}
	if (mangle_ranges_contain(rcu_dereference_protected(table->internal,
							    lockdep_is_held(&table->lock)),
				  &req->coa)) {
		NL_SET_ERR_MSG_MOD(extack, "care-of address is in an internal prefix, where no mobile host can be");
		return -EADDRNOTAVAIL;
	}
	return 0;
}

static int mangle_mapping_check(struct mangle_table *table,
				const struct mangle_mapping *mapping,
				const struct mangle_mapping_request *req,
				struct netlink_ext_ack *extack)
{
	if (!mapping) {
		if (req->existing) {
			NL_SET_ERR_MSG_MOD(extack, "there is no such mapping");
			return -ENOENT;
		}
		if (mangle_mappings(table) >= table->config->max_mappings) {
			NL_SET_ERR_MSG_MOD(extack,
					   "the limit of mappings is reached; raise max-mappings");
			return -ENOSPC;
		}
		return 0;
	}
	if (req->exclusive) {
		NL_SET_ERR_MSG_MOD(extack, "the mapping exists already");
		return -EEXIST;
	}
	if (mapping->role != req->role) {
		NL_SET_ERR_MSG_MOD(extack,
				   "the address is mapped in the other role; delete that mapping first");
		return -EBUSY;
	}
	if (req->seq < mapping->seq) {
		NL_SET_ERR_MSG_MOD(extack, "the sequence is older than the stored one");
		return -ESTALE;
	}
	return 0;
}

/* Has the memory that a lifetime takes, before anything changes. */
static int mangle_mapping_prepare(struct mangle_table *table,
				  struct mangle_mapping *mapping,
				  const struct mangle_mapping_request *req,
				  struct netlink_ext_ack *extack)
{
	if (!req->lifetime || mangle_ending_get(table, mapping))
		return 0;
	NL_SET_ERR_MSG_MOD(extack, "there is no memory for the lifetime");
	return -ENOMEM;
}

static void mangle_mapping_set_lifetime(struct mangle_table *table,
					struct mangle_mapping *mapping,
					const struct mangle_mapping_request *req)
{
	u32 now = (u32)jiffies;

	mapping->seq = req->seq;
	mapping->mortal = req->lifetime != 0;
	mapping->expires = now + (u32)req->lifetime;
	if (mapping->mortal) {
		roam_ends_add(&table->ends, &mapping->ending->end, now,
			      mapping->expires);
		roam_sweep_within(table->sweep, req->lifetime);
	} else if (mapping->ending) {
		roam_ends_del(&table->ends, &mapping->ending->end);
	}
}

/* Frees a mapping that no reader has seen. */
static void mangle_mapping_discard(struct mangle_mapping *mapping)
{
	if (mapping->ending)
		kmem_cache_free(mangle_ending_cache, mapping->ending);
	kmem_cache_free(mangle_mapping_cache, mapping);
}

static struct mangle_mapping *
mangle_mapping_create(struct mangle_table *table,
		      const struct mangle_mapping_request *req,
		      struct netlink_ext_ack *extack)
{
	struct mangle_endpoint *endpoint = NULL;
	struct mangle_mapping *mapping;
	int err;

	mapping = kmem_cache_zalloc(mangle_mapping_cache,
				    mangle_table_gfp(table));
	if (!mapping) {
		NL_SET_ERR_MSG_MOD(extack, "there is no memory for the mapping");
		return ERR_PTR(-ENOMEM);
	}
	err = mangle_mapping_prepare(table, mapping, req, extack);
	if (err) {
		mangle_mapping_discard(mapping);
		return ERR_PTR(err);
	}
	mapping->perm = req->perm;
	mapping->role = req->role;
	mapping->mode = req->mode;
	mapping->used = (u32)jiffies;
	/*
	 * A new mapping has not moved, but an own address that comes again needs
	 * another number than the one its correspondents were told about.
	 */
	if (req->role == ROAM_MANGLE_ROLE_OWN)
		mapping->epoch = atomic_inc_return(&table->epoch);

	if (req->valid) {
		endpoint = mangle_endpoint_claim(table, mapping, &req->coa,
						 extack);
		if (IS_ERR(endpoint)) {
			mangle_mapping_discard(mapping);
			return ERR_CAST(endpoint);
		}
		RCU_INIT_POINTER(mapping->endpoint, endpoint);
	}

	err = roam_table_insert(&table->by_perm, &mapping->node,
				MANGLE_MAPPING_PARAMS);
	if (err) {
		roam_nl_insert_error(err, extack);
		if (endpoint)
			mangle_endpoint_remove(table, endpoint);
		if (mapping->ending)
			kmem_cache_free(mangle_ending_cache, mapping->ending);
		/* A reader may have found the mapping by its endpoint. */
		call_rcu(&mapping->rcu, mangle_mapping_free_rcu);
		return ERR_PTR(err);
	}
	mangle_mapping_set_lifetime(table, mapping, req);
	mangle_mappings_add(table, req->role, 1);
	table->used = true;
	return mapping;
}

static int mangle_mapping_move(struct mangle_table *table,
			       struct mangle_mapping *mapping,
			       const struct mangle_mapping_request *req,
			       u8 *reason, struct netlink_ext_ack *extack)
{
	struct mangle_endpoint *old = mangle_endpoint_current(table, mapping);
	struct mangle_endpoint *new = NULL;
	int err;

	err = mangle_mapping_prepare(table, mapping, req, extack);
	if (err)
		return err;
	if (req->valid) {
		new = mangle_endpoint_claim(table, mapping, &req->coa, extack);
		if (IS_ERR(new))
			return PTR_ERR(new);
	}
	*reason = new == old ? ROAM_MANGLE_REASON_REFRESHED :
			       ROAM_MANGLE_REASON_MOVED;
	WRITE_ONCE(mapping->mode, req->mode);
	if (new != old) {
		/* The epoch first: a reader of the new endpoint must not see the old epoch. */
		WRITE_ONCE(mapping->epoch, atomic_inc_return(&table->epoch));
		rcu_assign_pointer(mapping->endpoint, new);
		if (old)
			mangle_endpoint_leave(table, old);
		/* Correspondents of an own mapping have to be told first, so they come later. */
		if (mapping->role == ROAM_MANGLE_ROLE_REMOTE)
			table->ops->moved(table);
	}
	mangle_mapping_set_lifetime(table, mapping, req);
	return 0;
}

struct mangle_mapping *
mangle_mapping_set(struct mangle_table *table,
		   const struct mangle_mapping_request *req, u8 *reason,
		   struct netlink_ext_ack *extack)
{
	struct mangle_mapping *mapping;
	int err;

	lockdep_assert_held(&table->lock);
	mapping = mangle_mapping_of(table, &req->perm);
	err = mangle_mapping_check(table, mapping, req, extack) ?:
	      mangle_coa_check(table, req, extack);
	if (err)
		return ERR_PTR(err);

	if (mapping) {
		err = mangle_mapping_move(table, mapping, req, reason, extack);
		if (err)
			return ERR_PTR(err);
	} else {
		mapping = mangle_mapping_create(table, req, extack);
		*reason = ROAM_MANGLE_REASON_NEW;
	}
	if (!IS_ERR(mapping))
		atomic_inc(&table->generation);
	return mapping;
}

void mangle_mapping_remove(struct mangle_table *table,
			   struct mangle_mapping *mapping)
{
	struct mangle_endpoint *endpoint =
		mangle_endpoint_current(table, mapping);
	struct mangle_ending *ending = mapping->ending;

	lockdep_assert_held(&table->lock);
	rhashtable_remove_fast(&table->by_perm, &mapping->node,
			       MANGLE_MAPPING_PARAMS);
	if (endpoint)
		mangle_endpoint_remove(table, endpoint);
	if (ending) {
		mangle_graces_end(table, ending, 0);
		roam_ends_del(&table->ends, &ending->end);
		kmem_cache_free(mangle_ending_cache, ending);
	}

	mangle_mappings_add(table, mapping->role, -1);
	atomic_inc(&table->generation);
	WRITE_ONCE(mapping->dead, true);
	/* with smp_rmb() in mangle_mapping_view() */
	smp_wmb();
	call_rcu(&mapping->rcu, mangle_mapping_free_rcu);
}

static bool mangle_mapping_flush_one(void *entry, void *ctx)
{
	struct mangle_table *table = ctx;

	table->ops->event(table, entry, ROAM_MANGLE_REASON_DELETED);
	mangle_mapping_remove(table, entry);
	return true;
}

void mangle_mapping_flush(struct mangle_table *table)
{
	lockdep_assert_held(&table->lock);
	/* A resize may hide mappings from one walk, so walks go on until none is left. */
	while (mangle_mappings(table))
		roam_table_walk(&table->by_perm, mangle_mapping_flush_one,
				table);
}

/* ---- what ends ---- */

/* A mapping in the queue is asked whether it has ended: if so, it is removed. */
static bool mangle_mapping_goes_on(struct roam_end *end, u32 now, u32 *again,
				   void *ctx)
{
	struct mangle_mapping *mapping =
		container_of(end, struct mangle_ending, end)->mapping;
	struct mangle_table *table = ctx;

	if ((s32)(mapping->expires - now) > 0) {
		*again = mapping->expires;
		return true;
	}
	table->ops->event(table, mapping, ROAM_MANGLE_REASON_EXPIRED);
	mangle_mapping_remove(table, mapping);
	return false;
}

/* Ends at most @budget times of grace; true if more are over. */
static bool mangle_graces_sweep(struct mangle_table *table, unsigned int budget,
				unsigned long *next)
{
	struct mangle_grace *grace;

	*next = MAX_SCHEDULE_TIMEOUT;
	while ((grace = list_first_entry_or_null(&table->graces,
						 struct mangle_grace, list))) {
		unsigned long now = jiffies;

		if (time_before(now, grace->until)) {
			*next = grace->until - now;
			return false;
		}
		if (!budget--)
			return true;
		mangle_grace_end(table, grace);
	}
	return false;
}

unsigned long mangle_table_sweep(struct mangle_table *table)
{
	unsigned long next;
	bool more;

	do {
		u32 now = (u32)jiffies;

		mutex_lock(&table->lock);
		more = roam_ends_run(&table->ends, now, MANGLE_SWEEP_BATCH,
				     mangle_mapping_goes_on, table);
		more |= mangle_graces_sweep(table, MANGLE_SWEEP_BATCH, &next);
		next = min(next, roam_ends_next(&table->ends, now));
		mutex_unlock(&table->lock);
		cond_resched();
	} while (more);
	return next;
}

int mangle_table_init(struct mangle_table *table, struct net *net,
		      const struct mangle_config *config,
		      struct roam_sweep *sweep,
		      const struct mangle_table_ops *ops)
{
	int err;

	table->net = net;
	table->config = config;
	table->sweep = sweep;
	table->ops = ops;
	mutex_init(&table->lock);
	INIT_LIST_HEAD(&table->graces);
	roam_ends_init(&table->ends, (u32)jiffies);
	/* Not 0, which mangle_peer.epoch has before it was told of anything. */
	atomic_set(&table->epoch, 1);
	err = rhashtable_init(&table->by_perm, &MANGLE_MAPPING_PARAMS);
	if (err)
		return err;
	err = rhashtable_init(&table->by_coa, &MANGLE_ENDPOINT_PARAMS);
	if (err)
		rhashtable_destroy(&table->by_perm);
	return err;
}

void mangle_table_exit(struct mangle_table *table)
{
	mutex_lock(&table->lock);
	mangle_mapping_flush(table);
	mutex_unlock(&table->lock);
	rhashtable_destroy(&table->by_coa);
	rhashtable_destroy(&table->by_perm);
}

int mangle_table_caches_init(void)
{
	mangle_mapping_cache = KMEM_CACHE(mangle_mapping, SLAB_HWCACHE_ALIGN);
	mangle_endpoint_cache = KMEM_CACHE(mangle_endpoint, 0);
	mangle_ending_cache = KMEM_CACHE(mangle_ending, 0);
	if (mangle_mapping_cache && mangle_endpoint_cache &&
	    mangle_ending_cache)
		return 0;
	mangle_table_caches_exit();
	return -ENOMEM;
}

void mangle_table_caches_exit(void)
{
	/* Twice: the callback that frees an endpoint leaves its route to another one. */
	rcu_barrier();
	rcu_barrier();
	kmem_cache_destroy(mangle_mapping_cache);
	kmem_cache_destroy(mangle_endpoint_cache);
	kmem_cache_destroy(mangle_ending_cache);
}
