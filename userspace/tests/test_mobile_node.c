// SPDX-License-Identifier: GPL-2.0-or-later
#include "mip_test.h"

#include "core/mobile_node.h"

#define ETH 2
#define WLAN 3
#define OWN "203.0.113.50"
#define GATEWAY "203.0.113.1"

/**
 * struct world - a mobile node and what it did
 * @now: the time
 * @skew: of its clock, s
 * @sent: the last request, as it was sent
 * @msg: decoded
 * @n_sent: requests in all
 * @n_solicited: solicitations on ETH
 * @attached: the last attachment
 * @n_attached: attachments in all
 * @away: it was told to be attached nowhere
 * @events: how many of each
 * @code: of the last denial
 */
static struct world {
	struct test_keys keys;
	struct mn_config config;
	struct mn *mn;
	msec_t now;
	int64_t skew;
	bool foreign_sa;
	uint32_t random;
	uint8_t bytes[MIP_MAX_LEN];
	struct mn_send sent;
	struct mip_msg msg;
	unsigned int n_sent;
	unsigned int n_solicited;
	struct mn_registration attached;
	unsigned int n_attached;
	bool away;
	unsigned int events[MN_EVENT_RESTARTED + 1];
	uint8_t code;
} w;

static const uint8_t mac_fa[6] = { 2, 0, 0, 0, 1, 1 };

static void on_send(void *ctx, const struct mn_send *send)
{
	(void)ctx;
	assert_true(send->len <= sizeof(w.bytes));
	w.sent = *send;
	memcpy(w.bytes, send->data, send->len);
	assert_int_equal(mip_decode(w.bytes, send->len, &w.msg), MIP_OK);
	w.n_sent++;
}

static void on_solicit(void *ctx, uint32_t link)
{
	(void)ctx;
	if (link == ETH)
		w.n_solicited++;
}

static void on_attach(void *ctx, const struct mn_registration *r)
{
	(void)ctx;
	w.n_attached++;
	w.away = !r;
	if (r)
		w.attached = *r;
}

static void on_event(void *ctx, const struct mn_event *e)
{
	(void)ctx;
	w.events[e->type]++;
	if (e->type == MN_EVENT_DENIED)
		w.code = e->code;
}

static const struct sa_set *find_foreign(void *ctx, const struct roam_addr *a)
{
	(void)ctx;
	(void)a;
	return w.foreign_sa ? &w.keys.visitor : NULL;
}

static uint32_t next_random(void *ctx)
{
	(void)ctx;
	return w.random += 77777;
}

static uint64_t wallclock(void *ctx)
{
	(void)ctx;
	return wall_at(w.now) + (uint64_t)w.skew * 1000000000;
}

static const struct mn_ops ops = {
	.send = on_send, .solicit = on_solicit, .attach = on_attach,
	.event = on_event, .find_foreign = find_foreign,
	.random = next_random, .wallclock = wallclock,
};

static void start(void)
{
	mn_free(w.mn);
	w.mn = mn_new(&w.config, &ops, NULL);
	assert_non_null(w.mn);
}

static int setup(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	test_keys_make(&w.keys);
	w.now = START;
	w.config = (struct mn_config){
		.home = addr(HOME), .network = prefix("10.0.0.0/24"),
		.agent = addr(AGENT), .associations = w.keys.mobile,
		.lifetime = 600, .foreign = true, .colocated = true,
		.nat = true, .keepalive = 110, .retry_max = 60000,
	};
	start();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	mn_free(w.mn);
	auth_keys_free(w.keys.keys);
	return 0;
}

static msec_t tick(void)
{
	return mn_tick(w.mn, w.now);
}

/* Lets time pass, and everything happen when it wants to. */
static void pass(msec_t ms)
{
	msec_t end = w.now + ms, next;

	while ((next = tick()) <= end)
		w.now = max_time(next, w.now + 1);
	w.now = end;
	tick();
}

static void up(uint32_t link)
{
	mn_link(w.mn, w.now, link, true, 0);
	tick();
}

static struct mip_advert advert_of(const char *agent, const char *coa)
{
	return (struct mip_advert){
		.lifetime = 9, .n_routers = 1, .routers = { addr(agent) },
		.is_agent = true, .registration = 300, .sequence = 300,
		.flags = MIP_ADVERT_FOREIGN | MIP_ADVERT_REVERSE |
			 MIP_ADVERT_GRE,
		.n_coas = 1, .coas = { addr(coa) },
	};
}

static void hear_advert(const struct mip_advert *advert, uint32_t link,
			const char *from)
{
	struct roam_addr sender = addr(from);
	uint8_t buf[MIP_ADVERT_MAX];
	size_t len = mip_advert_encode(advert, buf);

	assert_int_equal(mn_advert(w.mn, w.now, link, &sender, mac_fa, buf,
				   len), MN_DROP_NONE);
	tick();
}

static void hear(const char *agent)
{
	struct mip_advert advert = advert_of(agent, agent);

	hear_advert(&advert, ETH, agent);
}

static enum mn_drop reply_signed(uint8_t code, uint16_t lifetime, uint64_t id,
				 const struct sa_set *set, const char *from)
{
	struct roam_addr sender = addr(from);
	struct mip_msg msg = {
		.type = MIP_REPLY, .code = code, .lifetime = lifetime,
		.home = addr(HOME), .agent = addr(AGENT), .id = id,
	};
	struct mip_writer m = set ? signed_by(&msg, set) : written(&msg);
	enum mn_drop drop;

	if (w.foreign_sa)
		sa_sign(&w.keys.visitor.items[0], &m, MIP_MOBILE_FOREIGN);
	drop = mn_reply(w.mn, w.now, &sender, m.buf, m.len);
	tick();
	return drop;
}

/* The home agent's answer to the last request. */
static void answer(uint8_t code, uint16_t lifetime)
{
	assert_int_equal(reply_signed(code, lifetime, w.msg.id, &w.keys.mobile,
				      FOREIGN), MN_DROP_NONE);
}

static void by_foreign_agent(void **state)
{
	const struct mip_extension *e;
	const struct sa *sa;

	(void)state;
	up(ETH);
	assert_int_equal(w.n_solicited, 1);
	assert_int_equal(w.n_sent, 0);
	hear(FOREIGN);
	assert_int_equal(w.n_sent, 1);
	assert_int_equal(w.sent.place.mode, MN_FOREIGN);
	assert_addr(w.sent.from, HOME);
	assert_addr(w.sent.to, FOREIGN);
	assert_int_equal(w.sent.ttl, 255);
	assert_memory_equal(w.sent.place.mac, mac_fa, 6);
	assert_addr(w.msg.home, HOME);
	assert_addr(w.msg.agent, AGENT);
	assert_addr(w.msg.coa, FOREIGN);
	assert_int_equal(w.msg.flags, 0);
	/* the agent takes 300 s, as it said */
	assert_int_equal(w.msg.lifetime, 300);
	assert_true(sa_clock_distance(w.msg.id, wall_at(w.now)) < 2);
	assert_int_equal(sa_check(&w.keys.mobile, &w.msg, MIP_MOBILE_HOME, &sa,
				  &e), SA_VALID);
	assert_int_equal(w.n_attached, 0);
	w.now += 20;
	answer(MIP_ACCEPTED, 200);
	assert_int_equal(w.n_attached, 1);
	assert_addr(w.attached.place.coa, FOREIGN);
	assert_int_equal(w.attached.lifetime, 200);
	/* counted from the request on */
	assert_int_equal(w.attached.expires, START + 200000);
	assert_int_equal(w.events[MN_EVENT_REGISTERED], 1);
	assert_int_equal(w.n_solicited, 1);
}

static void solicits_with_back_off(void **state)
{
	static const msec_t at[] = { 0, 1000, 2000, 4000, 8000, 16000, 32000,
				     64000 };
	unsigned int i, n = 0;

	(void)state;
	up(ETH);
	for (i = 0; i < 8; i++) {
		while (w.n_solicited <= i) {
			msec_t next = tick();

			assert_true(next < START + 200000);
			w.now = next;
			tick();
			assert_true(n++ < 100);
		}
		if (w.now > START + at[i] + 4000)
			fail_msg("solicitation %u after %lld ms", i,
				 (long long)(w.now - START));
		assert_true(w.now >= START + at[i]);
	}
	pass(60000);
	assert_in_range(w.n_solicited, 9, 10);
}

static void renews(void **state)
{
	uint64_t id;
	unsigned int i;

	(void)state;
	up(ETH);
	hear(FOREIGN);
	answer(MIP_ACCEPTED, 300);
	for (i = 0; i < 3; i++) {
		msec_t from = w.now;

		id = w.msg.id;
		while (w.n_sent == i + 1) {
			pass(500);
			if (w.n_sent == i + 1)
				hear(FOREIGN);
			assert_true(w.now < from + 300000);
		}
		assert_in_range(w.now, from + 200000, from + 200500);
		assert_true(w.msg.id > id);
		answer(MIP_ACCEPTED, 300);
		assert_false(w.away);
	}
	assert_int_equal(w.events[MN_EVENT_LOST], 0);
}

static void retransmits(void **state)
{
	uint64_t id;

	(void)state;
	w.config.colocated = false;
	start();
	up(ETH);
	hear(FOREIGN);
	id = w.msg.id;
	pass(999);
	assert_int_equal(w.n_sent, 1);
	pass(1);
	assert_int_equal(w.n_sent, 2);
	assert_true(w.msg.id > id);
	/* the answer to the first comes too late */
	assert_int_equal(reply_signed(MIP_ACCEPTED, 300, id, &w.keys.mobile,
				      FOREIGN), MN_DROP_UNASKED);
	pass(1999);
	assert_int_equal(w.n_sent, 2);
	pass(1);
	assert_int_equal(w.n_sent, 3);
	hear(FOREIGN);
	pass(4000);
	assert_int_equal(w.n_sent, 4);
	assert_int_equal(w.events[MN_EVENT_SILENT], 1);
	answer(MIP_ACCEPTED, 300);
	assert_int_equal(w.events[MN_EVENT_REGISTERED], 1);
}

static void moves_when_not_heard(void **state)
{
	(void)state;
	up(ETH);
	hear(FOREIGN);
	answer(MIP_ACCEPTED, 300);
	pass(3000);
	hear(FOREIGN2);
	/* both are heard: the present one is kept */
	assert_int_equal(w.n_sent, 1);
	pass(5999);
	assert_int_equal(w.n_sent, 1);
	pass(1);
	assert_int_equal(w.n_sent, 2);
	assert_addr(w.msg.coa, FOREIGN2);
	/* packets come the old way until the new one stands */
	assert_false(w.away);
	answer(MIP_ACCEPTED, 300);
	assert_addr(w.attached.place.coa, FOREIGN2);
	assert_int_equal(w.events[MN_EVENT_LOST], 0);
}

static void moves_by_prefix(void **state)
{
	struct mip_advert one = advert_of(FOREIGN, FOREIGN);
	struct mip_advert two = advert_of(FOREIGN2, FOREIGN2);

	(void)state;
	one.n_prefixes = two.n_prefixes = 1;
	one.prefixes[0] = two.prefixes[0] = 24;
	up(ETH);
	hear_advert(&one, ETH, FOREIGN);
	answer(MIP_ACCEPTED, 300);
	hear_advert(&two, ETH, FOREIGN2);
	assert_int_equal(w.n_sent, 2);
	assert_addr(w.msg.coa, FOREIGN2);
	answer(MIP_ACCEPTED, 300);
	/* the same again is no news */
	hear_advert(&two, ETH, FOREIGN2);
	assert_int_equal(w.n_sent, 2);
	/* another agent of the same network is none either */
	two = advert_of("198.51.100.2", "198.51.100.2");
	two.n_prefixes = 1;
	two.prefixes[0] = 24;
	hear_advert(&two, ETH, "198.51.100.2");
	assert_int_equal(w.n_sent, 2);
}

static void moves_with_the_link(void **state)
{
	struct mip_advert advert = advert_of(FOREIGN2, FOREIGN2);

	(void)state;
	up(ETH);
	up(WLAN);
	hear(FOREIGN);
	answer(MIP_ACCEPTED, 300);
	hear_advert(&advert, WLAN, FOREIGN2);
	assert_int_equal(w.n_sent, 1);
	mn_link(w.mn, w.now, ETH, false, 0);
	tick();
	assert_int_equal(w.n_sent, 2);
	assert_addr(w.msg.coa, FOREIGN2);
	assert_int_equal(w.sent.place.link, WLAN);
	answer(MIP_ACCEPTED, 300);
	/* a better link comes: it is used as soon as there is an agent */
	w.n_solicited = 0;
	mn_link(w.mn, w.now, WLAN, true, 5);
	up(ETH);
	assert_int_equal(w.n_solicited, 1);
	hear(FOREIGN);
	assert_int_equal(w.n_sent, 3);
	assert_addr(w.msg.coa, FOREIGN);
}

static void agents_by_preference(void **state)
{
	(void)state;
	w.config.preferred[0] = addr("192.0.2.9");
	w.config.preferred[1] = addr(FOREIGN2);
	w.config.n_preferred = 2;
	start();
	up(ETH);
	hear(FOREIGN);
	answer(MIP_ACCEPTED, 300);
	hear(FOREIGN2);
	assert_addr(w.msg.coa, FOREIGN2);
	answer(MIP_ACCEPTED, 300);
	hear("192.0.2.9");
	assert_addr(w.msg.coa, "192.0.2.9");
	answer(MIP_ACCEPTED, 300);
	hear(FOREIGN);
	hear(FOREIGN2);
	assert_int_equal(w.n_sent, 3);
}

static void nothing_left(void **state)
{
	(void)state;
	w.config.colocated = false;
	start();
	up(ETH);
	hear(FOREIGN);
	answer(MIP_ACCEPTED, 300);
	pass(9000);
	assert_true(w.away);
	assert_int_equal(w.events[MN_EVENT_LOST], 1);
	assert_int_equal(w.events[MN_EVENT_AGENT_LOST], 1);
	assert_null(mn_current(w.mn));
	hear(FOREIGN);
	assert_int_equal(w.n_sent, 2);
}

static void by_own_address(void **state)
{
	struct roam_addr own = addr(OWN), gateway = addr(GATEWAY);
	struct roam_addr none = addr("");
	struct mip_udp_request udp;
	const struct mip_extension *e;

	(void)state;
	up(ETH);
	mn_address(w.mn, w.now, ETH, &own, &gateway);
	tick();
	assert_int_equal(w.n_sent, 1);
	assert_int_equal(w.sent.place.mode, MN_COLOCATED);
	assert_addr(w.sent.from, OWN);
	assert_addr(w.sent.to, AGENT);
	assert_addr(w.msg.coa, OWN);
	assert_int_equal(w.msg.flags, MIP_DECAPSULATES);
	assert_int_equal(w.msg.lifetime, 600);
	e = mip_find(&w.msg, MIP_UDP_TUNNEL_REQUEST, NULL);
	assert_non_null(e);
	assert_true(mip_get_udp_request(e, &udp));
	assert_int_equal(udp.flags, 0);
	answer(MIP_ACCEPTED, 600);
	assert_false(w.attached.udp);
	assert_addr(w.attached.place.gateway, GATEWAY);
	/* a foreign agent is not better */
	w.config.prefer_colocated = false;
	/* the address goes */
	mn_address(w.mn, w.now, ETH, &none, &none);
	tick();
	assert_true(w.away);
}

static void behind_nat(void **state)
{
	struct roam_addr own = addr(OWN), gateway = addr(GATEWAY);
	struct roam_addr from = addr(AGENT);
	struct mip_udp_reply udp = { .keepalive = 0 };
	struct mip_writer m;
	struct mip_msg msg;

	(void)state;
	up(ETH);
	mn_address(w.mn, w.now, ETH, &own, &gateway);
	tick();
	msg = (struct mip_msg){
		.type = MIP_REPLY, .lifetime = 600, .home = addr(HOME),
		.agent = from, .id = w.msg.id,
	};
	m = written(&msg);
	mip_put_udp_reply(&m, &udp);
	sa_sign(&w.keys.mobile.items[0], &m, MIP_MOBILE_HOME);
	assert_int_equal(mn_reply(w.mn, w.now, &from, m.buf, m.len),
			 MN_DROP_NONE);
	assert_true(w.attached.udp);
	assert_int_equal(w.attached.keepalive, 110);
}

static void agent_insists(void **state)
{
	struct roam_addr own = addr(OWN), gateway = addr(GATEWAY);
	struct mip_advert advert = advert_of(FOREIGN, FOREIGN);

	(void)state;
	w.config.prefer_colocated = true;
	start();
	up(ETH);
	advert.flags |= MIP_ADVERT_REGISTRATION;
	hear_advert(&advert, ETH, FOREIGN);
	mn_address(w.mn, w.now, ETH, &own, &gateway);
	tick();
	assert_int_equal(w.sent.place.mode, MN_COLOCATED);
	assert_addr(w.sent.to, FOREIGN);
	assert_addr(w.msg.coa, OWN);
	assert_int_equal(w.msg.flags, MIP_DECAPSULATES);
}

static void a_busy_agent(void **state)
{
	struct mip_advert advert = advert_of(FOREIGN, FOREIGN);

	(void)state;
	advert.flags |= MIP_ADVERT_BUSY;
	up(ETH);
	hear_advert(&advert, ETH, FOREIGN);
	assert_int_equal(w.n_sent, 0);
	hear(FOREIGN);
	assert_int_equal(w.n_sent, 1);
	answer(MIP_ACCEPTED, 300);
	/* whom it has it keeps */
	hear_advert(&advert, ETH, FOREIGN);
	pass(100);
	assert_false(w.away);
	assert_int_equal(w.n_sent, 1);
}

static void an_agent_restarts(void **state)
{
	struct mip_advert advert = advert_of(FOREIGN, FOREIGN);

	(void)state;
	up(ETH);
	hear_advert(&advert, ETH, FOREIGN);
	answer(MIP_ACCEPTED, 300);
	/* the number wrapped: no restart */
	advert.sequence = MIP_SEQUENCE_WRAP;
	hear_advert(&advert, ETH, FOREIGN);
	assert_int_equal(w.n_sent, 1);
	assert_int_equal(w.events[MN_EVENT_RESTARTED], 0);
	advert.sequence = 0;
	hear_advert(&advert, ETH, FOREIGN);
	assert_int_equal(w.n_sent, 2);
	assert_int_equal(w.events[MN_EVENT_RESTARTED], 1);
}

static void returns_home(void **state)
{
	struct mip_advert advert = advert_of(AGENT, AGENT);

	(void)state;
	up(ETH);
	hear(FOREIGN);
	answer(MIP_ACCEPTED, 300);
	advert.flags = MIP_ADVERT_HOME;
	advert.n_coas = 0;
	hear_advert(&advert, ETH, AGENT);
	assert_int_equal(w.n_sent, 2);
	/* the address works at once, the agent hears of it */
	assert_int_equal(w.attached.place.mode, MN_HOME);
	assert_int_equal(w.msg.lifetime, 0);
	assert_addr(w.msg.coa, HOME);
	assert_addr(w.sent.from, HOME);
	assert_addr(w.sent.to, AGENT);
	/* until it answers */
	pass(1000);
	assert_int_equal(w.n_sent, 3);
	assert_false(mn_current(w.mn)->agreed);
	answer(MIP_ACCEPTED, 0);
	assert_true(mn_current(w.mn)->agreed);
	assert_int_equal(w.events[MN_EVENT_HOME], 1);
	hear_advert(&advert, ETH, AGENT);
	pass(8000);
	assert_int_equal(w.n_sent, 3);
	assert_int_equal(mn_current(w.mn)->place.mode, MN_HOME);
	/* and away again */
	mn_link(w.mn, w.now, ETH, false, 0);
	up(ETH);
	assert_true(w.away);
	hear(FOREIGN);
	assert_int_equal(w.n_sent, 4);
	assert_int_equal(w.msg.lifetime, 300);
}

static void home_by_address(void **state)
{
	struct roam_addr own = addr("10.0.0.77"), gateway = addr("10.0.0.254");

	(void)state;
	up(ETH);
	mn_address(w.mn, w.now, ETH, &own, &gateway);
	tick();
	assert_int_equal(w.attached.place.mode, MN_HOME);
	assert_int_equal(w.msg.lifetime, 0);
}

static void flags_as_wanted_and_offered(void **state)
{
	struct mip_advert advert = advert_of(FOREIGN, FOREIGN);

	(void)state;
	w.config.flags = MIP_SIMULTANEOUS | MIP_BROADCAST | MIP_MINIMAL |
			 MIP_GRE | MIP_REVERSE;
	start();
	up(ETH);
	hear(FOREIGN);
	/* no minimal encapsulation is offered */
	assert_int_equal(w.msg.flags, MIP_SIMULTANEOUS | MIP_BROADCAST |
				      MIP_GRE | MIP_REVERSE);
	advert.flags = MIP_ADVERT_FOREIGN;
	start();
	up(ETH);
	hear_advert(&advert, ETH, FOREIGN);
	assert_int_equal(w.msg.flags, MIP_SIMULTANEOUS | MIP_BROADCAST);
}

static void denials_that_are_mended(void **state)
{
	uint64_t id;

	(void)state;
	w.config.flags = MIP_GRE | MIP_SIMULTANEOUS;
	start();
	up(ETH);
	hear(FOREIGN);
	assert_int_equal(w.msg.flags, MIP_GRE | MIP_SIMULTANEOUS);
	/* the agent's own word, unsigned */
	assert_int_equal(reply_signed(MIP_FA_LIFETIME, 100, w.msg.id, NULL,
				      FOREIGN), MN_DROP_NONE);
	assert_int_equal(w.n_sent, 2);
	assert_int_equal(w.msg.lifetime, 100);
	answer(MIP_HA_ENCAPSULATION, 0);
	assert_int_equal(w.msg.flags, MIP_SIMULTANEOUS);
	answer(MIP_HA_BINDINGS, 0);
	assert_int_equal(w.msg.flags, 0);
	answer(MIP_HA_REVERSE_MANDATORY, 0);
	assert_int_equal(w.msg.flags, MIP_REVERSE);
	id = w.msg.id;
	/* in the end it gives up for a while */
	answer(MIP_HA_ENCAPSULATION, 0);
	assert_true(w.msg.id == id);
	assert_int_equal(w.events[MN_EVENT_DENIED], 5);
}

static void the_clock_is_wrong(void **state)
{
	uint64_t right;

	(void)state;
	w.skew = -100;
	up(ETH);
	hear(FOREIGN);
	right = sa_timestamp(wall_at(w.now));
	assert_int_equal(reply_signed(MIP_HA_IDENTIFICATION, 0,
				      (right >> 32 << 32) | (uint32_t)w.msg.id,
				      &w.keys.mobile, FOREIGN), MN_DROP_NONE);
	assert_int_equal(w.n_sent, 2);
	assert_true(sa_clock_distance(w.msg.id, wall_at(w.now)) < 1100);
	answer(MIP_ACCEPTED, 300);
	/* the same after a clock that was too fast */
	w.skew = 100000;
	start();
	w.n_sent = 0;
	up(ETH);
	hear(FOREIGN);
	assert_int_equal(reply_signed(MIP_HA_IDENTIFICATION, 0,
				      (right >> 32 << 32) | (uint32_t)w.msg.id,
				      &w.keys.mobile, FOREIGN), MN_DROP_NONE);
	assert_true(sa_clock_distance(w.msg.id, wall_at(w.now)) < 1100);
}

static void with_nonces(void **state)
{
	uint64_t id;

	(void)state;
	w.config.associations.items[0].replay = SA_NONCES;
	start();
	up(ETH);
	hear(FOREIGN);
	assert_int_equal(reply_signed(MIP_HA_IDENTIFICATION, 0,
				      4711ULL << 32 | (uint32_t)w.msg.id,
				      &w.keys.mobile, FOREIGN), MN_DROP_NONE);
	assert_int_equal(w.msg.id >> 32, 4711);
	id = w.msg.id;
	/* unanswered it comes unchanged */
	pass(1000);
	assert_int_equal(w.n_sent, 3);
	assert_true(w.msg.id == id);
	assert_int_equal(reply_signed(MIP_ACCEPTED, 300,
				      4712ULL << 32 | (uint32_t)w.msg.id,
				      &w.keys.mobile, FOREIGN), MN_DROP_NONE);
	mn_renew(w.mn, w.now);
	tick();
	assert_int_equal(w.msg.id >> 32, 4712);
	assert_int_not_equal((uint32_t)w.msg.id, (uint32_t)id);
}

static void agent_is_discovered(void **state)
{
	struct roam_addr own = addr(OWN), gateway = addr(GATEWAY);

	(void)state;
	w.config.agent = addr("");
	start();
	up(ETH);
	mn_address(w.mn, w.now, ETH, &own, &gateway);
	tick();
	assert_addr(w.sent.to, "10.0.0.255");
	assert_addr(w.msg.agent, "10.0.0.255");
	answer(MIP_HA_UNKNOWN_AGENT, 0);
	assert_addr(w.sent.to, AGENT);
	assert_addr(w.msg.agent, AGENT);
	answer(MIP_ACCEPTED, 600);
	assert_addr(w.attached.home_agent, AGENT);
}

static void what_is_not_authentic(void **state)
{
	uint64_t id;

	(void)state;
	up(ETH);
	hear(FOREIGN);
	id = w.msg.id;
	assert_int_equal(reply_signed(MIP_ACCEPTED, 300, id, NULL, FOREIGN),
			 MN_DROP_AUTH);
	assert_int_equal(reply_signed(MIP_ACCEPTED, 300, id, &w.keys.other,
				      FOREIGN), MN_DROP_AUTH);
	assert_int_equal(reply_signed(MIP_HA_PROHIBITED, 300, id, NULL,
				      FOREIGN), MN_DROP_AUTH);
	assert_int_equal(reply_signed(MIP_FA_PROHIBITED, 300, id, NULL,
				      "192.0.2.66"), MN_DROP_AUTH);
	assert_int_equal(reply_signed(MIP_ACCEPTED, 300, id ^ 1, &w.keys.mobile,
				      FOREIGN), MN_DROP_UNASKED);
	assert_int_equal(w.n_attached, 0);
	answer(MIP_ACCEPTED, 300);
	/* a second time */
	assert_int_equal(reply_signed(MIP_ACCEPTED, 300, id, &w.keys.mobile,
				      FOREIGN), MN_DROP_UNASKED);
	assert_int_equal(w.n_attached, 1);
}

static void agent_that_must_sign(void **state)
{
	const struct mip_extension *e;
	const struct sa *sa;

	(void)state;
	w.foreign_sa = true;
	up(ETH);
	hear(FOREIGN);
	assert_int_equal(sa_check(&w.keys.visitor, &w.msg, MIP_MOBILE_FOREIGN,
				  &sa, &e), SA_VALID);
	w.foreign_sa = false;
	{
		struct roam_addr from = addr(FOREIGN);
		struct mip_msg msg = {
			.type = MIP_REPLY, .lifetime = 300,
			.home = addr(HOME), .agent = addr(AGENT),
			.id = w.msg.id,
		};
		struct mip_writer m = signed_by(&msg, &w.keys.mobile);

		w.foreign_sa = true;
		assert_int_equal(mn_reply(w.mn, w.now, &from, m.buf, m.len),
				 MN_DROP_AUTH);
	}
	answer(MIP_ACCEPTED, 300);
	assert_int_equal(w.n_attached, 1);
}

static void no_more_than_asked_for(void **state)
{
	(void)state;
	up(ETH);
	hear(FOREIGN);
	answer(MIP_ACCEPTED, 5000);
	assert_int_equal(w.attached.lifetime, 300);
}

static void another_place_after_silence(void **state)
{
	struct roam_addr own = addr(OWN), gateway = addr(GATEWAY);

	(void)state;
	up(ETH);
	hear(FOREIGN);
	mn_address(w.mn, w.now, ETH, &own, &gateway);
	tick();
	assert_int_equal(w.sent.place.mode, MN_FOREIGN);
	pass(7000);
	assert_int_equal(w.events[MN_EVENT_SILENT], 1);
	assert_int_equal(w.sent.place.mode, MN_COLOCATED);
	answer(MIP_ACCEPTED, 600);
	assert_int_equal(w.attached.place.mode, MN_COLOCATED);
	/* denied by an agent: likewise */
	start();
	up(ETH);
	hear(FOREIGN);
	mn_address(w.mn, w.now, ETH, &own, &gateway);
	tick();
	assert_int_equal(reply_signed(MIP_FA_RESOURCES, 0, w.msg.id, NULL,
				      FOREIGN), MN_DROP_NONE);
	assert_int_equal(w.sent.place.mode, MN_COLOCATED);
	assert_int_equal(w.code, MIP_FA_RESOURCES);
}

static void leaves_and_joins(void **state)
{
	(void)state;
	w.config.colocated = false;
	start();
	up(ETH);
	hear(FOREIGN);
	answer(MIP_ACCEPTED, 300);
	mn_leave(w.mn, w.now);
	assert_int_equal(w.n_sent, 2);
	assert_int_equal(w.msg.lifetime, 0);
	assert_addr(w.msg.coa, HOME);
	answer(MIP_ACCEPTED, 0);
	assert_true(w.away);
	hear(FOREIGN);
	pass(5000);
	assert_int_equal(w.n_sent, 2);
	hear(FOREIGN);
	mn_join(w.mn, w.now);
	tick();
	assert_int_equal(w.n_sent, 3);
	assert_int_equal(w.msg.lifetime, 300);
}

static void an_ended_registration(void **state)
{
	unsigned int i;

	(void)state;
	w.config.colocated = false;
	start();
	up(ETH);
	hear(FOREIGN);
	answer(MIP_ACCEPTED, 30);
	for (i = 0; i < 20; i++) {
		pass(2000);
		hear(FOREIGN);
	}
	/* nobody answered the renewals */
	assert_true(w.away);
	assert_int_equal(w.events[MN_EVENT_LOST], 1);
	assert_in_range(w.n_sent, 4, 8);
	answer(MIP_ACCEPTED, 30);
	assert_false(w.away);
}

static void bad_advertisements(void **state)
{
	struct mip_advert advert = advert_of(FOREIGN, FOREIGN);
	struct roam_addr from = addr(FOREIGN);
	uint8_t buf[MIP_ADVERT_MAX];
	size_t len, n;
	unsigned int i;

	(void)state;
	up(ETH);
	len = mip_advert_encode(&advert, buf);
	for (n = 0; n < len; n++)
		assert_int_not_equal(mn_advert(w.mn, w.now, ETH, &from, mac_fa,
					       buf, n), MN_DROP_NONE);
	assert_int_equal(mn_advert(w.mn, w.now, 77, &from, mac_fa, buf, len),
			 MN_DROP_LINK);
	/* a flood of agents is bounded */
	for (i = 0; i < 300; i++) {
		from.b[15] = (uint8_t)(i % 200 + 1);
		mn_advert(w.mn, w.now, ETH, &from, mac_fa, buf, len);
	}
	assert_int_equal(w.events[MN_EVENT_AGENT], MN_AGENTS);
	tick();
	assert_int_equal(w.n_sent, 1);
}

static void names(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < MN_DROP_MAX; i++)
		assert_string_not_equal(mn_drop_name(i), "unknown");
	assert_string_equal(mn_mode_name(MN_COLOCATED), "co-located");
}

#define TEST(n, f) { .name = n, .test_func = f, .setup_func = setup, \
		     .teardown_func = teardown }

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("MIP-02 MIP-04 MIP-10 MIP-19: an agent is found, a request goes through it, the reply is believed",
		     by_foreign_agent),
		TEST("MIP-64: solicitations back off to one a minute",
		     solicits_with_back_off),
		TEST("MIP-12: the registration is renewed in time", renews),
		TEST("MIP-66: requests are repeated with new Identification and back-off",
		     retransmits),
		TEST("MIP-65 MIP-12: movement is seen when the agent is not heard any more",
		     moves_when_not_heard),
		TEST("MIP-65: movement is seen by the prefix", moves_by_prefix),
		TEST("MIP-65: movement is seen by the link", moves_with_the_link),
		TEST("mobile node: agents by preference", agents_by_preference),
		TEST("mobile node: without any agent it is nowhere", nothing_left),
		TEST("MIP-06 MIP-36: a co-located care-of address needs no agent",
		     by_own_address),
		TEST("OPEN-17: behind a NAT the tunnel is in UDP", behind_nat),
		TEST("mobile node: an agent that insists is asked for the own address, too",
		     agent_insists),
		TEST("mobile node: a busy agent keeps whom it has, and gets nobody",
		     a_busy_agent),
		TEST("mobile node: an agent that restarts is asked again",
		     an_agent_restarts),
		TEST("MIP-03 MIP-16: at home it ends its bindings and is as any host",
		     returns_home),
		TEST("MIP-16: home is known by an address of the home network",
		     home_by_address),
		TEST("MIP-34 MIP-35 MIP-37 MIP-38: flags as wanted, and as the agent offers",
		     flags_as_wanted_and_offered),
		TEST("MIP-62: denials that can be mended are mended",
		     denials_that_are_mended),
		TEST("MIP-25: a wrong clock is resynchronised", the_clock_is_wrong),
		TEST("MIP-25: nonces of the home agent", with_nonces),
		TEST("MIP-69: the home agent is discovered", agent_is_discovered),
		TEST("MIP-20: replies that are not authentic change nothing",
		     what_is_not_authentic),
		TEST("MIP-23: a foreign agent with an association must sign",
		     agent_that_must_sign),
		TEST("MIP-09: nobody is granted more than was asked for",
		     no_more_than_asked_for),
		TEST("mobile node: another place after silence or a denial",
		     another_place_after_silence),
		TEST("mobile node: it leaves and joins", leaves_and_joins),
		TEST("MIP-11: a registration that nobody renewed ends",
		     an_ended_registration),
		TEST("OPEN-32 OPEN-35: bad advertisements, and floods of agents",
		     bad_advertisements),
		TEST("mobile node: names", names),
	};

	return cmocka_run_group_tests_name("mobile_node", tests, NULL, NULL);
}
