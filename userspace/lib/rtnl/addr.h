/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses of this host by rtnetlink. */
#ifndef ROAM_RTNL_ADDR_H
#define ROAM_RTNL_ADDR_H

#include "base/addr.h"
#include "rtnl/socket.h"

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

#endif
