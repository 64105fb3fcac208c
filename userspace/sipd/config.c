// SPDX-License-Identifier: GPL-2.0-or-later
#include "sipd/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "conf/conf.h"
#include "io/daemon.h"

#define SIP_PORT_DEFAULT 5060
#define SECRET_MAX 256

static cfg_opt_t account_opts[] = {
	CFG_STR("name", "", CFGF_NONE),
	CFG_STR("user", "", CFGF_NONE),
	CFG_STR("realm", "", CFGF_NONE),
	CFG_STR("secret", "", CFGF_NONE),
	CFG_END()
};

static cfg_opt_t tls_opts[] = {
	CFG_STR("ca", "/etc/ssl/certs/ca-certificates.crt", CFGF_NONE),
	CFG_STR("certificate", "", CFGF_NONE),
	CFG_END()
};

static cfg_opt_t local_opts[] = {
	CFG_STR("address", "127.0.0.1", CFGF_NONE),
	CFG_INT("port", SIP_PORT_DEFAULT, CFGF_NONE),
	CFG_END()
};

static cfg_opt_t media_opts[] = {
	CFG_INT("port_min", 30000, CFGF_NONE),
	CFG_INT("port_max", 39999, CFGF_NONE),
	CFG_STR("wait", "1s", CFGF_NONE),
	CFG_END()
};

static cfg_opt_t opts[] = {
	CFG_SEC("account", account_opts,
		CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_STR_LIST("servers", "{}", CFGF_NONE),
	CFG_STR("nameserver", "", CFGF_NONE),
	CFG_INT("port", SIP_PORT_DEFAULT, CFGF_NONE),
	CFG_SEC("tls", tls_opts, CFGF_NONE),
	CFG_SEC("local", local_opts, CFGF_NONE),
	CFG_SEC("media", media_opts, CFGF_NONE),
	CFG_STR("expires", "300s", CFGF_NONE),
	CFG_STR("retry", "2s", CFGF_NONE),
	CFG_STR("retry_max", "5m", CFGF_NONE),
	CFG_STR("server_wait", "1s", CFGF_NONE),
	CFG_STR("locate_wait", "1200ms", CFGF_NONE),
	CFG_STR("give_up", "32s", CFGF_NONE),
	CFG_STR("ring_wait", "3m", CFGF_NONE),
	CFG_INT("sessions_max", 20000, CFGF_NONE),
	CFG_INT("window", 32, CFGF_NONE),
	CFG_END()
};

/* ---- URIs ---- */

/* Letters of a host name or address; what else there is could end a header. */
static bool is_host(const char *s, size_t len)
{
	if (!len || len > 253)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr(".-_[]:", s[i]))
			return false;
	return true;
}

static bool is_user(const char *s, size_t len)
{
	if (!len || len > 64)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr("-_.!~*'()&=+$%", s[i]))
			return false;
	return true;
}

/* What may stand between quotes in a header. */
static bool is_quotable(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == '"' || *s == '\\' ||
		    *s == 0x7f)
			return false;
	return true;
}

/*
 * A password stands in a file of its own: nobody reads it in the configuration,
 * in a list of processes or in a log.
 */
static char *read_secret(cfg_t *cfg, const char *path, char **secret)
{
	char buf[SECRET_MAX];
	struct stat st;
	char *error = NULL;
	FILE *file;

	file = fopen(path, "re");
	if (!file)
		return conf_error(cfg, "secret", "cannot open %s: %s", path,
				  strerror(errno));
	if (fstat(fileno(file), &st) || (st.st_mode & 07077))
		error = conf_error(cfg, "secret",
				   "%s can be read by others; chmod 600 it",
				   path);
	else if (!fgets(buf, sizeof(buf), file) || buf[0] == '\n')
		error = conf_error(cfg, "secret",
				   "%s is empty; its first line is the password",
				   path);
	fclose(file);
	if (!error) {
		buf[strcspn(buf, "\r\n")] = 0;
		*secret = strdup(buf);
	}
	explicit_bzero(buf, sizeof(buf));
	return error;
}

static char *read_account(cfg_t *cfg, struct config *config)
{
	struct config_account *a = &config->accounts[config->n_accounts++];
	const char *uri = cfg_title(cfg), *at = strchr(uri, '@');
	const char *user = cfg_getstr(cfg, "user");
	const char *realm = cfg_getstr(cfg, "realm");

	if (strncmp(uri, "sip:", 4) || !at || !is_user(uri + 4, at - uri - 4) ||
	    !is_host(at + 1, strlen(at + 1)))
		return conf_error(cfg, "name",
				  "account \"%s\" is none such as \"sip:alice@example.net\"",
				  uri);
	if (!is_quotable(cfg_getstr(cfg, "name")) || !is_quotable(user) ||
	    !is_quotable(realm))
		return conf_error(cfg, "name",
				  "name, user and realm of %s may not hold quotes, backslashes or control characters",
				  uri);
	a->uri = strdup(uri);
	a->user = strndup(uri + 4, at - uri - 4);
	a->domain = strdup(at + 1);
	a->name = strdup(cfg_getstr(cfg, "name"));
	a->auth_user = strdup(*user ? user : a->user);
	a->realm = strdup(*realm ? realm : a->domain);
	if (!*cfg_getstr(cfg, "secret"))
		return NULL;
	return read_secret(cfg, cfg_getstr(cfg, "secret"), &a->secret);
}

static char *read_server(cfg_t *cfg, const char *s, struct config *config)
{
	struct config_server *server = &config->servers[config->n_servers++];
	static const char *const words[] = { "udp", "tcp", "tls" };
	const char *host = s, *params = strchr(s, ';');
	size_t len = params ? (size_t)(params - s) : strlen(s);
	char *text;
	uint16_t port = 0;
	bool ok;

	if (!strncmp(s, "sip:", 4)) {
		host += 4;
		len -= 4;
	}
	if (params) {
		int i;

		for (i = 0; i < 3; i++)
			if (!strncmp(params, ";transport=", 11) &&
			    !strcmp(params + 11, words[i]))
				break;
		if (i == 3)
			return conf_error(cfg, "servers",
					  "'%s': only ;transport=udp, tcp or tls is known",
					  s);
		server->transport = i;
		config->tls |= i == SIPD_TLS;
	}
	if (!is_host(host, len))
		return conf_error(cfg, "servers",
				  "'%s' is none such as \"192.0.2.10\", \"sip.example.net\" or \"sip:[2001:db8::1]:5060;transport=tcp\"",
				  s);
	text = strndup(host, len);
	ok = conf_parse_endpoint(text, &server->addr, &port);
	if (ok && !roam_addr_is_v4(&server->addr) && *text != '[')
		server->uri = daemon_error("sip:[%s];transport=%s", text,
					   words[server->transport]);
	else if (ok || params)
		server->uri = daemon_error("sip:%s;transport=%s", text,
					   words[server->transport]);
	else	/* RFC 3263 chooses. */
		server->uri = daemon_error("sip:%s", text);
	free(text);
	return NULL;
}

static char *read_servers(cfg_t *cfg, struct config *config)
{
	size_t n = cfg_size(cfg, "servers");
	char *error = NULL;

	if (!n)
		return conf_error(cfg, "servers",
				  "is missing; name one: servers = {\"192.0.2.10\"}");
	if (n > SIPD_SERVERS_MAX)
		return conf_error(cfg, "servers", "has more than %d",
				  SIPD_SERVERS_MAX);
	config->servers = calloc(n, sizeof(*config->servers));
	if (!config->servers)
		return daemon_error("out of memory");
	for (size_t i = 0; i < n && !error; i++)
		error = read_server(cfg, cfg_getnstr(cfg, "servers", i),
				    config);
	return error;
}

static char *read_accounts(cfg_t *cfg, struct config *config)
{
	size_t n = cfg_size(cfg, "account");
	char *error = NULL;

	if (!n)
		return conf_error(cfg, "account",
				  "is missing; add: account \"sip:NAME@DOMAIN\" { secret = FILE }");
	if (n > SIPD_ACCOUNTS_MAX)
		return conf_error(cfg, "account", "has more than %d",
				  SIPD_ACCOUNTS_MAX);
	config->accounts = calloc(n, sizeof(*config->accounts));
	if (!config->accounts)
		return daemon_error("out of memory");
	for (size_t i = 0; i < n && !error; i++)
		error = read_account(cfg_getnsec(cfg, "account", i), config);
	return error;
}

/* ---- the rest ---- */

static char *read_port(cfg_t *cfg, const char *option, long max, uint16_t *port)
{
	long n = 0;
	char *error = conf_get_int(cfg, option, 1, max, &n);

	*port = n;
	return error;
}

static char *read_ports(cfg_t *cfg, struct config *config)
{
	cfg_t *local = cfg_getsec(cfg, "local");
	cfg_t *media = cfg_getsec(cfg, "media");
	const char *address = cfg_getstr(local, "address");
	char *error = read_port(cfg, "port", 65534, &config->port);

	if (!error && *address &&
	    !roam_addr_parse(address, &config->local))
		error = conf_error(local, "address",
				   "'%s' is no address; \"\" means that no phone registers here",
				   address);
	if (!error)
		error = read_port(local, "port", 65535, &config->local_port);
	if (!error)
		error = read_port(media, "port_min", 65534,
				  &config->media_port_min);
	if (!error)
		error = read_port(media, "port_max", 65535,
				  &config->media_port_max);
	if (!error && config->media_port_max < config->media_port_min + 3)
		error = conf_error(media, "port_max",
				   "leaves less than four ports");
	if (!error)
		error = conf_get_duration(media, "wait",
					  &config->session.media_wait);
	return error;
}

static char *read_times(cfg_t *cfg, struct config *config)
{
	msec_t expires = 0;
	char *error = conf_get_duration(cfg, "expires", &expires);

	if (!error && (expires < 10000 || expires > 86400000))
		error = conf_error(cfg, "expires", "is not from 10s to 1d");
	config->registration.expires = expires / 1000;
	if (!error)
		error = conf_get_duration(cfg, "retry",
					  &config->registration.retry);
	if (!error && config->registration.retry < 100)
		error = conf_error(cfg, "retry", "is less than 100ms");
	if (!error)
		error = conf_get_duration(cfg, "retry_max",
					  &config->registration.retry_max);
	if (!error)
		error = conf_get_duration(cfg, "server_wait",
					  &config->server_wait);
	if (!error)
		error = conf_get_duration(cfg, "locate_wait",
					  &config->session.locate_wait);
	if (!error)
		error = conf_get_duration(cfg, "give_up",
					  &config->session.give_up);
	if (!error)
		error = conf_get_duration(cfg, "ring_wait", &config->ring_wait);
	if (!error && config->ring_wait < 1000)
		error = conf_error(cfg, "ring_wait", "is less than 1s");
	return error;
}

static char *read_nameserver(cfg_t *cfg, struct config *config)
{
	const char *text = cfg_getstr(cfg, "nameserver");

	if (!*text || roam_addr_parse(text, &config->nameserver))
		return NULL;
	return conf_error(cfg, "nameserver",
			  "'%s' is no address; without it /etc/resolv.conf counts",
			  text);
}

static char *read_config(cfg_t *cfg, void *to)
{
	struct config *config = to;
	cfg_t *tls = cfg_getsec(cfg, "tls");
	char *error;
	long n;

	config->registration = sip_registration_defaults;
	config->session = sip_session_defaults;
	error = read_accounts(cfg, config);
	if (!error)
		error = read_servers(cfg, config);
	if (!error)
		error = read_nameserver(cfg, config);
	if (!error)
		error = read_ports(cfg, config);
	if (!error)
		error = read_times(cfg, config);
	if (!error)
		error = conf_get_int(cfg, "sessions_max", 1, 1000000, &n);
	if (!error) {
		config->sessions_max = n;
		error = conf_get_int(cfg, "window", 1, 1024, &n);
	}
	if (error)
		return error;
	config->session.window = n;
	config->tls_ca = strdup(cfg_getstr(tls, "ca"));
	if (*cfg_getstr(tls, "certificate"))
		config->tls_certificate =
			strdup(cfg_getstr(tls, "certificate"));
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
	for (size_t i = 0; i < config->n_accounts; i++) {
		struct config_account *a = &config->accounts[i];

		if (a->secret)
			explicit_bzero(a->secret, strlen(a->secret));
		free(a->secret);
		free(a->uri);
		free(a->user);
		free(a->domain);
		free(a->name);
		free(a->auth_user);
		free(a->realm);
	}
	free(config->accounts);
	for (size_t i = 0; i < config->n_servers; i++)
		free(config->servers[i].uri);
	free(config->servers);
	free(config->tls_ca);
	free(config->tls_certificate);
	free(config);
}

/* ---- reload ---- */

static bool is_same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool has_same_accounts(const struct config *a, const struct config *b)
{
	if (a->n_accounts != b->n_accounts)
		return false;
	for (size_t i = 0; i < a->n_accounts; i++)
		if (strcmp(a->accounts[i].uri, b->accounts[i].uri))
			return false;
	return true;
}

static bool has_same_servers(const struct config *a, const struct config *b)
{
	if (a->n_servers != b->n_servers)
		return false;
	for (size_t i = 0; i < a->n_servers; i++)
		if (strcmp(a->servers[i].uri, b->servers[i].uri))
			return false;
	return true;
}

const char *config_fixed(const struct config *old, const struct config *fresh)
{
	if (!has_same_accounts(old, fresh))
		return "the list of accounts";
	if (!has_same_servers(old, fresh))
		return "servers";
	if (!roam_addr_eq(&old->nameserver, &fresh->nameserver))
		return "nameserver";
	if (old->port != fresh->port)
		return "port";
	if (!roam_addr_eq(&old->local, &fresh->local) ||
	    old->local_port != fresh->local_port)
		return "local";
	if (!is_same(old->tls_ca, fresh->tls_ca) ||
	    !is_same(old->tls_certificate, fresh->tls_certificate))
		return "tls";
	return NULL;
}

static void swap(char **a, char **b)
{
	char *was = *a;

	*a = *b;
	*b = was;
}

void config_keep_accounts(struct config *fresh, struct config *old)
{
	struct config_account *accounts = fresh->accounts;
	struct config_server *servers = fresh->servers;

	for (size_t i = 0; i < fresh->n_accounts; i++) {
		swap(&accounts[i].name, &old->accounts[i].name);
		swap(&accounts[i].auth_user, &old->accounts[i].auth_user);
		swap(&accounts[i].realm, &old->accounts[i].realm);
		swap(&accounts[i].secret, &old->accounts[i].secret);
	}
	fresh->accounts = old->accounts;
	fresh->servers = old->servers;
	old->accounts = accounts;
	old->servers = servers;
}
