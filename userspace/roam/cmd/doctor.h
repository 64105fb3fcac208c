/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ROAM_CMD_DOCTOR_H
#define ROAM_CMD_DOCTOR_H

#include <jansson.h>
#include <stdbool.h>

/* What the doctor finds, one object for each check; *failed if one failed. */
json_t *doctor_findings(bool *failed);

#endif
