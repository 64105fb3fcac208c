// SPDX-License-Identifier: GPL-2.0-or-later
/* roam monitor: events of the module and of the daemons as they happen. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "genl/mangle.h"
#include "roam/client.h"
#include "roam/cmd/daemons.h"
#include "roam/cmd/mangle.h"
#include "roam/output.h"
#include "roam/roam.h"

#define SOURCES_MAX 8

/**
 * struct source - something that sends events
 * @object: its name in the output
 * @genl: the module, or NULL
 * @client: a daemon, or NULL
 */
struct source {
	const char *object;
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
	static const char *const reasons[] = { "new", "moved", "deleted",
					       "expired", "refreshed" };
	struct mangle_event event;
	json_t *json;

	(void)ctx;
	if (!mangle_event_decode(nlh, &event))
		return;
	json = json_pack("{ss}", "event",
			 event.reason < sizeof(reasons) / sizeof(reasons[0]) ?
			 reasons[event.reason] : "unknown");
	if (event.cmd == ROAM_MANGLE_CMD_MAPPING_NTF)
		json_object_update_new(json, mangle_json_mapping(&event.mapping));
	else
		json_object_update_new(json, mangle_json_peer(&event.peer));
	output_event(named("mangle", json));
}

/*
 * Only the group "events": a listener of "miss" makes the module hold packets
 * for answers that a monitor never gives.
 */
static bool open_kernel(struct source *source)
{
	source->object = "mangle";
	source->genl = mangle_open(NULL);
	if (!source->genl)
		return false;
	if (!genl_subscribe(source->genl, ROAM_MANGLE_MCGRP_EVENTS))
		return true;
	fail(ROAM_REFUSED, "run it as root", "no events of the module: %s",
	     genl_error(source->genl));
	genl_close(source->genl);
	return false;
}

static bool open_daemon(struct source *source, const struct daemon_entry *entry)
{
	json_t *answer;
	bool accepted;

	source->object = entry->object;
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
	ret = genl_events(source->genl, on_kernel_event, NULL);
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
		const struct daemon_entry *entry = daemons;

		while (entry->object && strcmp(entry->object, argv[i]))
			entry++;
		if (!entry->object && strcmp(argv[i], "mangle"))
			return fail(ROAM_USAGE, "roam monitor help",
				    "'%s' sends no events", argv[i]);
	}
	return ROAM_OK;
}

static int monitor_run(int argc, char **argv)
{
	struct source sources[SOURCES_MAX];
	size_t n = 0;
	int status = check_words(argc, argv);

	if (status)
		return status;
	memset(sources, 0, sizeof(sources));
	if (wanted("mangle", argc, argv) && open_kernel(&sources[n]))
		n++;
	for (const struct daemon_entry *e = daemons; e->object; e++) {
		memset(&sources[n], 0, sizeof(sources[n]));
		if (wanted(e->object, argc, argv) && open_daemon(&sources[n], e))
			n++;
	}
	if (!n)
		return fail(ROAM_NOT_RUNNING, "roam status",
			    "nothing to watch: neither module nor daemon is there");

	while (n) {
		struct pollfd fds[SOURCES_MAX];

		for (size_t i = 0; i < n; i++) {
			fds[i].fd = sources[i].genl ? genl_fd(sources[i].genl) :
						      client_fd(sources[i].client);
			fds[i].events = POLLIN;
			fds[i].revents = 0;
		}
		if (poll(fds, n, -1) < 0 && errno != EINTR)
			break;
		for (size_t i = n; i-- > 0;) {
			if (!fds[i].revents || read_source(&sources[i]))
				continue;
			output_event(named(sources[i].object,
					   json_pack("{ss}", "event", "gone")));
			close_source(&sources[i]);
			sources[i] = sources[--n];
		}
	}
	return fail(ROAM_NOT_RUNNING, "roam status",
		    "all that was watched is gone");
}

static const char *const words[] = { "mangle", "hlr", "lr", NULL };

static const struct command monitor = {
	.name = "monitor",
	.args = "[OBJECT...]",
	.help = "events as they happen: mangle, hlr, lr",
	.words = words,
	.run = monitor_run,
};
ROAM_OBJECT(monitor)
