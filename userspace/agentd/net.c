// SPDX-License-Identifier: GPL-2.0-or-later
#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agentd/agentd.h"
#include "agentd/share.h"
#include "agentd/sync.h"
#include "io/daemon.h"
#include "io/log.h"
#include "rtnl/watch.h"

#define ALL_HOSTS "224.0.0.1"
#define ALL_AGENTS "224.0.0.11"

static uv_poll_t watch_poll;
static int watch = -1;

/* ---- port 434 ---- */

static void on_request(struct agentd *a, const struct udp_datagram *d,
		       const struct mip_msg *msg, uint64_t wall)
{
	a->counters.requests++;
	a->counters.deregistrations += !msg->lifetime;
	if (!rate_limit_allow(&a->rate, daemon_now(), (uint32_t)a->config->rate,
			      &d->from))
		a->counters.ha_rate++;
	else if (!agent_share_relay(a, d, &msg->home))
		batch_request(a, d, wall, NULL);
}

static void on_datagrams(void *ctx, const struct udp_datagram *d, size_t n)
{
	uint64_t wall = daemon_wallclock();
	struct agentd *a = ctx;
	struct mip_msg msg;

	for (size_t i = 0; i < n; i++) {
		uint8_t type = d[i].len ? d[i].data[0] : 0;

		a->counters.received++;
		/* It may still have the address for a moment. */
		if (!agent_sync_serves(a) && !agent_share_takes(a, &d[i].to)) {
			a->counters.other++;
			continue;
		}
		if (type == MIP_REPLY && a->n_fa_links && agent_sync_serves(a)) {
			batch_reply(a, &d[i]);
			continue;
		}
		if (type != MIP_REQUEST) {
			a->counters.other++;
			continue;
		}
		/* others are for the foreign agent, which sees them on its link */
		mip_decode(d[i].data, d[i].len, &msg);
		if (ha_is_for_us(a->ha, &msg))
			on_request(a, &d[i], &msg, wall);
		else if (!a->n_fa_links)
			a->counters.ha_drop[HA_DROP_NODE]++;
	}
}

static void on_burst_end(void *ctx)
{
	batch_finish(ctx);
}

static void send_now(void *ctx, const struct fa_send *send)
{
	net_send(ctx, send);
}

static void on_error(void *ctx, const struct roam_addr *host, uint16_t port,
		     enum udp_error error)
{
	static const uint8_t codes[] = {
		[UDP_NO_PORT] = MIP_FA_PORT_UNREACHABLE,
		[UDP_NO_HOST] = MIP_FA_HOST_UNREACHABLE,
		[UDP_NO_NETWORK] = MIP_FA_NET_UNREACHABLE,
	};
	struct agentd *a = ctx;

	if (port == MIP_PORT)
		fa_unreachable(a->fa, daemon_now(), host, codes[error],
			       send_now, a);
}

static struct agent_link *find_link(const struct agentd *a, unsigned int index)
{
	for (size_t i = 0; i < a->n_links; i++)
		if (a->links[i].index == index && index)
			return &a->links[i];
	return NULL;
}

static void send_to_node(struct agentd *a, const struct fa_send *send)
{
	const struct agent_link *link = find_link(a, send->link);
	struct frame frame = {
		.protocol = IPPROTO_UDP,
		.from = send->from, .to = send->to, .from_port = MIP_PORT,
		.to_port = send->port, .ttl = 64, .data = send->w.buf,
		.len = send->w.len,
	};

	a->counters.fa_code[send->code]++;
	a->counters.replies++;
	memcpy(frame.mac, send->mac, FRAME_MAC_LEN);
	if (link && link->frames) {
		frame.link = link->out;
		frame_send(link->frames, &frame);
	}
	if (!mip_code_accepts(send->code))
		show_denied(a, &send->msg.home, &send->to,
			    mip_code_is_home(send->code) ? "home agent" :
							   "foreign agent",
			    send->code);
}

void net_send(struct agentd *a, const struct fa_send *send)
{
	if (send->direction == FA_TO_NODE) {
		send_to_node(a, send);
		return;
	}
	a->counters.relayed++;
	udp_send(a->udp, &send->to, send->port, &send->from, send->w.buf,
		 send->w.len);
}

/*
 * RFC 5944 3.8.3.1: what a node asked from its home link is answered there, even if
 * its packets are still tunnelled elsewhere.
 */
void net_answer(struct agentd *a, const struct mip_msg *reply,
		const struct roam_addr *from, const struct roam_addr *to,
		uint16_t port)
{
	struct frame frame = {
		.protocol = IPPROTO_UDP, .from = *from, .to = *to,
		.from_port = MIP_PORT, .to_port = port, .ttl = 64,
		.data = reply->buf, .len = reply->len,
	};
	const struct agent_link *link;

	if (roam_addr_eq(to, &reply->home) &&
	    kernel_find_mac(a, &reply->agent, to, &frame.link,
			    frame.mac)) {
		link = find_link(a, frame.link);
		if (link && link->frames && frame_send(link->frames, &frame))
			return;
	}
	udp_send(a->udp, to, port, from, reply->buf, reply->len);
}

/* ---- links ---- */

bool net_is_own(const struct agentd *a, const struct roam_addr *addr)
{
	for (size_t i = 0; i < a->n_own; i++)
		if (roam_addr_eq(&a->own[i], addr))
			return true;
	return false;
}

static bool is_for_agent(const struct agentd *a, const struct roam_addr *to)
{
	struct roam_addr all;

	if (net_is_own(a, to))
		return true;
	roam_addr_parse(ALL_AGENTS, &all);
	return roam_addr_eq(to, &all);
}

static void on_frame(void *ctx, const struct frame *frame)
{
	struct agent_link *link = ctx;
	struct agentd *a = link->agent;
	struct mip_msg msg;

	if (!agent_sync_serves(a))
		return;
	if (frame->protocol == IPPROTO_ICMP) {
		if (!mip_solicitation_is_valid(frame->data, frame->len))
			return;
		a->counters.solicited++;
		advertiser_solicited(&link->advertiser, daemon_now());
		agentd_kick(a);
		return;
	}
	if (!link->foreign || frame->to_port != MIP_PORT || !frame->len ||
	    frame->data[0] != MIP_REQUEST || !is_for_agent(a, &frame->to))
		return;
	mip_decode(frame->data, frame->len, &msg);
	if (!ha_is_for_us(a->ha, &msg))
		batch_visitor(a, frame);
}

/* All addresses of the host, and the first of each of our links. */
static void read_addresses(struct agentd *a)
{
	struct ifaddrs *list = NULL, *ifa;
	size_t n = 0, i;

	if (getifaddrs(&list))
		return;
	for (ifa = list; ifa; ifa = ifa->ifa_next)
		n += ifa->ifa_addr && ifa->ifa_addr->sa_family == AF_INET;
	free(a->own);
	a->own = calloc(n + 1, sizeof(*a->own));
	a->n_own = 0;
	for (i = 0; i < a->n_links; i++) {
		a->links[i].addr = (struct roam_addr){ 0 };
		a->links[i].out = 0;
	}
	for (ifa = list; ifa; ifa = ifa->ifa_next) {
		struct roam_addr addr;

		if (!ifa->ifa_addr || ifa->ifa_addr->sa_family != AF_INET)
			continue;
		addr = roam_addr_from_sockaddr(ifa->ifa_addr);
		a->own[a->n_own++] = addr;
		for (i = 0; i < a->n_links; i++) {
			struct agent_link *link = &a->links[i];
			const struct sockaddr_in *mask = (void *)ifa->ifa_netmask;

			if (link->foreign &&
			    roam_addr_eq(&addr, &link->foreign->link.addr))
				link->out = if_nametoindex(ifa->ifa_name);
			if (strcmp(link->name, ifa->ifa_name) ||
			    !roam_addr_is_none(&link->addr) || !mask)
				continue;
			link->addr = addr;
			link->prefix = (uint8_t)
				__builtin_popcount(mask->sin_addr.s_addr);
		}
	}
	freeifaddrs(list);
}

static void open_link(struct agent_link *link)
{
	unsigned int index = if_nametoindex(link->name);
	char *error = NULL;

	if (link->frames && link->index == index)
		return;
	frame_close(link->frames);
	link->frames = NULL;
	link->index = index;
	if (!index)
		return;
	link->frames = frame_open(link->agent->loop, index, on_frame, link,
				  &error);
	if (!link->frames)
		log_error("%s", error ? error : "out of memory");
	free(error);
}

/* The core gets the links that are there, with their addresses. */
static void set_fa_links(struct agentd *a)
{
	free(a->fa_links);
	a->fa_links = calloc(a->config->n_foreign + 1, sizeof(*a->fa_links));
	a->n_fa_links = 0;
	for (size_t i = 0; i < a->n_links; i++) {
		const struct agent_link *link = &a->links[i];
		struct fa_link *fa;

		if (!link->foreign || !link->index)
			continue;
		fa = &a->fa_links[a->n_fa_links++];
		*fa = link->foreign->link;
		fa->index = link->index;
		if (roam_addr_is_none(&fa->addr))
			fa->addr = link->addr;
		if (roam_addr_is_none(&fa->coa))
			fa->coa = link->addr;
	}
	agentd_configure(a);
}

void net_look(struct agentd *a)
{
	read_addresses(a);
	for (size_t i = 0; i < a->n_links; i++) {
		open_link(&a->links[i]);
		if (!a->links[i].out)
			a->links[i].out = a->links[i].index;
	}
	set_fa_links(a);
}

static struct agent_link *add_link(struct agentd *a, const char *name)
{
	for (size_t i = 0; i < a->n_links; i++)
		if (!strcmp(a->links[i].name, name))
			return &a->links[i];
	a->links[a->n_links] = (struct agent_link){ .agent = a, .name = name };
	return &a->links[a->n_links++];
}

/*
 * Sequence numbers go on over a reload: a smaller one would tell the nodes that
 * their registrations are lost.
 */
static void keep_advertisers(struct agentd *a, const struct agent_link *old,
			     size_t n_old)
{
	for (size_t i = 0; i < a->n_links; i++)
		for (size_t k = 0; k < n_old; k++)
			if (!strcmp(a->links[i].name, old[k].name))
				a->links[i].advertiser = old[k].advertiser;
}

char *net_links(struct agentd *a)
{
	const struct config *config = a->config;
	struct agent_link *old = a->links;
	size_t n_old = a->n_links;
	msec_t now = daemon_now();

	a->links = calloc(config->n_homes + config->n_foreign + 1,
			  sizeof(*a->links));
	if (!a->links)
		return daemon_error("out of memory");
	a->n_links = 0;
	for (size_t i = 0; i < config->n_homes; i++)
		if (config->homes[i].link)
			add_link(a, config->homes[i].link)->home =
				&config->groups[i];
	for (size_t i = 0; i < config->n_foreign; i++)
		add_link(a, config->foreign[i].name)->foreign =
			&config->foreign[i];
	keep_advertisers(a, old, n_old);
	for (size_t k = 0; k < n_old; k++)
		frame_close(old[k].frames);
	for (size_t i = 0; i < a->n_links; i++) {
		struct agent_link *link = &a->links[i];
		msec_t interval = link->foreign ? link->foreign->interval :
			config->homes[link->home - config->groups].interval;

		advertiser_start(&link->advertiser, now, interval);
	}
	net_look(a);
	free(old);
	return NULL;
}

/* ---- advertisements ---- */

static uint16_t flags_of(const struct agentd *a, const struct agent_link *link)
{
	const struct config_foreign *f = link->foreign;
	uint16_t flags = link->home ? MIP_ADVERT_HOME : 0;

	if (!f)
		return flags;
	flags |= MIP_ADVERT_FOREIGN;
	if (f->registration)
		flags |= MIP_ADVERT_REGISTRATION;
	if (f->link.busy ||
	    fa_count(a->fa) >= (size_t)a->config->visitors_max)
		flags |= MIP_ADVERT_BUSY;
	if (f->link.minimal)
		flags |= MIP_ADVERT_MINIMAL;
	if (f->link.gre)
		flags |= MIP_ADVERT_GRE;
	if (f->link.reverse)
		flags |= MIP_ADVERT_REVERSE;
	return flags;
}

static void advertise(struct agentd *a, struct agent_link *link,
		      uint16_t sequence)
{
	msec_t lifetime = (3 * link->advertiser.interval + 999) / 1000;
	struct mip_advert advert = {
		.lifetime = lifetime ? (uint16_t)lifetime : 1800,
		.n_routers = 1, .routers = { link->addr },
		.n_prefixes = 1, .prefixes = { link->prefix },
		.is_agent = true, .sequence = sequence,
		.flags = flags_of(a, link),
		.registration = link->foreign ? link->foreign->link.lifetime_max :
						link->home->lifetime_max,
	};
	uint8_t buf[MIP_ADVERT_MAX];
	struct frame frame = {
		.link = link->out, .protocol = IPPROTO_ICMP,
		.from = link->addr, .ttl = 1, .data = buf,
	};

	if (!link->frames || roam_addr_is_none(&link->addr) ||
	    !agent_sync_serves(a))
		return;
	/* Agents that stand in for each other are one router to the nodes. */
	if (link->foreign && a->config->sync &&
	    !roam_addr_is_none(&link->foreign->link.addr)) {
		advert.routers[0] = link->foreign->link.addr;
		frame.from = link->foreign->link.addr;
	}
	for (size_t i = 0; i < a->n_fa_links; i++)
		if (a->fa_links[i].index == link->index)
			advert.coas[advert.n_coas++] = a->fa_links[i].coa;
	if (link->foreign && !advert.n_coas)
		return;
	frame.len = mip_advert_encode(&advert, buf);
	roam_addr_parse(ALL_HOSTS, &frame.to);
	frame_mac_of_group(&frame.to, frame.mac);
	if (frame_send(link->frames, &frame))
		a->counters.advertised++;
}

msec_t net_tick(struct agentd *a, msec_t now)
{
	msec_t next = MSEC_NEVER;
	uint16_t sequence;

	for (size_t i = 0; i < a->n_links; i++) {
		struct agent_link *link = &a->links[i];

		if (advertiser_tick(&link->advertiser, now,
				    (uint32_t)daemon_random(), &sequence))
			advertise(a, link, sequence);
		next = min_time(next, link->advertiser.next);
	}
	return next;
}

void net_serve(struct agentd *a)
{
	bool succeeds = agent_sync_succeeds(a);

	net_look(a);
	kernel_stand(a);
	for (size_t i = 0; i < a->n_links; i++) {
		if (succeeds)
			advertiser_succeed(&a->links[i].advertiser);
		advertiser_solicited(&a->links[i].advertiser, daemon_now());
	}
	agentd_kick(a);
}

/* ---- the whole ---- */

static void on_watch(uv_poll_t *poll, int status, int events)
{
	struct agentd *a = poll->data;

	(void)status;
	(void)events;
	if (!rtnl_watch_read(watch))
		return;
	net_look(a);
	kernel_configure(a);
	agentd_kick(a);
}

char *net_start(struct agentd *a)
{
	static const struct roam_addr any;
	char *error = NULL;

	a->udp = udp_open(a->loop, &any, MIP_PORT, on_datagrams, NULL,
			  a, &error);
	if (!a->udp)
		return error;
	udp_on_error(a->udp, on_error);
	udp_on_burst_end(a->udp, on_burst_end);
	watch = rtnl_watch_open();
	if (watch < 0)
		return daemon_error("cannot watch links and addresses");
	watch_poll.data = a;
	uv_poll_init(a->loop, &watch_poll, watch);
	uv_poll_start(&watch_poll, UV_READABLE, on_watch);
	return net_links(a);
}

void net_stop(struct agentd *a)
{
	if (watch >= 0) {
		uv_close((uv_handle_t *)&watch_poll, NULL);
		close(watch);
		watch = -1;
	}
	for (size_t i = 0; i < a->n_links; i++)
		frame_close(a->links[i].frames);
	if (a->udp)
		udp_close(a->udp);
	free(a->links);
	free(a->fa_links);
	free(a->own);
	a->n_links = 0;
}
