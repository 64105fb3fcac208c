// SPDX-License-Identifier: GPL-2.0-or-later
/* roam table: dynamic tables of routers that stand in for each other, roam-syncd. */
#include <string.h>

#include "roam/cmd/doctor.h"
#include "roam/registry.h"
#include "roam/roam.h"

static const char *const show_columns[] = {
	"table", "protocol", "source", "destination", "reply_source",
	"reply_destination", "set", "element", "address", "client", "left",
	"device", "tunnel", "peer", "installed", NULL
};
static const char *const member_columns[] = {
	"address", "role", "alive", "synced", "equal", "equal_since",
	"entries", "owed", NULL
};

static const struct command commands[] = {
	{ .name = "show", .help = "entries of all tables", .daemon = "syncd",
	  .columns = show_columns },
	{ .name = "members",
	  .help = "other routers, and how far their tables are in step",
	  .daemon = "syncd", .columns = member_columns },
	DAEMON_COMMANDS("syncd"),
	{ .name = NULL },
};

static void check(struct findings *f, const json_t *status)
{
	if (!json_is_true(json_object_get(status, "elector")))
		finding_add(f, "table", FINDING_FAIL,
			    "systemctl start roam-standbyd",
			    "roam-standbyd does not answer, so nobody says whose tables count");
	else if (!json_is_true(json_object_get(status, "synced")))
		finding_add(f, "table", FINDING_WARN,
			    "roam table members; is the key the same?",
			    "the tables here are not complete");
}

static const struct report_table tables[] = {
	{ "show", "entries" },
	{ "members", NULL },
	{ NULL, NULL },
};
static const char *const glance[] = {
	"state", "address", "synced", "entries", NULL
};

static const struct daemon_entry table = {
	.object = "table",
	.daemon = "syncd",
	.help = "tables of routers that stand in for each other (roam-syncd)",
	.commands = commands,
	.glance = glance,
	.tables = tables,
	.doctor = check,
};
ROAM_DAEMON(table)
