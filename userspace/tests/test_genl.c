// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The netlink client against a kernel played by this file: requests are taken
 * from the client's sendto, answers given to its recvmsg.
 */
#include "core_test.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <stdio.h>
#include <sys/socket.h>

static ssize_t kernel_takes(const struct mnl_socket *nl, const void *buf,
			    size_t len);
static ssize_t kernel_gives(int fd, struct msghdr *msg, int flags);

#define mnl_socket_sendto kernel_takes
#define recvmsg kernel_gives
#include "genl/genl.c"
#undef mnl_socket_sendto
#undef recvmsg

#include "genl/mangle.h"

#define FAMILY 42
#define ANSWERS 8

/**
 * struct fake - the kernel
 * @requests: requests taken
 * @entries: mappings in them
 * @longest: bytes of the longest request
 * @refuse_at: index of the mapping that is refused, over all requests
 * @interrupt: dumps still to be marked as interrupted
 * @events: calls that find an event, then ENOBUFS, then nothing
 * @answers: datagrams to give
 * @n_answers: how many wait
 * @given: how many were given
 */
static struct fake {
	unsigned int requests;
	size_t entries;
	size_t longest;
	size_t refuse_at;
	int interrupt;
	int events;
	struct {
		char data[1024] __attribute__((aligned(8)));
		size_t len;
		uint32_t pid;
	} answers[ANSWERS];
	size_t n_answers;
	size_t given;
} fake;

static struct nlmsghdr *answer(uint32_t seq, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh;

	assert_true(fake.n_answers < ANSWERS);
	nlh = mnl_nlmsg_put_header(fake.answers[fake.n_answers].data);
	fake.answers[fake.n_answers++].pid = 0;
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = flags;
	nlh->nlmsg_seq = seq;
	return nlh;
}

static struct nlmsghdr *reply(uint32_t seq, uint16_t flags)
{
	struct nlmsghdr *nlh = answer(seq, FAMILY, flags);

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct genlmsghdr));
	return nlh;
}

static void error(uint32_t seq, int err, const char *text)
{
	struct nlmsghdr *nlh = answer(seq, NLMSG_ERROR, NLM_F_CAPPED |
				      (text ? NLM_F_ACK_TLVS : 0));
	struct nlmsgerr *e = mnl_nlmsg_put_extra_header(nlh, sizeof(*e));

	e->error = -err;
	if (text) {
		mnl_attr_put_strz(nlh, NLMSGERR_ATTR_MSG, text);
		mnl_attr_put_u32(nlh, NLMSGERR_ATTR_OFFS,
				 NLMSG_HDRLEN + sizeof(struct genlmsghdr));
	}
}

static void put_reply_mapping(struct nlmsghdr *nlh, uint32_t host)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh,
						  ROAM_MANGLE_A_MAIN_MAPPING);

	mnl_attr_put_u32(nlh, ROAM_MANGLE_A_MAPPING_PERM4, htonl(host));
	mnl_attr_put_u64(nlh, ROAM_MANGLE_A_MAPPING_SEQ, host);
	mnl_attr_nest_end(nlh, nest);
}

static void dump(uint32_t seq)
{
	uint16_t flags = NLM_F_MULTI;
	struct nlmsghdr *nlh;

	if (fake.interrupt) {
		fake.interrupt--;
		flags |= NLM_F_DUMP_INTR;
	}
	/* Another process says something: it must be skipped. */
	nlh = reply(seq, NLM_F_MULTI);
	put_reply_mapping(nlh, 99);
	fake.answers[fake.n_answers - 1].pid = 4711;
	nlh = reply(seq, NLM_F_MULTI);
	put_reply_mapping(nlh, 1);
	put_reply_mapping(nlh, 2);
	nlh = reply(seq, NLM_F_MULTI);
	put_reply_mapping(nlh, 3);
	nlh = answer(seq, NLMSG_DONE, flags);
	memset(mnl_nlmsg_put_extra_header(nlh, sizeof(int)), 0, sizeof(int));
}

static ssize_t kernel_takes(const struct mnl_socket *nl, const void *buf,
			    size_t len)
{
	const struct nlmsghdr *nlh = buf;
	const struct nlattr *attr;
	uint32_t applied = 0;
	bool refused = false, exclusive = false;

	(void)nl;
	assert_int_equal(nlh->nlmsg_len, len);
	fake.requests++;
	fake.n_answers = 0;
	fake.given = 0;
	if (len > fake.longest)
		fake.longest = len;
	if (nlh->nlmsg_flags & NLM_F_DUMP) {
		dump(nlh->nlmsg_seq);
		return len;
	}
	assert_true(nlh->nlmsg_flags & NLM_F_ACK);
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) == ROAM_MANGLE_A_MAIN_EXCLUSIVE) {
			exclusive = true;
			continue;
		}
		assert_int_equal(mnl_attr_get_type(attr),
				 ROAM_MANGLE_A_MAIN_MAPPING);
		if (fake.entries++ == fake.refuse_at) {
			refused = true;
			break;
		}
		applied++;
	}
	/* What holds for the first message holds for all. */
	assert_true(exclusive);
	mnl_attr_put_u32(reply(nlh->nlmsg_seq, 0), ROAM_MANGLE_A_MAIN_APPLIED,
			 applied);
	error(nlh->nlmsg_seq, refused ? EEXIST : 0,
	      refused ? "such a mapping exists" : NULL);
	return len;
}

static ssize_t kernel_gives(int fd, struct msghdr *msg, int flags)
{
	struct sockaddr_nl *from = msg->msg_name;
	const struct nlmsghdr *nlh;

	(void)fd;
	if (fake.events) {
		assert_true(flags & MSG_DONTWAIT);
		if (--fake.events == 1) {
			errno = ENOBUFS;
			return -1;
		}
	}
	if (fake.given == fake.n_answers) {
		errno = EAGAIN;
		return -1;
	}
	nlh = (void *)fake.answers[fake.given].data;
	memset(from, 0, sizeof(*from));
	from->nl_pid = fake.answers[fake.given++].pid;
	memcpy(msg->msg_iov->iov_base, nlh, nlh->nlmsg_len);
	return nlh->nlmsg_len;
}

static struct genl client;

static int setup(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	fake.refuse_at = SIZE_MAX;
	memset(&client, 0, sizeof(client));
	client.family = FAMILY;
	client.version = 1;
	client.nl = mnl_socket_open(NETLINK_GENERIC);
	return client.nl ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return mnl_socket_close(client.nl);
}

static struct mangle_mapping *make_mappings(size_t n)
{
	struct mangle_mapping *list = calloc(n, sizeof(*list));

	for (size_t i = 0; i < n; i++) {
		list[i].perm = roam_addr_from_in((struct in_addr){
			htonl(0x0a000000 + i + 1) });
		list[i].coa = addr("192.0.2.9");
		list[i].lifetime = 300000;
	}
	return list;
}

static void bulk_fills_messages(void **state)
{
	struct mangle_mapping *list = make_mappings(5000);
	size_t applied;

	(void)state;
	assert_int_equal(mangle_mapping_set(&client, list, 5000, MANGLE_SET_NEW,
					    &applied), 0);
	assert_int_equal(applied, 5000);
	assert_int_equal(fake.entries, 5000);
	/* 48 bytes and more for each: a few requests, none above 64 KiB. */
	assert_in_range(fake.requests, 3, 8);
	assert_in_range(fake.longest, 32 * 1024, 64 * 1024);
	free(list);
}

static void refused_entry_is_found(void **state)
{
	struct mangle_mapping *list = make_mappings(5000);
	size_t applied;

	(void)state;
	fake.refuse_at = 3000;
	assert_int_equal(mangle_mapping_set(&client, list, 5000, MANGLE_SET_NEW,
					    &applied), -EEXIST);
	assert_int_equal(applied, 3000);
	assert_non_null(strstr(genl_error(&client),
			       "such a mapping exists (attribute "));
	free(list);
}

/* OPEN-01: an event with IPv6 addresses gives what was put into it. */
static void both_families_are_understood(void **state)
{
	struct mangle_event event;
	struct nlmsghdr *nlh = reply(0, 0);
	struct roam_addr perm = addr("2001:db8::1");
	struct nlattr *nest;

	(void)state;
	((struct genlmsghdr *)mnl_nlmsg_get_payload(nlh))->cmd =
		ROAM_MANGLE_CMD_MAPPING_NTF;
	nest = mnl_attr_nest_start(nlh, ROAM_MANGLE_A_MAIN_MAPPING);
	mnl_attr_put(nlh, ROAM_MANGLE_A_MAPPING_PERM6, sizeof(perm.b), perm.b);
	mnl_attr_put_u32(nlh, ROAM_MANGLE_A_MAPPING_COA4, htonl(0xc0000209));
	mnl_attr_put_u8(nlh, ROAM_MANGLE_A_MAPPING_MODE,
			ROAM_MANGLE_MODE_LITERAL);
	mnl_attr_nest_end(nlh, nest);
	assert_true(mangle_event_decode(nlh, &event));
	assert_true(roam_addr_eq(&event.mapping.perm, &perm));
	perm = addr("192.0.2.9");
	assert_true(roam_addr_eq(&event.mapping.coa, &perm));
	assert_int_equal(event.mapping.mode, ROAM_MANGLE_MODE_LITERAL);
}

/* An address of another length than its kind has is none. */
static void short_address_is_none(void **state)
{
	struct mangle_event event;
	struct nlmsghdr *nlh = reply(0, 0);
	struct nlattr *nest;

	(void)state;
	((struct genlmsghdr *)mnl_nlmsg_get_payload(nlh))->cmd =
		ROAM_MANGLE_CMD_MAPPING_NTF;
	nest = mnl_attr_nest_start(nlh, ROAM_MANGLE_A_MAIN_MAPPING);
	mnl_attr_put(nlh, ROAM_MANGLE_A_MAPPING_PERM6, 15, "123456789012345");
	mnl_attr_nest_end(nlh, nest);
	assert_false(mangle_event_decode(nlh, &event));
}

static void nothing_to_set_asks_nobody(void **state)
{
	size_t applied = 7;

	(void)state;
	assert_int_equal(mangle_mapping_set(&client, NULL, 0, MANGLE_SET_ANY,
					    &applied), 0);
	assert_int_equal(applied, 0);
	assert_int_equal(fake.requests, 0);
}

static void add_up(void *ctx, const struct mangle_mapping *m)
{
	*(uint64_t *)ctx += m->seq;
}

static void interrupted_dump_is_repeated(void **state)
{
	bool interrupted = true;
	uint64_t sum = 0;

	(void)state;
	fake.interrupt = 2;
	assert_int_equal(mangle_mapping_dump(&client, add_up, &sum,
					     &interrupted), 0);
	assert_int_equal(fake.requests, 3);
	assert_false(interrupted);
	/* Each entry once, and nothing of the other process. */
	assert_int_equal(sum, 1 + 2 + 3);
}

static void restless_table_is_handed_out_and_marked(void **state)
{
	bool interrupted = false;
	uint64_t sum = 0;

	(void)state;
	fake.interrupt = 100;
	assert_int_equal(mangle_mapping_dump(&client, add_up, &sum,
					     &interrupted), 0);
	assert_int_equal(fake.requests, 3);
	assert_true(interrupted);
	assert_int_equal(sum, 1 + 2 + 3);
}

static void on_event(const struct nlmsghdr *nlh, void *ctx)
{
	struct mangle_event event;

	if (mangle_event_decode(nlh, &event))
		(*(int *)ctx)++;
}

static void overrun_is_told_after_the_rest(void **state)
{
	struct nlmsghdr *nlh;
	int events = 0;

	(void)state;
	nlh = reply(0, 0);
	((struct genlmsghdr *)mnl_nlmsg_get_payload(nlh))->cmd =
		ROAM_MANGLE_CMD_MAPPING_NTF;
	put_reply_mapping(nlh, 1);
	fake.events = 3;
	fake.n_answers = 1;
	/* One event, then ENOBUFS, then the queue is empty. */
	assert_int_equal(genl_events(&client, on_event, &events), -ENOBUFS);
	assert_int_equal(events, 1);
	assert_int_equal(genl_events(&client, on_event, &events), 0);
}

static void odd_events_are_refused(void **state)
{
	struct mangle_event event;
	struct nlmsghdr *nlh;

	(void)state;
	nlh = answer(0, FAMILY, 0);
	assert_false(mangle_event_decode(nlh, &event));
	nlh = reply(0, 0);
	((struct genlmsghdr *)mnl_nlmsg_get_payload(nlh))->cmd =
		ROAM_MANGLE_CMD_MAPPING_NTF;
	assert_false(mangle_event_decode(nlh, &event));
	mnl_attr_put_u32(nlh, ROAM_MANGLE_A_MAIN_MAPPING, 7);
	assert_false(mangle_event_decode(nlh, &event));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bulk_fills_messages),
		TEST(refused_entry_is_found),
		TEST(both_families_are_understood),
		TEST(short_address_is_none),
		TEST(nothing_to_set_asks_nobody),
		TEST(interrupted_dump_is_repeated),
		TEST(restless_table_is_handed_out_and_marked),
		TEST(overrun_is_told_after_the_rest),
		TEST(odd_events_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
