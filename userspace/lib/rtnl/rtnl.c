// SPDX-License-Identifier: GPL-2.0-or-later
#include "rtnl/rtnl.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* IFF_LOWER_UP of the kernel, whose header and libc's do not go together. */
#define LOWER_UP (1 << 16)

static int fail_unless(int err, int expected)
{
	return err == -expected ? 0 : err;
}

/* Is a message long enough for the header of its kind? One that is not says nothing. */
static bool has_header(const struct nlmsghdr *nlh, size_t len)
{
	return mnl_nlmsg_get_payload_len(nlh) >= len;
}

static uint8_t get_u8(const struct nlattr *attr)
{
	return mnl_attr_validate(attr, MNL_TYPE_U8) ? 0 : mnl_attr_get_u8(attr);
}

unsigned int rtnl_link_index(const char *name)
{
	return if_nametoindex(name);
}

int rtnl_dummy_ensure(struct rtnl *rtnl, const char *name, unsigned int *index)
{
	struct nlmsghdr *nlh = rtnl_request(rtnl, RTM_NEWLINK,
				       NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
	struct ifinfomsg *link;
	struct nlattr *info;
	int made, err;

	link = mnl_nlmsg_put_extra_header(nlh, sizeof(*link));
	link->ifi_flags = IFF_UP | IFF_NOARP;
	link->ifi_change = IFF_UP | IFF_NOARP;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "dummy");
	mnl_attr_nest_end(nlh, info);
	made = rtnl_talk(rtnl, nlh, NULL, NULL);
	err = fail_unless(made, EEXIST);
	if (err)
		return err;
	*index = rtnl_link_index(name);
	if (!*index)
		return -ENODEV;

	nlh = rtnl_request(rtnl, RTM_NEWLINK, NLM_F_ACK);
	link = mnl_nlmsg_put_extra_header(nlh, sizeof(*link));
	link->ifi_index = *index;
	link->ifi_flags = IFF_UP;
	link->ifi_change = IFF_UP;
	/* By this it is known again, when it is to be taken back. */
	if (!made)
		mnl_attr_put_strz(nlh, IFLA_IFALIAS, RTNL_DUMMY_ALIAS);
	return rtnl_talk(rtnl, nlh, NULL, NULL);
}

int rtnl_addr_add(struct rtnl *rtnl, unsigned int index,
		  const struct roam_addr *addr)
{
	struct nlmsghdr *nlh = rtnl_request(rtnl, RTM_NEWADDR,
				       NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL);
	const struct ifa_cacheinfo deprecated = { .ifa_valid = UINT32_MAX };
	struct ifaddrmsg *ifa;

	ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	ifa->ifa_family = rtnl_family(addr);
	ifa->ifa_prefixlen = roam_addr_is_v4(addr) ? 32 : 128;
	ifa->ifa_index = index;
	rtnl_put_addr(nlh, IFA_LOCAL, addr);
	rtnl_put_addr(nlh, IFA_ADDRESS, addr);
	if (!roam_addr_is_v4(addr)) {
		/*
		 * No duplicate address detection: no other host is on this
		 * link.
		 */
		mnl_attr_put_u32(nlh, IFA_FLAGS, IFA_F_NODAD);
		mnl_attr_put(nlh, IFA_CACHEINFO, sizeof(deprecated),
			     &deprecated);
	}
	return fail_unless(rtnl_talk(rtnl, nlh, NULL, NULL), EEXIST);
}

/* struct holder - who has an address */
struct holder {
	const struct roam_addr *addr;
	unsigned int except;
	unsigned int index;
	bool found;
};

static int read_holder(const struct nlmsghdr *nlh, void *ctx)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct holder *holder = ctx;
	const struct nlattr *attr;
	struct roam_addr addr;

	if (!has_header(nlh, sizeof(struct ifaddrmsg)))
		return MNL_CB_OK;
	if (ifa->ifa_index == holder->except)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*ifa)) {
		bool was_found = holder->found;

		/* IPv6 addresses stand in IFA_ADDRESS only. */
		if (mnl_attr_get_type(attr) != IFA_LOCAL &&
		    (ifa->ifa_family != AF_INET6 ||
		     mnl_attr_get_type(attr) != IFA_ADDRESS))
			continue;
		addr = rtnl_get_addr(attr);
		holder->found |= roam_addr_eq(&addr, holder->addr);
		/* One that is going is no place to stay. */
		if (!was_found && holder->found &&
		    !(ifa->ifa_flags & (IFA_F_DEPRECATED | IFA_F_TENTATIVE)))
			holder->index = ifa->ifa_index;
	}
	return MNL_CB_OK;
}

unsigned int rtnl_addr_link(struct rtnl *rtnl, const struct roam_addr *addr)
{
	struct nlmsghdr *nlh = rtnl_request(rtnl, RTM_GETADDR, NLM_F_DUMP);
	struct holder holder = { .addr = addr };
	struct ifaddrmsg *ifa;

	ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	ifa->ifa_family = rtnl_family(addr);
	return rtnl_talk(rtnl, nlh, read_holder, &holder) ? 0 : holder.index;
}

int rtnl_addr_elsewhere(struct rtnl *rtnl, unsigned int index,
			const struct roam_addr *addr)
{
	struct nlmsghdr *nlh = rtnl_request(rtnl, RTM_GETADDR, NLM_F_DUMP);
	struct holder holder = { .addr = addr, .except = index };
	struct ifaddrmsg *ifa;
	int err;

	ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	ifa->ifa_family = rtnl_family(addr);
	err = rtnl_talk(rtnl, nlh, read_holder, &holder);
	return err ? err : holder.found;
}

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

	if (!has_header(nlh, sizeof(struct rtmsg)))
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

	if (!has_header(nlh, sizeof(struct ndmsg)))
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

	if (!has_header(nlh, sizeof(struct ifinfomsg)))
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

static void put_port(struct nlmsghdr *nlh, uint16_t type, uint16_t port)
{
	const struct fib_rule_port_range range = { port, port };

	if (port)
		mnl_attr_put(nlh, type, sizeof(range), &range);
}

static int change_rule(struct rtnl *rtnl, uint16_t type, uint16_t flags,
		       const struct rtnl_rule *rule)
{
	struct nlmsghdr *nlh = rtnl_request(rtnl, type, NLM_F_ACK | flags);
	struct fib_rule_hdr *hdr;

	hdr = mnl_nlmsg_put_extra_header(nlh, sizeof(*hdr));
	hdr->family = rule->family;
	hdr->action = rule->table ? FR_ACT_TO_TBL : FR_ACT_UNREACHABLE;
	hdr->table = RT_TABLE_UNSPEC;
	if (rule->table)
		mnl_attr_put_u32(nlh, FRA_TABLE, rule->table);
	mnl_attr_put_u32(nlh, FRA_PRIORITY, rule->priority);
	mnl_attr_put_u8(nlh, FRA_PROTOCOL, RTPROT_ROAM);
	if (rule->ipproto)
		mnl_attr_put_u8(nlh, FRA_IP_PROTO, rule->ipproto);
	put_port(nlh, FRA_SPORT_RANGE, rule->sport);
	put_port(nlh, FRA_DPORT_RANGE, rule->dport);
	if (rule->mask) {
		mnl_attr_put_u32(nlh, FRA_FWMARK, rule->mark);
		mnl_attr_put_u32(nlh, FRA_FWMASK, rule->mask);
	}
	if (rule->dst.len) {
		hdr->dst_len = rule->dst.len -
			       (rule->family == AF_INET ? 96 : 0);
		rtnl_put_addr(nlh, FRA_DST, &rule->dst.addr);
	}
	return rtnl_talk(rtnl, nlh, NULL, NULL);
}

/**
 * struct rules - our rules, as the kernel has them, in their order
 * @items: the rules, on the heap
 * @n: their number
 * @last: the highest priority of somebody else's rules before that of the main table
 * @overtaken: somebody else's rule stands behind one of ours with the same priority
 * @failed: out of memory
 */
struct rules {
	struct rtnl_rule *items;
	size_t n;
	uint32_t last;
	uint32_t overtaken;
	bool failed;
};

static uint16_t read_port(const struct nlattr *attr)
{
	struct fib_rule_port_range range = { 0, 0 };

	if (mnl_attr_get_payload_len(attr) == sizeof(range))
		memcpy(&range, mnl_attr_get_payload(attr), sizeof(range));
	return range.start;
}

static void read_rule_attr(const struct nlattr *attr, struct rtnl_rule *rule,
			   uint8_t *protocol)
{
	bool u32 = !mnl_attr_validate(attr, MNL_TYPE_U32);

	switch (mnl_attr_get_type(attr)) {
	case FRA_TABLE:
		rule->table = u32 ? mnl_attr_get_u32(attr) : 0;
		break;
	case FRA_PRIORITY:
		rule->priority = u32 ? mnl_attr_get_u32(attr) : 0;
		break;
	case FRA_FWMARK:
		rule->mark = u32 ? mnl_attr_get_u32(attr) : 0;
		break;
	case FRA_FWMASK:
		rule->mask = u32 ? mnl_attr_get_u32(attr) : 0;
		break;
	case FRA_PROTOCOL:
		*protocol = get_u8(attr);
		break;
	case FRA_IP_PROTO:
		rule->ipproto = get_u8(attr);
		break;
	case FRA_SPORT_RANGE:
		rule->sport = read_port(attr);
		break;
	case FRA_DPORT_RANGE:
		rule->dport = read_port(attr);
		break;
	case FRA_DST:
		rule->dst.addr = rtnl_get_addr(attr);
		break;
	}
}

static int read_rule(const struct nlmsghdr *nlh, void *ctx)
{
	const struct fib_rule_hdr *hdr = mnl_nlmsg_get_payload(nlh);
	struct rules *rules = ctx;
	struct rtnl_rule rule, *items;
	const struct nlattr *attr;
	uint8_t protocol = 0;

	if (!has_header(nlh, sizeof(struct fib_rule_hdr)))
		return MNL_CB_OK;
	memset(&rule, 0, sizeof(rule));
	rule.family = hdr->family;
	mnl_attr_for_each(attr, nlh, sizeof(*hdr))
		read_rule_attr(attr, &rule, &protocol);
	if (protocol != RTPROT_ROAM) {
		if (rule.priority < RTNL_RULE_MAIN && rule.priority > rules->last)
			rules->last = rule.priority;
		if (rules->n && rules->items[rules->n - 1].priority == rule.priority)
			rules->overtaken = rule.priority;
		return MNL_CB_OK;
	}
	if (hdr->dst_len)
		rule.dst.len = hdr->dst_len +
			       (rule.family == AF_INET ? 96 : 0);
	items = realloc(rules->items, (rules->n + 1) * sizeof(*items));
	if (!items) {
		rules->failed = true;
		return MNL_CB_OK;
	}
	rules->items = items;
	memcpy(&items[rules->n++], &rule, sizeof(rule));
	return MNL_CB_OK;
}

static bool has_rule(const struct rtnl_rule *rules, size_t n,
		     const struct rtnl_rule *rule)
{
	for (size_t i = 0; i < n; i++)
		if (!memcmp(&rules[i], rule, sizeof(*rule)))
			return true;
	return false;
}

static int read_rules(struct rtnl *rtnl, uint8_t family, struct rules *have)
{
	struct nlmsghdr *nlh = rtnl_request(rtnl, RTM_GETRULE, NLM_F_DUMP);
	struct fib_rule_hdr *hdr;
	int err;

	hdr = mnl_nlmsg_put_extra_header(nlh, sizeof(*hdr));
	hdr->family = family;
	err = rtnl_talk(rtnl, nlh, read_rule, have);
	return err ? err : have->failed ? -ENOMEM : 0;
}

int rtnl_rules_last(struct rtnl *rtnl, uint8_t family, uint32_t *last)
{
	struct rules have = { .n = 0 };
	int err = read_rules(rtnl, family, &have);

	*last = have.last;
	free(have.items);
	return err;
}

/* Does the order of the rules of a priority matter, as they lead to different tables? */
static bool order_matters(const struct rtnl_rule *rules, size_t n, uint32_t priority)
{
	const struct rtnl_rule *first = NULL;

	for (size_t i = 0; i < n; i++) {
		if (rules[i].priority != priority)
			continue;
		if (first && first->table != rules[i].table)
			return true;
		if (!first)
			first = &rules[i];
	}
	return false;
}

/* Do the rules of a priority stand in the order of @rules, and none is missing? */
static bool in_order(const struct rules *have, const struct rtnl_rule *rules, size_t n,
		     uint32_t priority)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		if (rules[i].priority != priority)
			continue;
		while (at < have->n && memcmp(&have->items[at], &rules[i], sizeof(*rules)))
			at++;
		if (at++ == have->n)
			return false;
	}
	return true;
}

/*
 * The kernel puts a new rule behind those of its priority. Where the order is wrong
 * they go, and come again; most of the time each has a priority of its own.
 */
static int put_in_order(struct rtnl *rtnl, struct rules *have,
			const struct rtnl_rule *rules, size_t n, int *changes)
{
	int err = 0;

	for (size_t i = 0; !err && i < n; i++) {
		uint32_t priority = rules[i].priority;

		if (have->overtaken != priority &&
		    (!order_matters(rules, n, priority) ||
		     in_order(have, rules, n, priority)))
			continue;
		for (size_t k = have->n; !err && k-- > 0;) {
			if (have->items[k].priority != priority)
				continue;
			err = fail_unless(change_rule(rtnl, RTM_DELRULE, 0,
						      &have->items[k]), ENOENT);
			memmove(&have->items[k], &have->items[k + 1],
				(--have->n - k) * sizeof(*have->items));
			++*changes;
		}
		/* All of them are added behind this, in order. */
		have->overtaken = 0;
		break;
	}
	return err;
}

int rtnl_rules_keep(struct rtnl *rtnl, uint8_t family,
		    const struct rtnl_rule *rules, size_t n)
{
	struct rules have = { .n = 0 };
	int changes = 0, err;

	err = read_rules(rtnl, family, &have);
	if (!err)
		err = put_in_order(rtnl, &have, rules, n, &changes);
	for (size_t i = 0; !err && i < n; i++) {
		if (has_rule(have.items, have.n, &rules[i]))
			continue;
		changes++;
		err = fail_unless(change_rule(rtnl, RTM_NEWRULE,
					      NLM_F_CREATE | NLM_F_EXCL,
					      &rules[i]), EEXIST);
	}
	for (size_t i = 0; !err && i < have.n; i++) {
		if (has_rule(rules, n, &have.items[i]))
			continue;
		changes++;
		err = fail_unless(change_rule(rtnl, RTM_DELRULE, 0,
					      &have.items[i]), ENOENT);
	}
	free(have.items);
	return err ? err : changes;
}

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

	if (!has_header(nlh, sizeof(struct rtmsg)))
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
	err = fail_unless(rtnl_talk(rtnl, nlh, read_route, routes), ENOENT);
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
			err = fail_unless(change_route(rtnl, mirror->items[at],
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
		err = fail_unless(change_route(rtnl, mirror.items[i],
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
		err = fail_unless(change_route(rtnl, routes.items[i],
					       RTM_DELROUTE, 0), ESRCH);
	routes_free(&routes);
	return err;
}

/* ---- taking back ---- */

int rtnl_addr_del(struct rtnl *rtnl, unsigned int index, const struct roam_addr *addr)
{
	struct nlmsghdr *nlh = rtnl_request(rtnl, RTM_DELADDR, NLM_F_ACK);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));

	ifa->ifa_family = rtnl_family(addr);
	ifa->ifa_prefixlen = roam_addr_is_v4(addr) ? 32 : 128;
	ifa->ifa_index = index;
	rtnl_put_addr(nlh, IFA_LOCAL, addr);
	return fail_unless(rtnl_talk(rtnl, nlh, NULL, NULL), EADDRNOTAVAIL);
}

static int link_del(struct rtnl *rtnl, unsigned int index)
{
	struct nlmsghdr *nlh = rtnl_request(rtnl, RTM_DELLINK, NLM_F_ACK);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(nlh, sizeof(*link));

	link->ifi_index = index;
	return fail_unless(rtnl_talk(rtnl, nlh, NULL, NULL), ENODEV);
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

	if (!has_header(nlh, sizeof(struct ifinfomsg)))
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

int rtnl_rules_remove(struct rtnl *rtnl, uint8_t family)
{
	struct rules have = { .n = 0 };
	int err = read_rules(rtnl, family, &have);
	size_t i;

	for (i = 0; !err && i < have.n; i++) {
		const struct rtnl_rule *rule = &have.items[i];

		err = fail_unless(change_rule(rtnl, RTM_DELRULE, 0, rule), ENOENT);
		if (!err && rule->table && rule->table != RT_TABLE_MAIN)
			err = rtnl_table_flush(rtnl, family, rule->table);
	}
	free(have.items);
	return err ? err : (int)i;
}

int rtnl_watch_open(void)
{
	struct sockaddr_nl addr = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR |
			     RTMGRP_IPV4_ROUTE | 1 << (RTNLGRP_IPV4_RULE - 1) |
			     RTMGRP_IPV6_IFADDR | RTMGRP_IPV6_ROUTE |
			     1 << (RTNLGRP_IPV6_RULE - 1),
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_ROUTE);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		int err = errno;

		close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

bool rtnl_watch_read(int fd)
{
	bool changed = false;
	char buf[16384];

	for (;;) {
		ssize_t len = recv(fd, buf, sizeof(buf), 0);

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno != ENOBUFS)
			return changed;
		changed = true;
	}
}
