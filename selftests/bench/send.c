// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Send datagrams from a socket and tell what one cost:
 *
 *	send ADDRESS N
 *
 * Prints nanoseconds for each of N connected UDP datagrams of 100 bytes to the
 * discard port: what the sender spends, down to the far end of a veth.
 */
#include <arpa/inet.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	static const char payload[100];
	uint64_t start;
	uint32_t n;
	int fd;

	if (argc != 3 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		errx(2, "usage: send ADDRESS N");
	n = load_number(argv[2]);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)))
		err(1, "%s", argv[1]);
	start = load_now();
	for (uint32_t i = 0; i < n; i++)
		if (send(fd, payload, sizeof(payload), 0) < 0)
			err(1, "send");
	printf("%.1f\n", (double)(load_now() - start) / n);
	close(fd);
	return 0;
}
