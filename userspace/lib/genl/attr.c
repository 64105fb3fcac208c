// SPDX-License-Identifier: GPL-2.0-or-later
#include "genl/attr.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <string.h>

static void collect(struct attrs *attrs, const struct nlattr *attr)
{
	uint16_t type = mnl_attr_get_type(attr);

	if (type < sizeof(attrs->a) / sizeof(attrs->a[0]))
		attrs->a[type] = attr;
}

void attrs_read_message(struct attrs *attrs, const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;

	memset(attrs, 0, sizeof(*attrs));
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		collect(attrs, attr);
}

void attrs_read_nest(struct attrs *attrs, const struct nlattr *nest)
{
	const struct nlattr *attr;

	memset(attrs, 0, sizeof(*attrs));
	mnl_attr_for_each_nested(attr, nest)
		collect(attrs, attr);
}

uint8_t attrs_u8(const struct attrs *attrs, int type)
{
	const struct nlattr *attr = attrs->a[type];

	return attr && !mnl_attr_validate(attr, MNL_TYPE_U8) ?
		mnl_attr_get_u8(attr) : 0;
}

uint16_t attrs_u16(const struct attrs *attrs, int type)
{
	const struct nlattr *attr = attrs->a[type];

	return attr && !mnl_attr_validate(attr, MNL_TYPE_U16) ?
		mnl_attr_get_u16(attr) : 0;
}

uint32_t attrs_u32(const struct attrs *attrs, int type)
{
	const struct nlattr *attr = attrs->a[type];

	return attr && !mnl_attr_validate(attr, MNL_TYPE_U32) ?
		mnl_attr_get_u32(attr) : 0;
}

uint64_t attrs_u64(const struct attrs *attrs, int type)
{
	const struct nlattr *attr = attrs->a[type];

	return attr && !mnl_attr_validate(attr, MNL_TYPE_U64) ?
		mnl_attr_get_u64(attr) : 0;
}

struct roam_addr attrs_addr4(const struct attrs *attrs, int type)
{
	const struct nlattr *attr = attrs->a[type];
	struct roam_addr none = { { 0 } };
	struct in_addr in;

	if (!attr || mnl_attr_validate(attr, MNL_TYPE_U32))
		return none;
	in.s_addr = mnl_attr_get_u32(attr);
	return roam_addr_from_in(in);
}

struct roam_addr attrs_addr(const struct attrs *attrs, int type4, int type6)
{
	const struct nlattr *v6 = attrs->a[type6];
	struct roam_addr addr = attrs_addr4(attrs, type4);

	if (roam_addr_is_none(&addr) && v6 &&
	    mnl_attr_get_payload_len(v6) == sizeof(addr.b))
		memcpy(addr.b, mnl_attr_get_payload(v6), sizeof(addr.b));
	return addr;
}

void attr_put_addr4(struct nlmsghdr *nlh, uint16_t type,
		    const struct roam_addr *addr)
{
	mnl_attr_put_u32(nlh, type, roam_addr_to_in(addr).s_addr);
}

void attr_put_addr(struct nlmsghdr *nlh, uint16_t type4, uint16_t type6,
		   const struct roam_addr *addr)
{
	if (roam_addr_is_v4(addr))
		attr_put_addr4(nlh, type4, addr);
	else
		mnl_attr_put(nlh, type6, sizeof(addr->b), addr->b);
}

struct applied {
	uint16_t attr;
	size_t n;
};

static int on_applied(const struct nlmsghdr *nlh, void *ctx)
{
	struct applied *applied = ctx;
	struct attrs attrs;

	attrs_read_message(&attrs, nlh);
	applied->n += attrs_u32(&attrs, applied->attr);
	return 0;
}

int genl_send_bulk(struct genl *genl, const struct genl_bulk *bulk,
		   const void *entries, size_t n, size_t *applied)
{
	struct applied done = { bulk->applied, 0 };
	size_t i = 0;
	int ret = 0;

	while (i < n && !ret) {
		struct nlmsghdr *nlh = genl_request(genl, bulk->cmd, 0);

		if (bulk->flag)
			mnl_attr_put(nlh, bulk->flag, 0, NULL);
		while (i < n && genl_room(genl, nlh) >= bulk->entry_max)
			bulk->put(nlh, entries, i++);
		ret = genl_send(genl, nlh, on_applied, &done, NULL);
	}
	if (applied)
		*applied = done.n;
	return ret;
}

int genl_send_all(struct genl *genl, uint8_t cmd, uint16_t all,
		  uint16_t applied_attr, size_t *applied)
{
	struct nlmsghdr *nlh = genl_request(genl, cmd, 0);
	struct applied done = { applied_attr, 0 };
	int ret;

	mnl_attr_put(nlh, all, 0, NULL);
	ret = genl_send(genl, nlh, on_applied, &done, NULL);
	if (applied)
		*applied = done.n;
	return ret;
}

struct counters {
	uint16_t nest;
	const struct genl_counter *counters;
	size_t n;
	void (*fn)(void *ctx, const char *name, uint64_t value);
	void *ctx;
};

static int on_counters(const struct nlmsghdr *nlh, void *ctx)
{
	const struct counters *want = ctx;
	struct attrs attrs;

	attrs_read_message(&attrs, nlh);
	if (!attrs.a[want->nest])
		return -EBADMSG;
	attrs_read_nest(&attrs, attrs.a[want->nest]);
	for (size_t i = 0; i < want->n; i++) {
		const struct genl_counter *counter = &want->counters[i];

		want->fn(want->ctx, counter->name, counter->wide ?
			 attrs_u64(&attrs, counter->type) :
			 attrs_u32(&attrs, counter->type));
	}
	return 0;
}

int genl_get_counters(struct genl *genl, uint8_t cmd, uint16_t nest,
		      const struct genl_counter *counters, size_t n,
		      void (*fn)(void *ctx, const char *name, uint64_t value),
		      void *ctx)
{
	struct counters want = { nest, counters, n, fn, ctx };

	return genl_send(genl, genl_request(genl, cmd, 0), on_counters, &want,
			 NULL);
}
