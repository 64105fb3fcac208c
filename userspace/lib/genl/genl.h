/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generic netlink client on libmnl, blocking, one socket per struct genl.
 *
 * Errors come back as negative errno, and genl_error() gives the kernel's own
 * sentence (extack text, with the attribute it names). Dumps that the kernel
 * marks as interrupted are repeated a few times and then handed out all the
 * same, with *interrupted set.
 */
#ifndef ROAM_GENL_GENL_H
#define ROAM_GENL_GENL_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stdint.h>

struct genl;

/**
 * genl_open() - connect to a family
 * @family: its name
 * @version: its version
 * @error: on failure a sentence that names module and command to load it
 *
 * Return: the client or NULL with errno set (ENOENT: family not there).
 */
struct genl *genl_open(const char *family, uint8_t version, char **error);
void genl_close(struct genl *genl);

/*
 * Starts a request in the client's own buffer; NLM_F_REQUEST is added, and
 * NLM_F_ACK unless it is a dump (which has an end of its own).
 */
struct nlmsghdr *genl_request(struct genl *genl, uint8_t cmd, uint16_t flags);
/* Bytes still free in the request buffer: add entries while it is enough. */
size_t genl_room(const struct genl *genl, const struct nlmsghdr *nlh);

/**
 * genl_send() - send the request and wait for its end
 * @genl: the client
 * @nlh: the request
 * @reply: called for each reply message (attributes from mnl_attr_for_each
 *	with sizeof(struct genlmsghdr)), may be NULL; return < 0 to stop
 * @ctx: for @reply
 * @interrupted: set if a dump may be inconsistent, may be NULL
 *
 * A dump is kept until its end and handed out as a whole, so @reply never sees
 * the pieces of an interrupted one twice.
 *
 * Return: 0, negative errno, or what @reply returned.
 */
int genl_send(struct genl *genl, struct nlmsghdr *nlh,
	      int (*reply)(const struct nlmsghdr *nlh, void *ctx), void *ctx,
	      bool *interrupted);
/* The kernel's sentence about the last failure, or strerror; never NULL. */
const char *genl_error(const struct genl *genl);
/* For clients of a family: sets genl_error() and returns -@err. */
int genl_fail(struct genl *genl, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Joins a multicast group; 0 or negative errno. */
int genl_subscribe(struct genl *genl, const char *group);
/* The socket, to be watched for events. */
int genl_fd(const struct genl *genl);
/**
 * genl_events() - read the events that wait, without blocking
 * @event: called for each
 *
 * Return: 0, or -ENOBUFS: events were lost and the caller must re-read the
 * tables now (the socket is usable again).
 */
int genl_events(struct genl *genl,
		void (*event)(const struct nlmsghdr *nlh, void *ctx),
		void *ctx);

#endif
