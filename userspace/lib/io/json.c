// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/json.h"

#include <stdio.h>

#include "io/version.h"

json_t *json_addr(const struct roam_addr *addr)
{
	char buf[ROAM_ADDR_STRLEN];

	return roam_addr_is_none(addr) ? json_null() :
		json_string(roam_addr_format(addr, buf));
}

json_t *json_prefixes(const struct roam_prefix *prefixes, size_t n)
{
	json_t *array = json_array();
	char text[ROAM_PREFIX_STRLEN];

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array,
			json_string(roam_prefix_format(&prefixes[i], text)));
	return array;
}

json_t *json_endpoint(const struct roam_addr *addr, uint16_t port)
{
	char text[ROAM_ADDR_STRLEN];

	roam_addr_format(addr, text);
	return json_sprintf(roam_addr_is_v4(addr) ? "%s:%u" : "[%s]:%u", text,
			    port);
}

json_t *json_seconds(msec_t ms)
{
	return json_real(ms / 1000.0);
}

json_t *json_until(msec_t now, msec_t when)
{
	if (when == MSEC_NEVER)
		return json_null();
	return json_seconds(max_time(when - now, 0));
}

json_t *json_status(const char *daemon, msec_t now, msec_t started,
		    json_t *more)
{
	json_t *status = json_pack("{ss ss so}", "daemon", daemon, "version",
				   ROAM_VERSION, "uptime",
				   json_seconds(now - started));

	json_object_update_new(status, more);
	return status;
}

void json_add_counter(json_t *object, const char *prefix, const char *name,
		      uint64_t value)
{
	char key[64];

	snprintf(key, sizeof(key), "%s%s", prefix, name);
	json_object_set_new(object, key, json_integer(value));
}
