/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ROAM_COMPAT_NEWLINK_H
#define ROAM_COMPAT_NEWLINK_H

#include <net/rtnetlink.h>

/* Head of a function for rtnl_link_ops.newlink, with dev in its scope. */
#ifdef ROAM_NEWLINK_TAKES_PARAMS
#define ROAM_NEWLINK(name)						\
	static int name(struct net_device *dev,				\
			struct rtnl_newlink_params *params,		\
			struct netlink_ext_ack *extack)
#else
#define ROAM_NEWLINK(name)						\
	static int name(struct net *src_net, struct net_device *dev,	\
			struct nlattr *tb[], struct nlattr *data[],	\
			struct netlink_ext_ack *extack)
#endif

#endif
