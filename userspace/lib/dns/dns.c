// SPDX-License-Identifier: GPL-2.0-or-later
#include "dns/dns.h"

/* The successors of what we use are not in the c-ares of Debian 12. */
#define CARES_NO_DEPRECATED
#include <ares.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT 1000		/* ms, of the first try */
#define TRIES 3

/**
 * struct watched - one socket of c-ares
 * @poll: watches it
 * @dns: the client
 * @fd: the socket
 * @next: in dns.watched
 */
struct watched {
	uv_poll_t poll;
	struct dns *dns;
	ares_socket_t fd;
	struct watched *next;
};

/**
 * struct dns - the client
 * @loop: the loop
 * @nameserver: see dns_open()
 * @random: see dns_open()
 * @channel: c-ares; made anew when nothing is under way, since the name servers
 *	of a mobile host change as its network does
 * @open: @channel is there
 * @timer: when c-ares wants to repeat a question
 * @watched: its sockets
 * @pending: questions under way
 * @closing: dns_close() was called
 * @closed: @timer is closed, the last question frees this
 */
struct dns {
	uv_loop_t *loop;
	char *nameserver;
	uint64_t (*random)(void);
	ares_channel channel;
	bool open;
	uv_timer_t timer;
	struct watched *watched;
	unsigned int pending;
	bool closing;
	bool closed;
};

/**
 * struct target - a server whose address is asked for
 * @name: its name
 * @port: its port
 */
struct target {
	char *name;
	uint16_t port;
};

/**
 * struct question - one dns_find()
 * @dns: the client
 * @domain: see dns_find()
 * @port: see dns_find()
 * @fn: gets the answer
 * @ctx: for @fn
 * @targets: servers in order
 * @n_targets: their number
 * @asked: how many were asked for
 * @servers: addresses found
 * @n_servers: their number
 * @error: why there is none
 */
struct question {
	struct dns *dns;
	char *domain;
	uint16_t port;
	dns_fn fn;
	void *ctx;
	struct target targets[DNS_SERVERS_MAX];
	size_t n_targets;
	size_t asked;
	struct dns_server servers[DNS_SERVERS_MAX];
	size_t n_servers;
	char error[256];
};

/* ---- order ---- */

static int by_priority(const void *a, const void *b)
{
	const struct dns_srv *x = a, *y = b;

	if (x->priority != y->priority)
		return (x->priority > y->priority) -
		       (x->priority < y->priority);
	/* weight 0 first, so that it has a small chance */
	return (x->weight != 0) - (y->weight != 0);
}

/* Chooses one of @n records of one priority, each as likely as its weight says. */
static size_t draw(const struct dns_srv *records, size_t n, uint64_t dice)
{
	uint64_t sum = 0, running = 0;
	size_t i;

	for (i = 0; i < n; i++)
		sum += records[i].weight;
	dice %= sum + 1;
	for (i = 0; i < n; i++) {
		running += records[i].weight;
		if (running >= dice)
			break;
	}
	return i;
}

void dns_order(struct dns_srv *records, size_t n, uint64_t (*random)(void))
{
	size_t first, same, drawn;
	struct dns_srv chosen;

	qsort(records, n, sizeof(*records), by_priority);
	for (first = 0; first < n; first++) {
		same = 1;
		while (first + same < n && records[first + same].priority ==
					   records[first].priority)
			same++;
		drawn = draw(&records[first], same, random());
		chosen = records[first + drawn];
		memmove(&records[first + 1], &records[first],
			drawn * sizeof(*records));
		records[first] = chosen;
	}
}

/* ---- the loop ---- */

static void on_timer(uv_timer_t *timer);

/* c-ares wants to be called again when its next question times out. */
static void set_timer(struct dns *dns)
{
	struct timeval left, *next;

	if (!dns->open || dns->closing)
		return;
	next = ares_timeout(dns->channel, NULL, &left);
	if (next)
		uv_timer_start(&dns->timer, on_timer,
			       next->tv_sec * 1000 + next->tv_usec / 1000 + 1,
			       0);
	else
		uv_timer_stop(&dns->timer);
}

static void on_timer(uv_timer_t *timer)
{
	struct dns *dns = timer->data;

	ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	set_timer(dns);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
	struct watched *watched = poll->data;
	struct dns *dns = watched->dns;
	ares_socket_t fd = watched->fd;

	/* An error on the socket is for c-ares to see when it reads. */
	ares_process_fd(dns->channel,
			status < 0 || events & UV_READABLE ? fd :
							     ARES_SOCKET_BAD,
			events & UV_WRITABLE ? fd : ARES_SOCKET_BAD);
	set_timer(dns);
}

static void on_watched_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void unwatch(struct dns *dns, ares_socket_t fd)
{
	struct watched **link = &dns->watched, *watched;

	while (*link && (*link)->fd != fd)
		link = &(*link)->next;
	watched = *link;
	if (!watched)
		return;
	*link = watched->next;
	uv_poll_stop(&watched->poll);
	uv_close((uv_handle_t *)&watched->poll, on_watched_closed);
}

static struct watched *watch(struct dns *dns, ares_socket_t fd)
{
	struct watched *watched = dns->watched;

	while (watched && watched->fd != fd)
		watched = watched->next;
	if (watched)
		return watched;
	watched = calloc(1, sizeof(*watched));
	if (!watched || uv_poll_init(dns->loop, &watched->poll, fd)) {
		free(watched);
		return NULL;
	}
	watched->poll.data = watched;
	watched->dns = dns;
	watched->fd = fd;
	watched->next = dns->watched;
	dns->watched = watched;
	return watched;
}

/* c-ares opened or closes a socket, or waits for something else on it. */
static void on_socket(void *ctx, ares_socket_t fd, int readable, int writable)
{
	int events = (readable ? UV_READABLE : 0) |
		     (writable ? UV_WRITABLE : 0);
	struct dns *dns = ctx;
	struct watched *watched;

	if (!events) {
		unwatch(dns, fd);
		return;
	}
	watched = watch(dns, fd);
	/* Not watched, the question times out. */
	if (watched)
		uv_poll_start(&watched->poll, events, on_ready);
}

/* ---- the channel ---- */

static char *sentence(const char *what, int status)
{
	char *text;

	if (asprintf(&text, "%s: %s", what, ares_strerror(status)) < 0)
		abort();
	return text;
}

static void channel_close(struct dns *dns)
{
	if (dns->open)
		ares_destroy(dns->channel);
	dns->open = false;
}

static char *channel_open(struct dns *dns)
{
	struct ares_options options = {
		.flags = ARES_FLAG_EDNS | ARES_FLAG_IGNTC,
		.timeout = TIMEOUT,
		.tries = TRIES,
		.sock_state_cb = on_socket,
		.sock_state_cb_data = dns,
	};
	int status = ares_init_options(&dns->channel, &options,
				       ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS |
				       ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);

	if (status != ARES_SUCCESS)
		return sentence("cannot use DNS", status);
	dns->open = true;
	if (!dns->nameserver)
		return NULL;
	status = ares_set_servers_ports_csv(dns->channel, dns->nameserver);
	if (status == ARES_SUCCESS)
		return NULL;
	channel_close(dns);
	return sentence(dns->nameserver, status);
}

struct dns *dns_open(uv_loop_t *loop, const char *nameserver,
		     uint64_t (*random)(void), char **error)
{
	struct dns *dns = calloc(1, sizeof(*dns));
	int status = ares_library_init(ARES_LIB_INIT_ALL);

	if (!dns || status != ARES_SUCCESS) {
		free(dns);
		*error = sentence("cannot use DNS", status);
		return NULL;
	}
	dns->loop = loop;
	dns->random = random;
	dns->nameserver = nameserver ? strdup(nameserver) : NULL;
	*error = channel_open(dns);
	if (*error) {
		free(dns->nameserver);
		free(dns);
		ares_library_cleanup();
		return NULL;
	}
	uv_timer_init(loop, &dns->timer);
	dns->timer.data = dns;
	return dns;
}

static void dns_free(struct dns *dns)
{
	if (!dns->closed || dns->pending)
		return;
	free(dns->nameserver);
	free(dns);
	ares_library_cleanup();
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct dns *dns = handle->data;

	dns->closed = true;
	dns_free(dns);
}

void dns_close(struct dns *dns)
{
	if (!dns)
		return;
	dns->closing = true;
	channel_close(dns);
	uv_close((uv_handle_t *)&dns->timer, on_timer_closed);
}

/* ---- questions ---- */

static void question_end(struct question *q)
{
	struct dns *dns = q->dns;

	dns->pending--;
	if (!dns->closing)
		q->fn(q->ctx, q->servers, q->n_servers, q->error);
	for (size_t i = 0; i < q->n_targets; i++)
		free(q->targets[i].name);
	free(q->domain);
	free(q);
	dns_free(dns);
}

static void ask_next(struct question *q);

static int by_address(const void *a, const void *b)
{
	return memcmp(&((const struct dns_server *)a)->addr,
		      &((const struct dns_server *)b)->addr, sizeof(struct roam_addr));
}

/*
 * All addresses of a name that have the family of the first one in the order of RFC 6724:
 * behind one name there may be several registers, and one that is left out would know
 * nothing. The other family would be the same ones again. They are sorted, since a name
 * server turns them at each question, and that is no news.
 */
static void take_addresses(struct question *q, const struct target *target,
			   const struct ares_addrinfo_node *node)
{
	size_t first = q->n_servers;
	struct roam_addr addr;
	bool v4 = false;

	for (; node && q->n_servers < DNS_SERVERS_MAX; node = node->ai_next) {
		addr = roam_addr_from_sockaddr(node->ai_addr);
		if (!roam_addr_is_usable(&addr))
			continue;
		if (q->n_servers == first)
			v4 = roam_addr_is_v4(&addr);
		if (roam_addr_is_v4(&addr) == v4)
			q->servers[q->n_servers++] =
				(struct dns_server){ addr, target->port };
	}
	qsort(q->servers + first, q->n_servers - first, sizeof(*q->servers), by_address);
}

static void on_address(void *ctx, int status, int timeouts,
		       struct ares_addrinfo *info)
{
	struct question *q = ctx;
	const struct target *target = &q->targets[q->asked - 1];

	(void)timeouts;
	if (status == ARES_SUCCESS && info->nodes) {
		take_addresses(q, target, info->nodes);
	} else {
		snprintf(q->error, sizeof(q->error), "%s has no address: %s",
			 target->name, ares_strerror(status));
	}
	if (info)
		ares_freeaddrinfo(info);
	ask_next(q);
}

static void ask_next(struct question *q)
{
	const struct ares_addrinfo_hints hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_DGRAM,
	};

	if (q->dns->closing || q->asked == q->n_targets) {
		question_end(q);
		return;
	}
	q->asked++;
	ares_getaddrinfo(q->dns->channel, q->targets[q->asked - 1].name, NULL,
			 &hints, on_address, q);
}

static void add_target(struct question *q, const char *name, uint16_t port)
{
	char *copy = strdup(name);

	if (!copy)
		abort();
	q->targets[q->n_targets++] = (struct target){ copy, port };
}

/* "." as target: the service is decidedly not available. */
static bool is_root(const char *name)
{
	return !*name || !strcmp(name, ".");
}

static void take_records(struct question *q, struct ares_srv_reply *list)
{
	const struct ares_srv_reply *records[DNS_SERVERS_MAX], *r;
	struct dns_srv order[DNS_SERVERS_MAX];
	size_t n = 0;

	for (r = list; r && n < DNS_SERVERS_MAX; r = r->next) {
		records[n] = r;
		order[n] = (struct dns_srv){ r->priority, r->weight, n };
		n++;
	}
	dns_order(order, n, q->dns->random);
	for (size_t i = 0; i < n; i++) {
		r = records[order[i].index];
		if (!is_root(r->host) && r->port)
			add_target(q, r->host, r->port);
	}
	if (!q->n_targets)
		snprintf(q->error, sizeof(q->error),
			 "%s says that it does not offer the service",
			 q->domain);
}

static void on_srv(void *ctx, int status, int timeouts, unsigned char *answer,
		   int len)
{
	struct ares_srv_reply *list = NULL;
	struct question *q = ctx;

	(void)timeouts;
	if (status == ARES_SUCCESS)
		status = ares_parse_srv_reply(answer, len, &list);
	if (status == ARES_SUCCESS && list)
		take_records(q, list);
	else if (status == ARES_ENODATA || status == ARES_ENOTFOUND ||
		 status == ARES_SUCCESS)
		add_target(q, q->domain, q->port);
	else
		snprintf(q->error, sizeof(q->error), "%s: %s", q->domain,
			 ares_strerror(status));
	if (list)
		ares_free_data(list);
	ask_next(q);
}

/**
 * struct begin - a question in the next turn of the loop, since one that fails
 *	at once shall not answer before dns_find() returned
 * @timer: that turn
 * @q: the question
 * @name: of the SRV records
 */
struct begin {
	uv_timer_t timer;
	struct question *q;
	char *name;
};

static void on_begin_closed(uv_handle_t *handle)
{
	struct begin *begin = handle->data;

	free(begin->name);
	free(begin);
}

static void on_begin(uv_timer_t *timer)
{
	struct begin *begin = timer->data;
	struct question *q = begin->q;
	struct dns *dns = q->dns;
	char *error = NULL;

	if (dns->pending == 1 && !dns->closing) {
		channel_close(dns);
		error = channel_open(dns);
	}
	if (dns->open) {
		ares_query(dns->channel, begin->name, ns_c_in, ns_t_srv,
			   on_srv, q);
		set_timer(dns);
	} else {
		snprintf(q->error, sizeof(q->error), "%s",
			 error ? error : "DNS is not available");
		question_end(q);
	}
	free(error);
	uv_close((uv_handle_t *)timer, on_begin_closed);
}

void dns_find(struct dns *dns, const char *service, const char *domain,
	      uint16_t port, dns_fn fn, void *ctx)
{
	struct begin *begin = calloc(1, sizeof(*begin));
	struct question *q = calloc(1, sizeof(*q));

	if (!q || !begin ||
	    asprintf(&begin->name, "%s.%s", service, domain) < 0)
		abort();
	q->dns = dns;
	q->domain = strdup(domain);
	if (!q->domain)
		abort();
	q->port = port;
	q->fn = fn;
	q->ctx = ctx;
	dns->pending++;
	begin->q = q;
	uv_timer_init(dns->loop, &begin->timer);
	begin->timer.data = begin;
	uv_timer_start(&begin->timer, on_begin, 0, 0);
}
