// SPDX-License-Identifier: GPL-2.0-only
/*
 * The contract of table.h: random requests, each compared with a model that
 * says what must come of it, and single rules one by one.
 */
#include <kunit/test.h>
#include <linux/module.h>

/* Included: table.c is part of the module, and does not export anything. */
#include "../mangle/table.c"
#include "../mangle/socket.c"

/* Few, so that random requests meet. */
#define PERMS 12
#define COAS 8
#define ROUNDS 8000

/* ---- a namespace ---- */

static unsigned int events;
static unsigned int resumes;

static void table_event(struct mangle_table *table,
			const struct mangle_mapping *mapping, u8 reason)
{
	events += reason == ROAM_MANGLE_REASON_EXPIRED;
}

static void table_moved(struct mangle_table *table)
{
	resumes++;
}

static const struct mangle_table_ops table_ops = {
	.event = table_event,
	.moved = table_moved,
};

/**
 * struct fixture - a table, and what it is made with
 * @table: the table
 * @config: its settings
 * @sweep: is asked to look again, and would take far longer than a test
 * @up: the table is made
 */
struct fixture {
	struct mangle_table table;
	struct mangle_config config;
	struct roam_sweep sweep;
	bool up;
};

static unsigned long no_sweep(struct roam_sweep *sweep)
{
	return MAX_SCHEDULE_TIMEOUT;
}

static struct mangle_config *config_of(struct kunit *test)
{
	return &((struct fixture *)test->priv)->config;
}

/* In how many jiffies the sweeper looks again. */
static unsigned long sweep_asked(struct kunit *test)
{
	struct fixture *f = test->priv;

	if (!delayed_work_pending(&f->sweep.work))
		return MAX_SCHEDULE_TIMEOUT;
	return f->sweep.work.timer.expires - jiffies;
}

/* @delay it was, not long ago. */
static void expect_asked(struct kunit *test, unsigned long delay)
{
	KUNIT_EXPECT_LE(test, sweep_asked(test), delay);
	KUNIT_EXPECT_GE(test, sweep_asked(test), delay - 60 * HZ);
}

static int table_suite_init(struct kunit_suite *suite)
{
	return mangle_table_caches_init();
}

static void table_suite_exit(struct kunit_suite *suite)
{
	mangle_table_caches_exit();
}

static int table_init(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	int err;

	if (!f)
		return -ENOMEM;
	test->priv = f;
	/* So long that it ends only where a test says so. */
	f->config.grace = 1000 * HZ;
	f->config.max_mappings = PERMS;
	roam_sweep_init(&f->sweep, no_sweep);
	err = mangle_table_init(&f->table, &init_net, &f->config, &f->sweep,
				&table_ops);
	if (err)
		return err;
	f->up = true;
	events = 0;
	resumes = 0;
	return 0;
}

/* The mappings of a failed test are freed here as well. */
static void table_exit(struct kunit *test)
{
	struct fixture *f = test->priv;

	if (!f || !f->up)
		return;
	roam_sweep_exit(&f->sweep);
	mangle_table_exit(&f->table);
	/* Before the module goes, and before kmemleak looks. */
	rcu_barrier();
}

/* Every other one is IPv6: one table serves both (OPEN-01). */
static struct in6_addr address(u32 v6, u32 v4, unsigned int i)
{
	struct in6_addr addr = { .s6_addr32 = { htonl(v6), 0, 0, htonl(i) } };

	return i % 2 ? addr : roam_addr4(htonl(v4 + i));
}

static struct in6_addr perm(unsigned int i)
{
	return address(0x20010db8, 0x0a000000, i);
}

static struct in6_addr coa(unsigned int i)
{
	return address(0x20010db9, 0xc0000200, i);
}

/* Which one it is. */
static unsigned int number(const struct in6_addr *addr, u32 v4)
{
	return ntohl(addr->s6_addr32[3]) - (roam_addr_is4(addr) ? v4 : 0);
}

static struct mangle_mapping_request request(unsigned int p, int c, u64 seq)
{
	struct mangle_mapping_request req = {
		.perm = perm(p),
		.valid = c >= 0,
		.role = ROAM_MANGLE_ROLE_REMOTE,
		.seq = seq,
	};

	if (req.valid)
		req.coa = coa(c);
	return req;
}

static struct mangle_mapping *find(struct mangle_table *table, unsigned int p)
{
	const struct in6_addr key = perm(p);

	return mangle_mapping_find(table, &key);
}

static int set_request(struct mangle_table *table,
		       const struct mangle_mapping_request *req, u8 *reason)
{
	struct netlink_ext_ack extack = {};
	struct mangle_mapping *mapping;

	mutex_lock(&table->lock);
	mapping = mangle_mapping_set(table, req, reason, &extack);
	mutex_unlock(&table->lock);
	if (!IS_ERR(mapping))
		return 0;
	/* Whoever is refused is told why. */
	return extack._msg ? PTR_ERR(mapping) : -EINVAL;
}

static int set(struct mangle_table *table, unsigned int p, int c, u64 seq)
{
	const struct mangle_mapping_request req = request(p, c, seq);
	u8 reason;

	return set_request(table, &req, &reason);
}

static void remove(struct mangle_table *table, unsigned int p)
{
	struct mangle_mapping *mapping;

	mutex_lock(&table->lock);
	rcu_read_lock();
	mapping = find(table, p);
	rcu_read_unlock();
	if (mapping)
		mangle_mapping_remove(table, mapping);
	mutex_unlock(&table->lock);
}

/* Lets the @n oldest times of grace end now. */
static void end_grace(struct mangle_table *table, unsigned int n)
{
	struct mangle_grace *grace;

	mutex_lock(&table->lock);
	list_for_each_entry(grace, &table->graces, list)
		if (n && n--)
			grace->until = jiffies;
	mutex_unlock(&table->lock);
}

/* Whose address this is on the wire: its index, or -1. */
static int owner(struct mangle_table *table, unsigned int c)
{
	const struct in6_addr key = coa(c);
	struct mangle_endpoint *endpoint;
	int p = -1;

	rcu_read_lock();
	endpoint = mangle_endpoint_find(table, &key);
	if (endpoint)
		p = number(&endpoint->mapping->perm, 0x0a000000);
	rcu_read_unlock();
	return p;
}

/* Where this host is: the index of its address, -1 for null, -2 for unknown. */
static int where(struct mangle_table *table, unsigned int p)
{
	struct mangle_endpoint *endpoint;
	struct mangle_mapping *mapping;
	int c = -2;

	rcu_read_lock();
	mapping = find(table, p);
	if (mapping) {
		endpoint = rcu_dereference(mapping->endpoint);
		c = endpoint ? number(&endpoint->coa, 0xc0000200) : -1;
	}
	rcu_read_unlock();
	return c;
}

/* ---- the model ---- */

/**
 * struct model - what the table must hold
 * @at: as where() has it
 * @seq: of the mapping
 * @own: it has role own
 * @whose: as owner() has it
 * @present: whose[] is there now, not in grace
 * @left: addresses in grace, oldest first
 * @n_left: their number
 */
struct model {
	int at[PERMS];
	u64 seq[PERMS];
	bool own[PERMS];
	int whose[COAS];
	bool present[COAS];
	int left[COAS];
	unsigned int n_left;
};

static void model_init(struct model *m)
{
	unsigned int i;

	memset(m, 0, sizeof(*m));
	for (i = 0; i < PERMS; i++)
		m->at[i] = -2;
	for (i = 0; i < COAS; i++)
		m->whose[i] = -1;
}

static unsigned int model_mappings(const struct model *m)
{
	unsigned int i, n = 0;

	for (i = 0; i < PERMS; i++)
		n += m->at[i] != -2;
	return n;
}

static void model_unleave(struct model *m, int c)
{
	unsigned int i, kept = 0;

	for (i = 0; i < m->n_left; i++)
		if (m->left[i] != c)
			m->left[kept++] = m->left[i];
	m->n_left = kept;
}

static void model_end_grace(struct model *m, unsigned int n)
{
	while (n-- && m->n_left) {
		m->whose[m->left[0]] = -1;
		model_unleave(m, m->left[0]);
	}
}

static int model_set(struct model *m, unsigned int max,
		     const struct mangle_mapping_request *req)
{
	int c = req->valid ? (int)number(&req->coa, 0xc0000200) : -1;
	int p = number(&req->perm, 0x0a000000);

	if (m->at[p] == -2) {
		if (req->existing)
			return -ENOENT;
		if (model_mappings(m) >= max)
			return -ENOSPC;
	} else {
		if (req->exclusive)
			return -EEXIST;
		if (m->own[p] != req->role)
			return -EBUSY;
		if (req->seq < m->seq[p])
			return -ESTALE;
	}
	if (c >= 0 && m->present[c] && m->whose[c] != p)
		return -EADDRINUSE;

	if (m->at[p] >= 0 && m->at[p] != c) {
		m->present[m->at[p]] = false;
		m->left[m->n_left++] = m->at[p];
	}
	if (c >= 0) {
		model_unleave(m, c);
		m->whose[c] = p;
		m->present[c] = true;
	}
	m->at[p] = c;
	m->seq[p] = req->seq;
	m->own[p] = req->role;
	return 0;
}

static void model_remove(struct model *m, unsigned int p)
{
	unsigned int c;

	for (c = 0; c < COAS; c++)
		if (m->whose[c] == p) {
			model_unleave(m, c);
			m->whose[c] = -1;
			m->present[c] = false;
		}
	m->at[p] = -2;
}

static void compare(struct kunit *test, const struct model *m,
		    unsigned int round)
{
	struct mangle_table *table = test->priv;
	unsigned int i, own = 0;

	for (i = 0; i < PERMS; i++) {
		KUNIT_ASSERT_EQ_MSG(test, where(table, i), m->at[i],
				    "host %u, round %u", i, round);
		own += m->at[i] != -2 && m->own[i];
	}
	for (i = 0; i < COAS; i++)
		KUNIT_ASSERT_EQ_MSG(test, owner(table, i), m->whose[i],
				    "address %u, round %u", i, round);
	KUNIT_ASSERT_EQ(test, mangle_mappings(table), model_mappings(m));
	KUNIT_ASSERT_EQ(test, atomic_read(&table->by_perm.nelems),
			model_mappings(m));
	KUNIT_ASSERT_EQ(test, table->mappings[ROAM_MANGLE_ROLE_OWN], own);
}

static u32 random_state;

static u32 random_below(u32 n)
{
	random_state = random_state * 1664525 + 1013904223;
	return ((u64)random_state * n) >> 32;
}

static void test_random(struct kunit *test)
{
	struct mangle_table *table = test->priv;
	unsigned int round, n;
	struct model m;

	random_state = 1;
	model_init(&m);
	for (round = 0; round < ROUNDS; round++) {
		struct mangle_mapping_request req;
		unsigned int p = random_below(PERMS);
		u8 reason;
		int want;

		config_of(test)->max_mappings = PERMS - random_below(2);
		switch (random_below(16)) {
		case 0:
		case 1:
			remove(table, p);
			model_remove(&m, p);
			break;
		case 2:
			n = random_below(COAS);
			end_grace(table, n);
			mangle_table_sweep(table);
			model_end_grace(&m, n);
			break;
		case 3:
			if (random_below(16))
				break;
			mutex_lock(&table->lock);
			mangle_mapping_flush(table);
			mutex_unlock(&table->lock);
			model_init(&m);
			break;
		default:
			req = request(p, (int)random_below(COAS + 2) - 2,
				      round - random_below(ROUNDS / 40));
			req.role = !random_below(4);
			req.exclusive = !random_below(8);
			req.existing = !random_below(8);
			want = model_set(&m, config_of(test)->max_mappings, &req);
			KUNIT_ASSERT_EQ_MSG(test,
					    set_request(table, &req, &reason),
					    want, "round %u", round);
		}
		compare(test, &m, round);
	}
}

/* ---- single rules ---- */

static void test_exclusive(struct kunit *test)
{
	struct mangle_table *table = test->priv;

	KUNIT_ASSERT_EQ(test, set(table, 0, 0, 1), 0);
	KUNIT_EXPECT_EQ(test, set(table, 1, 0, 1), -EADDRINUSE);
	KUNIT_EXPECT_EQ(test, where(table, 1), -2);
	KUNIT_ASSERT_EQ(test, set(table, 1, 1, 1), 0);
	KUNIT_EXPECT_EQ(test, set(table, 1, 0, 2), -EADDRINUSE);
	KUNIT_EXPECT_EQ(test, where(table, 1), 1);
}

static void test_stale(struct kunit *test)
{
	struct mangle_table *table = test->priv;

	KUNIT_ASSERT_EQ(test, set(table, 0, 0, 5), 0);
	KUNIT_EXPECT_EQ(test, set(table, 0, 1, 4), -ESTALE);
	KUNIT_EXPECT_EQ(test, where(table, 0), 0);
	KUNIT_EXPECT_EQ(test, owner(table, 1), -1);
	/* A repeated request is none that came too late. */
	KUNIT_EXPECT_EQ(test, set(table, 0, 0, 5), 0);
}

static void test_move(struct kunit *test)
{
	struct mangle_table *table = test->priv;
	struct mangle_mapping_request req = request(0, 0, 1);
	struct mangle_mapping *before;
	u8 reason;

	KUNIT_ASSERT_EQ(test, set_request(table, &req, &reason), 0);
	KUNIT_EXPECT_EQ(test, reason, ROAM_MANGLE_REASON_NEW);
	rcu_read_lock();
	before = find(table, 0);
	rcu_read_unlock();

	KUNIT_ASSERT_EQ(test, set_request(table, &req, &reason), 0);
	KUNIT_EXPECT_EQ(test, reason, ROAM_MANGLE_REASON_REFRESHED);
	/* Connections have nothing to resume until it moves (OPEN-41). */
	KUNIT_EXPECT_EQ(test, resumes, 0);
	req = request(0, 1, 2);
	KUNIT_ASSERT_EQ(test, set_request(table, &req, &reason), 0);
	KUNIT_EXPECT_EQ(test, reason, ROAM_MANGLE_REASON_MOVED);
	KUNIT_EXPECT_EQ(test, resumes, 1);

	rcu_read_lock();
	KUNIT_EXPECT_PTR_EQ(test, find(table, 0), before);
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, where(table, 0), 1);
}

static void test_grace(struct kunit *test)
{
	struct mangle_table *table = test->priv;

	KUNIT_ASSERT_EQ(test, set(table, 0, 0, 1), 0);
	KUNIT_ASSERT_EQ(test, set(table, 0, 1, 2), 0);
	KUNIT_EXPECT_EQ(test, owner(table, 0), 0);
	KUNIT_EXPECT_EQ(test, owner(table, 1), 0);
	expect_asked(test, config_of(test)->grace);
	KUNIT_EXPECT_LE(test, mangle_table_sweep(table), config_of(test)->grace);
	KUNIT_EXPECT_EQ(test, owner(table, 0), 0);

	/* Somebody else got the address: it is his from now on. */
	KUNIT_ASSERT_EQ(test, set(table, 1, 0, 1), 0);
	KUNIT_EXPECT_EQ(test, owner(table, 0), 1);

	KUNIT_ASSERT_EQ(test, set(table, 0, 2, 3), 0);
	end_grace(table, 1);
	KUNIT_EXPECT_EQ(test, mangle_table_sweep(table), MAX_SCHEDULE_TIMEOUT);
	KUNIT_EXPECT_EQ(test, owner(table, 1), -1);
	KUNIT_EXPECT_EQ(test, owner(table, 2), 0);
}

static void test_no_grace(struct kunit *test)
{
	struct mangle_table *table = test->priv;

	config_of(test)->grace = 0;
	KUNIT_ASSERT_EQ(test, set(table, 0, 0, 1), 0);
	KUNIT_ASSERT_EQ(test, set(table, 0, 1, 2), 0);
	KUNIT_EXPECT_EQ(test, owner(table, 0), -1);
	KUNIT_EXPECT_EQ(test, owner(table, 1), 0);
}

static void test_null(struct kunit *test)
{
	struct mangle_table *table = test->priv;

	KUNIT_ASSERT_EQ(test, set(table, 0, -1, 1), 0);
	KUNIT_EXPECT_EQ(test, where(table, 0), -1);
	KUNIT_ASSERT_EQ(test, set(table, 0, 0, 2), 0);
	KUNIT_ASSERT_EQ(test, set(table, 0, -1, 3), 0);
	KUNIT_EXPECT_EQ(test, where(table, 0), -1);
	KUNIT_EXPECT_EQ(test, owner(table, 0), 0);
}

/* What netlink shows of a mapping, and that it shows no removed one. */
static void test_view(struct kunit *test)
{
	struct mangle_table *table = test->priv;
	struct mangle_mapping_request req = request(0, 3, 77);
	struct mangle_mapping_view view = {};
	struct mangle_mapping *mapping;
	u8 reason;

	req.lifetime = 100 * HZ;
	KUNIT_ASSERT_EQ(test, set_request(table, &req, &reason), 0);
	rcu_read_lock();
	mapping = find(table, 0);
	KUNIT_EXPECT_TRUE(test, mangle_mapping_view(mapping, &view));
	KUNIT_EXPECT_EQ(test, view.seq, 77);
	KUNIT_EXPECT_EQ(test, number(&view.endpoint->coa, 0xc0000200), 3);
	KUNIT_EXPECT_GT(test, view.left, 0);
	KUNIT_EXPECT_LE(test, view.left, req.lifetime);
	/* As it is for a reader that still holds it. */
	WRITE_ONCE(mapping->dead, true);
	KUNIT_EXPECT_FALSE(test, mangle_mapping_view(mapping, &view));
	WRITE_ONCE(mapping->dead, false);
	rcu_read_unlock();
}

static void test_lifetime(struct kunit *test)
{
	struct mangle_table *table = test->priv;
	struct mangle_mapping_request req = request(0, 0, 1);
	struct mangle_mapping *mapping;
	u8 reason;

	req.lifetime = 100 * HZ;
	KUNIT_ASSERT_EQ(test, set_request(table, &req, &reason), 0);
	KUNIT_ASSERT_EQ(test, set(table, 1, 1, 1), 0);
	expect_asked(test, req.lifetime);
	KUNIT_EXPECT_LE(test, mangle_table_sweep(table), req.lifetime);
	KUNIT_EXPECT_EQ(test, where(table, 0), 0);

	mutex_lock(&table->lock);
	rcu_read_lock();
	mapping = find(table, 0);
	mapping->expires = (u32)jiffies;
	roam_ends_add(&table->ends, &mapping->ending->end, (u32)jiffies,
		      mapping->expires);
	rcu_read_unlock();
	mutex_unlock(&table->lock);
	KUNIT_EXPECT_EQ(test, mangle_table_sweep(table), MAX_SCHEDULE_TIMEOUT);
	KUNIT_EXPECT_EQ(test, events, 1);
	KUNIT_EXPECT_EQ(test, where(table, 0), -2);
	KUNIT_EXPECT_EQ(test, owner(table, 0), -1);
	KUNIT_EXPECT_EQ(test, where(table, 1), 1);
}

static void test_removal(struct kunit *test)
{
	struct mangle_table *table = test->priv;

	KUNIT_ASSERT_EQ(test, set(table, 0, 0, 1), 0);
	KUNIT_ASSERT_EQ(test, set(table, 0, 1, 2), 0);
	KUNIT_ASSERT_EQ(test, set(table, 1, 2, 1), 0);
	remove(table, 0);
	KUNIT_EXPECT_EQ(test, owner(table, 0), -1);
	KUNIT_EXPECT_EQ(test, owner(table, 1), -1);
	KUNIT_EXPECT_EQ(test, owner(table, 2), 1);
	KUNIT_EXPECT_TRUE(test, list_empty(&table->graces));
}

static void test_flush(struct kunit *test)
{
	struct mangle_table *table = test->priv;
	unsigned int p;

	config_of(test)->max_mappings = 1000;
	for (p = 0; p < 1000; p++)
		KUNIT_ASSERT_EQ(test, set(table, p, p, 1), 0);
	KUNIT_EXPECT_EQ(test, set(table, p, p, 1), -ENOSPC);
	for (p = 0; p < 1000; p += 2)
		KUNIT_ASSERT_EQ(test, set(table, p, 1000 + p, 2), 0);
	mutex_lock(&table->lock);
	mangle_mapping_flush(table);
	mutex_unlock(&table->lock);
	KUNIT_EXPECT_EQ(test, mangle_mappings(table), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&table->by_perm.nelems), 0);
	KUNIT_EXPECT_EQ(test, atomic_read(&table->by_coa.nelems), 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&table->graces));
}

/* Whoever moves on and on leaves no more behind than a few addresses. */
static void test_many_moves(struct kunit *test)
{
	struct mangle_table *table = test->priv;
	struct mangle_grace *grace;
	unsigned int i, n = 0;

	for (i = 0; i < 100; i++)
		KUNIT_ASSERT_EQ(test, set(table, 0, i, i), 0);
	list_for_each_entry(grace, &table->graces, list)
		n++;
	KUNIT_EXPECT_EQ(test, n, 8);
	KUNIT_EXPECT_EQ(test, owner(table, 99), 0);
	KUNIT_EXPECT_EQ(test, owner(table, 91), 0);
	KUNIT_EXPECT_EQ(test, owner(table, 90), -1);
	KUNIT_EXPECT_EQ(test, atomic_read(&table->by_coa.nelems), 9);
}

static unsigned int graces(struct mangle_table *table)
{
	struct mangle_grace *grace;
	unsigned int n = 0;

	mutex_lock(&table->lock);
	list_for_each_entry(grace, &table->graces, list)
		n++;
	mutex_unlock(&table->lock);
	return n;
}

/*
 * Many come, go and take over what others have just left, while graces end and are cut
 * short: the table has no address that nobody has or has just left.
 */
static void test_churn(struct kunit *test)
{
	const unsigned int hosts = 200, addresses = 1000, rounds = 5000;
	struct mangle_table *table = test->priv;
	unsigned int round, moves = 0, taken = 0, left;
	int err;

	random_state = 2;
	config_of(test)->max_mappings = hosts;
	for (round = 1; round <= rounds; round++) {
		unsigned int p = random_below(hosts);

		if (!random_below(20)) {
			remove(table, p);
			continue;
		}
		err = set(table, p, (int)random_below(addresses), round);
		moves += !err;
		taken += err == -EADDRINUSE;
		KUNIT_ASSERT_TRUE(test, !err || err == -EADDRINUSE);
		if (!random_below(100)) {
			end_grace(table, random_below(50));
			mangle_table_sweep(table);
		}
		if (round % 500)
			continue;
		left = graces(table);
		KUNIT_ASSERT_LE(test, left, 8 * mangle_mappings(table));
		KUNIT_ASSERT_EQ(test, atomic_read(&table->by_coa.nelems),
				mangle_mappings(table) + left);
	}
	/* It was as wild as it was meant to be. */
	KUNIT_EXPECT_GT(test, moves, rounds / 2);
	KUNIT_EXPECT_GT(test, taken, rounds / 20);
	end_grace(table, UINT_MAX);
	while (mangle_table_sweep(table) != MAX_SCHEDULE_TIMEOUT)
		;
	KUNIT_EXPECT_TRUE(test, list_empty(&table->graces));
	KUNIT_EXPECT_EQ(test, atomic_read(&table->by_coa.nelems), mangle_mappings(table));
}

/* A second of walking is paid by sixteen of rest, by all namespaces of users together. */
static void test_walks(struct kunit *test)
{
	struct user_namespace *user = kunit_kzalloc(test, sizeof(*user), GFP_KERNEL);
	struct net *net = kunit_kzalloc(test, sizeof(*net), GFP_KERNEL);
	struct net *other = kunit_kzalloc(test, sizeof(*other), GFP_KERNEL);

	KUNIT_ASSERT_TRUE(test, user && net && other);
	net->user_ns = user;
	other->user_ns = user;
	KUNIT_EXPECT_EQ(test, mangle_walk_pause(net), 0);
	/* The system's own walks are nobody's expense. */
	mangle_walk_done(&init_net, ktime_get_ns() - NSEC_PER_SEC);
	KUNIT_EXPECT_EQ(test, mangle_walk_pause(net), 0);
	mangle_walk_done(net, ktime_get_ns() - NSEC_PER_SEC);
	KUNIT_EXPECT_GT(test, mangle_walk_pause(net), 10 * HZ);
	KUNIT_EXPECT_GT(test, mangle_walk_pause(other), 10 * HZ);
	KUNIT_EXPECT_EQ(test, mangle_walk_pause(&init_net), 0);
	/* One more counts behind the pause, not within it. */
	mangle_walk_done(other, ktime_get_ns() - NSEC_PER_SEC);
	KUNIT_EXPECT_GT(test, mangle_walk_pause(net), 20 * HZ);
	WRITE_ONCE(mangle_walk_next, 0);
}

/* A shorter lifetime counts, and so does none. */
static void test_lifetime_changes(struct kunit *test)
{
	struct mangle_table *table = test->priv;
	struct mangle_mapping_request req = request(0, 0, 1);
	u8 reason;

	req.lifetime = 1000 * HZ;
	KUNIT_ASSERT_EQ(test, set_request(table, &req, &reason), 0);
	req.lifetime = 1;
	KUNIT_ASSERT_EQ(test, set_request(table, &req, &reason), 0);
	schedule_timeout_uninterruptible(3);
	KUNIT_EXPECT_EQ(test, mangle_table_sweep(table), MAX_SCHEDULE_TIMEOUT);
	KUNIT_EXPECT_EQ(test, where(table, 0), -2);

	KUNIT_ASSERT_EQ(test, set_request(table, &req, &reason), 0);
	req.lifetime = 0;
	KUNIT_ASSERT_EQ(test, set_request(table, &req, &reason), 0);
	schedule_timeout_uninterruptible(3);
	KUNIT_EXPECT_EQ(test, mangle_table_sweep(table), MAX_SCHEDULE_TIMEOUT);
	KUNIT_EXPECT_EQ(test, where(table, 0), 0);
	KUNIT_EXPECT_EQ(test, events, 1);
}

/* More than the lock is held for at once. */
static void test_many_end(struct kunit *test)
{
	struct mangle_table *table = test->priv;
	struct mangle_mapping_request req;
	unsigned int p, left;
	u8 reason;

	config_of(test)->max_mappings = 900;
	for (p = 0; p < 900; p++) {
		req = request(p, p, 1);
		req.lifetime = p % 3 ? 1000 * HZ : 1;
		KUNIT_ASSERT_EQ(test, set_request(table, &req, &reason), 0);
	}
	schedule_timeout_uninterruptible(3);
	KUNIT_EXPECT_LE(test, mangle_table_sweep(table), 1000 * HZ);
	KUNIT_EXPECT_EQ(test, events, 300);
	KUNIT_EXPECT_EQ(test, mangle_mappings(table), 600);
	for (p = left = 0; p < 900; p++)
		left += where(table, p) != -2 && p % 3;
	KUNIT_EXPECT_EQ(test, left, 600);
}

static struct kunit_case table_cases[] = {
	{ .name = "MLR-20: random requests, compared with a model",
	  .run_case = test_random },
	{ .name = "OPEN-17: a care-of address stands for one host",
	  .run_case = test_exclusive },
	{ .name = "MLR-25: an older sequence changes nothing",
	  .run_case = test_stale },
	{ .name = "MLR-25: a move swaps the endpoint of the same mapping",
	  .run_case = test_move },
	{ .name = "MLR-38: a left address is translated until grace ends",
	  .run_case = test_grace },
	{ .name = "MLR-38: without grace a left address goes at once",
	  .run_case = test_no_grace },
	{ .name = "MLR-20: a mapping is shown until it is removed",
	  .run_case = test_view },
	{ .name = "MLR-24: null mapping", .run_case = test_null },
	{ .name = "MLR-23: lifetime", .run_case = test_lifetime },
	{ .name = "MLR-23: a lifetime that changes",
	  .run_case = test_lifetime_changes },
	{ .name = "MLR-23 CORE-02: many end at once",
	  .run_case = test_many_end },
	{ .name = "MLR-38: who moves often leaves few addresses behind",
	  .run_case = test_many_moves },
	{ .name = "OPEN-32 MLR-38: churn of many leaves nothing behind but what is in grace",
	  .run_case = test_churn },
	{ .name = "SEC-17: a user's namespace has the sockets walked for a part of the time",
	  .run_case = test_walks },
	{ .name = "MLR-20: a removed mapping takes all its addresses out",
	  .run_case = test_removal },
	{ .name = "MLR-20: flush of thousands", .run_case = test_flush },
	{}
};

static struct kunit_suite table_suite = {
	.name = "roam_table",
	.suite_init = table_suite_init,
	.suite_exit = table_suite_exit,
	.init = table_init,
	.exit = table_exit,
	.test_cases = table_cases,
};

kunit_test_suite(table_suite);

MODULE_DESCRIPTION("roam: tests of mappings and endpoints");
MODULE_LICENSE("GPL");
