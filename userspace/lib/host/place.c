// SPDX-License-Identifier: GPL-2.0-or-later
#include "host/place.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/daemon.h"
#include "rtnl/addr.h"
#include "rtnl/link.h"
#include "rtnl/route.h"
#include "rtnl/watch.h"

#define LOOK_SOON 5		/* ms after a change, to see the rest of it */
#define LOOK_LATER 1000		/* ms, without any (D-21) */

/**
 * struct host_place - see host_place_open()
 * @loop: the loop
 * @device: link that is no link to a network, or empty
 * @ops: the user's
 * @ctx: for them
 * @rtnl: requests about routes
 * @watch: socket of changes of addresses and routes
 * @watch_poll: watches @watch
 * @timer: looks: soon after a change, and once in a while
 * @places: what is known
 * @open: handles that are not closed yet
 */
struct host_place {
	uv_loop_t *loop;
	char device[IF_NAMESIZE];
	const struct host_place_ops *ops;
	void *ctx;
	struct rtnl *rtnl;
	int watch;
	uv_poll_t watch_poll;
	uv_timer_t timer;
	struct host_places places;
	unsigned int open;
};

/* struct seen - a source, and its link */
struct seen {
	struct roam_addr addr;
	unsigned int link;
};

static struct seen present(const struct host_place *p, int family)
{
	const struct host_places *known = &p->places;

	return family == AF_INET ? (struct seen){ known->now.v4, known->link4 } :
				   (struct seen){ known->now.v6, known->link6 };
}

/*
 * The source towards the first destination that there is a way to, or none. Where the
 * kernel takes another link now, the present one may still be as good.
 */
static struct seen source_of(const struct host_place *p, int family)
{
	struct seen src, now = present(p, family), none = { .link = 0 };
	struct roam_addr to;

	for (size_t i = 0; p->ops->target(p->ctx, family, i, &to); i++) {
		if (rtnl_route_get(p->rtnl, &to, &src.addr, &src.link))
			continue;
		if (!roam_addr_is_none(&now.addr) && now.link != src.link &&
		    rtnl_route_is_as_good(p->rtnl, &to, &now.addr, now.link))
			return now;
		return src;
	}
	return none;
}

/*
 * Without another address the kernel falls back to the own one on the device.
 * The host is at home only where a link to a network has it as well.
 */
static struct seen place_of(const struct host_place *p, int family)
{
	struct seen src = source_of(p, family), none = { .link = 0 };
	struct roam_addr own;

	if (roam_addr_is_link_local(&src.addr))
		return none;
	if (p->ops->own && p->ops->own(p->ctx, family, &own) &&
	    roam_addr_eq(&src.addr, &own) &&
	    rtnl_addr_elsewhere(p->rtnl, rtnl_link_index(p->device), &own) <= 0)
		return none;
	return src;
}

/* Notes the links: they matter even where the address is the same. */
static struct roam_place where(struct host_place *p)
{
	struct seen v4 = place_of(p, AF_INET), v6 = place_of(p, AF_INET6);

	if (v4.link)
		p->places.link4 = v4.link;
	if (v6.link)
		p->places.link6 = v6.link;
	return (struct roam_place){ .v4 = v4.addr, .v6 = v6.addr };
}

/* False if that is where we were. */
static bool remember(struct host_place *p, const struct roam_place *place)
{
	struct host_places *known = &p->places;

	if (!memcmp(place, &known->now, sizeof(*place)))
		return false;
	/* Between networks there is none; that is no place to remember. */
	if (!roam_addr_is_none(&known->now.v4))
		known->before.v4 = known->now.v4;
	if (!roam_addr_is_none(&known->now.v6))
		known->before.v6 = known->now.v6;
	known->now = *place;
	known->moved = daemon_now();
	known->moves++;
	return true;
}

static void restore(const struct host_place *p)
{
	if (p->ops->restore)
		p->ops->restore(p->ctx);
}

static void on_timer(uv_timer_t *timer)
{
	host_place_look(timer->data);
}

void host_place_look(struct host_place *p)
{
	struct roam_place place;
	bool moved;

	place = where(p);
	restore(p);
	moved = remember(p, &place);
	uv_timer_start(&p->timer, on_timer, LOOK_LATER, 0);
	p->ops->look(p->ctx, &place, moved);
}

/*
 * Connections stand still until others know the new place, so the user hears of
 * the place at once, and lost addresses and routes are restored behind that. An
 * address that vanished is left to the next look.
 */
static void arrive(struct host_place *p)
{
	struct roam_place place = p->places.now, seen = where(p);

	if (!roam_addr_is_none(&seen.v4))
		place.v4 = seen.v4;
	if (!roam_addr_is_none(&seen.v6))
		place.v6 = seen.v6;
	if (!remember(p, &place))
		return;
	p->ops->look(p->ctx, &place, true);
	restore(p);
}

static void on_change(uv_poll_t *poll, int status, int events)
{
	struct host_place *p = poll->data;

	(void)status;
	(void)events;
	if (!rtnl_watch_read(p->watch))
		return;
	uv_update_time(p->loop);
	arrive(p);
	/* The rest of the change comes a moment later: look once for all. */
	uv_timer_start(&p->timer, on_timer, LOOK_SOON, 0);
}

struct host_place *host_place_open(uv_loop_t *loop, const char *device,
				   const struct host_place_ops *ops, void *ctx,
				   char **error)
{
	struct host_place *p = calloc(1, sizeof(*p));

	if (!p) {
		*error = daemon_error("out of memory");
		return NULL;
	}
	p->loop = loop;
	p->ops = ops;
	p->ctx = ctx;
	host_place_set_device(p, device);
	p->rtnl = rtnl_open(error);
	p->watch = p->rtnl ? rtnl_watch_open() : -1;
	if (p->watch < 0) {
		if (p->rtnl)
			*error = daemon_error("cannot watch addresses and routes: %s",
					      strerror(errno));
		rtnl_close(p->rtnl);
		free(p);
		return NULL;
	}
	uv_timer_init(loop, &p->timer);
	uv_poll_init(loop, &p->watch_poll, p->watch);
	p->timer.data = p->watch_poll.data = p;
	p->open = 2;
	uv_poll_start(&p->watch_poll, UV_READABLE, on_change);
	return p;
}

static void on_closed(uv_handle_t *handle)
{
	struct host_place *p = handle->data;

	if (--p->open)
		return;
	close(p->watch);
	free(p);
}

void host_place_close(struct host_place *p)
{
	if (!p)
		return;
	uv_close((uv_handle_t *)&p->timer, on_closed);
	uv_close((uv_handle_t *)&p->watch_poll, on_closed);
	rtnl_close(p->rtnl);
}

void host_place_set_device(struct host_place *p, const char *device)
{
	snprintf(p->device, sizeof(p->device), "%s", device ? device : "");
}

const struct host_places *host_place_get(const struct host_place *p)
{
	return &p->places;
}

struct rtnl *host_place_rtnl(const struct host_place *p)
{
	return p->rtnl;
}
