/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps dynamic tables of several hosts equal: every change is told to the other
 * members and acknowledged, a newcomer gets the whole, and digests show at once
 * when two differ. No I/O, no clock, no keys: the caller gives messages that it
 * authenticated, and the time, and sends what it is told to send.
 *
 * Contract for clients. A table type is a number and some functions. The client
 * keeps its table as it likes and calls sync_update() or sync_delete() for what
 * changed here; what changed elsewhere comes by apply() and remove(). The engine
 * remembers of each entry its key, its order and a digest, no value: serialise()
 * is asked for that when it is sent. What is newer is decided by the order alone:
 * of two versions of an entry the higher order stays, whenever it arrives. A
 * deleted entry leaves a tombstone for a safe period, so that what arrives late
 * does not bring it back. An entry that ends by itself at every member at the
 * same time is forgotten with sync_forget(), without a word to others.
 *
 * Single and group mode are the same engine: they differ in who is told.
 */
#ifndef ROAM_CORE_SYNC_H
#define ROAM_CORE_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"
#include "wire/sync.h"

#define SYNC_MEMBERS_MAX 32	/* beside this one */
#define SYNC_ACKS_NONE 0	/* wanted acknowledgements: none, */
#define SYNC_ACKS_MAJORITY 254	/* of all members, this one counted, */
#define SYNC_AGENTS_MAX 8	/* whose entries can be asked for at a time */
#define SYNC_ACKS_ALL 255	/* of each member that is alive */

/** enum sync_mode - who is told of changes (TEN-01) */
enum sync_mode {
	SYNC_SINGLE,	/* the active router tells the standby router */
	SYNC_GROUP,	/* whoever changes something tells everybody */
};

/** enum sync_role - of this member, by the election */
enum sync_role {
	SYNC_PASSIVE,
	SYNC_STANDBY,
	SYNC_ACTIVE,
};

/** enum sync_apply - what a client did with an entry from elsewhere */
enum sync_apply {
	SYNC_APPLIED,
	SYNC_IGNORED,	/* of no use here, such as one that ended: not remembered, nor what was there */
	SYNC_FULL,	/* no room: the sender is told, and tries again */
};

/**
 * struct sync_type - a table type, given by a client
 * @type: number on the wire, 1..255
 * @name: for people
 * @serialise: writes the value of an entry of this host into @value and returns
 *	its length, 0 if there is no such entry. The first *@digested bytes are
 *	the same at every member (no remaining lifetimes); they make the digest
 * @apply: an entry from elsewhere, newer than what is here. It must not call
 *	sync_update() for it
 * @remove: an entry was deleted elsewhere, or is dropped as this member left its
 *	role (STBY-86)
 * @agent_of: the agent that the entry of this host belongs to (SYNC-49); false if
 *	there is no such entry. NULL where that means nothing
 */
struct sync_type {
	uint8_t type;
	const char *name;
	size_t (*serialise)(void *ctx, const uint8_t *key, size_t key_len,
			    uint8_t *value, size_t room, size_t *digested);
	enum sync_apply (*apply)(void *ctx, const uint8_t *key, size_t key_len,
				 const uint8_t *value, size_t len,
				 uint64_t order);
	void (*remove)(void *ctx, const uint8_t *key, size_t key_len);
	bool (*agent_of)(void *ctx, const uint8_t *key, size_t key_len,
			 struct roam_addr *agent);
};

/**
 * struct sync_ops - what the engine asks of the daemon around it
 * @send: send a message; all zero @to: to the group's multicast address. @msg is
 *	complete but for key id and authenticator
 * @released: the change with this token has @acks acknowledgements: those it
 *	wanted, or fewer when time was up (@late). Once for each token that is not 0
 * @random: 64 random bits
 * @synced: the table is complete here as far as @from has it, or is not any more
 * @clock: the wall clock in ns, which orders are made of: an order of more than a day
 *	later is refused, because nobody could make a newer one. NULL: any is believed
 * @passed: @from relays a registration, or answers one (SYNC_RELAY, SYNC_ANSWER):
 *	sync_pass(). NULL where nothing is shared
 */
struct sync_ops {
	void (*send)(void *ctx, const struct roam_addr *to,
		     const struct sync_msg *msg);
	void (*released)(void *ctx, uint64_t token, unsigned int acks, bool late);
	uint64_t (*random)(void *ctx);
	void (*synced)(void *ctx, bool synced, const struct roam_addr *from);
	uint64_t (*clock)(void *ctx);
	void (*passed)(void *ctx, const struct sync_msg *msg);
};

/**
 * struct sync_config - of one engine
 * @group: number on the wire
 * @own: this member's address
 * @mode: enum sync_mode
 * @multicast: updates, and what is asked of nobody in particular, go to the group's
 *	multicast address; else to each by unicast
 * @settles: the caller says sync_settled() behind what came at once; else each
 *	message is acknowledged for itself
 * @hello: ms between two digests
 * @dead: ms of silence after which a member is not waited for
 * @retry: ms after which an unacknowledged message is sent again
 * @wait: ms after which a change is released without its acknowledgements (OPEN-57)
 * @tombstone: ms that a deleted entry is remembered (D-08)
 * @window: messages of a download that may be unacknowledged at first, and after a loss
 * @entries_max: entries and tombstones
 */
struct sync_config {
	uint16_t group;
	struct roam_addr own;
	uint8_t mode;
	bool multicast;
	bool settles;
	msec_t hello;
	msec_t dead;
	msec_t retry;
	msec_t wait;
	msec_t tombstone;
	unsigned int window;
	size_t entries_max;
};

/* Fills in defaults where a member is 0. */
void sync_config_default(struct sync_config *config);

/**
 * struct sync_member - another member, as roam sync shows it
 * @addr: who
 * @alive: heard within the dead interval
 * @proved: its present session was proved to be no replay
 * @synced: it says that its table is complete
 * @equal: its last digest was that of this host
 * @heard: when it was heard last
 * @equal_since: since when digests are equal; of no meaning while they are not
 * @owed: messages that it has not acknowledged
 * @entries: entries that it says it has
 * @repaired: entries that were exchanged because digests differed
 * @weight: as it says of itself, see sync_set_weight()
 */
struct sync_member {
	struct roam_addr addr;
	bool alive;
	bool proved;
	bool synced;
	bool equal;
	msec_t heard;
	msec_t equal_since;
	uint32_t owed;
	uint32_t entries;
	uint64_t repaired;
	uint32_t weight;
};

/** struct sync_stats - counted since sync_new(); names say what */
struct sync_stats {
	uint64_t updates_sent;		/* messages, first time */
	uint64_t updates_repeated;
	uint64_t updates_received;
	uint64_t acks_sent;
	uint64_t acks_received;
	uint64_t acks_unasked;		/* for nothing outstanding: ignored */
	uint64_t applied;		/* entries */
	uint64_t stale;			/* entries older than what is here */
	uint64_t ahead;			/* entries of a time that is far from now */
	uint64_t ignored;		/* by the client */
	uint64_t full;
	uint64_t removed;
	uint64_t requests_sent;
	uint64_t requests_received;
	uint64_t downloads;		/* completed, to this member */
	uint64_t download_messages;
	uint64_t differences;		/* digests that differed */
	uint64_t leaves_repaired;
	uint64_t released_late;
	uint64_t tombstones;		/* present */
	uint64_t tomb_places;		/* room for the times when they go */
	uint64_t drop[SYNC_DROP_MAX];
};

struct sync;

/* NULL when out of memory. @ops and its ctx must outlive the engine. */
struct sync *sync_new(const struct sync_config *config,
		      const struct sync_ops *ops, void *ctx, msec_t now);
void sync_free(struct sync *s);
/* @type must outlive the engine. False if the number is taken. */
bool sync_register(struct sync *s, const struct sync_type *type, void *ctx);

/**
 * sync_set_role() - what the election says
 * @s: the engine
 * @now: time
 * @role: of this member
 * @active: the active router, all zero if unknown
 * @standby: the standby router, all zero if unknown
 *
 * In single mode they are who is told and asked: a new standby router requests
 * the table (STBY-65), and the active one sends it unasked if no request came in
 * two hellos (TEN-22). Who leaves both roles drops the table (STBY-86).
 */
void sync_set_role(struct sync *s, msec_t now, enum sync_role role,
		   const struct roam_addr *active,
		   const struct roam_addr *standby);
/* A member that is known by configuration; others are learned from messages. */
bool sync_add_member(struct sync *s, msec_t now, const struct roam_addr *addr);
/*
 * Asks once more for the table of others, of the @n agents @addrs only, or all of it:
 * a member that is not complete does so by itself. False: nobody to ask, or busy with it.
 */
bool sync_request(struct sync *s, msec_t now, const struct roam_addr *addrs,
		  size_t n);

/**
 * sync_update() - an entry of this host is new or changed
 * @s: the engine
 * @now: time
 * @type: table type
 * @key: key of the entry
 * @key_len: its length in bytes, at most SYNC_KEY_MAX
 * @order: higher for each version, such as the registration's identification; 0
 *	lets the engine take one that is higher than all before
 * @wanted: acknowledgements to wait for, a number or SYNC_ACKS_*
 * @token: told to released(); 0 for none
 *
 * Nothing is sent before sync_flush(). Return: false if it was not taken: no room,
 * or @order is not above the present one. Then released() is not called.
 */
bool sync_update(struct sync *s, msec_t now, uint8_t type, const uint8_t *key,
		 size_t key_len, uint64_t order, uint8_t wanted, uint64_t token);
/* The same for an entry that was deleted here on purpose; leaves a tombstone. */
bool sync_delete(struct sync *s, msec_t now, uint8_t type, const uint8_t *key,
		 size_t key_len, uint64_t order, uint8_t wanted, uint64_t token);
/* The entry ended, as it does everywhere: nobody is told. */
void sync_forget(struct sync *s, uint8_t type, const uint8_t *key,
		 size_t key_len);
/* The engine's own orders are above @order from now on, such as a wall clock's ns. */
void sync_floor(struct sync *s, uint64_t order);
/*
 * One more who waits for the change of an entry since the last sync_flush(). False
 * if there is none; then released() is not called.
 */
bool sync_await(struct sync *s, uint8_t type, const uint8_t *key,
		size_t key_len, uint8_t wanted, uint64_t token);
/* Nobody waits any more: each token is released, as if its time was up. */
void sync_release_all(struct sync *s);
/* Whether there is a live entry with that key. */
bool sync_knows(const struct sync *s, uint8_t type, const uint8_t *key,
		size_t key_len);
/* How much of the registrations others shall relay here; at first nothing (SYNC-66). */
void sync_set_weight(struct sync *s, uint32_t weight);
/* Last four bytes of the address of who made the entry, 0 if there is none. */
uint32_t sync_origin(const struct sync *s, uint8_t type, const uint8_t *key,
		     size_t key_len);
/*
 * Gives @to, a member, something that is no table: a registration to serve, or the
 * answer to one. Sent once; whoever asked asks again. False: no such member.
 */
bool sync_pass(struct sync *s, const struct roam_addr *to,
	       enum sync_message type, uint64_t id, uint8_t code,
	       const uint8_t *body, size_t len);
/* Sends what changed, as many entries as fit in each message. */
void sync_flush(struct sync *s, msec_t now);

/* A message that was authenticated; its sender is msg->sender. */
void sync_input(struct sync *s, msec_t now, const struct sync_msg *msg);
/*
 * Acknowledges what came since the last time, all of it for a member in one message.
 * Not @durable: none of it, though it is applied; others repeat it (OPEN-57).
 */
void sync_settled(struct sync *s, bool durable);
/* When sync_run() wants to be called next. */
msec_t sync_next(const struct sync *s);
void sync_run(struct sync *s, msec_t now);
/*
 * Looks whether @n entries still have the value that they had when the engine was
 * told last; one that changed behind its back changes the digest, so that others
 * see it. Return: how many differed.
 */
size_t sync_scrub(struct sync *s, size_t n);

bool sync_is_synced(const struct sync *s);
size_t sync_count(const struct sync *s);
/* Digest of all entries; equal tables have equal ones. */
uint64_t sync_digest(const struct sync *s);
const struct sync_stats *sync_stats(const struct sync *s);
/* Fills in the @i-th member; false behind the last. */
bool sync_member(const struct sync *s, size_t i, msec_t now,
		 struct sync_member *member);

#endif
