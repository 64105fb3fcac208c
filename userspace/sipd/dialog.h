/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A dialog (RFC 3261 12): what requests in it have in common. libre has one as well,
 * whose route cannot be left out. When the server that a call was set up by is gone, that
 * is the only way to reach the peer, so this is ours; it takes a fifth of the memory, too.
 *
 * Included by ua.c and leg.c alone, as it has types of libre.
 */
#ifndef ROAM_SIPD_DIALOG_H
#define ROAM_SIPD_DIALOG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <re.h>

/**
 * struct dialog - one dialog, in one piece of memory but for its target
 * @target: where the peer is: the URI of requests; memory of its own, as it changes
 * @routes: header lines of the route set, "" for none
 * @callid: Call-ID
 * @ltag: our tag
 * @rtag: the peer's tag, "" before its first answer
 * @to: the peer, as To of our requests has it
 * @from: we, as their From has it
 * @lseq: CSeq of our next request
 * @rseq: CSeq of the peer's last one
 * @direct: requests go to the peer itself, whatever the route set says
 */
struct dialog {
	char *target;
	const char *routes;
	const char *callid;
	const char *ltag;
	const char *rtag;
	const char *to;
	const char *from;
	uint32_t lseq;
	uint32_t rseq;
	bool direct;
	char text[];
};

/* Of a call of ours to @uri, by the server @route or directly. NULL: out of memory. */
struct dialog *dialog_new(const char *uri, const char *to, const char *name,
			  const char *from, const char *route);
/* Of a call that came in. NULL: it has no usable contact, or not what each must have. */
struct dialog *dialog_accept(const struct sip_msg *msg);
/* What an answer makes of the dialog of our call. NULL: it has no usable contact, or not what each must have. */
struct dialog *dialog_fork(const struct dialog *d, const struct sip_msg *msg);
void dialog_free(struct dialog *d);
/* Takes the contact of a message as target; false: it has none. */
bool dialog_refresh(struct dialog *d, const struct sip_msg *msg);
/* The call goes on at @uri, directly: a server said so. */
bool dialog_redirect(struct dialog *d, const char *uri);
/* @half: whatever the peer's tag is. */
bool dialog_has(const struct dialog *d, const struct sip_msg *msg, bool half);
/* Whether a request is not older than the last one; then it is the last one. */
bool dialog_is_next(struct dialog *d, const struct sip_msg *msg);
/* Sends a request; @seq is for ACK. */
bool dialog_request(struct dialog *d, struct sip_request **req, struct sip *sip,
		    const char *method, uint32_t seq, struct sip_auth *auth,
		    sip_send_h *sendh, sip_resp_h *resph, void *arg,
		    const char *fmt, ...);

#endif
