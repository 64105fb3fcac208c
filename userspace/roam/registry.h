/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one list of what roam consists of on a host: kernel modules and daemons.
 * The commands status, monitor, top, doctor, explain and report ask whatever is
 * registered here and name none of it themselves.
 *
 * A module or a daemon gets into the list by one row in the file of its object,
 * cmd/<object>.c: ROAM_MODULE(entry) or ROAM_DAEMON(entry). The rows of
 * cmd/hlr.c and cmd/mangle.c are short examples. Each member but the names may
 * be left out.
 */
#ifndef ROAM_REGISTRY_H
#define ROAM_REGISTRY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "genl/genl.h"
#include "roam/roam.h"

struct findings;
struct explanation;

/**
 * struct report_table - a question that roam report asks a daemon
 * @command: the daemon's word, which answers with an array
 * @size: member of the daemon's status that says how many rows there are, so
 *	that a table too large for a report is not asked for; NULL: it is small
 */
struct report_table {
	const char *command;
	const char *size;
};

/**
 * struct daemon_entry - a daemon that the tool can ask
 * @object: object of the tool that shows it ("lr")
 * @daemon: name of its socket and, behind "roam-", of its program ("lrd")
 * @help: one line about the object
 * @commands: commands of the object, ends with a NULL name; DAEMON_COMMANDS()
 *	are those that every daemon has
 * @glance: members of its status that roam status and roam top show, ends with
 *	NULL; without it all strings and numbers but daemon and version are shown
 * @tables: further questions of roam report, ends with a NULL command; status
 *	and counters are always asked
 * @no_port: it need not have a UDP port open (doctor)
 * @doctor: adds findings (cmd/doctor.h) while the daemon answers; @status is
 *	its status
 * @explain: what the daemon knows about an address (cmd/explain.h)
 */
struct daemon_entry {
	const char *object;
	const char *daemon;
	const char *help;
	const struct command *commands;
	const char *const *glance;
	const struct report_table *tables;
	bool no_port;
	void (*doctor)(struct findings *f, const json_t *status);
	void (*explain)(struct explanation *e);
};

/**
 * struct module_entry - a kernel module that the tool can ask
 * @object: object of the tool that shows it ("mangle"); cmd/<object>.c
 *	registers its commands itself, with ROAM_OBJECT()
 * @module: its name ("roam_mangle")
 * @daemon: the daemon that needs it; the module's absence is a fault only where
 *	this daemon answers. NULL: it is always missed.
 * @open: connects to it; NULL with errno set (ENOENT: it is not loaded)
 * @stats: its counters as a new object; 0, or negative errno with genl_error()
 * @states: counters that are no sums but say how much there is; roam status
 *	shows these, ends with NULL
 * @events: multicast group of its events, NULL if it has none. A group whose
 *	listeners make the module wait for answers is none.
 * @event: an event as a new object with the member "event", or NULL for a
 *	message that is none
 * @report: adds members "<object>_..." to a report, tables with @rows rows at
 *	most
 * @doctor: adds findings; @genl is NULL where the module does not answer
 * @explain: what the module does with an address
 */
struct module_entry {
	const char *object;
	const char *module;
	const char *daemon;
	struct genl *(*open)(char **error);
	int (*stats)(struct genl *genl, json_t **object);
	const char *const *states;
	const char *events;
	json_t *(*event)(const struct nlmsghdr *nlh);
	void (*report)(struct genl *genl, json_t *report, size_t rows);
	void (*doctor)(struct findings *f, struct genl *genl);
	void (*explain)(struct explanation *e);
};

void daemon_register(const struct daemon_entry *entry);
void module_register(const struct module_entry *entry);

/* In order of their objects' names; NULL behind the last. */
const struct daemon_entry *daemon_at(size_t i);
const struct module_entry *module_at(size_t i);
/* By object; NULL if there is none. */
const struct daemon_entry *daemon_find(const char *object);
const struct module_entry *module_find(const char *object);
/* The objects of both, as a new array of strings. */
json_t *registry_objects(void);

/* Version of a module, or "loaded" where it tells none; empty if it is not. */
void module_version(const struct module_entry *entry, char *buf, size_t len);
/*
 * Names of @entry->daemon as people know them, "roam-lrd".
 */
#define DAEMON_NAME_LEN 64
const char *daemon_name(const struct daemon_entry *entry,
			char buf[DAEMON_NAME_LEN]);
/*
 * A daemon's own status in one line: "running, 12 mappings, 3 hosts, store ok".
 */
void daemon_glance(const struct daemon_entry *entry, const json_t *status,
		   char *buf, size_t len);
/* Sum of the drops, the members "drop_<reason>", of a daemon's or a module's counters. */
json_int_t count_drops(const json_t *counters);

/* Makes a static entry known before main() runs. */
#define ROAM_DAEMON(entry)						\
	static void __attribute__((constructor)) register_##entry(void)	\
	{								\
		daemon_register(&(entry));				\
	}
#define ROAM_MODULE(entry)						\
	static void __attribute__((constructor)) register_##entry(void)	\
	{								\
		module_register(&(entry));				\
	}

/* Rows of a table of commands that every daemon answers. */
#define DAEMON_COMMANDS(name_)						\
	{ .name = "status", .help = "state of the daemon",		\
	  .daemon = name_, .record = true },				\
	{ .name = "counters",						\
	  .help = "messages, answers, drops by reason",			\
	  .daemon = name_, .record = true }

#endif
