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

#include "io/json.h"
#include "io/version.h"
#include "roam/client.h"
#include "roam/cmd/doctor.h"
#include "roam/host.h"
#include "roam/output.h"
#include "roam/registry.h"
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
	char os[256], version[64], time[OUTPUT_TIME_LEN];
	const struct module_entry *module;
	json_t *object;
	struct utsname uts;

	uname(&uts);
	os_name(os, sizeof(os));
	output_now(time, sizeof(time));
	object = json_pack("{ss ss ss ss ss so sI}",
			   "time", time,
			   "roam", ROAM_VERSION,
			   "kernel", uts.release,
			   "kernel_build", uts.version,
			   "machine", uts.machine,
			   "system", *os ? json_string(os) : json_null(),
			   "tainted", (json_int_t)
			   host_read_number("/proc/sys/kernel/tainted"));
	for (size_t i = 0; (module = module_at(i)); i++) {
		module_version(module, version, sizeof(version));
		json_object_set_new(object, module->module, *version ?
				    json_string(version) : json_null());
	}
	return object;
}

/* The parameters of a module and their values. */
static json_t *parameters(const struct module_entry *module)
{
	json_t *object = json_object();
	const struct dirent *entry;
	char folder[128], path[512], value[256];
	DIR *dir;

	snprintf(folder, sizeof(folder), "/sys/module/%s/parameters",
		 module->module);
	dir = opendir(folder);
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

/* ---- the modules ---- */

static void set_member(json_t *report, const char *object, const char *name,
		       json_t *value)
{
	char key[96];

	snprintf(key, sizeof(key), "%s_%s", object, name);
	json_object_set_new(report, key, value);
}

static void add_module(json_t *report, const struct module_entry *entry)
{
	struct genl *genl = entry->open(NULL);
	json_t *stats;
	int ret;

	if (!genl) {
		set_member(report, entry->object, "module",
			   json_string(errno == ENOENT ? "not loaded" :
							 strerror(errno)));
		return;
	}
	ret = entry->stats(genl, &stats);
	set_member(report, entry->object, "module",
		   json_string(ret ? genl_error(genl) : "answers"));
	set_member(report, entry->object, "parameters", parameters(entry));
	if (!ret) {
		set_member(report, entry->object, "counters", stats);
		if (entry->report)
			entry->report(genl, report, rows());
	}
	genl_close(genl);
}

/* ---- the daemons ---- */

/* The first rows of a table; an object as it is. */
static json_t *shortened(json_t *value)
{
	while (json_array_size(value) > rows())
		json_array_remove(value, json_array_size(value) - 1);
	return value;
}

static void add_answer(json_t *report, const struct daemon_entry *entry,
		       const char *command)
{
	json_t *answer = client_ask(entry->daemon, command, NULL);

	if (answer)
		set_member(report, entry->object, command, shortened(answer));
}

static void add_daemon(json_t *report, const struct daemon_entry *entry)
{
	json_t *status = client_ask(entry->daemon, "status", NULL);
	const struct report_table *table;
	int err = errno;

	if (!status) {
		set_member(report, entry->object, "status",
			   json_string(err == ENOENT ? "not running" :
				       err ? strerror(err) :
					     "does not answer"));
		return;
	}
	set_member(report, entry->object, "status", status);
	add_answer(report, entry, "counters");
	for (table = entry->tables; table && table->command; table++)
		if (!table->size ||
		    json_integer_value(json_object_get(status, table->size)) <=
		    DAEMON_ROWS_MAX)
			add_answer(report, entry, table->command);
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

/* The lines that a program prints; NULL if it cannot be run or prints none. */
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
	const struct module_entry *module;
	const struct daemon_entry *daemon;
	json_t *report = json_object();
	bool failed;

	json_object_set_new(report, "versions", versions());
	json_object_set_new(report, "doctor", doctor_findings(&failed));
	for (size_t i = 0; (module = module_at(i)); i++)
		add_module(report, module);
	for (size_t i = 0; (daemon = daemon_at(i)); i++)
		add_daemon(report, daemon);
	json_object_set_new(report, "addresses", addresses());
	add_lines(report, "rules", "{ ip rule show; ip -6 rule show; } 2>/dev/null");
	add_lines(report, "routes", "ip route show table all 2>/dev/null | head -n 100");
	for (size_t i = 0; (daemon = daemon_at(i)); i++)
		set_member(report, daemon->object, "configuration",
			   configuration(daemon->daemon));
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
