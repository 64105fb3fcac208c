// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mode "probe": whether the network lets packets with the permanent address as
 * source pass (OPEN-18), found out with each place anew.
 */
#include "core/mobile_private.h"

#define PROBE_TRIES 3		/* unanswered probes until the network is taken to filter */

static void probe_send(struct mobile *mobile, struct own *own,
		       const struct peer *peer, msec_t now)
{
	struct lr_msg msg = mobile_announcement(mobile, peer);
	struct probe *probe = &own->probe;

	msg.nonce = probe->nonce;
	msg.entries[0].flags = LR_FLAG_LITERAL;
	probe->to = peer->key.addr;
	probe->tries++;
	probe->due = now + (mobile->config.announce_retry << probe->tries);
	mobile->ops.probe(mobile->ctx, &own->perm, &peer->sent_to,
			  mobile->config.port, &msg);
}

/*
 * The first correspondent that confirmed this place is asked: what drops
 * foreign sources (RFC 2827) stands at our end of the path.
 */
void mobile_probe_start(struct mobile *mobile, const struct peer *peer,
			msec_t now)
{
	struct own *own = peer->own;
	struct probe *probe = &own->probe;

	if (mobile->config.mode != MOBILE_PROBE || !mobile->ops.probe ||
	    probe->done || probe->due != MSEC_NEVER || own->literal ||
	    !own_is_away(own) || own_is_home(own))
		return;
	probe->nonce = mobile->ops.random(mobile->ctx);
	probe->tries = 0;
	probe_send(mobile, own, peer, now);
}

static void probe_end(struct mobile *mobile, struct own *own, bool passed)
{
	own->probe.due = MSEC_NEVER;
	own->probe.done = true;
	mobile_tell(mobile, own, (struct mobile_event){
		.type = passed ? MOBILE_LITERAL_OK : MOBILE_LITERAL_LOST,
		.host = own->probe.to,
		.tries = own->probe.tries,
	});
}

static void probe_act(struct mobile *mobile, struct own *own, msec_t now)
{
	const struct peer *peer = mobile_peer_find(mobile, &own->perm,
					    &own->probe.to);

	if (peer && own->probe.tries < PROBE_TRIES)
		probe_send(mobile, own, peer, now);
	else
		probe_end(mobile, own, false);
}

msec_t mobile_probes_tick(struct mobile *mobile, msec_t now)
{
	msec_t next = MSEC_NEVER;
	struct own *own;

	for (own = mobile->owns; own < mobile->owns + mobile->n_owns; own++) {
		if (own->probe.due <= now)
			probe_act(mobile, own, now);
		next = min_time(next, own->probe.due);
	}
	return next;
}

/*
 * A packet that left with the permanent address arrived. Everybody hears of
 * the other mode under a sequence of its own.
 */
enum lr_drop mobile_probe_confirmed(struct mobile *mobile, msec_t now,
				    const struct roam_addr *from,
				    const struct lr_msg *msg)
{
	struct peer *peer;
	struct own *own;

	for (own = mobile->owns; own < mobile->owns + mobile->n_owns; own++)
		if (own->probe.due != MSEC_NEVER &&
		    own->probe.nonce == msg->nonce)
			break;
	if (own == mobile->owns + mobile->n_owns)
		return LR_DROP_UNASKED;
	peer = mobile_peer_find(mobile, &own->perm, &own->probe.to);
	if (!peer || !roam_addr_eq(&peer->sent_to, from) ||
	    !roam_addr_eq(&msg->entries[0].perm, &own->perm))
		return LR_DROP_UNASKED;
	if (!mobile_peer_take_key(peer, msg))
		return LR_DROP_KEY;
	if (msg->entries[0].status != LR_OK)
		return LR_DROP_NONE;
	probe_end(mobile, own, true);
	own->literal = true;
	mobile_own_changed(mobile, own, now, mobile_next_seq(mobile, own->seq));
	registrar_tick(mobile->registrar, now);
	mobile_peers_move(mobile, now);
	return LR_DROP_NONE;
}
