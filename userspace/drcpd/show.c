// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands of the control socket. */
#include <string.h>

#include "drcpd/drcpd.h"
#include "io/daemon.h"
#include "io/json.h"

static void add_lease(void *ctx, const struct drcp_lease *l)
{
	json_t *client = json_sprintf("%02x:%02x:%02x:%02x:%02x:%02x",
				      l->client[0], l->client[1], l->client[2],
				      l->client[3], l->client[4], l->client[5]);

	json_array_append_new(ctx, json_pack("{so so so sb}",
		"address", json_addr(&l->addr),
		"client", client,
		"expires_in", json_until(daemon_now(), l->expires),
		"held", l->held));
}

/* A server's leases, or the one that this host has. */
static json_t *show(void *ctx, const json_t *args, struct control_error *error)
{
	struct drcpd *d = ctx;
	json_t *list = json_array();
	struct drcp_client_status st;
	struct drcp_lease lease = { 0 };

	(void)args;
	(void)error;
	if (d->server) {
		drcp_server_each(d->server, add_lease, list);
		return list;
	}
	if (!d->client)
		return list;
	drcp_client_status(d->client, &st);
	if (roam_addr_is_none(&st.addr))
		return list;
	memcpy(lease.client, d->config->client.client, 6);
	lease.addr = st.addr;
	lease.expires = st.expires;
	add_lease(list, &lease);
	return list;
}

static json_t *counters(void *ctx, const json_t *args,
			struct control_error *error)
{
	struct drcpd *d = ctx;
	json_t *o = json_object();

	(void)args;
	(void)error;
	for (uint8_t t = DRCP_ADVERTISEMENT; t <= DRCP_DECLINE; t++) {
		json_add_counter(o, "received_", drcp_type_name(t),
				 d->received[t]);
		json_add_counter(o, "sent_", drcp_type_name(t), d->sent[t]);
	}
	for (int i = 1; i < DRCP_DROP_MAX; i++)
		json_add_counter(o, "drop_", drcp_drop_name(i), d->drop[i]);
	if (d->client)
		json_add_counter(o, "", "restored", d->restored);
	if (d->server) {
		const struct drcp_server_counters *c =
			drcp_server_counters(d->server);

		json_add_counter(o, "", "assigned", c->assigned);
		json_add_counter(o, "", "renewed", c->renewed);
		json_add_counter(o, "", "released", c->released);
		json_add_counter(o, "", "declined", c->declined);
		json_add_counter(o, "", "exhausted", c->exhausted);
		json_add_counter(o, "", "expired", c->expired);
	}
	return o;
}

static json_t *status(void *ctx, const json_t *args,
		      struct control_error *error)
{
	struct drcpd *d = ctx;
	const struct rtnl_link *own = kernel_own(d);

	(void)args;
	(void)error;
	return json_status("roam-drcpd", daemon_now(), d->started,
		json_pack("{ss so sI sI sI so sb}",
			  "role", d->server ? "server" :
				  d->relay ? "relay" : "client",
			  "link", own ? json_string(own->name) : json_null(),
			  "links", (json_int_t)d->n_links,
			  "pools", (json_int_t)d->config->n_pools,
			  "leases", (json_int_t)(d->server ?
				drcp_server_leases(d->server) : 0),
			  "address", json_addr(&d->bound.addr),
			  "dhcp", d->dhcp));
}

static bool is_client(const struct drcpd *d, struct control_error *error)
{
	if (!d->client)
		control_refuse(error, "refused", "run it on a client",
			       "this is no client");
	return d->client;
}

static json_t *leave(void *ctx, const json_t *args, struct control_error *error)
{
	struct drcpd *d = ctx;

	(void)args;
	if (!is_client(d, error))
		return NULL;
	drcp_client_leave(d->client, daemon_now());
	drcpd_kick(d);
	return json_array();
}

static json_t *join(void *ctx, const json_t *args, struct control_error *error)
{
	struct drcpd *d = ctx;

	(void)args;
	if (!is_client(d, error))
		return NULL;
	if (kernel_own(d))
		kernel_attach(d, kernel_own(d));
	return json_array();
}

/* roam-mmpd: this host is on that link, and in a domain that it was not in before. */
static json_t *attach(void *ctx, const json_t *args, struct control_error *error)
{
	const char *name = json_string_value(json_object_get(args, "link"));
	struct drcpd *d = ctx;

	if (!is_client(d, error))
		return NULL;
	for (size_t i = 0; name && i < d->n_links; i++) {
		if (strcmp(d->links[i].name, name))
			continue;
		d->guided = true;
		uv_timer_stop(&d->alone);
		kernel_attach(d, &d->links[i]);
		return json_array();
	}
	control_refuse(error, "missing", "name it in 'links' of drcpd.conf",
		       "this client has no link %s", name ? name : "");
	return NULL;
}

/* roam-mmpd: the address is registered, so the one of before is of no use. */
static json_t *registered(void *ctx, const json_t *args,
			  struct control_error *error)
{
	struct drcpd *d = ctx;

	(void)args;
	if (!is_client(d, error))
		return NULL;
	kernel_settle(d);
	return json_array();
}

/* What roam-mmpd needs of it: the address, and where its key is. */
static json_t *address(void *ctx, const json_t *args,
		       struct control_error *error)
{
	struct drcpd *d = ctx;

	(void)args;
	(void)error;
	return json_pack("[{so ss}]", "address", json_addr(&d->bound.addr),
			 "keys", d->config->mmp ? d->config->mmp_path : "");
}

const struct control_command show_commands[] = {
	{ "show", show, false, "leases" },
	{ "counters", counters, false, "messages and leases" },
	{ "status", status, false, "role, links, address" },
	{ "address", address, false, "the address of this host, and where its key of MMP is" },
	{ "attach", attach, true, "this host arrived on a link" },
	{ "registered", registered, true, "MMP has the address: the one of before goes" },
	{ "leave", leave, true, "give the address back, until join" },
	{ "join", join, true, "ask for an address again" },
	{ NULL, NULL, false, NULL }
};
