/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Foreign agent of Mobile IPv4 (RFC 5944 3.7, RFC 3024): requests of nodes on its
 * links go on to their home agents, replies come back, and make visitors.
 *
 * Contract: pure state machine, no I/O, no clock. A request is judged by
 * fa_request() and kept as a pending one, apart from the visitor there may be
 * (MIP-52), bounded in number and time. A reply is judged by fa_reply(); where it
 * makes, renews or ends a visitor this is appended to a struct fa_changes, which
 * the caller makes durable, then tells the kernel, then sends what is to be sent;
 * or it takes the change back by fa_undo() and sends what fa_refuse() makes of it.
 *
 * Entries are found by home address. A request without one is answered 96. Each
 * visitor and each pending request is a struct fa_visitor: what is listed,
 * stored, and given to another agent.
 */
#ifndef ROAM_CORE_FOREIGN_AGENT_H
#define ROAM_CORE_FOREIGN_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/table.h"
#include "base/time.h"
#include "core/association.h"
#include "core/lease.h"
#include "wire/mip.h"

#define FA_PENDING_TIMEOUT 7000	/* ms, RFC 5944 3.7.1 */
#define FA_PENDING_PER_NODE 4
#define FA_PENDING_PER_SENDER 2	/* of one node from one link-layer address */
#define FA_MAC_LEN 6

/** enum fa_reverse - what becomes of a visitor's packets; as the module has it */
enum fa_reverse {
	FA_REVERSE_NONE,
	FA_REVERSE_DIRECT,
	FA_REVERSE_ENCAPSULATING,
};

/**
 * struct fa_visitor - a visitor, or a pending request (MIP-41..51)
 * @home: home address, the key
 * @source: source address of the request
 * @to: our address that it was sent to
 * @coa: care-of address
 * @agent: home agent
 * @id: Identification
 * @expires: of a visitor: when the registration ends; of a request: when it has
 *	been pending for too long
 * @link: index of the link
 * @spi: of the node's authentication with its home agent
 * @requested: lifetime asked for, seconds
 * @lifetime: granted, seconds; 0 of a request
 * @port: UDP port of the request
 * @flags: service flags, enum mip_flag
 * @reverse: enum fa_reverse
 * @named: the request had an NAI
 * @mac: link-layer address of the node
 * @nai_len: bytes of the NAI, 0 without one
 * @sub_len: likewise of the sub-NAI
 * @names: both (SES-28)
 */
struct fa_visitor {
	struct roam_addr home;
	struct roam_addr source;
	struct roam_addr to;
	struct roam_addr coa;
	struct roam_addr agent;
	uint64_t id;
	msec_t expires;
	uint32_t link;
	uint32_t spi;
	uint16_t requested;
	uint16_t lifetime;
	uint16_t port;
	uint8_t flags;
	uint8_t reverse;
	bool named;
	uint8_t mac[FA_MAC_LEN];
	uint8_t nai_len;
	uint8_t sub_len;
	uint8_t names[LEASE_NAMES_MAX];
};

/**
 * struct fa_link - a link that visitors may come to
 * @index: of the kernel
 * @addr: address of the agent there
 * @coa: care-of address offered there
 * @lifetime_max: longest registration, seconds
 * @gre: GRE is offered
 * @minimal: minimal encapsulation is offered
 * @reverse: reverse tunnels are offered
 * @reverse_only: and demanded
 * @encapsulating: also with the encapsulating delivery style
 * @busy: no new visitors
 * @sub_nai: a request with a NAI and without a sub-NAI gets the node's link-layer
 *	address as one, if we share an association with its home agent (SES-11)
 */
struct fa_link {
	uint32_t index;
	struct roam_addr addr;
	struct roam_addr coa;
	uint16_t lifetime_max;
	bool gre;
	bool minimal;
	bool reverse;
	bool reverse_only;
	bool encapsulating;
	bool busy;
	bool sub_nai;
};

/**
 * struct fa_config - what the core is told; not owned, must outlive it
 * @links: links with visitors
 * @n_links: their number
 * @pending_max: requests that may be pending at a time
 * @pending_timeout: ms until one is given up
 * @visitors_max: visitors at a time
 * @naming: how names of sessions are written
 * @sessions_max: visitors of one NAI at a time, 0: no limit (SES-30)
 * @requests_rate: requests a minute of one NAI from one node, 0: no limit
 * @requests_burst: so many at once
 * @find_node: associations with the mobile node of that home address, or NULL
 * @find_peer: associations with that home agent, or NULL
 * @is_own: whether the address is one of this host's
 * @is_allowed: whether nodes of that home agent are served, NULL: all are
 * @unanswered: a pending request ended, and fa_reply() had nothing to send for it:
 *	time, room, or no way to its home agent. Whoever lists such requests forgets
 *	it, and calls nothing of this core. NULL: nobody does
 * @ctx: for these
 */
struct fa_config {
	const struct fa_link *links;
	size_t n_links;
	size_t pending_max;
	msec_t pending_timeout;
	size_t visitors_max;
	struct mip_naming naming;
	size_t sessions_max;
	uint32_t requests_rate;
	uint32_t requests_burst;
	const struct sa_set *(*find_node)(void *ctx,
					  const struct roam_addr *home);
	const struct sa_set *(*find_peer)(void *ctx,
					  const struct roam_addr *agent);
	bool (*is_own)(void *ctx, const struct roam_addr *addr);
	bool (*is_allowed)(void *ctx, const struct roam_addr *agent);
	void (*unanswered)(void *ctx, const struct fa_visitor *request);
	void *ctx;
};

/** enum fa_drop - why nothing is sent; each is a counter */
enum fa_drop {
	FA_DROP_NONE,
	FA_DROP_MESSAGE,	/* not a whole message of that type */
	FA_DROP_EXTENSION,	/* an unknown extension that must not be skipped */
	FA_DROP_LINK,		/* not on a link with visitors */
	FA_DROP_UNASKED,	/* a reply to no pending request */
	FA_DROP_AGENT,		/* a reply from another address than was asked */
	FA_DROP_REPEATED,	/* a pending request, sent by somebody else */
	FA_DROP_RATE,		/* denied, but one denial a second is enough */
	FA_DROP_ROOM,		/* it does not fit */
	FA_DROP_MAX
};

const char *fa_drop_name(enum fa_drop drop);

/**
 * struct fa_datagram - a datagram for the foreign agent
 * @data: payload
 * @len: its length
 * @from: source address, all zero for 0.0.0.0
 * @from_port: source port
 * @to: destination address
 * @link: index of the link it came by
 * @ttl: of a request
 * @mac: link-layer sender of a request
 */
struct fa_datagram {
	const uint8_t *data;
	size_t len;
	struct roam_addr from;
	uint16_t from_port;
	struct roam_addr to;
	uint32_t link;
	uint8_t ttl;
	uint8_t mac[FA_MAC_LEN];
};

enum fa_direction { FA_TO_AGENT, FA_TO_NODE };

/**
 * struct fa_send - a message to be sent
 * @direction: to a home agent by routing; to a node by its link and link-layer
 *	address, as its home address has no route here
 * @from: source address; source port is 434
 * @to: destination address
 * @port: destination port
 * @link: to a node: its link
 * @mac: to a node: its link-layer address
 * @code: of a reply
 * @msg: fixed part of a reply, for fa_refuse()
 * @node: associations with the node, or NULL
 * @names: of the session, where there are any
 * @naming: how they are written
 * @w: the message
 */
struct fa_send {
	enum fa_direction direction;
	struct roam_addr from;
	struct roam_addr to;
	uint16_t port;
	uint32_t link;
	uint8_t mac[FA_MAC_LEN];
	uint8_t code;
	struct mip_msg msg;
	const struct sa_set *node;
	struct fa_visitor names;
	struct mip_naming naming;
	struct mip_writer w;
};

/**
 * struct fa_change - a visitor's change
 * @existed: @before was there
 * @exists: @after is there
 * @before: before
 * @after: after; its home address is valid in any case
 */
struct fa_change {
	bool existed;
	bool exists;
	struct fa_visitor before;
	struct fa_visitor after;
};

/**
 * struct fa_changes - of a batch; all zero at first
 * @items: in the order they were made
 * @n: their number
 * @room: allocated
 */
struct fa_changes {
	struct fa_change *items;
	size_t n;
	size_t room;
};

void fa_changes_reset(struct fa_changes *changes);
void fa_changes_free(struct fa_changes *changes);

struct fa;

typedef void (*fa_send_fn)(void *ctx, const struct fa_send *send);

struct fa *fa_new(const struct fa_config *config);
void fa_free(struct fa *fa);
/* Another configuration; visitors stay. */
void fa_configure(struct fa *fa, const struct fa_config *config);
/*
 * Judges a request of a node. With FA_DROP_NONE @send is the request for its
 * home agent, or a denial for the node.
 */
enum fa_drop fa_request(struct fa *fa, msec_t now, const struct fa_datagram *in,
			struct fa_send *send);
/* Judges a reply. With FA_DROP_NONE @send is what the node gets. */
enum fa_drop fa_reply(struct fa *fa, msec_t now, const struct fa_datagram *in,
		      struct fa_send *send, struct fa_changes *changes);
/*
 * An ICMP error came back for requests to @agent: those who wait for it are told
 * @code (80, 81, 82 or 88).
 */
void fa_unreachable(struct fa *fa, msec_t now, const struct roam_addr *agent,
		    uint8_t code, fa_send_fn send, void *ctx);
void fa_undo(struct fa *fa, const struct fa_changes *changes);
/* What is on its way to the node becomes a denial with that code. */
void fa_refuse(struct fa_send *send, uint8_t code);
/* Gives up what is due; returns when the next is. */
msec_t fa_expire(struct fa *fa, msec_t now, fa_send_fn send, void *ctx,
		 struct fa_changes *changes);
msec_t fa_next(const struct fa *fa);

/* The visitor with that home address; false if there is none. */
bool fa_get(const struct fa *fa, const struct roam_addr *home,
	    struct fa_visitor *visitor);
/* The pending request of that node with that low half of the Identification. */
bool fa_get_pending(const struct fa *fa, const struct roam_addr *home,
		    uint32_t id, struct fa_visitor *pending);
/* From the store or another agent: makes or replaces. False: out of memory. */
bool fa_apply(struct fa *fa, const struct fa_visitor *visitor);
bool fa_apply_pending(struct fa *fa, const struct fa_visitor *pending);
/* False if there is none. */
bool fa_delete(struct fa *fa, const struct roam_addr *home,
	       struct fa_changes *changes);
/* Forgets a pending request. */
void fa_delete_pending(struct fa *fa, const struct roam_addr *home,
		       uint64_t id);
size_t fa_count(const struct fa *fa);
size_t fa_pending(const struct fa *fa);

/**
 * struct fa_cursor - place of a walk, all zero at first
 * @at: place in the table
 * @done: all was seen
 */
struct fa_cursor {
	struct table_iter at;
	bool done;
};

/* As ha_walk(); pending requests are handed out, too. */
void fa_walk(const struct fa *fa, struct fa_cursor *cursor, size_t n,
	     void (*fn)(void *ctx, const struct fa_visitor *visitor,
			bool pending), void *ctx);

/* Bytes of a written visitor. */
#define FA_VISITOR_LEN 60
#define FA_VISITOR_MAX (FA_VISITOR_LEN + LEASE_NAMES_MAX)

/* As ha_state_encode(). */
size_t fa_visitor_encode(const struct fa_visitor *visitor, int64_t shift,
			 uint8_t buf[FA_VISITOR_MAX]);
size_t fa_visitor_decode(const uint8_t *buf, size_t len, int64_t shift,
			 struct fa_visitor *visitor);

#endif
