// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/correspondent.h"

#include <stdlib.h>
#include <string.h>

#include "base/deadline.h"
#include "base/table.h"

#define WAITERS_MAX 4		/* announces that wait for one look-up */
#define SOURCES 1024		/* slots of the rate limit, a power of two */
#define DOUBLINGS_MAX 10	/* of the interval to ask again */
#define SILENCE 1000		/* ms without questions after a failed look-up */
#define IDLE_MAX 30000		/* ms; an ended mapping busier than this is renewed */
#define STAYS_MAX 30		/* times a null_lifetime; so long without a register's word */
#define FIRST_USE 100		/* ms; the packets that asked for it are no use of it */
#define EXPIRED_SLACK 1000	/* ms the kernel's clock of a mapping may differ */

/**
 * struct waiter - an announce that waits for the register's answer
 * @from: who announced
 * @port: its port
 * @key_id: key of the announce, 0 = none; the confirm uses the same
 * @id: identification of the announce
 * @nonce: nonce of the announce
 * @entry: what it said
 * @tries: answers of the register that were behind it
 */
struct waiter {
	struct roam_addr from;
	uint16_t port;
	uint32_t key_id;
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
	unsigned int n_waiters;
	struct waiter waiters[WAITERS_MAX];
};

/**
 * struct host - one permanent address that is known or asked for
 * @node: in corr.hosts, by @perm
 * @act: in corr.acts
 * @perm: permanent address
 * @known: @coa, @seq and @expires are set and in the kernel
 * @coa: care-of address, all zero in a null mapping
 * @seq: sequence of the registration, 0 if the register never had one
 * @vouched: the newest sequence that a register, or a configured key, vouched for
 * @learned: when it was set
 * @expires: when it has to be asked again
 * @literal: its packets carry its permanent address
 * @pair: the pair key of its announces; its key_id is 0 for none
 * @stay_end: until when it may stay without a register's word, 0: that is not needed
 * @lookup: the look-up under way, or NULL
 * @silent_until: no questions before, after a failure; 0 = not silent
 */
struct host {
	struct table_node node;
	struct deadline act;
	struct roam_addr perm;
	bool known;
	struct roam_addr coa;
	uint64_t seq;
	uint64_t vouched;
	msec_t learned;
	msec_t expires;
	bool literal;
	struct corr_pair pair;
	msec_t stay_end;
	struct lookup *lookup;
	msec_t silent_until;
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
 * @trial: of one before it
 * @hosts: struct host by permanent address
 * @acts: when which host needs something
 * @pending: hosts that are looked up or silent
 * @sources: rate limits, by hash of the source
 */
struct corr {
	struct corr_config config;
	struct corr_ops ops;
	void *ctx;
	struct corr_register *registers;
	struct roam_prefix *permanent;
	struct corr_key *keys;
	size_t current;
	struct trial trial;
	struct table hosts;
	struct deadlines acts;
	size_t pending;
	struct source sources[SOURCES];
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
	corr->registers = copy_list(config->registers, config->n_registers,
				    sizeof(*corr->registers));
	corr->permanent = copy_list(config->permanent, config->n_permanent,
				    sizeof(*corr->permanent));
	corr->keys = copy_list(config->keys, config->n_keys,
			       sizeof(*corr->keys));
	corr->config.registers = corr->registers;
	corr->config.permanent = corr->permanent;
	corr->config.keys = corr->keys;
	if (!corr->registers || !corr->permanent || !corr->keys) {
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

static void host_free(struct corr *corr, struct host *host)
{
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
	deadlines_fini(&corr->acts);
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

static bool set_mapping(struct corr *corr, const struct roam_addr *perm,
			const struct finding *f)
{
	return corr->ops.set_mapping(corr->ctx, perm, &f->coa, f->seq,
				     f->lifetime, f->literal);
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

/*
 * The kernel is asked first: a mapping that it refused does not become known.
 */
static bool host_learn(struct corr *corr, struct host *host, msec_t now,
		       const struct finding *found)
{
	if (host_is_as_found(host, now, found))
		return true;
	if (!set_mapping(corr, &host->perm, found))
		return false;
	host->known = true;
	host->coa = found->coa;
	host->seq = found->seq;
	host->learned = now;
	host->expires = now + found->lifetime;
	host->literal = found->literal;
	return true;
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

static void tell_conflict(struct corr *corr, const struct host *host,
			  const struct finding *found, struct roam_addr who)
{
	tell(corr, host, (struct corr_event){
		.type = CORR_CONFLICT,
		.coa = found->coa,
		.host = who,
	});
}

/* Confirms */

/*
 * @seq is the announced sequence, or the stored one with the status "stale".
 * The care-of address is always the announced one: whoever asks without proof
 * learns no other.
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

/* Look-ups */

static void query(struct corr *corr, size_t index, uint64_t nonce,
		  const struct roam_addr *perm, uint8_t flags)
{
	const struct corr_register *reg = &corr->registers[index];
	struct lr_msg msg = {
		.type = LR_QUERY,
		.count = 1,
		.key_id = reg->key_id,
		.nonce = nonce,
		.entries[0] = { .perm = *perm, .flags = flags },
	};

	corr->ops.send(corr->ctx, &reg->addr, reg->port, &msg);
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
	query(corr, trial->reg, trial->nonce, &host->perm, 0);
}

static void lookup_send(struct corr *corr, const struct host *host, msec_t now)
{
	struct lookup *lookup = host->lookup;

	lookup->tries++;
	lookup->next = now + corr->config.timeout;
	query(corr, lookup->reg, lookup->nonce, &host->perm, LR_FLAG_KEY);
}

/*
 * Each question has a nonce of its own, so that copies of earlier answers do
 * not count.
 */
static void lookup_ask(struct corr *corr, const struct host *host, msec_t now)
{
	struct lookup *lookup = host->lookup;

	lookup->nonce = corr->ops.random(corr->ctx);
	lookup->outstanding = true;
	lookup->tries = 0;
	lookup_send(corr, host, now);
	trial_send(corr, host, now);
}

static void lookup_end(struct corr *corr, struct host *host)
{
	free(host->lookup);
	host->lookup = NULL;
	corr->pending--;
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
	const struct waiter *w;
	struct finding found;

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

/* True if a look-up is under way now; their number is bounded (OPEN-32). */
static bool lookup_start(struct corr *corr, struct host *host, msec_t now)
{
	if (host->lookup)
		return true;
	if (host->silent_until || corr->pending >= corr->config.pending_max)
		return false;
	host->lookup = calloc(1, sizeof(*host->lookup));
	if (!host->lookup)
		return false;
	corr->pending++;
	host->lookup->since = now;
	host->lookup->reg = corr->current;
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
	if (!lookup->outstanding)
		lookup_ask(corr, host, now);
}

/* The register does not have what was announced: false when patience ends. */
static bool waiter_again(struct corr *corr, const struct host *host,
			 struct waiter *waiter, msec_t now)
{
	if (++waiter->tries <= corr->config.again_tries)
		return true;
	confirm_refuse(corr, waiter, LR_LATER);
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
 * Confirms the announce as @found says. @learned: the kernel took the mapping.
 */
static void waiters_answer(struct corr *corr, struct host *host, msec_t now,
			   const struct finding *found, bool learned)
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
		} else if (learned) {
			confirm_known(corr, w, host, now);
		} else {
			confirm_refuse(corr, w, LR_CONFLICT);
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
 * What a register says, unless it is older than what is known (OPEN-38). Of the same
 * registration it shortens nothing: the mobile host relies on what was confirmed.
 */
static bool lookup_learn(struct corr *corr, struct host *host, msec_t now,
			 struct finding found)
{
	const struct lookup *lookup = host->lookup;
	struct roam_addr reg = corr->registers[lookup->reg].addr;
	struct roam_addr old = host->known ? host->coa :
					     (struct roam_addr){ 0 };

	if (host->known && found.seq < host->seq)
		return false;
	if (host->known && found.seq == host->seq &&
	    roam_addr_eq(&found.coa, &host->coa) &&
	    found.lifetime < host->expires - now)
		found.lifetime = host->expires - now;
	if (host_learn(corr, host, now, &found)) {
		host->vouched = host->seq;
		tell_learned(corr, host, old, reg, now - lookup->since);
		return true;
	}
	tell_conflict(corr, host, &found, reg);
	host_silence(corr, host, now);
	return false;
}

static void lookup_found(struct corr *corr, struct host *host, msec_t now,
			 const struct finding *found)
{
	struct lookup *lookup = host->lookup;
	bool learned = false;

	/*
	 * A null mapping for nobody's packets is not wanted: announces with
	 * made up addresses shall not fill the kernel's table.
	 */
	if (found->seq || lookup->missed || host->known)
		learned = lookup_learn(corr, host, now, *found);
	waiters_answer(corr, host, now, found, learned);
	lookup->missed = false;
	if (!lookup->n_waiters) {
		lookup_end(corr, host);
		return;
	}
	lookup->next = now + again_interval(corr, lookup);
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
	host->coa = *coa;
	host->seq = seq;
	host->vouched = seq;
	host->literal = literal;
	host->learned = now;
	/* one without end was set by hand, the kernel tells when it goes */
	host->expires = lifetime > 0 ? now + lifetime : MSEC_NEVER;
	host_settle(corr, host);
}

static void ask_for_packets(struct corr *corr, struct host *host, msec_t now)
{
	bool waiting = host->lookup && !host->lookup->outstanding;

	if (lookup_start(corr, host, now)) {
		host->lookup->missed = true;
		if (waiting)
			lookup_ask(corr, host, now);
	}
	host_settle(corr, host);
}

static bool host_set_again(struct corr *corr, const struct host *host,
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
	set_mapping(corr, &host->perm, &known);
	return true;
}

bool corr_restore(struct corr *corr, msec_t now, const struct roam_addr *perm)
{
	const struct host *host = host_find(corr, perm);

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
	host->known = false;
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
	host->known = false;
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
		lookup_start(corr, host, now);
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

static bool proves(const struct corr *corr, uint32_t key_id,
		   const struct host *host)
{
	size_t i;

	if (key_id & LR_PAIR_KEY)
		return key_id == host->pair.key_id;
	for (i = 0; key_id && i < corr->config.n_keys; i++)
		if (corr->keys[i].key_id == key_id &&
		    roam_prefix_contains(&corr->keys[i].permanent, &host->perm))
			return true;
	return false;
}

/* OPEN-32 */
static bool may_announce(struct corr *corr, const struct roam_addr *from,
			 msec_t now)
{
	struct source *s;
	uint64_t full = (uint64_t)corr->config.announce_rate * 1000;
	uint64_t gained;

	s = &corr->sources[table_hash(from, sizeof(*from)) % SOURCES];
	/* an empty bucket is full again after a second */
	if (!s->filled || now - s->filled >= 1000) {
		s->thousandths = full;
	} else {
		gained = (uint64_t)(now - s->filled) *
			 corr->config.announce_rate;
		s->thousandths = s->thousandths + gained > full ?
				 full : s->thousandths + gained;
	}
	s->filled = now;
	if (s->thousandths < 1000)
		return false;
	s->thousandths -= 1000;
	return true;
}

static void announce_proved(struct corr *corr, struct host *host, msec_t now,
			    const struct waiter *waiter)
{
	const struct lr_entry *entry = &waiter->entry;
	bool pair = waiter->key_id & LR_PAIR_KEY;
	struct roam_addr old = host->coa;
	struct finding found = finding_of(entry);

	if (!entry->lifetime)
		found.lifetime = corr->config.null_lifetime;
	/*
	 * The right to prove came from the register, so it ends when the
	 * register said.
	 */
	if (pair)
		found.lifetime = min_time(found.lifetime, host->expires - now);
	if (host_learn(corr, host, now, &found)) {
		if (!pair)
			host->vouched = host->seq;
		tell_learned(corr, host, old, waiter->from, 0);
		confirm_known(corr, waiter, host, now);
	} else {
		tell_conflict(corr, host, &found, waiter->from);
		confirm_refuse(corr, waiter, LR_CONFLICT);
	}
	/*
	 * Only the register can prolong the mapping, and no packet waits for
	 * its word.
	 */
	if (pair)
		lookup_start(corr, host, now);
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

static void announce_to_host(struct corr *corr, struct host *host, msec_t now,
			     const struct waiter *waiter)
{
	uint64_t seq = waiter->entry.seq;

	if (host->known && host->expires <= now)
		host->known = false;
	if (host->known && seq < host->seq)
		confirm(corr, waiter, LR_STALE, host->seq, 0);
	else if (host->known && seq == host->seq &&
		 !(wants_renewal(host, now, &waiter->entry) &&
		   lookup_start(corr, host, now)))
		confirm_known(corr, waiter, host, now);
	else if (host->known && host->seq && seq > host->seq &&
		 proves(corr, waiter->key_id, host))
		announce_proved(corr, host, now, waiter);
	else if (lookup_start(corr, host, now))
		waiter_add(corr, host, now, waiter);
	else
		confirm_refuse(corr, waiter, LR_LATER);
	host_settle(corr, host);
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
	};
	struct host *host;
	unsigned int i;

	/*
	 * The key belongs to one address; the pair keys of other addresses have
	 * the same id.
	 */
	if (msg->key_id & LR_PAIR_KEY && msg->count > 1)
		waiter.key_id = 0;
	for (i = 0; i < msg->count; i++) {
		if (!may_announce(corr, from, now))
			return LR_DROP_LIMIT;
		waiter.entry = msg->entries[i];
		/* 0 stands for "no registration", no mobile host gives it */
		if (!waiter.entry.seq || !in_range(corr, &waiter.entry.perm)) {
			confirm_refuse(corr, &waiter, LR_DENIED);
			continue;
		}
		host = host_get(corr, &waiter.entry.perm);
		if (host)
			announce_to_host(corr, host, now, &waiter);
	}
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
	if (trial_passed(corr, entry) && trial->reg < corr->current)
		corr->current = trial->reg;
	return LR_DROP_NONE;
}

/*
 * Each answer brings the pair key anew, or none: nobody can prove anything with
 * a key that went.
 */
static void host_take_pair(struct host *host, const struct lr_msg *msg)
{
	const struct lr_entry *e;

	host->pair = (struct corr_pair){ 0 };
	for (e = msg->entries; e < msg->entries + msg->count; e++) {
		if (e->flags != LR_FLAG_KEY ||
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
		    msg->entries[i].status == LR_NONE)
			host_take_pair(host, msg);
		lookup_answer(corr, host, now, &msg->entries[i]);
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

	if (!copy)
		return false;
	free(corr->registers);
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
		host->known = false;
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
