// SPDX-License-Identifier: GPL-2.0-or-later
#include "roam/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/addr.h"
#include "io/control.h"
#include "roam/roam.h"

#define CLIENT_TIMEOUT 30	/* seconds without a byte of an answer */

/**
 * struct client - a connection
 * @fd: the socket
 * @buf: bytes received and not read yet
 * @len: how many
 * @room: allocated size of @buf
 */
struct client {
	int fd;
	char *buf;
	size_t len;
	size_t room;
};

struct client *client_open(const char *daemon)
{
	struct timeval timeout = { .tv_sec = CLIENT_TIMEOUT };
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct client *client;
	int fd;

	control_path(daemon, addr.sun_path, sizeof(addr.sun_path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return NULL;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		int err = errno;

		close(fd);
		errno = err;
		return NULL;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	client = calloc(1, sizeof(*client));
	client->fd = fd;
	return client;
}

void client_close(struct client *client)
{
	if (!client)
		return;
	close(client->fd);
	free(client->buf);
	free(client);
}

int client_fd(const struct client *client)
{
	return client->fd;
}

pid_t client_pid(const struct client *client)
{
	struct ucred peer = { .pid = 0 };
	socklen_t len = sizeof(peer);

	/* It does not matter who listened: the daemon makes its socket itself. */
	getsockopt(client->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
	return peer.pid;
}

bool client_send(struct client *client, const char *command, json_t *args)
{
	json_t *request = json_pack("{ss so*}", "command", command, "args",
				    args);
	char *text = json_dumps(request, JSON_COMPACT);
	size_t len = strlen(text);
	bool sent;

	text[len++] = '\n';
	sent = send(client->fd, text, len, MSG_NOSIGNAL) == (ssize_t)len;
	free(text);
	json_decref(request);
	return sent;
}

bool client_has_line(const struct client *client)
{
	return client->len && memchr(client->buf, '\n', client->len);
}

json_t *client_read(struct client *client)
{
	size_t searched = 0;
	json_t *value;
	size_t used;
	char *end;

	while (!(end = client->len > searched ?
			memchr(client->buf + searched, '\n',
			       client->len - searched) : NULL)) {
		ssize_t n;

		searched = client->len;
		if (client->room - client->len < 4096) {
			client->room = client->room * 2 + 65536;
			client->buf = realloc(client->buf, client->room);
		}
		n = recv(client->fd, client->buf + client->len,
			 client->room - client->len, 0);
		if (n <= 0)
			return NULL;
		client->len += n;
	}
	value = json_loadb(client->buf, end - client->buf, JSON_ALLOW_NUL,
			   NULL);
	used = end + 1 - client->buf;
	memmove(client->buf, client->buf + used, client->len - used);
	client->len -= used;
	return value;
}

/**
 * struct row - a row of an answer, to be put in order
 * @addr: its permanent address
 * @value: the row
 */
struct row {
	struct roam_addr addr;
	json_t *value;
};

static int compare(const void *a, const void *b)
{
	const struct row *ra = a, *rb = b;

	return roam_addr_cmp(&ra->addr, &rb->addr);
}

/*
 * The register tells its mappings in the order of its table, in parts, and one
 * that moved in the table meanwhile twice.
 */
static json_t *in_order(json_t *result)
{
	size_t n = json_array_size(result);
	struct row *rows = calloc(n + 1, sizeof(*rows));
	json_t *ordered = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *value = json_array_get(result, i);
		const char *perm = json_string_value(
			json_object_get(value, "permanent"));

		rows[i].value = value;
		if (perm)
			roam_addr_parse(perm, &rows[i].addr);
	}
	qsort(rows, n, sizeof(*rows), compare);
	for (size_t i = 0; i < n; i++)
		if (!i || compare(&rows[i - 1], &rows[i]))
			json_array_append(ordered, rows[i].value);
	free(rows);
	json_decref(result);
	return ordered;
}

static json_t *result_of(const char *daemon, const char *command,
			 const json_t *answer)
{
	json_t *result = json_incref(json_object_get(answer, "result"));

	if (!strcmp(daemon, "hlrd") && !strcmp(command, "show") &&
	    json_is_array(result))
		return in_order(result);
	return result;
}

static int report_connect(const char *daemon)
{
	char path[256], hint[64];
	int err = errno;

	control_path(daemon, path, sizeof(path));
	if (err == EACCES || err == EPERM)
		return fail(ROAM_REFUSED, "run it as root or join the group roam",
			    "may not open %s", path);
	snprintf(hint, sizeof(hint), "systemctl start roam-%s", daemon);
	return fail(ROAM_NOT_RUNNING, hint, "roam-%s is not running (%s: %s)",
		    daemon, path, strerror(err));
}

json_t *client_ask(const char *daemon, const char *command, json_t *args)
{
	struct client *client = client_open(daemon);
	json_t *answer, *result;

	if (!client) {
		json_decref(args);
		return NULL;
	}
	answer = client_send(client, command, args) ? client_read(client) : NULL;
	client_close(client);
	result = result_of(daemon, command, answer);
	json_decref(answer);
	errno = 0;
	return result;
}

json_t *client_call(const char *daemon, const char *command, json_t *args,
		    int *status)
{
	struct client *client = client_open(daemon);
	json_t *answer, *error, *result;

	if (!client) {
		*status = report_connect(daemon);
		json_decref(args);
		return NULL;
	}
	answer = client_send(client, command, args) ? client_read(client) : NULL;
	client_close(client);
	result = result_of(daemon, command, answer);
	error = json_object_get(answer, "error");
	if (!answer) {
		*status = fail(ROAM_NOT_RUNNING, "journalctl -u 'roam-*' -e",
			       "roam-%s does not answer", daemon);
	} else if (!result) {
		const char *code, *message, *hint;

		code = json_string_value(json_object_get(error, "code"));
		message = json_string_value(json_object_get(error, "message"));
		hint = json_string_value(json_object_get(error, "hint"));
		*status = fail(code && !strcmp(code, "usage") ? ROAM_USAGE :
								ROAM_REFUSED,
			       hint, "roam-%s: %s", daemon,
			       message ? message : "an answer without sense");
	}
	json_decref(answer);
	return result;
}
