/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MMP on a mobile host: steps 402 to 418 of the description of MMP
 * (Documentation/protocols/mmp.md). It decides which base station is the default
 * router and what the domain is told about that. No I/O.
 */
#ifndef ROAM_CORE_MMP_HOST_H
#define ROAM_CORE_MMP_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/time.h"
#include "core/mmp_node.h"
#include "wire/mmp.h"

#define MMP_STATIONS_MAX 64	/* base stations heard, or known from before */
#define MMP_ADDRS_MAX 4		/* care-of addresses of one host */

enum mmp_handoff { MMP_HARD, MMP_SEMISOFT };

/**
 * struct mmp_host_config - of a mobile host
 * @key_id: domain key that the host's keys are made from
 * @handoff: kind of handoff inside a domain (MMP-36)
 * @measured: the semi-soft period ends when both ways are known to work, and
 *	lasts @semisoft otherwise; false: always @semisoft
 * @semisoft: ms (D-14)
 * @update: a host silent for so long sends a route update, ms (D-13)
 * @missed: beacons missed until a base station is given up (D-16)
 * @retry: ms until an unanswered message is sent again; doubles
 * @retry_max: up to this
 * @tries: then the base station is avoided
 * @avoid: for so long, ms
 */
struct mmp_host_config {
	uint32_t key_id;
	enum mmp_handoff handoff;
	bool measured;
	msec_t semisoft;
	msec_t update;
	unsigned int missed;
	msec_t retry;
	msec_t retry_max;
	unsigned int tries;
	msec_t avoid;
};

/**
 * struct mmp_station - a base station
 * @hop: where it is
 * @beacon: its last beacon
 * @heard: when that came
 * @period: ms between beacons by which it is missed
 * @period_until: until then a beacon that says a shorter one is not believed in that
 * @known: the same; not forgotten when the link changes
 * @recalled: @beacon is from before the host came back; its number is a newer one
 * @avoid: not to be chosen before, if there is another one
 * @failures: times that it did not answer, since it did
 * @acknowledged: it was the way of an acknowledgement once
 */
struct mmp_station {
	struct mmp_hop hop;
	struct mmp_msg beacon;
	msec_t heard;
	msec_t period;
	msec_t period_until;
	msec_t known;
	bool recalled;
	msec_t avoid;
	unsigned int failures;
	bool acknowledged;
};

enum mmp_host_state {
	MMP_HOST_SEARCHING,	/* step 404: no base station yet */
	MMP_HOST_NO_ADDRESS,	/* step 416: no care-of address of this subnet */
	MMP_HOST_REGISTERING,	/* not acknowledged yet */
	MMP_HOST_SEMISOFT,	/* hears two base stations */
	MMP_HOST_ATTACHED,
};

/** enum mmp_movement - of which kind a movement was (MMP-02). */
enum mmp_movement {
	MMP_MOVE_DOMAIN,	/* inside a domain */
	MMP_MOVE_SUBNET,	/* to another domain of the same subnet */
	MMP_MOVE_NETWORK,	/* to another subnet, or the first one ever */
};

/**
 * struct mmp_handoff_record - one movement
 * @at: when it began
 * @from: base station before; no name for the first one
 * @to: base station after
 * @domain: domain id after
 * @movement: its kind
 * @handoff: how, where it was inside a domain
 * @reason: why
 * @took: ms until it was acknowledged; -1 if it failed
 * @period: ms that two base stations were listened to
 * @skew_us: by how much the acknowledgement was later by the old way than by the new one
 * @unheard: ms until the first message of it for which no base station was heard
 * @messages: sent for it
 */
struct mmp_handoff_record {
	msec_t at;
	struct mmp_name from;
	struct mmp_name to;
	uint32_t domain;
	enum mmp_movement movement;
	enum mmp_handoff handoff;
	const char *reason;
	msec_t took;
	msec_t period;
	int64_t skew_us;
	msec_t unheard;
	unsigned int messages;
};

enum mmp_host_event_type {
	MMP_HOST_STATE,		/* another state or base station */
	MMP_HOST_HANDOFF,	/* a movement ended; @record says how */
	MMP_HOST_DENIED,	/* the domain refuses the address */
	MMP_HOST_GATEWAY,	/* another gateway behind the same base station */
};

/**
 * struct mmp_host_event - for log and monitor
 * @type: what happened
 * @state: the present one
 * @station: the present base station or NULL
 * @record: for MMP_HOST_HANDOFF
 * @reason: why, in a few words
 */
struct mmp_host_event {
	enum mmp_host_event_type type;
	enum mmp_host_state state;
	const struct mmp_station *station;
	const struct mmp_handoff_record *record;
	const char *reason;
};

/**
 * struct mmp_host_memory - what a restart must not forget
 * @seq: no sequence up to this is used again; it is ahead of those that were
 *	used, so that not each message is written down
 * @station: where the base station is that is the default router
 * @domain: its domain id
 * @gateway: its gateway; none: there is no default router
 */
struct mmp_host_memory {
	uint64_t seq;
	struct mmp_hop station;
	uint32_t domain;
	struct roam_addr gateway;
};

/**
 * struct mmp_host_ops - what the core asks its caller for
 * @send: @msg to its gateway, from msg->coa, by this base station
 * @set_router: default router: the station, for both families; NULL: none.
 *	False if the kernel did not take it: it is asked again
 * @save: this has to be remembered over a restart; before the message that needs
 *	it leaves
 * @wallclock: ns since 1970, where sequences begin
 * @event: see above
 */
struct mmp_host_ops {
	void (*send)(void *ctx, const struct mmp_station *by,
		     const struct mmp_msg *msg);
	bool (*set_router)(void *ctx, const struct mmp_station *station);
	void (*save)(void *ctx, const struct mmp_host_memory *memory);
	uint64_t (*wallclock)(void *ctx);
	void (*event)(void *ctx, const struct mmp_host_event *event);
};

struct mmp_host;

/* NULL when out of memory. @config is copied. */
struct mmp_host *mmp_host_new(const struct mmp_host_config *config,
			      const struct mmp_host_ops *ops, void *ctx);
void mmp_host_free(struct mmp_host *host);
/* Another configuration is in force from the next movement on. */
void mmp_host_configure(struct mmp_host *host,
			const struct mmp_host_config *config);
/*
 * What was saved before a restart; before the first input. Sequences go on behind
 * it, and the base station is waited for as long as it takes to miss its
 * beacons: packets go on by it (OPEN-45).
 */
void mmp_host_remember(struct mmp_host *host, msec_t now,
		       const struct mmp_host_memory *memory);
/* Care-of addresses that this host has now; at most MMP_ADDRS_MAX are used. */
void mmp_host_addresses(struct mmp_host *host, msec_t now,
			const struct roam_addr *addrs, size_t n);
/*
 * Step 402. @up: the interface works. @changed: it tells of another base
 * station (channel, association, carrier), whose beacon is awaited.
 */
void mmp_host_link(struct mmp_host *host, msec_t now, uint32_t link, bool up,
		   bool changed);
/*
 * The radio of a link is with this access point: where its beacon is known from before
 * the host goes there at once (MMP-83), else with the next one (MMP-84).
 */
void mmp_host_associated(struct mmp_host *host, msec_t now, uint32_t link,
			 const uint8_t bssid[6]);
/* The radio of a link has left its access point: nothing is heard by it now. */
void mmp_host_unheard(struct mmp_host *host, msec_t now, uint32_t link);
/* An authenticated beacon or acknowledgement. */
enum mmp_drop mmp_host_input(struct mmp_host *host,
			     const struct mmp_arrival *arrival,
			     const struct mmp_msg *msg);
/* Goes to a base station that is heard. False if it is not. */
bool mmp_host_move(struct mmp_host *host, msec_t now,
		   const struct mmp_name *station, const char *reason);
/* Something left with a care-of address as source (MMP-93). */
void mmp_host_transmitted(struct mmp_host *host, msec_t now);
/* Does what is due; returns when next. */
msec_t mmp_host_tick(struct mmp_host *host, msec_t now);

/* For those who show. */
enum mmp_host_state mmp_host_state(const struct mmp_host *host);
const char *mmp_host_state_name(enum mmp_host_state state);
const char *mmp_movement_name(enum mmp_movement movement);
/* NULL while there is none. */
const struct mmp_station *mmp_host_station(const struct mmp_host *host);
const struct mmp_station *mmp_host_stations(const struct mmp_host *host,
					    size_t *n);
const struct mmp_host_config *mmp_host_config(const struct mmp_host *host);

#endif
