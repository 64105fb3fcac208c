// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/sync.h"

#include <stdlib.h>
#include <string.h>

#include "io/daemon.h"
#include "io/json.h"
#include "io/log.h"

#define TELL_EVERY 1000		/* ms between two words to roam-standbyd */

static const struct auth_key *key_of(const struct sync_link *link)
{
	return auth_keys_find(link->keys, link->config->key);
}

void sync_link_send(struct sync_link *link, const struct roam_addr *to,
		    const struct sync_msg *msg)
{
	const struct conf_sync *c = link->config;
	struct sync_msg out = *msg;
	uint8_t buf[SYNC_MAX_LEN];
	size_t len;

	out.key_id = c->key;
	len = sync_encode(&out, buf);
	auth_sign(key_of(link), buf, len, buf + len, SYNC_AUTH_LEN);
	udp_send(link->udp, roam_addr_is_none(to) ? &c->multicast : to, c->port,
		 &link->own, buf, len + SYNC_AUTH_LEN);
}

static void on_datagram(struct sync_link *link, const struct udp_datagram *d)
{
	enum sync_drop drop;
	struct sync_msg msg;
	size_t covered;

	drop = sync_decode(d->data, d->len, &msg, &covered);
	if (drop == SYNC_DROP_NONE &&
	    (!link->engine || !roam_addr_eq(&msg.sender, &d->from)))
		drop = SYNC_DROP_SENDER;
	if (drop == SYNC_DROP_NONE && msg.key_id != link->config->key)
		drop = SYNC_DROP_KEY;
	if (drop == SYNC_DROP_NONE &&
	    !auth_verify(key_of(link), d->data, covered, d->data + covered,
			 SYNC_AUTH_LEN))
		drop = SYNC_DROP_AUTH;
	if (drop == SYNC_DROP_NONE) {
		sync_input(link->engine, daemon_now(), &msg);
		return;
	}
	link->drop[drop]++;
	if (link->dropped)
		link->dropped(link->ctx, &d->from, drop);
}

static void on_datagrams(void *ctx, const struct udp_datagram *d, size_t n)
{
	for (size_t i = 0; i < n; i++)
		on_datagram(ctx, &d[i]);
}

static void on_burst_end(void *ctx)
{
	struct sync_link *link = ctx;

	link->end(link->ctx);
}

/* The group's link is that of the own address, which the election may tell late. */
static char *join(struct sync_link *link)
{
	const struct conf_sync *c = link->config;

	if (!link->udp || roam_addr_is_none(&c->multicast) ||
	    roam_addr_is_none(&link->own))
		return NULL;
	return udp_join(link->udp, &c->multicast, &link->own, c->ttl);
}

void sync_link_use(struct sync_link *link, struct sync *engine,
		   const struct roam_addr *own)
{
	char *error;

	link->engine = engine;
	link->own = *own;
	error = join(link);
	if (error)
		log_error("%s; until then members that do not hear the group are told one by one, later", error);
	free(error);
}

char *sync_link_open(struct sync_link *link, uv_loop_t *loop)
{
	static const struct roam_addr any;
	char *error = NULL;

	link->udp = udp_open(loop, &any, link->config->port, on_datagrams, NULL,
			     link, &error);
	if (link->udp)
		udp_on_burst_end(link->udp, on_burst_end);
	return error;
}

void sync_link_close(struct sync_link *link)
{
	if (link->udp)
		udp_close(link->udp);
	link->udp = NULL;
}

struct role_client *sync_link_elector(uv_loop_t *loop, const struct conf_sync *config,
				      role_fn fn, void *ctx, char **error)
{
	struct role_elector elector = {
		.virtual = config->virtual, .own = config->own,
		.notify = config->notify, .instance = config->instance,
	};

	return role_open_elector(loop, &elector, fn, ctx, error);
}

enum sync_role sync_role_of(const struct role *r, const struct roam_addr *own)
{
	if (!strcmp(r->state, "active"))
		return SYNC_ACTIVE;
	if (!strcmp(r->state, "listen") && !roam_addr_is_none(&r->active) &&
	    !roam_addr_is_none(&r->standby) && !roam_addr_eq(&r->standby, own))
		return SYNC_PASSIVE;
	return SYNC_STANDBY;
}

void sync_link_tell(struct sync_link *link, struct role_client *role,
		    const struct roam_addr *other, bool active, msec_t now)
{
	struct role_tables tables = { .router = *other };
	struct sync_member m;

	if (!role || now - link->told < TELL_EVERY)
		return;
	link->told = now;
	tables.complete = sync_is_synced(link->engine);
	tables.entries = sync_count(link->engine);
	for (size_t i = 0; sync_member(link->engine, i, now, &m); i++) {
		if (!roam_addr_eq(&m.addr, other))
			continue;
		tables.equal = m.alive && m.equal;
		tables.since = now - m.equal_since;
		tables.owed = m.owed;
		if (active)
			tables.complete = m.alive && m.synced;
	}
	role_tell_tables(role, &tables);
}

json_t *sync_link_members(const struct sync_link *link, const struct role *role,
			  msec_t now)
{
	json_t *rows = json_array();
	struct sync_member m;

	for (size_t i = 0; link->engine &&
	     sync_member(link->engine, i, now, &m); i++)
		json_array_append_new(rows, json_pack(
			"{so ss sb sb sb so sI sI sI sI so}",
			"address", json_addr(&m.addr),
			"role", !role ? "member" :
				roam_addr_eq(&m.addr, &role->active) ? "active" :
				roam_addr_eq(&m.addr, &role->standby) ?
				"standby" : "other",
			"alive", m.alive, "synced", m.synced,
			"equal", m.alive && m.equal,
			"equal_since", m.alive && m.equal ?
				json_seconds(now - m.equal_since) : json_null(),
			"entries", (json_int_t)m.entries,
			"owed", (json_int_t)m.owed,
			"repaired", (json_int_t)m.repaired,
			"weight", (json_int_t)m.weight,
			"heard", m.heard ? json_seconds(now - m.heard) :
					   json_null()));
	return rows;
}

void sync_link_counters(const struct sync_link *link, json_t *object)
{
	const struct sync_stats *c;

	if (!link->engine)
		return;
	c = sync_stats(link->engine);
	json_add_counter(object, "sync_", "updates_sent", c->updates_sent);
	json_add_counter(object, "sync_", "updates_repeated", c->updates_repeated);
	json_add_counter(object, "sync_", "updates_received", c->updates_received);
	json_add_counter(object, "sync_", "acks_sent", c->acks_sent);
	json_add_counter(object, "sync_", "acks_received", c->acks_received);
	json_add_counter(object, "sync_", "acks_unasked", c->acks_unasked);
	json_add_counter(object, "sync_", "applied", c->applied);
	json_add_counter(object, "sync_", "stale", c->stale);
	json_add_counter(object, "sync_", "ahead", c->ahead);
	json_add_counter(object, "sync_", "ignored", c->ignored);
	json_add_counter(object, "sync_", "full", c->full);
	json_add_counter(object, "sync_", "removed", c->removed);
	json_add_counter(object, "sync_", "requests_sent", c->requests_sent);
	json_add_counter(object, "sync_", "requests_received", c->requests_received);
	json_add_counter(object, "sync_", "downloads", c->downloads);
	json_add_counter(object, "sync_", "download_messages", c->download_messages);
	json_add_counter(object, "sync_", "differences", c->differences);
	json_add_counter(object, "sync_", "leaves_repaired", c->leaves_repaired);
	json_add_counter(object, "sync_", "released_late", c->released_late);
	for (int i = SYNC_DROP_NONE + 1; i < SYNC_DROP_MAX; i++)
		json_add_counter(object, "drop_sync_", sync_drop_name(i),
				 link->drop[i] + c->drop[i]);
}
