// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drcpd/drcpd.h"
#include "io/daemon.h"
#include "io/json.h"
#include "io/log.h"

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

	if (d->n_links)
		net_send(d, d->links[0].index,
			 msg->type == DRCP_SOLICITATION ? NULL : d->peer, msg);
}

static void op_configure(void *ctx, const struct drcp_msg *assignment)
{
	kernel_configure(ctx, assignment);
	arp_probe(ctx);
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

static void op_event(void *ctx, enum drcp_client_event event,
		     const struct drcp_msg *msg, msec_t took)
{
	char text[ROAM_ADDR_STRLEN];
	struct drcpd *d = ctx;

	log_notice("%s address=%s status=%s after %lld ms", events[event],
		   roam_addr_format(&msg->addr, text),
		   drcp_status_name(msg->status), (long long)took);
	if (d->control && control_is_monitored(d->control))
		drcpd_event(d, json_pack("{ss ss so}", "event", events[event],
					 "status",
					 drcp_status_name(msg->status),
					 "address", json_addr(&msg->addr)));
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

static void on_tick(uv_timer_t *timer)
{
	struct drcpd *d = timer->data;
	msec_t now = daemon_now(), next;

	next = d->server ? drcp_server_tick(d->server, now) :
			   drcp_client_tick(d->client, now);
	if (next == MSEC_NEVER)
		return;
	uv_update_time(d->loop);
	uv_timer_start(timer, on_tick, next > now ? next - now : 0, 0);
}

void drcpd_kick(struct drcpd *d)
{
	on_tick(&d->tick);
}

void drcpd_advertise(struct drcpd *d, uint32_t link, const uint8_t *mac)
{
	struct drcp_msg msg = {
		.type = DRCP_ADVERTISEMENT, .server = d->id,
		.epoch = d->epoch, .seq = ++d->seq,
		.period = d->config->period,
	};

	for (size_t i = 0; i < drcp_server_pools(d->server); i++)
		msg.subnets[msg.n_subnets++] =
			drcp_server_pool(d->server, i)->subnet;
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

static char *start_client(struct drcpd *d)
{
	char *error;

	if (!d->n_links)
		return daemon_error("there is no interface %s",
				    d->config->links[0]);
	memcpy(d->config->client.client, d->links[0].mac, 6);
	error = net_open(d);
	if (!error)
		error = arp_open(d);
	if (error)
		return error;
	d->client = drcp_client_new(&d->config->client, &client_ops, d);
	if (!d->client)
		return daemon_error("out of memory");
	drcp_client_link(d->client, daemon_now(), d->links[0].up);
	return NULL;
}

static char *start(uv_loop_t *loop, void *config, const char *socket_path)
{
	char *error;

	drcpd.loop = loop;
	drcpd.config = config;
	drcpd.started = daemon_now();
	drcpd.watch = -1;
	uv_timer_init(loop, &drcpd.tick);
	uv_timer_init(loop, &drcpd.advertise);
	drcpd.tick.data = drcpd.advertise.data = &drcpd;
	error = kernel_open(&drcpd);
	if (error)
		return error;
	kernel_look(&drcpd);
	error = drcpd.config->is_server ? start_server(&drcpd) :
					  start_client(&drcpd);
	if (!error)
		drcpd.control = control_open(loop, socket_path, show_commands,
					     &drcpd, &error);
	if (!error)
		drcpd_kick(&drcpd);
	return error;
}

/* The pools of a server; all else needs a restart. */
static char *reload(void *config)
{
	struct config *fresh = config;

	if (fresh->is_server != drcpd.config->is_server ||
	    fresh->n_links != drcpd.config->n_links ||
	    memcmp(fresh->links, drcpd.config->links, sizeof(fresh->links)))
		return daemon_error("role and links change with a restart only");
	for (size_t i = 0; drcpd.server && i < fresh->n_pools; i++)
		if (!drcp_server_add_pool(drcpd.server, &fresh->pools[i]))
			return daemon_error("pool %zu has too many addresses, or there are too many pools",
					    i + 1);
	memcpy(fresh->client.client, drcpd.config->client.client, 6);
	drcpd.config = fresh;
	return NULL;
}

/* The address stays, as the lease does: a restart is no move. */
static void stop(void)
{
	uv_close((uv_handle_t *)&drcpd.tick, NULL);
	uv_close((uv_handle_t *)&drcpd.advertise, NULL);
	net_close(&drcpd);
	arp_close(&drcpd);
	store_close(&drcpd);
	kernel_close(&drcpd);
	control_close(drcpd.control);
	drcp_server_free(drcpd.server);
	drcp_client_free(drcpd.client);
}

static void status(char *buf, size_t len)
{
	char text[ROAM_ADDR_STRLEN];

	if (drcpd.server)
		snprintf(buf, len, "%zu leases",
			 drcp_server_leases(drcpd.server));
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
