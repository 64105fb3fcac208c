/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How addresses stand in JSON, in every daemon and in the tool. */
#ifndef ROAM_IO_JSON_H
#define ROAM_IO_JSON_H

#include <jansson.h>

#include "base/addr.h"

/* A new reference: the address as a string, null for none. */
json_t *json_addr(const struct roam_addr *addr);

#endif
