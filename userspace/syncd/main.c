// SPDX-License-Identifier: GPL-2.0-or-later
/* roam-syncd: connections of a router at the routers that stand in for it. */
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/daemon.h"
#include "syncd/syncd.h"

static struct syncd syncd;

static void *load(const char *path, char **error)
{
	return config_load(path, error);
}

static void unload(void *config)
{
	config_free(config);
}

static void stop(void)
{
	struct syncd *d = &syncd;

	control_close(d->control);
	net_stop(d);
	leases_stop();
	gtp_stop();
	sets_stop();
	kernel_stop(d);
	tables_free(d);
}

static char *start(uv_loop_t *loop, void *config, const char *socket_path)
{
	struct syncd *d = &syncd;
	char *error;

	d->loop = loop;
	d->started = daemon_now();
	d->config = config;
	table_init(&d->items, table_key_offset(struct item, node, key),
		   sizeof(struct item_key));
	if (d->config->connections)
		d->kinds[d->n_kinds++] = &kernel_connections;
	if (d->config->n_sets)
		d->kinds[d->n_kinds++] = &sets_elements;
	if (d->config->leases)
		d->kinds[d->n_kinds++] = &leases_file;
	if (d->config->n_gtp)
		d->kinds[d->n_kinds++] = &gtp_contexts;
	error = kernel_start(d);
	if (!error)
		error = sets_start(d);
	if (!error)
		error = gtp_start(d);
	if (!error)
		leases_start(d);
	if (!error)
		error = net_start(d, socket_path);
	if (!error)
		d->control = control_open(loop, socket_path, show_commands, d,
					  &error);
	if (error)
		stop();
	return error;
}

static bool same_names(char *const *a, size_t n_a, char *const *b, size_t n_b)
{
	if (n_a != n_b)
		return false;
	for (size_t i = 0; i < n_a; i++)
		if (strcmp(a[i], b[i]))
			return false;
	return true;
}

static bool same_tables(const struct config *a, const struct config *b)
{
	if (a->connections != b->connections || !a->leases != !b->leases ||
	    (a->leases && strcmp(a->leases, b->leases)))
		return false;
	return same_names(a->sets, a->n_sets, b->sets, b->n_sets) &&
	       same_names(a->gtp, a->n_gtp, b->gtp, b->n_gtp);
}

static char *reload(void *loaded)
{
	struct config *config = loaded, *old = syncd.config;
	const struct conf_sync *c = config->sync, *o = old->sync;

	if (c->port != o->port || strcmp(c->standby, o->standby) ||
	    !roam_addr_eq(&c->virtual, &o->virtual) ||
	    strcmp(c->notify, o->notify) || strcmp(c->instance, o->instance) ||
	    !roam_addr_eq(&c->own, &o->own) ||
	    strcmp(c->socket, o->socket) || c->mode != o->mode ||
	    config->entries_max != old->entries_max || !same_tables(config, old))
		return daemon_error("another group, port, mode, table or 'entries_max' needs a restart, which ends no connection: systemctl restart roam-syncd");
	syncd.config = config;
	syncd.link.config = c;
	syncd.link.keys = config->keys;
	return NULL;
}

static void status(char *buf, size_t len)
{
	snprintf(buf, len, "%s, %zu entries",
		 *syncd.now.state ? syncd.now.state : "role unknown",
		 syncd.items.count);
}

int main(int argc, char **argv)
{
	static const struct daemon daemon = {
		.name = "roam-syncd",
		.summary = "Connections of a router at the routers that stand in for it.",
		.config_path = "/etc/roam/syncd.conf",
		.socket_path = CONTROL_USUAL("syncd"),
		.caps = 1ULL << CAP_NET_ADMIN,
		.load = load,
		.unload = unload,
		.start = start,
		.reload = reload,
		.stop = stop,
		.status = status,
	};

	return daemon_main(&daemon, argc, argv);
}
