// SPDX-License-Identifier: GPL-2.0-or-later
#include "sipd/media.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "io/daemon.h"
#include "io/log.h"
#include "sipd/loop.h"

#define PACKET_MAX 2048		/* media packets are smaller than a frame */
#define BATCH 32
#define PORT_TRIES 64
/*
 * A caller may describe somebody else's address, and have media sent to who never asked
 * for them. So media stop after that long without a packet, or report, from there.
 */
#define PROOF_US 10000000
/*
 * What was sent to a place that the peer had left is lost. The last packet goes to the new
 * place as soon as it is known, so that media are back after one round trip, and not when
 * the phone next has something to send.
 */
#define REPEAT_MAX 512
#define REPEAT_US 200000

/* What a stream has of each: packets, and reports about them. */
enum { RTP, RTCP, KINDS };

/**
 * struct port - one socket of a stream
 * @stream: its stream
 * @fd: the socket, -1 before it is open
 * @wide: it is on the wide side
 * @kind: RTP or RTCP
 * @to: where the end on this side receives, all zero: nowhere
 * @to_port: its port
 */
struct port {
	struct stream *stream;
	int fd;
	bool wide;
	int kind;
	struct roam_addr to;
	uint16_t to_port;
};

/**
 * struct stream - one stream
 * @wide: sockets on the wide side
 * @local: sockets on the local side
 * @wide_port: port of RTP; reports have the next one
 * @local_port: the same on the local side
 * @received: what came from the peer
 * @strangers: what came from somebody else
 * @proven: something came from where the peer says that it is
 * @unproven: when media first went to where nothing came from since, 0: they did not
 * @withheld: packets that were not sent there any more
 * @repeat: the last packet that was sent to the peer
 * @repeat_len: its length, 0: none, or it was too long to be kept
 * @repeat_at: when it was
 */
struct stream {
	struct port wide[KINDS];
	struct port local[KINDS];
	uint16_t wide_port;
	uint16_t local_port;
	struct rtp_stats received;
	uint64_t strangers;
	bool proven;
	int64_t unproven;
	uint64_t withheld;
	uint8_t repeat[REPEAT_MAX];
	size_t repeat_len;
	int64_t repeat_at;
};

/**
 * struct media - the media of one call
 * @local: address of the local side
 * @n: streams
 * @streams: each
 */
struct media {
	struct roam_addr local;
	size_t n;
	struct stream streams[];
};

int64_t media_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* ---- packets ---- */

static struct port *other_side(struct port *port)
{
	return port->wide ? &port->stream->local[port->kind] :
			    &port->stream->wide[port->kind];
}

/*
 * From the peer, only from where it said that it is: the port may be another one
 * than it receives at. A phone is believed about its port, so that one that is bound
 * to one address gets its packets there.
 */
static bool believed(struct port *port, const struct roam_addr *from,
		     uint16_t from_port)
{
	if (port->wide)
		return roam_addr_eq(from, &port->to);
	if (from_port == port->to_port)
		port->to = *from;
	return true;
}

static bool may_send(struct stream *s, const struct roam_addr *to)
{
	int64_t now;
	char text[ROAM_ADDR_STRLEN];

	if (s->proven)
		return true;
	now = media_now();
	if (!s->unproven)
		s->unproven = now;
	if (now - s->unproven < PROOF_US)
		return true;
	if (!s->withheld++)
		log_warning("nothing comes from %s, where a peer says that it is; nothing more is sent there until something does",
			    roam_addr_format(to, text));
	return false;
}

/* Between networks there is no way: lost, as on any network. */
static void send_out(const struct port *out, const uint8_t *data, size_t len)
{
	struct sockaddr_storage to;
	socklen_t to_len;

	if (out->wide && roam_addr_is_v4(&out->to)) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&to;

		memset(&to, 0, sizeof(to));
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(out->to_port);
		memcpy(&in6->sin6_addr, out->to.b, 16);
		to_len = sizeof(*in6);
	} else {
		to_len = roam_addr_to_sockaddr(&out->to, out->to_port, &to);
	}
	(void)sendto(out->fd, data, len, MSG_DONTWAIT,
		     (struct sockaddr *)&to, to_len);
}

static void keep_packet(struct stream *s, const uint8_t *data, size_t len)
{
	s->repeat_len = len <= REPEAT_MAX ? len : 0;
	memcpy(s->repeat, data, s->repeat_len);
	s->repeat_at = media_now();
}

static void repeat_packet(struct stream *s)
{
	const struct port *out = &s->wide[RTP];

	if (!s->repeat_len || media_now() - s->repeat_at > REPEAT_US ||
	    roam_addr_is_none(&out->to) || !out->to_port)
		return;
	send_out(out, s->repeat, s->repeat_len);
	s->repeat_len = 0;
}

static void pass(struct port *port, const struct sockaddr_storage *from,
		 const uint8_t *data, size_t len)
{
	struct roam_addr addr =
		roam_addr_from_sockaddr((const struct sockaddr *)from);
	uint16_t from_port = ntohs(from->ss_family == AF_INET ?
		((const struct sockaddr_in *)from)->sin_port :
		((const struct sockaddr_in6 *)from)->sin6_port);
	struct port *out = other_side(port);

	if (!believed(port, &addr, from_port)) {
		port->stream->strangers++;
		return;
	}
	if (port->wide) {
		port->stream->proven = true;
		port->stream->unproven = 0;
	}
	if (port->wide && port->kind == RTP)
		rtp_stats_input(&port->stream->received, media_now(), data,
				len);
	if (roam_addr_is_none(&out->to) || !out->to_port)
		return;
	if (out->wide && !may_send(out->stream, &out->to))
		return;
	if (out->wide && out->kind == RTP)
		keep_packet(out->stream, data, len);
	send_out(out, data, len);
}

static void on_packets(void *arg)
{
	static uint8_t data[BATCH][PACKET_MAX];
	struct sockaddr_storage from[BATCH];
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
	struct port *port = arg;
	int n;

	memset(msgs, 0, sizeof(msgs));
	for (int i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ data[i], PACKET_MAX };
		msgs[i].msg_hdr = (struct msghdr){
			.msg_name = &from[i], .msg_namelen = sizeof(from[i]),
			.msg_iov = &iov[i], .msg_iovlen = 1,
		};
	}
	n = recvmmsg(port->fd, msgs, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++)
		if (!(msgs[i].msg_hdr.msg_flags & MSG_TRUNC))
			pass(port, &from[i], data[i], msgs[i].msg_len);
}

/* ---- sockets ---- */

static int bind_port(const struct roam_addr *addr, uint16_t port)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int fd, off = 0;

	len = roam_addr_to_sockaddr(addr, port, &ss);
	fd = socket(ss.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	if (ss.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (!bind(fd, (struct sockaddr *)&ss, len))
		return fd;
	close(fd);
	return -1;
}

/* An even port and the next one, somewhere in the range. */
static bool open_pair(const struct config *config, const struct roam_addr *addr,
		      struct port ports[KINDS], uint16_t *number)
{
	uint32_t pairs = (config->media_port_max - config->media_port_min + 1) /
			 2;

	for (int i = 0; i < PORT_TRIES; i++) {
		uint32_t port = (config->media_port_min + 1) / 2 * 2 +
				daemon_random() % pairs * 2;

		if (port + 1 > config->media_port_max)
			continue;
		ports[RTP].fd = bind_port(addr, port);
		if (ports[RTP].fd < 0)
			continue;
		ports[RTCP].fd = bind_port(addr, port + 1);
		if (ports[RTCP].fd >= 0) {
			*number = port;
			return true;
		}
		close(ports[RTP].fd);
		ports[RTP].fd = -1;
	}
	return false;
}

static bool open_stream(const struct config *config, struct stream *s)
{
	static const struct roam_addr any;

	for (int kind = 0; kind < KINDS; kind++) {
		s->wide[kind] = (struct port){ s, -1, true, kind, any, 0 };
		s->local[kind] = (struct port){ s, -1, false, kind, any, 0 };
	}
	if (!open_pair(config, &any, s->wide, &s->wide_port) ||
	    !open_pair(config, &config->local, s->local, &s->local_port))
		return false;
	for (int kind = 0; kind < KINDS; kind++)
		if (!loop_listen(s->wide[kind].fd, on_packets, &s->wide[kind]) ||
		    !loop_listen(s->local[kind].fd, on_packets,
				 &s->local[kind]))
			return false;
	return true;
}

struct media *media_open(const struct config *config, size_t n, char **error)
{
	struct media *media = calloc(1, sizeof(*media) +
					n * sizeof(media->streams[0]));

	if (!media) {
		*error = daemon_error("out of memory");
		return NULL;
	}
	media->local = config->local;
	for (size_t i = 0; i < n; i++) {
		media->n++;
		if (open_stream(config, &media->streams[i]))
			continue;
		*error = daemon_error("no ports for media from %u to %u are free (%s); widen media { } in sipd.conf",
				      config->media_port_min,
				      config->media_port_max, strerror(errno));
		media_close(media);
		return NULL;
	}
	return media;
}

static void close_port(struct port *port)
{
	if (port->fd < 0)
		return;
	loop_unlisten(port->fd);
	close(port->fd);
}

void media_close(struct media *media)
{
	if (!media)
		return;
	for (size_t i = 0; i < media->n; i++) {
		for (int kind = 0; kind < KINDS; kind++) {
			close_port(&media->streams[i].wide[kind]);
			close_port(&media->streams[i].local[kind]);
		}
	}
	free(media);
}

size_t media_streams(const struct media *media)
{
	return media->n;
}

void media_wide_ports(const struct media *media, uint16_t *ports)
{
	for (size_t i = 0; i < media->n; i++)
		ports[i] = media->streams[i].wide_port;
}

void media_local_ports(const struct media *media, uint16_t *ports)
{
	for (size_t i = 0; i < media->n; i++)
		ports[i] = media->streams[i].local_port;
}

bool media_set_peer(struct media *media, const struct roam_sdp *sdp)
{
	for (size_t i = 0; i < media->n && i < sdp->n_media; i++) {
		const struct roam_sdp_media *m = &sdp->media[i];

		/* Nobody is made to send to loopback, links or groups. */
		if (m->port && !roam_addr_is_none(&m->addr) &&
		    (!roam_addr_is_usable(&m->addr) ||
		     roam_addr_is_link_local(&m->addr)))
			return false;
	}
	for (size_t i = 0; i < media->n && i < sdp->n_media; i++) {
		const struct roam_sdp_media *m = &sdp->media[i];
		struct stream *s = &media->streams[i];
		bool same = roam_addr_eq(&m->addr, &m->rtcp_addr);
		bool moved = !roam_addr_eq(&s->wide[RTP].to, &m->addr);

		if (moved)
			s->proven = false;
		s->wide[RTP].to = m->addr;
		s->wide[RTP].to_port = m->port;
		s->wide[RTCP].to = m->addr;
		s->wide[RTCP].to_port = m->port && same ? m->rtcp_port : 0;
		if (moved)
			repeat_packet(s);
	}
	return true;
}

void media_set_phone(struct media *media, const struct roam_sdp *sdp)
{
	for (size_t i = 0; i < media->n && i < sdp->n_media; i++) {
		const struct roam_sdp_media *m = &sdp->media[i];
		struct stream *s = &media->streams[i];
		bool hold = roam_addr_is_none(&m->addr);

		/*
		 * A phone may name the address that this host has now. It is asked to
		 * listen where it does for good.
		 */
		for (int kind = 0; kind < KINDS; kind++)
			s->local[kind].to = hold ? m->addr : media->local;
		s->local[RTP].to_port = m->port;
		s->local[RTCP].to_port = m->port ? m->rtcp_port : 0;
	}
}

const struct rtp_stats *media_received(const struct media *media)
{
	const struct rtp_stats *most = NULL;

	for (size_t i = 0; i < media->n; i++) {
		const struct rtp_stats *s = &media->streams[i].received;

		if (!most || s->packets > most->packets)
			most = s;
	}
	return most;
}

void media_mark(struct media *media)
{
	int64_t now = media_now();

	for (size_t i = 0; i < media->n; i++)
		rtp_stats_mark(&media->streams[i].received, now);
}

uint64_t media_withheld(const struct media *media)
{
	uint64_t n = 0;

	for (size_t i = 0; i < media->n; i++)
		n += media->streams[i].withheld;
	return n;
}

uint64_t media_strangers(const struct media *media)
{
	uint64_t n = 0;

	for (size_t i = 0; i < media->n; i++)
		n += media->streams[i].strangers;
	return n;
}
