// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hosts that talk to a register: each has an address, a key and permanent
 * addresses of its own, and one request outstanding. Every reply is checked:
 * authenticator, nonce, address, and that the care-of address is the one that
 * was registered with the sequence it carries.
 *
 *   load fill|update|query --port PORT --keys FILE [--clients 50]
 *        [--addresses 1000] [--seconds 3] [--entries 1] [--patient]
 *
 * fill registers each address once, 24 in a message; update and query take
 * addresses at random, --entries in each message. --patient is for a register that starts:
 * what is not answered in 200 ms is asked again, and "later" is counted.
 *
 * Prints one JSON object. Exit status 1 when a reply was wrong.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../load.h"

#include "auth/auth.h"
#include "wire/lr.h"

#define CLIENTS_MAX 250
#define BATCH 16		/* so that server and load work at the same time */
#define LATENCY_MAX 100000	/* us */
#define LIFETIME 86400
#define PATIENCE 200000000	/* ns */

enum mode { FILL, UPDATE, QUERY };

/**
 * struct client - one host
 * @key: its key
 * @source: its address, 127.0.1.N
 * @nonce: of the outstanding request
 * @sent: when that left, ns
 * @next: next address to fill
 * @req: the outstanding request
 * @busy: there is one
 */
struct client {
	const struct auth_key *key;
	struct in_addr source;
	uint64_t nonce;
	uint64_t sent;
	uint64_t next;
	struct lr_msg req;
	bool busy;
};

/**
 * struct packet - one datagram with its addresses
 * @data: payload
 * @control: local address
 * @peer: the register
 * @iov: points to @data
 */
struct packet {
	uint8_t data[LR_MAX_LEN];
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(struct in_pktinfo))];
	struct sockaddr_in peer;
	struct iovec iov;
};

static struct {
	enum mode mode;
	unsigned int n_clients;
	unsigned int per_message;
	uint64_t addresses;
	double seconds;
	bool patient;
	struct sockaddr_in server;
	struct client clients[CLIENTS_MAX];
	uint64_t id;
	uint64_t random;
	uint64_t replies;
	uint64_t entries;
	uint64_t later;
	uint64_t again;
	uint64_t first_ok;
	uint32_t latency[LATENCY_MAX + 1];
	struct packet out[CLIENTS_MAX];
	struct mmsghdr out_msgs[CLIENTS_MAX];
	unsigned int n_out;
	int fd;
} load = { .n_clients = 50, .per_message = 1, .addresses = 1000, .seconds = 3 };

static void die(const char *what)
{
	fprintf(stderr, "load: %s\n", what);
	exit(1);
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* xorshift64*: which address comes next need not be a secret. */
static uint64_t draw(void)
{
	load.random ^= load.random >> 12;
	load.random ^= load.random << 25;
	load.random ^= load.random >> 27;
	return load.random * 0x2545f4914f6cdd1d;
}

static void put64(uint8_t *p, uint64_t value)
{
	value = htobe64(value);
	memcpy(p, &value, sizeof(value));
}

/* 2001:db8:CLIENT::INDEX */
static struct roam_addr permanent(unsigned int client, uint64_t index)
{
	struct roam_addr a = { { 0x20, 0x01, 0x0d, 0xb8, client >> 8, client } };

	put64(a.b + 8, index + 1);
	return a;
}

/* fd00::, then what it belongs to: so a reply can be judged without a memory. */
static struct roam_addr care_of(const struct roam_addr *perm, uint64_t seq)
{
	struct roam_addr a = { { 0xfd } };

	memcpy(a.b + 1, perm->b + 5, 1);
	memcpy(a.b + 2, perm->b + 10, 6);
	put64(a.b + 8, seq);
	return a;
}

static uint64_t addresses_of(unsigned int client)
{
	return load.addresses / load.n_clients +
	       (client < load.addresses % load.n_clients);
}

/* False when this client has nothing left to ask. */
static bool make_request(unsigned int i)
{
	struct client *c = &load.clients[i];
	struct lr_msg *m = &c->req;
	uint64_t n = addresses_of(i);
	unsigned int count = load.per_message;

	if (load.mode == FILL) {
		if (c->next >= n)
			return false;
		count = n - c->next < LR_MAX_ENTRIES ? n - c->next :
						       LR_MAX_ENTRIES;
	}
	m->type = load.mode == QUERY ? LR_QUERY : LR_UPDATE;
	m->count = count;
	m->key_id = auth_key_id(c->key);
	/* Queries are taken by the clock, updates by their order. */
	m->id = load.mode == QUERY ? clock_ns(CLOCK_REALTIME) : ++load.id;
	for (unsigned int e = 0; e < count; e++) {
		uint64_t index = load.mode == FILL ? c->next++ : draw() % n;

		memset(&m->entries[e], 0, sizeof(m->entries[e]));
		m->entries[e].perm = permanent(i, index);
		if (load.mode == QUERY)
			continue;
		m->entries[e].seq = load.id;
		m->entries[e].coa = care_of(&m->entries[e].perm, load.id);
		m->entries[e].lifetime = LIFETIME;
	}
	return true;
}

static void queue_request(unsigned int i, uint64_t now)
{
	struct client *c = &load.clients[i];
	struct packet *p = &load.out[load.n_out];
	struct msghdr *msg = &load.out_msgs[load.n_out++].msg_hdr;
	struct in_pktinfo info = { .ipi_spec_dst = c->source };
	struct cmsghdr *cmsg;
	size_t len;

	/* The number of the client in it: the reply finds its way by that. */
	c->nonce = draw() << 8 | i;
	c->req.nonce = c->nonce;
	c->sent = now;
	c->busy = true;
	len = lr_encode(&c->req, p->data);
	auth_sign(c->key, p->data, len, p->data + len, LR_AUTH_LEN);
	p->iov = (struct iovec){ p->data, len + LR_AUTH_LEN };
	*msg = (struct msghdr){
		.msg_name = &load.server, .msg_namelen = sizeof(load.server),
		.msg_iov = &p->iov, .msg_iovlen = 1,
		.msg_control = p->control, .msg_controllen = sizeof(p->control),
	};
	cmsg = CMSG_FIRSTHDR(msg);
	cmsg->cmsg_level = IPPROTO_IP;
	cmsg->cmsg_type = IP_PKTINFO;
	cmsg->cmsg_len = CMSG_LEN(sizeof(info));
	memcpy(CMSG_DATA(cmsg), &info, sizeof(info));
}

static void flush(void)
{
	unsigned int done = 0;

	while (done < load.n_out) {
		int n = sendmmsg(load.fd, load.out_msgs + done,
				 load.n_out - done, 0);

		if (n > 0)
			done += n;
		else if (errno == ECONNREFUSED && load.patient)
			continue;	/* reported by an earlier one */
		else if (errno != EINTR)
			die(strerror(errno));
	}
	load.n_out = 0;
}

static void check_entry(const struct client *c, const struct lr_entry *e,
			const struct lr_entry *asked)
{
	struct roam_addr coa = care_of(&e->perm, e->seq);

	(void)c;
	if (!roam_addr_eq(&e->perm, &asked->perm))
		die("a reply about another address");
	if (e->status == LR_LATER && load.patient) {
		load.later++;
		return;
	}
	if (e->status != LR_OK) {
		fprintf(stderr, "load: %s\n", lr_status_name(e->status));
		exit(1);
	}
	if (!roam_addr_eq(&e->coa, &coa))
		die("a wrong care-of address");
	if (load.mode != QUERY && e->seq != asked->seq)
		die("an acknowledgement of another sequence");
	if (!e->lifetime)
		die("no lifetime left");
	load.entries++;
}

static bool check_reply(const uint8_t *data, size_t len, uint64_t now,
			unsigned int *who)
{
	struct lr_msg m;
	struct client *c;
	size_t covered;
	uint64_t us;

	if (lr_decode(data, len, &m, &covered) != LR_DROP_NONE)
		die("a malformed reply");
	*who = m.nonce & 0xff;
	c = &load.clients[*who];
	if (*who >= load.n_clients || !c->busy || m.nonce != c->nonce) {
		if (load.patient)
			return false;	/* of a request given up */
		die("a reply to nothing");
	}
	if (!auth_verify(c->key, data, covered, data + covered, LR_AUTH_LEN))
		die("a reply with a wrong authenticator");
	if (m.type != (load.mode == QUERY ? LR_ANSWER : LR_ACK) ||
	    m.count != c->req.count || m.id != c->req.id)
		die("a reply to another request");
	for (unsigned int e = 0; e < m.count; e++)
		check_entry(c, &m.entries[e], &c->req.entries[e]);
	us = (now - c->sent) / 1000;
	load.latency[us < LATENCY_MAX ? us : LATENCY_MAX]++;
	load.replies++;
	c->busy = false;
	return true;
}

static void receive(bool asking)
{
	static uint8_t data[BATCH][LR_MAX_LEN];
	struct mmsghdr msgs[BATCH] = { 0 };
	struct iovec iov[BATCH];
	uint64_t now;
	int n;

	for (int i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ data[i], sizeof(data[i]) };
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	n = recvmmsg(load.fd, msgs, BATCH, MSG_DONTWAIT, NULL);
	now = clock_ns(CLOCK_MONOTONIC);
	if (n < 0 && errno != EAGAIN && errno != EINTR &&
	    !(errno == ECONNREFUSED && load.patient))
		die(strerror(errno));
	for (int i = 0; i < n; i++) {
		unsigned int who;
		uint64_t good = load.entries;

		if (!check_reply(data[i], msgs[i].msg_len, now, &who))
			continue;
		if (load.entries > good && !load.first_ok)
			load.first_ok = now;
		if (asking && make_request(who))
			queue_request(who, now);
	}
	flush();
}

/* Asks again what was not answered; false when that may not happen. */
static bool repeat(void)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	for (unsigned int i = 0; i < load.n_clients; i++) {
		struct client *c = &load.clients[i];

		if (!c->busy || now - c->sent < PATIENCE)
			continue;
		if (!load.patient && now - c->sent > 50 * (uint64_t)PATIENCE)
			return false;
		if (load.patient) {
			load.again++;
			queue_request(i, now);
		}
	}
	flush();
	return true;
}

static bool any_busy(void)
{
	for (unsigned int i = 0; i < load.n_clients; i++)
		if (load.clients[i].busy)
			return true;
	return false;
}

static double run(uint64_t *start)
{
	struct pollfd pfd = { load.fd, POLLIN, 0 };
	uint64_t end, last = 0, now;

	*start = clock_ns(CLOCK_MONOTONIC);
	end = *start + (uint64_t)(load.seconds * 1e9);
	for (unsigned int i = 0; i < load.n_clients; i++)
		if (make_request(i))
			queue_request(i, *start);
	flush();
	do {
		now = clock_ns(CLOCK_MONOTONIC);
		if (poll(&pfd, 1, 100) > 0)
			receive(load.mode == FILL || now < end);
		if (now - last > PATIENCE / 4) {
			last = now;
			if (!repeat())
				die("no reply for ten seconds");
		}
	} while (any_busy() && (!load.patient || now < end));
	return (now - *start) / 1e9;
}

static unsigned int percentile(double part)
{
	uint64_t seen = 0;
	unsigned int us;

	for (us = 0; us < LATENCY_MAX; us++) {
		seen += load.latency[us];
		if (seen >= part * load.replies)
			break;
	}
	return us;
}

static void open_socket(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int size = 4 << 20;

	load.fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (load.fd < 0 || bind(load.fd, (struct sockaddr *)&any, sizeof(any)))
		die(strerror(errno));
	setsockopt(load.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
}

static void open_clients(const char *path)
{
	char *error;
	struct auth_keys *keys = path ? auth_keys_load(path, &error) : NULL;

	if (!keys)
		die(path ? error : "--keys FILE is missing");
	for (unsigned int i = 0; i < load.n_clients; i++) {
		load.clients[i].key = auth_keys_find(keys, i + 1);
		load.clients[i].source.s_addr = htonl(0x7f000101 + i);
		if (!load.clients[i].key)
			die("keys 1 to the number of clients are needed");
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "port", required_argument, NULL, 'p' },
		{ "keys", required_argument, NULL, 'k' },
		{ "clients", required_argument, NULL, 'c' },
		{ "addresses", required_argument, NULL, 'a' },
		{ "seconds", required_argument, NULL, 's' },
		{ "entries", required_argument, NULL, 'e' },
		{ "patient", no_argument, NULL, 'P' },
		{ NULL, 0, NULL, 0 },
	};
	const char *keys = NULL;
	uint64_t start;
	double took;
	int opt;

	load.server.sin_family = AF_INET;
	load.server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	while ((opt = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (opt) {
		case 'p':
			load.server.sin_port = htons(load_number(optarg));
			break;
		case 'k':
			keys = optarg;
			break;
		case 'c':
			load.n_clients = load_number(optarg);
			break;
		case 'a':
			load.addresses = strtoull(optarg, NULL, 10);
			break;
		case 's':
			load.seconds = atof(optarg);
			break;
		case 'e':
			load.per_message = load_number(optarg);
			break;
		case 'P':
			load.patient = true;
			break;
		default:
			return 2;
		}
	}
	if (optind != argc - 1 || !load.server.sin_port || !load.n_clients ||
	    load.n_clients > CLIENTS_MAX || !load.per_message ||
	    load.per_message > LR_MAX_ENTRIES || load.addresses < load.n_clients)
		die("usage: see the head of load.c");
	load.mode = !strcmp(argv[optind], "fill") ? FILL :
		    !strcmp(argv[optind], "update") ? UPDATE : QUERY;
	load.id = clock_ns(CLOCK_REALTIME);
	load.random = load.id | 1;
	open_clients(keys);
	open_socket();
	took = run(&start);
	printf("{\"seconds\": %.3f, \"replies\": %llu, \"entries\": %llu, "
	       "\"rate\": %.1f, \"entry_rate\": %.1f, \"later\": %llu, \"again\": %llu, "
	       "\"first_ok\": %.3f, \"p50_us\": %u, \"p99_us\": %u}\n",
	       took, (unsigned long long)load.replies,
	       (unsigned long long)load.entries, load.replies / took,
	       load.entries / took,
	       (unsigned long long)load.later, (unsigned long long)load.again,
	       load.first_ok ? (load.first_ok - start) / 1e9 : -1,
	       percentile(0.5), percentile(0.99));
	return 0;
}
