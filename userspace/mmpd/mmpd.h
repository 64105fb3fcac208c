/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * roam-mmpd: MMP in every role: gateway, node, base station, mobile host.
 *
 *   main.c     the daemon: start, reload, stop, the timer of the core
 *   config.c   mmpd.conf
 *   net.c      messages: the only file that talks to the network
 *   kernel.c   the module, interfaces, routes: the only file that talks to the kernel
 *   radio.c    what the radio says: hosts that come, other access points
 *   state.c    what a restart must not forget
 *   drcp.c     a host's address, where roam-drcpd has it
 *   show.c     the control socket's commands
 *
 * What is decided is decided in core/mmp_node.c and core/mmp_host.c.
 */
#ifndef ROAM_MMPD_MMPD_H
#define ROAM_MMPD_MMPD_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "auth/auth.h"
#include "base/limit.h"
#include "core/mmp_host.h"
#include "core/mmp_node.h"
#include "genl/mmp.h"
#include "io/control.h"
#include "io/talk.h"
#include "io/ticker.h"
#include "mmpd/config.h"
#include "rtnl/link.h"

#define MMPD_DRCP_KEY 1000	/* id of an address's key in the file of roam-drcpd */
#define MMPD_RECORDS 256	/* handoffs remembered to be shown */

/**
 * struct mmpd_link - an interface that takes part
 * @link: what the kernel says of it
 * @air: hosts, or base stations, are there
 * @seen: by the look under way
 * @told: changes of the carrier when the radio spoke last
 */
struct mmpd_link {
	struct rtnl_link link;
	bool air;
	bool seen;
	uint32_t told;
};

/**
 * struct mmpd_counters - since the start
 * @received: messages by type
 * @sent: messages by type
 * @drop: by enum mmp_drop
 * @send_errors: messages that the kernel did not take
 * @restored: times that the module's lists were written again
 */
struct mmpd_counters {
	uint64_t received[MMP_TYPE_MAX + 1];
	uint64_t sent[MMP_TYPE_MAX + 1];
	uint64_t drop[MMP_DROP_MAX];
	uint64_t send_errors;
	uint64_t restored;
};

#define MMPD_TRACES 4	/* branches of a way: a host has two downlinks at most */

/**
 * struct mmpd_trace - the way to a host that was asked for last
 * @addr: the host
 * @nonce: of the answers
 * @answers: what came
 * @n: their number
 */
struct mmpd_trace {
	struct roam_addr addr;
	uint64_t nonce;
	struct mmp_msg answers[MMPD_TRACES];
	size_t n;
};

struct net;

/**
 * struct mmpd - the running daemon
 * @loop: the loop
 * @config: configuration in force
 * @node: the core of a node, or NULL
 * @host: the core of a mobile host, or NULL
 * @border: host routes outside of the domain, or NULL
 * @node_key: signs between nodes
 * @air_key: signs base stations' beacons
 * @links: interfaces that take part
 * @n_links: their number
 * @net: sockets
 * @kernel: requests to the module, NULL at a host
 * @events: its events
 * @events_poll: watches @events
 * @radio: events of nl80211, or NULL
 * @radio_poll: watches @radio
 * @rtnl: requests about interfaces and routes
 * @watch: socket of their changes
 * @watch_poll: watches @watch
 * @tick: when the core has something to do
 * @idle: looks whether something was transmitted
 * @control: control socket
 * @counters: see above
 * @records: handoffs of this host, the newest at (n_records - 1) % MMPD_RECORDS
 * @n_records: their number until now
 * @drcp: roam-drcpd of this host, or NULL
 * @drcp_keys: the key of an address that came from there
 * @arrived: where roam-drcpd was told that the host is
 * @addrs: care-of addresses of a host
 * @addr_keys: their keys, in the configuration's or in @drcp_keys
 * @n_addrs: their number
 * @sources: what default routes prefer, by family: addresses that are registered
 * @trace: the last way that was asked for; see show.c
 * @log_limit: of lines about bad messages
 * @started: when it started
 */
struct mmpd {
	uv_loop_t *loop;
	struct config *config;
	struct mmp_node *node;
	struct mmp_host *host;
	struct mmp_border *border;
	struct auth_key *node_key;
	struct auth_key *air_key;
	struct mmpd_link links[MMP_LINKS_MAX];
	size_t n_links;
	struct net *net;
	struct genl *kernel;
	struct genl *events;
	uv_poll_t events_poll;
	struct genl *radio;
	uv_poll_t radio_poll;
	struct rtnl *rtnl;
	int watch;
	uv_poll_t watch_poll;
	struct ticker tick;
	uv_timer_t idle;
	struct control *control;
	struct mmpd_counters counters;
	struct mmp_handoff_record records[MMPD_RECORDS];
	uint64_t n_records;
	struct talk *drcp;
	struct auth_keys *drcp_keys;
	struct mmp_hop arrived;
	struct roam_addr addrs[MMP_ADDRS_MAX];
	const struct auth_key *addr_keys[MMP_ADDRS_MAX];
	size_t n_addrs;
	struct roam_addr sources[2];
	struct mmpd_trace trace;
	struct limit log_limit;
	msec_t started;
};

/* main.c: runs the core when it next wants to, at once if something came in. */
void mmpd_kick(struct mmpd *mmpd);
/* Microseconds of the clock that daemon_now() is of. */
int64_t mmpd_now_us(void);
const struct mmpd_link *mmpd_link(const struct mmpd *mmpd, uint32_t index);
/* An event for whoever monitors. Reference stolen. */
void mmpd_event(struct mmpd *mmpd, json_t *event);

/* net.c; NULL or a sentence, caller frees. */
char *net_start(struct mmpd *mmpd);
void net_stop(struct mmpd *mmpd);
void net_send(struct mmpd *mmpd, const struct mmp_hop *to,
	      const struct mmp_msg *msg);
void net_climb(struct mmpd *mmpd, const struct mmp_hop *to);
void net_answer(struct mmpd *mmpd, const struct mmp_hop *to,
		const struct mmp_msg *msg);
void net_host_send(struct mmpd *mmpd, const struct mmp_hop *by,
		   const struct mmp_msg *msg);
/* To another gateway or a border router, by the routing table. */
void net_border_send(struct mmpd *mmpd, const struct roam_addr *to,
		     const struct mmp_msg *msg);
/* The host has other addresses. */
void net_watch_addresses(struct mmpd *mmpd);
/* Did packets leave with a care-of address as source since the last call? */
bool net_has_transmitted(struct mmpd *mmpd);

/* kernel.c */
char *kernel_start(struct mmpd *mmpd);
void kernel_stop(struct mmpd *mmpd);
/* The configuration is another one; NULL or a sentence, caller frees. */
char *kernel_configure(struct mmpd *mmpd);
bool kernel_get_entry(struct mmpd *mmpd, const struct roam_addr *addr,
		      struct mmp_entry *entry);
bool kernel_set_entry(struct mmpd *mmpd, const struct mmp_entry *entry);
void kernel_set_uplinks(struct mmpd *mmpd, const struct mmp_hop *hops,
			size_t n);
void kernel_set_below(struct mmpd *mmpd, const struct mmp_hop *hops, size_t n);
void kernel_del_entry(struct mmpd *mmpd, const struct roam_addr *addr);
/* A route to a host in the kernel's table: by @via, or on @link; neither: none. */
void kernel_host_route(struct mmpd *mmpd, const struct roam_addr *coa,
		       const struct roam_addr *via, uint32_t link);
bool kernel_set_router(struct mmpd *mmpd, const struct mmp_station *station);

/* main.c: the host has these addresses. */
void mmpd_set_addresses(struct mmpd *mmpd);

/* drcp.c */
void drcp_start(struct mmpd *mmpd);
void drcp_stop(struct mmpd *mmpd);
/* The host's core has another state. */
void drcp_on_state(struct mmpd *mmpd, const struct mmp_host_event *event);

/* kernel.c: the radio of a host is at another access point. */
void kernel_roamed(struct mmpd *mmpd, uint32_t link, const uint8_t bssid[6]);

/* radio.c: where there is one, and it is not listened to yet. */
void radio_start(struct mmpd *mmpd);
void radio_stop(struct mmpd *mmpd);

/* state.c */
void state_load(struct mmpd *mmpd);
void state_save_gateway(struct mmpd *mmpd, const struct roam_addr *gateway,
			uint32_t epoch, uint32_t seq);
void state_save_host(struct mmpd *mmpd, const struct mmp_host_memory *memory);

/* show.c */
extern const struct control_command show_commands[];
/* A link-layer address as text, in @buf of 18 bytes, which it returns. */
const char *mac_format(const uint8_t mac[6], char *buf);
json_t *json_record(const struct mmp_handoff_record *record);

#endif
