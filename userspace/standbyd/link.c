// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Links and what is tracked. The kernel answers behind a lock that others may
 * hold for tens of milliseconds, so a second thread asks; it gets copies of all
 * that it needs, and gives back a picture.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/control.h"
#include "io/daemon.h"
#include "io/log.h"
#include "rtnl/socket.h"
#include "rtnl/watch.h"
#include "standbyd/standby.h"

#define TRACK_EVERY 500		/* ms between two looks at daemons */

/**
 * struct look - one look at everything
 * @job: on the second thread
 * @d: the daemon; not touched there
 * @obsolete: groups changed meanwhile, what was seen is of no use
 * @links: how they are
 * @n_links: number of @links
 * @virtual: addresses that are no link's own
 * @n_virtual: number of @virtual
 * @missing: for each group what it tracks and is not there, summed up
 * @tracks: copies, with the number of their group
 * @n_tracks: number of @tracks
 */
struct look {
	struct job job;
	struct standbyd *d;
	bool obsolete;
	struct link_state *links;
	size_t n_links;
	struct roam_addr *virtual;
	size_t n_virtual;
	unsigned int *missing;
	struct look_track {
		struct config_track track;
		size_t group;
	} *tracks;
	size_t n_tracks;
};

/* A daemon is there while its control socket takes connections. */
static bool daemon_answers(const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	bool answers;
	int fd;

	if (*name == '/')
		snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", name);
	else
		control_path(name, addr.sun_path, sizeof(addr.sun_path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	answers = !connect(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
		  errno == EAGAIN;
	close(fd);
	return answers;
}

static bool is_present(struct rtnl *rtnl, const struct config_track *track)
{
	switch (track->kind) {
	case TRACK_LINK:
		return kernel_link_is_up(rtnl, track->name);
	case TRACK_ROUTE:
		return kernel_has_route(rtnl, &track->prefix);
	default:
		return daemon_answers(track->name);
	}
}

static void look_at(struct look *look, struct rtnl *rtnl)
{
	for (size_t i = 0; i < look->n_links; i++)
		kernel_look(rtnl, &look->links[i], look->virtual,
			    look->n_virtual);
	for (size_t i = 0; i < look->n_tracks; i++)
		if (!is_present(rtnl, &look->tracks[i].track))
			look->missing[look->tracks[i].group] +=
				look->tracks[i].track.decrement;
}

/* Second thread. */
static void on_work(struct job *job)
{
	struct look *look = container_of(job, struct look, job);
	struct rtnl *rtnl;
	char *error;

	rtnl = rtnl_open(&error);
	if (!rtnl) {
		look->obsolete = true;
		free(error);
		return;
	}
	look_at(look, rtnl);
	rtnl_close(rtnl);
}

static void look_free(struct look *look)
{
	for (size_t i = 0; i < look->n_tracks; i++)
		free(look->tracks[i].track.name);
	free(look->tracks);
	free(look->missing);
	free(look->virtual);
	free(look->links);
	free(look);
}

static void *array(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p)
		abort();
	return p;
}

static struct look *look_new(struct standbyd *d)
{
	struct look *look = array(1, sizeof(*look));

	look->d = d;
	look->n_links = d->n_links;
	look->links = array(d->n_links, sizeof(*look->links));
	for (size_t i = 0; i < d->n_links; i++)
		strcpy(look->links[i].name, d->links[i]->name);
	look->virtual = array(2 * d->n_groups, sizeof(*look->virtual));
	look->missing = array(d->n_groups, sizeof(*look->missing));
	for (size_t i = 0; i < d->n_groups; i++) {
		look->virtual[look->n_virtual++] = d->groups[i]->e.vip;
		look->virtual[look->n_virtual++] = d->groups[i]->served_vip;
		look->n_tracks += d->groups[i]->config->n_tracks;
	}
	look->tracks = array(look->n_tracks, sizeof(*look->tracks));
	look->n_tracks = 0;
	for (size_t i = 0; i < d->n_groups; i++) {
		const struct config_group *c = d->groups[i]->config;

		for (size_t t = 0; t < c->n_tracks; t++) {
			struct look_track *track = &look->tracks[look->n_tracks++];

			track->track = c->tracks[t];
			track->track.name = strdup(c->tracks[t].name);
			track->group = i;
		}
	}
	return look;
}

static void tell_groups(struct link *link)
{
	struct standbyd *d = link->d;

	for (size_t g = 0; g < d->n_groups; g++)
		if (d->groups[g]->link == link)
			group_link_changed(d->groups[g]);
}

static void apply_link(struct link *link, const struct link_state *seen)
{
	struct standbyd *d = link->d;
	bool swapped = false;

	for (size_t g = 0; g < d->n_groups; g++)
		swapped |= d->groups[g]->link == link && d->groups[g]->serving &&
			   d->groups[g]->config->mac == MAC_SWAP;
	if (link->index == seen->index && link->up == seen->up &&
	    roam_addr_eq(&link->addr, &seen->addr))
		return;
	/* Another link of the same name is one that went and one that came. */
	if (link->index != seen->index || !seen->up) {
		link->up = false;
		tell_groups(link);
		net_close(link);
	}
	link->index = seen->index;
	link->up = seen->up;
	link->addr = seen->addr;
	if (!swapped)
		memcpy(link->mac, seen->mac, 6);
	tell_groups(link);
}

static void apply(struct look *look)
{
	struct standbyd *d = look->d;

	if (look->obsolete)
		return;
	for (size_t i = 0; i < d->n_groups; i++)
		if (d->groups[i]->config->n_tracks)
			group_track(d->groups[i], look->missing[i]);
	for (size_t i = 0; i < d->n_links; i++)
		apply_link(d->links[i], &look->links[i]);
}

static void look(struct standbyd *d);

static void on_looked(struct job *job)
{
	struct look *done = container_of(job, struct look, job);
	struct standbyd *d = done->d;
	bool again = d->look_again;

	if (d->look == done)
		d->look = NULL;
	apply(done);
	look_free(done);
	if (again && d->watch_fd >= 0)
		look(d);
	if (d->n_groups)
		groups_run(d);
}

/* One at a time: what changes meanwhile makes one more, not as many. */
static void look(struct standbyd *d)
{
	if (d->look) {
		d->look_again = true;
		return;
	}
	d->look_again = false;
	d->look = look_new(d);
	d->look->job.run = on_work;
	d->look->job.done = on_looked;
	worker_submit(&d->look->job);
}

static void on_kernel(uv_poll_t *poll, int status, int events)
{
	struct standbyd *d = poll->data;

	(void)status;
	(void)events;
	if (rtnl_watch_read(d->watch_fd))
		look(d);
}

static void on_track(uv_timer_t *timer)
{
	look(timer->data);
}

static char *open_watch(struct standbyd *d)
{
	d->watch_fd = rtnl_watch_open();
	if (d->watch_fd < 0)
		return daemon_error("cannot watch links: %s", strerror(errno));
	uv_poll_init(d->loop, &d->watch_poll, d->watch_fd);
	d->watch_poll.data = d;
	uv_poll_start(&d->watch_poll, UV_READABLE, on_kernel);
	uv_timer_init(d->loop, &d->track_timer);
	d->track_timer.data = d;
	return NULL;
}

char *links_watch(struct standbyd *d)
{
	char *error = d->watch_fd < 0 ? open_watch(d) : NULL;
	bool daemons = false;
	struct look *first;

	if (error)
		return error;
	for (size_t g = 0; g < d->n_groups; g++)
		for (size_t t = 0; t < d->groups[g]->config->n_tracks; t++)
			daemons |= d->groups[g]->config->tracks[t].kind ==
				   TRACK_DAEMON;
	if (daemons)
		uv_timer_start(&d->track_timer, on_track, TRACK_EVERY,
			       TRACK_EVERY);
	else
		uv_timer_stop(&d->track_timer);
	/* The first look is waited for: no hello is due yet. */
	first = look_new(d);
	look_at(first, d->rtnl);
	apply(first);
	look_free(first);
	return NULL;
}

void links_obsolete(struct standbyd *d)
{
	if (d->look)
		d->look->obsolete = true;
	d->look = NULL;
	d->look_again = false;
}

void links_unwatch(struct standbyd *d)
{
	links_obsolete(d);
	if (d->watch_fd < 0)
		return;
	uv_close((uv_handle_t *)&d->watch_poll, NULL);
	uv_close((uv_handle_t *)&d->track_timer, NULL);
	close(d->watch_fd);
	d->watch_fd = -1;
}

/* ---- addresses come and go ---- */

/**
 * struct placing - on the second thread
 * @job: likewise
 * @d: the daemon
 * @generation: of its groups
 * @slot: number of the group
 * @adopt: addresses come; else they go
 * @place: where
 * @err: what the kernel said
 * @us: how long it took
 */
struct placing {
	struct job job;
	struct standbyd *d;
	unsigned int generation;
	size_t slot;
	bool adopt;
	struct placement place;
	int err;
	uint64_t us;
};

static void on_place(struct job *job)
{
	struct placing *p = container_of(job, struct placing, job);
	uint64_t begin = uv_hrtime();
	struct rtnl *rtnl;
	char *error;

	rtnl = rtnl_open(&error);
	if (!rtnl) {
		free(error);
		p->err = -ENOBUFS;
		return;
	}
	if (p->adopt) {
		p->err = kernel_adopt(rtnl, &p->place);
	} else {
		p->err = kernel_withdraw(rtnl, &p->place);
		kernel_withdraw_mac(rtnl, &p->place);
	}
	rtnl_close(rtnl);
	p->us = (uv_hrtime() - begin) / 1000;
}

static void on_placed(struct job *job)
{
	struct placing *p = container_of(job, struct placing, job);

	if (p->generation == p->d->generation && p->d->n_groups)
		group_placed(p->d->groups[p->slot], p->adopt, p->err, p->us);
	free(p);
}

void link_place(struct group *group)
{
	struct placing *p;

	if (group->placing)
		return;
	p = array(1, sizeof(*p));
	p->d = group->d;
	p->generation = group->d->generation;
	p->slot = group->watch_slot;
	p->adopt = group->serving;
	p->place = kernel_place(group);
	group->placing = true;
	p->job.run = on_place;
	p->job.done = on_placed;
	worker_submit(&p->job);
}
