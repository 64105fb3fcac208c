/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * roam-syncd: dynamic tables of a router at the routers that stand in for it. Who is
 * the active one says roam-standbyd; only that one tells, the others hold what it
 * tells and have it in their kernel already.
 *
 *   main.c    the frame
 *   config.c  the configuration
 *   tables.c  entries of all tables, and what happens to them by role
 *   net.c     messages, the engine, roles: the only file that talks to the network
 *   kernel.c  conntrack: with sets.c and gtp.c the only file that talks to the kernel
 *   sets.c    nft sets
 *   gtp.c     GTP contexts
 *   leases.c  the lease file of dnsmasq
 *   show.c    the control socket
 *
 * One thread. A table is a struct kind; a new one needs nothing but its row.
 */
#ifndef ROAM_SYNCD_SYNCD_H
#define ROAM_SYNCD_SYNCD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/table.h"
#include "base/time.h"
#include "core/sync.h"
#include "io/control.h"
#include "io/role.h"
#include "io/sync.h"
#include "syncd/config.h"

struct syncd;
struct item;
struct kernel;

/**
 * struct kind - a table
 * @type: number on the wire
 * @name: for people
 * @value_max: bytes of a value at most
 * @exclusive: what the active router does not have, the subsystem shall not have either
 * @tail: last bytes of a value that are not the same everywhere
 * @check: whether an entry from elsewhere is one; nothing about it is trusted
 * @same: whether @value says what others were told; NULL: all but the tail is equal
 * @age: brings a copy of the value up to date, as time has passed; may be NULL
 * @settle: behind all that came at once; may be NULL
 * @install: puts it into the subsystem, or brings it up to date there. False: refused
 * @remove: takes it out
 * @look: calls tables_seen() for each entry that the subsystem has; false: it failed
 * @show: members of a row of the tool
 */
struct kind {
	uint8_t type;
	const char *name;
	size_t value_max;
	size_t tail;
	bool exclusive;
	bool (*check)(struct syncd *d, const uint8_t *key, size_t key_len,
		      const uint8_t *value, size_t len);
	bool (*same)(const struct item *item, const uint8_t *value, size_t len);
	void (*age)(const struct item *item, uint8_t *value);
	void (*settle)(struct syncd *d);
	bool (*install)(struct syncd *d, const struct item *item);
	void (*remove)(struct syncd *d, const struct item *item);
	bool (*look)(struct syncd *d);
	json_t *(*show)(const struct item *item);
};

extern const struct kind kernel_connections;
extern const struct kind sets_elements;
extern const struct kind leases_file;
extern const struct kind gtp_contexts;

/**
 * struct item_key - key of an entry, unused bytes are 0
 * @type: of its table
 * @len: bytes in use
 * @bytes: the key on the wire
 */
struct item_key {
	uint8_t type;
	uint8_t len;
	uint8_t bytes[SYNC_KEY_MAX];
};

/**
 * struct item - an entry, about 160 bytes for a connection
 * @node: in syncd.items
 * @key: its key
 * @kind: its table
 * @installed: the subsystem has it, as far as known
 * @stray: told by others to an active router that has just started and does not
 *	have it: it is over
 * @seen: look that saw it last
 * @at: when @value was so
 * @len: bytes of @value
 * @value: the value on the wire
 */
struct item {
	struct table_node node;
	struct item_key key;
	const struct kind *kind;
	bool installed;
	bool stray;
	uint32_t seen;
	msec_t at;
	uint16_t len;
	uint8_t value[];
};

/** struct counters - beside those of the engine; names say what */
struct counters {
	uint64_t seen;		/* changes that the subsystems told */
	uint64_t installed;
	uint64_t install_failed;
	uint64_t refused;	/* entries that are none, or no business of this host */
	uint64_t full;
	uint64_t looks;
	uint64_t overruns;	/* events of the kernel that were lost */
	uint64_t takeovers;
};

/**
 * struct syncd - the daemon
 * @loop: the loop
 * @config: in force
 * @started: time of start
 * @control: the control socket
 * @kinds: tables that are kept
 * @n_kinds: their number
 * @items: all entries
 * @look: number of the present look
 * @next_look: when the next one is due
 * @link: messages
 * @role: follows roam-standbyd
 * @now: the role as told last
 * @active: this router is the active one
 * @young: it was so when the daemon began, and has no other's table yet
 * @strays: some of the items are
 * @purge: the tables of the active router have just become complete here
 * @purging: what is seen and not known is a stray
 * @timer: of engine and looks
 * @kernel: of kernel.c
 * @counters: likewise
 */
struct syncd {
	uv_loop_t *loop;
	struct config *config;
	msec_t started;
	struct control *control;
	const struct kind *kinds[4];
	size_t n_kinds;
	struct table items;
	uint32_t look;
	msec_t next_look;
	struct sync_link link;
	struct role_client *role;
	struct role now;
	bool active;
	bool young;
	bool strays;
	bool purge;
	bool purging;
	uv_timer_t timer;
	struct kernel *kernel;
	struct counters counters;
};

/* tables.c */

/* A subsystem has an entry: it is new, or changed, or was looked at. */
void tables_seen(struct syncd *d, const struct kind *kind, const uint8_t *key,
		 size_t key_len, const uint8_t *value, size_t len);
/* It has it no more. */
void tables_gone(struct syncd *d, const struct kind *kind, const uint8_t *key,
		 size_t key_len);
/* Looks at everything that the subsystems have. */
void tables_look(struct syncd *d);
/* This router has become the active one: all is made ready for packets. */
void tables_take_over(struct syncd *d);
/* Calls @fn for each entry of a table. */
void tables_each(struct syncd *d, const struct kind *kind,
		 void (*fn)(const struct item *item, void *ctx), void *ctx);
/* Takes away what the active router does not have, whose tables are complete here. */
void tables_purge(struct syncd *d);
/* Behind what came from others at once. */
void tables_settle(struct syncd *d);
/* All types are made known to a new engine. */
void tables_register(struct syncd *d);
void tables_free(struct syncd *d);

/* net.c */

char *net_start(struct syncd *d, const char *socket_path);
void net_stop(struct syncd *d);
/* What changed is told. */
void net_flush(struct syncd *d);

/* kernel.c */

char *kernel_start(struct syncd *d);
void kernel_stop(struct syncd *d);

/* sets.c */

char *sets_start(struct syncd *d);
void sets_stop(void);

/* gtp.c */

char *gtp_start(struct syncd *d);
void gtp_stop(void);

/* leases.c */

void leases_start(struct syncd *d);
void leases_stop(void);

/* show.c */

extern const struct control_command show_commands[];
void show_event(struct syncd *d, const struct item *item, const char *what);

#endif
