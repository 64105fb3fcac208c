// SPDX-License-Identifier: GPL-2.0-or-later
/* Sessions of a mobile node, against a home agent, in virtual time. */
#include "mip_test.h"

#include "core/home_agent.h"
#include "core/mobile_session.h"

#define NAI "car@example.com"
#define OWN "truck@example.com"

static struct {
	struct test_keys keys;
	struct ha_group group;
	struct ha_node nodes[2];
	struct ha_config ha_config;
	struct ha *ha;
	struct ha_changes changes;
	struct mns_config config;
	struct mns *mns;
	struct mn_registration place;
	msec_t now;
	int64_t skew;
	uint32_t random;
	bool silent;		/* requests are lost */
	bool deaf;		/* replies are */
	bool held;		/* replies wait in @kept */
	bool wrong_key;
	bool names;		/* the foreign agent names what has no sub-NAI */
	struct mip_writer kept[4];
	unsigned int n_kept;
	unsigned int n_sent;
	struct mip_msg sent;
	uint8_t bytes[MIP_MAX_LEN];
	unsigned int events[MNS_EVENT_ENDED + 1];
	struct mns_session last;
} w;

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
	if (len == strlen(OWN) && !memcmp(nai, OWN, len))
		return &w.nodes[1];
	return NULL;
}

static const struct sa_set *find_agent(void *ctx, const struct roam_addr *addr)
{
	(void)ctx;
	(void)addr;
	return w.names ? &w.keys.foreign : NULL;
}

static const struct sa_set *no_peer(void *ctx, const struct roam_addr *addr)
{
	(void)ctx;
	(void)addr;
	return NULL;
}

static uint32_t next_random(void *ctx)
{
	(void)ctx;
	return w.random += 7919;
}

static uint64_t wallclock(void *ctx)
{
	(void)ctx;
	return wall_at(w.now + w.skew);
}

/* The home agent has the request, and the node its reply, at once. */
static void on_send(void *ctx, const struct mn_send *send)
{
	struct ha_request in = {
		.data = send->data, .len = send->len,
		.from = addr(FOREIGN), .from_port = MIP_PORT,
		.to = addr(AGENT), .wall = wall_at(w.now),
	};
	struct mip_writer relayed = { .len = send->len };
	struct mip_names names;
	struct ha_reply reply;

	(void)ctx;
	memcpy(w.bytes, send->data, send->len);
	assert_int_equal(mip_decode(w.bytes, send->len, &w.sent), MIP_OK);
	w.n_sent++;
	assert_true(mip_get_names(&w.sent, &w.config.naming, &names));
	if (w.names) {
		memcpy(relayed.buf, send->data, send->len);
		if (!names.sub_len)
			mip_put_sub_nai(&relayed, &w.config.naming,
					(const uint8_t *)"seat 7", 6);
		sa_sign(&w.keys.foreign.items[0], &relayed, MIP_FOREIGN_HOME);
		in.data = relayed.buf;
		in.len = relayed.len;
	}
	if (w.silent || ha_input(w.ha, w.now, &in, &reply, &w.changes))
		return;
	if (!w.deaf && w.n_kept < 4)
		w.kept[w.n_kept++] = reply.w;
}

/* A reply comes after the call that sent its request. */
static void deliver(unsigned int i)
{
	struct roam_addr from = addr(FOREIGN);

	mns_reply(w.mns, w.now, &from, w.kept[i].buf, w.kept[i].len);
}

static void settle(void)
{
	while (w.n_kept && !w.held) {
		struct mip_writer first = w.kept[0];
		struct roam_addr from = addr(FOREIGN);

		memmove(w.kept, w.kept + 1, --w.n_kept * sizeof(first));
		mns_reply(w.mns, w.now, &from, first.buf, first.len);
	}
}

static void on_event(void *ctx, const struct mns_session *s, enum mns_event e)
{
	(void)ctx;
	w.events[e]++;
	w.last = *s;
}

static void identify(void *ctx, const struct mns_session *s,
		     struct mns_identity *who)
{
	bool own = !strcmp(s->name, "alone");

	(void)ctx;
	who->names.nai = (const uint8_t *)(own ? OWN : NAI);
	who->names.nai_len = strlen(own ? OWN : NAI);
	if (!own) {
		who->names.sub = (const uint8_t *)s->name;
		who->names.sub_len = s->len;
	}
	who->associations = own || w.wrong_key ? &w.keys.other :
						 &w.keys.mobile;
}

static const struct mns_ops ops = {
	.send = on_send, .event = on_event, .identify = identify,
	.find_foreign = no_peer, .random = next_random,
	.wallclock = wallclock,
};

static int setup(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	test_keys_make(&w.keys);
	w.now = START;
	w.group = (struct ha_group){
		.agent = addr(AGENT), .network = prefix("10.0.0.0/24"),
		.lifetime_max = 1800, .bindings_max = 1, .reverse = true,
		.pool_first = addr("10.0.0.100"), .pool_last = addr("10.0.0.109"),
		.quiet = 60000, .foreign_care_of = true,
	};
	w.nodes[0] = (struct ha_node){ .associations = w.keys.mobile,
				       .sessions_max = 4 };
	w.nodes[1] = (struct ha_node){ .associations = w.keys.other,
				       .sessions_max = 4 };
	w.ha_config = (struct ha_config){
		.groups = &w.group, .n_groups = 1, .nodes_max = 100,
		.find_node = find_node, .find_name = find_name,
		.find_peer = find_agent, .random = next_random,
		.naming = { MIP_NAMING_VENDOR, MIP_NAMING_SUB },
	};
	w.place = (struct mn_registration){
		.place = { .mode = MN_FOREIGN, .link = 2, .coa = addr(FOREIGN),
			   .agent = addr(FOREIGN), .has_agent = true },
		.home_agent = addr(AGENT), .flags = MIP_REVERSE,
		.lifetime = 1800, .agreed = true,
	};
	w.config = (struct mns_config){
		.lifetime = 1800, .retry_max = 60000, .max = 5,
		.naming = { MIP_NAMING_VENDOR, MIP_NAMING_SUB },
	};
	w.ha = ha_new(&w.ha_config);
	w.mns = mns_new(&w.config, &ops, NULL);
	return w.ha && w.mns ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	ha_free(w.ha);
	mns_free(w.mns);
	ha_changes_free(&w.changes);
	auth_keys_free(w.keys.keys);
	return 0;
}

static const struct roam_addr nowhere;

static void add(const char *name)
{
	assert_true(mns_add(w.mns, w.now, name, &nowhere));
	settle();
}

static void attach(const char *coa)
{
	w.place.place.coa = addr(coa);
	mns_attach(w.mns, w.now, &w.place);
	settle();
}

static const struct mns_session *get(const char *name)
{
	return mns_find(w.mns, name);
}

/* Lets time pass in the steps that the core asks for. */
static void pass(msec_t ms)
{
	msec_t until = w.now + ms, next;

	for (;;) {
		next = mns_tick(w.mns, w.now);
		settle();
		next = min_time(next, mns_tick(w.mns, w.now));
		if (next > until)
			break;
		assert_true(next > w.now);
		w.now = next;
	}
	w.now = until;
}

static void each_is_registered(void **state)
{
	(void)state;
	add("laptop");
	assert_int_equal(get("laptop")->state, MNS_WAITING);
	assert_int_equal(w.n_sent, 0);
	attach(FOREIGN);
	assert_int_equal(get("laptop")->state, MNS_ACTIVE);
	assert_addr(get("laptop")->home, "10.0.0.100");
	add("camera");
	assert_addr(get("camera")->home, "10.0.0.101");
	assert_int_equal(w.n_sent, 2);
	assert_int_equal(w.events[MNS_EVENT_REGISTERED], 2);
	/* a name of its own needs no sub-NAI */
	add("alone");
	assert_addr(get("alone")->home, "10.0.0.102");
	assert_false(mns_add(w.mns, w.now, "camera", &nowhere));
	assert_false(mns_add(w.mns, w.now, "", &nowhere));
	assert_false(mns_add(w.mns, w.now, "new\nline", &nowhere));
}

/* The name of a session that the foreign agent named goes with it. */
static void named_by_the_agent(void **state)
{
	struct mip_names names;

	(void)state;
	w.names = true;
	attach(FOREIGN);
	add("alone");
	add("laptop");
	assert_int_equal(get("alone")->state, MNS_ACTIVE);
	assert_addr(get("alone")->home, "10.0.0.100");
	assert_int_equal(w.n_sent, 2);
	/* another agent names nobody */
	w.names = false;
	attach(FOREIGN2);
	assert_int_equal(w.n_sent, 4);
	assert_addr(get("alone")->home, "10.0.0.100");
	assert_addr(get("alone")->registration.place.coa, FOREIGN2);
	assert_true(mns_end(w.mns, w.now, "alone"));
	assert_true(mip_get_names(&w.sent, &w.config.naming, &names));
	assert_int_equal(names.sub_len, 6);
	assert_memory_equal(names.sub, "seat 7", 6);
	settle();
	assert_int_equal(ha_count(w.ha), 1);
	assert_null(get("alone"));
}

static void they_follow(void **state)
{
	(void)state;
	attach(FOREIGN);
	add("laptop");
	add("camera");
	attach(FOREIGN2);
	assert_int_equal(w.n_sent, 4);
	assert_addr(get("laptop")->registration.place.coa, FOREIGN2);
	assert_addr(get("laptop")->home, "10.0.0.100");
	assert_addr(get("camera")->home, "10.0.0.101");
	/* where it is already nothing is sent */
	attach(FOREIGN2);
	assert_int_equal(w.n_sent, 4);
	/* what is in force is in force until the reply */
	w.silent = true;
	attach(FOREIGN);
	assert_int_equal(get("laptop")->state, MNS_ACTIVE);
	assert_addr(get("laptop")->registration.place.coa, FOREIGN2);
	w.silent = false;
	pass(2000);
	assert_addr(get("laptop")->registration.place.coa, FOREIGN);
	/* without a place the address is kept */
	mns_attach(w.mns, w.now, NULL);
	assert_int_equal(get("laptop")->state, MNS_WAITING);
	assert_int_equal(w.events[MNS_EVENT_LOST], 2);
	assert_addr(get("laptop")->home, "10.0.0.100");
	pass(10000);
	attach(FOREIGN2);
	assert_int_equal(get("laptop")->state, MNS_ACTIVE);
	assert_addr(get("laptop")->home, "10.0.0.100");
}

static void they_renew_and_expire(void **state)
{
	(void)state;
	attach(FOREIGN);
	add("laptop");
	pass(1199000);
	assert_int_equal(w.n_sent, 1);
	pass(2000);
	assert_int_equal(w.n_sent, 2);
	assert_int_equal(w.events[MNS_EVENT_RENEWED], 1);
	w.silent = true;
	pass(1801000);
	assert_int_equal(w.events[MNS_EVENT_LOST], 1);
	assert_int_equal(get("laptop")->state, MNS_ASKING);
	assert_int_equal(w.events[MNS_EVENT_SILENT], 1);
	w.silent = false;
	pass(61000);
	assert_int_equal(get("laptop")->state, MNS_ACTIVE);
	assert_addr(get("laptop")->home, "10.0.0.100");
}

static void one_ends(void **state)
{
	struct ha_state there;
	struct roam_addr first = addr("10.0.0.100"), second = addr("10.0.0.101");

	(void)state;
	attach(FOREIGN);
	add("laptop");
	add("camera");
	assert_true(mns_end(w.mns, w.now, "laptop"));
	settle();
	assert_null(get("laptop"));
	assert_int_equal(w.events[MNS_EVENT_ENDED], 1);
	assert_int_equal(get("camera")->state, MNS_ACTIVE);
	assert_false(ha_get(w.ha, &first, &there) && there.n);
	assert_true(ha_get(w.ha, &second, &there) && there.n == 1);
	assert_false(mns_end(w.mns, w.now, "laptop"));
	/* its address rests, and is its own again when it comes back */
	add("printer");
	assert_addr(get("printer")->home, "10.0.0.102");
	add("laptop");
	assert_addr(get("laptop")->home, "10.0.0.100");
	/* who hears nothing gives up */
	w.silent = true;
	assert_true(mns_end(w.mns, w.now, "laptop"));
	assert_int_equal(get("laptop")->state, MNS_ENDING);
	pass(20000);
	assert_null(get("laptop"));
	/* without a place there is nobody to tell */
	mns_attach(w.mns, w.now, NULL);
	assert_true(mns_end(w.mns, w.now, "camera"));
	assert_null(get("camera"));
}

/* It was ended before the answer to its first request came. */
static void ends_while_it_asks(void **state)
{
	struct roam_addr first = addr("10.0.0.100");
	struct ha_state there;

	(void)state;
	attach(FOREIGN);
	w.held = true;
	add("laptop");
	assert_true(mns_end(w.mns, w.now, "laptop"));
	assert_true(ha_get(w.ha, &first, &there) && there.n == 1);
	w.held = false;
	settle();
	assert_null(get("laptop"));
	assert_false(ha_get(w.ha, &first, &there) && there.n);
	assert_int_equal(w.events[MNS_EVENT_REGISTERED], 0);
}

static void replies_cross(void **state)
{
	(void)state;
	attach(FOREIGN);
	w.held = true;
	add("laptop");
	add("camera");
	assert_int_equal(w.n_kept, 2);
	deliver(1);
	deliver(0);
	assert_addr(get("laptop")->home, "10.0.0.100");
	assert_addr(get("camera")->home, "10.0.0.101");
	/* the same again is an answer to nothing */
	struct roam_addr from = addr(FOREIGN);
	assert_int_equal(mns_reply(w.mns, w.now, &from, w.kept[0].buf,
				   w.kept[0].len), MN_DROP_UNASKED);
	w.n_kept = 0;
}

static void what_is_not_authentic(void **state)
{
	struct roam_addr from = addr(FOREIGN), other = addr(FOREIGN2);
	struct mip_msg denial = {
		.type = MIP_REPLY, .code = MIP_FA_RESOURCES,
		.agent = addr(AGENT),
	};
	struct mip_names names;
	struct mip_writer forged;

	(void)state;
	attach(FOREIGN);
	w.held = true;
	add("laptop");
	forged = w.kept[0];
	forged.buf[forged.len - 1] ^= 1;
	assert_int_equal(mns_reply(w.mns, w.now, &from, forged.buf, forged.len),
			 MN_DROP_AUTH);
	/* an agent that was not asked denies nothing */
	denial.id = w.sent.id;
	forged = written(&denial);
	names = (struct mip_names){
		.nai = (const uint8_t *)NAI, .nai_len = strlen(NAI),
		.sub = (const uint8_t *)"laptop", .sub_len = 6,
	};
	mip_put_names(&forged, &w.config.naming, &names);
	assert_int_equal(mns_reply(w.mns, w.now, &other, forged.buf, forged.len),
			 MN_DROP_AUTH);
	assert_int_equal(get("laptop")->state, MNS_ASKING);
	/* nor does the right one with another session's name */
	forged = written(&denial);
	names.sub = (const uint8_t *)"camera";
	mip_put_names(&forged, &w.config.naming, &names);
	assert_int_equal(mns_reply(w.mns, w.now, &from, forged.buf, forged.len),
			 MN_DROP_UNASKED);
	for (size_t len = 0; len < w.kept[0].len; len++)
		assert_int_not_equal(mns_reply(w.mns, w.now, &from,
					       w.kept[0].buf, len),
				     MN_DROP_NONE);
	deliver(0);
	assert_int_equal(get("laptop")->state, MNS_ACTIVE);
	w.n_kept = 0;
}

static void denials(void **state)
{
	struct roam_addr foreign = addr("10.0.0.55");

	(void)state;
	attach(FOREIGN);
	/* a clock that is wrong is mended at once */
	w.skew = 3600000;
	add("laptop");
	assert_int_equal(w.n_sent, 2);
	assert_int_equal(get("laptop")->state, MNS_ACTIVE);
	w.skew = 0;
	/* an address that is not its own is given up for another */
	assert_true(mns_add(w.mns, w.now, "camera", &foreign));
	settle();
	assert_int_equal(get("camera")->state, MNS_ACTIVE);
	assert_in_range(get("camera")->home.b[15], 100, 109);
	/* a wrong key takes no address, and is tried ever more seldom */
	w.wrong_key = true;
	w.n_sent = 0;
	add("printer");
	assert_int_equal(get("printer")->state, MNS_ASKING);
	pass(600000);
	assert_true(w.n_sent < 20);
	assert_int_equal(leases_count(ha_leases(w.ha)), 2);
	w.wrong_key = false;
	pass(61000);
	assert_int_equal(get("printer")->state, MNS_ACTIVE);
	/* one more than the home agent takes: the others are not touched */
	add("fourth");
	add("fifth");
	assert_int_equal(get("fifth")->state, MNS_DENIED);
	assert_int_equal(get("fifth")->code, MIP_HA_RESOURCES);
	assert_false(mns_add(w.mns, w.now, "sixth", &nowhere));
	assert_int_equal(get("laptop")->state, MNS_ACTIVE);
	mns_end(w.mns, w.now, "fourth");
	settle();
	assert_int_equal(mns_count(w.mns), 4);
}

static void with_nonces(void **state)
{
	(void)state;
	w.keys.mobile.items[0].replay = SA_NONCES;
	w.nodes[0].associations.items[0].replay = SA_NONCES;
	attach(FOREIGN);
	add("laptop");
	pass(10000);
	assert_int_equal(get("laptop")->state, MNS_ACTIVE);
	attach(FOREIGN2);
	assert_addr(get("laptop")->registration.place.coa, FOREIGN2);
	attach(FOREIGN);
	assert_addr(get("laptop")->registration.place.coa, FOREIGN);
	assert_addr(get("laptop")->home, "10.0.0.100");
}

static void at_home(void **state)
{
	struct mn_registration home = w.place;

	(void)state;
	attach(FOREIGN);
	add("laptop");
	home.place.mode = MN_HOME;
	mns_attach(w.mns, w.now, &home);
	assert_int_equal(get("laptop")->state, MNS_WAITING);
	assert_int_equal(w.n_sent, 1);
}

static void names(void **state)
{
	(void)state;
	for (int i = 0; i <= MNS_ENDING; i++)
		assert_non_null(mns_state_name((enum mns_state)i));
	for (int i = 0; i <= MNS_EVENT_ENDED; i++)
		assert_non_null(mns_event_name((enum mns_event)i));
}

#define TEST(n, f) { .name = n, .test_func = f, .setup_func = setup, \
		     .teardown_func = teardown }

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("SES-06 SES-08 SES-12 SES-34: each session is registered, also with a NAI of its own",
		     each_is_registered),
		TEST("SES-11 SES-32: a session keeps the name that a foreign agent gave it, and its address",
		     named_by_the_agent),
		TEST("SES-32: sessions follow the node, and keep their addresses",
		     they_follow),
		TEST("SES-26: sessions are renewed, and end when nobody answers",
		     they_renew_and_expire),
		TEST("SES-33 SES-35: one ends, the others go on", one_ends),
		TEST("SES-33: one that is ended while it asks is given back",
		     ends_while_it_asks),
		TEST("TEN-25: replies cross, and find their sessions",
		     replies_cross),
		TEST("OPEN-35 MIP-20: replies that are not authentic change nothing",
		     what_is_not_authentic),
		TEST("SES-14 SES-17 SES-39: denials that are mended, and those that are not",
		     denials),
		TEST("MIP-25: sessions with nonces", with_nonces),
		TEST("SES-32: at home sessions wait", at_home),
		TEST("sessions of a node: names", names),
	};

	return cmocka_run_group_tests_name("mobile_session", tests, NULL, NULL);
}
