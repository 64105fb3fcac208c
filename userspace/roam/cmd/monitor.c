// SPDX-License-Identifier: GPL-2.0-or-later
/* roam monitor: events of the modules and of the daemons as they happen. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "roam/client.h"
#include "roam/list.h"
#include "roam/output.h"
#include "roam/registry.h"
#include "roam/roam.h"

/**
 * struct source - something that sends events
 * @object: its name in the output
 * @module: the module, or NULL
 * @genl: the connection to it
 * @client: a daemon, or NULL
 */
struct source {
	const char *object;
	const struct module_entry *module;
	struct genl *genl;
	struct client *client;
};

/* Puts the name of the source in front of the other members. */
static json_t *named(const char *object, json_t *event)
{
	json_t *whole = json_pack("{ss}", "object", object);

	json_object_update(whole, event);
	json_decref(event);
	return whole;
}

static void on_kernel_event(const struct nlmsghdr *nlh, void *ctx)
{
	const struct module_entry *module = ctx;
	json_t *event = module->event(nlh);

	if (event)
		output_event(named(module->object, event));
}

static bool open_module(struct source *source, const struct module_entry *entry)
{
	*source = (struct source){ .object = entry->object, .module = entry };
	source->genl = entry->open(NULL);
	if (!source->genl)
		return false;
	if (!genl_subscribe(source->genl, entry->events))
		return true;
	fail(ROAM_REFUSED, "run it as root", "no events of %s: %s",
	     entry->module, genl_error(source->genl));
	genl_close(source->genl);
	return false;
}

static bool open_daemon(struct source *source, const struct daemon_entry *entry)
{
	json_t *answer;
	bool accepted;

	*source = (struct source){ .object = entry->object };
	source->client = client_open(entry->daemon);
	if (!source->client)
		return false;
	answer = client_send(source->client, "monitor", NULL) ?
		client_read(source->client) : NULL;
	accepted = json_object_get(answer, "result");
	json_decref(answer);
	if (!accepted)
		client_close(source->client);
	return accepted;
}

static void close_source(struct source *source)
{
	if (source->genl)
		genl_close(source->genl);
	client_close(source->client);
}

/* False when the source is gone. */
static bool read_source(struct source *source)
{
	int ret;

	if (source->client) {
		do {
			json_t *event = client_read(source->client);

			if (!event)
				return false;
			output_event(named(source->object, event));
		} while (client_has_line(source->client));
		return true;
	}
	ret = genl_events(source->genl, on_kernel_event,
			  (void *)source->module);
	if (ret == -ENOBUFS)
		output_event(named(source->object,
				   json_pack("{ss}", "event", "lost")));
	return !ret || ret == -ENOBUFS;
}

static bool wanted(const char *object, int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		if (!strcmp(object, argv[i]))
			return true;
	return !argc;
}

static int check_words(int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		const struct module_entry *module = module_find(argv[i]);

		if (!daemon_find(argv[i]) && !(module && module->events))
			return fail(ROAM_USAGE, "roam monitor help",
				    "'%s' sends no events", argv[i]);
	}
	return ROAM_OK;
}

/* Whatever there is of the objects named, or of all: a list of struct source. */
static struct list open_sources(int argc, char **argv)
{
	struct list sources = LIST_OF(struct source);
	const struct module_entry *module;
	const struct daemon_entry *daemon;
	struct source source;

	for (size_t i = 0; (module = module_at(i)); i++)
		if (module->events && wanted(module->object, argc, argv) &&
		    open_module(&source, module))
			list_append(&sources, &source);
	for (size_t i = 0; (daemon = daemon_at(i)); i++)
		if (wanted(daemon->object, argc, argv) &&
		    open_daemon(&source, daemon))
			list_append(&sources, &source);
	return sources;
}

/* Did an event come in one piece with what was read before it? */
static bool has_event(const struct source *source)
{
	return source->client && client_has_line(source->client);
}

/* Waits for events and prints them. False: waiting failed. */
static bool read_sources(struct list *sources, struct pollfd *fds)
{
	int timeout = -1;

	for (size_t i = 0; i < sources->n; i++) {
		const struct source *source = list_at(sources, i);

		fds[i].fd = source->genl ? genl_fd(source->genl) :
					   client_fd(source->client);
		fds[i].events = POLLIN;
		fds[i].revents = 0;
		if (has_event(source))
			timeout = 0;
	}
	if (poll(fds, sources->n, timeout) < 0)
		return errno == EINTR;
	for (size_t i = sources->n; i-- > 0;) {
		struct source *source = list_at(sources, i);

		if (!fds[i].revents && !has_event(source))
			continue;
		if (read_source(source))
			continue;
		output_event(named(source->object,
				   json_pack("{ss}", "event", "gone")));
		close_source(source);
		*source = *(struct source *)list_at(sources, --sources->n);
	}
	return true;
}

static int monitor_run(int argc, char **argv)
{
	int status = check_words(argc, argv);
	struct list sources;
	struct pollfd *fds;

	if (status)
		return status;
	sources = open_sources(argc, argv);
	if (!sources.n)
		return fail(ROAM_NOT_RUNNING, "roam status",
			    "nothing to watch: neither module nor daemon is there");
	fds = calloc(sources.n, sizeof(*fds));
	while (sources.n && read_sources(&sources, fds))
		;
	for (size_t i = 0; i < sources.n; i++)
		close_source(list_at(&sources, i));
	list_free(&sources);
	free(fds);
	return fail(ROAM_NOT_RUNNING, "roam status",
		    "all that was watched is gone");
}

static const struct command monitor = {
	.name = "monitor",
	.args = "[OBJECT...]",
	.help = "events of modules and daemons as they happen",
	.live = registry_objects,
	.run = monitor_run,
};
ROAM_OBJECT(monitor)
