/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connection of the kernel's connection tracking as an entry of the sync engine, with
 * its address translation: Documentation/protocols/sync.md. Codec only.
 */
#ifndef ROAM_CORE_FLOW_H
#define ROAM_CORE_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

#define FLOW_ENTRY 16		/* table type on the wire */
#define FLOW_KEY_LEN 40
#define FLOW_VALUE_LEN 48
#define FLOW_DIGESTED 44	/* all but the timeout */
#define FLOW_TIMEOUT_MAX 432000	/* s, what the kernel gives an established one */

/** enum flow_state - of TCP, the kernel's numbers; those worth keeping */
enum flow_state {
	FLOW_NO_STATE = 0,	/* UDP */
	FLOW_ESTABLISHED = 3,
	FLOW_FIN_WAIT = 4,
	FLOW_CLOSE_WAIT = 5,
	FLOW_LAST_ACK = 6,
};

/**
 * struct flow - a connection; addresses and ports as packets have them before translation,
 * and as answers have them
 * @proto: IPPROTO_TCP or IPPROTO_UDP
 * @zone: of conntrack
 * @src: who began it
 * @dst: to whom, as it was written
 * @sport: port of @src, host order, like all ports
 * @dport: port of @dst
 * @reply_src: who answers, not @dst where that is translated
 * @reply_dst: whom it answers, not @src where that is translated
 * @reply_sport: port of @reply_src
 * @reply_dport: port of @reply_dst
 * @mark: of conntrack
 * @state: enum flow_state
 * @scale: window scales, of @src and of @reply_src
 * @timeout: s that it may be idle
 */
struct flow {
	uint8_t proto;
	uint16_t zone;
	struct roam_addr src;
	struct roam_addr dst;
	uint16_t sport;
	uint16_t dport;
	struct roam_addr reply_src;
	struct roam_addr reply_dst;
	uint16_t reply_sport;
	uint16_t reply_dport;
	uint32_t mark;
	uint8_t state;
	uint8_t scale[2];
	uint32_t timeout;
};

/* Whether it is one that this table holds; all that is read has passed it. */
bool flow_is_valid(const struct flow *flow);
/* Write FLOW_KEY_LEN and FLOW_VALUE_LEN bytes. */
void flow_key_encode(const struct flow *flow, uint8_t *key);
void flow_value_encode(const struct flow *flow, uint8_t *value);
/* False if it is no valid flow; the lengths are checked as well. */
bool flow_decode(const uint8_t *key, size_t key_len, const uint8_t *value,
		 size_t len, struct flow *flow);
/* The members that a key has; the others stay as they are. */
bool flow_key_decode(const uint8_t *key, size_t key_len, struct flow *flow);

#endif
