// SPDX-License-Identifier: GPL-2.0-or-later
#include "hlrd/show.h"

#include <stdlib.h>

#include "hlrd/server.h"
#include "io/daemon.h"
#include "io/json.h"

struct list {
	const struct hlr_mapping **items;
	size_t n;
};

static void append(void *ctx, const struct hlr_mapping *m)
{
	struct list *list = ctx;

	list->items[list->n++] = m;
}

static int compare(const void *a, const void *b)
{
	const struct hlr_mapping *const *ma = a, *const *mb = b;

	return roam_addr_cmp(&(*ma)->perm, &(*mb)->perm);
}

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

static json_t *show(void *ctx, const json_t *args, struct control_error *error)
{
	const char *word = json_string_value(json_object_get(args, "permanent"));
	struct server *server = ctx;
	struct list list = { NULL, 0 };
	msec_t now = daemon_now();
	json_t *result = json_array();

	if (word) {
		const struct hlr_mapping *m;
		struct roam_addr perm;

		if (!roam_addr_parse(word, &perm)) {
			json_decref(result);
			control_refuse(error, "usage",
				       "give an address such as 10.77.0.5",
				       "'%s' is no IP address", word);
			return NULL;
		}
		m = hlr_find(server->hlr, now, &perm);
		if (m)
			json_array_append_new(result, json_mapping(m, now));
		return result;
	}
	list.items = calloc(hlr_count(server->hlr) + 1, sizeof(*list.items));
	hlr_foreach(server->hlr, now, append, &list);
	qsort(list.items, list.n, sizeof(*list.items), compare);
	for (size_t i = 0; i < list.n; i++)
		json_array_append_new(result, json_mapping(list.items[i], now));
	free(list.items);
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
