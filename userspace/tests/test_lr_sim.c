// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mobile hosts, correspondents and registers together, over a virtual network
 * that loses, doubles and reorders, with moves, restarts, clocks that go back,
 * failing stores and an attacker. Two hosts are mobile and correspondents at
 * once, a third one stays where it is. Seeded: a failure repeats. The attacker has
 * no key; an insider has one of his own, and claims the places of the others with
 * it, by forged sources as well (SEC-01).
 *
 * Checked at each step: no two hosts are in one place; a mapping is only ever one that the mobile host itself
 * announced with that sequence, and never older than the one it replaces.
 * Checked at the end: everyone has the newest, and nothing is left behind.
 */
#include "core_test.h"

#include <stdio.h>

#include "core/correspondent.h"
#include "core/hlr.h"
#include "core/mobile.h"
#include "base/table.h"

#define HOSTS 3			/* 0 and 1 are mobile */
#define MOBILES 2
#define REGS 2
#define PLACES 6
#define PACKETS 8192
#define PAST 256		/* packets the attacker recorded */
#define LIFETIME 60		/* s */
#define INSIDER (HOSTS + 1)	/* his key */
#define HISTORY 65536
#define NS 1000000u

struct packet {
	msec_t at;
	struct roam_addr from;
	struct roam_addr to;
	size_t len;
	uint8_t data[LR_MAX_LEN];
};

/** struct held - what the kernel of one host holds about one permanent address */
struct held {
	bool valid;
	struct roam_addr coa;
	uint64_t seq;
	msec_t expires;
	bool literal;
};

struct world;

struct host {
	struct world *world;
	unsigned int number;
	struct roam_addr perm;
	struct roam_addr here;		/* all zero between networks */
	struct mobile *mobile;		/* NULL for the fixed one */
	struct corr *corr;
	struct roam_addr own_coa;	/* of the kernel */
	uint64_t own_seq;
	bool own_literal;
	int modes[HOSTS];		/* -1 = the kernel does not know the peer */
	struct held maps[MOBILES];
	struct held insider;		/* what it holds about him */
	int64_t clock_offset;		/* ms */
	unsigned int confirmed;
};

struct reg {
	struct world *world;
	struct roam_addr addr;
	struct hlr *hlr;
	struct hlr_mapping stored[MOBILES];	/* seq 0 = nothing */
	uint64_t stored_id[INSIDER];
	bool down;
};

/** struct said - a registration a mobile host really made */
struct said {
	unsigned int host;
	uint64_t seq;
	struct roam_addr coa;
	bool literal;
};

struct world {
	uint64_t seed;
	msec_t now;
	unsigned int loss;		/* percent */
	unsigned int twice;		/* percent */
	unsigned int delay;		/* ms at most */
	bool failing_store;
	struct host hosts[HOSTS];
	struct reg regs[REGS];
	struct packet packets[PACKETS];
	size_t n_packets;
	struct packet past[PAST];
	size_t n_past;
	struct said said[HISTORY];
	size_t n_said;
	unsigned long delivered;
	unsigned long moves;
	uint64_t insider_id;
	unsigned long claims;		/* that a register took */
};

/**
 * struct kind - which world it is
 * @perms: addresses of the hosts, permanent ones of those that are mobile
 * @reg_addrs: addresses of the registers
 * @range: prefix of the permanent addresses
 * @place: format of care-of addresses
 * @evil: the attacker
 * @insider: permanent address of the insider
 * @keyed: the hosts share a key
 * @no_pairs: the registers give no pair keys
 * @mode: of the mobile hosts
 */
struct kind {
	const char *perms[HOSTS];
	const char *reg_addrs[REGS];
	const char *range;
	const char *place;
	const char *evil;
	const char *insider;
	bool keyed;
	bool no_pairs;
	enum mobile_mode mode;
};

#define IPV4								\
	.perms = { "198.51.100.1", "198.51.100.2", "10.9.0.1" },	\
	.reg_addrs = { "10.0.0.1", "10.0.0.2" },			\
	.range = "198.51.100.0/24", .place = "192.0.%u.%u", .evil = "10.66.0.1", \
	.insider = "198.51.100.66"
#define IPV6								\
	.perms = { "2001:db8::1", "2001:db8::2", "2001:db8:9::1" },	\
	.reg_addrs = { "2001:db8:a::1", "2001:db8:a::2" },		\
	.range = "2001:db8::/64", .place = "2001:db8:c:%u::%u",		\
	.evil = "2001:db8:66::1", .insider = "2001:db8::66"

static const struct kind kinds[] = {
	{ IPV4 },
	{ IPV6 },
	{ IPV4, .keyed = true },
	{ IPV6, .mode = MOBILE_PROBE },
	{ IPV4, .mode = MOBILE_LITERAL },
	{ IPV6, .keyed = true, .mode = MOBILE_PROBE },
	{ IPV4, .no_pairs = true },
};
#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))
#define SHARED_KEY 9

/* The kind of world that is made next, and of the one under test. */
static const struct kind *kind = &kinds[0];

static uint64_t dice(struct world *w)
{
	w->seed ^= w->seed << 13;
	w->seed ^= w->seed >> 7;
	w->seed ^= w->seed << 17;
	return w->seed * 0x2545f4914f6cdd1d;
}

static unsigned int roll(struct world *w, unsigned int n)
{
	return (unsigned int)((dice(w) >> 33) % n);
}

static int mobile_number(const struct roam_addr *perm)
{
	struct roam_addr a;
	int i;

	for (i = 0; i < MOBILES; i++) {
		a = addr(kind->perms[i]);
		if (roam_addr_eq(&a, perm))
			return i;
	}
	return -1;
}

static bool is_insider(const struct roam_addr *perm)
{
	struct roam_addr a = addr(kind->insider);

	return roam_addr_eq(&a, perm);
}

static int host_number(const struct roam_addr *perm)
{
	struct roam_addr a = addr(kind->perms[2]);

	return roam_addr_eq(&a, perm) ? 2 : mobile_number(perm);
}

/* What the mobile host said with this sequence; fails if it never did. */
static struct said truth(const struct world *w, unsigned int host,
			 uint64_t seq)
{
	size_t i = w->n_said;

	while (i--)
		if (w->said[i].host == host && w->said[i].seq == seq)
			return w->said[i];
	fail_msg("host %u never gave sequence %ju", host, (uintmax_t)seq);
	return (struct said){ 0 };
}

/* Network */

static void post(struct world *w, const struct roam_addr *from,
		 const struct roam_addr *to, const uint8_t *data, size_t len)
{
	struct packet *p;

	if (roll(w, 100) < w->loss)
		return;
	assert_true(w->n_packets < PACKETS);
	p = &w->packets[w->n_packets++];
	p->at = w->now + 1 + roll(w, w->delay);
	p->from = *from;
	p->to = *to;
	p->len = len;
	memcpy(p->data, data, len);
	w->past[w->n_past++ % PAST] = *p;
	if (roll(w, 100) < w->twice)
		post(w, from, to, data, len);
}

static void post_msg(struct world *w, const struct roam_addr *from,
		     const struct roam_addr *to, const struct lr_msg *msg)
{
	uint8_t data[LR_MAX_LEN] = { 0 };
	size_t len = lr_encode(msg, data);

	if (!roam_addr_is_none(from))
		post(w, from, to, data, len + LR_AUTH_LEN);
}

static void on_send(void *ctx, const struct roam_addr *to, uint16_t port,
		    const struct lr_msg *msg)
{
	struct host *h = ctx;

	assert_int_equal(port, LR_PORT);
	post_msg(h->world, &h->here, to, msg);
}

/* Every second network lets no packet out with a source that is not its own. */
static bool filters(const struct roam_addr *place)
{
	return place->b[roam_addr_is_v4(place) ? 14 : 7] & 1;
}

static void on_probe(void *ctx, const struct roam_addr *from,
		     const struct roam_addr *to, uint16_t port,
		     const struct lr_msg *msg)
{
	struct host *h = ctx;

	assert_int_equal(port, LR_PORT);
	assert_int_equal(kind->mode, MOBILE_PROBE);
	if (!roam_addr_is_none(&h->here) && !filters(&h->here))
		post_msg(h->world, from, to, msg);
}

/* Kernels */

static void on_set_own(void *ctx, const struct roam_addr *perm,
		       const struct roam_addr *coa, uint64_t seq, bool literal)
{
	struct host *h = ctx;
	struct world *w = h->world;

	assert_true(roam_addr_eq(perm, &h->perm));
	if (kind->mode == MOBILE_PROBE)
		assert_false(literal && filters(coa));
	else
		assert_int_equal(literal, kind->mode == MOBILE_LITERAL);
	assert_true(seq > h->own_seq);
	h->own_coa = *coa;
	h->own_seq = seq;
	h->own_literal = literal;
	assert_true(w->n_said < HISTORY);
	w->said[w->n_said++] = (struct said){ h->number, seq, *coa, literal };
}

static void on_set_peer(void *ctx, const struct roam_addr *perm,
			const struct roam_addr *peer, enum peer_mode mode)
{
	struct host *h = ctx;

	(void)perm;
	h->modes[host_number(peer)] = (int)mode;
}

/* No other host is at @coa in this kernel: the way back would lead to one only. */
static void nobody_is_there(const struct host *h, const struct held *but,
			    const struct roam_addr *coa)
{
	const struct held *m;
	unsigned int i;

	for (i = 0; i <= MOBILES && !roam_addr_is_none(coa); i++) {
		m = i < MOBILES ? &h->maps[i] : &h->insider;
		if (m != but && m->valid && m->expires > h->world->now)
			assert_false(roam_addr_eq(&m->coa, coa));
	}
}

static uint8_t on_set_mapping(void *ctx, const struct roam_addr *perm,
			      const struct roam_addr *coa, uint64_t seq,
			      msec_t lifetime, bool literal)
{
	struct host *h = ctx;
	struct world *w = h->world;
	int who = mobile_number(perm);
	struct held *m = is_insider(perm) ? &h->insider : &h->maps[who];
	struct said said;

	assert_in_range(lifetime, 1, LIFETIME * 1000);
	nobody_is_there(h, m, coa);
	if (m == &h->insider) {
		*m = (struct held){ true, *coa, seq, w->now + lifetime, literal };
		return LR_OK;
	}
	if (!roam_addr_is_none(coa)) {
		said = truth(w, (unsigned int)who, seq);
		assert_true(roam_addr_eq(&said.coa, coa));
		assert_int_equal(said.literal, literal);
	}
	if (m->valid && m->expires > w->now)
		assert_true(seq >= m->seq);
	*m = (struct held){ true, *coa, seq, w->now + lifetime, literal };
	return LR_OK;
}

static uint64_t on_random(void *ctx)
{
	return dice(((struct host *)ctx)->world);
}

static uint64_t on_wallclock(void *ctx)
{
	struct host *h = ctx;

	return (uint64_t)(1700000000000 + h->world->now + h->clock_offset) * NS;
}

static struct roam_addr on_locate(void *ctx, const struct roam_addr *peer,
				  bool doubt)
{
	struct host *h = ctx;

	return corr_locate(h->corr, h->world->now, peer, doubt);
}

static void on_mobile_event(void *ctx, const struct mobile_event *event)
{
	((struct host *)ctx)->confirmed += event->type == MOBILE_PEER_CONFIRMED;
}

static void on_corr_event(void *ctx, const struct corr_event *event)
{
	(void)ctx;
	(void)event;
}

static const struct mobile_ops mobile_ops = {
	.send = on_send, .probe = on_probe, .locate = on_locate, .set_own = on_set_own,
	.set_peer = on_set_peer, .random = on_random,
	.wallclock = on_wallclock, .event = on_mobile_event,
};

static const struct corr_ops corr_ops = {
	.send = on_send, .set_mapping = on_set_mapping, .random = on_random,
	.wallclock = on_wallclock, .event = on_corr_event,
};

/* Hosts */

static void host_boot(struct host *h)
{
	struct registrar_server mregs[REGS];
	struct corr_register cregs[REGS];
	struct roam_prefix range = prefix(kind->range);
	struct corr_key proof = { SHARED_KEY, range };
	struct mobile_key partners[HOSTS];
	uint32_t key = h->number + 1;
	unsigned int i;

	for (i = 0; i < HOSTS; i++)
		partners[i] = (struct mobile_key){ SHARED_KEY,
						   prefix(kind->perms[i]) };
	for (i = 0; i < REGS; i++) {
		mregs[i] = (struct registrar_server){ addr(kind->reg_addrs[i]),
						     LR_PORT, key };
		cregs[i] = (struct corr_register){ addr(kind->reg_addrs[i]), LR_PORT,
						   key };
	}
	h->corr = corr_new(&(struct corr_config){
		.registers = cregs, .n_registers = REGS, .permanent = &range,
		.n_permanent = 1, .keys = &proof, .n_keys = kind->keyed,
		.timeout = 500, .tries = 3, .null_lifetime = 20000,
		.prefer = 10000, .again = 20, .again_tries = 7,
		.announce_rate = 20, .pending_max = 16, .hints_max = 4,
		.hint_rate = 20,
	}, &corr_ops, h);
	assert_non_null(h->corr);
	if (h->number >= MOBILES)
		return;
	h->mobile = mobile_new(&(struct mobile_config){
		.registers = mregs, .n_registers = REGS, .permanent = &h->perm,
		.n_permanent = 1, .keys = partners,
		.n_keys = kind->keyed ? HOSTS : 0, .mode = kind->mode,
		.lifetime = LIFETIME, .port = LR_PORT,
		.retry = 500, .retry_max = 8000, .announce_retry = 100, .announce_lead = 5,
		.announce_time = 300, .move_time = 30000, .peers_max = 16,
	}, &mobile_ops, h);
	assert_non_null(h->mobile);
}

static void host_set_coa(struct host *h)
{
	struct roam_place place = { h->here, h->here };

	mobile_set_coa(h->mobile, h->world->now, &place);
}

/* kill -9 and a new start: only the kernel remembers (OPEN-45) */
static void host_restart(struct host *h)
{
	struct world *w = h->world;
	struct roam_addr a;
	unsigned int i;

	corr_free(h->corr);
	mobile_free(h->mobile);
	host_boot(h);
	for (i = 0; i < MOBILES; i++) {
		a = addr(kind->perms[i]);
		if (h->maps[i].valid && h->maps[i].expires > w->now)
			corr_adopt(h->corr, w->now, &a, &h->maps[i].coa,
				   h->maps[i].seq, h->maps[i].expires - w->now,
				   h->maps[i].literal);
	}
	a = addr(kind->insider);
	if (h->insider.valid && h->insider.expires > w->now)
		corr_adopt(h->corr, w->now, &a, &h->insider.coa,
			   h->insider.seq, h->insider.expires - w->now,
			   h->insider.literal);
	if (!h->mobile)
		return;
	mobile_adopt_own(h->mobile, &h->perm, &h->own_coa, h->own_seq,
			 h->own_literal);
	for (i = 0; i < HOSTS; i++) {
		a = addr(kind->perms[i]);
		if (h->modes[i] >= 0)
			mobile_adopt_peer(h->mobile, &h->perm, &a,
					  (enum peer_mode)h->modes[i]);
	}
	/* The kernel tells who was not told of the last move. */
	for (i = 0; i < HOSTS; i++) {
		a = addr(kind->perms[i]);
		if (h->modes[i] != PEER_PLAIN && h->modes[i] >= 0 && roll(w, 2))
			mobile_miss(h->mobile, w->now, &h->perm, &a);
	}
	host_set_coa(h);
}

/*
 * What the daemon finds out with the keys: whoever has none sends no pair key's id,
 * and nobody changes what was authenticated.
 */
static void host_verify(const struct host *h, struct lr_msg *msg)
{
	const struct corr_pair *pair = corr_pair(h->corr,
						 &msg->entries[0].perm);

	if (!(msg->key_id & LR_PAIR_KEY))
		return;
	if (msg->type == LR_CONFIRM)
		msg->pair = h->number + 1;
	else if (!pair || pair->key_id != msg->key_id)
		msg->key_id = 0;
}

static void host_receive(struct host *h, const struct packet *p,
			 struct lr_msg *msg)
{
	host_verify(h, msg);
	if (msg->type == LR_ACK || msg->type == LR_CONFIRM ||
	    msg->type == LR_CHALLENGE) {
		if (h->mobile)
			mobile_input(h->mobile, h->world->now, &p->from, msg);
	} else {
		corr_input(h->corr, h->world->now, &p->from, LR_PORT, msg);
	}
}

static void host_move(struct host *h, const struct roam_addr *to)
{
	h->here = *to;
	h->world->moves++;
	host_set_coa(h);
}

/* An application of @h talks to host @peer: what its kernel would ask. */
static void host_talk(struct host *h, unsigned int peer)
{
	struct world *w = h->world;
	struct roam_addr a = addr(kind->perms[peer]);

	if (peer < MOBILES && !(h->maps[peer].valid &&
				h->maps[peer].expires > w->now))
		corr_miss(h->corr, w->now, &a);
	if (h->mobile && (h->modes[peer] < 0 ||
			  h->modes[peer] == PEER_ANNOUNCED))
		mobile_miss(h->mobile, w->now, &h->perm, &a);
}

static void host_kernel_tick(struct host *h)
{
	struct world *w = h->world;
	struct roam_addr a;
	unsigned int i;

	if (h->insider.valid && h->insider.expires <= w->now) {
		h->insider.valid = false;
		a = addr(kind->insider);
		corr_expired(h->corr, w->now, &a, roll(w, 60000));
	}
	for (i = 0; i < MOBILES; i++) {
		if (!h->maps[i].valid || h->maps[i].expires > w->now)
			continue;
		h->maps[i].valid = false;
		a = addr(kind->perms[i]);
		corr_expired(h->corr, w->now, &a, roll(w, 60000));
	}
}

/* Registers */

static void reg_store(struct reg *r, const struct hlr_changes *changes)
{
	const struct hlr_change *c;
	struct said said;
	int who;
	size_t i;

	for (i = 0; i < changes->n; i++) {
		c = &changes->items[i];
		if (c->kind == HLR_CHANGE_KEY) {
			assert_true(c->id_after > r->stored_id[c->key_id - 1]);
			r->stored_id[c->key_id - 1] = c->id_after;
			continue;
		}
		who = mobile_number(&c->after.perm);
		r->world->claims += is_insider(&c->after.perm);
		if (is_insider(&c->after.perm))
			continue;
		assert_int_equal(c->key_id, 0);
		assert_int_equal(c->after.key_id, who + 1);
		if (!roam_addr_is_none(&c->after.coa)) {
			said = truth(r->world, (unsigned int)who,
				     c->after.seq);
			assert_true(roam_addr_eq(&said.coa, &c->after.coa));
		}
		if (r->stored[who].seq && r->stored[who].expires > r->world->now)
			assert_true(c->after.seq >= r->stored[who].seq);
		r->stored[who] = c->after;
	}
}

static void reg_boot(struct reg *r, bool empty)
{
	unsigned int i;

	hlr_free(r->hlr);
	r->hlr = hlr_new(&(struct hlr_config){ LIFETIME, 300, 100,
					       .window = 60 });
	assert_non_null(r->hlr);
	if (empty)
		memset(r->stored, 0, sizeof(r->stored));
	for (i = 0; i < MOBILES; i++)
		if (r->stored[i].seq)
			assert_true(hlr_restore_mapping(r->hlr, &r->stored[i]));
	for (i = 0; i < INSIDER; i++)
		assert_true(hlr_restore_key(r->hlr, i + 1, r->stored_id[i]));
}

/* The register's cookie for a place: whoever is there reads it, nobody makes it. */
static void make_cookie(const struct roam_addr *coa, uint8_t cookie[16])
{
	unsigned int i;

	for (i = 0; i < 16; i++)
		cookie[i] = coa->b[i] ^ 0x5a;
}

static bool shows(void *ctx, const struct roam_addr *coa)
{
	const struct lr_msg *msg = ctx;
	uint8_t cookie[16];

	make_cookie(coa, cookie);
	return !memcmp(cookie, msg->cookie, sizeof(cookie));
}

static void reg_challenge(struct reg *r, const struct lr_msg *msg,
			  unsigned int n)
{
	struct lr_msg challenge = {
		.type = LR_CHALLENGE, .count = 1, .key_id = msg->key_id,
		.id = msg->id, .nonce = msg->nonce,
		.entries[0] = msg->entries[n],
	};

	make_cookie(&msg->entries[n].coa, challenge.cookie);
	post_msg(r->world, &r->addr, &msg->entries[n].coa, &challenge);
}

static void reg_receive(struct reg *r, const struct packet *p,
			const struct lr_msg *msg)
{
	struct hlr_changes changes = { 0 };
	struct roam_prefix own;
	struct hlr_rights rights = { .key_id = msg->key_id, .may_query = true };
	struct lr_msg reply;
	unsigned int challenge, i;

	if (r->down || !msg->key_id || msg->key_id > INSIDER)
		return;
	if (msg->key_id <= MOBILES || msg->key_id == INSIDER) {
		own = prefix(msg->key_id == INSIDER ? kind->insider :
			     kind->perms[msg->key_id - 1]);
		rights.permanent = &own;
		rights.n_permanent = 1;
	}
	if (hlr_input(r->hlr, &(struct hlr_request){
		.now = r->world->now,
		.wall = (uint64_t)(1700000000000 + r->world->now) * NS,
		.source = p->from, .rights = &rights, .msg = msg,
		.shows = shows, .ctx = (void *)msg,
	}, &reply, &changes, &challenge) == LR_DROP_NONE) {
		if (changes.n && r->world->failing_store &&
		    !roll(r->world, 4)) {
			hlr_undo(r->hlr, &changes);
			hlr_refuse(&reply);
			challenge = HLR_NO_CHALLENGE;
		}
		if (challenge != HLR_NO_CHALLENGE)
			reg_challenge(r, msg, challenge);
		reg_store(r, &changes);
		for (i = 0; kind->no_pairs && i < reply.count; i++)
			if (reply.entries[i].flags == LR_FLAG_KEY)
				reply.entries[i].status = LR_NONE;
		post_msg(r->world, &r->addr, &p->from, &reply);
	}
	hlr_changes_free(&changes);
}

/* World */

static void deliver(struct world *w, const struct packet *p)
{
	struct lr_msg msg;
	size_t covered;
	unsigned int i;

	assert_int_equal(lr_decode(p->data, p->len, &msg, &covered),
			 LR_DROP_NONE);
	w->delivered++;
	for (i = 0; i < REGS; i++)
		if (roam_addr_eq(&p->to, &w->regs[i].addr))
			reg_receive(&w->regs[i], p, &msg);
	for (i = 0; i < HOSTS; i++)
		if (roam_addr_eq(&p->to, &w->hosts[i].here))
			host_receive(&w->hosts[i], p, &msg);
}

static bool deliver_next(struct world *w)
{
	struct packet p;
	size_t i;

	for (i = 0; i < w->n_packets; i++) {
		if (w->packets[i].at > w->now)
			continue;
		p = w->packets[i];
		w->packets[i] = w->packets[--w->n_packets];
		deliver(w, &p);
		return true;
	}
	return false;
}

static msec_t earlier(msec_t a, msec_t b)
{
	return a < b ? a : b;
}

/* Everything that is due now; returns when something is due next. */
static msec_t settle(struct world *w)
{
	msec_t next = MSEC_NEVER;
	struct host *h;
	unsigned int i, j;

	while (deliver_next(w))
		;
	for (i = 0; i < HOSTS; i++) {
		h = &w->hosts[i];
		host_kernel_tick(h);
		next = earlier(next, corr_tick(h->corr, w->now));
		if (h->mobile)
			next = earlier(next, mobile_tick(h->mobile, w->now));
		for (j = 0; j < MOBILES; j++)
			if (h->maps[j].valid)
				next = earlier(next, h->maps[j].expires);
		if (h->insider.valid)
			next = earlier(next, h->insider.expires);
	}
	for (i = 0; i < REGS; i++)
		next = earlier(next, hlr_expire(w->regs[i].hlr, w->now, NULL,
						NULL));
	for (i = 0; i < w->n_packets; i++)
		next = earlier(next, w->packets[i].at);
	return next;
}

static void pass(struct world *w, msec_t ms)
{
	msec_t end = w->now + ms, next;

	for (;;) {
		next = settle(w);
		assert_true(next > w->now);
		if (next > end)
			break;
		w->now = next;
	}
	w->now = end;
}

static struct world *world_new(uint64_t seed)
{
	struct world *w = calloc(1, sizeof(*w));
	unsigned int i, j;

	w->seed = seed * 0x9e3779b97f4a7c15 + 1;
	w->now = 1000;
	w->delay = 20;
	for (i = 0; i < REGS; i++) {
		w->regs[i].world = w;
		w->regs[i].addr = addr(kind->reg_addrs[i]);
		reg_boot(&w->regs[i], true);
	}
	for (i = 0; i < HOSTS; i++) {
		w->hosts[i].world = w;
		w->hosts[i].number = i;
		w->hosts[i].perm = addr(kind->perms[i]);
		for (j = 0; j < HOSTS; j++)
			w->hosts[i].modes[j] = -1;
		host_boot(&w->hosts[i]);
	}
	w->hosts[2].here = addr(kind->perms[2]);
	return w;
}

static void world_free(struct world *w)
{
	unsigned int i;

	for (i = 0; i < HOSTS; i++) {
		mobile_free(w->hosts[i].mobile);
		corr_free(w->hosts[i].corr);
	}
	for (i = 0; i < REGS; i++)
		hlr_free(w->regs[i].hlr);
	free(w);
}

static struct roam_addr place(unsigned int host, unsigned int n)
{
	char text[ROAM_ADDR_STRLEN];

	snprintf(text, sizeof(text), kind->place, 2 + n, 10 + host);
	return addr(text);
}

/* Wherever it can go: a network, home, or nowhere. */
static void wander(struct world *w, struct host *h)
{
	static const struct roam_addr nowhere;
	struct roam_addr to = place(h->number, roll(w, PLACES));
	unsigned int n = roll(w, 10);

	host_move(h, n == 0 ? &h->perm : n == 1 ? &nowhere : &to);
}

/* Without a key: forged announces, confirms and answers, and old packets. */
static void attack(struct world *w)
{
	struct roam_addr evil = addr(kind->evil);
	struct host *victim = &w->hosts[roll(w, MOBILES)];
	struct host *target = &w->hosts[roll(w, HOSTS)];
	static const uint8_t types[] = { LR_ANNOUNCE, LR_CONFIRM, LR_ANSWER,
					 LR_ACK, LR_CHALLENGE };
	struct lr_msg msg = {
		.type = types[roll(w, 5)], .count = 1, .nonce = dice(w),
		.entries[0] = { .perm = victim->perm, .coa = evil,
				.seq = victim->own_seq + roll(w, 5),
				.lifetime = LIFETIME },
	};
	const struct packet *old = &w->past[roll(w, PAST)];

	post_msg(w, &evil, &target->here, &msg);
	if (old->len)
		post(w, &old->from, &old->to, old->data, old->len);
}

/*
 * The insider claims a place where a mobile host is, was or will be, with a source
 * that he forges or not, and somebody wants to talk to him.
 */
static void claim(struct world *w)
{
	struct host *victim = &w->hosts[roll(w, MOBILES)];
	struct roam_addr evil = addr(kind->evil), self = addr(kind->insider);
	struct roam_addr where = place(victim->number, roll(w, PLACES));
	struct lr_msg msg = {
		.type = roll(w, 4) ? LR_UPDATE : LR_ANNOUNCE, .count = 1,
		.key_id = INSIDER, .nonce = dice(w),
		.id = (uint64_t)(1700000000000 + w->now) * NS + ++w->insider_id,
		.entries[0] = { .perm = self, .coa = where,
				.seq = ++w->insider_id, .lifetime = LIFETIME },
	};
	struct host *target = &w->hosts[roll(w, HOSTS)];
	unsigned int i;

	if (roll(w, 2) && !roam_addr_is_none(&victim->here))
		msg.entries[0].coa = victim->here;
	if (msg.type == LR_ANNOUNCE) {
		msg.key_id = 0;
		post_msg(w, roll(w, 2) ? &msg.entries[0].coa : &evil,
			 &target->here, &msg);
		return;
	}
	for (i = 0; i < REGS; i++)
		post_msg(w, roll(w, 2) ? &msg.entries[0].coa : &evil,
			 &w->regs[i].addr, &msg);
	corr_miss(target->corr, w->now, &self);
}

static void random_act(struct world *w)
{
	struct host *h = &w->hosts[roll(w, HOSTS)];
	struct roam_addr a;
	unsigned int peer;

	switch (roll(w, 22)) {
	case 20: case 21:
		claim(w);
		break;
	case 0: case 1: case 2: case 3: case 4:
		if (h->mobile)
			wander(w, h);
		break;
	case 5:
		/* both at the same instant (OPEN-20) */
		wander(w, &w->hosts[0]);
		wander(w, &w->hosts[1]);
		break;
	case 6:
		host_restart(h);
		break;
	case 7:
		h->clock_offset = (int64_t)roll(w, 100000) - 50000;
		break;
	case 8:
		w->regs[roll(w, REGS)].down ^= true;
		break;
	case 9:
		reg_boot(&w->regs[roll(w, REGS)], !roll(w, 4));
		break;
	case 10:
		peer = (h->number + 1 + roll(w, HOSTS - 1)) % HOSTS;
		a = addr(kind->perms[peer]);
		h->modes[peer] = -1;
		if (h->mobile)
			mobile_forget(h->mobile, &h->perm, &a);
		break;
	case 11: case 12:
		attack(w);
		break;
	default:
		peer = (h->number + 1 + roll(w, HOSTS - 1)) % HOSTS;
		host_talk(h, peer);
	}
}

/* Every host has the newest place of both mobile hosts. */
static void assert_converged(const struct world *w)
{
	const struct roam_addr nowhere = { 0 };
	const struct host *h, *m;
	struct roam_addr wanted;
	unsigned int i, j;

	for (i = 0; i < HOSTS; i++) {
		for (j = 0; j < MOBILES; j++) {
			h = &w->hosts[i];
			m = &w->hosts[j];
			if (h == m)
				continue;
			wanted = roam_addr_eq(&m->here, &m->perm) ? nowhere :
								    m->here;
			assert_true(h->maps[j].valid);
			assert_int_equal(h->maps[j].seq, m->own_seq);
			assert_true(roam_addr_eq(&h->maps[j].coa, &wanted));
			if (!roam_addr_is_none(&wanted))
				assert_int_equal(h->maps[j].literal,
						 m->own_literal);
		}
	}
}

static void talk_all(struct world *w)
{
	unsigned int i, j;

	for (i = 0; i < HOSTS; i++)
		for (j = 0; j < HOSTS; j++)
			if (i != j)
				host_talk(&w->hosts[i], j);
}

static void count_host(void *ctx, const struct corr_status *st)
{
	(void)st;
	++*(unsigned int *)ctx;
}

static void count_peer(void *ctx, const struct mobile_peer_status *st)
{
	(void)st;
	++*(unsigned int *)ctx;
}

/* Nobody talks any more: all state goes, and the network falls silent. */
static void assert_no_leak(struct world *w)
{
	unsigned int i, j, n = 0;
	struct roam_addr a;

	for (i = 0; i < MOBILES; i++)
		mobile_deregister(w->hosts[i].mobile, w->now);
	pass(w, 700000);
	for (i = 0; i < HOSTS; i++) {
		corr_foreach(w->hosts[i].corr, count_host, &n);
		for (j = 0; j < HOSTS && w->hosts[i].mobile; j++) {
			a = addr(kind->perms[j]);
			mobile_forget(w->hosts[i].mobile, &w->hosts[i].perm,
				      &a);
		}
		if (w->hosts[i].mobile)
			mobile_foreach_peer(w->hosts[i].mobile, count_peer, &n);
	}
	for (i = 0; i < REGS; i++)
		n += (unsigned int)hlr_count(w->regs[i].hlr);
	assert_int_equal(n, 0);
	assert_int_equal(w->n_packets, 0);
	assert_true(settle(w) == MSEC_NEVER);
}

static void storm(uint64_t seed)
{
	struct world *w = world_new(seed);
	struct roam_addr a;
	unsigned int i, step;

	w->loss = 10 + (unsigned int)(seed % 3) * 15;
	w->twice = 10;
	w->delay = 150;
	w->failing_store = true;
	for (step = 0; step < 1500; step++) {
		random_act(w);
		pass(w, roll(w, 8) ? roll(w, 400) : roll(w, 20000));
	}

	/* the weather clears up */
	w->loss = 0;
	w->twice = 0;
	w->failing_store = false;
	for (i = 0; i < REGS; i++)
		w->regs[i].down = false;
	for (i = 0; i < MOBILES; i++) {
		a = place(i, PLACES + (unsigned int)(seed % 2));
		host_move(&w->hosts[i], &a);
	}
	/* who took us for plain learns it when its mapping ends */
	for (i = 0; i < 2 * LIFETIME; i++) {
		pass(w, 1000);
		talk_all(w);
	}
	pass(w, 1000);
	assert_converged(w);
	assert_no_leak(w);
	/* it was a storm indeed */
	assert_true(w->moves > 300);
	assert_true(w->claims > 2);
	assert_true(w->delivered > 2000);
	world_free(w);
}

static void any_weather(void **state)
{
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 12; seed++) {
		kind = &kinds[seed % N_KINDS];
		storm(seed);
	}
}

/* All talk to all and take part; then w->now is a quiet moment. */
static struct world *calm_world(const struct kind *of, uint64_t seed)
{
	struct world *w;
	unsigned int i, j;
	struct roam_addr a;

	kind = of;
	w = world_new(seed);
	for (i = 0; i < MOBILES; i++) {
		a = place(i, 0);
		host_move(&w->hosts[i], &a);
	}
	pass(w, 1000);
	/* TCP came in from each, so each is a known peer */
	talk_all(w);
	pass(w, 1000);
	for (i = 0; i < MOBILES; i++)
		for (j = 0; j < HOSTS; j++)
			if (i != j)
				assert_int_equal(w->hosts[i].modes[j],
						 PEER_ROAM);
	assert_converged(w);
	return w;
}

/* Everything is known everywhere @ms after a move. */
static void move_takes(const struct kind *of, msec_t ms)
{
	struct world *w = calm_world(of, 1);
	struct roam_addr a;

	/* what was given up or asked again before is over */
	pass(w, 5000);
	a = place(0, 1);
	host_move(&w->hosts[0], &a);
	pass(w, ms);
	assert_converged(w);
	assert_no_leak(w);
	world_free(w);
}

static void one_move_in_a_round_trip(void **state)
{
	(void)state;
	/* announce, query, answer: three ways of at most 20 ms, one asked again */
	move_takes(&(struct kind){ IPV4, .no_pairs = true }, 100);
	move_takes(&(struct kind){ IPV6, .no_pairs = true }, 100);
}

static void a_pair_key_is_proof(void **state)
{
	(void)state;
	move_takes(&(struct kind){ IPV4 }, 20);
	move_takes(&(struct kind){ IPV6 }, 20);
}

static void a_proof_needs_one_way(void **state)
{
	(void)state;
	move_takes(&(struct kind){ IPV4, .keyed = true }, 20);
	move_takes(&(struct kind){ IPV6, .keyed = true }, 20);
}

/* What the mobile host finds out in each network, everybody else follows. */
static void probing_finds_the_mode(void **state)
{
	struct world *w = calm_world(&(struct kind){ IPV4, .mode = MOBILE_PROBE },
				     7);
	struct host *h = &w->hosts[0];
	unsigned int n;
	struct roam_addr a;

	(void)state;
	for (n = 1; n < PLACES; n++) {
		a = place(0, n);
		host_move(h, &a);
		pass(w, 3000);
		assert_int_equal(h->own_literal, !filters(&a));
		assert_converged(w);
	}
	/* the daemon ends; the next one goes on in the same mode */
	a = place(0, 0);
	assert_false(filters(&a));
	host_move(h, &a);
	pass(w, 3000);
	assert_true(h->own_literal);
	host_restart(h);
	pass(w, 3000);
	assert_true(h->own_literal);
	assert_no_leak(w);
	world_free(w);
}

static void who_leaves_says_so(void **state)
{
	struct world *w = calm_world(&kinds[0], 5);
	unsigned int i;

	(void)state;
	pass(w, 5000);
	mobile_deregister(w->hosts[0].mobile, w->now);
	/* long before the mapping would end by itself */
	pass(w, 200);
	for (i = 1; i < HOSTS; i++) {
		assert_true(w->hosts[i].maps[0].valid);
		assert_true(roam_addr_is_none(&w->hosts[i].maps[0].coa));
	}
	world_free(w);
}

static void both_move_at_once(void **state)
{
	unsigned int round, i;
	struct roam_addr a;
	struct world *w;

	w = calm_world(*state, 2);
	for (round = 1; round <= 50; round++) {
		for (i = 0; i < MOBILES; i++) {
			a = place(i, round % PLACES);
			host_move(&w->hosts[i], &a);
		}
		/* long before the mappings would end */
		pass(w, 2000);
		assert_converged(w);
		assert_int_equal(w->hosts[0].modes[1], PEER_ROAM);
		assert_int_equal(w->hosts[1].modes[0], PEER_ROAM);
		/* the announces were confirmed in the end, not given up */
		assert_true(w->hosts[0].confirmed >= 2 * round);
		assert_true(w->hosts[1].confirmed >= 2 * round);
	}
	assert_no_leak(w);
	world_free(w);
}

static void first_register_is_down(void **state)
{
	struct world *w = calm_world(&kinds[0], 3);
	struct roam_addr a = place(0, 2);

	(void)state;
	w->regs[0].down = true;
	host_move(&w->hosts[0], &a);
	pass(w, 2500);
	assert_converged(w);
	/* and back with what it had: its old mapping wins nowhere */
	w->regs[0].down = false;
	w->regs[1].down = true;
	pass(w, 10000);
	a = place(0, 3);
	host_move(&w->hosts[0], &a);
	pass(w, 2500);
	assert_converged(w);
	assert_int_equal(corr_register_index(w->hosts[2].corr), 0);

	/* the preferred one fails, and is preferred again when it is back */
	w->regs[1].down = false;
	w->regs[0].down = true;
	a = place(0, 4);
	host_move(&w->hosts[0], &a);
	pass(w, 2500);
	assert_converged(w);
	assert_int_equal(corr_register_index(w->hosts[2].corr), 1);
	w->regs[0].down = false;
	pass(w, 20000);
	a = place(0, 5);
	host_move(&w->hosts[0], &a);
	pass(w, 100);
	assert_converged(w);
	assert_int_equal(corr_register_index(w->hosts[2].corr), 0);
	world_free(w);
}

static void register_comes_back_empty(void **state)
{
	struct world *w = calm_world(&kinds[0], 4);
	unsigned int i;

	(void)state;
	reg_boot(&w->regs[0], true);
	/* renewals fill it again before the lifetime is over */
	for (i = 0; i < LIFETIME; i++) {
		pass(w, 1000);
		talk_all(w);
	}
	assert_int_equal(hlr_count(w->regs[0].hlr), MOBILES);
	assert_converged(w);
	world_free(w);
}

/*
 * Time passes, and nothing moves. What a mobile host sends to a correspondent that
 * knows where it is, as far as its kernel knows, is not refused there.
 */
static void pass_and_watch(struct world *w, unsigned int seconds)
{
	msec_t end = w->now + seconds * 1000;
	const struct host *h;
	unsigned int i, j;

	while (w->now < end) {
		pass(w, 10);
		for (i = 0; i < HOSTS; i++) {
			for (j = 0; j < MOBILES; j++) {
				h = &w->hosts[i];
				if (i == j || w->hosts[j].modes[i] != PEER_ROAM)
					continue;
				assert_true(h->maps[j].valid);
				assert_true(h->maps[j].expires >= w->now);
				assert_true(roam_addr_eq(&h->maps[j].coa,
							 &w->hosts[j].here));
			}
		}
	}
}

/* Connections on which nobody says anything for a long time. */
static void nobody_is_forgotten(void **state)
{
	struct world *w = calm_world(*state, 5);
	unsigned int i;

	pass_and_watch(w, 10 * LIFETIME);
	reg_boot(&w->regs[0], true);
	pass_and_watch(w, 3 * LIFETIME);
	for (i = 0; i < HOSTS; i++)
		host_restart(&w->hosts[i]);
	pass_and_watch(w, 3 * LIFETIME);
	w->loss = 20;
	pass_and_watch(w, 10 * LIFETIME);
	w->loss = 0;
	/* no register, longer than all they said */
	w->regs[0].down = true;
	w->regs[1].down = true;
	pass_and_watch(w, 4 * LIFETIME);
	for (i = 0; i < MOBILES; i++)
		assert_int_equal(w->hosts[i].modes[HOSTS - 1], PEER_ROAM);
	/* much longer: then nothing is sent */
	pass_and_watch(w, 20 * LIFETIME);
	for (i = 0; i < MOBILES; i++)
		assert_int_equal(w->hosts[i].modes[HOSTS - 1], PEER_ANNOUNCED);
	w->regs[0].down = false;
	w->regs[1].down = false;
	pass_and_watch(w, LIFETIME);
	talk_all(w);
	pass_and_watch(w, 5);
	for (i = 0; i < MOBILES; i++)
		assert_int_equal(w->hosts[i].modes[HOSTS - 1], PEER_ROAM);
	assert_converged(w);
	assert_no_leak(w);
	world_free(w);
}

int main(void)
{
	static struct kind v4 = { IPV4 }, v6 = { IPV6 };
	static struct kind keyed = { IPV6, .keyed = true };
	const struct CMUnitTest tests[] = {
		{ .name = "MLR-38 OPEN-01: one move is known everywhere after a round trip",
		  .test_func = one_move_in_a_round_trip },
		{ .name = "OPEN-28: with a shared key a correspondent follows at once",
		  .test_func = a_proof_needs_one_way },
		{ .name = "OPEN-28: and so it does with a pair key of the register",
		  .test_func = a_pair_key_is_proof },
		{ .name = "OPEN-20 OPEN-21: both hosts move at once, again and again",
		  .test_func = both_move_at_once, .initial_state = &v4 },
		{ .name = "OPEN-01 OPEN-20 OPEN-21: the same over IPv6",
		  .test_func = both_move_at_once, .initial_state = &v6 },
		{ .name = "OPEN-20 OPEN-28: the same with a shared key",
		  .test_func = both_move_at_once, .initial_state = &keyed },
		{ .name = "OPEN-18 TEN-32: the mode is probed in each network, and everybody follows",
		  .test_func = probing_finds_the_mode },
		{ .name = "MLR-36: correspondents hear of a de-registration, too",
		  .test_func = who_leaves_says_so },
		{ .name = "MLR-10 OPEN-38: either register is down during a move, the preferred one comes back",
		  .test_func = first_register_is_down },
		{ .name = "MLR-38 OPEN-45: connections on which nothing is said are not forgotten",
		  .test_func = nobody_is_forgotten, .initial_state = &v4 },
		{ .name = "MLR-38 OPEN-01 OPEN-45: nor are they over IPv6, with a shared key",
		  .test_func = nobody_is_forgotten, .initial_state = &keyed },
		{ .name = "OPEN-38: a register that comes back empty fills up again",
		  .test_func = register_comes_back_empty },
		{ .name = "OPEN-28 OPEN-29 OPEN-45: storms of loss, moves, restarts and forgeries",
		  .test_func = any_weather },
	};

	table_set_key(1, 2);
	return cmocka_run_group_tests_name("lr_sim", tests, NULL, NULL);
}
