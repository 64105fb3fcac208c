/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * roam-mnd: a mobile node of Mobile IPv4.
 *
 *   main.c     the daemon: start, reload, stop, the core's timer and wishes
 *   config.c   mnd.conf
 *   net.c      messages: the only file that talks to the network
 *   kernel.c   home address, routes, rules, tunnel; which links there are
 *   session.c  sessions of programs and of devices behind the node
 *   steer.c    their routes, rules and translations; neighbours that appear
 *   show.c     the control socket's commands, events, log lines
 *
 * What is decided is decided in core/mobile_node.c and core/mobile_session.c.
 */
#ifndef ROAM_MND_MND_H
#define ROAM_MND_MND_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "core/mobile_node.h"
#include "core/mobile_session.h"
#include "io/control.h"
#include "io/frame.h"
#include "io/ticker.h"
#include "io/udp.h"
#include "mnd/config.h"

struct genl;
struct kernel;
struct rtnl;
struct steer;
struct session_row;

/**
 * struct mnd_counters - since the start
 * @received: datagrams and messages of agents
 * @sent: requests
 * @deregistrations: of them, those of lifetime 0
 * @replies: received
 * @deregistration_replies: of them, those of lifetime 0
 * @solicited: solicitations sent
 * @adverts: advertisements heard
 * @registered: registrations that were accepted
 * @denied: that were denied
 * @denied_home: of them, by the home agent
 * @denied_identification: of these, for the clock or the nonce
 * @moves: changes of the care-of address
 * @left_home: moves from the home link to another one
 * @changed_agent: moves from one foreign agent to another one
 * @came_home: moves to the home link
 * @agent_restarts: the foreign agent in use lost its visitors
 * @announced: gratuitous ARP messages at home
 * @keepalives: sent to keep a NAT's mapping
 * @sessions_seen: sessions that began as a device appeared
 * @sessions_refused: that there were too many for
 * @drop: by enum mn_drop
 */
struct mnd_counters {
	uint64_t received;
	uint64_t sent;
	uint64_t deregistrations;
	uint64_t replies;
	uint64_t deregistration_replies;
	uint64_t solicited;
	uint64_t adverts;
	uint64_t registered;
	uint64_t denied;
	uint64_t denied_home;
	uint64_t denied_identification;
	uint64_t moves;
	uint64_t left_home;
	uint64_t changed_agent;
	uint64_t came_home;
	uint64_t agent_restarts;
	uint64_t announced;
	uint64_t keepalives;
	uint64_t sessions_seen;
	uint64_t sessions_refused;
	uint64_t drop[MN_DROP_MAX];
};

/**
 * struct mnd_link - a link of this host that may be used
 * @mnd: the daemon
 * @name: of the link
 * @index: of the link
 * @frames: its socket
 * @seen: it was there when the links were read last
 */
struct mnd_link {
	struct mnd *mnd;
	char name[16];
	unsigned int index;
	struct frame_socket *frames;
	bool seen;
};

/**
 * struct mnd - the running daemon
 * @loop: the loop
 * @config: configuration in force
 * @mn: the core
 * @control: control socket
 * @udp: port 434
 * @links: links in use
 * @n_links: their number
 * @clients: links whose DHCP clients are heard
 * @kernel: routes and tunnel
 * @tick: when the core has something to do
 * @keepalive: when a NAT wants to see a packet
 * @left: the user said that nothing is to be registered
 * @last_code: of the last denial
 * @coa: care-of address of the last registration
 * @counters: see above
 * @mns: the core of sessions
 * @mns_config: what it was told
 * @rows: sessions
 * @n_rows: their number
 * @steer: the kernel's side of them
 * @session_path: what outlives the daemon
 * @session_dump: events about neighbours were lost
 * @sweep: looks for devices that are gone
 * @leases: watches leases of dnsmasq
 * @sessions_open: @sweep and @leases are initialised
 * @started: when it started
 */
struct mnd {
	uv_loop_t *loop;
	struct config *config;
	struct mn *mn;
	struct control *control;
	struct udp *udp;
	struct mnd_link links[MN_LINKS];
	size_t n_links;
	struct mnd_link clients[MN_LINKS];
	struct kernel *kernel;
	struct ticker tick;
	uv_timer_t keepalive;
	bool left;
	uint8_t last_code;
	struct roam_addr coa;
	enum mn_mode mode;
	struct mnd_counters counters;
	struct mns *mns;
	struct mns_config mns_config;
	struct session_row *rows;
	size_t n_rows;
	struct steer *steer;
	char session_path[256];
	bool session_dump;
	uv_timer_t sweep;
	uv_fs_event_t leases;
	bool sessions_open;
	msec_t started;
};

/* "02:00:00:00:00:01" */
void mnd_format_mac(const uint8_t mac[MN_MAC_LEN], char *text);

/* main.c: something was put into the core. */
void mnd_kick(struct mnd *m);

/* net.c; NULL or a sentence, caller frees. */
char *net_start(struct mnd *m);
void net_stop(struct mnd *m);
/* A link came, is there, or went (NULL name: none of that index). */
void net_open_link(struct mnd *m, const char *name, unsigned int index);
void net_close_link(struct mnd *m, struct mnd_link *link);
/* DHCP clients on the links where they get the addresses of their sessions. */
void net_hear_clients(struct mnd *m);
void net_send(struct mnd *m, const struct mn_send *send);
void net_solicit(struct mnd *m, uint32_t link);
/* Tells the home link who has the home address. */
void net_announce(struct mnd *m, uint32_t link);
/* An echo request to the home agent, through the tunnel. */
void net_keepalive(struct mnd *m, const struct roam_addr *agent);

/* kernel.c */
char *kernel_start(struct mnd *m);
/* Links and addresses are read and told to the core. */
void kernel_look(struct mnd *m);
/* Routes and tunnel follow what was agreed on; NULL: nothing is. */
void kernel_attach(struct mnd *m, const struct mn_registration *r);
/* What has this own address as source goes by the main table. */
void kernel_open_way(struct mnd *m, const struct roam_addr *coa);
void kernel_stop(struct mnd *m);
/* Its sockets, for steer.c; no tunnel (NULL) without a tunnel device. */
struct rtnl *kernel_rtnl(const struct mnd *m);
struct genl *kernel_tunnel(const struct mnd *m);
/* How the module writes a tunnel of that registration. */
uint8_t kernel_encap(const struct mn_registration *r);

/* show.c */
extern const struct control_command show_commands[];
void show_event(struct mnd *m, const struct mn_event *event);
void show_session_event(struct mnd *m, const struct mns_session *s,
			enum mns_event event);

#endif
