/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way that the kernel would choose. */
#ifndef ROAM_RTNL_ROUTE_H
#define ROAM_RTNL_ROUTE_H

#include <stdbool.h>

#include "base/addr.h"
#include "rtnl/socket.h"

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

#endif
