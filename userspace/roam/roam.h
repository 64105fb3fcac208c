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

/** enum param_type - what the value of an argument is, checked before it is sent */
enum param_type {
	PARAM_TEXT,		/* any word, a string in the request */
	PARAM_NUMBER,		/* a whole number from 0 on */
	PARAM_ADDR,		/* an IP address, a string */
	PARAM_PREFIX,		/* an address with a length, a string */
	PARAM_DURATION,		/* "500ms", "2s": a number of seconds */
	PARAM_FLAG,		/* a keyword without a value: true */
};

/**
 * struct param - an argument that a command passes on to a daemon
 * @member: member of the request that carries it
 * @word: the keyword before it; NULL: it has no keyword but a place, the first
 *	such argument before the second
 * @type: enum param_type
 * @required: the command is refused without it
 */
struct param {
	const char *member;
	const char *word;
	enum param_type type;
	bool required;
};

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
 * @daemon: of a leaf without @run: it asks this daemon ("lrd") and prints the
 *	answer, an array as a table
 * @question: the daemon's word for it; NULL: @name
 * @params: arguments that go with the question, ends with a NULL member; their
 *	keywords are offered for completion where @words is NULL
 * @columns: members that the table shows as text without -d, ends with NULL;
 *	NULL: all members
 * @record: the answer has few objects: they are shown one member per line
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
	const char *daemon;
	const char *question;
	const struct param *params;
	const char *const *columns;
	bool record;
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
/* Runs a leaf that command_find() found. */
int command_execute(const struct command *command, int argc, char **argv);
/* Finds and runs a command. */
int command_run(int argc, char **argv);
/* Runs a leaf that asks a daemon; the same contract as @run. */
int question_run(const struct command *command, int argc, char **argv);

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
