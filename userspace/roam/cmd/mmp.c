// SPDX-License-Identifier: GPL-2.0-or-later
/* roam mmp: movement inside an access network, roam-mmpd and roam_mmp. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "auth/auth.h"
#include "core/mmp_host.h"
#include "genl/mmp.h"
#include "io/json.h"
#include "roam/output.h"
#include "roam/registry.h"
#include "roam/roam.h"

#define KEY_LEN 32
#define HOST_KEY 1000	/* ids of a host's own keys begin there */

static unsigned long parse_id(const char *word)
{
	unsigned long id;
	char *end;

	errno = 0;
	id = strtoul(word, &end, 10);
	return word[0] < '0' || word[0] > '9' || *end || errno ||
	       id > AUTH_ID_MAX ? 0 : id;
}

/* A new domain key. */
static int keygen_domain(uint32_t id)
{
	char line[2 * KEY_LEN + 16];
	uint8_t key[KEY_LEN];
	char *p = line + snprintf(line, sizeof(line), "%u ", id);

	if (getrandom(key, sizeof(key), 0) != sizeof(key))
		return fail(ROAM_REFUSED, "again", "no random numbers: %s",
			    strerror(errno));
	for (int i = 0; i < KEY_LEN; i++)
		p += snprintf(p, 3, "%02x", key[i]);
	if (options.json)
		output_record(json_pack("[{sI ss}]", "key", (json_int_t)id,
					"secret", strchr(line, ' ') + 1));
	else
		printf("%s\n", line);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(line, sizeof(line));
	return ROAM_OK;
}

static void print_derived(json_t *rows, const struct auth_key *from, uint32_t id,
			  const char *purpose, const void *data, size_t len)
{
	char line[AUTH_LINE_LEN];

	auth_derive_line(from, id, purpose, data, len, line);
	if (rows) {
		line[strlen(line) - 1] = '\0';
		json_array_append_new(rows,
			json_pack("{sI ss}", "key", (json_int_t)id, "secret",
				  strchr(line, ' ') + 1));
	} else {
		fputs(line, stdout);
	}
	explicit_bzero(line, sizeof(line));
}

/*
 * keygen ID: a new domain key. keygen ID FILE ADDRESS...: the lines of the key file
 * of a host with these addresses, made from the domain key in FILE.
 */
static int keygen(int argc, char **argv)
{
	unsigned long id = argc ? parse_id(argv[0]) : 0;
	struct roam_addr addrs[MMP_ADDRS_MAX];
	json_t *rows = options.json ? json_array() : NULL;
	const struct auth_key *key;
	struct auth_keys *keys;
	char *error = NULL;

	if (!id || argc == 2 || argc > 2 + MMP_ADDRS_MAX) {
		json_decref(rows);
		return fail(ROAM_USAGE, "roam mmp keygen 1 /etc/roam/mmp.key 10.7.0.99",
			    "give a key id, and for the keys of a host the domain's key file and its addresses");
	}
	if (argc == 1) {
		json_decref(rows);
		return keygen_domain((uint32_t)id);
	}
	for (int i = 2; i < argc; i++) {
		if (roam_addr_parse(argv[i], &addrs[i - 2]))
			continue;
		json_decref(rows);
		return fail(ROAM_USAGE, "roam mmp keygen 1 /etc/roam/mmp.key 10.7.0.99",
			    "'%s' is no IP address", argv[i]);
	}
	keys = auth_keys_load(argv[1], &error);
	key = keys ? auth_keys_find(keys, (uint32_t)id) : NULL;
	if (!key) {
		int status = fail(ROAM_REFUSED, "roam mmp keygen ID >FILE",
				  "%s", error ? error :
				  "there is no key with this id in the file");

		free(error);
		auth_keys_free(keys);
		json_decref(rows);
		return status;
	}
	print_derived(rows, key, (uint32_t)id, "roam mmp air", NULL, 0);
	for (int i = 0; i < argc - 2; i++)
		print_derived(rows, key, (uint32_t)(HOST_KEY + i + 1),
			      "roam mmp host", addrs[i].b, sizeof(addrs[i].b));
	if (rows)
		output_record(rows);
	auth_keys_free(keys);
	return ROAM_OK;
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
