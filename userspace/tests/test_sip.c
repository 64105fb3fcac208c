// SPDX-License-Identifier: GPL-2.0-or-later
/* Sessions and registrations of a host that moves, in virtual time. */
#include "core_test.h"

#include <stdio.h>

#include "core/sip_registration.h"
#include "core/sip_session.h"

#define MANY 10000

/**
 * struct peer - the owner's object of a session
 * @session: the session
 * @asked: re-INVITEs sent
 * @bypassed: times that the way around the server was taken
 * @around: there is one
 * @silent: the server answers nobody
 * @abandoned: requests whose answer is not wanted
 * @located: questions to its server
 * @ended: it is over, and why
 * @why: see above
 */
struct peer {
	struct sip_session *session;
	unsigned int asked;
	unsigned int bypassed;
	bool around;
	bool silent;
	unsigned int abandoned;
	unsigned int located;
	bool ended;
	enum sip_session_end why;
};

/**
 * struct fixture - a host under test
 * @sessions: the core
 * @now: virtual time
 * @peers: its sessions
 * @n: their number
 * @last: last event
 * @n_events: events so far, by type
 * @media: what is said about media
 * @random: next random number
 * @refuse: requests cannot be sent
 * @unconcerned: moves change nothing that peers were told
 * @asked: requests in the order they left
 * @n_asked: their number
 * @registrations: the other core
 * @regs: registrations in it
 * @sent: REGISTERs so far
 * @expires: of the last one
 * @codes: events about registrations so far
 * @code: of the last one
 */
struct fixture {
	struct sip_sessions *sessions;
	msec_t now;
	struct peer *peers;
	unsigned int n;
	struct sip_session_event last;
	unsigned int n_events[SIP_SESSION_STUCK + 1];
	enum sip_media media;
	uint64_t random;
	bool refuse;
	bool unconcerned;
	unsigned int n_asked;
	struct sip_registrations *registrations;
	struct sip_registration *regs[3];
	unsigned int sent;
	unsigned int expires;
	unsigned int codes;
	unsigned int code;
};

static bool on_concerned(void *ctx, void *user)
{
	(void)user;
	return !((struct fixture *)ctx)->unconcerned;
}

static bool on_update(void *ctx, void *user)
{
	struct fixture *f = ctx;
	struct peer *p = user;

	if (f->refuse)
		return false;
	p->asked++;
	f->n_asked++;
	return true;
}

static void on_abandon(void *ctx, void *user)
{
	(void)ctx;
	((struct peer *)user)->abandoned++;
}

static bool on_bypass(void *ctx, void *user, bool sure)
{
	struct peer *p = user;

	(void)ctx;
	if (!p->around || (!sure && !p->silent))
		return false;
	p->around = false;
	p->bypassed++;
	return true;
}

static void on_locate(void *ctx, void *user)
{
	(void)ctx;
	((struct peer *)user)->located++;
}

static enum sip_media on_media(void *ctx, void *user, msec_t since)
{
	(void)user;
	(void)since;
	return ((struct fixture *)ctx)->media;
}

static void on_end(void *ctx, void *user, enum sip_session_end why)
{
	struct peer *p = user;

	(void)ctx;
	p->ended = true;
	p->why = why;
	sip_session_free(p->session);
	p->session = NULL;
}

static uint64_t on_random(void *ctx)
{
	return ((struct fixture *)ctx)->random;
}

static void on_event(void *ctx, void *user,
		     const struct sip_session_event *event)
{
	struct fixture *f = ctx;

	(void)user;
	f->last = *event;
	f->n_events[event->type]++;
}

static const struct sip_session_ops ops = {
	.concerned = on_concerned,
	.update = on_update,
	.abandon = on_abandon,
	.bypass = on_bypass,
	.locate = on_locate,
	.media = on_media,
	.end = on_end,
	.random = on_random,
	.event = on_event,
};

static bool on_register(void *ctx, void *user, unsigned int expires)
{
	struct fixture *f = ctx;

	(void)user;
	if (f->refuse)
		return false;
	f->sent++;
	f->expires = expires;
	return true;
}

static void on_registered(void *ctx, void *user, unsigned int code, msec_t took)
{
	struct fixture *f = ctx;

	(void)user;
	(void)took;
	f->codes++;
	f->code = code;
}

static const struct sip_registration_ops registration_ops = {
	.send = on_register,
	.event = on_registered,
};

static struct fixture *with_sessions(unsigned int n)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->now = 1000;
	f->n = n;
	f->peers = calloc(n, sizeof(*f->peers));
	f->sessions = sip_sessions_new(&sip_session_defaults, &ops, f);
	sip_sessions_move(f->sessions, f->now, true);
	for (unsigned int i = 0; i < n; i++) {
		struct peer *p = &f->peers[i];

		p->session = sip_session_new(f->sessions, i % 2 == 0, p);
		assert_non_null(p->session);
		sip_session_established(p->session, f->now,
					sip_sessions_epoch(f->sessions));
	}
	f->registrations = sip_registrations_new(&sip_registration_defaults,
						 &registration_ops, f);
	for (int i = 0; i < 3; i++)
		f->regs[i] = sip_registration_new(f->registrations, f);
	return f;
}

static int setup(void **state)
{
	*state = with_sessions(3);
	return 0;
}

static int setup_many(void **state)
{
	*state = with_sessions(MANY);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sip_registrations_free(f->registrations);
	sip_sessions_free(f->sessions);
	free(f->peers);
	free(f);
	return 0;
}

static void move(struct fixture *f)
{
	sip_sessions_move(f->sessions, f->now, true);
}

static void answer(struct fixture *f, unsigned int peer, unsigned int code)
{
	sip_session_answered(f->peers[peer].session, f->now, code, -1);
}

/* Time goes by; what is due is done in its order. */
static void advance(struct fixture *f, msec_t ms)
{
	msec_t end = f->now + ms, next;

	while ((next = min_time(sip_sessions_tick(f->sessions, f->now),
				sip_registrations_tick(f->registrations,
						       f->now))) <= end)
		f->now = max_time(f->now, next);
	f->now = end;
}

/* ---- sessions ---- */

static void every_peer_is_told_at_once(void **state)
{
	struct fixture *f = *state;

	move(f);
	for (int i = 0; i < 3; i++)
		assert_int_equal(f->peers[i].asked, 1);
	assert_int_equal(sip_sessions_untold(f->sessions), 3);
	f->now += 40;
	for (int i = 0; i < 3; i++) {
		answer(f, i, 200);
		assert_int_equal(sip_sessions_untold(f->sessions), 2 - i);
	}
	assert_int_equal(f->last.type, SIP_SESSION_TOLD);
	assert_int_equal(f->last.took, 40);
	advance(f, 60000);
	for (int i = 0; i < 3; i++)
		assert_int_equal(f->peers[i].asked, 1);
}

static void ended_sessions_are_not_told(void **state)
{
	struct fixture *f = *state;

	sip_session_free(f->peers[1].session);
	move(f);
	assert_int_equal(f->n_asked, 2);
	assert_int_equal(f->peers[1].asked, 0);
	assert_int_equal(sip_sessions_count(f->sessions), 2);
}

static void early_sessions_wait_for_the_answer(void **state)
{
	struct fixture *f = *state;
	struct peer p = { 0 };
	uint32_t epoch = sip_sessions_epoch(f->sessions);

	p.session = sip_session_new(f->sessions, true, &p);
	move(f);
	assert_int_equal(p.asked, 0);
	/* Its answer is about the address of before. */
	sip_session_established(p.session, f->now, epoch);
	assert_int_equal(p.asked, 1);
}

static void second_move_does_not_wait_for_the_first(void **state)
{
	struct fixture *f = *state;

	move(f);
	f->now += 300;
	move(f);
	assert_int_equal(f->peers[0].asked, 2);
	assert_int_equal(f->peers[0].abandoned, 1);
	f->now += 40;
	answer(f, 0, 200);
	assert_true(sip_session_is_told(f->peers[0].session));
	assert_int_equal(f->last.took, 40);
}

static void glare_waits_by_who_made_the_call(void **state)
{
	struct fixture *f = *state;

	move(f);
	assert_false(sip_session_offered(f->peers[0].session));
	f->random = 0;
	answer(f, 0, 491);
	assert_int_equal(f->last.took, 2100);
	f->random = 190;
	answer(f, 1, 491);
	assert_int_equal(f->last.took, 1900);
	assert_true(sip_session_offered(f->peers[1].session));
	advance(f, 1899);
	assert_int_equal(f->peers[1].asked, 1);
	advance(f, 1);
	assert_int_equal(f->peers[1].asked, 2);
	advance(f, 199);
	assert_int_equal(f->peers[0].asked, 1);
	advance(f, 1);
	assert_int_equal(f->peers[0].asked, 2);
	answer(f, 0, 200);
	assert_true(sip_session_is_told(f->peers[0].session));
}

static void glare_is_not_for_ever(void **state)
{
	struct fixture *f = *state;

	move(f);
	for (int i = 0; i < 50 && !f->n_events[SIP_SESSION_REFUSED]; i++) {
		answer(f, 0, 491);
		advance(f, 4000);
	}
	assert_int_equal(f->n_events[SIP_SESSION_REFUSED], 1);
	assert_false(f->peers[0].ended);
	/* The next move is another matter. */
	move(f);
	answer(f, 0, 200);
	assert_true(sip_session_is_told(f->peers[0].session));
}

static void retry_after_is_heeded_and_bounded(void **state)
{
	struct fixture *f = *state;

	move(f);
	sip_session_answered(f->peers[0].session, f->now, 500, 3);
	assert_int_equal(f->last.type, SIP_SESSION_LATER);
	assert_int_equal(f->last.took, 3000);
	sip_session_answered(f->peers[1].session, f->now, 503, 4000000);
	assert_int_equal(f->last.took, 10000);
	advance(f, 3000);
	assert_int_equal(f->peers[0].asked, 2);
}

static void refused_offer_changes_nothing(void **state)
{
	struct fixture *f = *state;
	msec_t wait;

	move(f);
	answer(f, 1, 200);
	answer(f, 2, 200);
	answer(f, 0, 488);
	assert_int_equal(f->last.type, SIP_SESSION_REFUSED);
	assert_int_equal(f->last.code, 488);
	assert_int_equal(f->last.took, 10000);
	/* Asked again after 10, 20 and 40 s, as it may take the offer by then. */
	for (unsigned int tries = 2; tries <= 4; tries++) {
		wait = f->last.took;
		advance(f, wait - 1);
		assert_int_equal(f->peers[0].asked, tries - 1);
		f->now++;
		sip_sessions_tick(f->sessions, f->now);
		assert_int_equal(f->peers[0].asked, tries);
		answer(f, 0, 488);
		assert_int_equal(f->last.type, SIP_SESSION_REFUSED);
	}
	assert_int_equal(f->last.took, 0);
	advance(f, 600000);
	assert_int_equal(f->peers[0].asked, 4);
	assert_false(f->peers[0].ended);
	/* The next place is another offer. */
	move(f);
	assert_int_equal(f->peers[0].asked, 5);
	answer(f, 0, 200);
	assert_int_equal(f->last.type, SIP_SESSION_TOLD);
}

/* Any other refusal would be the same again. */
static void refusal_for_good_is_not_repeated(void **state)
{
	struct fixture *f = *state;

	move(f);
	answer(f, 0, 403);
	assert_int_equal(f->last.type, SIP_SESSION_REFUSED);
	advance(f, 60000);
	assert_int_equal(f->peers[0].asked, 1);
	assert_false(f->peers[0].ended);
}

/* A change of the other family: what the peer was told is true. */
static void move_that_concerns_nobody_is_silent(void **state)
{
	struct fixture *f = *state;

	move(f);
	answer(f, 0, 200);
	f->unconcerned = true;
	move(f);
	/* One had agreed; two are asked and are not asked again. */
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(f->peers[i].asked, 1);
		assert_int_equal(f->peers[i].abandoned, 0);
	}
	assert_true(sip_session_is_told(f->peers[0].session));
	assert_false(sip_session_is_told(f->peers[1].session));
	answer(f, 1, 200);
	answer(f, 2, 200);
	assert_int_equal(sip_sessions_untold(f->sessions), 0);
	f->unconcerned = false;
	move(f);
	assert_int_equal(f->peers[0].asked, 2);
}

static void unknown_call_ends(void **state)
{
	struct fixture *f = *state;

	move(f);
	answer(f, 0, 481);
	assert_true(f->peers[0].ended);
	assert_int_equal(f->peers[0].why, SIP_END_GONE);
	assert_int_equal(sip_sessions_count(f->sessions), 2);
}

static void silent_peer_is_sought_at_its_server(void **state)
{
	struct fixture *f = *state;

	move(f);
	advance(f, 1199);
	assert_int_equal(f->peers[0].located, 0);
	advance(f, 1);
	assert_int_equal(f->peers[0].located, 1);
	/* Where it was: the request goes on being sent. */
	sip_session_located(f->peers[0].session, f->now, false);
	assert_int_equal(f->peers[0].asked, 1);
	advance(f, 4000);
	assert_int_equal(f->peers[0].located, 2);
	sip_session_located(f->peers[0].session, f->now, true);
	assert_int_equal(f->peers[0].asked, 2);
	assert_int_equal(f->peers[0].abandoned, 1);
	answer(f, 0, 200);
	assert_true(sip_session_is_told(f->peers[0].session));
}

static void silent_server_is_bypassed_at_once(void **state)
{
	struct fixture *f = *state;

	f->peers[0].around = f->peers[0].silent = true;
	move(f);
	advance(f, 499);
	assert_int_equal(f->peers[0].bypassed, 0);
	advance(f, 1);
	assert_int_equal(f->peers[0].bypassed, 1);
	assert_int_equal(f->peers[0].abandoned, 1);
	assert_int_equal(f->peers[0].asked, 2);
	f->now += 40;
	answer(f, 0, 200);
	assert_true(sip_session_is_told(f->peers[0].session));
	assert_int_equal(f->last.took, 540);
	/* The others' servers answer others. */
	assert_int_equal(f->peers[1].asked, 1);
}

static void silent_peer_is_asked_without_its_server_too(void **state)
{
	struct fixture *f = *state;

	f->peers[0].around = true;
	move(f);
	advance(f, 1199);
	assert_int_equal(f->peers[0].asked, 1);
	advance(f, 1);
	assert_int_equal(f->peers[0].located, 1);
	assert_int_equal(f->peers[0].asked, 2);
	advance(f, 40000);
	assert_int_equal(f->peers[0].bypassed, 1);
	assert_true(f->peers[0].ended);
}

static void proxy_that_cannot_reach_it_is_no_end(void **state)
{
	struct fixture *f = *state;

	move(f);
	answer(f, 0, 408);
	assert_int_equal(f->peers[0].located, 1);
	assert_false(f->peers[0].ended);
	sip_session_located(f->peers[0].session, f->now, true);
	assert_int_equal(f->peers[0].asked, 2);
}

static void peer_that_is_gone_ends_the_session(void **state)
{
	struct fixture *f = *state;

	move(f);
	answer(f, 1, 200);
	answer(f, 2, 200);
	advance(f, 31000);
	assert_false(f->peers[0].ended);
	advance(f, 6000);
	assert_true(f->peers[0].ended);
	assert_int_equal(f->peers[0].why, SIP_END_UNANSWERED);
	assert_non_null(f->peers[1].session);
}

static void between_networks_nothing_ends(void **state)
{
	struct fixture *f = *state;

	move(f);
	f->now += 100;
	sip_sessions_move(f->sessions, f->now, false);
	advance(f, 300000);
	assert_int_equal(f->peers[0].asked, 1);
	assert_false(f->peers[0].ended);
	move(f);
	assert_int_equal(f->peers[0].asked, 2);
	answer(f, 0, 200);
	assert_true(sip_session_is_told(f->peers[0].session));
}

static void media_that_do_not_come_are_asked_for(void **state)
{
	struct fixture *f = *state;

	f->media = SIP_MEDIA_MISSING;
	move(f);
	for (int i = 0; i < 4; i++) {
		answer(f, 0, 200);
		advance(f, 1000);
	}
	assert_int_equal(f->peers[0].asked, 4);
	assert_int_equal(f->n_events[SIP_SESSION_STUCK], 1);
	assert_int_equal(f->n_events[SIP_SESSION_TOLD], 1);
	advance(f, 60000);
	assert_int_equal(f->peers[0].asked, 4);
}

static void media_that_come_are_the_end_of_it(void **state)
{
	struct fixture *f = *state;

	f->media = SIP_MEDIA_ARRIVES;
	move(f);
	answer(f, 0, 200);
	advance(f, 10000);
	assert_int_equal(f->peers[0].asked, 1);
	assert_int_equal(f->n_events[SIP_SESSION_STUCK], 0);
}

static void what_cannot_be_sent_is_tried_again(void **state)
{
	struct fixture *f = *state;

	f->refuse = true;
	move(f);
	f->refuse = false;
	assert_int_equal(f->peers[0].asked, 0);
	advance(f, 2000);
	assert_int_equal(f->peers[0].asked, 1);
}

/* Answers come a round trip later, in the order of the requests. */
static void many_are_told_in_a_growing_window(void **state)
{
	struct fixture *f = *state;
	unsigned int answered = 0, most = 0;
	msec_t begin = f->now;

	move(f);
	assert_int_equal(f->n_asked, sip_session_defaults.window);
	while (answered < MANY) {
		unsigned int asked = f->n_asked;

		if (asked - answered > most)
			most = asked - answered;
		f->now += 20;
		while (answered < asked)
			answer(f, answered++, 200);
	}
	assert_true(f->now - begin < 5000);
	assert_true(most <= sip_session_defaults.window_max);
	assert_int_equal(sip_sessions_untold(f->sessions), 0);
	assert_int_equal(sip_sessions_counters(f->sessions)->told, MANY);
}

/**
 * struct server - answers one request after the other
 * @queue: sessions that wait for their turn
 * @head: the first of them
 * @tail: behind the last
 * @most: the longest that the queue was
 */
struct server {
	unsigned int queue[MANY];
	unsigned int head;
	unsigned int tail;
	unsigned int most;
};

/*
 * A server on a way of @rtt ms that answers @rate requests each ms. Returns how long it took
 * until all were told; the queue is never longer than a socket's buffer.
 */
static msec_t told_by_server(struct fixture *f, msec_t rtt, unsigned int rate)
{
	static unsigned int arrived[1 << 16];
	static struct server server;
	unsigned int taken = 0;
	msec_t begin = f->now;

	memset(&server, 0, sizeof(server));
	memset(arrived, 0, sizeof(arrived));
	move(f);
	while (sip_sessions_untold(f->sessions)) {
		arrived[f->now - begin + rtt] = f->n_asked;
		if (f->now - begin >= rtt && arrived[f->now - begin] > taken)
			for (; taken < arrived[f->now - begin]; taken++)
				server.queue[server.tail++] = taken;
		if (server.tail - server.head > server.most)
			server.most = server.tail - server.head;
		for (unsigned int i = 0; i < rate && server.head < server.tail; i++)
			answer(f, server.queue[server.head++], 200);
		f->now++;
		assert_true(f->now - begin < 20000);
	}
	/* A socket holds about so many messages of a thousand bytes. */
	assert_true(server.most <= 90);
	return f->now - begin;
}

static void server_is_not_flooded(void **state)
{
	struct fixture *f = *state;

	assert_true(told_by_server(f, 1, 4) < 10000 / 4 * 11 / 10);
	f->n_asked = 0;
	assert_true(told_by_server(f, 100, 4) < 5000);
	f->n_asked = 0;
	assert_true(told_by_server(f, 20, 1) < 11000);
}

static void window_shrinks_where_nobody_answers(void **state)
{
	struct fixture *f = *state;
	unsigned int before;

	move(f);
	before = f->n_asked;
	advance(f, 500);
	/* They leave the window: others get their turn, half as many each time. */
	assert_int_equal(sip_sessions_window(f->sessions), before / 2);
	assert_int_equal(f->n_asked, before + before / 2);
	advance(f, 500);
	assert_int_equal(sip_sessions_window(f->sessions), before / 4);
}

/* ---- registrations ---- */

static void registered(struct fixture *f, int i, unsigned int code,
		       unsigned int expires)
{
	sip_registration_answered(f->regs[i], f->now, code, expires);
}

static struct sip_registration_status status(struct fixture *f, int i)
{
	struct sip_registration_status st;

	sip_registration_status(f->regs[i], &st);
	return st;
}

static void servers_are_told_in_parallel(void **state)
{
	struct fixture *f = *state;

	sip_registrations_move(f->registrations, f->now, true);
	assert_int_equal(f->sent, 3);
	assert_int_equal(f->expires, 300);
	f->now += 30;
	registered(f, 1, 200, 300);
	assert_true(status(f, 1).registered);
	assert_int_equal(status(f, 1).took, 30);
	assert_false(status(f, 0).registered);
}

static void renewed_at_two_thirds(void **state)
{
	struct fixture *f = *state;

	sip_registrations_move(f->registrations, f->now, true);
	for (int i = 0; i < 3; i++)
		registered(f, i, 200, 300);
	advance(f, 199999);
	assert_int_equal(f->sent, 3);
	advance(f, 1);
	assert_int_equal(f->sent, 6);
	/* A renewal is no news. */
	registered(f, 0, 200, 300);
	assert_int_equal(f->codes, 3);
}

static void dead_server_is_asked_more_and_more_rarely(void **state)
{
	struct fixture *f = *state;
	msec_t last = 0, wait = 0;

	sip_registration_free(f->regs[1]);
	sip_registration_free(f->regs[2]);
	sip_registrations_move(f->registrations, f->now, true);
	for (int i = 0; i < 10; i++) {
		unsigned int sent = f->sent;

		registered(f, 0, 0, 0);
		assert_int_equal(f->code, 0);
		last = f->now;
		while (f->sent == sent)
			advance(f, 100);
		assert_true(f->now - last >= wait);
		wait = f->now - last;
		if (wait > 100000)
			break;
	}
	assert_true(wait > 100000);
	/* It comes back, and knows nothing: that is what it is told then. */
	registered(f, 0, 200, 300);
	assert_true(status(f, 0).registered);
}

static void too_brief_is_mended_once(void **state)
{
	struct fixture *f = *state;

	sip_registrations_move(f->registrations, f->now, true);
	registered(f, 0, 423, 1800);
	assert_int_equal(f->sent, 4);
	assert_int_equal(f->expires, 1800);
	/* One that asks for what cannot be is not believed. */
	registered(f, 1, 423, 4000000000u);
	assert_int_equal(f->sent, 4);
	assert_int_equal(f->code, 423);
}

static void wrong_password_is_told_and_not_hammered(void **state)
{
	struct fixture *f = *state;

	sip_registrations_move(f->registrations, f->now, true);
	registered(f, 1, 200, 300);
	registered(f, 2, 200, 300);
	registered(f, 0, 401, 0);
	assert_int_equal(f->code, 401);
	assert_false(status(f, 0).registered);
	for (int i = 0; i < 60; i++) {
		advance(f, 1000);
		registered(f, 0, 401, 0);
	}
	assert_true(f->sent < 3 + 8);
}

static void doubted_server_is_asked_and_believed_again(void **state)
{
	struct fixture *f = *state;

	sip_registrations_move(f->registrations, f->now, true);
	registered(f, 0, 200, 300);
	sip_registration_doubt(f->regs[0], f->now);
	assert_true(status(f, 0).doubted);
	assert_int_equal(f->sent, 4);
	/* One question is enough. */
	sip_registration_doubt(f->regs[0], f->now);
	assert_int_equal(f->sent, 4);
	registered(f, 0, 0, 0);
	assert_true(status(f, 0).doubted);
	advance(f, 2000);
	registered(f, 0, 200, 300);
	assert_false(status(f, 0).doubted);
}

static void a_move_is_told_to_who_did_not_answer_too(void **state)
{
	struct fixture *f = *state;

	sip_registrations_move(f->registrations, f->now, true);
	registered(f, 0, 0, 0);
	f->now += 10;
	sip_registrations_move(f->registrations, f->now, true);
	assert_int_equal(f->sent, 6);
}

static void nothing_is_sent_from_nowhere(void **state)
{
	struct fixture *f = *state;

	sip_registrations_move(f->registrations, f->now, false);
	advance(f, 1000000);
	assert_int_equal(f->sent, 0);
	sip_registrations_move(f->registrations, f->now, true);
	assert_int_equal(f->sent, 3);
}

static void who_leaves_says_so(void **state)
{
	struct fixture *f = *state;

	sip_registrations_move(f->registrations, f->now, true);
	registered(f, 0, 200, 300);
	sip_registrations_leave(f->registrations, f->now);
	assert_int_equal(f->sent, 6);
	assert_int_equal(f->expires, 0);
	registered(f, 0, 200, 0);
	registered(f, 1, 200, 0);
	registered(f, 2, 0, 0);
	assert_false(status(f, 0).registered);
	advance(f, 1000000);
	assert_int_equal(f->sent, 6);
}

#define test(text, fn, before)						\
	{ text, fn, before, teardown, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		test("SIP-13 SIP-14: every peer is told at once, and once",
		     every_peer_is_told_at_once, setup),
		test("SIP-16: a session that ended is not told",
		     ended_sessions_are_not_told, setup),
		test("SIP-14: a call being made is told when it stands",
		     early_sessions_wait_for_the_answer, setup),
		test("SIP-14: a second move does not wait for the answer to the first",
		     second_move_does_not_wait_for_the_first, setup),
		test("SIP-14: glare waits by who made the call (RFC 3261 14.1)",
		     glare_waits_by_who_made_the_call, setup),
		test("SIP-14: glare is not repeated for ever",
		     glare_is_not_for_ever, setup),
		test("SIP-14: Retry-After is heeded within bounds",
		     retry_after_is_heeded_and_bounded, setup),
		test("SIP-14: a refused offer changes nothing",
		     refused_offer_changes_nothing, setup),
		test("SIP-14: what is refused for good is not asked again",
		     refusal_for_good_is_not_repeated, setup),
		test("SIP-14 SIP-20: a change of the other address family is told to nobody",
		     move_that_concerns_nobody_is_silent, setup),
		test("SIP-16: a call that the peer does not know ends",
		     unknown_call_ends, setup),
		test("OPEN-20: a peer that does not answer is sought at its server",
		     silent_peer_is_sought_at_its_server, setup),
		test("SIP-07: a server that answers nobody is bypassed at once",
		     silent_server_is_bypassed_at_once, setup),
		test("SIP-07 OPEN-20: a silent peer is asked without its server, too",
		     silent_peer_is_asked_without_its_server_too, setup),
		test("OPEN-20: a proxy that cannot reach the peer is no end",
		     proxy_that_cannot_reach_it_is_no_end, setup),
		test("OPEN-20: a peer that is gone ends the session, no other",
		     peer_that_is_gone_ends_the_session, setup),
		test("SIP-14: between networks nothing is sent and nothing ends",
		     between_networks_nothing_ends, setup),
		test("SIP-15: media that go to the old address are asked for, not for ever",
		     media_that_do_not_come_are_asked_for, setup),
		test("SIP-15: media that come are the end of it",
		     media_that_come_are_the_end_of_it, setup),
		test("SIP-14: what cannot be sent is tried again",
		     what_cannot_be_sent_is_tried_again, setup),
		test("SIP-14: ten thousand peers are told in a growing window",
		     many_are_told_in_a_growing_window, setup_many),
		test("SIP-14: a server is given what it keeps up with, and no more",
		     server_is_not_flooded, setup_many),
		test("SIP-14: the window shrinks where nobody answers",
		     window_shrinks_where_nobody_answers, setup_many),
		test("SIP-06 SIP-07: all servers are told in parallel",
		     servers_are_told_in_parallel, setup),
		test("SIP-06: registrations are renewed at two thirds",
		     renewed_at_two_thirds, setup),
		test("SIP-07: a dead server is asked more and more rarely",
		     dead_server_is_asked_more_and_more_rarely, setup),
		test("SIP-06: an interval too brief is mended, an absurd one refused",
		     too_brief_is_mended_once, setup),
		test("OPEN-36: a wrong password is told and not hammered",
		     wrong_password_is_told_and_not_hammered, setup),
		test("SIP-07: a server that did not answer a call is asked, and doubted until it answers",
		     doubted_server_is_asked_and_believed_again, setup),
		test("SIP-06: a move is told to a server that did not answer, too",
		     a_move_is_told_to_who_did_not_answer_too, setup),
		test("SIP-06: nothing is sent without an address",
		     nothing_is_sent_from_nowhere, setup),
		test("SIP-06: who leaves says so, once",
		     who_leaves_says_so, setup),
	};

	return cmocka_run_group_tests_name("sip", tests, NULL, NULL);
}
