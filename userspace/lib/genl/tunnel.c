// SPDX-License-Identifier: GPL-2.0-or-later
#include "genl/tunnel.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <string.h>

#include "genl/attr.h"

/* Longest nested entry: a binding with all its endpoints, with room to grow. */
#define ENTRY_MAX 640

static bool mac_is_none(const uint8_t *mac)
{
	static const uint8_t none[TUNNEL_MAC_LEN];

	return !memcmp(mac, none, sizeof(none));
}

/* The attributes carry IPv4: another address cannot even be asked for. */
static int require_v4(struct genl *genl, const struct roam_addr *addr)
{
	char buf[ROAM_ADDR_STRLEN];

	if (roam_addr_is_v4(addr))
		return 0;
	return genl_fail(genl, EAFNOSUPPORT,
			 "%s is no IPv4 address; tunnels of Mobile IPv4 have no others",
			 roam_addr_format(addr, buf));
}

struct genl *tunnel_open(char **error)
{
	return genl_open(ROAM_TUNNEL_GENL_NAME, ROAM_TUNNEL_GENL_VERSION,
			 error);
}

static int send_bulk(struct genl *genl, uint8_t cmd, enum tunnel_set which,
		     const void *entries, size_t n, attr_put_fn put,
		     size_t *applied)
{
	static const uint16_t flags[] = {
		[TUNNEL_SET_ANY] = 0,
		[TUNNEL_SET_NEW] = ROAM_TUNNEL_A_MAIN_EXCLUSIVE,
		[TUNNEL_SET_EXISTING] = ROAM_TUNNEL_A_MAIN_EXISTING,
	};
	const struct genl_bulk bulk = {
		.cmd = cmd,
		.flag = flags[which],
		.applied = ROAM_TUNNEL_A_MAIN_APPLIED,
		.entry_max = ENTRY_MAX,
		.put = put,
	};

	return genl_send_bulk(genl, &bulk, entries, n, applied);
}

static int send_all(struct genl *genl, uint8_t cmd, size_t *applied)
{
	return genl_send_all(genl, cmd, ROAM_TUNNEL_A_MAIN_ALL,
			     ROAM_TUNNEL_A_MAIN_APPLIED, applied);
}

/* ---- bindings ---- */

/* Where they have no place the module says so. */
static void put_ports(struct nlmsghdr *nlh, uint16_t sport_type, uint16_t sport,
		      uint16_t dport_type, uint16_t dport)
{
	if (sport)
		mnl_attr_put_u16(nlh, sport_type, sport);
	if (dport)
		mnl_attr_put_u16(nlh, dport_type, dport);
}

static void put_endpoint(struct nlmsghdr *nlh, const struct tunnel_endpoint *e)
{
	struct nlattr *nest;

	nest = mnl_attr_nest_start(nlh, ROAM_TUNNEL_A_BINDING_ENDPOINT);
	attr_put_addr4(nlh, ROAM_TUNNEL_A_ENDPOINT_COA4, &e->coa);
	attr_put_addr4(nlh, ROAM_TUNNEL_A_ENDPOINT_LOCAL4, &e->local);
	mnl_attr_put_u8(nlh, ROAM_TUNNEL_A_ENDPOINT_ENCAP, e->encap);
	put_ports(nlh, ROAM_TUNNEL_A_ENDPOINT_SPORT, e->sport,
		  ROAM_TUNNEL_A_ENDPOINT_DPORT, e->dport);
	mnl_attr_nest_end(nlh, nest);
}

static void put_binding(struct nlmsghdr *nlh, const void *entries, size_t i)
{
	const struct tunnel_binding *b = (const struct tunnel_binding *)entries + i;
	struct nlattr *nest;

	nest = mnl_attr_nest_start(nlh, ROAM_TUNNEL_A_MAIN_BINDING);
	attr_put_addr4(nlh, ROAM_TUNNEL_A_BINDING_HOME4, &b->home);
	if (b->device)
		mnl_attr_put_u32(nlh, ROAM_TUNNEL_A_BINDING_DEVICE, b->device);
	for (size_t k = 0; k < b->n_endpoints; k++)
		put_endpoint(nlh, &b->endpoints[k]);
	if (b->home_link)
		mnl_attr_put_u32(nlh, ROAM_TUNNEL_A_BINDING_HOME_LINK,
				 b->home_link);
	if (b->flags)
		mnl_attr_put_u32(nlh, ROAM_TUNNEL_A_BINDING_FLAGS, b->flags);
	if (b->lifetime)
		mnl_attr_put_u32(nlh, ROAM_TUNNEL_A_BINDING_LIFETIME,
				 b->lifetime);
	mnl_attr_nest_end(nlh, nest);
}

static void read_endpoint(const struct nlattr *nest, struct tunnel_endpoint *e)
{
	struct attrs attrs;

	attrs_read_nest(&attrs, nest);
	e->coa = attrs_addr4(&attrs, ROAM_TUNNEL_A_ENDPOINT_COA4);
	e->local = attrs_addr4(&attrs, ROAM_TUNNEL_A_ENDPOINT_LOCAL4);
	e->encap = attrs_u8(&attrs, ROAM_TUNNEL_A_ENDPOINT_ENCAP);
	e->sport = attrs_u16(&attrs, ROAM_TUNNEL_A_ENDPOINT_SPORT);
	e->dport = attrs_u16(&attrs, ROAM_TUNNEL_A_ENDPOINT_DPORT);
}

static bool read_binding(const struct nlattr *nest, struct tunnel_binding *b)
{
	const struct nlattr *attr;
	struct attrs attrs;

	if (!nest)
		return false;
	memset(b, 0, sizeof(*b));
	attrs_read_nest(&attrs, nest);
	b->home = attrs_addr4(&attrs, ROAM_TUNNEL_A_BINDING_HOME4);
	b->device = attrs_u32(&attrs, ROAM_TUNNEL_A_BINDING_DEVICE);
	b->home_link = attrs_u32(&attrs, ROAM_TUNNEL_A_BINDING_HOME_LINK);
	b->flags = attrs_u32(&attrs, ROAM_TUNNEL_A_BINDING_FLAGS);
	b->lifetime = attrs_u32(&attrs, ROAM_TUNNEL_A_BINDING_LIFETIME);
	b->idle = attrs_u32(&attrs, ROAM_TUNNEL_A_BINDING_IDLE);
	mnl_attr_for_each_nested(attr, nest)
		if (mnl_attr_get_type(attr) == ROAM_TUNNEL_A_BINDING_ENDPOINT &&
		    b->n_endpoints < TUNNEL_ENDPOINTS)
			read_endpoint(attr, &b->endpoints[b->n_endpoints++]);
	return !roam_addr_is_none(&b->home);
}

static int check_binding(struct genl *genl, const struct tunnel_binding *b)
{
	int ret = require_v4(genl, &b->home);

	if (b->n_endpoints > TUNNEL_ENDPOINTS)
		return genl_fail(genl, E2BIG,
				 "a binding has at most %d care-of addresses",
				 TUNNEL_ENDPOINTS);
	for (size_t i = 0; i < b->n_endpoints && !ret; i++) {
		ret = require_v4(genl, &b->endpoints[i].coa);
		if (!ret)
			ret = require_v4(genl, &b->endpoints[i].local);
	}
	return ret;
}

int tunnel_binding_set(struct genl *genl, const struct tunnel_binding *bindings,
		       size_t n, enum tunnel_set which, size_t *applied)
{
	if (applied)
		*applied = 0;
	for (size_t i = 0; i < n; i++) {
		int ret = check_binding(genl, &bindings[i]);

		if (ret)
			return ret;
	}
	return send_bulk(genl, ROAM_TUNNEL_CMD_BINDING_SET, which, bindings, n,
			 put_binding, applied);
}

static void put_gone(struct nlmsghdr *nlh, const void *entries, size_t i)
{
	const struct tunnel_gone *gone = (const struct tunnel_gone *)entries + i;
	struct nlattr *nest;

	nest = mnl_attr_nest_start(nlh, ROAM_TUNNEL_A_MAIN_BINDING);
	attr_put_addr4(nlh, ROAM_TUNNEL_A_BINDING_HOME4, &gone->home);
	if (!mac_is_none(gone->mac))
		mnl_attr_put(nlh, ROAM_TUNNEL_A_BINDING_MAC, sizeof(gone->mac),
			     gone->mac);
	mnl_attr_nest_end(nlh, nest);
}

int tunnel_binding_del(struct genl *genl, const struct tunnel_gone *gone,
		       size_t n, size_t *applied)
{
	if (applied)
		*applied = 0;
	for (size_t i = 0; i < n; i++) {
		int ret = require_v4(genl, &gone[i].home);

		if (ret)
			return ret;
	}
	return send_bulk(genl, ROAM_TUNNEL_CMD_BINDING_DEL, TUNNEL_SET_ANY,
			 gone, n, put_gone, applied);
}

int tunnel_binding_flush(struct genl *genl, size_t *applied)
{
	return send_all(genl, ROAM_TUNNEL_CMD_BINDING_DEL, applied);
}

static void put_binding_home(struct nlmsghdr *nlh, const void *entries, size_t i)
{
	const struct roam_addr *home = (const struct roam_addr *)entries + i;
	struct nlattr *nest;

	nest = mnl_attr_nest_start(nlh, ROAM_TUNNEL_A_MAIN_BINDING);
	attr_put_addr4(nlh, ROAM_TUNNEL_A_BINDING_HOME4, home);
	mnl_attr_nest_end(nlh, nest);
}

static int require_all_v4(struct genl *genl, const struct roam_addr *addrs,
			  size_t n, size_t *applied)
{
	int ret = 0;

	if (applied)
		*applied = 0;
	for (size_t i = 0; i < n && !ret; i++)
		ret = require_v4(genl, &addrs[i]);
	return ret;
}

int tunnel_announce(struct genl *genl, const struct roam_addr *homes, size_t n,
		    size_t *applied)
{
	int ret = require_all_v4(genl, homes, n, applied);

	if (ret)
		return ret;
	if (!homes)
		return send_all(genl, ROAM_TUNNEL_CMD_ANNOUNCE, applied);
	return send_bulk(genl, ROAM_TUNNEL_CMD_ANNOUNCE, TUNNEL_SET_ANY, homes,
			 n, put_binding_home, applied);
}

static int on_one_binding(const struct nlmsghdr *nlh, void *ctx)
{
	struct attrs attrs;

	attrs_read_message(&attrs, nlh);
	return read_binding(attrs.a[ROAM_TUNNEL_A_MAIN_BINDING], ctx) ?
		0 : -EBADMSG;
}

int tunnel_binding_get(struct genl *genl, const struct roam_addr *home,
		       struct tunnel_binding *binding)
{
	struct nlmsghdr *nlh = genl_request(genl, ROAM_TUNNEL_CMD_BINDING_GET,
					    0);
	int ret = require_v4(genl, home);

	if (ret)
		return ret;
	put_binding_home(nlh, home, 0);
	memset(binding, 0, sizeof(*binding));
	return genl_send(genl, nlh, on_one_binding, binding, NULL);
}

struct binding_dump {
	void (*fn)(void *ctx, const struct tunnel_binding *b);
	void *ctx;
};

static int on_bindings(const struct nlmsghdr *nlh, void *ctx)
{
	const struct binding_dump *dump = ctx;
	struct tunnel_binding b;

	if (!on_one_binding(nlh, &b))
		dump->fn(dump->ctx, &b);
	return 0;
}

int tunnel_binding_dump(struct genl *genl,
			void (*fn)(void *ctx, const struct tunnel_binding *b),
			void *ctx, bool *interrupted)
{
	struct binding_dump dump = { fn, ctx };

	return genl_send(genl, genl_request(genl, ROAM_TUNNEL_CMD_BINDING_GET,
					    NLM_F_DUMP),
			 on_bindings, &dump, interrupted);
}

/* ---- visitors ---- */

static void put_visitor(struct nlmsghdr *nlh, const void *entries, size_t i)
{
	const struct tunnel_visitor *v = (const struct tunnel_visitor *)entries + i;
	struct nlattr *nest;

	nest = mnl_attr_nest_start(nlh, ROAM_TUNNEL_A_MAIN_VISITOR);
	attr_put_addr4(nlh, ROAM_TUNNEL_A_VISITOR_HOME4, &v->home);
	mnl_attr_put_u8(nlh, ROAM_TUNNEL_A_VISITOR_ROLE, v->role);
	if (v->device)
		mnl_attr_put_u32(nlh, ROAM_TUNNEL_A_VISITOR_DEVICE, v->device);
	if (v->link)
		mnl_attr_put_u32(nlh, ROAM_TUNNEL_A_VISITOR_LINK, v->link);
	if (!mac_is_none(v->mac))
		mnl_attr_put(nlh, ROAM_TUNNEL_A_VISITOR_MAC, sizeof(v->mac),
			     v->mac);
	for (size_t k = 0; k < v->n_agents; k++)
		attr_put_addr4(nlh, ROAM_TUNNEL_A_VISITOR_AGENT4,
			       &v->agents[k]);
	if (v->n_agents) {
		attr_put_addr4(nlh, ROAM_TUNNEL_A_VISITOR_COA4, &v->coa);
		mnl_attr_put_u8(nlh, ROAM_TUNNEL_A_VISITOR_ENCAP, v->encap);
		put_ports(nlh, ROAM_TUNNEL_A_VISITOR_SPORT, v->sport,
			  ROAM_TUNNEL_A_VISITOR_DPORT, v->dport);
	}
	mnl_attr_put_u8(nlh, ROAM_TUNNEL_A_VISITOR_REVERSE, v->reverse);
	if (v->lifetime)
		mnl_attr_put_u32(nlh, ROAM_TUNNEL_A_VISITOR_LIFETIME,
				 v->lifetime);
	mnl_attr_nest_end(nlh, nest);
}

static bool read_visitor(const struct nlattr *nest, struct tunnel_visitor *v)
{
	const struct nlattr *attr;
	struct attrs attrs;

	if (!nest)
		return false;
	memset(v, 0, sizeof(*v));
	attrs_read_nest(&attrs, nest);
	v->home = attrs_addr4(&attrs, ROAM_TUNNEL_A_VISITOR_HOME4);
	v->role = attrs_u8(&attrs, ROAM_TUNNEL_A_VISITOR_ROLE);
	v->device = attrs_u32(&attrs, ROAM_TUNNEL_A_VISITOR_DEVICE);
	v->link = attrs_u32(&attrs, ROAM_TUNNEL_A_VISITOR_LINK);
	attr = attrs.a[ROAM_TUNNEL_A_VISITOR_MAC];
	if (attr && mnl_attr_get_payload_len(attr) == sizeof(v->mac))
		memcpy(v->mac, mnl_attr_get_payload(attr), sizeof(v->mac));
	v->coa = attrs_addr4(&attrs, ROAM_TUNNEL_A_VISITOR_COA4);
	v->encap = attrs_u8(&attrs, ROAM_TUNNEL_A_VISITOR_ENCAP);
	v->sport = attrs_u16(&attrs, ROAM_TUNNEL_A_VISITOR_SPORT);
	v->dport = attrs_u16(&attrs, ROAM_TUNNEL_A_VISITOR_DPORT);
	v->reverse = attrs_u8(&attrs, ROAM_TUNNEL_A_VISITOR_REVERSE);
	v->lifetime = attrs_u32(&attrs, ROAM_TUNNEL_A_VISITOR_LIFETIME);
	v->idle = attrs_u32(&attrs, ROAM_TUNNEL_A_VISITOR_IDLE);
	mnl_attr_for_each_nested(attr, nest) {
		struct in_addr in;

		if (mnl_attr_get_type(attr) != ROAM_TUNNEL_A_VISITOR_AGENT4 ||
		    mnl_attr_validate(attr, MNL_TYPE_U32) ||
		    v->n_agents == TUNNEL_AGENTS)
			continue;
		in.s_addr = mnl_attr_get_u32(attr);
		v->agents[v->n_agents++] = roam_addr_from_in(in);
	}
	return !roam_addr_is_none(&v->home);
}

static int check_visitor(struct genl *genl, const struct tunnel_visitor *v)
{
	int ret = require_v4(genl, &v->home);

	if (v->n_agents > TUNNEL_AGENTS)
		return genl_fail(genl, E2BIG,
				 "a visitor has at most %d home agents",
				 TUNNEL_AGENTS);
	for (size_t i = 0; i < v->n_agents && !ret; i++)
		ret = require_v4(genl, &v->agents[i]);
	if (v->n_agents && !ret)
		ret = require_v4(genl, &v->coa);
	return ret;
}

int tunnel_visitor_set(struct genl *genl, const struct tunnel_visitor *visitors,
		       size_t n, enum tunnel_set which, size_t *applied)
{
	if (applied)
		*applied = 0;
	for (size_t i = 0; i < n; i++) {
		int ret = check_visitor(genl, &visitors[i]);

		if (ret)
			return ret;
	}
	return send_bulk(genl, ROAM_TUNNEL_CMD_VISITOR_SET, which, visitors, n,
			 put_visitor, applied);
}

static void put_visitor_home(struct nlmsghdr *nlh, const void *entries, size_t i)
{
	const struct roam_addr *home = (const struct roam_addr *)entries + i;
	struct nlattr *nest;

	nest = mnl_attr_nest_start(nlh, ROAM_TUNNEL_A_MAIN_VISITOR);
	attr_put_addr4(nlh, ROAM_TUNNEL_A_VISITOR_HOME4, home);
	mnl_attr_nest_end(nlh, nest);
}

int tunnel_visitor_del(struct genl *genl, const struct roam_addr *homes,
		       size_t n, size_t *applied)
{
	int ret = require_all_v4(genl, homes, n, applied);

	return ret ? ret : send_bulk(genl, ROAM_TUNNEL_CMD_VISITOR_DEL,
				     TUNNEL_SET_ANY, homes, n,
				     put_visitor_home, applied);
}

int tunnel_visitor_flush(struct genl *genl, size_t *applied)
{
	return send_all(genl, ROAM_TUNNEL_CMD_VISITOR_DEL, applied);
}

static int on_one_visitor(const struct nlmsghdr *nlh, void *ctx)
{
	struct attrs attrs;

	attrs_read_message(&attrs, nlh);
	return read_visitor(attrs.a[ROAM_TUNNEL_A_MAIN_VISITOR], ctx) ?
		0 : -EBADMSG;
}

int tunnel_visitor_get(struct genl *genl, const struct roam_addr *home,
		       struct tunnel_visitor *visitor)
{
	struct nlmsghdr *nlh = genl_request(genl, ROAM_TUNNEL_CMD_VISITOR_GET,
					    0);
	int ret = require_v4(genl, home);

	if (ret)
		return ret;
	put_visitor_home(nlh, home, 0);
	memset(visitor, 0, sizeof(*visitor));
	return genl_send(genl, nlh, on_one_visitor, visitor, NULL);
}

struct visitor_dump {
	void (*fn)(void *ctx, const struct tunnel_visitor *v);
	void *ctx;
};

static int on_visitors(const struct nlmsghdr *nlh, void *ctx)
{
	const struct visitor_dump *dump = ctx;
	struct tunnel_visitor v;

	if (!on_one_visitor(nlh, &v))
		dump->fn(dump->ctx, &v);
	return 0;
}

int tunnel_visitor_dump(struct genl *genl,
			void (*fn)(void *ctx, const struct tunnel_visitor *v),
			void *ctx, bool *interrupted)
{
	struct visitor_dump dump = { fn, ctx };

	return genl_send(genl, genl_request(genl, ROAM_TUNNEL_CMD_VISITOR_GET,
					    NLM_F_DUMP),
			 on_visitors, &dump, interrupted);
}

/* ---- settings, counters, events ---- */

int tunnel_config_set(struct genl *genl, const struct tunnel_config *config)
{
	const struct {
		uint16_t type;
		uint32_t value;
	} numbers[] = {
		{ ROAM_TUNNEL_A_CONFIG_GRACE, config->grace },
		{ ROAM_TUNNEL_A_CONFIG_ANNOUNCE_COUNT, config->announce_count },
		{ ROAM_TUNNEL_A_CONFIG_ANNOUNCE_INTERVAL,
		  config->announce_interval },
		{ ROAM_TUNNEL_A_CONFIG_MAX_BINDINGS, config->max_bindings },
		{ ROAM_TUNNEL_A_CONFIG_MAX_VISITORS, config->max_visitors },
	};
	struct nlmsghdr *nlh = genl_request(genl, ROAM_TUNNEL_CMD_CONFIG_SET,
					    0);
	struct nlattr *nest = mnl_attr_nest_start(nlh,
						  ROAM_TUNNEL_A_MAIN_CONFIG);

	if (config->set & (1u << ROAM_TUNNEL_A_CONFIG_TTL))
		mnl_attr_put_u8(nlh, ROAM_TUNNEL_A_CONFIG_TTL, config->ttl);
	if (config->set & (1u << ROAM_TUNNEL_A_CONFIG_SILENT))
		mnl_attr_put_u8(nlh, ROAM_TUNNEL_A_CONFIG_SILENT,
				config->silent);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (config->set & (1u << numbers[i].type))
			mnl_attr_put_u32(nlh, numbers[i].type,
					 numbers[i].value);
	mnl_attr_nest_end(nlh, nest);
	return genl_send(genl, nlh, NULL, NULL, NULL);
}

static int on_config(const struct nlmsghdr *nlh, void *ctx)
{
	struct tunnel_config *config = ctx;
	struct attrs attrs;

	attrs_read_message(&attrs, nlh);
	if (!attrs.a[ROAM_TUNNEL_A_MAIN_CONFIG])
		return -EBADMSG;
	attrs_read_nest(&attrs, attrs.a[ROAM_TUNNEL_A_MAIN_CONFIG]);
	config->ttl = attrs_u8(&attrs, ROAM_TUNNEL_A_CONFIG_TTL);
	config->grace = attrs_u32(&attrs, ROAM_TUNNEL_A_CONFIG_GRACE);
	config->announce_count =
		attrs_u32(&attrs, ROAM_TUNNEL_A_CONFIG_ANNOUNCE_COUNT);
	config->announce_interval =
		attrs_u32(&attrs, ROAM_TUNNEL_A_CONFIG_ANNOUNCE_INTERVAL);
	config->max_bindings =
		attrs_u32(&attrs, ROAM_TUNNEL_A_CONFIG_MAX_BINDINGS);
	config->max_visitors =
		attrs_u32(&attrs, ROAM_TUNNEL_A_CONFIG_MAX_VISITORS);
	config->silent = attrs_u8(&attrs, ROAM_TUNNEL_A_CONFIG_SILENT);
	return 0;
}

int tunnel_config_get(struct genl *genl, struct tunnel_config *config)
{
	memset(config, 0, sizeof(*config));
	return genl_send(genl, genl_request(genl, ROAM_TUNNEL_CMD_CONFIG_GET, 0),
			 on_config, config, NULL);
}

static const struct genl_counter counters[] = {
	{ "encapsulated", ROAM_TUNNEL_A_STATS_ENCAPSULATED, true },
	{ "reversed", ROAM_TUNNEL_A_STATS_REVERSED, true },
	{ "decapsulated", ROAM_TUNNEL_A_STATS_DECAPSULATED, true },
	{ "delivered", ROAM_TUNNEL_A_STATS_DELIVERED, true },
	{ "broadcasts", ROAM_TUNNEL_A_STATS_BROADCASTS, true },
	{ "relayed", ROAM_TUNNEL_A_STATS_RELAYED, true },
	{ "keepalives", ROAM_TUNNEL_A_STATS_KEEPALIVES, true },
	{ "arp-replies", ROAM_TUNNEL_A_STATS_ARP_REPLIES, true },
	{ "announcements", ROAM_TUNNEL_A_STATS_ANNOUNCEMENTS, true },
	{ "drop-no-binding", ROAM_TUNNEL_A_STATS_DROP_NO_BINDING, true },
	{ "drop-no-route", ROAM_TUNNEL_A_STATS_DROP_NO_ROUTE, true },
	{ "drop-loop", ROAM_TUNNEL_A_STATS_DROP_LOOP, true },
	{ "drop-too-big", ROAM_TUNNEL_A_STATS_DROP_TOO_BIG, true },
	{ "drop-malformed", ROAM_TUNNEL_A_STATS_DROP_MALFORMED, true },
	{ "drop-spoofed", ROAM_TUNNEL_A_STATS_DROP_SPOOFED, true },
	{ "drop-not-visitor", ROAM_TUNNEL_A_STATS_DROP_NOT_VISITOR, true },
	{ "drop-ecn", ROAM_TUNNEL_A_STATS_DROP_ECN, true },
	{ "bindings", ROAM_TUNNEL_A_STATS_BINDINGS, false },
	{ "visitors", ROAM_TUNNEL_A_STATS_VISITORS, false },
	{ "endpoints", ROAM_TUNNEL_A_STATS_ENDPOINTS, false },
};

int tunnel_stats_get(struct genl *genl,
		     void (*fn)(void *ctx, const char *name, uint64_t value),
		     void *ctx)
{
	return genl_get_counters(genl, ROAM_TUNNEL_CMD_STATS_GET,
				 ROAM_TUNNEL_A_MAIN_STATS, counters,
				 sizeof(counters) / sizeof(counters[0]), fn, ctx);
}

bool tunnel_event_decode(const struct nlmsghdr *nlh, struct tunnel_event *event)
{
	const struct genlmsghdr *header = mnl_nlmsg_get_payload(nlh);
	struct attrs attrs;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*header))
		return false;
	memset(event, 0, sizeof(*event));
	event->cmd = header->cmd;
	attrs_read_message(&attrs, nlh);
	event->reason = attrs_u8(&attrs, ROAM_TUNNEL_A_MAIN_REASON);
	switch (event->cmd) {
	case ROAM_TUNNEL_CMD_BINDING_NTF:
		return read_binding(attrs.a[ROAM_TUNNEL_A_MAIN_BINDING],
				    &event->binding);
	case ROAM_TUNNEL_CMD_VISITOR_NTF:
		return read_visitor(attrs.a[ROAM_TUNNEL_A_MAIN_VISITOR],
				    &event->visitor);
	default:
		return false;
	}
}
