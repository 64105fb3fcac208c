// SPDX-License-Identifier: GPL-2.0-or-later
/* Whose messages of an election are new ones. */
#include "core_test.h"

#include <string.h>

#include "core/standby_peers.h"

static struct standby_peers peers;

static struct roam_addr sender(unsigned int i)
{
	return (struct roam_addr){ { [10] = 0xff, [11] = 0xff, 192, 0, 2,
				     (uint8_t)i } };
}

static enum hsrp_drop judge(unsigned int from, uint32_t key, uint8_t op,
			    uint64_t counter, uint64_t said, msec_t now,
			    uint64_t *nonce)
{
	struct hsrp_msg msg = { .op = op, .key_id = key, .counter = counter,
				.nonce = said, .sender = sender(from) };
	uint64_t ignored;

	return standby_peers_judge(&peers, &msg, now, 1000 + from,
				   nonce ? nonce : &ignored);
}

static void prove(unsigned int from, uint32_t key, uint64_t counter, msec_t now)
{
	uint64_t nonce;

	assert_int_equal(judge(from, key, HSRP_HELLO, counter, 0, now, &nonce),
			 HSRP_DROP_UNPROVED);
	assert_true(nonce);
	assert_int_equal(judge(from, key, HSRP_PROOF, counter, nonce, now, NULL),
			 HSRP_DROP_NONE);
}

static void first_is_proved(void **state)
{
	uint64_t nonce;

	(void)state;
	memset(&peers, 0, sizeof(peers));
	prove(1, 1, 10, 0);
	assert_int_equal(judge(1, 1, HSRP_HELLO, 10, 0, 1, NULL),
			 HSRP_DROP_REPLAY);
	assert_int_equal(judge(1, 1, HSRP_HELLO, 11, 0, 1, NULL),
			 HSRP_DROP_NONE);
	/* The counter is the key's, too, and a proof that nobody asked for is none. */
	assert_int_equal(judge(1, 2, HSRP_HELLO, 12, 0, 1, &nonce),
			 HSRP_DROP_UNPROVED);
	assert_int_equal(judge(1, 2, HSRP_PROOF, 12, nonce + 1, 1, NULL),
			 HSRP_DROP_REPLAY);
	assert_int_equal(judge(1, 2, HSRP_PROOF, 12, nonce, 1002, NULL),
			 HSRP_DROP_REPLAY);
}

/* Who holds one key sends from as many addresses as there are places. */
static void key_has_its_part(void **state)
{
	unsigned int refused = 0;
	uint64_t nonce;

	(void)state;
	memset(&peers, 0, sizeof(peers));
	for (unsigned int i = 1; i <= STANDBY_PEERS; i++)
		refused += judge(i, 1, HSRP_HELLO, 1, 0, 0, NULL) ==
			   HSRP_DROP_LIMIT;
	assert_int_equal(refused, STANDBY_PEERS - STANDBY_PEERS_OF_KEY);
	assert_int_equal(judge(100, 2, HSRP_HELLO, 1, 0, 0, &nonce),
			 HSRP_DROP_UNPROVED);
	assert_true(nonce);
	/* Those who proved nothing are in nobody's way after a moment, others stay. */
	assert_int_equal(judge(101, 1, HSRP_HELLO, 1, 0, 500, NULL),
			 HSRP_DROP_LIMIT);
	prove(101, 1, 1, 2000);
	for (unsigned int i = 1; i <= STANDBY_PEERS; i++)
		judge(i, 1, HSRP_HELLO, 1, 0, 4000, NULL);
	assert_int_equal(judge(101, 1, HSRP_HELLO, 2, 0, 4001, NULL),
			 HSRP_DROP_NONE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define TEST(name, function) { name, function, NULL, NULL, NULL }
		TEST("OPEN-29: the first message of a sender is proved to be a new one", first_is_proved),
		TEST("OPEN-32: who holds one key leaves places to others", key_has_its_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
