// SPDX-License-Identifier: GPL-2.0-or-later
#include "core_test.h"

#include <stdio.h>

#include "core/hlr.h"

#define PERM "198.51.100.7"
#define A "192.0.2.1"
#define B "203.0.113.1"

/**
 * struct fixture - a register under test
 * @hlr: the register
 * @now: virtual time
 * @ours: prefix that both keys may update
 * @rights: of key 1
 * @others: of key 2, the same addresses
 * @reply: last reply
 * @changes: all since the last reset
 * @id: last identification sent
 * @gone: expired mappings
 * @source: where updates come from; all zero: the care-of address of their first
 *	entry
 * @no_cookie: updates have no cookie; else one that shows everything
 * @wall: nanoseconds since 1970
 * @challenge: the last one
 */
struct fixture {
	struct hlr *hlr;
	msec_t now;
	struct roam_prefix ours[2];
	struct hlr_rights rights;
	struct hlr_rights others;
	struct lr_msg reply;
	struct hlr_changes changes;
	uint64_t id;
	unsigned int gone;
	struct roam_addr source;
	bool no_cookie;
	uint64_t wall;
	unsigned int challenge;
};

static const struct hlr_config limits = {
	.lifetime_max = 300, .tombstone = 300, .mappings_max = 1000,
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->hlr = hlr_new(&limits);
	f->now = 5000;
	f->ours[0] = prefix("198.51.100.0/24");
	f->ours[1] = prefix("2001:db8::/32");
	f->rights = (struct hlr_rights){ .key_id = 1, .may_query = true,
					 .permanent = f->ours,
					 .n_permanent = 2 };
	f->others = f->rights;
	f->others.key_id = 2;
	f->id = 100;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	hlr_free(f->hlr);
	hlr_changes_free(&f->changes);
	free(f);
	return 0;
}

static struct lr_msg request(uint8_t type, uint64_t id)
{
	return (struct lr_msg){ .type = type, .key_id = 1, .id = id,
				.nonce = id * 3 };
}

static void add(struct lr_msg *msg, const char *perm, const char *coa,
		uint64_t seq, uint32_t lifetime)
{
	msg->entries[msg->count++] = (struct lr_entry){
		.perm = addr(perm), .coa = addr(coa), .seq = seq,
		.lifetime = lifetime,
	};
}

static bool shows(void *ctx, const struct roam_addr *coa)
{
	(void)coa;
	return !((struct fixture *)ctx)->no_cookie;
}

static enum lr_drop hand_in(struct fixture *f, const struct hlr_rights *rights,
			    const struct lr_msg *msg)
{
	struct hlr_request req = {
		.now = f->now, .wall = f->wall, .source = f->source,
		.local = addr("10.0.0.1"), .rights = rights, .msg = msg,
		.shows = shows, .ctx = f,
	};

	if (roam_addr_is_none(&f->source))
		req.source = msg->entries[0].coa;
	return hlr_input(f->hlr, &req, &f->reply, &f->changes, &f->challenge);
}

static void input(struct fixture *f, const struct hlr_rights *rights,
		  const struct lr_msg *msg)
{
	unsigned int i;

	assert_int_equal(hand_in(f, rights, msg), LR_DROP_NONE);
	assert_int_equal(f->reply.type,
			 msg->type == LR_QUERY ? LR_ANSWER : LR_ACK);
	assert_int_equal(f->reply.nonce, msg->nonce);
	assert_int_equal(f->reply.key_id, msg->key_id);
	assert_int_equal(f->reply.count, msg->count);
	for (i = 0; i < msg->count; i++) {
		assert_true(roam_addr_eq(&f->reply.entries[i].perm,
					 &msg->entries[i].perm));
		assert_int_equal(f->reply.entries[i].flags & LR_FLAG_KEY,
				 f->reply.entries[i].status == LR_REPLAY ? 0 :
				 msg->entries[i].flags & LR_FLAG_KEY);
	}
}

/* One update of @perm by @rights; its status. */
static uint8_t update_by(struct fixture *f, const struct hlr_rights *rights,
			 const char *perm, const char *coa, uint64_t seq,
			 uint32_t lifetime)
{
	struct lr_msg msg = request(LR_UPDATE, ++f->id);

	add(&msg, perm, coa, seq, lifetime);
	input(f, rights, &msg);
	return f->reply.entries[0].status;
}

static uint8_t update(struct fixture *f, const char *coa, uint64_t seq,
		      uint32_t lifetime)
{
	return update_by(f, &f->rights, PERM, coa, seq, lifetime);
}

static uint8_t query(struct fixture *f, const char *perm)
{
	struct lr_msg msg = request(LR_QUERY, 0);

	add(&msg, perm, "", 0, 0);
	input(f, &f->rights, &msg);
	return f->reply.entries[0].status;
}

static void count_gone(void *ctx, const struct hlr_mapping *m)
{
	(void)m;
	((struct fixture *)ctx)->gone++;
}

static void update_then_query(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(update(f, A, 10, 200), LR_OK);
	assert_int_equal(f->reply.entries[0].lifetime, 200);
	f->now += 50500;
	assert_int_equal(query(f, PERM), LR_OK);
	assert_addr(f->reply.entries[0].coa, A);
	assert_int_equal(f->reply.entries[0].seq, 10);
	assert_int_equal(f->reply.entries[0].lifetime, 149);
	assert_int_equal(f->changes.n, 2);
}

static void lifetime_is_bounded(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(update(f, A, 10, UINT32_MAX), LR_OK);
	assert_int_equal(f->reply.entries[0].lifetime, 300);
	hlr_configure(f->hlr, &(struct hlr_config){ 60, 300,
						    .mappings_max = 1000 });
	assert_int_equal(update(f, A, 11, 300), LR_OK);
	assert_int_equal(f->reply.entries[0].lifetime, 60);
}

static void entry_goes_at_its_end(void **state)
{
	struct fixture *f = *state;

	update(f, A, 10, 100);
	assert_int_equal(hlr_expire(f->hlr, f->now + 99999, count_gone, f),
			 f->now + 100000);
	assert_int_equal(f->gone, 0);
	f->now += 100000;
	assert_int_equal(query(f, PERM), LR_NONE);
	assert_null(hlr_find(f->hlr, f->now, &(struct roam_addr){ 0 }));
	assert_int_equal(hlr_expire(f->hlr, f->now, count_gone, f),
			 MSEC_NEVER);
	assert_int_equal(f->gone, 1);
	assert_int_equal(hlr_count(f->hlr), 0);
}

static void renewed_entry_stays(void **state)
{
	struct fixture *f = *state;

	update(f, A, 10, 100);
	f->now += 70000;
	assert_int_equal(update(f, A, 10, 100), LR_OK);
	f->now += 70000;
	hlr_expire(f->hlr, f->now, count_gone, f);
	assert_int_equal(f->gone, 0);
	assert_int_equal(query(f, PERM), LR_OK);
	assert_int_equal(f->reply.entries[0].lifetime, 30);
}

static void unknown_address_has_no_mapping(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(query(f, PERM), LR_NONE);
	assert_addr(f->reply.entries[0].coa, "");
	assert_int_equal(f->reply.entries[0].seq, 0);
	assert_int_equal(f->changes.n, 0);
}

static void newest_sequence_wins(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(update(f, A, 10, 100), LR_OK);
	assert_int_equal(update(f, B, 9, 100), LR_STALE);
	assert_int_equal(f->reply.entries[0].seq, 10);
	assert_int_equal(update(f, B, 10, 100), LR_STALE);
	assert_int_equal(update(f, A, 9, 100), LR_STALE);
	assert_addr(hlr_find(f->hlr, f->now, &f->reply.entries[0].perm)->coa,
		    A);
	assert_int_equal(update(f, B, 11, 100), LR_OK);
	assert_addr(hlr_find(f->hlr, f->now, &f->reply.entries[0].perm)->coa,
		    B);
}

static unsigned int contests(struct fixture *f)
{
	return hlr_find(f->hlr, f->now, &f->reply.entries[0].perm)->contests;
}

/* Two hosts with one key: each speaks with the number of its own place, and goes above. */
static void clones_are_counted(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(update(f, A, 10, 100), LR_OK);
	/* One host that goes back and forth is none. */
	assert_int_equal(update(f, B, 11, 100), LR_OK);
	assert_int_equal(update(f, A, 12, 100), LR_OK);
	assert_int_equal(contests(f), 0);
	/* Nor is what another key is refused, or an old number for the same place. */
	assert_int_equal(update_by(f, &f->others, PERM, B, 11, 100), LR_STALE);
	assert_int_equal(update(f, A, 11, 100), LR_STALE);
	assert_int_equal(update(f, B, 13, 100), LR_OK);
	assert_int_equal(contests(f), 0);
	for (unsigned int i = 1; i <= 3; i++) {
		const char *here = i % 2 ? A : B;

		assert_int_equal(update(f, here, 12, 100), LR_STALE);
		assert_int_equal(update(f, here, 13 + i, 100), LR_OK);
		assert_int_equal(contests(f), i);
		/* A refresh changes nothing of it. */
		assert_int_equal(update(f, here, 13 + i, 100), LR_OK);
		assert_int_equal(contests(f), i);
	}
}

static void another_key_needs_a_higher_sequence(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(update(f, A, 10, 100), LR_OK);
	assert_int_equal(update_by(f, &f->others, PERM, A, 10, 100), LR_STALE);
	assert_int_equal(update_by(f, &f->others, PERM, B, 9, 0), LR_STALE);
	assert_int_equal(update_by(f, &f->others, PERM, B, 11, 100), LR_OK);
	assert_int_equal(update(f, A, 11, 100), LR_STALE);
}

static void rights_are_per_address(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg = request(LR_UPDATE, ++f->id);

	add(&msg, "198.51.101.7", A, 10, 100);
	add(&msg, PERM, A, 10, 100);
	add(&msg, "2001:db8::1", "2001:db9::1", 10, 100);
	add(&msg, "2001:db9::1", "2001:db8::1", 10, 100);
	add(&msg, "198.51.100.8", "", 10, 100);
	input(f, &f->rights, &msg);
	assert_int_equal(f->reply.entries[0].status, LR_DENIED);
	assert_int_equal(f->reply.entries[1].status, LR_OK);
	assert_int_equal(f->reply.entries[2].status, LR_OK);
	assert_int_equal(f->reply.entries[3].status, LR_DENIED);
	assert_int_equal(f->reply.entries[4].status, LR_DENIED);
	assert_int_equal(hlr_count(f->hlr), 2);
	f->rights.may_query = false;
	assert_int_equal(query(f, PERM), LR_DENIED);
	assert_addr(f->reply.entries[0].coa, "");
}

static void replays_are_refused(void **state)
{
	struct fixture *f = *state;
	struct lr_msg old = request(LR_UPDATE, 200), msg;

	add(&old, PERM, A, 10, 100);
	input(f, &f->rights, &old);
	msg = request(LR_UPDATE, 201);
	add(&msg, PERM, B, 11, 100);
	input(f, &f->rights, &msg);
	hlr_changes_reset(&f->changes);

	input(f, &f->rights, &old);
	assert_int_equal(f->reply.entries[0].status, LR_REPLAY);
	assert_int_equal(f->reply.id, 201);
	/* the same identification with other content is no copy */
	msg.entries[0].seq = 12;
	input(f, &f->rights, &msg);
	assert_int_equal(f->reply.entries[0].status, LR_REPLAY);
	assert_int_equal(f->changes.n, 0);
	assert_int_equal(query(f, PERM), LR_OK);
	assert_int_equal(f->reply.entries[0].seq, 11);
	/* the order of one key is not that of another */
	old.id = 5;
	old.entries[0].seq = 20;
	input(f, &f->others, &old);
	assert_int_equal(f->reply.entries[0].status, LR_OK);
}

static void a_copy_is_answered_again(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg = request(LR_UPDATE, 200);
	uint8_t first[LR_MAX_LEN], again[LR_MAX_LEN];
	size_t len;

	add(&msg, PERM, A, 10, 100);
	add(&msg, "198.51.101.1", A, 10, 100);
	add(&msg, "198.51.100.9", "", 10, 0);
	input(f, &f->rights, &msg);
	len = lr_encode(&f->reply, first);
	hlr_changes_reset(&f->changes);
	input(f, &f->rights, &msg);
	assert_int_equal(lr_encode(&f->reply, again), len);
	assert_memory_equal(again, first, len);
	f->now += 40000;
	input(f, &f->rights, &msg);
	assert_int_equal(f->reply.entries[0].status, LR_OK);
	assert_int_equal(f->reply.entries[0].lifetime, 60);
	assert_int_equal(f->reply.entries[1].status, LR_DENIED);
	assert_int_equal(f->reply.entries[2].status, LR_OK);
	assert_int_equal(f->changes.n, 0);
	/* it does not renew */
	f->now += 60000;
	input(f, &f->rights, &msg);
	assert_int_equal(f->reply.entries[0].status, LR_NONE);
	assert_int_equal(query(f, PERM), LR_NONE);
}

static void a_copy_of_what_was_replaced_is_stale(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg = request(LR_UPDATE, 200), newer;

	add(&msg, PERM, A, 10, 100);
	input(f, &f->rights, &msg);
	newer = request(LR_UPDATE, 5);
	add(&newer, PERM, B, 11, 100);
	input(f, &f->others, &newer);
	input(f, &f->rights, &msg);
	assert_int_equal(f->reply.entries[0].status, LR_STALE);
	assert_int_equal(f->reply.entries[0].seq, 11);
}

static void removal_leaves_a_tombstone(void **state)
{
	struct fixture *f = *state;

	update(f, A, 10, 100);
	assert_int_equal(update(f, "", 11, 0), LR_OK);
	assert_int_equal(f->reply.entries[0].lifetime, 0);
	assert_int_equal(query(f, PERM), LR_NONE);
	assert_int_equal(f->reply.entries[0].seq, 11);
	assert_int_equal(hlr_count(f->hlr), 1);
	f->now += 299999;
	hlr_expire(f->hlr, f->now, count_gone, f);
	assert_int_equal(update_by(f, &f->others, PERM, A, 10, 100), LR_STALE);
	f->now += 1;
	hlr_expire(f->hlr, f->now, count_gone, f);
	assert_int_equal(f->gone, 1);
	assert_int_equal(hlr_count(f->hlr), 0);
}

static void a_tombstone_gives_way_to_a_newer_update(void **state)
{
	struct fixture *f = *state;

	update(f, "", 11, 0);
	assert_int_equal(update(f, A, 11, 100), LR_STALE);
	assert_int_equal(update(f, A, 12, 100), LR_OK);
	assert_int_equal(query(f, PERM), LR_OK);
}

static void at_home_is_said(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(update(f, PERM, 10, 100), LR_OK);
	assert_int_equal(query(f, PERM), LR_OK);
	assert_int_equal(f->reply.entries[0].flags, LR_FLAG_AT_HOME);
	assert_addr(f->reply.entries[0].coa, PERM);
	update(f, A, 11, 100);
	assert_int_equal(query(f, PERM), LR_OK);
	assert_int_equal(f->reply.entries[0].flags, 0);
}

static void full_table_refuses_new_ones_only(void **state)
{
	struct fixture *f = *state;

	hlr_configure(f->hlr, &(struct hlr_config){ 300, 300,
						    .mappings_max = 2 });
	assert_int_equal(update(f, A, 10, 100), LR_OK);
	assert_int_equal(update_by(f, &f->rights, "198.51.100.8", A, 1, 100),
			 LR_OK);
	assert_int_equal(update_by(f, &f->rights, "198.51.100.9", A, 1, 100),
			 LR_FULL);
	assert_int_equal(update(f, B, 11, 100), LR_OK);
	assert_int_equal(hlr_count(f->hlr), 2);
	assert_int_equal(query(f, "198.51.100.9"), LR_NONE);
}

static void two_addresses_of_a_host_may_share_a_place(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(update(f, A, 10, 100), LR_OK);
	assert_int_equal(update_by(f, &f->rights, "198.51.100.8", A, 1, 100),
			 LR_OK);
}

static void undo_leaves_no_trace(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg;

	update(f, A, 10, 100);
	hlr_changes_reset(&f->changes);
	f->now += 10000;
	msg = request(LR_UPDATE, ++f->id);
	add(&msg, PERM, B, 11, 200);
	add(&msg, "198.51.100.8", A, 1, 100);
	add(&msg, PERM, A, 12, 200);
	input(f, &f->rights, &msg);
	assert_int_equal(f->changes.n, 4);
	hlr_undo(f->hlr, &f->changes);
	hlr_refuse(&f->reply);
	assert_int_equal(f->reply.entries[0].status, LR_LATER);
	assert_int_equal(f->reply.entries[2].status, LR_LATER);
	assert_int_equal(f->changes.n, 0);
	assert_int_equal(hlr_count(f->hlr), 1);
	assert_int_equal(query(f, PERM), LR_OK);
	assert_addr(f->reply.entries[0].coa, A);
	assert_int_equal(f->reply.entries[0].lifetime, 90);
	/* the repetition is carried out, not taken for a copy */
	input(f, &f->rights, &msg);
	assert_int_equal(f->reply.entries[2].status, LR_OK);
	assert_int_equal(f->changes.n, 4);
	assert_int_equal(hlr_expire(f->hlr, f->now, NULL, NULL),
			 f->now + 100000);
}

static void restart_keeps_order_and_mappings(void **state)
{
	struct fixture *f = *state;
	struct hlr_mapping m = { .perm = addr(PERM), .coa = addr(A), .seq = 10,
				 .expires = f->now + 5000, .key_id = 1 };
	struct lr_msg msg = request(LR_UPDATE, 500);

	assert_true(hlr_restore_key(f->hlr, 1, 500));
	assert_true(hlr_restore_mapping(f->hlr, &m));
	assert_int_equal(query(f, PERM), LR_OK);
	assert_int_equal(f->reply.entries[0].lifetime, 5);
	add(&msg, PERM, A, 10, 100);
	input(f, &f->rights, &msg);
	assert_int_equal(f->reply.entries[0].status, LR_REPLAY);
	assert_int_equal(f->reply.id, 500);
	msg.id = 501;
	input(f, &f->rights, &msg);
	assert_int_equal(f->reply.entries[0].status, LR_OK);
}

static void many_end_in_bounded_steps(void **state)
{
	struct fixture *f = *state;
	struct hlr_mapping m = { .coa = addr(A), .seq = 1, .key_id = 1 };
	unsigned int i, before, calls = 0;
	msec_t next;

	for (i = 0; i < 20000; i++) {
		m.perm = addr("2001:db8::");
		m.perm.b[14] = (uint8_t)(i >> 8);
		m.perm.b[15] = (uint8_t)i;
		m.perm.b[4] = 1;
		m.expires = 10000 + (i * 7919) % 5000;
		assert_true(hlr_restore_mapping(f->hlr, &m));
	}
	assert_int_equal(hlr_expire(f->hlr, 9999, count_gone, f), 10000);
	do {
		before = f->gone;
		next = hlr_expire(f->hlr, 20000, count_gone, f);
		assert_true(f->gone - before <= 4096);
		calls++;
	} while (next <= 20000);
	assert_int_equal(next, MSEC_NEVER);
	assert_int_equal(f->gone, 20000);
	assert_true(calls < 10);
	assert_int_equal(hlr_count(f->hlr), 0);
}

static void count_live(void *ctx, const struct hlr_mapping *m)
{
	assert_false(roam_addr_is_none(&m->coa));
	++*(unsigned int *)ctx;
}

static void listing_shows_live_ones(void **state)
{
	struct fixture *f = *state;
	unsigned int n = 0;

	update(f, A, 10, 100);
	update_by(f, &f->rights, "198.51.100.8", A, 1, 50);
	update_by(f, &f->rights, "198.51.100.9", "", 1, 0);
	hlr_foreach(f->hlr, f->now, count_live, &n);
	assert_int_equal(n, 2);
	n = 0;
	hlr_foreach(f->hlr, f->now + 50000, count_live, &n);
	assert_int_equal(n, 1);
}

static void other_types_are_not_served(void **state)
{
	static const uint8_t types[] = { LR_ANSWER, LR_ACK, LR_ANNOUNCE,
					 LR_CONFIRM, LR_CHALLENGE };
	struct fixture *f = *state;
	struct lr_msg msg;
	size_t i;

	for (i = 0; i < sizeof(types); i++) {
		msg = request(types[i], ++f->id);
		add(&msg, PERM, A, 1, 1);
		assert_int_equal(hand_in(f, &f->rights, &msg), LR_DROP_ROLE);
	}
	assert_int_equal(f->changes.n, 0);
	assert_int_equal(hlr_count(f->hlr), 0);
}

/* OPEN-27: a new key of the same host goes on where the old one was. */
static void a_key_changes_without_an_outage(void **state)
{
	static const uint32_t keys[] = { 1, 2 };
	struct fixture *f = *state;

	f->others.keys = keys;
	f->others.n_keys = 2;
	assert_int_equal(update(f, A, 10, 100), LR_OK);
	assert_int_equal(update_by(f, &f->others, PERM, B, 10, 100), LR_STALE);
	f->now += 60000;
	assert_int_equal(update_by(f, &f->others, PERM, A, 10, 100), LR_OK);
	assert_int_equal(f->reply.entries[0].lifetime, 100);
	/* the old one alone has no part in what is the new one's by now */
	assert_int_equal(update(f, A, 10, 100), LR_STALE);
}

/* OPEN-33: denied tells nothing, not even whether there is a mapping. */
static void only_visible_addresses_are_told(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg = request(LR_QUERY, 0);
	struct lr_entry denied;

	update_by(f, &f->rights, "2001:db8::1", "2001:db9::1", 10, 100);
	update(f, A, 10, 100);
	f->rights.visible = &f->ours[1];
	f->rights.n_visible = 1;
	add(&msg, "2001:db8::1", "", 0, 0);
	add(&msg, PERM, "", 0, 0);
	add(&msg, "198.51.100.99", "", 0, 0);
	input(f, &f->rights, &msg);
	assert_int_equal(f->reply.entries[0].status, LR_OK);
	denied = f->reply.entries[1];
	assert_int_equal(denied.status, LR_DENIED);
	denied.perm = f->reply.entries[2].perm;
	assert_memory_equal(&denied, &f->reply.entries[2], sizeof(denied));
}

static void what_is_not_loaded_is_later(void **state)
{
	struct fixture *f = *state;
	struct hlr_mapping m = { .perm = addr(PERM), .coa = addr(A), .seq = 10,
				 .expires = f->now + 50000, .key_id = 1 };
	struct hlr_mapping old = m;

	hlr_set_loading(f->hlr, true);
	assert_int_equal(query(f, PERM), LR_LATER);
	assert_int_equal(update(f, B, 11, 100), LR_LATER);
	assert_int_equal(f->changes.n, 0);
	/* The key is known, the address is not, then both are. */
	assert_true(hlr_restore_key(f->hlr, 1, 50));
	assert_int_equal(update(f, B, 11, 100), LR_LATER);
	hlr_changes_reset(&f->changes);
	assert_true(hlr_restore_mapping(f->hlr, &m));
	old.seq = 9;
	old.coa = addr(B);
	assert_true(hlr_restore_mapping(f->hlr, &old));
	assert_int_equal(query(f, PERM), LR_OK);
	assert_int_equal(f->reply.entries[0].seq, 10);
	assert_int_equal(update(f, B, 9, 100), LR_STALE);
	assert_int_equal(update(f, B, 11, 100), LR_OK);
	/* An older identification that comes from the store counts no more. */
	assert_true(hlr_restore_key(f->hlr, 1, 40));
	hlr_set_loading(f->hlr, false);
	assert_int_equal(query(f, "198.51.100.9"), LR_NONE);
}

static void a_young_register_does_not_say_none(void **state)
{
	struct fixture *f = *state;

	hlr_set_young(f->hlr, f->now + 1000);
	assert_int_equal(query(f, PERM), LR_LATER);
	assert_int_equal(update(f, A, 10, 100), LR_OK);
	assert_int_equal(query(f, PERM), LR_OK);
	/* What was removed here is known to be gone. */
	assert_int_equal(update(f, "", 11, 0), LR_OK);
	assert_int_equal(query(f, PERM), LR_NONE);
	assert_int_equal(query(f, "198.51.100.9"), LR_LATER);
	f->now += 1000;
	assert_int_equal(query(f, "198.51.100.9"), LR_NONE);
}

/**
 * struct visited - what a walk has seen
 * @seen: by the last byte of the address
 * @keys: sum of key ids
 */
struct visited {
	bool seen[256];
	uint32_t keys;
};

static void visit(void *ctx, const struct hlr_change *c)
{
	struct visited *v = ctx;

	if (c->kind == HLR_CHANGE_KEY)
		v->keys += c->key_id;
	else
		v->seen[c->after.perm.b[15]] = true;
}

/* The table grows and shrinks under the walk. */
static void a_walk_misses_nothing(void **state)
{
	struct hlr_mapping m = { .coa = addr(A), .seq = 1, .key_id = 1 };
	struct fixture *f = *state;
	struct hlr_cursor cursor = { 0 };
	struct visited v = { 0 };
	unsigned int i, calls;

	assert_true(hlr_restore_key(f->hlr, 1, 50));
	assert_true(hlr_restore_key(f->hlr, 2, 50));
	for (i = 0; i < 200; i++) {
		m.perm = addr("2001:db8::");
		m.perm.b[15] = (uint8_t)i;
		m.perm.b[0] = 0xfd;
		m.expires = i < 100 ? f->now + 1 : f->now + 100000;
		assert_true(hlr_restore_mapping(f->hlr, &m));
	}
	for (calls = 0; !cursor.end; calls++) {
		hlr_walk(f->hlr, &cursor, 10, visit, &v);
		if (calls == 5)
			hlr_expire(f->hlr, f->now + 1, NULL, NULL);
		for (i = 0; i < 20; i++) {
			m.perm.b[15] = 200;
			m.perm.b[8] = (uint8_t)calls;
			m.perm.b[9] = (uint8_t)i;
			m.expires = f->now + 100000;
			assert_true(calls > 20 ||
				    hlr_restore_mapping(f->hlr, &m));
		}
	}
	assert_true(calls > 5);
	for (i = 100; i < 200; i++)
		assert_true(v.seen[i]);
	assert_true(v.keys >= 3);
}

static void ask_key(struct lr_msg *msg, const char *perm)
{
	add(msg, perm, "", 0, 0);
	msg->entries[msg->count - 1].flags = LR_FLAG_KEY;
}

static void assert_key_entry(const struct fixture *f, unsigned int i,
			     const char *perm, uint32_t key_id,
			     uint32_t lifetime)
{
	const struct lr_entry *e = &f->reply.entries[i];

	assert_addr(e->perm, perm);
	assert_addr(e->coa, "");
	assert_int_equal(e->seq, key_id);
	assert_int_equal(e->lifetime, lifetime);
	assert_int_equal(e->status, LR_OK);
	assert_int_equal(e->flags, LR_FLAG_KEY);
}

/* Each in the place of its question. */
static void a_query_may_ask_for_keys(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg = request(LR_QUERY, 0);

	update(f, A, 10, 200);
	update_by(f, &f->others, "198.51.100.8", B, 10, 100);
	update_by(f, &f->others, "2001:db8::1", "2001:db8::1", 10, 50);
	f->now += 20000;
	ask_key(&msg, "2001:db8::1");
	ask_key(&msg, "198.51.100.99");
	add(&msg, "198.51.100.8", "", 0, 0);
	ask_key(&msg, PERM);
	add(&msg, "2001:db8::1", "", 0, 0);
	input(f, &f->rights, &msg);
	assert_key_entry(f, 0, "2001:db8::1", 2, 30);
	assert_int_equal(f->reply.entries[1].status, LR_NONE);
	assert_int_equal(f->reply.entries[1].flags, LR_FLAG_KEY);
	assert_addr(f->reply.entries[2].coa, B);
	assert_key_entry(f, 3, PERM, 1, 180);
	assert_int_equal(f->reply.entries[4].flags, LR_FLAG_AT_HOME);
	/* of the key that registered it last */
	update_by(f, &f->others, PERM, B, 11, 100);
	msg = request(LR_QUERY, 0);
	ask_key(&msg, PERM);
	input(f, &f->rights, &msg);
	assert_key_entry(f, 0, PERM, 2, 100);
}

/* Asks for the key of PERM in vain; the status of the answer. */
static uint8_t ask_in_vain(struct fixture *f)
{
	struct lr_msg msg = request(LR_QUERY, 0);

	ask_key(&msg, PERM);
	input(f, &f->rights, &msg);
	return f->reply.entries[0].status;
}

static void only_what_is_found_has_a_key(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ask_in_vain(f), LR_NONE);
	hlr_set_young(f->hlr, f->now + 1);
	assert_int_equal(ask_in_vain(f), LR_NONE);
	update(f, A, 10, 100);
	f->rights.visible = &f->ours[1];
	f->rights.n_visible = 1;
	assert_int_equal(ask_in_vain(f), LR_NONE);
	f->rights.n_visible = 0;
	f->rights.may_query = false;
	assert_int_equal(ask_in_vain(f), LR_NONE);
	f->rights.may_query = true;
	assert_int_equal(ask_in_vain(f), LR_OK);
	update(f, "", 11, 0);
	assert_int_equal(ask_in_vain(f), LR_NONE);
	update(f, A, 12, 100);
	f->now += 100000;
	assert_int_equal(ask_in_vain(f), LR_NONE);
}

static const char *nth(unsigned int i)
{
	static char perm[32];

	snprintf(perm, sizeof(perm), "198.51.100.%u", i);
	return perm;
}

static void no_answer_is_longer_than_its_query(void **state)
{
	struct fixture *f = *state;
	uint8_t buf[LR_MAX_LEN];
	struct lr_msg msg = request(LR_QUERY, 0);
	unsigned int i;

	for (i = 0; i < LR_MAX_ENTRIES; i++)
		update_by(f, &f->rights, nth(i), A, 10, 100);
	for (i = 0; i < LR_MAX_ENTRIES; i++) {
		ask_key(&msg, nth(i));
		input(f, &f->rights, &msg);
		assert_int_equal(lr_encode(&f->reply, buf),
				 lr_encode(&msg, buf));
	}
	for (i = 0; i < LR_MAX_ENTRIES; i++)
		assert_key_entry(f, i, nth(i), 1, 100);
}

/* Places */

static void no_cookies(struct fixture *f, const char *source)
{
	f->no_cookie = true;
	f->source = addr(source);
}

static void a_place_has_to_be_shown(void **state)
{
	struct fixture *f = *state;

	no_cookies(f, B);
	assert_int_equal(update(f, A, 10, 100), LR_UNPROVED);
	assert_addr(f->reply.source, B);
	assert_addr(f->reply.entries[0].coa, A);
	assert_int_equal(f->reply.entries[0].seq, 10);
	assert_int_equal(f->reply.entries[0].lifetime, 0);
	assert_int_equal(query(f, PERM), LR_NONE);
	/* the identification counts, as nobody shall use it again */
	assert_int_equal(f->changes.n, 1);
	f->no_cookie = false;
	assert_int_equal(update(f, A, 10, 100), LR_OK);
	f->no_cookie = true;
	/* what was shown once is shown again with each refresh */
	assert_int_equal(update(f, A, 10, 100), LR_UNPROVED);
	assert_int_equal(query(f, PERM), LR_OK);
	f->source = addr(A);
	assert_int_equal(update(f, A, 10, 100), LR_OK);
	/* nor does another family's source show anything */
	assert_int_equal(update_by(f, &f->rights, "2001:db8::7",
				   "2001:db9::1", 10, 100), LR_UNPROVED);
	/* but for those networks where nobody can lie */
	f->ours[0] = prefix("2001:db9::/64");
	hlr_configure(f->hlr, &(struct hlr_config){
		300, 300, 1000, .trust = &f->ours[0], .n_trust = 1 });
	assert_int_equal(update_by(f, &f->rights, "2001:db8::7",
				   "2001:db9::1", 10, 100), LR_OK);
}

static void a_cookie_may_be_wanted_of_everybody(void **state)
{
	struct fixture *f = *state;

	hlr_configure(f->hlr, &(struct hlr_config){ 300, 300, 1000,
						    .cookies = true });
	no_cookies(f, A);
	assert_int_equal(update(f, A, 10, 100), LR_UNPROVED);
	f->no_cookie = false;
	assert_int_equal(update(f, A, 10, 100), LR_OK);
}

static void challenges_are_few(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg = request(LR_UPDATE, ++f->id);
	unsigned int i;

	no_cookies(f, B);
	add(&msg, PERM, B, 10, 100);
	add(&msg, "198.51.100.8", A, 10, 100);
	add(&msg, "198.51.100.9", "192.0.2.99", 10, 100);
	input(f, &f->rights, &msg);
	assert_int_equal(f->reply.entries[0].status, LR_OK);
	assert_int_equal(f->reply.entries[1].status, LR_UNPROVED);
	assert_int_equal(f->reply.entries[2].status, LR_UNPROVED);
	assert_int_equal(f->challenge, 1);
	/* neither a copy nor another update is a reason for one more */
	input(f, &f->rights, &msg);
	assert_int_equal(f->reply.entries[1].status, LR_UNPROVED);
	assert_int_equal(f->challenge, HLR_NO_CHALLENGE);
	for (i = 0; i < 9; i++) {
		f->now += 100;
		assert_int_equal(update(f, A, 11, 100), LR_UNPROVED);
		assert_int_equal(f->challenge, HLR_NO_CHALLENGE);
	}
	/* that is for each key */
	assert_int_equal(update_by(f, &f->others, PERM, A, 11, 100),
			 LR_UNPROVED);
	assert_int_equal(f->challenge, 0);
	f->now += 100;
	input(f, &f->rights, &msg);
	assert_int_equal(f->reply.entries[0].status, LR_REPLAY);
	assert_int_equal(f->challenge, HLR_NO_CHALLENGE);
	assert_int_equal(update(f, A, 11, 100), LR_UNPROVED);
	assert_int_equal(f->challenge, 0);
}

/* A squatter is at the place that the victim comes to, with a forged source. */
static void the_last_to_show_has_the_place(void **state)
{
	struct fixture *f = *state;
	const char *squatter = "198.51.100.66";

	no_cookies(f, A);
	assert_int_equal(update_by(f, &f->others, squatter, A, 1ull << 60, 100),
			 LR_OK);
	hlr_changes_reset(&f->changes);
	assert_int_equal(update(f, A, 10, 100), LR_UNPROVED);
	assert_int_equal(f->challenge, 0);
	f->no_cookie = false;
	assert_int_equal(update(f, A, 10, 100), LR_OK);
	assert_int_equal(query(f, PERM), LR_OK);
	assert_int_equal(query(f, squatter), LR_NONE);
	/* the store hears of both */
	assert_int_equal(f->changes.n, 4);
	assert_true(f->changes.items[2].displaced);
	assert_addr(f->changes.items[2].after.perm, squatter);
	assert_addr(f->changes.items[2].after.coa, "");
	/* it is no use to forge a source again */
	f->no_cookie = true;
	assert_int_equal(update_by(f, &f->others, squatter, A,
				   (1ull << 60) + 1, 100), LR_UNPROVED);
	assert_int_equal(query(f, PERM), LR_OK);
	/* and a refresh, or a move in one's own place, needs no more than ever */
	assert_int_equal(update(f, A, 10, 100), LR_OK);
	assert_int_equal(update(f, A, 11, 100), LR_OK);
	/* nobody is there any more: the source is enough */
	assert_int_equal(update(f, "", 12, 0), LR_OK);
	assert_int_equal(update_by(f, &f->others, squatter, A,
				   (1ull << 60) + 1, 100), LR_OK);
	f->now += 100001;
	assert_int_equal(update(f, A, 13, 100), LR_OK);
}

static void put_back(void *ctx, const struct hlr_change *c)
{
	if (c->kind == HLR_CHANGE_MAPPING)
		assert_true(hlr_restore_mapping(ctx, &c->after));
}

static void a_lost_place_is_won_back(void **state)
{
	struct fixture *f = *state;
	struct hlr_cursor cursor = { 0 };
	struct hlr *again = hlr_new(&limits);

	assert_int_equal(update(f, A, 10, 100), LR_OK);
	assert_int_equal(update_by(f, &f->others, "198.51.100.8", A, 5, 100),
			 LR_OK);
	assert_int_equal(query(f, PERM), LR_NONE);
	while (!cursor.end)
		hlr_walk(f->hlr, &cursor, 10, put_back, again);
	hlr_free(f->hlr);
	f->hlr = again;
	assert_int_equal(query(f, PERM), LR_NONE);
	no_cookies(f, A);
	/* its old registration is over */
	assert_int_equal(update(f, A, 10, 100), LR_STALE);
	assert_int_equal(update(f, A, 11, 100), LR_UNPROVED);
	f->no_cookie = false;
	assert_int_equal(update(f, A, 11, 100), LR_OK);
	assert_int_equal(query(f, "198.51.100.8"), LR_NONE);
}

static void a_displacement_can_be_undone(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(update(f, A, 10, 100), LR_OK);
	hlr_changes_reset(&f->changes);
	assert_int_equal(update_by(f, &f->others, "198.51.100.8", A, 5, 100),
			 LR_OK);
	hlr_undo(f->hlr, &f->changes);
	assert_int_equal(query(f, PERM), LR_OK);
	assert_int_equal(query(f, "198.51.100.8"), LR_NONE);
	assert_int_equal(hlr_count(f->hlr), 1);
	no_cookies(f, A);
	assert_int_equal(update_by(f, &f->others, "198.51.100.8", A, 5, 100),
			 LR_UNPROVED);
}

/* All addresses of a host that has several in one place go, and come back. */
static void siblings_are_displaced_together(void **state)
{
	static const char *const own[] = { PERM, "198.51.100.8", "198.51.100.9" };
	const char *other = "198.51.100.66";
	struct fixture *f = *state;
	unsigned int i;

	for (i = 0; i < 3; i++)
		assert_int_equal(update_by(f, &f->rights, own[i], A, 10, 100),
				 LR_OK);
	hlr_changes_reset(&f->changes);
	assert_int_equal(update_by(f, &f->others, other, A, 5, 100), LR_OK);
	for (i = 0; i < 3; i++)
		assert_int_equal(query(f, own[i]), LR_NONE);
	assert_int_equal(query(f, other), LR_OK);
	/* a key, and four mappings */
	assert_int_equal(f->changes.n, 5);
	hlr_undo(f->hlr, &f->changes);
	for (i = 0; i < 3; i++)
		assert_int_equal(query(f, own[i]), LR_OK);
	assert_int_equal(query(f, other), LR_NONE);
	/* the place is theirs for as long as one of them is there */
	no_cookies(f, A);
	for (i = 0; i < 3; i++) {
		assert_int_equal(update_by(f, &f->others, other, A, 6 + i, 100),
				 LR_UNPROVED);
		assert_int_equal(update_by(f, &f->rights, own[i], "", 11, 0),
				 LR_OK);
	}
	assert_int_equal(update_by(f, &f->others, other, A, 9, 100), LR_OK);
}

/* Who moved away in an update that was undone has the place as before. */
static void an_undone_move_keeps_the_place(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(update_by(f, &f->rights, PERM, A, 10, 100), LR_OK);
	assert_int_equal(update_by(f, &f->rights, "198.51.100.8", A, 10, 100),
			 LR_OK);
	hlr_changes_reset(&f->changes);
	assert_int_equal(update_by(f, &f->rights, PERM, B, 11, 100), LR_OK);
	assert_int_equal(update_by(f, &f->rights, "198.51.100.8", B, 11, 100),
			 LR_OK);
	hlr_undo(f->hlr, &f->changes);
	no_cookies(f, A);
	assert_int_equal(update_by(f, &f->others, "198.51.100.66", A, 5, 100),
			 LR_UNPROVED);
	no_cookies(f, B);
	assert_int_equal(update_by(f, &f->others, "198.51.100.66", B, 6, 100),
			 LR_OK);
}

static void home_needs_no_proof(void **state)
{
	struct fixture *f = *state;

	no_cookies(f, B);
	assert_int_equal(update(f, PERM, 10, 100), LR_OK);
	assert_int_equal(f->reply.entries[0].flags, LR_FLAG_AT_HOME);
	assert_int_equal(update(f, "", 11, 0), LR_OK);
	assert_int_equal(update(f, A, 12, 0), LR_OK);
	assert_int_equal(f->challenge, HLR_NO_CHALLENGE);
}

static void unfit_places_are_refused(void **state)
{
	static const char *const unfit[] = {
		"169.254.169.254", "fe80::1", "172.16.3.4",
		"198.51.100.9", "2001:db8::9",
	};
	struct fixture *f = *state;
	struct roam_prefix inside = prefix("172.16.0.0/12");
	struct prefix_set *permanent = prefix_set_new(f->ours, 2);
	struct prefix_set *internal = prefix_set_new(&inside, 1);
	size_t i;

	hlr_configure(f->hlr, &(struct hlr_config){
		300, 300, 1000, .places = { permanent, internal } });
	for (i = 0; i < sizeof(unfit) / sizeof(unfit[0]); i++) {
		assert_int_equal(update(f, unfit[i], 10, 100), LR_UNFIT);
		assert_int_equal(f->challenge, HLR_NO_CHALLENGE);
	}
	/* At the register's own host only who receives there. */
	f->no_cookie = true;
	assert_int_equal(update(f, "10.0.0.1", 10, 100), LR_UNPROVED);
	f->no_cookie = false;
	assert_int_equal(query(f, PERM), LR_NONE);
	assert_int_equal(update(f, PERM, 10, 100), LR_OK);
	assert_int_equal(update(f, A, 11, 100), LR_OK);
	prefix_set_free(permanent);
	prefix_set_free(internal);
}

static void care_of_prefixes_limit_a_host(void **state)
{
	struct fixture *f = *state;
	struct roam_prefix here = prefix("192.0.2.0/28");

	f->rights.care_of = &here;
	f->rights.n_care_of = 1;
	assert_int_equal(update(f, B, 10, 100), LR_UNFIT);
	assert_int_equal(update(f, "192.0.2.16", 10, 100), LR_UNFIT);
	assert_int_equal(update(f, "192.0.2.15", 10, 100), LR_OK);
	assert_int_equal(update(f, PERM, 11, 100), LR_OK);
	assert_int_equal(update_by(f, &f->others, "198.51.100.8", B, 1, 100),
			 LR_OK);
}

/* Freshness */

#define SECOND 1000000000ull
#define WALL (1700000000ull * SECOND)

static void with_window(struct fixture *f)
{
	hlr_configure(f->hlr, &(struct hlr_config){ 300, 300, 1000,
						    .window = 60 });
	f->wall = WALL;
}

static void old_updates_do_not_enter_an_empty_register(void **state)
{
	struct fixture *f = *state;
	struct lr_msg old = request(LR_UPDATE, WALL - 61 * SECOND);

	with_window(f);
	add(&old, PERM, A, 10, 100);
	input(f, &f->rights, &old);
	assert_int_equal(f->reply.entries[0].status, LR_REPLAY);
	assert_int_equal(f->reply.id, WALL);
	assert_int_equal(f->changes.n, 0);
	assert_int_equal(query(f, PERM) == LR_OK, false);
	/* its sender goes on from what it was told, however late that is */
	f->wall += 3600 * SECOND;
	f->id = f->wall - 59 * SECOND;
	assert_int_equal(update(f, A, 10, 100), LR_OK);
	/* of a key with history nothing but the order counts */
	f->wall += 86400 * SECOND;
	assert_int_equal(update(f, A, 11, 100), LR_OK);
	input(f, &f->rights, &old);
	assert_int_equal(f->reply.entries[0].status, LR_REPLAY);
	assert_int_equal(f->reply.id, f->id);
}

static uint8_t query_at(struct fixture *f, uint64_t id)
{
	struct lr_msg msg = request(LR_QUERY, id);

	add(&msg, PERM, "", 0, 0);
	ask_key(&msg, PERM);
	input(f, &f->rights, &msg);
	return f->reply.entries[0].status;
}

static void old_queries_are_not_answered(void **state)
{
	struct fixture *f = *state;

	with_window(f);
	f->id = WALL;
	assert_int_equal(update(f, A, 10, 100), LR_OK);
	assert_int_equal(query_at(f, WALL - 60 * SECOND), LR_OK);
	assert_int_equal(query_at(f, WALL + 60 * SECOND), LR_OK);
	assert_int_equal(query_at(f, WALL + 61 * SECOND), LR_REPLAY);
	assert_int_equal(query_at(f, WALL - 61 * SECOND), LR_REPLAY);
	assert_int_equal(f->reply.id, WALL);
	assert_addr(f->reply.entries[0].coa, "");
	assert_int_equal(f->reply.entries[0].seq, 0);
	assert_int_equal(f->reply.entries[1].status, LR_REPLAY);
	assert_int_equal(f->reply.entries[1].seq, 0);
	assert_int_equal(query_at(f, 0), LR_REPLAY);
}

static struct CMUnitTest test(const char *name, CMUnitTestFunction fn)
{
	return (struct CMUnitTest){ .name = name, .test_func = fn,
				    .setup_func = setup,
				    .teardown_func = teardown };
}

static bool is_news(struct fixture *f, const struct lr_msg *msg)
{
	const struct hlr_request req = {
		.now = f->now, .wall = f->wall, .rights = &f->rights,
		.msg = msg,
	};

	return hlr_is_news(f->hlr, &req);
}

static void copies_are_no_news(void **state)
{
	struct hlr_config config = limits;
	struct fixture *f = *state;
	struct lr_msg first = request(LR_UPDATE, UINT64_C(1000000000000));
	struct lr_msg second, query = request(LR_QUERY, first.id + 5);

	config.window = 60;
	hlr_configure(f->hlr, &config);
	f->wall = first.id;
	add(&first, PERM, A, 10, 300);
	second = first;
	second.id++;
	assert_true(is_news(f, &first));
	input(f, &f->rights, &first);
	assert_false(is_news(f, &first));
	assert_true(is_news(f, &second));
	input(f, &f->rights, &second);
	assert_false(is_news(f, &first));
	assert_false(is_news(f, &second));
	/* a query changes nothing, and is a copy all the same when it comes again */
	add(&query, PERM, "", 0, 0);
	assert_true(is_news(f, &query));
	assert_false(is_news(f, &query));
	query.id--;
	assert_false(is_news(f, &query));
	query.id += 2;
	assert_true(is_news(f, &query));
	query.id += 61 * UINT64_C(1000000000);
	assert_false(is_news(f, &query));
	query.id -= 30 * UINT64_C(1000000000);
	assert_true(is_news(f, &query));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test("SEC-03: copies of a message are not charged to its key",
		     copies_are_no_news),
		test("MLR-01 MLR-05: a query gives care-of address and remaining lifetime",
		     update_then_query),
		test("MLR-03 D-18: the register bounds the lifetime",
		     lifetime_is_bounded),
		test("MLR-04: the entry goes when the lifetime ends",
		     entry_goes_at_its_end),
		test("MLR-04: a renewed entry stays, with the same sequence",
		     renewed_entry_stays),
		test("MLR-06: an unknown address is answered with none",
		     unknown_address_has_no_mapping),
		test("HOST-11: two hosts that use one key in turns are told from one that moves",
		     clones_are_counted),
		test("OPEN-38: the newest sequence wins, equal ones in one place only",
		     newest_sequence_wins),
		test("OPEN-26: another key with rights needs a higher sequence",
		     another_key_needs_a_higher_sequence),
		test("OPEN-26: rights are per permanent address, entries fail alone",
		     rights_are_per_address),
		test("OPEN-29: a replayed update changes nothing and is told the last one",
		     replays_are_refused),
		test("OPEN-29: a copy of the last update is answered again unchanged",
		     a_copy_is_answered_again),
		test("OPEN-29: a copy of an update that another key replaced is stale",
		     a_copy_of_what_was_replaced_is_stale),
		test("OPEN-29: a removal keeps its sequence for the safe period",
		     removal_leaves_a_tombstone),
		test("OPEN-38: a newer update revives a removed mapping, no other",
		     a_tombstone_gives_way_to_a_newer_update),
		test("OPEN-22: a host at home is marked so", at_home_is_said),
		test("OPEN-32: a full register refuses new hosts only",
		     full_table_refuses_new_ones_only),
		test("MLR-01: two permanent addresses of a host in one place are both kept",
		     two_addresses_of_a_host_may_share_a_place),
		test("MLR-01: what could not be stored is taken back whole",
		     undo_leaves_no_trace),
		test("OPEN-29 OPEN-38: order and mappings outlast a restart",
		     restart_keeps_order_and_mappings),
		test("OPEN-32: many ends are carried out in bounded steps",
		     many_end_in_bounded_steps),
		test("MLR-01: the listing shows live mappings only",
		     listing_shows_live_ones),
		test("OPEN-27: a host changes its key without an outage",
		     a_key_changes_without_an_outage),
		test("OPEN-33: only visible addresses are told",
		     only_visible_addresses_are_told),
		test("OPEN-38: what is not loaded yet is answered later",
		     what_is_not_loaded_is_later),
		test("OPEN-38: a register that began empty does not say none",
		     a_young_register_does_not_say_none),
		test("OPEN-28: a pair key comes with the mapping, to who asks for it",
		     a_query_may_ask_for_keys),
		test("OPEN-28 OPEN-33: no pair key without a mapping that is told",
		     only_what_is_found_has_a_key),
		test("SEC-08: an answer has as many entries as its query, also with pair keys",
		     no_answer_is_longer_than_its_query),
		test("SEC-01: a care-of address counts that the source or a cookie shows",
		     a_place_has_to_be_shown),
		test("SEC-01: with 'proof = cookie' the source shows nothing",
		     a_cookie_may_be_wanted_of_everybody),
		test("SEC-01: what was not shown is challenged once, and seldom",
		     challenges_are_few),
		test("SEC-01: whoever shows that he is there last has the place, not whoever came first",
		     the_last_to_show_has_the_place),
		test("SEC-01 OPEN-38: who lost a place comes back by showing it, over a restart too",
		     a_lost_place_is_won_back),
		test("SEC-01: an undone displacement leaves no trace",
		     a_displacement_can_be_undone),
		test("SEC-01: all addresses that a host has in one place are displaced together",
		     siblings_are_displaced_together),
		test("SEC-01: an undone move leaves the place to whose it was",
		     an_undone_move_keeps_the_place),
		test("SEC-01: at home and when leaving there is nothing to show",
		     home_needs_no_proof),
		test("SEC-02: what can be nobody's care-of address is refused",
		     unfit_places_are_refused),
		test("SEC-02: a host has the care-of addresses that its configuration names",
		     care_of_prefixes_limit_a_host),
		test("SEC-07: an old update does not enter an empty register",
		     old_updates_do_not_enter_an_empty_register),
		test("SEC-08: an old query is not answered",
		     old_queries_are_not_answered),
		test("hlr: a walk misses nothing that stays",
		     a_walk_misses_nothing),
		test("hlr: other types are not served",
		     other_types_are_not_served),
	};

	return cmocka_run_group_tests_name("hlr", tests, NULL, NULL);
}
