/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The correspondent of MIP-LR: finds out where a mobile host is before the
 * first packet goes to it, and believes its announcements only after the
 * register confirmed them (MLR-10, 12, 20..25; OPEN-28).
 *
 * Contract: pure state machine, as core/mobile.h.
 */
#ifndef ROAM_CORE_CORRESPONDENT_H
#define ROAM_CORE_CORRESPONDENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"
#include "core/places.h"
#include "wire/lr.h"

/** enum corr_event_type - what happened. */
enum corr_event_type {
	CORR_MAPPED,		/* @perm is at @coa (was @old_coa), by @host; @took ms */
	CORR_NULL,		/* @host says @perm is no mobile host */
	CORR_REFUSED,		/* @host refused with @status */
	CORR_NO_REGISTER,	/* no register answered about @perm, which stays at @coa */
	CORR_UNPROVED,		/* @host announced @coa for @perm; the register disagrees */
	CORR_CONFLICT,		/* @perm is not mapped to @coa: another one is there, or the
				 * kernel refused */
	CORR_UNFIT,		/* @coa cannot be a care-of address: it is @why */
};

/**
 * struct corr_event - one event
 * @type: what happened
 * @perm: permanent address it is about
 * @coa: care-of address
 * @old_coa: care-of address before, all zero for none
 * @host: register or announcing host
 * @status: enum lr_status (CORR_REFUSED)
 * @took: milliseconds from the question
 * @why: what @coa is (CORR_UNFIT), constant
 */
struct corr_event {
	enum corr_event_type type;
	struct roam_addr perm;
	struct roam_addr coa;
	struct roam_addr old_coa;
	struct roam_addr host;
	uint8_t status;
	msec_t took;
	const char *why;
};

/**
 * struct corr_ops - what the core asks of its surroundings
 * @send: send @msg to @to; may lose it
 * @set_mapping: the kernel shall map @perm to @coa for @lifetime ms; @coa all
 *	zero: null mapping; @literal: its packets carry @perm, only those to it are
 *	rewritten. LR_OK; LR_UNFIT when the kernel knows that nobody else can be
 *	there, as with an address of its own; LR_LATER when it refuses.
 * @random: 64 random bits
 * @wallclock: nanoseconds since 1970, for identifications
 * @event: see enum corr_event_type
 */
struct corr_ops {
	void (*send)(void *ctx, const struct roam_addr *to, uint16_t port,
		     const struct lr_msg *msg);
	uint8_t (*set_mapping)(void *ctx, const struct roam_addr *perm,
			       const struct roam_addr *coa, uint64_t seq,
			       msec_t lifetime, bool literal);
	uint64_t (*random)(void *ctx);
	uint64_t (*wallclock)(void *ctx);
	void (*event)(void *ctx, const struct corr_event *event);
};

/**
 * struct corr_register - one register that can be asked
 * @addr: its address
 * @port: its port, host order
 * @key_id: key shared with it
 */
struct corr_register {
	struct roam_addr addr;
	uint16_t port;
	uint32_t key_id;
};

/**
 * struct corr_key - a key shared with other hosts, and what it proves
 * @key_id: the key
 * @permanent: addresses it may announce; the key of one host shall not move
 *	another one
 */
struct corr_key {
	uint32_t key_id;
	struct roam_prefix permanent;
};

/**
 * struct corr_pair - a pair key, as the register sent it (OPEN-28)
 * @key_id: its id in messages, LR_PAIR_KEY and that of our key with the register
 * @mobile: the mobile host's key with the register
 * @nonce: of the query
 * @sealed: the key; lib/auth opens it
 */
struct corr_pair {
	uint32_t key_id;
	uint32_t mobile;
	uint64_t nonce;
	uint8_t sealed[16];
};

/**
 * enum corr_proof - what shows that the owner of a key is at a new care-of address
 * @CORR_PROOF_SOURCE: his announce came from there
 * @CORR_PROOF_REGISTER: a register says so, too, which is asked before the mapping
 *	moves: for networks that let out forged sources
 */
enum corr_proof { CORR_PROOF_SOURCE, CORR_PROOF_REGISTER };

/**
 * struct corr_config - settings
 * @registers: in order of preference (MLR-10), copied
 * @n_registers: their number
 * @permanent: prefixes that hold permanent addresses (MLR-16), copied; an
 *	announce for an address outside is refused as denied; none = all
 * @n_permanent: their number
 * @keys: keys whose announces need no question at the register, copied
 * @n_keys: their number; 0 = every announce is confirmed at the register
 * @timeout: of one query, ms (D-20: 500)
 * @tries: per register (D-20: 3)
 * @null_lifetime: of a null mapping, ms (D-19: 60000)
 * @prefer: while a register is asked that is not the preferred one, those before
 *	it are tried beside every look-up, at most this often, ms (10000)
 * @again: first repeated query when the register is behind an announce, ms (20)
 * @again_tries: how often, doubling (7)
 * @announce_rate: announces accepted per second: new ones of each key, others
 *	of each key at one source, and those without a key of each source (20)
 * @pending_max: most look-ups under way (4096)
 * @proof: what shows a new care-of address
 * @hints_max: most of those under way beside them that only hints asked for (64)
 * @hint_rate: questions per second because of hints (50)
 * @places: what can be no care-of address, not owned
 */
struct corr_config {
	const struct corr_register *registers;
	size_t n_registers;
	const struct roam_prefix *permanent;
	size_t n_permanent;
	const struct corr_key *keys;
	size_t n_keys;
	msec_t timeout;
	unsigned int tries;
	msec_t null_lifetime;
	msec_t prefer;
	msec_t again;
	unsigned int again_tries;
	unsigned int announce_rate;
	size_t pending_max;
	enum corr_proof proof;
	size_t hints_max;
	unsigned int hint_rate;
	struct places places;
};

struct corr;

struct corr *corr_new(const struct corr_config *config,
		      const struct corr_ops *ops, void *ctx);
void corr_free(struct corr *corr);

/* What the kernel held before this daemon started (OPEN-45). */
void corr_adopt(struct corr *corr, msec_t now, const struct roam_addr *perm,
		const struct roam_addr *coa, uint64_t seq, msec_t lifetime,
		bool literal);
/*
 * Somebody removed the mapping of @perm from the kernel: it is set again.
 * False if there is none to set.
 */
bool corr_restore(struct corr *corr, msec_t now, const struct roam_addr *perm);
/**
 * corr_set_registers() - other registers from now on (DNS, MLR-09)
 * @corr: the core
 * @now: the time
 * @registers: in order of preference, copied
 * @n: their number
 *
 * What is being asked is asked again. Return: false when out of memory;
 * nothing changed.
 */
bool corr_set_registers(struct corr *corr, msec_t now,
			const struct corr_register *registers, size_t n);
/*
 * The kernel holds a packet to unknown @perm: look it up (MLR-21). What is
 * known still is set again without a question (MLR-22).
 */
void corr_miss(struct corr *corr, msec_t now, const struct roam_addr *perm);
/*
 * The kernel's mapping ended; its last packet was @idle ms ago. If that is
 * short, and it was used since it was set, it is looked up again at once, so
 * that no packet waits (MLR-23).
 */
void corr_expired(struct corr *corr, msec_t now, const struct roam_addr *perm,
		  msec_t idle);

/**
 * corr_input() - an answer or an announce came
 * @corr: the core
 * @now: the time
 * @from: source address of the datagram
 * @from_port: its source port, host order; a confirm goes back there
 * @msg: decoded and, if key_id != 0, verified
 *
 * An unauthenticated announce is a hint: it starts a look-up, and only the
 * register's answer changes the mapping. One with a key of corr_config.keys is
 * proof, but only to move a mapping that is held: its sequence shuts out old
 * announces, which nothing would once it ended (OPEN-29). So is one with the pair
 * key of that address, which does not prolong the mapping: that is left to the
 * register, which is asked meanwhile. An announce counts only if it comes from
 * the care-of address that it names (SEC-01), and gets one confirm with its nonce
 * and key. One that comes from the permanent address it is about is confirmed at
 * the care-of address that is known: its sender tries whether such packets arrive
 * (OPEN-18).
 *
 * Return: LR_DROP_NONE or why it was dropped (UNASKED, KEY, LIMIT, ROLE).
 */
enum lr_drop corr_input(struct corr *corr, msec_t now,
			const struct roam_addr *from, uint16_t from_port,
			const struct lr_msg *msg);

/* The pair key of @perm that the register sent last, or NULL; until the next call. */
const struct corr_pair *corr_pair(const struct corr *corr,
				  const struct roam_addr *perm);

/**
 * corr_locate() - where messages for a host go (mobile_ops.locate)
 * @corr: the core
 * @now: the time
 * @addr: address of the host, permanent if it is a mobile host
 * @doubt: it does not answer there: ask the register again, the answer comes
 *	later (OPEN-20: both ends moved, their announces missed each other)
 *
 * Return: its care-of address if it is known to be away, else @addr.
 */
struct roam_addr corr_locate(struct corr *corr, msec_t now,
			     const struct roam_addr *addr, bool doubt);

/* Repeats and gives up what is due. Return: when to call again. */
msec_t corr_tick(struct corr *corr, msec_t now);

/**
 * struct corr_status - what can be shown of one known permanent address
 * @perm: permanent address
 * @coa: care-of address, all zero for a null mapping
 * @seq: sequence of the registration
 * @expires: when it has to be asked again
 * @literal: its packets carry its permanent address
 * @pending: a look-up is under way
 */
struct corr_status {
	struct roam_addr perm;
	struct roam_addr coa;
	uint64_t seq;
	msec_t expires;
	bool literal;
	bool pending;
};

void corr_foreach(const struct corr *corr,
		  void (*fn)(void *ctx, const struct corr_status *st),
		  void *ctx);
/* The register asked first now: index into the configured list. */
size_t corr_register_index(const struct corr *corr);
/* No register answered the last question, or each refused it. */
bool corr_is_unanswered(const struct corr *corr);

#endif
