/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table of routes that follows the main one. */
#ifndef ROAM_RTNL_MIRROR_H
#define ROAM_RTNL_MIRROR_H

#include <stdint.h>

#include "base/addr.h"
#include "rtnl/socket.h"

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

#endif
