// SPDX-License-Identifier: GPL-2.0-or-later
#include "rtnl/route.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <net/if.h>
#include <string.h>

#include "rtnl/addr.h"

/* IFF_LOWER_UP of the kernel, whose header and libc's do not go together. */
#define LOWER_UP (1 << 16)

/**
 * struct way - answer to a route request
 * @src: source
 * @gateway: next hop, none: on the link
 * @oif: link
 * @metric: of the route
 * @len: prefix length of the route
 */
struct way {
	struct roam_addr src;
	struct roam_addr gateway;
	unsigned int oif;
	uint32_t metric;
	uint8_t len;
};

static int read_way(const struct nlmsghdr *nlh, void *ctx)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct way *way = ctx;
	const struct nlattr *attr;

	if (!rtnl_has_header(nlh, sizeof(struct rtmsg)))
		return MNL_CB_OK;
	way->len = rtm->rtm_dst_len;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm)) {
		bool u32 = !mnl_attr_validate(attr, MNL_TYPE_U32);

		switch (mnl_attr_get_type(attr)) {
		case RTA_PREFSRC:
			way->src = rtnl_get_addr(attr);
			break;
		case RTA_GATEWAY:
			way->gateway = rtnl_get_addr(attr);
			break;
		case RTA_OIF:
			way->oif = u32 ? mnl_attr_get_u32(attr) : 0;
			break;
		case RTA_PRIORITY:
			way->metric = u32 ? mnl_attr_get_u32(attr) : 0;
			break;
		}
	}
	return MNL_CB_OK;
}

int rtnl_route_get(struct rtnl *rtnl, const struct roam_addr *dst,
		   struct roam_addr *src, unsigned int *oif)
{
	struct nlmsghdr *nlh = rtnl_request(rtnl, RTM_GETROUTE, NLM_F_ACK);
	struct way way = { .oif = 0 };
	struct rtmsg *rtm;
	int err;

	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = rtnl_family(dst);
	rtm->rtm_dst_len = roam_addr_is_v4(dst) ? 32 : 128;
	rtnl_put_addr(nlh, RTA_DST, dst);
	err = rtnl_talk(rtnl, nlh, read_way, &way);
	if (err)
		return err;
	if (roam_addr_is_none(&way.src))
		return -ENETUNREACH;
	*src = way.src;
	if (oif)
		*oif = way.oif;
	return 0;
}

/* The route of the table, as it stands there, that leads to @dst by @oif, 0: by any link. */
static int route_of(struct rtnl *rtnl, const struct roam_addr *dst, unsigned int oif,
		    struct way *way)
{
	struct nlmsghdr *nlh = rtnl_request(rtnl, RTM_GETROUTE, NLM_F_ACK);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));

	memset(way, 0, sizeof(*way));
	rtm->rtm_family = rtnl_family(dst);
	rtm->rtm_dst_len = roam_addr_is_v4(dst) ? 32 : 128;
	rtm->rtm_flags = RTM_F_FIB_MATCH;
	rtnl_put_addr(nlh, RTA_DST, dst);
	if (oif)
		mnl_attr_put_u32(nlh, RTA_OIF, oif);
	return rtnl_talk(rtnl, nlh, read_way, way);
}

static int read_neigh(const struct nlmsghdr *nlh, void *ctx)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);

	if (!rtnl_has_header(nlh, sizeof(struct ndmsg)))
		return MNL_CB_OK;
	*(bool *)ctx = ndm->ndm_state & NUD_FAILED;
	return MNL_CB_OK;
}

/* Does a next hop not answer? One that nobody asked for may well answer. */
static bool is_silent(struct rtnl *rtnl, const struct roam_addr *gateway,
		      unsigned int oif)
{
	struct nlmsghdr *nlh;
	struct ndmsg *ndm;
	bool silent = false;

	if (roam_addr_is_none(gateway))
		return false;
	nlh = rtnl_request(rtnl, RTM_GETNEIGH, NLM_F_ACK);
	ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
	ndm->ndm_family = rtnl_family(gateway);
	ndm->ndm_ifindex = oif;
	rtnl_put_addr(nlh, NDA_DST, gateway);
	rtnl_talk(rtnl, nlh, read_neigh, &silent);
	return silent;
}

static int read_carrier(const struct nlmsghdr *nlh, void *ctx)
{
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(nlh);

	if (!rtnl_has_header(nlh, sizeof(struct ifinfomsg)))
		return MNL_CB_OK;
	*(bool *)ctx = (link->ifi_flags & IFF_UP) && (link->ifi_flags & LOWER_UP);
	return MNL_CB_OK;
}

static bool has_carrier(struct rtnl *rtnl, unsigned int index)
{
	struct nlmsghdr *nlh = rtnl_request(rtnl, RTM_GETLINK, NLM_F_ACK);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(nlh, sizeof(*link));
	bool carrier = false;

	link->ifi_index = index;
	rtnl_talk(rtnl, nlh, read_carrier, &carrier);
	return carrier;
}

bool rtnl_route_is_as_good(struct rtnl *rtnl, const struct roam_addr *dst,
			   const struct roam_addr *src, unsigned int oif)
{
	struct way best, own;

	return rtnl_addr_link(rtnl, src) == oif && has_carrier(rtnl, oif) &&
	       !route_of(rtnl, dst, 0, &best) && !route_of(rtnl, dst, oif, &own) &&
	       best.len == own.len && best.metric == own.metric &&
	       !is_silent(rtnl, &own.gateway, oif);
}
