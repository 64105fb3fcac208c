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

/* Longest nested entry: a mapping with all its attributes, with room to grow. */
#define ENTRY_MAX 128

/* Attributes of one nest by type; NULL where absent. */
struct attrs {
	const struct nlattr *a[32];
};

static void collect(struct attrs *attrs, const struct nlattr *attr)
{
	uint16_t type = mnl_attr_get_type(attr);

	if (type < sizeof(attrs->a) / sizeof(attrs->a[0]))
		attrs->a[type] = attr;
}

static void read_message(struct attrs *attrs, const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;

	memset(attrs, 0, sizeof(*attrs));
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		collect(attrs, attr);
}

static void read_nest(struct attrs *attrs, const struct nlattr *nest)
{
	const struct nlattr *attr;

	memset(attrs, 0, sizeof(*attrs));
	mnl_attr_for_each_nested(attr, nest)
		collect(attrs, attr);
}

/* These give 0 for an absent or short attribute. */
static uint8_t get_u8(const struct attrs *attrs, int type)
{
	const struct nlattr *attr = attrs->a[type];

	return attr && !mnl_attr_validate(attr, MNL_TYPE_U8) ?
		mnl_attr_get_u8(attr) : 0;
}

static uint32_t get_u32(const struct attrs *attrs, int type)
{
	const struct nlattr *attr = attrs->a[type];

	return attr && !mnl_attr_validate(attr, MNL_TYPE_U32) ?
		mnl_attr_get_u32(attr) : 0;
}

static uint64_t get_u64(const struct attrs *attrs, int type)
{
	const struct nlattr *attr = attrs->a[type];

	return attr && !mnl_attr_validate(attr, MNL_TYPE_U64) ?
		mnl_attr_get_u64(attr) : 0;
}

/* An address in one of two attributes, all zero for neither. */
static struct roam_addr get_addr(const struct attrs *attrs, int type4, int type6)
{
	const struct nlattr *v4 = attrs->a[type4], *v6 = attrs->a[type6];
	struct roam_addr addr = { { 0 } };
	struct in_addr in;

	if (v4 && !mnl_attr_validate(v4, MNL_TYPE_U32)) {
		in.s_addr = mnl_attr_get_u32(v4);
		return roam_addr_from_in(in);
	}
	if (v6 && mnl_attr_get_payload_len(v6) == sizeof(addr.b))
		memcpy(addr.b, mnl_attr_get_payload(v6), sizeof(addr.b));
	return addr;
}

static void put_addr(struct nlmsghdr *nlh, uint16_t type4, uint16_t type6,
		     const struct roam_addr *addr)
{
	if (roam_addr_is_v4(addr))
		mnl_attr_put_u32(nlh, type4, roam_addr_to_in(addr).s_addr);
	else
		mnl_attr_put(nlh, type6, sizeof(addr->b), addr->b);
}

/* Both attributes of an address, by the name that they share. */
#define GET_ADDR(attrs, name) \
	get_addr(attrs, ROAM_MANGLE_A_##name##4, ROAM_MANGLE_A_##name##6)
#define PUT_ADDR(nlh, name, addr) \
	put_addr(nlh, ROAM_MANGLE_A_##name##4, ROAM_MANGLE_A_##name##6, addr)

static bool read_mapping(const struct nlattr *nest, struct mangle_mapping *m)
{
	struct attrs attrs;

	if (!nest)
		return false;
	read_nest(&attrs, nest);
	m->perm = GET_ADDR(&attrs, MAPPING_PERM);
	m->coa = GET_ADDR(&attrs, MAPPING_COA);
	m->role = get_u8(&attrs, ROAM_MANGLE_A_MAPPING_ROLE);
	m->state = get_u8(&attrs, ROAM_MANGLE_A_MAPPING_STATE);
	m->lifetime = get_u32(&attrs, ROAM_MANGLE_A_MAPPING_LIFETIME);
	m->seq = get_u64(&attrs, ROAM_MANGLE_A_MAPPING_SEQ);
	m->idle = get_u32(&attrs, ROAM_MANGLE_A_MAPPING_IDLE);
	m->mode = get_u8(&attrs, ROAM_MANGLE_A_MAPPING_MODE);
	return !roam_addr_is_none(&m->perm);
}

static bool read_peer(const struct nlattr *nest, struct mangle_peer *p)
{
	struct attrs attrs;

	if (!nest)
		return false;
	read_nest(&attrs, nest);
	p->own = GET_ADDR(&attrs, PEER_OWN);
	p->addr = GET_ADDR(&attrs, PEER_ADDR);
	p->mode = get_u8(&attrs, ROAM_MANGLE_A_PEER_MODE);
	p->idle = get_u32(&attrs, ROAM_MANGLE_A_PEER_IDLE);
	p->told = get_u8(&attrs, ROAM_MANGLE_A_PEER_TOLD);
	return !roam_addr_is_none(&p->addr);
}

struct genl *mangle_open(char **error)
{
	return genl_open(ROAM_MANGLE_GENL_NAME, ROAM_MANGLE_GENL_VERSION,
			 error);
}

static int on_applied(const struct nlmsghdr *nlh, void *ctx)
{
	size_t *applied = ctx;
	struct attrs attrs;

	read_message(&attrs, nlh);
	*applied += get_u32(&attrs, ROAM_MANGLE_A_MAIN_APPLIED);
	return 0;
}

/* Writes entry @i of @entries into the request. */
typedef void (*put_fn)(struct nlmsghdr *nlh, const void *entries, size_t i);

/*
 * Sends @n entries in as few messages as possible, each with the attribute
 * @flag unless that is 0. The entry at index *@applied is the one that failed.
 */
static int send_bulk(struct genl *genl, uint8_t cmd, uint16_t flag,
		     const void *entries, size_t n, put_fn put, size_t *applied)
{
	size_t done = 0, i = 0;
	int ret = 0;

	while (i < n && !ret) {
		struct nlmsghdr *nlh = genl_request(genl, cmd, 0);

		if (flag)
			mnl_attr_put(nlh, flag, 0, NULL);
		while (i < n && genl_room(genl, nlh) >= ENTRY_MAX)
			put(nlh, entries, i++);
		ret = genl_send(genl, nlh, on_applied, &done, NULL);
	}
	if (applied)
		*applied = done;
	return ret;
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
	struct nlmsghdr *nlh = genl_request(genl, cmd, 0);
	size_t done = 0;
	int ret;

	mnl_attr_put(nlh, ROAM_MANGLE_A_MAIN_ALL, 0, NULL);
	ret = genl_send(genl, nlh, on_applied, &done, NULL);
	if (applied)
		*applied = done;
	return ret;
}

int mangle_mapping_flush(struct genl *genl, size_t *applied)
{
	return flush(genl, ROAM_MANGLE_CMD_MAPPING_DEL, applied);
}

static int on_one_mapping(const struct nlmsghdr *nlh, void *ctx)
{
	struct attrs attrs;

	read_message(&attrs, nlh);
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

	read_nest(&attrs, nest);
	range->addr = GET_ADDR(&attrs, RANGE_ADDR);
	len = get_u8(&attrs, ROAM_MANGLE_A_RANGE_PREFIX_LEN);
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

bool mangle_exempt_has_port(const struct mangle_exempt *exempt, uint16_t port)
{
	for (size_t i = 0; i < exempt->n_ports; i++)
		if (exempt->ports[i] == port)
			return true;
	return false;
}

bool mangle_exempt_add_port(struct mangle_exempt *exempt, uint16_t port)
{
	if (mangle_exempt_has_port(exempt, port))
		return true;
	if (exempt->n_ports == MANGLE_EXEMPT_PORTS)
		return false;
	exempt->ports[exempt->n_ports++] = port;
	return true;
}

static void put_exempt(struct nlmsghdr *nlh, const struct mangle_exempt *exempt)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh,
						  ROAM_MANGLE_A_CONFIG_EXEMPT);

	for (size_t i = 0; i < exempt->n_ports; i++)
		mnl_attr_put_u16(nlh, ROAM_MANGLE_A_EXEMPT_PORT,
				 exempt->ports[i]);
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
	read_nest(&attrs, nest);
	exempt->mark = get_u32(&attrs, ROAM_MANGLE_A_EXEMPT_MARK);
	exempt->mask = get_u32(&attrs, ROAM_MANGLE_A_EXEMPT_MASK);
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
	mnl_attr_nest_end(nlh, nest);
	return genl_send(genl, nlh, NULL, NULL, NULL);
}

static int on_config(const struct nlmsghdr *nlh, void *ctx)
{
	struct mangle_config *config = ctx;
	const struct nlattr *attr;
	struct attrs attrs;

	read_message(&attrs, nlh);
	if (!attrs.a[ROAM_MANGLE_A_MAIN_CONFIG])
		return -EBADMSG;
	mnl_attr_for_each_nested(attr, attrs.a[ROAM_MANGLE_A_MAIN_CONFIG])
		if (mnl_attr_get_type(attr) == ROAM_MANGLE_A_CONFIG_PROTOCOL &&
		    !mnl_attr_validate(attr, MNL_TYPE_U8) &&
		    config->n_protocols < sizeof(config->protocols))
			config->protocols[config->n_protocols++] =
				mnl_attr_get_u8(attr);
	read_nest(&attrs, attrs.a[ROAM_MANGLE_A_MAIN_CONFIG]);
	config->hold_packets = get_u32(&attrs, ROAM_MANGLE_A_CONFIG_HOLD_PACKETS);
	config->hold_total = get_u32(&attrs, ROAM_MANGLE_A_CONFIG_HOLD_TOTAL);
	config->hold_time = get_u32(&attrs, ROAM_MANGLE_A_CONFIG_HOLD_TIME);
	config->hold_policy = get_u8(&attrs, ROAM_MANGLE_A_CONFIG_HOLD_POLICY);
	config->grace = get_u32(&attrs, ROAM_MANGLE_A_CONFIG_GRACE);
	config->max_mappings = get_u32(&attrs, ROAM_MANGLE_A_CONFIG_MAX_MAPPINGS);
	config->max_peers = get_u32(&attrs, ROAM_MANGLE_A_CONFIG_MAX_PEERS);
	config->peer_time = get_u32(&attrs, ROAM_MANGLE_A_CONFIG_PEER_TIME);
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

struct stats_dump {
	void (*fn)(void *ctx, const char *name, uint64_t value);
	void *ctx;
};

static int on_stats(const struct nlmsghdr *nlh, void *ctx)
{
	static const struct {
		const char *name;
		uint8_t type;
		bool wide;
	} counters[] = {
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
	const struct stats_dump *dump = ctx;
	struct attrs attrs;

	read_message(&attrs, nlh);
	if (!attrs.a[ROAM_MANGLE_A_MAIN_STATS])
		return -EBADMSG;
	read_nest(&attrs, attrs.a[ROAM_MANGLE_A_MAIN_STATS]);
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		dump->fn(dump->ctx, counters[i].name,
			 counters[i].wide ? get_u64(&attrs, counters[i].type) :
					    get_u32(&attrs, counters[i].type));
	return 0;
}

int mangle_stats_get(struct genl *genl,
		     void (*fn)(void *ctx, const char *name, uint64_t value),
		     void *ctx)
{
	struct stats_dump dump = { fn, ctx };

	return genl_send(genl, genl_request(genl, ROAM_MANGLE_CMD_STATS_GET, 0),
			 on_stats, &dump, NULL);
}

bool mangle_event_decode(const struct nlmsghdr *nlh, struct mangle_event *event)
{
	const struct genlmsghdr *header = mnl_nlmsg_get_payload(nlh);
	struct attrs attrs;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*header))
		return false;
	memset(event, 0, sizeof(*event));
	event->cmd = header->cmd;
	read_message(&attrs, nlh);
	event->reason = get_u8(&attrs, ROAM_MANGLE_A_MAIN_REASON);
	event->need = get_u32(&attrs, ROAM_MANGLE_A_MAIN_NEED);
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
