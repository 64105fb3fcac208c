/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sessions of a host that moves: who has to be told, when to try again, when
 * to give up (SIP-13..16, OPEN-20).
 *
 * After a change of address every peer with a live session gets a re-INVITE at
 * once. What "at once" may cost is bounded by a window of unanswered requests that
 * grows with answers and shrinks when they come late, or not at all: a server between us and ten thousand
 * peers is never sent more than it keeps up with. A peer that does not answer may
 * have moved as well; then its server is asked where it is.
 *
 * Contract: pure state machine. What it wants done it asks of struct
 * sip_session_ops; what it learns comes in by a call that carries the time. A
 * session may be freed by its owner inside any of the calls that it is passed to.
 */
#ifndef ROAM_CORE_SIP_SESSION_H
#define ROAM_CORE_SIP_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/deadline.h"
#include "base/time.h"

struct sip_session;

/** enum sip_session_end - why a session is given up. */
enum sip_session_end {
	SIP_END_GONE,		/* the peer does not know it any more (481) */
	SIP_END_UNANSWERED,	/* nothing was heard of it, at its server either */
};

/** enum sip_media - what was received since the peer agreed to the new address. */
enum sip_media {
	SIP_MEDIA_UNKNOWN,	/* none is expected, or nobody watches */
	SIP_MEDIA_ARRIVES,
	SIP_MEDIA_MISSING,	/* it came before, and does not come now */
};

/** enum sip_session_event_type - what happened. */
enum sip_session_event_type {
	SIP_SESSION_TOLD,	/* the peer agreed, @took ms after the move */
	/* it refused with @code, and is asked again in @took ms; 0: only after a move */
	SIP_SESSION_REFUSED,
	SIP_SESSION_LATER,	/* it wants to be asked again in @took ms (@code) */
	SIP_SESSION_SOUGHT,	/* it does not answer; its server is asked */
	SIP_SESSION_STUCK,	/* it agreed and sends nothing to the new address */
};

/**
 * struct sip_session_event - one event
 * @type: what happened
 * @code: status code of the answer, 0 where there was none
 * @tries: requests sent since the move
 * @took: milliseconds, see the type
 */
struct sip_session_event {
	enum sip_session_event_type type;
	unsigned int code;
	unsigned int tries;
	msec_t took;
};

/**
 * struct sip_session_ops - what the core asks of its surroundings
 * @concerned: whether the move changed what the peer was told; NULL: every move does
 * @update: send a re-INVITE with the present address; false: it could not be
 *	sent, which counts as a request without answer
 * @abandon: forget the answer to the last one
 * @bypass: there is a way to the peer without the server that does not answer, and it
 *	was not tried: the next update takes it. @sure: whoever is silent, not
 *	only a server that answers nobody
 * @locate: ask the peer's server where the peer is, sip_session_located() tells
 * @media: whether media came from the peer since @since
 * @end: the session is over; the owner frees it
 * @random: 64 random bits
 * @event: something worth a line
 *
 * @ctx is the one given to sip_sessions_new(), @user that of sip_session_new().
 */
struct sip_session_ops {
	bool (*concerned)(void *ctx, void *user);
	bool (*update)(void *ctx, void *user);
	void (*abandon)(void *ctx, void *user);
	bool (*bypass)(void *ctx, void *user, bool sure);
	void (*locate)(void *ctx, void *user);
	enum sip_media (*media)(void *ctx, void *user, msec_t since);
	void (*end)(void *ctx, void *user, enum sip_session_end why);
	uint64_t (*random)(void *ctx);
	void (*event)(void *ctx, void *user,
		      const struct sip_session_event *event);
};

/**
 * struct sip_session_config - settings
 * @window: requests without answer at first; grows up to @window_max
 * @window_max: never more
 * @answer_wait: ms after which a request counts as lost for the window (T1)
 * @locate_wait: ms without an answer until the peer's server is asked
 * @give_up: ms without an answer until the session ends (64 T1)
 * @media_wait: ms until media have to come to the new address, 0: not watched
 */
struct sip_session_config {
	unsigned int window;
	unsigned int window_max;
	msec_t answer_wait;
	msec_t locate_wait;
	msec_t give_up;
	msec_t media_wait;
};

extern const struct sip_session_config sip_session_defaults;

/** enum sip_session_state - what is being done about a session. */
enum sip_session_state {
	SIP_SESSION_EARLY,	/* not established */
	SIP_SESSION_STANDS,	/* the peer knows where we are, or refused to */
	SIP_SESSION_QUEUED,	/* waits for room in the window */
	SIP_SESSION_ASKED,	/* a re-INVITE is on its way */
	SIP_SESSION_BACKOFF,	/* asked again later */
};

/**
 * struct sip_session_counters - since the start
 * @updates: re-INVITEs
 * @told: agreed to
 * @refused: refused for good
 * @glare: refused as the peer's own was on its way (491)
 * @lost: not answered within answer_wait
 * @bypassed: asked directly, as a server did not answer
 * @sought: peers whose server was asked
 * @stuck: peers that went on sending to the old address
 */
struct sip_session_counters {
	uint64_t updates;
	uint64_t told;
	uint64_t refused;
	uint64_t glare;
	uint64_t lost;
	uint64_t bypassed;
	uint64_t sought;
	uint64_t stuck;
};

struct sip_sessions;

struct sip_sessions *sip_sessions_new(const struct sip_session_config *config,
				      const struct sip_session_ops *ops,
				      void *ctx);
/* Other settings are in force from now on. */
void sip_sessions_configure(struct sip_sessions *sessions,
			    const struct sip_session_config *config);
/* Frees the sessions that are left, too. */
void sip_sessions_free(struct sip_sessions *sessions);

/**
 * sip_session_new() - a session begins
 * @sessions: the core
 * @owner: this host made the Call-ID: decides how long to wait after glare
 * @user: the owner's object
 *
 * Return: the session, or NULL when out of memory.
 */
struct sip_session *sip_session_new(struct sip_sessions *sessions, bool owner,
				    void *user);
/* Established at the address of now, or of before the last @moves of them. */
void sip_session_established(struct sip_session *session, msec_t now,
			     uint32_t epoch);
/* What the address of now is called: for sip_session_established(). */
uint32_t sip_sessions_epoch(const struct sip_sessions *sessions);
void sip_session_free(struct sip_session *session);

/**
 * sip_sessions_move() - the address of this host changed
 * @sessions: the core
 * @now: the time
 * @anywhere: it has one; without one nothing is sent and nothing ends
 */
void sip_sessions_move(struct sip_sessions *sessions, msec_t now,
		       bool anywhere);
/* Ask the peer again although nothing moved: media changed, a user says so. */
void sip_session_again(struct sip_session *session, msec_t now);
/*
 * The answer to the last re-INVITE; @code 0 or 408: there was none. @retry_after in
 * seconds, -1 if it named none.
 */
void sip_session_answered(struct sip_session *session, msec_t now,
			  unsigned int code, int retry_after);
/* Where the peer is, says its server; @changed: not where it was asked. */
void sip_session_located(struct sip_session *session, msec_t now,
			 bool changed);
/*
 * The peer sent a re-INVITE of its own. True: to be carried out; false: to be
 * refused with 491 (RFC 3261 14.2).
 */
bool sip_session_offered(const struct sip_session *session);
enum sip_session_state sip_session_state(const struct sip_session *session);
/* Whether the peer agreed to the address of now. */
bool sip_session_is_told(const struct sip_session *session);

/* Carries out what is due; returns when to call again. */
msec_t sip_sessions_tick(struct sip_sessions *sessions, msec_t now);
size_t sip_sessions_count(const struct sip_sessions *sessions);
/* Sessions whose peer does not know the address of now. */
size_t sip_sessions_untold(const struct sip_sessions *sessions);
unsigned int sip_sessions_window(const struct sip_sessions *sessions);
const struct sip_session_counters *
sip_sessions_counters(const struct sip_sessions *sessions);

#endif
