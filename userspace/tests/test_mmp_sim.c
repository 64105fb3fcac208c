// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whole domains of MMP in virtual time: the cores of all nodes and of a host, links
 * with delay and loss between them, and in each node a model of what the module
 * does with data. What the module really does is tested in guests.
 */
#include "core_test.h"

#include <stdio.h>

#include "core/mmp_host.h"
#include "core/mmp_node.h"

#define NODES 40
#define PORTS 10
#define QUEUE 65536
#define HOSTS_MAX 64		/* entries of a node's table */
#define TIMEOUT 30000		/* D-12 */
#define SECOND_TIME 1000	/* a second entry goes by itself */
#define LEFT_TIME 1000		/* a downlink that was left heals nothing */
#define KEPT 2048		/* packets for a host with one receiver, 2 s */
#define INTERNET 0xff

/* ---- the network ---- */

/**
 * struct port - one end of a link
 * @peer: node at the other end, -1: nothing
 * @peer_port: its port
 * @delay: us to there
 * @loss: of 1,000 packets sent by here
 * @up: carrier
 * @air: hosts are there
 */
struct port {
	int peer;
	int peer_port;
	int64_t delay;
	unsigned int loss;
	bool up;
	bool air;
};

enum kind { LOCAL, CLIMB, DATA };

/**
 * struct packet - on its way
 * @at: when it arrives, us
 * @order: of those that arrive at the same time
 * @node: where
 * @port: by which port
 * @kind: message between neighbours, message of a host, or anything routed
 * @from: sender's link-layer address
 * @src: source
 * @dst: destination
 * @msg: of a message; of an answer, which is routed
 * @id: of data
 * @ttl: hops left
 */
struct packet {
	int64_t at;
	uint64_t order;
	int node;
	int port;
	enum kind kind;
	uint8_t from[MMP_MAC_LEN];
	struct roam_addr src;
	struct roam_addr dst;
	struct mmp_msg msg;
	unsigned int id;
	int ttl;
};

/** struct kept - a packet that went down lately */
struct kept {
	msec_t at;
	struct packet packet;
};

/** struct soft - an entry as the module keeps it */
struct soft {
	struct mmp_entry entry;
	msec_t used[MMP_HOPS];
	msec_t second_until;
	struct mmp_hop left;
	msec_t left_until;
	struct kept *kept;
	unsigned int n_kept;
};

struct node {
	const char *name;
	struct mmp_node *core;
	struct mmp_host *host;
	struct mmp_node_config config;
	struct roam_addr addr;
	struct port ports[PORTS];
	int64_t clock_offset;
	int64_t set_back;		/* us that its time of day is behind */
	bool dead;
	bool no_daemon;			/* the module goes on */
	msec_t next;
	struct soft table[HOSTS_MAX];
	size_t n_table;
	size_t room;
	struct mmp_hop uplinks[MMP_UPLINKS_MAX];
	size_t n_uplinks;
	struct mmp_hop below[MMP_BELOW_MAX];
	size_t n_below;
	const struct packet *handling;
	struct roam_addr saved_gateway[4];
	uint32_t saved_epoch[4];
	uint32_t saved_seq[4];
	size_t n_saved;
	struct mmp_host_memory memory;
	struct mmp_station router;
	bool has_router;
	struct mmp_handoff_record records[64];
	size_t n_records;
	unsigned int beacons[PORTS];	/* gateway beacons sent */
	unsigned int seen[MMP_TYPE_MAX + 1]; /* messages by type, received */
	unsigned int drops[MMP_DROP_MAX];
	unsigned int events[16];
	struct mmp_msg last_host_msg;
	struct mmp_msg traced;
	unsigned int n_traced;
};

static struct node nodes[NODES];
static int n_nodes;
static struct packet *queue;
static size_t n_queue;
static uint64_t order, seed;
static int64_t now_us;
static unsigned int data_up, looped;
static uint8_t got_down[200000], got_up[200000];
static unsigned int copies, newest_down, overtaken;
static msec_t last_down[2];
static int entry_gateway;	/* where the backbone sends what is for the subnet */

static msec_t now_ms(void)
{
	return now_us / 1000;
}

static uint64_t random_bits(void *ctx)
{
	(void)ctx;
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static struct mmp_hop mac_of(int node, int port)
{
	return (struct mmp_hop){
		.link = (uint32_t)port + 1,
		.mac = { 2, 0, 0, (uint8_t)node, (uint8_t)port, 1 },
	};
}

static bool earlier(const struct packet *a, const struct packet *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void push(const struct packet *p)
{
	size_t i = n_queue++;

	assert_true(n_queue < QUEUE);
	queue[i] = *p;
	queue[i].order = order++;
	for (; i && earlier(&queue[i], &queue[(i - 1) / 2]); i = (i - 1) / 2) {
		struct packet t = queue[i];

		queue[i] = queue[(i - 1) / 2];
		queue[(i - 1) / 2] = t;
	}
}

static struct packet pop(void)
{
	struct packet first = queue[0];
	size_t i = 0, c;

	queue[0] = queue[--n_queue];
	while ((c = 2 * i + 1) < n_queue) {
		struct packet t;

		if (c + 1 < n_queue && earlier(&queue[c + 1], &queue[c]))
			c++;
		if (!earlier(&queue[c], &queue[i]))
			break;
		t = queue[i];
		queue[i] = queue[c];
		queue[c] = t;
		i = c;
	}
	return first;
}

/* Sends @p by a port; what is lost is lost. */
static void transmit(struct node *n, int port, struct packet *p)
{
	struct port *out = &n->ports[port];

	if (n->dead || out->peer < 0 || !out->up)
		return;
	if (out->loss && random_bits(NULL) % 1000 < out->loss)
		return;
	p->at = now_us + out->delay;
	p->node = out->peer;
	p->port = out->peer_port;
	memcpy(p->from, mac_of((int)(n - nodes), port).mac, MMP_MAC_LEN);
	push(p);
}

static void transmit_to(struct node *n, const struct mmp_hop *to,
			struct packet *p)
{
	int port = (int)to->link - 1;
	struct mmp_hop peer;

	if (port < 0 || port >= PORTS || n->ports[port].peer < 0)
		return;
	peer = mac_of(n->ports[port].peer, n->ports[port].peer_port);
	/* For somebody who was plugged there before. */
	if (memcmp(to->mac, "\0\0\0\0\0", MMP_MAC_LEN) &&
	    memcmp(to->mac, peer.mac, MMP_MAC_LEN))
		return;
	transmit(n, port, p);
}

/* ---- what the module does ---- */

static struct soft *find_soft(struct node *n, const struct roam_addr *addr)
{
	for (size_t i = 0; i < n->n_table; i++) {
		struct soft *s = &n->table[i];

		if (!roam_addr_eq(&s->entry.addr, addr))
			continue;
		if (s->entry.n == 2 && now_ms() >= s->second_until)
			s->entry.n = 1;
		if (s->entry.n == 2 && now_ms() >= s->used[0] + TIMEOUT) {
			s->entry.hops[0] = s->entry.hops[1];
			s->used[0] = s->used[1];
			s->entry.n = 1;
		}
		if (now_ms() < s->used[0] + TIMEOUT)
			return s;
		free(s->kept);
		n->table[i] = n->table[--n->n_table];
		return NULL;
	}
	return NULL;
}

/* What went the old way while the host heard nothing goes the new one. */
static void play(struct node *n, struct soft *s, const struct mmp_entry *entry)
{
	unsigned int i = s->n_kept > KEPT ? s->n_kept - KEPT : 0;

	if (!s->kept || mmp_hop_eq(&s->entry.hops[0], &entry->hops[0]))
		return;
	for (; entry->play && i < s->n_kept; i++) {
		struct kept kept = s->kept[i % KEPT];

		if (now_ms() - kept.at <= entry->play)
			transmit_to(n, &entry->hops[0], &kept.packet);
	}
	s->n_kept = 0;
}

static void keep(struct soft *s, const struct packet *p)
{
	if (!s->entry.keep)
		return;
	if (!s->kept)
		s->kept = calloc(KEPT, sizeof(*s->kept));
	s->kept[s->n_kept++ % KEPT] = (struct kept){ now_ms(), *p };
}

static bool set_soft(struct node *n, const struct mmp_entry *entry)
{
	struct soft *s = find_soft(n, &entry->addr);

	if (!s && n->n_table == (n->room ? n->room : HOSTS_MAX))
		return false;
	if (!s) {
		s = &n->table[n->n_table++];
		memset(s, 0, sizeof(*s));
	} else if (!mmp_hop_eq(&s->entry.hops[0], &entry->hops[0])) {
		s->left = s->entry.hops[0];
		s->left_until = now_ms() + LEFT_TIME;
	}
	play(n, s, entry);
	s->entry = *entry;
	s->used[0] = now_ms();
	if (entry->n == 2) {
		s->used[1] = now_ms();
		s->second_until = now_ms() + SECOND_TIME;
	}
	return true;
}

static bool is_among(const struct mmp_hop *hops, size_t n,
		     const struct mmp_hop *hop)
{
	for (size_t i = 0; i < n; i++)
		if (mmp_hop_eq(&hops[i], hop))
			return true;
	return false;
}

/* Data of a host climbs: false if it must not (TEN-14, TEN-15, OPEN-30). */
static bool climbs(struct node *n, const struct mmp_hop *from,
		   const struct roam_addr *src)
{
	struct soft *s = find_soft(n, src);
	struct mmp_entry entry = { .addr = *src, .n = 1, .hops[0] = *from };

	for (unsigned int i = 0; s && i < s->entry.n; i++) {
		if (!mmp_hop_eq(&s->entry.hops[i], from))
			continue;
		s->used[i] = now_ms();
		return true;
	}
	if (!mmp_node_routes(n->core, src) ||
	    !is_among(n->below, n->n_below, from))
		return false;
	if (s && (s->entry.n == 2 || (now_ms() < s->left_until &&
				      mmp_hop_eq(&s->left, from))))
		return true;
	if (s)
		entry.seq = s->entry.seq;
	set_soft(n, &entry);
	return true;
}

static bool usable(struct node *n, const struct mmp_hop *hop)
{
	return n->ports[hop->link - 1].up;
}

static void route(struct node *n, const struct mmp_hop *from, struct packet *p)
{
	bool gateway = n->config.role == MMP_ROLE_GATEWAY;
	bool above = from && is_among(n->uplinks, n->n_uplinks, from);
	struct soft *s;

	if (--p->ttl <= 0) {
		looped++;
		return;
	}
	/* A node above that is no uplink at this moment: of nobody in the domain. */
	if (from && !above && !gateway && !n->ports[from->link - 1].air &&
	    !mmp_node_routes(n->core, &p->src)) {
		s = find_soft(n, &p->dst);
		above = s && !is_among(s->entry.hops, s->entry.n, from);
	}
	if (from && !above && !climbs(n, from, &p->src))
		return;
	s = above || gateway ? find_soft(n, &p->dst) : NULL;
	if (s) {
		keep(s, p);
		for (unsigned int i = 0; i < s->entry.n; i++) {
			struct packet copy = *p;

			copies += i;
			transmit_to(n, &s->entry.hops[i], &copy);
		}
		return;
	}
	if (gateway) {
		if (from && roam_addr_eq(&p->dst, &(struct roam_addr){ 0 })) {
			data_up++;
			got_up[p->id]++;
		}
		return;
	}
	for (size_t i = 0; i < n->n_uplinks; i++) {
		if (mmp_hop_eq(&n->uplinks[i], from) ||
		    !usable(n, &n->uplinks[i]))
			continue;
		transmit_to(n, &n->uplinks[i], p);
		return;
	}
}

/* ---- what the cores ask for ---- */

static void kick(struct node *n);

static void op_send(void *ctx, const struct mmp_hop *to,
		    const struct mmp_msg *msg)
{
	struct node *n = ctx;
	struct packet p = { .kind = LOCAL, .msg = *msg };

	if (msg->type == MMP_GATEWAY_BEACON)
		n->beacons[to->link - 1]++;
	transmit_to(n, to, &p);
}

static void op_climb(void *ctx, const struct mmp_hop *to)
{
	struct node *n = ctx;
	struct packet p = *n->handling;

	if (--p.ttl > 0)
		transmit_to(n, to, &p);
	else
		looped++;
}

static void op_answer(void *ctx, const struct mmp_hop *to,
		      const struct mmp_msg *msg)
{
	struct packet p = { .kind = DATA, .msg = *msg, .dst = msg->coa,
			    .src = msg->gateway, .ttl = 32 };

	transmit_to(ctx, to, &p);
}

static bool op_get_entry(void *ctx, const struct roam_addr *addr,
			 struct mmp_entry *entry)
{
	struct soft *s = find_soft(ctx, addr);

	if (s)
		*entry = s->entry;
	return s;
}

static bool op_set_entry(void *ctx, const struct mmp_entry *entry)
{
	return set_soft(ctx, entry);
}

static void op_set_uplinks(void *ctx, const struct mmp_hop *hops, size_t n)
{
	struct node *node = ctx;

	memcpy(node->uplinks, hops, n * sizeof(*hops));
	node->n_uplinks = n;
}

static void op_set_below(void *ctx, const struct mmp_hop *hops, size_t n)
{
	struct node *node = ctx;

	memcpy(node->below, hops, n * sizeof(*hops));
	node->n_below = n;
}

static void op_traced(void *ctx, const struct mmp_msg *msg)
{
	struct node *n = ctx;

	n->traced = *msg;
	n->n_traced++;
}

static void op_save(void *ctx, const struct roam_addr *gateway, uint32_t epoch,
		    uint32_t seq)
{
	struct node *n = ctx;
	size_t i = 0;

	while (i < n->n_saved && !roam_addr_eq(&n->saved_gateway[i], gateway))
		i++;
	if (i == n->n_saved)
		n->n_saved++;
	assert_true(n->n_saved <= 4);
	n->saved_gateway[i] = *gateway;
	n->saved_epoch[i] = epoch;
	n->saved_seq[i] = seq;
}

static void op_event(void *ctx, const struct mmp_node_event *event)
{
	struct node *n = ctx;

	n->events[event->type]++;
	if (getenv("SIM_LOG"))
		printf("# %.3f %s event %d link %u %s\n", now_us / 1e6, n->name,
		       event->type, event->hop.link, event->reason);
}

static const struct mmp_node_ops node_ops = {
	.send = op_send, .climb = op_climb, .answer = op_answer,
	.get_entry = op_get_entry, .set_entry = op_set_entry,
	.set_uplinks = op_set_uplinks, .set_below = op_set_below,
	.traced = op_traced, .save = op_save, .random = random_bits,
	.event = op_event,
};

static void op_host_send(void *ctx, const struct mmp_station *by,
			 const struct mmp_msg *msg)
{
	struct node *n = ctx;
	struct packet p = { .kind = CLIMB, .msg = *msg, .src = msg->coa,
			    .dst = msg->gateway, .ttl = 32 };

	n->last_host_msg = *msg;
	transmit_to(n, &by->hop, &p);
}

static bool op_set_router(void *ctx, const struct mmp_station *station)
{
	struct node *n = ctx;

	n->has_router = station;
	if (station)
		n->router = *station;
	return true;
}

static void op_host_save(void *ctx, const struct mmp_host_memory *memory)
{
	struct node *n = ctx;

	n->memory = *memory;
}

static uint64_t op_wallclock(void *ctx)
{
	struct node *n = ctx;

	return (uint64_t)(now_us + 7200000000 - n->set_back) * 1000;
}

static void op_host_event(void *ctx, const struct mmp_host_event *event)
{
	struct node *n = ctx;

	if (event->type == MMP_HOST_HANDOFF && n->n_records < 64)
		n->records[n->n_records++] = *event->record;
	if (getenv("SIM_LOG"))
		printf("# %.3f %s host event %d %s: %s\n", now_us / 1e6,
		       n->name, event->type, mmp_host_state_name(event->state),
		       event->reason);
}

static const struct mmp_host_ops host_ops = {
	.send = op_host_send, .set_router = op_set_router,
	.save = op_host_save,
	.wallclock = op_wallclock, .event = op_host_event,
};

/* ---- running ---- */

static int64_t clock_of(const struct node *n)
{
	return now_us + n->clock_offset;
}

static msec_t ms_of(const struct node *n)
{
	return clock_of(n) / 1000;
}

static void kick(struct node *n)
{
	msec_t next = MSEC_NEVER;

	n->next = next;
	if (n->dead || n->no_daemon)
		return;
	if (n->core)
		next = mmp_node_tick(n->core, ms_of(n), clock_of(n));
	else if (n->host)
		next = mmp_host_tick(n->host, ms_of(n));
	/* In the time of the simulation. */
	n->next = next == MSEC_NEVER ? MSEC_NEVER :
				       next - n->clock_offset / 1000;
	if (n->next <= now_ms())
		n->next = now_ms() + 1;
}

static void arrive(struct packet *p)
{
	struct node *n = &nodes[p->node];
	struct mmp_arrival a = {
		.now = ms_of(n), .us = clock_of(n), .src = p->src,
		.from.link = (uint32_t)p->port + 1,
	};
	enum mmp_drop drop = MMP_DROP_NONE;

	if (n->dead || !n->ports[p->port].up ||
	    (n->no_daemon && p->kind != DATA))
		return;
	memcpy(a.from.mac, p->from, MMP_MAC_LEN);
	if (p->kind != DATA || (n->host && p->msg.type))
		n->seen[p->msg.type]++;
	n->handling = p;
	if (n->host && p->msg.type)
		drop = mmp_host_input(n->host, &a, &p->msg);
	else if (n->host && roam_addr_eq(&p->dst, &n->addr)) {
		overtaken += !got_down[p->id] && p->id < newest_down;
		if (p->id > newest_down)
			newest_down = p->id;
		got_down[p->id]++;
		last_down[p->id & 1] = now_ms();
	} else if (p->kind == DATA)
		route(n, &a.from, p);
	else if (n->core)
		drop = mmp_node_input(n->core, &a, &p->msg);
	n->handling = NULL;
	n->drops[drop]++;
	if (drop && getenv("SIM_LOG"))
		printf("# %.3f %s drops %s: %s\n", now_us / 1e6, n->name,
		       mmp_type_name(p->msg.type), mmp_drop_name(drop));
	kick(n);
}

/* Runs until so many ms from now. */
static void run(msec_t ms)
{
	int64_t end = now_us + ms * 1000;

	for (;;) {
		int64_t next = n_queue ? queue[0].at : end + 1;
		struct node *due = NULL;

		for (int i = 0; i < n_nodes; i++) {
			if (nodes[i].dead || nodes[i].next == MSEC_NEVER ||
			    nodes[i].next * 1000 > next)
				continue;
			next = nodes[i].next * 1000;
			due = &nodes[i];
		}
		if (next > end)
			break;
		if (next > now_us)
			now_us = next;
		if (due) {
			kick(due);
		} else {
			struct packet p = pop();

			arrive(&p);
		}
	}
	now_us = end;
}

/* ---- building ---- */

static const struct mmp_node_config defaults = {
	.key_id = 1, .domain = 7, .period = 1000, .air_period = 500,
	.missed = 3, .spread = 50, .fresh = 10000,
};

static const struct mmp_host_config host_defaults = {
	.key_id = 1, .handoff = MMP_HARD, .measured = true, .semisoft = 200,
	.update = 10000, .missed = 3, .retry = 100, .retry_max = 1000,
	.tries = 5, .avoid = 10000,
};

static int new_node(const char *name)
{
	struct node *n = &nodes[n_nodes];

	memset(n, 0, sizeof(*n));
	n->name = name;
	n->next = MSEC_NEVER;
	for (int i = 0; i < PORTS; i++)
		n->ports[i].peer = -1;
	return n_nodes++;
}

static void start_core(struct node *n)
{
	n->core = mmp_node_new(&n->config, &node_ops, n);
	assert_non_null(n->core);
	for (size_t i = 0; i < n->n_saved; i++)
		mmp_node_remember(n->core, &n->saved_gateway[i],
				  n->saved_epoch[i], n->saved_seq[i]);
	mmp_node_adopt(n->core, ms_of(n), n->below, n->n_below);
	for (int i = 0; i < PORTS; i++)
		if (n->ports[i].peer >= 0)
			mmp_node_link(n->core, ms_of(n), (uint32_t)i + 1,
				      !n->ports[i].air, n->ports[i].air,
				      n->ports[i].up);
	kick(n);
}

static int add_node(const char *name, enum mmp_role role)
{
	int i = new_node(name);
	struct node *n = &nodes[i];

	n->config = defaults;
	n->config.role = role;
	assert_true(mmp_name_parse(name, &n->config.name));
	n->config.subnets[0] = prefix("10.7.0.0/16");
	n->config.n_subnets = 1;
	return i;
}

static int add_gateway(const char *name, const char *address)
{
	int i = add_node(name, MMP_ROLE_GATEWAY);

	nodes[i].config.gateway = addr(address);
	nodes[i].addr = nodes[i].config.gateway;
	return i;
}

static int add_host(const char *name, const char *address,
		    const struct mmp_host_config *config)
{
	int i = new_node(name);

	nodes[i].addr = addr(address);
	nodes[i].host = mmp_host_new(config, &host_ops, &nodes[i]);
	return i;
}

static int free_port(int node)
{
	int port = 0;

	while (nodes[node].ports[port].peer >= 0)
		assert_true(++port < PORTS);
	return port;
}

/* Connects two nodes; returns the port of the second one. */
static int cable(int upper, int lower, int64_t delay)
{
	int a = free_port(upper), b = free_port(lower);
	bool air = nodes[lower].host;

	nodes[upper].ports[a] = (struct port){ lower, b, delay, 0, true, air };
	nodes[lower].ports[b] = (struct port){ upper, a, delay, 0, true, air };
	return b;
}

static void both_ends(int node, int port, void (*fn)(struct port *, int64_t),
		      int64_t value)
{
	struct port *p = &nodes[node].ports[port];

	fn(&nodes[p->peer].ports[p->peer_port], value);
	fn(p, value);
}

static void set_up(struct port *p, int64_t value)
{
	p->up = value;
}

static void set_delay(struct port *p, int64_t value)
{
	p->delay = value;
}

static void carrier(int node, int port, bool up)
{
	struct port *p = &nodes[node].ports[port];
	const int ends[] = { node, p->peer };
	const int ports[] = { port, p->peer_port };

	both_ends(node, port, set_up, up);
	for (int i = 0; i < 2; i++) {
		struct node *n = &nodes[ends[i]];

		if (n->dead)
			continue;
		if (n->core)
			mmp_node_link(n->core, ms_of(n),
				      (uint32_t)ports[i] + 1, !p->air, p->air,
				      up);
		if (n->host)
			mmp_host_link(n->host, ms_of(n),
				      (uint32_t)ports[i] + 1, up, up);
		kick(n);
	}
}

static void begin(void)
{
	n_nodes = 0;
	n_queue = 0;
	now_us = 1000000;
	seed = 88172645463325252ULL;
	data_up = looped = copies = 0;
	memset(got_down, 0, sizeof(got_down));
	memset(got_up, 0, sizeof(got_up));
	entry_gateway = 0;
	if (!queue)
		queue = calloc(QUEUE, sizeof(*queue));
}

static void start(void)
{
	for (int i = 0; i < n_nodes; i++) {
		if (!nodes[i].host)
			start_core(&nodes[i]);
		else
			mmp_host_addresses(nodes[i].host, ms_of(&nodes[i]),
					   &nodes[i].addr, 1);
		kick(&nodes[i]);
	}
}

static void forget_table(struct node *n)
{
	while (n->n_table)
		free(n->table[--n->n_table].kept);
}

static void end(void)
{
	for (int i = 0; i < n_nodes; i++) {
		mmp_node_free(nodes[i].core);
		mmp_host_free(nodes[i].host);
		forget_table(&nodes[i]);
	}
	assert_int_equal(looped, 0);
}

static void restart(int node)
{
	mmp_node_free(nodes[node].core);
	start_core(&nodes[node]);
}

/* ---- what is looked at ---- */

static const char *station_of(int host)
{
	static char text[MMP_NAME_LEN + 1];
	const struct mmp_station *s = mmp_host_station(nodes[host].host);

	return s ? mmp_name_format(&s->beacon.name, text) : "";
}

/* The node that an entry or the primary uplink leads to, -1 for none. */
static int peer_of(int node, const struct mmp_hop *hop)
{
	return nodes[node].ports[hop->link - 1].peer;
}

static int uplink(int node)
{
	return nodes[node].n_uplinks ?
	       peer_of(node, &nodes[node].uplinks[0]) : -1;
}

static int downlink(int node, int host)
{
	struct soft *s = find_soft(&nodes[node], &nodes[host].addr);

	return s ? peer_of(node, &s->entry.hops[0]) : -1;
}

static unsigned int downlinks(int node, int host)
{
	struct soft *s = find_soft(&nodes[node], &nodes[host].addr);

	return s ? s->entry.n : 0;
}

static bool is_attached(int host)
{
	return mmp_host_state(nodes[host].host) == MMP_HOST_ATTACHED;
}

static void move(int host, const char *to)
{
	struct node *n = &nodes[host];
	struct mmp_name name;

	assert_true(mmp_name_parse(to, &name));
	assert_true(mmp_host_move(n->host, ms_of(n), &name, "test"));
	kick(n);
}

static void send_down(int host, unsigned int id)
{
	struct packet p = { .kind = DATA, .dst = nodes[host].addr, .id = id,
			    .src = addr("192.0.2.1"), .ttl = 32 };

	route(&nodes[entry_gateway], NULL, &p);
}

static void send_up(int host, unsigned int id)
{
	struct packet p = { .kind = DATA, .src = nodes[host].addr, .id = id,
			    .ttl = 32 };

	if (!nodes[host].has_router)
		return;
	mmp_host_transmitted(nodes[host].host, ms_of(&nodes[host]));
	transmit_to(&nodes[host], &nodes[host].router.hop, &p);
}

static unsigned int next_id;

/* 1,000 packets a second each way for so long. */
static void traffic(int host, msec_t ms)
{
	for (msec_t i = 0; i < ms; i++, next_id++) {
		send_down(host, next_id);
		send_up(host, next_id);
		run(1);
	}
}

struct tally {
	unsigned int lost_down;
	unsigned int lost_up;
	unsigned int twice_down;
	unsigned int twice_up;
	unsigned int gap;	/* longest run lost going down */
};

static struct tally count(unsigned int from, unsigned int to)
{
	struct tally t = { 0 };
	unsigned int gap = 0;

	for (unsigned int i = from; i < to; i++) {
		t.lost_down += !got_down[i];
		t.lost_up += !got_up[i];
		t.twice_down += got_down[i] > 1 ? got_down[i] - 1 : 0;
		t.twice_up += got_up[i] > 1;
		gap = got_down[i] ? 0 : gap + 1;
		if (gap > t.gap)
			t.gap = gap;
	}
	return t;
}

static void begin_traffic(void)
{
	next_id = newest_down = overtaken = 0;
	memset(got_down, 0, sizeof(got_down));
	memset(got_up, 0, sizeof(got_up));
}

/*
 * Figure 2A: a gateway, two nodes, four base stations, a host that can hear all
 * of them.
 */
struct tree {
	int gw;
	int node[2];
	int bs[4];
	int mn;
	int port[4];	/* of the host */
	int bs_up[4];	/* port of a base station to its first node */
	int node_up[2];
};

static struct tree tree_a(const struct mmp_host_config *config, int64_t delay)
{
	static const char *const names[] = { "bs1", "bs2", "bs3", "bs4" };
	struct tree t;

	begin();
	t.gw = add_gateway("gw1", "10.7.0.1");
	t.node[0] = add_node("n1", MMP_ROLE_NODE);
	t.node[1] = add_node("n2", MMP_ROLE_NODE);
	for (int i = 0; i < 4; i++)
		t.bs[i] = add_node(names[i], MMP_ROLE_BASE_STATION);
	t.mn = add_host("mn", "10.7.0.99", config);
	for (int i = 0; i < 2; i++)
		t.node_up[i] = cable(t.gw, t.node[i], delay);
	for (int i = 0; i < 4; i++) {
		t.bs_up[i] = cable(t.node[i / 2], t.bs[i], delay);
		t.port[i] = cable(t.bs[i], t.mn, 1000);
	}
	return t;
}

/* ... started, and the host at the first base station. */
static struct tree started_a(const struct mmp_host_config *config, int64_t delay)
{
	struct tree t = tree_a(config, delay);

	start();
	run(3000);
	assert_true(is_attached(t.mn));
	if (strcmp(station_of(t.mn), "bs1"))
		move(t.mn, "bs1");
	run(2000);
	assert_true(is_attached(t.mn));
	assert_string_equal(station_of(t.mn), "bs1");
	/* The branch where it was first has no entry any more. */
	run(TIMEOUT);
	begin_traffic();
	return t;
}

/* ---- beacons ---- */

static void a_tree_wires_itself_up(void **state)
{
	struct tree t = tree_a(&host_defaults, 1000);
	unsigned int before;

	(void)state;
	assert_int_equal(uplink(t.bs[0]), -1);
	start();
	run(1000);
	for (int i = 0; i < 2; i++)
		assert_int_equal(uplink(t.node[i]), t.gw);
	for (int i = 0; i < 4; i++)
		assert_int_equal(uplink(t.bs[i]), t.node[i / 2]);
	before = nodes[t.node[0]].beacons[1];
	run(10000);
	assert_int_equal(nodes[t.node[0]].beacons[1] - before, 10);
	assert_int_equal(nodes[t.node[0]].beacons[0], 0);
	for (int i = 0; i < PORTS; i++)
		assert_int_equal(nodes[t.bs[0]].beacons[i], 0);
	end();
}

static void paths_follow_the_cables(void **state)
{
	struct tree t = started_a(&host_defaults, 1000);
	struct port *p = &nodes[t.bs[0]].ports[t.bs_up[0]];

	(void)state;
	/* bs1 from n1 to n2. */
	carrier(t.bs[0], t.bs_up[0], false);
	nodes[p->peer].ports[p->peer_port].peer = -1;
	p->peer = -1;
	t.bs_up[0] = cable(t.node[1], t.bs[0], 1000);
	mmp_node_link(nodes[t.node[1]].core, ms_of(&nodes[t.node[1]]),
		      (uint32_t)nodes[t.bs[0]].ports[t.bs_up[0]].peer_port + 1,
		      true, false, true);
	carrier(t.bs[0], t.bs_up[0], true);
	run(2000);
	assert_int_equal(uplink(t.bs[0]), t.node[1]);
	end();
}

static void a_ring_does_not_circle(void **state)
{
	struct tree t = tree_a(&host_defaults, 1000);
	unsigned int before;

	(void)state;
	cable(t.node[0], t.node[1], 1000);
	cable(t.bs[0], t.bs[3], 1000);
	start();
	run(5000);
	before = nodes[t.node[0]].beacons[1];
	run(10000);
	assert_int_equal(nodes[t.node[0]].beacons[1] - before, 10);
	assert_int_equal(uplink(t.node[0]), t.gw);
	assert_int_equal(uplink(t.node[1]), t.gw);
	assert_int_equal(uplink(t.bs[0]), t.node[0]);
	begin_traffic();
	traffic(t.mn, 1000);
	run(100);
	assert_int_equal(count(0, 1000).lost_up, 0);
	end();
}

static void a_link_that_works_one_way_is_no_uplink(void **state)
{
	struct tree t = tree_a(&host_defaults, 1000);
	int slow = cable(t.node[1], t.bs[0], 5000);

	(void)state;
	/* What bs1 sends to n1 is lost; the beacons come. */
	nodes[t.bs[0]].ports[t.bs_up[0]].loss = 1000;
	start();
	run(4000);
	assert_int_equal(uplink(t.bs[0]), t.node[1]);
	assert_int_equal(nodes[t.bs[0]].n_uplinks, 1);
	nodes[t.bs[0]].ports[t.bs_up[0]].loss = 0;
	run(3000);
	assert_int_equal(nodes[t.bs[0]].n_uplinks, 2);
	(void)slow;
	end();
}

/* ---- registration and soft state ---- */

static void a_registration_fills_its_path_alone(void **state)
{
	struct tree t = tree_a(&host_defaults, 1000);
	int at;

	(void)state;
	start();
	assert_string_equal(station_of(t.mn), "");
	run(3000);
	assert_true(is_attached(t.mn));
	assert_int_equal(nodes[t.mn].n_records, 1);
	assert_int_equal(nodes[t.mn].records[0].movement, MMP_MOVE_NETWORK);
	assert_int_equal(nodes[t.gw].seen[MMP_REGISTRATION], 1);
	assert_int_equal(nodes[t.mn].seen[MMP_ACK], 1);
	at = station_of(t.mn)[2] - '1';
	assert_int_equal(downlink(t.gw, t.mn), t.node[at / 2]);
	assert_int_equal(downlink(t.node[at / 2], t.mn), t.bs[at]);
	assert_int_equal(downlink(t.bs[at], t.mn), t.mn);
	assert_int_equal(downlink(t.node[1 - at / 2], t.mn), -1);
	for (int i = 0; i < 4; i++)
		if (i != at)
			assert_int_equal(downlink(t.bs[i], t.mn), -1);
	end();
}

static void entries_live_by_what_climbs(void **state)
{
	struct tree t = started_a(&host_defaults, 1000);

	(void)state;
	/* Silent: route updates keep it reachable, for ten timeouts. */
	run(10 * TIMEOUT);
	assert_int_equal(downlink(t.gw, t.mn), t.node[0]);
	assert_int_equal(nodes[t.mn].seen[MMP_BS_BEACON] > 100, true);
	assert_in_range(nodes[t.gw].seen[MMP_ROUTE_UPDATE], 30, 40);
	/* Gone without a word, and steady traffic towards it: that is no life. */
	nodes[t.mn].dead = true;
	for (int i = 0; i < 35; i++) {
		send_down(t.mn, 0);
		run(1000);
	}
	assert_int_equal(downlink(t.gw, t.mn), -1);
	assert_int_equal(downlink(t.node[0], t.mn), -1);
	assert_int_equal(downlink(t.bs[0], t.mn), -1);
	end();
}

static void data_refreshes_and_saves_updates(void **state)
{
	struct tree t = started_a(&host_defaults, 1000);
	unsigned int before = nodes[t.gw].seen[MMP_ROUTE_UPDATE];

	(void)state;
	for (int i = 0; i < 60; i++) {
		send_up(t.mn, 0);
		run(1000);
	}
	assert_int_equal(nodes[t.gw].seen[MMP_ROUTE_UPDATE], before);
	assert_int_equal(downlink(t.gw, t.mn), t.node[0]);
	end();
}

/* ---- handoffs ---- */

static void hard_handoff_replaces_at_the_crossover(void **state)
{
	struct tree t = started_a(&host_defaults, 5000);
	struct tally c;

	(void)state;
	traffic(t.mn, 500);
	move(t.mn, "bs2");
	traffic(t.mn, 500);
	run(100);
	assert_string_equal(station_of(t.mn), "bs2");
	assert_true(is_attached(t.mn));
	assert_int_equal(nodes[t.gw].seen[MMP_CACHE_UPDATE] > 0, true);
	assert_int_equal(downlink(t.gw, t.mn), t.node[0]);
	assert_int_equal(downlink(t.node[0], t.mn), t.bs[1]);
	assert_int_equal(downlinks(t.node[0], t.mn), 1);
	/* The old branch knows it still, and forgets. */
	assert_int_equal(downlink(t.bs[0], t.mn), t.mn);
	traffic(t.mn, TIMEOUT + 1000);
	assert_int_equal(downlink(t.bs[0], t.mn), -1);
	run(100);
	c = count(0, next_id);
	/* This host hears both, so even what the old branch carries arrives. */
	assert_int_equal(c.lost_down, 0);
	assert_int_equal(c.lost_up, 0);
	assert_int_equal(c.twice_down + c.twice_up, 0);
	end();
}

/* It hears the new one only: lost is what was between crossover and old one. */
static void hard_handoff_loses_the_old_branch_only(void **state)
{
	struct tree t = started_a(&host_defaults, 5000);
	struct tally c;

	(void)state;
	traffic(t.mn, 500);
	carrier(t.mn, t.port[0], false);
	traffic(t.mn, 500);
	run(100);
	c = count(0, next_id);
	assert_true(is_attached(t.mn));
	/* To n1 5 ms and on the air 1 ms, there and back: 12 ms; to the gateway 22. */
	assert_in_range(c.lost_down, 1, 24);
	assert_true(c.lost_up <= 1);
	end();
}

static struct tally semisoft_moves(int64_t delay, int64_t slow, bool measured,
				   int moves)
{
	struct mmp_host_config config = host_defaults;
	struct tree t;
	struct tally c;

	config.handoff = MMP_SEMISOFT;
	config.measured = measured;
	t = started_a(&config, delay);
	both_ends(t.bs[1], t.bs_up[1], set_delay, slow);
	run(1000);
	begin_traffic();
	traffic(t.mn, 100);
	for (int i = 0; i < moves; i++) {
		static const char *const to[] = { "bs2", "bs3", "bs4", "bs1" };

		move(t.mn, to[i % 4]);
		traffic(t.mn, 400);
		assert_string_equal(station_of(t.mn), to[i % 4]);
		assert_true(is_attached(t.mn));
		assert_int_equal(downlinks(t.gw, t.mn), 1);
	}
	run(500);
	c = count(0, next_id);
	assert_int_equal(nodes[t.mn].records[nodes[t.mn].n_records - 1].handoff,
			 MMP_SEMISOFT);
	/* As many as packets were sent while two ways were open. */
	for (size_t i = 0; i < nodes[t.mn].n_records; i++)
		assert_true(nodes[t.mn].records[i].took >= 0);
	end();
	return c;
}

static void semisoft_loses_nothing(void **state)
{
	struct tally c;

	(void)state;
	c = semisoft_moves(2000, 2000, true, 12);
	assert_int_equal(c.lost_down, 0);
	assert_int_equal(c.lost_up, 0);
	assert_int_equal(c.twice_up, 0);
	assert_in_range(c.twice_down, 12, 12 * 40);
}

static void semisoft_measures_its_period(void **state)
{
	struct tally fast, slow, constant;

	(void)state;
	/* bs2 is 40 ms further away than bs1. */
	slow = semisoft_moves(2000, 42000, true, 8);
	assert_int_equal(slow.lost_down, 0);
	assert_int_equal(slow.lost_up, 0);
	fast = semisoft_moves(2000, 2000, true, 8);
	constant = semisoft_moves(2000, 2000, false, 8);
	assert_int_equal(constant.lost_down, 0);
	assert_true(fast.twice_down < slow.twice_down);
	assert_true(slow.twice_down < constant.twice_down);
}

static void two_entries_meanwhile(void **state)
{
	struct mmp_host_config config = host_defaults;
	struct tree t;

	(void)state;
	config.handoff = MMP_SEMISOFT;
	config.measured = false;
	t = started_a(&config, 1000);
	move(t.mn, "bs3");
	traffic(t.mn, 50);
	assert_int_equal(mmp_host_state(nodes[t.mn].host), MMP_HOST_SEMISOFT);
	assert_string_equal(station_of(t.mn), "bs1");
	assert_int_equal(downlinks(t.gw, t.mn), 2);
	assert_int_equal(downlinks(t.node[0], t.mn), 1);
	assert_int_equal(downlinks(t.node[1], t.mn), 1);
	assert_int_equal(downlink(t.bs[2], t.mn), t.mn);
	assert_true(copies > 0);
	traffic(t.mn, 300);
	assert_string_equal(station_of(t.mn), "bs3");
	assert_int_equal(downlinks(t.gw, t.mn), 1);
	assert_int_equal(downlink(t.gw, t.mn), t.node[1]);
	end();
}

static void check_way(const struct mmp_msg *msg, const char *way)
{
	char text[MMP_PATH_MAX * (MMP_NAME_LEN + 1) + 1] = "";

	for (unsigned int i = 0; i < msg->n_trace; i++) {
		char one[MMP_NAME_LEN + 1];

		strcat(text, i ? " " : "");
		strcat(text, mmp_name_format(&msg->trace[i].name, one));
	}
	assert_string_equal(text, way);
}

static void the_way_to_a_host_is_told(void **state)
{
	struct mmp_host_config config = host_defaults;
	const struct roam_addr host = addr("10.7.0.99");
	const struct roam_addr nobody = addr("10.7.0.98");
	struct node *gw;
	struct tree t;
	uint64_t nonce;

	(void)state;
	config.handoff = MMP_SEMISOFT;
	config.measured = false;
	t = started_a(&config, 1000);
	gw = &nodes[t.gw];
	nonce = mmp_node_trace(gw->core, ms_of(gw), &host);
	run(50);
	assert_int_equal(gw->n_traced, 1);
	assert_int_equal(gw->traced.nonce, nonce);
	check_way(&gw->traced, "gw1 n1 bs1");
	for (int i = 0; i < 3; i++)
		assert_int_equal(gw->traced.trace[i].downlinks, 1);
	assert_int_equal(gw->traced.trace[2].role, MMP_TRACE_BASE_STATION);
	/* Of nobody there is no way, and that is told at once. */
	mmp_node_trace(gw->core, ms_of(gw), &nobody);
	assert_int_equal(gw->n_traced, 2);
	check_way(&gw->traced, "gw1");
	assert_int_equal(gw->traced.trace[0].downlinks, 0);
	/* Two of them during a semi-soft handoff. */
	move(t.mn, "bs3");
	traffic(t.mn, 50);
	mmp_node_trace(gw->core, ms_of(gw), &host);
	run(50);
	assert_int_equal(gw->n_traced, 4);
	assert_int_equal(gw->traced.trace[0].downlinks, 2);
	/* A dead node is where it ends: nobody answers. */
	traffic(t.mn, 1000);
	nodes[t.node[1]].dead = true;
	mmp_node_trace(gw->core, ms_of(gw), &host);
	run(50);
	assert_int_equal(gw->n_traced, 4);
	end();
}

/* The update is lost, or the new base station is deaf: it stays and tries again. */
static void semisoft_with_loss(void **state)
{
	struct mmp_host_config config = host_defaults;
	struct tree t;
	struct tally c;

	(void)state;
	config.handoff = MMP_SEMISOFT;
	t = started_a(&config, 1000);
	nodes[t.bs[2]].ports[t.bs_up[2]].loss = 400;
	move(t.mn, "bs3");
	traffic(t.mn, 3000);
	assert_string_equal(station_of(t.mn), "bs3");
	c = count(0, 50);
	assert_int_equal(c.lost_down, 0);
	nodes[t.bs[2]].ports[t.bs_up[2]].loss = 0;
	traffic(t.mn, 1000);
	/* bs4 hears the host, but nothing gets through. */
	nodes[t.bs[3]].ports[t.bs_up[3]].loss = 1000;
	begin_traffic();
	move(t.mn, "bs4");
	traffic(t.mn, 3000);
	run(100);
	assert_string_equal(station_of(t.mn), "bs3");
	c = count(0, next_id);
	assert_int_equal(c.lost_down, 0);
	assert_int_equal(c.lost_up, 0);
	end();
}

/* ---- several uplinks ---- */

/* Figure 2B: each base station has both nodes above it. */
static struct tree tree_b(enum mmp_criterion criterion, bool fast)
{
	struct tree t = tree_a(&host_defaults, 1000);

	for (int i = 0; i < 4; i++)
		cable(t.node[1 - i / 2], t.bs[i], 3000);
	for (int i = 0; i < n_nodes; i++) {
		nodes[i].config.criterion = criterion;
		if (!fast)
			continue;
		nodes[i].config.period = 50;
		nodes[i].config.spread = 5;
	}
	start();
	run(5000);
	if (strcmp(station_of(t.mn), "bs1"))
		move(t.mn, "bs1");
	run(3000);
	begin_traffic();
	return t;
}

static void latency_decides(void **state)
{
	struct tree t = tree_b(MMP_BY_LATENCY, false);

	(void)state;
	assert_int_equal(nodes[t.bs[0]].n_uplinks, 2);
	assert_int_equal(uplink(t.bs[0]), t.node[0]);
	both_ends(t.bs[0], t.bs_up[0], set_delay, 20000);
	run(10000);
	assert_int_equal(uplink(t.bs[0]), t.node[1]);
	both_ends(t.bs[0], t.bs_up[0], set_delay, 1000);
	run(20000);
	assert_int_equal(uplink(t.bs[0]), t.node[0]);
	end();
}

static void small_differences_do_not_flap(void **state)
{
	struct tree t = tree_b(MMP_BY_LATENCY, false);
	unsigned int before = nodes[t.bs[0]].events[MMP_NODE_UPLINK];

	(void)state;
	for (int i = 0; i < 20; i++) {
		both_ends(t.bs[0], t.bs_up[0], set_delay, i % 2 ? 2900 : 3200);
		run(1000);
	}
	assert_int_equal(nodes[t.bs[0]].events[MMP_NODE_UPLINK], before);
	end();
}

static void reliability_decides(void **state)
{
	struct tree t = tree_b(MMP_BY_RELIABILITY, false);
	int from = nodes[t.bs[0]].ports[t.bs_up[0]].peer_port;

	(void)state;
	assert_int_equal(uplink(t.bs[0]), t.node[0]);
	nodes[t.node[0]].ports[from].loss = 200;
	run(60000);
	assert_int_equal(uplink(t.bs[0]), t.node[1]);
	nodes[t.node[0]].ports[from].loss = 0;
	/* Both are as good as each other again, so latency decides. */
	run(60000);
	assert_int_equal(uplink(t.bs[0]), t.node[0]);
	end();
}

static void a_dead_node_is_passed_by(void **state)
{
	struct tree t = tree_b(MMP_BY_LATENCY, false);
	struct tally c;

	(void)state;
	traffic(t.mn, 100);
	assert_int_equal(downlink(t.gw, t.mn), t.node[0]);
	nodes[t.node[0]].dead = true;
	traffic(t.mn, 4000);
	c = count(0, next_id);
	assert_int_equal(uplink(t.bs[0]), t.node[1]);
	assert_int_equal(downlink(t.gw, t.mn), t.node[1]);
	/* No message healed that: the host's daemon noticed nothing. */
	assert_true(c.gap < 2000);
	assert_true(c.lost_up < 2000);
	/* It comes back, and so does the path. */
	nodes[t.node[0]].dead = false;
	kick(&nodes[t.node[0]]);
	traffic(t.mn, 10000);
	assert_int_equal(uplink(t.bs[0]), t.node[0]);
	assert_int_equal(downlink(t.gw, t.mn), t.node[0]);
	end();
}

static void fast_timers_are_fast(void **state)
{
	struct tree t = tree_b(MMP_BY_LATENCY, true);

	(void)state;
	traffic(t.mn, 100);
	nodes[t.node[0]].dead = true;
	traffic(t.mn, 1000);
	assert_int_equal(uplink(t.bs[0]), t.node[1]);
	assert_true(count(0, next_id).gap < 200);
	end();
}

static void a_link_down_costs_a_packet(void **state)
{
	struct tree t = tree_b(MMP_BY_LATENCY, false);
	struct tally c;

	(void)state;
	traffic(t.mn, 100);
	carrier(t.bs[0], t.bs_up[0], false);
	traffic(t.mn, 500);
	run(100);
	c = count(0, next_id);
	assert_int_equal(downlink(t.gw, t.mn), t.node[1]);
	assert_true(c.lost_up <= 1);
	/* What was on its way down that link, and until the first packet climbed. */
	assert_true(c.lost_down <= 10);
	end();
}

/* It did not run for ten seconds, and reads what came before its timers have their turn. */
static void stand_still(int node, msec_t then)
{
	nodes[node].dead = true;
	run(10000);
	nodes[node].dead = false;
	nodes[node].next = now_ms() + 1500;
	run(then);
}

static void who_was_stopped_waits_no_longer_than_others(void **state)
{
	struct tree t = tree_b(MMP_BY_LATENCY, false);
	unsigned int before = nodes[t.bs[0]].events[MMP_NODE_UPLINK];

	(void)state;
	stand_still(t.bs[0], 2000);
	assert_int_equal(nodes[t.bs[0]].events[MMP_NODE_UPLINK], before);
	/* What dies then is missed as soon as ever. */
	nodes[t.node[0]].dead = true;
	run(4500);
	assert_int_equal(uplink(t.bs[0]), t.node[1]);
	/* A host that hears one base station alone. */
	for (int i = 1; i < 4; i++)
		nodes[t.bs[i]].dead = true;
	run(5000);
	stand_still(t.mn, defaults.air_period);
	assert_true(is_attached(t.mn));
	assert_string_equal(station_of(t.mn), "bs1");
	/* Right behind the first beacon that it heard. */
	nodes[t.bs[0]].dead = true;
	run(3000);
	assert_false(is_attached(t.mn));
	end();
}

/* ---- several gateways ---- */

struct tree_c {
	struct tree t;
	int gw2;
	int node_up2[2];
};

/* Figure 2C; with @b combined with 2B. */
static struct tree_c tree_c(bool b, bool fast)
{
	struct tree_c c = { .t = tree_a(&host_defaults, 1000) };

	c.gw2 = add_gateway("gw2", "10.7.0.2");
	for (int i = 0; i < 2; i++)
		c.node_up2[i] = cable(c.gw2, c.t.node[i], 3000);
	for (int i = 0; i < 4 && b; i++)
		cable(c.t.node[1 - i / 2], c.t.bs[i], 3000);
	/* An hour apart, and the nodes as well (OPEN-43). */
	nodes[c.gw2].clock_offset = 3600LL * 1000000;
	nodes[c.t.node[1]].clock_offset = -900LL * 1000;
	for (int i = 0; i < n_nodes && fast; i++) {
		nodes[i].config.period = 50;
		nodes[i].config.spread = 5;
	}
	start();
	run(5000);
	if (strcmp(station_of(c.t.mn), "bs1"))
		move(c.t.mn, "bs1");
	run(3000);
	begin_traffic();
	return c;
}

static const char *gateway_of(int node)
{
	static char text[ROAM_ADDR_STRLEN];
	size_t n;
	const struct mmp_gateway *g = mmp_node_gateways(nodes[node].core, &n);

	return n && g->n_usable ? roam_addr_format(&g->addr, text) : "";
}

static void the_nearer_gateway_is_primary(void **state)
{
	struct tree_c c = tree_c(false, false);
	size_t n;

	(void)state;
	assert_string_equal(gateway_of(c.t.node[0]), "10.7.0.1");
	assert_string_equal(gateway_of(c.t.node[1]), "10.7.0.1");
	mmp_node_gateways(nodes[c.t.node[0]].core, &n);
	assert_int_equal(n, 2);
	assert_int_equal(nodes[c.t.node[0]].n_uplinks, 2);
	/* Base stations with one uplink hear of the primary one alone. */
	mmp_node_gateways(nodes[c.t.bs[0]].core, &n);
	assert_int_equal(n, 1);
	both_ends(c.t.node[0], c.t.node_up[0], set_delay, 20000);
	run(20000);
	assert_string_equal(gateway_of(c.t.node[0]), "10.7.0.2");
	assert_string_equal(gateway_of(c.t.node[1]), "10.7.0.1");
	end();
}

static void lose_gateway(bool b, bool fast, unsigned int limit)
{
	struct tree_c c = tree_c(b, fast);
	struct tally t;

	entry_gateway = c.t.gw;
	traffic(c.t.mn, 100);
	nodes[c.t.gw].dead = true;
	/* The border router follows, by routing of its own. */
	entry_gateway = c.gw2;
	traffic(c.t.mn, 5000);
	t = count(0, next_id);
	assert_true(t.lost_up < limit);
	assert_true(t.gap < limit);
	assert_string_equal(gateway_of(c.t.node[0]), "10.7.0.2");
	assert_string_equal(gateway_of(c.t.bs[0]), "10.7.0.2");
	assert_true(is_attached(c.t.mn));
	assert_string_equal(station_of(c.t.mn), "bs1");
	assert_addr(mmp_host_station(nodes[c.t.mn].host)->beacon.gateway,
		    "10.7.0.2");
	/* Told by the base station, it registered at the new one. */
	assert_true(nodes[c.gw2].seen[MMP_REGISTRATION] > 0);
	end();
}

static void a_dead_gateway_is_replaced(void **state)
{
	(void)state;
	lose_gateway(false, false, 2000);
	lose_gateway(true, false, 2000);
	lose_gateway(false, true, 200);
	lose_gateway(true, true, 200);
}

/* Nobody is told nearer than the link to him is long. */
static void a_gateway_that_lies_gains_little(void **state)
{
	struct tree_c c = tree_c(false, false);
	size_t n;
	const struct mmp_gateway *g;

	(void)state;
	/* The delay that gw2 tells is 0, and honest gw1's is 0 as well. */
	g = mmp_node_gateways(nodes[c.t.node[0]].core, &n);
	assert_int_equal(n, 2);
	assert_string_equal(gateway_of(c.t.node[0]), "10.7.0.1");
	assert_true(g[1].uplinks[0].rtt >= 6000);
	/* A timestamp from the future makes no difference either. */
	nodes[c.gw2].clock_offset += 1000000000;
	kick(&nodes[c.gw2]);
	run(10000);
	assert_string_equal(gateway_of(c.t.node[0]), "10.7.0.1");
	end();
}

/* ---- restarts and replay ---- */

static void a_rebooted_gateway_is_followed_at_once(void **state)
{
	struct tree t = started_a(&host_defaults, 1000);
	uint32_t epoch, seq;

	(void)state;
	restart(t.gw);
	run(200);
	mmp_node_own(nodes[t.gw].core, &epoch, &seq);
	assert_int_equal(epoch, 2);
	assert_int_equal(seq, 1);
	assert_int_equal(nodes[t.node[0]].events[MMP_NODE_RESTARTED], 1);
	traffic(t.mn, 1000);
	run(100);
	assert_int_equal(count(0, next_id).lost_up, 0);
	/* Its disk is lost: it counts from one, until it hears of itself. */
	nodes[t.gw].n_saved = 0;
	restart(t.gw);
	run(200);
	assert_int_equal(nodes[t.node[0]].events[MMP_NODE_RESTARTED], 1);
	end();
}

static void restarts_lose_nothing(void **state)
{
	struct tree t = started_a(&host_defaults, 1000);

	(void)state;
	traffic(t.mn, 100);
	restart(t.node[0]);
	traffic(t.mn, 300);
	restart(t.bs[0]);
	traffic(t.mn, 300);
	restart(t.gw);
	traffic(t.mn, 3000);
	run(100);
	assert_int_equal(count(0, next_id).lost_up, 0);
	assert_int_equal(count(0, next_id).lost_down, 0);
	assert_int_equal(uplink(t.node[0]), t.gw);
	move(t.mn, "bs2");
	traffic(t.mn, 1000);
	assert_true(is_attached(t.mn));
	end();
}

/* Daemons that are away for longer than their neighbours' probes go unanswered. */
static void slow_restarts_lose_nothing(void **state)
{
	struct tree t = tree_b(MMP_BY_LATENCY, false);
	const int away[] = { t.gw, t.node[0], t.node[1], t.bs[0] };
	int by;

	(void)state;
	traffic(t.mn, 100);
	for (int i = 0; i < 4; i++) {
		nodes[away[i]].no_daemon = true;
		traffic(t.mn, 2500);
		nodes[away[i]].no_daemon = false;
		restart(away[i]);
		traffic(t.mn, 1500);
	}
	/* A base station hears of one of its uplinks alone, by which nothing comes down yet. */
	by = downlink(t.gw, t.mn);
	nodes[by].no_daemon = true;
	restart(t.bs[0]);
	traffic(t.mn, 3000);
	assert_int_not_equal(downlink(t.gw, t.mn), by);
	nodes[by].no_daemon = false;
	restart(by);
	traffic(t.mn, 3000);
	run(100);
	assert_int_equal(count(0, next_id).lost_up, 0);
	assert_int_equal(count(0, next_id).lost_down, 0);
	end();
}

/* Whose data may heal is not learned anew, one by one. */
static void a_restarted_node_knows_who_is_below(void **state)
{
	struct tree t = started_a(&host_defaults, 1000);

	(void)state;
	restart(t.gw);
	for (int i = 0; i < 3000; i++) {
		run(1);
		assert_int_equal(nodes[t.gw].n_below, 2);
	}
	/* Who does not ask again is none of them any more. */
	nodes[t.node[1]].dead = true;
	restart(t.gw);
	run(8000);
	assert_int_equal(nodes[t.gw].n_below, 1);
	end();
}

/* Its daemon is gone, its routes are not. */
static void restart_host(int host, const char *address)
{
	const struct roam_addr own = addr(address);
	struct node *n = &nodes[host];
	struct mmp_host_config config = *mmp_host_config(n->host);

	mmp_host_free(n->host);
	n->host = mmp_host_new(&config, &host_ops, n);
	mmp_host_remember(n->host, ms_of(n), &n->memory);
	for (int i = 0; i < PORTS; i++)
		if (n->ports[i].peer >= 0)
			mmp_host_link(n->host, ms_of(n), (uint32_t)i + 1,
				      n->ports[i].up, false);
	mmp_host_addresses(n->host, ms_of(n), &own, 1);
	kick(n);
}

static void a_restarted_host_stays(void **state)
{
	struct tree t = started_a(&host_defaults, 1000);

	(void)state;
	for (int i = 0; i < 4; i++) {
		static const char *const to[] = { "bs4", "bs1", "bs3", "bs2" };

		move(t.mn, to[i]);
		traffic(t.mn, 100);
		restart_host(t.mn, "10.7.0.99");
		traffic(t.mn, 2000);
		assert_string_equal(station_of(t.mn), to[i]);
		assert_true(is_attached(t.mn));
	}
	/* Its clock was set back meanwhile. */
	nodes[t.mn].set_back = 3600000000;
	restart_host(t.mn, "10.7.0.99");
	traffic(t.mn, 2000);
	move(t.mn, "bs1");
	traffic(t.mn, 1000);
	assert_string_equal(station_of(t.mn), "bs1");
	assert_true(is_attached(t.mn));
	run(100);
	assert_int_equal(count(0, next_id).lost_up, 0);
	assert_int_equal(count(0, next_id).lost_down, 0);
	/* Its file is lost as well: it finds out what is high enough. */
	memset(&nodes[t.mn].memory, 0, sizeof(nodes[t.mn].memory));
	restart_host(t.mn, "10.7.0.99");
	traffic(t.mn, 10000);
	assert_true(is_attached(t.mn));
	move(t.mn, "bs1");
	traffic(t.mn, 2000);
	assert_true(is_attached(t.mn));
	/* Where it was there is nobody any more. */
	nodes[t.bs[0]].dead = true;
	restart_host(t.mn, "10.7.0.99");
	run(3000);
	assert_string_not_equal(station_of(t.mn), "bs1");
	assert_true(is_attached(t.mn));
	end();
}

/* Two machines with one key: whoever spoke last has it, and nobody gets two copies. */
static void a_host_in_two_places(void **state)
{
	struct tree t = tree_a(&host_defaults, 1000);
	int twin = add_host("twin", "10.7.0.99", &host_defaults);
	unsigned int moved = 0;

	(void)state;
	cable(t.bs[3], twin, 1000);
	start();
	run(4000);
	begin_traffic();
	for (int i = 0; i < 60; i++) {
		int was = downlink(t.gw, t.mn);

		traffic(i % 20 < 10 ? t.mn : twin, 1000);
		assert_int_equal(downlinks(t.gw, t.mn), 1);
		moved += downlink(t.gw, t.mn) != was;
	}
	assert_true(moved > 0);
	assert_true(is_attached(t.mn));
	assert_int_equal(looped, 0);
	end();
}

static void numbers_of_beacons_wrap(void **state)
{
	struct tree t = tree_a(&host_defaults, 1000);

	(void)state;
	start();
	for (int i = 0; i < n_nodes; i++)
		nodes[i].n_saved = 0;
	/* As if it had run for long: its next number is close to the end. */
	nodes[t.gw].dead = true;
	run(1000);
	for (uint32_t seq = UINT32_MAX - 5; seq != 6; seq++) {
		struct packet p = {
			.kind = LOCAL, .node = t.node[0],
			.port = t.node_up[0], .at = now_us,
			.msg = {
				.type = MMP_GATEWAY_BEACON,
				.flags = MMP_FLAG_DOMAIN, .domain = 7,
				.gateway = addr("10.7.0.9"), .epoch = 5,
				.seq = seq, .period = 1000, .n_path = 1,
				.timestamp = (uint64_t)now_us,
			},
		};

		mmp_name_parse("gw9", &p.msg.path[0]);
		memcpy(p.from, mac_of(t.gw, 0).mac, MMP_MAC_LEN);
		push(&p);
		run(1000);
	}
	assert_int_equal(nodes[t.node[0]].drops[MMP_DROP_REPLAY], 0);
	end();
}

/* Behind the last epoch none could come, so no gateway would be believed any more. */
static void an_epoch_takes_no_great_step(void **state)
{
	struct tree t = tree_a(&host_defaults, 1000);
	struct mmp_node *core = nodes[t.node[0]].core;
	const uint32_t step[] = { MMP_EPOCH_STEP + 1, 0x7fffffff };
	uint32_t epoch, seq;
	size_t n;

	(void)state;
	start();
	run(3000);
	core = nodes[t.node[0]].core;
	mmp_node_own(nodes[t.gw].core, &epoch, &seq);
	for (int i = 0; i < 3; i++) {
		struct packet p = {
			.kind = LOCAL, .node = i < 2 ? t.node[0] : t.gw,
			.port = i < 2 ? t.node_up[0] : 0, .at = now_us,
			.msg = {
				.type = MMP_GATEWAY_BEACON,
				.flags = MMP_FLAG_DOMAIN, .domain = 7,
				.gateway = addr("10.7.0.1"),
				.epoch = i < 2 ? epoch + step[i] : UINT32_MAX,
				.seq = 1, .period = 1000, .n_path = 1,
				.timestamp = (uint64_t)now_us,
			},
		};

		mmp_name_parse("gw9", &p.msg.path[0]);
		memcpy(p.from, mac_of(t.gw, 0).mac, MMP_MAC_LEN);
		push(&p);
		run(1000);
		assert_int_equal(mmp_node_gateways(core, &n)->epoch, epoch);
	}
	assert_int_equal(nodes[t.node[0]].drops[MMP_DROP_REPLAY], 2);
	mmp_node_own(nodes[t.gw].core, &seq, &epoch);
	assert_int_equal(mmp_node_gateways(core, &n)->epoch, seq);
	/* A restart is a small one. */
	restart(t.gw);
	run(3000);
	assert_int_equal(mmp_node_gateways(core, &n)->epoch, seq + 1);
	end();
}

/* @from says the same again, by its own port. */
static void say_again(int from, int port, const struct mmp_msg *msg,
		      enum kind kind)
{
	struct packet p = { .kind = kind, .msg = *msg, .src = msg->coa,
			    .dst = msg->gateway, .ttl = 32 };

	transmit(&nodes[from], port, &p);
	run(50);
}

static void captured_messages_are_useless(void **state)
{
	struct tree t = started_a(&host_defaults, 1000);
	struct mmp_msg old, beacon;
	size_t n;
	int thief;

	(void)state;
	thief = new_node("thief");
	nodes[thief].host = mmp_host_new(&host_defaults, &host_ops,
					 &nodes[thief]);
	nodes[thief].addr = addr("10.7.0.66");
	cable(t.bs[2], thief, 1000);
	mmp_node_link(nodes[t.bs[2]].core, ms_of(&nodes[t.bs[2]]),
		      (uint32_t)nodes[thief].ports[0].peer_port + 1, false,
		      true, true);
	old = nodes[t.mn].last_host_msg;
	/* At once, by another base station. */
	say_again(thief, 0, &old, CLIMB);
	assert_int_equal(downlink(t.gw, t.mn), t.node[0]);
	run(20000);
	say_again(thief, 0, &old, CLIMB);
	assert_int_equal(nodes[t.bs[2]].drops[MMP_DROP_SOURCE], 2);
	assert_int_equal(downlink(t.bs[2], t.mn), -1);
	/* Where it was captured it is old. */
	say_again(t.mn, t.port[0], &old, CLIMB);
	assert_true(nodes[t.bs[0]].drops[MMP_DROP_STALE] > 0);
	/* After a restart of all nodes and the loss of all entries, as well. */
	for (int i = 0; i < n_nodes; i++) {
		forget_table(&nodes[i]);
		if (nodes[i].core)
			restart(i);
	}
	nodes[t.mn].dead = true;
	run(3000);
	nodes[t.mn].dead = false;
	say_again(t.mn, t.port[0], &old, CLIMB);
	assert_int_equal(downlink(t.bs[0], t.mn), -1);
	run(1000);
	/* Somebody else's address as source (OPEN-30). */
	old = nodes[t.mn].last_host_msg;
	old.host_seq += 1000000000;
	{
		struct packet p = { .kind = CLIMB, .msg = old, .ttl = 32,
				    .src = addr("10.7.0.66") };

		transmit(&nodes[thief], 0, &p);
	}
	run(50);
	assert_int_equal(nodes[t.bs[2]].drops[MMP_DROP_SOURCE], 3);
	/* A beacon of before. */
	beacon = mmp_node_gateways(nodes[t.node[0]].core, &n)->uplinks[0].last;
	run(10000);
	say_again(t.bs[0], t.bs_up[0], &beacon, LOCAL);
	assert_int_equal(nodes[t.node[0]].drops[MMP_DROP_REPLAY], 1);
	restart(t.node[0]);
	run(2000);
	beacon.epoch--;
	say_again(t.bs[0], t.bs_up[0], &beacon, LOCAL);
	assert_int_equal(nodes[t.node[0]].drops[MMP_DROP_REPLAY], 2);
	assert_int_equal(uplink(t.node[0]), t.gw);
	end();
}

/* A frame with the base station's link-layer address, by whoever has the key of the air. */
static void say_for(const struct tree *t, const struct mmp_msg *beacon)
{
	struct packet p = { .kind = LOCAL, .msg = *beacon };

	transmit(&nodes[t->bs[0]], nodes[t->mn].ports[t->port[0]].peer_port, &p);
}

static void a_beacon_far_ahead_is_a_claim(void **state)
{
	(void)state;
	/* At different times of the route updates. */
	for (int offset = 1000; offset < 8000; offset += 2000) {
		struct tree t = started_a(&host_defaults, 1000);
		struct mmp_msg beacon;

		for (int i = 1; i < 4; i++)
			nodes[t.bs[i]].dead = true;
		run(5000 + offset);
		beacon = mmp_host_station(nodes[t.mn].host)->beacon;
		beacon.seq += 0x70000000;
		say_for(&t, &beacon);
		run(20000);
		assert_true(is_attached(t.mn));
		assert_string_equal(station_of(t.mn), "bs1");
		end();
	}
}

/* The beacon that was heard last, with another period, by whoever has the key of the air. */
static void say_period(const struct tree *t, uint32_t period)
{
	struct mmp_msg beacon = mmp_host_station(nodes[t->mn].host)->beacon;

	beacon.period = period;
	say_for(t, &beacon);
}

/* How long the host stays at a base station that says nothing any more, ms. */
static msec_t stays(const struct tree *t)
{
	msec_t ms = 0;

	nodes[t->bs[0]].dead = true;
	for (; is_attached(t->mn) && ms < 60000; ms += 50)
		run(50);
	return ms;
}

static void a_period_is_a_claim(void **state)
{
	/* The third one times three is 2 in 32 bits. */
	static const uint32_t periods[] = { 1, 400, 0x55555556 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct tree t = started_a(&host_defaults, 1000);
		unsigned int moves;

		for (int j = 1; j < 4; j++)
			nodes[t.bs[j]].dead = true;
		moves = nodes[t.mn].n_records;
		for (int j = 0; j < 200; j++) {
			say_period(&t, periods[i]);
			run(37);
			assert_true(is_attached(t.mn) && nodes[t.mn].has_router);
			assert_string_equal(station_of(t.mn), "bs1");
		}
		assert_int_equal(nodes[t.mn].n_records, moves);
		/* A lie does not last, and who is gone is missed in three periods. */
		run(31000);
		assert_in_range(stays(&t), 1000, 1600);
		end();
	}
}

static void a_shorter_period_counts_in_the_end(void **state)
{
	struct tree t = started_a(&host_defaults, 1000);

	(void)state;
	for (int i = 1; i < 4; i++)
		nodes[t.bs[i]].dead = true;
	nodes[t.bs[0]].config.air_period = 100;
	restart(t.bs[0]);
	run(4000);
	assert_true(is_attached(t.mn));
	assert_in_range(stays(&t), 200, 400);
	end();
}

static void a_gateway_is_asked_before_it_is_left(void **state)
{
	struct tree t = started_a(&host_defaults, 1000);
	unsigned int updates = nodes[t.gw].seen[MMP_CACHE_UPDATE];
	struct mmp_msg beacon;

	(void)state;
	for (int i = 0; i < 10; i++) {
		beacon = mmp_host_station(nodes[t.mn].host)->beacon;
		memset(&beacon.gateway, 0, sizeof(beacon.gateway));
		memset(&beacon.gateway6, 0, sizeof(beacon.gateway6));
		beacon.epoch = 0;
		beacon.seq = 0;
		say_for(&t, &beacon);
		run(330);
		assert_true(is_attached(t.mn));
		assert_string_equal(station_of(t.mn), "bs1");
	}
	assert_int_equal(nodes[t.gw].seen[MMP_CACHE_UPDATE], updates);
	end();
}

static void false_base_stations_have_one_turn(void **state)
{
	struct tree t = started_a(&host_defaults, 1000);
	struct node *n = &nodes[t.mn];
	struct mmp_msg beacon = mmp_host_station(n->host)->beacon;
	int waited = 0;

	(void)state;
	for (int i = 1; i < 4; i++)
		nodes[t.bs[i]].dead = true;
	/* It comes anew, and hears of more of them, and more often, than it can try in ten seconds. */
	mmp_host_free(n->host);
	n->host = mmp_host_new(&host_defaults, &host_ops, n);
	mmp_host_addresses(n->host, ms_of(n), &n->addr, 1);
	for (; waited < 300 && !is_attached(t.mn); waited++) {
		for (int i = 0; i < 8; i++) {
			struct mmp_arrival a = {
				.now = ms_of(n), .us = clock_of(n),
				.from = { (uint32_t)t.port[0] + 1,
					  { 2, 9, 9, 9, 9, (uint8_t)i } },
			};

			beacon.seq++;
			assert_int_equal(mmp_host_input(n->host, &a, &beacon), 0);
		}
		kick(n);
		run(100);
	}
	assert_true(waited < 300);
	assert_string_equal(station_of(t.mn), "bs1");
	end();
}

static void spoofed_data_moves_nothing(void **state)
{
	struct tree t = started_a(&host_defaults, 1000);
	int thief;

	(void)state;
	traffic(t.mn, 10);
	thief = new_node("thief");
	nodes[thief].host = mmp_host_new(&host_defaults, &host_ops,
					 &nodes[thief]);
	cable(t.bs[2], thief, 1000);
	mmp_node_link(nodes[t.bs[2]].core, ms_of(&nodes[t.bs[2]]),
		      (uint32_t)nodes[thief].ports[0].peer_port + 1, false,
		      true, true);
	for (int i = 0; i < 100; i++) {
		struct packet p = { .kind = DATA, .src = nodes[t.mn].addr,
				    .ttl = 32 };

		transmit(&nodes[thief], 0, &p);
		run(20);
	}
	assert_int_equal(downlink(t.bs[2], t.mn), -1);
	assert_int_equal(downlink(t.gw, t.mn), t.node[0]);
	end();
}

static void other_subnets_and_full_tables(void **state)
{
	struct tree t = tree_a(&host_defaults, 1000);

	(void)state;
	nodes[t.mn].addr = addr("10.99.0.1");
	for (int i = 0; i < n_nodes; i++)
		nodes[i].room = 1;
	start();
	run(3000);
	/* Step 416: an address of another subnet; then it gets one of this. */
	assert_int_equal(mmp_host_state(nodes[t.mn].host), MMP_HOST_NO_ADDRESS);
	assert_int_equal(nodes[t.bs[0]].seen[MMP_REGISTRATION], 0);
	nodes[t.mn].addr = addr("10.7.1.1");
	mmp_host_addresses(nodes[t.mn].host, ms_of(&nodes[t.mn]),
			   &nodes[t.mn].addr, 1);
	kick(&nodes[t.mn]);
	run(500);
	assert_true(is_attached(t.mn));
	assert_int_equal(nodes[t.mn].records[0].movement, MMP_MOVE_NETWORK);
	end();
}

static void a_full_table_refuses_the_next(void **state)
{
	struct tree t = started_a(&host_defaults, 1000);
	int other = new_node("other");

	(void)state;
	nodes[other].addr = addr("10.7.0.100");
	nodes[other].host = mmp_host_new(&host_defaults, &host_ops,
					 &nodes[other]);
	cable(t.bs[0], other, 1000);
	mmp_node_link(nodes[t.bs[0]].core, ms_of(&nodes[t.bs[0]]),
		      (uint32_t)nodes[other].ports[0].peer_port + 1, false,
		      true, true);
	nodes[t.node[0]].room = nodes[t.node[0]].n_table;
	mmp_host_addresses(nodes[other].host, ms_of(&nodes[other]),
			   &nodes[other].addr, 1);
	kick(&nodes[other]);
	run(5000);
	assert_int_equal(mmp_host_state(nodes[other].host),
			 MMP_HOST_REGISTERING);
	assert_true(nodes[t.node[0]].drops[MMP_DROP_LIMIT] > 0);
	/* Who was there before is not driven out. */
	assert_int_equal(downlink(t.node[0], t.mn), t.bs[0]);
	nodes[t.node[0]].room = 0;
	run(3000);
	assert_true(is_attached(other));
	end();
}

/* ---- movements between domains ---- */

static void domains_of_one_subnet(void **state)
{
	int gw1, gw2, bs1, bs2, mn, p1;

	(void)state;
	begin();
	gw1 = add_gateway("gw1", "10.7.0.1");
	gw2 = add_gateway("gw2", "10.7.0.2");
	bs1 = add_node("bs1", MMP_ROLE_BASE_STATION);
	bs2 = add_node("bs2", MMP_ROLE_BASE_STATION);
	nodes[gw2].config.domain = 8;
	nodes[bs2].config.domain = 8;
	mn = add_host("mn", "10.7.0.99", &host_defaults);
	cable(gw1, bs1, 1000);
	cable(gw2, bs2, 1000);
	p1 = cable(bs1, mn, 1000);
	start();
	run(3000);
	assert_string_equal(station_of(mn), "bs1");
	cable(bs2, mn, 1000);
	mmp_node_link(nodes[bs2].core, ms_of(&nodes[bs2]), 2, false, true,
		      true);
	run(2000);
	carrier(mn, p1, false);
	run(2000);
	assert_string_equal(station_of(mn), "bs2");
	assert_true(is_attached(mn));
	assert_int_equal(nodes[mn].records[1].movement, MMP_MOVE_SUBNET);
	assert_int_equal(nodes[gw2].seen[MMP_REGISTRATION], 1);
	assert_int_equal(nodes[gw2].seen[MMP_CACHE_UPDATE], 0);
	assert_int_equal(nodes[gw1].seen[MMP_REGISTRATION], 1);
	end();
}

/* Without a domain id the gateway's address decides. */
static void domains_without_id(void **state)
{
	struct tree t;

	(void)state;
	t = tree_a(&host_defaults, 1000);
	for (int i = 0; i < n_nodes; i++)
		nodes[i].config.domain = 0;
	start();
	run(3000);
	move(t.mn, strcmp(station_of(t.mn), "bs4") ? "bs4" : "bs1");
	run(1000);
	assert_int_equal(nodes[t.mn].records[1].movement, MMP_MOVE_DOMAIN);
	assert_int_equal(nodes[t.gw].seen[MMP_CACHE_UPDATE], 1);
	end();
}

/* One receiver: the interface tells of another base station. */
static void one_receiver(void **state)
{
	struct tree t = started_a(&host_defaults, 1000);
	struct port *p = &nodes[t.mn].ports[t.port[0]];
	int far = nodes[t.mn].ports[t.port[3]].peer_port;

	(void)state;
	for (int i = 1; i < 4; i++)
		carrier(t.mn, t.port[i], false);
	run(1000);
	assert_string_equal(station_of(t.mn), "bs1");
	/* Its receiver is at bs4 now. */
	nodes[t.bs[0]].ports[p->peer_port].peer = -1;
	p->peer = t.bs[3];
	p->peer_port = far;
	nodes[t.bs[3]].ports[far].peer_port = t.port[0];
	nodes[t.bs[3]].ports[far].up = true;
	mmp_node_link(nodes[t.bs[3]].core, ms_of(&nodes[t.bs[3]]),
		      (uint32_t)far + 1, false, true, true);
	kick(&nodes[t.bs[3]]);
	mmp_host_link(nodes[t.mn].host, ms_of(&nodes[t.mn]),
		      (uint32_t)t.port[0] + 1, true, true);
	run(1000);
	assert_string_equal(station_of(t.mn), "bs4");
	assert_true(is_attached(t.mn));
	assert_int_equal(downlink(t.gw, t.mn), t.node[1]);
	end();
}

/* The host's only receiver leaves its base station, and @bs is there; -1: nobody. */
static void tune(const struct tree *t, int bs)
{
	struct node *mn = &nodes[t->mn];
	struct port *p = &mn->ports[t->port[0]];
	int far;

	if (p->peer >= 0)
		nodes[p->peer].ports[p->peer_port].peer = -1;
	p->peer = -1;
	if (bs < 0) {
		mmp_host_unheard(mn->host, ms_of(mn), (uint32_t)t->port[0] + 1);
		return;
	}
	for (far = 0; !nodes[bs].ports[far].air; far++)
		;
	*p = (struct port){ bs, far, 1000, 0, true, true };
	nodes[bs].ports[far].peer = t->mn;
	nodes[bs].ports[far].peer_port = t->port[0];
	mmp_node_arrival(nodes[bs].core, ms_of(&nodes[bs]));
	kick(&nodes[bs]);
	mmp_host_link(mn->host, ms_of(mn), (uint32_t)t->port[0] + 1, true, true);
	mmp_host_associated(mn->host, ms_of(mn), (uint32_t)t->port[0] + 1,
			    mac_of(bs, far).mac);
	kick(mn);
}

static struct tree one_receiver_at_bs1(void)
{
	struct mmp_host_config semisoft = host_defaults;
	struct tree t;

	semisoft.handoff = MMP_SEMISOFT;
	t = started_a(&semisoft, 1000);
	for (int i = 1; i < 4; i++) {
		struct port *p = &nodes[t.mn].ports[t.port[i]];

		carrier(t.mn, t.port[i], false);
		nodes[p->peer].ports[p->peer_port].up = true;
		mmp_node_link(nodes[p->peer].core, ms_of(&nodes[p->peer]),
			      (uint32_t)p->peer_port + 1, false, true, true);
		nodes[p->peer].ports[p->peer_port].peer = -1;
		p->peer = -1;
	}
	/* Its next word says that it hears nobody beside. */
	run(host_defaults.update + 1000);
	assert_string_equal(station_of(t.mn), "bs1");
	begin_traffic();
	return t;
}

static void one_receiver_loses_nothing(void **state)
{
	struct tree t = one_receiver_at_bs1();
	struct tally all;

	(void)state;
	traffic(t.mn, 300);
	for (int i = 0; i < 4; i++) {
		tune(&t, -1);
		traffic(t.mn, 200);
		tune(&t, t.bs[(const int[]){ 3, 1, 0, 3 }[i]]);
		traffic(t.mn, 300);
	}
	run(100);
	assert_true(is_attached(t.mn));
	assert_string_equal(station_of(t.mn), "bs4");
	all = count(0, next_id);
	assert_int_equal(all.lost_down, 0);
	assert_int_equal(overtaken, 0);
	/* What came in the last moments before, and when nobody knew yet. */
	assert_in_range(all.twice_down, 1, 4 * 70);
	end();
}

/* The access point drops what comes before it has let the host in. */
static void what_comes_too_soon_is_sent_again(void **state)
{
	struct tree t = one_receiver_at_bs1();
	const struct mmp_handoff_record *r;

	(void)state;
	tune(&t, -1);
	tune(&t, t.bs[3]);
	run(2000);
	tune(&t, -1);
	run(100);
	tune(&t, t.bs[0]);
	/* The first one is gone already: as if it were dropped there. */
	nodes[t.bs[0]].dead = true;
	run(12);
	nodes[t.bs[0]].dead = false;
	run(1000);
	assert_true(is_attached(t.mn));
	r = &nodes[t.mn].records[nodes[t.mn].n_records - 1];
	assert_in_range(r->took, 12, 25);
	end();
}

/* Its beacon was heard there before: nothing is waited for. */
static void a_known_base_station_is_not_waited_for(void **state)
{
	struct tree t = one_receiver_at_bs1();
	const struct mmp_handoff_record *r;
	msec_t at;

	(void)state;
	tune(&t, -1);
	run(100);
	tune(&t, t.bs[3]);
	run(2000);
	tune(&t, -1);
	run(60000);
	at = now_ms();
	tune(&t, t.bs[0]);
	assert_int_equal(nodes[t.mn].last_host_msg.type, MMP_CACHE_UPDATE);
	assert_int_equal(nodes[t.mn].last_host_msg.unheard, 60050);
	run(500);
	assert_string_equal(station_of(t.mn), "bs1");
	assert_true(is_attached(t.mn));
	r = &nodes[t.mn].records[nodes[t.mn].n_records - 1];
	assert_int_equal(r->at, at);
	/* The number that it named was too old after a minute: told so, once again. */
	assert_in_range(r->took, 6, 14);
	assert_int_equal(r->unheard, 60000);
	/* It was the beacon: the sequence does not run ahead of the time of day. */
	assert_true(nodes[t.mn].last_host_msg.host_seq <=
		    op_wallclock(&nodes[t.mn]));
	end();
}

static const uint8_t poser_mac[MMP_MAC_LEN] = { 2, 9, 9, 9, 9, 9 };

/* Hears the poser alone for so long; how many messages that made the host send. */
static unsigned int with_poser(const struct tree *t, struct mmp_msg *beacon,
			       msec_t ms)
{
	struct node *n = &nodes[t->mn];
	unsigned int sent = 0;

	for (msec_t end = now_ms() + ms; now_ms() < end;) {
		struct mmp_arrival a = {
			.now = ms_of(n), .us = clock_of(n),
			.from.link = (uint32_t)t->port[0] + 1,
		};
		uint64_t seq = n->last_host_msg.host_seq;

		memcpy(a.from.mac, poser_mac, MMP_MAC_LEN);
		beacon->seq++;
		mmp_host_input(n->host, &a, beacon);
		kick(n);
		run(100);
		sent += n->last_host_msg.host_seq != seq;
	}
	return sent;
}

/* Whoever has a key of a host can sign beacons of the air, and no acknowledgement. */
static void a_poser_keeps_nobody(void **state)
{
	struct tree t = one_receiver_at_bs1();
	struct node *n = &nodes[t.mn];
	struct mmp_msg beacon = mmp_host_station(n->host)->beacon;
	uint32_t link = (uint32_t)t.port[0] + 1;

	(void)state;
	assert_true(mmp_name_parse("bs9", &beacon.name));
	for (int i = 0; i < 3; i++) {
		uint64_t seq = n->last_host_msg.host_seq;

		tune(&t, -1);
		run(50);
		mmp_host_link(n->host, ms_of(n), link, true, true);
		mmp_host_associated(n->host, ms_of(n), link, poser_mac);
		kick(n);
		/* The second time its beacon is known, and it is asked at once. */
		if (i)
			assert_true(n->last_host_msg.host_seq > seq);
		assert_true(with_poser(&t, &beacon, 5000) > 0 || i);
		assert_false(is_attached(t.mn));
		tune(&t, t.bs[i]);
		/* As quickly as if nobody had posed. */
		run(300);
		assert_true(is_attached(t.mn));
		assert_int_equal(downlink(t.gw, t.mn), t.node[i / 2]);
		begin_traffic();
		traffic(t.mn, 100);
		run(20);
		assert_int_equal(count(0, next_id).lost_up, 0);
		assert_int_equal(count(0, next_id).lost_down, 0);
	}
	end();
}

static void a_base_station_without_gateway_is_left(void **state)
{
	struct tree t = started_a(&host_defaults, 1000);

	(void)state;
	carrier(t.bs[0], t.bs_up[0], false);
	run(6000);
	assert_string_not_equal(station_of(t.mn), "bs1");
	assert_true(is_attached(t.mn));
	end();
}

static void many_moves_stay_inside(void **state)
{
	struct tree t = started_a(&host_defaults, 1000);
	unsigned int registrations = nodes[t.gw].seen[MMP_REGISTRATION];
	static const char *const to[] = { "bs2", "bs3", "bs4", "bs1" };

	(void)state;
	/* Ten moves in a second for a minute. */
	for (int i = 0; i < 600; i++) {
		move(t.mn, to[i % 4]);
		traffic(t.mn, 100);
	}
	run(500);
	assert_true(is_attached(t.mn));
	assert_string_equal(station_of(t.mn), "bs1");
	assert_int_equal(nodes[t.gw].seen[MMP_REGISTRATION], registrations);
	assert_true(count(0, next_id).lost_up == 0);
	end();
}

/* Three levels of nodes and eight base stations. */
static void three_levels_and_eight_base_stations(void **state)
{
	static const char *const names[] = { "b1", "b2", "b3", "b4",
					     "b5", "b6", "b7", "b8" };
	int gw, top, mid[2], low[4], bs[8], mn;
	static const char *const mids[] = { "m1", "m2" };
	static const char *const lows[] = { "l1", "l2", "l3", "l4" };
	struct mmp_host_config config = host_defaults;

	(void)state;
	begin();
	config.handoff = MMP_SEMISOFT;
	gw = add_gateway("gw1", "10.7.0.1");
	top = add_node("top", MMP_ROLE_NODE);
	mn = add_host("mn", "10.7.0.99", &config);
	cable(gw, top, 1000);
	for (int i = 0; i < 2; i++) {
		mid[i] = add_node(mids[i], MMP_ROLE_NODE);
		cable(top, mid[i], 1000 + 500 * i);
	}
	for (int i = 0; i < 4; i++) {
		low[i] = add_node(lows[i], MMP_ROLE_NODE);
		cable(mid[i / 2], low[i], 1000);
		cable(mid[1 - i / 2], low[i], 4000);
	}
	for (int i = 0; i < 8; i++) {
		bs[i] = add_node(names[i], MMP_ROLE_BASE_STATION);
		cable(low[i / 2], bs[i], 1000 + 700 * i);
		cable(bs[i], mn, 1000);
	}
	start();
	run(5000);
	assert_true(is_attached(mn));
	begin_traffic();
	traffic(mn, 100);
	for (int i = 0; i < 32; i++) {
		const char *to = names[(i * 5 + 3) % 8];

		if (!strcmp(to, station_of(mn)))
			continue;
		move(mn, to);
		traffic(mn, 300);
		assert_string_equal(station_of(mn), to);
	}
	run(500);
	assert_int_equal(count(0, next_id).lost_down, 0);
	assert_int_equal(count(0, next_id).lost_up, 0);
	end();
}

/* Everything at once, with loss on all links: it always mends itself. */
static void storms_end(void **state)
{
	(void)state;
	for (uint64_t round = 1; round <= 10; round++) {
		struct tree_c c = tree_c(true, true);

		seed = round * 7919;
		for (int i = 0; i < n_nodes; i++)
			for (int p = 0; p < PORTS; p++)
				nodes[i].ports[p].loss = 50;
		for (int i = 0; i < 60; i++) {
			int who = (int)(random_bits(NULL) % (uint64_t)n_nodes);

			if (!nodes[who].host && random_bits(NULL) % 2)
				nodes[who].dead = true;
			else if (!nodes[who].host)
				restart(who);
			run(300);
			nodes[who].dead = false;
			kick(&nodes[who]);
		}
		for (int i = 0; i < n_nodes; i++)
			for (int p = 0; p < PORTS; p++)
				nodes[i].ports[p].loss = 0;
		run(15000);
		assert_true(is_attached(c.t.mn));
		begin_traffic();
		for (int i = 0; i < 100; i++) {
			send_up(c.t.mn, next_id++);
			run(1);
		}
		run(100);
		assert_int_equal(count(0, next_id).lost_up, 0);
		for (int i = 0; i < 4; i++)
			assert_int_equal(nodes[c.t.bs[i]].n_uplinks, 2);
		looped = 0;
		end();
	}
}

static void paging_and_domain_ids_are_carried(void **state)
{
	struct tree t = tree_a(&host_defaults, 1000);
	const struct mmp_msg *b;

	(void)state;
	nodes[t.gw].config.paging = 9;
	for (int i = 1; i < n_nodes; i++)
		nodes[i].config.domain = 0;
	start();
	run(3000);
	b = &mmp_host_station(nodes[t.mn].host)->beacon;
	assert_int_equal(b->paging, 9);
	assert_int_equal(b->domain, 7);
	assert_addr(b->gateway, "10.7.0.1");
	end();
}

#define TEST(ids_and_name, fn) { .name = ids_and_name, .test_func = fn }

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("MMP-03 MMP-05 MMP-14 MMP-20 MMP-21 MMP-22 MMP-61 D-11: a tree wires itself up, one beacon for each link and period",
		     a_tree_wires_itself_up),
		TEST("MMP-23 MMP-11: paths follow the cables within two periods",
		     paths_follow_the_cables),
		TEST("TEN-17 MMP-54 MMP-55: in a ring of cables nothing circles",
		     a_ring_does_not_circle),
		TEST("MMP-48 MMP-49: a link that works one way is no uplink",
		     a_link_that_works_one_way_is_no_uplink),
		TEST("MMP-26 MMP-27 MMP-34 MMP-91 MMP-92: a registration fills the caches of its path, and no others",
		     a_registration_fills_its_path_alone),
		TEST("MMP-30 MMP-31 MMP-33 MMP-93 TEN-14 D-12 D-13: entries live by what climbs, not by what goes down",
		     entries_live_by_what_climbs),
		TEST("MMP-32: data saves route updates",
		     data_refreshes_and_saves_updates),
		TEST("MMP-36 MMP-37 MMP-38 MMP-39 MMP-40 MMP-84 MMP-86 INT-02: a hard handoff replaces one downlink at the crossover node",
		     hard_handoff_replaces_at_the_crossover),
		TEST("MMP-41: a hard handoff loses what was on the old branch",
		     hard_handoff_loses_the_old_branch_only),
		TEST("MMP-42 MMP-45 MMP-46 MMP-47 MMP-13: 12 semi-soft handoffs lose nothing",
		     semisoft_loses_nothing),
		TEST("MMP-42 D-14: the semi-soft period is as long as the slower way takes",
		     semisoft_measures_its_period),
		TEST("MMP-43 MMP-44 TEN-15: two entries at the crossover node, one elsewhere",
		     two_entries_meanwhile),
		TEST("MMP-22 MMP-28: the way to a host is told by every node on it",
		     the_way_to_a_host_is_told),
		TEST("MMP-46: a lost update, a deaf base station: the old way stays",
		     semisoft_with_loss),
		TEST("MMP-06 MMP-50 MMP-56 MMP-60 MMP-53 D-15: latency decides about uplinks, and decides again",
		     latency_decides),
		TEST("MMP-50: small differences do not make it flap",
		     small_differences_do_not_flap),
		TEST("MMP-51 MMP-52: reliability decides about uplinks",
		     reliability_decides),
		TEST("MMP-57 MMP-59 MMP-60 D-16: a dead node is passed by, data heals the way down, and it returns",
		     a_dead_node_is_passed_by),
		TEST("MMP-57: with fast timers a dead node costs less than 200 ms",
		     fast_timers_are_fast),
		TEST("GEN-04 MMP-57: who was stopped for a while believes no timer of before, and misses who dies as soon as ever",
		     who_was_stopped_waits_no_longer_than_others),
		TEST("MMP-58: a link that goes down costs one packet",
		     a_link_down_costs_a_packet),
		TEST("MMP-07 MMP-62 MMP-63 MMP-65 MMP-66 MMP-67 OPEN-43: the nearer gateway is primary, whatever clocks say",
		     the_nearer_gateway_is_primary),
		TEST("MMP-08 MMP-68 MMP-70 MMP-74 TEN-16: a dead gateway is replaced within 2 s, with fast timers 200 ms",
		     a_dead_gateway_is_replaced),
		TEST("MMP-65: a gateway that lies about its clock or distance gains nothing",
		     a_gateway_that_lies_gains_little),
		TEST("OPEN-42 MMP-64: a rebooted gateway is followed at once",
		     a_rebooted_gateway_is_followed_at_once),
		TEST("OPEN-45: restarts of all daemons lose no packet",
		     restarts_lose_nothing),
		TEST("OPEN-45: nor when daemons are away for seconds, and uplinks change meanwhile",
		     slow_restarts_lose_nothing),
		TEST("OPEN-45: a restarted node knows at once who is below",
		     a_restarted_node_knows_who_is_below),
		TEST("OPEN-45 OPEN-29: a restarted host goes on where it was, and loses no packet, whatever its clock says",
		     a_restarted_host_stays),
		TEST("TEN-15: a host in two places is where it spoke last, and nowhere twice",
		     a_host_in_two_places),
		TEST("OPEN-42: numbers of beacons wrap", numbers_of_beacons_wrap),
		TEST("OPEN-29 OPEN-30: what was captured is useless, after restarts, too",
		     captured_messages_are_useless),
		TEST("SEC-22: a beacon with a number far ahead is a claim: who keeps it up nowhere is not believed",
		     a_beacon_far_ahead_is_a_claim),
		TEST("SEC-40: a beacon with another period has no host leave a base station that goes on, nor stay where nobody is",
		     a_period_is_a_claim),
		TEST("SEC-40: a base station that sends more often is missed sooner, three of its former periods later",
		     a_shorter_period_counts_in_the_end),
		TEST("SEC-22: a gateway that is said to be gone is asked first",
		     a_gateway_is_asked_before_it_is_left),
		TEST("SEC-25: eight false base stations keep nobody from the true one for half a minute",
		     false_base_stations_have_one_turn),
		TEST("SEC-26: an epoch that is no restart is not taken, by nodes nor by the gateway itself",
		     an_epoch_takes_no_great_step),
		TEST("OPEN-30: spoofed data moves nothing",
		     spoofed_data_moves_nothing),
		TEST("MMP-87 MMP-88 MMP-90: another subnet needs another address",
		     other_subnets_and_full_tables),
		TEST("OPEN-32: a full table refuses the next host, and keeps the others",
		     a_full_table_refuses_the_next),
		TEST("MMP-02 MMP-89 INT-03 MMP-85: another domain of the same subnet gets a registration with the same address",
		     domains_of_one_subnet),
		TEST("MMP-85 MMP-16: without a domain id the gateway's address decides",
		     domains_without_id),
		TEST("MMP-83 MMP-84: the interface tells of another base station",
		     one_receiver),
		TEST("OPEN-25 MMP-46 MMP-83: one receiver that hears nobody for a while loses nothing, and gets it in order",
		     one_receiver_loses_nothing),
		TEST("MMP-83 MMP-86: what an access point drops before it lets the host in is sent again soon",
		     what_comes_too_soon_is_sent_again),
		TEST("MMP-83 MMP-86 D-11: a base station whose beacon is known is not waited for, the newest number is asked for",
		     a_known_base_station_is_not_waited_for),
		TEST("SEC-25 MMP-83: who poses as base station is asked, acknowledges nothing, and keeps no host",
		     a_poser_keeps_nobody),
		TEST("MMP-74: a base station that lost its gateway is left",
		     a_base_station_without_gateway_is_left),
		TEST("INT-15: ten moves a second for a minute are the domain's matter",
		     many_moves_stay_inside),
		TEST("MMP-46 MMP-03: three levels, eight base stations, 32 semi-soft handoffs without loss",
		     three_levels_and_eight_base_stations),
		TEST("MMP-08: after crashes, restarts and loss a domain always mends itself",
		     storms_end),
		TEST("MMP-35 OPEN-48 MMP-75 MMP-76: domain and paging id go from gateway to host",
		     paging_and_domain_ids_are_carried),
	};

	return cmocka_run_group_tests_name("mmp_sim", tests, NULL, NULL);
}
