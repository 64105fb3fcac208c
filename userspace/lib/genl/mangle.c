// SPDX-License-Identifier: GPL-2.0-or-later
#include "genl/mangle.h"

#include <errno.h>
#include <limits.h>
#include <linux/genetlink.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "genl/attr.h"

/* Longest nested entry: a mapping with all its attributes, with room to grow. */
#define ENTRY_MAX 128

/* Both attributes of an address, by the name that they share. */
#define GET_ADDR(attrs, name) \
	attrs_addr(attrs, ROAM_MANGLE_A_##name##4, ROAM_MANGLE_A_##name##6)
#define PUT_ADDR(nlh, name, addr) \
	attr_put_addr(nlh, ROAM_MANGLE_A_##name##4, ROAM_MANGLE_A_##name##6, addr)

static bool read_mapping(const struct nlattr *nest, struct mangle_mapping *m)
{
	struct attrs attrs;

	if (!nest)
		return false;
	attrs_read_nest(&attrs, nest);
	m->perm = GET_ADDR(&attrs, MAPPING_PERM);
	m->coa = GET_ADDR(&attrs, MAPPING_COA);
	m->role = attrs_u8(&attrs, ROAM_MANGLE_A_MAPPING_ROLE);
	m->state = attrs_u8(&attrs, ROAM_MANGLE_A_MAPPING_STATE);
	m->lifetime = attrs_u32(&attrs, ROAM_MANGLE_A_MAPPING_LIFETIME);
	m->seq = attrs_u64(&attrs, ROAM_MANGLE_A_MAPPING_SEQ);
	m->idle = attrs_u32(&attrs, ROAM_MANGLE_A_MAPPING_IDLE);
	m->mode = attrs_u8(&attrs, ROAM_MANGLE_A_MAPPING_MODE);
	return !roam_addr_is_none(&m->perm);
}

static bool read_peer(const struct nlattr *nest, struct mangle_peer *p)
{
	struct attrs attrs;

	if (!nest)
		return false;
	attrs_read_nest(&attrs, nest);
	p->own = GET_ADDR(&attrs, PEER_OWN);
	p->addr = GET_ADDR(&attrs, PEER_ADDR);
	p->mode = attrs_u8(&attrs, ROAM_MANGLE_A_PEER_MODE);
	p->idle = attrs_u32(&attrs, ROAM_MANGLE_A_PEER_IDLE);
	p->told = attrs_u8(&attrs, ROAM_MANGLE_A_PEER_TOLD);
	return !roam_addr_is_none(&p->addr);
}

struct genl *mangle_open(char **error)
{
	return genl_open(ROAM_MANGLE_GENL_NAME, ROAM_MANGLE_GENL_VERSION,
			 error);
}

static int send_bulk(struct genl *genl, uint8_t cmd, uint16_t flag,
		     const void *entries, size_t n, attr_put_fn put,
		     size_t *applied)
{
	const struct genl_bulk bulk = {
		.cmd = cmd,
		.flag = flag,
		.applied = ROAM_MANGLE_A_MAIN_APPLIED,
		.entry_max = ENTRY_MAX,
		.put = put,
	};

	return genl_send_bulk(genl, &bulk, entries, n, applied);
}

static void put_mapping(struct nlmsghdr *nlh, const void *entries, size_t i)
{
	const struct mangle_mapping *m = (const struct mangle_mapping *)entries + i;
	bool has_coa = m->state == ROAM_MANGLE_STATE_VALID;
	struct nlattr *nest;

	nest = mnl_attr_nest_start(nlh, ROAM_MANGLE_A_MAIN_MAPPING);
	PUT_ADDR(nlh, MAPPING_PERM, &m->perm);
	if (has_coa)
		PUT_ADDR(nlh, MAPPING_COA, &m->coa);
	mnl_attr_put_u8(nlh, ROAM_MANGLE_A_MAPPING_ROLE, m->role);
	mnl_attr_put_u8(nlh, ROAM_MANGLE_A_MAPPING_STATE, m->state);
	if (m->lifetime)
		mnl_attr_put_u32(nlh, ROAM_MANGLE_A_MAPPING_LIFETIME,
				 m->lifetime);
	mnl_attr_put_u64(nlh, ROAM_MANGLE_A_MAPPING_SEQ, m->seq);
	mnl_attr_put_u8(nlh, ROAM_MANGLE_A_MAPPING_MODE, m->mode);
	mnl_attr_nest_end(nlh, nest);
}

static void put_perm(struct nlmsghdr *nlh, const void *entries, size_t i)
{
	const struct roam_addr *perm = (const struct roam_addr *)entries + i;
	struct nlattr *nest;

	nest = mnl_attr_nest_start(nlh, ROAM_MANGLE_A_MAIN_MAPPING);
	PUT_ADDR(nlh, MAPPING_PERM, perm);
	mnl_attr_nest_end(nlh, nest);
}

int mangle_mapping_set(struct genl *genl, const struct mangle_mapping *mappings,
		       size_t n, enum mangle_set which, size_t *applied)
{
	static const uint16_t flags[] = {
		[MANGLE_SET_ANY] = 0,
		[MANGLE_SET_NEW] = ROAM_MANGLE_A_MAIN_EXCLUSIVE,
		[MANGLE_SET_EXISTING] = ROAM_MANGLE_A_MAIN_EXISTING,
	};

	return send_bulk(genl, ROAM_MANGLE_CMD_MAPPING_SET, flags[which],
			 mappings, n, put_mapping, applied);
}

int mangle_mapping_del(struct genl *genl, const struct roam_addr *perms,
		       size_t n, size_t *applied)
{
	return send_bulk(genl, ROAM_MANGLE_CMD_MAPPING_DEL, 0, perms, n,
			 put_perm, applied);
}

static int flush(struct genl *genl, uint8_t cmd, size_t *applied)
{
	return genl_send_all(genl, cmd, ROAM_MANGLE_A_MAIN_ALL,
			     ROAM_MANGLE_A_MAIN_APPLIED, applied);
}

int mangle_mapping_flush(struct genl *genl, size_t *applied)
{
	return flush(genl, ROAM_MANGLE_CMD_MAPPING_DEL, applied);
}

static int on_one_mapping(const struct nlmsghdr *nlh, void *ctx)
{
	struct attrs attrs;

	attrs_read_message(&attrs, nlh);
	return read_mapping(attrs.a[ROAM_MANGLE_A_MAIN_MAPPING], ctx) ?
		0 : -EBADMSG;
}

int mangle_mapping_get(struct genl *genl, const struct roam_addr *perm,
		       struct mangle_mapping *mapping)
{
	struct nlmsghdr *nlh = genl_request(genl, ROAM_MANGLE_CMD_MAPPING_GET,
					    0);

	put_perm(nlh, perm, 0);
	memset(mapping, 0, sizeof(*mapping));
	return genl_send(genl, nlh, on_one_mapping, mapping, NULL);
}

struct mapping_dump {
	void (*fn)(void *ctx, const struct mangle_mapping *m);
	void *ctx;
};

/* Walks all nests: a message of a dump may carry many of them. */
static int on_mappings(const struct nlmsghdr *nlh, void *ctx)
{
	const struct mapping_dump *dump = ctx;
	const struct nlattr *attr;
	struct mangle_mapping m;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(attr) == ROAM_MANGLE_A_MAIN_MAPPING &&
		    read_mapping(attr, &m))
			dump->fn(dump->ctx, &m);
	return 0;
}

int mangle_mapping_dump(struct genl *genl,
			void (*fn)(void *ctx, const struct mangle_mapping *m),
			void *ctx, bool *interrupted)
{
	struct mapping_dump dump = { fn, ctx };

	return genl_send(genl, genl_request(genl, ROAM_MANGLE_CMD_MAPPING_GET,
					    NLM_F_DUMP),
			 on_mappings, &dump, interrupted);
}

static void put_peer(struct nlmsghdr *nlh, const struct mangle_peer *p,
		     bool with_mode)
{
	struct nlattr *nest;

	nest = mnl_attr_nest_start(nlh, ROAM_MANGLE_A_MAIN_PEER);
	PUT_ADDR(nlh, PEER_OWN, &p->own);
	PUT_ADDR(nlh, PEER_ADDR, &p->addr);
	if (with_mode)
		mnl_attr_put_u8(nlh, ROAM_MANGLE_A_PEER_MODE, p->mode);
	mnl_attr_nest_end(nlh, nest);
}

static void put_whole_peer(struct nlmsghdr *nlh, const void *entries, size_t i)
{
	put_peer(nlh, (const struct mangle_peer *)entries + i, true);
}

static void put_peer_key(struct nlmsghdr *nlh, const void *entries, size_t i)
{
	put_peer(nlh, (const struct mangle_peer *)entries + i, false);
}

int mangle_peer_set(struct genl *genl, const struct mangle_peer *peers,
		    size_t n, size_t *applied)
{
	return send_bulk(genl, ROAM_MANGLE_CMD_PEER_SET, 0, peers, n,
			 put_whole_peer, applied);
}

int mangle_peer_del(struct genl *genl, const struct mangle_peer *peers,
		    size_t n, size_t *applied)
{
	return send_bulk(genl, ROAM_MANGLE_CMD_PEER_DEL, 0, peers, n,
			 put_peer_key, applied);
}

int mangle_peer_flush(struct genl *genl, size_t *applied)
{
	return flush(genl, ROAM_MANGLE_CMD_PEER_DEL, applied);
}

struct peer_dump {
	void (*fn)(void *ctx, const struct mangle_peer *p);
	void *ctx;
};

static int on_peers(const struct nlmsghdr *nlh, void *ctx)
{
	const struct peer_dump *dump = ctx;
	const struct nlattr *attr;
	struct mangle_peer p;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(attr) == ROAM_MANGLE_A_MAIN_PEER &&
		    read_peer(attr, &p))
			dump->fn(dump->ctx, &p);
	return 0;
}

int mangle_peer_dump(struct genl *genl,
		     void (*fn)(void *ctx, const struct mangle_peer *p),
		     void *ctx, bool *interrupted)
{
	struct peer_dump dump = { fn, ctx };

	return genl_send(genl, genl_request(genl, ROAM_MANGLE_CMD_PEER_GET,
					    NLM_F_DUMP),
			 on_peers, &dump, interrupted);
}

/* A prefix of an IPv4 address is 96 bits shorter outside than in the library. */
static void put_range(struct nlmsghdr *nlh, uint16_t type,
		      const struct roam_prefix *range)
{
	bool v4 = roam_addr_is_v4(&range->addr);
	struct nlattr *nest = mnl_attr_nest_start(nlh, type);

	PUT_ADDR(nlh, RANGE_ADDR, &range->addr);
	mnl_attr_put_u8(nlh, ROAM_MANGLE_A_RANGE_PREFIX_LEN,
			range->len - (v4 ? 96 : 0));
	mnl_attr_nest_end(nlh, nest);
}

static bool read_range(const struct nlattr *nest, struct roam_prefix *range)
{
	struct attrs attrs;
	unsigned int len;

	attrs_read_nest(&attrs, nest);
	range->addr = GET_ADDR(&attrs, RANGE_ADDR);
	len = attrs_u8(&attrs, ROAM_MANGLE_A_RANGE_PREFIX_LEN);
	if (roam_addr_is_v4(&range->addr))
		len += 96;
	range->len = len;
	return len <= 128;
}

int mangle_range_set(struct genl *genl, const struct roam_prefix *ranges,
		     size_t n)
{
	struct nlmsghdr *nlh = genl_request(genl, ROAM_MANGLE_CMD_RANGE_SET, 0);

	for (size_t i = 0; i < n; i++) {
		/* The list is replaced as a whole, so it cannot be split. */
		if (genl_room(genl, nlh) < ENTRY_MAX)
			return genl_fail(genl, E2BIG,
					 "too many prefixes for one request; the first %zu would fit",
					 i);
		put_range(nlh, ROAM_MANGLE_A_MAIN_RANGE, &ranges[i]);
	}
	return genl_send(genl, nlh, NULL, NULL, NULL);
}

struct range_dump {
	void (*fn)(void *ctx, const struct roam_prefix *r);
	void *ctx;
};

static int on_ranges(const struct nlmsghdr *nlh, void *ctx)
{
	const struct range_dump *dump = ctx;
	const struct nlattr *attr;
	struct roam_prefix range;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(attr) == ROAM_MANGLE_A_MAIN_RANGE &&
		    read_range(attr, &range))
			dump->fn(dump->ctx, &range);
	return 0;
}

int mangle_range_get(struct genl *genl,
		     void (*fn)(void *ctx, const struct roam_prefix *r),
		     void *ctx)
{
	struct range_dump dump = { fn, ctx };

	return genl_send(genl, genl_request(genl, ROAM_MANGLE_CMD_RANGE_GET, 0),
			 on_ranges, &dump, NULL);
}

bool mangle_cgroup_id(const char *path, uint64_t *id)
{
	char whole[PATH_MAX];
	struct statfs fs;
	struct stat st;

	snprintf(whole, sizeof(whole), "%s%s",
		 *path == '/' ? "" : "/sys/fs/cgroup/", path);
	if (stat(whole, &st) || statfs(whole, &fs))
		return false;
	errno = EINVAL;
	if (!S_ISDIR(st.st_mode) || fs.f_type != CGROUP2_SUPER_MAGIC)
		return false;
	*id = st.st_ino;
	return true;
}

static bool has_port(const uint16_t *ports, size_t n, uint16_t port)
{
	for (size_t i = 0; i < n; i++)
		if (ports[i] == port)
			return true;
	return false;
}

static bool add_port(uint16_t *ports, size_t *n, uint16_t port)
{
	if (has_port(ports, *n, port))
		return true;
	if (*n == MANGLE_EXEMPT_PORTS)
		return false;
	ports[(*n)++] = port;
	return true;
}

bool mangle_exempt_has_port(const struct mangle_exempt *exempt, uint16_t port)
{
	return has_port(exempt->ports, exempt->n_ports, port);
}

bool mangle_exempt_add_port(struct mangle_exempt *exempt, uint16_t port)
{
	return add_port(exempt->ports, &exempt->n_ports, port);
}

bool mangle_exempt_has_udp_port(const struct mangle_exempt *exempt, uint16_t port)
{
	return mangle_exempt_has_port(exempt, port) ||
	       has_port(exempt->udp_ports, exempt->n_udp_ports, port);
}

bool mangle_exempt_add_udp_port(struct mangle_exempt *exempt, uint16_t port)
{
	return add_port(exempt->udp_ports, &exempt->n_udp_ports, port);
}

static void put_exempt(struct nlmsghdr *nlh, const struct mangle_exempt *exempt)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh,
						  ROAM_MANGLE_A_CONFIG_EXEMPT);

	for (size_t i = 0; i < exempt->n_ports; i++)
		mnl_attr_put_u16(nlh, ROAM_MANGLE_A_EXEMPT_PORT,
				 exempt->ports[i]);
	for (size_t i = 0; i < exempt->n_udp_ports; i++)
		mnl_attr_put_u16(nlh, ROAM_MANGLE_A_EXEMPT_UDP_PORT,
				 exempt->udp_ports[i]);
	mnl_attr_put_u32(nlh, ROAM_MANGLE_A_EXEMPT_MARK, exempt->mark);
	mnl_attr_put_u32(nlh, ROAM_MANGLE_A_EXEMPT_MASK, exempt->mask);
	for (size_t i = 0; i < exempt->n_ranges; i++)
		put_range(nlh, ROAM_MANGLE_A_EXEMPT_RANGE, &exempt->ranges[i]);
	for (size_t i = 0; i < exempt->n_cgroups; i++)
		mnl_attr_put_u64(nlh, ROAM_MANGLE_A_EXEMPT_CGROUP,
				 exempt->cgroups[i]);
	mnl_attr_nest_end(nlh, nest);
}

/* Entries that do not fit are left out: the module accepts no more than fit. */
static void read_exempt(const struct nlattr *nest, struct mangle_exempt *exempt)
{
	const struct nlattr *attr;
	struct attrs attrs;

	mnl_attr_for_each_nested(attr, nest) {
		size_t len = mnl_attr_get_payload_len(attr);

		switch (mnl_attr_get_type(attr)) {
		case ROAM_MANGLE_A_EXEMPT_PORT:
			if (len == 2 && exempt->n_ports < MANGLE_EXEMPT_PORTS)
				exempt->ports[exempt->n_ports++] =
					mnl_attr_get_u16(attr);
			break;
		case ROAM_MANGLE_A_EXEMPT_UDP_PORT:
			if (len == 2 && exempt->n_udp_ports < MANGLE_EXEMPT_PORTS)
				exempt->udp_ports[exempt->n_udp_ports++] =
					mnl_attr_get_u16(attr);
			break;
		case ROAM_MANGLE_A_EXEMPT_RANGE:
			if (exempt->n_ranges < MANGLE_EXEMPT_RANGES &&
			    read_range(attr,
				       &exempt->ranges[exempt->n_ranges]))
				exempt->n_ranges++;
			break;
		case ROAM_MANGLE_A_EXEMPT_CGROUP:
			if (len == 8 &&
			    exempt->n_cgroups < MANGLE_EXEMPT_CGROUPS)
				exempt->cgroups[exempt->n_cgroups++] =
					mnl_attr_get_u64(attr);
			break;
		}
	}
	attrs_read_nest(&attrs, nest);
	exempt->mark = attrs_u32(&attrs, ROAM_MANGLE_A_EXEMPT_MARK);
	exempt->mask = attrs_u32(&attrs, ROAM_MANGLE_A_EXEMPT_MASK);
}

int mangle_config_set(struct genl *genl, const struct mangle_config *config)
{
	const struct {
		uint16_t type;
		uint32_t value;
	} numbers[] = {
		{ ROAM_MANGLE_A_CONFIG_HOLD_PACKETS, config->hold_packets },
		{ ROAM_MANGLE_A_CONFIG_HOLD_TOTAL, config->hold_total },
		{ ROAM_MANGLE_A_CONFIG_HOLD_TIME, config->hold_time },
		{ ROAM_MANGLE_A_CONFIG_GRACE, config->grace },
		{ ROAM_MANGLE_A_CONFIG_MAX_MAPPINGS, config->max_mappings },
		{ ROAM_MANGLE_A_CONFIG_MAX_PEERS, config->max_peers },
		{ ROAM_MANGLE_A_CONFIG_PEER_TIME, config->peer_time },
	};
	struct nlmsghdr *nlh = genl_request(genl, ROAM_MANGLE_CMD_CONFIG_SET,
					    0);
	struct nlattr *nest = mnl_attr_nest_start(nlh,
						  ROAM_MANGLE_A_MAIN_CONFIG);

	if (config->set & (1u << ROAM_MANGLE_A_CONFIG_PROTOCOL))
		for (size_t i = 0; i < config->n_protocols; i++)
			mnl_attr_put_u8(nlh, ROAM_MANGLE_A_CONFIG_PROTOCOL,
					config->protocols[i]);
	if (config->set & (1u << ROAM_MANGLE_A_CONFIG_HOLD_POLICY))
		mnl_attr_put_u8(nlh, ROAM_MANGLE_A_CONFIG_HOLD_POLICY,
				config->hold_policy);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (config->set & (1u << numbers[i].type))
			mnl_attr_put_u32(nlh, numbers[i].type,
					 numbers[i].value);
	if (config->set & (1u << ROAM_MANGLE_A_CONFIG_EXEMPT))
		put_exempt(nlh, &config->exempt);
	if (config->set & (1u << ROAM_MANGLE_A_CONFIG_INTERNAL)) {
		/* An empty list needs a member: nobody is at this one anyway. */
		static const struct roam_prefix nobody = {
			.addr = { .b = { [10] = 0xff, [11] = 0xff } }, .len = 128,
		};

		for (size_t i = 0; i < config->n_internal; i++)
			put_range(nlh, ROAM_MANGLE_A_CONFIG_INTERNAL,
				  &config->internal[i]);
		if (!config->n_internal)
			put_range(nlh, ROAM_MANGLE_A_CONFIG_INTERNAL, &nobody);
	}
	mnl_attr_nest_end(nlh, nest);
	return genl_send(genl, nlh, NULL, NULL, NULL);
}

static int on_config(const struct nlmsghdr *nlh, void *ctx)
{
	struct mangle_config *config = ctx;
	const struct nlattr *attr;
	struct attrs attrs;

	attrs_read_message(&attrs, nlh);
	if (!attrs.a[ROAM_MANGLE_A_MAIN_CONFIG])
		return -EBADMSG;
	mnl_attr_for_each_nested(attr, attrs.a[ROAM_MANGLE_A_MAIN_CONFIG])
		if (mnl_attr_get_type(attr) == ROAM_MANGLE_A_CONFIG_PROTOCOL &&
		    !mnl_attr_validate(attr, MNL_TYPE_U8) &&
		    config->n_protocols < sizeof(config->protocols))
			config->protocols[config->n_protocols++] =
				mnl_attr_get_u8(attr);
		else if (mnl_attr_get_type(attr) == ROAM_MANGLE_A_CONFIG_INTERNAL &&
			 config->n_internal < MANGLE_EXEMPT_RANGES &&
			 read_range(attr, &config->internal[config->n_internal]))
			config->n_internal++;
	attrs_read_nest(&attrs, attrs.a[ROAM_MANGLE_A_MAIN_CONFIG]);
	config->hold_packets = attrs_u32(&attrs, ROAM_MANGLE_A_CONFIG_HOLD_PACKETS);
	config->hold_total = attrs_u32(&attrs, ROAM_MANGLE_A_CONFIG_HOLD_TOTAL);
	config->hold_time = attrs_u32(&attrs, ROAM_MANGLE_A_CONFIG_HOLD_TIME);
	config->hold_policy = attrs_u8(&attrs, ROAM_MANGLE_A_CONFIG_HOLD_POLICY);
	config->grace = attrs_u32(&attrs, ROAM_MANGLE_A_CONFIG_GRACE);
	config->max_mappings = attrs_u32(&attrs, ROAM_MANGLE_A_CONFIG_MAX_MAPPINGS);
	config->max_peers = attrs_u32(&attrs, ROAM_MANGLE_A_CONFIG_MAX_PEERS);
	config->peer_time = attrs_u32(&attrs, ROAM_MANGLE_A_CONFIG_PEER_TIME);
	if (attrs.a[ROAM_MANGLE_A_CONFIG_EXEMPT])
		read_exempt(attrs.a[ROAM_MANGLE_A_CONFIG_EXEMPT],
			    &config->exempt);
	return 0;
}

int mangle_config_get(struct genl *genl, struct mangle_config *config)
{
	memset(config, 0, sizeof(*config));
	return genl_send(genl, genl_request(genl, ROAM_MANGLE_CMD_CONFIG_GET, 0),
			 on_config, config, NULL);
}

bool mangle_rewrites(const struct mangle_config *config, uint8_t protocol)
{
	for (size_t i = 0; i < config->n_protocols; i++)
		if (config->protocols[i] == protocol)
			return true;
	return false;
}

static const struct genl_counter counters[] = {
	{ "in-rewritten", ROAM_MANGLE_A_STATS_IN_REWRITTEN, true },
	{ "out-rewritten", ROAM_MANGLE_A_STATS_OUT_REWRITTEN, true },
	{ "in-icmp", ROAM_MANGLE_A_STATS_IN_ICMP, true },
	{ "out-icmp", ROAM_MANGLE_A_STATS_OUT_ICMP, true },
	{ "in-kept", ROAM_MANGLE_A_STATS_IN_KEPT, true },
	{ "held", ROAM_MANGLE_A_STATS_HELD, true },
	{ "released", ROAM_MANGLE_A_STATS_RELEASED, true },
	{ "unasked", ROAM_MANGLE_A_STATS_UNASKED, true },
	{ "drop-hold-full", ROAM_MANGLE_A_STATS_DROP_HOLD_FULL, true },
	{ "drop-hold-timeout", ROAM_MANGLE_A_STATS_DROP_HOLD_TIMEOUT,
	  true },
	{ "pass-hold-full", ROAM_MANGLE_A_STATS_PASS_HOLD_FULL, true },
	{ "pass-hold-timeout", ROAM_MANGLE_A_STATS_PASS_HOLD_TIMEOUT,
	  true },
	{ "drop-malformed", ROAM_MANGLE_A_STATS_DROP_MALFORMED, true },
	{ "drop-untold", ROAM_MANGLE_A_STATS_DROP_UNTOLD, true },
	{ "drop-no-route", ROAM_MANGLE_A_STATS_DROP_NO_ROUTE, true },
	{ "drop-early-reset", ROAM_MANGLE_A_STATS_DROP_EARLY_RESET,
	  true },
	{ "peers-full", ROAM_MANGLE_A_STATS_PEERS_FULL, true },
	{ "exempted", ROAM_MANGLE_A_STATS_EXEMPTED, true },
	{ "resumed", ROAM_MANGLE_A_STATS_RESUMED, true },
	{ "mappings", ROAM_MANGLE_A_STATS_MAPPINGS, false },
	{ "peers", ROAM_MANGLE_A_STATS_PEERS, false },
	{ "holding", ROAM_MANGLE_A_STATS_HOLDING, false },
};

int mangle_stats_get(struct genl *genl,
		     void (*fn)(void *ctx, const char *name, uint64_t value),
		     void *ctx)
{
	return genl_get_counters(genl, ROAM_MANGLE_CMD_STATS_GET,
				 ROAM_MANGLE_A_MAIN_STATS, counters,
				 sizeof(counters) / sizeof(counters[0]), fn, ctx);
}

bool mangle_event_decode(const struct nlmsghdr *nlh, struct mangle_event *event)
{
	const struct genlmsghdr *header = mnl_nlmsg_get_payload(nlh);
	struct attrs attrs;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*header))
		return false;
	memset(event, 0, sizeof(*event));
	event->cmd = header->cmd;
	attrs_read_message(&attrs, nlh);
	event->reason = attrs_u8(&attrs, ROAM_MANGLE_A_MAIN_REASON);
	event->need = attrs_u32(&attrs, ROAM_MANGLE_A_MAIN_NEED);
	switch (event->cmd) {
	case ROAM_MANGLE_CMD_MAPPING_NTF:
		return read_mapping(attrs.a[ROAM_MANGLE_A_MAIN_MAPPING],
				    &event->mapping);
	case ROAM_MANGLE_CMD_PEER_NTF:
	case ROAM_MANGLE_CMD_MISS_NTF:
		return read_peer(attrs.a[ROAM_MANGLE_A_MAIN_PEER],
				 &event->peer);
	default:
		return false;
	}
}
