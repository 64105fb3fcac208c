// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The permanent addresses of the mobile host, and where they are. Who is told of
 * that is in registrar.c (registers) and mobile_peers.c (correspondents).
 */
#include <stdlib.h>
#include <string.h>

#include "core/mobile_private.h"

#define MS 1000000		/* nanoseconds */
#define UNPROVED_TRIES 3	/* then the user is told that no challenge arrives */
#define CONTESTS_FORGOTTEN 3600000	/* ms after which who had our address has gone */

struct own *mobile_own_find(const struct mobile *mobile,
			    const struct roam_addr *perm)
{
	size_t i;

	for (i = 0; i < mobile->n_owns; i++)
		if (roam_addr_eq(&mobile->owns[i].perm, perm))
			return &mobile->owns[i];
	return NULL;
}

void mobile_tell(struct mobile *mobile, const struct own *own,
		 struct mobile_event event)
{
	event.perm = own->perm;
	event.coa = own->coa;
	mobile->ops.event(mobile->ctx, &event);
}

/*
 * A sequence higher than any that this address had, also before a restart: it
 * is taken from the wall clock in ms, unless that went back. It is never the
 * highest value, since nothing could be newer after that.
 */
uint64_t mobile_next_seq(struct mobile *mobile, uint64_t last)
{
	uint64_t seq = mobile->ops.wallclock(mobile->ctx) / MS;

	if (seq <= last)
		seq = last + (last < UINT64_MAX - 1);
	return seq;
}

void mobile_fill_entry(const struct mobile *mobile, const struct own *own,
		       struct lr_entry *entry)
{
	*entry = (struct lr_entry){
		.perm = own->perm,
		.coa = own->coa,
		.seq = own->seq,
		.lifetime = mobile->config.lifetime,
	};
	if (own_is_home(own))
		entry->flags = LR_FLAG_AT_HOME;
	else if (own->literal)
		entry->flags = LR_FLAG_LITERAL;
}

static void set_own(struct mobile *mobile, const struct own *own)
{
	mobile->ops.set_own(mobile->ctx, &own->perm, &own->coa, own->seq,
			    own->literal);
}

/* The registers */

static size_t number_of(const struct mobile *mobile, const struct own *own)
{
	return own - mobile->owns;
}

static void send_update(void *ctx, const struct registrar_request *request)
{
	struct mobile *mobile = ctx;
	struct lr_msg msg = {
		.type = LR_UPDATE,
		.count = request->n,
		.key_id = request->to->key_id,
		.id = request->id,
		.nonce = request->nonce,
	};

	for (size_t i = 0; i < request->n; i++) {
		mobile_fill_entry(mobile, &mobile->owns[request->items[i]],
				  &msg.entries[i]);
		if (request->leaving)
			msg.entries[i].lifetime = 0;
	}
	if (request->proof)
		memcpy(msg.cookie, request->proof, sizeof(msg.cookie));
	mobile->ops.send(mobile->ctx, &request->to->addr, request->to->port,
			 &msg);
}

static void on_unanswered(void *ctx, const struct registrar_server *server,
			  size_t item, unsigned int tries, msec_t took)
{
	struct mobile *mobile = ctx;

	mobile_tell(mobile, &mobile->owns[item], (struct mobile_event){
		.type = MOBILE_UNANSWERED,
		.host = server->addr,
		.tries = tries,
		.took = took,
	});
}

static uint64_t random_bits(void *ctx)
{
	struct mobile *mobile = ctx;

	return mobile->ops.random(mobile->ctx);
}

static uint64_t wallclock(void *ctx)
{
	struct mobile *mobile = ctx;

	return mobile->ops.wallclock(mobile->ctx);
}

static const struct registrar_ops registrar_ops = {
	.send = send_update,
	.unanswered = on_unanswered,
	.random = random_bits,
	.wallclock = wallclock,
};

/* Another place, or the same with a sequence that everybody believes. */
void mobile_own_changed(struct mobile *mobile, struct own *own, msec_t now,
			uint64_t seq)
{
	own->seq = seq;
	own->settled = true;
	own->moved = true;
	set_own(mobile, own);
	registrar_change(mobile->registrar, now, number_of(mobile, own),
			 own_is_away(own));
}

/* Making and unmaking */

/* What register number @reg saw of @own in its place, all zero: nothing yet. */
static struct roam_addr *seen_of(const struct mobile *mobile,
				 const struct own *own, size_t reg)
{
	return &mobile->seen[number_of(mobile, own) * mobile->n_seen + reg];
}

/* What register @to, which may be one of those until now, saw of @own. */
static struct roam_addr seen_by(const struct mobile *mobile,
				const struct own *own,
				const struct registrar_server *to)
{
	const struct registrar_server *server;

	for (size_t reg = 0; reg < mobile->n_seen; reg++) {
		server = registrar_server(mobile->registrar, reg);
		if (server->port == to->port &&
		    roam_addr_eq(&server->addr, &to->addr))
			return *seen_of(mobile, own, reg);
	}
	return (struct roam_addr){ 0 };
}

bool mobile_set_registers(struct mobile *mobile, msec_t now,
			  const struct registrar_server *registers, size_t n)
{
	struct roam_addr *seen = calloc(mobile->n_owns * n + 1, sizeof(*seen));

	for (size_t i = 0; seen && i < mobile->n_owns * n; i++)
		seen[i] = seen_by(mobile, &mobile->owns[i / n],
				  &registers[i % n]);
	if (!seen || !registrar_set_servers(mobile->registrar, now, registers,
					    n)) {
		free(seen);
		return false;
	}
	free(mobile->seen);
	mobile->seen = seen;
	mobile->n_seen = n;
	return true;
}

static bool registrar_init(struct mobile *mobile)
{
	const struct registrar_config config = {
		.n_items = mobile->n_owns,
		.items_max = LR_MAX_ENTRIES,
		.retry = mobile->config.retry,
		.retry_max = mobile->config.retry_max,
	};

	mobile->registrar = registrar_new(&config, &registrar_ops, mobile);
	return mobile->registrar &&
	       mobile_set_registers(mobile, 0, mobile->config.registers,
				    mobile->config.n_registers);
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
	mobile_peers_init(mobile);
	if (!owns_init(mobile) || !keys_init(mobile) ||
	    !registrar_init(mobile)) {
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
	mobile_peers_free(mobile);
	registrar_free(mobile->registrar);
	free(mobile->seen);
	free(mobile->keys);
	free(mobile->owns);
	free(mobile);
}

void mobile_adopt_own(struct mobile *mobile, const struct roam_addr *perm,
		      const struct roam_addr *coa, uint64_t seq, bool literal)
{
	struct own *own = mobile_own_find(mobile, perm);

	if (!own)
		return;
	own->coa = *coa;
	own->literal = literal;
	own->probe.done = literal;
	own->seq = seq;
	own->settled = false;
	registrar_adopt(mobile->registrar, number_of(mobile, own),
			own_is_away(own));
}

/* Inputs */

/* What registers saw was another place. */
static void own_unseen(struct mobile *mobile, struct own *own)
{
	for (size_t reg = 0; reg < mobile->n_seen; reg++)
		*seen_of(mobile, own, reg) = (struct roam_addr){ 0 };
	own->translated = false;
}

/*
 * Whether packets with the permanent address as source get through is to be found out
 * again: each network has filters of its own.
 */
static void own_move(struct mobile *mobile, struct own *own, msec_t now,
		     const struct roam_addr *coa)
{
	struct roam_addr old = own->coa;

	own->coa = *coa;
	own->place++;
	own->literal = mobile->config.mode == MOBILE_LITERAL;
	own->probe.done = false;
	own->probe.due = MSEC_NEVER;
	own_unseen(mobile, own);
	mobile_own_changed(mobile, own, now, mobile_next_seq(mobile, own->seq));
	mobile_tell(mobile, own, (struct mobile_event){
		.type = MOBILE_MOVED,
		.old_coa = old,
	});
}

/* The daemon before this one was set to another mode. */
static bool other_mode(const struct mobile *mobile, const struct own *own)
{
	return mobile->config.mode != MOBILE_PROBE &&
	       own->literal != (mobile->config.mode == MOBILE_LITERAL);
}

/*
 * The address is where it was when this daemon started, but the registers may
 * have forgotten it, and nobody wrote down until when the correspondents know
 * it.
 */
static void own_settle(struct mobile *mobile, struct own *own, msec_t now)
{
	own->settled = true;
	registrar_change(mobile->registrar, now, number_of(mobile, own),
			 own_is_away(own));
	mobile_peers_doubt(mobile, own, now);
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
	registrar_tick(mobile->registrar, now);
	mobile_peers_move(mobile, now);
}

bool mobile_restore(struct mobile *mobile, const struct roam_addr *perm)
{
	const struct own *own = mobile_own_find(mobile, perm);

	if (!own || !own_is_away(own))
		return false;
	set_own(mobile, own);
	return true;
}

static void note_lifetime(struct mobile *mobile, msec_t granted)
{
	if (granted <= mobile->lifetime)
		return;
	mobile->lifetime = granted;
	if (mobile->ops.remember)
		mobile->ops.remember(mobile->ctx, granted);
}

/**
 * struct ack - the acknowledgement at hand
 * @msg: it
 * @reg: number of the register
 * @host: its address
 */
struct ack {
	const struct lr_msg *msg;
	size_t reg;
	struct roam_addr host;
};

static void tell_news(struct mobile *mobile, const struct own *own,
		      const struct ack *ack, struct registrar_news news,
		      enum mobile_event_type type, uint8_t status)
{
	if (!news.news)
		return;
	mobile_tell(mobile, own, (struct mobile_event){
		.type = type,
		.host = ack->host,
		.seen = ack->msg->source,
		.status = status,
		.tries = news.tries,
		.took = news.took,
	});
}

static void forget_contests(struct own *own, msec_t now)
{
	if (!own->contests || now - own->contested < CONTESTS_FORGOTTEN)
		return;
	own->contests = 0;
	memset(&own->other, 0, sizeof(own->other));
}

static void ack_granted(struct mobile *mobile, const struct ack *ack,
			struct own *own, const struct lr_entry *entry,
			msec_t now)
{
	msec_t granted = (msec_t)entry->lifetime * 1000;
	struct registrar_news news;

	news = registrar_granted(mobile->registrar, ack->reg,
				 number_of(mobile, own), now, own->seq,
				 granted);
	note_lifetime(mobile, granted);
	forget_contests(own, now);
	tell_news(mobile, own, ack, news, MOBILE_REGISTERED, LR_OK);
}

static void ack_refused(struct mobile *mobile, const struct ack *ack,
			const struct own *own, uint8_t status, msec_t now)
{
	msec_t delay = status == LR_LATER ? mobile->config.retry :
					    mobile->config.retry_max;
	struct registrar_news news;

	news = registrar_refused(mobile->registrar, ack->reg,
				 number_of(mobile, own), now, status, delay);
	tell_news(mobile, own, ack, news, MOBILE_REFUSED, status);
}

/*
 * Once may be our own past, as when this host was set up anew; again, it is another host
 * with our key and address.
 */
static void note_contest(struct mobile *mobile, const struct ack *ack,
			 struct own *own, const struct lr_entry *entry,
			 msec_t now)
{
	if (roam_addr_is_none(&entry->coa) ||
	    roam_addr_eq(&entry->coa, &own->coa))
		return;
	own->contests++;
	own->contested = now;
	if (own->contests < 2)
		return;
	own->other = entry->coa;
	mobile_tell(mobile, own, (struct mobile_event){
		.type = MOBILE_CONTESTED,
		.host = ack->host,
		.other = own->other,
	});
}

/*
 * The register holds a registration with our number or a higher one that is
 * not ours: our clock went back, or someone else has the same right. We are
 * here now, so go above it, everywhere, but not faster than by retry: two
 * hosts with one address shall not fight at full speed.
 */
static void ack_stale(struct mobile *mobile, const struct ack *ack,
		      struct own *own, const struct lr_entry *entry,
		      msec_t now)
{
	ack_refused(mobile, ack, own, LR_STALE, now);
	if (entry->seq < own->seq || entry->seq >= UINT64_MAX - 1)
		return;
	note_contest(mobile, ack, own, entry, now);
	mobile_own_changed(mobile, own, now,
			   mobile_next_seq(mobile, entry->seq));
	registrar_delay(mobile->registrar, number_of(mobile, own),
			now + mobile->config.retry);
	mobile_peers_move(mobile, now);
}

/*
 * The care-of address did not show itself, and a challenge is under way to it:
 * the register is of the other family, or another host has the address until now.
 */
static void ack_unproved(struct mobile *mobile, const struct ack *ack,
			 struct own *own, msec_t now)
{
	const struct registration *r = registrar_get(mobile->registrar,
						     ack->reg,
						     number_of(mobile, own));
	unsigned int doublings = min_time(r->tries, 10);
	struct registrar_news news;

	/* A challenge that arrives mends nothing where our packets change. */
	if (own->translated)
		registrar_disprove(mobile->registrar, ack->reg,
				   number_of(mobile, own));
	news = registrar_refused(mobile->registrar, ack->reg,
				 number_of(mobile, own), now, LR_UNPROVED,
				 min_time(mobile->config.retry << doublings,
					  mobile->config.retry_max));
	/* One answer like this is normal, as the challenge follows it. */
	news.news = !own->translated && r->tries == UNPROVED_TRIES;
	tell_news(mobile, own, ack, news, MOBILE_REFUSED, LR_UNPROVED);
}

/* Of the other family, or nothing, is no contradiction. */
static bool is_changed(const struct own *own, const struct roam_addr *seen)
{
	return !roam_addr_is_none(seen) &&
	       roam_addr_is_v4(seen) == roam_addr_is_v4(&own->coa) &&
	       !roam_addr_eq(seen, &own->coa);
}

static bool is_translated(const struct mobile *mobile, const struct own *own)
{
	if (!own_is_away(own) || own_is_home(own))
		return false;
	for (size_t reg = 0; reg < mobile->n_seen; reg++)
		if (is_changed(own, seen_of(mobile, own, reg)))
			return true;
	return false;
}

/*
 * Messages leave with the care-of address as source. If a register saw another
 * one of the same family, addresses are translated on the way to it, and may be
 * on that to correspondents: one that believed us would lose our connections
 * (OPEN-65). That is over when no register sees such an address any more.
 */
static void note_source(struct mobile *mobile, const struct ack *ack,
			struct own *own, msec_t now)
{
	bool before = own->translated;

	*seen_of(mobile, own, ack->reg) = ack->msg->source;
	own->translated = is_translated(mobile, own);
	if (own->translated && !before) {
		tell_news(mobile, own, ack,
			  (struct registrar_news){ .news = true },
			  MOBILE_TRANSLATED, LR_UNPROVED);
		mobile_peers_translated(mobile, own, now);
	} else if (before && !own->translated) {
		own->moved = true;
		mobile_peers_move(mobile, now);
	}
}

static void ack_entry(struct mobile *mobile, const struct ack *ack,
		      struct own *own, const struct lr_entry *entry,
		      msec_t now)
{
	switch (entry->status) {
	case LR_OK:
		if (entry->seq == own->seq && entry->lifetime)
			ack_granted(mobile, ack, own, entry, now);
		break;
	case LR_STALE:
		ack_stale(mobile, ack, own, entry, now);
		break;
	case LR_UNPROVED:
		ack_unproved(mobile, ack, own, now);
		break;
	case LR_REPLAY:
		/* The register told which identification it holds. */
		registrar_replayed(mobile->registrar, ack->reg,
				   number_of(mobile, own), now, ack->msg->id);
		break;
	default:
		ack_refused(mobile, ack, own, entry->status, now);
	}
}

static bool is_replay(const struct lr_msg *msg)
{
	return msg->entries[0].status == LR_REPLAY;
}

static enum lr_drop input_ack(struct mobile *mobile, msec_t now,
			      const struct roam_addr *from,
			      const struct lr_msg *msg)
{
	struct registrar *registrar = mobile->registrar;
	struct ack ack = { .msg = msg, .host = *from };
	const struct registrar_server *server;

	ack.reg = registrar_find(registrar, from, msg->nonce);
	if (ack.reg == REGISTRAR_NONE)
		return LR_DROP_UNASKED;
	server = registrar_server(registrar, ack.reg);
	if (!msg->key_id || msg->key_id != server->key_id)
		return LR_DROP_KEY;
	if (msg->id != registrar_request(registrar, ack.reg)->id &&
	    !is_replay(msg))
		return LR_DROP_UNASKED;
	registrar_answered(registrar, ack.reg, now);
	for (unsigned int i = 0; i < msg->count; i++) {
		struct own *own = mobile_own_find(mobile,
						  &msg->entries[i].perm);

		if (own && registrar_asked(registrar, ack.reg,
					   number_of(mobile, own))) {
			note_source(mobile, &ack, own, now);
			ack_entry(mobile, &ack, own, &msg->entries[i], now);
		}
	}
	registrar_done(registrar, ack.reg, now, is_replay(msg));
	return LR_DROP_NONE;
}

/*
 * The register sent this to the care-of address, and wants its cookie back. It may
 * come from another address than answers do, one of the care-of address's family.
 * Who has no key with us, or did not get our last request, cannot make us send one.
 */
static enum lr_drop input_challenge(struct mobile *mobile, msec_t now,
				    const struct lr_msg *msg)
{
	const struct lr_entry *entry = &msg->entries[0];
	const struct own *own = mobile_own_find(mobile, &entry->perm);
	struct registrar *registrar = mobile->registrar;
	size_t reg = registrar_find_last(registrar, msg->nonce);

	if (reg == REGISTRAR_NONE || !own || own->translated ||
	    entry->seq != own->seq ||
	    !roam_addr_eq(&entry->coa, &own->coa))
		return LR_DROP_UNASKED;
	if (!msg->key_id ||
	    msg->key_id != registrar_server(registrar, reg)->key_id)
		return LR_DROP_KEY;
	return registrar_prove(registrar, msg->nonce, number_of(mobile, own),
			       now, msg->cookie) ?
	       LR_DROP_NONE : LR_DROP_UNASKED;
}

enum lr_drop mobile_input(struct mobile *mobile, msec_t now,
			  const struct roam_addr *from,
			  const struct lr_msg *msg)
{
	switch (msg->type) {
	case LR_ACK:
		return input_ack(mobile, now, from, msg);
	case LR_CHALLENGE:
		return input_challenge(mobile, now, msg);
	case LR_CONFIRM:
		return mobile_confirm_input(mobile, now, from, msg);
	default:
		return LR_DROP_ROLE;
	}
}

msec_t mobile_tick(struct mobile *mobile, msec_t now)
{
	msec_t next = min_time(registrar_tick(mobile->registrar, now),
			       mobile_probes_tick(mobile, now));

	return min_time(next, mobile_peers_tick(mobile, now));
}

/*
 * The care-of address goes, so that the same place afterwards is a change
 * again.
 */
static void own_leave(struct mobile *mobile, struct own *own)
{
	own->seq = mobile_next_seq(mobile, own->seq);
	own->coa = (struct roam_addr){ 0 };
	own->probe.due = MSEC_NEVER;
	own_unseen(mobile, own);
	own->moved = true;
}

void mobile_deregister(struct mobile *mobile, msec_t now)
{
	size_t i;

	for (i = 0; i < mobile->n_owns; i++)
		own_leave(mobile, &mobile->owns[i]);
	/* the registers first: the peers are going to ask them */
	registrar_leave(mobile->registrar, now);
	mobile_peers_leave(mobile);
	mobile_peers_move(mobile, now);
}

/* What the control socket shows */

static void show(const struct mobile *mobile, const struct own *own,
		 size_t reg,
		 void (*fn)(void *ctx, const struct mobile_status *st),
		 void *ctx)
{
	const struct registration *r = registrar_get(mobile->registrar, reg,
						     number_of(mobile, own));

	fn(ctx, &(struct mobile_status){
		.perm = own->perm,
		.coa = own->coa,
		.seq = own->seq,
		.reg = registrar_server(mobile->registrar, reg)->addr,
		.literal = own->literal,
		.registered = own_is_away(own) && r->acked == own->seq,
		.expires = r->expires,
		.tries = r->tries,
		.last_status = r->status,
		.seen = *seen_of(mobile, own, reg),
		.translated = own->translated,
		.other = own->other,
	});
}

void mobile_foreach(const struct mobile *mobile,
		    void (*fn)(void *ctx, const struct mobile_status *st),
		    void *ctx)
{
	const struct own *own;

	for (own = mobile->owns; own < mobile->owns + mobile->n_owns; own++)
		for (size_t reg = 0; registrar_server(mobile->registrar, reg);
		     reg++)
			show(mobile, own, reg, fn, ctx);
}
