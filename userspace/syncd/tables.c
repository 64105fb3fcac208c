// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

#include "io/daemon.h"
#include "io/log.h"
#include "syncd/syncd.h"

static struct item_key make_key(uint8_t type, const uint8_t *key, size_t len)
{
	struct item_key k = { .type = type, .len = (uint8_t)len };

	memcpy(k.bytes, key, len);
	return k;
}

static struct item *find(const struct syncd *d, uint8_t type,
			 const uint8_t *key, size_t len)
{
	struct item_key k = make_key(type, key, len);
	struct table_node *node = table_find(&d->items, &k);

	return node ? container_of(node, struct item, node) : NULL;
}

static struct item *add(struct syncd *d, const struct kind *kind,
			const uint8_t *key, size_t len)
{
	struct item *item = NULL;

	if (d->items.count < (size_t)d->config->entries_max)
		item = calloc(1, sizeof(*item) + kind->value_max);
	if (item) {
		item->kind = kind;
		item->key = make_key(kind->type, key, len);
		if (!table_insert(&d->items, &item->node)) {
			free(item);
			item = NULL;
		}
	}
	if (!item)
		d->counters.full++;
	return item;
}

static void drop(struct syncd *d, struct item *item, const char *why)
{
	show_event(d, item, why);
	table_remove(&d->items, &item->node);
	free(item);
}

static void set_value(struct item *item, const uint8_t *value, size_t len)
{
	item->at = daemon_now();
	memcpy(item->value, value, len);
	item->len = (uint16_t)len;
}

static size_t digested_of(const struct item *item)
{
	return item->len - item->kind->tail;
}

static void install(struct syncd *d, struct item *item)
{
	item->installed = item->kind->install(d, item);
	if (item->installed)
		d->counters.installed++;
	else
		d->counters.install_failed++;
}

/* ---- what the subsystems say ---- */

void tables_seen(struct syncd *d, const struct kind *kind, const uint8_t *key,
		 size_t key_len, const uint8_t *value, size_t len)
{
	struct item *item = find(d, kind->type, key, key_len);
	bool same = item && item->len == len &&
		    !memcmp(item->value, value, digested_of(item));

	if (item && kind->same)
		same = kind->same(item, value, len);

	if (item) {
		item->seen = d->look;
		item->installed = true;
		item->stray = false;
	}
	if (!d->active && (item || !d->purging))
		return;
	if (!item)
		item = add(d, kind, key, key_len);
	if (!item)
		return;
	/* What others were told stays, or small steps would be told never. */
	if (!same || !kind->same)
		set_value(item, value, len);
	item->installed = true;
	item->seen = d->look;
	if (!d->active) {
		item->stray = true;
		d->strays = true;
		return;
	}
	if (same)
		return;
	d->counters.seen++;
	show_event(d, item, "seen");
	if (!sync_update(d->link.engine, daemon_now(), kind->type, key, key_len,
			 0, 0, 0))
		d->counters.full++;
}

static void gone(struct syncd *d, struct item *item)
{
	item->installed = false;
	/* What others hold, its router alone can end. */
	if (!d->active)
		return;
	sync_delete(d->link.engine, daemon_now(), item->key.type,
		    item->key.bytes, item->key.len, 0, 0, 0);
	drop(d, item, "gone");
}

void tables_gone(struct syncd *d, const struct kind *kind, const uint8_t *key,
		 size_t key_len)
{
	struct item *item = find(d, kind->type, key, key_len);

	if (!item)
		return;
	d->counters.seen++;
	gone(d, item);
}

/* What was not seen is over; events of it were lost, or never made. */
static void end_look(struct syncd *d, const struct kind *kind)
{
	struct table_iter iter = { .bucket = 0 };
	struct table_node *node;

	while ((node = table_next(&d->items, &iter))) {
		struct item *item = container_of(node, struct item, node);

		if (item->kind == kind && item->seen != d->look)
			gone(d, item);
	}
}

void tables_look(struct syncd *d)
{
	d->counters.looks++;
	d->look++;
	for (size_t i = 0; i < d->n_kinds; i++)
		if (d->kinds[i]->look(d))
			end_look(d, d->kinds[i]);
	d->next_look = daemon_now() + d->config->look;
}

void tables_take_over(struct syncd *d)
{
	struct table_iter iter = { .bucket = 0 };
	struct table_node *node;

	d->counters.takeovers++;
	while ((node = table_next(&d->items, &iter)))
		install(d, container_of(node, struct item, node));
	log_notice("%zu entries of the router before are in force here",
		   d->items.count);
	tables_look(d);
}

/* ---- what other routers say ---- */

static const struct kind *kind_of(void *ctx)
{
	return ctx;
}

/* The engine gives a type's own context, and there is one daemon in a process. */
static struct syncd *daemon_of;

static size_t serialise(void *ctx, const uint8_t *key, size_t key_len,
			uint8_t *value, size_t room, size_t *digested)
{
	const struct item *item = find(daemon_of, kind_of(ctx)->type, key,
				       key_len);

	if (!item || item->len > room)
		return 0;
	memcpy(value, item->value, item->len);
	if (item->kind->age)
		item->kind->age(item, value);
	*digested = digested_of(item);
	return item->len;
}

static enum sync_apply apply(void *ctx, const uint8_t *key, size_t key_len,
			     const uint8_t *value, size_t len, uint64_t order)
{
	const struct kind *kind = kind_of(ctx);
	struct syncd *d = daemon_of;
	struct item *item;

	(void)order;
	if (len > kind->value_max || len < kind->tail ||
	    !kind->check(d, key, key_len, value, len)) {
		d->counters.refused++;
		return SYNC_IGNORED;
	}
	item = find(d, kind->type, key, key_len);
	if (item) {
		/* Its translation may be another one. Packets need it at an active router. */
		if (item->installed && !d->active)
			kind->remove(d, item);
	} else {
		item = add(d, kind, key, key_len);
		if (!item)
			return SYNC_FULL;
	}
	set_value(item, value, len);
	item->seen = d->look;
	if (d->young) {
		item->stray = true;
		d->strays = true;
		return SYNC_APPLIED;
	}
	install(d, item);
	show_event(d, item, "told");
	return SYNC_APPLIED;
}

static void end(struct syncd *d, struct item *item)
{
	if (item->installed)
		item->kind->remove(d, item);
	drop(d, item, "ended");
}

static void remove_item(void *ctx, const uint8_t *key, size_t key_len)
{
	struct syncd *d = daemon_of;
	struct item *item = find(d, kind_of(ctx)->type, key, key_len);

	if (item)
		end(d, item);
}

void tables_each(struct syncd *d, const struct kind *kind,
		 void (*fn)(const struct item *item, void *ctx), void *ctx)
{
	struct table_iter iter = { .bucket = 0 };
	struct table_node *node;

	while ((node = table_next(&d->items, &iter))) {
		const struct item *item = container_of(node, struct item, node);

		if (item->kind == kind)
			fn(item, ctx);
	}
}

void tables_purge(struct syncd *d)
{
	d->purging = true;
	for (size_t i = 0; i < d->n_kinds; i++)
		if (d->kinds[i]->exclusive)
			d->kinds[i]->look(d);
	d->purging = false;
}

static void settle_kinds(struct syncd *d)
{
	for (size_t i = 0; i < d->n_kinds; i++)
		if (d->kinds[i]->settle)
			d->kinds[i]->settle(d);
}

void tables_settle(struct syncd *d)
{
	struct table_iter iter = { .bucket = 0 };
	struct table_node *node;

	if (!d->strays) {
		settle_kinds(d);
		return;
	}
	d->strays = false;
	while ((node = table_next(&d->items, &iter))) {
		struct item *item = container_of(node, struct item, node);

		if (item->stray && d->active)
			gone(d, item);
		else if (item->stray)
			end(d, item);
	}
	settle_kinds(d);
	net_flush(d);
}

void tables_register(struct syncd *d)
{
	static struct sync_type types[4];

	daemon_of = d;
	for (size_t i = 0; i < d->n_kinds; i++) {
		types[i] = (struct sync_type){
			.type = d->kinds[i]->type, .name = d->kinds[i]->name,
			.serialise = serialise, .apply = apply,
			.remove = remove_item,
		};
		sync_register(d->link.engine, &types[i],
			      (void *)(uintptr_t)d->kinds[i]);
	}
}

void tables_free(struct syncd *d)
{
	struct table_iter iter = { .bucket = 0 };
	struct table_node *node;

	while ((node = table_next(&d->items, &iter))) {
		table_remove(&d->items, node);
		free(container_of(node, struct item, node));
	}
	table_fini(&d->items);
}
