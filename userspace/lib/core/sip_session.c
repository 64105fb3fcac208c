// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/sip_session.h"

#include <stdlib.h>

#include "base/table.h"

#define WINDOW_MIN 4
/*
 * Requests that may wait for their turn at a server, as the time of answers tells: more
 * would be lost where its socket holds a hundred messages.
 */
#define QUEUE_MIN 16
#define QUEUE_MAX 32
#define GROWTH 32
#define RETRY_MS 2000		/* after an answer that names no time */
#define RETRY_MAX_MS 10000
#define TRIES_MAX 12		/* answers that only put off, for one move */
#define SILENT_TRIES 3		/* times that missing media are asked for */
#define LOCATE_AGAIN_MS 4000
/*
 * Who refuses an offer keeps the call as it was (RFC 3261 14.1), and may take it later: a
 * transcoder is busy, or a phone is just being held.
 */
#define REFUSED_AGAIN_MS 10000
#define REFUSED_TRIES 3

const struct sip_session_config sip_session_defaults = {
	.window = 32,
	.window_max = 1024,
	.answer_wait = 500,
	.locate_wait = 1200,
	.give_up = 32000,
	.media_wait = 1000,
};

/**
 * struct link - member of a list
 * @next: the next one
 * @prev: the one before
 */
struct link {
	struct link *next;
	struct link *prev;
};

/**
 * struct sip_session - one session
 * @sessions: the core
 * @user: the owner's object
 * @all: member of sessions->all
 * @queue: member of sessions->queue while it is queued
 * @deadline: when something is due
 * @state: what is being done
 * @owner: this host made the Call-ID
 * @in_window: its request takes room in the window
 * @media_check: told, and @deadline looks after media
 * @located: its server was asked since the last answer
 * @epoch: the address that the peer agreed to
 * @asked_epoch: the address that the last request carried
 * @tries: requests since the move
 * @silent: times that media were missing
 * @refusals: times that the offer was refused since the move
 * @since: when it had to be told: the move
 * @asked: when the last request left
 * @first_asked: when the first one without an answer left
 */
struct sip_session {
	struct sip_sessions *sessions;
	void *user;
	struct link all;
	struct link queue;
	struct deadline deadline;
	enum sip_session_state state;
	bool owner;
	bool in_window;
	bool media_check;
	bool located;
	uint32_t epoch;
	uint32_t asked_epoch;
	uint16_t tries;
	uint8_t silent;
	uint8_t refusals;
	msec_t since;
	msec_t asked;
	msec_t first_asked;
};

/**
 * struct sip_sessions - the core
 * @config: settings
 * @ops: surroundings
 * @ctx: for them
 * @all: every session
 * @queue: those that wait for room in the window, the oldest first
 * @deadlines: when something is due
 * @count: sessions
 * @standing: of them, those past the first answer
 * @told: of these, those whose peers know the present address
 * @epoch: number of the present address
 * @anywhere: there is one
 * @window: requests that may be without answer
 * @shrunk: when it last shrank
 * @round_end: answers after which the window is thought over
 * @round_n: answers so far
 * @round_sum: ms that they took
 * @mean_best: the least mean of a round since the move, us; 0: none is over
 * @in_flight: requests that are
 * @counters: see above
 */
struct sip_sessions {
	struct sip_session_config config;
	const struct sip_session_ops *ops;
	void *ctx;
	struct link all;
	struct link queue;
	struct deadlines deadlines;
	size_t count;
	size_t standing;
	size_t told;
	uint32_t epoch;
	bool anywhere;
	unsigned int window;
	msec_t shrunk;
	unsigned int round_end;
	unsigned int round_n;
	msec_t round_sum;
	uint64_t mean_best;
	unsigned int in_flight;
	struct sip_session_counters counters;
};

static void list_init(struct link *list)
{
	list->next = list->prev = list;
}

static bool list_has(const struct link *link)
{
	return link->next != link;
}

static void list_add(struct link *list, struct link *link)
{
	link->prev = list->prev;
	link->next = list;
	list->prev->next = link;
	list->prev = link;
}

static void list_del(struct link *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

static void begin_round(struct sip_sessions *ss)
{
	ss->round_end = ss->window;
	ss->round_n = 0;
	ss->round_sum = 0;
}

/* Another place, another way: nothing is known about it. */
static void begin_window(struct sip_sessions *ss)
{
	ss->window = ss->config.window;
	ss->mean_best = 0;
	begin_round(ss);
}

struct sip_sessions *sip_sessions_new(const struct sip_session_config *config,
				      const struct sip_session_ops *ops,
				      void *ctx)
{
	struct sip_sessions *ss = calloc(1, sizeof(*ss));

	if (!ss)
		return NULL;
	ss->config = *config;
	ss->ops = ops;
	ss->ctx = ctx;
	begin_window(ss);
	list_init(&ss->all);
	list_init(&ss->queue);
	return ss;
}

void sip_sessions_configure(struct sip_sessions *ss,
			    const struct sip_session_config *config)
{
	ss->config = *config;
}

void sip_sessions_free(struct sip_sessions *ss)
{
	if (!ss)
		return;
	while (list_has(&ss->all))
		sip_session_free(container_of(ss->all.next, struct sip_session,
					      all));
	deadlines_fini(&ss->deadlines);
	free(ss);
}

struct sip_session *sip_session_new(struct sip_sessions *ss, bool owner,
				    void *user)
{
	struct sip_session *s;

	if (!deadlines_reserve(&ss->deadlines, ss->count + 1))
		return NULL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->sessions = ss;
	s->user = user;
	s->owner = owner;
	list_add(&ss->all, &s->all);
	list_init(&s->queue);
	ss->count++;
	return s;
}

static void leave_window(struct sip_session *s)
{
	if (!s->in_window)
		return;
	s->in_window = false;
	s->sessions->in_flight--;
}

static void set_deadline(struct sip_session *s, msec_t when)
{
	deadline_set(&s->sessions->deadlines, &s->deadline, when);
}

void sip_session_free(struct sip_session *s)
{
	if (!s)
		return;
	leave_window(s);
	list_del(&s->queue);
	list_del(&s->all);
	set_deadline(s, MSEC_NEVER);
	s->sessions->count--;
	if (s->state != SIP_SESSION_EARLY) {
		s->sessions->standing--;
		s->sessions->told -= sip_session_is_told(s);
	}
	free(s);
}

static void tell(struct sip_session *s, enum sip_session_event_type type,
		 unsigned int code, msec_t took)
{
	struct sip_session_event event = {
		.type = type, .code = code, .tries = s->tries, .took = took,
	};

	s->sessions->ops->event(s->sessions->ctx, s->user, &event);
}

static void enqueue(struct sip_session *s)
{
	leave_window(s);
	set_deadline(s, MSEC_NEVER);
	s->state = SIP_SESSION_QUEUED;
	s->media_check = false;
	list_del(&s->queue);
	list_add(&s->sessions->queue, &s->queue);
}

/* ---- the window ---- */

/*
 * What answers take longer than they did in the best round is time in a queue: so many of
 * the window wait there. Before a server loses anything it gets less. The mean of a round
 * is compared, as peers may be near and far.
 */
static void end_round(struct sip_sessions *ss)
{
	/* Half of the clock's step: no answer takes no time. */
	uint64_t mean = ss->round_sum * 1000 / ss->round_n + 500;
	uint64_t queue;

	if (!ss->mean_best || mean < ss->mean_best)
		ss->mean_best = mean;
	queue = ss->window * (mean - ss->mean_best) / mean;
	if (queue < QUEUE_MIN)
		ss->window += GROWTH;
	else if (queue > QUEUE_MAX)
		ss->window -= queue - QUEUE_MIN;
	if (ss->window > ss->config.window_max)
		ss->window = ss->config.window_max;
	begin_round(ss);
}

static void answered_in_time(struct sip_session *s, msec_t now)
{
	struct sip_sessions *ss = s->sessions;

	if (!s->in_window)
		return;
	leave_window(s);
	ss->round_sum += now - s->asked;
	if (++ss->round_n >= ss->round_end)
		end_round(ss);
}

/*
 * Once for all that are lost together: those asked before it shrank say nothing about the
 * window of now. Were each of them counted, one hiccup of a server would leave a window of
 * four for ten thousand calls.
 */
static void lost(struct sip_session *s, msec_t now)
{
	struct sip_sessions *ss = s->sessions;

	if (!s->in_window)
		return;
	leave_window(s);
	ss->counters.lost++;
	if (s->asked < ss->shrunk)
		return;
	ss->shrunk = now;
	ss->window /= 2;
	if (ss->window < WINDOW_MIN)
		ss->window = WINDOW_MIN;
	begin_round(ss);
}

static void backoff(struct sip_session *s, msec_t now, unsigned int code,
		    msec_t wait)
{
	leave_window(s);
	s->state = SIP_SESSION_BACKOFF;
	set_deadline(s, now + wait);
	tell(s, SIP_SESSION_LATER, code, wait);
}

static void ask(struct sip_session *s, msec_t now)
{
	struct sip_sessions *ss = s->sessions;

	list_del(&s->queue);
	s->state = SIP_SESSION_ASKED;
	s->asked = now;
	if (!s->first_asked)
		s->first_asked = now;
	s->asked_epoch = ss->epoch;
	s->in_window = true;
	s->tries++;
	ss->in_flight++;
	ss->counters.updates++;
	set_deadline(s, now + ss->config.answer_wait);
	if (!ss->ops->update(ss->ctx, s->user))
		backoff(s, now, 0, RETRY_MS);
}

static void run_queue(struct sip_sessions *ss, msec_t now)
{
	while (ss->anywhere && list_has(&ss->queue) &&
	       ss->in_flight < ss->window)
		ask(container_of(ss->queue.next, struct sip_session, queue),
		    now);
}

/* ---- what comes in ---- */

uint32_t sip_sessions_epoch(const struct sip_sessions *ss)
{
	return ss->epoch;
}

void sip_session_established(struct sip_session *s, msec_t now,
			     uint32_t epoch)
{
	if (s->state != SIP_SESSION_EARLY)
		return;
	s->state = SIP_SESSION_STANDS;
	s->epoch = epoch;
	s->since = now;
	s->sessions->standing++;
	s->sessions->told += sip_session_is_told(s);
	if (sip_session_is_told(s))
		return;
	enqueue(s);
	run_queue(s->sessions, now);
}

static void begin(struct sip_session *s, msec_t now)
{
	struct sip_sessions *ss = s->sessions;

	if (s->state == SIP_SESSION_ASKED)
		ss->ops->abandon(ss->ctx, s->user);
	s->since = now;
	s->tries = 0;
	s->silent = 0;
	s->refusals = 0;
	s->first_asked = 0;
	s->located = false;
	enqueue(s);
}

/* The number of the place changes, and nothing that the peer was told. */
static void keep_place(struct sip_session *s)
{
	uint32_t before = s->sessions->epoch - 1;

	if (s->epoch == before) {
		s->epoch++;
		s->sessions->told++;
	}
	if (s->asked_epoch == before)
		s->asked_epoch++;
}

void sip_sessions_move(struct sip_sessions *ss, msec_t now, bool anywhere)
{
	ss->anywhere = anywhere;
	ss->epoch++;
	ss->told = 0;
	begin_window(ss);
	for (struct link *l = ss->all.next; l != &ss->all; l = l->next) {
		struct sip_session *s =
			container_of(l, struct sip_session, all);

		if (s->state == SIP_SESSION_EARLY)
			continue;
		if (ss->ops->concerned && !ss->ops->concerned(ss->ctx, s->user))
			keep_place(s);
		else
			begin(s, now);
	}
	run_queue(ss, now);
}

void sip_session_again(struct sip_session *s, msec_t now)
{
	struct sip_sessions *ss = s->sessions;

	if (s->state == SIP_SESSION_EARLY)
		return;
	begin(s, now);
	run_queue(ss, now);
}

static void agreed(struct sip_session *s, msec_t now)
{
	struct sip_sessions *ss = s->sessions;

	ss->told -= sip_session_is_told(s);
	s->epoch = s->asked_epoch;
	ss->told += sip_session_is_told(s);
	s->first_asked = 0;
	s->located = false;
	s->state = SIP_SESSION_STANDS;
	s->media_check = ss->config.media_wait != 0;
	set_deadline(s, s->media_check ? now + ss->config.media_wait :
					 MSEC_NEVER);
	ss->counters.told++;
	/* What is said again as media did not come is no news. */
	if (!s->silent)
		tell(s, SIP_SESSION_TOLD, 200, now - s->since);
}

static void refused(struct sip_session *s, msec_t now, unsigned int code)
{
	bool again = (code == 488 || code == 606) &&
		     s->refusals < REFUSED_TRIES;
	struct sip_sessions *ss = s->sessions;
	msec_t wait = again ? REFUSED_AGAIN_MS << s->refusals++ : 0;

	leave_window(s);
	s->state = again ? SIP_SESSION_BACKOFF : SIP_SESSION_STANDS;
	s->first_asked = 0;
	s->media_check = false;
	set_deadline(s, again ? now + wait : MSEC_NEVER);
	ss->counters.refused++;
	tell(s, SIP_SESSION_REFUSED, code, wait);
}

static void end(struct sip_session *s, enum sip_session_end why)
{
	struct sip_sessions *ss = s->sessions;

	leave_window(s);
	set_deadline(s, MSEC_NEVER);
	s->state = SIP_SESSION_STANDS;
	ss->ops->end(ss->ctx, s->user, why);
}

/* Asks the peer's server; the request goes on being sent meanwhile. */
static void seek(struct sip_session *s)
{
	struct sip_sessions *ss = s->sessions;

	s->located = true;
	ss->counters.sought++;
	tell(s, SIP_SESSION_SOUGHT, 0, 0);
	ss->ops->locate(ss->ctx, s->user);
}

/* RFC 3261 14.1: 2.1 to 4 s for who made the Call-ID, else 0 to 2 s. */
static msec_t glare_wait(struct sip_session *s)
{
	uint64_t bits = s->sessions->ops->random(s->sessions->ctx);

	return s->owner ? 2100 + (msec_t)(bits % 191) * 10 :
			  (msec_t)(bits % 201) * 10;
}

/* Nobody there: perhaps the peer moved as well, and its server knows (OPEN-20). */
static void unreachable(struct sip_session *s, msec_t now, unsigned int code)
{
	struct sip_sessions *ss = s->sessions;

	if (now - s->first_asked >= ss->config.give_up) {
		end(s, SIP_END_UNANSWERED);
		return;
	}
	s->state = SIP_SESSION_BACKOFF;
	set_deadline(s, now + RETRY_MS);
	tell(s, SIP_SESSION_LATER, code, RETRY_MS);
	seek(s);
}

static void put_off(struct sip_session *s, msec_t now, unsigned int code,
		    msec_t wait)
{
	/* Somebody is there. */
	s->first_asked = 0;
	if (s->tries >= TRIES_MAX)
		refused(s, now, code);
	else
		backoff(s, now, code, wait);
}

void sip_session_answered(struct sip_session *s, msec_t now,
			  unsigned int code, int retry_after)
{
	struct sip_sessions *ss = s->sessions;

	if (s->state != SIP_SESSION_ASKED || (code >= 100 && code < 200))
		return;
	if (code)
		answered_in_time(s, now);
	else
		lost(s, now);
	if (code >= 200 && code < 300) {
		agreed(s, now);
	} else if (code == 481) {
		end(s, SIP_END_GONE);
	} else if (code == 491) {
		ss->counters.glare++;
		put_off(s, now, code, glare_wait(s));
	} else if (!code || code == 404 || code == 408 || code == 480 ||
		   code == 430) {
		unreachable(s, now, code);
	} else if (code == 500 || code == 503 || code == 504) {
		msec_t wait = retry_after < 0 ? RETRY_MS :
			      min_time((msec_t)retry_after * 1000, RETRY_MAX_MS);

		put_off(s, now, code, wait);
	} else {
		refused(s, now, code);
	}
	run_queue(ss, now);
}

void sip_session_located(struct sip_session *s, msec_t now, bool changed)
{
	struct sip_sessions *ss = s->sessions;

	if (!changed || !s->located || (s->state != SIP_SESSION_ASKED &&
					s->state != SIP_SESSION_BACKOFF))
		return;
	if (s->state == SIP_SESSION_ASKED)
		ss->ops->abandon(ss->ctx, s->user);
	s->first_asked = 0;
	s->located = false;
	enqueue(s);
	run_queue(ss, now);
}

bool sip_session_offered(const struct sip_session *s)
{
	return s->state != SIP_SESSION_ASKED;
}

enum sip_session_state sip_session_state(const struct sip_session *s)
{
	return s->state;
}

bool sip_session_is_told(const struct sip_session *s)
{
	return s->epoch == s->sessions->epoch;
}

/* ---- time ---- */

static void look_after_media(struct sip_session *s, msec_t now)
{
	struct sip_sessions *ss = s->sessions;
	enum sip_media media = ss->ops->media(ss->ctx, s->user, s->asked);

	s->media_check = false;
	if (media != SIP_MEDIA_MISSING)
		return;
	if (s->silent++ < SILENT_TRIES) {
		enqueue(s);
		return;
	}
	ss->counters.stuck++;
	tell(s, SIP_SESSION_STUCK, 0, now - s->asked);
}

/* Whom a dead server stands in front of is asked without it (SIP-07). */
static bool bypass(struct sip_session *s, bool sure)
{
	struct sip_sessions *ss = s->sessions;

	if (!ss->ops->bypass(ss->ctx, s->user, sure))
		return false;
	ss->counters.bypassed++;
	ss->ops->abandon(ss->ctx, s->user);
	enqueue(s);
	return true;
}

static void no_answer(struct sip_session *s, msec_t now)
{
	struct sip_sessions *ss = s->sessions;
	msec_t waited = now - s->asked;

	lost(s, now);
	if (waited < ss->config.locate_wait) {
		if (bypass(s, false))
			return;
		set_deadline(s, s->asked + ss->config.locate_wait);
		return;
	}
	if (now - s->first_asked >= ss->config.give_up) {
		ss->ops->abandon(ss->ctx, s->user);
		end(s, SIP_END_UNANSWERED);
		return;
	}
	set_deadline(s, now + LOCATE_AGAIN_MS);
	seek(s);
	(void)bypass(s, true);
}

static void due(struct sip_session *s, msec_t now)
{
	switch (s->state) {
	case SIP_SESSION_STANDS:
		if (s->media_check)
			look_after_media(s, now);
		break;
	case SIP_SESSION_BACKOFF:
		enqueue(s);
		break;
	case SIP_SESSION_ASKED:
		/* Between networks time does not count. */
		if (s->sessions->anywhere)
			no_answer(s, now);
		break;
	case SIP_SESSION_EARLY:
	case SIP_SESSION_QUEUED:
		break;
	}
}

msec_t sip_sessions_tick(struct sip_sessions *ss, msec_t now)
{
	struct deadline *d;

	while ((d = deadlines_pop(&ss->deadlines, now)))
		due(container_of(d, struct sip_session, deadline), now);
	run_queue(ss, now);
	return deadlines_next(&ss->deadlines);
}

size_t sip_sessions_count(const struct sip_sessions *ss)
{
	return ss->count;
}

size_t sip_sessions_untold(const struct sip_sessions *ss)
{
	return ss->standing - ss->told;
}

unsigned int sip_sessions_window(const struct sip_sessions *ss)
{
	return ss->window;
}

const struct sip_session_counters *
sip_sessions_counters(const struct sip_sessions *ss)
{
	return &ss->counters;
}
