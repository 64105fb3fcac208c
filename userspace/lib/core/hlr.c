// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/hlr.h"

#include <stdlib.h>
#include <string.h>

#include "base/deadline.h"
#include "base/pool.h"
#include "base/table.h"

#define EXPIRE_BATCH 4096	/* so that no call delays the requests for long */
#define CHALLENGES 1000		/* ms between two challenges because of one key */
#define NS UINT64_C(1000000000)
#define QUERIERS 4096		/* keys told apart by hlr_is_news(), a power of two */

/**
 * struct entry - a mapping in its tables
 * @node: in hlr.mappings, by m.perm
 * @place: in hlr.places, by m.coa, while @first
 * @m: the mapping; its two keys stand beside the two nodes, for a look-up in a large
 *	table costs what it fetches from memory
 * @next: the next one with this care-of address, another address of this host
 * @prev: the one before, NULL for the first
 * @end: in hlr.ends, at m.expires
 * @first: of those with this care-of address
 */
struct entry {
	struct table_node node;
	struct table_node place;
	struct hlr_mapping m;
	struct entry *next;
	struct entry *prev;
	struct deadline end;
	bool first;
};

/**
 * struct sender - what is remembered of one key
 * @node: in hlr.senders, by key_id
 * @last_id: highest identification accepted
 * @digest: of the update that carried it, identification included; not known
 *	after a restart or undo: its copy is then refused as a replay, and the
 *	sender goes on from @last_id
 * @challenged: when it was the reason of a challenge, 0: never
 * @key_id: the key
 */
struct sender {
	struct table_node node;
	uint64_t last_id;
	uint64_t digest;
	msec_t challenged;
	uint32_t key_id;
};

/**
 * struct hlr - a register
 * @config: limits
 * @mappings: struct entry by permanent address
 * @places: struct entry by care-of address, the first one there
 * @senders: struct sender by key id; one per key of the key set at most
 * @entry_pool: memory of the entries
 * @sender_pool: memory of the senders
 * @ends: when entries end
 * @queried: highest identification of a query in the window, by hash of the key
 * @loading: see hlr_set_loading()
 * @young_until: see hlr_set_young()
 */
struct hlr {
	struct hlr_config config;
	struct table mappings;
	struct table places;
	struct table senders;
	struct pool entry_pool;
	struct pool sender_pool;
	struct deadlines ends;
	uint64_t queried[QUERIERS];
	bool loading;
	msec_t young_until;
};

static struct entry *entry_of(struct table_node *node)
{
	return node ? container_of(node, struct entry, node) : NULL;
}

static struct entry *entry_find(const struct hlr *hlr,
				const struct roam_addr *perm)
{
	return entry_of(table_find(&hlr->mappings, perm));
}

static struct sender *sender_find(const struct hlr *hlr, uint32_t key_id)
{
	struct table_node *node = table_find(&hlr->senders, &key_id);

	return node ? container_of(node, struct sender, node) : NULL;
}

static bool is_tombstone(const struct hlr_mapping *m)
{
	return roam_addr_is_none(&m->coa);
}

static bool is_live(const struct hlr_mapping *m, msec_t now)
{
	return m->expires > now && !is_tombstone(m);
}

/* Whole seconds left, never 0: that would read as "for ever" or "gone". */
static uint32_t seconds_left(const struct hlr_mapping *m, msec_t now)
{
	msec_t left = (m->expires - now) / 1000;

	return left > 0 ? (uint32_t)left : 1;
}

void hlr_changes_reset(struct hlr_changes *changes)
{
	changes->n = 0;
}

void hlr_changes_free(struct hlr_changes *changes)
{
	free(changes->items);
	*changes = (struct hlr_changes){ 0 };
}

static bool changes_reserve(struct hlr_changes *changes, size_t more)
{
	size_t room = changes->room ? changes->room : 64;
	struct hlr_change *items;

	if (changes->n + more <= changes->room)
		return true;
	while (room < changes->n + more)
		room *= 2;
	items = realloc(changes->items, room * sizeof(*items));
	if (!items)
		return false;
	changes->items = items;
	changes->room = room;
	return true;
}

struct hlr *hlr_new(const struct hlr_config *config)
{
	struct hlr *hlr = calloc(1, sizeof(*hlr));

	if (!hlr)
		return NULL;
	hlr->config = *config;
	table_init(&hlr->mappings, table_key_offset(struct entry, node, m.perm),
		   sizeof(struct roam_addr));
	table_init(&hlr->places, table_key_offset(struct entry, place, m.coa),
		   sizeof(struct roam_addr));
	table_init(&hlr->senders, table_key_offset(struct sender, node, key_id),
		   sizeof(uint32_t));
	pool_init(&hlr->entry_pool, sizeof(struct entry));
	pool_init(&hlr->sender_pool, sizeof(struct sender));
	return hlr;
}

void hlr_free(struct hlr *hlr)
{
	if (!hlr)
		return;
	table_fini(&hlr->mappings);
	table_fini(&hlr->places);
	table_fini(&hlr->senders);
	pool_fini(&hlr->entry_pool);
	pool_fini(&hlr->sender_pool);
	deadlines_fini(&hlr->ends);
	free(hlr);
}

void hlr_configure(struct hlr *hlr, const struct hlr_config *config)
{
	hlr->config = *config;
}

static struct entry *entry_new(struct hlr *hlr, const struct roam_addr *perm)
{
	struct entry *e;

	if (!deadlines_reserve(&hlr->ends, hlr->mappings.count + 1))
		return NULL;
	e = pool_alloc(&hlr->entry_pool);
	if (!e)
		return NULL;
	e->m.perm = *perm;
	if (!table_insert(&hlr->mappings, &e->node)) {
		pool_free(&hlr->entry_pool, e);
		return NULL;
	}
	return e;
}

/* The first one with this care-of address, or NULL. */
static struct entry *place_first(const struct hlr *hlr,
				 const struct roam_addr *coa)
{
	struct table_node *node = table_find(&hlr->places, coa);

	return node ? container_of(node, struct entry, place) : NULL;
}

/*
 * Whoever has this care-of address, or NULL: all of them there are of one host,
 * but for those that have ended.
 */
static struct entry *place_find(const struct hlr *hlr,
				const struct roam_addr *coa, msec_t now)
{
	struct entry *e = place_first(hlr, coa);

	while (e && !is_live(&e->m, now))
		e = e->next;
	return e;
}

static void place_leave(struct hlr *hlr, struct entry *e)
{
	struct entry *next = e->next;

	if (e->prev)
		e->prev->next = next;
	if (next)
		next->prev = e->prev;
	if (e->first) {
		table_remove(&hlr->places, &e->place);
		if (next)
			next->first = table_insert(&hlr->places, &next->place);
	}
	e->first = false;
	e->next = NULL;
	e->prev = NULL;
}

/*
 * Without memory the entry is in its place unseen: who comes there next is not
 * asked for more than anybody else.
 */
static void place_take(struct hlr *hlr, struct entry *e)
{
	struct entry *first;

	if (is_tombstone(&e->m) || roam_addr_eq(&e->m.coa, &e->m.perm))
		return;
	first = place_first(hlr, &e->m.coa);
	if (!first) {
		e->first = table_insert(&hlr->places, &e->place);
		return;
	}
	e->prev = first;
	e->next = first->next;
	if (e->next)
		e->next->prev = e;
	first->next = e;
}

static void entry_free(struct hlr *hlr, struct entry *e)
{
	place_leave(hlr, e);
	deadline_clear(&hlr->ends, &e->end);
	table_remove(&hlr->mappings, &e->node);
	pool_free(&hlr->entry_pool, e);
}

static bool mapping_put(struct hlr *hlr, const struct hlr_mapping *m)
{
	struct entry *e = entry_find(hlr, &m->perm);

	if (!e)
		e = entry_new(hlr, &m->perm);
	if (!e)
		return false;
	if (roam_addr_eq(&e->m.coa, &m->coa)) {
		e->m = *m;
	} else {
		place_leave(hlr, e);
		e->m = *m;
		place_take(hlr, e);
	}
	deadline_set(&hlr->ends, &e->end, m->expires);
	return true;
}

static void mapping_remove(struct hlr *hlr, const struct roam_addr *perm)
{
	struct entry *e = entry_find(hlr, perm);

	if (e)
		entry_free(hlr, e);
}

static struct sender *sender_get(struct hlr *hlr, uint32_t key_id)
{
	struct sender *s = sender_find(hlr, key_id);

	if (s)
		return s;
	s = pool_alloc(&hlr->sender_pool);
	if (!s)
		return NULL;
	s->key_id = key_id;
	if (!table_insert(&hlr->senders, &s->node)) {
		pool_free(&hlr->sender_pool, s);
		return NULL;
	}
	return s;
}

void hlr_reserve(struct hlr *hlr, size_t n)
{
	if (n > hlr->config.mappings_max)
		n = hlr->config.mappings_max;
	table_reserve(&hlr->mappings, n);
	table_reserve(&hlr->places, n);
}

void hlr_expect(const struct hlr *hlr, const struct roam_addr *perm,
		const struct roam_addr *coa, bool first)
{
	table_expect(&hlr->mappings, perm, first);
	table_expect(&hlr->places, coa, first);
}

bool hlr_restore_mapping(struct hlr *hlr, const struct hlr_mapping *mapping)
{
	return entry_find(hlr, &mapping->perm) || mapping_put(hlr, mapping);
}

bool hlr_restore_key(struct hlr *hlr, uint32_t key_id, uint64_t last_id)
{
	struct sender *s = sender_find(hlr, key_id);

	if (s)
		return true;
	s = sender_get(hlr, key_id);
	if (!s)
		return false;
	s->last_id = last_id;
	return true;
}

void hlr_set_loading(struct hlr *hlr, bool loading)
{
	hlr->loading = loading;
}

void hlr_set_young(struct hlr *hlr, msec_t until)
{
	hlr->young_until = until;
}

static bool any_contains(const struct roam_prefix *prefixes, size_t n,
			 const struct roam_addr *addr)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (roam_prefix_contains(&prefixes[i], addr))
			return true;
	return false;
}

static bool may_update(const struct hlr_rights *rights,
		       const struct lr_entry *in)
{
	return any_contains(rights->permanent, rights->n_permanent,
			    &in->perm) &&
	       !(in->lifetime && roam_addr_is_none(&in->coa));
}

static bool may_see(const struct hlr_rights *rights,
		    const struct roam_addr *perm)
{
	return rights->may_query &&
	       (!rights->n_visible ||
		any_contains(rights->visible, rights->n_visible, perm));
}

/* Whether @key_id is a key of the host whose rights these are. */
static bool is_own_key(const struct hlr_rights *rights, uint32_t key_id)
{
	size_t i;

	for (i = 0; i < rights->n_keys; i++)
		if (rights->keys[i] == key_id)
			return true;
	return rights->key_id == key_id;
}

/* Fills a reply entry with what @m says; its status is left to the caller. */
static void describe(struct lr_entry *out, const struct hlr_mapping *m,
		     msec_t now)
{
	out->coa = m->coa;
	out->seq = m->seq;
	out->flags = m->flags;
	out->lifetime = is_live(m, now) ? seconds_left(m, now) : 0;
}

/*
 * Answers a question about one address (MLR-05, MLR-06); the answer "none"
 * carries the sequence of a tombstone (OPEN-38). What the host may not see is
 * denied whether it exists or not (OPEN-33).
 */
static void query_entry(const struct hlr *hlr, msec_t now,
			const struct hlr_rights *rights,
			const struct lr_entry *in, struct lr_entry *out)
{
	const struct entry *e;

	if (!may_see(rights, &in->perm)) {
		out->status = LR_DENIED;
		return;
	}
	e = entry_find(hlr, &in->perm);
	if (!e && (hlr->loading || now < hlr->young_until)) {
		out->status = LR_LATER;
		return;
	}
	out->status = LR_NONE;
	if (!e || e->m.expires <= now)
		return;
	describe(out, &e->m, now);
	if (is_live(&e->m, now))
		out->status = LR_OK;
}

/*
 * Whether a registration with @seq may replace @m: a higher number does, and
 * the same number only as a refresh of the same place by the same host, so that
 * no two places ever share a number.
 */
static bool may_replace(const struct hlr_mapping *m,
			const struct hlr_mapping *by,
			const struct hlr_rights *rights)
{
	if (by->seq != m->seq)
		return by->seq > m->seq;
	return is_own_key(rights, m->key_id) && roam_addr_eq(&by->coa, &m->coa);
}

/* The mapping (or tombstone) that @in asks for. */
static struct hlr_mapping wanted(const struct hlr *hlr, msec_t now,
				 uint32_t key_id, const struct lr_entry *in)
{
	struct hlr_mapping m = {
		.perm = in->perm,
		.seq = in->seq,
		.key_id = key_id,
		.expires = now + (msec_t)hlr->config.tombstone * 1000,
	};
	uint32_t granted = in->lifetime;

	if (!granted)
		return m;
	if (granted > hlr->config.lifetime_max)
		granted = hlr->config.lifetime_max;
	m.coa = in->coa;
	m.expires = now + (msec_t)granted * 1000;
	if (roam_addr_eq(&m.coa, &m.perm))
		m.flags = LR_FLAG_AT_HOME;
	else
		m.flags = in->flags & LR_FLAG_LITERAL;
	return m;
}

/* Whether a host other than the one whose rights these are is at @coa. */
static bool is_others(const struct hlr *hlr, const struct roam_addr *coa,
		      msec_t now, const struct hlr_rights *rights)
{
	const struct entry *e = place_find(hlr, coa, now);

	return e && !is_own_key(rights, e->m.key_id);
}

/*
 * What is to be said against a care-of address (SEC-01, SEC-02), LR_OK for
 * nothing. Where another host has it, a source that could be forged is not
 * enough: the address is taken away from somebody.
 */
static uint8_t judge_place(const struct hlr *hlr, const struct hlr_request *req,
			   const struct lr_entry *in)
{
	const struct hlr_config *config = &hlr->config;
	const struct hlr_rights *rights = req->rights;

	if (!in->lifetime || roam_addr_eq(&in->coa, &in->perm))
		return LR_OK;
	if (places_unfit(&config->places, &in->coa) ||
	    (rights->n_care_of &&
	     !any_contains(rights->care_of, rights->n_care_of, &in->coa)))
		return LR_UNFIT;
	if (any_contains(config->trust, config->n_trust, &in->coa))
		return LR_OK;
	/* As a source, an address of our own host is easily forged, too. */
	if (!config->cookies && roam_addr_eq(&in->coa, &req->source) &&
	    !roam_addr_eq(&in->coa, &req->local) &&
	    !is_others(hlr, &in->coa, req->now, rights))
		return LR_OK;
	return req->shows && req->shows(req->ctx, &in->coa) ? LR_OK :
							      LR_UNPROVED;
}

static void end_mapping(struct hlr *hlr, msec_t now, const struct entry *e,
			struct hlr_changes *changes)
{
	struct hlr_change change = {
		.kind = HLR_CHANGE_MAPPING,
		.existed = true,
		.displaced = true,
		.before = e->m,
		.after = {
			.perm = e->m.perm,
			.seq = e->m.seq,
			.key_id = e->m.key_id,
			.expires = now + (msec_t)hlr->config.tombstone * 1000,
		},
	};

	mapping_put(hlr, &change.after);
	changes->items[changes->n++] = change;
}

/*
 * The newer claim is shown, and nobody can be where another one is: all mappings
 * of the other host there end as if they were removed. Of the same host all stay.
 * False without memory; nothing changed.
 */
static bool displace(struct hlr *hlr, const struct hlr_request *req,
		     const struct entry *by, const struct roam_addr *coa,
		     struct hlr_changes *changes)
{
	const struct entry *e, *next;
	size_t n = 0;

	if (!is_others(hlr, coa, req->now, req->rights))
		return true;
	for (e = place_first(hlr, coa); e; e = e->next)
		n++;
	if (!changes_reserve(changes, n))
		return false;
	for (e = place_first(hlr, coa); e; e = next) {
		next = e->next;
		if (e != by && is_live(&e->m, req->now) &&
		    !is_own_key(req->rights, e->m.key_id))
			end_mapping(hlr, req->now, e, changes);
	}
	return true;
}

/*
 * A host that moved does not speak of where it was any more: its numbers rise with each place.
 * Whoever does has the same key and address and is another host, a clone perhaps.
 */
static bool is_rival(const struct hlr_mapping *m, const struct lr_entry *in,
		     const struct hlr_rights *rights)
{
	return in->lifetime && !roam_addr_is_none(&m->coa) &&
	       is_own_key(rights, m->key_id) &&
	       !roam_addr_eq(&in->coa, &m->coa);
}

static void count_contest(struct hlr_mapping *after,
			  const struct hlr_mapping *before)
{
	bool same = roam_addr_eq(&after->coa, &before->coa);

	after->contests = before->contests;
	after->contested = same && before->contested;
	if (!same && before->contested && after->contests < UINT8_MAX)
		after->contests++;
}

static void update_entry(struct hlr *hlr, const struct hlr_request *req,
			 const struct lr_entry *in, struct lr_entry *out,
			 struct hlr_changes *changes)
{
	struct hlr_change change = { .kind = HLR_CHANGE_MAPPING };
	const struct hlr_rights *rights = req->rights;
	msec_t now = req->now;
	struct entry *e;

	if (!may_update(rights, in)) {
		out->status = LR_DENIED;
		return;
	}
	e = entry_find(hlr, &in->perm);
	if (!e && hlr->loading) {
		out->status = LR_LATER;
		return;
	}
	change.after = wanted(hlr, now, rights->key_id, in);
	if (e && e->m.expires > now &&
	    !may_replace(&e->m, &change.after, rights)) {
		describe(out, &e->m, now);
		out->status = LR_STALE;
		e->m.contested |= is_rival(&e->m, in, rights);
		return;
	}
	out->status = judge_place(hlr, req, in);
	if (out->status != LR_OK) {
		out->coa = in->coa;
		out->seq = in->seq;
		return;
	}
	if (e && e->m.expires > now)
		count_contest(&change.after, &e->m);
	if (!e && hlr->mappings.count >= hlr->config.mappings_max) {
		out->status = LR_FULL;
		return;
	}
	if (e) {
		change.existed = true;
		change.before = e->m;
	}
	if ((!is_tombstone(&change.after) &&
	     !displace(hlr, req, e, &change.after.coa, changes)) ||
	    !changes_reserve(changes, 1) ||
	    !mapping_put(hlr, &change.after)) {
		out->status = LR_LATER;
		return;
	}
	changes->items[changes->n++] = change;
	describe(out, &change.after, now);
	out->status = LR_OK;
}

/*
 * Answers an entry of an update that was carried out before: the reply says how
 * it stands now.
 */
static void repeat_entry(const struct hlr *hlr, const struct hlr_request *req,
			 const struct lr_entry *in, struct lr_entry *out)
{
	const struct hlr_rights *rights = req->rights;
	struct hlr_mapping m = wanted(hlr, req->now, rights->key_id, in);
	const struct entry *e = entry_find(hlr, &in->perm);
	bool known = e && e->m.expires > req->now;
	bool done = known && m.seq == e->m.seq &&
		    may_replace(&e->m, &m, rights);

	if (!may_update(rights, in)) {
		out->status = LR_DENIED;
		return;
	}
	out->status = done ? LR_OK : judge_place(hlr, req, in);
	if (out->status != LR_OK) {
		out->coa = in->coa;
		out->seq = in->seq;
	} else if (!known) {
		out->status = LR_NONE;
	} else {
		describe(out, &e->m, req->now);
		out->status = done ? LR_OK : LR_STALE;
	}
}

/* Tells copies of one update from others that carry the same identification. */
static uint64_t digest_of(const struct lr_msg *msg)
{
	uint8_t buf[LR_MAX_LEN];
	uint64_t digest = table_hash(buf, lr_encode(msg, buf));

	return digest ? digest : 1;
}

static void refuse_all(struct lr_msg *reply, uint8_t status)
{
	unsigned int i;

	for (i = 0; i < reply->count; i++)
		reply->entries[i].status = status;
}

/* The sender goes on from @id. */
static void refuse_replay(struct lr_msg *reply, uint64_t id)
{
	reply->id = id;
	refuse_all(reply, LR_REPLAY);
}

/*
 * One entry of an update at most is a reason for a challenge, and one update of
 * a key in a while: what nobody has shown to want it gets little.
 */
static unsigned int choose_challenge(struct sender *s, msec_t now,
				     const struct lr_msg *reply)
{
	unsigned int i;

	for (i = 0; i < reply->count; i++)
		if (reply->entries[i].status == LR_UNPROVED)
			break;
	if (i == reply->count ||
	    (s->challenged && now - s->challenged < CHALLENGES))
		return HLR_NO_CHALLENGE;
	s->challenged = now;
	return i;
}

/*
 * Nothing shuts out the old updates of a key that no update is remembered of,
 * but our clock (SEC-07).
 */
static bool is_too_old(const struct hlr *hlr, const struct hlr_request *req,
		       const struct sender *s)
{
	uint64_t window = hlr->config.window * NS;

	return !s->last_id && window && req->wall > window &&
	       req->msg->id < req->wall - window;
}

static void update(struct hlr *hlr, const struct hlr_request *req,
		   struct lr_msg *reply, struct hlr_changes *changes,
		   unsigned int *challenge)
{
	const struct lr_msg *msg = req->msg;
	uint32_t key_id = req->rights->key_id;
	struct sender *s = sender_find(hlr, key_id);
	uint64_t digest = digest_of(msg);
	unsigned int i;

	if (!s && !hlr->loading)
		s = sender_get(hlr, key_id);
	if (!s || !changes_reserve(changes, msg->count + 1U)) {
		refuse_all(reply, LR_LATER);
		return;
	}
	if (msg->id == s->last_id && digest == s->digest) {
		for (i = 0; i < msg->count; i++)
			repeat_entry(hlr, req, &msg->entries[i],
				     &reply->entries[i]);
		*challenge = choose_challenge(s, req->now, reply);
		return;
	}
	if (msg->id <= s->last_id) {
		refuse_replay(reply, s->last_id);
		return;
	}
	if (is_too_old(hlr, req, s)) {
		refuse_replay(reply, req->wall);
		return;
	}
	changes->items[changes->n++] = (struct hlr_change){
		.kind = HLR_CHANGE_KEY,
		.key_id = key_id,
		.id_before = s->last_id,
		.id_after = msg->id,
	};
	s->last_id = msg->id;
	s->digest = digest;
	for (i = 0; i < msg->count; i++)
		update_entry(hlr, req, &msg->entries[i], &reply->entries[i],
			     changes);
	*challenge = choose_challenge(s, req->now, reply);
}

/*
 * Answers a question for the pair key of an address: which key of the mobile
 * host it is made from (OPEN-28).
 */
static void key_entry(const struct hlr *hlr, const struct hlr_request *req,
		      const struct lr_entry *in, struct lr_entry *out)
{
	const struct entry *e = may_see(req->rights, &in->perm) ?
				entry_find(hlr, &in->perm) : NULL;

	out->flags = LR_FLAG_KEY;
	out->status = LR_NONE;
	if (!e || !is_live(&e->m, req->now))
		return;
	out->status = LR_OK;
	out->seq = e->m.key_id;
	out->lifetime = seconds_left(&e->m, req->now);
}

static bool is_in_window(const struct hlr *hlr, const struct hlr_request *req)
{
	uint64_t id = req->msg->id, wall = req->wall;

	return !hlr->config.window ||
	       (id > wall ? id - wall : wall - id) <= hlr->config.window * NS;
}

bool hlr_is_news(struct hlr *hlr, const struct hlr_request *req)
{
	uint32_t key_id = req->rights->key_id;
	uint64_t id = req->msg->id;
	const struct sender *s;
	uint64_t *queried;

	if (req->msg->type == LR_UPDATE) {
		s = sender_find(hlr, key_id);
		return s ? id > s->last_id && !is_too_old(hlr, req, s) :
			   !hlr->loading;
	}
	queried = &hlr->queried[table_hash(&key_id, sizeof(key_id)) % QUERIERS];
	if (req->msg->type != LR_QUERY || !is_in_window(hlr, req) ||
	    id <= *queried)
		return false;
	*queried = id;
	return true;
}

static void query(const struct hlr *hlr, const struct hlr_request *req,
		  struct lr_msg *reply)
{
	const struct lr_entry *in = req->msg->entries;
	struct lr_entry *out = reply->entries;
	unsigned int i;

	if (!is_in_window(hlr, req)) {
		refuse_replay(reply, req->wall);
		return;
	}
	for (i = 0; i < reply->count; i++)
		if (in[i].flags == LR_FLAG_KEY)
			key_entry(hlr, req, &in[i], &out[i]);
		else
			query_entry(hlr, req->now, req->rights, &in[i],
				    &out[i]);
}

enum lr_drop hlr_input(struct hlr *hlr, const struct hlr_request *req,
		       struct lr_msg *reply, struct hlr_changes *changes,
		       unsigned int *challenge)
{
	const struct lr_msg *msg = req->msg;
	unsigned int i;

	*challenge = HLR_NO_CHALLENGE;
	if (msg->type != LR_QUERY && msg->type != LR_UPDATE)
		return LR_DROP_ROLE;
	/*
	 * The entries are cleared one by one: clearing all of them would cost
	 * more than the rest.
	 */
	reply->type = msg->type == LR_QUERY ? LR_ANSWER : LR_ACK;
	reply->count = msg->count;
	reply->key_id = msg->key_id;
	reply->id = msg->id;
	reply->nonce = msg->nonce;
	reply->source = req->source;
	for (i = 0; i < msg->count; i++)
		reply->entries[i] = (struct lr_entry){
			.perm = msg->entries[i].perm,
		};
	if (msg->type == LR_QUERY)
		query(hlr, req, reply);
	else
		update(hlr, req, reply, changes, challenge);
	return LR_DROP_NONE;
}

static void undo_key(struct hlr *hlr, const struct hlr_change *change)
{
	sender_find(hlr, change->key_id)->last_id = change->id_before;
}

void hlr_undo(struct hlr *hlr, struct hlr_changes *changes)
{
	const struct hlr_change *change;

	while (changes->n) {
		change = &changes->items[--changes->n];
		if (change->kind == HLR_CHANGE_KEY)
			undo_key(hlr, change);
		else if (change->existed)
			mapping_put(hlr, &change->before);
		else
			mapping_remove(hlr, &change->after.perm);
	}
}

void hlr_refuse(struct lr_msg *reply)
{
	struct lr_entry *e;
	unsigned int i;

	if (reply->type != LR_ACK)
		return;
	for (i = 0; i < reply->count; i++) {
		e = &reply->entries[i];
		*e = (struct lr_entry){ .perm = e->perm, .status = LR_LATER };
	}
}

msec_t hlr_expire(struct hlr *hlr, msec_t now,
		  void (*gone)(void *ctx, const struct hlr_mapping *m),
		  void *ctx)
{
	struct deadline *end;
	struct entry *e;
	unsigned int n;

	for (n = 0; n < EXPIRE_BATCH; n++) {
		end = deadlines_pop(&hlr->ends, now);
		if (!end)
			break;
		e = container_of(end, struct entry, end);
		if (gone)
			gone(ctx, &e->m);
		entry_free(hlr, e);
	}
	return deadlines_next(&hlr->ends);
}

const struct hlr_mapping *hlr_find(const struct hlr *hlr, msec_t now,
				   const struct roam_addr *perm)
{
	const struct entry *e = entry_find(hlr, perm);

	return e && is_live(&e->m, now) ? &e->m : NULL;
}

size_t hlr_count(const struct hlr *hlr)
{
	return hlr->mappings.count;
}

size_t hlr_count_keys(const struct hlr *hlr)
{
	return hlr->senders.count;
}

static struct hlr_change describe_key(const struct sender *s)
{
	return (struct hlr_change){ .kind = HLR_CHANGE_KEY,
				    .key_id = s->key_id,
				    .id_after = s->last_id };
}

/*
 * Stops between two chains only: a node may be gone at the next call, and one
 * that a growing table moves goes into a later chain.
 */
void hlr_walk(const struct hlr *hlr, struct hlr_cursor *cursor, size_t n,
	      void (*fn)(void *ctx, const struct hlr_change *c), void *ctx)
{
	struct hlr_change change = { .kind = HLR_CHANGE_MAPPING };
	struct table_node *node;
	size_t seen;

	for (seen = 0; seen < n || cursor->at.next; seen++) {
		node = table_next(cursor->keys ? &hlr->senders : &hlr->mappings,
				  &cursor->at);
		if (!node && cursor->keys) {
			cursor->end = true;
			break;
		}
		if (!node) {
			*cursor = (struct hlr_cursor){ .keys = true };
		} else if (cursor->keys) {
			change = describe_key(container_of(node, struct sender,
							   node));
			fn(ctx, &change);
		} else {
			change.after = entry_of(node)->m;
			fn(ctx, &change);
		}
	}
}

void hlr_foreach(const struct hlr *hlr, msec_t now,
		 void (*fn)(void *ctx, const struct hlr_mapping *m), void *ctx)
{
	struct table_iter iter = { 0 };
	const struct entry *e;

	while ((e = entry_of(table_next(&hlr->mappings, &iter))))
		if (is_live(&e->m, now))
			fn(ctx, &e->m);
}
