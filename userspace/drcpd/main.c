// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drcpd/drcpd.h"
#include "io/daemon.h"
#include "io/json.h"
#include "io/log.h"

#define SETTLE 5000	/* ms that roam-mmpd may take to register an address */

static struct drcpd drcpd;

void drcpd_event(struct drcpd *d, json_t *event)
{
	if (d->control)
		control_event(d->control, event);
	else
		json_decref(event);
}

/* ---- what the client's core asks for ---- */

static void op_send(void *ctx, const struct drcp_msg *msg)
{
	struct drcpd *d = ctx;

	if (d->own)
		net_send(d, d->own,
			 msg->type == DRCP_SOLICITATION ? NULL : d->peer, msg);
}

static void on_settle(uv_timer_t *timer)
{
	kernel_settle(timer->data);
}

static void op_configure(void *ctx, const struct drcp_msg *assignment)
{
	struct drcpd *d = ctx;

	if (d->config->mmp && assignment->mmp_key)
		keys_leave(d, assignment);
	kernel_configure(d, assignment);
	if (d->config->mmp)
		uv_timer_start(&d->settle, on_settle, SETTLE, 0);
	arp_probe(d);
}

static void op_deconfigure(void *ctx)
{
	kernel_deconfigure(ctx);
}

static void op_dhcp(void *ctx, bool may)
{
	((struct drcpd *)ctx)->dhcp = may;
}

/* Wall clock, and higher each time even if that goes back. */
static uint64_t op_stamp(void *ctx)
{
	struct drcpd *d = ctx;
	uint64_t now = daemon_wallclock() / 1000;

	d->stamp = now > d->stamp ? now : d->stamp + 1;
	return d->stamp;
}

static const char *const events[] = {
	[DRCP_CLIENT_ASKED] = "asked",
	[DRCP_CLIENT_CONFIGURED] = "configured",
	[DRCP_CLIENT_KEPT] = "kept",
	[DRCP_CLIENT_REFUSED] = "refused",
	[DRCP_CLIENT_UNANSWERED] = "unanswered",
	[DRCP_CLIENT_LOST] = "lost",
	[DRCP_CLIENT_CONFLICT] = "conflict",
	[DRCP_CLIENT_DHCP] = "dhcp",
};

static void tell(struct drcpd *d, const char *event, const struct drcp_msg *msg)
{
	if (!d->control || !control_is_monitored(d->control))
		return;
	drcpd_event(d, json_pack("{ss ss so ss}", "event", event, "status",
				 drcp_status_name(msg->status), "address",
				 json_addr(&msg->addr), "keys", d->config->mmp ?
				 d->config->mmp_path : ""));
}

void drcpd_tell_restored(struct drcpd *d)
{
	tell(d, "restored", &d->bound);
}

static void op_event(void *ctx, enum drcp_client_event event,
		     const struct drcp_msg *msg, msec_t took)
{
	char text[ROAM_ADDR_STRLEN];

	log_notice("%s address=%s status=%s after %lld ms", events[event],
		   roam_addr_format(&msg->addr, text),
		   drcp_status_name(msg->status), (long long)took);
	tell(ctx, events[event], msg);
}

static const struct drcp_client_ops client_ops = {
	.send = op_send,
	.configure = op_configure,
	.deconfigure = op_deconfigure,
	.dhcp = op_dhcp,
	.stamp = op_stamp,
	.event = op_event,
};

/* ---- time ---- */

static msec_t on_tick(void *ctx, msec_t now)
{
	struct drcpd *d = ctx;

	return d->server ? drcp_server_tick(d->server, now) :
	       d->client ? drcp_client_tick(d->client, now) : MSEC_NEVER;
}

void drcpd_kick(struct drcpd *d)
{
	ticker_kick(&d->tick);
}

void drcpd_advertise(struct drcpd *d, uint32_t link, const uint8_t *mac)
{
	struct drcp_msg msg = {
		.type = DRCP_ADVERTISEMENT, .server = d->id,
		.epoch = d->epoch, .seq = ++d->seq,
		.period = d->config->period,
	};

	for (size_t i = 0; i < drcp_server_pools(d->server); i++) {
		const struct drcp_pool *pool = drcp_server_pool(d->server, i);

		if (pool)
			msg.subnets[msg.n_subnets++] = pool->subnet;
	}
	drcp_server_advertised(d->server, daemon_now(), &msg);
	if (mac) {
		net_send(d, link, mac, &msg);
		return;
	}
	for (size_t i = 0; i < d->n_links; i++)
		if (d->links[i].up)
			net_send(d, d->links[i].index, NULL, &msg);
}

static void on_advertise(uv_timer_t *timer)
{
	drcpd_advertise(timer->data, 0, NULL);
}

/* Nobody said where this host is. */
void drcpd_on_alone(uv_timer_t *timer)
{
	struct drcpd *d = timer->data;

	for (size_t i = 0; !d->guided && i < d->n_links; i++)
		if (d->links[i].up) {
			log_info("link=%s roam-mmpd says nothing", d->links[i].name);
			kernel_attach(d, &d->links[i]);
			return;
		}
}

/* ---- the daemon ---- */

static void *load(const char *path, char **error)
{
	return config_load(path, error);
}

static void unload(void *config)
{
	config_free(config);
}

static char *start_server(struct drcpd *d)
{
	char *error;

	d->server = drcp_server_new(d->config->hold);
	if (!d->server)
		return daemon_error("out of memory");
	for (size_t i = 0; i < d->config->n_pools; i++)
		if (!drcp_server_add_pool(d->server, &d->config->pools[i]))
			return daemon_error("pool %zu has too many addresses; %u are the most",
					    i + 1, DRCP_POOL_MAX);
	error = store_open(d);
	if (!error)
		error = net_open(d);
	if (error)
		return error;
	uv_timer_start(&d->advertise, on_advertise, 0, d->config->period);
	return NULL;
}

static char *start_relay(struct drcpd *d)
{
	d->relay = drcp_relay_new();
	return d->relay ? net_open(d) : daemon_error("out of memory");
}

static void name_client(const struct drcpd *d, struct config *config)
{
	static const uint8_t none[6];

	if (!memcmp(config->client.client, none, 6))
		memcpy(config->client.client, d->links[0].mac, 6);
}

static char *start_client(struct drcpd *d)
{
	char *error;

	if (!d->n_links)
		return daemon_error("there is no interface %s",
				    d->config->links[0]);
	name_client(d, d->config);
	error = net_open(d);
	if (!error)
		error = arp_open(d);
	if (error)
		return error;
	d->client = drcp_client_new(&d->config->client, &client_ops, d);
	if (!d->client)
		return daemon_error("out of memory");
	if (d->own)
		kernel_attach(d, kernel_own(d));
	return NULL;
}

static char *start(uv_loop_t *loop, void *config, const char *socket_path)
{
	char *error;

	drcpd.loop = loop;
	drcpd.config = config;
	drcpd.started = daemon_now();
	drcpd.watch = -1;
	ticker_init(&drcpd.tick, loop, on_tick, &drcpd);
	uv_timer_init(loop, &drcpd.advertise);
	uv_timer_init(loop, &drcpd.settle);
	uv_timer_init(loop, &drcpd.alone);
	uv_timer_init(loop, &drcpd.restore);
	drcpd.advertise.data = &drcpd;
	drcpd.settle.data = drcpd.alone.data = drcpd.restore.data = &drcpd;
	error = kernel_open(&drcpd);
	if (error)
		return error;
	kernel_look(&drcpd);
	error = drcpd.config->is_server ? start_server(&drcpd) :
		drcpd.config->is_relay ? start_relay(&drcpd) :
					 start_client(&drcpd);
	if (!error)
		drcpd.control = control_open(loop, socket_path, show_commands,
					     &drcpd, &error);
	if (!error)
		drcpd_kick(&drcpd);
	return error;
}

static bool is_served(const struct config *config,
		      const struct roam_prefix *prefix)
{
	for (size_t i = 0; i < config->n_pools; i++)
		if (config->pools[i].subnet.prefix.len == prefix->len &&
		    roam_addr_eq(&config->pools[i].subnet.prefix.addr,
				 &prefix->addr))
			return true;
	return false;
}

/* Pools of before that are not in the file any more are closed; they keep their places. */
static char *reload_pools(struct drcpd *d, const struct config *fresh)
{
	size_t places = drcp_server_pools(d->server);
	const struct drcp_pool *pool;

	for (size_t i = 0; i < fresh->n_pools; i++)
		places += !is_served(d->config, &fresh->pools[i].subnet.prefix);
	if (places > DRCP_POOLS_MAX)
		return daemon_error("with the pools of before there are more than %d; a restart forgets those: systemctl restart roam-drcpd",
				    DRCP_POOLS_MAX);
	for (size_t i = 0; i < fresh->n_pools; i++)
		if (!drcp_server_add_pool(d->server, &fresh->pools[i]))
			return daemon_error("out of memory");
	for (size_t i = 0; i < d->config->n_pools; i++) {
		pool = &d->config->pools[i];
		if (!is_served(fresh, &pool->subnet.prefix))
			drcp_server_close_pool(d->server,
					       &pool->subnet.prefix);
	}
	/* Hosts hear at once of what is new. */
	uv_timer_start(&d->advertise, on_advertise, 0, fresh->period);
	return NULL;
}

/* Pools, keys and the period of a server; all else needs a restart. */
static char *reload(void *config)
{
	const struct config *old = drcpd.config;
	struct config *fresh = config;
	char *error;

	if (fresh->is_server != old->is_server ||
	    fresh->is_relay != old->is_relay || fresh->mmp != old->mmp ||
	    fresh->n_links != old->n_links || fresh->n_air != old->n_air ||
	    memcmp(fresh->links, old->links, sizeof(fresh->links)))
		return daemon_error("role, links and 'mmp_keys' of a client change with a restart only");
	error = drcpd.server ? reload_pools(&drcpd, fresh) : NULL;
	if (error)
		return error;
	memcpy(fresh->client.client, old->client.client, 6);
	drcpd.config = fresh;
	return NULL;
}

/* The address stays, as the lease does: a restart is no move. */
static void stop(void)
{
	ticker_stop(&drcpd.tick);
	uv_close((uv_handle_t *)&drcpd.advertise, NULL);
	uv_close((uv_handle_t *)&drcpd.settle, NULL);
	uv_close((uv_handle_t *)&drcpd.alone, NULL);
	uv_close((uv_handle_t *)&drcpd.restore, NULL);
	net_close(&drcpd);
	arp_close(&drcpd);
	store_close(&drcpd);
	kernel_close(&drcpd);
	control_close(drcpd.control);
	drcp_server_free(drcpd.server);
	drcp_client_free(drcpd.client);
	drcp_relay_free(drcpd.relay);
}

static void status(char *buf, size_t len)
{
	char text[ROAM_ADDR_STRLEN];

	if (drcpd.server)
		snprintf(buf, len, "%zu leases",
			 drcp_server_leases(drcpd.server));
	else if (drcpd.relay)
		snprintf(buf, len, "relay on %zu links", drcpd.n_links);
	else
		snprintf(buf, len, "at %s", roam_addr_is_none(&drcpd.bound.addr) ?
			 "no address" :
			 roam_addr_format(&drcpd.bound.addr, text));
}

int main(int argc, char **argv)
{
	static const struct daemon daemon = {
		.name = "roam-drcpd",
		.summary = "gives addresses to hosts that enter a sub-network, or gets one",
		.config_path = "/etc/roam/drcpd.conf",
		.socket_path = CONTROL_USUAL("drcpd"),
		.caps = 1 << CAP_NET_ADMIN | 1 << CAP_NET_RAW,
		.load = load,
		.unload = unload,
		.start = start,
		.reload = reload,
		.stop = stop,
		.status = status,
	};

	return daemon_main(&daemon, argc, argv);
}
