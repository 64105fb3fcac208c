// SPDX-License-Identifier: GPL-2.0-or-later
#include "hlrd/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/auth.h"
#include "io/daemon.h"
#include "io/json.h"
#include "io/log.h"
#include "wire/bytes.h"

#define LOAD_AT_ONCE 50000	/* records loaded before the first request */
#define LOAD_SLICE 4096		/* records loaded between requests, about 2 ms */
#define STORE_SETTLED 1000	/* ms without a failure, then it works again */

#define BURST_MAX 512		/* requests that one commit makes durable */
#define COOKIE_STEP 60000	/* ms that cookies of one step share */
#define COOKIE_STEPS 3		/* in which a cookie is good */
#define COOKIE_KEY 1

/**
 * struct request - one authenticated request of the burst at hand
 * @socket: where it came in
 * @from: who sent it
 * @from_port: likewise
 * @to: our address it was sent to
 * @host: whose key signed it, NULL for a key without rights
 * @key: that key
 * @rights: what it may do
 * @msg: the request
 * @reply: what will be answered
 * @challenge: entry whose care-of address is sent a challenge, or HLR_NO_CHALLENGE
 * @first_change: index of its first change
 * @n_changes: how many it made
 */
struct request {
	struct channel_socket *socket;
	struct roam_addr from;
	uint16_t from_port;
	struct roam_addr to;
	const struct config_host *host;
	const struct auth_key *key;
	struct hlr_rights rights;
	struct lr_msg msg;
	struct lr_msg reply;
	unsigned int challenge;
	size_t first_change;
	size_t n_changes;
};

static struct store_clock read_clock(void)
{
	struct store_clock clock = {
		.now = daemon_now(),
		.wall = daemon_wallclock() / 1000000,
	};

	return clock;
}

/* Reads and verifies a datagram; LR_DROP_NONE: it is to be carried out. */
static enum lr_drop authenticate(struct server *server,
				 const struct udp_datagram *d,
				 struct request *r)
{
	size_t covered;
	enum lr_drop reason;

	r->msg.key_id = 0;
	reason = lr_decode(d->data, d->len, &r->msg, &covered);
	if (reason != LR_DROP_NONE)
		return reason;
	if (!r->msg.key_id)
		return LR_DROP_KEY;
	switch (channel_verify(server->config->keys, r->msg.key_id, d, covered,
			       LR_AUTH_LEN, &r->key)) {
	case CHANNEL_NO_KEY:
		return LR_DROP_KEY;
	case CHANNEL_FORGED:
		return LR_DROP_AUTH;
	case CHANNEL_PROVED:
		break;
	}
	r->from = d->from;
	r->from_port = d->from_port;
	r->to = d->to;
	r->host = config_find_host(server->config, r->msg.key_id);
	memset(&r->rights, 0, sizeof(r->rights));
	if (r->host)
		r->rights = r->host->rights;
	r->rights.key_id = r->msg.key_id;
	return LR_DROP_NONE;
}

/*
 * What only this process can make, and whoever receives at @coa can know: no
 * state for those who never answer (SEC-01).
 */
static void make_cookie(const struct server *server, uint32_t key_id,
			const struct roam_addr *coa, uint64_t step,
			uint8_t cookie[LR_COOKIE_LEN])
{
	uint8_t text[28], *p = bytes_put(text, key_id, 4);

	memcpy(p, coa->b, sizeof(coa->b));
	bytes_put(p + sizeof(coa->b), step, 8);
	auth_sign(auth_keys_find(server->cookies, COOKIE_KEY), text,
		  sizeof(text), cookie, LR_COOKIE_LEN);
}

/**
 * struct shown - the cookie at hand
 * @server: whose it should be
 * @r: the request that has it
 */
struct shown {
	const struct server *server;
	const struct request *r;
};

static bool cookie_shows(void *ctx, const struct roam_addr *coa)
{
	const struct shown *shown = ctx;
	const struct lr_msg *msg = &shown->r->msg;
	uint64_t step = daemon_now() / COOKIE_STEP;
	uint8_t cookie[LR_COOKIE_LEN], differ;

	if (!lr_has_cookie(msg))
		return false;
	for (unsigned int i = 0; i < COOKIE_STEPS; i++) {
		make_cookie(shown->server, msg->key_id, coa, step - i, cookie);
		differ = 0;
		for (size_t b = 0; b < sizeof(cookie); b++)
			differ |= cookie[b] ^ msg->cookie[b];
		if (!differ)
			return true;
	}
	return false;
}

/*
 * What only the owner of a key can have sent now is charged to the key, what may
 * be a copy to the key at this source, and what does not verify to nobody: its
 * source may be a lie (SEC-03).
 */
static bool charge(struct server *server, const struct request *r, msec_t now)
{
	const struct hlr_request req = {
		.now = now,
		.wall = daemon_wallclock(),
		.rights = &r->rights,
		.msg = &r->msg,
	};
	uint8_t copy[20];

	if (hlr_is_news(server->hlr, &req))
		return rate_limit_charge(&server->rate, now,
					 server->config->rate, &r->msg.key_id,
					 sizeof(r->msg.key_id));
	memset(copy, 0, sizeof(copy));
	/* That much is one host. */
	memcpy(bytes_put(copy, r->msg.key_id, 4), r->from.b,
	       roam_addr_is_v4(&r->from) ? 16 : 8);
	return rate_limit_charge(&server->copies, now, server->config->rate,
				 copy, sizeof(copy));
}

static enum lr_drop decide(struct server *server, struct request *r, msec_t now)
{
	struct shown shown = { server, r };
	const struct hlr_request req = {
		.now = now,
		.wall = daemon_wallclock(),
		.source = r->from,
		.local = r->to,
		.rights = &r->rights,
		.msg = &r->msg,
		.shows = cookie_shows,
		.ctx = &shown,
	};

	return hlr_input(server->hlr, &req, &r->reply, &server->changes,
			 &r->challenge);
}

static void event(struct server *server, const char *what,
		  const struct roam_addr *perm, const struct roam_addr *coa,
		  const struct roam_addr *old, uint32_t key_id,
		  const struct roam_addr *source, const char *reason)
{
	if (!server->control || !control_is_monitored(server->control))
		return;
	control_event(server->control,
		      json_pack("{ss so so so sI so ss}", "event", what,
				"permanent", json_addr(perm),
				"care_of", json_addr(coa),
				"old_care_of", json_addr(old),
				"key", (json_int_t)key_id,
				"source", json_addr(source),
				"reason", reason));
}

/*
 * There is one line for each handoff, as long as people can read them: a
 * hundred thousand lines a second help nobody. The events are complete.
 */
static bool may_log(struct server *server)
{
	uint32_t suppressed;
	bool allowed = line_limit_allow(&server->lines, daemon_now(),
					&suppressed);

	if (suppressed)
		log_notice("%u more handoffs in that second, not logged; roam monitor hlr shows all",
			   suppressed);
	return allowed;
}

static void report_clone(struct server *server, const struct request *r,
			 const struct hlr_change *c)
{
	char perm[ROAM_ADDR_STRLEN], one[ROAM_ADDR_STRLEN], two[ROAM_ADDR_STRLEN];

	server->counters.cloned++;
	if (may_log(server))
		log_warning("mn=%s goes back and forth between %s and %s: two hosts use key %u of host %s, a cloned one perhaps; give each a key and an address of its own",
			    roam_addr_format(&c->after.perm, perm),
			    roam_addr_format(&c->before.coa, one),
			    roam_addr_format(&c->after.coa, two), r->msg.key_id,
			    r->host ? r->host->name : "none");
}

/* A change that is on disk: a line and an event. */
static void report_change(struct server *server, const struct request *r,
			  const struct hlr_change *c)
{
	static const struct roam_addr none;
	const struct roam_addr *coa = &c->after.coa;
	const struct roam_addr *old = c->existed ? &c->before.coa : &none;
	char perm[ROAM_ADDR_STRLEN], from[ROAM_ADDR_STRLEN];
	char to[ROAM_ADDR_STRLEN], source[ROAM_ADDR_STRLEN];
	const char *what, *reason;

	if (c->kind != HLR_CHANGE_MAPPING)
		return;
	if (roam_addr_eq(coa, old)) {
		log_debug("mn=%s refreshed key=%u",
			  roam_addr_format(&c->after.perm, perm), r->msg.key_id);
		return;
	}
	if (c->displaced) {
		what = "removed";
		reason = "another host is there";
	} else if (roam_addr_is_none(coa)) {
		what = "removed";
		reason = "de-registered";
	} else if (roam_addr_is_none(old)) {
		what = "registered";
		reason = "new";
	} else {
		what = "moved";
		reason = c->after.flags & LR_FLAG_AT_HOME ? "at home" :
							    "moved";
	}
	if (may_log(server))
		log_notice("mn=%s %s %s->%s key=%u host=%s from=%s",
			   roam_addr_format(&c->after.perm, perm), what,
			   roam_addr_is_none(old) ? "none" :
						    roam_addr_format(old, from),
			   roam_addr_is_none(coa) ? "none" :
						    roam_addr_format(coa, to),
			   r->msg.key_id, r->host ? r->host->name : "none",
			   roam_addr_format(&r->from, source));
	if (c->after.contests >= HLR_CONTESTS_CLONE &&
	    c->after.contests != c->before.contests)
		report_clone(server, r, c);
	event(server, what, &c->after.perm, coa, old, r->msg.key_id,
	      &r->from, reason);
}

/* Why an entry was refused, for people. */
static const char *refusal(const struct server *server, const struct request *r,
			   const struct lr_entry *in, uint8_t status)
{
	const char *unfit;

	switch (status) {
	case LR_UNPROVED:
		if (!channel_reaches(server->channel, &in->coa))
			return "; nobody has shown to receive there, and no address of 'listen' is of its family to send a challenge: add one, or name its network in 'trust'";
		return "; nobody has shown to receive there: it was sent a challenge, which does not arrive behind a translator (NAT)";
	case LR_UNFIT:
		unfit = places_unfit(&server->config->limits.places, &in->coa);
		return !unfit ? "; this host may not have that care-of address, see 'care_of' of the host" :
		       roam_addr_is_link_local(&in->coa) ?
		       "; a link-local address is nobody's from elsewhere" :
		       "; that is internal, or holds permanent addresses, see 'internal' and 'permanent'";
	case LR_REPLAY:
		return r->msg.type == LR_QUERY ?
		       "; its clock differs from ours, see 'window'" : "";
	default:
		return "";
	}
}

static void report_refusals(struct server *server, const struct request *r)
{
	static const struct roam_addr none;
	const struct roam_addr *source = &r->from;
	char perm[ROAM_ADDR_STRLEN], from[ROAM_ADDR_STRLEN];
	char coa[ROAM_ADDR_STRLEN];

	for (size_t i = 0; i < r->msg.count; i++) {
		const struct lr_entry *e = &r->reply.entries[i];
		uint32_t suppressed;

		/* A key entry refuses nothing. */
		if (r->msg.entries[i].flags & LR_FLAG_KEY)
			continue;
		server->counters.status[e->status]++;
		/* "None" answers a question, it refuses nothing. */
		if (e->status == LR_OK || e->status == LR_NONE)
			continue;
		event(server, "refused", &e->perm, &r->msg.entries[i].coa,
		      &none, r->msg.key_id, source, lr_status_name(e->status));
		if (channel_may_log(server->channel, source, &suppressed))
			log_notice("mn=%s refused %s coa=%s reason=%s key=%u host=%s from=%s suppressed=%u%s",
				   roam_addr_format(&e->perm, perm),
				   lr_type_name(r->msg.type),
				   roam_addr_format(&r->msg.entries[i].coa, coa),
				   lr_status_name(e->status), r->msg.key_id,
				   r->host ? r->host->name : "none",
				   roam_addr_format(source, from), suppressed,
				   refusal(server, r, &r->msg.entries[i],
					   e->status));
	}
}

/*
 * Seals the pair keys of the reply (OPEN-28). Where the mapping outlived the
 * key that registered it there is none.
 */
static void seal_keys(const struct server *server, struct request *r)
{
	struct lr_msg *reply = &r->reply;

	for (uint16_t i = 0; i < reply->count; i++) {
		struct lr_entry *e = &reply->entries[i];
		const struct auth_key *mobile;

		if (e->flags != LR_FLAG_KEY || e->status != LR_OK)
			continue;
		mobile = auth_keys_find(server->config->keys, e->seq);
		if (mobile)
			auth_pair_seal(mobile, r->key, reply->nonce, e->perm.b,
				       e->coa.b);
		else
			*e = (struct lr_entry){ .perm = e->perm,
						.status = LR_NONE,
						.flags = LR_FLAG_KEY };
	}
}

static void send_signed(struct server *server, const struct request *r,
			const struct roam_addr *to, const struct lr_msg *msg)
{
	uint8_t buf[LR_MAX_LEN];
	size_t len = lr_encode(msg, buf);

	auth_sign(r->key, buf, len, buf + len, LR_AUTH_LEN);
	channel_send(server->channel, r->socket, to, r->from_port,
		     roam_addr_is_v4(to) == roam_addr_is_v4(&r->to) ?
		     &r->to : NULL, buf, len + LR_AUTH_LEN);
}

static void send_reply(struct server *server, struct request *r)
{
	seal_keys(server, r);
	send_signed(server, r, &r->from, &r->reply);
	server->counters.replies++;
}

/* To an address that may be anybody's: less than the update that asked for it. */
static void send_challenge(struct server *server, const struct request *r)
{
	const struct lr_entry *in = &r->msg.entries[r->challenge];
	struct lr_msg msg = {
		.type = LR_CHALLENGE,
		.count = 1,
		.key_id = r->msg.key_id,
		.id = r->msg.id,
		.nonce = r->msg.nonce,
		.entries[0] = {
			.perm = in->perm,
			.coa = in->coa,
			.seq = in->seq,
			.status = LR_UNPROVED,
		},
	};

	if (!channel_reaches(server->channel, &in->coa))
		return;
	make_cookie(server, msg.key_id, &in->coa, daemon_now() / COOKIE_STEP,
		    msg.cookie);
	send_signed(server, r, &in->coa, &msg);
	server->counters.challenges++;
}

/*
 * Tells once that the store fails, and once that it works again. A disk at its
 * limit takes one transaction and refuses the next, so the end of the trouble
 * is believed only after a while without a failure.
 */
static void note_store(struct server *server, char *error)
{
	msec_t now = daemon_now();

	free(server->store_error);
	server->store_error = error;
	if (error) {
		server->counters.store_failures++;
		server->store_failed = now;
		if (server->store_told && !strcmp(server->store_told, error))
			return;
		log_error("%s; updates are answered 'later' until then", error);
		free(server->store_told);
		server->store_told = strdup(error);
		return;
	}
	server->counters.commits++;
	if (server->store_told && now - server->store_failed > STORE_SETTLED) {
		log_notice("the store works again");
		free(server->store_told);
		server->store_told = NULL;
	}
}

static void arm_expiry(struct server *server);

/* Makes durable what the burst changed, or takes it back. */
static bool commit(void *ctx)
{
	struct store_clock clock = read_clock();
	struct server *server = ctx;
	char *error = store_commit(server->store, server->hlr,
				   &server->changes, &clock);

	note_store(server, error);
	if (error)
		hlr_undo(server->hlr, &server->changes);
	else
		arm_expiry(server);
	return !error;
}

/*
 * Nothing of this burst is on disk. A copy of an update in the same burst was
 * answered like the original, so every acknowledgement is taken back; queries
 * may have seen what is no more, so they are asked again.
 */
static void refuse(void *ctx, void *request)
{
	struct server *server = ctx;
	struct request *r = request;

	r->n_changes = 0;
	r->challenge = HLR_NO_CHALLENGE;
	if (r->msg.type == LR_UPDATE)
		hlr_refuse(&r->reply);
	else
		decide(server, r, daemon_now());
}

static void reply(void *ctx, void *request)
{
	struct server *server = ctx;
	struct request *r = request;

	send_reply(server, r);
	if (r->challenge != HLR_NO_CHALLENGE)
		send_challenge(server, r);
	report_refusals(server, r);
	for (size_t c = 0; c < r->n_changes; c++)
		report_change(server, r,
			      &server->changes.items[r->first_change + c]);
}

static void done(void *ctx)
{
	struct server *server = ctx;

	hlr_changes_reset(&server->changes);
}

static const struct burst_ops burst_ops = {
	.size = sizeof(struct request),
	.max = BURST_MAX,
	.commit = commit,
	.refuse = refuse,
	.reply = reply,
	.done = done,
};

/* Decides; io/burst.h makes durable what was decided, and then calls reply(). */
static int on_datagram(void *ctx, struct channel_socket *socket,
		       const struct udp_datagram *d, msec_t now,
		       uint32_t *key_id)
{
	struct server *server = ctx;
	struct request *r = burst_next(server->burst);
	enum lr_drop reason = authenticate(server, d, r);

	r->socket = socket;
	r->first_change = server->changes.n;
	if (reason == LR_DROP_NONE && !charge(server, r, now))
		reason = LR_DROP_LIMIT;
	if (reason == LR_DROP_NONE)
		reason = decide(server, r, now);
	if (reason == LR_DROP_KEY || reason == LR_DROP_AUTH ||
	    reason == LR_DROP_LIMIT)
		*key_id = r->msg.key_id;
	if (reason != LR_DROP_NONE)
		return reason;
	r->n_changes = server->changes.n - r->first_change;
	if (r->msg.type == LR_UPDATE)
		server->counters.updates++;
	else
		server->counters.queries++;
	burst_add(server->burst, r->n_changes);
	return LR_DROP_NONE;
}

static void on_batch_end(void *ctx)
{
	struct server *server = ctx;

	burst_batch_end(server->burst);
}

static void on_burst_end(void *ctx)
{
	struct server *server = ctx;

	burst_end(server->burst);
}

static const char *drop_name(int reason)
{
	return lr_drop_name(reason);
}

static const struct channel_protocol protocol = {
	.reasons = LR_DROP_MAX,
	.reason_name = drop_name,
	.level = LOG_LEVEL_WARNING,
	.receive = on_datagram,
	.batch_end = on_batch_end,
	.burst_end = on_burst_end,
};

static void on_gone(void *ctx, const struct hlr_mapping *m)
{
	static const struct roam_addr none;
	struct server *server = ctx;
	char perm[ROAM_ADDR_STRLEN], coa[ROAM_ADDR_STRLEN];

	if (roam_addr_is_none(&m->coa))
		return;
	server->counters.expired++;
	if (may_log(server))
		log_notice("mn=%s expired %s->none key=%u",
			   roam_addr_format(&m->perm, perm),
			   roam_addr_format(&m->coa, coa), m->key_id);
	event(server, "expired", &m->perm, &none, &m->coa, m->key_id, &none,
	      "lifetime ended");
}

static void on_expiry(uv_timer_t *timer)
{
	struct server *server = timer->data;

	hlr_expire(server->hlr, daemon_now(), on_gone, server);
	arm_expiry(server);
}

/* The timer runs when the next mapping ends, and not before. */
static void arm_expiry(struct server *server)
{
	msec_t now = daemon_now();
	uint64_t wait;
	msec_t next;

	/*
	 * While the store is loaded, a mapping that ended keeps its place, so
	 * that nothing older takes it (core/hlr.h).
	 */
	if (server->loading)
		return;
	/*
	 * This call removes nothing: it only tells when the next mapping ends.
	 */
	next = hlr_expire(server->hlr, INT64_MIN, on_gone, server);
	if (next == MSEC_NEVER) {
		uv_timer_stop(&server->expiry);
		return;
	}
	wait = next > now ? next - now : 0;
	/* The loop's clock stands still since the callback began. */
	uv_update_time(server->loop);
	uv_timer_start(&server->expiry, on_expiry, wait, 0);
}

static uint32_t longest(const struct config *config)
{
	return config->limits.lifetime_max > config->limits.tombstone ?
		config->limits.lifetime_max : config->limits.tombstone;
}

/* Sets until when this register may know less than the others do (OPEN-38). */
static void set_young(struct server *server)
{
	int64_t age = (int64_t)(daemon_wallclock() / 1000000) -
		      store_created(server->store);
	int64_t young = (int64_t)server->config->limits.lifetime_max * 1000;
	msec_t until = 0;

	/* A clock that went back is no reason to be young for longer. */
	if (age < 0)
		age = 0;
	if (server->config->others && age < young)
		until = daemon_now() + young - age;
	hlr_set_young(server->hlr, until);
}

/*
 * Loads a part of the store. A sentence comes back when it cannot be read; what
 * is loaded by then stays in use.
 */
static char *load(struct server *server, size_t n)
{
	struct store_clock clock = read_clock();
	bool done;
	char *error = store_load(server->store, server->hlr, &clock,
				 longest(server->config), n, &done);

	if (error || !done)
		return error;
	server->loading = false;
	hlr_set_loading(server->hlr, false);
	uv_idle_stop(&server->loader);
	log_info("%zu mappings restored from %s in %lld ms",
		 hlr_count(server->hlr), server->config->store,
		 (long long)(daemon_now() - server->started));
	arm_expiry(server);
	return NULL;
}

/*
 * Loads between requests. A store that turns out to be damaged is left as it
 * is.
 */
static void on_load(uv_idle_t *loader)
{
	struct server *server = loader->data;
	char *error = load(server, LOAD_SLICE);

	if (!error)
		return;
	uv_idle_stop(loader);
	note_store(server, error);
}

static struct auth_keys *cookies_new(void)
{
	struct auth_keys *keys = auth_keys_new();
	uint64_t secret[4];

	for (size_t i = 0; i < 4; i++)
		secret[i] = daemon_random();
	auth_keys_add(keys, COOKIE_KEY, (const uint8_t *)secret,
		      sizeof(secret));
	explicit_bzero(secret, sizeof(secret));
	return keys;
}

/* Whoever may ask for everybody is said once, since it is the default. */
static void tell_rights(const struct config *config)
{
	if (config->n_see_all > 1)
		log_notice("%zu hosts may ask where every mobile host is; 'visible' of a host limits that",
			   config->n_see_all);
}

/* Whether one of @config's hosts has a permanent address of @like's family. */
static bool has_family(const struct config *config, const struct roam_addr *like)
{
	for (size_t i = 0; i < config->n_hosts; i++) {
		const struct hlr_rights *rights = &config->hosts[i].rights;

		for (size_t p = 0; p < rights->n_permanent; p++)
			if (roam_addr_is_v4(&rights->permanent[p].addr) ==
			    roam_addr_is_v4(like))
				return true;
	}
	return false;
}

static bool trusts_family(const struct config *config,
			  const struct roam_addr *like)
{
	for (size_t i = 0; i < config->limits.n_trust; i++)
		if (roam_addr_is_v4(&config->limits.trust[i].addr) ==
		    roam_addr_is_v4(like))
			return true;
	return false;
}

/* A care-of address of a family that no socket sends to shows itself to nobody. */
static void tell_families(const struct server *server)
{
	static const char *const one_of_each[] = { "0.0.0.0", "::" };
	struct roam_addr addr;

	for (size_t i = 0; i < 2; i++) {
		roam_addr_parse(one_of_each[i], &addr);
		if (has_family(server->config, &addr) &&
		    !trusts_family(server->config, &addr) &&
		    !channel_reaches(server->channel, &addr))
			log_warning("hosts have permanent addresses of IPv%c, but no address of 'listen' is: none of these can be registered from elsewhere; add %s to 'listen', or name networks in 'trust'",
				    i ? '6' : '4', one_of_each[i]);
	}
}

char *server_start(struct server *server, uv_loop_t *loop,
		   const struct config *config)
{
	char *error;

	memset(server, 0, sizeof(*server));
	server->loop = loop;
	server->config = config;
	server->started = daemon_now();
	server->loading = true;
	uv_idle_init(loop, &server->loader);
	server->loader.data = server;
	uv_timer_init(loop, &server->expiry);
	server->expiry.data = server;
	server->hlr = hlr_new(&config->limits);
	server->cookies = cookies_new();
	server->burst = burst_new(&burst_ops, server);
	server->channel = channel_new(loop, &protocol, server);
	server->store = store_open(config->store, &error);
	hlr_set_loading(server->hlr, true);
	if (server->store) {
		set_young(server);
		store_reserve(server->store, server->hlr);
		error = load(server, LOAD_AT_ONCE);
	}
	if (!error)
		error = channel_listen(server->channel, config->listen,
				       config->n_listen);
	if (error) {
		server_stop(server);
		return error;
	}
	tell_rights(config);
	tell_families(server);
	if (server->loading) {
		log_info("%zu mappings restored from %s so far, the rest follows",
			 hlr_count(server->hlr), config->store);
		uv_idle_start(&server->loader, on_load);
	}
	return NULL;
}

char *server_reload(struct server *server, const struct config *config)
{
	char *error = NULL;

	if (strcmp(config->store, server->config->store))
		error = daemon_error("another store (%s) needs a restart: systemctl restart roam-hlrd",
				     config->store);
	if (!error)
		error = channel_listen(server->channel, config->listen,
				       config->n_listen);
	if (error)
		return error;
	server->config = config;
	hlr_configure(server->hlr, &config->limits);
	tell_rights(config);
	tell_families(server);
	set_young(server);
	return NULL;
}

void server_stop(struct server *server)
{
	uv_close((uv_handle_t *)&server->expiry, NULL);
	uv_close((uv_handle_t *)&server->loader, NULL);
	channel_free(server->channel);
	burst_free(server->burst);
	control_close(server->control);
	store_close(server->store);
	hlr_free(server->hlr);
	auth_keys_free(server->cookies);
	free(server->store_error);
	free(server->store_told);
	hlr_changes_free(&server->changes);
}
