// SPDX-License-Identifier: GPL-2.0-or-later
/* roam tunnel: the tunnels of home and foreign agents. */
#include "roam/cmd/tunnel.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "genl/mangle.h"
#include "roam/module.h"
#include "roam/output.h"
#include "roam/registry.h"
#include "roam/roam.h"
#include "roam/words.h"

static const struct module_hint hints[] = {
	{ EPERM, "run it as root" },
	{ EEXIST, "say replace instead of add, or delete it first" },
	{ ENOENT, "roam tunnel show, or roam tunnel visitors show" },
	{ ENODEV, "ip link show" },
	{ ENOSPC, "roam tunnel config set max-bindings NUMBER" },
	{ 0, "roam tunnel help, or dmesg" },
};

static struct module self = {
	.object = "tunnel",
	.open = tunnel_open,
	.hints = hints,
};

static int parse_link(const char *word, unsigned int *index)
{
	*index = if_nametoindex(word);
	return *index ? ROAM_OK :
	       fail(ROAM_USAGE, "ip link show", "there is no link '%s'", word);
}

static int parse_port(const char *word, uint16_t *port)
{
	uint64_t number;

	if (!word_number(word, UINT16_MAX, &number) || !number)
		return fail(ROAM_USAGE, "give a number from 1 to 65535",
			    "'%s' is no port", word);
	*port = number;
	return ROAM_OK;
}

static int parse_mac(const char *word, uint8_t *mac)
{
	int used = 0;

	if (sscanf(word, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0],
		   &mac[1], &mac[2], &mac[3], &mac[4], &mac[5], &used) ==
		    TUNNEL_MAC_LEN && !word[used])
		return ROAM_OK;
	return fail(ROAM_USAGE, "write it as 02:00:00:00:00:05",
		    "'%s' is no link-layer address", word);
}

static int parse_name(const char *word, const char *const *names, size_t n,
		      const char *what, uint8_t *value)
{
	if (word_index(word, names, n, value))
		return ROAM_OK;
	return fail(ROAM_USAGE, "roam tunnel help", "'%s' is no %s", word, what);
}

#define PARSE_NAME(word, names, what, value) \
	parse_name(word, names, sizeof(names) / sizeof((names)[0]), what, value)

/* ---- bindings ---- */

static int get_binding(struct genl *genl, const struct roam_addr *home,
		       void *binding)
{
	return tunnel_binding_get(genl, home, binding);
}

static const struct module_table bindings = {
	.size = sizeof(struct tunnel_binding),
	.parse = word_addr4,
	.get = get_binding,
	.read = tunnel_read_bindings,
	.json = tunnel_json_bindings,
	.what = "cannot show bindings",
};

static int show(int argc, char **argv)
{
	static const char *const plain[] = { "home", "care_of", "encap",
					     "device", "home_link",
					     "expires_in", NULL };
	static const char *const all[] = { "home", "care_of", "encap", "device",
					   "home_link", "broadcast",
					   "colocated", "reverse",
					   "expires_in", "idle", NULL };

	return module_show_table(&self, &bindings, argc, argv,
				 options.details || options.statistics ? all :
									 plain);
}

/* A word without a value; false if it is none. */
static bool parse_flag(const char *word, uint32_t *flags)
{
	static const struct {
		const char *word;
		uint32_t flag;
	} words[] = {
		{ "broadcast", ROAM_TUNNEL_BINDING_FLAG_BROADCAST },
		{ "colocated", ROAM_TUNNEL_BINDING_FLAG_COLOCATED },
		{ "reverse", ROAM_TUNNEL_BINDING_FLAG_REVERSE },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(word, words[i].word))
			continue;
		*flags |= words[i].flag;
		return true;
	}
	return false;
}

/* A word about the endpoint that the last "via" began, and its value. */
static int parse_endpoint_word(const char *word, const char *value,
			       struct tunnel_endpoint *e)
{
	if (!strcmp(word, "from"))
		return word_addr4(value, &e->local);
	if (!strcmp(word, "encap"))
		return PARSE_NAME(value, tunnel_encap_names, "encapsulation",
				  &e->encap);
	if (!strcmp(word, "own-port"))
		return parse_port(value, &e->sport);
	if (!strcmp(word, "peer-port"))
		return parse_port(value, &e->dport);
	return fail(ROAM_USAGE, "roam tunnel add help", "unknown word '%s'",
		    word);
}

/* HOME { via COA from AGENT ... }... [home-link LINK] ... */
static int parse_binding(int argc, char **argv, struct tunnel_binding *b)
{
	int status;

	memset(b, 0, sizeof(*b));
	if (argc < 5)
		return module_missing(&self, "add");
	status = word_addr4(argv[0], &b->home);
	for (int i = 1; i < argc && !status; i++) {
		const char *word = argv[i];
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (parse_flag(word, &b->flags))
			continue;
		i++;
		if (!strcmp(word, "via")) {
			if (b->n_endpoints == TUNNEL_ENDPOINTS)
				return fail(ROAM_USAGE, "leave one out",
					    "a binding has at most %d care-of addresses",
					    TUNNEL_ENDPOINTS);
			status = word_addr4(value,
					    &b->endpoints[b->n_endpoints++].coa);
		} else if (!strcmp(word, "home-link")) {
			status = parse_link(value, &b->home_link);
		} else if (!strcmp(word, "dev")) {
			status = parse_link(value, &b->device);
		} else if (!strcmp(word, "lifetime")) {
			status = word_lifetime(value, &b->lifetime);
		} else if (!b->n_endpoints) {
			return fail(ROAM_USAGE, "roam tunnel add help",
				    "'%s' comes before 'via'", word);
		} else {
			status = parse_endpoint_word(word, value,
				&b->endpoints[b->n_endpoints - 1]);
		}
	}
	for (size_t i = 0; i < b->n_endpoints && !status; i++)
		if (roam_addr_is_none(&b->endpoints[i].local))
			return fail(ROAM_USAGE, "roam tunnel add help",
				    "give 'from' and the home agent's address");
	if (!status && !b->n_endpoints)
		return module_missing(&self, "add");
	return status;
}

/* One of the two, or each would undo the other's work (TEN-28). */
static int refuse_mapped(const struct roam_addr *home)
{
	static struct genl *genl;
	struct mangle_mapping mapping;
	char text[ROAM_ADDR_STRLEN];

	if (!genl)
		genl = mangle_open(NULL);
	if (!genl || mangle_mapping_get(genl, home, &mapping) ||
	    mapping.state != ROAM_MANGLE_STATE_VALID)
		return ROAM_OK;
	return fail(ROAM_REFUSED, "roam mangle del first",
		    "%s is mapped already; an address is served by a tunnel or by rewriting, not by both",
		    roam_addr_format(home, text));
}

static int set_bindings(struct genl *genl, const void *entries, size_t n,
			int which, size_t *applied)
{
	return tunnel_binding_set(genl, entries, n, which, applied);
}

static struct module_batch batch =
	MODULE_BATCH(struct tunnel_binding, set_bindings, "binding");

static int collect(int argc, char **argv, enum tunnel_set which)
{
	struct tunnel_binding b;
	int status = parse_binding(argc, argv, &b);

	if (!status)
		status = refuse_mapped(&b.home);
	if (!status)
		module_collect(&batch, &b, which);
	return status;
}

static int finish(void)
{
	return module_finish(&self, &batch);
}

static int set_one(int argc, char **argv, enum tunnel_set which)
{
	int status = collect(argc, argv, which);

	return status ? status : finish();
}

static int add(int argc, char **argv)
{
	return set_one(argc, argv, TUNNEL_SET_NEW);
}

static int add_collect(int argc, char **argv)
{
	return collect(argc, argv, TUNNEL_SET_NEW);
}

static int replace(int argc, char **argv)
{
	return set_one(argc, argv, TUNNEL_SET_ANY);
}

static int replace_collect(int argc, char **argv)
{
	return collect(argc, argv, TUNNEL_SET_ANY);
}

/* HOME [mac MAC] ... */
static int del(int argc, char **argv)
{
	struct tunnel_gone *gone = calloc(argc + 1, sizeof(*gone));
	size_t applied = 0, n = 0;
	int status = argc ? ROAM_OK : module_missing(&self, "del"), ret;
	struct genl *genl;

	for (int i = 0; i < argc && !status; i++) {
		if (n && !strcmp(argv[i], "mac") && i + 1 < argc)
			status = parse_mac(argv[++i], gone[n - 1].mac);
		else
			status = word_addr4(argv[i], &gone[n++].home);
	}
	genl = status ? NULL : module_open(&self, &status);
	if (genl) {
		ret = tunnel_binding_del(genl, gone, n, &applied);
		if (ret)
			status = module_refused(&self, ret, "cannot delete the binding");
		else
			output_applied(applied);
	}
	free(gone);
	return status;
}

static int flush(int argc, char **argv)
{
	return module_run_all(&self, argc, argv, tunnel_binding_flush,
		       "cannot delete the bindings");
}

/* The same for the entries whose home addresses are given. */
static int run_homes(int argc, char **argv,
		     int (*fn)(struct genl *genl, const struct roam_addr *homes,
			       size_t n, size_t *applied),
		     const char *what)
{
	struct roam_addr *homes = calloc(argc + 1, sizeof(*homes));
	int status = ROAM_OK, ret;
	size_t applied = 0;
	struct genl *genl;

	for (int i = 0; i < argc && !status; i++)
		status = word_addr4(argv[i], &homes[i]);
	genl = status ? NULL : module_open(&self, &status);
	if (genl) {
		ret = fn(genl, argc ? homes : NULL, argc, &applied);
		if (ret)
			status = module_refused(&self, ret, what);
		else
			output_applied(applied);
	}
	free(homes);
	return status;
}

static int announce(int argc, char **argv)
{
	return run_homes(argc, argv, tunnel_announce, "cannot announce");
}

/* ---- visitors ---- */

static int get_visitor(struct genl *genl, const struct roam_addr *home,
		       void *visitor)
{
	return tunnel_visitor_get(genl, home, visitor);
}

static const struct module_table visitors = {
	.size = sizeof(struct tunnel_visitor),
	.parse = word_addr4,
	.get = get_visitor,
	.read = tunnel_read_visitors,
	.json = tunnel_json_visitors,
	.what = "cannot show visitors",
};

static int visitors_show(int argc, char **argv)
{
	static const char *const plain[] = { "home", "role", "link", "agents",
					     "care_of", "reverse",
					     "expires_in", NULL };

	return module_show_table(&self, &visitors, argc, argv,
				 options.details || options.statistics ? NULL :
									 plain);
}

static int parse_visitor_word(const char *word, const char *value,
			      struct tunnel_visitor *v)
{
	if (!strcmp(word, "on"))
		return parse_link(value, &v->link);
	if (!strcmp(word, "mac"))
		return parse_mac(value, v->mac);
	if (!strcmp(word, "agent")) {
		if (v->n_agents == TUNNEL_AGENTS)
			return fail(ROAM_USAGE, "leave one out",
				    "a visitor has at most %d home agents",
				    TUNNEL_AGENTS);
		return word_addr4(value, &v->agents[v->n_agents++]);
	}
	if (!strcmp(word, "care-of"))
		return word_addr4(value, &v->coa);
	if (!strcmp(word, "encap"))
		return PARSE_NAME(value, tunnel_encap_names, "encapsulation",
				  &v->encap);
	if (!strcmp(word, "own-port"))
		return parse_port(value, &v->sport);
	if (!strcmp(word, "peer-port"))
		return parse_port(value, &v->dport);
	if (!strcmp(word, "reverse"))
		return PARSE_NAME(value, tunnel_reverse_names,
				  "way of reverse tunnelling", &v->reverse);
	if (!strcmp(word, "dev"))
		return parse_link(value, &v->device);
	if (!strcmp(word, "lifetime"))
		return word_lifetime(value, &v->lifetime);
	return fail(ROAM_USAGE, "roam tunnel visitors add help",
		    "unknown word '%s'", word);
}

/* HOME { on LINK mac MAC | own } [agent ADDRESS]... [care-of ADDRESS] ... */
static int parse_visitor(int argc, char **argv, struct tunnel_visitor *v)
{
	int status;

	memset(v, 0, sizeof(*v));
	if (argc < 2)
		return module_missing(&self, "visitors add");
	status = word_addr4(argv[0], &v->home);
	for (int i = 1; i < argc && !status; i++) {
		if (!strcmp(argv[i], "own")) {
			v->role = ROAM_TUNNEL_ROLE_OWN;
			continue;
		}
		status = parse_visitor_word(argv[i],
					    i + 1 < argc ? argv[i + 1] : "", v);
		i++;
	}
	if (!status && v->n_agents && roam_addr_is_none(&v->coa))
		return fail(ROAM_USAGE, "roam tunnel visitors add help",
			    "give 'care-of' and the address where the tunnel ends");
	return status;
}

static int visitors_set(int argc, char **argv, enum tunnel_set which)
{
	struct tunnel_visitor v;
	int status = parse_visitor(argc, argv, &v), ret;
	size_t applied = 0;
	struct genl *genl;

	if (!status && v.role == ROAM_TUNNEL_ROLE_OWN)
		status = refuse_mapped(&v.home);
	genl = status ? NULL : module_open(&self, &status);
	if (!genl)
		return status;
	ret = tunnel_visitor_set(genl, &v, 1, which, &applied);
	if (ret)
		return module_refused(&self, ret, "cannot set the visitor");
	output_applied(applied);
	return ROAM_OK;
}

static int visitors_add(int argc, char **argv)
{
	return visitors_set(argc, argv, TUNNEL_SET_NEW);
}

static int visitors_replace(int argc, char **argv)
{
	return visitors_set(argc, argv, TUNNEL_SET_ANY);
}

static int visitors_del(int argc, char **argv)
{
	return argc ? run_homes(argc, argv, tunnel_visitor_del,
				"cannot delete the visitor") :
		      module_missing(&self, "visitors del");
}

static int visitors_flush(int argc, char **argv)
{
	return module_run_all(&self, argc, argv, tunnel_visitor_flush,
		       "cannot delete the visitors");
}

/* ---- settings and counters ---- */

static int read_config(struct genl *genl, json_t **object)
{
	struct tunnel_config config;
	int err = tunnel_config_get(genl, &config);

	if (!err)
		*object = tunnel_json_config(&config);
	return err;
}

static int config_show(int argc, char **argv)
{
	return module_show_object(&self, argc, argv, read_config,
				  "cannot show the settings");
}

static bool parse_setting(const char *name, const char *value,
			  struct tunnel_config *c)
{
	const struct {
		const char *name;
		uint16_t type;
		uint32_t *value;
		bool duration;
	} settings[] = {
		{ "grace", ROAM_TUNNEL_A_CONFIG_GRACE, &c->grace, true },
		{ "announce-count", ROAM_TUNNEL_A_CONFIG_ANNOUNCE_COUNT,
		  &c->announce_count, false },
		{ "announce-time", ROAM_TUNNEL_A_CONFIG_ANNOUNCE_INTERVAL,
		  &c->announce_interval, true },
		{ "max-bindings", ROAM_TUNNEL_A_CONFIG_MAX_BINDINGS,
		  &c->max_bindings, false },
		{ "max-visitors", ROAM_TUNNEL_A_CONFIG_MAX_VISITORS,
		  &c->max_visitors, false },
	};
	uint64_t number;

	if (!strcmp(name, "ttl")) {
		c->set |= 1u << ROAM_TUNNEL_A_CONFIG_TTL;
		if (!word_number(value, UINT8_MAX, &number) || !number)
			return false;
		c->ttl = number;
		return true;
	}
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		if (strcmp(name, settings[i].name))
			continue;
		if (!word_setting(value, settings[i].duration,
				  settings[i].value))
			return false;
		c->set |= 1u << settings[i].type;
		return true;
	}
	return false;
}

static int config_set(int argc, char **argv)
{
	struct tunnel_config config = { 0 };
	struct genl *genl;
	int status, ret;

	if (argc < 2 || argc % 2)
		return module_missing(&self, "config set");
	for (int i = 0; i < argc; i += 2)
		if (!parse_setting(argv[i], argv[i + 1], &config))
			return fail(ROAM_USAGE, "roam tunnel config set help",
				    "'%s %s' is no setting", argv[i],
				    argv[i + 1]);
	genl = module_open(&self, &status);
	if (!genl)
		return status;
	ret = tunnel_config_set(genl, &config);
	if (ret)
		return module_refused(&self, ret, "cannot change the settings");
	output_applied(argc / 2);
	return ROAM_OK;
}

static int stats(int argc, char **argv)
{
	return module_show_object(&self, argc, argv, tunnel_read_stats,
				  "cannot show the counters");
}

/* ---- the tree ---- */

static const char *const binding_words[] = {
	"via", "from", "encap", "ipip", "gre", "minimal", "udp", "own-port",
	"peer-port", "home-link", "broadcast", "colocated", "reverse", "dev",
	"lifetime", NULL
};
static const char *const visitor_words[] = {
	"on", "mac", "own", "agent", "care-of", "encap", "ipip", "gre",
	"minimal", "udp", "own-port", "peer-port", "reverse", "none", "direct",
	"encapsulating", "dev", "lifetime", NULL
};
static const char *const config_words[] = {
	"ttl", "grace", "announce-count", "announce-time", "max-bindings",
	"max-visitors", NULL
};
static const char *const del_words[] = { "mac", NULL };

static const struct command visitors_commands[] = {
	{ .name = "show", .args = "[HOME]", .help = "visitors of this agent",
	  .live = tunnel_complete_visitors, .run = visitors_show },
	{ .name = "add",
	  .args = "HOME { on LINK mac MAC | own } [agent ADDRESS]... [care-of ADDRESS] [encap ipip|gre|minimal|udp] [own-port N] [peer-port N] [reverse none|direct|encapsulating] [dev DEVICE] [lifetime DURATION]",
	  .help = "add a visitor, or this host's own end of a tunnel",
	  .words = visitor_words, .run = visitors_add },
	{ .name = "replace", .args = "as add",
	  .help = "add a visitor or change it", .words = visitor_words,
	  .live = tunnel_complete_visitors, .run = visitors_replace },
	{ .name = "del", .args = "HOME...", .help = "delete visitors",
	  .live = tunnel_complete_visitors, .run = visitors_del },
	{ .name = "flush", .help = "delete all visitors",
	  .run = visitors_flush },
	{ .name = NULL },
};

static const struct command config_commands[] = {
	{ .name = "show", .help = "settings", .run = config_show },
	{ .name = "set",
	  .args = "[ttl N] [grace DURATION] [announce-count N] [announce-time DURATION] [max-bindings N] [max-visitors N]",
	  .help = "change settings; what is not named stays",
	  .words = config_words, .run = config_set },
	{ .name = NULL },
};

static const struct command commands[] = {
	{ .name = "show", .args = "[HOME]",
	  .help = "nodes of this home agent that are away",
	  .live = tunnel_complete_homes, .run = show },
	{ .name = "add",
	  .args = "HOME { via COA from AGENT [encap ipip|gre|minimal|udp] [own-port N] [peer-port N] }... [home-link LINK] [broadcast] [colocated] [reverse] [dev DEVICE] [lifetime DURATION]",
	  .help = "add a binding", .words = binding_words, .run = add,
	  .collect = add_collect, .finish = finish },
	{ .name = "replace", .args = "as add",
	  .help = "add a binding or change it", .words = binding_words,
	  .live = tunnel_complete_homes, .run = replace,
	  .collect = replace_collect, .finish = finish },
	{ .name = "del", .args = "HOME [mac MAC] ...",
	  .help = "delete bindings; with mac, tell the home link that it is back",
	  .words = del_words, .live = tunnel_complete_homes, .run = del },
	{ .name = "flush", .help = "delete all bindings", .run = flush },
	{ .name = "announce", .args = "[HOME]...",
	  .help = "tell the home links again who is away",
	  .live = tunnel_complete_homes, .run = announce },
	{ .name = "visitors", .args = "{ show | add | replace | del | flush }",
	  .help = "far ends of home agents' tunnels",
	  .commands = visitors_commands },
	{ .name = "config", .args = "{ show | set }",
	  .help = "settings of the module", .commands = config_commands },
	{ .name = "stats", .help = "counters of the module", .run = stats },
	{ .name = NULL },
};

static const struct command tunnel = {
	.name = "tunnel",
	.help = "tunnels of home and foreign agents in the kernel",
	.commands = commands,
};
ROAM_OBJECT(tunnel)

static const char *const states[] = { "bindings", "visitors", "endpoints",
				      NULL };

static const struct module_entry entry = {
	.object = "tunnel",
	.module = "roam_tunnel",
	.daemon = "agentd",
	.open = tunnel_open,
	.stats = tunnel_read_stats,
	.states = states,
	.events = ROAM_TUNNEL_MCGRP_EVENTS,
	.event = tunnel_json_event,
	.report = tunnel_report,
	.explain = tunnel_explain,
};
ROAM_MODULE(entry)
