// SPDX-License-Identifier: GPL-2.0-or-later
#include "syncd/config.h"

#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "wire/sync.h"

static cfg_opt_t connections_opts[] = {
	CFG_BOOL("udp", cfg_true, CFGF_NONE),
	CFG_END()
};

static cfg_opt_t opts[] = {
	CFG_STR("keys", "/etc/roam/keys.d/syncd", CFGF_NONE),
	CFG_INT("entries_max", 262144, CFGF_NONE),
	CFG_STR("look", "30s", CFGF_NONE),
	CFG_SEC("sync", conf_sync_opts, CFGF_MULTI),
	CFG_SEC("connections", connections_opts, CFGF_MULTI),
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
	if (!config->connections)
		return conf_error(cfg, "connections",
				  "no table is kept; write: connections { }");
	config->udp = cfg_getbool(cfg_getnsec(cfg, "connections", 0), "udp");
	return NULL;
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
	conf_sync_free(config->sync);
	auth_keys_free(config->keys);
	free(config);
}
