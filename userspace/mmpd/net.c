// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages are taken off the wire before the kernel routes them, whatever their
 * destination: what climbs is for every node on its way. And they are sent to a
 * neighbour by its link-layer address, so that no node needs an address or a route.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/daemon.h"
#include "io/log.h"
#include "mmpd/mmpd.h"
#include "rtnl/link.h"
#include "wire/bytes.h"

#define PACKET_MAX (sizeof(struct ip6_hdr) + sizeof(struct udphdr) + MMP_MAX_LEN)
#define TURN_MAX 256	/* packets in one turn, then others get theirs */
#define TTL 64

static const uint8_t all_nodes_mac[6] = { 0x33, 0x33, 0, 0, 0, 1 };
static const struct roam_addr all_nodes = { .b = { 0xff, 2, [15] = 1 } };

/**
 * struct packet - a received packet
 * @arrival: how it came
 * @dst: destination
 * @v6: it is an IPv6 packet
 * @bytes: the whole packet, link layer excluded
 * @len: its length
 * @data: the message
 * @data_len: its length
 */
struct packet {
	struct mmp_arrival arrival;
	struct roam_addr dst;
	bool v6;
	uint8_t bytes[PACKET_MAX];
	size_t len;
	const uint8_t *data;
	size_t data_len;
};

/**
 * struct net - sockets
 * @mmpd: the daemon
 * @fd: packet sockets, for IPv4 and IPv6
 * @poll: watches them
 * @held: UDP socket, so that nobody else gets the port and no error is sent; takes
 *	host routes
 * @border_poll: watches @held where there are any
 * @sent: counts what leaves with a care-of address; one for each
 * @n_sent: their number
 * @open: handles not closed yet
 * @handling: the packet that the core is about, or NULL
 */
struct net {
	struct mmpd *mmpd;
	int fd[2];
	uv_poll_t poll[2];
	int held;
	uv_poll_t border_poll;
	int sent[MMP_ADDRS_MAX];
	size_t n_sent;
	int open;
	const struct packet *handling;
};

/* ---- keys ---- */

static const struct auth_key *own_key(const struct mmpd *mmpd,
				      const struct roam_addr *coa)
{
	for (size_t i = 0; i < mmpd->n_addrs; i++)
		if (roam_addr_eq(&mmpd->addrs[i], coa))
			return mmpd->addr_keys[i];
	return NULL;
}

/* A key for auth_key_free(): a node makes it for each message. */
static struct auth_key *derived(const struct mmpd *mmpd, const char *purpose,
				const struct mmp_msg *msg, size_t len)
{
	const struct auth_key *key =
		auth_keys_find(mmpd->config->keys, msg->key_id);

	return key ? auth_derive(key, msg->key_id, purpose, msg->coa.b, len) :
		     NULL;
}

/**
 * struct key - the key of a message
 * @key: it, or NULL
 * @own: the same if it was made for this message
 */
struct key {
	const struct auth_key *key;
	struct auth_key *own;
};

static struct key key_of(const struct mmpd *mmpd, const struct mmp_msg *msg)
{
	bool current = msg->key_id == mmpd->config->key_id;
	struct key key = { 0 };

	switch (msg->type) {
	case MMP_GATEWAY_BEACON:
	case MMP_PROBE:
	case MMP_PROBE_REPLY:
	case MMP_TRACE:
	case MMP_TRACE_REPLY:
		if (mmpd->host)
			break;
		if (current)
			key.key = mmpd->node_key;
		else
			key.own = derived(mmpd, "roam mmp node", msg, 0);
		break;
	case MMP_HOST_ROUTE:
	case MMP_HOST_ROUTE_ACK:
		key.own = derived(mmpd, "roam mmp border", msg, 0);
		break;
	case MMP_BS_BEACON:
		if (mmpd->host)
			key.key = auth_keys_find(mmpd->config->keys,
						 msg->key_id);
		else if (current)
			key.key = mmpd->air_key;
		else
			key.own = derived(mmpd, "roam mmp air", msg, 0);
		break;
	default:
		if (mmpd->host)
			key.key = own_key(mmpd, &msg->coa);
		else
			key.own = derived(mmpd, "roam mmp host", msg,
					  sizeof(msg->coa.b));
		break;
	}
	if (key.own)
		key.key = key.own;
	return key;
}

/* ---- sending ---- */

static uint32_t sum_words(uint32_t sum, const uint8_t *p, size_t len)
{
	for (; len > 1; p += 2, len -= 2)
		sum += (uint32_t)(p[0] << 8 | p[1]);
	return len ? sum + (uint32_t)(p[0] << 8) : sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* RFC 768 and RFC 8200 8.1; a sum of zero is sent as all ones. */
static uint16_t udp_sum(const struct roam_addr *src, const struct roam_addr *dst,
			const uint8_t *udp, size_t len)
{
	size_t skip = roam_addr_is_v4(src) ? 12 : 0;
	uint32_t sum = sum_words((uint32_t)len + IPPROTO_UDP, udp, len);
	uint16_t folded;

	sum = sum_words(sum, src->b + skip, sizeof(src->b) - skip);
	sum = sum_words(sum, dst->b + skip, sizeof(dst->b) - skip);
	folded = fold(sum);
	return folded ? folded : 0xffff;
}

static size_t put_ip(uint8_t *p, const struct roam_addr *src,
		     const struct roam_addr *dst, size_t udp_len, uint8_t ttl)
{
	if (roam_addr_is_v4(src)) {
		memset(p, 0, 20);
		p[0] = 0x45;
		p[1] = 0xc0;	/* class selector 6, as routing protocols have */
		bytes_put(p + 2, 20 + udp_len, 2);
		p[6] = 0x40;	/* do not fragment */
		p[8] = ttl;
		p[9] = IPPROTO_UDP;
		memcpy(p + 12, src->b + 12, 4);
		memcpy(p + 16, dst->b + 12, 4);
		bytes_put(p + 10, fold(sum_words(0, p, 20)), 2);
		return 20;
	}
	bytes_put(p, 0x6c000000, 4);
	bytes_put(p + 4, udp_len, 2);
	p[6] = IPPROTO_UDP;
	p[7] = ttl;
	memcpy(p + 8, src->b, 16);
	memcpy(p + 24, dst->b, 16);
	return 40;
}

static void transmit(struct mmpd *mmpd, const struct mmp_hop *to, bool v6,
		     const void *packet, size_t len)
{
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(v6 ? ETH_P_IPV6 : ETH_P_IP),
		.sll_ifindex = (int)to->link,
		.sll_halen = MMP_MAC_LEN,
	};

	memcpy(ll.sll_addr, to->mac, MMP_MAC_LEN);
	if (sendto(mmpd->net->fd[v6], packet, len, 0, (struct sockaddr *)&ll,
		   sizeof(ll)) >= 0)
		return;
	mmpd->counters.send_errors++;
	log_debug("link=%u message not sent: %s", to->link, strerror(errno));
}

static void send_message(struct mmpd *mmpd, const struct mmp_hop *to,
			 const struct roam_addr *src,
			 const struct roam_addr *dst, uint8_t ttl,
			 const struct mmp_msg *msg)
{
	struct key key = key_of(mmpd, msg);
	uint8_t packet[PACKET_MAX], message[MMP_MAX_LEN];
	size_t len = mmp_encode(msg, message), ip;
	uint8_t *udp;

	if (!key.key)
		return;
	auth_sign(key.key, message, len, message + len, MMP_AUTH_LEN);
	auth_key_free(key.own);
	len += MMP_AUTH_LEN;
	ip = put_ip(packet, src, dst, 8 + len, ttl);
	udp = packet + ip;
	bytes_put(udp, mmpd->config->port, 2);
	bytes_put(udp + 2, mmpd->config->port, 2);
	bytes_put(udp + 4, 8 + len, 2);
	bytes_put(udp + 6, 0, 2);
	memcpy(udp + 8, message, len);
	bytes_put(udp + 6, udp_sum(src, dst, udp, 8 + len), 2);
	mmpd->counters.sent[msg->type]++;
	transmit(mmpd, to, !roam_addr_is_v4(src), packet, ip + 8 + len);
}

void net_send(struct mmpd *mmpd, const struct mmp_hop *to,
	      const struct mmp_msg *msg)
{
	static const uint8_t everybody[MMP_MAC_LEN];
	const struct mmpd_link *link = mmpd_link(mmpd, to->link);
	struct mmp_hop hop = *to;
	struct mmp_msg own = *msg;
	struct roam_addr src, dst;

	if (!link)
		return;
	src = rtnl_link_local(link->link.mac);
	dst = rtnl_link_local(to->mac);
	if (!memcmp(to->mac, everybody, sizeof(everybody))) {
		memcpy(hop.mac, all_nodes_mac, sizeof(hop.mac));
		dst = all_nodes;
	}
	/* A base station's beacon names the link-layer address of its link. */
	if (msg->type == MMP_BS_BEACON)
		memcpy(own.l2.bssid, link->link.mac, sizeof(own.l2.bssid));
	send_message(mmpd, &hop, &src, &dst, 1, &own);
}

/* The packet that the core is about goes on as it is, a hop older. */
void net_climb(struct mmpd *mmpd, const struct mmp_hop *to)
{
	const struct packet *p = mmpd->net->handling;
	uint8_t packet[PACKET_MAX];
	uint8_t *ttl = packet + (p->v6 ? 7 : 8);

	memcpy(packet, p->bytes, p->len);
	if (*ttl <= 1)
		return;
	(*ttl)--;
	if (!p->v6) {
		bytes_put(packet + 10, 0, 2);
		bytes_put(packet + 10, fold(sum_words(0, packet, 20)), 2);
	}
	transmit(mmpd, to, p->v6, packet, p->len);
}

/* Of two addresses the one of the family of @like, or none. */
static struct roam_addr same_family(const struct mmp_msg *msg,
				    const struct roam_addr *like)
{
	struct roam_addr none = { { 0 } };

	if (roam_addr_is_v4(&msg->gateway) == roam_addr_is_v4(like))
		return msg->gateway;
	if (!roam_addr_is_none(&msg->gateway6) && !roam_addr_is_v4(like))
		return msg->gateway6;
	return none;
}

void net_answer(struct mmpd *mmpd, const struct mmp_hop *to,
		const struct mmp_msg *msg)
{
	struct roam_addr src = same_family(msg, &msg->coa);

	if (!roam_addr_is_none(&src))
		send_message(mmpd, to, &src, &msg->coa, TTL, msg);
}

void net_host_send(struct mmpd *mmpd, const struct mmp_hop *by,
		   const struct mmp_msg *msg)
{
	struct roam_addr dst = same_family(msg, &msg->coa);

	if (!roam_addr_is_none(&dst))
		send_message(mmpd, by, &msg->coa, &dst, TTL, msg);
}

/* ---- receiving ---- */

static bool read_ip(struct packet *p)
{
	const uint8_t *b = p->bytes;
	size_t total, ip;

	if (p->v6) {
		if (p->len < 48 || b[0] >> 4 != 6 || b[6] != IPPROTO_UDP)
			return false;
		ip = 40;
		total = ip + bytes_get(b + 4, 2);
		memcpy(p->arrival.src.b, b + 8, 16);
		memcpy(p->dst.b, b + 24, 16);
	} else {
		struct in_addr in;

		/* No options, no fragments. */
		if (p->len < 28 || b[0] != 0x45 || b[9] != IPPROTO_UDP ||
		    bytes_get(b + 6, 2) & 0x3fff)
			return false;
		ip = 20;
		total = bytes_get(b + 2, 2);
		memcpy(&in, b + 12, sizeof(in));
		p->arrival.src = roam_addr_from_in(in);
		memcpy(&in, b + 16, sizeof(in));
		p->dst = roam_addr_from_in(in);
	}
	if (total > p->len || total < ip + 8 ||
	    bytes_get(b + ip + 4, 2) != total - ip)
		return false;
	/* Behind it is what fills a short frame up. */
	p->len = total;
	p->data = b + ip + 8;
	p->data_len = total - ip - 8;
	return true;
}

static enum mmp_drop verify(struct mmpd *mmpd, const struct packet *p,
			    const struct mmp_msg *msg, size_t covered)
{
	struct key key = key_of(mmpd, msg);
	bool good;

	if (!key.key)
		return MMP_DROP_KEY;
	good = auth_verify(key.key, p->data, covered, p->data + covered,
			   MMP_AUTH_LEN);
	auth_key_free(key.own);
	return good ? MMP_DROP_NONE : MMP_DROP_AUTH;
}

static bool is_between_neighbours(uint8_t type)
{
	return type == MMP_GATEWAY_BEACON || type == MMP_BS_BEACON ||
	       type == MMP_PROBE || type == MMP_PROBE_REPLY ||
	       type == MMP_TRACE || type == MMP_TRACE_REPLY;
}

/* Others' answers go by, and base stations on one link hear each other. */
static bool concerns(const struct mmpd *mmpd, uint8_t type)
{
	if (mmpd->host)
		return type == MMP_BS_BEACON || type == MMP_ACK;
	return type != MMP_ACK && type != MMP_BS_BEACON &&
	       type != MMP_HOST_ROUTE && type != MMP_HOST_ROUTE_ACK;
}

/* A beacon that was not read yet when its link went down. */
static bool is_of_before(const struct mmpd *mmpd, const struct packet *p,
			 uint8_t type)
{
	const struct mmpd_link *l = mmpd_link(mmpd, p->arrival.from.link);

	return type == MMP_BS_BEACON && l && !l->link.up;
}

static enum mmp_drop handle(struct mmpd *mmpd, const struct packet *p)
{
	struct mmp_msg msg;
	enum mmp_drop drop;
	size_t covered;

	drop = mmp_decode(p->data, p->data_len, &msg, &covered);
	if (drop != MMP_DROP_NONE)
		return drop;
	mmpd->counters.received[msg.type]++;
	if (!concerns(mmpd, msg.type) || is_of_before(mmpd, p, msg.type))
		return MMP_DROP_NONE;
	if (is_between_neighbours(msg.type) !=
	    roam_addr_is_link_local(&p->arrival.src))
		return MMP_DROP_SOURCE;
	if (msg.type == MMP_ACK && !roam_addr_eq(&p->dst, &msg.coa))
		return MMP_DROP_SOURCE;
	drop = verify(mmpd, p, &msg, covered);
	if (drop != MMP_DROP_NONE)
		return drop;
	if (mmpd->host)
		return mmp_host_input(mmpd->host, &p->arrival, &msg);
	return mmp_node_input(mmpd->node, &p->arrival, &msg);
}

static void tell_dropped(struct mmpd *mmpd, const struct packet *p,
			 enum mmp_drop drop)
{
	char from[ROAM_ADDR_STRLEN];
	uint32_t suppressed;

	if (drop == MMP_DROP_NONE)
		return;
	mmpd->counters.drop[drop]++;
	/* What is always there in an orderly domain is no news. */
	if (drop == MMP_DROP_LOOP || drop == MMP_DROP_DUPLICATE)
		return;
	if (limit_allow(&mmpd->log_limit, p->arrival.now, &p->arrival.src,
			&suppressed))
		log_info("from=%s link=%u a message is dropped reason=%s more=%u",
			 roam_addr_format(&p->arrival.src, from),
			 p->arrival.from.link, mmp_drop_name(drop), suppressed);
}

static void receive(struct net *net, struct packet *p)
{
	enum mmp_drop drop;

	if (!mmpd_link(net->mmpd, p->arrival.from.link) || !read_ip(p))
		return;
	net->handling = p;
	drop = handle(net->mmpd, p);
	net->handling = NULL;
	tell_dropped(net->mmpd, p, drop);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct net *net = poll->data;
	bool v6 = poll == &net->poll[1];
	struct packet p;

	(void)status;
	(void)events;
	for (int i = 0; i < TURN_MAX; i++) {
		struct sockaddr_ll ll;
		socklen_t ll_len = sizeof(ll);
		ssize_t len = recvfrom(net->fd[v6], p.bytes, sizeof(p.bytes),
				       MSG_DONTWAIT | MSG_TRUNC,
				       (struct sockaddr *)&ll, &ll_len);

		if (len < 0)
			break;
		if ((size_t)len > sizeof(p.bytes) ||
		    ll.sll_halen != MMP_MAC_LEN ||
		    ll.sll_pkttype == PACKET_OTHERHOST)
			continue;
		p.len = (size_t)len;
		p.v6 = v6;
		p.arrival.now = daemon_now();
		p.arrival.us = mmpd_now_us();
		p.arrival.from.link = (uint32_t)ll.sll_ifindex;
		memcpy(p.arrival.from.mac, ll.sll_addr, MMP_MAC_LEN);
		receive(net, &p);
	}
	mmpd_kick(net->mmpd);
}

/* ---- host routes: ordinary datagrams of the backbone ---- */

void net_border_send(struct mmpd *mmpd, const struct roam_addr *to,
		     const struct mmp_msg *msg)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
				     .sin6_port = htons(mmpd->config->port) };
	struct key key = key_of(mmpd, msg);
	uint8_t message[MMP_MAX_LEN];
	size_t len = mmp_encode(msg, message);

	if (!key.key)
		return;
	auth_sign(key.key, message, len, message + len, MMP_AUTH_LEN);
	auth_key_free(key.own);
	memcpy(&sin6.sin6_addr, to->b, sizeof(to->b));
	mmpd->counters.sent[msg->type]++;
	if (sendto(mmpd->net->held, message, len + MMP_AUTH_LEN, 0,
		   (struct sockaddr *)&sin6, sizeof(sin6)) < 0)
		mmpd->counters.send_errors++;
}

static enum mmp_drop handle_border(struct mmpd *mmpd, struct packet *p)
{
	struct mmp_msg msg;
	enum mmp_drop drop;
	size_t covered;

	drop = mmp_decode(p->data, p->data_len, &msg, &covered);
	if (drop != MMP_DROP_NONE)
		return drop;
	mmpd->counters.received[msg.type]++;
	if (msg.type != MMP_HOST_ROUTE && msg.type != MMP_HOST_ROUTE_ACK)
		return MMP_DROP_ROLE;
	drop = verify(mmpd, p, &msg, covered);
	if (drop != MMP_DROP_NONE)
		return drop;
	return mmp_border_input(mmpd->border, p->arrival.now, &p->arrival.src,
				&msg);
}

static void on_border(uv_poll_t *poll, int status, int events)
{
	struct net *net = poll->data;
	struct packet p;

	(void)status;
	(void)events;
	for (int i = 0; i < TURN_MAX; i++) {
		struct sockaddr_in6 from;
		socklen_t from_len = sizeof(from);
		ssize_t len = recvfrom(net->held, p.bytes, sizeof(p.bytes),
				       MSG_DONTWAIT | MSG_TRUNC,
				       (struct sockaddr *)&from, &from_len);

		if (len < 0)
			break;
		if ((size_t)len > sizeof(p.bytes))
			continue;
		p.data = p.bytes;
		p.data_len = (size_t)len;
		p.arrival = (struct mmp_arrival){ .now = daemon_now() };
		memcpy(p.arrival.src.b, &from.sin6_addr,
		       sizeof(p.arrival.src.b));
		tell_dropped(net->mmpd, &p, handle_border(net->mmpd, &p));
	}
	mmpd_kick(net->mmpd);
}

/* ---- sockets ---- */

static bool set_filter(int fd, struct sock_filter *code, unsigned short n)
{
	struct sock_fprog program = { .len = n, .filter = code };

	return !setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
			   sizeof(program));
}

/* UDP to our port, whole; everything else costs the kernel a few instructions. */
static int open_packet(bool v6, uint16_t port)
{
	struct sock_filter v4_code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 6),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x3fff, 4, 0),
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_filter v6_code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 6),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 3),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 42),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0xffff),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(v6 ? ETH_P_IPV6 : ETH_P_IP),
	};
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool ok;

	if (fd < 0)
		return -1;
	ok = v6 ? set_filter(fd, v6_code, 6) : set_filter(fd, v4_code, 9);
	if (ok && !bind(fd, (struct sockaddr *)&ll, sizeof(ll)))
		return fd;
	close(fd);
	return -1;
}

/*
 * Takes nothing, but where host routes come: what climbs in the domain was taken off the
 * wire already.
 */
static int hold_port(uint16_t port, bool border)
{
	struct sock_filter nothing[] = { BPF_STMT(BPF_RET | BPF_K, 0) };
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6,
				     .sin6_port = htons(port) };
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (!border)
		set_filter(fd, nothing, 1);
	if (!bind(fd, (struct sockaddr *)&sin6, sizeof(sin6)))
		return fd;
	close(fd);
	return -1;
}

/*
 * Counts packets that leave with this source, without ever being woken by one:
 * nothing is read, and the kernel counts what the filter lets through.
 */
static int open_sent(const struct roam_addr *addr)
{
	bool v6 = !roam_addr_is_v4(addr);
	uint32_t at = v6 ? 8 : 12;
	struct sock_filter code[16];
	unsigned short n = 0, words = v6 ? 4 : 1;
	struct sockaddr_ll ll = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ALL) };
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int size = 1;

	if (fd < 0)
		return -1;
	code[n++] = (struct sock_filter)
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, SKF_AD_OFF + SKF_AD_PKTTYPE);
	code[n++] = (struct sock_filter)
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0,
			 (uint8_t)(2 * words + 3));
	code[n++] = (struct sock_filter)
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS,
			 SKF_AD_OFF + SKF_AD_PROTOCOL);
	code[n++] = (struct sock_filter)
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, v6 ? ETH_P_IPV6 : ETH_P_IP,
			 0, (uint8_t)(2 * words + 1));
	for (unsigned short i = 0; i < words; i++) {
		code[n++] = (struct sock_filter)
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at + 4u * i);
		code[n++] = (struct sock_filter)
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
				 (uint32_t)bytes_get(addr->b + (v6 ? 0 : 12) +
						     4 * i, 4),
				 0, (uint8_t)(2 * (words - i) - 1));
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 1);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (set_filter(fd, code, n) &&
	    !bind(fd, (struct sockaddr *)&ll, sizeof(ll)))
		return fd;
	close(fd);
	return -1;
}

bool net_has_transmitted(struct mmpd *mmpd)
{
	struct net *net = mmpd->net;
	bool any = false;

	for (size_t i = 0; i < net->n_sent; i++) {
		struct tpacket_stats stats = { 0 };
		socklen_t len = sizeof(stats);

		/* Reading resets it. */
		if (!getsockopt(net->sent[i], SOL_PACKET, PACKET_STATISTICS,
				&stats, &len))
			any |= stats.tp_packets > 0;
	}
	return any;
}

void net_watch_addresses(struct mmpd *mmpd)
{
	struct net *net = mmpd->net;

	while (net->n_sent)
		close(net->sent[--net->n_sent]);
	for (size_t i = 0; i < mmpd->n_addrs; i++)
		net->sent[net->n_sent++] = open_sent(&mmpd->addrs[i]);
}

char *net_start(struct mmpd *mmpd)
{
	struct net *net = calloc(1, sizeof(*net));

	mmpd->net = net;
	net->mmpd = mmpd;
	net->held = hold_port(mmpd->config->port, mmpd->border);
	net->fd[0] = open_packet(false, mmpd->config->port);
	net->fd[1] = open_packet(true, mmpd->config->port);
	net_watch_addresses(mmpd);
	if (net->held < 0)
		return daemon_error("cannot hold UDP port %u: %s; see: ss -ulpn",
				    mmpd->config->port, strerror(errno));
	if (net->fd[0] < 0 || net->fd[1] < 0)
		return daemon_error("cannot open a packet socket: %s; it needs CAP_NET_RAW",
				    strerror(errno));
	for (int i = 0; i < 2; i++) {
		uv_poll_init(mmpd->loop, &net->poll[i], net->fd[i]);
		net->poll[i].data = net;
		uv_poll_start(&net->poll[i], UV_READABLE, on_readable);
		net->open++;
	}
	if (!mmpd->border)
		return NULL;
	uv_poll_init(mmpd->loop, &net->border_poll, net->held);
	net->border_poll.data = net;
	uv_poll_start(&net->border_poll, UV_READABLE, on_border);
	net->open++;
	return NULL;
}

static void on_closed(uv_handle_t *handle)
{
	struct net *net = handle->data;

	if (--net->open)
		return;
	for (int i = 0; i < 2; i++)
		close(net->fd[i]);
	for (size_t i = 0; i < net->n_sent; i++)
		close(net->sent[i]);
	close(net->held);
	free(net);
}

void net_stop(struct mmpd *mmpd)
{
	for (int i = 0; i < 2; i++)
		uv_close((uv_handle_t *)&mmpd->net->poll[i], on_closed);
	if (mmpd->border)
		uv_close((uv_handle_t *)&mmpd->net->border_poll, on_closed);
}
