// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The election, cell by cell and note by note. The table below is written from
 * the specification in its own words, not from the core's: each cell is read by
 * expect_cell() and held against what the core does.
 */
#include "core_test.h"

#include <ctype.h>
#include <stdio.h>

#include "core/election.h"

#define OWN "192.0.2.2"
#define LOW "192.0.2.1"
#define HIGH "192.0.2.9"
#define VIP "192.0.2.100"
#define HELLO 1000
#define HOLD 3000

/**
 * struct row - one row of section 3.4
 * @name: as it stands there
 * @event: number
 * @cells: Virgin, Learn, Listen, Speak, Standby, Active
 */
struct row {
	const char *name;
	uint8_t event;
	const char *cells[HSRP_STATES];
};

/*
 * "Hello" behind a transition is that of a router that begins to speak, "own"
 * and "off" are the addresses adopted and released. A cell with "preempt" is
 * tested with preemption; T06 without it stands in the notes.
 */
static const struct row rows[] = {
	{ "STBY-T01 STBY-43: the protocol is configured on the interface", 1,
	  { "AT+ ST+ >Listen", "-", "-", "-", "-", "-" } },
	{ "STBY-T02 STBY-43: the protocol is disabled or the interface goes down", 2,
	  { "AT- ST-", "AT- ST- >Virgin", "AT- ST- >Virgin", "AT- ST- >Virgin",
	    "AT- ST- >Virgin", "off AT- ST- Resign >Virgin" } },
	{ "STBY-T03 STBY-50: the active timer expires", 3,
	  { "-", "-", "AT+ ST+ >Speak Hello", "-", "AT- >Active own Hello",
	    "-" } },
	{ "STBY-T04: hello of a higher router in Speak", 4,
	  { "-", "-", "-", "ST+ >Listen", "ST+ >Listen", "-" } },
	{ "STBY-T05 STBY-N10: hello of a higher active router", 5,
	  { "snoop", "snoop AT+ ST+ >Listen", "snoop AT+", "snoop AT+",
	    "snoop AT+", "off AT+ ST+ >Speak Hello" } },
	{ "STBY-T06 STBY-70: hello of a lower active router, preemption on", 6,
	  { "-", "snoop AT+ ST+ >Listen",
	    "snoop AT- ST+ Coup >Active own Hello",
	    "snoop AT- ST+ Coup >Active own Hello",
	    "snoop AT- Coup >Active own Hello", "Coup" } },
	{ "STBY-T07 STBY-56: the active router resigns", 7,
	  { "-", "-", "AT+ ST+ >Speak Hello", "AT+", "AT- >Active own Hello",
	    "-" } },
	{ "STBY-T08 STBY-71: coup of a higher router", 8,
	  { "-", "-", "-", "-", "-",
	    "off ResignTo AT+ ST+ >Speak Hello" } },
	{ "STBY-T09 STBY-51: the standby timer expires", 9,
	  { "-", "-", "ST+ >Speak Hello", "ST- >Standby Hello", "-", "-" } },
	{ "STBY-T10: hello of a higher standby router", 10,
	  { "-", "-", "ST+", "ST+ >Listen", "ST+ >Listen", "ST+" } },
	{ "STBY-T11 STBY-N09: hello of a lower standby router", 11,
	  { "-", "-", "ST+ >Speak Hello", "ST- >Standby Hello", "-", "ST+" } },
};

static struct elect_config config(void)
{
	return (struct elect_config){
		.addr = addr(OWN), .vip = addr(VIP), .hello = HELLO,
		.hold = HOLD, .priority = 100,
	};
}

static struct hsrp_msg message(uint8_t op, uint8_t state, const char *from)
{
	return (struct hsrp_msg){
		.op = op, .state = state, .priority = 100, .hello = HELLO,
		.hold = HOLD, .vip = addr(VIP), .sender = addr(from),
	};
}

static void input(struct election *e, msec_t now, uint8_t op, uint8_t state,
		  const char *from, struct elect_effects *out)
{
	struct hsrp_msg msg = message(op, state, from);

	out->n = 0;
	elect_input(e, now, now, &msg, out);
}

static void run(struct election *e, msec_t now, struct elect_effects *out)
{
	out->n = 0;
	elect_run(e, now, out);
}

/* Runs every timer when it is due, until @until. */
static void pass(struct election *e, msec_t until)
{
	struct elect_effects out;

	while (elect_next(e) <= until)
		run(e, elect_next(e), &out);
}

/*
 * Brings the core into a state the way it would get there, heard from nobody
 * since; timers do not run out before the event comes.
 */
static void bring(struct election *e, const struct elect_config *c,
		  uint8_t state, msec_t now)
{
	struct elect_effects out = { 0 };
	struct elect_config learning = *c;

	if (state == HSRP_LEARN)
		memset(&learning.vip, 0, sizeof(learning.vip));
	elect_init(e, &learning);
	if (state == HSRP_VIRGIN)
		return;
	elect_start(e, now, &out);
	if (state == HSRP_LEARN || state == HSRP_LISTEN)
		return;
	/* Nobody is there: Speak after a holdtime, then Standby and Active. */
	e->state = state;
	e->active_timer = state == HSRP_ACTIVE ? MSEC_NEVER : now + HOLD;
	e->standby_timer = state == HSRP_SPEAK ? now + HOLD : MSEC_NEVER;
	e->hello_timer = now + HELLO;
	e->last_sent = now;
	e->serves = state == HSRP_ACTIVE;
}

static void event(struct election *e, uint8_t number, msec_t now,
		  struct elect_effects *out)
{
	out->n = 0;
	switch (number) {
	case ELECT_CONFIGURED:
		elect_start(e, now, out);
		break;
	case ELECT_DISABLED:
		elect_stop(e, now, "test", out);
		break;
	case ELECT_ACTIVE_EXPIRED:
		e->active_timer = now;
		elect_run(e, now, out);
		break;
	case ELECT_STANDBY_EXPIRED:
		e->standby_timer = now;
		elect_run(e, now, out);
		break;
	case ELECT_SPEAK_HIGHER:
		input(e, now, HSRP_HELLO, HSRP_SPEAK, HIGH, out);
		break;
	case ELECT_ACTIVE_HIGHER:
		input(e, now, HSRP_HELLO, HSRP_ACTIVE, HIGH, out);
		break;
	case ELECT_ACTIVE_LOWER:
		input(e, now, HSRP_HELLO, HSRP_ACTIVE, LOW, out);
		break;
	case ELECT_RESIGNED:
		input(e, now, HSRP_RESIGN, HSRP_ACTIVE, LOW, out);
		break;
	case ELECT_COUP_HIGHER:
		input(e, now, HSRP_COUP, HSRP_LISTEN, HIGH, out);
		break;
	case ELECT_STANDBY_HIGHER:
		input(e, now, HSRP_HELLO, HSRP_STANDBY, HIGH, out);
		break;
	case ELECT_STANDBY_LOWER:
		input(e, now, HSRP_HELLO, HSRP_STANDBY, LOW, out);
		break;
	}
}

/* What a cell asks of a timer: started, cleared, or neither. */
static void expect_timer(const char *what, const char *cell, const char *word,
			 msec_t before, msec_t after, msec_t started)
{
	char start[4], clear[4];

	snprintf(start, sizeof(start), "%s+", word);
	snprintf(clear, sizeof(clear), "%s-", word);
	if (strstr(cell, start) && after != started)
		fail_msg("%s: %s does not start", what, word);
	if (strstr(cell, clear) && after != MSEC_NEVER)
		fail_msg("%s: %s is not cleared", what, word);
	if (!strstr(cell, start) && !strstr(cell, clear) && after != before)
		fail_msg("%s: %s changes", what, word);
}

static size_t count(const struct elect_effects *out, uint8_t what)
{
	size_t n = 0;

	for (size_t i = 0; i < out->n; i++)
		n += out->effect[i].what == what;
	return n;
}

static size_t sends(const struct elect_effects *out, uint8_t op, bool group)
{
	size_t n = 0;

	for (size_t i = 0; i < out->n; i++)
		n += out->effect[i].what == ELECT_SEND &&
		     out->effect[i].op == op &&
		     roam_addr_is_none(&out->effect[i].to) == group;
	return n;
}

static const struct elect_effect *sent(const struct elect_effects *out,
				       uint8_t op)
{
	for (size_t i = 0; i < out->n; i++)
		if (out->effect[i].what == ELECT_SEND &&
		    out->effect[i].op == op)
			return &out->effect[i];
	return NULL;
}

static void expect_effects(const char *what, const char *cell,
			   const struct elect_effects *out)
{
	bool to = strstr(cell, "ResignTo");

	assert_int_equal(sends(out, HSRP_COUP, true), !!strstr(cell, "Coup"));
	assert_int_equal(sends(out, HSRP_COUP, false), 0);
	assert_int_equal(sends(out, HSRP_RESIGN, false), to);
	assert_int_equal(sends(out, HSRP_RESIGN, true),
			 strstr(cell, "Resign") && !to);
	assert_int_equal(sends(out, HSRP_HELLO, true),
			 !!strstr(cell, "Hello"));
	assert_int_equal(count(out, ELECT_ADOPT), !!strstr(cell, "own"));
	assert_int_equal(count(out, ELECT_RELEASE), !!strstr(cell, "off"));
	if (to)
		assert_addr(sent(out, HSRP_RESIGN)->to, HIGH);
	if (strstr(cell, "Resign"))
		assert_int_equal(sent(out, HSRP_RESIGN)->state, HSRP_ACTIVE);
	assert_int_equal(count(out, ELECT_CHANGED), !!strchr(cell, '>'));
	(void)what;
}

static uint8_t state_named(const char *cell, uint8_t otherwise)
{
	const char *to = strchr(cell, '>');

	for (uint8_t s = 0; to && s < HSRP_STATES; s++)
		if (!strncasecmp(to + 1, hsrp_state_name(s),
				 strlen(hsrp_state_name(s))))
			return s;
	return otherwise;
}

/**
 * struct cell - one test
 * @row: its row
 * @state: its column
 * @name: of the test
 */
struct cell {
	const struct row *row;
	uint8_t state;
	char name[200];
};

static void expect_cell(void **state)
{
	const struct cell *cell = *state;
	const char *text = cell->row->cells[cell->state];
	struct elect_config c = config();
	struct election before, e;
	struct elect_effects out;
	char name[24];

	c.preempt = true;
	bring(&e, &c, cell->state, 10000);
	assert_int_equal(e.state, cell->state);
	before = e;
	event(&e, cell->row->event, 10500, &out);

	assert_int_equal(e.state, state_named(text, cell->state));
	/* A timer that just ran out does not run; the cell may start it. */
	if (cell->row->event == ELECT_ACTIVE_EXPIRED)
		before.active_timer = MSEC_NEVER;
	if (cell->row->event == ELECT_STANDBY_EXPIRED)
		before.standby_timer = MSEC_NEVER;
	expect_timer(cell->name, text, "AT", before.active_timer,
		     e.active_timer, 10500 + HOLD);
	expect_timer(cell->name, text, "ST", before.standby_timer,
		     e.standby_timer, 10500 + HOLD);
	expect_effects(cell->name, text, &out);
	if (e.state != cell->state) {
		for (size_t i = 0; i < out.n; i++)
			if (out.effect[i].what == ELECT_CHANGED)
				assert_int_equal(out.effect[i].change.event,
						 cell->row->event);
		assert_string_equal(elect_cell_name(cell->row->event,
						    cell->state, name) + 5,
				    strstr(cell->name, " in ") ? name + 5 : "");
	}

	/* Minimal information is taken where the cell says so, else not. */
	if (cell->row->event == ELECT_ACTIVE_HIGHER ||
	    cell->row->event == ELECT_ACTIVE_LOWER) {
		bool low = cell->row->event == ELECT_ACTIVE_LOWER;
		struct hsrp_msg msg = message(HSRP_HELLO, HSRP_ACTIVE,
					      low ? LOW : HIGH);

		bring(&e, &c, cell->state, 10000);
		memset(&e.config.vip, 0, sizeof(e.config.vip));
		e.config.hello = 0;
		msg.hello = 500;
		msg.hold = 2000;
		msg.vip = addr("192.0.2.101");
		out.n = 0;
		elect_input(&e, 10500, 10500, &msg, &out);
		assert_int_equal(e.hello == 500, !!strstr(text, "snoop"));
		assert_int_equal(e.hold == 2000, !!strstr(text, "snoop"));
		assert_int_equal(roam_addr_eq(&e.vip, &msg.vip),
				 !!strstr(text, "snoop"));
	}
}

/* ---- notes ---- */

/* Event 1 where minimal information is not known. */
static void learns_first(void **state)
{
	struct hsrp_msg msg = message(HSRP_HELLO, HSRP_ACTIVE, LOW);
	struct elect_config c = config();
	struct elect_effects out = { 0 };
	struct election e;

	(void)state;
	memset(&c.vip, 0, sizeof(c.vip));
	elect_init(&e, &c);
	elect_start(&e, 1000, &out);
	assert_int_equal(e.state, HSRP_LEARN);
	/* N11: alone it stays there. */
	pass(&e, 100000);
	assert_int_equal(e.state, HSRP_LEARN);
	/* One that tells no times, as HSRP may, teaches nothing. */
	c.hello = 0;
	c.hold = 0;
	elect_init(&e, &c);
	elect_start(&e, 1000, &out);
	msg.hello = 0;
	msg.hold = 0;
	elect_input(&e, 2000, 2000, &msg, &out);
	assert_int_equal(e.state, HSRP_LEARN);
	input(&e, 100000, HSRP_HELLO, HSRP_ACTIVE, LOW, &out);
	assert_int_equal(e.state, HSRP_LISTEN);
	assert_addr(e.vip, VIP);
}

/* N01: both holders gone, the timers run out in either order. */
static void both_holders_gone(void **state)
{
	(void)state;
	for (int first = 0; first < 2; first++) {
		struct elect_config c = config();
		struct elect_effects out;
		struct election e;
		msec_t begin = 10000;

		bring(&e, &c, HSRP_LISTEN, 0);
		input(&e, begin - first * 500, HSRP_HELLO, HSRP_ACTIVE, HIGH,
		      &out);
		input(&e, begin - !first * 500, HSRP_HELLO, HSRP_STANDBY, HIGH,
		      &out);
		pass(&e, begin + 2 * HOLD);
		assert_int_equal(e.state, HSRP_ACTIVE);
	}
}

/* N01: a timer that ran out in Speak is remembered when T11 leads to Standby. */
static void expiry_in_speak(void **state)
{
	struct elect_config c = config();
	struct elect_effects out;
	struct election e;

	(void)state;
	bring(&e, &c, HSRP_SPEAK, 10000);
	e.active_timer = 10100;
	run(&e, 10100, &out);
	assert_int_equal(e.state, HSRP_SPEAK);
	input(&e, 10200, HSRP_HELLO, HSRP_STANDBY, LOW, &out);
	assert_int_equal(e.state, HSRP_ACTIVE);
	assert_int_equal(count(&out, ELECT_CHANGED), 2);
}

/* N02: the loser waits a holdtime for the winner's first hello as standby. */
static void loser_stays_silent(void **state)
{
	struct elect_config c = config();
	struct elect_effects out;
	struct election e;

	(void)state;
	bring(&e, &c, HSRP_SPEAK, 10000);
	input(&e, 10900, HSRP_HELLO, HSRP_SPEAK, HIGH, &out);
	assert_int_equal(e.state, HSRP_LISTEN);
	for (msec_t t = 11000; t < 10900 + HOLD; t += 500) {
		input(&e, t, HSRP_HELLO, HSRP_ACTIVE, LOW, &out);
		assert_int_equal(e.state, HSRP_LISTEN);
		assert_int_equal(sends(&out, HSRP_HELLO, true), 0);
	}
}

/* N03: what is learned in Virgin is known at the start, and no timer runs. */
static void learns_in_virgin(void **state)
{
	struct elect_config c = config();
	struct elect_effects out;
	struct election e;

	(void)state;
	memset(&c.vip, 0, sizeof(c.vip));
	c.hello = 0;
	c.hold = 0;
	bring(&e, &c, HSRP_VIRGIN, 0);
	input(&e, 100, HSRP_HELLO, HSRP_ACTIVE, HIGH, &out);
	assert_int_equal(e.active_timer, MSEC_NEVER);
	assert_int_equal(elect_next(&e), MSEC_NEVER);
	out.n = 0;
	elect_start(&e, 200, &out);
	assert_int_equal(e.state, HSRP_LISTEN);
}

/* N04: preemption is off by default. */
static void no_preemption(void **state)
{
	(void)state;
	for (uint8_t s = HSRP_LISTEN; s <= HSRP_STANDBY; s++) {
		struct elect_config c = config();
		struct elect_effects out;
		struct election e;

		bring(&e, &c, s, 10000);
		input(&e, 10500, HSRP_HELLO, HSRP_ACTIVE, LOW, &out);
		assert_int_equal(e.state, s);
		assert_int_equal(e.active_timer, 10500 + HOLD);
		assert_int_equal(sends(&out, HSRP_COUP, true), 0);
	}
}

/* STBY-73, STBY-75: the table first, then clearance; a veto puts it off. */
static void coup_needs_table_and_clearance(void **state)
{
	struct elect_config c = config();
	struct elect_effects out;
	struct roam_addr low = addr(LOW);
	struct election e;

	(void)state;
	c.preempt = true;
	c.tables = true;
	bring(&e, &c, HSRP_LISTEN, 10000);
	input(&e, 10500, HSRP_HELLO, HSRP_ACTIVE, LOW, &out);
	assert_int_equal(count(&out, ELECT_FETCH), 1);
	assert_int_equal(e.state, HSRP_LISTEN);
	/* Asked once. */
	input(&e, 11500, HSRP_HELLO, HSRP_ACTIVE, LOW, &out);
	assert_int_equal(count(&out, ELECT_FETCH), 0);
	elect_table(&e, &low, true);
	input(&e, 12500, HSRP_HELLO, HSRP_ACTIVE, LOW, &out);
	assert_int_equal(count(&out, ELECT_CLEARANCE), 1);
	assert_int_equal(e.state, HSRP_LISTEN);
	elect_clearance(&e, 12600, false);
	for (msec_t t = 13500; t < 12600 + ELECT_VETO; t += HELLO) {
		input(&e, t, HSRP_HELLO, HSRP_ACTIVE, LOW, &out);
		assert_int_equal(count(&out, ELECT_CLEARANCE), 0);
	}
	input(&e, 12600 + ELECT_VETO, HSRP_HELLO, HSRP_ACTIVE, LOW, &out);
	assert_int_equal(count(&out, ELECT_CLEARANCE), 1);
	elect_clearance(&e, 18000, true);
	input(&e, 18500, HSRP_HELLO, HSRP_ACTIVE, LOW, &out);
	assert_int_equal(e.state, HSRP_ACTIVE);
	assert_int_equal(sends(&out, HSRP_COUP, true), 1);
	/* The Coup tells what it was, the Hello behind it what it is. */
	assert_int_equal(sent(&out, HSRP_COUP)->state, HSRP_LISTEN);
	assert_int_equal(sent(&out, HSRP_HELLO)->state, HSRP_ACTIVE);
	assert_int_equal(e.stats.vetoes, 1);
}

/* Clearance and table are those of one active router, not of the next. */
static void another_active_starts_over(void **state)
{
	struct elect_config c = config();
	struct elect_effects out;
	struct roam_addr low = addr(LOW);
	struct election e;

	(void)state;
	c.preempt = true;
	c.tables = true;
	bring(&e, &c, HSRP_LISTEN, 10000);
	input(&e, 10500, HSRP_HELLO, HSRP_ACTIVE, LOW, &out);
	elect_table(&e, &low, true);
	input(&e, 11000, HSRP_HELLO, HSRP_ACTIVE, LOW, &out);
	elect_clearance(&e, 11000, true);
	input(&e, 11500, HSRP_HELLO, HSRP_ACTIVE, "192.0.2.0", &out);
	assert_int_equal(e.state, HSRP_LISTEN);
	assert_int_equal(count(&out, ELECT_FETCH), 1);
	assert_addr(out.effect[1].to, "192.0.2.0");
}

static void preemption_disabled_for_a_time(void **state)
{
	struct elect_config c = config();
	struct elect_effects out;
	struct election e;

	(void)state;
	c.preempt = true;
	bring(&e, &c, HSRP_STANDBY, 10000);
	elect_no_preempt(&e, 13000);
	input(&e, 12000, HSRP_HELLO, HSRP_ACTIVE, LOW, &out);
	assert_int_equal(e.state, HSRP_STANDBY);
	/* STBY-78: a standby router may, too. */
	input(&e, 13000, HSRP_HELLO, HSRP_ACTIVE, LOW, &out);
	assert_int_equal(e.state, HSRP_ACTIVE);
}

/* N05: the active router forgets a standby router that is silent. */
static void active_forgets_standby(void **state)
{
	struct elect_config c = config();
	struct elect_effects out;
	struct election e;

	(void)state;
	bring(&e, &c, HSRP_ACTIVE, 10000);
	input(&e, 10100, HSRP_HELLO, HSRP_STANDBY, LOW, &out);
	assert_true(e.standby.known);
	assert_int_equal(count(&out, ELECT_PEERS), 1);
	pass(&e, 10100 + HOLD - 1);
	assert_true(e.standby.known);
	pass(&e, 10100 + HOLD);
	assert_false(e.standby.known);
	assert_int_equal(e.state, HSRP_ACTIVE);
}

/* N06: an unacceptable coup changes nothing; what follows is answered. */
static void lower_coup(void **state)
{
	struct elect_config c = config();
	struct elect_effects out;
	struct election e;

	(void)state;
	bring(&e, &c, HSRP_ACTIVE, 10000);
	input(&e, 10100, HSRP_COUP, HSRP_LISTEN, LOW, &out);
	assert_int_equal(out.n, 0);
	assert_int_equal(e.state, HSRP_ACTIVE);
	assert_int_equal(e.stats.ignored, 1);
	input(&e, 10200, HSRP_HELLO, HSRP_ACTIVE, LOW, &out);
	assert_int_equal(sends(&out, HSRP_COUP, true), 1);
}

/* N07 and TEN-06: a coup against the standby router, as an option. */
static void directed_coup(void **state)
{
	struct elect_config c = config();
	struct elect_effects out;
	struct election e;

	(void)state;
	c.directed_coup = true;
	bring(&e, &c, HSRP_STANDBY, 10000);
	input(&e, 10100, HSRP_COUP, HSRP_LISTEN, LOW, &out);
	assert_int_equal(e.state, HSRP_STANDBY);
	input(&e, 10200, HSRP_COUP, HSRP_LISTEN, HIGH, &out);
	assert_int_equal(e.state, HSRP_LISTEN);
	assert_int_equal(e.standby_timer, 10200 + HOLD);
	assert_int_equal(sends(&out, HSRP_RESIGN, true) +
			 sends(&out, HSRP_RESIGN, false), 0);
}

/* N08: of two standby routers the lower one yields. */
static void two_standbys(void **state)
{
	struct elect_config c = config();
	struct elect_effects out;
	struct election e;

	(void)state;
	bring(&e, &c, HSRP_STANDBY, 10000);
	input(&e, 10100, HSRP_HELLO, HSRP_STANDBY, LOW, &out);
	assert_int_equal(e.state, HSRP_STANDBY);
	input(&e, 10200, HSRP_HELLO, HSRP_STANDBY, HIGH, &out);
	assert_int_equal(e.state, HSRP_LISTEN);
	assert_true(e.standby.known);
	assert_addr(e.standby.rank.addr, HIGH);
}

/* STBY-69 and TEN-23: with the switch off a lower standby router stays. */
static void standby_is_kept(void **state)
{
	struct elect_config c = config();
	struct elect_effects out;
	struct election e;

	(void)state;
	c.keep_standby = true;
	bring(&e, &c, HSRP_LISTEN, 10000);
	input(&e, 10100, HSRP_HELLO, HSRP_STANDBY, LOW, &out);
	assert_int_equal(e.state, HSRP_LISTEN);
	assert_int_equal(e.standby_timer, 10100 + HOLD);
	bring(&e, &c, HSRP_SPEAK, 10000);
	input(&e, 10100, HSRP_HELLO, HSRP_STANDBY, LOW, &out);
	assert_int_equal(e.state, HSRP_SPEAK);
	bring(&e, &c, HSRP_STANDBY, 10000);
	input(&e, 10100, HSRP_HELLO, HSRP_SPEAK, HIGH, &out);
	assert_int_equal(e.state, HSRP_STANDBY);
}

/* N12: the router that is demoted learns from the next hello only. */
static void demoted_learns_later(void **state)
{
	struct elect_config c = config();
	struct hsrp_msg msg = message(HSRP_HELLO, HSRP_ACTIVE, HIGH);
	struct elect_effects out = { 0 };
	struct election e;

	(void)state;
	bring(&e, &c, HSRP_ACTIVE, 10000);
	msg.hello = 2000;
	msg.hold = 6000;
	elect_input(&e, 10100, 10100, &msg, &out);
	assert_int_equal(e.state, HSRP_SPEAK);
	assert_int_equal(e.hello, HELLO);
	assert_true(e.active.known);
	elect_input(&e, 12100, 12100, &msg, &out);
	assert_int_equal(e.hello, 2000);
}

/* N13: a change of the configuration is event 2, then event 1. */
static void reconfigured(void **state)
{
	struct elect_config c = config();
	struct elect_effects out = { 0 };
	struct election e;

	(void)state;
	bring(&e, &c, HSRP_ACTIVE, 10000);
	c.vip = addr("192.0.2.200");
	elect_reconfigure(&e, 10100, &c, &out);
	assert_int_equal(e.state, HSRP_LISTEN);
	assert_addr(e.vip, "192.0.2.200");
	assert_int_equal(out.effect[0].what, ELECT_RELEASE);
	assert_int_equal(out.effect[1].op, HSRP_RESIGN);
	assert_int_equal(count(&out, ELECT_CHANGED), 2);
	/* Where it did not run it does not start. */
	bring(&e, &c, HSRP_VIRGIN, 0);
	elect_reconfigure(&e, 100, &c, &out);
	assert_int_equal(e.state, HSRP_VIRGIN);
}

/* STBY-57: a Resign of whoever is not the active router. */
static void others_resign(void **state)
{
	struct elect_config c = config();
	struct elect_effects out;
	struct election e;

	(void)state;
	bring(&e, &c, HSRP_STANDBY, 10000);
	input(&e, 10100, HSRP_HELLO, HSRP_ACTIVE, LOW, &out);
	input(&e, 10200, HSRP_RESIGN, HSRP_STANDBY, LOW, &out);
	assert_int_equal(e.state, HSRP_STANDBY);
	input(&e, 10300, HSRP_RESIGN, HSRP_ACTIVE, HIGH, &out);
	assert_int_equal(e.state, HSRP_STANDBY);
	assert_int_equal(e.stats.ignored, 2);
	input(&e, 10400, HSRP_RESIGN, HSRP_ACTIVE, LOW, &out);
	assert_int_equal(e.state, HSRP_ACTIVE);
}

/* STBY-32, STBY-33: nothing is learned from the timers of Coup and Resign. */
static void odd_timers(void **state)
{
	static const uint8_t ops[] = { HSRP_COUP, HSRP_RESIGN };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		for (uint8_t s = 0; s < HSRP_STATES; s++) {
			struct elect_config c = config();
			struct hsrp_msg msg = message(ops[i], HSRP_ACTIVE, HIGH);
			struct elect_effects out = { 0 };
			struct election e;

			bring(&e, &c, s, 10000);
			msg.hello = 77;
			msg.hold = 7777;
			msg.vip = addr("192.0.2.66");
			elect_input(&e, 10100, 10100, &msg, &out);
			assert_int_equal(e.hello, HELLO);
			assert_int_equal(e.hold, HOLD);
			if (s != HSRP_LEARN)
				assert_addr(e.vip, VIP);
		}
	}
}

/* STBY-38, STBY-39 and STBY-40: what is compared. */
static void comparison(void **state)
{
	struct elect_config c = config();
	struct elect_effects out;
	struct hsrp_msg msg = message(HSRP_HELLO, HSRP_SPEAK, LOW);
	struct election e;

	(void)state;
	bring(&e, &c, HSRP_SPEAK, 10000);
	out.n = 0;
	elect_input(&e, 10100, 10100, &msg, &out);
	assert_int_equal(e.state, HSRP_SPEAK);
	/* What it tracks is gone: the lower address wins by priority now. */
	elect_set_priority(&e, 90);
	elect_input(&e, 10200, 10200, &msg, &out);
	assert_int_equal(e.state, HSRP_LISTEN);
	/* It says so in its hellos. */
	bring(&e, &c, HSRP_ACTIVE, 10000);
	elect_set_priority(&e, 90);
	run(&e, 11000, &out);
	elect_message(&e, sent(&out, HSRP_HELLO), &msg);
	assert_int_equal(msg.priority, 90);
}

static int lowest_wins(const struct elect_rank *a, const struct elect_rank *b)
{
	return (int)b->priority - a->priority ?:
	       roam_addr_cmp(&b->addr, &a->addr);
}

static void another_method(void **state)
{
	struct elect_config c = config();
	struct elect_effects out;
	struct election e;

	(void)state;
	c.compare = lowest_wins;
	bring(&e, &c, HSRP_SPEAK, 10000);
	input(&e, 10100, HSRP_HELLO, HSRP_SPEAK, HIGH, &out);
	assert_int_equal(e.state, HSRP_SPEAK);
	input(&e, 10100, HSRP_HELLO, HSRP_SPEAK, LOW, &out);
	assert_int_equal(e.state, HSRP_LISTEN);
}

/* STBY-34: who speaks does so every hellotime, others never. */
static void who_speaks(void **state)
{
	(void)state;
	for (uint8_t s = 0; s < HSRP_STATES; s++) {
		struct elect_config c = config();
		struct elect_effects out;
		unsigned int n = 0;
		struct election e;

		bring(&e, &c, s, 10000);
		for (msec_t t = 10000; t < 10000 + HOLD - 100; t += 100) {
			run(&e, t, &out);
			n += sends(&out, HSRP_HELLO, true);
		}
		assert_int_equal(e.state, s);
		assert_int_equal(n, s >= HSRP_SPEAK ? 2 : 0);
	}
}

/* STBY-49: what the active router changes is there with its next hello. */
static void learned_values(void **state)
{
	struct elect_config c = config();
	struct elect_effects out = { 0 };
	struct hsrp_msg msg = message(HSRP_HELLO, HSRP_ACTIVE, HIGH);
	struct election e;

	(void)state;
	bring(&e, &c, HSRP_LISTEN, 10000);
	msg.hello = 200;
	msg.hold = 750;
	elect_input(&e, 10100, 10100, &msg, &out);
	assert_int_equal(count(&out, ELECT_LEARNED), 1);
	assert_int_equal(e.active_timer, 10100 + 750);
	/* What cannot be is not learned: HSRP may tell no times at all. */
	msg.hello = 0;
	msg.hold = 0;
	elect_input(&e, 10200, 10200, &msg, &out);
	msg.hello = 1;
	msg.hold = 2;
	elect_input(&e, 10300, 10300, &msg, &out);
	msg.hello = 1000;
	msg.hold = ELECT_HOLD_MAX + 1;
	elect_input(&e, 10400, 10400, &msg, &out);
	assert_int_equal(e.hello, 200);
	assert_int_equal(e.hold, 750);
}

/* Failure 1 of others: an expired timer of a process that did not run. */
static void late_expiry(void **state)
{
	struct elect_config c = config();
	struct elect_effects out;
	struct election e;

	(void)state;
	bring(&e, &c, HSRP_STANDBY, 10000);
	input(&e, 10100, HSRP_HELLO, HSRP_ACTIVE, HIGH, &out);
	pass(&e, 11000);
	/* Stopped for a minute: no takeover, it listens for a holdtime. */
	run(&e, 71000, &out);
	assert_int_equal(e.state, HSRP_STANDBY);
	assert_int_equal(e.active_timer, 71000 + HOLD);
	assert_int_equal(e.stats.disbelieved, 1);
	assert_int_equal(e.stats.late_worst, 71000 - 12000);
	input(&e, 71500, HSRP_HELLO, HSRP_ACTIVE, HIGH, &out);
	pass(&e, 71500 + HOLD - 1);
	assert_int_equal(e.state, HSRP_STANDBY);
	/* In time it is believed. */
	pass(&e, 71500 + HOLD);
	assert_int_equal(e.state, HSRP_ACTIVE);
}

/* A host that is late each time takes over nevertheless. */
static void always_late(void **state)
{
	struct elect_config c = config();
	struct elect_effects out;
	struct election e;
	unsigned int n = 0;

	(void)state;
	bring(&e, &c, HSRP_STANDBY, 10000);
	e.hello_timer = MSEC_NEVER;
	while (e.state == HSRP_STANDBY && n++ < 100) {
		run(&e, elect_next(&e) + HELLO, &out);
		e.hello_timer = MSEC_NEVER;
	}
	assert_int_equal(e.state, HSRP_ACTIVE);
	assert_int_equal(e.stats.disbelieved, ELECT_LATE_MAX);
}

/* What waited in the socket meanwhile keeps nobody alive for longer. */
static void old_messages(void **state)
{
	struct elect_config c = config();
	struct elect_effects out = { 0 };
	struct hsrp_msg msg = message(HSRP_HELLO, HSRP_ACTIVE, HIGH);
	struct election e;

	(void)state;
	bring(&e, &c, HSRP_STANDBY, 10000);
	elect_input(&e, 12000, 10500, &msg, &out);
	assert_int_equal(e.active_timer, 10500 + HOLD);
	elect_input(&e, 20000, 12000, &msg, &out);
	assert_int_equal(e.active_timer, 10500 + HOLD);
	/* Not from the future either. */
	elect_input(&e, 21000, 99000, &msg, &out);
	assert_int_equal(e.active_timer, 21000 + HOLD);
}

/* An active router that did not run stops serving before it does anything. */
static void fences_itself(void **state)
{
	struct elect_config c = config();
	struct elect_effects out;
	struct election e;

	(void)state;
	bring(&e, &c, HSRP_ACTIVE, 10000);
	/* A little late is nothing. */
	run(&e, 11400, &out);
	assert_true(elect_serves(&e));
	run(&e, 11400 + HOLD, &out);
	assert_false(elect_serves(&e));
	assert_int_equal(e.state, HSRP_ACTIVE);
	assert_int_equal(out.effect[0].what, ELECT_RELEASE);
	assert_int_equal(sends(&out, HSRP_HELLO, true), 0);
	/* Another one serves meanwhile, even a lower one: no coup, no way back. */
	input(&e, 15000, HSRP_HELLO, HSRP_ACTIVE, LOW, &out);
	assert_int_equal(e.state, HSRP_SPEAK);
	assert_int_equal(sends(&out, HSRP_COUP, true), 0);
	assert_int_equal(count(&out, ELECT_RELEASE), 0);
	assert_true(e.active.known);
}

static void fences_before_it_reads(void **state)
{
	struct elect_config c = config();
	struct elect_effects out;
	struct election e;

	(void)state;
	bring(&e, &c, HSRP_ACTIVE, 10000);
	input(&e, 10000 + HOLD, HSRP_HELLO, HSRP_ACTIVE, LOW, &out);
	assert_int_equal(out.effect[0].what, ELECT_RELEASE);
	assert_int_equal(sends(&out, HSRP_COUP, true), 0);
	assert_int_equal(e.state, HSRP_SPEAK);
}

static void serves_again(void **state)
{
	struct elect_config c = config();
	struct elect_effects out;
	struct election e;

	(void)state;
	bring(&e, &c, HSRP_ACTIVE, 10000);
	run(&e, 20000, &out);
	assert_false(elect_serves(&e));
	pass(&e, 20000 + HOLD - 1);
	assert_false(elect_serves(&e));
	run(&e, 20000 + HOLD, &out);
	assert_true(elect_serves(&e));
	assert_int_equal(count(&out, ELECT_ADOPT), 1);
	assert_int_equal(sends(&out, HSRP_HELLO, true), 1);
	assert_int_equal(e.stats.fences, 1);
}

/* A resignation on request; the role is not taken back at once. */
static void resigns(void **state)
{
	struct elect_config c = config();
	struct elect_effects out = { 0 };
	struct election e;

	(void)state;
	c.preempt = true;
	bring(&e, &c, HSRP_LISTEN, 10000);
	assert_false(elect_resign(&e, 10000, 0, "test", &out));
	bring(&e, &c, HSRP_ACTIVE, 10000);
	assert_true(elect_resign(&e, 10100, 60000, "test", &out));
	assert_int_equal(e.state, HSRP_LISTEN);
	assert_int_equal(out.effect[0].what, ELECT_RELEASE);
	assert_int_equal(out.effect[1].op, HSRP_RESIGN);
	input(&e, 11000, HSRP_HELLO, HSRP_ACTIVE, LOW, &out);
	assert_int_equal(e.state, HSRP_LISTEN);
	input(&e, 70100, HSRP_HELLO, HSRP_ACTIVE, LOW, &out);
	assert_int_equal(e.state, HSRP_ACTIVE);
}

/* TEN-22 and STBY-66: the standby router fetches the table of whoever is active. */
static void standby_fetches(void **state)
{
	struct elect_config c = config();
	struct elect_effects out;
	struct election e;

	(void)state;
	c.tables = true;
	bring(&e, &c, HSRP_SPEAK, 10000);
	input(&e, 10100, HSRP_HELLO, HSRP_ACTIVE, HIGH, &out);
	e.standby_timer = 10200;
	run(&e, 10200, &out);
	assert_int_equal(e.state, HSRP_STANDBY);
	assert_int_equal(count(&out, ELECT_FETCH), 1);
	input(&e, 11000, HSRP_HELLO, HSRP_ACTIVE, HIGH, &out);
	assert_int_equal(count(&out, ELECT_FETCH), 0);
	input(&e, 12000, HSRP_HELLO, HSRP_ACTIVE, "192.0.2.8", &out);
	assert_int_equal(count(&out, ELECT_FETCH), 1);
	assert_int_equal(count(&out, ELECT_PEERS), 1);
}

/* Every transition says why, in words and numbers. */
static void reasons(void **state)
{
	struct elect_config c = config();
	struct elect_effects out;
	struct election e;
	char name[24];
	size_t i;

	(void)state;
	bring(&e, &c, HSRP_STANDBY, 10000);
	input(&e, 10100, HSRP_HELLO, HSRP_ACTIVE, HIGH, &out);
	e.hello_timer = MSEC_NEVER;
	run(&e, 10100 + HOLD + 100, &out);
	for (i = 0; i < out.n && out.effect[i].what != ELECT_CHANGED; i++)
		;
	assert_true(i < out.n);
	assert_string_equal(elect_cell_name(out.effect[i].change.event,
					    out.effect[i].change.from, name),
			    "STBY-T03.Standby");
	assert_int_equal(out.effect[i].change.silent, HOLD + 100);
	assert_int_equal(out.effect[i].change.late, 100);
	assert_addr(out.effect[i].change.peer, HIGH);
	assert_non_null(strstr(out.effect[i].change.reason, "silent"));
	assert_string_equal(elect_cell_name(0, 0, name), "-");
	assert_string_equal(elect_event_name(ELECT_COUP_HIGHER), "coup_higher");
	assert_string_equal(elect_event_name(0), "none");
}

/* A message of one's own address, or of nobody's state, does nothing. */
static void ignored(void **state)
{
	struct elect_config c = config();
	struct elect_effects out;
	struct election e;

	(void)state;
	bring(&e, &c, HSRP_ACTIVE, 10000);
	input(&e, 10100, HSRP_COUP, HSRP_LISTEN, OWN, &out);
	input(&e, 10100, HSRP_HELLO, HSRP_LISTEN, HIGH, &out);
	input(&e, 10100, HSRP_HELLO, HSRP_SPEAK, LOW, &out);
	input(&e, 10100, HSRP_PROBE, HSRP_ACTIVE, HIGH, &out);
	assert_int_equal(e.state, HSRP_ACTIVE);
	assert_int_equal(e.stats.ignored, 4);
}

int main(void)
{
	static struct cell cells[(sizeof(rows) / sizeof(rows[0])) * HSRP_STATES];
	static const struct CMUnitTest notes[] = {
#define TEST(name, function) { name, function, NULL, NULL, NULL }
		TEST("STBY-44 STBY-N11: without a virtual address it learns, alone for ever", learns_first),
		TEST("STBY-N01 STBY-62: with both holders gone it becomes active, whichever timer ends first", both_holders_gone),
		TEST("STBY-N01: an expiry in Speak is remembered on the way to Standby", expiry_in_speak),
		TEST("STBY-N02 STBY-61: who loses the election does not speak again during it", loser_stays_silent),
		TEST("STBY-N03: what is learned in Virgin counts, and no timer runs", learns_in_virgin),
		TEST("STBY-N04 STBY-68 D-03: without preemption no coup", no_preemption),
		TEST("STBY-73 STBY-75 D-04 TEN-05: a coup waits for the table and for clearance", coup_needs_table_and_clearance),
		TEST("STBY-73: table and clearance are those of the present active router", another_active_starts_over),
		TEST("STBY-68 STBY-78: preemption can be disabled for a time, a standby router preempts, too", preemption_disabled_for_a_time),
		TEST("STBY-N05: the active router forgets a silent standby router", active_forgets_standby),
		TEST("STBY-N06: a coup of a lower router changes nothing", lower_coup),
		TEST("STBY-N07 TEN-06: a standby router yields to a coup where that is configured", directed_coup),
		TEST("STBY-N08 STBY-67: of two standby routers the lower one yields", two_standbys),
		TEST("STBY-69 TEN-23: with the switch off a lower standby router stays", standby_is_kept),
		TEST("STBY-N12: a demoted router learns from the next hello", demoted_learns_later),
		TEST("STBY-N13: another configuration is event 2, then event 1", reconfigured),
		TEST("STBY-57: a Resign counts from the active router only", others_resign),
		TEST("STBY-32 STBY-33: nothing is learned from Coup and Resign", odd_timers),
		TEST("STBY-39 STBY-40: priority, then address; what is tracked lowers it", comparison),
		TEST("STBY-41: another method of election", another_method),
		TEST("STBY-34 STBY-46: who speaks does so every hellotime, others are silent", who_speaks),
		TEST("STBY-37 STBY-49: timers and address of the active router are taken over", learned_values),
		TEST("FAIL-01 STBY-50 OPEN-43: A3, scheduling delay: an expiry that a stopped process finds is not believed", late_expiry),
		TEST("STBY-55: a process that is always late takes over nevertheless", always_late),
		TEST("OPEN-43: messages that waited count from when they came", old_messages),
		TEST("STBY-53 OPEN-44: an active router that did not run fences itself", fences_itself),
		TEST("OPEN-44: it does so before it acts on what it reads", fences_before_it_reads),
		TEST("STBY-52: it serves again when nobody else did meanwhile", serves_again),
		TEST("STBY-56 STBY-58: a resignation on request", resigns),
		TEST("STBY-65 STBY-66 TEN-22: a standby router fetches the active one's table", standby_fetches),
		TEST("STBY-42: each transition tells its cell, reason and numbers", reasons),
		TEST("STBY-20 OPEN-31: messages that no row is about do nothing", ignored),
	};
	static struct CMUnitTest tests[sizeof(cells) / sizeof(cells[0]) +
				       sizeof(notes) / sizeof(notes[0])];
	size_t n = 0;

	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		for (uint8_t s = 0; s < HSRP_STATES; s++, n++) {
			cells[n].row = &rows[r];
			cells[n].state = s;
			snprintf(cells[n].name, sizeof(cells[n].name),
				 "%s; in %s: %s", rows[r].name,
				 hsrp_state_name(s), rows[r].cells[s]);
			tests[n] = (struct CMUnitTest){
				cells[n].name, expect_cell, NULL, NULL,
				&cells[n],
			};
		}
	}
	memcpy(tests + n, notes, sizeof(notes));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
