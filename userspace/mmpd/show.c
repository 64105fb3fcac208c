// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "io/daemon.h"
#include "io/json.h"
#include "mmpd/mmpd.h"

const char *mac_format(const uint8_t mac[6], char *buf)
{
	snprintf(buf, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
		 mac[2], mac[3], mac[4], mac[5]);
	return buf;
}

static json_t *json_name(const struct mmp_name *name)
{
	char text[MMP_NAME_LEN + 1];

	return *name->b ? json_string(mmp_name_format(name, text)) :
			  json_null();
}

static const char *link_name(const struct mmpd *mmpd, uint32_t index)
{
	const struct mmpd_link *link = mmpd_link(mmpd, index);

	return link ? link->link.name : "gone";
}

/* Whom a neighbour is known as, if it ever said so. */
static json_t *json_neighbour(const struct mmpd *mmpd, const struct mmp_hop *hop)
{
	const struct mmp_gateway *gateways;
	const struct mmp_below *below;
	size_t n;

	below = mmp_node_below(mmpd->node, &n);
	for (size_t i = 0; i < n; i++)
		if (mmp_hop_eq(&below[i].hop, hop))
			return json_name(&below[i].name);
	gateways = mmp_node_gateways(mmpd->node, &n);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < gateways[i].n_uplinks; j++)
			if (mmp_hop_eq(&gateways[i].uplinks[j].hop, hop))
				return json_name(&gateways[i].uplinks[j].name);
	return json_null();
}

static json_t *json_hop(const struct mmpd *mmpd, const struct mmp_hop *hop)
{
	char mac[18];

	return json_pack("{ss ss so}", "link", link_name(mmpd, hop->link),
			 "mac", mac_format(hop->mac, mac),
			 "node", json_neighbour(mmpd, hop));
}

static bool needs_node(const struct mmpd *mmpd, struct control_error *error)
{
	if (mmpd->node)
		return true;
	control_refuse(error, "refused",
		       mmpd->host ? "roam mmp stations" : "roam mmp routes",
		       "this is a %s; it has no entries",
		       mmpd->host ? "mobile host" : "border router");
	return false;
}

static bool needs_host(const struct mmpd *mmpd, struct control_error *error)
{
	if (mmpd->host)
		return true;
	control_refuse(error, "refused", "roam mmp show",
		       "this is no mobile host");
	return false;
}

/* ---- status and counters ---- */

static json_t *node_status(struct mmpd *mmpd)
{
	const struct mmp_gateway *gw;
	const struct mmp_below *below;
	uint32_t epoch, seq;
	size_t n, n_below;
	json_t *more;

	gw = mmp_node_gateways(mmpd->node, &n);
	below = mmp_node_below(mmpd->node, &n_below);
	(void)below;
	mmp_node_own(mmpd->node, &epoch, &seq);
	more = json_pack("{ss so sI si}",
			 "role", mmp_role_name(mmpd->config->node.role),
			 "name", json_name(&mmpd->config->node.name),
			 "domain", (json_int_t)mmpd->config->node.domain,
			 "nodes_below", (int)n_below);
	if (mmpd->config->node.role == MMP_ROLE_GATEWAY) {
		json_object_set_new(more, "gateway",
				    json_addr(&mmpd->config->node.gateway));
		json_object_set_new(more, "epoch", json_integer(epoch));
		json_object_set_new(more, "beacon", json_integer(seq));
	} else if (n && gw[0].n_usable) {
		json_object_set_new(more, "gateway", json_addr(&gw[0].addr));
		json_object_set_new(more, "epoch", json_integer(gw[0].epoch));
		json_object_set_new(more, "beacon", json_integer(gw[0].seq));
	} else {
		json_object_set_new(more, "gateway", json_null());
	}
	return more;
}

static json_t *host_status(struct mmpd *mmpd)
{
	const struct mmp_station *s = mmp_host_station(mmpd->host);
	json_t *addrs = json_array();

	for (size_t i = 0; i < mmpd->n_addrs; i++)
		json_array_append_new(addrs,
				      json_addr(&mmpd->addrs[i]));
	return json_pack("{ss ss so so so sI so}",
			 "role", "host",
			 "state", mmp_host_state_name(mmp_host_state(mmpd->host)),
			 "base_station", s ? json_name(&s->beacon.name) :
					     json_null(),
			 "gateway", s ? json_addr(&s->beacon.gateway) :
					json_null(),
			 "addresses", addrs,
			 "domain", s ? (json_int_t)s->beacon.domain : 0,
			 "link", s ? json_string(link_name(mmpd, s->hop.link)) :
				     json_null());
}

static void count_route(void *ctx, const struct mmp_border_route *route)
{
	(void)route;
	(*(size_t *)ctx)++;
}

static json_t *border_status(struct mmpd *mmpd)
{
	size_t n = 0;

	mmp_border_each(mmpd->border, count_route, &n);
	return json_pack("{ss so sI sI}", "role", "border", "name",
			 json_name(&mmpd->config->border.name),
			 "domain", (json_int_t)mmpd->config->node.domain,
			 "routes", (json_int_t)n);
}

static json_t *status(void *ctx, const json_t *args, struct control_error *error)
{
	struct mmpd *mmpd = ctx;

	(void)args;
	(void)error;
	return json_status("roam-mmpd", daemon_now(), mmpd->started,
			   mmpd->host ? host_status(mmpd) :
			   mmpd->node ? node_status(mmpd) :
					border_status(mmpd));
}

/* Names of types hold spaces. */
static void add_types(json_t *object, const char *prefix, const uint64_t *n)
{
	char name[64];

	for (int i = MMP_GATEWAY_BEACON; i <= MMP_TYPE_MAX; i++) {
		snprintf(name, sizeof(name), "%s", mmp_type_name((uint8_t)i));
		for (char *c = name; *c; c++)
			if (*c == ' ')
				*c = '_';
		json_add_counter(object, prefix, name, n[i]);
	}
}

static json_t *counters(void *ctx, const json_t *args,
			struct control_error *error)
{
	struct mmpd *mmpd = ctx;
	json_t *object = json_object();

	(void)args;
	(void)error;
	add_types(object, "received_", mmpd->counters.received);
	add_types(object, "sent_", mmpd->counters.sent);
	json_add_counter(object, "", "send_errors",
			 mmpd->counters.send_errors);
	json_add_counter(object, "", "handoffs", mmpd->n_records);
	for (int i = MMP_DROP_NONE + 1; i < MMP_DROP_MAX; i++)
		json_add_counter(object, "drop_",
				 mmp_drop_name((enum mmp_drop)i),
				 mmpd->counters.drop[i]);
	return object;
}

/* ---- a node ---- */

struct list {
	struct mmpd *mmpd;
	json_t *array;
};

static void append_route(void *ctx, const struct mmp_route *route)
{
	struct list *list = ctx;
	json_t *hops = json_array();

	for (unsigned int i = 0; i < route->entry.n; i++)
		json_array_append_new(hops,
				      json_hop(list->mmpd,
					       &route->entry.hops[i]));
	json_array_append_new(list->array,
		json_pack("{so ss so sI so so}",
			  "host", json_addr(&route->entry.addr),
			  "link", link_name(list->mmpd,
					    route->entry.hops[0].link),
			  "downlinks", hops,
			  "sequence", (json_int_t)route->entry.seq,
			  "expires_in", json_seconds(route->left),
			  "second_expires_in", route->entry.n > 1 ?
				json_seconds(route->second_left) :
				json_null()));
}

static json_t *show(void *ctx, const json_t *args, struct control_error *error)
{
	const char *word = json_string_value(json_object_get(args, "host"));
	struct mmpd *mmpd = ctx;
	struct list list = { mmpd, NULL };
	struct mmp_route route;
	struct roam_addr addr;
	int err;

	if (!needs_node(mmpd, error))
		return NULL;
	if (word && !roam_addr_parse(word, &addr)) {
		control_refuse(error, "usage", "give an address such as 10.7.0.99",
			       "'%s' is no IP address", word);
		return NULL;
	}
	list.array = json_array();
	if (word) {
		err = mmp_route_get(mmpd->kernel, &addr, &route);
		if (!err)
			append_route(&list, &route);
		if (err == -ENOENT)
			err = 0;
	} else {
		err = mmp_route_dump(mmpd->kernel, append_route, &list, NULL);
	}
	if (!err)
		return list.array;
	json_decref(list.array);
	control_refuse(error, "unavailable", "lsmod | grep roam_mmp",
		       "the module does not tell: %s",
		       genl_error(mmpd->kernel));
	return NULL;
}

static void append_host_route(void *ctx, const struct mmp_border_route *route)
{
	json_array_append_new(ctx, json_pack("{so so sI sb}",
		"host", json_addr(&route->coa), "gateway",
		json_addr(&route->via), "sequence", (json_int_t)route->seq,
		"own", route->own));
}

static json_t *routes(void *ctx, const json_t *args, struct control_error *error)
{
	struct mmpd *mmpd = ctx;
	json_t *array;

	(void)args;
	if (!mmpd->border) {
		control_refuse(error, "refused", "man roam-mmpd",
			       "there are no host routes here: 'border' has no peers");
		return NULL;
	}
	array = json_array();
	mmp_border_each(mmpd->border, append_host_route, array);
	return array;
}

static json_t *json_uplink(const struct mmpd *mmpd, const struct mmp_gateway *gw,
			   size_t i, bool primary, msec_t now)
{
	const struct mmp_uplink *u = &gw->uplinks[i];
	const char *class = "secondary";
	char mac[18];

	if (i >= gw->n_usable)
		class = now >= u->proved ? "one-way or silent" : "down";
	else if (!i && primary)
		class = "primary";
	/* The core counts these in microseconds. */
	return json_pack("{so so ss ss ss sf sf sf so si si}",
			 "gateway", json_addr(&gw->addr),
			 "node", json_name(&u->name),
			 "link", link_name(mmpd, u->hop.link),
			 "mac", mac_format(u->hop.mac, mac),
			 "class", class,
			 "delay", u->delay / 1e6,
			 "round_trip", u->rtt / 1e6,
			 "lateness", u->lateness / 1e6,
			 "heard", json_seconds(now - u->heard),
			 "beacons", (int)u->span,
			 "missing", (int)u->span -
				    __builtin_popcount(u->history));
}

static json_t *uplinks(void *ctx, const json_t *args,
		       struct control_error *error)
{
	struct mmpd *mmpd = ctx;
	const struct mmp_gateway *gw;
	json_t *array;
	size_t n;

	(void)args;
	if (!needs_node(mmpd, error))
		return NULL;
	array = json_array();
	gw = mmp_node_gateways(mmpd->node, &n);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < gw[i].n_uplinks; j++)
			json_array_append_new(array,
				json_uplink(mmpd, &gw[i], j,
					    !i && gw[i].n_usable,
					    daemon_now()));
	return array;
}

static json_t *tree_row(int level, const char *is, json_t *node, json_t *link,
			json_t *detail)
{
	return json_pack("{si ss so so so}", "level", level, "is", is, "node",
			 node, "link", link, "detail", detail);
}

/* From the gateway down to this node, then the nodes below. */
static json_t *tree(void *ctx, const json_t *args, struct control_error *error)
{
	struct mmpd *mmpd = ctx;
	const struct mmp_gateway *gw;
	const struct mmp_below *below;
	json_t *array;
	size_t n;
	int level = 0;

	(void)args;
	if (!needs_node(mmpd, error))
		return NULL;
	array = json_array();
	gw = mmp_node_gateways(mmpd->node, &n);
	if (n && gw[0].n_usable) {
		const struct mmp_msg *b = &gw[0].uplinks[0].last;

		for (int i = 0; i < b->n_path; i++, level++)
			json_array_append_new(array,
				tree_row(level, i ? "above" : "gateway",
					 json_name(&b->path[i]),
					 i + 1 < b->n_path ? json_null() :
					 json_string(link_name(mmpd,
						gw[0].uplinks[0].hop.link)),
					 i ? json_null() :
					     json_addr(&gw[0].addr)));
	}
	json_array_append_new(array,
		tree_row(level++, "this", json_name(&mmpd->config->node.name),
			 json_null(),
			 json_string(mmp_role_name(mmpd->config->node.role))));
	below = mmp_node_below(mmpd->node, &n);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(array,
			tree_row(level, "below", json_name(&below[i].name),
				 json_string(link_name(mmpd,
						       below[i].hop.link)),
				 json_null()));
	return array;
}

static json_t *trace_rows(const struct mmpd_trace *trace)
{
	json_t *array = json_array();

	for (size_t i = 0; i < trace->n; i++) {
		const struct mmp_msg *m = &trace->answers[i];

		for (unsigned int j = 0; j < m->n_trace; j++) {
			const struct mmp_hop_state *hop = &m->trace[j];

			json_array_append_new(array,
				json_pack("{si si so ss si so sI}",
					  "branch", (int)i, "level", (int)j,
					  "node", json_name(&hop->name),
					  "role", mmp_role_name(hop->role),
					  "downlinks", hop->downlinks,
					  "expires_in", hop->downlinks ?
						json_seconds(hop->left) :
						json_null(),
					  "sequence", (json_int_t)hop->seq));
		}
	}
	return array;
}

/*
 * A new question, or with "again" what came since the last one: the answers take as
 * long as the way there and back, and who asks waits for them.
 */
static json_t *trace(void *ctx, const json_t *args, struct control_error *error)
{
	const char *word = json_string_value(json_object_get(args, "host"));
	struct mmpd *mmpd = ctx;
	struct mmpd_trace *trace = &mmpd->trace;
	struct roam_addr addr;

	if (!needs_node(mmpd, error))
		return NULL;
	if (!word || !roam_addr_parse(word, &addr)) {
		control_refuse(error, "usage", "give an address such as 10.7.0.99",
			       "'%s' is no IP address", word ? word : "");
		return NULL;
	}
	if (!json_is_true(json_object_get(args, "again")) ||
	    !roam_addr_eq(&addr, &trace->addr)) {
		*trace = (struct mmpd_trace){ .addr = addr };
		trace->nonce = mmp_node_trace(mmpd->node, daemon_now(), &addr);
	}
	return trace_rows(trace);
}

/* ---- a host ---- */

static json_t *stations(void *ctx, const json_t *args,
			struct control_error *error)
{
	struct mmpd *mmpd = ctx;
	const struct mmp_station *s, *present;
	json_t *array;
	msec_t now = daemon_now();
	size_t n;

	(void)args;
	if (!needs_host(mmpd, error))
		return NULL;
	array = json_array();
	s = mmp_host_stations(mmpd->host, &n);
	present = mmp_host_station(mmpd->host);
	for (size_t i = 0; i < n; i++) {
		char mac[18];

		json_array_append_new(array,
			json_pack("{so ss ss so sI sI so so sb}",
				  "base_station", json_name(&s[i].beacon.name),
				  "link", link_name(mmpd, s[i].hop.link),
				  "mac", mac_format(s[i].hop.mac, mac),
				  "gateway", json_addr(&s[i].beacon.gateway),
				  "domain", (json_int_t)s[i].beacon.domain,
				  "paging", (json_int_t)s[i].beacon.paging,
				  "heard", s[i].heard == MSEC_NEVER ?
					json_null() :
					json_seconds(now - s[i].heard),
				  "avoided_for", now < s[i].avoid ?
					json_seconds(s[i].avoid - now) :
					json_null(),
				  "present", &s[i] == present));
	}
	return array;
}

json_t *json_record(const struct mmp_handoff_record *r)
{
	msec_t now = daemon_now();

	return json_pack("{so so so sI ss so ss so sI sf sI si}",
			 "ago", json_seconds(now - r->at),
			 "from", json_name(&r->from),
			 "to", json_name(&r->to),
			 "domain", (json_int_t)r->domain,
			 "movement", mmp_movement_name(r->movement),
			 "handoff", r->movement != MMP_MOVE_DOMAIN ?
				json_null() :
				json_string(r->handoff == MMP_SEMISOFT ?
					    "semi-soft" : "hard"),
			 "reason", r->reason,
			 "took", r->took < 0 ? json_null() :
					       json_seconds(r->took),
			 "period_ms", (json_int_t)r->period,
			 "skew_ms", r->skew_us / 1000.0,
			 "unheard_ms", (json_int_t)r->unheard,
			 "messages", (int)r->messages);
}

static json_t *handoffs(void *ctx, const json_t *args,
			struct control_error *error)
{
	struct mmpd *mmpd = ctx;
	uint64_t n = mmpd->n_records;
	json_t *array;

	(void)args;
	if (!needs_host(mmpd, error))
		return NULL;
	array = json_array();
	for (uint64_t i = n > MMPD_RECORDS ? n - MMPD_RECORDS : 0; i < n; i++)
		json_array_append_new(array,
			json_record(&mmpd->records[i % MMPD_RECORDS]));
	return array;
}

static json_t *move(void *ctx, const json_t *args, struct control_error *error)
{
	const char *word =
		json_string_value(json_object_get(args, "base_station"));
	struct mmpd *mmpd = ctx;
	struct mmp_name name;

	if (!needs_host(mmpd, error))
		return NULL;
	if (!word || !mmp_name_parse(word, &name)) {
		control_refuse(error, "usage", "roam mmp stations",
			       "give the name of a base station");
		return NULL;
	}
	if (!mmp_host_move(mmpd->host, daemon_now(), &name, "asked for")) {
		control_refuse(error, "refused", "roam mmp stations",
			       "base station '%s' is not heard, or has no gateway",
			       word);
		return NULL;
	}
	mmpd_kick(mmpd);
	return json_array();
}

const struct control_command show_commands[] = {
	{ "status", status, false, "state of this node or host" },
	{ "counters", counters, false, "counters since the start" },
	{ "show", show, false, "entries of a node; args: host" },
	{ "uplinks", uplinks, false, "possible uplinks of a node" },
	{ "tree", tree, false, "the domain as a node sees it" },
	{ "trace", trace, true, "the way from a node to a host; args: host, again" },
	{ "routes", routes, false, "at which gateway hosts are" },
	{ "stations", stations, false, "base stations that a host hears" },
	{ "handoffs", handoffs, false, "what each movement of a host cost" },
	{ "move", move, true, "go to a base station; args: base_station" },
	{ NULL, NULL, false, NULL },
};
