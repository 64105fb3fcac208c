// SPDX-License-Identifier: GPL-2.0-or-later
/* roam mmp: movement inside an access network, roam-mmpd and roam_mmp. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/auth.h"
#include "core/mmp_host.h"
#include "genl/mmp.h"
#include "io/json.h"
#include "roam/client.h"
#include "roam/cmd/doctor.h"
#include "roam/cmd/keygen.h"
#include "roam/output.h"
#include "roam/registry.h"
#include "roam/roam.h"

/*
 * keygen ID: a new domain key. keygen ID FILE ADDRESS...: the lines of the key file
 * of a host with these addresses, made from the domain key in FILE. Without addresses
 * those of a host that gets its address, and the key for it, from roam-drcpd.
 */
static int keygen(int argc, char **argv)
{
	unsigned long id = argc ? keygen_id(argv[0]) : 0;
	struct roam_addr addrs[MMP_ADDRS_MAX];
	struct keygen k;

	if (!id || argc > 2 + MMP_ADDRS_MAX)
		return fail(ROAM_USAGE, "roam mmp keygen 1 /etc/roam/mmp.key 10.7.0.99",
			    "give a key id, and for the keys of a host the domain's key file and its addresses");
	if (argc == 1)
		return keygen_random((uint32_t)id);
	for (int i = 2; i < argc; i++)
		if (!roam_addr_parse(argv[i], &addrs[i - 2]))
			return fail(ROAM_USAGE, "roam mmp keygen 1 /etc/roam/mmp.key 10.7.0.99",
				    "'%s' is no IP address", argv[i]);
	if (!keygen_open(&k, argv[1], (uint32_t)id))
		return ROAM_REFUSED;
	keygen_print(&k, (uint32_t)id, "roam mmp air", NULL, 0);
	for (int i = 0; i < argc - 2; i++)
		keygen_print(&k, (uint32_t)(KEYGEN_HOST + i + 1),
			     "roam mmp host", addrs[i].b, sizeof(addrs[i].b));
	return keygen_close(&k);
}

/* ---- the module ---- */

static void add_counter(void *ctx, const char *name, uint64_t value)
{
	json_object_set_new(ctx, name, json_integer((json_int_t)value));
}

static int module_stats(struct genl *genl, json_t **stats)
{
	int err;

	*stats = json_object();
	err = mmp_stats_get(genl, add_counter, *stats);
	if (err) {
		json_decref(*stats);
		*stats = NULL;
	}
	return err;
}

static int stats(int argc, char **argv)
{
	char *error = NULL;
	struct genl *genl;
	json_t *object;
	int status = ROAM_OK;

	(void)argv;
	if (argc)
		return fail(ROAM_USAGE, "roam mmp stats",
			    "it takes no arguments");
	genl = mmp_open(&error);
	if (!genl) {
		status = fail(ROAM_NOT_RUNNING, "modprobe roam_mmp", "%s",
			      error);
		free(error);
		return status;
	}
	if (module_stats(genl, &object))
		status = fail(ROAM_REFUSED, "lsmod | grep roam_mmp", "%s",
			      genl_error(genl));
	else
		output_record(json_pack("[o]", object));
	genl_close(genl);
	return status;
}

/* ---- the way to a host ---- */

#define TRACE_WAIT 2000000	/* us until an answer is given up */
#define TRACE_LOOK 20000

static const char *const trace_columns[] = {
	"branch", "level", "node", "role", "downlinks", "expires_in", NULL
};

static json_t *ask_trace(const char *host, bool again, int *status)
{
	return client_call("mmpd", "trace",
			   json_pack("{ss sb}", "host", host, "again", again),
			   status);
}

/* How many ends the answers should come from: each second downlink is one more. */
static size_t branches(const json_t *rows, size_t *answered)
{
	json_int_t downlinks, branch;
	size_t i, wanted = 1;
	json_t *row;

	*answered = 0;
	json_array_foreach(rows, i, row) {
		downlinks = json_integer_value(json_object_get(row, "downlinks"));
		branch = json_integer_value(json_object_get(row, "branch"));
		if ((size_t)branch + 1 > *answered)
			*answered = (size_t)branch + 1;
		if (!branch && downlinks == 2)
			wanted = 2;
	}
	return wanted;
}

static int trace(int argc, char **argv)
{
	int status = ROAM_OK, waited = 0;
	size_t answered;
	json_t *rows;

	if (argc != 1)
		return fail(ROAM_USAGE, "roam mmp trace 10.7.0.99",
			    "give the address of a host");
	rows = ask_trace(argv[0], false, &status);
	while (rows && branches(rows, &answered) > answered &&
	       waited < TRACE_WAIT) {
		usleep(TRACE_LOOK);
		waited += TRACE_LOOK;
		json_decref(rows);
		rows = ask_trace(argv[0], true, &status);
	}
	if (!rows)
		return status;
	if (!json_array_size(rows)) {
		json_decref(rows);
		return fail(ROAM_REFUSED, "roam mmp show",
			    "no node answered; a way that ends in silence has a node without roam-mmpd, or a link that is down");
	}
	output_table(rows, trace_columns);
	return ROAM_OK;
}

static const struct param show_params[] = {
	{ .member = "host", .type = PARAM_ADDR },
	{ .member = NULL },
};
static const struct param move_params[] = {
	{ .member = "base_station", .type = PARAM_TEXT, .required = true },
	{ .member = NULL },
};
static const char *const show_columns[] = {
	"host", "link", "expires_in", "second_expires_in", NULL
};
static const char *const uplink_columns[] = {
	"gateway", "node", "link", "class", "delay", "round_trip",
	"missing", NULL
};
static const char *const tree_columns[] = {
	"level", "is", "node", "link", "detail", NULL
};
static const char *const route_columns[] = { "host", "gateway", "own", NULL };
static const char *const station_columns[] = {
	"base_station", "link", "gateway", "domain", "heard", "present", NULL
};
static const char *const handoff_columns[] = {
	"ago", "from", "to", "movement", "handoff", "took", "period_ms",
	"reason", NULL
};

static const struct command commands[] = {
	DAEMON_COMMANDS("mmpd"),
	{ .name = "show", .args = "[HOST]",
	  .help = "entries of a node: where hosts are", .daemon = "mmpd",
	  .params = show_params, .columns = show_columns },
	{ .name = "tree", .help = "the domain as a node sees it",
	  .daemon = "mmpd", .columns = tree_columns },
	{ .name = "uplinks", .help = "possible uplinks of a node and their class",
	  .daemon = "mmpd", .columns = uplink_columns },
	{ .name = "trace", .args = "HOST",
	  .help = "the way from a node to a host, with the state of each node on it",
	  .run = trace },
	{ .name = "routes", .help = "at which gateway hosts are",
	  .daemon = "mmpd", .columns = route_columns },
	{ .name = "stations", .help = "base stations that a host hears",
	  .daemon = "mmpd", .columns = station_columns },
	{ .name = "handoffs", .help = "what each movement of a host cost",
	  .daemon = "mmpd", .columns = handoff_columns },
	{ .name = "move", .args = "STATION",
	  .help = "let a host go to a base station that it hears",
	  .daemon = "mmpd", .params = move_params },
	{ .name = "stats", .help = "counters of the module", .run = stats },
	{ .name = "keygen", .args = "ID [FILE HOST...]",
	  .help = "a new domain key, or the keys of a host",
	  .run = keygen },
	{ .name = NULL },
};

static bool sysctl_is(const char *path, char wanted)
{
	FILE *f = fopen(path, "r");
	int c = f ? fgetc(f) : EOF;

	if (f)
		fclose(f);
	return c == wanted;
}

static void check_host(struct findings *f, const json_t *status)
{
	const char *state = json_string_value(json_object_get(status, "state"));

	if (state && !strcmp(state, "attached"))
		finding_add(f, "mmp", FINDING_OK, NULL,
			    "this host is at base station %s",
			    json_string_value(json_object_get(status,
							      "base_station")));
	else if (state && !strcmp(state, "no-address"))
		finding_add(f, "mmp", FINDING_FAIL, "roam mmp stations",
			    "this host has no address in the subnets of the domain that it hears");
	else
		finding_add(f, "mmp", FINDING_WARN, "roam mmp stations",
			    "this host is not acknowledged at any base station (%s)",
			    state ? state : "unknown");
}

/* Hosts' addresses have no routes, so a reverse path check drops all they send. */
static void check_rp_filter(struct findings *f)
{
	json_t *uplinks = client_ask("mmpd", "tree", NULL), *row;
	size_t i;

	json_array_foreach(uplinks, i, row) {
		const char *link =
			json_string_value(json_object_get(row, "link"));
		char path[128];

		if (!link)
			continue;
		snprintf(path, sizeof(path),
			 "/proc/sys/net/ipv4/conf/%.32s/rp_filter", link);
		if (!sysctl_is(path, '1') &&
		    !sysctl_is("/proc/sys/net/ipv4/conf/all/rp_filter", '1'))
			continue;
		finding_add(f, "reverse path", FINDING_FAIL,
			    "sysctl -w net.ipv4.conf.all.rp_filter=0, and of the link",
			    "link %s drops what hosts send: their addresses have no routes there",
			    link);
	}
	json_decref(uplinks);
}

static void check(struct findings *f, const json_t *status)
{
	const char *role = json_string_value(json_object_get(status, "role"));
	json_t *uplinks;
	size_t n = 0, i;
	json_t *row;

	if (role && !strcmp(role, "border"))
		return;
	if (role && !strcmp(role, "host")) {
		check_host(f, status);
		return;
	}
	if (role && !strcmp(role, "gateway")) {
		if (sysctl_is("/proc/sys/net/ipv4/ip_forward", '1'))
			finding_add(f, "forwarding", FINDING_OK, NULL,
				    "this gateway forwards IPv4 packets");
		else
			finding_add(f, "forwarding", FINDING_FAIL,
				    "sysctl -w net.ipv4.ip_forward=1",
				    "this gateway does not forward IPv4 packets, so hosts reach nobody outside");
		check_rp_filter(f);
		return;
	}
	uplinks = client_ask("mmpd", "uplinks", NULL);
	json_array_foreach(uplinks, i, row) {
		const char *class =
			json_string_value(json_object_get(row, "class"));

		n += class && (!strcmp(class, "primary") ||
			       !strcmp(class, "secondary"));
	}
	json_decref(uplinks);
	if (!n)
		finding_add(f, "mmp", FINDING_FAIL, "roam mmp uplinks",
			    "no uplink works: no gateway's beacon comes by any link, or no probe is answered");
	else
		finding_add(f, "mmp", FINDING_OK, NULL,
			    "%zu uplink%s can be used", n, n == 1 ? "" : "s");
}

static const char *const glance[] = { "role", "name", "gateway", "state",
				      "base_station", NULL };

static const struct report_table tables[] = {
	{ "tree", NULL },
	{ "uplinks", NULL },
	{ "stations", NULL },
	{ "handoffs", NULL },
	{ NULL, NULL },
};

static const struct daemon_entry mmp = {
	.object = "mmp",
	.daemon = "mmpd",
	.help = "movement inside an access network (roam-mmpd)",
	.commands = commands,
	.glance = glance,
	.tables = tables,
	.doctor = check,
};
ROAM_DAEMON(mmp)

static const char *const states[] = { "hosts", NULL };

static json_t *module_event(const struct nlmsghdr *nlh)
{
	struct mmp_route route;
	uint8_t reason;

	if (!mmp_event_decode(nlh, &route, &reason))
		return NULL;
	return json_pack("{ss so ss si}", "event", "entry", "host",
			 json_addr(&route.entry.addr), "reason",
			 mmp_reason_name(reason), "downlinks",
			 (int)route.entry.n);
}

static const struct module_entry module = {
	.object = "mmp",
	.module = "roam_mmp",
	.daemon = "mmpd",
	.open = mmp_open,
	.stats = module_stats,
	.states = states,
	.events = ROAM_MMP_MCGRP_EVENTS,
	.event = module_event,
};
ROAM_MODULE(module)
