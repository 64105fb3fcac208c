// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any order of packets, answers, announces and forgeries. The mapping moves
 * only by an answer of the asked register or by a proof for that address, and
 * never back; without a register's word it stays for a while; look-ups stay bounded;
 * time goes on.
 */
#include "fuzz.h"

#include "core/correspondent.h"
#include "base/table.h"

#define PENDING_MAX 3
#define HINTS_MAX 2
#define LAST 4			/* queries that can still be answered */
#define NULL_LIFETIME 10000
#define STAYS_MAX 30		/* as the core has it */

/**
 * enum trust - what may change a mapping now
 */
enum trust {
	NOBODY,
	REPEAT,			/* only what the kernel held already */
	REGISTER,
	PROOF,			/* for the first permanent address alone */
	PAIR,			/* for the address of the pair key, while it lasts */
};

struct held {
	bool valid;
	struct roam_addr coa;
	uint64_t seq;
	msec_t expires;
	bool vouched;		/* a register or a configured key put it there */
	msec_t stay_end;	/* 0: it did not stay since then */
};

struct world {
	struct corr *corr;
	msec_t now;
	uint64_t random;
	struct held held[6];
	struct lr_msg last[LAST];
	struct roam_addr last_to[LAST];
	unsigned int n_sent;
	enum trust trust;
	struct roam_addr pair;
	bool refuse;
	enum corr_proof proof;
};

static struct roam_addr host(uint8_t net, uint8_t n)
{
	return (struct roam_addr){
		.b = { [10] = 0xff, [11] = 0xff, 10, net, 0, n },
	};
}

static void on_send(void *ctx, const struct roam_addr *to, uint16_t port,
		    const struct lr_msg *msg)
{
	struct world *w = ctx;

	(void)port;
	check(could_arrive(msg));
	check(msg->type == LR_QUERY || msg->type == LR_CONFIRM);
	if (msg->type == LR_CONFIRM)
		return;
	check(msg->key_id == to->b[15]);
	w->last[w->n_sent % LAST] = *msg;
	w->last_to[w->n_sent++ % LAST] = *to;
}

/* True if the host only stays where it is, for which nobody has to be trusted. */
static bool stays(const struct world *w, struct held *h,
		  const struct roam_addr *coa, uint64_t seq, msec_t lifetime)
{
	if (!h->stay_end)
		h->stay_end = w->now + STAYS_MAX * NULL_LIFETIME;
	return h->vouched && seq == h->seq && roam_addr_eq(coa, &h->coa) &&
	       lifetime <= NULL_LIFETIME && w->now + lifetime <= h->stay_end;
}

static uint8_t on_set_mapping(void *ctx, const struct roam_addr *perm,
			      const struct roam_addr *coa, uint64_t seq,
			      msec_t lifetime, bool literal)
{
	struct world *w = ctx;
	struct held *h = &w->held[perm->b[15]];
	struct held next = {
		.valid = true, .coa = *coa, .seq = seq,
		.vouched = h->vouched, .stay_end = h->stay_end,
	};

	check(lifetime >= 0);
	check(!literal || !roam_addr_is_none(coa));
	if (w->proof == CORR_PROOF_REGISTER &&
	    (w->trust == PROOF || w->trust == PAIR))
		check(roam_addr_is_none(coa) || roam_addr_eq(coa, &h->coa));
	if (w->trust == REGISTER) {
		next.vouched = true;
		next.stay_end = 0;
	} else if (w->trust == REPEAT && h->valid && seq == h->seq) {
		check(roam_addr_eq(coa, &h->coa));
	} else if (w->trust == PROOF && seq > h->seq) {
		check(perm->b[15] == 1 && h->valid);
		next.vouched = true;
	} else if (w->trust == PAIR && seq > h->seq) {
		check(roam_addr_eq(perm, &w->pair));
		check(lifetime && w->now + lifetime <= h->expires);
		next.vouched = false;
	} else {
		check(stays(w, h, coa, seq, lifetime));
		next.stay_end = h->stay_end;
	}
	if (h->valid && h->expires > w->now)
		check(seq >= h->seq);
	if (w->refuse)
		return LR_LATER;
	next.expires = lifetime ? w->now + lifetime : MSEC_NEVER;
	*h = next;
	return LR_OK;
}

static uint64_t on_random(void *ctx)
{
	return ++((struct world *)ctx)->random;
}

static void on_event(void *ctx, const struct corr_event *event)
{
	(void)ctx;
	check(event->took >= 0);
}

static const struct corr_ops ops = {
	.send = on_send, .set_mapping = on_set_mapping, .random = on_random,
	.wallclock = on_random, .event = on_event,
};

static struct corr *make(struct world *w, size_t n_registers)
{
	struct corr_register registers[2] = { { host(0, 1), LR_PORT, 1 },
					      { host(0, 2), LR_PORT, 2 } };
	struct corr_key key = { 9, { host(1, 1), 128 } };

	return corr_new(&(struct corr_config){
		.registers = registers, .n_registers = n_registers,
		.keys = &key, .n_keys = 1, .timeout = 500, .tries = 3,
		.null_lifetime = NULL_LIFETIME, .prefer = 1000, .again = 50, .again_tries = 6,
		.announce_rate = 20, .pending_max = PENDING_MAX, .hints_max = HINTS_MAX,
		.hint_rate = 5, .proof = w->proof,
	}, &ops, w);
}

/* An answer to one of the last queries, with some fields wrong. */
static void answer(struct world *w, struct input *in)
{
	unsigned int n = take(in) % LAST;
	struct roam_addr from = w->last_to[n];
	struct lr_msg msg = w->last[n];
	uint8_t wrong = take(in);

	if (!msg.count)
		return;
	msg.type = LR_ANSWER;
	msg.entries[0].coa = take_addr(in, 2);
	msg.entries[0].seq = take(in) % 8;
	msg.entries[0].lifetime = take(in) % 16;
	msg.entries[0].status = take(in) % 4 ? LR_OK : take(in) % 9;
	msg.entries[0].flags = take(in) % 8 & LR_FLAGS;
	if (wrong & 1)
		msg.nonce ^= 1ull << 60;
	if (wrong & 2)
		msg.key_id = take(in) % 3;
	if (wrong & 4)
		from = take_addr(in, 0);
	if (wrong & 8)
		msg.entries[0].perm = host(1, 1 + take(in) % 5);
	if (wrong & 16)
		msg.entries[msg.count++] = msg.entries[0];
	if (wrong & 32) {
		msg.entries[msg.count] = msg.entries[0];
		msg.entries[msg.count].status = LR_OK;
		msg.entries[msg.count++].flags = LR_FLAG_KEY;
	}
	if (!could_arrive(&msg))
		return;
	w->trust = wrong & 1 || msg.key_id != from.b[15] ? NOBODY : REGISTER;
	if (w->trust == REGISTER && msg.entries[0].seq)
		w->held[msg.entries[0].perm.b[15]].stay_end = 0;
	corr_input(w->corr, w->now, &from, LR_PORT, &msg);
	w->trust = NOBODY;
}

/* Who could change a mapping by @msg, which the daemon verified. */
static enum trust trust_in(const struct world *w, const struct lr_msg *msg)
{
	const struct corr_pair *pair = corr_pair(w->corr,
						 &msg->entries[0].perm);

	if (msg->key_id == 9)
		return PROOF;
	return msg->key_id & LR_PAIR_KEY && msg->count == 1 && pair &&
	       pair->key_id == msg->key_id ? PAIR : NOBODY;
}

static void announce(struct world *w, struct input *in)
{
	struct roam_addr from = take_addr(in, 3);
	uint8_t key = take(in);
	struct lr_msg msg = {
		.type = LR_ANNOUNCE, .count = 1,
		.key_id = key & 1 ? 9 : key & 2 ? 1 :
			  key & 4 ? LR_PAIR_KEY | (1 + (key >> 3) % 2) : 0,
		.nonce = take(in),
	};
	unsigned int i;

	for (i = 0; i < msg.count; i++) {
		msg.entries[i].perm = take_addr(in, 1);
		msg.entries[i].coa = take_addr(in, 2);
		msg.entries[i].seq = take(in) % 8;
		msg.entries[i].lifetime = take(in) % 16;
		msg.entries[i].flags = take(in) % 8 & LR_FLAGS;
	}
	if (!could_arrive(&msg))
		return;
	if (key & 128)
		from = msg.entries[0].coa;
	/* From elsewhere nobody is moved, but home. */
	if (roam_addr_eq(&from, &msg.entries[0].coa) ||
	    roam_addr_is_none(&msg.entries[0].coa) || !msg.entries[0].lifetime ||
	    msg.entries[0].flags & LR_FLAG_AT_HOME)
		w->trust = trust_in(w, &msg);
	w->pair = msg.entries[0].perm;
	corr_input(w->corr, w->now, &from, LR_PORT, &msg);
	w->trust = NOBODY;
}

static void adopt(struct world *w, struct input *in,
		  const struct roam_addr *perm)
{
	struct held h = { true, take_addr(in, 2), take(in) % 8, 0, true, 0 };
	msec_t lifetime = take(in) * 50;

	h.expires = lifetime ? w->now + lifetime : MSEC_NEVER;
	w->held[perm->b[15]] = h;
	corr_adopt(w->corr, w->now, perm, &h.coa, h.seq, lifetime, false);
}

/* The kernel's mapping ends, or a late event tells of one that was replaced. */
static void expired(struct world *w, struct input *in,
		    const struct roam_addr *perm)
{
	struct held *h = &w->held[perm->b[15]];

	if (h->expires - w->now <= 1000 || h->expires == MSEC_NEVER)
		h->valid = false;
	corr_expired(w->corr, w->now, perm, take(in) * 200);
}

static void set_registers(struct world *w, struct input *in)
{
	struct corr_register registers[2] = { { host(0, 1), LR_PORT, 1 },
					      { host(0, 2), LR_PORT, 2 } };
	unsigned int first = take(in) % 2;

	corr_set_registers(w->corr, w->now, &registers[first],
			   take(in) % (3 - first));
}

static void step(struct world *w, struct input *in)
{
	struct roam_addr perm = host(1, 1 + take(in) % 5);

	switch (take(in) % 11) {
	case 0: case 1:
		w->trust = REPEAT;
		corr_miss(w->corr, w->now, &perm);
		w->trust = NOBODY;
		break;
	case 2:
		expired(w, in, &perm);
		break;
	case 3:
		corr_locate(w->corr, w->now, &perm, take(in) & 1);
		break;
	case 4:
		w->refuse = take(in) % 4 == 0;
		break;
	case 5:
		w->now += take(in) * (take(in) & 1 ? 1 : 50);
		check(corr_tick(w->corr, w->now) > w->now);
		break;
	case 6:
		announce(w, in);
		break;
	case 7:
		if (take(in) % 8 == 0)
			adopt(w, in, &perm);
		break;
	case 8:
		w->trust = REPEAT;
		corr_restore(w->corr, w->now, &perm);
		w->trust = NOBODY;
		break;
	case 9:
		set_registers(w, in);
		break;
	default:
		answer(w, in);
	}
}

static void count_pending(void *ctx, const struct corr_status *st)
{
	*(unsigned int *)ctx += st->pending;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct world w = { .now = 1000, .proof = size % 2 };
	unsigned int n;

	table_set_key(1, 2);
	w.corr = make(&w, take(&in) % 8 ? 2 : 0);
	while (in.left) {
		step(&w, &in);
		n = 0;
		corr_foreach(w.corr, count_pending, &n);
		check(n <= PENDING_MAX + HINTS_MAX);
	}
	corr_free(w.corr);
	return 0;
}
