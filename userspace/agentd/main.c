// SPDX-License-Identifier: GPL-2.0-or-later
/* roam-agentd: home agent and foreign agent of Mobile IPv4. */
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agentd/agentd.h"
#include "agentd/sync.h"
#include "io/daemon.h"
#include "io/log.h"

static struct agentd agentd;

/* ---- what the cores ask for ---- */

static const struct ha_node *find_node(void *ctx, const struct roam_addr *home)
{
	const struct agentd *a = ctx;
	const struct config_node *n = config_find_node(a->config, home);

	return n ? &n->node : NULL;
}

static const struct sa_set *find_agent(void *ctx, const struct roam_addr *addr)
{
	const struct agentd *a = ctx;

	return config_find_peer(a->config->peers, a->config->n_peers, addr);
}

static const struct sa_set *find_visitor(void *ctx, const struct roam_addr *home)
{
	const struct agentd *a = ctx;

	return config_find_peer(a->config->visitors, a->config->n_visitors,
				home);
}

static const struct ha_node *find_name(void *ctx, const uint8_t *nai, size_t len)
{
	const struct agentd *a = ctx;
	const struct config_node *n = config_find_name(a->config, nai, len);

	return n ? &n->node : NULL;
}

static uint32_t random_bits(void *ctx)
{
	(void)ctx;
	return (uint32_t)daemon_random();
}

static bool is_own(void *ctx, const struct roam_addr *addr)
{
	return net_is_own(ctx, addr);
}

static bool is_allowed(void *ctx, const struct roam_addr *agent)
{
	const struct agentd *a = ctx;

	for (size_t i = 0; i < a->config->n_allowed; i++)
		if (roam_prefix_contains(&a->config->allowed[i], agent))
			return true;
	return !a->config->n_allowed;
}

static struct ha_config ha_config_of(struct agentd *a)
{
	return (struct ha_config){
		.groups = a->config->groups, .n_groups = a->config->n_homes,
		.nodes_max = (size_t)a->config->nodes_max,
		.find_node = find_node, .find_peer = find_agent,
		.find_name = find_name, .naming = a->config->naming,
		.random = random_bits, .ctx = a,
	};
}

static void forget_pending(void *ctx, const struct fa_visitor *request)
{
	agent_sync_forget_pending(ctx, &request->home, request->id);
}

static struct fa_config fa_config_of(struct agentd *a)
{
	return (struct fa_config){
		.links = a->fa_links, .n_links = a->n_fa_links,
		.pending_max = (size_t)a->config->pending_max,
		.pending_timeout = a->config->pending_timeout,
		.visitors_max = (size_t)a->config->visitors_max,
		.naming = a->config->naming,
		.sessions_max = (size_t)a->config->sessions_max,
		.requests_rate = (uint32_t)a->config->session_requests,
		.requests_burst = (uint32_t)a->config->session_burst,
		.find_node = find_visitor, .find_peer = find_agent,
		.is_own = is_own, .is_allowed = is_allowed,
		.unanswered = forget_pending, .ctx = a,
	};
}

void agentd_configure(struct agentd *a)
{
	struct ha_config ha = ha_config_of(a);
	struct fa_config fa = fa_config_of(a);

	ha_configure(a->ha, &ha);
	fa_configure(a->fa, &fa);
}

/* ---- their timer ---- */

static msec_t on_tick(void *ctx, msec_t now)
{
	return min_time(batch_expire(ctx, now), net_tick(ctx, now));
}

void agentd_kick(struct agentd *a)
{
	ticker_kick(&a->tick);
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

static char *start_cores(struct agentd *a)
{
	struct ha_config ha = ha_config_of(a);
	struct fa_config fa = fa_config_of(a);
	char *error;

	a->ha = ha_new(&ha);
	a->fa = fa_new(&fa);
	if (!a->ha || !a->fa)
		return daemon_error("out of memory");
	agent_sync_prepare(a);
	a->store = store_open(a->config->store, &error);
	if (!a->store)
		return error;
	error = store_load(a->store, a->ha, a->fa, daemon_now(),
			   daemon_wallclock());
	if (!error && ha_entries(a->ha) + fa_count(a->fa))
		log_info("%zu bindings and %zu visitors restored from %s in %lld ms",
			 ha_count(a->ha), fa_count(a->fa), a->config->store,
			 (long long)(daemon_now() - a->started));
	return error;
}

static void stop(void);

static char *start(uv_loop_t *loop, void *config, const char *socket_path)
{
	struct agentd *a = &agentd;
	char *error;

	a->loop = loop;
	a->started = daemon_now();
	a->config = config;
	ticker_init(&a->tick, loop, on_tick, a);
	error = start_cores(a);
	if (!error)
		error = kernel_start(a);
	if (!error)
		error = net_start(a);
	if (!error)
		error = agent_sync_start(a, socket_path);
	if (!error)
		a->control = control_open(loop, socket_path, show_commands, a,
					  &error);
	if (error) {
		stop();
		return error;
	}
	kernel_configure(a);
	kernel_adopt(a);
	agentd_kick(a);
	return NULL;
}

static char *reload(void *loaded)
{
	struct config *config = loaded, *old = agentd.config;
	struct agentd *a = &agentd;
	char *error;

	if (strcmp(config->store, old->store) ||
	    strcmp(config->device, old->device))
		return daemon_error("another 'store' or 'device' needs a restart, which drops no packet: systemctl restart roam-agentd");
	if (!config->sync != !old->sync ||
	    (config->sync && (config->sync->port != old->sync->port ||
			      strcmp(config->sync->notify, old->sync->notify) ||
			      strcmp(config->sync->instance, old->sync->instance) ||
			      !roam_addr_eq(&config->sync->virtual,
					    &old->sync->virtual) ||
			      strcmp(config->sync->standby, old->sync->standby))))
		return daemon_error("another 'sync' group or port needs a restart, which drops no packet: systemctl restart roam-agentd");
	agent_sync_release(a);
	a->config = config;
	error = net_links(a);
	if (error) {
		a->config = old;
		free(net_links(a));
		return error;
	}
	agentd_configure(a);
	agent_sync_configure(a);
	kernel_configure(a);
	agentd_kick(a);
	return NULL;
}

static void stop(void)
{
	struct agentd *a = &agentd;

	ticker_stop(&a->tick);
	control_close(a->control);
	agent_sync_stop(a);
	net_stop(a);
	kernel_stop(a);
	store_close(a->store);
	ha_free(a->ha);
	fa_free(a->fa);
	batch_free();
	free(a->store_error);
}

static void status(char *buf, size_t len)
{
	snprintf(buf, len, "%zu bindings, %zu visitors%s%s",
		 ha_count(agentd.ha), fa_count(agentd.fa),
		 agentd.store_error ?
			"; the store fails, registrations are refused" : "",
		 kernel_is_there(&agentd) ? "" : "; no packets are carried");
}

int main(int argc, char **argv)
{
	static const struct daemon daemon = {
		.name = "roam-agentd",
		.summary = "home agent and foreign agent of Mobile IPv4",
		.config_path = "/etc/roam/agentd.conf",
		.socket_path = CONTROL_USUAL("agentd"),
		/* module, routes, links; port 434; packet sockets */
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
