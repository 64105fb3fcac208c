// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/user.h"
#include "io/daemon.h"
#include "io/log.h"

/* Twelve digits of a real number: 11.8, not 11.800000000000001. */
#define CONTROL_JSON (JSON_COMPACT | JSON_REAL_PRECISION(12))

/**
 * struct client - one connection
 * @pipe: the stream
 * @control: its server
 * @next: next client of the server
 * @privileged: may change something, see is_privileged()
 * @monitor: gets events
 * @paused: a reply waits to be written, no request is read meanwhile
 * @parts: the answer under way, where it has parts
 * @first: nothing of @parts was sent yet
 * @in: bytes of the request lines received so far
 * @in_len: how many
 */
struct client {
	uv_pipe_t pipe;
	struct control *control;
	struct client *next;
	bool privileged;
	bool monitor;
	bool paused;
	struct control_parts parts;
	bool first;
	char in[CONTROL_LINE_MAX];
	size_t in_len;
};

/**
 * struct control - see control_open()
 * @pipe: listens
 * @trusted: group whose members may change something, (gid_t)-1 without one
 * @commands: likewise
 * @ctx: likewise
 * @clients: all connections
 * @n_clients: how many
 */
struct control {
	uv_pipe_t pipe;
	gid_t trusted;
	const struct control_command *commands;
	void *ctx;
	struct client *clients;
	unsigned int n_clients;
};

/* A write under way, its text behind it. */
struct write {
	uv_write_t req;
	char text[];
};

static void serve(struct client *client);
static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf);
static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

static void on_client_closed(uv_handle_t *handle)
{
	struct client *client = handle->data;

	free(client->parts.state);
	free(client);
}

static void disconnect(struct client *client)
{
	struct client **p;

	if (uv_is_closing((uv_handle_t *)&client->pipe))
		return;
	for (p = &client->control->clients; *p; p = &(*p)->next) {
		if (*p == client) {
			*p = client->next;
			client->control->n_clients--;
			break;
		}
	}
	uv_close((uv_handle_t *)&client->pipe, on_client_closed);
}

static size_t unsent(struct client *client)
{
	return uv_stream_get_write_queue_size((uv_stream_t *)&client->pipe);
}

static void send_part(struct client *client);

static void on_written(uv_write_t *req, int status)
{
	struct client *client = req->handle->data;

	free(req);
	if (uv_is_closing((uv_handle_t *)&client->pipe))
		return;
	if (status < 0)
		disconnect(client);
	else if (client->parts.next && !unsent(client))
		send_part(client);
	else if (client->paused && !unsent(client))
		serve(client);
}

/* Sends @text, and @end behind it. */
static void send_text(struct client *client, const char *text, size_t len,
		      const char *end)
{
	size_t more = strlen(end);
	struct write *write = malloc(sizeof(*write) + len + more);
	uv_buf_t buf;

	if (!write) {
		disconnect(client);
		return;
	}
	memcpy(write->text, text, len);
	memcpy(write->text + len, end, more);
	buf = uv_buf_init(write->text, len + more);
	if (uv_write(&write->req, (uv_stream_t *)&client->pipe, &buf, 1,
		     on_written)) {
		free(write);
		disconnect(client);
	}
}

static void send_line(struct client *client, const char *text, size_t len)
{
	send_text(client, text, len, "\n");
}

static void send_json(struct client *client, json_t *object)
{
	char *text = object ? json_dumps(object, CONTROL_JSON) : NULL;

	if (text)
		send_line(client, text, strlen(text));
	else
		disconnect(client);
	free(text);
	json_decref(object);
}

/* Appends the next items to @list; false when there are no more. */
static bool take_part(struct client *client, json_t *list)
{
	struct control_parts *parts = &client->parts;
	size_t before = json_array_size(list);

	while (parts->next(client->control->ctx, parts->state, list))
		if (json_array_size(list) > before)
			return true;
	free(parts->state);
	*parts = (struct control_parts){ 0 };
	return false;
}

/*
 * The next part of an answer, when the one before is out: so neither the memory
 * nor the time that a long answer takes at once depends on its length.
 */
static void send_part(struct client *client)
{
	json_t *list = json_array();
	bool more = take_part(client, list);
	char *items = json_dumps(list, CONTROL_JSON), *text = NULL;
	const char *before = client->first ? "{\"result\":[" :
			     json_array_size(list) ? "," : "";

	json_decref(list);
	client->first = false;
	/* The brackets of a part are not those of the whole. */
	if (items && asprintf(&text, "%s%.*s", before, (int)strlen(items) - 2,
			      items + 1) < 0)
		text = NULL;
	free(items);
	if (text)
		send_text(client, text, strlen(text), more ? "" : "]}\n");
	else
		disconnect(client);
	free(text);
}

static json_t *help(const struct control *control)
{
	json_t *list = json_array();

	for (const struct control_command *c = control->commands; c->name; c++)
		json_array_append_new(list,
			json_pack("{ss ss sb}", "command", c->name, "help",
				  c->help, "changes", c->changes));
	json_array_append_new(list, json_pack("{ss ss sb}", "command", "help",
					      "help", "list the commands",
					      "changes", 0));
	json_array_append_new(list, json_pack("{ss ss sb}", "command",
					      "monitor", "help",
					      "stream of events",
					      "changes", 0));
	return list;
}

static json_t *execute(struct client *client, const char *line, size_t len,
		       struct control_error *error)
{
	struct control *control = client->control;
	json_error_t parse_error;
	json_t *request, *result = NULL;
	const char *word;

	request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &parse_error);
	word = json_string_value(json_object_get(request, "command"));
	if (!word) {
		control_refuse(error, "usage",
			       "send {\"command\": \"help\"} in one line",
			       "not a request: %s",
			       request ? "no member \"command\"" :
					 parse_error.text);
		goto out;
	}
	if (!strcmp(word, "help")) {
		result = help(control);
		goto out;
	}
	if (!strcmp(word, "monitor")) {
		client->monitor = true;
		result = json_array();
		goto out;
	}
	for (const struct control_command *c = control->commands; c->name; c++) {
		if (strcmp(c->name, word))
			continue;
		if (c->changes && !client->privileged) {
			control_refuse(error, "refused",
				       "run it as root, as the daemon's user, or in the group of that name",
				       "'%s' changes something and needs privilege",
				       word);
			goto out;
		}
		result = c->fn(control->ctx, json_object_get(request, "args"),
			       error);
		goto out;
	}
	control_refuse(error, "usage", "\"help\" lists the commands",
		       "no command '%s'", word);
out:
	json_decref(request);
	return result;
}

static void handle_line(struct client *client, const char *line, size_t len)
{
	struct control_error error = { .code = "" };
	json_t *result = execute(client, line, len, &error);

	if (result) {
		send_json(client, json_pack("{so}", "result", result));
		return;
	}
	client->parts = error.parts;
	client->first = true;
	if (client->parts.next && !client->monitor) {
		send_part(client);
		return;
	}
	/* Events would come between the parts. */
	if (client->parts.next) {
		result = json_array();
		while (take_part(client, result))
			;
		send_json(client, json_pack("{so}", "result", result));
		return;
	}
	if (!error.code[0])
		control_refuse(&error, "refused", "", "the request failed");
	send_json(client, json_pack("{s{ss+ ss+ ss+}}", "error",
				    "code", error.code, "",
				    "message", error.message, "",
				    "hint", error.hint, ""));
}

/*
 * Answers one of the complete lines that are here: while the reply is not out, the next
 * request waits. So a client costs one reply of memory, and one answer in a turn of the
 * loop: who floods shares the daemon with everybody else (SEC-15).
 */
static void serve(struct client *client)
{
	size_t start = 0;
	char *end;

	client->paused = false;
	if (unsent(client) || client->parts.next) {
		client->paused = true;
	} else if ((end = memchr(client->in, '\n', client->in_len))) {
		handle_line(client, client->in, end - client->in);
		start = end + 1 - client->in;
		/* on_written() goes on. */
		client->paused = true;
	}
	if (uv_is_closing((uv_handle_t *)&client->pipe))
		return;
	memmove(client->in, client->in + start, client->in_len - start);
	client->in_len -= start;
	if (client->paused) {
		uv_read_stop((uv_stream_t *)&client->pipe);
		return;
	}
	if (client->in_len == sizeof(client->in)) {
		static const char too_long[] =
			"{\"error\":{\"code\":\"usage\",\"message\":"
			"\"the request line is too long\",\"hint\":\"\"}}";

		/*
		 * The bytes that follow are the rest of that line, so there is
		 * no way to go on.
		 */
		send_line(client, too_long, sizeof(too_long) - 1);
		disconnect(client);
		return;
	}
	uv_read_start((uv_stream_t *)&client->pipe, on_alloc, on_read);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct client *client = handle->data;

	(void)suggested;
	buf->base = client->in + client->in_len;
	buf->len = sizeof(client->in) - client->in_len;
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct client *client = stream->data;

	(void)buf;
	if (n < 0) {
		disconnect(client);
		return;
	}
	client->in_len += n;
	serve(client);
}

/* The kernel says which groups the peer was in when it connected. */
static bool is_in_group(int fd, gid_t group)
{
	gid_t few[32], *groups = few;
	socklen_t len = sizeof(few);
	bool found = false;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len)) {
		groups = errno == ERANGE ? malloc(len) : NULL;
		if (!groups || getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS,
					  groups, &len))
			len = 0;
	}
	for (size_t i = 0; i < len / sizeof(*groups) && !found; i++)
		found = groups[i] == group;
	if (groups != few)
		free(groups);
	return found;
}

static bool is_privileged(const struct control *control, uv_pipe_t *pipe)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	uv_os_fd_t fd;

	if (uv_fileno((uv_handle_t *)pipe, &fd) ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len))
		return false;
	return cred.uid == 0 || cred.uid == geteuid() ||
	       (control->trusted != (gid_t)-1 &&
		(cred.gid == control->trusted ||
		 is_in_group(fd, control->trusted)));
}

static void on_refused_closed(uv_handle_t *handle)
{
	free(handle);
}

static struct client *client_new(struct control *control, uv_loop_t *loop)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client) {
		log_warning("control socket: out of memory");
		return NULL;
	}
	client->control = control;
	uv_pipe_init(loop, &client->pipe, 0);
	client->pipe.data = client;
	client->next = control->clients;
	control->clients = client;
	control->n_clients++;
	return client;
}

/* It is connected: what it may is what it was when it connected. */
static void client_begin(struct client *client)
{
	client->privileged = is_privileged(client->control, &client->pipe);
	uv_read_start((uv_stream_t *)&client->pipe, on_alloc, on_read);
}

/* Disconnects who was first among those that may only look; false if there is none. */
static bool make_room(struct control *control)
{
	struct client *first = NULL;

	for (struct client *c = control->clients; c; c = c->next)
		if (!c->privileged)
			first = c;
	if (!first)
		return false;
	disconnect(first);
	return true;
}

/*
 * One client more than there is room for. Libuv accepts all that wait before it frees
 * what is closed, so that somebody who connects without pause would fill the memory with
 * clients: the one that is refused has no buffer. Those that may only look keep nobody
 * out who may change something, and so no daemon that asks another one.
 */
static void client_too_many(struct control *control, uv_stream_t *server)
{
	uv_pipe_t *pipe = malloc(sizeof(*pipe));
	struct client *client;
	uv_os_fd_t fd;
	int own;

	if (!pipe)
		return;
	uv_pipe_init(server->loop, pipe, 0);
	if (!uv_accept(server, (uv_stream_t *)pipe) &&
	    is_privileged(control, pipe) && make_room(control) &&
	    !uv_fileno((uv_handle_t *)pipe, &fd)) {
		own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		client = own < 0 ? NULL : client_new(control, server->loop);
		if (client && !uv_pipe_open(&client->pipe, own)) {
			client_begin(client);
		} else if (own >= 0) {
			close(own);
			if (client)
				disconnect(client);
		}
	}
	uv_close((uv_handle_t *)pipe, on_refused_closed);
}

static void on_connection(uv_stream_t *server, int status)
{
	struct control *control = server->data;
	struct client *client;

	if (status < 0)
		return;
	if (control->n_clients == CONTROL_CLIENTS_MAX) {
		client_too_many(control, server);
		return;
	}
	client = client_new(control, server->loop);
	if (!client)
		return;
	if (uv_accept(server, (uv_stream_t *)&client->pipe))
		disconnect(client);
	else
		client_begin(client);
}

/* True if a daemon answers at @path. */
static bool is_alive(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool alive;

	if (fd < 0)
		return false;
	alive = !connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) ||
		errno == EAGAIN;
	close(fd);
	return alive;
}

/* Folders above @path: that of the socket, and the one above, which daemons share. */
static char *make_folders(const char *path)
{
	char *folder, *error = NULL;

	for (const char *slash = *path ? strchr(path + 1, '/') : NULL;
	     slash && !error; slash = strchr(slash + 1, '/')) {
		folder = daemon_error("%.*s", (int)(slash - path), path);
		if (mkdir(folder, 0755) && errno != EEXIST)
			error = daemon_error("cannot make %s: %s; make it by hand or choose another socket with -s",
					     folder, strerror(errno));
		free(folder);
	}
	return error;
}

static char *clear_path(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct stat st;
	char *error;

	if (strlen(path) >= sizeof(addr.sun_path))
		return daemon_error("%s: too long for a socket, at most %zu characters",
				    path, sizeof(addr.sun_path) - 1);
	memcpy(addr.sun_path, path, strlen(path));

	error = make_folders(path);
	if (error)
		return error;
	if (lstat(path, &st))
		return NULL;
	if (!S_ISSOCK(st.st_mode))
		return daemon_error("%s is there and is no socket; remove it or choose another one with -s",
				    path);
	if (is_alive(&addr))
		return daemon_error("another daemon serves %s; stop it or choose another socket with -s",
				    path);
	if (unlink(path))
		return daemon_error("cannot replace the stale socket %s: %s",
				    path, strerror(errno));
	return NULL;
}

static void on_control_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void control_path(const char *daemon, char *buf, size_t len)
{
	const char *folder = getenv("ROAM_RUN_DIR");

	if (folder)
		snprintf(buf, len, "%s/%s.sock", folder, daemon);
	else
		snprintf(buf, len, CONTROL_USUAL("%s"), daemon, daemon);
}

struct control *control_open(uv_loop_t *loop, const char *path,
			     const struct control_command *commands, void *ctx,
			     char **error)
{
	struct control *control;
	mode_t mask;
	int ret;

	*error = clear_path(path);
	if (*error)
		return NULL;
	control = calloc(1, sizeof(*control));
	if (!control) {
		*error = daemon_error("out of memory");
		return NULL;
	}
	control->trusted = user_group(geteuid());
	control->commands = commands;
	control->ctx = ctx;
	uv_pipe_init(loop, &control->pipe, 0);
	control->pipe.data = control;

	/* The socket is never more open than 0660, not for a moment. */
	mask = umask(0117);
	ret = uv_pipe_bind(&control->pipe, path);
	umask(mask);
	if (!ret)
		ret = uv_listen((uv_stream_t *)&control->pipe, 16,
				on_connection);
	if (ret) {
		*error = daemon_error("cannot serve %s: %s; choose another socket with -s",
				      path, uv_strerror(ret));
		uv_close((uv_handle_t *)&control->pipe, on_control_closed);
		return NULL;
	}
	return control;
}

void control_event(struct control *control, json_t *event)
{
	struct client *client, *next;
	char *text = NULL;
	size_t len = 0;

	for (client = control->clients; client; client = next) {
		next = client->next;
		if (!client->monitor)
			continue;
		if (!text) {
			text = json_dumps(event, CONTROL_JSON);
			if (!text)
				break;
			len = strlen(text);
		}
		if (unsent(client) + len > CONTROL_QUEUE_MAX) {
			log_warning("control socket: a monitor does not keep up and is disconnected");
			disconnect(client);
		} else {
			send_line(client, text, len);
		}
	}
	free(text);
	json_decref(event);
}

bool control_is_monitored(const struct control *control)
{
	for (const struct client *c = control->clients; c; c = c->next)
		if (c->monitor)
			return true;
	return false;
}

void control_close(struct control *control)
{
	if (!control)
		return;
	while (control->clients)
		disconnect(control->clients);
	/* Removes the socket file too. */
	uv_close((uv_handle_t *)&control->pipe, on_control_closed);
}

void control_refuse(struct control_error *error, const char *code,
		    const char *hint, const char *fmt, ...)
{
	va_list ap;

	snprintf(error->code, sizeof(error->code), "%s", code);
	snprintf(error->hint, sizeof(error->hint), "%s", hint);
	va_start(ap, fmt);
	vsnprintf(error->message, sizeof(error->message), fmt, ap);
	va_end(ap);
}
