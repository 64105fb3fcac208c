// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any order of moves, contacts, replies and forgeries. Sequences and
 * identifications only rise, a peer takes part only after a confirm with the
 * nonce it was sent, the kernel keeps what it was told, and time goes on.
 */
#include "fuzz.h"

#include "core/mobile.h"
#include "base/table.h"

#define PEERS_MAX 3
#define KEY 9
#define LAST 4			/* messages that can still be answered */

struct world {
	struct mobile *mobile;
	msec_t now;
	uint64_t wall;
	uint64_t random;
	uint64_t own_seq[2];
	uint64_t id[2];
	struct lr_msg last[LAST];
	struct roam_addr last_to[LAST];
	unsigned int n_sent;
	bool confirming;
	bool paired;
	bool knows[4][256];	/* what the kernel was told of, by own address and peer */
	bool restoring;
	bool literal[2];
};

static struct roam_addr host(uint8_t net, uint8_t n)
{
	return (struct roam_addr){
		.b = { [10] = 0xff, [11] = 0xff, 10, net, 0, n },
	};
}

/* A key is shared with one of the peers. */
static bool is_partner(const struct roam_addr *addr)
{
	struct roam_addr partner = host(3, 1);

	return roam_addr_eq(addr, &partner);
}

static void on_send(void *ctx, const struct roam_addr *to, uint16_t port,
		    const struct lr_msg *msg)
{
	struct world *w = ctx;
	uint64_t *id;

	check(port == LR_PORT);
	check(could_arrive(msg));
	check(msg->type == LR_UPDATE || msg->type == LR_ANNOUNCE);
	if (msg->type == LR_UPDATE) {
		id = &w->id[to->b[15] - 1];
		/* saturates where a register told the highest one */
		check(msg->id >= *id);
		*id = msg->id;
	} else {
		check(is_partner(to) ? msg->key_id == KEY :
		      !msg->key_id ||
		      (w->paired && msg->key_id & LR_PAIR_KEY));
	}
	w->last[w->n_sent % LAST] = *msg;
	w->last_to[w->n_sent++ % LAST] = *to;
}

static void on_set_own(void *ctx, const struct roam_addr *perm,
		       const struct roam_addr *coa, uint64_t seq, bool literal)
{
	struct world *w = ctx;
	uint64_t *own = &w->own_seq[perm->b[15] - 1];

	/* only a packet that came through makes it literal */
	check(!literal || w->confirming || w->literal[perm->b[15] - 1]);
	w->literal[perm->b[15] - 1] = literal;
	if (w->restoring)
		check(!roam_addr_is_none(coa) && seq == *own);
	else
		check(seq > *own || *own >= UINT64_MAX - 1);
	*own = seq;
}

static void on_set_peer(void *ctx, const struct roam_addr *perm,
			const struct roam_addr *peer, enum peer_mode mode)
{
	struct world *w = ctx;

	bool *knows = &w->knows[perm->b[15] % 4][peer->b[15]];

	check(roam_addr_is_usable(peer));
	/* What it knew can be proved anew, or has ended. */
	check(mode == PEER_PLAIN || (mode == PEER_ROAM && w->confirming) ||
	      (mode == PEER_ANNOUNCED &&
	       (w->paired || is_partner(peer) || *knows)));
	*knows = mode == PEER_ROAM;
}

static void on_probe(void *ctx, const struct roam_addr *from,
		     const struct roam_addr *to, uint16_t port,
		     const struct lr_msg *msg)
{
	check(roam_addr_eq(from, &msg->entries[0].perm));
	check(msg->entries[0].flags == LR_FLAG_LITERAL);
	on_send(ctx, to, port, msg);
}

static uint64_t on_random(void *ctx)
{
	return ++((struct world *)ctx)->random;
}

static uint64_t on_wallclock(void *ctx)
{
	return ((struct world *)ctx)->wall;
}

static void on_event(void *ctx, const struct mobile_event *event)
{
	(void)ctx;
	check(event->took >= 0);
}

static const struct mobile_ops ops = {
	.send = on_send, .probe = on_probe, .set_own = on_set_own, .set_peer = on_set_peer,
	.random = on_random, .wallclock = on_wallclock, .event = on_event,
};

static struct mobile *make(struct world *w)
{
	struct registrar_server regs[2] = { { host(0, 1), LR_PORT, 1 },
					   { host(0, 2), LR_PORT, 1 } };
	struct roam_addr own[2] = { host(1, 1), host(1, 2) };

	struct mobile_key key = { KEY, { host(3, 1), 128 } };

	return mobile_new(&(struct mobile_config){
		.registers = regs, .n_registers = 2, .permanent = own,
		.keys = &key, .n_keys = 1, .mode = MOBILE_PROBE,
		.n_permanent = 2, .lifetime = 60, .port = LR_PORT,
		.retry = 500, .retry_max = 8000, .announce_retry = 100, .announce_lead = 5,
		.announce_time = 300, .move_time = 30000,
		.peers_max = PEERS_MAX,
	}, &ops, w);
}

/* A reply to one of the last messages, with some fields wrong. */
static void reply(struct world *w, struct input *in)
{
	unsigned int n = take(in) % LAST;
	struct roam_addr from = w->last_to[n];
	struct lr_msg msg = w->last[n];
	uint8_t wrong = take(in);
	unsigned int i;

	if (!msg.count)
		return;
	msg.type += 1;
	if (wrong & 64 && msg.type == LR_ACK) {
		msg.type = LR_CHALLENGE;
		msg.count = 1;
		msg.cookie[0] = take(in);
	}
	if (wrong & 128)
		msg.source = take_addr(in, 2);
	for (i = 0; i < msg.count; i++) {
		msg.entries[i].status = take(in) % (LR_STATUS_MAX + 1);
		if (take(in) % 4 == 0)
			msg.entries[i].seq += (uint64_t)take(in) << 56 |
					      take(in);
		msg.entries[i].lifetime = take(in);
	}
	if (wrong & 1)
		msg.nonce ^= 1ull << 60;
	if (wrong & 2)
		msg.id += (uint64_t)take(in) << 40;
	if (wrong & 4)
		msg.key_id = take(in) % 10;
	if (wrong & 8)
		from = take_addr(in, 0);
	if (wrong & 16)
		msg.entries[0].perm = host(1, take(in));
	if (wrong & 32) {
		msg.key_id = LR_PAIR_KEY | take(in) % 4;
		msg.pair = 1;
	}
	if (!could_arrive(&msg))
		return;
	w->paired |= msg.type == LR_CONFIRM && msg.key_id & LR_PAIR_KEY;
	w->confirming = msg.type == LR_CONFIRM && !(wrong & 1);
	mobile_input(w->mobile, w->now, &from, &msg);
	w->confirming = false;
}

/* Any of them, in any order. */
static void set_registers(struct world *w, struct input *in)
{
	struct registrar_server regs[2] = { { host(0, 1), LR_PORT, 1 },
					   { host(0, 2), LR_PORT, 1 } };
	unsigned int first = take(in) % 2;

	mobile_set_registers(w->mobile, w->now, &regs[first],
			     take(in) % (3 - first));
}

static void step(struct world *w, struct input *in)
{
	struct roam_addr perm = host(1, 1 + take(in) % 3), other;
	struct roam_place place = { 0 };

	switch (take(in) % 11) {
	case 0:
		place.v4 = take(in) % 8 ? take_addr(in, 2) : perm;
		mobile_set_coa(w->mobile, w->now, &place);
		break;
	case 8:
		w->restoring = true;
		mobile_restore(w->mobile, &perm);
		w->restoring = false;
		break;
	case 9:
		set_registers(w, in);
		break;
	case 1:
		other = take_addr(in, 3);
		mobile_miss(w->mobile, w->now, &perm, &other);
		break;
	case 2:
		other = take_addr(in, 3);
		mobile_seen(w->mobile, w->now, &perm, &other);
		break;
	case 3:
		other = take_addr(in, 3);
		mobile_forget(w->mobile, &perm, &other);
		break;
	case 4:
		other = take_addr(in, 3);
		mobile_unreachable(w->mobile, w->now, &other);
		break;
	case 5:
		w->wall = (uint64_t)take(in) << 56 | (uint64_t)take(in) << 30;
		break;
	case 6:
		w->now += take(in) * (take(in) & 1 ? 1 : 200);
		check(mobile_tick(w->mobile, w->now) > w->now);
		break;
	case 7:
		mobile_deregister(w->mobile, w->now);
		break;
	default:
		reply(w, in);
	}
}

static void count_peer(void *ctx, const struct mobile_peer_status *st)
{
	(void)st;
	++*(unsigned int *)ctx;
}

static void check_status(void *ctx, const struct mobile_status *st)
{
	(void)ctx;
	if (st->registered)
		check(!roam_addr_is_none(&st->coa));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct world w = { .now = 1000, .wall = 1000 };
	unsigned int n;

	table_set_key(1, 2);
	w.mobile = make(&w);
	while (in.left) {
		step(&w, &in);
		n = 0;
		mobile_foreach_peer(w.mobile, count_peer, &n);
		check(n <= PEERS_MAX);
		mobile_foreach(w.mobile, check_status, NULL);
	}
	mobile_free(w.mobile);
	return 0;
}
