/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who else manages an interface of this host. */
#ifndef ROAM_ROAM_CMD_MANAGER_H
#define ROAM_ROAM_CMD_MANAGER_H

#include <stddef.h>

#define MANAGER_FIX_LEN 160

/**
 * struct manager - a program that gives an interface addresses
 * @name: of the program
 * @fix: how it is told to leave the interface alone
 */
struct manager {
	const char *name;
	char fix[MANAGER_FIX_LEN];
};

/* Managers of @link, at most @max; their number. */
size_t managers_find(const char *link, struct manager *managers, size_t max);

#endif
