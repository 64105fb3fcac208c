/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Delivery to visitors: a packet leaves on the visitor's link for its link-layer
 * address. Its home address means nothing there, so no ARP can find it (MIP-55).
 */
#ifndef ROAM_TUNNEL_DELIVER_H
#define ROAM_TUNNEL_DELIVER_H

#include <linux/if_macvlan.h>
#include <linux/netdevice.h>

#include "table.h"

struct netlink_ext_ack;

/**
 * tunnel_link_get - the link with an index
 * @tn: namespace; lock held
 * @ifindex: index of the device
 * @extack: gets the cause of a refusal
 *
 * Return: the link with a reference, or ERR_PTR: -ENODEV, -EINVAL, -ENOMEM.
 */
struct tunnel_link *tunnel_link_get(struct tunnel_net *tn, u32 ifindex,
				struct netlink_ext_ack *extack);
void tunnel_link_put(struct tunnel_link *link);
/*
 * Is it the device of a link, or one on it? The address that several foreign agents share
 * has a device of its own there, with its own link-layer address (STBY-91).
 */
static inline bool tunnel_link_is(const struct tunnel_link *link,
				  const struct net_device *dev)
{
	return link->dev == dev || (netif_is_macvlan(dev) &&
				    macvlan_dev_real_dev(dev) == link->dev);
}

/* Are there visitors on a link? Lock held. */
bool tunnel_link_has(struct tunnel_net *tn, const struct net_device *dev);

#endif
