// SPDX-License-Identifier: GPL-2.0-or-later
#include "wire/dhcp.h"

#include <string.h>

#include "wire/bytes.h"

#define BOOTREQUEST 1
#define ETHERNET 1
#define COOKIE 0x63825363
#define HEAD 240		/* with the cookie */
#define CHADDR 28

#define OPTION_PAD 0
#define OPTION_HOST 12
#define OPTION_TYPE 53
#define OPTION_END 255

#define DISCOVER 1
#define REQUEST 3

/* A name with anything but printable ASCII in it is left out as a whole. */
static void read_host(const uint8_t *p, size_t len, struct dhcp_client *client)
{
	if (len > DHCP_HOST_MAX)
		return;
	for (size_t i = 0; i < len; i++)
		if (p[i] <= ' ' || p[i] > '~')
			return;
	memcpy(client->host, p, len);
	client->host[len] = '\0';
}

bool dhcp_asks(const uint8_t *data, size_t len, struct dhcp_client *client)
{
	const uint8_t *p = data + HEAD, *end = data + len;
	uint8_t type = 0;

	memset(client, 0, sizeof(*client));
	if (len < HEAD || data[0] != BOOTREQUEST || data[1] != ETHERNET ||
	    data[2] != DHCP_MAC_LEN ||
	    bytes_get(data + HEAD - 4, 4) != COOKIE || data[CHADDR] & 1)
		return false;
	memcpy(client->mac, data + CHADDR, DHCP_MAC_LEN);
	while (p < end && *p != OPTION_END) {
		if (*p == OPTION_PAD) {
			p++;
			continue;
		}
		if (end - p < 2 || end - p < 2 + p[1])
			return false;
		if (p[0] == OPTION_TYPE && p[1] == 1)
			type = p[2];
		else if (p[0] == OPTION_HOST)
			read_host(p + 2, p[1], client);
		p += 2 + p[1];
	}
	return type == DISCOVER || type == REQUEST;
}
