// SPDX-License-Identifier: GPL-2.0-or-later
/* What happened, as log lines for people and events for programs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/daemon.h"
#include "io/json.h"
#include "io/log.h"
#include "sipd/loop.h"
#include "sipd/sipd.h"

static void emit(struct sipd *sipd, json_t *event)
{
	if (sipd->control)
		control_event(sipd->control, event);
	else
		json_decref(event);
	loop_kick();
}

static bool heard(const struct sipd *sipd)
{
	return sipd->control && control_is_monitored(sipd->control);
}

/* Lines about calls come by the thousand after a move of a busy host. */
static bool may_log(struct sipd *sipd)
{
	uint32_t suppressed;
	bool allow = line_limit_allow(&sipd->lines, daemon_now(), &suppressed);

	if (suppressed)
		log_info("%u more lines about calls in one second", suppressed);
	return allow;
}

static const char *text(const struct roam_addr *addr, char *buf)
{
	return roam_addr_is_none(addr) ? "none" : roam_addr_format(addr, buf);
}

void report_move(struct sipd *sipd)
{
	char v4[ROAM_ADDR_STRLEN], v6[ROAM_ADDR_STRLEN];

	log_notice("this host is at %s and %s now", text(&sipd->place.v4, v4),
		   text(&sipd->place.v6, v6));
	if (!heard(sipd))
		return;
	emit(sipd, json_pack("{ss so so so so}", "event", "moved",
			     "address", json_addr(&sipd->place.v4),
			     "address6", json_addr(&sipd->place.v6),
			     "old_address", json_addr(&sipd->before.v4),
			     "old_address6", json_addr(&sipd->before.v6)));
}

void report_registration(struct sipd *sipd, const struct sipd_registration *reg,
			 unsigned int code, msec_t took)
{
	const char *uri = reg->account->uri, *server = reg->server->uri;
	bool ok = code >= 200 && code < 300;

	if (ok)
		log_info("%s is registered at %s, after %lld ms", uri, server,
			 (long long)took);
	else if (!code)
		log_warning("%s does not answer the registration of %s; it is asked again, calls go by the others",
			    server, uri);
	else if (code == 401 || code == 403 || code == 407)
		log_warning("%s refuses %s with %u: user, secret or realm of the account in sipd.conf are not what it expects",
			    server, uri, code);
	else
		log_warning("%s refuses the registration of %s with %u", server,
			    uri, code);
	if (!heard(sipd))
		return;
	emit(sipd, json_pack("{ss ss ss si sI}", "event",
			     ok ? "registered" : code ? "refused" : "unanswered",
			     "account", uri, "server", server,
			     "code", (int)code, "took_ms", (json_int_t)took));
}

void report_call(struct call *call, const char *what, const char *why)
{
	const char *peer = call->wide ? ua_leg_peer(call->wide) : "its peer";
	struct sipd *sipd = call->sipd;
	json_t *event;

	if (may_log(sipd))
		log_info("call %llu of %s with %s: %s%s%s",
			 (unsigned long long)call->id, call->account->uri, peer,
			 what, why ? ", " : "", why ? why : "");
	if (!heard(sipd))
		return;
	event = show_call(call, true);
	json_object_set_new(event, "event", json_string(what));
	json_object_set_new(event, "reason",
			    why ? json_string(why) : json_null());
	emit(sipd, event);
}

static const char *session_word(enum sip_session_event_type type)
{
	switch (type) {
	case SIP_SESSION_TOLD: return "told";
	case SIP_SESSION_REFUSED: return "refused";
	case SIP_SESSION_LATER: return "later";
	case SIP_SESSION_SOUGHT: return "sought";
	case SIP_SESSION_STUCK: return "stuck";
	}
	return "unknown";
}

static void log_session(const struct call *call,
			const struct sip_session_event *event)
{
	unsigned long long id = call->id;

	switch (event->type) {
	case SIP_SESSION_TOLD:
		log_info("call %llu goes on at the new address, its peer agreed after %lld ms",
			 id, (long long)event->took);
		break;
	case SIP_SESSION_REFUSED:
		log_warning("call %llu: the peer refuses the new address with %u%s; the call is kept as it was, without media until this host moves back or on%s",
			    id, event->code, event->code == 488 ?
			    " (it may lack this address family)" : "",
			    event->took ? ", and it is asked again" : "");
		break;
	case SIP_SESSION_LATER:
		log_info("call %llu: told again in %lld ms (%u)", id,
			 (long long)event->took, event->code);
		break;
	case SIP_SESSION_SOUGHT:
		log_info("call %llu: the peer does not answer; its server is asked where it is",
			 id);
		break;
	case SIP_SESSION_STUCK:
		log_warning("call %llu: the peer agreed to the new address and sends nothing to it; what it says is lost",
			    id);
		break;
	}
}

void report_session(struct call *call, const struct sip_session_event *event)
{
	struct sipd *sipd = call->sipd;

	if (may_log(sipd))
		log_session(call, event);
	if (!heard(sipd))
		return;
	emit(sipd, json_pack("{ss sI si si sI}",
			     "event", session_word(event->type),
			     "session", (json_int_t)call->id,
			     "code", (int)event->code,
			     "tries", (int)event->tries,
			     "took_ms", (json_int_t)event->took));
}
