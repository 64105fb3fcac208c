// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/correspondent.h"

#include <stdlib.h>
#include <string.h>

#include "base/deadline.h"
#include "base/table.h"

#define WAITERS_MAX 4		/* announces that wait for one look-up */
#define SOURCES 1024		/* slots of each rate limit, a power of two */
#define DOUBLINGS_MAX 10	/* of the interval to ask again */
#define SILENCE 1000		/* ms without questions after a failed look-up */
#define IDLE_MAX 30000		/* ms; an ended mapping busier than this is renewed */
#define STAYS_MAX 30		/* times a null_lifetime; so long without a register's word */
#define FIRST_USE 100		/* ms; the packets that asked for it are no use of it */
#define EXPIRED_SLACK 1000	/* ms the kernel's clock of a mapping may differ */
#define FORGOTTEN 1024		/* slots of hints that came to nothing, a power of two */
#define FORGOTTEN_TIME 5000	/* ms that one is not asked for again */
#define HINTS_OF_SOURCE 4	/* look-ups at once because of hints of one source */
#define HINTS_SHARE 4		/* of the questions because of hints, for one source */
#define HINT_WAIT 100		/* ms until a hint asks again that is beyond the rate */
#define DOUBT_TRIES 2		/* answers that a doubt gives a register to follow a pair key */
#define DOUBT 1000		/* ms between two doubts about who has a care-of address */

/**
 * struct waiter - an announce that waits for the register's answer
 * @from: who announced
 * @port: its port
 * @key_id: key of the announce, 0 = none; the confirm uses the same
 * @proved: the key is one that proves this address
 * @id: identification of the announce
 * @nonce: nonce of the announce
 * @entry: what it said
 * @tries: answers of the register that were behind it
 */
struct waiter {
	struct roam_addr from;
	uint16_t port;
	uint32_t key_id;
	bool proved;
	uint64_t id;
	uint64_t nonce;
	struct lr_entry entry;
	unsigned int tries;
};

/**
 * struct lookup - a question to the registers
 * @reg: register that is asked, index
 * @failed: registers given up since the last answer
 * @nonce: of the outstanding query
 * @outstanding: waiting for the answer; else waiting to ask again
 * @tries: copies sent of the outstanding query
 * @next: when to repeat, to go on to the next register, or to ask again
 * @since: when it started
 * @missed: the kernel holds a packet for the answer
 * @hint: nothing but announces without proof asked for it
 * @source: hash of the source of the newest one of these
 * @slot: its place in corr.hinted
 * @clocked: a register told its clock in this look-up
 * @behind: answers that were behind an announce by pair key which was believed
 * @doubted: another host shall be where this one is
 * @conflicts: answers that named a care-of address where another host is
 * @n_waiters: used ones of @waiters
 * @waiters: announces, oldest first
 */
struct lookup {
	size_t reg;
	size_t failed;
	uint64_t nonce;
	bool outstanding;
	unsigned int tries;
	msec_t next;
	msec_t since;
	bool missed;
	bool hint;
	uint64_t source;
	size_t slot;
	bool clocked;
	bool doubted;
	unsigned int behind;
	unsigned int conflicts;
	unsigned int n_waiters;
	struct waiter waiters[WAITERS_MAX];
};

/**
 * struct host - one permanent address that is known or asked for
 * @node: in corr.hosts, by @perm
 * @place: in corr.places, by @coa, while @placed
 * @act: in corr.acts
 * @perm: permanent address
 * @placed: it is the one that has its care-of address
 * @known: @coa, @seq and @expires are set and in the kernel
 * @coa: care-of address, all zero in a null mapping
 * @seq: sequence of the registration, 0 if the register never had one
 * @vouched: the newest sequence that a register, or a configured key, vouched for
 * @told: the sequence that the kernel has, which takes no lower one
 * @distrust: a sequence that a pair key proved and no register confirmed; no pair
 *	key is taken before a register says this or a higher one
 * @learned: when it was set
 * @expires: when it has to be asked again
 * @literal: its packets carry its permanent address
 * @pair: the pair key of its announces; its key_id is 0 for none
 * @stay_end: until when it may stay without a register's word, 0: that is not needed
 * @lookup: the look-up under way, or NULL
 * @silent_until: no questions before, after a failure; 0 = not silent
 * @doubted: when it was asked about because of somebody else
 */
struct host {
	struct table_node node;
	struct table_node place;
	struct deadline act;
	struct roam_addr perm;
	bool placed;
	bool known;
	struct roam_addr coa;
	uint64_t seq;
	uint64_t vouched;
	uint64_t told;
	uint64_t distrust;
	msec_t learned;
	msec_t expires;
	bool literal;
	struct corr_pair pair;
	msec_t stay_end;
	struct lookup *lookup;
	msec_t silent_until;
	msec_t doubted;
};

/**
 * struct source - rate limit of announces, a token bucket
 *
 * Shared by all sources that hash alike: bounded memory, and nobody can choose
 * whom to share with.
 * @thousandths: announces left, in thousandths
 * @filled: when it was filled last
 */
struct source {
	uint64_t thousandths;
	msec_t filled;
};

/**
 * enum allowance - whose announces are counted together
 *
 * No message of one kind is counted with those of another, so that nobody's
 * allowance ends because of messages that are easier to send.
 */
enum allowance {
	BY_HINT,		/* questions because of hints: by source */
	BY_SOURCE,		/* verified by no key: by source */
	BY_KEY_AND_SOURCE,	/* verified, but may be a copy: by key and source */
	BY_KEY,			/* newer than all before: by key */
	N_ALLOWANCES,
};

/**
 * struct forgotten - a hint that no register confirmed
 * @hash: of the permanent address and the source, which is the care-of address
 * @until: it is not asked for again before
 */
struct forgotten {
	uint64_t hash;
	msec_t until;
};

/**
 * struct trial - whether a register that failed works again (MLR-10)
 * @reg: the register, index
 * @nonce: of the query
 * @perm: whom it is about
 * @seq: the sequence known then
 * @outstanding: it was not answered yet
 * @next: no other one before
 */
struct trial {
	size_t reg;
	uint64_t nonce;
	struct roam_addr perm;
	uint64_t seq;
	bool outstanding;
	msec_t next;
};

/**
 * struct corr - the core
 * @config: settings; its lists are owned
 * @ops: the surroundings
 * @ctx: for @ops
 * @registers: the registers
 * @permanent: prefixes of permanent addresses
 * @keys: keys that prove an announce
 * @current: register that a look-up asks first (MLR-10)
 * @unanswered: all registers gave up the last look-up that ended
 * @trial: of one before it
 * @skews: nanoseconds that the clock of each register is ahead of ours
 * @hosts: struct host by permanent address
 * @places: those of them that are away, by care-of address: no two in one place
 * @acts: when which host needs something
 * @pending: hosts that are looked up or silent, but for hints
 * @hinted: hosts that are looked up for hints, room for hints_max of them
 * @hints: their number
 * @questions: rate limit of questions because of hints
 * @sources: rate limits, by hash of the source or key, or both
 * @forgotten: by hash
 */
struct corr {
	struct corr_config config;
	struct corr_ops ops;
	void *ctx;
	struct corr_register *registers;
	struct roam_prefix *permanent;
	struct corr_key *keys;
	size_t current;
	bool unanswered;
	struct trial trial;
	int64_t *skews;
	struct table hosts;
	struct table places;
	struct deadlines acts;
	size_t pending;
	struct host **hinted;
	size_t hints;
	struct source questions;
	struct source sources[N_ALLOWANCES][SOURCES];
	struct forgotten forgotten[FORGOTTEN];
};

/**
 * struct finding - what a register or a proof says about a permanent address
 * @coa: care-of address, all zero for none or at home
 * @seq: sequence of the registration, 0 if there never was one
 * @lifetime: ms
 * @literal: its packets carry its permanent address
 */
struct finding {
	struct roam_addr coa;
	uint64_t seq;
	msec_t lifetime;
	bool literal;
};

static void *copy_list(const void *list, size_t n, size_t size)
{
	void *copy = calloc(n + 1, size);

	if (copy && n)
		memcpy(copy, list, n * size);
	return copy;
}

struct corr *corr_new(const struct corr_config *config,
		      const struct corr_ops *ops, void *ctx)
{
	struct corr *corr = calloc(1, sizeof(*corr));

	if (!corr)
		return NULL;
	corr->config = *config;
	corr->ops = *ops;
	corr->ctx = ctx;
	table_init(&corr->hosts, table_key_offset(struct host, node, perm),
		   sizeof(struct roam_addr));
	table_init(&corr->places, table_key_offset(struct host, place, coa),
		   sizeof(struct roam_addr));
	corr->skews = calloc(config->n_registers + 1, sizeof(*corr->skews));
	corr->registers = copy_list(config->registers, config->n_registers,
				    sizeof(*corr->registers));
	corr->permanent = copy_list(config->permanent, config->n_permanent,
				    sizeof(*corr->permanent));
	corr->hinted = calloc(config->hints_max + 1, sizeof(struct host *));
	corr->keys = copy_list(config->keys, config->n_keys,
			       sizeof(*corr->keys));
	corr->config.registers = corr->registers;
	corr->config.permanent = corr->permanent;
	corr->config.keys = corr->keys;
	if (!corr->registers || !corr->permanent || !corr->keys ||
	    !corr->skews || !corr->hinted) {
		corr_free(corr);
		return NULL;
	}
	return corr;
}

static struct host *host_of(struct table_node *node)
{
	return node ? container_of(node, struct host, node) : NULL;
}

static struct host *host_find(const struct corr *corr,
			      const struct roam_addr *perm)
{
	return host_of(table_find(&corr->hosts, perm));
}

/* Who is at @coa, or NULL. */
static struct host *place_find(const struct corr *corr,
			       const struct roam_addr *coa)
{
	struct table_node *node = table_find(&corr->places, coa);

	return node ? container_of(node, struct host, place) : NULL;
}

static void place_leave(struct corr *corr, struct host *host)
{
	if (host->placed)
		table_remove(&corr->places, &host->place);
	host->placed = false;
}

/* The host is at @coa, which is nobody else's; all zero: nowhere but at home. */
static void place_take(struct corr *corr, struct host *host,
		       const struct roam_addr *coa)
{
	place_leave(corr, host);
	host->coa = *coa;
	if (!roam_addr_is_none(coa) && !place_find(corr, coa))
		host->placed = table_insert(&corr->places, &host->place);
}

static void host_unlearn(struct corr *corr, struct host *host)
{
	place_leave(corr, host);
	host->known = false;
}

static void host_free(struct corr *corr, struct host *host)
{
	place_leave(corr, host);
	deadline_clear(&corr->acts, &host->act);
	table_remove(&corr->hosts, &host->node);
	free(host->lookup);
	free(host);
}

void corr_free(struct corr *corr)
{
	struct table_iter iter = { 0 };
	struct host *host;

	if (!corr)
		return;
	while ((host = host_of(table_next(&corr->hosts, &iter))))
		host_free(corr, host);
	table_fini(&corr->hosts);
	table_fini(&corr->places);
	deadlines_fini(&corr->acts);
	free(corr->hinted);
	free(corr->skews);
	free(corr->registers);
	free(corr->permanent);
	free(corr->keys);
	free(corr);
}

static struct host *host_get(struct corr *corr, const struct roam_addr *perm)
{
	struct host *host = host_find(corr, perm);

	if (host)
		return host;
	if (!deadlines_reserve(&corr->acts, corr->hosts.count + 1))
		return NULL;
	host = calloc(1, sizeof(*host));
	if (!host)
		return NULL;
	host->perm = *perm;
	if (!table_insert(&corr->hosts, &host->node)) {
		free(host);
		return NULL;
	}
	return host;
}

/*
 * Each input about a host ends here: either the host is not needed any more and
 * goes, or its next deadline is set.
 */
static void host_settle(struct corr *corr, struct host *host)
{
	msec_t when = MSEC_NEVER;

	if (!host->known && !host->lookup && !host->silent_until) {
		host_free(corr, host);
		return;
	}
	/*
	 * The event of the kernel comes first, since it says whether the
	 * mapping was in use.
	 */
	if (host->known && host->expires != MSEC_NEVER)
		when = host->expires + EXPIRED_SLACK;
	if (host->lookup)
		when = min_time(when, host->lookup->next);
	if (host->silent_until)
		when = min_time(when, host->silent_until);
	deadline_set(&corr->acts, &host->act, when);
}

static void tell(struct corr *corr, const struct host *host,
		 struct corr_event event)
{
	event.perm = host->perm;
	corr->ops.event(corr->ctx, &event);
}

/* Return: as the operation does. */
static uint8_t set_mapping(struct corr *corr, struct host *host,
			   const struct finding *f)
{
	uint64_t seq = f->seq;
	uint8_t status;

	if (host->known && seq < host->told)
		seq = host->told;
	status = corr->ops.set_mapping(corr->ctx, &host->perm, &f->coa, seq,
				       f->lifetime, f->literal);
	if (status == LR_OK)
		host->told = seq;
	return status;
}

/*
 * The place that an entry tells; a host that is at home is nowhere else
 * (OPEN-22).
 */
static struct roam_addr place_of(const struct lr_entry *entry)
{
	if (entry->flags & LR_FLAG_AT_HOME || !entry->lifetime ||
	    roam_addr_eq(&entry->coa, &entry->perm))
		return (struct roam_addr){ 0 };
	return entry->coa;
}

static struct finding finding_of(const struct lr_entry *entry)
{
	struct finding found = {
		.coa = place_of(entry),
		.seq = entry->seq,
		.lifetime = (msec_t)entry->lifetime * 1000,
	};

	found.literal = entry->flags & LR_FLAG_LITERAL &&
			!roam_addr_is_none(&found.coa);
	return found;
}

static bool host_is_as_found(const struct host *host, msec_t now,
			     const struct finding *found)
{
	return host->known && host->seq == found->seq &&
	       host->literal == found->literal &&
	       host->expires == now + found->lifetime &&
	       roam_addr_eq(&host->coa, &found->coa);
}

static bool lookup_start(struct corr *corr, struct host *host, msec_t now,
			 const struct waiter *hint);

/*
 * Another host is where this one shall be. The register knows which of both
 * showed that it is there last, so it is asked about the one that is held; nobody
 * is right because he is older (SEC-01).
 */
static void holder_doubt(struct corr *corr, struct host *holder, msec_t now)
{
	if (holder->doubted && now - holder->doubted < DOUBT)
		return;
	holder->doubted = now;
	if (lookup_start(corr, holder, now, NULL))
		holder->lookup->doubted = true;
	host_settle(corr, holder);
}

/* Where somebody is whose time is over, nobody is. */
static bool place_is_taken(struct corr *corr, const struct host *host,
			   const struct roam_addr *coa, msec_t now)
{
	struct host *holder = place_find(corr, coa);

	if (!holder || holder == host)
		return false;
	if (holder->expires > now) {
		holder_doubt(corr, holder, now);
		return true;
	}
	host_unlearn(corr, holder);
	return false;
}

/*
 * The kernel is asked first: a mapping that it refused does not become known.
 * Return: as the kernel says; LR_UNFIT; LR_CONFLICT where another one is.
 */
static uint8_t host_learn(struct corr *corr, struct host *host, msec_t now,
			  const struct finding *found)
{
	uint8_t status;

	if (host_is_as_found(host, now, found))
		return LR_OK;
	if (!roam_addr_is_none(&found->coa)) {
		if (places_unfit(&corr->config.places, &found->coa))
			return LR_UNFIT;
		if (place_is_taken(corr, host, &found->coa, now))
			return LR_CONFLICT;
	}
	status = set_mapping(corr, host, found);
	if (status != LR_OK)
		return status;
	host->known = true;
	place_take(corr, host, &found->coa);
	host->seq = found->seq;
	host->learned = now;
	host->expires = now + found->lifetime;
	host->literal = found->literal;
	return LR_OK;
}

static void tell_learned(struct corr *corr, const struct host *host,
			 struct roam_addr old_coa, struct roam_addr who,
			 msec_t took)
{
	bool null = roam_addr_is_none(&host->coa);

	/* A host that is where it was before is no news. */
	if (!null && roam_addr_eq(&host->coa, &old_coa))
		return;

	tell(corr, host, (struct corr_event){
		.type = null ? CORR_NULL : CORR_MAPPED,
		.coa = host->coa,
		.old_coa = old_coa,
		.host = who,
		.took = took,
	});
}

/* @status: what host_learn() said */
static void tell_refused(struct corr *corr, const struct host *host,
			 const struct finding *found, struct roam_addr who,
			 uint8_t status)
{
	const char *why = places_unfit(&corr->config.places, &found->coa);
	bool unfit = status == LR_UNFIT;

	if (!why)
		why = "an address of this host, or otherwise nobody's by its module";
	tell(corr, host, (struct corr_event){
		.type = unfit ? CORR_UNFIT : CORR_CONFLICT,
		.coa = found->coa,
		.host = who,
		.why = unfit ? why : NULL,
	});
}

/* Confirms */

/*
 * @seq is the announced sequence, or the stored one with the status "stale",
 * which only those learn who prove that it is theirs. The care-of address is
 * always the announced one.
 */
static void confirm(struct corr *corr, const struct waiter *waiter,
		    uint8_t status, uint64_t seq, msec_t lifetime)
{
	const struct corr_pair *pair = corr_pair(corr, &waiter->entry.perm);
	struct lr_msg msg = {
		.type = LR_CONFIRM,
		.count = 1,
		.key_id = waiter->key_id,
		.id = waiter->id,
		.nonce = waiter->nonce,
	};

	/*
	 * The confirm carries the pair key if there is one by now, so that the
	 * mobile host learns that it can prove its next announce.
	 */
	if (msg.key_id ? msg.key_id & LR_PAIR_KEY : status == LR_OK)
		msg.key_id = pair ? pair->key_id : 0;
	if (status == LR_STALE && !waiter->proved) {
		status = LR_LATER;
		seq = waiter->entry.seq;
	}
	msg.source = waiter->from;
	msg.entries[0] = waiter->entry;
	msg.entries[0].seq = seq;
	msg.entries[0].status = status;
	msg.entries[0].lifetime = (uint32_t)min_time(lifetime / 1000,
						     UINT32_MAX);
	corr->ops.send(corr->ctx, &waiter->from, waiter->port, &msg);
}

static void confirm_refuse(struct corr *corr, const struct waiter *waiter,
			   uint8_t status)
{
	confirm(corr, waiter, status, waiter->entry.seq, 0);
}

/* Is the announced registration known here, whatever a register says? */
static bool host_knows(const struct host *host, const struct waiter *waiter,
		       msec_t now)
{
	return host->known && host->expires > now &&
	       host->seq == waiter->entry.seq;
}

/*
 * The announce is answered by what is known, which is not older than the
 * announce.
 */
static void confirm_known(struct corr *corr, const struct waiter *waiter,
			  const struct host *host, msec_t now)
{
	struct roam_addr place = place_of(&waiter->entry);
	struct waiter there = *waiter;

	if (!roam_addr_eq(&place, &host->coa)) {
		confirm(corr, waiter, LR_STALE, host->seq, 0);
		return;
	}
	/*
	 * The probe came with the permanent address as source, and a reply to
	 * that address might not arrive: it goes to the care-of address.
	 */
	if (roam_addr_eq(&waiter->from, &host->perm) &&
	    !roam_addr_is_none(&host->coa))
		there.from = host->coa;
	confirm(corr, &there, LR_OK, waiter->entry.seq, host->expires - now);
}

static struct roam_addr source_of(const struct roam_addr *from)
{
	struct roam_addr source = *from;

	/* That much is one host. */
	if (!roam_addr_is_v4(from))
		memset(source.b + 8, 0, 8);
	return source;
}

static uint64_t source_hash(const struct waiter *waiter)
{
	struct roam_addr source = source_of(&waiter->from);

	return table_hash(&source, sizeof(source));
}

static uint64_t hint_hash(const struct waiter *waiter)
{
	struct roam_addr both[2] = { waiter->entry.perm, waiter->from };

	return table_hash(both, sizeof(both));
}

/*
 * A hint came to nothing: its source is not believed about this address for a while.
 * That holds for no other address of its /64, where a neighbour may be the one
 * whom the hint was about; how much a /64 may ask is limited anyway.
 */
static void hint_forget(struct corr *corr, const struct waiter *waiter,
			msec_t now)
{
	uint64_t hash = hint_hash(waiter);

	if (!waiter->proved)
		corr->forgotten[hash % FORGOTTEN] = (struct forgotten){
			hash, now + FORGOTTEN_TIME,
		};
}

static bool hint_is_forgotten(const struct corr *corr,
			      const struct waiter *waiter, msec_t now)
{
	uint64_t hash = hint_hash(waiter);
	const struct forgotten *f = &corr->forgotten[hash % FORGOTTEN];

	return !waiter->proved && f->hash == hash && f->until > now;
}

/* Look-ups */

/*
 * The answer is no longer than the question, so the question has an entry for
 * the pair key as well where that is wanted.
 */
static void query(struct corr *corr, size_t index, uint64_t nonce,
		  const struct roam_addr *perm, bool key)
{
	const struct corr_register *reg = &corr->registers[index];
	struct lr_msg msg = {
		.type = LR_QUERY,
		.count = key ? 2 : 1,
		.key_id = reg->key_id,
		.id = corr->ops.wallclock(corr->ctx) +
		      (uint64_t)corr->skews[index],
		.nonce = nonce,
		.entries = { { .perm = *perm },
			     { .perm = *perm, .flags = LR_FLAG_KEY } },
	};

	corr->ops.send(corr->ctx, &reg->addr, reg->port, &msg);
}

/* The register takes no question of our clock: its own is the one that counts. */
static void take_clock(struct corr *corr, size_t index, const struct lr_msg *msg)
{
	corr->skews[index] = (int64_t)(msg->id -
				       corr->ops.wallclock(corr->ctx));
}

/*
 * While a look-up goes on, the registers before the one that is asked are tried
 * in turn: so no packet waits for a register that may still be down.
 */
static void trial_send(struct corr *corr, const struct host *host, msec_t now)
{
	struct trial *trial = &corr->trial;

	if (!corr->current || now < trial->next)
		return;
	trial->reg = trial->outstanding ? (trial->reg + 1) % corr->current : 0;
	trial->nonce = corr->ops.random(corr->ctx);
	trial->perm = host->perm;
	trial->seq = host->known ? host->vouched : 0;
	trial->outstanding = true;
	trial->next = now + corr->config.prefer;
	query(corr, trial->reg, trial->nonce, &host->perm, false);
}

static void lookup_send(struct corr *corr, const struct host *host, msec_t now)
{
	struct lookup *lookup = host->lookup;

	lookup->tries++;
	lookup->next = now + corr->config.timeout;
	query(corr, lookup->reg, lookup->nonce, &host->perm, true);
}

/* Takes one of @rate a second. */
static bool bucket_take(struct source *s, unsigned int rate, msec_t now)
{
	uint64_t full = (uint64_t)rate * 1000;
	uint64_t gained;

	/* an empty bucket is full again after a second */
	if (!s->filled || now - s->filled >= 1000) {
		s->thousandths = full;
	} else {
		gained = (uint64_t)(now - s->filled) * rate;
		s->thousandths = s->thousandths + gained > full ?
				 full : s->thousandths + gained;
	}
	s->filled = now;
	if (s->thousandths < 1000)
		return false;
	s->thousandths -= 1000;
	return true;
}

/* One source gets a share of the questions, so that others have some, too (SEC-04). */
static bool hint_may_ask(struct corr *corr, const struct lookup *lookup,
			 msec_t now)
{
	unsigned int rate = corr->config.hint_rate;

	return bucket_take(&corr->sources[BY_HINT][lookup->source % SOURCES],
			   rate / HINTS_SHARE + 1, now) &&
	       bucket_take(&corr->questions, rate, now);
}

/*
 * Each question has a nonce of its own, so that copies of earlier answers do
 * not count. What only hints ask for waits for its turn.
 */
static void lookup_ask(struct corr *corr, const struct host *host, msec_t now)
{
	struct lookup *lookup = host->lookup;

	if (lookup->hint && !hint_may_ask(corr, lookup, now)) {
		lookup->outstanding = false;
		lookup->next = now + HINT_WAIT;
		return;
	}
	lookup->nonce = corr->ops.random(corr->ctx);
	lookup->outstanding = true;
	lookup->tries = 0;
	lookup_send(corr, host, now);
	trial_send(corr, host, now);
}

static void hint_leave(struct corr *corr, struct lookup *lookup)
{
	struct host *last = corr->hinted[--corr->hints];

	corr->hinted[lookup->slot] = last;
	last->lookup->slot = lookup->slot;
	lookup->hint = false;
}

static void lookup_end(struct corr *corr, struct host *host)
{
	if (host->lookup->hint)
		hint_leave(corr, host->lookup);
	else
		corr->pending--;
	free(host->lookup);
	host->lookup = NULL;
}

/*
 * No register can tell about the address: either none answers, or one came back
 * empty and knows nobody until each mobile host renews its registration
 * (OPEN-38, OPEN-45). A host that was somewhere until now is still there: to
 * take it for a host that does not move would end its connections.
 */
static bool host_may_stay(const struct corr *corr, struct host *host,
			  msec_t now, struct finding *found)
{
	const msec_t step = corr->config.null_lifetime;
	msec_t left = host->known ? host->expires - now : 0;

	/*
	 * A host that was put there by nothing but a pair key rests on the word
	 * of somebody who may have lost the right.
	 */
	if (!host->seq || host->vouched != host->seq ||
	    roam_addr_is_none(&host->coa) || host->expires == MSEC_NEVER)
		return false;
	if (left < step && !host->stay_end)
		host->stay_end = now + STAYS_MAX * step;
	if (left < step)
		left = max_time(left, min_time(step, host->stay_end - now));
	if (left <= 0)
		return false;
	*found = (struct finding){
		.coa = host->coa,
		.seq = host->seq,
		.lifetime = left,
		.literal = host->literal,
	};
	return true;
}

static void host_silence(struct corr *corr, struct host *host, msec_t now)
{
	if (!host->silent_until)
		corr->pending++;
	host->silent_until = now + SILENCE;
}

/*
 * No register can tell. Where nothing is known of the address, the hold policy
 * of the kernel decides about the packets.
 */
static void lookup_fail(struct corr *corr, struct host *host, msec_t now)
{
	struct lookup *lookup = host->lookup;
	struct roam_addr place = { 0 };
	bool hint = lookup->hint;
	const struct waiter *w;
	struct finding found;

	corr->unanswered = corr->config.n_registers;
	if (host_may_stay(corr, host, now, &found))
		host_learn(corr, host, now, &found);
	for (w = lookup->waiters; w < lookup->waiters + lookup->n_waiters; w++)
		if (host_knows(host, w, now))
			confirm_known(corr, w, host, now);
		else
			confirm_refuse(corr, w, LR_LATER);
	if (host->known)
		place = host->coa;
	tell(corr, host, (struct corr_event){
		.type = CORR_NO_REGISTER,
		.coa = place,
		.took = now - lookup->since,
	});
	lookup_end(corr, host);
	/* What is silent takes room from look-ups that packets wait for. */
	if (!hint)
		host_silence(corr, host, now);
}

/*
 * The register that failed for one look-up is not the one that the next look-up
 * asks first (MLR-10).
 */
static void lookup_next_register(struct corr *corr, struct host *host,
				 msec_t now)
{
	struct lookup *lookup = host->lookup;
	size_t n = corr->config.n_registers;

	if (++lookup->failed >= n) {
		lookup_fail(corr, host, now);
		return;
	}
	if (corr->current == lookup->reg) {
		corr->current = (lookup->reg + 1) % n;
		corr->trial.next = now + corr->config.prefer;
	}
	lookup->reg = (lookup->reg + 1) % n;
	lookup_ask(corr, host, now);
}

static void lookup_act(struct corr *corr, struct host *host, msec_t now)
{
	struct lookup *lookup = host->lookup;

	if (!lookup->outstanding)
		lookup_ask(corr, host, now);
	else if (lookup->tries < corr->config.tries)
		lookup_send(corr, host, now);
	else
		lookup_next_register(corr, host, now);
}

/*
 * Somebody who counts wants the answer of a look-up that hints asked for; it is
 * one of the others from now on, if there is room.
 */
static void lookup_promote(struct corr *corr, struct host *host, msec_t now)
{
	struct lookup *lookup = host->lookup;

	if (!lookup->hint || corr->pending >= corr->config.pending_max)
		return;
	hint_leave(corr, lookup);
	corr->pending++;
	if (!lookup->outstanding && corr->config.n_registers)
		lookup_ask(corr, host, now);
}

static size_t hints_of(const struct corr *corr, uint64_t source)
{
	size_t i, n = 0;

	for (i = 0; i < corr->hints; i++)
		n += corr->hinted[i]->lookup->source == source;
	return n;
}

/* Ends a look-up of the source that has most, if that is more than @least. */
static bool hint_evict(struct corr *corr, size_t least, msec_t now)
{
	struct host *host = NULL;
	const struct waiter *w;
	size_t i, n;

	for (i = 0; i < corr->hints; i++) {
		n = hints_of(corr, corr->hinted[i]->lookup->source);
		if (n <= least)
			continue;
		least = n;
		host = corr->hinted[i];
	}
	if (!host)
		return false;
	for (w = host->lookup->waiters;
	     w < host->lookup->waiters + host->lookup->n_waiters; w++)
		if (host_knows(host, w, now))
			confirm_known(corr, w, host, now);
		else
			confirm_refuse(corr, w, LR_LATER);
	lookup_end(corr, host);
	host_settle(corr, host);
	return true;
}

/* Few hints of each source are looked up at once, and hints_max of all (SEC-04). */
static bool hint_has_room(struct corr *corr, const struct waiter *hint,
			  msec_t now)
{
	size_t has = hints_of(corr, source_hash(hint));

	if (has >= HINTS_OF_SOURCE || !corr->config.hints_max)
		return false;
	return corr->hints < corr->config.hints_max ||
	       hint_evict(corr, has + 1, now);
}

/*
 * True if a look-up is under way now; their number is bounded, that of those
 * which only hints ask for by itself (OPEN-32, SEC-04). @hint: the announce, if it
 * is no more than that, else NULL.
 */
static bool lookup_start(struct corr *corr, struct host *host, msec_t now,
			 const struct waiter *hint)
{
	struct lookup *lookup;

	if (host->lookup) {
		if (!hint)
			lookup_promote(corr, host, now);
		return true;
	}
	if (host->silent_until)
		return false;
	if (hint ? !hint_has_room(corr, hint, now) :
		   corr->pending >= corr->config.pending_max)
		return false;
	lookup = calloc(1, sizeof(*lookup));
	if (!lookup)
		return false;
	host->lookup = lookup;
	if (hint) {
		lookup->hint = true;
		lookup->source = source_hash(hint);
		lookup->slot = corr->hints;
		corr->hinted[corr->hints++] = host;
	} else {
		corr->pending++;
	}
	lookup->since = now;
	lookup->reg = corr->current;
	if (corr->config.n_registers)
		lookup_ask(corr, host, now);
	else
		lookup_fail(corr, host, now);
	return host->lookup != NULL;
}

static void waiter_remove(struct lookup *lookup, unsigned int i)
{
	lookup->n_waiters--;
	memmove(&lookup->waiters[i], &lookup->waiters[i + 1],
		(lookup->n_waiters - i) * sizeof(lookup->waiters[0]));
}

/*
 * The newest announce of each source waits. A new one is a reason to ask at
 * once where the look-up only waits to ask again: a forged one before it shall
 * not delay it.
 */
static void waiter_add(struct corr *corr, struct host *host, msec_t now,
		       const struct waiter *waiter)
{
	struct lookup *lookup = host->lookup;
	const struct waiter *w;
	unsigned int i;

	for (i = 0; i < lookup->n_waiters; i++) {
		w = &lookup->waiters[i];
		if (w->port != waiter->port ||
		    !roam_addr_eq(&w->from, &waiter->from))
			continue;
		if (w->nonce == waiter->nonce &&
		    w->entry.seq >= waiter->entry.seq)
			return;
		waiter_remove(lookup, i);
		break;
	}
	if (lookup->n_waiters == WAITERS_MAX)
		waiter_remove(lookup, 0);
	lookup->waiters[lookup->n_waiters++] = *waiter;
	lookup->source = source_hash(waiter);
	if (!lookup->outstanding && !lookup->conflicts)
		lookup_ask(corr, host, now);
}

/* The register does not have what was announced: false when patience ends. */
static bool waiter_again(struct corr *corr, const struct host *host,
			 struct waiter *waiter, msec_t now)
{
	if (++waiter->tries <= corr->config.again_tries)
		return true;
	confirm_refuse(corr, waiter, LR_LATER);
	hint_forget(corr, waiter, now);
	tell(corr, host, (struct corr_event){
		.type = CORR_UNPROVED,
		.coa = waiter->entry.coa,
		.old_coa = host->coa,
		.host = waiter->from,
		.took = now - host->lookup->since,
	});
	return false;
}

/*
 * Confirms the announce as @found says. @learned: what became of the mapping,
 * LR_OK for what is in the kernel. A conflict lasts until the register told
 * about the other host.
 */
static void waiters_answer(struct corr *corr, struct host *host, msec_t now,
			   const struct finding *found, uint8_t learned)
{
	struct lookup *lookup = host->lookup;
	struct waiter *w;
	unsigned int i = 0;

	while (i < lookup->n_waiters) {
		w = &lookup->waiters[i];
		if (host_knows(host, w, now) && found->seq <= host->seq) {
			confirm_known(corr, w, host, now);
		} else if (found->seq < w->entry.seq ||
		    (host->known && found->seq < host->seq)) {
			if (waiter_again(corr, host, w, now)) {
				i++;
				continue;
			}
		} else if (learned == LR_OK) {
			confirm_known(corr, w, host, now);
		} else if (learned == LR_CONFLICT &&
			   ++w->tries <= corr->config.again_tries) {
			i++;
			continue;
		} else {
			confirm_refuse(corr, w, learned);
			hint_forget(corr, w, now);
		}
		waiter_remove(lookup, i);
	}
}

static msec_t again_interval(const struct corr *corr,
			     const struct lookup *lookup)
{
	unsigned int i, doublings = DOUBLINGS_MAX;

	for (i = 0; i < lookup->n_waiters; i++)
		if (lookup->waiters[i].tries <= doublings)
			doublings = lookup->waiters[i].tries - 1;
	return corr->config.again << doublings;
}

/*
 * The register has an older registration than the one that nothing but a pair key
 * proved. A register that knows none may have come back empty (OPEN-38).
 */
static bool register_is_behind(const struct host *host,
			       const struct finding *found)
{
	return host->known && found->seq && found->seq < host->seq &&
	       host->vouched != host->seq;
}

/*
 * The register had time to follow a pair key and did not: whoever announced that
 * place never registered it, and may have left it. The register is right, and the
 * key proves nothing until the register says what it proved (SEC-01).
 */
static bool pair_is_refuted(const struct corr *corr, struct host *host,
			    const struct finding *found)
{
	struct lookup *lookup = host->lookup;
	unsigned int tries = lookup->doubted ? DOUBT_TRIES :
					       corr->config.again_tries;

	if (!register_is_behind(host, found) || ++lookup->behind <= tries)
		return false;
	host->distrust = host->seq;
	host->pair = (struct corr_pair){ 0 };
	return true;
}

/* Where the register says that it is, or nowhere but at home if another is there. */
static uint8_t learn_instead(struct corr *corr, struct host *host, msec_t now,
			     struct finding found)
{
	uint8_t learned = host_learn(corr, host, now, &found);

	if (learned != LR_CONFLICT)
		return learned;
	found.coa = (struct roam_addr){ 0 };
	found.literal = false;
	found.lifetime = min_time(found.lifetime, corr->config.null_lifetime);
	return host_learn(corr, host, now, &found);
}

/*
 * What a register says, unless it is older than what is known (OPEN-38). Of the same
 * registration it shortens nothing: the mobile host relies on what was confirmed.
 */
static uint8_t lookup_learn(struct corr *corr, struct host *host, msec_t now,
			 struct finding found)
{
	struct lookup *lookup = host->lookup;
	struct roam_addr reg = corr->registers[lookup->reg].addr;
	struct roam_addr old = host->known ? host->coa :
					     (struct roam_addr){ 0 };
	bool refuted = pair_is_refuted(corr, host, &found);
	uint8_t learned;

	if (host->known && found.seq < host->seq && !refuted)
		return LR_STALE;
	if (host->known && found.seq == host->seq &&
	    roam_addr_eq(&found.coa, &host->coa) &&
	    found.lifetime < host->expires - now)
		found.lifetime = host->expires - now;
	learned = refuted ? learn_instead(corr, host, now, found) :
			    host_learn(corr, host, now, &found);
	if (learned == LR_OK) {
		host->vouched = host->seq;
		tell_learned(corr, host, old, reg, now - lookup->since);
	} else if (learned != LR_CONFLICT ||
		   lookup->conflicts++ >= corr->config.again_tries) {
		tell_refused(corr, host, &found, reg, learned);
		host_silence(corr, host, now);
	}
	return learned;
}

/*
 * Packets to a host whose care-of address is no place to send to pass as if it
 * did not move: the kernel gets that instead of the question again and again.
 */
static void refuse_place(struct corr *corr, struct host *host, msec_t now,
			 uint64_t seq)
{
	struct finding none = {
		.seq = seq,
		.lifetime = corr->config.null_lifetime,
	};

	if (host->lookup->missed || host->known)
		host_learn(corr, host, now, &none);
}

static void lookup_found(struct corr *corr, struct host *host, msec_t now,
			 const struct finding *found)
{
	struct lookup *lookup = host->lookup;
	uint8_t learned = LR_STALE;

	/*
	 * A null mapping for nobody's packets is not wanted: announces with
	 * made up addresses shall not fill the kernel's table.
	 */
	if (found->seq || lookup->missed || host->known)
		learned = lookup_learn(corr, host, now, *found);
	waiters_answer(corr, host, now, found, learned);
	if (learned == LR_UNFIT)
		refuse_place(corr, host, now, found->seq);
	/* The packets wait until it is told who is in that place. */
	if (learned == LR_CONFLICT &&
	    lookup->conflicts <= corr->config.again_tries) {
		lookup->next = now + (corr->config.again <<
				      (lookup->conflicts - 1));
		return;
	}
	lookup->missed = false;
	if (lookup->n_waiters)
		lookup->next = now + again_interval(corr, lookup);
	else if (learned == LR_STALE && register_is_behind(host, found))
		lookup->next = now + (corr->config.again <<
				      min_time(lookup->behind - 1,
					       DOUBLINGS_MAX));
	else
		lookup_end(corr, host);
}

static struct finding answer_finding(const struct corr *corr,
				     struct host *host, msec_t now,
				     const struct lr_entry *entry)
{
	struct finding found = finding_of(entry);

	if (entry->seq && entry->seq >= host->seq)
		host->stay_end = 0;
	else if (!entry->seq && host_may_stay(corr, host, now, &found))
		return found;
	if (entry->status == LR_NONE || !entry->lifetime) {
		found.coa = (struct roam_addr){ 0 };
		found.literal = false;
		found.lifetime = corr->config.null_lifetime;
	}
	return found;
}

static void lookup_answer(struct corr *corr, struct host *host, msec_t now,
			  const struct lr_msg *msg,
			  const struct lr_entry *entry)
{
	struct lookup *lookup = host->lookup;
	struct finding found;

	lookup->outstanding = false;
	switch (entry->status) {
	case LR_OK:
	case LR_NONE:
		found = answer_finding(corr, host, now, entry);
		/* a trial may have found a better one meanwhile */
		if (lookup->reg < corr->current)
			corr->current = lookup->reg;
		lookup->failed = 0;
		lookup_found(corr, host, now, &found);
		break;
	case LR_REPLAY:
		if (!lookup->clocked) {
			take_clock(corr, lookup->reg, msg);
			lookup->clocked = true;
			lookup_ask(corr, host, now);
			break;
		}
		/* fallthrough */
	default:
		tell(corr, host, (struct corr_event){
			.type = CORR_REFUSED,
			.host = corr->registers[lookup->reg].addr,
			.status = entry->status,
			.took = now - lookup->since,
		});
		lookup_next_register(corr, host, now);
	}
}

/* Inputs from the kernel */

void corr_adopt(struct corr *corr, msec_t now, const struct roam_addr *perm,
		const struct roam_addr *coa, uint64_t seq, msec_t lifetime,
		bool literal)
{
	struct host *host = host_get(corr, perm);

	if (!host)
		return;
	host->known = true;
	place_take(corr, host, coa);
	host->seq = seq;
	host->vouched = seq;
	host->told = seq;
	host->literal = literal;
	host->learned = now;
	/* one without end was set by hand, the kernel tells when it goes */
	host->expires = lifetime > 0 ? now + lifetime : MSEC_NEVER;
	host_settle(corr, host);
}

static void ask_for_packets(struct corr *corr, struct host *host, msec_t now)
{
	bool waiting = host->lookup && !host->lookup->outstanding;

	if (lookup_start(corr, host, now, NULL)) {
		host->lookup->missed = true;
		if (waiting && !host->lookup->outstanding)
			lookup_ask(corr, host, now);
	}
	host_settle(corr, host);
}

static bool host_set_again(struct corr *corr, struct host *host,
			   msec_t now)
{
	struct finding known = {
		.coa = host->coa,
		.seq = host->seq,
		.literal = host->literal,
	};

	if (!host->known || host->expires <= now)
		return false;
	if (host->expires != MSEC_NEVER)
		known.lifetime = host->expires - now;
	set_mapping(corr, host, &known);
	return true;
}

bool corr_restore(struct corr *corr, msec_t now, const struct roam_addr *perm)
{
	struct host *host = host_find(corr, perm);

	/* one without end was set by hand, and by hand it went */
	return host && host->expires != MSEC_NEVER &&
	       host_set_again(corr, host, now);
}

void corr_miss(struct corr *corr, msec_t now, const struct roam_addr *perm)
{
	struct host *host = host_get(corr, perm);

	if (!host)
		return;
	if (host_set_again(corr, host, now))
		return;
	host_unlearn(corr, host);
	ask_for_packets(corr, host, now);
}

void corr_expired(struct corr *corr, msec_t now, const struct roam_addr *perm,
		  msec_t idle)
{
	struct host *host = host_get(corr, perm);

	if (!host)
		return;
	/* replaced while the event was on its way */
	if (host->known && host->expires != MSEC_NEVER &&
	    host->expires - now > EXPIRED_SLACK)
		return;
	host_unlearn(corr, host);
	if (idle < IDLE_MAX && now - idle > host->learned + FIRST_USE)
		ask_for_packets(corr, host, now);
	else
		host_settle(corr, host);
}

const struct corr_pair *corr_pair(const struct corr *corr,
				  const struct roam_addr *perm)
{
	const struct host *host = host_find(corr, perm);

	return host && host->pair.key_id ? &host->pair : NULL;
}

struct roam_addr corr_locate(struct corr *corr, msec_t now,
			     const struct roam_addr *addr, bool doubt)
{
	struct host *host = host_find(corr, addr);
	struct roam_addr place;

	if (!host || !host->known || host->expires <= now || !host->seq)
		return *addr;
	place = roam_addr_is_none(&host->coa) ? *addr : host->coa;
	if (doubt) {
		lookup_start(corr, host, now, NULL);
		host_settle(corr, host);
	}
	return place;
}

/* Inputs from the network */

static bool in_range(const struct corr *corr, const struct roam_addr *perm)
{
	size_t i;

	for (i = 0; i < corr->config.n_permanent; i++)
		if (roam_prefix_contains(&corr->permanent[i], perm))
			return true;
	return !corr->config.n_permanent;
}

/* @pair: the pair key of @perm, NULL for none */
static bool proves(const struct corr *corr, uint32_t key_id,
		   const struct roam_addr *perm, const struct corr_pair *pair)
{
	size_t i;

	if (key_id & LR_PAIR_KEY)
		return pair && key_id == pair->key_id;
	for (i = 0; key_id && i < corr->config.n_keys; i++)
		if (corr->keys[i].key_id == key_id &&
		    roam_prefix_contains(&corr->keys[i].permanent, perm))
			return true;
	return false;
}

/* The register has to follow once more; a doubt ends all the same. */
static void lookup_follow(struct corr *corr, struct host *host, msec_t now)
{
	struct lookup *lookup = host->lookup;

	if (!lookup->doubted)
		lookup->behind = 0;
	if (!lookup->outstanding && !lookup->conflicts)
		lookup_ask(corr, host, now);
}

static void announce_proved(struct corr *corr, struct host *host, msec_t now,
			    const struct waiter *waiter)
{
	const struct lr_entry *entry = &waiter->entry;
	bool pair = waiter->key_id & LR_PAIR_KEY;
	struct roam_addr old = host->coa;
	struct finding found = finding_of(entry);
	uint8_t learned;

	if (!entry->lifetime)
		found.lifetime = corr->config.null_lifetime;
	/*
	 * The right to prove came from the register, so it ends when the
	 * register said.
	 */
	if (pair)
		found.lifetime = min_time(found.lifetime, host->expires - now);
	learned = host_learn(corr, host, now, &found);
	if (learned == LR_OK) {
		if (!pair)
			host->vouched = host->seq;
		tell_learned(corr, host, old, waiter->from, 0);
		confirm_known(corr, waiter, host, now);
	} else {
		tell_refused(corr, host, &found, waiter->from, learned);
		confirm_refuse(corr, waiter, learned);
	}
	/*
	 * Only the register can prolong the mapping, and no packet waits for
	 * its word.
	 */
	if (pair && lookup_start(corr, host, now, NULL))
		lookup_follow(corr, host, now);
}

/*
 * A mobile host that uses its mapping tells its place before the mapping ends.
 * Unless the register prolongs the mapping, it ends all the same.
 */
static bool wants_renewal(const struct host *host, msec_t now,
			  const struct lr_entry *entry)
{
	struct roam_addr place = place_of(entry);

	return host->expires != MSEC_NEVER && roam_addr_eq(&place, &host->coa) &&
	       2 * (now - host->learned) > host->expires - now;
}

/* Whether the register is to show first what the announce proves. */
static bool is_for_the_register(const struct corr *corr,
				const struct host *host,
				const struct waiter *waiter)
{
	struct roam_addr place = place_of(&waiter->entry);

	return corr->config.proof == CORR_PROOF_REGISTER &&
	       !roam_addr_is_none(&place) && !roam_addr_eq(&place, &host->coa);
}

static void announce_to_host(struct corr *corr, struct host *host, msec_t now,
			     struct waiter *waiter)
{
	uint64_t seq = waiter->entry.seq;

	if (host->known && host->expires <= now)
		host_unlearn(corr, host);
	if (host->known && seq < host->seq)
		confirm(corr, waiter, LR_STALE, host->seq, 0);
	else if (host->known && seq == host->seq &&
		 !(wants_renewal(host, now, &waiter->entry) &&
		   lookup_start(corr, host, now, NULL)))
		confirm_known(corr, waiter, host, now);
	else if (host->known && host->seq && seq > host->seq &&
		 waiter->proved && !is_for_the_register(corr, host, waiter))
		announce_proved(corr, host, now, waiter);
	else if (!hint_is_forgotten(corr, waiter, now) &&
		 lookup_start(corr, host, now,
			      waiter->proved ? NULL : waiter))
		waiter_add(corr, host, now, waiter);
	else
		confirm_refuse(corr, waiter, LR_LATER);
	host_settle(corr, host);
}

/*
 * Whether the claimant receives where he says that he is: the announce came from
 * there (SEC-01). Nobody can be harmed by one who is at home or gone.
 */
static bool is_shown(const struct waiter *waiter)
{
	struct roam_addr place = place_of(&waiter->entry);

	return roam_addr_is_none(&place) ||
	       roam_addr_eq(&place, &waiter->from);
}

/* Whether the announce proves something that was not known yet. */
static bool is_news(const struct host *host, const struct waiter *waiter,
		    msec_t now)
{
	return host && host->known && host->expires > now && host->seq &&
	       waiter->proved && is_shown(waiter) &&
	       waiter->entry.seq > host->seq;
}

/*
 * A key is charged for what only its owner can have sent now: whoever recorded
 * a message of it can send that again. Such copies are charged to the key at
 * their source, and what verified by no key to its source (OPEN-32, SEC-03).
 */
static bool may_announce(struct corr *corr, const struct host *host,
			 const struct waiter *waiter, msec_t now)
{
	struct {
		struct roam_addr source;
		struct roam_addr perm;
		uint64_t key_id;
	} who = { .key_id = waiter->key_id };
	enum allowance by = BY_SOURCE;

	if (waiter->key_id)
		by = is_news(host, waiter, now) ? BY_KEY : BY_KEY_AND_SOURCE;
	if (by != BY_KEY)
		who.source = source_of(&waiter->from);
	/* The pair keys of all addresses have the same id. */
	if (waiter->key_id & LR_PAIR_KEY)
		who.perm = waiter->entry.perm;
	return bucket_take(&corr->sources[by][table_hash(&who, sizeof(who)) %
					      SOURCES],
			   corr->config.announce_rate, now);
}

/* Packets from the permanent address get through; nothing else is said by that. */
static void input_probe(struct corr *corr, msec_t now,
			const struct waiter *waiter)
{
	const struct host *host = host_find(corr, &waiter->entry.perm);

	if (host && host_knows(host, waiter, now))
		confirm_known(corr, waiter, host, now);
	else
		confirm_refuse(corr, waiter, LR_LATER);
}

static enum lr_drop input_announce(struct corr *corr, msec_t now,
				   const struct roam_addr *from,
				   uint16_t from_port,
				   const struct lr_msg *msg)
{
	struct waiter waiter = {
		.from = *from,
		.port = from_port,
		.key_id = msg->key_id,
		.id = msg->id,
		.nonce = msg->nonce,
		.entry = msg->entries[0],
	};
	const struct roam_addr *perm = &waiter.entry.perm;
	struct host *host;

	host = host_find(corr, perm);
	waiter.proved = proves(corr, msg->key_id, perm,
			       host ? &host->pair : NULL);
	if (!may_announce(corr, host, &waiter, now))
		return LR_DROP_LIMIT;
	/* 0 stands for "no registration", no mobile host gives it */
	if (!waiter.entry.seq || !in_range(corr, perm)) {
		confirm_refuse(corr, &waiter, LR_DENIED);
		return LR_DROP_NONE;
	}
	if (!is_shown(&waiter)) {
		if (roam_addr_eq(from, perm))
			input_probe(corr, now, &waiter);
		else
			confirm_refuse(corr, &waiter, LR_UNPROVED);
		return LR_DROP_NONE;
	}
	host = host_get(corr, perm);
	if (host)
		announce_to_host(corr, host, now, &waiter);
	return LR_DROP_NONE;
}

/*
 * A register that came back empty does not count as one that works (OPEN-38).
 */
static bool trial_passed(const struct corr *corr, const struct lr_entry *entry)
{
	const struct host *host = host_find(corr, &entry->perm);

	if (entry->status == LR_OK)
		return entry->seq >= corr->trial.seq;
	return entry->status == LR_NONE &&
	       !(host && host->known && entry->seq < host->seq);
}

static enum lr_drop trial_answer(struct corr *corr,
				 const struct roam_addr *from,
				 const struct lr_msg *msg)
{
	const struct lr_entry *entry = &msg->entries[0];
	struct trial *trial = &corr->trial;
	const struct corr_register *reg = &corr->registers[trial->reg];

	if (!trial->outstanding || trial->nonce != msg->nonce ||
	    !roam_addr_eq(&reg->addr, from) ||
	    !roam_addr_eq(&entry->perm, &trial->perm))
		return LR_DROP_UNASKED;
	if (!msg->key_id || msg->key_id != reg->key_id)
		return LR_DROP_KEY;
	trial->outstanding = false;
	if (entry->status == LR_REPLAY)
		take_clock(corr, trial->reg, msg);
	if (trial_passed(corr, entry) && trial->reg < corr->current)
		corr->current = trial->reg;
	return LR_DROP_NONE;
}

/*
 * Each answer brings the pair key anew, or none: nobody can prove anything with
 * a key that went.
 */
static void host_take_pair(struct host *host, const struct lr_msg *msg,
			   const struct lr_entry *entry)
{
	const struct lr_entry *e;

	host->pair = (struct corr_pair){ 0 };
	if (entry->seq < host->distrust)
		return;
	host->distrust = 0;
	for (e = msg->entries; e < msg->entries + msg->count; e++) {
		if (e->flags != LR_FLAG_KEY || e->status != LR_OK ||
		    !roam_addr_eq(&e->perm, &host->perm))
			continue;
		host->pair.key_id = LR_PAIR_KEY | msg->key_id;
		host->pair.mobile = (uint32_t)e->seq;
		host->pair.nonce = msg->nonce;
		memcpy(host->pair.sealed, e->coa.b, sizeof(host->pair.sealed));
	}
}

static enum lr_drop input_answer(struct corr *corr, msec_t now,
				 const struct roam_addr *from,
				 const struct lr_msg *msg)
{
	enum lr_drop drop = LR_DROP_UNASKED;
	const struct corr_register *reg;
	struct host *host;
	unsigned int i;

	if (corr->trial.outstanding && corr->trial.nonce == msg->nonce)
		return trial_answer(corr, from, msg);
	for (i = 0; i < msg->count; i++) {
		if (msg->entries[i].flags == LR_FLAG_KEY)
			continue;
		host = host_find(corr, &msg->entries[i].perm);
		if (!host || !host->lookup || !host->lookup->outstanding ||
		    host->lookup->nonce != msg->nonce)
			continue;
		reg = &corr->registers[host->lookup->reg];
		if (!roam_addr_eq(&reg->addr, from))
			continue;
		if (!msg->key_id || msg->key_id != reg->key_id)
			return LR_DROP_KEY;
		drop = LR_DROP_NONE;
		if (msg->entries[i].status == LR_OK ||
		    msg->entries[i].status == LR_NONE) {
			corr->unanswered = false;
			host_take_pair(host, msg, &msg->entries[i]);
		}
		lookup_answer(corr, host, now, msg, &msg->entries[i]);
		host_settle(corr, host);
	}
	return drop;
}

enum lr_drop corr_input(struct corr *corr, msec_t now,
			const struct roam_addr *from, uint16_t from_port,
			const struct lr_msg *msg)
{
	switch (msg->type) {
	case LR_ANSWER:
		return input_answer(corr, now, from, msg);
	case LR_ANNOUNCE:
		return input_announce(corr, now, from, from_port, msg);
	default:
		return LR_DROP_ROLE;
	}
}

/* Look-ups under way name registers by their place in the list. */
static void lookups_restart(struct corr *corr, msec_t now)
{
	struct table_iter iter = { 0 };
	struct host *host;

	while ((host = host_of(table_next(&corr->hosts, &iter)))) {
		if (!host->lookup)
			continue;
		host->lookup->reg = 0;
		host->lookup->failed = 0;
		if (!corr->config.n_registers)
			lookup_fail(corr, host, now);
		else if (host->lookup->outstanding)
			lookup_ask(corr, host, now);
		host_settle(corr, host);
	}
}

bool corr_set_registers(struct corr *corr, msec_t now,
			const struct corr_register *registers, size_t n)
{
	struct corr_register *copy = copy_list(registers, n, sizeof(*copy));
	int64_t *skews = calloc(n + 1, sizeof(*skews));

	if (!copy || !skews) {
		free(copy);
		free(skews);
		return false;
	}
	free(corr->skews);
	free(corr->registers);
	corr->skews = skews;
	corr->registers = copy;
	corr->config.registers = copy;
	corr->config.n_registers = n;
	corr->current = 0;
	corr->trial = (struct trial){ 0 };
	lookups_restart(corr, now);
	return true;
}

static void host_act(struct corr *corr, struct host *host, msec_t now)
{
	if (host->known && host->expires != MSEC_NEVER &&
	    host->expires + EXPIRED_SLACK <= now)
		host_unlearn(corr, host);
	if (host->silent_until && host->silent_until <= now) {
		host->silent_until = 0;
		corr->pending--;
	}
	if (host->lookup && host->lookup->next <= now)
		lookup_act(corr, host, now);
	host_settle(corr, host);
}

msec_t corr_tick(struct corr *corr, msec_t now)
{
	struct deadline *act;

	while ((act = deadlines_pop(&corr->acts, now)))
		host_act(corr, container_of(act, struct host, act), now);
	return deadlines_next(&corr->acts);
}

/* What the control socket shows */

void corr_foreach(const struct corr *corr,
		  void (*fn)(void *ctx, const struct corr_status *st),
		  void *ctx)
{
	struct table_iter iter = { 0 };
	const struct host *host;
	struct corr_status st;

	while ((host = host_of(table_next(&corr->hosts, &iter)))) {
		st = (struct corr_status){
			.perm = host->perm,
			.pending = host->lookup != NULL,
		};
		if (host->known) {
			st.coa = host->coa;
			st.seq = host->seq;
			st.expires = host->expires;
			st.literal = host->literal;
		}
		fn(ctx, &st);
	}
}

size_t corr_register_index(const struct corr *corr)
{
	return corr->current;
}

bool corr_is_unanswered(const struct corr *corr)
{
	return corr->unanswered;
}
