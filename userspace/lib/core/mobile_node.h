/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mobile node of Mobile IPv4 (RFC 5944 2.4, 3.6, 4.2.1): which agent or address
 * to use, and the registration that keeps the home address reachable.
 *
 * Contract: pure state machine, no I/O, no clock. It is told of links, addresses,
 * advertisements and replies; through struct mn_ops it sends, and says where the
 * host is attached. mn_tick() does what is due and says when it wants to be called
 * next; call it after every input.
 *
 * Movement is detected three ways (MIP-65): the current agent was not heard for
 * its lifetime; an agent appears that was not there before and whose prefix is
 * another one; the link went away. While the current agent lives, another is
 * preferred only if the configuration ranks it higher, so that two agents that
 * are heard at once cause no back and forth.
 */
#ifndef ROAM_CORE_MOBILE_NODE_H
#define ROAM_CORE_MOBILE_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"
#include "core/association.h"
#include "wire/mip.h"

#define MN_LINKS 16
#define MN_AGENTS 8		/* of a link */
#define MN_PREFERRED 16
#define MN_MAC_LEN 6

/** enum mn_mode - how the host is attached */
enum mn_mode {
	MN_NOWHERE,
	MN_HOME,	/* at its home link: as any other host */
	MN_FOREIGN,	/* by a foreign agent's care-of address */
	MN_COLOCATED,	/* by an address of its own */
};

const char *mn_mode_name(enum mn_mode mode);

/**
 * struct mn_place - where the host is attached, or would be
 * @mode: how
 * @link: index of the link
 * @coa: care-of address
 * @agent: the foreign agent, also where one insists on being asked
 * @mac: its link-layer address
 * @gateway: router of a link with an address of its own, may be none
 * @has_agent: @agent and @mac are set
 */
struct mn_place {
	enum mn_mode mode;
	uint32_t link;
	struct roam_addr coa;
	struct roam_addr agent;
	struct roam_addr gateway;
	uint8_t mac[MN_MAC_LEN];
	bool has_agent;
};

/**
 * struct mn_registration - what was agreed on
 * @place: where
 * @home_agent: with whom
 * @flags: service flags in force
 * @udp: tunnelled in UDP as there is a NAT
 * @keepalive: seconds between keepalives, 0 for none
 * @id: Identification of its request; 0 at home without one
 * @lifetime: granted, seconds
 * @expires: when it ends
 * @renew: when it will be renewed
 * @agreed: the home agent said so. At home false until it has ended its tunnels,
 *	and so long packets still go to where the node was
 */
struct mn_registration {
	struct mn_place place;
	struct roam_addr home_agent;
	uint8_t flags;
	bool udp;
	uint16_t keepalive;
	uint64_t id;
	uint16_t lifetime;
	msec_t expires;
	msec_t renew;
	bool agreed;
};

/**
 * struct mn_config - what the core is told
 * @home: home address
 * @network: home network
 * @agent: home agent, none: it is discovered
 * @associations: with the home agent; requests are signed with the first
 * @nai: name, not terminated
 * @nai_len: bytes of it, 0 for none
 * @lifetime: asked for, seconds
 * @flags: S, B, M, G, T as wanted
 * @reverse_only: without a reverse tunnel no registration
 * @foreign: foreign agents are used
 * @colocated: addresses of the host's own are used
 * @prefer_colocated: where both are possible
 * @nat: UDP tunnels where a NAT is found
 * @nat_force: in any case
 * @keepalive: seconds, where the home agent does not say
 * @preferred: agents in the order of preference, before all others
 * @n_preferred: their number
 * @retry_max: longest time between two requests, ms
 */
struct mn_config {
	struct roam_addr home;
	struct roam_prefix network;
	struct roam_addr agent;
	struct sa_set associations;
	const char *nai;
	size_t nai_len;
	uint16_t lifetime;
	uint8_t flags;
	bool reverse_only;
	bool foreign;
	bool colocated;
	bool prefer_colocated;
	bool nat;
	bool nat_force;
	uint16_t keepalive;
	struct roam_addr preferred[MN_PREFERRED];
	size_t n_preferred;
	msec_t retry_max;
};

/**
 * struct mn_send - a request to be sent
 * @place: where from; with has_agent and MN_FOREIGN it goes to the agent's
 *	link-layer address, as the home address has no route there
 * @from: source address
 * @to: destination address, port 434
 * @ttl: time to live
 * @data: the message
 * @len: its length
 */
struct mn_send {
	struct mn_place place;
	struct roam_addr from;
	struct roam_addr to;
	uint8_t ttl;
	const uint8_t *data;
	size_t len;
};

enum mn_event_type {
	MN_EVENT_AGENT,		/* an agent was discovered */
	MN_EVENT_AGENT_LOST,	/* it was not heard for its lifetime, or moved away */
	MN_EVENT_TRY,		/* registration began */
	MN_EVENT_REGISTERED,
	MN_EVENT_DENIED,	/* @code says why */
	MN_EVENT_SILENT,	/* no answer to several requests */
	MN_EVENT_LOST,		/* the registration ended */
	MN_EVENT_HOME,		/* at home, de-registered */
	MN_EVENT_RESTARTED,	/* the agent in use lost its visitors */
};

/**
 * struct mn_event - something to log
 * @type: what
 * @place: where
 * @code: of a denial
 * @took: of MN_EVENT_REGISTERED: ms since the first request
 */
struct mn_event {
	enum mn_event_type type;
	struct mn_place place;
	uint8_t code;
	msec_t took;
};

/** enum mn_drop - why a datagram was not accepted; each is a counter */
enum mn_drop {
	MN_DROP_NONE,
	MN_DROP_MESSAGE,	/* not a whole message of that type */
	MN_DROP_EXTENSION,	/* an unknown extension that must not be skipped */
	MN_DROP_UNASKED,	/* a reply to nothing outstanding */
	MN_DROP_AUTH,		/* not authentic */
	MN_DROP_LINK,		/* no such link */
	MN_DROP_ROOM,		/* too many agents on that link */
	MN_DROP_MAX
};

const char *mn_drop_name(enum mn_drop drop);

/**
 * struct mn_ops - what the core does
 * @send: sends a request
 * @solicit: sends an agent solicitation on a link
 * @attach: the place or what is agreed on there changed: routes, tunnel and home
 *	address follow. NULL registration: nowhere. At home: from when the home
 *	link is found
 * @event: something to log
 * @find_foreign: associations with a foreign agent, or NULL
 * @random: 32 random bits
 * @wallclock: ns since 1970
 */
struct mn_ops {
	void (*send)(void *ctx, const struct mn_send *send);
	void (*solicit)(void *ctx, uint32_t link);
	void (*attach)(void *ctx, const struct mn_registration *registration);
	void (*event)(void *ctx, const struct mn_event *event);
	const struct sa_set *(*find_foreign)(void *ctx,
					     const struct roam_addr *agent);
	uint32_t (*random)(void *ctx);
	uint64_t (*wallclock)(void *ctx);
};

struct mn;

struct mn *mn_new(const struct mn_config *config, const struct mn_ops *ops,
		  void *ctx);
void mn_free(struct mn *mn);

/* A link is usable or not; @rank: smaller is preferred. */
void mn_link(struct mn *mn, msec_t now, uint32_t link, bool up,
	     unsigned int rank);
/* The host has an address of its own on a link; none: no more. */
void mn_address(struct mn *mn, msec_t now, uint32_t link,
		const struct roam_addr *addr, const struct roam_addr *gateway);
/* An agent advertisement came: the ICMP message. */
enum mn_drop mn_advert(struct mn *mn, msec_t now, uint32_t link,
		       const struct roam_addr *from,
		       const uint8_t mac[MN_MAC_LEN], const uint8_t *data,
		       size_t len);
/* A datagram from port 434 came. */
enum mn_drop mn_reply(struct mn *mn, msec_t now, const struct roam_addr *from,
		      const uint8_t *data, size_t len);
/* Does what is due; returns when the next is. */
msec_t mn_tick(struct mn *mn, msec_t now);
/* Ends all bindings and stays away until mn_join(). */
void mn_leave(struct mn *mn, msec_t now);
void mn_join(struct mn *mn, msec_t now);
/* Registers again at once, as something on the way may have changed. */
void mn_renew(struct mn *mn, msec_t now);

/* NULL: not registered and not at home. */
const struct mn_registration *mn_current(const struct mn *mn);

/**
 * struct mn_agent_info - for listings
 * @place: how it would be used
 * @flags: of its newest advertisement
 * @sequence: likewise
 * @advert_lifetime: seconds that it holds, likewise
 * @lifetime: longest registration, seconds
 * @expires: when it is lost if it is not heard again
 * @blocked: until when it is not asked, 0 if it may be
 * @current: it is the one in use
 */
struct mn_agent_info {
	struct mn_place place;
	uint16_t flags;
	uint16_t sequence;
	uint16_t advert_lifetime;
	uint16_t lifetime;
	msec_t expires;
	msec_t blocked;
	bool current;
};

void mn_agents(const struct mn *mn,
	       void (*fn)(void *ctx, const struct mn_agent_info *info),
	       void *ctx);

#endif
