// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fnmatch.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/daemon.h"
#include "io/json.h"
#include "io/log.h"
#include "mmpd/mmpd.h"
#include "rtnl/link.h"
#include "rtnl/watch.h"

/* ---- entries and uplinks ---- */

bool kernel_get_entry(struct mmpd *mmpd, const struct roam_addr *addr,
		      struct mmp_entry *entry)
{
	struct mmp_route route;

	if (mmp_route_get(mmpd->kernel, addr, &route))
		return false;
	*entry = route.entry;
	entry->left = route.left;
	return true;
}

bool kernel_set_entry(struct mmpd *mmpd, const struct mmp_entry *entry)
{
	char text[ROAM_ADDR_STRLEN];

	if (!mmp_route_set(mmpd->kernel, entry))
		return true;
	log_warning("host=%s the module does not take its entry: %s",
		    roam_addr_format(&entry->addr, text),
		    genl_error(mmpd->kernel));
	return false;
}

void kernel_set_uplinks(struct mmpd *mmpd, const struct mmp_hop *hops, size_t n)
{
	if (mmp_uplinks_set(mmpd->kernel, hops, n))
		log_error("the module does not take the uplinks: %s",
			  genl_error(mmpd->kernel));
}

void kernel_set_below(struct mmpd *mmpd, const struct mmp_hop *hops, size_t n)
{
	if (mmp_below_set(mmpd->kernel, hops, n))
		log_error("the module does not take the nodes below: %s",
			  genl_error(mmpd->kernel));
}

/* ---- host routes outside of the domain ---- */

void kernel_host_route(struct mmpd *mmpd, const struct roam_addr *coa,
		       const struct roam_addr *via, uint32_t link)
{
	char text[ROAM_ADDR_STRLEN];
	int err = via || link ? rtnl_host_set(mmpd->rtnl, coa, via, link) :
				rtnl_host_del(mmpd->rtnl, coa);

	if (err)
		log_warning("host=%s its route cannot be %s: %s",
			    roam_addr_format(coa, text),
			    via || link ? "set" : "removed", strerror(-err));
}

void kernel_del_entry(struct mmpd *mmpd, const struct roam_addr *addr)
{
	mmp_route_del(mmpd->kernel, addr);
}

/* ---- the default router of a host (MMP-86, MMP-89) ---- */

static bool set_family(struct mmpd *mmpd, const struct mmp_station *s,
		       const struct roam_addr *addr)
{
	uint8_t family = rtnl_family(addr);
	struct roam_addr router = rtnl_link_local(s->hop.mac);
	char text[ROAM_ADDR_STRLEN];
	int err;

	if (family == AF_INET && !roam_addr_is_none(&s->beacon.router))
		router = s->beacon.router;
	err = rtnl_default_set(mmpd->rtnl, family, s->hop.link, &router,
			       s->hop.mac, addr);
	if (err)
		log_error("router=%s cannot be the default router: %s",
			  roam_addr_format(&router, text), strerror(-err));
	return !err;
}

bool kernel_set_router(struct mmpd *mmpd, const struct mmp_station *station)
{
	bool ok = true;

	for (int v4 = 0; v4 < 2; v4++) {
		const struct roam_addr *addr = &mmpd->sources[v4];

		if (roam_addr_is_none(addr))
			continue;
		if (station)
			ok &= set_family(mmpd, station, addr);
		else
			rtnl_default_del(mmpd->rtnl, rtnl_family(addr));
	}
	return ok;
}

/* ---- interfaces ---- */

static bool is_named(const char *name, char *const *patterns, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!fnmatch(patterns[i], name, 0))
			return true;
	return false;
}

/* The core hears of an interface; a carrier that went and came is a change. */
static void tell_core(struct mmpd *mmpd, const struct mmpd_link *l, bool gone,
		      bool changed)
{
	msec_t now = daemon_now();
	bool up = l->link.up && !gone;

	if (mmpd->host)
		mmp_host_link(mmpd->host, now, l->link.index, up, changed);
	else if (mmpd->node)
		mmp_node_link(mmpd->node, now, l->link.index,
			      !gone && !l->air, !gone && l->air, up);
}

static void on_link(void *ctx, const struct rtnl_link *link)
{
	struct mmpd *mmpd = ctx;
	struct config *config = mmpd->config;
	bool air = is_named(link->name, config->air, config->n_air);
	struct mmpd_link *l = NULL;
	bool changed;

	if (!air && (mmpd->host ||
		     !is_named(link->name, config->links, config->n_links)))
		return;
	for (size_t i = 0; i < mmpd->n_links && !l; i++)
		if (mmpd->links[i].link.index == link->index)
			l = &mmpd->links[i];
	if (!l && mmpd->n_links == MMP_LINKS_MAX) {
		log_warning("link=%s takes no part: there are %d already",
			    link->name, MMP_LINKS_MAX);
		return;
	}
	if (!l) {
		l = &mmpd->links[mmpd->n_links++];
		memset(l, 0, sizeof(*l));
		l->link.changes = link->changes;
	}
	changed = l->link.changes != link->changes;
	l->seen = true;
	if (l->link.index == link->index && l->link.up == link->up &&
	    l->air == air && !changed)
		return;
	log_info("link=%s %s%s", link->name, link->up ? "up" : "down",
		 air ? " air" : "");
	l->link = *link;
	l->air = air;
	tell_core(mmpd, l, false, changed && link->up);
}

/* The module learns which interfaces take part. */
static void set_links(struct mmpd *mmpd)
{
	struct mmp_kernel_link links[MMP_LINKS_MAX];

	if (!mmpd->node)
		return;
	for (size_t i = 0; i < mmpd->n_links; i++)
		links[i] = (struct mmp_kernel_link){
			.link = mmpd->links[i].link.index,
			.kind = mmpd->links[i].air ? ROAM_MMP_KIND_AIR :
						     ROAM_MMP_KIND_NODES,
		};
	if (mmp_links_set(mmpd->kernel, links, mmpd->n_links))
		log_error("the module does not take the interfaces: %s",
			  genl_error(mmpd->kernel));
}

static void look(struct mmpd *mmpd)
{
	size_t before = mmpd->n_links;
	bool removed = false;

	for (size_t i = 0; i < mmpd->n_links; i++)
		mmpd->links[i].seen = false;
	if (rtnl_link_dump(mmpd->rtnl, on_link, mmpd))
		return;
	for (size_t i = 0; i < mmpd->n_links;) {
		if (mmpd->links[i].seen) {
			i++;
			continue;
		}
		log_info("link=%s gone", mmpd->links[i].link.name);
		tell_core(mmpd, &mmpd->links[i], true, false);
		mmpd->links[i] = mmpd->links[--mmpd->n_links];
		removed = true;
	}
	if (removed || mmpd->n_links != before) {
		set_links(mmpd);
		radio_start(mmpd);
	}
}

/*
 * The radio is the first to say it. Mostly the carrier went and came as well, and the look
 * sees that; where it did not, this is the change.
 */
void kernel_roamed(struct mmpd *mmpd, uint32_t index, const uint8_t bssid[6])
{
	struct mmpd_link *l;

	look(mmpd);
	l = (struct mmpd_link *)mmpd_link(mmpd, index);
	if (!l || !l->air)
		return;
	if (l->told == l->link.changes)
		tell_core(mmpd, l, false, true);
	l->told = l->link.changes;
	mmp_host_associated(mmpd->host, daemon_now(), index, bssid);
	mmpd_kick(mmpd);
}

static void on_changed(uv_poll_t *poll, int status, int events)
{
	struct mmpd *mmpd = poll->data;

	(void)status;
	(void)events;
	if (!rtnl_watch_read(mmpd->watch))
		return;
	look(mmpd);
	mmpd_kick(mmpd);
}

/* ---- events of the module ---- */

static void on_event(const struct nlmsghdr *nlh, void *ctx)
{
	struct mmpd *mmpd = ctx;
	struct mmp_route route;
	uint8_t reason;

	if ((!control_is_monitored(mmpd->control) && !mmpd->border &&
	     !mmpd->config->routes) ||
	    !mmp_event_decode(nlh, &route, &reason))
		return;
	if (reason == ROAM_MMP_REASON_EXPIRED ||
	    reason == ROAM_MMP_REASON_DELETED) {
		if (mmpd->config->routes)
			kernel_host_route(mmpd, &route.entry.addr, NULL, 0);
		if (mmpd->border)
			mmp_border_went(mmpd->border, daemon_now(),
					&route.entry.addr);
		mmpd_kick(mmpd);
	}
	if (!control_is_monitored(mmpd->control))
		return;
	mmpd_event(mmpd, json_pack("{ss so ss si}", "event", "entry",
				   "host", json_addr(&route.entry.addr),
				   "reason", mmp_reason_name(reason),
				   "downlinks", (int)route.entry.n));
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct mmpd *mmpd = poll->data;

	(void)status;
	(void)events;
	/* Entries are the module's; one that nobody was told of is there as well. */
	genl_events(mmpd->events, on_event, mmpd);
}

/* Settings and subnets of the configuration. */
static char *configure_module(struct mmpd *mmpd)
{
	const struct config *config = mmpd->config;

	if (mmp_config_set(mmpd->kernel, &config->kernel) ||
	    mmp_ranges_set(mmpd->kernel, config->node.subnets,
			   config->node.n_subnets))
		return daemon_error("the module does not take the configuration: %s",
				    genl_error(mmpd->kernel));
	return NULL;
}

char *kernel_configure(struct mmpd *mmpd)
{
	char *error = mmpd->node ? configure_module(mmpd) : NULL;

	if (error)
		return error;
	look(mmpd);
	set_links(mmpd);
	return NULL;
}

/* A daemon that was killed left them there, and packets went on (OPEN-45). */
static void adopt_below(struct mmpd *mmpd)
{
	struct mmp_hop hops[MMP_BELOW_MAX];
	int n = mmp_below_get(mmpd->kernel, hops, MMP_BELOW_MAX);

	if (n > 0)
		mmp_node_adopt(mmpd->node, daemon_now(), hops, (size_t)n);
}

static char *start_module(struct mmpd *mmpd)
{
	char *error = NULL;

	mmpd->kernel = mmp_open(&error);
	if (mmpd->kernel)
		mmpd->events = mmp_open(&error);
	if (!mmpd->events)
		return error;
	error = configure_module(mmpd);
	if (error)
		return error;
	if (genl_subscribe(mmpd->events, "events"))
		return daemon_error("cannot listen to the module: %s",
				    genl_error(mmpd->events));
	adopt_below(mmpd);
	uv_poll_init(mmpd->loop, &mmpd->events_poll, genl_fd(mmpd->events));
	mmpd->events_poll.data = mmpd;
	uv_poll_start(&mmpd->events_poll, UV_READABLE, on_readable);
	return NULL;
}

char *kernel_start(struct mmpd *mmpd)
{
	char *error = NULL;

	mmpd->rtnl = rtnl_open(&error);
	if (!mmpd->rtnl)
		return error;
	mmpd->watch = rtnl_watch_open();
	if (mmpd->watch < 0)
		return daemon_error("cannot watch interfaces: %s",
				    strerror(errno));
	if (mmpd->node)
		error = start_module(mmpd);
	if (error)
		return error;
	uv_poll_init(mmpd->loop, &mmpd->watch_poll, mmpd->watch);
	mmpd->watch_poll.data = mmpd;
	uv_poll_start(&mmpd->watch_poll, UV_READABLE, on_changed);
	look(mmpd);
	set_links(mmpd);
	radio_start(mmpd);
	if (!mmpd->n_links && !mmpd->config->is_border)
		log_warning("no interface matches 'links' or 'air' yet; see: ip link");
	return NULL;
}

static void on_watch_closed(uv_handle_t *handle)
{
	struct mmpd *mmpd = handle->data;

	close(mmpd->watch);
	rtnl_close(mmpd->rtnl);
}

static void on_events_closed(uv_handle_t *handle)
{
	struct mmpd *mmpd = handle->data;

	genl_close(mmpd->events);
}

/* What the module has stays: packets go on without this daemon (OPEN-45). */
void kernel_stop(struct mmpd *mmpd)
{
	radio_stop(mmpd);
	uv_close((uv_handle_t *)&mmpd->watch_poll, on_watch_closed);
	if (!mmpd->node)
		return;
	uv_close((uv_handle_t *)&mmpd->events_poll, on_events_closed);
	genl_close(mmpd->kernel);
}
