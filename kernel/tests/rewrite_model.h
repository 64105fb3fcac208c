/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What rewrite.h must come to, done the naive way: whole packets, byte by byte,
 * every checksum from scratch. Serves KUnit, the unit test and the fuzzer of
 * user space, so it uses nothing but u8, u16 and u32.
 */
#ifndef ROAM_TESTS_REWRITE_MODEL_H
#define ROAM_TESTS_REWRITE_MODEL_H

#define MODEL_TCP 6
#define MODEL_UDP 17
#define MODEL_SCTP 132

/* Longest packet that is built here: options, TCP header, some data. */
#define MODEL_MAX 256

static inline u16 model_get16(const u8 *p)
{
	return p[0] << 8 | p[1];
}

static inline void model_put16(u8 *p, u16 v)
{
	p[0] = v >> 8;
	p[1] = v & 0xff;
}

/* RFC 1071, not folded. */
static inline u32 model_sum(u32 sum, const u8 *p, unsigned int len)
{
	unsigned int i;

	for (i = 0; i < len; i++)
		sum += i % 2 ? p[i] : p[i] << 8;
	return sum;
}

static inline u16 model_fold(u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static inline unsigned int model_ihl(const u8 *p)
{
	return (p[0] & 15) * 4;
}

/* Where the transport checksum is in its header; 0 for none over addresses. */
static inline unsigned int model_check_at(u8 protocol)
{
	return protocol == MODEL_TCP ? 16 : protocol == MODEL_UDP ? 6 : 0;
}

static inline bool model_is_later_fragment(const u8 *p)
{
	return model_get16(p + 6) & 0x1fff;
}

/* Sum of the pseudo-header of an IPv4 packet, folded. */
static inline u16 model_pseudo(const u8 *p, unsigned int len)
{
	return model_fold(model_sum(0, p + 12, 8) + p[9] + len - model_ihl(p));
}

/* Sets the IP header's checksum. */
static inline void model_ip_check(u8 *p)
{
	model_put16(p + 10, 0);
	model_put16(p + 10, ~model_fold(model_sum(0, p, model_ihl(p))));
}

/* Sets the transport checksum, if this is a packet that has one. */
static inline void model_l4_check(u8 *p, unsigned int len)
{
	u8 *l4 = p + model_ihl(p);
	unsigned int at = model_check_at(p[9]);
	u16 check;

	if (!at || model_is_later_fragment(p))
		return;
	model_put16(l4 + at, 0);
	check = ~model_fold(model_sum(model_pseudo(p, len), l4,
				      len - model_ihl(p)));
	if (!check && p[9] == MODEL_UDP)
		check = 0xffff;
	model_put16(l4 + at, check);
}

/* Small and repeatable; a failure names its seed. */
static inline u32 model_random(u32 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

static inline void model_random_bytes(u32 *state, u8 *p, unsigned int len)
{
	while (len--)
		*p++ = model_random(state) >> 11;
}

/**
 * struct model_shape - what kind of packet to build
 * @name: what a failing test is called
 * @protocol: IP protocol
 * @ihl: length of the IP header in words
 * @frag_off: flags and fragment offset
 * @data: bytes behind the transport header
 * @no_check: UDP without checksum
 */
struct model_shape {
	const char *name;
	u8 protocol;
	u8 ihl;
	u16 frag_off;
	u8 data;
	bool no_check;
};

/* Every kind of packet that is treated in a way of its own. */
static const struct model_shape model_shapes[] = {
	{ "TCP", MODEL_TCP, 5, 0x4000, 40, false },
	{ "TCP with IP options and odd length", MODEL_TCP, 15, 0, 33, false },
	{ "TCP without data", MODEL_TCP, 5, 0, 0, false },
	{ "TCP, first fragment", MODEL_TCP, 5, 0x2000, 32, false },
	{ "TCP, later fragment", MODEL_TCP, 5, 0x2004, 32, false },
	{ "TCP, last fragment", MODEL_TCP, 5, 0x0008, 7, false },
	{ "UDP", MODEL_UDP, 5, 0, 18, false },
	{ "UDP with IP options and odd length", MODEL_UDP, 8, 0, 19, false },
	{ "UDP without checksum", MODEL_UDP, 5, 0, 18, true },
	{ "UDP, later fragment", MODEL_UDP, 5, 0x0010, 24, false },
	{ "SCTP", MODEL_SCTP, 5, 0, 24, false },
};

/* A random packet of that shape with right checksums; returns its length. */
static inline unsigned int model_build(u8 *p, const struct model_shape *shape,
				       u32 *random)
{
	unsigned int l4_len = shape->protocol == MODEL_UDP ? 8 : 20;
	unsigned int len = shape->ihl * 4 + l4_len + shape->data;
	u8 *l4 = p + shape->ihl * 4;

	model_random_bytes(random, p, len);
	p[0] = 0x40 | shape->ihl;
	model_put16(p + 2, len);
	model_put16(p + 6, shape->frag_off);
	p[9] = shape->protocol;
	if (!model_is_later_fragment(p) && shape->protocol == MODEL_UDP)
		model_put16(l4 + 4, len - shape->ihl * 4);
	model_ip_check(p);
	if (shape->no_check)
		model_put16(l4 + 6, 0);
	else
		model_l4_check(p, len);
	return len;
}

/* The same packet with other addresses, @addresses as in the header. */
static inline void model_rewrite(u8 *p, unsigned int len, const u8 *addresses)
{
	unsigned int at = model_check_at(p[9]);
	unsigned int i;

	for (i = 0; i < 8; i++)
		p[12 + i] = addresses[i];
	model_ip_check(p);
	if (at && (p[9] != MODEL_UDP || model_get16(p + model_ihl(p) + at)))
		model_l4_check(p, len);
}

/* An ICMP error (RFC 792) that quotes the first @len bytes of a packet. */
static inline unsigned int model_icmp(u8 *icmp, const u8 *quoted,
				      unsigned int len)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		icmp[i] = 0;
	icmp[0] = 3; /* destination unreachable, */
	icmp[1] = 4; /* fragmentation needed, */
	model_put16(icmp + 6, 1400); /* this far */
	for (i = 0; i < len; i++)
		icmp[8 + i] = quoted[i];
	model_put16(icmp + 2, ~model_fold(model_sum(0, icmp, 8 + len)));
	return 8 + len;
}

#endif
