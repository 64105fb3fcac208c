// SPDX-License-Identifier: GPL-2.0-or-later
/* Sessions by NAI and sub-NAI: names on the wire, home agent, foreign agent; in virtual time. */
#include "mip_test.h"

#include "core/foreign_agent.h"
#include "core/home_agent.h"
#include "core/lease.h"

#define NAI "Kleung@example.com"
#define OTHER "other@example.com"

static struct {
	struct test_keys keys;
	struct ha_group group;
	struct ha_node nodes[2];
	struct ha_config config;
	struct fa_link link;
	struct fa_config fa_config;
	struct ha *ha;
	struct fa *fa;
	struct ha_changes changes;
	struct fa_changes fa_changes;
	struct ha_reply reply;
	struct fa_send send;
	struct mip_msg answer;
	struct mip_names names;
	bool peers;
	uint32_t random;
	msec_t now;
} w;

static const struct mip_naming naming;

static const struct ha_node *find_node(void *ctx, const struct roam_addr *home)
{
	(void)ctx;
	(void)home;
	return NULL;
}

static const struct ha_node *find_name(void *ctx, const uint8_t *nai, size_t len)
{
	(void)ctx;
	if (len == strlen(NAI) && !memcmp(nai, NAI, len))
		return &w.nodes[0];
	if (len == strlen(OTHER) && !memcmp(nai, OTHER, len))
		return &w.nodes[1];
	return NULL;
}

static const struct sa_set *find_peer(void *ctx, const struct roam_addr *agent)
{
	struct roam_addr foreign = addr(FOREIGN), home = addr(AGENT);

	(void)ctx;
	return w.peers && (roam_addr_eq(agent, &foreign) ||
			   roam_addr_eq(agent, &home)) ?
		&w.keys.foreign : NULL;
}

static const struct sa_set *no_visitor(void *ctx, const struct roam_addr *home)
{
	(void)ctx;
	(void)home;
	return NULL;
}

static bool is_own(void *ctx, const struct roam_addr *addr)
{
	(void)ctx;
	(void)addr;
	return false;
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
	w.group = (struct ha_group){
		.agent = addr(AGENT), .network = prefix("10.0.0.0/24"),
		.lifetime_max = 10800, .bindings_max = 1, .reverse = true,
		.pool_first = addr("10.0.0.100"), .pool_last = addr("10.0.0.103"),
		.quiet = 60000, .foreign_care_of = true,
	};
	w.nodes[0] = (struct ha_node){ .associations = w.keys.mobile,
				       .sessions_max = 3 };
	w.nodes[1] = (struct ha_node){ .associations = w.keys.other,
				       .sessions_max = 3,
				       .addresses = prefix("10.0.0.64/28") };
	w.config = (struct ha_config){
		.groups = &w.group, .n_groups = 1, .nodes_max = 100,
		.find_node = find_node, .find_name = find_name,
		.find_peer = find_peer, .random = next_random,
	};
	w.link = (struct fa_link){
		.index = 3, .addr = addr(FOREIGN), .coa = addr(FOREIGN),
		.lifetime_max = 1800, .reverse = true,
	};
	w.fa_config = (struct fa_config){
		.links = &w.link, .n_links = 1, .pending_max = 100,
		.pending_timeout = 7000, .visitors_max = 100,
		.sessions_max = 3, .requests_rate = 10, .requests_burst = 20,
		.find_node = no_visitor, .find_peer = find_peer,
		.is_own = is_own,
	};
	w.ha = ha_new(&w.config);
	w.fa = fa_new(&w.fa_config);
	return w.ha && w.fa ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	ha_free(w.ha);
	fa_free(w.fa);
	ha_changes_free(&w.changes);
	fa_changes_free(&w.fa_changes);
	auth_keys_free(w.keys.keys);
	return 0;
}

static struct mip_names names_of(const char *nai, const char *sub)
{
	return (struct mip_names){
		.nai = (const uint8_t *)nai, .nai_len = nai ? strlen(nai) : 0,
		.sub = (const uint8_t *)sub, .sub_len = sub ? strlen(sub) : 0,
	};
}

/* A request of that session, for an address if @home is NULL. */
static struct mip_writer request(const char *nai, const char *sub,
				 const char *home, uint16_t lifetime,
				 const struct sa_set *set)
{
	struct mip_names names = names_of(nai, sub);
	struct mip_msg msg = {
		.type = MIP_REQUEST, .lifetime = lifetime, .agent = addr(AGENT),
		.coa = addr(FOREIGN),
	};
	struct mip_writer m = { .len = 0 };

	w.now += 1000;
	msg.id = sa_timestamp(wall_at(w.now)) + w.random++;
	if (home)
		msg.home = addr(home);
	mip_put_message(&m, &msg);
	mip_put_names(&m, &naming, &names);
	sa_sign(&set->items[0], &m, MIP_MOBILE_HOME);
	return m;
}

static enum ha_drop ask_home(const struct mip_writer *m)
{
	struct ha_request in = {
		.data = m->buf, .len = m->len, .from = addr(FOREIGN),
		.from_port = 434, .to = addr(AGENT), .wall = wall_at(w.now),
	};
	enum ha_drop drop;

	ha_changes_reset(&w.changes);
	drop = ha_input(w.ha, w.now, &in, &w.reply, &w.changes);
	if (drop != HA_DROP_NONE)
		return drop;
	assert_int_equal(mip_decode(w.reply.w.buf, w.reply.w.len, &w.answer),
			 MIP_OK);
	assert_true(mip_get_names(&w.answer, &naming, &w.names));
	return drop;
}

/* The code of the answer. */
static int ask(const char *nai, const char *sub, const char *home,
	       uint16_t lifetime)
{
	struct mip_writer m = request(nai, sub, home, lifetime,
				      !strcmp(nai, NAI) ? &w.keys.mobile :
							  &w.keys.other);

	assert_int_equal(ask_home(&m), HA_DROP_NONE);
	return w.answer.code;
}

static void assert_answer(const char *home)
{
	char text[ROAM_ADDR_STRLEN];

	assert_string_equal(roam_addr_format(&w.answer.home, text), home);
}

/* ---- names ---- */

static const uint8_t vector[] = {
	0x83, 0x12, 'K', 'l', 'e', 'u', 'n', 'g', '@', 'e', 'x', 'a', 'm', 'p',
	'l', 'e', '.', 'c', 'o', 'm',
	0x86, 0x11, 0, 0, 0, 0, 0x7e, 0xd9, 0, 1, 'K', 'l', 'e', 'u', 'n', 'g',
	'P', 'C', '1',
};

static const uint8_t vector_both[] = {
	0x86, 0x24, 0, 0, 0, 0, 0x7e, 0xd9, 0, 2, 0x12, 'K', 'l', 'e', 'u', 'n',
	'g', '@', 'e', 'x', 'a', 'm', 'p', 'l', 'e', '.', 'c', 'o', 'm', 'K',
	'l', 'e', 'u', 'n', 'g', 'P', 'C', '1',
};

static void check_vector(const uint8_t *bytes, size_t len, bool both)
{
	struct mip_naming form = { .both = both };
	struct mip_names names = names_of(NAI, "KleungPC1"), read;
	struct mip_msg msg = { .type = MIP_REQUEST, .agent = addr(AGENT) };
	struct mip_writer m = { .len = 0 };

	mip_put_message(&m, &msg);
	mip_put_names(&m, &form, &names);
	assert_int_equal(m.len, MIP_REQUEST_LEN + len);
	assert_memory_equal(m.buf + MIP_REQUEST_LEN, bytes, len);
	assert_int_equal(mip_decode(m.buf, m.len, &msg), MIP_OK);
	assert_true(mip_get_names(&msg, &form, &read));
	assert_int_equal(read.nai_len, strlen(NAI));
	assert_memory_equal(read.nai, NAI, read.nai_len);
	assert_int_equal(read.sub_len, 9);
	assert_memory_equal(read.sub, "KleungPC1", 9);
}

static void vectors(void **state)
{
	(void)state;
	check_vector(vector, sizeof(vector), false);
	check_vector(vector_both, sizeof(vector_both), true);
}

static void grammar(void **state)
{
	static const char *const good[] = {
		"user@example.com", "@example.com", "ppp-user-17", "K",
		"01:23:45:67:89:ab", "j\xc3\xbcrgen@example.com",
	};
	static const char *const bad[] = {
		"", "a@", "a@b@c", "a@.com", "a@com.", "a b", "a\n", "\x7f",
		"\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80",
		"\xc2\x85",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_true(mip_nai_is_valid((const uint8_t *)good[i],
					     strlen(good[i])));
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(mip_nai_is_valid((const uint8_t *)bad[i],
					      strlen(bad[i])));
	assert_false(mip_sub_nai_is_valid((const uint8_t *)"", 0));
	assert_true(mip_sub_nai_is_valid((const uint8_t *)"a b", 3));
}

static void names_twice(void **state)
{
	struct mip_names names = names_of(NAI, "one"), read;
	struct mip_msg msg = { .type = MIP_REQUEST, .agent = addr(AGENT) };
	struct mip_writer m = { .len = 0 };

	(void)state;
	mip_put_message(&m, &msg);
	mip_put_names(&m, &naming, &names);
	mip_put_sub_nai(&m, &naming, (const uint8_t *)"two", 3);
	assert_int_equal(mip_decode(m.buf, m.len, &msg), MIP_OK);
	assert_false(mip_get_names(&msg, &naming, &read));
	sa_sign(&w.keys.mobile.items[0], &m, MIP_MOBILE_HOME);
	assert_int_equal(ask_home(&m), HA_DROP_MESSAGE);
}

/* ---- home agent ---- */

static void an_address_for_each(void **state)
{
	(void)state;
	assert_int_equal(ask(NAI, "KleungPC1", NULL, 600), MIP_ACCEPTED);
	assert_answer("10.0.0.100");
	assert_int_equal(w.names.nai_len, strlen(NAI));
	assert_memory_equal(w.names.sub, "KleungPC1", w.names.sub_len);
	assert_int_equal(w.changes.n, 1);
	assert_int_equal(w.changes.n_leases, 1);
	assert_int_equal(ask(NAI, "KleungPC2", NULL, 600), MIP_ACCEPTED);
	assert_answer("10.0.0.101");
	/* the same name under another NAI, and a NAI alone */
	assert_int_equal(ask(OTHER, "KleungPC1", NULL, 600), MIP_ACCEPTED);
	assert_answer("10.0.0.102");
	assert_int_equal(ask(OTHER, NULL, NULL, 600), MIP_ACCEPTED);
	assert_answer("10.0.0.103");
	assert_int_equal(ha_count(w.ha), 4);
	/* whoever registers again keeps what he has, asked for or not */
	assert_int_equal(ask(NAI, "KleungPC1", NULL, 600), MIP_ACCEPTED);
	assert_answer("10.0.0.100");
	assert_int_equal(w.changes.n_leases, 0);
	assert_int_equal(ask(NAI, "KleungPC2", "10.0.0.101", 600), MIP_ACCEPTED);
	assert_int_equal(ask(NAI, "KleungPC2", "10.0.0.100", 600), MIP_ACCEPTED);
	assert_answer("10.0.0.101");
	assert_int_equal(ha_count(w.ha), 4);
}

/* An agent with a key has one signed request, and says that it is of many sessions. */
static void one_request_makes_one_session(void **state)
{
	struct mip_naming form = { 0 };
	struct mip_writer one, m;
	const char *sub = "abc";

	(void)state;
	w.peers = true;
	one = request(NAI, NULL, NULL, 10800, &w.keys.mobile);
	for (int i = 0; i < 3; i++) {
		m = one;
		mip_put_sub_nai(&m, &form, (const uint8_t *)sub + i, 1);
		sa_sign(&w.keys.foreign.items[0], &m, MIP_FOREIGN_HOME);
		assert_int_equal(ask_home(&m), HA_DROP_NONE);
		assert_int_equal(w.answer.code, i ? MIP_HA_IDENTIFICATION :
						    MIP_ACCEPTED);
	}
	assert_int_equal(leases_count(ha_leases(w.ha)), 1);
	/* The next one of the node, or of another node of that name, makes another one. */
	m = request(NAI, NULL, NULL, 10800, &w.keys.mobile);
	mip_put_sub_nai(&m, &form, (const uint8_t *)"d", 1);
	sa_sign(&w.keys.foreign.items[0], &m, MIP_FOREIGN_HOME);
	assert_int_equal(ask_home(&m), HA_DROP_NONE);
	assert_int_equal(w.answer.code, MIP_ACCEPTED);
	assert_int_equal(leases_count(ha_leases(w.ha)), 2);
}

static void a_wrong_key_takes_nothing(void **state)
{
	struct mip_writer m = request(NAI, "a", NULL, 600, &w.keys.other);

	(void)state;
	if (ask_home(&m) == HA_DROP_NONE)
		assert_int_equal(w.answer.code, MIP_HA_MN_AUTH);
	assert_int_equal(leases_count(ha_leases(w.ha)), 0);
	assert_int_equal(ha_entries(w.ha), 0);
	m = request("nobody@example.com", "a", NULL, 600, &w.keys.mobile);
	assert_int_equal(ask_home(&m), HA_DROP_NODE);
	/* nor does an old request */
	m = request(NAI, "a", NULL, 600, &w.keys.mobile);
	w.now += 20000;
	assert_int_equal(ask_home(&m), HA_DROP_NONE);
	assert_int_equal(w.answer.code, MIP_HA_IDENTIFICATION);
	assert_int_equal(leases_count(ha_leases(w.ha)), 0);
	/* nor one for the address of another's session */
	assert_int_equal(ask(NAI, "a", NULL, 600), MIP_ACCEPTED);
	assert_int_equal(ask(OTHER, "b", "10.0.0.100", 600), MIP_HA_PROHIBITED);
	assert_int_equal(ask(OTHER, "b", "10.0.0.64", 600), MIP_ACCEPTED);
	assert_answer("10.0.0.64");
	assert_int_equal(ask(NAI, "c", "10.0.0.65", 600), MIP_HA_PROHIBITED);
}

static void exhausted(void **state)
{
	(void)state;
	assert_int_equal(ask(NAI, "1", NULL, 600), MIP_ACCEPTED);
	assert_int_equal(ask(NAI, "2", NULL, 600), MIP_ACCEPTED);
	assert_int_equal(ask(NAI, "3", NULL, 600), MIP_ACCEPTED);
	/* one NAI has a limit */
	assert_int_equal(ask(NAI, "4", NULL, 600), MIP_HA_RESOURCES);
	assert_int_equal(ask(OTHER, "1", NULL, 600), MIP_ACCEPTED);
	/* and the pool an end */
	assert_int_equal(ask(OTHER, "2", NULL, 600), MIP_HA_RESOURCES);
	assert_int_equal(ask(OTHER, "2", NULL, 600), MIP_HA_RESOURCES);
	assert_int_equal(leases_count(ha_leases(w.ha)), 4);
}

static void released(void **state)
{
	(void)state;
	assert_int_equal(ask(NAI, "1", NULL, 600), MIP_ACCEPTED);
	assert_int_equal(ask(NAI, "2", NULL, 600), MIP_ACCEPTED);
	assert_int_equal(ask(NAI, "3", NULL, 600), MIP_ACCEPTED);
	assert_int_equal(ask(OTHER, "1", NULL, 600), MIP_ACCEPTED);
	assert_int_equal(ask(NAI, "2", "10.0.0.101", 0), MIP_ACCEPTED);
	assert_int_equal(w.changes.n_leases, 1);
	assert_int_equal(ha_count(w.ha), 3);
	/* it rests, and is the session's own meanwhile */
	assert_int_equal(ask(OTHER, "2", NULL, 600), MIP_HA_RESOURCES);
	assert_int_equal(ask(NAI, "2", NULL, 600), MIP_ACCEPTED);
	assert_answer("10.0.0.101");
	assert_int_equal(ask(NAI, "2", "10.0.0.101", 0), MIP_ACCEPTED);
	w.now += 60000;
	ha_changes_reset(&w.changes);
	ha_expire(w.ha, w.now, &w.changes);
	assert_int_equal(w.changes.n_leases, 1);
	assert_int_equal(w.changes.leases[0].after.until, 0);
	assert_int_equal(ask(OTHER, "2", NULL, 600), MIP_ACCEPTED);
	assert_answer("10.0.0.101");
	/* the others went on; all end with their lifetime */
	assert_int_equal(ha_count(w.ha), 4);
	w.now += 600000;
	ha_expire(w.ha, w.now, &w.changes);
	assert_int_equal(ha_count(w.ha), 0);
	assert_int_equal(leases_count(ha_leases(w.ha)), 4);
	w.now += 60000;
	assert_int_equal(ha_expire(w.ha, w.now, &w.changes), MSEC_NEVER);
	assert_int_equal(leases_count(ha_leases(w.ha)), 0);
}

static void taken_back(void **state)
{
	(void)state;
	assert_int_equal(ask(NAI, "1", NULL, 600), MIP_ACCEPTED);
	ha_undo(w.ha, &w.changes);
	assert_int_equal(leases_count(ha_leases(w.ha)), 0);
	assert_int_equal(ha_entries(w.ha), 0);
	assert_int_equal(ask(NAI, "1", NULL, 600), MIP_ACCEPTED);
	assert_int_equal(ask(NAI, "1", NULL, 0), MIP_ACCEPTED);
	ha_undo(w.ha, &w.changes);
	assert_int_equal(ha_count(w.ha), 1);
	assert_int_equal(ask(OTHER, "1", NULL, 600), MIP_ACCEPTED);
	ha_changes_reset(&w.changes);
	assert_true(ha_end(w.ha, w.now, &w.answer.home, &w.changes));
	assert_int_equal(w.changes.n_leases, 1);
}

static void a_lease_is_written(void **state)
{
	struct lease lease, again;
	struct roam_addr at = addr("10.0.0.100");
	uint8_t buf[LEASE_LEN];
	size_t len, n;

	(void)state;
	assert_int_equal(ask(NAI, "KleungPC1", NULL, 600), MIP_ACCEPTED);
	assert_true(leases_at(ha_leases(w.ha), &at, &lease));
	len = lease_encode(&lease, 77, buf);
	assert_int_equal(lease_decode(buf, len, 77, &again), len);
	assert_memory_equal(&again, &lease, sizeof(lease));
	for (n = 0; n < len; n++)
		assert_int_equal(lease_decode(buf, n, 77, &again), 0);
	/* an address has one session, a session one address */
	again = lease;
	again.addr = addr("10.0.0.103");
	assert_false(leases_apply(ha_leases(w.ha), &again));
	assert_int_equal(leases_count(ha_leases(w.ha)), 1);
}

/* ---- foreign agent ---- */

static enum fa_drop visit(const struct mip_writer *m, uint8_t mac)
{
	struct fa_datagram in = {
		.data = m->buf, .len = m->len, .from_port = 434,
		.to = addr(FOREIGN), .link = 3, .ttl = 255,
		.mac = { 2, 0, 0, 0, 0, mac },
	};

	return fa_request(w.fa, w.now, &in, &w.send);
}

/* The request that was relayed goes to the home agent; its reply comes back. */
static int go_and_come(void)
{
	struct mip_writer relayed = w.send.w;
	struct fa_datagram in = { .from = addr(AGENT), .from_port = 434 };

	assert_int_equal(w.send.direction, FA_TO_AGENT);
	assert_int_equal(ask_home(&relayed), HA_DROP_NONE);
	in.data = w.reply.w.buf;
	in.len = w.reply.w.len;
	fa_changes_reset(&w.fa_changes);
	assert_int_equal(fa_reply(w.fa, w.now, &in, &w.send, &w.fa_changes),
			 FA_DROP_NONE);
	return w.send.code;
}

static void through_a_foreign_agent(void **state)
{
	struct mip_writer one = request(NAI, "1", NULL, 600, &w.keys.mobile);
	struct mip_writer two = request(NAI, "2", NULL, 600, &w.keys.mobile);
	struct roam_addr home = addr("10.0.0.100");
	struct mip_writer first;
	struct fa_visitor v, again;
	uint8_t buf[FA_VISITOR_MAX];
	size_t len;

	(void)state;
	assert_int_equal(visit(&one, 1), FA_DROP_NONE);
	first = w.send.w;
	assert_int_equal(visit(&two, 1), FA_DROP_NONE);
	assert_int_equal(fa_pending(w.fa), 2);
	/* the second answer comes first */
	assert_int_equal(go_and_come(), MIP_ACCEPTED);
	assert_true(fa_get(w.fa, &home, &v));
	assert_int_equal(v.sub_len, 1);
	assert_int_equal(v.names[v.nai_len], '2');
	w.send.w = first;
	w.send.direction = FA_TO_AGENT;
	/* which is by then not the newest of its node, but of another address */
	assert_int_equal(go_and_come(), MIP_ACCEPTED);
	home = addr("10.0.0.101");
	assert_true(fa_get(w.fa, &home, &v));
	assert_int_equal(v.names[v.nai_len], '1');
	assert_int_equal(fa_pending(w.fa), 0);
	assert_int_equal(fa_count(w.fa), 2);
	len = fa_visitor_encode(&v, 5, buf);
	assert_int_equal(fa_visitor_decode(buf, len, 5, &again), len);
	assert_memory_equal(&again, &v, sizeof(v));
	assert_int_equal(fa_visitor_decode(buf, len - 1, 5, &again), 0);
	/* the session ends, the other goes on */
	one = request(NAI, "1", "10.0.0.101", 0, &w.keys.mobile);
	assert_int_equal(visit(&one, 1), FA_DROP_NONE);
	w.nodes[0].prohibited = false;
	go_and_come();
	assert_int_equal(ha_count(w.ha), 1);
}

static void a_denial_finds_its_session(void **state)
{
	struct mip_writer m = request(NAI, "1", NULL, 600, &w.keys.mobile);

	(void)state;
	w.nodes[0].prohibited = true;
	assert_int_equal(visit(&m, 1), FA_DROP_NONE);
	assert_int_equal(go_and_come(), MIP_HA_PROHIBITED);
	assert_int_equal(fa_pending(w.fa), 0);
	assert_int_equal(fa_count(w.fa), 0);
	assert_int_equal(leases_count(ha_leases(w.ha)), 0);
	/* without a name there is nothing it could be found by */
	m = request(NULL, NULL, NULL, 600, &w.keys.mobile);
	assert_int_equal(visit(&m, 2), FA_DROP_NONE);
	assert_int_equal(w.send.code, MIP_FA_HOME_NONZERO);
}

static void limits_of_a_nai(void **state)
{
	struct mip_writer m;
	char sub[2] = "a";
	int i;

	(void)state;
	for (i = 0; i < 3; i++, sub[0]++) {
		m = request(NAI, sub, NULL, 600, &w.keys.mobile);
		assert_int_equal(visit(&m, 1), FA_DROP_NONE);
		assert_int_equal(go_and_come(), MIP_ACCEPTED);
	}
	m = request(NAI, "d", NULL, 600, &w.keys.mobile);
	assert_int_equal(visit(&m, 1), FA_DROP_NONE);
	assert_int_equal(w.send.code, MIP_FA_RESOURCES);
	/* another NAI is not concerned */
	m = request(OTHER, "d", NULL, 600, &w.keys.other);
	assert_int_equal(visit(&m, 1), FA_DROP_NONE);
	assert_int_equal(go_and_come(), MIP_ACCEPTED);
	/* 20 at once, then one each 6 s; the clock goes on by 1 s for each */
	for (i = 0; i < 40; i++) {
		m = request(OTHER, "d", "10.0.0.103", 600, &w.keys.other);
		if (visit(&m, 1) != FA_DROP_NONE ||
		    w.send.direction != FA_TO_AGENT)
			break;
	}
	assert_in_range(i, 19, 24);
	/* under the same name, from elsewhere */
	m = request(OTHER, "e", NULL, 600, &w.keys.other);
	assert_int_equal(visit(&m, 9), FA_DROP_NONE);
	assert_int_equal(w.send.direction, FA_TO_AGENT);
}

static void the_agent_names_it(void **state)
{
	struct mip_writer m = request(NAI, NULL, NULL, 600, &w.keys.mobile);
	struct lease lease;

	(void)state;
	w.link.sub_nai = true;
	w.peers = true;
	assert_int_equal(visit(&m, 7), FA_DROP_NONE);
	assert_int_equal(go_and_come(), MIP_ACCEPTED);
	assert_true(leases_at(ha_leases(w.ha), &w.answer.home, &lease));
	assert_int_equal(lease.sub_len, 17);
	assert_memory_equal(lease.names + lease.nai_len, "02:00:00:00:00:07", 17);
	/* what the home agent does not trust, it does not take */
	m = request(NAI, NULL, NULL, 600, &w.keys.mobile);
	w.peers = false;
	mip_put_sub_nai(&m, &naming, (const uint8_t *)"forged", 6);
	assert_int_equal(ask_home(&m), HA_DROP_NONE);
	assert_int_equal(w.answer.code, MIP_HA_FA_AUTH);
	assert_int_equal(leases_count(ha_leases(w.ha)), 1);
}


#define TEST(n, f) { .name = n, .test_func = f, .setup_func = setup, \
		     .teardown_func = teardown }

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("SES-04 SES-09 SES-10 SES-37: names in two extensions, or in one",
		     vectors),
		TEST("SEC-24: a foreign agent makes one session of one signed request",
		     one_request_makes_one_session),
		TEST("SES-03: what a NAI is", grammar),
		TEST("SES-09 OPEN-35: a name that is there twice", names_twice),
		TEST("SES-04 SES-06 SES-12 SES-15 SES-16 SES-18 SES-19 SES-22 SES-23 SES-24 SES-34 SES-35: each session has an address, and keeps it",
		     an_address_for_each),
		TEST("SES-14 SES-17 SES-39: a wrong key, an old request, another's address take nothing",
		     a_wrong_key_takes_nothing),
		TEST("SES-16 OPEN-32: a NAI has a limit, the pool an end", exhausted),
		TEST("SES-26 SES-33 SES-35: an address is given to another after it rested",
		     released),
		TEST("SES-18: what the store refused is taken back; the operator ends a session",
		     taken_back),
		TEST("SES-18 SES-32: a lease is written and read",
		     a_lease_is_written),
		TEST("SES-13 SES-20 SES-28 SES-29 TEN-25: replies cross, and find their sessions",
		     through_a_foreign_agent),
		TEST("TEN-25: a denial finds its session", a_denial_finds_its_session),
		TEST("SES-30: a NAI has so many sessions and requests", limits_of_a_nai),
		TEST("SES-11 TEN-24: the foreign agent names the session, if it is trusted",
		     the_agent_names_it),
	};

	return cmocka_run_group_tests_name("sessions", tests, NULL, NULL);
}
