// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/advertiser.h"

#include "wire/mip.h"

#define INITIAL 3		/* RFC 1256: advertisements at first ... */
#define INITIAL_INTERVAL 1000	/* ... this often, ms, or more often */
#define SPACING 50		/* ms between answers to solicitations */

void advertiser_start(struct advertiser *a, msec_t now, msec_t interval)
{
	bool running = a->sent;

	a->interval = interval;
	if (!running || a->next > now + interval)
		a->next = interval || running ? now : MSEC_NEVER;
}

bool advertiser_tick(struct advertiser *a, msec_t now, uint32_t random,
		     uint16_t *sequence)
{
	msec_t wait = a->interval;

	if (now < a->next)
		return false;
	*sequence = a->sequence;
	a->sequence = mip_sequence_next(a->sequence);
	a->last = now;
	a->sent++;
	a->answered += a->asked;
	a->asked = false;
	if (a->sent < INITIAL)
		wait = min_time(wait, INITIAL_INTERVAL);
	/* between three quarters and all of it, so that agents do not beat alike */
	a->next = wait ? now + wait - (msec_t)(random % (uint32_t)(wait / 4 + 1)) :
			 MSEC_NEVER;
	return true;
}

void advertiser_succeed(struct advertiser *a)
{
	if (a->sequence < MIP_SEQUENCE_WRAP)
		a->sequence = MIP_SEQUENCE_WRAP;
}

/* One answer serves all who ask at once, and a flood of questions. */
void advertiser_solicited(struct advertiser *a, msec_t now)
{
	a->asked = true;
	a->next = min_time(a->next, a->sent ? max_time(now, a->last + SPACING) :
					      now);
}
