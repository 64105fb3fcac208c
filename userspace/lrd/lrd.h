/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * roam-lrd: MIP-LR on a host, mobile and correspondent.
 *
 *   main.c     the daemon: start, reload, stop, the timer of the cores
 *   config.c   roam-lrd.conf
 *   net.c      messages: the only file that talks to the network
 *   kernel.c   roam_mangle: the only file that talks to the module
 *   registers.c the registers in force, configured or found by DNS
 *   place.c    where this host is, and that TCP uses the permanent address
 *   report.c   log lines and events of what the cores do
 *   show.c     the control socket's commands
 *
 * What is decided is decided in core/mobile.c and core/correspondent.c.
 */
#ifndef ROAM_LRD_LRD_H
#define ROAM_LRD_LRD_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/limit.h"
#include "core/correspondent.h"
#include "core/mobile.h"
#include "dns/servers.h"
#include "genl/mangle.h"
#include "host/place.h"
#include "io/channel.h"
#include "io/control.h"
#include "io/ticker.h"
#include "lrd/config.h"

/* Registers in force. More would only be more to update at each move. */
#define LRD_REGISTERS_MAX 32

/**
 * struct lrd_counters - since the start
 * @misses: questions of the module
 * @restored: mappings that somebody else removed, put back
 * @resyncs: times the module's events were lost and its tables read again
 */
struct lrd_counters {
	uint64_t misses;
	uint64_t restored;
	uint64_t resyncs;
};

/**
 * struct lrd - the running daemon
 * @loop: the loop
 * @config: configuration in force
 * @mobile: the mobile role, NULL on a host without own permanent address
 * @corr: the correspondent role
 * @sources: where the registers come from
 * @registers: those in force
 * @n_registers: their number
 * @exempt: what is never rewritten: as configured, and messages to them
 * @control: control socket
 * @channel: the protocol's socket
 * @kernel: requests to the module
 * @events: its events
 * @events_poll: watches @events
 * @where: where this host is; NULL on a host without own permanent address
 * @tick: when a core has something to do
 * @left: the user said that this host is away for a while: no registration
 * @stopping: this daemon ends
 * @lines: of log lines about mappings
 * @counters: see above
 * @started: when it started
 */
struct lrd {
	uv_loop_t *loop;
	const struct config *config;
	struct mobile *mobile;
	struct corr *corr;
	struct servers *sources;
	struct registrar_server registers[LRD_REGISTERS_MAX];
	size_t n_registers;
	struct mangle_exempt exempt;
	struct control *control;
	struct channel *channel;
	struct genl *kernel;
	struct genl *events;
	uv_poll_t events_poll;
	struct host_place *where;
	struct ticker tick;
	bool left;
	bool stopping;
	struct line_limit lines;
	struct lrd_counters counters;
	msec_t started;
};

/* main.c: something was put into a core; run it when it next wants to. */
void lrd_kick(struct lrd *lrd);

/* net.c; each returns NULL or a sentence, caller frees. */
char *net_start(struct lrd *lrd);
void net_stop(struct lrd *lrd);
/* Encodes, signs where the message names a key, and sends. */
void net_send(struct lrd *lrd, const struct roam_addr *to, uint16_t port,
	      const struct lr_msg *msg);
/* The same from a local address of its own. */
void net_send_from(struct lrd *lrd, const struct roam_addr *from,
		   const struct roam_addr *to, uint16_t port,
		   const struct lr_msg *msg);

/* kernel.c */
char *kernel_start(struct lrd *lrd);
/* The module's tables are read and handed to the cores (OPEN-45). */
void kernel_adopt(struct lrd *lrd);
/* The module gets what is exempt; again when there are other registers. */
void kernel_set_exempt(struct lrd *lrd);
/* The module gets the prefixes, and begins to ask. */
void kernel_configure(struct lrd *lrd);
/* The module keeps correspondents as long as they may know where we were. */
void kernel_remember_peers(struct lrd *lrd, msec_t lifetime);
void kernel_stop(struct lrd *lrd);
/* False from when the module was unloaded on, which the log says: even if it is loaded again. */
bool kernel_is_there(struct lrd *lrd);
void kernel_set_own(struct lrd *lrd, const struct roam_addr *perm,
		    const struct roam_addr *coa, uint64_t seq, bool literal);
/* The module forgets a permanent address that is not ours any more. */
void kernel_forget_own(struct lrd *lrd, const struct roam_addr *perm);
void kernel_set_peer(struct lrd *lrd, const struct roam_addr *perm,
		     const struct roam_addr *peer, enum peer_mode mode);
/* A status, see struct corr_ops. */
uint8_t kernel_set_mapping(struct lrd *lrd, const struct roam_addr *perm,
			   const struct roam_addr *coa, uint64_t seq,
			   msec_t lifetime, bool literal);

/* registers.c */
char *registers_start(struct lrd *lrd);
/* Hands the list to the cores, which may be new. */
void registers_apply(struct lrd *lrd);
/* There is a reason to ask DNS again. */
void registers_look(struct lrd *lrd);
void registers_stop(struct lrd *lrd);

/* place.c */
char *place_start(struct lrd *lrd);
/* Puts a new configuration in force. */
char *place_apply(struct lrd *lrd);
/* Something that decides about the care-of address changed. */
void place_look(struct lrd *lrd);
/* Where it is and was. */
const struct host_places *place_get(const struct lrd *lrd);
void place_stop(struct lrd *lrd);

/* report.c */
void report_mobile(struct lrd *lrd, const struct mobile_event *event);
void report_corr(struct lrd *lrd, const struct corr_event *event);

/* show.c */
extern const struct control_command show_commands[];

#endif
