/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The servers of a service that a configuration names: some by address, some by
 * a domain whose servers DNS knows (MLR-09), in the order of the configuration.
 *
 * Domains are asked for at the start, once in a while, and when the user sees a
 * reason (servers_look()): after a move, since the name servers are others then
 * and so may be the nearest server, or when no server answers. An answer that
 * fails changes nothing and is asked again, later each time.
 */
#ifndef ROAM_DNS_SERVERS_H
#define ROAM_DNS_SERVERS_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/addr.h"
#include "base/time.h"
#include "dns/dns.h"

struct servers;

/**
 * struct servers_source - one entry of the configuration
 * @domain: where DNS knows the servers, NULL for an address
 * @addr: the address
 * @port: its port, or that of the domain's own host where DNS has no SRV record
 */
struct servers_source {
	const char *domain;
	struct roam_addr addr;
	uint16_t port;
};

/**
 * struct servers_config - what is in force; copied but for the strings
 * @what: a server's name in the log, and its word in the configuration:
 *	"register"
 * @service: "_roam-lr._udp"
 * @nameserver: as in dns_open()
 * @resolve: ms until DNS is asked again
 * @sources: in order of preference; stays the caller's, and in place
 * @n_sources: their number
 */
struct servers_config {
	const char *what;
	const char *service;
	const char *nameserver;
	msec_t resolve;
	const struct servers_source *sources;
	size_t n_sources;
};

/**
 * struct servers_entry - one server
 * @addr: its address
 * @port: its port, host order
 * @source: number of the source that named it first
 */
struct servers_entry {
	struct roam_addr addr;
	uint16_t port;
	size_t source;
};

/**
 * servers_open() - begin to know them
 * @loop: the loop
 * @config: see there
 * @changed: the list is another one, never called before servers_open() returned
 * @ctx: for @changed
 * @error: on failure a sentence, caller frees
 */
struct servers *servers_open(uv_loop_t *loop,
			     const struct servers_config *config,
			     void (*changed)(void *ctx), void *ctx,
			     char **error);
/* No call comes after this. */
void servers_close(struct servers *servers);
/*
 * Those known now, each once, at most @max. Return: their number. What is not
 * filled in is zeroed, so that two lists can be compared.
 */
size_t servers_list(const struct servers *servers, struct servers_entry *list,
		    size_t max);
/* There is a reason to ask DNS again. */
void servers_look(struct servers *servers);

#endif
