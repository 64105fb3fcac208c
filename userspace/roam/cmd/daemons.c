// SPDX-License-Identifier: GPL-2.0-or-later
/* roam hlr, roam lr: what the daemons' control sockets show. */
#include "roam/cmd/daemons.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "auth/auth.h"
#include "base/addr.h"
#include "roam/client.h"
#include "roam/output.h"
#include "roam/roam.h"

#define KEY_LEN 32

const struct daemon_entry daemons[] = {
	{ "hlr", "hlrd" },
	{ "lr", "lrd" },
	{ NULL, NULL },
};

static int surplus(int argc, char **argv, int wanted)
{
	if (argc <= wanted)
		return ROAM_OK;
	return fail(ROAM_USAGE, "roam help", "'%s' is one word too many",
		    argv[wanted]);
}

/* One question without arguments; the answer is shown as it comes. */
static int ask(const char *daemon, const char *command, int argc, char **argv,
	       void (*print)(json_t *result))
{
	int status = surplus(argc, argv, 0);
	json_t *result;

	if (status)
		return status;
	result = client_call(daemon, command, NULL, &status);
	if (result)
		print(result);
	return status;
}

static void print_table(json_t *result)
{
	output_table(result, NULL);
}

static int hlr_show(int argc, char **argv)
{
	static const char *const plain[] = { "permanent", "care_of",
					     "expires_in", "key", "at_home",
					     NULL };
	int status = surplus(argc, argv, 1);
	json_t *args = NULL, *result;

	if (status)
		return status;
	if (argc)
		args = json_pack("{ss}", "permanent", argv[0]);
	result = client_call("hlrd", "show", args, &status);
	if (result)
		output_table(result, options.details ? NULL : plain);
	return status;
}

static int hlr_status(int argc, char **argv)
{
	return ask("hlrd", "status", argc, argv, output_record);
}

static int hlr_counters(int argc, char **argv)
{
	return ask("hlrd", "counters", argc, argv, output_record);
}

static int hlr_keys(int argc, char **argv)
{
	return ask("hlrd", "keys", argc, argv, print_table);
}

/* A line for a key file; with -j the same as an object. */
static int hlr_keygen(int argc, char **argv)
{
	char hex[2 * KEY_LEN + 1];
	uint8_t key[KEY_LEN];
	unsigned long long id;
	char *end;

	if (argc != 1)
		return fail(ROAM_USAGE, "roam hlr keygen 7",
			    "give one key id");
	errno = 0;
	id = strtoull(argv[0], &end, 10);
	if (argv[0][0] < '0' || argv[0][0] > '9' || *end || errno || !id ||
	    id > AUTH_ID_MAX)
		return fail(ROAM_USAGE, "roam hlr keygen 7",
			    "'%s' is no key id from 1 to %d", argv[0],
			    AUTH_ID_MAX);
	if (getrandom(key, sizeof(key), 0) != sizeof(key))
		return fail(ROAM_REFUSED, "again", "no random numbers: %s",
			    strerror(errno));
	for (int i = 0; i < KEY_LEN; i++)
		snprintf(hex + 2 * i, 3, "%02x", key[i]);
	if (options.json)
		output_record(json_pack("[{sI ss}]", "key", (json_int_t)id,
					"secret", hex));
	else
		printf("%llu %s\n", id, hex);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(hex, sizeof(hex));
	return ROAM_OK;
}

static int lr_show(int argc, char **argv)
{
	return ask("lrd", "show", argc, argv, print_table);
}

static int lr_peers(int argc, char **argv)
{
	return ask("lrd", "peers", argc, argv, print_table);
}

static int lr_registers(int argc, char **argv)
{
	return ask("lrd", "registers", argc, argv, print_table);
}

static int lr_status(int argc, char **argv)
{
	return ask("lrd", "status", argc, argv, output_record);
}

static int lr_counters(int argc, char **argv)
{
	return ask("lrd", "counters", argc, argv, output_record);
}

static int lr_leave(int argc, char **argv)
{
	return ask("lrd", "leave", argc, argv, print_table);
}

static int lr_join(int argc, char **argv)
{
	return ask("lrd", "join", argc, argv, print_table);
}

static const struct command hlr_commands[] = {
	{ .name = "show", .args = "[PERM]", .help = "where mobile hosts are",
	  .run = hlr_show },
	{ .name = "status", .help = "state of the register",
	  .run = hlr_status },
	{ .name = "counters", .help = "messages, answers, drops by reason",
	  .run = hlr_counters },
	{ .name = "keys", .help = "key ids, fingerprints and rights",
	  .run = hlr_keys },
	{ .name = "keygen", .args = "ID",
	  .help = "a new line for a file in /etc/roam/keys.d",
	  .run = hlr_keygen },
	{ .name = NULL },
};

static const struct command hlr = {
	.name = "hlr",
	.help = "location register (roam-hlrd)",
	.commands = hlr_commands,
};
ROAM_OBJECT(hlr)

static const struct command lr_commands[] = {
	{ .name = "show", .help = "own registrations and known mobile hosts",
	  .run = lr_show },
	{ .name = "peers", .help = "correspondents of this mobile host",
	  .run = lr_peers },
	{ .name = "registers", .help = "registers, and how they answer",
	  .run = lr_registers },
	{ .name = "leave",
	  .help = "end all registrations and tell correspondents",
	  .run = lr_leave },
	{ .name = "join", .help = "register again after leave",
	  .run = lr_join },
	{ .name = "status", .help = "state of the daemon", .run = lr_status },
	{ .name = "counters", .help = "messages, answers, drops by reason",
	  .run = lr_counters },
	{ .name = NULL },
};

static const struct command lr = {
	.name = "lr",
	.help = "mobile host and correspondent (roam-lrd)",
	.commands = lr_commands,
};
ROAM_OBJECT(lr)
