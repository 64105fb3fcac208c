// SPDX-License-Identifier: GPL-2.0-or-later
#include "syncd/config.h"

#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "wire/sync.h"

static cfg_opt_t connections_opts[] = {
	CFG_BOOL("udp", cfg_true, CFGF_NONE),
	CFG_END()
};

static cfg_opt_t set_opts[] = {
	CFG_END()
};

static cfg_opt_t opts[] = {
	CFG_STR("keys", "/etc/roam/keys.d/syncd", CFGF_NONE),
	CFG_INT("entries_max", 262144, CFGF_NONE),
	CFG_STR("look", "30s", CFGF_NONE),
	CFG_SEC("sync", conf_sync_opts, CFGF_MULTI),
	CFG_SEC("connections", connections_opts, CFGF_MULTI),
	CFG_SEC("set", set_opts, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_STR("leases", "", CFGF_NONE),
	CFG_SEC("gtp", set_opts, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_END()
};

static const struct conf_field fields[] = {
	CONF_FIELD("entries_max", CONF_NUMBER, struct config, entries_max, 1,
		   16777216),
	CONF_FIELD("look", CONF_DURATION, struct config, look, 100, 3600000),
	CONF_FIELDS_END
};

static char *read_sync(cfg_t *cfg, struct config *config)
{
	cfg_t *sync;
	char *error;

	if (!cfg_size(cfg, "sync"))
		return conf_error(cfg, "sync",
				  "nobody to be in step with; write: sync { standby = \"office\"  key = 7 }");
	sync = cfg_getnsec(cfg, "sync", 0);
	/* roam-agentd may run beside it. */
	error = conf_get_sync(sync, config->keys, cfg_getstr(cfg, "keys"),
			      SYNC_PORT + 1, &config->sync);
	if (!error && !*config->sync->standby &&
	    roam_addr_is_none(&config->sync->virtual))
		error = conf_error(sync, "standby",
				   "without an elector nobody says whose tables count; name the group of roam-standbyd, standby = \"office\", or the address of keepalived or FRR, virtual = \"192.0.2.100\"");
	return error;
}

static bool is_set_name(const char *name)
{
	char family[8], table[NAME_MAX], set[NAME_MAX], more;

	return strlen(name) < NAME_MAX &&
	       sscanf(name, "%7s %254s %254s %c", family, table, set, &more) == 3 &&
	       (!strcmp(family, "ip") || !strcmp(family, "ip6") ||
		!strcmp(family, "inet")) &&
	       strlen(family) + strlen(table) + strlen(set) + 2 == strlen(name);
}

static char *read_sets(cfg_t *cfg, struct config *config)
{
	unsigned int n = cfg_size(cfg, "set");

	config->sets = calloc(n + 1, sizeof(*config->sets));
	for (unsigned int i = 0; i < n; i++) {
		const char *name = cfg_title(cfg_getnsec(cfg, "set", i));

		if (!is_set_name(name))
			return conf_error(cfg, "set",
					  "'%s' names no set; write family, table and name: set \"inet filter allowed\" { }",
					  name);
		config->sets[config->n_sets++] = strdup(name);
	}
	return NULL;
}

static char *read_gtp(cfg_t *cfg, struct config *config)
{
	unsigned int n = cfg_size(cfg, "gtp");

	config->gtp = calloc(n + 1, sizeof(*config->gtp));
	for (unsigned int i = 0; i < n; i++) {
		const char *name = cfg_title(cfg_getnsec(cfg, "gtp", i));

		if (!*name || strlen(name) >= IF_NAMESIZE ||
		    strpbrk(name, "/ \t"))
			return conf_error(cfg, "gtp",
					  "'%s' names no device; write: gtp \"gtp0\" { }",
					  name);
		config->gtp[config->n_gtp++] = strdup(name);
	}
	return NULL;
}

static char *read_config(cfg_t *cfg, void *to)
{
	struct config *config = to;
	char *error = conf_get_fields(cfg, fields, config);

	if (!error)
		error = conf_get_keys(cfg, &config->keys);
	if (!error)
		error = read_sync(cfg, config);
	if (error)
		return error;
	config->connections = cfg_size(cfg, "connections");
	if (config->connections)
		config->udp = cfg_getbool(cfg_getnsec(cfg, "connections", 0),
					  "udp");
	error = read_sets(cfg, config);
	if (!error && *cfg_getstr(cfg, "leases"))
		config->leases = strdup(cfg_getstr(cfg, "leases"));
	if (!error)
		error = read_gtp(cfg, config);
	if (!error && !config->connections && !config->n_sets &&
	    !config->leases && !config->n_gtp)
		error = conf_error(cfg, "connections",
				   "no table is kept; write: connections { }");
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
	for (size_t i = 0; i < config->n_sets; i++)
		free(config->sets[i]);
	free(config->sets);
	free(config->leases);
	for (size_t i = 0; i < config->n_gtp; i++)
		free(config->gtp[i]);
	free(config->gtp);
	conf_sync_free(config->sync);
	auth_keys_free(config->keys);
	free(config);
}
