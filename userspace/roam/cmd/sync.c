// SPDX-License-Identifier: GPL-2.0-or-later
/* roam sync: tables that several agents have, roam-agentd. */
#include "roam/roam.h"

static const char *const show_columns[] = {
	"address", "role", "alive", "synced", "equal", "equal_since",
	"entries", "owed", NULL
};

static const struct command commands[] = {
	{ .name = "show",
	  .help = "other agents, and how far their tables are in step",
	  .daemon = "agentd", .question = "sync", .columns = show_columns },
	{ .name = "status", .help = "this agent's tables",
	  .daemon = "agentd", .question = "sync-status", .record = true },
	{ .name = NULL },
};

static const struct command sync_object = {
	.name = "sync",
	.help = "tables in step with other agents (roam-agentd)",
	.commands = commands,
};
ROAM_OBJECT(sync_object)
