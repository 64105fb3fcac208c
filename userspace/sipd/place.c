// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where this host is: the source address that the kernel chooses towards the servers
 * (SIP-05). Whoever configures addresses decides it by doing just that.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/daemon.h"
#include "io/log.h"
#include "rtnl/route.h"
#include "rtnl/watch.h"
#include "sipd/loop.h"
#include "sipd/sipd.h"

#define LOOK_SOON 5		/* ms after a change, to see the rest of it */
#define LOOK_LATER 1000		/* ms, without any (D-21) */
#define LOOK_AGAIN 50		/* ms, while there is none, or none to be used yet */
#define BIND_FAILURES 20		/* that are not worth a line: a second of them */

static bool source_to(struct sipd *sipd, const struct roam_addr *to,
		      struct roam_addr *src)
{
	return !rtnl_route_get(sipd->rtnl, to, src, NULL) &&
	       roam_addr_is_usable(src) && !roam_addr_is_link_local(src);
}

/* By the servers of that family; where they are names, by their answers. */
static struct roam_addr source_of(struct sipd *sipd, bool v4)
{
	struct roam_addr none = { { 0 } }, src, to;
	bool named = false;

	for (size_t i = 0; i < sipd->config->n_servers; i++) {
		const struct roam_addr *addr = &sipd->config->servers[i].addr;

		if (roam_addr_is_none(addr))
			named = true;
		else if (roam_addr_is_v4(addr) == v4 &&
			 source_to(sipd, addr, &src))
			return src;
	}
	if (!named)
		return none;
	for (size_t i = 0; i < sipd->n_regs; i++) {
		to = ua_registration_peer(sipd->regs[i].ua);
		if (!roam_addr_is_none(&to) && roam_addr_is_v4(&to) == v4 &&
		    source_to(sipd, &to, &src))
			return src;
	}
	/* Nobody there: only asked which way it would be. */
	roam_addr_parse(v4 ? "192.0.2.1" : "2001:db8::1", &to);
	return source_to(sipd, &to, &src) ? src : none;
}

/* Families may change one after the other: each one keeps where it was itself. */
static void remember(struct roam_addr *before, const struct roam_addr *was,
		     const struct roam_addr *is)
{
	if (!roam_addr_is_none(was) && !roam_addr_eq(was, is))
		*before = *was;
}

static void set_place(struct sipd *sipd, const struct roam_place *place)
{
	bool anywhere = !roam_addr_is_none(&place->v4) ||
			!roam_addr_is_none(&place->v6);
	bool v4 = !roam_addr_eq(&sipd->place.v4, &place->v4);
	bool v6 = !roam_addr_eq(&sipd->place.v6, &place->v6);
	msec_t now = daemon_now();
	char *error;

	remember(&sipd->before.v4, &sipd->place.v4, &place->v4);
	remember(&sipd->before.v6, &sipd->place.v6, &place->v6);
	error = ua_set_place(sipd->ua, place);
	if (error) {
		/* IPv6 may not be sure of its address yet: a moment later it is. */
		if (sipd->bind_failures++ == BIND_FAILURES)
			log_warning("%s; it is tried on", error);
		free(error);
		memset(&sipd->place, 0, sizeof(sipd->place));
		return;
	}
	sipd->bind_failures = 0;
	sipd->place = *place;
	sipd->moved = now;
	if (anywhere)
		sipd->counters.moves++;
	report_move(sipd);
	call_moved(sipd, v4, v6);
	sip_sessions_move(sipd->sessions, now, anywhere);
	call_answer_held(sipd);
	if (!sipd->left)
		sip_registrations_move(sipd->registrations, now, anywhere);
	sipd_kick(sipd);
}

static void on_look(uv_timer_t *timer);

static void look_in(struct sipd *sipd, uint64_t ms)
{
	uv_update_time(sipd->loop);
	uv_timer_start(&sipd->look, on_look, ms, 0);
	loop_kick();
}

/*
 * @gone: an address that vanished counts. Between networks a place is often missing
 * for a moment only, so that is left to the look after a change.
 */
static void look(struct sipd *sipd, bool gone)
{
	struct roam_place place = {
		.v4 = source_of(sipd, true), .v6 = source_of(sipd, false),
	};

	if (!gone && roam_addr_is_none(&place.v4))
		place.v4 = sipd->place.v4;
	if (!gone && roam_addr_is_none(&place.v6))
		place.v6 = sipd->place.v6;
	if (!roam_addr_eq(&place.v4, &sipd->place.v4) ||
	    !roam_addr_eq(&place.v6, &sipd->place.v6))
		set_place(sipd, &place);
}

bool place_is_somewhere(const struct sipd *sipd)
{
	return !roam_addr_is_none(&sipd->place.v4) ||
	       !roam_addr_is_none(&sipd->place.v6);
}

static void on_look(uv_timer_t *timer)
{
	struct sipd *sipd = timer->data;

	look(sipd, true);
	look_in(sipd, place_is_somewhere(sipd) ? LOOK_LATER : LOOK_AGAIN);
}

static void on_change(void *arg)
{
	struct sipd *sipd = arg;

	if (!rtnl_watch_read(sipd->watch))
		return;
	look(sipd, false);
	look_in(sipd, LOOK_SOON);
}

void place_look(struct sipd *sipd)
{
	look(sipd, true);
}

char *place_start(struct sipd *sipd)
{
	char *error = NULL;

	sipd->rtnl = rtnl_open(&error);
	if (!sipd->rtnl)
		return error;
	sipd->watch = rtnl_watch_open();
	if (sipd->watch < 0)
		return daemon_error("cannot watch addresses and routes: %s",
				    strerror(errno));
	uv_timer_init(sipd->loop, &sipd->look);
	sipd->look.data = sipd;
	if (!loop_listen(sipd->watch, on_change, sipd))
		return daemon_error("cannot watch addresses and routes: too many descriptors");
	look(sipd, true);
	look_in(sipd, LOOK_LATER);
	return NULL;
}

void place_stop(struct sipd *sipd)
{
	if (sipd->watch < 0)
		return;
	loop_unlisten(sipd->watch);
	close(sipd->watch);
	sipd->watch = -1;
	uv_close((uv_handle_t *)&sipd->look, NULL);
	rtnl_close(sipd->rtnl);
}
