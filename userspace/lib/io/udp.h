/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One UDP socket on the loop: datagrams in batches (recvmmsg/sendmmsg), with
 * the local address of each, so that a reply leaves from where the request
 * went to.
 */
#ifndef ROAM_IO_UDP_H
#define ROAM_IO_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/addr.h"

#define UDP_BATCH 64		/* datagrams per system call */

/**
 * struct udp_datagram - one received datagram
 * @from: source address
 * @from_port: source port, host order
 * @to: local address it was sent to
 * @data: payload, valid during the call
 * @len: its length in bytes
 */
struct udp_datagram {
	struct roam_addr from;
	uint16_t from_port;
	struct roam_addr to;
	const uint8_t *data;
	size_t len;
};

struct udp;

/** enum udp_error - what an ICMP error says of a destination */
enum udp_error {
	UDP_NO_PORT,	/* nobody listens */
	UDP_NO_HOST,	/* the host is not there */
	UDP_NO_NETWORK,	/* no way leads to its network */
};

/* Called with 1..UDP_BATCH datagrams; replies by udp_send() leave together. */
typedef void (*udp_receive_fn)(void *ctx, const struct udp_datagram *d,
			       size_t n);
/* Nothing more waits, or enough came at once: for what is done in groups. */
typedef void (*udp_burst_fn)(void *ctx);
/* An ICMP error says nobody listens at @host:@port. */
typedef void (*udp_unreachable_fn)(void *ctx, const struct roam_addr *host,
				   uint16_t port);

/**
 * udp_open() - bind a dual-stack socket and watch it
 * @loop: the loop
 * @addr: local address, all zero for any
 * @port: local port, host order
 * @receive: called for datagrams
 * @unreachable: called for ICMP port unreachable, may be NULL
 * @ctx: for both
 * @error: on failure a sentence, caller frees
 *
 * Return: the socket or NULL.
 */
struct udp *udp_open(uv_loop_t *loop, const struct roam_addr *addr,
		     uint16_t port, udp_receive_fn receive,
		     udp_unreachable_fn unreachable, void *ctx, char **error);
/* An ICMP error of any of these kinds came, or the kernel made it itself. */
typedef void (*udp_error_fn)(void *ctx, const struct roam_addr *host,
			     uint16_t port, enum udp_error error);
/* From now on @error is called, also beside @unreachable of udp_open(). */
void udp_on_error(struct udp *udp, udp_error_fn error);
/*
 * From now on @end is called after the receive calls of each turn; what it sends
 * leaves together too.
 */
void udp_on_burst_end(struct udp *udp, udp_burst_fn end);
/*
 * Queues a datagram; it leaves when the receive call returns or at the next
 * turn of the loop. @local: source address, NULL or all zero lets the kernel
 * choose. Full queue or unreachable network: lost and counted.
 */
void udp_send(struct udp *udp, const struct roam_addr *to, uint16_t port,
	      const struct roam_addr *local, const void *data, size_t len);
/*
 * Takes part in a group by the link that has @local, and sends to it with @ttl. NULL or
 * a sentence, caller frees.
 */
char *udp_join(struct udp *udp, const struct roam_addr *group,
	       const struct roam_addr *local, unsigned int ttl);
uint64_t udp_send_errors(const struct udp *udp);
void udp_close(struct udp *udp);

#endif
