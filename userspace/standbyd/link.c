// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/daemon.h"
#include "io/log.h"
#include "rtnl/rtnl.h"
#include "standbyd/standby.h"

#define TRACK_EVERY 500		/* ms between two looks at daemons */

/* A daemon is there while its control socket takes connections. */
static bool daemon_answers(const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const char *dir = getenv("ROAM_RUN_DIR");
	bool answers;
	int fd;

	if (*name == '/')
		snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", name);
	else
		snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s.sock",
			 dir ? dir : "/run/roam", name);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	answers = !connect(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
		  errno == EAGAIN;
	close(fd);
	return answers;
}

bool track_is_present(struct standbyd *d, const struct config_track *track)
{
	switch (track->kind) {
	case TRACK_LINK:
		return kernel_link_is_up(d, track->name);
	case TRACK_ROUTE:
		return kernel_has_route(d, &track->prefix);
	default:
		return daemon_answers(track->name);
	}
}

static bool addr_changed(const struct link *link, const struct link *before)
{
	return link->index != before->index || link->up != before->up ||
	       !roam_addr_eq(&link->addr, &before->addr) ||
	       memcmp(link->mac, before->mac, 6);
}

void links_look(struct standbyd *d)
{
	for (size_t i = 0; i < d->n_links; i++) {
		struct link before = *d->links[i], *link = d->links[i];

		kernel_look(link);
		if (!addr_changed(link, &before))
			continue;
		if (link->index != before.index || !link->up)
			net_close(link);
		for (size_t g = 0; g < d->n_groups; g++)
			if (d->groups[g]->link == link)
				group_link_changed(d->groups[g]);
	}
	for (size_t g = 0; g < d->n_groups; g++)
		if (d->groups[g]->config->n_tracks)
			group_priority_changed(d->groups[g]);
}

static void on_kernel(uv_poll_t *poll, int status, int events)
{
	struct standbyd *d = poll->data;

	(void)status;
	(void)events;
	if (rtnl_watch_read(d->watch_fd))
		links_look(d);
	groups_run(d);
}

static void on_track(uv_timer_t *timer)
{
	struct standbyd *d = timer->data;

	for (size_t g = 0; g < d->n_groups; g++)
		if (d->groups[g]->config->n_tracks)
			group_priority_changed(d->groups[g]);
	groups_run(d);
}

char *links_watch(struct standbyd *d)
{
	bool tracks = false;

	d->watch_fd = rtnl_watch_open();
	if (d->watch_fd < 0)
		return daemon_error("cannot watch links: %s", strerror(errno));
	uv_poll_init(d->loop, &d->watch_poll, d->watch_fd);
	d->watch_poll.data = d;
	uv_poll_start(&d->watch_poll, UV_READABLE, on_kernel);
	uv_timer_init(d->loop, &d->track_timer);
	d->track_timer.data = d;
	for (size_t g = 0; g < d->n_groups; g++)
		for (size_t t = 0; t < d->groups[g]->config->n_tracks; t++)
			tracks |= d->groups[g]->config->tracks[t].kind ==
				  TRACK_DAEMON;
	if (tracks)
		uv_timer_start(&d->track_timer, on_track, TRACK_EVERY,
			       TRACK_EVERY);
	links_look(d);
	return NULL;
}

void links_unwatch(struct standbyd *d)
{
	if (d->watch_fd < 0)
		return;
	uv_close((uv_handle_t *)&d->watch_poll, NULL);
	uv_close((uv_handle_t *)&d->track_timer, NULL);
	close(d->watch_fd);
	d->watch_fd = -1;
}
