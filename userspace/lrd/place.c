// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where this host is.
 *
 * The care-of address of a family is the source address that the kernel chooses
 * towards the first register of that family that it has a way to: whoever
 * configures addresses and routes (any DHCP client, an administrator,
 * roam-drcpd) decides it by doing just that. Without such a register the prefixes
 * of the permanent addresses stand for it.
 *
 * Permanent addresses live on a dummy link. TCP shall use them as source and
 * nothing else shall, since only what the module rewrites can use them away
 * from home. So a rule sends lookups for TCP to a table of our own that
 * mirrors the main one with the permanent address as preferred source; the
 * kernel's connect-time lookup carries the protocol, all others' do not match.
 * What is exempt from rewriting (TEN-11, OPEN-39, OPEN-40) has rules before that
 * one, which lead to the main table: it gets the care-of address. So have link-local
 * destinations, which are not mirrored.
 *
 * For a moment after a move the main table has ways that the mirror does not have
 * yet. A connection begun then would be bound to the care-of address and break at
 * the next move, without anybody knowing why: a last rule, right before that of the
 * main table, says that there is no way, as it did between the networks (MLR-32).
 *
 * Network managers remove foreign rules and routes when they restart; every
 * look puts back what is missing.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/daemon.h"
#include "io/log.h"
#include "lrd/lrd.h"

#define LOOK_SOON 5		/* ms after a change, to see the rest of it */
#define LOOK_LATER 1000		/* ms, without any (D-21) */

/* Rules of one family: ports both ways, the mark, destinations, link-local ones, and
 * TCP itself with what it may not use. */
#define RULES_MAX (2 * MANGLE_EXEMPT_PORTS + MANGLE_EXEMPT_RANGES + 4)

/* Our permanent address of a family, or NULL. */
static const struct roam_addr *own_of(const struct config *config, int family)
{
	for (size_t i = 0; i < config->n_own; i++)
		if (rtnl_family(&config->own[i]) == family)
			return &config->own[i];
	return NULL;
}

static char *own_addresses(struct lrd *lrd, unsigned int *index)
{
	const struct config *config = lrd->config;
	char addr[ROAM_ADDR_STRLEN];
	int err;

	err = rtnl_dummy_ensure(lrd->rtnl, config->device, index);
	if (err)
		return daemon_error("cannot make the link %s for the permanent address: %s",
				    config->device, strerror(-err));
	for (size_t i = 0; i < config->n_own; i++) {
		err = rtnl_addr_add(lrd->rtnl, *index, &config->own[i]);
		if (err)
			return daemon_error("cannot put %s on %s: %s",
					    roam_addr_format(&config->own[i],
							     addr),
					    config->device, strerror(-err));
	}
	return NULL;
}

/* ---- the rules for TCP ---- */

static struct rtnl_rule *add_rule(struct rtnl_rule *rules, size_t *n,
				  int family, uint32_t priority,
				  uint32_t table)
{
	struct rtnl_rule *rule = &rules[(*n)++];

	rule->family = family;
	rule->ipproto = IPPROTO_TCP;
	rule->priority = priority;
	rule->table = table;
	return rule;
}

static size_t wanted_rules(const struct lrd *lrd, int family,
			   struct rtnl_rule *rules)
{
	const struct mangle_exempt *exempt = &lrd->exempt;
	const struct config *config = lrd->config;
	const uint32_t before = config->priority - 1;
	struct rtnl_rule *rule;
	size_t n = 0;

	for (size_t i = 0; i < exempt->n_ports; i++) {
		rule = add_rule(rules, &n, family, before, RT_TABLE_MAIN);
		rule->dport = exempt->ports[i];
		rule = add_rule(rules, &n, family, before, RT_TABLE_MAIN);
		rule->sport = exempt->ports[i];
	}
	if (exempt->mask) {
		rule = add_rule(rules, &n, family, before, RT_TABLE_MAIN);
		rule->mark = exempt->mark;
		rule->mask = exempt->mask;
	}
	for (size_t i = 0; i < exempt->n_ranges; i++) {
		if (rtnl_family(&exempt->ranges[i].addr) != family)
			continue;
		rule = add_rule(rules, &n, family, before, RT_TABLE_MAIN);
		rule->dst = exempt->ranges[i];
	}
	rule = add_rule(rules, &n, family, before, RT_TABLE_MAIN);
	roam_prefix_parse(family == AF_INET ? "169.254.0.0/16" : "fe80::/10",
			  &rule->dst);
	add_rule(rules, &n, family, config->priority, config->table);
	/* Who is not there cannot mirror: then any way is better than none. */
	if (!lrd->stopping)
		add_rule(rules, &n, family, LAST_PRIORITY, 0);
	return n;
}

static void keep_rules(struct lrd *lrd, int family)
{
	const struct config *config = lrd->config;
	const struct roam_addr *own = own_of(config, family);
	struct rtnl_rule rules[RULES_MAX];
	int ret;

	memset(rules, 0, sizeof(rules));
	if (own)
		ret = rtnl_table_mirror(lrd->rtnl, config->table, own);
	else
		ret = rtnl_table_flush(lrd->rtnl, family, config->table);
	if (ret < 0)
		log_warning("cannot keep route table %u: %s", config->table,
			    strerror(-ret));
	ret = rtnl_rules_keep(lrd->rtnl, family, rules,
			      own ? wanted_rules(lrd, family, rules) : 0);
	if (ret < 0)
		log_warning("cannot keep the rules %u and %u: %s",
			    config->priority - 1, config->priority,
			    strerror(-ret));
}

/* ---- the care-of address ---- */

/* Somebody in @prefix, but not us. */
static struct roam_addr somebody_in(const struct roam_prefix *prefix,
				    const struct roam_addr *own)
{
	struct roam_addr addr = prefix->addr;

	do
		addr.b[15]++;
	while (roam_addr_eq(&addr, own));
	return addr;
}

/* The source towards registers of the family of @own, or all zero. */
static struct roam_addr source_of(struct lrd *lrd, const struct roam_addr *own)
{
	const struct config *config = lrd->config;
	struct roam_addr src, to, none = { { 0 } };
	bool any = false;

	for (size_t i = 0; i < lrd->n_registers; i++) {
		if (rtnl_family(&lrd->registers[i].addr) != rtnl_family(own))
			continue;
		any = true;
		if (!rtnl_route_get(lrd->rtnl, &lrd->registers[i].addr, &src,
				    NULL))
			return src;
	}
	for (size_t i = 0; !any && i < config->n_permanent; i++) {
		if (rtnl_family(&config->permanent[i].addr) != rtnl_family(own))
			continue;
		to = somebody_in(&config->permanent[i], own);
		if (!rtnl_route_get(lrd->rtnl, &to, &src, NULL))
			return src;
	}
	return none;
}

/*
 * Without another address the kernel falls back to that on the dummy link. We
 * are at home (OPEN-22) only where a link to a network has it as well.
 */
static struct roam_addr care_of(struct lrd *lrd, const struct roam_addr *own,
				unsigned int dummy)
{
	struct roam_addr src = source_of(lrd, own), none = { { 0 } };

	if (roam_addr_is_link_local(&src))
		return none;
	if (roam_addr_eq(&src, own) &&
	    rtnl_addr_elsewhere(lrd->rtnl, dummy, own) <= 0)
		return none;
	return src;
}

static struct roam_place where(struct lrd *lrd, unsigned int dummy)
{
	const struct roam_addr *v4 = own_of(lrd->config, AF_INET);
	const struct roam_addr *v6 = own_of(lrd->config, AF_INET6);
	struct roam_place place = { 0 };

	if (v4)
		place.v4 = care_of(lrd, v4, dummy);
	if (v6)
		place.v6 = care_of(lrd, v6, dummy);
	return place;
}

/* False if that is where we were. */
static bool remember(struct lrd *lrd, const struct roam_place *place)
{
	if (!memcmp(place, &lrd->place, sizeof(*place)))
		return false;
	/* Between networks there is none; that is no place to remember. */
	if (!roam_addr_is_none(&lrd->place.v4))
		lrd->before.v4 = lrd->place.v4;
	if (!roam_addr_is_none(&lrd->place.v6))
		lrd->before.v6 = lrd->place.v6;
	lrd->place = *place;
	lrd->moved = daemon_now();
	lrd->counters.moves++;
	return true;
}

static void on_look(uv_timer_t *timer);

static void look(struct lrd *lrd)
{
	struct roam_place place = { 0 };
	unsigned int dummy = 0;
	char *error = own_addresses(lrd, &dummy);

	if (error)
		log_warning("%s", error);
	free(error);
	keep_rules(lrd, AF_INET);
	keep_rules(lrd, AF_INET6);
	place = where(lrd, dummy);
	/* The name servers of the network just left say nothing now. */
	if (remember(lrd, &place))
		registers_look(lrd);
	if (!lrd->left)
		mobile_set_coa(lrd->mobile, daemon_now(), &place);
	uv_timer_start(&lrd->look, on_look, LOOK_LATER, 0);
	lrd_kick(lrd);
}

void place_look(struct lrd *lrd)
{
	if (lrd->mobile && lrd->watch >= 0)
		look(lrd);
}

static void on_look(uv_timer_t *timer)
{
	look(timer->data);
}

/*
 * Connections stand still until the correspondents know the new place, so they
 * hear of it at once, and rules and tables follow. Between networks a place is
 * often missing for a moment only: what vanished is left to the next look.
 */
static void arrive(struct lrd *lrd)
{
	struct roam_place place = lrd->place, seen;

	seen = where(lrd, rtnl_link_index(lrd->config->device));
	if (!roam_addr_is_none(&seen.v4))
		place.v4 = seen.v4;
	if (!roam_addr_is_none(&seen.v6))
		place.v6 = seen.v6;
	if (lrd->left || !remember(lrd, &place))
		return;
	mobile_set_coa(lrd->mobile, daemon_now(), &place);
	keep_rules(lrd, AF_INET);
	keep_rules(lrd, AF_INET6);
	registers_look(lrd);
	lrd_kick(lrd);
}

static void on_change(uv_poll_t *poll, int status, int events)
{
	struct lrd *lrd = poll->data;

	(void)status;
	(void)events;
	if (!rtnl_watch_read(lrd->watch))
		return;
	uv_update_time(lrd->loop);
	arrive(lrd);
	/* The rest of the change comes a moment later: look once for all. */
	uv_timer_start(&lrd->look, on_look, LOOK_SOON, 0);
}

char *place_apply(struct lrd *lrd)
{
	unsigned int dummy;
	char *error;

	if (!lrd->mobile)
		return NULL;
	/* What cannot be done now ends the start; later looks only warn. */
	error = own_addresses(lrd, &dummy);
	if (!error)
		look(lrd);
	return error;
}

char *place_start(struct lrd *lrd)
{
	char *error = NULL;

	if (!lrd->mobile)
		return NULL;
	lrd->rtnl = rtnl_open(&error);
	if (!lrd->rtnl)
		return error;
	lrd->watch = rtnl_watch_open();
	if (lrd->watch < 0)
		return daemon_error("cannot watch addresses and routes: %s",
				    strerror(errno));
	uv_timer_init(lrd->loop, &lrd->look);
	lrd->look.data = lrd;
	uv_poll_init(lrd->loop, &lrd->watch_poll, lrd->watch);
	lrd->watch_poll.data = lrd;
	uv_poll_start(&lrd->watch_poll, UV_READABLE, on_change);
	return place_apply(lrd);
}

static void on_watch_closed(uv_handle_t *handle)
{
	struct lrd *lrd = handle->data;

	close(lrd->watch);
	lrd->watch = -1;
}

void place_stop(struct lrd *lrd)
{
	if (lrd->watch < 0)
		return;
	lrd->stopping = true;
	keep_rules(lrd, AF_INET);
	keep_rules(lrd, AF_INET6);
	uv_close((uv_handle_t *)&lrd->look, NULL);
	uv_close((uv_handle_t *)&lrd->watch_poll, on_watch_closed);
	rtnl_close(lrd->rtnl);
}
