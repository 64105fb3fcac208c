// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/sip_registration.h"

#include <stdlib.h>

#define EXPIRES_MIN 10		/* seconds: a server that grants less wants a flood */
#define EXPIRES_MAX 86400

const struct sip_registration_config sip_registration_defaults = {
	.expires = 300,
	.retry = 2000,
	.retry_max = 300000,
};

/**
 * struct sip_registration - one account at one server
 * @all: the core
 * @user: the owner's object
 * @next_in_list: the next of all
 * @pending: a request is on its way
 * @registered: the server agreed to the present address
 * @doubted: it did not answer somebody, and nothing since
 * @left: told that nobody is there
 * @wanted: seconds asked for; more than configured after a 423
 * @expires: when the server forgets, MSEC_NEVER if it knows nothing
 * @next: when something is due
 * @since: when it had to be told
 * @last_code: of the last answer
 * @tries: requests since it last agreed
 * @took: ms it took
 */
struct sip_registration {
	struct sip_registrations *all;
	void *user;
	struct sip_registration *next_in_list;
	bool pending;
	bool registered;
	bool doubted;
	bool left;
	unsigned int wanted;
	msec_t expires;
	msec_t next;
	msec_t since;
	unsigned int last_code;
	unsigned int tries;
	msec_t took;
};

/**
 * struct sip_registrations - the core
 * @config: settings
 * @ops: surroundings
 * @ctx: for them
 * @first: the list; a handful, so nothing but a list
 * @anywhere: this host has an address
 */
struct sip_registrations {
	struct sip_registration_config config;
	const struct sip_registration_ops *ops;
	void *ctx;
	struct sip_registration *first;
	bool anywhere;
};

struct sip_registrations *
sip_registrations_new(const struct sip_registration_config *config,
		      const struct sip_registration_ops *ops, void *ctx)
{
	struct sip_registrations *all = calloc(1, sizeof(*all));

	if (!all)
		return NULL;
	all->config = *config;
	all->ops = ops;
	all->ctx = ctx;
	return all;
}

void sip_registrations_configure(struct sip_registrations *all,
				 const struct sip_registration_config *config)
{
	all->config = *config;
	for (struct sip_registration *reg = all->first; reg;
	     reg = reg->next_in_list)
		reg->wanted = config->expires;
}

void sip_registrations_free(struct sip_registrations *all)
{
	if (!all)
		return;
	while (all->first)
		sip_registration_free(all->first);
	free(all);
}

struct sip_registration *sip_registration_new(struct sip_registrations *all,
					      void *user)
{
	struct sip_registration *reg = calloc(1, sizeof(*reg)), **at;

	if (!reg)
		return NULL;
	reg->all = all;
	reg->user = user;
	reg->wanted = all->config.expires;
	reg->expires = reg->next = MSEC_NEVER;
	reg->took = -1;
	for (at = &all->first; *at; at = &(*at)->next_in_list)
		;
	*at = reg;
	return reg;
}

void sip_registration_free(struct sip_registration *reg)
{
	struct sip_registration **at;

	if (!reg)
		return;
	for (at = &reg->all->first; *at != reg; at = &(*at)->next_in_list)
		;
	*at = reg->next_in_list;
	free(reg);
}

static msec_t retry_wait(const struct sip_registration *reg)
{
	msec_t wait = reg->all->config.retry;

	for (unsigned int i = 1; i < reg->tries &&
	     wait < reg->all->config.retry_max; i++)
		wait *= 2;
	return min_time(wait, reg->all->config.retry_max);
}

static void send(struct sip_registration *reg, msec_t now)
{
	struct sip_registrations *all = reg->all;

	reg->pending = true;
	reg->next = MSEC_NEVER;
	reg->tries++;
	if (all->ops->send(all->ctx, reg->user, reg->left ? 0 : reg->wanted))
		return;
	reg->pending = false;
	reg->next = now + retry_wait(reg);
}

void sip_registrations_move(struct sip_registrations *all, msec_t now,
			    bool anywhere)
{
	struct sip_registration *reg;

	all->anywhere = anywhere;
	for (reg = all->first; reg; reg = reg->next_in_list) {
		reg->registered = false;
		reg->left = false;
		reg->since = now;
		reg->tries = 0;
		reg->next = MSEC_NEVER;
		if (anywhere)
			send(reg, now);
	}
}

void sip_registrations_leave(struct sip_registrations *all, msec_t now)
{
	struct sip_registration *reg;

	for (reg = all->first; reg; reg = reg->next_in_list) {
		reg->left = true;
		reg->registered = false;
		reg->since = now;
		reg->tries = 0;
		if (all->anywhere)
			send(reg, now);
	}
}

static void agreed(struct sip_registration *reg, msec_t now,
		   unsigned int expires)
{
	bool renewed = reg->registered;

	reg->tries = 0;
	if (reg->left) {
		reg->expires = MSEC_NEVER;
		return;
	}
	if (expires < EXPIRES_MIN)
		expires = EXPIRES_MIN;
	if (expires > reg->wanted)
		expires = reg->wanted;
	reg->registered = true;
	reg->expires = now + (msec_t)expires * 1000;
	reg->next = now + (msec_t)expires * 2000 / 3;
	if (renewed)
		return;
	reg->took = now - reg->since;
	reg->all->ops->event(reg->all->ctx, reg->user, 200, reg->took);
}

void sip_registration_answered(struct sip_registration *reg, msec_t now,
			       unsigned int code, unsigned int expires)
{
	struct sip_registrations *all = reg->all;

	if (!reg->pending)
		return;
	reg->pending = false;
	reg->last_code = code;
	if (code)
		reg->doubted = false;
	if (code >= 200 && code < 300) {
		agreed(reg, now, expires);
		return;
	}
	if (code == 423 && expires > reg->wanted && expires <= EXPIRES_MAX) {
		reg->wanted = expires;
		send(reg, now);
		return;
	}
	if (reg->expires != MSEC_NEVER && reg->expires <= now)
		reg->registered = false;
	/* Who leaves says so once. */
	reg->next = reg->left ? MSEC_NEVER : now + retry_wait(reg);
	all->ops->event(all->ctx, reg->user, code, now - reg->since);
}

void sip_registration_doubt(struct sip_registration *reg, msec_t now)
{
	reg->doubted = true;
	if (reg->all->anywhere && !reg->pending && !reg->left)
		send(reg, now);
}

void sip_registration_status(const struct sip_registration *reg,
			     struct sip_registration_status *status)
{
	*status = (struct sip_registration_status){
		.registered = reg->registered,
		.doubted = reg->doubted,
		.expires = reg->expires,
		.next = reg->next,
		.last_code = reg->last_code,
		.tries = reg->tries,
		.took = reg->took,
	};
}

msec_t sip_registrations_tick(struct sip_registrations *all, msec_t now)
{
	struct sip_registration *reg;
	msec_t next = MSEC_NEVER;

	for (reg = all->first; reg; reg = reg->next_in_list) {
		/* Between networks nothing can be done; the next move begins anew. */
		if (!all->anywhere)
			break;
		if (reg->next <= now)
			send(reg, now);
		next = min_time(next, reg->next);
	}
	return next;
}
