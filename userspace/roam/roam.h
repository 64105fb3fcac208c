/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The roam tool: a tree of commands. Each cmd/<object>.c registers its object;
 * main.c finds the command that the words name and runs it.
 *
 * Contract of a command: it prints by output.h alone, reports every failure
 * by fail(), and returns an enum roam_exit.
 */
#ifndef ROAM_ROAM_H
#define ROAM_ROAM_H

#include <jansson.h>
#include <stdbool.h>

/** enum roam_exit - exit status of the tool */
enum roam_exit {
	ROAM_OK = 0,
	ROAM_USAGE = 1,		/* the command line is wrong */
	ROAM_REFUSED = 2,	/* kernel or daemon said no */
	ROAM_NOT_RUNNING = 3,	/* module or daemon is not there */
	ROAM_PARTIAL = 4,	/* some lines of a batch failed, with -force */
};

/**
 * struct options - what stands before the object
 * @json: -j
 * @pretty: -p
 * @statistics: -s
 * @details: -d
 * @force: -force
 * @timestamps: -ts
 */
struct options {
	bool json;
	bool pretty;
	bool statistics;
	bool details;
	bool force;
	bool timestamps;
};

extern struct options options;

/**
 * struct command - a node of the tree: an object, or a command of one
 * @name: the word
 * @args: its arguments, for help
 * @help: one line
 * @words: words that its arguments may hold, for completion; ends with NULL
 * @live: further ones, which depend on what there is now, as an array of strings
 * @commands: what may follow, ends with a NULL name; NULL for a leaf
 * @run: carries out a leaf; @argc words follow its name
 * @collect: in a batch, instead of @run: remember it
 * @finish: carry out what was collected, in one go
 */
struct command {
	const char *name;
	const char *args;
	const char *help;
	const char *const *words;
	json_t *(*live)(void);
	const struct command *commands;
	int (*run)(int argc, char **argv);
	int (*collect)(int argc, char **argv);
	int (*finish)(void);
};

void object_register(const struct command *object);

/* Makes a static struct command known before main() runs. */
#define ROAM_OBJECT(object)						\
	static void __attribute__((constructor)) register_##object(void)	\
	{								\
		object_register(&(object));				\
	}

/*
 * Finds the command that the words name. Return: it, with *used words eaten,
 * or NULL when help was printed or the words name none; then *status is set.
 */
const struct command *command_find(int argc, char **argv, int *used,
				   int *status);
/* Finds and runs a command. */
int command_run(int argc, char **argv);

/* Reads commands from a file, "-" for standard input. */
int batch_run(const char *path);
/* Line of the batch at hand, 0 outside of one. */
unsigned int batch_line(void);
/* Errors reported from here on are about this line (a collected command). */
void batch_set_line(unsigned int line);
/* Some of the collected commands took effect, whatever finish() returns. */
void batch_note_success(void);

/**
 * fail() - report a failure
 * @status: what the command will return
 * @hint: the next thing to try
 * @fmt: one sentence with the cause
 *
 * Return: @status.
 */
int fail(enum roam_exit status, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
