// SPDX-License-Identifier: GPL-2.0-or-later
/* roam status: what runs on this host, at a glance. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "genl/mangle.h"
#include "roam/client.h"
#include "roam/cmd/daemons.h"
#include "roam/cmd/mangle.h"
#include "roam/output.h"
#include "roam/roam.h"

static void add_row(json_t *rows, const char *component, const char *item,
		    json_t *value)
{
	json_array_append_new(rows, json_pack("{ss ss so}", "component",
					      component, "item", item, "value",
					      value));
}

/* Sum of the members whose name begins with "drop_". */
static json_int_t count_drops(const json_t *counters)
{
	json_int_t sum = 0;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)counters, key, value)
		if (!strncmp(key, "drop_", 5))
			sum += json_integer_value(value);
	return sum;
}

static void read_version(char *buf, size_t len)
{
	FILE *file = fopen("/sys/module/roam_mangle/version", "re");

	snprintf(buf, len, "loaded");
	if (!file)
		return;
	if (fgets(buf, len, file))
		buf[strcspn(buf, "\n")] = 0;
	fclose(file);
}

static void add_module(json_t *rows)
{
	struct genl *genl = mangle_open(NULL);
	char version[64];
	json_t *stats;

	if (!genl) {
		add_row(rows, "roam_mangle", "state",
			json_string(errno == ENOENT ? "not loaded" :
						      strerror(errno)));
		return;
	}
	read_version(version, sizeof(version));
	add_row(rows, "roam_mangle", "state", json_string(version));
	if (mangle_read_stats(genl, &stats)) {
		stats = NULL;
		add_row(rows, "roam_mangle", "counters",
			json_string(genl_error(genl)));
	} else if (options.statistics) {
		const char *key;
		json_t *value;

		json_object_foreach(stats, key, value)
			add_row(rows, "roam_mangle", key, json_incref(value));
	} else {
		static const char *const shown[] = { "mappings", "peers",
						     "holding" };

		for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
			add_row(rows, "roam_mangle", shown[i],
				json_incref(json_object_get(stats, shown[i])));
		add_row(rows, "roam_mangle", "drops",
			json_integer(count_drops(stats)));
	}
	json_decref(stats);
	genl_close(genl);
}

/* Not for a glance. */
static bool is_aside(const char *key)
{
	static const char *const keys[] = { "daemon", "version", "uptime",
					    "old_care_of", "old_care_of6",
					    "register", "moved" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strcmp(key, keys[i]))
			return true;
	return false;
}

/* The daemon's own status in one value: "12 mappings, 3 hosts, store ok". */
static json_t *summary(json_t *status)
{
	json_t *object = json_is_array(status) ? json_array_get(status, 0) :
						status;
	json_t *value;
	char text[512] = "running";
	const char *key;

	json_object_foreach(object, key, value) {
		size_t used = strlen(text);

		if (is_aside(key))
			continue;
		if (json_is_string(value))
			snprintf(text + used, sizeof(text) - used, ", %s %s",
				 key, json_string_value(value));
		else if (json_is_integer(value))
			snprintf(text + used, sizeof(text) - used,
				 ", %" JSON_INTEGER_FORMAT " %s",
				 json_integer_value(value), key);
	}
	return json_string(text);
}

static void add_daemon(json_t *rows, const struct daemon_entry *entry)
{
	struct client *client = client_open(entry->daemon);
	char name[64];
	json_t *answer, *result;

	snprintf(name, sizeof(name), "roam-%s", entry->daemon);
	if (!client) {
		add_row(rows, name, "state",
			json_string(errno == EACCES ? "no permission" :
						      "not running"));
		return;
	}
	answer = client_send(client, "status", NULL) ? client_read(client) : NULL;
	client_close(client);
	result = json_object_get(answer, "result");
	add_row(rows, name, "state", result ? summary(result) :
					      json_string("does not answer"));
	json_decref(answer);
}

static int status_run(int argc, char **argv)
{
	json_t *rows;

	if (argc)
		return fail(ROAM_USAGE, "roam status",
			    "'%s' is one word too many", argv[0]);
	rows = json_array();
	add_module(rows);
	for (const struct daemon_entry *e = daemons; e->object; e++)
		add_daemon(rows, e);
	output_table(rows, NULL);
	return ROAM_OK;
}

static const struct command status = {
	.name = "status",
	.help = "module and daemons at a glance",
	.run = status_run,
};
ROAM_OBJECT(status)
