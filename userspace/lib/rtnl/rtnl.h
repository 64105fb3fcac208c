/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rtnetlink on libmnl: the few requests that the daemons make, and a watch
 * that says "something about addresses, links, routes or rules changed".
 *
 * Blocking requests on one socket, events on another. Errors come back as
 * negative errno.
 */
#ifndef ROAM_RTNL_RTNL_H
#define ROAM_RTNL_RTNL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "rtnl/socket.h"

/* What we set in the kernel carries this protocol number, and only that is
 * changed or removed by us. */
#define RTPROT_ROAM 77

/* Index of a link, 0 if there is none of that name. */
unsigned int rtnl_link_index(const char *name);
/* A dummy device, up; one that is there already is taken as it is. */
int rtnl_dummy_ensure(struct rtnl *rtnl, const char *name, unsigned int *index);
/*
 * An address on a link; there already is fine. An IPv6 one is usable at once and
 * deprecated: the kernel chooses it as source only where a route says so.
 */
int rtnl_addr_add(struct rtnl *rtnl, unsigned int index,
		  const struct roam_addr *addr);
/* 1 if another link than @index has the address, 0 if none, or negative errno. */
int rtnl_addr_elsewhere(struct rtnl *rtnl, unsigned int index,
			const struct roam_addr *addr);

/**
 * rtnl_route_get() - the way to a destination
 * @rtnl: the client
 * @dst: destination
 * @src: set to the source address that the kernel would choose
 * @oif: set to the link, may be NULL
 *
 * Return: 0, or negative errno (-ENETUNREACH: no route).
 */
int rtnl_route_get(struct rtnl *rtnl, const struct roam_addr *dst,
		   struct roam_addr *src, unsigned int *oif);

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
 * Rules with our protocol number that are not among them go, missing ones come.
 *
 * Return: number of changes made, or negative errno.
 */
int rtnl_rules_keep(struct rtnl *rtnl, uint8_t family,
		    const struct rtnl_rule *rules, size_t n);

/**
 * rtnl_table_mirror() - let a table hold the unicast routes of the main one
 * @rtnl: the client
 * @table: the table; holds nothing but the mirror
 * @prefsrc: preferred source of every route in it; tells the family, too
 *
 * Link-local destinations are left out: nobody moves there.
 *
 * What is right already is not touched, so that no route's cache is lost and
 * no event is sent for nothing.
 *
 * Return: number of changes made, or negative errno.
 */
int rtnl_table_mirror(struct rtnl *rtnl, uint32_t table,
		      const struct roam_addr *prefsrc);
/* Removes every route of a table and family. */
int rtnl_table_flush(struct rtnl *rtnl, uint8_t family, uint32_t table);

/* A socket that becomes readable when links, addresses, routes or rules change;
 * -1 with errno. */
int rtnl_watch_open(void);
/* Reads what waits; true if something changed (lost events count as a change). */
bool rtnl_watch_read(int fd);

#endif
