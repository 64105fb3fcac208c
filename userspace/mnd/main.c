// SPDX-License-Identifier: GPL-2.0-or-later
/* roam-mnd: a mobile node of Mobile IPv4. */
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/daemon.h"
#include "io/log.h"
#include "mnd/mnd.h"
#include "mnd/session.h"

static struct mnd mnd;

/* ---- what the core asks for ---- */

static void on_send(void *ctx, const struct mn_send *send)
{
	if (send->place.mode == MN_COLOCATED)
		kernel_open_way(ctx, &send->place.coa);
	net_send(ctx, send);
}

static void on_solicit(void *ctx, uint32_t link)
{
	net_solicit(ctx, link);
}

static void on_keepalive(uv_timer_t *timer)
{
	struct mnd *m = timer->data;
	const struct mn_registration *r = mn_current(m->mn);

	if (r && r->udp)
		net_keepalive(m, &r->home_agent);
}

static void count_move(struct mnd *m, enum mn_mode from, enum mn_mode to)
{
	struct mnd_counters *c = &m->counters;

	c->moves++;
	c->left_home += from == MN_HOME && to != MN_HOME;
	c->changed_agent += from == MN_FOREIGN && to == MN_FOREIGN;
	c->came_home += from != MN_HOME && from != MN_NOWHERE && to == MN_HOME;
}

static void on_attach(void *ctx, const struct mn_registration *r)
{
	struct mnd *m = ctx;

	if (r && !roam_addr_eq(&r->place.coa, &m->coa)) {
		count_move(m, m->mode, r->place.mode);
		m->coa = r->place.coa;
		m->mode = r->place.mode;
	}
	kernel_attach(m, r);
	if (r && r->place.mode == MN_HOME)
		net_announce(m, r->place.link);
	mns_attach(m->mns, daemon_now(), r);
	uv_timer_stop(&m->keepalive);
	if (r && r->udp && r->keepalive) {
		/* one at once: it opens the way back */
		uv_update_time(m->loop);
		uv_timer_start(&m->keepalive, on_keepalive, 0,
			       1000 * (uint64_t)r->keepalive);
	}
}

static void on_event(void *ctx, const struct mn_event *event)
{
	show_event(ctx, event);
}

static const struct sa_set *find_foreign(void *ctx, const struct roam_addr *addr)
{
	const struct mnd *m = ctx;

	return config_find_agent(m->config, addr);
}

static uint32_t random_bits(void *ctx)
{
	(void)ctx;
	return (uint32_t)daemon_random();
}

static uint64_t wallclock(void *ctx)
{
	(void)ctx;
	return daemon_wallclock();
}

static const struct mn_ops ops = {
	.send = on_send,
	.solicit = on_solicit,
	.attach = on_attach,
	.event = on_event,
	.find_foreign = find_foreign,
	.random = random_bits,
	.wallclock = wallclock,
};

/* ---- its timer ---- */

static msec_t on_tick(void *ctx, msec_t now)
{
	struct mnd *m = ctx;
	msec_t next = mn_tick(m->mn, now);

	return min_time(next, mns_tick(m->mns, now));
}

void mnd_kick(struct mnd *m)
{
	ticker_kick(&m->tick);
}

void mnd_format_mac(const uint8_t mac[MN_MAC_LEN], char *text)
{
	snprintf(text, 3 * MN_MAC_LEN, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0],
		 mac[1], mac[2], mac[3], mac[4], mac[5]);
}

/* ---- the daemon ---- */

static struct mns_config sessions_of(const struct config *config)
{
	return (struct mns_config){
		.naming = config->naming, .lifetime = config->mn.lifetime,
		.retry_max = config->mn.retry_max,
		.nat_force = config->mn.nat_force,
		.keepalive = config->mn.keepalive,
		.max = (size_t)config->sessions_max,
	};
}

static void *load(const char *path, char **error)
{
	return config_load(path, error);
}

static void unload(void *config)
{
	config_free(config);
}

static void stop(void);

static char *start(uv_loop_t *loop, void *config, const char *socket_path)
{
	struct mnd *m = &mnd;
	char *error;

	m->loop = loop;
	m->started = daemon_now();
	m->config = config;
	ticker_init(&m->tick, loop, on_tick, m);
	uv_timer_init(loop, &m->keepalive);
	m->keepalive.data = m;
	m->mn = mn_new(&m->config->mn, &ops, m);
	m->mns_config = sessions_of(m->config);
	m->mns = mns_new(&m->mns_config, &session_ops, m);
	if (!m->mn || !m->mns)
		return daemon_error("out of memory");
	error = net_start(m);
	if (!error)
		error = kernel_start(m);
	if (!error)
		error = session_start(m, socket_path);
	if (!error)
		m->control = control_open(loop, socket_path, show_commands, m,
					  &error);
	if (error) {
		stop();
		return error;
	}
	kernel_look(m);
	mnd_kick(m);
	return NULL;
}

/* The registration is asked for anew; packets go on meanwhile. */
static char *reload(void *loaded)
{
	struct config *config = loaded, *old = mnd.config;
	struct mnd *m = &mnd;
	struct mn *mn;

	if (!roam_addr_eq(&config->mn.home, &old->mn.home) ||
	    strcmp(config->device, old->device) ||
	    strcmp(config->home_device, old->home_device) ||
	    config->table != old->table || config->priority != old->priority)
		return daemon_error("'home', 'device', 'home_device', 'table' and 'priority' cannot change while it runs: systemctl restart roam-mnd");
	mn = mn_new(&config->mn, &ops, m);
	if (!mn)
		return daemon_error("out of memory");
	mn_free(m->mn);
	m->mn = mn;
	m->config = config;
	m->left = false;
	m->mns_config = sessions_of(config);
	session_configure(m);
	kernel_look(m);
	mnd_kick(m);
	return NULL;
}

static void stop(void)
{
	struct mnd *m = &mnd;

	ticker_stop(&m->tick);
	uv_close((uv_handle_t *)&m->keepalive, NULL);
	control_close(m->control);
	session_stop(m);
	kernel_stop(m);
	net_stop(m);
	mns_free(m->mns);
	mn_free(m->mn);
}

static void status(char *buf, size_t len)
{
	const struct mn_registration *r = mn_current(mnd.mn);
	char coa[ROAM_ADDR_STRLEN];

	if (mnd.left)
		snprintf(buf, len, "has left (roam mn join)");
	else if (!r)
		snprintf(buf, len, "not registered");
	else
		snprintf(buf, len, "%s at %s", mn_mode_name(r->place.mode),
			 roam_addr_format(&r->place.coa, coa));
}

int main(int argc, char **argv)
{
	static const struct daemon daemon = {
		.name = "roam-mnd",
		.summary = "mobile node of Mobile IPv4",
		.config_path = "/etc/roam/mnd.conf",
		.socket_path = CONTROL_USUAL("mnd"),
		/* routes, rules, tunnel; port 434; packet sockets */
		.caps = 1ULL << CAP_NET_ADMIN | 1ULL << CAP_NET_BIND_SERVICE |
			1ULL << CAP_NET_RAW,
		.load = load,
		.unload = unload,
		.start = start,
		.reload = reload,
		.stop = stop,
		.status = status,
	};

	return daemon_main(&daemon, argc, argv);
}
