// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * roam explain: what this host does with TCP to and from an address, and why.
 *
 * What module, daemons and kernel know is gathered first (struct facts); then
 * each of the functions below says its part in sentences, and what to do where
 * something is wrong.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "genl/mangle.h"
#include "io/json.h"
#include "roam/client.h"
#include "roam/cmd/explain.h"
#include "roam/cmd/mangle.h"
#include "roam/host.h"
#include "roam/output.h"
#include "roam/registry.h"
#include "roam/roam.h"

#define SENTENCE_LEN 512

/**
 * struct facts - all that is known about an address
 * @e: the address, and what is said about it
 * @loaded: the module answers
 * @error: why it does not
 * @config: its settings
 * @mapping: the mapping of @addr as a permanent address; NULL if there is none
 * @at: the mapping whose care-of address it is, or NULL
 * @own: the mapping of an own permanent address of this family, or NULL
 * @mappings: all mappings
 * @peers: all correspondents
 * @range: prefix that holds @addr; length 0 and no address if none does
 * @in_range: there is such a prefix
 * @n_ranges: number of prefixes
 * @counters: counters of the module, or NULL
 * @addrs: addresses of this host
 * @lrd: status of roam-lrd, NULL if it does not run
 * @known: what roam-lrd knows of @addr as correspondent, or NULL
 * @registers: what it knows of @addr at the registers, if it is our own
 * @hlrd: entry of the register on this host, or NULL
 * @route: the way of TCP to @addr
 * @route_error: 0, or why there is none
 */
struct facts {
	struct explanation e;
	bool loaded;
	char error[SENTENCE_LEN];
	struct mangle_config config;
	const struct mangle_mapping *mapping;
	const struct mangle_mapping *at;
	const struct mangle_mapping *own;
	struct list mappings;
	struct list peers;
	struct roam_prefix range;
	bool in_range;
	size_t n_ranges;
	json_t *counters;
	struct list addrs;
	json_t *lrd;
	json_t *known;
	json_t *registers;
	json_t *hlrd;
	struct host_route route;
	int route_error;
};

/* ---- gathering ---- */

static void note_range(void *ctx, const struct roam_prefix *range)
{
	struct facts *f = ctx;

	f->n_ranges++;
	if (!roam_prefix_contains(range, &f->e.addr) ||
	    (f->in_range && range->len < f->range.len))
		return;
	f->range = *range;
	f->in_range = true;
}

static void note_mappings(struct facts *f)
{
	for (size_t i = 0; i < f->mappings.n; i++) {
		const struct mangle_mapping *m = list_at(&f->mappings, i);
		bool valid = m->state == ROAM_MANGLE_STATE_VALID;

		if (roam_addr_eq(&m->perm, &f->e.addr))
			f->mapping = m;
		else if (valid && roam_addr_eq(&m->coa, &f->e.addr))
			f->at = m;
		if (valid && m->role == ROAM_MANGLE_ROLE_OWN &&
		    roam_addr_is_v4(&m->perm) == roam_addr_is_v4(&f->e.addr))
			f->own = m;
	}
}

static void gather_module(struct facts *f)
{
	struct genl *genl = mangle_open(NULL);

	if (!genl) {
		if (errno != ENOENT)
			snprintf(f->error, sizeof(f->error), "%s",
				 strerror(errno));
		return;
	}
	if (mangle_config_get(genl, &f->config) ||
	    mangle_range_get(genl, note_range, f) ||
	    mangle_read_mappings(genl, &f->mappings, NULL) ||
	    mangle_read_peers(genl, &f->peers, NULL) ||
	    mangle_read_stats(genl, &f->counters)) {
		f->counters = NULL;
		snprintf(f->error, sizeof(f->error), "%s", genl_error(genl));
		genl_close(genl);
		return;
	}
	genl_close(genl);
	f->loaded = true;
	note_mappings(f);
}

/* The objects of an answer that are about the address; takes the reference. */
static json_t *about(const struct facts *f, json_t *rows)
{
	json_t *found = json_array(), *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		const char *perm = json_string_value(json_object_get(row,
								     "permanent"));

		if (perm && !strcmp(perm, f->e.text))
			json_array_append(found, row);
	}
	json_decref(rows);
	return found;
}

/* Just the first of them, or NULL. */
static json_t *first(json_t *rows)
{
	json_t *row = json_incref(json_array_get(rows, 0));

	json_decref(rows);
	return row;
}

static json_t *args_of(const struct facts *f)
{
	return json_pack("{ss}", "permanent", f->e.text);
}

static void gather_daemons(struct facts *f)
{
	f->lrd = client_ask("lrd", "status", NULL);
	f->known = first(about(f, client_ask("lrd", "show", args_of(f))));
	f->registers = about(f, client_ask("lrd", "registers", NULL));
	f->hlrd = first(about(f, client_ask("hlrd", "show", args_of(f))));
}

static void gather(struct facts *f)
{
	gather_module(f);
	gather_daemons(f);
	f->addrs = host_addrs();
	f->route_error = host_route(&f->e.addr, NULL, IPPROTO_TCP, &f->route);
}

static void release(struct facts *f)
{
	list_free(&f->mappings);
	list_free(&f->peers);
	list_free(&f->addrs);
	json_decref(f->counters);
	json_decref(f->lrd);
	json_decref(f->known);
	json_decref(f->registers);
	json_decref(f->hlrd);
}

/* ---- sentences ---- */

/* With the facts in place of the explanation in them. */
#define say(f, ...) explain_say(&(f)->e, __VA_ARGS__)
#define advise(f, ...) explain_advise(&(f)->e, __VA_ARGS__)

void explain_say(struct explanation *e, const char *fmt, ...)
{
	char text[SENTENCE_LEN];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_array_append_new(e->sentences, json_string(text));
}

void explain_advise(struct explanation *e, const char *fix, const char *fmt,
		    ...)
{
	char text[SENTENCE_LEN];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	json_array_append_new(e->next, json_pack("{ss ss}", "problem", text,
						 "fix", fix));
}

static const char *duration(double seconds)
{
	static char texts[4][OUTPUT_DURATION_LEN];
	static unsigned int turn;
	char *text = texts[turn++ % 4];

	output_duration(seconds, text, OUTPUT_DURATION_LEN);
	return text;
}

static const char *name(const struct roam_addr *addr)
{
	static char texts[4][ROAM_ADDR_STRLEN];
	static unsigned int turn;

	return roam_addr_format(addr, texts[turn++ % 4]);
}

static const char *string_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "unknown";
}

/* The prefix that takes the address out of all rewriting, or NULL. */
static const struct roam_prefix *exempt_prefix(const struct facts *f)
{
	const struct mangle_exempt *e = &f->config.exempt;

	for (size_t i = 0; i < e->n_ranges; i++)
		if (roam_prefix_contains(&e->ranges[i], &f->e.addr))
			return &e->ranges[i];
	return NULL;
}

static bool handles_tcp(const struct facts *f)
{
	return !exempt_prefix(f) && mangle_rewrites(&f->config, IPPROTO_TCP);
}

static bool is_literal(const struct mangle_mapping *m)
{
	return m->mode == ROAM_MANGLE_MODE_LITERAL;
}

static bool is_valid(const struct mangle_mapping *m)
{
	return m && m->state == ROAM_MANGLE_STATE_VALID;
}

/* The number of correspondents of an own address, and how many know it. */
static void count_peers(const struct facts *f, const struct roam_addr *own,
			int *all, int *told)
{
	*all = *told = 0;
	for (size_t i = 0; i < f->peers.n; i++) {
		const struct mangle_peer *p = list_at(&f->peers, i);

		if (!roam_addr_eq(&p->own, own))
			continue;
		++*all;
		*told += p->told;
	}
}

static void explain_registers(struct facts *f)
{
	json_t *row;
	size_t i;

	json_array_foreach(f->registers, i, row) {
		const char *reg = string_of(row, "register");
		json_t *expires = json_object_get(row, "expires_in");
		json_int_t seq;

		seq = json_integer_value(json_object_get(row, "sequence"));
		if (json_is_true(json_object_get(row, "registered"))) {
			say(f, "The register %s knows that, under sequence %" JSON_INTEGER_FORMAT ", for another %s.",
			    reg, seq, json_is_number(expires) ?
			    duration(json_number_value(expires)) : "while");
			continue;
		}
		say(f, "The register %s has not confirmed that (last answer: %s).",
		    reg, json_is_string(json_object_get(row, "last_status")) ?
			 string_of(row, "last_status") : "none");
		if (json_is_true(json_object_get(row, "translated")))
			say(f, "It saw %s instead: there is a translator (NAT) on the way, so connections pass unchanged and do not survive a move.",
			    string_of(row, "seen"));
		advise(f, "roam lr registers; journalctl -u roam-lrd -e",
		       "The register %s does not know where this host is, so new correspondents do not find it.",
		       reg);
	}
}

static void explain_own(struct facts *f)
{
	const struct host_addr *entry = host_addr_find(&f->addrs, &f->e.addr);
	int all, told;

	say(f, "It is a permanent address of this host%s%s.",
	    entry ? ", on " : "", entry ? entry->device : "");
	if (!entry)
		advise(f, "systemctl restart roam-lrd",
		       "%s is on no link of this host, so no program can use it.",
		       f->e.text);
	if (!is_valid(f->mapping) ||
	    roam_addr_eq(&f->mapping->perm, &f->mapping->coa)) {
		say(f, "The host is at home: packets of this address are not rewritten.");
	} else {
		json_t *moved = json_object_get(f->lrd, "moved");

		say(f, "The host is away; its care-of address is %s%s%s.",
		    name(&f->mapping->coa),
		    json_is_number(moved) ? ", for " : "",
		    json_is_number(moved) ?
		    duration(json_number_value(moved)) : "");
		if (is_literal(f->mapping))
			say(f, "Sent: TCP from %s keeps its source (literal mode).",
			    f->e.text);
		else
			say(f, "Sent: TCP from %s leaves with the source %s (hook LOCAL_OUT, after all other hooks).",
			    f->e.text, name(&f->mapping->coa));
		say(f, "Received: TCP to %s becomes TCP to %s (hook PRE_ROUTING, before conntrack), unless the connection was made to %s itself.",
		    name(&f->mapping->coa), f->e.text, name(&f->mapping->coa));
	}
	explain_registers(f);
	count_peers(f, &f->e.addr, &all, &told);
	if (all)
		say(f, "%d of %d correspondents know%s where it is.", told, all,
		    told == 1 ? "s" : "");
	else
		say(f, "No correspondent has been seen lately.");
	if (told < all)
		advise(f, "roam lr peers",
		       "%d correspondent%s not told yet; packets to them wait.",
		       all - told, all - told == 1 ? " is" : "s are");
	if (!host_has_rule(roam_addr_is_v4(&f->e.addr) ? AF_INET : AF_INET6,
			   IPPROTO_TCP))
		advise(f, "systemctl restart roam-lrd",
		       "No rule gives TCP the permanent address as source; new connections begin with another one.");
}

static void explain_left(struct facts *f)
{
	double ago = json_number_value(json_object_get(f->lrd, "moved"));
	double grace = f->config.grace / 1000.0;

	say(f, "It is the care-of address that this host left %s ago.",
	    duration(ago));
	if (f->loaded && ago < grace)
		say(f, "Packets in flight are translated for up to another %s.",
		    duration(grace - ago));
	else
		say(f, "The grace of %s is over: the address means nothing to this host any more.",
		    duration(grace));
}

/* Is this a care-of address that roam-lrd remembers? */
static bool is_left(const struct facts *f)
{
	return !strcmp(string_of(f->lrd, "old_care_of"), f->e.text) ||
	       !strcmp(string_of(f->lrd, "old_care_of6"), f->e.text);
}

static void explain_care_of(struct facts *f)
{
	const struct mangle_mapping *m = f->at;

	if (m->role == ROAM_MANGLE_ROLE_OWN) {
		say(f, "It is the present care-of address of %s, a permanent address of this host.",
		    name(&m->perm));
		say(f, "Received: TCP to it becomes TCP to %s (hook PRE_ROUTING, before conntrack), unless the connection was made to %s itself.",
		    name(&m->perm), f->e.text);
		return;
	}
	say(f, "It is where the mobile host %s is now.", name(&m->perm));
	if (!is_literal(m))
		say(f, "Received: TCP from it becomes TCP from %s (hook PRE_ROUTING, before conntrack), unless the connection was made to %s itself.",
		    name(&m->perm), f->e.text);
	say(f, "Sent: TCP to it leaves as it is. Such a connection ends when the mobile host moves; one to %s goes on.",
	    name(&m->perm));
}

static void explain_lifetime(struct facts *f)
{
	const struct mangle_mapping *m = f->mapping;

	say(f, "That holds for %s%s; its last packet was %s ago (sequence %llu).",
	    m->lifetime ? "another " : "ever",
	    m->lifetime ? duration(m->lifetime / 1000.0) : "",
	    duration(m->idle / 1000.0), (unsigned long long)m->seq);
	if (json_is_true(json_object_get(f->known, "pending")))
		say(f, "roam-lrd is asking the register about it again.");
}

static void explain_remote(struct facts *f)
{
	const struct mangle_mapping *m = f->mapping;

	if (!is_valid(m)) {
		say(f, "It is in the prefix of permanent addresses, but no mobile host: the register knows of no mobile host at that address, so packets leave as they are.");
		if (m->lifetime)
			say(f, "The register is asked again in %s.",
			    duration(m->lifetime / 1000.0));
		return;
	}
	say(f, "It is the permanent address of a mobile host, which is at %s.",
	    name(&m->coa));
	explain_lifetime(f);
	say(f, "Sent: TCP to %s leaves to %s (hook LOCAL_OUT, after all other hooks).",
	    f->e.text, name(&m->coa));
	if (is_literal(m))
		say(f, "Received: TCP from %s comes with that source (literal mode).",
		    f->e.text);
	else
		say(f, "Received: TCP from %s becomes TCP from %s (hook PRE_ROUTING, before conntrack), unless the connection was made to %s itself.",
		    name(&m->coa), f->e.text, name(&m->coa));
}

static bool is_pending(const struct facts *f)
{
	return (f->mapping &&
		f->mapping->state == ROAM_MANGLE_STATE_PENDING) ||
	       json_is_true(json_object_get(f->known, "pending"));
}

/* In a prefix, and nothing in the table. */
static void explain_unknown(struct facts *f)
{
	const char *policy = f->config.hold_policy ==
			     ROAM_MANGLE_HOLD_POLICY_DROP ? "are dropped" :
			     "leave as they are";

	if (is_pending(f)) {
		say(f, "It is unknown as yet: roam-lrd is asking the register.");
	} else if (f->lrd) {
		say(f, "It is unknown as yet: the first packet makes roam-lrd ask the register.");
	} else {
		say(f, "It is unknown, and nobody can be asked: packets leave as they are, at once.");
		advise(f, "systemctl start roam-lrd",
		       "roam-lrd is not running, so nobody finds out where %s is.",
		       f->e.text);
		return;
	}
	say(f, "Sent: up to %u packets wait for the answer, up to %s; after that they %s.",
	    f->config.hold_packets, duration(f->config.hold_time / 1000.0),
	    policy);
}

static void explain_outside(struct facts *f)
{
	if (!f->n_ranges)
		say(f, "No prefix of permanent addresses is set on this host: TCP to %s is not looked at and leaves with its destination as it is.",
		    f->e.text);
	else
		say(f, "It is in none of the prefixes of permanent addresses (%zu here): TCP to it is not looked at and leaves with its destination as it is.",
		    f->n_ranges);
	/* Who is known otherwise needs no prefix here. */
	if (json_array_size(f->e.objects))
		return;
	if (!f->own || !f->n_ranges)
		advise(f, "list its prefix at 'permanent' in /etc/roam/lrd.conf, then: systemctl reload roam-lrd",
		       "If %s is the permanent address of a mobile host, its prefix is missing here.",
		       f->e.text);
}

static void explain_peer(struct facts *f, const struct mangle_peer *p)
{
	static const char *const modes[] = {
		[ROAM_MANGLE_PEER_MODE_SEEN] =
			"It has exchanged TCP with %s; whether it runs roam is not known yet.",
		[ROAM_MANGLE_PEER_MODE_ROAM] =
			"It is a correspondent of %s and runs roam: connections with it survive a move.",
		[ROAM_MANGLE_PEER_MODE_PLAIN] =
			"It is a plain correspondent of %s, without roam: connections with it end when this host moves.",
		[ROAM_MANGLE_PEER_MODE_ANNOUNCED] =
			"It is a correspondent of %s and was told where this host is now, but has not confirmed it.",
	};
	char text[SENTENCE_LEN];

	if (p->mode >= sizeof(modes) / sizeof(modes[0]))
		return;
	snprintf(text, sizeof(text), modes[p->mode], name(&p->own));
	say(f, "%s Its last packet was %s ago.", text,
	    duration(p->idle / 1000.0));
	if (p->told || p->mode == ROAM_MANGLE_PEER_MODE_PLAIN)
		return;
	if (p->mode == ROAM_MANGLE_PEER_MODE_ANNOUNCED)
		say(f, "Sent: for one second, connections that are open go on as if it had confirmed; new ones wait for its confirmation.");
	else
		say(f, "Sent: it does not know the present care-of address yet, so packets to it wait for its confirmation.");
	advise(f, "roam lr peers; roam lr counters",
	       "%s has not confirmed where this host is.", f->e.text);
}

/* A destination as the correspondent of an own permanent address. */
static void explain_peers(struct facts *f)
{
	bool seen = false;

	for (size_t i = 0; i < f->peers.n; i++) {
		const struct mangle_peer *p = list_at(&f->peers, i);

		if (!roam_addr_eq(&p->addr, &f->e.addr))
			continue;
		seen = true;
		explain_peer(f, p);
	}
	if (!seen && f->own && !f->route_error && !f->route.local) {
		if (f->lrd)
			say(f, "It is no correspondent of this host yet: the first packet waits while roam-lrd tells it where %s is; if it does not confirm, it is plain.",
			    name(&f->own->perm));
		else
			say(f, "It is no correspondent of this host yet, and nobody tells it where %s is: its connections end when this host moves.",
			    name(&f->own->perm));
	}
}

static void explain_register_here(struct facts *f)
{
	if (f->hlrd)
		say(f, "The register on this host has it at %s for another %s.",
		    string_of(f->hlrd, "care_of"),
		    duration(json_number_value(json_object_get(f->hlrd,
							       "expires_in"))));
}

/* ---- the way out ---- */

static bool is_tunnelled(const struct facts *f)
{
	json_t *object;
	size_t i;

	json_array_foreach(f->e.objects, i, object)
		if (!strcmp(json_string_value(object), "tunnel"))
			return true;
	return false;
}

/* What the packet carries on the wire, and by where it leaves. */
static json_t *explain_way(struct facts *f)
{
	bool own = f->own && roam_addr_eq(&f->route.src, &f->own->perm) &&
		   handles_tcp(f);
	bool to = f->mapping && is_valid(f->mapping) &&
		  f->mapping->role == ROAM_MANGLE_ROLE_REMOTE && f->in_range &&
		  handles_tcp(f);
	struct roam_addr src = own && !is_literal(f->own) ? f->own->coa :
							    f->route.src;
	struct roam_addr dst = to ? f->mapping->coa : f->e.addr;
	struct host_route way = f->route;
	const char *verdict;
	int err;

	err = to ? host_route(&dst, own ? &src : NULL, IPPROTO_TCP, &way) : 0;
	own = own && !is_literal(f->own);
	if (f->route.local)
		verdict = "local";
	else if (err)
		verdict = "no-route";
	else
		verdict = own || to ? "rewritten" : "unchanged";
	if (!strcmp(verdict, "local")) {
		say(f, "TCP to it stays on this host.");
	} else {
		say(f, "A new connection to it takes the source %s (table %u).",
		    name(&f->route.src), f->route.table);
		if (err) {
			char fix[ROAM_ADDR_STRLEN + 32];

			say(f, "There is no route to %s: packets are dropped and counted (drop-no-route).",
			    name(&dst));
			snprintf(fix, sizeof(fix), "ip route get %s",
				 name(&dst));
			advise(f, fix,
			       "No route leads to %s, where %s is.",
			       name(&dst), f->e.text);
		} else {
			say(f, is_tunnelled(f) ?
			    "By routes alone it is %s to %s, by %s%s%s; what the module of tunnels has for it comes first." :
			    "On the wire it is %s to %s, by %s%s%s.",
			    name(&src), name(&dst), way.device,
			    roam_addr_is_none(&way.gateway) ? "" : " via ",
			    roam_addr_is_none(&way.gateway) ? "" :
							      name(&way.gateway));
		}
	}
	if (f->own && !f->route.local && handles_tcp(f) &&
	    !roam_addr_eq(&f->route.src, &f->own->perm))
		advise(f, "ip rule show; systemctl restart roam-lrd",
		       "New connections to %s take %s as source, not the permanent address %s, and end when this host moves.",
		       f->e.text, name(&f->route.src), name(&f->own->perm));
	return json_pack("{ss so so so so ss so sI}",
			 "verdict", verdict,
			 "source", json_addr(&f->route.src),
			 "destination", json_addr(&f->e.addr),
			 "wire_source", json_addr(&src),
			 "wire_destination", json_addr(&dst),
			 "device", way.device,
			 "gateway", json_addr(&way.gateway),
			 "table", (json_int_t)f->route.table);
}

static json_t *explain_route(struct facts *f)
{
	char fix[ROAM_ADDR_STRLEN + 64];

	if (!f->route_error)
		return explain_way(f);
	snprintf(fix, sizeof(fix), "ip route get %s ipproto tcp", f->e.text);
	say(f, "This host has no route to it: %s.", strerror(-f->route_error));
	advise(f, fix,
	       "A connection to %s fails before anything is rewritten; a default route is enough.",
	       f->e.text);
	return json_null();
}

void explain_claim(struct explanation *e, const char *object)
{
	json_array_append_new(e->objects, json_string(object));
}

bool explain_is(const struct explanation *e, const json_t *value)
{
	const char *text = json_string_value(value);
	struct roam_addr addr;

	return text && roam_addr_parse(text, &addr) &&
	       roam_addr_eq(&addr, &e->addr);
}

/* ---- the whole ---- */

/* enum-like word for programs; what the sentences are about. */
static const char *explain_role(struct facts *f)
{
	if (!roam_addr_is_usable(&f->e.addr)) {
		say(f, "It is not the address of one host; roam leaves its packets alone.");
		return "unusable";
	}
	if (!f->loaded) {
		say(f, "Nothing is rewritten: the kernel module roam_mangle %s%s.",
		    *f->error ? "does not answer: " : "is not loaded",
		    f->error);
		if (json_array_size(f->e.objects) && !*f->error)
			return "no-module";
		advise(f, *f->error ? "run it as root" : "modprobe roam_mangle",
		       "The module roam_mangle %s.",
		       *f->error ? "cannot be asked" : "is not loaded");
		return "no-module";
	}
	if (f->in_range) {
		char text[ROAM_PREFIX_STRLEN];

		say(f, "It is in %s, a prefix of permanent addresses.",
		    roam_prefix_format(&f->range, text));
	}
	if (exempt_prefix(f)) {
		char text[ROAM_PREFIX_STRLEN];

		say(f, "It is in %s, and what goes there or comes from there is never rewritten (exempt-prefix).",
		    roam_prefix_format(exempt_prefix(f), text));
		return "exempt";
	}
	if (!handles_tcp(f)) {
		say(f, "TCP is not among the protocols that the module rewrites; what follows does not happen.");
		advise(f, "roam mangle config set protocol tcp",
		       "The module leaves TCP alone.");
	}
	if (f->mapping && f->mapping->role == ROAM_MANGLE_ROLE_OWN) {
		explain_own(f);
		return "own-permanent";
	}
	if (f->mapping && f->mapping->state != ROAM_MANGLE_STATE_PENDING) {
		explain_remote(f);
		return is_valid(f->mapping) ? "mobile" : "null";
	}
	if (f->at) {
		explain_care_of(f);
		return f->at->role == ROAM_MANGLE_ROLE_OWN ?
		       "own-care-of" : "care-of";
	}
	if (is_left(f)) {
		explain_left(f);
		return "left-care-of";
	}
	if (!f->route_error && f->route.local) {
		const struct host_addr *entry;

		entry = host_addr_find(&f->addrs, &f->e.addr);
		say(f, "It is an address of this host%s%s, and no care-of address of a permanent one.",
		    entry ? ", on " : "", entry ? entry->device : "");
		return "local";
	}
	if (f->in_range) {
		explain_unknown(f);
		return is_pending(f) ? "pending" : "unknown";
	}
	explain_outside(f);
	return "outside";
}

/* Drops are counted for all addresses together; still a hint where to look. */
static void explain_drops(struct facts *f)
{
	json_int_t sum = 0, most = 0;
	const char *key, *reason = "";
	json_t *value;

	json_object_foreach(f->counters, key, value) {
		json_int_t n = json_integer_value(value);

		if (strncmp(key, "drop_", 5))
			continue;
		sum += n;
		if (n <= most)
			continue;
		most = n;
		reason = key;
	}
	if (sum)
		say(f, "The module has dropped %lld packets of all addresses so far, most of them (%lld) as %s; see roam mangle stats.",
		    (long long)sum, (long long)most, reason);
}

/* Somebody has to keep alive what the module holds. */
static void explain_daemon(struct facts *f)
{
	if (f->lrd || !f->loaded || !f->mapping || !f->mapping->lifetime)
		return;
	if (f->mapping->role == ROAM_MANGLE_ROLE_OWN || is_valid(f->mapping))
		advise(f, "systemctl start roam-lrd",
		       "roam-lrd is not running: what is said here ends in %s, or with the next move.",
		       duration(f->mapping->lifetime / 1000.0));
}

static json_t *matching_peers(const struct facts *f)
{
	json_t *array = json_array();

	for (size_t i = 0; i < f->peers.n; i++) {
		const struct mangle_peer *p = list_at(&f->peers, i);

		if (roam_addr_eq(&p->addr, &f->e.addr))
			json_array_append_new(array, mangle_json_peer(p));
	}
	return array;
}

/* The objects that have something to do with the address say so first. */
static void explain_objects(struct facts *f)
{
	const struct module_entry *module;
	const struct daemon_entry *daemon;

	for (size_t i = 0; (module = module_at(i)); i++)
		if (module->explain)
			module->explain(&f->e);
	for (size_t i = 0; (daemon = daemon_at(i)); i++)
		if (daemon->explain)
			daemon->explain(&f->e);
}

static json_t *explain(struct facts *f)
{
	json_t *outgoing = json_null();
	char text[ROAM_PREFIX_STRLEN];
	const char *role;

	if (roam_addr_is_usable(&f->e.addr))
		explain_objects(f);
	role = explain_role(f);
	if (strcmp(role, "unusable")) {
		if (f->loaded && strcmp(role, "own-permanent") &&
		    strcmp(role, "exempt"))
			explain_peers(f);
		explain_register_here(f);
		explain_daemon(f);
		outgoing = explain_route(f);
		explain_drops(f);
	}
	return json_pack("{ss ss so so so so so so so so}",
			 "address", f->e.text,
			 "role", role,
			 "objects", f->e.objects,
			 "prefix", f->in_range ?
				json_string(roam_prefix_format(&f->range, text)) :
				json_null(),
			 "mapping", f->mapping || f->at ?
				mangle_json_mapping(f->mapping ? f->mapping :
								 f->at) :
				json_null(),
			 "correspondents", matching_peers(f),
			 "registers", json_incref(f->registers),
			 "outgoing", outgoing,
			 "sentences", f->e.sentences,
			 "next", f->e.next);
}

static void print_explanation(json_t *object)
{
	json_t *item;
	size_t i;

	output_line(0, json_string_value(json_object_get(object, "address")));
	json_array_foreach(json_object_get(object, "sentences"), i, item)
		output_line(2, json_string_value(item));
	json_array_foreach(json_object_get(object, "next"), i, item) {
		output_line(0, i ? "" : "What to do:");
		output_line(2, string_of(item, "problem"));
		output_line(4, string_of(item, "fix"));
	}
}

static int explain_run(int argc, char **argv)
{
	struct facts f = {
		.mappings = LIST_OF(struct mangle_mapping),
		.peers = LIST_OF(struct mangle_peer),
	};

	if (!argc)
		return fail(ROAM_USAGE, "roam explain 203.0.113.5",
			    "roam explain: give an address");
	if (argc > 1)
		return fail(ROAM_USAGE, "roam explain help",
			    "'%s' is one word too many", argv[1]);
	if (!roam_addr_parse(argv[0], &f.e.addr))
		return fail(ROAM_USAGE, "give an address such as 203.0.113.5",
			    "'%s' is no IP address", argv[0]);
	roam_addr_format(&f.e.addr, f.e.text);
	f.e.objects = json_array();
	f.e.sentences = json_array();
	f.e.next = json_array();
	gather(&f);
	output_text(explain(&f), print_explanation);
	release(&f);
	return ROAM_OK;
}

static const struct command explain_object = {
	.name = "explain",
	.args = "ADDRESS",
	.help = "what happens with TCP to and from an address, and why",
	.live = mangle_complete_perms,
	.run = explain_run,
};
ROAM_OBJECT(explain_object)
