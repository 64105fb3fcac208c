// SPDX-License-Identifier: GPL-2.0-or-later
/* roam mn: mobile node, roam-mnd. */
#include <string.h>

#include "roam/client.h"
#include "roam/cmd/doctor.h"
#include "roam/cmd/explain.h"
#include "roam/cmd/mn_session.h"
#include "roam/registry.h"
#include "roam/roam.h"

static const char *const columns[] = {
	"home", "mode", "care_of", "agent", "home_agent", "link", "expires_in",
	NULL
};

static const char *const agent_columns[] = {
	"agent", "care_of", "link", "home", "foreign", "busy", "current",
	"expires_in", NULL
};

static const char *const session_columns[] = {
	"session", "home", "state", "care_of", "device", "link", "expires_in",
	NULL
};

static const struct param added_params[] = {
	{ .member = "session", .type = PARAM_TEXT, .required = true },
	{ .member = "device", .word = "device", .type = PARAM_ADDR },
	{ .member = "link", .word = "link", .type = PARAM_TEXT },
	{ .member = NULL },
};

static const struct param ended_params[] = {
	{ .member = "session", .type = PARAM_TEXT, .required = true },
	{ .member = NULL },
};

static int add_session(int argc, char **argv)
{
	static const struct command question = {
		.name = "add", .daemon = "mnd", .question = "session-add",
		.params = added_params,
	};

	if (argc < 2 || strcmp(argv[1], "--"))
		return question_run(&question, argc, argv);
	if (argc < 3)
		return fail(ROAM_USAGE, "roam mn session add NAME -- COMMAND",
			    "no command follows '--'");
	return mn_session_run(argv[0], argv + 2);
}

static const char *const added_words[] = { "device", "link", "--", NULL };

static const struct command session_commands[] = {
	{ .name = "add",
	  .args = "NAME [device ADDRESS] [link LINK] | NAME -- COMMAND",
	  .help = "begin a session: of this host, a device, a link, a program",
	  .words = added_words, .run = add_session },
	{ .name = "end", .args = "NAME", .help = "end a session",
	  .daemon = "mnd", .question = "session-end",
	  .params = ended_params },
	{ .name = NULL },
};

static const struct command commands[] = {
	{ .name = "show", .help = "the registration in force", .daemon = "mnd",
	  .columns = columns },
	{ .name = "agents", .help = "agents that are heard", .daemon = "mnd",
	  .columns = agent_columns },
	{ .name = "sessions", .help = "sessions of programs and devices",
	  .daemon = "mnd", .columns = session_columns },
	{ .name = "session", .help = "begin or end a session",
	  .commands = session_commands },
	{ .name = "leave",
	  .help = "end all bindings, register no more", .daemon = "mnd" },
	{ .name = "join", .help = "register again after leave",
	  .daemon = "mnd" },
	{ .name = "renew", .help = "register again at once", .daemon = "mnd" },
	DAEMON_COMMANDS("mnd"),
	{ .name = NULL },
};

static void check(struct findings *f, const json_t *status)
{
	const char *denial =
		json_string_value(json_object_get(status, "last_denial"));

	if (json_is_true(json_object_get(status, "registered")))
		finding_add(f, "registration", FINDING_OK, NULL,
			    "the home address is registered, or at home");
	else if (denial)
		finding_add(f, "registration", FINDING_FAIL,
			    "roam mn agents", "not registered: %s", denial);
	else
		finding_add(f, "registration", FINDING_WARN, "roam mn agents",
			    "not registered");
}

static void explain(struct explanation *e)
{
	json_t *rows = client_ask("mnd", "show", NULL), *row;
	const char *mode, *agent;
	size_t i;

	json_array_foreach(rows, i, row) {
		mode = json_string_value(json_object_get(row, "mode")) ?: "";
		agent = json_string_value(json_object_get(row, "home_agent"));
		if (explain_is(e, json_object_get(row, "home"))) {
			explain_claim(e, "mn");
			explain_say(e, "roam-mnd: it is the home address of this host, whose home agent is %s; it is %s%s.",
				    agent ? agent : "not known yet",
				    !strcmp(mode, "home") ? "at " : "", mode);
		}
		if (strcmp(mode, "home") &&
		    explain_is(e, json_object_get(row, "care_of"))) {
			explain_claim(e, "mn");
			explain_say(e, "roam-mnd: it is the care-of address that this host is registered with (%s).",
				    mode);
		}
	}
	json_decref(rows);
}

static const struct report_table tables[] = {
	{ "show", NULL },
	{ "agents", NULL },
	{ "sessions", NULL },
	{ NULL, NULL },
};

static const char *const glance[] = { "mode", "home", "care_of", NULL };

static const struct daemon_entry mn = {
	.object = "mn",
	.daemon = "mnd",
	.help = "mobile node (roam-mnd)",
	.commands = commands,
	.glance = glance,
	.tables = tables,
	.doctor = check,
	.explain = explain,
};
ROAM_DAEMON(mn)
