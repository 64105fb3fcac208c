// SPDX-License-Identifier: GPL-2.0-or-later
#include "agentd/config.h"

#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "conf/association.h"
#include "conf/conf.h"
#include "conf/sync.h"
#include "io/daemon.h"
#include "wire/sync.h"

#define DEVICE "mip0"
#define RATE_MAX 1000000
#define INTERVAL_MIN 20		/* ms */

static cfg_opt_t home_opts[] = {
	CFG_STR("network", "", CFGF_NONE),
	CFG_STR("link", "", CFGF_NONE),
	CFG_STR("lifetime", "3h", CFGF_NONE),
	CFG_INT("bindings", 1, CFGF_NONE),
	CFG_BOOL("gre", cfg_true, CFGF_NONE),
	CFG_BOOL("minimal", cfg_true, CFGF_NONE),
	CFG_BOOL("reverse", cfg_true, CFGF_NONE),
	CFG_BOOL("reverse_only", cfg_false, CFGF_NONE),
	CFG_BOOL("broadcast", cfg_true, CFGF_NONE),
	CFG_BOOL("udp", cfg_true, CFGF_NONE),
	CFG_BOOL("udp_force", cfg_false, CFGF_NONE),
	CFG_STR("keepalive", "110s", CFGF_NONE),
	CFG_BOOL("foreign_care_of", cfg_false, CFGF_NONE),
	CFG_STR("interval", "1s", CFGF_NONE),
	CFG_STR("pool", "", CFGF_NONE),
	CFG_STR("quiet", "60s", CFGF_NONE),
	CFG_END()
};

static cfg_opt_t node_opts[] = {
	CONF_ASSOCIATION,
	CFG_STR("address", "", CFGF_NONE),
	CFG_STR("lifetime", "", CFGF_NONE),
	CFG_INT("bindings", 0, CFGF_NONE),
	CFG_BOOL("prohibited", cfg_false, CFGF_NONE),
	CFG_STR("addresses", "", CFGF_NONE),
	CFG_INT("sessions", 16, CFGF_NONE),
	CFG_END()
};

static cfg_opt_t peer_opts[] = {
	CONF_ASSOCIATION,
	CFG_END()
};

static cfg_opt_t foreign_opts[] = {
	CFG_STR("address", "", CFGF_NONE),
	CFG_STR("care_of", "", CFGF_NONE),
	CFG_STR("lifetime", "1h", CFGF_NONE),
	CFG_STR("interval", "1s", CFGF_NONE),
	CFG_BOOL("gre", cfg_true, CFGF_NONE),
	CFG_BOOL("minimal", cfg_true, CFGF_NONE),
	CFG_BOOL("reverse", cfg_true, CFGF_NONE),
	CFG_BOOL("reverse_only", cfg_false, CFGF_NONE),
	CFG_BOOL("encapsulating", cfg_true, CFGF_NONE),
	CFG_BOOL("registration", cfg_false, CFGF_NONE),
	CFG_BOOL("busy", cfg_false, CFGF_NONE),
	CFG_BOOL("sub_nai", cfg_false, CFGF_NONE),
	CFG_END()
};

static cfg_opt_t opts[] = {
	CFG_STR("keys", "/etc/roam/keys.d/agentd", CFGF_NONE),
	CFG_STR("store", "/var/lib/roam/agentd/agent.db", CFGF_NONE),
	CFG_STR("device", DEVICE, CFGF_NONE),
	CFG_INT("nodes_max", 1000000, CFGF_NONE),
	CFG_INT("visitors_max", 10000, CFGF_NONE),
	CFG_INT("pending_max", 1000, CFGF_NONE),
	CFG_STR("pending_timeout", "7s", CFGF_NONE),
	CFG_INT("rate", 1000, CFGF_NONE),
	CFG_INT("sessions_max", 16, CFGF_NONE),
	CFG_INT("session_requests", 10, CFGF_NONE),
	CFG_INT("session_burst", 20, CFGF_NONE),
	CFG_INT("naming_vendor", MIP_NAMING_VENDOR, CFGF_NONE),
	CFG_INT("naming_type", MIP_NAMING_SUB, CFGF_NONE),
	CFG_STR_LIST("home_agents", "{}", CFGF_NONE),
	CFG_SEC("home", home_opts, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_SEC("node", node_opts, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_SEC("agent", peer_opts, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_SEC("visitor", peer_opts, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_SEC("foreign", foreign_opts, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_SEC("sync", conf_sync_opts, CFGF_MULTI),
	CFG_END()
};

/* "infinite", or a whole number of seconds that fits into a message. */
static char *read_lifetime(cfg_t *cfg, uint16_t *lifetime)
{
	const char *word = cfg_getstr(cfg, "lifetime");
	msec_t ms;
	char *error;

	if (!strcmp(word, "infinite")) {
		*lifetime = MIP_LIFETIME_INFINITE;
		return NULL;
	}
	error = conf_get_duration(cfg, "lifetime", &ms);
	if (error)
		return error;
	if (ms < 1000 || ms % 1000 || ms / 1000 >= MIP_LIFETIME_INFINITE)
		return conf_error(cfg, "lifetime",
				  "'%s' is not a whole number of seconds from 1s to 65534s, nor \"infinite\"",
				  word);
	*lifetime = (uint16_t)(ms / 1000);
	return NULL;
}

static char *read_interval(cfg_t *cfg, msec_t *interval)
{
	char *error = conf_get_duration(cfg, "interval", interval);

	if (!error && *interval && (*interval < INTERVAL_MIN ||
				    *interval > 1800000))
		error = conf_error(cfg, "interval",
				   "'%s' is not from %dms to 30m, nor 0s",
				   cfg_getstr(cfg, "interval"), INTERVAL_MIN);
	return error;
}

static char *read_title(cfg_t *cfg, const char *option, struct roam_addr *addr)
{
	const char *title = cfg_title(cfg);

	if (roam_addr_parse(title, addr) && roam_addr_is_v4(addr) &&
	    roam_addr_is_usable(addr))
		return NULL;
	return conf_error(cfg, option,
			  "%s \"%s\" is named by no IPv4 address such as \"192.0.2.1\"",
			  cfg->name, title);
}

static char *read_optional(cfg_t *cfg, const char *option,
			   struct roam_addr *addr)
{
	const char *word = cfg_getstr(cfg, option);

	memset(addr, 0, sizeof(*addr));
	if (!*word || (roam_addr_parse(word, addr) && roam_addr_is_v4(addr)))
		return NULL;
	return conf_error(cfg, option, "'%s' is no IPv4 address", word);
}

static char *read_link(cfg_t *cfg, const char *option, const char *name)
{
	if (strlen(name) < IF_NAMESIZE && !strchr(name, '/'))
		return NULL;
	return conf_error(cfg, option, "'%s' cannot be the name of a link", name);
}

/* "FIRST-LAST", both in the network. */
static char *read_pool(cfg_t *cfg, struct ha_group *group)
{
	const char *word = cfg_getstr(cfg, "pool");
	char first[ROAM_ADDR_STRLEN];
	const char *dash = strchr(word, '-');
	char *error = conf_get_duration(cfg, "quiet", &group->quiet);

	if (error || !*word)
		return error;
	snprintf(first, sizeof(first), "%.*s", dash ? (int)(dash - word) : 0,
		 word);
	if (dash && roam_addr_parse(first, &group->pool_first) &&
	    roam_addr_parse(dash + 1, &group->pool_last) &&
	    roam_prefix_contains(&group->network, &group->pool_first) &&
	    roam_prefix_contains(&group->network, &group->pool_last) &&
	    roam_addr_cmp(&group->pool_first, &group->pool_last) <= 0)
		return NULL;
	return conf_error(cfg, "pool",
			  "'%s' is no range of the home network %s such as \"10.77.0.100-10.77.0.199\"",
			  word, cfg_getstr(cfg, "network"));
}

static char *read_home(cfg_t *cfg, struct config *config)
{
	struct ha_group *group = &config->groups[config->n_homes];
	struct config_home *home = &config->homes[config->n_homes++];
	const char *network = cfg_getstr(cfg, "network");
	long bindings;
	msec_t keepalive;
	char *error = read_title(cfg, "network", &group->agent);

	if (error)
		return error;
	if (!roam_prefix_parse(network, &group->network) ||
	    group->network.len < 96)
		return conf_error(cfg, "network",
				  "'%s' is no home network such as \"10.77.0.0/24\"",
				  network);
	if (*cfg_getstr(cfg, "link"))
		home->link = strdup(cfg_getstr(cfg, "link"));
	if (home->link)
		error = read_link(cfg, "link", home->link);
	if (!error)
		error = read_lifetime(cfg, &group->lifetime_max);
	if (!error)
		error = conf_get_int(cfg, "bindings", 1, HA_BINDINGS_MAX,
				     &bindings);
	if (!error)
		error = conf_get_duration(cfg, "keepalive", &keepalive);
	if (!error && (keepalive < 10000 || keepalive > 65535000))
		error = conf_error(cfg, "keepalive", "'%s' is not from 10s to 65535s",
				   cfg_getstr(cfg, "keepalive"));
	if (!error)
		error = read_interval(cfg, &home->interval);
	if (!error)
		error = read_pool(cfg, group);
	if (error)
		return error;
	group->bindings_max = (unsigned int)bindings;
	group->keepalive = (uint16_t)(keepalive / 1000);
	group->gre = cfg_getbool(cfg, "gre");
	group->minimal = cfg_getbool(cfg, "minimal");
	group->reverse = cfg_getbool(cfg, "reverse");
	group->reverse_only = cfg_getbool(cfg, "reverse_only");
	group->broadcast = cfg_getbool(cfg, "broadcast");
	group->udp = cfg_getbool(cfg, "udp");
	group->udp_force = cfg_getbool(cfg, "udp_force");
	group->foreign_care_of = cfg_getbool(cfg, "foreign_care_of");
	return NULL;
}

/* A node whose title is no address and that has none is known by its NAI. */
static bool is_nai(cfg_t *cfg)
{
	struct roam_addr addr;

	return !*cfg_getstr(cfg, "address") &&
	       !roam_addr_parse(cfg_title(cfg), &addr);
}

static char *read_names(cfg_t *cfg, struct ha_node *node)
{
	const char *nai = cfg_title(cfg), *range = cfg_getstr(cfg, "addresses");
	long sessions;
	char *error;

	if (!mip_nai_is_valid((const uint8_t *)nai, strlen(nai)))
		return conf_error(cfg, "address",
				  "node \"%s\" is named by neither an IPv4 address nor a NAI such as \"user@example.com\"",
				  nai);
	error = conf_get_int(cfg, "sessions", 1, 1000000, &sessions);
	if (error)
		return error;
	node->sessions_max = (unsigned int)sessions;
	if (*range && (!roam_prefix_parse(range, &node->addresses) ||
		       node->addresses.len < 96))
		return conf_error(cfg, "addresses",
				  "'%s' is no IPv4 prefix such as \"10.77.0.64/28\"",
				  range);
	return NULL;
}

static char *read_node(cfg_t *cfg, struct config *config, const char *keys)
{
	struct config_node *n = &config->nodes[config->n_nodes++];
	const char *address = cfg_getstr(cfg, "address");
	long bindings;
	char *error;

	n->name = strdup(cfg_title(cfg));
	if (is_nai(cfg))
		error = read_names(cfg, &n->node);
	else if (*address)
		error = conf_get_addr(cfg, "address", &n->node.home);
	else
		error = read_title(cfg, "address", &n->node.home);
	if (!error)
		error = conf_get_associations(cfg, config->keys, keys,
					      &n->node.associations);
	if (!error && *cfg_getstr(cfg, "lifetime"))
		error = read_lifetime(cfg, &n->node.lifetime_max);
	if (!error)
		error = conf_get_int(cfg, "bindings", 0, HA_BINDINGS_MAX,
				     &bindings);
	if (error)
		return error;
	n->node.bindings_max = (unsigned int)bindings;
	n->node.prohibited = cfg_getbool(cfg, "prohibited");
	if (roam_addr_is_none(&n->node.home))
		return NULL;
	for (size_t i = 0; i < config->n_homes; i++)
		if (roam_prefix_contains(&config->groups[i].network,
					 &n->node.home))
			return NULL;
	return conf_error(cfg, "address",
			  "node \"%s\" is in the network of no home agent here; add: home \"ADDRESS\" { network = \"PREFIX\" }",
			  n->name);
}

static char *read_foreign(cfg_t *cfg, struct config *config)
{
	struct config_foreign *f = &config->foreign[config->n_foreign++];
	char *error;

	f->name = strdup(cfg_title(cfg));
	error = read_link(cfg, "care_of", f->name);
	if (!error)
		error = read_optional(cfg, "address", &f->link.addr);
	if (!error)
		error = read_optional(cfg, "care_of", &f->link.coa);
	if (!error)
		error = read_lifetime(cfg, &f->link.lifetime_max);
	if (!error)
		error = read_interval(cfg, &f->interval);
	f->link.gre = cfg_getbool(cfg, "gre");
	f->link.minimal = cfg_getbool(cfg, "minimal");
	f->link.reverse = cfg_getbool(cfg, "reverse");
	f->link.reverse_only = cfg_getbool(cfg, "reverse_only");
	f->link.encapsulating = cfg_getbool(cfg, "encapsulating");
	f->link.busy = cfg_getbool(cfg, "busy");
	f->link.sub_nai = cfg_getbool(cfg, "sub_nai");
	f->registration = cfg_getbool(cfg, "registration");
	return error;
}

static int compare_nodes(const void *a, const void *b)
{
	const struct config_node *na = a, *nb = b;

	int order = roam_addr_cmp(&na->node.home, &nb->node.home);

	/* those that are known by their NAI come first, by it */
	if (order || !roam_addr_is_none(&na->node.home))
		return order;
	return strcmp(na->name, nb->name);
}

static int compare_peers(const void *a, const void *b)
{
	const struct config_peer *pa = a, *pb = b;

	return roam_addr_cmp(&pa->addr, &pb->addr);
}

static char *read_nodes(cfg_t *cfg, struct config *config)
{
	size_t n = cfg_size(cfg, "node");
	char *error;

	config->nodes = calloc(n ? n : 1, sizeof(*config->nodes));
	for (size_t i = 0; i < n; i++) {
		error = read_node(cfg_getnsec(cfg, "node", i), config,
				  cfg_getstr(cfg, "keys"));
		if (error)
			return error;
	}
	qsort(config->nodes, n, sizeof(*config->nodes), compare_nodes);
	for (size_t i = 1; i < n; i++)
		if (!compare_nodes(&config->nodes[i - 1], &config->nodes[i]))
			return daemon_error("%s: nodes \"%s\" and \"%s\" have the same home address or NAI; give each its own",
					    cfg->filename,
					    config->nodes[i - 1].name,
					    config->nodes[i].name);
	return NULL;
}

static char *read_peers(cfg_t *cfg, const char *section, struct config *config,
			struct config_peer **peers, size_t *n_peers)
{
	size_t n = cfg_size(cfg, section);
	char *error;

	*peers = calloc(n ? n : 1, sizeof(**peers));
	for (size_t i = 0; i < n; i++) {
		cfg_t *sec = cfg_getnsec(cfg, section, i);

		error = read_title(sec, "spi", &(*peers)[i].addr);
		if (!error)
			error = conf_get_associations(sec, config->keys,
						      cfg_getstr(cfg, "keys"),
						      &(*peers)[i].associations);
		if (error)
			return error;
		(*n_peers)++;
	}
	qsort(*peers, n, sizeof(**peers), compare_peers);
	return NULL;
}

static char *read_roles(cfg_t *cfg, struct config *config)
{
	size_t homes = cfg_size(cfg, "home"), foreign = cfg_size(cfg, "foreign");
	char *error = NULL;

	if (!homes && !foreign)
		return daemon_error("%s: neither home nor foreign agent; add: home \"ADDRESS\" { network = \"PREFIX\" } or foreign \"LINK\" { }",
				    cfg->filename);
	config->groups = calloc(homes + 1, sizeof(*config->groups));
	config->homes = calloc(homes + 1, sizeof(*config->homes));
	config->foreign = calloc(foreign + 1, sizeof(*config->foreign));
	for (size_t i = 0; !error && i < homes; i++)
		error = read_home(cfg_getnsec(cfg, "home", i), config);
	for (size_t i = 0; !error && i < foreign; i++)
		error = read_foreign(cfg_getnsec(cfg, "foreign", i), config);
	return error;
}

static char *read_limits(cfg_t *cfg, struct config *config)
{
	long vendor = 0, type = 0;
	char *error = conf_get_int(cfg, "nodes_max", 1, 100000000,
				   &config->nodes_max);

	if (!error)
		error = conf_get_int(cfg, "visitors_max", 1, 100000000,
				     &config->visitors_max);
	if (!error)
		error = conf_get_int(cfg, "pending_max", 1, 1000000,
				     &config->pending_max);
	if (!error)
		error = conf_get_int(cfg, "sessions_max", 0, 1000000,
				     &config->sessions_max);
	if (!error)
		error = conf_get_int(cfg, "session_requests", 0, 60000,
				     &config->session_requests);
	if (!error)
		error = conf_get_int(cfg, "session_burst", 1, 1000,
				     &config->session_burst);
	if (!error)
		error = conf_get_int(cfg, "naming_vendor", 1, 0xffffff, &vendor);
	if (!error)
		error = conf_get_int(cfg, "naming_type", 1, 65534, &type);
	if (!error)
		error = conf_get_int(cfg, "rate", 0, RATE_MAX, &config->rate);
	config->naming.vendor = (uint32_t)vendor;
	config->naming.type = (uint16_t)type;
	if (!error)
		error = conf_get_duration(cfg, "pending_timeout",
					  &config->pending_timeout);
	if (!error)
		error = conf_get_prefixes(cfg, "home_agents", &config->allowed,
					  &config->n_allowed);
	return error;
}

static char *read_keys(cfg_t *cfg, struct config *config)
{
	char *error = NULL;

	config->keys = auth_keys_new();
	if (!config->keys)
		return daemon_error("out of memory");
	/* a foreign agent may do without any */
	if (!cfg_size(cfg, "node") && !cfg_size(cfg, "agent") &&
	    !cfg_size(cfg, "visitor") && !cfg_size(cfg, "sync"))
		return NULL;
	auth_keys_keep_secrets(config->keys);
	if (!auth_keys_read(config->keys, cfg_getstr(cfg, "keys"), &error) &&
	    !error)
		error = daemon_error("out of memory");
	return error;
}

static char *read_config(cfg_t *cfg, void *to)
{
	struct config *config = to;
	char *error;

	config->store = strdup(cfg_getstr(cfg, "store"));
	config->device = strdup(cfg_getstr(cfg, "device"));
	error = read_link(cfg, "device", config->device);
	if (!error)
		error = read_keys(cfg, config);
	if (!error)
		error = read_roles(cfg, config);
	if (!error)
		error = read_limits(cfg, config);
	if (!error)
		error = read_nodes(cfg, config);
	if (!error)
		error = read_peers(cfg, "agent", config, &config->peers,
				   &config->n_peers);
	if (!error)
		error = read_peers(cfg, "visitor", config, &config->visitors,
				   &config->n_visitors);
	if (!error && cfg_size(cfg, "sync"))
		error = conf_get_sync(cfg_getnsec(cfg, "sync", 0), config->keys,
				      cfg_getstr(cfg, "keys"), SYNC_PORT,
				      &config->sync);
	return error;
}

struct config *config_load(const char *path, char **error)
{
	struct config *config = conf_read(path, opts, sizeof(*config),
					  read_config, error);

	if (!*error)
		return config;
	config_free(config);
	return NULL;
}

void config_free(struct config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->n_homes; i++)
		free(config->homes[i].link);
	for (size_t i = 0; i < config->n_nodes; i++)
		free(config->nodes[i].name);
	for (size_t i = 0; i < config->n_foreign; i++)
		free(config->foreign[i].name);
	free(config->groups);
	free(config->homes);
	free(config->nodes);
	free(config->foreign);
	free(config->peers);
	free(config->visitors);
	free(config->allowed);
	free(config->store);
	free(config->device);
	auth_keys_free(config->keys);
	conf_sync_free(config->sync);
	free(config);
}

const struct config_node *config_find_name(const struct config *config,
					   const uint8_t *nai, size_t len)
{
	char name[MIP_NAI_MAX + 1];
	const struct config_node key = { .name = name };

	if (!config->n_nodes || len > MIP_NAI_MAX)
		return NULL;
	memcpy(name, nai, len);
	name[len] = '\0';
	return bsearch(&key, config->nodes, config->n_nodes,
		       sizeof(*config->nodes), compare_nodes);
}

const struct config_node *config_find_node(const struct config *config,
					   const struct roam_addr *home)
{
	const struct config_node key = { .node.home = *home };

	return config->n_nodes && !roam_addr_is_none(home) ?
		bsearch(&key, config->nodes, config->n_nodes,
			sizeof(*config->nodes), compare_nodes) : NULL;
}

const struct sa_set *config_find_peer(const struct config_peer *peers, size_t n,
				      const struct roam_addr *addr)
{
	const struct config_peer key = { .addr = *addr };
	const struct config_peer *found;

	found = n ? bsearch(&key, peers, n, sizeof(*peers), compare_peers) :
		    NULL;
	return found ? &found->associations : NULL;
}
