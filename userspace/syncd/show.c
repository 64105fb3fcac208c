// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

#include "io/daemon.h"
#include "io/json.h"
#include "syncd/syncd.h"

#define SLICE 500		/* entries between two requests */

void show_event(struct syncd *d, const struct item *item, const char *what)
{
	json_t *event;

	if (!d->control || !control_is_monitored(d->control))
		return;
	event = item->kind->show(item);
	if (!event)
		return;
	json_object_set_new(event, "event", json_string(what));
	control_event(d->control, event);
}

/* An entry that moves in the table meanwhile may stand there twice. */
static bool show_part(void *ctx, void *state, json_t *list)
{
	const struct syncd *d = ctx;
	struct table_iter *iter = state;

	for (int i = 0; i < SLICE; i++) {
		/* The one after it may have ended between two parts. */
		struct table_iter at = { .bucket = iter->bucket };
		size_t bucket = iter->bucket;
		struct table_node *node;

		if (bucket >= d->items.used)
			return false;
		while ((node = table_next(&d->items, &at)) &&
		       at.bucket == bucket + 1) {
			json_t *row = container_of(node, struct item, node)
				      ->kind->show(container_of(node, struct item,
								node));

			if (row)
				json_array_append_new(list, row);
		}
		iter->bucket++;
	}
	return true;
}

static json_t *show(void *ctx, const json_t *args, struct control_error *error)
{
	(void)ctx;
	(void)args;
	error->parts.next = show_part;
	error->parts.state = calloc(1, sizeof(struct table_iter));
	if (!error->parts.state)
		error->parts.next = NULL;
	return NULL;
}

static json_t *members(void *ctx, const json_t *args, struct control_error *error)
{
	struct syncd *d = ctx;

	(void)args;
	(void)error;
	return sync_link_members(&d->link, &d->now, daemon_now());
}

static json_t *status(void *ctx, const json_t *args, struct control_error *error)
{
	struct syncd *d = ctx;
	const struct sync *engine = d->link.engine;
	json_t *tables = json_array();

	(void)args;
	(void)error;
	for (size_t i = 0; i < d->n_kinds; i++)
		json_array_append_new(tables, json_string(d->kinds[i]->name));
	return json_status("roam-syncd", daemon_now(), d->started, json_pack(
		"{so ss so ss sb sb sI sI so}",
		"tables", tables,
		"mode", d->config->sync->mode == SYNC_GROUP ? "group" : "single",
		"address", json_addr(&d->link.own),
		"state", *d->now.state ? d->now.state : "unknown",
		"elector", role_is_connected(d->role),
		"synced", engine && sync_is_synced(engine),
		"entries", (json_int_t)d->items.count,
		"tombstones", (json_int_t)(engine ?
			sync_stats(engine)->tombstones : 0),
		"digest", engine ? json_sprintf("%016llx",
			(unsigned long long)sync_digest(engine)) : json_null()));
}

static json_t *counters(void *ctx, const json_t *args,
			struct control_error *error)
{
	struct syncd *d = ctx;
	const struct counters *c = &d->counters;
	json_t *o = json_object();

	(void)args;
	(void)error;
	json_add_counter(o, "", "seen", c->seen);
	json_add_counter(o, "", "installed", c->installed);
	json_add_counter(o, "", "install_failed", c->install_failed);
	json_add_counter(o, "", "refused", c->refused);
	json_add_counter(o, "", "full", c->full);
	json_add_counter(o, "", "looks", c->looks);
	json_add_counter(o, "", "overruns", c->overruns);
	json_add_counter(o, "", "takeovers", c->takeovers);
	sync_link_counters(&d->link, o);
	return o;
}

const struct control_command show_commands[] = {
	{ "show", show, false, "entries of all tables" },
	{ "members", members, false, "other routers, and whether their tables are equal" },
	{ "status", status, false, "role, tables, entries" },
	{ "counters", counters, false, "messages and entries" },
	{ NULL, NULL, false, NULL }
};
