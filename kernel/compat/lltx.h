/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ROAM_COMPAT_LLTX_H
#define ROAM_COMPAT_LLTX_H

#include <linux/netdevice.h>

/* A device that sends without a lock and stays in its namespace. */
static inline void roam_device_lltx(struct net_device *dev)
{
#ifdef ROAM_DEVICE_HAS_LLTX
	dev->lltx = true;
	dev->netns_immutable = true;
#else
	dev->features |= NETIF_F_LLTX | NETIF_F_NETNS_LOCAL;
#endif
}

#endif
