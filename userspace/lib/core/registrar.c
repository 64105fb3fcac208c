// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/registrar.h"

#include <stdlib.h>
#include <string.h>

#define UNANSWERED_TRIES 3	/* then the user is told, once per outage */

/**
 * struct server - one server
 * @config: its settings
 * @items: by number of the item
 * @order: index of its key's identifications
 * @request: the outstanding one
 * @outstanding: @request is waiting for its answer
 * @again: when @request is repeated
 * @interval: from the last copy to the next
 * @unanswered: copies and requests since its last answer
 * @told: the user heard of that
 * @replayed: the last answer was a replay: another one is not followed at once
 */
struct server {
	struct registrar_server config;
	struct registration *items;
	size_t order;
	struct registrar_request request;
	bool outstanding;
	msec_t again;
	msec_t interval;
	unsigned int unanswered;
	bool told;
	bool replayed;
};

/**
 * struct order - identifications of one key, whichever server shares it
 * @key_id: the key
 * @last_id: highest identification used or told
 */
struct order {
	uint32_t key_id;
	uint64_t last_id;
};

/**
 * struct registrar - see registrar_new()
 * @config: settings
 * @ops: the surroundings
 * @ctx: for @ops
 * @there: by number of the item
 * @servers: the servers
 * @n_servers: their number
 * @orders: one for each key that a server ever had
 * @n_orders: their number
 */
struct registrar {
	struct registrar_config config;
	struct registrar_ops ops;
	void *ctx;
	bool *there;
	struct server *servers;
	size_t n_servers;
	struct order *orders;
	size_t n_orders;
};

static uint64_t *last_id(const struct registrar *r, const struct server *s)
{
	return &r->orders[s->order].last_id;
}

static uint64_t next_id(struct registrar *r, const struct server *s)
{
	uint64_t id = r->ops.wallclock(r->ctx);
	uint64_t last = *last_id(r, s);

	return id > last ? id : last + (last < UINT64_MAX);
}

static void restart(struct registration *item, msec_t now)
{
	item->proved = item->fresh = false;
	item->due = now;
	item->since = now;
	item->tries = 0;
}

/* ---- sending ---- */

static void send_request(struct registrar *r, struct server *s, msec_t now)
{
	for (size_t i = 0; i < s->request.n; i++)
		s->items[s->request.items[i]].tries++;
	s->unanswered++;
	s->again = now + s->interval;
	s->request.to = &s->config;
	r->ops.send(r->ctx, &s->request);
}

/*
 * A new request about everything that is due; false if nothing is, then the last
 * one stays as it was.
 */
static bool compose(struct registrar *r, struct server *s, msec_t now)
{
	struct registrar_request request = { .n = 0 };

	for (size_t i = 0; i < r->config.n_items &&
	     request.n < r->config.items_max; i++) {
		if (s->items[i].due > now)
			continue;
		if (!s->items[i].tries)
			s->items[i].since = now;
		request.items[request.n++] = i;
		if (s->items[i].proved && !request.proof) {
			request.proof = s->items[i].proof;
			s->items[i].fresh = false;
		}
	}
	if (!request.n)
		return false;
	request.id = next_id(r, s);
	request.nonce = r->ops.random(r->ctx);
	*last_id(r, s) = request.id;
	s->request = request;
	s->interval = r->config.retry;
	s->outstanding = true;
	return true;
}

static void tell_unanswered(struct registrar *r, struct server *s, msec_t now)
{
	if (s->told || s->unanswered < UNANSWERED_TRIES)
		return;
	s->told = true;
	for (size_t i = 0; i < s->request.n; i++) {
		const struct registration *item =
			&s->items[s->request.items[i]];

		r->ops.unanswered(r->ctx, &s->config, s->request.items[i],
				  item->tries, now - item->since);
	}
}

static msec_t tick(struct registrar *r, struct server *s, msec_t now)
{
	msec_t next = MSEC_NEVER;

	if (s->outstanding && s->again <= now) {
		tell_unanswered(r, s, now);
		s->interval = min_time(s->interval * 2, r->config.retry_max);
		send_request(r, s, now);
	}
	if (!s->outstanding && compose(r, s, now))
		send_request(r, s, now);
	if (s->outstanding)
		return s->again;
	for (size_t i = 0; i < r->config.n_items; i++)
		next = min_time(next, s->items[i].due);
	return next;
}

msec_t registrar_tick(struct registrar *r, msec_t now)
{
	msec_t next = MSEC_NEVER;

	for (size_t i = 0; i < r->n_servers; i++)
		next = min_time(next, tick(r, &r->servers[i], now));
	return next;
}

/* ---- items ---- */

void registrar_adopt(struct registrar *r, size_t item, bool there)
{
	r->there[item] = there;
}

void registrar_change(struct registrar *r, msec_t now, size_t item, bool there)
{
	r->there[item] = there;
	for (size_t i = 0; i < r->n_servers; i++) {
		restart(&r->servers[i].items[item], there ? now : MSEC_NEVER);
		r->servers[i].outstanding = false;
	}
}

void registrar_delay(struct registrar *r, size_t item, msec_t when)
{
	for (size_t i = 0; i < r->n_servers; i++)
		r->servers[i].items[item].due = when;
}

static void leave(struct registrar *r, struct server *s, msec_t now)
{
	for (size_t i = 0; i < r->config.n_items; i++)
		restart(&s->items[i], now);
	while (compose(r, s, now)) {
		s->request.leaving = true;
		send_request(r, s, now);
		for (size_t i = 0; i < s->request.n; i++)
			s->items[s->request.items[i]].due = MSEC_NEVER;
	}
	s->outstanding = false;
}

void registrar_leave(struct registrar *r, msec_t now)
{
	for (size_t i = 0; i < r->config.n_items; i++)
		r->there[i] = false;
	for (size_t i = 0; i < r->n_servers; i++)
		leave(r, &r->servers[i], now);
}

/* ---- answers ---- */

size_t registrar_find(const struct registrar *r, const struct roam_addr *from,
		      uint64_t nonce)
{
	for (size_t i = 0; i < r->n_servers; i++) {
		const struct server *s = &r->servers[i];

		if (s->outstanding && s->request.nonce == nonce &&
		    roam_addr_eq(&s->config.addr, from))
			return i;
	}
	return REGISTRAR_NONE;
}

const struct registrar_request *registrar_request(const struct registrar *r,
						  size_t server)
{
	return &r->servers[server].request;
}

size_t registrar_find_last(const struct registrar *r, uint64_t nonce)
{
	for (size_t i = 0; i < r->n_servers; i++)
		if (r->servers[i].request.n &&
		    r->servers[i].request.nonce == nonce)
			return i;
	return REGISTRAR_NONE;
}

void registrar_answered(struct registrar *r, size_t server, msec_t now)
{
	struct server *s = &r->servers[server];

	s->outstanding = false;
	s->unanswered = 0;
	s->told = false;
	/* Items that the answer leaves out are asked for again, but not at once. */
	for (size_t i = 0; i < s->request.n; i++)
		s->items[s->request.items[i]].due = now + r->config.retry;
}

bool registrar_asked(const struct registrar *r, size_t server, size_t item)
{
	const struct registrar_request *request = &r->servers[server].request;

	for (size_t i = 0; i < request->n; i++)
		if (request->items[i] == item)
			return true;
	return false;
}

static struct registrar_news news_of(const struct registration *item,
				     msec_t now, bool news)
{
	return (struct registrar_news){ news, item->tries, now - item->since };
}

struct registrar_news registrar_granted(struct registrar *r, size_t server,
					size_t item, msec_t now,
					uint64_t version, msec_t lifetime)
{
	struct registration *state = &r->servers[server].items[item];
	struct registrar_news news;

	news = news_of(state, now, state->acked != version || state->status);
	state->acked = version;
	state->status = 0;
	state->expires = now + lifetime;
	state->due = now + lifetime * 2 / 3;
	state->tries = 0;
	return news;
}

struct registrar_news registrar_refused(struct registrar *r, size_t server,
					size_t item, msec_t now,
					uint8_t status, msec_t delay)
{
	struct registration *state = &r->servers[server].items[item];
	struct registrar_news news;

	news = news_of(state, now, state->status != status);
	/* What it lacked came before the refusal. */
	state->due = now + (state->fresh ? 0 : delay);
	state->status = status;
	return news;
}

void registrar_replayed(struct registrar *r, size_t server, size_t item,
			msec_t now, uint64_t id)
{
	struct server *s = &r->servers[server];

	if (id > *last_id(r, s))
		*last_id(r, s) = id;
	s->items[item].due = s->replayed ? now + r->config.retry : now;
}

/*
 * The proof may come before the answer that refuses the item for the lack of it,
 * or behind that.
 */
bool registrar_prove(struct registrar *r, uint64_t nonce, size_t item,
		     msec_t now, const uint8_t proof[REGISTRAR_PROOF_LEN])
{
	size_t server = registrar_find_last(r, nonce);
	struct registration *state;

	if (server == REGISTRAR_NONE || !registrar_asked(r, server, item) ||
	    !r->there[item])
		return false;
	state = &r->servers[server].items[item];
	state->proved = state->fresh = true;
	memcpy(state->proof, proof, sizeof(state->proof));
	state->due = now;
	tick(r, &r->servers[server], now);
	return true;
}

void registrar_disprove(struct registrar *r, size_t server, size_t item)
{
	struct registration *state = &r->servers[server].items[item];

	state->proved = state->fresh = false;
}

void registrar_done(struct registrar *r, size_t server, msec_t now,
		    bool replay)
{
	r->servers[server].replayed = replay;
	tick(r, &r->servers[server], now);
}

const struct registration *registrar_get(const struct registrar *r,
					 size_t server, size_t item)
{
	return &r->servers[server].items[item];
}

/* ---- making and unmaking ---- */

static void servers_free(struct server *servers, size_t n)
{
	for (size_t i = 0; servers && i < n; i++)
		free(servers[i].items);
	free(servers);
}

static bool same_server(const struct registrar_server *a,
			const struct registrar_server *b)
{
	return a->port == b->port && a->key_id == b->key_id &&
	       roam_addr_eq(&a->addr, &b->addr);
}

/* A server that was there before keeps its state, a new one is told everything. */
static void inherit(struct registrar *r, struct server *s, msec_t now)
{
	struct registration *items = s->items;

	for (size_t i = 0; i < r->n_servers; i++) {
		struct server *old = &r->servers[i];

		if (same_server(&old->config, &s->config)) {
			*s = *old;
			old->items = items;
			return;
		}
	}
	for (size_t i = 0; i < r->config.n_items; i++)
		items[i].due = r->there[i] ? now : MSEC_NEVER;
}

/* Room is the caller's. */
static size_t order_of(struct registrar *r, uint32_t key_id)
{
	for (size_t i = 0; i < r->n_orders; i++)
		if (r->orders[i].key_id == key_id)
			return i;
	r->orders[r->n_orders] = (struct order){ .key_id = key_id };
	return r->n_orders++;
}

bool registrar_set_servers(struct registrar *r, msec_t now,
			   const struct registrar_server *servers, size_t n)
{
	struct order *orders = realloc(r->orders, (r->n_orders + n + 1) *
					       sizeof(*orders));
	struct server *made = calloc(n + 1, sizeof(*made));

	if (orders)
		r->orders = orders;
	if (!made || !orders) {
		free(made);
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		made[i].config = servers[i];
		made[i].order = order_of(r, servers[i].key_id);
		made[i].items = calloc(r->config.n_items + 1,
				       sizeof(*made[i].items));
		if (!made[i].items) {
			servers_free(made, n);
			return false;
		}
	}
	for (size_t i = 0; i < n; i++)
		inherit(r, &made[i], now);
	servers_free(r->servers, r->n_servers);
	r->servers = made;
	r->n_servers = n;
	return true;
}

const struct registrar_server *registrar_server(const struct registrar *r,
						size_t i)
{
	return i < r->n_servers ? &r->servers[i].config : NULL;
}

struct registrar *registrar_new(const struct registrar_config *config,
				const struct registrar_ops *ops, void *ctx)
{
	struct registrar *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->config = *config;
	r->ops = *ops;
	r->ctx = ctx;
	r->there = calloc(config->n_items + 1, sizeof(*r->there));
	if (r->there)
		return r;
	free(r);
	return NULL;
}

void registrar_free(struct registrar *r)
{
	if (!r)
		return;
	servers_free(r->servers, r->n_servers);
	free(r->orders);
	free(r->there);
	free(r);
}
