/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rtnetlink on libmnl: requests on one blocking socket, their answers, addresses in
 * attributes. Errors come back as negative errno.
 */
#ifndef ROAM_RTNL_SOCKET_H
#define ROAM_RTNL_SOCKET_H

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"

/* What we set in the kernel carries this protocol number, and only that is
 * changed or removed by us. */
#define RTPROT_ROAM 77

struct rtnl;

/* The client, or NULL with a sentence in *error (caller frees). */
struct rtnl *rtnl_open(char **error);
void rtnl_close(struct rtnl *rtnl);

/* Bytes of a request at most. */
#define RTNL_REQUEST_LEN 8192

/* The next request, in the client's own room; its flags beside NLM_F_REQUEST. */
struct nlmsghdr *rtnl_request(struct rtnl *rtnl, uint16_t type, uint16_t flags);
/*
 * Sends it and reads the answer to its end; @fn gets every message. 0 or negative
 * errno. A request without answer of its own needs NLM_F_ACK.
 */
int rtnl_talk(struct rtnl *rtnl, struct nlmsghdr *nlh, mnl_cb_t fn, void *ctx);

uint8_t rtnl_family(const struct roam_addr *addr);
void rtnl_put_addr(struct nlmsghdr *nlh, uint16_t type,
		   const struct roam_addr *addr);
/* Zero if the attribute has the length of no address. */
struct roam_addr rtnl_get_addr(const struct nlattr *attr);
/* Zero if it is no byte. */
uint8_t rtnl_get_u8(const struct nlattr *attr);

/* An answer that means what was wanted stands already, say, is no error. */
static inline int rtnl_unless(int err, int expected)
{
	return err == -expected ? 0 : err;
}

/* Is a message long enough for the header of its kind? One that is not says nothing. */
static inline bool rtnl_has_header(const struct nlmsghdr *nlh, size_t len)
{
	return mnl_nlmsg_get_payload_len(nlh) >= len;
}

#endif
