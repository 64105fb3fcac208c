// SPDX-License-Identifier: GPL-2.0-or-later
#include "mip_test.h"

#include "core/home_agent.h"

/**
 * struct world - a home agent, and who may talk to it
 * @keys: of all
 * @groups: its addresses
 * @nodes: mobile nodes
 * @peer: @keys.foreign belongs to the foreign agent at FOREIGN
 * @ha: the core
 * @now: the time
 * @random: next random number
 * @changes: of the last request
 * @reply: to it
 * @answer: the reply as its receiver reads it
 */
static struct world {
	struct test_keys keys;
	struct ha_group groups[2];
	struct ha_node nodes[3];
	bool peer;
	struct ha_config config;
	struct ha *ha;
	msec_t now;
	uint32_t random;
	struct ha_changes changes;
	struct ha_reply reply;
	struct mip_msg answer;
} w;

static const struct ha_node *find_node(void *ctx, const struct roam_addr *home)
{
	size_t i;

	(void)ctx;
	for (i = 0; i < 3; i++)
		if (roam_addr_eq(&w.nodes[i].home, home))
			return &w.nodes[i];
	return NULL;
}

static const struct sa_set *find_peer(void *ctx, const struct roam_addr *agent)
{
	struct roam_addr foreign = addr(FOREIGN);

	(void)ctx;
	return w.peer && roam_addr_eq(agent, &foreign) ? &w.keys.foreign : NULL;
}

static uint32_t next_random(void *ctx)
{
	(void)ctx;
	return w.random++;
}

static int setup(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	test_keys_make(&w.keys);
	w.now = START;
	w.random = 1000;
	w.groups[0] = (struct ha_group){
		.agent = addr(AGENT), .network = prefix("10.0.0.0/24"),
		.lifetime_max = 10800, .bindings_max = 3, .gre = true,
		.minimal = true, .udp = true, .udp_force = true,
		.keepalive = 110, .reverse = true, .broadcast = true,
	};
	w.groups[1] = w.groups[0];
	w.groups[1].agent = addr("10.1.0.1");
	w.groups[1].network = prefix("10.1.0.0/24");
	w.groups[1].bindings_max = 1;
	w.nodes[0] = (struct ha_node){ .home = addr(HOME),
				       .associations = w.keys.mobile };
	w.nodes[1] = (struct ha_node){ .home = addr("10.1.0.5"),
				       .associations = w.keys.mobile };
	w.nodes[2] = (struct ha_node){ .home = addr("10.0.0.6"),
				       .associations = w.keys.other };
	w.config = (struct ha_config){
		.groups = w.groups, .n_groups = 2, .nodes_max = 2,
		.find_node = find_node, .find_peer = find_peer,
		.random = next_random,
	};
	w.ha = ha_new(&w.config);
	return w.ha ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	ha_free(w.ha);
	ha_changes_free(&w.changes);
	auth_keys_free(w.keys.keys);
	return 0;
}

static enum ha_drop input_from(const struct mip_writer *m, const char *from,
			       const char *to)
{
	struct ha_request in = {
		.data = m->buf, .len = m->len, .from = addr(from),
		.from_port = 434, .to = addr(to), .wall = wall_at(w.now),
	};
	enum ha_drop drop;

	assert_false(m->full);
	ha_changes_reset(&w.changes);
	drop = ha_input(w.ha, w.now, &in, &w.reply, &w.changes);
	if (drop == HA_DROP_NONE)
		assert_int_equal(mip_decode(w.reply.w.buf, w.reply.w.len,
					    &w.answer), MIP_OK);
	else
		assert_int_equal(w.changes.n, 0);
	return drop;
}

/* Code of the reply; the reply must be signed for the node. */
static int ask_from(const struct mip_msg *msg, const char *from)
{
	struct mip_writer m = signed_by(msg, &w.keys.mobile);
	const struct mip_extension *e;
	const struct sa *sa;

	assert_int_equal(input_from(&m, from, AGENT), HA_DROP_NONE);
	assert_int_equal(sa_check(&w.keys.mobile, &w.answer, MIP_MOBILE_HOME,
				  &sa, &e), SA_VALID);
	assert_int_equal((uint32_t)w.answer.id, (uint32_t)msg->id);
	return w.answer.code;
}

static int ask(const struct mip_msg *msg)
{
	char from[ROAM_ADDR_STRLEN];

	return ask_from(msg, roam_addr_format(&msg->coa, from));
}

static struct ha_state state_of_home(void)
{
	struct roam_addr home = addr(HOME);
	struct ha_state state;

	ha_get(w.ha, &home, &state);
	return state;
}

/* Time goes on, so that the next request is a new one. */
static struct mip_msg later(const char *coa, uint16_t lifetime)
{
	w.now += 1000;
	return request_at(w.now, coa, lifetime);
}

static void a_registration(void **state)
{
	struct mip_msg msg = request_at(w.now, FOREIGN, 18000);
	struct ha_state s;

	(void)state;
	msg.flags = MIP_BROADCAST | MIP_REVERSE;
	assert_int_equal(ask(&msg), MIP_ACCEPTED);
	assert_int_equal(w.answer.lifetime, 10800);
	assert_addr(w.answer.home, HOME);
	assert_addr(w.answer.agent, AGENT);
	assert_true(w.answer.id == msg.id);
	assert_addr(w.reply.from, AGENT);
	assert_int_equal(w.changes.n, 1);
	assert_false(w.changes.items[0].existed);
	s = state_of_home();
	assert_int_equal(s.n, 1);
	assert_addr(s.home, HOME);
	assert_addr(s.agent, AGENT);
	assert_addr(s.bindings[0].coa, FOREIGN);
	assert_int_equal(s.bindings[0].lifetime, 10800);
	assert_int_equal(s.bindings[0].expires, w.now + 10800000);
	assert_int_equal(s.bindings[0].flags, MIP_BROADCAST | MIP_REVERSE);
	assert_int_equal(s.bindings[0].spi, SPI_MOBILE);
	assert_true(s.bindings[0].id == msg.id);
	assert_int_equal(ha_count(w.ha), 1);
}

static void an_asked_lifetime_is_not_raised(void **state)
{
	struct mip_msg msg = request_at(w.now, FOREIGN, 60);

	(void)state;
	assert_int_equal(ask(&msg), MIP_ACCEPTED);
	assert_int_equal(w.answer.lifetime, 60);
	w.nodes[0].lifetime_max = 30;
	msg = later(FOREIGN, 60);
	assert_int_equal(ask(&msg), MIP_ACCEPTED);
	assert_int_equal(w.answer.lifetime, 30);
	w.nodes[0].lifetime_max = 0;
	w.groups[0].lifetime_max = MIP_LIFETIME_INFINITE;
	msg = later(FOREIGN, MIP_LIFETIME_INFINITE);
	assert_int_equal(ask(&msg), MIP_ACCEPTED);
	assert_int_equal(w.answer.lifetime, MIP_LIFETIME_INFINITE);
	assert_true(state_of_home().bindings[0].expires == MSEC_NEVER);
}

static void it_ends(void **state)
{
	struct mip_msg msg = request_at(w.now, FOREIGN, 60);

	(void)state;
	ask(&msg);
	assert_int_equal(ha_next(w.ha), START + 60000);
	ha_changes_reset(&w.changes);
	ha_expire(w.ha, START + 59999, &w.changes);
	assert_int_equal(w.changes.n, 0);
	ha_expire(w.ha, START + 60000, &w.changes);
	assert_int_equal(w.changes.n, 1);
	assert_int_equal(w.changes.items[0].before.n, 1);
	assert_int_equal(w.changes.items[0].after.n, 0);
	assert_int_equal(ha_count(w.ha), 0);
	/* what protects from a replay outlives it only as long as it must */
	assert_int_equal(ha_entries(w.ha), 0);
	assert_int_equal(ha_next(w.ha), MSEC_NEVER);
}

static void a_move(void **state)
{
	struct mip_msg msg = request_at(w.now, FOREIGN, 60), old;
	struct ha_state s;

	(void)state;
	assert_int_equal(ask(&msg), MIP_ACCEPTED);
	old = msg;
	msg = later(FOREIGN2, 60);
	assert_int_equal(ask(&msg), MIP_ACCEPTED);
	assert_true(w.changes.items[0].existed);
	assert_addr(w.changes.items[0].before.bindings[0].coa, FOREIGN);
	s = state_of_home();
	assert_int_equal(s.n, 1);
	assert_addr(s.bindings[0].coa, FOREIGN2);
	assert_int_equal(ha_count(w.ha), 1);
	/* one that was on its way longer comes too late */
	assert_int_equal(ask(&old), MIP_HA_IDENTIFICATION);
	old.id++;
	assert_int_equal(ask(&old), MIP_HA_IDENTIFICATION);
	assert_addr(state_of_home().bindings[0].coa, FOREIGN2);
}

static void simultaneous_bindings(void **state)
{
	static const char *const coas[] = { FOREIGN, FOREIGN2, "203.0.113.1" };
	struct mip_msg msg;
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		msg = later(coas[i], 60);
		msg.flags = MIP_SIMULTANEOUS;
		assert_int_equal(ask(&msg), MIP_ACCEPTED);
		assert_int_equal(state_of_home().n, i + 1);
	}
	msg = later("203.0.113.2", 60);
	msg.flags = MIP_SIMULTANEOUS;
	assert_int_equal(ask(&msg), MIP_HA_BINDINGS);
	assert_int_equal(w.answer.code, 135);
	assert_int_equal(state_of_home().n, 3);
	/* the same once more is renewed, not doubled */
	msg = later(FOREIGN, 90);
	msg.flags = MIP_SIMULTANEOUS;
	assert_int_equal(ask(&msg), MIP_ACCEPTED);
	assert_int_equal(state_of_home().n, 3);
	assert_int_equal(state_of_home().bindings[0].lifetime, 90);
	/* each ends by itself */
	ha_changes_reset(&w.changes);
	ha_expire(w.ha, w.now + 60000, &w.changes);
	assert_int_equal(state_of_home().n, 1);
	/* without S it is the only one */
	msg = later(FOREIGN2, 60);
	assert_int_equal(ask(&msg), MIP_ACCEPTED);
	assert_int_equal(state_of_home().n, 1);
}

static void only_one_binding(void **state)
{
	struct mip_msg msg = request_at(w.now, FOREIGN, 60);
	struct roam_addr home = addr("10.1.0.5");
	struct ha_state s;

	(void)state;
	msg.home = home;
	msg.agent = addr("10.1.0.1");
	msg.flags = MIP_SIMULTANEOUS;
	assert_int_equal(ask(&msg), MIP_ACCEPTED_ONE);
	w.now += 1000;
	msg.id = sa_timestamp(wall_at(w.now));
	msg.coa = addr(FOREIGN2);
	assert_int_equal(ask(&msg), MIP_ACCEPTED_ONE);
	assert_true(ha_get(w.ha, &home, &s));
	assert_int_equal(s.n, 1);
	assert_addr(s.agent, "10.1.0.1");
}

static void groups_are_told_apart(void **state)
{
	struct mip_msg msg = request_at(w.now, FOREIGN, 60);

	(void)state;
	assert_int_equal(ask(&msg), MIP_ACCEPTED);
	assert_addr(state_of_home().agent, AGENT);
	/* the agent of the other group does not serve this home network */
	msg = later(FOREIGN, 60);
	msg.agent = addr("10.1.0.1");
	assert_int_equal(ask(&msg), MIP_HA_UNKNOWN_AGENT);
	assert_addr(w.answer.agent, AGENT);
}

static void deregistration(void **state)
{
	struct mip_msg msg;

	(void)state;
	msg = later(FOREIGN, 60);
	msg.flags = MIP_SIMULTANEOUS;
	ask(&msg);
	msg = later(FOREIGN2, 60);
	msg.flags = MIP_SIMULTANEOUS;
	ask(&msg);
	/* of one, from anywhere */
	msg = later(FOREIGN, 0);
	assert_int_equal(ask_from(&msg, FOREIGN2), MIP_ACCEPTED);
	assert_int_equal(w.answer.lifetime, 0);
	assert_int_equal(state_of_home().n, 1);
	assert_addr(state_of_home().bindings[0].coa, FOREIGN2);
	/* one that is not bound: nothing changes */
	msg = later("203.0.113.1", 0);
	assert_int_equal(ask(&msg), MIP_ACCEPTED);
	assert_int_equal(state_of_home().n, 1);
	/* of all, from home */
	msg = later(HOME, 0);
	assert_int_equal(ask(&msg), MIP_ACCEPTED);
	assert_int_equal(state_of_home().n, 0);
	assert_int_equal(ha_count(w.ha), 0);
	/* a replay of what was before is refused all the same */
	msg = request_at(w.now - 1000, FOREIGN, 60);
	assert_int_equal(ask(&msg), MIP_HA_IDENTIFICATION);
}

static void wrong_authentication(void **state)
{
	struct mip_msg msg = request_at(w.now, FOREIGN, 60);
	struct mip_writer m = signed_by(&msg, &w.keys.mobile);
	size_t i;

	(void)state;
	/* each flipped bit, the signature's too */
	for (i = 0; i < m.len; i++) {
		enum ha_drop drop;

		if (i >= 4 && i < 8)
			continue;	/* another node, see below */
		m.buf[i] ^= 1;
		drop = input_from(&m, FOREIGN, AGENT);
		if (drop == HA_DROP_NONE)
			assert_int_equal(w.answer.code, MIP_HA_MN_AUTH);
		assert_int_equal(ha_entries(w.ha), 0);
		assert_int_equal(w.changes.n, 0);
		m.buf[i] ^= 1;
	}
	m = signed_by(&msg, &w.keys.other);
	assert_int_equal(input_from(&m, FOREIGN, AGENT), HA_DROP_NONE);
	assert_int_equal(w.answer.code, 131);
	m = written(&msg);
	assert_int_equal(input_from(&m, FOREIGN, AGENT), HA_DROP_UNSIGNED);
	/* a short one is not answered by something longer */
	mip_put_extension(&m, MIP_MOBILE_HOME, "\0\0\1\x2c?", 5);
	assert_int_equal(input_from(&m, FOREIGN, AGENT), HA_DROP_AUTH);
}

static void somebody_elses_address(void **state)
{
	struct mip_msg msg = request_at(w.now, FOREIGN, 60);
	struct mip_writer m;

	(void)state;
	/* a valid key, but of another node */
	msg.home = addr("10.0.0.6");
	m = signed_by(&msg, &w.keys.mobile);
	assert_int_equal(input_from(&m, FOREIGN, AGENT), HA_DROP_NONE);
	assert_int_equal(w.answer.code, MIP_HA_MN_AUTH);
	msg.home = addr("10.0.0.99");
	m = signed_by(&msg, &w.keys.mobile);
	assert_int_equal(input_from(&m, FOREIGN, AGENT), HA_DROP_NODE);
	assert_int_equal(ha_entries(w.ha), 0);
}

static void steered_to_a_stranger(void **state)
{
	static const struct {
		const char *coa, *from;
		int code;
	} cases[] = {
		{ "203.0.113.80", FOREIGN, MIP_HA_PROHIBITED },
		{ "10.0.0.6", "10.0.0.6", MIP_HA_PROHIBITED },
		{ AGENT, AGENT, MIP_HA_PROHIBITED },
		{ HOME, HOME, MIP_HA_REQUEST },
		{ "127.0.0.1", "127.0.0.1", MIP_HA_REQUEST },
		{ "224.0.0.5", FOREIGN, MIP_HA_REQUEST },
		{ "169.254.1.1", "169.254.1.1", MIP_HA_REQUEST },
		{ "", FOREIGN, MIP_HA_REQUEST },
		{ FOREIGN, "", MIP_HA_REQUEST },
	};
	struct mip_msg msg;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		msg = later(cases[i].coa, 60);
		if (ask_from(&msg, cases[i].from) != cases[i].code)
			fail_msg("%s from %s: code %d", cases[i].coa,
				 cases[i].from, w.answer.code);
		assert_int_equal(state_of_home().n, 0);
	}
	w.groups[0].foreign_care_of = true;
	msg = later("203.0.113.80", 60);
	assert_int_equal(ask_from(&msg, FOREIGN), MIP_ACCEPTED);
}

static void timestamps(void **state)
{
	struct mip_msg msg = request_at(w.now, FOREIGN, 60);
	uint64_t now = sa_timestamp(wall_at(w.now));

	(void)state;
	assert_int_equal(ask(&msg), MIP_ACCEPTED);
	/* the same again */
	assert_int_equal(ask(&msg), MIP_HA_IDENTIFICATION);
	assert_int_equal(w.answer.code, 133);
	assert_int_equal(w.changes.n, 0);
	/* clocks that differ by more and by less than the window */
	msg.id = now + (8ULL << 32);
	assert_int_equal(ask(&msg), MIP_HA_IDENTIFICATION);
	assert_int_equal(w.answer.id >> 32, now >> 32);
	msg.id = now - (8ULL << 32);
	assert_int_equal(ask(&msg), MIP_HA_IDENTIFICATION);
	/* what the answer says is right */
	msg.id = (w.answer.id >> 32 << 32) + (uint32_t)msg.id + 9;
	if (msg.id <= now)
		msg.id += 1ULL << 32;
	assert_int_equal(ask(&msg), MIP_ACCEPTED);
	msg.id = now + (6ULL << 32);
	assert_int_equal(ask(&msg), MIP_ACCEPTED);
	/* back from the future: refused until the clock is there */
	msg.id = now + (5ULL << 32);
	assert_int_equal(ask(&msg), MIP_HA_IDENTIFICATION);
}

static void nonces(void **state)
{
	struct mip_msg msg = request_at(w.now, FOREIGN, 60);
	uint64_t accepted;

	(void)state;
	w.nodes[0].associations.items[0].replay = SA_NONCES;
	msg.id = 0xabcd00000001;
	assert_int_equal(ask(&msg), MIP_HA_IDENTIFICATION);
	assert_int_equal(w.answer.id >> 32, 1000);
	assert_int_equal(state_of_home().n, 0);
	/* a second try with a wrong one costs nothing */
	assert_int_equal(ask(&msg), MIP_HA_IDENTIFICATION);
	assert_int_equal(w.answer.id >> 32, 1000);
	assert_int_equal(w.changes.n, 0);
	msg.id = 1000ULL << 32 | 2;
	assert_int_equal(ask(&msg), MIP_ACCEPTED);
	accepted = w.answer.id;
	assert_int_equal(accepted >> 32, 1001);
	/* its reply was lost: the same request, the same answer, no longer life */
	w.now += 10000;
	assert_int_equal(ask(&msg), MIP_ACCEPTED);
	assert_true(w.answer.id == accepted);
	assert_int_equal(w.answer.lifetime, 50);
	assert_int_equal(w.changes.n, 0);
	/* the nonce is used up for all others */
	msg.id = 1000ULL << 32 | 3;
	assert_int_equal(ask(&msg), MIP_HA_IDENTIFICATION);
	msg.id = 1001ULL << 32 | 4;
	msg.coa = addr(FOREIGN2);
	assert_int_equal(ask(&msg), MIP_ACCEPTED);
	assert_addr(state_of_home().bindings[0].coa, FOREIGN2);
}

static void foreign_agent_with_association(void **state)
{
	struct mip_msg msg = request_at(w.now, FOREIGN, 60);
	struct mip_writer m = signed_by(&msg, &w.keys.mobile), copy;
	const struct mip_extension *e;
	const struct sa *sa;

	(void)state;
	w.peer = true;
	copy = m;
	assert_int_equal(input_from(&m, FOREIGN, AGENT), HA_DROP_NONE);
	assert_int_equal(w.answer.code, MIP_HA_FA_AUTH);
	sa_sign(&w.keys.foreign.items[0], &m, MIP_FOREIGN_HOME);
	m.buf[m.len - 1] ^= 1;
	assert_int_equal(input_from(&m, FOREIGN, AGENT), HA_DROP_NONE);
	assert_int_equal(w.answer.code, 132);
	m.buf[m.len - 1] ^= 1;
	assert_int_equal(state_of_home().n, 0);
	/* doubled */
	copy = m;
	sa_sign(&w.keys.foreign.items[0], &copy, MIP_FOREIGN_HOME);
	assert_int_equal(input_from(&copy, FOREIGN, AGENT), HA_DROP_NONE);
	assert_int_equal(w.answer.code, MIP_HA_FA_AUTH);
	/* right; the reply is signed for both, the node's first */
	assert_int_equal(input_from(&m, FOREIGN, AGENT), HA_DROP_NONE);
	assert_int_equal(w.answer.code, MIP_ACCEPTED);
	assert_int_equal(sa_check(&w.keys.foreign, &w.answer, MIP_FOREIGN_HOME,
				  &sa, &e), SA_VALID);
	assert_ptr_equal(e, &w.answer.extensions[1]);
	/* a wrong node behind a right foreign agent is answered in any case */
	msg = later(FOREIGN, 60);
	m = written(&msg);
	mip_put_extension(&m, MIP_MOBILE_HOME, "\0\0\1\x2c?", 5);
	sa_sign(&w.keys.foreign.items[0], &m, MIP_FOREIGN_HOME);
	assert_int_equal(input_from(&m, FOREIGN, AGENT), HA_DROP_NONE);
	assert_int_equal(w.answer.code, MIP_HA_MN_AUTH);
	/* de-registration needs none */
	msg = later(FOREIGN, 0);
	assert_int_equal(ask(&msg), MIP_ACCEPTED);
	/* a stranger's signature spoils it */
	msg = later(FOREIGN2, 60);
	m = signed_by(&msg, &w.keys.mobile);
	sa_sign(&w.keys.foreign.items[0], &m, MIP_FOREIGN_HOME);
	assert_int_equal(input_from(&m, FOREIGN2, AGENT), HA_DROP_FOREIGN);
}

static void discovery(void **state)
{
	static const char *const agents[] = { "10.0.0.255", "255.255.255.255",
					      "", "10.0.0.77" };
	struct mip_msg msg;
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		struct mip_writer m;

		msg = later("203.0.113.9", 60);
		msg.agent = addr(agents[i]);
		assert_int_equal(ha_is_for_us(w.ha, &msg), i < 3);
		m = signed_by(&msg, &w.keys.mobile);
		assert_int_equal(input_from(&m, "203.0.113.9", "10.0.0.255"),
				 HA_DROP_NONE);
		assert_int_equal(w.answer.code, 136);
		assert_addr(w.answer.agent, AGENT);
		assert_addr(w.reply.from, AGENT);
		assert_int_equal(state_of_home().n, 0);
	}
	msg.agent = addr("10.1.0.255");
	assert_false(ha_is_for_us(w.ha, &msg));
}

static void refused_service(void **state)
{
	struct mip_vendor vendor = { .vendor = 9, .type = 1 };
	struct mip_writer m;
	struct mip_msg msg;

	(void)state;
	msg = later(FOREIGN, 60);
	msg.flags = MIP_RESERVED;
	assert_int_equal(ask(&msg), MIP_HA_REQUEST);
	w.groups[0].gre = false;
	msg = later(FOREIGN, 60);
	msg.flags = MIP_GRE;
	assert_int_equal(ask(&msg), MIP_HA_ENCAPSULATION);
	w.groups[0].minimal = false;
	msg = later(FOREIGN, 60);
	msg.flags = MIP_MINIMAL;
	assert_int_equal(ask(&msg), MIP_HA_ENCAPSULATION);
	w.groups[0].reverse = false;
	msg = later(FOREIGN, 60);
	msg.flags = MIP_REVERSE;
	assert_int_equal(ask(&msg), MIP_HA_NO_REVERSE);
	w.groups[0].reverse = true;
	w.groups[0].reverse_only = true;
	msg = later(FOREIGN, 60);
	assert_int_equal(ask(&msg), MIP_HA_REVERSE_MANDATORY);
	msg.flags = MIP_REVERSE;
	msg.id++;
	assert_int_equal(ask(&msg), MIP_ACCEPTED);
	w.groups[0].reverse_only = false;
	w.nodes[0].prohibited = true;
	msg = later(FOREIGN, 60);
	assert_int_equal(ask(&msg), MIP_HA_PROHIBITED);
	w.nodes[0].prohibited = false;
	/* critical vendor extensions before and behind the node's signature */
	msg = later(FOREIGN, 60);
	m = written(&msg);
	mip_put_vendor(&m, MIP_CRITICAL_VENDOR, &vendor);
	sa_sign(&w.keys.mobile.items[0], &m, MIP_MOBILE_HOME);
	assert_int_equal(input_from(&m, FOREIGN, AGENT), HA_DROP_NONE);
	assert_int_equal(w.answer.code, MIP_HA_VENDOR_MN);
	msg = later(FOREIGN, 60);
	m = signed_by(&msg, &w.keys.mobile);
	mip_put_vendor(&m, MIP_CRITICAL_VENDOR, &vendor);
	assert_int_equal(input_from(&m, FOREIGN, AGENT), HA_DROP_NONE);
	assert_int_equal(w.answer.code, MIP_HA_VENDOR_FA);
	/* one that may be skipped is skipped */
	msg = later(FOREIGN, 60);
	m = written(&msg);
	mip_put_vendor(&m, MIP_VENDOR, &vendor);
	sa_sign(&w.keys.mobile.items[0], &m, MIP_MOBILE_HOME);
	assert_int_equal(input_from(&m, FOREIGN, AGENT), HA_DROP_NONE);
	assert_int_equal(w.answer.code, MIP_ACCEPTED);
}

static void encapsulation(void **state)
{
	struct mip_msg msg = later(FOREIGN, 60);

	(void)state;
	msg.flags = MIP_GRE;
	assert_int_equal(ask(&msg), MIP_ACCEPTED);
	assert_int_equal(state_of_home().bindings[0].encap, HA_ENCAP_GRE);
	msg = later(FOREIGN, 60);
	msg.flags = MIP_MINIMAL;
	assert_int_equal(ask(&msg), MIP_ACCEPTED);
	assert_int_equal(state_of_home().bindings[0].encap, HA_ENCAP_MINIMAL);
	msg = later(FOREIGN, 60);
	assert_int_equal(ask(&msg), MIP_ACCEPTED);
	assert_int_equal(state_of_home().bindings[0].encap, HA_ENCAP_IPIP);
}

static int ask_udp(uint8_t flags, uint8_t encapsulation, uint8_t service,
		   const char *from, struct mip_udp_reply *udp)
{
	struct mip_udp_request ext = { flags, encapsulation };
	struct mip_msg msg = later("192.168.7.7", 60);
	const struct mip_extension *e;
	struct mip_writer m;

	msg.flags = service;
	m = written(&msg);
	mip_put_udp_request(&m, &ext);
	sa_sign(&w.keys.mobile.items[0], &m, MIP_MOBILE_HOME);
	assert_int_equal(input_from(&m, from, AGENT), HA_DROP_NONE);
	e = mip_find(&w.answer, MIP_UDP_TUNNEL_REPLY, NULL);
	memset(udp, 0xff, sizeof(*udp));
	if (e)
		assert_true(mip_get_udp_reply(e, udp));
	return w.answer.code;
}

static void nat(void **state)
{
	const char *outside = "203.0.113.200", *same = "192.168.7.7";
	const uint8_t d = MIP_DECAPSULATES;
	struct mip_udp_reply udp;
	struct ha_state s;

	(void)state;
	assert_int_equal(ask_udp(0, 0, d, outside, &udp), MIP_ACCEPTED);
	assert_int_equal(udp.code, 0);
	assert_false(udp.force);
	assert_int_equal(udp.keepalive, 110);
	s = state_of_home();
	assert_int_equal(s.bindings[0].encap, HA_ENCAP_UDP);
	assert_addr(s.bindings[0].coa, same);
	assert_addr(s.bindings[0].source, outside);
	assert_int_equal(s.bindings[0].port, 434);
	/* no NAT, not forced: declined, tunnelled as usual */
	assert_int_equal(ask_udp(0, 0, d, same, &udp), MIP_ACCEPTED);
	assert_int_equal(udp.code, MIP_UDP_DECLINED);
	assert_int_equal(state_of_home().bindings[0].encap, HA_ENCAP_IPIP);
	/* forced */
	assert_int_equal(ask_udp(MIP_UDP_FORCE, 4, d, same, &udp),
			 MIP_ACCEPTED);
	assert_int_equal(udp.code, 0);
	assert_true(udp.force);
	w.groups[0].udp_force = false;
	assert_int_equal(ask_udp(MIP_UDP_FORCE, 4, d, same, &udp),
			 MIP_HA_PROHIBITED);
	assert_int_equal(ask_udp(0, 47, d, outside, &udp),
			 MIP_HA_UDP_ENCAPSULATION);
	assert_int_equal(ask_udp(0, 0, 0, outside, &udp), MIP_HA_REQUEST);
	w.groups[0].udp = false;
	assert_int_equal(ask_udp(0, 0, d, outside, &udp), 142);
}

static void names_are_repeated(void **state)
{
	struct mip_msg msg = later(FOREIGN, 60);
	struct mip_writer m = written(&msg);
	const struct mip_extension *e;

	(void)state;
	mip_put_extension(&m, MIP_NAI, "a@b", 3);
	sa_sign(&w.keys.mobile.items[0], &m, MIP_MOBILE_HOME);
	assert_int_equal(input_from(&m, FOREIGN, AGENT), HA_DROP_NONE);
	e = mip_find(&w.answer, MIP_NAI, NULL);
	assert_non_null(e);
	assert_ptr_equal(e, &w.answer.extensions[0]);
	assert_memory_equal(e->data, "a@b", 3);
}

static void full(void **state)
{
	struct mip_msg msg = request_at(w.now, FOREIGN, 60);

	(void)state;
	w.config.nodes_max = 1;
	ha_configure(w.ha, &w.config);
	assert_int_equal(ask(&msg), MIP_ACCEPTED);
	msg.home = addr("10.1.0.5");
	msg.agent = addr("10.1.0.1");
	assert_int_equal(ask(&msg), MIP_HA_RESOURCES);
	msg.lifetime = 0;
	msg.id++;
	assert_int_equal(ask(&msg), MIP_ACCEPTED);
	/* the one that is there can move */
	msg = later(FOREIGN2, 60);
	assert_int_equal(ask(&msg), MIP_ACCEPTED);
}

static void taken_back(void **state)
{
	struct mip_msg msg = request_at(w.now, FOREIGN, 60);
	const struct mip_extension *e;
	const struct sa *sa;
	struct ha_state s;

	(void)state;
	assert_int_equal(ask(&msg), MIP_ACCEPTED);
	ha_undo(w.ha, &w.changes);
	assert_int_equal(ha_entries(w.ha), 0);
	ha_refuse(&w.reply, MIP_HA_RESOURCES);
	assert_int_equal(mip_decode(w.reply.w.buf, w.reply.w.len, &w.answer),
			 MIP_OK);
	assert_int_equal(w.answer.code, 130);
	assert_int_equal(sa_check(&w.keys.mobile, &w.answer, MIP_MOBILE_HOME,
				  &sa, &e), SA_VALID);
	/* nothing was used up, so the same request may come again */
	assert_int_equal(ask(&msg), MIP_ACCEPTED);
	msg = later(FOREIGN2, 60);
	assert_int_equal(ask(&msg), MIP_ACCEPTED);
	ha_undo(w.ha, &w.changes);
	s = state_of_home();
	assert_int_equal(s.n, 1);
	assert_addr(s.bindings[0].coa, FOREIGN);
	assert_int_equal(ha_count(w.ha), 1);
}

static uint32_t bytes_of_spi(const struct mip_msg *msg)
{
	const struct mip_extension *e = mip_find(msg, MIP_MOBILE_HOME, NULL);
	size_t mac_len, covered;
	const uint8_t *mac;
	uint32_t spi = 0;

	assert_true(mip_get_auth(e, &spi, &mac, &mac_len, &covered));
	return spi;
}

static void key_change(void **state)
{
	struct mip_msg msg = later(FOREIGN, 60);
	struct sa_set *set = &w.nodes[0].associations;
	struct mip_writer m;

	(void)state;
	set->items[1] = w.keys.visitor.items[0];
	set->n = 2;
	m = written(&msg);
	sa_sign(&w.keys.visitor.items[0], &m, MIP_MOBILE_HOME);
	assert_int_equal(input_from(&m, FOREIGN, AGENT), HA_DROP_NONE);
	assert_int_equal(w.answer.code, MIP_ACCEPTED);
	assert_int_equal(state_of_home().bindings[0].spi, SPI_VISITOR);
	/* the answer is signed with what the request was */
	assert_int_equal(bytes_of_spi(&w.answer), SPI_VISITOR);
	msg = later(FOREIGN, 60);
	assert_int_equal(ask(&msg), MIP_ACCEPTED);
	assert_int_equal(state_of_home().bindings[0].spi, SPI_MOBILE);
}

static void written_down(void **state)
{
	struct mip_msg msg = request_at(w.now, FOREIGN, 60);
	uint8_t buf[HA_STATE_LEN];
	struct ha_state s, back;
	size_t len, n;

	(void)state;
	msg.flags = MIP_SIMULTANEOUS | MIP_GRE;
	ask(&msg);
	msg = later(FOREIGN2, 60);
	msg.flags = MIP_SIMULTANEOUS;
	ask(&msg);
	s = state_of_home();
	len = ha_state_encode(&s, 500, buf);
	assert_int_equal(len, 30 + 2 * 34);
	assert_int_equal(ha_state_decode(buf, len, 500, &back), len);
	assert_memory_equal(&s, &back, sizeof(s));
	for (n = 0; n < len; n++) {
		uint8_t *exact = malloc(n ? n : 1);

		memcpy(exact, buf, n);
		assert_int_equal(ha_state_decode(exact, n, 500, &back), 0);
		free(exact);
	}
	s.bindings[0].expires = MSEC_NEVER;
	len = ha_state_encode(&s, -500, buf);
	assert_int_equal(ha_state_decode(buf, len, -500, &back), len);
	assert_true(back.bindings[0].expires == MSEC_NEVER);
	/* another agent goes on with it */
	ha_free(w.ha);
	w.ha = ha_new(&w.config);
	assert_true(ha_apply(w.ha, &back));
	assert_int_equal(ha_count(w.ha), 1);
	assert_int_equal(ask(&msg), MIP_HA_IDENTIFICATION);
	msg = later(FOREIGN, 60);
	assert_int_equal(ask(&msg), MIP_ACCEPTED);
}

struct seen {
	size_t n;
};

static void count(void *ctx, const struct ha_state *state)
{
	struct seen *seen = ctx;

	assert_int_equal(state->n, 1);
	seen->n++;
}

static void a_walk_sees_all(void **state)
{
	struct ha_state s = { .n = 1, .last = 1,
			      .bindings = { { .coa = addr(FOREIGN),
					      .expires = MSEC_NEVER } } };
	struct ha_cursor cursor = { .done = false };
	struct seen seen = { 0 };
	unsigned int i;

	(void)state;
	s.home = addr("10.9.0.0");
	for (i = 0; i < 1000; i++) {
		s.home.b[14] = (uint8_t)(i >> 8);
		s.home.b[15] = (uint8_t)i;
		assert_true(ha_apply(w.ha, &s));
	}
	assert_int_equal(ha_count(w.ha), 1000);
	while (!cursor.done)
		ha_walk(w.ha, &cursor, 10, count, &seen);
	assert_int_equal(seen.n, 1000);
}

static void the_operator_ends_it(void **state)
{
	struct mip_msg msg = request_at(w.now, FOREIGN, 60);
	struct roam_addr home = addr(HOME);

	(void)state;
	ask(&msg);
	ha_changes_reset(&w.changes);
	assert_true(ha_end(w.ha, w.now, &home, &w.changes));
	assert_int_equal(w.changes.n, 1);
	assert_int_equal(ha_count(w.ha), 0);
	assert_false(ha_end(w.ha, w.now, &home, &w.changes));
	assert_int_equal(ask(&msg), MIP_HA_IDENTIFICATION);
}

static void not_a_request(void **state)
{
	struct mip_msg msg = request_at(w.now, FOREIGN, 60);
	struct mip_writer m = signed_by(&msg, &w.keys.mobile);
	size_t n;

	(void)state;
	for (n = 0; n < m.len; n++) {
		struct mip_writer cut = m;

		cut.len = n;
		assert_int_not_equal(input_from(&cut, FOREIGN, AGENT),
				     HA_DROP_NONE);
	}
	m.buf[0] = MIP_REPLY;
	assert_int_not_equal(input_from(&m, FOREIGN, AGENT), HA_DROP_NONE);
	m = written(&msg);
	mip_put_extension(&m, 99, "x", 1);
	sa_sign(&w.keys.mobile.items[0], &m, MIP_MOBILE_HOME);
	assert_int_equal(input_from(&m, FOREIGN, AGENT), HA_DROP_EXTENSION);
	m = written(&msg);
	mip_put_extension(&m, 199, "x", 1);
	sa_sign(&w.keys.mobile.items[0], &m, MIP_MOBILE_HOME);
	assert_int_equal(input_from(&m, FOREIGN, AGENT), HA_DROP_NONE);
}

static void drops_have_names(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < HA_DROP_MAX; i++)
		assert_string_not_equal(ha_drop_name(i), "unknown");
}

#define TEST(n, f) { .name = n, .test_func = f, .setup_func = setup, \
		     .teardown_func = teardown }

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("MIP-09 MIP-14 MIP-26 MIP-27 MIP-28 MIP-29 MIP-30 MIP-32 TEN-21: a request makes a binding with what was granted",
		     a_registration),
		TEST("MIP-09 MIP-61 TEN-20: a lifetime is lowered, never raised; 0xffff has no end",
		     an_asked_lifetime_is_not_raised),
		TEST("MIP-11 MIP-31: a binding ends with its lifetime", it_ends),
		TEST("MIP-14 MIP-17 MIP-18: a move replaces the binding, the most recent registration wins",
		     a_move),
		TEST("MIP-34 MIP-62: simultaneous bindings, one too many is 135",
		     simultaneous_bindings),
		TEST("MIP-62: code 1 where there are no simultaneous bindings",
		     only_one_binding),
		TEST("MIP-15 MIP-27: groups on one router are told apart",
		     groups_are_told_apart),
		TEST("MIP-16 MIP-61: de-registration of one and of all",
		     deregistration),
		TEST("MIP-20 MIP-21 MIP-62: each flipped bit is refused (131) and changes nothing",
		     wrong_authentication),
		TEST("MIP-20: a registration for somebody else's home address is refused",
		     somebody_elses_address),
		TEST("OPEN-09 MIP-62: packets are steered to no stranger, to no circle",
		     steered_to_a_stranger),
		TEST("MIP-22 MIP-25 MIP-62: timestamps, their window, and resynchronisation (133)",
		     timestamps),
		TEST("MIP-25: nonces, their resynchronisation, and a repeated request",
		     nonces),
		TEST("MIP-23 MIP-62: a foreign agent with an association must sign (132)",
		     foreign_agent_with_association),
		TEST("MIP-69 MIP-62: dynamic home agent discovery (136)", discovery),
		TEST("MIP-40 MIP-62: 129, 134, 137, 138, 139, 140, 141 in their situations",
		     refused_service),
		TEST("MIP-37 MIP-38 MIP-54: encapsulation by the flags", encapsulation),
		TEST("OPEN-17 MIP-62: NAT is seen, UDP tunnels by RFC 3519 (142)", nat),
		TEST("MIP-08: the reply repeats the NAI", names_are_repeated),
		TEST("MIP-62 OPEN-32: a full table is 130", full),
		TEST("MIP-62: what the store refused is taken back and answered 130",
		     taken_back),
		TEST("OPEN-27: keys change without an outage, by SPI", key_change),
		TEST("MIP-22 OPEN-29 OPEN-45: a state is written and read, replay protection too",
		     written_down),
		TEST("MIP-33: a walk sees every entry", a_walk_sees_all),
		TEST("MIP-16: the operator ends a binding", the_operator_ends_it),
		TEST("OPEN-35: what is no request gets no answer", not_a_request),
		TEST("home agent: drops have names", drops_have_names),
	};

	return cmocka_run_group_tests_name("home_agent", tests, NULL, NULL);
}
