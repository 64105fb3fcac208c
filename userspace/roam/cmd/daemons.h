/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemons that the tool can ask. */
#ifndef ROAM_CMD_DAEMONS_H
#define ROAM_CMD_DAEMONS_H

/**
 * struct daemon_entry - one daemon
 * @object: object of the tool that shows it
 * @daemon: name of its socket and, behind "roam-", of its program
 */
struct daemon_entry {
	const char *object;
	const char *daemon;
};

/* Ends with a NULL object. */
extern const struct daemon_entry daemons[];

#endif
