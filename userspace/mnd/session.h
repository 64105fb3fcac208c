/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions of this node: which there are (configured, asked for, devices that were
 * seen), and that the kernel follows what core/mobile_session.h says of them.
 */
#ifndef ROAM_MND_SESSION_H
#define ROAM_MND_SESSION_H

#include <stdbool.h>

#include "core/mobile_session.h"
#include "mnd/steer.h"

struct dhcp_client;
struct mnd;

/** enum session_origin - why there is a session */
enum session_origin {
	SESSION_CONFIGURED,	/* it stands in mnd.conf */
	SESSION_ASKED,		/* by the control socket */
	SESSION_SEEN,		/* its device appeared */
};

/**
 * struct session_row - what the daemon knows of a session beside the core
 * @next: in the list
 * @name: its name
 * @origin: enum session_origin
 * @mac: link-layer address of its device
 * @has_mac: @mac is set
 * @where: link that its device is on, by index; 0: not known
 * @host: what the device calls itself, for people only
 * @seen: when the device was seen last
 * @steer: what the kernel was told
 * @ending: it was told to end
 * @barred: the user ended it though its device is there
 */
struct session_row {
	struct session_row *next;
	char name[MIP_SUB_NAI_MAX + 1];
	enum session_origin origin;
	uint8_t mac[MN_MAC_LEN];
	bool has_mac;
	unsigned int where;
	char host[64];
	msec_t seen;
	struct steering steer;
	bool ending;
	bool barred;
};

const char *session_origin_name(enum session_origin origin);
/* NULL or a sentence, caller frees. @path: where what has to outlive the daemon is. */
char *session_start(struct mnd *m, const char *path);
void session_stop(struct mnd *m);
/* Another configuration is in force. */
void session_configure(struct mnd *m);
/*
 * By the control socket. @device: fixed address of a device, or none; @link: link where
 * the address itself is used, or "". NULL or a sentence, caller frees.
 */
char *session_add(struct mnd *m, const char *name, const struct roam_addr *device,
		  const char *link);
/* A DHCP client on a link where it gets the address of its session. */
void session_asks(struct mnd *m, unsigned int link,
		  const struct dhcp_client *client);
/* @bar: a device does not begin again before it was gone. */
bool session_end(struct mnd *m, const char *name, bool bar);
void session_walk(const struct mnd *m,
		  void (*fn)(void *ctx, const struct session_row *row), void *ctx);
const struct session_row *session_find(const struct mnd *m, const char *name);
/* Whether a link is one with devices or a session, and so none to register by. */
bool session_has_link(const struct mnd *m, const char *name);

extern const struct mns_ops session_ops;

#endif
