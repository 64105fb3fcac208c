/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device of kind roam: what is sent to it goes through the tunnel of its
 * destination, what comes out of a tunnel is received on it.
 */
#ifndef ROAM_TUNNEL_DEVICE_H
#define ROAM_TUNNEL_DEVICE_H

#include <linux/inetdevice.h>
#include <linux/netdevice.h>

#include "tunnel.h"

struct rtable;

/**
 * struct tunnel_device - private part of the device
 * @list: in tunnel_net.devices; tunnel_net.lock
 * @tn: its namespace
 * @dev: the device
 * @enter: route of forwarded and own packets into the device
 */
struct tunnel_device {
	struct list_head list;
	struct tunnel_net *tn;
	struct net_device *dev;
	struct rtable *enter;
};

/* A device of kind roam by its index, 0: the only one; lock held. Or NULL. */
struct net_device *tunnel_device_get(struct tunnel_net *tn, u32 ifindex);

/*
 * The strict check of sources, of a whole host perhaps, would drop what comes out of a
 * tunnel: be it the loose one for this device.
 */
static inline void tunnel_device_let_in(struct net_device *dev)
{
	struct in_device *in_dev = __in_dev_get_rcu(dev);

	if (in_dev && unlikely(IN_DEV_RPFILTER(in_dev) == 1))
		IN_DEV_CONF_SET(in_dev, RP_FILTER, 2);
}

/* Is it a device of kind roam? */
bool tunnel_device_is(const struct net_device *dev);

int tunnel_device_init(void);
void tunnel_device_exit(void);
/* Removes the devices of a namespace; RTNL held. */
void tunnel_device_remove_all(struct tunnel_net *tn, struct list_head *kill);

#endif
