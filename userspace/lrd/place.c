// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where this host is, and that TCP uses the permanent address.
 *
 * The care-of address of a family is the source that the kernel chooses towards
 * the first register of that family (host/place.h). Without such a register the
 * prefixes of the permanent addresses stand for it. The permanent addresses are
 * on a dummy link, and rules give them to TCP (rtnl/tcp.h); each look puts back
 * what is missing of both.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "io/daemon.h"
#include "io/log.h"
#include "lrd/lrd.h"
#include "rtnl/addr.h"
#include "rtnl/link.h"
#include "rtnl/tcp.h"

/* Our permanent address of a family, or NULL. */
static const struct roam_addr *own_of(const struct config *config, int family)
{
	for (size_t i = 0; i < config->n_own; i++)
		if (rtnl_family(&config->own[i]) == family)
			return &config->own[i];
	return NULL;
}

static char *own_addresses(const struct lrd *lrd)
{
	struct rtnl *rtnl = host_place_rtnl(lrd->where);
	const struct config *config = lrd->config;
	char addr[ROAM_ADDR_STRLEN];
	unsigned int index;
	int err;

	err = rtnl_dummy_ensure(rtnl, config->device, &index);
	if (err)
		return daemon_error("cannot make the link %s for the permanent address: %s",
				    config->device, strerror(-err));
	for (size_t i = 0; i < config->n_own; i++) {
		err = rtnl_addr_add(rtnl, index, &config->own[i]);
		if (err)
			return daemon_error("cannot put %s on %s: %s",
					    roam_addr_format(&config->own[i],
							     addr),
					    config->device, strerror(-err));
	}
	return NULL;
}

static void keep_rules(const struct lrd *lrd)
{
	static const int families[] = { AF_INET, AF_INET6 };
	const struct mangle_exempt *exempt = &lrd->exempt;
	struct rtnl_tcp tcp = {
		.table = lrd->config->table,
		.priority = lrd->config->priority,
		.ports = exempt->ports,
		.n_ports = exempt->n_ports,
		.mark = exempt->mark,
		.mask = exempt->mask,
		.ranges = exempt->ranges,
		.n_ranges = exempt->n_ranges,
		.leaving = lrd->stopping,
	};
	const struct host_places *places = host_place_get(lrd->where);

	for (size_t i = 0; i < 2; i++) {
		tcp.oif = families[i] == AF_INET ? places->link4 : places->link6;
		rtnl_tcp_keep(host_place_rtnl(lrd->where), families[i],
			      own_of(lrd->config, families[i]), &tcp);
	}
}

/* As it was before us (README, "The way back"). */
static void withdraw(struct lrd *lrd)
{
	struct rtnl *rtnl = host_place_rtnl(lrd->where);
	unsigned int index = rtnl_link_index(lrd->config->device);
	int ret = 0;

	/* On a link that somebody else made the addresses are ours alone. */
	for (size_t i = 0; index && ret >= 0 && i < lrd->config->n_own; i++)
		ret = rtnl_addr_del(rtnl, index, &lrd->config->own[i]);
	if (ret >= 0)
		ret = rtnl_tcp_withdraw(rtnl);
	if (ret < 0)
		log_warning("cannot take back the rules of TCP, its table %u and %s: %s",
			    lrd->config->table, lrd->config->device, strerror(-ret));
	else if (ret)
		log_notice("rules, table and link of TCP are taken back");
}

static void restore(void *ctx)
{
	struct lrd *lrd = ctx;
	char *error = NULL;

	if (lrd->left || !kernel_is_there(lrd)) {
		withdraw(lrd);
		return;
	}
	error = own_addresses(ctx);

	if (error)
		log_warning("%s", error);
	free(error);
	keep_rules(ctx);
}

static bool own(void *ctx, int family, struct roam_addr *addr)
{
	const struct lrd *lrd = ctx;
	const struct roam_addr *found = own_of(lrd->config, family);

	if (found)
		*addr = *found;
	return found;
}

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

static bool target(void *ctx, int family, size_t i, struct roam_addr *to)
{
	const struct lrd *lrd = ctx;
	const struct config *config = lrd->config;
	const struct roam_addr *own = own_of(config, family);
	bool any = false;

	for (size_t r = 0; own && r < lrd->n_registers; r++) {
		if (rtnl_family(&lrd->registers[r].addr) != family)
			continue;
		any = true;
		*to = lrd->registers[r].addr;
		if (!i--)
			return true;
	}
	for (size_t p = 0; own && !any && p < config->n_permanent; p++) {
		if (rtnl_family(&config->permanent[p].addr) != family)
			continue;
		*to = somebody_in(&config->permanent[p], own);
		if (!i--)
			return true;
	}
	return false;
}

static void look(void *ctx, const struct roam_place *place, bool moved)
{
	struct lrd *lrd = ctx;

	if (!lrd->left)
		mobile_set_coa(lrd->mobile, daemon_now(), place);
	/* The name servers of the network just left say nothing now. */
	if (moved)
		registers_look(lrd);
	lrd_kick(lrd);
}

static const struct host_place_ops ops = {
	.target = target,
	.own = own,
	.restore = restore,
	.look = look,
};

void place_look(struct lrd *lrd)
{
	if (lrd->mobile && lrd->where)
		host_place_look(lrd->where);
}

char *place_apply(struct lrd *lrd)
{
	char *error;

	if (!lrd->mobile)
		return NULL;
	host_place_set_device(lrd->where, lrd->config->device);
	/* A failure ends the start of the daemon; a later one is only a warning. */
	error = own_addresses(lrd);
	if (!error)
		host_place_look(lrd->where);
	return error;
}

char *place_start(struct lrd *lrd)
{
	char *error = NULL;

	if (!lrd->mobile)
		return NULL;
	lrd->where = host_place_open(lrd->loop, lrd->config->device, &ops, lrd,
				     &error);
	return lrd->where ? place_apply(lrd) : error;
}

void place_stop(struct lrd *lrd)
{
	if (!lrd->where)
		return;
	lrd->stopping = true;
	if (!lrd->left)
		keep_rules(lrd);
	host_place_close(lrd->where);
	lrd->where = NULL;
}

const struct host_places *place_get(const struct lrd *lrd)
{
	static const struct host_places nowhere;

	return lrd->where ? host_place_get(lrd->where) : &nowhere;
}
