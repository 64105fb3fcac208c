// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
static const struct roam_addr none;

struct roam_addr roam_addr_from_in(struct in_addr in)
{
	struct roam_addr addr;

	memcpy(addr.b, mapped, sizeof(mapped));
	memcpy(addr.b + sizeof(mapped), &in, sizeof(in));
	return addr;
}

/* Copies instead of casting: a caller's buffer may be aligned for bytes only. */
struct roam_addr roam_addr_from_sockaddr(const struct sockaddr *sa)
{
	struct roam_addr addr = none;
	struct sockaddr_in6 sin6;
	struct sockaddr_in sin;

	if (sa->sa_family == AF_INET) {
		memcpy(&sin, sa, sizeof(sin));
		addr = roam_addr_from_in(sin.sin_addr);
	} else if (sa->sa_family == AF_INET6) {
		memcpy(&sin6, sa, sizeof(sin6));
		memcpy(addr.b, &sin6.sin6_addr, sizeof(addr.b));
	}
	return addr;
}

bool roam_addr_is_v4(const struct roam_addr *addr)
{
	return !memcmp(addr->b, mapped, sizeof(mapped));
}

bool roam_addr_is_none(const struct roam_addr *addr)
{
	return roam_addr_eq(addr, &none);
}

static bool v4_is_usable(const uint8_t b[4])
{
	bool broadcast = b[0] == 255 && b[1] == 255 && b[2] == 255 &&
			 b[3] == 255;

	/* 0/8 this network, 127/8 loopback, 224/4 multicast */
	return b[0] != 0 && b[0] != 127 && (b[0] & 0xf0) != 0xe0 && !broadcast;
}

bool roam_addr_is_usable(const struct roam_addr *addr)
{
	if (roam_addr_is_v4(addr))
		return v4_is_usable(addr->b + sizeof(mapped));
	/* ::/96 holds ::, ::1 and the IPv4-compatible form */
	return memcmp(addr->b, none.b, 12) && addr->b[0] != 0xff;
}

bool roam_addr_is_link_local(const struct roam_addr *addr)
{
	if (roam_addr_is_v4(addr))
		return addr->b[12] == 169 && addr->b[13] == 254;
	return addr->b[0] == 0xfe && (addr->b[1] & 0xc0) == 0x80;
}

bool roam_addr_eq(const struct roam_addr *a, const struct roam_addr *b)
{
	return !memcmp(a->b, b->b, sizeof(a->b));
}

int roam_addr_cmp(const struct roam_addr *a, const struct roam_addr *b)
{
	return memcmp(a->b, b->b, sizeof(a->b));
}

const struct roam_addr *roam_place_for(const struct roam_place *place,
				       const struct roam_addr *perm)
{
	return roam_addr_is_v4(perm) ? &place->v4 : &place->v6;
}

struct in_addr roam_addr_to_in(const struct roam_addr *addr)
{
	struct in_addr in;

	memcpy(&in, addr->b + sizeof(mapped), sizeof(in));
	return in;
}

socklen_t roam_addr_to_sockaddr(const struct roam_addr *addr, uint16_t port,
				struct sockaddr_storage *ss)
{
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *sin = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof(*ss));
	if (roam_addr_is_v4(addr)) {
		sin->sin_family = AF_INET;
		sin->sin_port = htons(port);
		sin->sin_addr = roam_addr_to_in(addr);
		return sizeof(*sin);
	}
	sin6->sin6_family = AF_INET6;
	sin6->sin6_port = htons(port);
	memcpy(&sin6->sin6_addr, addr->b, sizeof(addr->b));
	return sizeof(*sin6);
}

bool roam_addr_parse(const char *s, struct roam_addr *addr)
{
	struct in6_addr in6;
	struct in_addr in;

	if (inet_pton(AF_INET, s, &in) == 1) {
		*addr = roam_addr_from_in(in);
		return true;
	}
	if (inet_pton(AF_INET6, s, &in6) == 1) {
		memcpy(addr->b, &in6, sizeof(addr->b));
		return true;
	}
	return false;
}

const char *roam_addr_format(const struct roam_addr *addr, char *buf)
{
	if (roam_addr_is_v4(addr))
		return inet_ntop(AF_INET, addr->b + sizeof(mapped), buf,
				 ROAM_ADDR_STRLEN);
	return inet_ntop(AF_INET6, addr->b, buf, ROAM_ADDR_STRLEN);
}

/* The bits of byte @i that belong to a prefix of @len bits. */
static uint8_t prefix_mask(unsigned int len, unsigned int i)
{
	if (len >= 8 * (i + 1))
		return 0xff;
	if (len <= 8 * i)
		return 0;
	return (uint8_t)(0xff00 >> (len - 8 * i));
}

/* Decimal, no sign, no leading zero, at most @max. */
static bool parse_len(const char *s, unsigned int max, unsigned int *len)
{
	size_t digits = strspn(s, "0123456789");

	if (!digits || digits > 3 || s[digits] || (s[0] == '0' && digits > 1))
		return false;
	*len = (unsigned int)strtoul(s, NULL, 10);
	return *len <= max;
}

bool roam_prefix_parse(const char *s, struct roam_prefix *prefix)
{
	const char *slash = strchrnul(s, '/');
	char text[ROAM_ADDR_STRLEN];
	struct roam_addr addr;
	unsigned int len, max, i;

	if ((size_t)(slash - s) >= sizeof(text))
		return false;
	memcpy(text, s, (size_t)(slash - s));
	text[slash - s] = '\0';
	if (!roam_addr_parse(text, &addr))
		return false;
	max = strchr(text, ':') ? 128 : 32;
	len = max;
	if (*slash && !parse_len(slash + 1, max, &len))
		return false;
	len += 128 - max;
	for (i = 0; i < sizeof(addr.b); i++)
		if (addr.b[i] & ~prefix_mask(len, i))
			return false;
	*prefix = (struct roam_prefix){ .addr = addr, .len = (uint8_t)len };
	return true;
}

bool roam_prefix_contains(const struct roam_prefix *prefix,
			  const struct roam_addr *addr)
{
	unsigned int i;

	for (i = 0; i < sizeof(addr->b); i++)
		if ((addr->b[i] ^ prefix->addr.b[i]) &
		    prefix_mask(prefix->len, i))
			return false;
	return true;
}

const char *roam_prefix_format(const struct roam_prefix *prefix, char *buf)
{
	bool v4 = roam_addr_is_v4(&prefix->addr) && prefix->len >= 96;
	unsigned int len = v4 ? prefix->len - 96U : prefix->len;
	size_t used;

	roam_addr_format(&prefix->addr, buf);
	used = strlen(buf);
	snprintf(buf + used, ROAM_PREFIX_STRLEN - used, "/%u", len);
	return buf;
}
