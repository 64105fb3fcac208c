// SPDX-License-Identifier: GPL-2.0-or-later
#include "standbyd/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/neighbour.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/daemon.h"
#include "io/log.h"
#include "rtnl/link.h"
#include "standbyd/standby.h"

/* Ours can be taken away all at once: each alone waits for a grace period. */
#define DEVICE_GROUP STANDBY_PORT

/* ---- requests ---- */

static struct nlmsghdr *link_request(struct rtnl *rtnl, uint16_t type,
				     uint16_t flags, unsigned int index,
				     struct ifinfomsg **ifi)
{
	struct nlmsghdr *nlh = rtnl_request(rtnl, type, NLM_F_ACK | flags);

	*ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(**ifi));
	memset(*ifi, 0, sizeof(**ifi));
	(*ifi)->ifi_index = (int)index;
	return nlh;
}

/*
 * Not by /proc: where the kernel's lock is taken, a write there ends and is begun
 * anew at once, for as long as it takes. A thread in front of all others would keep
 * whoever holds the lock from ever giving it back.
 */
static void put_forwarding(struct nlmsghdr *nlh, bool on)
{
	struct nlattr *spec = mnl_attr_nest_start(nlh, IFLA_AF_SPEC);
	struct nlattr *inet = mnl_attr_nest_start(nlh, AF_INET);
	struct nlattr *conf = mnl_attr_nest_start(nlh, IFLA_INET_CONF);

	mnl_attr_put_u32(nlh, IPV4_DEVCONF_FORWARDING, on);
	mnl_attr_nest_end(nlh, conf);
	mnl_attr_nest_end(nlh, inet);
	mnl_attr_nest_end(nlh, spec);
}

static int link_set_forwarding(struct rtnl *rtnl, unsigned int index, bool on)
{
	struct ifinfomsg *ifi;
	struct nlmsghdr *nlh = link_request(rtnl, RTM_NEWLINK, 0, index, &ifi);

	put_forwarding(nlh, on);
	return rtnl_talk(rtnl, nlh, NULL, NULL);
}

static int link_set_up(struct rtnl *rtnl, unsigned int index, bool up)
{
	struct ifinfomsg *ifi;
	struct nlmsghdr *nlh = link_request(rtnl, RTM_NEWLINK, 0, index, &ifi);

	ifi->ifi_change = IFF_UP;
	ifi->ifi_flags = up ? IFF_UP : 0;
	return rtnl_talk(rtnl, nlh, NULL, NULL);
}

static int link_set_mac(struct rtnl *rtnl, unsigned int index,
			const uint8_t mac[6])
{
	struct ifinfomsg *ifi;
	struct nlmsghdr *nlh = link_request(rtnl, RTM_NEWLINK, 0, index, &ifi);

	mnl_attr_put(nlh, IFLA_ADDRESS, 6, mac);
	return rtnl_talk(rtnl, nlh, NULL, NULL);
}

static int link_delete(struct rtnl *rtnl, unsigned int index)
{
	struct ifinfomsg *ifi;

	return rtnl_talk(rtnl, link_request(rtnl, RTM_DELLINK, 0, index, &ifi),
			 NULL, NULL);
}

/* The same MAC address at several routers: no IPv6 address may be made of it. */
static int link_set_no_link_local(struct rtnl *rtnl, unsigned int index)
{
	struct ifinfomsg *ifi;
	struct nlmsghdr *nlh = link_request(rtnl, RTM_NEWLINK, 0, index, &ifi);
	struct nlattr *spec = mnl_attr_nest_start(nlh, IFLA_AF_SPEC);
	struct nlattr *inet6 = mnl_attr_nest_start(nlh, AF_INET6);

	mnl_attr_put_u8(nlh, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(nlh, inet6);
	mnl_attr_nest_end(nlh, spec);
	return rtnl_talk(rtnl, nlh, NULL, NULL);
}

/*
 * In private mode a frame from our own virtual MAC address, which another active
 * router sends, too, would reach the device only and never the link: two active
 * routers would not hear each other.
 */
static int macvlan_add(struct rtnl *rtnl, unsigned int link, const char *name,
		       const uint8_t mac[6])
{
	struct ifinfomsg *ifi;
	struct nlmsghdr *nlh = link_request(rtnl, RTM_NEWLINK,
					    NLM_F_CREATE | NLM_F_EXCL, 0, &ifi);
	struct nlattr *info, *data;

	mnl_attr_put_u32(nlh, IFLA_LINK, link);
	mnl_attr_put_u32(nlh, IFLA_GROUP, DEVICE_GROUP);
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	mnl_attr_put(nlh, IFLA_ADDRESS, 6, mac);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_str(nlh, IFLA_INFO_KIND, "macvlan");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	mnl_attr_put_u32(nlh, IFLA_MACVLAN_MODE, MACVLAN_MODE_VEPA);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	return rtnl_talk(rtnl, nlh, NULL, NULL);
}

static int addr_change(struct rtnl *rtnl, uint16_t type, uint16_t flags,
		       unsigned int index, const struct roam_addr *addr)
{
	struct nlmsghdr *nlh = rtnl_request(rtnl, type, NLM_F_ACK | flags);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));

	memset(ifa, 0, sizeof(*ifa));
	ifa->ifa_family = rtnl_family(addr);
	ifa->ifa_prefixlen = roam_addr_is_v4(addr) ? 32 : 128;
	ifa->ifa_index = index;
	rtnl_put_addr(nlh, IFA_LOCAL, addr);
	rtnl_put_addr(nlh, IFA_ADDRESS, addr);
	mnl_attr_put_u32(nlh, IFA_FLAGS, IFA_F_NOPREFIXROUTE);
	return rtnl_talk(rtnl, nlh, NULL, NULL);
}

/* ---- tunables ---- */

/* The value, or -1 where there is none. */
static int tunable_read(const char *device, const char *name)
{
	char path[128], text[16] = "";
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/%s", device,
		 name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	return len > 0 ? (int)strtol(text, NULL, 10) : -1;
}

static bool tunable_write(const char *device, const char *name, int value)
{
	char path[128], text[16];
	int len = snprintf(text, sizeof(text), "%d", value), fd;
	bool done;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/%s", device,
		 name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	done = write(fd, text, len) == len;
	close(fd);
	return done;
}

static const char *const link_tunables[LINK_TUNABLES] = {
	"send_redirects", "arp_ignore", "arp_announce",
};

/*
 * A redirect would tell a host the primary address of a router (STBY-93), and
 * the link would answer for the virtual address, which is on another device,
 * with its own MAC address, or ask for a host in its name with it (STBY-94). The
 * kernel sends redirects if either the
 * link or "all" says so.
 */
void kernel_tune(struct link *link)
{
	static const int values[LINK_TUNABLES] = { 0, 1, 2 };
	struct standbyd *d = link->d;

	if (d->redirects_all < 0) {
		d->redirects_all = tunable_read("all", "send_redirects");
		if (d->redirects_all > 0)
			tunable_write("all", "send_redirects", 0);
	}
	for (int i = 0; i < LINK_TUNABLES; i++) {
		if (link->tunables[i] >= 0)
			continue;
		link->tunables[i] = tunable_read(link->name, link_tunables[i]);
		if (link->tunables[i] >= 0 && link->tunables[i] != values[i] &&
		    !tunable_write(link->name, link_tunables[i], values[i]))
			log_warning("link=%s cannot set net.ipv4.conf.%s.%s to %d: %s; set it by hand",
				    link->name, link->name, link_tunables[i],
				    values[i], strerror(errno));
	}
}

void kernel_untune(struct link *link)
{
	struct standbyd *d = link->d;

	if (d->redirects_all > 0)
		tunable_write("all", "send_redirects", d->redirects_all);
	d->redirects_all = -1;
	for (int i = 0; i < LINK_TUNABLES; i++) {
		if (link->tunables[i] >= 0)
			tunable_write(link->name, link_tunables[i],
				      link->tunables[i]);
		link->tunables[i] = -1;
	}
}

/* What the device needs to take packets for hosts that are behind the link. */
static void tune_device(const struct group *group)
{
	/* Loose: sources are reached by the link, not by this device. */
	tunable_write(group->device, "rp_filter", 2);
	tunable_write(group->device, "arp_ignore", 1);
	tunable_write(group->device, "send_redirects", 0);
	link_set_forwarding(group->d->rtnl, group->device_index, false);
	/* A kernel without IPv6 refuses, and is right. */
	link_set_no_link_local(group->d->rtnl, group->device_index);
}

/* ---- addresses of groups ---- */

char *kernel_prepare(struct group *group)
{
	struct rtnl *rtnl = group->d->rtnl;
	unsigned int old;
	int err;

	if (group->config->mac != MAC_MACVLAN) {
		hsrp_virtual_mac(group->config->form, group->config->number,
				 group->mac);
		if (group->config->mac == MAC_NONE)
			memcpy(group->mac, group->link->mac, 6);
		return NULL;
	}
	hsrp_virtual_mac(group->config->form, group->config->number, group->mac);
	snprintf(group->device, sizeof(group->device), "%s%u.%u",
		 group->config->form == HSRP_V2 ? "sw" : "sb",
		 group->link->index % 100000, group->config->number);
	/* One of an earlier start, maybe with addresses: it goes. */
	old = rtnl_link_index(group->device);
	if (old)
		link_delete(rtnl, old);
	err = macvlan_add(rtnl, group->link->index, group->device, group->mac);
	if (err)
		return daemon_error("cannot make a device for the virtual MAC address on %s: %s; does the kernel have macvlan? mac = \"swap\" or \"none\" do without",
				    group->link->name, strerror(-err));
	group->device_index = rtnl_link_index(group->device);
	tune_device(group);
	return NULL;
}

void kernel_forget(struct group *group)
{
	if (group->device_index)
		link_delete(group->d->rtnl, group->device_index);
	group->device_index = 0;
}

void kernel_forget_all(struct standbyd *d)
{
	struct ifinfomsg *ifi;
	struct nlmsghdr *nlh = link_request(d->rtnl, RTM_DELLINK, 0, 0, &ifi);

	mnl_attr_put_u32(nlh, IFLA_GROUP, DEVICE_GROUP);
	rtnl_talk(d->rtnl, nlh, NULL, NULL);
	for (size_t i = 0; i < d->n_groups; i++)
		d->groups[i]->device_index = 0;
}

struct placement kernel_place(const struct group *group)
{
	struct placement p = {
		.mode = group->config->mac, .link = group->link->index,
		.device = group->device_index, .vip = group->served_vip,
	};

	strcpy(p.link_name, group->link->name);
	memcpy(p.own, group->link->mac, 6);
	memcpy(p.mac, group->mac, 6);
	return p;
}

int kernel_adopt(struct rtnl *rtnl, const struct placement *p)
{
	unsigned int index = p->link;
	int err = 0;

	if (p->mode == MAC_MACVLAN) {
		index = p->device;
		err = link_set_up(rtnl, index, true);
		if (!err && tunable_read(p->link_name, "forwarding") > 0)
			err = link_set_forwarding(rtnl, index, true);
	} else if (p->mode == MAC_SWAP) {
		err = link_set_mac(rtnl, index, p->mac);
	}
	return err ? err :
		     addr_change(rtnl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE,
				 index, &p->vip);
}

int kernel_withdraw(struct rtnl *rtnl, const struct placement *p)
{
	unsigned int index = p->mode == MAC_MACVLAN ? p->device : p->link;
	int err, mac = 0;

	if (p->mode == MAC_MACVLAN)
		link_set_forwarding(rtnl, p->device, false);
	err = addr_change(rtnl, RTM_DELADDR, 0, index, &p->vip);
	if (p->mode == MAC_SWAP)
		mac = link_set_mac(rtnl, p->link, p->own);
	/* Gone with its link, or taken away by the watcher: as wanted. */
	if (err == -EADDRNOTAVAIL || err == -ENODEV)
		err = 0;
	return err ? err : mac == -ENODEV ? 0 : mac;
}

int kernel_withdraw_mac(struct rtnl *rtnl, const struct placement *p)
{
	if (p->mode != MAC_MACVLAN)
		return 0;
	return link_set_up(rtnl, p->device, false);
}

/* ---- how things are ---- */

/**
 * struct seen - of one link, while it is looked at
 * @link: filled, or NULL
 * @found: it exists
 * @up: it is up and has carrier
 * @virtual: addresses that are not its own
 * @n_virtual: number of @virtual
 */
struct seen {
	struct link_state *link;
	bool found;
	bool up;
	const struct roam_addr *virtual;
	size_t n_virtual;
};

static int on_link(const struct nlmsghdr *nlh, void *ctx)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct seen *seen = ctx;
	struct nlattr *attr;

	seen->found = true;
	seen->up = (ifi->ifi_flags & (IFF_UP | IFF_RUNNING)) ==
		   (IFF_UP | IFF_RUNNING);
	if (!seen->link)
		return MNL_CB_OK;
	seen->link->index = ifi->ifi_index;
	mnl_attr_for_each(attr, nlh, sizeof(*ifi))
		if (mnl_attr_get_type(attr) == IFLA_ADDRESS &&
		    mnl_attr_get_payload_len(attr) == 6)
			memcpy(seen->link->mac, mnl_attr_get_payload(attr), 6);
	return MNL_CB_OK;
}

static int get_link(struct rtnl *rtnl, const char *name, struct seen *seen)
{
	struct nlmsghdr *nlh = rtnl_request(rtnl, RTM_GETLINK, NLM_F_ACK);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));

	memset(ifi, 0, sizeof(*ifi));
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	return rtnl_talk(rtnl, nlh, on_link, seen);
}

static bool is_virtual(const struct seen *seen, const struct roam_addr *addr)
{
	for (size_t i = 0; i < seen->n_virtual; i++)
		if (roam_addr_eq(addr, &seen->virtual[i]))
			return true;
	return false;
}

static int on_addr(const struct nlmsghdr *nlh, void *ctx)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct seen *seen = ctx;
	struct nlattr *attr;

	if (ifa->ifa_index != seen->link->index ||
	    ifa->ifa_scope != RT_SCOPE_UNIVERSE ||
	    !roam_addr_is_none(&seen->link->addr))
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*ifa)) {
		struct roam_addr addr;

		if (mnl_attr_get_type(attr) != IFA_LOCAL)
			continue;
		addr = rtnl_get_addr(attr);
		if (!is_virtual(seen, &addr))
			seen->link->addr = addr;
	}
	return MNL_CB_OK;
}

void kernel_look(struct rtnl *rtnl, struct link_state *link,
		 const struct roam_addr *virtual, size_t n_virtual)
{
	struct seen seen = { .link = link, .virtual = virtual,
			     .n_virtual = n_virtual };
	struct nlmsghdr *nlh;
	struct ifaddrmsg *ifa;

	link->index = 0;
	link->up = false;
	memset(&link->addr, 0, sizeof(link->addr));
	if (get_link(rtnl, link->name, &seen) || !seen.found) {
		link->index = 0;
		return;
	}
	nlh = rtnl_request(rtnl, RTM_GETADDR, NLM_F_DUMP);
	ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	memset(ifa, 0, sizeof(*ifa));
	ifa->ifa_family = AF_INET;
	ifa->ifa_index = link->index;
	rtnl_talk(rtnl, nlh, on_addr, &seen);
	link->up = seen.up && !roam_addr_is_none(&link->addr);
}

bool kernel_link_is_up(struct rtnl *rtnl, const char *name)
{
	struct seen seen = { 0 };

	return !get_link(rtnl, name, &seen) && seen.found && seen.up;
}

struct match {
	uint8_t wanted;
	bool found;
};

static int on_route(const struct nlmsghdr *nlh, void *ctx)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct match *match = ctx;

	match->found = rtm->rtm_type == RTN_UNICAST &&
		       rtm->rtm_dst_len >= match->wanted;
	return MNL_CB_OK;
}

bool kernel_has_route(struct rtnl *rtnl, const struct roam_prefix *prefix)
{
	/* The default route is asked for by an address of the benchmark network. */
	static const struct roam_addr somewhere = {
		{ [10] = 0xff, [11] = 0xff, 198, 18, 0, 1 }
	};
	bool v4 = roam_addr_is_v4(&prefix->addr) || prefix->len == 96;
	struct match match = { .wanted = v4 ? prefix->len - 96 : prefix->len };
	const struct roam_addr *dst = match.wanted ? &prefix->addr : &somewhere;
	struct nlmsghdr *nlh = rtnl_request(rtnl, RTM_GETROUTE, NLM_F_ACK);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));

	memset(rtm, 0, sizeof(*rtm));
	rtm->rtm_family = rtnl_family(dst);
	rtm->rtm_dst_len = v4 ? 32 : 128;
	rtm->rtm_flags = RTM_F_FIB_MATCH;
	rtnl_put_addr(nlh, RTA_DST, dst);
	return !rtnl_talk(rtnl, nlh, on_route, &match) && match.found;
}
