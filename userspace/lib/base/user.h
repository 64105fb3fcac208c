/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Users of this host, by the system's database. */
#ifndef ROAM_BASE_USER_H
#define ROAM_BASE_USER_H

#include <sys/types.h>

/**
 * user_group() - the group of whom a user trusts
 * @uid: the user
 *
 * It has the user's name, and nobody is in it but who was put there: so one daemon
 * is trusted by another one (SEC-16). Root's is old and has members who are not root.
 *
 * Return: the group, (gid_t)-1 where there is none.
 */
gid_t user_group(uid_t uid);

#endif
