/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets that are never rewritten, whatever the mappings say (OPEN-39,
 * OPEN-40, TEN-11): by port, mark, prefix of the other end, control group of
 * the sender. Protocols are not here: they are looked at before all else.
 *
 * Contract: immutable, behind one RCU pointer, never NULL, replaced as a whole.
 * Readers hold rcu_read_lock(); the writer holds roam_net.lock.
 */
#ifndef ROAM_MANGLE_EXEMPT_H
#define ROAM_MANGLE_EXEMPT_H

#include <linux/in6.h>
#include <linux/rcupdate.h>
#include <linux/skbuff.h>
#include <linux/types.h>

#include "mangle.h"
#include "range.h"

struct sock;

#define ROAM_EXEMPT_PORTS 32
#define ROAM_EXEMPT_RANGES 64
#define ROAM_EXEMPT_CGROUPS 16

/**
 * struct roam_exempt - what is exempt
 * @rcu: frees it
 * @port_bits: one for each of @ports, to rule out most packets by one look
 * @ports: ports, network order
 * @cgroups: numbers of control groups
 * @ranges: prefixes or NULL; goes with this
 * @mark: what the masked mark must be
 * @mask: 0: marks do not matter
 * @n_ports: used in @ports
 * @n_cgroups: used in @cgroups
 * @rare: there is more than ports
 */
struct roam_exempt {
	struct rcu_head rcu;
	u64 port_bits;
	__be16 ports[ROAM_EXEMPT_PORTS];
	u64 cgroups[ROAM_EXEMPT_CGROUPS];
	struct roam_ranges *ranges;
	u32 mark;
	u32 mask;
	u8 n_ports;
	u8 n_cgroups;
	bool rare;
};

static inline u64 roam_exempt_port_bit(__be16 port)
{
	return BIT_ULL(ntohs(port) % 64);
}

/*
 * Is one of these ports exempt, or the mark, the prefix, the control group? The
 * address by value, so that it need not be in memory for those who do not ask.
 */
bool roam_exempt_look(const struct roam_exempt *exempt,
		      const struct sk_buff *skb, const __be16 *ports,
		      struct in6_addr other, const struct sock *sk);

/**
 * roam_is_exempt - shall this packet stay as it is?
 * @rn: namespace; under rcu_read_lock()
 * @skb: the packet
 * @ports: its two ports, or NULL if it has none
 * @other: address of the other end, as it is in the packet
 * @sk: sender's socket, or NULL for a received packet
 */
static inline bool roam_is_exempt(struct roam_net *rn,
				  const struct sk_buff *skb,
				  const __be16 *ports,
				  const struct in6_addr *other,
				  const struct sock *sk)
{
	const struct roam_exempt *exempt = rcu_dereference(rn->exempt);

	/* Nearly always no, and so for nearly no instructions. */
	if (likely(!exempt->rare &&
		   (!ports || !(exempt->port_bits &
				(roam_exempt_port_bit(ports[0]) |
				 roam_exempt_port_bit(ports[1]))))))
		return false;
	if (!roam_exempt_look(exempt, skb, ports, *other, sk))
		return false;
	roam_count(rn, exempted);
	return true;
}

/* Adds a port; false if there are too many. */
bool roam_exempt_add_port(struct roam_exempt *exempt, u16 port);

/* The initial one: the ports of SIP. NULL without memory. */
struct roam_exempt *roam_exempt_default(void);
/* Frees one that is not in force. */
void roam_exempt_free(struct roam_exempt *exempt);
/* Puts a filled one in force; roam_net.lock held. Takes it over. */
void roam_exempt_set(struct roam_net *rn, struct roam_exempt *exempt);

#endif
