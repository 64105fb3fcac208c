// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/places.h"

#include <stddef.h>

const char *places_unfit(const struct places *places,
			 const struct roam_addr *coa)
{
	if (!roam_addr_is_usable(coa))
		return "not the address of a host";
	if (roam_addr_is_link_local(coa))
		return "link-local";
	if (prefix_set_contains(places->internal, coa))
		return "internal by the configuration";
	if (prefix_set_contains(places->permanent, coa))
		return "in a prefix of permanent addresses";
	return NULL;
}
