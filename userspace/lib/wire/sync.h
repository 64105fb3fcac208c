/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of the table synchronisation, byte by byte as in
 * Documentation/protocols/sync.md. Codec only: no keys, no I/O.
 */
#ifndef ROAM_WIRE_SYNC_H
#define ROAM_WIRE_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define SYNC_PORT 17986
#define SYNC_VERSION 1
#define SYNC_HEADER_LEN 72
#define SYNC_AUTH_LEN 16
#define SYNC_MAX_LEN 1200	/* of a message with authenticator */
#define SYNC_BODY_MAX (SYNC_MAX_LEN - SYNC_HEADER_LEN - SYNC_AUTH_LEN)
#define SYNC_ENTRY_HEAD 18
#define SYNC_KEY_MAX 64
#define SYNC_VALUE_MAX 1024
#define SYNC_DIGESTS 128	/* in one message */
#define SYNC_RELAY_HEAD 34
#define SYNC_RELAY_MAX (SYNC_BODY_MAX - SYNC_RELAY_HEAD)

/** enum sync_type_number - types of messages */
enum sync_message {
	SYNC_HELLO = 1,		/* digest of the whole table; proves sessions */
	SYNC_UPDATE = 2,	/* entries that changed (SYNC-36) */
	SYNC_ACK = 3,		/* of an update (SYNC-44) */
	SYNC_REQUEST = 4,	/* the whole table, please (SYNC-48) */
	SYNC_TABLE = 5,		/* a part of it (SYNC-53) */
	SYNC_TABLE_ACK = 6,	/* (SYNC-60) */
	SYNC_RANGES = 7,	/* digests of ranges */
	SYNC_LEAF = 8,		/* all entries of one range */
	SYNC_RELAY = 9,		/* a registration that the receiver is to serve (SYNC-66) */
	SYNC_ANSWER = 10,	/* the reply to it, or that there is none */
};

/** enum sync_code - in acknowledgements and tables */
enum sync_code {
	SYNC_ACCEPTED = 0,
	SYNC_UNSPECIFIED = 1,
	SYNC_PROHIBITED = 2,
	SYNC_RESOURCES = 3,
	SYNC_NOT_INITIALISED = 4,
};

#define SYNC_FLAG_LAST 0x01	/* table: the last part; leaf: the last part */
#define SYNC_FLAG_SYNCED 0x02	/* the sender's table is complete */
#define SYNC_FLAG_REPLY 0x04	/* answers one of the same type */
#define SYNC_FLAG_LEAVES 0x08	/* ranges: of leaves, else of groups of leaves */
#define SYNC_FLAG_MEMBERS 0x10	/* table: the body holds members' addresses */
#define SYNC_FLAG_ACTIVE 0x20	/* the sender is the active router */
#define SYNC_FLAGS 0x3f

/** enum sync_drop - why a message was not accepted; each is a counter */
enum sync_drop {
	SYNC_DROP_NONE,
	SYNC_DROP_LENGTH,
	SYNC_DROP_VERSION,
	SYNC_DROP_TYPE,
	SYNC_DROP_CODE,
	SYNC_DROP_RESERVED,
	SYNC_DROP_ADDRESS,
	SYNC_DROP_ENTRY,	/* an entry that does not fit */
	SYNC_DROP_KEY,
	SYNC_DROP_AUTH,
	SYNC_DROP_GROUP,
	SYNC_DROP_SENDER,	/* source is not who it says it is, or is us */
	SYNC_DROP_UNPROVED,	/* session of the sender is not proved yet */
	SYNC_DROP_REPLAY,	/* counter was seen, or is too old */
	SYNC_DROP_MEMBER,	/* no member, and no room or wish for one more */
	SYNC_DROP_ROLE,		/* not from whom this role listens to */
	SYNC_DROP_MAX
};

/**
 * struct sync_entry - one entry in a message; pointers lead into it
 * @type: table type
 * @deleted: a tombstone, without value
 * @order: version
 * @origin: last four bytes of the address of who made it, settles equal orders
 * @key: key
 * @key_len: its length in bytes, 1..SYNC_KEY_MAX
 * @value: value
 * @len: its length in bytes
 * @digested: bytes of it that make the digest
 */
struct sync_entry {
	uint8_t type;
	bool deleted;
	uint64_t order;
	uint32_t origin;
	const uint8_t *key;
	size_t key_len;
	const uint8_t *value;
	size_t len;
	size_t digested;
};

/**
 * struct sync_msg - a message
 * @type: enum sync_message
 * @code: enum sync_code
 * @flags: SYNC_FLAG_*
 * @group: number of the group
 * @count: entries, digests or addresses in the body
 * @key_id: of the authenticator
 * @session: of the sender, random at each start
 * @echo: session of the receiver as the sender knows it, 0 if it does not, or to many
 * @counter: higher in each message of a session
 * @id: identification: of an update, request or table; repeated in its answers
 * @sender: address
 * @sent: hello: entries of the sender. request: how often it was sent before. table,
 *	ack: entries sent so far with this one (SYNC-56). ranges: number of the first
 *	digest. leaf: its number
 * @total: table: entries in all. ranges: number of the group of leaves. leaf: part.
 *	hello: the sender's weight, 0: relays nothing to it
 * @digest: hello: of the whole table; in the body
 * @body: what is behind the header
 * @len: its length in bytes
 */
struct sync_msg {
	uint8_t type;
	uint8_t code;
	uint8_t flags;
	uint16_t group;
	uint16_t count;
	uint32_t key_id;
	uint64_t session;
	uint64_t echo;
	uint64_t counter;
	uint64_t id;
	struct roam_addr sender;
	uint32_t sent;
	uint32_t total;
	uint64_t digest;
	const uint8_t *body;
	size_t len;
};

/**
 * struct sync_relay - a datagram that another member is to serve
 * @from: whose it is, as its receiver saw it
 * @to: where it was sent to
 * @port: source port
 * @data: the datagram; leads into the message
 * @len: its length in bytes, at most SYNC_RELAY_MAX
 */
struct sync_relay {
	struct roam_addr from;
	struct roam_addr to;
	uint16_t port;
	const uint8_t *data;
	size_t len;
};

const char *sync_drop_name(enum sync_drop drop);
const char *sync_message_name(uint8_t type);
const char *sync_code_name(uint8_t code);

/* Writes a message without its authenticator into SYNC_MAX_LEN bytes. */
size_t sync_encode(const struct sync_msg *msg, uint8_t *buf);
/*
 * Reads a message; @msg points into @buf. The whole body was checked on success:
 * sync_entry_read() cannot fail for it. *@covered: bytes below the authenticator.
 */
enum sync_drop sync_decode(const uint8_t *buf, size_t len, struct sync_msg *msg,
			   size_t *covered);

/* Writes the body of a relay, which fits; returns its length. */
size_t sync_relay_write(const struct sync_relay *relay, uint8_t *body);
/* Reads the body of a relay; false if it is none. */
bool sync_relay_read(const uint8_t *body, size_t len, struct sync_relay *relay);

/* Bytes that an entry takes. */
size_t sync_entry_size(const struct sync_entry *entry);
/* Writes an entry; the caller has made sure that it fits. */
uint8_t *sync_entry_write(uint8_t *p, const struct sync_entry *entry);
/* Reads the entry at @*p and moves @*p behind it; false at @end or if it does not fit. */
bool sync_entry_read(const uint8_t **p, const uint8_t *end,
		     struct sync_entry *entry);

#endif
