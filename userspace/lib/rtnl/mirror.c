// SPDX-License-Identifier: GPL-2.0-or-later
#include "rtnl/mirror.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/**
 * struct routes - the routes of a table, as they would be set in the mirror
 * @items: messages on the heap
 * @n: their number
 * @family: of the routes
 * @table: table they are read from
 * @mirror: table they will be in
 * @prefsrc: their preferred source; NULL: the one they have
 * @oif: only those by this link have it; 0: all
 * @failed: out of memory
 */
struct routes {
	struct nlmsghdr **items;
	size_t n;
	uint8_t family;
	uint32_t table;
	uint32_t mirror;
	const struct roam_addr *prefsrc;
	unsigned int oif;
	bool failed;
};

static void routes_free(struct routes *routes)
{
	for (size_t i = 0; i < routes->n; i++)
		free(routes->items[i]);
	free(routes->items);
}

static const struct nlattr *find_attr(const struct nlmsghdr *nlh, uint16_t type)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct rtmsg))
		if (mnl_attr_get_type(attr) == type)
			return attr;
	return NULL;
}

static uint32_t route_table(const struct nlmsghdr *nlh)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr = find_attr(nlh, RTA_TABLE);

	return attr && !mnl_attr_validate(attr, MNL_TYPE_U32) ?
	       mnl_attr_get_u32(attr) : rtm->rtm_table;
}

/*
 * Does the route say by itself where it leads? Routes to a nexthop object do
 * both, if the kernel is asked to (nexthop_compat_mode), and are set with one
 * of them only.
 */
static bool has_way(const struct nlmsghdr *nlh)
{
	return find_attr(nlh, RTA_OIF) || find_attr(nlh, RTA_GATEWAY) ||
	       find_attr(nlh, RTA_VIA) || find_attr(nlh, RTA_MULTIPATH);
}

/* Does a route lead out by a link? One that does not say so may. */
static bool leads_by(const struct nlmsghdr *nlh, unsigned int oif)
{
	const struct nlattr *attr = find_attr(nlh, RTA_OIF);
	const struct rtnexthop *hop;
	int left;

	if (attr)
		return !mnl_attr_validate(attr, MNL_TYPE_U32) && mnl_attr_get_u32(attr) == oif;
	attr = find_attr(nlh, RTA_MULTIPATH);
	if (!attr)
		return true;
	hop = mnl_attr_get_payload(attr);
	left = mnl_attr_get_payload_len(attr);
	for (; left >= (int)sizeof(*hop) && hop->rtnh_len >= sizeof(*hop) &&
	     hop->rtnh_len <= left; left -= NLMSG_ALIGN(hop->rtnh_len),
	     hop = RTNH_NEXT(hop))
		if ((unsigned int)hop->rtnh_ifindex == oif)
			return true;
	return false;
}

/* The ways of a route, without what the kernel only reports and would refuse. */
static void put_ways(struct nlmsghdr *nlh, const struct nlattr *from)
{
	int left = mnl_attr_get_payload_len(from);
	struct rtnexthop *hop;
	struct nlattr *attr = mnl_nlmsg_get_payload_tail(nlh);

	mnl_attr_put(nlh, RTA_MULTIPATH, left, mnl_attr_get_payload(from));
	hop = mnl_attr_get_payload(attr);
	for (; left >= (int)sizeof(*hop) && hop->rtnh_len >= sizeof(*hop) &&
	     hop->rtnh_len <= left; left -= NLMSG_ALIGN(hop->rtnh_len),
	     hop = RTNH_NEXT(hop))
		hop->rtnh_flags &= RTNH_F_ONLINK;
}

/*
 * Writes a route as it stands in the mirror: same destination, way and metric,
 * our table, protocol and source. What the kernel only reports is left out, so
 * that two such messages are equal exactly if the routes are.
 */
static size_t mirror_route(const struct routes *routes,
			   const struct nlmsghdr *from, char *buf)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	const struct rtmsg *old = mnl_nlmsg_get_payload(from);
	struct roam_addr prefsrc = { { 0 } };
	const struct nlattr *attr;
	struct rtmsg *rtm;

	nlh->nlmsg_type = RTM_NEWROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE |
			   NLM_F_REPLACE;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	*rtm = *old;
	rtm->rtm_table = RT_TABLE_UNSPEC;
	rtm->rtm_protocol = RTPROT_ROAM;
	rtm->rtm_flags &= RTNH_F_ONLINK;
	mnl_attr_put_u32(nlh, RTA_TABLE, routes->mirror);
	mnl_attr_for_each(attr, from, sizeof(*old)) {
		switch (mnl_attr_get_type(attr)) {
		case RTA_TABLE:
		case RTA_CACHEINFO:
			break;
		case RTA_NH_ID:
			if (!has_way(from) && !mnl_attr_validate(attr, MNL_TYPE_U32))
				mnl_attr_put_u32(nlh, RTA_NH_ID,
						 mnl_attr_get_u32(attr));
			break;
		case RTA_PREFSRC:
			prefsrc = rtnl_get_addr(attr);
			break;
		case RTA_MULTIPATH:
			put_ways(nlh, attr);
			break;
		default:
			mnl_attr_put(nlh, mnl_attr_get_type(attr),
				     mnl_attr_get_payload_len(attr),
				     mnl_attr_get_payload(attr));
		}
	}
	if (routes->prefsrc && (!routes->oif || leads_by(from, routes->oif)))
		prefsrc = *routes->prefsrc;
	if (!roam_addr_is_none(&prefsrc))
		rtnl_put_addr(nlh, RTA_PREFSRC, &prefsrc);
	return nlh->nlmsg_len;
}

static bool is_link_local(const struct nlmsghdr *nlh)
{
	const struct nlattr *attr = find_attr(nlh, RTA_DST);
	struct roam_addr dst;

	if (!attr)
		return false;
	dst = rtnl_get_addr(attr);
	return roam_addr_is_link_local(&dst);
}

/* A route that refuses in the main table refuses TCP as well. */
static bool is_mirrored(const struct rtmsg *rtm)
{
	switch (rtm->rtm_type) {
	case RTN_UNICAST:
	case RTN_BLACKHOLE:
	case RTN_UNREACHABLE:
	case RTN_PROHIBIT:
	case RTN_THROW:
		return !(rtm->rtm_flags & RTM_F_CLONED);
	default:
		return false;
	}
}

static int read_route(const struct nlmsghdr *nlh, void *ctx)
{
	struct routes *routes = ctx;
	/* Zeroed, as the padding of attributes is compared as well. */
	char buf[RTNL_REQUEST_LEN] __attribute__((aligned(8))) = { 0 };
	struct nlmsghdr **items;
	size_t len;

	if (!rtnl_has_header(nlh, sizeof(struct rtmsg)))
		return MNL_CB_OK;
	if (!is_mirrored(mnl_nlmsg_get_payload(nlh)) ||
	    route_table(nlh) != routes->table || is_link_local(nlh) ||
	    nlh->nlmsg_len + 64 > sizeof(buf))
		return MNL_CB_OK;
	len = mirror_route(routes, nlh, buf);
	items = realloc(routes->items, (routes->n + 1) * sizeof(*items));
	if (items) {
		routes->items = items;
		items[routes->n] = malloc(len);
	}
	if (!items || !items[routes->n]) {
		routes->failed = true;
		return MNL_CB_OK;
	}
	memcpy(items[routes->n++], buf, len);
	return MNL_CB_OK;
}

static int read_table(struct rtnl *rtnl, struct routes *routes)
{
	struct nlmsghdr *nlh = rtnl_request(rtnl, RTM_GETROUTE, NLM_F_DUMP);
	struct rtmsg *rtm;
	int err;

	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = routes->family;
	mnl_attr_put_u32(nlh, RTA_TABLE, routes->table);
	/* A table that was never used does not exist: that is, it is empty. */
	err = rtnl_unless(rtnl_talk(rtnl, nlh, read_route, routes), ENOENT);
	return err ? err : routes->failed ? -ENOMEM : 0;
}

static bool same_route(const struct nlmsghdr *a, const struct nlmsghdr *b)
{
	size_t header = sizeof(struct nlmsghdr);

	return a->nlmsg_len == b->nlmsg_len &&
	       !memcmp((const char *)a + header, (const char *)b + header,
		       a->nlmsg_len - header);
}

/* Is @route among @routes? Then it is taken out of them. */
static bool take_route(struct routes *routes, const struct nlmsghdr *route)
{
	for (size_t i = 0; i < routes->n; i++) {
		if (!same_route(routes->items[i], route))
			continue;
		free(routes->items[i]);
		routes->items[i] = routes->items[--routes->n];
		return true;
	}
	return false;
}

/* Do they have one place in a table: destination, type of service and metric? */
static bool same_place(const struct nlmsghdr *a, const struct nlmsghdr *b)
{
	static const uint16_t types[] = { RTA_DST, RTA_PRIORITY };
	const struct rtmsg *ra = mnl_nlmsg_get_payload(a);
	const struct rtmsg *rb = mnl_nlmsg_get_payload(b);

	if (ra->rtm_dst_len != rb->rtm_dst_len || ra->rtm_tos != rb->rtm_tos)
		return false;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		const struct nlattr *in_a = find_attr(a, types[i]);
		const struct nlattr *in_b = find_attr(b, types[i]);

		if (!in_a != !in_b ||
		    (in_a && (in_a->nla_len != in_b->nla_len ||
			      memcmp(in_a, in_b, in_a->nla_len))))
			return false;
	}
	return true;
}

/* What was replaced is not to be deleted: the kernel might take its successor for it. */
static void take_replaced(struct routes *routes, const struct nlmsghdr *route)
{
	for (size_t i = routes->n; i-- > 0;) {
		if (!same_place(routes->items[i], route))
			continue;
		free(routes->items[i]);
		routes->items[i] = routes->items[--routes->n];
	}
}

/*
 * How item @n of @routes is added to the mirror, which has those that are
 * @kept. Two links in one network have a route each in the same place:
 * replacing would replace any of them, and the first one counts. The caller
 * goes from the back.
 */
static uint16_t how_to_add(const struct routes *routes, const bool *kept,
			   size_t n)
{
	uint16_t flags = NLM_F_REPLACE;

	for (size_t i = 0; i < routes->n; i++) {
		if (i == n || !same_place(routes->items[i], routes->items[n]))
			continue;
		if (kept[i])
			return NLM_F_APPEND;
		flags = 0;
	}
	return flags;
}

static int change_route(struct rtnl *rtnl, struct nlmsghdr *route,
			uint16_t type, uint16_t flags)
{
	route->nlmsg_type = type;
	route->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	route->nlmsg_pid = 0;
	return rtnl_talk(rtnl, route, NULL, NULL);
}

/* The first item from @i on that is in the same place as @route; the number if none is. */
static size_t next_in_place(const struct routes *routes, size_t i,
			    const struct nlmsghdr *route)
{
	while (i < routes->n && !same_place(routes->items[i], route))
		i++;
	return i;
}

/* Of several routes in one place that by the link of the care-of address comes first. */
static void prefer_link(struct routes *routes)
{
	for (size_t i = 1; routes->oif && i < routes->n; i++) {
		struct nlmsghdr *route = routes->items[i];
		size_t first = next_in_place(routes, 0, route);

		if (first == i || !leads_by(route, routes->oif) ||
		    leads_by(routes->items[first], routes->oif))
			continue;
		routes->items[i] = routes->items[first];
		routes->items[first] = route;
	}
}

/* Where another one comes first in the mirror all of that place go, and come again. */
static int put_first(struct rtnl *rtnl, const struct routes *wanted, struct routes *mirror)
{
	int err = 0;

	for (size_t i = 0; !err && i < wanted->n; i++) {
		const struct nlmsghdr *route = wanted->items[i];
		size_t at = next_in_place(mirror, 0, route);

		if (next_in_place(wanted, 0, route) != i ||
		    next_in_place(wanted, i + 1, route) == wanted->n || at == mirror->n ||
		    same_route(mirror->items[at], route))
			continue;
		while (!err && (at = next_in_place(mirror, 0, route)) < mirror->n) {
			err = rtnl_unless(change_route(rtnl, mirror->items[at],
						       RTM_DELROUTE, 0), ESRCH);
			free(mirror->items[at]);
			memmove(&mirror->items[at], &mirror->items[at + 1],
				(--mirror->n - at) * sizeof(*mirror->items));
		}
	}
	return err;
}

int rtnl_table_mirror(struct rtnl *rtnl, uint32_t table,
		      const struct roam_addr *prefsrc, unsigned int oif, int *refused)
{
	uint8_t family = rtnl_family(prefsrc);
	struct routes main_routes = { .family = family, .table = RT_TABLE_MAIN,
				      .mirror = table, .prefsrc = prefsrc,
				      .oif = oif };
	struct routes mirror = { .family = family, .table = table,
				 .mirror = table };
	int changes = 0, err;
	bool *kept = NULL;

	*refused = 0;

	err = read_table(rtnl, &main_routes);
	if (!err)
		err = read_table(rtnl, &mirror);
	prefer_link(&main_routes);
	if (!err && family == AF_INET)
		err = put_first(rtnl, &main_routes, &mirror);
	if (!err) {
		kept = calloc(main_routes.n + 1, sizeof(*kept));
		err = kept ? 0 : -ENOMEM;
	}
	for (size_t i = 0; !err && i < main_routes.n; i++)
		kept[i] = take_route(&mirror, main_routes.items[i]);
	/* From the back: connected routes stand behind the default route, which
	 * needs them to find its gateway. */
	for (size_t i = main_routes.n; !err && i-- > 0;) {
		uint16_t how;

		if (kept[i])
			continue;
		changes++;
		how = how_to_add(&main_routes, kept, i);
		err = change_route(rtnl, main_routes.items[i], RTM_NEWROUTE,
				   NLM_F_CREATE | how);
		if (!err && how == NLM_F_REPLACE)
			take_replaced(&mirror, main_routes.items[i]);
		/*
		 * The link or the gateway of the route went meanwhile, or a
		 * similar route goes further below: the next event says so.
		 */
		if (err == -EEXIST || err == -ENETUNREACH || err == -EHOSTUNREACH ||
		    err == -ENETDOWN || err == -ENODEV || err == -EINVAL) {
			*refused = err;
			err = 0;
		}
	}
	for (size_t i = 0; !err && i < mirror.n; i++) {
		/* Gone by itself. */
		err = rtnl_unless(change_route(rtnl, mirror.items[i],
					       RTM_DELROUTE, 0), ESRCH);
		changes++;
	}
	free(kept);
	routes_free(&main_routes);
	routes_free(&mirror);
	return err ? err : changes;
}

int rtnl_table_flush(struct rtnl *rtnl, uint8_t family, uint32_t table)
{
	struct routes routes = { .family = family, .table = table,
				 .mirror = table };
	int err = read_table(rtnl, &routes);

	for (size_t i = 0; !err && i < routes.n; i++)
		err = rtnl_unless(change_route(rtnl, routes.items[i],
					       RTM_DELROUTE, 0), ESRCH);
	routes_free(&routes);
	return err;
}
