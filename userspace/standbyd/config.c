// SPDX-License-Identifier: GPL-2.0-or-later
#include "standbyd/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "conf/conf.h"
#include "io/daemon.h"
#include "io/standby.h"

#define HOLDS_HELLOS(hello) ((hello) * 10 / 3)	/* 3 s make 10 s */

static cfg_opt_t track_opts[] = {
	CFG_INT("decrement", 10, CFGF_NONE),
	CFG_END()
};

static cfg_opt_t group_opts[] = {
	CFG_STR("link", NULL, CFGF_NONE),
	CFG_INT("number", 0, CFGF_NONE),
	CFG_STR("protocol", "roam", CFGF_NONE),
	CFG_STR("virtual", NULL, CFGF_NONE),
	CFG_STR("address", NULL, CFGF_NONE),
	CFG_STR("hello", "3s", CFGF_NONE),
	CFG_STR("hold", NULL, CFGF_NONE),
	CFG_INT("priority", ELECT_PRIORITY, CFGF_NONE),
	CFG_BOOL("preempt", cfg_false, CFGF_NONE),
	CFG_STR("preempt_delay", "0s", CFGF_NONE),
	CFG_BOOL("preempt_standby", cfg_true, CFGF_NONE),
	CFG_BOOL("directed_coup", cfg_false, CFGF_NONE),
	CFG_BOOL("tables", cfg_false, CFGF_NONE),
	CFG_STR("veto", "5s", CFGF_NONE),
	CFG_INT("key", 0, CFGF_NONE),
	CFG_STR("text", NULL, CFGF_NONE),
	CFG_STR("md5", NULL, CFGF_NONE),
	CFG_INT("md5_key", 0, CFGF_NONE),
	CFG_STR("mac", "macvlan", CFGF_NONE),
	CFG_STR("query", "any", CFGF_NONE),
	CFG_SEC("track_link", track_opts, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_SEC("track_route", track_opts, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_SEC("track_daemon", track_opts, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_END()
};

static cfg_opt_t opts[] = {
	CFG_STR("keys", "/etc/roam/keys.d/standbyd", CFGF_NONE),
	CFG_STR("state", "/var/lib/roam/standbyd/standby.counter", CFGF_NONE),
	CFG_INT("realtime", 20, CFGF_NONE),
	CFG_BOOL("watch", cfg_true, CFGF_NONE),
	CFG_STR("announce", "60s", CFGF_NONE),
	CFG_SEC("group", group_opts, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_END()
};

static void warn(struct config *config, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void warn(struct config *config, const char *fmt, ...)
{
	char **more = reallocarray(config->warnings, config->n_warnings + 1,
				   sizeof(*more));
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (!more || !text)
		abort();
	config->warnings = more;
	config->warnings[config->n_warnings++] = text;
}

/* The number of the word among @words, which ends with NULL; -1 if none. */
static int word_of(const char *s, const char *const *words)
{
	for (int i = 0; words[i]; i++)
		if (!strcmp(s, words[i]))
			return i;
	return -1;
}

static char *read_word(cfg_t *cfg, const char *option,
		       const char *const *words, uint8_t *value)
{
	const char *s = cfg_getstr(cfg, option);
	const char *near = conf_nearest(s, words);
	int i = word_of(s, words);

	if (i < 0)
		return conf_error(cfg, option, "'%s' is none of its words%s%s%s",
				  s, near ? "; did you mean '" : "",
				  near ? near : "", near ? "'?" : "");
	*value = i;
	return NULL;
}

static char *read_identity(cfg_t *cfg, struct config_group *group)
{
	static const char *const forms[] = { "roam", "hsrp", "hsrp2", NULL };
	static const char *const macs[] = { "macvlan", "swap", "none", NULL };
	static const char *const queries[] = { "any", "key", "off", NULL };
	const char *link = cfg_getstr(cfg, "link");
	char *error;
	long number;

	if (!standby_name_is_valid(group->name))
		return conf_error(cfg, "link", "the group's name '%s' has to be 1 to %d printable characters without a space",
				  group->name, STANDBY_NAME_MAX);
	if (!link || !*link || strlen(link) >= IFNAMSIZ)
		return conf_error(cfg, "link", "group '%s' needs an interface such as \"eth0\"",
				  group->name);
	strcpy(group->link, link);
	error = read_word(cfg, "protocol", forms, &group->form);
	if (!error)
		error = conf_get_int(cfg, "number", 0,
				     group->form == HSRP_V2 ? 4095 : 255,
				     &number);
	if (!error)
		error = read_word(cfg, "mac", macs, &group->mac);
	if (!error)
		error = read_word(cfg, "query", queries, &group->query);
	if (!error)
		group->number = number;
	return error;
}

static char *read_addresses(cfg_t *cfg, struct config_group *group)
{
	char *error = NULL;

	if (cfg_getstr(cfg, "virtual"))
		error = conf_get_addr(cfg, "virtual", &group->elect.vip);
	if (!error && cfg_getstr(cfg, "address"))
		error = conf_get_addr(cfg, "address", &group->elect.addr);
	if (error)
		return error;
	if (!roam_addr_is_none(&group->elect.vip) &&
	    (!roam_addr_is_usable(&group->elect.vip) ||
	     !roam_addr_is_v4(&group->elect.vip)))
		return conf_error(cfg, "virtual", "'%s' is no IPv4 address of a host",
				  cfg_getstr(cfg, "virtual"));
	if (!roam_addr_is_none(&group->elect.addr) &&
	    roam_addr_eq(&group->elect.addr, &group->elect.vip))
		return conf_error(cfg, "address", "'%s' is the virtual address; this is the router's own one",
				  cfg_getstr(cfg, "address"));
	return NULL;
}

/* STBY-35, STBY-36. */
static char *read_timers(cfg_t *cfg, struct config *config,
			 struct config_group *group)
{
	struct elect_config *e = &group->elect;
	char *error = conf_get_duration(cfg, "hello", &e->hello);

	if (error)
		return error;
	if (e->hello < ELECT_HELLO_MIN || e->hello > ELECT_HOLD_MAX / 4)
		return conf_error(cfg, "hello", "'%s' is not from %dms to 15m",
				  cfg_getstr(cfg, "hello"), ELECT_HELLO_MIN);
	e->hold = HOLDS_HELLOS(e->hello);
	if (cfg_getstr(cfg, "hold"))
		error = conf_get_duration(cfg, "hold", &e->hold);
	if (!error && e->hold <= e->hello)
		error = conf_error(cfg, "hold", "%lldms is not more than hello, %lldms; three times it is usual",
				   (long long)e->hold, (long long)e->hello);
	if (!error && e->hold > ELECT_HOLD_MAX)
		error = conf_error(cfg, "hold", "'%s' is more than an hour",
				   cfg_getstr(cfg, "hold"));
	if (!error && group->form == HSRP_V0 &&
	    (e->hello % 1000 || e->hold % 1000 || e->hold > 255000))
		warn(config, "group '%s': HSRP version 0 cannot tell %lld and %lld ms to others; configure the same at each router",
		     group->name, (long long)e->hello, (long long)e->hold);
	if (!error && e->hold < 3 * e->hello)
		warn(config, "group '%s': hold is less than three times hello; two lost hellos make a takeover",
		     group->name);
	return error;
}

static char *read_election(cfg_t *cfg, struct config_group *group)
{
	struct elect_config *e = &group->elect;
	long priority;
	char *error = conf_get_int(cfg, "priority", 0, 255, &priority);

	if (!error)
		error = conf_get_duration(cfg, "preempt_delay",
					  &e->preempt_delay);
	if (!error)
		error = conf_get_duration(cfg, "veto", &e->veto);
	if (error)
		return error;
	e->priority = priority;
	e->preempt = cfg_getbool(cfg, "preempt");
	e->keep_standby = !cfg_getbool(cfg, "preempt_standby");
	e->directed_coup = cfg_getbool(cfg, "directed_coup");
	e->tables = cfg_getbool(cfg, "tables");
	return NULL;
}

/* One line, which only its owner may read. */
static char *read_md5(cfg_t *cfg, struct config_group *group)
{
	const char *path = cfg_getstr(cfg, "md5");
	char line[HSRP_MD5_KEY_MAX + 3] = "";
	FILE *f = fopen(path, "re");
	struct stat st;
	size_t len;

	if (!f || fstat(fileno(f), &st)) {
		char *error = conf_error(cfg, "md5", "cannot read %s: %s", path,
					 strerror(errno));

		if (f)
			fclose(f);
		return error;
	}
	if (st.st_mode & 077) {
		fclose(f);
		return conf_error(cfg, "md5", "others may read %s; chmod 600 %s",
				  path, path);
	}
	len = fread(line, 1, sizeof(line) - 1, f);
	fclose(f);
	while (len && isspace((unsigned char)line[len - 1]))
		len--;
	if (!len || len > HSRP_MD5_KEY_MAX) {
		explicit_bzero(line, sizeof(line));
		return conf_error(cfg, "md5", "%s has to hold a password of 1 to %d bytes",
				  path, HSRP_MD5_KEY_MAX);
	}
	memcpy(group->md5_key, line, len);
	group->md5_len = len;
	group->md5_id = cfg_getint(cfg, "md5_key");
	group->auth = HSRP_AUTH_MD5;
	explicit_bzero(line, sizeof(line));
	return NULL;
}

static char *read_authentication(cfg_t *cfg, struct config *config,
				 struct config_group *group, const char *keys)
{
	const char *text = cfg_getstr(cfg, "text");

	if (group->form == HSRP_OWN)
		return conf_get_key(cfg, "key", config->keys, keys,
				    "the group's other routers",
				    &group->key_id);
	if (cfg_getint(cfg, "key"))
		return conf_error(cfg, "key", "HSRP has no such keys; give md5, or text");
	if (cfg_getstr(cfg, "md5"))
		return read_md5(cfg, group);
	text = text ? text : "cisco";
	if (strlen(text) > HSRP_TEXT_LEN)
		return conf_error(cfg, "text", "is longer than %d characters",
				  HSRP_TEXT_LEN);
	group->auth = HSRP_AUTH_TEXT;
	memcpy(group->text, text, strlen(text));
	warn(config, "group '%s': whoever is on link %s can read the password and take the group over; protocol roam cannot be forged",
	     group->name, group->link);
	return NULL;
}

static char *read_track(cfg_t *cfg, struct config_group *group, uint8_t kind)
{
	struct config_track *more, *track;
	long decrement;
	char *error = conf_get_int(cfg, "decrement", 1, 255, &decrement);

	if (error)
		return error;
	more = reallocarray(group->tracks, group->n_tracks + 1, sizeof(*more));
	if (!more)
		abort();
	group->tracks = more;
	track = &more[group->n_tracks++];
	*track = (struct config_track){
		.kind = kind, .name = strdup(cfg_title(cfg)),
		.decrement = decrement,
	};
	if (kind == TRACK_ROUTE && !roam_prefix_parse(track->name,
						      &track->prefix))
		return conf_error(cfg, "decrement", "'%s' is no prefix such as \"0.0.0.0/0\"",
				  track->name);
	return NULL;
}

static char *read_tracks(cfg_t *cfg, struct config_group *group)
{
	static const char *const sections[] = { "track_link", "track_route",
						"track_daemon" };
	char *error = NULL;

	for (uint8_t kind = TRACK_LINK; kind <= TRACK_DAEMON; kind++)
		for (unsigned int i = 0;
		     !error && i < cfg_size(cfg, sections[kind]); i++)
			error = read_track(cfg_getnsec(cfg, sections[kind], i),
					   group, kind);
	return error;
}

/* Two groups that the wire, or the link, could not tell apart. */
static char *check_others(cfg_t *cfg, struct config *config,
			  const struct config_group *group)
{
	for (const struct config_group *g = config->groups; g < group; g++) {
		if (strcmp(g->link, group->link))
			continue;
		if (g->number == group->number && g->form == group->form)
			return conf_error(cfg, "number", "group '%s' has number %u on %s already",
					  g->name, g->number, g->link);
		if (g->number == group->number && g->mac != MAC_NONE &&
		    group->mac != MAC_NONE &&
		    (g->form == HSRP_V2) == (group->form == HSRP_V2))
			return conf_error(cfg, "number", "group '%s' has the same virtual MAC address; choose another number",
					  g->name);
		if (!roam_addr_is_none(&group->elect.vip) &&
		    roam_addr_eq(&g->elect.vip, &group->elect.vip))
			return conf_error(cfg, "virtual", "group '%s' has this address already",
					  g->name);
		if (g->mac == MAC_SWAP && group->mac == MAC_SWAP)
			return conf_error(cfg, "mac", "only one group of a link can swap its MAC address; group '%s' does already",
					  g->name);
	}
	return NULL;
}

static char *read_group(cfg_t *cfg, struct config *config, const char *keys)
{
	struct config_group *group = &config->groups[config->n_groups++];
	char *error;

	group->name = strdup(cfg_title(cfg));
	error = read_identity(cfg, group);
	if (!error)
		error = read_addresses(cfg, group);
	if (!error)
		error = read_timers(cfg, config, group);
	if (!error)
		error = read_election(cfg, group);
	if (!error)
		error = read_authentication(cfg, config, group, keys);
	if (!error)
		error = read_tracks(cfg, group);
	return error ? error : check_others(cfg, config, group);
}

static char *read_groups(cfg_t *cfg, struct config *config)
{
	unsigned int n = cfg_size(cfg, "group");

	if (!n)
		return daemon_error("%s: no group; add: group \"NAME\" { link = \"eth0\" virtual = \"ADDRESS\" key = ID }",
				    cfg->filename);
	if (n > GROUPS_MAX)
		return daemon_error("%s: %u groups are more than %d",
				    cfg->filename, n, GROUPS_MAX);
	config->groups = calloc(n, sizeof(*config->groups));
	if (!config->groups)
		abort();
	for (unsigned int i = 0; i < n; i++) {
		char *error = read_group(cfg_getnsec(cfg, "group", i), config,
					 cfg_getstr(cfg, "keys"));

		if (error)
			return error;
	}
	return NULL;
}

/* HSRP alone needs no keys of ours. */
static char *read_keys(cfg_t *cfg, struct config *config)
{
	char *error = NULL;

	for (unsigned int i = 0; i < cfg_size(cfg, "group"); i++) {
		if (strcmp(cfg_getstr(cfg_getnsec(cfg, "group", i), "protocol"),
			   "roam"))
			continue;
		config->keys = auth_keys_load(cfg_getstr(cfg, "keys"), &error);
		return error;
	}
	return NULL;
}

static char *read_config(cfg_t *cfg, void *to)
{
	struct config *config = to;
	long realtime = 0;
	char *error = conf_get_int(cfg, "realtime", 0, 99, &realtime);

	config->state = strdup(cfg_getstr(cfg, "state"));
	config->watch = cfg_getbool(cfg, "watch");
	config->realtime = realtime;
	if (!error)
		error = conf_get_duration(cfg, "announce", &config->announce);
	if (!error)
		error = read_keys(cfg, config);
	if (!error)
		error = read_groups(cfg, config);
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
	for (size_t i = 0; i < config->n_groups; i++) {
		struct config_group *group = &config->groups[i];

		for (size_t t = 0; t < group->n_tracks; t++)
			free(group->tracks[t].name);
		free(group->tracks);
		free(group->name);
		explicit_bzero(group->md5_key, sizeof(group->md5_key));
	}
	for (size_t i = 0; i < config->n_warnings; i++)
		free(config->warnings[i]);
	free(config->warnings);
	free(config->groups);
	free(config->state);
	auth_keys_free(config->keys);
	free(config);
}
