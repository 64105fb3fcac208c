/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asks the routers of a link who serves a group (STBY-17, STBY-18): a Query of
 * Documentation/protocols/standby.md, for any program.
 */
#ifndef ROAM_IO_STANDBY_H
#define ROAM_IO_STANDBY_H

#include <stdbool.h>

#include "auth/auth.h"
#include "base/addr.h"
#include "base/time.h"

/* 1 to 32 printable characters, no space. */
bool standby_name_is_valid(const char *name);

/**
 * struct standby_answer - who serves a group
 * @vip: virtual address
 * @active: the active router's own address
 * @standby: the standby router's own address, all zero for none
 * @group: number
 * @priority: of the active router
 * @hello: hellotime, ms
 * @hold: holdtime, ms
 */
struct standby_answer {
	struct roam_addr vip;
	struct roam_addr active;
	struct roam_addr standby;
	uint16_t group;
	uint8_t priority;
	uint32_t hello;
	uint32_t hold;
};

/**
 * standby_query() - ask and wait
 * @name: of the group
 * @link: interface to ask on, NULL for that of the default route
 * @key: where the answer shall be proved, else NULL
 * @timeout: ms to wait for an answer; the question is repeated meanwhile
 * @answer: filled on success
 *
 * Return: NULL on success, else a sentence, caller frees.
 */
char *standby_query(const char *name, const char *link,
		    const struct auth_key *key, msec_t timeout,
		    struct standby_answer *answer);

#endif
