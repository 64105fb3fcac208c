// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/role.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <jansson.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/control.h"
#include "io/daemon.h"
#include "io/talk.h"
#include "rtnl/watch.h"

#define LOOK 1000		/* ms between two looks at addresses */

/**
 * struct role_client - see role_open()
 * @loop: likewise
 * @group: likewise
 * @fn: likewise
 * @clearance: likewise
 * @ctx: likewise
 * @talk: with roam-standbyd, else NULL
 * @timer: of the next look
 * @poll: of @watch
 * @watch: says that addresses or links changed; -1 with roam-standbyd
 * @virtual: address whose owner is active, see role_open_elector()
 * @fifo: what keepalived says, -1 without
 * @notice: of @fifo
 * @said: what it said last, NULL for nothing yet
 * @line: of which a part has come
 * @line_len: its length
 * @role: as told last
 * @tables: as told last
 * @told: @tables has been set
 * @handles: that are still closing
 */
struct role_client {
	uv_loop_t *loop;
	char *group;
	role_fn fn;
	role_clearance_fn clearance;
	void *ctx;
	struct talk *talk;
	uv_timer_t timer;
	uv_poll_t poll;
	int watch;
	struct roam_addr virtual;
	int fifo;
	uv_poll_t notice;
	const char *said;
	char line[256];
	size_t line_len;
	struct role role;
	struct role_tables tables;
	bool told;
	int handles;
};

static void free_client(struct role_client *c)
{
	if (c->handles)
		return;
	free(c->group);
	free(c);
}

static void on_handle_closed(uv_handle_t *handle)
{
	struct role_client *c = handle->data;

	c->handles--;
	free_client(c);
}

static void ask_role(struct role_client *c)
{
	talk_ask(c->talk, "show", json_pack("{ss}", "group", c->group));
}

static void tell_tables(struct role_client *c)
{
	const struct role_tables *t = &c->tables;
	char router[ROAM_ADDR_STRLEN];

	if (!c->talk || !c->told || roam_addr_is_none(&t->router))
		return;
	talk_ask(c->talk, "table",
		 json_pack("{ss ss sb sb sf sI sI}", "group", c->group,
			   "router", roam_addr_format(&t->router, router),
			   "complete", t->complete, "equal", t->equal, "since",
			   (double)t->since / 1000, "entries",
			   (json_int_t)t->entries, "owed",
			   (json_int_t)t->owed));
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

static void on_event(void *ctx, const json_t *event)
{
	struct role_client *c = ctx;
	const char *name = json_string_value(json_object_get(event, "group"));
	const char *what = json_string_value(json_object_get(event, "event"));

	if (!name || strcmp(name, c->group) || !what)
		return;
	if (!strcmp(what, "clearance"))
		talk_ask(c->talk, "clearance",
			 json_pack("{ss sb}", "group", c->group, "granted",
				   c->clearance(c->ctx)));
	else if (!strcmp(what, "fetch"))
		tell_tables(c);
	ask_role(c);
}

static void on_answer(void *ctx, const json_t *groups)
{
	if (json_is_object(json_array_get(groups, 0)))
		on_group(ctx, json_array_get(groups, 0));
}

static void on_connected(void *ctx)
{
	ask_role(ctx);
	tell_tables(ctx);
}

static const struct talk_ops talk_ops = {
	.connected = on_connected,
	.event = on_event,
	.answer = on_answer,
};

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
	c->fifo = -1;
	c->group = strdup(group);
	c->fn = fn;
	c->clearance = clearance;
	c->ctx = ctx;
	c->talk = talk_open(loop, *path ? path : usual, &talk_ops, c);
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

	if (c->said)
		active = !strcmp(c->said, "active");
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

const char *role_read_notice(const char *line, const char *instance)
{
	char kind[16], name[128], state[16];

	if (sscanf(line, "%15s \"%127[^\"]\" %15s", kind, name, state) != 3 ||
	    (strcmp(kind, "INSTANCE") && strcmp(kind, "GROUP")) ||
	    (*instance && strcmp(name, instance)))
		return NULL;
	if (!strcmp(state, "MASTER"))
		return "active";
	return !strcmp(state, "BACKUP") || !strcmp(state, "FAULT") ||
	       !strcmp(state, "STOP") ? "standby" : NULL;
}

/* A line that is too long is none: what stands behind its beginning is dropped. */
static void read_notices(struct role_client *c, const char *data, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *said;

		if (data[i] != '\n') {
			if (c->line_len < sizeof(c->line))
				c->line[c->line_len++] = data[i];
			continue;
		}
		if (c->line_len < sizeof(c->line)) {
			c->line[c->line_len] = '\0';
			said = role_read_notice(c->line, c->group);
			c->said = said ? said : c->said;
		}
		c->line_len = 0;
	}
}

static void on_notice(uv_poll_t *poll, int status, int events)
{
	struct role_client *c = poll->data;
	char data[1024];
	ssize_t n;

	(void)status;
	(void)events;
	while ((n = read(c->fifo, data, sizeof(data))) > 0)
		read_notices(c, data, (size_t)n);
	look(c);
}

/*
 * Open for both, so that it does not end with the last writer. Whoever else may write
 * to it says who is active, so nobody else may.
 */
static char *open_fifo(struct role_client *c, const char *path)
{
	struct stat st;
	char *error = NULL;

	if (mkfifo(path, 0600) && errno != EEXIST)
		return daemon_error("cannot make the FIFO %s: %s; name it where this daemon may write, such as /run/roam",
				    path, strerror(errno));
	c->fifo = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (c->fifo < 0)
		return daemon_error("cannot read %s: %s; see: ls -l %s", path,
				    strerror(errno), path);
	if (fstat(c->fifo, &st) || !S_ISFIFO(st.st_mode))
		error = daemon_error("%s is no FIFO; remove it, or name another one", path);
	else if (st.st_mode & 022 || (st.st_uid && st.st_uid != geteuid()))
		error = daemon_error("others may write to %s, and so say who is active: chmod 600 %s",
				     path, path);
	if (!error)
		return NULL;
	close(c->fifo);
	return error;
}

struct role_client *role_open_elector(uv_loop_t *loop,
				      const struct role_elector *elector,
				      role_fn fn, void *ctx, char **error)
{
	struct role_client *c = calloc(1, sizeof(*c));

	if (!c)
		abort();
	c->loop = loop;
	c->virtual = elector->virtual;
	c->role.own = elector->own;
	c->fn = fn;
	c->ctx = ctx;
	c->fifo = -1;
	*error = *elector->notify ? open_fifo(c, elector->notify) : NULL;
	if (*error) {
		free(c);
		return NULL;
	}
	c->group = strdup(elector->instance);
	uv_timer_init(loop, &c->timer);
	c->timer.data = c;
	c->handles = 1;
	if (c->fifo >= 0) {
		uv_poll_init(loop, &c->notice, c->fifo);
		c->notice.data = c;
		c->handles++;
		uv_poll_start(&c->notice, UV_READABLE, on_notice);
	}
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
	return talk_is_connected(c->talk);
}

void role_close(struct role_client *c)
{
	if (!c)
		return;
	talk_close(c->talk);
	if (c->talk) {
		free_client(c);
		return;
	}
	uv_close((uv_handle_t *)&c->timer, on_handle_closed);
	if (c->watch >= 0) {
		uv_close((uv_handle_t *)&c->poll, on_handle_closed);
		close(c->watch);
	}
	if (c->fifo >= 0) {
		uv_close((uv_handle_t *)&c->notice, on_handle_closed);
		close(c->fifo);
	}
}
