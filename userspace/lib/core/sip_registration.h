/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registrations of a host at its SIP servers: one for each account and server,
 * all in parallel, renewed at two thirds of their time (SIP-04, SIP-06, SIP-07,
 * D-22), tried again with growing distance where a server does not answer.
 *
 * Contract: pure state machine, as core/sip_session.h.
 */
#ifndef ROAM_CORE_SIP_REGISTRATION_H
#define ROAM_CORE_SIP_REGISTRATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

struct sip_registration;

/**
 * struct sip_registration_ops - what the core asks of its surroundings
 * @send: send a REGISTER that replaces the old contact by the present one, for
 *	@expires seconds (0: nobody is there any more). A request without answer
 *	is given up by that. False: it could not be sent
 * @event: the registration stands (@code 200, @took ms after the change) or was
 *	refused (@code; 0: no answer), for a log line
 */
struct sip_registration_ops {
	bool (*send)(void *ctx, void *user, unsigned int expires);
	void (*event)(void *ctx, void *user, unsigned int code, msec_t took);
};

/**
 * struct sip_registration_config - settings
 * @expires: seconds wanted
 * @retry: ms until a server that did not answer or refused is asked again
 * @retry_max: doubling ends here
 */
struct sip_registration_config {
	unsigned int expires;
	msec_t retry;
	msec_t retry_max;
};

extern const struct sip_registration_config sip_registration_defaults;

/**
 * struct sip_registration_status - what there is to show
 * @registered: the server knows the present address
 * @doubted: it did not answer somebody, and nothing since
 * @expires: when it forgets it, MSEC_NEVER if it does not know it
 * @next: when it is asked next
 * @last_code: of its last answer, 0 for none
 * @tries: requests since it last agreed
 * @took: ms from the change to its answer, -1 before
 */
struct sip_registration_status {
	bool registered;
	bool doubted;
	msec_t expires;
	msec_t next;
	unsigned int last_code;
	unsigned int tries;
	msec_t took;
};

struct sip_registrations;

struct sip_registrations *
sip_registrations_new(const struct sip_registration_config *config,
		      const struct sip_registration_ops *ops, void *ctx);
/* Other settings are in force with the next request of each. */
void sip_registrations_configure(struct sip_registrations *all,
				 const struct sip_registration_config *config);
void sip_registrations_free(struct sip_registrations *all);

/* One more; registered with the next move, which may be the first. */
struct sip_registration *sip_registration_new(struct sip_registrations *all,
					      void *user);
void sip_registration_free(struct sip_registration *reg);

/* The address changed; @anywhere: there is one. All servers are told at once. */
void sip_registrations_move(struct sip_registrations *all, msec_t now,
			    bool anywhere);
/* This host leaves: registrations end, until the next move. */
void sip_registrations_leave(struct sip_registrations *all, msec_t now);
/* @code 0: no answer. @expires as granted, or as wanted at least with 423. */
void sip_registration_answered(struct sip_registration *reg, msec_t now,
			       unsigned int code, unsigned int expires);
void sip_registration_status(const struct sip_registration *reg,
			     struct sip_registration_status *status);
/* Its server did not answer a call: it is asked at once, and doubted until it answers. */
void sip_registration_doubt(struct sip_registration *reg, msec_t now);
/* Carries out what is due; returns when to call again. */
msec_t sip_registrations_tick(struct sip_registrations *all, msec_t now);

#endif
