/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a receiver of RTP can say about it (RFC 3550 6.4.1, appendix A): how many
 * packets came, how many did not, how evenly, and how long nothing came at all.
 * Pure: the time of each packet is told.
 */
#ifndef ROAM_CORE_RTP_H
#define ROAM_CORE_RTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTP_HEADER_LEN 12

/**
 * struct rtp_stats - of one stream as received; zeroed = nothing came
 * @ssrc: its source
 * @packets: packets that came
 * @bytes: of them, headers included
 * @expected: packets that should have come, by their numbers
 * @late: packets that came out of order or twice
 * @other: what is no RTP
 * @restarts: times that another source or numbering began
 * @highest: highest number, with the times it wrapped
 * @jitter: in 1/16 of timestamp units, as appendix A.8 computes it
 * @transit: of the packet before
 * @last: when the last packet came, us; 0: none came
 * @gap: longest time without a packet since rtp_stats_mark(), us
 * @rate: timestamp units in a second, 0: 8000
 * @marked: when rtp_stats_mark() was, us; 0: never
 * @resumed: when the first packet after it came, us; 0: none did
 * @mark_packets: @packets at rtp_stats_mark()
 * @mark_expected: @expected then
 */
struct rtp_stats {
	uint32_t ssrc;
	uint64_t packets;
	uint64_t bytes;
	uint64_t expected;
	uint64_t late;
	uint64_t other;
	uint64_t restarts;
	uint32_t highest;
	uint32_t jitter;
	int32_t transit;
	int64_t last;
	int64_t gap;
	uint32_t rate;
	int64_t marked;
	int64_t resumed;
	uint64_t mark_packets;
	uint64_t mark_expected;
};

/* A datagram came at @now, microseconds of a clock that never goes back. */
void rtp_stats_input(struct rtp_stats *stats, int64_t now, const uint8_t *data,
		     size_t len);
/* Gap and loss are counted from @now on: a move begins. */
void rtp_stats_mark(struct rtp_stats *stats, int64_t now);
/* Packets that were sent and did not come since the mark. */
uint64_t rtp_stats_lost(const struct rtp_stats *stats);
/* Microseconds. */
uint32_t rtp_stats_jitter(const struct rtp_stats *stats);

#endif
