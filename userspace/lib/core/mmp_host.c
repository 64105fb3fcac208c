// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/mmp_host.h"

#include <stdlib.h>
#include <string.h>

#define OVERSLEPT 20	/* ms that a tick may be late */
#define SEQ_AHEAD 60000000000ULL /* sequences that are saved at once: a minute */
#define SEQ_JUMP 10000000000ULL	/* ten seconds, when a sequence is too old */
#define SEQ_JUMP_MAX 86400000000000ULL
#define AVOID_MAX 300000	/* ms that a base station is avoided at most */
#define DOUBT_TRIES 2	/* questions to a gateway that is said to be gone */
#define FAILURES_MAX 8	/* counted ones */
#define PERIOD_MAX 10000	/* ms between beacons; who says more is not waited for longer */
#define RECALL_TIME 3600000	/* ms for which a base station is known */
#define RECALL_BEHIND 8		/* beacons that it may be behind the gateway */
#define EARLY_RETRY 5		/* ms; a radio that was just let in may drop what comes first */
#define EARLY_TRIES 4
#define UNHEARD_MARGIN 50	/* ms: on the way, and until somebody noticed */
#define ADOPT_WAIT 1500	/* ms for the base station of before a restart */

/**
 * struct mmp_host_addr - a care-of address
 * @addr: the address
 * @first: sequence of the first try of the exchange under way
 * @last: sequence of the last message
 * @answered: the exchange is acknowledged
 * @marked_old: a semi-soft update was acknowledged by the old base station
 * @marked_new: the same by the new one
 */
struct mmp_host_addr {
	struct roam_addr addr;
	uint64_t first;
	uint64_t last;
	bool answered;
	bool marked_old;
	bool marked_new;
};

/**
 * struct mmp_host - see the header
 * @config: as given
 * @ops: as given
 * @ctx: for @ops
 * @state: see there
 * @stations: base stations heard; their places do not change
 * @n_stations: their number
 * @present: index of the default router, -1: none
 * @next: index of the new base station of a semi-soft handoff, -1: none
 * @waiting: link that told of another base station, 0: none; its next beacon
 *	is followed
 * @waiting_why: the reason of that movement
 * @addrs: care-of addresses
 * @n_addrs: their number
 * @seq: the highest sequence used
 * @jump: by how much sequences go ahead when the domain has seen a higher one
 * @memory: as saved
 * @unsaved: @memory has changed in what can wait until messages have left
 * @adopt_until: until then only @memory.station is taken as the first one, 0: any
 * @doubtful: the base station is said to have no gateway, and is asked
 * @routed: the default router is the present base station's
 * @domain: of the last base station, for step 406
 * @gateway: of the last base station, for step 406
 * @attached: there was a base station before
 * @type: of the exchange under way
 * @record: the movement under way
 * @is_moving: there is one
 * @unheard: since when the link of the default router hears nothing, MSEC_NEVER: it does
 * @newest: the newest beacon of a default router
 * @named: epoch and number of the beacon that the last message named
 * @tries: of the exchange under way
 * @early: tries that are left before they count, a short time apart
 * @retry_at: next try, MSEC_NEVER without an exchange
 * @retry_after: wait until the one after it
 * @semisoft_end: latest end of the semi-soft period
 * @update_at: next route update
 * @due: when it wanted to run next
 * @marked_us: when an acknowledgement came first by the new way, by the old way
 */
struct mmp_host {
	struct mmp_host_config config;
	const struct mmp_host_ops *ops;
	void *ctx;
	enum mmp_host_state state;
	struct mmp_station stations[MMP_STATIONS_MAX];
	size_t n_stations;
	int present;
	int next;
	uint32_t waiting;
	const char *waiting_why;
	struct mmp_host_addr addrs[MMP_ADDRS_MAX];
	size_t n_addrs;
	uint64_t seq;
	uint64_t jump;
	struct mmp_host_memory memory;
	bool unsaved;
	msec_t adopt_until;
	bool doubtful;
	bool routed;
	uint32_t domain;
	struct roam_addr gateway;
	bool attached;
	uint8_t type;
	struct mmp_handoff_record record;
	bool is_moving;
	msec_t unheard;
	struct mmp_msg newest;
	struct {
		uint32_t epoch;
		uint32_t seq;
	} named;
	unsigned int tries;
	unsigned int early;
	msec_t retry_at;
	msec_t retry_after;
	msec_t semisoft_end;
	msec_t update_at;
	msec_t due;
	int64_t marked_us[2];
};

static const char *const state_names[] = {
	[MMP_HOST_SEARCHING] = "searching",
	[MMP_HOST_NO_ADDRESS] = "no-address",
	[MMP_HOST_REGISTERING] = "registering",
	[MMP_HOST_SEMISOFT] = "semi-soft",
	[MMP_HOST_ATTACHED] = "attached",
};

static const char *const movement_names[] = {
	[MMP_MOVE_DOMAIN] = "inside-domain",
	[MMP_MOVE_SUBNET] = "other-domain",
	[MMP_MOVE_NETWORK] = "other-subnet",
};

const char *mmp_host_state_name(enum mmp_host_state state)
{
	return state_names[state];
}

const char *mmp_movement_name(enum mmp_movement movement)
{
	return movement_names[movement];
}

const struct mmp_station *mmp_host_station(const struct mmp_host *host)
{
	return host->present < 0 ? NULL : &host->stations[host->present];
}

static void tell(struct mmp_host *host, enum mmp_host_event_type type,
		 const char *reason)
{
	const struct mmp_host_event event = {
		.type = type,
		.state = host->state,
		.station = mmp_host_station(host),
		.record = &host->record,
		.reason = reason,
	};

	host->ops->event(host->ctx, &event);
}

static void set_state(struct mmp_host *host, enum mmp_host_state state,
		      const char *reason)
{
	host->state = state;
	tell(host, MMP_HOST_STATE, reason);
}

/* ---- base stations ---- */

static msec_t lost_at(const struct mmp_host *host, const struct mmp_station *s)
{
	return s->heard == MSEC_NEVER ? MSEC_NEVER :
	       s->heard + s->period * host->config.missed;
}

static bool is_heard(const struct mmp_host *host, msec_t now,
		     const struct mmp_station *s)
{
	return s->heard != MSEC_NEVER && now < lost_at(host, s);
}

/*
 * A beacon can be anybody's. So a shorter period counts when a longer one was not said
 * for so long that its beacons would be missed: nobody is lost while it goes on at its
 * own pace.
 */
static void take_period(const struct mmp_host *host, msec_t now,
			struct mmp_station *s, const struct mmp_msg *msg)
{
	msec_t period = min_time(msg->period, PERIOD_MAX);

	if (period < s->period && now < s->period_until)
		return;
	s->period = period;
	s->period_until = now + period * host->config.missed;
}

/* A base station without gateway takes nobody anywhere. */
static bool is_candidate(const struct mmp_host *host, msec_t now,
			 const struct mmp_station *s)
{
	return is_heard(host, now, s) &&
	       !roam_addr_is_none(&s->beacon.gateway);
}

static int find_station(const struct mmp_host *host, const struct mmp_hop *hop)
{
	for (size_t i = 0; i < host->n_stations; i++)
		if (mmp_hop_eq(&host->stations[i].hop, hop))
			return (int)i;
	return -1;
}

static bool goes_before(const struct mmp_station *a, const struct mmp_station *b)
{
	return a->acknowledged != b->acknowledged ? !a->acknowledged :
						    a->known < b->known;
}

/*
 * A place for one more: free, or that of the one silent for longest; of those that
 * acknowledged something last, as beacons can be anybody's.
 */
static int add_station(struct mmp_host *host, const struct mmp_hop *hop)
{
	int place = -1;

	if (host->n_stations < MMP_STATIONS_MAX) {
		place = (int)host->n_stations++;
	} else {
		for (int i = 0; i < MMP_STATIONS_MAX; i++)
			if (i != host->present && i != host->next &&
			    (place < 0 || goes_before(&host->stations[i],
						      &host->stations[place])))
				place = i;
	}
	host->stations[place] = (struct mmp_station){ .hop = *hop };
	return place;
}

/*
 * The best base station beside @not: one that is not avoided; one that has acknowledged
 * something, as a beacon can be anybody's; one that failed less often, so that each has
 * its turn; the one of the same domain; the one heard last.
 */
static int choose(const struct mmp_host *host, msec_t now, int not)
{
	int best = -1;

	for (int i = 0; i < (int)host->n_stations; i++) {
		const struct mmp_station *s = &host->stations[i], *b;

		if (i == not || !is_candidate(host, now, s))
			continue;
		if (best < 0) {
			best = i;
			continue;
		}
		b = &host->stations[best];
		if ((now < s->avoid) != (now < b->avoid)) {
			if (now < b->avoid)
				best = i;
		} else if (s->acknowledged != b->acknowledged) {
			if (s->acknowledged)
				best = i;
		} else if (s->failures != b->failures) {
			if (s->failures < b->failures)
				best = i;
		} else if ((s->beacon.domain == host->domain) !=
			   (b->beacon.domain == host->domain)) {
			if (s->beacon.domain == host->domain)
				best = i;
		} else if (s->heard > b->heard) {
			best = i;
		}
	}
	return best;
}

/* ---- messages ---- */

/* Is there another receiver that hears somebody? */
static bool hears_beside(const struct mmp_host *host, msec_t now, uint32_t link)
{
	for (size_t i = 0; i < host->n_stations; i++)
		if (host->stations[i].hop.link != link &&
		    is_heard(host, now, &host->stations[i]))
			return true;
	return false;
}

/* For how long nothing was heard, and what came then was lost; 0: it was not. */
static uint32_t unheard_for(const struct mmp_host *host, msec_t now)
{
	if (host->unheard == MSEC_NEVER)
		return 0;
	return (uint32_t)min_time(now - host->unheard + UNHEARD_MARGIN,
				  UINT32_MAX);
}

static void send_message(struct mmp_host *host, msec_t now,
			 const struct mmp_station *by,
			 struct mmp_host_addr *addr, uint16_t flags)
{
	uint64_t clock = host->ops->wallclock(host->ctx);
	struct mmp_msg msg = {
		.type = host->type,
		.flags = (by->beacon.domain ? MMP_FLAG_DOMAIN : 0) | flags,
		.key_id = host->config.key_id,
		.domain = by->beacon.domain,
		.gateway = by->beacon.gateway,
		.gateway6 = by->beacon.gateway6,
		.epoch = by->beacon.epoch,
		.seq = by->beacon.seq,
		.coa = addr->addr,
		.name = by->beacon.name,
		.unheard = flags & MMP_FLAG_KEEP ? unheard_for(host, now) : 0,
	};

	/* Grows over a restart, and over a clock that is set back, too. */
	host->seq = clock > host->seq ? clock : host->seq + 1;
	if (host->seq > host->memory.seq) {
		host->memory.seq = host->seq + SEQ_AHEAD;
		host->unsaved = false;
		host->ops->save(host->ctx, &host->memory);
	}
	msg.host_seq = host->seq;
	if (!addr->first)
		addr->first = msg.host_seq;
	addr->last = msg.host_seq;
	host->named.epoch = msg.epoch;
	host->named.seq = msg.seq;
	host->record.messages++;
	host->ops->send(host->ctx, by, &msg);
}

static bool in_subnet(const struct mmp_msg *beacon, const struct roam_addr *a)
{
	for (size_t i = 0; i < beacon->n_subnets; i++)
		if (roam_prefix_contains(&beacon->subnets[i], a))
			return true;
	/* One that does not tell its subnets leaves the answer to the gateway. */
	return !beacon->n_subnets;
}

static const struct mmp_station *sends_by(const struct mmp_host *host)
{
	return &host->stations[host->next >= 0 ? host->next : host->present];
}

static void send_all(struct mmp_host *host, msec_t now)
{
	const struct mmp_station *by = sends_by(host);
	uint16_t flags = 0;

	if (host->type == MMP_CACHE_UPDATE && host->next >= 0)
		flags = MMP_FLAG_SEMISOFT;
	if (host->type == MMP_ROUTE_UPDATE)
		flags = MMP_FLAG_ACK;
	if (host->next < 0 && !hears_beside(host, now, by->hop.link))
		flags |= MMP_FLAG_KEEP;
	for (size_t i = 0; i < host->n_addrs; i++)
		if (!host->addrs[i].answered &&
		    in_subnet(&by->beacon, &host->addrs[i].addr))
			send_message(host, now, by, &host->addrs[i], flags);
}

static void begin_exchange(struct mmp_host *host, msec_t now, uint8_t type)
{
	host->type = type;
	host->tries = 1;
	host->early = 0;
	host->retry_after = host->config.retry;
	host->retry_at = now + host->retry_after;
	for (size_t i = 0; i < host->n_addrs; i++) {
		host->addrs[i].first = 0;
		host->addrs[i].answered = false;
	}
	send_all(host, now);
	host->update_at = now + host->config.update;
}

static bool has_address(const struct mmp_host *host, const struct mmp_msg *beacon)
{
	for (size_t i = 0; i < host->n_addrs; i++)
		if (in_subnet(beacon, &host->addrs[i].addr))
			return true;
	return false;
}

static bool all_answered(const struct mmp_host *host)
{
	const struct mmp_station *by = sends_by(host);

	for (size_t i = 0; i < host->n_addrs; i++)
		if (in_subnet(&by->beacon, &host->addrs[i].addr) &&
		    !host->addrs[i].answered)
			return false;
	return true;
}

/* ---- movements ---- */

/* A restart finds it again. */
static void save_station(struct mmp_host *host, const struct mmp_station *s)
{
	struct mmp_host_memory *m = &host->memory;

	if (mmp_hop_eq(&m->station, &s->hop) &&
	    m->domain == s->beacon.domain &&
	    roam_addr_eq(&m->gateway, &s->beacon.gateway))
		return;
	m->station = s->hop;
	m->domain = s->beacon.domain;
	m->gateway = s->beacon.gateway;
	host->unsaved = true;
}

static void set_present(struct mmp_host *host, int station)
{
	const struct mmp_station *s = &host->stations[station];

	host->doubtful = false;
	host->present = station;
	host->next = -1;
	host->attached = true;
	host->domain = s->beacon.domain;
	host->gateway = s->beacon.gateway;
	host->adopt_until = 0;
	save_station(host, s);
	host->routed = host->ops->set_router(host->ctx, s);
}

/* Step 406 */
static bool is_same_domain(const struct mmp_host *host, const struct mmp_msg *b)
{
	if (!host->attached)
		return false;
	if (b->domain || host->domain)
		return b->domain == host->domain;
	return roam_addr_eq(&b->gateway, &host->gateway);
}

static void begin_record(struct mmp_host *host, msec_t now, int station,
			 enum mmp_movement movement, const char *reason)
{
	const struct mmp_station *from = mmp_host_station(host);
	const struct mmp_station *to = &host->stations[station];

	host->is_moving = true;
	host->record = (struct mmp_handoff_record){
		.at = now,
		.to = to->beacon.name,
		.domain = to->beacon.domain,
		.movement = movement,
		.reason = reason,
		.took = -1,
		.unheard = host->unheard == MSEC_NEVER ? 0 :
							 now - host->unheard,
	};
	if (from)
		host->record.from = from->beacon.name;
}

static void end_record(struct mmp_host *host, msec_t now, bool done)
{
	if (!host->is_moving)
		return;
	host->is_moving = false;
	host->record.took = done ? now - host->record.at : -1;
	tell(host, MMP_HOST_HANDOFF, host->record.reason);
}

/* Steps 414, 418, and 408 as a hard handoff */
static void attach_now(struct mmp_host *host, msec_t now, int station,
		       uint8_t type, const char *reason)
{
	set_present(host, station);
	set_state(host, MMP_HOST_REGISTERING, reason);
	begin_exchange(host, now, type);
}

static void begin_semisoft(struct mmp_host *host, msec_t now, int station,
			   const char *reason)
{
	host->next = station;
	host->record.handoff = MMP_SEMISOFT;
	host->semisoft_end = now + host->config.semisoft;
	host->marked_us[0] = 0;
	host->marked_us[1] = 0;
	for (size_t i = 0; i < host->n_addrs; i++) {
		host->addrs[i].marked_old = false;
		host->addrs[i].marked_new = false;
	}
	set_state(host, MMP_HOST_SEMISOFT, reason);
	begin_exchange(host, now, MMP_CACHE_UPDATE);
}

/* The hard update at the end of the period (MMP-47) */
static void end_semisoft(struct mmp_host *host, msec_t now, const char *reason)
{
	host->record.period = now - host->record.at;
	if (host->marked_us[0] && host->marked_us[1])
		host->record.skew_us = host->marked_us[1] - host->marked_us[0];
	attach_now(host, now, host->next, MMP_CACHE_UPDATE, reason);
}

/* Steps 406 to 418: goes to this base station. */
static void go(struct mmp_host *host, msec_t now, int station,
	       const char *reason)
{
	const struct mmp_station *s = &host->stations[station];
	const struct mmp_station *old = mmp_host_station(host);
	bool same = is_same_domain(host, &s->beacon);
	enum mmp_movement movement = MMP_MOVE_NETWORK;

	host->waiting = 0;
	host->next = -1;
	if (same)
		movement = MMP_MOVE_DOMAIN;
	else if (host->attached && has_address(host, &s->beacon))
		movement = MMP_MOVE_SUBNET;
	end_record(host, now, false);
	begin_record(host, now, station, movement, reason);
	if (!has_address(host, &s->beacon)) {
		host->retry_at = MSEC_NEVER;
		set_present(host, station);
		set_state(host, MMP_HOST_NO_ADDRESS,
			  "no address of its subnets");
		return;
	}
	/* Only one that it was at can hear it beside the new one. */
	if (same && host->config.handoff == MMP_SEMISOFT && old && old != s &&
	    host->state == MMP_HOST_ATTACHED && is_heard(host, now, old)) {
		begin_semisoft(host, now, station, reason);
		return;
	}
	attach_now(host, now, station,
		   same ? MMP_CACHE_UPDATE : MMP_REGISTRATION, reason);
}

static void search(struct mmp_host *host, msec_t now, const char *reason)
{
	int best = choose(host, now, host->present);

	if (best >= 0) {
		go(host, now, best, reason);
		return;
	}
	/* Registered there until another one is heard, or it again. */
	if (host->state == MMP_HOST_SEARCHING)
		return;
	end_record(host, now, false);
	host->present = -1;
	host->next = -1;
	host->retry_at = MSEC_NEVER;
	host->ops->set_router(host->ctx, NULL);
	set_state(host, MMP_HOST_SEARCHING, reason);
}

/* What becomes of a base station that does not answer. */
static void give_up(struct mmp_host *host, msec_t now)
{
	int bad = host->next >= 0 ? host->next : host->present;
	struct mmp_station *s = &host->stations[bad];
	bool semisoft = host->next >= 0;
	int best;

	s->avoid = now + min_time(host->config.avoid << s->failures,
				  max_time(host->config.avoid, AVOID_MAX));
	if (s->failures < FAILURES_MAX)
		s->failures++;
	host->retry_at = MSEC_NEVER;
	if (semisoft) {
		/* The old way still works. */
		end_record(host, now, false);
		host->next = -1;
		set_state(host, MMP_HOST_ATTACHED,
			  "the new base station does not answer");
		return;
	}
	best = choose(host, now, bad);
	if (best >= 0 && now >= host->stations[best].avoid) {
		go(host, now, best, "base station does not answer");
		return;
	}
	/* There is no other one: from the start, at the slowest pace. */
	host->tries = 1;
	host->retry_after = host->config.retry_max;
	host->retry_at = now + host->retry_after;
	send_all(host, now);
}

/* ---- inputs ---- */

/*
 * A beacon that says less than the last one was captured before; or the last one was a
 * lie. That is why it holds only while what it said is kept up.
 */
static bool is_older(const struct mmp_msg *last, const struct mmp_msg *msg)
{
	return last->type && roam_addr_eq(&last->gateway, &msg->gateway) &&
	       (msg->epoch < last->epoch ||
		(msg->epoch == last->epoch &&
		 mmp_seq_after(last->seq, msg->seq)));
}

/* The number of a recalled one is of another base station, which is ahead perhaps. */
static bool is_behind(const struct mmp_station *s, const struct mmp_msg *msg)
{
	return s->recalled && msg->epoch == s->beacon.epoch &&
	       s->beacon.seq - msg->seq <= RECALL_BEHIND;
}

/*
 * The beacon says that the base station has no gateway. Each host could have said that: the
 * gateway itself is asked, and what it does not answer is believed.
 */
static bool is_doubted(struct mmp_host *host, msec_t now, int i,
		       const struct mmp_msg *msg)
{
	struct mmp_station *s = &host->stations[i];

	if (i != host->present || !roam_addr_is_none(&msg->gateway) ||
	    roam_addr_is_none(&s->beacon.gateway) ||
	    host->state == MMP_HOST_NO_ADDRESS)
		return false;
	s->heard = now;
	if (host->doubtful || host->next >= 0)
		return true;
	host->doubtful = true;
	if (host->state == MMP_HOST_ATTACHED)
		begin_exchange(host, now, MMP_ROUTE_UPDATE);
	return true;
}

static enum mmp_drop on_beacon(struct mmp_host *host,
			       const struct mmp_arrival *a,
			       const struct mmp_msg *msg)
{
	int i = find_station(host, &a->from);
	struct mmp_msg beacon = *msg;
	struct mmp_station *s;
	bool new_gateway, was_recalled;

	if (i < 0)
		i = add_station(host, &a->from);
	s = &host->stations[i];
	if (is_older(&s->beacon, msg) && is_heard(host, a->now, s)) {
		if (!is_behind(s, msg))
			return MMP_DROP_REPLAY;
		beacon.seq = s->beacon.seq;
	}
	if (is_doubted(host, a->now, i, msg))
		return MMP_DROP_NONE;
	new_gateway = i == host->present &&
		      !roam_addr_is_none(&msg->gateway) &&
		      (!roam_addr_eq(&s->beacon.gateway, &msg->gateway) ||
		       s->beacon.epoch != msg->epoch);
	was_recalled = s->recalled;
	s->beacon = beacon;
	take_period(host, a->now, s, msg);
	s->recalled = false;
	s->heard = a->now;
	s->known = a->now;
	if (i == host->present)
		host->newest = beacon;
	/* Its way down works: what it did not answer may have come too soon. */
	if (was_recalled && i == host->present && host->next < 0 &&
	    host->retry_at != MSEC_NEVER)
		send_all(host, a->now);
	/* The kernel may take later what it refused, as an interface comes up. */
	if (i == host->present && !host->routed)
		host->routed = host->ops->set_router(host->ctx, s);
	if (host->waiting == a->from.link && is_candidate(host, a->now, s)) {
		go(host, a->now, i, host->waiting_why);
	} else if (host->state == MMP_HOST_SEARCHING && !host->waiting &&
		   is_candidate(host, a->now, s) &&
		   (a->now >= host->adopt_until ||
		    mmp_hop_eq(&s->hop, &host->memory.station))) {
		go(host, a->now, i, host->attached ? "heard again" :
						     "first base station");
	} else if (i == host->present && roam_addr_is_none(&msg->gateway)) {
		search(host, a->now, "base station has no gateway");
	} else if (new_gateway && host->next < 0 &&
		   host->state != MMP_HOST_NO_ADDRESS) {
		/* TEN-32: its caches know nothing of this host yet. */
		host->gateway = msg->gateway;
		tell(host, MMP_HOST_GATEWAY, "named by the base station");
		begin_exchange(host, a->now, MMP_REGISTRATION);
	}
	return MMP_DROP_NONE;
}

static struct mmp_host_addr *find_addr(struct mmp_host *host,
				       const struct roam_addr *addr)
{
	for (size_t i = 0; i < host->n_addrs; i++)
		if (roam_addr_eq(&host->addrs[i].addr, addr))
			return &host->addrs[i];
	return NULL;
}

/* The acknowledgement of a semi-soft update, by one of both ways. */
static void on_marker(struct mmp_host *host, const struct mmp_arrival *a,
		      struct mmp_host_addr *addr)
{
	bool by_new = mmp_hop_eq(&a->from, &host->stations[host->next].hop);
	bool all = true;

	if (by_new)
		addr->marked_new = true;
	else if (mmp_hop_eq(&a->from, &host->stations[host->present].hop))
		addr->marked_old = true;
	else
		/* A branch of before that has not forgotten yet. */
		return;
	if (!host->marked_us[!by_new])
		host->marked_us[!by_new] = a->us;
	for (size_t i = 0; i < host->n_addrs; i++)
		if (in_subnet(&sends_by(host)->beacon, &host->addrs[i].addr))
			all &= host->addrs[i].marked_old &&
			       host->addrs[i].marked_new;
	if (all && host->config.measured)
		end_semisoft(host, a->now, "both ways work");
}

/* @last: the newest message; it is not judged by what is said about one before. */
static void on_stale(struct mmp_host *host, msec_t now,
		     const struct mmp_msg *msg, uint64_t last)
{
	struct mmp_station *s = (struct mmp_station *)sends_by(host);

	if (host->named.epoch == msg->epoch && host->tries == 1 &&
	    mmp_seq_after(msg->seq, host->named.seq + RECALL_BEHIND)) {
		/* The beacon was of long ago; a message that names this one is taken. */
		host->retry_at = now;
	} else if (msg->host_seq == last && s->beacon.epoch == msg->epoch &&
		   roam_addr_eq(&s->beacon.gateway, &msg->gateway)) {
		/*
		 * The beacon was new enough, so the sequence was not: it was lost
		 * with its file and the time of day, or the host is somewhere else
		 * as well.
		 */
		host->jump = host->jump ? 2 * host->jump : SEQ_JUMP;
		if (host->jump > SEQ_JUMP_MAX)
			host->jump = SEQ_JUMP_MAX;
		host->seq += host->jump;
	}
	/* It says which beacon is the newest; that is authenticated. */
	if (!roam_addr_eq(&s->beacon.gateway, &msg->gateway)) {
		s->beacon.gateway = msg->gateway;
		memset(&s->beacon.gateway6, 0, sizeof(s->beacon.gateway6));
	}
	s->beacon.epoch = msg->epoch;
	s->beacon.seq = msg->seq;
	s->recalled = false;
	host->retry_at = min_time(host->retry_at, now + host->config.retry);
}

static enum mmp_drop on_ack(struct mmp_host *host, const struct mmp_arrival *a,
			    const struct mmp_msg *msg)
{
	struct mmp_host_addr *addr = find_addr(host, &msg->coa);

	if (!addr || host->present < 0 || host->retry_at == MSEC_NEVER ||
	    !addr->first || msg->host_seq < addr->first ||
	    msg->host_seq > addr->last)
		return MMP_DROP_UNASKED;
	if (msg->status == MMP_STALE) {
		on_stale(host, a->now, msg, addr->last);
		return MMP_DROP_NONE;
	}
	if (msg->status == MMP_DENIED) {
		tell(host, MMP_HOST_DENIED, "the domain refuses the address");
		return MMP_DROP_NONE;
	}
	if (msg->status != MMP_OK)
		return MMP_DROP_NONE;
	host->jump = 0;
	if (host->next >= 0) {
		on_marker(host, a, addr);
		return MMP_DROP_NONE;
	}
	addr->answered = true;
	if (!all_answered(host))
		return MMP_DROP_NONE;
	host->retry_at = MSEC_NEVER;
	host->doubtful = false;
	host->stations[host->present].acknowledged = true;
	host->stations[host->present].failures = 0;
	host->stations[host->present].avoid = 0;
	host->unheard = MSEC_NEVER;
	end_record(host, a->now, true);
	if (host->state != MMP_HOST_ATTACHED)
		set_state(host, MMP_HOST_ATTACHED, "acknowledged");
	return MMP_DROP_NONE;
}

enum mmp_drop mmp_host_input(struct mmp_host *host,
			     const struct mmp_arrival *a,
			     const struct mmp_msg *msg)
{
	switch (msg->type) {
	case MMP_BS_BEACON:
		return on_beacon(host, a, msg);
	case MMP_ACK:
		return on_ack(host, a, msg);
	default:
		return MMP_DROP_ROLE;
	}
}

void mmp_host_link(struct mmp_host *host, msec_t now, uint32_t link, bool up,
		   bool changed)
{
	const struct mmp_station *s = mmp_host_station(host);
	bool concerned = s && s->hop.link == link;

	if (!up || changed)
		mmp_host_unheard(host, now, link);
	/* What was heard by it before says nothing any more. */
	for (size_t i = 0; i < host->n_stations; i++)
		if (host->stations[i].hop.link == link && (!up || changed))
			host->stations[i].heard = MSEC_NEVER;
	if (host->next >= 0 && host->stations[host->next].hop.link == link &&
	    (!up || changed)) {
		host->next = -1;
		host->retry_at = MSEC_NEVER;
		end_record(host, now, false);
		set_state(host, MMP_HOST_ATTACHED, "new base station is gone");
	} else if (host->next >= 0 && concerned && (!up || changed)) {
		end_semisoft(host, now, "old base station is gone");
		return;
	}
	if (!up) {
		if (host->waiting == link)
			host->waiting = 0;
		if (concerned)
			search(host, now, "link down");
	} else if (changed && (concerned || host->present < 0)) {
		/* With the carrier went the route. */
		if (concerned)
			host->routed = host->ops->set_router(host->ctx, s);
		host->waiting = link;
		host->waiting_why = "link tells of another base station";
	}
}

void mmp_host_unheard(struct mmp_host *host, msec_t now, uint32_t link)
{
	const struct mmp_station *s = mmp_host_station(host);

	if (s && s->hop.link == link && host->unheard == MSEC_NEVER)
		host->unheard = now;
}

static int find_bssid(const struct mmp_host *host, msec_t now, uint32_t link,
		      const uint8_t bssid[6])
{
	for (size_t i = 0; i < host->n_stations; i++) {
		const struct mmp_station *s = &host->stations[i];

		if (s->hop.link == link && now < s->known + RECALL_TIME &&
		    !memcmp(s->hop.mac, bssid, MMP_MAC_LEN))
			return (int)i;
	}
	return -1;
}

/*
 * What a base station said before, with the newest number of its gateway that is known
 * from the one where the host was.
 */
static void recall(struct mmp_host *host, msec_t now, int station)
{
	struct mmp_station *s = &host->stations[station];

	s->recalled = true;
	s->heard = now;
	if (is_older(&host->newest, &s->beacon)) {
		s->beacon.epoch = host->newest.epoch;
		s->beacon.seq = host->newest.seq;
	}
}

void mmp_host_associated(struct mmp_host *host, msec_t now, uint32_t link,
			 const uint8_t bssid[6])
{
	const struct mmp_station *present = mmp_host_station(host);
	int i = find_bssid(host, now, link, bssid);

	/* Another radio than the one that the host goes by. */
	if (present && present->hop.link != link)
		return;
	if (i >= 0 && i == host->present && host->waiting != link)
		return;
	if (i < 0 || roam_addr_is_none(&host->stations[i].beacon.gateway)) {
		host->waiting = link;
		host->waiting_why = "link tells of another base station";
		return;
	}
	recall(host, now, i);
	go(host, now, i, "the radio is at a known base station");
	if (host->retry_at == MSEC_NEVER)
		return;
	host->early = EARLY_TRIES;
	host->retry_after = min_time(EARLY_RETRY, host->config.retry);
	host->retry_at = now + host->retry_after;
}

bool mmp_host_move(struct mmp_host *host, msec_t now,
		   const struct mmp_name *station, const char *reason)
{
	int found = -1;

	for (int i = 0; i < (int)host->n_stations; i++) {
		const struct mmp_station *s = &host->stations[i];

		if (mmp_name_eq(&s->beacon.name, station) &&
		    is_candidate(host, now, s) &&
		    (found < 0 || s->heard > host->stations[found].heard))
			found = i;
	}
	if (found < 0)
		return false;
	if (found != host->present && found != host->next)
		go(host, now, found, reason);
	return true;
}

void mmp_host_addresses(struct mmp_host *host, msec_t now,
			const struct roam_addr *addrs, size_t n)
{
	struct mmp_host_addr old[MMP_ADDRS_MAX];
	size_t n_old = host->n_addrs;
	bool changed = n != n_old;

	memcpy(old, host->addrs, sizeof(old));
	host->n_addrs = n < MMP_ADDRS_MAX ? n : MMP_ADDRS_MAX;
	for (size_t i = 0; i < host->n_addrs; i++) {
		bool known = false;

		host->addrs[i] = (struct mmp_host_addr){ .addr = addrs[i] };
		for (size_t j = 0; j < n_old && !known; j++) {
			if (!roam_addr_eq(&old[j].addr, &addrs[i]))
				continue;
			host->addrs[i] = old[j];
			known = true;
		}
		changed |= !known;
	}
	if (!changed || host->present < 0 || host->next >= 0)
		return;
	if (!has_address(host, &host->stations[host->present].beacon)) {
		host->retry_at = MSEC_NEVER;
		set_state(host, MMP_HOST_NO_ADDRESS, "the address is gone");
		return;
	}
	set_state(host, MMP_HOST_REGISTERING, "it has an address");
	begin_exchange(host, now, MMP_REGISTRATION);
}

void mmp_host_transmitted(struct mmp_host *host, msec_t now)
{
	host->update_at = max_time(host->update_at, now + host->config.update);
}

static void retry(struct mmp_host *host, msec_t now)
{
	if (host->doubtful && host->tries >= DOUBT_TRIES) {
		memset(&host->stations[host->present].beacon.gateway, 0, 16);
		host->doubtful = false;
		search(host, now, "base station has no gateway");
		return;
	}
	if (host->early) {
		host->retry_after = --host->early ? 2 * host->retry_after :
						    host->config.retry;
		host->retry_at = now + host->retry_after;
		send_all(host, now);
		return;
	}
	if (host->tries >= host->config.tries) {
		give_up(host, now);
		return;
	}
	host->tries++;
	host->retry_after = min_time(2 * host->retry_after,
				     host->config.retry_max);
	host->retry_at = now + host->retry_after;
	send_all(host, now);
}

/* The new way works as far as is known: somebody answered by it. */
static bool new_way_works(const struct mmp_host *host)
{
	for (size_t i = 0; i < host->n_addrs; i++)
		if (host->addrs[i].marked_new)
			return true;
	return false;
}

static void semisoft_due(struct mmp_host *host, msec_t now)
{
	if (new_way_works(host) ||
	    !is_heard(host, now, &host->stations[host->present]))
		end_semisoft(host, now, "period");
	else
		host->semisoft_end = now + host->config.semisoft;
}

/* As at a node: who did not run has heard nothing, whatever was said. */
static void forgive(struct mmp_host *host, msec_t now, msec_t late)
{
	/* What was heard since then is no older than it is. */
	for (size_t i = 0; i < host->n_stations; i++) {
		struct mmp_station *s = &host->stations[i];

		s->period_until += late;
		if (s->heard != MSEC_NEVER)
			s->heard = min_time(s->heard + late, now);
	}
}

msec_t mmp_host_tick(struct mmp_host *host, msec_t now)
{
	const struct mmp_station *s;
	msec_t next;

	if (host->due != MSEC_NEVER && now > host->due + OVERSLEPT)
		forgive(host, now, now - host->due);

	if (host->adopt_until && now >= host->adopt_until) {
		host->adopt_until = 0;
		search(host, now, "the base station of before is silent");
	}
	if (host->next >= 0 && now >= host->semisoft_end)
		semisoft_due(host, now);
	if (host->present >= 0 && host->next < 0 &&
	    now >= lost_at(host, &host->stations[host->present]))
		search(host, now, "beacons missed");
	if (now >= host->retry_at)
		retry(host, now);
	if (host->state == MMP_HOST_ATTACHED && now >= host->update_at)
		begin_exchange(host, now, MMP_ROUTE_UPDATE);
	if (host->unsaved) {
		host->unsaved = false;
		host->ops->save(host->ctx, &host->memory);
	}
	next = host->retry_at;
	if (host->adopt_until)
		next = min_time(next, host->adopt_until);
	if (host->next >= 0)
		next = min_time(next, host->semisoft_end);
	s = mmp_host_station(host);
	if (s && host->next < 0)
		next = min_time(next, lost_at(host, s));
	if (host->state == MMP_HOST_ATTACHED)
		next = min_time(next, host->update_at);
	host->due = next;
	return next;
}

void mmp_host_remember(struct mmp_host *host, msec_t now,
		       const struct mmp_host_memory *memory)
{
	host->memory = *memory;
	host->seq = memory->seq;
	if (roam_addr_is_none(&memory->gateway))
		return;
	host->attached = true;
	host->domain = memory->domain;
	host->gateway = memory->gateway;
	host->adopt_until = now + ADOPT_WAIT;
}

enum mmp_host_state mmp_host_state(const struct mmp_host *host)
{
	return host->state;
}

const struct mmp_station *mmp_host_stations(const struct mmp_host *host,
					    size_t *n)
{
	*n = host->n_stations;
	return host->stations;
}

const struct mmp_host_config *mmp_host_config(const struct mmp_host *host)
{
	return &host->config;
}

struct mmp_host *mmp_host_new(const struct mmp_host_config *config,
			      const struct mmp_host_ops *ops, void *ctx)
{
	struct mmp_host *host = calloc(1, sizeof(*host));

	if (!host)
		return NULL;
	host->config = *config;
	host->ops = ops;
	host->ctx = ctx;
	host->present = -1;
	host->next = -1;
	host->retry_at = MSEC_NEVER;
	host->update_at = MSEC_NEVER;
	host->due = MSEC_NEVER;
	host->unheard = MSEC_NEVER;
	return host;
}

void mmp_host_configure(struct mmp_host *host,
			const struct mmp_host_config *config)
{
	host->config = *config;
}

void mmp_host_free(struct mmp_host *host)
{
	free(host);
}
