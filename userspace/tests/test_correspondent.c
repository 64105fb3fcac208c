// SPDX-License-Identifier: GPL-2.0-or-later
#include "core_test.h"

#include <stdio.h>

#include "core/correspondent.h"

#define PERM "198.51.100.7"
#define PERM2 "198.51.100.8"
#define A "192.0.2.1"
#define B "203.0.113.1"
#define C "203.0.113.9"
#define REG1 "10.0.0.1"
#define REG2 "10.0.0.2"
#define EVIL "10.66.0.1"
#define PORT 40000
#define LOG 512

/** struct sent - a message the core sent */
struct sent {
	struct roam_addr to;
	uint16_t port;
	struct lr_msg msg;
};

/**
 * struct fixture - a correspondent under test
 * @corr: the core
 * @now: virtual time
 * @sent: messages since the last forget_past()
 * @n_sent: their number
 * @events: events since then
 * @n_events: their number
 * @coa: last mapping the kernel took
 * @seq: its sequence
 * @lifetime: its lifetime
 * @literal: its mode
 * @n_set: mappings the kernel was asked for since then
 * @refuse: what the kernel refuses with, LR_OK for not at all
 * @permanent: what the core gets as such
 * @internal: likewise
 * @wall: nanoseconds since 1970
 * @next_random: makes nonces distinct
 */
struct fixture {
	struct corr *corr;
	msec_t now;
	struct sent sent[LOG];
	unsigned int n_sent;
	struct corr_event events[LOG];
	unsigned int n_events;
	struct roam_addr coa;
	uint64_t seq;
	msec_t lifetime;
	bool literal;
	unsigned int n_set;
	uint8_t refuse;
	struct prefix_set *permanent;
	struct prefix_set *internal;
	uint64_t wall;
	uint64_t next_random;
};

static void on_send(void *ctx, const struct roam_addr *to, uint16_t port,
		    const struct lr_msg *msg)
{
	struct fixture *f = ctx;

	assert_true(f->n_sent < LOG);
	f->sent[f->n_sent++] = (struct sent){ *to, port, *msg };
}

static uint8_t on_set_mapping(void *ctx, const struct roam_addr *perm,
			      const struct roam_addr *coa, uint64_t seq,
			      msec_t lifetime, bool literal)
{
	struct fixture *f = ctx;

	(void)perm;
	f->n_set++;
	if (f->refuse)
		return f->refuse;
	f->coa = *coa;
	f->seq = seq;
	f->lifetime = lifetime;
	f->literal = literal;
	return LR_OK;
}

static uint64_t on_wallclock(void *ctx)
{
	return ((struct fixture *)ctx)->wall;
}

static uint64_t on_random(void *ctx)
{
	return ((struct fixture *)ctx)->next_random += 0x9e3779b97f4a7c15;
}

static void on_event(void *ctx, const struct corr_event *event)
{
	struct fixture *f = ctx;

	assert_true(f->n_events < LOG);
	f->events[f->n_events++] = *event;
}

static const struct corr_ops ops = {
	.send = on_send, .set_mapping = on_set_mapping, .random = on_random,
	.wallclock = on_wallclock, .event = on_event,
};

static int make(void **state, enum corr_proof proof)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct corr_register registers[2] = {
		{ addr(REG1), 17434, 7 }, { addr(REG2), 17434, 8 },
	};
	struct roam_prefix permanent = prefix("198.51.100.0/24");
	struct corr_key key = { 9, prefix(PERM) };
	struct roam_prefix internal = prefix("10.1.0.0/16");

	f->permanent = prefix_set_new(&permanent, 1);
	f->internal = prefix_set_new(&internal, 1);
	f->corr = corr_new(&(struct corr_config){
		.registers = registers, .n_registers = 2,
		.permanent = &permanent, .n_permanent = 1,
		.keys = &key, .n_keys = 1,
		.timeout = 500, .tries = 3, .null_lifetime = 60000,
		.prefer = 10000,
		.again = 50, .again_tries = 6, .proof = proof,
		.announce_rate = 20, .pending_max = 8, .hints_max = 4,
		.hint_rate = 50, .places = { f->permanent, f->internal },
	}, &ops, f);
	assert_non_null(f->corr);
	f->now = 1000;
	*state = f;
	return 0;
}

static int setup(void **state)
{
	return make(state, CORR_PROOF_SOURCE);
}

static int setup_proof_register(void **state)
{
	return make(state, CORR_PROOF_REGISTER);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	corr_free(f->corr);
	prefix_set_free(f->permanent);
	prefix_set_free(f->internal);
	free(f);
	return 0;
}

static void forget_past(struct fixture *f)
{
	f->n_sent = 0;
	f->n_events = 0;
	f->n_set = 0;
}

static void pass(struct fixture *f, msec_t ms)
{
	msec_t end = f->now + ms, next;

	for (;;) {
		next = corr_tick(f->corr, f->now);
		assert_true(next > f->now);
		if (next > end)
			break;
		f->now = next;
	}
	f->now = end;
}

static void miss(struct fixture *f, const char *perm)
{
	struct roam_addr a = addr(perm);

	corr_miss(f->corr, f->now, &a);
}

static unsigned int count(const struct fixture *f, uint8_t type)
{
	unsigned int i, n = 0;

	for (i = 0; i < f->n_sent; i++)
		n += f->sent[i].msg.type == type;
	return n;
}

static unsigned int count_events(const struct fixture *f,
				 enum corr_event_type type)
{
	unsigned int i, n = 0;

	for (i = 0; i < f->n_events; i++)
		n += f->events[i].type == type;
	return n;
}

static const struct sent *last(const struct fixture *f, uint8_t type)
{
	unsigned int i = f->n_sent;

	while (i--)
		if (f->sent[i].msg.type == type)
			return &f->sent[i];
	return NULL;
}

static enum lr_drop input(struct fixture *f, const char *from,
			  const struct lr_msg *msg)
{
	struct roam_addr a = addr(from);

	return corr_input(f->corr, f->now, &a, PORT, msg);
}

/* The answer to the newest query. */
static struct lr_msg answer_of(const struct fixture *f, uint8_t status,
			       const char *coa, uint64_t seq,
			       uint32_t lifetime)
{
	struct lr_msg msg;

	assert_non_null(last(f, LR_QUERY));
	msg = last(f, LR_QUERY)->msg;
	msg.type = LR_ANSWER;
	msg.entries[1].status = LR_NONE;
	msg.entries[0].status = status;
	msg.entries[0].coa = addr(coa);
	msg.entries[0].seq = seq;
	msg.entries[0].lifetime = lifetime;
	return msg;
}

static void answer(struct fixture *f, const char *reg, uint8_t status,
		   const char *coa, uint64_t seq, uint32_t lifetime)
{
	struct lr_msg msg = answer_of(f, status, coa, seq, lifetime);

	assert_int_equal(input(f, reg, &msg), LR_DROP_NONE);
}

static struct lr_msg announcement(const char *perm, const char *coa,
				  uint64_t seq)
{
	return (struct lr_msg){
		.type = LR_ANNOUNCE, .count = 1, .id = 77, .nonce = seq * 11,
		.entries[0] = { .perm = addr(perm), .coa = addr(coa),
				.seq = seq, .lifetime = 300 },
	};
}

static enum lr_drop announce(struct fixture *f, const char *from,
			     const char *coa, uint64_t seq)
{
	struct lr_msg msg = announcement(PERM, coa, seq);

	return input(f, from, &msg);
}

/* The status of the newest confirm; -1 if there is none. */
static int confirmed(const struct fixture *f)
{
	const struct sent *s = last(f, LR_CONFIRM);

	return s ? s->msg.entries[0].status : -1;
}

/* PERM is known at A with sequence 10 for 200 s. */
static void know(struct fixture *f)
{
	miss(f, PERM);
	answer(f, REG1, LR_OK, A, 10, 200);
	assert_addr(f->coa, A);
	forget_past(f);
}

static void count_host(void *ctx, const struct corr_status *st)
{
	(void)st;
	++*(unsigned int *)ctx;
}

static unsigned int hosts(const struct fixture *f)
{
	unsigned int n = 0;

	corr_foreach(f->corr, count_host, &n);
	return n;
}

static void set_registers(struct fixture *f, const char *first,
			  const char *second)
{
	struct corr_register registers[2] = {
		{ addr(first), 17434, 7 }, { addr(second), 17434, 8 },
	};

	assert_true(corr_set_registers(f->corr, f->now, registers,
				       *first ? 2 : 0));
}

/* Look-ups */

static void first_packet_asks_once(void **state)
{
	struct fixture *f = *state;
	const struct sent *q;
	unsigned int i;

	for (i = 0; i < 5; i++)
		miss(f, PERM);
	assert_int_equal(f->n_sent, 1);
	q = last(f, LR_QUERY);
	assert_addr(q->to, REG1);
	assert_int_equal(q->port, 17434);
	assert_int_equal(q->msg.key_id, 7);
	assert_addr(q->msg.entries[0].perm, PERM);
	f->now += 12;
	answer(f, REG1, LR_OK, A, 10, 200);
	assert_addr(f->coa, A);
	assert_int_equal(f->seq, 10);
	assert_int_equal(f->lifetime, 200000);
	assert_int_equal(f->events[0].type, CORR_MAPPED);
	assert_int_equal(f->events[0].took, 12);
	assert_addr(f->events[0].host, REG1);
}

static void known_address_is_not_asked(void **state)
{
	struct fixture *f = *state;

	know(f);
	pass(f, 50000);
	miss(f, PERM);
	assert_int_equal(f->n_sent, 0);
	assert_int_equal(f->n_set, 1);
	assert_int_equal(f->lifetime, 150000);
}

static void ended_mapping_is_asked_again(void **state)
{
	struct fixture *f = *state;
	struct roam_addr perm = addr(PERM);

	know(f);
	/* the event of a mapping that was replaced meanwhile */
	corr_expired(f->corr, f->now, &perm, 0);
	assert_int_equal(f->n_sent, 0);
	pass(f, 199900);
	corr_expired(f->corr, f->now, &perm, 100);
	assert_int_equal(count(f, LR_QUERY), 1);
	answer(f, REG1, LR_OK, B, 11, 200);
	assert_addr(f->coa, B);
	/* an idle one is not */
	forget_past(f);
	pass(f, 200001);
	corr_expired(f->corr, f->now, &perm, 60000);
	assert_int_equal(f->n_sent, 0);
	assert_int_equal(hosts(f), 0);
	miss(f, PERM);
	assert_int_equal(count(f, LR_QUERY), 1);
	/* nor one that nobody used since, however short its lifetime was */
	answer(f, REG1, LR_OK, B, 11, 5);
	forget_past(f);
	pass(f, 5001);
	corr_expired(f->corr, f->now, &perm, 5001);
	assert_int_equal(f->n_sent, 0);
}

/* The known mapping ends while it is used; the register knows none, or an old @seq. */
static void end_and_find_none(struct fixture *f, uint64_t seq)
{
	struct roam_addr perm = addr(PERM);

	pass(f, f->lifetime);
	corr_expired(f->corr, f->now, &perm, 100);
	answer(f, REG1, LR_NONE, "", seq, 0);
}

/* A register that came back empty: the host is where it was, for a while. */
static void forgotten_host_stays(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	know(f);
	for (i = 0; i < 30; i++) {
		end_and_find_none(f, 0);
		assert_addr(f->coa, A);
		assert_int_equal(f->lifetime, 60000);
	}
	/* it never came back */
	end_and_find_none(f, 0);
	assert_addr(f->coa, "");
}

/* Who is taken from a register that knows it is gone at once. */
static void removed_host_goes(void **state)
{
	struct fixture *f = *state;

	know(f);
	end_and_find_none(f, 12);
	assert_addr(f->coa, "");
}

/*
 * A mobile host that uses its mapping says so before that ends: the register
 * prolongs it, and no packet comes between its end and the next look-up.
 */
static void renewed_before_it_ends(void **state)
{
	struct fixture *f = *state;
	const struct sent *s;

	know(f);
	pass(f, 65000);
	announce(f, A, A, 10);
	assert_int_equal(count(f, LR_QUERY), 0);
	assert_int_equal(last(f, LR_CONFIRM)->msg.entries[0].lifetime, 135);
	forget_past(f);
	pass(f, 90000);
	announce(f, A, A, 10);
	assert_int_equal(confirmed(f), -1);
	answer(f, REG1, LR_OK, A, 10, 300);
	assert_int_equal(f->n_set, 1);
	assert_int_equal(f->lifetime, 300000);
	s = last(f, LR_CONFIRM);
	assert_int_equal(s->msg.entries[0].status, LR_OK);
	assert_int_equal(s->msg.entries[0].lifetime, 300);
	assert_int_equal(f->n_events, 0);
	/* what was confirmed is not taken back: another register grants less */
	pass(f, 110000);
	announce(f, A, A, 10);
	answer(f, REG1, LR_OK, A, 10, 20);
	assert_int_equal(last(f, LR_CONFIRM)->msg.entries[0].lifetime, 190);
	assert_int_equal(f->lifetime, 300000);
}

/* By whom the register, or the kernel, does not follow: what is known is known. */
static void renewal_is_no_proof(void **state)
{
	struct fixture *f = *state;

	know(f);
	pass(f, 140000);
	/* a register that is behind */
	announce(f, A, A, 10);
	answer(f, REG1, LR_OK, B, 9, 200);
	assert_int_equal(confirmed(f), LR_OK);
	assert_int_equal(last(f, LR_CONFIRM)->msg.entries[0].lifetime, 60);
	assert_int_equal(count_events(f, CORR_UNPROVED), 0);
	/* no memory for it */
	forget_past(f);
	f->refuse = LR_LATER;
	announce(f, A, A, 10);
	answer(f, REG1, LR_OK, A, 10, 200);
	assert_int_equal(confirmed(f), LR_OK);
	f->refuse = LR_OK;
	/* from another place it makes nobody ask */
	pass(f, 2000);
	forget_past(f);
	announce(f, EVIL, EVIL, 10);
	assert_int_equal(confirmed(f), LR_LATER);
	assert_int_equal(count(f, LR_QUERY), 0);
	/* nor is what has ended confirmed, however late the answer is read */
	pass(f, 57500);
	announce(f, A, A, 10);
	f->now += 5000;
	answer(f, REG1, LR_DENIED, "", 0, 0);
	answer(f, REG2, LR_DENIED, "", 0, 0);
	assert_int_equal(confirmed(f), LR_OK);
	assert_int_equal(last(f, LR_CONFIRM)->msg.entries[0].lifetime, 60);
}

/* A renewal that no register answers, or only one that knows nobody. */
static void renew_in_vain(struct fixture *f, bool answered)
{
	forget_past(f);
	announce(f, A, A, 10);
	if (answered)
		answer(f, REG1, LR_NONE, "", 0, 0);
	else
		pass(f, 3000);
	assert_int_equal(confirmed(f), LR_OK);
	assert_addr(f->coa, A);
}

static void renewed_without_a_register(void **state)
{
	struct fixture *f = *state;
	msec_t since;

	know(f);
	pass(f, 190000);
	since = f->now;
	while (f->now < since + 29 * 60000) {
		renew_in_vain(f, true);
		assert_int_equal(f->n_set, 1);
		assert_int_equal(f->lifetime, 60000);
		pass(f, 50000);
	}
	renew_in_vain(f, false);
	assert_int_equal(count_events(f, CORR_NO_REGISTER), 1);
	/* no longer than it may */
	assert_in_range(f->now + f->lifetime, since + 30 * 60000,
			since + 30 * 60000);
	pass(f, f->lifetime - 5000);
	renew_in_vain(f, false);
	assert_int_equal(f->n_set, 0);
	assert_in_range(last(f, LR_CONFIRM)->msg.entries[0].lifetime, 1, 2);
	pass(f, 10000);
	assert_int_equal(hosts(f), 0);
}

/* Announces of somebody else make it ask in vain, but do not use up that time. */
static void forgers_do_not_shorten_it(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	know(f);
	pass(f, 150000);
	for (i = 0; i < 60; i++) {
		forget_past(f);
		announce(f, EVIL, EVIL, 999);
		pass(f, 4100);
	}
	renew_in_vain(f, false);
	assert_in_range(last(f, LR_CONFIRM)->msg.entries[0].lifetime, 50, 60);
}

static void no_mapping_is_remembered(void **state)
{
	struct fixture *f = *state;

	miss(f, PERM);
	answer(f, REG1, LR_NONE, "", 0, 0);
	assert_addr(f->coa, "");
	assert_int_equal(f->lifetime, 60000);
	assert_int_equal(f->events[0].type, CORR_NULL);
	forget_past(f);
	pass(f, 59999);
	miss(f, PERM);
	assert_int_equal(f->n_sent, 0);
	pass(f, 1);
	miss(f, PERM);
	assert_int_equal(f->n_sent, 1);
}

static void at_home_needs_no_rewriting(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg;

	miss(f, PERM);
	answer(f, REG1, LR_OK, PERM, 10, 200);
	assert_addr(f->coa, "");
	assert_int_equal(f->seq, 10);
	assert_int_equal(f->lifetime, 200000);
	/* coming home from A: the announce is confirmed */
	msg = announcement(PERM, PERM, 11);
	msg.entries[0].flags = LR_FLAG_AT_HOME;
	input(f, PERM, &msg);
	answer(f, REG1, LR_OK, PERM, 11, 200);
	assert_int_equal(confirmed(f), LR_OK);
	assert_addr(f->coa, "");
}

static void silent_register_is_replaced(void **state)
{
	struct fixture *f = *state;
	struct lr_msg late;

	miss(f, PERM);
	late = answer_of(f, LR_OK, A, 10, 200);
	pass(f, 1499);
	assert_int_equal(f->n_sent, 3);
	assert_addr(f->sent[2].to, REG1);
	assert_int_equal(f->sent[2].msg.nonce, f->sent[0].msg.nonce);
	pass(f, 1);
	assert_int_equal(f->n_sent, 4);
	assert_addr(f->sent[3].to, REG2);
	assert_int_equal(f->sent[3].msg.key_id, 8);
	assert_int_equal(input(f, REG1, &late), LR_DROP_UNASKED);
	answer(f, REG2, LR_OK, A, 10, 200);
	assert_addr(f->coa, A);
	assert_int_equal(corr_register_index(f->corr), 1);
	/* the working one is remembered */
	forget_past(f);
	miss(f, PERM2);
	assert_addr(f->sent[0].to, REG2);
}

static void refusing_register_is_replaced(void **state)
{
	struct fixture *f = *state;

	miss(f, PERM);
	answer(f, REG1, LR_DENIED, "", 0, 0);
	assert_int_equal(f->events[0].type, CORR_REFUSED);
	assert_int_equal(f->events[0].status, LR_DENIED);
	assert_addr(last(f, LR_QUERY)->to, REG2);
	answer(f, REG2, LR_OK, A, 10, 200);
	assert_addr(f->coa, A);
}

static void no_register_leaves_the_kernel_alone(void **state)
{
	struct fixture *f = *state;

	miss(f, PERM);
	pass(f, 3000);
	assert_int_equal(f->n_sent, 6);
	assert_int_equal(f->n_set, 0);
	assert_int_equal(count_events(f, CORR_NO_REGISTER), 1);
	forget_past(f);
	miss(f, PERM);
	announce(f, A, A, 10);
	assert_int_equal(count(f, LR_QUERY), 0);
	assert_int_equal(confirmed(f), LR_LATER);
	pass(f, 1000);
	assert_int_equal(hosts(f), 0);
	miss(f, PERM);
	assert_int_equal(count(f, LR_QUERY), 1);
}

static void only_the_asked_register_answers(void **state)
{
	struct fixture *f = *state;
	struct lr_msg good, msg;

	miss(f, PERM);
	good = answer_of(f, LR_OK, A, 10, 200);
	assert_int_equal(input(f, EVIL, &good), LR_DROP_UNASKED);
	assert_int_equal(input(f, REG2, &good), LR_DROP_UNASKED);
	msg = good;
	msg.nonce++;
	assert_int_equal(input(f, REG1, &msg), LR_DROP_UNASKED);
	msg = good;
	msg.entries[0].perm = addr(PERM2);
	assert_int_equal(input(f, REG1, &msg), LR_DROP_UNASKED);
	msg = good;
	msg.key_id = 0;
	assert_int_equal(input(f, REG1, &msg), LR_DROP_KEY);
	msg.key_id = 8;
	assert_int_equal(input(f, REG1, &msg), LR_DROP_KEY);
	msg.type = LR_ACK;
	assert_int_equal(input(f, REG1, &msg), LR_DROP_ROLE);
	assert_int_equal(f->n_set, 0);
	/* unknown entries beside the asked one are ignored */
	good.entries[1] = good.entries[0];
	good.entries[0].perm = addr(PERM2);
	good.count = 2;
	assert_int_equal(input(f, REG1, &good), LR_DROP_NONE);
	assert_int_equal(f->n_set, 1);
	assert_addr(f->coa, A);
	assert_int_equal(input(f, REG1, &good), LR_DROP_UNASKED);
}

static void lookups_are_bounded(void **state)
{
	struct fixture *f = *state;
	char text[32];
	unsigned int i;

	for (i = 1; i <= 100; i++) {
		sprintf(text, "198.51.100.%u", i);
		miss(f, text);
	}
	assert_int_equal(f->n_sent, 8);
	assert_int_equal(hosts(f), 8);
	pass(f, 3000);
	assert_int_equal(hosts(f), 8);
	pass(f, 1000);
	assert_int_equal(hosts(f), 0);
	miss(f, PERM);
	assert_int_equal(hosts(f), 1);
}

/* Announces */

static void announce_is_believed_after_the_register(void **state)
{
	struct fixture *f = *state;
	const struct sent *s;

	know(f);
	assert_int_equal(announce(f, B, B, 11), LR_DROP_NONE);
	assert_int_equal(count(f, LR_QUERY), 1);
	assert_int_equal(confirmed(f), -1);
	assert_int_equal(f->n_set, 0);
	answer(f, REG1, LR_OK, B, 11, 300);
	assert_addr(f->coa, B);
	assert_addr(f->events[0].old_coa, A);
	s = last(f, LR_CONFIRM);
	assert_addr(s->to, B);
	assert_int_equal(s->port, PORT);
	assert_int_equal(s->msg.nonce, 121);
	assert_int_equal(s->msg.id, 77);
	assert_int_equal(s->msg.key_id, 0);
	assert_int_equal(s->msg.entries[0].status, LR_OK);
	assert_int_equal(s->msg.entries[0].seq, 11);
	assert_int_equal(s->msg.entries[0].lifetime, 300);
	/* a copy is confirmed without a question */
	forget_past(f);
	announce(f, B, B, 11);
	assert_int_equal(f->n_sent, 1);
	assert_int_equal(confirmed(f), LR_OK);
}

static void null_mapping_gives_way(void **state)
{
	struct fixture *f = *state;

	miss(f, PERM);
	answer(f, REG1, LR_NONE, "", 0, 0);
	announce(f, A, A, 10);
	answer(f, REG1, LR_OK, A, 10, 300);
	assert_int_equal(confirmed(f), LR_OK);
	assert_addr(f->coa, A);
}

static void forged_announce_changes_nothing(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	know(f);
	announce(f, EVIL, EVIL, 1000);
	for (i = 0; i < 7; i++) {
		assert_int_equal(confirmed(f), -1);
		answer(f, REG1, LR_OK, A, 10, 200);
		pass(f, 50 << i);
	}
	assert_int_equal(confirmed(f), LR_LATER);
	assert_int_equal(count(f, LR_QUERY), 7);
	assert_int_equal(count_events(f, CORR_UNPROVED), 1);
	assert_addr(f->coa, A);
	assert_int_equal(f->seq, 10);
	pass(f, 10000);
	assert_int_equal(count(f, LR_QUERY), 7);
}

static void forged_announce_delays_nobody(void **state)
{
	struct fixture *f = *state;

	/* the look-up of a held packet ends with the first answer */
	announce(f, EVIL, EVIL, 1000);
	miss(f, PERM);
	answer(f, REG1, LR_OK, A, 10, 200);
	assert_addr(f->coa, A);
	/* and the true announce is asked for at once */
	pass(f, 10);
	forget_past(f);
	announce(f, B, B, 11);
	assert_int_equal(count(f, LR_QUERY), 1);
	answer(f, REG1, LR_OK, B, 11, 200);
	assert_int_equal(confirmed(f), LR_OK);
	assert_addr(f->coa, B);
}

static void announce_before_the_register_knows(void **state)
{
	struct fixture *f = *state;

	know(f);
	announce(f, B, B, 11);
	answer(f, REG1, LR_OK, A, 10, 200);
	assert_int_equal(confirmed(f), -1);
	assert_int_equal(count(f, LR_QUERY), 1);
	pass(f, 50);
	assert_int_equal(count(f, LR_QUERY), 2);
	assert_int_not_equal(f->sent[1].msg.nonce, f->sent[0].msg.nonce);
	answer(f, REG1, LR_OK, A, 10, 200);
	pass(f, 99);
	assert_int_equal(count(f, LR_QUERY), 2);
	pass(f, 1);
	assert_int_equal(count(f, LR_QUERY), 3);
	answer(f, REG1, LR_OK, B, 11, 200);
	assert_int_equal(confirmed(f), LR_OK);
	assert_addr(f->coa, B);
}

static void announce_of_the_unknown_fills_no_table(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	announce(f, EVIL, EVIL, 5);
	for (i = 0; i < 7; i++) {
		answer(f, REG1, LR_NONE, "", 0, 0);
		pass(f, 50 << i);
	}
	assert_int_equal(confirmed(f), LR_LATER);
	assert_int_equal(f->n_set, 0);
	assert_int_equal(hosts(f), 0);
}

/* Who proves nothing learns nothing (SEC-09); who has the key is told. */
static void old_announce_is_stale(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg = announcement(PERM, B, 9);
	const struct sent *s;

	know(f);
	announce(f, B, B, 9);
	s = last(f, LR_CONFIRM);
	assert_int_equal(s->msg.entries[0].status, LR_LATER);
	assert_int_equal(s->msg.entries[0].seq, 9);
	assert_addr(s->msg.entries[0].coa, B);
	announce(f, B, B, 10);
	assert_int_equal(confirmed(f), LR_LATER);
	announce(f, A, A, 10);
	assert_int_equal(confirmed(f), LR_OK);
	msg.key_id = 9;
	input(f, B, &msg);
	assert_int_equal(confirmed(f), LR_STALE);
	assert_int_equal(last(f, LR_CONFIRM)->msg.entries[0].seq, 10);
	assert_addr(last(f, LR_CONFIRM)->msg.entries[0].coa, B);
	/* a key of somebody else's does not count */
	miss(f, PERM2);
	answer(f, REG1, LR_OK, C, 10, 200);
	forget_past(f);
	msg = announcement(PERM2, B, 9);
	msg.key_id = 9;
	input(f, B, &msg);
	assert_int_equal(confirmed(f), LR_LATER);
	assert_int_equal(count(f, LR_QUERY), 0);
	assert_int_equal(f->n_set, 0);
}

static void register_knows_better(void **state)
{
	struct fixture *f = *state;

	know(f);
	announce(f, B, B, 11);
	answer(f, REG1, LR_OK, "192.0.2.99", 12, 200);
	assert_addr(f->coa, "192.0.2.99");
	assert_int_equal(confirmed(f), LR_LATER);
	assert_int_equal(last(f, LR_CONFIRM)->msg.entries[0].seq, 11);
}

static void older_answer_does_not_overwrite(void **state)
{
	struct fixture *f = *state;

	know(f);
	announce(f, B, B, 11);
	/* a register that missed updates, or came back empty */
	answer(f, REG1, LR_OK, B, 9, 200);
	pass(f, 50);
	answer(f, REG1, LR_NONE, "", 0, 0);
	assert_int_equal(f->n_set, 0);
	assert_addr(f->coa, A);
	/* a removal that is newer than what is known does */
	pass(f, 100);
	answer(f, REG1, LR_NONE, "", 12, 0);
	assert_int_equal(f->n_set, 1);
	assert_addr(f->coa, "");
	assert_int_equal(confirmed(f), LR_LATER);
}

static void conflict_is_told(void **state)
{
	struct fixture *f = *state;

	f->refuse = LR_LATER;
	announce(f, A, A, 10);
	answer(f, REG1, LR_OK, A, 10, 200);
	assert_int_equal(confirmed(f), LR_LATER);
	assert_int_equal(f->events[0].type, CORR_CONFLICT);
	assert_addr(f->events[0].coa, A);
	/* packets that go on missing do not ask at full speed */
	forget_past(f);
	miss(f, PERM);
	assert_int_equal(f->n_sent, 0);
	pass(f, 1000);
	assert_int_equal(hosts(f), 0);
}

static void addresses_out_of_range_are_denied(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg = announcement("198.51.101.7", A, 10);

	assert_int_equal(input(f, A, &msg), LR_DROP_NONE);
	assert_int_equal(confirmed(f), LR_DENIED);
	announce(f, A, A, 0);
	assert_int_equal(confirmed(f), LR_DENIED);
	assert_int_equal(count(f, LR_QUERY), 0);
	assert_int_equal(hosts(f), 0);
}

static void announces_are_rate_limited(void **state)
{
	struct fixture *f = *state;
	unsigned int i, taken = 0;

	know(f);
	for (i = 0; i < 100; i++)
		taken += announce(f, A, A, 10) == LR_DROP_NONE;
	assert_int_equal(taken, 20);
	assert_int_equal(announce(f, A, A, 10), LR_DROP_LIMIT);
	/* others are not held up, unless they share the bucket by chance */
	taken = 0;
	taken += announce(f, "10.2.0.1", A, 10) == LR_DROP_NONE;
	taken += announce(f, "10.2.0.2", A, 10) == LR_DROP_NONE;
	assert_true(taken >= 1);
	pass(f, 100);
	taken = 0;
	for (i = 0; i < 10; i++)
		taken += announce(f, A, A, 10) == LR_DROP_NONE;
	assert_in_range(taken, 1, 2);
	pass(f, 1000);
	assert_int_equal(announce(f, A, A, 10), LR_DROP_NONE);
}

static void newest_announces_wait(void **state)
{
	struct fixture *f = *state;
	struct roam_addr to = addr("10.3.0.9");
	unsigned int i, n = 0;
	char text[32];

	/* one source counts once, with its newest; four sources at most */
	announce(f, A, A, 8);
	announce(f, A, A, 9);
	announce(f, A, A, 9);
	for (i = 0; i < 10; i++) {
		sprintf(text, "10.3.0.%u", i);
		announce(f, text, text, 9);
	}
	assert_int_equal(count(f, LR_QUERY), 1);
	answer(f, REG1, LR_OK, "10.3.0.9", 9, 200);
	assert_int_equal(count(f, LR_CONFIRM), 4);
	for (i = 0; i < f->n_sent; i++)
		n += roam_addr_eq(&f->sent[i].to, &to);
	assert_int_equal(n, 1);
}

static void shared_key_is_proof(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg = announcement(PERM, B, 11);

	know(f);
	msg.key_id = 9;
	assert_int_equal(input(f, B, &msg), LR_DROP_NONE);
	assert_addr(f->coa, B);
	assert_int_equal(f->lifetime, 300000);
	assert_int_equal(confirmed(f), LR_OK);
	assert_int_equal(last(f, LR_CONFIRM)->msg.key_id, 9);
	assert_int_equal(count(f, LR_QUERY), 0);
	/* an old one is stale */
	msg = announcement(PERM, A, 10);
	msg.key_id = 9;
	input(f, A, &msg);
	assert_int_equal(confirmed(f), LR_STALE);
	assert_addr(f->coa, B);
	/* where it did not come from nobody is sent to */
	msg = announcement(PERM, A, 12);
	msg.key_id = 9;
	input(f, B, &msg);
	assert_int_equal(confirmed(f), LR_UNPROVED);
	assert_addr(f->coa, B);
	f->refuse = LR_LATER;
	input(f, A, &msg);
	assert_int_equal(confirmed(f), LR_LATER);
	f->refuse = LR_OK;
	input(f, A, &msg);
	assert_int_equal(confirmed(f), LR_OK);
}

static void shared_key_proves_no_more_than_it_may(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg = announcement(PERM, B, 11);

	/* not known: an announce recorded long ago could come back */
	msg.key_id = 9;
	input(f, B, &msg);
	assert_int_equal(f->n_set, 0);
	assert_int_equal(count(f, LR_QUERY), 1);
	answer(f, REG1, LR_OK, A, 12, 200);
	assert_int_equal(confirmed(f), LR_STALE);
	assert_int_equal(last(f, LR_CONFIRM)->msg.key_id, 9);
	/* another host's address */
	miss(f, PERM2);
	answer(f, REG1, LR_OK, C, 10, 200);
	forget_past(f);
	msg = announcement(PERM2, B, 11);
	msg.key_id = 9;
	input(f, B, &msg);
	assert_int_equal(f->n_set, 0);
	assert_int_equal(count(f, LR_QUERY), 1);
	/* a key that is none of ours */
	forget_past(f);
	msg = announcement(PERM, B, 13);
	msg.key_id = 7;
	input(f, B, &msg);
	assert_int_equal(f->n_set, 0);
	assert_int_equal(count(f, LR_QUERY), 1);
}

/* A mapping with the pair key of mobile host's key 3, which REG1 seals. */
static void answer_with_pair(struct fixture *f, const char *perm, uint64_t seq)
{
	bool second = !strcmp(perm, PERM2);
	struct lr_msg msg = answer_of(f, LR_OK, second ? C : A, seq, 200);

	assert_addr(msg.entries[0].perm, perm);
	msg.count = 2;
	msg.entries[1] = (struct lr_entry){
		.perm = addr(perm), .seq = 3, .lifetime = 200,
		.flags = LR_FLAG_KEY,
	};
	memset(msg.entries[1].coa.b, 0xab, sizeof(msg.entries[1].coa.b));
	assert_int_equal(input(f, REG1, &msg), LR_DROP_NONE);
}

static const struct corr_pair *pair_of(const struct fixture *f, const char *perm)
{
	struct roam_addr a = addr(perm);

	return corr_pair(f->corr, &a);
}

static void know_with_pair(struct fixture *f, const char *perm)
{
	miss(f, perm);
	assert_int_equal(last(f, LR_QUERY)->msg.count, 2);
	assert_int_equal(last(f, LR_QUERY)->msg.entries[0].flags, 0);
	assert_int_equal(last(f, LR_QUERY)->msg.entries[1].flags, LR_FLAG_KEY);
	answer_with_pair(f, perm, 10);
}

static enum lr_drop announce_by_pair(struct fixture *f, const char *perm,
				     const char *coa, uint64_t seq)
{
	struct lr_msg msg = announcement(perm, coa, seq);

	msg.key_id = LR_PAIR_KEY | 7;
	forget_past(f);
	return input(f, coa, &msg);
}

static void pair_key_comes_with_the_mapping(void **state)
{
	struct fixture *f = *state;
	const struct corr_pair *pair;
	struct lr_msg msg;
	uint8_t sealed[16];

	assert_null(pair_of(f, PERM));
	miss(f, PERM);
	/* only who was asked can give one */
	msg = answer_of(f, LR_OK, A, 10, 200);
	msg.count = 2;
	msg.entries[1] = msg.entries[0];
	msg.entries[1].flags = LR_FLAG_KEY;
	msg.nonce++;
	assert_int_equal(input(f, REG1, &msg), LR_DROP_UNASKED);
	msg.nonce--;
	msg.key_id = 8;
	assert_int_equal(input(f, REG1, &msg), LR_DROP_KEY);
	assert_null(pair_of(f, PERM));
	answer(f, REG1, LR_OK, A, 10, 1);
	assert_null(pair_of(f, PERM));
	pass(f, 3000);
	know_with_pair(f, PERM);
	pair = pair_of(f, PERM);
	assert_non_null(pair);
	assert_int_equal(pair->key_id, LR_PAIR_KEY | 7);
	assert_int_equal(pair->mobile, 3);
	assert_true(pair->nonce == last(f, LR_QUERY)->msg.nonce);
	memset(sealed, 0xab, sizeof(sealed));
	assert_memory_equal(pair->sealed, sealed, sizeof(sealed));
	/* a hint about what is known is confirmed with it: that is how it gets about */
	announce(f, A, A, 10);
	assert_int_equal(confirmed(f), LR_OK);
	assert_int_equal(last(f, LR_CONFIRM)->msg.key_id, LR_PAIR_KEY | 7);
	/* to others it is of no use */
	announce(f, B, B, 9);
	assert_int_equal(confirmed(f), LR_LATER);
	assert_int_equal(last(f, LR_CONFIRM)->msg.key_id, 0);
}

static void pair_key_is_proof(void **state)
{
	struct fixture *f = *state;

	know_with_pair(f, PERM);
	pass(f, 150000);
	assert_int_equal(announce_by_pair(f, PERM, B, 11), LR_DROP_NONE);
	assert_addr(f->coa, B);
	assert_int_equal(confirmed(f), LR_OK);
	assert_int_equal(last(f, LR_CONFIRM)->msg.key_id, LR_PAIR_KEY | 7);
	/* for as long as the register said, which is asked to prolong it */
	assert_int_equal(f->lifetime, 50000);
	assert_int_equal(count(f, LR_QUERY), 1);
	answer_with_pair(f, PERM, 11);
	assert_int_equal(f->lifetime, 200000);
	/* a register that is behind takes nothing back */
	announce_by_pair(f, PERM, A, 12);
	answer_with_pair(f, PERM, 11);
	assert_int_equal(f->seq, 12);
	announce_by_pair(f, PERM, B, 11);
	assert_int_equal(confirmed(f), LR_STALE);
	assert_addr(f->coa, A);
	/* and gone is gone */
	announce_by_pair(f, PERM, B, 13);
	answer(f, REG1, LR_NONE, "", 14, 0);
	assert_null(pair_of(f, PERM));
	announce_by_pair(f, PERM, B, 15);
	assert_int_equal(f->n_set, 0);
}

static void pair_key_proves_no_more_than_it_may(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg;

	/* others of the same register have keys with the same id */
	know_with_pair(f, PERM);
	miss(f, PERM2);
	answer(f, REG1, LR_OK, C, 10, 200);
	announce_by_pair(f, PERM2, B, 11);
	assert_int_equal(f->n_set, 0);
	assert_int_equal(count(f, LR_QUERY), 1);
	answer_with_pair(f, PERM2, 10);
	/* from elsewhere */
	forget_past(f);
	msg = announcement(PERM, B, 11);
	msg.key_id = LR_PAIR_KEY | 7;
	input(f, EVIL, &msg);
	assert_int_equal(f->n_set, 0);
	assert_int_equal(confirmed(f), LR_UNPROVED);
	/* another register's */
	msg = announcement(PERM, B, 13);
	msg.key_id = LR_PAIR_KEY | 8;
	input(f, B, &msg);
	assert_int_equal(f->n_set, 0);
	/* that of a mapping which ended, as an old announce could come back */
	pass(f, 300000);
	announce_by_pair(f, PERM, B, 14);
	assert_int_equal(f->n_set, 0);
	assert_int_not_equal(count(f, LR_QUERY), 0);
}

/* Everything that depends on the pair key while it goes. */
static void pair_key_is_lost_and_found(void **state)
{
	struct fixture *f = *state;

	/* an announce waits, its key goes: the confirm does without */
	know_with_pair(f, PERM);
	pass(f, 200500);
	announce_by_pair(f, PERM, B, 11);
	assert_int_equal(count(f, LR_CONFIRM), 0);
	answer(f, REG1, LR_OK, B, 11, 200);
	assert_int_equal(confirmed(f), LR_OK);
	assert_int_equal(last(f, LR_CONFIRM)->msg.key_id, 0);
	/* what only a pair key said is not kept for a register that came back empty */
	pass(f, 300000);
	know_with_pair(f, PERM);
	announce_by_pair(f, PERM, B, 12);
	answer(f, REG1, LR_NONE, "", 0, 0);
	assert_addr(f->coa, B);
	pass(f, 200500);
	miss(f, PERM);
	answer(f, REG1, LR_NONE, "", 0, 0);
	assert_addr(f->coa, "");
	/* what a register said is */
	pass(f, 100000);
	miss(f, PERM);
	answer(f, REG1, LR_OK, A, 13, 200);
	pass(f, 200500);
	miss(f, PERM);
	answer(f, REG1, LR_NONE, "", 0, 0);
	assert_addr(f->coa, A);
}

static void adopted_mappings_are_known(void **state)
{
	struct fixture *f = *state;
	struct roam_addr perm = addr(PERM), perm2 = addr(PERM2), a = addr(A);

	corr_adopt(f->corr, f->now, &perm, &a, 10, 5000, true);
	corr_adopt(f->corr, f->now, &perm2, &a, 10, 0, false);
	assert_int_equal(f->n_sent + f->n_set + f->n_events, 0);
	announce(f, B, B, 9);
	assert_int_equal(confirmed(f), LR_LATER);
	assert_int_equal(hosts(f), 2);
	/* the kernel's event does not come: it goes by itself a little later */
	pass(f, 6000);
	assert_int_equal(hosts(f), 1);
	miss(f, PERM2);
	assert_int_equal(f->lifetime, 0);
	corr_expired(f->corr, f->now, &perm2, 60000);
	assert_int_equal(hosts(f), 0);
}

static void locates_mobile_hosts(void **state)
{
	struct fixture *f = *state;
	struct roam_addr perm = addr(PERM), plain = addr(EVIL);

	know(f);
	assert_addr(corr_locate(f->corr, f->now, &perm, false), A);
	assert_addr(corr_locate(f->corr, f->now, &plain, true), EVIL);
	assert_int_equal(f->n_sent, 0);
	assert_addr(corr_locate(f->corr, f->now, &perm, true), A);
	corr_locate(f->corr, f->now, &perm, true);
	assert_int_equal(count(f, LR_QUERY), 1);
	answer(f, REG1, LR_OK, B, 11, 200);
	assert_addr(f->coa, B);
	assert_addr(corr_locate(f->corr, f->now, &perm, false), B);
	/* at home it is where its address says; later nothing is known */
	corr_locate(f->corr, f->now, &perm, true);
	answer(f, REG1, LR_OK, PERM, 12, 200);
	assert_addr(corr_locate(f->corr, f->now, &perm, false), PERM);
	pass(f, 200000);
	forget_past(f);
	corr_locate(f->corr, f->now, &perm, true);
	assert_int_equal(f->n_sent, 0);
}

static struct CMUnitTest test(const char *name, CMUnitTestFunction fn)
{
	return (struct CMUnitTest){ .name = name, .test_func = fn,
				    .setup_func = setup,
				    .teardown_func = teardown };
}

static void other_registers_are_asked(void **state)
{
	struct fixture *f = *state;

	miss(f, PERM);
	set_registers(f, REG2, REG1);
	assert_addr(last(f, LR_QUERY)->to, REG2);
	/* the answer of the old one is asked for no more */
	answer(f, REG2, LR_OK, A, 10, 200);
	assert_addr(f->coa, A);
	/* none at all, then some again: whoever waits is served */
	miss(f, PERM2);
	set_registers(f, "", "");
	assert_int_equal(count_events(f, CORR_NO_REGISTER), 1);
	pass(f, 2000);
	set_registers(f, REG1, REG2);
	forget_past(f);
	miss(f, PERM2);
	assert_addr(last(f, LR_QUERY)->to, REG1);
	assert_int_equal(last(f, LR_QUERY)->msg.key_id, 7);
}

/* REG1 fails, REG2 answers instead. */
static void fail_over(struct fixture *f)
{
	miss(f, PERM);
	pass(f, 1500);
	assert_addr(last(f, LR_QUERY)->to, REG2);
	answer(f, REG2, LR_OK, A, 10, 1);
	assert_int_equal(corr_register_index(f->corr), 1);
	pass(f, 3000);
	forget_past(f);
}

static unsigned int queries_to(const struct fixture *f, const char *reg)
{
	struct roam_addr a = addr(reg);
	unsigned int i, n = 0;

	for (i = 0; i < f->n_sent; i++)
		n += f->sent[i].msg.type == LR_QUERY &&
		     roam_addr_eq(&f->sent[i].to, &a);
	return n;
}

static void preferred_register_is_returned_to(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg;

	fail_over(f);
	/* not at once: it only just failed */
	miss(f, PERM);
	assert_int_equal(queries_to(f, REG1), 0);
	answer(f, REG2, LR_OK, A, 10, 1);
	pass(f, 10000);
	forget_past(f);
	/* beside the look-up, which waits for nobody */
	miss(f, PERM);
	assert_int_equal(queries_to(f, REG1), 1);
	assert_int_equal(queries_to(f, REG2), 1);
	msg = f->sent[1].msg;
	assert_addr(f->sent[1].to, REG1);
	msg.type = LR_ANSWER;
	msg.entries[0].coa = addr(B);
	msg.entries[0].seq = 10;
	msg.entries[0].lifetime = 100;
	assert_int_equal(input(f, REG2, &msg), LR_DROP_UNASKED);
	msg.key_id = 8;
	assert_int_equal(input(f, REG1, &msg), LR_DROP_KEY);
	assert_int_equal(corr_register_index(f->corr), 1);
	msg.key_id = 7;
	assert_int_equal(input(f, REG1, &msg), LR_DROP_NONE);
	assert_int_equal(corr_register_index(f->corr), 0);
	/* that was its only use, and it was used once */
	assert_int_equal(f->n_set, 0);
	assert_int_equal(input(f, REG1, &msg), LR_DROP_UNASKED);
}

static void an_empty_register_is_not_returned_to(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg;

	fail_over(f);
	pass(f, 10000);
	miss(f, PERM);
	assert_int_equal(queries_to(f, REG1), 1);
	msg = f->sent[1].msg;
	/* the one that is asked knows the host */
	f->sent[1] = f->sent[0];
	answer(f, REG2, LR_OK, A, 10, 200);
	msg.type = LR_ANSWER;
	msg.entries[0].status = LR_NONE;
	assert_int_equal(input(f, REG1, &msg), LR_DROP_NONE);
	assert_int_equal(corr_register_index(f->corr), 1);
}

static void removed_mapping_is_set_again(void **state)
{
	struct fixture *f = *state;
	struct roam_addr perm = addr(PERM), perm2 = addr(PERM2), a = addr(A);

	assert_false(corr_restore(f->corr, f->now, &perm));
	know(f);
	pass(f, 50000);
	assert_true(corr_restore(f->corr, f->now, &perm));
	assert_int_equal(f->n_set, 1);
	assert_int_equal(f->lifetime, 150000);
	assert_int_equal(f->n_sent, 0);
	/* what was set by hand may go by hand */
	corr_adopt(f->corr, f->now, &perm2, &a, 1, 0, false);
	assert_false(corr_restore(f->corr, f->now, &perm2));
}

static void literal_mode_is_followed(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg;

	miss(f, PERM);
	msg = answer_of(f, LR_OK, A, 10, 200);
	msg.entries[0].flags = LR_FLAG_LITERAL;
	assert_int_equal(input(f, REG1, &msg), LR_DROP_NONE);
	assert_true(f->literal);
	/* an announce with proof says the other mode */
	msg = announcement(PERM, B, 11);
	msg.key_id = 9;
	assert_int_equal(input(f, B, &msg), LR_DROP_NONE);
	assert_false(f->literal);
	msg = announcement(PERM, A, 12);
	msg.key_id = 9;
	msg.entries[0].flags = LR_FLAG_LITERAL;
	assert_int_equal(input(f, A, &msg), LR_DROP_NONE);
	assert_true(f->literal);
	/* it stays when the mapping is set again */
	f->literal = false;
	miss(f, PERM);
	assert_true(f->literal);
}

static void a_probe_is_answered_at_the_care_of_address(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg = announcement(PERM, A, 10);

	know(f);
	msg.entries[0].flags = LR_FLAG_LITERAL;
	assert_int_equal(input(f, PERM, &msg), LR_DROP_NONE);
	assert_int_equal(confirmed(f), LR_OK);
	assert_addr(last(f, LR_CONFIRM)->to, A);
	assert_int_equal(last(f, LR_CONFIRM)->port, PORT);
	/* it is a question, not an announce */
	assert_int_equal(f->n_set, 0);
	/* another place than the known one gets no answer there */
	msg = announcement(PERM, B, 10);
	input(f, PERM, &msg);
	assert_int_equal(confirmed(f), LR_LATER);
	assert_addr(last(f, LR_CONFIRM)->to, PERM);
	/* nor does one about another registration make anybody ask */
	forget_past(f);
	msg = announcement(PERM, B, 99);
	input(f, PERM, &msg);
	assert_int_equal(confirmed(f), LR_LATER);
	assert_int_equal(count(f, LR_QUERY), 0);
}

/* Adversaries */

/* From where it does not receive nobody makes us ask, tell or move anything. */
static void an_announce_comes_from_its_place(void **state)
{
	struct fixture *f = *state;
	const struct sent *s;
	struct lr_msg msg;

	announce(f, EVIL, A, 10);
	s = last(f, LR_CONFIRM);
	assert_int_equal(s->msg.entries[0].status, LR_UNPROVED);
	assert_addr(s->to, EVIL);
	/* a host behind a translator sees by that that it is */
	assert_addr(s->msg.source, EVIL);
	assert_int_equal(count(f, LR_QUERY), 0);
	assert_int_equal(hosts(f), 0);
	know(f);
	announce(f, EVIL, B, 11);
	announce(f, EVIL, A, 10);
	assert_int_equal(confirmed(f), LR_UNPROVED);
	assert_int_equal(count(f, LR_QUERY) + f->n_set, 0);
	/* who says that he is gone says nothing about others */
	msg = announcement(PERM, "", 11);
	msg.entries[0].lifetime = 0;
	input(f, EVIL, &msg);
	assert_int_equal(count(f, LR_QUERY), 1);
}

/*
 * PERM2 is where a squatter is by an old answer. The register knows better: no
 * status makes PERM2 plain before it said so, and then PERM2 is there.
 */
static void the_register_tells_who_has_a_place(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg = announcement(PERM2, A, 5), about_first;
	unsigned int sent;

	know(f);
	input(f, A, &msg);
	assert_int_equal(count(f, LR_QUERY), 1);
	answer(f, REG1, LR_OK, A, 5, 200);
	/* the kernel was not asked, the register is, about the older one */
	assert_int_equal(f->n_set, 0);
	assert_int_equal(confirmed(f), -1);
	assert_int_equal(count(f, LR_QUERY), 2);
	assert_addr(last(f, LR_QUERY)->msg.entries[0].perm, PERM);
	about_first = answer_of(f, LR_NONE, "", 10, 0);
	sent = f->n_sent;
	pass(f, 50);
	assert_int_equal(f->n_sent, sent + 1);
	assert_addr(last(f, LR_QUERY)->msg.entries[0].perm, PERM2);
	assert_int_equal(input(f, REG1, &about_first), LR_DROP_NONE);
	assert_addr(f->coa, "");
	answer(f, REG1, LR_OK, A, 5, 200);
	assert_addr(f->coa, A);
	assert_int_equal(f->seq, 5);
	assert_int_equal(confirmed(f), LR_OK);
}

/* The register says of both that they are there: nobody is moved, nobody is plain. */
static void an_open_conflict_moves_nobody(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg = announcement(PERM2, A, 5);
	unsigned int i;

	know(f);
	input(f, A, &msg);
	for (i = 0; i < 20 && confirmed(f) < 0; i++) {
		if (roam_addr_eq(&last(f, LR_QUERY)->msg.entries[0].perm,
				 &msg.entries[0].perm))
			answer(f, REG1, LR_OK, A, 5, 200);
		else
			answer(f, REG1, LR_OK, A, 10, 200);
		pass(f, 50 << (i < 10 ? i : 10));
	}
	assert_int_equal(confirmed(f), LR_CONFLICT);
	assert_addr(f->coa, A);
	assert_int_equal(f->seq, 10);
	assert_int_equal(count_events(f, CORR_CONFLICT), 1);
	assert_int_equal(count_events(f, CORR_NULL), 0);
}

static void a_packet_waits_for_the_end_of_a_conflict(void **state)
{
	struct fixture *f = *state;
	struct lr_msg about_first;

	know(f);
	miss(f, PERM2);
	answer(f, REG1, LR_OK, A, 5, 200);
	assert_int_equal(f->n_set, 0);
	about_first = answer_of(f, LR_OK, B, 11, 200);
	assert_addr(about_first.entries[0].perm, PERM);
	input(f, REG1, &about_first);
	assert_addr(f->coa, B);
	pass(f, 50);
	answer(f, REG1, LR_OK, A, 5, 200);
	assert_addr(f->coa, A);
	assert_int_equal(f->seq, 5);
}

/* To each question: PERM is at A by an old registration, and PERM2 at C. */
static void register_says_the_same(struct fixture *f)
{
	struct roam_addr first = addr(PERM);
	unsigned int i, n = f->n_sent;
	struct lr_msg msg;

	for (i = 0; i < n; i++) {
		msg = f->sent[i].msg;
		if (msg.type != LR_QUERY)
			continue;
		msg.type = LR_ANSWER;
		msg.entries[0].coa = addr(C);
		msg.entries[0].seq = 5;
		msg.entries[0].lifetime = 200;
		if (roam_addr_eq(&msg.entries[0].perm, &first)) {
			msg.entries[0].coa = addr(A);
			msg.entries[0].seq = 10;
		}
		msg.entries[1].seq = 3;
		input(f, REG1, &msg);
	}
}

/* Who announces a place by a pair key and never registers it does not squat there. */
static void a_pair_key_gives_way_to_the_register(void **state)
{
	const uint64_t high = UINT64_MAX - 2;
	struct fixture *f = *state;
	unsigned int i;
	msec_t since;

	know_with_pair(f, PERM);
	announce_by_pair(f, PERM, C, high);
	assert_addr(f->coa, C);
	answer_with_pair(f, PERM, 10);
	assert_addr(f->coa, C);
	/* PERM2 gets this place */
	since = f->now;
	miss(f, PERM2);
	for (i = 0; i < 12 && f->seq != 5; i++) {
		register_says_the_same(f);
		pass(f, 50);
	}
	assert_addr(f->coa, C);
	assert_int_equal(f->seq, 5);
	assert_true(f->now - since <= 600);
	/* the key is worth nothing until the register says that */
	assert_null(pair_of(f, PERM));
	announce_by_pair(f, PERM, B, high + 1);
	assert_int_equal(f->n_set, 0);
	answer_with_pair(f, PERM, 10);
	assert_null(pair_of(f, PERM));
	pass(f, 50);
	answer_with_pair(f, PERM, high + 1);
	assert_non_null(pair_of(f, PERM));
}

/* Nor stays where only a pair key put him, without anybody's doubt. */
static void a_register_that_does_not_follow_is_right(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	know_with_pair(f, PERM);
	announce_by_pair(f, PERM, B, 1000);
	for (i = 0; i < 6; i++) {
		answer_with_pair(f, PERM, 10);
		assert_addr(f->coa, B);
		pass(f, 50 << i);
	}
	answer_with_pair(f, PERM, 10);
	assert_addr(f->coa, A);
	/* the kernel takes no lower sequence than it has */
	assert_int_equal(f->seq, 1000);
	assert_null(pair_of(f, PERM));
	/* by the register it moves on, at whatever number */
	forget_past(f);
	announce(f, C, C, 11);
	answer(f, REG1, LR_OK, C, 11, 200);
	assert_addr(f->coa, C);
	assert_int_equal(confirmed(f), LR_OK);
}

/* Where sources are forged neither a pair key nor a configured one moves anybody alone. */
static void the_register_is_asked_first(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg;
	unsigned int i;

	/* by pair key, to a victim that never registered anything */
	know_with_pair(f, PERM);
	announce_by_pair(f, PERM, B, 11);
	assert_int_equal(count(f, LR_QUERY), 1);
	for (i = 0; i < 7; i++) {
		answer_with_pair(f, PERM, 10);
		assert_addr(f->coa, A);
		pass(f, 50 << i);
	}
	assert_int_equal(confirmed(f), LR_LATER);
	assert_int_equal(f->seq, 10);
	/* by a configured one */
	msg = announcement(PERM, B, 12);
	msg.key_id = 9;
	forget_past(f);
	input(f, B, &msg);
	assert_int_equal(f->n_set, 0);
	assert_int_equal(count(f, LR_CONFIRM), 0);
	/* who registered is where he says, as soon as the register says it */
	answer(f, REG1, LR_OK, B, 12, 200);
	assert_addr(f->coa, B);
	assert_int_equal(confirmed(f), LR_OK);
	/* nobody is harmed by who stays, or comes home */
	forget_past(f);
	msg = announcement(PERM, B, 13);
	msg.key_id = 9;
	input(f, B, &msg);
	assert_int_equal(confirmed(f), LR_OK);
	msg = announcement(PERM, PERM, 14);
	msg.key_id = 9;
	input(f, PERM, &msg);
	assert_int_equal(confirmed(f), LR_OK);
	assert_addr(f->coa, "");
	assert_int_equal(count(f, LR_QUERY), 0);
}

/* A place whose time is over is nobody's. */
static void an_ended_place_is_free(void **state)
{
	struct fixture *f = *state;

	know(f);
	f->now += 200000;
	miss(f, PERM2);
	answer(f, REG1, LR_OK, A, 5, 200);
	assert_addr(f->coa, A);
	assert_int_equal(f->seq, 5);
}

static void unfit_places_are_sent_to_by_nobody(void **state)
{
	static const char *const unfit[] = { "169.254.169.254", "10.1.2.3",
					     "198.51.100.99" };
	struct fixture *f = *state;
	struct lr_msg msg;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		miss(f, PERM);
		answer(f, REG1, LR_OK, unfit[i], 10 + i, 200);
		/* packets pass as if it did not move */
		assert_addr(f->coa, "");
		assert_int_equal(count_events(f, CORR_UNFIT), 1);
		assert_non_null(f->events[0].why);
		assert_int_equal(count_events(f, CORR_MAPPED), 0);
		forget_past(f);
		announce(f, unfit[i], unfit[i], 20 + i);
		pass(f, 61000);
		forget_past(f);
	}
	announce(f, unfit[1], unfit[1], 40);
	answer(f, REG1, LR_OK, unfit[1], 40, 200);
	assert_int_equal(confirmed(f), LR_UNFIT);
	/* by its own key neither */
	pass(f, 61000);
	know(f);
	msg = announcement(PERM, unfit[0], 50);
	msg.key_id = 9;
	input(f, unfit[0], &msg);
	assert_int_equal(confirmed(f), LR_UNFIT);
	assert_int_equal(f->n_set, 0);
}

/* The kernel alone knows the addresses of this host; a repetition would not help. */
static void the_hosts_own_address_is_unfit(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg;

	know(f);
	f->refuse = LR_UNFIT;
	msg = announcement(PERM, B, 11);
	msg.key_id = 9;
	input(f, B, &msg);
	assert_int_equal(confirmed(f), LR_UNFIT);
	assert_int_equal(count_events(f, CORR_UNFIT), 1);
	assert_non_null(f->events[0].why);
	announce(f, C, C, 12);
	answer(f, REG1, LR_OK, C, 12, 200);
	assert_int_equal(confirmed(f), LR_UNFIT);
	/* another refusal is nobody's fault and passes */
	f->refuse = LR_LATER;
	msg = announcement(PERM, B, 13);
	msg.key_id = 9;
	input(f, B, &msg);
	assert_int_equal(confirmed(f), LR_LATER);
}

/* Junk with a forged source uses up what the source has, not what the key has. */
static void junk_is_not_charged_to_keys(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg = announcement(PERM, B, 11);
	unsigned int i;

	know(f);
	for (i = 0; i < 200; i++)
		announce(f, B, B, 9);
	assert_int_equal(announce(f, B, B, 9), LR_DROP_LIMIT);
	msg.key_id = 9;
	assert_int_equal(input(f, B, &msg), LR_DROP_NONE);
	assert_addr(f->coa, B);
}

/* However many sources junk has, they are as many as there are slots. */
static void no_flood_of_sources_reaches_keys(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg = announcement(PERM, B, 11);
	unsigned int i;
	char text[32];

	know(f);
	for (i = 0; i < 65536; i++) {
		sprintf(text, "10.9.%u.%u", i / 256, i % 256);
		forget_past(f);
		announce(f, text, A, 9);
	}
	msg.key_id = 9;
	assert_int_equal(input(f, B, &msg), LR_DROP_NONE);
	assert_addr(f->coa, B);
}

/* Whoever recorded one message of a key sends it again, from all over the world. */
static void copies_are_not_charged_to_keys(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg = announcement(PERM, B, 11);
	unsigned int i;
	char text[32];

	know(f);
	msg.key_id = 9;
	assert_int_equal(input(f, B, &msg), LR_DROP_NONE);
	for (i = 0; i < 200; i++) {
		sprintf(text, "10.9.0.%u", i);
		forget_past(f);
		input(f, text, &msg);
		input(f, B, &msg);
	}
	assert_int_equal(input(f, B, &msg), LR_DROP_LIMIT);
	/* the key moves on, also from there */
	for (i = 0; i < 19; i++) {
		msg = announcement(PERM, i % 2 ? B : C, 12 + i);
		msg.key_id = 9;
		forget_past(f);
		assert_int_equal(input(f, i % 2 ? B : C, &msg), LR_DROP_NONE);
		assert_int_equal(confirmed(f), LR_OK);
	}
	/* but not faster than anybody may */
	msg = announcement(PERM, C, 99);
	msg.key_id = 9;
	for (i = 0; i < 5 && input(f, C, &msg) == LR_DROP_NONE; i++)
		msg.entries[0].seq++;
	assert_true(i < 5);
}

/* An IPv6 host has 2^64 addresses. */
static void sources_count_by_64(void **state)
{
	struct fixture *f = *state;
	unsigned int i, taken = 0;
	char text[64];

	for (i = 0; i < 200; i++) {
		sprintf(text, "2001:db8:66::%x", i);
		taken += announce(f, text, text, 10) == LR_DROP_NONE;
	}
	assert_int_equal(taken, 20);
}

/* 50 datagrams a second from all over the world, about all of the range. */
static void hints_take_nothing_from_misses(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg;
	char text[32];
	unsigned int i, asked;

	for (i = 0; i < 200; i++) {
		sprintf(text, "10.20.%u.1", i);
		msg = announcement("198.51.100.1", text, 10);
		msg.entries[0].perm.b[15] = (uint8_t)i;
		input(f, text, &msg);
	}
	/* few at a time */
	assert_int_equal(count(f, LR_QUERY), 4);
	/* one that only a hint asked for does not hold a packet up */
	miss(f, "198.51.100.3");
	msg = answer_of(f, LR_NONE, "", 0, 0);
	assert_addr(msg.entries[0].perm, "198.51.100.3");
	assert_int_equal(input(f, REG1, &msg), LR_DROP_NONE);
	assert_int_equal(f->n_set, 1);
	/* with that one there are as many as there is room for */
	for (i = 200; i < 207; i++) {
		sprintf(text, "198.51.100.%u", i);
		forget_past(f);
		miss(f, text);
		assert_int_equal(count(f, LR_QUERY), 1);
	}
	/* and few in a second, however fast the answers are */
	pass(f, 10000);
	set_registers(f, REG1, REG2);
	asked = 0;
	for (i = 0; i < 4 * LOG; i++) {
		forget_past(f);
		sprintf(text, "10.%u.%u.1", 30 + i / 250, i % 250);
		msg = announcement("198.51.100.1", text, 10);
		msg.entries[0].perm.b[15] = (uint8_t)i;
		input(f, text, &msg);
		if (count(f, LR_QUERY)) {
			answer(f, REG1, LR_NONE, "", 0, 0);
			asked++;
		}
		if (i % 40 == 0)
			pass(f, 1);
	}
	assert_in_range(asked, 1, 55);
}

/* One host without a key announces all of the range, again and again. */
static void one_source_stops_no_hints(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg;
	char text[32];
	unsigned int i, n, asked = 0;

	for (i = 0; i < 100; i++) {
		sprintf(text, "198.51.100.%u", 20 + i);
		forget_past(f);
		msg = announcement(text, EVIL, 10);
		input(f, EVIL, &msg);
		n = count(f, LR_QUERY);
		asked += n;
		if (i < 50 && n)
			answer(f, REG1, LR_NONE, "", 0, 0);
		pass(f, 1);
	}
	assert_in_range(asked, 4, 14);
	/* a genuine one takes its place */
	forget_past(f);
	announce(f, A, A, 10);
	assert_int_equal(count(f, LR_QUERY), 1);
	answer(f, REG1, LR_OK, A, 10, 200);
	assert_int_equal(confirmed(f), LR_OK);
}

/* What came to nothing is not asked for again because of the same source. */
static void a_hint_in_vain_is_remembered(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	announce(f, EVIL, EVIL, 5);
	for (i = 0; i < 7; i++) {
		answer(f, REG1, LR_NONE, "", 0, 0);
		pass(f, 50 << i);
	}
	assert_int_equal(confirmed(f), LR_LATER);
	forget_past(f);
	for (i = 0; i < 8; i++) {
		announce(f, EVIL, EVIL, 6 + i);
		assert_int_equal(confirmed(f), LR_LATER);
		pass(f, 200);
	}
	assert_int_equal(count(f, LR_QUERY), 0);
	/* others may ask about the same address, and later he, too */
	announce(f, A, A, 10);
	assert_int_equal(count(f, LR_QUERY), 1);
	answer(f, REG1, LR_OK, A, 10, 1);
	assert_int_equal(confirmed(f), LR_OK);
	pass(f, 5000);
	forget_past(f);
	announce(f, EVIL, EVIL, 20);
	assert_int_equal(count(f, LR_QUERY), 1);
}

/* Who lies in one /64 blocks nobody who tells the truth there. */
static void a_liar_is_not_his_neighbour(void **state)
{
	const char *liar = "2001:db8:66::1", *honest = "2001:db8:66::2";
	struct fixture *f = *state;

	announce(f, liar, liar, UINT64_MAX);
	for (unsigned int i = 0; i < 7; i++) {
		answer(f, REG1, LR_NONE, "", 0, 0);
		pass(f, 50 << i);
	}
	forget_past(f);
	announce(f, liar, liar, UINT64_MAX);
	assert_int_equal(count(f, LR_QUERY), 0);
	announce(f, honest, honest, 10);
	assert_int_equal(count(f, LR_QUERY), 1);
	answer(f, REG1, LR_OK, honest, 10, 200);
	assert_int_equal(confirmed(f), LR_OK);
	assert_addr(f->coa, honest);
}

/* The register's clock is another one: that is learned, and asked again at once. */
static void a_wrong_clock_is_corrected(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg;

	f->wall = 1000;
	miss(f, PERM);
	assert_int_equal(last(f, LR_QUERY)->msg.id, 1000);
	msg = answer_of(f, LR_REPLAY, "", 0, 0);
	msg.id = 1700000000000000000;
	assert_int_equal(input(f, REG1, &msg), LR_DROP_NONE);
	assert_int_equal(count(f, LR_QUERY), 2);
	assert_int_equal(last(f, LR_QUERY)->msg.id, 1700000000000000000);
	/* a register that never agrees is left for the next */
	msg = answer_of(f, LR_REPLAY, "", 0, 0);
	assert_int_equal(input(f, REG1, &msg), LR_DROP_NONE);
	assert_addr(last(f, LR_QUERY)->to, REG2);
	assert_int_equal(last(f, LR_QUERY)->msg.id, 1000);
	answer(f, REG2, LR_OK, A, 10, 1);
	/* the other one's clock is remembered */
	set_registers(f, REG1, REG2);
	forget_past(f);
	pass(f, 3000);
	miss(f, PERM);
	msg = answer_of(f, LR_REPLAY, "", 0, 0);
	msg.id = 5000;
	input(f, REG1, &msg);
	answer(f, REG1, LR_OK, A, 10, 1);
	f->wall += 500;
	pass(f, 3000);
	miss(f, PERM);
	assert_int_equal(last(f, LR_QUERY)->msg.id, 5500);
}

/* However one asks, and whatever for: one datagram in, at most one out, not longer. */
static void no_confirm_is_longer_than_its_announce(void **state)
{
	struct fixture *f = *state;
	uint8_t buf[LR_MAX_LEN];
	struct lr_msg msg;
	unsigned int i;

	know_with_pair(f, PERM);
	for (i = 0; i < 60; i++) {
		msg = announcement(i % 2 ? PERM : PERM2, i % 3 ? A : B, 8 + i % 5);
		msg.key_id = i % 7 == 0 ? 9 : i % 7 == 1 ? LR_PAIR_KEY | 7 : 0;
		forget_past(f);
		input(f, i % 4 ? A : B, &msg);
		assert_true(count(f, LR_CONFIRM) <= 1);
		if (count(f, LR_CONFIRM))
			assert_true(lr_encode(&last(f, LR_CONFIRM)->msg, buf) <=
				    lr_encode(&msg, buf));
		pass(f, 60);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test("MLR-20 MLR-21: the first packet asks once and maps for the lifetime",
		     first_packet_asks_once),
		test("MLR-22: a known address is not asked again",
		     known_address_is_not_asked),
		test("MLR-23: an ended mapping is asked again before use",
		     ended_mapping_is_asked_again),
		test("MLR-23 MLR-38: a mapping that is used is renewed before it ends",
		     renewed_before_it_ends),
		test("OPEN-38 OPEN-45: and for a while, without a register, too",
		     renewed_without_a_register),
		test("OPEN-32 OPEN-45: forged announces do not use up that while",
		     forgers_do_not_shorten_it),
		test("MLR-38 OPEN-38: a renewal asks, but needs no proof",
		     renewal_is_no_proof),
		test("MLR-24 D-19: no mapping is remembered for 60 s",
		     no_mapping_is_remembered),
		test("OPEN-38: whom an empty register forgot stays where it was",
		     forgotten_host_stays),
		test("OPEN-38: whom a register removed goes at once", removed_host_goes),
		test("OPEN-22: a host at home is a null mapping",
		     at_home_needs_no_rewriting),
		test("MLR-10 D-20: the next register is asked after three tries",
		     silent_register_is_replaced),
		test("MLR-10: a refusing register is replaced",
		     refusing_register_is_replaced),
		test("MLR-10: without any register the kernel is left alone",
		     no_register_leaves_the_kernel_alone),
		test("OPEN-26: only the asked register answers, with its key",
		     only_the_asked_register_answers),
		test("OPEN-32: look-ups are bounded", lookups_are_bounded),
		test("MLR-25 OPEN-28: an announce is believed after the register",
		     announce_is_believed_after_the_register),
		test("MLR-25: a null mapping gives way to an announce",
		     null_mapping_gives_way),
		test("OPEN-28: a forged announce changes nothing",
		     forged_announce_changes_nothing),
		test("OPEN-28: a forged announce delays nobody",
		     forged_announce_delays_nobody),
		test("OPEN-28: an announce before the register knows is asked again",
		     announce_before_the_register_knows),
		test("OPEN-32: announces of nobody fill no table",
		     announce_of_the_unknown_fills_no_table),
		test("OPEN-29: an old announce is stale and learns nothing",
		     old_announce_is_stale),
		test("OPEN-38: the register's newer mapping wins over an announce",
		     register_knows_better),
		test("OPEN-38: an older answer overwrites nothing",
		     older_answer_does_not_overwrite),
		test("MLR-25: what the kernel refuses is told as a conflict",
		     conflict_is_told),
		test("MLR-16: addresses out of range are denied",
		     addresses_out_of_range_are_denied),
		test("OPEN-32: announces are limited per source",
		     announces_are_rate_limited),
		test("OPEN-32: few announces wait for a look-up, the newest ones",
		     newest_announces_wait),
		test("OPEN-28: a shared key is proof", shared_key_is_proof),
		test("OPEN-28 OPEN-29: a shared key proves no more than it may",
		     shared_key_proves_no_more_than_it_may),
		test("OPEN-28: a pair key comes with the mapping",
		     pair_key_comes_with_the_mapping),
		test("OPEN-28: a pair key is proof for as long as the register said",
		     pair_key_is_proof),
		test("OPEN-28 OPEN-29: a pair key proves no more than it may",
		     pair_key_proves_no_more_than_it_may),
		test("OPEN-28 OPEN-38: a pair key that goes leaves nothing behind",
		     pair_key_is_lost_and_found),
		test("OPEN-20: a known mobile host is located, and asked for in doubt",
		     locates_mobile_hosts),
		test("OPEN-45: adopted mappings are known",
		     adopted_mappings_are_known),
		test("MLR-09: other registers are asked from now on",
		     other_registers_are_asked),
		test("MLR-10: the preferred register is returned to",
		     preferred_register_is_returned_to),
		test("MLR-10 OPEN-38: an empty register is not returned to",
		     an_empty_register_is_not_returned_to),
		test("SEC-01: an announce counts from its care-of address only",
		     an_announce_comes_from_its_place),
		test("SEC-01: of two in one place the register tells who is there",
		     the_register_tells_who_has_a_place),
		test("SEC-01: a conflict that the register leaves open moves nobody",
		     an_open_conflict_moves_nobody),
		test("SEC-01: a packet waits for the end of a conflict",
		     a_packet_waits_for_the_end_of_a_conflict),
		test("SEC-01: who announced a place and never registered it gives way",
		     a_pair_key_gives_way_to_the_register),
		test("SEC-01: a register that does not follow a pair key is right",
		     a_register_that_does_not_follow_is_right),
		test("SEC-01: a place whose time is over is free", an_ended_place_is_free),
		{ .name = "SEC-01: where sources are forged a correspondent asks before it moves anybody",
		  .test_func = the_register_is_asked_first,
		  .setup_func = setup_proof_register, .teardown_func = teardown },
		test("SEC-02: nobody is mapped to an address that is for nobody",
		     unfit_places_are_sent_to_by_nobody),
		test("SEC-02: a correspondent's own address is unfit for others, whatever is repeated",
		     the_hosts_own_address_is_unfit),
		test("SEC-03: junk with a forged source takes nothing from keys",
		     junk_is_not_charged_to_keys),
		test("SEC-03 SEC-04: nor does it by the number of its sources",
		     no_flood_of_sources_reaches_keys),
		test("SEC-03: copies of a message take nothing from its key",
		     copies_are_not_charged_to_keys),
		test("SEC-04: sources are counted by /64", sources_count_by_64),
		test("SEC-04: hints take nothing from packets' look-ups",
		     hints_take_nothing_from_misses),
		test("SEC-04: one source does not stop the hints of others",
		     one_source_stops_no_hints),
		test("SEC-04: a hint in vain is remembered with its source",
		     a_hint_in_vain_is_remembered),
		test("SEC-04: a hint in vain counts against its address, not against its /64",
		     a_liar_is_not_his_neighbour),
		test("SEC-08: a query carries the register's clock",
		     a_wrong_clock_is_corrected),
		test("SEC-08: one confirm for an announce, and not longer",
		     no_confirm_is_longer_than_its_announce),
		test("OPEN-45: a mapping that somebody removed is set again",
		     removed_mapping_is_set_again),
		test("OPEN-18: the mode of a mobile host is followed",
		     literal_mode_is_followed),
		test("OPEN-18: a probe is answered at the care-of address",
		     a_probe_is_answered_at_the_care_of_address),
	};

	return cmocka_run_group_tests_name("correspondent", tests, NULL, NULL);
}
