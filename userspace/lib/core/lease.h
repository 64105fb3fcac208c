/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leases of home addresses by name (SES-15, SES-16): whoever is called (NAI,
 * sub-NAI) has that address, again and again, until it was released for a quiet
 * time; then it can be another's.
 *
 * Contract: a table without I/O and clock. It is found by both names and by
 * address, in constant time. A lease is bound (its end is MSEC_NEVER) or quiet. A
 * NAI's leases are counted, so that one can be kept from taking all addresses.
 */
#ifndef ROAM_CORE_LEASE_H
#define ROAM_CORE_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/table.h"
#include "base/time.h"
#include "wire/mip.h"

#define LEASE_NAMES_MAX (MIP_NAI_MAX + MIP_SUB_NAI_MAX)

/**
 * struct lease - who has an address
 * @addr: the address
 * @agent: home agent whose network it is of
 * @until: when it is free for others, MSEC_NEVER while it is bound; 0: it is none
 * @nai_len: bytes of the NAI
 * @sub_len: bytes of the sub-NAI, 0 without one
 * @names: the NAI, the sub-NAI
 */
struct lease {
	struct roam_addr addr;
	struct roam_addr agent;
	msec_t until;
	uint8_t nai_len;
	uint8_t sub_len;
	uint8_t names[LEASE_NAMES_MAX];
};

struct leases;

struct leases *leases_new(void);
void leases_free(struct leases *leases);

/* Whether that lease is the one of those names. */
bool lease_is_of(const struct lease *lease, const struct mip_names *names);
void lease_set_names(struct lease *lease, const struct mip_names *names);
struct mip_names lease_names(const struct lease *lease);

bool leases_find(const struct leases *leases, const struct mip_names *names,
		 struct lease *lease);
bool leases_at(const struct leases *leases, const struct roam_addr *addr,
	       struct lease *lease);
/*
 * Puts a lease in force, by its address; @until 0: there is none. False when out of
 * memory, or when the names have another address.
 */
bool leases_apply(struct leases *leases, const struct lease *lease);
size_t leases_count(const struct leases *leases);
/* Those of a NAI. */
size_t leases_of(const struct leases *leases, const uint8_t *nai, size_t len);
/* The highest Identification that a NAI with leases has used, 0: none that is known. */
uint64_t leases_last(const struct leases *leases, const uint8_t *nai,
		     size_t len);
void leases_advance(struct leases *leases, const uint8_t *nai, size_t len,
		    uint64_t id);
/*
 * The next free address of a range that @taken does not claim; false: there is
 * none. Addresses go round, so that one that was given back rests longest.
 */
bool leases_pick(struct leases *leases, const struct roam_addr *first,
		 const struct roam_addr *last,
		 bool (*taken)(void *ctx, const struct roam_addr *addr),
		 void *ctx, struct roam_addr *addr);
/* A lease whose quiet time is over; it stays until it is taken away. */
bool leases_due(const struct leases *leases, msec_t now, struct lease *lease);
msec_t leases_next(const struct leases *leases);
/* As ha_walk(): about @n leases from @at on; false: all were seen. */
bool leases_walk(const struct leases *leases, struct table_iter *at, size_t n,
		 void (*fn)(void *ctx, const struct lease *lease), void *ctx);

#define LEASE_LEN (18 + LEASE_NAMES_MAX)

/* As ha_state_encode() and ha_state_decode(). */
size_t lease_encode(const struct lease *lease, int64_t shift,
		    uint8_t buf[LEASE_LEN]);
size_t lease_decode(const uint8_t *buf, size_t len, int64_t shift,
		    struct lease *lease);

#endif
