// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Commands from a file. Neighbours that can be collected (the same command
 * with a collect function) go to the kernel together.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "roam/output.h"
#include "roam/roam.h"

#define WORDS_MAX 64

static unsigned int line_number;
static bool succeeded;

unsigned int batch_line(void)
{
	return line_number;
}

void batch_set_line(unsigned int line)
{
	line_number = line;
}

void batch_note_success(void)
{
	succeeded = true;
}

/* Splits in place at blanks; quotes hold words together, '#' ends the line. */
static int split(char *line, char **words)
{
	int n = 0;

	for (;;) {
		char *to;

		line += strspn(line, " \t\r\n");
		if (!*line || *line == '#' || n == WORDS_MAX)
			return n;
		words[n++] = to = line;
		while (*line && !strchr(" \t\r\n", *line)) {
			if (*line == '"' || *line == '\'') {
				char quote = *line++;

				while (*line && *line != quote)
					*to++ = *line++;
				if (*line)
					line++;
			} else {
				*to++ = *line++;
			}
		}
		if (*line)
			line++;
		*to = 0;
	}
}

/**
 * struct batch - state between the lines
 * @pending: command that has collected something, NULL if none
 * @failed: status of the first failure
 */
struct batch {
	const struct command *pending;
	int failed;
};

static void note(struct batch *batch, int status)
{
	if (!status)
		succeeded = true;
	else if (!batch->failed)
		batch->failed = status;
}

static void finish(struct batch *batch)
{
	unsigned int line = line_number;

	if (!batch->pending)
		return;
	note(batch, batch->pending->finish());
	batch->pending = NULL;
	line_number = line;
}

static void run_line(struct batch *batch, int argc, char **argv)
{
	const struct command *command;
	int used, status;

	command = command_find(argc, argv, &used, &status);
	if (batch->pending && batch->pending != command) {
		finish(batch);
		if (batch->failed && !options.force)
			return;
	}
	if (!command) {
		note(batch, status);
	} else if (command->collect) {
		status = command->collect(argc - used, argv + used);
		/* Lines before a wrong one are carried out all the same. */
		if (status)
			note(batch, status);
		else
			batch->pending = command;
	} else {
		note(batch, command_execute(command, argc - used,
					    argv + used));
	}
}

int batch_run(const char *path)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	struct batch batch = { NULL, 0 };
	char *line = NULL;
	size_t room = 0;

	if (!file)
		return fail(ROAM_USAGE, "give a readable file, or -",
			    "cannot read %s: %s", path, strerror(errno));
	output_batch();
	while ((!batch.failed || options.force) &&
	       getline(&line, &room, file) >= 0) {
		char *words[WORDS_MAX];
		int n;

		line_number++;
		n = split(line, words);
		if (n)
			run_line(&batch, n, words);
	}
	finish(&batch);
	free(line);
	if (file != stdin)
		fclose(file);
	line_number = 0;
	output_end();
	if (batch.failed && options.force && succeeded)
		return ROAM_PARTIAL;
	return batch.failed;
}
