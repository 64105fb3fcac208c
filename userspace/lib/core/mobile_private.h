/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of core/mobile.h:
 *
 *   mobile.c        the permanent addresses, and where they are
 *   mobile_peers.c  the correspondents that are told
 *   mobile_probe.c  mode "probe"
 *   registrar.c     the registers that are told
 */
#ifndef ROAM_CORE_MOBILE_PRIVATE_H
#define ROAM_CORE_MOBILE_PRIVATE_H

#include "base/deadline.h"
#include "base/table.h"
#include "core/mobile.h"
#include "core/registrar.h"

/**
 * struct probe - whether packets from a permanent address get through from here
 * @nonce: of the copies under way
 * @to: correspondent that is asked
 * @due: next copy, or the end of patience; MSEC_NEVER: none is under way
 * @tries: copies sent
 * @done: the answer for this place is known
 */
struct probe {
	uint64_t nonce;
	struct roam_addr to;
	msec_t due;
	unsigned int tries;
	bool done;
};

/**
 * struct own - one permanent address
 * @perm: the address
 * @coa: where it is, all zero for nowhere
 * @literal: its packets leave with @perm
 * @probe: how mode "probe" finds that out
 * @place: counts its care-of addresses, from 1
 * @seq: sequence of that registration
 * @settled: false after adoption, until mobile_set_coa() spoke for the first
 *	time: the kernel's state is known then, that of the registers is not
 * @moved: the peers have to hear of it still
 * @translated: one of the registers sees another address of this family than @coa,
 *	which is changed on the way: no correspondent is told of @coa (OPEN-65)
 * @contests: times that a register had us where we are not
 * @contested: when it last had
 * @other: where that was, once it happened again
 */
struct own {
	struct roam_addr perm;
	struct roam_addr coa;
	bool literal;
	struct probe probe;
	unsigned int place;
	uint64_t seq;
	bool settled;
	bool moved;
	bool translated;
	unsigned int contests;
	msec_t contested;
	struct roam_addr other;
};

/**
 * struct peer_key - what names a correspondent
 * @perm: own permanent address
 * @addr: the correspondent
 */
struct peer_key {
	struct roam_addr perm;
	struct roam_addr addr;
};

/**
 * struct peer - one correspondent of one permanent address
 * @node: in mobile.peers, by @key
 * @by_nonce: in mobile.nonces, by @nonce, while @indexed
 * @next_act: in mobile.acts: next announce or end of patience
 * @newer: towards the most recently used one
 * @older: towards the one idle longest
 * @key: its name
 * @own: the permanent address
 * @key_id: of the key shared with it, a pair key among them, 0 for none
 * @pair: our key with the register that a pair key is made from
 * @mode: as the kernel knows it
 * @held: the kernel holds a packet for the answer
 * @announcing: an announce is outstanding, or @held waits for a care-of address
 * @current: it confirmed the present care-of address
 * @place: own.place that it confirmed last, whatever the sequence then; 0 for none
 * @indexed: @nonce can be found
 * @nonce: of the outstanding announce, the same in all copies
 * @sent_to: where the last copy went; its confirm comes from there
 * @since: when the first copy left
 * @again: when the next one leaves, MSEC_NEVER without a care-of address
 * @follow: when packets may follow the last one, MSEC_NEVER: not before the confirm
 * @give_up: end of patience
 * @renew: when it hears again that we are where we are, MSEC_NEVER: no need to
 * @ends: when it forgets us unless it does, MSEC_NEVER: it knows nothing
 * @interval: to the next copy
 * @tries: copies sent
 * @took: see struct mobile_peer_status
 */
struct peer {
	struct table_node node;
	struct table_node by_nonce;
	struct deadline next_act;
	struct peer *newer;
	struct peer *older;
	struct peer_key key;
	struct own *own;
	uint32_t key_id;
	uint32_t pair;
	enum peer_mode mode;
	bool held;
	bool announcing;
	bool current;
	unsigned int place;
	bool indexed;
	uint64_t nonce;
	struct roam_addr sent_to;
	msec_t since;
	msec_t again;
	msec_t follow;
	msec_t give_up;
	msec_t renew;
	msec_t ends;
	msec_t interval;
	unsigned int tries;
	msec_t took;
};

/**
 * struct mobile - the core
 * @config: settings; its lists are @registrar, @owns and @keys instead
 * @lifetime: ms, the longest that was wanted or granted
 * @ops: the surroundings
 * @ctx: for @ops
 * @owns: permanent addresses; the registrar knows them by their number
 * @n_owns: their number
 * @keys: keys shared with correspondents
 * @registrar: the registers
 * @seen: source that each register saw last of each address, see seen_of()
 * @n_seen: number of registers that @seen has room for
 * @peers: struct peer by key
 * @nonces: those that announce, by nonce
 * @acts: when which peer needs something
 * @newest: most recently used peer
 * @oldest: the peer idle longest
 */
struct mobile {
	struct mobile_config config;
	msec_t lifetime;
	struct mobile_ops ops;
	void *ctx;
	struct own *owns;
	size_t n_owns;
	struct mobile_key *keys;
	struct registrar *registrar;
	struct roam_addr *seen;
	size_t n_seen;
	struct table peers;
	struct table nonces;
	struct deadlines acts;
	struct peer *newest;
	struct peer *oldest;
};

static inline bool own_is_away(const struct own *own)
{
	return !roam_addr_is_none(&own->coa);
}

/* OPEN-22 */
static inline bool own_is_home(const struct own *own)
{
	return roam_addr_eq(&own->perm, &own->coa);
}

/* mobile.c */
struct own *mobile_own_find(const struct mobile *mobile,
			    const struct roam_addr *perm);
void mobile_tell(struct mobile *mobile, const struct own *own,
		 struct mobile_event event);
uint64_t mobile_next_seq(struct mobile *mobile, uint64_t last);
void mobile_fill_entry(const struct mobile *mobile, const struct own *own,
		       struct lr_entry *entry);
/* Another place, or the same with a sequence that everybody believes. */
void mobile_own_changed(struct mobile *mobile, struct own *own, msec_t now,
			uint64_t seq);

/* mobile_peers.c */
void mobile_peers_init(struct mobile *mobile);
void mobile_peers_free(struct mobile *mobile);
struct peer *mobile_peer_find(const struct mobile *mobile,
			      const struct roam_addr *perm,
			      const struct roam_addr *addr);
struct lr_msg mobile_announcement(struct mobile *mobile,
				  const struct peer *peer);
bool mobile_peer_take_key(struct peer *peer, const struct lr_msg *msg);
/* All that is to be announced because of own.moved. */
void mobile_peers_move(struct mobile *mobile, msec_t now);
/* Nobody wrote down until when the correspondents of @own know. */
void mobile_peers_doubt(struct mobile *mobile, const struct own *own,
			msec_t now);
void mobile_peers_leave(struct mobile *mobile);
/* Nobody is told of this place of @own; packets that wait go as they are. */
void mobile_peers_translated(struct mobile *mobile, const struct own *own,
			     msec_t now);
msec_t mobile_peers_tick(struct mobile *mobile, msec_t now);
enum lr_drop mobile_confirm_input(struct mobile *mobile, msec_t now,
				  const struct roam_addr *from,
				  const struct lr_msg *msg);

/* mobile_probe.c */
void mobile_probe_start(struct mobile *mobile, const struct peer *peer,
			msec_t now);
msec_t mobile_probes_tick(struct mobile *mobile, msec_t now);
/* A confirm that no announce asked for: it may be that of a probe. */
enum lr_drop mobile_probe_confirmed(struct mobile *mobile, msec_t now,
				    const struct roam_addr *from,
				    const struct lr_msg *msg);

#endif
