// SPDX-License-Identifier: GPL-2.0-or-later
/* The correspondents of the mobile host: who is told, believed and waited for. */
#include <stdlib.h>

#include "core/mobile_private.h"

#define DOUBT_TRIES 2		/* unanswered announces until the place of a peer is doubted */
#define MOVE_RETRY_MAX 1000	/* ms between announces to one peer */
#define FOLLOW_TRIES 3		/* announces that packets follow; who needs more waits for the confirm */
#define RENEW_MIN 1000		/* ms between two renewals with one peer */

static struct peer *peer_of(struct table_node *node)
{
	return node ? container_of(node, struct peer, node) : NULL;
}

struct peer *mobile_peer_find(const struct mobile *mobile,
			      const struct roam_addr *perm,
			      const struct roam_addr *addr)
{
	struct peer_key key = { .perm = *perm, .addr = *addr };

	return peer_of(table_find(&mobile->peers, &key));
}

static void peer_unindex(struct mobile *mobile, struct peer *peer)
{
	if (peer->indexed)
		table_remove(&mobile->nonces, &peer->by_nonce);
	peer->indexed = false;
}

/*
 * Without memory the confirm of this peer is not found, and the announce ends
 * as unanswered.
 */
static void peer_index(struct mobile *mobile, struct peer *peer)
{
	do {
		peer->nonce = mobile->ops.random(mobile->ctx);
	} while (table_find(&mobile->nonces, &peer->nonce));
	peer->indexed = table_insert(&mobile->nonces, &peer->by_nonce);
}

static void peer_unlink(struct mobile *mobile, struct peer *peer)
{
	if (peer->newer)
		peer->newer->older = peer->older;
	else
		mobile->newest = peer->older;
	if (peer->older)
		peer->older->newer = peer->newer;
	else
		mobile->oldest = peer->newer;
}

static void peer_link(struct mobile *mobile, struct peer *peer)
{
	peer->newer = NULL;
	peer->older = mobile->newest;
	if (peer->older)
		peer->older->newer = peer;
	else
		mobile->oldest = peer;
	mobile->newest = peer;
}

static void peer_free(struct mobile *mobile, struct peer *peer)
{
	deadline_clear(&mobile->acts, &peer->next_act);
	peer_unindex(mobile, peer);
	table_remove(&mobile->peers, &peer->node);
	peer_unlink(mobile, peer);
	free(peer);
}

static uint32_t key_for(const struct mobile *mobile,
			const struct roam_addr *addr)
{
	size_t i;

	for (i = 0; i < mobile->config.n_keys; i++)
		if (roam_prefix_contains(&mobile->keys[i].peers, addr))
			return mobile->keys[i].key_id;
	return 0;
}

/* As far as we know, the peer does not know where we are. */
static void peer_unlearn(struct peer *peer)
{
	peer->current = false;
	peer->renew = MSEC_NEVER;
	peer->ends = MSEC_NEVER;
}

/*
 * Packets follow the announce most of a round trip earlier than the confirm
 * would let them. If the correspondent was not told after all, the kernel keeps
 * its resets from ending connections, and lets nothing more pass until the
 * confirm comes.
 */
static void peer_follow(struct mobile *mobile, struct peer *peer)
{
	peer->follow = MSEC_NEVER;
	peer->mode = PEER_ANNOUNCED;
	mobile->ops.set_peer(mobile->ctx, &peer->key.perm, &peer->key.addr,
			     PEER_ANNOUNCED);
}

/*
 * The peer may have forgotten us: as after a move that it has not heard of yet,
 * it may refuse what it gets now.
 */
static void peer_forgets(struct mobile *mobile, struct peer *peer)
{
	peer_unlearn(peer);
	peer_follow(mobile, peer);
}

/*
 * Beyond the limit the peer that was idle longest gives way (OPEN-32). Nobody
 * renews what it knows from then on.
 */
static void peer_evict(struct mobile *mobile)
{
	if (mobile->oldest->current)
		peer_forgets(mobile, mobile->oldest);
	peer_free(mobile, mobile->oldest);
}

static struct peer *peer_new(struct mobile *mobile, struct own *own,
			     const struct roam_addr *addr)
{
	struct peer *peer;

	if (mobile->peers.count && mobile->peers.count >= mobile->config.peers_max)
		peer_evict(mobile);
	if (!deadlines_reserve(&mobile->acts, mobile->peers.count + 1))
		return NULL;
	peer = calloc(1, sizeof(*peer));
	if (!peer)
		return NULL;
	peer->key = (struct peer_key){ .perm = own->perm, .addr = *addr };
	peer->own = own;
	peer->key_id = key_for(mobile, addr);
	peer->mode = PEER_SEEN;
	peer->renew = MSEC_NEVER;
	peer->ends = MSEC_NEVER;
	peer->took = -1;
	if (!table_insert(&mobile->peers, &peer->node)) {
		free(peer);
		return NULL;
	}
	peer_link(mobile, peer);
	return peer;
}

/* The peer of @perm at @addr, made the most recently used one, or NULL. */
static struct peer *peer_use(struct mobile *mobile,
			     const struct roam_addr *perm,
			     const struct roam_addr *addr)
{
	struct peer *peer = mobile_peer_find(mobile, perm, addr);
	struct own *own;

	if (peer) {
		peer_unlink(mobile, peer);
		peer_link(mobile, peer);
		return peer;
	}
	own = mobile_own_find(mobile, perm);
	return own && roam_addr_is_usable(addr) ? peer_new(mobile, own, addr) :
						  NULL;
}

static void peer_schedule(struct mobile *mobile, struct peer *peer)
{
	msec_t when = peer->ends;

	if (peer->announcing) {
		when = min_time(when, min_time(peer->again, peer->give_up));
		when = min_time(when, peer->follow);
	} else {
		when = min_time(when, peer->renew);
	}
	deadline_set(&mobile->acts, &peer->next_act, when);
}

/*
 * Without a key (id 0) an announce is a hint, which the correspondent believes
 * when its register confirms it. With a key that both share it is proof
 * (OPEN-28).
 */
struct lr_msg mobile_announcement(struct mobile *mobile,
				  const struct peer *peer)
{
	struct lr_msg msg = {
		.type = LR_ANNOUNCE,
		.count = 1,
		.key_id = peer->key_id,
		.id = mobile->ops.wallclock(mobile->ctx),
		.nonce = peer->nonce,
		.pair = peer->pair,
	};

	mobile_fill_entry(mobile, peer->own, &msg.entries[0]);
	return msg;
}

static enum mobile_proof proof_of(const struct peer *peer)
{
	if (!peer->key_id)
		return PROOF_REGISTER;
	return peer->key_id & LR_PAIR_KEY ? PROOF_PAIR : PROOF_PEER;
}

/* It confirmed some place of ours once. */
static bool takes_part(const struct peer *peer)
{
	return peer->mode == PEER_ROAM || peer->mode == PEER_ANNOUNCED;
}

static void peer_send(struct mobile *mobile, struct peer *peer, msec_t now)
{
	struct lr_msg msg = mobile_announcement(mobile, peer);

	peer->sent_to = peer->key.addr;
	if (mobile->ops.locate)
		peer->sent_to = mobile->ops.locate(mobile->ctx, &peer->key.addr,
						   peer->tries >= DOUBT_TRIES);
	peer->tries++;
	peer->again = now + peer->interval;
	peer->interval = min_time(peer->interval * 2, MOVE_RETRY_MAX);
	/*
	 * With proof the peer moves at once whatever connections it knows of
	 * (OPEN-28).
	 */
	if (peer->key_id && takes_part(peer) && peer->tries <= FOLLOW_TRIES &&
	    peer->place != peer->own->place)
		peer->follow = now + mobile->config.announce_lead;
	mobile->ops.send(mobile->ctx, &peer->sent_to, mobile->config.port,
			 &msg);
}

/* Starts to announce, or starts again with what is true now. */
static void peer_announce(struct mobile *mobile, struct peer *peer, msec_t now,
			  msec_t patience)
{
	peer->announcing = true;
	peer->renew = MSEC_NEVER;
	peer_unindex(mobile, peer);
	peer_index(mobile, peer);
	peer->sent_to = (struct roam_addr){ 0 };
	peer->since = now;
	peer->give_up = now + patience;
	peer->interval = mobile->config.announce_retry;
	peer->tries = 0;
	peer->again = MSEC_NEVER;
	peer->follow = MSEC_NEVER;
	if (own_is_away(peer->own))
		peer_send(mobile, peer, now);
	peer_schedule(mobile, peer);
}

static void peer_stop(struct mobile *mobile, struct peer *peer)
{
	peer->held = false;
	peer->announcing = false;
	peer_unindex(mobile, peer);
	peer_schedule(mobile, peer);
}

static void peer_plain(struct mobile *mobile, struct peer *peer, msec_t now)
{
	peer_unlearn(peer);
	peer_stop(mobile, peer);
	peer->mode = PEER_PLAIN;
	mobile->ops.set_peer(mobile->ctx, &peer->key.perm, &peer->key.addr,
			     PEER_PLAIN);
	mobile_tell(mobile, peer->own, (struct mobile_event){
		.type = MOBILE_PEER_PLAIN,
		.host = peer->key.addr,
		.tries = peer->tries,
		.took = now - peer->since,
	});
}

/*
 * The peer forgets us @lifetime after it confirmed, and that was later than our
 * first announce: a renewal that leaves before @ends arrives in time. It leaves
 * at two thirds, as with registers (D-18).
 */
static void peer_learned(struct peer *peer, msec_t now, msec_t lifetime)
{
	peer->current = true;
	peer->place = peer->own->place;
	peer->ends = peer->since + lifetime;
	peer->renew = max_time(now + RENEW_MIN,
			       peer->since + lifetime * 2 / 3);
}

static void peer_confirmed(struct mobile *mobile, struct peer *peer,
			   msec_t now, msec_t lifetime)
{
	bool news = !peer->current;

	peer_learned(peer, now, lifetime);
	peer_stop(mobile, peer);
	peer->mode = PEER_ROAM;
	mobile->ops.set_peer(mobile->ctx, &peer->key.perm, &peer->key.addr,
			     PEER_ROAM);
	if (news) {
		peer->took = now - peer->since;
		mobile_tell(mobile, peer->own, (struct mobile_event){
			.type = MOBILE_PEER_CONFIRMED,
			.host = peer->key.addr,
			.tries = peer->tries,
			.took = peer->took,
		});
	}
	mobile_probe_start(mobile, peer, now);
}

/*
 * Patience is at its end. Where no packet waits for the answer the mode stays:
 * open connections keep it, and the next move announces again.
 */
static void peer_give_up(struct mobile *mobile, struct peer *peer, msec_t now)
{
	if (peer->held) {
		peer_plain(mobile, peer, now);
		return;
	}
	/*
	 * The peer is told again, and again after that, before what it knows
	 * ends.
	 */
	if (peer->current)
		peer->renew = max_time(now + RENEW_MIN,
				       now + (peer->ends - now) / 3);
	peer_stop(mobile, peer);
	mobile_tell(mobile, peer->own, (struct mobile_event){
		.type = MOBILE_UNANSWERED,
		.host = peer->key.addr,
		.tries = peer->tries,
		.took = now - peer->since,
	});
}

static void peer_act(struct mobile *mobile, struct peer *peer, msec_t now)
{
	if (peer->ends <= now)
		peer_forgets(mobile, peer);
	if (peer->renew <= now && !peer->announcing)
		peer_announce(mobile, peer, now, mobile->config.move_time);
	if (!peer->announcing) {
		peer_schedule(mobile, peer);
		return;
	}
	if (peer->give_up <= now) {
		peer_give_up(mobile, peer, now);
		return;
	}
	if (peer->follow <= now)
		peer_follow(mobile, peer);
	if (peer->again <= now)
		peer_send(mobile, peer, now);
	peer_schedule(mobile, peer);
}

/*
 * Nobody can reach us here: whatever waits goes as any other host's packets, and
 * the others keep what they know until we are somewhere else.
 */
static void peer_untold(struct mobile *mobile, struct peer *peer, msec_t now)
{
	if (peer->held)
		peer_plain(mobile, peer, now);
	else
		peer_stop(mobile, peer);
}

void mobile_peers_translated(struct mobile *mobile, const struct own *own,
			     msec_t now)
{
	struct table_iter iter = { 0 };
	struct peer *peer;

	while ((peer = peer_of(table_next(&mobile->peers, &iter))))
		if (peer->own == own && peer->announcing)
			peer_untold(mobile, peer, now);
}

/*
 * Everybody who talked to us is told, except those who do not take part
 * (MLR-36, MLR-37). Without a care-of address only first contacts go on, and
 * wait for one.
 */
static void peer_move(struct mobile *mobile, struct peer *peer, msec_t now)
{
	/*
	 * @ends stays: for the kernel it is no move to be back at the same
	 * address.
	 */
	peer->current = false;
	peer->renew = MSEC_NEVER;
	if (peer->own->translated)
		peer_untold(mobile, peer, now);
	else if (peer->held)
		peer_announce(mobile, peer, now, mobile->config.announce_time);
	else if (peer->mode != PEER_PLAIN && own_is_away(peer->own))
		peer_announce(mobile, peer, now, mobile->config.move_time);
	else
		peer_stop(mobile, peer);
}

void mobile_peers_move(struct mobile *mobile, msec_t now)
{
	struct table_iter iter = { 0 };
	struct peer *peer;
	size_t i;

	while ((peer = peer_of(table_next(&mobile->peers, &iter))))
		if (peer->own->moved)
			peer_move(mobile, peer, now);
	for (i = 0; i < mobile->n_owns; i++)
		mobile->owns[i].moved = false;
}

void mobile_peers_init(struct mobile *mobile)
{
	table_init(&mobile->peers, table_key_offset(struct peer, node, key),
		   sizeof(struct peer_key));
	table_init(&mobile->nonces,
		   table_key_offset(struct peer, by_nonce, nonce),
		   sizeof(uint64_t));
}

void mobile_peers_free(struct mobile *mobile)
{
	while (mobile->oldest)
		peer_free(mobile, mobile->oldest);
	table_fini(&mobile->peers);
	table_fini(&mobile->nonces);
	deadlines_fini(&mobile->acts);
}

msec_t mobile_peers_tick(struct mobile *mobile, msec_t now)
{
	struct deadline *act;

	while ((act = deadlines_pop(&mobile->acts, now)))
		peer_act(mobile, container_of(act, struct peer, next_act), now);
	return deadlines_next(&mobile->acts);
}

void mobile_peers_doubt(struct mobile *mobile, const struct own *own,
			msec_t now)
{
	struct table_iter iter = { 0 };
	struct peer *peer;

	while ((peer = peer_of(table_next(&mobile->peers, &iter)))) {
		if (peer->own != own || !peer->current)
			continue;
		peer->renew = now;
		peer->ends = now + mobile->config.move_time;
		peer_schedule(mobile, peer);
	}
}

void mobile_adopt_peer(struct mobile *mobile, const struct roam_addr *perm,
		       const struct roam_addr *peer, enum peer_mode mode)
{
	struct peer *p = peer_use(mobile, perm, peer);

	if (!p)
		return;
	p->mode = mode;
	p->current = mode == PEER_ROAM;
	p->place = p->current ? p->own->place : 0;
}

void mobile_miss(struct mobile *mobile, msec_t now,
		 const struct roam_addr *perm, const struct roam_addr *peer)
{
	struct peer *p = peer_use(mobile, perm, peer);

	if (!p || p->held)
		return;
	if (p->own->translated) {
		peer_plain(mobile, p, now);
		return;
	}
	/*
	 * A peer that took part before does not become plain because it is
	 * silent: a packet that reaches it before it knows where we are would
	 * end its connection.
	 */
	if (takes_part(p)) {
		if (!p->announcing)
			peer_announce(mobile, p, now, mobile->config.move_time);
		return;
	}
	p->held = true;
	peer_announce(mobile, p, now, mobile->config.announce_time);
}

void mobile_seen(struct mobile *mobile, msec_t now,
		 const struct roam_addr *perm, const struct roam_addr *peer)
{
	struct peer *p = peer_use(mobile, perm, peer);

	if (p && p->mode == PEER_SEEN && !p->announcing &&
	    own_is_away(p->own) && !p->own->translated)
		peer_announce(mobile, p, now, mobile->config.move_time);
}

void mobile_forget(struct mobile *mobile, const struct roam_addr *perm,
		   const struct roam_addr *peer)
{
	struct peer *p = mobile_peer_find(mobile, perm, peer);

	if (p)
		peer_free(mobile, p);
}

/*
 * ICMP is easily forged, so it shortens only what would end as plain anyway;
 * a peer that took part before may just be restarting its daemon.
 */
void mobile_unreachable(struct mobile *mobile, msec_t now,
			const struct roam_addr *peer)
{
	struct peer *p;
	size_t i;

	for (i = 0; i < mobile->n_owns; i++) {
		p = mobile_peer_find(mobile, &mobile->owns[i].perm, peer);
		if (p && p->announcing && (p->held || p->mode == PEER_SEEN))
			peer_plain(mobile, p, now);
	}
}

/*
 * False if the confirm must have another key. For a configured key the confirm
 * must have the same. For a pair key it need not: the correspondent may have
 * lost it, or its register has none. The pair key that the correspondent used
 * last is the one that it knows, so that one is remembered.
 */
bool mobile_peer_take_key(struct peer *peer, const struct lr_msg *msg)
{
	if (proof_of(peer) == PROOF_PEER)
		return msg->key_id == peer->key_id;
	if (!(msg->key_id & LR_PAIR_KEY))
		return !msg->key_id;
	/*
	 * A pair key belongs to one address; the pair keys of other addresses
	 * have the same id.
	 */
	if (msg->count > 1 ||
	    !roam_addr_eq(&msg->entries[0].perm, &peer->key.perm))
		return false;
	peer->key_id = msg->key_id;
	peer->pair = msg->pair;
	return true;
}

/*
 * Confirms carry no proof: they only say that the peer takes part. So no
 * sequence is taken over from them, "stale" and "later" mean try again.
 */
static void confirm_entry(struct mobile *mobile, struct peer *peer,
			  const struct lr_entry *entry, msec_t now)
{
	switch (entry->status) {
	case LR_OK:
		if (entry->seq == peer->own->seq)
			peer_confirmed(mobile, peer, now,
				       (msec_t)entry->lifetime * 1000);
		break;
	case LR_NONE:
	case LR_DENIED:
	case LR_FULL:
	case LR_UNPROVED:
	case LR_UNFIT:
		if (entry->seq == peer->own->seq)
			peer_plain(mobile, peer, now);
		break;
	case LR_LATER:
	case LR_CONFLICT:
		peer->again = min_time(peer->again,
				       now + mobile->config.announce_retry);
		peer_schedule(mobile, peer);
		break;
	default:
		break;
	}
}

enum lr_drop mobile_confirm_input(struct mobile *mobile, msec_t now,
				  const struct roam_addr *from,
				  const struct lr_msg *msg)
{
	struct table_node *node = table_find(&mobile->nonces, &msg->nonce);
	enum lr_drop drop = LR_DROP_UNASKED;
	struct peer *peer;
	unsigned int i;

	if (!node)
		return mobile_probe_confirmed(mobile, now, from, msg);
	peer = container_of(node, struct peer, by_nonce);
	if (!roam_addr_eq(&peer->sent_to, from))
		return drop;
	if (!mobile_peer_take_key(peer, msg))
		return LR_DROP_KEY;
	for (i = 0; i < msg->count && peer->announcing; i++) {
		if (!roam_addr_eq(&msg->entries[i].perm, &peer->key.perm))
			continue;
		drop = LR_DROP_NONE;
		confirm_entry(mobile, peer, &msg->entries[i], now);
	}
	return drop;
}

/* Every peer that knows where we were hears that we are not there any more. */
void mobile_peers_leave(struct mobile *mobile)
{
	struct table_iter iter = { 0 };
	const struct peer *peer;
	struct roam_addr to;
	struct lr_msg msg;

	while ((peer = peer_of(table_next(&mobile->peers, &iter)))) {
		if (!takes_part(peer))
			continue;
		msg = mobile_announcement(mobile, peer);
		msg.nonce = mobile->ops.random(mobile->ctx);
		msg.entries[0].lifetime = 0;
		to = peer->key.addr;
		if (mobile->ops.locate)
			to = mobile->ops.locate(mobile->ctx, &to, false);
		mobile->ops.send(mobile->ctx, &to, mobile->config.port, &msg);
	}
}

void mobile_foreach_peer(const struct mobile *mobile,
			 void (*fn)(void *ctx,
				    const struct mobile_peer_status *st),
			 void *ctx)
{
	struct table_iter iter = { 0 };
	const struct peer *peer;

	while ((peer = peer_of(table_next(&mobile->peers, &iter))))
		fn(ctx, &(struct mobile_peer_status){
			.perm = peer->key.perm,
			.peer = peer->key.addr,
			.mode = peer->mode,
			.proof = proof_of(peer),
			.current = peer->current,
			.expires = peer->ends,
			.took = peer->took,
		});
}
