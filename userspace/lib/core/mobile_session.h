/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions of a mobile node (SES-07, SES-08): each program or device that a node
 * registers for has a request of its own, by NAI and sub-NAI, and an address that the
 * home agent gave it.
 *
 * Contract: pure state machine, no I/O, no clock, beside core/mobile_node.h, which
 * finds the place. mns_attach() tells where the node is attached, and every session
 * follows there; what a session has at the old place is in force until the reply.
 * mns_tick() does what is due and says when it wants to be called next; call it after
 * every input.
 *
 * A session keeps its address over moves and over times without a place. A home agent
 * that no longer grants it is asked for another.
 */
#ifndef ROAM_CORE_MOBILE_SESSION_H
#define ROAM_CORE_MOBILE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"
#include "core/association.h"
#include "core/mobile_node.h"
#include "wire/mip.h"

#define MNS_MAX 1024		/* sessions of one node, whatever is configured */

/** enum mns_state - what a session does */
enum mns_state {
	MNS_WAITING,	/* the node is attached nowhere, or at home */
	MNS_ASKING,	/* a request is outstanding, nothing is in force */
	MNS_ACTIVE,	/* registered; it may be asking for the next place */
	MNS_DENIED,	/* refused, and asked again later */
	MNS_ENDING,	/* its registration is being ended */
};

const char *mns_state_name(enum mns_state state);

/**
 * struct mns_session - what is known of a session
 * @name: its name, and its sub-NAI
 * @len: bytes of it
 * @home: its address, none until the home agent gave it one
 * @state: what it does
 * @registration: in force where @state is MNS_ACTIVE
 * @code: of the last denial, 0 without one
 * @took: ms from the first request to the reply, of the last registration
 */
struct mns_session {
	char name[MIP_SUB_NAI_MAX + 1];
	size_t len;
	struct roam_addr home;
	enum mns_state state;
	struct mn_registration registration;
	uint8_t code;
	msec_t took;
};

/** enum mns_event - what happened to a session */
enum mns_event {
	MNS_EVENT_REGISTERED,	/* at a place where it was not before */
	MNS_EVENT_RENEWED,
	MNS_EVENT_DENIED,
	MNS_EVENT_SILENT,	/* no answer to several requests */
	MNS_EVENT_LOST,		/* it is not registered any more, and keeps its address */
	MNS_EVENT_ENDED,	/* it is gone when the call returns */
};

const char *mns_event_name(enum mns_event event);

/**
 * struct mns_identity - who speaks for a session
 * @names: NAI and sub-NAI of its messages
 * @associations: with the home agent
 */
struct mns_identity {
	struct mip_names names;
	const struct sa_set *associations;
};

/**
 * struct mns_ops - what the core does
 * @send: sends a request
 * @event: a session changed; it must be steered as it says from now on
 * @identify: whose session it is; what is pointed to must outlive the call
 * @find_foreign: associations with a foreign agent, or NULL
 * @random: 32 random bits
 * @wallclock: ns since 1970
 */
struct mns_ops {
	void (*send)(void *ctx, const struct mn_send *send);
	void (*event)(void *ctx, const struct mns_session *session,
		      enum mns_event event);
	void (*identify)(void *ctx, const struct mns_session *session,
			 struct mns_identity *who);
	const struct sa_set *(*find_foreign)(void *ctx,
					     const struct roam_addr *agent);
	uint32_t (*random)(void *ctx);
	uint64_t (*wallclock)(void *ctx);
};

/**
 * struct mns_config - what the core is told
 * @naming: how names are written
 * @lifetime: asked for, seconds
 * @retry_max: longest time between two requests, ms
 * @nat_force: UDP tunnels in any case
 * @keepalive: seconds, where the home agent does not say
 * @max: sessions at a time
 */
struct mns_config {
	struct mip_naming naming;
	uint16_t lifetime;
	msec_t retry_max;
	bool nat_force;
	uint16_t keepalive;
	size_t max;
};

struct mns;

struct mns *mns_new(const struct mns_config *config, const struct mns_ops *ops,
		    void *ctx);
void mns_free(struct mns *mns);
/* Another configuration; sessions stay. */
void mns_configure(struct mns *mns, const struct mns_config *config);

/* Where the node is attached; NULL: nowhere. */
void mns_attach(struct mns *mns, msec_t now,
		const struct mn_registration *registration);
/*
 * A session of that name, with the address that it had, or none. False: there is one
 * already, its name is no sub-NAI, or there are too many.
 */
bool mns_add(struct mns *mns, msec_t now, const char *name,
	     const struct roam_addr *home);
/* Ends it at the home agent, too; false if there is none. */
bool mns_end(struct mns *mns, msec_t now, const char *name);
/* A datagram from port 434 came that core/mobile_node.h does not await. */
enum mn_drop mns_reply(struct mns *mns, msec_t now, const struct roam_addr *from,
		       const uint8_t *data, size_t len);
msec_t mns_tick(struct mns *mns, msec_t now);

/* NULL: there is none. */
const struct mns_session *mns_find(const struct mns *mns, const char *name);
size_t mns_count(const struct mns *mns);
void mns_walk(const struct mns *mns,
	      void (*fn)(void *ctx, const struct mns_session *session),
	      void *ctx);

#endif
