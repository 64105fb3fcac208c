/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What answers of daemons and of the tool have in common. The conventions:
 *
 *   status      one object; begins with daemon, version and uptime
 *   counters    one flat object of whole numbers; drops are "drop_<reason>"
 *   tables      an array of objects, one for each row
 *   times       lengths of time in seconds, with a fraction (json_seconds());
 *		 a member whose name ends in _ms holds whole milliseconds
 *   no value    null
 */
#ifndef ROAM_IO_JSON_H
#define ROAM_IO_JSON_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"

/* Each returns a new reference. */

/* The address as a string, null for none. */
json_t *json_addr(const struct roam_addr *addr);
json_t *json_prefixes(const struct roam_prefix *prefixes, size_t n);
/* "192.0.2.1:4343", "[2001:db8::1]:4343" */
json_t *json_endpoint(const struct roam_addr *addr, uint16_t port);
/* A length of time. */
json_t *json_seconds(msec_t ms);
/* From @now until @when: 0 if it has passed, null for MSEC_NEVER. */
json_t *json_until(msec_t now, msec_t when);
/*
 * A status: daemon ("roam-lrd"), version and uptime since @started, then the
 * members of @more. Takes the reference of @more.
 */
json_t *json_status(const char *daemon, msec_t now, msec_t started,
		    json_t *more);
/* Adds the counter @prefix + @name; the prefix of drops is "drop_". */
void json_add_counter(json_t *object, const char *prefix, const char *name,
		      uint64_t value);

#endif
