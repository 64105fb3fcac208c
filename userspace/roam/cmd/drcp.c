// SPDX-License-Identifier: GPL-2.0-or-later
/* roam drcp: addresses for who enters a sub-network, roam-drcpd. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "roam/cmd/doctor.h"
#include "roam/cmd/keygen.h"
#include "roam/cmd/manager.h"
#include "roam/registry.h"
#include "roam/roam.h"

/* keygen ID FILE CLIENT: the lines of a client's key file, from the domain's key. */
static int keygen(int argc, char **argv)
{
	unsigned long id = argc ? keygen_id(argv[0]) : 0;
	struct keygen k;
	uint8_t c[6];
	int end = 0;

	if (!id || argc != 3 ||
	    sscanf(argv[2], "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &c[0],
		   &c[1], &c[2], &c[3], &c[4], &c[5], &end) != 6 ||
	    argv[2][end])
		return fail(ROAM_USAGE, "roam drcp keygen 1 /etc/roam/drcp.key 02:00:00:00:00:05",
			    "give a key id, the domain's key file and the client's link-layer address");
	if (!keygen_open(&k, argv[1], (uint32_t)id))
		return ROAM_REFUSED;
	keygen_print(&k, (uint32_t)id, "roam drcp air", NULL, 0);
	keygen_print(&k, KEYGEN_HOST + 1, "roam drcp host", c, sizeof(c));
	return keygen_close(&k);
}

static const struct command commands[] = {
	{ .name = "show", .help = "leases of a server, or the one of this host",
	  .daemon = "drcpd" },
	{ .name = "leave", .help = "give this host's address back",
	  .daemon = "drcpd" },
	{ .name = "join", .help = "ask for an address again, after leave",
	  .daemon = "drcpd" },
	{ .name = "keygen", .args = "ID FILE CLIENT",
	  .help = "the keys of a client", .run = keygen },
	DAEMON_COMMANDS("drcpd"),
	{ .name = NULL },
};

#define MANAGERS_MAX 4

/* Two that configure one interface take each other's addresses away. */
static void check(struct findings *f, const json_t *status)
{
	const char *role = json_string_value(json_object_get(status, "role"));
	const char *link = json_string_value(json_object_get(status, "link"));
	const char *addr = json_string_value(json_object_get(status, "address"));
	bool dhcp = json_is_true(json_object_get(status, "dhcp"));
	struct manager managers[MANAGERS_MAX];
	size_t n;

	if (!role || strcmp(role, "client") || !link)
		return;
	if (!addr && !dhcp)
		finding_add(f, "drcp", FINDING_FAIL, "roam drcp counters",
			    "this host has no address on %s", link);
	n = managers_find(link, managers, MANAGERS_MAX);
	/* Where nobody speaks DRCP, DHCP shall do its work. */
	for (size_t i = 0; i < n && !dhcp; i++)
		finding_add(f, "interface", FINDING_FAIL, managers[i].fix,
			    "%s manages %s as well, so each takes the other one's address away",
			    managers[i].name, link);
	if (!n && !dhcp)
		finding_add(f, "interface", FINDING_OK, NULL,
			    "nobody else manages %s", link);
	if (!n && dhcp)
		finding_add(f, "interface", FINDING_WARN, "dhclient, or another client of DHCP",
			    "nobody speaks DRCP on %s, and no client of DHCP runs there",
			    link);
}

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
	.doctor = check,
};
ROAM_DAEMON(drcp)
