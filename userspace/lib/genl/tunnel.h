/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Typed client of the roam_tunnel family (kernel/include/uapi/linux/
 * roam_tunnel.h, Documentation/netlink/specs/roam_tunnel.yaml).
 *
 * Home agent: bindings. Foreign agent and mobile node: visitors, which are the
 * far ends of home agents' tunnels. Packets of both pass a device of kind roam,
 * which the caller makes (ip link add NAME type roam) and brings up. Addresses
 * are IPv4; others are refused with -EAFNOSUPPORT before anything is sent.
 */
#ifndef ROAM_GENL_TUNNEL_H
#define ROAM_GENL_TUNNEL_H

#include <linux/roam_tunnel.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "genl/genl.h"

/* As many as the module accepts. */
#define TUNNEL_ENDPOINTS 8
#define TUNNEL_AGENTS 4

/* Length of a link-layer address. */
#define TUNNEL_MAC_LEN 6

/**
 * struct tunnel_endpoint - the tunnel to one care-of address
 * @coa: care-of address, outer destination
 * @local: address of the home agent, outer source
 * @encap: enum roam_tunnel_encap
 * @sport: own UDP port, 0 = 434; UDP only
 * @dport: UDP port of the other end, as its registration request showed; UDP only
 */
struct tunnel_endpoint {
	struct roam_addr coa;
	struct roam_addr local;
	uint8_t encap;
	uint16_t sport;
	uint16_t dport;
};

/**
 * struct tunnel_binding - a mobile node of this home agent that is away
 * @home: home address, the key
 * @device: index of the device of kind roam; 0 = the only one there is
 * @home_link: index of the link where it is at home, whose ARP requests for it
 *	are answered; 0 = virtual home network
 * @flags: ROAM_TUNNEL_BINDING_FLAG_*
 * @endpoints: where its packets go; a copy to each
 * @n_endpoints: their number, at least 1
 * @lifetime: ms left, 0 = for ever; a safety net, give it a little more than
 *	the registration has
 * @idle: ms since a packet was last tunnelled (from the kernel only)
 */
struct tunnel_binding {
	struct roam_addr home;
	unsigned int device;
	unsigned int home_link;
	uint32_t flags;
	struct tunnel_endpoint endpoints[TUNNEL_ENDPOINTS];
	size_t n_endpoints;
	uint32_t lifetime;
	uint32_t idle;
};

/**
 * struct tunnel_gone - a binding to be removed
 * @home: home address
 * @mac: the node's own link-layer address, told to its home link by gratuitous
 *	ARP because it is there again; all zero: the link is told nothing
 */
struct tunnel_gone {
	struct roam_addr home;
	uint8_t mac[TUNNEL_MAC_LEN];
};

/**
 * struct tunnel_visitor - the far end of a home agent's tunnel
 * @home: home address of the mobile node, the key
 * @role: enum roam_tunnel_role: a visitor of this foreign agent, or this host
 *	itself is the mobile node (its home address is an address of its own)
 * @device: index of the device of kind roam; 0 = the only one there is
 * @link: index of the link where the visitor is; visitors only
 * @mac: its link-layer address; visitors only
 * @agents: home agents that may send; what goes back goes to the first
 * @n_agents: their number; 0: the entry only says where the visitor is (while
 *	its registration is pending, so that a reply reaches it without ARP)
 * @coa: care-of address, an address of this host
 * @encap: enum roam_tunnel_encap of what goes back; UDP: of what comes as well
 * @sport: own UDP port, 0 = 434; UDP only
 * @dport: UDP port of the home agent, 0 = 434; UDP only
 * @reverse: enum roam_tunnel_reverse. An own entry has NONE or DIRECT: packets
 *	that are routed to the device (by a rule "from home address") go to the agent
 * @lifetime: ms left, 0 = for ever
 * @idle: ms since a packet was last delivered (from the kernel only)
 */
struct tunnel_visitor {
	struct roam_addr home;
	uint8_t role;
	unsigned int device;
	unsigned int link;
	uint8_t mac[TUNNEL_MAC_LEN];
	struct roam_addr agents[TUNNEL_AGENTS];
	size_t n_agents;
	struct roam_addr coa;
	uint8_t encap;
	uint16_t sport;
	uint16_t dport;
	uint8_t reverse;
	uint32_t lifetime;
	uint32_t idle;
};

/**
 * struct tunnel_event - one event of the module, decoded
 * @cmd: ROAM_TUNNEL_CMD_BINDING_NTF or _VISITOR_NTF
 * @binding: for a binding event
 * @visitor: for a visitor event
 * @reason: enum roam_tunnel_reason
 *
 * Group "events", genl_subscribe(); own changes come back as events too.
 */
struct tunnel_event {
	uint8_t cmd;
	struct tunnel_binding binding;
	struct tunnel_visitor visitor;
	uint8_t reason;
};

struct genl *tunnel_open(char **error);

/** enum tunnel_set - which entries a request may set. */
enum tunnel_set {
	TUNNEL_SET_ANY,		/* added or replaced */
	TUNNEL_SET_NEW,		/* one that exists is refused (-EEXIST) */
	TUNNEL_SET_EXISTING,	/* one that does not exist is refused (-ENOENT) */
};

/**
 * tunnel_binding_set() - add or replace bindings in bulk
 * @bindings: as many as wanted; packed into as few messages as possible
 * @n: their number
 * @which: which it may set
 * @applied: how many took effect, may be NULL; the one at that index failed
 *
 * What was agreed on before is replaced as a whole: endpoints, flags, lifetime.
 * A move is one pointer in the kernel; no packet goes to a care-of address that
 * is not named once the call returned. The home link of a new binding is told
 * by gratuitous ARP.
 *
 * Return: 0 or negative errno, genl_error() says why.
 */
int tunnel_binding_set(struct genl *genl, const struct tunnel_binding *bindings,
		       size_t n, enum tunnel_set which, size_t *applied);
int tunnel_binding_del(struct genl *genl, const struct tunnel_gone *gone,
		       size_t n, size_t *applied);
/* Removes all, tells no link; @applied (may be NULL) says how many. */
int tunnel_binding_flush(struct genl *genl, size_t *applied);
/* -ENOENT: there is none. */
int tunnel_binding_get(struct genl *genl, const struct roam_addr *home,
		       struct tunnel_binding *binding);
int tunnel_binding_dump(struct genl *genl,
			void (*fn)(void *ctx, const struct tunnel_binding *b),
			void *ctx, bool *interrupted);
/*
 * Tells the home links again who is away, by gratuitous ARP: after a takeover,
 * and after a link healed. NULL with 0: of all bindings.
 */
int tunnel_announce(struct genl *genl, const struct roam_addr *homes, size_t n,
		    size_t *applied);

/* The same for visitors. */
int tunnel_visitor_set(struct genl *genl, const struct tunnel_visitor *visitors,
		       size_t n, enum tunnel_set which, size_t *applied);
int tunnel_visitor_del(struct genl *genl, const struct roam_addr *homes,
		       size_t n, size_t *applied);
int tunnel_visitor_flush(struct genl *genl, size_t *applied);
int tunnel_visitor_get(struct genl *genl, const struct roam_addr *home,
		       struct tunnel_visitor *visitor);
int tunnel_visitor_dump(struct genl *genl,
			void (*fn)(void *ctx, const struct tunnel_visitor *v),
			void *ctx, bool *interrupted);

/**
 * struct tunnel_config - settings of the module; see the YAML for each
 * @set: bit per ROAM_TUNNEL_A_CONFIG_* that is to be changed (by set only)
 */
struct tunnel_config {
	uint32_t set;
	uint8_t ttl;
	uint32_t grace;
	uint32_t announce_count;
	uint32_t announce_interval;
	uint32_t max_bindings;
	uint32_t max_visitors;
	bool silent;
};

int tunnel_config_set(struct genl *genl, const struct tunnel_config *config);
int tunnel_config_get(struct genl *genl, struct tunnel_config *config);

/**
 * tunnel_stats_get() - read the counters
 * @fn: called for each with its name ("encapsulated", as in the YAML)
 */
int tunnel_stats_get(struct genl *genl,
		     void (*fn)(void *ctx, const char *name, uint64_t value),
		     void *ctx);

/* False if the message is no event of the family or is malformed. */
bool tunnel_event_decode(const struct nlmsghdr *nlh,
			 struct tunnel_event *event);

#endif
