/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel says about this host: addresses, links, routes, rules. */
#ifndef ROAM_HOST_H
#define ROAM_HOST_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "roam/list.h"

/**
 * struct host_link - a link
 * @index: its number
 * @name: its name
 * @kind: "dummy", "veth", ...; empty for a device of hardware
 * @type: ARPHRD_*
 * @up: it is up
 * @loopback: it leads nowhere else
 * @xdp: id of the XDP program on it, 0 for none
 * @ingress: kind of the first traffic control filter at its ingress, "tcx" for a
 *	program attached without a queueing discipline; empty for none
 */
struct host_link {
	unsigned int index;
	char name[IF_NAMESIZE];
	char kind[32];
	uint16_t type;
	bool up;
	bool loopback;
	uint32_t xdp;
	char ingress[32];
};

/**
 * struct host_addr - an address of this host
 * @addr: the address
 * @device: the link that has it
 */
struct host_addr {
	struct roam_addr addr;
	char device[IF_NAMESIZE];
};

/**
 * struct host_route - where packets to a destination go
 * @src: source that the kernel would choose, all zero for none
 * @gateway: next hop, all zero for none
 * @device: link
 * @table: route table
 * @local: the destination is this host
 */
struct host_route {
	struct roam_addr src;
	struct roam_addr gateway;
	char device[IF_NAMESIZE];
	uint32_t table;
	bool local;
};

/* Lists of struct host_link and struct host_addr; the caller frees them. */
struct list host_links(void);
/* Fills in @ingress of each link: a question for each, so only where it matters. */
void host_read_ingress(struct list *links);
struct list host_addrs(void);
/* The entry of an address, or NULL. */
const struct host_addr *host_addr_find(const struct list *addrs,
				       const struct roam_addr *addr);

/**
 * host_route() - the way to a destination
 * @dst: destination
 * @src: source the packet has, or NULL if the kernel is to choose
 * @ipproto: IP protocol, for the rules that look at it; 0: none
 * @route: the answer
 *
 * Return: 0, or negative errno (-ENETUNREACH: no route).
 */
int host_route(const struct roam_addr *dst, const struct roam_addr *src,
	       uint8_t ipproto, struct host_route *route);

/* True if a rule sends this protocol to a table of its own. */
bool host_has_rule(uint8_t family, uint8_t ipproto);

/**
 * host_tunnel_of() - the tunnel that serves an address
 * @addr: a permanent address
 * @device: set to the name of the tunnel's link (IF_NAMESIZE bytes)
 *
 * An address is served by a tunnel if a tunnel link has it, or if a route for
 * it alone leads into one: so a home agent and a mobile host of Mobile IP look.
 * Read once, for all commands of a batch.
 */
bool host_tunnel_of(const struct roam_addr *addr, char *device);

/* A number from a file of /proc or /sys, -1 if there is none. */
int host_read_number(const char *path);
/* First line of such a file; empty if there is none. */
void host_read_line(const char *path, char *buf, size_t len);

#endif
