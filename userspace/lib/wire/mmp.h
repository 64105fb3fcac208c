/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of MMP, movement inside an access network, byte by byte as in
 * Documentation/protocols/mmp.md. Codec only: no keys, no I/O.
 */
#ifndef ROAM_WIRE_MMP_H
#define ROAM_WIRE_MMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define MMP_PORT 17436
#define MMP_VERSION 1
#define MMP_HEADER_LEN 40
#define MMP_AUTH_LEN 16
#define MMP_NAME_LEN 12
#define MMP_PATH_MAX 16		/* nodes between a gateway and who hears it */
#define MMP_SUBNETS_MAX 4
#define MMP_SUBNET_LEN 20
#define MMP_TRACE_LEN 28		/* of a node on the way to a host */
#define MMP_MAX_LEN (68 + MMP_PATH_MAX * MMP_TRACE_LEN + MMP_AUTH_LEN)

enum mmp_type {
	MMP_GATEWAY_BEACON = 1,
	MMP_BS_BEACON = 2,
	MMP_REGISTRATION = 3,
	MMP_CACHE_UPDATE = 4,
	MMP_ROUTE_UPDATE = 5,
	MMP_ACK = 6,
	MMP_PROBE = 7,
	MMP_PROBE_REPLY = 8,
	MMP_TRACE = 9,
	MMP_TRACE_REPLY = 10,
	MMP_HOST_ROUTE = 11,
	MMP_HOST_ROUTE_ACK = 12,
	MMP_TYPE_MAX = MMP_HOST_ROUTE_ACK,
};

/** enum mmp_trace_role - what a node on the way to a host is */
enum mmp_trace_role {
	MMP_TRACE_GATEWAY = 0,
	MMP_TRACE_NODE = 1,
	MMP_TRACE_BASE_STATION = 2,
};

enum mmp_status {
	MMP_OK = 0,
	MMP_STALE = 1,		/* sequence or beacon is not new enough */
	MMP_DENIED = 2,		/* the address is in no subnet of the domain */
	MMP_FULL = 3,		/* a table is full */
};

#define MMP_FLAG_DOMAIN 0x0001	/* the domain id is there */
#define MMP_FLAG_PAGING 0x0002	/* the paging id is there */
#define MMP_FLAG_SEMISOFT 0x0004 /* cache update: keep the old way, too */
#define MMP_FLAG_ACK 0x0008	/* route update: answer it */
#define MMP_FLAG_KEEP 0x0010	/* of a host: it has one receiver, keep what goes down */

/**
 * struct mmp_name - of a node: letters, digits, '.', '-', '_', zeros behind
 * @b: at least one letter
 */
struct mmp_name {
	char b[MMP_NAME_LEN];
};

enum mmp_l2_kind {
	MMP_L2_NONE = 0,
	MMP_L2_ETHERNET = 1,
	MMP_L2_WIFI = 2,
};

/**
 * struct mmp_l2 - layer-2 parameters of a base station (MMP-73)
 * @kind: enum mmp_l2_kind
 * @channel: radio channel, 0 where there is none
 * @bssid: link-layer address of the base station
 */
struct mmp_l2 {
	uint8_t kind;
	uint16_t channel;
	uint8_t bssid[6];
};

/**
 * struct mmp_hop_state - a node on the way to a host
 * @name: its name
 * @role: enum mmp_trace_role
 * @downlinks: of its entry; 0: it has none, and the way ends there
 * @left: ms until the entry ends
 * @seq: of the host's last message; 0: data made the entry
 */
struct mmp_hop_state {
	struct mmp_name name;
	uint8_t role;
	uint8_t downlinks;
	uint32_t left;
	uint64_t seq;
};

/**
 * struct mmp_msg - a decoded message
 * @type: enum mmp_type
 * @flags: MMP_FLAG_*
 * @key_id: the domain key that the key of the authenticator is made from
 * @domain: domain id, 0 without MMP_FLAG_DOMAIN
 * @paging: paging id, 0 without MMP_FLAG_PAGING
 * @gateway: the gateway that issued a beacon, or that is meant; none in a base
 *	station's beacon while it has no gateway, and in probes
 * @epoch: of the gateway; higher after each start
 * @seq: number of its beacon, that is sent or was heard last
 * @gateway6: beacons: its IPv6 address if @gateway is an IPv4 one, or none
 * @timestamp: us of the sender's clock that never goes back
 * @period: beacons: ms between two
 * @delay: gateway beacon: us from the gateway to the sender, as measured
 * @n_path: gateway beacon: names in @path, 1..MMP_PATH_MAX
 * @path: gateway first, the sender last
 * @name: sender of a base station's beacon, an acknowledgement or a probe; the
 *	base station that a host's message is sent by
 * @router: base station's beacon: its IPv4 address for hosts, or none
 * @l2: base station's beacon
 * @n_subnets: base station's beacon, up to MMP_SUBNETS_MAX
 * @subnets: whose addresses this domain routes
 * @coa: care-of address of a host
 * @host_seq: number of the host's message, each higher than the one before
 * @unheard: host's message with MMP_FLAG_KEEP: ms for which it heard nothing before, or 0
 * @status: acknowledgement: enum mmp_status; host route: 1 the host is there, 0 it left
 * @nonce: probes, traces: repeated in the reply
 * @n_trace: traces: nodes passed, 1..MMP_PATH_MAX
 * @trace: traces: who was asked first, then downwards
 */
struct mmp_msg {
	uint8_t type;
	uint16_t flags;
	uint32_t key_id;
	uint32_t domain;
	uint32_t paging;
	struct roam_addr gateway;
	uint32_t epoch;
	uint32_t seq;
	struct roam_addr gateway6;
	uint64_t timestamp;
	uint32_t period;
	uint32_t delay;
	uint8_t n_path;
	struct mmp_name path[MMP_PATH_MAX];
	struct mmp_name name;
	struct roam_addr router;
	struct mmp_l2 l2;
	uint8_t n_subnets;
	struct roam_prefix subnets[MMP_SUBNETS_MAX];
	struct roam_addr coa;
	uint64_t host_seq;
	uint32_t unheard;
	uint8_t status;
	uint64_t nonce;
	uint8_t n_trace;
	struct mmp_hop_state trace[MMP_PATH_MAX];
};

/** enum mmp_drop - why a message was not accepted; each is a counter. */
enum mmp_drop {
	MMP_DROP_NONE,		/* accepted */
	MMP_DROP_LENGTH,
	MMP_DROP_VERSION,
	MMP_DROP_TYPE,
	MMP_DROP_RESERVED,	/* bits that must be zero are not */
	MMP_DROP_NAME,		/* a name that cannot be one, or a count out of bounds */
	MMP_DROP_ADDRESS,	/* an address that cannot be one */
	MMP_DROP_KEY,		/* key id unknown */
	MMP_DROP_AUTH,		/* authenticator does not match */
	MMP_DROP_DOMAIN,	/* of another domain */
	MMP_DROP_REPLAY,	/* a number that is not new */
	MMP_DROP_STALE,		/* names a beacon that is too old, or none of ours */
	MMP_DROP_LOOP,		/* a beacon that went by this node before */
	MMP_DROP_DUPLICATE,	/* a beacon that was forwarded already */
	MMP_DROP_SOURCE,	/* source address is not the care-of address */
	MMP_DROP_SUBNET,	/* care-of address is in no subnet of the domain */
	MMP_DROP_ROLE,		/* this role or link does not take that type */
	MMP_DROP_UNASKED,	/* a reply to nothing outstanding */
	MMP_DROP_LIMIT,		/* a table is full, or a sender too fast */
	MMP_DROP_NO_UPLINK,	/* nowhere to pass it on to */
	MMP_DROP_MAX
};

/* Short name of a drop reason, as in the protocol page ("length", "auth"). */
const char *mmp_drop_name(enum mmp_drop drop);
const char *mmp_type_name(uint8_t type);
const char *mmp_status_name(uint8_t status);

/* False if @s is empty, too long or has other characters than a name may. */
bool mmp_name_parse(const char *s, struct mmp_name *name);
/* As a string, in @buf of MMP_NAME_LEN + 1 bytes, which it returns. */
const char *mmp_name_format(const struct mmp_name *name, char *buf);
bool mmp_name_eq(const struct mmp_name *a, const struct mmp_name *b);
bool mmp_name_is_none(const struct mmp_name *name);

/* Is @a newer than @b, in the arithmetic of RFC 1982 (OPEN-42)? */
static inline bool mmp_seq_after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

#define MMP_EPOCH_STEP 65536

/*
 * May a sender whose epoch @known was (0: none is known) have the higher @epoch now? A
 * start adds one: a step of many is no start, and behind the last one none could come.
 */
static inline bool mmp_epoch_follows(uint32_t epoch, uint32_t known)
{
	return epoch != UINT32_MAX &&
	       (!known || epoch - known <= MMP_EPOCH_STEP);
}

/**
 * mmp_encode() - write a message without its authenticator
 * @msg: what to write
 * @buf: MMP_MAX_LEN bytes
 *
 * Return: bytes written. The caller adds MMP_AUTH_LEN bytes of authenticator.
 */
size_t mmp_encode(const struct mmp_msg *msg, uint8_t *buf);

/**
 * mmp_decode() - read a message, without judging its authenticator
 * @buf: the datagram
 * @len: its length in bytes
 * @msg: filled on success, undefined else
 * @covered: on success the number of bytes the authenticator covers; its
 *	MMP_AUTH_LEN bytes follow them
 *
 * Return: MMP_DROP_NONE or the reason to drop the datagram.
 */
enum mmp_drop mmp_decode(const uint8_t *buf, size_t len, struct mmp_msg *msg,
			 size_t *covered);

#endif
