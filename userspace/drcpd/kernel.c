// SPDX-License-Identifier: GPL-2.0-or-later
/* Links of the configuration; the address and the default route of this host. */
#include <errno.h>
#include <linux/if_addr.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drcpd/drcpd.h"
#include "io/daemon.h"
#include "io/log.h"
#include "rtnl/link.h"
#include "rtnl/watch.h"

#define RESTORE_WAIT 1000	/* ms between two times that an address is put back */

static bool is_configured(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->n_links; i++)
		if (!strcmp(config->links[i], name))
			return true;
	return false;
}

bool kernel_is_air(const struct drcpd *d, const struct rtnl_link *link)
{
	const struct config *config = d->config;

	for (size_t i = config->n_links - config->n_air; i < config->n_links;
	     i++)
		if (!strcmp(config->links[i], link->name))
			return true;
	return false;
}

static void add_link(void *ctx, const struct rtnl_link *link)
{
	struct drcpd *d = ctx;

	if (d->n_links < DRCPD_LINKS_MAX &&
	    is_configured(d->config, link->name))
		d->links[d->n_links++] = *link;
}

const struct rtnl_link *kernel_own(const struct drcpd *d)
{
	return kernel_link(d, d->own);
}

void kernel_attach(struct drcpd *d, const struct rtnl_link *link)
{
	d->own = link->index;
	drcp_client_link(d->client, daemon_now(), link->up);
	drcpd_kick(d);
}

/*
 * With MMP a change of links is no arrival: roam-mmpd says when there is one. Where it says
 * nothing for a while, the first link that is up does.
 */
static void look_with_mmp(struct drcpd *d)
{
	for (size_t i = 0; !d->guided && i < d->n_links; i++)
		if (d->links[i].up) {
			uv_timer_start(&d->alone, drcpd_on_alone,
				       d->config->client.dhcp_wait, 0);
			return;
		}
}

void kernel_look(struct drcpd *d)
{
	const struct rtnl_link *own = kernel_own(d);
	struct rtnl_link before = own ? *own : (struct rtnl_link){ 0 };
	bool had = own, was = before.up, is;

	d->n_links = 0;
	if (rtnl_link_dump(d->rtnl, add_link, d) || d->config->is_server ||
	    d->config->is_relay)
		return;
	if (d->config->mmp) {
		look_with_mmp(d);
		return;
	}
	d->own = d->n_links ? d->links[0].index : 0;
	if (!d->client)
		return;
	own = kernel_own(d);
	is = own && own->up;
	/* Gone and come again between two looks is another link, too. */
	if (was == is && had && (!own || own->changes == before.changes))
		return;
	if (was && is)
		drcp_client_link(d->client, daemon_now(), false);
	drcp_client_link(d->client, daemon_now(), is);
	drcpd_kick(d);
}

const struct rtnl_link *kernel_link(const struct drcpd *d, uint32_t index)
{
	for (size_t i = 0; i < d->n_links; i++)
		if (d->links[i].index == index)
			return &d->links[i];
	return NULL;
}

/* ---- this host ---- */

static void report(const char *what, const struct roam_addr *addr, int err)
{
	char text[ROAM_ADDR_STRLEN];

	if (err)
		log_warning("%s %s: %s", what, roam_addr_format(addr, text),
			    strerror(-err));
}

static int change_address(struct drcpd *d, uint16_t type, uint16_t flags,
			  const struct drcp_msg *a)
{
	bool v4 = roam_addr_is_v4(&a->addr);
	struct nlmsghdr *nlh = rtnl_request(d->rtnl, type, NLM_F_ACK | flags |
		(type == RTM_NEWADDR ? NLM_F_CREATE : 0));
	struct ifaddrmsg *ifa;

	ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	ifa->ifa_family = rtnl_family(&a->addr);
	/* In a domain of MMP a subnet is no link: all goes by the base station. */
	ifa->ifa_prefixlen = d->config->mmp ? (v4 ? 32 : 128) :
					      a->subnet.len - (v4 ? 96 : 0);
	ifa->ifa_index = *d->config->device ? if_nametoindex(d->config->device) :
					      d->own;
	rtnl_put_addr(nlh, IFA_LOCAL, &a->addr);
	rtnl_put_addr(nlh, IFA_ADDRESS, &a->addr);
	/* The server knows whom it gave it; conflicts are found out afterwards. */
	if (!v4)
		mnl_attr_put_u32(nlh, IFA_FLAGS, IFA_F_NODAD);
	return rtnl_talk(d->rtnl, nlh, NULL, NULL);
}

static int set_route(struct drcpd *d, const struct drcp_msg *a)
{
	struct nlmsghdr *nlh;
	struct rtmsg *rtm;
	struct roam_addr router;

	if (roam_addr_is_none(&a->router)) {
		router = rtnl_link_local(d->peer);
		return rtnl_default_set(d->rtnl, rtnl_family(&a->addr), d->own,
					&router, d->peer,
					&a->addr);
	}
	nlh = rtnl_request(d->rtnl, RTM_NEWROUTE,
			   NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = rtnl_family(&a->addr);
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_protocol = RTPROT_ROAM;
	rtm->rtm_type = RTN_UNICAST;
	rtm->rtm_flags = RTNH_F_ONLINK;
	rtnl_put_addr(nlh, RTA_GATEWAY, &a->router);
	mnl_attr_put_u32(nlh, RTA_OIF, d->own);
	if (roam_addr_is_v4(&a->addr))
		rtnl_put_addr(nlh, RTA_PREFSRC, &a->addr);
	return rtnl_talk(d->rtnl, nlh, NULL, NULL);
}

static void remove_address(struct drcpd *d, const struct drcp_msg *a)
{
	int err = roam_addr_is_none(&a->addr) ? 0 :
		  change_address(d, RTM_DELADDR, 0, a);

	if (err != -EADDRNOTAVAIL)
		report("cannot remove the address", &a->addr, err);
}

void kernel_settle(struct drcpd *d)
{
	if (!roam_addr_eq(&d->old.addr, &d->bound.addr))
		remove_address(d, &d->old);
	memset(&d->old, 0, sizeof(d->old));
}

/* The new address first, so that the host is never without. */
void kernel_configure(struct drcpd *d, const struct drcp_msg *assignment)
{
	struct drcp_msg before = d->bound;

	if (!kernel_own(d))
		return;
	d->bound = *assignment;
	report("cannot have the address", &assignment->addr,
	       change_address(d, RTM_NEWADDR, NLM_F_REPLACE, assignment));
	if (d->config->mmp) {
		/* Who uses the new one before it is registered is not heard. */
		kernel_settle(d);
		d->old = before;
		return;
	}
	report("cannot have the default router", &assignment->router,
	       set_route(d, assignment));
	remove_address(d, &before);
}

void kernel_deconfigure(struct drcpd *d)
{
	struct drcp_msg before = d->bound;

	memset(&d->bound, 0, sizeof(d->bound));
	if (!roam_addr_is_none(&before.addr))
		(void)change_address(d, RTM_DELADDR, 0, &before);
	if (d->config->mmp)
		kernel_settle(d);
}

/* ---- changes ---- */

/*
 * What the lease promises is there again when somebody else took it away, or the interface
 * went and came: once a second, so that two who do so are no circle.
 */
static void restore(struct drcpd *d)
{
	msec_t now = daemon_now();
	char text[ROAM_ADDR_STRLEN];

	if (!d->client || roam_addr_is_none(&d->bound.addr) || !kernel_own(d) ||
	    change_address(d, RTM_NEWADDR, NLM_F_EXCL, &d->bound))
		return;
	d->restored_at = now;
	d->restored++;
	log_warning("address=%s was taken away and is there again; who else manages %s? roam doctor",
		    roam_addr_format(&d->bound.addr, text),
		    kernel_own(d)->name);
	if (!d->config->mmp)
		report("cannot have the default router", &d->bound.router,
		       set_route(d, &d->bound));
	drcpd_tell_restored(d);
}

static void on_restore(uv_timer_t *timer)
{
	restore(timer->data);
}

static void on_change(uv_poll_t *poll, int status, int events)
{
	struct drcpd *d = poll->data;

	(void)status;
	(void)events;
	if (!rtnl_watch_read(d->watch))
		return;
	kernel_look(d);
	uv_update_time(d->loop);
	if (!uv_is_active((uv_handle_t *)&d->restore)) {
		msec_t since = daemon_now() - d->restored_at;

		uv_timer_start(&d->restore, on_restore,
			       d->restored && since < RESTORE_WAIT ?
			       RESTORE_WAIT - since : 0, 0);
	}
}

char *kernel_open(struct drcpd *d)
{
	char *error = NULL;

	d->rtnl = rtnl_open(&error);
	if (!d->rtnl)
		return error;
	d->watch = rtnl_watch_open();
	if (d->watch < 0)
		return daemon_error("cannot watch links: %s", strerror(errno));
	uv_poll_init(d->loop, &d->watch_poll, d->watch);
	d->watch_poll.data = d;
	uv_poll_start(&d->watch_poll, UV_READABLE, on_change);
	return NULL;
}

void kernel_close(struct drcpd *d)
{
	if (d->watch >= 0) {
		uv_close((uv_handle_t *)&d->watch_poll, NULL);
		close(d->watch);
	}
	d->watch = -1;
	rtnl_close(d->rtnl);
	d->rtnl = NULL;
}
