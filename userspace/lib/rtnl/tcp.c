// SPDX-License-Identifier: GPL-2.0-or-later
#include "rtnl/tcp.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "io/log.h"

/* struct rules - of one family; @items is large enough for all of them */
struct rules {
	struct rtnl_rule *items;
	size_t n;
	int family;
};

static struct rtnl_rule *add_rule(struct rules *rules, uint32_t priority,
				  uint32_t table)
{
	struct rtnl_rule *rule = &rules->items[rules->n++];

	rule->family = rules->family;
	rule->ipproto = IPPROTO_TCP;
	rule->priority = priority;
	rule->table = table;
	return rule;
}

static void add_exempt(struct rules *rules, const struct rtnl_tcp *tcp)
{
	const uint32_t before = tcp->priority - 1;
	struct rtnl_rule *rule;

	for (size_t i = 0; i < tcp->n_ports; i++) {
		rule = add_rule(rules, before, RT_TABLE_MAIN);
		rule->dport = tcp->ports[i];
		rule = add_rule(rules, before, RT_TABLE_MAIN);
		rule->sport = tcp->ports[i];
	}
	if (tcp->mask) {
		rule = add_rule(rules, before, RT_TABLE_MAIN);
		rule->mark = tcp->mark;
		rule->mask = tcp->mask;
	}
	for (size_t i = 0; i < tcp->n_ranges; i++) {
		if (rtnl_family(&tcp->ranges[i].addr) != rules->family)
			continue;
		rule = add_rule(rules, before, RT_TABLE_MAIN);
		rule->dst = tcp->ranges[i];
	}
	rule = add_rule(rules, before, RT_TABLE_MAIN);
	roam_prefix_parse(rules->family == AF_INET ? "169.254.0.0/16" :
						     "fe80::/10", &rule->dst);
}

static int keep_rules(struct rtnl *rtnl, int family, bool wanted,
		      const struct rtnl_tcp *tcp)
{
	struct rules rules = { .family = family };
	int ret;

	/* Both ways of each port, the mark, each range, and three more. */
	rules.items = calloc(2 * tcp->n_ports + tcp->n_ranges + 4,
			     sizeof(*rules.items));
	if (!rules.items)
		return -ENOMEM;
	if (wanted) {
		add_exempt(&rules, tcp);
		add_rule(&rules, tcp->priority, tcp->table);
		if (!tcp->leaving)
			add_rule(&rules, RTNL_TCP_LAST, 0);
	}
	ret = rtnl_rules_keep(rtnl, family, rules.items, rules.n);
	free(rules.items);
	return ret;
}

void rtnl_tcp_keep(struct rtnl *rtnl, int family, const struct roam_addr *own,
		   const struct rtnl_tcp *tcp)
{
	int ret;

	if (own)
		ret = rtnl_table_mirror(rtnl, tcp->table, own);
	else
		ret = rtnl_table_flush(rtnl, family, tcp->table);
	if (ret < 0)
		log_warning("cannot keep route table %u: %s", tcp->table,
			    strerror(-ret));
	ret = keep_rules(rtnl, family, own, tcp);
	if (ret < 0)
		log_warning("cannot keep the rules %u and %u: %s",
			    tcp->priority - 1, tcp->priority, strerror(-ret));
}
