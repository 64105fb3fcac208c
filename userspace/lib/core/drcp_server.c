// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/drcp_server.h"

#include <stdlib.h>
#include <string.h>

#include "base/deadline.h"
#include "base/table.h"

#define RANDOM_TRIES 8
#define HELD 0x8000	/* in a key: the address is held */
#define RECENT 60	/* periods that what was advertised may be answered */

/**
 * struct client_key - a client in a subnet
 * @client: its link-layer address
 * @pool: number of the pool, and HELD
 */
struct client_key {
	uint8_t client[6];
	uint16_t pool;
};

/**
 * struct lease - one lease
 * @by_addr: member of server->by_addr
 * @addr: the address, the key
 * @by_client: member of server->by_client
 * @key: its key
 * @deadline: when it ends
 * @lease: what it is
 */
struct lease {
	struct table_node by_addr;
	struct roam_addr addr;
	struct table_node by_client;
	struct client_key key;
	struct deadline deadline;
	struct drcp_lease lease;
};

/**
 * struct pool - a pool and which of its addresses are given
 * @pool: the pool
 * @closed: nothing is given out of it any more
 * @size: addresses; 0 for IPv6
 * @given: a bit for each
 */
struct pool {
	struct drcp_pool pool;
	bool closed;
	uint32_t size;
	uint64_t *given;
};

/**
 * struct drcp_server - the server
 * @hold: see drcp_server_new()
 * @pools: pools, closed ones included
 * @n_pools: their number
 * @by_addr: leases
 * @by_client: the same: each client has one in each pool, and one that is held
 * @deadlines: of the leases
 * @epoch: of what was advertised last
 * @seq: likewise
 * @marks: numbers of before: of RECENT periods ago at least, and of less; each is kept
 *	for so long
 * @marked: when the last of them was
 * @counters: since the start
 */
struct drcp_server {
	msec_t hold;
	struct pool pools[DRCP_POOLS_MAX];
	size_t n_pools;
	struct table by_addr;
	struct table by_client;
	struct deadlines deadlines;
	uint32_t epoch;
	uint32_t seq;
	uint32_t marks[2];
	msec_t marked;
	struct drcp_server_counters counters;
};

struct drcp_server *drcp_server_new(msec_t hold)
{
	struct drcp_server *server = calloc(1, sizeof(*server));

	if (!server)
		return NULL;
	server->hold = hold;
	table_init(&server->by_addr,
		   table_key_offset(struct lease, by_addr, addr), 16);
	table_init(&server->by_client,
		   table_key_offset(struct lease, by_client, key),
		   sizeof(struct client_key));
	return server;
}

void drcp_server_free(struct drcp_server *server)
{
	struct table_iter iter = { 0 };
	struct table_node *node;

	if (!server)
		return;
	while ((node = table_next(&server->by_addr, &iter)))
		free(container_of(node, struct lease, by_addr));
	table_fini(&server->by_addr);
	table_fini(&server->by_client);
	deadlines_fini(&server->deadlines);
	for (size_t i = 0; i < server->n_pools; i++)
		free(server->pools[i].given);
	free(server);
}

/* ---- pools ---- */

static uint32_t number(const struct roam_addr *addr)
{
	return ntohl(roam_addr_to_in(addr).s_addr);
}

static bool is_v4(const struct pool *p)
{
	return roam_addr_is_v4(&p->pool.subnet.prefix.addr);
}

static void set_given(struct pool *p, const struct roam_addr *addr, bool given)
{
	uint32_t i;

	if (!is_v4(p) || number(addr) < number(&p->pool.first) ||
	    number(addr) > number(&p->pool.last))
		return;
	i = number(addr) - number(&p->pool.first);
	if (given)
		p->given[i / 64] |= UINT64_C(1) << i % 64;
	else
		p->given[i / 64] &= ~(UINT64_C(1) << i % 64);
}

static struct pool *pool_of(struct drcp_server *server,
			    const struct roam_prefix *prefix)
{
	for (size_t i = 0; i < server->n_pools; i++) {
		const struct roam_prefix *p =
			&server->pools[i].pool.subnet.prefix;

		if (p->len == prefix->len &&
		    roam_addr_eq(&p->addr, &prefix->addr))
			return &server->pools[i];
	}
	return NULL;
}

static struct pool *pool_with(struct drcp_server *server,
			      const struct roam_addr *addr)
{
	for (size_t i = 0; i < server->n_pools; i++)
		if (roam_prefix_contains(&server->pools[i].pool.subnet.prefix,
					 addr))
			return &server->pools[i];
	return NULL;
}

bool drcp_server_add_pool(struct drcp_server *server,
			  const struct drcp_pool *pool)
{
	struct pool *p = pool_of(server, &pool->subnet.prefix);
	struct pool made = { .pool = *pool };
	struct table_iter iter = { 0 };
	struct table_node *node;

	if (is_v4(&made)) {
		if (number(&pool->last) < number(&pool->first) ||
		    number(&pool->last) - number(&pool->first) >=
			    DRCP_POOL_MAX)
			return false;
		made.size = number(&pool->last) - number(&pool->first) + 1;
		made.given = calloc((made.size + 63) / 64, sizeof(uint64_t));
		if (!made.given)
			return false;
	}
	if (!p && server->n_pools == DRCP_POOLS_MAX) {
		free(made.given);
		return false;
	}
	if (!p)
		p = &server->pools[server->n_pools++];
	else
		free(p->given);
	*p = made;
	while ((node = table_next(&server->by_addr, &iter)))
		set_given(p, &container_of(node, struct lease, by_addr)->addr,
			  true);
	return true;
}

size_t drcp_server_pools(const struct drcp_server *server)
{
	return server->n_pools;
}

const struct drcp_pool *drcp_server_pool(const struct drcp_server *server,
					 size_t i)
{
	return server->pools[i].closed ? NULL : &server->pools[i].pool;
}

void drcp_server_close_pool(struct drcp_server *server,
			    const struct roam_prefix *prefix)
{
	struct pool *p = pool_of(server, prefix);

	if (p)
		p->closed = true;
}

/* ---- leases ---- */

static struct client_key key_of(const struct drcp_server *server,
				const struct pool *p, const uint8_t client[6],
				bool held)
{
	struct client_key key = {
		.pool = (uint16_t)(p - server->pools) | (held ? HELD : 0),
	};

	memcpy(key.client, client, 6);
	return key;
}

static struct lease *find_addr(const struct drcp_server *server,
			       const struct roam_addr *addr)
{
	struct table_node *node = table_find(&server->by_addr, addr);

	return node ? container_of(node, struct lease, by_addr) : NULL;
}

static struct lease *find_client(const struct drcp_server *server,
				 const struct pool *p, const uint8_t client[6],
				 bool held)
{
	struct client_key key = key_of(server, p, client, held);
	struct table_node *node = table_find(&server->by_client, &key);

	return node ? container_of(node, struct lease, by_client) : NULL;
}

static void lease_remove(struct drcp_server *server, struct lease *l)
{
	struct pool *p = pool_with(server, &l->addr);

	if (p)
		set_given(p, &l->addr, false);
	table_remove(&server->by_client, &l->by_client);
	table_remove(&server->by_addr, &l->by_addr);
	deadline_clear(&server->deadlines, &l->deadline);
	free(l);
}

static struct lease *lease_add(struct drcp_server *server, struct pool *p,
			       const struct drcp_lease *lease)
{
	struct lease *l;

	if (!deadlines_reserve(&server->deadlines, server->by_addr.count + 1))
		return NULL;
	l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->addr = lease->addr;
	l->key = key_of(server, p, lease->client, lease->held);
	l->lease = *lease;
	if (!table_insert(&server->by_addr, &l->by_addr)) {
		free(l);
		return NULL;
	}
	if (!table_insert(&server->by_client, &l->by_client)) {
		table_remove(&server->by_addr, &l->by_addr);
		free(l);
		return NULL;
	}
	set_given(p, &lease->addr, true);
	deadline_set(&server->deadlines, &l->deadline, lease->expires);
	return l;
}

bool drcp_server_restore(struct drcp_server *server,
			 const struct drcp_lease *lease)
{
	struct pool *p = pool_with(server, &lease->addr);

	if (!p || find_addr(server, &lease->addr) ||
	    find_client(server, p, lease->client, lease->held))
		return true;
	return lease_add(server, p, lease);
}

/* ---- which address ---- */

/* The same one again, if nobody took it meanwhile: programs and people like that. */
static uint32_t favourite(const uint8_t client[6])
{
	uint32_t hash = 2166136261u;

	for (int i = 0; i < 6; i++)
		hash = (hash ^ client[i]) * 16777619u;
	return hash ^ hash >> 15;
}

static bool choose_v4(const struct pool *p, const uint8_t client[6],
		      uint32_t shift, struct roam_addr *addr)
{
	uint32_t start = (favourite(client) + shift) % p->size;
	uint32_t words = (p->size + 63) / 64;
	struct in_addr in;

	/* The rest of its word, the other words, and the begin of its word. */
	for (uint32_t n = 0; n <= words; n++) {
		uint32_t w = (start / 64 + n) % words;
		uint64_t free_bits = ~p->given[w];
		uint32_t i;

		if (!n)
			free_bits &= UINT64_MAX << start % 64;
		if (w == words - 1 && p->size % 64)
			free_bits &= (UINT64_C(1) << p->size % 64) - 1;
		if (!free_bits)
			continue;
		i = w * 64 + __builtin_ctzll(free_bits);
		in.s_addr = htonl(number(&p->pool.first) + i);
		*addr = roam_addr_from_in(in);
		return true;
	}
	return false;
}

/* The interface identifier that a link-layer address makes (RFC 4291 A), or the next ones. */
static bool choose_v6(const struct drcp_server *server, const struct pool *p,
		      const uint8_t client[6], uint32_t shift,
		      struct roam_addr *addr)
{
	const uint8_t id[8] = {
		client[0] ^ 2, client[1], client[2], 0xff, 0xfe, client[3],
		client[4], client[5],
	};

	if (p->pool.subnet.prefix.len > 64)
		return false;
	*addr = p->pool.subnet.prefix.addr;
	memcpy(addr->b + 8, id, 8);
	addr->b[11] += (uint8_t)shift;
	for (int i = 0; i < RANDOM_TRIES; i++, addr->b[11]++)
		if (!find_addr(server, addr))
			return true;
	return false;
}

/* ---- requests ---- */

static void keep_before(struct drcp_change *change, const struct lease *l)
{
	change->changed = true;
	change->before = l->lease;
}

static void set_lease(struct drcp_server *server, struct lease *l,
		      const struct drcp_lease *lease)
{
	if (l->lease.held != lease->held) {
		table_remove(&server->by_client, &l->by_client);
		l->key.pool ^= HELD;
		/* It has room: the lease was in it. */
		(void)table_insert(&server->by_client, &l->by_client);
	}
	l->lease = *lease;
	deadline_set(&server->deadlines, &l->deadline, lease->expires);
}

static uint8_t assign(struct drcp_server *server, msec_t now, struct pool *p,
		      const struct drcp_msg *msg, struct drcp_change *change)
{
	struct lease *l = find_client(server, p, msg->client, false);
	struct drcp_lease lease = {
		.expires = now + (msec_t)p->pool.lease * 1000,
		.stamp = msg->stamp,
	};

	memcpy(lease.client, msg->client, 6);
	if (l) {
		if (msg->stamp < l->lease.stamp)
			return DRCP_STALE;
		/* A copy is answered, and moves nothing. */
		change->now = l->lease;
		if (msg->stamp == l->lease.stamp)
			return l->lease.expires > now ? DRCP_OK : DRCP_STALE;
		lease.addr = l->addr;
		keep_before(change, l);
		set_lease(server, l, &lease);
		server->counters.renewed++;
	} else {
		uint32_t shift = 0;

		/* Not the one again that it may have declined after the one held. */
		if (find_client(server, p, msg->client, true))
			shift = (uint32_t)msg->stamp;
		if (!(is_v4(p) ? choose_v4(p, msg->client, shift, &lease.addr) :
				 choose_v6(server, p, msg->client, shift,
					   &lease.addr))) {
			server->counters.exhausted++;
			return DRCP_EXHAUSTED;
		}
		l = lease_add(server, p, &lease);
		if (!l)
			return DRCP_LATER;
		change->changed = change->fresh = true;
		server->counters.assigned++;
	}
	change->now = l->lease;
	return DRCP_OK;
}

/*
 * Back to the pool, or out of it for a while: one for each client, or who asks and declines
 * in turn would have all.
 */
static uint8_t give_back(struct drcp_server *server, msec_t now,
			 const struct pool *p, struct lease *l,
			 const struct drcp_msg *msg,
			 struct drcp_change *change)
{
	struct drcp_lease lease = l->lease;

	if (msg->stamp <= l->lease.stamp)
		return DRCP_STALE;
	lease.stamp = msg->stamp;
	lease.expires = now;
	if (msg->type == DRCP_DECLINE) {
		if (!find_client(server, p, msg->client, true)) {
			lease.held = true;
			lease.expires = now + server->hold;
		}
		server->counters.declined++;
	} else {
		server->counters.released++;
	}
	keep_before(change, l);
	set_lease(server, l, &lease);
	change->now = lease;
	return DRCP_RELEASED;
}

void drcp_server_advertised(struct drcp_server *server, msec_t now,
			    const struct drcp_msg *msg)
{
	bool begins = msg->epoch != server->epoch;

	server->epoch = msg->epoch;
	server->seq = msg->seq;
	if (!begins && now < server->marked + RECENT * (msec_t)msg->period)
		return;
	server->marks[0] = begins ? msg->seq : server->marks[1];
	server->marks[1] = msg->seq;
	server->marked = now;
}

/*
 * By time, not by number: each solicitation takes a number, and somebody's may be many. A
 * number that was not advertised yet would have its request live for as long.
 */
static bool is_recent(const struct drcp_server *server,
		      const struct drcp_msg *msg)
{
	return msg->epoch == server->epoch &&
	       msg->seq - server->marks[0] <= server->seq - server->marks[0];
}

enum drcp_drop drcp_server_input(struct drcp_server *server, msec_t now,
				 const struct drcp_msg *msg,
				 struct drcp_msg *reply,
				 struct drcp_change *change)
{
	struct pool *p;
	struct lease *l;

	memset(reply, 0, sizeof(*reply));
	memset(change, 0, sizeof(*change));
	reply->stamp = msg->stamp;
	memcpy(reply->client, msg->client, 6);
	switch (msg->type) {
	case DRCP_REQUEST:
		if (!is_recent(server, msg))
			return DRCP_DROP_REPLAY;
		reply->subnet = msg->subnet;
		p = pool_of(server, &msg->subnet);
		reply->status = p && !p->closed ? assign(server, now, p, msg, change) :
				    DRCP_NO_SUBNET;
		break;
	case DRCP_RELEASE:
	case DRCP_DECLINE:
		l = find_addr(server, &msg->addr);
		p = pool_with(server, &msg->addr);
		/* An address of somebody else is none of his business. */
		if (!l || !p || l->lease.held ||
		    memcmp(l->lease.client, msg->client, 6))
			return DRCP_DROP_SOURCE;
		reply->subnet = p->pool.subnet.prefix;
		reply->status = give_back(server, now, p, l, msg, change);
		break;
	default:
		return DRCP_DROP_ROLE;
	}
	reply->type = DRCP_ASSIGNMENT;
	if (reply->status != DRCP_OK)
		return DRCP_DROP_NONE;
	reply->addr = change->now.addr;
	reply->lease = (uint32_t)((change->now.expires - now + 999) / 1000);
	reply->router = p->pool.subnet.router;
	reply->dns = p->pool.dns;
	return DRCP_DROP_NONE;
}

void drcp_server_undo(struct drcp_server *server,
		      const struct drcp_change *change)
{
	struct lease *l = change->changed ?
			  find_addr(server, &change->now.addr) : NULL;

	if (!l)
		return;
	if (change->fresh)
		lease_remove(server, l);
	else
		set_lease(server, l, &change->before);
}

msec_t drcp_server_tick(struct drcp_server *server, msec_t now)
{
	struct deadline *d;

	while ((d = deadlines_pop(&server->deadlines, now))) {
		lease_remove(server, container_of(d, struct lease, deadline));
		server->counters.expired++;
	}
	return deadlines_next(&server->deadlines);
}

size_t drcp_server_leases(const struct drcp_server *server)
{
	return server->by_addr.count;
}

void drcp_server_each(const struct drcp_server *server,
		      void (*fn)(void *ctx, const struct drcp_lease *lease),
		      void *ctx)
{
	struct table_iter iter = { 0 };
	struct table_node *node;

	while ((node = table_next(&server->by_addr, &iter)))
		fn(ctx, &container_of(node, struct lease, by_addr)->lease);
}

const struct drcp_server_counters *
drcp_server_counters(const struct drcp_server *server)
{
	return &server->counters;
}
