/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Media of a phone of this host: packets pass between a port on the local side,
 * which the phone knows for the whole call, and one on the wide side, which is bound to
 * no address. So the phone never learns that this host moves, and what it sends leaves
 * with the address of now. Packets are passed on byte by byte.
 */
#ifndef ROAM_SIPD_MEDIA_H
#define ROAM_SIPD_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "core/rtp.h"
#include "sipd/config.h"
#include "wire/sdp.h"

struct media;

/* @n streams; NULL with a sentence in *error, caller frees. */
struct media *media_open(const struct config *config, size_t n, char **error);
void media_close(struct media *media);
size_t media_streams(const struct media *media);
/* Ports of a side, as they go into descriptions for it. */
void media_wide_ports(const struct media *media, uint16_t *ports);
void media_local_ports(const struct media *media, uint16_t *ports);
/* Where the two ends receive. False: an address that nothing may be sent to. */
bool media_set_peer(struct media *media, const struct roam_sdp *sdp);
void media_set_phone(struct media *media, const struct roam_sdp *sdp);
/* What came from the peer, of the stream that most came of. */
const struct rtp_stats *media_received(const struct media *media);
/* A move begins: gap and loss are counted from here. */
void media_mark(struct media *media);
/* Packets that came from anywhere but the peer. */
uint64_t media_strangers(const struct media *media);
/* Packets that were not sent, as nothing comes from where the peer says that it is. */
uint64_t media_withheld(const struct media *media);
/* Microseconds of the clock that arrivals are measured with. */
int64_t media_now(void);

#endif
