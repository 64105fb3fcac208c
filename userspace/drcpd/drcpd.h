/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * roam-drcpd: addresses for who enters a sub-network, and for this host.
 *
 *   main.c     the daemon: start, stop, timers, what the client's core asks for
 *   config.c   drcpd.conf
 *   net.c      messages on the link
 *   keys.c     which key signs what; keys of MMP that come with addresses
 *   kernel.c   links, the address and the default route of this host
 *   arp.c      whether somebody else has the address of this host
 *   store.c    leases on disk
 *   show.c     the control socket's commands
 */
#ifndef ROAM_DRCPD_DRCPD_H
#define ROAM_DRCPD_DRCPD_H

#include <jansson.h>
#include <uv.h>

#include "base/limit.h"
#include "core/drcp_relay.h"
#include "drcpd/config.h"
#include "io/control.h"
#include "io/ticker.h"
#include "rtnl/link.h"
#include "rtnl/socket.h"

#define DRCPD_BURST 256	/* requests that one commit makes durable at most */

struct arp;
struct net;
struct store;

/**
 * struct drcpd - the running daemon
 * @loop: the loop
 * @config: configuration in force
 * @control: control socket
 * @rtnl: requests to the kernel
 * @watch: socket of changes of links
 * @watch_poll: watches it
 * @links: the configured links that there are
 * @n_links: their number
 * @own: of a client: index of the link that it is on, 0: none
 * @net: sockets
 * @arp: looks for others with the same address; of a client
 * @store: leases on disk
 * @server: core of a server, else NULL
 * @client: core of a client, else NULL
 * @relay: core of a relay, else NULL
 * @tick: runs the core
 * @advertise: runs the advertisements
 * @id: number of this server
 * @epoch: of this start
 * @seq: of the last advertisement
 * @peer: link-layer address of the server that was heard last
 * @bound: what this host is configured with
 * @old: with MMP: what it was configured with before, until it is registered
 * @settle: ends that
 * @restore: puts the address back where somebody took it away
 * @restored: times
 * @restored_at: the last time
 * @alone: acts without roam-mmpd where that says nothing
 * @guided: roam-mmpd says where this host is
 * @stamp: of the last message of the client
 * @dhcp: DHCP has its turn
 * @changes: of the batch at hand
 * @n_changes: their number
 * @received: messages by type
 * @sent: messages by type
 * @drop: messages by reason
 * @log_limit: of lines about drops
 * @lines: of lines about answers
 * @started: when it started
 */
struct drcpd {
	uv_loop_t *loop;
	struct config *config;
	struct control *control;
	struct rtnl *rtnl;
	int watch;
	uv_poll_t watch_poll;
	struct rtnl_link links[DRCPD_LINKS_MAX];
	size_t n_links;
	uint32_t own;
	struct net *net;
	struct arp *arp;
	struct store *store;
	struct drcp_server *server;
	struct drcp_client *client;
	struct drcp_relay *relay;
	struct ticker tick;
	uv_timer_t advertise;
	uint64_t id;
	uint32_t epoch;
	uint32_t seq;
	uint8_t peer[6];
	struct drcp_msg bound;
	struct drcp_msg old;
	uv_timer_t settle;
	uv_timer_t alone;
	uv_timer_t restore;
	uint64_t restored;
	msec_t restored_at;
	bool guided;
	uint64_t stamp;
	bool dhcp;
	struct drcp_change changes[DRCPD_BURST];
	size_t n_changes;
	uint64_t received[DRCP_DECLINE + 1];
	uint64_t sent[DRCP_DECLINE + 1];
	uint64_t drop[DRCP_DROP_MAX];
	struct limit log_limit;
	struct line_limit lines;
	msec_t started;
};

/* main.c */
void drcpd_kick(struct drcpd *d);
void drcpd_on_alone(uv_timer_t *timer);
/* The address was taken away and is there again. */
void drcpd_tell_restored(struct drcpd *d);
void drcpd_event(struct drcpd *d, json_t *event);
/* To everybody on each link, or, with @mac, to one host on @link. */
void drcpd_advertise(struct drcpd *d, uint32_t link, const uint8_t *mac);

/* net.c */
char *net_open(struct drcpd *d);
void net_close(struct drcpd *d);
/* @mac NULL: to everybody on the link. */
void net_send(struct drcpd *d, uint32_t link, const uint8_t *mac,
	      const struct drcp_msg *msg);

/**
 * struct key - of a message
 * @key: it, or NULL
 * @own: the same if it was made for this message, for auth_key_free()
 */
struct key {
	const struct auth_key *key;
	struct auth_key *own;
};

/* keys.c */
struct key keys_of(const struct drcpd *d, const struct drcp_msg *msg);
/* Puts the address's key of MMP into an assignment, for its client alone. */
void keys_seal(const struct drcpd *d, struct drcp_msg *assignment);
/* Leaves it in a file for roam-mmpd. */
bool keys_leave(const struct drcpd *d, const struct drcp_msg *assignment);

/* kernel.c */
char *kernel_open(struct drcpd *d);
void kernel_close(struct drcpd *d);
/* Reads the links anew; the client hears whether its own is up. */
void kernel_look(struct drcpd *d);
/* Only hosts are there. */
bool kernel_is_air(const struct drcpd *d, const struct rtnl_link *link);
const struct rtnl_link *kernel_link(const struct drcpd *d, uint32_t index);
/* The link that a client is on, or NULL. */
const struct rtnl_link *kernel_own(const struct drcpd *d);
/* The client is on this link from now on. */
void kernel_attach(struct drcpd *d, const struct rtnl_link *link);
/* With MMP: the address of before goes. */
void kernel_settle(struct drcpd *d);
void kernel_configure(struct drcpd *d, const struct drcp_msg *assignment);
void kernel_deconfigure(struct drcpd *d);

/* arp.c */
char *arp_open(struct drcpd *d);
void arp_close(struct drcpd *d);
/* Asks who has the address; whoever else it is, the client's core hears of it. */
void arp_probe(struct drcpd *d);

/* store.c */
char *store_open(struct drcpd *d);
void store_close(struct drcpd *d);
/* All of d->changes, or none. */
bool store_commit(struct drcpd *d);

/* show.c */
extern const struct control_command show_commands[];

#endif
