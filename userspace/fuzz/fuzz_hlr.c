// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any order of requests, expiry, undo and restart. A register never goes back
 * in sequence or identification, holds no more than its limit, an undone
 * request leaves no trace, pair keys are for what was asked and found, nothing is
 * stored about a place that was not shown, and no two hosts are in one place.
 */
#include "fuzz.h"

#include <string.h>

#include "core/hlr.h"
#include "base/table.h"

#define MAX 4

static struct lr_msg take_request(struct input *in)
{
	struct lr_msg msg = {
		.type = LR_QUERY + 2 * (take(in) & 1),
		.count = 1 + take(in) % 3,
		.key_id = 1 + take(in) % 2,
		.id = take(in),
		.nonce = take(in) & 1,
	};
	unsigned int i;
	uint8_t how;

	for (i = 0; i < msg.count; i++) {
		msg.entries[i].perm = take_addr(in, 1);
		how = take(in);
		msg.entries[i].flags = how & LR_FLAG_KEY;
		msg.entries[i].coa = how & 1 ? msg.entries[i].perm :
					       take_addr(in, 2);
		msg.entries[i].seq = take(in) % 8;
		msg.entries[i].lifetime = take(in) % 16;
	}
	return msg;
}

/* All that can be seen of the register, as one number. */
static void add_mapping(void *ctx, const struct hlr_mapping *m)
{
	uint64_t *sum = ctx, one = m->seq + (uint64_t)m->expires * 31 +
				   m->key_id * 1009 + m->flags * 77;
	unsigned int i;

	for (i = 0; i < 16; i++)
		one = one * 131 + m->perm.b[i] * 7 + m->coa.b[i];
	*sum += one;
}

static uint64_t summary(const struct hlr *hlr, msec_t now)
{
	uint64_t sum = 0;

	hlr_foreach(hlr, now, add_mapping, &sum);
	return sum * 100 + hlr_count(hlr);
}

static void check_changes(const struct hlr_changes *changes, msec_t now)
{
	const struct hlr_change *c;
	size_t i;

	for (i = 0; i < changes->n; i++) {
		c = &changes->items[i];
		if (c->kind == HLR_CHANGE_KEY)
			check(c->id_after > c->id_before);
		else if (c->existed && c->before.expires > now)
			check(c->after.seq >= c->before.seq);
	}
}

static void check_key(const struct lr_entry *key)
{
	check(key->status == LR_OK || key->status == LR_NONE ||
	      key->status == LR_REPLAY);
	check(roam_addr_is_none(&key->coa));
	if (key->status != LR_OK)
		return;
	check(key->flags == LR_FLAG_KEY);
	check(key->seq == 1 || key->seq == 2);
}

static void check_reply(const struct lr_msg *req, const struct lr_msg *reply)
{
	unsigned int i;

	check(reply->nonce == req->nonce);
	check(reply->key_id == req->key_id);
	check(could_arrive(reply));
	for (i = 0; i < req->count; i++) {
		check(roam_addr_eq(&reply->entries[i].perm,
				   &req->entries[i].perm));
		if (reply->entries[i].status == LR_OK)
			check(reply->entries[i].lifetime <= 10);
		if (req->entries[i].flags == LR_FLAG_KEY)
			check_key(&reply->entries[i]);
	}
	check(reply->count == req->count);
}

/* The cookie, which shows one place. */
static bool shows(void *ctx, const struct roam_addr *coa)
{
	return roam_addr_eq(ctx, coa);
}

/* What was stored was shown by source or cookie, or needs no proof. */
static void check_shown(const struct hlr_changes *changes,
			const struct roam_addr *source,
			const struct roam_addr *cookie)
{
	const struct hlr_mapping *m;
	size_t i;

	for (i = 0; i < changes->n; i++) {
		m = &changes->items[i].after;
		if (changes->items[i].kind == HLR_CHANGE_MAPPING &&
		    !roam_addr_is_none(&m->coa) &&
		    !roam_addr_eq(&m->coa, &m->perm))
			check(roam_addr_eq(&m->coa, source) ||
			      roam_addr_eq(&m->coa, cookie));
	}
}

/**
 * struct crowd - who is where
 * @n: their number
 * @m: they
 */
struct crowd {
	unsigned int n;
	struct hlr_mapping m[MAX];
};

static void nobody_else_is_there(void *ctx, const struct hlr_mapping *m)
{
	struct crowd *c = ctx;
	unsigned int i;

	for (i = 0; i < c->n; i++)
		check(c->m[i].key_id == m->key_id ||
		      roam_addr_eq(&m->coa, &m->perm) ||
		      !roam_addr_eq(&c->m[i].coa, &m->coa));
	check(c->n < MAX);
	c->m[c->n++] = *m;
}

static void request(struct hlr *hlr, msec_t now, struct input *in)
{
	struct roam_prefix all = { .len = 0 };
	struct hlr_changes changes = { 0 };
	struct lr_msg req = take_request(in), reply;
	struct hlr_rights rights = {
		.key_id = req.key_id, .may_query = take(in) & 1,
		.permanent = &all, .n_permanent = take(in) % 4 != 0,
	};
	struct roam_addr cookie = take_addr(in, 2);
	struct hlr_request r = {
		.now = now, .wall = 1000 + take(in), .source = take_addr(in, 2),
		.rights = &rights, .msg = &req, .shows = shows, .ctx = &cookie,
	};
	uint64_t before = summary(hlr, now);
	unsigned int challenge;

	if (could_arrive(&req)) {
		check(hlr_input(hlr, &r, &reply, &changes, &challenge) ==
		      LR_DROP_NONE);
		check(challenge == HLR_NO_CHALLENGE ||
		      reply.entries[challenge].status == LR_UNPROVED);
		check_changes(&changes, now);
		check_shown(&changes, &r.source, &cookie);
		check_reply(&req, &reply);
		if (req.type == LR_QUERY)
			check(!changes.n);
		if (take(in) % 4 == 0) {
			hlr_undo(hlr, &changes);
			hlr_refuse(&reply);
			check(could_arrive(&reply));
		}
		if (!changes.n)
			check(summary(hlr, now) == before);
	}
	hlr_changes_free(&changes);
}

static void not_late(void *ctx, const struct hlr_mapping *m)
{
	check(m->expires <= *(msec_t *)ctx);
}

#define RECORDS_MAX (2 * MAX + 8)

/**
 * struct records - what a store would hold, oldest first
 * @items: they
 * @n: their number
 */
struct records {
	struct hlr_change items[RECORDS_MAX];
	size_t n;
};

static void record(void *ctx, const struct hlr_change *c)
{
	struct records *r = ctx;

	check(r->n < RECORDS_MAX);
	r->items[r->n++] = *c;
}

/*
 * A walk in any steps, and a register made from it newest first: nothing is
 * lost.
 */
static struct hlr *restart(struct hlr *old, const struct hlr_config *config,
			   msec_t now, struct input *in)
{
	struct hlr *hlr = hlr_new(config);
	struct hlr_cursor cursor = { 0 };
	struct records r = { .n = 0 };

	while (!cursor.end)
		hlr_walk(old, &cursor, 1 + take(in) % 3, record, &r);
	hlr_set_loading(hlr, true);
	while (r.n--) {
		const struct hlr_change *c = &r.items[r.n];

		check(c->kind == HLR_CHANGE_KEY ?
		      hlr_restore_key(hlr, c->key_id, c->id_after) :
		      hlr_restore_mapping(hlr, &c->after));
	}
	hlr_set_loading(hlr, false);
	check(summary(hlr, now) == summary(old, now));
	check(hlr_count_keys(hlr) == hlr_count_keys(old));
	hlr_free(old);
	return hlr;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hlr_config config = { .lifetime_max = 10, .tombstone = 5,
				     .mappings_max = MAX };
	struct hlr *hlr = hlr_new(&config);
	struct input in = { data, size };
	msec_t now = 1000;

	table_set_key(1, 2);
	while (in.left) {
		switch (take(&in) % 8) {
		case 0:
			now += take(&in) * 50;
			check(hlr_expire(hlr, now, not_late, &now) > now);
			break;
		case 1:
			now += take(&in);
			break;
		case 2:
			hlr = restart(hlr, &config, now, &in);
			break;
		case 3:
			hlr_set_young(hlr, now + take(&in));
			break;
		default:
			request(hlr, now, &in);
		}
		check(hlr_count(hlr) <= MAX);
	}
	check(hlr_expire(hlr, now + 10000, NULL, NULL) == MSEC_NEVER);
	check(hlr_count(hlr) == 0);
	hlr_free(hlr);
	return 0;
}
