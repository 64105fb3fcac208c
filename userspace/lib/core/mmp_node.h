/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MMP at a node of a domain: gateway, intermediate node or base station
 * (Documentation/protocols/mmp.md). It decides which uplinks there are and in
 * which order they are used, which beacons go where, and what a message of a
 * host does to the entry of its care-of address.
 *
 * The entries themselves are not here: they are the kernel's, which also ends
 * them and changes them when data climbs. So a restart of the daemon loses
 * none, and there is one truth. No I/O: the caller authenticates what it puts
 * in, and does what the operations say.
 */
#ifndef ROAM_CORE_MMP_NODE_H
#define ROAM_CORE_MMP_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"
#include "wire/mmp.h"

#define MMP_LINKS_MAX 64	/* interfaces of a node */
#define MMP_UPLINKS_MAX 8	/* possible uplinks to one gateway */
#define MMP_GATEWAYS_MAX 8
#define MMP_BELOW_MAX 256	/* nodes directly below */
#define MMP_MAC_LEN 6
#define MMP_HOPS 2		/* downlinks of an entry */

/**
 * struct mmp_hop - a neighbour on a link
 * @link: number of the interface
 * @mac: its link-layer address; all zero: everybody on the link
 */
struct mmp_hop {
	uint32_t link;
	uint8_t mac[MMP_MAC_LEN];
};

static inline bool mmp_hop_eq(const struct mmp_hop *a, const struct mmp_hop *b)
{
	return a->link == b->link &&
	       !__builtin_memcmp(a->mac, b->mac, MMP_MAC_LEN);
}

/**
 * struct mmp_entry - where a care-of address is
 * @addr: care-of address
 * @seq: sequence of the last message; 0 if data made it
 * @left: ms until it ends, as far as is known now (get_entry only)
 * @n: downlinks, 1 or, during a semi-soft handoff, 2
 * @hops: the downlinks; the older one first
 * @keep: copies of what goes down are kept (set_entry only)
 * @play: ms of them that go to the downlink where that is another one (set_entry only)
 */
struct mmp_entry {
	struct roam_addr addr;
	uint64_t seq;
	uint32_t left;
	unsigned int n;
	struct mmp_hop hops[MMP_HOPS];
	bool keep;
	uint32_t play;
};

enum mmp_role { MMP_ROLE_GATEWAY, MMP_ROLE_NODE, MMP_ROLE_BASE_STATION };

/** enum mmp_criterion - by what uplinks and gateways are classed (MMP-52). */
enum mmp_criterion { MMP_BY_LATENCY, MMP_BY_RELIABILITY };

/**
 * struct mmp_node_config - of a node
 * @role: what it is
 * @name: its name
 * @key_id: domain key that it signs with
 * @domain: domain id; a node that has 0 takes that of the beacons it hears
 * @paging: gateway: paging id or 0
 * @gateway: gateway: its address
 * @gateway6: gateway: its IPv6 address beside an IPv4 one, or none
 * @router: base station: its IPv4 address on the air, or none
 * @l2: base station
 * @subnets: addresses of hosts of this domain
 * @n_subnets: their number
 * @period: gateway: ms between beacons (D-11)
 * @air_period: base station: the same on the air (D-11)
 * @missed: beacons missed until an uplink has failed (D-16)
 * @spread: longest random wait before classing, ms (D-15)
 * @fresh: how old a beacon that a host names may be, ms
 * @criterion: of classing
 */
struct mmp_node_config {
	enum mmp_role role;
	struct mmp_name name;
	uint32_t key_id;
	uint32_t domain;
	uint32_t paging;
	struct roam_addr gateway;
	struct roam_addr gateway6;
	struct roam_addr router;
	struct mmp_l2 l2;
	struct roam_prefix subnets[MMP_SUBNETS_MAX];
	size_t n_subnets;
	msec_t period;
	msec_t air_period;
	unsigned int missed;
	msec_t spread;
	msec_t fresh;
	enum mmp_criterion criterion;
};

/**
 * struct mmp_arrival - how a message came in
 * @now: when
 * @us: the same in microseconds, of the same clock; as exact as can be
 * @from: the neighbour that sent it
 * @src: source address of its packet
 */
struct mmp_arrival {
	msec_t now;
	int64_t us;
	struct mmp_hop from;
	struct roam_addr src;
};

/**
 * struct mmp_uplink - a neighbour that beacons of a gateway come from
 * @hop: the neighbour
 * @name: its name
 * @last: the last beacon from it
 * @heard: when that came
 * @heard_us: the same in us
 * @seq: its number
 * @history: a bit for each of the last 32 beacons: it came
 * @span: how many of them are counted already
 * @lateness: time of arrival less timestamp, us, averaged; comparable among
 *	uplinks to one gateway only
 * @delay: us from the gateway to the neighbour, as the beacon says
 * @rtt: smallest round trip to the neighbour lately, us
 * @rtts: the last round trips
 * @n_rtts: their number until now
 * @nonce: of the probe that is not answered yet, 0 for none
 * @probed: when the last probe was sent
 * @probed_us: the same in us
 * @unanswered: probes since the last beacon or reply
 * @proved: until when it is known to work in both directions
 */
struct mmp_uplink {
	struct mmp_hop hop;
	struct mmp_name name;
	struct mmp_msg last;
	msec_t heard;
	int64_t heard_us;
	uint32_t seq;
	uint32_t history;
	unsigned int span;
	int64_t lateness;
	uint32_t delay;
	uint32_t rtt;
	uint32_t rtts[8];
	unsigned int n_rtts;
	uint64_t nonce;
	msec_t probed;
	int64_t probed_us;
	unsigned int unanswered;
	msec_t proved;
};

/**
 * struct mmp_gateway - a gateway that beacons were heard of
 * @addr: its address, by which it is known (MMP-62)
 * @addr6: its IPv6 address beside an IPv4 one
 * @domain: domain id
 * @paging: paging id
 * @epoch: its present one
 * @seq: number of the newest beacon
 * @saved: the number that was saved last
 * @heard: when @seq came first
 * @period: of its beacons, ms
 * @uplinks: to it, the primary one first
 * @n_uplinks: their number
 * @n_usable: the first of them that can be used now
 * @wins: how often another uplink was better than the primary in a row
 * @links: by which copies of the newest beacon came, a bit for each index of the node's links
 * @class_at: when uplinks are classed and it is sent on; MSEC_NEVER: done
 */
struct mmp_gateway {
	struct roam_addr addr;
	struct roam_addr addr6;
	uint32_t domain;
	uint32_t paging;
	uint32_t epoch;
	uint32_t seq;
	uint32_t saved;
	msec_t heard;
	msec_t period;
	struct mmp_uplink uplinks[MMP_UPLINKS_MAX];
	size_t n_uplinks;
	size_t n_usable;
	unsigned int wins;
	uint64_t links;
	msec_t class_at;
};

/**
 * struct mmp_below - a node directly below
 * @hop: where
 * @name: its name
 * @until: it is forgotten unless it asks again
 */
struct mmp_below {
	struct mmp_hop hop;
	struct mmp_name name;
	msec_t until;
};

enum mmp_node_event_type {
	MMP_NODE_UPLINK,	/* another primary uplink, or none */
	MMP_NODE_GATEWAY,	/* another primary gateway, or none */
	MMP_NODE_RESTARTED,	/* a gateway has a new epoch */
	MMP_NODE_HOST_NEW,
	MMP_NODE_HOST_MOVED,	/* this node was the crossover node */
	MMP_NODE_HOST_SECOND,	/* the same, semi-soft */
	MMP_NODE_HOST_REFUSED,
};

/**
 * struct mmp_node_event - for log and monitor
 * @type: what happened
 * @gateway: the gateway concerned, or none
 * @hop: the new uplink, or the new downlink
 * @addr: the host concerned
 * @reason: why, in a few words
 */
struct mmp_node_event {
	enum mmp_node_event_type type;
	struct roam_addr gateway;
	struct mmp_hop hop;
	struct roam_addr addr;
	const char *reason;
};

/**
 * struct mmp_node_ops - what the core asks its caller for
 * @send: a message between neighbours; signed with the key of its type
 * @climb: the message that mmp_node_input() is about goes to this uplink
 * @answer: an acknowledgement goes down by this hop; its addresses are
 *	msg->gateway, or gateway6 of the same family as msg->coa, and msg->coa
 * @get_entry: false if there is none
 * @set_entry: makes or replaces one, refreshed; false if there is no room
 * @set_uplinks: in the order in which they are to be used
 * @set_below: the neighbours whose data may heal entries
 * @traced: nodes on the way to a host that mmp_node_trace() asked for; for each
 *	base station, or node without an entry, that it ends at
 * @save: epoch of a gateway and number of a beacon, to be remembered over a
 *	restart
 * @random: 64 random bits
 * @event: see above
 */
struct mmp_node_ops {
	void (*send)(void *ctx, const struct mmp_hop *to,
		     const struct mmp_msg *msg);
	void (*climb)(void *ctx, const struct mmp_hop *to);
	void (*answer)(void *ctx, const struct mmp_hop *to,
		       const struct mmp_msg *msg);
	bool (*get_entry)(void *ctx, const struct roam_addr *addr,
			  struct mmp_entry *entry);
	bool (*set_entry)(void *ctx, const struct mmp_entry *entry);
	void (*set_uplinks)(void *ctx, const struct mmp_hop *hops, size_t n);
	void (*set_below)(void *ctx, const struct mmp_hop *hops, size_t n);
	void (*traced)(void *ctx, const struct mmp_msg *msg);
	void (*save)(void *ctx, const struct roam_addr *gateway,
		     uint32_t epoch, uint32_t seq);
	uint64_t (*random)(void *ctx);
	void (*event)(void *ctx, const struct mmp_node_event *event);
};

struct mmp_node;

/* NULL when out of memory. @config is copied. */
struct mmp_node *mmp_node_new(const struct mmp_node_config *config,
			      const struct mmp_node_ops *ops, void *ctx);
void mmp_node_free(struct mmp_node *node);
/* Another configuration with the same role, name and gateway address is in force. */
void mmp_node_configure(struct mmp_node *node, msec_t now,
			const struct mmp_node_config *config);

/*
 * What was saved before a restart; before the first input. A gateway starts
 * with the epoch after the one that is remembered of itself.
 */
void mmp_node_remember(struct mmp_node *node, const struct roam_addr *gateway,
		       uint32_t epoch, uint32_t seq);
/*
 * Nodes below that the kernel has from before a restart (OPEN-45), before the first
 * input: each has its time to ask again. Until then its data heals entries as before.
 */
void mmp_node_adopt(struct mmp_node *node, msec_t now,
		    const struct mmp_hop *below, size_t n);
/*
 * An interface takes part, is gone (neither @nodes nor @air), or is @up or not.
 * @nodes: other nodes are there; @air: hosts are.
 */
bool mmp_node_link(struct mmp_node *node, msec_t now, uint32_t link, bool nodes,
		   bool air, bool up);
/*
 * The radio says that a host has come: its beacon is awaited (MMP-84). Several go out,
 * as the host may not be able to hear the first one yet.
 */
void mmp_node_arrival(struct mmp_node *node, msec_t now);
/* An authenticated message. MMP_DROP_NONE or why it had no effect. */
enum mmp_drop mmp_node_input(struct mmp_node *node,
			     const struct mmp_arrival *arrival,
			     const struct mmp_msg *msg);
/* Does what is due; @us as in struct mmp_arrival. Returns when next. */
msec_t mmp_node_tick(struct mmp_node *node, msec_t now, int64_t us);

/*
 * Asks for the way to a host from here down; ops->traced() tells. The number
 * is that of the answers (struct mmp_msg.nonce).
 */
uint64_t mmp_node_trace(struct mmp_node *node, msec_t now,
			const struct roam_addr *addr);

/* For those who show: the primary gateway first; valid until the next call. */
const struct mmp_gateway *mmp_node_gateways(const struct mmp_node *node,
					    size_t *n);
const struct mmp_below *mmp_node_below(const struct mmp_node *node, size_t *n);
/* The gateway's own epoch and the number of its last beacon. */
void mmp_node_own(const struct mmp_node *node, uint32_t *epoch, uint32_t *seq);
/* Is @addr in a subnet of the domain? */
bool mmp_node_routes(const struct mmp_node *node, const struct roam_addr *addr);
const char *mmp_role_name(enum mmp_role role);

#endif
