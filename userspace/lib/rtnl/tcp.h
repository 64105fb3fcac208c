/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules that give TCP the permanent address as source.
 *
 * Permanent addresses live on a dummy link. TCP shall use them as source and
 * nothing else shall, since only what the module rewrites can use them away
 * from home. So a rule sends lookups for TCP to a table of our own that
 * mirrors the main one with the permanent address as preferred source; the
 * kernel's connect-time lookup carries the protocol, all others' do not match.
 * What is exempt from rewriting (TEN-11, OPEN-39, OPEN-40) has rules before that
 * one, which lead to the main table: it gets the care-of address. So have
 * link-local destinations, which are not mirrored.
 *
 * For a moment after a move the main table has ways that the mirror does not
 * have yet. A connection begun then would be bound to the care-of address and
 * break at the next move, without anybody knowing why: a last rule, right before
 * that of the main table, says that there is no way, as it did between the
 * networks (MLR-32).
 *
 * Whoever puts a rule before that of the main table means it: a VPN takes all there is,
 * a company's network goes into its tunnel. Ours never take precedence over such a rule,
 * whichever was there first (see rtnl_tcp_before()). And the care-of address belongs to
 * one link: what leaves by another one, to a container or a printer, keeps the address of
 * that one and is a connection like any other host's.
 *
 * Network managers remove foreign rules and routes when they restart, so
 * rtnl_tcp_keep() is called again and again; it changes only what is not right.
 */
#ifndef ROAM_RTNL_TCP_H
#define ROAM_RTNL_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "rtnl/socket.h"

/* The place of the last rule before that of the main table. */
#define RTNL_TCP_LAST 32765

/**
 * struct rtnl_tcp - what the rules are made of
 * @table: of our own, for the mirrored routes
 * @priority: of the rule that leads there; that of what is exempt is one less
 * @ports: exempt TCP ports, in both directions
 * @n_ports: their number
 * @mark: exempt mark
 * @mask: bits of it that count; 0: no mark is exempt
 * @ranges: exempt destinations of both families
 * @n_ranges: their number
 * @oif: link of the care-of address: what leaves by others stays as it is; 0: unknown,
 *	then nothing does
 * @leaving: the daemon ends, and cannot mirror any more: then any way is better
 *	than none
 */
struct rtnl_tcp {
	uint32_t table;
	uint32_t priority;
	const uint16_t *ports;
	size_t n_ports;
	uint32_t mark;
	uint32_t mask;
	const struct roam_prefix *ranges;
	size_t n_ranges;
	unsigned int oif;
	bool leaving;
};

/**
 * rtnl_tcp_before() - the place of the first of our rules, that of what is exempt
 * @wanted: place of the rule which leads to the table, as configured
 * @last: the highest priority of somebody else's rules before that of the main table
 *
 * The rule that leads to the table stands one further; at the end, right before the rule
 * of the main table, all of them have one place and stand in their order.
 */
uint32_t rtnl_tcp_before(uint32_t wanted, uint32_t last);

/* Takes back all that was set, for whatever address: rules, tables, links. */
int rtnl_tcp_withdraw(struct rtnl *rtnl);

/*
 * Table and rules of a family are as wanted for the permanent address @own; NULL:
 * there are none. Warns in the log about what cannot be done.
 */
void rtnl_tcp_keep(struct rtnl *rtnl, int family, const struct roam_addr *own,
		   const struct rtnl_tcp *tcp);

#endif
