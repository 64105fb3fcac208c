// SPDX-License-Identifier: GPL-2.0-or-later
#include "genl/genl.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * The kernel copies a request into one buffer, so its size is a compromise:
 * 64 KiB carries more than a thousand mappings and is still allocated easily.
 */
#define GENL_REQUEST_LEN (64 * 1024)
#define GENL_RECEIVE_LEN (64 * 1024)
#define GENL_EVENT_BUFFER (8 << 20)
#define GENL_DUMP_TRIES 3
#define GENL_GROUPS 8
#define GENL_ERROR_LEN 512
#define ERRNO_MAX 4095

/**
 * struct genl - see genl_open()
 * @nl: the socket
 * @family: number of the family
 * @version: its version
 * @seq: sequence number of the last request
 * @groups: multicast groups of the family
 * @n_groups: their number
 * @error: sentence about the last failure
 * @request: the request under construction
 * @receive: one datagram from the kernel
 */
struct genl {
	struct mnl_socket *nl;
	uint16_t family;
	uint8_t version;
	uint32_t seq;
	struct {
		char name[GENL_NAMSIZ];
		uint32_t id;
	} groups[GENL_GROUPS];
	size_t n_groups;
	char error[GENL_ERROR_LEN];
	char request[GENL_REQUEST_LEN] __attribute__((aligned(NLMSG_ALIGNTO)));
	char receive[GENL_RECEIVE_LEN] __attribute__((aligned(NLMSG_ALIGNTO)));
};

/* A dump until its end: the messages, one after the other. */
struct kept {
	char *data;
	size_t len;
	size_t room;
};

static int keep(struct kept *kept, const struct nlmsghdr *nlh)
{
	size_t len = NLMSG_ALIGN(nlh->nlmsg_len);

	if (kept->room - kept->len < len) {
		size_t room = kept->room * 2 + GENL_RECEIVE_LEN;
		char *data = realloc(kept->data, room);

		if (!data)
			return -ENOMEM;
		kept->data = data;
		kept->room = room;
	}
	memcpy(kept->data + kept->len, nlh, nlh->nlmsg_len);
	kept->len += len;
	return 0;
}

int genl_fail(struct genl *genl, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(genl->error, sizeof(genl->error), fmt, ap);
	va_end(ap);
	return -err;
}

const char *genl_error(const struct genl *genl)
{
	return genl->error;
}

/*
 * Reads one datagram of the kernel; messages of other processes (nl_pid != 0)
 * are nobody's business and skipped. Return: its length or negative errno.
 */
static ssize_t receive(struct genl *genl, int flags)
{
	struct sockaddr_nl from;
	struct iovec iov = {
		.iov_base = genl->receive,
		.iov_len = sizeof(genl->receive),
	};
	ssize_t len;

	do {
		struct msghdr msg = {
			.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &iov,
			.msg_iovlen = 1,
		};

		len = recvmsg(mnl_socket_get_fd(genl->nl), &msg, flags);
		if (len < 0 && errno != EINTR)
			return -errno;
		if (len >= 0 && (msg.msg_flags & MSG_TRUNC))
			return -ENOSPC;
	} while (len < 0 || from.nl_pid != 0);
	return len;
}

/* libmnl's own takes a length of 2^31 or more for a negative one. */
static bool message_ok(const struct nlmsghdr *nlh, int left)
{
	return left >= (int)sizeof(*nlh) &&
	       nlh->nlmsg_len <= (unsigned int)left && mnl_nlmsg_ok(nlh, left);
}

/* The type of the attribute that stands at @offset of the request, -1 if none. */
static int attribute_at(const struct genl *genl, uint32_t offset)
{
	const struct nlmsghdr *nlh = (const void *)genl->request;
	const struct nlattr *attr;

	if (offset % NLMSG_ALIGNTO ||
	    offset + sizeof(*attr) > nlh->nlmsg_len)
		return -1;
	attr = (const void *)(genl->request + offset);
	return mnl_attr_get_type(attr);
}

/*
 * Where the attributes of an error message begin: behind the request, which is
 * quoted whole unless it is capped. The end of the message where it is cut.
 */
static size_t error_attributes(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
	size_t room = mnl_nlmsg_get_payload_len(nlh), quoted;

	if (nlh->nlmsg_flags & NLM_F_CAPPED)
		return sizeof(*e);
	quoted = e->msg.nlmsg_len;
	if (quoted < sizeof(e->msg) || quoted > room - sizeof(e->error))
		return room;
	return sizeof(e->error) + NLMSG_ALIGN(quoted);
}

/* The errno of an error or done message; explains a failure. */
static int read_error(struct genl *genl, const struct nlmsghdr *nlh)
{
	size_t offset = nlh->nlmsg_type == NLMSG_DONE ? sizeof(int) :
						       sizeof(struct nlmsgerr);
	const struct nlattr *attr;
	const char *text = NULL;
	char where[64] = "";
	int err;

	if (mnl_nlmsg_get_payload_len(nlh) < offset)
		return nlh->nlmsg_type == NLMSG_DONE ?
			0 : genl_fail(genl, EBADMSG, "a cut error message");
	memcpy(&err, mnl_nlmsg_get_payload(nlh), sizeof(err));
	if (err >= 0)
		return 0;
	if (err < -ERRNO_MAX)
		return genl_fail(genl, EBADMSG, "an error message without an error");

	if (nlh->nlmsg_flags & NLM_F_ACK_TLVS) {
		if (nlh->nlmsg_type == NLMSG_ERROR)
			offset = error_attributes(nlh);
		mnl_attr_for_each(attr, nlh, offset) {
			int type;

			switch (mnl_attr_get_type(attr)) {
			case NLMSGERR_ATTR_MSG:
				if (!mnl_attr_validate(attr, MNL_TYPE_NUL_STRING))
					text = mnl_attr_get_str(attr);
				break;
			case NLMSGERR_ATTR_OFFS:
				if (mnl_attr_validate(attr, MNL_TYPE_U32))
					break;
				type = attribute_at(genl,
						    mnl_attr_get_u32(attr));
				if (type >= 0)
					snprintf(where, sizeof(where),
						 " (attribute %d)", type);
				break;
			case NLMSGERR_ATTR_MISS_TYPE:
				if (!mnl_attr_validate(attr, MNL_TYPE_U32))
					snprintf(where, sizeof(where),
						 " (attribute %u is missing)",
						 mnl_attr_get_u32(attr));
				break;
			}
		}
	}
	return genl_fail(genl, -err, "%s%s", text ? text : strerror(-err),
			 where);
}

/*
 * One pass over the answer. Replies of a dump go to @kept, others to @reply.
 * Return: 0 or negative errno; *again is set if a dump was interrupted.
 */
static int read_answer(struct genl *genl, struct kept *kept,
		       int (*reply)(const struct nlmsghdr *nlh, void *ctx),
		       void *ctx, bool *again)
{
	int ret = 0;

	*again = false;
	for (;;) {
		const struct nlmsghdr *nlh = (const void *)genl->receive;
		ssize_t received = receive(genl, 0);
		int left = received;

		if (received < 0)
			return genl_fail(genl, -received,
					 "cannot read the kernel's answer: %s",
					 strerror(-received));
		for (; message_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			/*
			 * This reply is left over from a request that was given
			 * up.
			 */
			if (nlh->nlmsg_seq != genl->seq)
				continue;
			if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
				*again = true;
			if (nlh->nlmsg_type == NLMSG_ERROR ||
			    nlh->nlmsg_type == NLMSG_DONE) {
				int err = read_error(genl, nlh);

				return ret ? ret : err;
			}
			if (nlh->nlmsg_type != genl->family &&
			    nlh->nlmsg_type != GENL_ID_CTRL)
				continue;
			/*
			 * After a failure the rest is read as well: it must not
			 * stay queued.
			 */
			if (ret)
				continue;
			if (kept)
				ret = keep(kept, nlh);
			else if (reply)
				ret = reply(nlh, ctx);
			if (ret == -ENOMEM)
				genl_fail(genl, ENOMEM, "out of memory");
		}
	}
}

static int deliver(struct kept *kept,
		   int (*reply)(const struct nlmsghdr *nlh, void *ctx),
		   void *ctx)
{
	size_t at = 0;
	int ret = 0;

	while (reply && !ret && at < kept->len) {
		const struct nlmsghdr *nlh = (const void *)(kept->data + at);

		ret = reply(nlh, ctx);
		at += NLMSG_ALIGN(nlh->nlmsg_len);
	}
	return ret;
}

int genl_send(struct genl *genl, struct nlmsghdr *nlh,
	      int (*reply)(const struct nlmsghdr *nlh, void *ctx), void *ctx,
	      bool *interrupted)
{
	bool dump = (nlh->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	struct kept kept = { NULL, 0, 0 };
	bool again = false;
	int ret;

	genl->error[0] = 0;
	for (int try = 0; try < GENL_DUMP_TRIES; try++) {
		kept.len = 0;
		nlh->nlmsg_seq = ++genl->seq;
		if (mnl_socket_sendto(genl->nl, nlh, nlh->nlmsg_len) < 0) {
			int err = errno;

			ret = genl_fail(genl, err,
					"cannot send to the kernel: %s",
					strerror(err));
			break;
		}
		ret = read_answer(genl, dump ? &kept : NULL, reply, ctx,
				  &again);
		if (ret || !again)
			break;
	}
	if (!ret && dump)
		ret = deliver(&kept, reply, ctx);
	free(kept.data);
	if (interrupted)
		*interrupted = again;
	return ret < 0 ? ret : 0;
}

static void start_request(struct genl *genl, uint16_t type, uint8_t cmd,
			  uint8_t version, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(genl->request);
	struct genlmsghdr *header;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	header = mnl_nlmsg_put_extra_header(nlh, sizeof(*header));
	header->cmd = cmd;
	header->version = version;
}

struct nlmsghdr *genl_request(struct genl *genl, uint8_t cmd, uint16_t flags)
{
	if ((flags & NLM_F_DUMP) != NLM_F_DUMP)
		flags |= NLM_F_ACK;
	start_request(genl, genl->family, cmd, genl->version, flags);
	return (struct nlmsghdr *)genl->request;
}

size_t genl_room(const struct genl *genl, const struct nlmsghdr *nlh)
{
	return sizeof(genl->request) - nlh->nlmsg_len;
}

static void read_groups(struct genl *genl, const struct nlattr *nest)
{
	const struct nlattr *group, *attr;

	mnl_attr_for_each_nested(group, nest) {
		const char *name = NULL;
		uint32_t id = 0;

		mnl_attr_for_each_nested(attr, group) {
			if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_NAME &&
			    !mnl_attr_validate(attr, MNL_TYPE_NUL_STRING))
				name = mnl_attr_get_str(attr);
			else if (mnl_attr_get_type(attr) ==
				 CTRL_ATTR_MCAST_GRP_ID &&
				 !mnl_attr_validate(attr, MNL_TYPE_U32))
				id = mnl_attr_get_u32(attr);
		}
		if (!name || genl->n_groups == GENL_GROUPS)
			continue;
		snprintf(genl->groups[genl->n_groups].name,
			 sizeof(genl->groups[0].name), "%s", name);
		genl->groups[genl->n_groups++].id = id;
	}
}

static int read_family(const struct nlmsghdr *nlh, void *ctx)
{
	struct genl *genl = ctx;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID &&
		    !mnl_attr_validate(attr, MNL_TYPE_U16))
			genl->family = mnl_attr_get_u16(attr);
		else if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GROUPS)
			read_groups(genl, attr);
	}
	return 0;
}

static void set_option(struct genl *genl, int option)
{
	int on = 1;

	/* All three are comforts; every supported kernel has them. */
	mnl_socket_setsockopt(genl->nl, option, &on, sizeof(on));
}

static int connect_family(struct genl *genl, const char *family)
{
	genl->nl = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!genl->nl || mnl_socket_bind(genl->nl, 0, MNL_SOCKET_AUTOPID) < 0)
		return genl_fail(genl, errno, "cannot open a netlink socket: %s",
				 strerror(errno));
	set_option(genl, NETLINK_EXT_ACK);
	set_option(genl, NETLINK_CAP_ACK);
	set_option(genl, NETLINK_GET_STRICT_CHK);

	start_request(genl, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1, NLM_F_ACK);
	mnl_attr_put_strz((struct nlmsghdr *)genl->request,
			  CTRL_ATTR_FAMILY_NAME, family);
	return genl_send(genl, (struct nlmsghdr *)genl->request, read_family,
			 genl, NULL);
}

struct genl *genl_open(const char *family, uint8_t version, char **error)
{
	struct genl *genl = calloc(1, sizeof(*genl));
	int err;

	if (error)
		*error = NULL;
	if (!genl) {
		errno = ENOMEM;
		return NULL;
	}
	genl->version = version;
	err = -connect_family(genl, family);
	if (!err && genl->family)
		return genl;

	if (!err)
		err = ENOENT;
	if (error) {
		int ret = err == ENOENT ?
			asprintf(error, "the kernel module %s is not loaded; try: modprobe %s",
				 family, family) :
			asprintf(error, "cannot reach the kernel module %s: %s",
				 family, genl->error);
		if (ret < 0)
			*error = NULL;
	}
	genl_close(genl);
	errno = err;
	return NULL;
}

void genl_close(struct genl *genl)
{
	if (!genl)
		return;
	if (genl->nl)
		mnl_socket_close(genl->nl);
	free(genl);
}

int genl_subscribe(struct genl *genl, const char *group)
{
	int size = GENL_EVENT_BUFFER;

	for (size_t i = 0; i < genl->n_groups; i++) {
		if (strcmp(genl->groups[i].name, group))
			continue;
		if (setsockopt(genl_fd(genl), SOL_SOCKET, SO_RCVBUFFORCE, &size,
			       sizeof(size)))
			setsockopt(genl_fd(genl), SOL_SOCKET, SO_RCVBUF, &size,
				   sizeof(size));
		if (mnl_socket_setsockopt(genl->nl, NETLINK_ADD_MEMBERSHIP,
					  &genl->groups[i].id,
					  sizeof(genl->groups[i].id)) < 0)
			return genl_fail(genl, errno,
					 "cannot join the group %s: %s", group,
					 strerror(errno));
		return 0;
	}
	return genl_fail(genl, ENOENT, "the module has no group %s", group);
}

int genl_fd(const struct genl *genl)
{
	return mnl_socket_get_fd(genl->nl);
}

int genl_events(struct genl *genl,
		void (*event)(const struct nlmsghdr *nlh, void *ctx), void *ctx)
{
	int ret = 0;

	for (;;) {
		const struct nlmsghdr *nlh = (const void *)genl->receive;
		ssize_t received = receive(genl, MSG_DONTWAIT);
		int left = received;

		/*
		 * Read on after an overrun: the caller re-reads the tables
		 * after this, and must not be handed older events later.
		 */
		if (received == -ENOBUFS || received == -ENOSPC) {
			ret = -ENOBUFS;
			continue;
		}
		if (received == -EAGAIN)
			return ret;
		if (received < 0)
			return genl_fail(genl, -received,
					 "cannot read events: %s",
					 strerror(-received));
		for (; message_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
			if (nlh->nlmsg_type == genl->family)
				event(nlh, ctx);
	}
}
