// SPDX-License-Identifier: GPL-2.0-or-later
/* roam: shows and changes everything. */
#include "roam/roam.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"
#include "io/version.h"
#include "roam/output.h"

#define OBJECTS_MAX 64

struct options options;

/* The objects by name; the last one stays empty. */
static struct command objects[OBJECTS_MAX + 1];
static size_t n_objects;

static const struct command root = { .name = "roam", .commands = objects };

void object_register(const struct command *object)
{
	size_t i = n_objects++;

	if (i == OBJECTS_MAX)
		abort();
	while (i && strcmp(objects[i - 1].name, object->name) > 0) {
		objects[i] = objects[i - 1];
		i--;
	}
	objects[i] = *object;
}

int fail(enum roam_exit status, const char *hint, const char *fmt, ...)
{
	static const char *const codes[] = {
		[ROAM_USAGE] = "usage",
		[ROAM_REFUSED] = "refused",
		[ROAM_NOT_RUNNING] = "not_running",
		[ROAM_PARTIAL] = "partial",
	};
	char message[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(message, sizeof(message), fmt, ap);
	va_end(ap);
	/* In a pipe, too, earlier output comes before the error. */
	fflush(stdout);
	if (options.json) {
		json_t *error = json_pack("{s{ss ss ss}}", "error",
					  "code", codes[status],
					  "message", message,
					  "hint", hint ? hint : "");

		if (batch_line())
			json_object_set_new(json_object_get(error, "error"),
					    "line",
					    json_integer(batch_line()));
		json_dumpf(error, stderr, JSON_COMPACT);
		fputc('\n', stderr);
		json_decref(error);
	} else {
		if (batch_line())
			fprintf(stderr, "line %u: ", batch_line());
		fprintf(stderr, "roam: %s\n", message);
		if (hint && *hint)
			fprintf(stderr, "      try: %s\n", hint);
	}
	return status;
}

static void print_entry(const struct command *command)
{
	char head[512];

	snprintf(head, sizeof(head), "%s%s%s", command->name,
		 command->args ? " " : "", command->args ? command->args : "");
	if (strlen(head) <= 22 && strlen(command->help) <= 54) {
		printf("  %-22s  %s\n", head, command->help);
		return;
	}
	/* A long form has a line of its own, with the explanation below it. */
	output_line(2, head);
	output_line(26, command->help);
}

static void print_usage(const struct command *command, int argc, char **argv)
{
	char line[1024] = "Usage: roam [OPTIONS]";
	const char *rest = command->args ? command->args : "";

	if (command->commands)
		rest = command == &root ? "OBJECT { COMMAND | help }" :
					  "{ COMMAND | help }";
	for (int i = 0; i <= argc; i++) {
		size_t used = strlen(line);

		snprintf(line + used, sizeof(line) - used, " %s",
			 i < argc ? argv[i] : rest);
	}
	output_line(0, line);
	putchar('\n');
}

/* Every command from @command on, with the words before it. */
static void list_commands(json_t *array, const struct command *command,
			  const char *path)
{
	char below[128];

	if (!command->commands) {
		json_array_append_new(array,
			json_pack("{ss ss ss}", "command", path, "args",
				  command->args ? command->args : "", "help",
				  command->help));
		return;
	}
	for (const struct command *c = command->commands; c->name; c++) {
		snprintf(below, sizeof(below), "%s%s%s", path,
			 *path ? " " : "", c->name);
		list_commands(array, c, below);
	}
}

static void print_help_json(const struct command *command, int argc,
			    char **argv)
{
	json_t *array = json_array();
	char path[128] = "";

	for (int i = 0; i < argc; i++)
		snprintf(path + strlen(path), sizeof(path) - strlen(path),
			 "%s%s", i ? " " : "", argv[i]);
	list_commands(array, command, path);
	output_table(array, NULL);
}

static void print_help(const struct command *command, int argc, char **argv)
{
	if (options.json) {
		print_help_json(command, argc, argv);
		return;
	}
	print_usage(command, argc, argv);
	if (!command->commands) {
		output_line(2, command->help);
		return;
	}
	for (const struct command *c = command->commands; c->name; c++)
		print_entry(c);
	if (command != &root)
		return;
	printf("\n"
	       "Options:\n"
	       "  -j         JSON           -p         pretty JSON\n"
	       "  -s         with counters  -d         with details\n"
	       "  -ts        with time      -n NETNS   in that network namespace\n"
	       "  -b FILE    commands from FILE, - for standard input\n"
	       "  -force     go on after a failed command of a batch\n"
	       "  -h         this text      -V         version\n"
	       "\n"
	       "Words may be cut short as long as they are unique.\n"
	       "Exit status: 0 ok, 1 usage, 2 refused, 3 not running, 4 batch done in part.\n");
}

/* Lists what @word may mean: all that begin with it. */
static int ambiguous(const struct command *commands, const char *word)
{
	size_t len = strlen(word);
	char list[512] = "";

	for (const struct command *c = commands; c->name; c++)
		if (!strncmp(c->name, word, len))
			snprintf(list + strlen(list),
				 sizeof(list) - strlen(list), "%s%s",
				 *list ? ", " : "", c->name);
	return fail(ROAM_USAGE, "write one letter more",
		    "'%s' is ambiguous: %s", word, list);
}

/* @path holds the @used words before @word. */
static int unknown(const struct command *parent, const char *word,
		   char **path, int used)
{
	const char *names[OBJECTS_MAX + 1] = { NULL };
	const char *nearest;
	char hint[256] = "roam";

	for (size_t i = 0; i < OBJECTS_MAX && parent->commands[i].name; i++)
		names[i] = parent->commands[i].name;
	nearest = conf_nearest(word, names);
	for (int i = 0; i <= used; i++) {
		size_t len = strlen(hint);

		snprintf(hint + len, sizeof(hint) - len, " %s",
			 i < used ? path[i] : nearest ? nearest : "help");
	}
	return fail(ROAM_USAGE, hint, "no %s '%s'%s%s",
		    parent == &root ? "object" : "command", word,
		    parent == &root ? "" : " of ",
		    parent == &root ? "" : parent->name);
}

static const struct command *lookup(const struct command *parent,
				    char **argv, int used, int *status)
{
	const char *word = argv[used];
	const struct command *match = NULL;
	size_t len = strlen(word);

	for (const struct command *c = parent->commands; c->name; c++) {
		if (strncmp(c->name, word, len))
			continue;
		if (!c->name[len])
			return c;
		if (match) {
			*status = ambiguous(parent->commands, word);
			return NULL;
		}
		match = c;
	}
	if (!match || !len) {
		*status = unknown(parent, word, argv, used);
		return NULL;
	}
	return match;
}

static const struct command *find_show(const struct command *parent)
{
	for (const struct command *c = parent->commands; c->name; c++)
		if (!strcmp(c->name, "show"))
			return c;
	return NULL;
}

const struct command *command_find(int argc, char **argv, int *used,
				   int *status)
{
	const struct command *command = &root;

	*used = 0;
	*status = ROAM_OK;
	while (command->commands) {
		const struct command *next;

		if (*used == argc) {
			next = find_show(command);
			if (next)
				return next;
			*status = fail(ROAM_USAGE, "roam help",
				       "a command is missing");
			return NULL;
		}
		if (!strcmp(argv[*used], "help")) {
			print_help(command, *used, argv);
			return NULL;
		}
		next = lookup(command, argv, *used, status);
		if (!next)
			return NULL;
		command = next;
		/* From here on the words are read in full, without abbreviations. */
		argv[(*used)++] = (char *)next->name;
	}
	if (*used < argc && !strcmp(argv[*used], "help")) {
		print_help(command, *used, argv);
		return NULL;
	}
	return command;
}

int command_execute(const struct command *command, int argc, char **argv)
{
	return command->run ? command->run(argc, argv) :
			      question_run(command, argc, argv);
}

int command_run(int argc, char **argv)
{
	const struct command *command;
	int used, status;

	command = command_find(argc, argv, &used, &status);
	return command ? command_execute(command, argc - used, argv + used) :
			 status;
}

static void offer(json_t *words, const char *word, const char *begin)
{
	if (!strncmp(word, begin, strlen(begin)))
		json_array_append_new(words, json_string(word));
}

/* Prints what may stand in place of the last word. */
static int run_complete(int argc, char **argv)
{
	const struct command *command = &root;
	const char *last = argc ? argv[argc - 1] : "";
	json_t *words = json_array(), *live, *word;
	size_t i;

	for (int n = 0; n + 1 < argc && command->commands; n++) {
		const struct command *c = command->commands;

		while (c->name && strcmp(c->name, argv[n]))
			c++;
		if (!c->name) {
			output_words(words);
			return ROAM_OK;
		}
		command = c;
	}
	for (const struct command *c = command->commands; c && c->name; c++)
		offer(words, c->name, last);
	for (const char *const *w = command->words; w && *w; w++)
		offer(words, *w, last);
	for (const struct param *p = command->params; p && p->member; p++)
		if (p->word && !command->words)
			offer(words, p->word, last);
	live = command->live ? command->live() : NULL;
	json_array_foreach(live, i, word)
		offer(words, json_string_value(word), last);
	json_decref(live);
	if (command->commands)
		offer(words, "help", last);
	output_words(words);
	return ROAM_OK;
}

static const struct command complete = {
	.name = "complete",
	.args = "[WORD...]",
	.help = "what may stand in place of the last word",
	.run = run_complete,
};
ROAM_OBJECT(complete)

static int enter_netns(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = strchr(name, '/') ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(ROAM_USAGE, "ip netns list",
			    "no network namespace '%s'", name);
	if (setns(fd, CLONE_NEWNET)) {
		int err = errno;

		close(fd);
		return fail(ROAM_REFUSED, "run it as root",
			    "cannot enter the network namespace '%s': %s",
			    name, strerror(err));
	}
	close(fd);
	return ROAM_OK;
}

static bool is_option(const char *word, const char *name)
{
	/* As in iproute2, one dash or two. */
	word += word[1] == '-';
	return !strcmp(word + 1, name);
}

static void print_version(void)
{
	if (options.json)
		output_table(json_pack("{ss ss}", "program", "roam", "version",
				       ROAM_VERSION), NULL);
	else
		printf("roam %s\n", ROAM_VERSION);
}

static void print_root_help(void)
{
	print_help(&root, 0, NULL);
}

/*
 * Eats the options; *at is the first word behind them. *info is set when help
 * or version are all that is wanted.
 */
static int read_options(int argc, char **argv, int *at, const char **batch,
			void (**info)(void))
{
	const struct {
		const char *name;
		const char *longer;
		bool *flag;
	} flags[] = {
		{ "j", "json", &options.json },
		{ "p", "pretty", &options.pretty },
		{ "s", "statistics", &options.statistics },
		{ "d", "details", &options.details },
		{ "force", "force", &options.force },
		{ "ts", "timestamps", &options.timestamps },
	};
	int status = ROAM_OK;
	int i;

	for (i = 1; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
		bool known = false;

		for (size_t f = 0; f < sizeof(flags) / sizeof(flags[0]); f++) {
			if (is_option(argv[i], flags[f].name) ||
			    is_option(argv[i], flags[f].longer)) {
				*flags[f].flag = true;
				known = true;
			}
		}
		if (known)
			continue;
		if (is_option(argv[i], "h") || is_option(argv[i], "help")) {
			*info = print_root_help;
			continue;
		}
		if (is_option(argv[i], "V") || is_option(argv[i], "version")) {
			*info = print_version;
			continue;
		}
		if (is_option(argv[i], "n") || is_option(argv[i], "netns")) {
			if (++i == argc)
				return fail(ROAM_USAGE, "roam -n NETNS OBJECT",
					    "-n needs a network namespace");
			status = enter_netns(argv[i]);
			if (status)
				return status;
			continue;
		}
		if (is_option(argv[i], "b") || is_option(argv[i], "batch")) {
			if (++i == argc)
				return fail(ROAM_USAGE, "roam -b FILE",
					    "-b needs a file");
			*batch = argv[i];
			continue;
		}
		return fail(ROAM_USAGE, "roam -h", "no option '%s'", argv[i]);
	}
	*at = i;
	return ROAM_OK;
}

int main(int argc, char **argv)
{
	void (*info)(void) = NULL;
	const char *batch = NULL;
	int at = 1;
	int status = read_options(argc, argv, &at, &batch, &info);

	if (status)
		return status;
	if (info)
		info();
	else if (batch && at < argc)
		status = fail(ROAM_USAGE, "roam -b FILE",
			      "with -b no command may follow");
	else if (batch)
		status = batch_run(batch);
	else
		status = command_run(argc - at, argv + at);
	/* A full disk or closed pipe must not look like success. */
	if (fflush(stdout) && !status)
		status = fail(ROAM_REFUSED, "look where the output goes",
			      "cannot write: %s", strerror(errno));
	return status;
}
