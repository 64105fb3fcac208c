/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Servers of a service by DNS (RFC 2782) on c-ares, in the loop of the daemon.
 *
 * Questions go by UDP only: TCP of a daemon on a mobile host would need the
 * mappings that it is about to make (TEN-11).
 */
#ifndef ROAM_DNS_DNS_H
#define ROAM_DNS_DNS_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/addr.h"

/* More are not asked for, so that an answer cannot make us busy. */
#define DNS_SERVERS_MAX 16

/**
 * struct dns_server - one server of a service
 * @addr: its address
 * @port: its port, host order
 */
struct dns_server {
	struct roam_addr addr;
	uint16_t port;
};

struct dns;

/*
 * The answer: servers in the order in which they are to be asked, or @n = 0 and
 * a sentence in @error. Valid during the call.
 */
typedef void (*dns_fn)(void *ctx, const struct dns_server *servers, size_t n,
		       const char *error);

/**
 * dns_open() - get ready
 * @loop: the loop
 * @nameserver: "ADDRESS" or "ADDRESS:PORT" to ask, NULL: those of resolv.conf
 * @random: 64 random bits, for the weights of RFC 2782
 * @error: on failure a sentence, caller frees
 */
struct dns *dns_open(uv_loop_t *loop, const char *nameserver,
		     uint64_t (*random)(void), char **error);
/* Questions under way are dropped without an answer. */
void dns_close(struct dns *dns);

/**
 * dns_find() - find the servers of a service
 * @dns: the client
 * @service: "_roam-lr._udp"
 * @domain: its domain. Without SRV records for the service it is taken for the
 *	name of the only server
 * @port: its port then
 * @fn: gets the answer, never before dns_find() returned
 * @ctx: for @fn
 */
void dns_find(struct dns *dns, const char *service, const char *domain,
	      uint16_t port, dns_fn fn, void *ctx);

/**
 * struct dns_srv - one SRV record, as far as its place in the order goes
 * @priority: lower ones first
 * @weight: share of the first place among those of one priority
 * @index: which record it is
 */
struct dns_srv {
	uint16_t priority;
	uint16_t weight;
	size_t index;
};

/* Puts records into the order in which to try them (RFC 2782, "Usage rules"). */
void dns_order(struct dns_srv *records, size_t n, uint64_t (*random)(void));

#endif
