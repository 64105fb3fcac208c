// SPDX-License-Identifier: GPL-2.0-or-later
/* What a DHCP client says of itself: RFC 2131's layout, and every bound. */
#include "core_test.h"

#include <string.h>

#include "wire/dhcp.h"

#define HEAD 240

/* A DHCPDISCOVER with these options behind the cookie. */
static size_t discover(uint8_t *buf, const uint8_t *options, size_t len)
{
	static const uint8_t mac[] = { 2, 0, 0, 0, 0, 0xb };
	static const uint8_t cookie[] = { 0x63, 0x82, 0x53, 0x63 };

	memset(buf, 0, HEAD);
	buf[0] = 1;
	buf[1] = 1;
	buf[2] = 6;
	memcpy(buf + 28, mac, sizeof(mac));
	memcpy(buf + HEAD - 4, cookie, sizeof(cookie));
	memcpy(buf + HEAD, options, len);
	return HEAD + len;
}

static const uint8_t whole[] = {
	0, 53, 1, 1, 12, 6, 'c', 'a', 'm', 'e', 'r', 'a', 55, 2, 1, 3, 255, 0,
};

static void a_client_says_who_it_is(void **state)
{
	static const uint8_t mac[] = { 2, 0, 0, 0, 0, 0xb };
	struct dhcp_client c;
	uint8_t buf[512];
	size_t len = discover(buf, whole, sizeof(whole));

	(void)state;
	assert_true(dhcp_asks(buf, len, &c));
	assert_memory_equal(c.mac, mac, sizeof(mac));
	assert_string_equal(c.host, "camera");
	buf[HEAD + 3] = 3;
	assert_true(dhcp_asks(buf, len, &c));
	/* an answer, a release, a group's address */
	buf[HEAD + 3] = 7;
	assert_false(dhcp_asks(buf, len, &c));
	buf[HEAD + 3] = 1;
	buf[0] = 2;
	assert_false(dhcp_asks(buf, len, &c));
	buf[0] = 1;
	buf[28] |= 1;
	assert_false(dhcp_asks(buf, len, &c));
}

/* Each cut is in memory of just its size, so that a byte too far is seen. */
static void cut_anywhere(void **state)
{
	struct dhcp_client c;
	uint8_t buf[512];
	size_t len = discover(buf, whole, sizeof(whole));

	(void)state;
	for (size_t cut = 0; cut <= len; cut++) {
		uint8_t *part = malloc(cut ? cut : 1);

		memcpy(part, buf, cut);
		/* its type has to be there, and no option may be cut */
		assert_int_equal(dhcp_asks(part, cut, &c),
				 cut == HEAD + 4 || cut == HEAD + 12 ||
				 cut >= HEAD + 16);
		free(part);
	}
}

static void a_name_that_is_none(void **state)
{
	static const uint8_t bad[] = {
		53, 1, 1, 12, 4, 'a', '\n', 'b', 'c', 255,
	};
	uint8_t buf[512], options[128] = { 53, 1, 1, 12, 64 };
	struct dhcp_client c;

	(void)state;
	assert_true(dhcp_asks(buf, discover(buf, bad, sizeof(bad)), &c));
	assert_string_equal(c.host, "");
	memset(options + 5, 'x', 64);
	options[69] = 255;
	assert_true(dhcp_asks(buf, discover(buf, options, 70), &c));
	assert_string_equal(c.host, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "SES-07: a DHCP client says who it is", a_client_says_who_it_is, NULL, NULL, NULL },
		{ "SES-07: its message is cut anywhere", cut_anywhere, NULL, NULL, NULL },
		{ "SES-07: a name that is none is left out", a_name_that_is_none, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("wire_dhcp", tests, NULL, NULL);
}
