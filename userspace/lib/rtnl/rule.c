// SPDX-License-Identifier: GPL-2.0-or-later
#include "rtnl/rule.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <stdlib.h>
#include <string.h>

#include "rtnl/mirror.h"

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
		*protocol = rtnl_get_u8(attr);
		break;
	case FRA_IP_PROTO:
		rule->ipproto = rtnl_get_u8(attr);
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

	if (!rtnl_has_header(nlh, sizeof(struct fib_rule_hdr)))
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
			err = rtnl_unless(change_rule(rtnl, RTM_DELRULE, 0,
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
		err = rtnl_unless(change_rule(rtnl, RTM_NEWRULE,
					      NLM_F_CREATE | NLM_F_EXCL,
					      &rules[i]), EEXIST);
	}
	for (size_t i = 0; !err && i < have.n; i++) {
		if (has_rule(rules, n, &have.items[i]))
			continue;
		changes++;
		err = rtnl_unless(change_rule(rtnl, RTM_DELRULE, 0,
					      &have.items[i]), ENOENT);
	}
	free(have.items);
	return err ? err : changes;
}

int rtnl_rules_remove(struct rtnl *rtnl, uint8_t family)
{
	struct rules have = { .n = 0 };
	int err = read_rules(rtnl, family, &have);
	size_t i;

	for (i = 0; !err && i < have.n; i++) {
		const struct rtnl_rule *rule = &have.items[i];

		err = rtnl_unless(change_rule(rtnl, RTM_DELRULE, 0, rule), ENOENT);
		if (!err && rule->table && rule->table != RT_TABLE_MAIN)
			err = rtnl_table_flush(rtnl, family, rule->table);
	}
	free(have.items);
	return err ? err : (int)i;
}
