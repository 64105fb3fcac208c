/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * roam-agentd: home agent and foreign agent of Mobile IPv4.
 *
 *   main.c     the daemon: start, reload, stop, what the cores ask for
 *   config.c   agentd.conf
 *   net.c      messages and advertisements: the only file that talks to the network
 *   batch.c    what came at once: judged, made durable, told to the kernel, answered
 *   kernel.c   tunnel device, bindings, visitors: the only file that talks to the
 *              kernel's tables
 *   store.c    bindings and visitors on disk
 *   sync.c     the same tables at other agents
 *   share.c    registrations that other agents serve, or that are served for them
 *   show.c     the control socket's commands, events, log lines
 *
 * What is decided is decided in core/home_agent.c and core/foreign_agent.c.
 */
#ifndef ROAM_AGENTD_AGENTD_H
#define ROAM_AGENTD_AGENTD_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "agentd/config.h"
#include "agentd/store.h"
#include "base/limit.h"
#include "core/advertiser.h"
#include "core/foreign_agent.h"
#include "core/home_agent.h"
#include "io/control.h"
#include "io/frame.h"
#include "io/ticker.h"
#include "io/udp.h"

struct kernel;

/**
 * struct agent_counters - since the start; names as in RFC 2006 where it has them
 * @received: datagrams on port 434
 * @requests: for the home agent
 * @deregistrations: of them, those of lifetime 0
 * @accepted: of them
 * @deregistration_replies: replies of the home agent to these
 * @code: replies of the home agent by code
 * @ha_drop: requests without reply, by enum ha_drop
 * @ha_rate: requests beyond the rate of one source
 * @visitor_requests: requests on links for visitors
 * @relayed: of them, those that went on
 * @home_replies: replies of home agents
 * @replies: replies that went back to visitors
 * @fa_code: replies to visitors, by code
 * @fa_drop: by enum fa_drop
 * @other: datagrams that are neither request nor reply
 * @solicited: solicitations received
 * @advertised: advertisements sent
 * @expired: bindings that ended with their lifetime
 * @visitors_expired: likewise
 * @commits: batches made durable
 * @store_failures: batches that the store refused
 * @kernel_failures: bindings or visitors that the module refused
 */
struct agent_counters {
	uint64_t received;
	uint64_t requests;
	uint64_t deregistrations;
	uint64_t accepted;
	uint64_t deregistration_replies;
	uint64_t code[256];
	uint64_t ha_drop[HA_DROP_MAX];
	uint64_t ha_rate;
	uint64_t visitor_requests;
	uint64_t relayed;
	uint64_t home_replies;
	uint64_t replies;
	uint64_t fa_code[256];
	uint64_t fa_drop[FA_DROP_MAX];
	uint64_t other;
	uint64_t solicited;
	uint64_t advertised;
	uint64_t expired;
	uint64_t visitors_expired;
	uint64_t commits;
	uint64_t store_failures;
	uint64_t kernel_failures;
};

/**
 * struct agent_link - a link on which we advertise
 * @agent: the daemon
 * @name: of the link
 * @index: of the link, 0 while there is none of that name
 * @out: index of the device that speaks to the nodes: of the link, or of the virtual
 *	address, whose link-layer address stays when another agent takes over
 * @addr: our address there
 * @prefix: bits of its prefix
 * @frames: its socket, NULL while the link is not there
 * @advertiser: when
 * @home: the home agent whose home link it is, or NULL
 * @foreign: the configuration for visitors, or NULL
 */
struct agent_link {
	struct agentd *agent;
	const char *name;
	unsigned int index;
	unsigned int out;
	struct roam_addr addr;
	uint8_t prefix;
	struct frame_socket *frames;
	struct advertiser advertiser;
	const struct ha_group *home;
	const struct config_foreign *foreign;
};

/**
 * struct agentd - the running daemon
 * @loop: the loop
 * @config: configuration in force
 * @ha: home agent's core
 * @fa: foreign agent's core
 * @fa_links: the links for @fa, addresses filled in
 * @n_fa_links: their number
 * @store: bindings and visitors on disk
 * @control: control socket
 * @udp: port 434
 * @links: where we advertise
 * @n_links: their number
 * @kernel: the module
 * @own: this host's addresses
 * @n_own: their number
 * @watch: changes of links and addresses
 * @tick: when a core or an advertiser has something to do
 * @store_error: why the store refused the last batch, NULL if it did not
 * @limit: of log lines about bad messages
 * @lines: of log lines about registrations
 * @rate: of requests
 * @counters: see above
 * @started: when it started
 */
struct agentd {
	uv_loop_t *loop;
	struct config *config;
	struct ha *ha;
	struct fa *fa;
	struct fa_link *fa_links;
	size_t n_fa_links;
	struct store *store;
	struct control *control;
	struct udp *udp;
	struct agent_link *links;
	size_t n_links;
	struct kernel *kernel;
	struct roam_addr *own;
	size_t n_own;
	struct ticker tick;
	char *store_error;
	struct limit limit;
	struct line_limit lines;
	struct rate_limit rate;
	struct agent_counters counters;
	msec_t started;
};

/* main.c: something was put into a core; run it when it next wants to. */
void agentd_kick(struct agentd *a);
/* The configuration of the cores, as addresses and files have it now. */
void agentd_configure(struct agentd *a);

/* net.c; each returns NULL or a sentence, caller frees. */
char *net_start(struct agentd *a);
void net_stop(struct agentd *a);
/* Opens the links of the configuration that are there, closes what is not. */
char *net_links(struct agentd *a);
/* Links or addresses changed. */
void net_look(struct agentd *a);
/* This agent begins to serve, or ends: nodes shall hear of it at once. */
void net_serve(struct agentd *a);
/* Sends advertisements that are due; returns when the next is. */
msec_t net_tick(struct agentd *a, msec_t now);
bool net_is_own(const struct agentd *a, const struct roam_addr *addr);
void net_send(struct agentd *a, const struct fa_send *send);
/* The home agent's reply, as it was decoded or is about to be: @reply points to its bytes. */
void net_answer(struct agentd *a, const struct mip_msg *reply,
		const struct roam_addr *from, const struct roam_addr *to,
		uint16_t port);

/**
 * struct agent_relay - a request that another member relayed
 * @to: that member
 * @id: the relay's identification
 */
struct agent_relay {
	struct roam_addr to;
	uint64_t id;
};

/* batch.c */
/* A request for the home agent, of the batch at hand; @via: who relayed it, or NULL. */
void batch_request(struct agentd *a, const struct udp_datagram *d,
		   uint64_t wall, const struct agent_relay *via);
/* A reply for a visitor, of the batch at hand. */
void batch_reply(struct agentd *a, const struct udp_datagram *d);
/* A request of a node on a link; nothing of it is stored. */
void batch_visitor(struct agentd *a, const struct frame *frame);
/* All of it is made durable, told to the kernel, and answered. */
void batch_finish(struct agentd *a);
/* Ends what is due; returns when the next is. */
msec_t batch_expire(struct agentd *a, msec_t now);
/* The operator ends a binding or a visitor. False: there is none. */
/* Of the store: NULL where it works, else why not (owned from now on), and @so what. */
void agentd_note_store(struct agentd *a, char *error, const char *so);
bool batch_end(struct agentd *a, const struct roam_addr *home, bool visitor);
/* The module carries nothing for that home address. */
void batch_refused(const struct roam_addr *home);
void batch_free(void);

/* kernel.c */
char *kernel_start(struct agentd *a);
/* The module gets what the tables hold, and nothing else stays in it (OPEN-45). */
void kernel_adopt(struct agentd *a);
/* Routes of virtual home networks, settings of links for visitors. */
void kernel_configure(struct agentd *a);
/* On their home links the nodes that are away have one router: the one that serves. */
void kernel_stand(struct agentd *a);
void kernel_set_nodes(struct agentd *a, const struct ha_changes *changes);
void kernel_set_visitors(struct agentd *a, const struct fa_changes *changes);
void kernel_stop(struct agentd *a);
/*
 * Link-layer address of a node on the home link of @agent; false: not known, or
 * the home network is virtual. @link: index of that link.
 */
bool kernel_find_mac(const struct agentd *a, const struct roam_addr *agent,
		     const struct roam_addr *home, unsigned int *link,
		     uint8_t mac[6]);
/* Whether there is a way to that address. */
bool kernel_has_route(struct agentd *a, const struct roam_addr *addr);
/* The counters of the module as members of @object. */
void kernel_counters(struct agentd *a, json_t *object);
bool kernel_is_there(const struct agentd *a);

/* show.c */
extern const struct control_command show_commands[];
void show_node(struct agentd *a, const struct ha_change *change,
	       const char *reason);
void show_denied(struct agentd *a, const struct roam_addr *home,
		 const struct roam_addr *source, const char *by, uint8_t code);
void show_visitor(struct agentd *a, const struct fa_change *change,
		  const char *reason);
void show_dropped(struct agentd *a, const struct roam_addr *source,
		  const char *reason);

#endif
