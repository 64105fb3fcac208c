// SPDX-License-Identifier: GPL-2.0-or-later
#include "agentd/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/table.h"
#include "io/daemon.h"
#include "store/log.h"
#include "wire/mip.h"

/*
 * The records: one byte of kind, then
 *
 *   node      what ha_state_encode() writes; without bindings and memory: gone
 *   visitor   what fa_visitor_encode() writes
 *   session   what lease_encode() writes: a session's address; with end 0: free
 *   gone      4 home address of a visitor that is no more
 */
#define RECORD_NODE 'n'
#define RECORD_VISITOR 'v'
#define RECORD_GONE 'g'
#define RECORD_LEASE 's'
#define STATE_N 28		/* where the number of bindings stands */
#define STATE_FIXED 30
#define BINDING_LEN 34
#define SLICE 65536
#define KEPT_MAX 3600000	/* ms that a node at home is remembered at most */

/**
 * struct store - see store_open()
 * @log: where the records are
 */
struct store {
	struct store_log *log;
};

/**
 * struct seen - an entry whose newest record was read
 * @node: in the table
 * @key: kind and home address
 */
struct seen {
	struct table_node node;
	uint8_t key[5];
};

/**
 * struct work - a load or commit at hand
 * @ha: nodes
 * @fa: visitors
 * @log: where records go
 * @now: boot clock
 * @shift: wall clock less boot clock
 * @seen: while loading: what was read, as newer records come first
 */
struct work {
	struct ha *ha;
	struct fa *fa;
	struct store_log *log;
	msec_t now;
	int64_t shift;
	struct table seen;
};

/**
 * struct position - of a pass over both tables
 * @nodes: in the nodes
 * @leases: in the addresses of sessions
 * @leased: all of these were seen
 * @visitors: in the visitors
 */
struct position {
	struct ha_cursor nodes;
	struct table_iter leases;
	bool leased;
	struct fa_cursor visitors;
};

static size_t record_len(const uint8_t *p, size_t len)
{
	switch (*p) {
	case RECORD_NODE:
		if (len < 1 + STATE_FIXED || p[1 + STATE_N] > HA_BINDINGS_MAX)
			return 0;
		return 1 + STATE_FIXED + p[1 + STATE_N] * BINDING_LEN;
	case RECORD_VISITOR:
		return len < 1 + FA_VISITOR_LEN ? 0 : (size_t)1 +
			FA_VISITOR_LEN + p[1 + FA_VISITOR_LEN - 2] +
			p[1 + FA_VISITOR_LEN - 1];
	case RECORD_LEASE:
		return len < 19 ? 0 : (size_t)19 + p[17] + p[18];
	case RECORD_GONE:
		return 5;
	default:
		return 0;
	}
}

static void add_node(void *ctx, const struct ha_state *state)
{
	const struct work *w = ctx;
	uint8_t record[1 + HA_STATE_LEN];

	record[0] = RECORD_NODE;
	store_log_add(w->log, record,
		      1 + ha_state_encode(state, w->shift, record + 1));
}

static void add_visitor(void *ctx, const struct fa_visitor *v, bool pending)
{
	const struct work *w = ctx;
	uint8_t record[1 + FA_VISITOR_MAX];

	if (pending)
		return;
	record[0] = RECORD_VISITOR;
	store_log_add(w->log, record,
		      1 + fa_visitor_encode(v, w->shift, record + 1));
}

static void add_lease(void *ctx, const struct lease *lease)
{
	const struct work *w = ctx;
	uint8_t record[1 + LEASE_LEN];

	record[0] = RECORD_LEASE;
	store_log_add(w->log, record,
		      1 + lease_encode(lease, w->shift, record + 1));
}

static void add_gone(const struct work *w, const struct roam_addr *home)
{
	uint8_t record[5] = { RECORD_GONE };

	mip_put_addr(record + 1, home);
	store_log_add(w->log, record, sizeof(record));
}

static bool walk(void *ctx, void *cursor, size_t n, struct store_log *log)
{
	struct position *at = cursor;
	const struct work *w = ctx;

	_Static_assert(sizeof(*at) <= STORE_CURSOR_LEN, "it has room");
	(void)log;
	if (!at->nodes.done)
		ha_walk(w->ha, &at->nodes, n, add_node, ctx);
	else if (!at->leased)
		at->leased = !leases_walk(ha_leases(w->ha), &at->leases, n,
					  add_lease, ctx);
	else
		fa_walk(w->fa, &at->visitors, n, add_visitor, ctx);
	return at->nodes.done && at->visitors.done;
}

static uint64_t needed(void *ctx)
{
	const struct work *w = ctx;

	return ha_entries(w->ha) * (1 + STATE_FIXED + BINDING_LEN) +
	       leases_count(ha_leases(w->ha)) * (1 + LEASE_LEN / 4) +
	       fa_count(w->fa) * (1 + FA_VISITOR_LEN);
}

/* True if a newer record of the entry was read; false too without memory. */
static bool is_old(struct work *w, const uint8_t *p)
{
	struct seen *seen;
	uint8_t key[5];

	key[0] = *p == RECORD_GONE ? RECORD_VISITOR : *p;
	memcpy(key + 1, p + 1, 4);
	if (table_find(&w->seen, key))
		return true;
	seen = malloc(sizeof(*seen));
	if (!seen)
		return false;
	memcpy(seen->key, key, sizeof(key));
	if (!table_insert(&w->seen, &seen->node))
		free(seen);
	return false;
}

static msec_t bounded(const struct work *w, msec_t end, uint16_t lifetime)
{
	if (lifetime == MIP_LIFETIME_INFINITE)
		return end;
	return min_time(end, w->now + 1000 * (msec_t)lifetime);
}

static bool load_node(struct work *w, const uint8_t *p, size_t len)
{
	struct ha_state state;

	if (!ha_state_decode(p + 1, len - 1, w->shift, &state))
		return true;
	state.kept = min_time(state.kept, w->now + KEPT_MAX);
	for (unsigned int i = 0; i < state.n; i++)
		state.bindings[i].expires =
			bounded(w, state.bindings[i].expires,
				state.bindings[i].lifetime);
	return ha_apply(w->ha, &state);
}

static bool load_visitor(struct work *w, const uint8_t *p, size_t len)
{
	struct fa_visitor v;

	if (!fa_visitor_decode(p + 1, len - 1, w->shift, &v))
		return true;
	v.expires = bounded(w, v.expires, v.lifetime);
	return fa_apply(w->fa, &v);
}

/* What another lease has meanwhile is left out: newer records come first. */
static bool load_lease(struct work *w, const uint8_t *p, size_t len)
{
	struct lease lease;

	if (!lease_decode(p + 1, len - 1, w->shift, &lease) || !lease.until)
		return true;
	if (lease.until != MSEC_NEVER)
		lease.until = min_time(lease.until, w->now + KEPT_MAX);
	leases_apply(ha_leases(w->ha), &lease);
	return true;
}

static bool load_record(void *ctx, const uint8_t *p, size_t len)
{
	struct work *w = ctx;

	if (is_old(w, p) || *p == RECORD_GONE)
		return true;
	if (*p == RECORD_LEASE)
		return load_lease(w, p, len);
	return *p == RECORD_NODE ? load_node(w, p, len) :
				   load_visitor(w, p, len);
}

static const struct store_format format = {
	.daemon = "roam-agentd",
	.option = "store",
	.empty = "mobile nodes register again when their lifetime ends",
	.application = 0x726f6d61,
	.version = 1,
	.length = record_len,
	.load = load_record,
	.walk = walk,
	.needed = needed,
};

struct store *store_open(const char *path, char **error)
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store) {
		*error = daemon_error("out of memory");
		return NULL;
	}
	store->log = store_log_open(path, &format, error);
	if (store->log)
		return store;
	free(store);
	return NULL;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	store_log_close(store->log);
	free(store);
}

static struct work work(struct store *store, struct ha *ha, struct fa *fa,
			msec_t now, uint64_t wall)
{
	return (struct work){ .ha = ha, .fa = fa, .log = store->log, .now = now,
			      .shift = (int64_t)(wall / 1000000) - now };
}

char *store_load(struct store *store, struct ha *ha, struct fa *fa, msec_t now,
		 uint64_t wall)
{
	struct work w = work(store, ha, fa, now, wall);
	struct table_iter iter = { 0 };
	struct table_node *node;
	char *error = NULL;
	bool done = false;

	table_init(&w.seen, table_key_offset(struct seen, node, key), 5);
	while (!error && !done)
		error = store_log_load(store->log, &w, SLICE, &done);
	while ((node = table_next(&w.seen, &iter)))
		free(container_of(node, struct seen, node));
	table_fini(&w.seen);
	return error;
}

char *store_commit(struct store *store, struct ha *ha, struct fa *fa,
		   const struct ha_changes *nodes,
		   const struct fa_changes *visitors, msec_t now, uint64_t wall)
{
	struct work w = work(store, ha, fa, now, wall);

	for (size_t i = 0; i < nodes->n; i++)
		add_node(&w, &nodes->items[i].after);
	for (size_t i = 0; i < nodes->n_leases; i++)
		add_lease(&w, &nodes->leases[i].after);
	for (size_t i = 0; i < visitors->n; i++) {
		const struct fa_change *c = &visitors->items[i];

		if (c->exists)
			add_visitor(&w, &c->after, false);
		else
			add_gone(&w, &c->after.home);
	}
	return store_log_commit(store->log, &w);
}
