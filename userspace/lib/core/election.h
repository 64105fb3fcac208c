/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The election of one standby group on one router: who is active, who is
 * standby. It does no I/O and knows neither sockets nor keys: the caller gives
 * it authenticated messages and the time, and carries out what it answers.
 *
 * The table stands in election.c as data, one row for each event and one cell
 * for each state, named as in requirements STBY-T01 to STBY-T11.
 */
#ifndef ROAM_CORE_ELECTION_H
#define ROAM_CORE_ELECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"
#include "wire/hsrp.h"

#define ELECT_HELLO 3000	/* ms, D-01 */
#define ELECT_HOLD 10000	/* ms, D-02 */
#define ELECT_HELLO_MIN 3	/* ms, below it timers of hosts are too coarse */
#define ELECT_HOLD_MAX 3600000	/* ms */
#define ELECT_PRIORITY 100	/* STBY-38 */
#define ELECT_VETO 5000		/* ms, D-04 */
#define ELECT_LATE_MAX 3	/* late expiries in a row that are not believed */

/** enum elect_event - rows of the table */
enum elect_event {
	ELECT_CONFIGURED = 1,
	ELECT_DISABLED = 2,
	ELECT_ACTIVE_EXPIRED = 3,
	ELECT_SPEAK_HIGHER = 4,
	ELECT_ACTIVE_HIGHER = 5,
	ELECT_ACTIVE_LOWER = 6,
	ELECT_RESIGNED = 7,
	ELECT_COUP_HIGHER = 8,
	ELECT_STANDBY_EXPIRED = 9,
	ELECT_STANDBY_HIGHER = 10,
	ELECT_STANDBY_LOWER = 11,
	ELECT_EVENTS
};

/**
 * struct elect_rank - what is compared
 * @priority: higher wins
 * @addr: primary address, higher wins among equal priorities (STBY-39)
 */
struct elect_rank {
	uint8_t priority;
	struct roam_addr addr;
};

/* >0 if @a wins, <0 if @b does. */
typedef int (*elect_compare_fn)(const struct elect_rank *a,
				const struct elect_rank *b);

/**
 * struct elect_config - of one group
 * @addr: this router's primary address on the link
 * @vip: virtual address, all zero: learned from the active router
 * @hello: hellotime in ms, 0: learned
 * @hold: holdtime in ms, 0: learned; above @hello
 * @priority: 0..255
 * @preempt: takes the role from a lower active router (STBY-68)
 * @preempt_delay: ms after event 1 during which it does not
 * @keep_standby: a lower standby router stays (STBY-69); false by default
 * @directed_coup: a standby router yields to a coup, too (STBY-N07)
 * @tables: there are tables to fetch before a coup (STBY-73) and somebody to ask
 *	for clearance (STBY-75)
 * @veto: ms from a veto to the next question
 * @compare: NULL for priority, then address (STBY-41)
 */
struct elect_config {
	struct roam_addr addr;
	struct roam_addr vip;
	msec_t hello;
	msec_t hold;
	uint8_t priority;
	bool preempt;
	msec_t preempt_delay;
	bool keep_standby;
	bool directed_coup;
	bool tables;
	msec_t veto;
	elect_compare_fn compare;
};

/** enum elect_do - what the caller shall do, in the order given */
enum elect_do {
	ELECT_SEND,		/* a message: @op to @to */
	ELECT_ADOPT,		/* take virtual address and MAC, announce (STBY-52) */
	ELECT_RELEASE,		/* give them up (STBY-53), before anything is sent */
	ELECT_FETCH,		/* get the table of the active router @to (STBY-65) */
	ELECT_CLEARANCE,	/* ask whether a coup may be now: elect_clearance() */
	ELECT_CHANGED,		/* the state changed: see struct elect_change */
	ELECT_PEERS,		/* active or standby router is another one (STBY-66) */
	ELECT_LEARNED,		/* timers or virtual address are others now */
};

/**
 * struct elect_change - one transition, with its reason in numbers
 * @when: time
 * @from: state before
 * @to: state after
 * @event: row of the table; 0 for what is not in it: see @reason
 * @reason: static sentence
 * @peer: who caused it, all zero if nobody
 * @peer_priority: likewise
 * @priority: own priority then
 * @silent: ms since the active router was last heard, -1 for never
 * @late: ms that this process ran late when it happened
 */
struct elect_change {
	msec_t when;
	uint8_t from;
	uint8_t to;
	uint8_t event;
	const char *reason;
	struct roam_addr peer;
	uint8_t peer_priority;
	uint8_t priority;
	msec_t silent;
	msec_t late;
};

/**
 * struct elect_effect - one thing to do
 * @what: enum elect_do
 * @op: enum hsrp_op, with ELECT_SEND
 * @state: state that the message tells, with ELECT_SEND
 * @to: receiver; all zero for the group
 * @change: with ELECT_CHANGED
 */
struct elect_effect {
	uint8_t what;
	uint8_t op;
	uint8_t state;
	struct roam_addr to;
	struct elect_change change;
};

#define ELECT_EFFECTS 24

/**
 * struct elect_effects - what one input leads to; filled from the beginning
 * @n: used
 * @effect: in order
 */
struct elect_effects {
	size_t n;
	struct elect_effect effect[ELECT_EFFECTS];
};

/**
 * struct elect_peer - the active or the standby router, as heard
 * @known: there is one
 * @rank: what it says of itself
 * @heard: when it was heard last
 */
struct elect_peer {
	bool known;
	struct elect_rank rank;
	msec_t heard;
};

/**
 * struct elect_stats - counted since elect_init()
 * @events: inputs by row of the table
 * @ignored: messages that no row is about
 * @changes: transitions
 * @late: timers that this process ran too late for
 * @late_worst: ms
 * @disbelieved: expiries that were not believed as it had not run
 * @fences: times that it stopped serving as it had not run
 * @vetoes: coups put off
 * @learned: times that timers or address changed by what the active router says
 */
struct elect_stats {
	uint64_t events[ELECT_EVENTS];
	uint64_t ignored;
	uint64_t changes;
	uint64_t late;
	msec_t late_worst;
	uint64_t disbelieved;
	uint64_t fences;
	uint64_t vetoes;
	uint64_t learned;
};

/** enum elect_clear - what was said about a coup against the present active */
enum elect_clear {
	ELECT_CLEAR_NONE,
	ELECT_CLEAR_ASKED,
	ELECT_CLEAR_GRANTED,
	ELECT_CLEAR_VETOED,
};

/**
 * struct election - one group on one router; plain memory, no clean-up
 * @config: as given
 * @state: enum hsrp_state
 * @priority: effective, lowered by what is tracked (STBY-40)
 * @vip: in effect, configured or learned
 * @other_vip: what the active router said last
 * @hello: in effect, 0 while unknown
 * @hold: in effect, 0 while unknown
 * @active_timer: when the active router counts as dead, MSEC_NEVER while it does
 *	not run
 * @standby_timer: likewise for the standby router
 * @hello_timer: next own hello
 * @last_sent: last own hello
 * @serves: the caller was told to adopt the addresses, and not yet to release them
 * @fenced_until: ACTIVE only: it did not run and listens until then;
 *	MSEC_NEVER while it serves
 * @veto_timer: when a vetoed coup may be asked for again
 * @no_preempt_until: preemption is off until then
 * @table_of: whose table is here completely; all zero for nobody's
 * @fetching: whose table was asked for
 * @clear: enum elect_clear
 * @late_row: late expiries in a row
 * @late: of the present input, ms
 * @active: the active router, if it is another one
 * @standby: the standby router, if it is another one
 * @stats: numbers
 */
struct election {
	struct elect_config config;
	uint8_t state;
	uint8_t priority;
	struct roam_addr vip;
	struct roam_addr other_vip;
	msec_t hello;
	msec_t hold;
	msec_t active_timer;
	msec_t standby_timer;
	msec_t hello_timer;
	msec_t last_sent;
	bool serves;
	msec_t fenced_until;
	msec_t veto_timer;
	msec_t no_preempt_until;
	struct roam_addr table_of;
	struct roam_addr fetching;
	uint8_t clear;
	uint8_t late_row;
	msec_t late;
	struct elect_peer active;
	struct elect_peer standby;
	struct elect_stats stats;
};

/* In state Virgin, nothing runs. */
void elect_init(struct election *e, const struct elect_config *config);

/* Event 1: configured, and the link is up. */
void elect_start(struct election *e, msec_t now, struct elect_effects *out);
/* Event 2: disabled, or the link is down. @reason is static. */
void elect_stop(struct election *e, msec_t now, const char *reason,
		struct elect_effects *out);
/* Another configuration is event 2, then event 1 (STBY-N13). */
void elect_reconfigure(struct election *e, msec_t now,
		       const struct elect_config *config,
		       struct elect_effects *out);
/*
 * Leaves the active role on request, and does not take it back by a coup for
 * @pause ms. False if it is not active.
 */
bool elect_resign(struct election *e, msec_t now, msec_t pause,
		  const char *reason, struct elect_effects *out);

/**
 * elect_input() - a message of the group
 * @e: the election
 * @now: time
 * @heard: when the kernel received it; a process that did not run reads old
 *	messages, and these keep nobody alive
 * @msg: authenticated; its sender field is who sent it
 * @out: what to do
 */
void elect_input(struct election *e, msec_t now, msec_t heard,
		 const struct hsrp_msg *msg, struct elect_effects *out);

/* When elect_run() wants to be called next. */
msec_t elect_next(const struct election *e);
/*
 * Runs what is due. Messages that wait in the socket are given to elect_input()
 * before. How late it is called is measured: see ELECT_LATE_MAX.
 */
void elect_run(struct election *e, msec_t now, struct elect_effects *out);

/* Effective priority, as what it tracks changed; no event of the table. */
void elect_set_priority(struct election *e, uint8_t priority);
/* The table of the active router @of is complete here, or is not any more. */
void elect_table(struct election *e, const struct roam_addr *of, bool complete);
/* Answer to ELECT_CLEARANCE. */
void elect_clearance(struct election *e, msec_t now, bool granted);
/* No coup until @until, MSEC_NEVER for ever, 0 for at once again (STBY-68). */
void elect_no_preempt(struct election *e, msec_t until);

/* It serves the virtual address: active and not fenced. */
bool elect_serves(const struct election *e);
/* Fills in the message of an ELECT_SEND; counter, key and name are open. */
void elect_message(const struct election *e, const struct elect_effect *effect,
		   struct hsrp_msg *msg);
/* "STBY-T06.Speak" in @buf (24 bytes), or "-" for a change without an event. */
const char *elect_cell_name(uint8_t event, uint8_t state, char *buf);
const char *elect_event_name(uint8_t event);

#endif
