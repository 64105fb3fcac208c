/* SPDX-License-Identifier: GPL-2.0-only */
/* Whom the addresses on the wire stand for, and which socket knows which of them. */
#ifndef ROAM_MANGLE_WHOM_H
#define ROAM_MANGLE_WHOM_H

#include <linux/skbuff.h>

#include "mangle.h"
#include "packet.h"
#include "table.h"

/**
 * struct roam_ends - whose care-of addresses a packet on the wire carries
 * @to: endpoint at its destination, or NULL
 * @from: endpoint at its source, or NULL
 */
struct roam_ends {
	struct roam_endpoint *to;
	struct roam_endpoint *from;
};

/*
 * The destination can stand for an own address, the source for a remote one: a
 * host without such mappings does not look. False if there is neither.
 */
static inline bool roam_ends_find(struct roam_net *rn,
				  const struct in6_addr *saddr,
				  const struct in6_addr *daddr,
				  struct roam_ends *ends)
{
	ends->to = roam_has(rn, ROAM_MANGLE_ROLE_OWN) ?
		   roam_endpoint_find(rn, daddr) : NULL;
	ends->from = roam_has(rn, ROAM_MANGLE_ROLE_REMOTE) ?
		     roam_endpoint_find(rn, saddr) : NULL;
	return ends->to || ends->from;
}

/* Is it an address of this namespace, on whatever link? */
bool roam_addr_is_local(struct net *net, const struct in6_addr *addr);

/**
 * struct roam_whom - whom the addresses of a received packet stand for
 * @own: mapping of its destination, a care-of address of ours; or NULL
 * @peer: mapping of its source, a mobile host's care-of address; or NULL
 */
struct roam_whom {
	struct roam_mapping *own;
	struct roam_mapping *peer;
};

/*
 * @daddr is the destination as it is on the wire. Only what is for this host
 * counts: others' packets pass unchanged. A mobile host in literal mode does not
 * use its care-of address as source, but what we sent it had it as destination:
 * @quoted. False if there is nothing to do.
 */
static __always_inline bool roam_whom_find(struct roam_net *rn,
					   const struct roam_ends *ends,
					   const struct in6_addr *daddr,
					   bool quoted, struct roam_whom *whom)
{
	struct roam_mapping *mapping;

	whom->own = NULL;
	whom->peer = NULL;
	mapping = ends->to ? ends->to->mapping : NULL;
	if (mapping && mapping->role == ROAM_MANGLE_ROLE_OWN) {
		whom->own = mapping;
		roam_mapping_touch(mapping);
	}
	mapping = ends->from ? ends->from->mapping : NULL;
	if (mapping && mapping->role == ROAM_MANGLE_ROLE_REMOTE &&
	    (quoted || READ_ONCE(mapping->mode) == ROAM_MANGLE_MODE_SYMMETRIC) &&
	    (whom->own || roam_addr_is_local(rn->net, daddr))) {
		whom->peer = mapping;
		roam_mapping_touch(mapping);
	}
	return whom->own || whom->peer;
}

/* The addresses that the sockets of a received packet know. */
static inline struct roam_pair6
roam_whom_pair(const struct roam_whom *whom, const struct roam_pair6 *wire)
{
	return (struct roam_pair6){
		.saddr = whom->peer ? whom->peer->perm : wire->saddr,
		.daddr = whom->own ? whom->own->perm : wire->daddr,
	};
}

/**
 * roam_socket_state() - state of the TCP socket of a received packet
 * @rn: the namespace
 * @skb: the packet, for the link it came by
 * @pair: addresses that the socket would know
 * @sport: source port of the packet
 * @dport: its destination port
 *
 * Return: TCP_*, 0 if there is no such socket.
 */
int roam_socket_state(struct roam_net *rn, const struct sk_buff *skb,
		      const struct roam_pair6 *pair, __be16 sport,
		      __be16 dport);

/* enum roam_whose - which addresses a TCP segment's socket knows */
enum roam_whose {
	ROAM_ESTABLISHED,	/* the permanent ones */
	ROAM_CARE_OF,		/* the care-of ones */
	ROAM_NOBODY,		/* no connection yet, the SYN may be forged */
};

/**
 * roam_socket_of() - which addresses the socket of a received segment knows
 * @rn: the namespace
 * @skb: the segment, opened
 * @pkt: what was read of it
 * @whom: whom its addresses stand for
 * @ports: its ports
 */
enum roam_whose roam_socket_of(struct roam_net *rn, struct sk_buff *skb,
			       const struct roam_packet *pkt,
			       const struct roam_whom *whom,
			       const __be16 *ports);

#endif
