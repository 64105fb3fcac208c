// SPDX-License-Identifier: GPL-2.0-or-later
/* roam mangle: the address rewriting module. */
#include <errno.h>
#include <linux/netlink.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "genl/mangle.h"
#include "roam/host.h"
#include "roam/list.h"
#include "roam/output.h"
#include "roam/registry.h"
#include "roam/roam.h"
#include "roam/cmd/mangle.h"
#include "roam/cmd/tunnel.h"

/* The module's socket, one for all commands of a batch. */
static struct genl *open_module(int *status)
{
	static struct genl *genl;
	char *error;

	if (genl)
		return genl;
	genl = mangle_open(&error);
	if (!genl) {
		*status = errno == ENOENT ?
			fail(ROAM_NOT_RUNNING, "modprobe roam_mangle",
			     "the kernel module roam_mangle is not loaded") :
			fail(ROAM_REFUSED, "roam doctor", "%s",
			     error ? error : strerror(errno));
		free(error);
	}
	return genl;
}

static int refused(struct genl *genl, int ret, const char *what)
{
	const char *hint;

	switch (-ret) {
	case EPERM:
		hint = "run it as root";
		break;
	case EEXIST:
		hint = "roam mangle replace, or roam mangle del first";
		break;
	case ENOENT:
		hint = "roam mangle show";
		break;
	case ESTALE:
		hint = "give a higher number with seq";
		break;
	case ENOSPC:
		hint = "roam mangle config set max-mappings NUMBER";
		break;
	case EADDRINUSE:
		hint = "roam mangle show, to see who is there";
		break;
	default:
		hint = "roam mangle help, or dmesg";
	}
	return fail(ROAM_REFUSED, hint, "%s: %s", what, genl_error(genl));
}

static void warn_interrupted(bool interrupted)
{
	if (interrupted)
		fprintf(stderr, "roam: the table changed while it was read; an entry may be missing or double\n");
}

/* Number word behind a keyword: whole, and within the bounds. */
static bool parse_number(const char *word, uint64_t max, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(word, &end, 10);
	return word[0] >= '0' && word[0] <= '9' && !*end && !errno &&
	       *value <= max;
}

static bool parse_addr(const char *word, struct roam_addr *addr, int *status)
{
	if (roam_addr_parse(word, addr))
		return true;
	*status = fail(ROAM_USAGE, "give an address such as 10.77.0.5",
		       "'%s' is no IP address", word);
	return false;
}

static int missing(const char *what)
{
	char hint[64];

	snprintf(hint, sizeof(hint), "roam mangle %s help", what);
	return fail(ROAM_USAGE, hint, "roam mangle %s: words are missing",
		    what);
}

static int surplus(const char *word)
{
	return fail(ROAM_USAGE, "roam mangle help", "'%s' is one word too many",
		    word);
}

/* The module, for a command that takes no words. */
static struct genl *open_without_words(int argc, char **argv, int *status)
{
	if (!argc)
		return open_module(status);
	*status = surplus(argv[0]);
	return NULL;
}

static void print_mappings(const struct list *list)
{
	static const char *const plain[] = { "permanent", "care_of", "role",
					     "state", "expires_in", NULL };
	static const char *const with_idle[] = { "permanent", "care_of", "role",
						 "state", "expires_in", "idle",
						 NULL };

	output_table(mangle_json_mappings(list, SIZE_MAX),
		     options.details ? NULL :
		     options.statistics ? with_idle : plain);
}

static int show(int argc, char **argv)
{
	struct list list = LIST_OF(struct mangle_mapping);
	struct mangle_mapping one;
	bool interrupted = false;
	struct roam_addr perm;
	int status, ret;
	struct genl *genl;

	if (argc > 1)
		return surplus(argv[1]);
	if (argc && !parse_addr(argv[0], &perm, &status))
		return status;
	genl = open_module(&status);
	if (!genl)
		return status;
	if (argc) {
		ret = mangle_mapping_get(genl, &perm, &one);
		if (!ret)
			list_append(&list, &one);
		/* Not there is an answer, not a failure. */
		if (ret == -ENOENT)
			ret = 0;
	} else {
		ret = mangle_read_mappings(genl, &list, &interrupted);
	}
	if (ret)
		return refused(genl, ret, "cannot show mappings");
	print_mappings(&list);
	list_free(&list);
	warn_interrupted(interrupted);
	return ROAM_OK;
}

/* Index of a word in a list of names; false if it is none of them. */
static bool parse_name(const char *word, const char *const *names, size_t n,
		       uint8_t *value)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(word, names[i]))
			continue;
		*value = i;
		return true;
	}
	return false;
}

#define PARSE_NAME(word, names, value) \
	parse_name(word, names, sizeof(names) / sizeof((names)[0]), value)

/* PERM { via COA | null } [own] [mode MODE] [lifetime DURATION] [seq NUMBER] */
static int parse_mapping(int argc, char **argv, struct mangle_mapping *m)
{
	uint64_t number;
	int status;
	msec_t ms;

	memset(m, 0, sizeof(*m));
	if (argc < 2)
		return missing("add");
	if (!parse_addr(argv[0], &m->perm, &status))
		return status;
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (!strcmp(argv[i], "own")) {
			m->role = ROAM_MANGLE_ROLE_OWN;
		} else if (!strcmp(argv[i], "null")) {
			m->state = ROAM_MANGLE_STATE_NULL;
		} else if (!strcmp(argv[i], "via")) {
			if (!parse_addr(value, &m->coa, &status))
				return status;
			i++;
		} else if (!strcmp(argv[i], "mode")) {
			if (!PARSE_NAME(value, mangle_mode_names, &m->mode))
				return fail(ROAM_USAGE,
					    "give symmetric or literal",
					    "'%s' is no mode", value);
			i++;
		} else if (!strcmp(argv[i], "lifetime")) {
			if (!conf_parse_duration(value, &ms) || ms < 1 ||
			    ms > UINT32_MAX)
				return fail(ROAM_USAGE,
					    "write it as 500ms, 30s, 5m or 1h",
					    "'%s' is no lifetime", value);
			m->lifetime = ms;
			i++;
		} else if (!strcmp(argv[i], "seq")) {
			if (!parse_number(value, UINT64_MAX, &number))
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

/* What a batch collected, and the line that each came from. */
static struct {
	struct list mappings;
	struct list lines;
	enum mangle_set which;
} collected = {
	.mappings = { .size = sizeof(struct mangle_mapping) },
	.lines = { .size = sizeof(unsigned int) },
};

static int collect(int argc, char **argv, enum mangle_set which)
{
	char text[ROAM_ADDR_STRLEN], device[IF_NAMESIZE];
	struct mangle_mapping m;
	int status = parse_mapping(argc, argv, &m);

	if (status)
		return status;
	/* A mapping belongs to the daemon or to the administrator: else each would undo the
 * other's work (TEN-28). */
	if (m.state == ROAM_MANGLE_STATE_VALID &&
	    host_tunnel_of(&m.perm, device))
		return fail(ROAM_REFUSED, "take it out of the tunnel first",
			    "%s is behind the tunnel %s already; an address is served by a tunnel or by rewriting, not by both",
			    roam_addr_format(&m.perm, text), device);
	if (m.state == ROAM_MANGLE_STATE_VALID && tunnel_serves(&m.perm))
		return fail(ROAM_REFUSED, "roam tunnel del first",
			    "%s is served by roam_tunnel already; an address is served by a tunnel or by rewriting, not by both",
			    roam_addr_format(&m.perm, text));
	list_append(&collected.mappings, &m);
	list_append(&collected.lines, &(unsigned int){ batch_line() });
	collected.which = which;
	return ROAM_OK;
}

/* With -force the refused entry is reported and the rest goes on behind it. */
static int finish(void)
{
	struct list *mappings = &collected.mappings;
	size_t at = 0, total = 0;
	int status = ROAM_OK;
	struct genl *genl = open_module(&status);

	while (genl && at < mappings->n) {
		char what[ROAM_ADDR_STRLEN + 32], text[ROAM_ADDR_STRLEN];
		const struct mangle_mapping *next = list_at(mappings, at);
		size_t applied = 0;
		int ret;

		ret = mangle_mapping_set(genl, next, mappings->n - at,
					 collected.which, &applied);
		total += applied;
		at += applied;
		if (!ret || at >= mappings->n)
			break;
		next = list_at(mappings, at);
		batch_set_line(*(unsigned int *)list_at(&collected.lines, at));
		snprintf(what, sizeof(what), "cannot set the mapping of %s",
			 roam_addr_format(&next->perm, text));
		status = refused(genl, ret, what);
		if (!options.force)
			break;
		at++;
	}
	list_free(mappings);
	list_free(&collected.lines);
	if (total)
		batch_note_success();
	/* How much took effect before a refusal is told as well. */
	if (total || !status)
		output_applied(total);
	return status;
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
		return missing("del");
	genl = open_module(&status);
	if (!genl)
		return status;
	perms = calloc(argc, sizeof(*perms));
	for (int i = 0; i < argc; i++) {
		if (!parse_addr(argv[i], &perms[i], &status)) {
			free(perms);
			return status;
		}
	}
	ret = mangle_mapping_del(genl, perms, argc, &applied);
	free(perms);
	if (ret)
		return refused(genl, ret, "cannot delete the mapping");
	output_applied(applied);
	return ROAM_OK;
}

static int flush(int argc, char **argv)
{
	size_t applied;
	struct genl *genl;
	int status, ret;

	genl = open_without_words(argc, argv, &status);
	if (!genl)
		return status;
	ret = mangle_mapping_flush(genl, &applied);
	if (ret)
		return refused(genl, ret, "cannot delete the mappings");
	output_applied(applied);
	return ROAM_OK;
}

static int peer_show(int argc, char **argv)
{
	bool interrupted = false;
	struct genl *genl;
	struct list list;
	int status, ret;

	genl = open_without_words(argc, argv, &status);
	if (!genl)
		return status;
	ret = mangle_read_peers(genl, &list, &interrupted);
	if (ret)
		return refused(genl, ret, "cannot show correspondents");
	output_table(mangle_json_peers(&list, SIZE_MAX), NULL);
	list_free(&list);
	warn_interrupted(interrupted);
	return ROAM_OK;
}

static int peer_del(int argc, char **argv)
{
	struct mangle_peer peer = { 0 };
	size_t applied = 0;
	struct genl *genl;
	int status, ret;

	if (argc < 2)
		return missing("peer del");
	if (argc > 2)
		return surplus(argv[2]);
	if (!parse_addr(argv[0], &peer.own, &status) ||
	    !parse_addr(argv[1], &peer.addr, &status))
		return status;
	genl = open_module(&status);
	if (!genl)
		return status;
	ret = mangle_peer_del(genl, &peer, 1, &applied);
	if (ret)
		return refused(genl, ret, "cannot forget the correspondent");
	output_applied(applied);
	return ROAM_OK;
}

static int peer_flush(int argc, char **argv)
{
	size_t applied;
	struct genl *genl;
	int status, ret;

	genl = open_without_words(argc, argv, &status);
	if (!genl)
		return status;
	ret = mangle_peer_flush(genl, &applied);
	if (ret)
		return refused(genl, ret, "cannot forget the correspondents");
	output_applied(applied);
	return ROAM_OK;
}

static int range_show(int argc, char **argv)
{
	struct genl *genl;
	json_t *array;
	int status, ret;

	genl = open_without_words(argc, argv, &status);
	if (!genl)
		return status;
	ret = mangle_read_ranges(genl, &array);
	if (ret)
		return refused(genl, ret, "cannot show the prefixes");
	output_table(array, NULL);
	return ROAM_OK;
}

static int range_set(int argc, char **argv)
{
	struct roam_prefix *ranges;
	struct genl *genl;
	int status, ret;

	if (!argc)
		return missing("range set");
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
	genl = open_module(&status);
	if (!genl) {
		free(ranges);
		return status;
	}
	ret = mangle_range_set(genl, ranges, argc);
	free(ranges);
	if (ret)
		return refused(genl, ret, "cannot set the prefixes");
	output_applied(argc);
	return ROAM_OK;
}

static int config_show(int argc, char **argv)
{
	struct mangle_config config;
	struct genl *genl;
	int status, ret;

	genl = open_without_words(argc, argv, &status);
	if (!genl)
		return status;
	ret = mangle_config_get(genl, &config);
	if (ret)
		return refused(genl, ret, "cannot show the settings");
	output_record(mangle_json_config(&config));
	return ROAM_OK;
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
		else if (!parse_number(name, 255, &number))
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
	if (parse_number(word, UINT64_MAX, id))
		return *id;
	return mangle_cgroup_id(word, id);
}

/* One item of a list of exemptions. */
static bool parse_exempt_item(const char *name, const char *word,
			      struct mangle_exempt *e)
{
	uint64_t number;

	if (!strcmp(name, "port"))
		return parse_number(word, UINT16_MAX, &number) && number &&
		       mangle_exempt_add_port(e, number);
	if (!strcmp(name, "udp-port"))
		return parse_number(word, UINT16_MAX, &number) && number &&
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
	uint64_t number;
	msec_t ms;

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		if (strcmp(name, settings[i].name))
			continue;
		if (settings[i].duration) {
			if (!conf_parse_duration(value, &ms) || ms > UINT32_MAX)
				return false;
			number = ms;
		} else if (!parse_number(value, UINT32_MAX, &number)) {
			return false;
		}
		*settings[i].field = number;
		c->set |= 1u << settings[i].type;
		return true;
	}
	if (!strcmp(name, "hold-policy")) {
		c->set |= 1u << ROAM_MANGLE_A_CONFIG_HOLD_POLICY;
		return PARSE_NAME(value, mangle_policy_names, &c->hold_policy);
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
		return missing("config set");
	genl = open_module(&status);
	if (!genl)
		return status;
	/* Exemptions are set as a whole: what is not named stays. */
	ret = mangle_config_get(genl, &config);
	if (ret)
		return refused(genl, ret, "cannot read the settings");
	config.n_protocols = 0;
	for (int i = 0; i < argc; i += 2)
		if (!parse_setting(argv[i], argv[i + 1], &config))
			return fail(ROAM_USAGE, "roam mangle config set help",
				    "'%s %s' is no setting", argv[i],
				    argv[i + 1]);
	ret = mangle_config_set(genl, &config);
	if (ret)
		return refused(genl, ret, "cannot change the settings");
	output_applied(argc / 2);
	return ROAM_OK;
}

static int stats(int argc, char **argv)
{
	struct genl *genl;
	json_t *object;
	int status, ret;

	genl = open_without_words(argc, argv, &status);
	if (!genl)
		return status;
	ret = mangle_read_stats(genl, &object);
	if (ret)
		return refused(genl, ret, "cannot show the counters");
	output_record(object);
	return ROAM_OK;
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
static const struct module_entry module = {
	.object = "mangle",
	.module = "roam_mangle",
	.open = mangle_open,
	.stats = mangle_read_stats,
	.states = states,
	.events = ROAM_MANGLE_MCGRP_EVENTS,
	.event = mangle_json_event,
	.report = mangle_report,
};
ROAM_MODULE(module)
