// SPDX-License-Identifier: GPL-2.0-or-later
#include "roam/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "roam/host.h"

#define ENTRIES_MAX 64

/* By object; the last ones stay NULL. */
static const struct daemon_entry *daemons[ENTRIES_MAX + 1];
static const struct module_entry *modules[ENTRIES_MAX + 1];
static size_t n_daemons, n_modules;

void daemon_register(const struct daemon_entry *entry)
{
	const struct command object = {
		.name = entry->object,
		.help = entry->help,
		.commands = entry->commands,
	};
	size_t i = n_daemons++;

	if (i == ENTRIES_MAX)
		abort();
	for (; i && strcmp(daemons[i - 1]->object, entry->object) > 0; i--)
		daemons[i] = daemons[i - 1];
	daemons[i] = entry;
	object_register(&object);
}

void module_register(const struct module_entry *entry)
{
	size_t i = n_modules++;

	if (i == ENTRIES_MAX)
		abort();
	for (; i && strcmp(modules[i - 1]->object, entry->object) > 0; i--)
		modules[i] = modules[i - 1];
	modules[i] = entry;
}

const struct daemon_entry *daemon_at(size_t i)
{
	return daemons[i];
}

const struct module_entry *module_at(size_t i)
{
	return modules[i];
}

const struct daemon_entry *daemon_find(const char *object)
{
	for (size_t i = 0; i < n_daemons; i++)
		if (!strcmp(daemons[i]->object, object))
			return daemons[i];
	return NULL;
}

const struct module_entry *module_find(const char *object)
{
	for (size_t i = 0; i < n_modules; i++)
		if (!strcmp(modules[i]->object, object))
			return modules[i];
	return NULL;
}

json_t *registry_objects(void)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n_modules; i++)
		json_array_append_new(array, json_string(modules[i]->object));
	for (size_t i = 0; i < n_daemons; i++)
		json_array_append_new(array, json_string(daemons[i]->object));
	return array;
}

void module_version(const struct module_entry *entry, char *buf, size_t len)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/%s/version", entry->module);
	host_read_line(path, buf, len);
}

const char *daemon_name(const struct daemon_entry *entry,
			char buf[DAEMON_NAME_LEN])
{
	snprintf(buf, DAEMON_NAME_LEN, "roam-%s", entry->daemon);
	return buf;
}

static bool listed(const char *const *list, const char *word)
{
	for (; *list; list++)
		if (!strcmp(*list, word))
			return true;
	return false;
}

void daemon_glance(const struct daemon_entry *entry, const json_t *status,
		   char *buf, size_t len)
{
	static const char *const aside[] = { "daemon", "version", NULL };
	const char *key;
	json_t *value;

	snprintf(buf, len, "running");
	json_object_foreach((json_t *)status, key, value) {
		size_t used = strlen(buf);

		if (entry->glance ? !listed(entry->glance, key) :
				    listed(aside, key))
			continue;
		if (json_is_string(value))
			snprintf(buf + used, len - used, ", %s %s", key,
				 json_string_value(value));
		else if (json_is_integer(value))
			snprintf(buf + used, len - used,
				 ", %" JSON_INTEGER_FORMAT " %s",
				 json_integer_value(value), key);
	}
}

json_int_t count_drops(const json_t *counters)
{
	json_int_t sum = 0;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)counters, key, value)
		if (!strncmp(key, "drop_", 5))
			sum += json_integer_value(value);
	return sum;
}
