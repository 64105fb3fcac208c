// SPDX-License-Identifier: GPL-2.0-or-later
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agentd/agentd.h"
#include "agentd/share.h"
#include "agentd/sync.h"
#include "io/daemon.h"
#include "io/json.h"
#include "io/log.h"

static const char *const encaps[] = {
	[HA_ENCAP_IPIP] = "ipip",
	[HA_ENCAP_GRE] = "gre",
	[HA_ENCAP_MINIMAL] = "minimal",
	[HA_ENCAP_UDP] = "udp",
};

static const char *const reverses[] = {
	[FA_REVERSE_NONE] = "none",
	[FA_REVERSE_DIRECT] = "direct",
	[FA_REVERSE_ENCAPSULATING] = "encapsulating",
};

/* ---- log lines and events ---- */

/*
 * One line for each registration, while they can be read. The events are
 * complete.
 */
static bool may_log(struct agentd *a)
{
	uint32_t suppressed;
	bool allowed = line_limit_allow(&a->lines, daemon_now(), &suppressed);

	if (suppressed)
		log_notice("%u more registrations in that second, not logged; roam monitor agent shows all",
			   suppressed);
	return allowed;
}

static void event(struct agentd *a, const char *what,
		  const struct roam_addr *home, const struct roam_addr *coa,
		  const struct roam_addr *old, const char *reason)
{
	if (!a->control || !control_is_monitored(a->control))
		return;
	control_event(a->control,
		      json_pack("{ss so so so ss}", "event", what,
				"home", json_addr(home),
				"care_of", json_addr(coa),
				"old_care_of", json_addr(old),
				"reason", reason));
}

static const char *text_of(const struct roam_addr *addr, char *buf)
{
	return roam_addr_is_none(addr) ? "none" : roam_addr_format(addr, buf);
}

void show_node(struct agentd *a, const struct ha_change *c, const char *reason)
{
	static const struct roam_addr none;
	const struct roam_addr *coa = c->after.n ? &c->after.bindings[0].coa :
						   &none;
	const struct roam_addr *old = c->before.n ?
		&c->before.bindings[0].coa : &none;
	char home[ROAM_ADDR_STRLEN], from[ROAM_ADDR_STRLEN], to[ROAM_ADDR_STRLEN];
	const char *what = "moved";

	if (!c->before.n && !c->after.n)
		return;
	if (roam_addr_eq(coa, old) && c->before.n == c->after.n) {
		log_debug("mn=%s renewed at %s",
			  roam_addr_format(&c->after.home, home),
			  text_of(coa, to));
		return;
	}
	if (!c->after.n)
		what = "removed";
	else if (!c->before.n)
		what = "registered";
	if (!reason)
		reason = c->after.n ? "registration" : "de-registration";
	if (may_log(a))
		log_notice("mn=%s %s %s->%s bindings=%u reason=\"%s\"",
			   roam_addr_format(&c->after.home, home), what,
			   text_of(old, from), text_of(coa, to), c->after.n,
			   reason);
	event(a, what, &c->after.home, coa, old, reason);
}

void show_visitor(struct agentd *a, const struct fa_change *c,
		  const char *reason)
{
	static const struct roam_addr none;
	char home[ROAM_ADDR_STRLEN];
	const char *what = c->exists ? "visitor" : "visitor-gone";

	if (c->exists && c->existed && c->before.link == c->after.link)
		return;
	if (!reason)
		reason = c->exists ? "registration" : "de-registration";
	if (may_log(a))
		log_notice("mn=%s %s reason=\"%s\"",
			   roam_addr_format(&c->after.home, home), what, reason);
	event(a, what, &c->after.home, c->exists ? &c->after.coa : &none,
	      c->existed ? &c->before.coa : &none, reason);
}

void show_denied(struct agentd *a, const struct roam_addr *home,
		 const struct roam_addr *source, const char *by, uint8_t code)
{
	static const struct roam_addr none;
	char text[ROAM_ADDR_STRLEN], from[ROAM_ADDR_STRLEN];
	uint32_t suppressed;

	event(a, "denied", home, &none, &none, mip_code_name(code));
	if (limit_allow(&a->limit, daemon_now(), source, &suppressed))
		log_notice("mn=%s denied by=\"%s\" code=%u (%s) from=%s suppressed=%u",
			   text_of(home, text), by, code, mip_code_name(code),
			   text_of(source, from), suppressed);
}

void show_dropped(struct agentd *a, const struct roam_addr *source,
		  const char *reason)
{
	char from[ROAM_ADDR_STRLEN];
	uint32_t suppressed;

	if (limit_allow(&a->limit, daemon_now(), source, &suppressed))
		log_warning("from=%s dropped reason=%s suppressed=%u",
			    text_of(source, from), reason, suppressed);
}

/* ---- commands ---- */

static json_t *json_id(uint64_t id)
{
	return json_sprintf("%08x.%08x", (unsigned int)(id >> 32),
			    (unsigned int)id);
}

static json_t *json_flags(uint8_t flags)
{
	char buf[9];

	return json_string(mip_flags_format(flags, buf));
}

static json_t *json_lifetime(uint16_t lifetime)
{
	return lifetime == MIP_LIFETIME_INFINITE ? json_null() :
						   json_real(lifetime);
}

/**
 * struct listing - the answer being made
 * @a: the daemon
 * @rows: gets them
 * @only: this home address alone, NULL: all
 * @pending: pending requests instead of visitors
 * @now: the time
 */
struct listing {
	struct agentd *a;
	json_t *rows;
	const struct roam_addr *only;
	bool pending;
	msec_t now;
};

static void add_bindings(void *ctx, const struct ha_state *state)
{
	const struct config_node *node;
	struct listing *l = ctx;

	node = config_find_node(l->a->config, &state->home);
	for (unsigned int i = 0; i < state->n; i++) {
		const struct ha_binding *b = &state->bindings[i];

		json_array_append_new(l->rows,
			json_pack("{so ss* so so so so so so ss so sI}",
				  "home", json_addr(&state->home),
				  "node", node ? node->name : NULL,
				  "home_agent", json_addr(&state->agent),
				  "care_of", json_addr(&b->coa),
				  "source", json_endpoint(&b->source, b->port),
				  "lifetime", json_lifetime(b->lifetime),
				  "expires_in", json_until(l->now, b->expires),
				  "flags", json_flags(b->flags),
				  "encapsulation", encaps[b->encap],
				  "identification", json_id(b->id),
				  "spi", (json_int_t)b->spi));
	}
}

static json_t *json_name(const uint8_t *name, size_t len)
{
	return len ? json_stringn((const char *)name, len) : json_null();
}

static void add_visitor(void *ctx, const struct fa_visitor *v, bool pending)
{
	char link[IF_NAMESIZE] = "", mac[18];
	struct listing *l = ctx;

	if (pending != l->pending ||
	    (l->only && !roam_addr_eq(l->only, &v->home)))
		return;
	if_indextoname(v->link, link);
	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", v->mac[0],
		 v->mac[1], v->mac[2], v->mac[3], v->mac[4], v->mac[5]);
	json_array_append_new(l->rows,
		json_pack("{so so so so so so ss ss sI so so so so so sI ss}",
			  "home", json_addr(&v->home),
			  "nai", json_name(v->names, v->nai_len),
			  "sub_nai", json_name(v->names + v->nai_len,
					       v->sub_len),
			  "source", json_addr(&v->source),
			  "care_of", json_addr(&v->coa),
			  "home_agent", json_addr(&v->agent),
			  "link", link, "mac", mac,
			  "port", (json_int_t)v->port,
			  "requested", json_lifetime(v->requested),
			  "lifetime", json_lifetime(v->lifetime),
			  "expires_in", json_until(l->now, v->expires),
			  "flags", json_flags(v->flags),
			  "identification", json_id(v->id),
			  "spi", (json_int_t)v->spi,
			  "reverse", reverses[v->reverse]));
}

static bool read_home(const json_t *args, struct roam_addr *home,
		      const struct roam_addr **only,
		      struct control_error *error)
{
	const char *word = json_string_value(json_object_get(args, "home"));

	*only = NULL;
	if (!word)
		return true;
	*only = home;
	if (roam_addr_parse(word, home))
		return true;
	control_refuse(error, "usage", "give a home address such as 10.77.0.5",
		       "'%s' is no IP address", word);
	return false;
}

static json_t *show(void *ctx, const json_t *args, struct control_error *error)
{
	struct ha_cursor cursor = { .done = false };
	struct listing l = { .a = ctx, .now = daemon_now() };
	struct roam_addr home;
	struct ha_state state;

	if (!read_home(args, &home, &l.only, error))
		return NULL;
	l.rows = json_array();
	if (l.only) {
		if (ha_get(l.a->ha, &home, &state))
			add_bindings(&l, &state);
		return l.rows;
	}
	while (!cursor.done)
		ha_walk(l.a->ha, &cursor, 1024, add_bindings, &l);
	return l.rows;
}

static json_t *list_visitors(struct agentd *a, const json_t *args, bool pending,
			     struct control_error *error)
{
	struct fa_cursor cursor = { .done = false };
	struct listing l = { .a = a, .now = daemon_now(), .pending = pending };
	struct roam_addr home;

	if (!read_home(args, &home, &l.only, error))
		return NULL;
	l.rows = json_array();
	while (!cursor.done)
		fa_walk(a->fa, &cursor, 1024, add_visitor, &l);
	return l.rows;
}

static json_t *visitors(void *ctx, const json_t *args,
			struct control_error *error)
{
	return list_visitors(ctx, args, false, error);
}

static json_t *pending(void *ctx, const json_t *args,
		       struct control_error *error)
{
	return list_visitors(ctx, args, true, error);
}

static void add_session(void *ctx, const struct lease *lease)
{
	struct listing *l = ctx;
	struct ha_state state = { .n = 0 };

	ha_get(l->a->ha, &lease->addr, &state);
	json_array_append_new(l->rows,
		json_pack("{so so so so so so so so ss}",
			  "nai", json_name(lease->names, lease->nai_len),
			  "sub_nai", json_name(lease->names + lease->nai_len,
					       lease->sub_len),
			  "home", json_addr(&lease->addr),
			  "home_agent", json_addr(&lease->agent),
			  "care_of", state.n ?
				json_addr(&state.bindings[0].coa) : json_null(),
			  "lifetime", state.n ?
				json_lifetime(state.bindings[0].lifetime) :
				json_null(),
			  "expires_in", json_until(l->now, state.n ?
				state.bindings[0].expires : MSEC_NEVER),
			  "free_in", json_until(l->now, lease->until),
			  "device", l->a->config->device));
}

static json_t *sessions(void *ctx, const json_t *args,
			struct control_error *error)
{
	struct listing l = { .a = ctx, .now = daemon_now() };
	struct table_iter at = { 0 };

	(void)args;
	(void)error;
	l.rows = json_array();
	while (leases_walk(ha_leases(l.a->ha), &at, 1024, add_session, &l))
		continue;
	return l.rows;
}

static json_t *nodes(void *ctx, const json_t *args, struct control_error *error)
{
	struct agentd *a = ctx;
	json_t *rows = json_array();

	(void)args;
	(void)error;
	for (size_t i = 0; i < a->config->n_nodes; i++) {
		const struct config_node *n = &a->config->nodes[i];
		const struct sa *sa = &n->node.associations.items[0];
		char fingerprint[17];
		struct ha_state state;

		auth_key_fingerprint(sa->key, fingerprint);
		json_array_append_new(rows,
			json_pack("{ss so sI ss sI ss ss sb}",
				  "node", n->name,
				  "home", roam_addr_is_none(&n->node.home) ?
					json_null() : json_addr(&n->node.home),
				  "spi", (json_int_t)sa->spi,
				  "algorithm", auth_algorithm_name(sa->algorithm),
				  "key", (json_int_t)auth_key_id(sa->key),
				  "fingerprint", fingerprint,
				  "replay", sa->replay == SA_NONCES ?
					"nonces" : "timestamps",
				  "away", ha_get(a->ha, &n->node.home, &state) &&
					  state.n));
	}
	return rows;
}

static const struct fa_link *fa_link_of(const struct agentd *a,
					const struct agent_link *link)
{
	for (size_t i = 0; link->foreign && i < a->n_fa_links; i++)
		if (a->fa_links[i].index == link->index)
			return &a->fa_links[i];
	return NULL;
}

static json_t *links(void *ctx, const json_t *args, struct control_error *error)
{
	struct agentd *a = ctx;
	json_t *rows = json_array();

	(void)args;
	(void)error;
	for (size_t i = 0; i < a->n_links; i++) {
		const struct agent_link *l = &a->links[i];
		const struct fa_link *fa = fa_link_of(a, l);
		uint16_t lifetime = fa ? fa->lifetime_max :
				    l->home ? l->home->lifetime_max : 0;

		json_array_append_new(rows,
			json_pack("{ss so sb sb sb so sb sb so so sI sI}",
				  "link", l->name,
				  "address", json_addr(&l->addr),
				  "home", !!l->home, "foreign", !!l->foreign,
				  "up", !!l->frames,
				  "care_of", fa ? json_addr(&fa->coa) : json_null(),
				  "busy", fa && fa->busy,
				  "registration_required",
				  l->foreign && l->foreign->registration,
				  "lifetime", json_lifetime(lifetime),
				  "interval", l->advertiser.interval ?
				  json_real((double)l->advertiser.interval / 1000) :
				  json_null(),
				  "advertised", (json_int_t)l->advertiser.sent,
				  "answered", (json_int_t)l->advertiser.answered));
	}
	return rows;
}

static json_t *end(struct agentd *a, const json_t *args, bool visitor,
		   struct control_error *error)
{
	const struct roam_addr *only;
	struct roam_addr home;

	if (!read_home(args, &home, &only, error))
		return NULL;
	if (!only) {
		control_refuse(error, "usage", "give a home address",
			       "which one is to end is not said");
		return NULL;
	}
	if (!agent_sync_serves(a)) {
		control_refuse(error, "refused", "roam sync status at the other agent",
			       "another agent is the active one, and would tell this one again");
		return NULL;
	}
	if (!batch_end(a, &home, visitor)) {
		control_refuse(error, "missing",
			       visitor ? "roam agent visitors" : "roam agent show",
			       a->store_error ? "the store refuses the change" :
						"there is none with that home address");
		return NULL;
	}
	return json_array();
}

static json_t *end_binding(void *ctx, const json_t *args,
			   struct control_error *error)
{
	return end(ctx, args, false, error);
}

static json_t *end_visitor(void *ctx, const json_t *args,
			   struct control_error *error)
{
	return end(ctx, args, true, error);
}

static json_t *status(void *ctx, const json_t *args, struct control_error *error)
{
	struct agentd *a = ctx;

	(void)args;
	(void)error;
	return json_status("roam-agentd", daemon_now(), a->started,
		json_pack("{sI sI sI sI sI sI sb ss ss*}",
			  "home_agents", (json_int_t)a->config->n_homes,
			  "nodes", (json_int_t)a->config->n_nodes,
			  "bindings", (json_int_t)ha_count(a->ha),
			  "foreign_links", (json_int_t)a->n_fa_links,
			  "visitors", (json_int_t)fa_count(a->fa),
			  "pending", (json_int_t)fa_pending(a->fa),
			  "tunnel", kernel_is_there(a),
			  "store", a->store_error ? "failing" : "ok",
			  "store_error", a->store_error));
}

/* Those that RFC 2006 counts, and what there was besides. */
static void add_codes(json_t *object, const char *prefix, unsigned int first,
		      unsigned int last, const uint64_t *codes)
{
	char name[8];

	for (unsigned int i = 0; i < 256; i++) {
		if (!codes[i] && i > MIP_ACCEPTED_ONE && (i < first || i > last))
			continue;
		snprintf(name, sizeof(name), "%u", i);
		json_add_counter(object, prefix, name, codes[i]);
	}
}

static json_t *counters(void *ctx, const json_t *args,
			struct control_error *error)
{
	struct agentd *a = ctx;
	const struct agent_counters *c = &a->counters;
	json_t *object = json_object();
	char name[64];

	(void)args;
	(void)error;
	json_add_counter(object, "", "received", c->received);
	json_add_counter(object, "", "other", c->other);
	json_add_counter(object, "", "requests", c->requests);
	json_add_counter(object, "", "deregistrations", c->deregistrations);
	json_add_counter(object, "", "accepted", c->accepted);
	json_add_counter(object, "", "deregistration_replies",
			 c->deregistration_replies);
	json_add_counter(object, "", "expired", c->expired);
	json_add_counter(object, "", "visitor_requests", c->visitor_requests);
	json_add_counter(object, "", "relayed", c->relayed);
	json_add_counter(object, "", "home_replies", c->home_replies);
	json_add_counter(object, "", "replies", c->replies);
	json_add_counter(object, "", "visitors_expired", c->visitors_expired);
	json_add_counter(object, "", "solicited", c->solicited);
	json_add_counter(object, "", "advertised", c->advertised);
	json_add_counter(object, "", "commits", c->commits);
	json_add_counter(object, "", "store_failures", c->store_failures);
	json_add_counter(object, "", "kernel_failures", c->kernel_failures);
	json_add_counter(object, "", "send_errors", udp_send_errors(a->udp));
	add_codes(object, "home_code_", MIP_HA_UNSPECIFIED,
		  MIP_HA_UNKNOWN_AGENT, c->code);
	add_codes(object, "foreign_code_", MIP_FA_UNSPECIFIED,
		  MIP_FA_COMPRESSION, c->fa_code);
	json_add_counter(object, "drop_home_", "rate", c->ha_rate);
	for (int i = HA_DROP_NONE + 1; i < HA_DROP_MAX; i++) {
		snprintf(name, sizeof(name), "drop_home_%s", ha_drop_name(i));
		json_add_counter(object, "", name, c->ha_drop[i]);
	}
	for (int i = FA_DROP_NONE + 1; i < FA_DROP_MAX; i++) {
		snprintf(name, sizeof(name), "drop_foreign_%s", fa_drop_name(i));
		json_add_counter(object, "", name, c->fa_drop[i]);
	}
	kernel_counters(a, object);
	agent_sync_counters(a, object);
	return object;
}

static json_t *sync_members(void *ctx, const json_t *args,
			    struct control_error *error)
{
	(void)args;
	(void)error;
	return agent_sync_show(ctx);
}

static json_t *sync_order(void *ctx, const json_t *args,
			  struct control_error *error)
{
	const struct roam_addr *only;
	struct roam_addr home;

	if (!read_home(args, &home, &only, error))
		return NULL;
	if (!only) {
		control_refuse(error, "usage", "give a home address",
			       "whose agents are meant is not said");
		return NULL;
	}
	return agent_share_order(ctx, &home);
}

/* SYNC-49: the whole table, or what one home agent registered. */
static json_t *sync_fetch(void *ctx, const json_t *args,
			  struct control_error *error)
{
	const char *text = json_string_value(json_object_get(args, "agent"));
	struct roam_addr agent;

	if (json_object_get(args, "agent") &&
	    (!text || !roam_addr_parse(text, &agent))) {
		control_refuse(error, "usage", "roam sync fetch 192.0.2.1",
			       "'%s' is not the address of a home agent",
			       text ?: "");
		return NULL;
	}
	if (!agent_sync_fetch(ctx, text ? &agent : NULL)) {
		control_refuse(error, "refused", "roam sync show",
			       "there is no other agent with a complete table, or it is being asked already");
		return NULL;
	}
	return json_array();
}

static json_t *sync_state(void *ctx, const json_t *args,
			  struct control_error *error)
{
	(void)args;
	(void)error;
	return agent_sync_status(ctx);
}

const struct control_command show_commands[] = {
	{ "show", show, false, "bindings; args: home" },
	{ "sessions", sessions, false, "addresses of sessions, by NAI and sub-NAI" },
	{ "visitors", visitors, false, "visitors; args: home" },
	{ "pending", pending, false, "pending requests; args: home" },
	{ "nodes", nodes, false, "mobile nodes that are configured" },
	{ "links", links, false, "links on which this agent advertises" },
	{ "end", end_binding, true, "end the bindings of a node; args: home" },
	{ "end-visitor", end_visitor, true, "forget a visitor; args: home" },
	{ "sync", sync_members, false, "other agents with the same tables" },
	{ "sync-order", sync_order, false, "which agents serve a node, first to last" },
	{ "sync-fetch", sync_fetch, true, "ask for the table of others once more; args: agent" },
	{ "sync-status", sync_state, false, "how far the tables are in step" },
	{ "status", status, false, "state of the daemon" },
	{ "counters", counters, false, "counters since the start" },
	{ NULL, NULL, false, NULL },
};
