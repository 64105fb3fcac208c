/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Typed client of the roam_mangle family (kernel/include/uapi/linux/
 * roam_mangle.h, Documentation/netlink/specs/roam_mangle.yaml).
 */
#ifndef ROAM_GENL_MANGLE_H
#define ROAM_GENL_MANGLE_H

#include <linux/roam_mangle.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "genl/genl.h"

/**
 * struct mangle_mapping - one mapping of the module
 * @perm: permanent address, the key
 * @coa: care-of address, all zero in a null mapping
 * @role: enum roam_mangle_role
 * @state: enum roam_mangle_state
 * @lifetime: ms left, 0 = for ever
 * @seq: sequence of the registration
 * @idle: ms since it last rewrote a packet (from the kernel only)
 * @mode: enum roam_mangle_mode
 */
struct mangle_mapping {
	struct roam_addr perm;
	struct roam_addr coa;
	uint8_t role;
	uint8_t state;
	uint32_t lifetime;
	uint64_t seq;
	uint32_t idle;
	uint8_t mode;
};

/**
 * struct mangle_peer - one correspondent of an own permanent address
 * @own: own permanent address; all zero in a miss whose source is not one
 * @addr: the correspondent
 * @mode: enum roam_mangle_peer_mode
 * @idle: ms since the last packet (from the kernel only)
 * @told: it knows the present care-of address (from the kernel only)
 */
struct mangle_peer {
	struct roam_addr own;
	struct roam_addr addr;
	uint8_t mode;
	uint32_t idle;
	bool told;
};

/**
 * struct mangle_event - one event of the module, decoded
 * @cmd: ROAM_MANGLE_CMD_MAPPING_NTF, _PEER_NTF or _MISS_NTF
 * @mapping: for a mapping event
 * @peer: for a peer event or a miss
 * @reason: enum roam_mangle_reason
 * @need: ROAM_MANGLE_NEED_* bits of a miss
 */
struct mangle_event {
	uint8_t cmd;
	struct mangle_mapping mapping;
	struct mangle_peer peer;
	uint8_t reason;
	uint32_t need;
};

struct genl *mangle_open(char **error);

/** enum mangle_set - which mappings a request may set. */
enum mangle_set {
	MANGLE_SET_ANY,		/* added or replaced */
	MANGLE_SET_NEW,		/* one that exists is refused (-EEXIST) */
	MANGLE_SET_EXISTING,	/* one that does not exist is refused (-ENOENT) */
};

/**
 * mangle_mapping_set() - add or replace mappings in bulk
 * @mappings: as many as wanted; packed into as few messages as possible
 * @n: their number
 * @which: which it may set
 * @applied: how many took effect, may be NULL; the one at that index failed
 *
 * Return: 0 or negative errno, genl_error() says why.
 */
int mangle_mapping_set(struct genl *genl, const struct mangle_mapping *mappings,
		       size_t n, enum mangle_set which, size_t *applied);
int mangle_mapping_del(struct genl *genl, const struct roam_addr *perms,
		       size_t n, size_t *applied);
/* Removes all; @applied (may be NULL) tells how many. */
int mangle_mapping_flush(struct genl *genl, size_t *applied);
int mangle_mapping_get(struct genl *genl, const struct roam_addr *perm,
		       struct mangle_mapping *mapping);
int mangle_mapping_dump(struct genl *genl,
			void (*fn)(void *ctx, const struct mangle_mapping *m),
			void *ctx, bool *interrupted);

int mangle_peer_set(struct genl *genl, const struct mangle_peer *peers,
		    size_t n, size_t *applied);
int mangle_peer_del(struct genl *genl, const struct mangle_peer *peers,
		    size_t n, size_t *applied);
int mangle_peer_flush(struct genl *genl, size_t *applied);
int mangle_peer_dump(struct genl *genl,
		     void (*fn)(void *ctx, const struct mangle_peer *p),
		     void *ctx, bool *interrupted);

/* Replaces the whole list. */
int mangle_range_set(struct genl *genl, const struct roam_prefix *ranges,
		     size_t n);
int mangle_range_get(struct genl *genl,
		     void (*fn)(void *ctx, const struct roam_prefix *r),
		     void *ctx);

/* As many as the module accepts. */
#define MANGLE_EXEMPT_PORTS 32
#define MANGLE_EXEMPT_RANGES 64
#define MANGLE_EXEMPT_CGROUPS 16

/**
 * struct mangle_exempt - packets that are never rewritten (OPEN-39, OPEN-40)
 * @ports: ports at either end
 * @n_ports: their number
 * @udp_ports: ports of UDP alone
 * @n_udp_ports: their number
 * @mark: with @mask, the mark of a socket or packet that opts out
 * @mask: which bits of @mark count; 0: no mark is exempt
 * @ranges: where the other end is
 * @n_ranges: their number
 * @cgroups: control groups of the sending socket, by inode number
 * @n_cgroups: their number
 */
struct mangle_exempt {
	uint16_t ports[MANGLE_EXEMPT_PORTS];
	size_t n_ports;
	uint16_t udp_ports[MANGLE_EXEMPT_PORTS];
	size_t n_udp_ports;
	uint32_t mark;
	uint32_t mask;
	struct roam_prefix ranges[MANGLE_EXEMPT_RANGES];
	size_t n_ranges;
	uint64_t cgroups[MANGLE_EXEMPT_CGROUPS];
	size_t n_cgroups;
};

/**
 * mangle_cgroup_id() - the number by which the module knows a control group
 * @path: of its folder, below /sys/fs/cgroup unless it begins with '/'
 * @id: its number; another one when the group is made again
 *
 * Return: false if there is none; errno is EINVAL where there is something else.
 */
bool mangle_cgroup_id(const char *path, uint64_t *id);
bool mangle_exempt_has_port(const struct mangle_exempt *exempt, uint16_t port);
/* Adds a port unless it is there already. False: there is no room for it. */
bool mangle_exempt_add_port(struct mangle_exempt *exempt, uint16_t port);
/* The same for UDP alone; a port is exempt for UDP if either list has it. */
bool mangle_exempt_has_udp_port(const struct mangle_exempt *exempt, uint16_t port);
bool mangle_exempt_add_udp_port(struct mangle_exempt *exempt, uint16_t port);

/**
 * struct mangle_config - settings of the module; see the YAML for each
 * @set: bit per ROAM_MANGLE_A_CONFIG_* that is to be changed (by set only)
 * @protocols: IP protocols rewritten
 * @n_protocols: their number
 * @exempt: what is never rewritten; set as a whole
 * @internal: prefixes that no mobile host can be in; set as a whole
 * @n_internal: their number
 */
struct mangle_config {
	uint32_t set;
	uint8_t protocols[16];
	size_t n_protocols;
	uint32_t hold_packets;
	uint32_t hold_total;
	uint32_t hold_time;
	uint8_t hold_policy;
	uint32_t grace;
	uint32_t max_mappings;
	uint32_t max_peers;
	uint32_t peer_time;
	struct mangle_exempt exempt;
	struct roam_prefix internal[MANGLE_EXEMPT_RANGES];
	size_t n_internal;
};

int mangle_config_set(struct genl *genl, const struct mangle_config *config);
int mangle_config_get(struct genl *genl, struct mangle_config *config);
/* Is an IP protocol among those rewritten? */
bool mangle_rewrites(const struct mangle_config *config, uint8_t protocol);

/**
 * mangle_stats_get() - read the counters
 * @fn: called for each with its name ("in-rewritten", as in the YAML)
 */
int mangle_stats_get(struct genl *genl,
		     void (*fn)(void *ctx, const char *name, uint64_t value),
		     void *ctx);

/* False if the message is no event of the family or is malformed. */
bool mangle_event_decode(const struct nlmsghdr *nlh,
			 struct mangle_event *event);

#endif
