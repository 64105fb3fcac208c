// SPDX-License-Identifier: GPL-2.0-or-later
/* roam agent: home and foreign agent, roam-agentd. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "roam/client.h"
#include "roam/cmd/doctor.h"
#include "roam/cmd/explain.h"
#include "roam/cmd/sync.h"
#include "roam/cmd/tunnel.h"
#include "roam/output.h"
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

static const char *const link_columns[] = {
	"link", "address", "care_of", "home", "foreign", "up", "advertised", NULL
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
	  .daemon = "agentd", .columns = link_columns },
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

static const char *word_of(const json_t *row, const char *member)
{
	return json_string_value(json_object_get(row, member)) ?: "none";
}

/* "for another 12 s", or "for ever". */
static const char *rest_of(const json_t *row, char *buf, size_t len)
{
	const json_t *left = json_object_get(row, "expires_in");
	char text[OUTPUT_DURATION_LEN];

	output_duration(json_number_value(left), text, sizeof(text));
	snprintf(buf, len, json_is_number(left) ? "for another %s" : "for ever",
		 text);
	return buf;
}

/* Does the module carry what the daemon has granted? */
static void explain_carried(struct explanation *e, bool visitor)
{
	struct genl *genl = tunnel_open(NULL);
	struct tunnel_binding b;
	struct tunnel_visitor v;
	int err;

	if (!genl)
		return;
	err = visitor ? tunnel_visitor_get(genl, &e->addr, &v) :
			tunnel_binding_get(genl, &e->addr, &b);
	genl_close(genl);
	if (err == -ENOENT)
		explain_advise(e, "systemctl restart roam-agentd",
			       "roam-agentd has it and the module has not, so no packet is carried.");
}

static void explain(struct explanation *e)
{
	json_t *args = json_pack("{ss}", "home", e->text);
	json_t *rows, *row;
	char rest[64];
	size_t i;

	rows = client_ask("agentd", "show", json_incref(args));
	json_array_foreach(rows, i, row) {
		explain_claim(e, "agent");
		explain_say(e, "roam-agentd: registered at the home agent %s with the care-of address %s, %s (flags %s, request from %s).",
			    word_of(row, "home_agent"), word_of(row, "care_of"),
			    rest_of(row, rest, sizeof(rest)),
			    word_of(row, "flags"), word_of(row, "source"));
		if (!i)
			explain_carried(e, false);
	}
	json_decref(rows);
	rows = client_ask("agentd", "visitors", json_incref(args));
	json_array_foreach(rows, i, row) {
		explain_claim(e, "agent");
		explain_say(e, "roam-agentd: it visits %s, registered through here at the home agent %s, %s.",
			    word_of(row, "link"), word_of(row, "home_agent"),
			    rest_of(row, rest, sizeof(rest)));
		explain_carried(e, true);
	}
	json_decref(rows);
	rows = client_ask("agentd", "pending", args);
	json_array_foreach(rows, i, row) {
		explain_claim(e, "agent");
		explain_say(e, "roam-agentd: its request is on its way to the home agent %s.",
			    word_of(row, "home_agent"));
	}
	json_decref(rows);
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
	.explain = explain,
};
ROAM_DAEMON(agent)
