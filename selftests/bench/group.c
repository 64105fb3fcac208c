// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * group NETNS... [ENTRIES [RATE]]: the engine of roam sync in five processes over UDP, keys
 * and all, each in its own namespace at 198.18.0.1 to .5; without a disk and without a
 * kernel module. Four members have a table of ENTRIES bindings; while the first one
 * changes RATE of them a second, a fifth begins. Says how long that took until its table
 * was complete, what an entry takes in memory, and what a change costs in datagrams: to
 * the group or to each, alone or with those of some milliseconds. Before that, the same
 * with an active router and a new standby router, and the bytes of that on the wire.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "io/daemon.h"
#include "io/sync.h"

#define MEMBERS 5
#define VALUE 35		/* a binding of roam-agentd with one care-of address */
#define HEADERS 28		/* of IP and UDP */
#define FRAME 88		/* of a message and its authenticator */
#define TAIL 8
#define PORT 27986

/**
 * struct shared - seen by all processes
 * @rate: changes a second of the first member
 * @alone: each has a message of its own
 * @together: ms whose changes leave together
 * @multicast: updates go to the group
 * @single: the first one is active, and tells the second one alone
 * @standby: the second one is there
 * @member: what each has
 */
static struct shared {
	volatile int rate;
	volatile bool alone;
	volatile int together;
	bool multicast;
	bool single;
	volatile bool standby;
	struct {
		volatile size_t entries;
		volatile bool synced;
		volatile uint64_t digest;
		volatile uint64_t updates;
		volatile uint64_t acks;
		volatile uint64_t table_bytes;
		volatile uint64_t released;
		volatile uint64_t late;
		volatile long before;
		volatile long memory;
	} member[MEMBERS];
} *shared;

static size_t entries;
static char **netns;
static int self;
static uint32_t *versions;
static bool *present;
static struct sync *engine;
static struct sync_link wire;
static uv_timer_t timer;
static uint64_t changed, changed_since;
static int last_rate;
static uint32_t next;

static uint32_t number(const uint8_t *key)
{
	return (uint32_t)key[0] << 24 | key[1] << 16 | key[2] << 8 | key[3];
}

static size_t serialise(void *ctx, const uint8_t *key, size_t key_len,
			uint8_t *value, size_t room, size_t *digested)
{
	uint32_t i = number(key);

	(void)ctx;
	(void)key_len;
	if (i >= entries || !present[i] || room < VALUE)
		return 0;
	memset(value, 0x5a, VALUE);
	memcpy(value, &versions[i], 4);
	*digested = VALUE - TAIL;
	return VALUE;
}

static enum sync_apply apply(void *ctx, const uint8_t *key, size_t key_len,
			     const uint8_t *value, size_t len, uint64_t order)
{
	uint32_t i = number(key);

	(void)ctx;
	(void)key_len;
	(void)order;
	if (i >= entries || len != VALUE)
		return SYNC_IGNORED;
	present[i] = true;
	memcpy(&versions[i], value, 4);
	return SYNC_APPLIED;
}

static void remove_entry(void *ctx, const uint8_t *key, size_t key_len)
{
	(void)ctx;
	(void)key_len;
	present[number(key)] = false;
}

static const struct sync_type type = { 1, "bench", serialise, apply, remove_entry, NULL };

static void send_message(void *ctx, const struct roam_addr *to,
			 const struct sync_msg *msg)
{
	(void)ctx;
	if (msg->type == SYNC_UPDATE)
		shared->member[self].updates++;
	else if (msg->type == SYNC_ACK)
		shared->member[self].acks++;
	else if (msg->type == SYNC_TABLE)
		shared->member[self].table_bytes += HEADERS + FRAME + msg->len;
	sync_link_send(&wire, to, msg);
}

static void on_released(void *ctx, uint64_t token, unsigned int acks, bool late)
{
	(void)ctx;
	(void)token;
	(void)acks;
	shared->member[self].released++;
	shared->member[self].late += late;
}

static uint64_t random_bits(void *ctx)
{
	(void)ctx;
	return daemon_random();
}

static void on_synced(void *ctx, bool synced, const struct roam_addr *from)
{
	(void)ctx;
	(void)from;
	shared->member[self].synced = synced;
}

static const struct sync_ops ops = {
	.send = send_message, .released = on_released, .random = random_bits,
	.synced = on_synced,
};

static void change(uint32_t i, uint64_t token)
{
	uint8_t key[4] = { i >> 24, i >> 16 & 0xff, i >> 8 & 0xff, i & 0xff };

	present[i] = true;
	versions[i]++;
	sync_update(engine, daemon_now(), 1, key, sizeof(key), 0, SYNC_ACKS_ALL,
		    token);
}

static void make_changes(msec_t now)
{
	uint64_t due;

	if (shared->rate != last_rate) {
		last_rate = shared->rate;
		changed_since = (uint64_t)now;
		changed = 0;
	}
	due = (uint64_t)last_rate * ((uint64_t)now - changed_since) / 1000;
	for (; changed < due; changed++) {
		change(next, 1);
		next = (uint32_t)((next + 7919) % entries);
		if (shared->alone)
			sync_flush(engine, now);
	}
	sync_flush(engine, now);
}

/* Bytes of this process in memory. */
static long resident(void)
{
	long pages = 0, all;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%ld %ld", &all, &pages) != 2)
		pages = 0;
	if (f)
		fclose(f);
	return pages * sysconf(_SC_PAGESIZE);
}

static struct roam_addr address(int i)
{
	return (struct roam_addr){ { [10] = 0xff, [11] = 0xff, 198, 18, 0,
				     (uint8_t)(i + 1) } };
}

/* As an elector would say it. */
static void set_role(msec_t now)
{
	static const struct roam_addr none;
	struct roam_addr active = address(0), standby = address(1);

	sync_set_role(engine, now, self ? SYNC_STANDBY : SYNC_ACTIVE, &active,
		      shared->standby ? &standby : &none);
}

static void tick(uv_timer_t *t)
{
	static msec_t flushed;
	static bool paired;
	msec_t now = daemon_now();

	(void)t;
	if (shared->single && shared->standby != paired) {
		paired = shared->standby;
		set_role(now);
	}
	if (!self && now - flushed >= shared->together) {
		flushed = now;
		make_changes(now);
	}
	shared->member[self].memory = resident();
	if (sync_next(engine) <= now)
		sync_run(engine, now);
	shared->member[self].entries = sync_count(engine);
	shared->member[self].digest = sync_digest(engine);
}

static void on_end(void *ctx)
{
	(void)ctx;
	sync_settled(engine, true);
}

static void enter(const char *netns)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET)) {
		fprintf(stderr, "group: %s: %s\n", path, strerror(errno));
		exit(1);
	}
	close(fd);
}

static void run(int i)
{
	static const uint8_t secret[32] = { 1, 2, 3 };
	struct conf_sync conf = { .key = 7, .port = PORT, .ttl = 1 };
	struct sync_config config = {
		.group = 1, .own = address(i), .hello = 1000,
		.mode = shared->single ? SYNC_SINGLE : SYNC_GROUP,
		.retry = 1000, .wait = 5000, .entries_max = 2 * entries,
		.settles = true, .multicast = shared->multicast,
	};
	struct auth_keys *keys = auth_keys_new();
	uv_loop_t *loop = uv_default_loop();
	char *error;

	enter(netns[i]);
	if (shared->multicast)
		roam_addr_parse("239.255.10.1", &conf.multicast);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	self = i;
	versions = calloc(entries, sizeof(*versions));
	present = calloc(entries, sizeof(*present));
	auth_keys_add(keys, 7, secret, sizeof(secret));
	sync_config_default(&config);
	engine = sync_new(&config, &ops, NULL, daemon_now());
	sync_register(engine, &type, NULL);
	wire = (struct sync_link){
		.config = &conf, .keys = keys, .end = on_end,
	};
	error = sync_link_open(&wire, loop);
	if (error) {
		fprintf(stderr, "group: %s\n", error);
		exit(1);
	}
	sync_link_use(&wire, engine, &config.own);
	memset(versions, 0, entries * sizeof(*versions));
	memset(present, 0, entries * sizeof(*present));
	shared->member[i].before = resident();
	for (uint32_t n = 0; !i && n < entries; n++) {
		uint8_t key[4] = { n >> 24, n >> 16 & 0xff, n >> 8 & 0xff, n & 0xff };

		present[n] = true;
		sync_update(engine, daemon_now(), 1, key, sizeof(key), 0, 0, 0);
	}
	sync_flush(engine, daemon_now());
	if (shared->single)
		set_role(daemon_now());
	for (int k = 0; !shared->single && k < MEMBERS; k++) {
		struct roam_addr other = address(k);

		if (k != i)
			sync_add_member(engine, daemon_now(), &other);
	}
	uv_timer_init(loop, &timer);
	uv_timer_start(&timer, tick, 1, 1);
	uv_run(loop, UV_RUN_DEFAULT);
	exit(0);
}

/* ---- what is measured ---- */

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool complete(int n)
{
	for (int i = 0; i < n; i++)
		if (!shared->member[i].synced ||
		    shared->member[i].entries != entries)
			return false;
	return true;
}

static bool equal(int n)
{
	for (int i = 1; i < n; i++)
		if (shared->member[i].digest != shared->member[0].digest)
			return false;
	return complete(n);
}

/* How long it takes; ends the program after five minutes. */
static double wait_until(bool (*condition)(int), int n, const char *what)
{
	double began = seconds();

	while (!condition(n)) {
		if (seconds() - began > 300) {
			fprintf(stderr, "group: not within 300 s: %s\n", what);
			exit(1);
		}
		usleep(1000);
	}
	return seconds() - began;
}

static pid_t pids[MEMBERS];

static void start(int i)
{
	pid_t pid = fork();

	if (pid < 0) {
		perror("fork");
		exit(1);
	}
	if (!pid)
		run(i);
	pids[i] = pid;
}

static uint64_t acks_sent(void)
{
	uint64_t n = 0;

	for (int i = 0; i < MEMBERS; i++)
		n += shared->member[i].acks;
	return n;
}

static void stop_all(void)
{
	for (int i = 0; i < MEMBERS; i++) {
		if (!pids[i])
			continue;
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
		pids[i] = 0;
	}
}

static void steady(int rate, int together, int length)
{
	uint64_t updates, acks, done;
	double n;

	shared->alone = !together;
	shared->together = together;
	shared->rate = rate;
	usleep(500000);
	updates = shared->member[0].updates;
	acks = acks_sent();
	done = shared->member[0].released;
	sleep((unsigned int)length);
	n = (double)(shared->member[0].released - done);
	printf("%d changes a second, %s, ", rate, shared->multicast ? "to the group" : "to each");
	if (together)
		printf("those of %d ms together", together);
	else
		printf("each at once");
	printf(": for each %.3f updates and %.3f acknowledgements from a member, %.2f datagrams in all; %.0f a second acknowledged by all\n",
	       (double)(shared->member[0].updates - updates) / n,
	       (double)(acks_sent() - acks) / n / (MEMBERS - 1),
	       (double)(shared->member[0].updates - updates + acks_sent() - acks) / n,
	       n / length);
	shared->rate = 0;
	printf("  equal after %.2f s; late: %llu\n",
	       wait_until(equal, MEMBERS, "equal tables"),
	       (unsigned long long)shared->member[0].late);
}

/* All of it, with updates to each member or to the group. */
static void measure(bool multicast, int rate)
{
	double took;

	memset(shared, 0, sizeof(*shared));
	shared->multicast = multicast;
	start(0);
	wait_until(complete, 1, "the first member alone");
	for (int i = 1; i < MEMBERS - 1; i++)
		start(i);
	took = wait_until(equal, MEMBERS - 1, "the first four members");
	printf("%zu bindings, three members take them at a time: equal after %.2f s\n", entries, took);
	printf("  memory of an entry: %.0f bytes\n",
	       (double)(shared->member[1].memory - shared->member[1].before) / (double)entries);
	shared->rate = rate;
	usleep(500000);
	start(MEMBERS - 1);
	took = wait_until(complete, MEMBERS, "the fifth member");
	printf("a fifth member under %d changes a second: complete after %.2f s\n",
	       rate, took);
	shared->rate = 0;
	printf("  equal after %.2f s more\n", wait_until(equal, MEMBERS, "equal tables"));
	steady(1000, 0, 3);
	steady(10000, 1, 3);
	steady(10000, 4, 3);
	stop_all();
}

/* A new standby router takes the table of the active one. */
static void measure_standby(int rate)
{
	double took;

	memset(shared, 0, sizeof(*shared));
	shared->single = true;
	start(0);
	wait_until(complete, 1, "the active router alone");
	shared->rate = rate;
	usleep(500000);
	start(1);
	shared->standby = true;
	took = wait_until(complete, 2, "the standby router");
	printf("%zu bindings, a new standby router under %d changes a second: complete after %.2f s\n",
	       entries, rate, took);
	printf("  on the wire: %.1f bytes for each binding, IP and UDP included\n",
	       (double)shared->member[0].table_bytes / (double)entries);
	shared->rate = 0;
	printf("  equal after %.2f s more\n", wait_until(equal, 2, "equal tables"));
	stop_all();
}

int main(int argc, char **argv)
{
	long rate = argc > MEMBERS + 2 ? strtol(argv[MEMBERS + 2], NULL, 10) : 5000;

	netns = argv + 1;
	entries = argc > MEMBERS + 1 ? strtoul(argv[MEMBERS + 1], NULL, 10) : 500000;
	if (argc <= MEMBERS || entries < 10000 || rate < 1) {
		fputs("usage: group NETNS NETNS NETNS NETNS NETNS [ENTRIES [RATE]]\n", stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	measure_standby((int)rate);
	measure(false, (int)rate);
	measure(true, (int)rate);
	return 0;
}
