// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/role.h"

#include <ifaddrs.h>
#include <jansson.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/control.h"
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
 * @virtual: address whose owner is active, see role_open_address()
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
}
