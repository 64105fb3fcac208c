/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of the standby protocol: HSRP version 0 (RFC 2281) and 2 for the
 * routers of others, and our own form, byte by byte as in
 * Documentation/protocols/standby.md. Codec only: no sockets; of keys only the
 * keyed MD5 that HSRP needs.
 */
#ifndef ROAM_WIRE_HSRP_H
#define ROAM_WIRE_HSRP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define HSRP_PORT 1985
#define STANDBY_PORT 17985	/* of our own form (D-05) */
#define STANDBY_VERSION 1
#define STANDBY_HEADER_LEN 72
#define STANDBY_AUTH_LEN 16
#define STANDBY_NAME_MAX 32
#define STANDBY_EXT_MAX 256	/* bytes of extensions */
#define STANDBY_TTL 255		/* only what comes from the link has it still */
#define HSRP_MAX_LEN (STANDBY_HEADER_LEN + STANDBY_EXT_MAX + STANDBY_AUTH_LEN)
#define HSRP_TEXT_LEN 8
#define HSRP_MD5_KEY_MAX 55

/** enum hsrp_form - which of the three layouts */
enum hsrp_form {
	HSRP_OWN,
	HSRP_V0,
	HSRP_V2,
};

/** enum hsrp_op - what a message wants; all but the first four in our form */
enum hsrp_op {
	HSRP_HELLO = 0,		/* I run, this is my status (STBY-20) */
	HSRP_COUP = 1,		/* I take the active role */
	HSRP_RESIGN = 2,	/* I leave the active role */
	HSRP_ADVERTISE = 3,	/* HSRP's interface state: understood, not used */
	HSRP_PROBE = 4,		/* show that you are there now: send back the nonce */
	HSRP_PROOF = 5,		/* here it is */
	HSRP_QUERY = 6,		/* who serves the group of this name? (STBY-18) */
	HSRP_ANSWER = 7,
};

/** enum hsrp_state - as the six states are called, lowest first (STBY-42) */
enum hsrp_state {
	HSRP_VIRGIN,
	HSRP_LEARN,
	HSRP_LISTEN,
	HSRP_SPEAK,
	HSRP_STANDBY,
	HSRP_ACTIVE,
	HSRP_STATES
};

/** enum hsrp_auth - what an HSRP message carries as authentication */
enum hsrp_auth {
	HSRP_AUTH_NONE,
	HSRP_AUTH_TEXT,
	HSRP_AUTH_MD5,
};

/**
 * struct hsrp_msg - a decoded message of any form
 * @op: enum hsrp_op
 * @state: enum hsrp_state of the sender
 * @group: number; 0..255 in version 0, 0..4095 in version 2
 * @priority: 0..255; version 2 could carry more, larger values are cut to 255
 * @hello: hellotime in ms, 0 if it says none
 * @hold: holdtime in ms, 0 if it says none
 * @vip: virtual IP address, all zero if the sender knows none
 * @auth: enum hsrp_auth; HSRP only
 * @text: with HSRP_AUTH_TEXT
 * @key_id: of MD5, or in our form that of the authenticator, 0 for none
 * @counter: higher in each message of one sender; our form only
 * @nonce: of a probe, query, and of what answers them; our form only
 * @sender: the sender's primary address; our form, and HSRP with MD5
 * @name: group's name, "" without
 * @active: in an answer, address of the active router
 * @standby: in an answer, address of the standby router
 * @padding: bytes of padding behind the name: an answer is not longer than the
 *	query was
 */
struct hsrp_msg {
	uint8_t op;
	uint8_t state;
	uint16_t group;
	uint8_t priority;
	uint32_t hello;
	uint32_t hold;
	struct roam_addr vip;
	uint8_t auth;
	char text[HSRP_TEXT_LEN];
	uint32_t key_id;
	uint64_t counter;
	uint64_t nonce;
	struct roam_addr sender;
	char name[STANDBY_NAME_MAX + 1];
	struct roam_addr active;
	struct roam_addr standby;
	uint8_t padding;
};

/** enum hsrp_drop - why a datagram was not accepted; each is a counter */
enum hsrp_drop {
	HSRP_DROP_NONE,		/* accepted */
	HSRP_DROP_LENGTH,
	HSRP_DROP_VERSION,
	HSRP_DROP_TYPE,
	HSRP_DROP_STATE,
	HSRP_DROP_RESERVED,	/* reserved bits are not zero */
	HSRP_DROP_TIMERS,	/* holdtime is not above hellotime */
	HSRP_DROP_ADDRESS,	/* an address that cannot be one */
	HSRP_DROP_EXTENSION,	/* an extension that does not fit */
	HSRP_DROP_GROUP,	/* no such group on this link */
	HSRP_DROP_HOPS,		/* not from this link */
	HSRP_DROP_SENDER,	/* source is not who it says it is, or is us */
	HSRP_DROP_KEY,		/* key or kind of authentication is not the group's */
	HSRP_DROP_AUTH,		/* authenticator does not match */
	HSRP_DROP_REPLAY,	/* counter is not above the last one */
	HSRP_DROP_UNPROVED,	/* first message of a sender: probed first */
	HSRP_DROP_LIMIT,	/* more senders or queries than there is room for */
	HSRP_DROP_MAX
};

const char *hsrp_drop_name(enum hsrp_drop drop);
const char *hsrp_op_name(uint8_t op);
const char *hsrp_state_name(uint8_t state);

/**
 * hsrp_encode() - write a message, its authenticator left open
 * @form: layout
 * @msg: what to write; what the form has no field for is left out. Version 0
 *	tells times in whole seconds only, others as 0
 * @buf: HSRP_MAX_LEN bytes
 *
 * Return: bytes written. In our form the caller adds STANDBY_AUTH_LEN bytes of
 * authenticator where key_id is not 0; with HSRP_AUTH_MD5 the digest at the
 * end is zero and hsrp_md5_sign() fills it in.
 */
size_t hsrp_encode(enum hsrp_form form, const struct hsrp_msg *msg,
		   uint8_t *buf);

/**
 * hsrp_decode() - read a message, without judging its authenticator
 * @form: layout
 * @buf: the datagram
 * @len: its length in bytes
 * @msg: filled on success, undefined else
 * @covered: on success the bytes that our authenticator covers; it follows them
 *	where key_id is not 0. In HSRP forms the whole message
 *
 * Return: HSRP_DROP_NONE or the reason to drop the datagram.
 */
enum hsrp_drop hsrp_decode(enum hsrp_form form, const uint8_t *buf, size_t len,
			   struct hsrp_msg *msg, size_t *covered);

/* Fills in the digest of a message with HSRP_AUTH_MD5 (as RFC 1828 keys MD5). */
void hsrp_md5_sign(uint8_t *buf, size_t len, const uint8_t *key, size_t key_len);
/* Compares in constant time. */
bool hsrp_md5_verify(const uint8_t *buf, size_t len, const uint8_t *key,
		     size_t key_len);

/* The virtual MAC address of a group (STBY-89); version 2 has another range. */
void hsrp_virtual_mac(enum hsrp_form form, uint16_t group, uint8_t mac[6]);

#endif
