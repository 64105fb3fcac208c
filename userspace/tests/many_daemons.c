// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * More daemons than roam has, for the tool that test_tool.py builds its fakes
 * around: each is one row, and the commands that all have. The first has
 * commands with arguments as well.
 */
#include "roam/registry.h"
#include "roam/roam.h"

#define FAKES(list)							\
	list(1) list(2) list(3) list(4) list(5) list(6) list(7) list(8)	\
	list(9) list(10) list(11) list(12)

static const struct param params[] = {
	{ .member = "address", .type = PARAM_ADDR, .required = true },
	{ .member = "prefix", .word = "prefix", .type = PARAM_PREFIX },
	{ .member = "lifetime", .word = "lifetime", .type = PARAM_DURATION },
	{ .member = "tries", .word = "tries", .type = PARAM_NUMBER },
	{ .member = "name", .word = "name", .type = PARAM_TEXT },
	{ .member = "force", .word = "force", .type = PARAM_FLAG },
	{ .member = NULL },
};
static const char *const columns[] = { "address", "name", NULL };
static const char *const glance[] = { "bindings", NULL };
static const struct report_table tables[] = {
	{ "bindings", "bindings" },
	{ NULL, NULL },
};

#define FAKE(n)								\
	static const struct command commands_##n[] = {			\
		DAEMON_COMMANDS("fake" #n "d"),				\
		{ .name = "bind", .args = "ADDRESS ...",		\
		  .help = "a command with arguments",			\
		  .daemon = "fake" #n "d", .question = "binding_add",	\
		  .params = params, .columns = columns },		\
		{ .name = NULL },					\
	};								\
	static const struct daemon_entry fake_##n = {			\
		.object = "fake" #n,					\
		.daemon = "fake" #n "d",				\
		.help = "a daemon of the tests",			\
		.commands = commands_##n,				\
		.glance = glance,					\
		.tables = tables,					\
		.no_port = true,					\
	};								\
	ROAM_DAEMON(fake_##n)

FAKES(FAKE)
