// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sync engine in virtual time: up to five members, a network that loses,
 * repeats, delays and reorders, members that crash and come back. The client is
 * a small table of fixed size, as a client of one's own would be written.
 */
#include "core_test.h"

#include <stdio.h>

#include "core/sync.h"

#define MEMBERS 5
#define SLOTS 4096		/* entries of the sample client's table */
#define TYPE 7
#define WIRE 65536		/* messages on their way */
#define WALL 1795000000000000000u	/* wall clock at the beginning, ns */

/* ---- the sample client: a table from number to value ---- */

/**
 * struct row - one entry
 * @used: it is there
 * @value: what it says; the second half is "lifetime", which is not compared
 */
struct row {
	bool used;
	uint32_t value;
};

/**
 * struct host - a member
 * @sync: its engine, NULL while it is down
 * @addr: who
 * @number: place in net.hosts
 * @rows: its table
 * @applied: entries from elsewhere
 * @released: tokens released, by token
 * @late: how many were late
 * @acks: acknowledgements of the last one
 * @full: refuses what is new
 * @disk_full: what it says is not durable
 */
struct host {
	struct sync *sync;
	struct roam_addr addr;
	int number;
	struct row rows[SLOTS];
	unsigned int applied;
	unsigned int released;
	unsigned int late;
	unsigned int acks;
	bool full;
	bool disk_full;
};

/**
 * struct packet - on its way
 * @at: when it arrives
 * @to: whom
 * @len: bytes
 * @data: the message
 */
struct packet {
	msec_t at;
	int to;
	size_t len;
	uint8_t data[SYNC_MAX_LEN];
};

/* The network; there is one. */
static struct {
	struct host hosts[MEMBERS];
	int n;
	msec_t now;
	struct packet *wire;
	size_t packets;
	size_t bytes;
	size_t sent[SYNC_ANSWER + 1];
	size_t sent_by[MEMBERS][SYNC_ANSWER + 1];
	size_t to_group[SYNC_ANSWER + 1];
	struct sync_msg last[MEMBERS][MEMBERS];
	unsigned int injected;
	unsigned int looked_up;
	bool multicast;
	bool settles;
	unsigned int loss;	/* percent */
	unsigned int repeat;
	msec_t delay;
	msec_t jitter;
	bool cut[MEMBERS][MEMBERS];
	uint64_t seed;
} net;

static uint64_t chance(void)
{
	net.seed = net.seed * 6364136223846793005ull + 1442695040888963407ull;
	return net.seed >> 33;
}

static uint32_t slot_of(const uint8_t *key)
{
	return (uint32_t)key[0] << 8 | key[1];
}

static void key_of(uint32_t slot, uint8_t key[2])
{
	key[0] = slot >> 8;
	key[1] = slot & 0xff;
}

static size_t serialise(void *ctx, const uint8_t *key, size_t key_len,
			uint8_t *value, size_t room, size_t *digested)
{
	const struct row *row = &((struct host *)ctx)->rows[slot_of(key)];

	assert_int_equal(key_len, 2);
	assert_true(room >= 8);
	if (!row->used)
		return 0;
	memcpy(value, &row->value, 4);
	memset(value + 4, 0x55, 4);
	*digested = 4;
	return 8;
}

static enum sync_apply apply(void *ctx, const uint8_t *key, size_t key_len,
			     const uint8_t *value, size_t len, uint64_t order)
{
	struct host *host = ctx;
	struct row *row = &host->rows[slot_of(key)];

	(void)order;
	assert_int_equal(key_len, 2);
	assert_int_equal(len, 8);
	if (host->full && !row->used)
		return SYNC_FULL;
	row->used = true;
	memcpy(&row->value, value, 4);
	/* A value that says so ended on its way. */
	if (row->value == UINT32_MAX) {
		row->used = false;
		return SYNC_IGNORED;
	}
	host->applied++;
	return SYNC_APPLIED;
}

static void remove_row(void *ctx, const uint8_t *key, size_t key_len)
{
	(void)key_len;
	((struct host *)ctx)->rows[slot_of(key)].used = false;
}

/* Even numbers are those of agent 198.18.0.1, others of 198.18.0.2. */
static bool agent_of(void *ctx, const uint8_t *key, size_t key_len,
		     struct roam_addr *agent)
{
	(void)ctx;
	(void)key_len;
	net.looked_up++;
	*agent = addr(slot_of(key) % 2 ? "198.18.0.2" : "198.18.0.1");
	return true;
}

static const struct sync_type sample = {
	.type = TYPE, .name = "sample", .serialise = serialise, .apply = apply,
	.remove = remove_row, .agent_of = agent_of,
};

/* A type that one member has alone. */
static const struct sync_type extra = {
	.type = TYPE + 1, .name = "extra", .serialise = serialise,
	.apply = apply, .remove = remove_row,
};

/* ---- the network ---- */

static void put_packet(int to, const uint8_t *data, size_t len)
{
	struct packet *p = &net.wire[net.packets];

	if (chance() % 100 < net.loss)
		return;
	assert_true(net.packets < WIRE);
	p->at = net.now + net.delay + (net.jitter ? (msec_t)(chance() %
						     net.jitter) : 0);
	p->to = to;
	p->len = len;
	memcpy(p->data, data, len);
	net.packets++;
}

static void send_to(struct host *from, int to, const uint8_t *data, size_t len)
{
	if (to == from->number || net.cut[from->number][to])
		return;
	put_packet(to, data, len);
	if (chance() % 100 < net.repeat)
		put_packet(to, data, len);
}

static void send_message(void *ctx, const struct roam_addr *to,
			 const struct sync_msg *msg)
{
	uint8_t buf[SYNC_MAX_LEN];
	size_t len = sync_encode(msg, buf);

	net.bytes += len;
	net.sent[msg->type]++;
	net.sent_by[((struct host *)ctx)->number][msg->type]++;
	net.to_group[msg->type] += roam_addr_is_none(to);
	for (int i = 0; i < net.n; i++) {
		if (!roam_addr_is_none(to) &&
		    !roam_addr_eq(to, &net.hosts[i].addr))
			continue;
		net.last[((struct host *)ctx)->number][i] = *msg;
		send_to(ctx, i, buf, len);
	}
}

static void released(void *ctx, uint64_t token, unsigned int acks, bool late)
{
	struct host *host = ctx;

	assert_true(token);
	host->released++;
	host->late += late;
	host->acks = acks;
}

static uint64_t random_bits(void *ctx)
{
	(void)ctx;
	return chance() << 32 ^ chance();
}

static void synced(void *ctx, bool is, const struct roam_addr *from)
{
	(void)ctx;
	(void)is;
	(void)from;
}

/* In 2026, and with the network's own time. */
static uint64_t wallclock(void *ctx)
{
	(void)ctx;
	return WALL + (uint64_t)net.now * 1000000;
}

static const struct sync_ops ops = {
	.send = send_message, .released = released, .random = random_bits,
	.synced = synced, .clock = wallclock,
};

/* Knows nobody else yet. */
static void boot_alone(int i, enum sync_mode mode)
{
	struct host *host = &net.hosts[i];
	struct sync_config config = {
		.group = 1, .own = host->addr, .mode = mode, .hello = 1000,
		.retry = 200, .wait = 2000, .tombstone = 60000, .window = 8,
		.entries_max = SLOTS, .multicast = net.multicast,
		.settles = net.settles,
	};

	memset(host->rows, 0, sizeof(host->rows));
	host->sync = sync_new(&config, &ops, host, net.now);
	assert_true(sync_register(host->sync, &sample, host));
	assert_false(sync_register(host->sync, &sample, host));
}

static void boot(int i, enum sync_mode mode)
{
	struct host *host = &net.hosts[i];

	boot_alone(i, mode);
	for (int m = 0; m < net.n; m++)
		if (m != i && mode == SYNC_GROUP)
			sync_add_member(host->sync, net.now, &net.hosts[m].addr);
}

static void crash(int i)
{
	sync_free(net.hosts[i].sync);
	net.hosts[i].sync = NULL;
}

static void deliver(size_t which)
{
	struct packet p = net.wire[which];
	struct sync_msg msg;
	size_t covered;

	net.wire[which] = net.wire[--net.packets];
	if (!net.hosts[p.to].sync)
		return;
	assert_int_equal(sync_decode(p.data, p.len, &msg, &covered),
			 SYNC_DROP_NONE);
	assert_int_equal(covered, p.len);
	sync_input(net.hosts[p.to].sync, net.now, &msg);
	if (net.settles)
		sync_settled(net.hosts[p.to].sync, !net.hosts[p.to].disk_full);
}

/* Everything that is due until @until, in order of time. */
static void pass(msec_t until)
{
	for (;;) {
		msec_t next = until + 1;
		size_t packet = SIZE_MAX;
		int run = -1;

		for (size_t i = 0; i < net.packets; i++) {
			if (net.wire[i].at < next) {
				next = net.wire[i].at;
				packet = i;
			}
		}
		for (int i = 0; i < net.n; i++) {
			if (net.hosts[i].sync &&
			    sync_next(net.hosts[i].sync) < next) {
				next = sync_next(net.hosts[i].sync);
				run = i;
				packet = SIZE_MAX;
			}
		}
		if (next > until)
			break;
		net.now = max_time(net.now, next);
		if (packet != SIZE_MAX)
			deliver(packet);
		else
			sync_run(net.hosts[run].sync, net.now);
	}
	net.now = until;
}

static void network(int n)
{
	struct packet *wire = net.wire;

	memset(&net, 0, sizeof(net));
	net.wire = wire ? wire : calloc(WIRE, sizeof(*wire));
	net.n = n;
	net.now = 100000;
	net.delay = 1;
	net.seed = 42;
	for (int i = 0; i < n; i++) {
		char name[32];

		snprintf(name, sizeof(name), "192.0.2.%d", i + 1);
		net.hosts[i].addr = addr(name);
		net.hosts[i].number = i;
	}
}

static void network_down(void)
{
	for (int i = 0; i < net.n; i++)
		crash(i);
}

static void set(int i, uint32_t slot, uint32_t value, uint8_t wanted,
		uint64_t token)
{
	struct host *host = &net.hosts[i];
	uint8_t key[2];

	key_of(slot, key);
	host->rows[slot].used = true;
	host->rows[slot].value = value;
	assert_true(sync_update(host->sync, net.now, TYPE, key, 2, 0, wanted,
				token));
}

static void erase(int i, uint32_t slot)
{
	struct host *host = &net.hosts[i];
	uint8_t key[2];

	key_of(slot, key);
	host->rows[slot].used = false;
	assert_true(sync_delete(host->sync, net.now, TYPE, key, 2, 0, 0, 0));
}

static void flush(int i)
{
	sync_flush(net.hosts[i].sync, net.now);
}

/* Rows, counts and digests of both are the same. */
static void assert_equal_tables(int a, int b)
{
	const struct host *ha = &net.hosts[a], *hb = &net.hosts[b];

	for (uint32_t s = 0; s < SLOTS; s++)
		if (ha->rows[s].used != hb->rows[s].used ||
		    (ha->rows[s].used && ha->rows[s].value != hb->rows[s].value))
			fail_msg("slot %u: %d %u at %d, %d %u at %d", s,
				 ha->rows[s].used, ha->rows[s].value, a,
				 hb->rows[s].used, hb->rows[s].value, b);
	assert_int_equal(sync_count(ha->sync), sync_count(hb->sync));
	assert_true(sync_digest(ha->sync) == sync_digest(hb->sync));
}

static void roles(int active, int standby)
{
	static const struct roam_addr nobody;

	for (int i = 0; i < net.n; i++)
		if (net.hosts[i].sync)
			sync_set_role(net.hosts[i].sync, net.now,
				      i == active ? SYNC_ACTIVE :
				      i == standby ? SYNC_STANDBY : SYNC_PASSIVE,
				      active >= 0 ? &net.hosts[active].addr :
						    &nobody,
				      standby >= 0 ? &net.hosts[standby].addr :
						     &nobody);
}

static void pair(void)
{
	network(2);
	boot(0, SYNC_SINGLE);
	boot(1, SYNC_SINGLE);
	roles(0, 1);
	pass(net.now + 3000);
}

/* ---- single mode ---- */

static void one_update(void **state)
{
	(void)state;
	pair();
	assert_true(sync_is_synced(net.hosts[1].sync));
	net.sent[SYNC_UPDATE] = 0;
	set(0, 5, 55, 1, 1);
	assert_int_equal(net.hosts[0].released, 0);
	flush(0);
	pass(net.now + 10);
	assert_equal_tables(0, 1);
	assert_int_equal(net.hosts[1].rows[5].value, 55);
	assert_int_equal(net.hosts[0].released, 1);
	assert_int_equal(net.hosts[0].acks, 1);
	assert_int_equal(net.sent[SYNC_UPDATE], 1);
	/* A hundred at once: few messages, each wish is fulfilled once. */
	for (int i = 0; i < 100; i++)
		set(0, 100 + i, i, 1, 10 + i);
	flush(0);
	pass(net.now + 10);
	assert_equal_tables(0, 1);
	assert_int_equal(net.hosts[0].released, 101);
	assert_int_equal(net.hosts[0].late, 0);
	assert_true(net.sent[SYNC_UPDATE] < 6);
	network_down();
}

static void lost_updates(void **state)
{
	(void)state;
	pair();
	net.loss = 40;
	net.repeat = 20;
	net.jitter = 50;
	for (int i = 0; i < 300; i++) {
		set(0, i, i * 3, 1, i + 1);
		if (i % 7 == 0)
			erase(0, i);
		flush(0);
		pass(net.now + 20);
	}
	net.loss = 0;
	pass(net.now + 20000);
	assert_equal_tables(0, 1);
	assert_int_equal(net.hosts[0].released, 300);
	assert_true(sync_stats(net.hosts[0].sync)->updates_repeated > 0);
	network_down();
}

/*
 * Whenever a change is acknowledged the active router could be killed: the standby router
 * has it. CHANGES of them, 4000 unless the environment says so.
 */
static void nothing_acknowledged_is_lost(void **state)
{
	const char *text = getenv("CHANGES");
	int n = text ? (int)strtol(text, NULL, 10) : 4000, promised = 0;

	(void)state;
	pair();
	net.loss = 20;
	net.jitter = 30;
	for (int i = 0; i < n; i++) {
		const struct row *there = &net.hosts[1].rows[i % SLOTS];
		unsigned int before = net.hosts[0].released;

		set(0, (uint32_t)i % SLOTS, (uint32_t)i + 1, 1, (uint64_t)i + 1);
		flush(0);
		while (net.hosts[0].released == before)
			pass(net.now + 1);
		if (!net.hosts[0].acks)
			continue;
		promised++;
		if (!there->used || there->value != (uint32_t)i + 1)
			fail_msg("change %d was acknowledged and is not there", i);
	}
	assert_true(promised > n * 9 / 10);
	if (text)
		print_message("# %d changes acknowledged, none lost\n", promised);
	network_down();
}

static void full_table(void **state)
{
	size_t messages;

	(void)state;
	network(2);
	boot(0, SYNC_SINGLE);
	roles(0, -1);
	for (int i = 0; i < 3000; i++)
		set(0, i, i, 0, 0);
	flush(0);
	pass(net.now + 100);
	boot(1, SYNC_SINGLE);
	roles(0, 1);
	net.loss = 10;
	net.jitter = 20;
	/* Updates and deletes while the download runs (failure 5 of others). */
	for (int i = 0; i < 50; i++) {
		set(0, i * 60, 7777 + i, 0, 0);
		erase(0, i * 60 + 1);
		set(0, 3000 + i, i, 0, 0);
		flush(0);
		pass(net.now + 10);
	}
	net.loss = 0;
	pass(net.now + 20000);
	assert_true(sync_is_synced(net.hosts[1].sync));
	assert_equal_tables(0, 1);
	messages = sync_stats(net.hosts[0].sync)->download_messages;
	assert_true(messages > 50 && messages < 400);
	network_down();
}

/* Entries on the wire: head, key and value, and the share of a header. */
static void bytes_on_the_wire(void **state)
{
	(void)state;
	network(2);
	boot(0, SYNC_SINGLE);
	roles(0, -1);
	for (int i = 0; i < 2000; i++)
		set(0, i, i, 0, 0);
	flush(0);
	boot(1, SYNC_SINGLE);
	net.bytes = 0;
	roles(0, 1);
	pass(net.now + 3000);
	assert_equal_tables(0, 1);
	assert_true(net.bytes / 2000 < 64);
	network_down();
}

static void divergence(void **state)
{
	struct sync_member member;
	uint8_t key[2];
	size_t before;

	(void)state;
	pair();
	for (int i = 0; i < 2000; i++)
		set(0, i, i, 0, 0);
	flush(0);
	pass(net.now + 3000);
	assert_equal_tables(0, 1);
	assert_true(sync_member(net.hosts[0].sync, 0, net.now, &member));
	assert_true(member.equal && member.alive && member.synced);
	/* Behind the engine's back: another value, and a row that goes. */
	net.hosts[1].rows[77].value = 1;
	net.hosts[1].rows[78].used = false;
	assert_int_equal(sync_scrub(net.hosts[1].sync, 5000), 2);
	/* One that the engine itself forgot. */
	key_of(79, key);
	net.hosts[1].rows[79].used = false;
	sync_forget(net.hosts[1].sync, TYPE, key, 2);
	before = net.bytes;
	pass(net.now + 1100);
	assert_equal_tables(0, 1);
	assert_int_equal(net.hosts[1].rows[77].value, 77);
	assert_true(net.bytes - before < 65536);
	assert_true(sync_stats(net.hosts[1].sync)->differences > 0);
	pass(net.now + 2000);
	assert_true(sync_member(net.hosts[0].sync, 0, net.now, &member));
	assert_true(member.equal);
	network_down();
}

/* Failure 6: who restarts in the middle gives and takes no part of a table. */
static void restarts(void **state)
{
	(void)state;
	network(2);
	boot(0, SYNC_SINGLE);
	roles(0, -1);
	for (int i = 0; i < 3000; i++)
		set(0, i, i, 0, 0);
	flush(0);
	boot(1, SYNC_SINGLE);
	roles(0, 1);
	net.delay = 5;
	pass(net.now + 40);
	assert_true(sync_count(net.hosts[1].sync) > 0);
	assert_false(sync_is_synced(net.hosts[1].sync));
	/* The standby router begins anew in mid-download. */
	crash(1);
	boot(1, SYNC_SINGLE);
	roles(0, 1);
	pass(net.now + 5000);
	assert_true(sync_is_synced(net.hosts[1].sync));
	assert_equal_tables(0, 1);
	/* The active one crashes, and comes back as standby router. */
	crash(0);
	roles(1, -1);
	set(1, 3500, 9, 0, 0);
	erase(1, 100);
	flush(1);
	pass(net.now + 100);
	boot(0, SYNC_SINGLE);
	roles(1, 0);
	pass(net.now + 5000);
	assert_true(sync_is_synced(net.hosts[0].sync));
	assert_equal_tables(0, 1);
	assert_int_equal(sync_count(net.hosts[0].sync), 3000);
	network_down();
}

static void leaves_its_role(void **state)
{
	(void)state;
	pair();
	set(0, 1, 1, 0, 0);
	flush(0);
	pass(net.now + 100);
	roles(0, -1);
	assert_int_equal(sync_count(net.hosts[1].sync), 0);
	assert_false(net.hosts[1].rows[1].used);
	assert_false(sync_is_synced(net.hosts[1].sync));
	/* What a passive member is told it does not take. */
	set(0, 2, 2, 1, 1);
	flush(0);
	pass(net.now + 100);
	assert_int_equal(net.hosts[0].released, 1);
	assert_int_equal(net.hosts[0].acks, 0);
	network_down();
}

static void tombstones(void **state)
{
	uint8_t key[2];

	(void)state;
	pair();
	set(0, 9, 1, 0, 0);
	flush(0);
	pass(net.now + 100);
	/* A copy of that update arrives long after the deletion. */
	net.jitter = 0;
	set(0, 9, 2, 0, 0);
	net.delay = 30000;
	flush(0);
	net.delay = 1;
	erase(0, 9);
	flush(0);
	pass(net.now + 100);
	assert_false(net.hosts[1].rows[9].used);
	pass(net.now + 31000);
	assert_false(net.hosts[1].rows[9].used);
	assert_equal_tables(0, 1);
	assert_int_equal(sync_stats(net.hosts[1].sync)->tombstones, 1);
	/* Behind the safe period nothing is left of it. */
	pass(net.now + 62000);
	assert_int_equal(sync_stats(net.hosts[1].sync)->tombstones, 0);
	assert_int_equal(sync_stats(net.hosts[0].sync)->tombstones, 0);
	key_of(9, key);
	/* An older order is refused here, too. */
	net.hosts[0].rows[9].used = true;
	assert_true(sync_update(net.hosts[0].sync, net.now, TYPE, key, 2, 50, 0,
				0));
	assert_false(sync_update(net.hosts[0].sync, net.now, TYPE, key, 2, 50,
				 0, 0));
	assert_false(sync_delete(net.hosts[0].sync, net.now, TYPE, key, 2, 49,
				 0, 0));
	network_down();
}

static void silent_standby(void **state)
{
	(void)state;
	pair();
	net.cut[0][1] = true;
	set(0, 1, 1, 1, 1);
	flush(0);
	pass(net.now + 1999);
	assert_int_equal(net.hosts[0].released, 0);
	pass(net.now + 1);
	/* Bounded: the client gets its answer, and that nobody has it. */
	assert_int_equal(net.hosts[0].released, 1);
	assert_int_equal(net.hosts[0].late, 1);
	assert_int_equal(net.hosts[0].acks, 0);
	pass(net.now + 20000);
	net.cut[0][1] = false;
	pass(net.now + 10000);
	assert_equal_tables(0, 1);
	network_down();
}

static void no_room(void **state)
{
	(void)state;
	pair();
	net.hosts[1].full = true;
	set(0, 1, 1, 1, 1);
	flush(0);
	pass(net.now + 100);
	assert_int_equal(net.hosts[0].released, 0);
	assert_true(sync_stats(net.hosts[1].sync)->full > 0);
	net.hosts[1].full = false;
	pass(net.now + 400);
	assert_int_equal(net.hosts[0].acks, 1);
	assert_equal_tables(0, 1);
	/* One that ended on its way is acknowledged and not kept. */
	set(0, 2, UINT32_MAX, 1, 2);
	flush(0);
	pass(net.now + 100);
	assert_int_equal(net.hosts[0].released, 2);
	assert_int_equal(sync_count(net.hosts[1].sync), 1);
	network_down();
}

/* ---- attackers ---- */

static void replays(void **state)
{
	static struct packet recorded[400];
	size_t n = 0;
	uint64_t dropped;
	struct sync_msg msg;
	size_t covered;

	(void)state;
	network(2);
	boot(0, SYNC_SINGLE);
	boot(1, SYNC_SINGLE);
	roles(0, 1);
	/* Whatever is under way is recorded. */
	for (int i = 0; i < 60 && n < 300; i++) {
		set(0, i, i, 0, 0);
		if (i % 3 == 2)
			erase(0, i - 1);
		flush(0);
		for (size_t p = 0; p < net.packets && n < 300; p++)
			recorded[n++] = net.wire[p];
		pass(net.now + 100);
	}
	assert_equal_tables(0, 1);
	for (int round = 0; round < 2; round++) {
		dropped = sync_stats(net.hosts[0].sync)->drop[SYNC_DROP_REPLAY] +
			  sync_stats(net.hosts[1].sync)->drop[SYNC_DROP_REPLAY];
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(sync_decode(recorded[i].data,
						     recorded[i].len, &msg,
						     &covered), SYNC_DROP_NONE);
			sync_input(net.hosts[recorded[i].to].sync, net.now,
				   &msg);
		}
		assert_true(sync_stats(net.hosts[0].sync)->drop[SYNC_DROP_REPLAY] +
			    sync_stats(net.hosts[1].sync)->drop[SYNC_DROP_REPLAY] +
			    sync_stats(net.hosts[1].sync)->drop[SYNC_DROP_UNPROVED] >
			    dropped);
		pass(net.now + 3000);
		assert_equal_tables(0, 1);
		/* Once more after a restart of the one that they are for. */
		if (!round) {
			crash(1);
			boot(1, SYNC_SINGLE);
			roles(0, 1);
			assert_int_equal(sync_count(net.hosts[1].sync), 0);
			for (size_t i = 0; i < n; i++) {
				if (recorded[i].to != 1)
					continue;
				sync_decode(recorded[i].data, recorded[i].len,
					    &msg, &covered);
				sync_input(net.hosts[1].sync, net.now, &msg);
			}
			assert_int_equal(sync_count(net.hosts[1].sync), 0);
			pass(net.now + 5000);
			assert_equal_tables(0, 1);
		}
	}
	network_down();
}

/*
 * SEC-30: what a member said in a session that the receiver never saw is sent again
 * from its address. What the receiver sends to it from then on is taken as before.
 */
static void session_of_before(void **state)
{
	struct sync_msg old = { .type = SYNC_HELLO, .group = 1, .session = 4711,
				.counter = 5 };
	const struct sync_stats *stats;
	uint64_t unproved;

	(void)state;
	pair();
	stats = sync_stats(net.hosts[1].sync);
	old.sender = net.hosts[1].addr;
	for (int i = 0; i < 3; i++) {
		old.echo = (uint64_t)i;
		sync_input(net.hosts[0].sync, net.now, &old);
		pass(net.now + 100);
	}
	/* The hellos by which the claims were asked for are the last that are not. */
	unproved = stats->drop[SYNC_DROP_UNPROVED];
	set(0, 1, 5, 1, 1);
	flush(0);
	pass(net.now + 100);
	assert_int_equal(net.hosts[0].released, 1);
	assert_int_equal(net.hosts[0].acks, 1);
	pass(net.now + 10000);
	assert_int_equal(stats->drop[SYNC_DROP_UNPROVED], unproved);
	assert_equal_tables(0, 1);
	network_down();
}

/* The last message of @from that is on its way to @to. */
static struct packet recorded_from(int from, int to)
{
	struct sync_msg msg;
	size_t covered;

	for (size_t i = net.packets; i--; ) {
		sync_decode(net.wire[i].data, net.wire[i].len, &msg, &covered);
		if (net.wire[i].to == to &&
		    roam_addr_eq(&msg.sender, &net.hosts[from].addr))
			return net.wire[i];
	}
	fail_msg("nothing from %d to %d", from, to);
	abort();
}

static void replay(const struct packet *p)
{
	struct sync_msg msg;
	size_t covered;

	sync_decode(p->data, p->len, &msg, &covered);
	sync_input(net.hosts[p->to].sync, net.now, &msg);
}

/*
 * SEC-32: what a member said is not believed again, however often it began anew since
 * then while the receiver ran on; and each time what it says itself is.
 */
static void many_sessions(void **state)
{
	struct packet recorded[40];
	unsigned int acks;

	(void)state;
	network(3);
	for (int i = 0; i < 3; i++)
		boot(i, SYNC_GROUP);
	pass(net.now + 5000);
	for (int i = 0; i < 40; i++) {
		crash(1);
		boot(1, SYNC_GROUP);
		pass(net.now + 3000);
		assert_true(sync_is_synced(net.hosts[1].sync));
		set(1, 7, (uint32_t)i, 2, 1 + (uint64_t)i);
		acks = net.hosts[1].released;
		flush(1);
		recorded[i] = recorded_from(1, 0);
		pass(net.now + 100);
		assert_int_equal(net.hosts[1].released, acks + 1);
		assert_int_equal(net.hosts[1].acks, 2);
		replay(&recorded[0]);
		replay(&recorded[i / 2]);
		/* Others saw nothing of it that they had to wait for. */
		set(0, 8, (uint32_t)i, 2, 100 + (uint64_t)i);
		acks = net.hosts[0].released;
		flush(0);
		pass(net.now + 1000);
		assert_int_equal(net.hosts[0].released, acks + 1);
		assert_int_equal(net.hosts[0].acks, 2);
	}
	for (int i = 1; i < 3; i++)
		assert_equal_tables(0, i);
	network_down();
}

/*
 * SEC-32: a session whose messages somebody kept from the receiver is believed when they
 * come in the next one. The true one is heard again all the same.
 */
static void kept_session(void **state)
{
	struct sync_msg kept = { .type = SYNC_HELLO, .group = 1,
				 .session = 4711, .counter = 5 };

	(void)state;
	network(2);
	for (int i = 0; i < 2; i++)
		boot(i, SYNC_GROUP);
	pass(net.now + 5000);
	kept.sender = net.hosts[1].addr;
	kept.echo = net.last[1][0].echo;
	sync_input(net.hosts[0].sync, net.now, &kept);
	pass(net.now + 10000);
	set(1, 1, 5, 1, 1);
	flush(1);
	pass(net.now + 100);
	assert_int_equal(net.hosts[1].acks, 1);
	assert_equal_tables(0, 1);
	network_down();
}

static void wrong_messages(void **state)
{
	struct sync_msg msg = { .type = SYNC_UPDATE, .group = 2, .session = 1 };
	const struct sync_stats *stats;

	(void)state;
	pair();
	stats = sync_stats(net.hosts[1].sync);
	msg.sender = net.hosts[0].addr;
	sync_input(net.hosts[1].sync, net.now, &msg);
	assert_int_equal(stats->drop[SYNC_DROP_GROUP], 1);
	msg.group = 1;
	msg.sender = net.hosts[1].addr;
	sync_input(net.hosts[1].sync, net.now, &msg);
	assert_int_equal(stats->drop[SYNC_DROP_SENDER], 1);
	/* More senders than there is room for. */
	for (int i = 0; i < 100; i++) {
		char name[32];

		snprintf(name, sizeof(name), "198.51.100.%d", i + 1);
		msg.sender = addr(name);
		sync_input(net.hosts[1].sync, net.now, &msg);
	}
	assert_true(stats->drop[SYNC_DROP_MEMBER] > 60);
	/* Acknowledgements of nothing. */
	msg.type = SYNC_ACK;
	msg.sender = net.hosts[0].addr;
	sync_input(net.hosts[1].sync, net.now, &msg);
	network_down();
}

/* ---- group mode, for the engine is one ---- */

static void groups(void **state)
{
	(void)state;
	network(4);
	for (int i = 0; i < 4; i++)
		boot(i, SYNC_GROUP);
	pass(net.now + 10000);
	for (int i = 0; i < 4; i++)
		assert_true(sync_is_synced(net.hosts[i].sync));
	net.loss = 20;
	net.repeat = 10;
	net.jitter = 40;
	for (int i = 0; i < 200; i++) {
		set(i % 4, i % 97, i, SYNC_ACKS_MAJORITY, i + 1);
		if (i % 11 == 0)
			erase(i % 4, i % 97);
		flush(i % 4);
		pass(net.now + 200);
	}
	net.loss = 0;
	pass(net.now + 30000);
	for (int i = 1; i < 4; i++)
		assert_equal_tables(0, i);
	network_down();
}

/* Messages of a type that are on the wire, to one member. */
static unsigned int under_way(uint8_t type, int to)
{
	unsigned int n = 0;

	for (size_t i = 0; i < net.packets; i++)
		n += net.wire[i].data[1] == type && net.wire[i].to == to;
	return n;
}

static void four(void)
{
	network(4);
	for (int i = 0; i < 4; i++)
		boot(i, SYNC_GROUP);
	pass(net.now + 10000);
}

static uint32_t owed(int from, int to)
{
	struct sync_member m;

	for (size_t i = 0; sync_member(net.hosts[from].sync, i, net.now, &m); i++)
		if (roam_addr_eq(&m.addr, &net.hosts[to].addr))
			return m.owed;
	fail_msg("%d is no member of %d", to, from);
	return 0;
}

/* One member's messages are lost for less time than makes it dead. */
static void only_who_owes(void **state)
{
	size_t before;

	(void)state;
	four();
	set(0, 1, 11, SYNC_ACKS_ALL, 1);
	net.cut[0][3] = true;
	net.sent[SYNC_UPDATE] = 0;
	flush(0);
	/* The first time to each of three, though one copy is lost at once. */
	assert_int_equal(net.sent[SYNC_UPDATE], 3);
	assert_int_equal(under_way(SYNC_UPDATE, 1), 1);
	assert_int_equal(under_way(SYNC_UPDATE, 2), 1);
	pass(net.now + 100);
	assert_int_equal(owed(0, 1), 0);
	assert_int_equal(owed(0, 2), 0);
	assert_int_equal(owed(0, 3), 1);
	assert_int_equal(net.hosts[0].released, 0);
	/* The second time to that one alone. */
	pass(net.now + 250);
	assert_int_equal(net.sent[SYNC_UPDATE], 4);
	net.cut[0][3] = false;
	pass(net.now + 1000);
	assert_int_equal(owed(0, 3), 0);
	assert_int_equal(net.hosts[0].released, 1);
	assert_int_equal(net.hosts[0].acks, 3);
	assert_int_equal(net.hosts[0].late, 0);
	/* It is done: nothing is sent any more. */
	before = net.sent[SYNC_UPDATE];
	assert_int_equal(before, 5);
	pass(net.now + 10000);
	assert_int_equal(net.sent[SYNC_UPDATE], before);
	for (int i = 1; i < 4; i++)
		assert_equal_tables(0, i);
	network_down();
}

static void take_ack(struct packet *ack)
{
	for (size_t i = 0; i < net.packets; i++) {
		if (net.wire[i].data[1] != SYNC_ACK)
			continue;
		*ack = net.wire[i];
		net.wire[i] = net.wire[--net.packets];
		return;
	}
	fail_msg("there is no acknowledgement");
}

static void give(const struct packet *p, uint64_t counter, uint64_t id)
{
	struct sync_msg msg;
	size_t covered;

	assert_int_equal(sync_decode(p->data, p->len, &msg, &covered),
			 SYNC_DROP_NONE);
	msg.counter += counter;
	msg.id += id;
	sync_input(net.hosts[p->to].sync, net.now, &msg);
}

/* An acknowledgement counts for its own update, and once. */
static void acks_of_others(void **state)
{
	const struct sync_stats *stats;
	struct packet ack;
	uint64_t dropped;

	(void)state;
	pair();
	stats = sync_stats(net.hosts[0].sync);
	set(0, 1, 11, 1, 1);
	flush(0);
	for (size_t i = 0; i < net.packets; i++)
		if (net.wire[i].data[1] == SYNC_UPDATE)
			deliver(i);
	take_ack(&ack);
	dropped = stats->acks_unasked;
	give(&ack, 1000, 1);
	assert_int_equal(stats->acks_unasked, dropped + 1);
	assert_int_equal(net.hosts[0].released, 0);
	/* Behind the one that was made up, as those on the wire may be. */
	give(&ack, 1001, 0);
	assert_int_equal(net.hosts[0].released, 1);
	/* The same again, and what a recorder would make of it for the next update. */
	dropped = stats->drop[SYNC_DROP_REPLAY];
	set(0, 2, 22, 1, 2);
	net.cut[0][1] = true;
	flush(0);
	give(&ack, 1001, 0);
	assert_int_equal(stats->drop[SYNC_DROP_REPLAY], dropped + 1);
	give(&ack, 1001, 1);
	assert_int_equal(stats->drop[SYNC_DROP_REPLAY], dropped + 2);
	assert_int_equal(net.hosts[0].released, 1);
	network_down();
}

/* Eight parts are under way at a time, and no more, before any is acknowledged. */
static void pipelined(void **state)
{
	(void)state;
	network(2);
	boot(0, SYNC_SINGLE);
	roles(0, -1);
	for (int i = 0; i < 4000; i++)
		set(0, i, i, 0, 0);
	flush(0);
	pass(net.now + 100);
	boot(1, SYNC_SINGLE);
	roles(0, 1);
	net.delay = 50;
	for (int i = 0; i < 200 && !under_way(SYNC_TABLE, 1); i++)
		pass(net.now + 10);
	assert_int_equal(under_way(SYNC_TABLE, 1), 8);
	assert_int_equal(under_way(SYNC_TABLE_ACK, 0), 0);
	/* Where they arrive it is twice as many in the next turn. */
	pass(net.now + 100);
	assert_int_equal(under_way(SYNC_TABLE, 1), 16);
	/* They are not asked for one by one either. */
	net.sent[SYNC_REQUEST] = 0;
	pass(net.now + 5000);
	assert_int_equal(net.sent[SYNC_REQUEST], 0);
	assert_equal_tables(0, 1);
	network_down();
}

/* ---- group mode, message by message ---- */

static void quiet(void)
{
	memset(net.sent, 0, sizeof(net.sent));
	memset(net.sent_by, 0, sizeof(net.sent_by));
	memset(net.to_group, 0, sizeof(net.to_group));
}

/* Who has sent messages of a type, as bits. */
static unsigned int senders(uint8_t type)
{
	unsigned int who = 0;

	for (int i = 0; i < net.n; i++)
		who |= net.sent_by[i][type] ? 1u << i : 0;
	return who;
}

/* The first one of a type on the wire for @to; NULL if there is none. */
static const struct packet *on_wire(uint8_t type, int to)
{
	for (size_t i = 0; i < net.packets; i++)
		if (net.wire[i].data[1] == type && net.wire[i].to == to)
			return &net.wire[i];
	return NULL;
}

static struct sync_msg read_message(const struct packet *p)
{
	struct sync_msg msg;
	size_t covered;

	assert_non_null(p);
	assert_int_equal(sync_decode(p->data, p->len, &msg, &covered),
			 SYNC_DROP_NONE);
	return msg;
}

static bool is_from(const struct packet *p, int member)
{
	struct sync_msg msg = read_message(p);

	return roam_addr_eq(&msg.sender, &net.hosts[member].addr);
}

static void take(const struct packet *p)
{
	net.wire[p - net.wire] = net.wire[--net.packets];
}

/*
 * A message from @from to @to that nobody sent, in their present sessions. Its counter
 * is a little above those that were sent, which stay within the window of replays.
 */
static void inject(int from, int to, const struct sync_msg *what)
{
	struct sync_msg msg = *what;

	msg.group = 1;
	msg.sender = net.hosts[from].addr;
	msg.session = net.last[from][to].session;
	msg.echo = net.last[from][to].echo;
	msg.counter = net.last[from][to].counter + 40 + net.injected++;
	sync_input(net.hosts[to].sync, net.now, &msg);
}

static void fill(int i, int n)
{
	for (int slot = 0; slot < n; slot++)
		set(i, (uint32_t)slot, (uint32_t)slot, 0, 0);
	flush(i);
}

static unsigned int members_of(int i)
{
	struct sync_member m;
	unsigned int n = 0;

	while (sync_member(net.hosts[i].sync, n, net.now, &m))
		n++;
	return n;
}

static void alone(void **state)
{
	(void)state;
	network(1);
	boot(0, SYNC_GROUP);
	assert_false(sync_is_synced(net.hosts[0].sync));
	pass(net.now);
	assert_true(sync_is_synced(net.hosts[0].sync));
	set(0, 1, 1, SYNC_ACKS_ALL, 1);
	flush(0);
	pass(net.now + 10000);
	for (int type = SYNC_HELLO; type <= SYNC_ANSWER; type++)
		assert_int_equal(net.sent[type], 0);
	assert_int_equal(net.hosts[0].released, 1);
	network_down();
	/* Where others may be it listens, says that it is there, and then begins. */
	net.multicast = true;
	boot(0, SYNC_GROUP);
	pass(net.now + 1500);
	assert_false(sync_is_synced(net.hosts[0].sync));
	pass(net.now + 1000);
	assert_true(sync_is_synced(net.hosts[0].sync));
	assert_int_equal(net.sent[SYNC_HELLO], net.to_group[SYNC_HELLO]);
	network_down();
}

/* Nobody is configured: hellos to the group make them known to each other. */
static void group_three(void)
{
	network(4);
	net.multicast = true;
	for (int i = 0; i < 3; i++)
		boot_alone(i, SYNC_GROUP);
	pass(net.now + 5000);
	fill(0, 300);
	pass(net.now + 5000);
}

static void requests_at_start(void **state)
{
	(void)state;
	group_three();
	for (int i = 0; i < 3; i++) {
		assert_true(sync_is_synced(net.hosts[i].sync));
		assert_int_equal(members_of(i), 2);
	}
	quiet();
	boot_alone(3, SYNC_GROUP);
	net.delay = 20;
	while (!net.sent[SYNC_REQUEST])
		pass(net.now + 1);
	/* One question, to the group, before it has anything. */
	assert_int_equal(net.sent[SYNC_REQUEST], 1);
	assert_int_equal(net.to_group[SYNC_REQUEST], 1);
	assert_false(sync_is_synced(net.hosts[3].sync));
	assert_int_equal(read_message(on_wire(SYNC_REQUEST, 0)).count, 0);
	assert_true(is_from(on_wire(SYNC_REQUEST, 0), 3));
	pass(net.now + 3000);
	assert_true(sync_is_synced(net.hosts[3].sync));
	assert_equal_tables(0, 3);
	/* Whoever heard it has it in its list, and it has all of them. */
	for (int i = 0; i < 4; i++)
		assert_int_equal(members_of(i), 3);
	network_down();
	/* Without a group address the question goes to one. */
	network(3);
	for (int i = 0; i < 3; i++)
		boot(i, SYNC_GROUP);
	pass(net.now + 5000);
	crash(2);
	fill(0, 10);
	boot(2, SYNC_GROUP);
	quiet();
	pass(net.now + 3000);
	assert_int_equal(net.sent[SYNC_REQUEST], 1);
	assert_int_equal(net.to_group[SYNC_REQUEST], 0);
	assert_equal_tables(0, 2);
	network_down();
}

/* 1 says that it deleted @n entries from @slot on, or @slot @n times. */
static void say_deleted(uint32_t slot, int n, bool one, uint64_t order)
{
	struct sync_msg msg = { .type = SYNC_UPDATE, .id = order };
	uint8_t body[SYNC_BODY_MAX], *p = body, key[2];

	for (int i = 0; i < n; i++) {
		struct sync_entry x = {
			.type = TYPE, .deleted = true, .order = order + (uint64_t)i,
			.key = key, .key_len = 2,
		};

		key_of(one ? slot : slot + (uint32_t)i, key);
		p = sync_entry_write(p, &x);
	}
	msg.body = body;
	msg.len = (size_t)(p - body);
	msg.count = (uint16_t)n;
	inject(1, 0, &msg);
}

/*
 * SEC-35: an entry that is deleted again and again is one tombstone, and entries that
 * nobody has are a part of the table.
 */
static void many_tombstones(void **state)
{
	const struct sync_stats *stats;

	(void)state;
	network(2);
	for (int i = 0; i < 2; i++)
		boot(i, SYNC_GROUP);
	pass(net.now + 5000);
	for (uint64_t i = 0; i < 500; i++) {
		say_deleted(9, 50, true, 100 + 50 * i);
		pass(net.now + 1);
	}
	stats = sync_stats(net.hosts[0].sync);
	assert_int_equal(stats->tombstones, 1);
	assert_true(stats->tomb_places <= 128);
	for (uint32_t i = 0; i < 80; i++)
		say_deleted(50 * i, 50, false, 50000);
	stats = sync_stats(net.hosts[0].sync);
	assert_int_equal(stats->tombstones, SLOTS / 4);
	assert_true(stats->full > 0);
	/* There is room for all others. */
	fill(0, 3000);
	pass(net.now + 30000);
	assert_int_equal(sync_count(net.hosts[0].sync), 3000);
	pass(net.now + 61000);
	assert_int_equal(sync_stats(net.hosts[0].sync)->tombstones, 0);
	network_down();
}

/* Somebody of 198.51.100.0/24 says hello to 0; @proves: and heard what 0 said. */
static void say_hello(int who, bool proves)
{
	struct sync_msg hello = { .type = SYNC_HELLO, .group = 1,
				  .session = 900 + (uint64_t)who,
				  .counter = 1 };
	char name[32];

	snprintf(name, sizeof(name), "198.51.100.%d", who);
	hello.sender = addr(name);
	hello.echo = proves ? net.last[0][1].session : 0;
	sync_input(net.hosts[0].sync, net.now, &hello);
}

/* 2 begins, which nobody told 0 of, and both are members soon. */
static void newcomer(void)
{
	boot(2, SYNC_GROUP);
	set(0, 3, 33, 0, 0);
	flush(0);
	pass(net.now + 5000);
	set(2, 4, 44, SYNC_ACKS_ALL, 1);
	net.hosts[2].released = 0;
	flush(2);
	pass(net.now + 100);
	assert_int_equal(net.hosts[2].released, 1);
	assert_int_equal(net.hosts[2].acks, 2);
	assert_equal_tables(0, 2);
}

static void two_of_three(void)
{
	network(3);
	for (int i = 0; i < 2; i++) {
		boot_alone(i, SYNC_GROUP);
		sync_add_member(net.hosts[i].sync, net.now,
				&net.hosts[!i].addr);
	}
	pass(net.now + 5000);
	assert_int_equal(members_of(0), 1);
}

/*
 * SEC-34: who says hello by many addresses, or has a list of such, takes no place for
 * long from who is there, nor has each of them asked for ever.
 */
static void places_of_members(void **state)
{
	uint8_t body[60 * 16];
	struct sync_msg list = {
		.type = SYNC_TABLE, .flags = SYNC_FLAG_MEMBERS, .body = body,
		.count = 60, .len = sizeof(body),
	};
	struct roam_addr one = addr("198.51.100.0");
	uint64_t before;
	size_t hellos;

	(void)state;
	two_of_three();
	for (int i = 0; i < 100; i++)
		say_hello(i, false);
	assert_int_equal(members_of(0), 1);
	newcomer();
	network_down();

	two_of_three();
	assert_true(sync_request(net.hosts[0].sync, net.now, NULL, 0));
	list.id = net.last[0][1].id;
	for (int i = 0; i < 60; i++) {
		one.b[15] = (uint8_t)(100 + i);
		memcpy(body + 16 * i, one.b, 16);
	}
	inject(1, 0, &list);
	assert_int_equal(members_of(0), SYNC_MEMBERS_MAX);
	pass(net.now + 5000);
	hellos = net.sent_by[0][SYNC_HELLO];
	pass(net.now + 10000);
	assert_true(net.sent_by[0][SYNC_HELLO] - hellos < 40);
	newcomer();
	network_down();

	/* They were there, and are gone for long. */
	two_of_three();
	for (int i = 0; i < 100; i++)
		say_hello(i, true);
	assert_int_equal(members_of(0), SYNC_MEMBERS_MAX);
	assert_true(sync_stats(net.hosts[0].sync)->drop[SYNC_DROP_MEMBER] >= 69);
	pass(net.now + 51000);
	before = net.last[0][1].session;
	newcomer();
	/* What those said whose places were taken echoes nothing any more. */
	assert_true(net.last[0][1].session != before);
	network_down();
}

/*
 * FAIL-06: while a member fetches the table, neither who asks it nor who hears its
 * hello takes what it has for the whole.
 */
static void partial_table(void **state)
{
	struct sync_msg ask = { .type = SYNC_REQUEST, .id = 77 }, msg;
	size_t half;

	(void)state;
	network(3);
	boot(0, SYNC_GROUP);
	pass(net.now + 5000);
	fill(0, 3000);
	net.delay = 5;
	boot(1, SYNC_GROUP);
	while (sync_count(net.hosts[1].sync) < 1000)
		pass(net.now + 1);
	assert_false(sync_is_synced(net.hosts[1].sync));
	/* A third one begins, and hears of the half alone. */
	for (int i = 1; i < 3; i++)
		net.cut[0][i] = net.cut[i][0] = true;
	boot(2, SYNC_GROUP);
	pass(net.now + 50);
	half = sync_count(net.hosts[1].sync);
	assert_true(half >= 1000 && half < 3000);
	inject(2, 1, &ask);
	msg = read_message(on_wire(SYNC_TABLE, 2));
	assert_int_equal(msg.code, SYNC_NOT_INITIALISED);
	assert_int_equal(msg.count, 0);
	assert_int_equal(sync_count(net.hosts[2].sync), 0);
	/* Who gives crashes and comes back in mid-download, with what its disk had. */
	crash(0);
	boot(0, SYNC_GROUP);
	fill(0, 3000);
	for (int i = 1; i < 3; i++)
		net.cut[0][i] = net.cut[i][0] = false;
	pass(net.now + 20000);
	for (int i = 0; i < 3; i++) {
		assert_true(sync_is_synced(net.hosts[i].sync));
		assert_int_equal(sync_count(net.hosts[i].sync), 3000);
		assert_equal_tables(0, i);
	}
	network_down();
}

/*
 * A counter never wraps: behind its last value a session has nothing more to say. A
 * restart, here within a hello, is a new session and is heard at once.
 */
static void last_counter(void **state)
{
	struct sync_msg hello = { .type = SYNC_HELLO, .group = 1 };
	const struct sync_stats *stats;
	uint64_t before;

	(void)state;
	four();
	fill(0, 100);
	pass(net.now + 2000);
	stats = sync_stats(net.hosts[1].sync);
	hello.sender = net.hosts[0].addr;
	hello.session = net.last[0][1].session;
	hello.echo = net.last[0][1].echo;
	hello.counter = UINT64_MAX;
	hello.digest = net.last[0][1].digest;
	hello.flags = SYNC_FLAG_SYNCED;
	sync_input(net.hosts[1].sync, net.now, &hello);
	before = stats->drop[SYNC_DROP_REPLAY];
	hello.counter = 0;
	sync_input(net.hosts[1].sync, net.now, &hello);
	assert_int_equal(stats->drop[SYNC_DROP_REPLAY], before + 1);
	pass(net.now + 100);
	crash(0);
	boot(0, SYNC_GROUP);
	pass(net.now + 3000);
	assert_true(sync_is_synced(net.hosts[0].sync));
	set(0, 5, 4711, 0, 0);
	flush(0);
	pass(net.now + 100);
	assert_int_equal(net.hosts[1].rows[5].value, 4711);
	for (int i = 1; i < 4; i++)
		assert_equal_tables(0, i);
	network_down();
}

/* Both sides of a long partition changed what they had, everywhere in the table. */
static void long_partition(void **state)
{
	(void)state;
	four();
	fill(0, 4000);
	pass(net.now + 3000);
	assert_equal_tables(0, 3);
	for (int i = 0; i < 4; i++)
		net.cut[i][i ^ 2] = net.cut[i][i ^ 3] = true;
	pass(net.now + 6000);
	for (uint32_t slot = 0; slot < 3000; slot += 2) {
		set(0, slot, 8000 + slot, 0, 0);
		if (slot % 4)
			erase(2, slot + 1);
		else
			set(2, slot + 1, 9000 + slot, 0, 0);
		if (slot % 100)
			continue;
		flush(0);
		flush(2);
		pass(net.now + 10);
	}
	flush(0);
	flush(2);
	pass(net.now + 500);
	memset(net.cut, 0, sizeof(net.cut));
	pass(net.now + 5000);
	for (int i = 1; i < 4; i++)
		assert_equal_tables(0, i);
	assert_int_equal(net.hosts[3].rows[2].value, 8002);
	assert_false(net.hosts[1].rows[3].used);
	network_down();
}

static void one_answers(void **state)
{
	(void)state;
	group_three();
	roles(1, 0);
	pass(net.now + 3000);
	/* The active one. */
	quiet();
	boot_alone(3, SYNC_GROUP);
	pass(net.now + 5000);
	assert_equal_tables(0, 3);
	assert_int_equal(senders(SYNC_TABLE), 1 << 1);
	/* It is heard, and hears nothing: the standby router answers the next question. */
	crash(3);
	quiet();
	boot_alone(3, SYNC_GROUP);
	while (!net.sent[SYNC_REQUEST])
		pass(net.now + 1);
	net.cut[3][1] = true;
	for (size_t i = 0; i < net.packets; i++)
		if (net.wire[i].data[1] == SYNC_REQUEST && net.wire[i].to == 1)
			take(&net.wire[i]);
	pass(net.now + 5000);
	assert_true(sync_is_synced(net.hosts[3].sync));
	assert_equal_tables(0, 3);
	assert_int_equal(senders(SYNC_TABLE), 1 << 0);
	/* Neither of them is there: one that has no role answers. */
	net.cut[3][1] = false;
	crash(0);
	crash(1);
	crash(3);
	pass(net.now + 10000);
	quiet();
	boot_alone(3, SYNC_GROUP);
	pass(net.now + 5000);
	assert_equal_tables(2, 3);
	assert_int_equal(senders(SYNC_TABLE), 1 << 2);
	network_down();
}

/* The next one of a type that was sent behind @counter; false behind the last. */
static bool next_sent(uint8_t type, int to, uint64_t counter,
		      struct sync_msg *msg)
{
	bool found = false;

	for (size_t i = 0; i < net.packets; i++) {
		struct sync_msg other;

		if (net.wire[i].data[1] != type || net.wire[i].to != to)
			continue;
		other = read_message(&net.wire[i]);
		if (other.counter <= counter ||
		    (found && other.counter > msg->counter))
			continue;
		*msg = other;
		found = true;
	}
	return found;
}

static void answer_is_complete(void **state)
{
	struct sync_msg msg = { .counter = 0 };
	uint32_t sent = 0;
	size_t tables;

	(void)state;
	network(4);
	for (int i = 0; i < 3; i++)
		boot(i, SYNC_GROUP);
	pass(net.now + 5000);
	fill(0, 3000);
	pass(net.now + 5000);
	/* It knows one of them, who tells it of the others before it gives entries. */
	quiet();
	boot_alone(3, SYNC_GROUP);
	sync_add_member(net.hosts[3].sync, net.now, &net.hosts[1].addr);
	while (!on_wire(SYNC_TABLE, 3))
		pass(net.now + 1);
	assert_true(next_sent(SYNC_TABLE, 3, 0, &msg));
	assert_int_equal(msg.code, SYNC_ACCEPTED);
	assert_int_equal(msg.total, 3000);
	/* The one who answers and two others; the asker is one by now. */
	assert_true(msg.flags & SYNC_FLAG_MEMBERS);
	assert_true(msg.count >= 3);
	assert_memory_equal(msg.body, net.hosts[1].addr.b, 16);
	while (next_sent(SYNC_TABLE, 3, msg.counter, &msg)) {
		assert_false(msg.flags & SYNC_FLAG_MEMBERS);
		/* So many in this one, and so many in all up to here. */
		sent += msg.count;
		assert_int_equal(msg.sent, sent);
	}
	assert_true(sent > 0);
	/* One part is lost: all others do not make it complete. */
	take(on_wire(SYNC_TABLE, 3));
	pass(net.now + 150);
	assert_true(sync_count(net.hosts[3].sync) > 2800);
	assert_false(sync_is_synced(net.hosts[3].sync));
	pass(net.now + 500);
	assert_true(sync_is_synced(net.hosts[3].sync));
	assert_int_equal(members_of(3), 3);
	/* All of it is acknowledged: the other one is done, and repeats nothing. */
	tables = net.sent[SYNC_TABLE];
	pass(net.now + 10000);
	assert_int_equal(net.sent[SYNC_TABLE], tables);
	for (int i = 0; i < 3; i++) {
		assert_equal_tables(i, 3);
		assert_int_equal(members_of(i), 3);
	}
	network_down();
}

static void boot_together(void **state)
{
	struct sync_msg ask = { .type = SYNC_REQUEST, .id = 77 }, msg;

	(void)state;
	network(2);
	boot(0, SYNC_GROUP);
	boot(1, SYNC_GROUP);
	pass(net.now + 500);
	assert_false(sync_is_synced(net.hosts[0].sync));
	assert_false(sync_is_synced(net.hosts[1].sync));
	inject(0, 1, &ask);
	msg = read_message(on_wire(SYNC_TABLE, 0));
	assert_int_equal(msg.code, SYNC_NOT_INITIALISED);
	assert_int_equal(msg.id, 77);
	assert_int_equal(msg.count, 0);
	/* Not for ever: the one with the higher address begins, the other asks it. */
	quiet();
	pass(net.now + 5000);
	assert_true(sync_is_synced(net.hosts[0].sync));
	assert_true(sync_is_synced(net.hosts[1].sync));
	assert_int_equal(senders(SYNC_REQUEST), 1 << 0);
	network_down();
}

/* What a registration costs, and who says what. */
static void one_datagram(void **state)
{
	struct sync_entry entry;
	struct sync_msg msg;
	const uint8_t *p;

	(void)state;
	group_three();
	roles(0, 1);
	/* Between two hellos, which would show what is on its way. */
	pass(net.now + 3300);
	quiet();
	set(0, 400, 1, SYNC_ACKS_ALL, 1);
	flush(0);
	assert_int_equal(net.sent[SYNC_UPDATE], 1);
	assert_int_equal(net.to_group[SYNC_UPDATE], 1);
	pass(net.now + 100);
	assert_int_equal(net.hosts[0].acks, 2);
	assert_int_equal(net.sent[SYNC_ACK], 2);
	assert_int_equal(net.to_group[SYNC_ACK], 0);
	assert_equal_tables(0, 2);
	/* Its end is another one, without a value. */
	erase(0, 400);
	flush(0);
	assert_int_equal(net.to_group[SYNC_UPDATE], 2);
	msg = read_message(on_wire(SYNC_UPDATE, 2));
	assert_int_equal(msg.count, 1);
	p = msg.body;
	assert_true(sync_entry_read(&p, p + msg.len, &entry));
	assert_true(entry.deleted);
	assert_int_equal(entry.len, 0);
	pass(net.now + 100);
	assert_equal_tables(0, 2);
	/* Who is passive acknowledges, and says nothing else but that it is there. */
	pass(net.now + 10000);
	for (int type = SYNC_HELLO; type <= SYNC_ANSWER; type++)
		if (type != SYNC_HELLO && type != SYNC_ACK)
			assert_int_equal(net.sent_by[2][type], 0);
	assert_int_equal(net.sent_by[2][SYNC_ACK], 2);
	network_down();
}

/* A node that moves is one entry, whatever order its versions come in. */
static void moves(void **state)
{
	struct packet late;
	uint8_t key[2];

	(void)state;
	four();
	quiet();
	/* Twice at once: the last one is told, and no end in between. */
	set(0, 1, 11, 0, 0);
	set(0, 1, 12, 0, 0);
	flush(0);
	assert_int_equal(read_message(on_wire(SYNC_UPDATE, 1)).count, 1);
	pass(net.now + 100);
	assert_int_equal(net.hosts[1].rows[1].value, 12);
	/* One is late on its way, and the next one overtakes it. */
	set(0, 1, 13, 0, 0);
	flush(0);
	late = *on_wire(SYNC_UPDATE, 1);
	take(on_wire(SYNC_UPDATE, 1));
	set(0, 1, 14, 0, 0);
	flush(0);
	pass(net.now + 50);
	assert_int_equal(net.hosts[1].rows[1].value, 14);
	net.wire[net.packets] = late;
	deliver(net.packets++);
	assert_int_equal(net.hosts[1].rows[1].value, 14);
	/* Two members at the same time: everywhere the same one stays. */
	key_of(2, key);
	for (int i = 0; i < 2; i++) {
		net.hosts[i].rows[2].used = true;
		net.hosts[i].rows[2].value = 20 + (uint32_t)i;
		assert_true(sync_update(net.hosts[i].sync, net.now, TYPE, key, 2,
					1000000, 0, 0));
	}
	flush(0);
	flush(1);
	pass(net.now + 100);
	for (int i = 0; i < 4; i++)
		assert_int_equal(net.hosts[i].rows[2].value, 21);
	for (int i = 1; i < 4; i++)
		assert_equal_tables(0, i);
	network_down();
}

static void codes(void **state)
{
	struct sync_msg refuse = { .type = SYNC_ACK, .code = SYNC_UNSPECIFIED };
	struct sync_msg ask = { .type = SYNC_REQUEST, .id = 5 };
	struct sync_msg msg;

	(void)state;
	/* No room: said, and the same comes again. */
	pair();
	net.hosts[1].full = true;
	set(0, 1, 1, 1, 1);
	flush(0);
	while (!on_wire(SYNC_ACK, 0))
		pass(net.now + 1);
	msg = read_message(on_wire(SYNC_ACK, 0));
	assert_int_equal(msg.code, SYNC_RESOURCES);
	net.hosts[1].full = false;
	pass(net.now + 1000);
	assert_int_equal(net.hosts[0].acks, 1);
	/* For some reason: it does not count, and is not waited for. */
	set(0, 2, 2, 1, 2);
	flush(0);
	refuse.id = read_message(on_wire(SYNC_UPDATE, 1)).id;
	take(on_wire(SYNC_UPDATE, 1));
	inject(1, 0, &refuse);
	assert_int_equal(net.hosts[0].released, 2);
	assert_int_equal(net.hosts[0].acks, 0);
	/* No business of a router that has no role here: neither updates nor the table. */
	roles(0, -1);
	pass(net.now + 1);
	inject(0, 1, &(struct sync_msg){ .type = SYNC_UPDATE, .id = 6 });
	msg = read_message(on_wire(SYNC_ACK, 0));
	assert_int_equal(msg.id, 6);
	assert_int_equal(msg.code, SYNC_PROHIBITED);
	inject(1, 0, &ask);
	msg = read_message(on_wire(SYNC_TABLE, 1));
	assert_int_equal(msg.id, 5);
	assert_int_equal(msg.code, SYNC_PROHIBITED);
	network_down();
}

/* No room for a part of the table: it is not acknowledged, so that it comes again. */
static void no_room_for_a_table(void **state)
{
	(void)state;
	network(2);
	boot(0, SYNC_SINGLE);
	roles(0, -1);
	fill(0, 300);
	boot(1, SYNC_SINGLE);
	net.hosts[1].full = true;
	roles(0, 1);
	pass(net.now + 1000);
	assert_false(sync_is_synced(net.hosts[1].sync));
	assert_true(net.sent[SYNC_TABLE] > 8);
	/* The list of members alone, of two tries. */
	assert_true(net.sent[SYNC_TABLE_ACK] <= 2);
	net.hosts[1].full = false;
	pass(net.now + 10000);
	assert_true(sync_is_synced(net.hosts[1].sync));
	assert_equal_tables(0, 1);
	network_down();
}

/* An acknowledgement of a part once more, of another part, of another table. */
static void odd_table_acks(void **state)
{
	struct sync_msg ack, part, wrong;
	const struct sync_stats *stats;
	uint64_t unasked;

	(void)state;
	network(2);
	boot(0, SYNC_SINGLE);
	roles(0, -1);
	fill(0, 3000);
	boot(1, SYNC_SINGLE);
	roles(0, 1);
	stats = sync_stats(net.hosts[0].sync);
	while (!on_wire(SYNC_TABLE, 1))
		pass(net.now + 1);
	part = read_message(on_wire(SYNC_TABLE, 1));
	while (!on_wire(SYNC_TABLE_ACK, 0))
		pass(net.now + 1);
	ack = read_message(on_wire(SYNC_TABLE_ACK, 0));
	assert_int_equal(ack.count, 0);
	assert_true(ack.id && ack.id == part.id);
	pass(net.now + 1);
	unasked = stats->acks_unasked;
	inject(1, 0, &ack);
	wrong = ack;
	wrong.id++;
	inject(1, 0, &wrong);
	wrong = ack;
	wrong.sent = 999999;
	inject(1, 0, &wrong);
	assert_int_equal(stats->acks_unasked, unasked + 3);
	pass(net.now + 10000);
	assert_true(sync_is_synced(net.hosts[1].sync));
	assert_equal_tables(0, 1);
	network_down();
}

/* Behind the engine's back entries of two agents go; those of one are asked for. */
static void some_agents(void **state)
{
	struct roam_addr agents[9] = { addr("198.18.0.2") };
	struct host *host;

	(void)state;
	four();
	fill(0, 40);
	pass(net.now + 2500);
	host = &net.hosts[3];
	for (uint32_t slot = 0; slot < 40; slot++) {
		uint8_t key[2];

		key_of(slot, key);
		host->rows[slot].used = false;
		sync_forget(host->sync, TYPE, key, 2);
	}
	quiet();
	assert_false(sync_request(host->sync, net.now, agents, 9));
	assert_true(sync_request(host->sync, net.now, agents, 1));
	/* Not twice at a time. */
	assert_false(sync_request(host->sync, net.now, agents, 1));
	pass(net.now + 20);
	assert_int_equal(net.sent[SYNC_REQUEST], 1);
	assert_int_equal(sync_count(host->sync), 20);
	for (uint32_t slot = 0; slot < 40; slot++)
		assert_int_equal(host->rows[slot].used, slot % 2);
	assert_true(sync_is_synced(host->sync));
	/* All of it, when there was time for it. */
	pass(net.now + 200);
	assert_true(sync_request(host->sync, net.now, NULL, 0));
	pass(net.now + 20);
	assert_equal_tables(0, 3);
	network_down();
}

/*
 * SEC-33: whoever asks for the entries of agents that nobody has, again and again, has
 * each entry looked up once in a while, and never many of them at a time.
 */
static void costly_questions(void **state)
{
	struct sync_msg ask = { .type = SYNC_REQUEST, .count = 8 };
	struct roam_addr agents[8];
	uint8_t body[8 * 16];

	(void)state;
	network(2);
	for (int i = 0; i < 2; i++)
		boot(i, SYNC_GROUP);
	pass(net.now + 5000);
	for (int i = 0; i < 40; i++)
		fill(0, 100 * (i + 1));
	pass(net.now + 5000);
	for (int i = 0; i < 8; i++) {
		agents[i] = addr("198.18.0.9");
		agents[i].b[15] += (uint8_t)i;
		memcpy(body + 16 * i, agents[i].b, 16);
	}
	ask.body = body;
	ask.len = sizeof(body);
	/* A tenth of a second, all of it within the time of one repetition. */
	for (int i = 0; i < 100; i++) {
		unsigned int before = net.looked_up;

		ask.id = 5000 + (uint64_t)i;
		inject(1, 0, &ask);
		assert_true(net.looked_up - before <= 1024);
		pass(net.now + 1);
	}
	assert_int_equal(net.looked_up, 4000);
	/* An honest one gets its answer, and it is empty; counters are beyond those. */
	pass(net.now + 200000);
	net.looked_up = 0;
	quiet();
	assert_true(sync_request(net.hosts[1].sync, net.now, agents, 8));
	pass(net.now + 150);
	assert_int_equal(net.looked_up, 4000);
	assert_int_equal(net.sent[SYNC_TABLE], 2);
	assert_int_equal(net.sent[SYNC_TABLE_ACK], 2);
	assert_true(sync_request(net.hosts[1].sync, net.now, agents, 1));
	network_down();
}

/* What a member does not know it passes over, and takes the rest of the message. */
static void unknown_types(void **state)
{
	const struct sync_stats *stats;
	uint8_t key[2] = { 0, 9 };
	uint64_t ignored;

	(void)state;
	pair();
	assert_true(sync_register(net.hosts[0].sync, &extra, &net.hosts[0]));
	stats = sync_stats(net.hosts[1].sync);
	ignored = stats->ignored;
	set(0, 8, 8, 1, 1);
	net.hosts[0].rows[9].used = true;
	assert_true(sync_update(net.hosts[0].sync, net.now, TYPE + 1, key, 2, 0,
				1, 2));
	set(0, 10, 10, 1, 3);
	quiet();
	flush(0);
	assert_int_equal(net.sent[SYNC_UPDATE], 1);
	pass(net.now + 10);
	assert_int_equal(net.hosts[0].released, 3);
	assert_int_equal(net.hosts[0].acks, 1);
	assert_int_equal(stats->ignored, ignored + 1);
	assert_true(net.hosts[1].rows[8].used && net.hosts[1].rows[10].used);
	assert_false(net.hosts[1].rows[9].used);
	network_down();
}

/* Updates that came at once are acknowledged by one message to each who sent some. */
static void acks_together(void **state)
{
	struct sync_msg ack;

	(void)state;
	network(3);
	net.settles = true;
	for (int i = 0; i < 3; i++)
		boot(i, SYNC_GROUP);
	pass(net.now + 10000);
	for (int i = 0; i < 100; i++)
		set(0, i, i, SYNC_ACKS_ALL, i + 1);
	for (int i = 100; i < 110; i++)
		set(1, i, i, SYNC_ACKS_ALL, i + 1);
	quiet();
	flush(0);
	flush(1);
	assert_true(under_way(SYNC_UPDATE, 2) >= 3);
	/* All before the end of the burst; what stands in front is taken in turn. */
	net.settles = false;
	while (on_wire(SYNC_UPDATE, 2))
		deliver((size_t)(on_wire(SYNC_UPDATE, 2) - net.wire));
	assert_int_equal(net.sent[SYNC_ACK], 0);
	sync_settled(net.hosts[2].sync, true);
	assert_int_equal(net.sent[SYNC_ACK], 2);
	ack = read_message(on_wire(SYNC_ACK, 0));
	assert_int_equal(ack.count + 1 + 1, net.sent[SYNC_UPDATE] / 2);
	net.settles = true;
	pass(net.now + 100);
	assert_int_equal(net.hosts[0].released, 100);
	assert_int_equal(net.hosts[1].released, 10);
	assert_equal_tables(0, 2);
	network_down();
}

/* What the disk did not take is not acknowledged, until it takes it. */
static void full_disk(void **state)
{
	(void)state;
	network(2);
	net.settles = true;
	boot(0, SYNC_SINGLE);
	boot(1, SYNC_SINGLE);
	roles(0, 1);
	pass(net.now + 3000);
	net.hosts[1].disk_full = true;
	set(0, 1, 1, 1, 1);
	flush(0);
	pass(net.now + 1900);
	/* It is there, in memory, and nobody was promised that. */
	assert_true(net.hosts[1].rows[1].used);
	assert_int_equal(net.hosts[0].released, 0);
	pass(net.now + 200);
	assert_int_equal(net.hosts[0].late, 1);
	assert_int_equal(net.hosts[0].acks, 0);
	net.hosts[1].disk_full = false;
	set(0, 2, 2, 1, 2);
	flush(0);
	pass(net.now + 10);
	assert_int_equal(net.hosts[0].released, 2);
	assert_int_equal(net.hosts[0].acks, 1);
	/* A table that is fetched meanwhile is complete when the disk has it. */
	crash(1);
	boot(1, SYNC_SINGLE);
	net.hosts[1].disk_full = true;
	quiet();
	roles(0, 1);
	pass(net.now + 2000);
	assert_int_equal(net.sent[SYNC_TABLE_ACK], 0);
	net.hosts[1].disk_full = false;
	pass(net.now + 20000);
	assert_true(sync_is_synced(net.hosts[1].sync));
	assert_equal_tables(0, 1);
	network_down();
}

/* An update goes out after 0, 1, 3, 7 and 15 units, and then nobody waits for it. */
static void defaults(void **state)
{
	static const int at[] = { 0, 1, 3, 7, 15 };
	struct sync_config c = { .hello = 0 };
	msec_t began;

	(void)state;
	sync_config_default(&c);
	assert_int_equal(c.retry, 1000);
	assert_int_equal(c.tombstone, 300000);
	assert_int_equal(c.window, 8);
	assert_int_equal(SYNC_PORT, 17986);
	assert_true(SYNC_MAX_LEN <= 1200);
	/* Longer than any repetition takes, so that nothing comes back. */
	assert_true(c.tombstone > 31 * c.retry);
	four();
	set(0, 1, 1, SYNC_ACKS_ALL, 1);
	net.cut[0][3] = true;
	quiet();
	began = net.now;
	flush(0);
	for (size_t i = 0; i < 5; i++) {
		/* 200 ms are the unit here; it is heard meanwhile, so not given up. */
		pass(began + at[i] * 200);
		assert_int_equal(net.sent[SYNC_UPDATE], 3 + i);
		assert_int_equal(owed(0, 3), 1);
	}
	pass(began + 31 * 200);
	assert_int_equal(net.sent[SYNC_UPDATE], 7);
	assert_int_equal(owed(0, 3), 0);
	network_down();
}

/* What is of no use any more ends what it replaces, at each member. */
static void ended_on_its_way(void **state)
{
	(void)state;
	four();
	set(0, 1, 11, 0, 0);
	flush(0);
	pass(net.now + 100);
	assert_true(net.hosts[2].rows[1].used);
	set(0, 1, UINT32_MAX, 0, 0);
	flush(0);
	pass(net.now + 100);
	for (int i = 1; i < 4; i++) {
		assert_false(net.hosts[i].rows[1].used);
		assert_int_equal(sync_count(net.hosts[i].sync), 0);
	}
	network_down();
}

/* Crashes, partitions and restarts in an order that the seed gives. */
static void schedules(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 12; seed++) {
		network(4);
		net.seed = seed * 7919;
		for (int i = 0; i < 4; i++)
			boot(i, SYNC_GROUP);
		pass(net.now + 10000);
		net.loss = 10;
		net.jitter = 30;
		for (int step = 0; step < 60; step++) {
			int a = (int)(chance() % 4), b = (int)(chance() % 4);
			int up = 0;

			for (int i = 0; i < 4; i++)
				up += !!net.hosts[i].sync;
			switch (chance() % 6) {
			case 0:
				/* Not the last one that has the table. */
				if (net.hosts[a].sync && up > 2)
					crash(a);
				break;
			case 1:
				if (!net.hosts[a].sync)
					boot(a, SYNC_GROUP);
				break;
			case 2:
				net.cut[a][b] = net.cut[b][a] = chance() % 2;
				break;
			default:
				if (!net.hosts[a].sync ||
				    !sync_is_synced(net.hosts[a].sync))
					break;
				set(a, (uint32_t)(chance() % 50),
				    (uint32_t)step, 0, 0);
				if (chance() % 5 == 0)
					erase(a, (uint32_t)(chance() % 50));
				flush(a);
			}
			pass(net.now + 300);
		}
		net.loss = 0;
		memset(net.cut, 0, sizeof(net.cut));
		for (int i = 0; i < 4; i++)
			if (!net.hosts[i].sync)
				boot(i, SYNC_GROUP);
		pass(net.now + 40000);
		for (int i = 1; i < 4; i++)
			assert_equal_tables(0, i);
		network_down();
	}
}

/*
 * One of three says something with the highest order there is, and is gone. What the
 * others say afterwards has an order that is told and taken.
 */
static void order_ahead(void **state)
{
	uint8_t key[2];

	(void)state;
	network(3);
	for (int i = 0; i < 3; i++)
		boot(i, SYNC_GROUP);
	pass(net.now + 10000);
	key_of(7, key);
	net.hosts[2].rows[7].used = true;
	net.hosts[2].rows[7].value = 1;
	sync_update(net.hosts[2].sync, net.now, TYPE, key, 2, UINT64_MAX, 0, 0);
	flush(2);
	pass(net.now + 3000);
	assert_true(sync_stats(net.hosts[1].sync)->ahead);
	assert_false(net.hosts[1].rows[7].used);
	crash(2);
	pass(net.now + 60000);
	key_of(8, key);
	net.hosts[0].rows[8].used = true;
	net.hosts[0].rows[8].value = 5;
	sync_update(net.hosts[0].sync, net.now, TYPE, key, 2, 0, 0, 0);
	flush(0);
	pass(net.now + 30000);
	assert_true(net.hosts[1].rows[8].used);
	network_down();
}

static void names(void **state)
{
	(void)state;
	for (int i = 0; i < SYNC_DROP_MAX; i++)
		assert_string_not_equal(sync_drop_name(i), "unknown");
	for (int i = SYNC_HELLO; i <= SYNC_LEAF; i++)
		assert_string_not_equal(sync_message_name(i), "unknown");
	assert_string_equal(sync_message_name(0), "unknown");
	for (int i = 0; i <= SYNC_NOT_INITIALISED; i++)
		assert_string_not_equal(sync_code_name(i), "unknown");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name, function) { name, function, NULL, NULL, NULL }
		TEST("STBY-79 STBY-80 STBY-83 OPEN-57 SYNC-29: one update for each change, acknowledged", one_update),
		TEST("STBY-83: lost, repeated and reordered messages", lost_updates),
		TEST("OPEN-57: what was acknowledged is there", nothing_acknowledged_is_lost),
		TEST("FAIL-05 STBY-65 STBY-84 SYNC-16 TEN-08: A3, updates race the download: the whole table, while it changes", full_table),
		TEST("STBY-84: at most 64 bytes for an entry", bytes_on_the_wire),
		TEST("FAIL-07 STBY-84: A3, silent divergence: it shows within a hello, and only its range is mended", divergence),
		TEST("FAIL-06 STBY-65 STBY-85 TEN-22: A3, partial table: restarts in the middle of a download, and of the active router", restarts),
		TEST("STBY-86 TEN-03: who leaves both roles drops the table", leaves_its_role),
		TEST("FAIL-04 STBY-82 OPEN-44 SYNC-31 SYNC-34: A3, deletes not replicated: a deleted entry goes everywhere and does not come back", tombstones),
		TEST("OPEN-57 OPEN-44: a silent standby router is waited for only so long", silent_standby),
		TEST("STBY-83: a standby router without room", no_room),
		TEST("OPEN-29 STBY-81: recorded messages change nothing, after a restart either", replays),
		TEST("SEC-30: a message of a session that the receiver never saw takes nothing from the present one", session_of_before),
		TEST("SEC-32: a recorded session is over, however often its member began anew", many_sessions),
		TEST("SEC-32: a session that was believed once too late ends, and the true one is heard", kept_session),
		TEST("OPEN-29 OPEN-31: messages of other groups and of too many senders", wrong_messages),
		TEST("TEN-01 TEN-19 OPEN-44 GSYN-12 SYNC-01 SYNC-02: four members that all change the table", groups),
		TEST("SYNC-26 SYNC-27 SYNC-28: an update goes again to who owes, until all have it", only_who_owes),
		TEST("SYNC-42 SYNC-47: acknowledgements of something else, or once more", acks_of_others),
		TEST("SYNC-20: parts of a table are under way together", pipelined),
		TEST("SYNC-07 SYNC-08 SYNC-24: who is alone is complete at once and says nothing", alone),
		TEST("SYNC-06 SYNC-09 SYNC-10 SYNC-12 SYNC-13 SYNC-48 SYNC-50 SYNC-52: who begins asks for the table, and becomes known by that", requests_at_start),
		TEST("SYNC-14 SYNC-19 TEN-19: one answers, another one where that is silent", one_answers),
		TEST("SYNC-11 SYNC-17 SYNC-18 SYNC-22 SYNC-55 SYNC-56 SYNC-58 SYNC-59 TEN-08: complete is who has all parts of an answer, members first", answer_is_complete),
		TEST("FAIL-06 SYNC-15 OPEN-44: A3, partial table: half a table is given to nobody, also when its giver crashes", partial_table),
		TEST("FAIL-02 OPEN-44: A3, wrong heal: behind a long partition all is equal within five hellos", long_partition),
		TEST("OPEN-42 OPEN-29: the last value of a counter, and a restart within a hello", last_counter),
		TEST("SYNC-15 SYNC-54 TEN-19: two that begin together", boot_together),
		TEST("SYNC-03 SYNC-06 SYNC-25 SYNC-30 TEN-26: one datagram for each change, an acknowledgement from each", one_datagram),
		TEST("TEN-29 TEN-30: the newest version of an entry stays, and one of two equals", moves),
		TEST("SYNC-44 SYNC-45 SYNC-46 SYNC-54: codes of acknowledgements and answers", codes),
		TEST("SYNC-61: a table for which there is no room", no_room_for_a_table),
		TEST("SYNC-53 SYNC-57 SYNC-60 SYNC-62 SYNC-63: acknowledgements of parts once more, and of something else", odd_table_acks),
		TEST("SYNC-49 SYNC-51: entries of some agents", some_agents),
		TEST("SEC-34: a place of a member is had by who is there, and by others for a while", places_of_members),
		TEST("SEC-35: an entry is one tombstone, and those of entries that nobody had are a part of the table", many_tombstones),
		TEST("SEC-33: who asks in vain, again and again, has a few entries looked at for each time", costly_questions),
		TEST("D-06 D-07 D-08 D-09: defaults, and how often an update is repeated", defaults),
		TEST("SYNC-65: what a member does not know it passes over", unknown_types),
		TEST("SYNC-27 SYNC-47: what came at once is acknowledged by one message", acks_together),
		TEST("OPEN-57: what the disk does not take is not acknowledged", full_disk),
		TEST("STBY-82 OPEN-44: what ended on its way ends what was there", ended_on_its_way),
		TEST("OPEN-44: crashes, partitions and restarts end with equal tables", schedules),
		TEST("SYNC-29 OPEN-35: an entry of a time that has not come is refused", order_ahead),
		TEST("GSYN-12: names", names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
