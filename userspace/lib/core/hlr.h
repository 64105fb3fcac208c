/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The location register: permanent address -> care-of address, by sequence.
 *
 * Contract: pure state machine, no I/O, no clock. hlr_input() answers one
 * authenticated request. What it changed is appended to a struct hlr_changes;
 * the caller must make these changes durable before it sends the reply, or
 * take them back with hlr_undo() and send hlr_refuse() instead. So nothing
 * acknowledged is ever lost. A repeated update is answered
 * without a change: if what it repeats is not durable yet, its reply has to
 * wait as well, so send no reply of a batch before the batch is committed.
 */
#ifndef ROAM_CORE_HLR_H
#define ROAM_CORE_HLR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/table.h"
#include "base/time.h"
#include "core/places.h"
#include "wire/lr.h"

/**
 * struct hlr_mapping - what the register holds for one permanent address
 * @perm: permanent address, the key
 * @coa: care-of address; all zero = tombstone of a removed mapping
 * @seq: sequence of the newest accepted update
 * @expires: when the mapping (or tombstone) goes
 * @key_id: key that registered it
 * @flags: LR_FLAG_*
 * @contested: its host spoke from another place with an older number since @coa
 *	was accepted: two hosts with one key may be there; not stored
 * @contests: times that such a place got the mapping; not stored
 */
struct hlr_mapping {
	struct roam_addr perm;
	struct roam_addr coa;
	uint64_t seq;
	msec_t expires;
	uint32_t key_id;
	uint8_t flags;
	bool contested;
	uint8_t contests;
};

/* One host that forgot everything contests itself once: two hosts do it again and again. */
#define HLR_CONTESTS_CLONE 2

/**
 * struct hlr_rights - what one key may do; the caller looks it up
 * @key_id: the key
 * @keys: all keys of the same host, @key_id among them, not owned: what one of
 *	them registered another may refresh, so that keys can be changed without
 *	an outage (OPEN-27). NULL: @key_id alone
 * @n_keys: their number
 * @may_query: queries are answered
 * @permanent: prefixes of permanent addresses it may update, not owned
 * @n_permanent: their number
 * @visible: prefixes of permanent addresses it may ask for (OPEN-33), not
 *	owned; none means every address
 * @n_visible: their number
 * @care_of: prefixes of care-of addresses it may have, not owned; none means
 *	every address
 * @n_care_of: their number
 */
struct hlr_rights {
	uint32_t key_id;
	const uint32_t *keys;
	size_t n_keys;
	bool may_query;
	const struct roam_prefix *permanent;
	size_t n_permanent;
	const struct roam_prefix *visible;
	size_t n_visible;
	const struct roam_prefix *care_of;
	size_t n_care_of;
};

/**
 * struct hlr_change - one change, enough to store it or to take it back
 * @kind: what changed
 * @existed: for HLR_CHANGE_MAPPING: @before holds an entry
 * @displaced: for HLR_CHANGE_MAPPING: another host has shown that it is at this
 *	care-of address now, so that the mapping ended
 * @before: mapping before
 * @after: mapping now
 * @key_id: for HLR_CHANGE_KEY: the key
 * @id_before: last accepted identification before (0 = none)
 * @id_after: last accepted identification now
 */
struct hlr_change {
	enum { HLR_CHANGE_MAPPING, HLR_CHANGE_KEY } kind;
	bool existed;
	bool displaced;
	struct hlr_mapping before;
	struct hlr_mapping after;
	uint32_t key_id;
	uint64_t id_before;
	uint64_t id_after;
};

/**
 * struct hlr_changes - growing list of changes, in order
 * @items: the changes, owned
 * @n: how many
 * @room: how many fit before it grows
 */
struct hlr_changes {
	struct hlr_change *items;
	size_t n;
	size_t room;
};

void hlr_changes_reset(struct hlr_changes *changes);
void hlr_changes_free(struct hlr_changes *changes);

/**
 * struct hlr_config - limits of a register
 * @lifetime_max: longest lifetime granted, seconds (D-18: 300)
 * @tombstone: how long a removed mapping's sequence is kept, seconds (300)
 * @mappings_max: most mappings, tombstones included
 * @window: seconds that the identification of a query, and the first one of a
 *	key without history, may differ from our clock (SEC-07, SEC-08); 0: any
 * @cookies: the source of an update shows nothing, a cookie does
 * @trust: prefixes of care-of addresses that need not be shown, not owned
 * @n_trust: their number
 * @places: what can be no care-of address
 */
struct hlr_config {
	uint32_t lifetime_max;
	uint32_t tombstone;
	size_t mappings_max;
	uint32_t window;
	bool cookies;
	const struct roam_prefix *trust;
	size_t n_trust;
	struct places places;
};

/**
 * struct hlr_request - an authenticated request, and what is known of it beside
 * @now: the time
 * @wall: nanoseconds since 1970
 * @source: address that it came from
 * @local: our address that it came to
 * @rights: what its sender's key may do
 * @msg: a query or an update
 * @shows: whether the cookie in @msg shows that the sender receives at @coa;
 *	NULL: no cookie does
 * @ctx: for @shows
 */
struct hlr_request {
	msec_t now;
	uint64_t wall;
	struct roam_addr source;
	struct roam_addr local;
	const struct hlr_rights *rights;
	const struct lr_msg *msg;
	bool (*shows)(void *ctx, const struct roam_addr *coa);
	void *ctx;
};

#define HLR_NO_CHALLENGE LR_MAX_ENTRIES

struct hlr;

struct hlr *hlr_new(const struct hlr_config *config);
void hlr_free(struct hlr *hlr);
/* New limits after a reload; what is stored stays. */
void hlr_configure(struct hlr *hlr, const struct hlr_config *config);

/*
 * Makes room for @n mappings that are about to be restored. What has no room, or more
 * than may be, is restored all the same.
 */
void hlr_reserve(struct hlr *hlr, size_t n);
/*
 * A mapping with these addresses is restored soon: what that will read of memory is
 * fetched. Called twice for each of many, with @first for all of them before.
 */
void hlr_expect(const struct hlr *hlr, const struct roam_addr *perm,
		const struct roam_addr *coa, bool first);
/*
 * Puts back what the store holds, newest first: what is known already stays.
 * What has ended comes back too, so that nothing older takes its place; it is
 * expired when all is loaded. False when out of memory.
 */
bool hlr_restore_mapping(struct hlr *hlr, const struct hlr_mapping *mapping);
bool hlr_restore_key(struct hlr *hlr, uint32_t key_id, uint64_t last_id);
/*
 * While the store is being loaded, what is not known yet is answered "later":
 * neither "none" nor an order of updates can be told before.
 */
void hlr_set_loading(struct hlr *hlr, bool loading);
/*
 * A register that began empty beside others does not know before @until what
 * they know (OPEN-38): a query for an unknown address is answered "later", and
 * the correspondent asks another one. By @until every living mapping has been
 * refreshed here.
 */
void hlr_set_young(struct hlr *hlr, msec_t until);

/**
 * hlr_is_news() - whether only the owner of the key can have sent a request now
 * @hlr: the register; notes the identification of a query
 * @req: the request
 *
 * Whoever recorded a message can send it again: a request that is no newer than
 * all before may be such a copy, and is not charged to the key (SEC-03). Keys whose
 * ids hash alike share what is noted of queries, and then those of the one whose
 * clock is behind are no news.
 */
bool hlr_is_news(struct hlr *hlr, const struct hlr_request *req);

/**
 * hlr_input() - carry out one authenticated request
 * @hlr: the register
 * @req: the request
 * @reply: the reply to send once the changes are durable: an entry for each of
 *	the request. Key entries are without the sealed key, which is the caller's
 * @changes: what must be durable first; appended to
 * @challenge: becomes the number of the entry whose care-of address is to be
 *	sent a challenge, or HLR_NO_CHALLENGE
 *
 * Return: LR_DROP_NONE, or LR_DROP_ROLE for a type a register does not serve
 * (then @reply is undefined and nothing changed).
 */
enum lr_drop hlr_input(struct hlr *hlr, const struct hlr_request *req,
		       struct lr_msg *reply, struct hlr_changes *changes,
		       unsigned int *challenge);
/* Takes back changes, last first; the list is empty afterwards. */
void hlr_undo(struct hlr *hlr, struct hlr_changes *changes);
/* Turns the reply to an update into "later": nothing was stored. */
void hlr_refuse(struct lr_msg *reply);

/**
 * hlr_expire() - remove what has ended by @now
 * @hlr: the register
 * @now: the time
 * @gone: called for each mapping that goes (for the store and the log)
 * @ctx: handed to @gone
 *
 * Bounded work: when more has ended, the time returned is not after @now.
 *
 * Return: when to call again, MSEC_NEVER if nothing is stored.
 */
msec_t hlr_expire(struct hlr *hlr, msec_t now,
		  void (*gone)(void *ctx, const struct hlr_mapping *m),
		  void *ctx);

/* The mapping of an address, tombstones excluded, or NULL; valid until the next call. */
const struct hlr_mapping *hlr_find(const struct hlr *hlr, msec_t now,
				   const struct roam_addr *perm);
size_t hlr_count(const struct hlr *hlr);
/* Keys whose last identification is remembered. */
size_t hlr_count_keys(const struct hlr *hlr);

/**
 * struct hlr_cursor - position of a walk over all that is stored; starts zeroed
 * @at: in the table at hand
 * @keys: mappings are done, keys follow
 * @end: all was visited
 */
struct hlr_cursor {
	struct table_iter at;
	bool keys;
	bool end;
};

/**
 * hlr_walk() - visit a part of all that is stored
 * @hlr: the register; it may change between calls
 * @cursor: where to go on
 * @n: stop soon after that many
 * @fn: called for each as if it had just changed, tombstones included
 * @ctx: handed to @fn
 *
 * What is there from the first call to the last is visited at least once.
 */
void hlr_walk(const struct hlr *hlr, struct hlr_cursor *cursor, size_t n,
	      void (*fn)(void *ctx, const struct hlr_change *c), void *ctx);
/* Calls @fn for every live mapping, in no order. @fn must not change the register. */
void hlr_foreach(const struct hlr *hlr, msec_t now,
		 void (*fn)(void *ctx, const struct hlr_mapping *m), void *ctx);

#endif
