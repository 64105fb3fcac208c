// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/lease.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/deadline.h"
#include "wire/bytes.h"

#define KEY_LEN 16
#define LEASE_FIXED 18

/**
 * struct entry - a lease in the tables
 * @by_name: in leases.names
 * @key: of the names, behind @by_name
 * @by_addr: in leases.addrs
 * @addr: behind @by_addr; and the rest as in struct lease
 * @deadline: the end of the quiet time
 * @user: whose it is
 */
struct entry {
	struct table_node by_name;
	uint8_t key[KEY_LEN];
	struct table_node by_addr;
	struct roam_addr addr;
	struct roam_addr agent;
	msec_t until;
	struct deadline deadline;
	struct user *user;
	uint8_t sub_len;
	uint8_t sub[];
};

/**
 * struct user - a NAI with leases
 * @node: in leases.users
 * @key: of the NAI, behind @node
 * @n: its leases
 * @last: highest Identification of a request of it that was accepted
 * @nai_len: bytes of the NAI
 * @nai: the NAI, once for all of them
 */
struct user {
	struct table_node node;
	uint8_t key[KEY_LEN];
	size_t n;
	uint64_t last;
	uint8_t nai_len;
	uint8_t nai[];
};

/**
 * struct leases - see leases_new()
 * @names: leases by name
 * @addrs: leases by address
 * @users: NAIs
 * @ends: of quiet leases
 * @next: what is tried next, from the begin of a range
 * @full: begin of the range in which nothing was free, until something is
 */
struct leases {
	struct table names;
	struct table addrs;
	struct table users;
	struct deadlines ends;
	uint32_t next;
	struct roam_addr full;
};

/*
 * Names differ in length; the tables' keys do not. Two hashes with the secret of the
 * tables make 128 bits that nobody can make meet; where two would, the names are
 * compared and the second is refused.
 */
static void key_of(const uint8_t *nai, size_t nai_len, const uint8_t *sub,
		   size_t sub_len, uint8_t key[KEY_LEN])
{
	uint8_t text[2 + LEASE_NAMES_MAX];
	uint64_t half;
	size_t i;

	text[1] = (uint8_t)nai_len;
	memcpy(text + 2, nai, nai_len);
	if (sub_len)
		memcpy(text + 2 + nai_len, sub, sub_len);
	for (i = 0; i < 2; i++) {
		text[0] = (uint8_t)i;
		half = table_hash(text, 2 + nai_len + sub_len);
		memcpy(key + 8 * i, &half, 8);
	}
}

bool lease_is_of(const struct lease *lease, const struct mip_names *names)
{
	return lease->nai_len == names->nai_len &&
	       lease->sub_len == names->sub_len &&
	       !memcmp(lease->names, names->nai, names->nai_len) &&
	       (!names->sub_len ||
		!memcmp(lease->names + lease->nai_len, names->sub,
			names->sub_len));
}

void lease_set_names(struct lease *lease, const struct mip_names *names)
{
	lease->nai_len = (uint8_t)names->nai_len;
	lease->sub_len = (uint8_t)names->sub_len;
	memcpy(lease->names, names->nai, names->nai_len);
	if (names->sub_len)
		memcpy(lease->names + names->nai_len, names->sub,
		       names->sub_len);
}

struct mip_names lease_names(const struct lease *lease)
{
	return (struct mip_names){
		.nai = lease->names, .nai_len = lease->nai_len,
		.sub = lease->sub_len ? lease->names + lease->nai_len : NULL,
		.sub_len = lease->sub_len,
	};
}

/* ---- the tables ---- */

static void lease_of(const struct entry *e, struct lease *lease)
{
	memset(lease, 0, sizeof(*lease));
	lease->addr = e->addr;
	lease->agent = e->agent;
	lease->until = e->until;
	lease->nai_len = e->user->nai_len;
	lease->sub_len = e->sub_len;
	memcpy(lease->names, e->user->nai, e->user->nai_len);
	memcpy(lease->names + e->user->nai_len, e->sub, e->sub_len);
}

static struct entry *find_name(const struct leases *leases,
			       const struct mip_names *names)
{
	struct table_node *node;
	uint8_t key[KEY_LEN];

	key_of(names->nai, names->nai_len, names->sub, names->sub_len, key);
	node = table_find(&leases->names, key);
	return node ? container_of(node, struct entry, by_name) : NULL;
}

static struct entry *find_addr(const struct leases *leases,
			       const struct roam_addr *addr)
{
	struct table_node *node = table_find(&leases->addrs, addr);

	return node ? container_of(node, struct entry, by_addr) : NULL;
}

bool leases_find(const struct leases *leases, const struct mip_names *names,
		 struct lease *lease)
{
	const struct entry *e = find_name(leases, names);

	if (!e)
		return false;
	lease_of(e, lease);
	return lease_is_of(lease, names);
}

bool leases_at(const struct leases *leases, const struct roam_addr *addr,
	       struct lease *lease)
{
	const struct entry *e = find_addr(leases, addr);

	if (e)
		lease_of(e, lease);
	return e;
}

static struct user *find_user(const struct leases *leases, const uint8_t *nai,
			      size_t len)
{
	struct table_node *node;
	uint8_t key[KEY_LEN];

	key_of(nai, len, NULL, 0, key);
	node = table_find(&leases->users, key);
	return node ? container_of(node, struct user, node) : NULL;
}

uint64_t leases_last(const struct leases *leases, const uint8_t *nai, size_t len)
{
	const struct user *user = find_user(leases, nai, len);

	return user ? user->last : 0;
}

void leases_advance(struct leases *leases, const uint8_t *nai, size_t len,
		    uint64_t id)
{
	struct user *user = find_user(leases, nai, len);

	if (user && user->last < id)
		user->last = id;
}

static struct user *find_or_make_user(struct leases *leases,
				      const uint8_t *nai, size_t len)
{
	struct user *user = find_user(leases, nai, len);

	if (user)
		return user->nai_len == len && !memcmp(user->nai, nai, len) ?
			user : NULL;
	user = calloc(1, sizeof(*user) + len);
	if (!user)
		return NULL;
	user->nai_len = (uint8_t)len;
	memcpy(user->nai, nai, len);
	key_of(nai, len, NULL, 0, user->key);
	if (table_insert(&leases->users, &user->node))
		return user;
	free(user);
	return NULL;
}

static void leave_user(struct leases *leases, struct user *user)
{
	if (user->n)
		return;
	table_remove(&leases->users, &user->node);
	free(user);
}

static void remove_entry(struct leases *leases, struct entry *e)
{
	deadline_clear(&leases->ends, &e->deadline);
	table_remove(&leases->names, &e->by_name);
	table_remove(&leases->addrs, &e->by_addr);
	leases->full = (struct roam_addr){ 0 };
	e->user->n--;
	leave_user(leases, e->user);
	free(e);
}

/* In both tables, or in none. */
static bool insert(struct leases *leases, struct entry *e)
{
	if (!table_insert(&leases->names, &e->by_name))
		return false;
	if (table_insert(&leases->addrs, &e->by_addr))
		return true;
	table_remove(&leases->names, &e->by_name);
	return false;
}

static struct entry *new_entry(struct leases *leases, const struct lease *lease)
{
	struct user *user;
	struct entry *e;

	if (!deadlines_reserve(&leases->ends, leases->addrs.count + 1))
		return NULL;
	user = find_or_make_user(leases, lease->names, lease->nai_len);
	if (!user)
		return NULL;
	e = calloc(1, sizeof(*e) + lease->sub_len);
	if (e) {
		e->addr = lease->addr;
		e->user = user;
		e->sub_len = lease->sub_len;
		memcpy(e->sub, lease->names + lease->nai_len, e->sub_len);
		key_of(user->nai, user->nai_len, e->sub, e->sub_len, e->key);
		if (insert(leases, e)) {
			user->n++;
			return e;
		}
	}
	free(e);
	leave_user(leases, user);
	return NULL;
}

bool leases_apply(struct leases *leases, const struct lease *lease)
{
	struct mip_names names = lease_names(lease);
	struct entry *e = find_addr(leases, &lease->addr), *named;
	struct lease there;

	if (e) {
		lease_of(e, &there);
		if (!lease->until || !lease_is_of(&there, &names)) {
			remove_entry(leases, e);
			e = NULL;
		}
	}
	if (!lease->until)
		return true;
	named = find_name(leases, &names);
	if (named && named != e)
		return false;
	if (!e)
		e = new_entry(leases, lease);
	if (!e)
		return false;
	e->agent = lease->agent;
	e->until = lease->until;
	deadline_set(&leases->ends, &e->deadline, lease->until);
	return true;
}

size_t leases_count(const struct leases *leases)
{
	return leases->addrs.count;
}

size_t leases_of(const struct leases *leases, const uint8_t *nai, size_t len)
{
	const struct user *user = find_user(leases, nai, len);

	return user ? user->n : 0;
}

static uint32_t number_of(const struct roam_addr *addr)
{
	return ntohl(roam_addr_to_in(addr).s_addr);
}

bool leases_pick(struct leases *leases, const struct roam_addr *first,
		 const struct roam_addr *last,
		 bool (*taken)(void *ctx, const struct roam_addr *addr),
		 void *ctx, struct roam_addr *addr)
{
	uint32_t begin = number_of(first), n = number_of(last) - begin + 1, i;

	/* who asks again and again shall not make us look again and again */
	if (roam_addr_eq(&leases->full, first))
		return false;
	for (i = 0; i < n; i++) {
		uint32_t number = begin + leases->next++ % n;

		*addr = roam_addr_from_in((struct in_addr){ htonl(number) });
		if (!find_addr(leases, addr) && !taken(ctx, addr))
			return true;
	}
	leases->full = *first;
	return false;
}

bool leases_due(const struct leases *leases, msec_t now, struct lease *lease)
{
	if (!leases->ends.n || deadlines_next(&leases->ends) > now)
		return false;
	lease_of(container_of(leases->ends.heap[0].owner, struct entry,
			      deadline), lease);
	return true;
}

msec_t leases_next(const struct leases *leases)
{
	return deadlines_next(&leases->ends);
}

bool leases_walk(const struct leases *leases, struct table_iter *at, size_t n,
		 void (*fn)(void *ctx, const struct lease *lease), void *ctx)
{
	struct table_node *node;
	struct lease lease;
	size_t seen;

	for (seen = 0; seen < n || at->next; seen++) {
		node = table_next(&leases->addrs, at);
		if (!node)
			return false;
		lease_of(container_of(node, struct entry, by_addr), &lease);
		fn(ctx, &lease);
	}
	return true;
}

struct leases *leases_new(void)
{
	struct leases *leases = calloc(1, sizeof(*leases));

	if (!leases)
		return NULL;
	table_init(&leases->names, table_key_offset(struct entry, by_name, key),
		   KEY_LEN);
	table_init(&leases->addrs, table_key_offset(struct entry, by_addr, addr),
		   sizeof(struct roam_addr));
	table_init(&leases->users, table_key_offset(struct user, node, key),
		   KEY_LEN);
	return leases;
}

void leases_free(struct leases *leases)
{
	struct table_iter iter = { 0 };
	struct table_node *node;

	if (!leases)
		return;
	while ((node = table_next(&leases->addrs, &iter)))
		free(container_of(node, struct entry, by_addr));
	iter = (struct table_iter){ 0 };
	while ((node = table_next(&leases->users, &iter)))
		free(container_of(node, struct user, node));
	table_fini(&leases->names);
	table_fini(&leases->addrs);
	table_fini(&leases->users);
	deadlines_fini(&leases->ends);
	free(leases);
}

/* ---- written down ---- */

/* address 4, agent 4, end 8, length of the NAI 1 and of the sub-NAI 1, names */
size_t lease_encode(const struct lease *lease, int64_t shift,
		    uint8_t buf[LEASE_LEN])
{
	size_t len = (size_t)lease->nai_len + lease->sub_len;
	uint8_t *p = buf;

	p = mip_put_addr(p, &lease->addr);
	p = mip_put_addr(p, &lease->agent);
	p = lease->until ? mip_put_time(p, lease->until, shift) :
			   bytes_put(p, 0, 8);
	p = bytes_put(p, lease->nai_len, 1);
	p = bytes_put(p, lease->sub_len, 1);
	memcpy(p, lease->names, len);
	return LEASE_FIXED + len;
}

size_t lease_decode(const uint8_t *buf, size_t len, int64_t shift,
		    struct lease *lease)
{
	size_t names;

	memset(lease, 0, sizeof(*lease));
	if (len < LEASE_FIXED)
		return 0;
	lease->addr = mip_get_addr(buf);
	lease->agent = mip_get_addr(buf + 4);
	if (bytes_get(buf + 8, 8))
		lease->until = mip_get_time(buf + 8, shift);
	lease->nai_len = buf[16];
	lease->sub_len = buf[17];
	names = (size_t)lease->nai_len + lease->sub_len;
	if (len < LEASE_FIXED + names ||
	    !roam_addr_is_usable(&lease->addr) ||
	    !mip_nai_is_valid(buf + LEASE_FIXED, lease->nai_len) ||
	    (lease->sub_len &&
	     !mip_sub_nai_is_valid(buf + LEASE_FIXED + lease->nai_len,
				   lease->sub_len)))
		return 0;
	memcpy(lease->names, buf + LEASE_FIXED, names);
	return LEASE_FIXED + names;
}
