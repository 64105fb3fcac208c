// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes at a control socket, in any pieces: each line gets one answer, in order, which
 * is one line of JSON; a line that is too long ends the connection.
 */
#include "fuzz.h"

#include <jansson.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/control.c"

static unsigned int answered;

static json_t *echo(void *ctx, const json_t *args, struct control_error *error)
{
	(void)ctx;
	(void)error;
	answered++;
	return args ? json_incref((json_t *)args) : NULL;
}

static const struct control_command fuzz_commands[] = {
	{ "echo", echo, false, "the arguments" },
	{ "change", echo, true, "changes something" },
	{ NULL, NULL, false, NULL },
};

/* Reads what came back; each line is an object. */
static void read_back(int fd)
{
	static char buf[1 << 20];
	static size_t used;
	ssize_t n;

	if (fd < 0) {
		used = 0;
		return;
	}
	while ((n = recv(fd, buf + used, sizeof(buf) - used, MSG_DONTWAIT)) > 0) {
		char *end;

		used += n;
		while ((end = memchr(buf, '\n', used))) {
			json_t *object = json_loadb(buf, end - buf, 0, NULL);

			check(json_is_object(object));
			check(json_object_size(object) == 1);
			json_decref(object);
			used -= end + 1 - buf;
			memmove(buf, end + 1, used);
		}
		check(used < sizeof(buf));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control control = { .commands = fuzz_commands };
	struct client *client = calloc(1, sizeof(*client));
	struct input in = { data, size };
	uv_loop_t loop;
	int fds[2];

	check(client && !socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds));
	uv_loop_init(&loop);
	uv_pipe_init(&loop, &client->pipe, 0);
	check(!uv_pipe_open(&client->pipe, fds[0]));
	client->pipe.data = client;
	client->control = &control;
	client->privileged = take(&in) & 1;
	control.clients = client;
	control.n_clients = 1;
	uv_read_start((uv_stream_t *)&client->pipe, on_alloc, on_read);
	while (in.left) {
		size_t piece = 1 + take(&in) * 64;

		if (piece > in.left)
			piece = in.left;
		if (send(fds[1], in.p, piece, MSG_NOSIGNAL) < 0)
			break;
		in.p += piece;
		in.left -= piece;
		uv_run(&loop, UV_RUN_NOWAIT);
		read_back(fds[1]);
	}
	for (int i = 0; i < 8; i++) {
		uv_run(&loop, UV_RUN_NOWAIT);
		read_back(fds[1]);
	}
	if (control.clients)
		disconnect(control.clients);
	close(fds[1]);
	uv_run(&loop, UV_RUN_DEFAULT);
	check(!uv_loop_close(&loop));
	read_back(-1);
	return 0;
}
