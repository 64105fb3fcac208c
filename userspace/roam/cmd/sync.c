// SPDX-License-Identifier: GPL-2.0-or-later
/* roam sync: tables that several agents have, roam-agentd. */
#include <string.h>

#include "roam/client.h"
#include "roam/cmd/sync.h"
#include "roam/roam.h"

static const char *const show_columns[] = {
	"address", "role", "alive", "synced", "equal", "equal_since",
	"entries", "owed", "weight", "relayed", NULL
};

static const struct param wanted_home[] = {
	{ .member = "home", .type = PARAM_ADDR, .required = true },
	{ .member = NULL },
};

static const struct param of_agent[] = {
	{ .member = "agent", .type = PARAM_ADDR },
	{ .member = NULL },
};

static const struct command commands[] = {
	{ .name = "show",
	  .help = "other agents, and how far their tables are in step",
	  .daemon = "agentd", .question = "sync", .columns = show_columns },
	{ .name = "order", .args = "HOME",
	  .help = "which agents serve a node, first to last",
	  .daemon = "agentd", .question = "sync-order", .params = wanted_home },
	{ .name = "fetch", .args = "[AGENT]",
	  .help = "ask once more for the table of others, or for the bindings of one home agent",
	  .daemon = "agentd", .question = "sync-fetch", .params = of_agent },
	{ .name = "status", .help = "this agent's tables",
	  .daemon = "agentd", .question = "sync-status", .record = true },
	{ .name = NULL },
};

static void check_member(struct findings *f, const json_t *m)
{
	const char *addr = json_string_value(json_object_get(m, "address"));
	const char *role = json_string_value(json_object_get(m, "role"));

	if (!addr || !role || !strcmp(role, "other"))
		return;
	if (!json_is_true(json_object_get(m, "alive")))
		finding_add(f, "sync", FINDING_WARN, "roam sync show; is its key the same?",
			    "agent %s does not answer: what is registered is nowhere else",
			    addr);
	else if (!json_is_true(json_object_get(m, "equal")))
		finding_add(f, "sync", FINDING_WARN, "roam sync show, in a second again",
			    "the tables of agent %s differ from those here", addr);
	else
		finding_add(f, "sync", FINDING_OK, NULL,
			    "agent %s has the same tables", addr);
}

void sync_check(struct findings *f)
{
	json_t *state = client_ask("agentd", "sync-status", NULL);
	const json_t *own = json_array_get(state, 0);
	json_t *members;
	size_t i;
	json_t *m;

	if (own && *(json_string_value(json_object_get(own, "state")) ?: "") &&
	    !json_is_true(json_object_get(own, "elector")) &&
	    !strcmp(json_string_value(json_object_get(own, "mode")) ?: "",
		    "single"))
		finding_add(f, "sync", FINDING_FAIL,
			    "systemctl start roam-standbyd",
			    "roam-standbyd does not answer, so nobody says whether this agent serves");
	members = own ? client_ask("agentd", "sync", NULL) : NULL;
	json_array_foreach(members, i, m)
		check_member(f, m);
	json_decref(members);
	json_decref(state);
}

static const struct command sync_object = {
	.name = "sync",
	.help = "tables in step with other agents (roam-agentd)",
	.commands = commands,
};
ROAM_OBJECT(sync_object)
