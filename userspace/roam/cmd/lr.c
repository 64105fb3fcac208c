// SPDX-License-Identifier: GPL-2.0-or-later
/* roam lr: mobile host and correspondent, roam-lrd. */
#include <netinet/in.h>

#include "genl/mangle.h"
#include "roam/cmd/doctor.h"
#include "roam/registry.h"
#include "roam/roam.h"

static const struct command commands[] = {
	{ .name = "show", .help = "own registrations and known mobile hosts",
	  .daemon = "lrd" },
	{ .name = "peers", .help = "correspondents of this mobile host",
	  .daemon = "lrd" },
	{ .name = "registers", .help = "registers, and how they answer",
	  .daemon = "lrd" },
	{ .name = "leave",
	  .help = "end all registrations and tell correspondents",
	  .daemon = "lrd" },
	{ .name = "join", .help = "register again after leave",
	  .daemon = "lrd" },
	DAEMON_COMMANDS("lrd"),
	{ .name = NULL },
};

/* roam-lrd sees to that, but what is exempt can be set by others (TEN-11). */
static void check_messages(struct findings *f, unsigned int port)
{
	if (!mangle_rewrites(&f->config, IPPROTO_UDP))
		return;
	if (mangle_exempt_has_port(&f->config.exempt, port))
		finding_add(f, "messages", FINDING_OK, NULL,
			    "UDP is rewritten, that of port %u is not", port);
	else
		finding_add(f, "messages", FINDING_WARN,
			    "systemctl reload roam-lrd",
			    "UDP is rewritten, and port %u is not exempt: what roam-lrd sends may wait for its own answer",
			    port);
}

/* OPEN-65 */
static void check_translator(struct findings *f, const json_t *status)
{
	if (json_is_true(json_object_get(status, "translated")))
		finding_add(f, "translator", FINDING_WARN, "roam lr registers",
			    "this host is behind a translator (NAT): nobody can reach it at its care-of address, so its connections pass unchanged and do not survive a move");
}

static void check(struct findings *f, const json_t *status)
{
	check_translator(f, status);
	for (size_t i = f->first_port; i < f->ports.n; i++)
		check_messages(f, *(unsigned int *)list_at(&f->ports, i));
}

static const struct report_table tables[] = {
	{ "registers", NULL },
	{ "peers", "correspondents" },
	{ "show", "mappings" },
	{ NULL, NULL },
};
static const char *const glance[] = {
	"role", "care_of", "care_of6", "translated", "registers", "registrations",
	"registered", "correspondents", "mappings", NULL
};

static const struct daemon_entry lr = {
	.object = "lr",
	.daemon = "lrd",
	.help = "mobile host and correspondent (roam-lrd)",
	.commands = commands,
	.glance = glance,
	.tables = tables,
	.doctor = check,
};
ROAM_DAEMON(lr)
