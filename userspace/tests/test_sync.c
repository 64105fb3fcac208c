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

static const struct sync_type sample = {
	.type = TYPE, .name = "sample", .serialise = serialise, .apply = apply,
	.remove = remove_row,
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
	for (int i = 0; i < net.n; i++)
		if (roam_addr_is_none(to) ||
		    roam_addr_eq(to, &net.hosts[i].addr))
			send_to(ctx, i, buf, len);
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

static void boot(int i, enum sync_mode mode)
{
	struct host *host = &net.hosts[i];
	struct sync_config config = {
		.group = 1, .own = host->addr, .mode = mode, .hello = 1000,
		.retry = 200, .wait = 2000, .tombstone = 60000, .window = 8,
		.entries_max = SLOTS,
	};

	memset(host->rows, 0, sizeof(host->rows));
	host->sync = sync_new(&config, &ops, host, net.now);
	assert_true(sync_register(host->sync, &sample, host));
	assert_false(sync_register(host->sync, &sample, host));
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

/* What was released with an acknowledgement is at the standby router, always. */
static void nothing_acknowledged_is_lost(void **state)
{
	(void)state;
	pair();
	net.loss = 20;
	net.jitter = 30;
	for (int i = 0; i < 400; i++) {
		unsigned int before = net.hosts[0].released;

		set(0, i, i + 1, 1, i + 1);
		flush(0);
		while (net.hosts[0].released == before)
			pass(net.now + 1);
		if (net.hosts[0].acks && !net.hosts[1].rows[i].used)
			fail_msg("entry %d was acknowledged and is not there", i);
	}
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
	/* They are not asked for one by one either. */
	net.sent[SYNC_REQUEST] = 0;
	pass(net.now + 5000);
	assert_int_equal(net.sent[SYNC_REQUEST], 0);
	assert_equal_tables(0, 1);
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
		TEST("STBY-65 STBY-84 SYNC-16 TEN-08: the whole table, while it changes", full_table),
		TEST("STBY-84: at most 64 bytes for an entry", bytes_on_the_wire),
		TEST("STBY-84: a divergence shows within a hello, and only its range is mended", divergence),
		TEST("STBY-65 STBY-85 TEN-22: restarts in the middle of a download, and of the active router", restarts),
		TEST("STBY-86: who leaves both roles drops the table", leaves_its_role),
		TEST("STBY-82 OPEN-44 SYNC-31 SYNC-34: a deleted entry does not come back", tombstones),
		TEST("OPEN-57 OPEN-44: a silent standby router is waited for only so long", silent_standby),
		TEST("STBY-83: a standby router without room", no_room),
		TEST("OPEN-29 STBY-81: recorded messages change nothing, after a restart either", replays),
		TEST("OPEN-29 OPEN-31: messages of other groups and of too many senders", wrong_messages),
		TEST("TEN-01 TEN-19 OPEN-44 GSYN-12 SYNC-01 SYNC-02: four members that all change the table", groups),
		TEST("SYNC-26 SYNC-27 SYNC-28: an update goes again to who owes, until all have it", only_who_owes),
		TEST("SYNC-42 SYNC-47: acknowledgements of something else, or once more", acks_of_others),
		TEST("SYNC-20: parts of a table are under way together", pipelined),
		TEST("STBY-82 OPEN-44: what ended on its way ends what was there", ended_on_its_way),
		TEST("OPEN-44: crashes, partitions and restarts end with equal tables", schedules),
		TEST("SYNC-29 OPEN-35: an entry of a time that has not come is refused", order_ahead),
		TEST("GSYN-12: names", names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
