// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Commands that ask a daemon and print what it answers. The words become the
 * members of a request by the table of struct param; what the daemon says of
 * them beyond their form is the daemon's own sentence.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "conf/conf.h"
#include "roam/client.h"
#include "roam/output.h"
#include "roam/registry.h"
#include "roam/roam.h"
#include "roam/words.h"

static const char *const type_names[] = {
	[PARAM_TEXT] = "word",
	[PARAM_NUMBER] = "whole number",
	[PARAM_ADDR] = "IP address",
	[PARAM_PREFIX] = "prefix such as 203.0.113.0/24",
	[PARAM_DURATION] = "duration such as 500ms or 2s",
};

/* The command that lists what may be asked, "roam lr help". */
static void help_hint(const struct command *command, char *buf, size_t len)
{
	const struct daemon_entry *entry;

	snprintf(buf, len, "roam help");
	for (size_t i = 0; (entry = daemon_at(i)); i++)
		if (!strcmp(entry->daemon, command->daemon))
			snprintf(buf, len, "roam %s help", entry->object);
}

static json_t *number_value(const char *word)
{
	uint64_t number;

	return word_number(word, INT64_MAX, &number) ? json_integer(number) :
						       NULL;
}

static json_t *addr_value(const char *word)
{
	char text[ROAM_ADDR_STRLEN];
	struct roam_addr addr;

	if (!roam_addr_parse(word, &addr))
		return NULL;
	return json_string(roam_addr_format(&addr, text));
}

static json_t *prefix_value(const char *word)
{
	char text[ROAM_PREFIX_STRLEN];
	struct roam_prefix prefix;

	if (!roam_prefix_parse(word, &prefix))
		return NULL;
	return json_string(roam_prefix_format(&prefix, text));
}

static json_t *duration_value(const char *word)
{
	msec_t ms;

	return conf_parse_duration(word, &ms) ? json_real(ms / 1000.0) : NULL;
}

/* The value that goes into the request, or NULL if the word is none. */
static json_t *param_value(const struct param *param, const char *word)
{
	switch (param->type) {
	case PARAM_NUMBER:
		return number_value(word);
	case PARAM_ADDR:
		return addr_value(word);
	case PARAM_PREFIX:
		return prefix_value(word);
	case PARAM_DURATION:
		return duration_value(word);
	case PARAM_FLAG:
		return json_true();
	case PARAM_TEXT:
		break;
	}
	return json_string(word);
}

/* The argument that a word begins: by its keyword, else the next place. */
static const struct param *param_of(const struct command *command,
				    const char *word, const json_t *args)
{
	const struct param *p;

	for (p = command->params; p && p->member; p++)
		if (p->word && !strcmp(p->word, word))
			return p;
	for (p = command->params; p && p->member; p++)
		if (!p->word && !json_object_get(args, p->member))
			return p;
	return NULL;
}

static int add_param(const struct command *command, json_t *args, int *at,
		     int argc, char **argv)
{
	const struct param *param = param_of(command, argv[*at], args);
	json_t *value;
	char hint[128];

	help_hint(command, hint, sizeof(hint));
	if (!param)
		return fail(ROAM_USAGE, hint, "'%s' is one word too many",
			    argv[*at]);
	if (param->word && json_object_get(args, param->member))
		return fail(ROAM_USAGE, hint, "'%s' is given twice",
			    param->word);
	if (param->word && param->type != PARAM_FLAG && ++*at == argc)
		return fail(ROAM_USAGE, hint, "'%s' needs a %s behind it",
			    param->word, type_names[param->type]);
	value = param_value(param, argv[*at]);
	if (!value)
		return fail(ROAM_USAGE, hint, "'%s' is no %s", argv[*at],
			    type_names[param->type]);
	json_object_set_new(args, param->member, value);
	++*at;
	return ROAM_OK;
}

/* The members of the request, or NULL after the failure was reported. */
static json_t *read_params(const struct command *command, int argc,
			   char **argv, int *status)
{
	json_t *args = json_object();
	char hint[128];
	int at = 0;

	*status = ROAM_OK;
	while (at < argc && !*status)
		*status = add_param(command, args, &at, argc, argv);
	help_hint(command, hint, sizeof(hint));
	for (const struct param *p = command->params;
	     p && p->member && !*status; p++)
		if (p->required && !json_object_get(args, p->member))
			*status = fail(ROAM_USAGE, hint,
				       "'%s' needs %s: a %s is missing",
				       command->name,
				       command->args ? command->args :
						       p->member,
				       type_names[p->type]);
	if (!*status)
		return args;
	json_decref(args);
	return NULL;
}

int question_run(const struct command *command, int argc, char **argv)
{
	int status;
	json_t *args = read_params(command, argc, argv, &status);
	json_t *result;

	if (!args)
		return status;
	result = client_call(command->daemon,
			     command->question ? command->question :
						 command->name,
			     args, &status);
	if (!result)
		return status;
	if (command->record)
		output_record(result);
	else
		output_table(result, options.details ? NULL :
						       command->columns);
	return ROAM_OK;
}
