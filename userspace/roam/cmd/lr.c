// SPDX-License-Identifier: GPL-2.0-or-later
/* roam lr: mobile host and correspondent, roam-lrd. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "genl/mangle.h"
#include "roam/client.h"
#include "roam/cmd/doctor.h"
#include "roam/cmd/mangle.h"
#include "roam/output.h"
#include "roam/registry.h"
#include "roam/roam.h"
#include "rtnl/tcp.h"

static void forget_own(void)
{
	struct list mappings = LIST_OF(struct mangle_mapping);
	struct genl *genl = mangle_open(NULL);

	if (!genl)
		return;
	if (mangle_read_mappings(genl, &mappings, NULL))
		mappings.n = 0;
	for (size_t i = 0; i < mappings.n; i++) {
		const struct mangle_mapping *m = list_at(&mappings, i);

		if (m->role == ROAM_MANGLE_ROLE_OWN)
			mangle_mapping_del(genl, &m->perm, 1, NULL);
	}
	list_free(&mappings);
	genl_close(genl);
}

/*
 * A daemon that has ended leaves what open connections need. Without it nobody can tell
 * others that this host leaves, but all that is on this host can be taken back.
 */
static int take_back(void)
{
	char *error = NULL;
	struct rtnl *rtnl = rtnl_open(&error);
	int ret = rtnl ? rtnl_tcp_withdraw(rtnl) : -ENOTSUP;

	if (rtnl)
		forget_own();
	rtnl_close(rtnl);
	free(error);
	if (ret < 0)
		return fail(ROAM_REFUSED, "sudo roam lr leave",
			    "cannot take back the rules of TCP: %s", strerror(-ret));
	output_applied(ret);
	return ROAM_OK;
}

static int leave(int argc, char **argv)
{
	static const struct command ask = { .name = "leave", .daemon = "lrd" };
	struct client *client = client_open("lrd");

	if (!client && argc == 0 && (errno == ENOENT || errno == ECONNREFUSED))
		return take_back();
	client_close(client);
	return question_run(&ask, argc, argv);
}

static const struct command commands[] = {
	{ .name = "show", .help = "own registrations and known mobile hosts",
	  .daemon = "lrd" },
	{ .name = "peers", .help = "correspondents of this mobile host",
	  .daemon = "lrd" },
	{ .name = "registers", .help = "registers, and how they answer",
	  .daemon = "lrd" },
	{ .name = "leave",
	  .help = "end all registrations, tell correspondents, and take back rules, table and link of TCP",
	  .run = leave },
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
	if (mangle_exempt_has_udp_port(&f->config.exempt, port))
		finding_add(f, "messages", FINDING_OK, NULL,
			    "UDP is rewritten, that of port %u is not", port);
	else
		finding_add(f, "messages", FINDING_WARN,
			    "systemctl reload roam-lrd",
			    "UDP is rewritten, and port %u is not exempt: what roam-lrd sends may wait for its own answer",
			    port);
}

/* A host that no register knows is found by nobody (wrong key, denied, unreachable). */
static void check_registration(struct findings *f, const json_t *entry)
{
	const char *reg = json_string_value(json_object_get(entry, "register"));
	const char *perm = json_string_value(json_object_get(entry, "permanent"));
	const char *status = json_string_value(json_object_get(entry, "last_status"));
	const char *other = json_string_value(json_object_get(entry, "other"));
	json_int_t tries = json_integer_value(json_object_get(entry, "tries"));

	if (!reg || !perm)
		return;
	if (other)
		finding_add(f, "clone", FINDING_WARN, "roam lr registers",
			    "another host, at %s, registers %s at %s with the key of this one: a clone perhaps; give it a key and an address of its own",
			    other, perm, reg);
	if (json_is_null(json_object_get(entry, "care_of")))
		finding_add(f, "registration", FINDING_WARN, "ip route get REGISTER",
			    "no network: there is no address that %s could be told for %s",
			    reg, perm);
	else if (json_is_true(json_object_get(entry, "registered")) && tries > 2)
		finding_add(f, "registration", FINDING_FAIL, "journalctl -u roam-lrd",
			    "%s was known at %s, which does not answer any more, asked %lld times: is it reachable, and does a firewall pass UDP of its port both ways?",
			    perm, reg, (long long)tries);
	else if (json_is_true(json_object_get(entry, "registered")))
		finding_add(f, "registration", FINDING_OK, NULL, "%s is known at %s",
			    perm, reg);
	else if (status && json_is_true(json_object_get(entry, "translated")))
		return;		/* check_translator() says why */
	else if (status && !strcmp(status, "unproved"))
		finding_add(f, "registration", FINDING_FAIL, "roam lr registers",
			    "register %s does not see that %s is where it says: what it sends to that address does not arrive, does a firewall here pass UDP of its port?",
			    reg, perm);
	else if (status)
		finding_add(f, "registration", FINDING_FAIL, "journalctl -u roam-hlrd",
			    "register %s refuses %s: %s; its host section names the key that may speak for the address",
			    reg, perm, status);
	else if (tries > 2)
		finding_add(f, "registration", FINDING_FAIL, "journalctl -u roam-lrd",
			    "register %s does not answer about %s, tried %lld times: is it reachable, does a firewall on the way or on this host pass UDP of its port, and have both ends the same key?",
			    reg, perm, (long long)tries);
	else
		finding_add(f, "registration", FINDING_WARN, "roam doctor",
			    "register %s has not answered about %s yet; ask again in some seconds",
			    reg, perm);
}

static void check_registrations(struct findings *f)
{
	json_t *list = client_ask("lrd", "registers", NULL);
	const json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry)
		check_registration(f, entry);
	json_decref(list);
}

/* OPEN-65 */
static void check_translator(struct findings *f, const json_t *status)
{
	if (json_is_true(json_object_get(status, "translated")))
		finding_add(f, "translator", FINDING_WARN, "roam lr registers",
			    "this host is behind a translator (NAT): nobody can reach it at its care-of address, so its connections pass unchanged and do not survive a move");
}

/* A correspondent that cannot ask takes every mobile host for one that does not move. */
static void check_questions(struct findings *f, const json_t *status)
{
	const char *reg = json_string_value(json_object_get(status, "register"));

	if (json_is_true(json_object_get(status, "unanswered")))
		finding_add(f, "questions", FINDING_FAIL, "journalctl -u roam-lrd",
			    "no register answers where other hosts are, or each refuses (%s is asked next): is it reachable, does a firewall on the way or on this host pass UDP of its port, and have both ends the same key?",
			    reg ? reg : "none");
}

static void check(struct findings *f, const json_t *status)
{
	check_translator(f, status);
	check_questions(f, status);
	if (!json_is_true(json_object_get(status, "left")))
		check_registrations(f);
	else
		finding_add(f, "registration", FINDING_WARN, "roam lr join",
			    "this host has left: TCP uses the care-of address, and nobody finds it");
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
