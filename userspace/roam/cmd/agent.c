// SPDX-License-Identifier: GPL-2.0-or-later
/* roam agent: home and foreign agent, roam-agentd. */
#include <stdio.h>
#include <string.h>

#include "roam/cmd/doctor.h"
#include "roam/cmd/sync.h"
#include "roam/registry.h"
#include "roam/roam.h"

static const struct param home_params[] = {
	{ .member = "home", .type = PARAM_ADDR },
	{ .member = NULL },
};

static const struct param wanted_home[] = {
	{ .member = "home", .type = PARAM_ADDR, .required = true },
	{ .member = NULL },
};

static const char *const binding_columns[] = {
	"home", "care_of", "home_agent", "expires_in", "flags",
	"encapsulation", NULL
};

static const char *const visitor_columns[] = {
	"home", "link", "mac", "home_agent", "care_of", "expires_in",
	"reverse", NULL
};

static const char *const session_columns[] = {
	"nai", "sub_nai", "home", "care_of", "expires_in", "free_in", NULL
};

static const struct command commands[] = {
	{ .name = "show", .args = "[HOME]",
	  .help = "bindings: where mobile nodes are", .daemon = "agentd",
	  .params = home_params, .columns = binding_columns },
	{ .name = "visitors", .args = "[HOME]",
	  .help = "mobile nodes on links of this foreign agent",
	  .daemon = "agentd", .params = home_params,
	  .columns = visitor_columns },
	{ .name = "pending", .args = "[HOME]",
	  .help = "requests on their way to home agents", .daemon = "agentd",
	  .params = home_params, .columns = visitor_columns },
	{ .name = "sessions",
	  .help = "sessions of nodes known by a NAI, and their addresses",
	  .daemon = "agentd", .columns = session_columns },
	{ .name = "nodes", .help = "mobile nodes that are configured",
	  .daemon = "agentd" },
	{ .name = "links", .help = "links on which it advertises",
	  .daemon = "agentd" },
	{ .name = "end", .args = "HOME", .help = "end the bindings of a node",
	  .daemon = "agentd", .params = wanted_home },
	{ .name = "end-visitor", .args = "HOME", .help = "forget a visitor",
	  .daemon = "agentd", .params = wanted_home },
	DAEMON_COMMANDS("agentd"),
	{ .name = NULL },
};

static bool forwards(void)
{
	FILE *f = fopen("/proc/sys/net/ipv4/ip_forward", "r");
	int c = f ? fgetc(f) : EOF;

	if (f)
		fclose(f);
	return c == '1';
}

static void check(struct findings *f, const json_t *status)
{
	if (forwards())
		finding_add(f, "forwarding", FINDING_OK, NULL,
			    "this host forwards IPv4 packets");
	else
		finding_add(f, "forwarding", FINDING_FAIL,
			    "sysctl -w net.ipv4.ip_forward=1",
			    "this host does not forward IPv4 packets, so an agent on it carries none");
	if (json_is_false(json_object_get(status, "tunnel")))
		finding_add(f, "tunnel", FINDING_WARN,
			    "set 'device' in /etc/roam/agentd.conf",
			    "registrations are answered, but packets are not carried");
	else
		finding_add(f, "tunnel", FINDING_OK, NULL,
			    "the tunnel device is there");
	if (strcmp(json_string_value(json_object_get(status, "store")) ?: "",
		   "ok"))
		finding_add(f, "store", FINDING_FAIL,
			    json_string_value(json_object_get(status,
							      "store_error")),
			    "the store refuses, registrations are denied");
	sync_check(f);
}

static const struct report_table tables[] = {
	{ "show", "bindings" },
	{ "visitors", "visitors" },
	{ "pending", "pending" },
	{ "links", NULL },
	{ "sync", NULL },
	{ NULL, NULL },
};

static const char *const glance[] = {
	"bindings", "visitors", "pending", "store", NULL
};

static const struct daemon_entry agent = {
	.object = "agent",
	.daemon = "agentd",
	.help = "home and foreign agent (roam-agentd)",
	.commands = commands,
	.glance = glance,
	.tables = tables,
	.doctor = check,
};
ROAM_DAEMON(agent)
