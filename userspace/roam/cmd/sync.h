/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What roam doctor says about tables in step with other agents. */
#ifndef ROAM_CMD_SYNC_H
#define ROAM_CMD_SYNC_H

#include "roam/cmd/doctor.h"

/* Asks roam-agentd; nothing where it has no other agents. */
void sync_check(struct findings *f);

#endif
