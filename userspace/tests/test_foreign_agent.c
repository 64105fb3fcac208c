// SPDX-License-Identifier: GPL-2.0-or-later
#include "mip_test.h"

#include "core/foreign_agent.h"

#define LINK 7
#define FA_LOCAL "192.0.2.254"

/**
 * struct world - a foreign agent with one link
 * @keys: of all
 * @links: its links
 * @peer: @keys.foreign belongs to the home agent
 * @node: @keys.visitor belongs to the node
 * @fa: the core
 * @now: the time
 * @changes: of the last call
 * @send: what was to be sent
 * @out: the same, decoded
 * @n_denied: by fa_expire() or fa_unreachable()
 * @last: the last of them
 * @n_unanswered: requests that ended without a reply
 * @unanswered: the last of them
 */
static struct world {
	struct test_keys keys;
	struct fa_link links[1];
	bool peer;
	bool node;
	bool prohibited;
	struct fa_config config;
	struct fa *fa;
	msec_t now;
	struct fa_changes changes;
	struct fa_send send;
	struct mip_msg out;
	size_t n_denied;
	uint8_t last;
	size_t n_unanswered;
	struct fa_visitor unanswered;
} w;

static const uint8_t mac_a[6] = { 2, 0, 0, 0, 0, 0xa };
static const uint8_t mac_b[6] = { 2, 0, 0, 0, 0, 0xb };
static const uint8_t mac_c[6] = { 2, 0, 0, 0, 0, 0xc };

static const struct sa_set *find_node(void *ctx, const struct roam_addr *home)
{
	(void)ctx;
	(void)home;
	return w.node ? &w.keys.visitor : NULL;
}

static const struct sa_set *find_peer(void *ctx, const struct roam_addr *agent)
{
	(void)ctx;
	(void)agent;
	return w.peer ? &w.keys.foreign : NULL;
}

static bool is_own(void *ctx, const struct roam_addr *a)
{
	struct roam_addr own = addr(FA_LOCAL);

	(void)ctx;
	return roam_addr_eq(a, &own);
}

static bool is_allowed(void *ctx, const struct roam_addr *agent)
{
	(void)ctx;
	(void)agent;
	return !w.prohibited;
}

static void on_unanswered(void *ctx, const struct fa_visitor *request)
{
	(void)ctx;
	w.n_unanswered++;
	w.unanswered = *request;
}

static int setup(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	test_keys_make(&w.keys);
	w.now = START;
	w.links[0] = (struct fa_link){
		.index = LINK, .addr = addr(FA_LOCAL), .coa = addr(FOREIGN),
		.lifetime_max = 600, .gre = true, .minimal = true,
		.reverse = true, .encapsulating = true,
	};
	w.config = (struct fa_config){
		.links = w.links, .n_links = 1, .pending_max = 20,
		.pending_timeout = FA_PENDING_TIMEOUT, .visitors_max = 2,
		.find_node = find_node, .find_peer = find_peer,
		.is_own = is_own, .is_allowed = is_allowed,
		.unanswered = on_unanswered,
	};
	w.fa = fa_new(&w.config);
	return w.fa ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	fa_free(w.fa);
	fa_changes_free(&w.changes);
	auth_keys_free(w.keys.keys);
	return 0;
}

static void on_send(void *ctx, const struct fa_send *send)
{
	(void)ctx;
	w.n_denied++;
	w.last = send->code;
}

static void decode_out(void)
{
	assert_int_equal(mip_decode(w.send.w.buf, w.send.w.len, &w.out), MIP_OK);
}

static enum fa_drop request_by(const struct mip_writer *m, const uint8_t *mac,
			       uint8_t ttl)
{
	struct fa_datagram in = {
		.data = m->buf, .len = m->len, .from = addr(HOME),
		.from_port = 4434, .to = addr(FA_LOCAL), .link = LINK,
		.ttl = ttl,
	};
	enum fa_drop drop;

	assert_false(m->full);
	memcpy(in.mac, mac, 6);
	memset(&w.send, 0xee, sizeof(w.send));
	drop = fa_request(w.fa, w.now, &in, &w.send);
	if (drop == FA_DROP_NONE)
		decode_out();
	return drop;
}

/* Code of the denial; -1: it was relayed. */
static int ask(const struct mip_msg *msg)
{
	struct mip_writer m = signed_by(msg, &w.keys.mobile);

	if (w.node)
		sa_sign(&w.keys.visitor.items[0], &m, MIP_MOBILE_FOREIGN);
	/* so that no denial is left out */
	w.now += 1000;
	assert_int_equal(request_by(&m, mac_a, 255), FA_DROP_NONE);
	if (w.send.direction == FA_TO_AGENT)
		return -1;
	assert_int_equal(w.out.type, MIP_REPLY);
	assert_int_equal(w.send.code, w.out.code);
	return w.out.code;
}

static enum fa_drop reply_by(const struct mip_writer *m, const char *from)
{
	struct fa_datagram in = {
		.data = m->buf, .len = m->len, .from = addr(from),
		.from_port = 434, .to = addr(FOREIGN), .link = 1,
	};
	enum fa_drop drop;

	fa_changes_reset(&w.changes);
	memset(&w.send, 0xee, sizeof(w.send));
	drop = fa_reply(w.fa, w.now, &in, &w.send, &w.changes);
	if (drop == FA_DROP_NONE)
		decode_out();
	return drop;
}

static struct mip_writer reply_to(const struct mip_msg *request, uint8_t code,
				  uint16_t lifetime)
{
	struct mip_msg msg = {
		.type = MIP_REPLY, .code = code, .lifetime = lifetime,
		.home = request->home, .agent = request->agent,
		.id = request->id,
	};
	struct mip_writer m = signed_by(&msg, &w.keys.mobile);

	if (w.peer)
		sa_sign(&w.keys.foreign.items[0], &m, MIP_FOREIGN_HOME);
	return m;
}

static struct mip_msg registered(void)
{
	struct mip_msg msg = request_at(w.now, FOREIGN, 300);
	struct mip_writer m;

	assert_int_equal(ask(&msg), -1);
	m = reply_to(&msg, MIP_ACCEPTED, 300);
	assert_int_equal(reply_by(&m, AGENT), FA_DROP_NONE);
	return msg;
}

static bool visitor(struct fa_visitor *v)
{
	struct roam_addr home = addr(HOME);

	return fa_get(w.fa, &home, v);
}

static void relayed_both_ways(void **state)
{
	struct mip_msg msg = request_at(w.now, FOREIGN, 300);
	struct mip_writer m = signed_by(&msg, &w.keys.mobile);
	size_t covered = m.len;
	struct fa_visitor v;

	(void)state;
	/* what is for the foreign agent only does not go on */
	mip_put_extension(&m, MIP_VENDOR, "\0\0\0\0\0\x9\0\1", 8);
	assert_int_equal(request_by(&m, mac_a, 64), FA_DROP_NONE);
	assert_int_equal(w.send.direction, FA_TO_AGENT);
	assert_addr(w.send.from, FOREIGN);
	assert_addr(w.send.to, AGENT);
	assert_int_equal(w.send.port, 434);
	assert_int_equal(w.send.w.len, covered);
	assert_memory_equal(w.send.w.buf, m.buf, covered);
	assert_int_equal(fa_pending(w.fa), 1);
	assert_false(visitor(&v));

	m = reply_to(&msg, MIP_ACCEPTED, 200);
	covered = m.len;
	mip_put_extension(&m, MIP_VENDOR, "\0\0\0\0\0\x9\0\1", 8);
	assert_int_equal(reply_by(&m, AGENT), FA_DROP_NONE);
	assert_int_equal(w.send.direction, FA_TO_NODE);
	assert_addr(w.send.from, FA_LOCAL);
	assert_addr(w.send.to, HOME);
	assert_int_equal(w.send.port, 4434);
	assert_int_equal(w.send.link, LINK);
	assert_memory_equal(w.send.mac, mac_a, 6);
	assert_int_equal(w.send.w.len, covered);
	assert_memory_equal(w.send.w.buf, m.buf, covered);
	assert_int_equal(fa_pending(w.fa), 0);

	assert_true(visitor(&v));
	assert_int_equal(w.changes.n, 1);
	assert_addr(v.home, HOME);
	assert_addr(v.source, HOME);
	assert_addr(v.coa, FOREIGN);
	assert_addr(v.agent, AGENT);
	assert_int_equal(v.requested, 300);
	assert_int_equal(v.lifetime, 200);
	assert_int_equal(v.expires, w.now + 200000);
	assert_int_equal(v.flags, 0);
	assert_true(v.id == msg.id);
	assert_int_equal(v.spi, SPI_MOBILE);
	assert_int_equal(v.port, 4434);
	assert_memory_equal(v.mac, mac_a, 6);
}

static void pending_is_apart(void **state)
{
	struct mip_msg old = registered(), msg;
	struct fa_visitor v, before;
	struct mip_writer m;

	(void)state;
	visitor(&before);
	msg = request_at(w.now + 5000, FOREIGN, 0);
	msg.coa = addr(HOME);
	assert_int_equal(ask(&msg), -1);
	assert_true(visitor(&v));
	assert_memory_equal(&v, &before, sizeof(v));
	m = reply_to(&msg, MIP_HA_IDENTIFICATION, 0);
	assert_int_equal(reply_by(&m, AGENT), FA_DROP_NONE);
	assert_int_equal(w.out.code, 133);
	assert_true(visitor(&v));
	assert_memory_equal(&v, &before, sizeof(v));
	assert_int_equal(w.changes.n, 0);
	/* now it is accepted */
	msg.id += 1ULL << 32;
	assert_int_equal(ask(&msg), -1);
	m = reply_to(&msg, MIP_ACCEPTED, 0);
	assert_int_equal(reply_by(&m, AGENT), FA_DROP_NONE);
	assert_false(visitor(&v));
	assert_true(w.changes.items[0].existed);
	assert_false(w.changes.items[0].exists);
	assert_int_equal(fa_count(w.fa), 0);
	(void)old;
}

static void an_old_care_of_address_ends(void **state)
{
	struct mip_msg msg;
	struct fa_visitor v;
	struct mip_writer m;

	(void)state;
	registered();
	/* through us, but of another foreign agent's address */
	msg = request_at(w.now + 5000, FOREIGN2, 0);
	assert_int_equal(ask(&msg), -1);
	m = reply_to(&msg, MIP_ACCEPTED, 0);
	assert_int_equal(reply_by(&m, AGENT), FA_DROP_NONE);
	assert_true(visitor(&v));
}

/* Whose agent a request names is the sender's choice, and the agent may be the sender. */
static void another_agent_has_no_say(void **state)
{
	const char *other = "203.0.113.66";
	struct fa_visitor v, before;
	struct mip_writer early, m;
	struct mip_msg msg, first;

	(void)state;
	/* one that is on its way before he comes */
	first = request_at(w.now + 3000, FOREIGN, 300);
	first.agent = addr(other);
	first.id++;
	m = signed_by(&first, &w.keys.other);
	assert_int_equal(request_by(&m, mac_b, 255), FA_DROP_NONE);
	early = reply_to(&first, MIP_ACCEPTED, 300);
	registered();
	assert_true(visitor(&before));
	assert_int_equal(reply_by(&early, other), FA_DROP_NONE);
	assert_int_equal(w.out.code, MIP_FA_REPLY);
	/* and later ones: from wherever it comes, for as long as it wants */
	msg = request_at(w.now + 5000, FOREIGN, 300);
	msg.agent = addr(other);
	assert_int_equal(ask(&msg), -1);
	m = reply_to(&msg, MIP_ACCEPTED, 300);
	assert_int_equal(reply_by(&m, other), FA_DROP_NONE);
	assert_int_equal(w.out.code, MIP_FA_REPLY);
	/* a denial goes through: it may name the agent that the visitor has */
	msg.id += 1ULL << 32;
	assert_int_equal(ask(&msg), -1);
	m = reply_to(&msg, MIP_HA_UNKNOWN_AGENT, 0);
	assert_int_equal(reply_by(&m, other), FA_DROP_NONE);
	assert_int_equal(w.out.code, MIP_HA_UNKNOWN_AGENT);
	for (int i = 0; i < 2; i++) {
		msg.id += 1ULL << 32;
		msg.lifetime = 0;
		msg.coa = addr(i ? FOREIGN : HOME);
		assert_int_equal(ask(&msg), -1);
		m = reply_to(&msg, MIP_ACCEPTED, 0);
		assert_int_equal(reply_by(&m, other), FA_DROP_NONE);
		assert_int_equal(w.out.code, MIP_ACCEPTED);
	}
	assert_true(visitor(&v));
	assert_memory_equal(&v, &before, sizeof(v));
	/* the node itself may: with our key, or when its registration is over */
	w.node = true;
	msg = request_at(w.now + 9000, FOREIGN, 300);
	msg.agent = addr(other);
	assert_int_equal(ask(&msg), -1);
	m = reply_to(&msg, MIP_ACCEPTED, 300);
	assert_int_equal(reply_by(&m, other), FA_DROP_NONE);
	assert_true(visitor(&v));
	assert_addr(v.agent, other);
	w.node = false;
	w.now = v.expires;
	msg = request_at(w.now, FOREIGN, 300);
	assert_int_equal(ask(&msg), -1);
	m = reply_to(&msg, MIP_ACCEPTED, 300);
	assert_int_equal(reply_by(&m, AGENT), FA_DROP_NONE);
	assert_true(visitor(&v));
	assert_addr(v.agent, AGENT);
}

/* The room is for many: who names many nodes has a part of it, and loses his own oldest. */
static void one_sender_has_a_part_of_the_room(void **state)
{
	struct mip_msg msg = request_at(w.now, FOREIGN, 60);
	struct roam_addr first = addr("10.0.9.1"), last = addr("10.0.9.100");
	struct fa_visitor v;
	struct mip_writer m;

	(void)state;
	for (unsigned int i = 1; i <= 100; i++) {
		msg.home = first;
		msg.home.b[15] = (uint8_t)i;
		m = signed_by(&msg, &w.keys.mobile);
		assert_int_equal(request_by(&m, mac_b, 64), FA_DROP_NONE);
		assert_int_equal(w.send.direction, FA_TO_AGENT);
	}
	assert_int_equal(fa_pending(w.fa), FA_PENDING_PER_NODE);
	assert_false(fa_get_pending(w.fa, &first, (uint32_t)msg.id, &v));
	assert_true(fa_get_pending(w.fa, &last, (uint32_t)msg.id, &v));
	msg = request_at(w.now, FOREIGN, 60);
	m = signed_by(&msg, &w.keys.mobile);
	assert_int_equal(request_by(&m, mac_a, 64), FA_DROP_NONE);
	assert_int_equal(w.send.direction, FA_TO_AGENT);
	assert_int_equal(fa_pending(w.fa), FA_PENDING_PER_NODE + 1);
	/* When it is full for all, who has none waits, and who has some makes room. */
	w.config.pending_max = FA_PENDING_PER_NODE + 1;
	fa_configure(w.fa, &w.config);
	msg.home = first;
	m = signed_by(&msg, &w.keys.mobile);
	assert_int_equal(request_by(&m, mac_c, 64), FA_DROP_NONE);
	assert_int_equal(w.out.code, MIP_FA_RESOURCES);
	assert_int_equal(request_by(&m, mac_b, 64), FA_DROP_NONE);
	assert_int_equal(w.send.direction, FA_TO_AGENT);
	assert_int_equal(fa_pending(w.fa), FA_PENDING_PER_NODE + 1);
	w.now += FA_PENDING_TIMEOUT;
	fa_expire(w.fa, w.now, on_send, NULL, &w.changes);
	assert_int_equal(fa_pending(w.fa), 0);
	assert_int_equal(w.n_denied, FA_PENDING_PER_NODE + 1);
}

/*
 * SEC-31: each request that somebody else may have been told of ends by a reply, or is
 * said to have ended: when its sender has too many, when there is no way, by its time.
 */
static void unanswered_requests(void **state)
{
	struct mip_msg msg = request_at(w.now, FOREIGN, 60), first = msg;
	struct roam_addr agent = addr(AGENT);
	struct fa_visitor v;
	struct mip_writer m;

	(void)state;
	/* one node's, its third one by the same sender */
	for (unsigned int i = 0; i <= FA_PENDING_PER_SENDER; i++) {
		assert_int_equal(w.n_unanswered, 0);
		msg = request_at(w.now + 10 * (msec_t)i, FOREIGN, 60);
		m = signed_by(&msg, &w.keys.mobile);
		assert_int_equal(request_by(&m, mac_a, 64), FA_DROP_NONE);
	}
	assert_int_equal(w.n_unanswered, 1);
	assert_true(w.unanswered.id == first.id);
	assert_false(fa_get_pending(w.fa, &first.home, (uint32_t)first.id, &v));
	/* once more the same is the same */
	assert_int_equal(request_by(&m, mac_a, 64), FA_DROP_NONE);
	assert_int_equal(w.n_unanswered, 1);
	/* a sender's, of many nodes */
	for (unsigned int i = 0; i < 10; i++) {
		msg.home.b[15]++;
		m = signed_by(&msg, &w.keys.mobile);
		assert_int_equal(request_by(&m, mac_b, 64), FA_DROP_NONE);
	}
	assert_int_equal(w.n_unanswered, 1 + 10 - FA_PENDING_PER_NODE);
	assert_int_equal(fa_pending(w.fa), 2 + FA_PENDING_PER_NODE);
	/* one is answered, which is no such end */
	m = reply_to(&msg, MIP_ACCEPTED, 60);
	assert_int_equal(reply_by(&m, AGENT), FA_DROP_NONE);
	assert_int_equal(w.n_unanswered, 1 + 10 - FA_PENDING_PER_NODE);
	/* the others by their time, or as their home agent cannot be reached */
	w.n_unanswered = 0;
	w.now += FA_PENDING_TIMEOUT - 1;
	msg.home.b[15]++;
	m = signed_by(&msg, &w.keys.mobile);
	assert_int_equal(request_by(&m, mac_c, 64), FA_DROP_NONE);
	fa_expire(w.fa, w.now + 1, on_send, NULL, &w.changes);
	assert_int_equal(w.n_unanswered, 1 + FA_PENDING_PER_NODE);
	fa_unreachable(w.fa, w.now + 1, &agent, MIP_FA_NET_UNREACHABLE, on_send,
		       NULL);
	assert_int_equal(w.n_unanswered, 2 + FA_PENDING_PER_NODE);
	assert_true(roam_addr_eq(&w.unanswered.home, &msg.home));
	assert_int_equal(fa_pending(w.fa), 0);
}

static void it_ends(void **state)
{
	struct fa_visitor v;

	(void)state;
	registered();
	assert_int_equal(fa_next(w.fa), w.now + 300000);
	fa_changes_reset(&w.changes);
	fa_expire(w.fa, w.now + 300000, on_send, NULL, &w.changes);
	assert_false(visitor(&v));
	assert_int_equal(w.changes.n, 1);
	assert_int_equal(w.n_denied, 0);
	assert_int_equal(fa_next(w.fa), MSEC_NEVER);
}

static void denied(void **state)
{
	static const struct {
		uint8_t flags;
		uint16_t lifetime;
		const char *home, *agent, *coa;
		int code;
	} cases[] = {
		{ MIP_RESERVED, 60, HOME, AGENT, FOREIGN, MIP_FA_REQUEST },
		{ MIP_COMPRESSION, 60, HOME, AGENT, FOREIGN, MIP_FA_COMPRESSION },
		{ 0, 60, HOME, AGENT, "203.0.113.1", MIP_FA_CARE_OF },
		{ 0, 0, HOME, AGENT, "203.0.113.1", -1 },
		{ MIP_DECAPSULATES, 60, HOME, AGENT, "203.0.113.1", -1 },
		{ 0, 601, HOME, AGENT, FOREIGN, MIP_FA_LIFETIME },
		{ 0, 60, "", AGENT, FOREIGN, MIP_FA_HOME_NONZERO },
		{ 0, 60, "224.0.0.1", AGENT, FOREIGN, MIP_FA_REQUEST },
		{ 0, 60, HOME, FA_LOCAL, FOREIGN, MIP_FA_AGENT_INVALID },
		{ 0, 60, HOME, "", FOREIGN, MIP_FA_AGENT_INVALID },
		{ 0, 60, HOME, "255.255.255.255", FOREIGN, MIP_FA_AGENT_INVALID },
	};
	struct mip_msg msg;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		msg = request_at(w.now, cases[i].coa, cases[i].lifetime);
		msg.flags = cases[i].flags;
		msg.home = addr(cases[i].home);
		msg.agent = addr(cases[i].agent);
		if (ask(&msg) != cases[i].code)
			fail_msg("case %zu: code %d", i, w.send.code);
		if (cases[i].code < 0)
			fa_delete_pending(w.fa, &msg.home, msg.id);
		assert_int_equal(fa_pending(w.fa), 0);
	}
	/* 69 says how long would do */
	msg = request_at(w.now, FOREIGN, 601);
	assert_int_equal(ask(&msg), MIP_FA_LIFETIME);
	assert_int_equal(w.out.lifetime, 600);
	assert_true(w.out.id == msg.id);
	w.prohibited = true;
	msg = request_at(w.now, FOREIGN, 60);
	assert_int_equal(ask(&msg), MIP_FA_PROHIBITED);
}

static void denied_encapsulation(void **state)
{
	static const uint8_t flags[] = { MIP_GRE, MIP_MINIMAL };
	struct mip_msg msg;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		w.links[0].gre = w.links[0].minimal = true;
		msg = request_at(w.now, FOREIGN, 60);
		msg.flags = flags[i];
		assert_int_equal(ask(&msg), -1);
		w.links[0].gre = w.links[0].minimal = false;
		msg.id += 1ULL << 32;
		assert_int_equal(ask(&msg), MIP_FA_ENCAPSULATION);
	}
}

static void reverse_tunnels(void **state)
{
	struct mip_msg msg = request_at(w.now, FOREIGN, 60);
	struct mip_writer m;
	struct fa_visitor v;

	(void)state;
	msg.flags = MIP_REVERSE;
	m = signed_by(&msg, &w.keys.mobile);
	assert_int_equal(request_by(&m, mac_a, 254), FA_DROP_NONE);
	assert_int_equal(w.out.code, MIP_FA_TOO_DISTANT);
	assert_int_equal(ask(&msg), -1);
	m = reply_to(&msg, MIP_ACCEPTED, 60);
	assert_int_equal(reply_by(&m, AGENT), FA_DROP_NONE);
	assert_true(visitor(&v));
	assert_int_equal(v.reverse, FA_REVERSE_DIRECT);
	/* the delivery style is for us and stays here */
	w.now += 1000;
	msg.id += 1ULL << 33;
	m = signed_by(&msg, &w.keys.mobile);
	mip_put_extension(&m, MIP_ENCAPSULATING_DELIVERY, NULL, 0);
	assert_int_equal(request_by(&m, mac_a, 255), FA_DROP_NONE);
	assert_int_equal(w.send.direction, FA_TO_AGENT);
	assert_null(mip_find(&w.out, MIP_ENCAPSULATING_DELIVERY, NULL));
	m = reply_to(&msg, MIP_ACCEPTED, 60);
	assert_int_equal(reply_by(&m, AGENT), FA_DROP_NONE);
	visitor(&v);
	assert_int_equal(v.reverse, FA_REVERSE_ENCAPSULATING);
	w.links[0].encapsulating = false;
	w.now += 1000;
	msg.id += 1ULL << 33;
	m = signed_by(&msg, &w.keys.mobile);
	mip_put_extension(&m, MIP_ENCAPSULATING_DELIVERY, NULL, 0);
	assert_int_equal(request_by(&m, mac_a, 255), FA_DROP_NONE);
	assert_int_equal(w.out.code, MIP_FA_DELIVERY);
	w.links[0].reverse = false;
	assert_int_equal(ask(&msg), MIP_FA_NO_REVERSE);
	w.links[0].reverse = w.links[0].reverse_only = true;
	msg.flags = 0;
	assert_int_equal(ask(&msg), MIP_FA_REVERSE_MANDATORY);
}

static void node_authentication(void **state)
{
	struct mip_msg msg = request_at(w.now, FOREIGN, 60);
	const struct mip_extension *e;
	struct mip_writer m, reply;
	const struct sa *sa;

	(void)state;
	w.node = true;
	m = signed_by(&msg, &w.keys.mobile);
	assert_int_equal(request_by(&m, mac_a, 64), FA_DROP_NONE);
	assert_int_equal(w.out.code, 67);
	assert_int_equal(sa_check(&w.keys.visitor, &w.out, MIP_MOBILE_FOREIGN,
				  &sa, &e), SA_VALID);
	w.now += 1000;
	sa_sign(&w.keys.other.items[0], &m, MIP_MOBILE_FOREIGN);
	assert_int_equal(request_by(&m, mac_a, 64), FA_DROP_NONE);
	assert_int_equal(w.out.code, MIP_FA_MN_AUTH);
	assert_int_equal(ask(&msg), -1);
	assert_null(mip_find(&w.out, MIP_MOBILE_FOREIGN, NULL));
	reply = reply_to(&msg, MIP_ACCEPTED, 60);
	assert_int_equal(reply_by(&reply, AGENT), FA_DROP_NONE);
	assert_int_equal(sa_check(&w.keys.visitor, &w.out, MIP_MOBILE_FOREIGN,
				  &sa, &e), SA_VALID);
}

static void agent_authentication(void **state)
{
	struct mip_msg msg = request_at(w.now, FOREIGN, 60);
	const struct mip_extension *e;
	struct fa_visitor v;
	struct mip_writer m;
	const struct sa *sa;

	(void)state;
	w.peer = true;
	assert_int_equal(ask(&msg), -1);
	assert_int_equal(sa_check(&w.keys.foreign, &w.out, MIP_FOREIGN_HOME,
				  &sa, &e), SA_VALID);
	m = reply_to(&msg, MIP_ACCEPTED, 60);
	m.buf[m.len - 1] ^= 1;
	assert_int_equal(reply_by(&m, AGENT), FA_DROP_NONE);
	assert_int_equal(w.out.code, 68);
	assert_false(visitor(&v));
	/* missing */
	assert_int_equal(ask(&msg), -1);
	w.peer = false;
	m = reply_to(&msg, MIP_ACCEPTED, 60);
	w.peer = true;
	assert_int_equal(reply_by(&m, AGENT), FA_DROP_NONE);
	assert_int_equal(w.out.code, MIP_FA_HA_AUTH);
	assert_int_equal(ask(&msg), -1);
	m = reply_to(&msg, MIP_ACCEPTED, 60);
	assert_int_equal(reply_by(&m, AGENT), FA_DROP_NONE);
	assert_int_equal(w.out.code, MIP_ACCEPTED);
	assert_null(mip_find(&w.out, MIP_FOREIGN_HOME, NULL));
	assert_true(visitor(&v));
	/* a de-registration is not signed for the home agent */
	msg.lifetime = 0;
	msg.id += 1ULL << 33;
	assert_int_equal(ask(&msg), -1);
	assert_null(mip_find(&w.out, MIP_FOREIGN_HOME, NULL));
}

static void bad_replies(void **state)
{
	struct mip_vendor vendor = { .vendor = 9 };
	struct mip_msg msg = request_at(w.now, FOREIGN, 60);
	struct mip_msg other;
	struct fa_visitor v;
	struct mip_writer m;

	(void)state;
	assert_int_equal(ask(&msg), -1);
	m = reply_to(&msg, MIP_ACCEPTED, 60);
	assert_int_equal(reply_by(&m, "203.0.113.66"), FA_DROP_AGENT);
	m.buf[19] ^= 1;
	assert_int_equal(reply_by(&m, AGENT), FA_DROP_UNASKED);
	other = msg;
	other.home = addr("10.0.0.6");
	m = reply_to(&other, MIP_ACCEPTED, 60);
	assert_int_equal(reply_by(&m, AGENT), FA_DROP_UNASKED);
	assert_int_equal(fa_pending(w.fa), 1);
	/* without the home agent's word to the node */
	m = reply_to(&msg, MIP_ACCEPTED, 60);
	m.len = MIP_REPLY_LEN;
	assert_int_equal(reply_by(&m, AGENT), FA_DROP_NONE);
	assert_int_equal(w.out.code, 71);
	assert_false(visitor(&v));
	/* cut in an extension */
	assert_int_equal(ask(&msg), -1);
	m = reply_to(&msg, MIP_ACCEPTED, 60);
	m.len--;
	assert_int_equal(reply_by(&m, AGENT), FA_DROP_NONE);
	assert_int_equal(w.out.code, MIP_FA_REPLY);
	assert_int_equal(ask(&msg), -1);
	m = reply_to(&msg, MIP_ACCEPTED, 60);
	mip_put_vendor(&m, MIP_CRITICAL_VENDOR, &vendor);
	assert_int_equal(reply_by(&m, AGENT), FA_DROP_NONE);
	assert_int_equal(w.out.code, 101);
	assert_int_equal(ask(&msg), -1);
	other = msg;
	other.agent = addr("");
	m = reply_to(&other, MIP_ACCEPTED, 60);
	assert_int_equal(reply_by(&m, AGENT), FA_DROP_NONE);
	assert_int_equal(w.out.code, 98);
	assert_false(visitor(&v));
	assert_int_equal(w.changes.n, 0);
	/* the second copy of a reply */
	registered();
	m = reply_to(&msg, MIP_ACCEPTED, 60);
	assert_int_equal(reply_by(&m, AGENT), FA_DROP_UNASKED);
	/* an agent cannot grant more than was asked for */
	w.now += 1000;
	msg.id += 1ULL << 34;
	assert_int_equal(ask(&msg), -1);
	m = reply_to(&msg, MIP_ACCEPTED, 9000);
	assert_int_equal(reply_by(&m, AGENT), FA_DROP_NONE);
	assert_true(visitor(&v));
	assert_int_equal(v.lifetime, 60);
}

static void timeout(void **state)
{
	struct mip_msg msg = request_at(w.now, FOREIGN, 60);
	struct mip_writer m;

	(void)state;
	assert_int_equal(ask(&msg), -1);
	fa_changes_reset(&w.changes);
	fa_expire(w.fa, w.now + 6999, on_send, NULL, &w.changes);
	assert_int_equal(w.n_denied, 0);
	fa_expire(w.fa, w.now + 7000, on_send, NULL, &w.changes);
	assert_int_equal(w.n_denied, 1);
	assert_int_equal(w.last, 78);
	assert_int_equal(fa_pending(w.fa), 0);
	m = reply_to(&msg, MIP_ACCEPTED, 60);
	assert_int_equal(reply_by(&m, AGENT), FA_DROP_UNASKED);
}

static void unreachable(void **state)
{
	static const uint8_t codes[] = { 80, 81, 82, 88 };
	struct mip_msg msg, other;
	struct roam_addr agent = addr(AGENT);
	size_t i;

	(void)state;
	for (i = 0; i < 4; i++) {
		msg = request_at(w.now, FOREIGN, 60);
		other = msg;
		other.agent = addr("203.0.113.9");
		other.home = addr("10.0.0.6");
		assert_int_equal(ask(&msg), -1);
		assert_int_equal(ask(&other), -1);
		w.n_denied = 0;
		fa_unreachable(w.fa, w.now, &agent, codes[i], on_send, NULL);
		assert_int_equal(w.n_denied, 1);
		assert_int_equal(w.last, codes[i]);
		assert_int_equal(fa_pending(w.fa), 1);
		fa_delete_pending(w.fa, &other.home, other.id);
	}
}

static void bounded(void **state)
{
	struct mip_msg msg = request_at(w.now, FOREIGN, 60);
	struct mip_writer m;
	unsigned int i;

	(void)state;
	/* one node: its own oldest request makes room ... */
	for (i = 0; i < 6; i++) {
		msg.id++;
		m = signed_by(&msg, &w.keys.mobile);
		assert_int_equal(request_by(&m, mac_a, 64), FA_DROP_NONE);
		assert_int_equal(w.send.direction, FA_TO_AGENT);
		assert_int_equal(fa_pending(w.fa), i ? 2 : 1);
	}
	/* ... for nobody else */
	for (i = 0; i < 6; i++) {
		msg.id++;
		m = signed_by(&msg, &w.keys.mobile);
		assert_int_equal(request_by(&m, mac_b, 64), FA_DROP_NONE);
	}
	assert_int_equal(fa_pending(w.fa), 4);
	msg.id -= 6;
	m = reply_to(&msg, MIP_ACCEPTED, 60);
	assert_int_equal(reply_by(&m, AGENT), FA_DROP_NONE);
	assert_memory_equal(w.send.mac, mac_a, 6);
	/* a third sender */
	msg.id += 100;
	m = signed_by(&msg, &w.keys.mobile);
	assert_int_equal(request_by(&m, (uint8_t[]){ 2, 0, 0, 0, 0, 0xc }, 64),
			 FA_DROP_NONE);
	msg.id++;
	m = signed_by(&msg, &w.keys.mobile);
	assert_int_equal(request_by(&m, (uint8_t[]){ 2, 0, 0, 0, 0, 0xd }, 64),
			 FA_DROP_NONE);
	assert_int_equal(w.out.code, 66);
	/* the same again by somebody else is not relayed */
	msg.id--;
	m = signed_by(&msg, &w.keys.mobile);
	assert_int_equal(request_by(&m, mac_b, 64), FA_DROP_REPEATED);
	/* all nodes */
	for (i = 0; i < 100; i++) {
		msg.home = addr("10.0.9.0");
		msg.home.b[15] = (uint8_t)(i + 1);
		m = signed_by(&msg, &w.keys.mobile);
		(void)request_by(&m, (uint8_t[]){ 2, 0, 0, 0, 1, (uint8_t)i },
				 64);
	}
	w.now += 1000;
	assert_int_equal(request_by(&m, (uint8_t[]){ 2, 0, 0, 0, 1, 200 }, 64),
			 FA_DROP_NONE);
	assert_int_equal(w.out.code, MIP_FA_RESOURCES);
	assert_int_equal(fa_pending(w.fa), 20);
}

static void full(void **state)
{
	struct mip_msg msg = registered();

	(void)state;
	w.config.visitors_max = 1;
	fa_configure(w.fa, &w.config);
	msg.id += 1ULL << 33;
	assert_int_equal(ask(&msg), -1);
	msg.home = addr("10.0.0.6");
	assert_int_equal(ask(&msg), 66);
	w.config.visitors_max = 2;
	w.links[0].busy = true;
	fa_configure(w.fa, &w.config);
	assert_int_equal(ask(&msg), MIP_FA_RESOURCES);
}

static void one_denial_a_second(void **state)
{
	struct mip_msg msg = request_at(w.now, FOREIGN, 9999);
	struct mip_writer m = signed_by(&msg, &w.keys.mobile);

	(void)state;
	assert_int_equal(request_by(&m, mac_a, 64), FA_DROP_NONE);
	assert_int_equal(request_by(&m, mac_a, 64), FA_DROP_RATE);
	w.now += 1000;
	assert_int_equal(request_by(&m, mac_a, 64), FA_DROP_NONE);
}

static void bad_requests(void **state)
{
	struct mip_msg msg = request_at(w.now, FOREIGN, 60);
	struct mip_writer m = signed_by(&msg, &w.keys.mobile), cut;
	struct mip_vendor vendor = { .vendor = 9 };
	size_t n;

	(void)state;
	for (n = 0; n < m.len; n++) {
		enum fa_drop drop;

		cut = m;
		cut.len = n;
		w.now += 1000;
		drop = request_by(&cut, mac_a, 64);
		if (n < MIP_REQUEST_LEN)
			assert_int_equal(drop, FA_DROP_MESSAGE);
		else
			assert_int_equal(w.out.code, 70);
		assert_int_equal(fa_pending(w.fa), 0);
	}
	cut = written(&msg);
	mip_put_extension(&cut, 99, "x", 1);
	assert_int_equal(request_by(&cut, mac_a, 64), FA_DROP_EXTENSION);
	w.now += 1000;
	mip_put_vendor(&m, MIP_CRITICAL_VENDOR, &vendor);
	assert_int_equal(request_by(&m, mac_a, 64), FA_DROP_NONE);
	assert_int_equal(w.out.code, 100);
	m = signed_by(&msg, &w.keys.mobile);
	w.links[0].index = 8;
	assert_int_equal(request_by(&m, mac_a, 64), FA_DROP_LINK);
}

static void co_located_through_us(void **state)
{
	struct mip_msg msg = request_at(w.now, "192.0.2.77", 60);
	struct fa_visitor v;
	struct mip_writer m;

	(void)state;
	msg.flags = MIP_DECAPSULATES;
	assert_int_equal(ask(&msg), -1);
	m = reply_to(&msg, MIP_ACCEPTED, 60);
	assert_int_equal(reply_by(&m, AGENT), FA_DROP_NONE);
	assert_int_equal(w.out.code, MIP_ACCEPTED);
	assert_false(visitor(&v));
}

static void taken_back(void **state)
{
	struct fa_visitor v;
	struct mip_msg msg = registered();
	struct mip_writer m;

	(void)state;
	fa_undo(w.fa, &w.changes);
	assert_false(visitor(&v));
	fa_refuse(&w.send, MIP_FA_RESOURCES);
	decode_out();
	assert_int_equal(w.out.code, 66);
	assert_int_equal(fa_next(w.fa), MSEC_NEVER);
	registered();
	msg.id += 1ULL << 34;
	msg.lifetime = 60;
	assert_int_equal(ask(&msg), -1);
	m = reply_to(&msg, MIP_ACCEPTED, 60);
	assert_int_equal(reply_by(&m, AGENT), FA_DROP_NONE);
	fa_undo(w.fa, &w.changes);
	assert_true(visitor(&v));
	assert_int_equal(v.requested, 300);
}

struct seen {
	unsigned int visitors;
	unsigned int pending;
};

static void count(void *ctx, const struct fa_visitor *v, bool pending)
{
	struct seen *seen = ctx;

	(void)v;
	if (pending)
		seen->pending++;
	else
		seen->visitors++;
}

static void written_down(void **state)
{
	struct mip_msg msg = registered();
	struct fa_cursor cursor = { .done = false };
	struct seen seen = { 0 };
	uint8_t buf[FA_VISITOR_MAX];
	struct fa_visitor v, back;
	struct mip_writer m;
	size_t n;

	(void)state;
	assert_true(visitor(&v));
	v.reverse = FA_REVERSE_DIRECT;
	v.named = true;
	assert_int_equal(fa_visitor_encode(&v, 77, buf), FA_VISITOR_LEN);
	assert_int_equal(fa_visitor_decode(buf, sizeof(buf), 77, &back),
			 FA_VISITOR_LEN);
	assert_memory_equal(&v, &back, sizeof(v));
	for (n = 0; n < FA_VISITOR_LEN; n++)
		assert_int_equal(fa_visitor_decode(buf, n, 77, &back), 0);
	/* another agent takes over what is pending, too */
	v.id = msg.id + 9;
	v.named = false;
	assert_true(fa_apply_pending(w.fa, &v));
	while (!cursor.done)
		fa_walk(w.fa, &cursor, 1, count, &seen);
	assert_int_equal(seen.visitors, 1);
	assert_int_equal(seen.pending, 1);
	msg.id = v.id;
	m = reply_to(&msg, MIP_ACCEPTED, 60);
	assert_int_equal(reply_by(&m, AGENT), FA_DROP_NONE);
	fa_changes_reset(&w.changes);
	assert_true(fa_delete(w.fa, &v.home, &w.changes));
	assert_false(fa_delete(w.fa, &v.home, &w.changes));
	assert_int_equal(w.changes.n, 1);
	assert_int_equal(fa_count(w.fa), 0);
}

static void drops_have_names(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < FA_DROP_MAX; i++)
		assert_string_not_equal(fa_drop_name(i), "unknown");
}

#define TEST(n, f) { .name = n, .test_func = f, .setup_func = setup, \
		     .teardown_func = teardown }

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("MIP-05 MIP-68 MIP-41 MIP-42 MIP-43 MIP-44 MIP-45 MIP-46 MIP-47 MIP-48 MIP-49 MIP-50 MIP-51: both ways what is signed is relayed as it is",
		     relayed_both_ways),
		TEST("SEC-18: another home agent neither takes over nor ends a visitor whose node did not sign for us",
		     another_agent_has_no_say),
		TEST("SEC-31: each request that is not answered is said to have ended",
		     unanswered_requests),
		TEST("SEC-23: one sender has a sixteenth of the room for requests, and makes room by its own oldest",
		     one_sender_has_a_part_of_the_room),
		TEST("MIP-52: a pending request is apart from the visitor, a denial leaves him",
		     pending_is_apart),
		TEST("MIP-61: the end of another agent's address ends no visitor here",
		     an_old_care_of_address_ends),
		TEST("MIP-11: a visitor ends with his lifetime", it_ends),
		TEST("MIP-39 MIP-40 MIP-62: 65, 69, 70, 73, 77, 96, 194 in their situations",
		     denied),
		TEST("MIP-62: 72 where the encapsulation is not offered",
		     denied_encapsulation),
		TEST("OPEN-18 MIP-62: reverse tunnels by RFC 3024: 74, 75, 76, 79",
		     reverse_tunnels),
		TEST("MIP-23 MIP-62: a node with an association must sign (67)",
		     node_authentication),
		TEST("MIP-23 MIP-62: a home agent with an association must sign (68)",
		     agent_authentication),
		TEST("MIP-62: bad replies are 71, 98, 101 or dropped", bad_replies),
		TEST("MIP-68 MIP-62: pending requests time out (78)", timeout),
		TEST("MIP-62: 80, 81, 82, 88 where the home agent cannot be reached",
		     unreachable),
		TEST("OPEN-32 MIP-62: pending requests are bounded, for each node and in all (66)",
		     bounded),
		TEST("OPEN-32: visitors are bounded (66)", full),
		TEST("OPEN-32: a node is denied once a second", one_denial_a_second),
		TEST("OPEN-35 MIP-62: bad requests (70, 100)", bad_requests),
		TEST("MIP-36: a co-located node that registers through us is no visitor",
		     co_located_through_us),
		TEST("MIP-52: what the store refused is taken back and answered 66",
		     taken_back),
		TEST("MIP-33 OPEN-45: visitors and pending requests are written and read",
		     written_down),
		TEST("foreign agent: drops have names", drops_have_names),
	};

	return cmocka_run_group_tests_name("foreign_agent", tests, NULL, NULL);
}
