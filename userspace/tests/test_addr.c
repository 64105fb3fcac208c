// SPDX-License-Identifier: GPL-2.0-or-later
#include "core_test.h"

#include <arpa/inet.h>

#include "base/deadline.h"
#include "base/pool.h"
#include "base/table.h"

static void both_families_print_as_read(void **state)
{
	static const char *const texts[] = {
		"192.0.2.1", "255.255.255.254", "2001:db8::1", "::", "fe80::1",
		"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
	};
	char buf[ROAM_ADDR_STRLEN];
	struct roam_addr a;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_true(roam_addr_parse(texts[i], &a));
		assert_string_equal(roam_addr_format(&a, buf), texts[i]);
	}
	assert_true(roam_addr_parse("::ffff:192.0.2.1", &a));
	assert_string_equal(roam_addr_format(&a, buf), "192.0.2.1");
}

static void nonsense_is_no_address(void **state)
{
	static const char *const texts[] = {
		"", "192.0.2", "192.0.2.256", "192.0.2.1/24", "host", ":::",
		"192.0.2.1 ", "2001:db8::1%eth0",
	};
	struct roam_addr a, before;
	size_t i;

	(void)state;
	memset(&a, 0xa5, sizeof(a));
	before = a;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(roam_addr_parse(texts[i], &a));
	assert_memory_equal(&a, &before, sizeof(a));
}

static void only_unicast_is_usable(void **state)
{
	static const char *const good[] = {
		"192.0.2.1", "10.0.0.1", "223.255.255.255", "2001:db8::1",
		"fd00::1",
	};
	static const char *const bad[] = {
		"0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1",
		"239.255.255.255", "255.255.255.255", "::", "::1",
		"::192.0.2.1", "ff02::1",
	};
	struct roam_addr a;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		a = addr(good[i]);
		assert_true(roam_addr_is_usable(&a));
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		a = addr(bad[i]);
		assert_false(roam_addr_is_usable(&a));
	}
}

static void socket_addresses_go_both_ways(void **state)
{
	static const char *const texts[] = { "192.0.2.9", "2001:db8::9" };
	static const sa_family_t families[] = { AF_INET, AF_INET6 };
	struct sockaddr_storage ss;
	struct roam_addr a, back;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		a = addr(texts[i]);
		assert_int_equal(roam_addr_is_v4(&a), i == 0);
		assert_int_equal(roam_addr_to_sockaddr(&a, 17434, &ss),
				 i ? sizeof(struct sockaddr_in6) :
				     sizeof(struct sockaddr_in));
		assert_int_equal(ss.ss_family, families[i]);
		assert_int_equal(((struct sockaddr_in *)&ss)->sin_port,
				 htons(17434));
		back = roam_addr_from_sockaddr((struct sockaddr *)&ss);
		assert_true(roam_addr_eq(&a, &back));
	}
	ss.ss_family = AF_UNIX;
	back = roam_addr_from_sockaddr((struct sockaddr *)&ss);
	assert_true(roam_addr_is_none(&back));
}

static void prefixes_contain_their_addresses(void **state)
{
	struct roam_prefix p = prefix("198.51.100.0/22");
	struct roam_addr a = addr("198.51.103.255");
	char buf[ROAM_PREFIX_STRLEN];

	(void)state;
	assert_int_equal(p.len, 118);
	assert_true(roam_prefix_contains(&p, &a));
	a = addr("198.51.104.0");
	assert_false(roam_prefix_contains(&p, &a));
	a = addr("2001:db8::1");
	assert_false(roam_prefix_contains(&p, &a));
	assert_string_equal(roam_prefix_format(&p, buf), "198.51.100.0/22");

	p = prefix("0.0.0.0/0");
	assert_false(roam_prefix_contains(&p, &a));
	p = prefix("::/0");
	assert_true(roam_prefix_contains(&p, &a));
	p = prefix("2001:db8::/33");
	assert_true(roam_prefix_contains(&p, &a));
	assert_string_equal(roam_prefix_format(&p, buf), "2001:db8::/33");
	p = prefix("192.0.2.1");
	assert_int_equal(p.len, 128);
	assert_string_equal(roam_prefix_format(&p, buf), "192.0.2.1/32");
}

static void bad_prefixes_are_refused(void **state)
{
	static const char *const texts[] = {
		"192.0.2.1/24", "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/-1",
		"192.0.2.0/024", "192.0.2.0/24x", "2001:db8::/129", "/24", "",
		"2001:db8::1/64",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb/64",
	};
	struct roam_prefix p;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(roam_prefix_parse(texts[i], &p));
}

struct item {
	uint32_t key;
	struct table_node node;
	struct deadline deadline;
	msec_t when;
	bool in;
};

static struct item *item_of(struct table_node *node)
{
	return container_of(node, struct item, node);
}

static void fill_and_empty(struct table *table, struct item *items)
{
	struct table_iter iter = { 0 };
	struct table_node *node;
	size_t i, count = 0, seen = 0;
	uint32_t key;

	for (i = 0; i < 30000; i++) {
		key = (uint32_t)rand() % 3000;
		table_expect(table, &key, true);
		table_expect(table, &key, false);
		node = table_find(table, &key);
		assert_int_equal(node != NULL, items[key].in);
		if (node) {
			assert_ptr_equal(item_of(node), &items[key]);
			table_remove(table, node);
			count--;
		} else {
			items[key].key = key;
			assert_true(table_insert(table, &items[key].node));
			count++;
		}
		items[key].in = !node;
		assert_int_equal(table->count, count);
		assert_true(table->room / 2 <= table->used &&
			    table->used <= table->room);
	}
	while ((node = table_next(table, &iter))) {
		seen++;
		assert_true(item_of(node)->in);
		item_of(node)->in = false;
		table_remove(table, node);
	}
	assert_int_equal(seen, count);
	assert_int_equal(table->count, 0);
}

static void table_holds_exactly_what_it_was_given(void **state)
{
	/* More than are there at any time, less, and what is no power of two. */
	static const size_t reserved[] = { 0, 1, 16, 700, 1025, 5000 };
	static struct item items[3000];
	struct table table;
	uint32_t key = 1;

	(void)state;
	srand(1);
	for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++) {
		table_init(&table, table_key_offset(struct item, node, key),
			   sizeof(uint32_t));
		assert_null(table_find(&table, &key));
		table_expect(&table, &key, true);
		table_reserve(&table, reserved[i]);
		assert_true(table.used >= reserved[i]);
		assert_null(table_find(&table, &key));
		fill_and_empty(&table, items);
		table_fini(&table);
	}
}

static void table_with_entries_takes_no_reserve(void **state)
{
	static struct item items[100];
	struct table table;
	size_t used;

	(void)state;
	table_init(&table, table_key_offset(struct item, node, key),
		   sizeof(uint32_t));
	for (uint32_t i = 0; i < 100; i++) {
		items[i].key = i;
		assert_true(table_insert(&table, &items[i].node));
	}
	used = table.used;
	table_reserve(&table, 100000);
	assert_int_equal(table.used, used);
	for (uint32_t i = 0; i < 100; i++)
		assert_ptr_equal(item_of(table_find(&table, &i)), &items[i]);
	table_fini(&table);
}

static void deadlines_come_in_order(void **state)
{
	static struct item items[500];
	struct deadlines queue = { 0 };
	struct deadline *d;
	struct item *item;
	msec_t now = 0, earliest;
	size_t i, j, n;

	(void)state;
	srand(2);
	assert_true(deadlines_reserve(&queue, 500));
	for (i = 0; i < 500; i++)
		items[i].when = MSEC_NEVER;
	for (i = 0; i < 5000; i++) {
		item = &items[rand() % 500];
		item->when = rand() % 5 ? now + rand() % 1000 : MSEC_NEVER;
		deadline_set(&queue, &item->deadline, item->when);
		now += rand() % 3;
		while ((d = deadlines_pop(&queue, now))) {
			item = container_of(d, struct item, deadline);
			assert_true(item->when <= now);
			item->when = MSEC_NEVER;
		}
		if (i % 50)
			continue;
		earliest = MSEC_NEVER;
		for (n = 0, j = 0; j < 500; j++) {
			n += items[j].when != MSEC_NEVER;
			if (items[j].when < earliest)
				earliest = items[j].when;
		}
		assert_int_equal(deadlines_next(&queue), earliest);
		assert_int_equal(queue.n, n);
	}
	deadlines_fini(&queue);
}

static void pool_gives_distinct_zeroed_objects(void **state)
{
	static uint64_t *objects[250000];	/* chunks of both sizes */
	struct pool pool;
	size_t i;

	(void)state;
	pool_init(&pool, 24);
	for (i = 0; i < 250000; i++) {
		objects[i] = pool_alloc(&pool);
		assert_int_equal(objects[i][0] | objects[i][1] | objects[i][2],
				 0);
		memset(objects[i], (int)i, 24);
	}
	for (i = 0; i < 250000; i++)
		assert_int_equal(((uint8_t *)objects[i])[23], i & 0xff);
	pool_free(&pool, objects[77]);
	assert_ptr_equal(pool_alloc(&pool), objects[77]);
	assert_int_equal(objects[77][1], 0);
	pool_fini(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ .name = "OPEN-01: addresses of both families print as they are read",
		  .test_func = both_families_print_as_read },
		{ .name = "addr: nonsense is refused and changes nothing",
		  .test_func = nonsense_is_no_address },
		{ .name = "addr: only unicast addresses are usable",
		  .test_func = only_unicast_is_usable },
		{ .name = "OPEN-01: socket addresses of both families",
		  .test_func = socket_addresses_go_both_ways },
		{ .name = "MLR-16: a prefix contains its addresses and no other",
		  .test_func = prefixes_contain_their_addresses },
		{ .name = "MLR-16: a bad prefix is refused",
		  .test_func = bad_prefixes_are_refused },
		{ .name = "OPEN-32: a table grows bucket by bucket and loses nothing",
		  .test_func = table_holds_exactly_what_it_was_given },
		{ .name = "OPEN-32: a table that has entries grows by itself alone",
		  .test_func = table_with_entries_takes_no_reserve },
		{ .name = "deadline: they come in order, moved and cleared ones too",
		  .test_func = deadlines_come_in_order },
		{ .name = "OPEN-32: a pool gives distinct objects and reuses them",
		  .test_func = pool_gives_distinct_zeroed_objects },
	};

	return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
