/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bindings, visitors, pending requests and leases as entries of the sync engine
 * (core/sync.h): keys and values of Documentation/protocols/sync.md. What the
 * members agree on comes first and makes the digest; what is left of lifetimes
 * stands behind it, so that clocks need not be in step (OPEN-43).
 */
#ifndef ROAM_CORE_AGENT_ENTRIES_H
#define ROAM_CORE_AGENT_ENTRIES_H

#include "core/foreign_agent.h"
#include "core/home_agent.h"

/** enum agent_entry - table types */
enum agent_entry {
	AGENT_BINDING = 1,	/* struct ha_state, by home address */
	AGENT_VISITOR = 2,	/* struct fa_visitor, by home address */
	AGENT_PENDING = 3,	/* likewise, by home address and low half of the Identification */
	AGENT_LEASE = 4,	/* struct lease, by its address */
};

#define AGENT_KEY_MAX 8
#define AGENT_BINDING_MAX (17 + HA_BINDINGS_MAX * 30 + 4)
#define AGENT_VISITOR_MAX (48 + LEASE_NAMES_MAX)
#define AGENT_LEASE_MAX (11 + LEASE_NAMES_MAX)

/* Bytes of the key; @id of a pending request. */
size_t agent_key(enum agent_entry type, const struct roam_addr *home,
		 uint64_t id, uint8_t key[AGENT_KEY_MAX]);
/* False if it is none. @id: low half. */
bool agent_key_read(enum agent_entry type, const uint8_t *key, size_t len,
		    struct roam_addr *home, uint32_t *id);

/* Return: length; the first *@digested bytes are the same everywhere. */
size_t agent_binding_encode(const struct ha_state *state, msec_t now,
			    uint8_t buf[AGENT_BINDING_MAX], size_t *digested);
/*
 * @state->home is set by the caller. Nothing is trusted: false if it is no state.
 * What is left of a lifetime is bounded by what was granted.
 */
bool agent_binding_decode(const uint8_t *buf, size_t len, msec_t now,
			  struct ha_state *state);
/* The link is named by the care-of address, as indexes are a host's own. */
size_t agent_visitor_encode(const struct fa_visitor *visitor, msec_t now,
			    uint8_t buf[AGENT_VISITOR_MAX], size_t *digested);
bool agent_visitor_decode(const uint8_t *buf, size_t len, msec_t now,
			  struct fa_visitor *visitor);
/* @lease->addr is set by the caller; a quiet one rests for a day at most. */
size_t agent_lease_encode(const struct lease *lease, msec_t now,
			  uint8_t buf[AGENT_LEASE_MAX], size_t *digested);
bool agent_lease_decode(const uint8_t *buf, size_t len, msec_t now,
			struct lease *lease);

#endif
