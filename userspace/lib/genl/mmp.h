/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Typed client of the roam_mmp family (kernel/include/uapi/linux/roam_mmp.h,
 * Documentation/netlink/specs/roam_mmp.yaml).
 */
#ifndef ROAM_GENL_MMP_H
#define ROAM_GENL_MMP_H

#include <linux/roam_mmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/mmp_node.h"
#include "genl/genl.h"

/**
 * struct mmp_route - an entry of the module
 * @entry: address, sequence and downlinks
 * @left: ms until it ends (from the kernel only)
 * @second_left: ms until the second downlink ends (from the kernel only)
 */
struct mmp_route {
	struct mmp_entry entry;
	uint32_t left;
	uint32_t second_left;
};

/**
 * struct mmp_kernel_config - settings of the module; see the YAML for each
 * @role: enum roam_mmp_role
 * @timeout: ms
 * @second_time: ms
 * @left_time: ms
 * @max_hosts: entries
 * @turn: packets between hosts turn here
 * @port: UDP port
 * @keep_time: ms that copies for hosts with one receiver are kept; 0: none
 * @keep_bytes: of memory that those of one host may hold
 */
struct mmp_kernel_config {
	uint8_t role;
	uint32_t timeout;
	uint32_t second_time;
	uint32_t left_time;
	uint32_t max_hosts;
	bool turn;
	uint16_t port;
	uint32_t keep_time;
	uint32_t keep_bytes;
};

/**
 * struct mmp_kernel_link - an interface that takes part
 * @link: its index
 * @kind: enum roam_mmp_kind
 */
struct mmp_kernel_link {
	uint32_t link;
	uint8_t kind;
};

/* All return 0 or negative errno, and genl_error() says why. */

struct genl *mmp_open(char **error);

int mmp_route_set(struct genl *genl, const struct mmp_entry *entry);
/* Many at once; @applied may be NULL. */
int mmp_routes_set(struct genl *genl, const struct mmp_entry *entries, size_t n,
		   size_t *applied);
/* -ENOENT: there is none. */
int mmp_route_get(struct genl *genl, const struct roam_addr *addr,
		  struct mmp_route *route);
int mmp_route_del(struct genl *genl, const struct roam_addr *addr);
int mmp_route_flush(struct genl *genl, size_t *applied);
int mmp_route_dump(struct genl *genl,
		   void (*fn)(void *ctx, const struct mmp_route *route),
		   void *ctx, bool *interrupted);

/* Each replaces the whole list. */
int mmp_uplinks_set(struct genl *genl, const struct mmp_hop *hops, size_t n);
int mmp_below_set(struct genl *genl, const struct mmp_hop *hops, size_t n);
int mmp_ranges_set(struct genl *genl, const struct roam_prefix *ranges,
		   size_t n);
int mmp_links_set(struct genl *genl, const struct mmp_kernel_link *links,
		  size_t n);
/* At most @room of them, in order. Their number, or negative errno. */
int mmp_uplinks_get(struct genl *genl, struct mmp_hop *hops, size_t room);
int mmp_below_get(struct genl *genl, struct mmp_hop *hops, size_t room);

int mmp_config_set(struct genl *genl, const struct mmp_kernel_config *config);
int mmp_config_get(struct genl *genl, struct mmp_kernel_config *config);
int mmp_stats_get(struct genl *genl,
		  void (*fn)(void *ctx, const char *name, uint64_t value),
		  void *ctx);

/* False if the message is no event of the family or is malformed. */
bool mmp_event_decode(const struct nlmsghdr *nlh, struct mmp_route *route,
		      uint8_t *reason);
/* "new", "moved", ... */
const char *mmp_reason_name(uint8_t reason);

#endif
