/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mobile IP's messages of one link with their link-layer addresses: a mobile node
 * and a foreign agent talk over addresses that have no route between them, so
 * neither routing nor ARP nor rp_filter may have a say (RFC 5944 3.6.1.1, 4.2).
 *
 * A packet socket, bound to the link; a filter in the kernel lets through UDP
 * from or to port 434, and ICMP router advertisements and solicitations. What a
 * wrong check sum spoils is dropped here.
 */
#ifndef ROAM_IO_FRAME_H
#define ROAM_IO_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/addr.h"

#define FRAME_MAC_LEN 6

/**
 * struct frame - an IPv4 packet on a link
 * @link: index of the link; of what is sent the device it leaves by, which may be another
 *	one on the same link, with a link-layer address of its own
 * @mac: link-layer sender of what came; receiver of what is sent
 * @protocol: IPPROTO_UDP or IPPROTO_ICMP
 * @from: source address, none for 0.0.0.0
 * @to: destination address
 * @from_port: UDP source port
 * @to_port: UDP destination port
 * @ttl: time to live
 * @data: UDP payload, or the ICMP message
 * @len: its length
 */
struct frame {
	unsigned int link;
	uint8_t mac[FRAME_MAC_LEN];
	uint8_t protocol;
	struct roam_addr from;
	struct roam_addr to;
	uint16_t from_port;
	uint16_t to_port;
	uint8_t ttl;
	const uint8_t *data;
	size_t len;
};

struct frame_socket;

typedef void (*frame_fn)(void *ctx, const struct frame *frame);

/* Needs CAP_NET_RAW. NULL with *error, caller frees. */
struct frame_socket *frame_open(uv_loop_t *loop, unsigned int link,
				frame_fn receive, void *ctx, char **error);
/* Likewise, for UDP to @port alone; it only listens. */
struct frame_socket *frame_open_port(uv_loop_t *loop, unsigned int link,
				     uint16_t port, frame_fn receive, void *ctx,
				     char **error);
/* False: not sent, errno says why. */
bool frame_send(struct frame_socket *socket, const struct frame *frame);
void frame_close(struct frame_socket *socket);

/* Link-layer addresses that IPv4 multicast and broadcast go to. */
void frame_mac_of_group(const struct roam_addr *group,
			uint8_t mac[FRAME_MAC_LEN]);

#endif
