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

static bool is_configured(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->n_links; i++)
		if (!strcmp(config->links[i], name))
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

void kernel_look(struct drcpd *d)
{
	struct rtnl_link before = d->links[0];
	bool had = d->n_links, was = had && before.up, is;

	d->n_links = 0;
	if (rtnl_link_dump(d->rtnl, add_link, d))
		return;
	if (!d->client)
		return;
	is = d->n_links && d->links[0].up;
	/* Gone and come again between two looks is another link, too. */
	if (was == is && had && (!d->n_links ||
				 d->links[0].changes == before.changes))
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

static void on_change(uv_poll_t *poll, int status, int events)
{
	struct drcpd *d = poll->data;

	(void)status;
	(void)events;
	if (rtnl_watch_read(d->watch))
		kernel_look(d);
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

/* ---- this host ---- */

static void report(const char *what, const struct roam_addr *addr, int err)
{
	char text[ROAM_ADDR_STRLEN];

	if (err)
		log_warning("%s %s: %s", what, roam_addr_format(addr, text),
			    strerror(-err));
}

static int change_address(struct drcpd *d, uint16_t type,
			  const struct drcp_msg *a)
{
	bool v4 = roam_addr_is_v4(&a->addr);
	struct nlmsghdr *nlh = rtnl_request(d->rtnl, type, NLM_F_ACK |
		(type == RTM_NEWADDR ? NLM_F_CREATE | NLM_F_REPLACE : 0));
	struct ifaddrmsg *ifa;

	ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	ifa->ifa_family = rtnl_family(&a->addr);
	ifa->ifa_prefixlen = a->subnet.len - (v4 ? 96 : 0);
	ifa->ifa_index = d->links[0].index;
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
		return rtnl_default_set(d->rtnl, rtnl_family(&a->addr),
					d->links[0].index, &router, d->peer,
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
	mnl_attr_put_u32(nlh, RTA_OIF, d->links[0].index);
	if (roam_addr_is_v4(&a->addr))
		rtnl_put_addr(nlh, RTA_PREFSRC, &a->addr);
	return rtnl_talk(d->rtnl, nlh, NULL, NULL);
}

/* The new address first, so that the host is never without. */
void kernel_configure(struct drcpd *d, const struct drcp_msg *assignment)
{
	struct drcp_msg before = d->bound;
	int err;

	if (!d->n_links)
		return;
	d->bound = *assignment;
	report("cannot have the address", &assignment->addr,
	       change_address(d, RTM_NEWADDR, assignment));
	report("cannot have the default router", &assignment->router,
	       set_route(d, assignment));
	if (roam_addr_is_none(&before.addr))
		return;
	err = change_address(d, RTM_DELADDR, &before);
	if (err != -EADDRNOTAVAIL)
		report("cannot remove the address", &before.addr, err);
}

void kernel_deconfigure(struct drcpd *d)
{
	struct drcp_msg before = d->bound;

	memset(&d->bound, 0, sizeof(d->bound));
	if (d->n_links && !roam_addr_is_none(&before.addr))
		(void)change_address(d, RTM_DELADDR, &before);
}
