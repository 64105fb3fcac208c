// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/drcp_client.h"

#include <stdlib.h>
#include <string.h>

#define SOLICITS 3		/* on a link that came up, a retry time apart */
#define RETRY_MAX 4000
#define PERIOD_MAX 10000	/* ms between advertisements that a claim may ask to wait */
#define REFUSED_WAIT 5000	/* ms until a server that has no address is asked again */

const struct drcp_client_config drcp_client_defaults = {
	.retry = 250,
	.tries = 5,
	.dhcp_wait = 3000,
	.missed = 3,
};

/**
 * struct drcp_client - the client
 * @config: settings
 * @ops: surroundings
 * @ctx: for them
 * @up: the link is
 * @left: the address was given back on purpose: none is wanted until the link comes up
 * @heard: last advertisement of the server that is asked; its period is 0 before. Each
 *	host has the key that it is signed by, so it is a claim
 * @proved: server, epoch and sequence of the last assignment, which only the server can
 *	sign: nothing older is heard
 * @heard_at: when it came
 * @request: the request on its way; its type is 0 without one
 * @tries: times it was sent
 * @asked: when it was sent first
 * @bound: the assignment in force; its address is none without one
 * @expires: when that ends
 * @renew: when it is asked for again
 * @again: when the request, or a solicitation, is repeated
 * @solicits: solicitations left
 * @dhcp_at: when DHCP has its turn
 * @dhcp: it has
 */
struct drcp_client {
	struct drcp_client_config config;
	const struct drcp_client_ops *ops;
	void *ctx;
	bool up;
	bool left;
	struct drcp_msg heard;
	struct drcp_msg proved;
	msec_t heard_at;
	struct drcp_msg request;
	unsigned int tries;
	msec_t asked;
	struct drcp_msg bound;
	msec_t expires;
	msec_t renew;
	msec_t again;
	unsigned int solicits;
	msec_t dhcp_at;
	bool dhcp;
};

struct drcp_client *drcp_client_new(const struct drcp_client_config *config,
				    const struct drcp_client_ops *ops,
				    void *ctx)
{
	struct drcp_client *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->config = *config;
	c->ops = ops;
	c->ctx = ctx;
	c->expires = c->renew = c->again = c->dhcp_at = MSEC_NEVER;
	return c;
}

void drcp_client_free(struct drcp_client *c)
{
	free(c);
}

static void tell(struct drcp_client *c, enum drcp_client_event event,
		 const struct drcp_msg *msg, msec_t took)
{
	c->ops->event(c->ctx, event, msg, took);
}

static bool is_bound(const struct drcp_client *c)
{
	return !roam_addr_is_none(&c->bound.addr);
}

static void transmit(struct drcp_client *c, struct drcp_msg *msg)
{
	memcpy(msg->client, c->config.client, 6);
	msg->server = c->heard.server;
	msg->epoch = c->heard.epoch;
	msg->seq = c->heard.seq;
	c->ops->send(c->ctx, msg);
}

static void let_dhcp(struct drcp_client *c, bool may)
{
	c->dhcp_at = MSEC_NEVER;
	if (c->dhcp == may)
		return;
	c->dhcp = may;
	c->ops->dhcp(c->ctx, may);
}

static msec_t retry_wait(const struct drcp_client *c)
{
	msec_t wait = c->config.retry;

	for (unsigned int i = 1; i < c->tries && wait < RETRY_MAX; i++)
		wait *= 2;
	return min_time(wait, RETRY_MAX);
}

static void ask(struct drcp_client *c, msec_t now,
		const struct drcp_subnet *subnet)
{
	c->request = (struct drcp_msg){
		.type = DRCP_REQUEST, .stamp = c->ops->stamp(c->ctx),
		.subnet = subnet->prefix, .addr = c->bound.addr,
	};
	c->tries = 1;
	c->asked = now;
	c->solicits = 0;
	c->again = now + retry_wait(c);
	c->renew = MSEC_NEVER;
	transmit(c, &c->request);
	tell(c, DRCP_CLIENT_ASKED, &c->request, 0);
}

static void solicit(struct drcp_client *c, msec_t now)
{
	struct drcp_msg msg = {
		.type = DRCP_SOLICITATION, .stamp = c->ops->stamp(c->ctx),
	};

	c->solicits--;
	c->again = c->solicits ? now + c->config.retry : MSEC_NEVER;
	transmit(c, &msg);
}

static void lose(struct drcp_client *c, msec_t now)
{
	struct drcp_msg was = c->bound;

	if (!is_bound(c))
		return;
	memset(&c->bound, 0, sizeof(c->bound));
	c->expires = c->renew = MSEC_NEVER;
	c->ops->deconfigure(c->ctx);
	tell(c, DRCP_CLIENT_LOST, &was, 0);
	if (c->up && c->dhcp_at == MSEC_NEVER)
		c->dhcp_at = now + c->config.dhcp_wait;
}

void drcp_client_link(struct drcp_client *c, msec_t now, bool up)
{
	c->up = up;
	c->left = false;
	c->request.type = 0;
	c->again = MSEC_NEVER;
	c->dhcp_at = MSEC_NEVER;
	/* Somebody else may be here: what was heard before says nothing. */
	c->heard.period = 0;
	if (!up)
		return;
	/* What was not prolonged, as the link was away, still is to be. */
	if (is_bound(c) && c->renew == MSEC_NEVER)
		c->renew = now + REFUSED_WAIT;
	c->solicits = SOLICITS;
	solicit(c, now);
	if (!c->dhcp)
		c->dhcp_at = now + c->config.dhcp_wait;
}

/* ---- what comes ---- */

static bool is_ahead(const struct drcp_msg *msg, const struct drcp_msg *than)
{
	return msg->server != than->server ||
	       (int32_t)(msg->epoch - than->epoch) > 0 ||
	       (msg->epoch == than->epoch &&
		(int32_t)(msg->seq - than->seq) > 0);
}

static bool is_silent(const struct drcp_client *c, msec_t now)
{
	msec_t period = min_time(c->heard.period, PERIOD_MAX);

	return now - c->heard_at >= period * c->config.missed;
}

/*
 * Who says a number far ahead makes everything that the server says look old. That
 * holds while he is heard, and does not hold against one when he does not answer.
 */
static bool is_fresh(const struct drcp_client *c, msec_t now,
		     const struct drcp_msg *msg)
{
	return is_ahead(msg, &c->proved) &&
	       (is_ahead(msg, &c->heard) || is_silent(c, now) ||
		(c->request.type && c->tries > 1));
}

/* Two servers on one link: the own one counts while it is heard. */
static bool own_is_there(const struct drcp_client *c, msec_t now,
			 const struct drcp_msg *msg)
{
	return is_bound(c) && c->heard.period &&
	       msg->server != c->heard.server &&
	       !is_silent(c, now) && !(c->request.type && c->tries > 1);
}

/* Another one has the first question, and time to answer it. */
static bool is_asked(const struct drcp_client *c, const struct drcp_msg *msg)
{
	return c->request.type && msg->server != c->heard.server &&
	       c->tries < 2;
}

static enum drcp_drop on_advertisement(struct drcp_client *c, msec_t now,
				       const struct drcp_msg *msg)
{
	bool first = !c->heard.period, ahead = is_ahead(msg, &c->heard);

	if (!c->up)
		return DRCP_DROP_ROLE;
	if (!is_fresh(c, now, msg))
		return DRCP_DROP_REPLAY;
	if (own_is_there(c, now, msg) || is_asked(c, msg))
		return DRCP_DROP_SERVER;
	/* Who says what he has and does not answer is left for the next one. */
	if (c->request.type && (msg->server != c->heard.server || !ahead)) {
		c->request.type = 0;
		c->again = MSEC_NEVER;
		/* What was asked for was to be prolonged. */
		if (is_bound(c))
			c->renew = now;
	}
	c->heard = *msg;
	c->heard_at = now;
	if (c->request.type || c->left)
		return DRCP_DROP_NONE;
	for (size_t i = 0; i < msg->n_subnets && is_bound(c); i++) {
		if (!roam_prefix_contains(&msg->subnets[i].prefix,
					  &c->bound.addr))
			continue;
		/* MMP-82: the address stays for what happens inside its subnet. */
		c->solicits = 0;
		c->again = MSEC_NEVER;
		let_dhcp(c, false);
		if (first)
			tell(c, DRCP_CLIENT_KEPT, &c->bound, 0);
		return DRCP_DROP_NONE;
	}
	/* After a refusal the next question waits. */
	if (!c->solicits && c->again != MSEC_NEVER && c->again > now)
		return DRCP_DROP_NONE;
	ask(c, now, &msg->subnets[0]);
	return DRCP_DROP_NONE;
}

static void take(struct drcp_client *c, msec_t now, const struct drcp_msg *msg)
{
	bool same = roam_addr_eq(&c->bound.addr, &msg->addr);

	c->request.type = 0;
	c->again = MSEC_NEVER;
	c->bound = *msg;
	c->proved = *msg;
	/* From the question on, as the server's clock began no earlier. */
	c->expires = c->asked + (msec_t)msg->lease * 1000;
	c->renew = c->asked + (msec_t)msg->lease * 500;
	let_dhcp(c, false);
	if (same)
		return;
	c->ops->configure(c->ctx, &c->bound);
	tell(c, DRCP_CLIENT_CONFIGURED, &c->bound, now - c->asked);
}

static enum drcp_drop on_assignment(struct drcp_client *c, msec_t now,
				    const struct drcp_msg *msg)
{
	if (!c->request.type || msg->stamp != c->request.stamp)
		return DRCP_DROP_UNASKED;
	if (memcmp(msg->client, c->config.client, 6) ||
	    msg->server != c->heard.server)
		return DRCP_DROP_SERVER;
	if (msg->status == DRCP_OK &&
	    !roam_prefix_contains(&msg->subnet, &msg->addr))
		return DRCP_DROP_ADDRESS;
	if (msg->status == DRCP_OK) {
		take(c, now, msg);
		return DRCP_DROP_NONE;
	}
	c->request.type = 0;
	c->again = now + REFUSED_WAIT;
	tell(c, DRCP_CLIENT_REFUSED, msg, now - c->asked);
	/* The lease in force goes on, and is to be prolonged. */
	if (is_bound(c))
		c->renew = now + REFUSED_WAIT;
	else if (c->dhcp_at == MSEC_NEVER)
		c->dhcp_at = now + c->config.dhcp_wait;
	return DRCP_DROP_NONE;
}

enum drcp_drop drcp_client_input(struct drcp_client *c, msec_t now,
				 const struct drcp_msg *msg)
{
	switch (msg->type) {
	case DRCP_ADVERTISEMENT: return on_advertisement(c, now, msg);
	case DRCP_ASSIGNMENT: return on_assignment(c, now, msg);
	default: return DRCP_DROP_ROLE;
	}
}

static void give_back(struct drcp_client *c, uint8_t type)
{
	struct drcp_msg msg = {
		.type = type, .stamp = c->ops->stamp(c->ctx),
		.addr = c->bound.addr,
	};

	transmit(c, &msg);
}

void drcp_client_conflict(struct drcp_client *c, msec_t now)
{
	struct drcp_subnet subnet = { .prefix = c->bound.subnet };

	if (!is_bound(c))
		return;
	tell(c, DRCP_CLIENT_CONFLICT, &c->bound, 0);
	give_back(c, DRCP_DECLINE);
	lose(c, now);
	ask(c, now, &subnet);
}

void drcp_client_leave(struct drcp_client *c, msec_t now)
{
	if (!is_bound(c))
		return;
	give_back(c, DRCP_RELEASE);
	lose(c, now);
	c->left = true;
	c->dhcp_at = MSEC_NEVER;
}

/* ---- time ---- */

static void repeat(struct drcp_client *c, msec_t now)
{
	c->again = MSEC_NEVER;
	if (c->solicits) {
		solicit(c, now);
		return;
	}
	if (!c->request.type)
		return;
	if (c->tries < c->config.tries) {
		c->tries++;
		c->again = now + retry_wait(c);
		transmit(c, &c->request);
		return;
	}
	tell(c, DRCP_CLIENT_UNANSWERED, &c->request, now - c->asked);
	c->request.type = 0;
	c->again = now + REFUSED_WAIT;
	/* What it said may be as false as that it is there. */
	c->heard.period = 0;
	if (!is_bound(c))
		let_dhcp(c, true);
	else
		c->renew = now + REFUSED_WAIT;
}

msec_t drcp_client_tick(struct drcp_client *c, msec_t now)
{
	struct drcp_subnet subnet = { .prefix = c->bound.subnet };

	if (c->expires <= now)
		lose(c, now);
	if (c->renew <= now) {
		c->renew = MSEC_NEVER;
		if (c->up && !c->request.type)
			ask(c, now, &subnet);
	}
	if (c->again <= now)
		repeat(c, now);
	if (c->dhcp_at <= now)
		let_dhcp(c, true);
	return min_time(min_time(c->expires, c->renew),
			min_time(c->again, c->dhcp_at));
}

void drcp_client_status(const struct drcp_client *c,
			struct drcp_client_status *status)
{
	*status = (struct drcp_client_status){
		.addr = c->bound.addr, .subnet = c->bound.subnet,
		.expires = c->expires, .server = c->bound.server,
		.asking = c->request.type,
	};
}
