// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <netinet/if_ether.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "io/daemon.h"
#include "io/log.h"
#include "standbyd/standby.h"

#define BATCH 32
#define ROUNDS 16		/* batches of a socket in one turn */
#define CONTROL_CLASS 6		/* SO_PRIORITY: in front of what waits */
#define TOS_CONTROL 0xc0

uint16_t net_port(uint8_t form)
{
	return form == HSRP_OWN ? STANDBY_PORT : HSRP_PORT;
}

/* STBY-22; version 2 has a group of its own. */
struct roam_addr net_group_addr(uint8_t form)
{
	struct in_addr in = { htonl(form == HSRP_V2 ? 0xe0000066 :
						      INADDR_ALLRTRS_GROUP) };

	return roam_addr_from_in(in);
}

static void on_readable(uv_poll_t *poll, int status, int events);

static int set_options(int fd, const struct link *link, uint8_t form)
{
	struct sockaddr_in any = {
		.sin_family = AF_INET, .sin_port = htons(net_port(form)),
	};
	struct roam_addr group = net_group_addr(form);
	struct ip_mreqn mreq = {
		.imr_multiaddr = roam_addr_to_in(&group),
		.imr_ifindex = (int)link->index,
	};
	int on = 1, off = 0, ttl = form == HSRP_OWN ? STANDBY_TTL : 1;
	int class = CONTROL_CLASS, tos = TOS_CONTROL;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, link->name,
		       strlen(link->name)) ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) ||
	    setsockopt(fd, IPPROTO_IP, IP_RECVTTL, &on, sizeof(on)) ||
	    setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl)) ||
	    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof(ttl)) ||
	    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &off, sizeof(off)) ||
	    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_ALL, &off, sizeof(off)) ||
	    setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos)) ||
	    setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &class, sizeof(class)) ||
	    bind(fd, (struct sockaddr *)&any, sizeof(any)) ||
	    setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mreq, sizeof(mreq)))
		return -1;
	return 0;
}

char *net_open(struct link *link, uint8_t form)
{
	struct net_socket *s = link->sockets[form];
	int fd;

	if (s)
		return NULL;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || set_options(fd, link, form)) {
		char *error = daemon_error("cannot listen on link %s, port %u: %s",
					   link->name, net_port(form),
					   strerror(errno));

		if (fd >= 0)
			close(fd);
		return error;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		abort();
	s->fd = fd;
	s->link = link;
	s->form = form;
	link->sockets[form] = s;
	uv_poll_init(link->d->loop, &s->poll, fd);
	s->poll.data = s;
	uv_poll_start(&s->poll, UV_READABLE, on_readable);
	return NULL;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void net_close(struct link *link)
{
	for (int form = 0; form < FORMS; form++) {
		struct net_socket *s = link->sockets[form];

		if (!s)
			continue;
		uv_poll_stop(&s->poll);
		close(s->fd);
		uv_close((uv_handle_t *)&s->poll, on_closed);
		link->sockets[form] = NULL;
	}
}

/*
 * When the kernel received it, by our clock. A wall clock that was set in
 * between makes a message older than it is, or no older than now.
 */
static msec_t received_at(const struct timespec *stamp, msec_t now)
{
	int64_t age = (int64_t)(daemon_wallclock() / 1000) -
		      ((int64_t)stamp->tv_sec * 1000000 + stamp->tv_nsec / 1000);

	return age > 0 ? now - age / 1000 : now;
}

static void receive(struct net_socket *s, struct msghdr *msg, size_t len)
{
	const struct sockaddr_in *from = msg->msg_name;
	struct roam_addr addr = roam_addr_from_in(from->sin_addr);
	msec_t heard = daemon_now();
	int ttl = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c;
	     c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) {
			memcpy(&ttl, CMSG_DATA(c), sizeof(ttl));
		} else if (c->cmsg_level == SOL_SOCKET &&
			   c->cmsg_type == SCM_TIMESTAMPNS) {
			struct timespec stamp;

			memcpy(&stamp, CMSG_DATA(c), sizeof(stamp));
			heard = received_at(&stamp, heard);
		}
	}
	group_receive(s->link, s->form, &addr, ntohs(from->sin_port), ttl,
		      heard, msg->msg_iov->iov_base, len);
}

static void drain(struct net_socket *s)
{
	static uint8_t data[BATCH][HSRP_MAX_LEN + 1];
	union {
		char b[CMSG_SPACE(sizeof(int)) +
		       CMSG_SPACE(sizeof(struct timespec))];
		struct cmsghdr align;
	} control[BATCH];
	struct sockaddr_in from[BATCH];
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
	struct link *link = s->link;
	uint8_t form = s->form;

	for (int round = 0; round < ROUNDS; round++) {
		int n;

		memset(msgs, 0, sizeof(msgs));
		for (int i = 0; i < BATCH; i++) {
			iov[i] = (struct iovec){ data[i], sizeof(data[i]) };
			msgs[i].msg_hdr = (struct msghdr){
				.msg_name = &from[i],
				.msg_namelen = sizeof(from[i]),
				.msg_iov = &iov[i], .msg_iovlen = 1,
				.msg_control = &control[i],
				.msg_controllen = sizeof(control[i]),
			};
		}
		n = recvmmsg(s->fd, msgs, BATCH, MSG_DONTWAIT, NULL);
		if (n <= 0)
			return;
		for (int i = 0; i < n; i++) {
			receive(s, &msgs[i].msg_hdr, msgs[i].msg_len);
			/* What it said may have closed the link. */
			if (link->sockets[form] != s)
				return;
		}
		if (n < BATCH)
			return;
	}
}

void net_drain(struct standbyd *d)
{
	for (size_t i = 0; i < d->n_links; i++)
		for (int form = 0; form < FORMS; form++)
			if (d->links[i]->sockets[form])
				drain(d->links[i]->sockets[form]);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct net_socket *s = poll->data;

	(void)events;
	/* An error of the socket ends the watch over it, and is over once it is read. */
	if (status < 0)
		uv_poll_start(poll, UV_READABLE, on_readable);
	groups_run(s->link->d);
}

void net_send(struct group *group, const struct roam_addr *to, uint16_t port,
	      bool virtual, const uint8_t *data, size_t len)
{
	const struct link *link = group->link;
	const struct net_socket *s = link->sockets[group->config->form];
	struct roam_addr all = net_group_addr(group->config->form);
	struct sockaddr_in dst = {
		.sin_family = AF_INET, .sin_port = htons(port),
		.sin_addr = roam_addr_to_in(roam_addr_is_none(to) ? &all : to),
	};
	union {
		char b[CMSG_SPACE(sizeof(struct in_pktinfo))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { (void *)data, len };
	struct msghdr msg = {
		.msg_name = &dst, .msg_namelen = sizeof(dst), .msg_iov = &iov,
		.msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	struct in_pktinfo info = {
		.ipi_ifindex = (int)(virtual && group->device_index ?
				     group->device_index : link->index),
		.ipi_spec_dst = roam_addr_to_in(&group->e.config.addr),
	};

	if (!s)
		return;
	c->cmsg_level = IPPROTO_IP;
	c->cmsg_type = IP_PKTINFO;
	c->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(c), &info, sizeof(info));
	if (sendmsg(s->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug("group=%s not sent: %s", group->config->name,
			  strerror(errno));
}

/*
 * Open for good: the kernel waits for a grace period when one is closed, for longer
 * than a holdtime may be.
 */
char *net_open_announcer(struct standbyd *d)
{
	d->packet_fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC |
			      SOCK_NONBLOCK, 0);
	return d->packet_fd < 0 ?
	       daemon_error("no packet socket for gratuitous ARP: %s; run it as root or with CAP_NET_RAW",
			    strerror(errno)) : NULL;
}

bool net_announce(const struct standbyd *d, unsigned int index,
		  const uint8_t mac[6], const struct roam_addr *vip)
{
	struct {
		struct ether_header eth;
		struct ether_arp arp;
	} __attribute__((packed)) frame = {
		.eth.ether_type = htons(ETHERTYPE_ARP),
		.arp.ea_hdr = {
			.ar_hrd = htons(ARPHRD_ETHER),
			.ar_pro = htons(ETHERTYPE_IP), .ar_hln = 6, .ar_pln = 4,
			.ar_op = htons(ARPOP_REQUEST),
		},
	};
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_ifindex = (int)index,
		.sll_halen = 6,
	};
	bool sent;

	memset(to.sll_addr, 0xff, 6);
	memset(frame.eth.ether_dhost, 0xff, 6);
	memcpy(frame.eth.ether_shost, mac, 6);
	memcpy(frame.arp.arp_sha, mac, 6);
	memcpy(frame.arp.arp_spa, vip->b + 12, 4);
	memcpy(frame.arp.arp_tpa, vip->b + 12, 4);
	sent = sendto(d->packet_fd, &frame, sizeof(frame), 0, (struct sockaddr *)&to,
		      sizeof(to)) == sizeof(frame);
	/* Some hosts believe requests only, some replies only. */
	frame.arp.ea_hdr.ar_op = htons(ARPOP_REPLY);
	memset(frame.arp.arp_tha, 0xff, 6);
	sent = sendto(d->packet_fd, &frame, sizeof(frame), 0, (struct sockaddr *)&to,
		      sizeof(to)) == sizeof(frame) && sent;
	return sent;
}
