/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mobile host of MIP-LR: keeps the registers and the correspondents told
 * where its permanent addresses are (MLR-02, 04, 08, 34..40).
 *
 * Contract: pure state machine. Everything it wants done it asks of
 * struct mobile_ops; everything it learns comes in by a call that carries the
 * time. It never reads a clock, a socket or random numbers.
 */
#ifndef ROAM_CORE_MOBILE_H
#define ROAM_CORE_MOBILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"
#include "core/registrar.h"
#include "wire/lr.h"

struct mobile_event;

/** enum peer_mode - how a correspondent takes part; values of the netlink ABI. */
enum peer_mode {
	PEER_SEEN = 0,
	PEER_ROAM = 1,
	PEER_PLAIN = 2,
	PEER_ANNOUNCED = 3,
};

/**
 * struct mobile_ops - what the core asks of its surroundings
 * @send: send @msg to @to (port as configured there); core has set type, key
 *	id, id, nonce and entries. May lose it: the core repeats.
 * @probe: the same from the permanent address @from, to see whether the network
 *	lets it through (mode probe); NULL: it is taken for refused
 * @locate: where messages to @peer go: its care-of address if it is a mobile
 *	host itself (corr_locate() knows), else @peer. @doubt: it did not answer
 *	there, the register should be asked again (OPEN-20). NULL: @peer always
 * @set_own: the kernel shall rewrite @perm <-> @coa from now on; @coa all zero:
 *	no care-of address, the mapping goes; @coa == @perm: at home, no rewriting;
 *	@literal: our packets leave with @perm, only what comes is rewritten
 * @set_peer: the kernel shall know this correspondent's mode, and that it has
 *	been told the present care-of address (releases packets). PEER_ANNOUNCED: it
 *	was sent proof, which it should have by the time a packet gets there
 * @remember: registrations last up to @lifetime ms, longer than thought before
 *	(at first: as long as wanted). A correspondent may hold the care-of address
 *	for that long after its last packet, so it must not be forgotten sooner
 *	(MLR-35, MLR-37). NULL: nobody forgets
 * @random: 64 random bits
 * @wallclock: nanoseconds since 1970, for identifications
 * @event: something worth a log line and a monitor line, see enum mobile_event
 *
 * @ctx of every call is the one given to mobile_new().
 */
struct mobile_ops {
	void (*send)(void *ctx, const struct roam_addr *to, uint16_t port,
		     const struct lr_msg *msg);
	void (*probe)(void *ctx, const struct roam_addr *from,
		      const struct roam_addr *to, uint16_t port,
		      const struct lr_msg *msg);
	struct roam_addr (*locate)(void *ctx, const struct roam_addr *peer,
				   bool doubt);
	void (*set_own)(void *ctx, const struct roam_addr *perm,
			const struct roam_addr *coa, uint64_t seq,
			bool literal);
	void (*set_peer)(void *ctx, const struct roam_addr *perm,
			 const struct roam_addr *peer, enum peer_mode mode);
	void (*remember)(void *ctx, msec_t lifetime);
	uint64_t (*random)(void *ctx);
	uint64_t (*wallclock)(void *ctx);
	void (*event)(void *ctx, const struct mobile_event *event);
};

/** enum mobile_event_type - what happened. */
enum mobile_event_type {
	MOBILE_MOVED,		/* @perm went from @old_coa to @coa */
	MOBILE_REGISTERED,	/* @host (a register) acknowledged, @took ms */
	MOBILE_REFUSED,		/* @host refused with @status */
	MOBILE_UNANSWERED,	/* @host did not answer @tries times: a register is
				 * asked on, a correspondent at the next move */
	MOBILE_PEER_CONFIRMED,	/* @host (a correspondent) confirmed, @took ms */
	MOBILE_PEER_PLAIN,	/* @host did not confirm in time */
	MOBILE_LITERAL_OK,	/* @host got a packet from @perm: literal mode */
	MOBILE_LITERAL_LOST,	/* @host got none: symmetric mode */
	MOBILE_CONTESTED,	/* @host (a register) has @coa's mapping at @other
				 * again and again, by our key: another host's */
	MOBILE_TRANSLATED,	/* @host (a register) saw @seen instead of @coa: no
				 * correspondent is told of this place */
};

/**
 * struct mobile_event - one event
 * @type: what happened
 * @perm: the permanent address it is about
 * @coa: its care-of address now
 * @old_coa: the one before (MOBILE_MOVED)
 * @host: register or correspondent
 * @seen: source that @host saw (MOBILE_REFUSED, MOBILE_TRANSLATED)
 * @other: who has our address as well (MOBILE_CONTESTED)
 * @status: enum lr_status (MOBILE_REFUSED)
 * @tries: messages sent so far
 * @took: milliseconds since the first of them
 */
struct mobile_event {
	enum mobile_event_type type;
	struct roam_addr perm;
	struct roam_addr coa;
	struct roam_addr old_coa;
	struct roam_addr host;
	struct roam_addr seen;
	struct roam_addr other;
	uint8_t status;
	unsigned int tries;
	msec_t took;
};

/**
 * struct mobile_key - a key shared with correspondents: their proof (OPEN-28)
 * @key_id: the key
 * @peers: addresses of the correspondents
 */
struct mobile_key {
	uint32_t key_id;
	struct roam_prefix peers;
};

/** enum mobile_mode - what our packets carry as source on the wire (OPEN-18). */
enum mobile_mode {
	MOBILE_SYMMETRIC,	/* the care-of address */
	MOBILE_LITERAL,		/* the permanent address, as MIP-LR was first described */
	MOBILE_PROBE,		/* the permanent one wherever the network lets it pass */
};

/**
 * struct mobile_config - settings
 * @registers: all registers (MLR-08), not owned, copied by mobile_new()
 * @n_registers: their number
 * @permanent: own permanent addresses, copied
 * @n_permanent: their number
 * @keys: keys shared with correspondents, copied; the first that fits is used.
 *	An announce with one is proof, and its confirm must have the same
 * @n_keys: their number
 * @mode: source of our packets on the wire
 * @lifetime: wanted lifetime, seconds
 * @port: port of correspondents
 * @retry: first repetition of an update, ms (500), doubling to @retry_max (8000)
 * @retry_max: longest interval between repetitions, ms
 * @announce_retry: first repetition of an announce, ms (100), doubling
 * @announce_lead: packets follow an announce with proof after this, ms (5): what
 *	the correspondent may need to carry it out. One that comes too early is
 *	lost, no more
 * @announce_time: after this the unanswered peer of a first contact is plain, ms (300)
 * @move_time: how long a known peer is announced to after a move, ms (30000)
 * @peers_max: most correspondents kept; the one idle longest gives way
 */
struct mobile_config {
	const struct registrar_server *registers;
	size_t n_registers;
	const struct roam_addr *permanent;
	size_t n_permanent;
	const struct mobile_key *keys;
	size_t n_keys;
	enum mobile_mode mode;
	uint32_t lifetime;
	uint16_t port;
	msec_t retry;
	msec_t retry_max;
	msec_t announce_retry;
	msec_t announce_lead;
	msec_t announce_time;
	msec_t move_time;
	size_t peers_max;
};

struct mobile;

struct mobile *mobile_new(const struct mobile_config *config,
			  const struct mobile_ops *ops, void *ctx);
void mobile_free(struct mobile *mobile);

/*
 * What the kernel held before this daemon started (OPEN-45): nothing is sent
 * and no operation is called for it.
 */
void mobile_adopt_own(struct mobile *mobile, const struct roam_addr *perm,
		      const struct roam_addr *coa, uint64_t seq,
		      bool literal);
void mobile_adopt_peer(struct mobile *mobile, const struct roam_addr *perm,
		       const struct roam_addr *peer, enum peer_mode mode);

/**
 * mobile_set_registers() - other registers from now on (DNS, MLR-09)
 * @mobile: the core
 * @now: the time
 * @registers: all of them, copied; those that were there keep their state
 * @n: their number
 *
 * New ones are told at once. Return: false when out of memory; nothing changed.
 */
bool mobile_set_registers(struct mobile *mobile, msec_t now,
			  const struct registrar_server *registers, size_t n);

/**
 * mobile_set_coa() - where this host is
 * @mobile: the core
 * @now: the time
 * @place: care-of address of the permanent addresses of each family, all zero
 *	for none (between networks)
 *
 * The same address again changes nothing and sends nothing (MLR-40), except
 * for the first call after mobile_adopt_own(), which registers anew. Another
 * one: set_own first, then update to every register and announce to every
 * peer, all in parallel, with a sequence higher than any before.
 */
void mobile_set_coa(struct mobile *mobile, msec_t now,
		    const struct roam_place *place);

/*
 * Somebody removed the mapping of @perm from the kernel: it is set again.
 * False if there is none to set.
 */
bool mobile_restore(struct mobile *mobile, const struct roam_addr *perm);

/*
 * The kernel holds a packet from @perm to @peer: first contact, or one that has
 * not confirmed the present care-of address yet.
 */
void mobile_miss(struct mobile *mobile, msec_t now,
		 const struct roam_addr *perm, const struct roam_addr *peer);
/* The kernel saw TCP between @perm and a new @peer (MLR-35): announce to it. */
void mobile_seen(struct mobile *mobile, msec_t now,
		 const struct roam_addr *perm, const struct roam_addr *peer);
/* The kernel forgot this correspondent (idle). */
void mobile_forget(struct mobile *mobile, const struct roam_addr *perm,
		   const struct roam_addr *peer);
/* The peer's host answered that nobody listens on the port: plain at once. */
void mobile_unreachable(struct mobile *mobile, msec_t now,
			const struct roam_addr *peer);

/**
 * mobile_input() - an acknowledgement, challenge or confirm came
 * @from: source address of the datagram
 * @msg: decoded and, if key_id != 0, verified
 *
 * Return: LR_DROP_NONE, LR_DROP_UNASKED when nothing outstanding matches,
 * LR_DROP_KEY when an acknowledgement or challenge is not authenticated by the register's
 * key, LR_DROP_ROLE for a type that is for no mobile host.
 */
enum lr_drop mobile_input(struct mobile *mobile, msec_t now,
			  const struct roam_addr *from,
			  const struct lr_msg *msg);

/* Repeats and renews what is due. Return: when to call again. */
msec_t mobile_tick(struct mobile *mobile, msec_t now);
/*
 * Lifetime 0 to every register and every correspondent that takes part, once,
 * without waiting for answers. The kernel is not told; the care-of address
 * counts as none until mobile_set_coa().
 */
void mobile_deregister(struct mobile *mobile, msec_t now);

/**
 * struct mobile_status - what can be shown of one (permanent, register) pair
 * @perm: own permanent address
 * @coa: its care-of address now, all zero for none
 * @seq: its sequence
 * @reg: the register
 * @literal: packets leave with the permanent address
 * @registered: the register acknowledged the present care-of address
 * @expires: when the registration ends there
 * @tries: unanswered messages so far
 * @last_status: last status the register sent
 * @seen: source that the register saw last, all zero: it did not answer
 * @translated: that is because of a translator, so this host takes part nowhere
 * @other: where another host with our key and address is, all zero: there is none
 */
struct mobile_status {
	struct roam_addr perm;
	struct roam_addr coa;
	uint64_t seq;
	struct roam_addr reg;
	bool literal;
	bool registered;
	msec_t expires;
	unsigned int tries;
	uint8_t last_status;
	struct roam_addr seen;
	bool translated;
	struct roam_addr other;
};

void mobile_foreach(const struct mobile *mobile,
		    void (*fn)(void *ctx, const struct mobile_status *st),
		    void *ctx);

/** enum mobile_proof - what makes a correspondent believe the next move. */
enum mobile_proof {
	PROOF_REGISTER,		/* the word of its register, which it has to ask */
	PROOF_PEER,		/* a key of mobile_config.keys */
	PROOF_PAIR,		/* the pair key of the register */
};

/**
 * struct mobile_peer_status - what can be shown of one correspondent
 * @perm: own permanent address
 * @peer: the correspondent
 * @mode: how it takes part
 * @proof: what will make it believe the next move
 * @current: it confirmed the present care-of address
 * @expires: when it forgets that, unless it is renewed; MSEC_NEVER: not known
 * @took: milliseconds its last confirm took, -1 if none
 */
struct mobile_peer_status {
	struct roam_addr perm;
	struct roam_addr peer;
	enum peer_mode mode;
	enum mobile_proof proof;
	bool current;
	msec_t expires;
	msec_t took;
};

void mobile_foreach_peer(const struct mobile *mobile,
			 void (*fn)(void *ctx,
				    const struct mobile_peer_status *st),
			 void *ctx);

#endif
