// SPDX-License-Identifier: GPL-2.0-or-later
#include "drcpd/config.h"

#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "io/daemon.h"

static cfg_opt_t pool_opts[] = {
	CFG_STR("first", "", CFGF_NONE),
	CFG_STR("last", "", CFGF_NONE),
	CFG_STR("router", "", CFGF_NONE),
	CFG_STR("dns", "", CFGF_NONE),
	CFG_STR("lease", "1h", CFGF_NONE),
	CFG_END()
};

static cfg_opt_t opts[] = {
	CFG_STR("role", "", CFGF_NONE),
	CFG_STR_LIST("links", "{}", CFGF_NONE),
	CFG_STR("keys", "/etc/roam/drcp.key", CFGF_NONE),
	CFG_INT("key", 1, CFGF_NONE),
	CFG_BOOL("guests", cfg_false, CFGF_NONE),
	CFG_STR("store", "/var/lib/roam/drcpd/drcpd.db", CFGF_NONE),
	CFG_STR("period", "1s", CFGF_NONE),
	CFG_STR("hold", "10m", CFGF_NONE),
	CFG_STR("retry", "250ms", CFGF_NONE),
	CFG_INT("tries", 5, CFGF_NONE),
	CFG_STR("dhcp_wait", "3s", CFGF_NONE),
	CFG_SEC("pool", pool_opts,
		CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_END()
};

static char *read_addr(cfg_t *cfg, const char *option, struct roam_addr *addr)
{
	return *cfg_getstr(cfg, option) ? conf_get_addr(cfg, option, addr) :
					  NULL;
}

static char *read_pool(cfg_t *cfg, struct config *config)
{
	struct drcp_pool *p = &config->pools[config->n_pools++];
	const struct roam_prefix *prefix = &p->subnet.prefix;
	msec_t lease = 0;
	char *error;
	bool v4;

	if (!roam_prefix_parse(cfg_title(cfg), &p->subnet.prefix))
		return conf_error(cfg, "first",
				  "pool \"%s\" is no subnet such as \"192.0.2.0/24\"",
				  cfg_title(cfg));
	v4 = roam_addr_is_v4(&prefix->addr);
	if (!v4 && prefix->len > 64)
		return conf_error(cfg, "first",
				  "pool \"%s\" leaves no room for hosts' own numbers; a prefix has 64 bits at most",
				  cfg_title(cfg));
	error = read_addr(cfg, "first", &p->first);
	if (!error)
		error = read_addr(cfg, "last", &p->last);
	if (!error)
		error = read_addr(cfg, "router", &p->subnet.router);
	if (!error)
		error = read_addr(cfg, "dns", &p->dns);
	if (!error)
		error = conf_get_duration(cfg, "lease", &lease);
	if (error)
		return error;
	if (lease < 10000 || lease > INT64_C(86400000) * 365)
		return conf_error(cfg, "lease", "is not from 10s to 365d");
	p->lease = lease / 1000;
	if (v4 && (!roam_prefix_contains(prefix, &p->first) ||
		   !roam_prefix_contains(prefix, &p->last)))
		return conf_error(cfg, "first",
				  "first and last address of pool \"%s\" must be in it",
				  cfg_title(cfg));
	if (v4 && roam_addr_cmp(&p->first, &p->last) > 0)
		return conf_error(cfg, "last", "is before the first");
	return NULL;
}

static char *read_links(cfg_t *cfg, struct config *config)
{
	size_t n = cfg_size(cfg, "links");

	if (!n || n > DRCPD_LINKS_MAX || (!config->is_server && n != 1))
		return conf_error(cfg, "links",
				  "a server has 1 to %d interfaces, a client one; for example {\"eth0\"}",
				  DRCPD_LINKS_MAX);
	for (size_t i = 0; i < n; i++) {
		const char *name = cfg_getnstr(cfg, "links", i);

		if (!*name || strlen(name) >= IF_NAMESIZE)
			return conf_error(cfg, "links",
					  "'%s' is no name of an interface",
					  name);
		strcpy(config->links[config->n_links++], name);
	}
	return NULL;
}

static char *read_role(cfg_t *cfg, struct config *config)
{
	const char *role = cfg_getstr(cfg, "role");

	config->is_server = !strcmp(role, "server");
	if (config->is_server || !strcmp(role, "client"))
		return NULL;
	return conf_error(cfg, "role", "'%s' is neither server nor client",
			  role);
}

static char *read_key(cfg_t *cfg, struct config *config)
{
	long id = 0;
	char *error;

	config->guests = cfg_getbool(cfg, "guests");
	if (config->guests)
		return NULL;
	error = conf_get_int(cfg, "key", 1, AUTH_ID_MAX, &id);
	config->key_id = id;
	if (!error)
		error = conf_get_keys(cfg, &config->keys);
	if (!error && !auth_keys_find(config->keys, config->key_id))
		error = conf_error(cfg, "key",
				   "there is no key %u in %s; roam mmp keygen makes one",
				   config->key_id, cfg_getstr(cfg, "keys"));
	return error;
}

static char *read_times(cfg_t *cfg, struct config *config)
{
	long tries = 0;
	char *error = conf_get_duration(cfg, "period", &config->period);

	if (!error && (config->period < 10 || config->period > 3600000))
		error = conf_error(cfg, "period", "is not from 10ms to 1h");
	if (!error)
		error = conf_get_duration(cfg, "hold", &config->hold);
	if (!error)
		error = conf_get_duration(cfg, "retry", &config->client.retry);
	if (!error && config->client.retry < 10)
		error = conf_error(cfg, "retry", "is less than 10ms");
	if (!error)
		error = conf_get_duration(cfg, "dhcp_wait",
					  &config->client.dhcp_wait);
	if (!error)
		error = conf_get_int(cfg, "tries", 1, 100, &tries);
	config->client.tries = tries;
	return error;
}

static char *read_config(cfg_t *cfg, void *to)
{
	struct config *config = to;
	size_t n = cfg_size(cfg, "pool");
	char *error;

	config->client = drcp_client_defaults;
	config->store = strdup(cfg_getstr(cfg, "store"));
	error = read_role(cfg, config);
	if (!error)
		error = read_links(cfg, config);
	if (!error)
		error = read_key(cfg, config);
	if (!error)
		error = read_times(cfg, config);
	if (!error && (n > DRCP_POOLS_MAX || (!n && config->is_server)))
		error = conf_error(cfg, "pool",
				   "a server has 1 to %d pools; add: pool \"192.0.2.0/24\" { first = \"192.0.2.10\" last = \"192.0.2.99\" }",
				   DRCP_POOLS_MAX);
	for (size_t i = 0; i < n && !error; i++)
		error = read_pool(cfg_getnsec(cfg, "pool", i), config);
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
	auth_keys_free(config->keys);
	free(config->store);
	free(config);
}
