/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Says that something about links, addresses, routes or rules changed. */
#ifndef ROAM_RTNL_WATCH_H
#define ROAM_RTNL_WATCH_H

#include <stdbool.h>

/* A socket that becomes readable when links, addresses, routes or rules change;
 * -1 with errno. */
int rtnl_watch_open(void);
/* Reads what waits; true if something changed (lost events count as a change). */
bool rtnl_watch_read(int fd);

#endif
