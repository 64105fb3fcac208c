// SPDX-License-Identifier: GPL-2.0-or-later
#include "hlrd/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/auth.h"
#include "io/daemon.h"
#include "io/json.h"
#include "io/log.h"

#define LOAD_AT_ONCE 50000	/* records loaded before the first request */
#define LOAD_SLICE 4096		/* records loaded between requests, about 2 ms */
#define STORE_SETTLED 1000	/* ms without a failure, then it works again */

#define BURST_MAX 512		/* requests that one commit makes durable */

/**
 * struct request - one authenticated request of the burst at hand
 * @from: who sent it
 * @from_port: likewise
 * @to: our address it was sent to
 * @host: whose key signed it, NULL for a key without rights
 * @key: that key
 * @rights: what it may do
 * @msg: the request
 * @reply: what will be answered
 * @first_change: index of its first change
 * @n_changes: how many it made
 */
struct request {
	struct roam_addr from;
	uint16_t from_port;
	struct roam_addr to;
	const struct config_host *host;
	const struct auth_key *key;
	struct hlr_rights rights;
	struct lr_msg msg;
	struct lr_msg reply;
	size_t first_change;
	size_t n_changes;
};

/**
 * struct burst - requests that came at once; there is one, as the loop has one
 * thread
 * @requests: not answered yet
 * @n: their number
 * @changes: what they changed, not durable yet
 */
static struct burst {
	struct request requests[BURST_MAX];
	size_t n;
	struct hlr_changes changes;
} burst;

static struct store_clock read_clock(void)
{
	struct store_clock clock = {
		.now = daemon_now(),
		.wall = daemon_wallclock() / 1000000,
	};

	return clock;
}

static void drop(struct server *server, const struct udp_datagram *d,
		 uint32_t key_id, enum lr_drop reason)
{
	char from[ROAM_ADDR_STRLEN];
	char key[32] = "", more[64] = "";
	uint32_t suppressed;

	server->counters.drop[reason]++;
	if (!limit_allow(&server->limit, daemon_now(), &d->from, &suppressed))
		return;
	if (reason == LR_DROP_KEY || reason == LR_DROP_AUTH)
		snprintf(key, sizeof(key), " key=%u", key_id);
	if (suppressed)
		snprintf(more, sizeof(more), " (%u more lines about this source suppressed)",
			 suppressed);
	log_warning("from=%s port=%u dropped reason=%s%s%s",
		    roam_addr_format(&d->from, from), d->from_port,
		    lr_drop_name(reason), key, more);
}

/* Who sent it and what it says; LR_DROP_NONE if it is to be carried out. */
static enum lr_drop authenticate(struct server *server,
				 const struct udp_datagram *d, msec_t now,
				 struct request *r)
{
	size_t covered;
	enum lr_drop reason;

	r->msg.key_id = 0;
	if (!rate_limit_allow(&server->rate, now, server->config->rate,
			      &d->from))
		return LR_DROP_LIMIT;
	reason = lr_decode(d->data, d->len, &r->msg, &covered);
	if (reason != LR_DROP_NONE)
		return reason;
	if (!r->msg.key_id)
		return LR_DROP_KEY;
	r->key = auth_keys_find(server->config->keys, r->msg.key_id);
	if (!r->key)
		return LR_DROP_KEY;
	if (!auth_verify(r->key, d->data, covered, d->data + covered,
			 LR_AUTH_LEN))
		return LR_DROP_AUTH;

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
 * One line for each handoff, while they can be read: a hundred thousand lines a
 * second help nobody. The events are complete.
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
	if (roam_addr_is_none(coa)) {
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
	event(server, what, &c->after.perm, coa, old, r->msg.key_id,
	      &r->from, reason);
}

static void report_refusals(struct server *server, const struct request *r)
{
	static const struct roam_addr none;
	const struct roam_addr *source = &r->from;
	char perm[ROAM_ADDR_STRLEN], from[ROAM_ADDR_STRLEN];

	/* The key entries behind these refuse nothing. */
	for (size_t i = 0; i < r->msg.count; i++) {
		const struct lr_entry *e = &r->reply.entries[i];
		uint32_t suppressed;

		server->counters.status[e->status]++;
		/* "None" answers a question, it refuses nothing. */
		if (e->status == LR_OK || e->status == LR_NONE)
			continue;
		event(server, "refused", &e->perm, &r->msg.entries[i].coa,
		      &none, r->msg.key_id, source, lr_status_name(e->status));
		if (limit_allow(&server->limit, daemon_now(), source,
				&suppressed))
			log_notice("mn=%s refused %s reason=%s key=%u host=%s from=%s suppressed=%u",
				   roam_addr_format(&e->perm, perm),
				   lr_type_name(r->msg.type),
				   lr_status_name(e->status), r->msg.key_id,
				   r->host ? r->host->name : "none",
				   roam_addr_format(source, from), suppressed);
	}
}

/* OPEN-28: none where the mapping outlived the key that registered it. */
static void seal_keys(const struct server *server, struct request *r)
{
	struct lr_msg *reply = &r->reply;
	uint16_t n = r->msg.count;

	for (uint16_t i = n; i < reply->count; i++) {
		struct lr_entry *e = &reply->entries[i];
		const struct auth_key *mobile =
			auth_keys_find(server->config->keys, e->seq);

		if (!mobile)
			continue;
		auth_pair_seal(mobile, r->key, reply->nonce, e->perm.b,
			       e->coa.b);
		reply->entries[n++] = *e;
	}
	reply->count = n;
}

static void send_reply(struct server *server, struct udp *udp,
		       struct request *r)
{
	uint8_t buf[LR_MAX_LEN];
	size_t len;

	seal_keys(server, r);
	len = lr_encode(&r->reply, buf);
	auth_sign(r->key, buf, len, buf + len, LR_AUTH_LEN);
	udp_send(udp, &r->from, r->from_port, &r->to, buf, len + LR_AUTH_LEN);
	server->counters.replies++;
}

/*
 * Tells once that the store fails, and once that it works again: a disk at its
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

/*
 * Nothing of this burst is on disk. A copy of an update in the same burst was
 * answered like the original, so every acknowledgement is taken back; queries
 * may have seen what is no more, so they are asked again.
 */
static void refuse_burst(struct server *server)
{
	msec_t now = daemon_now();

	hlr_undo(server->hlr, &burst.changes);
	for (size_t i = 0; i < burst.n; i++) {
		struct request *r = &burst.requests[i];

		r->n_changes = 0;
		if (r->msg.type == LR_UPDATE)
			hlr_refuse(&r->reply);
		else
			hlr_input(server->hlr, now, &r->rights, &r->msg,
				  &r->reply, &burst.changes);
	}
}

static void arm_expiry(struct server *server);

static void commit(struct server *server)
{
	struct store_clock clock = read_clock();
	char *error = store_commit(server->store, server->hlr, &burst.changes,
				   &clock);

	note_store(server, error);
	if (error)
		refuse_burst(server);
	else
		arm_expiry(server);
}

/* Makes durable what the burst changed, then answers. */
static void finish_burst(struct server_socket *socket)
{
	struct server *server = socket->server;

	if (burst.changes.n)
		commit(server);
	for (size_t i = 0; i < burst.n; i++) {
		struct request *r = &burst.requests[i];

		send_reply(server, socket->udp, r);
		report_refusals(server, r);
		for (size_t c = 0; c < r->n_changes; c++)
			report_change(server, r,
				      &burst.changes.items[r->first_change + c]);
	}
	burst.n = 0;
	hlr_changes_reset(&burst.changes);
}

static void on_burst_end(void *ctx)
{
	finish_burst(ctx);
}

static void on_datagram(struct server *server, const struct udp_datagram *d,
			msec_t now)
{
	struct request *r = &burst.requests[burst.n];
	enum lr_drop reason = authenticate(server, d, now, r);

	server->counters.received++;
	r->first_change = burst.changes.n;
	if (reason == LR_DROP_NONE)
		reason = hlr_input(server->hlr, now, &r->rights, &r->msg,
				   &r->reply, &burst.changes);
	if (reason != LR_DROP_NONE) {
		drop(server, d, r->msg.key_id, reason);
		return;
	}
	r->n_changes = burst.changes.n - r->first_change;
	if (r->msg.type == LR_UPDATE)
		server->counters.updates++;
	else
		server->counters.queries++;
	burst.n++;
}

/*
 * Queries are answered at once; with the first update everything waits for the
 * end of the burst, as a later query may tell what is not durable yet, and one
 * commit for all is what makes updates fast.
 */
static void on_datagrams(void *ctx, const struct udp_datagram *d, size_t n)
{
	struct server_socket *socket = ctx;
	msec_t now = daemon_now();

	for (size_t i = 0; i < n; i++) {
		if (burst.n == BURST_MAX)
			finish_burst(socket);
		on_datagram(socket->server, &d[i], now);
	}
	if (!burst.changes.n)
		finish_burst(socket);
}

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

/* When does the next mapping end? Nothing runs before. */
static void arm_expiry(struct server *server)
{
	msec_t now = daemon_now();
	uint64_t wait;
	msec_t next;

	/* What ended keeps its place until nothing older can come, see hlr.h. */
	if (server->loading)
		return;
	/* A call that removes nothing: it only tells the time. */
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

static void free_socket(struct server_socket *socket)
{
	udp_close(socket->udp);
	free(socket);
}

static struct server_socket *open_socket(struct server *server,
					 const struct conf_endpoint *e,
					 char **error)
{
	struct server_socket *socket = calloc(1, sizeof(*socket));

	socket->server = server;
	socket->endpoint = *e;
	socket->udp = udp_open(server->loop, &e->addr, e->port, on_datagrams,
			       NULL, socket, error);
	if (!socket->udp) {
		free(socket);
		return NULL;
	}
	udp_on_burst_end(socket->udp, on_burst_end);
	return socket;
}

static struct server_socket *take_socket(struct server *server,
					 const struct conf_endpoint *e)
{
	for (size_t i = 0; i < server->n_sockets; i++) {
		struct server_socket *socket = server->sockets[i];

		if (socket && socket->endpoint.port == e->port &&
		    roam_addr_eq(&socket->endpoint.addr, &e->addr)) {
			server->sockets[i] = NULL;
			return socket;
		}
	}
	return NULL;
}

static bool has_socket(struct server_socket **sockets, size_t n,
		       const struct server_socket *socket)
{
	for (size_t i = 0; i < n; i++)
		if (sockets[i] == socket)
			return true;
	return false;
}

/*
 * Opens what @config wants and is not open, then closes what it does not want.
 * A failure leaves the open ones as they were.
 */
static char *open_sockets(struct server *server, const struct config *config)
{
	struct server_socket **old = server->sockets, **all, **sockets;
	size_t n_old = server->n_sockets;
	char *error = NULL;

	sockets = calloc(config->n_listen, sizeof(*sockets));
	all = calloc(n_old ? n_old : 1, sizeof(*all));
	if (n_old)
		memcpy(all, old, n_old * sizeof(*all));
	for (size_t i = 0; !error && i < config->n_listen; i++) {
		sockets[i] = take_socket(server, &config->listen[i]);
		if (!sockets[i])
			sockets[i] = open_socket(server, &config->listen[i],
						 &error);
	}
	if (error) {
		for (size_t i = 0; i < config->n_listen; i++)
			if (sockets[i] && !has_socket(all, n_old, sockets[i]))
				free_socket(sockets[i]);
		free(sockets);
		free(old);
		server->sockets = all;
		return error;
	}
	for (size_t i = 0; i < n_old; i++)
		if (old[i])
			free_socket(old[i]);
	free(old);
	free(all);
	server->sockets = sockets;
	server->n_sockets = config->n_listen;
	return NULL;
}

static uint32_t longest(const struct config *config)
{
	return config->limits.lifetime_max > config->limits.tombstone ?
		config->limits.lifetime_max : config->limits.tombstone;
}

/* OPEN-38: until when this register may know less than others do. */
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

/* A sentence when the store cannot be read; what is loaded stays in use. */
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

/* Between requests; a store that turns out damaged is left as it is. */
static void on_load(uv_idle_t *loader)
{
	struct server *server = loader->data;
	char *error = load(server, LOAD_SLICE);

	if (!error)
		return;
	uv_idle_stop(loader);
	note_store(server, error);
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
	server->store = store_open(config->store, &error);
	hlr_set_loading(server->hlr, true);
	if (server->store) {
		set_young(server);
		error = load(server, LOAD_AT_ONCE);
	}
	if (!error)
		error = open_sockets(server, config);
	if (error) {
		server_stop(server);
		return error;
	}
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
		error = open_sockets(server, config);
	if (error)
		return error;
	server->config = config;
	hlr_configure(server->hlr, &config->limits);
	set_young(server);
	return NULL;
}

void server_stop(struct server *server)
{
	uv_close((uv_handle_t *)&server->expiry, NULL);
	uv_close((uv_handle_t *)&server->loader, NULL);
	for (size_t i = 0; i < server->n_sockets; i++)
		free_socket(server->sockets[i]);
	free(server->sockets);
	control_close(server->control);
	store_close(server->store);
	hlr_free(server->hlr);
	free(server->store_error);
	free(server->store_told);
	hlr_changes_free(&burst.changes);
}
