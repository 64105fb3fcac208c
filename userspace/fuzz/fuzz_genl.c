// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any answer of the kernel, and any event: the client ends, reads nothing behind a
 * message, and hands on only what can be true of a mapping, a correspondent, a
 * prefix or the settings.
 */
#include "fuzz.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <sanitizer/asan_interface.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

static ssize_t kernel_takes(const struct mnl_socket *nl, const void *buf,
			    size_t len);
static ssize_t kernel_gives(int fd, struct msghdr *msg, int flags);

static int no_socket(const struct mnl_socket *nl);

#define mnl_socket_sendto kernel_takes
#define mnl_socket_get_fd no_socket
#define recvmsg kernel_gives
#include "genl/genl.c"
#undef mnl_socket_sendto
#undef mnl_socket_get_fd
#undef recvmsg

#include "genl/mangle.h"

#define FAMILY 42

static struct input input;
static struct genl genl;

static int no_socket(const struct mnl_socket *nl)
{
	(void)nl;
	return -1;
}

static ssize_t kernel_takes(const struct mnl_socket *nl, const void *buf,
			    size_t len)
{
	(void)nl;
	(void)buf;
	return len;
}

/*
 * A message: a byte for type and flags, one for its length, then as many of the
 * input. It answers the last request.
 */
static size_t take_message(char *buf)
{
	static const uint16_t types[] = { FAMILY, NLMSG_ERROR, NLMSG_DONE,
					  GENL_ID_CTRL };
	struct nlmsghdr *nlh = (void *)buf;
	uint8_t kind = take(&input);
	size_t len = take(&input);

	if (len > input.left)
		len = input.left;
	nlh->nlmsg_len = NLMSG_LENGTH(len);
	nlh->nlmsg_type = types[kind % 4];
	nlh->nlmsg_flags = (kind & 4 ? NLM_F_DUMP_INTR : 0) |
			   (kind & 8 ? NLM_F_ACK_TLVS : 0) |
			   (kind & 16 ? NLM_F_CAPPED : 0);
	nlh->nlmsg_seq = genl.seq;
	nlh->nlmsg_pid = 0;
	memcpy(NLMSG_DATA(nlh), input.p, len);
	input.p += len;
	input.left -= len;
	return nlh->nlmsg_len;
}

/* The same, with a header of the input's own. */
static size_t take_raw(char *buf)
{
	size_t len = take(&input) & 127;

	if (len > input.left)
		len = input.left;
	memcpy(buf, input.p, len);
	input.p += len;
	input.left -= len;
	return len;
}

static ssize_t kernel_gives(int fd, struct msghdr *msg, int flags)
{
	struct sockaddr_nl *from = msg->msg_name;
	char *buf = msg->msg_iov->iov_base;
	size_t room = msg->msg_iov->iov_len, len, padded;

	(void)fd;
	(void)flags;
	ASAN_UNPOISON_MEMORY_REGION(buf, room);
	if (!input.left) {
		errno = EAGAIN;
		return -1;
	}
	memset(from, 0, sizeof(*from));
	len = *input.p & 128 ? take_raw(buf) : take_message(buf);
	/* Messages are padded, and attributes may stand in that. */
	padded = NLMSG_ALIGN(len);
	ASAN_POISON_MEMORY_REGION(buf + padded, room - padded);
	return len;
}

/* ---- what is handed on ---- */

static void see_mapping(void *ctx, const struct mangle_mapping *m)
{
	(void)ctx;
	check(!roam_addr_is_none(&m->perm));
}

static void see_peer(void *ctx, const struct mangle_peer *p)
{
	(void)ctx;
	check(!roam_addr_is_none(&p->addr));
}

static void see_range(void *ctx, const struct roam_prefix *r)
{
	char text[ROAM_PREFIX_STRLEN];

	(void)ctx;
	check(r->len <= 128);
	check(!roam_addr_is_v4(&r->addr) || r->len >= 96);
	check(strlen(roam_prefix_format(r, text)) < sizeof(text));
}

static void see_config(const struct mangle_config *c)
{
	check(c->n_protocols <= sizeof(c->protocols));
	check(c->exempt.n_ports <= MANGLE_EXEMPT_PORTS);
	check(c->exempt.n_cgroups <= MANGLE_EXEMPT_CGROUPS);
	check(c->exempt.n_ranges <= MANGLE_EXEMPT_RANGES);
	for (size_t i = 0; i < c->exempt.n_ranges; i++)
		see_range(NULL, &c->exempt.ranges[i]);
}

static void see_counter(void *ctx, const char *name, uint64_t value)
{
	(void)value;
	check(*name);
	++*(unsigned int *)ctx;
}

static void see_event(const struct nlmsghdr *nlh, void *ctx)
{
	struct mangle_event event;

	if (!mangle_event_decode(nlh, &event))
		return;
	if (event.cmd == ROAM_MANGLE_CMD_MAPPING_NTF)
		see_mapping(ctx, &event.mapping);
	else
		see_peer(ctx, &event.peer);
}

static int ask(uint8_t what)
{
	struct mangle_mapping mapping = { 0 };
	struct roam_addr addr = { .b = { 1 } };
	struct mangle_config config;
	unsigned int counters = 0;
	size_t applied;
	int ret;

	switch (what % 8) {
	case 0:
		return genl_events(&genl, see_event, NULL);
	case 1:
		return mangle_mapping_dump(&genl, see_mapping, NULL, NULL);
	case 2:
		return mangle_peer_dump(&genl, see_peer, NULL, NULL);
	case 3:
		return mangle_range_get(&genl, see_range, NULL);
	case 4:
		ret = mangle_config_get(&genl, &config);
		if (!ret)
			see_config(&config);
		return ret;
	case 5:
		return mangle_stats_get(&genl, see_counter, &counters);
	case 6:
		return mangle_mapping_get(&genl, &addr, &mapping);
	default:
		return mangle_mapping_set(&genl, &mapping, 1, MANGLE_SET_ANY,
					  &applied);
	}
}

/* How the family is found, and then a question or events. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t what;
	int ret;

	input = (struct input){ data, size };
	memset(&genl, 0, offsetof(struct genl, request));
	what = take(&input);
	if (what & 8) {
		start_request(&genl, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1,
			      NLM_F_ACK);
		genl_send(&genl, (struct nlmsghdr *)genl.request, read_family,
			  &genl, NULL);
	}
	check(genl.n_groups <= GENL_GROUPS);
	genl.family = FAMILY;
	ret = ask(what);
	check(ret <= 0);
	check(strlen(genl_error(&genl)) < sizeof(genl.error));
	ASAN_UNPOISON_MEMORY_REGION(genl.receive, sizeof(genl.receive));
	return 0;
}
