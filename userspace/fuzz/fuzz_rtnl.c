// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any answer of the kernel about links, addresses, routes and rules: the client ends,
 * reads nothing behind a message, and asks the kernel for nothing that is too long.
 */
#include "fuzz.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <sanitizer/asan_interface.h>
#include <string.h>
#include <sys/socket.h>

static ssize_t kernel_takes(const struct mnl_socket *nl, const void *buf, size_t len);
static ssize_t kernel_gives(const struct mnl_socket *nl, void *buf, size_t room);

#define mnl_socket_sendto kernel_takes
#define mnl_socket_recvfrom kernel_gives
#include "rtnl/addr.h"
#include "rtnl/mirror.h"
#include "rtnl/route.h"
#include "rtnl/rule.h"
#include "rtnl/socket.c"
#undef mnl_socket_sendto
#undef mnl_socket_recvfrom

#include "rtnl/tcp.h"

/* Answers to one question: more would be a kernel that never ends. */
#define ANSWERS_MAX 64

static struct input input;
static struct rtnl client;
static unsigned int answers;

static ssize_t kernel_takes(const struct mnl_socket *nl, const void *buf, size_t len)
{
	(void)nl;
	(void)buf;
	check(len <= RTNL_REQUEST_LEN);
	answers = 0;
	return len;
}

/* A message: a byte for its type, one for its length, then as many of the input. */
static ssize_t kernel_gives(const struct mnl_socket *nl, void *buf, size_t room)
{
	static const uint16_t types[] = { RTM_NEWRULE, RTM_NEWROUTE, RTM_NEWADDR,
					  RTM_NEWLINK, RTM_NEWNEIGH, NLMSG_ERROR,
					  NLMSG_DONE, NLMSG_DONE };
	struct nlmsghdr *nlh = buf;
	uint8_t kind;
	size_t len, padded;

	(void)nl;
	ASAN_UNPOISON_MEMORY_REGION(buf, room);
	if (!input.left || ++answers > ANSWERS_MAX) {
		errno = EAGAIN;
		return -1;
	}
	kind = take(&input);
	len = take(&input) * (kind & 128 ? 8 : 1);
	if (len > input.left)
		len = input.left;
	memset(nlh, 0, sizeof(*nlh));
	nlh->nlmsg_len = NLMSG_LENGTH(len);
	nlh->nlmsg_type = types[kind % 8];
	nlh->nlmsg_flags = kind & 8 ? NLM_F_MULTI : 0;
	nlh->nlmsg_seq = client.seq;
	memcpy(NLMSG_DATA(nlh), input.p, len);
	input.p += len;
	input.left -= len;
	padded = NLMSG_ALIGN(nlh->nlmsg_len);
	ASAN_POISON_MEMORY_REGION((char *)buf + padded, room - padded);
	return nlh->nlmsg_len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct roam_addr a = { .b = { 1 } }, b = { .b = { 2 } }, src;
	struct rtnl_rule rule;
	unsigned int index;
	uint32_t last;
	int refused;

	input = (struct input){ data, size };
	memset(&client, 0, offsetof(struct rtnl, request));
	memset(&rule, 0, sizeof(rule));
	rule.family = AF_INET;
	rule.table = rule.priority = 7700;
	switch (take(&input) % 8) {
	case 0:
		rtnl_table_mirror(&client, 7700, &a, 3, &refused);
		break;
	case 1:
		rtnl_rules_keep(&client, AF_INET, &rule, 1);
		break;
	case 2:
		rtnl_rules_last(&client, AF_INET6, &last);
		check(last < RTNL_RULE_MAIN);
		break;
	case 3:
		rtnl_route_is_as_good(&client, &a, &b, 3);
		break;
	case 4:
		rtnl_route_get(&client, &a, &src, &index);
		break;
	case 5:
		rtnl_addr_elsewhere(&client, 3, &a);
		rtnl_addr_link(&client, &b);
		break;
	case 6:
		rtnl_tcp_withdraw(&client);
		break;
	default:
		rtnl_table_flush(&client, AF_INET6, 7700);
	}
	ASAN_UNPOISON_MEMORY_REGION(client.receive, sizeof(client.receive));
	return 0;
}
