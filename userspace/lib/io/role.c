// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/role.h"

#include <ifaddrs.h>
#include <jansson.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/table.h"
#include "io/control.h"
#include "rtnl/rtnl.h"

#define AGAIN 200		/* ms between two tries to connect */
#define LOOK 1000		/* ms between two looks at addresses */
#define ROLE_LINE_MAX 262144		/* bytes */

/**
 * struct wire - a connection
 * @pipe: likewise
 * @connect: on its way
 * @client: whose
 * @events: what it asks for: the stream of events, or else single questions
 * @open: the handle is in use
 * @up: connected
 * @buf: what was received and is no whole line yet
 * @len: bytes of it
 */
struct wire {
	uv_pipe_t pipe;
	uv_connect_t connect;
	struct role_client *client;
	bool events;
	bool open;
	bool up;
	char *buf;
	size_t len;
};

/**
 * struct role_client - see role_open()
 * @loop: likewise
 * @path: likewise
 * @group: likewise
 * @fn: likewise
 * @clearance: likewise
 * @ctx: likewise
 * @wires: one for events, one for questions
 * @timer: of the next try, or look
 * @poll: of @watch
 * @watch: says that addresses or links changed; -1 with roam-standbyd
 * @virtual: address whose owner is active, see role_open_address()
 * @role: as told last
 * @tables: as told last
 * @told: @tables has been set
 * @closing: role_close() was called
 * @handles: that are still closing
 */
struct role_client {
	uv_loop_t *loop;
	char *path;
	char *group;
	role_fn fn;
	role_clearance_fn clearance;
	void *ctx;
	struct wire wires[2];
	uv_timer_t timer;
	uv_poll_t poll;
	int watch;
	struct roam_addr virtual;
	struct role role;
	struct role_tables tables;
	bool told;
	bool closing;
	int handles;
};

static void free_client(struct role_client *c)
{
	if (!c->closing || c->handles)
		return;
	free(c->path);
	free(c->group);
	free(c);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct role_client *c = handle->data;

	c->handles--;
	free_client(c);
}

static void on_wire_closed(uv_handle_t *handle)
{
	struct wire *w = handle->data;

	w->open = false;
	free(w->buf);
	w->buf = NULL;
	w->len = 0;
	w->client->handles--;
	free_client(w->client);
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

	if (!w->up || !line || !object)
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

static void ask_role(struct role_client *c)
{
	ask(&c->wires[1], "show", json_pack("{ss}", "group", c->group));
}

static void tell_tables(struct role_client *c)
{
	const struct role_tables *t = &c->tables;
	char router[ROAM_ADDR_STRLEN];

	if (!c->told || roam_addr_is_none(&t->router))
		return;
	ask(&c->wires[1], "table",
	    json_pack("{ss ss sb sb sf sI sI}", "group", c->group, "router",
		      roam_addr_format(&t->router, router), "complete",
		      t->complete, "equal", t->equal, "since",
		      (double)t->since / 1000, "entries",
		      (json_int_t)t->entries, "owed", (json_int_t)t->owed));
}

void role_tell_tables(struct role_client *c, const struct role_tables *tables)
{
	c->tables = *tables;
	c->told = true;
	tell_tables(c);
}

/* ---- what it says ---- */

static void get_addr(const json_t *object, const char *member,
		     struct roam_addr *addr)
{
	const char *word = json_string_value(json_object_get(object, member));

	memset(addr, 0, sizeof(*addr));
	if (word && !roam_addr_parse(word, addr))
		memset(addr, 0, sizeof(*addr));
}

static void on_group(struct role_client *c, const json_t *group)
{
	const char *name = json_string_value(json_object_get(group, "group"));
	const char *state = json_string_value(json_object_get(group, "state"));
	const char *link = json_string_value(json_object_get(group, "link"));
	struct role role = { .link = link ? if_nametoindex(link) : 0 };

	if (!name || strcmp(name, c->group) || !state)
		return;
	snprintf(role.state, sizeof(role.state), "%s", state);
	get_addr(group, "address", &role.own);
	get_addr(group, "active", &role.active);
	get_addr(group, "standby", &role.standby);
	if (!memcmp(&role, &c->role, sizeof(role)))
		return;
	c->role = role;
	c->fn(c->ctx, &role);
}

static void on_event(struct role_client *c, const json_t *event)
{
	const char *name = json_string_value(json_object_get(event, "group"));
	const char *what = json_string_value(json_object_get(event, "event"));

	if (!name || strcmp(name, c->group) || !what)
		return;
	if (!strcmp(what, "clearance"))
		ask(&c->wires[1], "clearance",
		    json_pack("{ss sb}", "group", c->group, "granted",
			      c->clearance(c->ctx)));
	else if (!strcmp(what, "fetch"))
		tell_tables(c);
	ask_role(c);
}

static void on_line(struct wire *w, const char *text, size_t len)
{
	json_t *line = json_loadb(text, len, 0, NULL);
	const json_t *groups = json_object_get(line, "result");

	if (w->events)
		on_event(w->client, line);
	else if (json_is_object(json_array_get(groups, 0)))
		on_group(w->client, json_array_get(groups, 0));
	json_decref(line);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	struct wire *w = handle->data;

	(void)size;
	if (!w->buf)
		w->buf = malloc(ROLE_LINE_MAX);
	*buf = uv_buf_init(w->buf ? w->buf + w->len : NULL,
			   w->buf ? (unsigned int)(ROLE_LINE_MAX - w->len) : 0);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct wire *w = stream->data;
	char *end;

	(void)buf;
	if (n < 0 || (n > 0 && w->len + (size_t)n == ROLE_LINE_MAX)) {
		/* The one without the other would say half of it. */
		hang_up(&w->client->wires[0]);
		hang_up(&w->client->wires[1]);
		return;
	}
	w->len += (size_t)n;
	while (w->up && (end = memchr(w->buf, '\n', w->len))) {
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

	if (status < 0 || w->client->closing) {
		hang_up(w);
		return;
	}
	w->up = true;
	uv_read_start((uv_stream_t *)&w->pipe, on_alloc, on_read);
	if (w->events) {
		ask(w, "monitor", json_object());
		return;
	}
	ask_role(w->client);
	tell_tables(w->client);
}

static void dial(struct role_client *c, struct wire *w)
{
	if (w->open)
		return;
	uv_pipe_init(c->loop, &w->pipe, 0);
	w->pipe.data = w;
	w->open = true;
	c->handles++;
	uv_pipe_connect(&w->connect, &w->pipe, c->path, on_connect);
}

static void on_timer(uv_timer_t *timer)
{
	struct role_client *c = timer->data;

	if (!c->wires[0].open && !c->wires[1].open) {
		dial(c, &c->wires[0]);
		dial(c, &c->wires[1]);
	} else if (c->wires[0].up != c->wires[1].up &&
		   c->wires[0].open != c->wires[1].open) {
		hang_up(&c->wires[0]);
		hang_up(&c->wires[1]);
	}
}

struct role_client *role_open(uv_loop_t *loop, const char *path,
			      const char *beside, const char *group, role_fn fn,
			      role_clearance_fn clearance, void *ctx)
{
	static const char run_dir[] = CONTROL_RUN_DIR "/";
	const char *slash = strrchr(beside, '/');
	struct role_client *c = calloc(1, sizeof(*c));
	char usual[108] = CONTROL_USUAL("standbyd");

	if (!c)
		abort();
	if (strncmp(beside, run_dir, sizeof(run_dir) - 1))
		snprintf(usual, sizeof(usual), "%.*sstandbyd.sock",
			 slash ? (int)(slash - beside + 1) : 0, beside);
	c->loop = loop;
	c->watch = -1;
	c->path = strdup(*path ? path : usual);
	c->group = strdup(group);
	c->fn = fn;
	c->clearance = clearance;
	c->ctx = ctx;
	c->wires[0].events = true;
	for (int i = 0; i < 2; i++)
		c->wires[i].client = c;
	uv_timer_init(loop, &c->timer);
	c->timer.data = c;
	c->handles = 1;
	uv_timer_start(&c->timer, on_timer, 0, AGAIN);
	return c;
}

/* ---- another elector ---- */

/* Here, on a link that carries packets: a backup of FRR has it on a link that does not. */
static bool has_address(const struct roam_addr *addr, unsigned int *link)
{
	struct ifaddrs *list = NULL;
	bool found = false;

	if (getifaddrs(&list))
		return false;
	for (const struct ifaddrs *i = list; i && !found; i = i->ifa_next) {
		struct roam_addr own;

		if (!i->ifa_addr || !(i->ifa_flags & IFF_RUNNING) ||
		    (i->ifa_addr->sa_family != AF_INET &&
		     i->ifa_addr->sa_family != AF_INET6))
			continue;
		own = roam_addr_from_sockaddr(i->ifa_addr);
		found = roam_addr_eq(&own, addr);
		*link = if_nametoindex(i->ifa_name);
	}
	freeifaddrs(list);
	return found;
}

static void look(struct role_client *c)
{
	struct role role = { .own = c->role.own };
	bool active = has_address(&c->virtual, &role.link);

	snprintf(role.state, sizeof(role.state), "%s",
		 active ? "active" : "standby");
	/* Who it is, the elector keeps to itself: whoever has the address. */
	role.active = active ? role.own : c->virtual;
	if (!active)
		role.link = 0;
	if (!memcmp(&role, &c->role, sizeof(role)))
		return;
	c->role = role;
	c->fn(c->ctx, &role);
}

static void on_watch(uv_poll_t *poll, int status, int events)
{
	struct role_client *c = poll->data;

	(void)status;
	(void)events;
	if (rtnl_watch_read(c->watch))
		look(c);
}

static void on_look(uv_timer_t *timer)
{
	look(timer->data);
}

struct role_client *role_open_address(uv_loop_t *loop,
				      const struct roam_addr *virtual,
				      const struct roam_addr *own, role_fn fn,
				      void *ctx)
{
	struct role_client *c = calloc(1, sizeof(*c));

	if (!c)
		abort();
	c->loop = loop;
	c->virtual = *virtual;
	c->role.own = *own;
	c->fn = fn;
	c->ctx = ctx;
	uv_timer_init(loop, &c->timer);
	c->timer.data = c;
	c->handles = 1;
	c->watch = rtnl_watch_open();
	if (c->watch >= 0) {
		uv_poll_init(loop, &c->poll, c->watch);
		c->poll.data = c;
		c->handles++;
		uv_poll_start(&c->poll, UV_READABLE, on_watch);
	}
	/* The timer is for what the kernel does not tell, and for the first time. */
	uv_timer_start(&c->timer, on_look, 0, LOOK);
	return c;
}

bool role_is_connected(const struct role_client *c)
{
	if (!roam_addr_is_none(&c->virtual))
		return *c->role.state;
	return c->wires[0].up && c->wires[1].up;
}

void role_close(struct role_client *c)
{
	if (!c)
		return;
	c->closing = true;
	uv_close((uv_handle_t *)&c->timer, on_handle_closed);
	hang_up(&c->wires[0]);
	hang_up(&c->wires[1]);
	if (c->watch >= 0 && !roam_addr_is_none(&c->virtual)) {
		uv_close((uv_handle_t *)&c->poll, on_handle_closed);
		close(c->watch);
	}
}
