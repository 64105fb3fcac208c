// SPDX-License-Identifier: GPL-2.0-only
/*
 * The contract of kernel/mmp/table.h: random requests and data that climbs, each
 * compared with a model that says where a host is then; and what ends by itself.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/prandom.h>
#include <linux/slab.h>

/* Included: it is part of the module, and does not export anything. */
#include "../mmp/keep.c"
#include "../mmp/table.c"

/* Few, so that they meet. */
#define HOSTS 12
#define HOPS 6
#define ROUNDS 6000
#define HELD 1000000U

static unsigned int events[8];
/* How often the lock was held while softirqs, which take it, could come between. */
static unsigned int interruptible;

static void count_event(struct mmp_net *mn, const struct mmp_host *host,
			u8 reason)
{
	events[reason]++;
	interruptible += !softirq_count();
}

void mmp_hop_put(struct mmp_net *mn, struct mmp_hop *hop)
{
	if (hop)
		hop->refs--;
}

unsigned int mmp_drop(struct mmp_net *mn, const struct sk_buff *skb,
		      enum mmp_drop reason)
{
	return NF_DROP;
}

/**
 * struct place - where the model has a host
 * @known: there is an entry
 * @hop: its downlinks, -1: none
 * @left: the downlink that a request replaced, -1: none
 * @seq: of the last request
 */
struct place {
	bool known;
	int hop[MMP_HOPS];
	int left;
	u64 seq;
};

static struct mmp_net *mn;
static struct mmp_hop hops[HOPS];
static struct place places[HOSTS];
static struct rnd_state rnd;

static unsigned int below(unsigned int n)
{
	return prandom_u32_state(&rnd) % n;
}

static struct in6_addr host_addr(unsigned int i)
{
	struct in6_addr addr;

	ipv6_addr_set_v4mapped(htonl(0x0a070000 + i), &addr);
	return addr;
}

static unsigned long no_sweep(struct roam_sweep *sweep)
{
	return MAX_SCHEDULE_TIMEOUT;
}

static int mmp_suite_init(struct kunit_suite *suite)
{
	return mmp_table_cache_init();
}

static void mmp_suite_exit(struct kunit_suite *suite)
{
	mmp_table_cache_exit();
}

static int mmp_init(struct kunit *test)
{
	int i;

	mn = kzalloc(sizeof(*mn), GFP_KERNEL);
	if (!mn)
		return -ENOMEM;
	mn->stats = alloc_percpu(struct mmp_stats);
	if (!mn->stats)
		return -ENOMEM;
	mutex_init(&mn->mutex);
	spin_lock_init(&mn->lock);
	roam_sweep_init(&mn->sweep, no_sweep);
	mn->config.timeout = 1000 * HZ;
	mn->config.second_time = 1000 * HZ;
	mn->config.left_time = 1000 * HZ;
	mn->config.max_hosts = 100000;
	mn->config.keep_time = 1000 * HZ;
	mn->config.keep_bytes = 1U << 20;
	mmp_keep_init(mn);
	prandom_seed_state(&rnd, 7);
	memset(events, 0, sizeof(events));
	interruptible = 0;
	for (i = 0; i < HOPS; i++)
		hops[i] = (struct mmp_hop){ .ifindex = i + 1, .refs = HELD };
	for (i = 0; i < HOSTS; i++)
		places[i] = (struct place){ .hop = { -1, -1 }, .left = -1 };
	return mmp_table_init(mn, count_event);
}

static void mmp_exit(struct kunit *test)
{
	int i;

	roam_sweep_exit(&mn->sweep);
	mmp_table_exit(mn);
	mmp_keep_exit(mn);
	/* Whoever pointed to a neighbour has let it go, once. */
	for (i = 0; i < HOPS; i++)
		KUNIT_EXPECT_EQ(test, hops[i].refs, HELD);
	rcu_barrier();
	free_percpu(mn->stats);
	kfree(mn);
}

static int set(unsigned int host, int first, int second, u64 seq)
{
	struct mmp_host_request req = { .addr = host_addr(host), .seq = seq };
	int err;

	req.hop[0] = &hops[first];
	hops[first].refs++;
	if (second >= 0) {
		req.hop[1] = &hops[second];
		hops[second].refs++;
	}
	mutex_lock(&mn->mutex);
	err = mmp_host_set(mn, &req, NULL);
	mutex_unlock(&mn->mutex);
	return err;
}

static void heal(unsigned int host, int hop)
{
	const struct in6_addr addr = host_addr(host);

	/* In the context of a program, as behind NFQUEUE. */
	rcu_read_lock();
	mmp_host_heal(mn, &addr, &hops[hop]);
	rcu_read_unlock();
}

/* Index of a downlink, -1: none, -2: no entry. */
static int where(unsigned int host, int which)
{
	const struct in6_addr addr = host_addr(host);
	const struct mmp_hop *hop;
	struct mmp_host *h;
	int i = -2;

	rcu_read_lock();
	h = mmp_host_find(mn, &addr);
	if (h) {
		hop = rcu_dereference(h->hop[which]);
		i = hop ? (int)(hop - hops) : -1;
	}
	rcu_read_unlock();
	return i;
}

static void compare(struct kunit *test, unsigned int host)
{
	const struct place *p = &places[host];

	KUNIT_ASSERT_EQ(test, where(host, 0), p->known ? p->hop[0] : -2);
	KUNIT_ASSERT_EQ(test, where(host, 1), p->known ? p->hop[1] : -2);
}

static void random_set(struct kunit *test, unsigned int host)
{
	struct place *p = &places[host];
	int first = below(HOPS), second = below(3) ? -1 : (int)below(HOPS);
	u64 seq = p->seq + below(3);
	bool old = below(8) == 0 && p->seq > 1;

	if (second == first)
		second = -1;
	if (old)
		seq = p->seq - 1;
	if (p->known && old) {
		KUNIT_ASSERT_EQ(test, set(host, first, second, seq), -ESTALE);
		return;
	}
	KUNIT_ASSERT_EQ(test, set(host, first, second, seq), 0);
	if (p->known && p->hop[0] != first)
		p->left = p->hop[0];
	else if (!p->known)
		p->left = -1;
	p->known = true;
	p->hop[0] = first;
	p->hop[1] = second;
	p->seq = seq;
}

static void random_heal(unsigned int host)
{
	struct place *p = &places[host];
	int hop = below(HOPS);

	/* The hooks ask only for a downlink that is none of the entry's. */
	if (p->known && (hop == p->hop[0] || hop == p->hop[1]))
		return;
	heal(host, hop);
	if (!p->known)
		*p = (struct place){ true, { hop, -1 }, -1, 0 };
	else if (p->hop[1] < 0 && p->left != hop)
		p->hop[0] = hop;
}

static void test_mmp_random(struct kunit *test)
{
	unsigned int i, host, known = 0;
	struct in6_addr addr;

	for (i = 0; i < ROUNDS; i++) {
		host = below(HOSTS);
		switch (below(8)) {
		case 0:
			addr = host_addr(host);
			KUNIT_ASSERT_EQ(test, mmp_host_del(mn, &addr),
					places[host].known);
			places[host] = (struct place){ .hop = { -1, -1 },
						       .left = -1 };
			break;
		case 1 ... 3:
			random_heal(host);
			break;
		default:
			random_set(test, host);
		}
		compare(test, host);
	}
	for (host = 0; host < HOSTS; host++)
		known += places[host].known;
	KUNIT_EXPECT_EQ(test, atomic_read(&mn->hosts.nelems), known);
	mutex_lock(&mn->mutex);
	KUNIT_EXPECT_EQ(test, mmp_host_flush(mn), known);
	mutex_unlock(&mn->mutex);
}

/* TEN-14, TEN-15: each branch lives by what climbs by itself. */
static void test_second(struct kunit *test)
{
	const struct in6_addr addr = host_addr(0);
	struct mmp_host *host;

	mn->config.second_time = HZ / 20;
	KUNIT_ASSERT_EQ(test, set(0, 0, 1, 1), 0);
	rcu_read_lock();
	host = mmp_host_find(mn, &addr);
	KUNIT_EXPECT_TRUE(test, mmp_host_climbs(host, 1, hops[0].mac));
	KUNIT_EXPECT_TRUE(test, mmp_host_climbs(host, 2, hops[1].mac));
	KUNIT_EXPECT_FALSE(test, mmp_host_climbs(host, 3, hops[2].mac));
	rcu_read_unlock();
	/* Data by a third way moves nothing while there are two. */
	heal(0, 2);
	KUNIT_EXPECT_EQ(test, where(0, 0), 0);
	KUNIT_EXPECT_EQ(test, where(0, 1), 1);
	msleep(100);
	mmp_table_sweep(&mn->sweep);
	KUNIT_EXPECT_EQ(test, where(0, 0), 0);
	KUNIT_EXPECT_EQ(test, where(0, 1), -1);
	KUNIT_EXPECT_EQ(test, events[ROAM_MMP_REASON_EXPIRED], 0);
}

static void test_ends(struct kunit *test)
{
	const struct in6_addr addr = host_addr(1);
	struct mmp_host *host;
	unsigned int i;

	mn->config.timeout = HZ / 10;
	for (i = 0; i < 300; i++)
		KUNIT_ASSERT_EQ(test, set(i, i % HOPS, -1, 1), 0);
	msleep(60);
	rcu_read_lock();
	host = mmp_host_find(mn, &addr);
	KUNIT_EXPECT_TRUE(test, mmp_host_climbs(host, 2, hops[1].mac));
	rcu_read_unlock();
	msleep(60);
	mmp_table_sweep(&mn->sweep);
	/* The one that was used is there; a slow machine may have ended it, too. */
	KUNIT_EXPECT_LE(test, atomic_read(&mn->hosts.nelems), 1);
	msleep(200);
	mmp_table_sweep(&mn->sweep);
	KUNIT_EXPECT_EQ(test, atomic_read(&mn->hosts.nelems), 0);
	KUNIT_EXPECT_EQ(test, events[ROAM_MMP_REASON_EXPIRED], 300);
}

/* A tick passes, and something climbs, while the sweeper still has the time before that. */
static void test_used_meanwhile(struct kunit *test)
{
	const struct in6_addr addr = host_addr(0);
	struct mmp_host *host;
	u32 now, again = 0;
	bool stays;

	KUNIT_ASSERT_EQ(test, set(0, 0, 1, 1), 0);
	spin_lock_bh(&mn->lock);
	rcu_read_lock();
	host = mmp_host_find(mn, &addr);
	now = (u32)jiffies - 1;
	KUNIT_EXPECT_TRUE(test, mmp_host_climbs(host, 1, hops[0].mac));
	stays = mmp_host_due(&host->end, now, &again, mn);
	rcu_read_unlock();
	if (stays)
		mmp_host_queue(mn, host);
	spin_unlock_bh(&mn->lock);
	KUNIT_EXPECT_TRUE(test, stays);
	KUNIT_EXPECT_EQ(test, where(0, 0), 0);
	KUNIT_EXPECT_EQ(test, where(0, 1), 1);
	KUNIT_EXPECT_EQ(test, events[ROAM_MMP_REASON_EXPIRED], 0);
}

/* A host that left its first downlink without a word is where the second one leads. */
static void test_second_takes_over(struct kunit *test)
{
	const struct in6_addr addr = host_addr(0);
	struct mmp_host *host;
	u32 again = 0;

	KUNIT_ASSERT_EQ(test, set(0, 0, 1, 1), 0);
	spin_lock_bh(&mn->lock);
	rcu_read_lock();
	host = mmp_host_find(mn, &addr);
	host->used[0] -= mn->config.timeout;
	KUNIT_EXPECT_TRUE(test, mmp_host_due(&host->end, (u32)jiffies, &again, mn));
	rcu_read_unlock();
	mmp_host_queue(mn, host);
	spin_unlock_bh(&mn->lock);
	KUNIT_EXPECT_EQ(test, where(0, 0), 1);
	KUNIT_EXPECT_EQ(test, where(0, 1), -1);
	KUNIT_EXPECT_EQ(test, events[ROAM_MMP_REASON_MOVED], 1);
}

/* Behind NFQUEUE a packet goes on in the context of the program that gave the verdict. */
static void test_heals_in_program(struct kunit *test)
{
	heal(0, 1);
	KUNIT_EXPECT_EQ(test, where(0, 0), 1);
	heal(0, 2);
	KUNIT_EXPECT_EQ(test, where(0, 0), 2);
	KUNIT_EXPECT_EQ(test, events[ROAM_MMP_REASON_HEALED], 2);
	KUNIT_EXPECT_EQ(test, interruptible, 0);
}

static void test_full(struct kunit *test)
{
	mn->config.max_hosts = 2;
	KUNIT_ASSERT_EQ(test, set(0, 0, -1, 1), 0);
	heal(1, 1);
	KUNIT_EXPECT_EQ(test, where(1, 0), 1);
	KUNIT_EXPECT_EQ(test, set(2, 0, -1, 1), -ENOSPC);
	heal(3, 1);
	KUNIT_EXPECT_EQ(test, where(3, 0), -2);
	/* What is there goes on. */
	KUNIT_EXPECT_EQ(test, set(0, 2, -1, 2), 0);
	KUNIT_EXPECT_EQ(test, where(0, 0), 2);
}

/* ---- copies for a host with one receiver ---- */

#define PACKETS 20
#define ROOM 16

static u32 played[8 * PACKETS], n_played;
/* A packet comes for each that is sent, up to this number. */
static u32 endless;

static struct sk_buff *packet(u32 number)
{
	struct sk_buff *skb = alloc_skb(128, GFP_ATOMIC);

	if (!skb)
		return NULL;
	skb->protocol = htons(ETH_P_IP);
	skb_put_data(skb, &number, sizeof(number));
	return skb;
}

/* As the hook has it: true if it waits. */
static bool goes_down(unsigned int host, u32 number)
{
	const struct in6_addr addr = host_addr(host);
	struct sk_buff *skb = packet(number);
	bool waits;

	if (!skb)
		return false;
	rcu_read_lock();
	waits = mmp_keep_packet(mn, &addr, skb);
	rcu_read_unlock();
	if (!waits)
		consume_skb(skb);
	return waits;
}

static int play_input(struct sk_buff *skb)
{
	u32 number = *(u32 *)skb->data;

	if (n_played < ARRAY_SIZE(played))
		played[n_played++] = number;
	consume_skb(skb);
	if (number < endless)
		goes_down(0, number + ROOM);
	/* One more comes before the others are through. */
	if (number == PACKETS - 2 && !goes_down(0, PACKETS))
		n_played = 0;
	return 0;
}

static int set_kept(unsigned int host, int hop, u64 seq, u32 play)
{
	struct mmp_host_request req = {
		.addr = host_addr(host), .seq = seq, .keep = true,
		.play = play, .hop[0] = &hops[hop],
	};
	int err;

	hops[hop].refs++;
	mutex_lock(&mn->mutex);
	err = mmp_host_set(mn, &req, NULL);
	mutex_unlock(&mn->mutex);
	return err;
}

static void test_keep(struct kunit *test)
{
	struct rtable *rt = rt_dst_alloc(init_net.loopback_dev, 0, RTN_UNICAST,
					 false);
	struct sk_buff *skb = packet(0);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, rt);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	rt->dst.input = play_input;
	RCU_INIT_POINTER(hops[1].rt, rt);
	mn->config.keep_bytes = ROOM * skb->truesize;
	mn->config.left_time = 0;
	consume_skb(skb);
	n_played = 0;
	/* Nobody wants it yet. */
	KUNIT_EXPECT_FALSE(test, goes_down(0, 0));
	KUNIT_EXPECT_EQ(test, atomic_read(&mn->keep_bytes), 0);
	KUNIT_ASSERT_EQ(test, set_kept(0, 0, 1, 0), 0);
	KUNIT_ASSERT_EQ(test, mn->n_keeps, 1);
	for (i = 0; i < PACKETS; i++)
		KUNIT_EXPECT_FALSE(test, goes_down(0, i));
	KUNIT_EXPECT_EQ(test, atomic_read(&mn->keep_bytes),
			mn->config.keep_bytes);
	/* The same downlink: the host is where it was. */
	KUNIT_ASSERT_EQ(test, set_kept(0, 0, 2, 100 * HZ), 0);
	KUNIT_EXPECT_EQ(test, n_played, 0);
	/* The newest ones that fit, in order, and what came meanwhile behind them. */
	KUNIT_ASSERT_EQ(test, set_kept(0, 1, 3, 100 * HZ), 0);
	KUNIT_ASSERT_EQ(test, n_played, ROOM + 1);
	for (i = 0; i <= ROOM; i++)
		KUNIT_EXPECT_EQ(test, played[i], PACKETS - ROOM + i);
	KUNIT_EXPECT_EQ(test, atomic_read(&mn->keep_bytes), 0);
	/* Once: what was played is kept no more. */
	KUNIT_ASSERT_EQ(test, set_kept(0, 0, 4, 100 * HZ), 0);
	KUNIT_ASSERT_EQ(test, set_kept(0, 1, 5, 100 * HZ), 0);
	KUNIT_EXPECT_EQ(test, n_played, ROOM + 1);
	/* Data was there before the message. */
	KUNIT_EXPECT_FALSE(test, goes_down(0, PACKETS - 1));
	KUNIT_ASSERT_EQ(test, set_kept(0, 0, 6, 0), 0);
	heal(0, 1);
	KUNIT_ASSERT_EQ(test, where(0, 0), 1);
	KUNIT_ASSERT_EQ(test, set_kept(0, 1, 7, 100 * HZ), 0);
	KUNIT_EXPECT_EQ(test, n_played, ROOM + 2);
	/* It goes with the entry, or when nobody wants it any more. */
	KUNIT_EXPECT_FALSE(test, goes_down(0, 0));
	KUNIT_EXPECT_NE(test, atomic_read(&mn->keep_bytes), 0);
	KUNIT_ASSERT_EQ(test, set(0, 0, -1, 8), 0);
	KUNIT_EXPECT_EQ(test, mn->n_keeps, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&mn->keep_bytes), 0);
	KUNIT_ASSERT_EQ(test, set_kept(0, 0, 9, 0), 0);
	KUNIT_EXPECT_FALSE(test, goes_down(0, 0));
	mutex_lock(&mn->mutex);
	KUNIT_EXPECT_EQ(test, mmp_host_flush(mn), 1);
	mutex_unlock(&mn->mutex);
	KUNIT_EXPECT_EQ(test, mn->n_keeps, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&mn->keep_bytes), 0);
	RCU_INIT_POINTER(hops[1].rt, NULL);
	dst_release(&rt->dst);
}

/* Packets come as fast as they are sent: there is an end, and the order is kept. */
static void test_keep_ends(struct kunit *test)
{
	struct rtable *rt = rt_dst_alloc(init_net.loopback_dev, 0, RTN_UNICAST,
					 false);
	const struct in6_addr addr = host_addr(0);
	struct sk_buff *skb = packet(0);
	struct mmp_keep *keep;
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, rt);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	rt->dst.input = play_input;
	RCU_INIT_POINTER(hops[1].rt, rt);
	mn->config.keep_bytes = ROOM * skb->truesize;
	consume_skb(skb);
	n_played = 0;
	KUNIT_ASSERT_EQ(test, set_kept(0, 0, 1, 0), 0);
	for (i = 0; i < ROOM; i++)
		KUNIT_EXPECT_FALSE(test, goes_down(0, PACKETS + i));
	endless = 100 * PACKETS;
	KUNIT_ASSERT_EQ(test, set_kept(0, 1, 2, 100 * HZ), 0);
	endless = 0;
	KUNIT_EXPECT_GE(test, n_played, 2 * ROOM);
	KUNIT_ASSERT_LE(test, n_played, 3 * ROOM);
	for (i = 0; i < n_played; i++)
		KUNIT_EXPECT_EQ(test, played[i], PACKETS + i);
	rcu_read_lock();
	keep = mmp_keep_find(mn, &addr);
	KUNIT_EXPECT_TRUE(test, keep && !keep->plays);
	rcu_read_unlock();
	/* Nothing waits any more. */
	KUNIT_EXPECT_FALSE(test, goes_down(0, 0));
	mutex_lock(&mn->mutex);
	KUNIT_EXPECT_EQ(test, mmp_host_flush(mn), 1);
	mutex_unlock(&mn->mutex);
	KUNIT_EXPECT_EQ(test, atomic_read(&mn->keep_bytes), 0);
	RCU_INIT_POINTER(hops[1].rt, NULL);
	dst_release(&rt->dst);
}

static void test_keep_time(struct kunit *test)
{
	mn->config.keep_time = HZ / 10;
	KUNIT_ASSERT_EQ(test, set_kept(0, 0, 1, 0), 0);
	KUNIT_EXPECT_FALSE(test, goes_down(0, 0));
	KUNIT_EXPECT_NE(test, mmp_keep_sweep(&mn->keep_sweep),
			MAX_SCHEDULE_TIMEOUT);
	msleep(250);
	KUNIT_EXPECT_EQ(test, mmp_keep_sweep(&mn->keep_sweep),
			MAX_SCHEDULE_TIMEOUT);
	KUNIT_EXPECT_EQ(test, atomic_read(&mn->keep_bytes), 0);
}

static void test_size(struct kunit *test)
{
	/* With its share of the table, a pointer for each bucket at three quarters. */
	KUNIT_EXPECT_LE(test, kmem_cache_size(mmp_host_cache) +
			      2 * sizeof(void *), 128);
}

static struct kunit_case mmp_cases[] = {
	{ .name = "MMP-25 MMP-38 MMP-59: random requests and data, compared with a model",
	  .run_case = test_mmp_random },
	{ .name = "MMP-43 TEN-14 TEN-15: two downlinks", .run_case = test_second },
	{ .name = "MMP-30 MMP-32: what is used stays, what is not ends",
	  .run_case = test_ends },
	{ .name = "MMP-30 MMP-32: what is used while its end is looked at stays",
	  .run_case = test_used_meanwhile },
	{ .name = "MMP-43 MMP-32: a second downlink that takes the place of the first is told",
	  .run_case = test_second_takes_over },
	{ .name = "MMP-59: data heals in the context of a program, too",
	  .run_case = test_heals_in_program },
	{ .name = "OPEN-32: a full table refuses the next and keeps the others",
	  .run_case = test_full },
	{ .name = "OPEN-25 OPEN-32: copies for one receiver: in order, once, the newest that fit, gone with the entry",
	  .run_case = test_keep },
	{ .name = "SEC-44: packets that come as fast as kept ones are sent do not have them sent for ever",
	  .run_case = test_keep_ends },
	{ .name = "OPEN-25: no copy is kept longer than it may be",
	  .run_case = test_keep_time },
	{ .name = "MMP-25: an entry has at most 128 bytes", .run_case = test_size },
	{}
};

static struct kunit_suite mmp_suite = {
	.name = "roam_mmp",
	.suite_init = mmp_suite_init,
	.suite_exit = mmp_suite_exit,
	.init = mmp_init,
	.exit = mmp_exit,
	.test_cases = mmp_cases,
};

kunit_test_suite(mmp_suite);

MODULE_DESCRIPTION("roam: tests of the entries of an access network");
MODULE_LICENSE("GPL");
