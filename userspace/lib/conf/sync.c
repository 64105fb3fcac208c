// SPDX-License-Identifier: GPL-2.0-or-later
#include "conf/sync.h"

#include <stdlib.h>
#include <string.h>

#include "core/share.h"
#include "core/sync.h"

#define WEIGHT_MAX 1000

cfg_opt_t conf_sync_opts[] = {
	CFG_STR("standby", "", CFGF_NONE),
	CFG_STR("standbyd", "", CFGF_NONE),
	CFG_STR("virtual", "", CFGF_NONE),
	CFG_STR("notify", "", CFGF_NONE),
	CFG_STR("instance", "", CFGF_NONE),
	CFG_STR("mode", "", CFGF_NONE),
	CFG_INT("group", 1, CFGF_NONE),
	CFG_INT("key", 0, CFGF_NONE),
	CFG_INT("port", -1, CFGF_NONE),
	CFG_STR("address", "", CFGF_NONE),
	CFG_STR_LIST("members", "{}", CFGF_NONE),
	CFG_STR("multicast", "", CFGF_NONE),
	CFG_INT("ttl", 1, CFGF_NONE),
	CFG_STR("acks", "1", CFGF_NONE),
	CFG_STR("wait", "500ms", CFGF_NONE),
	CFG_STR("hello", "1s", CFGF_NONE),
	CFG_STR("retry", "1s", CFGF_NONE),
	CFG_STR("dead", "0s", CFGF_NONE),
	CFG_STR("tombstone", "5m", CFGF_NONE),
	CFG_STR("serve", "active-only", CFGF_NONE),
	CFG_STR("share", "hash", CFGF_NONE),
	CFG_INT("weight", 1, CFGF_NONE),
	CFG_END()
};

static char *read_acks(cfg_t *cfg, uint8_t *acks)
{
	const char *word = cfg_getstr(cfg, "acks");
	char *end;
	long n = strtol(word, &end, 10);

	if (!strcmp(word, "all"))
		*acks = SYNC_ACKS_ALL;
	else if (!strcmp(word, "majority"))
		*acks = SYNC_ACKS_MAJORITY;
	else if (*word && !*end && n >= 0 && n <= SYNC_MEMBERS_MAX)
		*acks = (uint8_t)n;
	else
		return conf_error(cfg, "acks",
				  "'%s' is neither a number from 0 to %d, nor \"majority\", nor \"all\"",
				  word, SYNC_MEMBERS_MAX);
	return NULL;
}

static char *read_members(cfg_t *cfg, struct conf_sync *c)
{
	struct conf_endpoint *endpoints = NULL;
	char *error = conf_get_endpoints(cfg, "members", c->port, &endpoints,
					 &c->n_members);

	if (!error && c->n_members > SYNC_MEMBERS_MAX)
		error = conf_error(cfg, "members", "more than %d of them",
				   SYNC_MEMBERS_MAX);
	c->members = calloc(c->n_members + 1, sizeof(*c->members));
	for (size_t i = 0; !error && i < c->n_members; i++)
		c->members[i] = endpoints[i].addr;
	free(endpoints);
	return error;
}

static char *read_mode(cfg_t *cfg, struct conf_sync *c)
{
	const char *word = cfg_getstr(cfg, "mode");

	/* Whoever names members wants all of them to have the tables. */
	c->mode = !strcmp(word, "group") || (!*word && c->n_members) ?
		  SYNC_GROUP : SYNC_SINGLE;
	if (*word && strcmp(word, "group") && strcmp(word, "single"))
		return conf_error(cfg, "mode", "'%s' is neither \"single\" nor \"group\"",
				  word);
	if (*c->standby && !roam_addr_is_none(&c->virtual))
		return conf_error(cfg, "virtual",
				  "two electors; leave out 'standby' or this");
	if (*c->notify && roam_addr_is_none(&c->virtual))
		return conf_error(cfg, "notify",
				  "the address that keepalived elects for is missing; write: virtual = \"192.0.2.100\"");
	if (!*c->standby && c->mode == SYNC_SINGLE)
		return conf_error(cfg, "standby",
				  "without a group of roam-standbyd nobody says who is active; name it: standby = \"office\"");
	if (!*c->standby && roam_addr_is_none(&c->own))
		return conf_error(cfg, "address",
				  "without a group of roam-standbyd it must be said: address = \"192.0.2.1\"");
	return NULL;
}

/* SYNC-66: only who has all of the table can judge what a node asks. */
static char *read_share(cfg_t *cfg, struct conf_sync *c)
{
	const char *serve = cfg_getstr(cfg, "serve");
	const char *share = cfg_getstr(cfg, "share");
	long weight;
	char *error;

	c->any = !strcmp(serve, "any");
	if (!c->any && strcmp(serve, "active-only"))
		return conf_error(cfg, "serve", "'%s' is neither \"active-only\" nor \"any\"",
				  serve);
	if (c->any && c->mode != SYNC_GROUP)
		return conf_error(cfg, "serve",
				  "\"any\" needs mode = \"group\", where every member has the whole table");
	c->share = !strcmp(share, "hash") ? SHARE_HASH : SHARE_ROUND_ROBIN;
	if (c->share != SHARE_HASH && strcmp(share, "round-robin"))
		return conf_error(cfg, "share", "'%s' is neither \"hash\" nor \"round-robin\"",
				  share);
	error = conf_get_int(cfg, "weight", 0, WEIGHT_MAX, &weight);
	c->weight = (uint32_t)weight;
	return error;
}

static char *read_times(cfg_t *cfg, struct conf_sync *c)
{
	char *error = conf_get_duration(cfg, "wait", &c->wait);

	if (!error)
		error = conf_get_duration(cfg, "hello", &c->hello);
	if (!error)
		error = conf_get_duration(cfg, "retry", &c->retry);
	if (!error)
		error = conf_get_duration(cfg, "tombstone", &c->tombstone);
	if (!error)
		error = conf_get_duration(cfg, "dead", &c->dead);
	if (!error && (c->hello < 10 || c->retry < 10))
		error = conf_error(cfg, c->hello < 10 ? "hello" : "retry",
				   "less than 10ms");
	/* A node asks again after a second (RFC 5944 3.6.3). */
	if (!error && (c->wait < 1 || c->wait > 5000))
		error = conf_error(cfg, "wait", "'%s' is not from 1ms to 5s",
				   cfg_getstr(cfg, "wait"));
	return error;
}

static char *read_optional(cfg_t *cfg, const char *option,
			   struct roam_addr *addr)
{
	return *cfg_getstr(cfg, option) ? conf_get_addr(cfg, option, addr) :
					  NULL;
}

static char *read_multicast(cfg_t *cfg, struct conf_sync *c)
{
	const char *word = cfg_getstr(cfg, "multicast");
	char *error = NULL;
	long ttl;

	/* No host has one, so that the usual reading refuses it. */
	if (*word && (!roam_addr_parse(word, &c->multicast) ||
		      !roam_addr_is_v4(&c->multicast) ||
		      c->multicast.b[12] >> 4 != 14))
		error = conf_error(cfg, "multicast",
				   "'%s' is no multicast address, which are 224.0.0.0 to 239.255.255.255; those of one site begin with 239",
				   word);
	if (!error)
		error = conf_get_int(cfg, "ttl", 1, 255, &ttl);
	if (!error)
		c->ttl = (unsigned int)ttl;
	return error;
}

static char *read_sync(cfg_t *cfg, const struct auth_keys *keys,
		       const char *path, uint16_t usual, struct conf_sync *c)
{
	long group, port = usual;
	char *error;

	c->standby = strdup(cfg_getstr(cfg, "standby"));
	c->socket = strdup(cfg_getstr(cfg, "standbyd"));
	c->notify = strdup(cfg_getstr(cfg, "notify"));
	c->instance = strdup(cfg_getstr(cfg, "instance"));
	error = conf_get_key(cfg, "key", keys, path, "the other members",
			     &c->key);
	if (!error)
		error = conf_get_int(cfg, "group", 0, UINT16_MAX, &group);
	if (!error && cfg_getint(cfg, "port") != -1)
		error = conf_get_int(cfg, "port", 1, UINT16_MAX, &port);
	if (error)
		return error;
	c->number = (uint16_t)group;
	c->port = (uint16_t)port;
	error = read_optional(cfg, "address", &c->own);
	if (!error)
		error = read_multicast(cfg, c);
	if (!error)
		error = read_optional(cfg, "virtual", &c->virtual);
	if (!error)
		error = read_members(cfg, c);
	if (!error)
		error = read_mode(cfg, c);
	if (!error)
		error = read_share(cfg, c);
	if (!error)
		error = read_acks(cfg, &c->acks);
	if (!error)
		error = read_times(cfg, c);
	return error;
}

char *conf_get_sync(cfg_t *cfg, const struct auth_keys *keys, const char *path,
		    uint16_t port, struct conf_sync **sync)
{
	*sync = calloc(1, sizeof(**sync));
	return *sync ? read_sync(cfg, keys, path, port, *sync) : strdup("out of memory");
}

void conf_sync_free(struct conf_sync *sync)
{
	if (!sync)
		return;
	free(sync->standby);
	free(sync->socket);
	free(sync->notify);
	free(sync->instance);
	free(sync->members);
	free(sync);
}
