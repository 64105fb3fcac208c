// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands of the control socket: for people, and for applications with media. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "io/daemon.h"
#include "io/json.h"
#include "sipd/loop.h"
#include "sipd/sipd.h"

/* ---- what there is ---- */

static const char *state_name(const struct call *call)
{
	switch (call->state) {
	case CALL_CALLING: return "calling";
	case CALL_RINGING: return "ringing";
	case CALL_UP: break;
	}
	switch (sip_session_state(call->session)) {
	case SIP_SESSION_QUEUED: return "queued";
	case SIP_SESSION_ASKED: return "asked";
	case SIP_SESSION_BACKOFF: return "backoff";
	default: return call->stuck ? "stuck" : "up";
	}
}

/* RFC 3339, as everywhere in the tool. */
static json_t *json_time(int64_t ms)
{
	time_t seconds = ms / 1000;
	char buf[32];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(buf, sizeof(buf), "%FT%T", &tm);
	return json_sprintf("%s.%03dZ", buf, (int)(ms % 1000));
}

static json_t *or_null(bool known, json_int_t value)
{
	return known ? json_integer(value) : json_null();
}

static void add_moves(struct call *call, json_t *list)
{
	unsigned int n = call->n_moves, i;

	call_measure(call);
	for (i = n > CALL_MOVES_MAX ? n - CALL_MOVES_MAX : 0; i < n; i++) {
		const struct call_move *m = &call->moves[i % CALL_MOVES_MAX];

		json_array_append_new(list, json_pack("{sI so so so so so so so}",
			"session", (json_int_t)call->id,
			"time", json_time(m->when),
			"address", json_addr(&m->to),
			"told_ms", or_null(m->told >= 0, m->told),
			"media_ms", or_null(m->media && m->resumed >= 0,
					    m->resumed / 1000),
			"gap_ms", or_null(m->media, m->gap / 1000),
			"lost", or_null(m->media, m->lost),
			"jitter_ms", or_null(m->media, m->jitter / 1000)));
	}
}

/* The peer chose it, and it may be no text that JSON takes. */
static json_t *call_id(const struct call *call)
{
	json_t *text = call->wide ? json_string(ua_leg_callid(call->wide)) :
				    NULL;

	return text ? text : json_null();
}

json_t *show_call(struct call *call, bool sdp)
{
	const struct rtp_stats *stats =
		call->media ? media_received(call->media) : NULL;
	json_t *o = json_pack("{sI ss ss so ss sb sb so so sI so so so so so}",
		"session", (json_int_t)call->id,
		"account", call->account->uri,
		"peer", call->wide ? ua_leg_peer(call->wide) : "",
		"call_id", call_id(call),
		"state", state_name(call),
		"outgoing", call->outgoing,
		"application", call->app,
		"peer_media", json_addr(&call->peer_media.addr),
		"peer_port", call->peer_media.port ?
			json_integer(call->peer_media.port) : json_null(),
		"moves", (json_int_t)call->n_moves,
		"received", or_null(stats, stats ? stats->packets : 0),
		"lost", or_null(stats, stats && stats->expected > stats->packets ?
				stats->expected - stats->packets : 0),
		"jitter_ms", or_null(stats, stats ?
				     rtp_stats_jitter(stats) / 1000 : 0),
		"strangers", or_null(stats, stats ?
				     media_strangers(call->media) : 0),
		"withheld", or_null(stats, stats ?
				    media_withheld(call->media) : 0));

	/* What the peer said is for programs; it may be no text that JSON takes. */
	if (sdp) {
		json_t *text = call->peer_sdp ?
			json_stringn(call->peer_sdp, call->peer_len) : NULL;

		json_object_set_new(o, "sdp", text ? text : json_null());
	}
	return o;
}

static json_t *show(void *ctx, const json_t *args, struct control_error *error)
{
	struct table_iter iter = { 0 };
	struct sipd *sipd = ctx;
	json_t *list = json_array();
	struct table_node *node;

	(void)args;
	(void)error;
	while ((node = table_next(&sipd->calls, &iter)))
		json_array_append_new(list, show_call(
			container_of(node, struct call, node), false));
	return list;
}

static json_t *quality(void *ctx, const json_t *args,
		       struct control_error *error)
{
	struct table_iter iter = { 0 };
	struct sipd *sipd = ctx;
	json_t *list = json_array();
	struct table_node *node;

	(void)args;
	(void)error;
	while ((node = table_next(&sipd->calls, &iter)))
		add_moves(container_of(node, struct call, node), list);
	return list;
}

static json_t *registrations(void *ctx, const json_t *args,
			     struct control_error *error)
{
	struct sipd *sipd = ctx;
	json_t *list = json_array();

	(void)args;
	(void)error;
	for (size_t i = 0; i < sipd->n_regs; i++) {
		const struct sipd_registration *reg = &sipd->regs[i];
		struct sip_registration_status st;

		sip_registration_status(reg->core, &st);
		json_array_append_new(list, json_pack("{ss ss sb so so si so}",
			"account", reg->account->uri,
			"server", reg->server->uri,
			"registered", st.registered,
			"expires_in", json_until(daemon_now(), st.expires),
			"last_code", st.last_code ?
				json_integer(st.last_code) : json_null(),
			"tries", (int)st.tries,
			"took_ms", st.took < 0 ? json_null() :
						 json_integer(st.took)));
	}
	return list;
}

static json_t *phones(void *ctx, const json_t *args,
		      struct control_error *error)
{
	struct sipd *sipd = ctx;
	json_t *list = json_array();

	(void)args;
	(void)error;
	for (size_t i = 0; i < sipd->config->n_accounts; i++) {
		const struct sipd_phone *phone = &sipd->phones[i];

		if (!*phone->uri || phone->expires <= daemon_now())
			continue;
		json_array_append_new(list, json_pack("{ss ss so}",
			"account", sipd->config->accounts[i].uri,
			"phone", phone->uri,
			"expires_in", json_until(daemon_now(), phone->expires)));
	}
	return list;
}

static json_t *counters(void *ctx, const json_t *args,
			struct control_error *error)
{
	struct sipd *sipd = ctx;
	const struct sip_session_counters *s =
		sip_sessions_counters(sipd->sessions);
	const struct ua_counters *u = ua_counters(sipd->ua);

	(void)args;
	(void)error;
	return json_pack("{sI sI sI sI sI sI sI sI sI sI sI sI sI sI sI sI sI sI sI}",
		"received", (json_int_t)u->received,
		"sent", (json_int_t)u->sent,
		"drop_malformed", (json_int_t)u->malformed,
		"drop_limited", (json_int_t)u->limited,
		"drop_strangers", (json_int_t)u->strangers,
		"moves", (json_int_t)sipd->counters.moves,
		"calls", (json_int_t)sipd->counters.calls,
		"answered", (json_int_t)sipd->counters.answered,
		"lost_calls", (json_int_t)sipd->counters.lost,
		"drop_busy", (json_int_t)sipd->counters.busy,
		"failovers", (json_int_t)sipd->counters.failovers,
		"updates", (json_int_t)s->updates,
		"told", (json_int_t)s->told,
		"refused", (json_int_t)s->refused,
		"glare", (json_int_t)s->glare,
		"unanswered", (json_int_t)s->lost,
		"bypassed", (json_int_t)s->bypassed,
		"sought", (json_int_t)s->sought,
		"stuck", (json_int_t)s->stuck);
}

static json_t *status(void *ctx, const json_t *args,
		      struct control_error *error)
{
	struct sipd *sipd = ctx;
	msec_t now = daemon_now();
	size_t registered = 0;

	(void)args;
	(void)error;
	for (size_t i = 0; i < sipd->n_regs; i++) {
		struct sip_registration_status st;

		sip_registration_status(sipd->regs[i].core, &st);
		registered += st.registered;
	}
	return json_status("roam-sipd", now, sipd->started,
		json_pack("{so so so so so sb sI sI sI sI}",
			  "address", json_addr(&sipd->place.v4),
			  "address6", json_addr(&sipd->place.v6),
			  "old_address", json_addr(&sipd->before.v4),
			  "old_address6", json_addr(&sipd->before.v6),
			  "moved", sipd->moved ?
				json_seconds(now - sipd->moved) : json_null(),
			  "left", sipd->left,
			  "registrations", (json_int_t)sipd->n_regs,
			  "registered", (json_int_t)registered,
			  "sessions", (json_int_t)sipd->calls.count,
			  "untold",
			  (json_int_t)sip_sessions_untold(sipd->sessions)));
}

/* ---- what an application does ---- */

static struct call *find(struct sipd *sipd, const json_t *args,
			 struct control_error *error)
{
	json_int_t id = json_integer_value(json_object_get(args, "session"));
	struct call *call = id > 0 ? call_find(sipd, id) : NULL;

	if (!call)
		control_refuse(error, "missing", "roam sip show lists them",
			       "there is no session %lld", (long long)id);
	return call;
}

static const struct config_account *
find_account(struct sipd *sipd, const json_t *args, struct control_error *error)
{
	const char *uri = json_string_value(json_object_get(args, "account"));

	/* Who has one account need not name it. */
	if (!uri)
		return &sipd->config->accounts[0];
	for (size_t i = 0; i < sipd->config->n_accounts; i++)
		if (!strcmp(sipd->config->accounts[i].uri, uri))
			return &sipd->config->accounts[i];
	control_refuse(error, "missing",
		       "roam sip registrations lists the accounts",
		       "there is no account %s", uri);
	return NULL;
}

/* "sip:bob@example.net": what ends a header does not get into one. */
static bool is_uri(const char *s)
{
	size_t len = s ? strlen(s) : 0;

	if (len < 7 || len >= UA_URI_MAX || strncmp(s, "sip:", 4))
		return false;
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || strchr("<>\"\x7f", *s))
			return false;
	return true;
}

static void refuse_text(struct control_error *error, char *text)
{
	control_refuse(error, "refused", "", "%s", text);
	free(text);
}

static json_t *start(void *ctx, const json_t *args, struct control_error *error)
{
	const char *to = json_string_value(json_object_get(args, "to"));
	const json_t *sdp = json_object_get(args, "sdp");
	const struct config_account *account;
	struct sipd *sipd = ctx;
	struct call *call;
	char *text = NULL;

	account = find_account(sipd, args, error);
	if (!account)
		return NULL;
	if (!is_uri(to) || !json_is_string(sdp)) {
		control_refuse(error, "usage",
			       "{\"to\": \"sip:bob@example.net\", \"sdp\": \"v=0...\"}",
			       "start needs whom to call and a description of the media");
		return NULL;
	}
	call = call_start(sipd, account, to, json_string_value(sdp),
			  json_string_length(sdp), &text);
	if (call)
		return show_call(call, false);
	refuse_text(error, text);
	return NULL;
}

static json_t *accept_call(void *ctx, const json_t *args,
			   struct control_error *error)
{
	struct call *call = find(ctx, args, error);
	const json_t *sdp = json_object_get(args, "sdp");
	char *text = NULL;

	if (!call)
		return NULL;
	if (!json_is_string(sdp)) {
		control_refuse(error, "usage",
			       "{\"session\": 1, \"sdp\": \"v=0...\"}",
			       "accept needs a description of the media");
		return NULL;
	}
	if (call_accept(call, json_string_value(sdp), json_string_length(sdp),
			&text))
		return show_call(call, true);
	refuse_text(error, text);
	return NULL;
}

static json_t *end(void *ctx, const json_t *args, struct control_error *error)
{
	struct call *call = find(ctx, args, error);

	if (!call)
		return NULL;
	call_end(call, call->outgoing ? 487 : 603);
	return json_array();
}

static json_t *update(void *ctx, const json_t *args,
		      struct control_error *error)
{
	struct call *call = find(ctx, args, error);

	if (!call)
		return NULL;
	sip_session_again(call->session, daemon_now());
	sipd_kick(ctx);
	return json_array();
}

static json_t *leave(void *ctx, const json_t *args, struct control_error *error)
{
	struct sipd *sipd = ctx;

	(void)args;
	(void)error;
	if (!sipd->left) {
		sipd->left = true;
		sip_registrations_leave(sipd->registrations, daemon_now());
		sipd_kick(sipd);
	}
	return json_array();
}

static json_t *join(void *ctx, const json_t *args, struct control_error *error)
{
	struct sipd *sipd = ctx;

	(void)args;
	(void)error;
	sipd->left = false;
	sip_registrations_move(sipd->registrations, daemon_now(),
			       place_is_somewhere(sipd));
	sipd_kick(sipd);
	return json_array();
}

const struct control_command show_commands[] = {
	{ "show", show, false, "sessions" },
	{ "registrations", registrations, false, "accounts at each server" },
	{ "phones", phones, false, "phones of this host" },
	{ "quality", quality, false, "what moves did to the media of each session" },
	{ "counters", counters, false, "messages, calls and re-INVITEs" },
	{ "status", status, false, "address, registrations, sessions" },
	{ "start", start, true, "call somebody: account, to, sdp" },
	{ "accept", accept_call, true, "answer a call: session, sdp" },
	{ "end", end, true, "end or refuse a call: session" },
	{ "update", update, true, "tell the peer again where we are: session" },
	{ "leave", leave, true, "end all registrations, until join" },
	{ "join", join, true, "register again after leave" },
	{ NULL, NULL, false, NULL }
};
