// SPDX-License-Identifier: GPL-2.0-or-later
#include "mmpd/config.h"

#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "io/daemon.h"

static cfg_opt_t gateway_opts[] = {
	CFG_STR("address", "", CFGF_NONE),
	CFG_STR("address6", "", CFGF_NONE),
	CFG_INT("paging", 0, CFGF_NONE),
	CFG_STR("beacon", "1s", CFGF_NONE),
	CFG_END()
};

static cfg_opt_t base_station_opts[] = {
	CFG_STR("router", "", CFGF_NONE),
	CFG_STR("beacon", "500ms", CFGF_NONE),
	CFG_INT("channel", 0, CFGF_NONE),
	CFG_END()
};

static cfg_opt_t host_opts[] = {
	CFG_STR_LIST("address", "{}", CFGF_NONE),
	CFG_INT_LIST("key", "{}", CFGF_NONE),
	CFG_STR("drcp", "", CFGF_NONE),
	CFG_STR("handoff", "semi-soft", CFGF_NONE),
	CFG_BOOL("measured", cfg_true, CFGF_NONE),
	CFG_STR("period", "200ms", CFGF_NONE),
	CFG_STR("update", "10s", CFGF_NONE),
	CFG_STR("retry", "100ms", CFGF_NONE),
	CFG_STR("retry_max", "1s", CFGF_NONE),
	CFG_INT("tries", 5, CFGF_NONE),
	CFG_STR("avoid", "10s", CFGF_NONE),
	CFG_END()
};

static cfg_opt_t border_opts[] = {
	CFG_STR_LIST("peers", "{}", CFGF_NONE),
	CFG_STR("via", "", CFGF_NONE),
	CFG_STR("via6", "", CFGF_NONE),
	CFG_INT("key", 0, CFGF_NONE),
	CFG_BOOL("routes", cfg_false, CFGF_NONE),
	CFG_STR("refresh", "5m", CFGF_NONE),
	CFG_END()
};

static cfg_opt_t opts[] = {
	CFG_STR("role", "", CFGF_NONE),
	CFG_STR("name", "", CFGF_NONE),
	CFG_INT("domain", 0, CFGF_NONE),
	CFG_STR("keys", "/etc/roam/mmp.key", CFGF_NONE),
	CFG_INT("key", 1, CFGF_NONE),
	CFG_STR_LIST("subnets", "{}", CFGF_NONE),
	CFG_STR_LIST("links", "{}", CFGF_NONE),
	CFG_STR_LIST("air", "{}", CFGF_NONE),
	CFG_INT("port", MMP_PORT, CFGF_NONE),
	CFG_STR("state", "/var/lib/roam/mmpd/mmpd.state", CFGF_NONE),
	CFG_INT("missed", 3, CFGF_NONE),
	CFG_STR("spread", "50ms", CFGF_NONE),
	CFG_STR("fresh", "10s", CFGF_NONE),
	CFG_STR("criterion", "latency", CFGF_NONE),
	CFG_STR("timeout", "30s", CFGF_NONE),
	CFG_INT("hosts_max", 1048576, CFGF_NONE),
	CFG_BOOL("turn", cfg_false, CFGF_NONE),
	CFG_STR("keep", "2s", CFGF_NONE),
	CFG_INT("keep_bytes", 1048576, CFGF_NONE),
	CFG_SEC("gateway", gateway_opts, CFGF_NONE),
	CFG_SEC("base-station", base_station_opts, CFGF_NONE),
	CFG_SEC("host", host_opts, CFGF_NONE),
	CFG_SEC("border", border_opts, CFGF_NONE),
	CFG_END()
};

/* One word of several; the index of it in *which. */
static char *read_word(cfg_t *cfg, const char *option,
		       const char *const *words, unsigned int *which)
{
	const char *word = cfg_getstr(cfg, option);
	const char *near;

	for (*which = 0; words[*which]; (*which)++)
		if (!strcmp(words[*which], word))
			return NULL;
	near = conf_nearest(word, words);
	return conf_error(cfg, option, "'%s' is none of its words; %s'%s'",
			  word, near ? "did you mean " : "the first is ",
			  near ? near : words[0]);
}

static char *read_name(cfg_t *cfg, struct mmp_name *name)
{
	const char *s = cfg_getstr(cfg, "name");

	if (!*s || mmp_name_parse(s, name))
		return NULL;
	return conf_error(cfg, "name",
			  "'%s' is no name; it has 1 to %d letters, digits, '.', '-' or '_'",
			  s, MMP_NAME_LEN);
}

static char *read_ids(cfg_t *cfg, struct config *config)
{
	long value;
	char *error = conf_get_int(cfg, "domain", 0, UINT32_MAX, &value);

	config->node.domain = (uint32_t)value;
	if (!error)
		error = conf_get_int(cfg, "port", 1, 65535, &value);
	config->port = (uint16_t)value;
	if (!error)
		error = conf_get_int(cfg, "key", 1, AUTH_ID_MAX, &value);
	config->key_id = (uint32_t)value;
	return error;
}

static char *read_names(cfg_t *cfg, const char *option, char ***names,
			size_t *n)
{
	*n = cfg_size(cfg, option);
	*names = calloc(*n + 1, sizeof(**names));
	for (size_t i = 0; i < *n; i++)
		(*names)[i] = strdup(cfg_getnstr(cfg, option, i));
	return NULL;
}

static char *read_subnets(cfg_t *cfg, struct config *config)
{
	struct roam_prefix *prefixes = NULL;
	size_t n = 0;
	char *error = conf_get_prefixes(cfg, "subnets", &prefixes, &n);

	if (!error && (n > MMP_SUBNETS_MAX || (!n && !config->is_host)))
		error = conf_error(cfg, "subnets",
				   "a domain has 1 to %d subnets; for example {\"10.7.0.0/16\"}",
				   MMP_SUBNETS_MAX);
	if (!error)
		memcpy(config->node.subnets, prefixes, n * sizeof(*prefixes));
	config->node.n_subnets = n;
	free(prefixes);
	return error;
}

static char *read_timers(cfg_t *cfg, struct config *config)
{
	static const char *const criteria[] = { "latency", "reliability",
						NULL };
	msec_t timeout = 0, keep = 0;
	unsigned int which = 0;
	long value = 0;
	char *error = conf_get_int(cfg, "missed", 1, 100, &value);

	config->node.missed = (unsigned int)value;
	config->host.missed = (unsigned int)value;
	if (!error)
		error = conf_get_duration(cfg, "spread", &config->node.spread);
	if (!error)
		error = conf_get_duration(cfg, "fresh", &config->node.fresh);
	if (!error)
		error = read_word(cfg, "criterion", criteria, &which);
	config->node.criterion = (enum mmp_criterion)which;
	if (!error)
		error = conf_get_duration(cfg, "timeout", &timeout);
	if (!error && (timeout < 100 || timeout > INT32_MAX))
		error = conf_error(cfg, "timeout",
				   "'%s' is not from 100ms to 24d",
				   cfg_getstr(cfg, "timeout"));
	config->kernel.timeout = (uint32_t)timeout;
	if (!error)
		error = conf_get_int(cfg, "hosts_max", 1, UINT32_MAX, &value);
	config->kernel.max_hosts = (uint32_t)value;
	config->kernel.turn = cfg_getbool(cfg, "turn");
	if (!error)
		error = conf_get_duration(cfg, "keep", &keep);
	if (!error && (keep < 0 || keep > 30000))
		error = conf_error(cfg, "keep", "'%s' is not from 0 to 30s",
				   cfg_getstr(cfg, "keep"));
	/* Below a base station no ways part. */
	config->kernel.keep_time =
		config->node.role == MMP_ROLE_BASE_STATION ? 0 : (uint32_t)keep;
	if (!error)
		error = conf_get_int(cfg, "keep_bytes", 0, INT32_MAX, &value);
	config->kernel.keep_bytes = (uint32_t)value;
	config->kernel.second_time = 1000;
	config->kernel.left_time = 1000;
	config->kernel.port = config->port;
	return error;
}

/* "" is none. */
static char *read_addr(cfg_t *cfg, const char *option, struct roam_addr *addr)
{
	return *cfg_getstr(cfg, option) ? conf_get_addr(cfg, option, addr) :
					  NULL;
}

static char *read_gateway(cfg_t *cfg, struct config *config)
{
	struct mmp_node_config *node = &config->node;
	long paging = 0;
	char *error = read_addr(cfg, "address", &node->gateway);

	if (!error)
		error = read_addr(cfg, "address6", &node->gateway6);
	if (!error && roam_addr_is_none(&node->gateway)) {
		node->gateway = node->gateway6;
		memset(&node->gateway6, 0, sizeof(node->gateway6));
	}
	if (!error && !config->is_host && !config->is_border &&
	    node->role == MMP_ROLE_GATEWAY &&
	    roam_addr_is_none(&node->gateway))
		error = conf_error(cfg, "address",
				   "a gateway needs an address; hosts send their messages to it");
	if (!error && !roam_addr_is_none(&node->gateway6) &&
	    roam_addr_is_v4(&node->gateway6))
		error = conf_error(cfg, "address6", "'%s' is no IPv6 address",
				   cfg_getstr(cfg, "address6"));
	if (!error)
		error = conf_get_int(cfg, "paging", 0, UINT32_MAX, &paging);
	node->paging = (uint32_t)paging;
	if (!error)
		error = conf_get_duration(cfg, "beacon", &node->period);
	if (!error && (node->period < 10 || node->period > 3600000))
		error = conf_error(cfg, "beacon", "'%s' is not from 10ms to 1h",
				   cfg_getstr(cfg, "beacon"));
	return error;
}

static char *read_base_station(cfg_t *cfg, struct config *config)
{
	struct mmp_node_config *node = &config->node;
	long channel = 0;
	char *error = read_addr(cfg, "router", &node->router);

	if (!error && !roam_addr_is_none(&node->router) &&
	    !roam_addr_is_v4(&node->router))
		error = conf_error(cfg, "router",
				   "'%s' is no IPv4 address; IPv6 needs none",
				   cfg_getstr(cfg, "router"));
	if (!error)
		error = conf_get_duration(cfg, "beacon", &node->air_period);
	/* Hosts do not wait longer for the next one, whatever it says. */
	if (!error && (node->air_period < 10 || node->air_period > 10000))
		error = conf_error(cfg, "beacon", "'%s' is not from 10ms to 10s",
				   cfg_getstr(cfg, "beacon"));
	if (!error)
		error = conf_get_int(cfg, "channel", 0, 65535, &channel);
	node->l2.kind = channel ? MMP_L2_WIFI : MMP_L2_ETHERNET;
	node->l2.channel = (uint16_t)channel;
	return error;
}

static char *read_host_addrs(cfg_t *cfg, struct config *config,
			     const char *keys)
{
	size_t n = cfg_size(cfg, "address");

	if (*cfg_getstr(cfg, "drcp")) {
		config->drcp = strdup(cfg_getstr(cfg, "drcp"));
		return !n ? NULL :
		       conf_error(cfg, "address",
				  "the address is roam-drcpd's where 'drcp' is given; remove one of both");
	}
	if (n > MMP_ADDRS_MAX || n != cfg_size(cfg, "key") ||
	    (!n && config->is_host))
		return conf_error(cfg, "address",
				  "a host has 1 to %d addresses, and a key for each, which roam mmp keygen makes; or drcp = \"/run/roam/drcpd/drcpd.sock\"",
				  MMP_ADDRS_MAX);
	for (size_t i = 0; i < n; i++) {
		long key = cfg_getnint(cfg, "key", i);

		if (!roam_addr_parse(cfg_getnstr(cfg, "address", i),
				     &config->addrs[i]) ||
		    !roam_addr_is_usable(&config->addrs[i]))
			return conf_error(cfg, "address",
					  "'%s' is no address of a host",
					  cfg_getnstr(cfg, "address", i));
		if (key < 1 || key > AUTH_ID_MAX ||
		    !auth_keys_find(config->keys, (uint32_t)key))
			return conf_error(cfg, "key",
					  "there is no key %ld in %s; on a node of the domain: roam mmp keygen",
					  key, keys);
		config->addr_keys[i] = (uint32_t)key;
		config->n_addrs++;
	}
	return NULL;
}

static char *read_host(cfg_t *cfg, struct config *config, const char *keys)
{
	static const char *const kinds[] = { "hard", "semi-soft", NULL };
	struct mmp_host_config *host = &config->host;
	unsigned int which = 0;
	long tries = 0;
	char *error = read_host_addrs(cfg, config, keys);

	if (!error)
		error = read_word(cfg, "handoff", kinds, &which);
	host->handoff = (enum mmp_handoff)which;
	host->measured = cfg_getbool(cfg, "measured");
	host->key_id = config->key_id;
	if (!error)
		error = conf_get_duration(cfg, "period", &host->semisoft);
	if (!error)
		error = conf_get_duration(cfg, "update", &host->update);
	if (!error)
		error = conf_get_duration(cfg, "retry", &host->retry);
	if (!error)
		error = conf_get_duration(cfg, "retry_max", &host->retry_max);
	if (!error)
		error = conf_get_duration(cfg, "avoid", &host->avoid);
	if (!error && (host->retry < 1 || host->update < 1))
		error = conf_error(cfg, "retry", "a time of 0 is none");
	if (!error)
		error = conf_get_int(cfg, "tries", 1, 100, &tries);
	host->tries = (unsigned int)tries;
	return error;
}

static char *read_peers(cfg_t *cfg, struct mmp_border_config *border)
{
	size_t n = cfg_size(cfg, "peers");

	if (n > MMP_PEERS_MAX)
		return conf_error(cfg, "peers", "there are at most %d",
				  MMP_PEERS_MAX);
	for (size_t i = 0; i < n; i++)
		if (!roam_addr_parse(cfg_getnstr(cfg, "peers", i),
				     &border->peers[i]) ||
		    !roam_addr_is_usable(&border->peers[i]))
			return conf_error(cfg, "peers",
					  "'%s' is no address of a gateway or border router",
					  cfg_getnstr(cfg, "peers", i));
	border->n_peers = n;
	return NULL;
}

static char *read_border(cfg_t *cfg, struct config *config)
{
	struct mmp_border_config *border = &config->border;
	long key = 0;
	char *error = read_peers(cfg, border);

	if (!error)
		error = read_addr(cfg, "via", &border->via[0]);
	if (!error)
		error = read_addr(cfg, "via6", &border->via[1]);
	if (!error && border->n_peers && !config->is_border &&
	    roam_addr_is_none(&border->via[0]) &&
	    roam_addr_is_none(&border->via[1]))
		error = conf_error(cfg, "via",
				   "by which address of this gateway do its peers reach hosts?");
	if (!error)
		error = conf_get_int(cfg, "key", 0, AUTH_ID_MAX, &key);
	border->key_id = key ? (uint32_t)key : config->key_id;
	if (!error && !auth_keys_find(config->keys, border->key_id))
		error = conf_error(cfg, "key", "there is no key %u",
				   border->key_id);
	if (!error)
		error = conf_get_duration(cfg, "refresh", &border->refresh);
	if (!error && border->refresh < 1000)
		error = conf_error(cfg, "refresh", "'%s' is less than 1s",
				   cfg_getstr(cfg, "refresh"));
	config->routes = cfg_getbool(cfg, "routes");
	/* The file may be the same at all nodes. */
	if (config->is_host || (!config->is_border &&
				config->node.role != MMP_ROLE_GATEWAY)) {
		border->n_peers = 0;
		config->routes = false;
	}
	border->name = config->node.name;
	memcpy(border->subnets, config->node.subnets, sizeof(border->subnets));
	border->n_subnets = config->node.n_subnets;
	border->max_hosts = config->kernel.max_hosts;
	border->retry = 200;
	border->retry_max = 10000;
	if (!error && config->is_border && mmp_name_is_none(&border->name))
		error = conf_error(cfg, "peers",
				   "a border router needs a 'name'");
	return error;
}

static char *read_role(cfg_t *cfg, struct config *config)
{
	static const char *const roles[] = { "gateway", "node", "base-station",
					     "host", "border", NULL };
	unsigned int which = 0;
	char *error = read_word(cfg, "role", roles, &which);

	config->is_host = which == 3;
	config->is_border = which == 4;
	if (!config->is_host && !config->is_border)
		config->node.role = (enum mmp_role)which;
	config->kernel.role = (uint8_t)which;
	return error;
}

static char *read_keys(cfg_t *cfg, struct config *config)
{
	const char *path = cfg_getstr(cfg, "keys");
	char *error = NULL;

	config->keys = auth_keys_load(path, &error);
	if (config->keys && !auth_keys_find(config->keys, config->key_id))
		error = conf_error(cfg, "key",
				   "there is no key %u in %s; make one: roam mmp keygen %u",
				   config->key_id, path, config->key_id);
	return error;
}

static char *read_config(cfg_t *cfg, void *to)
{
	struct config *config = to;
	char *error = read_role(cfg, config);

	if (!error)
		error = read_name(cfg, &config->node.name);
	if (!error)
		error = read_ids(cfg, config);
	config->node.key_id = config->key_id;
	if (!error)
		error = read_keys(cfg, config);
	if (!error)
		error = read_names(cfg, "links", &config->links,
				   &config->n_links);
	if (!error)
		error = read_names(cfg, "air", &config->air, &config->n_air);
	if (!error && !config->n_links && !config->is_host &&
	    !config->is_border)
		error = conf_error(cfg, "links",
				   "name the interfaces towards other nodes; for example {\"eth*\"}");
	if (!error && !config->n_air &&
	    !config->is_border &&
	    (config->is_host || config->node.role == MMP_ROLE_BASE_STATION))
		error = conf_error(cfg, "air",
				   "name the interfaces on the air; for example {\"wlan*\"}");
	if (!error)
		error = read_subnets(cfg, config);
	if (!error)
		error = read_timers(cfg, config);
	if (!error)
		error = read_gateway(cfg_getsec(cfg, "gateway"), config);
	if (!error)
		error = read_base_station(cfg_getsec(cfg, "base-station"),
					  config);
	if (!error)
		error = read_host(cfg_getsec(cfg, "host"), config,
				  cfg_getstr(cfg, "keys"));
	if (!error)
		error = read_border(cfg_getsec(cfg, "border"), config);
	config->state = strdup(cfg_getstr(cfg, "state"));
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
	for (size_t i = 0; i < config->n_links; i++)
		free(config->links[i]);
	for (size_t i = 0; i < config->n_air; i++)
		free(config->air[i]);
	free(config->links);
	free(config->air);
	free(config->state);
	free(config->drcp);
	auth_keys_free(config->keys);
	free(config);
}
