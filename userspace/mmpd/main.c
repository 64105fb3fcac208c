// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "io/daemon.h"
#include "io/json.h"
#include "io/log.h"
#include "mmpd/mmpd.h"

static struct mmpd mmpd;

int64_t mmpd_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

const struct mmpd_link *mmpd_link(const struct mmpd *m, uint32_t index)
{
	for (size_t i = 0; i < m->n_links; i++)
		if (m->links[i].link.index == index)
			return &m->links[i];
	return NULL;
}

void mmpd_event(struct mmpd *m, json_t *event)
{
	if (m->control)
		control_event(m->control, event);
	else
		json_decref(event);
}

/* ---- what the core of a node asks for ---- */

static void op_send(void *ctx, const struct mmp_hop *to,
		    const struct mmp_msg *msg)
{
	net_send(ctx, to, msg);
}

static void op_climb(void *ctx, const struct mmp_hop *to)
{
	net_climb(ctx, to);
}

static void op_answer(void *ctx, const struct mmp_hop *to,
		      const struct mmp_msg *msg)
{
	net_answer(ctx, to, msg);
}

static bool op_get_entry(void *ctx, const struct roam_addr *addr,
			 struct mmp_entry *entry)
{
	return kernel_get_entry(ctx, addr, entry);
}

static bool op_set_entry(void *ctx, const struct mmp_entry *entry)
{
	struct mmpd *m = ctx;

	if (!kernel_set_entry(m, entry))
		return false;
	if (m->config->routes)
		kernel_host_route(m, &entry->addr, NULL, entry->hops[0].link);
	if (m->border)
		mmp_border_came(m->border, daemon_now(), &entry->addr,
				entry->seq);
	return true;
}

static void op_set_uplinks(void *ctx, const struct mmp_hop *hops, size_t n)
{
	kernel_set_uplinks(ctx, hops, n);
}

static void op_set_below(void *ctx, const struct mmp_hop *hops, size_t n)
{
	kernel_set_below(ctx, hops, n);
}

static void op_traced(void *ctx, const struct mmp_msg *msg)
{
	struct mmpd_trace *trace = &((struct mmpd *)ctx)->trace;

	/* An answer that comes before the question is known is to that one. */
	if (trace->nonce && trace->nonce != msg->nonce)
		return;
	if (trace->n < MMPD_TRACES)
		trace->answers[trace->n++] = *msg;
}

static void op_save(void *ctx, const struct roam_addr *gateway, uint32_t epoch,
		    uint32_t seq)
{
	state_save_gateway(ctx, gateway, epoch, seq);
}

static uint64_t op_random(void *ctx)
{
	(void)ctx;
	return daemon_random();
}

static const char *const node_events[] = {
	[MMP_NODE_UPLINK] = "uplink",
	[MMP_NODE_GATEWAY] = "gateway",
	[MMP_NODE_RESTARTED] = "gateway-restarted",
	[MMP_NODE_HOST_NEW] = "host-new",
	[MMP_NODE_HOST_MOVED] = "host-moved",
	[MMP_NODE_HOST_SECOND] = "host-second",
	[MMP_NODE_HOST_REFUSED] = "host-refused",
};

static void op_node_event(void *ctx, const struct mmp_node_event *event)
{
	struct mmpd *m = ctx;
	const struct mmpd_link *link = mmpd_link(m, event->hop.link);
	char host[ROAM_ADDR_STRLEN], gateway[ROAM_ADDR_STRLEN];
	enum log_level level = event->type <= MMP_NODE_RESTARTED ?
			       LOG_LEVEL_NOTICE : LOG_LEVEL_DEBUG;

	log_msg(level, "%s gateway=%s host=%s link=%s reason=%s",
		node_events[event->type],
		roam_addr_format(&event->gateway, gateway),
		roam_addr_format(&event->addr, host),
		link ? link->link.name : "none", event->reason);
	if (!m->control || !control_is_monitored(m->control))
		return;
	mmpd_event(m, json_pack("{ss so so ss ss}", "event",
				node_events[event->type], "gateway",
				json_addr(&event->gateway), "host",
				json_addr(&event->addr), "link",
				link ? link->link.name : "none", "reason",
				event->reason));
}

static const struct mmp_node_ops node_ops = {
	.send = op_send,
	.climb = op_climb,
	.answer = op_answer,
	.get_entry = op_get_entry,
	.set_entry = op_set_entry,
	.set_uplinks = op_set_uplinks,
	.set_below = op_set_below,
	.traced = op_traced,
	.save = op_save,
	.random = op_random,
	.event = op_node_event,
};

/* ---- what host routes ask for ---- */

static void op_border_send(void *ctx, const struct roam_addr *to,
			   const struct mmp_msg *msg)
{
	net_border_send(ctx, to, msg);
}

static void op_set_route(void *ctx, const struct roam_addr *coa,
			 const struct roam_addr *via)
{
	struct mmpd *m = ctx;
	char host[ROAM_ADDR_STRLEN], by[ROAM_ADDR_STRLEN];

	log_debug("host-route host=%s via=%s", roam_addr_format(coa, host),
		  roam_addr_format(via, by));
	if (m->config->is_border)
		kernel_host_route(m, coa, via, 0);
	if (control_is_monitored(m->control))
		mmpd_event(m, json_pack("{ss so so}", "event", "host-route",
					"host", json_addr(coa), "gateway",
					json_addr(via)));
}

static void op_del_route(void *ctx, const struct roam_addr *coa,
			 const struct roam_addr *via)
{
	struct mmpd *m = ctx;

	(void)via;
	if (m->config->is_border)
		kernel_host_route(m, coa, NULL, 0);
}

static void op_leave(void *ctx, const struct roam_addr *coa)
{
	struct mmpd *m = ctx;
	char host[ROAM_ADDR_STRLEN];

	log_info("host-left host=%s reason=it is at another gateway",
		 roam_addr_format(coa, host));
	kernel_del_entry(m, coa);
	if (m->config->routes)
		kernel_host_route(m, coa, NULL, 0);
}

static const struct mmp_border_ops border_ops = {
	.send = op_border_send,
	.set_route = op_set_route,
	.del_route = op_del_route,
	.leave = op_leave,
};

/* ---- what the core of a host asks for ---- */

static void op_host_send(void *ctx, const struct mmp_station *by,
			 const struct mmp_msg *msg)
{
	net_host_send(ctx, &by->hop, msg);
}

static bool op_set_router(void *ctx, const struct mmp_station *station)
{
	return kernel_set_router(ctx, station);
}

static void op_host_save(void *ctx, const struct mmp_host_memory *memory)
{
	state_save_host(ctx, memory);
}

static uint64_t op_wallclock(void *ctx)
{
	(void)ctx;
	return daemon_wallclock();
}

static void op_host_event(void *ctx, const struct mmp_host_event *event)
{
	static const char *const names[] = {
		[MMP_HOST_STATE] = "state",
		[MMP_HOST_HANDOFF] = "handoff",
		[MMP_HOST_DENIED] = "denied",
		[MMP_HOST_GATEWAY] = "gateway",
	};
	struct mmpd *m = ctx;
	char station[MMP_NAME_LEN + 1] = "none";

	if (event->station)
		mmp_name_format(&event->station->beacon.name, station);
	if (event->type == MMP_HOST_HANDOFF)
		m->records[m->n_records++ % MMPD_RECORDS] = *event->record;
	log_msg(event->type == MMP_HOST_STATE ? LOG_LEVEL_INFO :
						LOG_LEVEL_NOTICE,
		"%s state=%s base-station=%s took=%lldms reason=%s",
		names[event->type], mmp_host_state_name(event->state), station,
		event->type == MMP_HOST_HANDOFF ?
			(long long)event->record->took : 0LL,
		event->reason);
	if (event->type == MMP_HOST_STATE)
		drcp_on_state(m, event);
	if (!m->control || !control_is_monitored(m->control))
		return;
	mmpd_event(m, json_pack("{ss ss ss ss so}", "event",
				names[event->type], "state",
				mmp_host_state_name(event->state),
				"base_station", station, "reason",
				event->reason, "handoff",
				event->type == MMP_HOST_HANDOFF ?
				json_record(event->record) : json_null()));
}

static const struct mmp_host_ops host_ops = {
	.send = op_host_send,
	.set_router = op_set_router,
	.save = op_host_save,
	.wallclock = op_wallclock,
	.event = op_host_event,
};

/* ---- timers ---- */

static msec_t on_tick(void *ctx, msec_t now)
{
	struct mmpd *m = ctx;
	msec_t next = MSEC_NEVER;

	if (m->host)
		next = mmp_host_tick(m->host, now);
	else if (m->node)
		next = mmp_node_tick(m->node, now, mmpd_now_us());
	if (m->border)
		next = min_time(next, mmp_border_tick(m->border, now));
	return next > now ? next : now + 1;
}

void mmpd_kick(struct mmpd *m)
{
	ticker_kick(&m->tick);
}

/* A host's own packets keep its entries alive (MMP-93). */
static void on_idle(uv_timer_t *timer)
{
	struct mmpd *m = timer->data;

	if (net_has_transmitted(m))
		mmp_host_transmitted(m->host, daemon_now());
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

static char *make_keys(struct mmpd *m)
{
	const struct auth_key *key =
		auth_keys_find(m->config->keys, m->config->key_id);

	/* A host has the key of the air itself, and none to make others from. */
	if (m->config->is_host || m->config->is_border)
		return NULL;
	m->node_key = auth_derive(key, m->config->key_id, "roam mmp node",
				  NULL, 0);
	m->air_key = auth_derive(key, m->config->key_id, "roam mmp air", NULL,
				 0);
	return m->node_key && m->air_key ? NULL : daemon_error("out of memory");
}

/* The name that a node has unless it is configured: its first interface's. */
static void name_node(struct mmpd *m)
{
	char text[MMP_NAME_LEN + 1] = "node";
	struct mmp_name *name = &m->config->node.name;
	char **names = m->config->n_links ? m->config->links : m->config->air;
	FILE *file;
	char path[128], mac[32];

	if (!mmp_name_is_none(name))
		return;
	snprintf(path, sizeof(path), "/sys/class/net/%.32s/address",
		 names[0]);
	file = fopen(path, "r");
	if (file && fgets(mac, sizeof(mac), file)) {
		size_t n = 0;

		for (const char *c = mac; *c && n < MMP_NAME_LEN; c++)
			if (*c != ':' && *c != '\n')
				text[n++] = *c;
		text[n] = '\0';
	}
	if (file)
		fclose(file);
	mmp_name_parse(text, name);
}

static char *start_border(struct mmpd *m)
{
	uint32_t epoch = (uint32_t)(daemon_wallclock() / 1000000000), seq;

	/* A gateway counts its starts; a border router says nothing that counts. */
	if (m->node)
		mmp_node_own(m->node, &epoch, &seq);
	m->border = mmp_border_new(&m->config->border, epoch, &border_ops, m);
	return m->border ? NULL : daemon_error("out of memory");
}

static char *start_core(struct mmpd *m)
{
	if (m->config->is_border)
		return start_border(m);
	if (m->config->is_host) {
		m->host = mmp_host_new(&m->config->host, &host_ops, m);
	} else {
		name_node(m);
		m->node = mmp_node_new(&m->config->node, &node_ops, m);
	}
	if (!m->host && !m->node)
		return daemon_error("out of memory");
	state_load(m);
	return m->config->border.n_peers ? start_border(m) : NULL;
}

/* Those of the configuration are registered as far as routes are concerned. */
static void take_addresses(struct mmpd *m)
{
	const struct config *config = m->config;

	if (config->drcp)
		return;
	m->n_addrs = config->n_addrs;
	memset(m->sources, 0, sizeof(m->sources));
	for (size_t i = config->n_addrs; i--;) {
		m->addrs[i] = config->addrs[i];
		m->addr_keys[i] = auth_keys_find(config->keys,
						 config->addr_keys[i]);
		m->sources[roam_addr_is_v4(&m->addrs[i])] = m->addrs[i];
	}
}

void mmpd_set_addresses(struct mmpd *m)
{
	mmp_host_addresses(m->host, daemon_now(), m->addrs, m->n_addrs);
	mmpd_kick(m);
}

static char *start(uv_loop_t *loop, void *config, const char *socket_path)
{
	char *error;

	mmpd.loop = loop;
	mmpd.started = daemon_now();
	mmpd.config = config;
	ticker_init(&mmpd.tick, loop, on_tick, &mmpd);
	uv_timer_init(loop, &mmpd.idle);
	mmpd.idle.data = &mmpd;
	error = make_keys(&mmpd);
	if (!error)
		error = start_core(&mmpd);
	if (!error)
		take_addresses(&mmpd);
	if (!error)
		error = net_start(&mmpd);
	if (!error)
		mmpd.control = control_open(loop, socket_path, show_commands,
					    &mmpd, &error);
	if (!error)
		error = kernel_start(&mmpd);
	if (error)
		return error;
	if (mmpd.host) {
		uint64_t look = (uint64_t)mmpd.config->host.update / 4 + 1;

		mmpd_set_addresses(&mmpd);
		drcp_start(&mmpd);
		uv_timer_start(&mmpd.idle, on_idle, look, look);
	}
	mmpd_kick(&mmpd);
	return NULL;
}

static bool same_addrs(const struct config *a, const struct config *b)
{
	if (a->n_addrs != b->n_addrs)
		return false;
	for (size_t i = 0; i < a->n_addrs; i++)
		if (!roam_addr_eq(&a->addrs[i], &b->addrs[i]))
			return false;
	return true;
}

/* What sockets, files and the identity of a node hang on stays. */
static bool same_identity(const struct config *a, const struct config *b)
{
	return a->is_host == b->is_host && a->port == b->port &&
	       !memcmp(&a->border, &b->border, sizeof(a->border)) &&
	       a->routes == b->routes && a->is_border == b->is_border &&
	       !strcmp(a->state, b->state) && same_addrs(a, b) &&
	       !strcmp(a->drcp ? a->drcp : "", b->drcp ? b->drcp : "") &&
	       a->node.role == b->node.role &&
	       mmp_name_eq(&a->node.name, &b->node.name) &&
	       a->node.domain == b->node.domain &&
	       roam_addr_eq(&a->node.gateway, &b->node.gateway) &&
	       roam_addr_eq(&a->node.gateway6, &b->node.gateway6);
}

static void free_keys(struct auth_key *node_key, struct auth_key *air_key)
{
	auth_key_free(node_key);
	auth_key_free(air_key);
}

static char *reload(void *loaded)
{
	struct config *config = loaded, *old = mmpd.config;
	struct auth_key *node_key = mmpd.node_key, *air_key = mmpd.air_key;
	char *error;

	/* A name that was not configured is the one taken at the start. */
	if (mmp_name_is_none(&config->node.name))
		config->node.name = old->node.name;
	if (!same_identity(config, old))
		return daemon_error("another role, name, domain, address, 'border', 'port' or 'state' needs a restart, which drops no packet: systemctl restart roam-mmpd");
	mmpd.config = config;
	mmpd.node_key = NULL;
	mmpd.air_key = NULL;
	error = make_keys(&mmpd);
	if (!error)
		error = kernel_configure(&mmpd);
	if (error) {
		free_keys(mmpd.node_key, mmpd.air_key);
		mmpd.node_key = node_key;
		mmpd.air_key = air_key;
		mmpd.config = old;
		free(kernel_configure(&mmpd));
		return error;
	}
	free_keys(node_key, air_key);
	take_addresses(&mmpd);
	if (mmpd.host)
		mmp_host_configure(mmpd.host, &config->host);
	else if (mmpd.node)
		mmp_node_configure(mmpd.node, daemon_now(), &config->node);
	mmpd_kick(&mmpd);
	return NULL;
}

static void stop(void)
{
	ticker_stop(&mmpd.tick);
	uv_close((uv_handle_t *)&mmpd.idle, NULL);
	control_close(mmpd.control);
	drcp_stop(&mmpd);
	net_stop(&mmpd);
	kernel_stop(&mmpd);
	mmp_node_free(mmpd.node);
	mmp_host_free(mmpd.host);
	mmp_border_free(mmpd.border);
	free_keys(mmpd.node_key, mmpd.air_key);
}

static void status(char *buf, size_t len)
{
	const struct mmp_gateway *gw;
	const struct mmp_station *s;
	char text[ROAM_ADDR_STRLEN] = "no gateway";
	char name[MMP_NAME_LEN + 1] = "none";
	size_t n;

	if (mmpd.host) {
		s = mmp_host_station(mmpd.host);
		if (s)
			mmp_name_format(&s->beacon.name, name);
		snprintf(buf, len, "mobile host, %s, base station %s",
			 mmp_host_state_name(mmp_host_state(mmpd.host)), name);
		return;
	}
	if (!mmpd.node) {
		snprintf(buf, len, "border router %s",
			 mmp_name_format(&mmpd.config->border.name, name));
		return;
	}
	gw = mmp_node_gateways(mmpd.node, &n);
	if (n && gw[0].n_usable)
		roam_addr_format(&gw[0].addr, text);
	else if (mmpd.config->node.role == MMP_ROLE_GATEWAY)
		roam_addr_format(&mmpd.config->node.gateway, text);
	snprintf(buf, len, "%s %s, gateway %s",
		 mmp_role_name(mmpd.config->node.role),
		 mmp_name_format(&mmpd.config->node.name, name), text);
}

int main(int argc, char **argv)
{
	static const struct daemon daemon = {
		.name = "roam-mmpd",
		.summary = "movement inside an access network without a new address (MMP)",
		.config_path = "/etc/roam/mmpd.conf",
		.socket_path = CONTROL_USUAL("mmpd"),
		/* the module and routes; packets off the wire */
		.caps = 1ULL << CAP_NET_ADMIN | 1ULL << CAP_NET_RAW,
		.load = load,
		.unload = unload,
		.start = start,
		.reload = reload,
		.stop = stop,
		.status = status,
	};

	return daemon_main(&daemon, argc, argv);
}
