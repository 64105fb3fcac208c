// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls. One with a phone of this host has two dialogs: the phone talks to us on the
 * local side, we talk to its peer on the wide one, and each gets the other's
 * description with the address and ports of our side put in. So a move changes what
 * the peer was told and nothing of what the phone knows. An application that uses the
 * control socket has its media itself; there is no local dialog then.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/daemon.h"
#include "io/log.h"
#include "sipd/sipd.h"

/* A description may grow by the length of addresses. */
#define TEXT_MAX (ROAM_SDP_MAX + 1024)

/* ---- descriptions ---- */

static bool keep(char **to, size_t *to_len, const char *sdp, size_t len)
{
	char *copy = malloc(len ? len : 1);

	if (!copy)
		return false;
	memcpy(copy, sdp, len);
	free(*to);
	*to = copy;
	*to_len = len;
	return true;
}

/* Understands and keeps it. NULL, or what is wrong with it. */
static const char *take_own(struct call *call, const char *sdp, size_t len,
			    struct roam_sdp *parsed)
{
	const char *error = roam_sdp_read(sdp, len, parsed);

	if (error)
		return error;
	if (call->media && parsed->n_media > media_streams(call->media))
		return "it has more streams than there were";
	if (!keep(&call->own_sdp, &call->own_len, sdp, len))
		return "out of memory";
	if (call->media)
		media_set_phone(call->media, parsed);
	return NULL;
}

static const char *take_peer(struct call *call, const char *sdp, size_t len)
{
	struct roam_sdp parsed;
	const char *error = roam_sdp_read(sdp, len, &parsed);

	if (error)
		return error;
	if (call->media && !media_set_peer(call->media, &parsed))
		return "its address is none that media may be sent to";
	if (!keep(&call->peer_sdp, &call->peer_len, sdp, len))
		return "out of memory";
	if (parsed.n_media)
		call->peer_media = parsed.media[0];
	return NULL;
}

/* Of the family that the peer has, or that we have. */
static struct roam_addr wide_addr(const struct call *call)
{
	const struct roam_place *place = &call->sipd->place;
	struct roam_addr like = call->peer_media.addr;
	bool v4 = true;

	if (roam_addr_is_none(&like) && call->wide)
		like = ua_leg_source(call->wide);
	if (!roam_addr_is_none(&like))
		v4 = roam_addr_is_v4(&like);
	if (v4)
		return roam_addr_is_none(&place->v4) ? place->v6 : place->v4;
	return roam_addr_is_none(&place->v6) ? place->v4 : place->v6;
}

static size_t for_peer(struct call *call, char *text)
{
	struct roam_sdp_place place = {
		.session = call->number, .version = call->version,
		.addr = wide_addr(call),
	};

	if (call->media) {
		media_wide_ports(call->media, place.ports);
	} else {
		struct roam_sdp own;

		roam_sdp_read(call->own_sdp, call->own_len, &own);
		for (size_t i = 0; i < own.n_media; i++)
			place.ports[i] = own.media[i].port;
	}
	return roam_sdp_move(call->own_sdp, call->own_len, &place, text,
			     TEXT_MAX);
}

static size_t for_phone(struct call *call, const char *sdp, size_t len,
			char *text)
{
	struct roam_sdp_place place = {
		.session = call->number, .version = call->local_version,
		.addr = call->sipd->config->local,
	};

	media_local_ports(call->media, place.ports);
	return roam_sdp_move(sdp, len, &place, text, TEXT_MAX);
}

/* Whether the phone would see a difference between two descriptions of the peer. */
static bool phone_would_notice(struct call *call, const char *sdp, size_t len)
{
	static char before[TEXT_MAX], after[TEXT_MAX];
	size_t a, b;

	if (!call->peer_sdp)
		return true;
	a = for_phone(call, call->peer_sdp, call->peer_len, before);
	b = for_phone(call, sdp, len, after);
	return a != b || memcmp(before, after, a);
}

/* ---- begin and end ---- */

/* All wait equally long, so the list is in the order of their ends. */
static void wait_for_answer(struct call *call)
{
	struct sipd *sipd = call->sipd;

	call->waits_at = sipd->waiting ? sipd->waiting_end : &sipd->waiting;
	*call->waits_at = call;
	sipd->waiting_end = &call->next_waiting;
	if (sipd->waiting == call)
		sipd_kick(sipd);
}

static struct call *call_new(struct sipd *sipd,
			     const struct config_account *account,
			     bool outgoing)
{
	struct call *call;

	if (sipd->calls.count >= sipd->config->sessions_max)
		return NULL;
	call = calloc(1, sizeof(*call));
	if (!call)
		return NULL;
	call->session = sip_session_new(sipd->sessions, outgoing, call);
	call->id = ++sipd->next_id;
	if (!call->session || !table_insert(&sipd->calls, &call->node)) {
		sip_session_free(call->session);
		free(call);
		return NULL;
	}
	call->sipd = sipd;
	call->account = account;
	call->outgoing = outgoing;
	call->state = outgoing ? CALL_CALLING : CALL_RINGING;
	if (!outgoing)
		sipd->phones[account - sipd->config->accounts].ringing++;
	call->epoch = sip_sessions_epoch(sipd->sessions);
	/* Below 2^63: some take it for a signed number. */
	call->number = daemon_random() >> 2;
	call->version = call->local_version = 1;
	call->began = daemon_now();
	wait_for_answer(call);
	sipd->counters.calls++;
	return call;
}

/* What waited for an answer waits no more. */
static void rang(struct call *call)
{
	if (call->state == CALL_UP)
		return;
	*call->waits_at = call->next_waiting;
	if (call->next_waiting)
		call->next_waiting->waits_at = call->waits_at;
	else
		call->sipd->waiting_end = call->waits_at;
	if (call->state == CALL_RINGING)
		call->sipd->phones[call->account -
				   call->sipd->config->accounts].ringing--;
}

/* The legs are gone already, or somebody else's. */
static void call_free(struct call *call)
{
	rang(call);
	table_remove(&call->sipd->calls, &call->node);
	sip_session_free(call->session);
	media_close(call->media);
	free(call->callee);
	free(call->own_sdp);
	free(call->peer_sdp);
	free(call);
}

static void end_spare(struct call *call)
{
	if (call->spare)
		ua_leg_end(call->spare, 487);
	call->spare = NULL;
}

/* Ends what is left of it. @code: for a dialog that was not answered. */
static void finish(struct call *call, unsigned int code, const char *why)
{
	call_measure(call);
	report_call(call, "ended", why);
	end_spare(call);
	if (call->wide)
		ua_leg_end(call->wide, code);
	if (call->local)
		ua_leg_end(call->local, code);
	call_free(call);
}

void call_end(struct call *call, unsigned int code)
{
	finish(call, code, "ended here");
}

static void call_up(struct call *call)
{
	msec_t now = daemon_now();

	rang(call);
	call->state = CALL_UP;
	call->up = now;
	call->sipd->counters.answered++;
	report_call(call, "up", NULL);
	sip_session_established(call->session, now, call->epoch);
	sipd_kick(call->sipd);
}

struct call *call_find(struct sipd *sipd, uint64_t id)
{
	struct table_node *node = table_find(&sipd->calls, &id);

	return node ? container_of(node, struct call, node) : NULL;
}

void call_end_all(struct sipd *sipd)
{
	struct table_iter iter = { 0 };
	struct table_node *node;

	while ((node = table_next(&sipd->calls, &iter)))
		finish(container_of(node, struct call, node), 480,
		       "roam-sipd ends");
}

/* A caller may be gone without a word, and a callee never come (RFC 3261 16.8). */
msec_t call_tick(struct sipd *sipd, msec_t now)
{
	struct call *call;

	while ((call = sipd->waiting)) {
		msec_t end = call->began + sipd->config->ring_wait;

		if (end > now)
			return end;
		finish(call, call->outgoing ? 408 : 480, "nobody answered");
	}
	return MSEC_NEVER;
}

/* ---- servers and phones ---- */

/*
 * How likely a server is to answer: it did since the last move, or before. Right after
 * a move no server has answered yet, and that is when calls are made, too.
 */
static int rank(const struct sipd_registration *reg)
{
	struct sip_registration_status status;

	sip_registration_status(reg->core, &status);
	if (status.doubted)
		return 1;
	if (status.registered)
		return 3;
	return status.expires == MSEC_NEVER || status.expires <= daemon_now() ?
	       1 : 2;
}

/* A server that was not @tried, one that answers first; NULL: none is left. */
static struct sipd_registration *
next_route(struct sipd *sipd, const struct config_account *account,
	   uint32_t *tried)
{
	struct sipd_registration *best = NULL;
	uint32_t bit, best_bit = 0;
	int best_rank = 0;

	for (size_t i = 0; i < sipd->n_regs; i++) {
		struct sipd_registration *reg = &sipd->regs[i];

		bit = UINT32_C(1) << (reg->server - sipd->config->servers);
		if (reg->account != account || (*tried & bit) ||
		    rank(reg) <= best_rank)
			continue;
		best = reg;
		best_rank = rank(reg);
		best_bit = bit;
	}
	*tried |= best_bit;
	return best;
}

static struct sipd_phone *phone_of(struct sipd *sipd,
				   const struct config_account *account)
{
	struct sipd_phone *phone =
		&sipd->phones[account - sipd->config->accounts];

	return *phone->uri && phone->expires > daemon_now() ? phone : NULL;
}

static bool on_phone(void *ctx, const struct config_account *account,
		     const char *uri, unsigned int expires)
{
	struct sipd *sipd = ctx;
	struct sipd_phone *phone =
		&sipd->phones[account - sipd->config->accounts];

	if (!uri || (!expires && !strcmp(phone->uri, uri))) {
		*phone->uri = 0;
		return true;
	}
	if (!expires)
		return true;
	if (strcmp(phone->uri, uri))
		log_info("phone %s rings for %s", uri, account->uri);
	snprintf(phone->uri, sizeof(phone->uri), "%s", uri);
	phone->expires = daemon_now() + (msec_t)expires * 1000;
	return true;
}

static void on_registered(void *ctx, void *user, unsigned int code,
			  unsigned int expires)
{
	struct sipd_registration *reg = user;
	struct sipd *sipd = ctx;

	if (code)
		server_answers(reg->target);
	sip_registration_answered(reg->core, daemon_now(), code, expires);
	sipd_kick(sipd);
}

/* ---- a call begins ---- */

/* A phone calls: the user part is what counts where it names our own address. */
static void called_uri(const struct call *call, const char *uri, char *to)
{
	const char *at = strchr(uri, '@');
	char local[ROAM_ADDR_STRLEN];
	size_t len;

	roam_addr_format(&call->sipd->config->local, local);
	len = strlen(local);
	if (at && !strncmp(at + 1 + (at[1] == '['), local, len))
		snprintf(to, UA_URI_MAX, "%.*s@%s", (int)(at - uri), uri,
			 call->account->domain);
	else
		snprintf(to, UA_URI_MAX, "%s", uri);
}

/* By the next server. False: none is left, or it cannot even be sent. */
static bool call_again(struct call *call)
{
	struct sipd *sipd = call->sipd;
	char text[TEXT_MAX];
	struct ua_target target = {
		.side = UA_WIDE, .account = call->account,
		.uri = call->callee, .to = call->callee,
		.from = call->account->uri, .name = call->account->name,
		.wait = sipd->config->server_wait,
	};
	size_t len = call->own_sdp ? for_peer(call, text) : 0;
	struct sipd_registration *reg =
		next_route(sipd, call->account, &call->tried);

	if (!reg)
		return false;
	call->reg = reg;
	target.route = server_route(reg->target);
	call->silent = false;
	call->epoch = sip_sessions_epoch(sipd->sessions);
	call->wide = ua_call(sipd->ua, &target, text, len, call);
	return call->wide;
}

static bool call_peer(struct call *call, const char *to)
{
	call->callee = strdup(to);
	return call->callee && call_again(call);
}

/* Ports for as many streams as the offer has. False: *code says why. */
static bool open_media(struct call *call, const struct roam_sdp *sdp,
		       unsigned int *code)
{
	char *error = NULL;

	call->media = media_open(call->sipd->config, sdp->n_media, &error);
	if (call->media)
		return true;
	log_warning("%s", error);
	free(error);
	*code = 503;
	return false;
}

static unsigned int phone_calls(struct call *call,
				const struct ua_invite *invite)
{
	struct roam_sdp sdp;
	char to[UA_URI_MAX];
	unsigned int code;

	/* An offer in the answer: rare among phones, and not relayed. */
	if (!invite->sdp || roam_sdp_read(invite->sdp, invite->len, &sdp))
		return 488;
	if (!open_media(call, &sdp, &code))
		return code;
	if (take_own(call, invite->sdp, invite->len, &sdp))
		return 488;
	called_uri(call, invite->to, to);
	return call_peer(call, to) ? 0 : 503;
}

static unsigned int ring_phone(struct call *call,
			       const struct ua_invite *invite,
			       const struct sipd_phone *phone)
{
	struct ua_target target = {
		.side = UA_LOCAL, .account = call->account, .uri = phone->uri,
		.to = call->account->uri, .from = invite->from, .name = "",
	};
	struct roam_sdp sdp;
	char text[TEXT_MAX];
	unsigned int code;
	size_t len;

	if (!invite->sdp || roam_sdp_read(invite->sdp, invite->len, &sdp))
		return 488;
	if (!open_media(call, &sdp, &code))
		return code;
	if (take_peer(call, invite->sdp, invite->len))
		return 488;
	len = for_phone(call, call->peer_sdp, call->peer_len, text);
	call->local = ua_call(call->sipd->ua, &target, text, len, call);
	return call->local ? 0 : 480;
}

/* Somebody who listens to events may answer it. */
static unsigned int ring_app(struct call *call, const struct ua_invite *invite)
{
	if (!control_is_monitored(call->sipd->control))
		return 480;
	if (invite->sdp && take_peer(call, invite->sdp, invite->len))
		return 488;
	call->app = true;
	ua_leg_progress(call->wide, 180, NULL, 0);
	return 0;
}

static unsigned int on_invited(void *ctx, struct ua_leg *leg,
			       const struct ua_invite *invite)
{
	bool outgoing = invite->side == UA_LOCAL;
	struct sipd *sipd = ctx;
	const struct sipd_phone *phone;
	struct call *call;
	unsigned int code;

	if (!sipd->control)
		return 503;
	/* By a server anybody may call as often as he likes. */
	if (!outgoing && sipd->phones[invite->account - sipd->config->accounts]
				.ringing >= RINGING_MAX) {
		sipd->counters.busy++;
		return 486;
	}
	call = call_new(sipd, invite->account, outgoing);
	if (!call)
		return 503;
	if (outgoing) {
		call->local = leg;
		code = phone_calls(call, invite);
	} else {
		call->wide = leg;
		phone = phone_of(sipd, invite->account);
		code = phone ? ring_phone(call, invite, phone) :
			       ring_app(call, invite);
	}
	if (!code) {
		ua_leg_set_user(leg, call);
		report_call(call, outgoing ? "calling" : "incoming", NULL);
		return 0;
	}
	/* The caller ends this leg. */
	if (outgoing)
		call->local = NULL;
	else
		call->wide = NULL;
	call_free(call);
	return code;
}

struct call *call_start(struct sipd *sipd, const struct config_account *account,
			const char *to, const char *sdp, size_t len,
			char **error)
{
	struct call *call = call_new(sipd, account, true);
	struct roam_sdp parsed;
	const char *wrong;

	if (!call) {
		*error = daemon_error("there are %zu sessions already; raise sessions_max in sipd.conf",
				      sipd->calls.count);
		return NULL;
	}
	call->app = true;
	wrong = take_own(call, sdp, len, &parsed);
	if (wrong)
		*error = daemon_error("the description cannot be used: %s",
				      wrong);
	else if (!call_peer(call, to))
		*error = daemon_error("cannot send to %s; roam sip registrations shows the servers",
				      to);
	else
		return call;
	call_free(call);
	return NULL;
}

/* ---- a call is answered ---- */

static void give_up(struct call *call, unsigned int code, const char *why)
{
	log_warning("call %llu: %s", (unsigned long long)call->id, why);
	finish(call, code, why);
}

static void peer_answered(struct call *call, const char *sdp, size_t len)
{
	const char *wrong = sdp ? take_peer(call, sdp, len) :
				  "it has no description";
	char text[TEXT_MAX];

	if (wrong) {
		give_up(call, 488, wrong);
		return;
	}
	if (call->local) {
		len = for_phone(call, call->peer_sdp, call->peer_len, text);
		if (!ua_leg_accept(call->local, text, len)) {
			give_up(call, 500, "the phone waits no more");
			return;
		}
	}
	call_up(call);
}

/* False: the peer cannot be told. */
static bool answer_caller(struct call *call)
{
	char text[TEXT_MAX];
	size_t len = for_peer(call, text);

	call->held = false;
	call->epoch = sip_sessions_epoch(call->sipd->sessions);
	if (!ua_leg_accept(call->wide, text, len))
		return false;
	call_up(call);
	return true;
}

static bool is_nowhere(const struct call *call)
{
	struct roam_addr addr = wide_addr(call);

	return roam_addr_is_none(&addr);
}

static void phone_answered(struct call *call, const char *sdp, size_t len)
{
	const char *wrong = "it has no description";
	struct roam_sdp parsed;

	if (sdp)
		wrong = take_own(call, sdp, len, &parsed);
	if (wrong) {
		give_up(call, 488, wrong);
		return;
	}
	call->held = is_nowhere(call);
	if (!call->held && !answer_caller(call))
		give_up(call, 500, "the peer cannot be answered");
}

void call_answer_held(struct sipd *sipd)
{
	struct call *call, *next;

	for (call = sipd->waiting; call; call = next) {
		next = call->next_waiting;
		if (call->held && !is_nowhere(call) && !answer_caller(call))
			give_up(call, 500, "the peer cannot be answered");
	}
}

static void on_answered(void *ctx, void *user, enum ua_side side,
			const char *sdp, size_t len)
{
	(void)ctx;
	if (side == UA_WIDE)
		peer_answered(user, sdp, len);
	else
		phone_answered(user, sdp, len);
}

bool call_accept(struct call *call, const char *sdp, size_t len, char **error)
{
	struct roam_sdp parsed;
	const char *wrong;

	if (!call->app || call->state != CALL_RINGING) {
		*error = daemon_error("session %llu does not wait for an answer",
				      (unsigned long long)call->id);
		return false;
	}
	if (is_nowhere(call)) {
		*error = daemon_error("this host has no address to answer session %llu from; answer when roam sip status shows one",
				      (unsigned long long)call->id);
		return false;
	}
	wrong = take_own(call, sdp, len, &parsed);
	if (wrong) {
		*error = daemon_error("the description cannot be used: %s",
				      wrong);
		return false;
	}
	if (answer_caller(call))
		return true;
	*error = daemon_error("the peer of session %llu cannot be answered; end it",
			      (unsigned long long)call->id);
	return false;
}

static void on_progress(void *ctx, void *user, enum ua_side side,
			unsigned int code, const char *sdp, size_t len)
{
	struct call *call = user;
	char text[TEXT_MAX];

	(void)ctx;
	if (side == UA_WIDE && call->local) {
		if (sdp && !take_peer(call, sdp, len))
			len = for_phone(call, call->peer_sdp, call->peer_len,
					text);
		else
			len = 0;
		ua_leg_progress(call->local, code, text, len);
	} else if (side == UA_LOCAL) {
		ua_leg_progress(call->wide, code == 183 ? 180 : code, NULL, 0);
	}
	if (code == 180)
		report_call(call, "ringing", NULL);
}

/* Another server may know the callee: one that just started knows nobody (SIP-07). */
static bool is_servers_fault(unsigned int code)
{
	return !code || code == 404 || code == 408 || code == 480 ||
	       (code >= 500 && code < 600);
}

/* The call is that of the first server again, with what the peer was told by it. */
static void take_spare(struct call *call)
{
	call->wide = call->spare;
	call->reg = call->spare_reg;
	call->epoch = call->spare_epoch;
	call->spare = NULL;
}

/* The silent server is the last hope. False: there is none. */
static bool use_spare(struct call *call)
{
	if (!call->spare)
		return false;
	take_spare(call);
	call->silent = true;
	ua_leg_set_spare(call->wide, false);
	return true;
}

/*
 * A server that says nothing is asked by REGISTER whether it is there, and the call goes
 * by the next one meanwhile (SIP-07). Whichever speaks first has the call.
 */
static void go_by_another(struct call *call)
{
	call->sipd->counters.failovers++;
	log_warning("server %s does not answer; call %llu goes by another one",
		    call->reg->server->uri, (unsigned long long)call->id);
	end_spare(call);
	call->spare = call->wide;
	call->spare_reg = call->reg;
	call->spare_epoch = call->epoch;
	ua_leg_set_spare(call->spare, true);
	if (!call_again(call))
		use_spare(call);
}

static void on_silent(void *ctx, void *user)
{
	struct call *call = user;
	uint32_t tried = call->tried;

	call->silent = true;
	sip_registration_doubt(call->reg->core, daemon_now());
	sipd_kick(ctx);
	if (next_route(ctx, call->account, &tried))
		go_by_another(call);
	else
		server_silent(call->reg->target);
}

void call_server_changed(struct sipd *sipd, const struct sipd_server *server)
{
	uint32_t bit = UINT32_C(1) << (server->config - sipd->config->servers);
	struct table_iter iter = { 0 };
	struct table_node *node;

	while ((node = table_next(&sipd->calls, &iter))) {
		struct call *call = container_of(node, struct call, node);

		if (call->state != CALL_CALLING || !call->silent ||
		    call->reg->target != server)
			continue;
		call->tried &= ~bit;
		go_by_another(call);
	}
}

static void on_unanswered(void *ctx, void *user)
{
	struct sipd_registration *reg = user;

	(void)ctx;
	server_silent(reg->target);
}

/* The next server speaks first: the silent one shall not deliver the call any more. */
static void on_heard(void *ctx, void *user)
{
	(void)ctx;
	end_spare(user);
}

/* The silent one was slow and speaks first after all: the callee shall be called once. */
static void on_spare(void *ctx, void *user, bool heard)
{
	struct call *call = user;

	(void)ctx;
	if (heard) {
		ua_leg_end(call->wide, 487);
		take_spare(call);
	}
	call->spare = NULL;
}

static void on_failed(void *ctx, void *user, enum ua_side side,
		      unsigned int code, const char *reason)
{
	struct call *call = user;
	char why[96];

	(void)ctx;
	if (side == UA_WIDE)
		call->wide = NULL;
	else
		call->local = NULL;
	if (side == UA_WIDE && call->outgoing && is_servers_fault(code) &&
	    (call_again(call) || use_spare(call)))
		return;
	if (code)
		snprintf(why, sizeof(why), "%u %s", code, reason);
	else
		snprintf(why, sizeof(why), "no answer");
	finish(call, code >= 400 ? code : code ? 480 : 408, why);
}

static void on_ended(void *ctx, void *user, enum ua_side side, enum ua_end why)
{
	struct call *call = user;

	(void)ctx;
	if (side == UA_WIDE)
		call->wide = NULL;
	else
		call->local = NULL;
	finish(call, 487, why == UA_END_TIMEOUT ? "no acknowledgement" :
			  side == UA_WIDE ? "the peer ended it" :
					    "the phone ended it");
}

/* ---- offers in the call ---- */

static void answer_peer(struct call *call)
{
	char text[TEXT_MAX];
	size_t len;

	call->version++;
	len = for_peer(call, text);
	ua_leg_accept(call->wide, text, len);
}

static bool is_same_place(const struct roam_sdp_media *a,
			  const struct roam_sdp_media *b)
{
	return roam_addr_eq(&a->addr, &b->addr) && a->port == b->port;
}

/* SIP-15: whoever sends media itself has to know; a phone must not. */
static void tell_if_moved(struct call *call, const struct roam_sdp_media *was)
{
	if (!is_same_place(was, &call->peer_media))
		report_call(call, "peer-moved", NULL);
}

static void peer_offers(struct call *call, const char *sdp, size_t len)
{
	struct roam_sdp_media was = call->peer_media;
	char text[TEXT_MAX];
	const char *wrong;
	bool notice;

	/* We are asked for an offer; the answer comes with the ACK. */
	if (!sdp) {
		answer_peer(call);
		return;
	}
	notice = call->local && phone_would_notice(call, sdp, len);
	wrong = take_peer(call, sdp, len);
	if (wrong) {
		ua_leg_refuse(call->wide, 488, NULL);
		return;
	}
	tell_if_moved(call, &was);
	if (!notice) {
		answer_peer(call);
		return;
	}
	call->local_version++;
	len = for_phone(call, call->peer_sdp, call->peer_len, text);
	if (ua_leg_update(call->local, text, len))
		call->peer_waits = true;
	else
		ua_leg_refuse(call->wide, 491, NULL);
}

static bool offer_to_peer(struct call *call)
{
	char text[TEXT_MAX];
	size_t len;

	call->version++;
	len = for_peer(call, text);
	return ua_leg_update(call->wide, text, len);
}

static void phone_offers(struct call *call, const char *sdp, size_t len)
{
	struct roam_sdp parsed;
	char text[TEXT_MAX];

	if (!sdp) {
		/* Some phones refresh a call so; nothing of it is the peer's. */
		len = for_phone(call, call->peer_sdp, call->peer_len, text);
		ua_leg_accept(call->local, text, len);
	} else if (!sip_session_offered(call->session) || call->peer_waits) {
		ua_leg_refuse(call->local, 491, NULL);
	} else if (take_own(call, sdp, len, &parsed)) {
		ua_leg_refuse(call->local, 488, NULL);
	} else if (offer_to_peer(call)) {
		call->phone_waits = true;
	} else {
		ua_leg_refuse(call->local, 491, NULL);
	}
}

static void on_offered(void *ctx, void *user, enum ua_side side,
		       const char *sdp, size_t len)
{
	(void)ctx;
	if (side == UA_WIDE)
		peer_offers(user, sdp, len);
	else
		phone_offers(user, sdp, len);
}

static void on_acknowledged(void *ctx, void *user, enum ua_side side,
			    const char *sdp, size_t len)
{
	struct call *call = user;
	struct roam_sdp_media was = call->peer_media;

	(void)ctx;
	if (side != UA_WIDE || !sdp)
		return;
	if (!take_peer(call, sdp, len))
		tell_if_moved(call, &was);
}

static void peer_updated(struct call *call, unsigned int code, int retry_after,
			 const char *sdp, size_t len)
{
	struct roam_sdp_media was = call->peer_media;
	bool waits = call->phone_waits, notice = false;
	char text[TEXT_MAX];

	call->phone_waits = false;
	if (code >= 200 && code < 300 && sdp) {
		notice = call->local && phone_would_notice(call, sdp, len);
		if (!take_peer(call, sdp, len))
			tell_if_moved(call, &was);
	}
	if (waits && code >= 200 && code < 300) {
		call->local_version++;
		len = for_phone(call, call->peer_sdp, call->peer_len, text);
		ua_leg_accept(call->local, text, len);
	} else if (waits) {
		ua_leg_refuse(call->local, code ? code : 408, NULL);
	} else if (notice) {
		call->local_version++;
		len = for_phone(call, call->peer_sdp, call->peer_len, text);
		ua_leg_update(call->local, text, len);
	}
	sip_session_answered(call->session, daemon_now(), code, retry_after);
}

static void phone_updated(struct call *call, unsigned int code,
			  const char *sdp, size_t len)
{
	struct roam_sdp parsed;

	if (!call->peer_waits)
		return;
	call->peer_waits = false;
	if (code >= 200 && code < 300 && sdp &&
	    !take_own(call, sdp, len, &parsed))
		answer_peer(call);
	else
		ua_leg_refuse(call->wide, code >= 400 ? code : 488, NULL);
}

static void on_updated(void *ctx, void *user, enum ua_side side,
		       unsigned int code, int retry_after, const char *sdp,
		       size_t len)
{
	if (side == UA_WIDE)
		peer_updated(user, code, retry_after, sdp, len);
	else
		phone_updated(user, code, sdp, len);
	sipd_kick(ctx);
}

static void on_located(void *ctx, void *user, bool changed)
{
	struct call *call = user;

	sip_session_located(call->session, daemon_now(), changed);
	sipd_kick(ctx);
}

const struct ua_ops call_ua_ops = {
	.registered = on_registered,
	.unanswered = on_unanswered,
	.invited = on_invited,
	.progress = on_progress,
	.answered = on_answered,
	.silent = on_silent,
	.heard = on_heard,
	.spare = on_spare,
	.failed = on_failed,
	.offered = on_offered,
	.acknowledged = on_acknowledged,
	.updated = on_updated,
	.located = on_located,
	.ended = on_ended,
	.phone = on_phone,
};

/* ---- moves ---- */

void call_measure(struct call *call)
{
	struct call_move *move;
	const struct rtp_stats *stats;

	if (!call->n_moves || !call->media)
		return;
	move = &call->moves[(call->n_moves - 1) % CALL_MOVES_MAX];
	stats = media_received(call->media);
	if (!stats || !stats->packets)
		return;
	move->media = true;
	move->resumed = stats->resumed ? stats->resumed - stats->marked : -1;
	move->gap = stats->gap;
	move->lost = rtp_stats_lost(stats);
	move->jitter = rtp_stats_jitter(stats);
}

/* IPv4 may change and IPv6 not: who talks by the one has nothing to hear. */
static bool is_concerned(const struct call *call, bool v4, bool v6)
{
	struct roam_addr to[] = {
		call->peer_media.addr, wide_addr(call),
		ua_leg_source(call->wide),
	};

	for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++)
		if (!roam_addr_is_none(&to[i]) &&
		    (roam_addr_is_v4(&to[i]) ? v4 : v6))
			return true;
	return false;
}

static void moved(struct call *call, int64_t when, bool v4, bool v6)
{
	call->concerned = true;
	if (call->state != CALL_UP)
		return;
	call->concerned = is_concerned(call, v4, v6);
	if (!call->concerned)
		return;
	call_measure(call);
	call->moves[call->n_moves++ % CALL_MOVES_MAX] = (struct call_move){
		.when = when, .to = wide_addr(call), .told = -1, .resumed = -1,
	};
	call->stuck = false;
	if (call->media)
		media_mark(call->media);
}

void call_moved(struct sipd *sipd, bool v4, bool v6)
{
	int64_t when = daemon_wallclock() / 1000000;
	struct table_iter iter = { 0 };
	struct table_node *node;

	while ((node = table_next(&sipd->calls, &iter)))
		moved(container_of(node, struct call, node), when, v4, v6);
}

static bool session_concerned(void *ctx, void *user)
{
	const struct call *call = user;

	(void)ctx;
	return call->concerned;
}

static bool session_update(void *ctx, void *user)
{
	struct call *call = user;

	(void)ctx;
	/* What the phone offered goes with it, and is answered by the same. */
	if (call->phone_waits)
		ua_leg_abandon(call->wide);
	return offer_to_peer(call);
}

static void session_abandon(void *ctx, void *user)
{
	struct call *call = user;

	(void)ctx;
	ua_leg_abandon(call->wide);
}

static void session_locate(void *ctx, void *user)
{
	struct call *call = user;
	uint32_t tried = 0;
	const struct sipd_registration *reg =
		next_route(ctx, call->account, &tried);

	if (reg)
		ua_leg_locate(call->wide, server_route(reg->target));
}

/*
 * The server that the peer's last message came by has not answered since the move, but
 * another one may have: then it is the server that is silent and not the peer.
 */
static bool server_is_silent(const struct call *call)
{
	struct roam_addr source = ua_leg_source(call->wide);
	const struct sipd *sipd = call->sipd;

	for (size_t i = 0; i < sipd->n_regs; i++) {
		const struct sipd_registration *reg = &sipd->regs[i];
		struct roam_addr addr = ua_registration_peer(reg->ua);

		if (reg->account == call->account &&
		    roam_addr_eq(&addr, &source))
			return rank(reg) < 3;
	}
	return false;
}

static bool session_bypass(void *ctx, void *user, bool sure)
{
	struct call *call = user;

	(void)ctx;
	return (sure || server_is_silent(call)) && ua_leg_bypass(call->wide);
}

/* Only what came before can be missing now, and only while the peer may send. */
static enum sip_media session_media(void *ctx, void *user, msec_t since)
{
	const struct rtp_stats *stats;
	struct call *call = user;
	struct roam_sdp peer;

	(void)ctx;
	if (!call->media || !call->peer_sdp)
		return SIP_MEDIA_UNKNOWN;
	stats = media_received(call->media);
	if (!stats || stats->packets < 50 ||
	    roam_sdp_read(call->peer_sdp, call->peer_len, &peer) ||
	    !peer.n_media || peer.media[0].direction == ROAM_SDP_RECVONLY ||
	    peer.media[0].direction == ROAM_SDP_INACTIVE)
		return SIP_MEDIA_UNKNOWN;
	return stats->last / 1000 >= since ? SIP_MEDIA_ARRIVES :
					     SIP_MEDIA_MISSING;
}

static void session_end(void *ctx, void *user, enum sip_session_end why)
{
	struct sipd *sipd = ctx;

	sipd->counters.lost++;
	give_up(user, 408, why == SIP_END_GONE ?
		"the peer does not know the call any more" :
		"the peer does not answer, at its server either");
}

static uint64_t session_random(void *ctx)
{
	(void)ctx;
	return daemon_random();
}

static void session_event(void *ctx, void *user,
			  const struct sip_session_event *event)
{
	struct call *call = user;

	(void)ctx;
	if (event->type == SIP_SESSION_TOLD && call->n_moves)
		call->moves[(call->n_moves - 1) % CALL_MOVES_MAX].told =
			event->took;
	if (event->type == SIP_SESSION_STUCK)
		call->stuck = true;
	report_session(call, event);
}

const struct sip_session_ops call_session_ops = {
	.concerned = session_concerned,
	.update = session_update,
	.abandon = session_abandon,
	.bypass = session_bypass,
	.locate = session_locate,
	.media = session_media,
	.end = session_end,
	.random = session_random,
	.event = session_event,
};
