/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a node looks like: interfaces that take part, uplinks in their order, subnets
 * of the domain. Small, read by every packet, replaced as a whole.
 */
#ifndef ROAM_MMP_SHAPE_H
#define ROAM_MMP_SHAPE_H

#include <net/ipv6.h>

#include "hop.h"
#include "mmp.h"

#define MMP_UPLINKS_MAX 8
#define MMP_INTERFACES_MAX 64
#define MMP_RANGES_MAX 8

/** enum mmp_side - who is on an interface */
enum mmp_side {
	MMP_SIDE_OTHER,	/* it takes no part: the backbone */
	MMP_SIDE_NODES,
	MMP_SIDE_AIR,
};

/**
 * struct mmp_interface - an interface that takes part
 * @ifindex: its index
 * @side: who is on it
 */
struct mmp_interface {
	u32 ifindex;
	u8 side;
};

/**
 * struct mmp_range - a subnet
 * @addr: first address
 * @len: bits, in the 16-byte form
 */
struct mmp_range {
	struct in6_addr addr;
	u8 len;
};

/**
 * struct mmp_shape - see above
 * @uplinks: counted, the first one that works is used
 * @n_uplinks: their number
 * @n_interfaces: interfaces
 * @n_ranges: subnets
 * @interfaces: interfaces
 * @ranges: subnets
 * @rcu: frees it
 */
struct mmp_shape {
	struct mmp_hop *uplinks[MMP_UPLINKS_MAX];
	unsigned int n_uplinks;
	unsigned int n_interfaces;
	unsigned int n_ranges;
	struct mmp_interface interfaces[MMP_INTERFACES_MAX];
	struct mmp_range ranges[MMP_RANGES_MAX];
	struct rcu_head rcu;
};

static inline enum mmp_side mmp_side(const struct mmp_shape *shape, u32 ifindex)
{
	unsigned int i;

	for (i = 0; i < shape->n_interfaces; i++)
		if (shape->interfaces[i].ifindex == ifindex)
			return shape->interfaces[i].side;
	return MMP_SIDE_OTHER;
}

static inline bool mmp_in_ranges(const struct mmp_shape *shape,
				 const struct in6_addr *addr)
{
	unsigned int i;

	for (i = 0; i < shape->n_ranges; i++)
		if (ipv6_prefix_equal(addr, &shape->ranges[i].addr,
				      shape->ranges[i].len))
			return true;
	return false;
}

/* Does a packet come from above? */
static inline bool mmp_is_uplink(const struct mmp_shape *shape, u32 ifindex,
				 const u8 *mac)
{
	unsigned int i;

	for (i = 0; i < shape->n_uplinks; i++)
		if (mmp_hop_is(shape->uplinks[i], ifindex, mac))
			return true;
	return false;
}

/* A copy of the present one to be changed, or an empty one; mutex held. */
struct mmp_shape *mmp_shape_copy(struct mmp_net *mn);
/* Puts it in force; the uplinks of the one before are put. Mutex held. */
void mmp_shape_replace(struct mmp_net *mn, struct mmp_shape *shape);

#endif
