/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the watcher and the looking thread need of kernel.c: a socket, no groups. */
#ifndef ROAM_STANDBYD_KERNEL_H
#define ROAM_STANDBYD_KERNEL_H

#include <net/if.h>
#include <stdbool.h>

#include "base/addr.h"
#include "rtnl/socket.h"

/**
 * struct placement - where a group's addresses are while it serves
 * @mode: enum mac_mode
 * @link: index of the link
 * @device: index of the macvlan device
 * @link_name: name of the link
 * @vip: virtual address
 * @own: the link's own MAC address
 * @mac: the virtual one
 */
struct placement {
	uint8_t mode;
	unsigned int link;
	unsigned int device;
	char link_name[IFNAMSIZ];
	struct roam_addr vip;
	uint8_t own[6];
	uint8_t mac[6];
};

/*
 * Gives the placement its addresses (STBY-52). 0 or the first negative errno. It may
 * wait for others that hold the kernel's lock, as everything here.
 */
int kernel_adopt(struct rtnl *rtnl, const struct placement *p);
/*
 * Takes the address away, and with MAC_SWAP the MAC address: what others must
 * not find here any more. Short. 0 or the first negative errno.
 */
int kernel_withdraw(struct rtnl *rtnl, const struct placement *p);
/*
 * Takes the virtual MAC address out of the filter. The kernel waits for a grace
 * period meanwhile, tens of milliseconds: not for a thread that sends hellos.
 */
int kernel_withdraw_mac(struct rtnl *rtnl, const struct placement *p);

/**
 * struct link_state - how a link is
 * @name: interface
 * @index: 0 while it does not exist
 * @up: it exists, is up, has carrier and a primary address
 * @addr: first address that is no virtual one
 * @mac: MAC address
 */
struct link_state {
	char name[IFNAMSIZ];
	unsigned int index;
	bool up;
	struct roam_addr addr;
	uint8_t mac[6];
};

/*
 * How the link of that name is; @virtual are addresses that are not its own.
 * Any thread that has a socket of its own may ask.
 */
void kernel_look(struct rtnl *rtnl, struct link_state *link,
		 const struct roam_addr *virtual, size_t n_virtual);
bool kernel_link_is_up(struct rtnl *rtnl, const char *name);
bool kernel_has_route(struct rtnl *rtnl, const struct roam_prefix *prefix);

#endif
