// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The home address is on the tunnel device, or on a dummy link where there is none,
 * for good, so that every program keeps it; where it leads to is in a route table of our own, which rules put in front of
 * the main one's default route:
 *
 *   from the link's own address    main        what is bound to it, and the outer
 *                                              packets of the tunnel
 *   all                            main        but no default route: neighbours
 *   sessions                       their tables, see steer.c
 *   all                            our table   the rest, with the home address
 *
 * Whoever configures the link (DHCP, a network manager) goes on with the main
 * table and never sees ours.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/fib_rules.h>
#include <linux/neighbour.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "genl/tunnel.h"
#include "io/daemon.h"
#include "io/log.h"
#include "mnd/mnd.h"
#include "mnd/session.h"
#include "rtnl/addr.h"
#include "rtnl/link.h"
#include "rtnl/mirror.h"
#include "rtnl/watch.h"

#define RULE_ALL 4		/* behind those of steer.c */
#define MARGIN 5000		/* ms that the module keeps an entry longer */

/**
 * struct kernel - the kernel's side
 * @tunnel: the module, NULL where it is not used
 * @rtnl: routes, rules, links
 * @device: index of the tunnel device
 * @home: index of the link with the home address
 * @watch: changes of links and addresses
 * @poll: watches @watch
 * @place: what routes stand for now
 * @attached: they stand for something
 * @way: own care-of address that has a rule, none without
 */
struct kernel {
	struct genl *tunnel;
	struct rtnl *rtnl;
	unsigned int device;
	unsigned int home;
	int watch;
	uv_poll_t poll;
	struct mn_place place;
	bool attached;
	struct roam_addr way;
};

struct rtnl *kernel_rtnl(const struct mnd *m)
{
	return m->kernel->rtnl;
}

struct genl *kernel_tunnel(const struct mnd *m)
{
	return m->kernel->tunnel;
}

/* ---- rules ---- */

/* One of ours: from @src (NULL: all) to @table. */
static int rule(struct mnd *m, bool add, unsigned int which,
		const struct roam_addr *src, uint32_t table, bool no_default)
{
	struct nlmsghdr *nlh = rtnl_request(m->kernel->rtnl,
		add ? RTM_NEWRULE : RTM_DELRULE,
		NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_EXCL : 0));
	struct fib_rule_hdr *hdr = mnl_nlmsg_put_extra_header(nlh,
							      sizeof(*hdr));

	hdr->family = AF_INET;
	hdr->action = FR_ACT_TO_TBL;
	hdr->table = table < 256 ? (uint8_t)table : RT_TABLE_UNSPEC;
	mnl_attr_put_u32(nlh, FRA_PRIORITY,
			 (uint32_t)m->config->priority + which);
	mnl_attr_put_u32(nlh, FRA_TABLE, table);
	mnl_attr_put_u8(nlh, FRA_PROTOCOL, RTPROT_ROAM);
	if (src) {
		hdr->src_len = 32;
		rtnl_put_addr(nlh, FRA_SRC, src);
	}
	if (no_default)
		mnl_attr_put_u32(nlh, FRA_SUPPRESS_PREFIXLEN, 0);
	return rtnl_talk(m->kernel->rtnl, nlh, NULL, NULL);
}

/* Rules of that priority go, however many there are. */
static void drop_rules(struct mnd *m)
{
	static const unsigned int ours[] = { 0, 1, RULE_ALL };

	for (size_t k = 0; k < sizeof(ours) / sizeof(ours[0]); k++)
		for (int i = 0; i < 16; i++) {
			struct nlmsghdr *nlh = rtnl_request(m->kernel->rtnl,
							    RTM_DELRULE,
							    NLM_F_ACK);
			struct fib_rule_hdr *hdr =
				mnl_nlmsg_put_extra_header(nlh, sizeof(*hdr));

			hdr->family = AF_INET;
			mnl_attr_put_u32(nlh, FRA_PRIORITY,
				(uint32_t)m->config->priority + ours[k]);
			if (rtnl_talk(m->kernel->rtnl, nlh, NULL, NULL))
				break;
		}
	m->kernel->way = (struct roam_addr){ 0 };
}

/*
 * Routes of another place may stand, of the one before or of a daemon before this one.
 * They must not take the request that is to replace them.
 */
void kernel_open_way(struct mnd *m, const struct roam_addr *coa)
{
	struct kernel *k = m->kernel;

	if (roam_addr_eq(&k->way, coa))
		return;
	if (!roam_addr_is_none(&k->way) &&
	    !(k->attached && roam_addr_eq(&k->way, &k->place.coa)))
		rule(m, false, 0, &k->way, RT_TABLE_MAIN, false);
	rule(m, true, 0, coa, RT_TABLE_MAIN, false);
	k->way = *coa;
}

static void set_rules(struct mnd *m, const struct mn_place *place)
{
	drop_rules(m);
	if (place->mode == MN_COLOCATED) {
		rule(m, true, 0, &place->coa, RT_TABLE_MAIN, false);
		m->kernel->way = place->coa;
	}
	rule(m, true, 1, NULL, RT_TABLE_MAIN, true);
	rule(m, true, RULE_ALL, NULL, (uint32_t)m->config->table, false);
}

/* ---- routes ---- */

static int route(struct mnd *m, const struct roam_prefix *dst,
		 unsigned int link, const struct roam_addr *gateway)
{
	struct nlmsghdr *nlh = rtnl_request(m->kernel->rtnl, RTM_NEWROUTE,
				NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));

	rtm->rtm_family = AF_INET;
	rtm->rtm_dst_len = dst ? dst->len - 96 : 0;
	rtm->rtm_table = RT_TABLE_UNSPEC;
	rtm->rtm_protocol = RTPROT_ROAM;
	rtm->rtm_scope = gateway ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	rtm->rtm_type = RTN_UNICAST;
	mnl_attr_put_u32(nlh, RTA_TABLE, (uint32_t)m->config->table);
	mnl_attr_put_u32(nlh, RTA_OIF, link);
	if (dst)
		rtnl_put_addr(nlh, RTA_DST, &dst->addr);
	if (gateway) {
		/* the router has an address of another network than ours */
		rtm->rtm_flags = RTNH_F_ONLINK;
		rtnl_put_addr(nlh, RTA_GATEWAY, gateway);
	}
	rtnl_put_addr(nlh, RTA_PREFSRC, &m->config->mn.home);
	return rtnl_talk(m->kernel->rtnl, nlh, NULL, NULL);
}

/*
 * The agent's link-layer address is known from its advertisement: no ARP request
 * with the home address as sender is needed (RFC 5944 4.6).
 */
static void neighbour(struct mnd *m, const struct mn_place *place, bool add)
{
	struct nlmsghdr *nlh = rtnl_request(m->kernel->rtnl,
		add ? RTM_NEWNEIGH : RTM_DELNEIGH,
		NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_REPLACE : 0));
	struct ndmsg *entry = mnl_nlmsg_put_extra_header(nlh, sizeof(*entry));

	entry->ndm_family = AF_INET;
	entry->ndm_ifindex = (int)place->link;
	entry->ndm_state = NUD_PERMANENT;
	rtnl_put_addr(nlh, NDA_DST, &place->agent);
	if (add)
		mnl_attr_put(nlh, NDA_LLADDR, MN_MAC_LEN, place->mac);
	rtnl_talk(m->kernel->rtnl, nlh, NULL, NULL);
}

static int set_routes(struct mnd *m, const struct mn_registration *r)
{
	const struct mn_place *place = &r->place;
	const struct roam_addr *gateway = &place->gateway;
	bool reverse = r->flags & MIP_REVERSE || r->udp;

	switch (place->mode) {
	case MN_HOME:
		route(m, &m->config->mn.network, place->link, NULL);
		if (roam_addr_is_none(gateway))
			gateway = &r->home_agent;
		return roam_addr_is_none(gateway) ? 0 :
			route(m, NULL, place->link, gateway);
	case MN_FOREIGN:
		neighbour(m, place, true);
		return route(m, NULL, place->link, &place->agent);
	case MN_COLOCATED:
		if (reverse)
			return route(m, NULL, m->kernel->device, NULL);
		return roam_addr_is_none(gateway) ?
			route(m, NULL, place->link, NULL) :
			route(m, NULL, place->link, gateway);
	default:
		return 0;
	}
}

/* ---- the tunnel ---- */

uint8_t kernel_encap(const struct mn_registration *r)
{
	if (r->udp)
		return ROAM_TUNNEL_ENCAP_UDP;
	if (r->flags & MIP_GRE)
		return ROAM_TUNNEL_ENCAP_GRE;
	return r->flags & MIP_MINIMAL ? ROAM_TUNNEL_ENCAP_MINIMAL :
					ROAM_TUNNEL_ENCAP_IPIP;
}

static void set_tunnel(struct mnd *m, const struct mn_registration *r)
{
	const struct roam_addr *home = &m->config->mn.home;
	struct kernel *k = m->kernel;
	struct tunnel_visitor t = {
		.home = *home, .role = ROAM_TUNNEL_ROLE_OWN,
		.device = k->device,
	};
	msec_t left;

	if (!k->tunnel)
		return;
	if (!r || r->place.mode != MN_COLOCATED) {
		tunnel_visitor_del(k->tunnel, home, 1, NULL);
		return;
	}
	t.agents[0] = r->home_agent;
	t.n_agents = 1;
	t.coa = r->place.coa;
	t.encap = kernel_encap(r);
	if (r->flags & MIP_REVERSE || r->udp)
		t.reverse = ROAM_TUNNEL_REVERSE_DIRECT;
	left = r->expires - daemon_now();
	if (r->expires != MSEC_NEVER)
		t.lifetime = (uint32_t)(max_time(left, 0) + MARGIN);
	if (tunnel_visitor_set(k->tunnel, &t, 1, TUNNEL_SET_ANY, NULL))
		log_error("the tunnel module refuses the tunnel: %s",
			  genl_error(k->tunnel));
}

void kernel_attach(struct mnd *m, const struct mn_registration *r)
{
	struct kernel *k = m->kernel;
	int err;

	if (k->attached && k->place.mode == MN_FOREIGN &&
	    (!r || !roam_addr_eq(&r->place.agent, &k->place.agent) ||
	     r->place.link != k->place.link))
		neighbour(m, &k->place, false);
	if (!r) {
		drop_rules(m);
		rtnl_table_flush(k->rtnl, AF_INET, (uint32_t)m->config->table);
		set_tunnel(m, NULL);
		k->attached = false;
		return;
	}
	set_tunnel(m, r);
	err = set_routes(m, r);
	if (err)
		log_error("the route for the home address cannot be set: %s",
			  strerror(-err));
	if (!k->attached || memcmp(&k->place, &r->place, sizeof(k->place)))
		set_rules(m, &r->place);
	k->place = r->place;
	k->attached = true;
}

/* ---- links and addresses ---- */

/* Gateway of the default route on a link in the main table, none without. */
static struct roam_addr gateway_of(const char *link)
{
	FILE *f = fopen("/proc/net/route", "r");
	struct roam_addr gateway = { 0 };
	char name[17], line[256];
	unsigned int dst, gw, flags;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%16s %x %x %x", name, &dst, &gw, &flags) != 4 ||
		    strcmp(name, link) || dst || !gw)
			continue;
		gateway = roam_addr_from_in((struct in_addr){ gw });
		break;
	}
	if (f)
		fclose(f);
	return gateway;
}

static int rank_of(const struct mnd *m, const char *name)
{
	const struct config *config = m->config;

	if (!strcmp(name, config->device) ||
	    !strcmp(name, config->home_device) || session_has_link(m, name))
		return -1;
	for (size_t i = 0; i < config->n_links; i++)
		if (!strcmp(config->links[i], name))
			return (int)i;
	return config->n_links ? -1 : 0;
}

static bool is_usable(const struct ifaddrs *ifa)
{
	const unsigned int wanted = IFF_UP | IFF_RUNNING | IFF_BROADCAST;

	return (ifa->ifa_flags & wanted) == wanted &&
	       !(ifa->ifa_flags & IFF_LOOPBACK);
}

static void look_at_address(struct mnd *m, struct ifaddrs *list,
			    struct mnd_link *link)
{
	struct roam_addr addr = { 0 }, gateway = { 0 };

	for (struct ifaddrs *ifa = list; ifa; ifa = ifa->ifa_next) {
		struct roam_addr found;

		if (strcmp(ifa->ifa_name, link->name) || !ifa->ifa_addr ||
		    ifa->ifa_addr->sa_family != AF_INET)
			continue;
		found = roam_addr_from_sockaddr(ifa->ifa_addr);
		if (roam_addr_eq(&found, &m->config->mn.home) ||
		    roam_addr_is_link_local(&found))
			continue;
		addr = found;
		gateway = gateway_of(link->name);
		break;
	}
	mn_address(m->mn, daemon_now(), link->index, &addr, &gateway);
}

void kernel_look(struct mnd *m)
{
	struct ifaddrs *list = NULL;
	msec_t now = daemon_now();

	if (getifaddrs(&list))
		return;
	for (size_t i = 0; i < m->n_links; i++)
		m->links[i].seen = false;
	for (struct ifaddrs *ifa = list; ifa; ifa = ifa->ifa_next) {
		unsigned int index;
		int rank;

		/* each link has one entry of this kind */
		if (!ifa->ifa_addr || ifa->ifa_addr->sa_family != AF_PACKET)
			continue;
		rank = rank_of(m, ifa->ifa_name);
		if (rank < 0 || !is_usable(ifa))
			continue;
		index = if_nametoindex(ifa->ifa_name);
		net_open_link(m, ifa->ifa_name, index);
		mn_link(m->mn, now, index, true, (unsigned int)rank);
	}
	for (size_t i = 0; i < m->n_links; i++) {
		struct mnd_link *link = &m->links[i];

		if (!link->index)
			continue;
		if (link->seen) {
			look_at_address(m, list, link);
			continue;
		}
		mn_link(m->mn, now, link->index, false, 0);
		net_close_link(m, link);
	}
	freeifaddrs(list);
	mnd_kick(m);
	net_hear_clients(m);
}

static void on_watch(uv_poll_t *poll, int status, int events)
{
	struct mnd *m = poll->data;

	(void)status;
	(void)events;
	if (rtnl_watch_read(m->kernel->watch))
		kernel_look(m);
}

/* ---- the whole ---- */

/* What comes out of the tunnel is answered by another link. */
static void loosen(const char *device)
{
	char path[96];
	FILE *f;

	snprintf(path, sizeof(path),
		 "/proc/sys/net/ipv4/conf/%s/rp_filter", device);
	f = fopen(path, "w");
	if (!f || fputs("2", f) < 0)
		log_warning("%s cannot be set to 2: %s", path, strerror(errno));
	if (f)
		fclose(f);
}

static char *start_tunnel(struct mnd *m)
{
	struct kernel *k = m->kernel;
	char *error = NULL;
	int err;

	if (!*m->config->device)
		return NULL;
	k->tunnel = tunnel_open(&error);
	if (!k->tunnel)
		return error;
	err = rtnl_tunnel_ensure(k->rtnl, m->config->device, &k->device);
	if (err)
		return daemon_error("the tunnel device %s cannot be made: %s; try: modprobe roam_tunnel",
				    m->config->device, strerror(-err));
	loosen(m->config->device);
	return NULL;
}

/*
 * On the tunnel device, if there is one: the kernel lets nothing in by a device that
 * has no address.
 */
static char *put_home_address(struct mnd *m)
{
	const char *name = *m->config->device ? m->config->device :
						m->config->home_device;
	const struct roam_addr *home = &m->config->mn.home;
	struct kernel *k = m->kernel;
	int err = 0;

	k->home = k->device;
	if (!k->device)
		err = rtnl_dummy_ensure(k->rtnl, name, &k->home);
	if (!err && rtnl_addr_elsewhere(k->rtnl, k->home, home) == 1)
		return daemon_error("another link has the home address already; remove it there, and if roam-lrd has it as a permanent address choose one of the two for it");
	if (!err)
		err = rtnl_addr_add(k->rtnl, k->home, home);
	return err ? daemon_error("the home address cannot be put on link %s: %s",
				  name, strerror(-err)) : NULL;
}

char *kernel_start(struct mnd *m)
{
	struct kernel *k = calloc(1, sizeof(*k));
	char *error = NULL;

	if (!k)
		return daemon_error("out of memory");
	m->kernel = k;
	k->watch = -1;
	k->rtnl = rtnl_open(&error);
	if (!k->rtnl)
		return error;
	error = start_tunnel(m);
	if (!error)
		error = put_home_address(m);
	if (error)
		return error;
	k->watch = rtnl_watch_open();
	if (k->watch < 0)
		return daemon_error("cannot watch links and addresses: %s",
				    strerror(errno));
	k->poll.data = m;
	uv_poll_init(m->loop, &k->poll, k->watch);
	uv_poll_start(&k->poll, UV_READABLE, on_watch);
	return NULL;
}

static void on_closed(uv_handle_t *handle)
{
	struct mnd *m = handle->data;

	close(m->kernel->watch);
	free(m->kernel);
	m->kernel = NULL;
}

/* Routes and tunnel stay: what is open goes on until the daemon is back. */
void kernel_stop(struct mnd *m)
{
	struct kernel *k = m->kernel;

	if (!k)
		return;
	if (k->tunnel)
		genl_close(k->tunnel);
	if (k->rtnl)
		rtnl_close(k->rtnl);
	k->tunnel = NULL;
	k->rtnl = NULL;
	if (k->watch >= 0) {
		uv_close((uv_handle_t *)&k->poll, on_closed);
		return;
	}
	free(k);
	m->kernel = NULL;
}
