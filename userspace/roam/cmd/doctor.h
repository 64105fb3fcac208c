/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the doctor's checks share, and how a module or a daemon adds its own. */
#ifndef ROAM_CMD_DOCTOR_H
#define ROAM_CMD_DOCTOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "genl/mangle.h"
#include "roam/list.h"

/**
 * struct findings - what the checks share
 * @rows: one object for each check
 * @failed: one of them failed
 * @config: settings of roam_mangle; no protocol where it does not answer
 * @mappings: struct mangle_mapping, what it holds
 * @addrs: addresses of this host
 * @links: its links
 * @ports: unsigned int, UDP ports that our daemons have open
 * @first_port: where in @ports those of the daemon at hand begin
 */
struct findings {
	json_t *rows;
	bool failed;
	struct mangle_config config;
	struct list mappings;
	struct list addrs;
	struct list links;
	struct list ports;
	size_t first_port;
};

enum finding { FINDING_OK, FINDING_WARN, FINDING_FAIL };

/**
 * finding_add() - say what a check found
 * @f: the findings
 * @check: a word or two
 * @verdict: FINDING_FAIL makes the doctor end with status 2
 * @fix: the command that mends it; NULL with FINDING_OK
 * @fmt: one sentence
 */
void finding_add(struct findings *f, const char *check, enum finding verdict,
		 const char *fix, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* What the doctor finds, one object for each check; *failed if one failed. */
json_t *doctor_findings(bool *failed);

#endif
