/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Home agent of Mobile IPv4 (RFC 5944 3.8, RFC 3024, RFC 3519): mobility
 * bindings by home address.
 *
 * Contract: pure state machine, no I/O, no clock. ha_input() judges one request
 * and makes its reply. What it changed is appended to a struct ha_changes; the
 * caller makes that durable, then tells the kernel, then sends the reply; or it
 * takes the changes back by ha_undo() and sends what ha_refuse() makes of the
 * reply. So nothing acknowledged is lost, and no packet goes to an old care-of
 * address after the reply (MIP-59).
 *
 * One entry for each mobile node, found by its home address: every node has one,
 * also one that is known by a name. An index by name can lead to the same
 * entries. All that is known of a node is a struct ha_state: it is what changes,
 * what is stored, what is listed, and what another home agent gets (ha_get(),
 * ha_apply(), ha_walk()).
 */
#ifndef ROAM_CORE_HOME_AGENT_H
#define ROAM_CORE_HOME_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/table.h"
#include "base/time.h"
#include "core/association.h"
#include "core/lease.h"
#include "wire/mip.h"

#define HA_BINDINGS_MAX 8	/* simultaneous ones of a node */

/** enum ha_encap - how packets reach the care-of address; as the module has it */
enum ha_encap {
	HA_ENCAP_IPIP,
	HA_ENCAP_GRE,
	HA_ENCAP_MINIMAL,
	HA_ENCAP_UDP,
};

/**
 * struct ha_binding - one mobility binding (MIP-26..32)
 * @coa: care-of address as registered
 * @source: where the request came from: foreign agent, node, or a NAT before it;
 *	the tunnel's other end where @encap is HA_ENCAP_UDP
 * @id: Identification of the request
 * @expires: when it ends, MSEC_NEVER for an infinite lifetime
 * @spi: of the association that authenticated it
 * @lifetime: granted, seconds
 * @port: UDP port of @source
 * @flags: service flags, enum mip_flag
 * @encap: enum ha_encap
 */
struct ha_binding {
	struct roam_addr coa;
	struct roam_addr source;
	uint64_t id;
	msec_t expires;
	uint32_t spi;
	uint16_t lifetime;
	uint16_t port;
	uint8_t flags;
	uint8_t encap;
};

/**
 * struct ha_state - all that is known of a mobile node
 * @home: home address, the key
 * @agent: its home agent's address: tells groups on one router apart (MIP-27)
 * @last: highest accepted Identification (timestamps)
 * @kept: until when @last has to be remembered though nothing is bound
 * @nonce: high half that the next request must carry (nonces), 0 for none yet
 * @n: number of @bindings; 0: at home, only the replay protection is kept
 * @bindings: the newest first
 */
struct ha_state {
	struct roam_addr home;
	struct roam_addr agent;
	uint64_t last;
	msec_t kept;
	uint32_t nonce;
	unsigned int n;
	struct ha_binding bindings[HA_BINDINGS_MAX];
};

/**
 * struct ha_node - a mobile node as configured
 * @home: home address
 * @associations: with it
 * @lifetime_max: seconds it is granted at most, 0: the group's
 * @bindings_max: simultaneous bindings, at most HA_BINDINGS_MAX; 0: the group's
 * @prohibited: its requests are answered 129
 * @addresses: of a node known by its NAI: home addresses it may ask for; len 0: those
 *	that it was given only
 * @sessions_max: of such a node: sessions at a time
 */
struct ha_node {
	struct roam_addr home;
	struct sa_set associations;
	uint16_t lifetime_max;
	unsigned int bindings_max;
	bool prohibited;
	struct roam_prefix addresses;
	unsigned int sessions_max;
};

/**
 * struct ha_group - a home agent address and the network it serves (MIP-15)
 * @agent: the address
 * @network: home network
 * @lifetime_max: seconds granted at most; MIP_LIFETIME_INFINITE: no limit
 * @bindings_max: simultaneous bindings of a node; 1: code 1 is the answer to S
 * @gre: GRE is offered
 * @minimal: minimal encapsulation is offered
 * @udp: UDP tunnels are offered to nodes behind NAT
 * @udp_force: also to those that ask for one without NAT
 * @keepalive: seconds between keepalives that such a node is told
 * @reverse: reverse tunnels are offered
 * @reverse_only: and demanded
 * @broadcast: broadcasts are tunnelled on demand
 * @foreign_care_of: a care-of address may differ from the source of the request
 *	though the foreign agent has no association with us. Without it nobody
 *	with a valid key can steer his packets to a host he does not speak from
 * @pool_first: first address that sessions are given, none: there is no pool
 * @pool_last: the last
 * @quiet: ms that an address rests before another session gets it
 */
struct ha_group {
	struct roam_addr agent;
	struct roam_prefix network;
	uint16_t lifetime_max;
	unsigned int bindings_max;
	bool gre;
	bool minimal;
	bool udp;
	bool udp_force;
	uint16_t keepalive;
	bool reverse;
	bool reverse_only;
	bool broadcast;
	bool foreign_care_of;
	struct roam_addr pool_first;
	struct roam_addr pool_last;
	msec_t quiet;
};

/**
 * struct ha_config - what the core is told; not owned, must outlive it
 * @groups: home agent addresses
 * @n_groups: their number
 * @nodes_max: nodes that can be away at a time
 * @find_node: the mobile node with that home address, or NULL; valid until the
 *	next call of ha_configure()
 * @find_peer: associations with the foreign agent at that address, or NULL
 * @find_name: the node with that NAI, or NULL; may be NULL itself. Valid as above
 * @naming: how names of sessions are written
 * @random: 32 random bits
 * @ctx: for these
 */
struct ha_config {
	const struct ha_group *groups;
	size_t n_groups;
	size_t nodes_max;
	const struct ha_node *(*find_node)(void *ctx,
					   const struct roam_addr *home);
	const struct sa_set *(*find_peer)(void *ctx,
					  const struct roam_addr *agent);
	const struct ha_node *(*find_name)(void *ctx, const uint8_t *nai,
					   size_t len);
	struct mip_naming naming;
	uint32_t (*random)(void *ctx);
	void *ctx;
};

/** enum ha_drop - why a datagram gets no reply; each is a counter */
enum ha_drop {
	HA_DROP_NONE,		/* there is a reply */
	HA_DROP_MESSAGE,	/* not a whole request */
	HA_DROP_EXTENSION,	/* an unknown extension that must not be skipped */
	HA_DROP_NODE,		/* no such mobile node */
	HA_DROP_UNSIGNED,	/* no mobile-home authentication */
	HA_DROP_AUTH,		/* wrong, and the answer would be longer than it */
	HA_DROP_FOREIGN,	/* foreign-home authentication of a stranger */
	HA_DROP_ROOM,		/* the reply does not fit */
	HA_DROP_MAX
};

const char *ha_drop_name(enum ha_drop drop);

/**
 * struct ha_request - a datagram for the home agent
 * @data: payload
 * @len: its length
 * @from: source address
 * @from_port: source port
 * @to: local address it was sent to, a broadcast too
 * @wall: wall clock, ns since 1970
 */
struct ha_request {
	const uint8_t *data;
	size_t len;
	struct roam_addr from;
	uint16_t from_port;
	struct roam_addr to;
	uint64_t wall;
};

/**
 * struct ha_reply - what goes back
 * @msg: the reply's fixed part; its code says what was decided
 * @from: our address to send it from
 * @group: whose reply it is
 * @mobile: association with the node
 * @foreign: association with the foreign agent, or NULL
 * @names: lengths of the names that the request had and the reply repeats, and the
 *	names themselves
 * @naming: how they are written
 * @has_udp: a UDP tunnel reply goes with it
 * @udp: see above
 * @w: the message
 */
struct ha_reply {
	struct mip_msg msg;
	struct roam_addr from;
	const struct ha_group *group;
	const struct sa *mobile;
	const struct sa *foreign;
	struct lease names;
	struct mip_naming naming;
	bool has_udp;
	struct mip_udp_reply udp;
	struct mip_writer w;
};

/**
 * struct ha_change - one node's change
 * @existed: @before holds what was there
 * @before: state before
 * @after: state after; no entry remains where n, last and nonce are all 0
 */
struct ha_change {
	bool existed;
	struct ha_state before;
	struct ha_state after;
};

/**
 * struct ha_lease_change - one address was given to a session, or taken back
 * @existed: @before holds what was there
 * @before: lease before
 * @after: lease after; with until 0 there is none any more
 */
struct ha_lease_change {
	bool existed;
	struct lease before;
	struct lease after;
};

/**
 * struct ha_changes - of a batch; all zero at first
 * @items: in the order they were made
 * @n: their number
 * @room: allocated
 * @leases: likewise; what another home agent needs as well, beside @items
 * @n_leases: their number
 * @leases_room: allocated
 */
struct ha_changes {
	struct ha_change *items;
	size_t n;
	size_t room;
	struct ha_lease_change *leases;
	size_t n_leases;
	size_t leases_room;
};

void ha_changes_reset(struct ha_changes *changes);
void ha_changes_free(struct ha_changes *changes);

struct ha;

/* NULL when out of memory. */
struct ha *ha_new(const struct ha_config *config);
void ha_free(struct ha *ha);
/* Another configuration; bindings stay, those of nodes that are gone as well. */
void ha_configure(struct ha *ha, const struct ha_config *config);

/**
 * ha_input() - judge a request
 * @ha: the home agent
 * @now: the time
 * @in: the request
 * @reply: what to answer, where HA_DROP_NONE is returned
 * @changes: gets at most one change
 */
enum ha_drop ha_input(struct ha *ha, msec_t now, const struct ha_request *in,
		      struct ha_reply *reply, struct ha_changes *changes);
/* Whether a request that came here is for us: its home agent field is ours, or
 * a home network of ours has its home address and the field is a broadcast. */
bool ha_is_for_us(const struct ha *ha, const struct mip_msg *msg);
/* Takes all of them back, the newest first. */
void ha_undo(struct ha *ha, const struct ha_changes *changes);
/* The reply becomes a refusal with that code: what it promised is not so. */
void ha_refuse(struct ha_reply *reply, uint8_t code);

/* Ends what is due and returns when the next is; each change is appended. */
msec_t ha_expire(struct ha *ha, msec_t now, struct ha_changes *changes);
/* When the next ends. */
msec_t ha_next(const struct ha *ha);

/* False: nothing is known of it. */
bool ha_get(const struct ha *ha, const struct roam_addr *home,
	    struct ha_state *state);
/*
 * Puts a state in force, from the store, from another home agent, or by hand;
 * one without bindings, last and nonce removes the entry. False when out of
 * memory.
 */
bool ha_apply(struct ha *ha, const struct ha_state *state);
/* The operator ends the bindings of a node; false if it has none. */
bool ha_end(struct ha *ha, msec_t now, const struct roam_addr *home,
	    struct ha_changes *changes);
/*
 * A lease is put in force, or with until 0 taken away, by another home agent; @changes
 * gets what was made. Where the names have another address, that one is taken away
 * first: names have one address, and this is the newer word. False when out of memory.
 */
bool ha_apply_lease(struct ha *ha, const struct lease *lease,
		    struct ha_changes *changes);
/* The addresses of sessions, to be read, loaded and walked. */
struct leases *ha_leases(struct ha *ha);
/* Nodes with a binding. */
size_t ha_count(const struct ha *ha);
/* All entries, those kept for their replay protection too. */
size_t ha_entries(const struct ha *ha);

/**
 * struct ha_cursor - place of a walk, all zero at first
 * @at: place in the table
 * @done: all was seen
 */
struct ha_cursor {
	struct table_iter at;
	bool done;
};

/*
 * Hands out about @n entries from @cursor on; whatever is there from the first
 * call to the last is seen at least once, entries may change between calls.
 */
void ha_walk(const struct ha *ha, struct ha_cursor *cursor, size_t n,
	     void (*fn)(void *ctx, const struct ha_state *state), void *ctx);

/* Bytes of the largest written state. */
#define HA_STATE_LEN (30 + HA_BINDINGS_MAX * 34)

/*
 * Writes a state, IPv4 addresses as four bytes; times as @shift added to them:
 * wall clock less @now for a store, -@now for what is left. Returns the length.
 */
size_t ha_state_encode(const struct ha_state *state, int64_t shift,
		       uint8_t buf[HA_STATE_LEN]);
/* Returns the bytes read, 0 if they are no state; nothing of it is trusted. */
size_t ha_state_decode(const uint8_t *buf, size_t len, int64_t shift,
		       struct ha_state *state);

#endif
