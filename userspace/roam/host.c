// SPDX-License-Identifier: GPL-2.0-or-later
#include "roam/host.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/bpf.h>
#include <linux/fib_rules.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rtnl/socket.h"

/* The socket of all questions. The kernel has one for everybody. */
static struct rtnl *route_socket(void)
{
	static struct rtnl *rtnl;
	char *error = NULL;

	if (!rtnl)
		rtnl = rtnl_open(&error);
	if (!rtnl) {
		fprintf(stderr, "roam: %s\n", error ? error : "out of memory");
		exit(EXIT_FAILURE);
	}
	return rtnl;
}

static void read_xdp(const struct nlattr *nest, struct host_link *link)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest)
		if (mnl_attr_get_type(attr) == IFLA_XDP_PROG_ID &&
		    !mnl_attr_validate(attr, MNL_TYPE_U32))
			link->xdp = mnl_attr_get_u32(attr);
}

static void read_kind(const struct nlattr *nest, struct host_link *link)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest)
		if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
			snprintf(link->kind, sizeof(link->kind), "%.*s",
				 mnl_attr_get_payload_len(attr),
				 mnl_attr_get_str(attr));
}

static int on_link(const struct nlmsghdr *nlh, void *ctx)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(nlh);
	struct host_link link = {
		.index = info->ifi_index,
		.type = info->ifi_type,
		.up = info->ifi_flags & IFF_UP,
		.loopback = info->ifi_flags & IFF_LOOPBACK,
	};
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(*info)) {
		switch (mnl_attr_get_type(attr)) {
		case IFLA_IFNAME:
			snprintf(link.name, sizeof(link.name), "%s",
				 mnl_attr_get_str(attr));
			break;
		case IFLA_LINKINFO:
			read_kind(attr, &link);
			break;
		case IFLA_XDP:
			read_xdp(attr, &link);
			break;
		}
	}
	list_append(ctx, &link);
	return MNL_CB_OK;
}

struct list host_links(void)
{
	struct rtnl *rtnl = route_socket();
	struct nlmsghdr *nlh = rtnl_request(rtnl, RTM_GETLINK, NLM_F_DUMP);
	struct list links = LIST_OF(struct host_link);

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	rtnl_talk(rtnl, nlh, on_link, &links);
	return links;
}

static int on_filter(const struct nlmsghdr *nlh, void *ctx)
{
	struct host_link *link = ctx;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct tcmsg))
		if (mnl_attr_get_type(attr) == TCA_KIND && !link->ingress[0])
			snprintf(link->ingress, sizeof(link->ingress), "%.*s",
				 mnl_attr_get_payload_len(attr),
				 mnl_attr_get_str(attr));
	return MNL_CB_OK;
}

/* Programs that hang on a link without a queueing discipline, since Linux 6.6;
 * netlink does not show them. */
static bool has_tcx(unsigned int ifindex)
{
	enum { TCX_INGRESS = 46 };
	union bpf_attr attr = {
		.query = {
			.target_fd = ifindex,
			.attach_type = TCX_INGRESS,
		},
	};

	return !syscall(SYS_bpf, BPF_PROG_QUERY, &attr, sizeof(attr)) &&
	       attr.query.prog_cnt;
}

void host_read_ingress(struct list *links)
{
	struct rtnl *rtnl = route_socket();

	for (size_t i = 0; i < links->n; i++) {
		struct host_link *link = list_at(links, i);
		struct nlmsghdr *nlh;
		struct tcmsg *tcm;

		if (has_tcx(link->index)) {
			strcpy(link->ingress, "tcx");
			continue;
		}
		nlh = rtnl_request(rtnl, RTM_GETTFILTER, NLM_F_DUMP);
		tcm = mnl_nlmsg_put_extra_header(nlh, sizeof(*tcm));
		tcm->tcm_ifindex = link->index;
		tcm->tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS);
		/* An error means that there is nothing for filters to hang on. */
		rtnl_talk(rtnl, nlh, on_filter, link);
	}
}

struct list host_addrs(void)
{
	struct list addrs = LIST_OF(struct host_addr);
	struct ifaddrs *all = NULL;

	getifaddrs(&all);
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		struct host_addr entry;

		if (!i->ifa_addr || (i->ifa_addr->sa_family != AF_INET &&
				     i->ifa_addr->sa_family != AF_INET6))
			continue;
		entry.addr = roam_addr_from_sockaddr(i->ifa_addr);
		snprintf(entry.device, sizeof(entry.device), "%s", i->ifa_name);
		list_append(&addrs, &entry);
	}
	freeifaddrs(all);
	return addrs;
}

const struct host_addr *host_addr_find(const struct list *addrs,
				       const struct roam_addr *addr)
{
	for (size_t i = 0; i < addrs->n; i++) {
		const struct host_addr *entry = list_at(addrs, i);

		if (roam_addr_eq(&entry->addr, addr))
			return entry;
	}
	return NULL;
}

static int on_route(const struct nlmsghdr *nlh, void *ctx)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct host_route *route = ctx;
	const struct nlattr *attr;

	route->local = rtm->rtm_type == RTN_LOCAL;
	route->table = rtm->rtm_table;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm)) {
		switch (mnl_attr_get_type(attr)) {
		case RTA_PREFSRC:
			route->src = rtnl_get_addr(attr);
			break;
		case RTA_GATEWAY:
			route->gateway = rtnl_get_addr(attr);
			break;
		case RTA_TABLE:
			route->table = mnl_attr_get_u32(attr);
			break;
		case RTA_OIF:
			if_indextoname(mnl_attr_get_u32(attr), route->device);
			break;
		}
	}
	return MNL_CB_OK;
}

int host_route(const struct roam_addr *dst, const struct roam_addr *src,
	       uint8_t ipproto, struct host_route *route)
{
	struct rtnl *rtnl = route_socket();
	struct nlmsghdr *nlh = rtnl_request(rtnl, RTM_GETROUTE, NLM_F_ACK);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	uint8_t bits = roam_addr_is_v4(dst) ? 32 : 128;

	rtm->rtm_family = rtnl_family(dst);
	rtm->rtm_dst_len = bits;
	/*
	 * The table that decided; without it the kernel names the main one. Of IPv6 it
	 * always names that one, and refuses to be asked.
	 */
	if (roam_addr_is_v4(dst))
		rtm->rtm_flags = RTM_F_LOOKUP_TABLE;
	rtnl_put_addr(nlh, RTA_DST, dst);
	if (src && !roam_addr_is_none(src)) {
		rtm->rtm_src_len = bits;
		rtnl_put_addr(nlh, RTA_SRC, src);
	}
	if (ipproto)
		mnl_attr_put_u8(nlh, RTA_IP_PROTO, ipproto);
	memset(route, 0, sizeof(*route));
	return rtnl_talk(rtnl, nlh, on_route, route);
}

/* struct rule_search - a rule looked for, and whether it is there */
struct rule_search {
	uint8_t ipproto;
	bool found;
};

static int on_rule(const struct nlmsghdr *nlh, void *ctx)
{
	struct rule_search *search = ctx;
	const struct nlattr *attr;
	uint32_t table = RT_TABLE_UNSPEC;
	uint8_t ipproto = 0;

	mnl_attr_for_each(attr, nlh, sizeof(struct fib_rule_hdr)) {
		uint16_t type = mnl_attr_get_type(attr);

		if (type == FRA_IP_PROTO &&
		    !mnl_attr_validate(attr, MNL_TYPE_U8))
			ipproto = mnl_attr_get_u8(attr);
		else if (type == FRA_TABLE &&
			 !mnl_attr_validate(attr, MNL_TYPE_U32))
			table = mnl_attr_get_u32(attr);
	}
	/* Rules for the main table are those of exempt packets, and a rule without a
	 * table refuses what has no route. */
	if (ipproto == search->ipproto && table != RT_TABLE_MAIN &&
	    table != RT_TABLE_UNSPEC)
		search->found = true;
	return MNL_CB_OK;
}

bool host_has_rule(uint8_t family, uint8_t ipproto)
{
	struct rtnl *rtnl = route_socket();
	struct nlmsghdr *nlh = rtnl_request(rtnl, RTM_GETRULE, NLM_F_DUMP);
	struct rule_search search = { .ipproto = ipproto };
	struct fib_rule_hdr *header;

	header = mnl_nlmsg_put_extra_header(nlh, sizeof(*header));
	header->family = family;
	rtnl_talk(rtnl, nlh, on_rule, &search);
	return search.found;
}

/* Links that put another IP header in front. */
static bool is_tunnel(const struct host_link *link)
{
	switch (link->type) {
	case ARPHRD_TUNNEL:
	case ARPHRD_TUNNEL6:
	case ARPHRD_SIT:
	case ARPHRD_IPGRE:
	case ARPHRD_IP6GRE:
		return true;
	default:
		return false;
	}
}

static const struct host_link *link_by_index(const struct list *links,
					     unsigned int index)
{
	for (size_t i = 0; i < links->n; i++) {
		const struct host_link *link = list_at(links, i);

		if (link->index == index)
			return link;
	}
	return NULL;
}

/* struct tunnelled - addresses behind tunnels, as struct host_addr */
struct tunnelled {
	struct list links;
	struct list addrs;
};

static int on_tunnel_route(const struct nlmsghdr *nlh, void *ctx)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct host_link *link = NULL;
	struct tunnelled *tunnelled = ctx;
	struct host_addr entry = { { { 0 } }, "" };
	const struct nlattr *attr;

	if (rtm->rtm_type != RTN_UNICAST ||
	    rtm->rtm_dst_len != (rtm->rtm_family == AF_INET ? 32 : 128))
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm)) {
		if (mnl_attr_get_type(attr) == RTA_DST)
			entry.addr = rtnl_get_addr(attr);
		else if (mnl_attr_get_type(attr) == RTA_OIF)
			link = link_by_index(&tunnelled->links,
					     mnl_attr_get_u32(attr));
	}
	if (link && is_tunnel(link)) {
		snprintf(entry.device, sizeof(entry.device), "%s", link->name);
		list_append(&tunnelled->addrs, &entry);
	}
	return MNL_CB_OK;
}

static void read_tunnel_routes(struct tunnelled *tunnelled, uint8_t family)
{
	struct rtnl *rtnl = route_socket();
	struct nlmsghdr *nlh = rtnl_request(rtnl, RTM_GETROUTE, NLM_F_DUMP);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));

	rtm->rtm_family = family;
	rtnl_talk(rtnl, nlh, on_tunnel_route, tunnelled);
}

static struct list read_tunnelled(void)
{
	struct tunnelled tunnelled = { host_links(),
				       LIST_OF(struct host_addr) };
	struct list addrs = host_addrs();
	bool any = false;

	for (size_t i = 0; i < tunnelled.links.n; i++) {
		const struct host_link *link = list_at(&tunnelled.links, i);

		if (!is_tunnel(link))
			continue;
		any = true;
		for (size_t a = 0; a < addrs.n; a++) {
			const struct host_addr *entry = list_at(&addrs, a);

			if (!strcmp(entry->device, link->name))
				list_append(&tunnelled.addrs, entry);
		}
	}
	if (any) {
		read_tunnel_routes(&tunnelled, AF_INET);
		read_tunnel_routes(&tunnelled, AF_INET6);
	}
	list_free(&addrs);
	list_free(&tunnelled.links);
	return tunnelled.addrs;
}

bool host_tunnel_of(const struct roam_addr *addr, char *device)
{
	static struct list tunnelled;
	static bool is_read;
	const struct host_addr *entry;

	if (!is_read)
		tunnelled = read_tunnelled();
	is_read = true;
	entry = host_addr_find(&tunnelled, addr);
	if (entry)
		snprintf(device, IF_NAMESIZE, "%s", entry->device);
	return entry;
}

int host_read_number(const char *path)
{
	FILE *file = fopen(path, "re");
	int value = -1;

	if (file) {
		if (fscanf(file, "%d", &value) != 1)
			value = -1;
		fclose(file);
	}
	return value;
}

void host_read_line(const char *path, char *buf, size_t len)
{
	FILE *file = fopen(path, "re");

	*buf = 0;
	if (!file)
		return;
	if (fgets(buf, len, file))
		buf[strcspn(buf, "\n")] = 0;
	else
		*buf = 0;
	fclose(file);
}
