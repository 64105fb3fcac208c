/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of the location register protocol, byte by byte as in
 * Documentation/protocols/location-register.md. Codec only: no keys, no I/O.
 */
#ifndef ROAM_WIRE_LR_H
#define ROAM_WIRE_LR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define LR_PORT 17434
#define LR_VERSION 2
#define LR_HEADER_LEN 40
#define LR_ENTRY_LEN 48
#define LR_AUTH_LEN 16
#define LR_COOKIE_LEN 16
#define LR_MAX_ENTRIES 24
#define LR_MAX_LEN (LR_HEADER_LEN + LR_MAX_ENTRIES * LR_ENTRY_LEN + LR_AUTH_LEN)
#define LR_PAIR_KEY 0x80000000u	/* bit of a key id: a pair key */

enum lr_type {
	LR_QUERY = 1,
	LR_ANSWER = 2,
	LR_UPDATE = 3,
	LR_ACK = 4,
	LR_ANNOUNCE = 5,
	LR_CONFIRM = 6,
	LR_CHALLENGE = 7,
};

enum lr_status {
	LR_OK = 0,
	LR_NONE = 1,
	LR_STALE = 2,
	LR_REPLAY = 3,
	LR_DENIED = 4,
	LR_FULL = 5,
	LR_LATER = 6,
	LR_CONFLICT = 7,
	LR_UNPROVED = 8,
	LR_UNFIT = 9,
	LR_STATUS_MAX
};

#define LR_FLAG_AT_HOME 0x01	/* the care-of address is the permanent one */
#define LR_FLAG_LITERAL 0x02	/* its packets carry the permanent address */
#define LR_FLAGS (LR_FLAG_AT_HOME | LR_FLAG_LITERAL)
#define LR_FLAG_KEY 0x04	/* alone: asks for a pair key, or marks one */

/**
 * struct lr_entry - one permanent address in a message
 * @perm: permanent address
 * @coa: care-of address, all zero for none; in a key entry the sealed pair key
 * @seq: number of the registration, higher is newer; in a key entry the id of
 *	the mobile host's key
 * @lifetime: seconds; 0 in an update removes the mapping
 * @status: enum lr_status; LR_OK in requests
 * @flags: LR_FLAGS, or LR_FLAG_KEY alone
 */
struct lr_entry {
	struct roam_addr perm;
	struct roam_addr coa;
	uint64_t seq;
	uint32_t lifetime;
	uint8_t status;
	uint8_t flags;
};

/**
 * struct lr_msg - a decoded message
 * @type: enum lr_type
 * @count: entries used, 1..LR_MAX_ENTRIES
 * @key_id: key of the authenticator, 0 = none
 * @id: identification
 * @nonce: random in a request, repeated in the reply
 * @cookie: of an update or a challenge, all zero for none; of no other type
 * @source: of a reply: where its request came from; of no other type
 * @pair: not on the wire: where a mobile host authenticates by a pair key, its
 *	key with the register that this is made from
 * @entries: the entries
 */
struct lr_msg {
	uint8_t type;
	uint16_t count;
	uint32_t key_id;
	uint64_t id;
	uint64_t nonce;
	uint8_t cookie[LR_COOKIE_LEN];
	struct roam_addr source;
	uint32_t pair;
	struct lr_entry entries[LR_MAX_ENTRIES];
};

/** enum lr_drop - why a datagram was not accepted; each is a counter. */
enum lr_drop {
	LR_DROP_NONE,		/* accepted */
	LR_DROP_LENGTH,		/* too short, or not the length that count says */
	LR_DROP_VERSION,
	LR_DROP_TYPE,
	LR_DROP_COUNT,
	LR_DROP_RESERVED,	/* reserved bits are not zero */
	LR_DROP_ADDRESS,	/* an address that cannot be one */
	LR_DROP_KEY,		/* key id unknown, or missing where one is needed */
	LR_DROP_AUTH,		/* authenticator does not match */
	LR_DROP_UNASKED,	/* a reply to nothing outstanding */
	LR_DROP_ROLE,		/* this host does not serve that type */
	LR_DROP_LIMIT,		/* sender exceeds its rate */
	LR_DROP_MAX
};

/* Short name of a drop reason, as in the protocol page ("length", "auth"). */
const char *lr_drop_name(enum lr_drop drop);
const char *lr_type_name(uint8_t type);
const char *lr_status_name(uint8_t status);
/* An answer, acknowledgement or confirm. */
bool lr_is_reply(uint8_t type);
bool lr_has_cookie(const struct lr_msg *msg);

/**
 * lr_encode() - write a message without its authenticator
 * @msg: what to write
 * @buf: LR_MAX_LEN bytes
 *
 * Return: number of bytes written. The caller adds LR_AUTH_LEN bytes: the
 * authenticator over them, or zeros where key_id is 0.
 */
size_t lr_encode(const struct lr_msg *msg, uint8_t *buf);

/**
 * lr_decode() - read a message, without judging its authenticator
 * @buf: the datagram
 * @len: its length in bytes
 * @msg: filled on success, undefined else
 * @covered: on success the number of bytes the authenticator covers; the
 *	authenticator itself (LR_AUTH_LEN bytes) follows them; where key_id is 0
 *	these are zeros, which was checked
 *
 * Return: LR_DROP_NONE or the reason to drop the datagram.
 */
enum lr_drop lr_decode(const uint8_t *buf, size_t len, struct lr_msg *msg,
		       size_t *covered);

#endif
