// SPDX-License-Identifier: GPL-2.0-or-later
#include "hlrd/store.h"

#include <stdlib.h>
#include <string.h>

#include "io/daemon.h"
#include "store/log.h"
#include "wire/bytes.h"

/*
 * The records of a register. All integers are big-endian.
 *
 *   mapping  1 kind, 1 flags, 4 key id, 8 sequence, 8 end (wall clock, ms),
 *            16 permanent, 16 care-of address
 *   key      1 kind, 4 key id, 8 last identification
 */
#define RECORD_MAPPING 'm'
#define RECORD_KEY 'k'
#define MAPPING_LEN 54
#define KEY_LEN 13
#define AT_PERM 22	/* in a mapping */
#define AT_COA 38

/**
 * struct store - see store_open()
 * @log: where the records are
 */
struct store {
	struct store_log *log;
};

/**
 * struct loading - the call of store_load() at hand
 * @hlr: gets it
 * @clock: the time now
 * @longest: ms no mapping can have left
 */
struct loading {
	struct hlr *hlr;
	const struct store_clock *clock;
	int64_t longest;
};

/**
 * struct writing - the call of store_commit() at hand
 * @hlr: where what is copied comes from
 * @log: where it goes
 * @now: boot clock
 * @wall: wall clock less boot clock
 */
struct writing {
	const struct hlr *hlr;
	struct store_log *log;
	msec_t now;
	int64_t wall;
};

static size_t record_len(const uint8_t *p, size_t len)
{
	(void)len;
	return *p == RECORD_MAPPING ? MAPPING_LEN :
	       *p == RECORD_KEY ? KEY_LEN : 0;
}

static void add(void *ctx, const struct hlr_change *c)
{
	const struct hlr_mapping *m = &c->after;
	const struct writing *w = ctx;
	uint8_t record[MAPPING_LEN], *p = record;

	if (c->kind == HLR_CHANGE_MAPPING) {
		p = bytes_put(p, RECORD_MAPPING, 1);
		p = bytes_put(p, m->flags, 1);
		p = bytes_put(p, m->key_id, 4);
		p = bytes_put(p, m->seq, 8);
		p = bytes_put(p, (uint64_t)(m->expires + w->wall), 8);
		memcpy(p, m->perm.b, 16);
		memcpy(p + 16, m->coa.b, 16);
		store_log_add(w->log, record, MAPPING_LEN);
	} else {
		p = bytes_put(p, RECORD_KEY, 1);
		p = bytes_put(p, c->key_id, 4);
		bytes_put(p, c->id_after, 8);
		store_log_add(w->log, record, KEY_LEN);
	}
}

/*
 * A mapping that ended is not copied. Nothing older of the same address can
 * come back by that, since rows are removed from the oldest on.
 */
static void copy(void *ctx, const struct hlr_change *c)
{
	const struct writing *w = ctx;

	if (c->kind != HLR_CHANGE_MAPPING || c->after.expires > w->now)
		add(ctx, c);
}

static bool walk(void *ctx, void *position, size_t n, struct store_log *log)
{
	struct hlr_cursor *cursor = position;
	const struct writing *w = ctx;

	_Static_assert(sizeof(*cursor) <= STORE_CURSOR_LEN, "it has room");
	(void)log;
	hlr_walk(w->hlr, cursor, n, copy, ctx);
	return cursor->end;
}

static uint64_t needed(void *ctx)
{
	const struct writing *w = ctx;

	return (uint64_t)hlr_count(w->hlr) * MAPPING_LEN +
	       (uint64_t)hlr_count_keys(w->hlr) * KEY_LEN;
}

static bool load_mapping(const struct loading *load, const uint8_t *p)
{
	struct hlr_mapping m = {
		.flags = p[1],
		.key_id = (uint32_t)bytes_get(p + 2, 4),
		.seq = bytes_get(p + 6, 8),
	};
	int64_t end = (int64_t)bytes_get(p + 14, 8), left = 0;

	/*
	 * A mapping that ended is taken to end now, so that no difference of
	 * times overflows.
	 */
	if (end > load->clock->wall)
		left = end - load->clock->wall;
	if (left > load->longest)
		left = load->longest;
	m.expires = load->clock->now + left;
	memcpy(m.perm.b, p + AT_PERM, 16);
	memcpy(m.coa.b, p + AT_COA, 16);
	return hlr_restore_mapping(load->hlr, &m);
}

static void expect(void *ctx, const uint8_t *p, size_t len, bool first)
{
	const struct loading *load = ctx;
	struct roam_addr perm, coa;

	(void)len;
	if (*p != RECORD_MAPPING)
		return;
	memcpy(perm.b, p + AT_PERM, 16);
	memcpy(coa.b, p + AT_COA, 16);
	hlr_expect(load->hlr, &perm, &coa, first);
}

static bool load_record(void *ctx, const uint8_t *p, size_t len)
{
	const struct loading *load = ctx;

	(void)len;
	return *p == RECORD_MAPPING ? load_mapping(load, p) :
	       hlr_restore_key(load->hlr, (uint32_t)bytes_get(p + 1, 4),
			       bytes_get(p + 5, 8));
}

static const struct store_format format = {
	.daemon = "roam-hlrd",
	.option = "store",
	.empty = "mobile hosts register again by themselves",
	.application = 0x726f616d,	/* "roam" */
	.version = 2,
	.length = record_len,
	.load = load_record,
	.expect = expect,
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

int64_t store_created(const struct store *store)
{
	return store_log_created(store->log);
}

char *store_commit(struct store *store, const struct hlr *hlr,
		   const struct hlr_changes *changes,
		   const struct store_clock *clock)
{
	struct writing w = { hlr, store->log, clock->now,
			     clock->wall - clock->now };

	for (size_t i = 0; i < changes->n; i++)
		add(&w, &changes->items[i]);
	return store_log_commit(store->log, &w);
}

void store_reserve(struct store *store, struct hlr *hlr)
{
	hlr_reserve(hlr, store_log_records(store->log, MAPPING_LEN));
}

char *store_load(struct store *store, struct hlr *hlr,
		 const struct store_clock *clock, uint32_t longest, size_t n,
		 bool *done)
{
	struct loading load = { hlr, clock, (int64_t)longest * 1000 };

	return store_log_load(store->log, &load, n, done);
}
