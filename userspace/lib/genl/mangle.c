// SPDX-License-Identifier: GPL-2.0-or-later
#include "genl/mangle.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <string.h>

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

static struct roam_addr get_addr4(const struct attrs *attrs, int type)
{
	const struct nlattr *attr = attrs->a[type];
	struct roam_addr none = { { 0 } };
	struct in_addr in;

	if (!attr || mnl_attr_validate(attr, MNL_TYPE_U32))
		return none;
	in.s_addr = mnl_attr_get_u32(attr);
	return roam_addr_from_in(in);
}

static void put_addr4(struct nlmsghdr *nlh, uint16_t type,
		      const struct roam_addr *addr)
{
	mnl_attr_put_u32(nlh, type, roam_addr_to_in(addr).s_addr);
}

static bool read_mapping(const struct nlattr *nest, struct mangle_mapping *m)
{
	struct attrs attrs;

	if (!nest)
		return false;
	read_nest(&attrs, nest);
	m->perm = get_addr4(&attrs, ROAM_MANGLE_A_MAPPING_PERM4);
	m->coa = get_addr4(&attrs, ROAM_MANGLE_A_MAPPING_COA4);
	m->role = get_u8(&attrs, ROAM_MANGLE_A_MAPPING_ROLE);
	m->state = get_u8(&attrs, ROAM_MANGLE_A_MAPPING_STATE);
	m->lifetime = get_u32(&attrs, ROAM_MANGLE_A_MAPPING_LIFETIME);
	m->seq = get_u64(&attrs, ROAM_MANGLE_A_MAPPING_SEQ);
	m->idle = get_u32(&attrs, ROAM_MANGLE_A_MAPPING_IDLE);
	return !roam_addr_is_none(&m->perm);
}

static bool read_peer(const struct nlattr *nest, struct mangle_peer *p)
{
	struct attrs attrs;

	if (!nest)
		return false;
	read_nest(&attrs, nest);
	p->own = get_addr4(&attrs, ROAM_MANGLE_A_PEER_OWN4);
	p->addr = get_addr4(&attrs, ROAM_MANGLE_A_PEER_ADDR4);
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

/* The module speaks IPv4 only as yet: 0, or a refusal naming the address. */
static int check_v4(struct genl *genl, const struct roam_addr *addr)
{
	char text[ROAM_ADDR_STRLEN];

	if (roam_addr_is_v4(addr))
		return 0;
	return genl_fail(genl, EAFNOSUPPORT,
			 "%s is no IPv4 address, and the module takes no other",
			 roam_addr_format(addr, text));
}

/* Writes entry @i of @entries into the request; 0 or negative errno. */
typedef int (*put_fn)(struct genl *genl, struct nlmsghdr *nlh,
		      const void *entries, size_t i);

/*
 * Sends @n entries in as few messages as possible, each with the attribute
 * @flag unless that is 0. The entry at index *@applied is the one that failed.
 */
static int send_bulk(struct genl *genl, uint8_t cmd, uint16_t flag,
		     const void *entries, size_t n, put_fn put, size_t *applied)
{
	size_t done = 0, i = 0;
	int ret = 0, bad = 0;

	while (i < n && !ret && !bad) {
		struct nlmsghdr *nlh = genl_request(genl, cmd, 0);
		size_t first = i;

		if (flag)
			mnl_attr_put(nlh, flag, 0, NULL);
		while (i < n && genl_room(genl, nlh) >= ENTRY_MAX) {
			bad = put(genl, nlh, entries, i);
			if (bad)
				break;
			i++;
		}
		if (i > first) {
			ret = genl_send(genl, nlh, on_applied, &done, NULL);
			/* Sending wiped the sentence about the bad entry. */
			if (!ret && bad)
				bad = put(genl, nlh, entries, i);
		}
	}
	if (applied)
		*applied = done;
	return ret ? ret : bad;
}

static int put_mapping(struct genl *genl, struct nlmsghdr *nlh,
		       const void *entries, size_t i)
{
	const struct mangle_mapping *m = (const struct mangle_mapping *)entries + i;
	bool has_coa = m->state == ROAM_MANGLE_STATE_VALID;
	struct nlattr *nest;
	int ret = check_v4(genl, &m->perm);

	if (!ret && has_coa)
		ret = check_v4(genl, &m->coa);
	if (ret)
		return ret;
	nest = mnl_attr_nest_start(nlh, ROAM_MANGLE_A_MAIN_MAPPING);
	put_addr4(nlh, ROAM_MANGLE_A_MAPPING_PERM4, &m->perm);
	if (has_coa)
		put_addr4(nlh, ROAM_MANGLE_A_MAPPING_COA4, &m->coa);
	mnl_attr_put_u8(nlh, ROAM_MANGLE_A_MAPPING_ROLE, m->role);
	mnl_attr_put_u8(nlh, ROAM_MANGLE_A_MAPPING_STATE, m->state);
	if (m->lifetime)
		mnl_attr_put_u32(nlh, ROAM_MANGLE_A_MAPPING_LIFETIME,
				 m->lifetime);
	mnl_attr_put_u64(nlh, ROAM_MANGLE_A_MAPPING_SEQ, m->seq);
	mnl_attr_nest_end(nlh, nest);
	return 0;
}

static int put_perm(struct genl *genl, struct nlmsghdr *nlh,
		    const void *entries, size_t i)
{
	const struct roam_addr *perm = (const struct roam_addr *)entries + i;
	struct nlattr *nest;
	int ret = check_v4(genl, perm);

	if (ret)
		return ret;
	nest = mnl_attr_nest_start(nlh, ROAM_MANGLE_A_MAIN_MAPPING);
	put_addr4(nlh, ROAM_MANGLE_A_MAPPING_PERM4, perm);
	mnl_attr_nest_end(nlh, nest);
	return 0;
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
	int ret = put_perm(genl, nlh, perm, 0);

	if (ret)
		return ret;
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

static int put_peer(struct genl *genl, struct nlmsghdr *nlh,
		    const struct mangle_peer *p, bool with_mode)
{
	struct nlattr *nest;
	int ret = check_v4(genl, &p->addr);

	if (!ret)
		ret = check_v4(genl, &p->own);
	if (ret)
		return ret;
	nest = mnl_attr_nest_start(nlh, ROAM_MANGLE_A_MAIN_PEER);
	put_addr4(nlh, ROAM_MANGLE_A_PEER_OWN4, &p->own);
	put_addr4(nlh, ROAM_MANGLE_A_PEER_ADDR4, &p->addr);
	if (with_mode)
		mnl_attr_put_u8(nlh, ROAM_MANGLE_A_PEER_MODE, p->mode);
	mnl_attr_nest_end(nlh, nest);
	return 0;
}

static int put_whole_peer(struct genl *genl, struct nlmsghdr *nlh,
			  const void *entries, size_t i)
{
	return put_peer(genl, nlh, (const struct mangle_peer *)entries + i,
			true);
}

static int put_peer_key(struct genl *genl, struct nlmsghdr *nlh,
			const void *entries, size_t i)
{
	return put_peer(genl, nlh, (const struct mangle_peer *)entries + i,
			false);
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

int mangle_range_set(struct genl *genl, const struct roam_prefix *ranges,
		     size_t n)
{
	struct nlmsghdr *nlh = genl_request(genl, ROAM_MANGLE_CMD_RANGE_SET, 0);

	for (size_t i = 0; i < n; i++) {
		struct nlattr *nest;
		int ret = check_v4(genl, &ranges[i].addr);

		if (ret)
			return ret;
		/* The list is replaced as a whole, so it cannot be split. */
		if (genl_room(genl, nlh) < ENTRY_MAX)
			return genl_fail(genl, E2BIG,
					 "too many prefixes for one request; the first %zu would fit",
					 i);
		nest = mnl_attr_nest_start(nlh, ROAM_MANGLE_A_MAIN_RANGE);
		put_addr4(nlh, ROAM_MANGLE_A_RANGE_ADDR4, &ranges[i].addr);
		mnl_attr_put_u8(nlh, ROAM_MANGLE_A_RANGE_PREFIX_LEN,
				ranges[i].len - 96);
		mnl_attr_nest_end(nlh, nest);
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

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		struct roam_prefix range;
		struct attrs attrs;

		if (mnl_attr_get_type(attr) != ROAM_MANGLE_A_MAIN_RANGE)
			continue;
		read_nest(&attrs, attr);
		range.addr = get_addr4(&attrs, ROAM_MANGLE_A_RANGE_ADDR4);
		range.len = get_u8(&attrs, ROAM_MANGLE_A_RANGE_PREFIX_LEN) + 96;
		/* The prefix of length 0 is the one without an address. */
		if (roam_addr_is_none(&range.addr))
			range.addr = roam_addr_from_in((struct in_addr){ 0 });
		dump->fn(dump->ctx, &range);
	}
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
	return 0;
}

int mangle_config_get(struct genl *genl, struct mangle_config *config)
{
	memset(config, 0, sizeof(*config));
	return genl_send(genl, genl_request(genl, ROAM_MANGLE_CMD_CONFIG_GET, 0),
			 on_config, config, NULL);
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
		{ "in-kept", ROAM_MANGLE_A_STATS_IN_KEPT, true },
		{ "held", ROAM_MANGLE_A_STATS_HELD, true },
		{ "released", ROAM_MANGLE_A_STATS_RELEASED, true },
		{ "unasked", ROAM_MANGLE_A_STATS_UNASKED, true },
		{ "drop-hold-full", ROAM_MANGLE_A_STATS_DROP_HOLD_FULL, true },
		{ "drop-hold-timeout", ROAM_MANGLE_A_STATS_DROP_HOLD_TIMEOUT,
		  true },
		{ "pass-hold-timeout", ROAM_MANGLE_A_STATS_PASS_HOLD_TIMEOUT,
		  true },
		{ "drop-malformed", ROAM_MANGLE_A_STATS_DROP_MALFORMED, true },
		{ "drop-untold", ROAM_MANGLE_A_STATS_DROP_UNTOLD, true },
		{ "drop-no-route", ROAM_MANGLE_A_STATS_DROP_NO_ROUTE, true },
		{ "peers-full", ROAM_MANGLE_A_STATS_PEERS_FULL, true },
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
