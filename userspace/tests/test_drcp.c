// SPDX-License-Identifier: GPL-2.0-or-later
/* A server and clients of DRCP on one link, in virtual time. */
#include "core_test.h"

#include <string.h>

#include "core/drcp_client.h"
#include "core/drcp_relay.h"
#include "core/drcp_server.h"

#define WIRE_MAX 64
#define CLIENTS 3

/**
 * struct host - a client
 * @fixture: the link
 * @client: the core
 * @addr: what it is configured with
 * @configured: times
 * @dhcp: DHCP may work
 * @events: by kind
 * @took: of the last configuration
 */
struct host {
	struct fixture *fixture;
	struct drcp_client *client;
	struct roam_addr addr;
	unsigned int configured;
	bool dhcp;
	unsigned int events[DRCP_CLIENT_DHCP + 1];
	msec_t took;
};

/**
 * struct fixture - a link with a server
 * @now: virtual time
 * @server: its core
 * @seq: of its advertisements
 * @id: its number
 * @dead: it answers nobody
 * @disk_full: nothing can be made durable
 * @hosts: clients
 * @stamp: the last one
 * @wire: messages of clients that are on their way
 * @from: whose each is
 * @n: their number
 * @last_status: of the server's last answer
 * @requests: requests that the server got
 */
struct fixture {
	msec_t now;
	struct drcp_server *server;
	uint32_t seq;
	uint64_t id;
	bool dead;
	bool disk_full;
	struct host hosts[CLIENTS];
	uint64_t stamp;
	struct drcp_msg wire[WIRE_MAX];
	struct host *from[WIRE_MAX];
	size_t n;
	uint8_t last_status;
	unsigned int requests;
};

static void on_send(void *ctx, const struct drcp_msg *msg)
{
	struct host *h = ctx;
	struct fixture *f = h->fixture;

	assert_true(f->n < WIRE_MAX);
	f->from[f->n] = h;
	f->wire[f->n++] = *msg;
}

static void on_configure(void *ctx, const struct drcp_msg *msg)
{
	struct host *h = ctx;

	h->addr = msg->addr;
	h->configured++;
}

static void on_deconfigure(void *ctx)
{
	memset(&((struct host *)ctx)->addr, 0, 16);
}

static void on_dhcp(void *ctx, bool may)
{
	((struct host *)ctx)->dhcp = may;
}

static uint64_t on_stamp(void *ctx)
{
	return ++((struct host *)ctx)->fixture->stamp;
}

static void on_event(void *ctx, enum drcp_client_event event,
		     const struct drcp_msg *msg, msec_t took)
{
	struct host *h = ctx;

	(void)msg;
	h->events[event]++;
	if (event == DRCP_CLIENT_CONFIGURED)
		h->took = took;
}

static const struct drcp_client_ops ops = {
	.send = on_send,
	.configure = on_configure,
	.deconfigure = on_deconfigure,
	.dhcp = on_dhcp,
	.stamp = on_stamp,
	.event = on_event,
};

static void add_pool(struct fixture *f, const char *subnet, const char *first,
		     const char *last)
{
	struct drcp_pool pool = { .lease = 600 };

	assert_true(roam_prefix_parse(subnet, &pool.subnet.prefix));
	if (first) {
		pool.first = addr(first);
		pool.last = addr(last);
	}
	assert_true(drcp_server_add_pool(f->server, &pool));
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->now = 1000;
	f->id = 77;
	f->server = drcp_server_new(600000);
	add_pool(f, "192.0.2.0/26", "192.0.2.10", "192.0.2.11");
	for (uint8_t i = 0; i < CLIENTS; i++) {
		struct drcp_client_config config = drcp_client_defaults;

		memcpy(config.client, (uint8_t[]){ 2, 0, 0, 0, 0, i + 1 }, 6);
		f->hosts[i].fixture = f;
		f->hosts[i].client = drcp_client_new(&config, &ops,
						     &f->hosts[i]);
	}
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < CLIENTS; i++)
		drcp_client_free(f->hosts[i].client);
	drcp_server_free(f->server);
	free(f);
	return 0;
}

static struct drcp_msg advertisement(struct fixture *f)
{
	struct drcp_msg msg = {
		.type = DRCP_ADVERTISEMENT, .server = f->id, .epoch = 1,
		.seq = ++f->seq, .period = 1000,
	};

	for (size_t i = 0; i < drcp_server_pools(f->server); i++)
		msg.subnets[msg.n_subnets++] =
			drcp_server_pool(f->server, i)->subnet;
	drcp_server_advertised(f->server, f->now, &msg);
	return msg;
}

static void advertise(struct fixture *f, int host)
{
	struct drcp_msg msg = advertisement(f);

	(void)drcp_client_input(f->hosts[host].client, f->now, &msg);
}

/* What clients said reaches the server after half a round trip, its answer after another. */
static void round_trip(struct fixture *f, msec_t rtt)
{
	size_t n = f->n;

	f->now += rtt;
	f->n = 0;
	for (size_t i = 0; i < n; i++) {
		struct drcp_msg msg = f->wire[i], reply;
		struct host *h = f->from[i];
		struct drcp_change change;

		if (f->dead || (msg.type != DRCP_SOLICITATION &&
				msg.server != f->id))
			continue;
		if (msg.type == DRCP_SOLICITATION) {
			advertise(f, h - f->hosts);
			continue;
		}
		f->requests += msg.type == DRCP_REQUEST;
		if (drcp_server_input(f->server, f->now, &msg, &reply, &change))
			continue;
		if (change.changed && f->disk_full) {
			drcp_server_undo(f->server, &change);
			reply.status = DRCP_LATER;
			reply.lease = 0;
			memset(&reply.addr, 0, 16);
		}
		f->last_status = reply.status;
		reply.server = f->id;
		reply.epoch = 1;
		reply.seq = f->seq;
		(void)drcp_client_input(h->client, f->now, &reply);
	}
}

static void advance(struct fixture *f, msec_t ms)
{
	msec_t end = f->now + ms, next;

	do {
		next = drcp_server_tick(f->server, f->now);
		for (int i = 0; i < CLIENTS; i++)
			next = min_time(next, drcp_client_tick(
				f->hosts[i].client, f->now));
		f->now = max_time(f->now, min_time(next, end));
	} while (next <= end);
	f->now = end;
}

/* Its link comes up; it asks who is there, hears it, asks for an address, has one. */
static void enter(struct fixture *f, int host)
{
	drcp_client_link(f->hosts[host].client, f->now, true);
	round_trip(f, 10);
	round_trip(f, 10);
}

static bool has(const struct fixture *f, int host, const char *text)
{
	struct roam_addr a = addr(text);

	return roam_addr_eq(&f->hosts[host].addr, &a);
}

static void address_is_there_after_one_round_trip(void **state)
{
	struct fixture *f = *state;

	drcp_client_link(f->hosts[0].client, f->now, true);
	f->n = 0;
	/* Nobody was asked: the advertisement comes by itself. */
	advertise(f, 0);
	assert_int_equal(f->n, 1);
	round_trip(f, 10);
	assert_int_equal(f->hosts[0].configured, 1);
	assert_int_equal(f->hosts[0].took, 10);
	assert_int_equal(drcp_server_leases(f->server), 1);
}

static void own_subnet_changes_nothing(void **state)
{
	struct fixture *f = *state;

	enter(f, 0);
	for (int i = 0; i < 5; i++) {
		f->now += 1000;
		advertise(f, 0);
	}
	/* Another base station of it: the link went and came. */
	drcp_client_link(f->hosts[0].client, f->now, false);
	enter(f, 0);
	assert_int_equal(f->requests, 1);
	assert_int_equal(f->hosts[0].configured, 1);
	assert_true(f->hosts[0].events[DRCP_CLIENT_KEPT] >= 1);
}

static void other_subnet_brings_another_address(void **state)
{
	struct fixture *f = *state;
	struct roam_addr before;

	enter(f, 0);
	before = f->hosts[0].addr;
	drcp_server_free(f->server);
	f->server = drcp_server_new(600000);
	f->id = 78;
	add_pool(f, "198.51.100.0/26", "198.51.100.10", "198.51.100.20");
	drcp_client_link(f->hosts[0].client, f->now, false);
	enter(f, 0);
	assert_int_equal(f->hosts[0].configured, 2);
	assert_false(roam_addr_eq(&before, &f->hosts[0].addr));
}

static void two_hosts_have_two_addresses_a_third_none(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 3; i++)
		enter(f, i);
	assert_true(has(f, 0, "192.0.2.10") || has(f, 0, "192.0.2.11"));
	assert_true(has(f, 1, "192.0.2.10") || has(f, 1, "192.0.2.11"));
	assert_false(roam_addr_eq(&f->hosts[0].addr, &f->hosts[1].addr));
	assert_int_equal(f->hosts[2].configured, 0);
	assert_int_equal(f->last_status, DRCP_EXHAUSTED);
	assert_int_equal(f->hosts[2].events[DRCP_CLIENT_REFUSED], 1);
	/* Where there is none, DHCP may have one. */
	advance(f, 4000);
	assert_true(f->hosts[2].dhcp);
	assert_false(f->hosts[0].dhcp);
	/* The pool grows while the server runs. */
	add_pool(f, "192.0.2.0/26", "192.0.2.10", "192.0.2.30");
	advance(f, 5000);
	advertise(f, 2);
	round_trip(f, 10);
	assert_int_equal(f->hosts[2].configured, 1);
	assert_int_equal(drcp_server_leases(f->server), 3);
}

static void lost_messages_cost_no_address(void **state)
{
	struct fixture *f = *state;

	drcp_client_link(f->hosts[0].client, f->now, true);
	round_trip(f, 10);
	/* The request is lost, then the answer to its copy: the server sees two copies. */
	f->n = 0;
	advance(f, 260);
	assert_int_equal(f->n, 1);
	advance(f, 510);
	assert_int_equal(f->n, 2);
	round_trip(f, 10);
	assert_int_equal(f->hosts[0].configured, 1);
	assert_int_equal(drcp_server_leases(f->server), 1);
	assert_int_equal(drcp_server_counters(f->server)->assigned, 1);
}

static void what_is_not_durable_is_not_promised(void **state)
{
	struct fixture *f = *state;

	f->disk_full = true;
	enter(f, 0);
	assert_int_equal(f->last_status, DRCP_LATER);
	assert_int_equal(f->hosts[0].configured, 0);
	assert_int_equal(drcp_server_leases(f->server), 0);
	f->disk_full = false;
	advance(f, 5001);
	advertise(f, 0);
	round_trip(f, 10);
	assert_int_equal(f->hosts[0].configured, 1);
	/* Nor does a renewal that cannot be kept shorten what was. */
	f->disk_full = true;
	advance(f, 300000);
	round_trip(f, 10);
	assert_int_equal(f->last_status, DRCP_LATER);
	assert_int_equal(drcp_server_leases(f->server), 1);
}

static void lease_is_renewed_at_half_of_it(void **state)
{
	struct fixture *f = *state;

	enter(f, 0);
	advance(f, 299000);
	assert_int_equal(f->n, 0);
	advance(f, 1001);
	assert_int_equal(f->n, 1);
	round_trip(f, 10);
	assert_int_equal(f->hosts[0].configured, 1);
	assert_int_equal(drcp_server_counters(f->server)->renewed, 1);
}

/* What may come between a client and the half of its lease. */
static void refusal_ends_no_lease(void **state)
{
	struct fixture *f = *state;
	struct drcp_msg rogue;
	struct host *h = &f->hosts[0];
	unsigned int asked;

	enter(f, 0);
	f->disk_full = true;
	advance(f, 300000);
	round_trip(f, 10);
	assert_int_equal(f->last_status, DRCP_LATER);
	f->disk_full = false;
	advance(f, 5000);
	round_trip(f, 10);
	assert_int_equal(f->last_status, DRCP_OK);
	/* Somebody says in the server's name that it has another subnet alone. */
	rogue = advertisement(f);
	rogue.subnets[0].prefix = prefix("203.0.113.0/24");
	assert_int_equal(drcp_client_input(h->client, f->now, &rogue),
			 DRCP_DROP_NONE);
	round_trip(f, 10);
	assert_int_equal(f->last_status, DRCP_NO_SUBNET);
	advance(f, 5000);
	round_trip(f, 10);
	assert_int_equal(f->last_status, DRCP_OK);
	/* The link is away when half of it is over. */
	drcp_client_link(h->client, f->now, false);
	advance(f, 310000);
	enter(f, 0);
	asked = f->requests;
	advance(f, 5000);
	round_trip(f, 10);
	assert_int_equal(f->requests, asked + 1);
	for (int i = 0; i < 599; i++) {
		advance(f, 1000);
		round_trip(f, 0);
	}
	assert_int_equal(h->events[DRCP_CLIENT_LOST], 0);
	assert_int_equal(h->configured, 1);
}

static void lease_that_ended_is_not_used(void **state)
{
	struct fixture *f = *state;

	enter(f, 0);
	f->dead = true;
	/* What cannot be asked is put on a wire that nobody reads. */
	for (int i = 0; i < 700; i++) {
		f->n = 0;
		advance(f, 1000);
	}
	assert_true(roam_addr_is_none(&f->hosts[0].addr));
	assert_int_equal(f->hosts[0].events[DRCP_CLIENT_LOST], 1);
	assert_int_equal(drcp_server_leases(f->server), 0);
	assert_int_equal(drcp_server_counters(f->server)->expired, 1);
}

static void conflict_brings_another_address(void **state)
{
	struct fixture *f = *state;
	struct roam_addr before;

	enter(f, 0);
	before = f->hosts[0].addr;
	drcp_client_conflict(f->hosts[0].client, f->now);
	round_trip(f, 10);
	assert_false(roam_addr_is_none(&f->hosts[0].addr));
	assert_false(roam_addr_eq(&before, &f->hosts[0].addr));
	/* Nobody else gets it for a while. */
	enter(f, 1);
	assert_int_equal(f->hosts[1].configured, 0);
	for (int i = 0; i < 600; i++) {
		advance(f, 1000);
		round_trip(f, 0);
	}
	advertise(f, 1);
	round_trip(f, 10);
	assert_int_equal(f->hosts[1].configured, 1);
}

static void who_leaves_gives_its_address_back(void **state)
{
	struct fixture *f = *state;

	enter(f, 0);
	drcp_client_leave(f->hosts[0].client, f->now);
	round_trip(f, 10);
	drcp_server_tick(f->server, f->now);
	assert_int_equal(drcp_server_leases(f->server), 0);
	assert_true(roam_addr_is_none(&f->hosts[0].addr));
	/* What is advertised does not tempt it, a link that comes up does. */
	advertise(f, 0);
	assert_int_equal(f->n, 0);
	enter(f, 0);
	assert_false(roam_addr_is_none(&f->hosts[0].addr));
}

static void nobody_gives_back_what_is_another_s(void **state)
{
	struct fixture *f = *state;
	struct drcp_msg reply, msg = { .type = DRCP_RELEASE, .stamp = 1000 };
	struct drcp_change change;

	enter(f, 0);
	memcpy(msg.client, (uint8_t[]){ 2, 0, 0, 0, 0, 2 }, 6);
	msg.addr = f->hosts[0].addr;
	assert_int_equal(drcp_server_input(f->server, f->now, &msg, &reply,
					   &change), DRCP_DROP_SOURCE);
	msg.type = DRCP_DECLINE;
	assert_int_equal(drcp_server_input(f->server, f->now, &msg, &reply,
					   &change), DRCP_DROP_SOURCE);
	/* Nor can an old message of its own be played again. */
	memcpy(msg.client, (uint8_t[]){ 2, 0, 0, 0, 0, 1 }, 6);
	msg.type = DRCP_RELEASE;
	msg.stamp = 1;
	assert_int_equal(drcp_server_input(f->server, f->now, &msg, &reply,
					   &change), DRCP_DROP_NONE);
	assert_int_equal(reply.status, DRCP_STALE);
	assert_false(change.changed);
	assert_int_equal(drcp_server_leases(f->server), 1);
}

static void replayed_advertisements_and_foreign_answers_are_dropped(void **state)
{
	struct fixture *f = *state;
	struct drcp_msg old = advertisement(f), other;

	enter(f, 0);
	assert_int_equal(drcp_client_input(f->hosts[0].client, f->now, &old),
			 DRCP_DROP_REPLAY);
	/* A second server does not take over while the own one is heard. */
	other = advertisement(f);
	other.server = 99;
	assert_int_equal(drcp_client_input(f->hosts[0].client, f->now, &other),
			 DRCP_DROP_SERVER);
	other.type = DRCP_ASSIGNMENT;
	assert_int_equal(drcp_client_input(f->hosts[0].client, f->now, &other),
			 DRCP_DROP_UNASKED);
}

static void without_drcp_dhcp_has_its_turn(void **state)
{
	struct fixture *f = *state;

	f->dead = true;
	drcp_client_link(f->hosts[0].client, f->now, true);
	advance(f, 2999);
	assert_false(f->hosts[0].dhcp);
	advance(f, 1);
	assert_true(f->hosts[0].dhcp);
	/* A few questions, not more: nobody is there. */
	assert_int_equal(f->n, 3);
	f->dead = false;
	f->n = 0;
	advertise(f, 0);
	round_trip(f, 10);
	assert_false(f->hosts[0].dhcp);
}

static void ipv6_hosts_have_their_own_number(void **state)
{
	struct fixture *f = *state;

	drcp_server_free(f->server);
	f->server = drcp_server_new(600000);
	add_pool(f, "2001:db8:1::/64", NULL, NULL);
	enter(f, 0);
	enter(f, 1);
	assert_true(has(f, 0, "2001:db8:1::ff:fe00:1"));
	assert_true(has(f, 1, "2001:db8:1::ff:fe00:2"));
}

static void leases_come_back_from_disk(void **state)
{
	struct fixture *f = *state;
	struct drcp_lease lease = { .expires = f->now + 1000, .stamp = 5 };
	struct roam_addr first;

	memcpy(lease.client, (uint8_t[]){ 2, 0, 0, 0, 0, 1 }, 6);
	lease.addr = addr("192.0.2.11");
	assert_true(drcp_server_restore(f->server, &lease));
	/* Older records of the same lease say nothing. */
	lease.addr = addr("192.0.2.10");
	assert_true(drcp_server_restore(f->server, &lease));
	assert_int_equal(drcp_server_leases(f->server), 1);
	f->stamp = 100;
	enter(f, 0);
	first = addr("192.0.2.11");
	assert_true(roam_addr_eq(&f->hosts[0].addr, &first));
}

/* A pool that went out of the configuration: who is there stays, nobody comes. */
static void closed_pool_gives_nothing(void **state)
{
	struct fixture *f = *state;
	struct roam_prefix subnet = prefix("192.0.2.0/26");
	struct drcp_msg msg = {
		.type = DRCP_REQUEST, .client = { 2, 0, 0, 0, 0, 9 },
		.stamp = 1, .subnet = subnet, .epoch = 1,
	};
	struct drcp_change change;
	struct drcp_msg reply;

	enter(f, 0);
	msg.seq = f->seq;
	assert_false(roam_addr_is_none(&f->hosts[0].addr));
	drcp_server_close_pool(f->server, &subnet);
	assert_null(drcp_server_pool(f->server, 0));
	assert_int_equal(drcp_server_leases(f->server), 1);
	assert_int_equal(drcp_server_input(f->server, f->now, &msg, &reply,
					   &change), DRCP_DROP_NONE);
	assert_int_equal(reply.status, DRCP_NO_SUBNET);
	assert_false(change.changed);
	add_pool(f, "192.0.2.0/26", "192.0.2.10", "192.0.2.20");
	assert_non_null(drcp_server_pool(f->server, 0));
}

/* A host can pose as a server, but its assignments are not believed: it costs one retry. */
static void server_that_does_not_answer_is_left(void **state)
{
	struct fixture *f = *state;
	struct drcp_msg rogue = advertisement(f);
	struct host *h = &f->hosts[0];

	rogue.server = 99;
	drcp_client_link(h->client, f->now, true);
	f->n = 0;
	assert_int_equal(drcp_client_input(h->client, f->now, &rogue),
			 DRCP_DROP_NONE);
	round_trip(f, 10);
	advertise(f, 0);
	assert_int_equal(f->n, 0);
	advance(f, 300);
	round_trip(f, 10);
	advertise(f, 0);
	/* The other one goes on saying that it is there. */
	rogue.seq++;
	assert_int_equal(drcp_client_input(h->client, f->now, &rogue),
			 DRCP_DROP_SERVER);
	round_trip(f, 10);
	assert_int_equal(h->configured, 1);
	assert_int_equal(h->took, 10);
	rogue.seq++;
	assert_int_equal(drcp_client_input(h->client, f->now, &rogue),
			 DRCP_DROP_SERVER);
}

/*
 * Each host has the key of advertisements. One that is made in the server's name, with numbers
 * far ahead, is a claim that is left when nobody stands behind it.
 */
static void claim_of_a_number_locks_nobody_out(void **state)
{
	struct fixture *f = *state;
	struct host *h = &f->hosts[0];
	struct drcp_msg rogue = advertisement(f);

	rogue.epoch = 0x7fffffff;
	rogue.period = UINT32_MAX;
	drcp_client_link(h->client, f->now, true);
	f->n = 0;
	assert_int_equal(drcp_client_input(h->client, f->now, &rogue),
			 DRCP_DROP_NONE);
	/* Nobody answers; the real one says that it is there. */
	advance(f, 1000);
	f->n = 0;
	advertise(f, 0);
	round_trip(f, 10);
	assert_int_equal(h->configured, 1);
	/* Nor does the next lie cost the address: it is asked for in time. */
	rogue.epoch--;
	assert_int_equal(drcp_client_input(h->client, f->now, &rogue),
			 DRCP_DROP_NONE);
	for (int i = 0; i < 1300; i++) {
		advance(f, 500);
		round_trip(f, 10);
		/* He repeats it for as long as he likes. */
		rogue.seq++;
		(void)drcp_client_input(h->client, f->now, &rogue);
		if (i % 2)
			advertise(f, 0);
		advance(f, 0);
		round_trip(f, 10);
	}
	assert_int_equal(h->configured, 1);
	assert_int_equal(h->events[DRCP_CLIENT_LOST], 0);
	/* What an answer proved stays: nothing before it is heard. */
	rogue.epoch = 1;
	rogue.seq = 2;
	drcp_client_link(h->client, f->now, false);
	drcp_client_link(h->client, f->now, true);
	assert_int_equal(drcp_client_input(h->client, f->now, &rogue),
			 DRCP_DROP_REPLAY);
}

/* What the server answers to a host of the last byte @who, in the last advertisement's name. */
static enum drcp_drop said(struct fixture *f, uint8_t type, uint8_t who,
			   uint64_t stamp, uint32_t seq, struct drcp_msg *reply)
{
	struct drcp_msg msg = {
		.type = type, .client = { 2, 0, 0, 0, 0, who },
		.stamp = stamp, .subnet = prefix("192.0.2.0/26"),
		.addr = reply->addr, .server = f->id, .epoch = 1, .seq = seq,
	};
	struct drcp_change change;

	return drcp_server_input(f->server, f->now, &msg, reply, &change);
}

static void who_declines_again_and_again_holds_one(void **state)
{
	struct fixture *f = *state;
	struct roam_addr first = { 0 };
	struct drcp_msg reply;

	(void)advertisement(f);
	for (uint64_t i = 1; i < 20; i += 2) {
		reply.addr = first;
		assert_int_equal(said(f, DRCP_REQUEST, 9, i, 1, &reply), 0);
		assert_int_equal(reply.status, DRCP_OK);
		assert_int_equal(said(f, DRCP_DECLINE, 9, i + 1, 1, &reply), 0);
		assert_int_equal(reply.status, DRCP_RELEASED);
		f->now++;
		drcp_server_tick(f->server, f->now);
		assert_int_equal(drcp_server_leases(f->server), 1);
	}
	assert_int_equal(said(f, DRCP_REQUEST, 1, 1, 1, &reply), 0);
	assert_int_equal(reply.status, DRCP_OK);
	/* The hold ends as ever. */
	f->now += 600000;
	drcp_server_tick(f->server, f->now);
	assert_int_equal(drcp_server_leases(f->server), 0);
}

static void what_was_recorded_prolongs_and_makes_nothing(void **state)
{
	struct fixture *f = *state;
	struct drcp_msg reply = { 0 }, answer;

	(void)advertisement(f);
	assert_int_equal(said(f, DRCP_REQUEST, 7, 1, 1, &reply), 0);
	assert_int_equal(reply.lease, 600);
	/* A copy is answered alike, for what is left. */
	f->now += 30000;
	answer = reply;
	assert_int_equal(said(f, DRCP_REQUEST, 7, 1, 1, &reply), 0);
	assert_int_equal(reply.status, DRCP_OK);
	assert_int_equal(reply.lease, 570);
	assert_memory_equal(&reply.addr, &answer.addr, 16);
	assert_int_equal(drcp_server_counters(f->server)->renewed, 0);
	/* A number of this minute is good, however many solicited meanwhile. */
	for (int i = 0; i < 1000; i++)
		(void)advertisement(f);
	assert_int_equal(said(f, DRCP_REQUEST, 8, 1, 1, &reply), 0);
	assert_int_equal(reply.status, DRCP_OK);
	/* One that comes is none yet, and one of before a restart none any more. */
	assert_int_equal(said(f, DRCP_REQUEST, 8, 2, f->seq + 1, &reply),
			 DRCP_DROP_REPLAY);
	for (int i = 0; i < 130; i++) {
		f->now += 1000;
		(void)advertisement(f);
	}
	assert_int_equal(said(f, DRCP_REQUEST, 7, 1, 1, &reply),
			 DRCP_DROP_REPLAY);
	f->now += 480000;
	drcp_server_tick(f->server, f->now);
	assert_int_equal(said(f, DRCP_REQUEST, 7, 1, 1, &reply),
			 DRCP_DROP_REPLAY);
	assert_int_equal(drcp_server_leases(f->server), 0);
	assert_int_equal(said(f, DRCP_REQUEST, 7, 2, f->seq, &reply), 0);
	assert_int_equal(reply.status, DRCP_OK);
}

/* ---- relays ---- */

static struct drcp_msg message(uint8_t type, uint64_t server, uint32_t seq,
			       uint8_t client)
{
	return (struct drcp_msg){
		.type = type, .server = server, .epoch = 1, .seq = seq,
		.client = { 2, 0, 0, 0, 0, client },
	};
}

static const struct drcp_hop upper = { 1, { 2, 0, 0, 0, 1, 1 } };
static const struct drcp_hop lower = { 2, { 2, 0, 0, 0, 1, 2 } };

static void answers_go_the_way_of_the_question(void **state)
{
	struct drcp_relay *relay = drcp_relay_new();
	struct drcp_msg msg = message(DRCP_REQUEST, 7, 0, 5);
	struct drcp_relay_out out;

	(void)state;
	assert_int_equal(drcp_relay_input(relay, 1000, &lower, true, &msg, &out),
			 DRCP_DROP_SERVER);
	msg = message(DRCP_ADVERTISEMENT, 7, 3, 0);
	assert_int_equal(drcp_relay_input(relay, 1000, &upper, false, &msg, &out),
			 DRCP_DROP_NONE);
	assert_true(out.everybody);
	/* A copy that went round says nothing new. */
	assert_int_equal(drcp_relay_input(relay, 1000, &upper, false, &msg, &out),
			 DRCP_DROP_REPLAY);
	msg = message(DRCP_REQUEST, 7, 3, 5);
	assert_int_equal(drcp_relay_input(relay, 1000, &lower, true, &msg, &out),
			 DRCP_DROP_NONE);
	assert_int_equal(out.n, 1);
	assert_int_equal(out.to[0].link, upper.link);
	msg = message(DRCP_ASSIGNMENT, 7, 3, 5);
	assert_int_equal(drcp_relay_input(relay, 1000, &upper, false, &msg, &out),
			 DRCP_DROP_NONE);
	assert_int_equal(out.n, 1);
	assert_int_equal(out.to[0].link, lower.link);
	assert_memory_equal(out.to[0].mac, lower.mac, 6);
	msg = message(DRCP_ASSIGNMENT, 7, 3, 6);
	assert_int_equal(drcp_relay_input(relay, 1000, &upper, false, &msg, &out),
			 DRCP_DROP_UNASKED);
	drcp_relay_free(relay);
}

static enum drcp_drop asks(struct drcp_relay *relay, msec_t now,
			   const struct drcp_hop *from, uint64_t stamp)
{
	struct drcp_msg msg = message(DRCP_REQUEST, 7, 3, 5);
	struct drcp_relay_out out;

	msg.stamp = stamp;
	return drcp_relay_input(relay, now, from, true, &msg, &out);
}

static bool is_answered_at(struct drcp_relay *relay, const struct drcp_hop *hop)
{
	struct drcp_msg msg = message(DRCP_ASSIGNMENT, 7, 3, 5);
	struct drcp_relay_out out;

	assert_int_equal(drcp_relay_input(relay, 1000, &upper, false, &msg,
					  &out), DRCP_DROP_NONE);
	return out.to[0].link == hop->link && !memcmp(out.to[0].mac, hop->mac, 6);
}

static void repeated_question_has_no_answer(void **state)
{
	static const struct drcp_hop thief = { 2, { 2, 0, 0, 0, 6, 6 } };
	struct drcp_msg msg = message(DRCP_ADVERTISEMENT, 7, 3, 0);
	struct drcp_relay *relay = drcp_relay_new();
	struct drcp_relay_out out;

	(void)state;
	assert_int_equal(drcp_relay_input(relay, 1000, &upper, false, &msg,
					  &out), DRCP_DROP_NONE);
	assert_int_equal(asks(relay, 1000, &lower, 8), DRCP_DROP_NONE);
	assert_int_equal(asks(relay, 1000, &lower, 9), DRCP_DROP_NONE);
	assert_int_equal(asks(relay, 1000, &thief, 8), DRCP_DROP_REPLAY);
	assert_int_equal(asks(relay, 1000, &thief, 9), DRCP_DROP_REPLAY);
	assert_true(is_answered_at(relay, &lower));
	/* Who asks again where it is may, and who moved says something new. */
	assert_int_equal(asks(relay, 1250, &lower, 9), DRCP_DROP_NONE);
	assert_int_equal(asks(relay, 2000, &thief, 10), DRCP_DROP_NONE);
	assert_true(is_answered_at(relay, &thief));
	/* A host that came back with its clock at zero waits for no longer than an answer takes. */
	assert_int_equal(asks(relay, 61999, &lower, 1), DRCP_DROP_REPLAY);
	assert_int_equal(asks(relay, 62000, &lower, 1), DRCP_DROP_NONE);
	assert_true(is_answered_at(relay, &lower));
	drcp_relay_free(relay);
}

static void hosts_do_not_speak_for_servers(void **state)
{
	struct drcp_msg msg = message(DRCP_ADVERTISEMENT, 9, 1, 0);
	struct drcp_relay *relay = drcp_relay_new();
	struct drcp_relay_out out;

	(void)state;
	assert_int_equal(drcp_relay_input(relay, 1000, &lower, true, &msg, &out),
			 DRCP_DROP_ROLE);
	msg.type = DRCP_ASSIGNMENT;
	assert_int_equal(drcp_relay_input(relay, 1000, &lower, true, &msg, &out),
			 DRCP_DROP_ROLE);
	drcp_relay_free(relay);
}

#define test(text, fn)							\
	{ text, fn, setup, teardown, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		test("MMP-81 MMP-90: an address is there one round trip after the advertisement",
		     address_is_there_after_one_round_trip),
		test("MMP-82 MMP-88 MMP-89: inside its subnet the address stays",
		     own_subnet_changes_nothing),
		test("MMP-87 MMP-90: another subnet brings another address",
		     other_subnet_brings_another_address),
		test("MMP-81: an address is given once; a pool grows while the server runs",
		     two_hosts_have_two_addresses_a_third_none),
		test("MMP-81: lost messages cost no address",
		     lost_messages_cost_no_address),
		test("MMP-81: what is not durable is not promised",
		     what_is_not_durable_is_not_promised),
		test("MMP-81: a lease is renewed at half of it",
		     lease_is_renewed_at_half_of_it),
		test("SEC-41 MMP-81: who is refused once, or was away, prolongs its lease later",
		     refusal_ends_no_lease),
		test("MMP-81: a lease that ended is not used",
		     lease_that_ended_is_not_used),
		test("MMP-81: a conflict brings another address, and holds the one",
		     conflict_brings_another_address),
		test("MMP-81: who leaves gives its address back",
		     who_leaves_gives_its_address_back),
		test("MMP-81: nobody gives back what is another's, nor twice",
		     nobody_gives_back_what_is_another_s),
		test("MMP-80: replays, second servers and answers to nothing are dropped",
		     replayed_advertisements_and_foreign_answers_are_dropped),
		test("MMP-77: where nobody speaks DRCP the host's DHCP has its turn",
		     without_drcp_dhcp_has_its_turn),
		test("MMP-81: IPv6 hosts have their own number in a prefix",
		     ipv6_hosts_have_their_own_number),
		test("MMP-81: leases come back from disk",
		     leases_come_back_from_disk),
		test("MMP-81: a pool that is closed gives nothing, and takes no address away",
		     closed_pool_gives_nothing),
		test("MMP-81 OPEN-30: a server that does not answer is left for the next one",
		     server_that_does_not_answer_is_left),
		test("SEC-19: a claim of a number far ahead in the server's name locks nobody out",
		     claim_of_a_number_locks_nobody_out),
		test("SEC-20: who declines again and again holds one address",
		     who_declines_again_and_again_holds_one),
		test("SEC-21: what was recorded prolongs no lease and makes none",
		     what_was_recorded_prolongs_and_makes_nothing),
		test("MMP-78: through a relay answers go the way that the question came",
		     answers_go_the_way_of_the_question),
		test("SEC-42: a relay sends no answer to who repeated a client's question",
		     repeated_question_has_no_answer),
		test("MMP-78 OPEN-30: a relay takes nothing of a server's from where hosts are",
		     hosts_do_not_speak_for_servers),
	};

	return cmocka_run_group_tests_name("drcp", tests, NULL, NULL);
}
