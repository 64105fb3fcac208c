/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a DHCP client says of itself (RFC 2131, RFC 2132), read beside the server that
 * answers it: a device that asks for an address has appeared (SES-07).
 */
#ifndef ROAM_WIRE_DHCP_H
#define ROAM_WIRE_DHCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DHCP_SERVER_PORT 67
#define DHCP_MAC_LEN 6
#define DHCP_HOST_MAX 63

/**
 * struct dhcp_client - who asks
 * @mac: its link-layer address
 * @host: what it calls itself, printable ASCII; empty: it does not say
 */
struct dhcp_client {
	uint8_t mac[DHCP_MAC_LEN];
	char host[DHCP_HOST_MAX + 1];
};

/* True: @data is a DHCPDISCOVER or DHCPREQUEST of a client on an Ethernet. */
bool dhcp_asks(const uint8_t *data, size_t len, struct dhcp_client *client);

#endif
