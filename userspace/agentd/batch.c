// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests for the home agent and replies for visitors that came at once. One
 * commit makes all of it durable; then the kernel is told, and then the answers
 * leave: nobody is promised what a power cut would take back, and no packet goes
 * to an old care-of address after the reply.
 */
#include <stdlib.h>
#include <string.h>

#include "agentd/agentd.h"
#include "agentd/share.h"
#include "agentd/sync.h"
#include "io/daemon.h"
#include "io/log.h"

#define BATCH_MAX 256

/**
 * struct answer - a reply of the home agent
 * @to: who gets it
 * @port: likewise
 * @via: who relayed the request and passes the reply on; @via.to none: nobody
 * @reply: the reply
 */
struct answer {
	struct roam_addr to;
	uint16_t port;
	struct agent_relay via;
	struct ha_reply reply;
};

/**
 * struct batch - there is one, as the loop has one thread
 * @answers: replies of the home agent
 * @n_answers: their number
 * @sends: replies for visitors
 * @n_sends: their number
 * @nodes: changes of bindings
 * @visitors: changes of visitors
 * @refused: home addresses for which the module carries nothing
 * @n_refused: their number
 */
static struct batch {
	struct answer answers[BATCH_MAX];
	size_t n_answers;
	struct fa_send sends[BATCH_MAX];
	size_t n_sends;
	struct ha_changes nodes;
	struct fa_changes visitors;
	struct roam_addr refused[2 * BATCH_MAX];
	size_t n_refused;
} batch;

void batch_free(void)
{
	ha_changes_free(&batch.nodes);
	fa_changes_free(&batch.visitors);
}

/* One line when it begins, one when it ends. */
void agentd_note_store(struct agentd *a, char *error, const char *so)
{
	if (error && !a->store_error)
		log_error("%s; %s", error, so);
	if (!error && a->store_error)
		log_notice("the store works again");
	free(a->store_error);
	a->store_error = error;
	if (error)
		a->counters.store_failures++;
	else
		a->counters.commits++;
}

/* False: all of it was taken back. */
static bool commit(struct agentd *a)
{
	char *error;

	if (!batch.nodes.n && !batch.nodes.n_leases && !batch.visitors.n)
		return true;
	/* What others said before is written before, or it would be the last word. */
	if (!agent_sync_store())
		return false;
	error = store_commit(a->store, a->ha, a->fa, &batch.nodes,
			     &batch.visitors, daemon_now(), daemon_wallclock());
	agentd_note_store(a, error, "registrations are refused until then");
	return !error;
}

/* What was answered without a change may repeat one that is lost now. */
static void take_back(struct agentd *a)
{
	ha_undo(a->ha, &batch.nodes);
	fa_undo(a->fa, &batch.visitors);
	ha_changes_reset(&batch.nodes);
	fa_changes_reset(&batch.visitors);
	for (size_t i = 0; i < batch.n_answers; i++)
		if (mip_code_accepts(batch.answers[i].reply.msg.code))
			ha_refuse(&batch.answers[i].reply,
				  MIP_HA_RESOURCES);
	for (size_t i = 0; i < batch.n_sends; i++)
		if (mip_code_accepts(batch.sends[i].code))
			fa_refuse(&batch.sends[i], MIP_FA_RESOURCES);
}

static void send_answer(struct agentd *a, struct answer *answer)
{
	const struct ha_reply *reply = &answer->reply;
	struct mip_msg msg = reply->msg;
	uint8_t code = reply->msg.code;

	a->counters.code[code]++;
	a->counters.deregistration_replies += !reply->msg.lifetime;
	if (mip_code_accepts(code))
		a->counters.accepted++;
	else
		show_denied(a, &reply->msg.home, &answer->to, "home agent",
			    code);
	if (!roam_addr_is_none(&answer->via.to)) {
		agent_share_answer(a, &answer->via, reply->w.buf, reply->w.len);
		return;
	}
	msg.buf = reply->w.buf;
	msg.len = reply->w.len;
	net_answer(a, &msg, &reply->from, &answer->to, answer->port);
}

static void tell(struct agentd *a, const char *reason)
{
	for (size_t i = 0; i < batch.nodes.n; i++)
		show_node(a, &batch.nodes.items[i], reason);
	for (size_t i = 0; i < batch.visitors.n; i++)
		show_visitor(a, &batch.visitors.items[i], reason);
}

static void apply(struct agentd *a, const char *reason, bool ended)
{
	kernel_set_nodes(a, &batch.nodes);
	kernel_set_visitors(a, &batch.visitors);
	tell(a, reason);
	agent_sync_note(a, &batch.nodes, &batch.visitors, ended);
	ha_changes_reset(&batch.nodes);
	fa_changes_reset(&batch.visitors);
}

static void answer_held(struct agentd *a, void *answer)
{
	send_answer(a, answer);
}

static void send_held(struct agentd *a, void *send)
{
	net_send(a, send);
}

/* At once, or when other agents have what it promises. */
static void send_all(struct agentd *a)
{
	for (size_t i = 0; i < batch.n_answers; i++) {
		struct answer *answer = &batch.answers[i];

		if (!agent_sync_hold(a, AGENT_BINDING, &answer->reply.msg.home,
				     answer_held, answer, sizeof(*answer),
				     !roam_addr_is_none(&answer->via.to)))
			send_answer(a, answer);
	}
	for (size_t i = 0; i < batch.n_sends; i++) {
		struct fa_send *send = &batch.sends[i];

		if (!agent_sync_hold(a, AGENT_VISITOR, &send->msg.home,
				     send_held, send, sizeof(*send), false))
			net_send(a, send);
	}
	agent_sync_flush(a);
}

void batch_refused(const struct roam_addr *home)
{
	if (batch.n_refused < 2 * BATCH_MAX)
		batch.refused[batch.n_refused++] = *home;
}

static bool is_refused(const struct roam_addr *home)
{
	for (size_t i = 0; i < batch.n_refused; i++)
		if (roam_addr_eq(&batch.refused[i], home))
			return true;
	return false;
}

/* A binding that the module does not carry is none, and the node hears so (128, 64). */
static void end_refused(struct agentd *a)
{
	if (!batch.n_refused)
		return;
	for (size_t i = 0; i < batch.n_refused; i++) {
		ha_end(a->ha, daemon_now(), &batch.refused[i], &batch.nodes);
		fa_delete(a->fa, &batch.refused[i], &batch.visitors);
	}
	for (size_t i = 0; i < batch.n_answers; i++) {
		struct ha_reply *reply = &batch.answers[i].reply;

		if (mip_code_accepts(reply->msg.code) &&
		    is_refused(&reply->msg.home))
			ha_refuse(reply, MIP_HA_UNSPECIFIED);
	}
	for (size_t i = 0; i < batch.n_sends; i++)
		if (mip_code_accepts(batch.sends[i].code) &&
		    is_refused(&batch.sends[i].msg.home))
			fa_refuse(&batch.sends[i], MIP_FA_UNSPECIFIED);
	commit(a);
	apply(a, "the tunnel module refused it", false);
	batch.n_refused = 0;
}

void batch_finish(struct agentd *a)
{
	if (!batch.n_answers && !batch.n_sends)
		return;
	batch.n_refused = 0;
	if (commit(a))
		apply(a, NULL, false);
	else
		take_back(a);
	end_refused(a);
	send_all(a);
	batch.n_answers = 0;
	batch.n_sends = 0;
	agentd_kick(a);
}

void batch_request(struct agentd *a, const struct udp_datagram *d,
		   uint64_t wall, const struct agent_relay *via)
{
	struct ha_request in = {
		.data = d->data, .len = d->len, .from = d->from,
		.from_port = d->from_port, .to = d->to, .wall = wall,
	};
	struct answer *answer;
	enum ha_drop drop;

	if (batch.n_answers == BATCH_MAX)
		batch_finish(a);
	answer = &batch.answers[batch.n_answers];
	drop = ha_input(a->ha, daemon_now(), &in, &answer->reply, &batch.nodes);
	if (drop != HA_DROP_NONE) {
		a->counters.ha_drop[drop]++;
		show_dropped(a, &d->from, ha_drop_name(drop));
		if (via)
			agent_share_answer(a, via, NULL, 0);
		return;
	}
	answer->via = via ? *via : (struct agent_relay){ .id = 0 };
	/* RFC 5944 3.8.3.1; the virtual address may be another agent's. */
	if (!via && agent_share_takes(a, &d->to))
		answer->reply.from = d->to;
	answer->to = d->from;
	answer->port = d->from_port;
	batch.n_answers++;
}

static void count_visitor_drop(struct agentd *a, const struct roam_addr *from,
			       enum fa_drop drop)
{
	a->counters.fa_drop[drop]++;
	if (drop != FA_DROP_RATE)
		show_dropped(a, from, fa_drop_name(drop));
}

void batch_reply(struct agentd *a, const struct udp_datagram *d)
{
	struct fa_datagram in = {
		.data = d->data, .len = d->len, .from = d->from,
		.from_port = d->from_port, .to = d->to,
	};
	enum fa_drop drop;

	a->counters.home_replies++;
	if (batch.n_sends == BATCH_MAX)
		batch_finish(a);
	drop = fa_reply(a->fa, daemon_now(), &in, &batch.sends[batch.n_sends],
			&batch.visitors);
	if (drop != FA_DROP_NONE) {
		count_visitor_drop(a, &d->from, drop);
		return;
	}
	agent_sync_note_pending(a, &batch.sends[batch.n_sends].msg.home,
				batch.sends[batch.n_sends].msg.id, true);
	batch.n_sends++;
}

static void send_now(void *ctx, const struct fa_send *send)
{
	if (agent_sync_serves(ctx))
		net_send(ctx, send);
}

void batch_visitor(struct agentd *a, const struct frame *frame)
{
	struct fa_datagram in = {
		.data = frame->data, .len = frame->len, .from = frame->from,
		.from_port = frame->from_port, .to = frame->to,
		.link = frame->link, .ttl = frame->ttl,
	};
	msec_t now = daemon_now();
	struct fa_send send;
	enum fa_drop drop;

	a->counters.visitor_requests++;
	memcpy(in.mac, frame->mac, FA_MAC_LEN);
	drop = fa_request(a->fa, now, &in, &send);
	if (drop != FA_DROP_NONE) {
		count_visitor_drop(a, &frame->from, drop);
		return;
	}
	if (send.direction == FA_TO_AGENT && !kernel_has_route(a, &send.to)) {
		fa_unreachable(a->fa, now, &send.to, MIP_FA_NET_UNREACHABLE,
			       send_now, a);
		return;
	}
	/* Another agent shall know what to do with the reply. */
	if (send.direction == FA_TO_AGENT) {
		struct mip_msg msg;

		mip_decode(frame->data, frame->len, &msg);
		agent_sync_note_pending(a, &msg.home, msg.id, false);
		agent_sync_flush(a);
	}
	net_send(a, &send);
	agentd_kick(a);
}

msec_t batch_expire(struct agentd *a, msec_t now)
{
	ha_expire(a->ha, now, &batch.nodes);
	fa_expire(a->fa, now, send_now, a, &batch.visitors);
	for (size_t i = 0; i < batch.nodes.n; i++)
		a->counters.expired += batch.nodes.items[i].before.n >
				       batch.nodes.items[i].after.n;
	a->counters.visitors_expired += batch.visitors.n;
	/* where the disk refuses: the end is in the records as well, as a time */
	if (batch.nodes.n || batch.nodes.n_leases || batch.visitors.n) {
		commit(a);
		apply(a, "lifetime ended", true);
		agent_sync_flush(a);
	}
	return min_time(ha_next(a->ha), fa_next(a->fa));
}

bool batch_end(struct agentd *a, const struct roam_addr *home, bool visitor)
{
	bool done = visitor ?
		fa_delete(a->fa, home, &batch.visitors) :
		ha_end(a->ha, daemon_now(), home, &batch.nodes);

	if (!done)
		return false;
	if (commit(a))
		apply(a, "by the operator", false);
	else
		take_back(a);
	agent_sync_flush(a);
	agentd_kick(a);
	return !a->store_error;
}
