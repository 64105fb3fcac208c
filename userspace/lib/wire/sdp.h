/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Session descriptions (RFC 8866, RFC 3264), as far as a host that moves has to
 * understand them: where media go, and how to say that they go somewhere else
 * now. Everything else in a description is the business of the two ends and is
 * passed on byte by byte.
 */
#ifndef ROAM_WIRE_SDP_H
#define ROAM_WIRE_SDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/* A longer description, or one with more streams, is refused. */
#define ROAM_SDP_MAX 8192
#define ROAM_SDP_MEDIA_MAX 8

/** enum roam_sdp_direction - seen from who wrote the description. */
enum roam_sdp_direction {
	ROAM_SDP_SENDRECV,
	ROAM_SDP_SENDONLY,
	ROAM_SDP_RECVONLY,
	ROAM_SDP_INACTIVE,
};

/**
 * struct roam_sdp_media - one stream
 * @addr: where it is received; all zero: nowhere (put on hold by 0.0.0.0)
 * @rtcp_addr: where reports are received
 * @port: port, host order; 0: the stream is refused or has ended
 * @rtcp_port: port of reports
 * @rtp: it is RTP
 * @direction: who sends
 */
struct roam_sdp_media {
	struct roam_addr addr;
	struct roam_addr rtcp_addr;
	uint16_t port;
	uint16_t rtcp_port;
	bool rtp;
	enum roam_sdp_direction direction;
};

/**
 * struct roam_sdp - what a description says about where media go
 * @n_media: streams
 * @media: each
 */
struct roam_sdp {
	size_t n_media;
	struct roam_sdp_media media[ROAM_SDP_MEDIA_MAX];
};

/**
 * struct roam_sdp_place - what a description shall say instead
 * @session: number of the session in the origin line, stays for its whole life
 * @version: rises by one with each change (RFC 3264 8)
 * @addr: where media are received
 * @ports: of the streams; a refused one keeps 0
 */
struct roam_sdp_place {
	uint64_t session;
	uint64_t version;
	struct roam_addr addr;
	uint16_t ports[ROAM_SDP_MEDIA_MAX];
};

/**
 * roam_sdp_read() - understand a description
 * @text: the text, not terminated
 * @len: its length in bytes
 * @sdp: filled in
 *
 * Return: NULL, or half a sentence that says what is wrong with it.
 */
const char *roam_sdp_read(const char *text, size_t len, struct roam_sdp *sdp);

/**
 * roam_sdp_move() - the same description for another place
 * @text: a description that roam_sdp_read() took
 * @len: its length in bytes
 * @place: what to say instead
 * @out: written to, not terminated
 * @room: bytes there
 *
 * Origin and connection lines and ports are written anew. Candidates of ICE and
 * ports of reports go: they would lead past the place.
 *
 * Return: bytes written, 0 if there was too little room.
 */
size_t roam_sdp_move(const char *text, size_t len,
		     const struct roam_sdp_place *place, char *out,
		     size_t room);

#endif
