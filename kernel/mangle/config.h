/* SPDX-License-Identifier: GPL-2.0-only */
/* Settings of a namespace. */
#ifndef ROAM_MANGLE_CONFIG_H
#define ROAM_MANGLE_CONFIG_H

#include <linux/types.h>

/* Limits as they are at first. */
#define MANGLE_MAPPINGS_DEFAULT (1U << 21)
#define MANGLE_PEERS_DEFAULT (1U << 16)

/**
 * struct mangle_config - settings; times in jiffies
 * @protocols: bit per IP protocol that is rewritten
 * @hold_packets: most packets held for one destination
 * @hold_total: most packets held altogether
 * @hold_time: longest a packet is held
 * @hold_policy: enum roam_mangle_hold_policy
 * @grace: how long a left care-of address is still translated
 * @max_mappings: most mappings
 * @max_peers: most correspondents seen
 * @peer_time: a correspondent is forgotten after this without a packet or connection
 *
 * Written under mangle_table.lock, read without: each is one word on its own.
 */
struct mangle_config {
	DECLARE_BITMAP(protocols, 256);
	u32 hold_packets;
	u32 hold_total;
	u32 hold_time;
	u8 hold_policy;
	u32 grace;
	u32 max_mappings;
	u32 max_peers;
	u32 peer_time;
};

#endif
