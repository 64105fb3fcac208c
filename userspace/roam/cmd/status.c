// SPDX-License-Identifier: GPL-2.0-or-later
/* roam status: what runs on this host, at a glance. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "roam/client.h"
#include "roam/output.h"
#include "roam/registry.h"
#include "roam/roam.h"

static void add_row(json_t *rows, const char *component, const char *item,
		    json_t *value)
{
	json_array_append_new(rows, json_pack("{ss ss so}", "component",
					      component, "item", item, "value",
					      value));
}

static void add_module(json_t *rows, const struct module_entry *entry)
{
	struct genl *genl = entry->open(NULL);
	char version[64];
	json_t *stats;

	if (!genl) {
		add_row(rows, entry->module, "state",
			json_string(errno == ENOENT ? "not loaded" :
						      strerror(errno)));
		return;
	}
	module_version(entry, version, sizeof(version));
	add_row(rows, entry->module, "state",
		json_string(*version ? version : "loaded"));
	if (entry->stats(genl, &stats)) {
		add_row(rows, entry->module, "counters",
			json_string(genl_error(genl)));
		genl_close(genl);
		return;
	}
	if (options.statistics) {
		const char *key;
		json_t *value;

		json_object_foreach(stats, key, value)
			add_row(rows, entry->module, key, json_incref(value));
	} else {
		for (size_t i = 0; entry->states && entry->states[i]; i++)
			add_row(rows, entry->module, entry->states[i],
				json_incref(json_object_get(stats,
							    entry->states[i])));
		add_row(rows, entry->module, "drops",
			json_integer(count_drops(stats)));
	}
	json_decref(stats);
	genl_close(genl);
}

static void add_daemon(json_t *rows, const struct daemon_entry *entry)
{
	json_t *status = client_ask(entry->daemon, "status", NULL);
	int err = errno;
	char name[DAEMON_NAME_LEN], text[512];

	if (status)
		daemon_glance(entry, status, text, sizeof(text));
	else
		snprintf(text, sizeof(text), "%s",
			 err == EACCES ? "no permission" :
			 err ? "not running" : "does not answer");
	add_row(rows, daemon_name(entry, name), "state", json_string(text));
	json_decref(status);
}

static int status_run(int argc, char **argv)
{
	const struct module_entry *module;
	const struct daemon_entry *daemon;
	json_t *rows;

	if (argc)
		return fail(ROAM_USAGE, "roam status",
			    "'%s' is one word too many", argv[0]);
	rows = json_array();
	for (size_t i = 0; (module = module_at(i)); i++)
		add_module(rows, module);
	for (size_t i = 0; (daemon = daemon_at(i)); i++)
		add_daemon(rows, daemon);
	output_table(rows, NULL);
	return ROAM_OK;
}

static const struct command status = {
	.name = "status",
	.help = "modules and daemons at a glance",
	.run = status_run,
};
ROAM_OBJECT(status)
