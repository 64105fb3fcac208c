// SPDX-License-Identifier: GPL-2.0-or-later
#include "lrd/config.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "io/daemon.h"
#include "rtnl/tcp.h"
#include "wire/lr.h"

#define DEVICE "roam0"
#define TABLE 7700
#define PRIORITY 7700
#define DNS_PORT 53

static cfg_opt_t register_opts[] = {
	CFG_INT("key", 0, CFGF_NONE),
	CFG_END()
};

static cfg_opt_t peer_opts[] = {
	CFG_INT("key", 0, CFGF_NONE),
	CFG_END()
};

static cfg_opt_t exempt_opts[] = {
	CFG_INT_LIST("ports", "{5060, 5061}", CFGF_NONE),
	CFG_INT("mark", 0, CFGF_NONE),
	CFG_INT("mask", 0xffffffff, CFGF_NONE),
	CFG_STR_LIST("destinations", "{}", CFGF_NONE),
	CFG_STR_LIST("cgroups", "{}", CFGF_NONE),
	CFG_END()
};

static cfg_opt_t mobile_opts[] = {
	CFG_STR_LIST("address", "{}", CFGF_NONE),
	CFG_STR("mode", "symmetric", CFGF_NONE),
	CFG_STR("device", DEVICE, CFGF_NONE),
	CFG_INT("table", TABLE, CFGF_NONE),
	CFG_INT("priority", PRIORITY, CFGF_NONE),
	CFG_STR("lifetime", "300s", CFGF_NONE),
	CFG_STR("retry", "500ms", CFGF_NONE),
	CFG_STR("retry_max", "8s", CFGF_NONE),
	CFG_STR("announce_retry", "100ms", CFGF_NONE),
	CFG_STR("announce_lead", "5ms", CFGF_NONE),
	CFG_STR("announce_time", "300ms", CFGF_NONE),
	CFG_STR("move_time", "30s", CFGF_NONE),
	CFG_INT("peers_max", 65536, CFGF_NONE),
	CFG_END()
};

static cfg_opt_t correspondent_opts[] = {
	CFG_STR("timeout", "500ms", CFGF_NONE),
	CFG_INT("tries", 3, CFGF_NONE),
	CFG_STR("null_lifetime", "60s", CFGF_NONE),
	CFG_STR("prefer", "10s", CFGF_NONE),
	CFG_STR("again", "20ms", CFGF_NONE),
	CFG_INT("again_tries", 7, CFGF_NONE),
	CFG_STR("proof", "source", CFGF_NONE),
	CFG_INT("announce_rate", 20, CFGF_NONE),
	CFG_INT("pending_max", 4096, CFGF_NONE),
	CFG_INT("hints_max", 64, CFGF_NONE),
	CFG_INT("hint_rate", 50, CFGF_NONE),
	CFG_END()
};

static cfg_opt_t opts[] = {
	CFG_STR("listen", "::", CFGF_NONE),
	CFG_INT("port", LR_PORT, CFGF_NONE),
	CFG_STR("keys", "/etc/roam/keys.d/lrd", CFGF_NONE),
	CFG_STR_LIST("permanent", "{}", CFGF_NONE),
	CFG_STR_LIST("internal", "{}", CFGF_NONE),
	CFG_SEC("register", register_opts,
		CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_STR("resolve", "5m", CFGF_NONE),
	CFG_STR("nameserver", "", CFGF_NONE),
	CFG_SEC("peer", peer_opts,
		CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_SEC("exempt", exempt_opts, CFGF_NONE),
	CFG_SEC("mobile", mobile_opts, CFGF_NONE),
	CFG_SEC("correspondent", correspondent_opts, CFGF_NONE),
	CFG_END()
};

static char *read_port(cfg_t *cfg, struct config *config)
{
	long port;
	char *error = conf_get_int(cfg, "port", 1, 65535, &port);

	config->port = port;
	if (!error && !roam_addr_parse(cfg_getstr(cfg, "listen"),
				       &config->listen))
		error = conf_error(cfg, "listen",
				   "'%s' is no address; \"::\" means all",
				   cfg_getstr(cfg, "listen"));
	/* "0.0.0.0" means any address as well. */
	if (!error && roam_addr_is_v4(&config->listen) &&
	    !roam_addr_to_in(&config->listen).s_addr)
		memset(&config->listen, 0, sizeof(config->listen));
	return error;
}

/* Labels of letters, digits, '-' and '_' with dots between them, not of digits only. */
static bool is_domain(const char *s)
{
	size_t len = strlen(s);

	return len && len < 200 && !strstr(s, "..") && *s != '.' &&
	       strspn(s, "0123456789.:") < len &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789-_.") == len;
}

static char *read_register(cfg_t *cfg, struct config *config, const char *keys)
{
	struct servers_source *reg = &config->registers[config->n_registers];
	uint32_t *key_id = &config->keys_of[config->n_registers++];
	const char *title = cfg_title(cfg);

	reg->port = config->port;
	if (!conf_parse_endpoint(title, &reg->addr, &reg->port)) {
		if (!is_domain(title))
			return conf_error(cfg, "key",
					  "register \"%s\" is no address such as \"192.0.2.1\" or \"[2001:db8::1]:%d\", and no domain",
					  title, LR_PORT);
		reg->domain = strdup(title);
	}
	return conf_get_key(cfg, "key", config->keys, keys, "the register",
			    key_id);
}

static char *read_registers(cfg_t *cfg, struct config *config)
{
	const char *nameserver = cfg_getstr(cfg, "nameserver");
	size_t n = cfg_size(cfg, "register");
	struct roam_addr addr;
	char *error;

	config->nameserver_port = DNS_PORT;
	if (!n)
		return conf_error(cfg, "register",
				  "is missing; add: register \"ADDRESS\" { key = ID }");
	config->registers = calloc(n, sizeof(*config->registers));
	config->keys_of = calloc(n, sizeof(*config->keys_of));
	if (!config->registers || !config->keys_of)
		return daemon_error("out of memory");
	if (*nameserver && !conf_parse_endpoint(nameserver, &addr,
						&config->nameserver_port))
		return conf_error(cfg, "nameserver",
				  "'%s' is no address such as \"192.0.2.53\"",
				  nameserver);
	if (*nameserver)
		config->nameserver = strdup(nameserver);
	error = conf_get_duration(cfg, "resolve", &config->resolve);
	if (!error && config->resolve < 1000)
		error = conf_error(cfg, "resolve", "is less than 1s");
	for (size_t i = 0; i < n && !error; i++)
		error = read_register(cfg_getnsec(cfg, "register", i), config,
				      cfg_getstr(cfg, "keys"));
	return error;
}

/*
 * Reads the keys shared with other hosts: a key proves the addresses of the
 * host at the other end, and is used towards them.
 */
static char *read_peers(cfg_t *cfg, struct config *config)
{
	size_t n = cfg_size(cfg, "peer");
	char *error = NULL;

	config->mobile_keys = calloc(n + 1, sizeof(*config->mobile_keys));
	config->corr_keys = calloc(n + 1, sizeof(*config->corr_keys));
	if (!config->mobile_keys || !config->corr_keys)
		return daemon_error("out of memory");
	for (size_t i = 0; i < n && !error; i++) {
		cfg_t *peer = cfg_getnsec(cfg, "peer", i);
		struct corr_key *key = &config->corr_keys[i];

		if (!roam_prefix_parse(cfg_title(peer), &key->permanent))
			return conf_error(peer, "key",
					  "peer \"%s\" is no address or prefix such as \"203.0.113.5\" or \"2001:db8::/64\"",
					  cfg_title(peer));
		error = conf_get_key(peer, "key", config->keys,
				     cfg_getstr(cfg, "keys"), "that peer",
				     &key->key_id);
		config->mobile_keys[i].key_id = key->key_id;
		config->mobile_keys[i].peers = key->permanent;
	}
	config->mobile.keys = config->mobile_keys;
	config->mobile.n_keys = n;
	config->corr.keys = config->corr_keys;
	config->corr.n_keys = n;
	return error;
}

static char *too_many_ports(cfg_t *cfg)
{
	return conf_error(cfg, "ports",
			  "has too many; the module takes %d, and as many of UDP, which 'port' and those of the registers are",
			  MANGLE_EXEMPT_PORTS);
}

static char *read_exempt_ports(cfg_t *cfg, struct mangle_exempt *exempt)
{
	for (size_t i = 0; i < cfg_size(cfg, "ports"); i++) {
		long port = cfg_getnint(cfg, "ports", i);

		if (port < 1 || port > 65535)
			return conf_error(cfg, "ports",
					  "%ld is not from 1 to 65535", port);
		if (!mangle_exempt_add_port(exempt, port))
			return too_many_ports(cfg);
	}
	return NULL;
}

/*
 * Our own messages, whatever protocols are rewritten: one that waits for its
 * own answer waits for ever, and one that shall show whether the network lets
 * the permanent address pass has to carry it (TEN-11). The same goes for
 * questions to DNS about registers. For UDP alone: no port of a message, which DNS
 * may have said, takes a connection out.
 */
static char *exempt_messages(cfg_t *cfg, struct config *config)
{
	bool ok = mangle_exempt_add_udp_port(&config->exempt, config->port);

	for (size_t i = 0; i < config->n_registers; i++) {
		const struct servers_source *reg = &config->registers[i];

		ok &= mangle_exempt_add_udp_port(&config->exempt, reg->domain ?
						 config->nameserver_port :
						 reg->port);
	}
	return ok ? NULL : too_many_ports(cfg);
}

/* A control group that is not there now may be made while this daemon runs. */
static char *read_cgroups(cfg_t *cfg, struct config *config)
{
	size_t n = cfg_size(cfg, "cgroups");
	uint64_t id;

	if (n > MANGLE_EXEMPT_CGROUPS)
		return conf_error(cfg, "cgroups",
				  "has %zu control groups; the module takes %d",
				  n, MANGLE_EXEMPT_CGROUPS);
	config->cgroups = calloc(n ? n : 1, sizeof(*config->cgroups));
	if (!config->cgroups)
		return daemon_error("out of memory");
	for (size_t i = 0; i < n; i++) {
		const char *path = cfg_getnstr(cfg, "cgroups", i);

		if (!*path || (!mangle_cgroup_id(path, &id) && errno != ENOENT))
			return conf_error(cfg, "cgroups",
					  "'%s' is no control group of version 2; write its path below /sys/fs/cgroup, such as \"backup.slice\"",
					  path);
		config->cgroups[config->n_cgroups++] = strdup(path);
	}
	return NULL;
}

static char *read_exempt(cfg_t *cfg, struct config *config)
{
	struct mangle_exempt *exempt = &config->exempt;
	char *error = read_exempt_ports(cfg, exempt);
	struct roam_prefix *ranges = NULL;
	long mark, mask;
	size_t n;

	if (!error)
		error = exempt_messages(cfg, config);
	if (!error)
		error = read_cgroups(cfg, config);
	if (!error)
		error = conf_get_int(cfg, "mark", 0, UINT32_MAX, &mark);
	if (!error)
		error = conf_get_int(cfg, "mask", 1, UINT32_MAX, &mask);
	if (!error && mark & ~mask)
		error = conf_error(cfg, "mark",
				   "0x%lx has bits that 'mask' leaves out",
				   mark);
	if (!error)
		error = conf_get_prefixes(cfg, "destinations", &ranges, &n);
	if (!error && n > MANGLE_EXEMPT_RANGES)
		error = conf_error(cfg, "destinations",
				   "has %zu prefixes; the module takes %d", n,
				   MANGLE_EXEMPT_RANGES);
	if (!error) {
		/*
		 * Mark 0 is that of every packet without one, so it exempts
		 * nothing.
		 */
		exempt->mark = mark;
		exempt->mask = mark ? mask : 0;
		exempt->n_ranges = n;
		memcpy(exempt->ranges, ranges, n * sizeof(*ranges));
	}
	free(ranges);
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

/* The way back from a care-of address leads to one permanent address only. */
static bool same_family(const struct config *config,
			const struct roam_addr *addr)
{
	for (size_t i = 0; i < config->n_own; i++)
		if (roam_addr_is_v4(&config->own[i]) == roam_addr_is_v4(addr))
			return true;
	return false;
}

static char *read_own(cfg_t *cfg, struct config *config)
{
	size_t n = cfg_size(cfg, "address");

	config->own = calloc(n ? n : 1, sizeof(*config->own));
	if (!config->own)
		return daemon_error("out of memory");
	for (size_t i = 0; i < n; i++) {
		const char *s = cfg_getnstr(cfg, "address", i);
		struct roam_addr *addr = &config->own[i];

		if (!roam_addr_parse(s, addr) || !roam_addr_is_usable(addr))
			return conf_error(cfg, "address",
					  "'%s' is not the address of a host", s);
		if (same_family(config, addr))
			return conf_error(cfg, "address",
					  "'%s' is a second IPv%d address; a host has one permanent address of each family, since its care-of address can stand for one only",
					  s, roam_addr_is_v4(addr) ? 4 : 6);
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
	static const char *const modes[] = {
		[MOBILE_SYMMETRIC] = "symmetric",
		[MOBILE_LITERAL] = "literal",
		[MOBILE_PROBE] = "probe",
		NULL
	};
	static const struct conf_field fields[] = {
		CONF_FIELD("device", CONF_TEXT, struct config, device, 0, 0),
		CONF_FIELD_WORD("mode", struct config, mobile.mode, modes),
		CONF_FIELD("table", CONF_NUMBER, struct config, table, 1,
			   0x7fffffff),
		CONF_FIELD("priority", CONF_NUMBER, struct config, priority, 2,
			   RTNL_TCP_LAST - 1),
		CONF_FIELD("lifetime", CONF_DURATION, struct config, lifetime,
			   1000, UINT32_MAX * INT64_C(1000)),
		CONF_FIELD("retry", CONF_DURATION, struct config, mobile.retry,
			   0, 0),
		CONF_FIELD("retry_max", CONF_DURATION, struct config,
			   mobile.retry_max, 0, 0),
		CONF_FIELD("announce_retry", CONF_DURATION, struct config,
			   mobile.announce_retry, 0, 0),
		CONF_FIELD("announce_lead", CONF_DURATION, struct config,
			   mobile.announce_lead, 0, 0),
		CONF_FIELD("announce_time", CONF_DURATION, struct config,
			   mobile.announce_time, 0, 0),
		CONF_FIELD("move_time", CONF_DURATION, struct config,
			   mobile.move_time, 0, 0),
		CONF_FIELD("peers_max", CONF_NUMBER, struct config,
			   mobile.peers_max, 1, 1 << 24),
		CONF_FIELDS_END
	};
	struct mobile_config *mobile = &config->mobile;
	char *error = read_own(cfg, config);

	if (!error)
		error = conf_get_fields(cfg, fields, config);
	if (!error && (!*config->device || strlen(config->device) >= IFNAMSIZ))
		error = conf_error(cfg, "device", "'%s' is no link name",
				   config->device);
	mobile->lifetime = config->lifetime / 1000;
	mobile->port = config->port;
	mobile->permanent = config->own;
	mobile->n_permanent = config->n_own;
	return error;
}

static char *read_correspondent(cfg_t *cfg, struct config *config)
{
	static const char *const proofs[] = {
		[CORR_PROOF_SOURCE] = "source",
		[CORR_PROOF_REGISTER] = "register",
		NULL
	};
	static const struct conf_field fields[] = {
		CONF_FIELD("timeout", CONF_DURATION, struct corr_config,
			   timeout, 0, 0),
		CONF_FIELD("tries", CONF_NUMBER, struct corr_config, tries, 1,
			   100),
		CONF_FIELD("null_lifetime", CONF_DURATION, struct corr_config,
			   null_lifetime, 0, 0),
		CONF_FIELD("prefer", CONF_DURATION, struct corr_config, prefer,
			   0, 0),
		CONF_FIELD("again", CONF_DURATION, struct corr_config, again,
			   0, 0),
		CONF_FIELD("again_tries", CONF_NUMBER, struct corr_config,
			   again_tries, 0, 100),
		CONF_FIELD_WORD("proof", struct corr_config, proof, proofs),
		CONF_FIELD("announce_rate", CONF_NUMBER, struct corr_config,
			   announce_rate, 1, 1000000),
		CONF_FIELD("pending_max", CONF_NUMBER, struct corr_config,
			   pending_max, 1, 1 << 24),
		CONF_FIELD("hints_max", CONF_NUMBER, struct corr_config,
			   hints_max, 1, 1 << 24),
		CONF_FIELD("hint_rate", CONF_NUMBER, struct corr_config,
			   hint_rate, 1, 1000000),
		CONF_FIELDS_END
	};
	struct corr_config *corr = &config->corr;

	corr->permanent = config->permanent;
	corr->n_permanent = config->n_permanent;
	corr->places = (struct places){ config->permanent_set,
					config->internal_set };
	return conf_get_fields(cfg, fields, corr);
}

/* Where no care-of address is, whoever says so. */
static char *read_internal(cfg_t *cfg, struct config *config)
{
	char *error = conf_get_prefixes(cfg, "internal", &config->internal,
					&config->n_internal);

	if (error)
		return error;
	config->permanent_set = prefix_set_new(config->permanent,
					       config->n_permanent);
	config->internal_set = prefix_set_new(config->internal,
					      config->n_internal);
	return config->permanent_set && config->internal_set ? NULL :
	       daemon_error("out of memory");
}

static char *read_config(cfg_t *cfg, void *to)
{
	struct config *config = to;
	char *error = conf_get_keys(cfg, &config->keys);

	if (!error)
		error = read_port(cfg, config);
	if (!error)
		error = conf_get_prefixes(cfg, "permanent", &config->permanent,
					  &config->n_permanent);
	if (!error && !config->n_permanent)
		error = conf_error(cfg, "permanent",
				   "is empty; list the prefixes that hold the permanent addresses of mobile hosts");
	if (!error)
		error = read_internal(cfg, config);
	if (!error)
		error = read_registers(cfg, config);
	if (!error)
		error = read_peers(cfg, config);
	if (!error)
		error = read_exempt(cfg_getsec(cfg, "exempt"), config);
	if (!error)
		error = read_mobile(cfg_getsec(cfg, "mobile"), config);
	if (!error)
		error = read_correspondent(cfg_getsec(cfg, "correspondent"),
					   config);
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
	for (size_t i = 0; i < config->n_registers; i++)
		free((char *)config->registers[i].domain);
	free(config->registers);
	free(config->keys_of);
	free(config->nameserver);
	free(config->mobile_keys);
	free(config->corr_keys);
	free(config->permanent);
	free(config->internal);
	prefix_set_free(config->permanent_set);
	prefix_set_free(config->internal_set);
	for (size_t i = 0; i < config->n_cgroups; i++)
		free(config->cgroups[i]);
	free(config->cgroups);
	free(config->own);
	free(config->device);
	free(config);
}
