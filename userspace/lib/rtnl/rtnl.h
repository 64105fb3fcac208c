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

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/addr.h"

/* What we set in the kernel carries this protocol number, and only that is
 * changed or removed by us. */
#define RTPROT_ROAM 77

struct rtnl;

/* The client, or NULL with a sentence in *error (caller frees). */
struct rtnl *rtnl_open(char **error);
void rtnl_close(struct rtnl *rtnl);

/* Index of a link, 0 if there is none of that name. */
unsigned int rtnl_link_index(const char *name);
/* A dummy device, up; one that is there already is taken as it is. */
int rtnl_dummy_ensure(struct rtnl *rtnl, const char *name, unsigned int *index);
/* An address on a link; there already is fine. */
int rtnl_addr_add(struct rtnl *rtnl, unsigned int index,
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
 * rtnl_rule_ensure() - "ipproto IPPROTO lookup TABLE" at a priority
 *
 * Return: 1 if it was missing and is there now, 0 if it was there, negative
 * errno else.
 */
int rtnl_rule_ensure(struct rtnl *rtnl, uint32_t priority, uint8_t ipproto,
		     uint32_t table);
int rtnl_rule_del(struct rtnl *rtnl, uint32_t priority, uint8_t ipproto,
		  uint32_t table);

/**
 * rtnl_table_mirror() - let a table hold the unicast routes of the main one
 * @rtnl: the client
 * @table: the table; holds nothing but the mirror
 * @prefsrc: preferred source of every route in it
 *
 * What is right already is not touched, so that no route's cache is lost and
 * no event is sent for nothing.
 *
 * Return: number of changes made, or negative errno.
 */
int rtnl_table_mirror(struct rtnl *rtnl, uint32_t table,
		      const struct roam_addr *prefsrc);
/* Removes every route of a table. */
int rtnl_table_flush(struct rtnl *rtnl, uint32_t table);

/* A socket that becomes readable when IPv4 links, addresses, routes or rules
 * change; -1 with errno. */
int rtnl_watch_open(void);
/* Reads what waits; true if something changed (lost events count as a change). */
bool rtnl_watch_read(int fd);

#endif
