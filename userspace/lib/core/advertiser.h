/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When an agent advertises itself on a link (RFC 5944 2.3, RFC 1256 6.2.4): at
 * intervals with some jitter, three times quickly at the start, and soon after a
 * solicitation. Pure: told the time, says when.
 */
#ifndef ROAM_CORE_ADVERTISER_H
#define ROAM_CORE_ADVERTISER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

/**
 * struct advertiser - of one link; all zero but @interval at first
 * @interval: ms between two advertisements, 0: only when asked
 * @sequence: of the next one
 * @sent: advertisements so far
 * @answered: of them, those that somebody had asked for
 * @asked: the next one is of these
 * @last: when the last was sent
 * @next: when the next is due
 */
struct advertiser {
	msec_t interval;
	uint16_t sequence;
	uint32_t sent;
	uint32_t answered;
	bool asked;
	msec_t last;
	msec_t next;
};

void advertiser_start(struct advertiser *a, msec_t now, msec_t interval);
/*
 * True: one is to be sent now, with the sequence number that was in @sequence,
 * which is the next one's then. @random: for the jitter.
 */
bool advertiser_tick(struct advertiser *a, msec_t now, uint32_t random,
		     uint16_t *sequence);
/*
 * Another agent advertised until now, and its visitors are known here. A low sequence would
 * say that they were lost, so that all of them registered at once (RFC 5944 2.3.2): the
 * number goes on where the other one's may have wrapped.
 */
void advertiser_succeed(struct advertiser *a);
/* Somebody asked. */
void advertiser_solicited(struct advertiser *a, msec_t now);

#endif
