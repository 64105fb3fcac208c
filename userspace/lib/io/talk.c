// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/talk.h"

#include <stdlib.h>
#include <string.h>

#include "base/table.h"

#define AGAIN 200		/* ms between two tries to connect */
#define LINE_MAX_LEN 262144	/* bytes */

/**
 * struct wire - a connection
 * @pipe: likewise
 * @connect: on its way
 * @talk: whose
 * @events: what it asks for: the stream of events, or else single questions
 * @open: the handle is in use
 * @up: connected; for events: and they come
 * @buf: what was received and is no whole line yet
 * @len: bytes of it
 */
struct wire {
	uv_pipe_t pipe;
	uv_connect_t connect;
	struct talk *talk;
	bool events;
	bool open;
	bool up;
	char *buf;
	size_t len;
};

/**
 * struct talk - see talk_open()
 * @loop: likewise
 * @path: likewise
 * @ops: likewise
 * @ctx: likewise
 * @wires: one for events, one for questions
 * @timer: of the next try
 * @closing: talk_close() was called
 * @handles: that are not closed yet
 */
struct talk {
	uv_loop_t *loop;
	char *path;
	const struct talk_ops *ops;
	void *ctx;
	struct wire wires[2];
	uv_timer_t timer;
	bool closing;
	int handles;
};

static void handle_closed(struct talk *t)
{
	if (--t->handles)
		return;
	free(t->path);
	free(t);
}

static void on_timer_closed(uv_handle_t *handle)
{
	handle_closed(handle->data);
}

static void on_wire_closed(uv_handle_t *handle)
{
	struct wire *w = handle->data;

	w->open = false;
	free(w->buf);
	w->buf = NULL;
	w->len = 0;
	handle_closed(w->talk);
}

static void hang_up(struct wire *w)
{
	w->up = false;
	if (w->open && !uv_is_closing((uv_handle_t *)&w->pipe))
		uv_close((uv_handle_t *)&w->pipe, on_wire_closed);
}

/* ---- questions ---- */

/**
 * struct line - on its way out
 * @write: likewise
 * @text: of it
 */
struct line {
	uv_write_t write;
	char *text;
};

static void on_written(uv_write_t *write, int status)
{
	struct line *line = (struct line *)write;

	(void)status;
	free(line->text);
	free(line);
}

/* @args is stolen. */
static void ask(struct wire *w, const char *command, json_t *args)
{
	json_t *object = json_pack("{ss so}", "command", command, "args", args);
	struct line *line = calloc(1, sizeof(*line));
	uv_buf_t buf;

	if (!w->open || uv_is_closing((uv_handle_t *)&w->pipe) || !line ||
	    !object)
		goto out;
	line->text = json_dumps(object, JSON_COMPACT);
	if (!line->text)
		goto out;
	buf = uv_buf_init(line->text, (unsigned int)strlen(line->text) + 1);
	line->text[buf.len - 1] = '\n';
	if (!uv_write(&line->write, (uv_stream_t *)&w->pipe, &buf, 1,
		      on_written)) {
		json_decref(object);
		return;
	}
	free(line->text);
out:
	free(line);
	json_decref(object);
}

bool talk_is_connected(const struct talk *t)
{
	return t->wires[0].up && t->wires[1].up;
}

void talk_ask(struct talk *t, const char *command, json_t *args)
{
	if (talk_is_connected(t))
		ask(&t->wires[1], command, args);
	else
		json_decref(args);
}

/* ---- what it says ---- */

static void on_line(struct wire *w, const char *text, size_t len)
{
	json_t *line = json_loadb(text, len, 0, NULL);
	struct talk *t = w->talk;

	if (w->events && !w->up) {
		/* The answer to "monitor". */
		w->up = true;
		if (talk_is_connected(t))
			t->ops->connected(t->ctx);
	} else if (w->events) {
		t->ops->event(t->ctx, line);
	} else if (json_object_get(line, "result")) {
		t->ops->answer(t->ctx, json_object_get(line, "result"));
	}
	json_decref(line);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	struct wire *w = handle->data;

	(void)size;
	if (!w->buf)
		w->buf = malloc(LINE_MAX_LEN);
	*buf = uv_buf_init(w->buf ? w->buf + w->len : NULL,
			   w->buf ? (unsigned int)(LINE_MAX_LEN - w->len) : 0);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct wire *w = stream->data;
	char *end;

	(void)buf;
	if (n < 0 || (n > 0 && w->len + (size_t)n == LINE_MAX_LEN)) {
		/* The one without the other would say half of it. */
		hang_up(&w->talk->wires[0]);
		hang_up(&w->talk->wires[1]);
		return;
	}
	w->len += (size_t)n;
	while (!uv_is_closing((uv_handle_t *)&w->pipe) && w->len &&
	       (end = memchr(w->buf, '\n', w->len))) {
		size_t len = (size_t)(end - w->buf);

		on_line(w, w->buf, len);
		w->len -= len + 1;
		memmove(w->buf, end + 1, w->len);
	}
}

/* ---- connecting ---- */

static void on_connect(uv_connect_t *connect, int status)
{
	struct wire *w = container_of(connect, struct wire, connect);

	if (status < 0 || w->talk->closing) {
		hang_up(w);
		return;
	}
	uv_read_start((uv_stream_t *)&w->pipe, on_alloc, on_read);
	if (w->events) {
		ask(w, "monitor", json_object());
		return;
	}
	w->up = true;
	if (talk_is_connected(w->talk))
		w->talk->ops->connected(w->talk->ctx);
}

static void dial(struct talk *t, struct wire *w)
{
	uv_pipe_init(t->loop, &w->pipe, 0);
	w->pipe.data = w;
	w->open = true;
	t->handles++;
	uv_pipe_connect(&w->connect, &w->pipe, t->path, on_connect);
}

static void on_timer(uv_timer_t *timer)
{
	struct talk *t = timer->data;

	if (!t->wires[0].open && !t->wires[1].open) {
		dial(t, &t->wires[0]);
		dial(t, &t->wires[1]);
	} else if (t->wires[0].open != t->wires[1].open) {
		hang_up(&t->wires[0]);
		hang_up(&t->wires[1]);
	}
}

struct talk *talk_open(uv_loop_t *loop, const char *path,
		       const struct talk_ops *ops, void *ctx)
{
	struct talk *t = calloc(1, sizeof(*t));

	if (!t)
		abort();
	t->loop = loop;
	t->path = strdup(path);
	t->ops = ops;
	t->ctx = ctx;
	t->wires[0].events = true;
	for (int i = 0; i < 2; i++)
		t->wires[i].talk = t;
	uv_timer_init(loop, &t->timer);
	t->timer.data = t;
	t->handles = 1;
	uv_timer_start(&t->timer, on_timer, 0, AGAIN);
	return t;
}

void talk_close(struct talk *t)
{
	if (!t)
		return;
	t->closing = true;
	uv_close((uv_handle_t *)&t->timer, on_timer_closed);
	hang_up(&t->wires[0]);
	hang_up(&t->wires[1]);
}
