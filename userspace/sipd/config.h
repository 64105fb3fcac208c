/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration of roam-sipd, as it is in force. */
#ifndef ROAM_SIPD_CONFIG_H
#define ROAM_SIPD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "core/sip_registration.h"
#include "core/sip_session.h"

#define SIPD_SERVERS_MAX 8
#define SIPD_ACCOUNTS_MAX 64

/** enum sipd_transport - what carries messages. */
enum sipd_transport {
	SIPD_UDP,
	SIPD_TCP,
	SIPD_TLS,
};

/**
 * struct config_server - one SIP server
 * @uri: "sip:192.0.2.10:5060;transport=udp"
 * @addr: its address; all zero where @uri names a host
 * @transport: how it is spoken to
 */
struct config_server {
	char *uri;
	struct roam_addr addr;
	enum sipd_transport transport;
};

/**
 * struct config_account - one SIP URL of this host (SIP-01)
 * @uri: "sip:alice@example.net"
 * @user: "alice"
 * @domain: "example.net"
 * @name: shown to the other end, "" for none
 * @auth_user: user name for digests
 * @realm: the only realm that gets a digest
 * @secret: password; wiped when the configuration goes
 */
struct config_account {
	char *uri;
	char *user;
	char *domain;
	char *name;
	char *auth_user;
	char *realm;
	char *secret;
};

/**
 * struct config - roam-sipd.conf
 * @accounts: the SIP URLs of this host
 * @n_accounts: their number
 * @servers: where each registers, in the order in which calls try them
 * @n_servers: their number
 * @nameserver: who is asked where named servers are, all zero: the host's own
 * @port: of UDP and TCP; TLS has the next one
 * @tls: some server wants TLS
 * @tls_ca: file with the certificates that its own must come from
 * @tls_certificate: own certificate and key, NULL for none
 * @local: where phones of this host register, all zero for nowhere
 * @local_port: its port
 * @media_port_min: first port for media
 * @media_port_max: last one
 * @sessions_max: more are refused
 * @server_wait: ms until a call goes by the next server
 * @ring_wait: ms until a call that nobody answers ends
 * @registration: settings of registrations
 * @session: settings of sessions
 */
struct config {
	struct config_account *accounts;
	size_t n_accounts;
	struct config_server *servers;
	size_t n_servers;
	struct roam_addr nameserver;
	uint16_t port;
	bool tls;
	char *tls_ca;
	char *tls_certificate;
	struct roam_addr local;
	uint16_t local_port;
	uint16_t media_port_min;
	uint16_t media_port_max;
	size_t sessions_max;
	msec_t server_wait;
	msec_t ring_wait;
	struct sip_registration_config registration;
	struct sip_session_config session;
};

/* The file, or NULL with a sentence in *error, caller frees. */
struct config *config_load(const char *path, char **error);
void config_free(struct config *config);
/* What differs that cannot be put in force by a reload, NULL: nothing. */
const char *config_fixed(const struct config *old, const struct config *fresh);
/*
 * Pointers to accounts and servers stay good over a reload: @fresh gets the objects of
 * @old with its own passwords and names in them, and @old gets the rest.
 */
void config_keep_accounts(struct config *fresh, struct config *old);

#endif
