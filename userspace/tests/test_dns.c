// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers by DNS. The name server is dnsmasq, as packaged, on a port of the
 * loopback address.
 */
#include "core_test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dns/dns.h"

#define SERVICE "_roam-lr._udp"
#define WAIT 20000		/* ms for an answer, of whatever kind */

static uint64_t seed = 1;
static char nameserver[32];
static pid_t server = -1;

static uint64_t dice(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed * 0x2545f4914f6cdd1d;
}

static uint64_t zero(void)
{
	return 0;
}

/* ---- the order ---- */

static void priorities_come_first(void **state)
{
	struct dns_srv r[] = { { 20, 1, 0 }, { 10, 0, 1 }, { 30, 9, 2 },
			       { 10, 5, 3 }, { 10, 0, 4 } };

	(void)state;
	dns_order(r, 5, zero);
	assert_int_equal(r[0].priority, 10);
	assert_int_equal(r[2].priority, 10);
	assert_int_equal(r[3].index, 0);
	assert_int_equal(r[4].index, 2);
	/* a dice of 0 finds those of weight 0 */
	assert_int_equal(r[0].weight + r[1].weight, 0);
}

static void weights_are_shares(void **state)
{
	unsigned int first[3] = { 0 }, i;

	(void)state;
	for (i = 0; i < 10000; i++) {
		struct dns_srv r[] = { { 1, 10, 0 }, { 1, 30, 1 },
				       { 1, 60, 2 } };

		dns_order(r, 3, dice);
		first[r[0].index]++;
		assert_int_equal(r[0].index + r[1].index + r[2].index, 3);
	}
	assert_in_range(first[0], 800, 1200);
	assert_in_range(first[1], 2700, 3300);
	assert_in_range(first[2], 5700, 6300);
}

/* ---- the name server ---- */

static int free_port(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, len), 0);
	getsockname(fd, (struct sockaddr *)&sin, &len);
	close(fd);
	return ntohs(sin.sin_port);
}

static int group_setup(void **state)
{
	char port[16];

	(void)state;
	snprintf(port, sizeof(port), "%d", free_port());
	snprintf(nameserver, sizeof(nameserver), "127.0.0.1:%s", port);
	server = fork();
	if (!server) {
		execlp("dnsmasq", "dnsmasq", "-k", "-C", "/dev/null", "-R", "-h",
		       "-p", port, "-a", "127.0.0.1", "--bind-interfaces",
		       "--pid-file=", "--user=root", "--local=/test/",
		       "--srv-host=" SERVICE ".example.test,b.example.test,17435,20,0",
		       "--srv-host=" SERVICE ".example.test,a.example.test,17434,10,0",
		       "--srv-host=" SERVICE ".example.test,gone.example.test,17434,5,0",
		       "--srv-host=" SERVICE ".none.test,nowhere.none.test,17434,1,0",
		       "--host-record=a.example.test,192.0.2.1",
		       "--host-record=b.example.test,2001:db8::2",
		       "--host-record=many.test,192.0.2.12",
		       "--host-record=many.test,192.0.2.11,2001:db8::11",
		       "--host-record=many.test,192.0.2.13",
		       "--host-record=single.test,192.0.2.9", NULL);
		_exit(errno == ENOENT ? 127 : 126);
	}
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	if (server > 0) {
		kill(server, SIGTERM);
		waitpid(server, NULL, 0);
	}
	return 0;
}

/* True if it runs; a machine without dnsmasq skips. */
static void need_server(void)
{
	int status;

	if (server > 0 && waitpid(server, &status, WNOHANG) == server)
		server = -1;
	if (server < 0)
		skip();
}

/** struct answer - what dns_find() found */
struct answer {
	struct dns_server servers[DNS_SERVERS_MAX];
	size_t n;
	char error[256];
	bool came;
	uv_loop_t *loop;
};

static void on_answer(void *ctx, const struct dns_server *servers, size_t n,
		      const char *error)
{
	struct answer *answer = ctx;

	answer->came = true;
	answer->n = n;
	memcpy(answer->servers, servers, n * sizeof(*servers));
	snprintf(answer->error, sizeof(answer->error), "%s", error);
	uv_stop(answer->loop);
}

static void on_patience(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

static void find(const char *at, const char *domain, struct answer *answer)
{
	uv_timer_t patience;
	char *error = NULL;
	uv_loop_t loop;
	struct dns *dns;

	memset(answer, 0, sizeof(*answer));
	uv_loop_init(&loop);
	answer->loop = &loop;
	uv_timer_init(&loop, &patience);
	uv_timer_start(&patience, on_patience, WAIT, 0);
	dns = dns_open(&loop, at, dice, &error);
	assert_non_null(dns);
	dns_find(dns, SERVICE, domain, 17434, on_answer, answer);
	assert_false(answer->came);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_close((uv_handle_t *)&patience, NULL);
	dns_close(dns);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
}

/* The name server needs a moment until it listens. */
static void find_patiently(const char *domain, struct answer *answer)
{
	int tries = 0;

	do {
		need_server();
		if (tries)
			usleep(50000);
		find(nameserver, domain, answer);
	} while (!answer->n && ++tries < 200);
}

static void srv_records_are_followed(void **state)
{
	struct answer answer;

	(void)state;
	find_patiently("example.test", &answer);
	/* one without address is left out, the others stand by priority */
	assert_int_equal(answer.n, 2);
	assert_addr(answer.servers[0].addr, "192.0.2.1");
	assert_int_equal(answer.servers[0].port, 17434);
	assert_addr(answer.servers[1].addr, "2001:db8::2");
	assert_int_equal(answer.servers[1].port, 17435);
}

static void a_name_without_records_is_a_host(void **state)
{
	struct answer answer;

	(void)state;
	find_patiently("single.test", &answer);
	assert_int_equal(answer.n, 1);
	assert_addr(answer.servers[0].addr, "192.0.2.9");
	assert_int_equal(answer.servers[0].port, 17434);
}

/* The name server turns them, and the order stays. */
static void all_addresses_of_a_name_are_taken(void **state)
{
	struct answer answer;

	(void)state;
	need_server();
	for (int i = 0; i < 3; i++) {
		find_patiently("many.test", &answer);
		if (roam_addr_is_v4(&answer.servers[0].addr)) {
			assert_int_equal(answer.n, 3);
			assert_addr(answer.servers[0].addr, "192.0.2.11");
			assert_addr(answer.servers[1].addr, "192.0.2.12");
			assert_addr(answer.servers[2].addr, "192.0.2.13");
		} else {
			assert_int_equal(answer.n, 1);
			assert_addr(answer.servers[0].addr, "2001:db8::11");
		}
	}
}

static void what_is_not_found_has_a_reason(void **state)
{
	struct answer answer;

	(void)state;
	need_server();
	find(nameserver, "unknown.test", &answer);
	assert_true(answer.came);
	assert_int_equal(answer.n, 0);
	assert_non_null(strstr(answer.error, "unknown.test"));
	find(nameserver, "none.test", &answer);
	assert_true(answer.came);
	assert_int_equal(answer.n, 0);
	assert_non_null(strstr(answer.error, "nowhere.none.test"));
}

static void silence_ends(void **state)
{
	struct answer answer;
	char at[32];

	(void)state;
	snprintf(at, sizeof(at), "127.0.0.1:%d", free_port());
	find(at, "example.test", &answer);
	assert_true(answer.came);
	assert_int_equal(answer.n, 0);
	assert_string_not_equal(answer.error, "");
}

static void closing_leaves_nothing(void **state)
{
	struct answer answer = { .n = 0 };
	char *error = NULL;
	uv_loop_t loop;
	struct dns *dns;
	int turn;

	(void)state;
	/* before the question left, and while it waits for the answer */
	for (turn = 0; turn < 2; turn++) {
		uv_loop_init(&loop);
		dns = dns_open(&loop, "127.0.0.1:9", dice, &error);
		assert_non_null(dns);
		dns_find(dns, SERVICE, "example.test", 1, on_answer, &answer);
		if (turn)
			uv_run(&loop, UV_RUN_NOWAIT);
		dns_close(dns);
		uv_run(&loop, UV_RUN_DEFAULT);
		assert_int_equal(uv_loop_close(&loop), 0);
		assert_false(answer.came);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ .name = "MLR-09: records are tried by priority",
		  .test_func = priorities_come_first },
		{ .name = "MLR-09: weights are shares",
		  .test_func = weights_are_shares },
		{ .name = "MLR-09: SRV records lead to registers of both families",
		  .test_func = srv_records_are_followed },
		{ .name = "MLR-09: a name without SRV records is a register",
		  .test_func = a_name_without_records_is_a_host },
		{ .name = "MLR-09: all registers behind one name are taken",
		  .test_func = all_addresses_of_a_name_are_taken },
		{ .name = "MLR-09: what is not found has a reason",
		  .test_func = what_is_not_found_has_a_reason },
		{ .name = "dns: a silent name server is given up",
		  .test_func = silence_ends },
		{ .name = "dns: closing drops what is under way",
		  .test_func = closing_leaves_nothing },
	};

	return cmocka_run_group_tests_name("dns", tests, group_setup,
					   group_teardown);
}
