// SPDX-License-Identifier: GPL-2.0-or-later
#include "agentd/sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agentd/agentd.h"
#include "agentd/share.h"
#include "core/sync.h"
#include "io/daemon.h"
#include "io/json.h"
#include "io/log.h"
#include "io/role.h"
#include "io/sync.h"

#define HELD_MAX 8192		/* replies that may wait at a time */
#define UNSTORED_MAX 65536	/* changes of others that may wait for the disk */
#define SCRUB 512		/* entries looked at for each hello */
#define NTP_UNIX UINT64_C(2208988800)	/* s from 1900 to 1970 */
#define ORDER_AGE (UINT64_C(86400000000000) * 400)	/* ns */
#define ORDER_BEFORE UINT64_C(10000000000)	/* ns that clocks may differ */

/**
 * struct held - what waits for acknowledgements
 * @next: in agent_sync.held
 * @prev: likewise
 * @fn: see agent_sync_hold()
 * @data: likewise
 * @left: entries that were not acknowledged yet
 */
struct held {
	struct held *next;
	struct held *prev;
	agent_sync_fn fn;
	unsigned int left;
	_Alignas(16) uint8_t data[];
};

/**
 * struct agent_sync - see above
 * @a: the daemon
 * @engine: NULL while the own address is unknown
 * @own: its address
 * @link: its messages
 * @role: follows roam-standbyd, NULL without
 * @now: the role as told last
 * @active: this agent is the active one
 * @adopted: the engine has what the store had, or that was dropped
 * @alone: it is complete as nobody else has a table
 * @trusted: what the store had is young enough to be merged with others'
 * @stored: wall clock, ms, when the store was written last
 * @timer: of the engine
 * @nodes: bindings from elsewhere that are not durable yet
 * @visitors: likewise
 * @nodes_told: so many of @nodes are in the kernel
 * @visitors_told: likewise
 * @held: list of what waits
 * @n_held: its length
 * @hello: when the table was looked at last
 * @since: the table is complete since then, MSEC_NEVER while it is not
 * @refused: entries that are no business of this agent
 * @overflow: replies that did not wait, as too many did
 */
struct agent_sync {
	struct agentd *a;
	struct sync *engine;
	struct roam_addr own;
	struct sync_link link;
	struct role_client *role;
	struct role now;
	bool active;
	bool adopted;
	bool alone;
	bool trusted;
	uint64_t stored;
	uv_timer_t timer;
	struct ha_changes nodes;
	struct fa_changes visitors;
	size_t nodes_told;
	size_t visitors_told;
	struct held held;
	size_t n_held;
	msec_t hello;
	msec_t since;
	uint64_t refused;
	uint64_t overflow;
};

static struct agent_sync agent_sync;

static const struct roam_addr none;

/* ---- changes that others made ---- */

/* Grown by doubling; false leaves it as it was. */
static bool reserve(void **items, size_t n, size_t *room, size_t size)
{
	size_t more = *room ? 2 * *room : 64;
	void *grown;

	if (n < *room)
		return true;
	grown = reallocarray(*items, more, size);
	if (!grown)
		return false;
	*items = grown;
	*room = more;
	return true;
}

static bool set_node(struct agent_sync *s, const struct ha_state *after)
{
	struct ha_change c = { .after = *after };

	c.existed = ha_get(s->a->ha, &after->home, &c.before);
	if (!reserve((void **)&s->nodes.items, s->nodes.n, &s->nodes.room,
		     sizeof(c)) || !ha_apply(s->a->ha, after))
		return false;
	s->nodes.items[s->nodes.n++] = c;
	return true;
}

static bool set_visitor(struct agent_sync *s, const struct fa_visitor *after)
{
	struct fa_change c = { .exists = true, .after = *after };

	c.existed = fa_get(s->a->fa, &after->home, &c.before);
	if (!reserve((void **)&s->visitors.items, s->visitors.n,
		     &s->visitors.room, sizeof(c)) ||
	    !fa_apply(s->a->fa, after))
		return false;
	s->visitors.items[s->visitors.n++] = c;
	return true;
}

/* What packets need, and whoever watches, does not wait for the disk. */
static void tell_kernel(struct agent_sync *s)
{
	struct ha_changes nodes = {
		.items = s->nodes.items + s->nodes_told,
		.n = s->nodes.n - s->nodes_told,
	};
	struct fa_changes visitors = {
		.items = s->visitors.items + s->visitors_told,
		.n = s->visitors.n - s->visitors_told,
	};
	const char *why = "by the other agent";

	kernel_set_nodes(s->a, &nodes);
	kernel_set_visitors(s->a, &visitors);
	for (size_t i = 0; i < nodes.n; i++)
		show_node(s->a, &nodes.items[i], why);
	for (size_t i = 0; i < visitors.n; i++)
		show_visitor(s->a, &visitors.items[i], why);
	if (nodes.n || visitors.n)
		agentd_kick(s->a);
	s->nodes_told = s->nodes.n;
	s->visitors_told = s->visitors.n;
}

static size_t unstored(const struct agent_sync *s)
{
	return s->nodes.n + s->nodes.n_leases + s->visitors.n;
}

/* False: the disk does not take what others said; it is tried again with the next. */
static bool write_store(struct agent_sync *s)
{
	struct agentd *a = s->a;
	char *error;

	if (!unstored(s))
		return true;
	error = store_commit(a->store, a->ha, a->fa, &s->nodes, &s->visitors,
			     daemon_now(), daemon_wallclock());
	agentd_note_store(a, error, "what other agents say is in memory only and not acknowledged until then");
	if (error)
		return false;
	ha_changes_reset(&s->nodes);
	fa_changes_reset(&s->visitors);
	s->nodes_told = 0;
	s->visitors_told = 0;
	return true;
}

/*
 * Durable before it is acknowledged. A disk that is full here must not lose what
 * the other agent may lose, too: the table in memory keeps it, and the disk gets it
 * when it has room again.
 */
static void settle(struct agent_sync *s)
{
	bool durable;

	tell_kernel(s);
	durable = write_store(s);
	if (s->engine)
		sync_settled(s->engine, durable);
}

/* ---- the engine's clients ---- */

static size_t serialise_binding(void *ctx, const uint8_t *key, size_t key_len,
				uint8_t *value, size_t room, size_t *digested)
{
	struct agent_sync *s = ctx;
	struct ha_state state;
	struct roam_addr home;
	uint32_t id;

	if (!agent_key_read(AGENT_BINDING, key, key_len, &home, &id) ||
	    !ha_get(s->a->ha, &home, &state) || room < AGENT_BINDING_MAX)
		return 0;
	return agent_binding_encode(&state, daemon_now(), value, digested);
}

/* Whatever key it was signed with: homes of other agents are not ours to bind. */
static bool is_ours(const struct agentd *a, const struct ha_state *state)
{
	for (size_t i = 0; i < a->config->n_homes; i++)
		if (roam_addr_eq(&a->config->groups[i].agent, &state->agent) &&
		    roam_prefix_contains(&a->config->groups[i].network,
					 &state->home))
			return true;
	return false;
}

static enum sync_apply apply_binding(void *ctx, const uint8_t *key,
				     size_t key_len, const uint8_t *value,
				     size_t len, uint64_t order)
{
	struct agent_sync *s = ctx;
	struct ha_state state, before;
	msec_t now = daemon_now();
	uint32_t id;

	(void)order;
	if (!agent_key_read(AGENT_BINDING, key, key_len, &state.home, &id) ||
	    !agent_binding_decode(value, len, now, &state) ||
	    !is_ours(s->a, &state)) {
		s->refused++;
		return SYNC_IGNORED;
	}
	if (!state.n && state.kept <= now)
		return SYNC_IGNORED;
	if (unstored(s) >= UNSTORED_MAX)
		return SYNC_FULL;
	/* A full table goes on with those it has. */
	if (ha_entries(s->a->ha) >= (size_t)s->a->config->nodes_max &&
	    !ha_get(s->a->ha, &state.home, &before))
		return SYNC_FULL;
	return set_node(s, &state) ? SYNC_APPLIED : SYNC_FULL;
}

static void remove_binding(void *ctx, const uint8_t *key, size_t key_len)
{
	struct ha_state state = { .n = 0 };
	uint32_t id;

	if (agent_key_read(AGENT_BINDING, key, key_len, &state.home, &id))
		set_node(ctx, &state);
}

static size_t serialise_visitor(void *ctx, const uint8_t *key, size_t key_len,
				uint8_t *value, size_t room, size_t *digested)
{
	struct agent_sync *s = ctx;
	struct fa_visitor visitor;
	struct roam_addr home;
	uint32_t id;

	if (!agent_key_read(AGENT_VISITOR, key, key_len, &home, &id) ||
	    !fa_get(s->a->fa, &home, &visitor) || room < AGENT_VISITOR_MAX)
		return 0;
	return agent_visitor_encode(&visitor, daemon_now(), value, digested);
}

/* Which of this host's links it is: the one with the same care-of address. */
static bool find_link(const struct agentd *a, struct fa_visitor *v)
{
	for (size_t i = 0; i < a->n_fa_links; i++) {
		if (!roam_addr_eq(&a->fa_links[i].coa, &v->coa) &&
		    !roam_addr_eq(&a->fa_links[i].addr, &v->to))
			continue;
		v->link = a->fa_links[i].index;
		return true;
	}
	return false;
}

static enum sync_apply apply_visitor(void *ctx, const uint8_t *key,
				     size_t key_len, const uint8_t *value,
				     size_t len, uint64_t order)
{
	struct agent_sync *s = ctx;
	struct fa_visitor v, before;
	msec_t now = daemon_now();
	uint32_t id;

	(void)order;
	if (!agent_key_read(AGENT_VISITOR, key, key_len, &v.home, &id) ||
	    !agent_visitor_decode(value, len, now, &v) ||
	    !find_link(s->a, &v)) {
		s->refused++;
		return SYNC_IGNORED;
	}
	if (v.expires <= now)
		return SYNC_IGNORED;
	if (unstored(s) >= UNSTORED_MAX)
		return SYNC_FULL;
	if (fa_count(s->a->fa) >= (size_t)s->a->config->visitors_max &&
	    !fa_get(s->a->fa, &v.home, &before))
		return SYNC_FULL;
	return set_visitor(s, &v) ? SYNC_APPLIED : SYNC_FULL;
}

static void remove_visitor(void *ctx, const uint8_t *key, size_t key_len)
{
	struct agent_sync *s = ctx;
	struct roam_addr home;
	uint32_t id;

	if (agent_key_read(AGENT_VISITOR, key, key_len, &home, &id))
		fa_delete(s->a->fa, &home, &s->visitors);
}

static size_t serialise_pending(void *ctx, const uint8_t *key, size_t key_len,
				uint8_t *value, size_t room, size_t *digested)
{
	struct agent_sync *s = ctx;
	struct fa_visitor v;
	struct roam_addr home;
	uint32_t id;

	if (!agent_key_read(AGENT_PENDING, key, key_len, &home, &id) ||
	    !fa_get_pending(s->a->fa, &home, id, &v) ||
	    room < AGENT_VISITOR_MAX)
		return 0;
	return agent_visitor_encode(&v, daemon_now(), value, digested);
}

static enum sync_apply apply_pending(void *ctx, const uint8_t *key,
				     size_t key_len, const uint8_t *value,
				     size_t len, uint64_t order)
{
	struct agent_sync *s = ctx;
	struct fa_visitor v, before;
	msec_t now = daemon_now();
	uint32_t id;

	(void)order;
	if (!agent_key_read(AGENT_PENDING, key, key_len, &v.home, &id) ||
	    !agent_visitor_decode(value, len, now, &v) ||
	    (uint32_t)v.id != id || !find_link(s->a, &v)) {
		s->refused++;
		return SYNC_IGNORED;
	}
	if (v.expires <= now)
		return SYNC_IGNORED;
	if (fa_pending(s->a->fa) >= (size_t)s->a->config->pending_max &&
	    !fa_get_pending(s->a->fa, &v.home, id, &before))
		return SYNC_FULL;
	agentd_kick(s->a);
	return fa_apply_pending(s->a->fa, &v) ? SYNC_APPLIED : SYNC_FULL;
}

static void remove_pending(void *ctx, const uint8_t *key, size_t key_len)
{
	struct agent_sync *s = ctx;
	struct roam_addr home;
	uint32_t id;

	if (agent_key_read(AGENT_PENDING, key, key_len, &home, &id))
		fa_delete_pending(s->a->fa, &home, id);
}

static size_t serialise_lease(void *ctx, const uint8_t *key, size_t key_len,
			      uint8_t *value, size_t room, size_t *digested)
{
	struct agent_sync *s = ctx;
	struct lease lease;
	struct roam_addr addr;
	uint32_t id;

	if (!agent_key_read(AGENT_LEASE, key, key_len, &addr, &id) ||
	    !leases_at(ha_leases(s->a->ha), &addr, &lease) ||
	    room < AGENT_LEASE_MAX)
		return 0;
	return agent_lease_encode(&lease, daemon_now(), value, digested);
}

static bool is_leased_here(const struct agentd *a, const struct lease *lease)
{
	for (size_t i = 0; i < a->config->n_homes; i++)
		if (roam_addr_eq(&a->config->groups[i].agent, &lease->agent) &&
		    roam_prefix_contains(&a->config->groups[i].network,
					 &lease->addr))
			return true;
	return false;
}

static enum sync_apply apply_lease(void *ctx, const uint8_t *key,
				   size_t key_len, const uint8_t *value,
				   size_t len, uint64_t order)
{
	struct agent_sync *s = ctx;
	struct leases *leases = ha_leases(s->a->ha);
	struct lease lease, before;
	msec_t now = daemon_now();
	uint32_t id;

	(void)order;
	if (!agent_key_read(AGENT_LEASE, key, key_len, &lease.addr, &id) ||
	    !agent_lease_decode(value, len, now, &lease) ||
	    !is_leased_here(s->a, &lease)) {
		s->refused++;
		return SYNC_IGNORED;
	}
	if (lease.until <= now)
		return SYNC_IGNORED;
	if (unstored(s) >= UNSTORED_MAX)
		return SYNC_FULL;
	if (leases_count(leases) >= (size_t)s->a->config->nodes_max &&
	    !leases_at(leases, &lease.addr, &before))
		return SYNC_FULL;
	return ha_apply_lease(s->a->ha, &lease, &s->nodes) ? SYNC_APPLIED :
							     SYNC_FULL;
}

static void end_lease(struct agent_sync *s, const struct roam_addr *addr)
{
	struct lease lease;

	if (!leases_at(ha_leases(s->a->ha), addr, &lease))
		return;
	lease.until = 0;
	ha_apply_lease(s->a->ha, &lease, &s->nodes);
}

static void remove_lease(void *ctx, const uint8_t *key, size_t key_len)
{
	struct roam_addr addr;
	uint32_t id;

	if (agent_key_read(AGENT_LEASE, key, key_len, &addr, &id))
		end_lease(ctx, &addr);
}

static bool agent_of_binding(void *ctx, const uint8_t *key, size_t key_len,
			     struct roam_addr *agent)
{
	struct agent_sync *s = ctx;
	struct ha_state state;
	struct roam_addr home;
	uint32_t id;

	if (!agent_key_read(AGENT_BINDING, key, key_len, &home, &id) ||
	    !ha_get(s->a->ha, &home, &state))
		return false;
	*agent = state.agent;
	return true;
}

static bool agent_of_lease(void *ctx, const uint8_t *key, size_t key_len,
			   struct roam_addr *agent)
{
	struct agent_sync *s = ctx;
	struct lease lease;
	struct roam_addr addr;
	uint32_t id;

	if (!agent_key_read(AGENT_LEASE, key, key_len, &addr, &id) ||
	    !leases_at(ha_leases(s->a->ha), &addr, &lease))
		return false;
	*agent = lease.agent;
	return true;
}

static const struct sync_type types[] = {
	{ AGENT_BINDING, "bindings", serialise_binding, apply_binding,
	  remove_binding, agent_of_binding },
	{ AGENT_VISITOR, "visitors", serialise_visitor, apply_visitor,
	  remove_visitor, NULL },
	{ AGENT_PENDING, "pending", serialise_pending, apply_pending,
	  remove_pending, NULL },
	{ AGENT_LEASE, "leases", serialise_lease, apply_lease, remove_lease,
	  agent_of_lease },
};

/* ---- messages ---- */

static void send_message(void *ctx, const struct roam_addr *to,
			 const struct sync_msg *msg)
{
	struct agent_sync *s = ctx;

	sync_link_send(&s->link, to, msg);
}

static uint64_t random_bits(void *ctx)
{
	(void)ctx;
	return daemon_random();
}

static void run_held(struct agent_sync *s, struct held *h)
{
	h->prev->next = h->next;
	h->next->prev = h->prev;
	s->n_held--;
	h->fn(s->a, h->data);
	free(h);
}

static void on_released(void *ctx, uint64_t token, unsigned int acks, bool late)
{
	struct held *h = (struct held *)(uintptr_t)token;

	(void)acks;
	(void)late;
	if (!--h->left)
		run_held(ctx, h);
}

static void on_synced(void *ctx, bool synced, const struct roam_addr *from)
{
	struct agent_sync *s = ctx;
	char text[ROAM_ADDR_STRLEN];

	s->since = synced ? daemon_now() : MSEC_NEVER;
	s->alone = synced && roam_addr_eq(from, &s->own);
	s->link.told = 0;
	if (roam_addr_eq(from, &s->own))
		log_notice("sync: the table of this agent is the one to be had");
	else if (synced)
		log_notice("sync: the table of %s is complete here",
			   roam_addr_format(from, text));
	else
		log_notice("sync: the table here is not complete");
}

static void on_passed(void *ctx, const struct sync_msg *msg)
{
	const struct agent_sync *s = ctx;

	agent_share_passed(s->a, msg);
}

static uint64_t wallclock(void *ctx)
{
	(void)ctx;
	return daemon_wallclock();
}

static const struct sync_ops ops = {
	.send = send_message, .released = on_released, .random = random_bits,
	.synced = on_synced, .clock = wallclock, .passed = on_passed,
};

/* ---- what the store had ---- */

/*
 * A binding that ended while this agent did not run may have been forgotten by
 * everybody. So what is older than a tombstone lives is not told to others.
 */
static void judge_store(struct agent_sync *s, const struct sync_config *c)
{
	uint64_t wall = daemon_wallclock() / 1000000;

	s->trusted = wall >= s->stored &&
		     wall - s->stored < (uint64_t)c->tombstone;
}

static void tell(struct agent_sync *s, enum agent_entry type,
		 const struct roam_addr *home, uint64_t id, uint64_t order,
		 bool delete)
{
	uint8_t key[AGENT_KEY_MAX];
	size_t len = agent_key(type, home, id, key);

	if (delete)
		sync_delete(s->engine, daemon_now(), type, key, len, order, 0, 0);
	else
		sync_update(s->engine, daemon_now(), type, key, len, order, 0, 0);
}

/*
 * Orders are the wall clock of whoever took the registration. An Identification
 * that is a time says about when that was: what others have from then on is newer.
 */
static uint64_t order_of(uint64_t id)
{
	uint64_t wall = daemon_wallclock();
	uint64_t at = ((id >> 32) - NTP_UNIX) * 1000000000 +
		      ((id & UINT32_MAX) * 1000000000 >> 32);

	return at < wall && wall - at < ORDER_AGE ? at - ORDER_BEFORE : 1;
}

static void tell_node(void *ctx, const struct ha_state *state)
{
	tell(ctx, AGENT_BINDING, &state->home, 0, order_of(state->last), false);
}

static void tell_visitor(void *ctx, const struct fa_visitor *v, bool pending)
{
	tell(ctx, pending ? AGENT_PENDING : AGENT_VISITOR, &v->home, v->id,
	     order_of(v->id), false);
}

/* A lease has no time of its own: what others have is newer. */
static void tell_lease(void *ctx, const struct lease *lease)
{
	tell(ctx, AGENT_LEASE, &lease->addr, 0, 1, false);
}

/* The store's entries are the engine's as well. */
static void adopt(struct agent_sync *s)
{
	struct table_iter leases = { 0 };
	struct ha_cursor ha = { .done = false };
	struct fa_cursor fa = { .done = false };

	s->adopted = true;
	while (!ha.done)
		ha_walk(s->a->ha, &ha, 1024, tell_node, s);
	while (!fa.done)
		fa_walk(s->a->fa, &fa, 1024, tell_visitor, s);
	while (leases_walk(ha_leases(s->a->ha), &leases, 1024, tell_lease, s))
		;
	sync_flush(s->engine, daemon_now());
}

/**
 * struct strays - entries that the engine does not know
 * @s: whose
 * @homes: of them
 * @n: their number
 * @room: allocated
 */
struct strays {
	struct agent_sync *s;
	struct roam_addr *homes;
	size_t n;
	size_t room;
};

static void add_stray(struct strays *strays, enum agent_entry type,
		      const struct roam_addr *home)
{
	uint8_t key[AGENT_KEY_MAX];

	if (!sync_knows(strays->s->engine, type, key,
			agent_key(type, home, 0, key)) &&
	    reserve((void **)&strays->homes, strays->n, &strays->room,
		    sizeof(*home)))
		strays->homes[strays->n++] = *home;
}

static void stray_node(void *ctx, const struct ha_state *state)
{
	add_stray(ctx, AGENT_BINDING, &state->home);
}

static void stray_visitor(void *ctx, const struct fa_visitor *v, bool pending)
{
	if (!pending)
		add_stray(ctx, AGENT_VISITOR, &v->home);
}

static void stray_lease(void *ctx, const struct lease *lease)
{
	add_stray(ctx, AGENT_LEASE, &lease->addr);
}

/* They ended while this agent did not run, and the other one knows that. */
static void forget_strays(struct agent_sync *s)
{
	struct strays nodes = { .s = s }, visitors = { .s = s };
	struct strays leases = { .s = s };
	struct table_iter at = { 0 };
	struct ha_cursor ha = { .done = false };
	struct fa_cursor fa = { .done = false };

	s->adopted = true;
	while (!ha.done)
		ha_walk(s->a->ha, &ha, 1024, stray_node, &nodes);
	while (!fa.done)
		fa_walk(s->a->fa, &fa, 1024, stray_visitor, &visitors);
	while (leases_walk(ha_leases(s->a->ha), &at, 1024, stray_lease, &leases))
		;
	for (size_t i = 0; i < nodes.n; i++) {
		struct ha_state gone = { .home = nodes.homes[i] };

		set_node(s, &gone);
	}
	for (size_t i = 0; i < visitors.n; i++)
		fa_delete(s->a->fa, &visitors.homes[i], &s->visitors);
	for (size_t i = 0; i < leases.n; i++)
		end_lease(s, &leases.homes[i]);
	if (nodes.n + visitors.n + leases.n)
		log_notice("sync: %zu bindings, %zu visitors and %zu leases of the store were forgotten, as the other agent has none of them",
			   nodes.n, visitors.n, leases.n);
	free(nodes.homes);
	free(visitors.homes);
	free(leases.homes);
}

/* What is too old to be trusted counts only where nobody has anything else. */
static void adopt_when_known(struct agent_sync *s)
{
	if (s->adopted || !sync_is_synced(s->engine))
		return;
	if (s->alone)
		adopt(s);
	else
		forget_strays(s);
}

/* ---- time ---- */

static void tell_standbyd(struct agent_sync *s)
{
	sync_link_tell(&s->link, s->role, s->active ? &s->now.standby :
					  &s->now.active, s->active, daemon_now());
}

static void on_timer(uv_timer_t *timer);

static void rearm(struct agent_sync *s)
{
	msec_t now = daemon_now(), next = sync_next(s->engine);

	uv_update_time(s->a->loop);
	uv_timer_start(&s->timer, on_timer,
		       next > now ? (uint64_t)min_time(next - now, 1000) : 1, 0);
}

static void on_timer(uv_timer_t *timer)
{
	struct agent_sync *s = timer->data;
	msec_t now = daemon_now();

	if (!s->engine)
		return;
	if (now - s->hello >= s->a->config->sync->hello) {
		s->hello = now;
		sync_scrub(s->engine, SCRUB);
	}
	sync_run(s->engine, now);
	adopt_when_known(s);
	settle(s);
	tell_standbyd(s);
	rearm(s);
}

static void on_dropped(void *ctx, const struct roam_addr *from,
		       enum sync_drop reason)
{
	const struct agent_sync *s = ctx;

	show_dropped(s->a, from, sync_drop_name(reason));
}

/* Behind all that came at once; acknowledgements leave when this returns. */
static void on_burst_end(void *ctx)
{
	struct agent_sync *s = ctx;

	if (!s->engine)
		return;
	settle(s);
	adopt_when_known(s);
	agent_share_run(s->a);
	rearm(s);
}

/* ---- the role ---- */

static void free_engine(struct agent_sync *s)
{
	agent_sync_release(s->a);
	sync_free(s->engine);
	s->engine = NULL;
	s->link.engine = NULL;
	s->adopted = false;
}

static void make_engine(struct agent_sync *s, const struct roam_addr *own)
{
	const struct conf_sync *c = s->a->config->sync;
	struct sync_config config = {
		.group = c->number, .own = *own, .mode = c->mode,
		.multicast = !roam_addr_is_none(&c->multicast), .settles = true,
		.hello = c->hello, .dead = c->dead, .retry = c->retry, .wait = c->wait,
		.tombstone = c->tombstone,
		.entries_max = (size_t)(2 * s->a->config->nodes_max +
					s->a->config->visitors_max +
					s->a->config->pending_max),
	};

	if (s->engine)
		free_engine(s);
	sync_config_default(&config);
	judge_store(s, &config);
	s->own = *own;
	s->engine = sync_new(&config, &ops, s, daemon_now());
	if (!s->engine)
		abort();
	sync_link_use(&s->link, s->engine, own);
	agent_share_reset();
	sync_set_weight(s->engine, c->any ? c->weight : 0);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		sync_register(s->engine, &types[i], s);
	if (s->trusted)
		adopt(s);
	for (size_t i = 0; i < c->n_members; i++)
		sync_add_member(s->engine, daemon_now(), &c->members[i]);
	rearm(s);
}

static void on_role(void *ctx, const struct role *role)
{
	struct agent_sync *s = ctx;
	bool was = s->active;
	enum sync_role to;

	if (roam_addr_is_none(&role->own))
		return;
	s->now = *role;
	if (!s->engine || !roam_addr_eq(&s->own, &role->own))
		make_engine(s, &role->own);
	to = sync_role_of(role, &s->own);
	s->active = to == SYNC_ACTIVE;
	/* With nobody active there is nobody to be a standby of. */
	if (to == SYNC_STANDBY && roam_addr_is_none(&role->active))
		return;
	sync_set_role(s->engine, daemon_now(), to, &role->active,
		      &role->standby);
	s->link.told = 0;
	if (was != s->active) {
		log_notice("this agent %s", s->active ? "is the active one" :
			   "is not the active one any more");
		net_serve(s->a);
	}
	adopt_when_known(s);
	settle(s);
	tell_standbyd(s);
	rearm(s);
}

/* STBY-75: a coup without the table would lose what nodes were promised. */
static bool on_clearance(void *ctx)
{
	const struct agent_sync *s = ctx;

	return s->engine && sync_is_synced(s->engine);
}

/* ---- for the rest of the daemon ---- */

static struct agent_sync *engine_of(const struct agentd *a)
{
	return a->config->sync && agent_sync.engine ? &agent_sync : NULL;
}

static bool has_elector(const struct conf_sync *c)
{
	return *c->standby || !roam_addr_is_none(&c->virtual);
}

bool agent_sync_store(void)
{
	if (!unstored(&agent_sync))
		return true;
	tell_kernel(&agent_sync);
	return write_store(&agent_sync);
}

void agent_sync_settle(struct agentd *a)
{
	settle(&agent_sync);
	agent_share_run(a);
}

struct sync *agent_sync_engine(const struct agentd *a)
{
	return engine_of(a) ? agent_sync.engine : NULL;
}

bool agent_sync_is_active(const struct agentd *a)
{
	return engine_of(a) && agent_sync.active;
}

struct roam_addr agent_sync_own(const struct agentd *a)
{
	return engine_of(a) ? agent_sync.own : none;
}

bool agent_sync_serves(const struct agentd *a)
{
	const struct conf_sync *c = a->config->sync;

	return !c || !has_elector(c) || agent_sync.active;
}

bool agent_sync_succeeds(const struct agentd *a)
{
	const struct agent_sync *s = engine_of(a);

	return s && s->active && sync_is_synced(s->engine) && !s->alone;
}

static bool tells(const struct agent_sync *s)
{
	return s->active || s->a->config->sync->mode == SYNC_GROUP;
}

static bool is_empty(const struct ha_state *state)
{
	return !state->n && !state->last && !state->nonce;
}

static void note(struct agent_sync *s, enum agent_entry type,
		 const struct roam_addr *home, uint64_t id, bool exists,
		 bool ended)
{
	uint8_t key[AGENT_KEY_MAX];

	if (!exists && ended)
		sync_forget(s->engine, type, key,
			    agent_key(type, home, id, key));
	else if (tells(s))
		tell(s, type, home, id, 0, !exists);
}

void agent_sync_note(struct agentd *a, const struct ha_changes *nodes,
		     const struct fa_changes *visitors, bool ended)
{
	struct agent_sync *s = engine_of(a);

	if (!s)
		return;
	/* Above whatever another member's clock made before (OPEN-29). */
	sync_floor(s->engine, daemon_wallclock());
	for (size_t i = 0; i < nodes->n_leases; i++)
		note(s, AGENT_LEASE, &nodes->leases[i].after.addr, 0,
		     nodes->leases[i].after.until, ended);
	for (size_t i = 0; i < nodes->n; i++)
		note(s, AGENT_BINDING, &nodes->items[i].after.home, 0,
		     !is_empty(&nodes->items[i].after), ended);
	for (size_t i = 0; i < visitors->n; i++)
		note(s, AGENT_VISITOR, &visitors->items[i].after.home, 0,
		     visitors->items[i].exists, ended);
}

void agent_sync_note_pending(struct agentd *a, const struct roam_addr *home,
			     uint64_t id, bool gone)
{
	struct agent_sync *s = engine_of(a);

	/* one that asks for an address has no key yet: its node asks again */
	if (s && !roam_addr_is_none(home))
		note(s, AGENT_PENDING, home, id, !gone, false);
}

void agent_sync_forget_pending(struct agentd *a, const struct roam_addr *home,
			       uint64_t id)
{
	struct agent_sync *s = engine_of(a);

	if (s && !roam_addr_is_none(home))
		note(s, AGENT_PENDING, home, id, false, true);
}

static bool await(struct agent_sync *s, enum agent_entry type,
		  const struct roam_addr *home, uint8_t acks,
		  const struct held *h)
{
	uint8_t key[AGENT_KEY_MAX];

	return sync_await(s->engine, type, key, agent_key(type, home, 0, key),
			  acks, (uintptr_t)h);
}

bool agent_sync_hold(struct agentd *a, enum agent_entry type,
		     const struct roam_addr *home, agent_sync_fn fn,
		     const void *data, size_t len, bool all)
{
	struct agent_sync *s = engine_of(a);
	struct held *h;
	uint8_t acks;

	if (!s || (!a->config->sync->acks && !all))
		return false;
	if (s->n_held >= HELD_MAX) {
		s->overflow++;
		return false;
	}
	h = malloc(sizeof(*h) + len);
	if (!h)
		return false;
	h->fn = fn;
	memcpy(h->data, data, len);
	acks = all ? SYNC_ACKS_ALL : a->config->sync->acks;
	h->left = await(s, type, home, acks, h);
	/* an address that was given is promised as well */
	if (type == AGENT_BINDING)
		h->left += await(s, AGENT_LEASE, home, acks, h);
	if (!h->left) {
		free(h);
		return false;
	}
	h->next = s->held.next;
	h->prev = &s->held;
	h->next->prev = h;
	h->prev->next = h;
	s->n_held++;
	return true;
}

void agent_sync_flush(struct agentd *a)
{
	struct agent_sync *s = engine_of(a);

	if (!s)
		return;
	sync_flush(s->engine, daemon_now());
	rearm(s);
}

void agent_sync_release(struct agentd *a)
{
	struct agent_sync *s = engine_of(a);

	if (s)
		sync_release_all(s->engine);
}

void agent_sync_prepare(struct agentd *a)
{
	static const char *const suffixes[] = { "", "-wal" };
	struct stat st;

	agent_sync.stored = 0;
	for (size_t i = 0; i < 2; i++) {
		char *path = daemon_error("%s%s", a->config->store, suffixes[i]);

		if (!stat(path, &st) &&
		    (uint64_t)st.st_mtim.tv_sec * 1000 > agent_sync.stored)
			agent_sync.stored = (uint64_t)st.st_mtim.tv_sec * 1000 +
					    st.st_mtim.tv_nsec / 1000000;
		free(path);
	}
}

char *agent_sync_start(struct agentd *a, const char *socket_path)
{
	const struct conf_sync *c = a->config->sync;
	struct agent_sync *s = &agent_sync;
	char *error;

	if (!c)
		return NULL;
	s->a = a;
	s->held.next = &s->held;
	s->held.prev = &s->held;
	s->since = MSEC_NEVER;
	agent_sync_configure(a);
	s->link.dropped = on_dropped;
	s->link.end = on_burst_end;
	s->link.ctx = s;
	error = sync_link_open(&s->link, a->loop);
	if (error)
		return error;
	uv_timer_init(a->loop, &s->timer);
	s->timer.data = s;
	if (!roam_addr_is_none(&c->own))
		make_engine(s, &c->own);
	if (*c->standby)
		s->role = role_open(a->loop, c->socket, socket_path, c->standby,
				    on_role, on_clearance, s);
	else if (has_elector(c))
		s->role = sync_link_elector(a->loop, c, on_role, s, &error);
	return error;
}

void agent_sync_configure(struct agentd *a)
{
	agent_sync.link.config = a->config->sync;
	agent_sync.link.keys = a->config->keys;
	if (agent_sync.engine)
		sync_set_weight(agent_sync.engine, a->config->sync->any ?
				a->config->sync->weight : 0);
}

void agent_sync_stop(struct agentd *a)
{
	struct agent_sync *s = &agent_sync;

	if (!s->link.udp)
		return;
	agent_sync_release(a);
	role_close(s->role);
	sync_link_close(&s->link);
	uv_close((uv_handle_t *)&s->timer, NULL);
	sync_free(s->engine);
	s->engine = NULL;
	s->link.engine = NULL;
	ha_changes_free(&s->nodes);
	fa_changes_free(&s->visitors);
	agent_share_reset();
}

/* ---- the control socket ---- */

bool agent_sync_fetch(struct agentd *a, const struct roam_addr *agent)
{
	struct agent_sync *s = engine_of(a);

	return s && sync_request(s->engine, daemon_now(), agent, agent ? 1 : 0);
}

json_t *agent_sync_show(struct agentd *a)
{
	struct agent_sync *s = engine_of(a);

	return s ? agent_share_show(sync_link_members(&s->link,
					s->role ? &s->now : NULL, daemon_now())) :
		   json_array();
}

json_t *agent_sync_status(struct agentd *a)
{
	struct agent_sync *s = engine_of(a);

	if (!a->config->sync)
		return json_array();
	return json_pack("[{ss ss sI ss so ss sb sb sb sI sI so so sI}]",
		"serve", a->config->sync->any ? "any" : "active-only",
		"share", a->config->sync->share == SHARE_HASH ? "hash" :
							      "round-robin",
		"weight", (json_int_t)a->config->sync->weight,
		"mode", a->config->sync->mode == SYNC_GROUP ? "group" : "single",
		"address", json_addr(s ? &s->own : &none),
		"state", s && *s->now.state ? s->now.state : "unknown",
		"elector", agent_sync.role && role_is_connected(agent_sync.role),
		"serves", agent_sync_serves(a),
		"synced", s && sync_is_synced(s->engine),
		"entries", (json_int_t)(s ? sync_count(s->engine) : 0),
		"tombstones", (json_int_t)(s ? sync_stats(s->engine)->tombstones
					     : 0),
		"digest", s ? json_sprintf("%016llx",
			(unsigned long long)sync_digest(s->engine)) : json_null(),
		"complete_since", s && s->since != MSEC_NEVER ?
			json_seconds(daemon_now() - s->since) : json_null(),
		"held", (json_int_t)agent_sync.n_held);
}

void agent_sync_counters(const struct agentd *a, json_t *object)
{
	const struct agent_sync *s = engine_of(a);

	if (!s)
		return;
	sync_link_counters(&s->link, object);
	agent_share_counters(object);
	json_add_counter(object, "sync_", "refused", s->refused);
	json_add_counter(object, "sync_", "overflow", s->overflow);
}
