/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SIP user agent: everything that libre does for us, behind functions without
 * a type of libre. ua.c has the stack, its sockets, registrations and requests
 * outside of dialogs; leg.c the dialogs. They are the only files that speak SIP to
 * the network.
 *
 * There are two sides: the wide one, towards servers and other hosts, at the
 * care-of addresses of now, and the local one, towards phones of this host.
 */
#ifndef ROAM_SIPD_UA_H
#define ROAM_SIPD_UA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"
#include "sipd/config.h"

struct ua;
struct ua_leg;
struct ua_registration;

/** enum ua_side - where the other end is. */
enum ua_side {
	UA_WIDE,
	UA_LOCAL,
};

/* Longer URIs are refused. */
#define UA_URI_MAX 256

/**
 * struct ua_invite - somebody calls
 * @side: where from
 * @account: which account is called (wide), or calls (local)
 * @from: who calls
 * @to: who is called: the request's URI (local), the account (wide)
 * @sdp: the offer, not terminated; NULL for none
 * @len: its length
 */
struct ua_invite {
	enum ua_side side;
	const struct config_account *account;
	char from[UA_URI_MAX];
	char to[UA_URI_MAX];
	const char *sdp;
	size_t len;
};

/** enum ua_end - why a dialog ended. */
enum ua_end {
	UA_END_BYE,		/* the other end hung up */
	UA_END_CANCEL,		/* before it was answered */
	UA_END_TIMEOUT,		/* our answer was never acknowledged */
};

/**
 * struct ua_ops - what happened
 * @registered: an answer to REGISTER; @code 0: none came
 * @unanswered: nothing at all came from the server of a registration for server_wait;
 *	the request goes on being sent
 * @invited: a call; ua_leg_set_user() says whose it is. Not 0: it is refused with
 *	that code
 * @progress: the other end rings (@code 180..199), perhaps with early media
 * @answered: it answered, @sdp is its description
 * @silent: nothing at all came from a server for @wait of struct ua_target
 * @heard: the first word from a server, before what it says is told
 * @spare: likewise for a leg after ua_leg_set_spare(); false: there will be none, and
 *	the leg is gone
 * @failed: it did not (@code 0: no answer came). The leg is gone
 * @offered: a new offer in the dialog, @sdp NULL: we are to make one.
 *	ua_leg_accept() or ua_leg_refuse() answer
 * @acknowledged: the answer to an offer of ours that stood in a 200
 * @updated: the answer to ua_leg_update(); @code 0: none came
 * @located: the answer to ua_leg_locate(); @changed: the peer is somewhere else
 * @ended: the dialog is over. The leg is gone
 * @phone: a phone of this host registered at @uri, for @expires seconds, 0: it
 *	leaves. True: taken
 *
 * @user is what ua_leg_set_user() or ua_call() got; @ctx that of ua_open().
 */
struct ua_ops {
	void (*registered)(void *ctx, void *user, unsigned int code,
			   unsigned int expires);
	void (*unanswered)(void *ctx, void *user);
	unsigned int (*invited)(void *ctx, struct ua_leg *leg,
				const struct ua_invite *invite);
	void (*progress)(void *ctx, void *user, enum ua_side side,
			 unsigned int code, const char *sdp, size_t len);
	void (*answered)(void *ctx, void *user, enum ua_side side,
			 const char *sdp, size_t len);
	void (*silent)(void *ctx, void *user);
	void (*heard)(void *ctx, void *user);
	void (*spare)(void *ctx, void *user, bool heard);
	void (*failed)(void *ctx, void *user, enum ua_side side,
		       unsigned int code, const char *reason);
	void (*offered)(void *ctx, void *user, enum ua_side side,
			const char *sdp, size_t len);
	void (*acknowledged)(void *ctx, void *user, enum ua_side side,
			     const char *sdp, size_t len);
	void (*updated)(void *ctx, void *user, enum ua_side side,
			unsigned int code, int retry_after, const char *sdp,
			size_t len);
	void (*located)(void *ctx, void *user, bool changed);
	void (*ended)(void *ctx, void *user, enum ua_side side,
		      enum ua_end why);
	bool (*phone)(void *ctx, const struct config_account *account,
		      const char *uri, unsigned int expires);
};

/**
 * struct ua_counters - since the start
 * @received: messages taken apart
 * @sent: messages
 * @malformed: datagrams that are none
 * @limited: calls dropped as their source makes too many
 * @strangers: requests for nobody
 */
struct ua_counters {
	uint64_t received;
	uint64_t sent;
	uint64_t malformed;
	uint64_t limited;
	uint64_t strangers;
};

/* ---- ua.c ---- */

/* NULL with a sentence in *error, caller frees. @config must outlive it. */
struct ua *ua_open(const struct config *config, const struct ua_ops *ops,
		   void *ctx, char **error);
void ua_close(struct ua *ua);
/* Sockets at the addresses of now; those of before go. NULL or a sentence. */
char *ua_set_place(struct ua *ua, const struct roam_place *place);
const struct ua_counters *ua_counters(const struct ua *ua);
/*
 * Another configuration is in force, whose accounts and servers are those of before: what
 * servers asked for is forgotten, as passwords may be others.
 */
void ua_set_config(struct ua *ua, const struct config *config);

/* A registration of @account at @server; struct ua_ops gets @user. */
struct ua_registration *ua_registration_new(struct ua *ua,
					    const struct config_account *account,
					    const struct config_server *server,
					    void *user);
/*
 * Replaces the old contact by that of now in one request, which goes by @route; @expires 0:
 * removes both. False: it cannot be sent, and nothing will be told about it.
 */
bool ua_registration_send(struct ua_registration *reg, const char *route,
			  unsigned int expires);
/* What its server asked for is forgotten: the password may be another one. */
void ua_registration_forget(struct ua_registration *reg);
/* The same again by another way: its server is at @route now. */
bool ua_registration_reroute(struct ua_registration *reg, const char *route);
/* The address that it was last answered from, all zero before. */
struct roam_addr ua_registration_peer(const struct ua_registration *reg);
void ua_registration_free(struct ua_registration *reg);

/* ---- leg.c ---- */

/**
 * struct ua_target - whom to call
 * @side: where it is
 * @account: who calls
 * @uri: the request's URI
 * @to: whom the user meant; the same but for a phone of this host
 * @from: who calls, as shown to the other end
 * @name: the caller's name, "" for none
 * @route: the server that it goes by, NULL: directly
 * @wait: ms after which silence is told, 0: never
 */
struct ua_target {
	enum ua_side side;
	const struct config_account *account;
	const char *uri;
	const char *to;
	const char *from;
	const char *name;
	const char *route;
	msec_t wait;
};

/* A call begins; NULL if it cannot even be sent. */
struct ua_leg *ua_call(struct ua *ua, const struct ua_target *target,
		       const char *sdp, size_t len, void *user);
void ua_leg_set_user(struct ua_leg *leg, void *user);
/* @spare: another leg calls for it, until something is heard of this one. */
void ua_leg_set_spare(struct ua_leg *leg, bool spare);
/* The other end shall hear it ringing. */
void ua_leg_progress(struct ua_leg *leg, unsigned int code, const char *sdp,
		     size_t len);
/* Answers the call, or the offer, that waits. False: none waits. */
bool ua_leg_accept(struct ua_leg *leg, const char *sdp, size_t len);
/* Refuses the offer that waits; the dialog stays as it is. */
void ua_leg_refuse(struct ua_leg *leg, unsigned int code, const char *reason);
/* Offers anew. False: another request is on its way. */
bool ua_leg_update(struct ua_leg *leg, const char *sdp, size_t len);
/* The answer to the last ua_leg_update() will not be told. */
void ua_leg_abandon(struct ua_leg *leg);
/*
 * Requests go to the peer itself from now on, not by the servers that the call was set
 * up by. False: they do already.
 */
bool ua_leg_bypass(struct ua_leg *leg);
/* Asks the server @route where the peer is. */
void ua_leg_locate(struct ua_leg *leg, const char *route);
/* Ends it whatever its state is; @code refuses a call that waits. */
void ua_leg_end(struct ua_leg *leg, unsigned int code);
/* Who is at the other end. */
const char *ua_leg_peer(const struct ua_leg *leg);
const char *ua_leg_callid(const struct ua_leg *leg);
/* Where its last message came from. */
struct roam_addr ua_leg_source(const struct ua_leg *leg);

#endif
