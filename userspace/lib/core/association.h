/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mobility security associations (RFC 5944 1.6, 3.5, 5.1): with which key,
 * algorithm and replay protection two nodes authenticate their messages, by SPI.
 */
#ifndef ROAM_CORE_ASSOCIATION_H
#define ROAM_CORE_ASSOCIATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/auth.h"
#include "base/time.h"
#include "wire/mip.h"

/* Several, so that a key can be changed without an outage (OPEN-27). */
#define SA_PER_PEER 4
#define SA_WINDOW 7000		/* ms, RFC 5944 5.7.1 */

enum sa_replay { SA_TIMESTAMPS, SA_NONCES };

/**
 * struct sa - one association
 * @spi: its number, agreed on by both
 * @algorithm: of the authenticator
 * @replay: how repeated messages are told, mobile node and home agent only
 * @window: by how much clocks may differ, ms
 * @key: the secret, not owned
 */
struct sa {
	uint32_t spi;
	enum auth_algorithm algorithm;
	enum sa_replay replay;
	uint32_t window;
	const struct auth_key *key;
};

/**
 * struct sa_set - all associations with one peer; what is sent is signed with
 * the first
 * @n: their number; 0: there is none with it
 * @items: the associations
 */
struct sa_set {
	unsigned int n;
	struct sa items[SA_PER_PEER];
};

/** enum sa_result - what an authentication extension proves */
enum sa_result {
	SA_VALID,
	SA_MISSING,
	SA_DOUBLE,	/* more than one where exactly one is allowed */
	SA_UNKNOWN,	/* no association with that SPI */
	SA_WRONG,	/* the authenticator does not match */
};

/* The association with that SPI, or NULL. */
const struct sa *sa_find(const struct sa_set *set, uint32_t spi);
/**
 * sa_check() - judge the authentication extension of one type
 * @set: associations with the peer
 * @msg: the message
 * @type: of the extension
 * @sa: with SA_VALID set to the association, else NULL
 * @e: set to the extension where there is one, else NULL
 *
 * Exactly one extension of the type must be there (RFC 5944 3.7.2.1, 3.8.2.1).
 */
enum sa_result sa_check(const struct sa_set *set, const struct mip_msg *msg,
			uint8_t type, const struct sa **sa,
			const struct mip_extension **e);
/* Appends an extension that covers all that is written so far. */
void sa_sign(const struct sa *sa, struct mip_writer *w, uint8_t type);

/* Wall clock in ns since 1970 as the 64 bits of NTP, RFC 5944 5.7.1. */
uint64_t sa_timestamp(uint64_t wall);
/* How far @id is from the wall clock, ms. */
uint64_t sa_clock_distance(uint64_t id, uint64_t wall);

#endif
