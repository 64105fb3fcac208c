// SPDX-License-Identifier: GPL-2.0-or-later
/* Datagrams over the loopback device, both families. */
#include "core_test.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/udp.h"

#define ROUNDS 500		/* turns of 10 ms until a condition must hold */

/**
 * struct seen - what came in
 * @n: datagrams
 * @largest: most of them in one call
 * @last: the last one; its data is not kept
 * @first_byte: of the last one
 * @refused: unreachable reports
 * @refused_host: whom the last one is about
 * @refused_port: likewise
 * @echo: answer every datagram from this socket
 */
struct seen {
	size_t n;
	size_t largest;
	struct udp_datagram last;
	uint8_t first_byte;
	size_t refused;
	struct roam_addr refused_host;
	uint16_t refused_port;
	struct udp *echo;
};

static uv_loop_t loop;
static uv_timer_t tick;

static void on_receive(void *ctx, const struct udp_datagram *d, size_t n)
{
	struct seen *seen = ctx;

	seen->n += n;
	if (n > seen->largest)
		seen->largest = n;
	seen->last = d[n - 1];
	seen->first_byte = d[n - 1].len ? d[n - 1].data[0] : 0;
	for (size_t i = 0; seen->echo && i < n; i++)
		udp_send(seen->echo, &d[i].from, d[i].from_port, &d[i].to,
			 d[i].data, d[i].len);
}

static void on_unreachable(void *ctx, const struct roam_addr *host,
			   uint16_t port)
{
	struct seen *seen = ctx;

	seen->refused++;
	seen->refused_host = *host;
	seen->refused_port = port;
}

static void on_tick(uv_timer_t *timer)
{
	(void)timer;
}

static int setup(void **state)
{
	(void)state;
	uv_loop_init(&loop);
	uv_timer_init(&loop, &tick);
	uv_timer_start(&tick, on_tick, 10, 10);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	uv_close((uv_handle_t *)&tick, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	return uv_loop_close(&loop);
}

#define run_until(condition)						\
	do {								\
		int rounds_ = 0;					\
									\
		while (!(condition) && rounds_++ < ROUNDS)		\
			uv_run(&loop, UV_RUN_ONCE);			\
		assert_true(condition);					\
	} while (0)

/* A port that was free a moment ago. */
static uint16_t free_port(void)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };
	socklen_t len = sizeof(sin6);
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&sin6, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin6, &len), 0);
	close(fd);
	return ntohs(sin6.sin6_port);
}

static struct udp *open_port(const char *local, uint16_t port,
			     struct seen *seen)
{
	struct roam_addr a = addr(local);
	char *error;
	struct udp *udp = udp_open(&loop, &a, port, on_receive, on_unreachable,
				   seen, &error);

	if (!udp)
		fail_msg("%s", error);
	return udp;
}

static void replies_leave_from_where_the_request_went(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "127.0.0.77", "::1" };
	struct seen server_seen = { 0 }, client_seen = { 0 };
	uint16_t port = free_port(), client_port = free_port();
	struct udp *server = open_port("", port, &server_seen);
	struct udp *client = open_port("", client_port, &client_seen);

	(void)state;
	server_seen.echo = server;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		struct roam_addr host = addr(hosts[i]);

		udp_send(client, &host, port, NULL, "x", 1);
		run_until(client_seen.n == i + 1);
		assert_addr(server_seen.last.to, hosts[i]);
		assert_int_equal(server_seen.last.from_port, client_port);
		assert_addr(client_seen.last.from, hosts[i]);
		assert_int_equal(client_seen.last.from_port, port);
		assert_int_equal(client_seen.last.len, 1);
		assert_int_equal(client_seen.first_byte, 'x');
	}
	assert_int_equal(udp_send_errors(server), 0);
	udp_close(server);
	udp_close(client);
}

static void source_is_chosen_by_the_sender(void **state)
{
	struct seen seen = { 0 };
	uint16_t port = free_port();
	struct udp *udp = open_port("", port, &seen);
	struct roam_addr to = addr("127.0.0.1"), from = addr("127.0.0.66");

	(void)state;
	udp_send(udp, &to, port, &from, "x", 1);
	run_until(seen.n == 1);
	assert_addr(seen.last.from, "127.0.0.66");
	udp_close(udp);
}

static void a_burst_comes_in_batches(void **state)
{
	struct seen seen = { 0 }, none = { 0 };
	uint16_t port = free_port();
	struct udp *server = open_port("127.0.0.1", port, &seen);
	struct udp *client = open_port("127.0.0.1", free_port(), &none);
	struct roam_addr to = addr("127.0.0.1");

	(void)state;
	/* More than the queue holds: it empties itself meanwhile. */
	for (int i = 0; i < 1000; i++)
		udp_send(client, &to, port, NULL, "abcdefgh", 8);
	run_until(seen.n == 1000);
	assert_int_equal(seen.largest, UDP_BATCH);
	assert_int_equal(udp_send_errors(client), 0);
	udp_close(server);
	udp_close(client);
}

/**
 * struct groups - what a server that answers in groups sees
 * @udp: its socket
 * @from: of the last datagram
 * @port: likewise
 * @waiting: received since the last end of a burst
 * @ends: bursts that had any
 * @largest: most in one burst
 */
struct groups {
	struct udp *udp;
	struct roam_addr from;
	uint16_t port;
	size_t waiting;
	size_t ends;
	size_t largest;
};

static void on_group(void *ctx, const struct udp_datagram *d, size_t n)
{
	struct groups *g = ctx;

	g->waiting += n;
	g->from = d[n - 1].from;
	g->port = d[n - 1].from_port;
}

static void on_group_end(void *ctx)
{
	struct groups *g = ctx;

	g->ends += g->waiting > 0;
	if (g->waiting > g->largest)
		g->largest = g->waiting;
	for (; g->waiting; g->waiting--)
		udp_send(g->udp, &g->from, g->port, NULL, "y", 1);
}

static void a_burst_ends_when_nothing_waits(void **state)
{
	struct seen seen = { 0 };
	struct groups g = { 0 };
	struct roam_addr to = addr("127.0.0.1");
	uint16_t port = free_port();
	struct udp *client = open_port("127.0.0.1", free_port(), &seen);
	char *error;

	(void)state;
	g.udp = udp_open(&loop, &to, port, on_group, NULL, &g, &error);
	assert_non_null(g.udp);
	udp_on_burst_end(g.udp, on_group_end);
	for (int i = 0; i < 3 * UDP_BATCH; i++)
		udp_send(client, &to, port, NULL, "x", 1);
	run_until(seen.n == 3 * UDP_BATCH);
	assert_true(g.largest > UDP_BATCH);
	assert_true(g.ends <= 3);
	udp_close(g.udp);
	udp_close(client);
}

static void a_closed_port_is_reported(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "::1" };
	struct seen seen = { 0 };
	uint16_t closed = free_port();
	struct udp *udp = open_port("", free_port(), &seen);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct roam_addr host = addr(hosts[i]);

		udp_send(udp, &host, closed, NULL, "x", 1);
		run_until(seen.refused == i + 1);
		assert_addr(seen.refused_host, hosts[i]);
		assert_int_equal(seen.refused_port, closed);
	}
	udp_close(udp);
}

static void one_lost_datagram_does_not_take_others_along(void **state)
{
	struct seen seen = { 0 };
	uint16_t port = free_port(), closed = free_port();
	struct udp *udp = open_port("", port, &seen);
	struct roam_addr self = addr("127.0.0.1");
	struct roam_addr impossible = addr("192.0.2.1");

	(void)state;
	for (int i = 0; i < 50; i++) {
		udp_send(udp, &self, closed, NULL, "x", 1);
		/* A source that this host does not have. */
		udp_send(udp, &self, port, &impossible, "x", 1);
		udp_send(udp, &self, port, NULL, "y", 1);
	}
	run_until(seen.n == 50);
	assert_int_equal(seen.first_byte, 'y');
	assert_int_equal(udp_send_errors(udp), 50);
	udp_close(udp);
}

static void a_taken_port_is_told(void **state)
{
	struct roam_addr any = { { 0 } };
	struct seen seen = { 0 };
	uint16_t port = free_port();
	struct udp *udp = open_port("", port, &seen);
	char *error;

	(void)state;
	assert_null(udp_open(&loop, &any, port, on_receive, NULL, NULL, &error));
	assert_non_null(strstr(error, "Address already in use"));
	assert_non_null(strstr(error, "ss -ulpn"));
	free(error);
	udp_close(udp);
}

static void last_words_are_sent(void **state)
{
	struct seen seen = { 0 }, none = { 0 };
	uint16_t port = free_port();
	struct udp *server = open_port("", port, &seen);
	struct udp *client = open_port("", free_port(), &none);
	struct roam_addr to = addr("127.0.0.1");

	(void)state;
	udp_send(client, &to, port, NULL, "bye", 3);
	udp_close(client);
	run_until(seen.n == 1);
	udp_close(server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(replies_leave_from_where_the_request_went),
		TEST(source_is_chosen_by_the_sender),
		TEST(a_burst_comes_in_batches),
		TEST(a_burst_ends_when_nothing_waits),
		TEST(a_closed_port_is_reported),
		TEST(one_lost_datagram_does_not_take_others_along),
		TEST(a_taken_port_is_told),
		TEST(last_words_are_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
