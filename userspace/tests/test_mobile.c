// SPDX-License-Identifier: GPL-2.0-or-later
#include "core_test.h"

#include <stdio.h>

#include "core/mobile.h"

#define PERM "198.51.100.7"
#define PERM6 "2001:db8::7"
#define A6 "2001:db8:a::1"
#define KEY 9
#define A "192.0.2.1"
#define B "203.0.113.1"
#define REG1 "10.0.0.1"
#define REG2 "10.0.0.2"
#define PEER "10.1.0.1"
#define PEER2 "10.1.0.2"
#define NS 1000000u
#define LOG 256

/** struct sent - a message the core sent */
struct sent {
	struct roam_addr to;
	uint16_t port;
	struct lr_msg msg;
};

/**
 * struct fixture - a mobile host under test
 * @mobile: the core
 * @now: virtual time
 * @wall: wall clock, ns
 * @sent: messages since the last forget_past()
 * @n_sent: their number
 * @events: events since then
 * @n_events: their number
 * @own: last mapping the kernel got
 * @literal: its mode
 * @own_seq: its sequence
 * @n_own: how many since then
 * @modes: last mode of PEER and PEER2, -1 if never set since then
 * @probes: messages sent from the permanent address
 * @doubts: how often the place of a peer was doubted
 * @next_random: makes nonces distinct
 */
struct fixture {
	struct mobile *mobile;
	msec_t now;
	uint64_t wall;
	struct sent sent[LOG];
	unsigned int n_sent;
	struct mobile_event events[LOG];
	unsigned int n_events;
	struct roam_addr own;
	bool literal;
	uint64_t own_seq;
	unsigned int n_own;
	int modes[2];
	unsigned int probes;
	unsigned int doubts;
	msec_t remembered;
	uint64_t next_random;
};

static void on_send(void *ctx, const struct roam_addr *to, uint16_t port,
		    const struct lr_msg *msg)
{
	struct fixture *f = ctx;

	assert_true(f->n_sent < LOG);
	f->sent[f->n_sent++] = (struct sent){ *to, port, *msg };
}

static void on_set_own(void *ctx, const struct roam_addr *perm,
		       const struct roam_addr *coa, uint64_t seq, bool literal)
{
	struct roam_addr first = addr(PERM);
	struct fixture *f = ctx;

	if (!roam_addr_eq(perm, &first))
		return;
	assert_true(seq > f->own_seq);
	f->own = *coa;
	f->literal = literal;
	f->own_seq = seq;
	f->n_own++;
}

static void on_set_peer(void *ctx, const struct roam_addr *perm,
			const struct roam_addr *peer, enum peer_mode mode)
{
	struct fixture *f = ctx;
	struct roam_addr second = addr(PEER2);

	assert_addr(*perm, PERM);
	f->modes[roam_addr_eq(peer, &second)] = (int)mode;
}

static void on_remember(void *ctx, msec_t lifetime)
{
	((struct fixture *)ctx)->remembered = lifetime;
}

static uint64_t on_random(void *ctx)
{
	return ((struct fixture *)ctx)->next_random += 0x9e3779b97f4a7c15;
}

static uint64_t on_wallclock(void *ctx)
{
	return ((struct fixture *)ctx)->wall;
}

static void on_event(void *ctx, const struct mobile_event *event)
{
	struct fixture *f = ctx;

	assert_true(f->n_events < LOG);
	f->events[f->n_events++] = *event;
}

static const struct mobile_ops ops = {
	.send = on_send, .set_own = on_set_own, .set_peer = on_set_peer,
	.remember = on_remember, .random = on_random,
	.wallclock = on_wallclock, .event = on_event,
};

static void forget_past(struct fixture *f)
{
	f->n_sent = 0;
	f->n_events = 0;
	f->n_own = 0;
	f->modes[0] = -1;
	f->modes[1] = -1;
}

static struct fixture *fixture_new(size_t n_registers, size_t n_permanent,
				   const struct mobile_ops *with)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct registrar_server regs[2] = {
		{ addr(REG1), 17434, 7 }, { addr(REG2), 17435, 8 },
	};
	struct roam_addr permanent[40];
	size_t i;

	for (i = 0; i < n_permanent; i++) {
		permanent[i] = addr(PERM);
		permanent[i].b[15] = (uint8_t)(7 + i);
	}
	f->mobile = mobile_new(&(struct mobile_config){
		.registers = regs, .n_registers = n_registers,
		.permanent = permanent, .n_permanent = n_permanent,
		.lifetime = 300, .port = 17434,
		.retry = 500, .retry_max = 8000,
		.announce_retry = 100, .announce_lead = 5, .announce_time = 300,
		.move_time = 30000, .peers_max = 4,
	}, with, f);
	assert_non_null(f->mobile);
	f->now = 1000;
	f->wall = 1700000000000 * (uint64_t)NS;
	forget_past(f);
	return f;
}

static int setup(void **state)
{
	*state = fixture_new(1, 1, &ops);
	return 0;
}

static int setup_two(void **state)
{
	*state = fixture_new(2, 1, &ops);
	return 0;
}

static int setup_many(void **state)
{
	*state = fixture_new(1, 40, &ops);
	return 0;
}

static void on_probe(void *ctx, const struct roam_addr *from,
		     const struct roam_addr *to, uint16_t port,
		     const struct lr_msg *msg)
{
	struct fixture *f = ctx;

	assert_addr(*from, PERM);
	f->probes++;
	on_send(ctx, to, port, msg);
}

/* Both families, a key shared with PEER, and @mode. */
static struct fixture *fixture_dual(enum mobile_mode mode)
{
	struct fixture *f = fixture_new(0, 0, &ops);
	struct registrar_server reg = { addr(REG1), 17434, 7 };
	struct roam_addr permanent[2] = { addr(PERM), addr(PERM6) };
	struct mobile_key key = { KEY, prefix(PEER) };
	struct mobile_ops with = ops;

	with.probe = on_probe;
	mobile_free(f->mobile);
	f->mobile = mobile_new(&(struct mobile_config){
		.registers = &reg, .n_registers = 1,
		.permanent = permanent, .n_permanent = 2,
		.keys = &key, .n_keys = 1, .mode = mode,
		.lifetime = 300, .port = 17434,
		.retry = 500, .retry_max = 8000,
		.announce_retry = 100, .announce_lead = 5, .announce_time = 300,
		.move_time = 30000, .peers_max = 4,
	}, &with, f);
	assert_non_null(f->mobile);
	return f;
}

static int setup_dual(void **state)
{
	*state = fixture_dual(MOBILE_SYMMETRIC);
	return 0;
}

static int setup_literal(void **state)
{
	*state = fixture_dual(MOBILE_LITERAL);
	return 0;
}

static int setup_probing(void **state)
{
	*state = fixture_dual(MOBILE_PROBE);
	return 0;
}

static struct roam_addr moved_peer(void *ctx, const struct roam_addr *peer,
				   bool doubt)
{
	struct fixture *f = ctx;

	(void)peer;
	f->doubts += doubt;
	return addr(f->doubts ? "192.0.2.51" : "192.0.2.50");
}

static int setup_locating(void **state)
{
	struct mobile_ops locating = ops;

	locating.locate = moved_peer;
	*state = fixture_new(1, 1, &locating);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	mobile_free(f->mobile);
	free(f);
	return 0;
}

/* Lets @ms go by, with every tick the core asks for. */
static void pass(struct fixture *f, msec_t ms)
{
	msec_t end = f->now + ms, next;

	for (;;) {
		next = mobile_tick(f->mobile, f->now);
		assert_true(next > f->now);
		if (next > end)
			break;
		f->wall += (uint64_t)(next - f->now) * NS;
		f->now = next;
	}
	f->wall += (uint64_t)(end - f->now) * NS;
	f->now = end;
}

static void set_coa(struct fixture *f, const char *coa)
{
	struct roam_place place = { .v4 = addr(coa) };

	mobile_set_coa(f->mobile, f->now, &place);
}

/* The newest message of this type to @to, or NULL. */
static const struct lr_msg *last_to(const struct fixture *f, const char *to,
				    uint8_t type)
{
	struct roam_addr a = addr(to);
	unsigned int i = f->n_sent;

	while (i--)
		if (f->sent[i].msg.type == type &&
		    roam_addr_eq(&f->sent[i].to, &a))
			return &f->sent[i].msg;
	return NULL;
}

static unsigned int count_to(const struct fixture *f, const char *to,
			     uint8_t type)
{
	struct roam_addr a = addr(to);
	unsigned int i, n = 0;

	for (i = 0; i < f->n_sent; i++)
		n += f->sent[i].msg.type == type &&
		     roam_addr_eq(&f->sent[i].to, &a);
	return n;
}

static unsigned int count_events(const struct fixture *f,
				 enum mobile_event_type type)
{
	unsigned int i, n = 0;

	for (i = 0; i < f->n_events; i++)
		n += f->events[i].type == type;
	return n;
}

static enum lr_drop input(struct fixture *f, const char *from,
			  const struct lr_msg *msg)
{
	struct roam_addr a = addr(from);

	return mobile_input(f->mobile, f->now, &a, msg);
}

/* The reply to the newest request to @from. */
static struct lr_msg reply_to(const struct fixture *f, const char *from,
			      uint8_t type, uint8_t status)
{
	const struct lr_msg *request = last_to(f, from, type);
	struct lr_msg msg;
	unsigned int i;

	assert_non_null(request);
	msg = *request;
	msg.type = type + 1;
	for (i = 0; i < msg.count; i++)
		msg.entries[i].status = status;
	return msg;
}

static void answer(struct fixture *f, const char *from, uint8_t type,
		   uint8_t status)
{
	struct lr_msg msg = reply_to(f, from, type, status);

	assert_int_equal(input(f, from, &msg), LR_DROP_NONE);
}

/* An answer to the newest announce to @peer, even if it was before forget_past(). */
static void answer_last(struct fixture *f, const char *peer, uint8_t status)
{
	pass(f, 1000);
	answer(f, peer, LR_ANNOUNCE, status);
}

static void one_status(void *ctx, const struct mobile_status *st)
{
	*(struct mobile_status *)ctx = *st;
}

static struct mobile_status status(const struct fixture *f)
{
	struct mobile_status st = { 0 };

	mobile_foreach(f->mobile, one_status, &st);
	return st;
}

static void miss(struct fixture *f, const char *peer)
{
	struct roam_addr perm = addr(PERM), p = addr(peer);

	mobile_miss(f->mobile, f->now, &perm, &p);
}

static void seen(struct fixture *f, const char *peer)
{
	struct roam_addr perm = addr(PERM), p = addr(peer);

	mobile_seen(f->mobile, f->now, &perm, &p);
}

/* Registers */

static void move_registers_everywhere(void **state)
{
	struct fixture *f = *state;
	const struct lr_msg *msg;

	set_coa(f, A);
	assert_addr(f->own, A);
	assert_int_equal(f->n_sent, 2);
	msg = last_to(f, REG1, LR_UPDATE);
	assert_int_equal(msg->key_id, 7);
	assert_addr(msg->entries[0].perm, PERM);
	assert_addr(msg->entries[0].coa, A);
	assert_int_equal(msg->entries[0].lifetime, 300);
	assert_int_equal(msg->entries[0].seq, f->own_seq);
	assert_int_equal(last_to(f, REG2, LR_UPDATE)->key_id, 8);
	assert_int_equal(f->sent[1].port, 17435);
	assert_int_equal(count_events(f, MOBILE_MOVED), 1);

	forget_past(f);
	set_coa(f, B);
	assert_int_equal(count_to(f, REG1, LR_UPDATE), 1);
	assert_int_equal(count_to(f, REG2, LR_UPDATE), 1);
	assert_addr(f->events[0].old_coa, A);
}

static void same_address_is_no_move(void **state)
{
	struct fixture *f = *state;

	set_coa(f, A);
	answer(f, REG1, LR_UPDATE, LR_OK);
	forget_past(f);
	set_coa(f, A);
	pass(f, 100000);
	assert_int_equal(f->n_sent, 0);
	assert_int_equal(f->n_own, 0);
}

static void renews_after_two_thirds(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg;

	set_coa(f, A);
	msg = reply_to(f, REG1, LR_UPDATE, LR_OK);
	msg.entries[0].lifetime = 60;
	pass(f, 30);
	assert_int_equal(input(f, REG1, &msg), LR_DROP_NONE);
	assert_true(status(f).registered);
	assert_int_equal(status(f).expires, f->now + 60000);
	assert_int_equal(f->events[1].type, MOBILE_REGISTERED);
	assert_int_equal(f->events[1].took, 30);
	forget_past(f);
	pass(f, 39999);
	assert_int_equal(f->n_sent, 0);
	pass(f, 1);
	assert_int_equal(f->n_sent, 1);
	assert_true(f->sent[0].msg.id > msg.id);
	assert_int_equal(f->sent[0].msg.entries[0].seq, f->own_seq);
	answer(f, REG1, LR_UPDATE, LR_OK);
	assert_int_equal(count_events(f, MOBILE_REGISTERED), 0);
}

/* A renewal that is granted @seconds. */
static void grant(struct fixture *f, uint32_t seconds)
{
	struct lr_msg msg = reply_to(f, REG1, LR_UPDATE, LR_OK);

	f->remembered = 0;
	msg.entries[0].lifetime = seconds;
	assert_int_equal(input(f, REG1, &msg), LR_DROP_NONE);
	forget_past(f);
	pass(f, (msec_t)seconds * 1000 * 2 / 3);
	assert_int_equal(f->n_sent, 1);
}

/* 300 s are wanted, and known to those who made the core. */
static void longest_lifetime_is_told(void **state)
{
	struct fixture *f = *state;

	set_coa(f, A);
	grant(f, 60);
	assert_int_equal(f->remembered, 0);
	grant(f, 300);
	assert_int_equal(f->remembered, 0);
	grant(f, 900);
	assert_int_equal(f->remembered, 900000);
	grant(f, 300);
	assert_int_equal(f->remembered, 0);
	grant(f, 901);
	assert_int_equal(f->remembered, 901000);
}

/* What the register gets between a host's first word and its last. */
static void all_registers_get_is_updates(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	set_coa(f, A);			/* first registration */
	answer(f, REG1, LR_UPDATE, LR_OK);
	assert_int_equal(f->n_sent, 1);
	pass(f, 299999);		/* renewal, and its repetition */
	assert_true(f->n_sent > 2);
	answer(f, REG1, LR_UPDATE, LR_OK);
	i = f->n_sent;
	set_coa(f, B);			/* move, refused at first */
	answer(f, REG1, LR_UPDATE, LR_REPLAY);
	assert_true(f->n_sent > i);
	pass(f, 60000);
	answer(f, REG1, LR_UPDATE, LR_OK);
	i = f->n_sent;
	set_coa(f, PERM);		/* home */
	assert_int_equal(f->n_sent, i + 1);
	answer(f, REG1, LR_UPDATE, LR_OK);
	mobile_deregister(f->mobile, f->now);
	assert_int_equal(f->n_sent, i + 2);
	for (i = 0; i < f->n_sent; i++) {
		assert_addr(f->sent[i].to, REG1);
		assert_int_equal(f->sent[i].msg.type, LR_UPDATE);
		assert_string_equal(lr_type_name(f->sent[i].msg.type),
				    "update");
	}
}

static void repeats_identical_copies_with_backoff(void **state)
{
	static const msec_t gaps[] = { 500, 1000, 2000, 4000, 8000, 8000 };
	struct fixture *f = *state;
	unsigned int i;

	set_coa(f, A);
	for (i = 0; i < 6; i++) {
		pass(f, gaps[i] - 1);
		assert_int_equal(f->n_sent, 1 + i);
		pass(f, 1);
		assert_int_equal(f->n_sent, 2 + i);
		assert_int_equal(f->sent[1 + i].msg.id, f->sent[0].msg.id);
		assert_int_equal(f->sent[1 + i].msg.nonce,
				 f->sent[0].msg.nonce);
	}
	assert_int_equal(count_events(f, MOBILE_UNANSWERED), 1);
	assert_int_equal(status(f).tries, 7);
	answer(f, REG1, LR_UPDATE, LR_OK);
	assert_int_equal(status(f).tries, 0);
}

static void move_supersedes(void **state)
{
	struct fixture *f = *state;
	struct lr_msg old;
	uint64_t seq;

	set_coa(f, A);
	old = reply_to(f, REG1, LR_UPDATE, LR_OK);
	seq = f->own_seq;
	pass(f, 7000);
	forget_past(f);
	set_coa(f, B);
	assert_true(f->own_seq > seq);
	assert_true(last_to(f, REG1, LR_UPDATE)->id > old.id);
	assert_int_equal(input(f, REG1, &old), LR_DROP_UNASKED);
	assert_false(status(f).registered);
	/* from the first interval again */
	pass(f, 500);
	assert_int_equal(f->n_sent, 2);
	answer(f, REG1, LR_UPDATE, LR_OK);
	assert_true(status(f).registered);
}

static void clock_going_back_keeps_the_order(void **state)
{
	struct fixture *f = *state;
	uint64_t seq, id;

	set_coa(f, A);
	seq = f->own_seq;
	id = last_to(f, REG1, LR_UPDATE)->id;
	f->wall = 5 * NS;
	set_coa(f, B);
	assert_int_equal(f->own_seq, seq + 1);
	assert_int_equal(last_to(f, REG1, LR_UPDATE)->id, id + 1);
}

static void replay_goes_on_from_the_told_one(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg;
	uint64_t told;

	f->wall = 5 * NS;
	set_coa(f, A);
	msg = reply_to(f, REG1, LR_UPDATE, LR_REPLAY);
	told = msg.id += 1000000;
	forget_past(f);
	assert_int_equal(input(f, REG1, &msg), LR_DROP_NONE);
	assert_int_equal(f->n_sent, 1);
	assert_int_equal(f->sent[0].msg.id, told + 1);
	/* a register that always says so is not asked at full speed */
	msg = reply_to(f, REG1, LR_UPDATE, LR_REPLAY);
	msg.id += 1000000;
	forget_past(f);
	assert_int_equal(input(f, REG1, &msg), LR_DROP_NONE);
	assert_int_equal(f->n_sent, 0);
	pass(f, 500);
	assert_int_equal(f->n_sent, 1);
	answer(f, REG1, LR_UPDATE, LR_OK);
	assert_true(status(f).registered);
}

static void stale_goes_above_the_stored_one(void **state)
{
	struct fixture *f = *state;
	uint64_t stored;
	struct lr_msg msg;

	set_coa(f, A);
	msg = reply_to(f, REG1, LR_UPDATE, LR_STALE);
	stored = msg.entries[0].seq += 5000000;
	forget_past(f);
	assert_int_equal(input(f, REG1, &msg), LR_DROP_NONE);
	assert_int_equal(f->own_seq, stored + 1);
	assert_int_equal(f->n_sent, 0);
	pass(f, 500);
	assert_int_equal(last_to(f, REG1, LR_UPDATE)->entries[0].seq,
			 stored + 1);
	answer(f, REG1, LR_UPDATE, LR_OK);
	assert_true(status(f).registered);
}

/* Another host has the address again and again: it has our key as well. */
static void clone_is_told(void **state)
{
	struct fixture *f = *state;
	struct roam_addr other;
	struct lr_msg msg;

	set_coa(f, A);
	for (int i = 0; i < 3; i++) {
		msg = reply_to(f, REG1, LR_UPDATE, LR_STALE);
		msg.entries[0].seq += 1000;
		/* The first time it is where we are: our own past. */
		if (i)
			roam_addr_parse(B, &msg.entries[0].coa);
		forget_past(f);
		assert_int_equal(input(f, REG1, &msg), LR_DROP_NONE);
		assert_int_equal(count_events(f, MOBILE_CONTESTED), i == 2);
		other = status(f).other;
		assert_int_equal(roam_addr_is_none(&other), i < 2);
		pass(f, 1000);
	}
	answer(f, REG1, LR_UPDATE, LR_OK);
	assert_addr(status(f).other, B);
}

static void a_highest_sequence_is_not_followed(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg;

	set_coa(f, A);
	msg = reply_to(f, REG1, LR_UPDATE, LR_STALE);
	msg.entries[0].seq = UINT64_MAX;
	forget_past(f);
	assert_int_equal(input(f, REG1, &msg), LR_DROP_NONE);
	assert_int_equal(f->n_own, 0);
	assert_int_equal(f->events[0].status, LR_STALE);
}

static void refusal_is_told_once_and_tried_on(void **state)
{
	static const uint8_t statuses[] = { LR_DENIED, LR_FULL, LR_NONE,
					    LR_CONFLICT, LR_LATER, 99 };
	struct fixture *f = *state;
	msec_t wait;
	size_t i;

	set_coa(f, A);
	for (i = 0; i < sizeof(statuses); i++) {
		wait = statuses[i] == LR_LATER ? 500 : 8000;
		pass(f, 20000);
		forget_past(f);
		pass(f, 8000);
		answer(f, REG1, LR_UPDATE, statuses[i]);
		assert_int_equal(count_events(f, MOBILE_REFUSED), 1);
		forget_past(f);
		pass(f, wait);
		assert_int_equal(f->n_sent, 1);
		answer(f, REG1, LR_UPDATE, statuses[i]);
		assert_int_equal(count_events(f, MOBILE_REFUSED), 0);
		assert_int_equal(status(f).last_status, statuses[i]);
		assert_false(status(f).registered);
	}
}

static void only_the_register_can_acknowledge(void **state)
{
	struct fixture *f = *state;
	struct lr_msg good, msg;

	set_coa(f, A);
	good = reply_to(f, REG1, LR_UPDATE, LR_OK);
	assert_int_equal(input(f, REG2, &good), LR_DROP_UNASKED);
	msg = good;
	msg.nonce++;
	assert_int_equal(input(f, REG1, &msg), LR_DROP_UNASKED);
	msg = good;
	msg.id++;
	assert_int_equal(input(f, REG1, &msg), LR_DROP_UNASKED);
	msg = good;
	msg.key_id = 0;
	assert_int_equal(input(f, REG1, &msg), LR_DROP_KEY);
	msg.key_id = 8;
	assert_int_equal(input(f, REG1, &msg), LR_DROP_KEY);
	msg = good;
	msg.type = LR_ANSWER;
	assert_int_equal(input(f, REG1, &msg), LR_DROP_ROLE);
	assert_false(status(f).registered);
	assert_int_equal(input(f, REG1, &good), LR_DROP_NONE);
	assert_true(status(f).registered);
	assert_int_equal(input(f, REG1, &good), LR_DROP_UNASKED);
}

static void many_addresses_share_messages(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg;

	set_coa(f, A);
	assert_int_equal(f->n_sent, 1);
	assert_int_equal(f->sent[0].msg.count, 24);
	/* an unknown entry is ignored, a left out one is asked again */
	msg = reply_to(f, REG1, LR_UPDATE, LR_OK);
	msg.entries[3].perm = addr("198.51.101.1");
	msg.entries[4].status = LR_DENIED;
	assert_int_equal(input(f, REG1, &msg), LR_DROP_NONE);
	assert_int_equal(f->n_sent, 2);
	assert_int_equal(f->sent[1].msg.count, 16);
	answer(f, REG1, LR_UPDATE, LR_OK);
	forget_past(f);
	pass(f, 500);
	assert_int_equal(f->n_sent, 1);
	assert_int_equal(f->sent[0].msg.count, 1);
	assert_addr(f->sent[0].msg.entries[0].perm, "198.51.100.10");
	answer(f, REG1, LR_UPDATE, LR_OK);
	forget_past(f);
	pass(f, 7500);
	assert_int_equal(f->n_sent, 1);
	assert_addr(f->sent[0].msg.entries[0].perm, "198.51.100.11");
}

static void at_home_is_registered_so(void **state)
{
	struct fixture *f = *state;
	const struct lr_msg *msg;

	set_coa(f, PERM);
	msg = last_to(f, REG1, LR_UPDATE);
	assert_int_equal(msg->entries[0].flags, LR_FLAG_AT_HOME);
	assert_addr(msg->entries[0].coa, PERM);
	assert_addr(f->own, PERM);
	set_coa(f, A);
	assert_int_equal(last_to(f, REG1, LR_UPDATE)->entries[0].flags, 0);
}

static void between_networks_nothing_is_sent(void **state)
{
	struct fixture *f = *state;

	set_coa(f, A);
	seen(f, PEER);
	forget_past(f);
	set_coa(f, "");
	assert_addr(f->own, "");
	pass(f, 100000);
	assert_int_equal(f->n_sent, 0);
	set_coa(f, A);
	assert_int_equal(count_to(f, REG1, LR_UPDATE), 1);
	assert_int_equal(count_to(f, PEER, LR_ANNOUNCE), 1);
}

static void deregisters_once(void **state)
{
	struct fixture *f = *state;
	uint64_t seq;

	set_coa(f, A);
	answer(f, REG1, LR_UPDATE, LR_OK);
	seen(f, PEER);
	answer(f, PEER, LR_ANNOUNCE, LR_OK);
	/* who did not confirm holds nothing that could end */
	seen(f, PEER2);
	seq = f->own_seq;
	forget_past(f);
	mobile_deregister(f->mobile, f->now);
	assert_int_equal(f->n_sent, 2);
	assert_int_equal(f->sent[0].msg.type, LR_UPDATE);
	assert_int_equal(f->sent[0].msg.entries[0].lifetime, 0);
	assert_true(f->sent[0].msg.entries[0].seq > seq);
	assert_non_null(last_to(f, PEER, LR_ANNOUNCE));
	assert_int_equal(f->sent[1].msg.entries[0].lifetime, 0);
	assert_addr(f->sent[1].msg.entries[0].coa, "");
	assert_int_equal(f->sent[1].msg.entries[0].seq,
			 f->sent[0].msg.entries[0].seq);
	pass(f, 1000000);
	assert_int_equal(f->n_sent, 2);
	assert_int_equal(f->n_own, 0);
	set_coa(f, A);
	assert_int_equal(count_to(f, REG1, LR_UPDATE), 2);
	assert_int_equal(count_to(f, PEER, LR_ANNOUNCE), 2);
}

static void adoption_is_silent(void **state)
{
	struct fixture *f = *state;
	struct roam_addr perm = addr(PERM), a = addr(A), peer = addr(PEER);
	uint64_t seq = f->wall / NS + 1000;

	mobile_adopt_own(f->mobile, &perm, &a, seq, false);
	mobile_adopt_peer(f->mobile, &perm, &peer, PEER_ROAM);
	pass(f, 1000000);
	assert_int_equal(f->n_sent + f->n_own + f->n_events, 0);
	assert_int_equal(f->modes[0], -1);
	/* the same place: those who may forget it are told, with the same sequence */
	set_coa(f, A);
	pass(f, 1);
	assert_int_equal(f->n_sent, 2);
	assert_int_equal(f->n_own, 0);
	assert_int_equal(last_to(f, REG1, LR_UPDATE)->entries[0].seq, seq);
	assert_int_equal(last_to(f, PEER, LR_ANNOUNCE)->entries[0].seq, seq);
	answer(f, PEER, LR_ANNOUNCE, LR_OK);
	assert_int_equal(f->n_events, 0);
	set_coa(f, A);
	assert_int_equal(f->n_sent, 2);
	/* another one: everybody, above the adopted sequence */
	forget_past(f);
	f->wall = 0;
	set_coa(f, B);
	assert_int_equal(f->own_seq, seq + 1);
	assert_int_equal(count_to(f, PEER, LR_ANNOUNCE), 1);
}

/* Peers */

static void first_contact_confirmed(void **state)
{
	struct fixture *f = *state;
	const struct lr_msg *msg;

	set_coa(f, A);
	miss(f, PEER);
	msg = last_to(f, PEER, LR_ANNOUNCE);
	assert_non_null(msg);
	assert_int_equal(msg->key_id, 0);
	assert_int_equal(msg->entries[0].seq, f->own_seq);
	assert_addr(msg->entries[0].coa, A);
	miss(f, PEER);
	assert_int_equal(count_to(f, PEER, LR_ANNOUNCE), 1);
	pass(f, 250);
	assert_int_equal(count_to(f, PEER, LR_ANNOUNCE), 2);
	assert_int_equal(f->modes[0], -1);
	answer(f, PEER, LR_ANNOUNCE, LR_OK);
	assert_int_equal(f->modes[0], PEER_ROAM);
	assert_int_equal(count_events(f, MOBILE_PEER_CONFIRMED), 1);
	forget_past(f);
	pass(f, 10000);
	assert_int_equal(count_to(f, PEER, LR_ANNOUNCE), 0);
}

static void first_contact_unanswered_is_plain(void **state)
{
	struct fixture *f = *state;

	set_coa(f, A);
	miss(f, PEER);
	pass(f, 299);
	assert_int_equal(f->modes[0], -1);
	pass(f, 1);
	assert_int_equal(f->modes[0], PEER_PLAIN);
	assert_int_equal(count_events(f, MOBILE_PEER_PLAIN), 1);
	answer(f, REG1, LR_UPDATE, LR_OK);
	forget_past(f);
	/* left alone, also by a move, until the kernel asks again */
	seen(f, PEER);
	set_coa(f, B);
	assert_int_equal(count_to(f, PEER, LR_ANNOUNCE), 0);
	miss(f, PEER);
	assert_int_equal(count_to(f, PEER, LR_ANNOUNCE), 1);
}

static void refusing_peer_is_plain(void **state)
{
	static const uint8_t statuses[] = { LR_NONE, LR_DENIED, LR_UNFIT,
					    LR_FULL, LR_UNPROVED };
	struct fixture *f = *state;
	size_t i;

	set_coa(f, A);
	for (i = 0; i < sizeof(statuses); i++) {
		forget_past(f);
		miss(f, PEER);
		answer(f, PEER, LR_ANNOUNCE, statuses[i]);
		assert_int_equal(f->modes[0], PEER_PLAIN);
	}
}

/* Somebody else is said to be here: the register will tell, nobody is plain. */
static void conflict_makes_nobody_plain(void **state)
{
	struct fixture *f = *state;

	set_coa(f, A);
	miss(f, PEER);
	answer(f, PEER, LR_ANNOUNCE, LR_OK);
	set_coa(f, B);
	answer_last(f, PEER, LR_CONFLICT);
	assert_int_equal(f->modes[0], PEER_ROAM);
	forget_past(f);
	pass(f, 150);
	assert_int_not_equal(count_to(f, PEER, LR_ANNOUNCE), 0);
	answer(f, PEER, LR_ANNOUNCE, LR_OK);
	assert_int_equal(f->modes[0], PEER_ROAM);
	assert_int_equal(count_events(f, MOBILE_PEER_PLAIN), 0);
}

/* The register did not see our care-of address, but @source. */
static void say_unproved(struct fixture *f, const char *source)
{
	struct lr_msg msg = reply_to(f, REG1, LR_UPDATE, LR_UNPROVED);

	msg.source = addr(source);
	for (unsigned int i = 0; i < msg.count; i++)
		msg.entries[i].lifetime = 0;
	assert_int_equal(input(f, REG1, &msg), LR_DROP_NONE);
}

static struct lr_msg challenge_of(const struct lr_msg *update)
{
	struct lr_msg msg = *update;

	msg.type = LR_CHALLENGE;
	msg.count = 1;
	msg.entries[0].status = LR_UNPROVED;
	memset(msg.cookie, 0xc0, sizeof(msg.cookie));
	return msg;
}

/* Another family's source: the cookie goes back at once, before or behind the answer. */
static void a_challenge_is_answered(void **state)
{
	struct fixture *f = *state;
	struct lr_msg update, msg, bad;

	for (unsigned int order = 0; order < 2; order++) {
		set_coa(f, order ? B : A);
		update = *last_to(f, REG1, LR_UPDATE);
		msg = challenge_of(&update);
		forget_past(f);
		bad = msg;
		bad.nonce++;
		assert_int_equal(input(f, REG1, &bad), LR_DROP_UNASKED);
		bad = msg;
		bad.key_id = 0;
		assert_int_equal(input(f, REG1, &bad), LR_DROP_KEY);
		bad = msg;
		bad.entries[0].coa = addr(PEER);
		assert_int_equal(input(f, REG1, &bad), LR_DROP_UNASKED);
		assert_int_equal(f->n_sent, 0);
		/* that family's address of the register is another one */
		if (order)
			assert_int_equal(input(f, "2001:db8::66", &msg),
					 LR_DROP_NONE);
		f->sent[f->n_sent++] = (struct sent){ addr(REG1), 0, update };
		say_unproved(f, "2001:db8::1");
		if (!order)
			assert_int_equal(input(f, REG1, &msg), LR_DROP_NONE);
		assert_int_equal(count_to(f, REG1, LR_UPDATE), 2);
		assert_memory_equal(last_to(f, REG1, LR_UPDATE)->cookie,
				    msg.cookie, sizeof(msg.cookie));
		assert_true(last_to(f, REG1, LR_UPDATE)->id > update.id);
		answer(f, REG1, LR_UPDATE, LR_OK);
		assert_true(status(f).registered);
		assert_false(status(f).translated);
	}
	/* that place is over, its cookie goes nowhere */
	set_coa(f, A);
	assert_false(lr_has_cookie(last_to(f, REG1, LR_UPDATE)));
	assert_int_equal(count_events(f, MOBILE_REFUSED), 0);
}

/* What does not arrive is told, and asked for no faster than a silent register. */
static void a_challenge_that_is_lost(void **state)
{
	struct fixture *f = *state;
	unsigned int i, n;

	set_coa(f, A);
	for (i = 0; i < 8; i++) {
		say_unproved(f, "2001:db8::1");
		forget_past(f);
		pass(f, 8000);
		n = count_to(f, REG1, LR_UPDATE);
		assert_in_range(n, 1, i ? 4 : 8);
	}
	assert_false(status(f).translated);
	assert_int_equal(status(f).last_status, LR_UNPROVED);
}

/* OPEN-65: nobody is told of a place where nothing arrives. */
static void behind_a_translator_nobody_is_told(void **state)
{
	struct fixture *f = *state;

	set_coa(f, A);
	miss(f, PEER);
	assert_int_equal(count_to(f, PEER, LR_ANNOUNCE), 1);
	say_unproved(f, "203.0.113.99");
	assert_int_equal(count_events(f, MOBILE_TRANSLATED), 1);
	assert_true(status(f).translated);
	assert_addr(status(f).seen, "203.0.113.99");
	assert_false(status(f).registered);
	/* the packet that waited goes, and so do others, without a message */
	assert_int_equal(f->modes[0], PEER_PLAIN);
	/* a challenge that comes through the translator mends nothing */
	{
		struct lr_msg msg = challenge_of(last_to(f, REG1, LR_UPDATE));

		assert_int_equal(input(f, REG1, &msg), LR_DROP_UNASKED);
	}
	forget_past(f);
	miss(f, PEER2);
	seen(f, PEER2);
	assert_int_equal(f->modes[1], PEER_PLAIN);
	pass(f, 60000);
	assert_int_equal(count_to(f, PEER, LR_ANNOUNCE) +
			 count_to(f, PEER2, LR_ANNOUNCE), 0);
	/* the register is asked on, and the user told once */
	assert_int_not_equal(count_to(f, REG1, LR_UPDATE), 0);
	say_unproved(f, "203.0.113.99");
	assert_int_equal(count_events(f, MOBILE_TRANSLATED), 0);
	/* in the next network all is as ever */
	set_coa(f, B);
	assert_false(status(f).translated);
	answer(f, REG1, LR_UPDATE, LR_OK);
	miss(f, PEER);
	answer(f, PEER, LR_ANNOUNCE, LR_OK);
	assert_int_equal(f->modes[0], PEER_ROAM);
	/* nor does a translator there change what peers know of open connections */
	set_coa(f, A);
	say_unproved(f, "203.0.113.99");
	assert_int_equal(f->modes[0], PEER_ROAM);
	miss(f, PEER);
	assert_int_equal(f->modes[0], PEER_PLAIN);
}

/* @reg answers the newest update with @status, and says that it came from @source. */
static void acknowledge(struct fixture *f, const char *reg, uint8_t status,
			const char *source)
{
	struct lr_msg msg = reply_to(f, reg, LR_UPDATE, status);

	msg.source = addr(source);
	assert_int_equal(input(f, reg, &msg), LR_DROP_NONE);
}

/* Two registers that see different sources: what one saw is not what both saw. */
static void one_register_behind_a_translator(void **state)
{
	struct fixture *f = *state;
	struct registrar_server other_order[2] = {
		{ addr(REG2), 17435, 8 }, { addr(REG1), 17434, 7 },
	};

	set_coa(f, A);
	miss(f, PEER);
	answer(f, PEER, LR_ANNOUNCE, LR_OK);
	for (unsigned int i = 0; i < 3; i++) {
		acknowledge(f, REG1, LR_UNPROVED, "203.0.113.99");
		if (!i)
			acknowledge(f, REG2, LR_OK, A);
		assert_true(status(f).translated);
		pass(f, 8000);
	}
	assert_int_equal(count_events(f, MOBILE_TRANSLATED), 1);
	/* nor is it forgotten when the registers are told anew */
	assert_true(mobile_set_registers(f->mobile, f->now, other_order, 2));
	pass(f, 600000);
	acknowledge(f, REG2, LR_OK, A);
	assert_true(status(f).translated);
	/* whom nobody told meanwhile hears of us when no register says so any more */
	forget_past(f);
	pass(f, 8000);
	assert_int_equal(count_to(f, PEER, LR_ANNOUNCE), 0);
	acknowledge(f, REG1, LR_OK, A);
	assert_false(status(f).translated);
	assert_int_equal(count_to(f, PEER, LR_ANNOUNCE), 1);
	answer(f, PEER, LR_ANNOUNCE, LR_OK);
	assert_int_equal(f->modes[0], PEER_ROAM);
	/* what a register sees changed was there, and is nothing here */
	set_coa(f, B);
	acknowledge(f, REG1, LR_UNPROVED, "203.0.113.99");
	assert_true(status(f).translated);
	set_coa(f, A);
	assert_false(status(f).translated);
	acknowledge(f, REG2, LR_OK, A);
	assert_false(status(f).translated);
}

static void unreachable_peer_is_plain_at_once(void **state)
{
	struct fixture *f = *state;
	struct roam_addr peer = addr(PEER), second = addr(PEER2);

	set_coa(f, A);
	miss(f, PEER);
	mobile_unreachable(f->mobile, f->now, &peer);
	assert_int_equal(f->modes[0], PEER_PLAIN);
	/* one that took part is not talked out of it by a forged ICMP error */
	miss(f, PEER2);
	answer(f, PEER2, LR_ANNOUNCE, LR_OK);
	set_coa(f, B);
	mobile_unreachable(f->mobile, f->now, &second);
	assert_int_equal(f->modes[1], PEER_ROAM);
	answer(f, PEER2, LR_ANNOUNCE, LR_OK);
}

static void later_is_repeated_soon(void **state)
{
	struct fixture *f = *state;

	set_coa(f, A);
	seen(f, PEER);
	pass(f, 10000);
	forget_past(f);
	while (!count_to(f, PEER, LR_ANNOUNCE))
		pass(f, 100);
	answer(f, PEER, LR_ANNOUNCE, LR_LATER);
	forget_past(f);
	pass(f, 100);
	assert_int_equal(count_to(f, PEER, LR_ANNOUNCE), 1);
	assert_int_equal(f->modes[0], -1);
}

static void move_tells_all_peers(void **state)
{
	struct fixture *f = *state;
	const struct lr_msg *first, *second;

	set_coa(f, A);
	miss(f, PEER);
	answer(f, PEER, LR_ANNOUNCE, LR_OK);
	seen(f, PEER2);
	answer(f, REG1, LR_UPDATE, LR_OK);
	forget_past(f);
	set_coa(f, B);
	assert_int_equal(f->n_sent, 3);
	assert_int_equal(f->sent[0].msg.type, LR_UPDATE);
	first = last_to(f, PEER, LR_ANNOUNCE);
	second = last_to(f, PEER2, LR_ANNOUNCE);
	assert_addr(first->entries[0].coa, B);
	assert_int_equal(first->entries[0].seq, f->own_seq);
	assert_int_equal(second->entries[0].seq, f->own_seq);
	answer(f, PEER, LR_ANNOUNCE, LR_OK);
	/* the kernel may send to it again */
	assert_int_equal(f->modes[0], PEER_ROAM);
	pass(f, 3000);
	assert_int_equal(count_to(f, PEER, LR_ANNOUNCE), 1);
	/* 100 ms, 200, 400, 800, then each second */
	assert_int_equal(count_to(f, PEER2, LR_ANNOUNCE), 6);
	forget_past(f);
	pass(f, 30000);
	assert_in_range(count_to(f, PEER2, LR_ANNOUNCE), 20, 28);
	forget_past(f);
	pass(f, 30000);
	assert_int_equal(count_to(f, PEER2, LR_ANNOUNCE), 0);
	assert_int_equal(f->modes[1], -1);
	/* the next move tries again */
	set_coa(f, A);
	assert_int_equal(count_to(f, PEER2, LR_ANNOUNCE), 1);
}

static void silence_after_a_move_is_not_plain(void **state)
{
	struct fixture *f = *state;

	set_coa(f, A);
	miss(f, PEER);
	answer(f, PEER, LR_ANNOUNCE, LR_OK);
	forget_past(f);
	set_coa(f, B);
	/* the kernel holds packets until it has confirmed, and says so */
	pass(f, 250);
	miss(f, PEER);
	pass(f, 10000);
	miss(f, PEER);
	assert_int_equal(f->modes[0], -1);
	answer(f, PEER, LR_ANNOUNCE, LR_OK);
	assert_int_equal(f->modes[0], PEER_ROAM);
	/* and given up, it is tried again with the next packet */
	set_coa(f, A);
	pass(f, 40000);
	forget_past(f);
	miss(f, PEER);
	assert_int_equal(count_to(f, PEER, LR_ANNOUNCE), 1);
	assert_int_equal(f->modes[0], -1);
}

/* A confirm that says it knows us for @seconds. */
static void confirm_for(struct fixture *f, uint32_t seconds)
{
	struct lr_msg msg = reply_to(f, PEER, LR_ANNOUNCE, LR_OK);

	msg.entries[0].lifetime = seconds;
	assert_int_equal(input(f, PEER, &msg), LR_DROP_NONE);
}

static void peers_are_renewed(void **state)
{
	struct fixture *f = *state;

	set_coa(f, A);
	answer(f, REG1, LR_UPDATE, LR_OK);
	miss(f, PEER);
	pass(f, 30);
	confirm_for(f, 60);
	forget_past(f);
	/* of the time since it was asked first, whatever the answer took */
	pass(f, 39969);
	assert_int_equal(f->n_sent, 0);
	pass(f, 1);
	assert_int_equal(count_to(f, PEER, LR_ANNOUNCE), 1);
	assert_int_equal(last_to(f, PEER, LR_ANNOUNCE)->entries[0].seq,
			 f->own_seq);
	/* what it knows goes on meanwhile, and its answer is no news */
	assert_int_equal(f->modes[0], -1);
	confirm_for(f, 60);
	assert_int_equal(f->n_events, 0);
	/* one that is short of time is not asked at full speed */
	pass(f, 40000);
	confirm_for(f, 1);
	forget_past(f);
	pass(f, 900);
	assert_int_equal(f->n_sent, 0);
}

static void who_forgets_us_gets_nothing(void **state)
{
	struct fixture *f = *state;

	set_coa(f, A);
	answer(f, REG1, LR_UPDATE, LR_OK);
	miss(f, PEER);
	confirm_for(f, 60);
	pass(f, 59999);
	forget_past(f);
	assert_int_equal(f->modes[0], -1);
	pass(f, 1);
	assert_int_equal(f->modes[0], PEER_ANNOUNCED);
	/* asked until patience ends, and again with the next packet */
	pass(f, 60000);
	assert_int_equal(count_events(f, MOBILE_UNANSWERED), 1);
	forget_past(f);
	miss(f, PEER);
	assert_int_equal(count_to(f, PEER, LR_ANNOUNCE), 1);
	confirm_for(f, 60);
	assert_int_equal(f->modes[0], PEER_ROAM);
	assert_int_equal(count_events(f, MOBILE_PEER_CONFIRMED), 1);
	/* who is told of a move has not forgotten */
	pass(f, 39000);
	set_coa(f, B);
	confirm_for(f, 300);
	forget_past(f);
	pass(f, 60000);
	assert_int_equal(count_to(f, PEER, LR_ANNOUNCE), 0);
	assert_int_equal(f->modes[0], -1);
}

/* The kernel takes it for no move: what it let through before it lets through again. */
static void back_at_the_same_address(void **state)
{
	struct fixture *f = *state;

	set_coa(f, A);
	answer(f, REG1, LR_UPDATE, LR_OK);
	miss(f, PEER);
	confirm_for(f, 60);
	set_coa(f, "");
	pass(f, 59999);
	assert_int_equal(f->modes[0], PEER_ROAM);
	pass(f, 1);
	assert_int_equal(f->modes[0], PEER_ANNOUNCED);
	set_coa(f, A);
	confirm_for(f, 60);
	assert_int_equal(f->modes[0], PEER_ROAM);
}

/* Announced for 30 s, then again at a third of what is left, and so on. */
static void renewal_is_not_given_up(void **state)
{
	struct fixture *f = *state;

	set_coa(f, A);
	answer(f, REG1, LR_UPDATE, LR_OK);
	miss(f, PEER);
	confirm_for(f, 300);
	pass(f, 200000);
	answer(f, REG1, LR_UPDATE, LR_OK);
	pass(f, 30000);
	forget_past(f);
	pass(f, 23000);
	assert_int_equal(count_to(f, PEER, LR_ANNOUNCE), 0);
	pass(f, 1000);
	assert_true(count_to(f, PEER, LR_ANNOUNCE) > 0);
	confirm_for(f, 300);
	forget_past(f);
	pass(f, 60000);
	assert_int_equal(f->modes[0], -1);
}

/* A daemon that starts does not know how long anybody knows. */
static void adopted_peers_are_renewed(void **state)
{
	struct fixture *f = *state;
	struct roam_addr perm = addr(PERM), a = addr(A), peer = addr(PEER),
			 second = addr(PEER2);

	mobile_adopt_own(f->mobile, &perm, &a, 7, false);
	mobile_adopt_peer(f->mobile, &perm, &peer, PEER_ROAM);
	mobile_adopt_peer(f->mobile, &perm, &second, PEER_ROAM);
	/* what the kernel says of one that was not told of the last move */
	miss(f, PEER2);
	assert_int_equal(count_to(f, PEER2, LR_ANNOUNCE), 1);
	set_coa(f, A);
	answer(f, REG1, LR_UPDATE, LR_OK);
	pass(f, 1);
	assert_int_equal(count_to(f, PEER, LR_ANNOUNCE), 1);
	assert_int_equal(count_to(f, PEER2, LR_ANNOUNCE), 1);
	answer(f, PEER2, LR_ANNOUNCE, LR_OK);
	forget_past(f);
	pass(f, 29998);
	assert_int_equal(f->modes[0], -1);
	pass(f, 1);
	assert_int_equal(f->modes[0], PEER_ANNOUNCED);
	assert_int_equal(f->modes[1], -1);
}

static void confirm_of_an_old_place_is_ignored(void **state)
{
	struct fixture *f = *state;
	struct lr_msg old, msg;

	set_coa(f, A);
	seen(f, PEER);
	old = reply_to(f, PEER, LR_ANNOUNCE, LR_OK);
	set_coa(f, B);
	assert_int_equal(input(f, PEER, &old), LR_DROP_UNASKED);
	msg = reply_to(f, PEER, LR_ANNOUNCE, LR_OK);
	msg.entries[0].seq = old.entries[0].seq;
	assert_int_equal(input(f, PEER, &msg), LR_DROP_NONE);
	assert_int_equal(count_events(f, MOBILE_PEER_CONFIRMED), 0);
	msg = reply_to(f, PEER, LR_ANNOUNCE, LR_STALE);
	msg.entries[0].seq += 99999;
	assert_int_equal(input(f, PEER, &msg), LR_DROP_NONE);
	assert_int_equal(count_events(f, MOBILE_PEER_CONFIRMED), 0);
	pass(f, 5000);
	assert_true(f->own_seq < msg.entries[0].seq);
	answer(f, PEER, LR_ANNOUNCE, LR_OK);
	assert_int_equal(count_events(f, MOBILE_PEER_CONFIRMED), 1);
}

static void peer_that_moves_too(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg;

	set_coa(f, A);
	seen(f, PEER);
	assert_int_equal(count_to(f, "192.0.2.50", LR_ANNOUNCE), 1);
	pass(f, 299);
	assert_int_equal(f->doubts, 0);
	assert_int_equal(count_to(f, "192.0.2.50", LR_ANNOUNCE), 2);
	/* no answer there: its place is doubted, and the next one found */
	pass(f, 1);
	assert_int_equal(f->doubts, 1);
	assert_int_equal(count_to(f, "192.0.2.51", LR_ANNOUNCE), 1);
	msg = reply_to(f, "192.0.2.51", LR_ANNOUNCE, LR_OK);
	assert_int_equal(input(f, PEER, &msg), LR_DROP_UNASKED);
	assert_int_equal(input(f, "192.0.2.50", &msg), LR_DROP_UNASKED);
	assert_int_equal(input(f, "192.0.2.51", &msg), LR_DROP_NONE);
	assert_int_equal(f->modes[0], PEER_ROAM);
}

static void only_the_asked_peer_can_confirm(void **state)
{
	struct fixture *f = *state;
	struct lr_msg good, msg;

	set_coa(f, A);
	miss(f, PEER);
	good = reply_to(f, PEER, LR_ANNOUNCE, LR_OK);
	assert_int_equal(input(f, PEER2, &good), LR_DROP_UNASKED);
	msg = good;
	msg.nonce++;
	assert_int_equal(input(f, PEER, &msg), LR_DROP_UNASKED);
	msg = good;
	msg.entries[0].perm = addr("198.51.100.8");
	assert_int_equal(input(f, PEER, &msg), LR_DROP_UNASKED);
	assert_int_equal(f->modes[0], -1);
	assert_int_equal(input(f, PEER, &good), LR_DROP_NONE);
	assert_int_equal(input(f, PEER, &good), LR_DROP_UNASKED);
}

static void contact_waits_for_a_care_of_address(void **state)
{
	struct fixture *f = *state;

	miss(f, PEER);
	assert_int_equal(f->n_sent, 0);
	pass(f, 200);
	set_coa(f, A);
	assert_int_equal(count_to(f, PEER, LR_ANNOUNCE), 1);
	pass(f, 200);
	assert_int_equal(f->modes[0], -1);
	answer(f, PEER, LR_ANNOUNCE, LR_OK);
	assert_int_equal(f->modes[0], PEER_ROAM);

	set_coa(f, "");
	miss(f, PEER2);
	pass(f, 300);
	assert_int_equal(f->modes[1], PEER_PLAIN);
}

static void move_during_first_contact(void **state)
{
	struct fixture *f = *state;
	struct lr_msg old;

	set_coa(f, A);
	miss(f, PEER);
	old = reply_to(f, PEER, LR_ANNOUNCE, LR_OK);
	pass(f, 100);
	set_coa(f, B);
	assert_int_equal(input(f, PEER, &old), LR_DROP_UNASKED);
	assert_int_equal(f->modes[0], -1);
	answer(f, PEER, LR_ANNOUNCE, LR_OK);
	assert_int_equal(f->modes[0], PEER_ROAM);
}

static void count_peer(void *ctx, const struct mobile_peer_status *st)
{
	(void)st;
	++*(unsigned int *)ctx;
}

static void peers_are_bounded_and_forgotten(void **state)
{
	struct fixture *f = *state;
	struct roam_addr perm = addr(PERM), peer = addr("10.1.0.10");
	unsigned int i, n = 0;
	char text[32];

	set_coa(f, A);
	/* the kernel sends nothing more to one that is not renewed any more */
	miss(f, PEER2);
	answer(f, PEER2, LR_ANNOUNCE, LR_OK);
	seen(f, PEER);
	for (i = 0; i < 20; i++) {
		assert_int_equal(f->modes[1], i < 3 ? PEER_ROAM : PEER_ANNOUNCED);
		seen(f, PEER);
		sprintf(text, "10.1.0.%u", 10 + i);
		seen(f, text);
	}
	mobile_foreach_peer(f->mobile, count_peer, &n);
	assert_int_equal(n, 4);
	/* PEER was used all the time, so it is still there */
	forget_past(f);
	set_coa(f, B);
	assert_int_equal(count_to(f, PEER, LR_ANNOUNCE), 1);
	assert_int_equal(count_to(f, "10.1.0.29", LR_ANNOUNCE), 1);
	assert_int_equal(count_to(f, "10.1.0.10", LR_ANNOUNCE), 0);
	mobile_forget(f->mobile, &perm, &peer);
	peer = addr(PEER);
	mobile_forget(f->mobile, &perm, &peer);
	n = 0;
	mobile_foreach_peer(f->mobile, count_peer, &n);
	assert_int_equal(n, 3);
	/* not ours, or no address: nothing is kept */
	miss(f, "224.0.0.1");
	mobile_miss(f->mobile, f->now, &peer, &perm);
	n = 0;
	mobile_foreach_peer(f->mobile, count_peer, &n);
	assert_int_equal(n, 3);
}

static void set_place(struct fixture *f, const char *v4, const char *v6)
{
	struct roam_place place = { addr(v4), addr(v6) };

	mobile_set_coa(f->mobile, f->now, &place);
}

static void each_family_has_its_care_of_address(void **state)
{
	struct fixture *f = *state;
	const struct lr_msg *msg;

	set_place(f, A, A6);
	msg = last_to(f, REG1, LR_UPDATE);
	assert_int_equal(count_to(f, REG1, LR_UPDATE), 1);
	assert_int_equal(msg->count, 2);
	assert_addr(msg->entries[0].coa, A);
	assert_addr(msg->entries[1].perm, PERM6);
	assert_addr(msg->entries[1].coa, A6);
	answer(f, REG1, LR_UPDATE, LR_OK);
	/* one family moves, the other stays where it is */
	forget_past(f);
	set_place(f, A, "2001:db8:b::1");
	msg = last_to(f, REG1, LR_UPDATE);
	assert_int_equal(msg->count, 1);
	assert_addr(msg->entries[0].perm, PERM6);
	assert_int_equal(count_events(f, MOBILE_MOVED), 1);
	assert_int_equal(f->n_own, 0);
	answer(f, REG1, LR_UPDATE, LR_OK);
	/* a network without IPv6 */
	forget_past(f);
	set_place(f, A, "");
	pass(f, 100000);
	assert_int_equal(f->n_sent, 0);
	assert_int_equal(f->n_own, 0);
}

static void a_key_shared_with_a_peer_is_used(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg;

	set_place(f, A, A6);
	miss(f, PEER);
	miss(f, PEER2);
	assert_int_equal(last_to(f, PEER, LR_ANNOUNCE)->key_id, KEY);
	assert_int_equal(last_to(f, PEER2, LR_ANNOUNCE)->key_id, 0);
	/* and its confirm needs it */
	msg = reply_to(f, PEER, LR_ANNOUNCE, LR_OK);
	msg.key_id = 0;
	assert_int_equal(input(f, PEER, &msg), LR_DROP_KEY);
	msg.key_id = KEY + 1;
	assert_int_equal(input(f, PEER, &msg), LR_DROP_KEY);
	assert_int_equal(f->modes[0], -1);
	answer(f, PEER, LR_ANNOUNCE, LR_OK);
	assert_int_equal(f->modes[0], PEER_ROAM);
}

/* A move to B; PEER shares a key, PEER2 does not, both confirmed A. */
static void move_with_and_without_key(struct fixture *f)
{
	set_place(f, A, A6);
	miss(f, PEER);
	miss(f, PEER2);
	pass(f, 50);
	/* first contact waits for the word of the register in any case */
	assert_int_equal(f->modes[0], -1);
	answer(f, PEER, LR_ANNOUNCE, LR_OK);
	answer(f, PEER2, LR_ANNOUNCE, LR_OK);
	forget_past(f);
	set_place(f, B, A6);
}

static void packets_follow_proof(void **state)
{
	struct fixture *f = *state;

	move_with_and_without_key(f);
	pass(f, 4);
	assert_int_equal(f->modes[0], -1);
	pass(f, 1);
	assert_int_equal(f->modes[0], PEER_ANNOUNCED);
	/* whoever has to ask the register is not ready so soon */
	pass(f, 90);
	assert_int_equal(f->modes[1], -1);
	/* each copy again: the one before may be lost, and what followed it */
	forget_past(f);
	pass(f, 10);
	assert_int_equal(count_to(f, PEER, LR_ANNOUNCE), 1);
	assert_int_equal(f->modes[0], PEER_ANNOUNCED);
	answer(f, PEER, LR_ANNOUNCE, LR_OK);
	assert_int_equal(f->modes[0], PEER_ROAM);
	answer(f, PEER2, LR_ANNOUNCE, LR_OK);
	assert_int_equal(f->modes[1], PEER_ROAM);
	forget_past(f);
	pass(f, 40000);
	assert_int_equal(f->modes[0], -1);
	/* a confirm in time leaves nothing to follow */
	set_place(f, A, A6);
	pass(f, 3);
	answer(f, PEER, LR_ANNOUNCE, LR_OK);
	pass(f, 1000);
	assert_int_equal(f->modes[0], PEER_ROAM);
}

/* The confirm with the pair key of our key 7 and the correspondent's key 5. */
static struct lr_msg confirm_by_pair(const struct fixture *f, const char *peer)
{
	struct lr_msg msg = reply_to(f, peer, LR_ANNOUNCE, LR_OK);

	msg.key_id = LR_PAIR_KEY | 5;
	msg.pair = 7;
	return msg;
}

static void pair_key_is_learned(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg, wrong;

	set_place(f, A, A6);
	miss(f, PEER2);
	assert_int_equal(last_to(f, PEER2, LR_ANNOUNCE)->key_id, 0);
	msg = confirm_by_pair(f, PEER2);
	wrong = msg;
	wrong.nonce++;
	assert_int_equal(input(f, PEER2, &wrong), LR_DROP_UNASKED);
	wrong = msg;
	wrong.count = 2;
	assert_int_equal(input(f, PEER2, &wrong), LR_DROP_KEY);
	/* the pair key of our other address says nothing about this one */
	wrong = msg;
	wrong.entries[0].perm = addr(PERM6);
	assert_int_equal(input(f, PEER2, &wrong), LR_DROP_KEY);
	assert_int_equal(f->modes[1], -1);
	assert_int_equal(input(f, PEER2, &msg), LR_DROP_NONE);
	assert_int_equal(f->modes[1], PEER_ROAM);
	/* from now on moves are proved, and packets follow */
	forget_past(f);
	set_place(f, B, A6);
	msg = *last_to(f, PEER2, LR_ANNOUNCE);
	assert_int_equal(msg.key_id, LR_PAIR_KEY | 5);
	assert_int_equal(msg.pair, 7);
	pass(f, 5);
	assert_int_equal(f->modes[1], PEER_ANNOUNCED);
	/* it got another one from its register, or none */
	msg = confirm_by_pair(f, PEER2);
	msg.key_id = LR_PAIR_KEY | 6;
	msg.pair = 8;
	assert_int_equal(input(f, PEER2, &msg), LR_DROP_NONE);
	set_place(f, A, A6);
	assert_int_equal(last_to(f, PEER2, LR_ANNOUNCE)->key_id, LR_PAIR_KEY | 6);
	assert_int_equal(last_to(f, PEER2, LR_ANNOUNCE)->pair, 8);
	msg = reply_to(f, PEER2, LR_ANNOUNCE, LR_OK);
	msg.key_id = 0;
	assert_int_equal(input(f, PEER2, &msg), LR_DROP_NONE);
	assert_int_equal(f->modes[1], PEER_ROAM);
	/* neither does a key of somebody else do, nor a pair key for a configured one */
	set_place(f, B, A6);
	msg = reply_to(f, PEER2, LR_ANNOUNCE, LR_OK);
	msg.key_id = KEY;
	assert_int_equal(input(f, PEER2, &msg), LR_DROP_KEY);
	miss(f, PEER);
	msg = confirm_by_pair(f, PEER);
	assert_int_equal(input(f, PEER, &msg), LR_DROP_KEY);
}

/* Who does not confirm is no reason to send the same again and again. */
static void few_announces_are_followed(void **state)
{
	struct fixture *f = *state;
	unsigned int i, sets = 0;
	struct lr_msg later;

	move_with_and_without_key(f);
	later = reply_to(f, PEER, LR_ANNOUNCE, LR_LATER);
	for (i = 0; i < 800; i++) {
		forget_past(f);
		input(f, PEER, &later);
		pass(f, 50);
		sets += f->modes[0] == PEER_ANNOUNCED;
	}
	assert_int_equal(sets, 3);
	/* and given up like anybody else; the kernel asks with the next packet */
	forget_past(f);
	pass(f, 60000);
	assert_int_equal(count_to(f, PEER, LR_ANNOUNCE), 0);
	miss(f, PEER);
	pass(f, 10);
	assert_int_equal(f->modes[0], PEER_ANNOUNCED);
	answer(f, PEER, LR_ANNOUNCE, LR_OK);
	assert_int_equal(f->modes[0], PEER_ROAM);
}

static void unconfirmed_proof_is_adopted(void **state)
{
	struct fixture *f = *state;
	struct roam_addr perm = addr(PERM), a = addr(A), peer = addr(PEER);

	mobile_adopt_own(f->mobile, &perm, &a, 5, false);
	mobile_adopt_peer(f->mobile, &perm, &peer, PEER_ANNOUNCED);
	set_place(f, A, "");
	/* as the kernel's table is read: it is told again */
	miss(f, PEER);
	assert_int_equal(last_to(f, PEER, LR_ANNOUNCE)->key_id, KEY);
	pass(f, 10);
	assert_int_equal(f->modes[0], PEER_ANNOUNCED);
	pass(f, 20000);
	answer(f, PEER, LR_ANNOUNCE, LR_OK);
	assert_int_equal(f->modes[0], PEER_ROAM);
}

static void other_registers_are_told(void **state)
{
	struct fixture *f = *state;
	struct registrar_server both[2] = {
		{ addr(REG2), 17434, 7 }, { addr(REG1), 17434, 7 },
	};
	uint64_t id;

	set_coa(f, A);
	id = last_to(f, REG1, LR_UPDATE)->id;
	answer(f, REG1, LR_UPDATE, LR_OK);
	forget_past(f);
	/* the clock stands still, the key's identifications go on */
	assert_true(mobile_set_registers(f->mobile, f->now, both, 2));
	pass(f, 0);
	assert_int_equal(f->n_sent, 1);
	assert_true(last_to(f, REG2, LR_UPDATE)->id > id);
	answer(f, REG2, LR_UPDATE, LR_OK);
	/* the one that was there is renewed when its time comes, not before */
	pass(f, 199999);
	assert_int_equal(f->n_sent, 1);
	pass(f, 1);
	assert_int_equal(count_to(f, REG1, LR_UPDATE), 1);
	/* one that went is not asked any more, nor are none at all */
	forget_past(f);
	assert_true(mobile_set_registers(f->mobile, f->now, both, 1));
	set_coa(f, B);
	assert_int_equal(count_to(f, REG1, LR_UPDATE), 0);
	assert_int_equal(count_to(f, REG2, LR_UPDATE), 1);
	assert_true(mobile_set_registers(f->mobile, f->now, NULL, 0));
	forget_past(f);
	set_coa(f, A);
	pass(f, 100000);
	assert_int_equal(f->n_sent, 0);
}

static uint64_t restored_seq;

static void on_restored(void *ctx, const struct roam_addr *perm,
			const struct roam_addr *coa, uint64_t seq, bool literal)
{
	(void)ctx;
	(void)literal;
	assert_addr(*perm, PERM);
	assert_addr(*coa, A);
	restored_seq = seq;
}

static void removed_mapping_is_set_again(void **state)
{
	struct roam_addr perm = addr(PERM), other = addr(PERM6), a = addr(A);
	struct mobile_ops with = ops;
	struct fixture *f;

	(void)state;
	with.set_own = on_restored;
	f = fixture_new(1, 1, &with);
	assert_false(mobile_restore(f->mobile, &perm));
	mobile_adopt_own(f->mobile, &perm, &a, 5, false);
	assert_true(mobile_restore(f->mobile, &perm));
	assert_int_equal(restored_seq, 5);
	assert_false(mobile_restore(f->mobile, &other));
	assert_int_equal(f->n_sent, 0);
	*state = f;
}

static void literal_mode_is_said(void **state)
{
	struct fixture *f = *state;

	set_place(f, A, A6);
	assert_true(f->literal);
	assert_int_equal(last_to(f, REG1, LR_UPDATE)->entries[0].flags,
			 LR_FLAG_LITERAL);
	miss(f, PEER);
	assert_int_equal(last_to(f, PEER, LR_ANNOUNCE)->entries[0].flags,
			 LR_FLAG_LITERAL);
	/* at home there is nothing to leave out */
	set_place(f, PERM, A6);
	assert_int_equal(last_to(f, REG1, LR_UPDATE)->entries[0].flags,
			 LR_FLAG_AT_HOME);
	assert_int_equal(f->probes, 0);
}

static void a_new_mode_is_a_move(void **state)
{
	struct fixture *f = *state;
	struct roam_addr perm = addr(PERM), a = addr(A);

	mobile_adopt_own(f->mobile, &perm, &a, 5, false);
	set_place(f, A, "");
	assert_true(f->literal);
	assert_true(f->own_seq > 5);
}

/* The first peer that confirms is asked whether our own source arrives. */
static struct lr_msg probe(struct fixture *f)
{
	const struct lr_msg *msg;

	set_place(f, A, A6);
	assert_false(f->literal);
	miss(f, PEER);
	assert_int_equal(f->probes, 0);
	answer(f, PEER, LR_ANNOUNCE, LR_OK);
	assert_int_equal(f->probes, 1);
	msg = last_to(f, PEER, LR_ANNOUNCE);
	assert_int_equal(msg->entries[0].flags, LR_FLAG_LITERAL);
	assert_int_equal(msg->entries[0].seq, f->own_seq);
	return reply_to(f, PEER, LR_ANNOUNCE, LR_OK);
}

static void probe_that_arrives_makes_literal(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg = probe(f), wrong = msg;
	uint64_t seq = f->own_seq;

	wrong.nonce++;
	assert_int_equal(input(f, PEER, &wrong), LR_DROP_UNASKED);
	assert_int_equal(input(f, PEER2, &msg), LR_DROP_UNASKED);
	wrong = msg;
	wrong.key_id = 0;
	assert_int_equal(input(f, PEER, &wrong), LR_DROP_KEY);
	assert_false(f->literal);
	forget_past(f);
	assert_int_equal(input(f, PEER, &msg), LR_DROP_NONE);
	assert_true(f->literal);
	assert_true(f->own_seq > seq);
	assert_int_equal(count_events(f, MOBILE_LITERAL_OK), 1);
	/* everybody hears of it, under a sequence of its own */
	assert_int_equal(last_to(f, REG1, LR_UPDATE)->entries[0].flags,
			 LR_FLAG_LITERAL);
	assert_int_equal(count_to(f, PEER, LR_ANNOUNCE), 1);
	/* packets pass as before, from the same place */
	pass(f, 50);
	assert_int_equal(f->modes[0], -1);
	answer(f, PEER, LR_ANNOUNCE, LR_OK);
	pass(f, 10000);
	assert_int_equal(f->probes, 1);
	/* the next network has its own rules */
	set_place(f, B, A6);
	assert_false(f->literal);
	answer(f, PEER, LR_ANNOUNCE, LR_OK);
	assert_int_equal(f->probes, 2);
}

static void probe_that_is_lost_stays_symmetric(void **state)
{
	struct fixture *f = *state;
	struct lr_msg msg = probe(f);

	pass(f, 10000);
	assert_int_equal(f->probes, 3);
	assert_int_equal(count_events(f, MOBILE_LITERAL_LOST), 1);
	assert_false(f->literal);
	/* too late */
	assert_int_equal(input(f, PEER, &msg), LR_DROP_UNASKED);
	/* one answer for each network */
	miss(f, PEER2);
	answer(f, PEER2, LR_ANNOUNCE, LR_OK);
	assert_int_equal(f->probes, 3);
}

static struct CMUnitTest test(const char *name, CMUnitTestFunction fn,
			      CMFixtureFunction make)
{
	return (struct CMUnitTest){ .name = name, .test_func = fn,
				    .setup_func = make,
				    .teardown_func = teardown };
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test("MLR-02 MLR-08 MLR-34: a move is registered at every register",
		     move_registers_everywhere, setup_two),
		test("MLR-40: the same care-of address sends nothing",
		     same_address_is_no_move, setup),
		test("MLR-04 D-18: renewed after two thirds of the granted lifetime",
		     renews_after_two_thirds, setup),
		test("MLR-35 MLR-37: correspondents are remembered for the longest lifetime granted",
		     longest_lifetime_is_told, setup),
		test("TEN-12: first registration, renewal, move, return and leave are updates",
		     all_registers_get_is_updates, setup),
		test("MLR-02: an unanswered update is repeated unchanged, 500 ms to 8 s",
		     repeats_identical_copies_with_backoff, setup),
		test("MLR-34: a move supersedes an unanswered update",
		     move_supersedes, setup),
		test("OPEN-29 OPEN-38: order holds when the clock goes back",
		     clock_going_back_keeps_the_order, setup),
		test("OPEN-29: a refused replay goes on from the told identification",
		     replay_goes_on_from_the_told_one, setup),
		test("OPEN-38: a stale sequence is overtaken",
		     stale_goes_above_the_stored_one, setup),
		test("HOST-11: who has this host's address again and again is told",
		     clone_is_told),
		test("OPEN-38: the highest sequence is never given",
		     a_highest_sequence_is_not_followed, setup),
		test("OPEN-26: a refusal is told once and tried on",
		     refusal_is_told_once_and_tried_on, setup),
		test("OPEN-26: only the asked register acknowledges, with its key",
		     only_the_register_can_acknowledge, setup),
		test("MLR-34: many addresses share messages and are acknowledged each",
		     many_addresses_share_messages, setup_many),
		test("OPEN-22: at home is registered as such",
		     at_home_is_registered_so, setup),
		test("MLR-38: between networks nothing is sent",
		     between_networks_nothing_is_sent, setup),
		test("MLR-02: de-registration is sent once",
		     deregisters_once, setup),
		test("OPEN-45: adopting the kernel's state is silent",
		     adoption_is_silent, setup),
		test("MLR-36: first contact is announced and confirmed",
		     first_contact_confirmed, setup),
		test("MLR-36: an unanswered first contact is plain",
		     first_contact_unanswered_is_plain, setup),
		test("MLR-36: a peer that refuses is plain",
		     refusing_peer_is_plain, setup),
		test("MLR-36: a peer without a daemon is plain at once",
		     unreachable_peer_is_plain_at_once, setup),
		test("OPEN-28: a peer that says later is told again soon",
		     later_is_repeated_soon, setup),
		test("MLR-35 MLR-36 MLR-37: a move is announced to every peer seen",
		     move_tells_all_peers, setup),
		test("MLR-38: a peer that took part is not plain for its silence",
		     silence_after_a_move_is_not_plain, setup),
		test("MLR-38 D-18: correspondents are renewed after two thirds of what they know",
		     peers_are_renewed, setup),
		test("MLR-38 OPEN-45: nothing is sent to a correspondent that forgot us",
		     who_forgets_us_gets_nothing, setup),
		test("MLR-38: who is back at the same address may have been forgotten",
		     back_at_the_same_address, setup),
		test("MLR-38: an unanswered renewal is repeated until the end",
		     renewal_is_not_given_up, setup),
		test("MLR-38 OPEN-45: correspondents are renewed after a restart",
		     adopted_peers_are_renewed, setup),
		test("OPEN-28: a confirm of an old place is ignored",
		     confirm_of_an_old_place_is_ignored, setup),
		test("OPEN-28: only the asked peer confirms",
		     only_the_asked_peer_can_confirm, setup),
		test("OPEN-20: a peer that moved too is found where the register says",
		     peer_that_moves_too, setup_locating),
		test("MLR-36: first contact waits for a care-of address",
		     contact_waits_for_a_care_of_address, setup),
		test("MLR-38: a move during first contact",
		     move_during_first_contact, setup),
		test("MLR-35 OPEN-32: peers are bounded, the one idle longest goes",
		     peers_are_bounded_and_forgotten, setup),
		test("OPEN-01: each family has a care-of address of its own",
		     each_family_has_its_care_of_address, setup_dual),
		test("OPEN-28: a key shared with a peer is used, and asked for",
		     a_key_shared_with_a_peer_is_used, setup_dual),
		test("MLR-38 OPEN-28 OPEN-41: packets follow an announce with proof",
		     packets_follow_proof, setup_dual),
		test("OPEN-28: a confirm brings the pair key of later announces",
		     pair_key_is_learned, setup_dual),
		test("MLR-38 OPEN-41: few announces are followed, whatever the answers",
		     few_announces_are_followed, setup_dual),
		test("OPEN-45: one who has not confirmed a proof is told after a restart",
		     unconfirmed_proof_is_adopted, setup_dual),
		test("MLR-09 OPEN-29: other registers are told, in the order of the key",
		     other_registers_are_told, setup),
		test("OPEN-45: a mapping that somebody removed is set again",
		     removed_mapping_is_set_again, NULL),
		test("OPEN-18: literal mode is said to everybody",
		     literal_mode_is_said, setup_literal),
		test("OPEN-18: another mode after a restart is told as a move is",
		     a_new_mode_is_a_move, setup_literal),
		test("OPEN-18: a probe that arrives makes it literal, in this network",
		     probe_that_arrives_makes_literal, setup_probing),
		test("SEC-01: a conflict makes no peer plain",
		     conflict_makes_nobody_plain, setup),
		test("SEC-01: a challenge is answered by its cookie, once and at once",
		     a_challenge_is_answered, setup),
		test("SEC-01: a challenge that does not arrive is no reason to hurry",
		     a_challenge_that_is_lost, setup),
		test("OPEN-65: behind a translator no correspondent is told, and packets go as they are",
		     behind_a_translator_nobody_is_told, setup),
		test("OPEN-65: what one register sees changed is not undone by what another sees",
		     one_register_behind_a_translator, setup_two),
		test("OPEN-18: a probe that is lost keeps it symmetric",
		     probe_that_is_lost_stays_symmetric, setup_probing),
	};

	return cmocka_run_group_tests_name("mobile", tests, NULL, NULL);
}
