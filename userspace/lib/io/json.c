// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/json.h"

json_t *json_addr(const struct roam_addr *addr)
{
	char buf[ROAM_ADDR_STRLEN];

	return roam_addr_is_none(addr) ? json_null() :
		json_string(roam_addr_format(addr, buf));
}
