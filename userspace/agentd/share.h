/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Registrations are shared (SYNC-66..68, TEN-02): the active agent has the virtual
 * address and gives requests to other members, which judge and store them as they do
 * with their own, and give their replies back. The binding is in the table of the
 * active one before its reply is, as a relayed registration waits for all members.
 */
#ifndef ROAM_AGENTD_SHARE_H
#define ROAM_AGENTD_SHARE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/share.h"

struct agent_relay;
struct agentd;
struct sync_msg;
struct udp_datagram;

/* Whether a passive member serves what is sent to this address of its own (TEN-02). */
bool agent_share_takes(const struct agentd *a, const struct roam_addr *to);
/* Gives a request of the node @home to another member; false: it is this agent's. */
bool agent_share_relay(struct agentd *a, const struct udp_datagram *d,
		       const struct roam_addr *home);
/* The reply to a relayed request; @len 0: there is none. */
void agent_share_answer(struct agentd *a, const struct agent_relay *via,
			const uint8_t *data, size_t len);
/* A relay or an answer came; it is carried out by agent_share_run(). */
void agent_share_passed(struct agentd *a, const struct sync_msg *msg);
/* Behind what was told at once, when tables and kernel have it. */
void agent_share_run(struct agentd *a);
/* Nothing is under way. */
void agent_share_reset(void);

/* For the control socket. */
json_t *agent_share_show(json_t *members);
/* Members in the order in which they would serve that node. */
json_t *agent_share_order(struct agentd *a, const struct roam_addr *home);
void agent_share_counters(json_t *object);

#endif
