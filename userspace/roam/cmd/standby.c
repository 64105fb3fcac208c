// SPDX-License-Identifier: GPL-2.0-or-later
/* roam standby: several routers, one address, roam-standbyd. */
#include <stdlib.h>
#include <string.h>

#include "io/json.h"
#include "io/standby.h"
#include "roam/client.h"
#include "roam/cmd/doctor.h"
#include "roam/output.h"
#include "roam/registry.h"
#include "roam/roam.h"

#define ASK_FOR 3000		/* ms */

/* Any router of the link answers, so no daemon of this host is asked. */
static int query(int argc, char **argv)
{
	struct standby_answer a;
	char *error;
	int status;

	if (!argc || argc == 2 || argc > 3 ||
	    (argc == 3 && strcmp(argv[1], "link")))
		return fail(ROAM_USAGE, "roam standby query office link eth0",
			    "give the name of a group, then maybe a link");
	error = standby_query(argv[0], argc == 3 ? argv[2] : NULL, NULL,
			      ASK_FOR, &a);
	if (error) {
		status = fail(ROAM_REFUSED, "name the link: roam standby query NAME link eth0",
			      "%s", error);
		free(error);
		return status;
	}
	output_record(json_pack("{ss so so so si si sI sI}", "group", argv[0],
				"virtual", json_addr(&a.vip),
				"active", json_addr(&a.active),
				"standby", json_addr(&a.standby),
				"number", a.group, "priority", a.priority,
				"hello_ms", (json_int_t)a.hello,
				"hold_ms", (json_int_t)a.hold));
	return ROAM_OK;
}

static const struct param one_group[] = {
	{ "group", NULL, PARAM_TEXT, false },
	{ .member = NULL },
};
static const struct param resign_params[] = {
	{ "group", NULL, PARAM_TEXT, true },
	{ "time", "pause", PARAM_DURATION, false },
	{ .member = NULL },
};
static const struct param preempt_params[] = {
	{ "group", NULL, PARAM_TEXT, true },
	{ "off", "off", PARAM_FLAG, false },
	{ "time", "for", PARAM_DURATION, false },
	{ .member = NULL },
};
static const char *const show_columns[] = {
	"group", "link", "state", "virtual", "active", "standby", "priority",
	"problem", NULL
};
static const char *const history_columns[] = {
	"group", "ago", "from", "to", "reason", "peer", "silent", "late", NULL
};

static const struct command commands[] = {
	{ .name = "show", .args = "[GROUP]",
	  .help = "groups, and who is active and standby in each",
	  .daemon = "standbyd", .params = one_group, .columns = show_columns },
	{ .name = "history", .args = "[GROUP]",
	  .help = "changes of the role, each with its reason",
	  .daemon = "standbyd", .params = one_group,
	  .columns = history_columns },
	{ .name = "peers", .args = "[GROUP]", .help = "other routers heard",
	  .daemon = "standbyd", .params = one_group },
	{ .name = "query", .args = "GROUP [link LINK]",
	  .help = "ask the routers of a link who serves a group",
	  .run = query },
	{ .name = "resign", .args = "GROUP [pause TIME]",
	  .help = "leave the active role",
	  .daemon = "standbyd", .params = resign_params,
	  .columns = show_columns },
	{ .name = "preempt", .args = "GROUP [off] [for TIME]",
	  .help = "allow a coup again, or forbid it",
	  .daemon = "standbyd", .params = preempt_params,
	  .columns = show_columns },
	DAEMON_COMMANDS("standbyd"),
	{ .name = NULL },
};

static void check_group(struct findings *f, const json_t *g)
{
	const char *name = json_string_value(json_object_get(g, "group"));
	const char *state = json_string_value(json_object_get(g, "state"));
	const char *problem = json_string_value(json_object_get(g, "problem"));

	if (problem)
		finding_add(f, "standby", FINDING_FAIL,
			    "roam standby show -d; then its log", "group %s: %s",
			    name, problem);
	else if (!strcmp(state, "virgin"))
		finding_add(f, "standby", FINDING_WARN, "ip link",
			    "group %s does not run: its link is down, or has no address",
			    name);
	else if (json_is_null(json_object_get(g, "standby")))
		finding_add(f, "standby", FINDING_WARN, "roam standby peers",
			    "group %s has no standby router; if the active one fails nobody takes over",
			    name);
	else
		finding_add(f, "standby", FINDING_OK, NULL,
			    "group %s: this router is %s", name, state);
}

static void check(struct findings *f, const json_t *status)
{
	json_t *groups = client_ask("standbyd", "show", NULL), *g;
	size_t i;

	if (!json_is_true(json_object_get(status, "realtime")))
		finding_add(f, "standby", FINDING_WARN,
			    "set LimitRTPRIO in roam-standbyd.service",
			    "roam-standbyd has no realtime priority; with short hellos it may be late under load");
	json_array_foreach(groups, i, g)
		check_group(f, g);
	json_decref(groups);
}

static const struct report_table tables[] = {
	{ "show", NULL },
	{ "history", NULL },
	{ "peers", NULL },
	{ NULL, NULL },
};
static const char *const glance[] = { "groups", "active", "standby", NULL };

static const struct daemon_entry standby = {
	.object = "standby",
	.daemon = "standbyd",
	.help = "virtual routers (roam-standbyd)",
	.commands = commands,
	.glance = glance,
	.tables = tables,
	.doctor = check,
};
ROAM_DAEMON(standby)
