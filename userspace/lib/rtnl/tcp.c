// SPDX-License-Identifier: GPL-2.0-or-later
#include "rtnl/tcp.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "io/log.h"
#include "rtnl/link.h"
#include "rtnl/mirror.h"
#include "rtnl/rule.h"

/* So often in a row it is no matter of links that come and go. */
#define REFUSALS 5

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

static void add_exempt(struct rules *rules, const struct rtnl_tcp *tcp, uint32_t before)
{
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

static uint32_t at_most(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

uint32_t rtnl_tcp_before(uint32_t wanted, uint32_t last)
{
	return at_most(last + 1 < wanted - 1 ? wanted - 1 : last + 1, RTNL_TCP_LAST);
}

static int keep_rules(struct rtnl *rtnl, int family, bool wanted,
		      const struct rtnl_tcp *tcp)
{
	struct rules rules = { .family = family };
	uint32_t priority, before, last;
	int ret;

	ret = rtnl_rules_last(rtnl, family, &last);
	if (ret)
		return ret;
	before = rtnl_tcp_before(tcp->priority, last);
	priority = at_most(before + 1, RTNL_TCP_LAST);

	/* Both ways of each port, the mark, each range, and three more. */
	rules.items = calloc(2 * tcp->n_ports + tcp->n_ranges + 4,
			     sizeof(*rules.items));
	if (!rules.items)
		return -ENOMEM;
	if (wanted) {
		add_exempt(&rules, tcp, before);
		add_rule(&rules, priority, tcp->table);
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
	/* How often in a row the kernel refused a route, for each family. */
	static unsigned int refusals[2];
	unsigned int *n = &refusals[family == AF_INET6];
	int ret, refused = 0;

	if (own)
		ret = rtnl_table_mirror(rtnl, tcp->table, own, tcp->oif, &refused);
	else
		ret = rtnl_table_flush(rtnl, family, tcp->table);
	*n = refused ? *n + 1 : 0;
	if (*n == REFUSALS)
		log_warning("the kernel does not take a route of the main table in table %u: %s; TCP has no way where only that one leads",
			    tcp->table, strerror(-refused));
	if (ret < 0)
		log_warning("cannot keep route table %u: %s", tcp->table,
			    strerror(-ret));
	ret = keep_rules(rtnl, family, own, tcp);
	if (ret < 0)
		log_warning("cannot keep the rules %u and %u: %s",
			    tcp->priority - 1, tcp->priority, strerror(-ret));
}

int rtnl_tcp_withdraw(struct rtnl *rtnl)
{
	int v4 = rtnl_rules_remove(rtnl, AF_INET);
	int v6 = rtnl_rules_remove(rtnl, AF_INET6);
	int links = rtnl_dummies_remove(rtnl);

	if (v4 < 0 || v6 < 0)
		return v4 < 0 ? v4 : v6;
	return links < 0 ? links : v4 + v6 + links;
}
