// SPDX-License-Identifier: GPL-2.0-or-later
/* What is in roam_mangle: read, in order, and as JSON. */
#include "roam/cmd/mangle.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "io/json.h"
#include "roam/list.h"

#define COMPLETE_MAX 200	/* more names than these help nobody */

static const char *const role_names[] = { "remote", "own" };
static const char *const state_names[] = { "valid", "null", "pending" };
static const char *const peer_mode_names[] = { "seen", "roam", "plain",
					       "announced" };
const char *const mangle_mode_names[] = { "symmetric", "literal" };
const char *const mangle_policy_names[] = { "pass", "drop" };

static const char *name_of(const char *const *names, size_t n, uint8_t value)
{
	return value < n ? names[value] : "unknown";
}

#define NAME_OF(names, value) \
	name_of(names, sizeof(names) / sizeof((names)[0]), value)

json_t *mangle_json_mapping(const struct mangle_mapping *m)
{
	return json_pack("{so so ss ss ss so sI sf}",
			 "permanent", json_addr(&m->perm),
			 "care_of", json_addr(&m->coa),
			 "role", NAME_OF(role_names, m->role),
			 "state", NAME_OF(state_names, m->state),
			 "mode", NAME_OF(mangle_mode_names, m->mode),
			 "expires_in", m->lifetime ?
				json_real(m->lifetime / 1000.0) : json_null(),
			 "sequence", (json_int_t)m->seq,
			 "idle", m->idle / 1000.0);
}

json_t *mangle_json_peer(const struct mangle_peer *p)
{
	return json_pack("{so so ss sb sf}",
			 "own", json_addr(&p->own),
			 "peer", json_addr(&p->addr),
			 "mode", NAME_OF(peer_mode_names, p->mode),
			 "told", p->told,
			 "idle", p->idle / 1000.0);
}

static void append_mapping(void *ctx, const struct mangle_mapping *m)
{
	list_append(ctx, m);
}

static int compare_mappings(const void *a, const void *b)
{
	const struct mangle_mapping *ma = a, *mb = b;
	int order = roam_addr_cmp(&ma->perm, &mb->perm);

	return order ? order : ma->role - mb->role;
}

static void append_peer(void *ctx, const struct mangle_peer *p)
{
	list_append(ctx, p);
}

static int compare_peers(const void *a, const void *b)
{
	const struct mangle_peer *pa = a, *pb = b;
	int order = roam_addr_cmp(&pa->own, &pb->own);

	return order ? order : roam_addr_cmp(&pa->addr, &pb->addr);
}

int mangle_read_mappings(struct genl *genl, struct list *list,
			 bool *interrupted)
{
	int ret;

	*list = LIST_OF(struct mangle_mapping);
	ret = mangle_mapping_dump(genl, append_mapping, list, interrupted);
	if (ret)
		list_free(list);
	list_sort(list, compare_mappings);
	return ret;
}

int mangle_read_peers(struct genl *genl, struct list *list, bool *interrupted)
{
	int ret;

	*list = LIST_OF(struct mangle_peer);
	ret = mangle_peer_dump(genl, append_peer, list, interrupted);
	if (ret)
		list_free(list);
	list_sort(list, compare_peers);
	return ret;
}

json_t *mangle_json_mappings(const struct list *list, size_t max)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->n && i < max; i++)
		json_array_append_new(array,
				      mangle_json_mapping(list_at(list, i)));
	return array;
}

json_t *mangle_json_peers(const struct list *list, size_t max)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->n && i < max; i++)
		json_array_append_new(array, mangle_json_peer(list_at(list, i)));
	return array;
}

json_t *mangle_complete_perms(void)
{
	struct list list = LIST_OF(struct mangle_mapping);
	struct genl *genl = mangle_open(NULL);
	json_t *array = json_array();

	if (genl && !mangle_read_mappings(genl, &list, NULL)) {
		for (size_t i = 0; i < list.n && i < COMPLETE_MAX; i++) {
			const struct mangle_mapping *m = list_at(&list, i);

			json_array_append_new(array, json_addr(&m->perm));
		}
	}
	list_free(&list);
	genl_close(genl);
	return array;
}

static void append_range(void *ctx, const struct roam_prefix *range)
{
	char text[ROAM_PREFIX_STRLEN];

	json_array_append_new(ctx, json_pack("{ss}", "prefix",
					     roam_prefix_format(range, text)));
}

int mangle_read_ranges(struct genl *genl, json_t **array)
{
	int ret;

	*array = json_array();
	ret = mangle_range_get(genl, append_range, *array);
	if (ret)
		json_decref(*array);
	return ret;
}

static json_t *json_protocols(const struct mangle_config *c)
{
	json_t *protocols = json_array();

	for (size_t i = 0; i < c->n_protocols; i++) {
		const struct protoent *p = getprotobynumber(c->protocols[i]);

		json_array_append_new(protocols, p ?
				      json_string(p->p_name) :
				      json_sprintf("%u", c->protocols[i]));
	}
	return protocols;
}

static json_t *json_numbers_16(const uint16_t *numbers, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, json_integer(numbers[i]));
	return array;
}

static json_t *json_numbers_64(const uint64_t *numbers, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, json_integer(numbers[i]));
	return array;
}

json_t *mangle_json_config(const struct mangle_config *c)
{
	const struct mangle_exempt *e = &c->exempt;

	return json_pack("{so sI sI sf ss sf sI sI sf so so so so so so}",
			 "protocol", json_protocols(c),
			 "hold_packets", (json_int_t)c->hold_packets,
			 "hold_total", (json_int_t)c->hold_total,
			 "hold_time", c->hold_time / 1000.0,
			 "hold_policy", NAME_OF(mangle_policy_names, c->hold_policy),
			 "grace", c->grace / 1000.0,
			 "max_mappings", (json_int_t)c->max_mappings,
			 "max_peers", (json_int_t)c->max_peers,
			 "peer_time", c->peer_time / 1000.0,
			 "exempt_port", json_numbers_16(e->ports, e->n_ports),
			 "exempt_udp_port", json_numbers_16(e->udp_ports,
							    e->n_udp_ports),
			 "exempt_mark", e->mask ?
				json_sprintf("0x%x/0x%x", e->mark, e->mask) :
				json_null(),
			 "exempt_prefix", json_prefixes(e->ranges, e->n_ranges),
			 "exempt_cgroup", json_numbers_64(e->cgroups,
							  e->n_cgroups),
			 "internal", json_prefixes(c->internal, c->n_internal));
}

static void append_counter(void *ctx, const char *name, uint64_t value)
{
	char key[64];

	snprintf(key, sizeof(key), "%s", name);
	for (char *p = key; *p; p++)
		if (*p == '-')
			*p = '_';
	json_object_set_new(ctx, key, json_integer(value));
}

int mangle_read_stats(struct genl *genl, json_t **object)
{
	int ret;

	*object = json_object();
	ret = mangle_stats_get(genl, append_counter, *object);
	if (ret)
		json_decref(*object);
	return ret;
}

json_t *mangle_json_event(const struct nlmsghdr *nlh)
{
	static const char *const reasons[] = { "new", "moved", "deleted",
					       "expired", "refreshed" };
	struct mangle_event event;
	json_t *json;

	if (!mangle_event_decode(nlh, &event))
		return NULL;
	json = json_pack("{ss}", "event",
			 event.reason < sizeof(reasons) / sizeof(reasons[0]) ?
			 reasons[event.reason] : "unknown");
	if (event.cmd == ROAM_MANGLE_CMD_MAPPING_NTF)
		json_object_update_new(json, mangle_json_mapping(&event.mapping));
	else
		json_object_update_new(json, mangle_json_peer(&event.peer));
	return json;
}

void mangle_report(struct genl *genl, json_t *report, size_t rows)
{
	struct mangle_config config;
	struct list list;
	json_t *value;

	if (!mangle_config_get(genl, &config))
		json_object_set_new(report, "mangle_settings",
				    mangle_json_config(&config));
	if (!mangle_read_ranges(genl, &value))
		json_object_set_new(report, "mangle_prefixes", value);
	if (!mangle_read_mappings(genl, &list, NULL)) {
		json_object_set_new(report, "mangle_mappings",
				    mangle_json_mappings(&list, rows));
		list_free(&list);
	}
	if (!mangle_read_peers(genl, &list, NULL)) {
		json_object_set_new(report, "mangle_correspondents",
				    mangle_json_peers(&list, rows));
		list_free(&list);
	}
}
