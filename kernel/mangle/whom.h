/* SPDX-License-Identifier: GPL-2.0-only */
/* Whom the addresses on the wire stand for. */
#ifndef ROAM_MANGLE_WHOM_H
#define ROAM_MANGLE_WHOM_H

#include "../core/rewrite.h"
#include "table.h"

/**
 * struct mangle_wire - whose care-of addresses a packet on the wire carries
 * @to: endpoint at its destination, or NULL
 * @from: endpoint at its source, or NULL
 */
struct mangle_wire {
	struct mangle_endpoint *to;
	struct mangle_endpoint *from;
};

/*
 * The destination can stand for an own address, the source for a remote one: a
 * host without such mappings does not look. False if there is neither.
 */
static inline bool mangle_wire_find(struct mangle_table *table,
				    const struct in6_addr *saddr,
				    const struct in6_addr *daddr,
				    struct mangle_wire *wire)
{
	wire->to = mangle_has(table, ROAM_MANGLE_ROLE_OWN) ?
		   mangle_endpoint_find(table, daddr) : NULL;
	wire->from = mangle_has(table, ROAM_MANGLE_ROLE_REMOTE) ?
		     mangle_endpoint_find(table, saddr) : NULL;
	return wire->to || wire->from;
}

/**
 * struct mangle_whom - whom the addresses of a received packet stand for
 * @own: mapping of its destination, a care-of address of ours; or NULL
 * @peer: mapping of its source, a mobile host's care-of address; or NULL
 */
struct mangle_whom {
	struct mangle_mapping *own;
	struct mangle_mapping *peer;
};

/*
 * A mobile host in literal mode does not use its care-of address as source, but
 * what we sent it had it as destination: @quoted. False if there is nothing to do.
 *
 * What comes from a mobile host may be for somebody else: whoever asks looks at
 * the destination as well, see roam_addr_is_local().
 */
static __always_inline bool mangle_whom_find(const struct mangle_wire *wire,
					     bool quoted, struct mangle_whom *whom)
{
	struct mangle_mapping *mapping;

	whom->own = NULL;
	whom->peer = NULL;
	mapping = wire->to ? wire->to->mapping : NULL;
	if (mapping && mapping->role == ROAM_MANGLE_ROLE_OWN) {
		whom->own = mapping;
		mangle_mapping_touch(mapping);
	}
	mapping = wire->from ? wire->from->mapping : NULL;
	if (mapping && mapping->role == ROAM_MANGLE_ROLE_REMOTE &&
	    (quoted || READ_ONCE(mapping->mode) == ROAM_MANGLE_MODE_SYMMETRIC)) {
		whom->peer = mapping;
		mangle_mapping_touch(mapping);
	}
	return whom->own || whom->peer;
}

/* The addresses that the sockets of a received packet know. */
static inline struct roam_pair6
mangle_whom_pair(const struct mangle_whom *whom, const struct roam_pair6 *wire)
{
	return (struct roam_pair6){
		.saddr = whom->peer ? whom->peer->perm : wire->saddr,
		.daddr = whom->own ? whom->own->perm : wire->daddr,
	};
}

#endif
