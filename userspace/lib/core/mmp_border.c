// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/mmp_border.h"

#include <stdlib.h>
#include <string.h>

#include "base/deadline.h"
#include "base/table.h"

/**
 * struct entry - a host
 * @node: in border.hosts, by route.coa
 * @due: in border.due: something has to be said again
 * @route: where it is
 * @unheard: peers that have not confirmed the last word, a bit for each
 * @wait: ms until it is said again
 * @gone: it was here and went: forgotten when all have confirmed
 */
struct entry {
	struct table_node node;
	struct deadline due;
	struct mmp_border_route route;
	uint32_t unheard;
	msec_t wait;
	bool gone;
};

/**
 * struct speaker - a gateway that spoke
 * @name: its name
 * @epoch: its start
 * @seq: of its last message
 */
struct speaker {
	struct mmp_name name;
	uint32_t epoch;
	uint32_t seq;
};

/**
 * struct mmp_border - see the header
 * @config: as given
 * @ops: as given
 * @ctx: for @ops
 * @epoch: of this start
 * @seq: of the last message
 * @hosts: struct entry by care-of address
 * @due: when something has to be said again
 * @speakers: gateways heard
 * @n_speakers: their number
 */
struct mmp_border {
	struct mmp_border_config config;
	const struct mmp_border_ops *ops;
	void *ctx;
	uint32_t epoch;
	uint32_t seq;
	struct table hosts;
	struct deadlines due;
	struct speaker speakers[MMP_SPEAKERS_MAX];
	size_t n_speakers;
};

static struct entry *entry_of(struct table_node *node)
{
	return node ? container_of(node, struct entry, node) : NULL;
}

static struct entry *find(const struct mmp_border *b,
			  const struct roam_addr *coa)
{
	return entry_of(table_find(&b->hosts, coa));
}

static struct entry *make(struct mmp_border *b, const struct roam_addr *coa)
{
	struct entry *e;

	if (b->hosts.count >= b->config.max_hosts ||
	    !deadlines_reserve(&b->due, b->hosts.count + 1))
		return NULL;
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->route.coa = *coa;
	if (table_insert(&b->hosts, &e->node))
		return e;
	free(e);
	return NULL;
}

static void forget(struct mmp_border *b, struct entry *e)
{
	deadline_clear(&b->due, &e->due);
	table_remove(&b->hosts, &e->node);
	free(e);
}

/* By which others reach this gateway, for packets to @coa; none: it cannot say. */
static const struct roam_addr *own_via(const struct mmp_border *b,
				       const struct roam_addr *coa)
{
	return &b->config.via[!roam_addr_is_v4(coa)];
}

static struct mmp_msg message(struct mmp_border *b, uint8_t type,
			      const struct entry *e)
{
	return (struct mmp_msg){
		.type = type,
		.key_id = b->config.key_id,
		.gateway = e->route.via,
		.epoch = b->epoch,
		.seq = ++b->seq,
		.coa = e->route.coa,
		.host_seq = e->route.seq,
		.name = b->config.name,
		.status = !e->gone,
	};
}

static void say(struct mmp_border *b, msec_t now, struct entry *e)
{
	for (size_t i = 0; i < b->config.n_peers; i++) {
		struct mmp_msg msg;

		if (!(e->unheard >> i & 1))
			continue;
		msg = message(b, MMP_HOST_ROUTE, e);
		b->ops->send(b->ctx, &b->config.peers[i], &msg);
	}
	deadline_set(&b->due, &e->due, now + e->wait);
	e->wait = min_time(2 * e->wait, b->config.retry_max);
}

static void say_anew(struct mmp_border *b, msec_t now, struct entry *e)
{
	e->unheard = (1U << b->config.n_peers) - 1;
	e->wait = b->config.retry;
	say(b, now, e);
}

void mmp_border_came(struct mmp_border *b, msec_t now,
		     const struct roam_addr *coa, uint64_t seq)
{
	const struct roam_addr *via = own_via(b, coa);
	struct entry *e = find(b, coa);

	if (roam_addr_is_none(via) || !b->config.n_peers)
		return;
	/* It has spoken at another gateway since. */
	if (e && !e->route.own && e->route.seq > seq)
		return;
	if (e && e->route.own && !e->gone) {
		/* Nobody has to be told again where it is. */
		if (seq > e->route.seq)
			e->route.seq = seq;
		return;
	}
	if (!e)
		e = make(b, coa);
	if (!e)
		return;
	e->route.via = *via;
	e->route.seq = seq;
	e->route.own = true;
	e->gone = false;
	say_anew(b, now, e);
}

void mmp_border_went(struct mmp_border *b, msec_t now,
		     const struct roam_addr *coa)
{
	struct entry *e = find(b, coa);

	if (!e || !e->route.own || e->gone)
		return;
	e->gone = true;
	say_anew(b, now, e);
}

/* ---- inputs ---- */

/* Newer than everything that this gateway said? */
static bool is_new(struct mmp_border *b, const struct mmp_msg *msg)
{
	struct speaker *s = NULL;

	for (size_t i = 0; i < b->n_speakers; i++)
		if (mmp_name_eq(&b->speakers[i].name, &msg->name))
			s = &b->speakers[i];
	if (!mmp_epoch_follows(msg->epoch, s && s->epoch < msg->epoch ?
						   s->epoch : 0))
		return false;
	if (!s) {
		if (b->n_speakers == MMP_SPEAKERS_MAX)
			return false;
		s = &b->speakers[b->n_speakers++];
		s->name = msg->name;
	} else if (msg->epoch < s->epoch ||
		   (msg->epoch == s->epoch &&
		    !mmp_seq_after(msg->seq, s->seq))) {
		return false;
	}
	s->epoch = msg->epoch;
	s->seq = msg->seq;
	return true;
}

static bool routes(const struct mmp_border *b, const struct roam_addr *coa)
{
	for (size_t i = 0; i < b->config.n_subnets; i++)
		if (roam_prefix_contains(&b->config.subnets[i], coa))
			return true;
	return false;
}

static void confirm(struct mmp_border *b, const struct roam_addr *to,
		    const struct entry *e)
{
	struct mmp_msg msg = message(b, MMP_HOST_ROUTE_ACK, e);

	b->ops->send(b->ctx, to, &msg);
}

/* The host is there, by its own newest word. */
static void take(struct mmp_border *b, struct entry *e,
		 const struct mmp_msg *msg)
{
	bool was_own = e->route.own && !e->gone;

	e->route.via = msg->gateway;
	e->route.seq = msg->host_seq;
	e->route.own = false;
	e->gone = false;
	e->unheard = 0;
	deadline_clear(&b->due, &e->due);
	if (was_own)
		b->ops->leave(b->ctx, &e->route.coa);
	b->ops->set_route(b->ctx, &e->route.coa, &e->route.via);
}

static enum mmp_drop on_route(struct mmp_border *b, const struct roam_addr *src,
			      const struct mmp_msg *msg)
{
	struct entry *e;
	bool same;

	if (!routes(b, &msg->coa) || routes(b, &msg->gateway))
		return MMP_DROP_SUBNET;
	if (roam_addr_is_v4(&msg->coa) != roam_addr_is_v4(&msg->gateway))
		return MMP_DROP_ADDRESS;
	if (!is_new(b, msg))
		return MMP_DROP_REPLAY;
	e = find(b, &msg->coa);
	same = e && !e->route.own &&
	       roam_addr_eq(&e->route.via, &msg->gateway);
	if (!msg->status) {
		/* It went: from where it is, or from where it is no more. */
		struct entry gone = { .route = { .coa = msg->coa,
			.via = msg->gateway, .seq = msg->host_seq },
			.gone = true };

		if (same && msg->host_seq >= e->route.seq) {
			b->ops->del_route(b->ctx, &msg->coa, &e->route.via);
			forget(b, e);
		}
		confirm(b, src, &gone);
		return MMP_DROP_NONE;
	}
	if (!e)
		e = make(b, &msg->coa);
	if (!e)
		return MMP_DROP_LIMIT;
	if (!e->route.seq || msg->host_seq > e->route.seq || same)
		take(b, e, msg);
	confirm(b, src, e);
	return MMP_DROP_NONE;
}

static enum mmp_drop on_confirm(struct mmp_border *b, msec_t now,
				const struct roam_addr *src,
				const struct mmp_msg *msg)
{
	struct entry *e = find(b, &msg->coa);

	if (!e || !e->route.own)
		return MMP_DROP_UNASKED;
	/* The host was heard at another gateway since it was here. */
	if (msg->status && msg->host_seq > e->route.seq) {
		bool here = !e->gone;
		struct roam_addr coa = e->route.coa;

		forget(b, e);
		if (here)
			b->ops->leave(b->ctx, &coa);
		return MMP_DROP_NONE;
	}
	/* An answer to an older word confirms nothing. */
	if (msg->status == e->gone || msg->host_seq < e->route.seq)
		return e->gone ? MMP_DROP_STALE : MMP_DROP_NONE;
	for (size_t i = 0; i < b->config.n_peers; i++)
		if (roam_addr_eq(&b->config.peers[i], src))
			e->unheard &= ~(1U << i);
	if (e->unheard)
		return MMP_DROP_NONE;
	if (e->gone)
		forget(b, e);
	else
		deadline_set(&b->due, &e->due, now + b->config.refresh);
	return MMP_DROP_NONE;
}

enum mmp_drop mmp_border_input(struct mmp_border *b, msec_t now,
			       const struct roam_addr *src,
			       const struct mmp_msg *msg)
{
	if (mmp_name_eq(&msg->name, &b->config.name))
		return MMP_DROP_LOOP;
	switch (msg->type) {
	case MMP_HOST_ROUTE:
		return on_route(b, src, msg);
	case MMP_HOST_ROUTE_ACK:
		return on_confirm(b, now, src, msg);
	default:
		return MMP_DROP_ROLE;
	}
}

msec_t mmp_border_tick(struct mmp_border *b, msec_t now)
{
	struct deadline *due;

	while ((due = deadlines_pop(&b->due, now))) {
		struct entry *e = container_of(due, struct entry, due);

		if (e->unheard)
			say(b, now, e);
		else
			say_anew(b, now, e);
	}
	return deadlines_next(&b->due);
}

void mmp_border_each(const struct mmp_border *b,
		     void (*fn)(void *ctx, const struct mmp_border_route *route),
		     void *ctx)
{
	struct table_iter iter = { 0 };
	struct entry *e;

	while ((e = entry_of(table_next(&b->hosts, &iter))))
		if (!e->gone)
			fn(ctx, &e->route);
}

struct mmp_border *mmp_border_new(const struct mmp_border_config *config,
				  uint32_t epoch,
				  const struct mmp_border_ops *ops, void *ctx)
{
	struct mmp_border *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->config = *config;
	b->epoch = epoch;
	b->ops = ops;
	b->ctx = ctx;
	table_init(&b->hosts, table_key_offset(struct entry, node, route.coa),
		   sizeof(struct roam_addr));
	return b;
}

void mmp_border_free(struct mmp_border *b)
{
	struct table_iter iter = { 0 };
	struct entry *e;

	if (!b)
		return;
	while ((e = entry_of(table_next(&b->hosts, &iter))))
		free(e);
	table_fini(&b->hosts);
	deadlines_fini(&b->due);
	free(b);
}
