// SPDX-License-Identifier: GPL-2.0-or-later
#include "rtnl/link.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <string.h>
#include <sys/socket.h>

#define METRIC 77	/* of our default routes: before those of other hands */

unsigned int rtnl_link_index(const char *name)
{
	return if_nametoindex(name);
}

/* A link of this kind and name, where there is none yet; its index. */
static int link_ensure(struct rtnl *rtnl, const char *name, const char *kind,
		       unsigned int flags, unsigned int *index, bool *made)
{
	struct nlmsghdr *nlh = rtnl_request(rtnl, RTM_NEWLINK,
				       NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
	struct ifinfomsg *link;
	struct nlattr *info;
	int err;

	link = mnl_nlmsg_put_extra_header(nlh, sizeof(*link));
	link->ifi_flags = flags;
	link->ifi_change = flags;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, kind);
	mnl_attr_nest_end(nlh, info);
	err = rtnl_talk(rtnl, nlh, NULL, NULL);
	*made = !err;
	err = rtnl_unless(err, EEXIST);
	if (err)
		return err;
	*index = rtnl_link_index(name);
	return *index ? 0 : -ENODEV;
}

/* Up, and with @alias written on it unless that is NULL. */
static int link_up(struct rtnl *rtnl, unsigned int index, const char *alias)
{
	struct nlmsghdr *nlh = rtnl_request(rtnl, RTM_NEWLINK, NLM_F_ACK);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(nlh, sizeof(*link));

	link->ifi_index = index;
	link->ifi_flags = IFF_UP;
	link->ifi_change = IFF_UP;
	if (alias)
		mnl_attr_put_strz(nlh, IFLA_IFALIAS, alias);
	return rtnl_talk(rtnl, nlh, NULL, NULL);
}

int rtnl_dummy_ensure(struct rtnl *rtnl, const char *name, unsigned int *index)
{
	bool made;
	int err = link_ensure(rtnl, name, "dummy", IFF_UP | IFF_NOARP, index, &made);

	/* By the alias it is known again, when it is to be taken back. */
	return err ? err : link_up(rtnl, *index, made ? RTNL_DUMMY_ALIAS : NULL);
}

int rtnl_tunnel_ensure(struct rtnl *rtnl, const char *name, unsigned int *index)
{
	bool made;
	int err = link_ensure(rtnl, name, "roam", 0, index, &made);

	return err ? err : link_up(rtnl, *index, NULL);
}

static int link_del(struct rtnl *rtnl, unsigned int index)
{
	struct nlmsghdr *nlh = rtnl_request(rtnl, RTM_DELLINK, NLM_F_ACK);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(nlh, sizeof(*link));

	link->ifi_index = index;
	return rtnl_unless(rtnl_talk(rtnl, nlh, NULL, NULL), ENODEV);
}

/* struct ours - links that we made */
struct ours {
	unsigned int index[16];
	size_t n;
};

static int read_ours(const struct nlmsghdr *nlh, void *ctx)
{
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	struct ours *ours = ctx;

	if (!rtnl_has_header(nlh, sizeof(struct ifinfomsg)))
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*link))
		if (mnl_attr_get_type(attr) == IFLA_IFALIAS &&
		    !mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) &&
		    !strcmp(mnl_attr_get_str(attr), RTNL_DUMMY_ALIAS) &&
		    ours->n < sizeof(ours->index) / sizeof(*ours->index))
			ours->index[ours->n++] = link->ifi_index;
	return MNL_CB_OK;
}

int rtnl_dummies_remove(struct rtnl *rtnl)
{
	struct nlmsghdr *nlh = rtnl_request(rtnl, RTM_GETLINK, NLM_F_DUMP);
	struct ours ours = { .n = 0 };
	int err;

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	err = rtnl_talk(rtnl, nlh, read_ours, &ours);
	for (size_t i = 0; !err && i < ours.n; i++)
		err = link_del(rtnl, ours.index[i]);
	return err ? err : (int)ours.n;
}

struct dump {
	void (*fn)(void *ctx, const struct rtnl_link *link);
	void *ctx;
};

static int on_link(const struct nlmsghdr *nlh, void *ctx)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(nlh);
	struct rtnl_link link = { .index = (uint32_t)info->ifi_index };
	const struct dump *dump = ctx;
	const struct nlattr *attr;
	bool has_mac = false, carrier = false;

	mnl_attr_for_each(attr, nlh, sizeof(*info)) {
		size_t len = mnl_attr_get_payload_len(attr);

		switch (mnl_attr_get_type(attr)) {
		case IFLA_IFNAME:
			strncpy(link.name, mnl_attr_get_str(attr),
				sizeof(link.name) - 1);
			break;
		case IFLA_ADDRESS:
			has_mac = len == sizeof(link.mac);
			if (has_mac)
				memcpy(link.mac, mnl_attr_get_payload(attr),
				       len);
			break;
		case IFLA_CARRIER:
			carrier = mnl_attr_get_u8(attr);
			break;
		case IFLA_CARRIER_CHANGES:
			link.changes = mnl_attr_get_u32(attr);
			break;
		}
	}
	link.up = (info->ifi_flags & IFF_UP) && carrier;
	if (has_mac && !(info->ifi_flags & IFF_LOOPBACK))
		dump->fn(dump->ctx, &link);
	return MNL_CB_OK;
}

int rtnl_link_dump(struct rtnl *rtnl,
		   void (*fn)(void *ctx, const struct rtnl_link *link),
		   void *ctx)
{
	struct nlmsghdr *nlh = rtnl_request(rtnl, RTM_GETLINK, NLM_F_DUMP);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));
	struct dump dump = { fn, ctx };

	info->ifi_family = AF_UNSPEC;
	return rtnl_talk(rtnl, nlh, on_link, &dump);
}

struct roam_addr rtnl_link_local(const uint8_t mac[6])
{
	return (struct roam_addr){ .b = {
		0xfe, 0x80, 0, 0, 0, 0, 0, 0, mac[0] ^ 2, mac[1], mac[2], 0xff,
		0xfe, mac[3], mac[4], mac[5],
	} };
}

static int neighbour_set(struct rtnl *rtnl, uint32_t index,
			 const struct roam_addr *addr, const uint8_t mac[6])
{
	const struct roam_addr made = rtnl_link_local(mac);
	struct nlmsghdr *nlh = rtnl_request(rtnl, RTM_NEWNEIGH, NLM_F_ACK |
					    NLM_F_CREATE | NLM_F_REPLACE);
	struct ndmsg *ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));

	ndm->ndm_family = rtnl_family(addr);
	ndm->ndm_ifindex = (int)index;
	/*
	 * Known until somebody says otherwise, as after an answer. An address that
	 * is made of the link-layer address is another name of that: the neighbour
	 * need not have it, and then would not answer for it.
	 */
	ndm->ndm_state = roam_addr_eq(addr, &made) ? NUD_PERMANENT :
						     NUD_REACHABLE;
	rtnl_put_addr(nlh, NDA_DST, addr);
	mnl_attr_put(nlh, NDA_LLADDR, 6, mac);
	return rtnl_talk(rtnl, nlh, NULL, NULL);
}

static struct nlmsghdr *default_request(struct rtnl *rtnl, uint16_t type,
					uint16_t flags, uint8_t family)
{
	struct nlmsghdr *nlh = rtnl_request(rtnl, type, NLM_F_ACK | flags);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));

	rtm->rtm_family = family;
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_protocol = RTPROT_ROAM;
	rtm->rtm_type = type == RTM_NEWROUTE ? RTN_UNICAST : RTN_UNSPEC;
	rtm->rtm_scope = type == RTM_NEWROUTE ? RT_SCOPE_UNIVERSE :
						RT_SCOPE_NOWHERE;
	mnl_attr_put_u32(nlh, RTA_PRIORITY, METRIC);
	return nlh;
}

int rtnl_default_set(struct rtnl *rtnl, uint8_t family, uint32_t index,
		     const struct roam_addr *router, const uint8_t mac[6],
		     const struct roam_addr *prefsrc)
{
	struct nlmsghdr *nlh;
	struct rtmsg *rtm;
	int err = neighbour_set(rtnl, index, router, mac);

	if (err)
		return err;
	nlh = default_request(rtnl, RTM_NEWROUTE,
			      NLM_F_CREATE | NLM_F_REPLACE, family);
	rtm = mnl_nlmsg_get_payload(nlh);
	rtm->rtm_flags = RTNH_F_ONLINK;
	mnl_attr_put_u32(nlh, RTA_OIF, index);
	if (rtnl_family(router) == family) {
		rtnl_put_addr(nlh, RTA_GATEWAY, router);
	} else {
		struct {
			uint16_t family;
			uint8_t addr[16];
		} __attribute__((packed)) via = { .family = AF_INET6 };

		memcpy(via.addr, router->b, sizeof(via.addr));
		mnl_attr_put(nlh, RTA_VIA, sizeof(via), &via);
	}
	if (prefsrc)
		rtnl_put_addr(nlh, RTA_PREFSRC, prefsrc);
	return rtnl_talk(rtnl, nlh, NULL, NULL);
}

static struct nlmsghdr *host_request(struct rtnl *rtnl, uint16_t type,
				     uint16_t flags,
				     const struct roam_addr *host)
{
	struct nlmsghdr *nlh = rtnl_request(rtnl, type, NLM_F_ACK | flags);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));

	rtm->rtm_family = rtnl_family(host);
	rtm->rtm_dst_len = roam_addr_is_v4(host) ? 32 : 128;
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_protocol = RTPROT_ROAM;
	rtm->rtm_type = type == RTM_NEWROUTE ? RTN_UNICAST : RTN_UNSPEC;
	rtm->rtm_scope = type == RTM_NEWROUTE ? RT_SCOPE_UNIVERSE :
						RT_SCOPE_NOWHERE;
	rtnl_put_addr(nlh, RTA_DST, host);
	return nlh;
}

int rtnl_host_set(struct rtnl *rtnl, const struct roam_addr *host,
		  const struct roam_addr *via, uint32_t index)
{
	struct nlmsghdr *nlh = host_request(rtnl, RTM_NEWROUTE,
					    NLM_F_CREATE | NLM_F_REPLACE, host);
	struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);

	if (via) {
		rtnl_put_addr(nlh, RTA_GATEWAY, via);
	} else {
		rtm->rtm_scope = RT_SCOPE_LINK;
		mnl_attr_put_u32(nlh, RTA_OIF, index);
	}
	return rtnl_talk(rtnl, nlh, NULL, NULL);
}

int rtnl_host_del(struct rtnl *rtnl, const struct roam_addr *host)
{
	int err = rtnl_talk(rtnl, host_request(rtnl, RTM_DELROUTE, 0, host),
			    NULL, NULL);

	return err == -ESRCH || err == -ENOENT ? 0 : err;
}

int rtnl_default_del(struct rtnl *rtnl, uint8_t family)
{
	int err = rtnl_talk(rtnl, default_request(rtnl, RTM_DELROUTE, 0, family),
			    NULL, NULL);

	return err == -ESRCH || err == -ENOENT ? 0 : err;
}
