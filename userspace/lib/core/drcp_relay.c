// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/drcp_relay.h"

#include <stdlib.h>
#include <string.h>

#include "base/table.h"

#define WAITING 8192	/* clients that an answer finds its way to, about */
#define ANSWER_TIME 60000	/* ms in which a client has its answer, or none */

/**
 * struct server - a server that was heard
 * @id: its number, 0: none
 * @epoch: of its last advertisement
 * @seq: likewise
 * @hop: where that came from
 */
struct server {
	uint64_t id;
	uint32_t epoch;
	uint32_t seq;
	struct drcp_hop hop;
};

/**
 * struct waiting - a client that asked
 * @client: who
 * @hop: where its newest question came from
 * @stamp: of that question
 * @at: when it came
 */
struct waiting {
	uint8_t client[6];
	struct drcp_hop hop;
	uint64_t stamp;
	msec_t at;
};

/**
 * struct drcp_relay - the relay
 * @servers: that were heard
 * @next: place of the next one
 * @waiting: by hash
 */
struct drcp_relay {
	struct server servers[DRCP_RELAY_SERVERS];
	size_t next;
	struct waiting waiting[WAITING];
};

struct drcp_relay *drcp_relay_new(void)
{
	return calloc(1, sizeof(struct drcp_relay));
}

void drcp_relay_free(struct drcp_relay *relay)
{
	free(relay);
}

static struct server *find_server(struct drcp_relay *r, uint64_t id)
{
	for (size_t i = 0; i < DRCP_RELAY_SERVERS; i++)
		if (r->servers[i].id == id)
			return &r->servers[i];
	return NULL;
}

static struct waiting *waiting_of(struct drcp_relay *r, const uint8_t client[6])
{
	return &r->waiting[table_hash(client, 6) % WAITING];
}

static enum drcp_drop on_advertisement(struct drcp_relay *r,
				       const struct drcp_hop *from,
				       const struct drcp_msg *msg,
				       struct drcp_relay_out *out)
{
	struct server *s = find_server(r, msg->server);

	if (!s)
		s = &r->servers[r->next++ % DRCP_RELAY_SERVERS];
	else if ((int32_t)(msg->epoch - s->epoch) < 0 ||
		 (msg->epoch == s->epoch && (int32_t)(msg->seq - s->seq) <= 0))
		return DRCP_DROP_REPLAY;
	*s = (struct server){ msg->server, msg->epoch, msg->seq, *from };
	out->everybody = true;
	return DRCP_DROP_NONE;
}

static enum drcp_drop on_assignment(struct drcp_relay *r,
				    const struct drcp_msg *msg,
				    struct drcp_relay_out *out)
{
	const struct waiting *w = waiting_of(r, msg->client);

	if (!w->hop.link || memcmp(w->client, msg->client, 6))
		return DRCP_DROP_UNASKED;
	out->to[out->n++] = w->hop;
	return DRCP_DROP_NONE;
}

/*
 * Who repeats what a client said does not get its answer: what is not newer comes from where
 * the newest came. A client whose clock was set back says something new after a while.
 */
static bool is_new(const struct waiting *w, msec_t now,
		   const struct drcp_msg *msg)
{
	return !w->hop.link || memcmp(w->client, msg->client, 6) ||
	       msg->stamp > w->stamp || now >= w->at + ANSWER_TIME;
}

static bool is_hop(const struct drcp_hop *a, const struct drcp_hop *b)
{
	return a->link == b->link && !memcmp(a->mac, b->mac, 6);
}

static enum drcp_drop on_question(struct drcp_relay *r, msec_t now,
				  const struct drcp_hop *from,
				  const struct drcp_msg *msg,
				  struct drcp_relay_out *out)
{
	struct waiting *w = waiting_of(r, msg->client);

	if (is_new(w, now, msg)) {
		memcpy(w->client, msg->client, 6);
		w->hop = *from;
		w->stamp = msg->stamp;
		w->at = now;
	} else if (!is_hop(&w->hop, from)) {
		return DRCP_DROP_REPLAY;
	}
	for (size_t i = 0; i < DRCP_RELAY_SERVERS; i++) {
		const struct server *s = &r->servers[i];

		/* A solicitation is for whoever is there. */
		if (s->id && s->hop.link != from->link &&
		    (msg->type == DRCP_SOLICITATION || s->id == msg->server))
			out->to[out->n++] = s->hop;
	}
	return out->n ? DRCP_DROP_NONE : DRCP_DROP_SERVER;
}

enum drcp_drop drcp_relay_input(struct drcp_relay *r, msec_t now,
				const struct drcp_hop *from, bool air,
				const struct drcp_msg *msg,
				struct drcp_relay_out *out)
{
	bool of_server = msg->type == DRCP_ADVERTISEMENT ||
			 msg->type == DRCP_ASSIGNMENT;

	memset(out, 0, sizeof(*out));
	if (of_server && air)
		return DRCP_DROP_ROLE;
	if (msg->type == DRCP_ADVERTISEMENT)
		return msg->server ? on_advertisement(r, from, msg, out) :
				     DRCP_DROP_SERVER;
	if (msg->type == DRCP_ASSIGNMENT)
		return on_assignment(r, msg, out);
	return on_question(r, now, from, msg, out);
}
