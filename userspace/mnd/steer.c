// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rules and tables of sessions, behind those of kernel.c:
 *
 *   from the device's or the session's address   its table   priority + 2
 *   from a link with devices                     prohibited  priority + 3
 *
 * The second keeps what a device sends before it has a session from leaving: it
 * would be a connection without translation, and stay one.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/neighbour.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "genl/tunnel.h"
#include "io/daemon.h"
#include "io/log.h"
#include "mnd/mnd.h"
#include "mnd/steer.h"
#include "rtnl/link.h"
#include "rtnl/nft.h"
#include "rtnl/addr.h"
#include "rtnl/mirror.h"

#define PRIORITY_SESSION 2	/* behind the first rule of kernel.c */
#define PRIORITY_DEVICES 3
#define MARGIN 5000		/* ms that the module keeps an entry longer */
#define NFT_TABLE "roam_mn"
#define SETTINGS_MAX 64
#define NEIGHBOURS_MAX (4 * MNS_MAX)	/* of one look; others are seen when they speak */
#define SEEN (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT)

/**
 * struct setting - a value that was another one before
 * @path: its file
 * @was: what it was
 */
struct setting {
	char path[96];
	char was[16];
};

/**
 * struct steer - the kernel's side of sessions
 * @nft: there are translations: the table is made
 * @maps: changes its elements
 * @settings: values that are others while there are sessions
 * @n_settings: their number
 * @watch: neighbours that come
 * @poll: watches @watch
 */
struct steer {
	bool nft;
	int maps;
	struct setting settings[SETTINGS_MAX];
	size_t n_settings;
	int watch;
	uv_poll_t poll;
};

/* ---- rules ---- */

static struct nlmsghdr *rule(struct mnd *m, uint16_t type, uint16_t flags,
			     unsigned int which)
{
	struct nlmsghdr *nlh = rtnl_request(kernel_rtnl(m), type,
					    NLM_F_ACK | flags);
	struct fib_rule_hdr *hdr = mnl_nlmsg_put_extra_header(nlh,
							      sizeof(*hdr));

	hdr->family = AF_INET;
	mnl_attr_put_u32(nlh, FRA_PRIORITY,
			 (uint32_t)m->config->priority + which);
	return nlh;
}

static uint32_t table_of(const struct mnd *m, const struct steering *s)
{
	return (uint32_t)m->config->table + s->slot;
}

static int session_rule(struct mnd *m, bool add, const struct steering *s)
{
	struct nlmsghdr *nlh = rule(m, add ? RTM_NEWRULE : RTM_DELRULE,
				    add ? NLM_F_CREATE | NLM_F_EXCL : 0,
				    PRIORITY_SESSION);
	struct fib_rule_hdr *hdr = mnl_nlmsg_get_payload(nlh);
	int err;

	hdr->action = FR_ACT_TO_TBL;
	hdr->src_len = 32;
	mnl_attr_put_u32(nlh, FRA_TABLE, table_of(m, s));
	mnl_attr_put_u8(nlh, FRA_PROTOCOL, RTPROT_ROAM);
	rtnl_put_addr(nlh, FRA_SRC, roam_addr_is_none(&s->device) ? &s->home :
								  &s->device);
	err = rtnl_talk(kernel_rtnl(m), nlh, NULL, NULL);
	return err == -EEXIST ? 0 : err;
}

static void drop_rules(struct mnd *m, unsigned int which)
{
	for (int i = 0; i < 2 * MNS_MAX; i++)
		if (rtnl_talk(kernel_rtnl(m), rule(m, RTM_DELRULE, 0, which),
			      NULL, NULL))
			break;
}

static int devices_rule(struct mnd *m, const char *link)
{
	struct nlmsghdr *nlh = rule(m, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL,
				    PRIORITY_DEVICES);
	struct fib_rule_hdr *hdr = mnl_nlmsg_get_payload(nlh);
	int err;

	hdr->action = FR_ACT_PROHIBIT;
	mnl_attr_put_strz(nlh, FRA_IIFNAME, link);
	mnl_attr_put_u8(nlh, FRA_PROTOCOL, RTPROT_ROAM);
	err = rtnl_talk(kernel_rtnl(m), nlh, NULL, NULL);
	return err == -EEXIST ? 0 : err;
}

/* ---- routes ---- */

static int session_route(struct mnd *m, const struct steering *s,
			 const struct mn_registration *r)
{
	struct nlmsghdr *nlh = rtnl_request(kernel_rtnl(m), RTM_NEWROUTE,
				NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	const struct roam_addr *gateway = NULL;
	unsigned int link = 0;

	if (r && r->place.mode == MN_FOREIGN) {
		link = r->place.link;
		gateway = &r->place.agent;
	} else if (r && (r->flags & MIP_REVERSE || r->udp)) {
		link = if_nametoindex(m->config->device);
	} else if (r) {
		link = r->place.link;
		if (!roam_addr_is_none(&r->place.gateway))
			gateway = &r->place.gateway;
	}
	rtm->rtm_family = AF_INET;
	rtm->rtm_table = RT_TABLE_UNSPEC;
	rtm->rtm_protocol = RTPROT_ROAM;
	rtm->rtm_scope = gateway || !link ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	rtm->rtm_type = link ? RTN_UNICAST : RTN_UNREACHABLE;
	mnl_attr_put_u32(nlh, RTA_TABLE, table_of(m, s));
	if (link)
		mnl_attr_put_u32(nlh, RTA_OIF, link);
	if (gateway) {
		rtm->rtm_flags = RTNH_F_ONLINK;
		rtnl_put_addr(nlh, RTA_GATEWAY, gateway);
	}
	return rtnl_talk(kernel_rtnl(m), nlh, NULL, NULL);
}

/* ---- what is set in /proc/sys while there are sessions ---- */

#define CONF_ROOT "/proc/sys/net/ipv4/"

static bool read_value(const char *path, char value[16])
{
	FILE *f = fopen(path, "re");
	bool read = f && fgets(value, 16, f);

	if (f)
		fclose(f);
	if (read)
		value[strcspn(value, "\n")] = '\0';
	return read;
}

static void write_value(const char *path, const char *value)
{
	FILE *f = fopen(path, "we");
	bool written = f && fputs(value, f) >= 0;

	if (f)
		written = !fclose(f) && written;
	if (!written)
		log_warning("%s cannot be set to %s: %s", path, value,
			    strerror(errno));
}

static void settings_path(const struct mnd *m, char path[300])
{
	snprintf(path, 300, "%s.settings", m->session_path);
}

/* It outlives the daemon, as what it says does. */
static void save_settings(const struct mnd *m)
{
	const struct steer *k = m->steer;
	char path[300];
	FILE *f;

	settings_path(m, path);
	if (!k->n_settings) {
		unlink(path);
		return;
	}
	f = fopen(path, "we");
	for (size_t i = 0; f && i < k->n_settings; i++)
		fprintf(f, "%s %s\n", k->settings[i].path, k->settings[i].was);
	if (!f || fclose(f))
		log_warning("%s cannot be written, so values in " CONF_ROOT " stay as they are: %s",
			    path, strerror(errno));
}

static void load_settings(const struct mnd *m)
{
	struct steer *k = m->steer;
	struct setting s;
	char path[300];
	FILE *f;

	settings_path(m, path);
	f = fopen(path, "re");
	while (f && k->n_settings < SETTINGS_MAX &&
	       fscanf(f, "%95s %15s", s.path, s.was) == 2)
		if (!strncmp(s.path, CONF_ROOT, strlen(CONF_ROOT)))
			k->settings[k->n_settings++] = s;
	if (f)
		fclose(f);
}

/* What it was is remembered once. @of: "conf" or "neigh". */
static void set_conf(const struct mnd *m, const char *of, const char *link,
		     const char *name, const char *value)
{
	struct steer *k = m->steer;
	struct setting s;
	size_t i = 0;

	snprintf(s.path, sizeof(s.path), CONF_ROOT "%s/%s/%s", of, link, name);
	if (!read_value(s.path, s.was) || !strcmp(s.was, value))
		return;
	while (i < k->n_settings && strcmp(k->settings[i].path, s.path))
		i++;
	if (i == k->n_settings && i < SETTINGS_MAX) {
		k->settings[k->n_settings++] = s;
		save_settings(m);
	}
	write_value(s.path, value);
}

void steer_rest(struct mnd *m)
{
	struct steer *k = m->steer;
	char now[16];

	if (!k->n_settings)
		return;
	for (size_t i = 0; i < k->n_settings; i++)
		if (read_value(k->settings[i].path, now))
			write_value(k->settings[i].path, k->settings[i].was);
	k->n_settings = 0;
	save_settings(m);
}

/* What comes by a link that did not forward must go on to the device behind. */
static void forward_on(const struct mnd *m, unsigned int index)
{
	char name[IF_NAMESIZE];

	if (index && if_indextoname(index, name))
		set_conf(m, "conf", name, "forwarding", "1");
}

/*
 * A device with an address of the home network takes all of that for neighbours, its
 * router among them: this host answers for them (RFC 1027), at once.
 */
static void answer_for_home(const struct mnd *m, const char *link)
{
	set_conf(m, "conf", link, "proxy_arp", "1");
	set_conf(m, "neigh", link, "proxy_delay", "0");
}

static void open_ways(const struct mnd *m, const struct steering *s,
		      const struct mn_registration *r)
{
	forward_on(m, r->place.link);
	forward_on(m, s->link);
	if (r->place.mode == MN_COLOCATED)
		forward_on(m, if_nametoindex(m->config->device));
	for (size_t i = 0; i < m->config->n_devices; i++) {
		const struct config_devices *d = &m->config->devices[i];

		forward_on(m, if_nametoindex(d->link));
		if (*d->hosts)
			answer_for_home(m, d->link);
	}
}

/* ---- the tunnel, where the node is its own end of it ---- */

static void set_tunnel(struct mnd *m, const struct steering *s,
		       const struct mn_registration *r)
{
	struct tunnel_visitor t = {
		.home = s->home, .role = ROAM_TUNNEL_ROLE_OWN,
		.device = if_nametoindex(m->config->device),
	};
	struct genl *tunnel = kernel_tunnel(m);
	msec_t left;

	if (!tunnel)
		return;
	if (!r || r->place.mode != MN_COLOCATED) {
		tunnel_visitor_del(tunnel, &s->home, 1, NULL);
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
	if (tunnel_visitor_set(tunnel, &t, 1, TUNNEL_SET_ANY, NULL))
		log_error("the tunnel module refuses a session's tunnel: %s",
			  genl_error(tunnel));
}

/* ---- translation ---- */

/*
 * Once, at the start; see translate() for what changes later. Nothing in @script comes
 * from elsewhere: addresses, written by us.
 */
static bool nft(const char *script)
{
	FILE *pipe = popen("nft -f - 2>/dev/null", "we");
	bool written;

	if (!pipe)
		return false;
	written = fputs(script, pipe) >= 0;
	return !pclose(pipe) && written;
}

/* Our own messages to and from port 434 are the node's, whatever their address. */
static const char table_text[] =
	"table ip " NFT_TABLE " {\n"
	"	map there { type ipv4_addr : ipv4_addr; }\n"
	"	map back { type ipv4_addr : ipv4_addr; }\n"
	"	chain prerouting {\n"
	"		type nat hook prerouting priority dstnat - 1;\n"
	"		udp sport 434 udp dport 434 accept\n"
	"		dnat to ip daddr map @there\n"
	"	}\n"
	"	chain postrouting {\n"
	"		type nat hook postrouting priority srcnat - 1;\n"
	"		snat to ip saddr map @back\n"
	"	}\n"
	"}\n";

static void put_elements(FILE *f, const struct steering *s)
{
	char home[ROAM_ADDR_STRLEN], device[ROAM_ADDR_STRLEN];

	roam_addr_format(&s->home, home);
	roam_addr_format(&s->device, device);
	fprintf(f, "add element ip " NFT_TABLE " there { %s : %s }\n", home,
		device);
	fprintf(f, "add element ip " NFT_TABLE " back { %s : %s }\n", device,
		home);
}

static bool is_translated(const struct steering *s)
{
	return !roam_addr_is_none(&s->home) && !roam_addr_is_none(&s->device);
}

/* What is there from a former run is replaced in one go: no packet sees half of it. */
void steer_begin(struct mnd *m, const struct steering *list, size_t n)
{
	char *script = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&script, &len);

	if (!f)
		return;
	fputs("table ip " NFT_TABLE " {}\ndelete table ip " NFT_TABLE "\n", f);
	fputs(table_text, f);
	for (size_t i = 0; i < n; i++)
		if (is_translated(&list[i]))
			put_elements(f, &list[i]);
	fclose(f);
	m->steer->nft = nft(script);
	if (!m->steer->nft)
		log_error("translations of sessions cannot be set; try: apt install nftables; modprobe nft_nat");
	free(script);
}

static void translate(struct mnd *m, bool add, const struct steering *s)
{
	const struct nft_element pair[] = {
		{ .map = "there", .key = s->home, .value = s->device },
		{ .map = "back", .key = s->device, .value = s->home },
	};
	int err;

	if (!m->steer->nft || !is_translated(s))
		return;
	err = nft_change(m->steer->maps, add, NFT_TABLE, pair, 2);
	if (err && (add || err != -ENOENT))
		log_error("the translation of a session cannot be changed: %s",
			  strerror(-err));
}

/* ---- a session ---- */

static void put_address(struct mnd *m, const struct steering *s, bool add)
{
	unsigned int own = m->config->device[0] ?
		if_nametoindex(m->config->device) :
		if_nametoindex(m->config->home_device);
	int err = 0;

	if (s->local && add)
		err = rtnl_addr_add(kernel_rtnl(m), own, &s->home);
	else if (s->local)
		rtnl_addr_del(kernel_rtnl(m), own, &s->home);
	else if (s->link && add)
		err = rtnl_host_set(kernel_rtnl(m), &s->home, NULL, s->link);
	else if (s->link)
		rtnl_host_del(kernel_rtnl(m), &s->home);
	if (err)
		log_error("a session's address cannot be set: %s",
			  strerror(-err));
}

void steer_set(struct mnd *m, const struct steering *s,
	       const struct mn_registration *r)
{
	int err;

	if (roam_addr_is_none(&s->home))
		return;
	err = session_route(m, s, r);
	if (!err)
		err = session_rule(m, true, s);
	if (err)
		log_error("the route of a session cannot be set: %s",
			  strerror(-err));
	set_tunnel(m, s, r);
	put_address(m, s, true);
	translate(m, true, s);
	if (r && !s->local)
		open_ways(m, s, r);
}

void steer_clear(struct mnd *m, const struct steering *s)
{
	if (roam_addr_is_none(&s->home))
		return;
	session_rule(m, false, s);
	rtnl_table_flush(kernel_rtnl(m), AF_INET, table_of(m, s));
	set_tunnel(m, s, NULL);
	put_address(m, s, false);
	translate(m, false, s);
}

/* ---- neighbours ---- */

void steer_probe(struct mnd *m, unsigned int link, const struct roam_addr *addr)
{
	struct nlmsghdr *nlh = rtnl_request(kernel_rtnl(m), RTM_NEWNEIGH,
				NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
	struct ndmsg *entry = mnl_nlmsg_put_extra_header(nlh, sizeof(*entry));

	entry->ndm_family = AF_INET;
	entry->ndm_ifindex = (int)link;
	entry->ndm_state = NUD_NONE;
	entry->ndm_flags = NTF_USE;
	rtnl_put_addr(nlh, NDA_DST, addr);
	rtnl_talk(kernel_rtnl(m), nlh, NULL, NULL);
}

static bool read_neighbour(const struct nlmsghdr *nlh, struct steer_neighbour *out)
{
	const struct ndmsg *entry = mnl_nlmsg_get_payload(nlh);
	struct steer_neighbour n = { 0 };
	const struct nlattr *attr;
	bool addr = false, mac = false;

	if (nlh->nlmsg_type != RTM_NEWNEIGH ||
	    nlh->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(*entry) ||
	    entry->ndm_family != AF_INET || !(entry->ndm_state & SEEN))
		return false;
	n.link = (unsigned int)entry->ndm_ifindex;
	n.fresh = entry->ndm_state & NUD_REACHABLE;
	mnl_attr_for_each(attr, nlh, sizeof(*entry)) {
		switch (mnl_attr_get_type(attr)) {
		case NDA_DST:
			n.addr = rtnl_get_addr(attr);
			addr = true;
			break;
		case NDA_LLADDR:
			if (mnl_attr_get_payload_len(attr) != MN_MAC_LEN)
				break;
			memcpy(n.mac, mnl_attr_get_payload(attr), MN_MAC_LEN);
			mac = true;
			break;
		}
	}
	*out = n;
	return addr && mac;
}

static int on_event(const struct nlmsghdr *nlh, void *ctx)
{
	struct steer_neighbour n;

	if (read_neighbour(nlh, &n))
		session_seen(ctx, &n);
	return MNL_CB_OK;
}

/**
 * struct neighbours - those of a dump
 * @list: them
 * @n: their number
 */
struct neighbours {
	struct steer_neighbour list[NEIGHBOURS_MAX];
	size_t n;
};

static int on_dumped(const struct nlmsghdr *nlh, void *ctx)
{
	struct neighbours *all = ctx;

	if (all->n < NEIGHBOURS_MAX && read_neighbour(nlh, &all->list[all->n]))
		all->n++;
	return MNL_CB_OK;
}

/*
 * Those that are there already, also after events were lost. They are seen behind the
 * dump, as a session that begins asks the kernel by the same socket.
 */
void steer_look(struct mnd *m)
{
	struct nlmsghdr *nlh = rtnl_request(kernel_rtnl(m), RTM_GETNEIGH,
					    NLM_F_DUMP);
	struct ndmsg *entry = mnl_nlmsg_put_extra_header(nlh, sizeof(*entry));
	struct neighbours *all = calloc(1, sizeof(*all));

	entry->ndm_family = AF_INET;
	if (all)
		rtnl_talk(kernel_rtnl(m), nlh, on_dumped, all);
	for (size_t i = 0; all && i < all->n; i++)
		session_seen(m, &all->list[i]);
	free(all);
}

static void on_watch(uv_poll_t *poll, int status, int events)
{
	struct mnd *m = poll->data;
	char buf[16384];
	ssize_t len;

	(void)status;
	(void)events;
	for (;;) {
		len = recv(m->steer->watch, buf, sizeof(buf), MSG_DONTWAIT);
		if (len < 0 && errno == ENOBUFS) {
			m->session_dump = true;
			continue;
		}
		if (len <= 0)
			break;
		mnl_cb_run(buf, (size_t)len, 0, 0, on_event, m);
	}
	if (m->session_dump) {
		m->session_dump = false;
		steer_look(m);
	}
}

static char *watch(struct mnd *m)
{
	struct sockaddr_nl addr = {
		.nl_family = AF_NETLINK, .nl_groups = RTMGRP_NEIGH,
	};
	struct steer *k = m->steer;

	k->watch = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			  NETLINK_ROUTE);
	if (k->watch < 0 ||
	    bind(k->watch, (struct sockaddr *)&addr, sizeof(addr)))
		return daemon_error("cannot watch neighbours: %s",
				    strerror(errno));
	k->poll.data = m;
	uv_poll_init(m->loop, &k->poll, k->watch);
	uv_poll_start(&k->poll, UV_READABLE, on_watch);
	return NULL;
}

/* ---- the whole ---- */

char *steer_start(struct mnd *m, bool fresh)
{
	struct steer *k = calloc(1, sizeof(*k));

	if (!k)
		return daemon_error("out of memory");
	m->steer = k;
	k->watch = -1;
	k->maps = nft_open();
	load_settings(m);
	if (fresh)
		drop_rules(m, PRIORITY_SESSION);
	drop_rules(m, PRIORITY_DEVICES);
	for (size_t i = 0; i < m->config->n_devices; i++) {
		int err = devices_rule(m, m->config->devices[i].link);

		if (err)
			log_error("the rule for devices on %s cannot be set: %s",
				  m->config->devices[i].link, strerror(-err));
	}
	if (!m->config->n_devices)
		return NULL;
	return watch(m);
}

static void on_closed(uv_handle_t *handle)
{
	struct mnd *m = handle->data;

	close(m->steer->watch);
	free(m->steer);
	m->steer = NULL;
}

/* What is set stays: packets go on until the daemon is back. */
void steer_stop(struct mnd *m)
{
	struct steer *k = m->steer;

	if (!k)
		return;
	if (k->maps >= 0)
		close(k->maps);
	if (k->poll.data) {
		uv_close((uv_handle_t *)&k->poll, on_closed);
		return;
	}
	if (k->watch >= 0)
		close(k->watch);
	free(k);
	m->steer = NULL;
}
