// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/daemon.h"
#include "io/log.h"

#define UDP_DATA_MAX 2048	/* longer ones arrive cut; no decoder takes them */
#define UDP_QUEUE (4 * UDP_BATCH)
#define UDP_SOCKBUF (4 << 20)	/* a burst of registrations must not be lost */
#define UDP_ROUNDS 8		/* batches per turn, then others get theirs */
#define UDP_ERRORS 256		/* errors read per turn */

/* Control messages of one datagram, aligned for the first header. */
struct control_buf {
	_Alignas(struct cmsghdr)
	char b[CMSG_SPACE(sizeof(struct in6_pktinfo)) +
	       CMSG_SPACE(sizeof(struct sock_extended_err) +
			  sizeof(struct sockaddr_in6))];
};

struct slot {
	struct sockaddr_storage addr;
	socklen_t addr_len;
	struct control_buf control;
	size_t control_len;
	size_t len;
	uint8_t data[UDP_DATA_MAX];
};

/**
 * struct udp - see udp_open()
 * @poll: readiness of @fd
 * @prepare: runs before the loop sleeps; active while @queue holds something
 * @open_handles: handles not closed yet; the memory goes with the last
 * @fd: the socket
 * @family: AF_INET6 (dual-stack), or AF_INET where the kernel has no IPv6
 * @receive: as given
 * @burst_end: as given, NULL without
 * @unreachable: as given
 * @error: as given later
 * @ctx: as given
 * @blocked: the socket buffer is full, @queue waits until it is writable
 * @receiving: @receive or @burst_end is running, the queue leaves when it
 *	returns
 * @errors: datagrams lost
 * @queued: slots of @queue in use
 * @queue: datagrams to send, in order
 * @in: buffers of one batch
 */
struct udp {
	uv_poll_t poll;
	uv_prepare_t prepare;
	int open_handles;
	int fd;
	int family;
	udp_receive_fn receive;
	udp_burst_fn burst_end;
	udp_unreachable_fn unreachable;
	udp_error_fn error;
	void *ctx;
	bool blocked;
	bool receiving;
	uint64_t errors;
	size_t queued;
	struct slot queue[UDP_QUEUE];
	struct slot in[UDP_BATCH];
};

static void on_poll(uv_poll_t *poll, int status, int events);

static void watch(struct udp *udp)
{
	uv_poll_start(&udp->poll,
		      UV_READABLE | (udp->blocked ? UV_WRITABLE : 0), on_poll);
}

static void set_blocked(struct udp *udp, bool blocked)
{
	if (udp->blocked == blocked)
		return;
	udp->blocked = blocked;
	watch(udp);
}

/* Accounts for a datagram that sendmmsg() refused. */
static void send_again(struct udp *udp, struct msghdr *msg)
{
	/*
	 * The error may be that of an earlier datagram, reported late (an ICMP
	 * error came in between); then the second try succeeds.
	 */
	if (sendmsg(udp->fd, msg, MSG_NOSIGNAL) >= 0)
		return;
	udp->errors++;
	log_debug("a datagram was not sent: %s", strerror(errno));
}

static void flush(struct udp *udp)
{
	struct mmsghdr msgs[UDP_BATCH];
	struct iovec iov[UDP_BATCH];
	size_t done = 0;

	while (done < udp->queued) {
		size_t n = udp->queued - done;
		int sent;

		if (n > UDP_BATCH)
			n = UDP_BATCH;
		memset(msgs, 0, n * sizeof(msgs[0]));
		for (size_t i = 0; i < n; i++) {
			struct slot *slot = &udp->queue[done + i];
			struct msghdr *msg = &msgs[i].msg_hdr;

			iov[i].iov_base = slot->data;
			iov[i].iov_len = slot->len;
			msg->msg_name = &slot->addr;
			msg->msg_namelen = slot->addr_len;
			msg->msg_iov = &iov[i];
			msg->msg_iovlen = 1;
			if (slot->control_len) {
				msg->msg_control = &slot->control;
				msg->msg_controllen = slot->control_len;
			}
		}
		sent = sendmmsg(udp->fd, msgs, n, MSG_NOSIGNAL);
		if (sent > 0) {
			done += sent;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			break;
		send_again(udp, &msgs[0].msg_hdr);
		done++;
	}

	udp->queued -= done;
	/* This is rare: it happens only after the socket buffer was full. */
	if (udp->queued && done)
		memmove(udp->queue, udp->queue + done,
			udp->queued * sizeof(udp->queue[0]));
	set_blocked(udp, udp->queued > 0);
	uv_prepare_stop(&udp->prepare);
}

static void on_prepare(uv_prepare_t *prepare)
{
	flush(prepare->data);
}

static bool is_multicast(const struct roam_addr *addr)
{
	return roam_addr_is_v4(addr) ? addr->b[12] >= 224 : addr->b[0] == 0xff;
}

static void read_local(struct msghdr *msg, struct roam_addr *to)
{
	memset(to, 0, sizeof(*to));
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c;
	     c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level == IPPROTO_IPV6 &&
		    c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			memcpy(to->b, &info.ipi6_addr, sizeof(to->b));
		} else if (c->cmsg_level == IPPROTO_IP &&
			   c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			*to = roam_addr_from_in(info.ipi_addr);
		}
	}
	/* No reply can leave from a group address: let the kernel choose. */
	if (is_multicast(to))
		memset(to, 0, sizeof(*to));
}

static uint16_t port_of(const struct sockaddr_storage *ss)
{
	return ntohs(ss->ss_family == AF_INET ?
		     ((const struct sockaddr_in *)ss)->sin_port :
		     ((const struct sockaddr_in6 *)ss)->sin6_port);
}

static void end_of_call(struct udp *udp)
{
	udp->receiving = false;
	if (udp->queued && !udp->blocked &&
	    !uv_is_closing((uv_handle_t *)&udp->poll))
		flush(udp);
}

/*
 * False when nothing waits any more. Where the end of a burst is of interest,
 * only a call that returns nothing shows it: while a short batch is worked on,
 * the next one comes.
 */
static bool receive_batch(struct udp *udp)
{
	struct udp_datagram datagrams[UDP_BATCH];
	struct mmsghdr msgs[UDP_BATCH];
	struct iovec iov[UDP_BATCH];
	size_t n = 0;
	int got;

	memset(msgs, 0, sizeof(msgs));
	for (size_t i = 0; i < UDP_BATCH; i++) {
		struct slot *slot = &udp->in[i];
		struct msghdr *msg = &msgs[i].msg_hdr;

		iov[i].iov_base = slot->data;
		iov[i].iov_len = sizeof(slot->data);
		msg->msg_name = &slot->addr;
		msg->msg_namelen = sizeof(slot->addr);
		msg->msg_iov = &iov[i];
		msg->msg_iovlen = 1;
		msg->msg_control = &slot->control;
		msg->msg_controllen = sizeof(slot->control);
	}
	got = recvmmsg(udp->fd, msgs, UDP_BATCH, MSG_DONTWAIT, NULL);
	if (got < 0)
		return errno != EAGAIN && errno != EWOULDBLOCK;

	for (int i = 0; i < got; i++) {
		struct udp_datagram *d = &datagrams[n];
		struct slot *slot = &udp->in[i];

		if (!msgs[i].msg_hdr.msg_namelen)
			continue;
		d->from = roam_addr_from_sockaddr((struct sockaddr *)&slot->addr);
		d->from_port = port_of(&slot->addr);
		d->data = slot->data;
		d->len = msgs[i].msg_len;
		read_local(&msgs[i].msg_hdr, &d->to);
		n++;
	}
	if (n) {
		udp->receiving = true;
		udp->receive(udp->ctx, datagrams, n);
		end_of_call(udp);
	}
	return got == UDP_BATCH || udp->burst_end;
}

/* False: no ICMP error, or of another kind. */
static bool read_error(struct msghdr *msg, enum udp_error *error)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c;
	     c = CMSG_NXTHDR(msg, c)) {
		struct sock_extended_err err;

		if (!(c->cmsg_level == IPPROTO_IPV6 &&
		      c->cmsg_type == IPV6_RECVERR) &&
		    !(c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR))
			continue;
		memcpy(&err, CMSG_DATA(c), sizeof(err));
		if (err.ee_origin != SO_EE_ORIGIN_ICMP &&
		    err.ee_origin != SO_EE_ORIGIN_ICMP6)
			continue;
		*error = err.ee_errno == ECONNREFUSED ? UDP_NO_PORT :
			 err.ee_errno == EHOSTUNREACH ? UDP_NO_HOST :
							UDP_NO_NETWORK;
		return err.ee_errno == ECONNREFUSED ||
		       err.ee_errno == EHOSTUNREACH ||
		       err.ee_errno == ENETUNREACH;
	}
	return false;
}

static void receive_errors(struct udp *udp)
{
	for (int i = 0; i < UDP_ERRORS; i++) {
		struct sockaddr_storage addr;
		struct control_buf control;
		enum udp_error error;
		char byte;
		struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
		struct msghdr msg = {
			.msg_name = &addr,
			.msg_namelen = sizeof(addr),
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control),
		};

		if (recvmsg(udp->fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			return;
		if ((udp->unreachable || udp->error) && msg.msg_namelen &&
		    read_error(&msg, &error)) {
			struct roam_addr host = roam_addr_from_sockaddr(
				(struct sockaddr *)&addr);

			if (udp->unreachable && error == UDP_NO_PORT)
				udp->unreachable(udp->ctx, &host, port_of(&addr));
			if (udp->error)
				udp->error(udp->ctx, &host, port_of(&addr), error);
			if (uv_is_closing((uv_handle_t *)&udp->poll))
				return;
		}
	}
}

static void receive_burst(struct udp *udp)
{
	for (int i = 0; i < UDP_ROUNDS; i++)
		if (!receive_batch(udp) ||
		    uv_is_closing((uv_handle_t *)&udp->poll))
			break;
	if (!udp->burst_end || uv_is_closing((uv_handle_t *)&udp->poll))
		return;
	udp->receiving = true;
	udp->burst_end(udp->ctx);
	end_of_call(udp);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct udp *udp = poll->data;

	/*
	 * A waiting ICMP error shows as an error of the descriptor, and libuv
	 * stops watching. It is ours to read, then to go on.
	 */
	if (status < 0) {
		int err;
		socklen_t len = sizeof(err);

		receive_errors(udp);
		getsockopt(udp->fd, SOL_SOCKET, SO_ERROR, &err, &len);
		if (uv_is_closing((uv_handle_t *)poll))
			return;
		watch(udp);
		events = UV_READABLE;
	}
	if (events & UV_WRITABLE)
		flush(udp);
	if (events & UV_READABLE)
		receive_burst(udp);
}

/*
 * Asks for more than the administrator allows to all, if this process may, and
 * else for as much as is allowed.
 */
static void grow_buffer(int fd, int forced, int plain)
{
	int size = UDP_SOCKBUF;

	if (setsockopt(fd, SOL_SOCKET, forced, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, plain, &size, sizeof(size));
}

static int open_socket(const struct roam_addr *addr, uint16_t port, int *family)
{
	const int on = 1, off = 0;
	struct sockaddr_storage ss;
	socklen_t len;
	int fd;

	*family = AF_INET6;
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 && errno == EAFNOSUPPORT &&
	    (roam_addr_is_none(addr) || roam_addr_is_v4(addr))) {
		*family = AF_INET;
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			    0);
	}
	if (fd < 0)
		return -1;

	memset(&ss, 0, sizeof(ss));
	if (*family == AF_INET6) {
		struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)&ss;

		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = htons(port);
		memcpy(&sin6->sin6_addr, addr->b, sizeof(addr->b));
		len = sizeof(*sin6);
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
		/* Also tells the local address of IPv4 datagrams, mapped. */
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
	} else {
		struct sockaddr_in *sin = (struct sockaddr_in *)&ss;

		sin->sin_family = AF_INET;
		sin->sin_port = htons(port);
		if (!roam_addr_is_none(addr))
			sin->sin_addr = roam_addr_to_in(addr);
		len = sizeof(*sin);
		setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	}
	setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
	grow_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
	grow_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);

	if (bind(fd, (struct sockaddr *)&ss, len)) {
		int err = errno;

		close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

struct udp *udp_open(uv_loop_t *loop, const struct roam_addr *addr,
		     uint16_t port, udp_receive_fn receive,
		     udp_unreachable_fn unreachable, void *ctx, char **error)
{
	char text[ROAM_ADDR_STRLEN];
	struct udp *udp = calloc(1, sizeof(*udp));

	if (!udp) {
		*error = daemon_error("out of memory");
		return NULL;
	}
	udp->receive = receive;
	udp->unreachable = unreachable;
	udp->ctx = ctx;
	udp->fd = open_socket(addr, port, &udp->family);
	if (udp->fd < 0) {
		int err = errno;

		*error = daemon_error("cannot listen on %s port %u: %s; see: %s",
				      roam_addr_format(addr, text), port,
				      strerror(err),
				      err == EADDRINUSE ? "ss -ulpn" :
							  "ip address show");
		free(udp);
		return NULL;
	}
	uv_poll_init(loop, &udp->poll, udp->fd);
	uv_prepare_init(loop, &udp->prepare);
	udp->poll.data = udp;
	udp->prepare.data = udp;
	udp->open_handles = 2;
	watch(udp);
	return udp;
}

void udp_on_error(struct udp *udp, udp_error_fn error)
{
	udp->error = error;
}

void udp_on_burst_end(struct udp *udp, udp_burst_fn end)
{
	udp->burst_end = end;
}

static void set_destination(struct udp *udp, struct slot *slot,
			    const struct roam_addr *to, uint16_t port)
{
	memset(&slot->addr, 0, sizeof(slot->addr));
	if (udp->family == AF_INET) {
		struct sockaddr_in *sin = (struct sockaddr_in *)&slot->addr;

		sin->sin_family = AF_INET;
		sin->sin_port = htons(port);
		sin->sin_addr = roam_addr_to_in(to);
		slot->addr_len = sizeof(*sin);
	} else {
		struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)&slot->addr;

		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = htons(port);
		memcpy(&sin6->sin6_addr, to->b, sizeof(to->b));
		slot->addr_len = sizeof(*sin6);
	}
}

static void set_source(struct udp *udp, struct slot *slot,
		       const struct roam_addr *local)
{
	struct cmsghdr *c = (struct cmsghdr *)slot->control.b;

	slot->control_len = 0;
	if (!local || roam_addr_is_none(local))
		return;
	memset(&slot->control, 0, sizeof(slot->control));
	if (udp->family == AF_INET) {
		struct in_pktinfo info = {
			.ipi_spec_dst = roam_addr_to_in(local),
		};

		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		slot->control_len = CMSG_SPACE(sizeof(info));
	} else {
		struct in6_pktinfo info = { 0 };

		memcpy(&info.ipi6_addr, local->b, sizeof(local->b));
		c->cmsg_level = IPPROTO_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		slot->control_len = CMSG_SPACE(sizeof(info));
	}
}

void udp_send(struct udp *udp, const struct roam_addr *to, uint16_t port,
	      const struct roam_addr *local, const void *data, size_t len)
{
	struct slot *slot;

	if (udp->queued == UDP_QUEUE && !udp->blocked)
		flush(udp);
	if (udp->queued == UDP_QUEUE || len > UDP_DATA_MAX ||
	    (udp->family == AF_INET && !roam_addr_is_v4(to))) {
		udp->errors++;
		return;
	}
	slot = &udp->queue[udp->queued++];
	set_destination(udp, slot, to, port);
	set_source(udp, slot, local);
	memcpy(slot->data, data, len);
	slot->len = len;
	if (!udp->receiving && !udp->blocked)
		uv_prepare_start(&udp->prepare, on_prepare);
}

char *udp_join(struct udp *udp, const struct roam_addr *group,
	       const struct roam_addr *local, unsigned int ttl)
{
	struct ip_mreq mreq = {
		.imr_multiaddr = roam_addr_to_in(group),
		.imr_interface = roam_addr_to_in(local),
	};
	int hops = (int)ttl, off = 0;
	char text[2][ROAM_ADDR_STRLEN];

	/* A daemon that has another address now joins where that is as well. */
	if (!setsockopt(udp->fd, IPPROTO_IP, IP_MULTICAST_TTL, &hops, sizeof(hops)) &&
	    !setsockopt(udp->fd, IPPROTO_IP, IP_MULTICAST_LOOP, &off, sizeof(off)) &&
	    (!setsockopt(udp->fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mreq, sizeof(mreq)) ||
	     errno == EADDRINUSE))
		return NULL;
	return daemon_error("cannot join %s at the link of %s: %s; see: ip maddress",
			    roam_addr_format(group, text[0]),
			    roam_addr_format(local, text[1]), strerror(errno));
}

uint64_t udp_send_errors(const struct udp *udp)
{
	return udp->errors;
}

static void on_close(uv_handle_t *handle)
{
	struct udp *udp = handle->data;

	if (--udp->open_handles)
		return;
	close(udp->fd);
	free(udp);
}

void udp_close(struct udp *udp)
{
	if (!udp)
		return;
	/*
	 * What is queued leaves before the socket is closed: a de-registration
	 * is queued just before the end.
	 */
	if (udp->queued)
		flush(udp);
	uv_close((uv_handle_t *)&udp->poll, on_close);
	uv_close((uv_handle_t *)&udp->prepare, on_close);
}
