// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/hlr.h"

#include <stdlib.h>
#include <string.h>

#include "base/deadline.h"
#include "base/pool.h"
#include "base/table.h"

#define EXPIRE_BATCH 4096	/* so that no call delays the requests for long */

/**
 * struct entry - a mapping in its tables
 * @node: in hlr.mappings, by m.perm
 * @end: in hlr.ends, at m.expires
 * @m: the mapping
 */
struct entry {
	struct table_node node;
	struct deadline end;
	struct hlr_mapping m;
};

/**
 * struct sender - what is remembered of one key
 * @node: in hlr.senders, by key_id
 * @last_id: highest identification accepted
 * @digest: of the update that carried it, identification included; not known
 *	after a restart or undo: its copy is then refused as a replay, and the
 *	sender goes on from @last_id
 * @key_id: the key
 */
struct sender {
	struct table_node node;
	uint64_t last_id;
	uint64_t digest;
	uint32_t key_id;
};

/**
 * struct hlr - a register
 * @config: limits
 * @mappings: struct entry by permanent address
 * @senders: struct sender by key id; one per key of the key set at most
 * @entry_pool: memory of the entries
 * @sender_pool: memory of the senders
 * @ends: when entries end
 * @loading: see hlr_set_loading()
 * @young_until: see hlr_set_young()
 */
struct hlr {
	struct hlr_config config;
	struct table mappings;
	struct table senders;
	struct pool entry_pool;
	struct pool sender_pool;
	struct deadlines ends;
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

static void entry_free(struct hlr *hlr, struct entry *e)
{
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
	e->m = *m;
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

/* There is room for the change in @changes. */
static void update_entry(struct hlr *hlr, msec_t now,
			 const struct hlr_rights *rights,
			 const struct lr_entry *in, struct lr_entry *out,
			 struct hlr_changes *changes)
{
	struct hlr_change change = { .kind = HLR_CHANGE_MAPPING };
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
		return;
	}
	if (!e && hlr->mappings.count >= hlr->config.mappings_max) {
		out->status = LR_FULL;
		return;
	}
	if (e) {
		change.existed = true;
		change.before = e->m;
	}
	if (!mapping_put(hlr, &change.after)) {
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
static void repeat_entry(const struct hlr *hlr, msec_t now,
			 const struct hlr_rights *rights,
			 const struct lr_entry *in, struct lr_entry *out)
{
	struct hlr_mapping m = wanted(hlr, now, rights->key_id, in);
	const struct entry *e = entry_find(hlr, &in->perm);

	if (!may_update(rights, in)) {
		out->status = LR_DENIED;
	} else if (!e || e->m.expires <= now) {
		out->status = LR_NONE;
	} else {
		describe(out, &e->m, now);
		out->status = m.seq == e->m.seq &&
			      may_replace(&e->m, &m, rights) ?
			      LR_OK : LR_STALE;
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

static void update(struct hlr *hlr, msec_t now, const struct hlr_rights *rights,
		   const struct lr_msg *req, struct lr_msg *reply,
		   struct hlr_changes *changes)
{
	struct sender *s = sender_find(hlr, rights->key_id);
	uint64_t digest = digest_of(req);
	unsigned int i;

	if (!s && !hlr->loading)
		s = sender_get(hlr, rights->key_id);
	if (!s || !changes_reserve(changes, req->count + 1U)) {
		refuse_all(reply, LR_LATER);
		return;
	}
	if (req->id == s->last_id && digest == s->digest) {
		for (i = 0; i < req->count; i++)
			repeat_entry(hlr, now, rights, &req->entries[i],
				     &reply->entries[i]);
		return;
	}
	if (req->id <= s->last_id) {
		reply->id = s->last_id;
		refuse_all(reply, LR_REPLAY);
		return;
	}
	changes->items[changes->n++] = (struct hlr_change){
		.kind = HLR_CHANGE_KEY,
		.key_id = rights->key_id,
		.id_before = s->last_id,
		.id_after = req->id,
	};
	s->last_id = req->id;
	s->digest = digest;
	for (i = 0; i < req->count; i++)
		update_entry(hlr, now, rights, &req->entries[i],
			     &reply->entries[i], changes);
}

/*
 * Adds the pair keys of the addresses that were found, for the one who asked,
 * behind all other entries (OPEN-28).
 */
static void add_key(const struct hlr *hlr, const struct lr_entry *in,
		    const struct lr_entry *out, struct lr_msg *reply)
{
	if (in->flags != LR_FLAG_KEY || out->status != LR_OK ||
	    reply->count == LR_MAX_ENTRIES)
		return;
	reply->entries[reply->count++] = (struct lr_entry){
		.perm = out->perm,
		.seq = entry_find(hlr, &out->perm)->m.key_id,
		.lifetime = out->lifetime,
		.flags = LR_FLAG_KEY,
	};
}

static void query(const struct hlr *hlr, msec_t now,
		  const struct hlr_rights *rights, const struct lr_msg *req,
		  struct lr_msg *reply)
{
	unsigned int i;

	for (i = 0; i < req->count; i++)
		query_entry(hlr, now, rights, &req->entries[i],
			    &reply->entries[i]);
	for (i = 0; i < req->count; i++)
		add_key(hlr, &req->entries[i], &reply->entries[i], reply);
}

enum lr_drop hlr_input(struct hlr *hlr, msec_t now,
		       const struct hlr_rights *rights,
		       const struct lr_msg *req, struct lr_msg *reply,
		       struct hlr_changes *changes)
{
	unsigned int i;

	if (req->type != LR_QUERY && req->type != LR_UPDATE)
		return LR_DROP_ROLE;
	/*
	 * The entries are cleared one by one: clearing all of them would cost
	 * more than the rest.
	 */
	reply->type = req->type == LR_QUERY ? LR_ANSWER : LR_ACK;
	reply->count = req->count;
	reply->key_id = req->key_id;
	reply->id = req->id;
	reply->nonce = req->nonce;
	for (i = 0; i < req->count; i++)
		reply->entries[i] = (struct lr_entry){
			.perm = req->entries[i].perm,
		};
	if (req->type == LR_QUERY)
		query(hlr, now, rights, req, reply);
	else
		update(hlr, now, rights, req, reply, changes);
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
