/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands of a kernel module share: its socket, the sentences of their
 * failures, tables shown whole or by one address, entries of a batch set in bulk.
 */
#ifndef ROAM_MODULE_H
#define ROAM_MODULE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "genl/genl.h"
#include "roam/list.h"

/**
 * struct module_hint - the next thing to try when a module refused
 * @error: positive errno; 0 ends the list, and its hint is for every other error
 * @hint: for fail()
 */
struct module_hint {
	int error;
	const char *hint;
};

/**
 * struct module - a kernel module as its commands see it
 * @object: object of the tool ("mangle"); the module's name is "roam_" and this
 * @open: connects to it; NULL with errno set (ENOENT: it is not loaded)
 * @hints: for refusals
 * @genl: its socket, one for all commands of a batch; NULL until the first needs it
 */
struct module {
	const char *object;
	struct genl *(*open)(char **error);
	const struct module_hint *hints;
	struct genl *genl;
};

/* The module's socket; NULL with *status set where there is none. */
struct genl *module_open(struct module *m, int *status);
/* The same for a command that takes no words. */
struct genl *module_open_without_words(struct module *m, int argc, char **argv,
				       int *status);

/* Failures, as fail(). @what was tried: "cannot show the settings". */
int module_refused(const struct module *m, int err, const char *what);
int module_missing(const struct module *m, const char *command);
int module_surplus(const struct module *m, const char *word);

/* Says that a table changed while it was read, if it did. */
void module_warn_interrupted(bool interrupted);

/* Does @fn, which takes no words, and says how many entries it was about. */
int module_run_all(struct module *m, int argc, char **argv,
		   int (*fn)(struct genl *genl, size_t *applied),
		   const char *what);
/* Shows the object that @read makes, one member per line. */
int module_show_object(struct module *m, int argc, char **argv,
		       int (*read)(struct genl *genl, json_t **object),
		       const char *what);

/**
 * struct module_table - a table of a module whose entries have an address
 * @size: of an entry
 * @parse: the address by which one of them is asked for (roam/words.h)
 * @get: reads one; -ENOENT where there is none
 * @read: reads all, in order of their addresses
 * @json: the first @max of a list as an array
 * @what: "cannot show the bindings"
 */
struct module_table {
	size_t size;
	int (*parse)(const char *word, struct roam_addr *addr);
	int (*get)(struct genl *genl, const struct roam_addr *addr, void *entry);
	int (*read)(struct genl *genl, struct list *list, bool *interrupted);
	json_t *(*json)(const struct list *list, size_t max);
	const char *what;
};

/* Shows a table, or with an address as its only word one entry. */
int module_show_table(struct module *m, const struct module_table *table,
		      int argc, char **argv, const char *const *columns);

/**
 * struct module_batch - entries that the lines of a batch collected
 * @entries: of the module's type, each beginning with its struct roam_addr
 * @lines: the line that each came from
 * @which: what the module's request may set: new entries, or any
 * @set: sets @n entries; *applied took effect, and the one behind them failed
 * @noun: "binding"
 */
struct module_batch {
	struct list entries;
	struct list lines;
	int which;
	int (*set)(struct genl *genl, const void *entries, size_t n, int which,
		   size_t *applied);
	const char *noun;
};

#define MODULE_BATCH(type, set_, noun_)				\
	{							\
		.entries = { .size = sizeof(type) },		\
		.lines = { .size = sizeof(unsigned int) },	\
		.set = (set_),					\
		.noun = (noun_),				\
	}

void module_collect(struct module_batch *batch, const void *entry, int which);
/*
 * Sets what was collected and empties the batch. With -force a refused entry is reported
 * and the rest goes on behind it.
 */
int module_finish(struct module *m, struct module_batch *batch);

#endif
