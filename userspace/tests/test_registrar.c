// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The registrar without MIP-LR: two servers with one key, three items, one item
 * in each request, as a Mobile IP mobile node has it.
 */
#include "core_test.h"

#include "core/registrar.h"

#define SENT_MAX 64

/**
 * struct world - the surroundings
 * @sent: requests, in order
 * @to: where each went
 * @n: their number
 * @unanswered: calls of that name
 * @wall: ns
 * @random: the next nonce
 * @r: the registrar
 */
static struct world {
	struct registrar_request sent[SENT_MAX];
	struct roam_addr to[SENT_MAX];
	size_t n;
	unsigned int unanswered;
	uint64_t wall;
	uint64_t random;
	struct registrar *r;
} w;

static void send_request(void *ctx, const struct registrar_request *request)
{
	(void)ctx;
	assert_true(w.n < SENT_MAX);
	w.sent[w.n] = *request;
	w.to[w.n++] = request->to->addr;
}

static void unanswered(void *ctx, const struct registrar_server *server,
		       size_t item, unsigned int tries, msec_t took)
{
	(void)ctx;
	(void)server;
	(void)item;
	assert_true(tries && took);
	w.unanswered++;
}

static uint64_t random_bits(void *ctx)
{
	(void)ctx;
	return ++w.random;
}

static uint64_t wallclock(void *ctx)
{
	(void)ctx;
	return w.wall;
}

static int start(void **state)
{
	static const struct registrar_ops ops = {
		send_request, unanswered, random_bits, wallclock
	};
	static const struct registrar_config config = {
		.n_items = 3, .items_max = 1, .retry = 100, .retry_max = 400,
	};
	struct registrar_server servers[2] = {
		{ addr("192.0.2.1"), 434, 7 },
		{ addr("192.0.2.2"), 434, 7 },
	};

	(void)state;
	memset(&w, 0, sizeof(w));
	w.wall = 1000;
	w.r = registrar_new(&config, &ops, NULL);
	return w.r && registrar_set_servers(w.r, 0, servers, 2) ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	registrar_free(w.r);
	return 0;
}

/* The server answers what it was sent last: the item is granted. */
static void grant(size_t sent, uint64_t version, msec_t now)
{
	const struct registrar_request *q = &w.sent[sent];
	size_t i = registrar_find(w.r, &w.to[sent], q->nonce);

	assert_true(i != REGISTRAR_NONE);
	registrar_answered(w.r, i, now);
	assert_true(registrar_asked(w.r, i, q->items[0]));
	registrar_granted(w.r, i, q->items[0], now, version, 3000);
	registrar_done(w.r, i, now, false);
}

static void one_request_at_a_time_and_ids_rise(void **state)
{
	(void)state;
	registrar_change(w.r, 0, 0, true);
	registrar_change(w.r, 0, 2, true);
	/* One item to each server; the second waits for the answer. */
	assert_int_equal(registrar_tick(w.r, 0), 100);
	assert_int_equal(w.n, 2);
	assert_int_equal(w.sent[0].n, 1);
	assert_int_equal(w.sent[0].items[0], 0);
	assert_addr(w.to[1], "192.0.2.2");
	/* The wall clock stands still, the identifications of the key do not. */
	assert_true(w.sent[1].id > w.sent[0].id);
	grant(0, 5, 50);
	assert_int_equal(w.n, 3);
	assert_int_equal(w.sent[2].items[0], 2);
	assert_true(w.sent[2].id > w.sent[1].id);
	grant(2, 6, 60);
	assert_int_equal(w.n, 3);
	assert_int_equal(registrar_get(w.r, 0, 0)->acked, 5);
	assert_int_equal(registrar_get(w.r, 0, 0)->expires, 3050);
	assert_int_equal(registrar_get(w.r, 0, 0)->due, 2050);
	assert_int_equal(registrar_get(w.r, 1, 0)->acked, 0);
}

static void copies_are_equal_and_double(void **state)
{
	static const msec_t due[] = { 100, 300, 700, 1100 };

	(void)state;
	registrar_change(w.r, 0, 1, true);
	registrar_tick(w.r, 0);
	for (size_t i = 0; i < sizeof(due) / sizeof(due[0]); i++) {
		assert_int_equal(registrar_tick(w.r, due[i] - 1), due[i]);
		registrar_tick(w.r, due[i]);
		assert_int_equal(w.n, 2 * i + 4);
		assert_true(w.sent[2 * i + 2].id == w.sent[0].id);
		assert_true(w.sent[2 * i + 2].nonce == w.sent[0].nonce);
	}
	/* Once for each server, however long it lasts. */
	assert_int_equal(w.unanswered, 2);
	/* A change supersedes what is outstanding. */
	registrar_change(w.r, 1100, 1, true);
	registrar_tick(w.r, 1100);
	assert_true(w.sent[w.n - 1].nonce != w.sent[1].nonce);
	assert_int_equal(registrar_find(w.r, &w.to[1], w.sent[1].nonce),
			 REGISTRAR_NONE);
}

static void a_replay_is_followed_once(void **state)
{
	const struct roam_addr a = addr("192.0.2.1");
	size_t i;

	(void)state;
	registrar_change(w.r, 0, 0, true);
	registrar_tick(w.r, 0);
	i = registrar_find(w.r, &a, w.sent[0].nonce);
	registrar_answered(w.r, i, 10);
	registrar_replayed(w.r, i, 0, 10, 5000);
	registrar_done(w.r, i, 10, true);
	assert_int_equal(w.n, 3);
	assert_int_equal(w.sent[2].id, 5001);
	registrar_answered(w.r, i, 20);
	registrar_replayed(w.r, i, 0, 20, 6000);
	registrar_done(w.r, i, 20, true);
	assert_int_equal(w.n, 3);
	/* The other server is at 100, then this one is asked at 120. */
	registrar_tick(w.r, 120);
	assert_int_equal(w.sent[w.n - 2].id, 6001);
}

static void other_servers_keep_what_they_know(void **state)
{
	struct registrar_server servers[2] = {
		{ addr("192.0.2.3"), 434, 9 },
		{ addr("192.0.2.1"), 434, 7 },
	};

	(void)state;
	registrar_change(w.r, 0, 0, true);
	registrar_adopt(w.r, 1, true);
	registrar_tick(w.r, 0);
	grant(0, 5, 10);
	w.n = 0;
	assert_true(registrar_set_servers(w.r, 20, servers, 2));
	registrar_tick(w.r, 20);
	/* The new one hears of all that is there, the old one of nothing. */
	assert_int_equal(w.n, 1);
	assert_addr(w.to[0], "192.0.2.3");
	grant(0, 5, 30);
	assert_int_equal(w.sent[1].items[0], 1);
	assert_int_equal(registrar_get(w.r, 1, 0)->acked, 5);
	assert_null(registrar_server(w.r, 2));
}

static const struct registrar_request *last_to(const struct roam_addr *to)
{
	size_t i = w.n;

	while (i--)
		if (roam_addr_eq(&w.to[i], to))
			return &w.sent[i];
	fail_msg("nothing was sent");
	return NULL;
}

/* What a server wants to see: with the next request about that item, and no other. */
static void a_proof_goes_with_its_item(void **state)
{
	static const uint8_t proof[REGISTRAR_PROOF_LEN] = { 1, 2, 3 };
	const struct roam_addr a = addr("192.0.2.1");
	uint64_t nonce;
	size_t i;

	(void)state;
	registrar_change(w.r, 0, 0, true);
	registrar_change(w.r, 0, 1, true);
	registrar_tick(w.r, 0);
	nonce = w.sent[0].nonce;
	/* not for an item that it was not about */
	assert_false(registrar_prove(w.r, nonce, 1, 5, proof));
	assert_false(registrar_prove(w.r, nonce + 99, 0, 5, proof));
	i = registrar_find(w.r, &a, nonce);
	registrar_answered(w.r, i, 10);
	registrar_refused(w.r, i, 0, 10, 8, 1000);
	/* another item is asked for meanwhile; then the request is another one */
	registrar_done(w.r, i, 10, false);
	assert_int_equal(last_to(&a)->items[0], 1);
	assert_null(last_to(&a)->proof);
	assert_false(registrar_prove(w.r, nonce, 0, 20, proof));
	grant(last_to(&a) - w.sent, 5, 30);
	registrar_tick(w.r, 1010);
	assert_int_equal(last_to(&a)->items[0], 0);
	assert_true(registrar_prove(w.r, last_to(&a)->nonce, 0, 1020,
				    proof));
	/* the refusal comes behind it: the item is asked for at once, with it */
	registrar_answered(w.r, i, 1030);
	registrar_refused(w.r, i, 0, 1030, 8, 1000);
	registrar_done(w.r, i, 1030, false);
	assert_int_equal(last_to(&a)->items[0], 0);
	assert_memory_equal(last_to(&a)->proof, proof, sizeof(proof));
	/* it did not help: not at full speed */
	registrar_answered(w.r, i, 1040);
	registrar_refused(w.r, i, 0, 1040, 8, 1000);
	registrar_done(w.r, i, 1040, false);
	assert_int_equal(registrar_get(w.r, i, 0)->due, 2040);
	/* and for another state of the item it is nothing */
	registrar_change(w.r, 1100, 0, true);
	registrar_tick(w.r, 1100);
	assert_int_equal(last_to(&a)->items[0], 0);
	assert_null(last_to(&a)->proof);
}

static void leaving_tells_all_at_once(void **state)
{
	(void)state;
	registrar_change(w.r, 0, 0, true);
	registrar_tick(w.r, 0);
	w.n = 0;
	registrar_leave(w.r, 10);
	assert_int_equal(w.n, 6);
	for (size_t i = 0; i < 6; i++)
		assert_true(w.sent[i].leaving);
	assert_true(registrar_tick(w.r, 100000) == MSEC_NEVER);
	assert_int_equal(w.n, 6);
}

static struct CMUnitTest test(const char *name, CMUnitTestFunction fn)
{
	return (struct CMUnitTest){ .name = name, .test_func = fn,
				    .setup_func = start,
				    .teardown_func = stop };
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test("MLR-02 OPEN-29: one request at a time, with rising identifications",
		     one_request_at_a_time_and_ids_rise),
		test("MLR-02: copies are equal and their intervals double",
		     copies_are_equal_and_double),
		test("OPEN-29: a replay is followed at once, once",
		     a_replay_is_followed_once),
		test("MLR-09: servers that stay keep what they know, new ones hear all",
		     other_servers_keep_what_they_know),
		test("SEC-01: what a server wants to see goes with its item",
		     a_proof_goes_with_its_item),
		test("MLR-08: leaving tells every server of every item",
		     leaving_tells_all_at_once),
	};

	return cmocka_run_group_tests_name("registrar", tests, NULL, NULL);
}
