// SPDX-License-Identifier: GPL-2.0-or-later
#include "core_test.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/control.h"

static char above[72], folder[80], path[96];
static uv_loop_t loop;
static struct control *control;
static bool stop_waiting;

static json_t *echo(void *ctx, const json_t *args, struct control_error *error)
{
	(void)ctx;
	if (args)
		return json_incref((json_t *)args);
	control_refuse(error, "missing", "send args", "%s", "nothing to echo");
	return NULL;
}

static json_t *big(void *ctx, const json_t *args, struct control_error *error)
{
	json_t *list = json_array();

	(void)ctx;
	(void)args;
	(void)error;
	for (int i = 0; i < 200000; i++)
		json_array_append_new(list, json_integer(i));
	return list;
}

static const struct control_command commands[] = {
	{ "echo", echo, false, "the arguments" },
	{ "big", big, false, "a long answer" },
	{ "change", echo, true, "changes something" },
	{ NULL, NULL, false, NULL },
};

static int setup(void **state)
{
	const char *where = getenv("TMPDIR");
	char *error;

	(void)state;
	snprintf(above, sizeof(above), "%s/roam-test-control.XXXXXX",
		 where ? where : "/tmp");
	if (!mkdtemp(above) || rmdir(above))
		return -1;
	/* Two folders are missing: control_open() makes them. */
	snprintf(folder, sizeof(folder), "%s/x", above);
	snprintf(path, sizeof(path), "%s/x.sock", folder);
	uv_loop_init(&loop);
	control = control_open(&loop, path, commands, NULL, &error);
	return control ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	control_close(control);
	uv_run(&loop, UV_RUN_DEFAULT);
	if (!access(path, F_OK))
		return -1;
	return uv_loop_close(&loop) || rmdir(folder) || rmdir(above);
}

static void on_timer(uv_timer_t *timer)
{
	(void)timer;
	stop_waiting = true;
}

/* Runs the loop until it has nothing to do for a moment. */
static void run_loop(void)
{
	uv_timer_t timer;

	stop_waiting = false;
	uv_timer_init(&loop, &timer);
	uv_timer_start(&timer, on_timer, 20, 0);
	while (!stop_waiting)
		uv_run(&loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&loop, UV_RUN_NOWAIT);
}

static int dial(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	memcpy(addr.sun_path, path, strlen(path));
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL),
			 strlen(text));
	run_loop();
}

/* Bytes until the line ends; the loop runs meanwhile. */
static char *hear(int fd)
{
	size_t len = 0, room = 4 << 20;
	char *line = malloc(room);

	for (int idle = 0; idle < 100;) {
		char c;
		ssize_t n = recv(fd, &c, 1, 0);

		if (n == 0)
			break;
		if (n < 0) {
			run_loop();
			idle++;
			continue;
		}
		if (c == '\n') {
			line[len] = 0;
			return line;
		}
		assert_true(len < room - 1);
		line[len++] = c;
	}
	free(line);
	return NULL;
}

static void expect(int fd, const char *wanted)
{
	char *line = hear(fd);

	assert_non_null(line);
	assert_string_equal(line, wanted);
	free(line);
}

static void requests_are_answered_in_order(void **state)
{
	int fd = dial();

	(void)state;
	say(fd, "{\"command\": \"echo\", \"args\": [1]}\n{\"command\"");
	say(fd, ": \"echo\", \"args\": [2]}\n{\"command\": \"echo\"}\n");
	expect(fd, "{\"result\":[1]}");
	expect(fd, "{\"result\":[2]}");
	expect(fd, "{\"error\":{\"code\":\"missing\",\"message\":\"nothing to echo\",\"hint\":\"send args\"}}");
	close(fd);
}

static void nonsense_is_refused(void **state)
{
	static const char *const lines[] = {
		"\n", "x\n", "[]\n", "{}\n", "{\"command\": 3}\n",
		"{\"command\": \"nothing\"}\n", "{\"command\": \"\xff\"}\n",
	};
	int fd = dial();

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char *line;

		say(fd, lines[i]);
		line = hear(fd);
		assert_non_null(line);
		assert_non_null(strstr(line, "\"code\":\"usage\""));
		free(line);
	}
	close(fd);
}

static void help_lists_commands(void **state)
{
	int fd = dial();
	char *line;

	(void)state;
	say(fd, "{\"command\": \"help\"}\n");
	line = hear(fd);
	assert_non_null(strstr(line, "\"command\":\"echo\""));
	assert_non_null(strstr(line, "\"command\":\"monitor\""));
	free(line);
	close(fd);
}

static void own_user_may_change(void **state)
{
	int fd = dial();

	(void)state;
	say(fd, "{\"command\": \"change\", \"args\": {}}\n");
	expect(fd, "{\"result\":{}}");
	close(fd);
}

static void an_endless_line_ends_the_connection(void **state)
{
	char block[4096];
	int fd = dial();
	char *line;

	(void)state;
	memset(block, 'x', sizeof(block));
	for (int i = 0; i < 32; i++) {
		send(fd, block, sizeof(block), MSG_NOSIGNAL);
		run_loop();
	}
	line = hear(fd);
	assert_non_null(line);
	assert_non_null(strstr(line, "too long"));
	free(line);
	assert_null(hear(fd));
	close(fd);
}

static void a_long_answer_arrives_whole(void **state)
{
	json_t *answer;
	int fd = dial();
	char *line;

	(void)state;
	/* The second question waits until the first answer is out. */
	say(fd, "{\"command\": \"big\"}\n{\"command\": \"echo\", \"args\": [1]}\n");
	line = hear(fd);
	assert_non_null(line);
	answer = json_loads(line, 0, NULL);
	assert_int_equal(json_array_size(json_object_get(answer, "result")),
			 200000);
	json_decref(answer);
	free(line);
	expect(fd, "{\"result\":[1]}");
	close(fd);
}

static void monitors_hear_events(void **state)
{
	int fd = dial(), other = dial();

	(void)state;
	say(fd, "{\"command\": \"monitor\"}\n");
	expect(fd, "{\"result\":[]}");
	run_loop();
	control_event(control, json_pack("{ss}", "event", "moved"));
	run_loop();
	expect(fd, "{\"event\":\"moved\"}");
	assert_int_equal(recv(other, (char[1]){ 0 }, 1, 0), -1);
	close(fd);
	close(other);
	run_loop();
	control_event(control, json_pack("{ss}", "event", "nobody hears"));
}

static void a_slow_monitor_is_disconnected(void **state)
{
	char text[8192];
	int fd = dial();
	ssize_t n;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	say(fd, "{\"command\": \"monitor\"}\n");
	for (int i = 0; i < 1000; i++)
		control_event(control, json_pack("{ss}", "event", text));
	run_loop();
	do
		n = recv(fd, text, sizeof(text), 0);
	while (n > 0);
	assert_int_equal(n, 0);
	close(fd);
}

static void a_live_socket_is_left_alone(void **state)
{
	char *error;

	(void)state;
	assert_null(control_open(&loop, path, commands, NULL, &error));
	assert_non_null(strstr(error, "another daemon serves"));
	free(error);
	assert_int_equal(access(path, F_OK), 0);
}

static void a_stale_socket_is_replaced(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct control *second;
	struct stat st;
	char *error;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/stale.sock", folder);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(fd);
	second = control_open(&loop, addr.sun_path, commands, NULL, &error);
	assert_non_null(second);
	assert_int_equal(stat(addr.sun_path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	control_close(second);
	run_loop();
}

/* As somebody who may only look. */
static int dial_as_nobody(void)
{
	int fd;

	assert_int_equal(setegid(65534), 0);
	assert_int_equal(seteuid(65534), 0);
	fd = dial();
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(setegid(0), 0);
	return fd;
}

static void who_may_only_look_keeps_nobody_out(void **state)
{
	int fds[CONTROL_CLIENTS_MAX], more, fd;
	char c;

	(void)state;
	if (geteuid())
		skip();
	assert_int_equal(chmod(above, 0755) || chmod(folder, 0755) ||
			 chmod(path, 0666), 0);
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		fds[i] = dial_as_nobody();
		run_loop();
	}
	more = dial_as_nobody();
	run_loop();
	assert_int_equal(recv(more, &c, 1, 0), 0);
	fd = dial();
	run_loop();
	say(fd, "{\"command\":\"change\",\"args\":[2]}\n");
	expect(fd, "{\"result\":[2]}");
	/* The one that was there first made room; the others stay. */
	assert_int_equal(recv(fds[0], &c, 1, 0), 0);
	assert_int_equal(recv(fds[1], &c, 1, 0), -1);
	close(more);
	close(fd);
	for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
		close(fds[i]);
	run_loop();
}

static void another_file_is_left_alone(void **state)
{
	char name[300];
	char *error;
	FILE *file;

	(void)state;
	snprintf(name, sizeof(name), "%s/file", folder);
	file = fopen(name, "w");
	assert_non_null(file);
	fclose(file);
	assert_null(control_open(&loop, name, commands, NULL, &error));
	assert_non_null(strstr(error, "is no socket"));
	free(error);
	assert_int_equal(unlink(name), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(requests_are_answered_in_order),
		TEST(nonsense_is_refused),
		TEST(help_lists_commands),
		TEST(own_user_may_change),
		TEST(an_endless_line_ends_the_connection),
		TEST(a_long_answer_arrives_whole),
		TEST(monitors_hear_events),
		TEST(a_slow_monitor_is_disconnected),
		TEST(a_live_socket_is_left_alone),
		TEST(a_stale_socket_is_replaced),
		TEST(another_file_is_left_alone),
		TEST(who_may_only_look_keeps_nobody_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
