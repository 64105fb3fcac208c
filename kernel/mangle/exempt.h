/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets that are never rewritten, whatever the mappings say (OPEN-39,
 * OPEN-40, TEN-11): by port, mark, prefix of the other end, control group of
 * the sender. Protocols are not here: they are looked at before all else.
 *
 * Contract: immutable, behind one RCU pointer that is replaced as a whole.
 * Readers hold rcu_read_lock(); the writer holds roam_net.lock.
 */
#ifndef ROAM_MANGLE_EXEMPT_H
#define ROAM_MANGLE_EXEMPT_H

#include <linux/in6.h>
#include <linux/rcupdate.h>
#include <linux/types.h>

struct roam_net;
struct roam_ranges;
struct sk_buff;
struct sock;

#define ROAM_EXEMPT_PORTS 32
#define ROAM_EXEMPT_RANGES 64
#define ROAM_EXEMPT_CGROUPS 16

/**
 * struct roam_exempt - what is exempt
 * @rcu: frees it
 * @ports: ports, network order
 * @cgroups: numbers of control groups
 * @ranges: prefixes or NULL; goes with this
 * @mark: what the masked mark must be
 * @mask: 0: marks do not matter
 * @n_ports: used in @ports
 * @n_cgroups: used in @cgroups
 */
struct roam_exempt {
	struct rcu_head rcu;
	__be16 ports[ROAM_EXEMPT_PORTS];
	u64 cgroups[ROAM_EXEMPT_CGROUPS];
	struct roam_ranges *ranges;
	u32 mark;
	u32 mask;
	u8 n_ports;
	u8 n_cgroups;
};

/**
 * roam_is_exempt - shall this packet stay as it is?
 * @rn: namespace; under rcu_read_lock()
 * @skb: the packet
 * @ports: its two ports, or NULL if it has none
 * @other: address of the other end, as it is in the packet
 * @sk: sender's socket, or NULL for a received packet
 */
bool roam_is_exempt(struct roam_net *rn, const struct sk_buff *skb,
		    const __be16 *ports, const struct in6_addr *other,
		    const struct sock *sk);

/* The initial one: the ports of SIP. NULL without memory. */
struct roam_exempt *roam_exempt_default(void);
/* Frees one that is not in force. */
void roam_exempt_free(struct roam_exempt *exempt);
/* Puts one in force; roam_net.lock held. Takes it over. */
void roam_exempt_set(struct roam_net *rn, struct roam_exempt *exempt);

#endif
