// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/daemon.h"
#include "io/json.h"
#include "standbyd/standby.h"

#define PAUSE 60000		/* ms without preemption after a resignation */

static const char *const mac_names[] = { "macvlan", "swap", "none" };
static const char *const form_names[] = { "roam", "hsrp", "hsrp2" };

static json_t *json_mac(const uint8_t mac[6])
{
	return json_sprintf("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
			    mac[2], mac[3], mac[4], mac[5]);
}

static json_t *json_peer(const struct elect_peer *peer, msec_t now)
{
	if (!peer->known)
		return json_null();
	return json_pack("{so si so}", "address", json_addr(&peer->rank.addr),
			 "priority", peer->rank.priority,
			 "heard", json_seconds(now - peer->heard));
}

static json_t *json_change(const struct group *group,
			   const struct elect_change *c, msec_t now)
{
	char cell[24];

	return json_pack("{ss ss so ss ss ss ss si so si so so}",
			 "group", group->config->name,
			 "link", group->link->name,
			 "ago", json_seconds(now - c->when),
			 "from", hsrp_state_name(c->from),
			 "to", hsrp_state_name(c->to),
			 "reason", c->reason,
			 "cell", elect_cell_name(c->event, c->from, cell),
			 "priority", c->priority,
			 "peer", json_addr(&c->peer),
			 "peer_priority", c->peer_priority,
			 "silent", c->silent < 0 ? json_null() :
						   json_seconds(c->silent),
			 "late", json_seconds(c->late));
}

/* Who is active and who is standby, as far as this router knows. */
static json_t *role_of(const struct group *group, uint8_t state,
		       const struct elect_peer *peer)
{
	if (group->e.state == state)
		return json_addr(&group->e.config.addr);
	return peer->known ? json_addr(&peer->rank.addr) : json_null();
}

/* How far the tables of a client are in step, and since when that is proved. */
static json_t *json_tables(const struct tables *t, msec_t now)
{
	if (!t->told)
		return json_null();
	return json_pack("{so sb sb so sI sI so}", "router",
			 json_addr(&t->router), "complete", t->complete,
			 "equal", t->equal, "equal_since", t->equal ?
				json_seconds(now - t->since) : json_null(),
			 "entries", t->entries, "owed", t->owed, "told",
			 json_seconds(now - t->told));
}

static json_t *json_group(const struct group *group, msec_t now)
{
	const struct election *e = &group->e;
	json_t *g = json_pack(
		"{ss ss si ss ss sb so so so so so si si sI sI sb}",
		"group", group->config->name,
		"link", group->link->name,
		"number", group->config->number,
		"protocol", form_names[group->config->form],
		"state", hsrp_state_name(e->state),
		"serves", elect_serves(e),
		"virtual", json_addr(&e->vip),
		"virtual_mac", json_mac(group->mac),
		"address", json_addr(&e->config.addr),
		"active", role_of(group, HSRP_ACTIVE, &e->active),
		"standby", role_of(group, HSRP_STANDBY, &e->standby),
		"priority", e->priority,
		"configured_priority", group->config->elect.priority,
		"hello_ms", (json_int_t)e->hello,
		"hold_ms", (json_int_t)e->hold,
		"preempt", e->config.preempt && !e->no_preempt_until);

	json_object_set_new(g, "mac_mode",
			    json_string(mac_names[group->config->mac]));
	json_object_set_new(g, "active_router", json_peer(&e->active, now));
	json_object_set_new(g, "standby_router", json_peer(&e->standby, now));
	json_object_set_new(g, "tables", json_tables(&group->tables, now));
	json_object_set_new(g, "active_timer", json_until(now, e->active_timer));
	json_object_set_new(g, "standby_timer",
			    json_until(now, e->standby_timer));
	json_object_set_new(g, "changes", json_integer(e->stats.changes));
	json_object_set_new(g, "adopt_us", json_integer(group->adopt_us));
	json_object_set_new(g, "reason", group->n_history ?
		json_string(group->history[(group->n_history - 1) %
					   HISTORY_MAX].reason) : json_null());
	json_object_set_new(g, "problem", group->kernel_error ?
		json_string(group->kernel_error) :
		e->state == HSRP_LEARN ?
		json_string("no router has told the virtual address; at least one must have it in its configuration") :
		e->state < HSRP_ACTIVE && !roam_addr_is_none(&e->other_vip) &&
		!roam_addr_eq(&e->other_vip, &e->vip) ?
		json_string("the active router has another virtual address than this one's configuration") :
		json_null());
	return g;
}

/* The group that args name, or each. */
static json_t *for_groups(struct standbyd *d, const json_t *args,
			  struct control_error *error,
			  void (*fn)(const struct group *group, msec_t now,
				     json_t *list))
{
	const char *name = json_string_value(json_object_get(args, "group"));
	json_t *list = json_array();

	if (name && !group_find(d, name)) {
		json_decref(list);
		control_refuse(error, "missing", "roam standby show lists them",
			       "there is no group '%s' here", name);
		return NULL;
	}
	for (size_t i = 0; i < d->n_groups; i++)
		if (!name || !strcmp(d->groups[i]->config->name, name))
			fn(d->groups[i], daemon_now(), list);
	return list;
}

static void append_group(const struct group *group, msec_t now, json_t *list)
{
	json_array_append_new(list, json_group(group, now));
}

static json_t *show(void *ctx, const json_t *args, struct control_error *error)
{
	return for_groups(ctx, args, error, append_group);
}

static void append_history(const struct group *group, msec_t now, json_t *list)
{
	uint64_t first = group->n_history > HISTORY_MAX ?
			 group->n_history - HISTORY_MAX : 0;

	for (uint64_t i = first; i < group->n_history; i++)
		json_array_append_new(list,
			json_change(group, &group->history[i % HISTORY_MAX],
				    now));
}

static json_t *history(void *ctx, const json_t *args,
		       struct control_error *error)
{
	return for_groups(ctx, args, error, append_history);
}

static void append_peers(const struct group *group, msec_t now, json_t *list)
{
	for (size_t i = 0; i < STANDBY_PEERS; i++) {
		const struct standby_peer *peer =
			&group->link->peers.items[i];

		if (roam_addr_is_none(&peer->addr) ||
		    peer->key_id != group->config->key_id)
			continue;
		json_array_append_new(list,
			json_pack("{ss ss so sI sb so}",
				  "group", group->config->name,
				  "link", group->link->name,
				  "address", json_addr(&peer->addr),
				  "key", (json_int_t)peer->key_id,
				  "proved", peer->proved,
				  "heard", json_seconds(now - peer->heard)));
	}
}

static json_t *peers(void *ctx, const json_t *args, struct control_error *error)
{
	return for_groups(ctx, args, error, append_peers);
}

/* Adds to what other groups had. */
static void count(json_t *object, const char *prefix, const char *name,
		  uint64_t value)
{
	char key[64];

	snprintf(key, sizeof(key), "%s%s", prefix, name);
	json_object_set_new(object, key,
		json_integer(json_integer_value(json_object_get(object, key)) +
			     (json_int_t)value));
}

static void count_group(const struct group *group, json_t *c)
{
	const struct elect_stats *s = &group->e.stats;

	for (int i = HSRP_HELLO; i <= HSRP_ANSWER; i++) {
		if (i == HSRP_ADVERTISE)
			continue;
		count(c, "sent_", hsrp_op_name(i), group->sent[i]);
		count(c, "received_", hsrp_op_name(i), group->received[i]);
	}
	for (int i = HSRP_DROP_NONE + 1; i < HSRP_DROP_MAX; i++)
		count(c, "drop_", hsrp_drop_name(i), group->drop[i]);
	for (int i = ELECT_CONFIGURED; i < ELECT_EVENTS; i++)
		count(c, "event_", elect_event_name(i), s->events[i]);
	count(c, "", "ignored", s->ignored);
	count(c, "", "changes", s->changes);
	count(c, "", "learned", s->learned);
	count(c, "", "late", s->late);
	count(c, "", "disbelieved", s->disbelieved);
	count(c, "", "fences", s->fences);
	count(c, "", "vetoes", s->vetoes);
	count(c, "", "announced", group->announced);
	count(c, "", "kernel_errors", group->kernel_errors);
}

static json_t *counters(void *ctx, const json_t *args,
			struct control_error *error)
{
	struct standbyd *d = ctx;
	json_t *c = json_object();
	msec_t worst = 0;

	(void)args;
	(void)error;
	for (size_t i = 0; i < d->n_groups; i++) {
		count_group(d->groups[i], c);
		worst = max_time(worst, d->groups[i]->e.stats.late_worst);
	}
	for (int i = HSRP_DROP_NONE + 1; i < HSRP_DROP_MAX; i++)
		count(c, "drop_", hsrp_drop_name(i), d->drop[i]);
	json_object_set_new(c, "late_worst_ms", json_integer(worst));
	return c;
}

static json_t *status(void *ctx, const json_t *args, struct control_error *error)
{
	struct standbyd *d = ctx;
	size_t active = 0, standby = 0;

	(void)args;
	(void)error;
	for (size_t i = 0; i < d->n_groups; i++) {
		active += d->groups[i]->e.state == HSRP_ACTIVE;
		standby += d->groups[i]->e.state == HSRP_STANDBY;
	}
	return json_status("roam-standbyd", daemon_now(), d->started,
			   json_pack("{sI sI sI sb sb}",
				     "groups", (json_int_t)d->n_groups,
				     "active", (json_int_t)active,
				     "standby", (json_int_t)standby,
				     "watcher", watch_pid() > 0,
				     "realtime", d->realtime));
}

/* ---- what changes something ---- */

static struct group *named_group(struct standbyd *d, const json_t *args,
				 struct control_error *error)
{
	const char *name = json_string_value(json_object_get(args, "group"));
	struct group *group = name ? group_find(d, name) : NULL;

	if (!name)
		control_refuse(error, "usage", "roam standby show lists them",
			       "name a group");
	else if (!group)
		control_refuse(error, "missing", "roam standby show lists them",
			       "there is no group '%s' here", name);
	return group;
}

/* The time of args, @otherwise without one; false if it is none. */
static bool duration(const json_t *args, msec_t otherwise, msec_t *ms,
		     struct control_error *error)
{
	const json_t *seconds = json_object_get(args, "time");

	*ms = otherwise;
	if (!seconds)
		return true;
	if (json_is_number(seconds) && json_number_value(seconds) >= 0 &&
	    json_number_value(seconds) < 1e9) {
		*ms = (msec_t)(json_number_value(seconds) * 1000);
		return true;
	}
	control_refuse(error, "usage", "give seconds from 0 to 1000000000",
		       "the time is no number of seconds");
	return false;
}

static json_t *resign(void *ctx, const json_t *args, struct control_error *error)
{
	struct group *group = named_group(ctx, args, error);
	msec_t pause;

	if (!group || !duration(args, PAUSE, &pause, error))
		return NULL;
	if (!group_resign(group, pause, "an operator asked it to resign")) {
		control_refuse(error, "refused", "ask the active router",
			       "this router is not active in group '%s' but in state %s",
			       group->config->name,
			       hsrp_state_name(group->e.state));
		return NULL;
	}
	groups_run(group->d);
	return json_pack("[o]", json_group(group, daemon_now()));
}

/* STBY-68: off for a time, or on again. */
static json_t *preempt(void *ctx, const json_t *args,
		       struct control_error *error)
{
	struct group *group = named_group(ctx, args, error);
	bool on = !json_is_true(json_object_get(args, "off"));
	msec_t pause;

	if (!group || !duration(args, MSEC_NEVER, &pause, error))
		return NULL;
	if (on && !group->config->elect.preempt) {
		control_refuse(error, "refused", "set preempt = true and reload",
			       "preemption is not configured for group '%s'",
			       group->config->name);
		return NULL;
	}
	elect_no_preempt(&group->e, on ? 0 : pause == MSEC_NEVER ? MSEC_NEVER :
					     daemon_now() + pause);
	return json_pack("[o]", json_group(group, daemon_now()));
}

static bool router_of(const json_t *args, struct roam_addr *router,
		      struct control_error *error)
{
	const char *word = json_string_value(json_object_get(args, "router"));

	if (word && roam_addr_parse(word, router))
		return true;
	control_refuse(error, "usage", "it is in the event \"fetch\"",
		       "name the active router's address");
	return false;
}

static void note_tables(struct tables *t, const json_t *args,
			const struct roam_addr *router)
{
	double since = json_number_value(json_object_get(args, "since"));

	t->told = daemon_now();
	t->router = *router;
	t->complete = json_is_true(json_object_get(args, "complete"));
	t->equal = json_is_true(json_object_get(args, "equal"));
	t->since = since > 0 && since < 1e9 ? t->told - (msec_t)(since * 1000) :
					      t->told;
	t->entries = json_integer_value(json_object_get(args, "entries"));
	t->owed = json_integer_value(json_object_get(args, "owed"));
}

/* A client: the table of the active router is complete here, or is not. */
static json_t *table(void *ctx, const json_t *args, struct control_error *error)
{
	struct group *group = named_group(ctx, args, error);
	struct roam_addr router;

	if (!group || !router_of(args, &router, error))
		return NULL;
	note_tables(&group->tables, args, &router);
	elect_table(&group->e, &router, group->tables.complete);
	return json_array();
}

/* A client: a coup may be now, or not yet (STBY-75). */
static json_t *clearance(void *ctx, const json_t *args,
			 struct control_error *error)
{
	struct group *group = named_group(ctx, args, error);

	if (!group)
		return NULL;
	elect_clearance(&group->e, daemon_now(),
			json_is_true(json_object_get(args, "granted")));
	return json_array();
}

const struct control_command show_commands[] = {
	{ "show", show, false, "groups; args: group" },
	{ "history", history, false, "role changes with reasons; args: group" },
	{ "peers", peers, false, "other routers; args: group" },
	{ "counters", counters, false, "counters since the start, of all groups" },
	{ "status", status, false, "state of the daemon" },
	{ "resign", resign, true, "leave the active role; args: group, time" },
	{ "preempt", preempt, true, "switch preemption on; args: group, off, time" },
	{ "table", table, true, "a client has the active router's table; args: group, router, complete" },
	{ "clearance", clearance, true, "a client lets a coup happen; args: group, granted" },
	{ NULL, NULL, false, NULL },
};

/* ---- events ---- */

void show_change(struct group *group, const struct elect_change *change)
{
	struct control *control = group->d->control;
	json_t *event;

	if (!control || !control_is_monitored(control))
		return;
	event = json_change(group, change, daemon_now());
	json_object_set_new(event, "event", json_string("role"));
	json_object_set_new(event, "serves", json_boolean(elect_serves(&group->e)));
	json_object_set_new(event, "virtual", json_addr(&group->e.vip));
	control_event(control, event);
}

void show_event(struct group *group, const char *what,
		const struct roam_addr *router)
{
	struct control *control = group->d->control;

	if (!control || !control_is_monitored(control))
		return;
	control_event(control, json_pack(
		"{ss ss ss ss so so so si}",
		"event", what, "group", group->config->name,
		"link", group->link->name,
		"state", hsrp_state_name(group->e.state),
		"router", json_addr(router),
		"active", role_of(group, HSRP_ACTIVE, &group->e.active),
		"standby", role_of(group, HSRP_STANDBY, &group->e.standby),
		"priority", group->e.priority));
}
