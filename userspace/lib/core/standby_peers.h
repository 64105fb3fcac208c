/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whose messages on a link are new ones: a counter for each sender and key, and a probe
 * before the first is believed. A recorded message moves nothing (OPEN-29).
 *
 * Who holds a key may send from any address, so that each key has its own part of the
 * places, and a place whose owner proves nothing is free again after a moment.
 */
#ifndef ROAM_CORE_STANDBY_PEERS_H
#define ROAM_CORE_STANDBY_PEERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"
#include "wire/hsrp.h"

#define STANDBY_PEERS 64	/* senders on a link */
#define STANDBY_PEERS_OF_KEY 16	/* of them with one key */

/**
 * struct standby_peer - one sender on a link
 * @addr: who; all zero for a free place
 * @key_id: whose counter it is
 * @counter: last one accepted
 * @proved: false until its first message was shown to be a new one
 * @nonce: of the probe that is out, 0 for none
 * @asked: when that nonce was made
 * @probed: when the probe left last
 * @heard: last accepted message
 */
struct standby_peer {
	struct roam_addr addr;
	uint32_t key_id;
	uint64_t counter;
	bool proved;
	uint64_t nonce;
	msec_t asked;
	msec_t probed;
	msec_t heard;
};

/** struct standby_peers - all of a link; begins as zeros */
struct standby_peers {
	struct standby_peer items[STANDBY_PEERS];
};

/**
 * standby_peers_judge() - is this message of our form a new one?
 * @peers: of the link that it came by
 * @msg: the message, verified
 * @now: time
 * @random: not 0; a nonce is made of it
 * @nonce: set to the nonce of a probe to be sent, else 0
 *
 * Return: HSRP_DROP_NONE or the reason to drop it.
 */
enum hsrp_drop standby_peers_judge(struct standby_peers *peers,
				   const struct hsrp_msg *msg, msec_t now,
				   uint64_t random, uint64_t *nonce);

#endif
