// SPDX-License-Identifier: GPL-2.0-or-later
#include "mnd/config.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/association.h"
#include "conf/conf.h"
#include "io/daemon.h"

#define DEVICE "mip0"
#define HOME_DEVICE "mn0"
#define TABLE 7710
#define PRIORITY 7710

static cfg_opt_t agent_opts[] = {
	CONF_ASSOCIATION,
	CFG_END()
};

static cfg_opt_t session_opts[] = {
	CONF_ASSOCIATION,
	CFG_STR("nai", "", CFGF_NONE),
	CFG_STR("mac", "", CFGF_NONE),
	CFG_STR("device", "", CFGF_NONE),
	CFG_STR("link", "", CFGF_NONE),
	CFG_END()
};

static cfg_opt_t devices_opts[] = {
	CFG_STR("network", "", CFGF_NONE),
	CFG_STR("linger", "10m", CFGF_NONE),
	CFG_STR("leases", "", CFGF_NONE),
	CFG_STR("hosts", "", CFGF_NONE),
	CFG_END()
};

static cfg_opt_t opts[] = {
	CFG_STR("home", "", CFGF_NONE),
	CFG_STR("home_agent", "", CFGF_NONE),
	CONF_ASSOCIATION,
	CFG_STR("keys", "/etc/roam/keys.d/mnd", CFGF_NONE),
	CFG_STR("nai", "", CFGF_NONE),
	CFG_STR("lifetime", "30m", CFGF_NONE),
	CFG_STR_LIST("links", "{}", CFGF_NONE),
	CFG_STR_LIST("agents", "{}", CFGF_NONE),
	CFG_BOOL("foreign", cfg_true, CFGF_NONE),
	CFG_BOOL("colocated", cfg_true, CFGF_NONE),
	CFG_STR("prefer", "foreign", CFGF_NONE),
	CFG_BOOL("simultaneous", cfg_false, CFGF_NONE),
	CFG_BOOL("broadcast", cfg_false, CFGF_NONE),
	CFG_BOOL("minimal", cfg_false, CFGF_NONE),
	CFG_BOOL("gre", cfg_false, CFGF_NONE),
	CFG_BOOL("reverse", cfg_true, CFGF_NONE),
	CFG_BOOL("reverse_only", cfg_false, CFGF_NONE),
	CFG_STR("nat", "auto", CFGF_NONE),
	CFG_STR("keepalive", "110s", CFGF_NONE),
	CFG_STR("retry_max", "60s", CFGF_NONE),
	CFG_STR("device", DEVICE, CFGF_NONE),
	CFG_STR("home_device", HOME_DEVICE, CFGF_NONE),
	CFG_INT("table", TABLE, CFGF_NONE),
	CFG_INT("priority", PRIORITY, CFGF_NONE),
	CFG_SEC("agent", agent_opts, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_SEC("session", session_opts, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_SEC("devices", devices_opts, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_INT("sessions_max", 16, CFGF_NONE),
	CFG_STR("names", "two", CFGF_NONE),
	CFG_INT("naming_vendor", MIP_NAMING_VENDOR, CFGF_NONE),
	CFG_INT("naming_type", MIP_NAMING_SUB, CFGF_NONE),
	CFG_END()
};

/* "10.77.0.5/24": the home address and how long the home network's prefix is. */
static char *read_home(cfg_t *cfg, struct mn_config *mn)
{
	const char *word = cfg_getstr(cfg, "home");
	const char *slash = strchr(word, '/');
	char buf[64];
	char *end;
	long bits;

	if (!slash || strlen(word) >= sizeof(buf))
		return conf_error(cfg, "home",
				  "'%s' is no home address with its prefix length such as \"10.77.0.5/24\"",
				  word);
	memcpy(buf, word, (size_t)(slash - word));
	buf[slash - word] = '\0';
	bits = strtol(slash + 1, &end, 10);
	if (!roam_addr_parse(buf, &mn->home) || !roam_addr_is_v4(&mn->home) ||
	    !roam_addr_is_usable(&mn->home) || end == slash + 1 || *end ||
	    bits < 8 || bits > 32)
		return conf_error(cfg, "home",
				  "'%s' is no home address with its prefix length such as \"10.77.0.5/24\"",
				  word);
	mn->network.addr = mn->home;
	mn->network.len = (uint8_t)(96 + bits);
	for (unsigned int bit = mn->network.len; bit < 128; bit++)
		mn->network.addr.b[bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
	return NULL;
}

static char *read_times(cfg_t *cfg, struct mn_config *mn)
{
	msec_t lifetime, keepalive;
	char *error = conf_get_duration(cfg, "lifetime", &lifetime);

	if (!error && (lifetime < 1000 || lifetime % 1000 ||
		       lifetime > 65534000))
		error = conf_error(cfg, "lifetime",
				   "'%s' is not a whole number of seconds from 1s to 65534s",
				   cfg_getstr(cfg, "lifetime"));
	if (!error)
		error = conf_get_duration(cfg, "keepalive", &keepalive);
	if (!error && (keepalive < 1000 || keepalive > 65535000))
		error = conf_error(cfg, "keepalive", "'%s' is not from 1s to 65535s",
				   cfg_getstr(cfg, "keepalive"));
	if (!error)
		error = conf_get_duration(cfg, "retry_max", &mn->retry_max);
	if (error)
		return error;
	mn->lifetime = (uint16_t)(lifetime / 1000);
	mn->keepalive = (uint16_t)(keepalive / 1000);
	return NULL;
}

static uint8_t flag(cfg_t *cfg, const char *option, uint8_t bit)
{
	return cfg_getbool(cfg, option) ? bit : 0;
}

static char *read_choices(cfg_t *cfg, struct mn_config *mn)
{
	const char *prefer = cfg_getstr(cfg, "prefer");
	const char *nat = cfg_getstr(cfg, "nat");

	mn->flags = flag(cfg, "simultaneous", MIP_SIMULTANEOUS) |
		    flag(cfg, "broadcast", MIP_BROADCAST) |
		    flag(cfg, "minimal", MIP_MINIMAL) |
		    flag(cfg, "gre", MIP_GRE) |
		    flag(cfg, "reverse", MIP_REVERSE);
	mn->reverse_only = cfg_getbool(cfg, "reverse_only");
	mn->foreign = cfg_getbool(cfg, "foreign");
	mn->colocated = cfg_getbool(cfg, "colocated");
	mn->prefer_colocated = !strcmp(prefer, "colocated");
	mn->nat_force = !strcmp(nat, "force");
	mn->nat = mn->nat_force || !strcmp(nat, "auto");
	if (!mn->prefer_colocated && strcmp(prefer, "foreign"))
		return conf_error(cfg, "prefer",
				  "'%s' is neither \"foreign\" nor \"colocated\"",
				  prefer);
	if (!mn->nat && strcmp(nat, "never"))
		return conf_error(cfg, "nat",
				  "'%s' is none of \"auto\", \"force\", \"never\"",
				  nat);
	if (!mn->foreign && !mn->colocated)
		return conf_error(cfg, "foreign",
				  "neither foreign agents nor addresses of the host's own are to be used; allow one");
	return NULL;
}

static char *read_agents(cfg_t *cfg, struct config *config)
{
	size_t n = cfg_size(cfg, "agents");
	char *error;

	if (n > MN_PREFERRED)
		return conf_error(cfg, "agents", "at most %d can be preferred",
				  MN_PREFERRED);
	for (size_t i = 0; i < n; i++) {
		const char *word = cfg_getnstr(cfg, "agents", i);

		if (!roam_addr_parse(word, &config->mn.preferred[i]))
			return conf_error(cfg, "agents", "'%s' is no address",
					  word);
		config->mn.n_preferred++;
	}
	n = cfg_size(cfg, "agent");
	config->agents = calloc(n + 1, sizeof(*config->agents));
	for (size_t i = 0; i < n; i++) {
		cfg_t *sec = cfg_getnsec(cfg, "agent", i);
		struct config_agent *a = &config->agents[config->n_agents++];

		if (!roam_addr_parse(cfg_title(sec), &a->addr))
			return conf_error(sec, "spi",
					  "agent \"%s\" is named by no address",
					  cfg_title(sec));
		error = conf_get_associations(sec, config->keys,
					      cfg_getstr(cfg, "keys"),
					      &a->associations);
		if (error)
			return error;
	}
	return NULL;
}

static char *read_links(cfg_t *cfg, struct config *config)
{
	size_t n = cfg_size(cfg, "links");

	config->links = calloc(n + 1, sizeof(*config->links));
	for (size_t i = 0; i < n; i++) {
		const char *word = cfg_getnstr(cfg, "links", i);

		if (strlen(word) >= IF_NAMESIZE)
			return conf_error(cfg, "links",
					  "'%s' cannot be the name of a link",
					  word);
		config->links[config->n_links++] = strdup(word);
	}
	config->device = strdup(cfg_getstr(cfg, "device"));
	config->home_device = strdup(cfg_getstr(cfg, "home_device"));
	if (strlen(config->device) >= IF_NAMESIZE ||
	    strlen(config->home_device) >= IF_NAMESIZE || !*config->home_device)
		return conf_error(cfg, "home_device",
				  "names of devices have 1 to %d letters",
				  IF_NAMESIZE - 1);
	return NULL;
}

/* ---- sessions ---- */

bool config_parse_mac(const char *word, uint8_t mac[MN_MAC_LEN])
{
	int used = 0;

	return sscanf(word, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &mac[0],
		      &mac[1], &mac[2], &mac[3], &mac[4], &mac[5], &used) == 6 &&
	       !word[used];
}

static char *read_session(cfg_t *cfg, struct config *config, const char *keys)
{
	struct config_session *s = &config->sessions[config->n_sessions++];
	const char *name = cfg_title(cfg), *mac = cfg_getstr(cfg, "mac");
	const char *device = cfg_getstr(cfg, "device");

	s->name = strdup(name);
	s->nai = strdup(cfg_getstr(cfg, "nai"));
	s->link = strdup(cfg_getstr(cfg, "link"));
	if (!mip_sub_nai_is_valid((const uint8_t *)name, strlen(name)))
		return conf_error(cfg, "mac",
				  "session \"%s\" is named by no sub-NAI: 1 to %d bytes without control characters",
				  name, MIP_SUB_NAI_MAX);
	s->has_mac = *mac;
	if (*mac && !config_parse_mac(mac, s->mac))
		return conf_error(cfg, "mac",
				  "'%s' is no link-layer address such as \"02:00:00:00:00:01\"",
				  mac);
	if (*device && (!roam_addr_parse(device, &s->device) ||
			!roam_addr_is_v4(&s->device) ||
			!roam_addr_is_usable(&s->device)))
		return conf_error(cfg, "device",
				  "'%s' is no IPv4 address of a device", device);
	if (strlen(s->link) >= IF_NAMESIZE)
		return conf_error(cfg, "link", "'%s' cannot be the name of a link",
				  s->link);
	if (!*s->nai)
		return NULL;
	if (!mip_nai_is_valid((const uint8_t *)s->nai, strlen(s->nai)))
		return conf_error(cfg, "nai",
				  "'%s' is no NAI such as \"user@example.com\"",
				  s->nai);
	return conf_get_associations(cfg, config->keys, keys,
				     &s->associations);
}

static char *read_devices(cfg_t *cfg, struct config *config)
{
	struct config_devices *d = &config->devices[config->n_devices++];
	const char *network = cfg_getstr(cfg, "network");
	char *error;

	d->link = strdup(cfg_title(cfg));
	d->leases = strdup(cfg_getstr(cfg, "leases"));
	d->hosts = strdup(cfg_getstr(cfg, "hosts"));
	if (!*d->link || strlen(d->link) >= IF_NAMESIZE)
		return conf_error(cfg, "network",
				  "'%s' cannot be the name of a link", d->link);
	if (strlen(d->hosts) >= CONFIG_HOSTS_MAX || (*d->hosts && *d->hosts != '/'))
		return conf_error(cfg, "hosts",
				  "'%s' is no path of a folder such as \"/run/roam/hosts\"",
				  d->hosts);
	/* devices that get their addresses by DHCP need no network of their own */
	if (*d->hosts && !*network)
		d->network.len = 128;
	else if (!roam_prefix_parse(network, &d->network) || d->network.len <= 96)
		return conf_error(cfg, "network",
				  "'%s' is no IPv4 prefix such as \"192.168.5.0/24\", the addresses of devices on that link",
				  network);
	error = conf_get_duration(cfg, "linger", &d->linger);
	if (!error && (d->linger < 1000 || d->linger > 86400000))
		error = conf_error(cfg, "linger", "'%s' is not from 1s to 1d",
				   cfg_getstr(cfg, "linger"));
	return error;
}

static char *read_sessions(cfg_t *cfg, struct config *config)
{
	const char *names = cfg_getstr(cfg, "names");
	size_t n = cfg_size(cfg, "session");
	char *error = NULL;
	long number;

	config->sessions = calloc(n + 1, sizeof(*config->sessions));
	for (size_t i = 0; i < n && !error; i++)
		error = read_session(cfg_getnsec(cfg, "session", i), config,
				     cfg_getstr(cfg, "keys"));
	n = cfg_size(cfg, "devices");
	config->devices = calloc(n + 1, sizeof(*config->devices));
	for (size_t i = 0; i < n && !error; i++)
		error = read_devices(cfg_getnsec(cfg, "devices", i), config);
	if (!error)
		error = conf_get_int(cfg, "sessions_max", 1, 1000,
				     &config->sessions_max);
	if (!error)
		error = conf_get_int(cfg, "naming_vendor", 1, INT32_MAX, &number);
	if (error)
		return error;
	config->naming.vendor = (uint32_t)number;
	error = conf_get_int(cfg, "naming_type", 1, 65534, &number);
	if (error)
		return error;
	config->naming.type = (uint16_t)number;
	config->naming.both = !strcmp(names, "one");
	if (!config->naming.both && strcmp(names, "two"))
		return conf_error(cfg, "names",
				  "'%s' is neither \"two\" nor \"one\", the extensions that hold NAI and sub-NAI",
				  names);
	if (config->n_devices && !config->mn.nai_len)
		return conf_error(cfg, "devices",
				  "devices get sessions of the node's NAI, which is not set; add: nai = \"user@example.com\"");
	return NULL;
}

const struct config_session *config_find_session(const struct config *config,
						 const char *name)
{
	for (size_t i = 0; i < config->n_sessions; i++)
		if (!strcmp(config->sessions[i].name, name))
			return &config->sessions[i];
	return NULL;
}

static char *read_rest(cfg_t *cfg, struct config *config)
{
	struct mn_config *mn = &config->mn;
	char *error = NULL;

	if (*cfg_getstr(cfg, "home_agent"))
		error = conf_get_addr(cfg, "home_agent", &mn->agent);
	if (!error && !roam_addr_is_none(&mn->agent) &&
	    !roam_addr_is_v4(&mn->agent))
		error = conf_error(cfg, "home_agent", "is no IPv4 address");
	if (!error)
		error = read_times(cfg, mn);
	if (!error)
		error = read_choices(cfg, mn);
	if (!error)
		error = read_agents(cfg, config);
	if (!error)
		error = read_links(cfg, config);
	if (!error)
		error = conf_get_int(cfg, "table", 1, INT32_MAX, &config->table);
	if (!error)
		error = conf_get_int(cfg, "priority", 1, 32000,
				     &config->priority);
	config->nai = strdup(cfg_getstr(cfg, "nai"));
	mn->nai = config->nai;
	mn->nai_len = strlen(config->nai);
	if (!error && mn->nai_len > MIP_NAI_MAX)
		error = conf_error(cfg, "nai", "is longer than %d letters",
				   MIP_NAI_MAX);
	if (!error)
		error = read_sessions(cfg, config);
	/* without a tunnel's end only agents can help */
	if (!*config->device)
		mn->colocated = false;
	return error;
}

static char *read_config(cfg_t *cfg, void *to)
{
	struct config *config = to;
	char *error = read_home(cfg, &config->mn);

	config->keys = auth_keys_new();
	auth_keys_keep_secrets(config->keys);
	if (!error && !auth_keys_read(config->keys, cfg_getstr(cfg, "keys"),
				      &error) && !error)
		error = daemon_error("out of memory");
	if (!error)
		error = conf_get_associations(cfg, config->keys,
					      cfg_getstr(cfg, "keys"),
					      &config->mn.associations);
	if (!error)
		error = read_rest(cfg, config);
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
	free(config->links);
	for (size_t i = 0; i < config->n_sessions; i++) {
		free(config->sessions[i].name);
		free(config->sessions[i].nai);
		free(config->sessions[i].link);
	}
	free(config->sessions);
	for (size_t i = 0; i < config->n_devices; i++) {
		free(config->devices[i].link);
		free(config->devices[i].leases);
		free(config->devices[i].hosts);
	}
	free(config->devices);
	free(config->agents);
	free(config->device);
	free(config->home_device);
	free(config->nai);
	auth_keys_free(config->keys);
	free(config);
}

const struct sa_set *config_find_agent(const struct config *config,
				       const struct roam_addr *addr)
{
	for (size_t i = 0; i < config->n_agents; i++)
		if (roam_addr_eq(&config->agents[i].addr, addr))
			return &config->agents[i].associations;
	return NULL;
}
