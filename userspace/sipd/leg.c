// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Dialogs of INVITE (RFC 3261 12 to 15) on libre's transactions. libre has a layer
 * for that as well; ours exists as a host that moves has to decide itself what
 * happens to a re-INVITE whose answer went to the old address, when to ask again
 * after glare, and what to make of an answer that never came.
 */
#include "sipd/ua_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/daemon.h"
#include "io/log.h"
#include "sipd/dialog.h"

#define T1 500
#define T2 4000
#define REDIRECTS_MAX 5
#define CHALLENGES_MAX 2

/**
 * struct ua_leg - one dialog, or what becomes one
 * @node: member of ua->legs, if it is the first of its key
 * @key: hash of the Call-ID
 * @next: the next one with the same key
 * @stack: its side
 * @user: whose it is, NULL: nobody's any more
 * @account: whose credentials it uses
 * @dlg: the dialog
 * @auth: what its server asked for, shared by all calls of the account by that server
 * @req: INVITE of ours on its way
 * @desc: description that it carries
 * @st: transaction of the peer's INVITE that waits for us
 * @msg: that INVITE
 * @located: request that asks where the peer is
 * @located_dlg: what it is sent in
 * @peer: who is at the other end
 * @target: contact of the peer
 * @source: where its last message came from
 * @retransmit: sends @reply again
 * @give_up: nobody acknowledged @reply
 * @reply: the 200 that waits for its ACK
 * @reply_to: where it goes
 * @reply_tp: by what
 * @reply_seq: CSeq of the INVITE that it answers
 * @reply_n: times it was sent
 * @reply_offers: it carries an offer, the answer comes with the ACK
 * @established: the first INVITE was answered by 2xx
 * @ours: we sent the first INVITE
 * @heard: something came from its server
 * @spare: another one calls for it meanwhile
 * @ending: ends as soon as that INVITE is answered
 * @redirects: times that another server was named
 * @challenges: times that this INVITE was challenged
 */
struct ua_leg {
	struct table_node node;
	uint64_t key;
	struct ua_leg *next;
	struct ua_stack *stack;
	void *user;
	const struct config_account *account;
	struct dialog *dlg;
	struct sip_auth *auth;
	struct sip_request *req;
	struct mbuf *desc;
	struct sip_strans *st;
	const struct sip_msg *msg;
	struct sip_request *located;
	struct sip_dialog *located_dlg;
	char *peer;
	char *target;
	struct roam_addr source;
	struct tmr retransmit;
	struct tmr give_up;
	struct mbuf *reply;
	struct sa reply_to;
	enum sip_transp reply_tp;
	uint32_t reply_seq;
	unsigned int reply_n;
	bool reply_offers;
	bool established;
	bool ours;
	bool heard;
	bool spare;
	bool ending;
	unsigned int redirects;
	unsigned int challenges;
};

/* ---- the table ---- */

void leg_init(struct ua *ua)
{
	table_init(&ua->legs, table_key_offset(struct ua_leg, node, key),
		   sizeof(uint64_t));
}

static struct ua_leg *first_of(struct ua *ua, uint64_t key)
{
	struct table_node *node = table_find(&ua->legs, &key);

	return node ? container_of(node, struct ua_leg, node) : NULL;
}

/* A call of one account of ours to another has two legs with one Call-ID. */
static bool leg_insert(struct ua_leg *leg)
{
	const char *callid = leg->dlg->callid;
	struct ua *ua = leg->stack->ua;
	struct ua_leg *first;

	leg->key = table_hash(callid, strlen(callid));
	first = first_of(ua, leg->key);
	if (!first)
		return table_insert(&ua->legs, &leg->node);
	leg->next = first->next;
	first->next = leg;
	return true;
}

static void leg_remove(struct ua_leg *leg)
{
	struct ua *ua = leg->stack->ua;
	struct ua_leg *first = first_of(ua, leg->key), **at;

	if (!first)
		return;
	if (first != leg) {
		for (at = &first->next; *at && *at != leg; at = &(*at)->next)
			;
		if (*at)
			*at = leg->next;
		return;
	}
	table_remove(&ua->legs, &leg->node);
	if (leg->next)
		table_insert(&ua->legs, &leg->next->node);
}

static struct ua_leg *find_leg(struct ua_stack *stack,
			       const struct sip_msg *msg, bool half)
{
	struct ua_leg *leg = first_of(stack->ua, table_hash(msg->callid.p,
							    msg->callid.l));

	for (; leg; leg = leg->next)
		if (leg->stack == stack && dialog_has(leg->dlg, msg, half))
			return leg;
	return NULL;
}

/* ---- begin and end ---- */

static void stop_reply(struct ua_leg *leg)
{
	tmr_cancel(&leg->retransmit);
	tmr_cancel(&leg->give_up);
	leg->reply = mem_deref(leg->reply);
}

static void drop_invite(struct ua_leg *leg)
{
	leg->st = mem_deref(leg->st);
	leg->msg = mem_deref((void *)leg->msg);
}

static void leg_free(struct ua_leg *leg)
{
	if (!leg)
		return;
	if (leg->dlg)
		leg_remove(leg);
	stop_reply(leg);
	drop_invite(leg);
	mem_deref(leg->req);
	mem_deref(leg->located);
	mem_deref(leg->located_dlg);
	dialog_free(leg->dlg);
	mem_deref(leg->desc);
	free(leg->peer);
	free(leg->target);
	free(leg);
}

/* @route: the server that it goes by, NULL: the first will have to do. */
static struct ua_leg *leg_new(struct ua_stack *stack,
			      const struct config_account *account,
			      const char *route)
{
	struct ua_leg *leg = calloc(1, sizeof(*leg));

	if (!leg)
		return NULL;
	leg->stack = stack;
	leg->account = account;
	tmr_init(&leg->retransmit);
	tmr_init(&leg->give_up);
	leg->auth = ua_auth(stack->ua, account, route);
	return leg;
}

/*
 * A contact is what somebody says. It makes us speak to nobody on this host or link, where
 * what comes from us may be believed; a server of the configuration may be anywhere.
 */
static bool may_send(const struct ua_stack *stack, const struct sa *dst)
{
	struct roam_addr addr = ua_from_sa(dst);

	return stack->side == UA_LOCAL || ua_is_server(stack->ua, &addr) ||
	       (roam_addr_is_usable(&addr) && !roam_addr_is_link_local(&addr));
}

/**
 * struct bye - a call that is over, until its peer knows
 * @stack: its side
 * @dlg: the dialog
 * @auth: what its server asked for
 * @req: the BYE
 * @next: the next of stack->byes
 * @prev: what points to it
 */
struct bye {
	struct ua_stack *stack;
	struct dialog *dlg;
	struct sip_auth *auth;
	struct sip_request *req;
	struct bye *next;
	struct bye **prev;
};

static void bye_free(struct bye *bye)
{
	*bye->prev = bye->next;
	if (bye->next)
		bye->next->prev = bye->prev;
	mem_deref(bye->req);
	dialog_free(bye->dlg);
	free(bye);
}

static void on_bye_answer(int err, const struct sip_msg *msg, void *arg);

static int check_bye(enum sip_transp tp, const struct sa *src,
		     const struct sa *dst, struct mbuf *mb, void *arg)
{
	struct bye *bye = arg;

	(void)tp;
	(void)src;
	(void)mb;
	return may_send(bye->stack, dst) ? 0 : EPERM;
}

static bool bye_send(struct bye *bye)
{
	return dialog_request(bye->dlg, &bye->req, bye->stack->sip, "BYE", 0,
			      bye->auth, check_bye, on_bye_answer, bye,
			      "Content-Length: 0\r\n\r\n");
}

/* A server that is gone keeps nobody from hearing that the call is over. */
static void on_bye_answer(int err, const struct sip_msg *msg, void *arg)
{
	struct bye *bye = arg;

	if (!err && msg && msg->scode < 200)
		return;
	if ((err || !msg || msg->scode == 408 || msg->scode == 503) &&
	    !bye->dlg->direct && *bye->dlg->routes) {
		bye->dlg->direct = true;
		if (bye_send(bye))
			return;
	}
	bye_free(bye);
}

/* Takes the dialog. */
static void say_bye(struct ua_stack *stack, struct dialog *dlg,
		    struct sip_auth *auth)
{
	struct bye *bye = calloc(1, sizeof(*bye));

	if (!bye) {
		dialog_free(dlg);
		return;
	}
	*bye = (struct bye){ stack, dlg, auth, NULL, stack->byes,
			     &stack->byes };
	if (stack->byes)
		stack->byes->prev = &bye->next;
	stack->byes = bye;
	if (!bye_send(bye))
		bye_free(bye);
}

/* The leg is without a dialog afterwards, and to be freed. */
static void send_bye(struct ua_leg *leg)
{
	leg_remove(leg);
	say_bye(leg->stack, leg->dlg, leg->auth);
	leg->dlg = NULL;
}

/* Tells the owner and frees; the owner must not use it any more. */
static void leg_over(struct ua_leg *leg, enum ua_end why)
{
	struct ua *ua = leg->stack->ua;
	enum ua_side side = leg->stack->side;
	void *user = leg->user;

	leg_free(leg);
	if (user)
		ua->ops->ended(ua->ctx, user, side, why);
}

static void leg_failed(struct ua_leg *leg, unsigned int code,
		       const struct pl *reason)
{
	struct ua *ua = leg->stack->ua;
	enum ua_side side = leg->stack->side;
	void *user = leg->user;
	char text[64] = "";

	/* Logs and events take it as it is, so it has to be plain text. */
	if (reason && reason->l && reason->l < sizeof(text))
		(void)pl_strcpy(reason, text, sizeof(text));
	for (char *c = text; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	leg_free(leg);
	if (user)
		ua->ops->failed(ua->ctx, user, side, code, text);
}

/* The contact of the peer, to tell whether it changed. */
static bool learn_target(struct ua_leg *leg, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_CONTACT);
	char uri[UA_URI_MAX];
	struct sip_addr addr;

	if (!hdr || sip_addr_decode(&addr, &hdr->val) ||
	    !ua_copy(uri, sizeof(uri), &addr.auri))
		return false;
	if (leg->target && !strcmp(leg->target, uri))
		return false;
	free(leg->target);
	leg->target = strdup(uri);
	return true;
}

/* ---- our INVITE ---- */

static int print_contact(enum sip_transp tp, const struct sa *src,
			 const struct sa *dst, struct mbuf *mb, void *arg)
{
	struct ua_leg *leg = arg;

	if (!may_send(leg->stack, dst))
		return EPERM;
	return mbuf_printf(mb, "Contact: <sip:%s@%J%s>\r\n",
			   ua_token(leg->stack->ua, leg->account), src,
			   sip_transp_param(tp));
}

static void on_answer(int err, const struct sip_msg *msg, void *arg);

static bool send_invite(struct ua_leg *leg)
{
	size_t len = leg->desc ? mbuf_get_left(leg->desc) : 0;

	return dialog_request(leg->dlg, &leg->req, leg->stack->sip, "INVITE", 0,
			      leg->auth, print_contact, on_answer, leg,
			      UA_ALLOW "%s" "Content-Length: %zu\r\n\r\n%b",
			      len ? "Content-Type: application/sdp\r\n" : "",
			      len, len ? mbuf_buf(leg->desc) : NULL, len);
}

static int check_ack(enum sip_transp tp, const struct sa *src,
		     const struct sa *dst, struct mbuf *mb, void *arg)
{
	(void)tp;
	(void)src;
	(void)mb;
	return may_send(arg, dst) ? 0 : EPERM;
}

/*
 * Nobody waits for an answer to an ACK, so libre owns the request, and asks for its
 * destination only when DNS has named it. The leg may be gone by then; the side is not.
 */
static void send_ack(struct ua_leg *leg, struct dialog *dlg, uint32_t seq)
{
	(void)dialog_request(dlg, NULL, leg->stack->sip, "ACK", seq, leg->auth,
			     check_ack, NULL, leg->stack,
			     "Content-Length: 0\r\n\r\n");
}

static bool set_desc(struct ua_leg *leg, const char *sdp, size_t len)
{
	leg->desc = mem_deref(leg->desc);
	if (!len)
		return true;
	leg->desc = mbuf_alloc(len);
	if (!leg->desc || mbuf_write_mem(leg->desc, (const uint8_t *)sdp, len))
		return false;
	leg->desc->pos = 0;
	return true;
}

/* Another callee of a forked call answered, too: it is let down gently. */
static void refuse_fork(struct ua_leg *leg, const struct sip_msg *msg)
{
	struct dialog *dlg = dialog_fork(leg->dlg, msg);

	if (!dlg)
		return;
	send_ack(leg, dlg, msg->cseq.num);
	say_bye(leg->stack, dlg, leg->auth);
}

static void first_answer(struct ua_leg *leg, const struct sip_msg *msg)
{
	struct ua *ua = leg->stack->ua;
	struct dialog *dlg = dialog_fork(leg->dlg, msg);
	const char *sdp;
	size_t len;

	if (!dlg) {
		static const struct pl reason = PL("Answer Without Contact");

		leg_failed(leg, 500, &reason);
		return;
	}
	dialog_free(leg->dlg);
	leg->dlg = dlg;
	leg->desc = mem_deref(leg->desc);
	leg->established = true;
	learn_target(leg, msg);
	send_ack(leg, leg->dlg, msg->cseq.num);
	if (leg->ending) {
		send_bye(leg);
		leg_free(leg);
		return;
	}
	sdp = ua_body(msg, &len);
	ua->ops->answered(ua->ctx, leg->user, leg->stack->side, sdp, len);
}

static void updated(struct ua_leg *leg, const struct sip_msg *msg)
{
	struct ua *ua = leg->stack->ua;
	size_t len = 0;
	const char *sdp = NULL;
	int retry = -1;
	unsigned int code = msg ? msg->scode : 0;

	if (msg && code < 300) {
		(void)dialog_refresh(leg->dlg, msg);
		learn_target(leg, msg);
		send_ack(leg, leg->dlg, msg->cseq.num);
		sdp = ua_body(msg, &len);
	} else if (msg) {
		retry = ua_retry_after(msg);
	}
	leg->desc = mem_deref(leg->desc);
	if (leg->user)
		ua->ops->updated(ua->ctx, leg->user, leg->stack->side, code,
				 retry, sdp, len);
}

/* The call goes on at the first contact that is named (TEN-10). */
static bool redirected(struct ua_leg *leg, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_CONTACT);
	char uri[UA_URI_MAX];
	struct sip_addr addr;

	return !leg->ending && leg->redirects++ < REDIRECTS_MAX && hdr &&
	       !sip_addr_decode(&addr, &hdr->val) &&
	       !pl_strcasecmp(&addr.uri.scheme, "sip") &&
	       ua_copy(uri, sizeof(uri), &addr.auri) &&
	       dialog_redirect(leg->dlg, uri) && send_invite(leg);
}

static bool challenged(struct ua_leg *leg, const struct sip_msg *msg)
{
	if (leg->ending || leg->challenges++ >= CHALLENGES_MAX)
		return false;
	if (sip_auth_authenticate(leg->auth, msg)) {
		sip_auth_reset(leg->auth);
		if (sip_auth_authenticate(leg->auth, msg))
			return false;
	}
	return send_invite(leg);
}

static void on_provisional(struct ua_leg *leg, const struct sip_msg *msg)
{
	struct ua *ua = leg->stack->ua;
	const char *sdp;
	size_t len;

	if (leg->established || !leg->user || msg->scode < 180)
		return;
	sdp = ua_body(msg, &len);
	ua->ops->progress(ua->ctx, leg->user, leg->stack->side, msg->scode, sdp,
			  len);
}

static void spare_gone(struct ua_leg *leg)
{
	struct ua *ua = leg->stack->ua;
	void *user = leg->user;

	leg_free(leg);
	if (user)
		ua->ops->spare(ua->ctx, user, false);
}

static void first_word(struct ua_leg *leg)
{
	struct ua *ua = leg->stack->ua;
	bool spare = leg->spare;

	tmr_cancel(&leg->give_up);
	leg->heard = true;
	leg->spare = false;
	if (leg->user && spare)
		ua->ops->spare(ua->ctx, leg->user, true);
	else if (leg->user)
		ua->ops->heard(ua->ctx, leg->user);
}

static void on_answer(int err, const struct sip_msg *msg, void *arg)
{
	struct ua_leg *leg = arg;

	if (err || !msg) {
		if (leg->established)
			updated(leg, NULL);
		else if (leg->spare)
			spare_gone(leg);
		else
			leg_failed(leg, 0, NULL);
		return;
	}
	leg->source = ua_from_sa(&msg->src);
	if (!leg->heard)
		first_word(leg);
	if (msg->scode < 200) {
		on_provisional(leg, msg);
	} else if ((msg->scode == 401 || msg->scode == 407) &&
		   challenged(leg, msg)) {
		/* sent again */
	} else if (leg->established) {
		updated(leg, msg);
	} else if (msg->scode < 300) {
		first_answer(leg, msg);
	} else if (msg->scode >= 400 || !redirected(leg, msg)) {
		leg_failed(leg, msg->scode, &msg->reason);
	}
}

/* Not even a 100 came: the server, or the way to it, is gone. */
static void on_silence(void *arg)
{
	struct ua_leg *leg = arg;
	struct ua *ua = leg->stack->ua;

	if (leg->user && !leg->established)
		ua->ops->silent(ua->ctx, leg->user);
}

struct ua_leg *ua_call(struct ua *ua, const struct ua_target *target,
		       const char *sdp, size_t len, void *user)
{
	struct ua_leg *leg = leg_new(&ua->stacks[target->side],
				     target->account, target->route);

	if (!leg)
		return NULL;
	leg->ours = true;
	leg->user = user;
	leg->peer = strdup(target->to);
	leg->dlg = dialog_new(target->uri, target->to, target->name,
			      target->from, target->route);
	if (leg->dlg && leg->peer && set_desc(leg, sdp, len) &&
	    leg_insert(leg) && send_invite(leg)) {
		if (target->wait)
			tmr_start(&leg->give_up, target->wait, on_silence, leg);
		return leg;
	}
	leg_free(leg);
	return NULL;
}

void ua_leg_set_spare(struct ua_leg *leg, bool spare)
{
	leg->spare = spare;
}

void ua_leg_set_user(struct ua_leg *leg, void *user)
{
	leg->user = user;
}

/* ---- the peer's INVITE ---- */

static void on_retransmit(void *arg)
{
	struct ua_leg *leg = arg;
	unsigned int wait = T1 << (leg->reply_n < 4 ? leg->reply_n : 4);

	leg->reply_n++;
	leg->reply->pos = 0;
	(void)sip_send(leg->stack->sip, NULL, leg->reply_tp, &leg->reply_to,
		       leg->reply);
	tmr_start(&leg->retransmit, wait < T2 ? wait : T2, on_retransmit, leg);
}

/* RFC 3261 13.3.1.4: a 200 that nobody acknowledges ends the session. */
static void on_give_up(void *arg)
{
	struct ua_leg *leg = arg;

	send_bye(leg);
	leg_over(leg, UA_END_TIMEOUT);
}

static void on_cancel(void *arg)
{
	struct ua_leg *leg = arg;

	(void)sip_treply(&leg->st, leg->stack->sip, leg->msg, 487,
			 "Request Terminated");
	leg->st = NULL;
	if (leg->established)
		leg->msg = mem_deref((void *)leg->msg);
	else
		leg_over(leg, UA_END_CANCEL);
}

/* The transaction of an INVITE that waits for our answer. */
static bool begin_invite(struct ua_leg *leg, const struct sip_msg *msg)
{
	if (sip_strans_alloc(&leg->st, leg->stack->sip, msg, on_cancel, leg))
		return false;
	leg->msg = mem_ref((void *)msg);
	(void)sip_treplyf(&leg->st, NULL, leg->stack->sip, msg, true, 100,
			  "Trying", NULL);
	return leg->st;
}

void leg_invited(struct ua_stack *stack, const struct sip_msg *msg,
		 struct ua_invite *invite)
{
	struct ua_leg *leg = leg_new(stack, invite->account, NULL);
	struct ua *ua = stack->ua;
	unsigned int code;

	if (leg)
		leg->dlg = dialog_accept(msg);
	if (!leg || !leg->dlg) {
		(void)sip_treply(NULL, stack->sip, msg, leg ? 400 : 500,
				 leg ? "Bad Contact" : "Out of Memory");
		leg_free(leg);
		return;
	}
	leg->peer = strdup(invite->from);
	leg->source = ua_from_sa(&msg->src);
	learn_target(leg, msg);
	if (!leg->peer || !leg_insert(leg) || !begin_invite(leg, msg)) {
		leg_free(leg);
		return;
	}
	code = ua->ops->invited(ua->ctx, leg, invite);
	if (!code)
		return;
	leg->user = NULL;
	ua_leg_end(leg, code);
}

static const char *phrase(unsigned int code)
{
	switch (code) {
	case 180: return "Ringing";
	case 183: return "Session Progress";
	case 400: return "Bad Request";
	case 403: return "Forbidden";
	case 404: return "Not Found";
	case 408: return "Request Timeout";
	case 480: return "Temporarily Unavailable";
	case 481: return "Call Does Not Exist";
	case 486: return "Busy Here";
	case 487: return "Request Terminated";
	case 488: return "Not Acceptable Here";
	case 491: return "Request Pending";
	case 500: return "Server Internal Error";
	case 503: return "Service Unavailable";
	case 603: return "Decline";
	default: return code < 200 ? "Progress" : "Refused";
	}
}

void ua_leg_progress(struct ua_leg *leg, unsigned int code, const char *sdp,
		     size_t len)
{
	if (!leg->st || leg->established)
		return;
	(void)sip_treplyf(&leg->st, NULL, leg->stack->sip, leg->msg, true, code,
			  phrase(code), "Contact: <sip:%s@%J%s>\r\n" UA_ALLOW
			  "%s" "Content-Length: %zu\r\n\r\n%b",
			  ua_token(leg->stack->ua, leg->account),
			  &leg->msg->dst, sip_transp_param(leg->msg->tp),
			  len ? "Content-Type: application/sdp\r\n" : "", len,
			  sdp, len);
}

/* The contact of now: the one that the INVITE came to may be gone. */
static void contact_of(const struct ua_leg *leg, struct sa *sa)
{
	*sa = leg->msg->dst;
	if (leg->stack->side == UA_WIDE)
		(void)sip_transp_laddr(leg->stack->sip, sa, leg->msg->tp,
				       &leg->msg->src);
}

bool ua_leg_accept(struct ua_leg *leg, const char *sdp, size_t len)
{
	struct mbuf *reply = NULL;
	size_t offered;
	struct sa contact;
	int err;

	if (!leg->st || !leg->msg)
		return false;
	contact_of(leg, &contact);
	err = sip_treplyf(&leg->st, &reply, leg->stack->sip, leg->msg, true,
			  200, "OK", "Contact: <sip:%s@%J%s>\r\n" UA_ALLOW
			  "%s" "Content-Length: %zu\r\n\r\n%b",
			  ua_token(leg->stack->ua, leg->account), &contact,
			  sip_transp_param(leg->msg->tp),
			  len ? "Content-Type: application/sdp\r\n" : "", len,
			  sdp, len);
	leg->st = NULL;
	/* The transaction is gone, and with it the only way to answer the call. */
	if (err && !leg->established)
		return false;
	stop_reply(leg);
	if (!err) {
		leg->reply = reply;
		leg->reply_seq = leg->msg->cseq.num;
		leg->reply_tp = leg->msg->tp;
		leg->reply_n = 0;
		leg->reply_offers = len && !ua_body(leg->msg, &offered);
		/* Through NAT the answer goes back to where the question came from. */
		leg->reply_to = leg->msg->src;
		if (leg->msg->tp == SIP_TRANSP_UDP)
			sip_reply_addr(&leg->reply_to, leg->msg, true);
		tmr_start(&leg->retransmit, T1, on_retransmit, leg);
		tmr_start(&leg->give_up, 64 * T1, on_give_up, leg);
	}
	leg->established = true;
	leg->msg = mem_deref((void *)leg->msg);
	return true;
}

void ua_leg_refuse(struct ua_leg *leg, unsigned int code, const char *reason)
{
	if (!leg->st)
		return;
	(void)sip_treply(&leg->st, leg->stack->sip, leg->msg, code,
			 reason ? reason : phrase(code));
	leg->st = NULL;
	leg->msg = mem_deref((void *)leg->msg);
}

/* ---- requests in the dialog ---- */

static void on_ack(struct ua_leg *leg, const struct sip_msg *msg)
{
	struct ua *ua = leg->stack->ua;
	bool offers = leg->reply_offers;
	const char *sdp;
	size_t len;

	if (!leg->reply || msg->cseq.num != leg->reply_seq)
		return;
	stop_reply(leg);
	sdp = ua_body(msg, &len);
	if (leg->user && (offers || sdp))
		ua->ops->acknowledged(ua->ctx, leg->user, leg->stack->side, sdp,
				      len);
}

static void on_reinvite(struct ua_leg *leg, const struct sip_msg *msg)
{
	struct sip *sip = leg->stack->sip;
	struct ua *ua = leg->stack->ua;
	const char *sdp;
	size_t len;

	/* RFC 3261 14.2 */
	if (leg->st || !leg->established) {
		(void)sip_treplyf(NULL, NULL, sip, msg, false, 500,
				  "Previous INVITE Pending",
				  "Retry-After: %u\r\nContent-Length: 0\r\n\r\n",
				  (unsigned int)(daemon_random() % 10));
		return;
	}
	if (leg->req) {
		(void)sip_treply(NULL, sip, msg, 491, "Request Pending");
		return;
	}
	(void)dialog_refresh(leg->dlg, msg);
	learn_target(leg, msg);
	if (!begin_invite(leg, msg)) {
		drop_invite(leg);
		return;
	}
	sdp = ua_body(msg, &len);
	if (leg->user)
		ua->ops->offered(ua->ctx, leg->user, leg->stack->side, sdp,
				 len);
	else
		ua_leg_refuse(leg, 481, NULL);
}

static void on_bye(struct ua_leg *leg, const struct sip_msg *msg)
{
	(void)sip_treply(NULL, leg->stack->sip, msg, 200, "OK");
	if (leg->st)
		(void)sip_treply(&leg->st, leg->stack->sip, leg->msg, 487,
				 "Request Terminated");
	leg->st = NULL;
	leg_over(leg, UA_END_BYE);
}

bool leg_request(struct ua_stack *stack, const struct sip_msg *msg)
{
	struct ua_leg *leg = find_leg(stack, msg, false);
	bool ack = !pl_strcmp(&msg->met, "ACK");

	if (!leg) {
		stack->ua->counters.strangers++;
		if (!ack)
			(void)sip_reply(stack->sip, msg, 481,
					"Call Does Not Exist");
		return true;
	}
	if (ack) {
		on_ack(leg, msg);
		return true;
	}
	if (!dialog_is_next(leg->dlg, msg)) {
		(void)sip_treply(NULL, stack->sip, msg, 500, "Bad CSeq");
		return true;
	}
	leg->source = ua_from_sa(&msg->src);
	if (!pl_strcmp(&msg->met, "INVITE"))
		on_reinvite(leg, msg);
	else if (!pl_strcmp(&msg->met, "BYE"))
		on_bye(leg, msg);
	else if (!pl_strcmp(&msg->met, "OPTIONS"))
		(void)sip_treplyf(NULL, NULL, stack->sip, msg, false, 200, "OK",
				  UA_ALLOW "Content-Length: 0\r\n\r\n");
	else
		(void)sip_treplyf(NULL, NULL, stack->sip, msg, false, 405,
				  "Method Not Allowed",
				  UA_ALLOW "Content-Length: 0\r\n\r\n");
	return true;
}

/* A 2xx whose transaction ended: it is repeated until it is acknowledged. */
bool leg_response(struct ua_stack *stack, const struct sip_msg *msg)
{
	struct ua_leg *leg;

	if (pl_strcmp(&msg->cseq.met, "INVITE") || msg->scode < 200 ||
	    msg->scode >= 300)
		return true;
	leg = find_leg(stack, msg, false);
	if (leg) {
		send_ack(leg, leg->dlg, msg->cseq.num);
		return true;
	}
	leg = find_leg(stack, msg, true);
	if (leg && leg->established)
		refuse_fork(leg, msg);
	return true;
}

bool ua_leg_update(struct ua_leg *leg, const char *sdp, size_t len)
{
	if (!leg->established || leg->req || leg->st)
		return false;
	leg->challenges = 0;
	return set_desc(leg, sdp, len) && send_invite(leg);
}

void ua_leg_abandon(struct ua_leg *leg)
{
	if (leg->established)
		leg->req = mem_deref(leg->req);
}

bool ua_leg_bypass(struct ua_leg *leg)
{
	if (!leg->established || leg->dlg->direct || !*leg->dlg->routes)
		return false;
	leg->dlg->direct = true;
	return true;
}

/* ---- where is the peer? ---- */

static void on_located(int err, const struct sip_msg *msg, void *arg)
{
	struct ua_leg *leg = arg;
	struct ua *ua = leg->stack->ua;
	bool changed = false;

	if (!err && msg && msg->scode < 200)
		return;
	/* A proxy passed the question on, or its server redirects. */
	if (!err && msg && msg->scode < 400 && leg->established) {
		changed = learn_target(leg, msg);
		if (changed)
			(void)dialog_refresh(leg->dlg, msg);
	}
	leg->located_dlg = mem_deref(leg->located_dlg);
	if (leg->user)
		ua->ops->located(ua->ctx, leg->user, changed);
}

void ua_leg_locate(struct ua_leg *leg, const char *route)
{
	const char *routes[] = { route };

	leg->located = mem_deref(leg->located);
	leg->located_dlg = mem_deref(leg->located_dlg);
	if (sip_dialog_alloc(&leg->located_dlg, leg->peer, leg->peer, NULL,
			     leg->account->uri, routes, 1))
		return;
	(void)sip_drequestf(&leg->located, leg->stack->sip, true, "OPTIONS",
			    leg->located_dlg, 0, NULL, NULL, on_located, leg,
			    "Accept: application/sdp\r\nContent-Length: 0\r\n\r\n");
}

/* ---- the end ---- */

void ua_leg_end(struct ua_leg *leg, unsigned int code)
{
	leg->user = NULL;
	if (leg->st && leg->msg)
		(void)sip_treply(&leg->st, leg->stack->sip, leg->msg,
				 leg->established ? 487 : code,
				 phrase(leg->established ? 487 : code));
	leg->st = NULL;
	if (leg->established) {
		send_bye(leg);
	} else if (leg->ours && leg->req) {
		/* What the answer will be decides about ACK and BYE. */
		leg->ending = true;
		sip_request_cancel(leg->req);
		return;
	}
	leg_free(leg);
}

const char *ua_leg_peer(const struct ua_leg *leg)
{
	return leg->peer;
}

const char *ua_leg_callid(const struct ua_leg *leg)
{
	return leg->dlg->callid;
}

struct roam_addr ua_leg_source(const struct ua_leg *leg)
{
	return leg->source;
}

void leg_close_all(struct ua *ua)
{
	struct table_iter iter = { 0 };
	struct table_node *node;

	while ((node = table_next(&ua->legs, &iter))) {
		leg_free(container_of(node, struct ua_leg, node));
		iter = (struct table_iter){ 0 };
	}
	for (int i = 0; i < 2; i++)
		while (ua->stacks[i].byes)
			bye_free(ua->stacks[i].byes);
}
