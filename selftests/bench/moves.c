// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Move a host again and again, and tell how long each of its connections stood
 * still:
 *
 *	moves MOBILE CORRESPONDENT PERMANENT ADDRESS CAREOF MOVES CONNECTIONS AWAY
 *
 * The first two are network namespaces, with the addresses that programs use
 * there; CAREOF is where the host is now, on the link net1. On every connection
 * both ends send a message of 16 bytes each 20 ms.
 *
 * A move is a hard one: the link in use goes down and loses its address, for
 * AWAY milliseconds the host is nowhere, then another link gets an address and
 * a default route. AWAY is longer than a packet is on its way, so whatever
 * arrives afterwards took the new way, in both directions. The clock starts
 * just before the address is set; it is the one clock of all namespaces.
 *
 * Prints a line for each connection of each move: number of the move, of the
 * connection, and microseconds until its first byte arrived at the mobile host
 * and at the correspondent, -1 for a broken one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

#define PORT 7777
#define MS 1000000ull
#define INTERVAL (20 * MS)	/* between messages of one end */
#define SLOTS 4			/* the connections do not all send at once */
#define REST (100 * MS)		/* between two moves */
#define PATIENCE (120000 * MS)	/* then a connection is broken */
#define ADDRESSES 60		/* of a network, one after the other */
#define NETS 3

struct message {
	uint64_t number;
	uint64_t check;		/* its complement: nothing slipped */
};

/* One end of a connection. */
struct end {
	int fd;
	unsigned int connection;
	bool broken;
	uint64_t sent;		/* messages */
	uint64_t received;	/* bytes */
	struct message partial;
	uint64_t first;		/* when the first byte after the mark came */
};

static struct end *ends;	/* mobile host's and correspondent's in turns */
static uint32_t n_ends;
static int epoll, rtnl, rtnl_seq;

static void enter(const char *ns)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", ns);
	fd = open(path, O_RDONLY);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		err(1, "%s", ns);
	close(fd);
}

/* ---- the host's network ---- */

static void request(struct nlmsghdr *nlh)
{
	char buf[4096];
	ssize_t n;

	nlh->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = ++rtnl_seq;
	if (send(rtnl, nlh, nlh->nlmsg_len, 0) < 0)
		err(1, "rtnetlink");
	n = recv(rtnl, buf, sizeof(buf), 0);
	if (n < 0 || mnl_cb_run(buf, n, rtnl_seq, 0, NULL, NULL) < 0)
		err(1, "rtnetlink, message %u", nlh->nlmsg_type);
}

static void link_set(unsigned int index, bool up)
{
	char buf[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));

	nlh->nlmsg_type = RTM_NEWLINK;
	ifi->ifi_index = (int)index;
	ifi->ifi_change = IFF_UP;
	ifi->ifi_flags = up ? IFF_UP : 0;
	request(nlh);
}

static void address_set(unsigned int index, uint32_t address, bool there)
{
	char buf[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));

	nlh->nlmsg_type = there ? RTM_NEWADDR : RTM_DELADDR;
	nlh->nlmsg_flags = there ? NLM_F_CREATE | NLM_F_EXCL : 0;
	ifa->ifa_family = AF_INET;
	ifa->ifa_prefixlen = 26;
	ifa->ifa_index = index;
	mnl_attr_put_u32(nlh, IFA_LOCAL, htonl(address));
	mnl_attr_put_u32(nlh, IFA_ADDRESS, htonl(address));
	request(nlh);
}

static void default_route(unsigned int index, uint32_t gateway)
{
	char buf[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));

	nlh->nlmsg_type = RTM_NEWROUTE;
	nlh->nlmsg_flags = NLM_F_CREATE | NLM_F_REPLACE;
	rtm->rtm_family = AF_INET;
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_protocol = RTPROT_BOOT;
	rtm->rtm_type = RTN_UNICAST;
	mnl_attr_put_u32(nlh, RTA_GATEWAY, htonl(gateway));
	mnl_attr_put_u32(nlh, RTA_OIF, index);
	request(nlh);
}

static unsigned int link_index(unsigned int net)
{
	char name[IFNAMSIZ];
	unsigned int index;

	snprintf(name, sizeof(name), "net%u", net + 1);
	index = if_nametoindex(name);
	if (!index)
		err(1, "%s", name);
	return index;
}

/* Networks follow each other as 192.0.2.0/26 and so on; .1 is the router. */
static uint32_t net_address(unsigned int net)
{
	return load_address("192.0.2.0") + net * 64;
}

/* ---- connections ---- */

static void watch(struct end *end, int fd, unsigned int connection)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = end };
	int one = 1;

	end->fd = fd;
	end->connection = connection;
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		err(1, "connection");
}

static void connect_all(const char *mobile, const char *corr,
			const char *permanent, const char *address)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(PORT) };
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	int listener, fd;

	enter(corr);
	to.sin_addr.s_addr = htonl(load_address(address));
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&to, sizeof(to)) ||
	    listen(listener, 1024))
		err(1, "%s", address);
	enter(mobile);
	for (uint32_t i = 0; i < n_ends; i += 2) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)))
			err(1, "connect");
		watch(&ends[i], fd, i / 2);
		fd = accept(listener, (struct sockaddr *)&from, &len);
		if (fd < 0)
			err(1, "accept");
		if (ntohl(from.sin_addr.s_addr) != load_address(permanent))
			errx(1, "a connection from another address than %s",
			     permanent);
		watch(&ends[i + 1], fd, i / 2);
	}
	close(listener);
}

static void broken(struct end *end, const char *why)
{
	warnx("connection %u, %s: %s", end->connection,
	      (end - ends) % 2 ? "correspondent" : "mobile host", why);
	end->broken = true;
	epoll_ctl(epoll, EPOLL_CTL_DEL, end->fd, NULL);
}

static void say(struct end *end)
{
	struct message message = { end->sent, ~end->sent };
	ssize_t n = send(end->fd, &message, sizeof(message), MSG_NOSIGNAL);

	if (n == sizeof(message))
		end->sent++;
	else if (n < 0 && errno != EAGAIN)
		broken(end, strerror(errno));
	else if (n >= 0)
		broken(end, "half a message fits");
}

/* Every byte has its place in the sequence of messages. */
static bool take(struct end *end, const char *data, size_t n)
{
	size_t at;

	while (n--) {
		at = end->received % sizeof(struct message);
		((char *)&end->partial)[at] = *data++;
		if (++end->received % sizeof(struct message))
			continue;
		if (end->partial.number !=
			    end->received / sizeof(struct message) - 1 ||
		    end->partial.check != ~end->partial.number)
			return false;
	}
	return true;
}

static void hear(struct end *end)
{
	char data[4096];
	ssize_t n = recv(end->fd, data, sizeof(data), 0);
	uint64_t now = load_now();

	if (n == 0)
		broken(end, "closed");
	else if (n < 0 && errno != EAGAIN)
		broken(end, strerror(errno));
	else if (n > 0 && !take(end, data, (size_t)n))
		broken(end, "other data than was sent");
	else if (n > 0 && !end->first)
		end->first = now;
}

/* Lets all of them talk until @until, or until all heard something. */
static void talk(uint64_t until, bool all_heard)
{
	static uint64_t next;
	static uint32_t slot;
	struct epoll_event events[64];
	uint64_t now = load_now();
	bool waiting = true;
	int n;

	if (!next)
		next = now;
	while (waiting && now < until) {
		for (; next <= now; next += INTERVAL / SLOTS, slot++)
			for (uint32_t i = 0; i < n_ends; i++)
				if (i / 2 % SLOTS == slot % SLOTS &&
				    !ends[i].broken)
					say(&ends[i]);
		now = load_now();
		n = epoll_wait(epoll, events, 64, next <= now ? 0 :
			       (int)((next - now + MS - 1) / MS));
		for (int i = 0; i < n; i++)
			hear(events[i].data.ptr);
		now = load_now();
		if (!all_heard)
			continue;
		waiting = false;
		for (uint32_t i = 0; i < n_ends; i++)
			if (!ends[i].broken && !ends[i].first)
				waiting = true;
	}
}

static void report(uint32_t move, uint64_t mark)
{
	for (uint32_t i = 0; i < n_ends; i += 2) {
		printf("%u\t%u", move, i / 2);
		for (uint32_t j = i; j < i + 2; j++)
			if (ends[i].broken || ends[i + 1].broken ||
			    !ends[j].first)
				printf("\t-1");
			else
				printf("\t%.1f",
				       (double)(ends[j].first - mark) / 1000);
		printf("\n");
	}
}

int main(int argc, char **argv)
{
	uint32_t moves, net = 0, host, old;
	uint64_t mark, away;

	if (argc != 9)
		errx(2, "usage: moves MOBILE CORRESPONDENT PERMANENT ADDRESS CAREOF MOVES CONNECTIONS AWAY");
	old = load_address(argv[5]);
	moves = load_number(argv[6]);
	n_ends = 2 * load_number(argv[7]);
	away = load_number(argv[8]) * MS;
	ends = calloc(n_ends, sizeof(*ends));
	epoll = epoll_create1(0);
	if (!ends || epoll < 0)
		err(1, "start");
	connect_all(argv[1], argv[2], argv[3], argv[4]);
	rtnl = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	if (rtnl < 0)
		err(1, "rtnetlink");
	talk(load_now() + 10 * REST, false);

	for (uint32_t move = 1; move <= moves; move++) {
		link_set(link_index(net), false);
		address_set(link_index(net), old, false);
		net = (net + 1) % NETS;
		link_set(link_index(net), true);
		talk(load_now() + away, false);

		for (uint32_t i = 0; i < n_ends; i++)
			ends[i].first = 0;
		host = 3 + (move / NETS) % ADDRESSES;
		mark = load_now();
		address_set(link_index(net), net_address(net) + host, true);
		default_route(link_index(net), net_address(net) + 1);
		old = net_address(net) + host;
		talk(mark + PATIENCE, true);
		report(move, mark);
		talk(load_now() + REST, false);
	}
	return 0;
}
