// SPDX-License-Identifier: GPL-2.0-or-later
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/daemon.h"
#include "io/json.h"
#include "io/log.h"
#include "mnd/mnd.h"
#include "mnd/session.h"

static const char *const event_names[] = {
	[MN_EVENT_AGENT] = "agent",
	[MN_EVENT_AGENT_LOST] = "agent-lost",
	[MN_EVENT_TRY] = "registering",
	[MN_EVENT_REGISTERED] = "registered",
	[MN_EVENT_DENIED] = "denied",
	[MN_EVENT_SILENT] = "silent",
	[MN_EVENT_LOST] = "lost",
	[MN_EVENT_HOME] = "home",
	[MN_EVENT_RESTARTED] = "agent-restarted",
};

static const char *link_name(uint32_t index, char *buf)
{
	return if_indextoname(index, buf) ? buf : "gone";
}

void show_event(struct mnd *m, const struct mn_event *e)
{
	char coa[ROAM_ADDR_STRLEN], agent[ROAM_ADDR_STRLEN], link[IF_NAMESIZE];
	const char *reason = "";

	roam_addr_format(&e->place.coa, coa);
	roam_addr_format(&e->place.agent, agent);
	link_name(e->place.link, link);
	if (e->type == MN_EVENT_REGISTERED)
		m->counters.registered++;
	if (e->type == MN_EVENT_RESTARTED)
		m->counters.agent_restarts++;
	if (e->type == MN_EVENT_DENIED) {
		m->counters.denied++;
		m->counters.denied_home += mip_code_is_home(e->code);
		m->counters.denied_identification +=
			e->code == MIP_HA_IDENTIFICATION;
		m->last_code = e->code;
		reason = mip_code_name(e->code);
	}
	if (e->type == MN_EVENT_DENIED)
		log_notice("%s %s care_of=%s link=%s code=%u (%s)",
			   event_names[e->type], mn_mode_name(e->place.mode),
			   coa, link, e->code, reason);
	else
		log_notice("%s %s care_of=%s agent=%s link=%s%s%lld%s",
			   event_names[e->type], mn_mode_name(e->place.mode),
			   coa, agent, link, e->took ? " took=" : " (",
			   (long long)e->took, e->took ? "ms" : ")");
	if (!m->control || !control_is_monitored(m->control))
		return;
	control_event(m->control,
		      json_pack("{ss ss so so ss ss}", "event",
				event_names[e->type],
				"mode", mn_mode_name(e->place.mode),
				"care_of", json_addr(&e->place.coa),
				"agent", json_addr(&e->place.agent),
				"link", link, "reason", reason));
}

void show_session_event(struct mnd *m, const struct mns_session *s,
			enum mns_event event)
{
	const char *reason = event == MNS_EVENT_DENIED ? mip_code_name(s->code) :
							"";
	char home[ROAM_ADDR_STRLEN], coa[ROAM_ADDR_STRLEN];

	if (event == MNS_EVENT_RENEWED)
		return;
	roam_addr_format(&s->home, home);
	roam_addr_format(&s->registration.place.coa, coa);
	log_notice("%s %s home=%s care_of=%s%s%s%s", mns_event_name(event),
		   s->name, home, coa, *reason ? " (" : "", reason,
		   *reason ? ")" : "");
	if (!m->control || !control_is_monitored(m->control))
		return;
	control_event(m->control,
		      json_pack("{ss ss so so ss}", "event",
				mns_event_name(event), "session", s->name,
				"home", json_addr(&s->home),
				"care_of",
				json_addr(&s->registration.place.coa),
				"reason", reason));
}

/* Who reads "home" may rely on it: nothing goes to where the node was any more. */
static const char *mode_of(const struct mn_registration *r)
{
	if (!r)
		return mn_mode_name(MN_NOWHERE);
	return r->agreed ? mn_mode_name(r->place.mode) : "returning";
}

static json_t *json_registration(const struct mnd *m,
				 const struct mn_registration *r, msec_t now)
{
	char link[IF_NAMESIZE], flags[9];

	return json_pack("{so ss so so so ss ss sb so so so so so}",
			 "home", json_addr(&m->config->mn.home),
			 "mode", mode_of(r),
			 "care_of", json_addr(&r->place.coa),
			 "agent", json_addr(&r->place.agent),
			 "home_agent", json_addr(&r->home_agent),
			 "link", link_name(r->place.link, link),
			 "flags", mip_flags_format(r->flags, flags),
			 "udp", r->udp,
			 "requested", m->config->mn.lifetime ==
				MIP_LIFETIME_INFINITE ? json_null() :
				json_real(m->config->mn.lifetime),
			 "identification",
			 json_sprintf("%08x.%08x", (unsigned int)(r->id >> 32),
				      (unsigned int)r->id),
			 "lifetime", r->lifetime == MIP_LIFETIME_INFINITE ?
				json_null() : json_real(r->lifetime),
			 "expires_in", json_until(now, r->expires),
			 "renews_in", json_until(now, r->renew));
}

static json_t *show(void *ctx, const json_t *args, struct control_error *error)
{
	const struct mn_registration *r;
	json_t *rows = json_array();
	struct mnd *m = ctx;

	(void)args;
	(void)error;
	r = mn_current(m->mn);
	if (r)
		json_array_append_new(rows,
				      json_registration(m, r, daemon_now()));
	return rows;
}

/**
 * struct listing - agents being listed
 * @rows: gets them
 * @now: the time
 */
struct listing {
	json_t *rows;
	msec_t now;
};

static void add_agent(void *ctx, const struct mn_agent_info *info)
{
	char link[IF_NAMESIZE];
	struct listing *l = ctx;

	json_array_append_new(l->rows,
		json_pack("{so so ss sb sb sb sb so so so sI sI so}",
			  "agent", json_addr(&info->place.agent),
			  "care_of", json_addr(&info->place.coa),
			  "link", link_name(info->place.link, link),
			  "home", !!(info->flags & MIP_ADVERT_HOME),
			  "foreign", !!(info->flags & MIP_ADVERT_FOREIGN),
			  "busy", !!(info->flags & MIP_ADVERT_BUSY),
			  "current", info->current,
			  "lifetime", info->lifetime == MIP_LIFETIME_INFINITE ?
				json_null() : json_real(info->lifetime),
			  "expires_in", json_until(l->now, info->expires),
			  "blocked_for", json_until(l->now, info->blocked),
			  "flags", (json_int_t)info->flags,
			  "sequence", (json_int_t)info->sequence,
			  "advert_lifetime", json_real(info->advert_lifetime)));
}

/**
 * struct session_listing - sessions being listed
 * @m: the daemon
 * @rows: gets them
 * @now: the time
 */
struct session_listing {
	struct mnd *m;
	json_t *rows;
	msec_t now;
};

static json_t *session_mac(const struct session_row *row)
{
	char mac[3 * MN_MAC_LEN];

	if (!row->has_mac)
		return json_null();
	mnd_format_mac(row->mac, mac);
	return json_string(mac);
}

/* Who was ended though the device is there is shown as well. */
static void add_session(void *ctx, const struct session_row *row)
{
	static const struct mns_session none;
	struct session_listing *l = ctx;
	const struct mns_session *s = mns_find(l->m->mns, row->name) ?: &none;
	const struct mn_registration *r = &s->registration;
	bool active = s->state == MNS_ACTIVE;
	char link[IF_NAMESIZE];
	unsigned int behind;

	behind = row->steer.link ? row->steer.link : row->where;
	json_array_append_new(l->rows,
		json_pack("{ss so ss so so so so ss ss so so so so so}",
			  "session", row->name, "home", json_addr(&s->home),
			  "state", s == &none ? "ended" :
				   mns_state_name(s->state),
			  "care_of", active ? json_addr(&r->place.coa) :
					      json_null(),
			  "device", json_addr(&row->steer.device),
			  "mac", session_mac(row),
			  "link", behind ? json_string(link_name(behind, link)) :
					   json_null(),
			  "origin", session_origin_name(row->origin),
			  "host", row->host,
			  "table", json_integer(l->m->config->table +
						(json_int_t)row->steer.slot),
			  "lifetime", !active ||
				r->lifetime == MIP_LIFETIME_INFINITE ?
				json_null() : json_real(r->lifetime),
			  "expires_in", active ? json_until(l->now, r->expires) :
						 json_null(),
			  "took_ms", active ? json_integer(s->took) :
					      json_null(),
			  "denial", s->code ?
				json_string(mip_code_name(s->code)) :
				json_null()));
}

static json_t *sessions(void *ctx, const json_t *args,
			struct control_error *error)
{
	struct session_listing l = { ctx, json_array(), daemon_now() };

	(void)args;
	(void)error;
	session_walk(l.m, add_session, &l);
	return l.rows;
}

static json_t *session_add_command(void *ctx, const json_t *args,
				   struct control_error *error)
{
	const char *name = json_string_value(json_object_get(args, "session"));
	const char *device = json_string_value(json_object_get(args, "device"));
	const char *link = json_string_value(json_object_get(args, "link"));
	struct roam_addr addr = { 0 };
	struct mnd *m = ctx;
	char *text;

	if (!name || (device && (!roam_addr_parse(device, &addr) ||
				 !roam_addr_is_v4(&addr) ||
				 !roam_addr_is_usable(&addr)))) {
		control_refuse(error, "usage", "roam mn session add NAME",
			       "a session has a name, and its device an IPv4 address");
		return NULL;
	}
	text = session_add(m, name, &addr, link ? link : "");
	if (text) {
		control_refuse(error, "refused", "roam mn sessions", "%s", text);
		free(text);
		return NULL;
	}
	return json_array();
}

static json_t *session_end_command(void *ctx, const json_t *args,
				   struct control_error *error)
{
	const char *name = json_string_value(json_object_get(args, "session"));
	struct mnd *m = ctx;

	if (name && session_end(m, name, true))
		return json_array();
	control_refuse(error, "missing", "roam mn sessions",
		       "there is no session of that name");
	return NULL;
}

static json_t *agents(void *ctx, const json_t *args, struct control_error *error)
{
	struct listing l = { json_array(), daemon_now() };
	struct mnd *m = ctx;

	(void)args;
	(void)error;
	mn_agents(m->mn, add_agent, &l);
	return l.rows;
}

static json_t *status(void *ctx, const json_t *args, struct control_error *error)
{
	const struct mn_registration *r;
	struct mnd *m = ctx;

	(void)args;
	(void)error;
	r = mn_current(m->mn);
	return json_status("roam-mnd", daemon_now(), m->started,
		json_pack("{so ss so sb sb ss*}",
			  "home", json_addr(&m->config->mn.home),
			  "mode", mode_of(r),
			  "care_of", r ? json_addr(&r->place.coa) : json_null(),
			  "registered", !!r, "left", m->left,
			  "last_denial", m->last_code ?
				mip_code_name(m->last_code) : NULL));
}

static json_t *counters(void *ctx, const json_t *args,
			struct control_error *error)
{
	json_t *object = json_object();
	struct mnd *m = ctx;
	const struct mnd_counters *c = &m->counters;

	(void)args;
	(void)error;
	json_add_counter(object, "", "received", c->received);
	json_add_counter(object, "", "sent", c->sent);
	json_add_counter(object, "", "deregistrations", c->deregistrations);
	json_add_counter(object, "", "replies", c->replies);
	json_add_counter(object, "", "deregistration_replies",
			 c->deregistration_replies);
	json_add_counter(object, "", "solicited", c->solicited);
	json_add_counter(object, "", "advertisements", c->adverts);
	json_add_counter(object, "", "registered", c->registered);
	json_add_counter(object, "", "denied", c->denied);
	json_add_counter(object, "", "denied_home", c->denied_home);
	json_add_counter(object, "", "denied_identification",
			 c->denied_identification);
	json_add_counter(object, "", "moves", c->moves);
	json_add_counter(object, "", "left_home", c->left_home);
	json_add_counter(object, "", "changed_agent", c->changed_agent);
	json_add_counter(object, "", "came_home", c->came_home);
	json_add_counter(object, "", "agent_restarts", c->agent_restarts);
	json_add_counter(object, "", "announced", c->announced);
	json_add_counter(object, "", "keepalives", c->keepalives);
	json_add_counter(object, "", "sessions_seen", c->sessions_seen);
	json_add_counter(object, "", "sessions_refused", c->sessions_refused);
	json_add_counter(object, "", "send_errors", udp_send_errors(m->udp));
	for (int i = MN_DROP_NONE + 1; i < MN_DROP_MAX; i++)
		json_add_counter(object, "drop_", mn_drop_name(i), c->drop[i]);
	return object;
}

static json_t *leave(void *ctx, const json_t *args, struct control_error *error)
{
	struct mnd *m = ctx;

	(void)args;
	(void)error;
	m->left = true;
	mn_leave(m->mn, daemon_now());
	mnd_kick(m);
	return json_array();
}

static json_t *join(void *ctx, const json_t *args, struct control_error *error)
{
	struct mnd *m = ctx;

	(void)args;
	(void)error;
	m->left = false;
	mn_join(m->mn, daemon_now());
	mnd_kick(m);
	return json_array();
}

static json_t *renew(void *ctx, const json_t *args, struct control_error *error)
{
	struct mnd *m = ctx;

	(void)args;
	(void)error;
	mn_renew(m->mn, daemon_now());
	mnd_kick(m);
	return json_array();
}

const struct control_command show_commands[] = {
	{ "show", show, false, "the registration in force" },
	{ "agents", agents, false, "agents that are heard" },
	{ "sessions", sessions, false, "sessions of programs and devices" },
	{ "session-add", session_add_command, true, "begin a session" },
	{ "session-end", session_end_command, true, "end a session" },
	{ "leave", leave, true, "end all bindings and register no more" },
	{ "join", join, true, "register again after leave" },
	{ "renew", renew, true, "register again at once" },
	{ "status", status, false, "state of the daemon" },
	{ "counters", counters, false, "counters since the start" },
	{ NULL, NULL, false, NULL },
};
