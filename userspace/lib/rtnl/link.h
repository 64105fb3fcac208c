/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interfaces and neighbours by rtnetlink, and a default router by its link. */
#ifndef ROAM_RTNL_LINK_H
#define ROAM_RTNL_LINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "rtnl/socket.h"

/**
 * struct rtnl_link - an interface with link-layer addresses of 6 bytes
 * @index: its index
 * @name: its name
 * @mac: its link-layer address
 * @up: administratively up, with carrier
 * @changes: how often the carrier came or went
 */
struct rtnl_link {
	uint32_t index;
	char name[IF_NAMESIZE];
	uint8_t mac[6];
	bool up;
	uint32_t changes;
};

/* What is written on a dummy link that we made. */
#define RTNL_DUMMY_ALIAS "permanent addresses of roam"

/* Index of a link, 0 if there is none of that name. */
unsigned int rtnl_link_index(const char *name);
/*
 * A dummy device, up; one that is there already is taken as it is, and not removed by
 * rtnl_dummies_remove().
 */
int rtnl_dummy_ensure(struct rtnl *rtnl, const char *name, unsigned int *index);
/* Removes the links that rtnl_dummy_ensure() made; their number. */
int rtnl_dummies_remove(struct rtnl *rtnl);
/* A device of the module roam_tunnel, up; one that is there already is taken as it is. */
int rtnl_tunnel_ensure(struct rtnl *rtnl, const char *name, unsigned int *index);

/* Calls @fn for each; 0 or negative errno. */
int rtnl_link_dump(struct rtnl *rtnl,
		   void (*fn)(void *ctx, const struct rtnl_link *link),
		   void *ctx);

/* The link-local IPv6 address that a link-layer address makes (RFC 4291 A). */
struct roam_addr rtnl_link_local(const uint8_t mac[6]);

/**
 * rtnl_default_set() - our default route, by a neighbour that is known by its
 *	link-layer address
 * @rtnl: the client
 * @family: AF_INET or AF_INET6
 * @index: the interface
 * @router: the neighbour; an IPv6 address does for IPv4 packets as well
 * @mac: its link-layer address, so that nobody has to ask for it
 * @prefsrc: preferred source, or NULL
 *
 * Return: 0 or negative errno.
 */
int rtnl_default_set(struct rtnl *rtnl, uint8_t family, uint32_t index,
		     const struct roam_addr *router, const uint8_t mac[6],
		     const struct roam_addr *prefsrc);
/*
 * Our route to one host: by @via, or where that is NULL on the link @index itself.
 * 0 or negative errno.
 */
int rtnl_host_set(struct rtnl *rtnl, const struct roam_addr *host,
		  const struct roam_addr *via, uint32_t index);
int rtnl_host_del(struct rtnl *rtnl, const struct roam_addr *host);
/* Removes it; there being none is fine. */
int rtnl_default_del(struct rtnl *rtnl, uint8_t family);

#endif
