// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>

#include "io/daemon.h"
#include "io/log.h"
#include "syncd/syncd.h"

#define WAKE 1000		/* ms between two looks at the timers at most */

/* ---- the engine ---- */

static void send_message(void *ctx, const struct roam_addr *to,
			 const struct sync_msg *msg)
{
	struct syncd *d = ctx;

	sync_link_send(&d->link, to, msg);
}

static void on_released(void *ctx, uint64_t token, unsigned int acks, bool late)
{
	(void)ctx;
	(void)token;
	(void)acks;
	(void)late;
}

static uint64_t random_bits(void *ctx)
{
	(void)ctx;
	return daemon_random();
}

static void on_synced(void *ctx, bool synced, const struct roam_addr *from)
{
	struct syncd *d = ctx;
	char text[ROAM_ADDR_STRLEN];

	d->link.told = 0;
	d->purge = synced && !roam_addr_eq(from, &d->link.own);
	if (!synced)
		log_notice("the tables here are not complete");
	else if (roam_addr_eq(from, &d->link.own))
		log_notice("the tables of this router are the ones to be had");
	else
		log_notice("the tables of %s are complete here",
			   roam_addr_format(from, text));
}

static uint64_t wallclock(void *ctx)
{
	(void)ctx;
	return daemon_wallclock();
}

static const struct sync_ops ops = {
	.send = send_message, .released = on_released, .random = random_bits,
	.synced = on_synced, .clock = wallclock,
};

static void on_timer(uv_timer_t *timer);

static void rearm(struct syncd *d)
{
	msec_t now = daemon_now(), next = now + WAKE;

	if (d->link.engine)
		next = min_time(next, sync_next(d->link.engine));
	if (d->active)
		next = min_time(next, d->next_look);
	uv_update_time(d->loop);
	uv_timer_start(&d->timer, on_timer,
		       next > now ? (uint64_t)(next - now) : 1, 0);
}

/* Behind whatever changed: strays, messages, the timer. */
static void settle(struct syncd *d)
{
	if (d->purge && !d->active)
		tables_purge(d);
	d->purge = false;
	tables_settle(d);
	sync_settled(d->link.engine, true);
	if (d->young && sync_is_synced(d->link.engine))
		d->young = false;
	if (*d->config->sync->standby)
		sync_link_tell(&d->link, d->role, d->active ? &d->now.standby :
						  &d->now.active, d->active,
			       daemon_now());
	rearm(d);
}

static void on_timer(uv_timer_t *timer)
{
	struct syncd *d = timer->data;
	msec_t now = daemon_now();

	if (!d->link.engine) {
		rearm(d);
		return;
	}
	if (d->active && now >= d->next_look) {
		tables_look(d);
		net_flush(d);
	}
	sync_run(d->link.engine, now);
	settle(d);
}

static void on_burst_end(void *ctx)
{
	struct syncd *d = ctx;

	if (d->link.engine)
		settle(d);
}

void net_flush(struct syncd *d)
{
	if (!d->link.engine)
		return;
	sync_flush(d->link.engine, daemon_now());
	rearm(d);
}

static void make_engine(struct syncd *d, const struct roam_addr *own)
{
	const struct conf_sync *c = d->config->sync;
	struct sync_config config = {
		.group = c->number, .own = *own, .mode = c->mode,
		.multicast = !roam_addr_is_none(&c->multicast), .settles = true,
		.hello = c->hello, .dead = c->dead, .retry = c->retry, .wait = c->wait,
		.tombstone = c->tombstone,
		/* as many again for those that ended a moment ago */
		.entries_max = 2 * (size_t)d->config->entries_max,
	};

	struct sync *engine;

	sync_config_default(&config);
	sync_free(d->link.engine);
	engine = sync_new(&config, &ops, d, daemon_now());
	if (!engine)
		abort();
	sync_link_use(&d->link, engine, own);
	/* Above whatever this router, or another one, said in an earlier life. */
	sync_floor(d->link.engine, daemon_wallclock());
	tables_register(d);
	for (size_t i = 0; i < c->n_members; i++)
		sync_add_member(d->link.engine, daemon_now(), &c->members[i]);
}

/* ---- the role ---- */

static void on_role(void *ctx, const struct role *role)
{
	struct syncd *d = ctx;
	bool was = d->active, first = !d->link.engine;
	enum sync_role to;

	if (roam_addr_is_none(&role->own))
		return;
	d->now = *role;
	if (first || !roam_addr_eq(&d->link.own, &role->own))
		make_engine(d, &role->own);
	to = sync_role_of(role, &d->link.own);
	d->active = to == SYNC_ACTIVE;
	/* With nobody active there is nobody to be a standby of. */
	if (to == SYNC_STANDBY && roam_addr_is_none(&role->active))
		return;
	sync_set_role(d->link.engine, daemon_now(), to, &role->active,
		      &role->standby);
	d->link.told = 0;
	if (was != d->active) {
		log_notice("this router %s", d->active ? "is the active one" :
			   "is not the active one any more");
		/* A daemon that begins at an active router: the kernel knows what goes on. */
		d->young = first && d->active;
	}
	if (!was && d->active) {
		sync_floor(d->link.engine, daemon_wallclock());
		tables_take_over(d);
		sync_flush(d->link.engine, daemon_now());
	}
	settle(d);
}

/* STBY-75: a coup without the tables would end what goes on. */
static bool on_clearance(void *ctx)
{
	const struct syncd *d = ctx;

	return d->link.engine && sync_is_synced(d->link.engine);
}

char *net_start(struct syncd *d, const char *socket_path)
{
	const struct conf_sync *c = d->config->sync;
	char *error;

	d->link.config = c;
	d->link.keys = d->config->keys;
	d->link.end = on_burst_end;
	d->link.ctx = d;
	error = sync_link_open(&d->link, d->loop);
	if (error)
		return error;
	uv_timer_init(d->loop, &d->timer);
	d->timer.data = d;
	if (*c->standby)
		d->role = role_open(d->loop, c->socket, socket_path, c->standby,
				    on_role, on_clearance, d);
	else
		d->role = sync_link_elector(d->loop, c, on_role, d, &error);
	return error;
}

void net_stop(struct syncd *d)
{
	if (!d->link.udp)
		return;
	role_close(d->role);
	sync_link_close(&d->link);
	uv_close((uv_handle_t *)&d->timer, NULL);
	sync_free(d->link.engine);
	d->link.engine = NULL;
}
