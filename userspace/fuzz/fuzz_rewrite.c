// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kernel/core/rewrite.h on arbitrary packets and ICMP messages.
 *
 * Input: one byte of flags, the two new addresses, then the packet. The
 * module has checked the IP header's length and that the transport checksum is
 * in the packet before it calls; so does this. Every sum that a receiver checks
 * must be wrong by as much as before, and the way back must lead to where it
 * began, except that zero has two forms in one's complement.
 */
#include <stdlib.h>

#include "../tests/shim/rewrite.h"

#define FLAG_PARTIAL 1
#define FLAG_ICMP 2
#define FLAG_V6 4
#define FLAG_KEEP_SOURCE 8
#define FLAG_KEEP_DESTINATION 16
#define HEAD (1 + 2 * 4)
#define HEAD6 (1 + 2 * 16)

static u16 normal(u16 sum)
{
	return sum == 0xffff ? 0 : sum;
}

/* By how much the checksums of a packet are wrong: IP header, transport. */
struct error {
	u16 ip;
	u16 l4;
};

static struct error error_of(const u8 *p, unsigned int len)
{
	unsigned int ihl = model_ihl(p);
	struct error error = { normal(model_fold(model_sum(0, p, ihl))), 0 };

	if (model_check_at(p[9]) && !model_is_later_fragment(p))
		error.l4 = normal(model_fold(model_sum(model_pseudo(p, len),
						       p + ihl, len - ihl)));
	return error;
}

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void fuzz_packet(u8 *p, unsigned int len, const u8 *addresses,
			bool partial)
{
	const struct iphdr *iph = (const struct iphdr *)p;
	struct error before, after;
	unsigned int l4_len, at;
	u8 old[8];
	u16 check;

	if (len < sizeof(*iph) || iph->ihl < 5 || len < iph->ihl * 4U)
		return;
	l4_len = iph->frag_off & htons(IP_OFFSET) ?
		 0 : roam_l4_len(iph->protocol);
	if (len < iph->ihl * 4 + l4_len)
		return;

	memcpy(old, p + 12, sizeof(old));
	before = error_of(p, len);
	at = iph->ihl * 4 + l4_len - 2;
	check = l4_len ? model_get16(p + at) : 0;
	shim_rewrite(p, addresses, partial);
	require(!memcmp(p + 12, addresses, sizeof(old)));
	after = error_of(p, len);
	require(before.ip == after.ip);
	if (l4_len && iph->protocol == IPPROTO_UDP && !check && !partial)
		require(!model_get16(p + at));
	else if (!partial)
		require(before.l4 == after.l4);

	shim_rewrite(p, old, partial);
	require(!memcmp(p + 12, old, sizeof(old)));
	require(!l4_len || normal(model_get16(p + at)) == normal(check));
}

static void fuzz_icmp(u8 *p, unsigned int len, const u8 *addresses)
{
	struct iphdr *quoted = roam_icmp4_quoted(p, len);
	struct roam_pair4 new, old;
	u16 before;

	if (!quoted)
		return;
	require((u8 *)quoted + quoted->ihl * 4 + 8 <= p + len);
	before = normal(model_fold(model_sum(0, p, len)));
	memcpy(&new, addresses, sizeof(new));
	memcpy(&old, &quoted->saddr, sizeof(old));
	roam_icmp4_rewrite(p, len, quoted, &new);
	require(!memcmp(&quoted->saddr, &new, sizeof(new)));
	require(normal(model_fold(model_sum(0, p, len))) == before);
	roam_icmp4_rewrite(p, len, quoted, &old);
	require(normal(model_fold(model_sum(0, p, len))) == before);
}

/* One's complement sum over bytes, zero in one form. */
static u16 sum_of(const u8 *p, unsigned int len)
{
	return normal(model_fold(model_sum(0, p, len)));
}

/*
 * Where the transport header is, behind hop-by-hop, routing and destination
 * options; 0 if it is not whole. The module asks ipv6_find_hdr(), which knows more.
 */
static unsigned int l4_of6(const u8 *p, unsigned int len, u8 *protocol)
{
	unsigned int at = sizeof(struct ipv6hdr);

	*protocol = p[6];
	while (*protocol == IPPROTO_HOPOPTS || *protocol == IPPROTO_ROUTING ||
	       *protocol == IPPROTO_DSTOPTS) {
		if (at + 8 > len)
			return 0;
		*protocol = p[at];
		at += (p[at + 1] + 1) * 8;
	}
	return at + roam_l4_len(*protocol) <= len ? at : 0;
}

/* By how much the transport checksum is wrong; the length is the packet's. */
static u16 error_of6(const u8 *p, unsigned int len, u8 protocol,
		     unsigned int at)
{
	u32 sum = model_sum(protocol + len - at, p + 8, 32);

	return normal(model_fold(model_sum(sum, p + at, len - at)));
}

/* A sum over the whole packet, as a device gives it, corrected by @diff. */
static u16 corrected(u16 sum, __wsum diff)
{
	__wsum csum = ~csum_add(diff, ~(__wsum)htons(sum));

	return normal(ntohs((u16)~csum_fold(csum)));
}

static void fuzz_packet6(u8 *p, unsigned int len, const u8 *addresses,
			 u8 flags)
{
	const u8 *saddr = flags & FLAG_KEEP_SOURCE ? NULL : addresses;
	const u8 *daddr = flags & FLAG_KEEP_DESTINATION ? NULL :
							  addresses + 16;
	bool partial = flags & FLAG_PARTIAL;
	u16 before = 0, sum, check = 0;
	unsigned int l4_len, at;
	u8 *l4 = NULL, *field;
	u8 old[32], protocol;
	__wsum diff;

	if (len < sizeof(struct ipv6hdr))
		return;
	at = l4_of6(p, len, &protocol);
	if (!at)
		return;
	l4_len = roam_l4_len(protocol);
	field = p + at + l4_len - 2;
	if (l4_len) {
		l4 = p + at;
		check = model_get16(field);
		before = error_of6(p, len, protocol, at);
	}
	memcpy(old, p + 8, sizeof(old));
	sum = sum_of(p, len);

	diff = shim_rewrite6(p, saddr, daddr, protocol, l4, partial);
	require(!memcmp(p + 8, saddr ? saddr : old, 16));
	require(!memcmp(p + 24, daddr ? daddr : old + 16, 16));
	if (!partial)
		require(corrected(sum, diff) == sum_of(p, len));
	if (l4 && protocol == IPPROTO_UDP && !check && !partial)
		require(!model_get16(field));
	else if (l4 && !partial)
		require(error_of6(p, len, protocol, at) == before);

	shim_rewrite6(p, old, old + 16, protocol, l4, partial);
	require(!memcmp(p + 8, old, sizeof(old)));
	require(!l4 || normal(model_get16(field)) == normal(check));
}

static void fuzz_icmp6(u8 *p, unsigned int len, const u8 *addresses)
{
	struct ipv6hdr *quoted = roam_icmp6_quoted(p, len);
	struct roam_pair6 new, old;
	u16 before;

	if (!quoted)
		return;
	require((u8 *)(quoted + 1) + 8 <= p + len);
	before = sum_of(p, len);
	memcpy(&new, addresses, sizeof(new));
	memcpy(&old, &quoted->saddr, sizeof(old));
	roam_icmp6_rewrite(p, len, quoted, &new);
	require(!memcmp(&quoted->saddr, &new, sizeof(new)));
	require(sum_of(p, len) == before);
	roam_icmp6_rewrite(p, len, quoted, &old);
	require(sum_of(p, len) == before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int head, len;
	u8 *p;

	if (!size)
		return 0;
	head = data[0] & FLAG_V6 ? HEAD6 : HEAD;
	if (size < head || size > head + 65535)
		return 0;
	/* On its own, so that ASan sees each byte too far. */
	len = (unsigned int)size - head;
	p = malloc(len);
	if (!p)
		return 0;
	memcpy(p, data + head, len);
	if (data[0] & FLAG_V6 && data[0] & FLAG_ICMP)
		fuzz_icmp6(p, len, data + 1);
	else if (data[0] & FLAG_V6)
		fuzz_packet6(p, len, data + 1, data[0]);
	else if (data[0] & FLAG_ICMP)
		fuzz_icmp(p, len, data + 1);
	else
		fuzz_packet(p, len, data + 1, data[0] & FLAG_PARTIAL);
	free(p);
	return 0;
}
