// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * roam report: everything that whoever reads a bug report asks for, in one
 * document. It holds addresses, and no secret: key files are not read, and
 * what looks like a key is blotted out wherever it comes from.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/utsname.h>

#include "genl/mangle.h"
#include "io/json.h"
#include "io/version.h"
#include "roam/client.h"
#include "roam/cmd/daemons.h"
#include "roam/cmd/doctor.h"
#include "roam/cmd/mangle.h"
#include "roam/host.h"
#include "roam/output.h"
#include "roam/roam.h"

#define ROWS 10			/* of each table, without -d */
#define ROWS_DETAILS 1000
#define DAEMON_ROWS_MAX 10000	/* a daemon is not asked for a larger table */
#define LOG_LINES 100
#define SECRET_DIGITS 32	/* a key of 128 bits; hashes and ids are shorter */
#define SYSLOG_ACTION_READ_ALL 3
#define SYSLOG_ACTION_SIZE_BUFFER 10

static size_t rows(void)
{
	return options.details ? ROWS_DETAILS : ROWS;
}

/* Blots out every long run of hexadecimal digits, in place. */
static void blot(char *text)
{
	for (char *p = text; *p;) {
		size_t n = 0;

		while (isxdigit((unsigned char)p[n]))
			n++;
		if (n >= SECRET_DIGITS)
			memset(p, '*', n);
		p += n ? n : 1;
	}
}

/* A line as JSON, with what is no UTF-8 replaced. */
static json_t *json_line(char *line)
{
	json_t *string;

	blot(line);
	line[strcspn(line, "\n")] = 0;
	for (char *p = line; *p; p++)
		*p = *p == '\t' ? ' ' : *p;
	string = json_string(line);
	if (string)
		return string;
	for (char *p = line; *p; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	return json_string(line);
}

/* ---- who and what ---- */

static void os_name(char *buf, size_t len)
{
	FILE *file = fopen("/etc/os-release", "re");
	char line[256];

	*buf = 0;
	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, "PRETTY_NAME=\"", 13))
			continue;
		line[strcspn(line + 13, "\"\n") + 13] = 0;
		snprintf(buf, len, "%s", line + 13);
	}
	if (file)
		fclose(file);
}

static json_t *versions(void)
{
	char os[256], module[64], time[OUTPUT_TIME_LEN];
	json_t *object;
	struct utsname uts;

	uname(&uts);
	os_name(os, sizeof(os));
	output_now(time, sizeof(time));
	host_read_line("/sys/module/roam_mangle/version", module,
		       sizeof(module));
	object = json_pack("{ss ss so ss ss ss so sI}",
			   "time", time,
			   "roam", ROAM_VERSION,
			   "roam_mangle", *module ? json_string(module) :
						    json_null(),
			   "kernel", uts.release,
			   "kernel_build", uts.version,
			   "machine", uts.machine,
			   "system", *os ? json_string(os) : json_null(),
			   "tainted", (json_int_t)
			   host_read_number("/proc/sys/kernel/tainted"));
	return object;
}

/* What modprobe options can be set, and are. */
static json_t *parameters(void)
{
	static const char folder[] = "/sys/module/roam_mangle/parameters";
	json_t *object = json_object();
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	char path[512], value[256];

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		host_read_line(path, value, sizeof(value));
		json_object_set_new(object, entry->d_name, json_line(value));
	}
	if (dir)
		closedir(dir);
	return object;
}

/* ---- the module ---- */

static json_t *take(struct list *list, json_t *(*json)(const struct list *, size_t))
{
	json_t *array = json(list, rows());

	list_free(list);
	return array;
}

static void add_module(json_t *report)
{
	struct genl *genl = mangle_open(NULL);
	struct mangle_config config;
	struct list list;
	json_t *value;

	if (!genl) {
		json_object_set_new(report, "module",
				    json_string(errno == ENOENT ?
						"not loaded" :
						strerror(errno)));
		return;
	}
	json_object_set_new(report, "module",
			    json_string(mangle_config_get(genl, &config) ?
					genl_error(genl) : "answers"));
	json_object_set_new(report, "parameters", parameters());
	if (!mangle_config_get(genl, &config))
		json_object_set_new(report, "settings",
				    mangle_json_config(&config));
	if (!mangle_read_ranges(genl, &value))
		json_object_set_new(report, "prefixes", value);
	if (!mangle_read_stats(genl, &value))
		json_object_set_new(report, "counters", value);
	if (!mangle_read_mappings(genl, &list, NULL))
		json_object_set_new(report, "mappings",
				    take(&list, mangle_json_mappings));
	if (!mangle_read_peers(genl, &list, NULL))
		json_object_set_new(report, "correspondents",
				    take(&list, mangle_json_peers));
	genl_close(genl);
}

/* ---- the daemons ---- */

/* Of a table the first rows; of a list of one its element. */
static json_t *shortened(json_t *value)
{
	if (json_array_size(value) == 1 &&
	    json_is_object(json_array_get(value, 0)))
		return value;
	while (json_array_size(value) > rows())
		json_array_remove(value, json_array_size(value) - 1);
	return value;
}

/* How many rows a daemon's tables have at most, by its own status. */
static json_int_t largest(const json_t *status)
{
	const json_t *object = json_is_array(status) ? json_array_get(status, 0) :
						       status;
	json_int_t n = 0;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
		if ((!strcmp(key, "mappings") || !strcmp(key, "correspondents")) &&
		    json_integer_value(value) > n)
			n = json_integer_value(value);
	return n;
}

static void add_answer(json_t *report, const struct daemon_entry *entry,
		       const char *command)
{
	json_t *answer = client_ask(entry->daemon, command, NULL);
	char key[64];

	snprintf(key, sizeof(key), "%s_%s", entry->object, command);
	if (answer)
		json_object_set_new(report, key, shortened(answer));
}

static void add_daemon(json_t *report, const struct daemon_entry *entry)
{
	static const char *const lrd[] = { "registers", "peers", "show", NULL };
	static const char *const hlrd[] = { "keys", "show", NULL };
	const char *const *tables = !strcmp(entry->object, "lr") ? lrd : hlrd;
	json_t *status = client_ask(entry->daemon, "status", NULL);
	int err = errno;
	char key[64];

	snprintf(key, sizeof(key), "%s_status", entry->object);
	if (!status) {
		json_object_set_new(report, key,
			json_string(err == ENOENT ? "not running" :
				    err ? strerror(err) : "does not answer"));
		return;
	}
	if (largest(status) > DAEMON_ROWS_MAX)
		tables = (const char *const[]){ NULL };
	json_object_set_new(report, key, status);
	add_answer(report, entry, "counters");
	for (; *tables; tables++)
		add_answer(report, entry, *tables);
}

/* ---- the host ---- */

static json_t *addresses(void)
{
	struct list addrs = host_addrs();
	json_t *array = json_array();

	for (size_t i = 0; i < addrs.n; i++) {
		const struct host_addr *a = list_at(&addrs, i);

		json_array_append_new(array,
			json_pack("{ss so}", "device", a->device, "address",
				  json_addr(&a->addr)));
	}
	list_free(&addrs);
	return array;
}

/* What a program prints, or NULL if it cannot be run or says nothing. */
static json_t *lines_of(const char *command)
{
	FILE *pipe = popen(command, "re");
	json_t *array = json_array();
	char *line = NULL;
	size_t room = 0;

	while (pipe && getline(&line, &room, pipe) >= 0)
		json_array_append_new(array, json_line(line));
	free(line);
	if (pipe && !pclose(pipe) && json_array_size(array))
		return array;
	json_decref(array);
	return NULL;
}

static void add_lines(json_t *report, const char *key, const char *command)
{
	json_t *lines = lines_of(command);

	if (lines)
		json_object_set_new(report, key, lines);
}

static void add_file(json_t *array, const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;

	while (file && getline(&line, &room, file) >= 0)
		json_array_append_new(array, json_line(line));
	free(line);
	if (file)
		fclose(file);
}

/* Drop-ins behind the file, each below its name. */
static json_t *configuration(const char *daemon)
{
	json_t *array = json_array();
	glob_t found = { 0 };
	char path[80];

	snprintf(path, sizeof(path), "/etc/roam/%s.conf", daemon);
	add_file(array, path);
	snprintf(path, sizeof(path), "/etc/roam/%s.conf.d/*.conf", daemon);
	if (!glob(path, 0, NULL, &found))
		for (size_t i = 0; i < found.gl_pathc; i++) {
			json_array_append_new(array, json_sprintf("# %s",
						found.gl_pathv[i]));
			add_file(array, found.gl_pathv[i]);
		}
	globfree(&found);
	return array;
}

/* Lines of the kernel's log that are about us, the last ones. */
static json_t *kernel_log(void)
{
	int room = klogctl(SYSLOG_ACTION_SIZE_BUFFER, NULL, 0);
	char *text = room > 0 ? calloc(1, room + 1) : NULL;
	json_t *array = json_array();
	char *save, *line;

	if (text && klogctl(SYSLOG_ACTION_READ_ALL, text, room) > 0) {
		for (line = strtok_r(text, "\n", &save); line;
		     line = strtok_r(NULL, "\n", &save))
			if (strstr(line, "roam"))
				json_array_append_new(array, json_line(line));
	}
	free(text);
	while (json_array_size(array) > LOG_LINES)
		json_array_remove(array, 0);
	return array;
}

static json_t *make_report(void)
{
	json_t *report = json_object();
	bool failed;

	json_object_set_new(report, "versions", versions());
	json_object_set_new(report, "doctor", doctor_findings(&failed));
	add_module(report);
	for (const struct daemon_entry *e = daemons; e->object; e++)
		add_daemon(report, e);
	json_object_set_new(report, "addresses", addresses());
	add_lines(report, "rules", "{ ip rule show; ip -6 rule show; } 2>/dev/null");
	add_lines(report, "routes", "ip route show table all 2>/dev/null | head -n 100");
	for (const struct daemon_entry *e = daemons; e->object; e++) {
		char key[64];

		snprintf(key, sizeof(key), "%s_configuration", e->object);
		json_object_set_new(report, key, configuration(e->daemon));
	}
	add_lines(report, "log", "journalctl -q --no-pager -o short-iso -n 100 -u 'roam-*' 2>/dev/null");
	json_object_set_new(report, "kernel_log", kernel_log());
	return report;
}

static int report_run(int argc, char **argv)
{
	int err;

	if (argc > 1)
		return fail(ROAM_USAGE, "roam report help",
			    "'%s' is one word too many", argv[1]);
	if (!argc) {
		output_text(make_report(), output_sections);
		return ROAM_OK;
	}
	err = output_open(argv[0]);
	if (err)
		return fail(ROAM_REFUSED,
			    err == -EEXIST ? "give a name that is not there yet" :
					     "give a name in a folder that may be written",
			    "cannot make %s: %s", argv[0], strerror(-err));
	output_text(make_report(), output_sections);
	err = output_close();
	if (err)
		return fail(ROAM_REFUSED, "look for room on the disk",
			    "cannot write %s: %s", argv[0], strerror(-err));
	if (options.json)
		output_table(json_pack("{ss}", "file", argv[0]), NULL);
	return ROAM_OK;
}

static const struct command report_object = {
	.name = "report",
	.args = "[FILE]",
	.help = "all that a bug report needs, without secrets",
	.run = report_run,
};
ROAM_OBJECT(report_object)
