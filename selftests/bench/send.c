// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Send from a socket and tell what a packet cost:
 *
 *	send udp|tcp ADDRESS N
 *
 * Prints nanoseconds for each of N packets of 100 bytes to the discard port: what
 * the sender spends, down to the far end of a veth.
 *
 * The TCP stream has nobody at its other end: the socket is put into its state as
 * one is that is restored from a checkpoint (TCP_REPAIR). So nothing but segments
 * that leave is counted. The route needs an initial window of N.
 */
#include <arpa/inet.h>
#include <err.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

#define SIZE 100		/* bytes of payload */

static void set(int fd, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)))
		err(1, "socket option %d", option);
}

/* As if the other end had a window of @bytes. */
static void open_window(int fd, uint32_t bytes)
{
	struct tcp_repair_window window;
	socklen_t len = sizeof(window);

	if (getsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &window, &len))
		err(1, "window");
	window.snd_wnd = bytes;
	window.max_window = bytes;
	if (setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &window, len))
		err(1, "window");
}

static int open_udp(const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)to, sizeof(*to)))
		err(1, "connect");
	return fd;
}

static int open_tcp(const struct sockaddr_in *to, uint32_t n)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		err(1, "socket");
	set(fd, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_ON);
	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)))
		err(1, "connect");
	open_window(fd, n * SIZE * 2);
	set(fd, SOL_SOCKET, SO_SNDBUFFORCE, 1 << 30);
	set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set(fd, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_OFF_NO_WP);
	return fd;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	static const char payload[SIZE];
	uint64_t start, took;
	bool tcp;
	uint32_t n;
	int fd;

	if (argc != 4 || inet_pton(AF_INET, argv[2], &to.sin_addr) != 1)
		errx(2, "usage: send udp|tcp ADDRESS N");
	tcp = !strcmp(argv[1], "tcp");
	n = load_number(argv[3]);
	fd = tcp ? open_tcp(&to, n) : open_udp(&to);
	start = load_now();
	for (uint32_t i = 0; i < n; i++)
		if (send(fd, payload, sizeof(payload), 0) < 0)
			err(1, "send");
	took = load_now() - start;
	/* Nothing more leaves, not even the end of the connection. */
	if (tcp)
		set(fd, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_ON);
	close(fd);
	printf("%.1f\n", (double)took / n);
	return 0;
}
