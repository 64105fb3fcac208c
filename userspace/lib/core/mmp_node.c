// SPDX-License-Identifier: GPL-2.0-or-later
#include "core/mmp_node.h"

#include <stdlib.h>
#include <string.h>

#define AHEAD 8		/* beacons that a host may have heard before this node */
#define LATE_COPIES 3	/* a copy may be so many numbers behind */
#define RELIABLE_MARGIN 3 /* missing beacons that make another uplink better */
#define LATENCY_MARGIN 500 /* us */
#define HISTORY 32
#define WINS 3
#define LOST_GRACE 3000	/* ms that a base station without beacons is silent */
#define SAVE_EVERY 60	/* beacons; what a restart forgets */
#define OVERSLEPT 20	/* ms that a tick may be late */
#define PROBES 3	/* unanswered ones after an overdue beacon */
#define UNPROVED_WAIT 20 /* ms for the answer to a first probe */
#define SOON 5		/* ms to the second beacon after a host came; doubles */
#define SOON_BEACONS 5
#define TRACES 16	/* under way at once */
#define TRACE_TIME 5000	/* ms that answers are passed on */

/**
 * struct mmp_node_if - an interface
 * @link: its number; 0 for a free place
 * @nodes: other nodes are there
 * @air: hosts are there
 * @up: it works
 */
struct mmp_node_if {
	uint32_t link;
	bool nodes;
	bool air;
	bool up;
};

/**
 * struct trace - a trace that was asked of this node
 * @nonce: its number
 * @from: who asked; no link: this node itself
 * @until: answers are passed on until then
 */
struct trace {
	uint64_t nonce;
	struct mmp_hop from;
	msec_t until;
};

/**
 * struct mmp_node - see the header
 * @config: as given
 * @ops: as given
 * @ctx: for @ops
 * @links: interfaces; their index is a bit of mmp_gateway.links
 * @gateways: gateways heard of, the primary one first
 * @n_gateways: their number
 * @n_usable: the first of them that have a usable uplink
 * @below: nodes below
 * @n_below: their number
 * @uplinks: as the caller was told last
 * @n_uplinks: their number
 * @primary: the gateway that was primary last, or none
 * @wins: how often another gateway was better in a row
 * @lost: since when there is no usable gateway, if there is none; at first the
 *	time of the first tick
 * @epoch: gateway: of its own
 * @seq: gateway: of its last beacon
 * @beacon_at: next beacon of its own
 * @soon: beacons that follow shortly, as a host has just come
 * @due: when it wanted to run next
 * @traces: under way, the place of the next one at @n_traces
 * @n_traces: their number until now
 */
struct mmp_node {
	struct mmp_node_config config;
	const struct mmp_node_ops *ops;
	void *ctx;
	struct mmp_node_if links[MMP_LINKS_MAX];
	struct mmp_gateway gateways[MMP_GATEWAYS_MAX];
	size_t n_gateways;
	size_t n_usable;
	struct mmp_below below[MMP_BELOW_MAX];
	size_t n_below;
	struct mmp_hop uplinks[MMP_UPLINKS_MAX];
	size_t n_uplinks;
	struct roam_addr primary;
	unsigned int wins;
	msec_t lost;
	uint32_t epoch;
	uint32_t seq;
	msec_t beacon_at;
	unsigned int soon;
	msec_t due;
	struct trace traces[TRACES];
	unsigned int n_traces;
};

static const struct roam_addr no_addr;

static bool is_gateway(const struct mmp_node *node)
{
	return node->config.role == MMP_ROLE_GATEWAY;
}

const char *mmp_role_name(enum mmp_role role)
{
	static const char *const names[] = { "gateway", "node",
					     "base-station" };

	return names[role];
}

static void tell(struct mmp_node *node, enum mmp_node_event_type type,
		 const struct roam_addr *gateway, const struct mmp_hop *hop,
		 const struct roam_addr *addr, const char *reason)
{
	struct mmp_node_event event = { .type = type, .reason = reason };

	if (gateway)
		event.gateway = *gateway;
	if (hop)
		event.hop = *hop;
	if (addr)
		event.addr = *addr;
	node->ops->event(node->ctx, &event);
}

/* ---- links ---- */

static struct mmp_node_if *find_link(struct mmp_node *node, uint32_t link)
{
	for (size_t i = 0; i < MMP_LINKS_MAX; i++)
		if (node->links[i].link == link)
			return &node->links[i];
	return NULL;
}

static bool link_is_up(struct mmp_node *node, uint32_t link)
{
	const struct mmp_node_if *i = link ? find_link(node, link) : NULL;

	return i && i->up;
}

/* ---- classing: one interface, several criteria (MMP-52) ---- */

/**
 * struct criterion - by what an uplink is better than another one
 * @cost: the lower, the better; @same: both lead to one gateway
 * @margin: the advantage that another one needs over @present
 * @then: decides where the costs are equal, or NULL
 */
struct criterion {
	int64_t (*cost)(const struct mmp_uplink *uplink, bool same);
	int64_t (*margin)(const struct mmp_uplink *present);
	const struct criterion *then;
};

static int64_t distance(const struct mmp_uplink *uplink)
{
	return (int64_t)uplink->delay + uplink->rtt / 2;
}

/* Clocks of two gateways have nothing in common, round trips have (OPEN-43). */
static int64_t latency_cost(const struct mmp_uplink *uplink, bool same)
{
	return same ? uplink->lateness : distance(uplink);
}

static int64_t latency_margin(const struct mmp_uplink *present)
{
	return LATENCY_MARGIN + distance(present) / 5;
}

static int64_t missing(const struct mmp_uplink *uplink)
{
	return (int64_t)uplink->span -
	       __builtin_popcount(uplink->history);
}

static int64_t reliability_cost(const struct mmp_uplink *uplink, bool same)
{
	(void)same;
	return missing(uplink);
}

static int64_t reliability_margin(const struct mmp_uplink *present)
{
	(void)present;
	return RELIABLE_MARGIN - 1;
}

static const struct criterion by_latency = { latency_cost, latency_margin,
					     NULL };
static const struct criterion by_reliability = { reliability_cost,
						 reliability_margin,
						 &by_latency };

static const struct criterion *criterion_of(const struct mmp_node *node)
{
	return node->config.criterion == MMP_BY_RELIABILITY ? &by_reliability :
							      &by_latency;
}

/* Is @a so much better than @b, which is in use, that it takes its place? */
static bool takes_over(const struct criterion *by, const struct mmp_uplink *a,
		       const struct mmp_uplink *b, bool same)
{
	for (; by; by = by->then) {
		int64_t gain = by->cost(b, same) - by->cost(a, same);

		if (gain > by->margin(b))
			return true;
		/* Within the margin both are equal, and the next one decides. */
		if (gain < -by->margin(b) || !by->then)
			return false;
	}
	return false;
}

/* Once may be chance: it takes over after a few times in a row. */
static bool wins(unsigned int *times, bool better)
{
	*times = better ? *times + 1 : 0;
	if (*times < WINS)
		return false;
	*times = 0;
	return true;
}

/* Order among those not in use: any difference counts. */
static bool is_before(const struct criterion *by, const struct mmp_uplink *a,
		      const struct mmp_uplink *b, bool same)
{
	for (; by; by = by->then) {
		int64_t ca = by->cost(a, same), cb = by->cost(b, same);

		if (ca != cb)
			return ca < cb;
	}
	return false;
}

/* ---- uplinks of a gateway ---- */

static msec_t limit_of(const struct mmp_node *node, const struct mmp_gateway *gw)
{
	/* The beacons' own delay on the way is not a missed one. */
	return gw->period * node->config.missed + 2 * node->config.spread;
}

static bool is_usable(struct mmp_node *node, msec_t now,
		      const struct mmp_gateway *gw, const struct mmp_uplink *u)
{
	return now < u->heard + limit_of(node, gw) && now < u->proved &&
	       link_is_up(node, u->hop.link);
}

static struct mmp_uplink *find_uplink(struct mmp_gateway *gw,
				      const struct mmp_hop *hop)
{
	for (size_t i = 0; i < gw->n_uplinks; i++)
		if (mmp_hop_eq(&gw->uplinks[i].hop, hop))
			return &gw->uplinks[i];
	return NULL;
}

static void swap_uplinks(struct mmp_uplink *a, struct mmp_uplink *b)
{
	struct mmp_uplink t = *a;

	*a = *b;
	*b = t;
}

/*
 * Usable ones come first; of these the present primary stays in front unless
 * another one takes over; the others stand in their order. A handful, so the
 * sort is a simple one.
 */
static void class_uplinks(struct mmp_node *node, msec_t now,
			  struct mmp_gateway *gw)
{
	const struct criterion *by = criterion_of(node);
	struct mmp_hop present = { 0 };
	struct mmp_uplink *u = gw->uplinks;
	size_t n = 0;

	if (gw->n_usable)
		present = u[0].hop;
	for (size_t i = 0; i < gw->n_uplinks; i++)
		if (is_usable(node, now, gw, &u[i]))
			swap_uplinks(&u[i], &u[n++]);
	for (size_t i = 1; i < n; i++)
		for (size_t j = i; j && is_before(by, &u[j], &u[j - 1], true);
		     j--)
			swap_uplinks(&u[j], &u[j - 1]);
	for (size_t i = 1; i < n; i++) {
		if (!mmp_hop_eq(&u[i].hop, &present))
			continue;
		if (wins(&gw->wins, takes_over(by, &u[0], &u[i], true)))
			break;
		for (; i; i--)
			swap_uplinks(&u[i], &u[i - 1]);
		break;
	}
	gw->n_usable = n;
}

static void drop_dead_uplinks(struct mmp_node *node, msec_t now,
			      struct mmp_gateway *gw)
{
	/* Kept for a while to be shown as down, and to notice a return. */
	for (size_t i = 0; i < gw->n_uplinks;)
		if (now >= gw->uplinks[i].heard + 10 * limit_of(node, gw))
			gw->uplinks[i] = gw->uplinks[--gw->n_uplinks];
		else
			i++;
}

/* ---- gateways ---- */

static struct mmp_gateway *find_gateway(struct mmp_node *node,
					const struct roam_addr *addr)
{
	for (size_t i = 0; i < node->n_gateways; i++) {
		struct mmp_gateway *gw = &node->gateways[i];

		if (roam_addr_eq(&gw->addr, addr) ||
		    (!roam_addr_is_none(&gw->addr6) &&
		     roam_addr_eq(&gw->addr6, addr)))
			return gw;
	}
	return NULL;
}

/* A new record, in place of the one silent for longest if there must be. */
static struct mmp_gateway *add_gateway(struct mmp_node *node, msec_t now,
				       const struct roam_addr *addr)
{
	struct mmp_gateway *gw = NULL;

	if (node->n_gateways < MMP_GATEWAYS_MAX) {
		gw = &node->gateways[node->n_gateways++];
	} else {
		for (size_t i = 1; i < MMP_GATEWAYS_MAX; i++)
			if (!node->gateways[i].n_usable &&
			    now >= node->gateways[i].heard +
					   limit_of(node, &node->gateways[i]) &&
			    (!gw || node->gateways[i].heard < gw->heard))
				gw = &node->gateways[i];
		if (!gw)
			return NULL;
	}
	memset(gw, 0, sizeof(*gw));
	gw->addr = *addr;
	gw->class_at = MSEC_NEVER;
	return gw;
}

static void swap_gateways(struct mmp_gateway *a, struct mmp_gateway *b)
{
	struct mmp_gateway t = *a;

	*a = *b;
	*b = t;
}

/* As with uplinks: the primary one stays in front unless another takes over. */
static void class_gateways(struct mmp_node *node)
{
	const struct criterion *by = criterion_of(node);
	struct mmp_gateway *g = node->gateways;
	size_t n = 0;

	for (size_t i = 0; i < node->n_gateways; i++)
		if (g[i].n_usable)
			swap_gateways(&g[i], &g[n++]);
	for (size_t i = 1; i < n; i++)
		for (size_t j = i; j && is_before(by, &g[j].uplinks[0],
						  &g[j - 1].uplinks[0],
						  false); j--)
			swap_gateways(&g[j], &g[j - 1]);
	for (size_t i = 1; i < n; i++) {
		if (!roam_addr_eq(&g[i].addr, &node->primary))
			continue;
		if (wins(&node->wins, takes_over(by, &g[0].uplinks[0],
						 &g[i].uplinks[0], false)))
			break;
		for (; i; i--)
			swap_gateways(&g[i], &g[i - 1]);
		break;
	}
	node->n_usable = n;
}

/*
 * The caller gets the uplinks to the primary gateway, then those to the others:
 * what climbs reaches some gateway as long as there is a way (MMP-68).
 */
static void tell_uplinks(struct mmp_node *node, msec_t now, const char *reason)
{
	struct mmp_hop hops[MMP_UPLINKS_MAX];
	struct roam_addr primary = no_addr;
	bool moved;
	size_t n = 0;

	for (size_t i = 0; i < node->n_usable; i++) {
		const struct mmp_gateway *gw = &node->gateways[i];

		for (size_t j = 0; j < gw->n_usable; j++) {
			bool known = false;

			for (size_t k = 0; k < n; k++)
				known |= mmp_hop_eq(&hops[k],
						    &gw->uplinks[j].hop);
			if (!known && n < MMP_UPLINKS_MAX)
				hops[n++] = gw->uplinks[j].hop;
		}
	}
	if (node->n_usable)
		primary = node->gateways[0].addr;
	moved = !roam_addr_eq(&primary, &node->primary);
	if (moved && !node->n_usable)
		node->lost = now;
	node->primary = primary;
	if (moved)
		tell(node, MMP_NODE_GATEWAY, &primary, n ? &hops[0] : NULL,
		     NULL, reason);
	/* Who listens on the air learns of it at once (TEN-32). */
	if (moved && node->n_usable &&
	    node->config.role == MMP_ROLE_BASE_STATION)
		node->beacon_at = 0;
	if (n == node->n_uplinks &&
	    (!n || !memcmp(hops, node->uplinks, n * sizeof(hops[0]))))
		return;
	if (!n || !node->n_uplinks || !mmp_hop_eq(&hops[0], &node->uplinks[0]))
		tell(node, MMP_NODE_UPLINK, &primary, n ? &hops[0] : NULL,
		     NULL, reason);
	/*
	 * Where there is no other way the last one stays in use: the node above may be a
	 * restarting daemon, whose module goes on (OPEN-45), and nothing else is lost.
	 */
	if (!n)
		return;
	memcpy(node->uplinks, hops, sizeof(hops[0]) * n);
	node->n_uplinks = n;
	node->ops->set_uplinks(node->ctx, hops, n);
}

static void class_all(struct mmp_node *node, msec_t now, const char *reason)
{
	for (size_t i = 0; i < node->n_gateways; i++)
		class_uplinks(node, now, &node->gateways[i]);
	class_gateways(node);
	tell_uplinks(node, now, reason);
}

/* ---- beacons ---- */

/* The copy to send on: by the best uplink that the newest beacon came by. */
static const struct mmp_uplink *newest_copy(const struct mmp_gateway *gw)
{
	for (size_t i = 0; i < gw->n_usable; i++)
		if (gw->uplinks[i].seq == gw->seq)
			return &gw->uplinks[i];
	return NULL;
}

/*
 * Sends on the newest beacon: once, where no copy came in (MMP-54, TEN-17). The
 * time that it waited here is no latency of the way, so the timestamp grows by it.
 */
static void send_on(struct mmp_node *node, struct mmp_gateway *gw, int64_t us)
{
	const struct mmp_uplink *u = newest_copy(gw);
	struct mmp_msg msg;

	if (node->config.role != MMP_ROLE_NODE || gw != &node->gateways[0] ||
	    !u || u->last.n_path >= MMP_PATH_MAX)
		return;
	msg = u->last;
	msg.timestamp += (uint64_t)(us - u->heard_us);
	msg.path[msg.n_path++] = node->config.name;
	msg.key_id = node->config.key_id;
	msg.delay = (uint32_t)min_time(distance(u), UINT32_MAX);
	for (size_t i = 0; i < MMP_LINKS_MAX; i++) {
		const struct mmp_node_if *l = &node->links[i];
		struct mmp_hop all = { .link = l->link };

		if (l->link && l->nodes && l->up && !(gw->links >> i & 1))
			node->ops->send(node->ctx, &all, &msg);
	}
}

static void class_and_send_on(struct mmp_node *node, msec_t now, int64_t us,
			      struct mmp_gateway *gw)
{
	struct roam_addr addr = gw->addr;

	class_all(node, now, "beacon");
	/* Classing changes the order. */
	gw = find_gateway(node, &addr);
	/* The answer to a first probe is on its way; after that it is one-way. */
	if (!gw->n_usable && now < gw->heard + 3 * UNPROVED_WAIT +
					   node->config.spread) {
		gw->class_at = now + UNPROVED_WAIT;
		return;
	}
	gw->class_at = MSEC_NEVER;
	send_on(node, gw, us);
}

/* Between probes of an uplink whose beacon is overdue. */
static msec_t probe_gap(const struct mmp_gateway *gw)
{
	return max_time(gw->period / 10, UNPROVED_WAIT);
}

static msec_t overdue_at(const struct mmp_node *node,
			 const struct mmp_gateway *gw,
			 const struct mmp_uplink *u)
{
	return max_time(u->heard + gw->period + 2 * node->config.spread,
			u->probed + probe_gap(gw));
}

static void probe(struct mmp_node *node, msec_t now, int64_t us,
		  struct mmp_uplink *u, uint32_t domain)
{
	struct mmp_msg msg = {
		.type = MMP_PROBE,
		.flags = domain ? MMP_FLAG_DOMAIN : 0,
		.key_id = node->config.key_id,
		.domain = domain,
		.timestamp = (uint64_t)us,
		.nonce = node->ops->random(node->ctx) | 1,
		.name = node->config.name,
	};

	u->nonce = msg.nonce;
	u->probed = now;
	u->probed_us = us;
	u->unanswered++;
	node->ops->send(node->ctx, &u->hop, &msg);
}

static struct mmp_uplink *add_uplink(struct mmp_gateway *gw,
				     const struct mmp_hop *hop)
{
	struct mmp_uplink *u = NULL;

	if (gw->n_uplinks < MMP_UPLINKS_MAX)
		u = &gw->uplinks[gw->n_uplinks++];
	else
		for (size_t i = gw->n_usable; i < gw->n_uplinks; i++)
			if (!u || gw->uplinks[i].heard < u->heard)
				u = &gw->uplinks[i];
	if (!u)
		return NULL;
	memset(u, 0, sizeof(*u));
	u->hop = *hop;
	return u;
}

static void uplink_hears(struct mmp_uplink *u, const struct mmp_arrival *a,
			 const struct mmp_msg *msg)
{
	int64_t lateness = a->us - (int64_t)msg->timestamp;
	uint32_t gap = msg->seq - u->seq;

	if (!u->span) {
		u->history = 1;
		u->span = 1;
		u->lateness = lateness;
	} else {
		u->history = gap < HISTORY ? u->history << gap | 1 : 1;
		u->span = gap < HISTORY - u->span ? u->span + gap : HISTORY;
		u->lateness += (lateness - u->lateness) / 4;
	}
	u->seq = msg->seq;
	u->last = *msg;
	u->heard = a->now;
	u->heard_us = a->us;
	u->unanswered = 0;
	u->delay = msg->delay;
	u->name = msg->path[msg->n_path - 1];
}

/* What is older is refused after a restart of this node, too (OPEN-29). */
static void save(struct mmp_node *node, struct mmp_gateway *gw)
{
	gw->saved = gw->seq;
	node->ops->save(node->ctx, &gw->addr, gw->epoch, gw->seq);
}

/* A restarted gateway counts and tells the time anew. */
static void new_epoch(struct mmp_node *node, struct mmp_gateway *gw,
		      const struct mmp_msg *msg)
{
	if (gw->epoch)
		tell(node, MMP_NODE_RESTARTED, &gw->addr, NULL, NULL,
		     "it has a new epoch");
	gw->epoch = msg->epoch;
	gw->seq = msg->seq - 1;
	for (size_t i = 0; i < gw->n_uplinks; i++)
		gw->uplinks[i].span = 0;
	save(node, gw);
}

/* A gateway hears of others, so that it can stand in for them (TEN-16). */
static enum mmp_drop gateway_hears(struct mmp_node *node,
				   const struct mmp_msg *msg)
{
	if (!roam_addr_eq(&msg->gateway, &node->config.gateway))
		return MMP_DROP_NONE;
	if (msg->epoch > node->epoch &&
	    mmp_epoch_follows(msg->epoch, node->epoch)) {
		node->epoch = msg->epoch + 1;
		node->ops->save(node->ctx, &node->config.gateway, node->epoch,
				0);
	}
	return MMP_DROP_LOOP;
}

static bool is_on_path(const struct mmp_node *node, const struct mmp_msg *msg)
{
	for (size_t i = 0; i < msg->n_path; i++)
		if (mmp_name_eq(&msg->path[i], &node->config.name))
			return true;
	return false;
}

static void take_newest(struct mmp_node *node, struct mmp_gateway *gw,
			const struct mmp_arrival *a, const struct mmp_msg *msg)
{
	gw->seq = msg->seq;
	if (gw->seq - gw->saved >= SAVE_EVERY)
		save(node, gw);
	gw->heard = a->now;
	gw->period = msg->period;
	gw->addr6 = msg->gateway6;
	gw->domain = msg->domain;
	gw->paging = msg->paging;
	gw->links = 0;
	gw->class_at = a->now;
	if (node->config.spread)
		gw->class_at += (msec_t)(node->ops->random(node->ctx) %
			(uint64_t)(node->config.spread + 1));
}

static enum mmp_drop on_gateway_beacon(struct mmp_node *node,
				       const struct mmp_arrival *a,
				       const struct mmp_msg *msg)
{
	const struct mmp_node_if *l = find_link(node, a->from.link);
	struct mmp_gateway *gw;
	struct mmp_uplink *u;
	enum mmp_drop drop = MMP_DROP_NONE;

	if (!l->nodes)
		return MMP_DROP_ROLE;
	if (is_gateway(node))
		drop = gateway_hears(node, msg);
	else if (is_on_path(node, msg))
		drop = MMP_DROP_LOOP;
	if (drop != MMP_DROP_NONE)
		return drop;
	gw = find_gateway(node, &msg->gateway);
	if (!mmp_epoch_follows(msg->epoch, gw && gw->epoch < msg->epoch ?
						   gw->epoch : 0))
		return MMP_DROP_REPLAY;
	if (!gw)
		gw = add_gateway(node, a->now, &msg->gateway);
	if (!gw)
		return MMP_DROP_LIMIT;
	if (msg->epoch < gw->epoch)
		return MMP_DROP_REPLAY;
	if (msg->epoch > gw->epoch)
		new_epoch(node, gw, msg);
	/* Right after a restart nothing tells a late copy from an old beacon. */
	if (!mmp_seq_after(msg->seq, gw->seq - (gw->period ? LATE_COPIES : 0)))
		return MMP_DROP_REPLAY;
	u = find_uplink(gw, &a->from);
	if (u && u->span && !mmp_seq_after(msg->seq, u->seq))
		return MMP_DROP_REPLAY;
	if (mmp_seq_after(msg->seq, gw->seq))
		take_newest(node, gw, a, msg);
	if (msg->seq == gw->seq)
		gw->links |= 1ULL << (l - node->links);
	if (is_gateway(node))
		return MMP_DROP_NONE;
	if (!u)
		u = add_uplink(gw, &a->from);
	if (!u)
		return MMP_DROP_LIMIT;
	uplink_hears(u, a, msg);
	probe(node, a->now, a->us, u, gw->domain);
	return MMP_DROP_NONE;
}

static void send_gateway_beacon(struct mmp_node *node, int64_t us)
{
	const struct mmp_node_config *c = &node->config;
	struct mmp_msg msg = {
		.type = MMP_GATEWAY_BEACON,
		.flags = (c->domain ? MMP_FLAG_DOMAIN : 0) |
			 (c->paging ? MMP_FLAG_PAGING : 0),
		.key_id = c->key_id,
		.domain = c->domain,
		.paging = c->paging,
		.gateway = c->gateway,
		.gateway6 = c->gateway6,
		.epoch = node->epoch,
		.seq = ++node->seq,
		.timestamp = (uint64_t)us,
		.period = (uint32_t)c->period,
		.n_path = 1,
		.path[0] = c->name,
	};

	for (size_t i = 0; i < MMP_LINKS_MAX; i++) {
		struct mmp_hop all = { .link = node->links[i].link };

		if (all.link && node->links[i].nodes && node->links[i].up)
			node->ops->send(node->ctx, &all, &msg);
	}
}

/*
 * Hosts leave a base station without a gateway, so it says that it has none only when
 * it had none for a while: the next one is mostly heard at once.
 */
static void send_air_beacon(struct mmp_node *node, msec_t now)
{
	const struct mmp_node_config *c = &node->config;
	const struct mmp_gateway *gw = node->n_gateways ? node->gateways : NULL;
	struct mmp_msg msg = {
		.type = MMP_BS_BEACON,
		.key_id = c->key_id,
		.domain = c->domain,
		.name = c->name,
		.period = (uint32_t)c->air_period,
		.router = c->router,
		.l2 = c->l2,
		.n_subnets = (uint8_t)c->n_subnets,
	};

	if (!node->n_usable) {
		bool known = gw && gw->period;
		bool grace = now < node->lost +
				   (known ? limit_of(node, gw) : LOST_GRACE);

		if (!known && grace)
			return;
		if (!grace)
			gw = NULL;
	}
	if (gw) {
		msg.domain = gw->domain;
		msg.paging = gw->paging;
		msg.gateway = gw->addr;
		msg.gateway6 = gw->addr6;
		msg.epoch = gw->epoch;
		msg.seq = gw->seq;
	}
	msg.flags = (msg.domain ? MMP_FLAG_DOMAIN : 0) |
		    (msg.paging ? MMP_FLAG_PAGING : 0);
	memcpy(msg.subnets, c->subnets, sizeof(msg.subnets));
	for (size_t i = 0; i < MMP_LINKS_MAX; i++) {
		struct mmp_hop all = { .link = node->links[i].link };

		if (all.link && node->links[i].air && node->links[i].up)
			node->ops->send(node->ctx, &all, &msg);
	}
}

/* ---- probes ---- */

static void tell_below(struct mmp_node *node)
{
	struct mmp_hop hops[MMP_BELOW_MAX];

	for (size_t i = 0; i < node->n_below; i++)
		hops[i] = node->below[i].hop;
	node->ops->set_below(node->ctx, hops, node->n_below);
}

/* How long a node below is believed to be there: it asks once a period. */
static msec_t below_time(const struct mmp_node *node)
{
	msec_t period = is_gateway(node) ? node->config.period : 0;

	if (!period && node->n_gateways)
		period = node->gateways[0].period;
	return max_time(period, 1000) * node->config.missed * 2;
}

void mmp_node_adopt(struct mmp_node *node, msec_t now,
		    const struct mmp_hop *below, size_t n)
{
	for (size_t i = 0; i < n && node->n_below < MMP_BELOW_MAX; i++)
		node->below[node->n_below++] = (struct mmp_below){
			.hop = below[i], .until = now + below_time(node),
		};
}

static enum mmp_drop on_probe(struct mmp_node *node,
			      const struct mmp_arrival *a,
			      const struct mmp_msg *msg)
{
	const struct mmp_node_if *l = find_link(node, a->from.link);
	struct mmp_msg reply = *msg;
	struct mmp_below *b = NULL;

	if (!l->nodes || mmp_name_eq(&msg->name, &node->config.name))
		return MMP_DROP_ROLE;
	for (size_t i = 0; i < node->n_below && !b; i++)
		if (mmp_hop_eq(&node->below[i].hop, &a->from))
			b = &node->below[i];
	if (!b && node->n_below == MMP_BELOW_MAX)
		return MMP_DROP_LIMIT;
	if (!b) {
		b = &node->below[node->n_below++];
		b->hop = a->from;
		tell_below(node);
	}
	b->name = msg->name;
	b->until = a->now + below_time(node);
	reply.type = MMP_PROBE_REPLY;
	reply.key_id = node->config.key_id;
	reply.name = node->config.name;
	node->ops->send(node->ctx, &a->from, &reply);
	return MMP_DROP_NONE;
}

static void add_rtt(struct mmp_uplink *u, int64_t rtt)
{
	const unsigned int room = sizeof(u->rtts) / sizeof(u->rtts[0]);
	unsigned int n;

	u->rtts[u->n_rtts++ % room] =
		(uint32_t)min_time(max_time(rtt, 0), UINT32_MAX);
	n = u->n_rtts < room ? u->n_rtts : room;
	u->rtt = u->rtts[0];
	for (unsigned int i = 1; i < n; i++)
		if (u->rtts[i] < u->rtt)
			u->rtt = u->rtts[i];
}

static enum mmp_drop on_probe_reply(struct mmp_node *node,
				    const struct mmp_arrival *a,
				    const struct mmp_msg *msg)
{
	enum mmp_drop drop = MMP_DROP_UNASKED;
	bool first = false;

	/* One neighbour may be an uplink to several gateways. */
	for (size_t i = 0; i < node->n_gateways; i++) {
		struct mmp_gateway *gw = &node->gateways[i];
		struct mmp_uplink *u = find_uplink(gw, &a->from);

		if (!u || !u->nonce || u->nonce != msg->nonce)
			continue;
		add_rtt(u, a->us - u->probed_us);
		u->nonce = 0;
		u->unanswered = 0;
		first |= a->now >= u->proved;
		u->proved = a->now + limit_of(node, gw);
		drop = MMP_DROP_NONE;
	}
	if (first)
		class_all(node, a->now, "probe answered");
	return drop;
}

/* ---- what hosts say ---- */

bool mmp_node_routes(const struct mmp_node *node, const struct roam_addr *addr)
{
	for (size_t i = 0; i < node->config.n_subnets; i++)
		if (roam_prefix_contains(&node->config.subnets[i], addr))
			return true;
	return false;
}

static bool is_own_address(const struct mmp_node *node,
			   const struct roam_addr *addr)
{
	return is_gateway(node) &&
	       (roam_addr_eq(addr, &node->config.gateway) ||
		(!roam_addr_is_none(&node->config.gateway6) &&
		 roam_addr_eq(addr, &node->config.gateway6)));
}

static bool is_recent(const struct mmp_node *node, uint32_t epoch, uint32_t seq,
		      msec_t period, const struct mmp_msg *msg)
{
	int32_t age = (int32_t)(seq - msg->seq);
	msec_t most = max_time(node->config.fresh / max_time(period, 1),
			       AHEAD);

	return msg->epoch == epoch && age >= -AHEAD && age <= most;
}

/* Does it name a beacon that only who was here lately can know? */
static bool is_fresh(struct mmp_node *node, const struct mmp_msg *msg)
{
	const struct mmp_gateway *gw;

	if (is_own_address(node, &msg->gateway))
		return is_recent(node, node->epoch, node->seq,
				 node->config.period, msg);
	gw = find_gateway(node, &msg->gateway);
	return gw && gw->period &&
	       is_recent(node, gw->epoch, gw->seq, gw->period, msg);
}

/* The acknowledgement of a message; names the beacon that is newest here. */
static bool make_answer(struct mmp_node *node, const struct mmp_msg *msg,
			enum mmp_status status, struct mmp_msg *answer)
{
	const struct mmp_gateway *gw = node->n_usable ? node->gateways : NULL;

	if (!is_gateway(node) && !gw)
		return false;
	*answer = (struct mmp_msg){
		.type = MMP_ACK,
		.flags = msg->flags & MMP_FLAG_DOMAIN,
		.key_id = msg->key_id,
		.domain = msg->domain,
		.gateway = is_gateway(node) ? node->config.gateway : gw->addr,
		.gateway6 = is_gateway(node) ? node->config.gateway6 :
					       gw->addr6,
		.epoch = is_gateway(node) ? node->epoch : gw->epoch,
		.seq = is_gateway(node) ? node->seq : gw->seq,
		.coa = msg->coa,
		.host_seq = msg->host_seq,
		.status = (uint8_t)status,
		.name = node->config.name,
	};
	return true;
}

static enum mmp_drop refuse(struct mmp_node *node, const struct mmp_arrival *a,
			    const struct mmp_msg *msg, enum mmp_status status,
			    enum mmp_drop drop)
{
	struct mmp_msg answer;

	if (make_answer(node, msg, status, &answer))
		node->ops->answer(node->ctx, &a->from, &answer);
	tell(node, MMP_NODE_HOST_REFUSED, NULL, &a->from, &msg->coa,
	     mmp_drop_name(drop));
	return drop;
}

/* The entry as the message wants it. */
static void update_entry(struct mmp_entry *entry, bool known,
			 const struct mmp_hop *from, const struct mmp_msg *msg)
{
	bool semisoft = msg->flags & MMP_FLAG_SEMISOFT;

	if (!known) {
		memset(entry, 0, sizeof(*entry));
		entry->addr = msg->coa;
		entry->hops[entry->n++] = *from;
	} else if (!semisoft) {
		entry->hops[0] = *from;
		entry->n = 1;
	} else if (!mmp_hop_eq(&entry->hops[0], from)) {
		entry->hops[1] = *from;
		entry->n = 2;
	}
	entry->seq = msg->host_seq;
	entry->keep = msg->flags & MMP_FLAG_KEEP;
	entry->play = semisoft ? 0 : msg->unheard;
}

static bool wants_answer(const struct mmp_msg *msg)
{
	return msg->type != MMP_ROUTE_UPDATE || (msg->flags & MMP_FLAG_ACK);
}

/* The first uplink but the neighbour that a message came from. */
static const struct mmp_hop *way_up(const struct mmp_node *node,
				    const struct mmp_hop *from)
{
	for (size_t i = 0; i < node->n_uplinks; i++)
		if (!mmp_hop_eq(&node->uplinks[i], from))
			return &node->uplinks[i];
	return NULL;
}

static void tell_change(struct mmp_node *node, const struct mmp_arrival *a,
			const struct mmp_entry *old, bool known,
			const struct mmp_entry *entry)
{
	if (!known)
		tell(node, MMP_NODE_HOST_NEW, NULL, &a->from, &entry->addr,
		     "it was not known");
	else if (entry->n == MMP_HOPS)
		tell(node, MMP_NODE_HOST_SECOND, NULL, &a->from, &entry->addr,
		     "semi-soft update");
	else if (!mmp_hop_eq(&old->hops[0], &entry->hops[0]))
		tell(node, MMP_NODE_HOST_MOVED, NULL, &a->from, &entry->addr,
		     "update by another downlink");
}

static enum mmp_drop on_host(struct mmp_node *node, const struct mmp_arrival *a,
			     const struct mmp_msg *msg)
{
	const struct mmp_hop *up = way_up(node, &a->from);
	struct mmp_entry entry = { 0 }, old;
	bool known;

	if (!roam_addr_eq(&a->src, &msg->coa))
		return MMP_DROP_SOURCE;
	/* Captured elsewhere, it would make a branch for data that heals. */
	if (find_link(node, a->from.link)->air &&
	    !mmp_name_eq(&msg->name, &node->config.name))
		return MMP_DROP_SOURCE;
	/* A node without uplink, but for the one that knows no other way itself. */
	if (!is_gateway(node) && !up)
		return MMP_DROP_NO_UPLINK;
	if (!mmp_node_routes(node, &msg->coa))
		return refuse(node, a, msg, MMP_DENIED, MMP_DROP_SUBNET);
	if (!is_fresh(node, msg))
		return refuse(node, a, msg, MMP_STALE, MMP_DROP_STALE);
	known = node->ops->get_entry(node->ctx, &msg->coa, &entry);
	if (known && msg->host_seq <= entry.seq)
		return refuse(node, a, msg, MMP_STALE, MMP_DROP_REPLAY);
	old = entry;
	update_entry(&entry, known, &a->from, msg);
	if (!node->ops->set_entry(node->ctx, &entry))
		return refuse(node, a, msg, MMP_FULL, MMP_DROP_LIMIT);
	tell_change(node, a, &old, known, &entry);
	if (!is_gateway(node)) {
		node->ops->climb(node->ctx, up);
	} else if (wants_answer(msg)) {
		struct mmp_msg answer;

		make_answer(node, msg, MMP_OK, &answer);
		/* Behind the first packets that went both ways, on both. */
		for (unsigned int i = 0; i < entry.n; i++)
			node->ops->answer(node->ctx, &entry.hops[i], &answer);
	}
	return MMP_DROP_NONE;
}

/* ---- the way to a host ---- */

/* What this node knows goes behind what is known already, and then further down. */
static void trace_on(struct mmp_node *node, struct mmp_msg *msg,
		     const struct mmp_hop *from)
{
	struct mmp_hop_state *own = &msg->trace[msg->n_trace++];
	struct mmp_entry entry = { 0 };
	bool ends = true;

	node->ops->get_entry(node->ctx, &msg->coa, &entry);
	*own = (struct mmp_hop_state){
		.name = node->config.name,
		.role = (uint8_t)node->config.role,
		.downlinks = (uint8_t)entry.n,
		.left = entry.left,
		.seq = entry.seq,
	};
	for (unsigned int i = 0; i < entry.n; i++) {
		const struct mmp_node_if *l = find_link(node,
							entry.hops[i].link);

		if (!l || !l->nodes || msg->n_trace == MMP_PATH_MAX)
			continue;
		ends = false;
		msg->type = MMP_TRACE;
		node->ops->send(node->ctx, &entry.hops[i], msg);
	}
	if (!ends)
		return;
	msg->type = MMP_TRACE_REPLY;
	if (from->link)
		node->ops->send(node->ctx, from, msg);
	else
		node->ops->traced(node->ctx, msg);
}

static void remember_trace(struct mmp_node *node, msec_t now, uint64_t nonce,
			   const struct mmp_hop *from)
{
	node->traces[node->n_traces++ % TRACES] = (struct trace){
		.nonce = nonce, .from = *from, .until = now + TRACE_TIME,
	};
}

uint64_t mmp_node_trace(struct mmp_node *node, msec_t now,
			const struct roam_addr *addr)
{
	const struct mmp_hop none = { 0 };
	struct mmp_msg msg = {
		.key_id = node->config.key_id,
		.flags = node->config.domain ? MMP_FLAG_DOMAIN : 0,
		.domain = node->config.domain,
		.coa = *addr,
		.nonce = node->ops->random(node->ctx) | 1,
	};

	remember_trace(node, now, msg.nonce, &none);
	trace_on(node, &msg, &none);
	return msg.nonce;
}

static enum mmp_drop on_trace(struct mmp_node *node,
			      const struct mmp_arrival *a,
			      const struct mmp_msg *msg)
{
	struct mmp_msg on = *msg;

	if (!find_link(node, a->from.link)->nodes)
		return MMP_DROP_ROLE;
	for (unsigned int i = 0; i < msg->n_trace; i++)
		if (mmp_name_eq(&msg->trace[i].name, &node->config.name))
			return MMP_DROP_LOOP;
	if (msg->n_trace == MMP_PATH_MAX)
		return MMP_DROP_LIMIT;
	on.key_id = node->config.key_id;
	remember_trace(node, a->now, msg->nonce, &a->from);
	trace_on(node, &on, &a->from);
	return MMP_DROP_NONE;
}

static enum mmp_drop on_trace_reply(struct mmp_node *node,
				    const struct mmp_arrival *a,
				    const struct mmp_msg *msg)
{
	struct mmp_msg on = *msg;

	if (!find_link(node, a->from.link)->nodes)
		return MMP_DROP_ROLE;
	for (unsigned int i = 0; i < TRACES; i++) {
		const struct trace *t = &node->traces[i];

		if (t->nonce != msg->nonce || a->now >= t->until)
			continue;
		on.key_id = node->config.key_id;
		if (t->from.link)
			node->ops->send(node->ctx, &t->from, &on);
		else
			node->ops->traced(node->ctx, msg);
		return MMP_DROP_NONE;
	}
	return MMP_DROP_UNASKED;
}

/* ---- inputs ---- */

enum mmp_drop mmp_node_input(struct mmp_node *node,
			     const struct mmp_arrival *a,
			     const struct mmp_msg *msg)
{
	const struct mmp_node_if *l = a->from.link ?
		find_link(node, a->from.link) : NULL;

	if (!l)
		return MMP_DROP_ROLE;
	if (node->config.domain && msg->domain != node->config.domain)
		return MMP_DROP_DOMAIN;
	switch (msg->type) {
	case MMP_GATEWAY_BEACON:
		return on_gateway_beacon(node, a, msg);
	case MMP_PROBE:
		return on_probe(node, a, msg);
	case MMP_PROBE_REPLY:
		return on_probe_reply(node, a, msg);
	case MMP_TRACE:
		return on_trace(node, a, msg);
	case MMP_TRACE_REPLY:
		return on_trace_reply(node, a, msg);
	case MMP_REGISTRATION:
	case MMP_CACHE_UPDATE:
	case MMP_ROUTE_UPDATE:
		return on_host(node, a, msg);
	default:
		return MMP_DROP_ROLE;
	}
}

bool mmp_node_link(struct mmp_node *node, msec_t now, uint32_t link, bool nodes,
		   bool air, bool up)
{
	struct mmp_node_if *l = find_link(node, link);
	bool was_up = l && l->up;

	if (!l)
		l = find_link(node, 0);
	if (!l)
		return false;
	/* A bit of mmp_gateway.links stands for another one from now on. */
	for (size_t i = 0; !l->link && i < node->n_gateways; i++)
		node->gateways[i].links &= ~(1ULL << (l - node->links));
	*l = (struct mmp_node_if){ .link = nodes || air ? link : 0,
				   .nodes = nodes, .air = air, .up = up };
	if (was_up && !(l->link && up))
		class_all(node, now, "link down");
	else if (!was_up && up)
		node->beacon_at = min_time(node->beacon_at, now);
	return true;
}

void mmp_node_arrival(struct mmp_node *node, msec_t now)
{
	node->soon = SOON_BEACONS;
	node->beacon_at = min_time(node->beacon_at, now);
}

static void forget_below(struct mmp_node *node, msec_t now)
{
	size_t before = node->n_below;

	for (size_t i = 0; i < node->n_below;)
		if (now >= node->below[i].until)
			node->below[i] = node->below[--node->n_below];
		else
			i++;
	if (node->n_below != before)
		tell_below(node);
}

static void beacon_if_due(struct mmp_node *node, msec_t now, int64_t us)
{
	msec_t period = is_gateway(node) ? node->config.period :
					   node->config.air_period;

	if (node->config.role == MMP_ROLE_NODE || now < node->beacon_at)
		return;
	/* The epoch is on disk before anybody hears of it. */
	if (is_gateway(node) && !node->seq)
		node->ops->save(node->ctx, &node->config.gateway, node->epoch,
				0);
	if (is_gateway(node))
		send_gateway_beacon(node, us);
	else
		send_air_beacon(node, now);
	if (node->soon) {
		node->beacon_at = now + (SOON << (SOON_BEACONS - node->soon--));
		return;
	}
	/* Not later and later each time, nor many at once after a pause. */
	node->beacon_at = now < node->beacon_at + period ?
			  node->beacon_at + period : now + period;
}

/* When the first uplink that is in use now ceases to be. */
static msec_t next_end(const struct mmp_node *node)
{
	msec_t next = MSEC_NEVER;

	for (size_t i = 0; i < node->n_gateways; i++) {
		const struct mmp_gateway *gw = &node->gateways[i];

		next = min_time(next, gw->class_at);
		for (size_t j = 0; j < gw->n_usable; j++) {
			next = min_time(next, gw->uplinks[j].heard +
					      limit_of(node, gw));
			next = min_time(next, gw->uplinks[j].proved);
			next = min_time(next, overdue_at(node, gw,
							 &gw->uplinks[j]));
		}
	}
	for (size_t i = 0; i < node->n_below; i++)
		next = min_time(next, node->below[i].until);
	return next;
}

/*
 * A beacon that does not come is asked after, so that a dead neighbour is noticed
 * before three of them are missed: after one, and three probes.
 */
static void probe_overdue(struct mmp_node *node, msec_t now, int64_t us)
{
	for (size_t i = 0; i < node->n_gateways; i++) {
		struct mmp_gateway *gw = &node->gateways[i];

		for (size_t j = 0; j < gw->n_usable; j++) {
			struct mmp_uplink *u = &gw->uplinks[j];

			if (now < overdue_at(node, gw, u))
				continue;
			if (u->unanswered >= PROBES)
				u->proved = now;
			else
				probe(node, now, us, u, gw->domain);
		}
	}
}

static bool has_ended(struct mmp_node *node, msec_t now)
{
	for (size_t i = 0; i < node->n_gateways; i++)
		for (size_t j = 0; j < node->gateways[i].n_usable; j++)
			if (!is_usable(node, now, &node->gateways[i],
				       &node->gateways[i].uplinks[j]))
				return true;
	return false;
}

/*
 * A process that did not run for a while has heard nothing, whatever was said:
 * what it waited for waits as much longer.
 */
static void forgive(struct mmp_node *node, msec_t now, msec_t late)
{
	/* What was read since then was put in with its right time. */
	for (size_t i = 0; i < node->n_gateways; i++) {
		struct mmp_gateway *gw = &node->gateways[i];

		for (size_t j = 0; j < gw->n_uplinks; j++) {
			struct mmp_uplink *u = &gw->uplinks[j];

			u->heard = min_time(u->heard + late, now);
			u->proved = min_time(u->proved + late,
					     now + limit_of(node, gw));
			u->probed = min_time(u->probed + late, now);
		}
	}
	for (size_t i = 0; i < node->n_below; i++)
		node->below[i].until = min_time(node->below[i].until + late,
						now + below_time(node));
	node->lost = min_time(node->lost + late, now);
}

static msec_t tick(struct mmp_node *node, msec_t now, int64_t us)
{
	if (!node->lost)
		node->lost = now;
	if (!is_gateway(node)) {
		probe_overdue(node, now, us);
		if (has_ended(node, now))
			class_all(node, now, "beacons missed");
		for (size_t i = 0; i < node->n_gateways; i++) {
			if (now < node->gateways[i].class_at)
				continue;
			drop_dead_uplinks(node, now, &node->gateways[i]);
			class_and_send_on(node, now, us, &node->gateways[i]);
			/* The order may have changed: once more from the start. */
			i = (size_t)-1;
		}
	}
	forget_below(node, now);
	beacon_if_due(node, now, us);
	if (node->config.role == MMP_ROLE_NODE)
		return next_end(node);
	return min_time(is_gateway(node) ? MSEC_NEVER : next_end(node),
			node->beacon_at);
}

msec_t mmp_node_tick(struct mmp_node *node, msec_t now, int64_t us)
{
	if (node->due != MSEC_NEVER && now > node->due + OVERSLEPT)
		forgive(node, now, now - node->due);
	node->due = tick(node, now, us);
	return node->due;
}

void mmp_node_remember(struct mmp_node *node, const struct roam_addr *gateway,
		       uint32_t epoch, uint32_t seq)
{
	struct mmp_gateway *gw;

	if (is_own_address(node, gateway)) {
		node->epoch = epoch + 1;
		return;
	}
	gw = find_gateway(node, gateway);
	if (!gw)
		gw = add_gateway(node, 0, gateway);
	if (!gw || epoch <= gw->epoch)
		return;
	gw->epoch = epoch;
	gw->seq = seq;
	gw->saved = seq;
}

/* ---- showing ---- */

const struct mmp_gateway *mmp_node_gateways(const struct mmp_node *node,
					    size_t *n)
{
	*n = node->n_gateways;
	return node->gateways;
}

const struct mmp_below *mmp_node_below(const struct mmp_node *node, size_t *n)
{
	*n = node->n_below;
	return node->below;
}

void mmp_node_own(const struct mmp_node *node, uint32_t *epoch, uint32_t *seq)
{
	*epoch = node->epoch;
	*seq = node->seq;
}

struct mmp_node *mmp_node_new(const struct mmp_node_config *config,
			      const struct mmp_node_ops *ops, void *ctx)
{
	struct mmp_node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->config = *config;
	node->ops = ops;
	node->ctx = ctx;
	node->epoch = 1;
	node->due = MSEC_NEVER;
	return node;
}

void mmp_node_configure(struct mmp_node *node, msec_t now,
			const struct mmp_node_config *config)
{
	node->config = *config;
	/* A shorter period counts from now on, not from the next beacon. */
	node->beacon_at = min_time(node->beacon_at, now +
				   (is_gateway(node) ? config->period :
						       config->air_period));
	class_all(node, now, "configuration");
}

void mmp_node_free(struct mmp_node *node)
{
	free(node);
}
