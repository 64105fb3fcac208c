// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Leases on disk. Integers are big-endian.
 *
 *   lease   1 'l', 1 flags (1: held), 6 client, 16 address, 8 stamp,
 *           8 end (wall clock, ms)
 *   server  1 's', 8 number, 4 epoch
 */
#include <stdlib.h>
#include <string.h>

#include "drcpd/drcpd.h"
#include "io/daemon.h"
#include "io/log.h"
#include "store/log.h"
#include "wire/bytes.h"

#define LEASE_LEN 40
#define SERVER_LEN 13
#define LOAD_ROWS 100000

struct store {
	struct store_log *log;
	bool numbered;
};

static int64_t wall_now(void)
{
	return (int64_t)(daemon_wallclock() / 1000000);
}

static size_t length(const uint8_t *p, size_t len)
{
	(void)len;
	return *p == 'l' ? LEASE_LEN : *p == 's' ? SERVER_LEN : 0;
}

static bool load(void *ctx, const uint8_t *p, size_t len)
{
	struct drcpd *d = ctx;
	struct drcp_lease lease = { .held = p[1] & 1 };
	int64_t left;

	(void)len;
	if (*p == 's') {
		if (!d->store->numbered) {
			d->id = bytes_get(p + 1, 8);
			d->epoch = bytes_get(p + 9, 4);
			d->store->numbered = true;
		}
		return true;
	}
	memcpy(lease.client, p + 2, 6);
	memcpy(lease.addr.b, p + 8, 16);
	lease.stamp = bytes_get(p + 24, 8);
	left = (int64_t)bytes_get(p + 32, 8) - wall_now();
	/* One that ended stays until all is loaded: it hides its older records. */
	lease.expires = daemon_now() + (left > 0 ? left : 0);
	return drcp_server_restore(d->server, &lease);
}

static void add_lease(struct store_log *log, const struct drcp_lease *lease)
{
	uint8_t record[LEASE_LEN], *p = record;

	p = bytes_put(p, 'l', 1);
	p = bytes_put(p, lease->held, 1);
	memcpy(p, lease->client, 6);
	memcpy(p + 6, lease->addr.b, 16);
	p = bytes_put(p + 22, lease->stamp, 8);
	bytes_put(p, wall_now() + (lease->expires - daemon_now()), 8);
	store_log_add(log, record, sizeof(record));
}

static void add_server(struct drcpd *d, struct store_log *log)
{
	uint8_t record[SERVER_LEN], *p = record;

	p = bytes_put(p, 's', 1);
	p = bytes_put(p, d->id, 8);
	bytes_put(p, d->epoch, 4);
	store_log_add(log, record, sizeof(record));
}

static void copy_lease(void *ctx, const struct drcp_lease *lease)
{
	add_lease(ctx, lease);
}

/* A pool is small enough to be walked at once. */
static bool walk(void *ctx, void *cursor, size_t n, struct store_log *log)
{
	struct drcpd *d = ctx;

	(void)cursor;
	(void)n;
	add_server(d, log);
	drcp_server_each(d->server, copy_lease, log);
	return true;
}

static uint64_t needed(void *ctx)
{
	struct drcpd *d = ctx;

	return drcp_server_leases(d->server) * LEASE_LEN + SERVER_LEN;
}

static const struct store_format format = {
	.daemon = "roam-drcpd",
	.option = "store",
	.empty = "hosts that have an address ask again, and may get another one",
	.application = 0x64726370,
	.version = 1,
	.length = length,
	.load = load,
	.walk = walk,
	.needed = needed,
};

char *store_open(struct drcpd *d)
{
	char *error = NULL;
	bool done = false;

	d->store = calloc(1, sizeof(*d->store));
	if (!d->store)
		return daemon_error("out of memory");
	d->store->log = store_log_open(d->config->store, &format, &error);
	while (!error && !done)
		error = store_log_load(d->store->log, d, LOAD_ROWS, &done);
	if (error)
		return error;
	if (!d->store->numbered)
		d->id = daemon_random();
	/* Nobody hears of an epoch that a restart could bring again. */
	d->epoch++;
	add_server(d, d->store->log);
	return store_log_commit(d->store->log, d);
}

void store_close(struct drcpd *d)
{
	if (!d->store)
		return;
	if (d->store->log)
		store_log_close(d->store->log);
	free(d->store);
	d->store = NULL;
}

bool store_commit(struct drcpd *d)
{
	char *error;

	for (size_t i = 0; i < d->n_changes; i++)
		add_lease(d->store->log, &d->changes[i].now);
	error = store_log_commit(d->store->log, d);
	if (!error)
		return true;
	log_error("%s", error);
	free(error);
	return false;
}
