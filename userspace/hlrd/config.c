// SPDX-License-Identifier: GPL-2.0-or-later
#include "hlrd/config.h"

#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "io/daemon.h"
#include "wire/lr.h"

#define RATE_MAX 1000000

static cfg_opt_t host_opts[] = {
	CFG_INT_LIST("key", "{}", CFGF_NONE),
	CFG_STR_LIST("permanent", "{}", CFGF_NONE),
	CFG_BOOL("query", cfg_true, CFGF_NONE),
	CFG_STR_LIST("visible", "{}", CFGF_NONE),
	CFG_STR_LIST("care_of", "{}", CFGF_NONE),
	CFG_END()
};

static cfg_opt_t opts[] = {
	CFG_STR_LIST("listen", "{\"[::]:17434\"}", CFGF_NONE),
	CFG_STR("keys", "/etc/roam/keys.d/hlrd", CFGF_NONE),
	CFG_STR("store", "/var/lib/roam/hlrd/hlr.db", CFGF_NONE),
	CFG_STR("lifetime", "300s", CFGF_NONE),
	CFG_STR("tombstone", "300s", CFGF_NONE),
	CFG_INT("mappings_max", 1000000, CFGF_NONE),
	CFG_INT("rate", 2000, CFGF_NONE),
	CFG_BOOL("others", cfg_false, CFGF_NONE),
	CFG_STR("window", "60s", CFGF_NONE),
	CFG_STR("proof", "source", CFGF_NONE),
	CFG_STR_LIST("trust", "{}", CFGF_NONE),
	CFG_STR_LIST("internal", "{}", CFGF_NONE),
	CFG_STR_LIST("permanent", "{}", CFGF_NONE),
	CFG_SEC("host", host_opts, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_END()
};

static const struct conf_field fields[] = {
	CONF_FIELD("store", CONF_TEXT, struct config, store, 0, 0),
	CONF_FIELD("lifetime", CONF_SECONDS, struct config,
		   limits.lifetime_max, 1, 0x7fffffff),
	CONF_FIELD("tombstone", CONF_SECONDS, struct config, limits.tombstone,
		   1, 0x7fffffff),
	CONF_FIELD("mappings_max", CONF_NUMBER, struct config,
		   limits.mappings_max, 1, 0x7fffffff),
	CONF_FIELD("rate", CONF_NUMBER, struct config, rate, 0, RATE_MAX),
	CONF_FIELD("others", CONF_BOOL, struct config, others, 0, 0),
	CONF_FIELD("window", CONF_SECONDS, struct config, limits.window, 1,
		   86400),
	CONF_FIELDS_END
};

static char *read_listen(cfg_t *cfg, struct config *config)
{
	if (!cfg_size(cfg, "listen"))
		return conf_error(cfg, "listen",
				  "is empty; give at least one address such as \"[::]:%d\"",
				  LR_PORT);
	return conf_get_endpoints(cfg, "listen", LR_PORT, &config->listen,
				  &config->n_listen);
}

static char *read_keys(cfg_t *cfg, struct config *config, const char *keys)
{
	struct config_host *host = &config->hosts[config->n_hosts - 1];
	size_t n = cfg_size(cfg, "key");
	struct config_key *more;
	uint32_t *ids;

	more = reallocarray(config->host_keys, config->n_host_keys + n,
			    sizeof(*more));
	ids = calloc(n ? n : 1, sizeof(*ids));
	if (more)
		config->host_keys = more;
	host->rights.keys = ids;
	if (!more || !ids || !n)
		return n ? daemon_error("out of memory") :
			conf_error(cfg, "key",
				   "host '%s' needs a key id from 1 to %d",
				   host->name, AUTH_ID_MAX);
	for (size_t i = 0; i < n; i++) {
		long key = cfg_getnint(cfg, "key", i);

		if (key < 1 || key > AUTH_ID_MAX)
			return conf_error(cfg, "key",
					  "host '%s' needs a key id from 1 to %d",
					  host->name, AUTH_ID_MAX);
		if (!auth_keys_find(config->keys, key))
			return conf_error(cfg, "key",
					  "there is no key %ld in %s; make one: roam hlr keygen %ld",
					  key, keys, key);
		ids[host->rights.n_keys++] = key;
		config->host_keys[config->n_host_keys++] = (struct config_key){
			.id = key, .host = config->n_hosts - 1,
		};
	}
	return NULL;
}

static char *read_host(cfg_t *cfg, struct config *config, const char *keys)
{
	struct config_host *host = &config->hosts[config->n_hosts++];
	char *error;

	host->name = strdup(cfg_title(cfg));
	host->rights.may_query = cfg_getbool(cfg, "query");
	error = read_keys(cfg, config, keys);
	if (!error)
		error = conf_get_prefixes(cfg, "permanent",
			(struct roam_prefix **)&host->rights.permanent,
			&host->rights.n_permanent);
	if (!error)
		error = conf_get_prefixes(cfg, "visible",
			(struct roam_prefix **)&host->rights.visible,
			&host->rights.n_visible);
	if (!error)
		error = conf_get_prefixes(cfg, "care_of",
			(struct roam_prefix **)&host->rights.care_of,
			&host->rights.n_care_of);
	config->n_see_all += host->rights.may_query && !host->rights.n_visible;
	return error;
}

static int compare_keys(const void *a, const void *b)
{
	uint32_t ka = ((const struct config_key *)a)->id;
	uint32_t kb = ((const struct config_key *)b)->id;

	return (ka > kb) - (ka < kb);
}

/*
 * Refuses a key that two hosts have. Sorted, equal keys stand side by side: there may be
 * millions of hosts.
 */
static char *check_owners(cfg_t *cfg, const struct config *config)
{
	for (size_t i = 1; i < config->n_host_keys; i++) {
		const struct config_key *k = &config->host_keys[i];
		uint32_t first = k[-1].host, second = k->host;

		if (k[-1].id != k->id)
			continue;
		if (first > second) {
			first = k->host;
			second = k[-1].host;
		}
		return conf_error(cfg_getnsec(cfg, "host", second), "key",
				  "key %u belongs to host '%s' already; give host '%s' its own",
				  k->id, config->hosts[first].name,
				  config->hosts[second].name);
	}
	return NULL;
}

static char *read_hosts(cfg_t *cfg, struct config *config)
{
	size_t n = cfg_size(cfg, "host");

	if (!n)
		return daemon_error("%s: no host; add: host \"NAME\" { key = ID permanent = {\"ADDRESS\"} }",
				    cfg->filename);
	config->hosts = calloc(n, sizeof(*config->hosts));
	for (size_t i = 0; i < n; i++) {
		char *error = read_host(cfg_getnsec(cfg, "host", i), config,
					cfg_getstr(cfg, "keys"));

		if (error)
			return error;
	}
	qsort(config->host_keys, config->n_host_keys,
	      sizeof(*config->host_keys), compare_keys);
	return check_owners(cfg, config);
}

static char *read_proof(cfg_t *cfg, struct config *config)
{
	const char *proof = cfg_getstr(cfg, "proof");

	config->limits.cookies = !strcmp(proof, "cookie");
	if (config->limits.cookies || !strcmp(proof, "source"))
		return NULL;
	return conf_error(cfg, "proof",
			  "'%s' is neither \"source\" nor \"cookie\"", proof);
}

static char *read_internal(cfg_t *cfg, struct config *config)
{
	struct roam_prefix *prefixes = NULL;
	size_t n;
	char *error = conf_get_prefixes(cfg, "internal", &prefixes, &n);

	if (!error)
		config->internal = prefix_set_new(prefixes, n);
	if (!error && !config->internal)
		error = daemon_error("out of memory");
	free(prefixes);
	return error;
}

/* Nobody's care-of address is in a prefix of permanent addresses, whoever's. */
static char *read_permanent(cfg_t *cfg, struct config *config)
{
	struct roam_prefix *all = NULL, *more;
	size_t n;
	char *error = conf_get_prefixes(cfg, "permanent", &all, &n);

	for (size_t i = 0; i < config->n_hosts && !error; i++) {
		const struct hlr_rights *rights = &config->hosts[i].rights;

		more = reallocarray(all, n + rights->n_permanent + 1,
				    sizeof(*all));
		if (!more) {
			error = daemon_error("out of memory");
			break;
		}
		all = more;
		if (rights->n_permanent)
			memcpy(&all[n], rights->permanent,
			       rights->n_permanent * sizeof(*all));
		n += rights->n_permanent;
	}
	if (!error)
		config->permanent = prefix_set_new(all, n);
	if (!error && !config->permanent)
		error = daemon_error("out of memory");
	free(all);
	return error;
}

static char *read_places(cfg_t *cfg, struct config *config)
{
	char *error = read_proof(cfg, config);

	if (!error)
		error = read_internal(cfg, config);
	if (!error)
		error = read_permanent(cfg, config);
	if (!error)
		error = conf_get_prefixes(cfg, "trust",
			(struct roam_prefix **)&config->limits.trust,
			&config->limits.n_trust);
	config->limits.places = (struct places){ config->permanent,
						 config->internal };
	return error;
}

static char *read_config(cfg_t *cfg, void *to)
{
	struct config *config = to;
	char *error = read_listen(cfg, config);

	if (!error)
		error = conf_get_fields(cfg, fields, config);
	if (!error)
		error = conf_get_keys(cfg, &config->keys);
	if (!error)
		error = read_hosts(cfg, config);
	if (!error)
		error = read_places(cfg, config);
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
	for (size_t i = 0; i < config->n_hosts; i++) {
		free(config->hosts[i].name);
		free((void *)config->hosts[i].rights.permanent);
		free((void *)config->hosts[i].rights.visible);
		free((void *)config->hosts[i].rights.care_of);
		free((void *)config->hosts[i].rights.keys);
	}
	free(config->hosts);
	free(config->host_keys);
	free(config->listen);
	free(config->store);
	auth_keys_free(config->keys);
	free((void *)config->limits.trust);
	prefix_set_free(config->permanent);
	prefix_set_free(config->internal);
	free(config);
}

const struct config_host *config_find_host(const struct config *config,
					   uint32_t key_id)
{
	const struct config_key key = { .id = key_id };
	const struct config_key *found = NULL;

	if (config->n_host_keys)
		found = bsearch(&key, config->host_keys, config->n_host_keys,
				sizeof(*config->host_keys), compare_keys);
	return found ? &config->hosts[found->host] : NULL;
}
