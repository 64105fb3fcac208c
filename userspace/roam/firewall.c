// SPDX-License-Identifier: GPL-2.0-or-later
#include "roam/firewall.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NFT_MAX (8 << 20)	/* bytes of rules looked through */

json_t *firewall_read(void)
{
	FILE *pipe = popen("nft -j list ruleset 2>/dev/null", "re");
	json_t *document, *rules;
	char *text;
	size_t n;

	if (!pipe)
		return NULL;
	text = malloc(NFT_MAX);
	n = fread(text, 1, NFT_MAX, pipe);
	document = pclose(pipe) ? NULL : json_loadb(text, n, 0, NULL);
	free(text);
	rules = json_incref(json_object_get(document, "nftables"));
	json_decref(document);
	return rules;
}

const json_t *firewall_flowtable(const json_t *rules, size_t *at)
{
	while (*at < json_array_size(rules)) {
		const json_t *flowtable;

		flowtable = json_object_get(json_array_get(rules, (*at)++),
					    "flowtable");
		if (flowtable)
			return flowtable;
	}
	return NULL;
}

static bool is_string(const json_t *object, const char *key, const char *value)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s && !strcmp(s, value);
}

bool firewall_drops_input(const json_t *rules)
{
	json_t *entry;
	size_t i;

	json_array_foreach(rules, i, entry) {
		const json_t *chain = json_object_get(entry, "chain");

		if (is_string(chain, "hook", "input") &&
		    is_string(chain, "policy", "drop"))
			return true;
	}
	return false;
}

static bool has_flag(const json_t *flags, const char *flag)
{
	json_t *item;
	size_t i;

	json_array_foreach(flags, i, item)
		if (json_is_string(item) && !strcmp(json_string_value(item), flag))
			return true;
	return false;
}

bool firewall_checks_source(const json_t *rules)
{
	const json_t *fib = json_object_get(rules, "fib");
	const json_t *flags = json_object_get(fib, "flags");
	const char *key;
	json_t *item;
	size_t i;

	if (is_string(fib, "result", "oif") && has_flag(flags, "saddr") &&
	    has_flag(flags, "iif"))
		return true;
	json_array_foreach(rules, i, item)
		if (firewall_checks_source(item))
			return true;
	json_object_foreach((json_t *)rules, key, item)
		if (firewall_checks_source(item))
			return true;
	return false;
}

/* A number anywhere within, alone or as part of a range. */
static bool names_number(const json_t *value, json_int_t number)
{
	const json_t *range = json_object_get(value, "range");
	const char *key;
	json_t *item;
	size_t i;

	if (json_is_integer(value))
		return json_integer_value(value) == number;
	if (range && json_integer_value(json_array_get(range, 0)) <= number &&
	    json_integer_value(json_array_get(range, 1)) >= number)
		return true;
	json_array_foreach(value, i, item)
		if (names_number(item, number))
			return true;
	json_object_foreach((json_t *)value, key, item)
		if (strcmp(key, "handle") && names_number(item, number))
			return true;
	return false;
}

bool firewall_names_port(const json_t *rules, unsigned int port)
{
	return names_number(rules, port);
}

/* The chain that a rule is in. */
static const json_t *chain_of(const json_t *rules, const json_t *rule)
{
	json_t *entry;
	size_t i;

	json_array_foreach(rules, i, entry) {
		json_t *chain = json_object_get(entry, "chain");

		if (chain &&
		    json_equal(json_object_get(chain, "family"),
			       json_object_get(rule, "family")) &&
		    json_equal(json_object_get(chain, "table"),
			       json_object_get(rule, "table")) &&
		    json_equal(json_object_get(chain, "name"),
			       json_object_get(rule, "chain")))
			return chain;
	}
	return NULL;
}

/* Does "ADDRESS", or {"prefix": {"addr": ..., "len": ...}}, hold @addr? */
static bool holds_addr(const json_t *value, const struct roam_addr *addr)
{
	const json_t *p = json_object_get(value, "prefix");
	char text[ROAM_PREFIX_STRLEN + 16];
	struct roam_prefix prefix;

	if (json_is_string(value))
		snprintf(text, sizeof(text), "%s", json_string_value(value));
	else if (p)
		snprintf(text, sizeof(text), "%s/%d",
			 json_string_value(json_object_get(p, "addr")),
			 (int)json_integer_value(json_object_get(p, "len")));
	else
		return true;
	return !roam_prefix_parse(text, &prefix) ||
	       roam_prefix_contains(&prefix, addr);
}

static bool names_device(const json_t *value, const char *device)
{
	const char *name = json_string_value(value);
	size_t len = name ? strlen(name) : 0;

	if (!len)
		return true;
	if (name[len - 1] == '*')
		return !strncmp(name, device, len - 1);
	return !strcmp(name, device);
}

/* A list of values, or {"set": [...]}, or one value. */
static bool any_of(const json_t *value, bool (*test)(const json_t *, const void *),
		   const void *wanted)
{
	const json_t *set = json_object_get(value, "set");
	json_t *item;
	size_t i;

	if (!set)
		return test(value, wanted);
	json_array_foreach(set, i, item)
		if (test(item, wanted))
			return true;
	return false;
}

static bool test_addr(const json_t *value, const void *addr)
{
	return holds_addr(value, addr);
}

static bool test_device(const json_t *value, const void *device)
{
	return names_device(value, device);
}

static bool match_applies(const json_t *match, const struct roam_addr *source,
			  const char *device)
{
	const json_t *left = json_object_get(match, "left");
	const json_t *right = json_object_get(match, "right");
	const json_t *payload = json_object_get(left, "payload");
	const json_t *meta = json_object_get(left, "meta");
	bool equal = is_string(match, "op", "==");

	if (!equal && !is_string(match, "op", "!="))
		return true;
	if (is_string(payload, "field", "saddr"))
		return any_of(right, test_addr, source) == equal;
	if (is_string(meta, "key", "oifname") || is_string(meta, "key", "oif"))
		return any_of(right, test_device, device) == equal;
	return true;
}

static bool changes_source(const json_t *expr)
{
	const json_t *xt = json_object_get(expr, "xt");

	/* The second is what iptables writes. */
	return json_object_get(expr, "masquerade") ||
	       json_object_get(expr, "snat") ||
	       is_string(xt, "name", "MASQUERADE") ||
	       is_string(xt, "name", "SNAT");
}

static bool rule_applies(const json_t *rule, const struct roam_addr *source,
			 const char *device)
{
	bool changes = false;
	json_t *expr;
	size_t i;

	json_array_foreach(json_object_get(rule, "expr"), i, expr) {
		const json_t *match = json_object_get(expr, "match");

		if (match && !match_applies(match, source, device))
			return false;
		changes |= changes_source(expr);
	}
	return changes;
}

const json_t *firewall_masquerades(const json_t *rules,
				   const struct roam_addr *source,
				   const char *device)
{
	json_t *entry;
	size_t i;

	json_array_foreach(rules, i, entry) {
		const json_t *rule = json_object_get(entry, "rule");
		const json_t *chain;

		if (!rule || !rule_applies(rule, source, device))
			continue;
		/* A chain without a hook is called from somewhere. */
		chain = chain_of(rules, rule);
		if (!json_object_get(chain, "hook") ||
		    is_string(chain, "hook", "postrouting"))
			return rule;
	}
	return NULL;
}
