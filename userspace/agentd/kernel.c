// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agentd/agentd.h"
#include "agentd/sync.h"
#include "genl/tunnel.h"
#include "io/daemon.h"
#include "io/log.h"
#include "rtnl/addr.h"
#include "rtnl/link.h"
#include "rtnl/route.h"

/* The module ends an entry by itself if this daemon does not, but later. */
#define MARGIN 5000		/* ms */
#define SYSCTLS 32

/**
 * struct sysctl - a setting of a link that was changed
 * @path: its file
 * @before: what stood there
 */
struct sysctl {
	char path[96];
	char before[16];
};

/**
 * struct kernel - the kernel's side
 * @tunnel: the module, NULL where packets are not carried
 * @rtnl: routes and links
 * @device: index of the tunnel device
 * @silent: what the module was told of kernel_stand(); less than 0: nothing yet
 * @sysctls: settings to be restored
 * @n_sysctls: their number
 */
struct kernel {
	struct genl *tunnel;
	struct rtnl *rtnl;
	unsigned int device;
	int silent;
	struct sysctl sysctls[SYSCTLS];
	size_t n_sysctls;
};

bool kernel_is_there(const struct agentd *a)
{
	return a->kernel && a->kernel->tunnel;
}

/* ---- bindings ---- */

static unsigned int home_link_of(const struct agentd *a,
				 const struct roam_addr *agent)
{
	for (size_t i = 0; i < a->config->n_homes; i++)
		if (roam_addr_eq(&a->config->groups[i].agent, agent) &&
		    a->config->homes[i].link)
			return if_nametoindex(a->config->homes[i].link);
	return 0;
}

static uint32_t lifetime_of(msec_t expires)
{
	msec_t left = expires - daemon_now();

	if (expires == MSEC_NEVER)
		return 0;
	return (uint32_t)(left > 0 ? left + MARGIN : MARGIN);
}

static uint32_t flags_of(uint8_t flags)
{
	return (flags & MIP_BROADCAST ?
			ROAM_TUNNEL_BINDING_FLAG_BROADCAST : 0) |
	       (flags & MIP_DECAPSULATES ?
			ROAM_TUNNEL_BINDING_FLAG_COLOCATED : 0) |
	       (flags & MIP_REVERSE ?
			ROAM_TUNNEL_BINDING_FLAG_REVERSE : 0);
}

static void endpoint_of(const struct ha_binding *b,
			const struct roam_addr *agent,
			struct tunnel_endpoint *e)
{
	e->coa = b->coa;
	e->local = *agent;
	e->encap = b->encap;
	if (b->encap == HA_ENCAP_UDP) {
		e->coa = b->source;
		e->dport = b->port;
	}
}

static struct tunnel_binding binding_of(const struct agentd *a,
					const struct ha_state *state)
{
	struct tunnel_binding t = {
		.home = state->home, .device = a->kernel->device,
		.home_link = home_link_of(a, &state->agent),
		.flags = flags_of(state->bindings[0].flags),
	};
	msec_t last = 0;

	for (unsigned int i = 0; i < state->n; i++) {
		endpoint_of(&state->bindings[i], &state->agent,
			    &t.endpoints[t.n_endpoints++]);
		last = max_time(last, state->bindings[i].expires);
	}
	t.lifetime = lifetime_of(last);
	return t;
}

bool kernel_find_mac(const struct agentd *a, const struct roam_addr *agent,
		     const struct roam_addr *home, unsigned int *link,
		     uint8_t mac[6])
{
	struct arpreq req = { 0 };
	struct sockaddr_in *sin = (struct sockaddr_in *)&req.arp_pa;
	bool found;
	int fd;

	*link = home_link_of(a, agent);
	if (!*link || !if_indextoname(*link, req.arp_dev))
		return false;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	sin->sin_family = AF_INET;
	sin->sin_addr = roam_addr_to_in(home);
	found = !ioctl(fd, SIOCGARP, &req) && req.arp_flags & ATF_COM;
	if (found)
		memcpy(mac, req.arp_ha.sa_data, 6);
	close(fd);
	return found;
}

static void complain(struct agentd *a, const char *what)
{
	a->counters.kernel_failures++;
	log_error("the tunnel module refuses %s: %s", what,
		  genl_error(a->kernel->tunnel));
}

/* Some of several were refused: which ones. */
static void set_each(struct agentd *a, const struct tunnel_binding *set,
		     size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!tunnel_binding_set(a->kernel->tunnel, &set[i], 1,
					TUNNEL_SET_ANY, NULL))
			continue;
		complain(a, "a binding");
		batch_refused(&set[i].home);
	}
}

/*
 * What the table says now counts: a node may have changed twice in one batch.
 */
void kernel_set_nodes(struct agentd *a, const struct ha_changes *changes)
{
	struct tunnel_binding *set;
	size_t n = 0;

	if (!kernel_is_there(a) || !changes->n)
		return;
	set = calloc(changes->n, sizeof(*set));
	for (size_t i = 0; set && i < changes->n; i++) {
		const struct ha_change *c = &changes->items[i];
		struct tunnel_gone gone = { .home = c->after.home };
		struct ha_state state;

		ha_get(a->ha, &gone.home, &state);
		if (state.n) {
			set[n++] = binding_of(a, &state);
		} else if (c->before.n) {
			unsigned int link;

			/* its neighbours are told that it is there again */
			kernel_find_mac(a, &c->before.agent, &gone.home, &link,
					gone.mac);
			tunnel_binding_del(a->kernel->tunnel, &gone, 1, NULL);
		}
	}
	if (n && tunnel_binding_set(a->kernel->tunnel, set, n, TUNNEL_SET_ANY,
				    NULL))
		set_each(a, set, n);
	free(set);
}

/* ---- visitors ---- */

static struct tunnel_visitor visitor_of(const struct agentd *a,
					const struct fa_visitor *v)
{
	struct tunnel_visitor t = {
		.home = v->home, .role = ROAM_TUNNEL_ROLE_VISITOR,
		.device = a->kernel->device, .link = v->link,
		.agents = { v->agent }, .n_agents = 1, .coa = v->coa,
		.encap = v->flags & MIP_GRE ? ROAM_TUNNEL_ENCAP_GRE :
			 v->flags & MIP_MINIMAL ? ROAM_TUNNEL_ENCAP_MINIMAL :
						  ROAM_TUNNEL_ENCAP_IPIP,
		.reverse = v->reverse, .lifetime = lifetime_of(v->expires),
	};

	memcpy(t.mac, v->mac, TUNNEL_MAC_LEN);
	return t;
}

void kernel_set_visitors(struct agentd *a, const struct fa_changes *changes)
{
	if (!kernel_is_there(a))
		return;
	for (size_t i = 0; i < changes->n; i++) {
		const struct fa_change *c = &changes->items[i];
		struct tunnel_visitor t;

		if (!c->exists) {
			tunnel_visitor_del(a->kernel->tunnel, &c->after.home, 1,
					   NULL);
			continue;
		}
		t = visitor_of(a, &c->after);
		if (tunnel_visitor_set(a->kernel->tunnel, &t, 1, TUNNEL_SET_ANY,
				       NULL)) {
			complain(a, "a visitor");
			batch_refused(&t.home);
		}
	}
}

/* ---- restart ---- */

/**
 * struct adoption - what the module holds and we do not know
 * @a: the daemon
 * @homes: home addresses to be removed
 * @n: their number
 * @room: allocated
 */
struct adoption {
	struct agentd *a;
	struct roam_addr *homes;
	size_t n;
	size_t room;
};

static void remember(struct adoption *ad, const struct roam_addr *home)
{
	if (ad->n == ad->room) {
		size_t room = ad->room ? 2 * ad->room : 64;
		struct roam_addr *more = reallocarray(ad->homes, room,
						      sizeof(*more));

		if (!more)
			return;
		ad->homes = more;
		ad->room = room;
	}
	ad->homes[ad->n++] = *home;
}

static void check_binding(void *ctx, const struct tunnel_binding *b)
{
	struct adoption *ad = ctx;
	struct ha_state state;

	if (b->device == ad->a->kernel->device &&
	    (!ha_get(ad->a->ha, &b->home, &state) || !state.n))
		remember(ad, &b->home);
}

static void check_visitor(void *ctx, const struct tunnel_visitor *v)
{
	struct adoption *ad = ctx;
	struct fa_visitor visitor;

	if (v->device == ad->a->kernel->device &&
	    v->role == ROAM_TUNNEL_ROLE_VISITOR &&
	    !fa_get(ad->a->fa, &v->home, &visitor))
		remember(ad, &v->home);
}

static void set_state(void *ctx, const struct ha_state *state)
{
	struct agentd *a = ctx;
	struct tunnel_binding t;

	if (!state->n)
		return;
	t = binding_of(a, state);
	if (tunnel_binding_set(a->kernel->tunnel, &t, 1, TUNNEL_SET_ANY, NULL))
		complain(a, "a binding");
}

static void set_visitor(void *ctx, const struct fa_visitor *v, bool pending)
{
	struct agentd *a = ctx;
	struct tunnel_visitor t;

	if (pending)
		return;
	t = visitor_of(a, v);
	if (tunnel_visitor_set(a->kernel->tunnel, &t, 1, TUNNEL_SET_ANY, NULL))
		complain(a, "a visitor");
}

void kernel_adopt(struct agentd *a)
{
	struct adoption ad = { .a = a };
	struct ha_cursor nodes = { .done = false };
	struct fa_cursor visitors = { .done = false };

	if (!kernel_is_there(a))
		return;
	tunnel_binding_dump(a->kernel->tunnel, check_binding, &ad, NULL);
	for (size_t i = 0; i < ad.n; i++)
		tunnel_binding_del(a->kernel->tunnel,
				   &(struct tunnel_gone){ .home = ad.homes[i] },
				   1, NULL);
	ad.n = 0;
	tunnel_visitor_dump(a->kernel->tunnel, check_visitor, &ad, NULL);
	if (ad.n)
		tunnel_visitor_del(a->kernel->tunnel, ad.homes, ad.n, NULL);
	free(ad.homes);
	while (!nodes.done)
		ha_walk(a->ha, &nodes, 1024, set_state, a);
	while (!visitors.done)
		fa_walk(a->fa, &visitors, 1024, set_visitor, a);
}

/* ---- routes, links and settings ---- */

/*
 * What of a virtual home network is not away has no place to go to: the device drops
 * it. A route that says "unreachable" would refuse what is for nodes that are away, as
 * the module takes only what would be forwarded.
 */
static int route_network(struct kernel *k, const struct roam_prefix *network,
			 bool add)
{
	struct nlmsghdr *nlh = rtnl_request(k->rtnl,
		add ? RTM_NEWROUTE : RTM_DELROUTE,
		NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_REPLACE : 0));
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));

	rtm->rtm_family = AF_INET;
	rtm->rtm_dst_len = network->len - 96;
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_protocol = RTPROT_ROAM;
	rtm->rtm_scope = RT_SCOPE_LINK;
	rtm->rtm_type = RTN_UNICAST;
	rtnl_put_addr(nlh, RTA_DST, &network->addr);
	mnl_attr_put_u32(nlh, RTA_OIF, k->device);
	/* behind any route that somebody else has for it */
	mnl_attr_put_u32(nlh, RTA_PRIORITY, 7700);
	return rtnl_talk(k->rtnl, nlh, NULL, NULL);
}

static bool read_setting(const char *path, char *buf, size_t len)
{
	FILE *f = fopen(path, "r");
	bool ok = f && fgets(buf, (int)len, f);

	if (f)
		fclose(f);
	if (ok)
		buf[strcspn(buf, "\n")] = '\0';
	return ok;
}

static void write_setting(const char *path, const char *value)
{
	FILE *f = fopen(path, "w");

	if (!f || fputs(value, f) < 0)
		log_warning("%s cannot be set to %s: %s", path, value,
			    strerror(errno));
	if (f)
		fclose(f);
}

/*
 * A visitor's packets have a source that belongs elsewhere. 2 (loose) lets them
 * in whatever "all" says, as the larger value counts; it asks for any route to
 * the source, which a router has.
 */
static void loosen(struct kernel *k, const char *link)
{
	struct sysctl *s = &k->sysctls[k->n_sysctls];
	size_t i;

	if (k->n_sysctls == SYSCTLS || strchr(link, '/'))
		return;
	snprintf(s->path, sizeof(s->path),
		 "/proc/sys/net/ipv4/conf/%s/rp_filter", link);
	for (i = 0; i < k->n_sysctls; i++)
		if (!strcmp(k->sysctls[i].path, s->path))
			return;
	if (!read_setting(s->path, s->before, sizeof(s->before)) ||
	    !strcmp(s->before, "2"))
		return;
	write_setting(s->path, "2");
	k->n_sysctls++;
}

void kernel_stand(struct agentd *a)
{
	struct tunnel_config config = {
		.set = 1u << ROAM_TUNNEL_A_CONFIG_SILENT,
		.silent = !agent_sync_serves(a),
	};

	if (!kernel_is_there(a) || a->kernel->silent == config.silent)
		return;
	if (tunnel_config_set(a->kernel->tunnel, &config))
		complain(a, "who stands for nodes on their home link");
	else
		a->kernel->silent = config.silent;
}

void kernel_configure(struct agentd *a)
{
	for (size_t i = 0; i < a->n_links; i++)
		if (a->links[i].foreign && a->links[i].index)
			loosen(a->kernel, a->links[i].name);
	if (!kernel_is_there(a))
		return;
	kernel_stand(a);
	for (size_t i = 0; i < a->config->n_homes; i++)
		if (!a->config->homes[i].link)
			route_network(a->kernel, &a->config->groups[i].network,
				      true);
}

bool kernel_has_route(struct agentd *a, const struct roam_addr *addr)
{
	struct roam_addr src;

	return !rtnl_route_get(a->kernel->rtnl, addr, &src, NULL);
}

/*
 * The kernel lets nothing in by a device without an address whose source has its
 * route elsewhere, and that is what comes out of a reverse tunnel.
 */
static char *address_device(struct agentd *a)
{
	struct kernel *k = a->kernel;
	int err;

	if (!a->config->n_homes)
		return NULL;
	err = rtnl_addr_add(k->rtnl, k->device, &a->config->groups[0].agent);
	return err ? daemon_error("the tunnel device %s gets no address: %s",
				  a->config->device, strerror(-err)) : NULL;
}

char *kernel_start(struct agentd *a)
{
	struct kernel *k = calloc(1, sizeof(*k));
	char *error = NULL;
	int err;

	if (!k)
		return daemon_error("out of memory");
	k->silent = -1;
	a->kernel = k;
	k->rtnl = rtnl_open(&error);
	if (!k->rtnl)
		return error;
	if (!*a->config->device) {
		log_warning("'device' is empty: registrations are answered, packets are not carried");
		return NULL;
	}
	k->tunnel = tunnel_open(&error);
	if (!k->tunnel)
		return error;
	err = rtnl_tunnel_ensure(k->rtnl, a->config->device, &k->device);
	if (err)
		return daemon_error("the tunnel device %s cannot be made: %s; is roam_tunnel loaded? try: modprobe roam_tunnel",
				    a->config->device, strerror(-err));
	return address_device(a);
}

/* Tunnels stay as they are; settings of links are restored. */
void kernel_stop(struct agentd *a)
{
	struct kernel *k = a->kernel;

	if (!k)
		return;
	for (size_t i = 0; i < k->n_sysctls; i++)
		write_setting(k->sysctls[i].path, k->sysctls[i].before);
	if (k->tunnel)
		genl_close(k->tunnel);
	if (k->rtnl)
		rtnl_close(k->rtnl);
	free(k);
	a->kernel = NULL;
}

static void add_counter(void *ctx, const char *name, uint64_t value)
{
	char member[64];

	snprintf(member, sizeof(member), "tunnel_%s", name);
	json_object_set_new(ctx, member, json_integer((json_int_t)value));
}

void kernel_counters(struct agentd *a, json_t *object)
{
	if (kernel_is_there(a))
		tunnel_stats_get(a->kernel->tunnel, add_counter, object);
}
