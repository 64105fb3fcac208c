// SPDX-License-Identifier: GPL-2.0-or-later
#include "genl/mmp.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <string.h>

#include "genl/attr.h"

#define ENTRY_MAX 128	/* bytes of an entry in a request, at most */

struct genl *mmp_open(char **error)
{
	return genl_open(ROAM_MMP_GENL_NAME, ROAM_MMP_GENL_VERSION, error);
}

/* ---- neighbours ---- */

static void put_hop(struct nlmsghdr *nlh, uint16_t type,
		    const struct mmp_hop *hop)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, type);

	mnl_attr_put_u32(nlh, ROAM_MMP_A_HOP_IFINDEX, hop->link);
	mnl_attr_put(nlh, ROAM_MMP_A_HOP_LLADDR, sizeof(hop->mac), hop->mac);
	mnl_attr_nest_end(nlh, nest);
}

static bool read_hop(const struct nlattr *nest, struct mmp_hop *hop)
{
	struct attrs attrs;
	const struct nlattr *mac;

	attrs_read_nest(&attrs, nest);
	mac = attrs.a[ROAM_MMP_A_HOP_LLADDR];
	hop->link = attrs_u32(&attrs, ROAM_MMP_A_HOP_IFINDEX);
	if (!mac || mnl_attr_get_payload_len(mac) != sizeof(hop->mac))
		return false;
	memcpy(hop->mac, mnl_attr_get_payload(mac), sizeof(hop->mac));
	return hop->link;
}

static int set_hops(struct genl *genl, uint8_t cmd, const struct mmp_hop *hops,
		    size_t n)
{
	struct nlmsghdr *nlh = genl_request(genl, cmd, 0);

	for (size_t i = 0; i < n; i++)
		put_hop(nlh, ROAM_MMP_A_MAIN_HOP, &hops[i]);
	return genl_send(genl, nlh, NULL, NULL, NULL);
}

int mmp_uplinks_set(struct genl *genl, const struct mmp_hop *hops, size_t n)
{
	return set_hops(genl, ROAM_MMP_CMD_UPLINK_SET, hops, n);
}

int mmp_below_set(struct genl *genl, const struct mmp_hop *hops, size_t n)
{
	return set_hops(genl, ROAM_MMP_CMD_BELOW_SET, hops, n);
}

struct hops {
	struct mmp_hop *hops;
	size_t room;
	size_t n;
};

static int on_hops(const struct nlmsghdr *nlh, void *ctx)
{
	const struct nlattr *attr;
	struct hops *list = ctx;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(attr) == ROAM_MMP_A_MAIN_HOP &&
		    list->n < list->room && read_hop(attr, &list->hops[list->n]))
			list->n++;
	return 0;
}

static int get_hops(struct genl *genl, uint8_t cmd, struct mmp_hop *hops,
		    size_t room)
{
	struct hops list = { .hops = hops, .room = room };
	struct nlmsghdr *nlh = genl_request(genl, cmd, 0);
	int ret;

	mnl_attr_put(nlh, ROAM_MMP_A_MAIN_ALL, 0, NULL);
	ret = genl_send(genl, nlh, on_hops, &list, NULL);
	return ret ? ret : (int)list.n;
}

int mmp_uplinks_get(struct genl *genl, struct mmp_hop *hops, size_t room)
{
	return get_hops(genl, ROAM_MMP_CMD_UPLINK_GET, hops, room);
}

int mmp_below_get(struct genl *genl, struct mmp_hop *hops, size_t room)
{
	return get_hops(genl, ROAM_MMP_CMD_BELOW_GET, hops, room);
}

/* ---- entries ---- */

static bool read_route(const struct nlattr *nest, struct mmp_route *route)
{
	const struct nlattr *attr;
	struct attrs attrs;

	memset(route, 0, sizeof(*route));
	if (!nest)
		return false;
	attrs_read_nest(&attrs, nest);
	route->entry.addr = attrs_addr(&attrs, ROAM_MMP_A_HOST_ADDR4,
				       ROAM_MMP_A_HOST_ADDR6);
	route->entry.seq = attrs_u64(&attrs, ROAM_MMP_A_HOST_SEQ);
	route->left = attrs_u32(&attrs, ROAM_MMP_A_HOST_LEFT);
	route->second_left = attrs_u32(&attrs, ROAM_MMP_A_HOST_SECOND_LEFT);
	mnl_attr_for_each_nested(attr, nest)
		if (mnl_attr_get_type(attr) == ROAM_MMP_A_HOST_HOP &&
		    route->entry.n < MMP_HOPS &&
		    read_hop(attr, &route->entry.hops[route->entry.n]))
			route->entry.n++;
	return !roam_addr_is_none(&route->entry.addr) && route->entry.n;
}

static struct nlattr *put_addr(struct nlmsghdr *nlh,
			       const struct roam_addr *addr)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, ROAM_MMP_A_MAIN_HOST);

	attr_put_addr(nlh, ROAM_MMP_A_HOST_ADDR4, ROAM_MMP_A_HOST_ADDR6, addr);
	return nest;
}

static void put_entry(struct nlmsghdr *nlh, const void *entries, size_t n)
{
	const struct mmp_entry *entry = (const struct mmp_entry *)entries + n;
	struct nlattr *nest = put_addr(nlh, &entry->addr);

	for (unsigned int i = 0; i < entry->n; i++)
		put_hop(nlh, ROAM_MMP_A_HOST_HOP, &entry->hops[i]);
	mnl_attr_put_u64(nlh, ROAM_MMP_A_HOST_SEQ, entry->seq);
	if (entry->keep)
		mnl_attr_put(nlh, ROAM_MMP_A_HOST_KEEP, 0, NULL);
	if (entry->play)
		mnl_attr_put_u32(nlh, ROAM_MMP_A_HOST_PLAY, entry->play);
	mnl_attr_nest_end(nlh, nest);
}

int mmp_route_set(struct genl *genl, const struct mmp_entry *entry)
{
	struct nlmsghdr *nlh = genl_request(genl, ROAM_MMP_CMD_HOST_SET, 0);

	put_entry(nlh, entry, 0);
	return genl_send(genl, nlh, NULL, NULL, NULL);
}

int mmp_routes_set(struct genl *genl, const struct mmp_entry *entries, size_t n,
		   size_t *applied)
{
	const struct genl_bulk bulk = {
		.cmd = ROAM_MMP_CMD_HOST_SET,
		.applied = ROAM_MMP_A_MAIN_APPLIED,
		.entry_max = ENTRY_MAX,
		.put = put_entry,
	};

	return genl_send_bulk(genl, &bulk, entries, n, applied);
}

static int on_route(const struct nlmsghdr *nlh, void *ctx)
{
	struct attrs attrs;

	attrs_read_message(&attrs, nlh);
	return read_route(attrs.a[ROAM_MMP_A_MAIN_HOST], ctx) ? 0 : -EBADMSG;
}

int mmp_route_get(struct genl *genl, const struct roam_addr *addr,
		  struct mmp_route *route)
{
	struct nlmsghdr *nlh = genl_request(genl, ROAM_MMP_CMD_HOST_GET, 0);

	memset(route, 0, sizeof(*route));
	mnl_attr_nest_end(nlh, put_addr(nlh, addr));
	return genl_send(genl, nlh, on_route, route, NULL);
}

int mmp_route_del(struct genl *genl, const struct roam_addr *addr)
{
	struct nlmsghdr *nlh = genl_request(genl, ROAM_MMP_CMD_HOST_DEL, 0);

	mnl_attr_nest_end(nlh, put_addr(nlh, addr));
	return genl_send(genl, nlh, NULL, NULL, NULL);
}

int mmp_route_flush(struct genl *genl, size_t *applied)
{
	return genl_send_all(genl, ROAM_MMP_CMD_HOST_DEL, ROAM_MMP_A_MAIN_ALL,
			     ROAM_MMP_A_MAIN_APPLIED, applied);
}

struct dump {
	void (*fn)(void *ctx, const struct mmp_route *route);
	void *ctx;
};

static int on_routes(const struct nlmsghdr *nlh, void *ctx)
{
	const struct dump *dump = ctx;
	struct mmp_route route;
	struct attrs attrs;

	attrs_read_message(&attrs, nlh);
	if (read_route(attrs.a[ROAM_MMP_A_MAIN_HOST], &route))
		dump->fn(dump->ctx, &route);
	return 0;
}

int mmp_route_dump(struct genl *genl,
		   void (*fn)(void *ctx, const struct mmp_route *route),
		   void *ctx, bool *interrupted)
{
	struct dump dump = { fn, ctx };

	return genl_send(genl, genl_request(genl, ROAM_MMP_CMD_HOST_GET,
					    NLM_F_DUMP),
			 on_routes, &dump, interrupted);
}

/* ---- subnets, interfaces, settings ---- */

int mmp_ranges_set(struct genl *genl, const struct roam_prefix *ranges, size_t n)
{
	struct nlmsghdr *nlh = genl_request(genl, ROAM_MMP_CMD_RANGE_SET, 0);

	for (size_t i = 0; i < n; i++) {
		const struct roam_prefix *r = &ranges[i];
		struct nlattr *nest =
			mnl_attr_nest_start(nlh, ROAM_MMP_A_MAIN_RANGE);

		attr_put_addr(nlh, ROAM_MMP_A_RANGE_ADDR4,
			      ROAM_MMP_A_RANGE_ADDR6, &r->addr);
		mnl_attr_put_u8(nlh, ROAM_MMP_A_RANGE_PREFIX_LEN,
				roam_addr_is_v4(&r->addr) ? r->len - 96 :
							    r->len);
		mnl_attr_nest_end(nlh, nest);
	}
	return genl_send(genl, nlh, NULL, NULL, NULL);
}

int mmp_links_set(struct genl *genl, const struct mmp_kernel_link *links,
		  size_t n)
{
	struct nlmsghdr *nlh = genl_request(genl, ROAM_MMP_CMD_INTERFACE_SET, 0);

	for (size_t i = 0; i < n; i++) {
		struct nlattr *nest =
			mnl_attr_nest_start(nlh, ROAM_MMP_A_MAIN_INTERFACE);

		mnl_attr_put_u32(nlh, ROAM_MMP_A_INTERFACE_IFINDEX,
				 links[i].link);
		mnl_attr_put_u8(nlh, ROAM_MMP_A_INTERFACE_KIND, links[i].kind);
		mnl_attr_nest_end(nlh, nest);
	}
	return genl_send(genl, nlh, NULL, NULL, NULL);
}

int mmp_config_set(struct genl *genl, const struct mmp_kernel_config *config)
{
	struct nlmsghdr *nlh = genl_request(genl, ROAM_MMP_CMD_CONFIG_SET, 0);
	struct nlattr *nest = mnl_attr_nest_start(nlh, ROAM_MMP_A_MAIN_CONFIG);

	mnl_attr_put_u8(nlh, ROAM_MMP_A_CONFIG_ROLE, config->role);
	mnl_attr_put_u32(nlh, ROAM_MMP_A_CONFIG_TIMEOUT, config->timeout);
	mnl_attr_put_u32(nlh, ROAM_MMP_A_CONFIG_SECOND_TIME,
			 config->second_time);
	mnl_attr_put_u32(nlh, ROAM_MMP_A_CONFIG_LEFT_TIME, config->left_time);
	mnl_attr_put_u32(nlh, ROAM_MMP_A_CONFIG_MAX_HOSTS, config->max_hosts);
	mnl_attr_put_u8(nlh, ROAM_MMP_A_CONFIG_TURN, config->turn);
	mnl_attr_put_u16(nlh, ROAM_MMP_A_CONFIG_PORT, config->port);
	mnl_attr_put_u32(nlh, ROAM_MMP_A_CONFIG_KEEP_TIME, config->keep_time);
	mnl_attr_put_u32(nlh, ROAM_MMP_A_CONFIG_KEEP_BYTES,
			 config->keep_bytes);
	mnl_attr_nest_end(nlh, nest);
	return genl_send(genl, nlh, NULL, NULL, NULL);
}

static int on_config(const struct nlmsghdr *nlh, void *ctx)
{
	struct mmp_kernel_config *config = ctx;
	struct attrs top, attrs;

	attrs_read_message(&top, nlh);
	if (!top.a[ROAM_MMP_A_MAIN_CONFIG])
		return -EBADMSG;
	attrs_read_nest(&attrs, top.a[ROAM_MMP_A_MAIN_CONFIG]);
	config->role = attrs_u8(&attrs, ROAM_MMP_A_CONFIG_ROLE);
	config->timeout = attrs_u32(&attrs, ROAM_MMP_A_CONFIG_TIMEOUT);
	config->second_time = attrs_u32(&attrs, ROAM_MMP_A_CONFIG_SECOND_TIME);
	config->left_time = attrs_u32(&attrs, ROAM_MMP_A_CONFIG_LEFT_TIME);
	config->max_hosts = attrs_u32(&attrs, ROAM_MMP_A_CONFIG_MAX_HOSTS);
	config->turn = attrs_u8(&attrs, ROAM_MMP_A_CONFIG_TURN);
	config->port = attrs_u16(&attrs, ROAM_MMP_A_CONFIG_PORT);
	config->keep_time = attrs_u32(&attrs, ROAM_MMP_A_CONFIG_KEEP_TIME);
	config->keep_bytes = attrs_u32(&attrs, ROAM_MMP_A_CONFIG_KEEP_BYTES);
	return 0;
}

int mmp_config_get(struct genl *genl, struct mmp_kernel_config *config)
{
	struct nlmsghdr *nlh = genl_request(genl, ROAM_MMP_CMD_CONFIG_GET, 0);

	memset(config, 0, sizeof(*config));
	mnl_attr_put(nlh, ROAM_MMP_A_MAIN_ALL, 0, NULL);
	return genl_send(genl, nlh, on_config, config, NULL);
}

static const struct genl_counter counters[] = {
	{ "down", ROAM_MMP_A_STATS_DOWN, true },
	{ "copied", ROAM_MMP_A_STATS_COPIED, true },
	{ "up", ROAM_MMP_A_STATS_UP, true },
	{ "up-secondary", ROAM_MMP_A_STATS_UP_SECONDARY, true },
	{ "turned", ROAM_MMP_A_STATS_TURNED, true },
	{ "healed", ROAM_MMP_A_STATS_HEALED, true },
	{ "messages", ROAM_MMP_A_STATS_MESSAGES, true },
	{ "drop-unregistered", ROAM_MMP_A_STATS_DROP_UNREGISTERED, true },
	{ "drop-no-uplink", ROAM_MMP_A_STATS_DROP_NO_UPLINK, true },
	{ "drop-no-downlink", ROAM_MMP_A_STATS_DROP_NO_DOWNLINK, true },
	{ "drop-ttl", ROAM_MMP_A_STATS_DROP_TTL, true },
	{ "drop-too-big", ROAM_MMP_A_STATS_DROP_TOO_BIG, true },
	{ "drop-memory", ROAM_MMP_A_STATS_DROP_MEMORY, true },
	{ "hosts-full", ROAM_MMP_A_STATS_HOSTS_FULL, true },
	{ "kept", ROAM_MMP_A_STATS_KEPT, true },
	{ "played", ROAM_MMP_A_STATS_PLAYED, true },
	{ "keep-full", ROAM_MMP_A_STATS_KEEP_FULL, true },
	{ "hosts", ROAM_MMP_A_STATS_HOSTS, false },
};

int mmp_stats_get(struct genl *genl,
		  void (*fn)(void *ctx, const char *name, uint64_t value),
		  void *ctx)
{
	return genl_get_counters(genl, ROAM_MMP_CMD_STATS_GET,
				 ROAM_MMP_A_MAIN_STATS, counters,
				 sizeof(counters) / sizeof(counters[0]), fn,
				 ctx);
}

/* ---- events ---- */

bool mmp_event_decode(const struct nlmsghdr *nlh, struct mmp_route *route,
		      uint8_t *reason)
{
	const struct genlmsghdr *hdr = mnl_nlmsg_get_payload(nlh);
	struct attrs attrs;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*hdr) ||
	    hdr->cmd != ROAM_MMP_CMD_HOST_NTF)
		return false;
	attrs_read_message(&attrs, nlh);
	*reason = attrs_u8(&attrs, ROAM_MMP_A_MAIN_REASON);
	return read_route(attrs.a[ROAM_MMP_A_MAIN_HOST], route);
}

const char *mmp_reason_name(uint8_t reason)
{
	static const char *const names[] = {
		[ROAM_MMP_REASON_NEW] = "new",
		[ROAM_MMP_REASON_MOVED] = "moved",
		[ROAM_MMP_REASON_SECOND] = "second",
		[ROAM_MMP_REASON_HEALED] = "healed",
		[ROAM_MMP_REASON_DELETED] = "deleted",
		[ROAM_MMP_REASON_EXPIRED] = "expired",
	};

	return reason < sizeof(names) / sizeof(names[0]) ? names[reason] :
							   "unknown";
}
