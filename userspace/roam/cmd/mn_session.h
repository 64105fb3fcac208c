/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A program with a session of its own. */
#ifndef ROAM_CMD_MN_SESSION_H
#define ROAM_CMD_MN_SESSION_H

/*
 * Runs a command behind the session of that name, until it ends; @argv ends with NULL.
 * Returns its exit status, or that of the tool when it did not begin.
 */
int mn_session_run(const char *name, char **argv);

#endif
