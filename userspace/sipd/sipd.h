/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * roam-sipd: calls that go on when the host moves.
 *
 *   main.c     the daemon: start, stop, the timer of the cores
 *   config.c   roam-sipd.conf
 *   loop.c     the loop of libre, with ours inside it
 *   ua.c leg.c dialog.c SIP: the only files that speak it to the network
 *   media.c    packets between a phone of this host and its peer
 *   place.c    where this host is
 *   server.c   where servers are that have names
 *   call.c     calls: which leg belongs to which, what each is told
 *   report.c   log lines and events
 *   show.c     the control socket's commands
 *
 * What is decided about moves is decided in core/sip_session.c and
 * core/sip_registration.c.
 */
#ifndef ROAM_SIPD_SIPD_H
#define ROAM_SIPD_SIPD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/addr.h"
#include "base/limit.h"
#include "base/table.h"
#include "core/sip_registration.h"
#include "core/sip_session.h"
#include "dns/dns.h"
#include "io/control.h"
#include "rtnl/socket.h"
#include "sipd/config.h"
#include "sipd/media.h"
#include "sipd/ua.h"

#define CALL_MOVES_MAX 8
/* Calls that an account may have waiting for an answer; the next are told that it is busy. */
#define RINGING_MAX 16

/**
 * struct sipd_server - a server, and where it is now
 * @sipd: the daemon
 * @config: the server
 * @targets: what DNS named, once it was asked
 * @n: their number, 0: not asked
 * @at: which one is in use
 * @tried: of them, silent ones since one answered
 * @asking: DNS is being asked
 * @route: URI of that one, "" for what @config says
 */
struct sipd_server {
	struct sipd *sipd;
	const struct config_server *config;
	struct dns_server targets[DNS_SERVERS_MAX];
	size_t n;
	size_t at;
	size_t tried;
	bool asking;
	char route[ROAM_ADDR_STRLEN + 40];
};

/**
 * struct sipd_registration - an account at a server
 * @sipd: the daemon
 * @account: the account
 * @server: the server
 * @target: where it is
 * @ua: its requests
 * @core: its timing
 */
struct sipd_registration {
	struct sipd *sipd;
	const struct config_account *account;
	const struct config_server *server;
	struct sipd_server *target;
	struct ua_registration *ua;
	struct sip_registration *core;
};

/**
 * struct sipd_phone - the phone of this host that rings for an account
 * @uri: where, "" for none
 * @expires: until when
 * @ringing: calls of others that nobody has answered yet
 */
struct sipd_phone {
	char uri[UA_URI_MAX];
	msec_t expires;
	unsigned int ringing;
};

/**
 * struct call_move - what a move did to a call
 * @when: when it was, ms since 1970
 * @to: the new address
 * @told: ms until the peer agreed, -1: it did not
 * @resumed: us until the first packet of media, -1: none came
 * @gap: longest time without media, us; of it the time in the old place is a part
 * @lost: packets that did not come
 * @jitter: afterwards, us
 * @media: gap and what follows are known
 */
struct call_move {
	int64_t when;
	struct roam_addr to;
	msec_t told;
	int64_t resumed;
	int64_t gap;
	uint64_t lost;
	uint32_t jitter;
	bool media;
};

/** enum call_state - how far a call is. */
enum call_state {
	CALL_CALLING,		/* we asked the peer */
	CALL_RINGING,		/* the peer asked us */
	CALL_UP,
};

/**
 * struct call - one call
 * @node: member of sipd->calls
 * @id: its number, the key
 * @sipd: the daemon
 * @account: which of our URLs talks
 * @state: how far it is
 * @outgoing: we called
 * @callee: whom
 * @tried: servers that the call was tried by, a bit for each
 * @reg: our registration at the last of them
 * @app: an application has it, by the control socket
 * @wide: dialog with the peer
 * @spare: the same call by a server that says nothing
 * @spare_reg: our registration there
 * @spare_epoch: the address that @spare told
 * @local: dialog with the phone, NULL with an application
 * @media: its packets, NULL with an application
 * @session: what is done about moves
 * @epoch: the address that its first offer or answer carried
 * @own_sdp: what the phone or application said last
 * @own_len: its length
 * @peer_sdp: what the peer said last
 * @peer_len: its length
 * @peer_media: where the peer receives
 * @number: of the session in descriptions
 * @version: of the description for the peer
 * @local_version: of that for the phone
 * @phone_waits: the phone made an offer that the peer has not answered
 * @peer_waits: the peer made one that the phone has not answered
 * @began: when it was made
 * @next_waiting: the next that waits for an answer
 * @waits_at: what points to it, while it waits itself
 * @up: when it was answered
 * @moves: the last moves
 * @n_moves: moves since the begin
 * @stuck: the peer goes on sending to where we were
 * @silent: nothing came from its server
 * @concerned: the last move changed what its peer was told
 * @held: the phone answered while this host had no address to tell the peer
 */
struct call {
	struct table_node node;
	uint64_t id;
	struct sipd *sipd;
	const struct config_account *account;
	enum call_state state;
	bool outgoing;
	char *callee;
	uint32_t tried;
	struct sipd_registration *reg;
	bool app;
	struct ua_leg *wide;
	struct ua_leg *spare;
	struct sipd_registration *spare_reg;
	uint32_t spare_epoch;
	struct ua_leg *local;
	struct media *media;
	struct sip_session *session;
	uint32_t epoch;
	char *own_sdp;
	size_t own_len;
	char *peer_sdp;
	size_t peer_len;
	struct roam_sdp_media peer_media;
	uint64_t number;
	uint64_t version;
	uint64_t local_version;
	bool phone_waits;
	bool peer_waits;
	msec_t began;
	struct call *next_waiting;
	struct call **waits_at;
	msec_t up;
	struct call_move moves[CALL_MOVES_MAX];
	unsigned int n_moves;
	bool stuck;
	bool silent;
	bool concerned;
	bool held;
};

/**
 * struct sipd_counters - since the start
 * @moves: changes of address
 * @calls: calls made
 * @answered: calls that were answered
 * @lost: calls that ended as the peer could not be told
 * @busy: calls refused as too many wait for an answer
 * @failovers: calls that went by another server, as the first said nothing
 */
struct sipd_counters {
	uint64_t moves;
	uint64_t calls;
	uint64_t answered;
	uint64_t lost;
	uint64_t failovers;
	uint64_t busy;
};

/**
 * struct sipd - the running daemon
 * @loop: our loop, inside that of libre
 * @config: configuration in force
 * @ua: the user agent
 * @sessions: sessions and moves
 * @registrations: registrations and moves
 * @servers: those of the configuration
 * @dns: asked where named servers are, NULL: there are none
 * @regs: an account at a server, for each
 * @n_regs: their number
 * @phones: by account
 * @calls: struct call by id
 * @waiting: those that wait for an answer, the oldest first
 * @waiting_end: where the next goes
 * @next_id: number of the next call
 * @control: control socket; NULL while it ends
 * @rtnl: requests about routes
 * @watch: socket of changes of addresses and routes
 * @look: looks where we are
 * @linger: at the end: time for what is still to be said
 * @place: care-of addresses now
 * @before: those before
 * @moved: when they changed
 * @left: the user said that this host is away
 * @bind_failures: times that sockets could not be opened since they last could
 * @lines: limit of log lines about calls
 * @counters: see above
 * @started: when it started
 */
struct sipd {
	uv_loop_t *loop;
	struct config *config;
	struct ua *ua;
	struct sip_sessions *sessions;
	struct sip_registrations *registrations;
	struct sipd_server servers[SIPD_SERVERS_MAX];
	struct dns *dns;
	struct sipd_registration *regs;
	size_t n_regs;
	struct sipd_phone phones[SIPD_ACCOUNTS_MAX];
	struct table calls;
	struct call *waiting;
	struct call **waiting_end;
	uint64_t next_id;
	struct control *control;
	struct rtnl *rtnl;
	int watch;
	uv_timer_t look;
	uv_timer_t linger;
	struct roam_place place;
	struct roam_place before;
	msec_t moved;
	bool left;
	unsigned int bind_failures;
	struct line_limit lines;
	struct sipd_counters counters;
	msec_t started;
};

/* main.c: something was put into a core; run it when it next wants to. */
void sipd_kick(struct sipd *sipd);

/* place.c */
char *place_start(struct sipd *sipd);
/* Ask the kernel now. */
void place_look(struct sipd *sipd);
bool place_is_somewhere(const struct sipd *sipd);
void place_stop(struct sipd *sipd);

/* server.c */
char *servers_start(struct sipd *sipd);
/* Where requests by it go. */
const char *server_route(const struct sipd_server *server);
/* Nothing came from there: another place that DNS names is taken, if there is one. */
void server_silent(struct sipd_server *server);
/* Something came. */
void server_answers(struct sipd_server *server);
/* main.c: a server has another place. */
void server_changed(struct sipd_server *server);

/* call.c */
extern const struct ua_ops call_ua_ops;
extern const struct sip_session_ops call_session_ops;
/*
 * An application calls @to. NULL with a sentence in *error, caller frees.
 */
struct call *call_start(struct sipd *sipd, const struct config_account *account,
			const char *to, const char *sdp, size_t len,
			char **error);
/* An application answers. False with a sentence in *error. */
bool call_accept(struct call *call, const char *sdp, size_t len, char **error);
void call_end(struct call *call, unsigned int code);
struct call *call_find(struct sipd *sipd, uint64_t id);
/* Every call is told that this host moved; @v4, @v6: which of its addresses changed. */
void call_moved(struct sipd *sipd, bool v4, bool v6);
/* There is an address again: what phones answered meanwhile is passed on. */
void call_answer_held(struct sipd *sipd);
void call_end_all(struct sipd *sipd);
/* Ends calls that nobody answered in time; returns when to call again. */
msec_t call_tick(struct sipd *sipd, msec_t now);
/* Calls that wait for that server go by its new place. */
void call_server_changed(struct sipd *sipd,
			 const struct sipd_server *server);
/* What is known about the last move by now. */
void call_measure(struct call *call);

/* report.c */
void report_move(struct sipd *sipd);
void report_registration(struct sipd *sipd, const struct sipd_registration *reg,
			 unsigned int code, msec_t took);
/* @what: "incoming", "ringing", "up", "peer-moved", "ended"; @why: a word or NULL */
void report_call(struct call *call, const char *what, const char *why);
void report_session(struct call *call, const struct sip_session_event *event);

/* show.c */
extern const struct control_command show_commands[];
/* A call as show and events show it. */
json_t *show_call(struct call *call, bool sdp);

#endif
