/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * roam-standbyd: what its files share.
 *
 *   main.c    start, reload, stop
 *   config.c  standbyd.conf
 *   group.c   the election of each group: messages in, effects out, timers
 *   counter.c the counter of what this host sends, and its file
 *   link.c    links and what is tracked: a second thread asks the kernel
 *   net.c     sockets: the only file that talks to the network
 *   kernel.c  addresses, devices, tunables: the only one that talks to the kernel
 *   worker.c  the second thread
 *   watch.c   the process that outlives this one
 *   show.c    control socket
 */
#ifndef ROAM_STANDBYD_STANDBY_H
#define ROAM_STANDBYD_STANDBY_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/deadline.h"
#include "base/limit.h"
#include "base/table.h"
#include "core/election.h"
#include "core/standby_peers.h"
#include "io/control.h"
#include "rtnl/socket.h"
#include "standbyd/config.h"
#include "standbyd/kernel.h"

#define HISTORY_MAX 64		/* transitions remembered for each group */
#define FORMS 3
#define LINK_TUNABLES 3

struct standbyd;

/**
 * struct net_socket - one form's socket on a link
 * @poll: readiness
 * @fd: -1 while closed
 * @link: its link
 * @form: enum hsrp_form
 */
struct net_socket {
	uv_poll_t poll;
	int fd;
	struct link *link;
	uint8_t form;
};

/**
 * struct link - an interface with groups
 * @d: the daemon
 * @name: interface
 * @index: 0 while it does not exist
 * @up: it exists, is up, has carrier and a primary address
 * @addr: first address that is no virtual one
 * @mac: its own, even while it is swapped
 * @sockets: by form; NULL where no group speaks it
 * @peers: senders
 * @tunables: what they were before (STBY-93, STBY-94), -1 for untouched
 */
struct link {
	struct standbyd *d;
	char name[IFNAMSIZ];
	unsigned int index;
	bool up;
	struct roam_addr addr;
	uint8_t mac[6];
	struct net_socket *sockets[FORMS];
	struct standby_peers peers;
	int tunables[LINK_TUNABLES];
};

/**
 * struct tables - of a client, compared with another router's
 * @router: whose
 * @complete: they are complete, here or there (STBY-65)
 * @equal: the last digests were equal
 * @since: since when that is so
 * @entries: entries here
 * @owed: messages that the other one has not acknowledged
 * @told: when this was said, 0 for never
 */
struct tables {
	struct roam_addr router;
	bool complete;
	bool equal;
	msec_t since;
	json_int_t entries;
	json_int_t owed;
	msec_t told;
};

/**
 * struct group - one group
 * @d: the daemon
 * @config: its configuration, of the present struct config
 * @link: its link
 * @e: the election
 * @deadline: next run, in standbyd.deadlines
 * @mac: virtual MAC address, or the link's own with MAC_NONE
 * @device: name of the macvlan device
 * @device_index: its index, 0 while there is none
 * @missing: what it tracks and is not there, summed up
 * @serving: the election wants the addresses here
 * @served_vip: the address that it wants, or wanted last
 * @placing: the second thread is at work for it
 * @placed: what the kernel was brought to last
 * @filter_until: the virtual MAC address stays in the filter until then, MSEC_NEVER
 *	where it is not there, or serves
 * @announce_step: next of the announcements after a takeover
 * @announce_at: when, MSEC_NEVER for none
 * @watch_slot: its place in the page shared with the watcher
 * @history: last transitions, oldest overwritten
 * @n_history: transitions so far
 * @drop: messages refused, by reason
 * @sent: messages sent, by op
 * @received: messages accepted, by op
 * @speaker_again: from when on a router that speaks makes it announce again
 * @announced: gratuitous ARP sent
 * @kernel_errors: what the kernel refused
 * @kernel_error: the last such, as a sentence, or NULL
 * @adopt_us: how long the last takeover's kernel work took
 * @tables: what a client said last about its tables
 */
struct group {
	struct standbyd *d;
	const struct config_group *config;
	struct link *link;
	struct election e;
	struct deadline deadline;
	uint8_t mac[6];
	char device[IFNAMSIZ];
	unsigned int device_index;
	unsigned int missing;
	bool serving;
	struct roam_addr served_vip;
	bool placing;
	bool placed;
	msec_t filter_until;
	unsigned int announce_step;
	msec_t announce_at;
	size_t watch_slot;
	struct elect_change history[HISTORY_MAX];
	uint64_t n_history;
	uint64_t drop[HSRP_DROP_MAX];
	uint64_t sent[HSRP_ANSWER + 1];
	uint64_t received[HSRP_ANSWER + 1];
	msec_t speaker_again;
	uint64_t announced;
	uint64_t kernel_errors;
	char *kernel_error;
	uint64_t adopt_us;
	struct tables tables;
};

/**
 * struct standbyd - the daemon
 * @loop: its loop
 * @config: in force
 * @control: control socket
 * @links: interfaces with groups
 * @n_links: number of @links
 * @groups: in the order of the configuration
 * @n_groups: number of @groups
 * @generation: raised when they become others
 * @deadlines: of the groups
 * @timer_fd: timerfd of the next deadline
 * @timer: its readiness
 * @armed: what it is set to
 * @rtnl: for requests
 * @packet_fd: for gratuitous ARP
 * @watch_fd: tells of changes in the kernel
 * @watch_poll: its readiness
 * @track_timer: looks after daemons that are tracked
 * @look: the look at links that is under way, NULL for none
 * @look_again: something changed since it began
 * @counter: last own one
 * @reserved: no counter above it may be used before the file says so
 * @redirects_all: net.ipv4.conf.all.send_redirects as it was, -1 for untouched
 * @drop: messages that belong to no group, by reason
 * @answers: Answers in the second @answers_second, without and with a key
 * @answers_second: that second
 * @limit: of log lines
 * @started: when
 * @realtime: it runs in front of others
 * @realtime_looked: when that was looked at last
 */
struct standbyd {
	uv_loop_t *loop;
	struct config *config;
	struct control *control;
	struct link **links;
	size_t n_links;
	struct group **groups;
	size_t n_groups;
	unsigned int generation;
	struct deadlines deadlines;
	int timer_fd;
	uv_poll_t timer;
	msec_t armed;
	struct rtnl *rtnl;
	int packet_fd;
	int watch_fd;
	uv_poll_t watch_poll;
	uv_timer_t track_timer;
	struct look *look;
	bool look_again;
	uint64_t counter;
	uint64_t reserved;
	int redirects_all;
	uint64_t drop[HSRP_DROP_MAX];
	unsigned int answers[2];
	msec_t answers_second;
	struct limit limit;
	msec_t started;
	bool realtime;
	msec_t realtime_looked;
};

/* ---- main.c ---- */

/* In front of others, within limits; false if that is not permitted. */
bool realtime_begin(const struct config *config);
/* In front of others again, some time after it had to step back. */
void realtime_keep(struct standbyd *d);

/* ---- group.c ---- */

/* Builds links and groups of d->config; elections do not run yet. */
char *groups_open(struct standbyd *d);
/* Ends every election (STBY-56) and frees all. */
void groups_close(struct standbyd *d, const char *reason);
/* The link came, went, or has another address. */
void group_link_changed(struct group *group);
/* What it tracks and is not there takes @missing from its priority. */
void group_track(struct group *group, unsigned int missing);
/* A datagram for a link, as net.c got it. */
void group_receive(struct link *link, uint8_t form, const struct roam_addr *from,
		   uint16_t port, int ttl, msec_t heard, const uint8_t *data,
		   size_t len);
/* The kernel is where link_place() wanted it to be, @adopted or not. */
void group_placed(struct group *group, bool adopted, int err, uint64_t us);
bool group_resign(struct group *group, msec_t pause, const char *reason);
/* Runs what is due and arms the timer. */
void groups_run(struct standbyd *d);
struct group *group_find(const struct standbyd *d, const char *name);
/* For whoever changed an election from outside. */
void group_carry_out(struct group *group, const struct elect_effects *out);

/* ---- counter.c ---- */

/* Reads the counter's file and reserves above it. */
char *counter_open(struct standbyd *d);
/* The next counter; 0 if none can be reserved. */
uint64_t counter_next(struct standbyd *d);
/* A counter that is above all used until the daemon starts again. */
uint64_t counter_last(struct standbyd *d);

/* ---- link.c ---- */

char *links_watch(struct standbyd *d);
void links_unwatch(struct standbyd *d);
/* What a look under way will find is of no use: groups are others now. */
void links_obsolete(struct standbyd *d);
/*
 * Brings the kernel to what group->serving says, on the second thread;
 * group_placed() is told of the end. One at a time for each group.
 */
void link_place(struct group *group);

/* ---- worker.c ---- */

/**
 * struct job - for the second thread
 * @next: of its list
 * @run: on the second thread
 * @done: on the first one, behind that, or without it when the daemon stops
 */
struct job {
	struct job *next;
	void (*run)(struct job *job);
	void (*done)(struct job *job);
};

char *worker_start(uv_loop_t *loop);
void worker_submit(struct job *job);
void worker_stop(void);

/* ---- net.c ---- */

char *net_open(struct link *link, uint8_t form);
void net_close(struct link *link);
/* Reads what waits on all sockets. */
void net_drain(struct standbyd *d);
/*
 * Sends to @to, all zero for the group, from the link's primary address; by the
 * group's device where @virtual, so that the frame has the virtual MAC address.
 */
void net_send(struct group *group, const struct roam_addr *to, uint16_t port,
	      bool virtual, const uint8_t *data, size_t len);
/* Gratuitous ARP for @vip at @mac; false if it could not be sent. */
bool net_announce(const struct standbyd *d, unsigned int index,
		  const uint8_t mac[6], const struct roam_addr *vip);
char *net_open_announcer(struct standbyd *d);
uint16_t net_port(uint8_t form);
struct roam_addr net_group_addr(uint8_t form);

/* ---- kernel.c ---- */

/* Prepares what takes time, so that kernel_adopt() is short: the device. */
char *kernel_prepare(struct group *group);
void kernel_forget(struct group *group);
/* The same for every group, in one go. */
void kernel_forget_all(struct standbyd *d);
/* STBY-93, STBY-94, and as it was before. */
void kernel_tune(struct link *link);
void kernel_untune(struct link *link);
/* Where the addresses of a group are while it serves. */
struct placement kernel_place(const struct group *group);

/* ---- watch.c ---- */

char *watch_start(struct standbyd *d);
void watch_stop(struct standbyd *d);
/* The group serves now: what the watcher will send when this process ends. */
void watch_serving(struct group *group, const struct roam_addr *to,
		   const uint8_t *resign, size_t len);
void watch_released(struct group *group);
/* This process runs. True if the watcher took addresses away meanwhile. */
bool watch_beat(struct standbyd *d, msec_t now);
/* It did for this group. */
bool watch_withdrew(const struct group *group);
pid_t watch_pid(void);

/* ---- show.c ---- */

extern const struct control_command show_commands[];
void show_change(struct group *group, const struct elect_change *change);
/* "fetch", "clearance", "peers", "learned": for the clients. */
void show_event(struct group *group, const char *what,
		const struct roam_addr *router);

#endif
