// SPDX-License-Identifier: GPL-2.0-or-later
/* Two gateways of one subnet and a border router, in virtual time, with loss. */
#include "core_test.h"

#include <stdio.h>

#include "core/mmp_border.h"

#define QUEUE 256

enum { GW1, GW2, BORDER, PARTS };

static const char *const addresses[PARTS] = { "192.0.2.18", "192.0.2.34",
					      "192.0.2.17" };

struct part {
	struct mmp_border *core;
	uint32_t epoch;
	struct roam_addr route;	/* of the host, as it was set last */
	bool has_route;
	unsigned int left;
	unsigned int drops[MMP_DROP_MAX];
};

static struct part parts[PARTS];
static struct {
	int from, to;
	struct mmp_msg msg;
} queue[QUEUE];
static size_t n_queue;
static unsigned int sent, loss;	/* every so many of them is lost */
static msec_t now;
static struct roam_addr coa;

static int part_of(const struct roam_addr *a)
{
	for (int i = 0; i < PARTS; i++) {
		const struct roam_addr one = addr(addresses[i]);

		if (roam_addr_eq(&one, a))
			return i;
	}
	return -1;
}

static void op_send(void *ctx, const struct roam_addr *to,
		    const struct mmp_msg *msg)
{
	struct part *p = ctx;

	sent++;
	if (loss && !(sent % loss))
		return;
	assert_true(n_queue < QUEUE);
	queue[n_queue].from = (int)(p - parts);
	queue[n_queue].to = part_of(to);
	queue[n_queue++].msg = *msg;
}

static void op_set(void *ctx, const struct roam_addr *host,
		   const struct roam_addr *via)
{
	struct part *p = ctx;

	(void)host;
	p->route = *via;
	p->has_route = true;
}

static void op_del(void *ctx, const struct roam_addr *host,
		   const struct roam_addr *via)
{
	struct part *p = ctx;

	(void)host;
	(void)via;
	p->has_route = false;
}

static void op_leave(void *ctx, const struct roam_addr *host)
{
	struct part *p = ctx;

	(void)host;
	p->left++;
}

static const struct mmp_border_ops ops = { op_send, op_set, op_del, op_leave };

static void start(int i)
{
	struct mmp_border_config config = {
		.key_id = 1, .max_hosts = 4, .retry = 200, .retry_max = 10000,
		.refresh = 60000, .n_subnets = 1,
	};
	static const char *const names[PARTS] = { "gw1", "gw2", "br" };
	struct part *p = &parts[i];

	config.subnets[0] = prefix("10.7.0.0/16");
	assert_true(mmp_name_parse(names[i], &config.name));
	for (int j = 0; j < PARTS && i != BORDER; j++)
		if (j != i)
			config.peers[config.n_peers++] = addr(addresses[j]);
	if (i != BORDER)
		config.via[0] = addr(addresses[i]);
	mmp_border_free(p->core);
	p->core = mmp_border_new(&config, ++p->epoch, &ops, p);
	assert_non_null(p->core);
}

static void begin(void)
{
	memset(parts, 0, sizeof(parts));
	n_queue = 0;
	sent = 0;
	loss = 0;
	now = 1000;
	coa = addr("10.7.0.99");
	for (int i = 0; i < PARTS; i++)
		start(i);
}

static void end(void)
{
	for (int i = 0; i < PARTS; i++)
		mmp_border_free(parts[i].core);
}

static void deliver(int from, int to, const struct mmp_msg *msg)
{
	const struct roam_addr src = addr(addresses[from]);

	parts[to].drops[mmp_border_input(parts[to].core, now, &src, msg)]++;
}

static void run(msec_t ms)
{
	for (msec_t until = now + ms; now < until; now += 10) {
		for (size_t i = 0; i < n_queue; i++)
			deliver(queue[i].from, queue[i].to, &queue[i].msg);
		n_queue = 0;
		for (int i = 0; i < PARTS; i++)
			mmp_border_tick(parts[i].core, now);
	}
}

static bool border_has(int gateway)
{
	const struct roam_addr via = addr(addresses[gateway]);

	return parts[BORDER].has_route &&
	       roam_addr_eq(&parts[BORDER].route, &via);
}

static void newest_wins(void **state)
{
	(void)state;
	begin();
	mmp_border_came(parts[GW1].core, now, &coa, 100);
	run(50);
	assert_true(border_has(GW1));
	mmp_border_came(parts[GW2].core, now, &coa, 110);
	run(50);
	assert_true(border_has(GW2));
	assert_int_equal(parts[GW1].left, 1);
	/* An old word that comes late changes nothing. */
	mmp_border_came(parts[GW1].core, now, &coa, 105);
	run(50);
	assert_true(border_has(GW2));
	/* Its entry at the first one ends: it is at the other one. */
	mmp_border_went(parts[GW1].core, now, &coa);
	run(50);
	assert_true(border_has(GW2));
	mmp_border_came(parts[GW1].core, now, &coa, 120);
	run(50);
	assert_true(border_has(GW1));
	assert_int_equal(parts[GW2].left, 1);
	/* It leaves the subnet. */
	mmp_border_went(parts[GW1].core, now, &coa);
	run(50);
	assert_false(parts[BORDER].has_route);
	end();
}

static void words_are_not_lost(void **state)
{
	(void)state;
	begin();
	for (uint64_t i = 0; i < 20; i++) {
		int to = i % 2 ? GW2 : GW1;

		loss = 2 + (unsigned int)(i % 3);
		mmp_border_came(parts[to].core, now, &coa, 100 + i);
		run(15000);
		assert_true(border_has(to));
	}
	mmp_border_went(parts[GW2].core, now, &coa);
	run(30000);
	assert_false(parts[BORDER].has_route);
	end();
}

static void a_restarted_border_learns_again(void **state)
{
	unsigned int before;

	(void)state;
	begin();
	mmp_border_came(parts[GW1].core, now, &coa, 100);
	run(50);
	before = sent;
	run(50000);
	assert_int_equal(sent, before);
	parts[BORDER].has_route = false;
	start(BORDER);
	run(20000);
	assert_true(border_has(GW1));
	/* A restarted gateway is believed: its epoch is a new one. */
	start(GW1);
	mmp_border_came(parts[GW1].core, now, &coa, 130);
	run(50);
	assert_int_equal(parts[BORDER].drops[MMP_DROP_REPLAY], 0);
	end();
}

/* Who has the key may say where hosts are, but not that a host is the way to another. */
static void what_a_peer_may_not_say(void **state)
{
	struct mmp_msg msg = {
		.type = MMP_HOST_ROUTE, .gateway = addr("192.0.2.34"),
		.epoch = 1, .seq = 1, .coa = addr("10.7.0.99"), .host_seq = 5,
		.status = 1,
	}, old;

	(void)state;
	begin();
	assert_true(mmp_name_parse("evil", &msg.name));
	msg.coa = addr("198.51.100.1");
	deliver(GW2, BORDER, &msg);
	msg.coa = addr("10.7.0.99");
	msg.gateway = addr("10.7.0.98");
	deliver(GW2, BORDER, &msg);
	assert_int_equal(parts[BORDER].drops[MMP_DROP_SUBNET], 2);
	msg.gateway = addr("2001:db8::1");
	deliver(GW2, BORDER, &msg);
	assert_int_equal(parts[BORDER].drops[MMP_DROP_ADDRESS], 1);
	assert_false(parts[BORDER].has_route);
	/* What was captured. */
	msg.gateway = addr("192.0.2.34");
	deliver(GW2, BORDER, &msg);
	assert_true(border_has(GW2));
	old = msg;
	msg.seq = 2;
	msg.status = 0;
	deliver(GW2, BORDER, &msg);
	assert_false(parts[BORDER].has_route);
	deliver(GW2, BORDER, &old);
	assert_int_equal(parts[BORDER].drops[MMP_DROP_REPLAY], 1);
	assert_false(parts[BORDER].has_route);
	/* An epoch behind which none could come, or that no restart makes. */
	old.epoch = UINT32_MAX;
	deliver(GW2, BORDER, &old);
	old.epoch = msg.epoch + MMP_EPOCH_STEP + 1;
	deliver(GW2, BORDER, &old);
	assert_int_equal(parts[BORDER].drops[MMP_DROP_REPLAY], 3);
	/* A flood of hosts. */
	for (uint32_t i = 0; i < 10; i++) {
		char text[32];

		snprintf(text, sizeof(text), "10.7.1.%u", i);
		msg.coa = addr(text);
		msg.seq++;
		msg.status = 1;
		deliver(GW2, BORDER, &msg);
	}
	assert_int_equal(parts[BORDER].drops[MMP_DROP_LIMIT], 6);
	end();
}

#define TEST(ids_and_name, fn) { .name = ids_and_name, .test_func = fn }

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("OPEN-47 TEN-18: a host is at the gateway where it spoke last; its route goes when it leaves",
		     newest_wins),
		TEST("OPEN-47: with loss every word arrives in the end",
		     words_are_not_lost),
		TEST("OPEN-45 OPEN-47: a restarted border router learns all again",
		     a_restarted_border_learns_again),
		TEST("OPEN-29 OPEN-30 SEC-26: what a peer may not say: other addresses, hosts as gateways, old words",
		     what_a_peer_may_not_say),
	};

	return cmocka_run_group_tests_name("mmp_border", tests, NULL, NULL);
}
