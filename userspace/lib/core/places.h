/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which addresses can be a care-of address at all (SEC-02). Register and
 * correspondent ask this before they ask who has shown what.
 */
#ifndef ROAM_CORE_PLACES_H
#define ROAM_CORE_PLACES_H

#include "base/addr.h"
#include "base/prefixes.h"

/**
 * struct places - what the configuration says about care-of addresses
 * @permanent: where permanent addresses are, not owned: a care-of address there
 *	would have another mobile host's packets go astray, or go round; NULL: none
 * @internal: addresses that are for nobody from outside, not owned; NULL: none
 */
struct places {
	const struct prefix_set *permanent;
	const struct prefix_set *internal;
};

/* NULL if @coa may be one; else what it is, to stand behind "is". */
const char *places_unfit(const struct places *places,
			 const struct roam_addr *coa);

#endif
