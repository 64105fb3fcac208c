/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client of DRCP: an address one round trip after the host hears of a subnet
 * (MMP-81, 82, 87..90).
 *
 * It hears advertisements, and asks for one when a link comes up. One of its own subnet
 * changes nothing; one of another subnet is answered by a request, at once; the assignment
 * is the address, which is used at once: whether somebody else has it is found out
 * afterwards. Where nobody speaks DRCP the host's own DHCP client is let do its work.
 *
 * Contract: pure. What it wants done it asks of struct drcp_client_ops; messages that come in
 * were proved to be of the domain.
 */
#ifndef ROAM_CORE_DRCP_CLIENT_H
#define ROAM_CORE_DRCP_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"
#include "wire/drcp.h"

/** enum drcp_client_event - what is worth a line. */
enum drcp_client_event {
	DRCP_CLIENT_ASKED,
	DRCP_CLIENT_CONFIGURED,
	DRCP_CLIENT_KEPT,	/* another link or base station of the same subnet */
	DRCP_CLIENT_REFUSED,
	DRCP_CLIENT_UNANSWERED,
	DRCP_CLIENT_LOST,	/* the lease ended */
	DRCP_CLIENT_CONFLICT,	/* somebody else has the address */
	DRCP_CLIENT_DHCP,	/* nobody speaks DRCP here */
};

/**
 * struct drcp_client_config - settings
 * @client: link-layer address
 * @retry: ms until a request is repeated; doubles
 * @tries: requests until it is given up
 * @dhcp_wait: ms after a link came up until DHCP has its turn
 * @missed: periods without its server's advertisement until another one's counts
 */
struct drcp_client_config {
	uint8_t client[6];
	msec_t retry;
	unsigned int tries;
	msec_t dhcp_wait;
	unsigned int missed;
};

extern const struct drcp_client_config drcp_client_defaults;

/**
 * struct drcp_client_ops - what the core asks of its surroundings
 * @send: a message; to everybody where it is a solicitation, else to the server that was
 *	heard last
 * @configure: the assignment is the address of now; the one of before goes
 * @deconfigure: there is none any more
 * @dhcp: the host's DHCP client may work, or shall not
 * @stamp: rises with each call, over restarts too
 * @event: something worth a line; @took: ms from the first question
 */
struct drcp_client_ops {
	void (*send)(void *ctx, const struct drcp_msg *msg);
	void (*configure)(void *ctx, const struct drcp_msg *assignment);
	void (*deconfigure)(void *ctx);
	void (*dhcp)(void *ctx, bool may);
	uint64_t (*stamp)(void *ctx);
	void (*event)(void *ctx, enum drcp_client_event event,
		      const struct drcp_msg *msg, msec_t took);
};

/**
 * struct drcp_client_status - what there is to show
 * @addr: the address, or none
 * @subnet: its subnet
 * @expires: until when
 * @server: whose it is
 * @asking: a request is on its way
 */
struct drcp_client_status {
	struct roam_addr addr;
	struct roam_prefix subnet;
	msec_t expires;
	uint64_t server;
	bool asking;
};

struct drcp_client;

struct drcp_client *drcp_client_new(const struct drcp_client_config *config,
				    const struct drcp_client_ops *ops,
				    void *ctx);
void drcp_client_free(struct drcp_client *client);
/* The link came up, or went. */
void drcp_client_link(struct drcp_client *client, msec_t now, bool up);
/* DRCP_DROP_NONE, or why it is dropped. */
enum drcp_drop drcp_client_input(struct drcp_client *client, msec_t now,
				 const struct drcp_msg *msg);
/* Somebody else answers for the address. */
void drcp_client_conflict(struct drcp_client *client, msec_t now);
/* Gives the address back; none is asked for until drcp_client_link(). */
void drcp_client_leave(struct drcp_client *client, msec_t now);
msec_t drcp_client_tick(struct drcp_client *client, msec_t now);
void drcp_client_status(const struct drcp_client *client,
			struct drcp_client_status *status);

#endif
