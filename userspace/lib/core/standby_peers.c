// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/standby_peers.h"

#define PROBE_EVERY 20		/* ms */
#define PROOF_WITHIN 1000	/* ms */
#define FORGET 3600000		/* ms of silence after which a place is free */

/* A place without a proof is kept for as long as one may be on its way. */
static bool is_free(const struct standby_peer *peer, msec_t now)
{
	if (roam_addr_is_none(&peer->addr))
		return true;
	if (peer->proved)
		return now - peer->heard >= FORGET;
	return now - max_time(peer->heard, peer->asked) > PROOF_WITHIN;
}

static struct standby_peer *find(struct standby_peers *peers,
				 const struct hsrp_msg *msg)
{
	for (size_t i = 0; i < STANDBY_PEERS; i++)
		if (peers->items[i].key_id == msg->key_id &&
		    roam_addr_eq(&peers->items[i].addr, &msg->sender))
			return &peers->items[i];
	return NULL;
}

static struct standby_peer *add(struct standby_peers *peers,
				const struct hsrp_msg *msg, msec_t now)
{
	struct standby_peer *place = NULL;
	unsigned int n = 0;

	for (size_t i = 0; i < STANDBY_PEERS; i++) {
		struct standby_peer *peer = &peers->items[i];

		if (is_free(peer, now))
			place = place ? place : peer;
		else if (peer->key_id == msg->key_id)
			n++;
	}
	if (!place || n >= STANDBY_PEERS_OF_KEY)
		return NULL;
	*place = (struct standby_peer){
		.addr = msg->sender, .key_id = msg->key_id, .heard = now,
		.probed = now - PROBE_EVERY,
	};
	return place;
}

/* The nonce of a probe for it, 0 where one left a moment ago. */
static uint64_t probe(struct standby_peer *peer, msec_t now, uint64_t random)
{
	if (now - peer->probed < PROBE_EVERY)
		return 0;
	/* The same one as long as its proof may be on its way. */
	if (!peer->nonce || now - peer->asked > PROOF_WITHIN) {
		peer->nonce = random;
		peer->asked = now;
	}
	peer->probed = now;
	return peer->nonce;
}

enum hsrp_drop standby_peers_judge(struct standby_peers *peers,
				   const struct hsrp_msg *msg, msec_t now,
				   uint64_t random, uint64_t *nonce)
{
	struct standby_peer *peer = find(peers, msg);

	*nonce = 0;
	if (!peer)
		peer = add(peers, msg, now);
	if (!peer)
		return HSRP_DROP_LIMIT;
	if (msg->op == HSRP_PROOF) {
		if (!peer->nonce || msg->nonce != peer->nonce ||
		    now - peer->asked > PROOF_WITHIN ||
		    (peer->proved && msg->counter <= peer->counter))
			return HSRP_DROP_REPLAY;
		peer->nonce = 0;
		peer->proved = true;
		peer->counter = msg->counter;
		peer->heard = now;
		return HSRP_DROP_NONE;
	}
	if (!peer->proved) {
		*nonce = probe(peer, now, random);
		/*
		 * Whoever probes hears us and says nothing else, maybe: it is
		 * probed now, so that its first Coup will count.
		 */
		return msg->op == HSRP_PROBE ? HSRP_DROP_NONE :
					       HSRP_DROP_UNPROVED;
	}
	if (msg->counter <= peer->counter)
		return HSRP_DROP_REPLAY;
	peer->counter = msg->counter;
	peer->heard = now;
	return HSRP_DROP_NONE;
}
