/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/roam_mangle.yaml */
/* YNL-GEN uapi header */
/* To regenerate run: scripts/netlink-gen */

#ifndef _UAPI_LINUX_ROAM_MANGLE_H
#define _UAPI_LINUX_ROAM_MANGLE_H

#define ROAM_MANGLE_GENL_NAME		"roam_mangle"
#define ROAM_MANGLE_GENL_VERSION	1

/**
 * enum roam_mangle_role - Which end of the mobility a mapping stands for.
 * @ROAM_MANGLE_ROLE_REMOTE: Another host's permanent address; packets to it go
 *   to its care-of address.
 * @ROAM_MANGLE_ROLE_OWN: A permanent address of this host; packets from it
 *   leave with the care-of address.
 */
enum roam_mangle_role {
	ROAM_MANGLE_ROLE_REMOTE,
	ROAM_MANGLE_ROLE_OWN,
};

/**
 * enum roam_mangle_state - What is known about a permanent address.
 * @ROAM_MANGLE_STATE_VALID: The care-of address is known.
 * @ROAM_MANGLE_STATE_NULL: The register has no mapping; packets pass
 *   unchanged.
 * @ROAM_MANGLE_STATE_PENDING: It was asked for, and packets wait; in dumps
 *   only.
 */
enum roam_mangle_state {
	ROAM_MANGLE_STATE_VALID,
	ROAM_MANGLE_STATE_NULL,
	ROAM_MANGLE_STATE_PENDING,
};

/**
 * enum roam_mangle_mode - Which address of a mobile host its own packets carry
 *   on the wire.
 * @ROAM_MANGLE_MODE_SYMMETRIC: The care-of address, in both directions. What
 *   checks sources or follows connections on the path sees one pair of
 *   addresses.
 * @ROAM_MANGLE_MODE_LITERAL: The permanent address; only packets to the mobile
 *   host carry its care-of address. For networks that let foreign sources
 *   pass.
 */
enum roam_mangle_mode {
	ROAM_MANGLE_MODE_SYMMETRIC,
	ROAM_MANGLE_MODE_LITERAL,
};

/**
 * enum roam_mangle_peer_mode - How a correspondent of an own permanent address
 *   takes part.
 * @ROAM_MANGLE_PEER_MODE_SEEN: It exchanges TCP with us; whether it runs roam
 *   is not known yet.
 * @ROAM_MANGLE_PEER_MODE_ROAM: It confirmed an announcement; its connections
 *   survive a move.
 * @ROAM_MANGLE_PEER_MODE_PLAIN: It did not confirm; its connections last as
 *   long as the care-of address.
 * @ROAM_MANGLE_PEER_MODE_ANNOUNCED: It took part before, and was sent proof of
 *   the present care-of address a moment ago, or may just have forgotten it:
 *   for a second, what open connections send follows the announcement; what
 *   opens one waits. Until it confirms, resets from it that refuse a segment
 *   are dropped. Setting this mode again sends again what is not acknowledged.
 */
enum roam_mangle_peer_mode {
	ROAM_MANGLE_PEER_MODE_SEEN,
	ROAM_MANGLE_PEER_MODE_ROAM,
	ROAM_MANGLE_PEER_MODE_PLAIN,
	ROAM_MANGLE_PEER_MODE_ANNOUNCED,
};

/**
 * enum roam_mangle_need - What is missing before a held packet can go.
 * @ROAM_MANGLE_NEED_MAPPING: Whether the destination is a mobile host, and
 *   where it is.
 * @ROAM_MANGLE_NEED_PEER: Whether the destination, a correspondent, takes
 *   part.
 */
enum roam_mangle_need {
	ROAM_MANGLE_NEED_MAPPING = 1,
	ROAM_MANGLE_NEED_PEER = 2,
};

/**
 * enum roam_mangle_hold_policy - What becomes of a held packet that nobody
 *   resolved in time.
 * @ROAM_MANGLE_HOLD_POLICY_PASS: It leaves as if the destination were no
 *   mobile host.
 * @ROAM_MANGLE_HOLD_POLICY_DROP: It is dropped and counted.
 */
enum roam_mangle_hold_policy {
	ROAM_MANGLE_HOLD_POLICY_PASS,
	ROAM_MANGLE_HOLD_POLICY_DROP,
};

/*
 * Why an event was sent.
 */
enum roam_mangle_reason {
	ROAM_MANGLE_REASON_NEW,
	ROAM_MANGLE_REASON_MOVED,
	ROAM_MANGLE_REASON_DELETED,
	ROAM_MANGLE_REASON_EXPIRED,
	ROAM_MANGLE_REASON_REFRESHED,
};

enum {
	ROAM_MANGLE_A_MAPPING_PERM4 = 1,
	ROAM_MANGLE_A_MAPPING_PERM6,
	ROAM_MANGLE_A_MAPPING_COA4,
	ROAM_MANGLE_A_MAPPING_COA6,
	ROAM_MANGLE_A_MAPPING_ROLE,
	ROAM_MANGLE_A_MAPPING_STATE,
	ROAM_MANGLE_A_MAPPING_LIFETIME,
	ROAM_MANGLE_A_MAPPING_SEQ,
	ROAM_MANGLE_A_MAPPING_IDLE,
	ROAM_MANGLE_A_MAPPING_MODE,
	ROAM_MANGLE_A_MAPPING_PAD,

	__ROAM_MANGLE_A_MAPPING_MAX
};
#define ROAM_MANGLE_A_MAPPING_MAX (__ROAM_MANGLE_A_MAPPING_MAX - 1)

enum {
	ROAM_MANGLE_A_PEER_OWN4 = 1,
	ROAM_MANGLE_A_PEER_OWN6,
	ROAM_MANGLE_A_PEER_ADDR4,
	ROAM_MANGLE_A_PEER_ADDR6,
	ROAM_MANGLE_A_PEER_MODE,
	ROAM_MANGLE_A_PEER_IDLE,
	ROAM_MANGLE_A_PEER_TOLD,

	__ROAM_MANGLE_A_PEER_MAX
};
#define ROAM_MANGLE_A_PEER_MAX (__ROAM_MANGLE_A_PEER_MAX - 1)

enum {
	ROAM_MANGLE_A_RANGE_ADDR4 = 1,
	ROAM_MANGLE_A_RANGE_ADDR6,
	ROAM_MANGLE_A_RANGE_PREFIX_LEN,

	__ROAM_MANGLE_A_RANGE_MAX
};
#define ROAM_MANGLE_A_RANGE_MAX (__ROAM_MANGLE_A_RANGE_MAX - 1)

enum {
	ROAM_MANGLE_A_EXEMPT_PORT = 1,
	ROAM_MANGLE_A_EXEMPT_MARK,
	ROAM_MANGLE_A_EXEMPT_MASK,
	ROAM_MANGLE_A_EXEMPT_RANGE,
	ROAM_MANGLE_A_EXEMPT_CGROUP,
	ROAM_MANGLE_A_EXEMPT_PAD,
	ROAM_MANGLE_A_EXEMPT_UDP_PORT,

	__ROAM_MANGLE_A_EXEMPT_MAX
};
#define ROAM_MANGLE_A_EXEMPT_MAX (__ROAM_MANGLE_A_EXEMPT_MAX - 1)

enum {
	ROAM_MANGLE_A_CONFIG_PROTOCOL = 1,
	ROAM_MANGLE_A_CONFIG_HOLD_PACKETS,
	ROAM_MANGLE_A_CONFIG_HOLD_TOTAL,
	ROAM_MANGLE_A_CONFIG_HOLD_TIME,
	ROAM_MANGLE_A_CONFIG_HOLD_POLICY,
	ROAM_MANGLE_A_CONFIG_GRACE,
	ROAM_MANGLE_A_CONFIG_MAX_MAPPINGS,
	ROAM_MANGLE_A_CONFIG_MAX_PEERS,
	ROAM_MANGLE_A_CONFIG_PEER_TIME,
	ROAM_MANGLE_A_CONFIG_EXEMPT,
	ROAM_MANGLE_A_CONFIG_INTERNAL,

	__ROAM_MANGLE_A_CONFIG_MAX
};
#define ROAM_MANGLE_A_CONFIG_MAX (__ROAM_MANGLE_A_CONFIG_MAX - 1)

enum {
	ROAM_MANGLE_A_STATS_IN_REWRITTEN = 1,
	ROAM_MANGLE_A_STATS_OUT_REWRITTEN,
	ROAM_MANGLE_A_STATS_IN_ICMP,
	ROAM_MANGLE_A_STATS_OUT_ICMP,
	ROAM_MANGLE_A_STATS_IN_KEPT,
	ROAM_MANGLE_A_STATS_HELD,
	ROAM_MANGLE_A_STATS_RELEASED,
	ROAM_MANGLE_A_STATS_UNASKED,
	ROAM_MANGLE_A_STATS_DROP_HOLD_FULL,
	ROAM_MANGLE_A_STATS_DROP_HOLD_TIMEOUT,
	ROAM_MANGLE_A_STATS_PASS_HOLD_FULL,
	ROAM_MANGLE_A_STATS_PASS_HOLD_TIMEOUT,
	ROAM_MANGLE_A_STATS_DROP_MALFORMED,
	ROAM_MANGLE_A_STATS_DROP_UNTOLD,
	ROAM_MANGLE_A_STATS_DROP_NO_ROUTE,
	ROAM_MANGLE_A_STATS_DROP_EARLY_RESET,
	ROAM_MANGLE_A_STATS_PEERS_FULL,
	ROAM_MANGLE_A_STATS_EXEMPTED,
	ROAM_MANGLE_A_STATS_RESUMED,
	ROAM_MANGLE_A_STATS_MAPPINGS,
	ROAM_MANGLE_A_STATS_PEERS,
	ROAM_MANGLE_A_STATS_HOLDING,
	ROAM_MANGLE_A_STATS_PAD,

	__ROAM_MANGLE_A_STATS_MAX
};
#define ROAM_MANGLE_A_STATS_MAX (__ROAM_MANGLE_A_STATS_MAX - 1)

enum {
	ROAM_MANGLE_A_MAIN_MAPPING = 1,
	ROAM_MANGLE_A_MAIN_PEER,
	ROAM_MANGLE_A_MAIN_RANGE,
	ROAM_MANGLE_A_MAIN_CONFIG,
	ROAM_MANGLE_A_MAIN_STATS,
	ROAM_MANGLE_A_MAIN_APPLIED,
	ROAM_MANGLE_A_MAIN_ALL,
	ROAM_MANGLE_A_MAIN_REASON,
	ROAM_MANGLE_A_MAIN_NEED,
	ROAM_MANGLE_A_MAIN_EXCLUSIVE,
	ROAM_MANGLE_A_MAIN_EXISTING,

	__ROAM_MANGLE_A_MAIN_MAX
};
#define ROAM_MANGLE_A_MAIN_MAX (__ROAM_MANGLE_A_MAIN_MAX - 1)

enum {
	ROAM_MANGLE_CMD_MAPPING_SET = 1,
	ROAM_MANGLE_CMD_MAPPING_DEL,
	ROAM_MANGLE_CMD_MAPPING_GET,
	ROAM_MANGLE_CMD_PEER_SET,
	ROAM_MANGLE_CMD_PEER_DEL,
	ROAM_MANGLE_CMD_PEER_GET,
	ROAM_MANGLE_CMD_RANGE_SET,
	ROAM_MANGLE_CMD_RANGE_GET,
	ROAM_MANGLE_CMD_CONFIG_SET,
	ROAM_MANGLE_CMD_CONFIG_GET,
	ROAM_MANGLE_CMD_STATS_GET,
	ROAM_MANGLE_CMD_MAPPING_NTF,
	ROAM_MANGLE_CMD_PEER_NTF,
	ROAM_MANGLE_CMD_MISS_NTF,

	__ROAM_MANGLE_CMD_MAX
};
#define ROAM_MANGLE_CMD_MAX (__ROAM_MANGLE_CMD_MAX - 1)

#define ROAM_MANGLE_MCGRP_EVENTS	"events"
#define ROAM_MANGLE_MCGRP_MISS		"miss"

#endif /* _UAPI_LINUX_ROAM_MANGLE_H */
