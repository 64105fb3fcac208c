// SPDX-License-Identifier: GPL-2.0-or-later
#include "hlrd/show.h"

#include <stdlib.h>

#include "hlrd/server.h"
#include "io/daemon.h"
#include "io/json.h"

static json_t *json_mapping(const struct hlr_mapping *m, msec_t now)
{
	return json_pack("{so so sI so sI sb}",
			 "permanent", json_addr(&m->perm),
			 "care_of", json_addr(&m->coa),
			 "sequence", (json_int_t)m->seq,
			 "expires_in", json_until(now, m->expires),
			 "key", (json_int_t)m->key_id,
			 "at_home", !!(m->flags & LR_FLAG_AT_HOME));
}

#define SLICE 500	/* mappings looked at between requests, about 2 ms */

/**
 * struct part - what one slice of the listing is put into
 * @list: it
 * @now: the time
 */
struct part {
	json_t *list;
	msec_t now;
};

static void append(void *ctx, const struct hlr_change *c)
{
	const struct part *part = ctx;

	if (c->kind == HLR_CHANGE_MAPPING && c->after.expires > part->now &&
	    !roam_addr_is_none(&c->after.coa))
		json_array_append_new(part->list,
				      json_mapping(&c->after, part->now));
}

/*
 * In the order of the table: to sort them, all of them would have to be held. One
 * that moves in the table meanwhile may stand there twice.
 */
static bool show_part(void *ctx, void *state, json_t *list)
{
	struct part part = { list, daemon_now() };
	struct hlr_cursor *cursor = state;
	struct server *server = ctx;

	hlr_walk(server->hlr, cursor, SLICE, append, &part);
	return !cursor->keys && !cursor->end;
}

static json_t *show(void *ctx, const json_t *args, struct control_error *error)
{
	const char *word = json_string_value(json_object_get(args, "permanent"));
	const struct hlr_mapping *m;
	struct server *server = ctx;
	msec_t now = daemon_now();
	struct roam_addr perm;
	json_t *result;

	if (!word) {
		error->parts.next = show_part;
		error->parts.state = calloc(1, sizeof(struct hlr_cursor));
		if (!error->parts.state)
			error->parts.next = NULL;
		return NULL;
	}
	if (!roam_addr_parse(word, &perm)) {
		control_refuse(error, "usage",
			       "give an address such as 10.77.0.5",
			       "'%s' is no IP address", word);
		return NULL;
	}
	result = json_array();
	m = hlr_find(server->hlr, now, &perm);
	if (m)
		json_array_append_new(result, json_mapping(m, now));
	return result;
}

static json_t *status(void *ctx, const json_t *args, struct control_error *error)
{
	struct server *server = ctx;
	json_t *listen = json_array();

	(void)args;
	(void)error;
	for (size_t i = 0; channel_at(server->channel, i); i++) {
		const struct conf_endpoint *e =
			channel_endpoint(channel_at(server->channel, i));

		json_array_append_new(listen, json_endpoint(&e->addr, e->port));
	}
	return json_status("roam-hlrd", daemon_now(), server->started,
		json_pack("{sI sI sI so sb ss ss*}",
			  "mappings", (json_int_t)hlr_count(server->hlr),
			  "hosts", (json_int_t)server->config->n_hosts,
			  "see_all", (json_int_t)server->config->n_see_all,
			  "listen", listen,
			  "loading", server->loading,
			  "store", server->store_error ? "failing" : "ok",
			  "store_error", server->store_error));
}

static json_t *counters(void *ctx, const json_t *args,
			struct control_error *error)
{
	struct server *server = ctx;
	const struct server_counters *c = &server->counters;
	json_t *object = json_object();

	(void)args;
	(void)error;
	channel_add_counters(server->channel, object);
	json_add_counter(object, "", "queries", c->queries);
	json_add_counter(object, "", "updates", c->updates);
	json_add_counter(object, "", "replies", c->replies);
	json_add_counter(object, "", "expired", c->expired);
	json_add_counter(object, "", "cloned", c->cloned);
	json_add_counter(object, "", "commits", c->commits);
	json_add_counter(object, "", "store_failures", c->store_failures);
	json_add_counter(object, "", "challenges", c->challenges);
	for (int i = LR_OK; i < LR_STATUS_MAX; i++)
		json_add_counter(object, "status_", lr_status_name(i),
				 c->status[i]);
	return object;
}

static json_t *json_key(const struct server *server,
			const struct config_key *key)
{
	const struct config_host *host = &server->config->hosts[key->host];
	const struct hlr_rights *rights = &host->rights;
	char fingerprint[17];

	auth_key_fingerprint(auth_keys_find(server->config->keys, key->id),
			     fingerprint);
	return json_pack("{sI ss ss so sb so so}",
			 "key", (json_int_t)key->id,
			 "host", host->name,
			 "fingerprint", fingerprint,
			 "permanent", json_prefixes(rights->permanent,
						    rights->n_permanent),
			 "query", rights->may_query,
			 "visible", json_prefixes(rights->visible,
						  rights->n_visible),
			 "care_of", json_prefixes(rights->care_of,
						  rights->n_care_of));
}

static json_t *keys(void *ctx, const json_t *args, struct control_error *error)
{
	struct server *server = ctx;
	json_t *result = json_array();

	(void)args;
	(void)error;
	for (size_t i = 0; i < server->config->n_host_keys; i++)
		json_array_append_new(result,
			json_key(server, &server->config->host_keys[i]));
	return result;
}

const struct control_command show_commands[] = {
	{ "show", show, false, "mappings; args: permanent" },
	{ "status", status, false, "state of the register" },
	{ "counters", counters, false, "counters since the start" },
	{ "keys", keys, false, "key ids, fingerprints and rights" },
	{ NULL, NULL, false, NULL },
};
