// SPDX-License-Identifier: GPL-2.0-or-later
#include "rtnl/socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RTNL_RECEIVE_LEN 65536

/**
 * struct rtnl - see rtnl_open()
 * @nl: the socket
 * @portid: its address
 * @seq: sequence number of the last request
 * @request: the request under construction
 * @receive: one datagram from the kernel
 */
struct rtnl {
	struct mnl_socket *nl;
	unsigned int portid;
	uint32_t seq;
	char request[RTNL_REQUEST_LEN] __attribute__((aligned(8)));
	char receive[RTNL_RECEIVE_LEN] __attribute__((aligned(8)));
};

struct rtnl *rtnl_open(char **error)
{
	struct rtnl *rtnl = calloc(1, sizeof(*rtnl));
	int on = 1;

	if (rtnl)
		rtnl->nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!rtnl || !rtnl->nl ||
	    mnl_socket_bind(rtnl->nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		if (asprintf(error, "cannot open a route socket: %s",
			     strerror(errno)) < 0)
			*error = NULL;
		rtnl_close(rtnl);
		return NULL;
	}
	/* Dumps are then filtered by the kernel. */
	mnl_socket_setsockopt(rtnl->nl, NETLINK_GET_STRICT_CHK, &on,
			      sizeof(on));
	rtnl->portid = mnl_socket_get_portid(rtnl->nl);
	return rtnl;
}

void rtnl_close(struct rtnl *rtnl)
{
	if (rtnl && rtnl->nl)
		mnl_socket_close(rtnl->nl);
	free(rtnl);
}

struct nlmsghdr *rtnl_request(struct rtnl *rtnl, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(rtnl->request);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	return nlh;
}

int rtnl_talk(struct rtnl *rtnl, struct nlmsghdr *nlh, mnl_cb_t fn, void *ctx)
{
	int ret;

	nlh->nlmsg_seq = ++rtnl->seq;
	if (mnl_socket_sendto(rtnl->nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		ssize_t len = mnl_socket_recvfrom(rtnl->nl, rtnl->receive,
						  sizeof(rtnl->receive));

		if (len < 0)
			return -errno;
		ret = mnl_cb_run(rtnl->receive, len, rtnl->seq, rtnl->portid,
				 fn, ctx);
	} while (ret > MNL_CB_STOP);
	if (ret >= 0)
		return 0;
	return errno > 0 ? -errno : -EPROTO;
}

uint8_t rtnl_family(const struct roam_addr *addr)
{
	return roam_addr_is_v4(addr) ? AF_INET : AF_INET6;
}

void rtnl_put_addr(struct nlmsghdr *nlh, uint16_t type,
		   const struct roam_addr *addr)
{
	if (roam_addr_is_v4(addr))
		mnl_attr_put(nlh, type, 4, addr->b + 12);
	else
		mnl_attr_put(nlh, type, 16, addr->b);
}

struct roam_addr rtnl_get_addr(const struct nlattr *attr)
{
	struct roam_addr addr = { { 0 } };

	if (mnl_attr_get_payload_len(attr) == 4) {
		struct in_addr in;

		memcpy(&in, mnl_attr_get_payload(attr), sizeof(in));
		return roam_addr_from_in(in);
	}
	if (mnl_attr_get_payload_len(attr) == sizeof(addr.b))
		memcpy(addr.b, mnl_attr_get_payload(attr), sizeof(addr.b));
	return addr;
}

uint8_t rtnl_get_u8(const struct nlattr *attr)
{
	return mnl_attr_validate(attr, MNL_TYPE_U8) ? 0 : mnl_attr_get_u8(attr);
}
