/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of DRCP, address configuration in one round trip, byte by byte as in
 * Documentation/protocols/drcp.md. Codec only: no keys, no I/O.
 */
#ifndef ROAM_WIRE_DRCP_H
#define ROAM_WIRE_DRCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define DRCP_PORT 17438
#define DRCP_VERSION 1
#define DRCP_HEADER_LEN 32
#define DRCP_AUTH_LEN 16
#define DRCP_SUBNETS_MAX 8
#define DRCP_SUBNET_LEN 36
#define DRCP_SEALED_LEN 32
#define DRCP_MAX_LEN \
	(DRCP_HEADER_LEN + 8 + DRCP_SUBNETS_MAX * DRCP_SUBNET_LEN + DRCP_AUTH_LEN)

enum drcp_type {
	DRCP_ADVERTISEMENT = 1,
	DRCP_SOLICITATION = 2,
	DRCP_REQUEST = 3,
	DRCP_ASSIGNMENT = 4,
	DRCP_RELEASE = 5,
	DRCP_DECLINE = 6,
};

enum drcp_status {
	DRCP_OK = 0,
	DRCP_EXHAUSTED = 1,	/* no address is free */
	DRCP_NO_SUBNET = 2,	/* this server has no such subnet here */
	DRCP_STALE = 3,		/* the request is not newer than the last one */
	DRCP_LATER = 4,		/* the server cannot promise anything now */
	DRCP_RELEASED = 5,	/* the address is given back */
};

/**
 * struct drcp_subnet - a subnet that a server configures
 * @prefix: its addresses
 * @router: default router for it, all zero: who sends the advertisement
 */
struct drcp_subnet {
	struct roam_prefix prefix;
	struct roam_addr router;
};

/**
 * struct drcp_msg - a decoded message
 * @type: enum drcp_type
 * @status: assignment: enum drcp_status
 * @key_id: of the domain key, 0: none, for guests
 * @server: number of the server: random, once and for all
 * @epoch: of the server; higher after each start
 * @seq: number of its advertisement, that is sent or was heard last
 * @stamp: of the client: higher in each message of its; in an assignment that of the
 *	request
 * @period: advertisement: ms until the next one
 * @n_subnets: advertisement
 * @subnets: advertisement
 * @client: link-layer address of the client
 * @subnet: request: the subnet that an address is wanted of
 * @addr: assignment, release, decline: the address; request: the one that the client
 *	has, or none
 * @lease: assignment: seconds that it holds
 * @router: assignment: as in struct drcp_subnet
 * @dns: assignment: a name server, or none
 * @mmp_key: assignment: id of MMP's domain key that the address's own one is made from,
 *	0: none comes along
 * @sealed: assignment: that key, for the client alone
 */
struct drcp_msg {
	uint8_t type;
	uint8_t status;
	uint32_t key_id;
	uint64_t server;
	uint32_t epoch;
	uint32_t seq;
	uint64_t stamp;
	uint32_t period;
	uint8_t n_subnets;
	struct drcp_subnet subnets[DRCP_SUBNETS_MAX];
	uint8_t client[6];
	struct roam_prefix subnet;
	struct roam_addr addr;
	uint32_t lease;
	struct roam_addr router;
	struct roam_addr dns;
	uint32_t mmp_key;
	uint8_t sealed[DRCP_SEALED_LEN];
};

/** enum drcp_drop - why a message was not accepted; each is a counter. */
enum drcp_drop {
	DRCP_DROP_NONE,		/* accepted */
	DRCP_DROP_LENGTH,
	DRCP_DROP_VERSION,
	DRCP_DROP_TYPE,
	DRCP_DROP_RESERVED,	/* bytes that must be zero are not */
	DRCP_DROP_ADDRESS,	/* an address or prefix that cannot be one */
	DRCP_DROP_KEY,		/* key id unknown, or guests are not served */
	DRCP_DROP_AUTH,		/* authenticator does not match */
	DRCP_DROP_REPLAY,	/* a number that is not new */
	DRCP_DROP_SOURCE,	/* not from the client's link-layer address */
	DRCP_DROP_SERVER,	/* for or from another server */
	DRCP_DROP_UNASKED,	/* an assignment that nobody waits for */
	DRCP_DROP_ROLE,		/* this side does not take that type */
	DRCP_DROP_LIMIT,	/* a table is full, or a sender too fast */
	DRCP_DROP_MAX
};

/* Short name of a drop reason, as in the protocol page ("length", "auth"). */
const char *drcp_drop_name(enum drcp_drop drop);
const char *drcp_type_name(uint8_t type);
const char *drcp_status_name(uint8_t status);

/*
 * Writes a message without its authenticator into DRCP_MAX_LEN bytes; returns its
 * length. The caller adds DRCP_AUTH_LEN bytes, zeros where there is no key.
 */
size_t drcp_encode(const struct drcp_msg *msg, uint8_t *buf);
/*
 * Reads a message without judging its authenticator, which follows *covered bytes.
 * @msg is undefined where it is dropped.
 */
enum drcp_drop drcp_decode(const uint8_t *buf, size_t len, struct drcp_msg *msg,
			   size_t *covered);

#endif
