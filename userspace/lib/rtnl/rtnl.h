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

/* The priority of the rule of the main table. */
#define RTNL_RULE_MAIN 32766

/* What is written on a dummy link that we made. */
#define RTNL_DUMMY_ALIAS "permanent addresses of roam"

/* Index of a link, 0 if there is none of that name. */
unsigned int rtnl_link_index(const char *name);
/* A dummy device, up; one that is there already is taken as it is, and not removed by
 * rtnl_dummies_remove(). */
int rtnl_dummy_ensure(struct rtnl *rtnl, const char *name, unsigned int *index);
/*
 * An address on a link; there already is fine. An IPv6 one is usable at once and
 * deprecated: the kernel chooses it as source only where a route says so.
 */
int rtnl_addr_add(struct rtnl *rtnl, unsigned int index,
		  const struct roam_addr *addr);
int rtnl_addr_del(struct rtnl *rtnl, unsigned int index,
		  const struct roam_addr *addr);
/* The link that has an address which is neither on probation nor going; 0: none. */
unsigned int rtnl_addr_link(struct rtnl *rtnl, const struct roam_addr *addr);
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
 * rtnl_route_is_as_good() - can a host stay where it is?
 * @rtnl: the client
 * @dst: destination
 * @src: address of this host
 * @oif: link that @src should be on
 *
 * Two default routes of one metric are both the best: the kernel takes the one or the
 * other as it pleases.
 *
 * Return: true if @src is on that link, and a route by it is as good as the one that
 * the kernel would choose now, with carrier, and with a gateway that is not known to
 * be silent.
 */
bool rtnl_route_is_as_good(struct rtnl *rtnl, const struct roam_addr *dst,
			   const struct roam_addr *src, unsigned int oif);

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
/* Removes the links that rtnl_dummy_ensure() made; their number. */
int rtnl_dummies_remove(struct rtnl *rtnl);

/**
 * rtnl_table_mirror() - let a table hold the unicast routes of the main one
 * @rtnl: the client
 * @table: the table; holds nothing but the mirror
 * @prefsrc: preferred source of the routes in it; tells the family, too
 * @oif: only routes by this link get it, all others stay as they are; 0: all routes
 * @refused: set to the errno of a route that the kernel refused, or 0. That is the
 *	way of things while links come and go, and a fault if it lasts
 *
 * Link-local destinations are left out: nobody moves there.
 *
 * What is right already is not touched, so that no route's cache is lost and
 * no event is sent for nothing.
 *
 * Return: number of changes made, or negative errno.
 */
int rtnl_table_mirror(struct rtnl *rtnl, uint32_t table,
		      const struct roam_addr *prefsrc, unsigned int oif, int *refused);
/* Removes every route of a table and family. */
int rtnl_table_flush(struct rtnl *rtnl, uint8_t family, uint32_t table);

/* A socket that becomes readable when links, addresses, routes or rules change;
 * -1 with errno. */
int rtnl_watch_open(void);
/* Reads what waits; true if something changed (lost events count as a change). */
bool rtnl_watch_read(int fd);

#endif
