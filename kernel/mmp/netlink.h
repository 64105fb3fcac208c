/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ROAM_MMP_NETLINK_H
#define ROAM_MMP_NETLINK_H

#include "mmp.h"

struct mmp_host;

int mmp_nl_init(void);
void mmp_nl_exit(void);
/* Tells listeners; lock held. @reason: enum roam_mmp_reason. */
void mmp_nl_event(struct mmp_net *mn, const struct mmp_host *host, u8 reason);

#endif
