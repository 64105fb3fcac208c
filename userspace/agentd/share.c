// SPDX-License-Identifier: GPL-2.0-or-later
#include "agentd/share.h"

#include <stdlib.h>
#include <string.h>

#include "agentd/agentd.h"
#include "agentd/sync.h"
#include "core/sync.h"
#include "io/daemon.h"
#include "io/json.h"
#include "wire/bytes.h"

#define UNDER_WAY 4096		/* requests that may be unanswered */
#define INBOX 64		/* relays and answers that are carried out together */

/**
 * struct asked - a request that another member has
 * @id: identification of the relay, 0: none
 * @member: who has it
 * @place: its place among the members
 * @from: whose request it is
 * @to: where it was sent to
 * @port: source port
 */
struct asked {
	uint64_t id;
	struct roam_addr member;
	uint32_t place;
	struct roam_addr from;
	struct roam_addr to;
	uint16_t port;
};

/**
 * struct letter - a relay or an answer
 * @type: SYNC_RELAY or SYNC_ANSWER
 * @via: who sent it, and its identification
 * @asked: of an answer: the request
 * @len: bytes of @body
 * @body: body of the message
 */
struct letter {
	uint8_t type;
	struct agent_relay via;
	struct asked asked;
	size_t len;
	uint8_t body[SYNC_BODY_MAX];
};

/**
 * struct sharing - there is one
 * @core: who is chosen, NULL before the first request
 * @id: of the last relay
 * @asked: by identification; what is too old is overwritten, and its node asks again
 * @inbox: what came
 * @n_inbox: length of @inbox
 * @relayed: requests given to each member, by its place
 * @here: requests that this agent kept for itself
 * @served: requests of other agents
 * @answered: replies that came back
 * @unwilling: requests that a member does not serve
 * @unmatched: answers to nothing that is under way
 * @long_ones: requests and replies that fit in no relay
 */
static struct sharing {
	struct share *core;
	uint64_t id;
	struct asked asked[UNDER_WAY];
	struct letter inbox[INBOX];
	size_t n_inbox;
	uint64_t relayed[SHARE_MAX];
	uint64_t here;
	uint64_t served;
	uint64_t answered;
	uint64_t unwilling;
	uint64_t unmatched;
	uint64_t long_ones;
} sharing;

static bool is_shared(const struct agentd *a)
{
	const struct sync *engine = agent_sync_engine(a);

	return engine && a->config->sync->any && sync_is_synced(engine);
}

/* This agent is the first one; sync_member() keeps the places of the others. */
static size_t list_members(const struct agentd *a,
			   struct share_member members[SHARE_MAX])
{
	const struct sync *engine = agent_sync_engine(a);
	struct sync_member m;
	size_t n = 1;

	members[0] = (struct share_member){
		.addr = agent_sync_own(a), .weight = a->config->sync->weight,
		.usable = true,
	};
	while (sync_member(engine, n - 1, daemon_now(), &m)) {
		members[n++] = (struct share_member){
			.addr = m.addr, .weight = m.weight,
			.usable = m.alive && m.synced,
		};
	}
	return n;
}

static uint32_t origin_of(const struct agentd *a, const struct roam_addr *home)
{
	uint8_t key[AGENT_KEY_MAX];

	return sync_origin(agent_sync_engine(a), AGENT_BINDING, key,
			   agent_key(AGENT_BINDING, home, 0, key));
}

bool agent_share_takes(const struct agentd *a, const struct roam_addr *to)
{
	struct roam_addr own = agent_sync_own(a);

	return is_shared(a) && roam_addr_eq(to, &own);
}

bool agent_share_relay(struct agentd *a, const struct udp_datagram *d,
		       const struct roam_addr *home)
{
	struct sync_relay relay = {
		.from = d->from, .to = d->to, .port = d->from_port,
		.data = d->data, .len = d->len,
	};
	struct share_member members[SHARE_MAX];
	struct sharing *s = &sharing;
	uint8_t body[SYNC_BODY_MAX];
	msec_t now = daemon_now();
	struct asked *asked;
	size_t n, place;

	/* Who asks a member by its own address means that one. */
	if (!is_shared(a) || !agent_sync_is_active(a) ||
	    agent_share_takes(a, &d->to))
		return false;
	if (!s->core) {
		s->core = share_new();
		s->id = daemon_random() >> 1;
	}
	if (!s->core || d->len > SYNC_RELAY_MAX) {
		s->long_ones += !!s->core;
		return false;
	}
	n = list_members(a, members);
	place = share_choose(s->core, now, a->config->sync->share, members, n,
			     home, origin_of(a, home));
	if (!place || !sync_pass(agent_sync_engine(a), &members[place].addr,
				 SYNC_RELAY, ++s->id, SYNC_ACCEPTED, body,
				 sync_relay_write(&relay, body))) {
		s->here++;
		return false;
	}
	asked = &s->asked[s->id % UNDER_WAY];
	*asked = (struct asked){
		.id = s->id, .member = members[place].addr,
		.place = (uint32_t)place, .from = d->from, .to = d->to,
		.port = d->from_port,
	};
	s->relayed[place]++;
	share_asked(s->core, now, place);
	return true;
}

void agent_share_answer(struct agentd *a, const struct agent_relay *via,
			const uint8_t *data, size_t len)
{
	struct sync *engine = agent_sync_engine(a);

	if (len > SYNC_BODY_MAX) {
		sharing.long_ones++;
		len = 0;
	}
	if (engine)
		sync_pass(engine, &via->to, SYNC_ANSWER, via->id, SYNC_ACCEPTED,
			  data, len);
}

/* What is not under way is no answer: a member can make this agent send nothing else. */
static bool find_asked(const struct sync_msg *msg, struct asked *found)
{
	struct asked *asked = &sharing.asked[msg->id % UNDER_WAY];

	if (!asked->id || asked->id != msg->id ||
	    !roam_addr_eq(&asked->member, &msg->sender)) {
		sharing.unmatched++;
		return false;
	}
	*found = *asked;
	asked->id = 0;
	share_answered(sharing.core, daemon_now(), found->place,
		       msg->code == SYNC_ACCEPTED);
	if (msg->code == SYNC_ACCEPTED)
		sharing.answered++;
	else
		sharing.unwilling++;
	return msg->len;
}

void agent_share_passed(struct agentd *a, const struct sync_msg *msg)
{
	struct asked asked = { .id = 0 };
	struct letter *letter;

	if (msg->type == SYNC_ANSWER && !find_asked(msg, &asked))
		return;
	if (msg->type == SYNC_RELAY && !is_shared(a)) {
		sync_pass(agent_sync_engine(a), &msg->sender, SYNC_ANSWER,
			  msg->id, SYNC_PROHIBITED, NULL, 0);
		return;
	}
	if (sharing.n_inbox == INBOX)
		agent_sync_settle(a);
	letter = &sharing.inbox[sharing.n_inbox++];
	letter->type = msg->type;
	letter->via = (struct agent_relay){ msg->sender, msg->id };
	letter->asked = asked;
	letter->len = msg->len;
	memcpy(letter->body, msg->body, msg->len);
}

static void serve(struct agentd *a, const struct letter *letter)
{
	struct sync_relay relay;
	struct udp_datagram d;

	if (!sync_relay_read(letter->body, letter->len, &relay))
		return;
	d = (struct udp_datagram){
		.from = relay.from, .from_port = relay.port, .to = relay.to,
		.data = relay.data, .len = relay.len,
	};
	sharing.served++;
	a->counters.requests++;
	batch_request(a, &d, daemon_wallclock(), &letter->via);
}

static void pass_on(struct agentd *a, const struct letter *letter)
{
	struct mip_msg msg;

	if (mip_decode(letter->body, letter->len, &msg) != MIP_OK ||
	    msg.type != MIP_REPLY)
		return;
	net_answer(a, &msg, &letter->asked.to, &letter->asked.from,
		   letter->asked.port);
}

void agent_share_run(struct agentd *a)
{
	size_t n = sharing.n_inbox;

	for (size_t i = 0; i < n; i++) {
		const struct letter *letter = &sharing.inbox[i];

		if (letter->type == SYNC_RELAY)
			serve(a, letter);
		else
			pass_on(a, letter);
	}
	sharing.n_inbox = 0;
	batch_finish(a);
}

void agent_share_reset(void)
{
	share_free(sharing.core);
	sharing.core = NULL;
	sharing.n_inbox = 0;
	memset(sharing.asked, 0, sizeof(sharing.asked));
	memset(sharing.relayed, 0, sizeof(sharing.relayed));
}

json_t *agent_share_show(json_t *members)
{
	json_t *row;
	size_t i;

	json_array_foreach(members, i, row)
		json_object_set_new(row, "relayed", json_integer(
			(json_int_t)sharing.relayed[i + 1]));
	return members;
}

json_t *agent_share_order(struct agentd *a, const struct roam_addr *home)
{
	struct share_member members[SHARE_MAX];
	size_t order[SHARE_MAX], n;
	json_t *rows = json_array();
	uint32_t origin;

	if (!agent_sync_engine(a))
		return rows;
	n = list_members(a, members);
	origin = origin_of(a, home);
	share_order(members, n, home, order);
	for (size_t i = 0; i < n; i++) {
		const struct share_member *m = &members[order[i]];
		bool has = origin && (uint32_t)bytes_get(m->addr.b + 12, 4) ==
				     origin;

		json_array_append_new(rows, json_pack("{so sI sb sb}",
			"address", json_addr(&m->addr),
			"weight", (json_int_t)m->weight,
			"usable", m->usable && m->weight, "served", has));
	}
	return rows;
}

void agent_share_counters(json_t *object)
{
	const struct sharing *s = &sharing;
	uint64_t relayed = 0;

	for (size_t i = 0; i < SHARE_MAX; i++)
		relayed += s->relayed[i];
	json_add_counter(object, "share_", "relayed", relayed);
	json_add_counter(object, "share_", "here", s->here);
	json_add_counter(object, "share_", "served", s->served);
	json_add_counter(object, "share_", "answered", s->answered);
	json_add_counter(object, "share_", "unwilling", s->unwilling);
	json_add_counter(object, "share_", "unmatched", s->unmatched);
	json_add_counter(object, "share_", "long", s->long_ones);
}
