/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Our rules of policy routing: who looks in which table. */
#ifndef ROAM_RTNL_RULE_H
#define ROAM_RTNL_RULE_H

#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "rtnl/socket.h"

/* The priority of the rule of the main table. */
#define RTNL_RULE_MAIN 32766

/**
 * struct rtnl_rule - a rule, all zero where it does not care
 * @family: AF_INET or AF_INET6
 * @ipproto: IPPROTO_*
 * @sport: source port
 * @dport: destination port
 * @priority: its place in the order
 * @table: the table that it leads to; 0: it says that there is no way (ENETUNREACH)
 * @mark: with @mask, the mark of a packet or socket
 * @mask: bits of @mark that count
 * @dst: destination
 */
struct rtnl_rule {
	uint8_t family;
	uint8_t ipproto;
	uint16_t sport;
	uint16_t dport;
	uint32_t priority;
	uint32_t table;
	uint32_t mark;
	uint32_t mask;
	struct roam_prefix dst;
};

/**
 * rtnl_rules_keep() - exactly these rules are ours
 * @rtnl: the client
 * @family: of all of them
 * @rules: each zeroed before it was filled in, so that they can be compared
 * @n: their number
 *
 * Rules with our protocol number that are not among them go, missing ones come. Those
 * of one priority stand in the order of @rules, behind everybody else's.
 *
 * Return: number of changes made, or negative errno.
 */
int rtnl_rules_keep(struct rtnl *rtnl, uint8_t family,
		    const struct rtnl_rule *rules, size_t n);

/* The highest priority of a rule of somebody else before that of the main table, 0: there
 * is none. */
int rtnl_rules_last(struct rtnl *rtnl, uint8_t family, uint32_t *last);
/* Removes our rules, and the routes of the tables that they lead to; their number. */
int rtnl_rules_remove(struct rtnl *rtnl, uint8_t family);

#endif
