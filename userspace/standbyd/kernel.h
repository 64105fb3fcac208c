/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the watcher needs of kernel.c: it has its own socket and no groups. */
#ifndef ROAM_STANDBYD_KERNEL_H
#define ROAM_STANDBYD_KERNEL_H

#include "base/addr.h"
#include "rtnl/socket.h"

/**
 * struct placement - where a group's addresses are while it serves
 * @mode: enum mac_mode
 * @link: index of the link
 * @device: index of the macvlan device
 * @vip: virtual address
 * @own: the link's own MAC address
 */
struct placement {
	uint8_t mode;
	unsigned int link;
	unsigned int device;
	struct roam_addr vip;
	uint8_t own[6];
};

/* Takes the addresses away; 0 or the first negative errno. */
int kernel_withdraw(struct rtnl *rtnl, const struct placement *p);

#endif
