// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Leases of dnsmasq: the lease file of the active router is read when it changes, and
 * the others write theirs, which dnsmasq reads when it starts there. It runs, or is
 * started anew, where the router becomes the active one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/rows.h"
#include "io/daemon.h"
#include "io/json.h"
#include "io/log.h"
#include "syncd/syncd.h"

#define LOOK_SOON 50		/* ms: dnsmasq writes a line at a time */

static struct {
	struct syncd *d;
	uv_fs_event_t watch;
	bool watched;
	bool dirty;
} leases;

static uint64_t wall(void)
{
	return daemon_wallclock() / 1000000000;
}

static bool get_row(const struct item *item, struct lease_row *row)
{
	if (!lease_row_decode(item->key.bytes, item->key.len, item->value,
			      item->len, row))
		return false;
	if (row->left != LEASE_INFINITE) {
		msec_t passed = (daemon_now() - item->at) / 1000;

		row->left = row->left > passed ? row->left - (uint32_t)passed : 0;
	}
	return true;
}

/* ---- the file ---- */

/* dnsmasq empties it first; another event comes when it is written. */
static bool is_being_written(FILE *f)
{
	struct stat st;

	return fstat(fileno(f), &st) ||
	       (!st.st_size && (uint64_t)st.st_mtim.tv_sec + 2 > wall());
}

static bool look(struct syncd *d)
{
	FILE *f = fopen(d->config->leases, "re");
	bool whole = f && !is_being_written(f);
	char line[1024];

	/* There is none before the first lease. */
	if (!f)
		return errno == ENOENT;
	while (whole && fgets(line, sizeof(line), f)) {
		whole = strchr(line, '\n');
		uint8_t key[LEASE_KEY_LEN], value[LEASE_VALUE_MAX];
		struct lease_row row;

		line[strcspn(line, "\n")] = 0;
		if (lease_row_parse(line, wall(), &row))
			tables_seen(d, &leases_file, key, sizeof(key), value,
				    lease_row_encode(&row, key, value));
	}
	fclose(f);
	return whole;
}

static void write_line(const struct item *item, void *ctx)
{
	char mac[64], addr[ROAM_ADDR_STRLEN];
	struct lease_row row;
	int end = 0;

	if (!get_row(item, &row) ||
	    sscanf(row.text, "%63s %n", mac, &end) != 1 || !end)
		return;
	fprintf(ctx, "%llu %s %s %s\n",
		row.left == LEASE_INFINITE ? 0ULL :
		(unsigned long long)(wall() + row.left), mac,
		roam_addr_format(&row.addr, addr), row.text + end);
}

/* Another file in its place: dnsmasq reads it whole, or not. */
static bool write_file(struct syncd *d)
{
	char *path = daemon_error("%s.roam", d->config->leases);
	FILE *f = fopen(path, "we");
	struct stat st;
	bool good;

	if (f && !stat(d->config->leases, &st) &&
	    (fchmod(fileno(f), st.st_mode & 0777) ||
	     (fchown(fileno(f), st.st_uid, st.st_gid) && errno != EPERM)))
		log_debug("%s: %s", path, strerror(errno));
	if (f)
		tables_each(d, &leases_file, write_line, f);
	good = f && !fflush(f) && !fsync(fileno(f));
	if (f)
		fclose(f);
	good = good && !rename(path, d->config->leases);
	if (!good)
		log_error("leases cannot be written to %s: %s", path,
			  strerror(errno));
	free(path);
	return good;
}

/* ---- entries ---- */

static bool check(struct syncd *d, const uint8_t *key, size_t key_len,
		  const uint8_t *value, size_t len)
{
	struct lease_row row;

	(void)d;
	return lease_row_decode(key, key_len, value, len, &row);
}

/* All of it is written together, by settle(). */
static bool install(struct syncd *d, const struct item *item)
{
	(void)d;
	(void)item;
	leases.dirty = true;
	return true;
}

static void remove_lease(struct syncd *d, const struct item *item)
{
	(void)d;
	(void)item;
	leases.dirty = true;
}

/* At the active router the file is dnsmasq's. */
static void settle(struct syncd *d)
{
	if (!leases.dirty || d->active)
		return;
	leases.dirty = !write_file(d);
}

static void age(const struct item *item, uint8_t *value)
{
	uint8_t key[LEASE_KEY_LEN];
	struct lease_row row;

	if (get_row(item, &row))
		lease_row_encode(&row, key, value);
}

static json_t *show(const struct item *item)
{
	struct lease_row row;

	if (!get_row(item, &row))
		return NULL;
	return json_pack("{ss so ss sb so}", "table", item->kind->name,
			 "address", json_addr(&row.addr), "client", row.text,
			 "installed", item->installed,
			 "left", row.left == LEASE_INFINITE ? json_null() :
				 json_seconds((msec_t)row.left * 1000));
}

const struct kind leases_file = {
	.type = LEASE_ENTRY, .name = "leases", .exclusive = true, .value_max = LEASE_VALUE_MAX,
	.tail = LEASE_TAIL, .check = check, .age = age, .settle = settle,
	.install = install, .remove = remove_lease, .look = look, .show = show,
};

/* ---- start ---- */

static void on_change(uv_fs_event_t *watch, const char *name, int events,
		      int status)
{
	struct syncd *d = watch->data;

	(void)name;
	(void)events;
	if (status < 0 || !d->active)
		return;
	d->next_look = min_time(d->next_look, daemon_now() + LOOK_SOON);
	net_flush(d);
}

/* The folder: the file is another one after each of our own writes. */
void leases_start(struct syncd *d)
{
	char *folder, *slash;

	if (!d->config->leases)
		return;
	folder = strdup(d->config->leases);
	slash = folder ? strrchr(folder, '/') : NULL;
	if (slash)
		slash[slash == folder] = 0;
	uv_fs_event_init(d->loop, &leases.watch);
	leases.watch.data = d;
	leases.watched = true;
	if (!slash || uv_fs_event_start(&leases.watch, on_change, folder, 0))
		log_warning("%s cannot be watched: leases are looked at each 'look' only",
			    d->config->leases);
	free(folder);
}

void leases_stop(void)
{
	if (leases.watched)
		uv_close((uv_handle_t *)&leases.watch, NULL);
	leases.watched = false;
}
