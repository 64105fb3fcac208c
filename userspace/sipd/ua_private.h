/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What ua.c and leg.c share; the only header with types of libre. */
#ifndef ROAM_SIPD_UA_PRIVATE_H
#define ROAM_SIPD_UA_PRIVATE_H

#include <stdint.h>
#include <stdio.h>
#include <re.h>

#include "base/limit.h"
#include "base/table.h"
#include "sipd/ua.h"

/* Methods that we understand. */
#define UA_ALLOW "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS\r\n"
#define UA_CONTACT_MAX 256
#define UA_TOKEN_LEN 17

struct bye;

/**
 * struct ua_stack - one side
 * @ua: the user agent
 * @side: which one
 * @sip: libre's stack, NULL where there is none
 * @requests: listens to requests
 * @responses: listens to responses that no transaction waits for
 * @byes: calls that are over, and their peers do not know it yet
 */
struct ua_stack {
	struct ua *ua;
	enum ua_side side;
	struct sip *sip;
	struct sip_lsnr *requests;
	struct sip_lsnr *responses;
	struct bye *byes;
};

/**
 * struct ua - the user agent
 * @config: settings
 * @ops: who is told
 * @ctx: for them
 * @stacks: both sides
 * @dnsc: resolver (RFC 3263)
 * @tls: context of TLS, NULL without
 * @place: care-of addresses that the sockets have
 * @legs: struct ua_leg by the hash of its Call-ID; those of one Call-ID are chained
 * @tokens: user part of the contact of each account: whoever does not know it, from
 *	a server or a dialog, calls nobody
 * @auths: what each server asked each account for, when it called
 * @limit: calls from one source
 * @counters: see above
 * @real_stderr: stderr as it was
 */
struct ua {
	const struct config *config;
	const struct ua_ops *ops;
	void *ctx;
	struct ua_stack stacks[2];
	struct dnsc *dnsc;
	struct tls *tls;
	struct roam_place place;
	struct table legs;
	char (*tokens)[UA_TOKEN_LEN];
	struct sip_auth **auths;
	struct rate_limit limit;
	struct ua_counters counters;
	FILE *real_stderr;
};

struct sa ua_to_sa(const struct roam_addr *addr, uint16_t port);
struct roam_addr ua_from_sa(const struct sa *sa);
/*
 * Copies at most @room - 1 bytes; false if it did not fit, or holds what ends a header or
 * stands in no URI (RFC 3261 25.1: ASCII).
 */
bool ua_copy(char *to, size_t room, const struct pl *pl);
/* The description in a message, NULL for none. */
const char *ua_body(const struct sip_msg *msg, size_t *len);
const char *ua_token(const struct ua *ua, const struct config_account *account);
/* What calls of @account by the server @route are challenged with; shared. */
struct sip_auth *ua_auth(struct ua *ua, const struct config_account *account,
			 const char *route);
/* Credentials of @account for a challenge (sip_auth_h). */
int ua_credentials(char **user, char **password, const char *realm, void *arg);
/* Whether a server of the configuration has that address. */
bool ua_is_server(const struct ua *ua, const struct roam_addr *addr);
/* Seconds of a Retry-After, -1 for none. */
int ua_retry_after(const struct sip_msg *msg);

void leg_init(struct ua *ua);
/* leg.c: requests in dialogs, new calls, stray answers. */
bool leg_request(struct ua_stack *stack, const struct sip_msg *msg);
void leg_invited(struct ua_stack *stack, const struct sip_msg *msg,
		 struct ua_invite *invite);
bool leg_response(struct ua_stack *stack, const struct sip_msg *msg);
void leg_close_all(struct ua *ua);

#endif
