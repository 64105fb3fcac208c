// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/standby.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/daemon.h"
#include "wire/hsrp.h"

#define AGAIN 250		/* ms between two questions */
#define PADDING 120		/* an answer with all extensions fits in */

bool standby_name_is_valid(const char *name)
{
	size_t len = strlen(name);

	if (!len || len > STANDBY_NAME_MAX)
		return false;
	for (const char *p = name; *p; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	return true;
}

static int open_socket(const char *link, char **error)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int ttl = STANDBY_TTL;
	struct ip_mreqn mreq = { 0 };

	if (fd < 0) {
		*error = daemon_error("cannot open a socket: %s", strerror(errno));
		return -1;
	}
	if (link) {
		mreq.imr_ifindex = if_nametoindex(link);
		if (!mreq.imr_ifindex) {
			*error = daemon_error("there is no link '%s'", link);
			close(fd);
			return -1;
		}
		setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &mreq, sizeof(mreq));
	}
	setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
	setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof(ttl));
	return fd;
}

/* True if the datagram is the answer to the question. */
static bool read_answer(int fd, const struct hsrp_msg *query,
			const struct auth_key *key,
			struct standby_answer *answer)
{
	uint8_t buf[HSRP_MAX_LEN + 1];
	ssize_t len = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	struct hsrp_msg msg;
	size_t covered;

	if (len < 0 ||
	    hsrp_decode(HSRP_OWN, buf, len, &msg, &covered) != HSRP_DROP_NONE ||
	    msg.op != HSRP_ANSWER || msg.nonce != query->nonce ||
	    strcmp(msg.name, query->name))
		return false;
	if (key && (msg.key_id != query->key_id ||
		    !auth_verify(key, buf, covered, buf + covered,
				 STANDBY_AUTH_LEN)))
		return false;
	*answer = (struct standby_answer){
		.vip = msg.vip, .active = msg.active, .standby = msg.standby,
		.group = msg.group, .priority = msg.priority,
		.hello = msg.hello, .hold = msg.hold,
	};
	return true;
}

char *standby_query(const char *name, const char *link,
		    const struct auth_key *key, msec_t timeout,
		    struct standby_answer *answer)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(STANDBY_PORT),
		.sin_addr.s_addr = htonl(INADDR_ALLRTRS_GROUP),
	};
	struct hsrp_msg query = {
		.op = HSRP_QUERY, .nonce = daemon_random(), .padding = PADDING,
		.key_id = key ? auth_key_id(key) : 0,
	};
	msec_t now = daemon_now(), end = now + timeout, next = now;
	uint8_t buf[HSRP_MAX_LEN];
	char *error = NULL;
	size_t len;
	int fd;

	if (!standby_name_is_valid(name))
		return daemon_error("'%s' is no name of a group", name);
	strcpy(query.name, name);
	len = hsrp_encode(HSRP_OWN, &query, buf);
	if (key) {
		auth_sign(key, buf, len, buf + len, STANDBY_AUTH_LEN);
		len += STANDBY_AUTH_LEN;
	}
	fd = open_socket(link, &error);
	if (fd < 0)
		return error;
	while (now < end) {
		struct pollfd pfd = { .fd = fd, .events = POLLIN };

		if (now >= next) {
			if (sendto(fd, buf, len, 0, (struct sockaddr *)&to,
				   sizeof(to)) < 0) {
				error = daemon_error("cannot ask: %s%s",
						     strerror(errno),
						     link ? "" : "; name a link");
				break;
			}
			next = now + AGAIN;
		}
		poll(&pfd, 1, min_time(next, end) - now);
		if (pfd.revents && read_answer(fd, &query, key, answer))
			break;
		now = daemon_now();
	}
	close(fd);
	if (!error && now >= end)
		error = daemon_error("no router answers for a group '%s'", name);
	return error;
}
