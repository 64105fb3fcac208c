// SPDX-License-Identifier: GPL-2.0-or-later
#include "rtnl/socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RTNL_RECEIVE_LEN 65536
#define RTNL_DUMPS 8	/* tries to get one that no change interrupts */

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

/**
 * struct dump - the messages of a dump, one behind the other
 * @data: the messages
 * @len: bytes of them
 * @room: allocated
 * @torn: what they tell of changed meanwhile
 */
struct dump {
	char *data;
	size_t len;
	size_t room;
	bool torn;
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

static int keep(struct dump *dump, const struct nlmsghdr *nlh)
{
	size_t len = NLMSG_ALIGN(nlh->nlmsg_len), room = dump->room;
	char *data = dump->data;

	while (room < dump->len + len)
		room = room ? 2 * room : RTNL_RECEIVE_LEN;
	if (room > dump->room)
		data = realloc(data, room);
	if (!data)
		return -ENOMEM;
	dump->data = data;
	dump->room = room;
	memcpy(data + dump->len, nlh, nlh->nlmsg_len);
	dump->len += len;
	return MNL_CB_OK;
}

/* What ERROR and DONE carry, 0 or a negative errno; one too short for it carries nothing. */
static int code_of(const struct nlmsghdr *nlh)
{
	int code = 0;

	if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(code))
		memcpy(&code, mnl_nlmsg_get_payload(nlh), sizeof(code));
	return code > 0 ? -code : code;
}

static int hand_out(const struct nlmsghdr *nlh, mnl_cb_t fn, void *ctx)
{
	int ret = fn ? fn(nlh, ctx) : MNL_CB_OK;

	return ret != MNL_CB_ERROR ? ret : errno > 0 ? -errno : -EPROTO;
}

/*
 * The answer to the last request: kept in @dump, or else handed out. 0 or negative
 * errno. A request that was given up, as when memory was out, may have left messages;
 * their number tells.
 */
static int answer(struct rtnl *rtnl, struct dump *dump, mnl_cb_t fn, void *ctx)
{
	int ret;

	for (;;) {
		struct nlmsghdr *nlh = (void *)rtnl->receive;
		ssize_t got = mnl_socket_recvfrom(rtnl->nl, rtnl->receive,
						  sizeof(rtnl->receive));
		int left = (int)got;

		if (got < 0)
			return -errno;
		for (; mnl_nlmsg_ok(nlh, left);
		     nlh = mnl_nlmsg_next(nlh, &left)) {
			if (nlh->nlmsg_seq != rtnl->seq ||
			    nlh->nlmsg_type == NLMSG_NOOP)
				continue;
			if (dump && nlh->nlmsg_flags & NLM_F_DUMP_INTR)
				dump->torn = true;
			if (nlh->nlmsg_type == NLMSG_ERROR ||
			    nlh->nlmsg_type == NLMSG_DONE)
				return code_of(nlh);
			ret = dump ? keep(dump, nlh) : hand_out(nlh, fn, ctx);
			if (ret <= MNL_CB_STOP)
				return ret;
		}
	}
}

static int hand_out_all(struct dump *dump, mnl_cb_t fn, void *ctx)
{
	struct nlmsghdr *nlh = (void *)dump->data;
	int left = (int)dump->len, ret;

	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		ret = hand_out(nlh, fn, ctx);
		if (ret <= MNL_CB_STOP)
			return ret;
	}
	return 0;
}

/*
 * A dump that a change interrupts may lack what did not change; so it is taken again,
 * and handed out when it is whole. One that always is interrupted counts as it is: who
 * follows changes hears of each.
 */
int rtnl_talk(struct rtnl *rtnl, struct nlmsghdr *nlh, mnl_cb_t fn, void *ctx)
{
	bool is_dump = (nlh->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	struct dump dump = { 0 };
	int tries = 0, ret;

	do {
		dump.len = 0;
		dump.torn = false;
		nlh->nlmsg_seq = ++rtnl->seq;
		if (mnl_socket_sendto(rtnl->nl, nlh, nlh->nlmsg_len) < 0)
			ret = -errno;
		else
			ret = answer(rtnl, is_dump ? &dump : NULL, fn, ctx);
	} while (!ret && dump.torn && ++tries < RTNL_DUMPS);
	if (!ret && is_dump)
		ret = hand_out_all(&dump, fn, ctx);
	free(dump.data);
	return ret;
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
