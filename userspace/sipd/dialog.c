// SPDX-License-Identifier: GPL-2.0-or-later
#include "sipd/ua_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "io/daemon.h"
#include "io/version.h"
#include "sipd/dialog.h"

#define ROUTES_MAX 4096		/* of route lines: whoever records more has a loop */

/* ---- making them ---- */

/**
 * struct parts - what a dialog is made of
 * @routes: see struct dialog, as the others
 * @callid: likewise
 * @ltag: likewise
 * @rtag: likewise
 * @to: likewise
 * @from: likewise
 */
struct parts {
	struct pl routes;
	struct pl callid;
	struct pl ltag;
	struct pl rtag;
	struct pl to;
	struct pl from;
};

/*
 * A value may be folded over lines, or hold a zero. What we repeat stands in one line: one
 * that libre took for a fold and others do not would be a header of the peer's choice.
 */
static void unfold(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ')
			text[i] = ' ';
}

static const char *put(char **at, const struct pl *part, bool lines)
{
	char *begin = *at;

	if (part->l)
		memcpy(begin, part->p, part->l);
	if (!lines)
		unfold(begin, part->l);
	begin[part->l] = 0;
	*at += part->l + 1;
	return begin;
}

static struct dialog *make(const struct parts *p, const char *target)
{
	struct dialog *d = malloc(sizeof(*d) + p->routes.l + p->callid.l +
				  p->ltag.l + p->rtag.l + p->to.l + p->from.l +
				  6);
	char *at;

	if (!d)
		return NULL;
	memset(d, 0, sizeof(*d));
	d->target = strdup(target);
	if (!d->target) {
		free(d);
		return NULL;
	}
	at = d->text;
	d->routes = put(&at, &p->routes, true);
	d->callid = put(&at, &p->callid, false);
	d->ltag = put(&at, &p->ltag, false);
	d->rtag = put(&at, &p->rtag, false);
	d->to = put(&at, &p->to, false);
	d->from = put(&at, &p->from, false);
	return d;
}

void dialog_free(struct dialog *d)
{
	if (!d)
		return;
	free(d->target);
	free(d);
}

struct dialog *dialog_new(const char *uri, const char *to, const char *name,
			  const char *from, const char *route)
{
	char routes[UA_URI_MAX + 16] = "", callid[24], ltag[24];
	char to_value[UA_URI_MAX + 4], from_value[2 * UA_URI_MAX + 64];
	struct parts p;
	struct dialog *d;

	snprintf(callid, sizeof(callid), "%016llx",
		 (unsigned long long)daemon_random());
	snprintf(ltag, sizeof(ltag), "%016llx",
		 (unsigned long long)daemon_random());
	if (route)
		snprintf(routes, sizeof(routes), "Route: <%s;lr>\r\n", route);
	snprintf(to_value, sizeof(to_value), "<%s>", to);
	snprintf(from_value, sizeof(from_value), "%s%.255s%s<%s>;tag=%s",
		 *name ? "\"" : "", name, *name ? "\" " : "", from, ltag);
	p.rtag = (struct pl){ "", 0 };
	pl_set_str(&p.routes, routes);
	pl_set_str(&p.callid, callid);
	pl_set_str(&p.ltag, ltag);
	pl_set_str(&p.to, to_value);
	pl_set_str(&p.from, from_value);
	d = make(&p, uri);
	if (d)
		d->lseq = daemon_random() & 0xffff;
	return d;
}

static bool contact_of(const struct sip_msg *msg, char *uri)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_CONTACT);
	struct sip_addr addr;

	return hdr && !sip_addr_decode(&addr, &hdr->val) &&
	       ua_copy(uri, UA_URI_MAX, &addr.auri);
}

static bool add_route(const struct sip_hdr *hdr, const struct sip_msg *msg,
		      void *arg)
{
	struct mbuf *mb = arg;
	size_t begin = mb->end;

	(void)msg;
	if (mbuf_printf(mb, "Route: %r", &hdr->val))
		return true;
	unfold((char *)mb->buf + begin, mb->end - begin);
	return mbuf_write_str(mb, "\r\n") || mb->end > ROUTES_MAX;
}

/* The route set, in the order in which our requests name it. */
static struct mbuf *routes_of(const struct sip_msg *msg)
{
	struct mbuf *mb = mbuf_alloc(256);

	if (mb && sip_msg_hdr_apply(msg, msg->req, SIP_HDR_RECORD_ROUTE,
				    add_route, mb))
		mb = mem_deref(mb);
	return mb;
}

static struct dialog *from_message(struct parts *p, const struct sip_msg *msg)
{
	struct mbuf *routes = routes_of(msg);
	struct dialog *d = NULL;
	char uri[UA_URI_MAX];

	/* A message may lack what each must have. */
	if (routes && p->to.l && p->from.l && p->callid.l &&
	    contact_of(msg, uri)) {
		p->routes = (struct pl){ (char *)routes->buf, routes->end };
		d = make(p, uri);
	}
	mem_deref(routes);
	return d;
}

struct dialog *dialog_accept(const struct sip_msg *msg)
{
	struct parts p = {
		.callid = msg->callid, .rtag = msg->from.tag,
		.to = msg->from.val,
	};
	struct mbuf *from = mbuf_alloc(256);
	struct dialog *d = NULL;
	char ltag[24];

	/* libre answers with this tag. */
	snprintf(ltag, sizeof(ltag), "%016llx", (unsigned long long)msg->tag);
	pl_set_str(&p.ltag, ltag);
	if (from && !mbuf_printf(from, "%r;tag=%s", &msg->to.val, ltag)) {
		p.from = (struct pl){ (char *)from->buf, from->end };
		d = from_message(&p, msg);
	}
	mem_deref(from);
	if (!d)
		return NULL;
	d->lseq = daemon_random() & 0xffff;
	d->rseq = msg->cseq.num;
	return d;
}

struct dialog *dialog_fork(const struct dialog *d, const struct sip_msg *msg)
{
	struct parts p = { .rtag = msg->to.tag, .to = msg->to.val };
	struct dialog *fork;

	pl_set_str(&p.callid, d->callid);
	pl_set_str(&p.ltag, d->ltag);
	pl_set_str(&p.from, d->from);
	fork = from_message(&p, msg);
	if (fork)
		fork->lseq = d->lseq;
	return fork;
}

/* ---- what messages say about them ---- */

bool dialog_redirect(struct dialog *d, const char *uri)
{
	char *target = strdup(uri);

	if (!target)
		return false;
	free(d->target);
	d->target = target;
	d->direct = true;
	return true;
}

bool dialog_refresh(struct dialog *d, const struct sip_msg *msg)
{
	char uri[UA_URI_MAX], *target;

	if (!contact_of(msg, uri))
		return false;
	target = strdup(uri);
	if (!target)
		return false;
	free(d->target);
	d->target = target;
	return true;
}

bool dialog_has(const struct dialog *d, const struct sip_msg *msg, bool half)
{
	return !pl_strcmp(&msg->callid, d->callid) &&
	       !pl_strcmp(msg->req ? &msg->to.tag : &msg->from.tag, d->ltag) &&
	       (half || !pl_strcmp(msg->req ? &msg->from.tag : &msg->to.tag,
				   d->rtag));
}

bool dialog_is_next(struct dialog *d, const struct sip_msg *msg)
{
	if (msg->cseq.num < d->rseq)
		return false;
	d->rseq = msg->cseq.num;
	return true;
}

/* ---- requests ---- */

/* The first hop: the first of the route set, else the target. */
static bool next_hop(const struct dialog *d, struct uri *uri)
{
	struct sip_addr addr;
	struct pl pl;

	if (d->direct || !*d->routes) {
		pl_set_str(&pl, d->target);
		return !uri_decode(uri, &pl);
	}
	pl.p = d->routes + strlen("Route: ");
	pl.l = strcspn(pl.p, "\r");
	if (sip_addr_decode(&addr, &pl))
		return false;
	*uri = addr.uri;
	return true;
}

bool dialog_request(struct dialog *d, struct sip_request **req, struct sip *sip,
		    const char *method, uint32_t seq, struct sip_auth *auth,
		    sip_send_h *sendh, sip_resp_h *resph, void *arg,
		    const char *fmt, ...)
{
	bool ack = !strcmp(method, "ACK");
	struct mbuf *mb = mbuf_alloc(1024);
	struct uri hop;
	va_list ap;
	int err;

	if (!mb)
		return false;
	va_start(ap, fmt);
	err = mbuf_vprintf(mb, fmt, ap);
	va_end(ap);
	if (!err && !next_hop(d, &hop))
		err = EINVAL;
	if (!err)
		err = sip_requestf(req, sip, !ack, method, d->target, &hop,
				   auth, sendh, resph, arg,
				   "%sTo: %s\r\nFrom: %s\r\nCall-ID: %s\r\n"
				   "CSeq: %u %s\r\n"
				   "User-Agent: roam-sipd/" ROAM_VERSION "\r\n%b",
				   d->direct ? "" : d->routes, d->to, d->from,
				   d->callid, ack ? seq : d->lseq++, method,
				   mb->buf, mb->end);
	mem_deref(mb);
	return !err;
}
