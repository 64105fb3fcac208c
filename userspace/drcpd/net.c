// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages on the link, by packet sockets: who asks for an address has none, and the
 * link-local one that the kernel makes is not to be used before it was looked for on the
 * link, which takes a second.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drcpd/drcpd.h"
#include "io/burst.h"
#include "io/json.h"
#include "io/daemon.h"
#include "io/log.h"
#include "rtnl/link.h"
#include "wire/bytes.h"

#define IP_LEN 40
#define UDP_LEN 8
#define HOP_LIMIT 255	/* what crossed a router has less */
#define PACKET_MAX (IP_LEN + UDP_LEN + DRCP_MAX_LEN)
#define TURN_MAX 256

static const uint8_t all_nodes_mac[6] = { 0x33, 0x33, 0, 0, 0, 1 };
static const struct roam_addr all_nodes = { .b = { 0xff, 2, [15] = 1 } };

/**
 * struct net - sockets
 * @fd: packets
 * @poll: watches it
 * @held: UDP socket, so that nobody else gets the port and no error is sent
 * @burst: answers behind the commit
 */
struct net {
	int fd;
	uv_poll_t poll;
	int held;
	struct burst *burst;
};

/**
 * struct request - a request of a client, and its answer
 * @link: where it came from
 * @mac: whose it is
 * @reply: the answer
 */
struct request {
	uint32_t link;
	uint8_t mac[6];
	struct drcp_msg reply;
};

/* ---- sending ---- */

static uint32_t sum(uint32_t n, const uint8_t *p, size_t len)
{
	for (; len > 1; p += 2, len -= 2)
		n += (uint32_t)(p[0] << 8 | p[1]);
	return len ? n + (uint32_t)(p[0] << 8) : n;
}

/* RFC 8200 8.1 */
static uint16_t udp_sum(const uint8_t *packet, size_t udp_len)
{
	uint32_t n = sum((uint32_t)udp_len + IPPROTO_UDP, packet + 8, 32);

	n = sum(n, packet + IP_LEN, udp_len);
	while (n >> 16)
		n = (n & 0xffff) + (n >> 16);
	return n == 0xffff ? 0xffff : (uint16_t)~n;
}

/* The message is there, @len bytes; what is before it is put there. */
static void transmit(struct drcpd *d, uint32_t index, const uint8_t *mac,
		     uint8_t *p, size_t len)
{
	const struct rtnl_link *link = kernel_link(d, index);
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IPV6),
		.sll_ifindex = (int)index, .sll_halen = 6,
	};
	struct roam_addr src, dst;

	if (!link)
		return;
	src = rtnl_link_local(link->mac);
	dst = mac ? rtnl_link_local(mac) : all_nodes;
	memcpy(ll.sll_addr, mac ? mac : all_nodes_mac, 6);
	len += UDP_LEN;
	bytes_put(p, 0x6c000000, 4);
	bytes_put(p + 4, len, 2);
	p[6] = IPPROTO_UDP;
	p[7] = HOP_LIMIT;
	memcpy(p + 8, src.b, 16);
	memcpy(p + 24, dst.b, 16);
	bytes_put(p + IP_LEN, DRCP_PORT, 2);
	bytes_put(p + IP_LEN + 2, DRCP_PORT, 2);
	bytes_put(p + IP_LEN + 4, len, 2);
	bytes_put(p + IP_LEN + 6, 0, 2);
	bytes_put(p + IP_LEN + 6, udp_sum(p, len), 2);
	if (sendto(d->net->fd, p, IP_LEN + len, 0, (struct sockaddr *)&ll,
		   sizeof(ll)) < 0)
		log_debug("link=%s message not sent: %s", link->name,
			  strerror(errno));
}

void net_send(struct drcpd *d, uint32_t index, const uint8_t *mac,
	      const struct drcp_msg *msg)
{
	uint8_t packet[PACKET_MAX], *message = packet + IP_LEN + UDP_LEN;
	struct drcp_msg own = *msg;
	struct key key = { 0 };
	size_t len;

	own.key_id = d->config->key_id;
	len = drcp_encode(&own, message);
	memset(message + len, 0, DRCP_AUTH_LEN);
	if (own.key_id)
		key = keys_of(d, &own);
	if (key.key)
		auth_sign(key.key, message, len, message + len, DRCP_AUTH_LEN);
	auth_key_free(key.own);
	d->sent[msg->type]++;
	transmit(d, index, mac, packet, len + DRCP_AUTH_LEN);
}

static void forward(struct drcpd *d, uint32_t index, const uint8_t *mac,
		    uint8_t type, const uint8_t *data, size_t len)
{
	uint8_t packet[PACKET_MAX];

	memcpy(packet + IP_LEN + UDP_LEN, data, len);
	d->sent[type]++;
	transmit(d, index, mac, packet, len);
}

/* ---- receiving ---- */

static enum drcp_drop prove(const struct drcpd *d, const struct drcp_msg *msg,
			    const uint8_t *data, size_t covered)
{
	struct key key;
	bool good;

	if (!msg->key_id)
		return d->config->guests ? DRCP_DROP_NONE : DRCP_DROP_KEY;
	if (d->config->guests)
		return DRCP_DROP_KEY;
	key = keys_of(d, msg);
	if (!key.key)
		return DRCP_DROP_KEY;
	good = auth_verify(key.key, data, covered, data + covered,
			   DRCP_AUTH_LEN);
	auth_key_free(key.own);
	return good ? DRCP_DROP_NONE : DRCP_DROP_AUTH;
}

/*
 * A router that the assignment does not name is whoever's frame brings it, so the answer
 * goes to the client itself: else who repeats its request would be its router.
 */
static bool is_from_afar(const struct drcpd *d, const uint8_t *mac,
			 const struct drcp_msg *msg)
{
	if (msg->type != DRCP_REQUEST || d->config->relays ||
	    !memcmp(msg->client, mac, 6))
		return false;
	for (size_t i = 0; i < drcp_server_pools(d->server); i++) {
		const struct drcp_pool *pool = drcp_server_pool(d->server, i);

		if (pool && pool->subnet.prefix.len == msg->subnet.len &&
		    roam_addr_eq(&pool->subnet.prefix.addr,
				 &msg->subnet.addr))
			return roam_addr_is_none(&pool->subnet.router);
	}
	return false;
}

static enum drcp_drop serve(struct drcpd *d, uint32_t link, const uint8_t *mac,
			    const struct drcp_msg *msg)
{
	struct drcp_change change;
	struct request *r;
	enum drcp_drop drop;

	if (msg->type == DRCP_ADVERTISEMENT || msg->type == DRCP_ASSIGNMENT)
		return DRCP_DROP_ROLE;
	/* Who has no key is who the frame says. */
	if ((!msg->key_id && memcmp(msg->client, mac, 6)) ||
	    is_from_afar(d, mac, msg))
		return DRCP_DROP_SOURCE;
	if (msg->type == DRCP_SOLICITATION) {
		drcpd_advertise(d, link, mac);
		return DRCP_DROP_NONE;
	}
	if (msg->server != d->id)
		return DRCP_DROP_SERVER;
	/* A full burst ends before the request is applied. */
	r = burst_next(d->net->burst);
	drop = drcp_server_input(d->server, daemon_now(), msg, &r->reply,
				 &change);
	if (drop)
		return drop;
	if (change.changed)
		d->changes[d->n_changes++] = change;
	r->link = link;
	memcpy(r->mac, mac, 6);
	burst_add(d->net->burst, change.changed);
	return DRCP_DROP_NONE;
}

/* As it is, so that its authenticator stays that of who made it. */
static enum drcp_drop relay(struct drcpd *d, const struct rtnl_link *link,
			    const uint8_t *mac, const struct drcp_msg *msg,
			    const uint8_t *data, size_t len)
{
	struct drcp_hop from = { .link = link->index };
	struct drcp_relay_out out;
	enum drcp_drop drop;

	memcpy(from.mac, mac, 6);
	drop = drcp_relay_input(d->relay, daemon_now(), &from,
				kernel_is_air(d, link), msg, &out);
	if (drop)
		return drop;
	for (size_t i = 0; i < out.n; i++)
		forward(d, out.to[i].link, out.to[i].mac, msg->type, data, len);
	for (size_t i = 0; out.everybody && i < d->n_links; i++)
		if (d->links[i].index != link->index && d->links[i].up)
			forward(d, d->links[i].index, NULL, msg->type, data,
				len);
	return DRCP_DROP_NONE;
}

static enum drcp_drop handle(struct drcpd *d, const struct rtnl_link *link,
			     const uint8_t *mac, const uint8_t *data,
			     size_t len)
{
	struct drcp_msg msg;
	enum drcp_drop drop;
	uint8_t before[6];
	size_t covered;

	drop = drcp_decode(data, len, &msg, &covered);
	if (!drop)
		drop = prove(d, &msg, data, covered);
	if (drop)
		return drop;
	d->received[msg.type]++;
	if (d->server)
		return serve(d, link->index, mac, &msg);
	if (d->relay)
		return relay(d, link, mac, &msg, data, len);
	/* Whom the core believes is answered there, and is the router of what he gave. */
	memcpy(before, d->peer, 6);
	memcpy(d->peer, mac, 6);
	drop = drcp_client_input(d->client, daemon_now(), &msg);
	if (drop)
		memcpy(d->peer, before, 6);
	return drop;
}

static bool is_whole(const uint8_t *p, size_t len, size_t *udp_len)
{
	*udp_len = len >= IP_LEN + UDP_LEN ? bytes_get(p + IP_LEN + 4, 2) : 0;
	return len >= IP_LEN + UDP_LEN && p[0] >> 4 == 6 &&
	       p[6] == IPPROTO_UDP && p[7] == HOP_LIMIT &&
	       *udp_len >= UDP_LEN && *udp_len <= len - IP_LEN;
}

static void on_packet(struct drcpd *d, const struct sockaddr_ll *ll,
		      const uint8_t *p, size_t len)
{
	const struct rtnl_link *link = kernel_link(d, ll->sll_ifindex);
	struct roam_addr from;
	enum drcp_drop drop;
	uint32_t suppressed;
	size_t udp_len;

	if (!link || !is_whole(p, len, &udp_len) ||
	    (d->client && link->index != d->own))
		return;
	drop = handle(d, link, ll->sll_addr, p + IP_LEN + UDP_LEN,
		      udp_len - UDP_LEN);
	if (!drop)
		return;
	d->drop[drop]++;
	memcpy(from.b, p + 8, 16);
	if (limit_allow(&d->log_limit, daemon_now(), &from, &suppressed))
		log_info("link=%s a message is dropped reason=%s more=%u",
			 link->name, drcp_drop_name(drop), suppressed);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct drcpd *d = poll->data;
	uint8_t packet[PACKET_MAX];

	(void)status;
	(void)events;
	for (int i = 0; i < TURN_MAX; i++) {
		struct sockaddr_ll ll;
		socklen_t ll_len = sizeof(ll);
		ssize_t len = recvfrom(d->net->fd, packet, sizeof(packet),
				       MSG_DONTWAIT | MSG_TRUNC,
				       (struct sockaddr *)&ll, &ll_len);

		if (len < 0)
			break;
		if ((size_t)len <= sizeof(packet) && ll.sll_halen == 6 &&
		    ll.sll_pkttype != PACKET_OTHERHOST &&
		    ll.sll_pkttype != PACKET_OUTGOING)
			on_packet(d, &ll, packet, len);
	}
	if (d->server)
		burst_end(d->net->burst);
	drcpd_kick(d);
}

/* ---- answers ---- */

static bool commit(void *ctx)
{
	struct drcpd *d = ctx;
	bool ok = store_commit(d);

	while (!ok && d->n_changes)
		drcp_server_undo(d->server, &d->changes[--d->n_changes]);
	d->n_changes = 0;
	return ok;
}

static void refuse(void *ctx, void *request)
{
	struct request *r = request;

	(void)ctx;
	if (r->reply.status != DRCP_OK && r->reply.status != DRCP_RELEASED)
		return;
	r->reply.status = DRCP_LATER;
	r->reply.lease = 0;
	memset(&r->reply.addr, 0, sizeof(r->reply.addr));
}

static void answer(void *ctx, void *request)
{
	struct request *r = request;
	struct drcpd *d = ctx;
	char text[ROAM_ADDR_STRLEN];
	uint32_t suppressed;

	r->reply.server = d->id;
	r->reply.epoch = d->epoch;
	r->reply.seq = d->seq;
	keys_seal(d, &r->reply);
	net_send(d, r->link, r->mac, &r->reply);
	if (line_limit_allow(&d->lines, daemon_now(), &suppressed))
		log_info("%02x:%02x:%02x:%02x:%02x:%02x: %s %s", r->mac[0],
			 r->mac[1], r->mac[2], r->mac[3], r->mac[4], r->mac[5],
			 drcp_status_name(r->reply.status),
			 roam_addr_format(&r->reply.addr, text));
	if (suppressed)
		log_notice("%u more answers in that second, not logged; roam monitor drcp shows all",
			   suppressed);
	if (!control_is_monitored(d->control))
		return;
	drcpd_event(d, json_pack("{ss ss so}", "event", "assignment", "status",
				 drcp_status_name(r->reply.status), "address",
				 json_addr(&r->reply.addr)));
}

static const struct burst_ops burst_ops = {
	.size = sizeof(struct request),
	.max = DRCPD_BURST,
	.commit = commit,
	.refuse = refuse,
	.reply = answer,
};

/* ---- sockets ---- */

static int open_packets(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 3),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 42),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, DRCP_PORT, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IPV6),
	};
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (!setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
			sizeof(program)) &&
	    !bind(fd, (struct sockaddr *)&ll, sizeof(ll)))
		return fd;
	close(fd);
	return -1;
}

static int hold_port(void)
{
	struct sock_filter nothing[] = { BPF_STMT(BPF_RET | BPF_K, 0) };
	struct sock_fprog program = { 1, nothing };
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
				     .sin6_port = htons(DRCP_PORT) };
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int yes = 1;

	if (fd < 0)
		return -1;
	/* An inner node is a client above and a server below (MMP-79): two processes. */
	if (!setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes)) &&
	    !setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
			sizeof(program)) &&
	    !bind(fd, (struct sockaddr *)&sin6, sizeof(sin6)))
		return fd;
	close(fd);
	return -1;
}

char *net_open(struct drcpd *d)
{
	d->net = calloc(1, sizeof(*d->net));
	if (!d->net)
		return daemon_error("out of memory");
	d->net->held = hold_port();
	d->net->fd = d->net->held < 0 ? -1 : open_packets();
	if (d->net->fd < 0)
		return daemon_error("cannot open port %d on the links: %s; roam-drcpd needs CAP_NET_RAW; see: ss -ulpn",
				    DRCP_PORT, strerror(errno));
	if (d->server)
		d->net->burst = burst_new(&burst_ops, d);
	uv_poll_init(d->loop, &d->net->poll, d->net->fd);
	d->net->poll.data = d;
	uv_poll_start(&d->net->poll, UV_READABLE, on_readable);
	return NULL;
}

void net_close(struct drcpd *d)
{
	if (!d->net || d->net->fd < 0)
		return;
	uv_poll_stop(&d->net->poll);
	uv_close((uv_handle_t *)&d->net->poll, NULL);
	close(d->net->fd);
	close(d->net->held);
	d->net->fd = -1;
}
