/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mobile IPv4 messages (RFC 5944, 3024, 3519, 2794, 3115): registration request
 * and reply with their extensions, agent advertisement and solicitation. Codec
 * only: no keys, no I/O. Addresses are IPv4 in the mapped form; 0.0.0.0 on the
 * wire is the address "none".
 */
#ifndef ROAM_WIRE_MIP_H
#define ROAM_WIRE_MIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"

#define MIP_PORT 434
#define MIP_REQUEST_LEN 24
#define MIP_REPLY_LEN 20
#define MIP_MAX_LEN 1400		/* larger messages are refused */
#define MIP_EXTENSIONS_MAX 24
#define MIP_LIFETIME_INFINITE 0xffff
#define MIP_NAI_MAX 254
#define MIP_SPI_MIN 256			/* smaller ones are reserved */
#define MIP_AUTHENTICATOR_MAX 32

/** enum mip_type - first byte of a message on port 434 */
enum mip_type {
	MIP_REQUEST = 1,
	MIP_REPLY = 3,
	MIP_TUNNEL_DATA = 4,
	MIP_REVOCATION = 7,
	MIP_REVOCATION_ACK = 15,
};

/** enum mip_flag - flags of a request (MIP-32) */
enum mip_flag {
	MIP_SIMULTANEOUS = 0x80,	/* S */
	MIP_BROADCAST = 0x40,		/* B */
	MIP_DECAPSULATES = 0x20,	/* D: the node itself does */
	MIP_MINIMAL = 0x10,		/* M */
	MIP_GRE = 0x08,			/* G */
	MIP_COMPRESSION = 0x04,		/* V of RFC 2002, r of RFC 5944 */
	MIP_REVERSE = 0x02,		/* T */
	MIP_RESERVED = 0x01,
};

/** enum mip_code - codes of a reply */
enum mip_code {
	MIP_ACCEPTED = 0,
	MIP_ACCEPTED_ONE = 1,		/* no simultaneous bindings */
	MIP_FA_UNSPECIFIED = 64,
	MIP_FA_PROHIBITED = 65,
	MIP_FA_RESOURCES = 66,
	MIP_FA_MN_AUTH = 67,
	MIP_FA_HA_AUTH = 68,
	MIP_FA_LIFETIME = 69,
	MIP_FA_REQUEST = 70,
	MIP_FA_REPLY = 71,
	MIP_FA_ENCAPSULATION = 72,
	MIP_FA_COMPRESSION = 73,
	MIP_FA_NO_REVERSE = 74,
	MIP_FA_REVERSE_MANDATORY = 75,
	MIP_FA_TOO_DISTANT = 76,
	MIP_FA_CARE_OF = 77,
	MIP_FA_TIMEOUT = 78,
	MIP_FA_DELIVERY = 79,
	MIP_FA_NET_UNREACHABLE = 80,
	MIP_FA_HOST_UNREACHABLE = 81,
	MIP_FA_PORT_UNREACHABLE = 82,
	MIP_FA_HA_UNREACHABLE = 88,
	MIP_FA_HOME_NONZERO = 96,	/* cannot match a reply by NAI */
	MIP_FA_NAI_MISSING = 97,
	MIP_FA_AGENT_MISSING = 98,
	MIP_FA_HOME_MISSING = 99,
	MIP_FA_VENDOR_MN = 100,
	MIP_FA_VENDOR_HA = 101,
	MIP_HA_UNSPECIFIED = 128,
	MIP_HA_PROHIBITED = 129,
	MIP_HA_RESOURCES = 130,
	MIP_HA_MN_AUTH = 131,
	MIP_HA_FA_AUTH = 132,
	MIP_HA_IDENTIFICATION = 133,
	MIP_HA_REQUEST = 134,
	MIP_HA_BINDINGS = 135,
	MIP_HA_UNKNOWN_AGENT = 136,
	MIP_HA_NO_REVERSE = 137,
	MIP_HA_REVERSE_MANDATORY = 138,
	MIP_HA_ENCAPSULATION = 139,
	MIP_HA_VENDOR_MN = 140,
	MIP_HA_VENDOR_FA = 141,
	MIP_HA_UDP_ENCAPSULATION = 142,
	MIP_FA_AGENT_INVALID = 194,
};

static inline bool mip_code_accepts(uint8_t code)
{
	return code <= 8;
}

/* Codes of home agents, whose replies the mobile-home extension covers. */
static inline bool mip_code_is_home(uint8_t code)
{
	return code <= 8 || (code >= 128 && code <= 192);
}

/** enum mip_extension_type - extensions that somebody here understands */
enum mip_extension_type {
	MIP_PADDING = 0,
	MIP_MOBILE_HOME = 32,		/* authentication */
	MIP_MOBILE_FOREIGN = 33,	/* likewise */
	MIP_FOREIGN_HOME = 34,		/* likewise */
	MIP_CRITICAL_VENDOR = 38,	/* RFC 3115, not skippable */
	MIP_UDP_TUNNEL_REPLY = 44,	/* RFC 3519 */
	MIP_ENCAPSULATING_DELIVERY = 130, /* RFC 3024 */
	MIP_NAI = 131,			/* RFC 2794 */
	MIP_VENDOR = 134,		/* RFC 3115, skippable */
	MIP_NAI_CARRYING = 136,		/* RFC 3846 */
	MIP_UDP_TUNNEL_REQUEST = 144,	/* RFC 3519 */
};

/**
 * struct mip_extension - where an extension stands in its message
 * @type: its number
 * @at: offset of its first byte
 * @data: what follows its head: for the long shape of @type 38 the vendor's
 *	number comes first
 * @len: bytes of @data
 */
struct mip_extension {
	uint8_t type;
	uint16_t at;
	const uint8_t *data;
	uint16_t len;
};

/**
 * struct mip_msg - a decoded request or reply
 * @buf: its bytes, not owned
 * @len: their number
 * @type: MIP_REQUEST or MIP_REPLY
 * @flags: of a request, enum mip_flag
 * @code: of a reply
 * @lifetime: seconds asked or granted
 * @home: home address
 * @agent: home agent
 * @coa: care-of address of a request
 * @id: Identification
 * @n: number of @extensions
 * @extensions: as they stand in the message; those not known are left out
 */
struct mip_msg {
	const uint8_t *buf;
	size_t len;
	uint8_t type;
	uint8_t flags;
	uint8_t code;
	uint16_t lifetime;
	struct roam_addr home;
	struct roam_addr agent;
	struct roam_addr coa;
	uint64_t id;
	unsigned int n;
	struct mip_extension extensions[MIP_EXTENSIONS_MAX];
};

/** enum mip_error - what is wrong with a message */
enum mip_error {
	MIP_OK,
	MIP_SHORT,		/* the fixed part is not there: nothing to answer */
	MIP_LONG,		/* longer than MIP_MAX_LEN: likewise */
	MIP_TYPE,		/* neither request nor reply: likewise */
	MIP_UNKNOWN,		/* an unknown extension that must not be skipped */
	MIP_MALFORMED,		/* the fixed part is read, the rest makes no sense */
	MIP_ERROR_MAX
};

const char *mip_error_name(enum mip_error error);
/* "accepted", "home agent: node failed authentication", ... */
const char *mip_code_name(uint8_t code);
/* "S B D M G V T x" as letters of those set, "-" for none; @buf of 9 bytes. */
const char *mip_flags_format(uint8_t flags, char buf[9]);

/**
 * mip_decode() - read a request or reply, without judging authenticators
 * @buf: the datagram; must outlive @msg
 * @len: its length
 * @msg: with MIP_OK whole; with MIP_MALFORMED and MIP_UNKNOWN the fixed part
 *
 * RFC 5944 1.10: an unknown extension below 128 spoils the message, one from
 * 128 on is skipped.
 */
enum mip_error mip_decode(const uint8_t *buf, size_t len, struct mip_msg *msg);
/* The first extension of that type behind @after (NULL: from the start), or NULL. */
const struct mip_extension *mip_find(const struct mip_msg *msg, uint8_t type,
				     const struct mip_extension *after);

/*
 * An authentication extension: its SPI, its authenticator, and how many bytes
 * of the message it covers. False if @e is too short for one.
 */
bool mip_get_auth(const struct mip_extension *e, uint32_t *spi,
		  const uint8_t **mac, size_t *mac_len, size_t *covered);

/**
 * struct mip_vendor - what the vendor extensions of both shapes hold
 * @vendor: enterprise number
 * @type: the vendor's own number of the extension
 * @data: its value
 * @len: bytes of it
 */
struct mip_vendor {
	uint32_t vendor;
	uint16_t type;
	const uint8_t *data;
	size_t len;
};

/* False if @e is neither MIP_VENDOR nor MIP_CRITICAL_VENDOR, or too short. */
bool mip_get_vendor(const struct mip_extension *e, struct mip_vendor *vendor);

struct mip_writer;

#define MIP_SUB_NAI_MAX 64
#define MIP_NAMING_VENDOR 32473		/* RFC 5612: for whoever has no number */
#define MIP_NAMING_SUB 1		/* vendor's type: the sub-NAI */
#define MIP_NAMING_BOTH 2		/* both in one: length 1, NAI, sub-NAI */

/**
 * struct mip_naming - how the names of a session are written
 *	(Documentation/protocols/sessions.md)
 * @vendor: enterprise number of the vendor extension; 0: MIP_NAMING_VENDOR
 * @type: the vendor's number of the sub-NAI; 0: MIP_NAMING_SUB. That of both is one
 *	higher
 * @both: both names are in one extension
 */
struct mip_naming {
	uint32_t vendor;
	uint16_t type;
	bool both;
};

/**
 * struct mip_names - whose session a message is about (SES-03, SES-04)
 * @nai: the node's NAI, in the message; NULL without one
 * @nai_len: bytes of it
 * @sub: the session's sub-NAI, in the message; NULL without one
 * @sub_len: bytes of it
 * @sub_at: the extension with @sub
 */
struct mip_names {
	const uint8_t *nai;
	size_t nai_len;
	const uint8_t *sub;
	size_t sub_len;
	const struct mip_extension *sub_at;
};

/*
 * RFC 7542 and the loose forms: UTF-8 without control characters or spaces; where
 * there is an at sign, one only and a realm behind it.
 */
bool mip_nai_is_valid(const uint8_t *nai, size_t len);
/* 1..MIP_SUB_NAI_MAX bytes of UTF-8 without control characters. */
bool mip_sub_nai_is_valid(const uint8_t *sub, size_t len);
/*
 * False: a name is there that is none, or twice. Both forms are read, whatever
 * @naming says of writing.
 */
bool mip_get_names(const struct mip_msg *msg, const struct mip_naming *naming,
		   struct mip_names *names);
void mip_put_names(struct mip_writer *w, const struct mip_naming *naming,
		   const struct mip_names *names);
/* The sub-NAI alone, as a foreign agent adds it (SES-11). */
void mip_put_sub_nai(struct mip_writer *w, const struct mip_naming *naming,
		     const uint8_t *sub, size_t len);

#define MIP_UDP_FORCE 0x80	/* F: tunnel even where no NAT is seen */
#define MIP_UDP_FOREIGN 0x40	/* R: registers through a foreign agent */

/**
 * struct mip_udp_request - UDP tunnel request, RFC 3519 3.1
 * @flags: MIP_UDP_FORCE, MIP_UDP_FOREIGN
 * @encapsulation: IP protocol within: 0 (as M and G say), 4, 47 or 55
 */
struct mip_udp_request {
	uint8_t flags;
	uint8_t encapsulation;
};

/**
 * struct mip_udp_reply - UDP tunnel reply, RFC 3519 3.2
 * @code: 0..63 will do, else not
 * @force: tunnelled although no NAT was seen
 * @keepalive: seconds between keepalives, 0: the node chooses
 */
struct mip_udp_reply {
	uint8_t code;
	bool force;
	uint16_t keepalive;
};

#define MIP_UDP_DECLINED 64

/* False: not that extension, or to be treated as unknown. */
bool mip_get_udp_request(const struct mip_extension *e,
			 struct mip_udp_request *udp);
bool mip_get_udp_reply(const struct mip_extension *e, struct mip_udp_reply *udp);

/**
 * struct mip_writer - a message being written
 * @buf: MIP_MAX_LEN bytes
 * @len: written so far
 * @full: something did not fit; nothing was written of it
 */
struct mip_writer {
	uint8_t buf[MIP_MAX_LEN];
	size_t len;
	bool full;
};

/* The fixed part of @msg, by its type. */
void mip_put_message(struct mip_writer *w, const struct mip_msg *msg);
/* Bytes that stand in a message already, such as what a foreign agent relays. */
void mip_put_bytes(struct mip_writer *w, const uint8_t *data, size_t len);
void mip_put_extension(struct mip_writer *w, uint8_t type, const void *data,
		       size_t len);
void mip_put_vendor(struct mip_writer *w, uint8_t type,
		    const struct mip_vendor *vendor);
void mip_put_udp_request(struct mip_writer *w, const struct mip_udp_request *udp);
void mip_put_udp_reply(struct mip_writer *w, const struct mip_udp_reply *udp);
/*
 * Head and SPI of an authentication extension with room for @mac_len bytes, which
 * the caller fills in over all before them. NULL if it does not fit.
 */
uint8_t *mip_put_auth(struct mip_writer *w, uint8_t type, uint32_t spi,
		      size_t mac_len);

/* Four bytes; "none" is 0.0.0.0. Returns what is behind them. */
uint8_t *mip_put_addr(uint8_t *p, const struct roam_addr *addr);
struct roam_addr mip_get_addr(const uint8_t *p);
/*
 * Eight bytes: a time of the boot clock plus @shift; MSEC_NEVER stays what it is,
 * and so becomes what would leave the range.
 */
uint8_t *mip_put_time(uint8_t *p, msec_t when, int64_t shift);
msec_t mip_get_time(const uint8_t *p, int64_t shift);

/* ---- agent discovery ---- */

#define MIP_ICMP_ADVERTISEMENT 9
#define MIP_ICMP_SOLICITATION 10
#define MIP_ADVERT_COMMON 0	/* ICMP code: routes common traffic */
#define MIP_ADVERT_MOBILE 16	/* only that of mobile nodes */
#define MIP_ADVERT_ADDRS 8	/* addresses of each kind that are kept */
#define MIP_ADVERT_MAX 512
#define MIP_SOLICITATION_LEN 8
#define MIP_SEQUENCE_WRAP 256	/* follows 0xffff, RFC 5944 2.3.2 */

/** enum mip_advert_flag - RFC 5944 2.1.1, 3024, 3519, 3543 */
enum mip_advert_flag {
	MIP_ADVERT_REGISTRATION = 0x8000,	/* R: also with one's own address */
	MIP_ADVERT_BUSY = 0x4000,		/* B */
	MIP_ADVERT_HOME = 0x2000,		/* H */
	MIP_ADVERT_FOREIGN = 0x1000,		/* F */
	MIP_ADVERT_MINIMAL = 0x0800,		/* M */
	MIP_ADVERT_GRE = 0x0400,		/* G */
	MIP_ADVERT_REVERSE = 0x0100,		/* T */
	MIP_ADVERT_UDP = 0x0080,		/* U */
};

/**
 * struct mip_advert - an agent advertisement
 * @code: MIP_ADVERT_COMMON or MIP_ADVERT_MOBILE
 * @lifetime: seconds it holds for
 * @n_routers: number of @routers
 * @routers: router addresses
 * @preferences: of each
 * @n_prefixes: number of @prefixes, 0 without prefix-lengths extension
 * @prefixes: bits of the prefix of each router address
 * @is_agent: the mobility extension is there; without it a plain router speaks
 * @sequence: sequence number
 * @registration: longest lifetime of a registration, seconds
 * @flags: enum mip_advert_flag
 * @n_coas: number of @coas
 * @coas: care-of addresses
 */
struct mip_advert {
	uint8_t code;
	uint16_t lifetime;
	unsigned int n_routers;
	struct roam_addr routers[MIP_ADVERT_ADDRS];
	uint32_t preferences[MIP_ADVERT_ADDRS];
	unsigned int n_prefixes;
	uint8_t prefixes[MIP_ADVERT_ADDRS];
	bool is_agent;
	uint16_t sequence;
	uint16_t registration;
	uint16_t flags;
	unsigned int n_coas;
	struct roam_addr coas[MIP_ADVERT_ADDRS];
};

/* Writes the ICMP message with its checksum; returns its length. */
size_t mip_advert_encode(const struct mip_advert *advert,
			 uint8_t buf[MIP_ADVERT_MAX]);
/* @buf: the ICMP message without IP header. */
enum mip_error mip_advert_decode(const uint8_t *buf, size_t len,
				 struct mip_advert *advert);
void mip_solicitation_encode(uint8_t buf[MIP_SOLICITATION_LEN]);
bool mip_solicitation_is_valid(const uint8_t *buf, size_t len);
/* The sequence number that follows, RFC 5944 2.3.2. */
uint16_t mip_sequence_next(uint16_t sequence);

#endif
