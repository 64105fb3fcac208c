// SPDX-License-Identifier: GPL-2.0-or-later
#include "drcpd/config.h"

#include <arpa/inet.h>
#include <stdio.h>
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
	CFG_STR_LIST("air", "{}", CFGF_NONE),
	CFG_BOOL("relays", cfg_false, CFGF_NONE),
	CFG_STR("keys", "/etc/roam/drcp.key", CFGF_NONE),
	CFG_INT("key", 1, CFGF_NONE),
	CFG_INT("host_key", 1001, CFGF_NONE),
	CFG_STR("client", "", CFGF_NONE),
	CFG_STR("mmp_keys", "", CFGF_NONE),
	CFG_INT("mmp_key", 1, CFGF_NONE),
	CFG_STR("device", "", CFGF_NONE),
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
	if (v4 && ntohl(roam_addr_to_in(&p->last).s_addr) -
	    ntohl(roam_addr_to_in(&p->first).s_addr) >= DRCP_POOL_MAX)
		return conf_error(cfg, "last",
				  "is too far from the first; %u addresses are the most",
				  DRCP_POOL_MAX);
	return NULL;
}

static char *read_names(cfg_t *cfg, const char *option, struct config *config)
{
	for (size_t i = 0; i < cfg_size(cfg, option); i++) {
		const char *name = cfg_getnstr(cfg, option, i);

		if (!*name || strlen(name) >= IF_NAMESIZE)
			return conf_error(cfg, option,
					  "'%s' is no name of an interface",
					  name);
		strcpy(config->links[config->n_links++], name);
	}
	return NULL;
}

static char *read_links(cfg_t *cfg, struct config *config)
{
	size_t n = cfg_size(cfg, "links"), air = cfg_size(cfg, "air");
	bool many = config->is_server || config->is_relay || config->mmp;
	char *error;

	if (!n || n + air > DRCPD_LINKS_MAX || (!many && n != 1))
		return conf_error(cfg, "links",
				  "there are 1 to %d interfaces, at a client one unless it has 'mmp_keys'; for example {\"eth0\"}",
				  DRCPD_LINKS_MAX);
	if (air && !config->is_relay)
		return conf_error(cfg, "air",
				  "is for a relay; all links of a server have hosts");
	config->n_air = air;
	config->relays = cfg_getbool(cfg, "relays");
	if (config->relays && !config->is_server)
		return conf_error(cfg, "relays", "is for a server");
	error = read_names(cfg, "links", config);
	return error ? error : read_names(cfg, "air", config);
}

static char *read_role(cfg_t *cfg, struct config *config)
{
	const char *role = cfg_getstr(cfg, "role");

	config->is_server = !strcmp(role, "server");
	config->is_relay = !strcmp(role, "relay");
	if (config->is_server || config->is_relay || !strcmp(role, "client"))
		return NULL;
	return conf_error(cfg, "role",
			  "'%s' is neither server nor relay nor client", role);
}

static char *read_key(cfg_t *cfg, struct config *config)
{
	long id = 0;
	char *error;

	config->guests = cfg_getbool(cfg, "guests");
	if (config->guests && config->is_relay)
		return conf_error(cfg, "guests",
				  "have no server that is behind a relay: only the link says who they are");
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
	if (error || config->is_server || config->is_relay)
		return error;
	error = conf_get_int(cfg, "host_key", 1, AUTH_ID_MAX, &id);
	config->host_key = id;
	if (!error && !auth_keys_find(config->keys, config->host_key))
		error = conf_error(cfg, "host_key",
				   "there is no key %u in %s; at the server, roam drcp keygen makes the keys of a host",
				   config->host_key, cfg_getstr(cfg, "keys"));
	return error;
}

/* What the client is called; the link gives it a name where it has none. */
static char *read_client(cfg_t *cfg, struct config *config)
{
	const char *text = cfg_getstr(cfg, "client");
	uint8_t *c = config->client.client;
	int end = 0;

	if (!*text)
		return NULL;
	if (sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &c[0], &c[1],
		   &c[2], &c[3], &c[4], &c[5], &end) == 6 && !text[end] &&
	    !(c[0] & 1))
		return NULL;
	return conf_error(cfg, "client",
			  "'%s' is no number of a client such as 02:00:00:00:00:05",
			  text);
}

/* A server makes keys of MMP for addresses, a client leaves the one of its own. */
static char *read_mmp(cfg_t *cfg, struct config *config)
{
	const char *path = cfg_getstr(cfg, "mmp_keys");
	const char *device = cfg_getstr(cfg, "device");
	char *error = NULL;
	long id = 0;

	if (strlen(device) >= IF_NAMESIZE)
		return conf_error(cfg, "device",
				  "'%s' is no name of an interface", device);
	snprintf(config->device, sizeof(config->device), "%s", device);
	config->mmp = !config->is_server && !config->is_relay && *path;
	if (!*path || config->is_relay)
		return NULL;
	if (config->guests)
		return conf_error(cfg, "mmp_keys",
				  "a guest has no key that another one could be sealed with");
	if (config->mmp) {
		config->mmp_path = strdup(path);
		return NULL;
	}
	error = conf_get_int(cfg, "mmp_key", 1, AUTH_ID_MAX, &id);
	if (error)
		return error;
	config->mmp_key = id;
	config->mmp_keys = auth_keys_load(path, &error);
	if (!error && !auth_keys_find(config->mmp_keys, config->mmp_key))
		error = conf_error(cfg, "mmp_key", "there is no key %u in %s",
				   config->mmp_key, path);
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
		error = read_key(cfg, config);
	if (!error)
		error = read_client(cfg, config);
	if (!error)
		error = read_mmp(cfg, config);
	if (!error)
		error = read_links(cfg, config);
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
	auth_keys_free(config->mmp_keys);
	free(config->mmp_path);
	free(config->store);
	free(config);
}
