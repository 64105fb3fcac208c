// SPDX-License-Identifier: GPL-2.0-or-later
/* roam hlr: the location register, roam-hlrd. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/auth.h"
#include "roam/client.h"
#include "roam/cmd/doctor.h"
#include "roam/cmd/keygen.h"
#include "roam/output.h"
#include "roam/registry.h"
#include "roam/roam.h"

/* A line for a key file; with -j the same as an object. */
static int keygen(int argc, char **argv)
{
	unsigned long id;

	if (argc != 1)
		return fail(ROAM_USAGE, "roam hlr keygen 7",
			    "give one key id");
	id = keygen_id(argv[0]);
	if (!id)
		return fail(ROAM_USAGE, "roam hlr keygen 7",
			    "'%s' is no key id from 1 to %d", argv[0],
			    AUTH_ID_MAX);
	return keygen_random(id);
}

static const struct param show_params[] = {
	{ .member = "permanent", .type = PARAM_ADDR },
	{ .member = NULL },
};
static const char *const show_columns[] = {
	"permanent", "care_of", "expires_in", "key", "at_home", NULL
};

static const struct command commands[] = {
	{ .name = "show", .args = "[PERM]", .help = "where mobile hosts are",
	  .daemon = "hlrd", .params = show_params, .columns = show_columns },
	DAEMON_COMMANDS("hlrd"),
	{ .name = "keys", .help = "key ids, fingerprints and rights",
	  .daemon = "hlrd" },
	{ .name = "keygen", .args = "ID",
	  .help = "a new line for a file in /etc/roam/keys.d/DAEMON",
	  .run = keygen },
	{ .name = NULL },
};

static const struct report_table tables[] = {
	{ "keys", NULL },
	{ "show", "mappings" },
	{ NULL, NULL },
};
static const char *const glance[] = { "mappings", "hosts", "store",
				      "store_error", NULL };

/* Two hosts with one key take the address from each other. */
static void check_clones(struct findings *f)
{
	json_t *counters = client_ask("hlrd", "counters", NULL);
	const json_t *row = json_is_array(counters) ?
		json_array_get(counters, 0) : counters;
	long long n = json_integer_value(json_object_get(row, "cloned"));

	if (n > 0)
		finding_add(f, "clones", FINDING_WARN,
			    "journalctl -u roam-hlrd | grep 'back and forth'",
			    "%lld times an address went back and forth between two hosts with one key, a cloned one perhaps; give each a key and an address of its own",
			    n);
	json_decref(counters);
}

/* That everybody may ask for everybody is the default, and not for everybody. */
static void check(struct findings *f, const json_t *status)
{
	long long n = json_integer_value(json_object_get(status, "see_all"));

	check_clones(f);
	if (n > 1)
		finding_add(f, "whereabouts", FINDING_WARN, "roam hlr keys",
			    "%lld hosts may ask this register where every mobile host is; 'visible' of a host in hlrd.conf limits that",
			    n);
}

static const struct daemon_entry hlr = {
	.object = "hlr",
	.daemon = "hlrd",
	.help = "location register (roam-hlrd)",
	.commands = commands,
	.glance = glance,
	.tables = tables,
	.doctor = check,
};
ROAM_DAEMON(hlr)
