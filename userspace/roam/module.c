// SPDX-License-Identifier: GPL-2.0-or-later
#include "roam/module.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "roam/output.h"
#include "roam/roam.h"

struct genl *module_open(struct module *m, int *status)
{
	char *error, modprobe[64];

	if (m->genl)
		return m->genl;
	m->genl = m->open(&error);
	if (!m->genl) {
		snprintf(modprobe, sizeof(modprobe), "modprobe roam_%s",
			 m->object);
		*status = errno == ENOENT ?
			fail(ROAM_NOT_RUNNING, modprobe,
			     "the kernel module roam_%s is not loaded",
			     m->object) :
			fail(ROAM_REFUSED, "roam doctor", "%s",
			     error ? error : strerror(errno));
		free(error);
	}
	return m->genl;
}

struct genl *module_open_without_words(struct module *m, int argc, char **argv,
				       int *status)
{
	if (!argc)
		return module_open(m, status);
	*status = module_surplus(m, argv[0]);
	return NULL;
}

int module_refused(const struct module *m, int err, const char *what)
{
	const struct module_hint *hint = m->hints;

	while (hint->error && hint->error != -err)
		hint++;
	return fail(ROAM_REFUSED, hint->hint, "%s: %s", what,
		    genl_error(m->genl));
}

int module_missing(const struct module *m, const char *command)
{
	char hint[64];

	snprintf(hint, sizeof(hint), "roam %s %s help", m->object, command);
	return fail(ROAM_USAGE, hint, "roam %s %s: words are missing",
		    m->object, command);
}

int module_surplus(const struct module *m, const char *word)
{
	char hint[64];

	snprintf(hint, sizeof(hint), "roam %s help", m->object);
	return fail(ROAM_USAGE, hint, "'%s' is one word too many", word);
}

void module_warn_interrupted(bool interrupted)
{
	if (interrupted)
		fprintf(stderr, "roam: the table changed while it was read; an entry may be missing or double\n");
}

int module_run_all(struct module *m, int argc, char **argv,
		   int (*fn)(struct genl *genl, size_t *applied),
		   const char *what)
{
	size_t applied;
	struct genl *genl;
	int status, err;

	genl = module_open_without_words(m, argc, argv, &status);
	if (!genl)
		return status;
	err = fn(genl, &applied);
	if (err)
		return module_refused(m, err, what);
	output_applied(applied);
	return ROAM_OK;
}

int module_show_object(struct module *m, int argc, char **argv,
		       int (*read)(struct genl *genl, json_t **object),
		       const char *what)
{
	struct genl *genl;
	json_t *object;
	int status, err;

	genl = module_open_without_words(m, argc, argv, &status);
	if (!genl)
		return status;
	err = read(genl, &object);
	if (err)
		return module_refused(m, err, what);
	output_record(object);
	return ROAM_OK;
}

/* Entry that @addr names alone, or none: which is an answer, not a failure. */
static int read_one(struct genl *genl, const struct module_table *table,
		    const struct roam_addr *addr, struct list *list)
{
	void *entry = calloc(1, table->size);
	int err = table->get(genl, addr, entry);

	if (!err)
		list_append(list, entry);
	free(entry);
	return err == -ENOENT ? 0 : err;
}

int module_show_table(struct module *m, const struct module_table *table,
		      int argc, char **argv, const char *const *columns)
{
	struct list list = { .size = table->size };
	bool interrupted = false;
	struct roam_addr addr;
	int status, err;
	struct genl *genl;

	if (argc > 1)
		return module_surplus(m, argv[1]);
	if (argc && (status = table->parse(argv[0], &addr)))
		return status;
	genl = module_open(m, &status);
	if (!genl)
		return status;
	err = argc ? read_one(genl, table, &addr, &list) :
		     table->read(genl, &list, &interrupted);
	if (err)
		return module_refused(m, err, table->what);
	output_table(table->json(&list, SIZE_MAX), columns);
	list_free(&list);
	module_warn_interrupted(interrupted);
	return ROAM_OK;
}

void module_collect(struct module_batch *batch, const void *entry, int which)
{
	list_append(&batch->entries, entry);
	list_append(&batch->lines, &(unsigned int){ batch_line() });
	batch->which = which;
}

int module_finish(struct module *m, struct module_batch *batch)
{
	struct list *entries = &batch->entries;
	size_t at = 0, total = 0;
	int status = ROAM_OK;
	struct genl *genl = module_open(m, &status);

	while (genl && at < entries->n) {
		char what[ROAM_ADDR_STRLEN + 32], text[ROAM_ADDR_STRLEN];
		size_t applied = 0;
		int err;

		err = batch->set(genl, list_at(entries, at), entries->n - at,
				 batch->which, &applied);
		total += applied;
		at += applied;
		if (!err || at >= entries->n)
			break;
		batch_set_line(*(unsigned int *)list_at(&batch->lines, at));
		snprintf(what, sizeof(what), "cannot set the %s of %s",
			 batch->noun,
			 roam_addr_format(list_at(entries, at), text));
		status = module_refused(m, err, what);
		if (!options.force)
			break;
		at++;
	}
	list_free(entries);
	list_free(&batch->lines);
	if (total)
		batch_note_success();
	/* What took effect before a refusal is an answer, too. */
	if (total || !status)
		output_applied(total);
	return status;
}
