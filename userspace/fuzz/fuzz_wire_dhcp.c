// SPDX-License-Identifier: GPL-2.0-or-later
/* Any datagram to a DHCP server: a name that is taken is printable and ends. */
#include "fuzz.h"

#include <string.h>

#include "wire/dhcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dhcp_client c;

	if (!dhcp_asks(data, size, &c))
		return 0;
	check(size >= 240);
	check(!(c.mac[0] & 1));
	check(memchr(c.host, '\0', sizeof(c.host)));
	for (const char *p = c.host; *p; p++)
		check(*p > ' ' && *p <= '~');
	return 0;
}
