// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Asks osmo-hlr where subscribers are, over its control interface (IPA framing,
 * "GET ... subscriber.by-imsi-IMSI.info"): connections with one request
 * outstanding each. Every reply must name the subscriber and its location.
 *
 *   osmo [--port 4259] [--clients 50] [--addresses 1000] [--seconds 3]
 *
 * Subscriber N has IMSI 90170N (ten digits) and VLR number N, see run.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../load.h"

#define CLIENTS_MAX 250
#define IPA_OSMO 0xee
#define IPA_CTRL 0x00

/**
 * struct client - one connection
 * @fd: its socket
 * @number: subscriber asked for, 0 when nothing is outstanding
 * @id: of the request
 */
struct client {
	int fd;
	unsigned int number;
	unsigned int id;
};

static struct client clients[CLIENTS_MAX];
static unsigned int n_clients = 50, port = 4259, addresses = 1000;
static unsigned long long replies, state = 88172645463325252;
static double seconds = 3;

static void die(const char *what)
{
	fprintf(stderr, "osmo: %s\n", what);
	exit(1);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void ask(struct client *c)
{
	unsigned char buf[128] = { 0, 0, IPA_OSMO, IPA_CTRL };
	int len;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	c->number = 1 + state % addresses;
	c->id++;
	len = snprintf((char *)buf + 4, sizeof(buf) - 4,
		       "GET %u subscriber.by-imsi-90170%010u.info",
		       c->id, c->number) + 1;
	buf[0] = len >> 8;
	buf[1] = len;
	if (write(c->fd, buf, 3 + len) != 3 + len)
		die("a short write");
}

static void check(struct client *c)
{
	char buf[2048], want[128];
	ssize_t len = read(c->fd, buf, sizeof(buf) - 1);

	if (len < 5 || len != 3 + ((buf[0] & 255) << 8 | (buf[1] & 255)))
		die("not exactly one message");
	buf[len] = 0;
	snprintf(want, sizeof(want),
		 "GET_REPLY %u subscriber.by-imsi-90170%010u.info", c->id,
		 c->number);
	if (strncmp(buf + 4, want, strlen(want)))
		die("a reply to another request");
	snprintf(want, sizeof(want), "\nvlr_number\t%u\n", c->number);
	if (!strstr(buf + 4, want))
		die("a wrong location");
	c->number = 0;
	replies++;
}

static void open_client(struct client *c, int epoll)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };
	int on = 1;

	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)))
		die(strerror(errno));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "port", required_argument, NULL, 'p' },
		{ "clients", required_argument, NULL, 'c' },
		{ "addresses", required_argument, NULL, 'a' },
		{ "seconds", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	struct epoll_event events[CLIENTS_MAX];
	int epoll = epoll_create1(0), opt;
	double start, end;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (opt == 'p')
			port = load_number(optarg);
		else if (opt == 'c')
			n_clients = load_number(optarg);
		else if (opt == 'a')
			addresses = load_number(optarg);
		else if (opt == 's')
			seconds = atof(optarg);
		else
			return 2;
	}
	if (!n_clients || n_clients > CLIENTS_MAX || !addresses)
		die("usage: see the head of osmo.c");
	for (unsigned int i = 0; i < n_clients; i++)
		open_client(&clients[i], epoll);
	start = now();
	end = start + seconds;
	for (unsigned int i = 0; i < n_clients; i++)
		ask(&clients[i]);
	while (now() < end) {
		int n = epoll_wait(epoll, events, CLIENTS_MAX, 10000);

		if (!n)
			die("no reply for ten seconds");
		for (int i = 0; i < n; i++) {
			check(events[i].data.ptr);
			ask(events[i].data.ptr);
		}
	}
	printf("{\"seconds\": %.3f, \"replies\": %llu, \"rate\": %.1f}\n",
	       now() - start, replies, replies / (now() - start));
	return 0;
}
