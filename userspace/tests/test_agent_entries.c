// SPDX-License-Identifier: GPL-2.0-or-later
/* Bindings, visitors and pending requests as entries of the sync engine. */
#include "core_test.h"

#include "core/agent_entries.h"

#define NOW 1000000

static struct ha_state example(unsigned int n)
{
	struct ha_state s = {
		.home = addr("10.77.0.5"), .agent = addr("198.18.0.10"),
		.last = 0x1122334455667788, .n = n, .kept = NOW + 14000,
	};

	for (unsigned int i = 0; i < n; i++)
		s.bindings[i] = (struct ha_binding){
			.coa = addr("192.0.2.1"),
			.source = addr(i % 2 ? "192.0.2.9" : "192.0.2.1"),
			.id = s.last - i, .expires = NOW + 60000 + i,
			.spi = 300, .lifetime = 1800, .port = 434,
			.flags = 0x22, .encap = i % 4,
		};
	return s;
}

static void assert_same(const struct ha_state *a, const struct ha_state *b)
{
	assert_int_equal(a->n, b->n);
	assert_true(a->last == b->last);
	assert_int_equal(a->nonce, b->nonce);
	assert_true(a->kept == b->kept);
	assert_true(roam_addr_eq(&a->home, &b->home));
	assert_true(roam_addr_eq(&a->agent, &b->agent));
	for (unsigned int i = 0; i < a->n; i++) {
		const struct ha_binding *x = &a->bindings[i], *y = &b->bindings[i];

		assert_true(roam_addr_eq(&x->coa, &y->coa));
		assert_true(roam_addr_eq(&x->source, &y->source));
		assert_true(x->id == y->id);
		assert_true(x->expires == y->expires);
		assert_int_equal(x->spi, y->spi);
		assert_int_equal(x->lifetime, y->lifetime);
		assert_int_equal(x->port, y->port);
		assert_int_equal(x->flags, y->flags);
		assert_int_equal(x->encap, y->encap);
	}
}

/* Each number of bindings, both kinds of replay protection, every length but one. */
static void bindings(void **state)
{
	(void)state;
	for (unsigned int n = 0; n <= HA_BINDINGS_MAX; n++) {
		struct ha_state s = example(n), back = { .home = s.home };
		uint8_t buf[AGENT_BINDING_MAX];
		size_t digested, len;

		s.nonce = n % 2 ? 0xdeadbeef : 0;
		s.last += n % 3 ? 0 : 1;
		len = agent_binding_encode(&s, NOW, buf, &digested);
		assert_true(len <= AGENT_BINDING_MAX && digested < len);
		assert_true(agent_binding_decode(buf, len, NOW, &back));
		assert_same(&s, &back);
		for (size_t cut = 0; cut < len; cut++) {
			uint8_t *copy = malloc(cut ? cut : 1);

			memcpy(copy, buf, cut);
			back.home = s.home;
			assert_false(agent_binding_decode(copy, cut, NOW, &back));
			free(copy);
		}
	}
}

/* SYNC: what a member's clock says is not in the digest, and grants nothing. */
static void lifetimes(void **state)
{
	struct ha_state s = example(1), back = { .home = s.home };
	uint8_t buf[AGENT_BINDING_MAX], later[AGENT_BINDING_MAX];
	size_t digested, len;

	(void)state;
	len = agent_binding_encode(&s, NOW, buf, &digested);
	assert_int_equal(agent_binding_encode(&s, NOW + 500, later, &digested),
			 len);
	assert_memory_equal(buf, later, digested);
	assert_memory_not_equal(buf + digested, later + digested, 4);
	/* Read by another clock it ends in as many ms. */
	assert_true(agent_binding_decode(buf, len, 5, &back));
	assert_true(back.bindings[0].expires == 5 + 60000);
	/* More than was granted is not believed; infinite only where it was. */
	memset(buf + digested, 0xff, 4);
	back.home = s.home;
	assert_true(agent_binding_decode(buf, len, NOW, &back));
	assert_true(back.bindings[0].expires == NOW + 1800 * 1000);
	s.bindings[0].lifetime = MIP_LIFETIME_INFINITE;
	s.bindings[0].expires = MSEC_NEVER;
	len = agent_binding_encode(&s, NOW, buf, &digested);
	back.home = s.home;
	assert_true(agent_binding_decode(buf, len, NOW, &back));
	assert_true(back.bindings[0].expires == MSEC_NEVER);
	/* At most 64 bytes on the wire with what stands in front of it. */
	assert_true(18 + 4 + len <= 64);
}

static void hostile(void **state)
{
	struct ha_state s = example(1), back;
	uint8_t buf[AGENT_BINDING_MAX];
	size_t digested, len = agent_binding_encode(&s, NOW, buf, &digested);
	static const struct {
		size_t offset;
		uint8_t value;
	} wrong[] = {
		{ 0, 0x09 }, { 0, 0x41 }, { 0, 0x00 }, { 0, 0x02 },
		{ 5, 0x04 }, { 5, 0x40 }, { 6, 224 }, { 6, 127 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		uint8_t bad[AGENT_BINDING_MAX];

		memcpy(bad, buf, len);
		bad[wrong[i].offset] = wrong[i].value;
		back.home = s.home;
		assert_false(agent_binding_decode(bad, len, NOW, &back));
	}
}

static void visitors(void **state)
{
	struct fa_visitor v = {
		.home = addr("10.77.0.5"), .source = addr("10.77.0.5"),
		.to = addr("192.0.2.1"), .coa = addr("192.0.2.1"),
		.agent = addr("198.18.0.10"), .id = 0x1122334455667788,
		.expires = NOW + 7000, .link = 3, .spi = 300,
		.requested = 1800, .lifetime = 900, .port = 5000,
		.flags = 0x02, .reverse = FA_REVERSE_DIRECT, .named = true,
		.mac = { 2, 0, 0, 0, 0, 7 },
		.nai_len = 3, .sub_len = 2, .names = "a@bpc",
	}, back = { .home = v.home };
	uint8_t buf[AGENT_VISITOR_MAX];
	size_t digested, len = agent_visitor_encode(&v, NOW, buf, &digested);

	(void)state;
	assert_int_equal(len, 48 + v.nai_len + v.sub_len);
	assert_true(agent_visitor_decode(buf, len, NOW, &back));
	/* An index means nothing to another host. */
	assert_int_equal(back.link, 0);
	back.link = v.link;
	assert_true(back.id == v.id && back.expires == v.expires && back.named);
	assert_true(roam_addr_eq(&back.agent, &v.agent));
	assert_int_equal(back.port, 5000);
	assert_int_equal(back.nai_len, 3);
	assert_int_equal(back.sub_len, 2);
	assert_memory_equal(back.names, "a@bpc", 5);
	assert_memory_equal(back.mac, v.mac, FA_MAC_LEN);
	for (size_t cut = 0; cut < len; cut++) {
		back.home = v.home;
		assert_false(agent_visitor_decode(buf, cut, NOW, &back));
	}
	buf[35] = 3;
	assert_false(agent_visitor_decode(buf, len, NOW, &back));
}

/* Bound and quiet ones, names of every length, and what is none. */
static void leases(void **state)
{
	struct lease lease = {
		.addr = addr("10.77.0.100"), .agent = addr("198.18.0.10"),
		.until = MSEC_NEVER, .nai_len = 7, .sub_len = 3,
		.names = "a@b.com" "pc1",
	}, back;
	struct mip_names names = lease_names(&lease);
	uint8_t buf[AGENT_LEASE_MAX], later[AGENT_LEASE_MAX];
	size_t digested, len;

	(void)state;
	for (int quiet = 0; quiet < 2; quiet++) {
		lease.until = quiet ? NOW + 5000 : MSEC_NEVER;
		len = agent_lease_encode(&lease, NOW, buf, &digested);
		back = (struct lease){ .addr = lease.addr };
		assert_true(agent_lease_decode(buf, len, NOW, &back));
		assert_true(lease_is_of(&back, &names));
		assert_true(back.until == lease.until);
		assert_true(roam_addr_eq(&back.agent, &lease.agent));
		for (size_t cut = 0; cut < len; cut++) {
			uint8_t *copy = malloc(cut ? cut : 1);

			memcpy(copy, buf, cut);
			back.addr = lease.addr;
			assert_false(agent_lease_decode(copy, cut, NOW, &back));
			free(copy);
		}
	}
	/* what is left is not in the digest, whether it rests is */
	assert_int_equal(agent_lease_encode(&lease, NOW + 99, later, &digested), len);
	assert_memory_equal(buf, later, digested);
	lease.until = MSEC_NEVER;
	agent_lease_encode(&lease, NOW, later, &digested);
	assert_memory_not_equal(buf, later, digested);
	/* no member makes an address rest for a year, or gives it to nobody */
	memset(buf + len - 4, 0xff, 4);
	back.addr = lease.addr;
	assert_true(agent_lease_decode(buf, len, NOW, &back));
	assert_true(back.until <= NOW + 86400000);
	lease.nai_len = lease.sub_len = 0;
	len = agent_lease_encode(&lease, NOW, buf, &digested);
	assert_false(agent_lease_decode(buf, len, NOW, &back));
}

static void keys(void **state)
{
	uint8_t key[AGENT_KEY_MAX];
	struct roam_addr home = addr("10.77.0.5"), back;
	uint32_t id;

	(void)state;
	assert_int_equal(agent_key(AGENT_BINDING, &home, 9, key), 4);
	assert_true(agent_key_read(AGENT_BINDING, key, 4, &back, &id));
	assert_true(roam_addr_eq(&home, &back));
	assert_false(agent_key_read(AGENT_PENDING, key, 4, &back, &id));
	assert_int_equal(agent_key(AGENT_PENDING, &home, 0x100000009, key), 8);
	assert_true(agent_key_read(AGENT_PENDING, key, 8, &back, &id));
	assert_int_equal(id, 9);
	memset(key, 0, 4);
	assert_false(agent_key_read(AGENT_BINDING, key, 4, &back, &id));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "STBY-82 SYNC-37 SYNC-38 SYNC-39 SYNC-40 SYNC-41 SYNC-43 TEN-07 GEN-09: bindings between agents",
		  bindings, NULL, NULL, NULL },
		{ "OPEN-43 STBY-81: what is left of lifetimes",
		  lifetimes, NULL, NULL, NULL },
		{ "OPEN-31: bindings that are none", hostile, NULL, NULL, NULL },
		{ "STBY-82: visitors and pending requests between agents",
		  visitors, NULL, NULL, NULL },
		{ "STBY-82 SES-18: leases between agents",
		  leases, NULL, NULL, NULL },
		{ "STBY-82: keys of entries", keys, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
