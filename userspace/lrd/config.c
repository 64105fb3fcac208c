// SPDX-License-Identifier: GPL-2.0-or-later
#include "lrd/config.h"

#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "io/daemon.h"
#include "wire/lr.h"

#define DEVICE "roam0"
#define TABLE 7700
#define PRIORITY 7700

static cfg_opt_t register_opts[] = {
	CFG_INT("key", 0, CFGF_NONE),
	CFG_END()
};

static cfg_opt_t mobile_opts[] = {
	CFG_STR_LIST("address", "{}", CFGF_NONE),
	CFG_STR("device", DEVICE, CFGF_NONE),
	CFG_INT("table", TABLE, CFGF_NONE),
	CFG_INT("priority", PRIORITY, CFGF_NONE),
	CFG_STR("lifetime", "300s", CFGF_NONE),
	CFG_STR("retry", "500ms", CFGF_NONE),
	CFG_STR("retry_max", "8s", CFGF_NONE),
	CFG_STR("announce_retry", "100ms", CFGF_NONE),
	CFG_STR("announce_time", "300ms", CFGF_NONE),
	CFG_STR("move_time", "30s", CFGF_NONE),
	CFG_INT("peers_max", 65536, CFGF_NONE),
	CFG_END()
};

static cfg_opt_t correspondent_opts[] = {
	CFG_STR("timeout", "500ms", CFGF_NONE),
	CFG_INT("tries", 3, CFGF_NONE),
	CFG_STR("null_lifetime", "60s", CFGF_NONE),
	CFG_STR("again", "50ms", CFGF_NONE),
	CFG_INT("again_tries", 6, CFGF_NONE),
	CFG_INT("announce_rate", 20, CFGF_NONE),
	CFG_INT("pending_max", 4096, CFGF_NONE),
	CFG_END()
};

static cfg_opt_t opts[] = {
	CFG_STR("listen", "::", CFGF_NONE),
	CFG_INT("port", LR_PORT, CFGF_NONE),
	CFG_STR("keys", "/etc/roam/keys.d", CFGF_NONE),
	CFG_STR_LIST("permanent", "{}", CFGF_NONE),
	CFG_SEC("register", register_opts,
		CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_SEC("mobile", mobile_opts, CFGF_NONE),
	CFG_SEC("correspondent", correspondent_opts, CFGF_NONE),
	CFG_END()
};

/* An integer option within bounds. */
static char *read_int(cfg_t *cfg, const char *option, long min, long max,
		      long *value)
{
	*value = cfg_getint(cfg, option);
	if (*value < min || *value > max)
		return conf_error(cfg, option, "%ld is not from %ld to %ld",
				  *value, min, max);
	return NULL;
}

static char *read_port(cfg_t *cfg, struct config *config)
{
	long port;
	char *error = read_int(cfg, "port", 1, 65535, &port);

	config->port = port;
	if (!error && !roam_addr_parse(cfg_getstr(cfg, "listen"),
				       &config->listen))
		error = conf_error(cfg, "listen",
				   "'%s' is no address; \"::\" means all",
				   cfg_getstr(cfg, "listen"));
	/* "0.0.0.0" means any, too. */
	if (!error && roam_addr_is_v4(&config->listen) &&
	    !roam_addr_to_in(&config->listen).s_addr)
		memset(&config->listen, 0, sizeof(config->listen));
	return error;
}

static char *read_register(cfg_t *cfg, struct config *config, const char *keys)
{
	struct mobile_register *reg = &config->registers[config->n_registers];
	struct corr_register *corr;
	long key = cfg_getint(cfg, "key");

	reg->port = config->port;
	if (!conf_parse_endpoint(cfg_title(cfg), &reg->addr, &reg->port))
		return conf_error(cfg, "key",
				  "register \"%s\" is no address such as \"192.0.2.1\" or \"192.0.2.1:%d\"",
				  cfg_title(cfg), LR_PORT);
	if (key < 1 || key > UINT32_MAX)
		return conf_error(cfg, "key",
				  "register \"%s\" needs the id of the key it shares with this host",
				  cfg_title(cfg));
	if (!auth_keys_find(config->keys, key))
		return conf_error(cfg, "key",
				  "there is no key %ld in %s; copy its line from the register's keys",
				  key, keys);
	reg->key_id = key;
	corr = &config->corr_registers[config->n_registers++];
	corr->addr = reg->addr;
	corr->port = reg->port;
	corr->key_id = reg->key_id;
	return NULL;
}

static char *read_registers(cfg_t *cfg, struct config *config)
{
	size_t n = cfg_size(cfg, "register");
	char *error = NULL;

	if (!n)
		return conf_error(cfg, "register",
				  "is missing; add: register \"ADDRESS\" { key = ID }");
	config->registers = calloc(n, sizeof(*config->registers));
	config->corr_registers = calloc(n, sizeof(*config->corr_registers));
	if (!config->registers || !config->corr_registers)
		return daemon_error("out of memory");
	for (size_t i = 0; i < n && !error; i++)
		error = read_register(cfg_getnsec(cfg, "register", i), config,
				      cfg_getstr(cfg, "keys"));
	config->mobile.registers = config->registers;
	config->mobile.n_registers = config->n_registers;
	config->corr.registers = config->corr_registers;
	config->corr.n_registers = config->n_registers;
	return error;
}

static bool in_permanent(const struct config *config,
			 const struct roam_addr *addr)
{
	for (size_t i = 0; i < config->n_permanent; i++)
		if (roam_prefix_contains(&config->permanent[i], addr))
			return true;
	return false;
}

static char *read_own(cfg_t *cfg, struct config *config)
{
	size_t n = cfg_size(cfg, "address");

	if (n > 1)
		return conf_error(cfg, "address",
				  "has %zu addresses; a host has one permanent IPv4 address, since its care-of address can stand for one only",
				  n);
	config->own = calloc(n ? n : 1, sizeof(*config->own));
	if (!config->own)
		return daemon_error("out of memory");
	for (size_t i = 0; i < n; i++) {
		const char *s = cfg_getnstr(cfg, "address", i);
		struct roam_addr *addr = &config->own[i];

		if (!roam_addr_parse(s, addr) || !roam_addr_is_usable(addr))
			return conf_error(cfg, "address",
					  "'%s' is not the address of a host", s);
		if (!roam_addr_is_v4(addr))
			return conf_error(cfg, "address",
					  "'%s' is an IPv6 address; this version moves IPv4 addresses only",
					  s);
		if (!in_permanent(config, addr))
			return conf_error(cfg, "address",
					  "'%s' is in none of the prefixes that 'permanent' lists; add its prefix there, and on the other hosts",
					  s);
		config->n_own++;
	}
	return NULL;
}

static char *read_mobile(cfg_t *cfg, struct config *config)
{
	struct mobile_config *mobile = &config->mobile;
	long table, priority, peers_max;
	msec_t lifetime = 0;
	char *error = read_own(cfg, config);

	config->device = strdup(cfg_getstr(cfg, "device"));
	if (!error && (!*config->device || strlen(config->device) >= IFNAMSIZ))
		error = conf_error(cfg, "device", "'%s' is no link name",
				   config->device);
	if (!error)
		error = read_int(cfg, "table", 1, 0x7fffffff, &table);
	if (!error)
		error = read_int(cfg, "priority", 1, 32765, &priority);
	if (!error)
		error = conf_get_duration(cfg, "lifetime", &lifetime);
	if (!error && (lifetime < 1000 || lifetime / 1000 > UINT32_MAX))
		error = conf_error(cfg, "lifetime", "is less than 1s");
	if (!error)
		error = conf_get_duration(cfg, "retry", &mobile->retry);
	if (!error)
		error = conf_get_duration(cfg, "retry_max", &mobile->retry_max);
	if (!error)
		error = conf_get_duration(cfg, "announce_retry",
					  &mobile->announce_retry);
	if (!error)
		error = conf_get_duration(cfg, "announce_time",
					  &mobile->announce_time);
	if (!error)
		error = conf_get_duration(cfg, "move_time", &mobile->move_time);
	if (!error)
		error = read_int(cfg, "peers_max", 1, 1 << 24, &peers_max);
	if (error)
		return error;
	config->table = table;
	config->priority = priority;
	mobile->lifetime = lifetime / 1000;
	mobile->peers_max = peers_max;
	mobile->port = config->port;
	mobile->permanent = config->own;
	mobile->n_permanent = config->n_own;
	return NULL;
}

static char *read_correspondent(cfg_t *cfg, struct config *config)
{
	struct corr_config *corr = &config->corr;
	long tries, again_tries, announce_rate, pending_max;
	char *error = conf_get_duration(cfg, "timeout", &corr->timeout);

	if (!error)
		error = read_int(cfg, "tries", 1, 100, &tries);
	if (!error)
		error = conf_get_duration(cfg, "null_lifetime",
					  &corr->null_lifetime);
	if (!error)
		error = conf_get_duration(cfg, "again", &corr->again);
	if (!error)
		error = read_int(cfg, "again_tries", 0, 100, &again_tries);
	if (!error)
		error = read_int(cfg, "announce_rate", 1, 1000000,
				 &announce_rate);
	if (!error)
		error = read_int(cfg, "pending_max", 1, 1 << 24, &pending_max);
	if (error)
		return error;
	corr->tries = tries;
	corr->again_tries = again_tries;
	corr->announce_rate = announce_rate;
	corr->pending_max = pending_max;
	corr->permanent = config->permanent;
	corr->n_permanent = config->n_permanent;
	return NULL;
}

static char *read_config(cfg_t *cfg, struct config *config)
{
	char *error = NULL;

	config->keys = auth_keys_load(cfg_getstr(cfg, "keys"), &error);
	if (!config->keys)
		return error;
	error = read_port(cfg, config);
	if (!error)
		error = conf_get_prefixes(cfg, "permanent", &config->permanent,
					  &config->n_permanent);
	if (!error && !config->n_permanent)
		error = conf_error(cfg, "permanent",
				   "is empty; list the prefixes that hold the permanent addresses of mobile hosts");
	if (!error)
		error = read_registers(cfg, config);
	if (!error)
		error = read_mobile(cfg_getsec(cfg, "mobile"), config);
	if (!error)
		error = read_correspondent(cfg_getsec(cfg, "correspondent"),
					   config);
	return error;
}

struct config *config_load(const char *path, char **error)
{
	struct config *config;
	cfg_t *cfg;

	*error = NULL;
	cfg = conf_load(path, opts, error);
	if (!cfg)
		return NULL;
	config = calloc(1, sizeof(*config));
	*error = config ? read_config(cfg, config) :
			  daemon_error("out of memory");
	cfg_free(cfg);
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
	free(config->registers);
	free(config->corr_registers);
	free(config->permanent);
	free(config->own);
	free(config->device);
	free(config);
}
