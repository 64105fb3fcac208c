// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/rtp.h"

#define RATE_DEFAULT 8000
#define JUMP_MAX 3000		/* numbers: more is another numbering (A.1) */
#define LATE_MAX 100

static uint32_t read_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

static void restart(struct rtp_stats *s, uint32_t ssrc, uint16_t seq)
{
	s->restarts += s->packets != 0;
	s->ssrc = ssrc;
	s->highest = seq;
	s->expected++;
	s->transit = 0;
}

static void take_number(struct rtp_stats *s, uint32_t ssrc, uint16_t seq,
			bool first)
{
	uint16_t ahead = seq - (uint16_t)s->highest;

	if (first || ssrc != s->ssrc) {
		restart(s, ssrc, seq);
	} else if (ahead && ahead < JUMP_MAX) {
		s->highest += ahead;
		s->expected += ahead;
	} else if (ahead && ahead < 65536 - LATE_MAX) {
		restart(s, ssrc, seq);
	} else {
		s->late++;
	}
}

/* Signed arithmetic of a difference of 32-bit clocks (A.8). */
static void take_time(struct rtp_stats *s, int64_t now, uint32_t timestamp,
		      bool first)
{
	uint32_t rate = s->rate ? s->rate : RATE_DEFAULT;
	uint32_t arrival = (uint32_t)(now / 1000 * rate / 1000 +
				      now % 1000 * rate / 1000000);
	int32_t transit = (int32_t)(arrival - timestamp);
	int64_t d = (int64_t)transit - s->transit;

	if (!first && s->transit) {
		int64_t jitter = s->jitter;

		if (d < 0)
			d = -d;
		/* A clock that jumps is no jitter. */
		if (d < (int64_t)rate * 10)
			jitter += d - ((jitter + 8) >> 4);
		s->jitter = jitter < 0 ? 0 : (uint32_t)jitter;
	}
	s->transit = transit;
}

void rtp_stats_input(struct rtp_stats *s, int64_t now, const uint8_t *data,
		     size_t len)
{
	bool first = !s->packets;

	if (len < RTP_HEADER_LEN || data[0] >> 6 != 2) {
		s->other++;
		return;
	}
	take_number(s, read_u32(data + 8), data[2] << 8 | data[3], first);
	take_time(s, now, read_u32(data + 4), first);
	s->packets++;
	s->bytes += len;
	if (s->last && now - s->last > s->gap)
		s->gap = now - s->last;
	s->last = now;
	if (!s->resumed)
		s->resumed = now;
}

void rtp_stats_mark(struct rtp_stats *s, int64_t now)
{
	s->gap = 0;
	s->marked = now;
	s->resumed = 0;
	s->mark_packets = s->packets;
	s->mark_expected = s->expected;
}

uint64_t rtp_stats_lost(const struct rtp_stats *s)
{
	uint64_t expected = s->expected - s->mark_expected;
	uint64_t packets = s->packets - s->mark_packets;

	return expected > packets ? expected - packets : 0;
}

uint32_t rtp_stats_jitter(const struct rtp_stats *s)
{
	uint32_t rate = s->rate ? s->rate : RATE_DEFAULT;

	return (uint32_t)((uint64_t)(s->jitter >> 4) * 1000000 / rate);
}
