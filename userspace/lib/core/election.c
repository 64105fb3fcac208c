// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/election.h"

#include <stdio.h>
#include <string.h>

/** enum action - what a cell says, as bits */
enum action {
	AT_START = 1 << 0,	/* AT+ */
	AT_CLEAR = 1 << 1,	/* AT- */
	ST_START = 1 << 2,	/* ST+ */
	ST_CLEAR = 1 << 3,	/* ST- */
	SNOOP = 1 << 4,		/* learn minimal information */
	COUP = 1 << 5,		/* Coup to the group */
	RESIGN = 1 << 6,	/* Resign to the group */
	RESIGN_TO = 1 << 7,	/* Resign to the sender only (STBY-71, STBY-72) */
};

#define KEEP 0xff		/* as next state */
#define IF_KNOWN 0xfe		/* Listen if minimal information is known, else Learn */

/**
 * struct cell - what an event does in a state
 * @actions: bits of enum action
 * @next: next state
 * @when: where not NULL: @then takes the place of @next, and @also is done in
 *	addition, only if it holds
 * @also: bits of enum action
 * @then: next state
 */
struct cell {
	uint16_t actions;
	uint8_t next;
	bool (*when)(const struct election *e);
	uint16_t also;
	uint8_t then;
};

static bool may_preempt(const struct election *e);
static bool may_displace(const struct election *e);
static bool yields_to_coup(const struct election *e);

#define NOTHING { .next = KEEP }
#define DO(a, n) { .actions = (a), .next = (n) }
#define DO_IF(a, w, b, n) \
	{ .actions = (a), .next = KEEP, .when = (w), .also = (b), .then = (n) }

/*
 * The table of section 3.4, FIG. 10. Columns as there: Virgin, Learn, Listen,
 * Speak, Standby, Active. Notes: an expiry of the active timer in Speak needs
 * no mark to be remembered (N01): the timer does not run any more, and that is
 * what enter() looks at on the way to Standby.
 */
static const struct cell table[ELECT_EVENTS][HSRP_STATES] = {
	[ELECT_CONFIGURED] = {
		DO(AT_START | ST_START, IF_KNOWN),
		NOTHING, NOTHING, NOTHING, NOTHING, NOTHING,
	},
	[ELECT_DISABLED] = {
		DO(AT_CLEAR | ST_CLEAR, KEEP),
		DO(AT_CLEAR | ST_CLEAR, HSRP_VIRGIN),
		DO(AT_CLEAR | ST_CLEAR, HSRP_VIRGIN),
		DO(AT_CLEAR | ST_CLEAR, HSRP_VIRGIN),
		DO(AT_CLEAR | ST_CLEAR, HSRP_VIRGIN),
		DO(AT_CLEAR | ST_CLEAR | RESIGN, HSRP_VIRGIN),
	},
	[ELECT_ACTIVE_EXPIRED] = {
		NOTHING, NOTHING,
		DO(AT_START | ST_START, HSRP_SPEAK),
		NOTHING, /* N01 */
		DO(AT_CLEAR, HSRP_ACTIVE),
		NOTHING,
	},
	[ELECT_SPEAK_HIGHER] = {
		NOTHING, NOTHING, NOTHING,
		DO(ST_START, HSRP_LISTEN), /* N02 */
		DO_IF(0, may_displace, ST_START, HSRP_LISTEN),
		NOTHING,
	},
	[ELECT_ACTIVE_HIGHER] = {
		DO(SNOOP, KEEP), /* N03 */
		DO(SNOOP | AT_START | ST_START, IF_KNOWN),
		DO(SNOOP | AT_START, KEEP),
		DO(SNOOP | AT_START, KEEP),
		DO(SNOOP | AT_START, KEEP),
		DO(AT_START | ST_START, HSRP_SPEAK), /* N12 */
	},
	[ELECT_ACTIVE_LOWER] = {
		NOTHING,
		DO(SNOOP | AT_START | ST_START, IF_KNOWN),
		DO_IF(SNOOP | AT_START, may_preempt, /* N04 */
		      COUP | AT_CLEAR | ST_START, HSRP_ACTIVE),
		DO_IF(SNOOP | AT_START, may_preempt,
		      COUP | AT_CLEAR | ST_START, HSRP_ACTIVE),
		DO_IF(SNOOP | AT_START, may_preempt, /* N05 */
		      COUP | AT_CLEAR, HSRP_ACTIVE),
		DO(COUP, KEEP),
	},
	[ELECT_RESIGNED] = {
		NOTHING, NOTHING,
		DO(AT_START | ST_START, HSRP_SPEAK),
		DO(AT_START, KEEP),
		DO(AT_CLEAR, HSRP_ACTIVE),
		NOTHING,
	},
	[ELECT_COUP_HIGHER] = { /* N06 */
		NOTHING, NOTHING, NOTHING, NOTHING,
		DO_IF(0, yields_to_coup, ST_START, HSRP_LISTEN), /* N07 */
		DO(RESIGN_TO | AT_START | ST_START, HSRP_SPEAK),
	},
	[ELECT_STANDBY_EXPIRED] = {
		NOTHING, NOTHING,
		DO(ST_START, HSRP_SPEAK),
		DO(ST_CLEAR, HSRP_STANDBY), /* N01 */
		NOTHING, NOTHING,
	},
	[ELECT_STANDBY_HIGHER] = { /* N08 */
		NOTHING, NOTHING,
		DO(ST_START, KEEP),
		DO(ST_START, HSRP_LISTEN),
		DO(ST_START, HSRP_LISTEN),
		DO(ST_START, KEEP),
	},
	[ELECT_STANDBY_LOWER] = { /* N09 */
		NOTHING, NOTHING,
		DO_IF(ST_START, may_displace, 0, HSRP_SPEAK),
		DO_IF(ST_CLEAR, may_displace, 0, HSRP_STANDBY),
		NOTHING,
		DO(ST_START, KEEP),
	},
};

static const char *const event_names[ELECT_EVENTS] = {
	[ELECT_CONFIGURED] = "configured",
	[ELECT_DISABLED] = "disabled",
	[ELECT_ACTIVE_EXPIRED] = "active_expired",
	[ELECT_SPEAK_HIGHER] = "speak_higher",
	[ELECT_ACTIVE_HIGHER] = "active_higher",
	[ELECT_ACTIVE_LOWER] = "active_lower",
	[ELECT_RESIGNED] = "resigned",
	[ELECT_COUP_HIGHER] = "coup_higher",
	[ELECT_STANDBY_EXPIRED] = "standby_expired",
	[ELECT_STANDBY_HIGHER] = "standby_higher",
	[ELECT_STANDBY_LOWER] = "standby_lower",
};

static const char *const reasons[ELECT_EVENTS] = {
	[ELECT_CONFIGURED] = "the group is configured and its link is up",
	[ELECT_DISABLED] = "the group is disabled or its link is down",
	[ELECT_ACTIVE_EXPIRED] = "the active router was silent for a holdtime",
	[ELECT_SPEAK_HIGHER] = "a better router speaks for the standby role",
	[ELECT_ACTIVE_HIGHER] = "a better router is active",
	[ELECT_ACTIVE_LOWER] = "a worse router is active and preemption is on",
	[ELECT_RESIGNED] = "the active router resigned",
	[ELECT_COUP_HIGHER] = "a better router took the role by a coup",
	[ELECT_STANDBY_EXPIRED] = "no standby router was heard for a holdtime",
	[ELECT_STANDBY_HIGHER] = "a better router is standby",
	[ELECT_STANDBY_LOWER] = "the standby router is a worse one",
};

static const struct roam_addr none;

const char *elect_event_name(uint8_t event)
{
	return event && event < ELECT_EVENTS ? event_names[event] : "none";
}

const char *elect_cell_name(uint8_t event, uint8_t state, char *buf)
{
	const char *name = hsrp_state_name(state);

	if (!event || event >= ELECT_EVENTS)
		return strcpy(buf, "-");
	snprintf(buf, 24, "STBY-T%02u.%c%s", event, name[0] - 'a' + 'A',
		 name + 1);
	return buf;
}

static int compare_ranks(const struct elect_rank *a, const struct elect_rank *b)
{
	if (a->priority != b->priority)
		return a->priority < b->priority ? -1 : 1;
	return roam_addr_cmp(&a->addr, &b->addr);
}

static bool is_higher(const struct election *e, const struct elect_rank *other)
{
	struct elect_rank own = { e->priority, e->config.addr };
	elect_compare_fn compare = e->config.compare ? e->config.compare :
						       compare_ranks;

	return compare(other, &own) > 0;
}

/* STBY-N04: table and clearance are those of the present active router. */
static bool may_preempt(const struct election *e)
{
	return e->config.preempt && !e->no_preempt_until &&
	       (!e->config.tables ||
		(e->clear == ELECT_CLEAR_GRANTED &&
		 roam_addr_eq(&e->table_of, &e->active.rank.addr)));
}

static bool may_displace(const struct election *e)
{
	return !e->config.keep_standby;
}

static bool yields_to_coup(const struct election *e)
{
	return e->config.directed_coup;
}

static struct elect_effect *effect(struct elect_effects *out, uint8_t what)
{
	/* Larger than any input can fill: the last place is written again. */
	struct elect_effect *x = &out->effect[out->n < ELECT_EFFECTS ?
					      out->n++ : ELECT_EFFECTS - 1];

	memset(x, 0, sizeof(*x));
	x->what = what;
	return x;
}

static void say(const struct election *e, uint8_t op,
		const struct roam_addr *to, struct elect_effects *out)
{
	struct elect_effect *x = effect(out, ELECT_SEND);

	x->op = op;
	x->state = e->state;
	x->to = *to;
}

static void send_hello(struct election *e, msec_t now,
		       struct elect_effects *out)
{
	say(e, HSRP_HELLO, &none, out);
	e->last_sent = now;
	e->hello_timer = now + e->hello;
}

static bool is_known(const struct election *e)
{
	return e->hello && e->hold && !roam_addr_is_none(&e->vip);
}

bool elect_serves(const struct election *e)
{
	return e->serves;
}

static void adopt(struct election *e, struct elect_effects *out)
{
	e->serves = true;
	effect(out, ELECT_ADOPT);
}

static void release(struct election *e, struct elect_effects *out)
{
	if (!e->serves)
		return;
	e->serves = false;
	effect(out, ELECT_RELEASE);
}

/* In Learn nobody may have said yet how long it is. */
static msec_t holdtime(const struct election *e)
{
	return e->hold ? e->hold : ELECT_HOLD;
}

static void forget(struct elect_peer *peer, struct elect_effects *out)
{
	if (!peer->known)
		return;
	peer->known = false;
	effect(out, ELECT_PEERS);
}

static void hear(struct elect_peer *peer, msec_t heard,
		 const struct elect_rank *rank, struct elect_effects *out)
{
	bool same = peer->known && roam_addr_eq(&peer->rank.addr, &rank->addr);

	peer->known = true;
	peer->rank = *rank;
	peer->heard = heard;
	if (!same)
		effect(out, ELECT_PEERS);
}

/* Another active router: what was said about the one before holds no more. */
static void new_active(struct election *e)
{
	e->clear = ELECT_CLEAR_NONE;
	e->veto_timer = MSEC_NEVER;
	memset(&e->fetching, 0, sizeof(e->fetching));
}

static void change(struct election *e, msec_t now, uint8_t to, uint8_t event,
		   const char *reason, const struct elect_rank *peer,
		   struct elect_effects *out)
{
	struct elect_change c = {
		.when = now, .from = e->state, .to = to, .event = event,
		.reason = reason, .priority = e->priority, .late = e->late,
		.silent = e->active.known ? now - e->active.heard : -1,
	};

	if (peer) {
		c.peer = peer->addr;
		c.peer_priority = peer->priority;
	}
	e->stats.changes++;
	e->state = to;
	effect(out, ELECT_CHANGED)->change = c;
}

/* STBY-65: the table of the active router, asked for once. */
static void fetch(struct election *e, struct elect_effects *out)
{
	const struct roam_addr *active = &e->active.rank.addr;

	if (!e->config.tables || roam_addr_eq(&e->table_of, active) ||
	    roam_addr_eq(&e->fetching, active))
		return;
	effect(out, ELECT_FETCH)->to = *active;
	e->fetching = *active;
}

static void handle(struct election *e, msec_t now, msec_t heard, uint8_t event,
		   const char *reason, const struct elect_rank *peer,
		   const struct hsrp_msg *msg, struct elect_effects *out);

/*
 * STBY-52, STBY-53 and the notes on entering: addresses move before anything
 * is said, and who begins to speak does so at once.
 */
static void enter(struct election *e, msec_t now, uint8_t to, uint8_t event,
		  const char *reason, const struct elect_rank *peer,
		  struct elect_effects *out)
{
	uint8_t from = e->state;

	if (from == to)
		return;
	if (from == HSRP_ACTIVE) {
		release(e, out);
		e->fenced_until = MSEC_NEVER;
	}
	change(e, now, to, event, reason, peer, out);
	e->hello_timer = MSEC_NEVER;
	if (to == HSRP_ACTIVE) {
		/* Its timers are the group's from now on (STBY-37). */
		if (e->config.hello) {
			e->hello = e->config.hello;
			e->hold = e->config.hold;
		}
		forget(&e->active, out);
		adopt(e, out);
	}
	if (from == HSRP_STANDBY || to == HSRP_STANDBY)
		forget(&e->standby, out);
	if (to >= HSRP_SPEAK)
		send_hello(e, now, out);
	if (to == HSRP_STANDBY) {
		/* STBY-65; the active router is known, or event 3 follows. */
		if (e->active.known)
			fetch(e, out);
		if (e->active_timer == MSEC_NEVER)
			handle(e, now, now, ELECT_ACTIVE_EXPIRED,
			       "no active router was there when it became standby",
			       NULL, NULL, out);
	}
}

/* STBY-49: from the active router only, and nothing that could not be. */
static void snoop(struct election *e, const struct hsrp_msg *msg,
		  struct elect_effects *out)
{
	bool changed = false;

	if (msg->hello >= ELECT_HELLO_MIN && msg->hold > msg->hello &&
	    msg->hold <= ELECT_HOLD_MAX &&
	    (e->hello != msg->hello || e->hold != msg->hold)) {
		e->hello = msg->hello;
		e->hold = msg->hold;
		changed = true;
	}
	/* A configured address stays: one that is changed live must not be undone. */
	if (!roam_addr_is_none(&msg->vip) &&
	    roam_addr_is_none(&e->config.vip) &&
	    !roam_addr_eq(&e->vip, &msg->vip)) {
		e->vip = msg->vip;
		changed = true;
	}
	e->other_vip = msg->vip;
	if (!changed)
		return;
	e->stats.learned++;
	effect(out, ELECT_LEARNED);
}

static void act(struct election *e, msec_t heard, uint16_t actions,
		const struct elect_rank *peer, const struct hsrp_msg *msg,
		struct elect_effects *out)
{
	if (actions & SNOOP)
		snoop(e, msg, out);
	if (actions & AT_START)
		e->active_timer = heard + holdtime(e);
	if (actions & ST_START)
		e->standby_timer = heard + holdtime(e);
	if (actions & AT_CLEAR)
		e->active_timer = MSEC_NEVER;
	if (actions & ST_CLEAR)
		e->standby_timer = MSEC_NEVER;
	/*
	 * The Resign leaves when the addresses are gone, so that nobody takes
	 * them while they are still here.
	 */
	if (actions & (RESIGN | RESIGN_TO))
		release(e, out);
	if (actions & RESIGN)
		say(e, HSRP_RESIGN, &none, out);
	if (actions & RESIGN_TO)
		say(e, HSRP_RESIGN, &peer->addr, out);
	if (actions & COUP)
		say(e, HSRP_COUP, &none, out);
}

/* One row of the table. */
static void handle(struct election *e, msec_t now, msec_t heard, uint8_t event,
		   const char *reason, const struct elect_rank *peer,
		   const struct hsrp_msg *msg, struct elect_effects *out)
{
	const struct cell *cell = &table[event][e->state];
	uint8_t next = cell->next;

	e->stats.events[event]++;
	act(e, heard, cell->actions, peer, msg, out);
	if (cell->when && cell->when(e)) {
		act(e, heard, cell->also, peer, msg, out);
		next = cell->then;
	}
	if (next == IF_KNOWN)
		next = is_known(e) ? HSRP_LISTEN : HSRP_LEARN;
	if (next != KEEP)
		enter(e, now, next, event, reason ? reason : reasons[event],
		      peer, out);
}

void elect_init(struct election *e, const struct elect_config *config)
{
	memset(e, 0, sizeof(*e));
	e->config = *config;
	e->priority = config->priority;
	e->vip = config->vip;
	e->hello = config->hello;
	e->hold = config->hold;
	e->active_timer = MSEC_NEVER;
	e->standby_timer = MSEC_NEVER;
	e->hello_timer = MSEC_NEVER;
	e->fenced_until = MSEC_NEVER;
	e->veto_timer = MSEC_NEVER;
}

void elect_start(struct election *e, msec_t now, struct elect_effects *out)
{
	if (e->state == HSRP_VIRGIN && e->config.preempt_delay)
		elect_no_preempt(e, max_time(e->no_preempt_until,
					     now + e->config.preempt_delay));
	handle(e, now, now, ELECT_CONFIGURED, NULL, NULL, NULL, out);
}

void elect_stop(struct election *e, msec_t now, const char *reason,
		struct elect_effects *out)
{
	handle(e, now, now, ELECT_DISABLED, reason, NULL, NULL, out);
	forget(&e->active, out);
	forget(&e->standby, out);
	new_active(e);
	memset(&e->table_of, 0, sizeof(e->table_of));
}

void elect_reconfigure(struct election *e, msec_t now,
		       const struct elect_config *config,
		       struct elect_effects *out)
{
	bool ran = e->state != HSRP_VIRGIN;

	elect_stop(e, now, "the configuration changed", out);
	e->config = *config;
	e->priority = config->priority;
	/* What is not configured stays as it was learned. */
	if (!roam_addr_is_none(&config->vip))
		e->vip = config->vip;
	if (config->hello) {
		e->hello = config->hello;
		e->hold = config->hold;
	}
	if (ran)
		elect_start(e, now, out);
}

bool elect_resign(struct election *e, msec_t now, msec_t pause,
		  const char *reason, struct elect_effects *out)
{
	if (e->state != HSRP_ACTIVE)
		return false;
	elect_stop(e, now, reason, out);
	if (pause)
		elect_no_preempt(e, pause == MSEC_NEVER ? MSEC_NEVER :
							  now + pause);
	elect_start(e, now, out);
	return true;
}

/* STBY-73, STBY-75: what a coup needs is asked for while it is not there. */
static void prepare_coup(struct election *e, msec_t now,
			 struct elect_effects *out)
{
	if (!e->config.preempt || e->no_preempt_until || !e->config.tables ||
	    e->state < HSRP_LISTEN)
		return;
	fetch(e, out);
	if (!roam_addr_eq(&e->table_of, &e->active.rank.addr))
		return;
	if (e->clear == ELECT_CLEAR_NONE ||
	    (e->clear == ELECT_CLEAR_VETOED && now >= e->veto_timer)) {
		e->clear = ELECT_CLEAR_ASKED;
		effect(out, ELECT_CLEARANCE);
	}
}

static void hear_active(struct election *e, msec_t now, msec_t heard,
			const struct hsrp_msg *msg,
			const struct elect_rank *peer, struct elect_effects *out)
{
	bool higher = is_higher(e, peer);

	if (e->state == HSRP_ACTIVE && !e->serves) {
		/* Whoever it is served while this router did not run. */
		handle(e, now, heard, ELECT_ACTIVE_HIGHER,
		       "another router became active while this one did not run",
		       peer, msg, out);
		hear(&e->active, heard, peer, out);
		return;
	}
	if (e->state >= HSRP_LEARN && e->state < HSRP_ACTIVE) {
		if (!e->active.known ||
		    !roam_addr_eq(&e->active.rank.addr, &peer->addr))
			new_active(e);
		hear(&e->active, heard, peer, out);
		/* The standby router moved up: it is standby no more. */
		if (e->standby.known &&
		    roam_addr_eq(&e->standby.rank.addr, &peer->addr))
			forget(&e->standby, out);
		if (e->state == HSRP_STANDBY)
			fetch(e, out);
		if (!higher)
			prepare_coup(e, now, out);
	}
	handle(e, now, heard, higher ? ELECT_ACTIVE_HIGHER : ELECT_ACTIVE_LOWER,
	       NULL, peer, msg, out);
	/* It was active itself until now. */
	if (e->state == HSRP_SPEAK)
		hear(&e->active, heard, peer, out);
}

static void hear_standby(struct election *e, msec_t now, msec_t heard,
			 const struct hsrp_msg *msg,
			 const struct elect_rank *peer,
			 struct elect_effects *out)
{
	/* The active router moved down. */
	if (e->active.known &&
	    roam_addr_eq(&e->active.rank.addr, &peer->addr))
		forget(&e->active, out);
	handle(e, now, heard,
	       is_higher(e, peer) ? ELECT_STANDBY_HIGHER : ELECT_STANDBY_LOWER,
	       NULL, peer, msg, out);
	if (e->state >= HSRP_LISTEN && e->state != HSRP_STANDBY)
		hear(&e->standby, heard, peer, out);
}

static void hear_resign(struct election *e, msec_t now,
			const struct hsrp_msg *msg,
			const struct elect_rank *peer,
			struct elect_effects *out)
{
	/* STBY-57: only the active router's counts. */
	if (msg->state != HSRP_ACTIVE ||
	    (e->active.known &&
	     !roam_addr_eq(&e->active.rank.addr, &peer->addr))) {
		e->stats.ignored++;
		return;
	}
	handle(e, now, now, ELECT_RESIGNED, NULL, peer, msg, out);
	forget(&e->active, out);
	new_active(e);
}

/*
 * Others count it as dead when they heard nothing for a holdtime. What it may
 * still send then comes too late for them, and half a hellotime is kept for
 * the way.
 */
static bool lost_its_role(const struct election *e, msec_t now)
{
	return e->serves &&
	       now >= e->last_sent + e->hold - e->hello / 2;
}

static void fence(struct election *e, msec_t now, struct elect_effects *out)
{
	e->late = max_time(now - e->hello_timer, 0);
	release(e, out);
	e->stats.fences++;
	e->hello_timer = MSEC_NEVER;
	e->fenced_until = now + e->hold;
	change(e, now, HSRP_ACTIVE, 0,
	       "it did not run for so long that another router may be active: it serves nobody and listens",
	       NULL, out);
}

static void unfence(struct election *e, msec_t now, struct elect_effects *out)
{
	e->fenced_until = MSEC_NEVER;
	change(e, now, HSRP_ACTIVE, 0,
	       "no other router became active while it did not run: it serves again",
	       NULL, out);
	adopt(e, out);
	send_hello(e, now, out);
}

static void end_pause(struct election *e, msec_t now)
{
	if (now >= e->no_preempt_until)
		e->no_preempt_until = 0;
}

void elect_input(struct election *e, msec_t now, msec_t heard,
		 const struct hsrp_msg *msg, struct elect_effects *out)
{
	struct elect_rank peer = { msg->priority, msg->sender };

	e->late = 0;
	end_pause(e, now);
	/* Before anything that it reads makes it speak as active router. */
	if (lost_its_role(e, now))
		fence(e, now, out);
	heard = min_time(heard, now);
	/* What is older than a holdtime says nothing about now. */
	if (roam_addr_eq(&peer.addr, &e->config.addr) ||
	    (e->hold && now - heard >= e->hold)) {
		e->stats.ignored++;
		return;
	}
	if (msg->op == HSRP_COUP) {
		if (is_higher(e, &peer))
			handle(e, now, now, ELECT_COUP_HIGHER, NULL, &peer, msg,
			       out);
		else
			e->stats.ignored++;
	} else if (msg->op == HSRP_RESIGN) {
		hear_resign(e, now, msg, &peer, out);
	} else if (msg->op == HSRP_HELLO && msg->state == HSRP_ACTIVE) {
		hear_active(e, now, heard, msg, &peer, out);
	} else if (msg->op == HSRP_HELLO && msg->state == HSRP_STANDBY) {
		hear_standby(e, now, heard, msg, &peer, out);
	} else if (msg->op == HSRP_HELLO && msg->state == HSRP_SPEAK &&
		   is_higher(e, &peer)) {
		handle(e, now, heard, ELECT_SPEAK_HIGHER, NULL, &peer, msg, out);
	} else {
		e->stats.ignored++;
	}
}

msec_t elect_next(const struct election *e)
{
	msec_t next = min_time(e->active_timer, e->standby_timer);

	next = min_time(next, e->hello_timer);
	return min_time(next, e->fenced_until);
}

/*
 * A timer that is run half a hellotime late or more: the process did not run,
 * and maybe the host did not, so that nothing was received. What expired
 * meanwhile is not believed; it listens once more. Not for ever: a host that is
 * always late must take over some time.
 */
static void disbelieve(struct election *e, msec_t now)
{
	if (e->active_timer > now && e->standby_timer > now)
		return;
	if (e->late < max_time(e->hello / 2, 2)) {
		e->late_row = 0;
		return;
	}
	if (e->late_row >= ELECT_LATE_MAX)
		return;
	e->late_row++;
	e->stats.disbelieved++;
	if (e->active_timer <= now)
		e->active_timer = now + holdtime(e);
	if (e->standby_timer <= now)
		e->standby_timer = now + holdtime(e);
}

static void measure(struct election *e, msec_t now)
{
	msec_t next = elect_next(e);

	e->late = next <= now ? now - next : 0;
	if (e->late >= max_time(e->hello / 2, 2))
		e->stats.late++;
	e->stats.late_worst = max_time(e->stats.late_worst, e->late);
}

void elect_run(struct election *e, msec_t now, struct elect_effects *out)
{
	measure(e, now);
	end_pause(e, now);
	if (lost_its_role(e, now))
		fence(e, now, out);
	disbelieve(e, now);
	if (e->fenced_until <= now)
		unfence(e, now, out);
	if (e->active_timer <= now) {
		e->active_timer = MSEC_NEVER;
		handle(e, now, now, ELECT_ACTIVE_EXPIRED,
		       e->active.known ? NULL :
		       "no active router was heard for a holdtime",
		       e->active.known ? &e->active.rank : NULL, NULL, out);
		forget(&e->active, out);
		new_active(e);
	}
	if (e->standby_timer <= now) {
		e->standby_timer = MSEC_NEVER;
		handle(e, now, now, ELECT_STANDBY_EXPIRED, NULL,
		       e->standby.known ? &e->standby.rank : NULL, NULL, out);
		forget(&e->standby, out);
	}
	if (e->hello_timer <= now)
		send_hello(e, now, out);
	e->late = 0;
}

void elect_set_priority(struct election *e, uint8_t priority)
{
	e->priority = priority;
}

void elect_table(struct election *e, const struct roam_addr *of, bool complete)
{
	if (complete) {
		e->table_of = *of;
	} else if (roam_addr_eq(&e->table_of, of)) {
		memset(&e->table_of, 0, sizeof(e->table_of));
	}
	if (roam_addr_eq(&e->fetching, of))
		memset(&e->fetching, 0, sizeof(e->fetching));
}

void elect_clearance(struct election *e, msec_t now, bool granted)
{
	if (e->clear != ELECT_CLEAR_ASKED)
		return;
	if (granted) {
		e->clear = ELECT_CLEAR_GRANTED;
		return;
	}
	e->clear = ELECT_CLEAR_VETOED;
	e->veto_timer = now + (e->config.veto ? e->config.veto : ELECT_VETO);
	e->stats.vetoes++;
}

void elect_no_preempt(struct election *e, msec_t until)
{
	e->no_preempt_until = until;
}

void elect_message(const struct election *e, const struct elect_effect *effect,
		   struct hsrp_msg *msg)
{
	memset(msg, 0, sizeof(*msg));
	msg->op = effect->op;
	msg->state = effect->state;
	msg->priority = e->priority;
	msg->hello = e->hello;
	msg->hold = e->hold;
	msg->vip = e->vip;
	msg->sender = e->config.addr;
}
