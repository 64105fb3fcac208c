// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where this host is.
 *
 * The care-of address is the source address that the kernel chooses towards
 * the first register: whoever configures addresses and routes (any DHCP
 * client, an administrator, roam-drcpd) decides it by doing just that.
 *
 * Permanent addresses live on a dummy link. TCP shall use them as source and
 * nothing else shall, since only what the module rewrites can use them away
 * from home. So a rule sends lookups for TCP to a table of our own that
 * mirrors the main one with the permanent address as preferred source; the
 * kernel's connect-time lookup carries the protocol, all others' do not match.
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

static char *own_addresses(struct lrd *lrd)
{
	const struct config *config = lrd->config;
	char addr[ROAM_ADDR_STRLEN];
	unsigned int index;
	int err;

	err = rtnl_dummy_ensure(lrd->rtnl, config->device, &index);
	if (err)
		return daemon_error("cannot make the link %s for the permanent address: %s",
				    config->device, strerror(-err));
	for (size_t i = 0; i < config->n_own; i++) {
		err = rtnl_addr_add(lrd->rtnl, index, &config->own[i]);
		if (err)
			return daemon_error("cannot put %s on %s: %s",
					    roam_addr_format(&config->own[i],
							     addr),
					    config->device, strerror(-err));
	}
	return NULL;
}

static void keep_rule(struct lrd *lrd)
{
	const struct config *config = lrd->config;
	int ret;

	ret = rtnl_table_mirror(lrd->rtnl, config->table, &config->own[0]);
	if (ret < 0)
		log_warning("cannot keep route table %u: %s", config->table,
			    strerror(-ret));
	ret = rtnl_rule_ensure(lrd->rtnl, config->priority, IPPROTO_TCP,
			       config->table);
	if (ret < 0)
		log_warning("cannot keep rule %u: %s", config->priority,
			    strerror(-ret));
}

static struct roam_addr care_of(struct lrd *lrd)
{
	struct roam_addr src, none = { { 0 } };

	for (size_t i = 0; i < lrd->config->n_registers; i++)
		if (!rtnl_route_get(lrd->rtnl, &lrd->config->registers[i].addr,
				    &src, NULL))
			return src;
	return none;
}

static void on_look(uv_timer_t *timer);

static void look(struct lrd *lrd)
{
	char *error = own_addresses(lrd);
	struct roam_addr coa;

	if (error)
		log_warning("%s", error);
	free(error);
	keep_rule(lrd);
	coa = care_of(lrd);
	if (!roam_addr_eq(&coa, &lrd->coa)) {
		/* Between networks there is none; that is no place to remember. */
		if (!roam_addr_is_none(&lrd->coa))
			lrd->old_coa = lrd->coa;
		lrd->coa = coa;
		lrd->moved = daemon_now();
		lrd->counters.moves++;
	}
	mobile_set_coa(lrd->mobile, daemon_now(), &coa);
	uv_timer_start(&lrd->look, on_look, LOOK_LATER, 0);
	lrd_kick(lrd);
}

static void on_look(uv_timer_t *timer)
{
	look(timer->data);
}

static void on_change(uv_poll_t *poll, int status, int events)
{
	struct lrd *lrd = poll->data;

	(void)status;
	(void)events;
	if (!rtnl_watch_read(lrd->watch))
		return;
	/* A new address comes with routes a moment later: look once for all. */
	uv_update_time(lrd->loop);
	uv_timer_start(&lrd->look, on_look, LOOK_SOON, 0);
}

char *place_apply(struct lrd *lrd)
{
	char *error;

	if (!lrd->mobile)
		return NULL;
	/* What cannot be done now ends the start; later looks only warn. */
	error = own_addresses(lrd);
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
	uv_close((uv_handle_t *)&lrd->look, NULL);
	uv_close((uv_handle_t *)&lrd->watch_poll, on_watch_closed);
	rtnl_close(lrd->rtnl);
}
