// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/mobile.h"

#include <stdlib.h>
#include <string.h>

#include "base/deadline.h"
#include "base/table.h"

#define MS 1000000		/* nanoseconds */
#define UNANSWERED_TRIES 3	/* then the user is told, once per outage */
#define DOUBT_TRIES 2		/* unanswered announces until the place of a peer is doubted */
#define MOVE_RETRY_MAX 1000	/* ms between announces to one peer */
#define FOLLOW_TRIES 3		/* announces that packets follow; who needs more waits for the confirm */
#define PROBE_TRIES 3		/* unanswered probes until the network is taken to filter */
#define RENEW_MIN 1000		/* ms between two renewals with one peer */

/**
 * struct probe - whether packets from a permanent address get through from here
 * @nonce: of the copies under way
 * @to: correspondent that is asked
 * @due: next copy, or the end of patience; MSEC_NEVER: none is under way
 * @tries: copies sent
 * @done: the answer for this place is known
 */
struct probe {
	uint64_t nonce;
	struct roam_addr to;
	msec_t due;
	unsigned int tries;
	bool done;
};

/**
 * struct own - one permanent address
 * @perm: the address
 * @coa: where it is, all zero for nowhere
 * @literal: its packets leave with @perm
 * @probe: how mode "probe" finds that out
 * @place: counts its care-of addresses, from 1
 * @seq: sequence of that registration
 * @settled: false after adoption, until mobile_set_coa() spoke for the first
 *	time: the kernel's state is known then, that of the registers is not
 * @moved: the peers have to hear of it still
 */
struct own {
	struct roam_addr perm;
	struct roam_addr coa;
	bool literal;
	struct probe probe;
	unsigned int place;
	uint64_t seq;
	bool settled;
	bool moved;
};

/**
 * struct registration - one permanent address at one register
 * @due: when it wants to be sent
 * @since: first message about the present state, for @took of events
 * @expires: when it ends at the register
 * @acked: sequence the register acknowledged
 * @tries: messages since @since without an acceptance
 * @status: last status of the register; LR_OK before the first
 */
struct registration {
	msec_t due;
	msec_t since;
	msec_t expires;
	uint64_t acked;
	unsigned int tries;
	uint8_t status;
};

/**
 * struct reg - one register
 *
 * One update at a time is outstanding, so that the identifications reach the
 * register in order and none refuses another (replay). It carries all that is
 * due; a move supersedes it.
 *
 * @config: its settings
 * @regs: by index of the permanent address
 * @order: index of its key's identifications
 * @msg: the outstanding update; copies of it are identical
 * @asked: whom each entry of @msg is about
 * @outstanding: @msg is waiting for its acknowledgement
 * @again: when @msg is repeated
 * @interval: from the last copy to the next
 * @unanswered: copies and messages since its last answer
 * @told: the user heard of that
 * @replayed: the last answer was "replay": another one is not followed at once
 */
struct reg {
	struct mobile_register config;
	struct registration *regs;
	size_t order;
	struct lr_msg msg;
	struct own *asked[LR_MAX_ENTRIES];
	bool outstanding;
	msec_t again;
	msec_t interval;
	unsigned int unanswered;
	bool told;
	bool replayed;
};

/**
 * struct order - identifications of one key, whichever register shares it. It
 *	outlives registers that come and go (OPEN-29)
 * @key_id: the key
 * @last_id: highest identification used or told
 */
struct order {
	uint32_t key_id;
	uint64_t last_id;
};

/**
 * struct peer_key - what names a correspondent
 * @perm: own permanent address
 * @addr: the correspondent
 */
struct peer_key {
	struct roam_addr perm;
	struct roam_addr addr;
};

/**
 * struct peer - one correspondent of one permanent address
 * @node: in mobile.peers, by @key
 * @by_nonce: in mobile.nonces, by @nonce, while @indexed
 * @next_act: in mobile.acts: next announce or end of patience
 * @newer: towards the most recently used one
 * @older: towards the one idle longest
 * @key: its name
 * @own: the permanent address
 * @key_id: of the key shared with it, a pair key among them, 0 for none
 * @pair: our key with the register that a pair key is made from
 * @mode: as the kernel knows it
 * @held: the kernel holds a packet for the answer
 * @announcing: an announce is outstanding, or @held waits for a care-of address
 * @current: it confirmed the present care-of address
 * @place: own.place that it confirmed last, whatever the sequence then; 0 for none
 * @indexed: @nonce can be found
 * @nonce: of the outstanding announce, the same in all copies
 * @sent_to: where the last copy went; its confirm comes from there
 * @since: when the first copy left
 * @again: when the next one leaves, MSEC_NEVER without a care-of address
 * @follow: when packets may follow the last one, MSEC_NEVER: not before the confirm
 * @give_up: end of patience
 * @renew: when it hears again that we are where we are, MSEC_NEVER: no need to
 * @ends: when it forgets us unless it does, MSEC_NEVER: it knows nothing
 * @interval: to the next copy
 * @tries: copies sent
 * @took: see struct mobile_peer_status
 */
struct peer {
	struct table_node node;
	struct table_node by_nonce;
	struct deadline next_act;
	struct peer *newer;
	struct peer *older;
	struct peer_key key;
	struct own *own;
	uint32_t key_id;
	uint32_t pair;
	enum peer_mode mode;
	bool held;
	bool announcing;
	bool current;
	unsigned int place;
	bool indexed;
	uint64_t nonce;
	struct roam_addr sent_to;
	msec_t since;
	msec_t again;
	msec_t follow;
	msec_t give_up;
	msec_t renew;
	msec_t ends;
	msec_t interval;
	unsigned int tries;
	msec_t took;
};

/**
 * struct mobile - the core
 * @config: settings; its lists are @regs, @owns and @keys instead
 * @lifetime: ms, the longest that was wanted or granted
 * @ops: the surroundings
 * @ctx: for @ops
 * @owns: permanent addresses
 * @n_owns: their number
 * @keys: keys shared with correspondents
 * @regs: registers
 * @n_regs: their number
 * @orders: one for each key that a register ever had
 * @n_orders: their number
 * @peers: struct peer by key
 * @nonces: those that announce, by nonce
 * @acts: when which peer needs something
 * @newest: most recently used peer
 * @oldest: the peer idle longest
 */
struct mobile {
	struct mobile_config config;
	msec_t lifetime;
	struct mobile_ops ops;
	void *ctx;
	struct own *owns;
	size_t n_owns;
	struct mobile_key *keys;
	struct reg *regs;
	size_t n_regs;
	struct order *orders;
	size_t n_orders;
	struct table peers;
	struct table nonces;
	struct deadlines acts;
	struct peer *newest;
	struct peer *oldest;
};

static bool is_away(const struct own *own)
{
	return !roam_addr_is_none(&own->coa);
}

/* OPEN-22 */
static bool is_home(const struct own *own)
{
	return roam_addr_eq(&own->perm, &own->coa);
}

static struct own *own_find(const struct mobile *mobile,
			    const struct roam_addr *perm)
{
	size_t i;

	for (i = 0; i < mobile->n_owns; i++)
		if (roam_addr_eq(&mobile->owns[i].perm, perm))
			return &mobile->owns[i];
	return NULL;
}

static void tell(struct mobile *mobile, const struct own *own,
		 struct mobile_event event)
{
	event.perm = own->perm;
	event.coa = own->coa;
	mobile->ops.event(mobile->ctx, &event);
}

/*
 * Higher than any sequence of this address, also across a restart: from the
 * wall clock in ms, unless that went back. Never the highest value: after that
 * nothing could be newer.
 */
static uint64_t next_seq(struct mobile *mobile, uint64_t last)
{
	uint64_t seq = mobile->ops.wallclock(mobile->ctx) / MS;

	if (seq <= last)
		seq = last + (last < UINT64_MAX - 1);
	return seq;
}

static uint64_t *last_id(struct mobile *mobile, const struct reg *reg)
{
	return &mobile->orders[reg->order].last_id;
}

static uint64_t next_id(struct mobile *mobile, const struct reg *reg)
{
	uint64_t id = mobile->ops.wallclock(mobile->ctx);
	uint64_t last = *last_id(mobile, reg);

	return id > last ? id : last + (last < UINT64_MAX);
}

static void fill_entry(const struct mobile *mobile, const struct own *own,
		       struct lr_entry *entry)
{
	*entry = (struct lr_entry){
		.perm = own->perm,
		.coa = own->coa,
		.seq = own->seq,
		.lifetime = mobile->config.lifetime,
	};
	if (is_home(own))
		entry->flags = LR_FLAG_AT_HOME;
	else if (own->literal)
		entry->flags = LR_FLAG_LITERAL;
}

static void set_own(struct mobile *mobile, const struct own *own)
{
	mobile->ops.set_own(mobile->ctx, &own->perm, &own->coa, own->seq,
			    own->literal);
}

/* Registers */

static struct registration *registration_of(const struct mobile *mobile,
					    const struct reg *reg,
					    const struct own *own)
{
	return &reg->regs[own - mobile->owns];
}

static void registration_restart(struct registration *r, msec_t now)
{
	r->due = now;
	r->since = now;
	r->tries = 0;
}

static void reg_send(struct mobile *mobile, struct reg *reg, msec_t now)
{
	unsigned int i;

	for (i = 0; i < reg->msg.count; i++)
		registration_of(mobile, reg, reg->asked[i])->tries++;
	reg->unanswered++;
	reg->again = now + reg->interval;
	mobile->ops.send(mobile->ctx, &reg->config.addr, reg->config.port,
			 &reg->msg);
}

/* A new message of everything that is due; false if nothing is. */
static bool reg_compose(struct mobile *mobile, struct reg *reg, msec_t now)
{
	struct lr_msg *msg = &reg->msg;
	struct registration *r;
	size_t i;

	msg->count = 0;
	for (i = 0; i < mobile->n_owns && msg->count < LR_MAX_ENTRIES; i++) {
		r = &reg->regs[i];
		if (r->due > now)
			continue;
		if (!r->tries)
			r->since = now;
		reg->asked[msg->count] = &mobile->owns[i];
		fill_entry(mobile, &mobile->owns[i],
			   &msg->entries[msg->count++]);
	}
	if (!msg->count)
		return false;
	msg->type = LR_UPDATE;
	msg->key_id = reg->config.key_id;
	msg->id = next_id(mobile, reg);
	msg->nonce = mobile->ops.random(mobile->ctx);
	*last_id(mobile, reg) = msg->id;
	reg->interval = mobile->config.retry;
	reg->outstanding = true;
	return true;
}

static void tell_unanswered(struct mobile *mobile, struct reg *reg, msec_t now)
{
	const struct registration *r;
	unsigned int i;

	if (reg->told || reg->unanswered < UNANSWERED_TRIES)
		return;
	reg->told = true;
	for (i = 0; i < reg->msg.count; i++) {
		r = registration_of(mobile, reg, reg->asked[i]);
		tell(mobile, reg->asked[i], (struct mobile_event){
			.type = MOBILE_UNANSWERED,
			.host = reg->config.addr,
			.tries = r->tries,
			.took = now - r->since,
		});
	}
}

static msec_t reg_tick(struct mobile *mobile, struct reg *reg, msec_t now)
{
	msec_t next = MSEC_NEVER;
	size_t i;

	if (reg->outstanding && reg->again <= now) {
		tell_unanswered(mobile, reg, now);
		reg->interval = min_time(reg->interval * 2,
					 mobile->config.retry_max);
		reg_send(mobile, reg, now);
	}
	if (!reg->outstanding && reg_compose(mobile, reg, now))
		reg_send(mobile, reg, now);
	if (reg->outstanding)
		return reg->again;
	for (i = 0; i < mobile->n_owns; i++)
		next = min_time(next, reg->regs[i].due);
	return next;
}

/* All registers are to hear of the present state of @own. */
static void registration_change(struct mobile *mobile, struct own *own,
				msec_t now)
{
	struct registration *r;
	struct reg *reg;

	for (reg = mobile->regs; reg < mobile->regs + mobile->n_regs; reg++) {
		r = registration_of(mobile, reg, own);
		registration_restart(r, is_away(own) ? now : MSEC_NEVER);
		reg->outstanding = false;
	}
}

/* Peers */

static struct peer *peer_of(struct table_node *node)
{
	return node ? container_of(node, struct peer, node) : NULL;
}

static struct peer *peer_find(const struct mobile *mobile,
			      const struct roam_addr *perm,
			      const struct roam_addr *addr)
{
	struct peer_key key = { .perm = *perm, .addr = *addr };

	return peer_of(table_find(&mobile->peers, &key));
}

static void peer_unindex(struct mobile *mobile, struct peer *peer)
{
	if (peer->indexed)
		table_remove(&mobile->nonces, &peer->by_nonce);
	peer->indexed = false;
}

/* Without memory its confirm is not found, and it ends as unanswered. */
static void peer_index(struct mobile *mobile, struct peer *peer)
{
	do {
		peer->nonce = mobile->ops.random(mobile->ctx);
	} while (table_find(&mobile->nonces, &peer->nonce));
	peer->indexed = table_insert(&mobile->nonces, &peer->by_nonce);
}

static void peer_unlink(struct mobile *mobile, struct peer *peer)
{
	if (peer->newer)
		peer->newer->older = peer->older;
	else
		mobile->newest = peer->older;
	if (peer->older)
		peer->older->newer = peer->newer;
	else
		mobile->oldest = peer->newer;
}

static void peer_link(struct mobile *mobile, struct peer *peer)
{
	peer->newer = NULL;
	peer->older = mobile->newest;
	if (peer->older)
		peer->older->newer = peer;
	else
		mobile->oldest = peer;
	mobile->newest = peer;
}

static void peer_free(struct mobile *mobile, struct peer *peer)
{
	deadline_clear(&mobile->acts, &peer->next_act);
	peer_unindex(mobile, peer);
	table_remove(&mobile->peers, &peer->node);
	peer_unlink(mobile, peer);
	free(peer);
}

static uint32_t key_for(const struct mobile *mobile,
			const struct roam_addr *addr)
{
	size_t i;

	for (i = 0; i < mobile->config.n_keys; i++)
		if (roam_prefix_contains(&mobile->keys[i].peers, addr))
			return mobile->keys[i].key_id;
	return 0;
}

/* It does not know where we are, as far as we know. */
static void peer_unlearn(struct peer *peer)
{
	peer->current = false;
	peer->renew = MSEC_NEVER;
	peer->ends = MSEC_NEVER;
}

/*
 * Most of a round trip earlier than the confirm. The kernel keeps a correspondent that was
 * not told yet after all from ending connections, and lets nothing more pass where
 * the confirm does not come.
 */
static void peer_follow(struct mobile *mobile, struct peer *peer)
{
	peer->follow = MSEC_NEVER;
	peer->mode = PEER_ANNOUNCED;
	mobile->ops.set_peer(mobile->ctx, &peer->key.perm, &peer->key.addr,
			     PEER_ANNOUNCED);
}

/*
 * It may have forgotten us: what it gets now it may refuse, as after a move that it
 * has not heard of yet.
 */
static void peer_forgets(struct mobile *mobile, struct peer *peer)
{
	peer_unlearn(peer);
	peer_follow(mobile, peer);
}

/* OPEN-32: beyond the limit the one idle longest gives way. Nobody renews it then. */
static void peer_evict(struct mobile *mobile)
{
	if (mobile->oldest->current)
		peer_forgets(mobile, mobile->oldest);
	peer_free(mobile, mobile->oldest);
}

static struct peer *peer_new(struct mobile *mobile, struct own *own,
			     const struct roam_addr *addr)
{
	struct peer *peer;

	if (mobile->peers.count && mobile->peers.count >= mobile->config.peers_max)
		peer_evict(mobile);
	if (!deadlines_reserve(&mobile->acts, mobile->peers.count + 1))
		return NULL;
	peer = calloc(1, sizeof(*peer));
	if (!peer)
		return NULL;
	peer->key = (struct peer_key){ .perm = own->perm, .addr = *addr };
	peer->own = own;
	peer->key_id = key_for(mobile, addr);
	peer->mode = PEER_SEEN;
	peer->renew = MSEC_NEVER;
	peer->ends = MSEC_NEVER;
	peer->took = -1;
	if (!table_insert(&mobile->peers, &peer->node)) {
		free(peer);
		return NULL;
	}
	peer_link(mobile, peer);
	return peer;
}

/* The peer of @perm at @addr, made the most recently used one, or NULL. */
static struct peer *peer_use(struct mobile *mobile,
			     const struct roam_addr *perm,
			     const struct roam_addr *addr)
{
	struct peer *peer = peer_find(mobile, perm, addr);
	struct own *own;

	if (peer) {
		peer_unlink(mobile, peer);
		peer_link(mobile, peer);
		return peer;
	}
	own = own_find(mobile, perm);
	return own && roam_addr_is_usable(addr) ? peer_new(mobile, own, addr) :
						  NULL;
}

static void peer_schedule(struct mobile *mobile, struct peer *peer)
{
	msec_t when = peer->ends;

	if (peer->announcing) {
		when = min_time(when, min_time(peer->again, peer->give_up));
		when = min_time(when, peer->follow);
	} else {
		when = min_time(when, peer->renew);
	}
	deadline_set(&mobile->acts, &peer->next_act, when);
}

/*
 * With key id 0 this is a hint; the register's answer makes the correspondent
 * believe it. With a key shared by both it is proof (OPEN-28).
 */
static struct lr_msg announcement(struct mobile *mobile,
				  const struct peer *peer)
{
	struct lr_msg msg = {
		.type = LR_ANNOUNCE,
		.count = 1,
		.key_id = peer->key_id,
		.id = mobile->ops.wallclock(mobile->ctx),
		.nonce = peer->nonce,
		.pair = peer->pair,
	};

	fill_entry(mobile, peer->own, &msg.entries[0]);
	return msg;
}

static enum mobile_proof proof_of(const struct peer *peer)
{
	if (!peer->key_id)
		return PROOF_REGISTER;
	return peer->key_id & LR_PAIR_KEY ? PROOF_PAIR : PROOF_PEER;
}

/* It confirmed some place of ours once. */
static bool takes_part(const struct peer *peer)
{
	return peer->mode == PEER_ROAM || peer->mode == PEER_ANNOUNCED;
}

static void peer_send(struct mobile *mobile, struct peer *peer, msec_t now)
{
	struct lr_msg msg = announcement(mobile, peer);

	peer->sent_to = peer->key.addr;
	if (mobile->ops.locate)
		peer->sent_to = mobile->ops.locate(mobile->ctx, &peer->key.addr,
						   peer->tries >= DOUBT_TRIES);
	peer->tries++;
	peer->again = now + peer->interval;
	peer->interval = min_time(peer->interval * 2, MOVE_RETRY_MAX);
	/* Proof moves at once what it knows of (OPEN-28). */
	if (peer->key_id && takes_part(peer) && peer->tries <= FOLLOW_TRIES &&
	    peer->place != peer->own->place)
		peer->follow = now + mobile->config.announce_lead;
	mobile->ops.send(mobile->ctx, &peer->sent_to, mobile->config.port,
			 &msg);
}

/* Starts to announce, or starts again with what is true now. */
static void peer_announce(struct mobile *mobile, struct peer *peer, msec_t now,
			  msec_t patience)
{
	peer->announcing = true;
	peer->renew = MSEC_NEVER;
	peer_unindex(mobile, peer);
	peer_index(mobile, peer);
	peer->sent_to = (struct roam_addr){ 0 };
	peer->since = now;
	peer->give_up = now + patience;
	peer->interval = mobile->config.announce_retry;
	peer->tries = 0;
	peer->again = MSEC_NEVER;
	peer->follow = MSEC_NEVER;
	if (is_away(peer->own))
		peer_send(mobile, peer, now);
	peer_schedule(mobile, peer);
}

static void peer_stop(struct mobile *mobile, struct peer *peer)
{
	peer->held = false;
	peer->announcing = false;
	peer_unindex(mobile, peer);
	peer_schedule(mobile, peer);
}

static void peer_plain(struct mobile *mobile, struct peer *peer, msec_t now)
{
	peer_unlearn(peer);
	peer_stop(mobile, peer);
	peer->mode = PEER_PLAIN;
	mobile->ops.set_peer(mobile->ctx, &peer->key.perm, &peer->key.addr,
			     PEER_PLAIN);
	tell(mobile, peer->own, (struct mobile_event){
		.type = MOBILE_PEER_PLAIN,
		.host = peer->key.addr,
		.tries = peer->tries,
		.took = now - peer->since,
	});
}

/* Mode "probe" */

static void probe_send(struct mobile *mobile, struct own *own,
		       const struct peer *peer, msec_t now)
{
	struct lr_msg msg = announcement(mobile, peer);
	struct probe *probe = &own->probe;

	msg.nonce = probe->nonce;
	msg.entries[0].flags = LR_FLAG_LITERAL;
	probe->to = peer->key.addr;
	probe->tries++;
	probe->due = now + (mobile->config.announce_retry << probe->tries);
	mobile->ops.probe(mobile->ctx, &own->perm, &peer->sent_to,
			  mobile->config.port, &msg);
}

/*
 * The first correspondent that confirmed this place is asked: what drops
 * foreign sources (RFC 2827) stands at our end of the path.
 */
static void probe_start(struct mobile *mobile, const struct peer *peer,
			msec_t now)
{
	struct own *own = peer->own;
	struct probe *probe = &own->probe;

	if (mobile->config.mode != MOBILE_PROBE || !mobile->ops.probe ||
	    probe->done || probe->due != MSEC_NEVER || own->literal ||
	    !is_away(own) || is_home(own))
		return;
	probe->nonce = mobile->ops.random(mobile->ctx);
	probe->tries = 0;
	probe_send(mobile, own, peer, now);
}

static void probe_end(struct mobile *mobile, struct own *own, bool passed)
{
	own->probe.due = MSEC_NEVER;
	own->probe.done = true;
	tell(mobile, own, (struct mobile_event){
		.type = passed ? MOBILE_LITERAL_OK : MOBILE_LITERAL_LOST,
		.host = own->probe.to,
		.tries = own->probe.tries,
	});
}

static void probe_act(struct mobile *mobile, struct own *own, msec_t now)
{
	const struct peer *peer = peer_find(mobile, &own->perm,
					    &own->probe.to);

	if (peer && own->probe.tries < PROBE_TRIES)
		probe_send(mobile, own, peer, now);
	else
		probe_end(mobile, own, false);
}

static msec_t probes_tick(struct mobile *mobile, msec_t now)
{
	msec_t next = MSEC_NEVER;
	struct own *own;

	for (own = mobile->owns; own < mobile->owns + mobile->n_owns; own++) {
		if (own->probe.due <= now)
			probe_act(mobile, own, now);
		next = min_time(next, own->probe.due);
	}
	return next;
}

/*
 * It forgets us @lifetime after it said so, which was later than our first word: what
 * leaves before @ends arrives in time. Renewed at two thirds, as with registers (D-18).
 */
static void peer_learned(struct peer *peer, msec_t now, msec_t lifetime)
{
	peer->current = true;
	peer->place = peer->own->place;
	peer->ends = peer->since + lifetime;
	peer->renew = max_time(now + RENEW_MIN,
			       peer->since + lifetime * 2 / 3);
}

static void peer_confirmed(struct mobile *mobile, struct peer *peer,
			   msec_t now, msec_t lifetime)
{
	bool news = !peer->current;

	peer_learned(peer, now, lifetime);
	peer_stop(mobile, peer);
	peer->mode = PEER_ROAM;
	mobile->ops.set_peer(mobile->ctx, &peer->key.perm, &peer->key.addr,
			     PEER_ROAM);
	if (news) {
		peer->took = now - peer->since;
		tell(mobile, peer->own, (struct mobile_event){
			.type = MOBILE_PEER_CONFIRMED,
			.host = peer->key.addr,
			.tries = peer->tries,
			.took = peer->took,
		});
	}
	probe_start(mobile, peer, now);
}

/*
 * Out of patience. Where no packet waits for the answer the mode stays: open
 * connections keep it, and the next move announces again.
 */
static void peer_give_up(struct mobile *mobile, struct peer *peer, msec_t now)
{
	if (peer->held) {
		peer_plain(mobile, peer, now);
		return;
	}
	/* Once more, and again, before what it knows ends. */
	if (peer->current)
		peer->renew = max_time(now + RENEW_MIN,
				       now + (peer->ends - now) / 3);
	peer_stop(mobile, peer);
	tell(mobile, peer->own, (struct mobile_event){
		.type = MOBILE_UNANSWERED,
		.host = peer->key.addr,
		.tries = peer->tries,
		.took = now - peer->since,
	});
}

static void peer_act(struct mobile *mobile, struct peer *peer, msec_t now)
{
	if (peer->ends <= now)
		peer_forgets(mobile, peer);
	if (peer->renew <= now && !peer->announcing)
		peer_announce(mobile, peer, now, mobile->config.move_time);
	if (!peer->announcing) {
		peer_schedule(mobile, peer);
		return;
	}
	if (peer->give_up <= now) {
		peer_give_up(mobile, peer, now);
		return;
	}
	if (peer->follow <= now)
		peer_follow(mobile, peer);
	if (peer->again <= now)
		peer_send(mobile, peer, now);
	peer_schedule(mobile, peer);
}

/*
 * MLR-36, MLR-37: everyone who talked to us, except who does not take part.
 * Without a care-of address only first contacts go on, waiting for one.
 */
static void peer_move(struct mobile *mobile, struct peer *peer, msec_t now)
{
	/* Not @ends: for the kernel, to be back at the same address is no move. */
	peer->current = false;
	peer->renew = MSEC_NEVER;
	if (peer->held)
		peer_announce(mobile, peer, now, mobile->config.announce_time);
	else if (peer->mode != PEER_PLAIN && is_away(peer->own))
		peer_announce(mobile, peer, now, mobile->config.move_time);
	else
		peer_stop(mobile, peer);
}

static void peers_move(struct mobile *mobile, msec_t now)
{
	struct table_iter iter = { 0 };
	struct peer *peer;
	size_t i;

	while ((peer = peer_of(table_next(&mobile->peers, &iter))))
		if (peer->own->moved)
			peer_move(mobile, peer, now);
	for (i = 0; i < mobile->n_owns; i++)
		mobile->owns[i].moved = false;
}

/* Another place, or the same with a sequence that everybody believes. */
static void own_changed(struct mobile *mobile, struct own *own, msec_t now,
			uint64_t seq)
{
	own->seq = seq;
	own->settled = true;
	own->moved = true;
	set_own(mobile, own);
	registration_change(mobile, own, now);
}

static msec_t regs_tick(struct mobile *mobile, msec_t now)
{
	msec_t next = MSEC_NEVER;
	size_t i;

	for (i = 0; i < mobile->n_regs; i++)
		next = min_time(next, reg_tick(mobile, &mobile->regs[i], now));
	return next;
}

/* Making and unmaking */

static void regs_free(struct reg *regs, size_t n)
{
	size_t i;

	for (i = 0; regs && i < n; i++)
		free(regs[i].regs);
	free(regs);
}

static bool same_register(const struct mobile_register *a,
			  const struct mobile_register *b)
{
	return a->port == b->port && a->key_id == b->key_id &&
	       roam_addr_eq(&a->addr, &b->addr);
}

/* One that was there keeps its state, another one is to hear of everything. */
static void reg_inherit(struct mobile *mobile, struct reg *reg, msec_t now)
{
	struct registration *regs = reg->regs;
	struct reg *old;
	size_t i;

	for (i = 0; i < mobile->n_regs; i++) {
		old = &mobile->regs[i];
		if (same_register(&old->config, &reg->config)) {
			*reg = *old;
			old->regs = regs;
			return;
		}
	}
	for (i = 0; i < mobile->n_owns; i++)
		regs[i].due = is_away(&mobile->owns[i]) ? now : MSEC_NEVER;
}

/* Room is the caller's. */
static size_t order_of(struct mobile *mobile, uint32_t key_id)
{
	size_t i;

	for (i = 0; i < mobile->n_orders; i++)
		if (mobile->orders[i].key_id == key_id)
			return i;
	mobile->orders[mobile->n_orders] = (struct order){ .key_id = key_id };
	return mobile->n_orders++;
}

bool mobile_set_registers(struct mobile *mobile, msec_t now,
			  const struct mobile_register *registers, size_t n)
{
	struct order *orders = realloc(mobile->orders, (mobile->n_orders + n +
							1) * sizeof(*orders));
	struct reg *regs = calloc(n + 1, sizeof(*regs));
	size_t i;

	if (orders)
		mobile->orders = orders;
	if (!regs || !orders) {
		free(regs);
		return false;
	}
	for (i = 0; i < n; i++) {
		regs[i].config = registers[i];
		regs[i].order = order_of(mobile, registers[i].key_id);
		regs[i].regs = calloc(mobile->n_owns + 1,
				      sizeof(*regs[i].regs));
		if (!regs[i].regs) {
			regs_free(regs, n);
			return false;
		}
	}
	for (i = 0; i < n; i++)
		reg_inherit(mobile, &regs[i], now);
	regs_free(mobile->regs, mobile->n_regs);
	mobile->regs = regs;
	mobile->n_regs = n;
	return true;
}

static bool owns_init(struct mobile *mobile)
{
	const struct mobile_config *config = &mobile->config;
	size_t i;

	mobile->n_owns = config->n_permanent;
	mobile->owns = calloc(mobile->n_owns + 1, sizeof(*mobile->owns));
	if (!mobile->owns)
		return false;
	for (i = 0; i < mobile->n_owns; i++) {
		mobile->owns[i].perm = config->permanent[i];
		mobile->owns[i].literal = config->mode == MOBILE_LITERAL;
		mobile->owns[i].probe.due = MSEC_NEVER;
		mobile->owns[i].place = 1;
		mobile->owns[i].settled = true;
	}
	return true;
}

static bool keys_init(struct mobile *mobile)
{
	const struct mobile_config *config = &mobile->config;

	mobile->keys = calloc(config->n_keys + 1, sizeof(*mobile->keys));
	if (mobile->keys && config->n_keys)
		memcpy(mobile->keys, config->keys,
		       config->n_keys * sizeof(*mobile->keys));
	return mobile->keys;
}

struct mobile *mobile_new(const struct mobile_config *config,
			  const struct mobile_ops *ops, void *ctx)
{
	struct mobile *mobile = calloc(1, sizeof(*mobile));

	if (!mobile)
		return NULL;
	mobile->config = *config;
	mobile->lifetime = (msec_t)config->lifetime * 1000;
	mobile->ops = *ops;
	mobile->ctx = ctx;
	table_init(&mobile->peers, table_key_offset(struct peer, node, key),
		   sizeof(struct peer_key));
	table_init(&mobile->nonces,
		   table_key_offset(struct peer, by_nonce, nonce),
		   sizeof(uint64_t));
	if (!owns_init(mobile) || !keys_init(mobile) ||
	    !mobile_set_registers(mobile, 0, config->registers,
				  config->n_registers)) {
		mobile_free(mobile);
		return NULL;
	}
	mobile->config.registers = NULL;
	mobile->config.permanent = NULL;
	mobile->config.keys = NULL;
	return mobile;
}

void mobile_free(struct mobile *mobile)
{
	if (!mobile)
		return;
	while (mobile->oldest)
		peer_free(mobile, mobile->oldest);
	table_fini(&mobile->peers);
	table_fini(&mobile->nonces);
	deadlines_fini(&mobile->acts);
	regs_free(mobile->regs, mobile->n_regs);
	free(mobile->orders);
	free(mobile->keys);
	free(mobile->owns);
	free(mobile);
}

void mobile_adopt_own(struct mobile *mobile, const struct roam_addr *perm,
		      const struct roam_addr *coa, uint64_t seq, bool literal)
{
	struct own *own = own_find(mobile, perm);

	if (!own)
		return;
	own->coa = *coa;
	own->literal = literal;
	own->probe.done = literal;
	own->seq = seq;
	own->settled = false;
}

void mobile_adopt_peer(struct mobile *mobile, const struct roam_addr *perm,
		       const struct roam_addr *peer, enum peer_mode mode)
{
	struct peer *p = peer_use(mobile, perm, peer);

	if (!p)
		return;
	p->mode = mode;
	p->current = mode == PEER_ROAM;
	p->place = p->current ? p->own->place : 0;
}

/* Inputs */

/* Another place: what the last one let through is no news of this one. */
static void own_move(struct mobile *mobile, struct own *own, msec_t now,
		     const struct roam_addr *coa)
{
	struct roam_addr old = own->coa;

	own->coa = *coa;
	own->place++;
	own->literal = mobile->config.mode == MOBILE_LITERAL;
	own->probe.done = false;
	own->probe.due = MSEC_NEVER;
	own_changed(mobile, own, now, next_seq(mobile, own->seq));
	tell(mobile, own, (struct mobile_event){
		.type = MOBILE_MOVED,
		.old_coa = old,
	});
}

/* A daemon before us was set to another mode. */
static bool other_mode(const struct mobile *mobile, const struct own *own)
{
	return mobile->config.mode != MOBILE_PROBE &&
	       own->literal != (mobile->config.mode == MOBILE_LITERAL);
}

/*
 * It is where it was when we started, but the registers may have forgotten, and nobody
 * wrote down until when the correspondents know.
 */
static void own_settle(struct mobile *mobile, struct own *own, msec_t now)
{
	struct table_iter iter = { 0 };
	struct peer *peer;

	own->settled = true;
	registration_change(mobile, own, now);
	while ((peer = peer_of(table_next(&mobile->peers, &iter)))) {
		if (peer->own != own || !peer->current)
			continue;
		peer->renew = now;
		peer->ends = now + mobile->config.move_time;
		peer_schedule(mobile, peer);
	}
}

void mobile_set_coa(struct mobile *mobile, msec_t now,
		    const struct roam_place *place)
{
	const struct roam_addr *coa;
	struct own *own;

	for (own = mobile->owns; own < mobile->owns + mobile->n_owns; own++) {
		coa = roam_place_for(place, &own->perm);
		if (!roam_addr_eq(&own->coa, coa) ||
		    (!own->settled && other_mode(mobile, own))) {
			own_move(mobile, own, now, coa);
		} else if (!own->settled) {
			own_settle(mobile, own, now);
		}
	}
	/* the registers first: the peers are going to ask them */
	regs_tick(mobile, now);
	peers_move(mobile, now);
}

bool mobile_restore(struct mobile *mobile, const struct roam_addr *perm)
{
	const struct own *own = own_find(mobile, perm);

	if (!own || !is_away(own))
		return false;
	set_own(mobile, own);
	return true;
}

void mobile_miss(struct mobile *mobile, msec_t now,
		 const struct roam_addr *perm, const struct roam_addr *peer)
{
	struct peer *p = peer_use(mobile, perm, peer);

	if (!p || p->held)
		return;
	/*
	 * One that took part before becomes plain by no silence: a packet sent
	 * to it before it knows where we are would end its connection.
	 */
	if (takes_part(p)) {
		if (!p->announcing)
			peer_announce(mobile, p, now, mobile->config.move_time);
		return;
	}
	p->held = true;
	peer_announce(mobile, p, now, mobile->config.announce_time);
}

void mobile_seen(struct mobile *mobile, msec_t now,
		 const struct roam_addr *perm, const struct roam_addr *peer)
{
	struct peer *p = peer_use(mobile, perm, peer);

	if (p && p->mode == PEER_SEEN && !p->announcing && is_away(p->own))
		peer_announce(mobile, p, now, mobile->config.move_time);
}

void mobile_forget(struct mobile *mobile, const struct roam_addr *perm,
		   const struct roam_addr *peer)
{
	struct peer *p = peer_find(mobile, perm, peer);

	if (p)
		peer_free(mobile, p);
}

/*
 * ICMP is easily forged, so it shortens only what would end as plain anyway;
 * a peer that took part before may just be restarting its daemon.
 */
void mobile_unreachable(struct mobile *mobile, msec_t now,
			const struct roam_addr *peer)
{
	struct peer *p;
	size_t i;

	for (i = 0; i < mobile->n_owns; i++) {
		p = peer_find(mobile, &mobile->owns[i].perm, peer);
		if (p && p->announcing && (p->held || p->mode == PEER_SEEN))
			peer_plain(mobile, p, now);
	}
}

static void note_lifetime(struct mobile *mobile, msec_t granted)
{
	if (granted <= mobile->lifetime)
		return;
	mobile->lifetime = granted;
	if (mobile->ops.remember)
		mobile->ops.remember(mobile->ctx, granted);
}

static void ack_granted(struct mobile *mobile, const struct reg *reg,
			struct own *own, const struct lr_entry *entry,
			msec_t now)
{
	struct registration *r = registration_of(mobile, reg, own);
	bool news = r->acked != own->seq || r->status != LR_OK;
	msec_t granted = (msec_t)entry->lifetime * 1000;

	r->acked = own->seq;
	r->status = LR_OK;
	r->expires = now + granted;
	r->due = now + granted * 2 / 3;		/* MLR-04, D-18 */
	note_lifetime(mobile, granted);
	if (news)
		tell(mobile, own, (struct mobile_event){
			.type = MOBILE_REGISTERED,
			.host = reg->config.addr,
			.tries = r->tries,
			.took = now - r->since,
		});
	r->tries = 0;
}

static void ack_refused(struct mobile *mobile, const struct reg *reg,
			struct own *own, uint8_t status, msec_t now)
{
	struct registration *r = registration_of(mobile, reg, own);

	r->due = now + (status == LR_LATER ? mobile->config.retry :
					     mobile->config.retry_max);
	if (r->status == status)
		return;
	r->status = status;
	tell(mobile, own, (struct mobile_event){
		.type = MOBILE_REFUSED,
		.host = reg->config.addr,
		.status = status,
		.tries = r->tries,
		.took = now - r->since,
	});
}

/*
 * The register holds a registration with our number or a higher one that is
 * not ours: our clock went back, or someone else has the same right. We are
 * here now, so go above it, everywhere, but not faster than by retry: two
 * hosts with one address shall not fight at full speed.
 */
static void ack_stale(struct mobile *mobile, const struct reg *reg,
		      struct own *own, const struct lr_entry *entry,
		      msec_t now)
{
	size_t i;

	ack_refused(mobile, reg, own, LR_STALE, now);
	if (entry->seq < own->seq || entry->seq >= UINT64_MAX - 1)
		return;
	own_changed(mobile, own, now, next_seq(mobile, entry->seq));
	for (i = 0; i < mobile->n_regs; i++)
		registration_of(mobile, &mobile->regs[i], own)->due =
			now + mobile->config.retry;
	peers_move(mobile, now);
}

/* The register told which identification it holds: go on from there, once. */
static void ack_replay(struct mobile *mobile, struct reg *reg, struct own *own,
		       const struct lr_msg *msg, msec_t now)
{
	struct registration *r = registration_of(mobile, reg, own);

	if (msg->id > *last_id(mobile, reg))
		*last_id(mobile, reg) = msg->id;
	r->due = reg->replayed ? now + mobile->config.retry : now;
}

static void ack_entry(struct mobile *mobile, struct reg *reg, struct own *own,
		      const struct lr_msg *msg, const struct lr_entry *entry,
		      msec_t now)
{
	switch (entry->status) {
	case LR_OK:
		if (entry->seq == own->seq && entry->lifetime)
			ack_granted(mobile, reg, own, entry, now);
		break;
	case LR_STALE:
		ack_stale(mobile, reg, own, entry, now);
		break;
	case LR_REPLAY:
		ack_replay(mobile, reg, own, msg, now);
		break;
	default:
		ack_refused(mobile, reg, own, entry->status, now);
	}
}

/* Our address @perm if the outstanding update was about it, or NULL. */
static struct own *asked(const struct reg *reg, const struct roam_addr *perm)
{
	unsigned int i;

	for (i = 0; i < reg->msg.count; i++)
		if (roam_addr_eq(&reg->asked[i]->perm, perm))
			return reg->asked[i];
	return NULL;
}

static bool is_replay(const struct lr_msg *msg)
{
	return msg->entries[0].status == LR_REPLAY;
}

static enum lr_drop input_ack(struct mobile *mobile, msec_t now,
			      const struct roam_addr *from,
			      const struct lr_msg *msg)
{
	struct own *own;
	struct reg *reg;
	unsigned int i;

	for (reg = mobile->regs; reg < mobile->regs + mobile->n_regs; reg++)
		if (reg->outstanding && reg->msg.nonce == msg->nonce &&
		    roam_addr_eq(&reg->config.addr, from))
			break;
	if (reg == mobile->regs + mobile->n_regs)
		return LR_DROP_UNASKED;
	if (!msg->key_id || msg->key_id != reg->config.key_id)
		return LR_DROP_KEY;
	if (msg->id != reg->msg.id && !is_replay(msg))
		return LR_DROP_UNASKED;
	reg->outstanding = false;
	reg->unanswered = 0;
	reg->told = false;
	/* what the answer leaves out is asked again, not at once */
	for (i = 0; i < reg->msg.count; i++)
		registration_of(mobile, reg, reg->asked[i])->due =
			now + mobile->config.retry;
	for (i = 0; i < msg->count; i++) {
		own = asked(reg, &msg->entries[i].perm);
		if (own)
			ack_entry(mobile, reg, own, msg, &msg->entries[i], now);
	}
	reg->replayed = is_replay(msg);
	reg_tick(mobile, reg, now);
	return LR_DROP_NONE;
}

/*
 * False if a confirm of this peer may not have the key that it has. A configured key
 * is asked for. A pair key is not: the correspondent may have lost it, or its register
 * has none. The last one it used is the one it knows, so that is remembered.
 */
static bool peer_take_key(struct peer *peer, const struct lr_msg *msg)
{
	if (proof_of(peer) == PROOF_PEER)
		return msg->key_id == peer->key_id;
	if (!(msg->key_id & LR_PAIR_KEY))
		return !msg->key_id;
	/* It is the key of one address; those of others have the same id. */
	if (msg->count > 1 ||
	    !roam_addr_eq(&msg->entries[0].perm, &peer->key.perm))
		return false;
	peer->key_id = msg->key_id;
	peer->pair = msg->pair;
	return true;
}

/*
 * Confirms carry no proof: they only say that the peer takes part. So no
 * sequence is taken over from them, "stale" and "later" mean try again.
 */
static void confirm_entry(struct mobile *mobile, struct peer *peer,
			  const struct lr_entry *entry, msec_t now)
{
	switch (entry->status) {
	case LR_OK:
		if (entry->seq == peer->own->seq)
			peer_confirmed(mobile, peer, now,
				       (msec_t)entry->lifetime * 1000);
		break;
	case LR_NONE:
	case LR_DENIED:
	case LR_FULL:
	case LR_CONFLICT:
		if (entry->seq == peer->own->seq)
			peer_plain(mobile, peer, now);
		break;
	case LR_LATER:
		peer->again = min_time(peer->again,
				       now + mobile->config.announce_retry);
		peer_schedule(mobile, peer);
		break;
	default:
		break;
	}
}

/*
 * A packet that left with the permanent address arrived. Everybody hears of
 * the other mode under a sequence of its own.
 */
static enum lr_drop probe_confirmed(struct mobile *mobile, msec_t now,
				    const struct roam_addr *from,
				    const struct lr_msg *msg)
{
	struct peer *peer;
	struct own *own;

	for (own = mobile->owns; own < mobile->owns + mobile->n_owns; own++)
		if (own->probe.due != MSEC_NEVER &&
		    own->probe.nonce == msg->nonce)
			break;
	if (own == mobile->owns + mobile->n_owns)
		return LR_DROP_UNASKED;
	peer = peer_find(mobile, &own->perm, &own->probe.to);
	if (!peer || !roam_addr_eq(&peer->sent_to, from) ||
	    !roam_addr_eq(&msg->entries[0].perm, &own->perm))
		return LR_DROP_UNASKED;
	if (!peer_take_key(peer, msg))
		return LR_DROP_KEY;
	if (msg->entries[0].status != LR_OK)
		return LR_DROP_NONE;
	probe_end(mobile, own, true);
	own->literal = true;
	own_changed(mobile, own, now, next_seq(mobile, own->seq));
	regs_tick(mobile, now);
	peers_move(mobile, now);
	return LR_DROP_NONE;
}

static enum lr_drop input_confirm(struct mobile *mobile, msec_t now,
				  const struct roam_addr *from,
				  const struct lr_msg *msg)
{
	struct table_node *node = table_find(&mobile->nonces, &msg->nonce);
	enum lr_drop drop = LR_DROP_UNASKED;
	struct peer *peer;
	unsigned int i;

	if (!node)
		return probe_confirmed(mobile, now, from, msg);
	peer = container_of(node, struct peer, by_nonce);
	if (!roam_addr_eq(&peer->sent_to, from))
		return drop;
	if (!peer_take_key(peer, msg))
		return LR_DROP_KEY;
	for (i = 0; i < msg->count && peer->announcing; i++) {
		if (!roam_addr_eq(&msg->entries[i].perm, &peer->key.perm))
			continue;
		drop = LR_DROP_NONE;
		confirm_entry(mobile, peer, &msg->entries[i], now);
	}
	return drop;
}

enum lr_drop mobile_input(struct mobile *mobile, msec_t now,
			  const struct roam_addr *from,
			  const struct lr_msg *msg)
{
	switch (msg->type) {
	case LR_ACK:
		return input_ack(mobile, now, from, msg);
	case LR_CONFIRM:
		return input_confirm(mobile, now, from, msg);
	default:
		return LR_DROP_ROLE;
	}
}

msec_t mobile_tick(struct mobile *mobile, msec_t now)
{
	struct deadline *act;
	msec_t next = min_time(regs_tick(mobile, now),
			       probes_tick(mobile, now));

	while ((act = deadlines_pop(&mobile->acts, now)))
		peer_act(mobile, container_of(act, struct peer, next_act), now);
	return min_time(next, deadlines_next(&mobile->acts));
}

/* The same place afterwards is a change again, so the address goes. */
static void own_leave(struct mobile *mobile, struct own *own)
{
	own->seq = next_seq(mobile, own->seq);
	own->coa = (struct roam_addr){ 0 };
	own->probe.due = MSEC_NEVER;
	own->moved = true;
}

static void reg_leave(struct mobile *mobile, struct reg *reg, msec_t now)
{
	size_t i;

	do {
		reg_compose(mobile, reg, now);
		for (i = 0; i < reg->msg.count; i++)
			reg->msg.entries[i].lifetime = 0;
		if (reg->msg.count)
			reg_send(mobile, reg, now);
		for (i = 0; i < reg->msg.count; i++)
			registration_of(mobile, reg, reg->asked[i])->due =
				MSEC_NEVER;
	} while (reg->msg.count);
	reg->outstanding = false;
}

/* Who knows where we were hears that we are there no more. */
static void peers_leave(struct mobile *mobile)
{
	struct table_iter iter = { 0 };
	const struct peer *peer;
	struct roam_addr to;
	struct lr_msg msg;

	while ((peer = peer_of(table_next(&mobile->peers, &iter)))) {
		if (!takes_part(peer))
			continue;
		msg = announcement(mobile, peer);
		msg.nonce = mobile->ops.random(mobile->ctx);
		msg.entries[0].lifetime = 0;
		to = peer->key.addr;
		if (mobile->ops.locate)
			to = mobile->ops.locate(mobile->ctx, &to, false);
		mobile->ops.send(mobile->ctx, &to, mobile->config.port, &msg);
	}
}

void mobile_deregister(struct mobile *mobile, msec_t now)
{
	size_t i, j;

	for (i = 0; i < mobile->n_owns; i++)
		own_leave(mobile, &mobile->owns[i]);
	for (i = 0; i < mobile->n_regs; i++) {
		for (j = 0; j < mobile->n_owns; j++)
			registration_restart(&mobile->regs[i].regs[j], now);
		reg_leave(mobile, &mobile->regs[i], now);
	}
	/* the registers first: the peers are going to ask them */
	peers_leave(mobile);
	peers_move(mobile, now);
}

/* What can be shown */

void mobile_foreach(const struct mobile *mobile,
		    void (*fn)(void *ctx, const struct mobile_status *st),
		    void *ctx)
{
	const struct registration *r;
	const struct own *own;
	const struct reg *reg;

	for (own = mobile->owns; own < mobile->owns + mobile->n_owns; own++) {
		for (reg = mobile->regs; reg < mobile->regs + mobile->n_regs;
		     reg++) {
			r = registration_of(mobile, reg, own);
			fn(ctx, &(struct mobile_status){
				.perm = own->perm,
				.coa = own->coa,
				.seq = own->seq,
				.reg = reg->config.addr,
				.literal = own->literal,
				.registered = is_away(own) &&
					      r->acked == own->seq,
				.expires = r->expires,
				.tries = r->tries,
				.last_status = r->status,
			});
		}
	}
}

void mobile_foreach_peer(const struct mobile *mobile,
			 void (*fn)(void *ctx,
				    const struct mobile_peer_status *st),
			 void *ctx)
{
	struct table_iter iter = { 0 };
	const struct peer *peer;

	while ((peer = peer_of(table_next(&mobile->peers, &iter))))
		fn(ctx, &(struct mobile_peer_status){
			.perm = peer->key.perm,
			.peer = peer->key.addr,
			.mode = peer->mode,
			.proof = proof_of(peer),
			.current = peer->current,
			.expires = peer->ends,
			.took = peer->took,
		});
}
