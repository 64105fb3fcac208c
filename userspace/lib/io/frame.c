// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/daemon.h"
#include "wire/bytes.h"
#include "wire/mip.h"

#define IP_HEAD 20
#define UDP_HEAD 8
#define FRAME_MAX 1600
#define BATCH 64		/* packets read before others have a turn */

/**
 * struct frame_socket - see frame_open()
 * @poll: watches @fd
 * @fd: the packet socket
 * @link: index of the link
 * @receive: gets what comes
 * @ctx: for it
 */
struct frame_socket {
	uv_poll_t poll;
	int fd;
	unsigned int link;
	frame_fn receive;
	void *ctx;
};

/* Offsets from the IP header on, as the socket has no link-layer header. */
static struct sock_filter filter[] = {
	/* what this host sends is not for it */
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_PKTTYPE),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 14, 0),
	/* no fragments */
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x3fff, 12, 0),
	BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 4),
	BPF_STMT(BPF_LD | BPF_H | BPF_IND, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MIP_PORT, 6, 0),
	BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MIP_PORT, 4, 5),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMP, 0, 4),
	BPF_STMT(BPF_LD | BPF_B | BPF_IND, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MIP_ICMP_ADVERTISEMENT, 1, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MIP_ICMP_SOLICITATION, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, FRAME_MAX),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

static uint32_t sum(const uint8_t *p, size_t len, uint32_t start)
{
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		start += (uint32_t)bytes_get(p + i, 2);
	if (len % 2)
		start += (uint32_t)p[len - 1] << 8;
	return start;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* With the pseudo header, whose addresses stand in the IP header @ip. */
static uint16_t udp_sum(const uint8_t *ip, const uint8_t *udp, size_t len)
{
	return fold(sum(udp, len, sum(ip + 12, 8, IPPROTO_UDP + (uint32_t)len)));
}

/* A sender on the same machine leaves the sum to a card that is not there. */
static bool sum_is_known(struct msghdr *msg)
{
	struct tpacket_auxdata aux;
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_PACKET ||
		    c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		return aux.tp_status &
		       (TP_STATUS_CSUMNOTREADY | TP_STATUS_CSUM_VALID);
	}
	return false;
}

static bool parse_udp(const uint8_t *ip, const uint8_t *udp, size_t len,
		      bool known, struct frame *frame)
{
	size_t udp_len;

	if (len < UDP_HEAD)
		return false;
	udp_len = bytes_get(udp + 4, 2);
	if (udp_len < UDP_HEAD || udp_len > len)
		return false;
	if (bytes_get(udp + 6, 2) && !known && udp_sum(ip, udp, udp_len))
		return false;
	frame->from_port = (uint16_t)bytes_get(udp, 2);
	frame->to_port = (uint16_t)bytes_get(udp + 2, 2);
	frame->data = udp + UDP_HEAD;
	frame->len = udp_len - UDP_HEAD;
	return true;
}

static bool parse(const uint8_t *ip, size_t len, bool known,
		  struct frame *frame)
{
	size_t head, total;

	if (len < IP_HEAD || ip[0] >> 4 != 4)
		return false;
	head = 4 * (size_t)(ip[0] & 15);
	total = bytes_get(ip + 2, 2);
	if (head < IP_HEAD || total < head || total > len ||
	    fold(sum(ip, head, 0)))
		return false;
	frame->ttl = ip[8];
	frame->protocol = ip[9];
	frame->from = mip_get_addr(ip + 12);
	frame->to = mip_get_addr(ip + 16);
	if (frame->protocol == IPPROTO_UDP)
		return parse_udp(ip, ip + head, total - head, known, frame);
	frame->data = ip + head;
	frame->len = total - head;
	return frame->protocol == IPPROTO_ICMP;
}

static bool receive_one(struct frame_socket *s)
{
	uint8_t buf[FRAME_MAX], control[128];
	struct iovec iov = { buf, sizeof(buf) };
	struct sockaddr_ll from = { 0 };
	struct msghdr msg = {
		.msg_name = &from, .msg_namelen = sizeof(from),
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct frame frame = { .link = s->link };
	ssize_t len = recvmsg(s->fd, &msg, MSG_DONTWAIT);

	if (len < 0)
		return errno == EINTR;
	if (from.sll_halen == FRAME_MAC_LEN)
		memcpy(frame.mac, from.sll_addr, FRAME_MAC_LEN);
	if (parse(buf, (size_t)len, sum_is_known(&msg), &frame))
		s->receive(s->ctx, &frame);
	return true;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct frame_socket *s = poll->data;
	unsigned int i;

	(void)status;
	(void)events;
	for (i = 0; i < BATCH && receive_one(s); i++)
		;
}

static void add_group(int fd, unsigned int link, uint8_t last)
{
	struct packet_mreq mreq = {
		.mr_ifindex = (int)link, .mr_type = PACKET_MR_MULTICAST,
		.mr_alen = FRAME_MAC_LEN,
		.mr_address = { 0x01, 0x00, 0x5e, 0, 0, last },
	};

	setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &mreq, sizeof(mreq));
}

static struct frame_socket *open_filtered(uv_loop_t *loop, unsigned int link,
					  const struct sock_fprog *program,
					  frame_fn receive, void *ctx,
					  char **error)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = (int)link,
	};
	struct frame_socket *s = calloc(1, sizeof(*s));
	char name[IF_NAMESIZE] = "?";
	int one = 1;

	*error = NULL;
	if (!s)
		return NULL;
	/* it gets nothing before the filter is there, as it has no protocol */
	s->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0 ||
	    setsockopt(s->fd, SOL_SOCKET, SO_ATTACH_FILTER, program,
		       sizeof(*program)) ||
	    setsockopt(s->fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)) ||
	    bind(s->fd, (struct sockaddr *)&addr, sizeof(addr))) {
		if_indextoname(link, name);
		*error = daemon_error("no packet socket on link %s: %s; the daemon needs CAP_NET_RAW",
				      name, strerror(errno));
		if (s->fd >= 0)
			close(s->fd);
		free(s);
		return NULL;
	}
	s->link = link;
	s->receive = receive;
	s->ctx = ctx;
	s->poll.data = s;
	uv_poll_init(loop, &s->poll, s->fd);
	uv_poll_start(&s->poll, UV_READABLE, on_poll);
	return s;
}

struct frame_socket *frame_open(uv_loop_t *loop, unsigned int link,
				frame_fn receive, void *ctx, char **error)
{
	const struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(filter[0]), .filter = filter,
	};
	struct frame_socket *s = open_filtered(loop, link, &program, receive,
					       ctx, error);

	if (!s)
		return NULL;
	/* all hosts, all routers, all mobility agents */
	add_group(s->fd, link, 1);
	add_group(s->fd, link, 2);
	add_group(s->fd, link, 11);
	return s;
}

struct frame_socket *frame_open_port(uv_loop_t *loop, unsigned int link,
				     uint16_t port, frame_fn receive, void *ctx,
				     char **error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_PKTTYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 8, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x3fff, 6, 0),
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 3),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, FRAME_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog program = {
		.len = sizeof(code) / sizeof(code[0]), .filter = code,
	};

	return open_filtered(loop, link, &program, receive, ctx, error);
}

static uint8_t *put_ip(uint8_t *ip, const struct frame *frame, size_t len)
{
	memset(ip, 0, IP_HEAD);
	ip[0] = 0x45;
	/* network control, as other routing protocols have it */
	ip[1] = 0xc0;
	bytes_put(ip + 2, IP_HEAD + len, 2);
	ip[8] = frame->ttl;
	ip[9] = frame->protocol;
	mip_put_addr(ip + 12, &frame->from);
	mip_put_addr(ip + 16, &frame->to);
	bytes_put(ip + 10, fold(sum(ip, IP_HEAD, 0)), 2);
	return ip + IP_HEAD;
}

static void put_udp(const uint8_t *ip, uint8_t *udp, const struct frame *frame)
{
	uint16_t check;

	bytes_put(udp, frame->from_port, 2);
	bytes_put(udp + 2, frame->to_port, 2);
	bytes_put(udp + 4, UDP_HEAD + frame->len, 2);
	bytes_put(udp + 6, 0, 2);
	check = udp_sum(ip, udp, UDP_HEAD + frame->len);
	bytes_put(udp + 6, check ? check : 0xffff, 2);
}

bool frame_send(struct frame_socket *s, const struct frame *frame)
{
	bool udp = frame->protocol == IPPROTO_UDP;
	size_t len = frame->len + (udp ? UDP_HEAD : 0);
	uint8_t buf[FRAME_MAX], *p;
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = (int)frame->link, .sll_halen = FRAME_MAC_LEN,
	};

	if (IP_HEAD + len > sizeof(buf)) {
		errno = EMSGSIZE;
		return false;
	}
	memcpy(to.sll_addr, frame->mac, FRAME_MAC_LEN);
	p = put_ip(buf, frame, len);
	memcpy(p + (udp ? UDP_HEAD : 0), frame->data, frame->len);
	if (udp)
		put_udp(buf, p, frame);
	return sendto(s->fd, buf, IP_HEAD + len, MSG_DONTWAIT,
		      (struct sockaddr *)&to, sizeof(to)) >= 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct frame_socket *s = handle->data;

	close(s->fd);
	free(s);
}

void frame_close(struct frame_socket *s)
{
	if (s)
		uv_close((uv_handle_t *)&s->poll, on_closed);
}

void frame_mac_of_group(const struct roam_addr *group,
			uint8_t mac[FRAME_MAC_LEN])
{
	static const uint8_t head[3] = { 0x01, 0x00, 0x5e };

	if (group->b[12] == 255) {
		memset(mac, 0xff, FRAME_MAC_LEN);
		return;
	}
	memcpy(mac, head, sizeof(head));
	mac[3] = group->b[13] & 0x7f;
	mac[4] = group->b[14];
	mac[5] = group->b[15];
}
