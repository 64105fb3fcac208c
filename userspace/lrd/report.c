// SPDX-License-Identifier: GPL-2.0-or-later
/* What the cores did, as log lines for people and events for programs. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "io/daemon.h"
#include "io/json.h"
#include "io/log.h"
#include "lrd/lrd.h"

static const char *text(const struct roam_addr *addr, char *buf)
{
	return roam_addr_is_none(addr) ? "none" : roam_addr_format(addr, buf);
}

static void emit(struct lrd *lrd, json_t *event)
{
	if (lrd->control)
		control_event(lrd->control, event);
	else
		json_decref(event);
}

static const char *mobile_event_name(enum mobile_event_type type)
{
	switch (type) {
	case MOBILE_MOVED: return "moved";
	case MOBILE_REGISTERED: return "registered";
	case MOBILE_REFUSED: return "refused";
	case MOBILE_UNANSWERED: return "unanswered";
	case MOBILE_PEER_CONFIRMED: return "peer-confirmed";
	case MOBILE_PEER_PLAIN: return "peer-plain";
	case MOBILE_LITERAL_OK: return "literal";
	case MOBILE_LITERAL_LOST: return "symmetric";
	case MOBILE_CONTESTED: return "contested";
	case MOBILE_TRANSLATED: return "translated";
	}
	return "unknown";
}

static void log_mobile(const struct mobile_event *e)
{
	char perm[ROAM_ADDR_STRLEN], coa[ROAM_ADDR_STRLEN];
	char old[ROAM_ADDR_STRLEN], host[ROAM_ADDR_STRLEN];
	char seen[ROAM_ADDR_STRLEN];

	roam_addr_format(&e->perm, perm);
	roam_addr_format(&e->host, host);
	switch (e->type) {
	case MOBILE_MOVED:
		log_notice("mn=%s handoff %s->%s", perm,
			   text(&e->old_coa, old), text(&e->coa, coa));
		break;
	case MOBILE_REGISTERED:
		log_info("mn=%s registered coa=%s register=%s took=%lldms tries=%u",
			 perm, text(&e->coa, coa), host, (long long)e->took,
			 e->tries);
		break;
	case MOBILE_REFUSED:
		log_warning("mn=%s register=%s refused coa=%s reason=%s%s; it is asked again",
			    perm, host, text(&e->coa, coa),
			    lr_status_name(e->status),
			    e->status == LR_UNPROVED ?
			    ": its challenge does not arrive here; can it send to this address?" :
			    e->status == LR_UNFIT ?
			    ": that address is for nobody from outside there, see 'internal', 'permanent' and 'care_of' of the register" : "");
		break;
	case MOBILE_CONTESTED:
		log_warning("mn=%s register=%s has it at %s again, by the key of this host: another host uses both, a clone perhaps; give it a key and an address of its own",
			    perm, host, text(&e->other, old));
		break;
	case MOBILE_UNANSWERED:
		log_warning("mn=%s host=%s does not answer tries=%u; a register is asked on, and new correspondents may not find this host",
			    perm, host, e->tries);
		break;
	case MOBILE_PEER_CONFIRMED:
		log_info("mn=%s correspondent=%s confirmed coa=%s took=%lldms",
			 perm, host, text(&e->coa, coa), (long long)e->took);
		break;
	case MOBILE_PEER_PLAIN:
		log_info("mn=%s correspondent=%s is plain: its connections end with coa=%s",
			 perm, host, text(&e->coa, coa));
		break;
	case MOBILE_LITERAL_OK:
		log_notice("mn=%s packets with this source reach %s from here: literal mode",
			   perm, host);
		break;
	case MOBILE_LITERAL_LOST:
		log_notice("mn=%s packets with this source do not reach %s from here: symmetric mode",
			   perm, host);
		break;
	case MOBILE_TRANSLATED:
		log_warning("mn=%s coa=%s is behind a translator (NAT): register=%s saw %s; connections pass unchanged from here and do not survive a move",
			    perm, text(&e->coa, coa), host,
			    text(&e->seen, seen));
		break;
	}
}

void report_mobile(struct lrd *lrd, const struct mobile_event *e)
{
	log_mobile(e);
	emit(lrd, json_pack("{ss so so so so so ss si sI}",
			    "event", mobile_event_name(e->type),
			    "permanent", json_addr(&e->perm),
			    "care_of", json_addr(&e->coa),
			    "old_care_of", json_addr(&e->old_coa),
			    "host", json_addr(&e->host),
			    "seen", json_addr(&e->seen),
			    "status", lr_status_name(e->status),
			    "tries", (int)e->tries,
			    "took_ms", (json_int_t)e->took));
}

static const char *corr_event_name(enum corr_event_type type)
{
	switch (type) {
	case CORR_MAPPED: return "mapped";
	case CORR_NULL: return "not-mobile";
	case CORR_REFUSED: return "refused";
	case CORR_NO_REGISTER: return "no-register";
	case CORR_UNPROVED: return "unproved";
	case CORR_CONFLICT: return "conflict";
	case CORR_UNFIT: return "unfit";
	}
	return "unknown";
}

static void log_corr(const struct corr_event *e)
{
	char perm[ROAM_ADDR_STRLEN], coa[ROAM_ADDR_STRLEN];
	char old[ROAM_ADDR_STRLEN], host[ROAM_ADDR_STRLEN];

	roam_addr_format(&e->perm, perm);
	roam_addr_format(&e->host, host);
	switch (e->type) {
	case CORR_MAPPED:
		log_notice("mn=%s is at %s (was %s) by=%s took=%lldms", perm,
			   text(&e->coa, coa), text(&e->old_coa, old), host,
			   (long long)e->took);
		break;
	case CORR_NULL:
		log_info("%s is no mobile host by=%s", perm, host);
		break;
	case CORR_REFUSED:
		log_warning("mn=%s register=%s refused the query reason=%s; see 'query' of this host in its configuration",
			    perm, host, lr_status_name(e->status));
		break;
	case CORR_NO_REGISTER:
		if (roam_addr_is_none(&e->coa))
			log_warning("mn=%s no register answers; packets to it pass unchanged",
				    perm);
		else
			log_warning("mn=%s no register answers; it stays at %s",
				    perm, text(&e->coa, coa));
		break;
	case CORR_UNPROVED:
		log_warning("mn=%s announce of coa=%s by=%s is not what the register knows; nothing changed",
			    perm, text(&e->coa, coa), host);
		break;
	case CORR_CONFLICT:
		log_warning("mn=%s is not mapped to coa=%s: another permanent address is there, or the module refused",
			    perm, text(&e->coa, coa));
		break;
	case CORR_UNFIT:
		log_warning("mn=%s is not mapped to coa=%s by=%s, which is %s: packets to it pass unchanged",
			    perm, text(&e->coa, coa), host, e->why);
		break;
	}
}

/*
 * Anybody may announce, so anybody could write our log: what he causes is
 * limited by his address, and all of it in each second (SEC-09). Events are
 * complete.
 */
static bool may_log(struct lrd *lrd, const struct corr_event *e)
{
	uint32_t suppressed = 0;

	if (e->type == CORR_MAPPED || e->type == CORR_NULL)
		return line_limit_allow(&lrd->lines, daemon_now(), &suppressed);
	if (!channel_may_log(lrd->channel, &e->host, &suppressed))
		return false;
	if (suppressed)
		log_notice("%u more lines like the next one, not logged; roam monitor lr shows all",
			   suppressed);
	return true;
}

void report_corr(struct lrd *lrd, const struct corr_event *e)
{
	if (may_log(lrd, e))
		log_corr(e);
	emit(lrd, json_pack("{ss so so so so ss sI}",
			    "event", corr_event_name(e->type),
			    "permanent", json_addr(&e->perm),
			    "care_of", json_addr(&e->coa),
			    "old_care_of", json_addr(&e->old_coa),
			    "host", json_addr(&e->host),
			    "status", lr_status_name(e->status),
			    "took_ms", (json_int_t)e->took));
}
