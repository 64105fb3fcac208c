// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Servers that are named and not addressed (RFC 3263). libre asks DNS and takes the
 * first that it names; when nothing comes from there libre would wait half a minute before
 * it takes the next (4.3). So who falls silent is looked up here, and the
 * others that DNS names are tried one after the other.
 */
#include <stdio.h>
#include <string.h>

#include "io/daemon.h"
#include "io/log.h"
#include "sipd/sipd.h"

#define SIP_PORT 5060

const char *server_route(const struct sipd_server *server)
{
	return *server->route ? server->route : server->config->uri;
}

/* TLS stays with the name, as the certificate has it. */
static bool has_name(const struct sipd_server *server)
{
	return roam_addr_is_none(&server->config->addr) &&
	       server->config->transport != SIPD_TLS;
}

static void take(struct sipd_server *server)
{
	const struct dns_server *target = &server->targets[server->at];
	bool v4 = roam_addr_is_v4(&target->addr);
	char addr[ROAM_ADDR_STRLEN];

	roam_addr_format(&target->addr, addr);
	snprintf(server->route, sizeof(server->route),
		 "sip:%s%s%s:%u;transport=%s", v4 ? "" : "[", addr,
		 v4 ? "" : "]", target->port,
		 server->config->transport == SIPD_TCP ? "tcp" : "udp");
	log_warning("nothing comes from server %s; %s port %u is tried, which DNS names as well",
		    server->config->uri, addr, target->port);
	server_changed(server);
}

static void on_targets(void *ctx, const struct dns_server *targets, size_t n,
		       const char *error)
{
	struct sipd_server *server = ctx;

	server->asking = false;
	if (n < 2) {
		log_warning("nothing comes from server %s, and DNS names no other one%s%s; add one to servers in sipd.conf",
			    server->config->uri, *error ? ": " : "",
			    error);
		return;
	}
	memcpy(server->targets, targets, n * sizeof(*targets));
	server->n = n;
	server->tried = 1;
	/* The first was libre's choice as well. */
	server->at = 1;
	take(server);
}

static void ask(struct sipd_server *server)
{
	const char *name = server->config->uri + strlen("sip:");
	size_t len = strcspn(name, ":;");
	char domain[UA_URI_MAX];

	snprintf(domain, sizeof(domain), "%.*s", (int)len, name);
	server->asking = true;
	dns_find(server->sipd->dns,
		 server->config->transport == SIPD_TCP ? "_sip._tcp" :
							 "_sip._udp",
		 domain, SIP_PORT, on_targets, server);
}

void server_silent(struct sipd_server *server)
{
	if (!has_name(server) || server->asking || !server->sipd->dns)
		return;
	if (!server->n) {
		ask(server);
	} else if (server->tried++ < server->n) {
		server->at = (server->at + 1) % server->n;
		take(server);
	} else {
		/* All of them: DNS may know others by the next time. */
		server->n = 0;
		*server->route = 0;
	}
}

void server_answers(struct sipd_server *server)
{
	server->tried = 0;
}

char *servers_start(struct sipd *sipd)
{
	const struct config *config = sipd->config;
	char nameserver[ROAM_ADDR_STRLEN + 2], *error = NULL;
	bool named = false;

	for (size_t i = 0; i < config->n_servers; i++) {
		sipd->servers[i] = (struct sipd_server){
			.sipd = sipd, .config = &config->servers[i],
		};
		named |= has_name(&sipd->servers[i]);
	}
	if (!named)
		return NULL;
	roam_addr_format(&config->nameserver, nameserver);
	sipd->dns = dns_open(sipd->loop,
			     roam_addr_is_none(&config->nameserver) ?
				NULL : nameserver, daemon_random, &error);
	return error;
}
