/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Elements of nft sets, leases of a DHCP server and GTP contexts as entries of the sync engine:
 * Documentation/protocols/sync.md. Codec only.
 */
#ifndef ROAM_CORE_ROWS_H
#define ROAM_CORE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define SET_ENTRY 17		/* table types on the wire */
#define LEASE_ENTRY 18
#define GTP_ENTRY 19

#define SET_ID_LEN 8
#define SET_KEY_MAX 56		/* of an element */
#define SET_VALUE_LEN 16
#define SET_DIGESTED 8		/* all but what is left */
#define SET_TIMEOUT_MAX (UINT64_C(86400000) * 3650)	/* ms */

#define LEASE_KEY_LEN 16
#define LEASE_TEXT_MAX 900
#define LEASE_VALUE_MAX (4 + LEASE_TEXT_MAX + 4)
#define LEASE_TAIL 4
#define LEASE_INFINITE UINT32_MAX

#define GTP_KEY_LEN 17
#define GTP_VALUE_LEN 36

/**
 * struct set_row - an element of an nft set
 * @set: first bytes of SHA-256 of "FAMILY TABLE NAME", so that it fits in a key
 * @key: the element, as the kernel has it
 * @key_len: its length in bytes, 1..SET_KEY_MAX
 * @timeout: its own, in ms; 0: as the set has it
 * @left: of it, in ms; 0: it does not end
 */
struct set_row {
	uint8_t set[SET_ID_LEN];
	uint8_t key[SET_KEY_MAX];
	size_t key_len;
	uint64_t timeout;
	uint64_t left;
};

/* @name: "FAMILY TABLE NAME", or a device, as the configuration has it. */
void set_row_id(const char *name, uint8_t id[SET_ID_LEN]);
/* Writes SET_ID_LEN + key_len bytes, and SET_VALUE_LEN. Return: length of the key. */
size_t set_row_encode(const struct set_row *row, uint8_t *key, uint8_t *value);
bool set_row_decode(const uint8_t *key, size_t key_len, const uint8_t *value,
		    size_t len, struct set_row *row);

/**
 * struct lease_row - a lease as a line of dnsmasq's lease file has it
 * @addr: of the client, IPv4
 * @expiry: wall clock of the server that granted it, s; 0: never. It tells renewals apart
 * @left: s until then, LEASE_INFINITE: never
 * @text: link-layer address, name and client id, parted by a blank each
 */
struct lease_row {
	struct roam_addr addr;
	uint32_t expiry;
	uint32_t left;
	char text[LEASE_TEXT_MAX + 1];
};

/* Write LEASE_KEY_LEN bytes and at most LEASE_VALUE_MAX; return the value's length. */
size_t lease_row_encode(const struct lease_row *row, uint8_t *key,
			uint8_t *value);
/* The text of a row has three words of printable characters, and nothing else. */
bool lease_row_decode(const uint8_t *key, size_t key_len, const uint8_t *value,
		      size_t len, struct lease_row *row);
/* A line of the lease file without its end; @now: wall clock, s. False: it is no lease. */
bool lease_row_parse(const char *line, uint64_t now, struct lease_row *row);

/**
 * struct gtp_row - a tunnel of a mobile station (PDP context), of IPv4
 * @device: as @set of struct set_row, of the device's name
 * @version: 0 or 1 of GTP
 * @tunnel: TID of version 0, else the TEI by which packets come, not 0
 * @out: flow of version 0, else the TEI by which packets go, not 0
 * @station: address of the mobile station
 * @peer: the other end of the tunnel
 */
struct gtp_row {
	uint8_t device[SET_ID_LEN];
	uint8_t version;
	uint64_t tunnel;
	uint32_t out;
	struct roam_addr station;
	struct roam_addr peer;
};

bool gtp_row_is_valid(const struct gtp_row *row);
/* Writes GTP_KEY_LEN and GTP_VALUE_LEN bytes. */
void gtp_row_encode(const struct gtp_row *row, uint8_t *key, uint8_t *value);
bool gtp_row_decode(const uint8_t *key, size_t key_len, const uint8_t *value,
		    size_t len, struct gtp_row *row);

#endif
