// SPDX-License-Identifier: GPL-2.0-only
#include <linux/jiffies.h>
#include <linux/netlink.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <net/dst.h>

#include "table.h"

static struct kmem_cache *tunnel_binding_cache __read_mostly;
static struct kmem_cache *tunnel_visitor_cache __read_mostly;

/* What the owner of a namespace asks for is on the account of who asks. */
static gfp_t tunnel_table_gfp(const struct tunnel_net *tn)
{
	return net_eq(tn->net, &init_net) ? GFP_KERNEL : GFP_KERNEL_ACCOUNT;
}

/* ---- endpoints ---- */

static void tunnel_route_free_rcu(struct rcu_head *rcu)
{
	struct tunnel_route *route = container_of(rcu, struct tunnel_route, rcu);

	dst_release(route->dst);
	kfree(route);
}

void tunnel_route_forget(struct tunnel_route *route)
{
	if (route)
		call_rcu(&route->rcu, tunnel_route_free_rcu);
}

static void tunnel_endpoint_free_rcu(struct rcu_head *rcu)
{
	struct tunnel_endpoint *endpoint = container_of(rcu, struct tunnel_endpoint,
						      rcu);

	struct tunnel_route *route;

	/* No packet can remember another one now. */
	route = rcu_dereference_protected(endpoint->route, true);
	if (route)
		tunnel_route_free_rcu(&route->rcu);
	kfree(endpoint);
}

static struct tunnel_pair *tunnel_pair_get(struct tunnel_net *tn,
				       const struct roam_encap *tunnel)
{
	const struct in6_addr key[2] = { roam_addr4(tunnel->daddr),
					 roam_addr4(tunnel->saddr) };
	struct tunnel_pair *pair;

	pair = rhashtable_lookup_fast(&tn->pairs, key, TUNNEL_PAIR_PARAMS);
	if (!pair) {
		pair = kzalloc(sizeof(*pair), tunnel_table_gfp(tn));
		if (!pair)
			return NULL;
		memcpy(pair->addr, key, sizeof(key));
		if (roam_table_insert(&tn->pairs, &pair->node,
				      TUNNEL_PAIR_PARAMS)) {
			kfree(pair);
			return NULL;
		}
	}
	pair->refs++;
	return pair;
}

static void tunnel_pair_put(struct tunnel_net *tn, struct tunnel_pair *pair)
{
	if (--pair->refs)
		return;
	rhashtable_remove_fast(&tn->pairs, &pair->node, TUNNEL_PAIR_PARAMS);
	kfree_rcu(pair, rcu);
}

static bool tunnel_endpoint_has_port(const struct tunnel_endpoint *endpoint)
{
	return endpoint->tunnel.encap == ROAM_TUNNEL_ENCAP_UDP &&
	       endpoint->tunnel.sport != htons(ROAM_MIP_PORT);
}

/* The other 24 bytes of two addresses have room for the rest of it. */
static void tunnel_endpoint_key(struct in6_addr key[2],
			      const struct roam_encap *tunnel,
			      const struct net_device *dev)
{
	key[0] = roam_addr4(tunnel->daddr);
	key[1] = roam_addr4(tunnel->saddr);
	key[0].s6_addr32[0] = (__force __be32)dev->ifindex;
	key[1].s6_addr32[0] = (__force __be32)(u32)tunnel->encap;
	if (tunnel->encap != ROAM_TUNNEL_ENCAP_UDP)
		return;
	key[1].s6_addr16[2] = tunnel->sport;
	key[1].s6_addr16[3] = tunnel->dport;
}

static void tunnel_endpoint_put_one(struct tunnel_net *tn,
				  struct tunnel_endpoint *endpoint)
{
	if (--endpoint->refs)
		return;
	if (endpoint->shared)
		rhashtable_remove_fast(&tn->endpoints, &endpoint->node,
				       TUNNEL_ENDPOINT_PARAMS);
	if (tunnel_endpoint_has_port(endpoint))
		WRITE_ONCE(tn->n_ports, tn->n_ports - 1);
	tn->n_endpoints--;
	tunnel_pair_put(tn, endpoint->pair);
	call_rcu(&endpoint->rcu, tunnel_endpoint_free_rcu);
}

/* An entry does not want its endpoints any more; NULL is allowed. */
static void tunnel_endpoint_put(struct tunnel_net *tn,
			      struct tunnel_endpoint *endpoint)
{
	while (endpoint) {
		struct tunnel_endpoint *also = endpoint->also;

		tunnel_endpoint_put_one(tn, endpoint);
		endpoint = also;
	}
}

static struct tunnel_endpoint *tunnel_endpoint_new(struct tunnel_net *tn,
					       const struct roam_encap *tunnel,
					       struct net_device *dev,
					       bool shared)
{
	struct tunnel_endpoint *endpoint;

	endpoint = kzalloc(sizeof(*endpoint), tunnel_table_gfp(tn));
	if (!endpoint)
		return NULL;
	endpoint->tunnel = *tunnel;
	endpoint->dev = dev;
	endpoint->refs = 1;
	tunnel_endpoint_key(endpoint->key, tunnel, dev);
	endpoint->pair = tunnel_pair_get(tn, tunnel);
	if (!endpoint->pair) {
		kfree(endpoint);
		return NULL;
	}
	if (shared && roam_table_insert(&tn->endpoints, &endpoint->node,
					TUNNEL_ENDPOINT_PARAMS)) {
		tunnel_pair_put(tn, endpoint->pair);
		kfree(endpoint);
		return NULL;
	}
	endpoint->shared = shared;
	if (tunnel_endpoint_has_port(endpoint))
		WRITE_ONCE(tn->n_ports, tn->n_ports + 1);
	tn->n_endpoints++;
	return endpoint;
}

/**
 * tunnel_endpoint_get - the endpoints that an entry wants
 * @tn: namespace; lock held
 * @tunnel: what they are
 * @n: how many
 * @dev: device of kind roam
 *
 * Return: the first, with a reference to all for tunnel_endpoint_put(); NULL
 * without memory.
 */
static struct tunnel_endpoint *tunnel_endpoint_get(struct tunnel_net *tn,
					       const struct roam_encap *tunnel,
					       unsigned int n,
					       struct net_device *dev)
{
	struct tunnel_endpoint *endpoint, *also = NULL;
	struct in6_addr key[2];

	if (n == 1) {
		tunnel_endpoint_key(key, tunnel, dev);
		endpoint = rhashtable_lookup_fast(&tn->endpoints, key,
						  TUNNEL_ENDPOINT_PARAMS);
		if (endpoint) {
			endpoint->refs++;
			return endpoint;
		}
		return tunnel_endpoint_new(tn, tunnel, dev, true);
	}
	while (n--) {
		endpoint = tunnel_endpoint_new(tn, &tunnel[n], dev, false);
		if (!endpoint) {
			tunnel_endpoint_put(tn, also);
			return NULL;
		}
		endpoint->also = also;
		also = endpoint;
	}
	return also;
}

/* Are these the endpoints that are wanted? */
static bool tunnel_endpoint_is(const struct tunnel_endpoint *endpoint,
			     const struct roam_encap *tunnel, unsigned int n,
			     const struct net_device *dev)
{
	struct in6_addr key[2];

	for (; endpoint && n; endpoint = endpoint->also, tunnel++, n--) {
		tunnel_endpoint_key(key, tunnel, dev);
		if (roam_addrs_differ(endpoint->key, key, 2))
			return false;
	}
	return !endpoint && !n;
}

/* This host is, or is no longer, a mobile node whose agents are at these. */
static void tunnel_endpoint_own(struct tunnel_endpoint *endpoint, int n)
{
	for (; endpoint; endpoint = endpoint->also) {
		if (n > 0)
			WRITE_ONCE(endpoint->pair->ifindex, endpoint->dev->ifindex);
		/* With tunnel_is_for_all(): who sees it sees a device. */
		smp_store_release(&endpoint->pair->own, endpoint->pair->own + n);
	}
}

/* ---- what bindings and visitors share ---- */

/* Has, or has no longer, a lifetime. */
static void tunnel_end_set(struct tunnel_net *tn, struct roam_ends *ends,
			 struct roam_end *end, u32 *expires, bool *mortal,
			 unsigned long lifetime)
{
	*mortal = lifetime != 0;
	if (!lifetime) {
		roam_ends_del(ends, end);
		return;
	}
	WRITE_ONCE(*expires, (u32)(jiffies + lifetime));
	roam_ends_add(ends, end, (u32)jiffies, *expires);
	roam_sweep_within(&tn->sweep, lifetime);
}

static struct net_device *tunnel_device_want(struct tunnel_net *tn, u32 ifindex,
					   struct netlink_ext_ack *extack)
{
	struct net_device *dev = tn->table_ops->device(tn, ifindex);

	if (dev)
		return dev;
	if (ifindex)
		NL_SET_ERR_MSG_MOD(extack,
				   "that is no device of kind roam; make one: ip link add NAME type roam");
	else if (list_empty(&tn->devices))
		NL_SET_ERR_MSG_MOD(extack,
				   "there is no device of kind roam; make one: ip link add NAME type roam");
	else
		NL_SET_ERR_MSG_MOD(extack,
				   "there are several devices of kind roam; say which");
	return ERR_PTR(-ENODEV);
}

/* ---- bindings ---- */

static struct tunnel_endpoint *tunnel_binding_to(struct tunnel_net *tn,
					     struct tunnel_binding *binding)
{
	return rcu_dereference_protected(binding->to,
					 lockdep_is_held(&tn->lock));
}

static void tunnel_binding_free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(tunnel_binding_cache,
			container_of(rcu, struct tunnel_binding, rcu));
}

static int tunnel_binding_check(struct tunnel_net *tn,
			      const struct tunnel_binding *binding,
			      const struct tunnel_binding_request *req,
			      struct netlink_ext_ack *extack)
{
	if (req->home_link &&
	    (!binding || binding->home_link != req->home_link)) {
		bool known;

		rcu_read_lock();
		known = dev_get_by_index_rcu(tn->net, req->home_link);
		rcu_read_unlock();
		if (!known) {
			NL_SET_ERR_MSG_MOD(extack, "there is no such home link");
			return -ENODEV;
		}
	}
	if (!binding) {
		if (req->existing) {
			NL_SET_ERR_MSG_MOD(extack, "no such binding");
			return -ENOENT;
		}
		if (tn->n_bindings >= tn->config.max_bindings) {
			NL_SET_ERR_MSG_MOD(extack,
					   "limit of bindings reached; raise max-bindings");
			return -ENOSPC;
		}
		return 0;
	}
	if (req->exclusive) {
		NL_SET_ERR_MSG_MOD(extack, "binding exists");
		return -EEXIST;
	}
	return 0;
}

static void tunnel_binding_fill(struct tunnel_net *tn, struct tunnel_binding *binding,
			      const struct tunnel_binding_request *req)
{
	bool had = !hlist_unhashed(&binding->broadcast);
	bool wants = (req->flags & ROAM_TUNNEL_BINDING_FLAG_BROADCAST) &&
		     req->home_link;

	WRITE_ONCE(binding->flags, req->flags);
	WRITE_ONCE(binding->home_link, req->home_link);
	if (wants && !had)
		hlist_add_head_rcu(&binding->broadcast, &tn->broadcasts);
	else if (!wants && had)
		hlist_del_init_rcu(&binding->broadcast);
	tunnel_end_set(tn, &tn->binding_ends, &binding->end, &binding->expires, &binding->mortal,
		     req->lifetime);
}

static struct tunnel_binding *
tunnel_binding_create(struct tunnel_net *tn, const struct tunnel_binding_request *req,
		    struct tunnel_endpoint *to, struct netlink_ext_ack *extack)
{
	struct tunnel_binding *binding;
	int err;

	binding = kmem_cache_zalloc(tunnel_binding_cache, tunnel_table_gfp(tn));
	if (!binding)
		return ERR_PTR(-ENOMEM);
	binding->home = req->home;
	binding->used = (u32)jiffies;
	RCU_INIT_POINTER(binding->to, to);
	WRITE_ONCE(binding->flags, req->flags);
	binding->home_link = req->home_link;
	err = roam_table_insert(&tn->bindings, &binding->node,
				TUNNEL_BINDING_PARAMS);
	if (err) {
		NL_SET_ERR_MSG_MOD(extack, "no memory for the binding");
		kmem_cache_free(tunnel_binding_cache, binding);
		return ERR_PTR(err);
	}
	tunnel_binding_fill(tn, binding, req);
	WRITE_ONCE(tn->n_bindings, tn->n_bindings + 1);
	return binding;
}

/*
 * Packets from the place it left may be under way. Not so if it is there still, and what
 * was agreed on with it has changed.
 */
static void tunnel_binding_leave(struct tunnel_net *tn,
				 struct tunnel_binding *binding,
				 const struct tunnel_endpoint *old,
				 const struct tunnel_endpoint *to)
{
	for (; to; to = to->also)
		if (to->tunnel.daddr == old->tunnel.daddr)
			return;
	WRITE_ONCE(binding->left, old->tunnel.daddr);
	WRITE_ONCE(binding->left_encap, old->tunnel.encap);
	WRITE_ONCE(binding->left_until, (u32)(jiffies + tn->config.grace));
}

struct tunnel_binding *tunnel_binding_set(struct tunnel_net *tn,
				      const struct tunnel_binding_request *req,
				      u8 *reason,
				      struct netlink_ext_ack *extack)
{
	struct tunnel_endpoint *to, *old;
	struct tunnel_binding *binding;
	struct net_device *dev;
	int err;

	lockdep_assert_held(&tn->lock);
	binding = rhashtable_lookup_fast(&tn->bindings, &req->home,
					 TUNNEL_BINDING_PARAMS);
	err = tunnel_binding_check(tn, binding, req, extack);
	if (err)
		return ERR_PTR(err);
	dev = tunnel_device_want(tn, req->device, extack);
	if (IS_ERR(dev))
		return ERR_CAST(dev);

	old = binding ? tunnel_binding_to(tn, binding) : NULL;
	if (old && tunnel_endpoint_is(old, req->endpoint, req->n, dev)) {
		tunnel_binding_fill(tn, binding, req);
		*reason = ROAM_TUNNEL_REASON_REFRESHED;
		return binding;
	}
	to = tunnel_endpoint_get(tn, req->endpoint, req->n, dev);
	if (!to)
		return ERR_PTR(-ENOMEM);
	if (binding) {
		tunnel_binding_leave(tn, binding, old, to);
		rcu_assign_pointer(binding->to, to);
		tunnel_binding_fill(tn, binding, req);
		tunnel_endpoint_put(tn, old);
		*reason = ROAM_TUNNEL_REASON_MOVED;
	} else {
		binding = tunnel_binding_create(tn, req, to, extack);
		if (IS_ERR(binding)) {
			tunnel_endpoint_put(tn, to);
			return binding;
		}
		*reason = ROAM_TUNNEL_REASON_NEW;
	}
	atomic_inc(&tn->generation);
	return binding;
}

void tunnel_binding_remove(struct tunnel_net *tn, struct tunnel_binding *binding)
{
	lockdep_assert_held(&tn->lock);
	rhashtable_remove_fast(&tn->bindings, &binding->node,
			       TUNNEL_BINDING_PARAMS);
	if (!hlist_unhashed(&binding->broadcast))
		hlist_del_init_rcu(&binding->broadcast);
	roam_ends_del(&tn->binding_ends, &binding->end);
	tunnel_endpoint_put(tn, tunnel_binding_to(tn, binding));
	WRITE_ONCE(tn->n_bindings, tn->n_bindings - 1);
	atomic_inc(&tn->generation);
	WRITE_ONCE(binding->dead, true);
	call_rcu(&binding->rcu, tunnel_binding_free_rcu);
}

/* ---- visitors ---- */

static struct tunnel_endpoint *tunnel_visitor_to(struct tunnel_net *tn,
					     struct tunnel_visitor *visitor)
{
	return rcu_dereference_protected(visitor->to,
					 lockdep_is_held(&tn->lock));
}

static struct tunnel_link *tunnel_visitor_link(struct tunnel_net *tn,
					   struct tunnel_visitor *visitor)
{
	return rcu_dereference_protected(visitor->link,
					 lockdep_is_held(&tn->lock));
}

static void tunnel_visitor_free_rcu(struct rcu_head *rcu)
{
	kmem_cache_free(tunnel_visitor_cache,
			container_of(rcu, struct tunnel_visitor, rcu));
}

static int tunnel_visitor_check(struct tunnel_net *tn,
			      const struct tunnel_visitor *visitor,
			      const struct tunnel_visitor_request *req,
			      struct netlink_ext_ack *extack)
{
	if (!visitor) {
		if (req->existing) {
			NL_SET_ERR_MSG_MOD(extack, "no such visitor");
			return -ENOENT;
		}
		if (tn->n_visitors >= tn->config.max_visitors) {
			NL_SET_ERR_MSG_MOD(extack,
					   "limit of visitors reached; raise max-visitors");
			return -ENOSPC;
		}
		return 0;
	}
	if (req->exclusive) {
		NL_SET_ERR_MSG_MOD(extack, "visitor exists");
		return -EEXIST;
	}
	if (visitor->role != req->role) {
		NL_SET_ERR_MSG_MOD(extack,
				   "the address is there in the other role; delete that entry first");
		return -EBUSY;
	}
	return 0;
}

static void tunnel_visitor_fill(struct tunnel_net *tn, struct tunnel_visitor *visitor,
			      const struct tunnel_visitor_request *req)
{
	/* A packet under way may see a mix: it is lost, as one sent before. */
	memcpy(visitor->mac, req->mac, ETH_ALEN);
	WRITE_ONCE(visitor->reverse, req->reverse);
	tunnel_end_set(tn, &tn->visitor_ends, &visitor->end, &visitor->expires, &visitor->mortal,
		     req->lifetime);
}

static struct tunnel_visitor *
tunnel_visitor_create(struct tunnel_net *tn, const struct tunnel_visitor_request *req,
		    struct tunnel_endpoint *to, struct tunnel_link *link,
		    struct net_device *dev, struct netlink_ext_ack *extack)
{
	struct tunnel_visitor *visitor;
	int err;

	visitor = kmem_cache_zalloc(tunnel_visitor_cache, tunnel_table_gfp(tn));
	if (!visitor)
		return ERR_PTR(-ENOMEM);
	visitor->home = req->home;
	visitor->role = req->role;
	visitor->used = (u32)jiffies;
	memcpy(visitor->mac, req->mac, ETH_ALEN);
	visitor->reverse = req->reverse;
	visitor->dev = dev;
	RCU_INIT_POINTER(visitor->link, link);
	RCU_INIT_POINTER(visitor->to, to);
	/* Packets and requests without the lock may find it at once: it is whole. */
	err = roam_table_insert(&tn->visitors, &visitor->node,
				TUNNEL_VISITOR_PARAMS);
	if (err) {
		NL_SET_ERR_MSG_MOD(extack, "no memory for the visitor");
		kmem_cache_free(tunnel_visitor_cache, visitor);
		return ERR_PTR(err);
	}
	if (req->role == ROAM_TUNNEL_ROLE_OWN)
		tunnel_endpoint_own(to, 1);
	tunnel_visitor_fill(tn, visitor, req);
	WRITE_ONCE(tn->n_visitors, tn->n_visitors + 1);
	return visitor;
}

static void tunnel_visitor_move(struct tunnel_net *tn, struct tunnel_visitor *visitor,
			      struct tunnel_endpoint *to, struct tunnel_link *link,
			      struct net_device *dev)
{
	struct tunnel_endpoint *old = tunnel_visitor_to(tn, visitor);
	struct tunnel_link *old_link = tunnel_visitor_link(tn, visitor);
	bool own = visitor->role == ROAM_TUNNEL_ROLE_OWN;

	if (own && old && to && old->tunnel.saddr != to->tunnel.saddr) {
		visitor->left = old->tunnel.saddr;
		WRITE_ONCE(visitor->left_until,
			   (u32)(jiffies + tn->config.grace));
	}
	if (own)
		tunnel_endpoint_own(to, 1);
	WRITE_ONCE(visitor->dev, dev);
	rcu_assign_pointer(visitor->link, link);
	rcu_assign_pointer(visitor->to, to);
	if (own)
		tunnel_endpoint_own(old, -1);
	tunnel_endpoint_put(tn, old);
	if (old_link)
		tn->table_ops->link_put(old_link);
}

struct tunnel_visitor *tunnel_visitor_set(struct tunnel_net *tn,
				      const struct tunnel_visitor_request *req,
				      u8 *reason,
				      struct netlink_ext_ack *extack)
{
	struct tunnel_endpoint *to = NULL;
	struct tunnel_link *link = NULL;
	struct tunnel_visitor *visitor;
	struct net_device *dev;
	int err;

	lockdep_assert_held(&tn->lock);
	visitor = rhashtable_lookup_fast(&tn->visitors, &req->home,
					 TUNNEL_VISITOR_PARAMS);
	err = tunnel_visitor_check(tn, visitor, req, extack);
	if (err)
		return ERR_PTR(err);
	dev = tunnel_device_want(tn, req->device, extack);
	if (IS_ERR(dev))
		return ERR_CAST(dev);

	*reason = ROAM_TUNNEL_REASON_NEW;
	if (visitor) {
		link = tunnel_visitor_link(tn, visitor);
		*reason = tunnel_endpoint_is(tunnel_visitor_to(tn, visitor),
					   req->endpoint, req->n, dev) &&
			  (link ? link->dev->ifindex : 0) == req->link &&
			  ether_addr_equal(visitor->mac, req->mac) ?
			  ROAM_TUNNEL_REASON_REFRESHED :
			  ROAM_TUNNEL_REASON_MOVED;
		link = NULL;
	}
	if (*reason == ROAM_TUNNEL_REASON_REFRESHED) {
		tunnel_visitor_fill(tn, visitor, req);
		return visitor;
	}

	if (req->link) {
		link = tn->table_ops->link_get(tn, req->link, extack);
		if (IS_ERR(link))
			return ERR_CAST(link);
	}
	if (req->n) {
		to = tunnel_endpoint_get(tn, req->endpoint, req->n, dev);
		err = to ? 0 : -ENOMEM;
	}
	if (!err && !visitor) {
		visitor = tunnel_visitor_create(tn, req, to, link, dev, extack);
		err = PTR_ERR_OR_ZERO(visitor);
	} else if (!err) {
		tunnel_visitor_fill(tn, visitor, req);
		tunnel_visitor_move(tn, visitor, to, link, dev);
	}
	if (err) {
		tunnel_endpoint_put(tn, to);
		if (link)
			tn->table_ops->link_put(link);
		return ERR_PTR(err);
	}
	atomic_inc(&tn->generation);
	return visitor;
}

void tunnel_visitor_remove(struct tunnel_net *tn, struct tunnel_visitor *visitor)
{
	lockdep_assert_held(&tn->lock);
	rhashtable_remove_fast(&tn->visitors, &visitor->node,
			       TUNNEL_VISITOR_PARAMS);
	roam_ends_del(&tn->visitor_ends, &visitor->end);
	if (visitor->role == ROAM_TUNNEL_ROLE_OWN)
		tunnel_endpoint_own(tunnel_visitor_to(tn, visitor), -1);
	tunnel_endpoint_put(tn, tunnel_visitor_to(tn, visitor));
	if (rcu_access_pointer(visitor->link))
		tn->table_ops->link_put(tunnel_visitor_link(tn, visitor));
	WRITE_ONCE(tn->n_visitors, tn->n_visitors - 1);
	atomic_inc(&tn->generation);
	WRITE_ONCE(visitor->dead, true);
	call_rcu(&visitor->rcu, tunnel_visitor_free_rcu);
}

/* ---- all of them ---- */

/**
 * struct tunnel_flush - which entries shall go
 * @tn: namespace
 * @dev: those that use it; NULL: all
 */
struct tunnel_flush {
	struct tunnel_net *tn;
	const struct net_device *dev;
};

static bool tunnel_binding_flush_one(void *entry, void *ctx)
{
	const struct tunnel_flush *flush = ctx;
	struct tunnel_binding *binding = entry;
	struct tunnel_net *tn = flush->tn;

	if (flush->dev && tunnel_binding_to(tn, binding)->dev != flush->dev)
		return true;
	/* At the end of all there is no family to tell it. */
	if (!tn->gone)
		tn->table_ops->binding(tn, binding, ROAM_TUNNEL_REASON_DELETED);
	tunnel_binding_remove(tn, binding);
	return true;
}

static bool tunnel_visitor_flush_one(void *entry, void *ctx)
{
	const struct tunnel_flush *flush = ctx;
	struct tunnel_visitor *visitor = entry;
	struct tunnel_net *tn = flush->tn;
	struct tunnel_link *link = tunnel_visitor_link(tn, visitor);

	if (flush->dev && visitor->dev != flush->dev &&
	    (!link || link->dev != flush->dev))
		return true;
	if (!tn->gone)
		tn->table_ops->visitor(tn, visitor, ROAM_TUNNEL_REASON_DELETED);
	tunnel_visitor_remove(tn, visitor);
	return true;
}

/*
 * A walk may miss entries while the table is rebuilt, so that it is repeated: until
 * it finds none, since nobody adds any under the lock.
 */
static void tunnel_flush(struct tunnel_net *tn, struct rhashtable *table,
		       const u32 *n, bool (*fn)(void *entry, void *ctx),
		       const struct net_device *dev)
{
	struct tunnel_flush flush = { tn, dev };
	u32 before;

	lockdep_assert_held(&tn->lock);
	do {
		before = *n;
		roam_table_walk(table, fn, &flush);
	} while (*n != before);
}

void tunnel_bindings_flush(struct tunnel_net *tn, const struct net_device *dev)
{
	tunnel_flush(tn, &tn->bindings, &tn->n_bindings, tunnel_binding_flush_one,
		   dev);
}

void tunnel_visitors_flush(struct tunnel_net *tn, const struct net_device *dev)
{
	tunnel_flush(tn, &tn->visitors, &tn->n_visitors, tunnel_visitor_flush_one,
		   dev);
}

static bool tunnel_binding_due(struct roam_end *end, u32 now, u32 *again,
			       void *ctx)
{
	struct tunnel_binding *binding = container_of(end, struct tunnel_binding,
						    end);
	struct tunnel_net *tn = ctx;

	tn->table_ops->binding(tn, binding, ROAM_TUNNEL_REASON_EXPIRED);
	tunnel_binding_remove(tn, binding);
	return false;
}

static bool tunnel_visitor_due(struct roam_end *end, u32 now, u32 *again,
			       void *ctx)
{
	struct tunnel_visitor *visitor = container_of(end, struct tunnel_visitor,
						    end);
	struct tunnel_net *tn = ctx;

	tn->table_ops->visitor(tn, visitor, ROAM_TUNNEL_REASON_EXPIRED);
	tunnel_visitor_remove(tn, visitor);
	return false;
}

bool tunnel_table_expire(struct tunnel_net *tn, unsigned int budget)
{
	bool more;

	lockdep_assert_held(&tn->lock);
	more = roam_ends_run(&tn->binding_ends, (u32)jiffies, budget,
			     tunnel_binding_due, tn);
	more |= roam_ends_run(&tn->visitor_ends, (u32)jiffies, budget,
			      tunnel_visitor_due, tn);
	return more;
}

unsigned long tunnel_table_next(const struct tunnel_net *tn)
{
	return min(roam_ends_next(&tn->binding_ends, (u32)jiffies),
		   roam_ends_next(&tn->visitor_ends, (u32)jiffies));
}

int tunnel_table_init(struct tunnel_net *tn, const struct tunnel_table_ops *ops)
{
	int err;

	tn->table_ops = ops;
	INIT_LIST_HEAD(&tn->links);
	INIT_HLIST_HEAD(&tn->broadcasts);
	roam_ends_init(&tn->binding_ends, (u32)jiffies);
	roam_ends_init(&tn->visitor_ends, (u32)jiffies);
	err = rhashtable_init(&tn->bindings, &TUNNEL_BINDING_PARAMS);
	if (err)
		return err;
	err = rhashtable_init(&tn->visitors, &TUNNEL_VISITOR_PARAMS);
	if (err)
		goto err_visitors;
	err = rhashtable_init(&tn->endpoints, &TUNNEL_ENDPOINT_PARAMS);
	if (err)
		goto err_endpoints;
	err = rhashtable_init(&tn->pairs, &TUNNEL_PAIR_PARAMS);
	if (err)
		goto err_pairs;
	return 0;

err_pairs:
	rhashtable_destroy(&tn->endpoints);
err_endpoints:
	rhashtable_destroy(&tn->visitors);
err_visitors:
	rhashtable_destroy(&tn->bindings);
	return err;
}

void tunnel_table_exit(struct tunnel_net *tn)
{
	mutex_lock(&tn->lock);
	tunnel_bindings_flush(tn, NULL);
	tunnel_visitors_flush(tn, NULL);
	mutex_unlock(&tn->lock);
	rhashtable_destroy(&tn->pairs);
	rhashtable_destroy(&tn->endpoints);
	rhashtable_destroy(&tn->visitors);
	rhashtable_destroy(&tn->bindings);
}

int tunnel_table_caches_init(void)
{
	tunnel_binding_cache = KMEM_CACHE(tunnel_binding, SLAB_HWCACHE_ALIGN);
	tunnel_visitor_cache = KMEM_CACHE(tunnel_visitor, SLAB_HWCACHE_ALIGN);
	if (tunnel_binding_cache && tunnel_visitor_cache)
		return 0;
	tunnel_table_caches_exit();
	return -ENOMEM;
}

void tunnel_table_caches_exit(void)
{
	rcu_barrier();
	kmem_cache_destroy(tunnel_binding_cache);
	kmem_cache_destroy(tunnel_visitor_cache);
}
