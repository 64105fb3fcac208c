// SPDX-License-Identifier: GPL-2.0-or-later
/* What is in roam_tunnel: read, in order, and as JSON. */
#include "roam/cmd/tunnel.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "io/json.h"
#include "roam/list.h"

#define COMPLETE_MAX 200	/* more names than these help nobody */

const char *const tunnel_encap_names[4] = { "ipip", "gre", "minimal", "udp" };
const char *const tunnel_reverse_names[3] = { "none", "direct",
					      "encapsulating" };
static const char *const role_names[] = { "visitor", "own" };

static const char *name_of(const char *const *names, size_t n, uint8_t value)
{
	return value < n ? names[value] : "unknown";
}

#define NAME_OF(names, value) \
	name_of(names, sizeof(names) / sizeof((names)[0]), value)

/* Name of a link, null for none. */
static json_t *json_link(unsigned int index)
{
	char name[IF_NAMESIZE];

	if (!index)
		return json_null();
	return if_indextoname(index, name) ? json_string(name) :
					     json_sprintf("#%u", index);
}

static json_t *json_port(uint8_t encap, uint16_t port)
{
	return encap == ROAM_TUNNEL_ENCAP_UDP ? json_integer(port) : json_null();
}

static json_t *json_left(uint32_t lifetime)
{
	return lifetime ? json_real(lifetime / 1000.0) : json_null();
}

static json_t *json_mac(const uint8_t *mac)
{
	static const uint8_t none[TUNNEL_MAC_LEN];

	if (!memcmp(mac, none, sizeof(none)))
		return json_null();
	return json_sprintf("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
			    mac[2], mac[3], mac[4], mac[5]);
}

static json_t *json_endpoint_of(const struct tunnel_endpoint *e)
{
	return json_pack("{so so ss so so}",
			 "care_of", json_addr(&e->coa),
			 "agent", json_addr(&e->local),
			 "encap", NAME_OF(tunnel_encap_names, e->encap),
			 "own_port", json_port(e->encap, e->sport),
			 "peer_port", json_port(e->encap, e->dport));
}

static json_t *json_binding(const struct tunnel_binding *b)
{
	json_t *care_of = json_array(), *endpoints = json_array();

	for (size_t i = 0; i < b->n_endpoints; i++) {
		json_array_append_new(care_of, json_addr(&b->endpoints[i].coa));
		json_array_append_new(endpoints,
				      json_endpoint_of(&b->endpoints[i]));
	}
	return json_pack("{so so ss so so sb sb sb so sf so}",
			 "home", json_addr(&b->home),
			 "care_of", care_of,
			 "encap", NAME_OF(tunnel_encap_names,
					  b->endpoints[0].encap),
			 "device", json_link(b->device),
			 "home_link", json_link(b->home_link),
			 "broadcast",
			 !!(b->flags & ROAM_TUNNEL_BINDING_FLAG_BROADCAST),
			 "colocated",
			 !!(b->flags & ROAM_TUNNEL_BINDING_FLAG_COLOCATED),
			 "reverse",
			 !!(b->flags & ROAM_TUNNEL_BINDING_FLAG_REVERSE),
			 "expires_in", json_left(b->lifetime),
			 "idle", b->idle / 1000.0,
			 "endpoints", endpoints);
}

static json_t *json_visitor(const struct tunnel_visitor *v)
{
	bool tunnel = v->n_agents;
	json_t *agents = json_array();

	for (size_t i = 0; i < v->n_agents; i++)
		json_array_append_new(agents, json_addr(&v->agents[i]));
	return json_pack("{so ss so so so so so so so so ss so sf}",
			 "home", json_addr(&v->home),
			 "role", NAME_OF(role_names, v->role),
			 "link", json_link(v->link),
			 "mac", json_mac(v->mac),
			 "agents", agents,
			 "care_of", tunnel ? json_addr(&v->coa) : json_null(),
			 "encap", tunnel ? json_string(
				NAME_OF(tunnel_encap_names, v->encap)) :
				json_null(),
			 "own_port", tunnel ? json_port(v->encap, v->sport) :
					      json_null(),
			 "peer_port", tunnel ? json_port(v->encap, v->dport) :
					       json_null(),
			 "device", json_link(v->device),
			 "reverse", NAME_OF(tunnel_reverse_names, v->reverse),
			 "expires_in", json_left(v->lifetime),
			 "idle", v->idle / 1000.0);
}

static void append_binding(void *ctx, const struct tunnel_binding *b)
{
	list_append(ctx, b);
}

static int compare_bindings(const void *a, const void *b)
{
	const struct tunnel_binding *ba = a, *bb = b;

	return roam_addr_cmp(&ba->home, &bb->home);
}

static void append_visitor(void *ctx, const struct tunnel_visitor *v)
{
	list_append(ctx, v);
}

static int compare_visitors(const void *a, const void *b)
{
	const struct tunnel_visitor *va = a, *vb = b;

	return roam_addr_cmp(&va->home, &vb->home);
}

int tunnel_read_bindings(struct genl *genl, struct list *list,
			 bool *interrupted)
{
	int ret;

	*list = LIST_OF(struct tunnel_binding);
	ret = tunnel_binding_dump(genl, append_binding, list, interrupted);
	if (ret)
		list_free(list);
	list_sort(list, compare_bindings);
	return ret;
}

int tunnel_read_visitors(struct genl *genl, struct list *list,
			 bool *interrupted)
{
	int ret;

	*list = LIST_OF(struct tunnel_visitor);
	ret = tunnel_visitor_dump(genl, append_visitor, list, interrupted);
	if (ret)
		list_free(list);
	list_sort(list, compare_visitors);
	return ret;
}

json_t *tunnel_json_bindings(const struct list *list, size_t max)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->n && i < max; i++)
		json_array_append_new(array, json_binding(list_at(list, i)));
	return array;
}

json_t *tunnel_json_visitors(const struct list *list, size_t max)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->n && i < max; i++)
		json_array_append_new(array, json_visitor(list_at(list, i)));
	return array;
}

json_t *tunnel_complete_homes(void)
{
	struct list list = LIST_OF(struct tunnel_binding);
	struct genl *genl = tunnel_open(NULL);
	json_t *array = json_array();

	if (genl && !tunnel_read_bindings(genl, &list, NULL)) {
		for (size_t i = 0; i < list.n && i < COMPLETE_MAX; i++) {
			const struct tunnel_binding *b = list_at(&list, i);

			json_array_append_new(array, json_addr(&b->home));
		}
	}
	list_free(&list);
	genl_close(genl);
	return array;
}

json_t *tunnel_complete_visitors(void)
{
	struct list list = LIST_OF(struct tunnel_visitor);
	struct genl *genl = tunnel_open(NULL);
	json_t *array = json_array();

	if (genl && !tunnel_read_visitors(genl, &list, NULL)) {
		for (size_t i = 0; i < list.n && i < COMPLETE_MAX; i++) {
			const struct tunnel_visitor *v = list_at(&list, i);

			json_array_append_new(array, json_addr(&v->home));
		}
	}
	list_free(&list);
	genl_close(genl);
	return array;
}

json_t *tunnel_json_config(const struct tunnel_config *c)
{
	return json_pack("{sI sf sI sf sI sI sb}",
			 "ttl", (json_int_t)c->ttl,
			 "grace", c->grace / 1000.0,
			 "announce_count", (json_int_t)c->announce_count,
			 "announce_time", c->announce_interval / 1000.0,
			 "max_bindings", (json_int_t)c->max_bindings,
			 "max_visitors", (json_int_t)c->max_visitors,
			 "silent", c->silent);
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

int tunnel_read_stats(struct genl *genl, json_t **object)
{
	int ret;

	*object = json_object();
	ret = tunnel_stats_get(genl, append_counter, *object);
	if (ret)
		json_decref(*object);
	return ret;
}

json_t *tunnel_json_event(const struct nlmsghdr *nlh)
{
	static const char *const reasons[] = { "new", "moved", "deleted",
					       "expired", "refreshed" };
	struct tunnel_event event;
	json_t *json;

	if (!tunnel_event_decode(nlh, &event))
		return NULL;
	json = json_pack("{ss}", "event", NAME_OF(reasons, event.reason));
	json_object_update_new(json,
			       event.cmd == ROAM_TUNNEL_CMD_BINDING_NTF ?
			       json_binding(&event.binding) :
			       json_visitor(&event.visitor));
	return json;
}

void tunnel_report(struct genl *genl, json_t *report, size_t rows)
{
	struct tunnel_config config;
	struct list list;

	if (!tunnel_config_get(genl, &config))
		json_object_set_new(report, "tunnel_settings",
				    tunnel_json_config(&config));
	if (!tunnel_read_bindings(genl, &list, NULL)) {
		json_object_set_new(report, "tunnel_bindings",
				    tunnel_json_bindings(&list, rows));
		list_free(&list);
	}
	if (!tunnel_read_visitors(genl, &list, NULL)) {
		json_object_set_new(report, "tunnel_visitors",
				    tunnel_json_visitors(&list, rows));
		list_free(&list);
	}
}

bool tunnel_serves(const struct roam_addr *addr)
{
	static struct genl *genl;
	struct tunnel_visitor visitor;
	struct tunnel_binding binding;

	if (!roam_addr_is_v4(addr))
		return false;
	if (!genl)
		genl = tunnel_open(NULL);
	if (!genl)
		return false;
	return !tunnel_binding_get(genl, addr, &binding) ||
	       (!tunnel_visitor_get(genl, addr, &visitor) &&
		visitor.role == ROAM_TUNNEL_ROLE_OWN);
}
