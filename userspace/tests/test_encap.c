// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kernel/core/encap.h in user space, where ASan and UBSan look: what the headers are,
 * byte by byte, and that what went in comes out. In buffers of just their size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "shim/encap.h"

#include <cmocka.h>

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/* 198.51.100.2 -> 203.0.113.5, UDP, 36 bytes, DF, type of service 0xb9. */
static const u8 inner[] = {
	0x45, 0xb9, 0x00, 0x24, 0x12, 0x34, 0x40, 0x00, 0x3f, 0x11, 0x00, 0x00,
	198, 51, 100, 2, 203, 0, 113, 5,
	0x04, 0xd2, 0x16, 0x2e, 0x00, 0x10, 0x00, 0x00, 1, 2, 3, 4, 5, 6, 7, 8,
};

/* What stands between the outer IPv4 header and the inner packet. */
static const u8 gre[] = { 0, 0, 0x08, 0x00 };
static const u8 udp[] = { 0x01, 0xb2, 0x11, 0x5c, 0x00, 0x30, 0x00, 0x00,
			  4, 4, 0, 0 };

static const struct roam_encap tunnel_of[] = {
	[ROAM_TUNNEL_ENCAP_IPIP] = { .encap = ROAM_TUNNEL_ENCAP_IPIP },
	[ROAM_TUNNEL_ENCAP_GRE] = { .encap = ROAM_TUNNEL_ENCAP_GRE },
	[ROAM_TUNNEL_ENCAP_MINIMAL] = { .encap = ROAM_TUNNEL_ENCAP_MINIMAL },
	[ROAM_TUNNEL_ENCAP_UDP] = { .encap = ROAM_TUNNEL_ENCAP_UDP },
};

static struct roam_encap tunnel(u8 encap)
{
	static const u8 saddr[] = { 192, 0, 2, 2 }, daddr[] = { 192, 0, 2, 18 };
	struct roam_encap t = tunnel_of[encap];

	memcpy(&t.saddr, saddr, 4);
	memcpy(&t.daddr, daddr, 4);
	t.sport = htons(434);
	t.dport = htons(4444);
	t.ttl = 64;
	return t;
}

/* A packet in a tunnel; *len is its length. The caller frees it. */
static u8 *wrap(const struct roam_encap *t, const u8 *packet, unsigned int size,
		unsigned int *len)
{
	const struct iphdr *iph = (const void *)packet;
	u8 encap = roam_encap_choose(t->encap, iph);
	unsigned int grown = roam_encap_len(t, encap, iph);
	u8 *p = malloc(grown + size);

	assert_non_null(p);
	memcpy(p + grown, packet, size);
	*len = grown + size;
	roam_encap_write(p, t, encap, grown, *len, htons(0x4321));
	return p;
}

static void checked(u8 *packet)
{
	struct iphdr *iph = (void *)packet;

	iph->check = 0;
	iph->check = ip_fast_csum(iph, iph->ihl);
}

/* Takes it out again; a pointer into @p. */
static const u8 *unwrap(u8 *p, unsigned int len, const struct roam_encap *t,
			struct roam_decap *decap)
{
	const struct iphdr *iph = (const void *)p;

	assert_int_equal(roam_decap_read(iph, len, decap), ROAM_DECAP_OK);
	assert_int_equal(decap->encap, roam_encap_choose(t->encap, iph));
	if (decap->encap == ROAM_TUNNEL_ENCAP_MINIMAL)
		roam_decap_minimal_restore(p, decap);
	return p + decap->len;
}

static void there_and_back(void **state)
{
	(void)state;
	for (u8 encap = 0; encap < LEN(tunnel_of); encap++) {
		struct roam_encap t = tunnel(encap);
		struct roam_decap decap;
		u8 packet[sizeof(inner)];
		unsigned int len;
		const u8 *out;
		u8 *p;

		memcpy(packet, inner, sizeof(packet));
		checked(packet);
		p = wrap(&t, packet, sizeof(packet), &len);
		assert_int_equal(ip_fast_csum(p, 5), 0);
		out = unwrap(p, len, &t, &decap);
		assert_memory_equal(out, packet, sizeof(packet));
		assert_memory_equal(&decap.saddr, packet + 12, 4);
		assert_memory_equal(&decap.daddr, packet + 16, 4);
		free(p);
	}
}

static void outer_header(void **state)
{
	static const u8 protocol[] = { 4, 47, 0, 17 };
	static const u8 kinds[] = { ROAM_TUNNEL_ENCAP_IPIP,
				    ROAM_TUNNEL_ENCAP_GRE,
				    ROAM_TUNNEL_ENCAP_UDP };

	(void)state;
	for (size_t i = 0; i < LEN(kinds); i++) {
		struct roam_encap t = tunnel(kinds[i]);
		unsigned int len;
		u8 *p = wrap(&t, inner, sizeof(inner), &len);
		const u8 want[] = { 0x45, 0xb9, 0, len, 0x43, 0x21, 0x40, 0, 64,
				    protocol[kinds[i]] };

		assert_memory_equal(p, want, sizeof(want));
		assert_memory_equal(p + 12, &t.saddr, 8);
		if (kinds[i] == ROAM_TUNNEL_ENCAP_GRE)
			assert_memory_equal(p + 20, gre, sizeof(gre));
		if (kinds[i] == ROAM_TUNNEL_ENCAP_UDP)
			assert_memory_equal(p + 20, udp, sizeof(udp));
		free(p);
	}
}

/* RFC 2004 3; the agent's own packets carry no original source. */
static void minimal_header(void **state)
{
	struct roam_encap t = tunnel(ROAM_TUNNEL_ENCAP_MINIMAL);
	static const u8 head[] = { 0x45, 0xb9, 0, 48, 0x12, 0x34, 0x40, 0, 0x3f,
				   55 };
	static const u8 fwd[] = { 17, 0x80 };
	unsigned int len;
	u8 *p;

	(void)state;
	p = wrap(&t, inner, sizeof(inner), &len);
	assert_int_equal(len, sizeof(inner) + 12);
	assert_memory_equal(p, head, sizeof(head));
	assert_memory_equal(p + 12, &t.saddr, 8);
	assert_memory_equal(p + 20, fwd, sizeof(fwd));
	assert_memory_equal(p + 24, inner + 16, 4);
	assert_memory_equal(p + 28, inner + 12, 4);
	assert_memory_equal(p + 32, inner + 20, sizeof(inner) - 20);
	free(p);

	memcpy(&t.saddr, inner + 12, 4);
	p = wrap(&t, inner, sizeof(inner), &len);
	assert_int_equal(len, sizeof(inner) + 8);
	assert_int_equal(p[21], 0);
	free(p);
}

static void fragments_go_by_ipip(void **state)
{
	static const u16 pieces[] = { 0x2000, 0x0001, 0x20b9 };
	struct roam_encap t = tunnel(ROAM_TUNNEL_ENCAP_MINIMAL);

	(void)state;
	for (size_t i = 0; i < LEN(pieces); i++) {
		u8 packet[sizeof(inner)];
		unsigned int len;
		u8 *p;

		memcpy(packet, inner, sizeof(packet));
		((struct iphdr *)packet)->frag_off = htons(pieces[i]);
		p = wrap(&t, packet, sizeof(packet), &len);
		assert_int_equal(p[9], IPPROTO_IPIP);
		assert_int_equal(((struct iphdr *)p)->frag_off, 0);
		free(p);
	}
}

/* Cut anywhere: never read beyond, never taken for whole while a header is not. */
static void cut_anywhere(void **state)
{
	(void)state;
	for (u8 encap = 0; encap < LEN(tunnel_of); encap++) {
		struct roam_encap t = tunnel(encap);
		unsigned int len, headers;
		u8 *p = wrap(&t, inner, sizeof(inner), &len);

		headers = encap == ROAM_TUNNEL_ENCAP_MINIMAL ?
			  32 : len - sizeof(inner) + 20;
		for (unsigned int cut = 20; cut <= len; cut++) {
			struct roam_decap decap;
			u8 *some = malloc(cut);

			assert_non_null(some);
			memcpy(some, p, cut);
			assert_int_equal(roam_decap_read((void *)some, cut,
							 &decap) ==
						 ROAM_DECAP_OK,
					 cut >= headers);
			free(some);
		}
		free(p);
	}
}

static void refuse(const u8 *p, unsigned int len, unsigned int at, u8 value,
		   enum roam_decap_verdict want)
{
	struct roam_decap decap;
	u8 *changed = malloc(len);

	assert_non_null(changed);
	memcpy(changed, p, len);
	changed[at] = value;
	assert_int_equal(roam_decap_read((void *)changed, len, &decap), want);
	free(changed);
}

static void malformed_is_refused(void **state)
{
	struct roam_encap t = tunnel(ROAM_TUNNEL_ENCAP_IPIP);
	unsigned int len;
	u8 *p;

	(void)state;
	p = wrap(&t, inner, sizeof(inner), &len);
	refuse(p, len, 20, 0x65, ROAM_DECAP_BAD);
	refuse(p, len, 20, 0x44, ROAM_DECAP_BAD);
	/* Longer than what carries it, shorter than its header. */
	refuse(p, len, 23, 37, ROAM_DECAP_BAD);
	refuse(p, len, 23, 19, ROAM_DECAP_BAD);
	refuse(p, len, 9, 6, ROAM_DECAP_NONE);
	free(p);

	t = tunnel(ROAM_TUNNEL_ENCAP_GRE);
	p = wrap(&t, inner, sizeof(inner), &len);
	/* A key, a number, another version, another protocol: ip_gre's. */
	refuse(p, len, 20, 0x20, ROAM_DECAP_NONE);
	refuse(p, len, 20, 0x10, ROAM_DECAP_NONE);
	refuse(p, len, 21, 0x01, ROAM_DECAP_NONE);
	refuse(p, len, 22, 0x86, ROAM_DECAP_NONE);
	free(p);

	t = tunnel(ROAM_TUNNEL_ENCAP_UDP);
	p = wrap(&t, inner, sizeof(inner), &len);
	/* A registration request; and a tunnel that was not agreed on. */
	refuse(p, len, 28, 1, ROAM_DECAP_NONE);
	refuse(p, len, 29, 47, ROAM_DECAP_BAD);
	free(p);

	t = tunnel(ROAM_TUNNEL_ENCAP_MINIMAL);
	p = wrap(&t, inner, sizeof(inner), &len);
	refuse(p, len, 20, 6, ROAM_DECAP_BAD);
	refuse(p, len, 30, 99, ROAM_DECAP_BAD);
	free(p);
}

/* The table of RFC 6040 4.2, by outer and inner; -1: dropped. */
static void congestion_marks(void **state)
{
	static const int want[4][4] = {
		/* inner: none, ECT(1), ECT(0), CE */
		{ 0, 1, 2, 3 },
		{ 0, 1, 1, 3 },
		{ 0, 1, 2, 3 },
		{ -1, 3, 3, 3 },
	};

	(void)state;
	for (u8 outer = 0; outer < 4; outer++) {
		for (u8 in = 0; in < 4; in++) {
			u8 tos;
			bool ok = roam_decap_ecn(0x28 | outer, 0xb8 | in, &tos);

			assert_int_equal(ok, want[outer][in] >= 0);
			if (ok)
				assert_int_equal(tos, 0xb8 | want[outer][in]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ .name = "MIP-54 MIP-55: what went into a tunnel comes out",
		  .test_func = there_and_back },
		{ .name = "MIP-54 MIP-38 OPEN-06: outer headers byte by byte",
		  .test_func = outer_header },
		{ .name = "MIP-37: minimal encapsulation byte by byte",
		  .test_func = minimal_header },
		{ .name = "MIP-37: fragments go by IP in IP",
		  .test_func = fragments_go_by_ipip },
		{ .name = "OPEN-34: a packet that is cut is not read beyond",
		  .test_func = cut_anywhere },
		{ .name = "OPEN-34: malformed headers are refused",
		  .test_func = malformed_is_refused },
		{ .name = "OPEN-06: congestion marks on the way out",
		  .test_func = congestion_marks },
	};

	return cmocka_run_group_tests_name("encap", tests, NULL, NULL);
}
