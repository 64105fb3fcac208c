// SPDX-License-Identifier: GPL-2.0-or-later
/* roam drcp: addresses for who enters a sub-network, roam-drcpd. */
#include "roam/registry.h"
#include "roam/roam.h"

static const struct command commands[] = {
	{ .name = "show", .help = "leases of a server, or the one of this host",
	  .daemon = "drcpd" },
	{ .name = "leave", .help = "give this host's address back",
	  .daemon = "drcpd" },
	{ .name = "join", .help = "ask for an address again, after leave",
	  .daemon = "drcpd" },
	DAEMON_COMMANDS("drcpd"),
	{ .name = NULL },
};

static const struct report_table tables[] = {
	{ "show", "leases" },
	{ NULL, NULL },
};
static const char *const glance[] = {
	"role", "links", "pools", "leases", "address", "dhcp", NULL
};

static const struct daemon_entry drcp = {
	.object = "drcp",
	.daemon = "drcpd",
	.help = "addresses at arrival (roam-drcpd)",
	.commands = commands,
	.glance = glance,
	.tables = tables,
};
ROAM_DAEMON(drcp)
