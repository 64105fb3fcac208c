// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * kernel/core/rewrite.h on arbitrary packets and ICMP messages.
 *
 * Input: one byte of flags, eight bytes of new addresses, then the packet. The
 * module has checked the IP header's length and that the transport checksum is
 * in the packet before it calls; so does this. Every sum that a receiver checks
 * must be wrong by as much as before, and the way back must lead to where it
 * began, except that zero has two forms in one's complement.
 */
#include <stdlib.h>

#include "../tests/shim/rewrite.h"

#define FLAG_PARTIAL 1
#define FLAG_ICMP 2
#define HEAD 9

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int len;
	u8 *p;

	if (size < HEAD || size > HEAD + 65535)
		return 0;
	/* On its own, so that ASan sees each byte too far. */
	len = (unsigned int)size - HEAD;
	p = malloc(len);
	if (!p)
		return 0;
	memcpy(p, data + HEAD, len);
	if (data[0] & FLAG_ICMP)
		fuzz_icmp(p, len, data + 1);
	else
		fuzz_packet(p, len, data + 1, data[0] & FLAG_PARTIAL);
	free(p);
	return 0;
}
