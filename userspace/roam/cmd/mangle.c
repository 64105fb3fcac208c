// SPDX-License-Identifier: GPL-2.0-or-later
/* roam mangle: the address rewriting module. */
#include <errno.h>
#include <linux/netlink.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "genl/mangle.h"
#include "roam/host.h"
#include "roam/module.h"
#include "roam/output.h"
#include "roam/registry.h"
#include "roam/roam.h"
#include "roam/words.h"
#include "roam/cmd/mangle.h"
#include "roam/cmd/tunnel.h"

static const struct module_hint hints[] = {
	{ EPERM, "run it as root" },
	{ EEXIST, "roam mangle replace, or roam mangle del first" },
	{ ENOENT, "roam mangle show" },
	{ ESTALE, "give a higher number with seq" },
	{ ENOSPC, "roam mangle config set max-mappings NUMBER" },
	{ EADDRINUSE, "roam mangle show, to see who is there" },
	{ 0, "roam mangle help, or dmesg" },
};

static struct module self = {
	.object = "mangle",
	.open = mangle_open,
	.hints = hints,
};

static int get_mapping(struct genl *genl, const struct roam_addr *perm,
		       void *mapping)
{
	return mangle_mapping_get(genl, perm, mapping);
}

static const struct module_table mappings = {
	.size = sizeof(struct mangle_mapping),
	.parse = word_addr,
	.get = get_mapping,
	.read = mangle_read_mappings,
	.json = mangle_json_mappings,
	.what = "cannot show mappings",
};

static int show(int argc, char **argv)
{
	static const char *const plain[] = { "permanent", "care_of", "role",
					     "state", "expires_in", NULL };
	static const char *const with_idle[] = { "permanent", "care_of", "role",
						 "state", "expires_in", "idle",
						 NULL };

	return module_show_table(&self, &mappings, argc, argv,
				 options.details ? NULL :
				 options.statistics ? with_idle : plain);
}

/* PERM { via COA | null } [own] [mode MODE] [lifetime DURATION] [seq NUMBER] */
static int parse_mapping(int argc, char **argv, struct mangle_mapping *m)
{
	uint64_t number;
	int status;

	memset(m, 0, sizeof(*m));
	if (argc < 2)
		return module_missing(&self, "add");
	status = word_addr(argv[0], &m->perm);
	if (status)
		return status;
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (!strcmp(argv[i], "own")) {
			m->role = ROAM_MANGLE_ROLE_OWN;
		} else if (!strcmp(argv[i], "null")) {
			m->state = ROAM_MANGLE_STATE_NULL;
		} else if (!strcmp(argv[i], "via")) {
			status = word_addr(value, &m->coa);
			if (status)
				return status;
			i++;
		} else if (!strcmp(argv[i], "mode")) {
			if (!WORD_INDEX(value, mangle_mode_names, &m->mode))
				return fail(ROAM_USAGE,
					    "give symmetric or literal",
					    "'%s' is no mode", value);
			i++;
		} else if (!strcmp(argv[i], "lifetime")) {
			status = word_lifetime(value, &m->lifetime);
			if (status)
				return status;
			i++;
		} else if (!strcmp(argv[i], "seq")) {
			if (!word_number(value, UINT64_MAX, &number))
				return fail(ROAM_USAGE, "give a whole number",
					    "'%s' is no sequence number",
					    value);
			m->seq = number;
			i++;
		} else {
			return fail(ROAM_USAGE, "roam mangle add help",
				    "unknown word '%s'", argv[i]);
		}
	}
	if (roam_addr_is_none(&m->coa) != (m->state == ROAM_MANGLE_STATE_NULL))
		return fail(ROAM_USAGE, "roam mangle add help",
			    "give either 'via' and an address, or 'null'");
	return ROAM_OK;
}

static int set_mappings(struct genl *genl, const void *entries, size_t n,
			int which, size_t *applied)
{
	return mangle_mapping_set(genl, entries, n, which, applied);
}

static struct module_batch batch =
	MODULE_BATCH(struct mangle_mapping, set_mappings, "mapping");

static int collect(int argc, char **argv, enum mangle_set which)
{
	char text[ROAM_ADDR_STRLEN], device[IF_NAMESIZE];
	struct mangle_mapping m;
	int status = parse_mapping(argc, argv, &m);

	if (status)
		return status;
	/* One of the two, or each would undo the other's work (TEN-28). */
	if (m.state == ROAM_MANGLE_STATE_VALID &&
	    host_tunnel_of(&m.perm, device))
		return fail(ROAM_REFUSED, "take it out of the tunnel first",
			    "%s is behind the tunnel %s already; an address is served by a tunnel or by rewriting, not by both",
			    roam_addr_format(&m.perm, text), device);
	if (m.state == ROAM_MANGLE_STATE_VALID && tunnel_serves(&m.perm))
		return fail(ROAM_REFUSED, "roam tunnel del first",
			    "%s is served by roam_tunnel already; an address is served by a tunnel or by rewriting, not by both",
			    roam_addr_format(&m.perm, text));
	module_collect(&batch, &m, which);
	return ROAM_OK;
}

static int finish(void)
{
	return module_finish(&self, &batch);
}

static int set_one(int argc, char **argv, enum mangle_set which)
{
	int status = collect(argc, argv, which);

	return status ? status : finish();
}

static int add(int argc, char **argv)
{
	return set_one(argc, argv, MANGLE_SET_NEW);
}

static int add_collect(int argc, char **argv)
{
	return collect(argc, argv, MANGLE_SET_NEW);
}

static int replace(int argc, char **argv)
{
	return set_one(argc, argv, MANGLE_SET_ANY);
}

static int replace_collect(int argc, char **argv)
{
	return collect(argc, argv, MANGLE_SET_ANY);
}

static int del(int argc, char **argv)
{
	struct roam_addr *perms;
	size_t applied = 0;
	struct genl *genl;
	int status, ret;

	if (!argc)
		return module_missing(&self, "del");
	genl = module_open(&self, &status);
	if (!genl)
		return status;
	perms = calloc(argc, sizeof(*perms));
	for (int i = 0; i < argc; i++) {
		status = word_addr(argv[i], &perms[i]);
		if (status) {
			free(perms);
			return status;
		}
	}
	ret = mangle_mapping_del(genl, perms, argc, &applied);
	free(perms);
	if (ret)
		return module_refused(&self, ret, "cannot delete the mapping");
	output_applied(applied);
	return ROAM_OK;
}

static int flush(int argc, char **argv)
{
	return module_run_all(&self, argc, argv, mangle_mapping_flush,
			      "cannot delete the mappings");
}

static int peer_show(int argc, char **argv)
{
	bool interrupted = false;
	struct genl *genl;
	struct list list;
	int status, ret;

	genl = module_open_without_words(&self, argc, argv, &status);
	if (!genl)
		return status;
	ret = mangle_read_peers(genl, &list, &interrupted);
	if (ret)
		return module_refused(&self, ret, "cannot show correspondents");
	output_table(mangle_json_peers(&list, SIZE_MAX), NULL);
	list_free(&list);
	module_warn_interrupted(interrupted);
	return ROAM_OK;
}

static int peer_del(int argc, char **argv)
{
	struct mangle_peer peer = { 0 };
	size_t applied = 0;
	struct genl *genl;
	int status, ret;

	if (argc < 2)
		return module_missing(&self, "peer del");
	if (argc > 2)
		return module_surplus(&self, argv[2]);
	if ((status = word_addr(argv[0], &peer.own)) ||
	    (status = word_addr(argv[1], &peer.addr)))
		return status;
	genl = module_open(&self, &status);
	if (!genl)
		return status;
	ret = mangle_peer_del(genl, &peer, 1, &applied);
	if (ret)
		return module_refused(&self, ret, "cannot forget the correspondent");
	output_applied(applied);
	return ROAM_OK;
}

static int peer_flush(int argc, char **argv)
{
	return module_run_all(&self, argc, argv, mangle_peer_flush,
			      "cannot forget the correspondents");
}

static int range_show(int argc, char **argv)
{
	struct genl *genl;
	json_t *array;
	int status, ret;

	genl = module_open_without_words(&self, argc, argv, &status);
	if (!genl)
		return status;
	ret = mangle_read_ranges(genl, &array);
	if (ret)
		return module_refused(&self, ret, "cannot show the prefixes");
	output_table(array, NULL);
	return ROAM_OK;
}

static int range_set(int argc, char **argv)
{
	struct roam_prefix *ranges;
	struct genl *genl;
	int status, ret;

	if (!argc)
		return module_missing(&self, "range set");
	if (argc == 1 && !strcmp(argv[0], "none"))
		argc = 0;
	ranges = calloc(argc + 1, sizeof(*ranges));
	for (int i = 0; i < argc; i++) {
		if (roam_prefix_parse(argv[i], &ranges[i]))
			continue;
		free(ranges);
		return fail(ROAM_USAGE, "write it as 10.77.0.0/24",
			    "'%s' is no prefix, or bits beyond its length are set",
			    argv[i]);
	}
	genl = module_open(&self, &status);
	if (!genl) {
		free(ranges);
		return status;
	}
	ret = mangle_range_set(genl, ranges, argc);
	free(ranges);
	if (ret)
		return module_refused(&self, ret, "cannot set the prefixes");
	output_applied(argc);
	return ROAM_OK;
}

static int read_config(struct genl *genl, json_t **object)
{
	struct mangle_config config;
	int err = mangle_config_get(genl, &config);

	if (!err)
		*object = mangle_json_config(&config);
	return err;
}

static int config_show(int argc, char **argv)
{
	return module_show_object(&self, argc, argv, read_config,
				  "cannot show the settings");
}

/* "tcp,udp" or numbers. */
static bool parse_protocols(char *word, struct mangle_config *config)
{
	char *save, *name;

	for (name = strtok_r(word, ",", &save); name;
	     name = strtok_r(NULL, ",", &save)) {
		const struct protoent *p = getprotobyname(name);
		uint64_t number;

		if (p)
			number = p->p_proto;
		else if (!word_number(name, 255, &number))
			return false;
		if (config->n_protocols == sizeof(config->protocols))
			return false;
		config->protocols[config->n_protocols++] = number;
	}
	return config->n_protocols > 0;
}

/* "1", "0x10/0xf0": a mark, and which bits of it count. */
static bool parse_mark(const char *word, struct mangle_exempt *exempt)
{
	char *end;

	errno = 0;
	exempt->mark = strtoul(word, &end, 0);
	exempt->mask = UINT32_MAX;
	if (*end == '/')
		exempt->mask = strtoul(end + 1, &end, 0);
	return *word >= '0' && *word <= '9' && !*end && !errno &&
	       exempt->mask && !(exempt->mark & ~exempt->mask);
}

/* The number of a control group, or its path. */
static bool parse_cgroup(const char *word, uint64_t *id)
{
	if (word_number(word, UINT64_MAX, id))
		return *id;
	return mangle_cgroup_id(word, id);
}

/* One item of a list of exemptions. */
static bool parse_exempt_item(const char *name, const char *word,
			      struct mangle_exempt *e)
{
	uint64_t number;

	if (!strcmp(name, "port"))
		return word_number(word, UINT16_MAX, &number) && number &&
		       mangle_exempt_add_port(e, number);
	if (!strcmp(name, "udp-port"))
		return word_number(word, UINT16_MAX, &number) && number &&
		       mangle_exempt_add_udp_port(e, number);
	if (!strcmp(name, "prefix"))
		return e->n_ranges < MANGLE_EXEMPT_RANGES &&
		       roam_prefix_parse(word, &e->ranges[e->n_ranges++]);
	return !strcmp(name, "cgroup") &&
	       e->n_cgroups < MANGLE_EXEMPT_CGROUPS &&
	       parse_cgroup(word, &e->cgroups[e->n_cgroups++]);
}

/* "none", or a list; replaces what @exempt holds of that kind. */
static bool parse_exempt(const char *name, char *value,
			 struct mangle_exempt *exempt)
{
	bool none = !strcmp(value, "none");
	char *save, *word;

	if (!strcmp(name, "mark")) {
		exempt->mark = exempt->mask = 0;
		return none || parse_mark(value, exempt);
	}
	if (!strcmp(name, "port"))
		exempt->n_ports = 0;
	else if (!strcmp(name, "udp-port"))
		exempt->n_udp_ports = 0;
	else if (!strcmp(name, "prefix"))
		exempt->n_ranges = 0;
	else if (!strcmp(name, "cgroup"))
		exempt->n_cgroups = 0;
	else
		return false;
	if (none)
		return true;
	for (word = strtok_r(value, ",", &save); word;
	     word = strtok_r(NULL, ",", &save))
		if (!parse_exempt_item(name, word, exempt))
			return false;
	return true;
}

/* "none", or a list of prefixes. */
static bool parse_internal(char *value, struct mangle_config *c)
{
	char *save, *word;

	c->n_internal = 0;
	if (!strcmp(value, "none"))
		return true;
	for (word = strtok_r(value, ",", &save); word;
	     word = strtok_r(NULL, ",", &save))
		if (c->n_internal == MANGLE_EXEMPT_RANGES ||
		    !roam_prefix_parse(word, &c->internal[c->n_internal++]))
			return false;
	return true;
}

static bool parse_setting(const char *name, char *value,
			  struct mangle_config *c)
{
	const struct {
		const char *name;
		uint32_t *field;
		int type;
		bool duration;
	} settings[] = {
		{ "hold-packets", &c->hold_packets,
		  ROAM_MANGLE_A_CONFIG_HOLD_PACKETS, false },
		{ "hold-total", &c->hold_total, ROAM_MANGLE_A_CONFIG_HOLD_TOTAL,
		  false },
		{ "hold-time", &c->hold_time, ROAM_MANGLE_A_CONFIG_HOLD_TIME,
		  true },
		{ "grace", &c->grace, ROAM_MANGLE_A_CONFIG_GRACE, true },
		{ "max-mappings", &c->max_mappings,
		  ROAM_MANGLE_A_CONFIG_MAX_MAPPINGS, false },
		{ "max-peers", &c->max_peers, ROAM_MANGLE_A_CONFIG_MAX_PEERS,
		  false },
		{ "peer-time", &c->peer_time, ROAM_MANGLE_A_CONFIG_PEER_TIME,
		  true },
	};

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		if (strcmp(name, settings[i].name))
			continue;
		if (!word_setting(value, settings[i].duration,
				  settings[i].field))
			return false;
		c->set |= 1u << settings[i].type;
		return true;
	}
	if (!strcmp(name, "hold-policy")) {
		c->set |= 1u << ROAM_MANGLE_A_CONFIG_HOLD_POLICY;
		return WORD_INDEX(value, mangle_policy_names, &c->hold_policy);
	}
	if (!strncmp(name, "exempt-", 7)) {
		c->set |= 1u << ROAM_MANGLE_A_CONFIG_EXEMPT;
		return parse_exempt(name + 7, value, &c->exempt);
	}
	if (!strcmp(name, "internal")) {
		c->set |= 1u << ROAM_MANGLE_A_CONFIG_INTERNAL;
		return parse_internal(value, c);
	}
	c->set |= 1u << ROAM_MANGLE_A_CONFIG_PROTOCOL;
	return !strcmp(name, "protocol") && parse_protocols(value, c);
}

static int config_set(int argc, char **argv)
{
	struct mangle_config config;
	struct genl *genl;
	int status, ret;

	if (argc < 2 || argc % 2)
		return module_missing(&self, "config set");
	genl = module_open(&self, &status);
	if (!genl)
		return status;
	/* Exemptions are set as a whole: what is not named stays. */
	ret = mangle_config_get(genl, &config);
	if (ret)
		return module_refused(&self, ret, "cannot read the settings");
	config.n_protocols = 0;
	for (int i = 0; i < argc; i += 2)
		if (!parse_setting(argv[i], argv[i + 1], &config))
			return fail(ROAM_USAGE, "roam mangle config set help",
				    "'%s %s' is no setting", argv[i],
				    argv[i + 1]);
	ret = mangle_config_set(genl, &config);
	if (ret)
		return module_refused(&self, ret, "cannot change the settings");
	output_applied(argc / 2);
	return ROAM_OK;
}

static int stats(int argc, char **argv)
{
	return module_show_object(&self, argc, argv, mangle_read_stats,
				  "cannot show the counters");
}

static const char *const mapping_words[] = {
	"via", "null", "own", "mode", "symmetric", "literal", "lifetime", "seq",
	NULL
};
static const char *const config_words[] = {
	"protocol", "hold-packets", "hold-total", "hold-time", "hold-policy",
	"grace", "max-mappings", "max-peers", "peer-time", "exempt-port",
	"exempt-udp-port", "internal", "exempt-mark", "exempt-prefix", "exempt-cgroup", "none", NULL
};

static const struct command peer_commands[] = {
	{ .name = "show", .help = "correspondents seen", .run = peer_show },
	{ .name = "del", .args = "OWN PEER", .help = "forget one",
	  .run = peer_del },
	{ .name = "flush", .help = "forget all", .run = peer_flush },
	{ .name = NULL },
};

static const struct command range_commands[] = {
	{ .name = "show", .help = "prefixes that hold permanent addresses",
	  .run = range_show },
	{ .name = "set", .args = "{ PREFIX... | none }",
	  .help = "replace the whole list", .run = range_set },
	{ .name = NULL },
};

static const struct command config_commands[] = {
	{ .name = "show", .help = "settings", .run = config_show },
	{ .name = "set",
	  .args = "[protocol LIST] [hold-packets N] [hold-total N] [hold-time DURATION] [hold-policy pass|drop] [grace DURATION] [max-mappings N] [max-peers N] [peer-time DURATION] [exempt-port LIST] [exempt-udp-port LIST] [exempt-mark MARK[/MASK]] [exempt-prefix LIST] [exempt-cgroup LIST] [internal LIST]",
	  .help = "change settings; what is not named stays",
	  .words = config_words, .run = config_set },
	{ .name = NULL },
};

static const struct command commands[] = {
	{ .name = "show", .args = "[PERM]",
	  .help = "mappings of permanent to care-of addresses",
	  .live = mangle_complete_perms, .run = show },
	{ .name = "add",
	  .args = "PERM { via COA | null } [own] [mode symmetric|literal] [lifetime DURATION] [seq N]",
	  .help = "add a mapping", .words = mapping_words, .run = add,
	  .collect = add_collect, .finish = finish },
	{ .name = "replace", .args = "as add",
	  .help = "add a mapping or change it", .words = mapping_words,
	  .live = mangle_complete_perms, .run = replace, .collect = replace_collect, .finish = finish },
	{ .name = "del", .args = "PERM...", .help = "delete mappings",
	  .live = mangle_complete_perms, .run = del },
	{ .name = "flush", .help = "delete all mappings", .run = flush },
	{ .name = "peer", .args = "{ show | del | flush }",
	  .help = "correspondents of own addresses",
	  .commands = peer_commands },
	{ .name = "range", .args = "{ show | set }",
	  .help = "prefixes that are looked up", .commands = range_commands },
	{ .name = "config", .args = "{ show | set }",
	  .help = "settings of the module", .commands = config_commands },
	{ .name = "stats", .help = "counters of the module", .run = stats },
	{ .name = NULL },
};

static const struct command mangle = {
	.name = "mangle",
	.help = "address rewriting in the kernel",
	.commands = commands,
};
ROAM_OBJECT(mangle)

static const char *const states[] = { "mappings", "peers", "holding", NULL };

/*
 * Only the group "events": a listener of "miss" makes the module hold packets
 * for answers that a monitor never gives.
 */
static const struct module_entry entry = {
	.object = "mangle",
	.module = "roam_mangle",
	.open = mangle_open,
	.stats = mangle_read_stats,
	.states = states,
	.events = ROAM_MANGLE_MCGRP_EVENTS,
	.event = mangle_json_event,
	.report = mangle_report,
};
ROAM_MODULE(entry)
