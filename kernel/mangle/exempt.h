/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets that are never rewritten, whatever the mappings say (OPEN-39,
 * OPEN-40, TEN-11): by port, mark, prefix of the other end, control group of
 * the sender. Protocols are not here: they are looked at before all else.
 *
 * Contract: immutable, behind one RCU pointer, never NULL, replaced as a whole.
 * Readers hold rcu_read_lock(); the writer holds mangle_table.lock.
 */
#ifndef ROAM_MANGLE_EXEMPT_H
#define ROAM_MANGLE_EXEMPT_H

#include <linux/in6.h>
#include <linux/rcupdate.h>
#include <linux/skbuff.h>
#include <linux/types.h>

#include "range.h"

struct sock;

#define MANGLE_EXEMPT_PORTS 32
#define MANGLE_EXEMPT_RANGES 64
#define MANGLE_EXEMPT_CGROUPS 16

/**
 * struct mangle_exempt - what is exempt
 * @rcu: frees it
 * @port_bits: one for each of @ports and @udp_ports, to rule out most packets by one
 *	look
 * @ports: ports, network order
 * @udp_ports: ports that are exempt for UDP alone
 * @cgroups: numbers of control groups
 * @ranges: prefixes or NULL; goes with this
 * @mark: what the masked mark must be
 * @mask: 0: marks do not matter
 * @n_ports: used in @ports
 * @n_udp_ports: used in @udp_ports
 * @n_cgroups: used in @cgroups
 * @rare: there is more than ports
 */
struct mangle_exempt {
	struct rcu_head rcu;
	u64 port_bits;
	__be16 ports[MANGLE_EXEMPT_PORTS];
	__be16 udp_ports[MANGLE_EXEMPT_PORTS];
	u64 cgroups[MANGLE_EXEMPT_CGROUPS];
	struct mangle_ranges *ranges;
	u32 mark;
	u32 mask;
	u8 n_ports;
	u8 n_udp_ports;
	u8 n_cgroups;
	bool rare;
};

static inline u64 mangle_exempt_port_bit(__be16 port)
{
	return BIT_ULL(ntohs(port) % 64);
}

/*
 * Is one of these ports exempt, or the mark, the prefix, the control group? The
 * address by value, so that it need not be in memory for those who do not ask.
 */
bool mangle_exempt_look(const struct mangle_exempt *exempt,
			const struct sk_buff *skb, u8 protocol, const __be16 *ports,
			struct in6_addr other, const struct sock *sk);

/* May a packet with these ports, or none, be exempt? Nearly always no, at once. */
static inline bool mangle_exempt_may_hold(const struct mangle_exempt *exempt,
					  const __be16 *ports)
{
	return exempt->rare ||
	       (ports && (exempt->port_bits &
			  (mangle_exempt_port_bit(ports[0]) |
			   mangle_exempt_port_bit(ports[1]))));
}

/* Adds a port, for UDP alone if @udp; false if there are too many. */
bool mangle_exempt_add_port(struct mangle_exempt *exempt, u16 port, bool udp);

/* The initial one: the ports of SIP. NULL without memory. */
struct mangle_exempt *mangle_exempt_default(void);
/* Frees one that is not in force. */
void mangle_exempt_free(struct mangle_exempt *exempt);
/* Frees one that was in force until now; NULL is allowed. */
void mangle_exempt_free_later(struct mangle_exempt *exempt);
/* Is filled: to be called before it is put in force. */
void mangle_exempt_finish(struct mangle_exempt *exempt);

#endif
