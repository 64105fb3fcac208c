// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any answer of a name server about registers: no more servers than there is room for, each
 * with an address that can be used, or a reason why there is none.
 */
#include "fuzz.h"

#include <ares.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <uv.h>

static void resolve(ares_channel channel, const char *name, const char *service,
		    const struct ares_addrinfo_hints *hints,
		    ares_addrinfo_callback callback, void *arg);
static void forget(struct ares_addrinfo *info);

#define ares_getaddrinfo resolve
#define ares_freeaddrinfo forget
#include "dns/dns.c"
#undef ares_getaddrinfo
#undef ares_freeaddrinfo

static struct input input;
static bool answered;

static void forget(struct ares_addrinfo *info)
{
	(void)info;
}

/* Addresses of the input for whatever name, sixteen bytes each, or none. */
static void resolve(ares_channel channel, const char *name, const char *service,
		    const struct ares_addrinfo_hints *hints,
		    ares_addrinfo_callback callback, void *arg)
{
	struct ares_addrinfo_node nodes[24];
	struct sockaddr_in6 addrs[24];
	struct ares_addrinfo info = { .nodes = NULL };
	size_t n = take(&input) % 25;

	(void)channel;
	(void)service;
	(void)hints;
	check(name != NULL);
	memset(nodes, 0, sizeof(nodes));
	memset(addrs, 0, sizeof(addrs));
	for (size_t i = 0; i < n; i++) {
		addrs[i].sin6_family = AF_INET6;
		for (size_t k = 0; k < 16; k++)
			addrs[i].sin6_addr.s6_addr[k] = take(&input);
		nodes[i].ai_addr = (struct sockaddr *)&addrs[i];
		nodes[i].ai_next = i + 1 < n ? &nodes[i + 1] : NULL;
	}
	if (n)
		info.nodes = nodes;
	callback(arg, n ? ARES_SUCCESS : ARES_ENODATA, 0, &info);
}

static void on_found(void *ctx, const struct dns_server *servers, size_t n,
		     const char *error)
{
	(void)ctx;
	answered = true;
	check(n <= DNS_SERVERS_MAX);
	for (size_t i = 0; i < n; i++) {
		check(roam_addr_is_usable(&servers[i].addr));
		check(servers[i].port);
	}
	check(strlen(error) < 256);
}

static uint64_t dice(void)
{
	return take(&input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dns dns = { .random = dice };
	struct question *q = calloc(1, sizeof(*q));
	size_t len;

	if (!q || size < 2) {
		free(q);
		return 0;
	}
	/* The first two bytes say how much of it is the answer, the rest is addresses. */
	input = (struct input){ data, size };
	len = (size_t)take(&input) << 8;
	len |= take(&input);
	if (len > input.left)
		len = input.left;
	q->dns = &dns;
	q->domain = strdup("example.test");
	q->port = 17434;
	q->fn = on_found;
	dns.pending = 1;
	data = input.p;
	input.p += len;
	input.left -= len;
	answered = false;
	on_srv(q, ARES_SUCCESS, 0, (unsigned char *)data, len);
	check(answered);
	return 0;
}
